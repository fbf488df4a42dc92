"""No answer tells that a hit was one of lists or anti-money-laundering rules; reviewers see all of it."""

import json
import re

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.lists import Subject
from rongtong.domain.receipt import receipt_bytes
from rongtong.domain.risk_rules import DEFAULT_RULES
from rongtong.services import discounts, registration, waiting
from rongtong.services.accounts import ChangeAccount, change_account
from rongtong.services.errors import AccountNotVerifiedError, WrongStateError
from rongtong.services.receipts import receipt
from rongtong.services.storage import Create
from rongtong.services.unwind import unwind

GOOD = sample_bills()[2]
QUALITY = {"ENDORSEMENT_COUNT", "BACK_ENDORSEMENT", "QUICK_RESALE", "NEW_ACCEPTOR_CLASS", "LARGE_AMOUNT"}
WORDS = re.compile(r"black|grey|launder|suspicio|risk rule|洗钱|黑名单|灰名单|HIGH|MEDIUM|SAMPLE", re.IGNORECASE)


def _listed(platform, name, subject):
    entry = {
        "list": name,
        "subject_key": subject.key,
        "version": 1,
        "effective_from": "2026-01-01",
        "effective_until": None,
        "reason": "SAMPLE",
        "added_by": "operations",
        "approved_by": "operations-2",
    }
    platform.context.store.transact([Create(f"listed#{subject.key}", "state", {"entries": [entry]})])


def _rule(platform, **parts):
    item = platform.context.store.get("platform", "policy")
    rules = {**item.body["risk_rules"], "LARGE_AMOUNT": {"threshold": 1, **parts}}
    platform.context.store.transact([item.replaced({**item.body, "risk_rules": rules})])


def _told(platform, bill=GOOD):
    """Everything that leaves the platform for one discount, without what differs every time."""
    discount_id = platform.accept(bill)
    platform.run(discount_id)
    shown = discounts.view(platform.body(discount_id))
    told = [shown, discounts.timeline(platform.context, platform.discount(discount_id))]
    if "finished_at" in shown:
        item = discounts.load(platform.context, discount_id)
        told.append(json.loads(receipt_bytes(receipt(platform.context, item)))["entries"])
    told.append([text for _, text in platform.context.sms.sent.values()])
    text = json.dumps(told, ensure_ascii=False)
    return discount_id, re.sub(r"[0-9a-f]{32,}|\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d+\b", "#", text)


PARTIES = {
    "the drawer's name": Subject.name(GOOD.bill["drawer"]["name"]),
    "the drawer's credit code": Subject.uscc(GOOD.bill["drawer"]["uscc"]),
    "the payee's account": Subject.account(GOOD.bill["payee"]["account"]),
    "the applicant": Subject.uscc(GOOD.holder_uscc),
    "the order's buyer": Subject.uscc(GOOD.request["trade"]["order_buyer_uscc"]),
    "the acceptor's bank code": Subject.bank_code(GOOD.bill["acceptor"]["bank_code"]),
    "the acceptor's name": Subject.name(GOOD.bill["acceptor"]["name"]),
}


@pytest.mark.parametrize("party", PARTIES)
def test_whoever_is_listed_the_refusal_is_the_same_as_that_of_a_rule(party):
    listed, ruled = Platform(), Platform()
    _listed(listed, "black", PARTIES[party])
    _rule(ruled, action="REJECT")
    (first, by_list), (second, by_rule) = _told(listed), _told(ruled)
    assert listed.body(first)["reason"] == ruled.body(second)["reason"] == "PARTY_REFUSED"
    assert by_list == by_rule
    assert not WORDS.search(by_list)


@pytest.mark.parametrize("party", PARTIES)
def test_a_grey_entry_is_told_as_any_other_doubt(party):
    platform = Platform()
    _listed(platform, "grey", PARTIES[party])
    discount_id, told = _told(platform)
    assert (platform.body(discount_id)["status"], platform.body(discount_id)["reason"]) == (
        "IN_REVIEW",
        "REVIEW_REQUIRED",
    )
    assert not WORDS.search(told)


def test_a_white_entry_overrules_neither_list_nor_rule():
    platform = Platform()
    _listed(platform, "white", PARTIES["the drawer's name"])
    _listed(platform, "black", PARTIES["the drawer's credit code"])
    discount_id, _ = _told(platform)
    assert platform.body(discount_id)["reason"] == "PARTY_REFUSED"


def test_what_is_only_recorded_leaves_the_outside_as_if_nothing_had_been_found():
    quiet, recorded = Platform(), Platform()
    _rule(recorded, action="PASS")
    (_, nothing), (found, something) = _told(quiet), _told(recorded)
    assert something == nothing
    findings = waiting.review_file(recorded.context, recorded.discount(found))["findings"]["findings"]
    assert [finding["rule_id"] for finding in findings] == ["LARGE_AMOUNT"]


def test_a_fault_of_the_bill_is_told_before_a_listed_party():
    platform = Platform()
    bill = next(bill for bill in sample_bills() if bill.reason == "BILL_PLEDGED")
    _listed(platform, "black", Subject.uscc(bill.bill["drawer"]["uscc"]))
    discount_id, _ = _told(platform, bill)
    assert platform.body(discount_id)["reason"] == "BILL_PLEDGED"
    assert (
        waiting.review_file(platform.context, platform.discount(discount_id))["findings"]["hits"][0]["list"] == "black"
    )


