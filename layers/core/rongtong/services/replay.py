"""Placeholder until the real module lands."""

from __future__ import annotations

from rongtong.services.context import Context
from rongtong.services.records import change_writes
from rongtong.services.storage import Document, Item


def execution_name(item: Item) -> str:
    replays = int(item.body.get("replays", 0))
    return f"{item.body['discount_id']}-r{replays}" if replays else str(item.body["discount_id"])


def carry_on(context: Context, item: Item, *, by: str, why: str) -> Document:
    replays = int(item.body.get("replays", 0)) + 1
    name = f"{item.body['discount_id']}-r{replays}"
    data: Document = {"by": by, "why": why, "execution": name}
    context.store.transact(
        change_writes(item, "discount_id", {"replays": replays}, "ExecutionReplayed", context.clock.now(), data)
    )
    context.workflows.start_discount(
        name, {"discount_id": item.body["discount_id"], "subject": item.pk, "write_units": 0}
    )
    return {"replay": "started", "execution": name}
