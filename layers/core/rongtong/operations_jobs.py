"""The platform's own jobs by hand: ``python -m rongtong.operations jobs`` and ``… run JOB --why CODE --follow``."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from rongtong.adapters.signed_api import SignedApi
from rongtong.domain.jobs import Job
from rongtong.operations_output import table

_LOOK_EVERY_S = 2.0
_NOT_AT_WORK_MAX = 15
"""So often in a row nothing may be seen working on a run: Step Functions lists what a schedule began a moment late."""
_COLUMNS = ("job", "last_success", "overdue", "newest_run", "status", "progress")


def add(commands: Any, common: argparse.ArgumentParser, pause: Callable[[float], object]) -> None:
    """Put the subcommands beside the others; ``pause`` waits so many seconds."""
    jobs = commands.add_parser("jobs", parents=[common], help="list the platform's own jobs; 1 if any is overdue")
    jobs.set_defaults(command=_jobs)
    run = commands.add_parser("run", parents=[common], help="let a job run now; it goes on where it stopped")
    run.add_argument("job", metavar="JOB", choices=[job.value for job in Job], help=", ".join(Job))
    run.add_argument("--period", help="a day (2026-01-31) or month (2026-01) that is over; the newest if not said")
    run.add_argument("--again", action="store_true", help="also if it has succeeded")
    run.add_argument("--why", required=True, metavar="CODE", help="like REPORT_MISSING; an event of the run says so")
    run.add_argument("--follow", action="store_true", help="tell how far it is until it ends")
    run.set_defaults(command=lambda api, options: _run(api, options, pause))


def _jobs(api: SignedApi, _: argparse.Namespace) -> int:
    listed = api.get("/v1/operations/jobs")["jobs"]
    table([_row(job) for job in listed], _COLUMNS)
    overdue = sum(job["overdue"] for job in listed)
    if overdue:
        print(f"{overdue} overdue; run JOB --why CODE lets one run now.")
    return 1 if overdue else 0


def _row(job: dict[str, Any]) -> dict[str, Any]:
    run: dict[str, Any] = job["newest_run"] or {}
    return {
        "job": job["job"],
        "last_success": job["last_success_at"],
        "overdue": "yes" if job["overdue"] else "no",
        "newest_run": run.get("period"),
        "status": run.get("status"),
        "progress": _newest_progress(run),
    }


def _newest_progress(run: dict[str, Any]) -> str | None:
    """The last stage that has something to say."""
    said = [f"{stage}: {text}" for stage, text in run.get("progress", {}).items() if text]
    return said[-1] if said else None


def _run(api: SignedApi, options: argparse.Namespace, pause: Callable[[float], object]) -> int:
    body = {"why": options.why, "again": options.again, **({"period": options.period} if options.period else {})}
    done = api.post(f"/v1/operations/jobs/{quote(options.job, safe='')}/runs", body, str(uuid.uuid4()))
    named = f"{done['job']} {done['period']}"
    if done["start"] == "nothing":
        print(f"{named} has succeeded already; --again does it once more.")
        return 0
    print(f"{named} {'runs already' if done['start'] == 'running' else 'is started'}: {done['execution']}")
    try:
        return _follow(api, done, pause) if options.follow else 0
    except KeyboardInterrupt:
        print("It goes on by itself.")
        return 0


def _follow(api: SignedApi, done: dict[str, Any], pause: Callable[[float], object]) -> int:
    """Print each stage's progress when it changes, until the run has succeeded or nothing works on it."""
    path = f"/v1/operations/jobs/{quote(done['job'], safe='')}/runs/{quote(done['period'], safe='')}"
    told: dict[str, str] = {}
    idle = 0
    while True:
        run = api.get(path)
        for stage, text in run.get("progress", {}).items():
            if text and told.get(stage) != text:
                told[stage] = text
                print(f"  {stage}: {text}", flush=True)
        failed = run["error"] if run["execution"] == done["execution"] else None
        if run["status"] == "SUCCEEDED" and not run["executing"] and not failed:
            for name, value in run["found"].items():
                print(f"  {name.replace('_', ' ')}: {value}")
            print("succeeded")
            return 0
        idle = 0 if run["executing"] else idle + 1
        if idle and (failed or idle > _NOT_AT_WORK_MAX):
            print(f"It stopped: {failed or 'nothing works on it'}. It goes on when it is run again.", file=sys.stderr)
            return 1
        pause(_LOOK_EVERY_S)
