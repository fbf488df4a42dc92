"""Suspension of business (暂停业务): one person stops new disbursements at once, two persons release them again.

Whoever may be suspended has one record that is read before a request is accepted and before an intent to pay is stored;
it changes by suspensions and releases alone. Each suspension is an aggregate of its own beside it, so that the evidence
log holds it; a release is a change by two persons, whose events the log holds in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import CalendarError, RongTongError
from rongtong.services.context import Context
from rongtong.services.errors import BusyError, IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.records import (
    POLICY_KEY,
    STATE,
    SUSPENDED_INSTITUTIONS_KEY,
    calendar_key,
    derived_id,
    enterprise_pk,
    first_writes,
    institution_pk,
    iso,
    partner_pk,
    suspended_pk,
    suspension_pk,
    tenant_key,
)
from rongtong.services.settings import calendar_of, policy_of
from rongtong.services.storage import Create, Document, Item, Key, Listing, Replace, Write, WriteConflictError

SUSPENSIONS = "suspensions"
"""Under whom whoever was ever suspended is listed."""
_ATTEMPTS = 8
_EVER = "0"
_LISTED_MAX = 1000
"""Of whom was ever suspended, the latest first; each stands there once."""
_READ_MAX = 100
_OPEN, _CLOSED, _SUSPENDED, _RELEASED = "open", "closed", "suspended", "released"


class SuspensionScope(StrEnum):
    """Whose business is suspended, the widest first."""

    PLATFORM = "platform"
    INSTITUTION = "institution"
    PARTNER = "partner"
    ENTERPRISE = "enterprise"


class SuspendedError(RongTongError):
    """New disbursements are suspended for one of those whom the request names."""

    code = "SUSPENDED"


_AGAIN = "send the same request again when GET /v1/status answers that new requests are accepted."
_TOLD: Mapping[SuspensionScope, tuple[str, str | None]] = {
    SuspensionScope.PLATFORM: (f"New discounts are suspended on the whole platform; {_AGAIN}", None),
    SuspensionScope.INSTITUTION: (
        "New discounts with this institution are suspended; choose another one, or send the same request again when "
        "GET /v1/status shows it open.",
        "institution_id",
    ),
    SuspensionScope.PARTNER: (f"New discounts of your platform are suspended; ask operations, and {_AGAIN}", None),
    SuspensionScope.ENTERPRISE: (
        "New discounts of this enterprise are suspended; ask operations, and send the same request again when reading "
        "the enterprise shows it suspended no longer.",
        "enterprise_id",
    ),
}
"""All of it is the partner's to know; why business was suspended is not."""


def suspend(
    context: Context, by: str, key: str, scope: SuspensionScope, subject_id: str | None, reason: str
) -> Document:
    """Stop new disbursements from now on, on one person's word. What is suspended already stays as it is.

    ``subject_id`` is None for the platform; ``reason`` is a code. A repeat under the same key never suspends again,
    not even after a release. Answers whether it is suspended now, with every suspension and release so far.
    Raises NotFoundError (id), IdempotencyMismatchError, BusyError.
    """
    suspension_id = derived_id("sus", by, key)
    now = context.clock.now()
    asked: Document = {"scope": scope.value, "reason": reason} | ({} if subject_id is None else {"id": subject_id})
    keys = [
        (suspension_pk(suspension_id), STATE),
        (suspended_pk(scope, subject_id), STATE),
        SUSPENDED_INSTITUTIONS_KEY,
        *_subject_keys(scope, subject_id),
    ]
    for _ in range(_ATTEMPTS):
        known, current, institutions, *subject = context.store.get_many(keys)
        if known is not None:
            _require_same(known, asked)
        elif None in subject:
            raise NotFoundError(f"There is no such {scope.value}; compare its id.", field="id")
        if current is not None and (known is not None or current.body["active"]):
            return current.body
        entry: Document = {"suspension_id": suspension_id, "by": by, "at": iso(now), "reason": reason}
        body = _suspended(current, asked, entry)
        writes = first_writes(
            suspension_pk(suspension_id),
            "suspension_id",
            suspension_id,
            {**entry, **asked},
            "BusinessSuspended",
            now,
            {**asked, "by": by},
            by=context.initiator,
        )
        writes.append(_put(current, suspended_pk(scope, subject_id), body, Listing(SUSPENSIONS, iso(now), {})))
        if scope is SuspensionScope.INSTITUTION:
            writes += _named(institutions, str(subject_id))
        with suppress(WriteConflictError):
            context.store.transact(writes)
            return body
    raise BusyError("The record keeps changing; send the same request again.")


def is_suspended_by(current: Document, by: str, key: str) -> bool:
    """Whether the record holds the very suspension of this key: another's that stood already takes its place."""
    suspension_id = derived_id("sus", by, key)
    return any(entry.get("suspension_id") == suspension_id for entry in current["entries"])


def released(current: Document | None, reason: str, signed: Document) -> Document:
    """The record with its suspension released; ``signed`` says by whom. Raises WrongStateError when there is none."""
    if current is None or not current["active"]:
        raise WrongStateError("Nothing is suspended there; there is nothing to release.", field="content.id")
    entry: Document = {"what": _RELEASED, "reason": reason, **signed}
    return {**current, "active": False, "entries": [*current["entries"], entry]}


