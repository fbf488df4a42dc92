"""The demo's figures as pictures: one HTML file with inline SVG, nothing fetched from anywhere."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

from measure import Cost
from submit import Outcome
from summary import example

_WIDTH = 860
_BARS = 24
_COLOURS = {"disbursed": "#2f7d4f", "refused": "#b2452f", "in_review": "#c08a1e", "failed": "#5b2a86"}
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;padding:0 1em;color:#222}
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}svg text{font:12px system-ui,sans-serif;fill:#333}
table{border-collapse:collapse}td,th{padding:.2em .8em;border-bottom:1px solid #ddd;text-align:left}
td:last-child{text-align:right}"""


def render(summary: dict[str, Any], outcomes: list[Outcome], drawn: list[tuple[str, Outcome, Cost]]) -> str:
    """The whole page; ``drawn`` are the discounts whose steps are shown, each under its title."""
    seconds = sorted(outcome.seconds for outcome in outcomes if outcome.outcome == "disbursed")
    rows = "".join(f"<tr><td>{escape(key)}</td><td>{value:,}</td></tr>" for key, value in summary.items())
    parts = [
        f"<h1>{summary['bills']} bills: {summary['disbursed']} paid, {summary['refused']} refused, "
        f"{summary['in_review']} in review, {summary['failed']} failed</h1>",
        "<h2>From acceptance to money out (seconds)</h2>",
        _histogram(seconds, summary),
        "<h2>Outcomes and their reasons</h2>",
        _outcomes(outcomes),
    ]
    for title, shown, cost in drawn:
        parts += [
            f"<h2>{escape(title)}, step by step (milliseconds)</h2>",
            f"<p>{escape(example(shown))}</p>",
            _steps(cost),
        ]
    parts.append(f"<h2>All figures</h2><table>{rows}</table>")
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><title>RongTong: one run</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _histogram(seconds: list[float], summary: dict[str, Any]) -> str:
    if not seconds:
        return "<p>No bill was paid.</p>"
    low, high = 0.0, seconds[-1] * 1.05
    width = (high - low) / _BARS
    counts = Counter(min(int((value - low) / width), _BARS - 1) for value in seconds)
    tallest, step = max(counts.values()), _WIDTH / _BARS
    bars = "".join(
        f'<rect x="{at * step + 1:.1f}" y="{180 - 160 * counts[at] / tallest:.1f}" width="{step - 2:.1f}" '
        f'height="{160 * counts[at] / tallest:.1f}" fill="#2f7d4f"><title>{counts[at]} bills</title></rect>'
        for at in range(_BARS)
    )
    ticks = "".join(
        f'<text x="{at * _WIDTH / 6:.0f}" y="198">{low + (high - low) * at / 6:.2f}</text>' for at in range(6)
    )
    marks = "".join(
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="180" stroke="#222" stroke-dasharray="3 3"/>'
        f'<text x="{x + 4:.1f}" y="{18 + 14 * row}">p{percent} {summary[f"p{percent}_s"]:.2f} s</text>'
        for row, percent in enumerate((50, 95, 99))
        for x in [min(summary[f"p{percent}_s"] / high * _WIDTH, _WIDTH - 70)]
    )
    return _svg(205, bars + ticks + marks)


def _outcomes(outcomes: list[Outcome]) -> str:
    groups = Counter((outcome.outcome, outcome.reason) for outcome in outcomes)
    lines, most = [], max(groups.values())
    for row, ((name, reason), count) in enumerate(sorted(groups.items(), key=lambda group: (-group[1], group[0]))):
        top = row * 20
        wide = 460 * count / most
        lines.append(
            f'<text x="0" y="{top + 14}">{escape(name)} {escape(reason)}</text>'
            f'<rect x="330" y="{top + 3}" width="{wide:.1f}" height="14" fill="{_COLOURS[name]}"/>'
            f'<text x="{336 + wide:.1f}" y="{top + 14}">{count}</text>'
        )
    return _svg(20 * len(lines) + 4, "".join(lines))


def _steps(cost: Cost) -> str:
    end = max(step.end_ms for step in cost.steps) or 1.0
    lines = []
    for row, step in enumerate(cost.steps):
        top, left = row * 22, 110 + 620 * step.start_ms / end
        wide = max(620 * (step.end_ms - step.start_ms) / end, 1.5)
        lines.append(
            f'<text x="0" y="{top + 15}">{escape(step.name)}</text>'
            f'<rect x="{left:.1f}" y="{top + 3}" width="{wide:.1f}" height="16" fill="#33658a"/>'
            f'<text x="{left + wide + 4:.1f}" y="{top + 15}">{step.end_ms - step.start_ms:.0f}</text>'
        )
    return _svg(22 * len(lines) + 4, "".join(lines))


def _svg(height: int, content: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" width="100%" role="img">{content}</svg>'
