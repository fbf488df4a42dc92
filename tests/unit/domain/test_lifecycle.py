"""What may follow what: every pair of every lifecycle."""

from datetime import UTC, datetime
from itertools import product

import pytest

from rongtong.domain.errors import RongTongError, TransitionError
from rongtong.domain.lifecycle import (
    ChangeStatus,
    DiscountStatus,
    EnterpriseStatus,
    require_change_transition,
    require_discount_transition,
    require_enterprise_transition,
    waits_until,
)

# Current status to all that may follow; what is not named ends.
DISCOUNT = {
    "ACCEPTED": {"IN_REVIEW", "AWAITING_CONFIRMATION", "VERIFIED", "REFUSED", "FAILED"},
    "IN_REVIEW": {"AWAITING_CONFIRMATION", "VERIFIED", "REFUSED", "FAILED"},
    "AWAITING_CONFIRMATION": {"VERIFIED", "REFUSED", "FAILED"},
    "VERIFIED": {"SEALED", "REFUSED", "FAILED"},
    "SEALED": {"DISBURSED", "REFUSED", "FAILED"},
    "DISBURSED": {"RETURNED"},
    "RETURNED": {"DISBURSED"},
}
ENTERPRISE = {
    "PENDING": {"ACTIVE", "REFUSED"},
    "ACTIVE": {"CLOSED"},
    "REFUSED": {"CLOSED"},
    "CLOSED": {"ERASED"},
}
CHANGE = {"PROPOSED": {"APPROVED", "REJECTED"}}
LIFECYCLES = [
    (require_discount_transition, DiscountStatus, DISCOUNT),
    (require_enterprise_transition, EnterpriseStatus, ENTERPRISE),
    (require_change_transition, ChangeStatus, CHANGE),
]
PAIRS = [
    (require, current, new, new in table.get(current, set()))
    for require, statuses, table in LIFECYCLES
    for current, new in product(statuses, repeat=2)
]


def _name(value):
    return value if isinstance(value, str) else getattr(value, "__name__", None)


@pytest.mark.parametrize(("require", "current", "new", "_"), [pair for pair in PAIRS if pair[3]], ids=_name)
def test_a_step_of_the_table_is_allowed(require, current, new, _):
    assert require(current, new) is None


@pytest.mark.parametrize(("require", "current", "new", "_"), [pair for pair in PAIRS if not pair[3]], ids=_name)
def test_any_other_step_is_refused_by_name(require, current, new, _):
    with pytest.raises(TransitionError) as refused:
        require(current, new)
    assert refused.value.code == "TRANSITION_NOT_ALLOWED"
    assert refused.value.message == f"{type(current).__name__} {current.value} cannot become {new.value}."


def test_a_review_may_take_fourteen_days_a_confirmation_one_and_nothing_else_waits_for_a_person():
    now = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
    assert {status.value: waits_until(status, now) for status in DiscountStatus if waits_until(status, now)} == {
        "IN_REVIEW": datetime(2026, 4, 29, 2, 0, tzinfo=UTC),
        "AWAITING_CONFIRMATION": datetime(2026, 4, 16, 2, 0, tzinfo=UTC),
    }


def test_an_error_keeps_its_message_its_field_and_the_code_of_its_class():
    error = TransitionError("Ask again.", field="status")
    assert (str(error), error.message, error.field, error.code) == (
        "Ask again.",
        "Ask again.",
        "status",
        "TRANSITION_NOT_ALLOWED",
    )


def test_an_error_may_carry_a_code_of_its_own_and_leaves_that_of_its_class_alone():
    assert RongTongError("Ask again.", code="ASK_AGAIN").code == "ASK_AGAIN"
    assert (RongTongError("Ask again.").code, RongTongError("Ask again.").field) == ("INTERNAL", None)
