"""The description of the routes of webhooks and events."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers_webhooks as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.webhook_models import (
    DeliveriesQuery,
    EndpointBody,
    EndpointChangeBody,
    EventsQuery,
    EventsReplayBody,
    SecretBody,
)

_WEBHOOKS = "Webhooks"
_REPLAYED = ("Idempotent-Replayed",)
_TYPE = "com.rongtong.discount.paid.v1"
_FROM_ENDPOINT = {
    "endpoint": Link("readEndpoint", "Where it stands.", link_by("endpoint_id")),
    "test": Link("testEndpoint", "Send it a test event.", link_by("endpoint_id")),
    "deliveries": Link("listDeliveries", "What was sent there.", link_by("endpoint_id")),
}

WEBHOOKS: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/webhook-endpoints"): Operation(
        id="createEndpoint",
        tag=_WEBHOOKS,
        summary="Have webhooks sent to a URL",
        description="Standard Webhooks signatures, CloudEvents 1.0 bodies. The secret is in this answer alone.",
        body=EndpointBody,
        example={"url": "https://partner.example/rongtong", "types": [_TYPE]},
        replies={201: Reply("The endpoint with its keys.", shown.EndpointWithSecret, headers=("Location", *_REPLAYED))},
        codes=("WEBHOOK_URL", "WEBHOOK_ADDRESS", "WEBHOOK_TYPE", "WEBHOOK_ENDPOINTS_FULL", "WRONG_STATE"),
        links=_FROM_ENDPOINT,
    ),
    ("GET", "/v1/webhook-endpoints"): Operation(
        id="listEndpoints",
        tag=_WEBHOOKS,
        summary="List the webhook endpoints",
        replies={200: Reply("Oldest first.", shown.EndpointList)},
        links={"first": Link("readEndpoint", "The first of them.", link_by("endpoint_id", "/endpoints/0"))},
    ),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): Operation(
        id="readEndpoint",
        tag=_WEBHOOKS,
        summary="Read a webhook endpoint, without its secret",
        replies={200: Reply("The endpoint.", shown.Endpoint, headers=("ETag",))},
        codes=("NOT_FOUND",),
    ),
    ("PATCH", "/v1/webhook-endpoints/{endpoint_id}"): Operation(
        id="changeEndpoint",
        tag=_WEBHOOKS,
        summary="Change, disable or enable a webhook endpoint",
        body=EndpointChangeBody,
        example={"enabled": False},
        replies={200: Reply("The endpoint.", shown.Endpoint, headers=("ETag",))},
        codes=("NOT_FOUND", "WEBHOOK_URL", "WEBHOOK_ADDRESS", "WEBHOOK_TYPE", "WRONG_STATE"),
        if_match=True,
    ),
    ("DELETE", "/v1/webhook-endpoints/{endpoint_id}"): Operation(
        id="deleteEndpoint",
        tag=_WEBHOOKS,
        summary="Delete a webhook endpoint and its keys",
        replies={204: Reply("Nothing is sent there any more.", media="")},
        codes=("NOT_FOUND", "WRONG_STATE"),
        if_match=True,
    ),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/secret"): Operation(
        id="rotateSecret",
        tag=_WEBHOOKS,
        summary="Sign with new keys from now on",
        body=SecretBody,
        example={"overlap_hours": 24},
        replies={200: Reply("The endpoint with its new keys.", shown.EndpointWithSecret)},
        codes=("NOT_FOUND", "WRONG_STATE"),
    ),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/test"): Operation(
        id="testEndpoint",
        tag=_WEBHOOKS,
        summary="Send a test event now",
        description="The body is empty. A repeat is told what came of it and sends nothing.",
        replies={200: Reply("What came of it.", shown.Tried, headers=_REPLAYED)},
        codes=("NOT_FOUND",),
    ),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/replay"): Operation(
        id="replayEvents",
        tag=_WEBHOOKS,
        summary="Deliver events again: since an instant, by their ids, or all dead letters",
        body=EventsReplayBody,
        example={"dead": True},
        replies={202: Reply("Which.", shown.Queued, headers=_REPLAYED)},
        codes=("NOT_FOUND", "WRONG_STATE"),
    ),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): Operation(
        id="listDeliveries",
        tag=_WEBHOOKS,
        summary="List an endpoint's deliveries with every attempt",
        query=DeliveriesQuery,
        replies={200: Reply("A page of them, newest first.", shown.DeliveryList)},
        codes=("NOT_FOUND", "INVALID_BODY", "INVALID_CURSOR"),
    ),
    ("GET", "/v1/events"): Operation(
        id="listEvents",
        tag=_WEBHOOKS,
        summary="List events as webhooks have them",
        description="Those since the first endpoint was registered, 30 days back at most.",
        query=EventsQuery,
        replies={200: Reply("In the order in which they were told.", shown.EventList)},
        codes=("INVALID_BODY", "INVALID_CURSOR", "WEBHOOK_TYPE"),
    ),
}
"""By method and path."""
