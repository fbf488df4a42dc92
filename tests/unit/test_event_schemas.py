"""What partners are told of is a contract: every event that the flow emits fits its schema, and none says more."""

import json

import pytest
from jsonschema import Draft202012Validator

from event_schemas import FOLDER, files
from in_memory import PARTNER, Platform, sample_bills
from paths import ROOT
from rongtong.domain.payment import PaymentStatus, payment_reference
from rongtong.domain.public_events import (
    INTERNAL,
    PREFIX,
    PUBLIC,
    TEST_TYPE,
    TYPES,
    body_of,
    envelope,
    event_id,
    schema_of,
    split_event_id,
    trial_envelope,
)
from rongtong.services import bank_notices
from rongtong.services.waiting import confirm, decide_review

ORIGIN = "rongtong.example/log"
BILLS = sample_bills()


def _of(platform, discount_id):
    return platform.context.store.get(f"discount#{discount_id}", "state")


@pytest.fixture(scope="module")
def emitted():
    """The events of discounts and enterprises in a run of the sample file, and in what may befall a discount."""
    platform = Platform()
    platform.outcomes(BILLS)
    other = Platform()
    doubtful = next(bill for bill in BILLS if bill.expected == "in_review")
    reviewed = other.accept(doubtful)
    other.run(reviewed)
    decide_review(other.context, "operations-1", _of(other, reviewed), approve=True, note="fine")
    waiting = other.accept(BILLS[3], "key-3", confirmed=False)
    other.run(waiting)
    confirm(other.context, _of(other, waiting), "operator-1", ("password", "otp"))
    paid = other.accept(BILLS[2], "key-2")
    other.run(paid)
    bank_notices.take(other.context, other.bank.send_back(payment_reference(paid, 1), PaymentStatus.RETURNED))
    return [
        item.body["event"]
        for one in (platform, other)
        for item in one.context.store.items.values()
        if item.sk.startswith("event#") and item.pk.partition("#")[0] in ("discount", "enterprise")
    ]


def test_every_event_of_a_discount_or_enterprise_is_public_or_internal(emitted):
    assert {event["type"] for event in emitted} - set(PUBLIC) - INTERNAL == set()
    assert len({event["type"] for event in emitted}) >= 13


def test_every_event_that_the_flow_emits_fits_its_schema(emitted):
    validators = {name: Draft202012Validator(schema_of(name)) for name in TYPES}
    documents = [json.loads(body_of(document)) for event in emitted if (document := envelope(event, ORIGIN))]
    wrong = [
        (document["type"], error.message)
        for document in documents
        for error in validators[document["type"]].iter_errors(document)
    ]
    assert wrong == []
    assert len(documents) > 500


def test_no_event_has_a_member_of_which_nobody_said_whether_it_is_public(emitted):
    unsaid = {
        (event["type"], name)
        for event in emitted
        if event["type"] in PUBLIC
        for name in event["data"]
        if name not in PUBLIC[event["type"]].fields and name not in PUBLIC[event["type"]].withheld
    }
    assert unsaid == set()


def test_nothing_sealed_is_a_public_member():
    assert [name for one in PUBLIC.values() for name in one.fields if name.endswith("_sealed")] == []


@pytest.mark.parametrize("name", TYPES)
def test_every_schema_is_one_and_its_example_fits(name):
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    [example] = schema["examples"]
    assert list(Draft202012Validator(schema).iter_errors(example)) == []


@pytest.mark.parametrize("name", TYPES)
def test_a_schema_refuses_what_it_does_not_name(name):
    schema = schema_of(name)
    example = json.loads(json.dumps(schema["examples"][0]))
    example["data"]["mobile"] = "13800138000"
    assert list(Draft202012Validator(schema).iter_errors(example))


def test_the_files_are_what_make_docs_writes():
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*")} == files()


PROMISED = {
    "discount.confirmed.v1": "discount_id factors",
    "discount.endorsed.v1": "discount_id",
    "discount.failed.v1": "discount_id reason",
    "discount.paid.v1": "amount_fen discount_id reference",
    "discount.payment_returned.v1": "amount_fen discount_id how reference",
    "discount.refused.v1": "discount_id reason",
    "discount.requested.v1": "amount_fen bill_number discount_id enterprise_id kind maturity_date range",
    "discount.review_decided.v1": "decision discount_id",
    "discount.sealed.v1": "contract_sha256 discount_id",
    "discount.verified.v1": "discount_id outcome",
    "enterprise.account_changed.v1": "enterprise_id",
    "enterprise.closed.v1": "enterprise_id retain_until",
    "enterprise.erased.v1": "enterprise_id",
    "enterprise.refused.v1": "enterprise_id reason",
    "enterprise.registered.v1": "enterprise_id uscc",
    "enterprise.verified.v1": "enterprise_id",
    "webhook.test.v1": "endpoint_id",
}
"""What version 1 of each type always has. A member is never taken from it: that would be version 2."""


def test_no_version_loses_a_member_that_it_promised():
    made = {name.removeprefix(PREFIX): set(schema_of(name)["properties"]["data"]["required"]) for name in TYPES}
    assert {name: promised for name, promised in PROMISED.items() if not set(promised.split()) <= made[name]} == {}
    assert set(made) == set(PROMISED)


def test_every_type_is_in_the_page_for_receivers():
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    assert [name for name in TYPES if f"`{name}`" not in page] == []


def test_an_event_s_id_names_its_subject_and_number():
    assert split_event_id(event_id("dsc_abc", 12)) == ("dsc_abc", 12)


@pytest.mark.parametrize("text", ["", "-0001", "dsc_abc", "dsc_abc-1", "dsc_abc-00012", "dsc_abc-²001", "dsc_abc--001"])
def test_what_is_no_event_s_id_is_none(text):
    assert split_event_id(text) is None


def test_an_internal_event_has_no_envelope():
    assert envelope({"type": "EnterpriseTold", "n": 5, "at": "", "data": {}, "discount_id": "dsc_x"}, ORIGIN) is None


def test_the_test_button_s_event_fits_its_schema():
    document = trial_envelope("whe_abc", 123_456_789, "2026-04-15T02:00:00.000Z", ORIGIN)
    assert list(Draft202012Validator(schema_of(TEST_TYPE)).iter_errors(document)) == []


def test_partners_are_told_of_nothing_under_a_partner_s_name(emitted):
    sent = b"".join(body_of(document) for event in emitted if (document := envelope(event, ORIGIN)))
    assert PARTNER.encode() not in sent
    assert b"operator-1" not in sent
