"""Deliveries: what becomes of one event at one endpoint, from the transaction that told of it to its end.

A delivery is made with the note that its event was told, and tried until the receiver takes it, or for three days; then
it is a dead letter until its partner asks for it again. It holds no event: body and signature are made anew at every
attempt from the event, which never changes. Nothing of it can make a discount fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from rongtong.domain.public_events import body_of, envelope, event_id
from rongtong.domain.webhook import TRIED_FOR, next_attempt, signed_headers
from rongtong.services.context import Context
from rongtong.services.errors import WrongStateError
from rongtong.services.records import STATE, event_sk, iso, webhook_endpoint_pk
from rongtong.services.storage import DELIVERY_LANE, Create, Document, Item, Key, Listing, Replace, WriteConflictError
from rongtong.services.webhook_endpoints import (
    EndpointStatus,
    disable,
    health_key,
    sender,
    signing_keys,
)
from rongtong.services.webhook_ports import WebhookAnswer

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
EXCERPT_MAX = 256
FIRST_GRACE = timedelta(seconds=30)
"""So long who has made a delivery may try it before anybody else does."""
ATTEMPTS_KEPT = 30
GONE = 410
_PAUSE_MAX = timedelta(hours=1)


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"


def delivery_key(endpoint_id: str, subject_id: str, number: int) -> Key:
    """One event at one endpoint, for ever: an event asked for again is the same delivery."""
    return f"{DELIVERY_LANE}#{endpoint_id}#{subject_id}#{number}", STATE


def deliveries_owner(endpoint_id: str, *, dead: bool = False) -> str:
    """Under whom an endpoint's deliveries are listed: dead letters have a list of their own, so that none is missed."""
    return f"deliveries#{endpoint_id}{'#dead' if dead else ''}"


def new_delivery(endpoint_id: str, subject_pk: str, event: Document, type_name: str, now: datetime) -> Create:
    """The write that begins the delivery of an event to an endpoint."""
    subject_id, number = subject_pk.partition("#")[2], int(event["n"])
    body: Document = {
        "endpoint_id": endpoint_id,
        "event_id": event_id(subject_id, number),
        "type": type_name,
        "subject": subject_pk,
        "n": number,
        "status": DeliveryStatus.PENDING.value,
        "created_at": iso(now),
        "since": iso(now),
        "attempts": [],
    }
    pk, sk = delivery_key(endpoint_id, subject_id, number)
    listing = Listing(deliveries_owner(endpoint_id), iso(now), {})
    return Create(pk, sk, body, due=iso(now + FIRST_GRACE), listing=listing)


def asked_again(item: Item, now: datetime) -> Replace:
    """The write that makes a delivery due again for another three days, delivered or dead though it may be."""
    body = {**item.body, "status": DeliveryStatus.PENDING.value, "since": iso(now)}
    body.pop("reason", None)
    listing = Listing(deliveries_owner(str(item.body["endpoint_id"])), str(item.body["created_at"]), {})
    return replace(item.replaced(body), due=iso(now), listing=listing)


def attempt(context: Context, endpoint: Item, delivery: Item) -> WebhookAnswer | None:
    """Send it once and note what became of it; None where it needs no attempt any more."""
    if delivery.body["status"] != DeliveryStatus.PENDING:
        return None
    if endpoint.body["status"] != EndpointStatus.ENABLED:
        give_up(context, delivery, f"ENDPOINT_{endpoint.body['status']}")
        return None
    event = context.store.get(str(delivery.body["subject"]), event_sk(int(delivery.body["n"])))
    document = None if event is None else envelope(event.body["event"], context.log_origin)
    if document is None:
        give_up(context, delivery, "NO_SUCH_EVENT")
        return None
    answer = post(context, endpoint, document)
    _note(context, endpoint, delivery, answer)
    return answer


def post(context: Context, endpoint: Item, document: Document) -> WebhookAnswer:
    """Sign a document with the endpoint's keys and send it once."""
    body = body_of(document)
    signed = signed_headers(signing_keys(context, endpoint), str(document["id"]), context.clock.now(), body)
    return sender(context).send(str(endpoint.body["url"]), {**signed, "Content-Type": CONTENT_TYPE}, body)


def give_up(context: Context, delivery: Item, reason: str) -> None:
    """Make a dead letter of it."""
    body = {**delivery.body, "status": DeliveryStatus.DEAD.value, "reason": reason}
    at = iso(context.clock.now())
    listing = Listing(deliveries_owner(str(delivery.body["endpoint_id"]), dead=True), at, {})
    _write(context, replace(delivery.replaced(body), due=None, listing=listing))


