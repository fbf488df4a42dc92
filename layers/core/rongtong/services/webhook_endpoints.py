"""Webhook endpoints of partners and institutions: where they are told of events, of which, and with which keys.

A partner hears of its own enterprises and discounts, an institution of the discounts that it funds.

Each is an aggregate with events. Its keys are sealed under a data key of its own; they leave in clear only in the
answer that made them. Each endpoint has its own Ed25519 key, so that what one partner received proves nothing to
another (docs/adr/0009-webhooks.md).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rongtong.domain.errors import InvalidInputError
from rongtong.domain.public_events import PREFIX, TEST_TYPE, TYPES
from rongtong.domain.webhook import SECRET_BYTES, private_text, public_text, secret_text
from rongtong.services.context import Context
from rongtong.services.errors import IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.records import STATE, change_writes, derived_id, first_writes, iso, webhook_endpoint_pk
from rongtong.services.storage import Create, Document, Item, Key, Write, WriteConflictError
from rongtong.services.webhook_ports import WebhookSender

ENDPOINTS_MAX = 5
"""Of one partner at once: every event costs a record and an attempt for each."""
OVERLAP = timedelta(hours=24)
HEALTH = "health"
UNKNOWN = "There is no such webhook endpoint; list yours."
_FIELD = "endpoint_id"
_KEY_SETS_MAX = 3
_ROTATIONS_MAX = 1000
"""So many of an endpoint's rotations are remembered, so that a late repeat of one does not rotate again."""
_SHOWN = ("endpoint_id", "url", "types", "description", "status", "created_at", "disabled_at", "disabled_reason")


class EndpointStatus(StrEnum):
    """Whether an endpoint is sent to."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DELETED = "DELETED"


class TooManyEndpointsError(InvalidInputError):
    """The partner has as many endpoints as it may."""

    code = "WEBHOOK_ENDPOINTS_FULL"


@dataclass(frozen=True)
class CreateEndpoint:
    """``types`` empty: every type. ``key`` and ``body_digest``: the request's Idempotency-Key and SHA-256."""

    partner_id: str
    key: str
    body_digest: str
    url: str
    types: tuple[str, ...] = ()
    description: str | None = None
    institution_id: str | None = None
    """The institution that the caller speaks for, where it is one."""


@dataclass(frozen=True)
class ChangeEndpoint:
    """What is None stays as it is."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


def hearers(subject: Document) -> tuple[str, ...]:
    """Whose endpoints are told of an object's events: its partner's, and those of the institution that funds it."""
    institution_id, partner_id = subject.get("institution_id"), subject.get("partner_id")
    found = () if partner_id is None else (str(partner_id),)
    return found if institution_id is None else (*found, institution_hearer(str(institution_id)))


def institution_hearer(institution_id: str) -> str:
    """An institution among those who hear; its callers share their endpoints. No partner's id looks so."""
    return f"institution#{institution_id}"


def hearer_of(endpoint: Document) -> str:
    """Who hears at an endpoint."""
    institution_id = endpoint.get("institution_id")
    return str(endpoint["partner_id"]) if institution_id is None else institution_hearer(str(institution_id))


def index_key(hearer: str) -> Key:
    """A hearer's endpoints, read whenever something happens to one of its objects; absent where it never had any."""
    return f"webhook_endpoints#{hearer}", STATE


def health_key(endpoint_id: str) -> Key:
    """Since when, if at all, an endpoint has failed; written when it fails, and when it works again."""
    return webhook_endpoint_pk(endpoint_id), HEALTH


def sender(context: Context) -> WebhookSender:
    """What carries webhooks in this deployment."""
    assert context.webhook_sender is not None, "the composition root names a sender where webhooks are sent"
    return context.webhook_sender


def create(context: Context, command: CreateEndpoint) -> tuple[Document, bool]:
    """The endpoint with its keys in clear, and whether it is new: a repeat answers the same keys as long as they hold.

    Raises WebhookUrlError, InvalidInputError for an unknown type, TooManyEndpointsError, IdempotencyMismatchError,
    WrongStateError when another endpoint was registered at the same moment.
    """
    endpoint_id = derived_id("whe", command.partner_id, command.key)
    known = context.store.get(webhook_endpoint_pk(endpoint_id), STATE)
    if known is not None:
        return _again(context, known, command.body_digest), False
    require_types(command.types)
    sender(context).check(command.url)
    owner: Document = {"partner_id": command.partner_id}
    if command.institution_id is not None:
        owner["institution_id"] = command.institution_id
    index = context.store.get(*index_key(hearer_of(owner)))
    listed: Document = {} if index is None else index.body["endpoints"]
    if len(listed) >= ENDPOINTS_MAX:
        raise TooManyEndpointsError(f"There are {ENDPOINTS_MAX} endpoints already; delete one, or change it.")
    now, data_key = context.clock.now(), context.vault.new_key(endpoint_id)
    keys, sealed = _new_keys(context, endpoint_id, data_key, derived_id("key", "creation", command.key), now)
    state: Document = {
        "endpoint_id": endpoint_id,
        **owner,
        "url": command.url,
        "types": list(command.types),
        "status": EndpointStatus.ENABLED.value,
        "body_digest": command.body_digest,
        "created_at": iso(now),
        "data_key": data_key,
        "keys": [sealed],
        **({"description": command.description} if command.description else {}),
    }
    told = {"partner_id": command.partner_id, "url": command.url, "types": list(command.types)}
    pk, by = webhook_endpoint_pk(endpoint_id), context.initiator
    writes = first_writes(pk, _FIELD, endpoint_id, state, "WebhookEndpointCreated", now, told, by=by)
    try:
        context.store.transact([*writes, _index_write(index, state)])
    except WriteConflictError as conflict:
        raise WrongStateError("Another endpoint was changed at this moment; send it again.") from conflict
    return {**view(context, Item(pk, STATE, state, 1)), **_shown_keys(keys)}, True


