"""Accepting, waiting for persons, owners, sweeping."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fakes import OPEN
from in_memory import Platform, sample_bills
from rongtong.domain.errors import RongTongError, TransitionError
from rongtong.domain.incident import IncidentStatus
from rongtong.services import discounts, incidents, registration, waiting
from rongtong.services.disburse import disburse
from rongtong.services.errors import (
    PaymentPendingError,
    PriceExpiredError,
    WrongStateError,
)
from rongtong.services.ports import BillLockedError
from rongtong.services.request_discount import accept
from rongtong.services.seal import seal
from rongtong.services.storage import Create
from rongtong.services.sweep import sweep
from rongtong.services.unwind import unwind
from rongtong.services.verify_bill import verify

GOOD = sample_bills()[2]
DOUBTFUL = next(bill for bill in sample_bills() if bill.expected == "in_review")


@pytest.fixture
def platform():
    return Platform(("partner-a", "partner-b"))


def _refusal(platform, **changes):
    before = dict(platform.context.store.items), dict(platform.context.store.counters)
    with pytest.raises(RongTongError) as refused:
        accept(platform.context, platform.command(GOOD, "key-1", **changes))
    assert (platform.context.store.items, platform.context.store.counters) == before, "something was stored"
    return refused.value.code, refused.value.field


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"bill_number": GOOD.request["bill"]["number"] + "1"}, "BILL_NUMBER_LENGTH", "bill.number"),
        ({"range": "10-9"}, "RANGE_UPSIDE_DOWN", "bill.range"),
        ({"amount_fen": 1}, "RANGE_AMOUNT_MISMATCH", "bill.amount_fen"),
        ({"enterprise_id": "ent_nobody"}, "ENTERPRISE_UNKNOWN", "enterprise_id"),
        ({"institution_id": "bank-9"}, "INSTITUTION_UNKNOWN", "institution_id"),
        (
            {"institution_id": "bank-4", "range": "1-300000001", "amount_fen": 300_000_001},
            "LIMIT_EXCEEDED",
            "bill.amount_fen",
        ),
    ],
)
def test_bad_requests_are_refused_by_name_and_nothing_is_stored(platform, changes, code, field):
    assert _refusal(platform, **changes) == (code, field)


def test_an_enterprise_of_another_partner_is_unknown(platform):
    theirs = platform.ids["partner-b", GOOD.holder_uscc]
    assert _refusal(platform, enterprise_id=theirs) == ("ENTERPRISE_UNKNOWN", "enterprise_id")


def test_nothing_is_accepted_outside_service_hours(platform):
    platform.context.clock.instant = OPEN.replace(hour=9)
    assert _refusal(platform)[0] == "OUT_OF_SERVICE_HOURS"


def test_a_repeat_under_the_same_key_is_the_same_discount_and_the_same_start(platform):
    first, repeat = platform.accept(GOOD), platform.accept(GOOD)
    assert first == repeat
    assert {started for started, _ in platform.context.workflows.discounts} == {first}
    assert set(platform.used().values()) == {GOOD.request["bill"]["amount_fen"]}


def test_the_same_key_with_another_body_is_refused(platform):
    platform.accept(GOOD)
    with pytest.raises(RongTongError) as refused:
        accept(platform.context, platform.command(GOOD, "key-1", body_digest="other"))
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


def test_an_overlapping_range_of_the_same_package_is_refused_whoever_asks(platform):
    platform.accept(GOOD, "key-1", "partner-a")
    with pytest.raises(RongTongError) as refused:
        platform.accept(GOOD, "key-1", "partner-b")
    assert (refused.value.code, refused.value.field) == ("RANGE_TAKEN", "bill.range")


def test_the_same_package_is_free_where_its_ranges_do_not_meet(platform):
    first, second = sample_bills()[:2]
    assert first.request["bill"]["number"] == second.request["bill"]["number"]
    platform.run(platform.accept(first, "key-1"))
    other = platform.accept(second, "key-2")
    platform.run(other)
    assert platform.body(other)["status"] == "DISBURSED"


def test_two_requests_for_one_range_at_once_leave_one_discount(platform):
    transact = platform.context.store.transact
    answers = []

    def other_partner_first(writes):
        platform.context.store.transact = transact
        answers.append(platform.accept(GOOD, "key-b", "partner-b"))
        transact(writes)

    platform.hold(GOOD)
    platform.context.store.transact = other_partner_first
    with pytest.raises(RongTongError) as refused:
        accept(platform.context, platform.command(GOOD, "key-a"))
    assert (refused.value.code, len(answers)) == ("RANGE_TAKEN", 1)
    assert [item.body["discount_id"] for item in platform.context.store.states("discount#")] == answers


def test_a_partner_sees_no_sealed_data_and_no_inner_marks(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    shown = str(discounts.view(platform.body(discount_id)))
    shown += str(discounts.timeline(platform.context, platform.discount(discount_id)))
    assert "sealed" not in shown
    assert "body_digest" not in shown


def test_a_doubtful_bill_waits_and_is_paid_after_approval(platform):
    discount_id = platform.accept(DOUBTFUL)
    platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "IN_REVIEW"
    waiting.park(platform.context, discount_id, "token-1")
    waiting.decide_review(platform.context, "operations", platform.discount(discount_id), approve=True, note="checked")
    platform.pay(discount_id)
    assert platform.body(discount_id)["status"] == "DISBURSED"
    assert platform.context.workflows.resumed == [
        ("token-1", {"verdict": "approve", "reason": None, "confirmed": True})
    ]


def test_a_rejected_review_names_its_reason_and_cannot_be_turned(platform):
    discount_id = platform.accept(DOUBTFUL)
    platform.run(discount_id)
    waiting.park(platform.context, discount_id, "token-1")
    waiting.decide_review(platform.context, "operations", platform.discount(discount_id), approve=False, note="no")
    assert platform.context.workflows.resumed[0][1]["verdict"] == "reject"
    with pytest.raises(WrongStateError):
        waiting.decide_review(platform.context, "operations", platform.discount(discount_id), approve=True, note="yes")


def test_a_decision_before_the_token_is_kept_lets_the_execution_go_on_at_once(platform):
    discount_id = platform.accept(DOUBTFUL)
    platform.run(discount_id)
    waiting.decide_review(platform.context, "operations", platform.discount(discount_id), approve=True, note="checked")
    assert waiting.park(platform.context, discount_id, "late")["waiting"] is False
    assert [token for token, _ in platform.context.workflows.resumed] == ["late"]


def test_a_rejection_before_the_token_is_kept_lets_the_execution_go_on_at_once(platform):
    discount_id = platform.accept(DOUBTFUL)
    platform.run(discount_id)
    waiting.decide_review(platform.context, "operations", platform.discount(discount_id), approve=False, note="NO")
    assert waiting.park(platform.context, discount_id, "late")["waiting"] is False
    assert platform.context.workflows.resumed[0][1]["verdict"] == "reject"


def test_a_price_of_another_day_is_never_sealed_or_paid(platform):
    discount_id = platform.accept(GOOD, confirmed=False)
    platform.run(discount_id)
    platform.context.clock.instant += timedelta(days=1)
    waiting.confirm(platform.context, platform.discount(discount_id), "operator-1", ("password", "otp"))
    with pytest.raises(PriceExpiredError):
        seal(platform.context, discount_id)
    platform.context.clock.instant -= timedelta(days=1)
    seal(platform.context, discount_id)
    platform.context.clock.instant += timedelta(days=1)
    with pytest.raises(PriceExpiredError):
        disburse(platform.context, discount_id)
    assert platform.bank.orders == []


def test_a_bill_that_was_sold_meanwhile_is_not_paid(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    number = GOOD.request["bill"]["number"]
    (holding,) = platform.context.bills.holdings[number]
    sold = replace(holding, holder=replace(holding.holder, uscc="91310000MA1FL0HA77"))
    platform.context.bills.holdings[number] = [sold]
    with pytest.raises(BillLockedError):
        disburse(platform.context, discount_id)
    assert platform.bank.orders == []


def test_an_endorsement_refused_after_the_money_is_out_goes_to_a_person(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    platform.bank.open_answers = 1
    assert disburse(platform.context, discount_id)["payment"] == "PROCESSING"
    platform.context.bills.taken.clear()
    assert disburse(platform.context, discount_id)["payment"] == "SUCCEEDED"
    (incident,) = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    assert (incident["kind"], incident["subject"]) == ("PAID_NOT_ENDORSED", discount_id)


def test_a_worker_that_locks_too_late_gives_the_lock_back(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    lock = platform.context.bills.lock

    def given_up_first(*arguments):
        unwind(platform.context, discount_id, "OPERATOR", refused=False)
        lock(*arguments)

    platform.context.bills.lock = given_up_first
    assert disburse(platform.context, discount_id)["payment"] == "FAILED"
    assert platform.context.bills.taken == {}


def test_a_second_bill_on_the_same_invoice_is_refused_and_its_claim_given_back(platform):
    first, second = sample_bills()[2:4]
    invoice = first.request["trade"]["invoice_number"]
    paid = platform.accept(first, "key-1")
    other = platform.accept(second, "key-2", invoice_number=invoice)
    platform.run(other)
    platform.run(paid)
    assert (platform.body(paid)["status"], platform.body(other)["status"]) == ("DISBURSED", "REFUSED")
    claims = platform.context.store.get(f"invoice#{invoice}", "state").body["claims"]
    assert claims == [[paid, first.request["bill"]["amount_fen"]]]


def test_a_spent_invoice_is_refused_by_name(platform):
    claims = {"claims": [["dsc_earlier", 1]]}
    platform.context.store.transact([Create(f"invoice#{GOOD.request['trade']['invoice_number']}", "state", claims)])
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    assert (platform.body(discount_id)["status"], platform.body(discount_id)["reason"]) == ("REFUSED", "INVOICE_USED")


def test_two_halves_of_a_bill_share_its_invoice(platform):
    whole = GOOD.request["bill"]
    start, half = int(whole["range"].split("-")[0]), whole["amount_fen"] // 2
    cuts = [(start, start + half - 1), (start + half, start + whole["amount_fen"] - 1)]
    platform.hold(GOOD)
    for key, (begin, end) in zip(("key-1", "key-2"), cuts, strict=True):
        command = platform.command(GOOD, key, range=f"{begin}-{end}", amount_fen=end - begin + 1)
        discount_id = accept(platform.context, command)[0]["discount_id"]
        platform.run(discount_id)
        assert platform.body(discount_id)["status"] == "DISBURSED"


def test_nothing_follows_the_end_of_a_discount_that_was_given_up(platform):
    discount_id = platform.accept(GOOD)
    unwind(platform.context, discount_id, "OPERATOR", refused=False)
    assert verify(platform.context, discount_id)["verdict"] == "reject"
    assert platform.body(discount_id)["events"] == 2


@pytest.mark.parametrize(
    ("difference", "reason"),
    [({"endorsement_mark": "EM99"}, "BILL_NOT_TRANSFERABLE"), ({"kind": "ET03"}, "CHAIN_KIND")],
)
def test_codes_that_are_not_known_to_be_good_are_refused(platform, difference, reason):
    bill = next(bill for bill in sample_bills() if bill.expected == "disbursed" and bill.bill["endorsements"])
    if "kind" in difference:
        bill.bill["endorsements"][0]["kind"] = difference["kind"]
    else:
        bill.bill.update(difference)
    assert platform.outcome(bill, "key-1") == ("refused", reason)


def test_without_confirmation_nothing_is_sealed_or_paid(platform):
    discount_id = platform.accept(GOOD, confirmed=False)
    platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "AWAITING_CONFIRMATION"
    with pytest.raises(TransitionError):
        seal(platform.context, discount_id)
    with pytest.raises(WrongStateError):
        waiting.confirm(platform.context, platform.discount(discount_id), "operator-1", ("password",))
    waiting.confirm(platform.context, platform.discount(discount_id), "operator-1", ("password", "otp"))
    platform.pay(discount_id)
    assert platform.body(discount_id)["status"] == "DISBURSED"


def test_money_needs_the_seal(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    with pytest.raises(TransitionError):
        disburse(platform.context, discount_id)
    assert platform.bank.orders == []


def test_money_needs_the_contract_that_was_sealed(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    for key in platform.context.archive.objects:
        platform.context.archive.objects[key] += b" "
    with pytest.raises(RongTongError) as refused:
        disburse(platform.context, discount_id)
    assert (refused.value.code, platform.bank.orders) == ("CONTRACT_ALTERED", [])


def test_money_needs_every_event_in_the_log(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    item = discounts.load(platform.context, discount_id)
    platform.context.store.items[item.pk, item.sk] = replace(item, body={**item.body, "logged": []})
    with pytest.raises(RongTongError) as refused:
        disburse(platform.context, discount_id)
    assert (refused.value.code, platform.bank.orders) == ("EVIDENCE_PENDING", [])


def test_a_discount_whose_money_may_be_on_its_way_is_never_unwound(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    platform.bank.lose_answers = 1
    assert disburse(platform.context, discount_id)["payment"] == "UNKNOWN"
    with pytest.raises(PaymentPendingError):
        unwind(platform.context, discount_id, "OPERATOR", refused=False)
    assert disburse(platform.context, discount_id)["payment"] == "SUCCEEDED"


def test_an_unwound_discount_is_never_paid(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    unwind(platform.context, discount_id, "OPERATOR", refused=False)
    assert disburse(platform.context, discount_id)["payment"] == "FAILED"
    assert platform.bank.orders == []


def test_the_sweeper_starts_what_was_accepted_but_never_started(platform):
    discount_id = platform.accept(GOOD)
    platform.context.workflows.discounts.clear()
    platform.context.workflows.executions.clear()
    assert sweep(platform.context)["discount"] == 0
    platform.context.clock.instant += timedelta(minutes=1)
    assert sweep(platform.context)["discount"] == 1
    assert [name for name, _ in platform.context.workflows.discounts] == [discount_id]


def test_registration_masks_and_encrypts_what_is_personal(platform):
    shown = registration.view(platform.enterprise(platform.ids["partner-a", GOOD.holder_uscc]))
    assert (shown["mobile"][:7], shown["legal_representative"][0]) == ("138****", "*")
    assert set(shown["account_number"][:-4]) == {"*"}


def test_an_account_of_another_name_leaves_the_enterprise_refused(platform):
    command = registration.RegisterEnterprise(
        partner_id="partner-a",
        name="示例另一家有限公司",
        uscc="91310000MA1FL0HA77",
        legal_representative="样本甲",
        mobile="13800000099",
        bank_code="309391000011",
        account_number="999999",
        account_name="示例另一家有限公司",
        terms_version="2026-01",
    )
    enterprise_id = registration.register(platform.context, command)["enterprise_id"]
    registration.verify_enterprise(platform.context, enterprise_id)
    found = registration.view(platform.enterprise(enterprise_id))
    assert (found["status"], found["reason"]) == ("REFUSED", "ACCOUNT_NOT_VERIFIED")


def test_times_are_utc_with_milliseconds(platform):
    accepted = platform.body(platform.accept(GOOD))["accepted_at"]
    assert datetime.fromisoformat(accepted) == OPEN
    assert accepted.endswith("Z")
