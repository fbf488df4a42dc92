"""What hearers see of their events and deliveries, and sending them again: by time, by id, or all dead letters."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rongtong.domain.public_events import PUBLIC, envelope, split_event_id, trial_envelope
from rongtong.services.context import Context
from rongtong.services.deliveries import (
    DeliveryStatus,
    asked_again,
    deliveries_owner,
    delivery_key,
    new_delivery,
    post,
    shown,
)
from rongtong.services.errors import NotFoundError, WrongStateError
from rongtong.services.lists import InvalidCursorError, cursor_of, place_of, places_of
from rongtong.services.records import STATE, discount_pk, enterprise_pk, event_sk, iso
from rongtong.services.storage import Document, Item, Listing, Position, WriteConflictError
from rongtong.services.webhook_endpoints import (
    EndpointStatus,
    hearer_of,
    hearers,
    require_live,
    require_types,
    wants,
)
from rongtong.services.webhooks import feed_owner

EVENTS_MAX = 100
REPLAYED_MAX = 200
LISTED_MAX = 200
_AT_ONCE = 100
_READS_MAX = 10
"""So often a page looks further on for deliveries of its status."""
LOOK_BACK = timedelta(days=30)
_FEED_MAX = 1_000_000
"""All lines of one hearer and day: lists are read from their newest end, so fewer would leave out the day's beginning.
A line is everything that one discount told at once."""
_LOOKED_AT_MAX = 2_000
"""Events of one answer: a function has 30 seconds, and a type may be rare."""
_EVER = "0"
_HIDDEN = frozenset({"subject", "n", "since"})
_TRIAL_NUMBERS = 10**9


@dataclass(frozen=True)
class _Place:
    """Where an event stands in its partner's list: when it was told, whose it is, its number."""

    at: str
    subject: str
    number: int

    def text(self) -> str:
        return urlsafe_b64encode(json.dumps([self.at, self.subject, self.number]).encode()).decode()

    @classmethod
    def read(cls, text: str) -> _Place:
        """Raises InvalidCursorError."""
        try:
            at, subject, number = json.loads(urlsafe_b64decode(text.encode("ascii")))
            place = cls(iso(datetime.fromisoformat(at)), str(subject), int(number))
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidCursorError("Send a cursor as a list answered it, or none.", field="cursor") from error
        return place


def events(
    context: Context,
    hearer: str,
    since: datetime,
    types: Sequence[str] = (),
    cursor: str | None = None,
    limit: int = EVENTS_MAX,
) -> Document:
    """The hearer's events from ``since`` on, at most 30 days ago, in the order in which they were told.

    They are those since the hearer registered its first endpoint. ``next_cursor`` goes on behind the last that was
    looked at; there is none at the end. A page of rare types may be short, even empty, and yet have a next one. Raises
    InvalidInputError for an unknown type, InvalidCursorError.
    """
    require_types(types)
    after = None if cursor is None else _Place.read(cursor)
    found: list[Document] = []
    last: _Place | None = None
    for looked_at, (place, event) in enumerate(_events_since(context, hearer, since, after)):
        document = envelope(event, context.log_origin)
        fits = document is not None and wants(types, str(document["type"]))
        if last is not None and ((fits and len(found) == limit) or looked_at == _LOOKED_AT_MAX):
            return {"events": found, "next_cursor": last.text()}
        if fits and document is not None:
            found.append(document)
        last = place
    return {"events": found, "next_cursor": None}


