"""Large-value transactions (大额交易): what a bank must report, and by when.

Order 〔2016〕3号 of the People's Bank, article 5, in yuan: electronic bills know no other currency. The bank reports,
the platform produces the data (assumed: configurable).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from rongtong.domain.calendar import SHANGHAI, WorkingCalendar

REPORT_WORKING_DAYS = 5
"""Within how many working days a large value is reported (assumed: configurable)."""


class LargeValueKind(StrEnum):
    """How the money moves, and whose it is."""

    CASH = "cash"
    CORPORATE_TRANSFER = "corporate_transfer"
    """From or to an account of a customer that is no natural person (非自然人)."""
    PERSONAL_TRANSFER = "personal_transfer"
    """From or to a natural person's account, within the country."""
    PERSONAL_CROSS_BORDER = "personal_cross_border"


class Direction(StrEnum):
    """Receipts and payments are summed apart (assumed: configurable)."""

    RECEIPT = "receipt"
    PAYMENT = "payment"


LARGE_VALUE_FEN: Mapping[LargeValueKind, int] = {
    LargeValueKind.CASH: 5_000_000,
    LargeValueKind.CORPORATE_TRANSFER: 200_000_000,
    LargeValueKind.PERSONAL_TRANSFER: 50_000_000,
    LargeValueKind.PERSONAL_CROSS_BORDER: 20_000_000,
}
"""Fen per customer and day from which on a total is reported, this very amount included."""


@dataclass(frozen=True)
class Movement:
    """One receipt or payment of a customer, in fen, at an aware instant."""

    customer: str
    kind: LargeValueKind
    direction: Direction
    at: datetime
    amount_fen: int


@dataclass(frozen=True)
class LargeValue:
    """What a customer received or paid in one way on one natural day in Shanghai, in fen."""

    day: date
    customer: str
    kind: LargeValueKind
    direction: Direction
    total_fen: int


def reportable(kind: LargeValueKind, total_fen: int) -> bool:
    """Whether a day's total of one customer, single or cumulated, is a large value; the threshold itself is one."""
    return total_fen >= LARGE_VALUE_FEN[kind]


def large_values_due(movements: Iterable[Movement]) -> tuple[LargeValue, ...]:
    """The totals to report: cumulated per customer, natural day, kind and direction, the earliest day first."""
    totals: Counter[tuple[date, str, LargeValueKind, Direction]] = Counter()
    for move in movements:
        day = move.at.astimezone(SHANGHAI).date()
        totals[day, move.customer, move.kind, move.direction] += move.amount_fen
    return tuple(LargeValue(*key, total) for key, total in sorted(totals.items()) if reportable(key[2], total))


def report_by(day: date, calendar: WorkingCalendar) -> date:
    """The last day for the report: the fifth legal working day after ``day``.

    ``day`` is that of the transactions, or the one on which a suspicion (可疑交易) was confirmed.
    Raises CalendarError (CALENDAR_UNCONFIRMED).
    """
    left = REPORT_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= calendar.is_working_day(day)
    return day
