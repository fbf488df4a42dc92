"""Keys and shapes of what is stored, and the one way to write an event with the change that it tells of."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from rongtong.services.storage import (
    Create,
    Document,
    Item,
    Key,
    Listing,
    Owned,
    Replace,
    Store,
    Write,
    WriteConflictError,
)

STATE = "state"
DISCOUNTS, ENTERPRISES, QUOTES = "discounts", "enterprises", "quotes"
PLATFORM_PK = "platform"
POLICY_KEY = (PLATFORM_PK, "policy")
LIMITS_KEY = (PLATFORM_PK, "limits")
ACCEPTORS_KEY = (PLATFORM_PK, "acceptors")
REVIEWS = "reviews"
"""Under whom it is listed that a discount came to a review, and when."""
DOMAINS_KEY = (PLATFORM_PK, "domains")
"""The platform's own domain names, of which look-alikes are watched."""
WATCH_KEY = ("watch", STATE)
"""What the watch found last; ``began_at`` is when it ran first."""
SUSPENDED_INSTITUTIONS_KEY = ("suspended#institutions", STATE)
"""Which institutions were ever suspended."""


def derived_id(prefix: str, *parts: str) -> str:
    """A permanent id made from what the caller sent, so that a repeated request names the same object."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"{prefix}_{b32encode(digest).decode().lower()[:26]}"


def enterprise_pk(enterprise_id: str) -> str:
    return f"enterprise#{enterprise_id}"


def discount_pk(discount_id: str) -> str:
    return f"discount#{discount_id}"


def partner_pk(partner_id: str) -> str:
    return f"partner#{partner_id}"


def institution_pk(institution_id: str) -> str:
    return f"institution#{institution_id}"


def calendar_key(year: int) -> Key:
    """A year's working days as two persons confirmed them."""
    return PLATFORM_PK, f"calendar#{year}"


def tenant_key(partner_id: str) -> Key:
    """What a tenant (a partner platform) has different from the platform's policy."""
    return f"tenant#{partner_id}", "policy"


def change_pk(change_id: str) -> str:
    return f"change#{change_id}"


def listed_pk(subject_key: str) -> str:
    """The entries of black, grey and white lists on one subject."""
    return f"listed#{subject_key}"


def quote_pk(quote_id: str) -> str:
    return f"quote#{quote_id}"


def exposure_pk(owner: str) -> str:
    """What is taken of an owner's limits: an acceptor's, an institution's, an enterprise's, the platform's."""
    return f"exposure#{owner}"


def package_pk(bill_number: str) -> str:
    """The package's live ranges are kept in one document, so that two requests for one range meet there."""
    return f"package#{bill_number}"


def bill_id_of(partner_id: str, bill_number: str, range_wire: str) -> str:
    """A partner imports a bill's range once."""
    return derived_id("bil", partner_id, bill_number, range_wire)


def bill_pk(bill_id: str) -> str:
    """A bill that was imported, and what was found of it ahead of time."""
    return f"bill#{bill_id}"


def import_pk(import_id: str) -> str:
    """The import of a file of bills."""
    return f"import#{import_id}"


def importing_pk(import_id: str) -> str:
    """Marks an import that is not done."""
    return f"importing#{import_id}"


def lines_sk(first: int) -> str:
    """What became of an import's lines, beginning with this one of its lines, counted from 0."""
    return f"lines#{first:05d}"


def invoice_pk(invoice_number: str) -> str:
    """Which discounts an invoice stands behind, in the order of their acceptance, so that none is financed twice."""
    return f"invoice#{invoice_number}"


def order_pk(applicant_uscc: str, order_number: str) -> str:
    """The same for an order that stands in for an invoice; order numbers are unique for their seller only."""
    return f"order#{applicant_uscc}#{order_number}"


def event_sk(number: int) -> str:
    return f"event#{number:04d}"


def payment_sk(series: int) -> str:
    return f"payment#{series}"


def operator_sk(operator_id: str) -> str:
    """An operator's document stands beside its enterprise's state."""
    return f"operator#{operator_id}"


def webhook_endpoint_pk(endpoint_id: str) -> str:
    return f"webhook_endpoint#{endpoint_id}"


def incident_pk(incident_id: str) -> str:
    return f"incident#{incident_id}"


def complaint_pk(complaint_id: str) -> str:
    return f"complaint#{complaint_id}"


def duty_pk(duty_record_id: str) -> str:
    """One time that a duty was done, with its findings."""
    return f"duty#{duty_record_id}"


def access_pk(access_id: str) -> str:
    """Who read evidence in some minutes."""
    return f"access#{access_id}"


def accesses_owner(subject_id: str) -> str:
    """Under whom the reads of a discount's evidence, or of an enterprise's personal data, are listed."""
    return f"accesses#{subject_id}"


def disclosure_pk(enterprise_id: str) -> str:
    """What of an enterprise's personal data two persons let one of them see."""
    return f"disclosure#{enterprise_id}"


def shown_pk(person: str, day: str) -> str:
    """How many times a person was shown personal data on a day in Shanghai."""
    return f"shown#{person}#{day}"


def hold_pk(enterprise_id: str) -> str:
    """Whether an investigation keeps an enterprise's data from being erased."""
    return f"hold#{enterprise_id}"


def retention_key(enterprise_id: str) -> Key:
    """Due when the time of keeping a closed enterprise's data is over."""
    return enterprise_pk(enterprise_id), "retention"


def partner_list(partner_id: str, kind: str) -> str:
    """The list of what a partner has of a kind: DISCOUNTS, ENTERPRISES, QUOTES, …"""
    return f"partner#{partner_id}#{kind}"


