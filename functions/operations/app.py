"""Operations: reviewers' decisions, waiting for persons, and giving back what will not be paid."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.http import answer, answers, idempotency_key, read_body, require_role
from rongtong.entrypoints.models import ReviewBody
from rongtong.entrypoints.tasks import run_task
from rongtong.services import unwind as unwinding
from rongtong.services import waiting

app = Chalice(app_name="operations")


@app.route("/v1/operations/reviews/{discount_id}", methods=["GET"])
@answers(lambda: app.current_request)
def read_review(discount_id: str) -> Response:
    """What a reviewer decides on: the discount, every check, and what lists and risk rules found."""
    require_role(app.current_request, "operations")
    return answer(waiting.review_file(context(), discount_id))


@app.route("/v1/operations/reviews/{discount_id}", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def decide_review(discount_id: str) -> Response:
    """A reviewer's decision on a discount that is IN_REVIEW."""
    who = require_role(app.current_request, "operations")
    idempotency_key(app.current_request)
    body = read_body(app.current_request, ReviewBody)
    approve = body.decision == "approve"
    return answer(waiting.decide_review(context(), who.partner_id, discount_id, approve=approve, note=body.note))


@app.lambda_function(name="park")
def park(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: AwaitReview and Confirm."""
    return run_task(lambda c: waiting.park(c, str(event["discount_id"]), str(event["task_token"])), event)


@app.lambda_function(name="unwind")
def unwind(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Unwind."""
    discount_id, reason = str(event["discount_id"]), str(event["reason"])
    return run_task(lambda c: unwinding.unwind(c, discount_id, reason, refused=bool(event["refused"])), event)
