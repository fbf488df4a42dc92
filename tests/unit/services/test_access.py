"""Callers and their keys: changed by two persons, never into somebody else, and revoked for good."""

import json
from dataclasses import dataclass

import pytest

from access_fakes import ecdsa, ed25519, key_record, rsa
from in_memory import Platform
from rongtong.domain.access import ROLES, SCOPES, AccessRecordError, Key, Role, owns
from rongtong.domain.errors import RongTongError
from rongtong.domain.two_persons import SamePersonError
from rongtong.services import changes
from rongtong.services.access import key_holder

MAKER, CHECKER = "operations", "operations-2"
OLD, NEW = key_record(ed25519()), key_record(ecdsa())
BASE = {"partner_id": "partner-a", "role": "partner", "reason": "KEY_ROTATION"}


@dataclass
class Changed:
    platform: Platform
    count: int = 0

    def propose(self, **content):
        self.count += 1
        named = {**BASE, **content}
        return changes.propose(self.platform.context, MAKER, f"key-{self.count}", "partner", named)["change_id"]

    def make(self, **content):
        return changes.decide(self.platform.context, CHECKER, self.propose(**content), approve=True)

    def holder(self, key_id):
        return key_holder(self.platform.context.store, key_id)

    def record(self, partner="partner-a"):
        return self.platform.context.store.get(f"partner#{partner}", "state").body


@pytest.fixture
def changed():
    return Changed(Platform())


def _refused(changed, **content):
    with pytest.raises(RongTongError) as refused:
        changed.make(**content)
    return refused.value.code, refused.value.field


def test_an_approved_key_counts_and_a_proposed_one_does_not(changed):
    change_id = changed.propose(keys={"1": OLD})
    assert changed.holder("partner-a#1") is None
    changes.decide(changed.platform.context, CHECKER, change_id, approve=True)
    assert changed.holder("partner-a#1").key.scopes == ROLES[Role.PARTNER]


def test_one_person_gives_nobody_a_key(changed):
    change_id = changed.propose(keys={"1": OLD})
    with pytest.raises(SamePersonError):
        changes.decide(changed.platform.context, MAKER, change_id, approve=True)
    assert changed.holder("partner-a#1") is None


def test_a_new_key_leaves_the_old_one_until_that_is_revoked(changed):
    changed.make(keys={"1": OLD})
    changed.make(keys={"2": NEW})
    assert [changed.holder(f"partner-a#{n}").key.revoked_at for n in (1, 2)] == [None, None]
    changed.make(revoke=["1"])
    first, second = (changed.holder(f"partner-a#{n}").key.revoked_at for n in (1, 2))
    assert (first is None, second is None) == (False, True)


def test_two_changes_that_were_proposed_side_by_side_both_hold(changed):
    proposed = [changed.propose(keys={"1": OLD}), changed.propose(addresses=["203.0.113.0/24"])]
    for change_id in proposed:
        changes.decide(changed.platform.context, CHECKER, change_id, approve=True)
    holder = changed.holder("partner-a#1")
    assert [str(network) for network in holder.tenant.addresses] == ["203.0.113.0/24"]


def test_a_revoked_key_never_counts_again(changed):
    changed.make(keys={"1": OLD})
    changed.make(revoke=["1"])
    revoked_at = changed.record()["keys"]["1"]["revoked_at"]
    assert _refused(changed, keys={"1": OLD}) == ("ACCESS_RECORD", "content.keys.1")
    assert _refused(changed, keys={"3": OLD}) == ("ACCESS_RECORD", "content.keys.3.public_key")
    changed.platform.context.clock.instant = changed.platform.context.clock.instant.replace(hour=5)
    changed.make(revoke=["1"])
    assert changed.record()["keys"]["1"]["revoked_at"] == revoked_at