def institution_list(institution_id: str, kind: str) -> str:
    """The list of what an institution has of a kind; its documents stand there as their second owner's."""
    return f"institution#{institution_id}#{kind}"


def payments_owner(day: str) -> str:
    """Under whom the payments of a day in Shanghai are listed."""
    return f"payments#{day}"


def suspended_pk(scope: str, subject_id: str | None = None) -> str:
    """Whether business is suspended for the platform, or for one institution, partner or enterprise."""
    return f"suspended#{scope}" if subject_id is None else f"suspended#{scope}#{subject_id}"


def suspension_pk(suspension_id: str) -> str:
    """One suspension and its event."""
    return f"suspended#entry#{suspension_id}"


def without(body: Document, name: str) -> Document:
    """A body that does not have this part any more."""
    return {key: value for key, value in body.items() if key != name}


def logged_count(body: Document) -> int:
    """How many of the aggregate's events the evidence log holds."""
    return sum(count for _, count in body.get("logged", ()))


def logged_indices(body: Document) -> list[int]:
    """The leaves of the aggregate's events in the evidence log, event 1 first, as far as they are logged."""
    return [index for start, count in body.get("logged", ()) for index in range(start, start + count)]


def logged_until(body: Document) -> int:
    """How many leaves the evidence log has at least, that it holds all that is noted of the aggregate."""
    return max((start + count for start, count in body.get("logged", ())), default=0)


def postponed(item: Item, until: datetime) -> Replace:
    """The write that puts off what is due, with since when it is: ``due_since`` tells, and alarms go by that."""
    noted = {"since": due_since(item), "until": iso(until), "events": item.body.get("events", 0)}
    return replace(item.replaced({**item.body, "put_off": noted}), due=iso(until))


def due_since(item: Item) -> str:
    """Since when a record is due (ISO 8601); what was put off and nothing happened to, from the first time on."""
    noted: Document = item.body.get("put_off", {})
    is_put_off = noted.get("until") == item.due and noted.get("events") == item.body.get("events", 0)
    return str(noted["since"] if noted and is_put_off else item.due)


def at_rest(body: Document) -> bool:
    """Whether nothing is left to do for an aggregate: it has ended, and what happened is logged and told."""
    events = int(body["events"])
    if logged_count(body) < events:
        return False
    if "discount_id" in body:
        done = "finished_at" in body and not {"locked", "again"} & set(body)
        return done and int(body.get("told", 0)) >= events
    return "enterprise_id" not in body or (body["status"] != "PENDING" and int(body.get("told", 0)) >= events)


def iso(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_document(
    subject_field: str,
    subject_id: str,
    number: int,
    kind: str,
    at: datetime,
    data: Document,
    beside: Document | None = None,
    by: Document | None = None,
) -> Document:
    """An event as it is stored and as it is hashed for the ledger; the salt stays beside it, off the ledger.

    ``beside`` is for the platform's own eyes: it is neither hashed nor part of any receipt or timeline. ``by`` is who
    asked for it: the name of the key that signed the request (RFC 9421) and the signature's SHA-256, base64.
    """
    event = {subject_field: subject_id, "n": number, "type": kind, "at": iso(at), "data": data}
    if by is not None:
        event["by"] = by
    return {"event": event, "salt": secrets.token_hex(16), **({"beside": beside} if beside else {})}


def first_writes(
    pk: str,
    subject_field: str,
    subject_id: str,
    state: Document,
    kind: str,
    at: datetime,
    data: Document,
    listing: Listing | None = None,
    beside: Document | None = None,
    by: Document | None = None,
    *,
    due: datetime | None = None,
    event_listing: Listing | None = None,
    owned: Owned | None = None,
) -> list[Write]:
    """The writes that begin an aggregate: its state, and event 1. Either may be listed.

    ``owned`` is written with event 1, which is never written again, so that later changes cost its lists nothing.

    It is due to be looked after from ``due``, or from now, on until it is at rest.
    """
    body = {**state, "events": 1}
    document = event_document(subject_field, subject_id, 1, kind, at, data, beside, by)
    return [
        Create(pk, STATE, body, due=iso(due or at), listing=listing),
        Create(pk, event_sk(1), document, listing=event_listing, owned=owned),
    ]


def change_writes(
    item: Item,
    subject_field: str,
    changes: Document,
    kind: str,
    at: datetime,
    data: Document,
    beside: Document | None = None,
    *,
    due: datetime | None = None,
    by: Document | None = None,
    event_listing: Listing | None = None,
) -> list[Create | Replace]:
    """The writes that change an aggregate: its state at the version that was read, and the next event, listed or not.

    It is due from ``due`` on, where that is given, until it is at rest; otherwise from when it was.
    """
    number = int(item.body["events"]) + 1
    body = {**item.body, **changes, "events": number}
    body = {key: value for key, value in body.items() if value is not None}
    document = event_document(subject_field, str(item.body[subject_field]), number, kind, at, data, beside, by)
    state = replace(item.replaced(body), due=(item.due or iso(at)) if due is None else iso(due))
    return [state, Create(item.pk, event_sk(number), document, listing=event_listing)]


def amend(store: Store, item: Item, edit: Callable[[Document], Document | None]) -> None:
    """Note something in an aggregate's state that no event tells of, again and again until no other writer is quicker.

    An aggregate that is at rest then is due no longer. ``edit`` answers the new body, or None when there is nothing to
    note any more.
    """
    while (body := edit(item.body)) is not None:
        try:
            store.transact([replace(item.replaced(body), due=None if at_rest(body) else item.due)])
        except WriteConflictError:
            found = store.get(item.pk, item.sk)
            assert found is not None, "an aggregate's state is never deleted"
            item = found
        else:
            return
