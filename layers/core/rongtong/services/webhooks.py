"""Telling partners and institutions of events: deliveries are made where an event is told, tried at once, and tried
again until taken.

Where nobody has endpoints, that costs one read and no write. Order: deliveries of one subject are sent in the order of
its events as long as none fails; what failed comes later, and ``sequence`` says where it belongs. At least once: a
repeat has the same ``webhook-id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace

from rongtong.domain.errors import RongTongError
from rongtong.domain.public_events import PREFIX, PUBLIC
from rongtong.services.context import Context
from rongtong.services.deliveries import (
    GONE,
    attempt,
    delivery_key,
    failing,
    load_endpoints,
    new_delivery,
    note_health,
    pause,
    put_off,
)
from rongtong.services.records import STATE, at_rest, event_sk, iso
from rongtong.services.storage import (
    DELIVERY_LANE,
    Create,
    Document,
    Item,
    Key,
    Listing,
    Write,
    WriteConflictError,
)
from rongtong.services.webhook_endpoints import EndpointStatus, hearers, index_key, wants
from rongtong.services.webhook_ports import WebhookAnswer

QUEUED = "queued"
"""In a state: up to which event endpoints were given deliveries; absent where nobody ever had any."""
_AT_ONCE = 8
"""Endpoints that are served side by side: each has hands of its own for as long as a round lasts."""
_BATCH = 500
_BUDGET_S = 40.0
"""Inside the minute after which the next round begins."""
_FIRST_BUDGET_S = 5.0
"""A first attempt begins within so long of its transaction, and ends within ten seconds more, inside its function."""
_REFUSALS_MAX = 3
"""After so many failures in a row the rest of an endpoint waits, though it answers."""


@dataclass(frozen=True)
class Queue:
    """What goes into the transaction in which a subject's events are told, and what is to be tried after it."""

    changes: Document
    writes: Sequence[Write]
    keys: Sequence[Key]


@dataclass
class _Round:
    """What was done. ``failed`` names deliveries that could not even be tried, with the code of why."""

    attempts: int = 0
    delivered: int = 0
    put_off: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, other: _Round) -> None:
        self.attempts += other.attempts
        self.delivered += other.delivered
        self.put_off += other.put_off
        self.failed += other.failed


def queue(context: Context, item: Item, events: Sequence[Document], last: int, told: int = 0) -> Queue | None:
    """Deliveries of events that no endpoint was given yet; None where none of its hearers ever had an endpoint.

    ``events`` are the subject's, at least from the first that was not told on; ``last`` is how far they go. Nothing
    older than what was ``told`` before is given.
    """
    given = max(int(item.body.get(QUEUED, 0)), told)
    indexes = {} if given >= last else _indexes(context, item)
    if not indexes:
        return None
    every = [entry for index in indexes.values() for entry in index.body["endpoints"].items()]
    live = {one: entry for one, entry in every if entry["status"] == EndpointStatus.ENABLED}
    fresh = [event for event in events if given < int(event["n"]) <= last and event["type"] in PUBLIC]
    if not fresh:
        return None
    wanted = [
        (endpoint_id, event, PREFIX + PUBLIC[event["type"]].name)
        for endpoint_id, entry in live.items()
        for event in fresh
        if wants(entry["types"], PREFIX + PUBLIC[event["type"]].name)
    ]
    subject_id, now = item.pk.partition("#")[2], context.clock.now()
    keys = [delivery_key(endpoint_id, subject_id, int(event["n"])) for endpoint_id, event, _ in wanted]
    known = context.store.get_many(keys) if keys else []
    writes: list[Write] = [
        new_delivery(endpoint_id, item.pk, event, name, now)
        for (endpoint_id, event, name), there in zip(wanted, known, strict=True)
        if there is None
    ]
    writes += [_feed(hearer, item.pk, given + 1, last, iso(now)) for hearer in indexes]
    return Queue({QUEUED: last}, writes, keys)


def queue_now(context: Context, pk: str) -> None:
    """Give endpoints what happened so far, where nothing else is told yet: while a person is waited for.

    Whoever is quicker gives it; nothing is given twice, and nothing here is worth failing for.
    """
    item = context.store.get(pk, STATE)
    if item is None:
        return
    told, last = int(item.body.get("told", 0)), int(item.body["events"])
    if not _indexes(context, item):
        return
    start = event_sk(max(told, int(item.body.get(QUEUED, 0))) + 1)
    events = [found.body["event"] for found in context.store.query(pk, "event#", start=start)]
    made = queue(context, item, events, last, told)
    if made is not None:
        body = {**item.body, **made.changes}
        with suppress(WriteConflictError):
            due = None if at_rest(body) else item.due
            context.store.transact([replace(item.replaced(body), due=due), *made.writes])


