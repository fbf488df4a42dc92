"""Runs of the platform's own jobs: they go on where they stopped, do nothing twice, and are evidence.

A run covers one period and is one aggregate. Its job is a list of stages; each stage is done in pieces of bounded time,
and what a piece has found is kept, with the run's progress, in one write. A run that dies loses the piece that it was
at; the next execution, whoever starts it, goes on from there. A piece may so be done twice: what it does to others must
be safe to repeat. Two executions of one run meet in that write, and the slower one looks again.

That a run was asked for (job_requests.py), that it began and what it found are events, and so go into the evidence log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rongtong.domain.errors import RongTongError
from rongtong.domain.jobs import PLANS, Job, period_of, require_period
from rongtong.services.context import Clock, Context
from rongtong.services.errors import NotFoundError
from rongtong.services.records import STATE, WATCH_KEY, change_writes, first_writes, iso
from rongtong.services.storage import Create, Document, Item, Listing, WriteConflictError

_PIECE_S = 45.0
"""A piece ends by itself after so long; a function has minutes."""
SUBJECT = "run_id"
"""The field of a run's events that names it."""
_HIDDEN = frozenset({"events", "logged", "put_off", "kept", "request", "begun_for"})


class RunStatus(StrEnum):
    """Where a run stands."""

    REQUESTED = "REQUESTED"
    """A person has asked for it; it has not begun."""
    RUNNING = "RUNNING"
    """It has begun, whether or not an execution works on it now."""
    SUCCEEDED = "SUCCEEDED"


class UnknownStageError(RongTongError):
    """The state machine names a stage that the job does not have, or left one out."""

    code = "UNKNOWN_STAGE"


@dataclass(frozen=True)
class Piece:
    """What a piece of a stage has done."""

    kept: Document
    """What the stage needs to go on: a cursor, sums; at most some kilobytes. Long lists belong into the archive."""
    done: bool
    """Whether the stage has come to its end."""
    progress: str
    """For whoever watches, like ``1,200 of 4,000 enterprises``."""


@dataclass(frozen=True)
class Run:
    """What a stage is told of its run."""

    run_id: str
    period: str
    kept: Mapping[str, Document]
    """What every stage has kept until now, by the stage's name; a stage that did not begin has nothing here."""
    _clock: Clock
    _until: float

    def time_is_up(self) -> bool:
        """Whether the piece should end here and be kept."""
        return self._clock.monotonic() >= self._until


Stage = Callable[[Context, Run], Piece]
Summary = Callable[[Run], Document]


@dataclass(frozen=True)
class Steps:
    """A job's stages in their order, and what its run has found, told from what they kept (the event's data)."""

    stages: Mapping[str, Stage]
    found: Summary


def run_id_of(job: Job, period: str) -> str:
    """What a run is called in its events."""
    return f"{job.value}-{period}"


def run_pk(job: Job, period: str) -> str:
    """Where a run is kept."""
    return f"run#{job.value}#{period}"


def job_pk(job: Job) -> str:
    """Where a job's last success is kept."""
    return f"job#{job.value}"


def runs_owner(job: Job) -> str:
    """Under whom a job's runs are listed."""
    return f"runs#{job.value}"


def step(context: Context, job: Job, steps: Steps, event: Mapping[str, Any]) -> Document:
    """One task of a job's state machine.

    ``{"do": "begin"}``, perhaps with ``period`` and ``again``: find the run or begin it; ``{"do": stage, "period"}``:
    do a piece of it, ``more`` says whether there is more; ``{"do": "finish", "period"}``: tell what was found.
    """
    do, period = str(event["do"]), event.get("period")
    if do == "begin":
        return begin(context, job, steps, period, again=bool(event.get("again")))
    if do == "finish":
        return finish(context, job, steps, str(period))
    return work(context, job, steps, str(period), do)


def begin(context: Context, job: Job, steps: Steps, period: str | None = None, *, again: bool = False) -> Document:
    """Find the period's run where it stopped, or begin it; ``done`` says that it has succeeded already.

    Without ``period``: the one that is over since yesterday, or last month. ``again`` begins anew one that succeeded,
    and, once for each request of a person that says so, one that runs and may never come to its end.
    Raises JobPeriodError.
    """
    today = context.calendar.shanghai_date(context.clock.now())
    period = period_of(job, today) if period is None else require_period(job, period, today)
    item = context.store.get(run_pk(job, period), STATE)
    if item is None or item.body["status"] == RunStatus.REQUESTED or (again and _may_begin_anew(item)):
        # Whoever was quicker has begun it.
        with suppress(WriteConflictError):
            _begin(context, job, steps, period, item)
        item = load(context, job, period)
    return {"period": period, "done": _succeeded(item)}


def _may_begin_anew(item: Item) -> bool:
    """A task that is tried again must not undo what its execution has done: a request begins a run anew but once."""
    asked: Document = item.body.get("request") or {"number": 0, "again": False}
    return _succeeded(item) or bool(asked["again"] and asked["number"] != item.body.get("begun_for"))


def _succeeded(item: Item) -> bool:
    return bool(item.body["status"] == RunStatus.SUCCEEDED)


def first_state(job: Job, period: str, status: RunStatus) -> Document:
    """What a run's state holds from its first event on."""
    return {SUBJECT: run_id_of(job, period), "job": job.value, "period": period, "status": status.value}


