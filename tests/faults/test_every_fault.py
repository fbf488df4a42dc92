"""Faults by exhaustive exploration: every write of a discount fails once, before and after it is stored."""

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.receipt import receipt_bytes, verify_receipt
from rongtong.services.discounts import load
from rongtong.services.receipts import receipt


class CrashError(Exception):
    """The process dies here."""


GOOD = sample_bills()[2]
REJECTED = next(bill for bill in sample_bills() if bill.reason == "BILL_RISK")


def _writes_of(bill):
    """How many writes one undisturbed discount makes."""
    platform, seen = Platform(), []
    platform.context.store.before_write = lambda writes: seen.append(len(writes))
    platform.run(platform.accept(bill))
    return len(seen)


def _crash_at(platform, position, *, stored):
    """Let the write number ``position`` from now crash, before or after it is stored."""
    seen = []

    def hook(writes):
        seen.append(writes)
        if len(seen) == position:
            raise CrashError

    if stored:
        platform.context.store.after_write = hook
    else:
        platform.context.store.before_write = hook


def _disturbed(bill, position, *, stored):
    platform = Platform()
    _crash_at(platform, position, stored=stored)
    with pytest.raises(CrashError):
        platform.run(platform.accept(bill))
    platform.context.store.before_write = platform.context.store.after_write = lambda writes: None
    discount_id = platform.accept(bill)
    platform.run(discount_id)
    return platform, discount_id


CASES = [(position, stored) for position in range(1, _writes_of(GOOD) + 1) for stored in (False, True)]


@pytest.mark.parametrize(("position", "stored"), CASES)
def test_a_crash_at_any_write_and_a_replay_end_in_exactly_one_payment(position, stored):
    platform, discount_id = _disturbed(GOOD, position, stored=stored)
    body = platform.body(discount_id)
    assert (body["status"], len(platform.bank.orders)) == ("DISBURSED", 1)
    assert platform.bank.total_fen() == body["proceeds_fen"] == body["face_fen"] - body["interest_fen"]


@pytest.mark.parametrize(("position", "stored"), CASES)
def test_a_crash_at_any_write_loses_no_evidence_and_no_message(position, stored):
    platform, discount_id = _disturbed(GOOD, position, stored=stored)
    content = receipt_bytes(receipt(platform.context, load(platform.context, discount_id)))
    events = verify_receipt(content, platform.trust).events
    assert events == ("DiscountRequested", "BillVerified", "ContractSealed", "DiscountPaid", "EnterpriseTold")
    assert f"discount#{discount_id}/event#0004" in platform.context.sms.sent


@pytest.mark.parametrize(("position", "stored"), CASES)
def test_a_crash_at_any_write_leaves_the_limits_right(position, stored):
    platform, discount_id = _disturbed(GOOD, position, stored=stored)
    face_fen = platform.body(discount_id)["face_fen"]
    assert platform.used() == dict.fromkeys(platform.counted(discount_id), face_fen)


@pytest.mark.parametrize(
    ("position", "stored"),
    [(position, stored) for position in range(1, _writes_of(REJECTED) + 1) for stored in (False, True)],
)
def test_a_rejected_bill_gives_everything_back_whatever_crashes(position, stored):
    platform, discount_id = _disturbed(REJECTED, position, stored=stored)
    body = platform.body(discount_id)
    assert (body["status"], body["reason"], platform.bank.orders) == ("REFUSED", "BILL_RISK", [])
    assert platform.used() == dict.fromkeys(platform.counted(discount_id), 0)
    assert platform.context.store.get(f"package#{body['bill_number']}", "state").body["ranges"] == {}


@pytest.mark.parametrize("lost", [1, 2, 3, 5])
def test_lost_answers_of_the_bank_are_asked_for_and_never_paid_again(lost):
    platform = Platform()
    platform.bank.lose_answers = lost
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    assert (platform.body(discount_id)["status"], len(platform.bank.orders)) == ("DISBURSED", 1)


def test_a_payment_in_process_is_waited_for():
    platform = Platform()
    platform.bank.open_answers = 3
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    assert (platform.body(discount_id)["status"], len(platform.bank.orders)) == ("DISBURSED", 1)


def test_a_refused_payment_gives_range_limits_and_lock_back():
    platform = Platform()
    platform.bank.refuse = True
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    body = platform.body(discount_id)
    assert (body["status"], body["reason"]) == ("FAILED", "PAYEE_REFUSED")
    assert platform.used() == dict.fromkeys(platform.counted(discount_id), 0)
    assert platform.context.bills.taken == {}


def test_two_workers_that_pay_at_once_pay_once():
    platform = Platform()
    from rongtong.services.disburse import disburse
    from rongtong.services.seal import seal
    from rongtong.services.verify_bill import verify

    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    pay = platform.bank.pay
    answers = []

    def second_worker_first(order):
        platform.bank.pay = pay
        answers.append(disburse(platform.context, discount_id)["payment"])
        return pay(order)

    platform.bank.pay = second_worker_first
    answers.append(disburse(platform.context, discount_id)["payment"])
    assert answers == [PaymentStatus.SUCCEEDED, PaymentStatus.SUCCEEDED]
    assert (len(platform.bank.orders), platform.body(discount_id)["events"]) == (1, 4)
