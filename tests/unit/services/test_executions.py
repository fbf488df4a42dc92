"""Finding what failed and what is stuck, with what to do next."""

from dataclasses import replace
from datetime import timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.services.context import Execution, Running
from rongtong.services.executions import failed, stuck
from rongtong.services.records import iso
from rongtong.services.replay import replay as press
from rongtong.services.verify_bill import verify

SAMPLES = sample_bills()
GOOD, OTHER = [bill for bill in SAMPLES if bill.expected == "disbursed" and bill.bill and not bill.quote][:2]
HOUR = timedelta(hours=1)


@pytest.fixture
def platform():
    return Platform()


def _fail(platform, name, ago=timedelta(0), error="RegistryUnavailableError"):
    runs = platform.context.workflows.executions
    runs[name] = Execution(name, Running.FAILED, platform.context.clock.now() - ago, error)


def _names(found):
    return [one["execution"] for one in found["executions"]]


def _pass(platform, span):
    platform.context.clock.instant += span


def test_what_failed_is_listed_with_its_error_newest_first(platform):
    first, second = platform.accept(GOOD), platform.accept(OTHER, "key-2")
    _fail(platform, first, ago=timedelta(minutes=50))
    _fail(platform, second, ago=timedelta(minutes=10), error="SealedDataError")
    found = failed(platform.context, HOUR)
    assert [(one["discount_id"], one["error"]) for one in found["executions"]] == [
        (second, "SealedDataError"),
        (first, "RegistryUnavailableError"),
    ]
    assert found["executions"][0]["what_next"].startswith("Mend what its execution's error names")


def test_what_failed_earlier_is_not_listed(platform):
    _fail(platform, platform.accept(GOOD), ago=2 * HOUR)
    assert failed(platform.context, HOUR)["executions"] == []


def test_what_failed_and_is_at_rest_meanwhile_is_not_listed(platform):
    discount_id = platform.accept(GOOD)
    _fail(platform, discount_id)
    platform.run(discount_id)
    assert failed(platform.context, HOUR)["executions"] == []


def test_what_failed_and_runs_again_is_not_listed(platform):
    discount_id = platform.accept(GOOD)
    _fail(platform, discount_id)
    press(platform.context, "operations", discount_id, "MENDED")
    assert failed(platform.context, HOUR)["executions"] == []


def test_a_discount_that_failed_twice_is_listed_once_by_its_newest_execution(platform):
    discount_id = platform.accept(GOOD)
    _fail(platform, discount_id, ago=timedelta(minutes=30))
    press(platform.context, "operations", discount_id, "MENDED")
    _fail(platform, f"{discount_id}-r1")
    assert _names(failed(platform.context, HOUR)) == [f"{discount_id}-r1"]


def test_what_is_more_than_asked_for_is_said_to_be_there(platform):
    for number, bill in enumerate((GOOD, OTHER)):
        _fail(platform, platform.accept(bill, f"key-{number}"))
    found = failed(platform.context, HOUR, most=1)
    assert (len(found["executions"]), found["more"]) == (1, True)


def test_a_discount_is_stuck_once_it_is_due_for_longer_than_the_threshold(platform):
    discount_id = platform.accept(GOOD)
    _pass(platform, HOUR)
    assert stuck(platform.context, HOUR + timedelta(seconds=1))["executions"] == []
    (found,) = stuck(platform.context, HOUR)["executions"]
    assert (found["discount_id"], found["running"]) == (discount_id, "RUNNING")
    assert found["what_next"].startswith("Its execution runs")


def test_what_was_accepted_and_never_begun_is_stuck(platform):
    discount_id = platform.accept(GOOD)
    del platform.context.workflows.executions[discount_id]
    _pass(platform, HOUR)
    (found,) = stuck(platform.context, HOUR)["executions"]
    assert (found["running"], found["what_next"]) == (None, "Its execution was not begun; replay it.")


def test_what_waits_for_a_person_is_not_stuck_until_the_time_is_over(platform):
    discount_id = platform.accept(GOOD, confirmed=False)
    verify(platform.context, discount_id)
    assert platform.body(discount_id)["status"] == "AWAITING_CONFIRMATION"
    _pass(platform, timedelta(hours=23, minutes=30))
    assert stuck(platform.context, HOUR)["executions"] == []
    _pass(platform, timedelta(hours=2))
    assert _names(stuck(platform.context, HOUR)) == [discount_id]


def test_what_is_put_off_by_every_attempt_to_carry_it_on_stays_as_stuck_as_it_was(platform):
    discount_id = platform.accept(GOOD)
    _pass(platform, 3 * HOUR)
    _fail(platform, discount_id)
    press(platform.context, "sweeper", discount_id, "NOT_AT_REST")
    item = platform.context.store.get(f"discount#{discount_id}", "state")
    later = iso(platform.context.clock.now() + timedelta(minutes=59))
    platform.context.store.transact([replace(item.replaced(item.body), due=later)])
    (found,) = stuck(platform.context, 2 * HOUR)["executions"]
    assert (found["execution"], found["since"]) == (f"{discount_id}-r1", platform.body(discount_id)["accepted_at"])


def test_what_is_paid_and_told_is_not_stuck(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    _pass(platform, 5 * HOUR)
    assert stuck(platform.context, HOUR)["executions"] == []


def test_a_discount_that_is_held_says_so(platform):
    discount_id = platform.accept(GOOD)
    item = platform.context.store.get(f"discount#{discount_id}", "state")
    platform.context.store.transact([item.replaced({**item.body, "held": "SUSPENDED"})])
    _pass(platform, HOUR)
    (found,) = stuck(platform.context, HOUR)["executions"]
    assert found["what_next"].startswith("Business with one of its parties is suspended")