def test_a_key_in_the_old_form_is_revoked_as_well(changed):
    item = changed.platform.context.store.get("partner#partner-a", "state")
    changed.platform.context.store.transact([item.replaced({**item.body, "keys": {"1": "ab" * 32}})])
    changed.make(revoke=["1"])
    assert changed.holder("partner-a#1").key.revoked_at is not None


def test_a_key_s_scopes_and_dates_are_set_again_and_its_public_key_is_not(changed):
    changed.make(keys={"1": OLD})
    changed.make(keys={"1": {**OLD, "scopes": ["discounts:read"], "not_after": "2027-01-01T00:00:00Z"}})
    assert changed.holder("partner-a#1").key.scopes == {"discounts:read"}
    assert _refused(changed, keys={"1": NEW}) == ("ACCESS_RECORD", "content.keys.1.public_key")


def test_what_is_not_named_stays(changed):
    changed.make(keys={"1": OLD}, addresses=["203.0.113.0/24"], requests_per_second=5, institutions=["bank-1"])
    before = changed.record()
    changed.make(requests_per_second=6)
    after = changed.record()
    same = ("keys", "addresses", "institutions", "role")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert after["requests_per_second"] == 6


def test_the_record_says_who_made_it_so_and_why(changed):
    changed.make(keys={"1": OLD})
    assert {name: changed.record()[name] for name in ("proposed_by", "approved_by", "why")} == {
        "proposed_by": MAKER,
        "approved_by": CHECKER,
        "why": "KEY_ROTATION",
    }


def test_a_caller_that_was_not_there_is_made(changed):
    changed.make(partner_id="bank-desk", role="institution", institution_id="bank-1", keys={"a": OLD})
    tenant = changed.holder("bank-desk#a").tenant
    assert (tenant.role, tenant.institution_id) == (Role.INSTITUTION, "bank-1")


@pytest.mark.parametrize(
    ("content", "code", "field"),
    [
        ({"role": "operations"}, "ACCESS_RECORD", "content.role"),
        ({"role": "institution", "institution_id": "bank-1"}, "ACCESS_RECORD", "content.role"),
        ({"revoke": ["7"]}, "ACCESS_RECORD", "content.revoke"),
        ({"institutions": ["bank-9"]}, "INSTITUTION_UNKNOWN", "content.institutions"),
        ({"keys": {"1": OLD, "2": OLD}}, "ACCESS_RECORD", "content.keys.2.public_key"),
    ],
)
def test_a_caller_becomes_nobody_else(changed, content, code, field):
    before = changed.record()
    assert _refused(changed, **content) == (code, field)
    assert changed.record() == before


