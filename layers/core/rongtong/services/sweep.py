"""The sweeper looks after whatever is not at rest: not started, failed, not logged, not told, or waiting unseen.

Every aggregate is due from its beginning until it is at rest, in an index that holds nothing else. Nothing here is done
in another way than the state machines do it: the sweeper calls the same idempotent use cases.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind, IncidentStatus
from rongtong.domain.lifecycle import DiscountStatus, EnterpriseStatus, waits_until
from rongtong.services import closure, complaints
from rongtong.services.anchoring import anchor
from rongtong.services.context import Context, Running
from rongtong.services.cosigning import witnessed
from rongtong.services.discounts import load
from rongtong.services.errors import WrongStateError
from rongtong.services.evidence_log import LOG_PK, head_of
from rongtong.services.held_notice import HELD, tell_of_wait
from rongtong.services.incidents import newest, open_anew, resolve
from rongtong.services.notify import notify
from rongtong.services.records import STATE, at_rest, iso, postponed, retention_key
from rongtong.services.replay import carry_on, discount_id_of, execution_name
from rongtong.services.request_discount import start
from rongtong.services.seal import record
from rongtong.services.storage import Document, Item, WriteConflictError
from rongtong.services.unwind import release_again
from rongtong.services.waiting import nudge

_GRACE = timedelta(seconds=30)
_BACK_OFF_MAX = timedelta(hours=1)
_CARRIED_ON_MAX = 6
"""After so many fresh starts, about an hour, a person is told; the sweeper goes on every hour all the same."""
_TOO_LONG = timedelta(days=1)
_BUDGET_S = 240.0
"""Well inside the function's five minutes; what is left is first in the next minute."""
_PUT_OFF = timedelta(minutes=5)
_LOOK_BACK = timedelta(hours=2)
_DOUBLED_MAX = 10
_REGISTERS_AGAIN = timedelta(minutes=30)


def sweep(context: Context) -> Document:
    """Look after everything that has been due for longer than the grace period; one that fails does not stop the rest.

    What fails is put off, so that it never stands before what can be done. Answers how many discounts, enterprises and
    other records were looked after, the codes of what failed, and how many are left because the time was up.
    """
    done = {"discount": 0, "enterprise": 0, "other": 0}
    began = context.clock.monotonic()
    failed = _cosign_and_anchor(context)
    items = context.store.due(iso(context.clock.now() - _GRACE))
    for number, item in enumerate(items):
        if context.clock.monotonic() - began > _BUDGET_S:
            return {**done, "failed": failed, "left": len(items) - number}
        kind = item.pk.partition("#")[0]
        look_after = {"discount": _discount, "enterprise": _enterprise, "complaint": _complaint}.get(kind, _other)
        try:
            look_after(context, item)
        except WriteConflictError:
            continue  # somebody works on it right now
        except Exception as error:
            failed.append(f"{item.pk}: {_code(error)}")
            with suppress(Exception):
                _put_off(context, item, _PUT_OFF)
            continue
        done[kind if kind in done else "other"] += 1
    failed += _waiting_but_dead(context)
    _close_stuck(context)
    return {**done, "failed": failed, "left": 0}


def _cosign_and_anchor(context: Context) -> list[str]:
    """Bring the log's newest head under a quorum of witnesses, and what they cosigned onto the chain.

    It comes first, so that a chain that was down catches up however much else is due.
    """
    failed = []
    for step in (_cosign, anchor) if context.chain is not None else (_cosign,):
        try:
            step(context)
        except Exception as error:
            failed.append(f"{LOG_PK}: {_code(error)}")
    return failed


def _cosign(context: Context) -> None:
    head = head_of(context)
    if head is not None:
        witnessed(context, int(head.body["size"]))


def _code(error: Exception) -> str:
    return error.code if isinstance(error, RongTongError) else type(error).__name__


def _waiting_but_dead(context: Context) -> list[str]:
    """Begin anew what waits for a person, and so is not due for days, although its execution has failed."""
    failed = []
    for run in context.workflows.failed_since(context.clock.now() - _LOOK_BACK):
        try:
            item = load(context, discount_id_of(run.name))
            if waits_until(DiscountStatus(item.body["status"]), context.clock.now()) is not None:
                carry_on(context, item, by="sweeper", why="NOT_AT_REST")
        except WriteConflictError:
            continue
        except RongTongError as error:
            failed.append(f"{run.name}: {error.code}")
    return failed


