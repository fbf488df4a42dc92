"""Notification: the task that tells an enterprise what happened."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice

from rongtong.entrypoints.tasks import run_task
from rongtong.services.notify import notify

app = Chalice(app_name="notification")


@app.lambda_function(name="deliver")
def deliver(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Notify."""
    return run_task(lambda c: notify(c, str(event["subject"])), event)
