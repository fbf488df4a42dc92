"""Suspension: one person stops new disbursements at once, two let them go on, and everybody concerned can see it."""

import json
import re
from datetime import datetime

import pytest
from pydantic import ValidationError

from in_memory import PARTNER, Platform, sample_bills
from paths import ROOT
from rongtong.domain.two_persons import SamePersonError
from rongtong.entrypoints.http import status_of
from rongtong.entrypoints.models import SuspensionBody
from rongtong.services import changes, discounts, registration
from rongtong.services.configuration import ChangeContentError
from rongtong.services.disburse import disburse
from rongtong.services.errors import (
    BusyError,
    ChangeStaleError,
    IdempotencyMismatchError,
    NotFoundError,
    WrongStateError,
)
from rongtong.services.seal import seal
from rongtong.services.storage import WriteConflictError
from rongtong.services.suspension import (
    SuspendedError,
    SuspensionScope,
    is_suspended,
    newest,
    require_not_suspended,
    status,
    suspend,
    suspension_keys,
)
from rongtong.services.sweep import sweep
from rongtong.services.verify_bill import verify

GOOD = sample_bills()[2]
BANK = GOOD.request["institution_id"]
OTHER_BANK = "bank-4"
MAKER, CHECKER = "operations", "operations-2"
PAGE = (ROOT / "docs" / "operations" / "suspension.md").read_text(encoding="utf-8")
STOP, SHOWN, RELEASE = (json.loads(example) for example in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


@pytest.fixture
def platform():
    return Platform(partners=(PARTNER, "partner-b"))


@pytest.fixture
def enterprise(platform):
    return platform.ids[PARTNER, GOOD.holder_uscc]


@pytest.fixture
def sealed(platform):
    """A discount that only waits for its money."""
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    return discount_id


def _suspend(platform, scope="platform", subject_id=None, key="stop-1", by=MAKER, reason="DRILL"):
    return suspend(platform.context, by, key, SuspensionScope(scope), subject_id, reason)


def _propose(platform, scope="platform", subject_id=None, key="go-1", by=MAKER):
    content = {"scope": scope, "reason": "DRILL_OVER"} | ({} if subject_id is None else {"id": subject_id})
    return changes.propose(platform.context, by, key, "release", content)["change_id"]


def _approve(platform, change_id, by=CHECKER):
    return changes.decide(platform.context, by, change_id, approve=True)


def _release(platform, scope="platform", subject_id=None, key="go-1"):
    _approve(platform, _propose(platform, scope, subject_id, key))


def _stopped(platform, enterprise, partner=PARTNER, institution=BANK):
    return is_suspended(platform.context.store.get_many(suspension_keys(partner, enterprise, institution)))


def _events(platform):
    """Events of suspensions, and of the changes that release them."""
    return [
        item.body["event"]
        for item in platform.context.store.items.values()
        if item.sk.startswith("event#") and item.pk.startswith(("suspended#", "change#"))
    ]


def _subject(platform, enterprise, scope):
    return {"platform": None, "institution": BANK, "partner": PARTNER, "enterprise": enterprise}[scope]


# ---- stopping


@pytest.mark.parametrize("scope", list(SuspensionScope))
def test_one_person_stops_business_at_once(platform, enterprise, scope):
    assert not _stopped(platform, enterprise)
    _suspend(platform, scope, _subject(platform, enterprise, scope))
    assert _stopped(platform, enterprise)


@pytest.mark.parametrize("scope", ["institution", "partner", "enterprise"])
def test_the_business_of_others_goes_on(platform, enterprise, scope):
    _suspend(platform, scope, _subject(platform, enterprise, scope))
    other = platform.ids["partner-b", GOOD.holder_uscc]
    assert not _stopped(platform, other, partner="partner-b", institution=OTHER_BANK)


@pytest.mark.parametrize("scope", ["institution", "partner", "enterprise"])
def test_whoever_does_not_exist_is_not_found_by_its_id(platform, scope):
    with pytest.raises(NotFoundError) as refused:
        _suspend(platform, scope, "nobody")
    assert refused.value.field == "id"
    assert platform.context.store.states("suspended#") == []


def test_a_suspension_keeps_who_when_and_why(platform):
    (entry,) = _suspend(platform)["entries"]
    assert {name: entry[name] for name in ("by", "at", "reason")} == {
        "by": MAKER,
        "at": "2026-04-15T02:00:00.000Z",
        "reason": "DRILL",
    }


def test_a_repeat_under_the_same_key_changes_nothing(platform):
    first = _suspend(platform)
    before = dict(platform.context.store.items)
    assert _suspend(platform) == first
    assert platform.context.store.items == before


def test_a_repeat_that_comes_after_the_release_does_not_suspend_again(platform, enterprise):
    _suspend(platform)
    _release(platform)
    assert _suspend(platform)["active"] is False
    assert not _stopped(platform, enterprise)


@pytest.mark.parametrize(
    "other", [{"reason": "COURT_ORDER"}, {"scope": "institution", "subject_id": BANK}], ids=["reason", "scope"]
)
def test_a_key_that_was_used_for_another_suspension_is_refused(platform, other):
    _suspend(platform)
    with pytest.raises(IdempotencyMismatchError):
        _suspend(platform, **other)


def test_what_is_suspended_stays_so_for_the_first_reason(platform):
    first = _suspend(platform)
    assert _suspend(platform, key="stop-2", by=CHECKER, reason="COURT_ORDER") == first


def test_two_who_suspend_at_once_make_one_suspension(platform):
    transact = platform.context.store.transact

    def other_first(writes):
        platform.context.store.transact = transact
        _suspend(platform, key="stop-2", by=CHECKER)
        transact(writes)

    platform.context.store.transact = other_first
    entries = _suspend(platform)["entries"]
    assert [entry["by"] for entry in entries] == [CHECKER]
    assert [event["type"] for event in _events(platform)] == ["BusinessSuspended"]


def test_two_institutions_suspended_at_once_are_both_suspended(platform):
    transact = platform.context.store.transact

    def other_first(writes):
        platform.context.store.transact = transact
        _suspend(platform, "institution", OTHER_BANK, key="stop-2", by=CHECKER)
        transact(writes)

    platform.context.store.transact = other_first
    _suspend(platform, "institution", BANK)
    assert status(platform.context, PARTNER)["institutions"] == {BANK: "suspended", OTHER_BANK: "suspended"}


def test_whoever_never_gets_through_is_told_to_try_again(platform, enterprise):
    def others_first(writes):
        raise WriteConflictError("The record changed meanwhile.", failed=(len(writes) - 1,))

    platform.context.store.before_write = others_first
    with pytest.raises(BusyError):
        _suspend(platform)
    assert not _stopped(platform, enterprise)


# ---- releasing


def test_two_persons_release(platform, enterprise):
    _suspend(platform)
    change_id = _propose(platform)
    assert _stopped(platform, enterprise)
    _approve(platform, change_id)
    assert not _stopped(platform, enterprise)


def test_nobody_releases_alone(platform, enterprise):
    _suspend(platform, by=CHECKER)
    change_id = _propose(platform)
    with pytest.raises(SamePersonError):
        _approve(platform, change_id, by=MAKER)
    assert _stopped(platform, enterprise)


@pytest.mark.parametrize("before", ["never suspended", "released"])
def test_what_is_not_suspended_cannot_be_released(platform, before):
    if before == "released":
        _suspend(platform)
        _release(platform)
    change_id = _propose(platform, key="go-2")
    with pytest.raises(WrongStateError, match="nothing to release"):
        _approve(platform, change_id)


@pytest.mark.parametrize("then", ["before the first suspension", "before the second"])
def test_a_release_never_lifts_a_suspension_that_its_proposer_did_not_see(platform, enterprise, then):
    if then == "before the second":
        _suspend(platform)
        _release(platform)
    early = _propose(platform, key="go-early")
    _suspend(platform, key="stop-2")
    with pytest.raises(ChangeStaleError):
        _approve(platform, early)
    assert _stopped(platform, enterprise)


def test_a_release_holds_although_the_suspension_was_logged_meanwhile(platform, enterprise):
    _suspend(platform)
    change_id = _propose(platform)
    platform.context.clock.instant = datetime.fromisoformat("2026-04-15T10:05:00+08:00")
    sweep(platform.context)
    _approve(platform, change_id)
    assert not _stopped(platform, enterprise)


def test_each_scope_is_released_by_itself(platform, enterprise):
    _suspend(platform)
    _suspend(platform, "institution", BANK, key="stop-2")
    _release(platform)
    assert _stopped(platform, enterprise)
    _release(platform, "institution", BANK, key="go-2")
    assert not _stopped(platform, enterprise)


def test_every_suspension_and_release_is_kept(platform):
    _suspend(platform)
    _release(platform)
    entries = _suspend(platform, key="stop-2", by=CHECKER, reason="COURT_ORDER")["entries"]
    assert [(entry["what"], entry["reason"]) for entry in entries] == [
        ("suspended", "DRILL"),
        ("released", "DRILL_OVER"),
        ("suspended", "COURT_ORDER"),
    ]
    assert (entries[1]["proposed_by"], entries[1]["approved_by"]) == (MAKER, CHECKER)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"scope": "world", "reason": "DRILL_OVER"}, "content.scope"),
        ({"scope": "institution", "reason": "DRILL_OVER"}, "content.id"),
        ({"scope": "platform", "id": "bank-1", "reason": "DRILL_OVER"}, "content.id"),
        ({"scope": "platform"}, "content.reason"),
        ({"scope": "platform", "reason": "it is over"}, "content.reason"),
    ],
)
def test_a_release_that_cannot_be_read_is_refused_by_its_field(platform, content, field):
    with pytest.raises(ChangeContentError) as refused:
        changes.propose(platform.context, MAKER, "go-1", "release", content)
    assert refused.value.field == field


