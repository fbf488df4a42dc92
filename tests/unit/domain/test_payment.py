"""What may become of a payment, and what is done with one whose outcome is not known."""

from datetime import UTC, datetime, time
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.errors import TransitionError
from rongtong.domain.payment import (
    NO_ANSWER,
    NOT_KNOWN,
    PaymentReferenceError,
    PaymentStatus,
    Step,
    cut_off,
    is_past,
    is_result,
    may_become,
    next_step,
    paid_out,
    parse_reference,
    payment_reference,
    require_payment_transition,
    sent_back,
)

# Current status to all that may follow; what is not named ends.
TABLE = {
    "CREATED": {"SUBMITTED", "FAILED"},
    "SUBMITTED": {"PROCESSING", "UNKNOWN", "SUCCEEDED", "FAILED"},
    "PROCESSING": {"UNKNOWN", "SUCCEEDED", "FAILED"},
    "UNKNOWN": {"PROCESSING", "SUCCEEDED", "FAILED"},
    "SUCCEEDED": {"RETURNED", "REVERSED"},
}
WORDS = [*PaymentStatus, NOT_KNOWN, NO_ANSWER]
ID = "dsc_abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(("current", "new"), product(PaymentStatus, repeat=2))
def test_a_payment_takes_the_steps_of_its_table_and_no_other(current, new):
    assert may_become(current, new) is (new in TABLE.get(current, set()))


@pytest.mark.parametrize(("current", "new"), product(PaymentStatus, repeat=2))
def test_a_step_outside_the_table_is_refused_by_name(current, new):
    if may_become(current, new):
        require_payment_transition(current, new)
        return
    with pytest.raises(TransitionError) as refused:
        require_payment_transition(current, new)
    assert refused.value.message == f"A payment that is {current.value} cannot become {new.value}."


def test_only_paid_refused_and_sent_back_say_what_became_of_a_payment():
    assert {status for status in PaymentStatus if is_result(status)} == {"SUCCEEDED", "FAILED", "RETURNED", "REVERSED"}
    assert {status for status in PaymentStatus if sent_back(status)} == {"RETURNED", "REVERSED"}


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.booleans())
def test_a_payment_is_sent_or_given_up_only_when_every_channel_denies_it(heard, past):
    step = next_step(heard, past_cut_off=past)
    denied = all(word == NOT_KNOWN for word in heard)
    assert (step in (Step.SEND, Step.GIVE_UP)) is denied
    assert (step is Step.GIVE_UP) is (denied and past)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), st.booleans())
def test_money_out_on_one_channel_settles_a_payment_and_a_refusal_only_where_no_other_may_have_it(heard, past):
    out = any(paid_out(word) for word in heard)
    refused = PaymentStatus.FAILED in heard and all(word in (PaymentStatus.FAILED, NOT_KNOWN) for word in heard)
    assert (next_step(heard, past_cut_off=past) is Step.SETTLE) is (out or refused)


@given(st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=26, max_size=26), st.integers(1, 99))
def test_a_reference_is_short_and_leads_back_to_its_discount_and_series(digits, series):
    reference = payment_reference(f"dsc_{digits}", series)
    assert parse_reference(reference) == (f"dsc_{digits}", series)
    assert len(reference) <= 32
    assert reference.isalnum()
    assert reference.isupper()


@pytest.mark.parametrize(
    "reference", ["", "RT", payment_reference(ID, 1) + "0", payment_reference(ID, 1).lower(), "X" * 30]
)
def test_another_s_reference_is_refused(reference):
    with pytest.raises(PaymentReferenceError) as refused:
        parse_reference(reference)
    assert (refused.value.code, refused.value.field) == ("REFERENCE_UNKNOWN", "reference")


@pytest.mark.parametrize(
    ("instant", "ends"),
    [
        (datetime(2026, 4, 15, 2, 0, tzinfo=UTC), datetime(2026, 4, 15, 12, 30, tzinfo=UTC)),
        (datetime(2026, 4, 15, 15, 59, tzinfo=UTC), datetime(2026, 4, 15, 12, 30, tzinfo=UTC)),
        (datetime(2026, 4, 15, 16, 0, tzinfo=UTC), datetime(2026, 4, 16, 12, 30, tzinfo=UTC)),
    ],
)
def test_the_bank_s_day_is_shanghai_s(instant, ends):
    assert cut_off(instant, time(20, 30)) == ends


def test_a_cut_off_has_passed_only_when_the_bank_s_slower_clock_says_so_too():
    ends = datetime(2026, 4, 15, 15, 0, tzinfo=UTC)
    assert not is_past(ends, datetime(2026, 4, 15, 15, 10, tzinfo=UTC))
    assert is_past(ends, datetime(2026, 4, 15, 15, 10, 1, tzinfo=UTC))
