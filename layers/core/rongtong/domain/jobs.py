"""The platform's own jobs: what each is for, when it runs, which period a run covers and when it is overdue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from rongtong.domain.errors import InvalidInputError

_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


class Job(StrEnum):
    """A job is a state machine of its own, ``statemachines/<job>.asl.json``."""

    RECONCILIATION = "reconciliation"
    AUDIT = "audit"
    MONTHLY_REVIEW = "monthly_review"
    BACKUP = "backup"
    RESTORE_DRILL = "restore_drill"


class Every(StrEnum):
    """How long a run's period is."""

    DAY = "DAY"
    MONTH = "MONTH"


class JobPeriodError(InvalidInputError):
    """The period is not one of this job's, or is not over."""

    code = "JOB_PERIOD"


@dataclass(frozen=True)
class JobPlan:
    """When a job runs. ``schedule`` is an EventBridge Scheduler expression in Asia/Shanghai.

    It has several times in each period: later ones find a run that succeeded and do nothing, or take up one that died.
    """

    purpose: str
    schedule: str
    every: Every
    overdue_after: timedelta
    """So long after its last success an alarm is raised."""


_A_DAY_LATE = timedelta(hours=30)
_A_MONTH_LATE = timedelta(days=34)
PLANS: Mapping[Job, JobPlan] = {
    Job.RECONCILIATION: JobPlan(
        "Compare our books, the bank's statements and the bill registry (三方对账).",
        "cron(30 1,7,13,19 * * ? *)",
        Every.DAY,
        _A_DAY_LATE,
    ),
    Job.AUDIT: JobPlan(
        "Check the whole evidence log, receipts from scratch, what operators did, and privileges.",
        "cron(0 3,9,15,21 * * ? *)",
        Every.DAY,
        _A_DAY_LATE,
    ),
    Job.MONTHLY_REVIEW: JobPlan(
        "Look at each enterprise's month against its own history and the risk rules (每月回溯).",
        "cron(0 5 1-3 * ? *)",
        Every.MONTH,
        _A_MONTH_LATE,
    ),
    Job.BACKUP: JobPlan(
        "Copy tables, contracts and the log's tiles to the second region, with a signed manifest.",
        "cron(0 2,8,14,20 * * ? *)",
        Every.DAY,
        _A_DAY_LATE,
    ),
    Job.RESTORE_DRILL: JobPlan(
        "Restore the newest backup into scratch tables and hold it against what was promised (恢复演练).",
        "cron(0 4 2-4 * ? *)",
        Every.MONTH,
        _A_MONTH_LATE,
    ),
}


def period_of(job: Job, today: date) -> str:
    """The period that a run begun on this day in Shanghai covers: the day or the month before it, as ISO 8601 has it.

    A month is covered by the run of any day of the next one.
    """
    if PLANS[job].every is Every.DAY:
        return (today - timedelta(days=1)).isoformat()
    return (today.replace(day=1) - timedelta(days=1)).isoformat()[:7]


def require_period(job: Job, period: str, today: date) -> str:
    """A period that somebody names. Raises JobPeriodError (JOB_PERIOD) unless it is the job's kind, and is over."""
    every = PLANS[job].every
    looks = (_DAY if every is Every.DAY else _MONTH).fullmatch(period)
    if looks is not None and (every is Every.MONTH or _exists(period)) and period <= period_of(job, today):
        return period
    what = "a day, like 2026-01-31," if every is Every.DAY else "a month, like 2026-01,"
    raise JobPeriodError(f"A run of {job.value} covers {what} that is over in Shanghai.", field="period")


def _exists(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True
