"""An institution's rates (贴现利率表): by acceptor class, tenor and amount, in versions that hold for a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from rongtong.domain.errors import InvalidInputError, RongTongError
from rongtong.domain.interest import RATE_CAP

ACCEPTOR_CLASSES = frozenset(
    {
        "state_joint",  # 国股
        "city",  # 城商
        "rural",  # 农商
        "village",  # 村镇
        "foreign",  # 外资
        "private",  # 民营
        "finance_company",  # 财务公司
        "commercial",  # 商票
        "other",
    }
)
"""Classes of acceptors (承兑人类别) that the market quotes apart."""
_RATE = re.compile(r"(?:0|[1-9]\d?)(?:\.\d{1,6})?", re.ASCII)
_ROW_NEEDS = frozenset({"acceptor_class", "max_days", "annual_rate"})
_ROW_MAY = frozenset({"min_fen", "max_fen"})
_TABLE_NEEDS = frozenset({"version", "valid_from", "rows"})
_TABLE_MAY = frozenset({"valid_to", "proposed_by", "approved_by", "approved_at"})


class RateTableError(InvalidInputError):
    """A rate table cannot be read; ``field`` names the row and the part."""

    code = "RATE_TABLE"


class NoRateError(RongTongError):
    """The institution has no rate for this acceptor class, tenor and amount at this time."""

    code = "NO_RATE"


@dataclass(frozen=True)
class RateRow:
    """Percent per year for bills of up to ``max_days`` interest days and ``min_fen`` to ``max_fen``, both included."""

    acceptor_class: str
    max_days: int
    annual_rate: Decimal
    min_fen: int = 0
    max_fen: int | None = None

    @classmethod
    def parse(cls, document: object, field: str) -> Self:
        """Read one row, the rate a string of at most six decimals. Raises RateTableError."""
        row = _object(document, field, _ROW_NEEDS, _ROW_MAY)
        if not isinstance(row["acceptor_class"], str) or row["acceptor_class"] not in ACCEPTOR_CLASSES:
            known = ", ".join(sorted(ACCEPTOR_CLASSES))
            raise RateTableError(f"Use one of the acceptor classes {known}.", field=f"{field}.acceptor_class")
        max_days = _whole(row["max_days"], f"{field}.max_days", least=1)
        min_fen = _whole(row.get("min_fen", 0), f"{field}.min_fen", least=0)
        max_fen = row.get("max_fen")
        if max_fen is not None:
            max_fen = _whole(max_fen, f"{field}.max_fen", least=max(min_fen, 1))
        return cls(row["acceptor_class"], max_days, _rate(row["annual_rate"], field), min_fen, max_fen)

    def holds(self, amount_fen: int) -> bool:
        """Whether the amount lies in the row's band."""
        return self.min_fen <= amount_fen and (self.max_fen is None or amount_fen <= self.max_fen)

    def collides(self, other: RateRow) -> bool:
        """Whether some bill would find both rows."""
        return (
            self.acceptor_class == other.acceptor_class
            and self.max_days == other.max_days
            and (self.holds(other.min_fen) or other.holds(self.min_fen))
        )


@dataclass(frozen=True)
class RateTable:
    """One version, in force from ``valid_from`` until before ``valid_to`` (None: until a higher version)."""

    version: int
    valid_from: datetime
    valid_to: datetime | None
    rows: tuple[RateRow, ...]

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """From ``{"version": 1, "valid_from": ISO 8601 with offset, "valid_to": the same or null, "rows": [row, …]}``.

        A row is ``{"acceptor_class", "max_days", "annual_rate", "min_fen"?, "max_fen"?}``; who approved the table may
        stand beside.
        Raises RateTableError; its field is like ``rows.3.annual_rate``.
        """
        table = _object(document, "table", _TABLE_NEEDS, _TABLE_MAY)
        version = _whole(table["version"], "version", least=1)
        valid_from = _instant(table["valid_from"], "valid_from")
        valid_to = table.get("valid_to")
        if valid_to is not None:
            valid_to = _instant(valid_to, "valid_to")
            if valid_to <= valid_from:
                raise RateTableError("A table ends after it begins.", field="valid_to")
        if not isinstance(table["rows"], list) or not table["rows"]:
            raise RateTableError("A table has rows; send at least one.", field="rows")
        rows = tuple(RateRow.parse(row, f"rows.{at}") for at, row in enumerate(table["rows"]))
        _require_apart(rows)
        return cls(version, valid_from, valid_to, rows)

    def in_force(self, instant: datetime) -> bool:
        """Whether the table holds at an aware instant."""
        return self.valid_from <= instant and (self.valid_to is None or instant < self.valid_to)

    def rate_for(self, acceptor_class: str, days: int, amount_fen: int) -> Decimal:
        """Percent per year of the shortest tenor that covers ``days``, within the amount's band. Raises NoRateError."""
        found = [
            row
            for row in self.rows
            if row.acceptor_class == acceptor_class and row.max_days >= days and row.holds(amount_fen)
        ]
        if not found:
            raise NoRateError(
                "The institution has no rate for this acceptor class, tenor and amount; choose another institution.",
                field="institution_id",
            )
        return min(found, key=lambda row: row.max_days).annual_rate


def table_in_force(tables: Iterable[RateTable], instant: datetime) -> RateTable:
    """The highest version in force at an aware instant. Raises NoRateError."""
    found = [table for table in tables if table.in_force(instant)]
    if not found:
        raise NoRateError(
            "The institution has no rates in force now; choose another institution, or ask later.",
            field="institution_id",
        )
    return max(found, key=lambda table: table.version)


def _object(document: object, field: str, needs: frozenset[str], may: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(document, Mapping):
        raise RateTableError(f"{field} is no object.", field=field)
    if missing := needs - set(document):
        raise RateTableError(f"{field} lacks {min(missing)}.", field=field)
    if unknown := set(document) - needs - may:
        raise RateTableError(f"{field} has no {min(map(str, unknown))}; take it out.", field=field)
    return document


def _whole(value: object, field: str, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RateTableError(f"{field} is a whole number, {least} or more.", field=field)
    return value


def _rate(value: object, field: str) -> Decimal:
    if isinstance(value, str) and _RATE.fullmatch(value) and 0 < Decimal(value) <= RATE_CAP:
        return Decimal(value)
    raise RateTableError(
        f'A rate is a string like "1.350000", above 0 and at most {RATE_CAP}.', field=f"{field}.annual_rate"
    )


def _instant(value: object, field: str) -> datetime:
    try:
        instant = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise RateTableError(f"{field} is an instant like 2026-03-02T09:00:00+08:00.", field=field)
    return instant


def _require_apart(rows: tuple[RateRow, ...]) -> None:
    for at, row in enumerate(rows):
        for earlier in rows[:at]:
            if row.collides(earlier):
                raise RateTableError(
                    f"rows.{at} covers bills that an earlier row covers; give every class and tenor separate amounts.",
                    field=f"rows.{at}",
                )
