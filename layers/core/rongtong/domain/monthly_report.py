"""The monthly review's report: one HTML page with its charts as SVG inside, which asks nothing of any other place; and
the same for programs.

It names companies by credit code and masked name, and no persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from rongtong.domain.money import fen_to_yuan
from rongtong.domain.monthly_rules import MonthlyAction, MonthlyRule
from rongtong.domain.rule_record import Outcome, RuleRow

_WIDTH, _BAR, _GAP, _LABEL = 860, 18, 8, 510
_HEIGHT = 200
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --paper: #fff; --line: #c9d1da; --bar: #2f6fa8; --grave: #b3372f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e9ee; --paper: #14191f; --line: #3a444f; --bar: #6aa7dd; --grave: #e8776f; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 900px; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
.bar { fill: var(--bar); } .grave { fill: var(--grave); } strong.grave { color: var(--grave); }
"""
_HEAD = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
)
_OUTCOMES = {
    Outcome.APPROVED: "Approved by a reviewer",
    Outcome.REJECTED: "Rejected",
    Outcome.OPEN: "Still open",
    Outcome.UNDECIDED: "No reviewer decided",
}


@dataclass(frozen=True)
class Reported:
    """A company of which something was found; amounts in fen, of each finding the rule and what was measured."""

    uscc: str
    name: str
    """Masked."""
    action: MonthlyAction
    discounts: int
    fen: int
    findings: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Report:
    """What the page tells. ``months`` has discounts and fen by month, ``found`` the companies by rule."""

    month: str
    made_at: str
    enterprises: int
    companies: int
    restricted: int
    to_review: int
    months: Mapping[str, tuple[int, int]]
    found: Mapping[str, int]
    rules: Mapping[str, MonthlyRule]
    rows: Sequence[Reported]
    rule_rows: Sequence[RuleRow]
    """The risk rules' hits of the month and of the year before it."""


def report_document(report: Report) -> dict[str, Any]:
    """What the page tells, for programs; amounts in fen."""
    return {
        "month": report.month,
        "made_at": report.made_at,
        "enterprises": report.enterprises,
        "companies": report.companies,
        "restricted": report.restricted,
        "to_review": report.to_review,
        "months": {
            month: {"discounts": count, "face_fen": fen} for month, (count, fen) in sorted(report.months.items())
        },
        "companies_by_rule": {rule: report.found.get(rule, 0) for rule in report.rules},
        "risk_rules": [row.as_document() for row in report.rule_rows],
        "rows": [
            {
                "uscc": row.uscc,
                "name": row.name,
                "discounts": row.discounts,
                "face_fen": row.fen,
                "findings": [{"rule": rule, "measured": measured} for rule, measured in row.findings],
                "action": row.action.value,
            }
            for row in report.rows
        ],
    }