def test_reviewers_see_hits_and_findings_with_their_reasons():
    platform = Platform()
    _listed(platform, "grey", PARTIES["the drawer's name"])
    _rule(platform)
    discount_id, _ = _told(platform)
    seen = waiting.review_file(platform.context, platform.discount(discount_id))
    assert seen["findings"]["hits"][0]["reason"] == "SAMPLE"
    (finding,) = seen["findings"]["findings"]
    assert "67064409 fen" in finding["why"]
    assert {"ACCESS_FREQUENCY", "VOLUME_ABOVE_TURNOVER"} <= set(seen["findings"]["not_evaluated"])


def test_a_bill_that_is_not_verified_has_no_review_file_yet():
    platform = Platform()
    with pytest.raises(WrongStateError):
        waiting.review_file(platform.context, platform.discount(platform.accept(GOOD)))


@pytest.mark.parametrize("rule", sorted(set(DEFAULT_RULES) - QUALITY))
def test_every_rule_but_those_of_the_bill_s_own_quality_is_told_in_neutral_words(rule):
    assert DEFAULT_RULES[rule].outside == "REVIEW_REQUIRED"


def test_a_grey_entry_does_not_change_what_a_large_bill_is_told():
    platform = Platform()
    bill = next(bill for bill in sample_bills() if bill.reason == "REVIEW_LARGE_AMOUNT")
    _listed(platform, "grey", Subject.uscc(bill.bill["drawer"]["uscc"]))
    discount_id, _ = _told(platform, bill)
    assert platform.body(discount_id)["reason"] == "REVIEW_LARGE_AMOUNT"


@pytest.mark.parametrize("name", ["black", "grey", None])
def test_a_request_with_a_fault_of_its_own_is_no_oracle_of_the_lists(name):
    clean, platform = Platform(), Platform()
    bill = next(bill for bill in sample_bills() if bill.reason == "ORDER_AMOUNT")
    if name is not None:
        _listed(platform, name, Subject.uscc(bill.bill["drawer"]["uscc"]))
    assert _told(platform, bill)[1] == _told(clean, bill)[1]


def test_a_rejected_review_is_told_in_the_same_words_and_without_who_decided():
    platform = Platform()
    bill = next(bill for bill in sample_bills() if bill.reason == "REVIEW_LARGE_AMOUNT")
    discount_id = platform.accept(bill)
    platform.run(discount_id)
    waiting.decide_review(
        platform.context, "operations", platform.discount(discount_id), approve=False, note="AML_HIT_CONFIRMED"
    )
    unwind(platform.context, discount_id, platform.body(discount_id)["reason"], refused=True)
    shown = discounts.view(platform.body(discount_id))
    told = json.dumps(discounts.timeline(platform.context, platform.discount(discount_id)))
    assert (shown["status"], shown["reason"]) == ("REFUSED", "PARTY_REFUSED")
    assert "AML" not in told
    assert '"operations"' not in told


@pytest.mark.parametrize("kind", ["uscc", "name", "account"])
def test_a_listed_company_is_refused_at_its_registration(kind):
    platform = Platform()
    name, uscc, account = "示例另一家有限公司", "91310000MA1FL0HA77", "350000000000007777"
    platform.bank.accounts[account] = (name, uscc)
    _listed(platform, "black", getattr(Subject, kind)({"uscc": uscc, "name": name, "account": account}[kind]))
    command = registration.RegisterEnterprise(
        partner_id="partner-a",
        name=name,
        uscc=uscc,
        legal_representative="样本甲",
        mobile="13800000099",
        bank_code="309391000011",
        account_number=account,
        account_name=name,
        terms_version="2026-01",
    )
    enterprise_id = registration.register(platform.context, command)["enterprise_id"]
    registration.verify_enterprise(platform.context, enterprise_id)
    found = registration.view(platform.enterprise(enterprise_id))
    assert (found["status"], found["reason"]) == ("REFUSED", "PARTY_REFUSED")


def test_a_listed_account_is_refused_as_one_that_the_bank_does_not_confirm():
    platform = Platform()
    enterprise_id = platform.ids["partner-a", GOOD.holder_uscc]
    before = platform.enterprise(enterprise_id)
    own = (str(before.body["account_name"]), GOOD.holder_uscc)
    unknown, listed, other = "350000000000006666", "350000000000007777", "350000000000008888"
    platform.bank.accounts |= {listed: own, other: own}
    _listed(platform, "black", Subject.account(listed))
    told = set()
    for account in (unknown, listed):
        with pytest.raises(AccountNotVerifiedError) as refused:
            change_account(platform.context, before, ChangeAccount("309391000011", account, own[0]))
        told.add(str(refused.value))
    assert len(told) == 1
    assert platform.enterprise(enterprise_id) == before
    shown = change_account(platform.context, before, ChangeAccount("309391000011", other, own[0]))
    assert shown["account_number"].endswith("8888")


def test_an_account_that_is_paid_is_screened_though_the_bill_names_another_one():
    platform = Platform()
    _listed(platform, "black", Subject.account(GOOD.request["payee_account"]))
    GOOD.bill["holder"] = {**GOOD.bill["holder"], "account": "350000000000009999"}
    GOOD.bill["endorsements"][-1]["endorsee"] = GOOD.bill["holder"]
    discount_id, _ = _told(platform)
    assert platform.body(discount_id)["reason"] == "PARTY_REFUSED"
