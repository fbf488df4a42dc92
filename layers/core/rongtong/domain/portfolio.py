"""An institution's portfolio of discounted bills: what it holds on a day, when that matures, what it yields, on whom.

Whole numbers of fen throughout; rates and shares are exact fractions, rounded once where they are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

BUCKET_ENDS = (7, 30, 60, 90, 180, 270, 365)
"""Last days of the maturity ladder's steps, in days to the effective maturity; a last step has what is beyond."""
YEAR_DAYS = 360
"""The money market's year (ACT/360), on which discount interest is reckoned too."""
_MICRO = 10**6
_PERCENT = 100


@dataclass(frozen=True)
class Position:
    """A discounted bill, or a range of one, in fen.

    ``cost_fen`` is what the institution laid out for it, net of its fee and of the interest that a buyer paid.
    """

    discount_id: str
    acceptor: str
    """Whose acceptance it is: the bank code."""
    acceptor_class: str
    face_fen: int
    cost_fen: int
    annual_rate: Decimal
    """Percent per year, at which it was discounted."""
    acquired_on: date
    matures_on: date
    """The effective maturity: the next legal working day where the bill's own is a day off."""

    @property
    def tenor_days(self) -> int:
        """From the day on which it was bought to its effective maturity."""
        return (self.matures_on - self.acquired_on).days

    def held_on(self, day: date) -> bool:
        """Whether the institution has it at the end of the day: on its maturity it is paid."""
        return self.acquired_on <= day < self.matures_on


@dataclass(frozen=True)
class Step:
    """A step of the ladder: what matures in ``first_day`` to ``last_day`` days (None: or later)."""

    first_day: int
    last_day: int | None
    count: int
    face_fen: int
    by_class: dict[str, int]
    """Fen of face by acceptor class; classes without any are left out."""


@dataclass(frozen=True)
class Share:
    """One acceptor's part of the portfolio; ``percent`` with six decimals."""

    acceptor: str
    acceptor_class: str
    count: int
    face_fen: int
    percent: Decimal


@dataclass(frozen=True)
class Yield:
    """What the portfolio earns, in percent per year with six decimals; None where nothing is held."""

    rate: Decimal | None
    """The discount rate, weighted by face."""
    to_maturity: Decimal | None
    """Simple interest on what was laid out, from purchase to effective maturity, ACT/360 (money-market yield)."""
    days_to_maturity: Decimal | None
    """Days that are left, weighted by face."""


@dataclass(frozen=True)
class Portfolio:
    """What is held at the end of a day."""

    as_of: date
    count: int
    face_fen: int
    cost_fen: int
    ladder: tuple[Step, ...]
    acceptors: tuple[Share, ...]
    """The largest first."""
    herfindahl: Decimal | None
    """Sum of the squared shares of acceptors, 0 to 1 with six decimals: 1 is all on one; None where nothing is held."""
    earns: Yield


def portfolio(positions: Iterable[Position], as_of: date) -> Portfolio:
    """What of the positions is held at the end of the day, in all its views."""
    held = [position for position in positions if position.held_on(as_of)]
    acceptors = concentration(held)
    return Portfolio(
        as_of=as_of,
        count=len(held),
        face_fen=_face(held),
        cost_fen=sum(position.cost_fen for position in held),
        ladder=ladder(held, as_of),
        acceptors=acceptors,
        herfindahl=_herfindahl(acceptors),
        earns=yields(held, as_of),
    )


def ladder(held: Sequence[Position], as_of: date) -> tuple[Step, ...]:
    """Every step, also the empty ones; each position that is held stands on one of them."""
    steps = []
    for number, first in enumerate((1, *[end + 1 for end in BUCKET_ENDS])):
        last = BUCKET_ENDS[number] if number < len(BUCKET_ENDS) else None
        found = [one for one in held if first <= (one.matures_on - as_of).days <= (last or date.max.toordinal())]
        by_class: dict[str, int] = {}
        for one in found:
            by_class[one.acceptor_class] = by_class.get(one.acceptor_class, 0) + one.face_fen
        steps.append(Step(first, last, len(found), _face(found), dict(sorted(by_class.items()))))
    return tuple(steps)


def concentration(held: Sequence[Position]) -> tuple[Share, ...]:
    """Each acceptor's part, the largest first, then by code and class: one bank stands apart for bills of its own
    acceptance and for companies' that are paid through it."""
    whole = _face(held)
    found: dict[tuple[str, str], list[Position]] = {}
    for one in held:
        found.setdefault((one.acceptor, one.acceptor_class), []).append(one)
    shares = [
        Share(acceptor, group, len(ones), _face(ones), _micro(Fraction(_face(ones) * _PERCENT, whole)))
        for (acceptor, group), ones in found.items()
    ]
    return tuple(sorted(shares, key=lambda share: (-share.face_fen, share.acceptor, share.acceptor_class)))


def yields(held: Sequence[Position], as_of: date) -> Yield:
    """The averages of what is held."""
    whole = _face(held)
    if not whole:
        return Yield(None, None, None)
    rate = sum((one.face_fen * Fraction(one.annual_rate) for one in held), Fraction()) / whole
    days = Fraction(sum(one.face_fen * (one.matures_on - as_of).days for one in held), whole)
    laid_out = sum(one.cost_fen * one.tenor_days for one in held)
    earned = sum(one.face_fen - one.cost_fen for one in held)
    return Yield(_micro(rate), _micro(Fraction(earned * YEAR_DAYS * _PERCENT, laid_out)), _micro(days))


def _herfindahl(shares: Sequence[Share]) -> Decimal | None:
    whole = sum(share.face_fen for share in shares)
    if not whole:
        return None
    return _micro(Fraction(sum(share.face_fen**2 for share in shares), whole**2))


def _face(positions: Iterable[Position]) -> int:
    return sum(position.face_fen for position in positions)


def _micro(exact: Fraction) -> Decimal:
    """Six decimals; an exact half goes up."""
    millionths = (exact.numerator * _MICRO * 2 + exact.denominator) // (exact.denominator * 2)
    return Decimal(millionths).scaleb(-6)