def deliveries(
    context: Context,
    endpoint: Item,
    status: DeliveryStatus | None = None,
    *,
    limit: int = LISTED_MAX,
    cursor: str | None = None,
) -> Document:
    """A page of the endpoint's deliveries with every attempt, of one status if it is named: what was begun, or given
    up as a dead letter, last comes first.

    A page may be short, even empty, and yet have a next one. Raises NotFoundError, InvalidCursorError.
    """
    endpoint_id = str(require_live(endpoint).body["endpoint_id"])
    dead = [False, True] if status is None else [status is DeliveryStatus.DEAD]
    owners = [deliveries_owner(endpoint_id, dead=one) for one in dead]
    name = f"{deliveries_owner(endpoint_id)}/{status or 'all'}"
    places: list[Position | None] = [None] * len(owners)
    if cursor is not None:
        places = places_of(name, cursor, len(owners))
    chosen: list[Document] = []
    for _ in range(_READS_MAX):
        at_once = min(limit, _AT_ONCE)
        parts = [context.store.listed(owners[at], _EVER, most=at_once, after=places[at]) for at in range(len(owners))]
        found = [(one, at) for at, part in enumerate(parts) for one in part]
        newest = sorted(found, key=lambda one: one[0].at, reverse=True)[:at_once]
        items = context.store.get_many([one.key for one, _ in newest if one.key is not None])
        taken = 0
        for (listing, at), item in zip(newest, items, strict=True):
            taken, places[at] = taken + 1, place_of(listing)
            # The index is a moment behind: what has left the list since is not shown here.
            if item is not None and _stands(item, dead=dead[at], status=status):
                chosen.append(_delivery(item))
            if len(chosen) == limit:
                break
        if taken == len(found) and all(len(part) < at_once for part in parts):
            return {"deliveries": chosen, "more": False, "next_cursor": None}
        if len(chosen) == limit:
            break
    return {"deliveries": chosen, "more": True, "next_cursor": cursor_of(name, places)}


def _stands(item: Item, *, dead: bool, status: DeliveryStatus | None) -> bool:
    """Whether a delivery is one of the list in which it was found, and of the status that is asked for."""
    listed = (item.body["status"] == DeliveryStatus.DEAD) is dead
    return listed and (status is None or item.body["status"] == status)


def replay_events(context: Context, endpoint: Item, event_ids: Sequence[str]) -> Document:
    """Deliver these events again, whatever became of them, dead letters too. Their ids stay what they were.

    Answers which were queued. Raises NotFoundError for an event that is not there, not public or another partner's,
    WrongStateError for an endpoint that is not enabled.
    """
    _require_enabled(endpoint)
    found = [_owned_event(context, hearer_of(endpoint.body), one) for one in event_ids]
    queued = [_again(context, endpoint, pk, event) for pk, event in found]
    return {"queued": queued, "next_since": None, "more": False}


def replay_since(context: Context, endpoint: Item, since: datetime) -> Document:
    """Deliver every event again that was told from ``since`` on (at most 30 days ago) and is of the endpoint's types.

    At most 200 at a time: ``next_since`` says from when on to ask for the rest. Raises as replay_events does.
    """
    _require_enabled(endpoint)
    queued: list[str] = []
    told = _events_since(context, hearer_of(endpoint.body), since, None)
    for looked_at, (place, event) in enumerate(told):
        if len(queued) >= REPLAYED_MAX or looked_at >= _LOOKED_AT_MAX:
            return {"queued": queued, "next_since": place.at, "more": True}
        document = envelope(event, context.log_origin)
        if document is None or not wants(endpoint.body["types"], str(document["type"])):
            continue
        queued.append(_again(context, endpoint, place.subject, event))
    return {"queued": queued, "next_since": None, "more": False}


def replay_dead(context: Context, endpoint: Item) -> Document:
    """Deliver the endpoint's dead letters again, at most 200 at a time, those that were given up last; ``more`` says
    that others are left. Raises as replay_events does.
    """
    _require_enabled(endpoint)
    owner = deliveries_owner(str(endpoint.body["endpoint_id"]), dead=True)
    listed = context.store.listed(owner, _EVER, most=REPLAYED_MAX + 1)
    queued = [_due_again(context, one) for one in reversed(_dead(context, listed[:REPLAYED_MAX]))]
    return {"queued": queued, "next_since": None, "more": len(listed) > REPLAYED_MAX}


