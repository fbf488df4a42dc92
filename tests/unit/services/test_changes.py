"""Changes that take two persons: what is proposed changes nothing, what another approves takes effect."""

import json
import re
from datetime import date, datetime

import pytest

from in_memory import Platform, sample_bills
from paths import ROOT
from rongtong.domain.errors import RongTongError
from rongtong.domain.two_persons import SamePersonError
from rongtong.services import changes
from rongtong.services.configuration import KINDS, ChangeContentError
from rongtong.services.cosigning import witnessed_size
from rongtong.services.errors import ChangeStaleError, IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.storage import Create
from rongtong.services.suspension import SuspensionScope, suspend

PAGE = (ROOT / "docs" / "operations" / "changes.md").read_text(encoding="utf-8")
EXAMPLES = {
    kind: json.loads(content) for kind, content in re.findall(r"## (\w+)\n.*?```json\n(.*?)```", PAGE, re.DOTALL)
}
MAKER, CHECKER = "operations", "operations-2"
GOOD = sample_bills()[2]


@pytest.fixture
def platform():
    return Platform()


def _propose(platform, kind, content, key="key-1", maker=MAKER):
    return changes.propose(platform.context, maker, key, kind, content)["change_id"]


def _make(platform, kind, content, key="key-1"):
    change_id = _propose(platform, kind, content, key)
    return changes.decide(platform.context, CHECKER, change_id, approve=True)


def _configuration(platform):
    """Every record but the changes themselves."""
    return {key: item for key, item in platform.context.store.items.items() if not item.pk.startswith("change#")}


def _known_enterprise(platform, enterprise_id):
    body = {"enterprise_id": enterprise_id, "status": "ACTIVE", "data_key": "a key"}
    platform.context.store.transact([Create(f"enterprise#{enterprise_id}", "state", body)])


def _money_came_back(platform, discount_id):
    state, payment = {"discount_id": discount_id, "status": "RETURNED"}, {"status": "RETURNED", "settled_at": "2026"}
    platform.context.store.transact([Create(f"discount#{discount_id}", "state", state)])
    platform.context.store.transact([Create(f"discount#{discount_id}", "payment#1", payment)])


def _is_an_operator(platform, content):
    key = f"enterprise#{content['enterprise_id']}", f"operator#{content['operator_id']}"
    platform.context.store.transact([Create(*key, {"status": "ACTIVE", "phrase": "sealed:…"})])


def test_the_page_shows_every_kind_of_change():
    assert set(EXAMPLES) == set(KINDS)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_proposal_changes_nothing_and_its_approval_one_record(platform, kind):
    if kind == "release":
        suspend(platform.context, MAKER, "stop-1", SuspensionScope.INSTITUTION, EXAMPLES["release"]["id"], "DRILL")
    if kind in ("disclosure", "hold"):
        _known_enterprise(platform, EXAMPLES[kind]["enterprise_id"])
    if kind == "repayment":
        _money_came_back(platform, EXAMPLES["repayment"]["discount_id"])
    if kind == "operator_reset":
        _is_an_operator(platform, EXAMPLES[kind])
    before = _configuration(platform)
    change_id = _propose(platform, kind, EXAMPLES[kind])
    assert _configuration(platform) == before
    decided = changes.decide(platform.context, CHECKER, change_id, approve=True)
    after = _configuration(platform)
    changed = [key for key in after if before.get(key) != after[key]]
    assert (decided["status"], decided["proposed_by"], decided["decided_by"]) == ("APPROVED", MAKER, CHECKER)
    assert len(changed) == 1
    assert '"operations-2"' in json.dumps(after[changed[0]].body)


def test_what_is_proposed_on_an_older_version_is_stale(platform):
    older = _propose(platform, "limits", {"bill_fen": 10**15})
    _make(platform, "limits", {"bill_fen": 100}, "key-2")
    with pytest.raises(ChangeStaleError):
        changes.decide(platform.context, CHECKER, older, approve=True)
    assert platform.context.store.get("platform", "limits").body["bill_fen"] == 100