def try_at_once(context: Context, keys: Sequence[Key]) -> None:
    """First attempts, endpoint beside endpoint, but for endpoints that fail: those have the rounds. Never raises."""
    if not keys or context.webhook_sender is None:
        return
    until = context.clock.monotonic() + _FIRST_BUDGET_S
    with suppress(Exception):
        items = [item for item in context.store.get_many(keys) if item is not None]
        _serve_all(context, items, until, only_healthy=True)


def deliver_due(context: Context, budget_s: float = _BUDGET_S) -> Document:
    """One round: whatever is due at any endpoint. Answers how many were tried, delivered and put off, and what is left.

    An endpoint that does not answer is left after one attempt, so that its deliveries hold up nobody's; they are put
    off together, up to an hour.
    """
    until = context.clock.monotonic() + budget_s
    done = _Round()
    while True:
        now = iso(context.clock.now())
        found = context.store.due(now, lane=DELIVERY_LANE, most=_BATCH)
        items = [item for item in found if item.due is not None and item.due < now]
        done.add(_serve_all(context, items, until))
        out_of_time = context.clock.monotonic() >= until
        if not items or len(found) < _BATCH or out_of_time:
            return {**asdict(done), "more": out_of_time and bool(items)}


def _indexes(context: Context, item: Item) -> dict[str, Item]:
    """The endpoints of everybody who hears of the object, by hearer; without those who never had any."""
    names = hearers(item.body)
    found = context.store.get_many([index_key(name) for name in names]) if names else []
    return {name: index for name, index in zip(names, found, strict=True) if index is not None}


def _feed(hearer: str, subject_pk: str, first: int, last: int, at: str) -> Create:
    """A line in the hearer's own list of events, by day: what is listed and replayed by time."""
    summary: Document = {"subject": subject_pk, "first": first, "last": last}
    listing = Listing(feed_owner(hearer, at), at, summary)
    return Create(f"webhook_feed#{subject_pk}", f"{last:04d}#{hearer}", {}, listing=listing)


def feed_owner(hearer: str, at: str) -> str:
    """Under whom the events of a hearer on a day (UTC) are listed."""
    return f"webhook_feed#{hearer}#{at[:10]}"


def _serve_all(context: Context, items: Sequence[Item], until: float, *, only_healthy: bool = False) -> _Round:
    """Every endpoint's deliveries in the order of their events, endpoints side by side, longest due first."""
    grouped: dict[str, list[Item]] = {}
    for item in items:
        grouped.setdefault(str(item.body["endpoint_id"]), []).append(item)
    endpoints = load_endpoints(context, grouped) if grouped else {}
    chosen = [
        (endpoints[name][0], sorted(group, key=lambda one: (str(one.body["created_at"]), int(one.body["n"]))))
        for name, group in grouped.items()
        if name in endpoints and not (only_healthy and failing(endpoints[name][1]))
    ]
    done = _Round()
    if chosen:
        with ThreadPoolExecutor(min(_AT_ONCE, len(chosen)), thread_name_prefix="webhook") as hands:
            for one in [hands.submit(_serve, context, endpoint, group, until) for endpoint, group in chosen]:
                done.add(one.result())
    return done


def _serve(context: Context, endpoint: Item, deliveries: Sequence[Item], until: float) -> _Round:
    """One endpoint's deliveries until one has no answer, three fail in a row, or the time is up."""
    done, answers = _Round(), list[WebhookAnswer]()
    waiting = list(deliveries)
    while waiting and context.clock.monotonic() < until and not _stopped(answers) and not done.failed:
        delivery = waiting.pop(0)
        try:
            answer = attempt(context, endpoint, delivery)
        except Exception as error:
            # Its records cannot be read, or its keys not opened: nobody else's deliveries wait for that.
            done.failed.append(
                f"{delivery.pk}: {error.code if isinstance(error, RongTongError) else type(error).__name__}"
            )
            waiting.insert(0, delivery)
        else:
            answers += [] if answer is None else [answer]
    health = note_health(context, endpoint, answers) if answers else None
    if _stopped(answers) or done.failed:
        for delivery in waiting:
            if context.clock.monotonic() < until:
                put_off(context, delivery, pause(context, health))
                done.put_off += 1
    done.attempts, done.delivered = len(answers), sum(one.delivered for one in answers)
    return done


def _stopped(answers: Sequence[WebhookAnswer]) -> bool:
    last = answers[-_REFUSALS_MAX:]
    refused = len(last) == _REFUSALS_MAX and not any(one.delivered for one in last)
    return refused or (bool(last) and (last[-1].error is not None or last[-1].status == GONE))