# ---- evidence


def test_a_suspension_and_its_release_are_events(platform):
    _suspend(platform, "institution", BANK)
    _release(platform, "institution", BANK)
    told = [(event["type"], event["data"]["by"]) for event in _events(platform)]
    assert told == [("BusinessSuspended", MAKER), ("ChangeProposed", MAKER), ("ChangeApproved", CHECKER)]
    assert _events(platform)[0]["data"] == {"scope": "institution", "id": BANK, "reason": "DRILL", "by": MAKER}


def test_the_sweeper_logs_suspensions_and_lets_them_rest(platform):
    _suspend(platform)
    platform.context.clock.instant = datetime.fromisoformat("2026-04-15T10:05:00+08:00")
    sweep(platform.context)
    (entry,) = platform.context.store.states("suspended#entry#")
    assert entry.due is None
    assert [count for _, count in entry.body["logged"]] == [1]


# ---- what is seen of it


def test_operations_see_who_is_suspended_the_latest_first(platform, enterprise):
    _suspend(platform, "institution", BANK)
    for minute, (scope, subject) in enumerate(
        [("partner", PARTNER), ("platform", None), ("enterprise", enterprise)], 1
    ):
        platform.context.clock.instant = datetime.fromisoformat(f"2026-04-15T10:0{minute}:00+08:00")
        _suspend(platform, scope, subject, key=f"stop-{scope}")
    _release(platform)
    assert [(one["scope"], one["id"]) for one in newest(platform.context)] == [
        ("enterprise", enterprise),
        ("partner", PARTNER),
        ("institution", BANK),
    ]


