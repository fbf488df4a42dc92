"""Large-value transactions: thresholds, cumulation, the deadline of the report."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.errors import CalendarError
from rongtong.domain.large_value import (
    Direction,
    LargeValue,
    LargeValueKind,
    Movement,
    large_values_due,
    report_by,
    reportable,
)

CASH, CORPORATE = LargeValueKind.CASH, LargeValueKind.CORPORATE_TRANSFER
PAID, RECEIVED = Direction.PAYMENT, Direction.RECEIPT
# 16:00 in UTC is midnight in Shanghai.
MIDNIGHT = datetime(2026, 4, 14, 16, tzinfo=UTC)
THRESHOLDS = [
    (LargeValueKind.CASH, 5_000_000),
    (LargeValueKind.CORPORATE_TRANSFER, 200_000_000),
    (LargeValueKind.PERSONAL_TRANSFER, 50_000_000),
    (LargeValueKind.PERSONAL_CROSS_BORDER, 20_000_000),
]


@pytest.mark.parametrize(("kind", "fen"), THRESHOLDS)
def test_the_threshold_itself_is_reportable(kind, fen):
    assert reportable(kind, fen) is True


@pytest.mark.parametrize(("kind", "fen"), THRESHOLDS)
def test_one_fen_less_than_the_threshold_is_not_reportable(kind, fen):
    assert reportable(kind, fen - 1) is False


def test_small_amounts_of_a_natural_day_in_shanghai_add_up():
    moves = [
        Movement("c-1", CASH, PAID, MIDNIGHT, 3_000_000),
        Movement("c-1", CASH, PAID, MIDNIGHT + timedelta(hours=24, microseconds=-1), 2_000_000),
    ]
    assert large_values_due(moves) == (LargeValue(date(2026, 4, 15), "c-1", CASH, PAID, 5_000_000),)


@pytest.mark.parametrize(
    "other",
    [
        Movement("c-2", CASH, PAID, MIDNIGHT, 2_000_000),
        Movement("c-1", CORPORATE, PAID, MIDNIGHT, 2_000_000),
        Movement("c-1", CASH, RECEIVED, MIDNIGHT, 2_000_000),
        Movement("c-1", CASH, PAID, MIDNIGHT - timedelta(microseconds=1), 2_000_000),
    ],
    ids=["customer", "kind", "direction", "day"],
)
def test_amounts_do_not_add_up_across(other):
    assert large_values_due([Movement("c-1", CASH, PAID, MIDNIGHT, 3_000_000), other]) == ()


def test_the_earliest_day_is_reported_first():
    later, earlier = MIDNIGHT, MIDNIGHT - timedelta(days=1)
    due = large_values_due([Movement("c-1", CASH, PAID, at, 5_000_000) for at in (later, earlier)])
    assert [value.day for value in due] == [date(2026, 4, 14), date(2026, 4, 15)]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(Direction), st.integers(1, 4_000_000)), max_size=12))
def test_what_is_due_is_every_total_that_reaches_the_threshold(moves):
    due = large_values_due(Movement(who, CASH, way, MIDNIGHT, fen) for who, way, fen in moves)
    sums = {key: sum(fen for who, way, fen in moves if (who, way) == key) for key in {move[:2] for move in moves}}
    assert {(value.customer, value.direction): value.total_fen for value in due} == {
        key: total for key, total in sums.items() if total >= 5_000_000
    }


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 4, 15), date(2026, 4, 22)),
        # Spring Festival from the 16th to the 23rd, 28 February is a working Saturday.
        (date(2026, 2, 14), date(2026, 2, 28)),
        (date(2026, 2, 21), date(2026, 2, 28)),
    ],
)
def test_the_report_is_due_on_the_fifth_legal_working_day(day, expected):
    assert report_by(day, legal_calendar()) == expected


def test_a_deadline_in_a_year_that_is_not_confirmed_is_refused():
    with pytest.raises(CalendarError) as refused:
        report_by(date(2026, 12, 30), WorkingCalendar({}))
    assert refused.value.code == "CALENDAR_UNCONFIRMED"