def test_who_proposed_may_withdraw(platform):
    change_id = _propose(platform, "limits", EXAMPLES["limits"])
    assert changes.decide(platform.context, MAKER, change_id, approve=False)["status"] == "REJECTED"


def test_a_policy_that_names_one_thing_leaves_the_others_as_they_are(platform):
    before = platform.context.store.get("platform", "policy").body
    _make(platform, "policy", {"quote_minutes": 20})
    after = platform.context.store.get("platform", "policy").body
    assert {name: after[name] for name in before} == before
    assert after["quote_minutes"] == 20


def test_a_tenant_never_loosens_what_the_platform_bars(platform):
    overdue = next(bill for bill in sample_bills() if bill.reason == "ACCEPTOR_OVERDUE")
    policy = {"overdue_acceptors": [], "blocked_acceptors": []}
    _make(platform, "tenant_policy", {"partner_id": "partner-a", "policy": policy})
    assert platform.outcome(overdue, "key-1") == ("refused", "ACCEPTOR_OVERDUE")


def test_an_institution_s_limit_and_fee_hold_from_the_approval_on(platform):
    bank = GOOD.request["institution_id"]
    _make(platform, "institution", {"institution_id": bank, "limit_fen": GOOD.request["bill"]["amount_fen"] - 1})
    assert platform.outcome(GOOD, "key-1") == ("refused", "LIMIT_EXCEEDED")
    _make(platform, "institution", {"institution_id": bank, "limit_fen": 10**12, "fee": {"flat_fen": 700}}, "key-2")
    discount_id = platform.accept(GOOD, "key-2")
    platform.run(discount_id)
    body = platform.body(discount_id)
    assert (body["fee_fen"], body["proceeds_fen"]) == (700, body["face_fen"] - body["interest_fen"] - 700)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_nobody_approves_a_change_of_their_own(platform, kind):
    before = _configuration(platform)
    change_id = _propose(platform, kind, EXAMPLES[kind])
    with pytest.raises(SamePersonError):
        changes.decide(platform.context, MAKER, change_id, approve=True)
    assert _configuration(platform) == before
    assert changes.find(platform.context, change_id)["status"] == "PROPOSED"


def test_a_rejected_change_never_takes_effect(platform):
    before = _configuration(platform)
    change_id = _propose(platform, "limits", EXAMPLES["limits"])
    assert changes.decide(platform.context, CHECKER, change_id, approve=False)["status"] == "REJECTED"
    with pytest.raises(WrongStateError):
        changes.decide(platform.context, CHECKER, change_id, approve=True)
    assert _configuration(platform) == before


def test_the_same_decision_again_is_no_change(platform):
    change_id = _propose(platform, "limits", EXAMPLES["limits"])
    first = changes.decide(platform.context, CHECKER, change_id, approve=True)
    version = platform.context.store.get("platform", "limits").version
    assert changes.decide(platform.context, CHECKER, change_id, approve=True) == first
    assert platform.context.store.get("platform", "limits").version == version


def test_a_repeated_proposal_is_the_same_and_another_content_under_its_key_is_refused(platform):
    first = _propose(platform, "limits", EXAMPLES["limits"])
    assert _propose(platform, "limits", EXAMPLES["limits"]) == first
    with pytest.raises(IdempotencyMismatchError):
        _propose(platform, "limits", {"bill_fen": 1})