def _discount(context: Context, item: Item) -> None:
    """Beside its state there may be the notice that it waits for a person."""
    if item.sk == HELD:
        tell_of_wait(context, item)
        return
    if "finished_at" in item.body:
        _record_and_tell(context, item)
        release_again(context, item)
        _rest(context, item)
        if "again" not in item.body:
            return
    name = execution_name(item)
    run = context.workflows.execution(name)
    if run is None and name == item.body["discount_id"]:
        start(context, name, write_units=0, request_id=item.body.get("request_id"))
    elif run is not None and run.running is Running.RUNNING:
        nudge(context, item)
        if _waited(context, item) > _TOO_LONG:
            _report(context, item)
    else:
        carry_on(context, load(context, str(item.body["discount_id"])), by="sweeper", why="NOT_AT_REST")
        replays = int(item.body.get("replays", 0)) + 1
        _put_off(context, item, min(timedelta(minutes=2 ** min(replays, _DOUBLED_MAX)), _BACK_OFF_MAX))
        if replays >= _CARRIED_ON_MAX:
            _report(context, item)


def _report(context: Context, item: Item) -> None:
    """One open incident for a discount that does not end; a further one only after a person has settled the last."""
    if "held" in item.body:
        return
    discount_id = str(item.body["discount_id"])
    data: Document = {"discount_status": item.body["status"], "replays": item.body.get("replays", 0)}
    open_anew(context, IncidentKind.STUCK, discount_id, discount_id, data)


def _close_stuck(context: Context) -> None:
    """What does not stick any more needs nobody."""
    for incident in newest(context, IncidentStatus.OPEN)["incidents"]:
        if incident["kind"] == IncidentKind.STUCK and at_rest(load(context, str(incident["subject"])).body):
            with suppress(WriteConflictError, WrongStateError):
                resolve(context, "sweeper", str(incident["incident_id"]), "ENDED")


def _enterprise(context: Context, item: Item) -> None:
    if (item.pk, item.sk) == retention_key(item.pk.partition("#")[2]):
        closure.look_after(context, item)
        return
    if item.body["status"] != EnterpriseStatus.PENDING:
        _tell(context, item)
        return
    enterprise_id = str(item.body["enterprise_id"])
    # A name may be used once: every half hour another execution looks whether there is something left to do.
    times = _waited(context, item) // _REGISTERS_AGAIN
    name = enterprise_id if times == 0 else f"{enterprise_id}-r{times}"
    context.workflows.start_registration(name, {"enterprise_id": enterprise_id, "subject": item.pk})


def _complaint(context: Context, item: Item) -> None:
    """The date by which it is answered is a document of its own beside the complaint's state."""
    if item.sk == complaints.DEADLINE:
        complaints.look_after(context, item)
    else:
        _other(context, item)


def _other(context: Context, item: Item) -> None:
    """What has no message to send: changes, incidents, suspensions, reads of evidence."""
    record(context, item.pk)
    _rest(context, item)


def _tell(context: Context, item: Item) -> None:
    _record_and_tell(context, item)
    _rest(context, item)


def _record_and_tell(context: Context, item: Item) -> None:
    """What was told is recorded too; what cannot be told now keeps nothing from the log."""
    try:
        notify(context, item.pk)
    finally:
        record(context, item.pk)


def _rest(context: Context, item: Item) -> None:
    """A worker that died before it could say so may have left at rest what is due still."""
    found = context.store.get(item.pk, STATE)
    if found is not None and found.due is not None and at_rest(found.body):
        context.store.transact([replace(found.replaced(found.body), due=None)])


def _put_off(context: Context, item: Item, pause: timedelta) -> None:
    """Put off, with since when it is due: what fails again and again is as late as if nobody had looked at it."""
    found = context.store.get(item.pk, item.sk)
    if found is not None and found.due is not None:
        with suppress(WriteConflictError):
            context.store.transact([postponed(found, context.clock.now() + pause)])


def _waited(context: Context, item: Item) -> timedelta:
    return context.clock.now() - datetime.fromisoformat(str(item.due))