def put_off(context: Context, delivery: Item, until: datetime) -> None:
    """Try it later, without an attempt: its endpoint does not answer now. Its three days go on."""
    last = datetime.fromisoformat(str(delivery.body["since"])) + TRIED_FOR
    if context.clock.now() >= last:
        give_up(context, delivery, "NOT_DELIVERED")
    else:
        _write(context, replace(delivery.replaced(delivery.body), due=iso(min(until, last))))


def shown(answer: WebhookAnswer) -> Document:
    """What is kept, and told the partner, of an attempt: never more than the beginning of an answer that failed."""
    found: Document = {} if answer.status is None else {"status": answer.status}
    found |= {} if answer.error is None else {"error": answer.error.value}
    if not answer.delivered and answer.excerpt:
        found["excerpt"] = answer.excerpt[:EXCERPT_MAX]
    return found


def load_endpoints(context: Context, ids: Iterable[str]) -> dict[str, tuple[Item, Item | None]]:
    """Endpoints and their health, by id."""
    wanted = sorted(set(ids))
    found = context.store.get_many(
        [key for one in wanted for key in ((webhook_endpoint_pk(one), STATE), health_key(one))]
    )
    pairs = {one: (found[2 * at], found[2 * at + 1]) for at, one in enumerate(wanted)}
    return {one: (item, health) for one, (item, health) in pairs.items() if item is not None}


def failing(health: Item | None) -> bool:
    """Whether the endpoint's last attempt failed."""
    return health is not None and "failing_since" in health.body


def pause(context: Context, health: Item | None) -> datetime:
    """Until when what else is due at an endpoint waits that did not answer: up to an hour, the longer it has failed."""
    now = context.clock.now()
    failures = 1 if health is None else int(health.body.get("failures", 1))
    about = "" if health is None else health.pk
    return min(next_attempt(now, failures, now, spread_by=about) or now, now + _PAUSE_MAX)


def note_health(context: Context, endpoint: Item, answers: Sequence[WebhookAnswer]) -> Item | None:
    """Note since when an endpoint fails, or that it works again; it is disabled once it has failed for three days.

    ``answers`` are those of one round, in their order. Answers the health as it is noted. A receiver that says 410
    Gone is disabled at once, as Standard Webhooks asks.
    """
    pk, sk = health_key(str(endpoint.body["endpoint_id"]))
    known = context.store.get(pk, sk)
    body: Document = {} if known is None else known.body
    now = context.clock.now()
    for answer in answers:
        if answer.delivered:
            body = {"worked_at": iso(now)} if "failing_since" in body else body
        else:
            since, failures = body.get("failing_since", iso(now)), int(body.get("failures", 0)) + 1
            body = {**body, "failing_since": since, "failures": failures, "last": shown(answer), "last_at": iso(now)}
    if body == ({} if known is None else known.body):
        return known
    with suppress(WriteConflictError):
        context.store.transact([Create(pk, sk, body) if known is None else known.replaced(body)])
    since = body.get("failing_since")
    gone = bool(answers) and answers[-1].status == GONE
    if gone or (since is not None and now - datetime.fromisoformat(str(since)) >= TRIED_FOR):
        with suppress(WrongStateError):
            disable(context, endpoint, "GONE" if gone else "FAILING_FOR_THREE_DAYS")
    return context.store.get(pk, sk)


def _note(context: Context, endpoint: Item, delivery: Item, answer: WebhookAnswer) -> None:
    now = context.clock.now()
    attempts = [*delivery.body["attempts"], {"at": iso(now), **shown(answer)}]
    body = {**delivery.body, "attempts": attempts[-ATTEMPTS_KEPT:], "tries": int(delivery.body.get("tries", 0)) + 1}
    tried = Item(delivery.pk, delivery.sk, body, delivery.version, delivery.listing, delivery.due)
    if answer.delivered:
        done = {**body, "status": DeliveryStatus.DELIVERED.value, "delivered_at": iso(now)}
        _write(context, replace(tried.replaced(done), due=None))
        return
    since = datetime.fromisoformat(str(body["since"]))
    tries = sum(1 for one in attempts if one["at"] >= body["since"])
    spread = f"{endpoint.pk}/{delivery.pk}"
    again = next_attempt(since, tries, now, spread_by=spread, asked_pause_s=answer.retry_after_s)
    if again is None:
        give_up(context, tried, "NOT_DELIVERED")
    else:
        _write(context, replace(tried.replaced(body), due=iso(again)))


def _write(context: Context, write: Replace) -> None:
    """Where another was quicker, what it wrote holds: the receiver may get the same webhook once more."""
    with suppress(WriteConflictError):
        context.store.transact([write])
