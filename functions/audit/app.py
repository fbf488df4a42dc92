"""Audit: the tasks that write the evidence log, and the routes that hand out its proofs."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints import duty_models, queries
from rongtong.entrypoints.api_document import api_document
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import answer, body_digest, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import audit_packs, duties, receipts
from rongtong.services import seal as sealing
from rongtong.services.storage import Item

app = Chalice(app_name="audit")


@app.lambda_function(name="seal")
def seal(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Seal."""
    return run_task(lambda c: sealing.seal(c, str(event["discount_id"])), event)


@app.lambda_function(name="record")
def record(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Task: Record."""
    return run_task(lambda c: sealing.record(c, str(event["subject"])), event)


@serve(app, "GET", "/v1/discounts/{discount_id}/receipt")
def read_receipt(call: Call, discount: Item) -> Response:
    """The receipt's exact bytes; keep them as they are: one changed byte makes the verifier refuse."""
    from rongtong.domain.receipt import receipt_bytes  # and with it signatures, which no other route here checks

    text = receipt_bytes(receipts.receipt(call.context, discount)).decode()
    return Response(body=text, status_code=200, headers={"Content-Type": "application/json"})


@serve(app, "POST", "/v1/operations/audit-packs/{year}")
def wish_audit_pack(call: Call, year: str) -> Response:
    """Have the next audit make the year's pack."""
    idempotency_key(call.request)
    return answer(audit_packs.wish(call.context, call.partner_id, year), 202)


@serve(app, "GET", "/v1/operations/audit-packs/{year}")
def read_audit_pack(call: Call, year: str) -> Response:
    """Where the year's newest pack can be fetched."""
    return answer(audit_packs.find(call.context, year))


@serve(app, "GET", "/v1/operations/duties")
def list_duties(call: Call) -> Response:
    """What must be done regularly, when each was done last, and until when it is due."""
    return answer({"duties": duties.overview(call.context)})


@serve(app, "GET", "/v1/operations/duties/{duty}/records")
def list_duty_records(call: Call, duty: str) -> Response:
    """The times that a duty was done, the last held first."""
    which, query = duties.duty_of(duty), queries.read_query(call.request.query_params, duty_models.DutyRecordsQuery)
    return answer(duties.records(call.context, which, limit=query.limit, cursor=query.cursor))


@serve(app, "POST", "/v1/operations/duties/{duty}/records")
def record_duty(call: Call, duty: str) -> Response:
    """Note that a duty was done, by its report's hash."""
    key, which = idempotency_key(call.request), duties.duty_of(duty)
    body = read_body(call.request, duty_models.DutyRecordBody)
    command = body.command(which, call.partner_id, key, body_digest(call.request))
    shown, _ = duties.record(call.context, command)
    return answer(shown, 201)


@serve(app, "POST", "/v1/operations/duties/{duty}/records/{record_id}/findings/{number}/closure")
def close_duty_finding(call: Call, duty: str, record_id: str, number: str) -> Response:
    """Say that a finding is mended, as another person than who recorded it."""
    idempotency_key(call.request)
    which, body = duties.duty_of(duty), read_body(call.request, duty_models.FindingClosureBody)
    return answer(duties.close_finding(call.context, call.partner_id, which, record_id, number, body.note, body.sha256))


@serve(app, "GET", "/v1/openapi.json")
def read_description(_: Call) -> Response:
    """The API's description (OpenAPI 3.1), as docs/openapi.json has it."""
    return _public(api_document(), "application/json", 300)


@serve(app, "GET", "/v1/log/checkpoint")
def read_checkpoint(call: Call) -> Response:
    """The newest checkpoint that a quorum of witnesses cosigned (C2SP tlog-checkpoint)."""
    note = receipts.checkpoint(call.context)
    return _public(note, "text/plain; charset=utf-8", 1)


@serve(app, "GET", "/v1/log/tile/{level}/{a}")
@serve(app, "GET", "/v1/log/tile/{level}/{a}/{b}")
@serve(app, "GET", "/v1/log/tile/{level}/{a}/{b}/{c}")
@serve(app, "GET", "/v1/log/tile/{level}/{a}/{b}/{c}/{d}")
def read_tile(call: Call, level: str, a: str, b: str = "", c: str = "", d: str = "") -> Response:
    """A tile or a bundle of entries (C2SP tlog-tiles); ask with ``Accept: application/octet-stream``."""
    content = receipts.published(call.context, "/".join(part for part in ("tile", level, a, b, c, d) if part))
    return _public(content, "application/octet-stream", 31_536_000)


def _public(body: str | bytes, kind: str, seconds: int) -> Response:
    headers: dict[str, str | list[str]] = {"Content-Type": kind, "Cache-Control": f"public, max-age={seconds}"}
    return Response(body=body, status_code=200, headers=headers)
