"""What the API answers of the platform's own jobs, field by field: for its description and for tests alone."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import StringConstraints

from rongtong.domain.jobs import Job
from rongtong.entrypoints.answers import MAY_BE_MISSING, Answer, Instant, example
from rongtong.services.job_requests import Start
from rongtong.services.jobs import RunStatus

Period = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")]


class JobRun(Answer):
    """A job's run for one period."""

    model_config = example(
        run_id="audit-2026-04-14",
        job="audit",
        period="2026-04-14",
        status="RUNNING",
        started_at="2026-04-14T19:00:00.000Z",
        progress={"log": "1,200 of 4,000 leaves", "report": ""},
        stages_done=[],
    )

    run_id: str
    """How events name it."""
    job: Job
    """Which job."""
    period: Period
    """The day or month in Shanghai that it covers."""
    status: RunStatus
    """RUNNING from its begin until it has succeeded, also while no execution works on it."""
    started_at: Instant = MAY_BE_MISSING
    """When it began, the last time if it was done again."""
    finished_at: Instant = MAY_BE_MISSING
    """When it succeeded."""
    progress: dict[str, str] = MAY_BE_MISSING
    """How far each stage is, in its order."""
    stages_done: list[str] = MAY_BE_MISSING
    """Stages that have come to their end, while it is RUNNING."""
    found: dict[str, Any] = MAY_BE_MISSING
    """What it has found, as its event says it."""


class JobRunNow(JobRun):
    """A run, and what works on it."""

    model_config = example(
        run_id="audit-2026-04-14",
        job="audit",
        period="2026-04-14",
        status="SUCCEEDED",
        started_at="2026-04-14T19:00:00.000Z",
        finished_at="2026-04-14T19:00:40.000Z",
        progress={"log": "4,000 of 4,000 leaves", "report": "made"},
        found={"leaves": 4000},
        execution="audit-2026-04-14-1",
        executing=False,
        error=None,
    )

    execution: str | None
    """The execution that was asked for last, or one of the schedule that works on it now; null if there is none."""
    executing: bool
    """Whether an execution works on it now, or is about to."""
    error: str | None
    """The class of the error that this execution ended with."""


class JobRunList(Answer):
    """A job's runs."""

    runs: list[JobRun]
    """At most 20, what was begun or asked for last first."""


class JobState(Answer):
    """A job, and how it stands."""

    job: Job
    """Its name."""
    purpose: str
    """What it is for."""
    schedule: str
    """When it runs by itself: an EventBridge Scheduler expression in Asia/Shanghai."""
    last_success_at: Instant | None
    """When a run of it succeeded last; null if none ever did."""
    overdue: bool
    """Whether that is longer ago than it may be."""
    newest_run: JobRun | None
    """What was begun or asked for last."""


class JobList(Answer):
    """The platform's own jobs."""

    jobs: list[JobState]
    """All of them."""


class JobStarted(Answer):
    """What a request to run a job has done."""

    model_config = example(job="audit", period="2026-04-14", start="started", execution="audit-2026-04-14-1")

    job: Job
    """Which job."""
    period: Period
    """Which of its runs."""
    start: Start
    """It has succeeded already, an execution works on it already, or one begins."""
    execution: str | None
    """Its name; null where there is nothing to do."""
