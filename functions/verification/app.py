"""Verification: the task that decides approve, review or reject, and prices."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice

from rongtong.entrypoints.tasks import run_task
from rongtong.services import verify_bill

app = Chalice(app_name="verification")


@app.lambda_function(name="verify")
def verify(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Verify."""
    return run_task(lambda c: verify_bill.verify(c, str(event["discount_id"])), event)
