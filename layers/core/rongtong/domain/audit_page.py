"""An audit's report as a page that a person reads: no script, no picture, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from rongtong.domain.audit import MEANINGS, FindingCode

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{text-align:left;vertical-align:top;"
    "padding:.3rem .6rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}th{border-bottom:2px solid #888}"
    ".ok{color:#17692f}.wrong{color:#a3150f}code{font-size:.9em}"
)


def page(report: Mapping[str, Any]) -> bytes:
    """The page of a report (services/audit_report.py), UTF-8. The same report makes the same bytes."""
    findings = report["findings"]
    verdict = (
        f'<p class="wrong"><strong>{len(findings)} findings.</strong></p>'
        if findings
        else '<p class="ok"><strong>Nothing was found.</strong></p>'
    )
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>Audit of {escape(report['period'])}</title><style>{_STYLE}</style>",
        f"<h1>Audit of {escape(report['period'])}</h1>",
        f"<p>Begun at {escape(report['began'])}.</p>",
        verdict,
        _section("Findings", ("finding", "what", "about", "what to do"), map(_finding, findings)),
        _section("Evidence log", ("", ""), _pairs(report["log"])),
        _section("Receipts and other records, drawn by the checkpoint's root", ("", ""), _pairs(report["receipts"])),
        _section("Actions", ("when", "what", "by", "second person", "about"), map(_action, report["actions"])),
        _section("Keys", ("key", "expires", "used, last on", "granted, never used"), map(_key, report["keys"])),
        _section("Not available to this audit", ("",), ([one] for one in report["not_available"])),
        "</html>\n",
    ]
    return "\n".join(parts).encode()


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    listed = list(rows)
    if not listed:
        return f"<h2>{escape(title)}</h2><p>None.</p>"
    head = "".join(f"<th>{escape(column)}</th>" for column in columns) if any(columns) else ""
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in listed)
    return f"<h2>{escape(title)}</h2><table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _finding(one: Mapping[str, Any]) -> Sequence[str]:
    meaning, remedy = MEANINGS[FindingCode(one["code"])]
    return one["code"], f"{meaning} {one['text']}", one["about"], remedy


def _action(one: Mapping[str, Any]) -> Sequence[str]:
    return one["at"], one["what"], one["by"], one.get("second", "nobody"), one["about"]


def _key(one: Mapping[str, Any]) -> Sequence[str]:
    used = ", ".join(f"{scope} {day}" for scope, day in one["used"].items())
    return one["key"], one["not_after"] or "never", used or "nothing", ", ".join(one["never_used"]) or "none"


def _pairs(values: Mapping[str, Any]) -> list[Sequence[str]]:
    return [(name.replace("_", " "), str(value)) for name, value in values.items()]
