"""From a bill's dates to its price: published and derived examples, delays, and days off."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.calendar import WorkingCalendar, YearCalendar
from rongtong.domain.errors import CalendarError, PriceError
from rongtong.domain.interest import discount_interest, price
from rongtong.domain.interest_period import ElectronicDelay, PaperDelay, interest_period
from rongtong.domain.money import fen_to_yuan, yuan_to_fen
from rongtong.domain.sub_bill_range import SubBillRange

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
CALENDAR = legal_calendar()
WORKING = [day for at in range(630) if CALENDAR.is_working_day(day := date(2025, 1, 2) + timedelta(days=at))]
# The holidays of the published examples P6 and P7.
IN_2017 = WorkingCalendar(
    {
        2016: YearCalendar(2016, frozenset({date(2016, 10, 3)}), frozenset()),
        2017: YearCalendar(2017, frozenset(date(2017, 5, day) for day in (1, 2, 3)), frozenset()),
    }
)
ALL_DELAYS = [*ElectronicDelay, *PaperDelay]


def refusal(call, *arguments, **terms):
    with pytest.raises(PriceError) as refused:
        call(*arguments, **terms)
    return refused.value.code, refused.value.field


@pytest.mark.parametrize("vector", VECTORS["discount"], ids=lambda vector: vector["id"])
def test_derived_examples_from_face_to_proceeds(vector):
    found = price(
        yuan_to_fen(vector["face"]),
        Decimal(vector["rate_pct"]),
        date.fromisoformat(vector["discount"]),
        date.fromisoformat(vector["maturity"]),
        CALENDAR,
    )
    shown = (found.effective_maturity.isoformat(), found.days, fen_to_yuan(found.interest_fen))
    assert shown == (vector["effective"], vector["days"], vector["interest"])
    assert fen_to_yuan(found.proceeds_fen) == vector["proceeds"]


@pytest.mark.parametrize("vector", VECTORS["published"], ids=lambda vector: vector["id"])
def test_published_examples(vector):
    # 90 days from a working day to a working day.
    assert vector["days"] == 90
    found = price(
        yuan_to_fen(vector["face"]), Decimal(vector["rate_pct"]), date(2026, 3, 3), date(2026, 6, 1), CALENDAR
    )
    assert (found.days, fen_to_yuan(found.interest_fen)) == (90, vector["interest"])
    assert fen_to_yuan(found.proceeds_fen) == vector["proceeds"]


def test_a_paper_bill_payable_in_another_city_counts_three_days_more():
    found = price(
        100_000_000,
        Decimal("2.0"),
        date(2026, 3, 3),
        date(2026, 6, 1),
        CALENDAR,
        delay=PaperDelay.HOLIDAYS_THEN_OTHER_CITY,
    )
    assert (found.days, found.interest_fen, found.proceeds_fen) == (93, 516_667, 99_483_333)
    assert found.effective_maturity == date(2026, 6, 1)


def test_half_a_year_to_labour_day_2017_ends_after_the_holidays():
    found = price(100, Decimal(1), date(2016, 11, 1), date(2017, 5, 1), IN_2017)
    assert (found.effective_maturity, found.days) == (date(2017, 5, 4), 184)


def test_a_year_to_labour_day_2017_ends_after_the_holidays():
    assert interest_period(date(2016, 5, 1), date(2017, 5, 1), IN_2017) == (date(2017, 5, 4), 368)


@pytest.mark.parametrize(
    ("delay", "effective", "days"),
    [
        (ElectronicDelay.NONE, (5, 1), 29),
        (ElectronicDelay.ROLL_HOLIDAYS, (5, 6), 34),
        (ElectronicDelay.FIXED_DAYS, (5, 1), 29),
        (PaperDelay.NONE, (5, 1), 29),
        (PaperDelay.HOLIDAYS, (5, 6), 34),
        (PaperDelay.OTHER_CITY, (5, 1), 32),
        (PaperDelay.HOLIDAYS_THEN_OTHER_CITY, (5, 6), 37),
        (PaperDelay.OTHER_CITY_THEN_HOLIDAYS, (5, 6), 34),
        (PaperDelay.FIXED_DAYS, (5, 1), 29),
    ],
)
@pytest.mark.parametrize("extra_days", [0, 2])
def test_each_delay_shifts_labour_day_2026_in_its_own_way(delay, effective, days, extra_days):
    found = interest_period(date(2026, 4, 2), date(2026, 5, 1), CALENDAR, delay=delay, extra_days=extra_days)
    assert found == (date(2026, *effective), days + extra_days)


@pytest.mark.parametrize(
    ("delay", "days"),
    [
        (PaperDelay.OTHER_CITY, 32 + 4),
        (PaperDelay.HOLIDAYS_THEN_OTHER_CITY, 37 + 4),
        # 2026-05-08 is a Friday, a working day.
        (PaperDelay.OTHER_CITY_THEN_HOLIDAYS, 36),
        (PaperDelay.HOLIDAYS, 34),
    ],
)
def test_the_days_to_another_city_can_be_set(delay, days):
    found = interest_period(date(2026, 4, 2), date(2026, 5, 1), CALENDAR, delay=delay, other_city_days=7)
    assert found[1] == days


def test_the_codes_of_the_delays_are_those_of_the_registry():
    assert {delay.name: delay.value for delay in ElectronicDelay} == {"NONE": 0, "ROLL_HOLIDAYS": 1, "FIXED_DAYS": 5}
    assert [delay.value for delay in PaperDelay] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("delay", ALL_DELAYS)
def test_on_working_days_an_unshifted_maturity_counts_its_own_days(delay):
    # 2026-04-20 is a Monday and the Thursday after it is a working day too.
    shift = 3 if delay in (PaperDelay.OTHER_CITY, PaperDelay.HOLIDAYS_THEN_OTHER_CITY) else 0
    shift = 3 if delay is PaperDelay.OTHER_CITY_THEN_HOLIDAYS else shift
    assert interest_period(date(2026, 4, 1), date(2026, 4, 20), CALENDAR, delay=delay)[1] == 19 + shift


def test_a_price_takes_its_delay_and_its_days_to_another_city():
    terms = {"delay": PaperDelay.OTHER_CITY, "other_city_days": 5}
    found = price(10**9, Decimal(2), date(2026, 4, 2), date(2026, 5, 1), CALENDAR, 1, **terms)
    assert (found.effective_maturity, found.days) == (date(2026, 5, 1), 29 + 5 + 1)
    assert found.interest_fen == discount_interest(10**9, Decimal(2), 35)


def test_extra_days_come_on_top_of_the_roll():
    found = price(100, Decimal(1), date(2026, 3, 2), date(2026, 5, 31), CALENDAR, 3)
    assert (found.effective_maturity, found.days) == (date(2026, 6, 1), 94)


def test_a_bill_payable_in_the_same_city_needs_no_days_of_transfer():
    found = interest_period(
        date(2026, 4, 2), date(2026, 5, 1), CALENDAR, delay=PaperDelay.OTHER_CITY, other_city_days=0
    )
    assert found == (date(2026, 5, 1), 29)


@pytest.mark.parametrize("terms", [{"extra_days": -1}, {"other_city_days": -1}])
def test_days_are_never_taken_away(terms):
    found = refusal(interest_period, date(2026, 3, 2), date(2026, 5, 31), CALENDAR, **terms)
    assert found == ("DAYS_INVALID", "extra_days")


@pytest.mark.parametrize(
    ("maturity", "terms", "says"),
    [
        (date(2026, 3, 2), {}, "The bill matures on or before the discount date."),
        (date(2026, 5, 31), {"extra_days": -1}, "Days are only ever added; send 0 or more."),
    ],
)
def test_a_period_that_cannot_be_says_why(maturity, terms, says):
    with pytest.raises(PriceError) as refused:
        interest_period(date(2026, 3, 2), maturity, CALENDAR, **terms)
    assert refused.value.message == says


def test_without_roll_no_calendar_of_the_maturity_is_needed():
    found = price(100, Decimal(1), date(2026, 12, 1), date(2027, 1, 1), CALENDAR, delay=ElectronicDelay.NONE)
    assert (found.effective_maturity, found.days) == (date(2027, 1, 1), 31)


@given(st.sampled_from(WORKING), st.integers(1, 90), st.integers(1, 10**12), st.integers(1, 24_000_000))
def test_a_price_counts_to_the_first_working_day_and_conserves_the_face(discount_date, tenor, face_fen, micro):
    maturity = discount_date + timedelta(days=tenor)
    rate = Decimal(micro) / 1_000_000
    found = price(face_fen, rate, discount_date, maturity, CALENDAR)
    assert found.effective_maturity == CALENDAR.effective_maturity(maturity)
    assert found.days == (found.effective_maturity - discount_date).days >= tenor
    assert found.interest_fen == discount_interest(face_fen, rate, found.days)
    assert found.proceeds_fen + found.interest_fen == found.face_fen == face_fen


def test_a_maturity_on_a_worked_saturday_does_not_roll():
    found = price(100, Decimal(1), date(2026, 4, 15), date(2026, 5, 9), CALENDAR)
    assert (found.effective_maturity, found.days) == (date(2026, 5, 9), 24)


def test_a_discount_may_be_made_on_a_worked_saturday():
    assert price(100, Decimal(1), date(2026, 2, 28), date(2026, 3, 2), CALENDAR).days == 2


def test_a_bill_that_matures_tomorrow_costs_one_day():
    found = price(36_000_000, Decimal(1), date(2026, 4, 15), date(2026, 4, 16), CALENDAR)
    assert (found.days, found.interest_fen, found.proceeds_fen) == (1, 1000, 35_999_000)


def test_a_range_earns_interest_on_its_own_amount_only():
    part = SubBillRange.parse("101-12200")
    found = price(part.amount_fen, Decimal("2.0"), date(2026, 3, 2), date(2026, 5, 31), CALENDAR)
    assert (found.face_fen, found.interest_fen, found.proceeds_fen) == (12_100, 61, 12_039)


@pytest.mark.parametrize("maturity", [date(2026, 4, 15), date(2026, 4, 14)])
def test_a_bill_that_matures_on_the_discount_date_or_before_has_no_price(maturity):
    found = refusal(price, 100, Decimal(1), date(2026, 4, 15), maturity, CALENDAR)
    assert found == ("MATURITY_NOT_AFTER_DISCOUNT", "maturity_date")


def test_a_bill_that_matured_on_a_day_off_has_no_price_although_its_maturity_rolls():
    found = refusal(price, 100, Decimal(1), date(2026, 5, 31), date(2026, 5, 30), CALENDAR)
    assert found == ("MATURITY_NOT_AFTER_DISCOUNT", "maturity_date")


def test_a_discount_needs_a_working_day():
    found = refusal(price, 100, Decimal(1), date(2026, 10, 1), date(2026, 11, 2), CALENDAR)
    assert found == ("NOT_A_WORKING_DAY", "discount_date")


def test_a_maturity_in_an_unconfirmed_year_has_no_price():
    with pytest.raises(CalendarError) as refused:
        price(100, Decimal(1), date(2026, 12, 1), date(2027, 1, 4), CALENDAR)
    assert refused.value.code == "CALENDAR_UNCONFIRMED"
