"""Quotes (贴现报价): what several institutions would pay for one bill, the best first, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.errors import PriceError
from rongtong.domain.interest import Fee, InterestPayer, Price, Repurchase, price
from rongtong.domain.interest_period import interest_period
from rongtong.domain.rates import NoRateError, RateTable, table_in_force
from rongtong.domain.tenor import add_months

_MONTHS_AHEAD = 12
LIMIT_EXCEEDED = "LIMIT_EXCEEDED"


@dataclass(frozen=True)
class Bid:
    """What an institution brings: its rate tables, its fee, and the room left in its limit (fen; None: no limit)."""

    institution_id: str
    tables: tuple[RateTable, ...]
    fee: Fee
    room_fen: int | None


@dataclass(frozen=True)
class Offer:
    """A price and the version of the rates behind it, or the stable reason why there is none."""

    institution_id: str
    price: Price | None
    reason: str | None
    rate_version: int | None


def offers(
    bids: Iterable[Bid],
    face_fen: int,
    acceptor_class: str,
    discount_date: date,
    instant: datetime,
    maturity: date,
    calendar: WorkingCalendar,
    *,
    payer: InterestPayer = InterestPayer.SELLER,
    buyer_share: Decimal | None = None,
    repurchase: Repurchase | None = None,
) -> tuple[Offer, ...]:
    """One offer per bid for an electronic bill: highest proceeds first, then the lowest whole interest and fee, then by
    id; those without a price last, by id.

    A bid's reason is LIMIT_EXCEEDED, NO_RATE or the code of a PriceError. Raises for the dates that are asked about:
    PriceError (MATURITY_NOT_AFTER_DISCOUNT, MATURITY_TOO_FAR: over a year ahead) and CalendarError.
    """
    if maturity > add_months(discount_date, _MONTHS_AHEAD):
        raise PriceError(
            "Quotes reach one year ahead (只能选择一年范围内); ask for an earlier maturity.",
            field="maturity_date",
            code="MATURITY_TOO_FAR",
        )
    days = interest_period(discount_date, maturity, calendar)[1]

    def answer(bid: Bid) -> Offer:
        try:
            if bid.room_fen is not None and bid.room_fen < face_fen:
                return _refusal(bid, LIMIT_EXCEEDED)
            table = table_in_force(bid.tables, instant)
            made = price(
                face_fen,
                table.rate_for(acceptor_class, days, face_fen),
                discount_date,
                maturity,
                calendar,
                payer=payer,
                buyer_share=buyer_share,
                fee=bid.fee,
                repurchase=repurchase,
            )
        except (NoRateError, PriceError) as error:
            return _refusal(bid, error.code)
        return Offer(bid.institution_id, made, None, table.version)

    return tuple(sorted(map(answer, bids), key=_rank))


def expires_at(instant: datetime, calendar: WorkingCalendar, minutes: int = 30) -> datetime:
    """When a quote made at an aware instant ends: after ``minutes`` (assumed: configurable), or sooner with the service
    hours of that Shanghai day, because a price is of one day."""
    return min(instant + timedelta(minutes=minutes), calendar.closes_at(instant))


def _refusal(bid: Bid, reason: str) -> Offer:
    return Offer(bid.institution_id, None, reason, None)


def _rank(offer: Offer) -> tuple[int, int, str]:
    made = offer.price
    if made is None:
        # A price leaves at least one fen, so refusals come after every price.
        return 0, 0, offer.institution_id
    # Where the buyer pays interest, offers that leave the seller as much do not cost both of them as much.
    return -made.proceeds_fen, made.interest_fen + made.fee_fen, offer.institution_id
