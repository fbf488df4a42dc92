"""Who is shown which evidence leaves an event in the evidence log, or is shown nothing."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.receipt import event_leaf
from rongtong.services import access_audit, discounts, waiting
from rongtong.services.access_audit import Evidence, accesses, note_read
from rongtong.services.errors import BusyError, NotFoundError, WrongStateError
from rongtong.services.receipts import receipt
from rongtong.services.records import at_rest, logged_count, logged_indices
from rongtong.services.storage import WriteConflictError
from rongtong.services.sweep import sweep
from rongtong.services.tile_log import staged

GOOD, OTHER = sample_bills()[2], sample_bills()[3]
DOUBTFUL = next(bill for bill in sample_bills() if bill.expected == "in_review")


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def paid(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    return discount_id


def asking(platform, who="partner-a", request_id="req-1"):
    """The platform's collaborators, acting for somebody who signed a request."""
    return replace(platform.context, initiator={"key": f"{who}#1", "sig": f"sig of {who}"}, request_id=request_id)


def read_receipt(context, discount_id):
    return receipt(context, discounts.load(context, discount_id))


def read_timeline(context, discount_id):
    return discounts.timeline(context, discounts.load(context, discount_id))


def read_review(context, discount_id):
    return waiting.review_file(context, discounts.load(context, discount_id))


READS = {
    Evidence.RECEIPT: read_receipt,
    Evidence.TIMELINE: read_timeline,
    Evidence.REVIEW: read_review,
    Evidence.ACCESSES: accesses,
}


def noted(platform):
    """Every event of a read, in the order of their writing."""
    stored = [item for item in platform.context.store.items.values() if item.pk.startswith("access#")]
    return [item.body["event"] for item in stored if "event" in item.body]


def aggregates(platform):
    return platform.context.store.states("access#")


def later(platform, **span):
    platform.context.clock.instant += timedelta(**(span or {"minutes": 6}))
    return sweep(platform.context)


def refuse_accesses(platform, error):
    """Let every write of a read fail."""

    def fail(writes):
        if any(write.pk.startswith("access#") for write in writes):
            raise error

    platform.context.store.before_write = fail


@pytest.mark.parametrize("evidence", READS)
def test_whoever_is_shown_evidence_leaves_an_event_that_says_who_what_when_and_in_which_request(
    platform, paid, evidence
):
    READS[evidence](asking(platform), paid)
    (event,) = noted(platform)
    assert event["type"] == "EvidenceRead"
    assert event["data"] == {"evidence": evidence.value, "discount_id": paid, "request_id": "req-1"}
    assert event["by"] == {"key": "partner-a#1", "sig": "sig of partner-a"}
    assert datetime.fromisoformat(event["at"]) == platform.context.clock.now()


@pytest.mark.parametrize("evidence", READS)
@pytest.mark.parametrize("error", [OSError("the table does not answer"), WriteConflictError("x", failed=(0,))])
def test_what_cannot_be_recorded_is_not_shown(platform, paid, evidence, error):
    refuse_accesses(platform, error)
    with pytest.raises((OSError, BusyError)):
        READS[evidence](asking(platform), paid)
    assert noted(platform) == []


def test_the_platform_s_own_work_is_told_of_by_its_own_events(platform, paid):
    read_receipt(platform.context, paid)
    assert noted(platform) == []


def test_what_was_not_shown_was_not_read(platform):
    accepted = platform.accept(OTHER)
    with pytest.raises(WrongStateError):
        read_receipt(asking(platform), accepted)
    with pytest.raises(WrongStateError):
        read_review(asking(platform), accepted)
    with pytest.raises(NotFoundError):
        accesses(asking(platform), "dsc_unknown")
    assert noted(platform) == []


def test_a_read_is_in_the_evidence_log_a_few_minutes_later_and_asks_for_nothing_more(platform, paid):
    for _ in range(3):
        read_timeline(asking(platform), paid)
    assert later(platform)["failed"] == []
    entries = []
    head = platform.context.store.get("log", "head")
    while len(entries) < head.body["size"]:
        entries += staged(platform.context.files, len(entries)).entries
    listed = accesses(asking(platform, "operations"), paid)["accesses"]
    assert len(listed) == 3
    for one in listed:
        assert entries[one["index"]] == event_leaf(bytes.fromhex(one["salt_hex"]), one["event"])
    first_ones = [item for item in aggregates(platform) if "logged" in item.body]
    assert [(at_rest(item.body), item.due) for item in first_ones] == [(True, None)] * len(first_ones)


