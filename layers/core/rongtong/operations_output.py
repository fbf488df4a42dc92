"""What the operations commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def table(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    """The rows' values under the columns' names, ``-`` for what is not there; nothing at all without rows."""
    shown = [[str(row.get(column) or "-") for column in columns] for row in rows]
    if not shown:
        return
    lines = [[column.replace("_", " ") for column in columns], *shown]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
