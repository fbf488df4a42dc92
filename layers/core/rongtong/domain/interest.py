"""Discount interest (贴现利息): 360-day year, actual days, rounded half up to the fen, once per bill."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntEnum, StrEnum
from fractions import Fraction
from functools import lru_cache

from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.errors import PriceError
from rongtong.domain.interest_period import OTHER_CITY_DAYS, ElectronicDelay, PaperDelay, interest_period

_MICRO = 1_000_000
_PERCENT = 100
_YEAR_PERCENT = 360 * _PERCENT
_MONTHS_PERCENT = 12 * _PERCENT
_100K_FEN = 10_000_000
RATE_CAP = Decimal(24)
"""Percent per year above which a rate is taken for a mistake (assumed: configurable)."""


class RateType(IntEnum):
    """What a rate counts (利率类型), by the days of its period: percent per year, ‰ per month, ‱ per day."""

    ANNUAL = 360
    MONTHLY = 30
    DAILY = 1


BASES = {RateType.ANNUAL: _YEAR_PERCENT, RateType.MONTHLY: 30_000, RateType.DAILY: 10_000}
"""What face × rate × days is divided by."""
_CAPS = {rate_type: RATE_CAP * base / _YEAR_PERCENT for rate_type, base in BASES.items()}


class InterestPayer(StrEnum):
    """Who bears the interest (付息方式): the seller, the buyer, or both as agreed (协议付息)."""

    SELLER = "seller"
    BUYER = "buyer"
    AGREEMENT = "agreement"


@dataclass(frozen=True)
class Fee:
    """What is charged beside the interest (手续费): flat fen, and millionths of the face. PriceError FEE_INVALID."""

    flat_fen: int = 0
    per_million: int = 0

    def __post_init__(self) -> None:
        if self.flat_fen < 0 or self.per_million < 0:
            raise PriceError("A fee is 0 or more; check its parts.", field="fee", code="FEE_INVALID")

    def of(self, face_fen: int) -> int:
        """The fee of one bill in fen, rounded half up."""
        return self.flat_fen + _half_up(face_fen * self.per_million, _MICRO)


NO_FEE = Fee()


@dataclass(frozen=True)
class Repurchase:
    """Terms of a discount that the seller buys back (回购式贴现, RM01): first and last day, and percent per year.

    Discount date ≤ open ≤ close < maturity, on any days (assumed: configurable).
    """

    open_date: date
    close_date: date
    annual_rate: Decimal


@dataclass(frozen=True)
class Redemption:
    """What the seller pays to have the bill back (赎回金额) on the first and on the last day, in fen.

    Face − face × rate × (effective maturity − day) / 36000, the deduction rounded half up (assumed: configurable).
    """

    open_date: date
    close_date: date
    annual_rate: Decimal
    open_fen: int
    close_fen: int


@dataclass(frozen=True)
class Price:
    """What a discount costs: days, percent per year, and fen; proceeds = face − seller's interest − fee.

    ``interest_fen`` is the whole interest, the seller's and the buyer's part.
    """

    effective_maturity: date
    days: int
    annual_rate: Decimal
    face_fen: int
    interest_fen: int
    proceeds_fen: int
    seller_interest_fen: int
    buyer_interest_fen: int
    fee_fen: int
    redemption: Redemption | None


@dataclass(frozen=True)
class Total:
    """Sums over a batch in fen; every bill was rounded by itself."""

    bills: int
    face_fen: int
    interest_fen: int
    fee_fen: int
    proceeds_fen: int


@dataclass(frozen=True)
class InterestBearingPrice:
    """Discount of an interest-bearing bill (带息票据), in fen."""

    maturity_value_fen: int
    interest_fen: int
    proceeds_fen: int


def interest(face_fen: int, rate: Decimal, days: int, rate_type: RateType = RateType.ANNUAL) -> int:
    """Interest in fen: face × rate × days / base, an exact half fen goes up. Whole numbers throughout.

    Raises PriceError: RATE_INVALID (not above 0, more than six decimals, or above what is 24 percent per year),
    FACE_INVALID, DAYS_INVALID.
    """
    _require_face(face_fen)
    _require_days(days)
    return _half_up(face_fen * _micro_rate(rate, rate_type) * days, BASES[rate_type] * _MICRO)


def discount_interest(face_fen: int, annual_rate: Decimal, days: int) -> int:
    """Interest in fen at a rate in percent per year; raises as ``interest`` does."""
    return interest(face_fen, annual_rate, days)


def price(
    face_fen: int,
    annual_rate: Decimal,
    discount_date: date,
    maturity: date,
    calendar: WorkingCalendar,
    extra_days: int = 0,
    *,
    rate_type: RateType = RateType.ANNUAL,
    delay: ElectronicDelay | PaperDelay = ElectronicDelay.ROLL_HOLIDAYS,
    other_city_days: int = OTHER_CITY_DAYS,
    payer: InterestPayer = InterestPayer.SELLER,
    buyer_share: Decimal | None = None,
    fee: Fee = NO_FEE,
    repurchase: Repurchase | None = None,
) -> Price:
    """Price a bill, or a range of one with the range's own amount; by default electronic, rolling over days off.

    ``annual_rate`` is in the unit of ``rate_type`` (the answer's always in percent per year); ``buyer_share`` in
    percent, only where the payer is AGREEMENT. Raises PriceError: those of ``interest`` and ``interest_period``,
    NOT_A_WORKING_DAY for the discount date, BUYER_SHARE_INVALID, REPURCHASE_DATES, PROCEEDS_NOT_POSITIVE; and
    CalendarError (CALENDAR_UNCONFIRMED).
    """
    effective, days = interest_period(
        discount_date, maturity, calendar, delay=delay, extra_days=extra_days, other_city_days=other_city_days
    )
    if not calendar.is_working_day(discount_date):
        raise PriceError(f"{discount_date} is no legal working day.", field="discount_date", code="NOT_A_WORKING_DAY")
    whole = interest(face_fen, annual_rate, days, rate_type)
    buyer_part = _buyer_part(whole, payer, buyer_share)
    seller_part, fee_fen = whole - buyer_part, fee.of(face_fen)
    proceeds = face_fen - seller_part - fee_fen
    if proceeds <= 0:
        raise PriceError(
            "Interest and fees leave nothing to pay out; discount a larger amount.",
            field="face_fen",
            code="PROCEEDS_NOT_POSITIVE",
        )
    redemption = None
    if repurchase is not None:
        redemption = _redemption(face_fen, repurchase, discount_date, maturity, effective)
    if rate_type is not RateType.ANNUAL:
        annual_rate = annual_rate * _YEAR_PERCENT / BASES[rate_type]
    return Price(effective, days, annual_rate, face_fen, whole, proceeds, seller_part, buyer_part, fee_fen, redemption)


def total(prices: Iterable[Price]) -> Total:
    """The sums of a batch (批量贴现): round per bill, then sum."""
    found = tuple(prices)
    return Total(
        bills=len(found),
        face_fen=sum(each.face_fen for each in found),
        interest_fen=sum(each.interest_fen for each in found),
        fee_fen=sum(each.fee_fen for each in found),
        proceeds_fen=sum(each.proceeds_fen for each in found),
    )


def deduction_per_100k(annual_rate: Decimal, days: int, fee_fen_per_100k: Fraction | int = 0) -> int:
    """The deduction per 100,000 yuan (每十万扣费) in fen: interest and fee, their exact sum rounded half up once.

    Raises as ``interest`` does.
    """
    _require_days(days)
    rate = Fraction(_micro_rate(annual_rate, RateType.ANNUAL), _MICRO)
    return _deduction(rate, days, fee_fen_per_100k)


def deduction_of(price: Price) -> int:
    """The deduction per 100,000 yuan of a price's face in fen: whole interest by its rate and days, and its fee.

    Neither is rounded before the sum is.
    """
    # The rate of a price may have more than six decimals, where it was quoted by the month or day.
    return _deduction(Fraction(price.annual_rate), price.days, Fraction(price.fee_fen * _100K_FEN, price.face_fen))


def rate_from_deduction(deduction_fen_per_100k: int, days: int) -> Decimal:
    """The rate in percent per year, six decimals half up, that a deduction per 100,000 yuan without fee stands for.

    Raises PriceError: DAYS_INVALID, RATE_INVALID when no rate above 0 and within the cap gives this deduction.
    """
    _require_days(days)
    micro = _half_up(deduction_fen_per_100k * _YEAR_PERCENT * _MICRO, _100K_FEN * days)
    rate = Decimal(micro).scaleb(-6)
    _micro_rate(rate, RateType.ANNUAL, "deduction_fen_per_100k")
    return rate


def interest_bearing_discount(
    face_fen: int, coupon_rate: Decimal, months: int, held_months: int, annual_rate: Decimal
) -> InterestBearingPrice:
    """Discount a paper bill that bears interest, by months; never an electronic bill.

    Maturity value = face × (1 + coupon % × months / 12); interest on it for the months not held, each rounded half up.
    Raises PriceError: FACE_INVALID, RATE_INVALID, MONTHS_INVALID unless 0 ≤ held < months.
    """
    _require_face(face_fen)
    if not 0 <= held_months < months:
        raise PriceError(
            "The bill is discounted before its last month is over; check the months.",
            field="held_months",
            code="MONTHS_INVALID",
        )
    coupon = _micro_rate(coupon_rate, RateType.ANNUAL, "coupon_rate")
    rate = _micro_rate(annual_rate, RateType.ANNUAL)
    value = face_fen + _half_up(face_fen * coupon * months, _MONTHS_PERCENT * _MICRO)
    deducted = _half_up(value * rate * (months - held_months), _MONTHS_PERCENT * _MICRO)
    return InterestBearingPrice(value, deducted, value - deducted)


def _half_up(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)


def _deduction(annual_rate: Fraction, days: int, fee_fen_per_100k: Fraction | int) -> int:
    exact = annual_rate * days * _100K_FEN / _YEAR_PERCENT + fee_fen_per_100k
    return _half_up(exact.numerator, exact.denominator)


def _require_days(days: int) -> None:
    if days < 1:
        raise PriceError("Interest counts one day or more; check the dates.", field="days", code="DAYS_INVALID")


def _require_face(face_fen: int) -> None:
    # A float would go through the arithmetic unnoticed, and a bool is an int.
    if type(face_fen) is not int or face_fen <= 0:
        raise PriceError("The face amount must be a positive number of fen.", field="face_fen", code="FACE_INVALID")


def _micro_rate(rate: Decimal, rate_type: RateType, field: str = "annual_rate") -> int:
    micro = _micro(rate, _CAPS[rate_type])
    if not micro:
        raise PriceError(
            f"A rate is above 0 and at most {RATE_CAP} percent per year, with at most six decimals.",
            field=field,
            code="RATE_INVALID",
        )
    return micro


def _micro(number: Decimal, most: Decimal) -> int | None:
    """Millionths of a number from 0 to ``most`` with at most six decimals; None for any other."""
    return _finite_micro(number, most) if number.is_finite() else None


@lru_cache(maxsize=1024)  # Many bills share few rates, and decimals are the slow part of a price.
def _finite_micro(number: Decimal, most: Decimal) -> int | None:
    if not 0 <= number <= most:
        return None
    millionths = int(number * _MICRO)
    # Compared back, because the product of a number of very many digits was rounded.
    return millionths if Decimal(millionths).scaleb(-6) == number else None


def _buyer_part(whole_fen: int, payer: InterestPayer, buyer_share: Decimal | None) -> int:
    if (payer is InterestPayer.AGREEMENT) is (buyer_share is None):
        raise _share_refused("Give the buyer's share of the interest where both pay it, and only there.")
    if buyer_share is None:
        return whole_fen if payer is InterestPayer.BUYER else 0
    share = _micro(buyer_share, Decimal(_PERCENT))
    if share is None:
        raise _share_refused("The buyer's share is 0 to 100 percent, with at most six decimals.")
    return _half_up(whole_fen * share, _PERCENT * _MICRO)


def _share_refused(message: str) -> PriceError:
    return PriceError(message, field="interest.buyer_share_percent", code="BUYER_SHARE_INVALID")


def _redemption(
    face_fen: int, terms: Repurchase, discount_date: date, maturity: date, effective_maturity: date
) -> Redemption:
    if not discount_date <= terms.open_date <= terms.close_date < maturity:
        raise PriceError(
            "A redemption opens on the discount date or later, closes then or later, and before maturity.",
            field="repurchase.open_date",
            code="REPURCHASE_DATES",
        )
    micro = _micro_rate(terms.annual_rate, RateType.ANNUAL, "repurchase.annual_rate")
    open_fen, close_fen = (
        face_fen - _half_up(face_fen * micro * (effective_maturity - day).days, _YEAR_PERCENT * _MICRO)
        for day in (terms.open_date, terms.close_date)
    )
    return Redemption(terms.open_date, terms.close_date, terms.annual_rate, open_fen, close_fen)