def test_whoever_is_suspended_again_is_listed_once_and_first(platform):
    _suspend(platform, "institution", BANK)
    _release(platform, "institution", BANK)
    platform.context.clock.instant = datetime.fromisoformat("2026-04-15T10:01:00+08:00")
    _suspend(platform, "institution", OTHER_BANK, key="stop-2")
    platform.context.clock.instant = datetime.fromisoformat("2026-04-15T10:02:00+08:00")
    _suspend(platform, "institution", BANK, key="stop-3")
    assert [one["id"] for one in newest(platform.context)] == [BANK, OTHER_BANK]


def test_a_request_is_accepted_again_after_the_release_only(platform, enterprise):
    keys = suspension_keys(PARTNER, enterprise, BANK)
    _suspend(platform)
    with pytest.raises(SuspendedError):
        require_not_suspended(platform.context.store.get_many(keys))
    _release(platform)
    require_not_suspended(platform.context.store.get_many(keys))


@pytest.mark.parametrize(
    ("scope", "field", "advice"),
    [
        ("platform", None, "GET /v1/status"),
        ("institution", "institution_id", "choose another one"),
        ("partner", None, "ask operations"),
        ("enterprise", "enterprise_id", "ask operations"),
    ],
)
def test_a_refusal_says_what_to_do_and_never_why(platform, enterprise, scope, field, advice):
    _suspend(platform, scope, _subject(platform, enterprise, scope), reason="COURT_ORDER")
    with pytest.raises(SuspendedError, match=advice) as refused:
        require_not_suspended(platform.context.store.get_many(suspension_keys(PARTNER, enterprise, BANK)))
    assert (refused.value.code, refused.value.field) == ("SUSPENDED", field)
    assert "COURT" not in refused.value.message


def test_the_widest_suspension_is_told_of(platform, enterprise):
    _suspend(platform, "enterprise", enterprise)
    _suspend(platform, key="stop-2")
    with pytest.raises(SuspendedError, match="whole platform"):
        require_not_suspended(platform.context.store.get_many(suspension_keys(PARTNER, enterprise, BANK)))


def test_a_refusal_is_a_conflict_that_no_client_repeats_by_itself():
    assert status_of(SuspendedError("no")) == 409


def test_where_nothing_is_suspended_all_is_open(platform):
    assert status(platform.context, PARTNER) == {
        "accepting": True,
        "service_hours": "open",
        "platform": "open",
        "partner": "open",
        "institutions": {},
    }


