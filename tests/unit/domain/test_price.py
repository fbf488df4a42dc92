"""Discount interest and the working-day calendar."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.errors import CalendarError, PriceError
from rongtong.domain.interest import discount_interest, price
from rongtong.domain.money import fen_to_yuan, yuan_to_fen

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
CALENDAR = legal_calendar()
FACES = st.integers(1, 10**13)
RATES = st.integers(1, 24_000_000).map(lambda micro: Decimal(micro) / 1_000_000)


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
    interest = discount_interest(yuan_to_fen(vector["face"]), Decimal(vector["rate_pct"]), vector["days"])
    assert fen_to_yuan(interest) == vector["interest"]


@given(FACES, RATES, st.integers(1, 366))
def test_interest_is_the_decimal_formula_rounded_half_up(face_fen, rate, days):
    exact = Decimal(face_fen) * rate * days / 36000
    assert discount_interest(face_fen, rate, days) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def test_an_exact_half_fen_goes_up():
    # 180 fen at 1 percent for 10 days is 0.05 fen; 1800 fen is exactly half a fen.
    assert discount_interest(1800, Decimal(1), 10) == 1
    assert discount_interest(1799, Decimal(1), 10) == 0


@pytest.mark.parametrize("rate", ["0", "-1", "24.000001", "1.2345678"])
def test_rates_that_no_table_can_hold_are_refused(rate):
    with pytest.raises(PriceError) as refused:
        discount_interest(100, Decimal(rate), 1)
    assert refused.value.code == "RATE_INVALID"


def test_a_bill_that_matures_on_the_discount_date_has_no_price():
    with pytest.raises(PriceError) as refused:
        price(100, Decimal(1), date(2026, 4, 15), date(2026, 4, 15), CALENDAR)
    assert refused.value.code == "MATURITY_NOT_AFTER_DISCOUNT"


def test_a_discount_needs_a_working_day():
    with pytest.raises(PriceError) as refused:
        price(100, Decimal(1), date(2026, 10, 1), date(2026, 11, 2), CALENDAR)
    assert refused.value.code == "NOT_A_WORKING_DAY"


@pytest.mark.parametrize("day", VECTORS["working_weekends"]["2025"] + VECTORS["working_weekends"]["2026"])
def test_a_maturity_on_a_worked_weekend_does_not_roll(day):
    assert CALENDAR.effective_maturity(date.fromisoformat(day)) == date.fromisoformat(day)


@pytest.mark.parametrize("year", [2025, 2026])
def test_both_years_have_248_working_days(year):
    days = (date(year, 1, 1) + timedelta(days=at) for at in range(365))
    assert sum(CALENDAR.is_working_day(day) for day in days) == 248


def test_a_year_without_a_published_calendar_is_refused_not_guessed():
    with pytest.raises(CalendarError) as refused:
        CALENDAR.effective_maturity(date(2027, 1, 2))
    assert refused.value.code == "CALENDAR_UNCONFIRMED"


@pytest.mark.parametrize(
    ("instant", "code"),
    [
        (datetime(2026, 2, 28, 1, 0, tzinfo=UTC), None),
        (datetime(2026, 2, 28, 8, 59, 59, tzinfo=UTC), None),
        (datetime(2026, 2, 28, 0, 59, 59, tzinfo=UTC), "OUT_OF_SERVICE_HOURS"),
        (datetime(2026, 2, 28, 9, 0, tzinfo=UTC), "OUT_OF_SERVICE_HOURS"),
        (datetime(2026, 2, 16, 2, 0, tzinfo=UTC), "NOT_A_WORKING_DAY"),
    ],
)
def test_service_hours_are_nine_to_five_on_legal_working_days(instant, code):
    if code is None:
        CALENDAR.require_service_hours(instant)
        assert CALENDAR.is_working_day(CALENDAR.shanghai_date(instant))
        return
    with pytest.raises(CalendarError) as refused:
        CALENDAR.require_service_hours(instant)
    assert refused.value.code == code