def test_an_institution_never_speaks_for_another_one(changed):
    changed.make(partner_id="desk", role="institution", institution_id="bank-1", keys={"1": OLD})
    named = {"partner_id": "desk", "role": "institution", "institution_id": "bank-2"}
    assert _refused(changed, **named) == ("ACCESS_RECORD", "content.institution_id")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"partner_id": ""}, "content.partner_id"),
        ({"partner_id": "a#1"}, "content.partner_id"),
        ({"partner_id": ["partner-a"]}, "content.partner_id"),
        ({"role": "king"}, "content.role"),
        ({"role": None}, "content.role"),
        ({"reason": "just so"}, "content.reason"),
        ({"speed": 1}, "content.speed"),
        ({"revoked_at": "2026-04-15T00:00:00Z"}, "content.revoked_at"),
        ({"institution_id": "bank-1"}, "content.institution_id"),
        ({"keys": []}, "content.keys"),
        ({"keys": {"1#2": OLD}}, "content.keys.1#2"),
        ({"keys": {"1": "ab" * 31}}, "content.keys.1.public_key"),
        ({"keys": {"1": {**OLD, "colour": "red"}}}, "content.keys.1"),
        ({"keys": {"1": {**OLD, "algorithm": "rsa-v1_5-sha256"}}}, "content.keys.1.algorithm"),
        ({"keys": {"1": {**OLD, "algorithm": "rsa-pss-sha512"}}}, "content.keys.1.public_key"),
        ({"keys": {"1": key_record(rsa(1024))}}, "content.keys.1.public_key"),
        ({"keys": {"1": {**OLD, "scopes": ["operations:configure"]}}}, "content.keys.1.scopes"),
        ({"keys": {"1": {**OLD, "scopes": ["everything"]}}}, "content.keys.1.scopes"),
        ({"keys": {"1": {**OLD, "scopes": []}}}, "content.keys.1.scopes"),
        ({"keys": {"1": {**OLD, "not_after": "2027-01-01T00:00:00"}}}, "content.keys.1.not_after"),
        (
            {"keys": {"1": {**OLD, "not_before": "2027-01-01T00:00:00Z", "not_after": "2027-01-01T00:00:00Z"}}},
            "content.keys.1.not_after",
        ),
        ({"keys": {"1": {**OLD, "revoked_at": "2027-01-01T00:00:00Z"}}}, "content.keys.1.revoked_at"),
        ({"keys": {"1": OLD}, "revoke": ["1"]}, "content.revoke"),
        ({"revoke": "1"}, "content.revoke"),
        ({"addresses": ["203.0.113.7/24"]}, "content.addresses.0"),
        ({"addresses": ["203.0.113.0/24", 7]}, "content.addresses.1"),
        ({"addresses": "203.0.113.0/24"}, "content.addresses"),
        ({"requests_per_second": 0}, "content.requests_per_second"),
        ({"requests_per_second": True}, "content.requests_per_second"),
        ({"institutions": "bank-1"}, "content.institutions"),
    ],
)
def test_what_cannot_be_read_is_refused_when_it_is_proposed(changed, content, field):
    with pytest.raises(AccessRecordError) as refused:
        changed.propose(**content)
    assert refused.value.field == field
    assert changed.platform.context.store.states("change#") == []


def test_the_largest_record_is_small_enough_for_its_table_and_its_event():
    scopes = sorted(ROLES[Role.PARTNER])
    keys = {str(n): {**key_record(ed25519()), "scopes": scopes, "not_after": "2027-01-01T00:00:00Z"} for n in range(50)}
    assert len(json.dumps({**BASE, "keys": keys})) < 64 * 1024


def test_a_key_without_scopes_has_those_of_its_role_and_no_others():
    for role in Role:
        assert Key.parse(OLD, role).scopes == ROLES[role]


def test_operations_share_no_scope_with_anybody():
    others = frozenset().union(*(ROLES[role] for role in Role if role is not Role.OPERATIONS))
    assert ROLES[Role.OPERATIONS] & others == frozenset()
    assert all(scope.startswith("operations:") for scope in SCOPES if scope not in others)


@pytest.mark.parametrize(
    ("role", "tenant", "institution", "document", "own"),
    [
        ("partner", "partner-a", None, {"partner_id": "partner-a"}, True),
        ("partner", "partner-a", None, {"partner_id": "partner-b"}, False),
        ("partner", "partner-a", "bank-1", {"partner_id": "partner-b", "institution_id": "bank-1"}, False),
        ("partner", "", None, {"partner_id": ""}, False),
        ("partner", "partner-a", None, {}, False),
        ("institution", "desk", "bank-1", {"partner_id": "partner-a", "institution_id": "bank-1"}, True),
        ("institution", "desk", "bank-1", {"partner_id": "partner-a", "institution_id": "bank-2"}, False),
        ("institution", "desk", "bank-1", {"partner_id": "desk"}, True),
        ("institution", "desk", None, {"partner_id": "partner-a"}, False),
        ("institution", "desk", "", {"institution_id": ""}, False),
        ("bank", "bank", None, {"partner_id": "bank"}, False),
        ("operations", "operations", None, {"partner_id": "partner-a"}, True),
        ("king", "partner-a", None, {"partner_id": "partner-a"}, False),
    ],
)
def test_whose_an_object_is(role, tenant, institution, document, own):
    assert owns(role, tenant, institution, document) is own