@pytest.mark.parametrize(("scope", "subject"), [("platform", None), ("partner", PARTNER)])
def test_a_suspended_platform_or_partner_accepts_nothing(platform, scope, subject):
    _suspend(platform, scope, subject)
    shown = status(platform.context, PARTNER)
    assert (shown["accepting"], shown[scope]) == (False, "suspended")


def test_no_partner_sees_another_one_s_suspension(platform):
    before = status(platform.context, PARTNER)
    _suspend(platform, "partner", "partner-b")
    assert status(platform.context, PARTNER) == before


def _agree(platform, *institutions):
    partner = platform.context.store.get(f"partner#{PARTNER}", "state")
    platform.context.store.transact([partner.replaced({**partner.body, "institutions": list(institutions)})])


def test_a_partner_sees_the_institutions_agreed_with_it_and_no_other(platform):
    _agree(platform, "bank-1", "bank-2")
    _suspend(platform, "institution", "bank-1")
    _suspend(platform, "institution", "bank-3", key="stop-2")
    shown = status(platform.context, PARTNER)
    assert shown["institutions"] == {"bank-1": "suspended", "bank-2": "open"}
    assert shown["accepting"]


def test_with_every_agreed_institution_suspended_nothing_is_accepted(platform):
    _agree(platform, "bank-1")
    _suspend(platform, "institution", "bank-1")
    assert not status(platform.context, PARTNER)["accepting"]


def test_a_released_institution_is_shown_suspended_no_longer(platform):
    _suspend(platform, "institution", BANK)
    _release(platform, "institution", BANK)
    assert status(platform.context, PARTNER)["institutions"] == {}


@pytest.mark.parametrize("at", ["2026-04-15T08:59:59+08:00", "2026-04-18T10:00:00+08:00", "2027-01-04T10:00:00+08:00"])
def test_outside_the_service_hours_nothing_is_accepted(platform, at):
    platform.context.clock.instant = datetime.fromisoformat(at)
    shown = status(platform.context, PARTNER)
    assert (shown["service_hours"], shown["accepting"]) == ("closed", False)


def test_a_tenant_s_own_hours_hold_for_its_status(platform):
    content = {"partner_id": PARTNER, "policy": {"service_hours": {"opens": "13:00", "closes": "17:00"}}}
    change = changes.propose(platform.context, MAKER, "hours", "tenant_policy", content)
    _approve(platform, change["change_id"])
    assert status(platform.context, PARTNER)["service_hours"] == "closed"
    assert status(platform.context, "partner-b")["service_hours"] == "open"


def test_a_suspended_enterprise_is_shown_so_until_its_release(platform, enterprise):
    _suspend(platform, "enterprise", enterprise)
    assert registration.shown(platform.context, platform.enterprise(enterprise))["suspended"] is True
    _release(platform, "enterprise", enterprise)
    assert "suspended" not in registration.shown(platform.context, platform.enterprise(enterprise))


# ---- payments


@pytest.mark.parametrize("scope", list(SuspensionScope))
def test_a_payment_that_has_not_begun_waits_and_says_so(platform, sealed, enterprise, scope):
    _suspend(platform, scope, _subject(platform, enterprise, scope))
    assert disburse(platform.context, sealed)["payment"] == "HELD"
    assert platform.bank.orders == []
    assert discounts.view(platform.body(sealed))["held"] == "SUSPENDED"


def test_what_waited_is_paid_once_after_the_release(platform, sealed):
    _suspend(platform)
    disburse(platform.context, sealed)
    _release(platform)
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert len(platform.bank.orders) == 1
    assert "held" not in discounts.view(platform.body(sealed))


def test_a_payment_that_the_bank_may_have_finishes(platform, sealed):
    platform.bank.lose_answers = 1
    assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    _suspend(platform)
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"


# ---- the page


def test_the_page_s_examples_stop_show_and_release(platform, enterprise):
    body = SuspensionBody.model_validate(STOP)
    _suspend(platform, body.scope, body.id, reason=body.reason)
    assert status(platform.context, PARTNER) == SHOWN
    _approve(platform, changes.propose(platform.context, MAKER, "go-1", "release", RELEASE)["change_id"])
    assert newest(platform.context) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scope": "world", "reason": "DRILL"}, "scope"),
        ({"scope": "platform", "id": "bank-1", "reason": "DRILL"}, "id"),
        ({"scope": "institution", "reason": "DRILL"}, "id"),
        ({"scope": "platform", "reason": "for a drill"}, "reason"),
        ({"scope": "platform"}, "reason"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_by_its_field(body, field):
    with pytest.raises(ValidationError) as refused:
        SuspensionBody.model_validate(body)
    assert [error["loc"] for error in refused.value.errors()] == [(field,)]
