"""Replay: carried on once however often it is pressed, with who and why as evidence before anything begins."""

from datetime import timedelta

import pytest

from fakes import RecordedWorkflows
from in_memory import Platform, sample_bills
from rongtong.domain.receipt import receipt_bytes, verify_receipt
from rongtong.services import changes, discounts
from rongtong.services.bank_notices import take
from rongtong.services.context import Execution, Running
from rongtong.services.disburse import disburse
from rongtong.services.errors import BusyError, NotFoundError
from rongtong.services.notify import notify
from rongtong.services.ports import BillLockedError
from rongtong.services.receipts import receipt
from rongtong.services.replay import carry_on, execution_name, replay
from rongtong.services.seal import record, seal
from rongtong.services.storage import WriteConflictError
from rongtong.services.verify_bill import verify

GOOD = sample_bills()[2]
WHO, WHY = "operations", "REGISTRY_MENDED"


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def failed(platform):
    """An accepted discount whose execution failed at its first step, an hour ago."""
    discount_id = platform.accept(GOOD)
    _fail(platform, discount_id)
    return discount_id


def _workflows(platform) -> RecordedWorkflows:
    return platform.context.workflows


def _fail(platform, name, error="RegistryUnavailableError"):
    ended_at = platform.context.clock.now() - timedelta(hours=1)
    _workflows(platform).executions[name] = Execution(name, Running.FAILED, ended_at, error)


def _succeed(platform, name):
    _workflows(platform).executions[name] = Execution(name, Running.SUCCEEDED, platform.context.clock.now())


def _press(platform, named, why=WHY):
    answer = replay(platform.context, WHO, named, why)
    return answer["replay"], answer["execution"]


def _events(platform, discount_id, kind="ExecutionReplayed"):
    found = platform.context.store.query(f"discount#{discount_id}", "event#")
    return [item.body["event"]["data"] for item in found if item.body["event"]["type"] == kind]


def _running(platform):
    return [name for name, run in _workflows(platform).executions.items() if run.running is Running.RUNNING]


def test_a_discount_whose_execution_runs_is_left_alone(platform):
    discount_id = platform.accept(GOOD)
    before = dict(platform.context.store.items)
    assert _press(platform, discount_id) == ("running", discount_id)
    assert platform.context.store.items == before


def test_a_failed_one_is_begun_afresh_where_the_service_cannot_let_it_go_on(platform, failed):
    assert _press(platform, failed) == ("started", f"{failed}-r1")
    assert _running(platform) == [f"{failed}-r1"]
    tried, begun = _events(platform, failed)
    assert (tried["redriven"], tried["execution"]) == (True, failed)
    assert begun == {"by": WHO, "why": WHY, "execution": f"{failed}-r1"}


def test_a_fresh_execution_gets_what_the_first_one_got(platform, failed):
    _press(platform, failed)
    first, fresh = (payload for _, payload in _workflows(platform).discounts)
    assert fresh == {**first, "write_units": 0}


def test_pressed_twice_it_is_begun_once(platform, failed):
    _press(platform, failed)
    events = _events(platform, failed)
    assert _press(platform, failed) == ("running", f"{failed}-r1")
    assert _events(platform, failed) == events


def test_a_fresh_one_that_failed_too_is_followed_by_the_next(platform, failed):
    _press(platform, failed)
    _fail(platform, f"{failed}-r1")
    assert _press(platform, failed) == ("started", f"{failed}-r2")
    assert execution_name(discounts.load(platform.context, failed)) == f"{failed}-r2"


def test_an_execution_s_name_means_its_discount(platform, failed):
    _press(platform, failed)
    _fail(platform, f"{failed}-r1")
    assert _press(platform, f"{failed}-r1") == ("started", f"{failed}-r2")


def test_what_does_not_exist_is_not_replayed(platform):
    with pytest.raises(NotFoundError):
        _press(platform, "dsc_unknown")
    assert _workflows(platform).discounts == []


def test_a_start_that_was_lost_after_its_event_is_made_up_for_by_the_next_press(platform, failed):
    start = _workflows(platform).start_discount
    _workflows(platform).start_discount = _raises
    with pytest.raises(ConnectionError):
        _press(platform, failed)
    _workflows(platform).start_discount = start
    events = _events(platform, failed)
    assert _press(platform, failed) == ("started", f"{failed}-r1")
    assert (_running(platform), _events(platform, failed)) == ([f"{failed}-r1"], events)


