"""Complaints: made by partners for their suppliers, looked into and answered by operations."""

from __future__ import annotations

from chalice.app import Chalice, Response

from rongtong.entrypoints import complaint_models, queries
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.http import Headers, answer, body_digest, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.services import complaints, steps_taken
from rongtong.services.storage import Item

app = Chalice(app_name="complaints")


@serve(app, "POST", "/v1/complaints")
def make_complaint(call: Call) -> Response:
    """201 with the complaint, which acknowledges it and says by when it will be answered."""
    key = idempotency_key(call.request)
    body = read_body(call.request, complaint_models.ComplaintBody)
    command = complaints.Complain(
        partner_id=call.partner_id,
        idempotency_key=key,
        body_digest=body_digest(call.request),
        about=body.about.kind,
        about_id=body.about.id,
        category=body.category,
        text=body.text,
    )
    document, created = complaints.receive(call.context, command)
    headers: Headers = {"Location": f"/v1/complaints/{document['complaint_id']}"}
    if not created:
        headers["Idempotent-Replayed"] = "true"
    return answer(document, 201, headers)


@serve(app, "GET", "/v1/complaints")
def list_own(call: Call) -> Response:
    """A page of the caller's complaints, newest first, without what was written."""
    query = queries.read_query(call.request.query_params, complaint_models.OwnComplaintsQuery)
    return answer(complaints.of_partner(call.context, call.partner_id, limit=query.limit, cursor=query.cursor))


@serve(app, "GET", "/v1/complaints/{complaint_id}")
@serve(app, "GET", "/v1/operations/complaints/{complaint_id}")
def read_complaint(call: Call, complaint: Item) -> Response:
    """One complaint with everything that was written."""
    return answer(complaints.view(call.context, complaint))


@serve(app, "POST", "/v1/complaints/{complaint_id}/reopening")
def reopen_complaint(call: Call, complaint: Item) -> Response:
    """The answer does not content the complainant."""
    step = _step(call, "reopening")
    body = read_body(call.request, complaint_models.ReplyBody)
    return answer(complaints.reopen(call.context, step, complaint, body.text))


@serve(app, "POST", "/v1/complaints/{complaint_id}/closure")
def close_complaint(call: Call, complaint: Item) -> Response:
    """The complainant is content, or withdraws it."""
    idempotency_key(call.request)
    return answer(complaints.close(call.context, complaint))


@serve(app, "GET", "/v1/operations/complaints")
def list_complaints(call: Call) -> Response:
    """What waits for an answer, the most urgent first; ``?status=answered`` for what was answered last."""
    query = queries.read_query(call.request.query_params, complaint_models.ComplaintsQuery)
    if query.status == "answered":
        return answer(complaints.answered(call.context, limit=query.limit, cursor=query.cursor))
    return answer(complaints.waiting(call.context))


@serve(app, "POST", "/v1/operations/complaints/{complaint_id}/taking")
def take_complaint(call: Call, complaint: Item) -> Response:
    """The caller begins to look into it."""
    return answer(complaints.take(call.context, _step(call, "taking"), complaint))


@serve(app, "POST", "/v1/operations/complaints/{complaint_id}/answer")
def answer_complaint(call: Call, complaint: Item) -> Response:
    """The platform's answer."""
    step = _step(call, "answer")
    body = read_body(call.request, complaint_models.ReplyBody)
    return answer(complaints.answer(call.context, step, complaint, body.text))


def _step(call: Call, name: str) -> steps_taken.Step:
    return steps_taken.Step(call.partner_id, name, idempotency_key(call.request), body_digest(call.request))
