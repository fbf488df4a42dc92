"""The supervisor's feed: the log's order, every public event once, nothing else; and a day's figures."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from fakes import OPEN
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.merkle import leaf_hash
from rongtong.domain.public_events import PUBLIC, envelope
from rongtong.domain.receipt import event_leaf
from rongtong.domain.statement import PeriodError
from rongtong.entrypoints import answers_supervision
from rongtong.services import discounts, supervision_figures
from rongtong.services.cosigning import witnessed, witnessed_size
from rongtong.services.errors import BusyError
from rongtong.services.evidence_log import append_pending, head_of
from rongtong.services.receipts import receipt
from rongtong.services.records import STATE, logged_indices
from rongtong.services.storage import WriteConflictError
from rongtong.services.supervision import FeedForgottenError, events
from rongtong.services.sweep import sweep
from rongtong.services.unwind import unwind

BILLS = [bill for bill in sample_bills() if bill.bill and not bill.quote and bill.expected == "disbursed"]
TODAY = OPEN.date()


@pytest.fixture
def platform():
    return Platform((PARTNER, "partner-b"))


def cosign(platform):
    """As the sweeper: bring the newest head under a quorum."""
    head = head_of(platform.context)
    if head is not None:
        witnessed(platform.context, int(head.body["size"]))


def in_log_order(platform):
    """Every public event that the cosigned log holds, by its leaf, straight from the records."""
    size, found = witnessed_size(platform.context), {}
    for item in platform.context.store.states(""):
        for number, index in enumerate(logged_indices(item.body), start=1):
            event = platform.context.store.get(item.pk, f"event#{number:04d}").body["event"]
            if index < size and event["type"] in PUBLIC:
                found[index] = envelope(event, platform.context.log_origin)
    return sorted(found.items())


def told(page):
    return [(one["index"], one["event"]) for one in page["events"]]


def follow(context, after=-1, limit=100):
    """Everything behind a leaf, page by page; the events and the last leaf."""
    found = []
    while True:
        page = events(context, after, limit)
        found += told(page)
        assert page["after"] > after or not page["more"]
        after = page["after"]
        if not page["more"]:
            return found, after


def test_every_public_event_of_every_partner_is_told_in_the_order_of_the_log(platform):
    platform.run(platform.accept(BILLS[0]))
    platform.run(platform.accept(BILLS[1], "key-2", "partner-b"))
    sweep(platform.context)
    cosign(platform)
    found, after = follow(platform.context)
    assert found == in_log_order(platform)
    assert after == witnessed_size(platform.context) - 1
    subjects = {document["subject"] for _, document in found}
    assert {f"dsc_{one}"[:4] for one in subjects} == {"dsc_"}
    assert {platform.body(one)["partner_id"] for one in subjects if one.startswith("dsc_")} == {PARTNER, "partner-b"}


def test_the_leaf_hash_is_that_of_salt_and_event_in_the_receipt(platform):
    discount_id = platform.accept(BILLS[0])
    platform.run(discount_id)
    cosign(platform)
    entries = {one["index"]: one for one in receipt(platform.context, platform.discount(discount_id))["entries"]}
    shown = [one for one in events(platform.context, -1)["events"] if one["event"]["subject"] == discount_id]
    assert shown
    for one in shown:
        entry = entries[one["index"]]
        assert one["leaf_hash"] == leaf_hash(event_leaf(bytes.fromhex(entry["salt_hex"]), entry["event"])).hex()
        assert one["event"] == envelope(entry["event"], platform.context.log_origin)


def test_what_no_quorum_has_cosigned_is_not_told(platform):
    discount_id = platform.accept(BILLS[0])
    append_pending(platform.context, platform.discount(discount_id))
    before = witnessed_size(platform.context)
    page = events(platform.context, -1)
    assert (page["size"], page["after"], page["more"]) == (before, before - 1, False)
    assert discount_id not in {document["subject"] for _, document in told(page)}
    cosign(platform)
    assert discount_id in {document["subject"] for _, document in follow(platform.context, page["after"])[0]}


def test_every_leaf_is_an_event_or_counted_among_the_others(platform):
    discount_id = platform.accept(BILLS[0])
    platform.run(discount_id)
    asking = replace(platform.context, initiator={"key": "partner-a#1", "sig": "c2ln"})
    discounts.timeline(asking, platform.discount(discount_id))
    platform.context.clock.instant += timedelta(minutes=10)
    sweep(platform.context)
    cosign(platform)
    page = events(platform.context, -1)
    assert page["others"] > 0
    assert page["others"] + len(page["events"]) == page["after"] + 1 == page["size"]


@pytest.mark.parametrize("seed", range(25))
def test_however_appends_and_reads_come_between_each_other_every_event_is_told_once_and_in_order(seed):
    """A reader with a page of its own size, begun at any moment, among discounts that are logged in any order."""
    chance = random.Random(seed)
    platform = Platform((PARTNER, "partner-b"))
    made = [
        platform.accept(bill, f"key-{at}", chance.choice((PARTNER, "partner-b")))
        for at, bill in enumerate(chance.sample(BILLS, 4))
    ]
    steps = [
        lambda: platform.run(made.pop()) if made else None,
        lambda: append_pending(platform.context, platform.discount(chance.choice(made))) if made else None,
        lambda: unwind(platform.context, made.pop(), "REGISTRY_CHANGED", refused=True) if made else None,
        lambda: sweep(platform.context),
        lambda: cosign(platform),
    ]
    readers = [{"after": -1, "limit": chance.choice((1, 2, 7, 100)), "told": []} for _ in range(3)]

    def read(reader):
        page = events(platform.context, reader["after"], reader["limit"])
        reader["told"] += told(page)
        reader["after"] = page["after"]

    for _ in range(30):
        chance.choice(steps)()
        for reader in chance.sample(readers, chance.randrange(3)):
            read(reader)
    platform.context.clock.instant += timedelta(minutes=10)
    sweep(platform.context)
    cosign(platform)
    expected = in_log_order(platform)
    assert expected
    for reader in readers:
        while reader["after"] + 1 < witnessed_size(platform.context):
            read(reader)
        assert reader["told"] == expected


def test_going_on_behind_the_newest_leaf_tells_nothing_and_keeps_the_place(platform):
    platform.run(platform.accept(BILLS[0]))
    cosign(platform)
    _, after = follow(platform.context)
    page = events(platform.context, after)
    assert (page["events"], page["after"], page["more"]) == ([], after, False)


def test_an_event_that_is_not_what_was_logged_is_told_as_none(platform):
    discount_id = platform.accept(BILLS[0])
    platform.run(discount_id)
    cosign(platform)
    index = logged_indices(platform.body(discount_id))[0]
    item = platform.context.store.items[f"discount#{discount_id}", "event#0001"]
    event = {**item.body["event"], "data": {**item.body["event"]["data"], "amount_fen": 1}}
    platform.context.store.items[item.pk, item.sk] = replace(item, body={**item.body, "event": event})
    shown = {one["index"]: one for one in events(platform.context, -1)["events"]}
    assert shown[index]["event"] is None
    assert (
        shown[index]["leaf_hash"] == leaf_hash(event_leaf(bytes.fromhex(item.body["salt"]), item.body["event"])).hex()
    )


def test_nothing_personal_and_nothing_that_lists_or_risk_rules_found_is_told(platform):
    platform.outcomes([bill for bill in sample_bills() if bill.expected in ("in_review", "refused", "disbursed")][:60])
    sweep(platform.context)
    cosign(platform)
    text = canonical_bytes(follow(platform.context)[0]).decode()
    for item in platform.context.store.states("enterprise#"):
        assert item.body["masked"]["mobile"] not in text
        assert item.body["name"] not in text
    found = {
        code
        for item in platform.context.store.items.values()
        for code in str(item.body.get("beside", "")).split("'")
        if code.startswith(("LIST_", "RISK_"))
    }
    assert [code for code in found if code in text] == []
    assert {"findings_sha256", "payee_account_sealed", "partner_id"} & set(text.split('"')) == set()


def test_leaves_whose_batches_are_gone_are_refused_with_the_place_to_go_on_from(platform):
    for at, bill in enumerate(BILLS[:3]):
        platform.run(platform.accept(bill, f"key-{at}"))
    cosign(platform)
    everything, _ = follow(platform.context)
    positions = sorted(int(path[-12:]) for path in platform.context.files.names("staging/"))
    for position in positions[:2]:
        platform.context.files.delete(f"staging/{position:012d}")
    with pytest.raises(FeedForgottenError, match=f"after={positions[2] - 1}"):
        events(platform.context, -1)
    kept, _ = follow(platform.context, positions[2] - 1)
    assert kept == [one for one in everything if one[0] >= positions[2]]


def test_a_batch_that_is_missing_in_between_ends_a_page_and_refuses_the_next(platform):
    for at, bill in enumerate(BILLS[:3]):
        platform.run(platform.accept(bill, f"key-{at}"))
    cosign(platform)
    positions = sorted(int(path[-12:]) for path in platform.context.files.names("staging/"))
    platform.context.files.delete(f"staging/{positions[3]:012d}")
    page = events(platform.context, -1)
    assert (page["after"], page["more"]) == (positions[3] - 1, True)
    with pytest.raises(FeedForgottenError, match=f"after={positions[4] - 1}"):
        events(platform.context, page["after"])


def noted(platform):
    stored = [item.body for item in platform.context.store.items.values() if item.pk.startswith("access#")]
    return [body["event"] for body in stored if "event" in body]


def test_who_was_shown_events_is_recorded_with_the_first_and_the_last_leaf(platform):
    platform.run(platform.accept(BILLS[0]))
    cosign(platform)
    asking = replace(platform.context, initiator={"key": "sample-supervisor#1", "sig": "c2ln"}, request_id="req-1")
    page = events(asking, -1)
    (event,) = noted(platform)
    assert event["by"]["key"] == "sample-supervisor#1"
    assert event["data"] == {
        "evidence": "EVENTS",
        "first_leaf": page["events"][0]["index"],
        "last_leaf": page["events"][-1]["index"],
        "request_id": "req-1",
    }


def test_reading_the_feed_until_its_end_does_not_make_it_longer_for_ever(platform):
    """The record of a read is a leaf too; to be shown no event is no read."""
    platform.run(platform.accept(BILLS[0]))
    platform.context.clock.instant += timedelta(minutes=10)
    sweep(platform.context)
    cosign(platform)
    asking = replace(platform.context, initiator={"key": "sample-supervisor#1", "sig": "c2ln"})
    sizes = []
    after = -1
    for _ in range(4):
        _, after = follow(asking, after)
        platform.context.clock.instant += timedelta(minutes=10)
        sweep(platform.context)
        cosign(platform)
        sizes.append(witnessed_size(platform.context))
    assert sizes == [sizes[0]] * 4
    assert len(noted(platform)) == 1


def test_a_read_that_cannot_be_recorded_shows_nothing(platform):
    platform.run(platform.accept(BILLS[0]))
    cosign(platform)
    asking = replace(platform.context, initiator={"key": "sample-supervisor#1", "sig": "c2ln"})

    def taken(writes):
        raise WriteConflictError("The records changed meanwhile.", failed=(0,))

    platform.context.store.before_write = taken
    with pytest.raises(BusyError):
        events(asking, -1)
    with pytest.raises(BusyError):
        supervision_figures.figures(asking, "sample-supervisor", OPEN.date())


# ---- figures


@pytest.fixture
def supervised(platform):
    institutions = sorted(item.body["institution_id"] for item in platform.context.store.states("institution#"))
    platform._create(
        "partner#sample-supervisor", STATE, {"keys": {}, "role": "supervisor", "institutions": institutions}
    )
    return platform


def rows(platform, day=TODAY):
    made = supervision_figures.figures(platform.context, "sample-supervisor", day)
    answers_supervision.SupervisedFigures.model_validate(made)
    return made["figures"]


def test_figures_add_up_to_the_discounts_of_the_day(supervised):
    supervised.outcomes([bill for bill in sample_bills() if not bill.at])
    states = [item.body for item in supervised.context.store.states("discount#")]
    of_day = [one for one in states if one["accepted_at"].startswith(OPEN.date().isoformat())]
    found = rows(supervised)
    assert len(of_day) > 100
    assert sum(row["count"] for row in found) == len(of_day)
    assert sum(row["face_fen"] for row in found) == sum(one["face_fen"] for one in of_day)
    paid = [one for one in of_day if one["status"] == "DISBURSED"]
    assert sum(row["paid"]["count"] for row in found) == len(paid)
    assert sum(row["paid"]["paid_fen"] for row in found) == sum(one["proceeds_fen"] for one in paid)
    assert sum(row["paid"]["interest_fen"] for row in found) == sum(one["interest_fen"] for one in paid)
    refused = [one for one in of_day if one["status"] in ("REFUSED", "FAILED")]
    assert sum(part["count"] for row in found for part in row["refused"]) == len(refused)
    assert {part["stage"] for row in found for part in row["refused"]} >= {"verification", "payment"}
    for row in found:
        parts = row["paid"]["count"] + row["open"]["count"] + sum(part["count"] for part in row["refused"])
        assert parts == row["count"]


def test_figures_are_those_of_one_day_in_shanghai(supervised):
    supervised.accept(BILLS[0])
    supervised.context.clock.instant += timedelta(days=1)
    assert sum(row["count"] for row in rows(supervised)) == 1
    assert rows(supervised, OPEN.date() + timedelta(days=1)) == []


def test_figures_of_a_day_to_come_are_refused(supervised):
    with pytest.raises(PeriodError):
        rows(supervised, date(2027, 1, 1))


def test_a_supervisor_whose_record_names_no_institution_is_told_so(platform):
    platform._create("partner#sample-supervisor", STATE, {"keys": {}, "role": "supervisor"})
    platform.accept(BILLS[0])
    made = supervision_figures.figures(platform.context, "sample-supervisor", OPEN.date())
    assert (made["institutions"], made["figures"]) == ([], [])
