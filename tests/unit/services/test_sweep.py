"""The sweeper: whatever is not at rest is looked after, one failure stops nothing, and nobody is told twice."""

from datetime import timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.incident import IncidentStatus
from rongtong.domain.payment import payment_reference
from rongtong.services import bank_notices, changes, incidents
from rongtong.services.context import Execution, Running
from rongtong.services.disburse import disburse
from rongtong.services.ports import BankUnavailableError, RegistryUnavailableError
from rongtong.services.replay import replay
from rongtong.services.seal import record, seal
from rongtong.services.sweep import sweep
from rongtong.services.unwind import unwind
from rongtong.services.verify_bill import verify

GOOD, OTHER = sample_bills()[2], sample_bills()[3]
DOUBTFUL = next(bill for bill in sample_bills() if bill.expected == "in_review")


@pytest.fixture
def platform():
    made = Platform()
    sweep_later(made)
    return made


def sweep_later(platform, **later):
    platform.context.clock.instant += timedelta(**(later or {"minutes": 1}))
    return sweep(platform.context)


def _fail(platform, name):
    """Let an execution end as failed."""
    run = Execution(name, Running.FAILED, platform.context.clock.now(), "States.TaskFailed")
    platform.context.workflows.executions[name] = run


def _state(platform, discount_id):
    return platform.context.store.get(f"discount#{discount_id}", "state")


def _open(platform):
    return [one["kind"] for one in incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]]


def _sealed(platform, bill=GOOD, key="key-1"):
    discount_id = platform.accept(bill, key)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    return discount_id


def test_a_failed_execution_is_carried_on_with_growing_pauses(platform):
    discount_id = platform.accept(GOOD)
    starts = []
    for _ in range(12):
        name = [name for name, _ in platform.context.workflows.discounts][-1]
        _fail(platform, name)
        sweep_later(platform)
        starts.append(len(platform.context.workflows.discounts))
    assert starts[0] == 2
    assert starts[-1] < 6
    assert [name for name, _ in platform.context.workflows.discounts][:3] == [
        discount_id,
        f"{discount_id}-r1",
        f"{discount_id}-r2",
    ]


def test_a_discount_that_does_not_end_is_one_incident_until_it_ends(platform):
    discount_id = platform.accept(GOOD)
    for _ in range(30):
        _fail(platform, [name for name, _ in platform.context.workflows.discounts][-1])
        sweep_later(platform, hours=1)
    assert _open(platform) == ["STUCK"]
    unwind(platform.context, discount_id, "OPERATOR", refused=False)
    for _ in range(2):
        sweep_later(platform, hours=2)
    assert _open(platform) == []


def test_what_fails_is_put_off_and_stops_nothing_else(platform):
    first = _sealed(platform)
    unwind(platform.context, first, "OPERATOR", refused=False)
    platform.context.workflows.executions.clear()
    platform.context.workflows.discounts.clear()
    second = platform.accept(OTHER, "key-2")
    platform.context.workflows.executions.clear()

    def down(*arguments):
        raise RegistryUnavailableError("The registry did not answer.")

    platform.context.bills.release = down
    result = sweep_later(platform, minutes=20)
    assert result["failed"] == [f"discount#{first}: REGISTRY_UNAVAILABLE"]
    assert [name for name, _ in platform.context.workflows.discounts][-1] == second
    assert sweep_later(platform)["failed"] == []
    assert f"discount#{first}/event#0004" in platform.context.sms.sent


def test_a_sweep_stops_in_time_and_says_what_is_left(platform):
    for number in range(3):
        platform.accept(sample_bills()[number + 2], f"key-{number}")
    clock = platform.context.clock
    reads = iter(range(0, 100_000, 200))
    object.__setattr__(platform.context, "clock", _Slow(clock, reads))
    clock.instant += timedelta(minutes=1)
    assert sweep(platform.context)["left"] == 2


class _Slow:
    """A clock on which everything takes two hundred seconds."""

    def __init__(self, clock, reads):
        self._clock, self._reads = clock, reads

    def now(self):
        return self._clock.now()

    def monotonic(self):
        return next(self._reads)

    def sleep(self, seconds):
        self._clock.sleep(seconds)


def test_a_review_whose_execution_failed_is_waited_for_by_another(platform):
    discount_id = platform.accept(DOUBTFUL)
    verify(platform.context, discount_id)
    _fail(platform, discount_id)
    sweep_later(platform)
    assert platform.context.workflows.executions[f"{discount_id}-r1"].running is Running.RUNNING


def test_a_repayment_whose_worker_died_is_carried_on(platform):
    discount_id = _sealed(platform)
    disburse(platform.context, discount_id)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(discount_id, 1)))
    sweep_later(platform)
    content = {"discount_id": discount_id, "series": 2, "reason": "ACCOUNT_MENDED"}
    change = changes.propose(platform.context, "operations", "repay", "repayment", content)
    changes.decide(platform.context, "operations-2", change["change_id"], approve=True)
    _fail(platform, discount_id)
    start = platform.context.workflows.start_discount

    def die(name, payload):
        platform.context.workflows.start_discount = start
        raise BankUnavailableError("the process died here")

    platform.context.workflows.start_discount = die
    with pytest.raises(BankUnavailableError):
        replay(platform.context, "operations", discount_id, "REPAID")
    sweep_later(platform)
    assert platform.context.workflows.executions[f"{discount_id}-r1"].running is Running.RUNNING
    seal(platform.context, discount_id)
    platform.bank.lose_answers = 1
    assert disburse(platform.context, discount_id)["payment"] == "UNKNOWN"
    _fail(platform, f"{discount_id}-r1")
    sweep_later(platform, minutes=20)
    assert platform.context.workflows.executions[f"{discount_id}-r2"].running is Running.RUNNING
    disburse(platform.context, discount_id)
    record(platform.context, f"discount#{discount_id}")
    sweep_later(platform, hours=1)
    assert (platform.body(discount_id)["status"], _state(platform, discount_id).due) == ("DISBURSED", None)


def test_what_is_not_logged_and_not_told_is_logged_and_told(platform):
    discount_id = _sealed(platform)
    disburse(platform.context, discount_id)
    sweep_later(platform)
    item = _state(platform, discount_id)
    assert (item.due, item.body["told"], len(item.body["logged"])) == (None, 5, 2)


def test_changes_and_incidents_are_logged_too(platform):
    discount_id = _sealed(platform)
    disburse(platform.context, discount_id)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(discount_id, 1)))
    changes.propose(platform.context, "operations", "key", "limits", {})
    sweep_later(platform)
    logged = [item for item in platform.context.store.items.values() if item.pk.startswith(("change#", "incident#"))]
    states = [item for item in logged if item.sk == "state"]
    assert [item.body["logged"][0][1] for item in states] == [1, 1]
