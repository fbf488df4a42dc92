"""How long a discount bears interest (贴现计息天数), and what shifts a maturity on a day off (到期日顺延)."""

from __future__ import annotations

from datetime import date, timedelta
from enum import IntEnum

from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.errors import PriceError

OTHER_CITY_DAYS = 3
"""Transfer days (划款日期) of a paper bill payable in another city: 支付结算办法 article 94 (assumed: configurable)."""


class ElectronicDelay(IntEnum):
    """What shifts an electronic bill's maturity (顺延类型, K_ELEC_DELAYTYPE)."""

    NONE = 0
    ROLL_HOLIDAYS = 1
    FIXED_DAYS = 5


class PaperDelay(IntEnum):
    """What shifts a paper bill's maturity (K_DELAYTYPE); a bill payable in another city (异地) counts transfer days."""

    NONE = 0
    HOLIDAYS = 1
    OTHER_CITY = 2
    HOLIDAYS_THEN_OTHER_CITY = 3
    OTHER_CITY_THEN_HOLIDAYS = 4
    FIXED_DAYS = 5


# Both dictionaries give the same number to the same shift, so one set of numbers serves both.
_ROLLS_MATURITY = frozenset({PaperDelay.HOLIDAYS, PaperDelay.HOLIDAYS_THEN_OTHER_CITY})
_COUNTS_TRANSFER = frozenset({PaperDelay.OTHER_CITY, PaperDelay.HOLIDAYS_THEN_OTHER_CITY})


def interest_period(
    discount_date: date,
    maturity: date,
    calendar: WorkingCalendar,
    *,
    delay: ElectronicDelay | PaperDelay = ElectronicDelay.ROLL_HOLIDAYS,
    extra_days: int = 0,
    other_city_days: int = OTHER_CITY_DAYS,
) -> tuple[date, int]:
    """The effective maturity and the interest days: the discount date counts, that maturity does not (算头不算尾).

    Transfer days add to the interest days; only "other-city then holidays" moves the maturity by them. ``extra_days``
    are added whatever the delay. Raises PriceError (MATURITY_NOT_AFTER_DISCOUNT, DAYS_INVALID) and CalendarError
    (CALENDAR_UNCONFIRMED).
    """
    if maturity <= discount_date:
        raise PriceError(
            "The bill matures on or before the discount date.",
            field="maturity_date",
            code="MATURITY_NOT_AFTER_DISCOUNT",
        )
    if extra_days < 0 or other_city_days < 0:
        raise PriceError("Days are only ever added; send 0 or more.", field="extra_days", code="DAYS_INVALID")
    effective = maturity
    if delay in _ROLLS_MATURITY:
        effective = calendar.effective_maturity(maturity)
    elif delay == PaperDelay.OTHER_CITY_THEN_HOLIDAYS:
        effective = calendar.effective_maturity(maturity + timedelta(days=other_city_days))
    transfer_days = other_city_days if delay in _COUNTS_TRANSFER else 0
    return effective, (effective - discount_date).days + transfer_days + extra_days
