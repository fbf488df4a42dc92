"""Audit: the tasks that write the evidence log, and the routes that hand out its proofs."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.domain.receipt import receipt_bytes
from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.http import answers, caller
from rongtong.entrypoints.tasks import run_task
from rongtong.services import receipts
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
    text = receipt_bytes(receipts.receipt(context(), item)).decode()
    return Response(body=text, status_code=200, headers={"Content-Type": "application/json"})


@app.route("/v1/log/checkpoint", methods=["GET"])
@answers(lambda: app.current_request)
def read_checkpoint() -> Response:
    """The newest checkpoint that a quorum of witnesses cosigned (C2SP tlog-checkpoint)."""
    note = receipts.checkpoint(context())
    return _public(note, "text/plain; charset=utf-8", 1)


@app.route("/v1/log/tile/{level}/{a}", methods=["GET"])
@app.route("/v1/log/tile/{level}/{a}/{b}", methods=["GET"])
@app.route("/v1/log/tile/{level}/{a}/{b}/{c}", methods=["GET"])
@app.route("/v1/log/tile/{level}/{a}/{b}/{c}/{d}", methods=["GET"])
@answers(lambda: app.current_request)
def read_tile(level: str, a: str, b: str = "", c: str = "", d: str = "") -> Response:
    """A tile or a bundle of entries (C2SP tlog-tiles); ask with ``Accept: application/octet-stream``."""
    content = receipts.published(context(), "/".join(part for part in ("tile", level, a, b, c, d) if part))
    return _public(content, "application/octet-stream", 31_536_000)


def _public(body: str | bytes, kind: str, seconds: int) -> Response:
    headers: dict[str, str | list[str]] = {"Content-Type": kind, "Cache-Control": f"public, max-age={seconds}"}
    return Response(body=body, status_code=200, headers=headers)
