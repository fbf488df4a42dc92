"""The platform's own jobs: every function is the tasks of one job's state machine."""

from __future__ import annotations

from datetime import date
from typing import Any

from chalice.app import Chalice

from rongtong.domain.jobs import Job
from rongtong.entrypoints.dead_letters import dead_letters
from rongtong.entrypoints.metrics import METER
from rongtong.entrypoints.routes import ROUTES
from rongtong.entrypoints.tasks import run_task
from rongtong.services import audit_job, backup, jobs, restore_drill
from rongtong.services import monthly_review as reviewing
from rongtong.services import reconcile as reconciling
from rongtong.services import watch as watching
from rongtong.services.context import Context
from rongtong.services.storage import Document

app = Chalice(app_name="schedules")


@app.lambda_function(name="watch")
def watch(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Schedule: measure each minute what operations should know of."""
    return run_task(_watch, event)


def _watch(context: Context) -> Document:
    found = watching.watch(context, dead_letters().waiting)
    METER.note_all(found["measures"])
    return found


@app.lambda_function(name="audit")
def audit(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: a step of the audit."""
    routes = [{"method": route.method, "path": route.path, "scope": route.scope} for route in ROUTES]
    return run_task(lambda c: jobs.step(c, Job.AUDIT, audit_job.steps(routes), event), event)


@app.lambda_function(name="reconciliation")
def reconciliation(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: a step of the reconciliation; with ``day`` alone: compare the payments of that day at once."""
    if "day" in event:
        return run_task(lambda c: reconciling.reconcile(c, date.fromisoformat(str(event["day"]))), event)
    return run_task(lambda c: jobs.step(c, Job.RECONCILIATION, reconciling.STEPS, event), event)


@app.lambda_function(name="monthly_review")
def monthly_review(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: a step of the monthly review."""
    return run_task(lambda c: jobs.step(c, Job.MONTHLY_REVIEW, reviewing.STEPS, event), event)


@app.lambda_function(name="backup_job")
def backup_job(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: a step of the backup."""
    return run_task(lambda c: jobs.step(c, Job.BACKUP, backup.STEPS, event), event)


@app.lambda_function(name="restore_drill_job")
def restore_drill_job(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: a step of the restore drill."""
    return run_task(lambda c: jobs.step(c, Job.RESTORE_DRILL, restore_drill.STEPS, event), event)
