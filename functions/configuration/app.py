"""Configuration: what operations change, each change proposed by one person and approved by another."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.entrypoints.bootstrap import context
from rongtong.entrypoints.http import Headers, acting, answer, answers, idempotency_key, read_body, require_role
from rongtong.entrypoints.models import ChangeBody, DecisionBody
from rongtong.services import changes

app = Chalice(app_name="configuration")
ROLE = "operations"


@app.route("/v1/operations/changes", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def propose_change() -> Response:
    """201 with the change; nothing else changes before another person approves it."""
    who = require_role(app.current_request, ROLE)
    key = idempotency_key(app.current_request)
    body = read_body(app.current_request, ChangeBody)
    document = changes.propose(acting(context(), who), who.partner_id, key, body.kind, body.content)
    headers: Headers = {"Location": f"/v1/operations/changes/{document['change_id']}"}
    return answer(document, 201, headers)


@app.route("/v1/operations/changes", methods=["GET"])
@answers(lambda: app.current_request)
def list_changes() -> Response:
    """The newest changes, whatever their status."""
    require_role(app.current_request, ROLE)
    return answer({"changes": changes.newest(context())})


@app.route("/v1/operations/changes/{change_id}", methods=["GET"])
@answers(lambda: app.current_request)
def read_change(change_id: str) -> Response:
    """One change, with what it would set."""
    require_role(app.current_request, ROLE)
    return answer(changes.find(context(), change_id))


@app.route("/v1/operations/changes/{change_id}/decision", methods=["POST"], content_types=["*/*"])
@answers(lambda: app.current_request)
def decide_change(change_id: str) -> Response:
    """The second person's decision; an approval takes effect at once."""
    who = require_role(app.current_request, ROLE)
    idempotency_key(app.current_request)
    body = read_body(app.current_request, DecisionBody)
    return answer(changes.decide(acting(context(), who), who.partner_id, change_id, approve=body.decision == "approve"))
