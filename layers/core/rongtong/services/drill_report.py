"""A restore drill's report as a page that can be read without anything else at hand."""

from __future__ import annotations

from html import escape
from typing import Any

from rongtong.services.storage import Document

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border:1px solid #bbb;padding:.3rem .5rem;text-align:left}"
    ".bad{color:#a00}.good{color:#060}"
)
_FIGURES = (
    ("backup_id", "Backup restored"),
    ("objects_checked", "Objects whose hash was compared"),
    ("records", "Records restored"),
    ("discounts", "Discounts"),
    ("events", "Events"),
    ("leaves", "Entries of the evidence log"),
)


def page(report: Document) -> str:
    """The report in HTML."""
    lost_s, took_ms = int(report["recovery_point_age_s"]), int(report["recovery_time_ms"])
    lost_max_s, took_max_ms = int(report["recovery_point_max_s"]), int(report["recovery_time_max_ms"])
    missed = report["objectives_missed"]
    figures = [
        *[(label, str(report[name])) for name, label in _FIGURES],
    ]
    objectives = [
        ("", "Objective: at most", "Measured", ""),
        (
            "Recovery time (RTO)",
            _minutes(took_max_ms // 1000),
            f"{took_ms / 1000:.1f} s",
            _held("RECOVERY_TIME", missed),
        ),
        (
            "Recovery point before the comparison (RPO)",
            _minutes(lost_max_s),
            f"{lost_s} s ({_minutes(lost_s)})",
            _held("RECOVERY_POINT", missed),
        ),
    ]
    broken = int(report["broken_count"])
    verdict = '<p class="good">Every promise holds.</p>' if not broken else f'<p class="bad">{broken} do not hold.</p>'
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Restore drill {escape(str(report["period"]))}'
        f"</title><style>{_STYLE}</style><h1>Restore drill {escape(str(report['period']))}</h1>"
        f"{_table(figures)}<h2>Recovery objectives</h2>{_table(objectives)}"
        f"<h2>Damaged backups</h2>{_table(report['damaged']) or '<p>None.</p>'}"
        f"<h2>Promises of stored state</h2>{verdict}{_table(report['promises'].values())}"
        f"{_table(report['broken'])}</html>\n"
    )


def _held(objective: str, missed: Any) -> str:
    return "missed" if objective in missed else "held"


def _minutes(seconds: int) -> str:
    return f"{seconds // 60:,} min"


def _table(rows: Any) -> str:
    lines = [[row] if isinstance(row, str) else row for row in rows]
    cells = ["".join(f"<td>{escape(str(cell))}</td>" for cell in line) for line in lines]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in cells)}</table>" if cells else ""
