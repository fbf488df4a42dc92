"""Disbursement: the task that pays once, or learns what became of the payment."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice

from rongtong.entrypoints.tasks import run_task
from rongtong.services.disburse import disburse

app = Chalice(app_name="disbursement")


@app.lambda_function(name="pay")
def pay(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Disburse."""
    return run_task(lambda c: disburse(c, str(event["discount_id"])), event)