def suspension_keys(partner_id: str, enterprise_id: str, institution_id: str) -> list[Key]:
    """The records to read before a discount of these three is accepted or paid."""
    named = [
        (SuspensionScope.PLATFORM, None),
        (SuspensionScope.INSTITUTION, institution_id),
        (SuspensionScope.PARTNER, partner_id),
        (SuspensionScope.ENTERPRISE, enterprise_id),
    ]
    return [(suspended_pk(scope, subject_id), STATE) for scope, subject_id in named]


def is_suspended(items: Sequence[Item | None]) -> bool:
    """Whether any of the records, as ``suspension_keys`` names them, is of a suspension that stands."""
    return any(item is not None and item.body["active"] for item in items)


def require_not_suspended(items: Sequence[Item | None]) -> None:
    """Raises SuspendedError, of the widest that is suspended, with the field that names it.

    For callers who were found to own the enterprise and to have agreed with the institution: only they may know.
    """
    active = {item.body["scope"] for item in items if item is not None and item.body["active"]}
    for scope in SuspensionScope:
        if scope in active:
            message, field = _TOLD[scope]
            raise SuspendedError(message, field=field)


def is_enterprise_suspended(context: Context, enterprise_id: str) -> bool:
    """Whether the enterprise itself is suspended, whatever holds for its partner, the institutions and the platform."""
    return is_suspended([context.store.get(suspended_pk(SuspensionScope.ENTERPRISE, enterprise_id), STATE)])


def newest(context: Context) -> list[Document]:
    """Who is suspended now, the latest suspension first, each with its suspensions and releases so far.

    A suspension shows here a moment after it holds.
    """
    listed = context.store.listed(SUSPENSIONS, _EVER, most=_LISTED_MAX)
    items = _read(context, [listing.key for listing in listed if listing.key is not None])
    return [item.body for item in items if item is not None and item.body["active"]]


def status(context: Context, partner_id: str) -> Document:
    """Whether a request of this partner could be accepted now, and what keeps it from that if not.

    ``institutions`` has those agreed with the partner, open or suspended; of a partner that may use all, those that
    are suspended. ``accepting`` is false outside the service hours, while the platform or the partner is suspended,
    and while every agreed institution is.
    """
    now = context.clock.now()
    year = calendar_key(context.calendar.shanghai_date(now).year)
    own = [(suspended_pk(SuspensionScope.PLATFORM), STATE), (suspended_pk(SuspensionScope.PARTNER, partner_id), STATE)]
    partner, policy, tenant, days, platform, own_state, named = context.store.get_many(
        [(partner_pk(partner_id), STATE), POLICY_KEY, tenant_key(partner_id), year, *own, SUSPENDED_INSTITUTIONS_KEY]
    )
    agreed = None if partner is None else partner.body.get("institutions")
    ever = [] if named is None else named.body["ids"]
    ids = [str(one) for one in (ever if agreed is None else agreed)]
    items = _read(context, [(suspended_pk(SuspensionScope.INSTITUTION, one), STATE) for one in ids])
    institutions = {one: _word([item]) for one, item in zip(ids, items, strict=True)}
    if agreed is None:
        institutions = {one: word for one, word in institutions.items() if word == _SUSPENDED}
    try:
        calendar_of(context.calendar, [days], policy_of(policy, tenant)).require_service_hours(now)
        hours = _OPEN
    except CalendarError:
        hours = _CLOSED
    usable = agreed is None or _OPEN in institutions.values()
    return {
        "accepting": usable and hours == _OPEN and not is_suspended([platform, own_state]),
        "service_hours": hours,
        "platform": _word([platform]),
        "partner": _word([own_state]),
        "institutions": institutions,
    }


def _word(items: Sequence[Item | None]) -> str:
    return _SUSPENDED if is_suspended(items) else _OPEN


def _read(context: Context, keys: Sequence[Key]) -> list[Item | None]:
    found: list[Item | None] = []
    for start in range(0, len(keys), _READ_MAX):
        found += context.store.get_many(keys[start : start + _READ_MAX])
    return found


def _subject_keys(scope: SuspensionScope, subject_id: str | None) -> list[Key]:
    """The record of whoever is to be suspended; the platform needs none to exist."""
    if scope is SuspensionScope.PLATFORM:
        assert subject_id is None, "there is one platform"
        return []
    key_of = {
        SuspensionScope.INSTITUTION: institution_pk,
        SuspensionScope.PARTNER: partner_pk,
        SuspensionScope.ENTERPRISE: enterprise_pk,
    }
    return [(key_of[scope](str(subject_id)), STATE)]


def _require_same(known: Item, asked: Document) -> None:
    if canonical_bytes({name: known.body.get(name) for name in asked}) != canonical_bytes(asked):
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another suspension; use a new key for a new one.",
            field="Idempotency-Key",
        )


def _suspended(current: Item | None, asked: Document, entry: Document) -> Document:
    subject = {name: value for name, value in asked.items() if name != "reason"}
    entries = [] if current is None else current.body["entries"]
    return {**subject, "active": True, "entries": [*entries, {"what": _SUSPENDED, **entry}]}


def _named(institutions: Item | None, institution_id: str) -> list[Write]:
    """Every institution that was ever suspended is named in one record: a partner that may use all asks there."""
    ids = [] if institutions is None else institutions.body["ids"]
    if institution_id in ids:
        return []
    return [_put(institutions, SUSPENDED_INSTITUTIONS_KEY[0], {"ids": [*ids, institution_id]}, None)]


def _put(current: Item | None, pk: str, body: Document, listing: Listing | None) -> Write:
    if current is None:
        return Create(pk, STATE, body, listing=listing)
    return Replace(pk, STATE, body, current.version, listing)
