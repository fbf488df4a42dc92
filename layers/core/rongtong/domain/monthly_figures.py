"""What a company's discounts of one month come to: what a review judges, and what later ones look back at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.monthly_rules import MonthlyRule

_BUYERS_MOST = 40
"""A record names so many buyers, those of the most money."""
_UNPAID = frozenset({DiscountStatus.REFUSED, DiscountStatus.FAILED, DiscountStatus.RETURNED})
_REUSED = frozenset({"INVOICE_USED", "ORDER_USED"})
"""Reasons of a document that other discounts stand on."""


@dataclass(frozen=True)
class Dealt:
    """One discount as a month counts it: when it was asked for (an aware instant), in fen, and what became of it."""

    at: datetime
    fen: int
    status: DiscountStatus
    reason: str | None
    reviewed: bool
    """Whether a person had to look at it."""
    buyer: str
    """The credit code of whoever handed the bill on to the company."""
    issued: date


@dataclass(frozen=True)
class Figures:
    """A company's month in Shanghai, like ``2026-10``; counts are of discounts, amounts in fen."""

    month: str
    discounts: int = 0
    fen: int = 0
    unpaid: int = 0
    """Refused, failed or sent back."""
    reviewed: int = 0
    reused: int = 0
    """Refused because its invoice or order stands behind other discounts."""
    under_line: int = 0
    odd_hours: int = 0
    quick: int = 0
    buyers: Mapping[str, int] = field(default_factory=dict)
    """What of the fen is of which buyer, by credit code; the largest forty."""

    def as_document(self) -> dict[str, Any]:
        """As it is stored."""
        return {name: getattr(self, name) for name in _NAMES} | {"buyers": dict(self.buyers)}

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``as_document`` wrote; whatever else stands there is left alone."""
        return cls(**{name: document[name] for name in _NAMES})


_NAMES = tuple(one.name for one in fields(Figures))


@dataclass(frozen=True)
class Yardstick:
    """By what discounts are counted as just under a line, at odd hours or quick, as the rules have it.

    ``lines`` are the amounts in fen from which on a discount is looked at.
    """

    rules: Mapping[str, MonthlyRule]
    lines: tuple[int, ...]
    is_working_day: Callable[[date], bool]

    def under_line(self, fen: int) -> bool:
        """Whether the amount lies just under one of the lines."""
        margin = self.rules["AMOUNTS_UNDER_LINE"].further["margin_percent"]
        return any(line * (100 - margin) <= fen * 100 < line * 100 for line in self.lines)

    def odd_hours(self, at: datetime) -> bool:
        """Whether it is night or a day off in Shanghai."""
        further, local = self.rules["ODD_HOURS"].further, at.astimezone(SHANGHAI)
        return not (further["from_hour"] <= local.hour < further["to_hour"] and self.is_working_day(local.date()))

    def quick(self, at: datetime, issued: date) -> bool:
        """Whether the bill was issued only days before."""
        return (at.astimezone(SHANGHAI).date() - issued).days <= self.rules["QUICK_DISCOUNT"].further["most_days"]


def figures(month: str, dealt: Iterable[Dealt], by: Yardstick) -> Figures:
    """The figures of a month's discounts, each met once, in no order."""
    sums = dict.fromkeys(_NAMES[1:-1], 0)
    buyers: dict[str, int] = {}
    for one in dealt:
        sums["discounts"] += 1
        sums["fen"] += one.fen
        sums["unpaid"] += one.status in _UNPAID
        sums["reviewed"] += one.reviewed
        sums["reused"] += one.reason in _REUSED
        sums["under_line"] += by.under_line(one.fen)
        sums["odd_hours"] += by.odd_hours(one.at)
        sums["quick"] += by.quick(one.at, one.issued)
        buyers[one.buyer] = buyers.get(one.buyer, 0) + one.fen
    largest = sorted(buyers.items(), key=lambda entry: (-entry[1], entry[0]))[:_BUYERS_MOST]
    return Figures(month, **sums, buyers=dict(largest))


def month_before(month: str, back: int = 1) -> str:
    """The month so many before this one."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:7]) - 1 - back, 12)
    return f"{year:04d}-{number + 1:02d}"


def month_of(at: datetime) -> str:
    """The month in Shanghai that an aware instant belongs to."""
    return at.astimezone(SHANGHAI).date().isoformat()[:7]


def bounds(month: str) -> tuple[datetime, datetime]:
    """The instants, in UTC, with which the month and the next one begin in Shanghai."""
    first = datetime(int(month[:4]), int(month[5:7]), 1, tzinfo=SHANGHAI)
    following = (first + timedelta(days=31)).replace(day=1)
    return first.astimezone(UTC), following.astimezone(UTC)
