"""Discount interest (贴现利息): 360-day year, actual days, rounded half up to the fen, once per bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.errors import PriceError

_MICRO = 1_000_000
_YEAR_PERCENT = 360 * 100
RATE_CAP = Decimal(24)
"""Percent per year above which a rate is taken for a mistake (assumed: configurable)."""


@dataclass(frozen=True)
class Price:
    """What a discount costs: days, percent per year, and fen; proceeds = face − interest."""

    effective_maturity: date
    days: int
    annual_rate: Decimal
    face_fen: int
    interest_fen: int
    proceeds_fen: int


def discount_interest(face_fen: int, annual_rate: Decimal, days: int) -> int:
    """Interest in fen: face × rate % × days / 36000, an exact half fen goes up. Whole numbers throughout.

    Raises PriceError: RATE_INVALID (not above 0, above the cap, or more than six decimals), FACE_INVALID.
    """
    if face_fen <= 0:
        raise PriceError("The face amount must be a positive number of fen.", field="face_fen", code="FACE_INVALID")
    micro_percent = annual_rate * _MICRO
    if not 0 < annual_rate <= RATE_CAP or micro_percent != int(micro_percent):
        raise PriceError(
            f"A rate is above 0 and at most {RATE_CAP} percent per year, with at most six decimals.",
            field="annual_rate",
            code="RATE_INVALID",
        )
    dividend = face_fen * int(micro_percent) * days
    divisor = _YEAR_PERCENT * _MICRO
    return (2 * dividend + divisor) // (2 * divisor)


def price(
    face_fen: int,
    annual_rate: Decimal,
    discount_date: date,
    maturity: date,
    calendar: WorkingCalendar,
    extra_days: int = 0,
) -> Price:
    """Price an electronic bill: the discount date counts, the effective maturity does not (算头不算尾).

    A maturity on a day off rolls to the next legal working day. Raises PriceError (MATURITY_NOT_AFTER_DISCOUNT and
    NOT_A_WORKING_DAY for the discount date, those of discount_interest) and CalendarError (CALENDAR_UNCONFIRMED).
    """
    if maturity <= discount_date:
        raise PriceError(
            "The bill matures on or before the discount date.",
            field="maturity_date",
            code="MATURITY_NOT_AFTER_DISCOUNT",
        )
    if not calendar.is_working_day(discount_date):
        raise PriceError(f"{discount_date} is no legal working day.", field="discount_date", code="NOT_A_WORKING_DAY")
    effective = calendar.effective_maturity(maturity)
    days = (effective - discount_date).days + extra_days
    interest = discount_interest(face_fen, annual_rate, days)
    return Price(effective, days, annual_rate, face_fen, interest, face_fen - interest)