def report_html(report: Report) -> str:
    """The page; the same of the same report."""
    title = f"Monthly review {report.month} (每月回溯)"
    parts = [
        f'<!doctype html><html lang="en"><head>{_HEAD}<title>{escape(title)}</title><style>{_STYLE}</style></head>',
        f"<body><h1>{escape(title)}</h1>",
        f"<p>Begun {escape(report.made_at)}. {report.enterprises:,} enterprises of {report.companies:,} companies were "
        f'looked at; <strong class="grave">{report.restricted:,} accounts are restricted</strong>, '
        f"{report.to_review:,} further companies are to be looked at by a person.</p>",
        "<h2>Discounted a month, in yuan</h2>",
        _columns([(month, fen, f"{count:,}") for month, (count, fen) in sorted(report.months.items())]),
        "<p>Above each month: how many discounts were asked for.</p>",
        "<h2>Companies by rule</h2>",
        _bars([(rule.title, report.found.get(rule.id, 0), rule.action) for rule in report.rules.values()]),
        "<h2>Rules in force</h2>",
        _table(
            ("Rule", "What", "From", "Months before", "Severity", "What follows"), map(_rule, report.rules.values())
        ),
        "<h2>How often each risk rule was right</h2>",
        "<p>Hits of the month and of the twelve before it, and their face in yuan. A discount that several rules hit "
        "counts for each of them. What is suggested, two persons may do; nothing changes by itself.</p>",
        _table(("Rule", "Hits from", "Action", "Hits", *_OUTCOMES.values(), "Suggested"), map(_hits, report.rule_rows)),
        f"<h2>Companies, the gravest first ({len(report.rows):,})</h2>",
        _table(("Credit code", "Name", "Discounts", "Yuan", "Found", "What followed"), map(_company, report.rows)),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _columns(months: Sequence[tuple[str, int, str]]) -> str:
    """A column a month; the highest fills the height."""
    most = max((fen for _, fen, _ in months), default=0) or 1
    step = _WIDTH // max(len(months), 1)
    drawn = []
    for at, (month, fen, count) in enumerate(months):
        height, x = fen * _HEIGHT // most, at * step
        top = 20 + _HEIGHT - height
        drawn.append(
            f"<g><title>{escape(month)}: {fen_to_yuan(fen)} yuan</title>"
            f'<rect class="bar" x="{x + 4}" y="{top}" width="{step - 8}" height="{height}"/>'
            f'<text x="{x + step // 2}" y="{top - 5}" text-anchor="middle">{escape(count)}</text>'
            f'<text x="{x + step // 2}" y="{_HEIGHT + 38}" text-anchor="middle">{escape(month)}</text></g>'
        )
    return _svg(_HEIGHT + 46, "Discounted a month", drawn)


def _bars(rules: Sequence[tuple[str, int, MonthlyAction]]) -> str:
    """A bar a rule; the longest fills the width."""
    most = max((count for _, count, _ in rules), default=0) or 1
    room = _WIDTH - _LABEL - 60
    drawn = []
    for at, (title, count, action) in enumerate(rules):
        y, width = at * (_BAR + _GAP), count * room // most
        kind = "grave" if action is MonthlyAction.RESTRICT else "bar"
        drawn.append(
            f'<rect class="{kind}" x="{_LABEL}" y="{y}" width="{width}" height="{_BAR}"/>'
            f'<text x="0" y="{y + 13}">{escape(title)}</text>'
            f'<text x="{_LABEL + 6 + width}" y="{y + 13}">{count:,}</text>'
        )
    return _svg(len(rules) * (_BAR + _GAP), "Companies by rule", drawn)


def _svg(height: int, label: str, drawn: Iterable[str]) -> str:
    box = f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{"".join(drawn)}</svg>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    shown = ["".join(f"<th>{escape(one)}</th>" for one in head)]
    shown += ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in shown) + "</table>"


def _rule(rule: MonthlyRule) -> Sequence[str]:
    further = "".join(f"<br>{escape(name)}: {value:,}" for name, value in rule.further.items())
    action = rule.action.value if rule.enabled else "off"
    window = "" if rule.window is None else f"{rule.window}"
    from_on = f"{rule.threshold:,} {escape(rule.unit)}{further}"
    return (escape(rule.id), escape(rule.title), from_on, window, rule.severity.value, action)


def _hits(row: RuleRow) -> Sequence[str]:
    from_on = "other thresholds" if row.threshold is None else f"{row.threshold:,} {escape(row.unit)}"
    every = (row.hits, sum(fen for _, fen in row.counts.values()))
    cells = [f"{count:,}<br>{fen_to_yuan(fen)}" for count, fen in (every, *(row.counts[one] for one in _OUTCOMES))]
    return (f"{escape(row.rule)}<br>{escape(row.title)}", from_on, row.action, *cells, escape(row.suggestion() or ""))


def _company(row: Reported) -> Sequence[str]:
    found = "<br>".join(f"{escape(rule)}: {measured:,}" for rule, measured in row.findings)
    action = row.action.value
    shown = f'<strong class="grave">{action}</strong>' if row.action is MonthlyAction.RESTRICT else action
    return (escape(row.uscc), escape(row.name), f"{row.discounts:,}", fen_to_yuan(row.fen), found, shown)