def test_nothing_is_begun_that_could_not_be_recorded(platform, failed):
    platform.context.store.before_write = _raises
    with pytest.raises(ConnectionError):
        _press(platform, failed)
    assert _running(platform) == []


def test_a_record_whose_answer_was_lost_is_found_by_the_next_press(platform, failed):
    platform.context.store.after_write = _raises
    with pytest.raises(ConnectionError):
        _press(platform, failed)
    platform.context.store.after_write = lambda writes: None
    assert _press(platform, failed)[0] == "started"
    assert len(_running(platform)) == 1


def test_who_is_always_too_late_is_told_so_and_has_begun_nothing(platform, failed):
    def conflict(writes):
        raise WriteConflictError("Another was quicker.", failed=(0,))

    platform.context.store.before_write = conflict
    with pytest.raises(BusyError):
        _press(platform, failed)
    assert _running(platform) == []


def test_a_record_that_was_read_too_early_is_read_again(platform, failed):
    stale = discounts.load(platform.context, failed)
    _press(platform, failed)
    answer = carry_on(platform.context, stale, by="sweeper", why="NOT_AT_REST")
    assert (answer["replay"], answer["execution"]) == ("running", f"{failed}-r1")
    assert {data["by"] for data in _events(platform, failed)} == {WHO}


@pytest.fixture
def redrivable(platform, failed):
    _workflows(platform).redrivable = True
    return failed


def test_a_failed_one_goes_on_from_its_step_where_the_service_can_do_that(platform, redrivable):
    assert _press(platform, redrivable) == ("redriven", redrivable)
    assert _running(platform) == [redrivable]
    assert _events(platform, redrivable) == [{"by": WHO, "why": WHY, "execution": redrivable, "redriven": True}]


def test_a_redrive_is_recorded_before_it_happens(platform, redrivable):
    seen = []
    redrive = _workflows(platform).redrive
    _workflows(platform).redrive = lambda name: seen.append(len(_events(platform, redrivable))) or redrive(name)
    _press(platform, redrivable)
    assert seen == [1]


def test_a_redrive_that_was_lost_after_its_event_is_made_up_for_under_the_same_event(platform, redrivable):
    redrive = _workflows(platform).redrive
    _workflows(platform).redrive = _raises
    with pytest.raises(ConnectionError):
        _press(platform, redrivable)
    _workflows(platform).redrive = redrive
    assert _press(platform, redrivable) == ("redriven", redrivable)
    assert len(_events(platform, redrivable)) == 1


def test_what_was_redriven_and_failed_again_is_begun_afresh(platform, redrivable):
    _press(platform, redrivable)
    platform.context.clock.instant += timedelta(minutes=5)
    _fail(platform, redrivable)
    assert _press(platform, redrivable) == ("started", f"{redrivable}-r1")


def test_what_failed_more_than_14_days_ago_is_begun_afresh(platform, redrivable):
    platform.context.clock.instant += timedelta(days=14)
    assert _press(platform, redrivable) == ("started", f"{redrivable}-r1")
    assert [data["execution"] for data in _events(platform, redrivable)] == [f"{redrivable}-r1"]


def test_what_waits_to_be_paid_is_begun_afresh_so_that_its_event_is_logged_first(platform, redrivable):
    verify(platform.context, redrivable)
    seal(platform.context, redrivable)
    assert _press(platform, redrivable) == ("started", f"{redrivable}-r1")
    platform.run(redrivable)
    assert platform.body(redrivable)["status"] == "DISBURSED"


class _SecondPress:
    """Lets somebody else press at one moment of the first press: before its ``at``-th call to anything outside."""

    def __init__(self, platform, discount_id, at):
        self.platform, self.discount_id, self.left = platform, discount_id, at
        self.most = 0
        for owner, names in ((platform.context.store, ("get", "transact")), (platform.context.workflows, _CALLS)):
            for name in names:
                setattr(owner, name, self._wrapped(getattr(owner, name)))

    def _wrapped(self, call):
        def wrapped(*args):
            self.left -= 1
            if self.left == 0:
                _press(self.platform, self.discount_id, why="SECOND")
            answer = call(*args)
            self.most = max(self.most, len(_running(self.platform)))
            return answer

        return wrapped