def test_an_aggregate_of_reads_is_left_alone_until_its_minutes_are_over_and_then_logged_in_one_go(
    platform, paid, monkeypatch
):
    monkeypatch.setattr(access_audit, "_SHARDS", 1)
    for _ in range(3):
        read_timeline(asking(platform), paid)
        later(platform, minutes=1)
    (item,) = aggregates(platform)
    assert (item.body["events"], logged_count(item.body)) == (3, 0)
    later(platform, minutes=3)
    (item,) = aggregates(platform)
    assert [count for _, count in item.body["logged"]] == [3]


def test_a_read_that_comes_late_into_minutes_that_are_logged_is_logged_too(platform, paid, monkeypatch):
    monkeypatch.setattr(access_audit, "_SHARDS", 1)
    read_timeline(asking(platform), paid)
    then = platform.context.clock.instant
    later(platform)
    now, platform.context.clock.instant = platform.context.clock.instant, then
    read_timeline(asking(platform), paid)
    platform.context.clock.instant = now
    later(platform, minutes=1)
    (item,) = aggregates(platform)
    assert len(logged_indices(item.body)) == item.body["events"] == 2


def test_who_read_what_of_a_discount_is_listed_newest_first(platform, paid):
    other = platform.accept(DOUBTFUL, "key-2")
    platform.run(other)
    read_receipt(asking(platform), paid)
    platform.context.clock.instant += timedelta(seconds=1)
    read_review(asking(platform, "operations"), other)
    platform.context.clock.instant += timedelta(seconds=1)
    read_timeline(asking(platform, request_id="req-2"), paid)
    found = accesses(asking(platform, "operations"), paid)
    shown = [(one["event"]["by"]["key"], one["event"]["data"]["evidence"]) for one in found["accesses"]]
    assert shown == [("partner-a#1", "TIMELINE"), ("partner-a#1", "RECEIPT")]
    assert (found["discount_id"], found["more"]) == (paid, False)
    assert [one["index"] for one in found["accesses"]] == [None, None]


def test_who_asked_who_had_read_is_listed_next_time(platform, paid):
    assert accesses(asking(platform, "operations"), paid)["accesses"] == []
    (one,) = accesses(asking(platform, "operations-2"), paid)["accesses"]
    assert (one["event"]["by"]["key"], one["event"]["data"]["evidence"]) == ("operations#1", "ACCESSES")


def test_more_reads_than_one_answer_holds_are_said_to_be_there(platform, paid):
    for _ in range(4):
        read_timeline(asking(platform), paid)
    found = accesses(asking(platform, "operations"), paid, most=3)
    assert (len(found["accesses"]), found["more"]) == (3, True)


def test_many_reads_are_listed_with_their_places_in_the_log(platform, paid):
    for _ in range(150):
        read_timeline(asking(platform), paid)
    later(platform)
    found = accesses(asking(platform, "operations"), paid)["accesses"]
    assert len({one["index"] for one in found} - {None}) == 150


def test_a_reader_that_meets_another_one_takes_another_aggregate(platform, paid):
    met = []

    def meet(writes):
        if writes[0].pk.startswith("access#") and len(met) < 3:
            met.append(writes[0].pk)
            raise WriteConflictError("x", failed=(0,))

    platform.context.store.before_write = meet
    read_timeline(asking(platform), paid)
    (item,) = aggregates(platform)
    assert len({*met, item.pk}) == 4


def test_an_aggregate_that_is_full_takes_no_more(platform, paid, monkeypatch):
    monkeypatch.setattr(access_audit, "_SHARDS", 2)
    monkeypatch.setattr(access_audit, "_EVENTS_MAX", 2)
    for _ in range(4):
        read_timeline(asking(platform), paid)
    assert [item.body["events"] for item in aggregates(platform)] == [2, 2]
    with pytest.raises(BusyError):
        read_timeline(asking(platform), paid)
    platform.context.clock.instant += timedelta(minutes=5)
    read_timeline(asking(platform), paid)
    assert len(noted(platform)) == 5


def test_a_read_is_one_transaction_of_two_small_documents(platform, paid):
    transactions = []
    platform.context.store.after_write = transactions.append
    key = "a" * 64
    context = replace(platform.context, initiator={"key": f"{key}#{'1' * 32}", "sig": "s" * 44}, request_id="r" * 36)
    for _ in range(40):
        note_read(context, Evidence.ACCESSES, paid)
    assert [len(writes) for writes in transactions] == [2] * 40
    assert max(len(json.dumps(write.body)) for writes in transactions for write in writes) < 800
