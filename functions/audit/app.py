"""Audit: the tasks that write the evidence log, and the routes that hand out its proofs."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.domain.receipt import receipt_bytes
from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.http import answers, caller
from rongtong.entrypoints.tasks import run_task
from rongtong.services import evidence_log
from rongtong.services import seal as sealing
from rongtong.services.discounts import load_owned

app = Chalice(app_name="audit")


@app.lambda_function(name="seal")
def seal(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Seal."""
    return run_task(lambda c: sealing.seal(c, str(event["discount_id"])), event)


@app.lambda_function(name="record")
def record(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Record."""
    return run_task(lambda c: sealing.record(c, str(event["subject"])), event)


@app.route("/v1/discounts/{discount_id}/receipt", methods=["GET"])
@answers(lambda: app.current_request)
def read_receipt(discount_id: str) -> Response:
    """The receipt's exact bytes; keep them as they are: one changed byte makes the verifier refuse."""
    item = load_owned(context(), caller(app.current_request).partner_id, discount_id)
    text = receipt_bytes(evidence_log.receipt(context(), item)).decode()
    return Response(body=text, status_code=200, headers={"Content-Type": "application/json"})


@app.route("/v1/log/checkpoint", methods=["GET"])
@answers(lambda: app.current_request)
def read_checkpoint() -> Response:
    """The newest signed checkpoint (C2SP tlog-checkpoint)."""
    note = evidence_log.checkpoint(context())
    return Response(body=note, status_code=200, headers={"Content-Type": "text/plain; charset=utf-8"})