@pytest.mark.parametrize(
    ("kind", "content", "code", "field"),
    [
        ("weather", {}, "CHANGE_CONTENT", "kind"),
        ("limits", {"bill_fen": "much"}, "LIMITS", "bill_fen"),
        ("policy", {"speed": 1}, "POLICY", "speed"),
        ("policy", {"risk_rules": {"NOBODY": {}}}, "RISK_RULE", "risk_rules.NOBODY"),
        ("witnesses", {}, "CHANGE_CONTENT", "content.policy"),
        ("witnesses", {"policy": ["quorum none"]}, "CHANGE_CONTENT", "content.policy"),
        ("witnesses", {"policy": "# nobody\n"}, "WITNESS_POLICY", "content.policy"),
        ("witnesses", {"policy": "quorum everybody\n"}, "WITNESS_POLICY", "content.policy"),
        ("witnesses", {"policy": "witness w1 hello\nquorum w1\n"}, "WITNESS_POLICY", "content.policy"),
        ("tenant_policy", {"policy": {}}, "CHANGE_CONTENT", "content.partner_id"),
        ("tenant_policy", {"partner_id": "partner-b"}, "CHANGE_CONTENT", "content.policy"),
        ("list_entry", {"subject_kind": "shoe size", "value": "43"}, "CHANGE_CONTENT", "content.subject_kind"),
        ("list_entry", {**EXAMPLES["list_entry"], "reason": "free text"}, "LIST_ENTRY", "reason"),
        ("calendar_year", {**EXAMPLES["calendar_year"], "sha256": "x"}, "CALENDAR_SOURCE", "sha256"),
        ("institution", {"institution_id": "bank-1", "limit_fen": "much"}, "CHANGE_CONTENT", "content.limit_fen"),
        (
            "institution",
            {"institution_id": "bank-1", "buyer_interest": "yes"},
            "CHANGE_CONTENT",
            "content.buyer_interest",
        ),
        ("institution", {"institution_id": "bank-1", "fee": {"flat_fen": "1"}}, "CHANGE_CONTENT", "content.fee"),
        ("acceptors", {"banks": {"313100000013": "royal"}}, "ACCEPTOR_DIRECTORY", "banks.313100000013"),
        ("rate_table", {"institution_id": "bank-1", "table": {}}, "RATE_TABLE", None),
    ],
)
def test_a_content_that_cannot_be_read_is_refused_when_proposed(platform, kind, content, code, field):
    with pytest.raises(RongTongError) as refused:
        _propose(platform, kind, content)
    assert refused.value.code == code
    assert field is None or refused.value.field == field
    assert platform.context.store.states("change#") == []


def test_a_rate_table_needs_a_higher_version_than_those_before(platform):
    _make(platform, "rate_table", EXAMPLES["rate_table"])
    change_id = _propose(platform, "rate_table", EXAMPLES["rate_table"], "key-2")
    with pytest.raises(RongTongError) as refused:
        changes.decide(platform.context, CHECKER, change_id, approve=True)
    assert (refused.value.code, refused.value.field) == ("RATE_TABLE", "content.table.version")


def test_a_change_made_meanwhile_is_not_overwritten(platform):
    first, second = (_propose(platform, "list_entry", EXAMPLES["list_entry"], key) for key in ("key-1", "key-2"))
    transact = platform.context.store.transact

    def other_first(writes):
        platform.context.store.transact = transact
        changes.decide(platform.context, CHECKER, second, approve=True)
        transact(writes)

    platform.context.store.transact = other_first
    changes.decide(platform.context, CHECKER, first, approve=True)
    (listed,) = [item for item in platform.context.store.states("listed#") if len(item.body["entries"]) == 2]
    assert [entry["version"] for entry in listed.body["entries"]] == [1, 2]


def test_the_newest_changes_are_listed_first(platform):
    first = _propose(platform, "limits", EXAMPLES["limits"])
    platform.context.clock.instant = datetime.fromisoformat("2026-04-15T11:00:00+08:00")
    second = _propose(platform, "policy", EXAMPLES["policy"], "key-2")
    assert [change["change_id"] for change in changes.newest(platform.context)] == [second, first]


def test_a_policy_of_the_witnesses_holds_from_the_next_sealing_on(platform):
    _make(platform, "witnesses", {"policy": "quorum none\n"})
    assert platform.outcome(GOOD, "key-1")[0] == "disbursed"
    before = witnessed_size(platform.context)
    _make(platform, "witnesses", EXAMPLES["witnesses"], "key-2")
    assert (before > 0, witnessed_size(platform.context)) == (True, 0)


