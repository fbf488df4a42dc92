"""A complaint's life and its date."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.complaint import WAITING, ComplaintStatus, answer_by, require_complaint_transition
from rongtong.domain.errors import TransitionError

YEARS = datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2090-01-01")
S = ComplaintStatus
ALLOWED = {
    (S.RECEIVED, S.IN_PROGRESS),
    (S.IN_PROGRESS, S.ANSWERED),
    (S.ANSWERED, S.REOPENED),
    (S.REOPENED, S.IN_PROGRESS),
    *[(status, S.CLOSED) for status in S if status is not S.CLOSED],
}


@pytest.mark.parametrize("current", S)
@pytest.mark.parametrize("new", S)
def test_only_the_steps_of_the_table_are_allowed(current, new):
    if (current, new) in ALLOWED:
        require_complaint_transition(current, new)
    else:
        with pytest.raises(TransitionError):
            require_complaint_transition(current, new)


def test_nobody_waits_for_what_is_answered_or_closed():
    assert set(S) - WAITING == {S.ANSWERED, S.CLOSED}


@pytest.mark.parametrize(
    ("received", "due"),
    [
        # The day of receipt in Shanghai does not count, the fifteenth after it ends at midnight.
        ("2026-04-15T02:00:00+00:00", "2026-04-30T16:00:00+00:00"),
        ("2026-04-15T15:59:59+00:00", "2026-04-30T16:00:00+00:00"),
        ("2026-04-15T16:00:00+00:00", "2026-05-01T16:00:00+00:00"),
    ],
)
def test_an_answer_is_due_at_the_end_of_the_fifteenth_day(received, due):
    assert answer_by(datetime.fromisoformat(received)) == datetime.fromisoformat(due)


@given(st.datetimes(*YEARS, timezones=st.just(UTC)), st.integers(1, 60))
def test_there_are_never_fewer_than_the_days_and_always_less_than_one_more(received, days):
    left = answer_by(received, days) - received
    assert timedelta(days=days) < left <= timedelta(days=days + 1)
    assert answer_by(received, days).astimezone(SHANGHAI).hour == 0
