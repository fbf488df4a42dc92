"""Access audit: who read which evidence is evidence itself, as is who saw personal data in full, and who redelivered.

A read is an event, written in one transaction before anything is shown, and logged like every other event: to hide it,
one must break the evidence log. A read that cannot be recorded is refused; otherwise whoever can keep the record from
being written reads unseen. What was not shown, because it was not there or not ready, was not read. Writes of evidence
need no further record: they are the events, which bear who asked for them (``by``).

Reads must not wait for each other, so the events of a few minutes are spread over some aggregates, and a reader that
meets another one there takes the next. Each is due once its minutes are over, and so is logged in one go, however many
events it holds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from rongtong.services.context import Context
from rongtong.services.errors import BusyError, NotFoundError
from rongtong.services.records import (
    STATE,
    access_pk,
    accesses_owner,
    change_writes,
    discount_pk,
    enterprise_pk,
    first_writes,
    iso,
    logged_indices,
)
from rongtong.services.storage import Document, Item, Key, Listing, Write, WriteConflictError

_WINDOW = timedelta(minutes=5)
_SHARDS = 16
_EVENTS_MAX = 9_999
"""An event's number has four digits in its key."""
_EVER = "0"
_BATCH = 100
_SUBJECT = "access_id"
READ = "EvidenceRead"
REDELIVERY = "DeadLettersRedelivered"
DISCLOSURE = "PersonalDataDisclosed"
"""What these aggregates tell of: the types of their events."""
_REDELIVERIES = "redeliveries"
_SUPERVISIONS = "supervisions"


class Evidence(StrEnum):
    """What was read of a discount."""

    RECEIPT = "RECEIPT"
    TIMELINE = "TIMELINE"
    REVIEW = "REVIEW"
    """What a reviewer decides on: the checks, and what lists and risk rules found."""
    ACCESSES = "ACCESSES"
    """Who had read what of it."""
    DISCOUNT = "DISCOUNT"
    """Where it stands, shown to a supervisor, whose it is not."""


class Supervised(StrEnum):
    """What a supervisor was shown that is not of one discount."""

    EVENTS = "EVENTS"
    """Leaves of the feed: the first and the last whose events it was shown."""
    FIGURES = "FIGURES"
    """The figures of a day."""


def note_read(context: Context, evidence: Evidence, discount_id: str) -> None:
    """Record that the context's initiator is about to be shown this evidence.

    Nothing is recorded where the platform reads for its own work, which has events of its own.

    Raises BusyError when every aggregate of these minutes is taken or full; nothing may be shown then.
    """
    _note_read(context, evidence, "discount_id", discount_id)


def _note_read(context: Context, evidence: Evidence, named: str, subject_id: str) -> None:
    if context.initiator is None:
        return
    listing = Listing(accesses_owner(subject_id), iso(context.clock.now()), {"evidence": evidence.value})
    data: Document = {"evidence": evidence.value, named: subject_id}
    if not _noted(context, READ, data, listing):
        raise BusyError("Who reads this cannot be recorded right now, so it is not shown; ask again in a second.")


def note_supervision(context: Context, what: Supervised, about: Document) -> None:
    """Record that the context's initiator, a supervisor, is about to be shown this. Raises BusyError."""
    if context.initiator is None:
        return
    listing = Listing(_SUPERVISIONS, iso(context.clock.now()), {"evidence": what.value})
    if not _noted(context, READ, {"evidence": what.value, **about}, listing):
        raise BusyError("Who reads this cannot be recorded right now, so it is not shown; ask again in a second.")


def note_disclosure(context: Context, data: Document, also: Callable[[], list[Write]]) -> None:
    """Record that somebody is about to be shown personal data in full, in one transaction with what ``also`` answers.

    ``data`` has the enterprise's id, why, who and which fields. ``also`` is asked anew whenever another writer was
    quicker, and may raise why nothing may be shown. Raises BusyError; nothing may be shown then.
    """
    listing = Listing(accesses_owner(str(data["enterprise_id"])), iso(context.clock.now()), {"evidence": DISCLOSURE})
    if not _noted(context, DISCLOSURE, data, listing, also):
        raise BusyError("Who is shown this cannot be recorded right now, so it is not shown; ask again in a second.")


def note_redelivery(context: Context, by: str, path: str, why: str) -> None:
    """Record that somebody is about to deliver a path's dead letters again; ``why`` is a code. Raises BusyError."""
    listing = Listing(_REDELIVERIES, iso(context.clock.now()), {"path": path})
    if not _noted(context, REDELIVERY, {"path": path, "by": by, "why": why}, listing):
        raise BusyError("Who redelivers cannot be recorded right now, so nothing is; ask again in a second.")


