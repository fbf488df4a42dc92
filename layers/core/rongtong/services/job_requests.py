"""A person lets a job run now: who asked and why is an event of the run before anything begins, and it begins once.

Executions that persons ask for are named after the run and counted, ``<job>-<period>-<n>``: two who ask at once meet in
the event's transaction or begin the same execution. Executions of the schedule have names of the scheduler's. One that
works on the period already is not joined by another; should two meet all the same, each piece is still kept once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from rongtong.domain.jobs import Job, period_of, require_period
from rongtong.services.context import Context, Execution, Running
from rongtong.services.errors import BusyError, NotFoundError
from rongtong.services.jobs import SUBJECT, RunStatus, first_state, load, run_id_of, run_pk, runs_owner, view
from rongtong.services.records import STATE, change_writes, first_writes, iso
from rongtong.services.storage import Create, Document, Item, Listing, Replace, Write, WriteConflictError

_ATTEMPTS = 8
_STILL_TO_START = timedelta(hours=1)
"""So long after a request its execution, if there is none, is still to be started: its writer may have died."""


class Start(StrEnum):
    """What a request has done."""

    NOTHING = "nothing"
    """The run has succeeded, and was not to be done again."""
    RUNNING = "running"
    """An execution works on it already."""
    STARTED = "started"
    """An execution begins it, or goes on where it stopped."""


def job_of(name: str) -> Job:
    """The job of this name. Raises NotFoundError."""
    try:
        return Job(name)
    except ValueError as error:
        raise NotFoundError(f"A job is one of {', '.join(Job)}.", field="job") from error


def request(
    context: Context, job: Job, by: str, why: str, period: str | None = None, *, again: bool = False
) -> Document:
    """Let the job run for a period, the newest that is over if none is named.

    ``again`` begins it anew, if it has succeeded or stopped on its way; without it one that stopped goes on.
    ``why`` is a code. Answers the period, what was done (see Start) and the execution's name. Safe to repeat.
    Raises JobPeriodError, and BusyError when other writers were always first.
    """
    today = context.calendar.shanghai_date(context.clock.now())
    period = period_of(job, today) if period is None else require_period(job, period, today)
    for _ in range(_ATTEMPTS):
        try:
            done, name = _request(context, job, period, by, why, again)
        except WriteConflictError:
            continue
        return {"job": job.value, "period": period, "start": done.value, "execution": name}
    raise BusyError("The records of this run keep changing; send the same request again.")


def show(context: Context, job: Job, period: str) -> Document:
    """A run as operations see it, with ``executing``, whether an execution works on it now or is about to.

    ``execution`` is the one that was asked for last, or that of the schedule while it runs; ``error`` the class of the
    error that it ended with. Raises NotFoundError.
    """
    item = load(context, job, period)
    name, run = _newest(context, job, item)
    if name is not None and run is None and _is_fresh(context, item.body["request"]):
        run = Execution(name, Running.RUNNING)
    if run is None or run.running is not Running.RUNNING:
        other = _at_work(context, job, period)
        name, run = (name, run) if other is None else (other, Execution(other, Running.RUNNING))
    return {
        **view(item),
        "execution": name,
        "executing": run is not None and run.running is Running.RUNNING,
        "error": None if run is None else run.error,
    }


def _request(context: Context, job: Job, period: str, by: str, why: str, again: bool) -> tuple[Start, str | None]:
    """Raises WriteConflictError when the run changed after it was read: then nothing was begun."""
    item = context.store.get(run_pk(job, period), STATE)
    number = 0
    if item is not None:
        name, run = _newest(context, job, item)
        asked: Document = item.body.get("request") or {"number": 0}
        number = int(asked["number"])
        if run is not None and run.running is Running.RUNNING:
            return Start.RUNNING, name
        if name is not None and run is None and _is_fresh(context, asked):
            context.workflows.start_job(job, name, {"period": period, "again": bool(asked["again"])})
            return Start.STARTED, name
    other = _at_work(context, job, period)
    if other is not None:
        return Start.RUNNING, other
    if item is not None and item.body["status"] == RunStatus.SUCCEEDED and not again:
        return Start.NOTHING, None
    fresh = _execution_name(job, period, number + 1)
    asked = {"number": number + 1, "at": iso(context.clock.now()), "again": again}
    data: Document = {"period": period, "by": by, "why": why, "again": again, "execution": fresh}
    context.store.transact(_writes(context, job, period, item, asked, data))
    context.workflows.start_job(job, fresh, {"period": period, "again": again})
    return Start.STARTED, fresh


def _writes(
    context: Context, job: Job, period: str, item: Item | None, asked: Document, data: Document
) -> list[Write] | list[Create | Replace]:
    now, kind = context.clock.now(), "JobRequested"
    listing = Listing(runs_owner(job), iso(now), {"period": period})
    if item is not None:
        changes: Document = {"request": asked}
        return change_writes(item, SUBJECT, changes, kind, now, data, by=context.initiator, event_listing=listing)
    state = {**first_state(job, period, RunStatus.REQUESTED), "request": asked}
    pk, run_id = run_pk(job, period), run_id_of(job, period)
    return first_writes(pk, SUBJECT, run_id, state, kind, now, data, by=context.initiator, event_listing=listing)


def _newest(context: Context, job: Job, item: Item) -> tuple[str | None, Execution | None]:
    """The execution that was asked for last; None before it is started, and again 90 days after its end."""
    asked = item.body.get("request")
    if asked is None:
        return None, None
    name = _execution_name(job, str(item.body["period"]), int(asked["number"]))
    return name, context.workflows.job_execution(job, name)


def _at_work(context: Context, job: Job, period: str) -> str | None:
    """The name of an execution that works on the period now; one of the schedule names none and has the newest."""
    newest = period_of(job, context.calendar.shanghai_date(context.clock.now()))
    for name, payload in context.workflows.running_jobs(job):
        if payload.get("period", newest) == period:
            return name
    return None


def _is_fresh(context: Context, asked: Document) -> bool:
    return context.clock.now() - datetime.fromisoformat(str(asked["at"])) < _STILL_TO_START


def _execution_name(job: Job, period: str, number: int) -> str:
    return f"{run_id_of(job, period)}-{number}"