def newest(context: Context, hearer: str) -> list[Document]:
    """The hearer's endpoints, oldest first, with their health."""
    index = context.store.get(*index_key(hearer))
    ids = [] if index is None else sorted(index.body["endpoints"])
    found = context.store.get_many([key for own in ids for key in ((webhook_endpoint_pk(own), STATE), health_key(own))])
    pairs = [(found[at], found[at + 1]) for at in range(0, len(found), 2)]
    shown = [view(context, item, health) for item, health in pairs if item is not None]
    return sorted(shown, key=lambda one: str(one["created_at"]))


def require_live(item: Item) -> Item:
    """The endpoint as it was read. Raises NotFoundError for a deleted one."""
    if item.body["status"] == EndpointStatus.DELETED:
        raise NotFoundError(UNKNOWN, field=_FIELD)
    return item


def find(context: Context, item: Item) -> Document:
    """One endpoint, without its secrets. Raises NotFoundError for a deleted one."""
    return view(context, require_live(item), context.store.get(*health_key(str(item.body["endpoint_id"]))))


def change(context: Context, item: Item, asked: ChangeEndpoint) -> Document:
    """Change URL, types or description, disable it, or enable it again. What changes nothing writes nothing.

    Raises NotFoundError, WebhookUrlError, InvalidInputError, WrongStateError when it was changed meanwhile.
    """
    require_live(item)
    changes: Document = {}
    if asked.url is not None:
        sender(context).check(asked.url)
        changes["url"] = asked.url
    if asked.types is not None:
        require_types(asked.types)
        changes["types"] = list(asked.types)
    if asked.description is not None:
        changes["description"] = asked.description or None
    if asked.enabled is not None:
        changes |= _status(context, enabled=asked.enabled)
    changes = {name: value for name, value in changes.items() if item.body.get(name) != value}
    if not changes.keys() - {"disabled_at"}:
        return find(context, item)
    told = {name: value for name, value in changes.items() if value is not None}
    return find(context, write_change(context, item, changes, "WebhookEndpointChanged", told))


def delete(context: Context, item: Item) -> None:
    """It is sent to no more; its keys are destroyed. What was not delivered is given up.

    Raises NotFoundError, WrongStateError when it was changed meanwhile.
    """
    changes: Document = {"status": EndpointStatus.DELETED.value, "keys": None, "data_key": None}
    write_change(context, require_live(item), changes, "WebhookEndpointDeleted", {})


def rotate(context: Context, item: Item, key: str, overlap: timedelta = OVERLAP) -> Document:
    """New keys, in clear, that sign from now on; the present ones sign as well until ``overlap`` is over.

    A repeat under the same key answers the same keys while they are the newest, and makes none afterwards. Raises
    NotFoundError, WrongStateError, IdempotencyMismatchError for a repeat with another overlap.
    """
    current = require_live(item).body["keys"][0]
    made_by, asked_s = derived_id("key", "rotation", key), int(overlap.total_seconds())
    before: Document = item.body.get("rotations", {})
    if before.get(made_by, asked_s) != asked_s:
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another body; use a new key for a new rotation.",
            field="Idempotency-Key",
        )
    if current["made_by"] == made_by:
        return {**find(context, item), **_shown_keys(_opened(context, item, current))}
    if made_by in before:
        raise WrongStateError("The keys of this rotation are not the newest; rotate under a new key.", field=_FIELD)
    now = context.clock.now()
    keys, sealed = _new_keys(context, str(item.body["endpoint_id"]), str(item.body["data_key"]), made_by, now)
    until = iso(now + overlap)
    kept = [{**one, "until": min(str(one.get("until", until)), until)} for one in item.body["keys"]]
    kept = [one for one in kept if one["until"] > iso(now)][: _KEY_SETS_MAX - 1]
    told = {"public_key": sealed["public_key"], "old_until": until}
    rotations = dict([*before.items(), (made_by, asked_s)][-_ROTATIONS_MAX:])
    changes: Document = {"keys": [sealed, *kept], "rotations": rotations}
    changed = write_change(context, item, changes, "WebhookKeysRotated", told)
    return {**find(context, changed), **_shown_keys(keys)}


