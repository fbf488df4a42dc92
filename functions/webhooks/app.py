"""Webhooks: the endpoints that a partner registers, its events, and the rounds that deliver what is due."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalice.app import Chalice, Response

from rongtong.entrypoints import queries, webhook_models
from rongtong.entrypoints.door import Call
from rongtong.entrypoints.etags import etag, require_match
from rongtong.entrypoints.http import Headers, answer, body_digest, idempotency_key, read_body
from rongtong.entrypoints.routes import serve
from rongtong.entrypoints.tasks import run_task
from rongtong.services import webhook_endpoints, webhook_history, webhooks
from rongtong.services.storage import Document, Item

app = Chalice(app_name="webhooks")


@serve(app, "POST", "/v1/webhook-endpoints")
def create_endpoint(call: Call) -> Response:
    """201 with the endpoint and its keys in clear; a repeat answers the same ones."""
    key = idempotency_key(call.request)
    body = read_body(call.request, webhook_models.EndpointBody)
    command = webhook_endpoints.CreateEndpoint(
        partner_id=call.partner_id,
        key=key,
        body_digest=body_digest(call.request),
        url=body.url,
        types=tuple(dict.fromkeys(body.types)),
        description=body.description,
        institution_id=call.who.institution_id,
    )
    document, created = webhook_endpoints.create(call.context, command)
    headers: Headers = {"Location": f"/v1/webhook-endpoints/{document['endpoint_id']}"}
    if not created:
        headers["Idempotent-Replayed"] = "true"
    return answer(document, 201, headers)


@serve(app, "GET", "/v1/webhook-endpoints")
def list_endpoints(call: Call) -> Response:
    """The caller's endpoints, oldest first, with since when one fails or why it was disabled."""
    return answer({"endpoints": webhook_endpoints.newest(call.context, _hearer(call))})


@serve(app, "GET", "/v1/webhook-endpoints/{endpoint_id}")
def read_endpoint(call: Call, endpoint: Item) -> Response:
    """One endpoint, without its secrets."""
    shown = webhook_endpoints.find(call.context, endpoint)
    return answer(shown, headers={"ETag": _etag(shown)})


@serve(app, "PATCH", "/v1/webhook-endpoints/{endpoint_id}")
def change_endpoint(call: Call, endpoint: Item) -> Response:
    """Change it, disable it, or enable it again."""
    body = read_body(call.request, webhook_models.EndpointChangeBody)
    types = None if body.types is None else tuple(dict.fromkeys(body.types))
    asked = webhook_endpoints.ChangeEndpoint(body.url, types, body.description, body.enabled)
    require_match(call.request, webhook_endpoints.view(call.context, endpoint))
    document = webhook_endpoints.change(call.context, endpoint, asked)
    return answer(document, headers={"ETag": _etag(document)})


@serve(app, "DELETE", "/v1/webhook-endpoints/{endpoint_id}")
def delete_endpoint(call: Call, endpoint: Item) -> Response:
    """204; nothing is sent there any more, and its keys are destroyed."""
    require_match(call.request, webhook_endpoints.view(call.context, endpoint))
    webhook_endpoints.delete(call.context, endpoint)
    return Response(body="", status_code=204)


@serve(app, "POST", "/v1/webhook-endpoints/{endpoint_id}/secret")
def rotate_secret(call: Call, endpoint: Item) -> Response:
    """New keys in clear; the old ones sign as well while they overlap."""
    key = idempotency_key(call.request)
    body = read_body(call.request, webhook_models.SecretBody)
    return answer(webhook_endpoints.rotate(call.context, endpoint, key, timedelta(hours=body.overlap_hours)))


@serve(app, "POST", "/v1/webhook-endpoints/{endpoint_id}/test")
def test_endpoint(call: Call, endpoint: Item) -> Response:
    """Send a test event now, and say what came of it; a repeat is told that and sends nothing."""
    return answer(webhook_history.trial(call.context, endpoint, idempotency_key(call.request)))


@serve(app, "POST", "/v1/webhook-endpoints/{endpoint_id}/replay")
def replay(call: Call, endpoint: Item) -> Response:
    """202 with the events that are delivered again: by time, by id, or all dead letters."""
    idempotency_key(call.request)
    body = read_body(call.request, webhook_models.EventsReplayBody)
    if body.since is not None:
        return answer(webhook_history.replay_since(call.context, endpoint, body.since), 202)
    if body.event_ids is not None:
        return answer(webhook_history.replay_events(call.context, endpoint, body.event_ids), 202)
    return answer(webhook_history.replay_dead(call.context, endpoint), 202)


@serve(app, "GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries")
def list_deliveries(call: Call, endpoint: Item) -> Response:
    """A page of the endpoint's deliveries with every attempt, newest first; ``?status=DEAD`` for the dead letters."""
    asked = queries.read_query(call.request.query_params, webhook_models.DeliveriesQuery)
    return answer(
        webhook_history.deliveries(call.context, endpoint, asked.status, limit=asked.limit, cursor=asked.cursor)
    )


@serve(app, "GET", "/v1/events")
def list_events(call: Call) -> Response:
    """The caller's events from ``since`` on, as webhooks have them."""
    asked = queries.read_query(call.request.query_params, webhook_models.EventsQuery)
    types = () if asked.type is None else (asked.type,)
    return answer(webhook_history.events(call.context, _hearer(call), asked.since, types, asked.cursor, asked.limit))


def _hearer(call: Call) -> str:
    institution_id = call.who.institution_id
    return call.partner_id if institution_id is None else webhook_endpoints.institution_hearer(institution_id)


def _etag(shown: Document) -> str:
    """How an endpoint does is no part of what is changed."""
    return etag({name: value for name, value in shown.items() if name != "health"})


@app.lambda_function(name="deliver_webhooks")
def deliver_webhooks(event: dict[str, Any], _: Any) -> dict[str, Any]:
    """Schedule: try whatever is due at any endpoint."""
    return run_task(webhooks.deliver_due, event)
