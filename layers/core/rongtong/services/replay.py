"""Replay: a discount that has not come to its end is carried on, by the sweeper or by whoever asks for it.

Its execution goes on from the step that failed where the service can do that (for 14 days, by the definition that it
began with), else a fresh one begins that finds what is done. Who, when and why is an event of the discount before
anything is begun. The executions of a discount are its id and, for the n-th fresh one, ``<id>-r<n>``: two that carry it
on at once meet in the event's transaction or begin the same execution, and never two that run side by side.
"""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum

from rongtong.domain.lifecycle import DiscountStatus
from rongtong.services.context import Context, Execution, Running
from rongtong.services.discounts import load
from rongtong.services.errors import BusyError
from rongtong.services.records import at_rest, change_writes, iso
from rongtong.services.repayment import next_payment
from rongtong.services.storage import Document, Item, Listing, WriteConflictError

REPLAYS = "replays"
"""Under whom the events of replays that somebody asked for are listed; the sweeper's are not."""
_ATTEMPTS = 8
_PAID = frozenset({DiscountStatus.DISBURSED, DiscountStatus.RETURNED})
_REDRIVABLE = timedelta(days=14)
"""How long Step Functions can let an ended execution go on."""
_FRESH = re.compile(r"-r[0-9]+\Z", re.ASCII)


class Replay(StrEnum):
    """What a replay has done."""

    NOTHING = "nothing"
    """The discount is at rest: there is nothing to replay."""
    RUNNING = "running"
    """Its execution runs already."""
    REDRIVEN = "redriven"
    """Its execution goes on from the step that failed."""
    STARTED = "started"
    """A fresh execution looks for what is left to do."""


def execution_name(item: Item) -> str:
    """The discount's newest execution, which may not have begun yet."""
    replays = int(item.body.get("replays", 0))
    return f"{item.body['discount_id']}-r{replays}" if replays else str(item.body["discount_id"])


def discount_id_of(name: str) -> str:
    """The discount of an execution's name, or of its own id."""
    return _FRESH.sub("", name)


def replay(context: Context, by: str, named: str, why: str) -> Document:
    """Carry on the discount of this id or execution name. Safe to repeat. Raises NotFoundError, BusyError."""
    return carry_on(context, load(context, discount_id_of(named)), by=by, why=why)


def carry_on(context: Context, item: Item, *, by: str, why: str) -> Document:
    """Let a discount's execution go on, or begin a fresh one, unless it runs or there is nothing to do.

    ``why`` is a code: the event goes to the log and to the partner. Answers ``replay`` (see Replay) and the execution.
    Raises BusyError when other writers were always first.
    """
    discount_id = str(item.body["discount_id"])
    for _ in range(_ATTEMPTS):
        try:
            done, name = _carry_on(context, item, by, why)
        except WriteConflictError:
            item = load(context, discount_id)
            continue
        status = item.body["status"]
        return {"discount_id": discount_id, "discount_status": status, "replay": done.value, "execution": name}
    raise BusyError("The records of this discount keep changing; send the same request again.")


def nothing_to_do(context: Context, item: Item) -> bool:
    """Whether an execution would find nothing left to do.

    At rest, and yet to be replayed, is a paid discount whose bill is not endorsed, and one whose money came back once
    two persons have approved that it is paid again.
    """
    if not at_rest(item.body):
        return False
    status = DiscountStatus(item.body["status"])
    if status is DiscountStatus.DISBURSED:
        return item.body.get("endorsed") is not False
    if status is DiscountStatus.RETURNED:
        return next_payment(context, item)[1] is None
    return True


def _carry_on(context: Context, item: Item, by: str, why: str) -> tuple[Replay, str]:
    """Raises WriteConflictError when the discount changed after it was read: then nothing was begun."""
    name = execution_name(item)
    if nothing_to_do(context, item):
        return Replay.NOTHING, name
    run = context.workflows.execution(name)
    if run is None:
        # Never started, or whoever wrote its event died before the start.
        _start(context, item, name)
        return Replay.STARTED, name
    if run.running is Running.RUNNING:
        return Replay.RUNNING, name
    if run.running is Running.FAILED and _may_be_redriven(context, item, run):
        item = _note_redrive(context, item, run, by, why)
        if context.workflows.redrive(name):
            return Replay.REDRIVEN, name
        again = context.workflows.execution(name)
        if again is not None and again.running is Running.RUNNING:
            return Replay.RUNNING, name
    replays = int(item.body.get("replays", 0)) + 1
    fresh = f"{item.body['discount_id']}-r{replays}"
    data: Document = {"by": by, "why": why, "execution": fresh}
    _write(context, item, {"replays": replays, **_again(item)}, data)
    _start(context, item, fresh)
    return Replay.STARTED, fresh


def _may_be_redriven(context: Context, item: Item, run: Execution) -> bool:
    """Each execution is redriven once: one that failed again may need the definition that holds now.

    What waits to be paid is begun afresh: nothing is paid before every event is in the log, and Seal puts it there.
    """
    if item.body["status"] == DiscountStatus.SEALED:
        return False
    noted = item.body.get("redriven")
    if noted is not None and noted["execution"] == run.name:
        return bool(noted["ended_at"] == _ended(run))
    return run.ended_at is None or context.clock.now() - run.ended_at < _REDRIVABLE


def _note_redrive(context: Context, item: Item, run: Execution, by: str, why: str) -> Item:
    """The event, once for each end of an execution: whoever wrote it may have died before the redrive."""
    noted: Document = {"execution": run.name, "ended_at": _ended(run)}
    if item.body.get("redriven") == noted:
        return item
    data: Document = {"by": by, "why": why, "execution": run.name, "redriven": True}
    return _write(context, item, {"redriven": noted, **_again(item)}, data)


def _again(item: Item) -> Document:
    """A paid discount is not at rest again until Disburse has looked at it."""
    return {"again": True} if DiscountStatus(item.body["status"]) in _PAID else {}


def _write(context: Context, item: Item, changes: Document, data: Document) -> Item:
    """The discount as it is written here: what another writes afterwards must be met, not read."""
    now = context.clock.now()
    listing = None if context.initiator is None else Listing(REPLAYS, iso(now), {"by": data["by"]})
    state, event = change_writes(
        item, "discount_id", changes, "ExecutionReplayed", now, data, by=context.initiator, event_listing=listing
    )
    context.store.transact([state, event])
    return Item(item.pk, item.sk, state.body, item.version + 1, state.listing, state.due)


def _ended(run: Execution) -> str | None:
    return None if run.ended_at is None else iso(run.ended_at)


def _start(context: Context, item: Item, name: str) -> None:
    payload: Document = {"discount_id": item.body["discount_id"], "subject": item.pk, "write_units": 0}
    if "request_id" in item.body:
        payload["request_id"] = item.body["request_id"]
    context.workflows.start_discount(name, payload)