def signing_keys(context: Context, endpoint: Item) -> list[str]:
    """Every key that signs now, newest first, in clear; for the sender alone."""
    now = iso(context.clock.now())
    valid = [one for one in endpoint.body["keys"] if "until" not in one or one["until"] > now]
    return [key for one in valid for key in _opened(context, endpoint, one)]


def disable(context: Context, endpoint: Item, reason: str) -> None:
    """The platform stops sending, and the partner sees why. No change where it is not enabled, or was just changed."""
    if endpoint.body["status"] == EndpointStatus.ENABLED:
        changes = {**_status(context, enabled=False), "disabled_reason": reason}
        write_change(context, endpoint, changes, "WebhookEndpointDisabled", {"reason": reason})


def write_change(context: Context, item: Item, changes: Document, kind: str, told: Document) -> Item:
    """Change an endpoint, with its event and its line in the partner's index at once; the endpoint as it is then.

    Raises WrongStateError when it was changed meanwhile.
    """
    now = context.clock.now()
    index = context.store.get(*index_key(hearer_of(item.body)))
    state, event = change_writes(item, _FIELD, changes, kind, now, told, due=now, by=context.initiator)
    try:
        context.store.transact([state, event, _index_write(index, state.body)])
    except WriteConflictError as conflict:
        raise WrongStateError("The endpoint changed meanwhile; read it again.", field=_FIELD) from conflict
    return Item(item.pk, item.sk, state.body, item.version + 1, state.listing, state.due)


def wants(types: Sequence[str], type_name: str) -> bool:
    """Whether an endpoint with these types is told of events of that type."""
    return not types or type_name in types


def require_types(types: Sequence[str]) -> None:
    """Raises InvalidInputError unless every type is one that events have."""
    unknown = [one for one in types if one not in TYPES or one == TEST_TYPE]
    if unknown:
        raise InvalidInputError(
            f"{unknown[0]} is no event type; they begin with {PREFIX} and are listed in docs/webhooks.md.",
            field="types",
            code="WEBHOOK_TYPE",
        )


def view(context: Context, item: Item, health: Item | None = None) -> Document:
    """What a partner sees: public keys, never secrets, and since when it fails."""
    now = iso(context.clock.now())
    keys = [one for one in item.body.get("keys", []) if "until" not in one or one["until"] > now]
    shown = {name: item.body[name] for name in _SHOWN if name in item.body}
    public = [{name: one[name] for name in ("public_key", "created_at", "until") if name in one} for one in keys]
    trouble = {} if health is None or "failing_since" not in health.body else {"health": health.body}
    return {**shown, "public_keys": public, **trouble}


def _again(context: Context, known: Item, body_digest: str) -> Document:
    if known.body["body_digest"] != body_digest:
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another body; use a new key for a new endpoint.",
            field="Idempotency-Key",
        )
    if known.body["status"] == EndpointStatus.DELETED:
        raise WrongStateError("This endpoint was deleted; register another one under a new key.", field=_FIELD)
    return {**view(context, known), **_shown_keys(_opened(context, known, known.body["keys"][0]))}


def _status(context: Context, *, enabled: bool) -> Document:
    if enabled:
        return {"status": EndpointStatus.ENABLED.value, "disabled_at": None, "disabled_reason": None}
    return {"status": EndpointStatus.DISABLED.value, "disabled_at": iso(context.clock.now())}


def _index_write(index: Item | None, state: Document) -> Write:
    """The hearer's index with this endpoint as it is now; deleted ones are not in it, the index itself stays."""
    endpoint_id = str(state["endpoint_id"])
    endpoints = {} if index is None else {**index.body["endpoints"]}
    endpoints.pop(endpoint_id, None)
    if state["status"] != EndpointStatus.DELETED:
        endpoints[endpoint_id] = {"types": state["types"], "status": state["status"]}
    body: Document = {"endpoints": endpoints}
    return Create(*index_key(hearer_of(state)), body) if index is None else index.replaced(body)


def _new_keys(
    context: Context, endpoint_id: str, data_key: str, made_by: str, now: datetime
) -> tuple[list[str], Document]:
    secret, private = secret_text(secrets.token_bytes(SECRET_BYTES)), private_text(secrets.token_bytes(SECRET_BYTES))
    sealed = context.vault.encrypt(endpoint_id, data_key, f"{secret} {private}")
    made: Document = {"sealed": sealed, "public_key": public_text(private), "created_at": iso(now)}
    return [secret, private], {**made, "made_by": made_by}


def _opened(context: Context, endpoint: Item, keys: Document) -> list[str]:
    owner, data_key = str(endpoint.body["endpoint_id"]), str(endpoint.body["data_key"])
    return context.vault.decrypt(owner, data_key, str(keys["sealed"])).split(" ")


def _shown_keys(keys: Sequence[str]) -> Document:
    secret, private = keys
    return {"secret": secret, "public_key": public_text(private)}
