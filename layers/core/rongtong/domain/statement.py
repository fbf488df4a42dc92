"""Statements (对账单): what was paid, came back or is still open in a period, line by line, with its control sums.

A line is a fact of one day in Shanghai and never changes afterwards: what comes back later is a line of that later day.
Only OPEN lines go away; a period that still has any is not final.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self

from rongtong.domain.errors import InvalidInputError

_DAY = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MONTH = re.compile(r"2[0-9]{3}-[0-9]{2}", re.ASCII)


class PeriodError(InvalidInputError):
    """No day or month, or none that can be reported on."""

    code = "PERIOD_INVALID"


class LineKind(StrEnum):
    """What a line tells of."""

    PAID = "PAID"
    """A discount was paid out for the first time."""
    PAID_AGAIN = "PAID_AGAIN"
    """What had come back was paid once more; it bears no further interest or fee."""
    RETURNED = "RETURNED"
    """The payee's bank sent it back (退票)."""
    REVERSED = "REVERSED"
    """The paying bank took it back (冲正)."""
    OPEN = "OPEN"
    """Sent, and its outcome is not known yet: in no sum of what moved."""


OUT = frozenset({LineKind.PAID, LineKind.PAID_AGAIN})
"""Money that left."""
BACK = frozenset({LineKind.RETURNED, LineKind.REVERSED})
"""Money that came back."""


@dataclass(frozen=True)
class Period:
    """Days in Shanghai, both included."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Self:
        """A day like 2026-04-15 or a month like 2026-04. Raises PeriodError."""
        try:
            if _DAY.fullmatch(text):
                return cls(date.fromisoformat(text), date.fromisoformat(text))
            if _MONTH.fullmatch(text):
                first = date.fromisoformat(f"{text}-01")
                following = (first + timedelta(days=31)).replace(day=1)
                return cls(first, following - timedelta(days=1))
        except (ValueError, OverflowError):
            pass
        raise PeriodError("Name a day like 2026-04-15 or a month like 2026-04.", field="day")

    def days(self) -> list[date]:
        """Every day, in order."""
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    def text(self) -> str:
        """As ``parse`` reads it."""
        return self.first.isoformat() if self.first == self.last else self.first.isoformat()[:7]


@dataclass(frozen=True)
class Parts:
    """What a paid discount's amount is made of, in fen: face − interest + the buyer's part of it − fee."""

    face_fen: int
    interest_fen: int
    buyer_interest_fen: int
    fee_fen: int

    @property
    def proceeds_fen(self) -> int:
        """What the supplier is paid."""
        return self.face_fen - self.interest_fen + self.buyer_interest_fen - self.fee_fen


@dataclass(frozen=True)
class Line:
    """One fact. ``amount_fen`` is above nothing; the kind says which way it went. ``parts`` only where it is PAID."""

    kind: LineKind
    day: date
    at: datetime
    reference: str
    """The payment's permanent reference: the EndToEndId at the bank."""
    bank_serial: str | None
    discount_id: str
    enterprise_id: str
    partner_id: str
    institution_id: str
    bill_number: str
    range: str
    amount_fen: int
    parts: Parts | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Sum:
    """How many lines of a kind there are, and their fen."""

    count: int
    amount_fen: int


@dataclass(frozen=True)
class Totals:
    """The control sums of a statement in fen."""

    by_kind: dict[LineKind, Sum]
    parts: Parts
    """Of what was paid for the first time."""

    @property
    def out_fen(self) -> int:
        """What left."""
        return sum(self.by_kind[kind].amount_fen for kind in OUT)

    @property
    def back_fen(self) -> int:
        """What came back."""
        return sum(self.by_kind[kind].amount_fen for kind in BACK)

    @property
    def net_fen(self) -> int:
        """What left and stayed away."""
        return self.out_fen - self.back_fen


@dataclass(frozen=True)
class Statement:
    """One owner's lines of a period, in the order in which they happened.

    ``final``: the period is over and nothing in it is open. ``reconciled``: every day of it was compared with the
    bank's statement after its end; ``differing`` are the owner's references on which the two do not agree.
    """

    owner: str
    period: Period
    made_at: datetime
    lines: tuple[Line, ...]
    final: bool
    reconciled: bool
    differing: tuple[str, ...] = ()


def in_order(lines: Iterable[Line]) -> tuple[Line, ...]:
    """By instant, then reference, then kind: the same lines always make the same file."""
    return tuple(sorted(lines, key=lambda line: (line.at, line.reference, line.kind)))


def totals(lines: Iterable[Line]) -> Totals:
    """The control sums: every line is counted under its own kind once."""
    known = tuple(lines)
    by_kind = {}
    for kind in LineKind:
        amounts = [line.amount_fen for line in known if line.kind is kind]
        by_kind[kind] = Sum(len(amounts), sum(amounts))
    parts = [line.parts for line in known if line.parts is not None]
    return Totals(
        by_kind,
        Parts(
            sum(part.face_fen for part in parts),
            sum(part.interest_fen for part in parts),
            sum(part.buyer_interest_fen for part in parts),
            sum(part.fee_fen for part in parts),
        ),
    )