def _begin(context: Context, job: Job, steps: Steps, period: str, item: Item | None) -> None:
    now = context.clock.now()
    changes: Document = {
        "status": RunStatus.RUNNING.value,
        "started_at": iso(now),
        "progress": dict.fromkeys(steps.stages, ""),
        "kept": {},
        "stages_done": None,
        "finished_at": None,
        "found": None,
        "begun_for": None if item is None else item.body.get("request", {}).get("number"),
    }
    told: Document = {"period": period}
    listing = Listing(runs_owner(job), iso(now), {"period": period})
    if item is None:
        state = {**first_state(job, period, RunStatus.RUNNING), **changes}
        state = {key: value for key, value in state.items() if value is not None}
        pk, run_id = run_pk(job, period), run_id_of(job, period)
        context.store.transact(first_writes(pk, SUBJECT, run_id, state, "JobBegun", now, told, event_listing=listing))
    else:
        context.store.transact(change_writes(item, SUBJECT, changes, "JobBegun", now, told, event_listing=listing))


def work(context: Context, job: Job, steps: Steps, period: str, stage: str) -> Document:
    """Do one piece of a stage and keep it. Raises NotFoundError, UnknownStageError, and whatever the stage raises."""
    if stage not in steps.stages:
        raise UnknownStageError(f"{job.value} has no stage {stage}; deploy the state machine that belongs to the code.")
    item = load(context, job, period)
    if _succeeded(item) or stage in item.body.get("stages_done", ()):
        return {"period": period, "more": False}
    piece = steps.stages[stage](context, _run(context, item))
    body: Document = {
        **item.body,
        "kept": {**item.body["kept"], stage: piece.kept},
        "progress": {**item.body["progress"], stage: piece.progress},
    }
    if piece.done:
        body["stages_done"] = [*item.body.get("stages_done", ()), stage]
    # Another execution of the same run was quicker, or the sweeper noted something: the piece is done again from there.
    with suppress(WriteConflictError):
        context.store.transact([item.replaced(body)])
        return {"period": period, "more": not piece.done, "progress": piece.progress}
    return {"period": period, "more": True}


def finish(context: Context, job: Job, steps: Steps, period: str) -> Document:
    """Note what the run has found, and that it succeeded; the same again is no change.

    Raises NotFoundError, and UnknownStageError while a stage is not done: a run never succeeds with a part of its work.
    """
    item = load(context, job, period)
    left = [stage for stage in steps.stages if stage not in item.body.get("stages_done", ())]
    if left and not _succeeded(item):
        raise UnknownStageError(f"{job.value} of {period} is not done: {', '.join(left)}.")
    if not _succeeded(item):
        now, found = context.clock.now(), steps.found(_run(context, item))
        changes: Document = {
            "status": RunStatus.SUCCEEDED.value,
            "finished_at": iso(now),
            "found": found,
            "stages_done": None,
        }
        told = {"period": period, **found}
        writes = change_writes(item, SUBJECT, changes, "JobFinished", now, told)
        last = context.store.get(job_pk(job), STATE)
        success: Document = {"last_success_at": iso(now), "last_period": period}
        if last is None:
            writes = [*writes, Create(job_pk(job), STATE, success)]
        elif period >= last.body["last_period"]:
            # A run of long ago that is done again makes nothing less overdue.
            writes = [*writes, last.replaced(success)]
        context.store.transact(writes)
        item = load(context, job, period)
    return {"period": period, "found": item.body["found"]}


def _run(context: Context, item: Item) -> Run:
    until = context.clock.monotonic() + _PIECE_S
    return Run(str(item.body[SUBJECT]), str(item.body["period"]), item.body["kept"], context.clock, until)


def load(context: Context, job: Job, period: str) -> Item:
    """A run. Raises NotFoundError where it never began."""
    item = context.store.get(run_pk(job, period), STATE)
    if item is None:
        raise NotFoundError("There is no such run; list the job's runs.", field="period")
    return item


def view(item: Item) -> Document:
    """What operations see of a run."""
    return {key: value for key, value in item.body.items() if key not in _HIDDEN}


def overview(context: Context) -> list[Document]:
    """Every job with its plan, its newest run and whether it is overdue, for whoever watches.

    One that never succeeded counts, as in its alarm, from the watch's first run.
    """
    now, watched = context.clock.now(), context.store.get(*WATCH_KEY)
    last = context.store.get_many([(job_pk(job), STATE) for job in Job])
    shown = []
    for job, success in zip(Job, last, strict=True):
        plan, newest = PLANS[job], runs(context, job, most=1)
        succeeded_at = None if success is None else str(success.body["last_success_at"])
        since = str(watched.body["began_at"]) if success is None and watched is not None else succeeded_at
        shown.append(
            {
                "job": job.value,
                "purpose": plan.purpose,
                "schedule": plan.schedule,
                "last_success_at": succeeded_at,
                "overdue": since is not None and since < iso(now - plan.overdue_after),
                "newest_run": newest[0] if newest else None,
            }
        )
    return shown


def runs(context: Context, job: Job, *, most: int = 20) -> list[Document]:
    """A job's runs, the newest begun first; one that began anew is shown once."""
    listed = context.store.listed(runs_owner(job), "0", most=most)
    keys = list(dict.fromkeys((one.key[0], STATE) for one in listed if one.key is not None))
    return [view(item) for item in context.store.get_many(keys) if item is not None]
