"""Webhook endpoints and events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from rongtong_client import types
from rongtong_client.calls import Calls, path_of


class EndpointCalls(Calls):
    """Who is told of what."""

    def create_endpoint(
        self, body: types.EndpointBody, *, idempotency_key: str | None = None
    ) -> types.EndpointWithSecret:
        """Register a receiver; keep its ``secret`` or ``public_key`` for ``verify_webhook``."""
        return cast(types.EndpointWithSecret, self._post("/v1/webhook-endpoints", body, idempotency_key))

    def list_endpoints(self) -> list[types.Endpoint]:
        """The receivers, oldest first."""
        return cast(types.EndpointList, self._get("/v1/webhook-endpoints"))["endpoints"]

    def read_endpoint(self, endpoint_id: str) -> types.Endpoint:
        """A receiver, and how it does."""
        return cast(types.Endpoint, self._get(path_of("/v1/webhook-endpoints", endpoint_id)))

    def change_endpoint(
        self, endpoint_id: str, body: types.EndpointChangeBody, *, if_match: str | None = None
    ) -> types.Endpoint:
        """Change what the body names; with ``if_match`` (an ETag) only what was read."""
        path = path_of("/v1/webhook-endpoints", endpoint_id)
        answer = self._transport.send("PATCH", path, body=body, if_match=if_match)
        return cast(types.Endpoint, answer.json())

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Nothing is sent there any more."""
        self._transport.send("DELETE", path_of("/v1/webhook-endpoints", endpoint_id))

    def rotate_secret(
        self, endpoint_id: str, body: types.SecretBody, *, idempotency_key: str | None = None
    ) -> types.EndpointWithSecret:
        """New keys; the present ones sign as well for as long as the body says."""
        path = path_of("/v1/webhook-endpoints", endpoint_id, "secret")
        return cast(types.EndpointWithSecret, self._post(path, body, idempotency_key))

    def test_endpoint(self, endpoint_id: str, *, idempotency_key: str | None = None) -> types.Tried:
        """Send a test event now and tell what came of it."""
        return cast(
            types.Tried, self._post(path_of("/v1/webhook-endpoints", endpoint_id, "test"), None, idempotency_key)
        )

    def replay_events(
        self, endpoint_id: str, body: types.EventsReplayBody, *, idempotency_key: str | None = None
    ) -> types.Queued:
        """Deliver again what the body names; at most 200 at a time."""
        path = path_of("/v1/webhook-endpoints", endpoint_id, "replay")
        return cast(types.Queued, self._post(path, body, idempotency_key))

    def list_deliveries(
        self, endpoint_id: str, *, status: types.DeliveryStatus | None = None
    ) -> Iterator[types.WebhookDelivery]:
        """Its deliveries, newest first, page by page."""
        path = path_of("/v1/webhook-endpoints", endpoint_id, "deliveries")
        return self._pages(path, "deliveries", {"status": status})

    def list_events(self, *, since: str, type: str | None = None) -> Iterator[types.Event]:  # noqa: A002 the API's name
        """Everything that was told from ``since`` on (at most 30 days ago), oldest first, page by page."""
        return self._pages("/v1/events", "events", {"since": since, "type": type})
