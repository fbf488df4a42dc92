"""Executions that operations should look at: those that failed, and those that do not come to their end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from rongtong.domain.lifecycle import DiscountStatus, waits_until
from rongtong.services.context import Context, Execution, Running
from rongtong.services.records import STATE, discount_pk, due_since, iso
from rongtong.services.replay import discount_id_of, execution_name, nothing_to_do
from rongtong.services.storage import Document, Item

_PUT_OFF_MAX = timedelta(hours=1)
"""So far the sweeper puts off what it has carried on; it is as stuck as it was."""
_BATCH = 100


def failed(context: Context, within: timedelta, *, most: int = 200) -> Document:
    """Discounts whose newest execution failed, one of theirs within this time, and that are not at rest.

    Newest failure first; ``more`` says that there are others.
    """
    ended: dict[str, Execution] = {}
    for run in context.workflows.failed_since(context.clock.now() - within):
        ended.setdefault(discount_id_of(run.name), run)
    ids = list(ended)
    found: list[Document] = []
    for start in range(0, len(ids), _BATCH):
        keys = [(discount_pk(discount_id), STATE) for discount_id in ids[start : start + _BATCH]]
        for item in context.store.get_many(keys):
            if item is None or nothing_to_do(context, item):
                continue
            newest = context.workflows.execution(execution_name(item))
            if newest is not None and newest.running is not Running.FAILED:
                continue
            if len(found) == most:
                return {"executions": found, "more": True}
            found.append(_entry(item, newest, ended[str(item.body["discount_id"])].ended_at))
    return {"executions": found, "more": False}


def stuck(context: Context, longer_than: timedelta, *, most: int = 200) -> Document:
    """Discounts that should have come further for longer than this and do not wait for a person, longest first."""
    now = context.clock.now()
    found = overdue(context, context.store.due(iso(now + _PUT_OFF_MAX)), now, longer_than)
    entries = [_entry(item, context.workflows.execution(execution_name(item)), since) for since, item in found[:most]]
    return {"executions": entries, "more": len(found) > most}


def overdue(
    context: Context, due: Sequence[Item], now: datetime, longer_than: timedelta
) -> list[tuple[datetime, Item]]:
    """Of the records that are due, the discounts that ``stuck`` means, each with since when; longest first."""
    found: list[tuple[datetime, Item]] = []
    for item in due:
        if item.sk != STATE or not item.pk.startswith(discount_pk("")) or _waits(item, now):
            continue
        since = _since(context, item)
        if since <= now - longer_than and not nothing_to_do(context, item):
            found.append((since, item))
    return sorted(found, key=lambda pair: pair[0])


def _waits(item: Item, now: datetime) -> bool:
    """Whether it waits for a person who has not answered and has time left."""
    waiting = waits_until(DiscountStatus(item.body["status"]), now) is not None and "review" not in item.body
    return waiting and datetime.fromisoformat(str(item.due)) > now


def _since(context: Context, item: Item) -> datetime:
    """Since when it is due; what was carried on is put off each time, and counts from the last that happened to it."""
    if "replays" not in item.body and "redriven" not in item.body:
        return datetime.fromisoformat(due_since(item))
    events = [document.body["event"] for document in context.store.query(item.pk, "event#")]
    return max(datetime.fromisoformat(event["at"]) for event in events if event["type"] != "ExecutionReplayed")


def _entry(item: Item, run: Execution | None, since: datetime | None) -> Document:
    return {
        "discount_id": item.body["discount_id"],
        "discount_status": item.body["status"],
        "execution": execution_name(item),
        "running": None if run is None else run.running.value,
        "error": None if run is None else run.error,
        "since": None if since is None else iso(since),
        "replays": int(item.body.get("replays", 0)),
        "what_next": _what_next(item, run),
    }


def _what_next(item: Item, run: Execution | None) -> str:
    if "held" in item.body:
        return "Business with one of its parties is suspended; it goes on by itself once that is resumed."
    if run is None:
        return "Its execution was not begun; replay it."
    if run.running is Running.RUNNING:
        return "Its execution runs: read which step it repeats and why, mend that, and it goes on by itself."
    if run.running is Running.FAILED:
        return "Mend what its execution's error names, then replay it."
    return "Its execution ended before everything was logged and told; replay it."
