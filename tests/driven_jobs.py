"""A job run as its state machine runs it."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.domain.jobs import Job
from rongtong.services.context import Context
from rongtong.services.jobs import Steps, step
from rongtong.services.storage import Document


def drive(context: Context, job: Job, steps: Steps, **event: object) -> Document:
    """From its beginning to its end; what it has found, or nothing where the period's run had succeeded before."""
    began: Mapping[str, object] = step(context, job, steps, {"do": "begin", **event})
    if began["done"]:
        return {}
    period = began["period"]
    for stage in steps.stages:
        while step(context, job, steps, {"do": stage, "period": period})["more"]:
            pass
    found: Document = step(context, job, steps, {"do": "finish", "period": period})["found"]
    return found
