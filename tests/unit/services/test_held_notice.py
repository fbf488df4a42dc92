"""An enterprise hears once, in neutral words, that its discount waits for a reviewer; the flow never waits for that."""

import re
from datetime import timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.receipt import receipt_bytes, verify_receipt
from rongtong.services import executions, waiting
from rongtong.services.disburse import disburse
from rongtong.services.held_notice import HELD, TEXT
from rongtong.services.ports import SmsUnavailableError
from rongtong.services.receipts import receipt
from rongtong.services.seal import record, seal
from rongtong.services.sweep import sweep
from rongtong.services.unwind import unwind
from rongtong.services.watch import watch

BILLS = sample_bills()
DOUBTFUL = next(bill for bill in BILLS if bill.expected == "in_review")
HINTS = re.compile(r"审核|审查|复核|风险|可疑|洗钱|名单|暂停|冻结|人工|原因|异常|review|risk", re.IGNORECASE)


@pytest.fixture
def platform():
    made = Platform()
    later(made)
    return made


def later(platform, **span):
    platform.context.clock.instant += timedelta(**(span or {"minutes": 1}))
    return sweep(platform.context)


def _held(platform, bill=DOUBTFUL):
    discount_id = platform.accept(bill)
    platform.run(discount_id)
    waiting.park(platform.context, discount_id, "a-token")
    return discount_id


def _messages(platform, discount_id):
    sent = platform.context.sms.sent
    return {name: text for name, (_, text) in sent.items() if name.startswith(f"discount#{discount_id}/")}


def _decide(platform, discount_id, *, approve=True):
    item = platform.discount(discount_id)
    waiting.decide_review(platform.context, "operations", item, approve=approve, note="FILES_SEEN")


def _kinds(platform, discount_id):
    found = platform.context.store.query(f"discount#{discount_id}", "event#")
    return [item.body["event"]["type"] for item in found]


def _due(platform):
    return [(item.pk, item.sk) for item in platform.context.store.due("9") if item.pk.startswith("discount#")]


def test_a_held_discount_is_told_to_its_enterprise_s_mobile_once_however_often_the_sweeper_looks(platform):
    discount_id = _held(platform)
    for _ in range(5):
        later(platform)
    assert _messages(platform, discount_id) == {f"discount#{discount_id}/event#0002": TEXT}
    own = platform.enterprise(platform.body(discount_id)["enterprise_id"])
    mobile = platform.context.vault.decrypt(own.body["enterprise_id"], own.body["data_key"], own.body["mobile"])
    assert platform.context.sms.sent[f"discount#{discount_id}/event#0002"][0] == mobile
    assert _kinds(platform, discount_id) == ["DiscountRequested", "BillVerified", "EnterpriseTold"]
    assert _due(platform) == [(f"discount#{discount_id}", "state")]


def test_the_message_is_the_same_for_every_doubt_and_hints_at_none(platform):
    told = set()
    for bill in [one for one in BILLS if one.expected == "in_review"][:6]:
        made = Platform()
        later(made)
        discount_id = _held(made, bill)
        later(made)
        told |= set(_messages(made, discount_id).values())
    assert told == {TEXT}
    assert not HINTS.search(TEXT)


def test_nothing_is_sent_before_the_discount_is_parked_and_parking_sends_nothing(platform):
    discount_id = _held(platform)
    assert _messages(platform, discount_id) == {}
    assert platform.body(discount_id)["task_token"] == "a-token"


def test_whoever_is_decided_on_before_the_sweeper_looks_hears_only_how_it_ended(platform):
    discount_id = _held(platform)
    _decide(platform, discount_id)
    platform.pay(discount_id)
    later(platform)
    assert list(_messages(platform, discount_id).values()) == ["贴现款已到账"]
    assert _due(platform) == []


@pytest.mark.parametrize("approve", [True, False])
def test_a_discount_that_was_told_of_is_paid_or_refused_as_any_and_its_end_is_told_too(platform, approve):
    discount_id = _held(platform)
    later(platform)
    _decide(platform, discount_id, approve=approve)
    if approve:
        platform.pay(discount_id)
    else:
        unwind(platform.context, discount_id, platform.body(discount_id)["reason"], refused=True)
    later(platform)
    ends = "贴现款已到账" if approve else "贴现申请未成功"
    assert list(_messages(platform, discount_id).values()) == [TEXT, ends]
    content = receipt_bytes(receipt(platform.context, platform.discount(discount_id)))
    assert verify_receipt(content, platform.trust).events.count("EnterpriseTold") == 2
    assert _due(platform) == []


def test_a_gateway_that_is_down_delays_the_message_and_nothing_else(platform):
    send = platform.context.sms.send

    def down(*_):
        raise SmsUnavailableError("The gateway does not answer.")

    platform.context.sms.send = down
    discount_id = _held(platform)
    assert f"discount#{discount_id}: SMS_UNAVAILABLE" in later(platform)["failed"]
    assert platform.discount(discount_id).due > platform.context.clock.now().isoformat()
    platform.context.sms.send = send
    later(platform, minutes=10)
    assert list(_messages(platform, discount_id).values()) == [TEXT]


def test_operations_are_told_of_a_message_that_waits_and_not_of_a_stuck_discount(platform):
    def down(*_):
        raise SmsUnavailableError("The gateway does not answer.")

    platform.context.sms.send = down
    discount_id = _held(platform)
    for _ in range(5):
        later(platform, minutes=10)
    found = watch(platform.context, dict)
    assert found["failed"] == {}
    assert found["details"]["queues"]["outbox"][0]["record"] == f"discount#{discount_id}"
    assert executions.stuck(platform.context, timedelta(minutes=10))["executions"] == []


def test_a_message_whose_discount_is_decided_while_it_goes_out_is_noted_after_the_end_and_not_before_the_payment(
    platform,
):
    discount_id = _held(platform)
    send = platform.context.sms.send

    def decided_meanwhile(*message):
        send(*message)
        _decide(platform, discount_id)
        seal(platform.context, discount_id)

    platform.context.sms.send = decided_meanwhile
    later(platform)
    assert platform.body(discount_id)["status"] == DiscountStatus.SEALED
    assert disburse(platform.context, discount_id)["payment"] == "SUCCEEDED"
    platform.context.sms.send = send
    later(platform, minutes=10)
    record(platform.context, f"discount#{discount_id}")
    assert _kinds(platform, discount_id).count("EnterpriseTold") == 2
    assert len(_messages(platform, discount_id)) == 2
    assert _due(platform) == []


def test_a_straight_through_discount_writes_what_it_wrote_before():
    platform, written = Platform(), []
    platform.context.store.before_write = written.extend
    platform.run(platform.accept(BILLS[2]))
    assert HELD not in {write.sk for write in written}


def test_one_that_waits_for_its_operator_alone_gets_no_such_message(platform):
    discount_id = platform.accept(BILLS[2], confirmed=False)
    platform.run(discount_id)
    later(platform)
    assert platform.body(discount_id)["status"] == DiscountStatus.AWAITING_CONFIRMATION
    assert _messages(platform, discount_id) == {}
