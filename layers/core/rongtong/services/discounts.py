"""Reading discounts: for the tasks that work on them, and what is shown of them to those who own them."""

from __future__ import annotations

from typing import Any

from rongtong.domain.exposure import reservation_of
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.services.access_audit import Evidence, note_read
from rongtong.services.context import Context
from rongtong.services.errors import NotFoundError
from rongtong.services.records import STATE, discount_pk, event_sk
from rongtong.services.storage import Document, Item, Key

_HIDDEN = frozenset(
    {
        "body_digest",
        "request_id",
        "task_token",
        "logged",
        "put_off",
        "told",
        "queued",
        "partner_id",
        "events",
        "confirmed",
        "verdict",
        "acceptor_group",
        "replays",
        "redriven",
        "locked",
        "again",
        "endorsed",
        "series",
    }
)


def load(context: Context, discount_id: str) -> Item:
    """The discount, whoever asks: for the state machine's own tasks. Raises NotFoundError."""
    return discount_of(context.store.get(discount_pk(discount_id), STATE))


def discount_of(item: Item | None) -> Item:
    """The discount, from its record. Raises NotFoundError when there is none."""
    if item is None:
        raise NotFoundError(
            "There is no such discount; check the id of the answer to your request.", field="discount_id"
        )
    return item


def request_key(discount_id: str) -> Key:
    """Where the discount's first event is, which holds what the partner sent."""
    return discount_pk(discount_id), event_sk(1)


def request_of(item: Item | None) -> Document:
    """What the partner sent, from the discount's first event."""
    if item is None:
        raise NotFoundError("The discount has no request event; its records are damaged.", field="discount_id")
    data: Document = item.body["event"]["data"]
    return data


def timeline(context: Context, item: Item) -> list[Document]:
    """The discount's events, oldest first, without what is sealed. Who asks is recorded. Raises BusyError."""
    events = [_shown(document.body["event"]) for document in context.store.query(item.pk, "event#")]
    note_read(context, Evidence.TIMELINE, str(item.body["discount_id"]))
    return events


def view(body: Document) -> Document:
    """What partners see of a discount: no digests, tokens or log positions. ``held`` says why nothing is paid now."""
    shown = {key: value for key, value in body.items() if key not in _HIDDEN}
    status = DiscountStatus(body["status"])
    if status is DiscountStatus.DISBURSED:
        shown |= {"paid_at": body["finished_at"], "paid_fen": body["proceeds_fen"]}
    return {**shown, "limits": reservation_of(status).value}


def _shown(event: dict[str, Any]) -> Document:
    data = {key: value for key, value in event["data"].items() if not key.endswith("_sealed")}
    return {"n": event["n"], "type": event["type"], "at": event["at"], "data": data}