def test_a_policy_of_the_witnesses_is_kept_as_it_was_sent_and_names_its_approvers(platform):
    text = EXAMPLES["witnesses"]["policy"]
    _make(platform, "witnesses", {"policy": text, "note": "nobody reads this"})
    body = platform.context.store.get("platform", "witnesses").body
    assert (body["policy"], body["proposed_by"], body["approved_by"]) == (text, MAKER, CHECKER)
    assert "note" not in body


def test_an_unknown_change_is_not_found(platform):
    with pytest.raises(NotFoundError):
        changes.find(platform.context, "chg_nobody")


def test_a_personal_value_is_kept_as_a_hash_and_shown_masked(platform):
    entry = {**EXAMPLES["list_entry"], "subject_kind": "account", "value": "117900000000000001"}
    change_id = _propose(platform, "list_entry", entry)
    changes.decide(platform.context, CHECKER, change_id, approve=True)
    assert "117900000000000001" not in str(platform.context.store.items)
    assert changes.find(platform.context, change_id)["content"]["value"] == "**************0001"


def test_a_year_that_two_persons_confirmed_is_open_for_business(platform):
    platform.context.clock.instant = datetime.fromisoformat("2027-01-04T10:00:00+08:00")
    assert platform.outcome(GOOD, "key-1") == ("refused", "CALENDAR_UNCONFIRMED")
    days = [day.replace("2099", "2027") for day in EXAMPLES["calendar_year"]["off_weekdays"]]
    weekdays = [day for day in days if date.fromisoformat(day).weekday() < 5]
    weekdays += [f"2027-05-{day:02d}" for day in (3, 4, 5, 6, 7)]
    year = {**EXAMPLES["calendar_year"], "year": 2027, "off_weekdays": weekdays, "working_weekends": []}
    _make(platform, "calendar_year", year)
    assert platform.outcome(GOOD, "key-2")[1] == "BILL_MATURED"


def test_whoever_is_put_on_the_black_list_is_refused_from_then_on_in_neutral_words(platform):
    name = GOOD.bill["drawer"]["name"].replace("有限公司", "有限责任公司")
    assert platform.outcome(GOOD, "key-1")[0] == "disbursed"
    other = sample_bills()[3]
    drawer = {**EXAMPLES["list_entry"], "value": name, "effective_from": "2026-04-15"}
    _make(platform, "list_entry", drawer)
    other.bill["drawer"] = {**other.bill["drawer"], "name": GOOD.bill["drawer"]["name"]}
    assert platform.outcome(other, "key-2") == ("refused", "PARTY_REFUSED")


def test_a_tenant_s_own_threshold_holds_for_its_discounts_only(platform):
    least = GOOD.request["bill"]["amount_fen"]
    policy = {"risk_rules": {"LARGE_AMOUNT": {"threshold": least}}}
    _make(platform, "tenant_policy", {"partner_id": "partner-b", "policy": policy})
    assert platform.outcome(GOOD, "key-1")[0] == "disbursed"
    _make(platform, "tenant_policy", {"partner_id": "partner-a", "policy": policy}, "key-2")
    other = next(
        bill
        for bill in sample_bills()[3:]
        if bill.expected == "disbursed" and bill.request["bill"]["amount_fen"] > least
    )
    assert platform.outcome(other, "key-2") == ("in_review", "REVIEW_LARGE_AMOUNT")


def test_a_new_rate_table_prices_from_its_first_instant_on(platform):
    _make(platform, "rate_table", EXAMPLES["rate_table"])
    bill = next(
        bill
        for bill in sample_bills()
        if bill.expected == "disbursed"
        and bill.request["institution_id"] == "bank-1"
        and bill.bill
        and bill.bill["acceptor"]["class"] == "state_joint"
        and not bill.quote
    )
    discount_id = platform.accept(bill)
    platform.run(discount_id)
    assert platform.body(discount_id)["annual_rate"] in ("1.100000", "1.050000", "1.200000")


def test_kinds_that_do_not_exist_are_refused_with_those_that_do(platform):
    with pytest.raises(ChangeContentError, match="calendar_year"):
        _propose(platform, "weather", {})
