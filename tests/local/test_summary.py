"""The demo's figures and pictures: what is counted, what is called a fault."""

from datetime import UTC, datetime, timedelta

import pytest

from in_memory import sample_bills
from measure import Cost, Step, _count
from report import render
from submit import Outcome
from summary import faults, percentile, summarise

BILLS = sample_bills()
ACCEPTED = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
COST = Cost(5, 7, 34, (Step("Verify", 0, 200), Step("Seal", 200, 500)))


def _paid(bill, seconds=1.0, face=1000, interest=10):
    discount = {
        "discount_id": f"dsc_{bill.line}",
        "accepted_at": ACCEPTED.isoformat(),
        "paid_at": (ACCEPTED + timedelta(seconds=seconds)).isoformat(),
        "face_fen": face,
        "interest_fen": interest,
        "paid_fen": face - interest,
        "annual_rate": "1.200000",
        "days": 90,
    }
    return Outcome(bill, "disbursed", "", discount)


GOOD = [_paid(BILLS[at], seconds=at + 1) for at in range(4)]
NOT_GOOD = next(bill for bill in BILLS if bill.expected == "refused")
REFUSED = Outcome(NOT_GOOD, "refused", NOT_GOOD.reason)


def test_the_figures_are_sums_and_counts_of_what_was_paid():
    found = summarise([*GOOD, REFUSED], [COST, COST], receipts_verified=4, bank_paid_fen=3960)
    assert (found["bills"], found["disbursed"], found["refused"], found["failed"]) == (5, 4, 1, 0)
    assert (found["face_fen"], found["interest_fen"], found["paid_fen"]) == (4000, 40, 3960)
    assert (found["p50_s"], found["p99_s"]) == (2.0, 4.0)
    assert (found["write_units_per_discount"], found["task_invocations_per_discount"]) == (34.0, 5.0)


def test_nothing_is_a_fault_when_all_agrees():
    outcomes = [*GOOD, REFUSED]
    assert faults(summarise(outcomes, [COST], 4, 3960), outcomes) == []


@pytest.mark.parametrize(
    ("outcomes", "verified", "bank_paid"),
    [
        ([*GOOD, REFUSED], 4, 3961),
        ([*GOOD, REFUSED], 3, 3960),
        ([*GOOD, Outcome(NOT_GOOD, "refused", "ANOTHER_REASON")], 4, 3960),
        ([*GOOD, Outcome(NOT_GOOD, "failed", NOT_GOOD.reason)], 4, 3960),
    ],
)
def test_every_disagreement_is_a_fault(outcomes, verified, bank_paid):
    assert len(faults(summarise(outcomes, [COST], verified, bank_paid), outcomes)) == 1


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (95, 95), (99, 99), (100, 100), (1, 1)])
def test_percentiles_are_values_that_occurred(percent, value):
    assert percentile(range(100, 0, -1), percent) == value


def test_the_report_shows_every_outcome_and_every_step():
    outcomes = [*GOOD, REFUSED]
    page = render(summarise(outcomes, [COST], 4, 3960), outcomes, [("One discount", GOOD[0], COST)])
    for shown in ("disbursed", REFUSED.reason, "Verify", "Seal", "p99", GOOD[0].discount["discount_id"]):
        assert shown in page


def test_a_report_without_any_paid_bill_is_still_a_page():
    page = render(summarise([REFUSED], [], 0, 0), [REFUSED], [])
    assert "No bill was paid" in page


def test_costs_are_counted_from_an_execution_s_history():
    at = [ACCEPTED + timedelta(milliseconds=step) for step in (0, 10, 20, 30, 90, 100)]
    events = [
        {
            "timestamp": at[0],
            "type": "ExecutionStarted",
            "executionStartedEventDetails": {"input": '{"write_units": 10}'},
        },
        {"timestamp": at[1], "type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Verify"}},
        {"timestamp": at[2], "type": "TaskScheduled"},
        {"timestamp": at[3], "type": "TaskScheduled"},
        {
            "timestamp": at[4],
            "type": "TaskSucceeded",
            "taskSucceededEventDetails": {"output": '{"Payload": {"write_units": 4}}'},
        },
        {"timestamp": at[5], "type": "TaskStateExited", "stateExitedEventDetails": {"name": "Verify"}},
    ]
    assert _count(events) == Cost(2, 1, 14, (Step("Verify", 10, 100),))