_CALLS = ("execution", "redrive", "start_discount")


@pytest.mark.parametrize("redrive", [True, False])
@pytest.mark.parametrize("at", range(1, 9))
def test_two_presses_at_once_never_make_two_executions_run(platform, failed, at, redrive):
    _workflows(platform).redrivable = redrive
    second = _SecondPress(platform, failed, at)
    _press(platform, failed)
    assert second.most == 1
    assert len(_running(platform)) == 1


def test_one_that_ended_before_everything_was_told_is_begun_afresh(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    disburse(platform.context, discount_id)
    _succeed(platform, discount_id)
    assert _press(platform, discount_id) == ("started", f"{discount_id}-r1")


@pytest.fixture
def paid(platform):
    """A discount that is paid, logged and told."""
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    _succeed(platform, discount_id)
    return discount_id


def test_at_rest_there_is_nothing_to_replay_and_nothing_is_written(platform, paid):
    before = dict(platform.context.store.items)
    assert _press(platform, paid) == ("nothing", paid)
    assert platform.context.store.items == before
    assert _running(platform) == []


def test_a_paid_discount_whose_bill_was_not_endorsed_is_replayed(platform):
    bills = platform.context.bills
    endorse, bills.endorse = bills.endorse, _locked
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    _succeed(platform, discount_id)
    bills.endorse = endorse
    assert _press(platform, discount_id)[0] == "started"
    platform.pay(discount_id)
    _succeed(platform, f"{discount_id}-r1")
    assert _press(platform, discount_id)[0] == "nothing"


def _come_back(platform, discount_id):
    take(platform.context, platform.bank.send_back(platform.bank.orders[0].reference))
    _tell(platform, discount_id)


def _tell(platform, discount_id):
    notify(platform.context, f"discount#{discount_id}")
    record(platform.context, f"discount#{discount_id}")


def _approve_repayment(platform, discount_id):
    platform.context.clock.instant += timedelta(minutes=5)
    content = {"discount_id": discount_id, "series": 2, "reason": "ACCOUNT_MENDED"}
    change = changes.propose(platform.context, "operations", "key-repay", "repayment", content)
    changes.decide(platform.context, "operations-2", change["change_id"], approve=True)


def test_money_that_came_back_is_paid_again_only_once_two_persons_approved_it(platform, paid):
    _come_back(platform, paid)
    assert _press(platform, paid)[0] == "nothing"
    _approve_repayment(platform, paid)
    assert _press(platform, paid) == ("started", f"{paid}-r1")
    platform.pay(paid)
    assert (platform.body(paid)["status"], len(platform.bank.orders)) == ("DISBURSED", 2)


def test_money_that_came_back_and_could_not_be_paid_again_needs_another_approval(platform, paid):
    _come_back(platform, paid)
    _approve_repayment(platform, paid)
    _press(platform, paid)
    platform.bank.refuse = True
    platform.pay(paid)
    _succeed(platform, f"{paid}-r1")
    assert _press(platform, paid) == ("nothing", f"{paid}-r1")


def test_the_receipt_of_a_replayed_discount_proves_the_replay_too(platform, failed):
    _press(platform, failed)
    platform.run(failed)
    content = receipt_bytes(receipt(platform.context, discounts.load(platform.context, failed)))
    assert "ExecutionReplayed" in verify_receipt(content, platform.trust).events


def test_the_partner_sees_the_replay_in_the_timeline_and_no_bookkeeping_in_the_discount(platform, redrivable):
    _press(platform, redrivable)
    timeline = discounts.timeline(platform.context, platform.discount(redrivable))
    assert [event["type"] for event in timeline][-1] == "ExecutionReplayed"
    _fail(platform, redrivable)
    platform.context.clock.instant += timedelta(minutes=5)
    _press(platform, redrivable)
    shown = discounts.view(platform.body(redrivable))
    assert {"replays", "redriven"} & set(shown) == set()


def _raises(*args):
    raise ConnectionError


def _locked(*args):
    raise BillLockedError("The registry refuses.", field="bill.range")
