"""The description of the routes of the platform's own jobs."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers_jobs as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.models import JobRunBody

_TAG = "Operations"
_REPLAYED = ("Idempotent-Replayed",)
_RUN = {**link_by("job"), **link_by("period")}
JOBS: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/operations/jobs"): Operation(
        id="listJobs",
        tag=_TAG,
        summary="List the platform's own jobs and whether any is overdue",
        replies={200: Reply("Each with its newest run.", shown.JobList)},
        links={"runs": Link("listJobRuns", "The runs of the first.", link_by("job", "/jobs/0"))},
    ),
    ("GET", "/v1/operations/jobs/{job}/runs"): Operation(
        id="listJobRuns",
        tag=_TAG,
        summary="List a job's runs",
        replies={200: Reply("What was begun or asked for last first.", shown.JobRunList)},
        codes=("NOT_FOUND",),
        links={
            "run": Link("readJobRun", "The first.", {**link_by("job", "/runs/0"), **link_by("period", "/runs/0")}),
        },
    ),
    ("POST", "/v1/operations/jobs/{job}/runs"): Operation(
        id="runJob",
        tag=_TAG,
        summary="Let a job run now",
        description=(
            "For a period that is over, the newest if none is named. A run that stopped goes on where it was; one that "
            "succeeded is done again only if `again` says so. Who asked and why is an event of the run."
        ),
        body=JobRunBody,
        example={"period": "2026-04-14", "why": "REPORT_MISSING"},
        replies={
            200: Reply("It has succeeded already.", shown.JobStarted, headers=_REPLAYED),
            202: Reply("An execution works on it.", shown.JobStarted, headers=_REPLAYED),
        },
        codes=("NOT_FOUND", "JOB_PERIOD"),
        links={"run": Link("readJobRun", "How far it is.", _RUN)},
    ),
    ("GET", "/v1/operations/jobs/{job}/runs/{period}"): Operation(
        id="readJobRun",
        tag=_TAG,
        summary="Read how far a job's run is, and what it found",
        replies={200: Reply("The run.", shown.JobRunNow)},
        codes=("NOT_FOUND",),
    ),
}
"""By method and path."""
