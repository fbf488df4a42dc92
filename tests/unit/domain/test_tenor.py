"""How long a bill may run."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.tenor import add_months, tenor_fault

ISSUE = date(2026, 3, 15)
SIX_MONTHS_LATER = date(2026, 9, 15)
BEFORE_MATURITY = date(2026, 4, 15)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 3, 15), 6, date(2026, 9, 15)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2027, 8, 31), 6, date(2028, 2, 29)),
        (date(2026, 6, 30), 6, date(2026, 12, 30)),
        (date(2026, 7, 1), 6, date(2027, 1, 1)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(2026, 5, 5), 0, date(2026, 5, 5)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_its_month(day, months, later):
    assert add_months(day, months) == later


@given(st.dates(date(2000, 1, 1), date(2099, 1, 1)), st.integers(0, 24))
def test_months_later_never_skips_a_month_and_never_gains_a_day(day, months):
    later = add_months(day, months)
    assert later.year * 12 + later.month == day.year * 12 + day.month + months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


def test_a_bill_of_exactly_six_months_has_no_fault():
    assert tenor_fault(ISSUE, SIX_MONTHS_LATER, BEFORE_MATURITY) is None


def test_a_bill_of_six_months_and_a_day_is_too_long():
    assert tenor_fault(ISSUE, SIX_MONTHS_LATER + timedelta(days=1), BEFORE_MATURITY) == "TENOR_TOO_LONG"


def test_a_shorter_policy_binds():
    assert tenor_fault(ISSUE, date(2026, 6, 15), BEFORE_MATURITY, 3) is None
    assert tenor_fault(ISSUE, date(2026, 6, 16), BEFORE_MATURITY, 3) == "TENOR_TOO_LONG"


def test_a_bill_has_matured_on_its_maturity_date_but_not_the_day_before():
    assert tenor_fault(ISSUE, SIX_MONTHS_LATER, SIX_MONTHS_LATER) == "BILL_MATURED"
    assert tenor_fault(ISSUE, SIX_MONTHS_LATER, SIX_MONTHS_LATER - timedelta(days=1)) is None


@pytest.mark.parametrize("days", [0, -1])
def test_a_bill_that_does_not_mature_after_its_issue_has_impossible_dates(days):
    assert tenor_fault(ISSUE, ISSUE + timedelta(days=days), date(2026, 1, 5)) == "MATURITY_BEFORE_ISSUE"


def test_a_bill_may_mature_the_day_after_its_issue():
    assert tenor_fault(ISSUE, ISSUE + timedelta(days=1), ISSUE) is None


def test_an_electronic_bill_of_2022_could_run_a_year():
    issue = date(2022, 12, 31)
    assert tenor_fault(issue, date(2023, 12, 31), date(2023, 6, 1)) is None
    assert tenor_fault(issue, date(2024, 1, 1), date(2023, 6, 1)) == "TENOR_TOO_LONG"


def test_a_paper_bill_of_2022_could_run_six_months():
    issue = date(2022, 12, 30)
    assert tenor_fault(issue, date(2023, 6, 30), date(2023, 6, 1), paper=True) is None
    assert tenor_fault(issue, date(2023, 7, 1), date(2023, 6, 1), paper=True) == "TENOR_TOO_LONG"


def test_a_policy_of_today_does_not_shorten_bills_of_2022():
    assert tenor_fault(date(2022, 12, 31), date(2023, 12, 31), date(2023, 6, 1), 3) is None


@pytest.mark.parametrize("paper", [False, True])
def test_six_months_hold_from_the_first_of_january_2023(paper):
    issue = date(2023, 1, 1)
    assert tenor_fault(issue, date(2023, 7, 1), date(2023, 2, 1), paper=paper) is None
    assert tenor_fault(issue, date(2023, 7, 2), date(2023, 2, 1), paper=paper) == "TENOR_TOO_LONG"


def test_the_start_of_the_cap_can_be_set():
    start = date(2026, 3, 16)
    assert tenor_fault(ISSUE, date(2027, 3, 15), BEFORE_MATURITY, cap_start=start) is None
    assert tenor_fault(start, date(2027, 3, 15), BEFORE_MATURITY, cap_start=start) == "TENOR_TOO_LONG"
