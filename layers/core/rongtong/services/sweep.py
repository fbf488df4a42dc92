"""The sweeper looks after whatever is not at rest: not started, failed, not logged, not told, or waiting unseen.

Every aggregate is due from its beginning until it is at rest, in an index that holds nothing else. Nothing here is done
in another way than the state machines do it: the sweeper calls the same idempotent use cases.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind
from rongtong.domain.lifecycle import EnterpriseStatus
from rongtong.services.context import Context, Running
from rongtong.services.incidents import open_once
from rongtong.services.notify import notify
from rongtong.services.records import STATE, at_rest, iso
from rongtong.services.replay import carry_on, execution_name
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
_REGISTERS_AGAIN = timedelta(minutes=30)


def sweep(context: Context) -> Document:
    """Look after everything that has been due for longer than the grace period; one that fails does not stop the rest.

    Answers how many discounts, enterprises and other records were looked after, and the codes of what failed.
    """
    done = {"discount": 0, "enterprise": 0, "other": 0}
    failed: list[str] = []
    for item in context.store.due(iso(context.clock.now() - _GRACE)):
        kind = item.pk.partition("#")[0]
        look_after = {"discount": _discount, "enterprise": _enterprise}.get(kind, _other)
        try:
            look_after(context, item)
        except WriteConflictError:
            continue  # somebody works on it right now
        except Exception as error:
            failed.append(f"{item.pk}: {error.code if isinstance(error, RongTongError) else type(error).__name__}")
            continue
        done[kind if kind in done else "other"] += 1
    return {**done, "failed": failed}


def _discount(context: Context, item: Item) -> None:
    if "finished_at" in item.body:
        release_again(context, item)
        _tell(context, item)
        return
    name = execution_name(item)
    run = context.workflows.execution(name)
    if run is None and name == item.body["discount_id"]:
        start(context, name, write_units=0)
    elif run is not None and run.running is Running.RUNNING:
        nudge(context, item)
        if _waited(context, item) > _TOO_LONG:
            _report(context, item, f"{name}/running")
    else:
        carry_on(context, item, by="sweeper", why="NOT_AT_REST")
        replays = int(item.body.get("replays", 0)) + 1
        _put_off(context, item, min(timedelta(minutes=2**replays), _BACK_OFF_MAX))
        if replays >= _CARRIED_ON_MAX:
            _report(context, item, f"{name}/failed")


def _report(context: Context, item: Item, about: str) -> None:
    data: Document = {"discount_status": item.body["status"], "replays": item.body.get("replays", 0)}
    open_once(context, IncidentKind.STUCK, str(item.body["discount_id"]), about, data)


def _enterprise(context: Context, item: Item) -> None:
    if item.body["status"] != EnterpriseStatus.PENDING:
        _tell(context, item)
        return
    enterprise_id = str(item.body["enterprise_id"])
    # A name may be used once: every half hour another execution looks whether there is something left to do.
    times = _waited(context, item) // _REGISTERS_AGAIN
    name = enterprise_id if times == 0 else f"{enterprise_id}-r{times}"
    context.workflows.start_registration(name, {"enterprise_id": enterprise_id, "subject": item.pk})


def _other(context: Context, item: Item) -> None:
    """What has no message to send: changes, incidents, suspensions."""
    record(context, item.pk)
    _rest(context, item)


def _tell(context: Context, item: Item) -> None:
    record(context, item.pk)
    notify(context, item.pk)
    _rest(context, item)


def _rest(context: Context, item: Item) -> None:
    """A worker that died before it could say so may have left at rest what is due still."""
    found = context.store.get(item.pk, STATE)
    if found is not None and found.due is not None and at_rest(found.body):
        context.store.transact([replace(found.replaced(found.body), due=None)])


def _put_off(context: Context, item: Item, pause: timedelta) -> None:
    found = context.store.get(item.pk, STATE)
    if found is not None and found.due is not None:
        with suppress(WriteConflictError):
            context.store.transact([replace(found.replaced(found.body), due=iso(context.clock.now() + pause))])


def _waited(context: Context, item: Item) -> timedelta:
    return context.clock.now() - datetime.fromisoformat(str(item.due))
