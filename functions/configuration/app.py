"""Configuration: what operations change, each change proposed by one person and approved by another."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.entrypoints import models
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.etags import etag, matching
from rongtong.entrypoints.http import Headers, answer, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.services import changes

app = Chalice(app_name="configuration")


@serve(app, "POST", "/v1/operations/changes")
def propose_change(call: Call) -> Response:
    """201 with the change; nothing else changes before another person approves it."""
    key = idempotency_key(call.request)
    body = read_body(call.request, models.ChangeBody)
    document = changes.propose(call.context, call.partner_id, key, body.kind, body.content)
    headers: Headers = {"Location": f"/v1/operations/changes/{document['change_id']}"}
    return answer(document, 201, headers)


@serve(app, "GET", "/v1/operations/changes")
def list_changes(call: Call) -> Response:
    """The newest changes, whatever their status."""
    return answer({"changes": changes.newest(call.context)})


@serve(app, "GET", "/v1/operations/changes/{change_id}")
def read_change(call: Call, change_id: str) -> Response:
    """One change, with what it would set."""
    shown = changes.find(call.context, change_id)
    return answer(shown, headers={"ETag": etag(shown)})


@serve(app, "POST", "/v1/operations/changes/{change_id}/decision")
def decide_change(call: Call, change_id: str) -> Response:
    """The second person's decision; an approval takes effect at once."""
    idempotency_key(call.request)
    body = read_body(call.request, models.DecisionBody)
    document = changes.decide(
        call.context,
        call.partner_id,
        change_id,
        approve=body.decision == "approve",
        expect=matching(call.request),
    )
    return answer(document, headers={"ETag": etag(document)})
