"""Keys and shapes of what is stored, and the one way to write an event with the change that it tells of."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode
from datetime import UTC, datetime

from rongtong.services.storage import Create, Document, Item, Replace, Write

STATE = "state"
PLATFORM_PK = "platform"


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


def package_pk(bill_number: str) -> str:
    """The package's live ranges are kept in one document, so that two requests for one range meet there."""
    return f"package#{bill_number}"


def invoice_pk(invoice_number: str) -> str:
    """Which discounts an invoice stands behind, in the order of their acceptance, so that none is financed twice."""
    return f"invoice#{invoice_number}"


def event_sk(number: int) -> str:
    return f"event#{number:04d}"


def outbox_sk(number: int) -> str:
    return f"outbox#{number:04d}"


def payment_sk(series: int) -> str:
    return f"payment#{series}"


def iso(instant: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event_document(
    subject_field: str, subject_id: str, number: int, kind: str, at: datetime, data: Document
) -> Document:
    """An event as it is stored and as it is hashed for the ledger; the salt stays beside it, off the ledger."""
    event = {subject_field: subject_id, "n": number, "type": kind, "at": iso(at), "data": data}
    return {"event": event, "salt": secrets.token_hex(16)}


def first_writes(
    pk: str, subject_field: str, subject_id: str, state: Document, kind: str, at: datetime, data: Document
) -> list[Write]:
    """The writes that begin an aggregate: its state, due for its execution to begin, and event 1."""
    body = {**state, "events": 1}
    return [
        Create(pk, STATE, body, due=iso(at)),
        Create(pk, event_sk(1), event_document(subject_field, subject_id, 1, kind, at, data)),
    ]


def change_writes(
    item: Item, subject_field: str, changes: Document, kind: str, at: datetime, data: Document
) -> list[Create | Replace]:
    """The writes that change an aggregate: its state at the version that was read, and the next event."""
    number = int(item.body["events"]) + 1
    body = {**item.body, **changes, "events": number}
    body = {key: value for key, value in body.items() if value is not None}
    document = event_document(subject_field, str(item.body[subject_field]), number, kind, at, data)
    return [Replace(item.pk, item.sk, body, item.version), Create(item.pk, event_sk(number), document)]


def final_writes(item: Item, kind: str, at: datetime, data: Document, changes: Document, text: str) -> list[Write]:
    """The writes that end a discount: state, event, and the message that tells the enterprise."""
    writes = change_writes(item, "discount_id", changes, kind, at, data)
    message = {"enterprise_id": item.body["enterprise_id"], "text": text, "delivered": False}
    return [*writes, Create(item.pk, outbox_sk(1), message)]