def trial(context: Context, endpoint: Item, key: str) -> Document:
    """Send a test event now, to a disabled endpoint too, and say what came of it. It is not tried again.

    The same Idempotency-Key gives it the same id. Raises NotFoundError for a deleted endpoint.
    """
    endpoint_id = str(require_live(endpoint).body["endpoint_id"])
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % _TRIAL_NUMBERS
    document = trial_envelope(endpoint_id, number, iso(context.clock.now()), context.log_origin)
    answer = post(context, endpoint, document)
    return {"event_id": document["id"], "delivered": answer.delivered, **shown(answer)}


def _events_since(
    context: Context, hearer: str, since: datetime, after: _Place | None
) -> Iterator[tuple[_Place, Document]]:
    """A hearer's events in the order in which they were told."""
    now = context.clock.now()
    begin = max(since.astimezone(UTC), now - LOOK_BACK)
    start = iso(begin) if after is None else max(iso(begin), after.at)
    day = datetime.fromisoformat(start).date()
    while day <= now.date():
        listed = context.store.listed(feed_owner(hearer, day.isoformat()), start, most=_FEED_MAX)
        for line in sorted(listed, key=lambda one: (one.at, str(one.summary["subject"]))):
            pk, first, last = str(line.summary["subject"]), int(line.summary["first"]), int(line.summary["last"])
            for found in context.store.query(pk, "event#", start=event_sk(first)):
                event: Document = found.body["event"]
                place = _Place(line.at, pk, int(event["n"]))
                behind = after is None or (place.at, place.subject, place.number) > (
                    after.at,
                    after.subject,
                    after.number,
                )
                if place.number <= last and behind:
                    yield place, event
        day += timedelta(days=1)


def _dead(context: Context, listed: Sequence[Listing]) -> list[Item]:
    """The index is a moment behind, so each is looked at as it is now."""
    keys = [one.key for one in listed if one.key is not None]
    found: list[Item | None] = []
    for start in range(0, len(keys), _AT_ONCE):
        found += context.store.get_many(keys[start : start + _AT_ONCE])
    return [item for item in found if item is not None and item.body["status"] == DeliveryStatus.DEAD]


def _owned_event(context: Context, hearer: str, text: str) -> tuple[str, Document]:
    """The partition and the event of this id. Raises NotFoundError."""
    unknown = NotFoundError(f"There is no such event of yours: {text[:80]}", field="event_ids")
    split = split_event_id(text)
    if split is None:
        raise unknown
    subject_id, number = split
    pk = discount_pk(subject_id) if subject_id.startswith("dsc_") else enterprise_pk(subject_id)
    state, event = context.store.get_many([(pk, STATE), (pk, event_sk(number))])
    if state is None or event is None or hearer not in hearers(state.body):
        raise unknown
    document: Document = event.body["event"]
    if document["type"] not in PUBLIC:
        raise unknown
    return pk, document


def _again(context: Context, endpoint: Item, pk: str, event: Document) -> str:
    """Make an event's delivery due now, as a new one or the one there is; its id."""
    now = context.clock.now()
    document = envelope(event, context.log_origin)
    assert document is not None, "only public events are delivered"
    endpoint_id, subject_id = str(endpoint.body["endpoint_id"]), pk.partition("#")[2]
    known = context.store.get(*delivery_key(endpoint_id, subject_id, int(event["n"])))
    if known is not None:
        return _due_again(context, known)
    with suppress(WriteConflictError):
        context.store.transact([new_delivery(endpoint_id, pk, event, str(document["type"]), now)])
    return str(document["id"])


def _due_again(context: Context, known: Item) -> str:
    """Where it was written by another just now, that one tries it."""
    with suppress(WriteConflictError):
        context.store.transact([asked_again(known, context.clock.now())])
    return str(known.body["event_id"])


def _delivery(item: Item) -> Document:
    due = {} if item.due is None else {"next_attempt_at": item.due}
    return {**{name: value for name, value in item.body.items() if name not in _HIDDEN}, **due}


def _require_enabled(endpoint: Item) -> None:
    """Raises NotFoundError, WrongStateError."""
    if require_live(endpoint).body["status"] != EndpointStatus.ENABLED:
        raise WrongStateError("The endpoint is disabled; enable it first, then ask again.", field="endpoint_id")