def events_between(context: Context, begins: datetime, ends: datetime) -> list[Document]:
    """Every event of these aggregates from one instant until before another, in no order; for jobs."""
    windows = -(-int((ends - begins).total_seconds()) // _WINDOW.seconds)
    keys: list[Key] = []
    for number in range(windows):
        keys += [(access_pk(_access_id(begins + number * _WINDOW, shard)), STATE) for shard in range(_SHARDS)]
    found: list[Document] = []
    for start in range(0, len(keys), _BATCH):
        for item in context.store.get_many(keys[start : start + _BATCH]):
            if item is not None:
                found += [document.body["event"] for document in context.store.query(item.pk, "event#")]
    return found


def accesses(
    context: Context, discount_id: str | None = None, *, enterprise_id: str | None = None, most: int = 200
) -> Document:
    """Who was shown what of a discount, or of an enterprise's personal data, newest first; to ask for it is such a read
    itself, and is listed next time.

    Each with its ``event`` and ``salt_hex``, whose leaf has the number ``index`` in the evidence log, None while it is
    not logged yet; ``more`` says that there are others. A read is listed a moment after it happened.

    Raises NotFoundError, and what ``note_read`` raises.
    """
    kind, subject_id = ("discount", discount_id) if discount_id is not None else ("enterprise", str(enterprise_id))
    pk = discount_pk(subject_id) if kind == "discount" else enterprise_pk(subject_id)
    if context.store.get(pk, STATE) is None:
        raise NotFoundError(f"There is no such {kind}; look its id up in the {kind}'s answer.", field=f"{kind}_id")
    shown, more = _listed(context, subject_id, most)
    _note_read(context, Evidence.ACCESSES, f"{kind}_id", subject_id)
    return {f"{kind}_id": subject_id, "accesses": shown, "more": more}


def disclosures_of(context: Context, enterprise_id: str, *, most: int = 200) -> tuple[list[Document], bool]:
    """Who was shown an enterprise's personal data in full, newest first, for the enterprise itself: an operator by its
    id, of operations no name. And whether there are others.
    """
    shown, more = _listed(context, enterprise_id, most)
    events = [one["event"] for one in shown if one["event"]["type"] == DISCLOSURE]
    return [
        {
            "at": event["at"],
            "reason": event["data"]["reason"],
            "fields": event["data"]["fields"],
            "by": event["data"].get("operator_id", "operations"),
        }
        for event in events
    ], more


def _listed(context: Context, subject_id: str, most: int) -> tuple[list[Document], bool]:
    listed = context.store.listed(accesses_owner(subject_id), _EVER, most=most)
    keys = [listing.key for listing in listed if listing.key is not None]
    states = {pk: (pk, STATE) for pk, _ in keys}
    found = _all(context, [*keys, *states.values()])
    indices = {pk: logged_indices(found[key].body) for pk, key in states.items()}
    return [_view(found[key], indices[key[0]]) for key in keys], len(listed) == most


def _noted(
    context: Context, kind: str, data: Document, listing: Listing, also: Callable[[], list[Write]] = list
) -> bool:
    """Whether an aggregate of these minutes took the event: False when every one is taken or full."""
    now = context.clock.now()
    if context.request_id is not None:
        data["request_id"] = context.request_id
    for shard in random.sample(range(_SHARDS), _SHARDS):
        writes = _writes(context, shard, now, kind, data, listing)
        if writes is None:
            continue
        try:
            context.store.transact([*also(), *writes])
        except WriteConflictError:
            continue
        return True
    return False


def _access_id(began: datetime, shard: int) -> str:
    return f"{began:%Y%m%dT%H%M}Z-{shard:02d}"


def _writes(
    context: Context, shard: int, now: datetime, kind: str, data: Document, listing: Listing
) -> Sequence[Write] | None:
    """The writes that add the event to an aggregate of these minutes; None where that is full."""
    began = now - timedelta(
        minutes=now.minute % (_WINDOW.seconds // 60), seconds=now.second, microseconds=now.microsecond
    )
    access_id = _access_id(began, shard)
    pk, item = access_pk(access_id), context.store.get(access_pk(access_id), STATE)
    written: dict[str, Any] = {"due": began + _WINDOW, "by": context.initiator, "event_listing": listing}
    if item is None:
        return first_writes(pk, _SUBJECT, access_id, {_SUBJECT: access_id}, kind, now, data, **written)
    if int(item.body["events"]) >= _EVENTS_MAX:
        return None
    return change_writes(item, _SUBJECT, {}, kind, now, data, **written)


def _all(context: Context, keys: list[Key]) -> dict[Key, Item]:
    found: dict[Key, Item] = {}
    for start in range(0, len(keys), _BATCH):
        some = keys[start : start + _BATCH]
        for key, item in zip(some, context.store.get_many(some), strict=True):
            assert item is not None, "an access's records are never deleted"
            found[key] = item
    return found


def _view(item: Item, indices: list[int]) -> Document:
    number = int(item.body["event"]["n"])
    index = indices[number - 1] if number <= len(indices) else None
    return {"event": item.body["event"], "salt_hex": item.body["salt"], "index": index}
