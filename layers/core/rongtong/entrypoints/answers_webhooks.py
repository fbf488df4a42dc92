"""Answers about webhooks and events: for the API's description and for tests alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from rongtong.entrypoints.answers import (
    MAY_BE_MISSING,
    Answer,
    Instant,
    NextCursor,
    example,
    identifier,
)
from rongtong.services.deliveries import DeliveryStatus
from rongtong.services.webhook_ports import AttemptError

EndpointId = Annotated[str, identifier("whe")]
EventId = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}_[a-z0-9]{1,60}-[0-9]{4,10}$")]


class WebhookKey(Answer):
    """A key that webhooks are signed with."""

    public_key: str
    """`whpk_…`, Ed25519: for signatures that begin with `v1a`."""
    created_at: Instant
    """Since when it signs."""
    until: Instant = MAY_BE_MISSING
    """Until when, where a newer one signs as well."""


class Attempt(Answer):
    """One attempt to deliver."""

    at: Instant
    """When."""
    status: Annotated[int, Field(ge=100, le=599)] = MAY_BE_MISSING
    """The HTTP status of the answer, where there was one."""
    error: AttemptError = MAY_BE_MISSING
    """Why there was none."""
    excerpt: str = MAY_BE_MISSING
    """The beginning of an answer that was no success."""


class LastAttempt(Answer):
    """What came of the last attempt."""

    status: Annotated[int, Field(ge=100, le=599)] = MAY_BE_MISSING
    """The HTTP status of the answer, where there was one."""
    error: AttemptError = MAY_BE_MISSING
    """Why there was none."""
    excerpt: str = MAY_BE_MISSING
    """The beginning of an answer that was no success."""


class Health(Answer):
    """How long an endpoint has been failing."""

    failing_since: Instant
    """Since when no attempt was a success; after three days the endpoint is disabled."""
    failures: Annotated[int, Field(ge=1)]
    """How many attempts."""
    last: LastAttempt
    """What came of the last one."""
    last_at: Instant
    """When it was."""
    worked_at: Instant = MAY_BE_MISSING
    """When it worked last, after it had failed."""


class Endpoint(Answer):
    """Where webhooks are sent."""

    model_config = example(
        endpoint_id="whe_5kd3v2mwyqzt4hx6bnej7rsaop",
        url="https://partner.example/rongtong",
        types=["com.rongtong.discount.paid.v1"],
        status="ENABLED",
        created_at="2026-04-15T02:00:00.000Z",
        public_keys=[
            {
                "public_key": "whpk_MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
                "created_at": "2026-04-15T02:00:00.000Z",
            }
        ],
    )

    endpoint_id: EndpointId
    """Its id."""
    url: str
    """Where to."""
    types: list[str]
    """Which events; all, where the list is empty."""
    description: str = MAY_BE_MISSING
    """The partner's own note."""
    status: Literal["ENABLED", "DISABLED"]
    """Whether it is sent to."""
    created_at: Instant
    """When it was registered."""
    disabled_at: Instant = MAY_BE_MISSING
    """Since when it is DISABLED."""
    disabled_reason: str = MAY_BE_MISSING
    """Why, where the platform disabled it."""
    public_keys: list[WebhookKey]
    """What signs now, newest first."""
    health: Health = MAY_BE_MISSING
    """There while it fails."""


class EndpointWithSecret(Endpoint):
    """The same with its newest keys; the secret is told here and nowhere else."""

    model_config = example(
        **{
            **Endpoint.model_config["json_schema_extra"]["examples"][0],  # type: ignore[index,dict-item]
            "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "public_key": "whpk_MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        }
    )

    secret: str
    """`whsec_…`: for signatures that begin with `v1` (HMAC-SHA256). Keep it."""
    public_key: str
    """`whpk_…`: for those that begin with `v1a` (Ed25519)."""


class EndpointList(Answer):
    """The caller's endpoints."""

    endpoints: list[Endpoint]
    """Oldest first."""


class Tried(Answer):
    """What came of a test event."""

    event_id: EventId
    """Its id."""
    delivered: bool
    """Whether the answer was a success."""
    status: Annotated[int, Field(ge=100, le=599)] = MAY_BE_MISSING
    """The HTTP status of the answer, where there was one."""
    error: AttemptError = MAY_BE_MISSING
    """Why there was none."""
    excerpt: str = MAY_BE_MISSING
    """The beginning of an answer that was no success."""


class Queued(Answer):
    """What is delivered again."""

    queued: list[EventId]
    """The events, at most 200."""
    next_since: Instant | None
    """From when on to ask for the rest, where `since` was asked for; null where there is none."""
    more: bool
    """Whether others are left: of dead letters, ask for those again under a new key."""


class WebhookDelivery(Answer):
    """The delivery of one event to one endpoint."""

    endpoint_id: EndpointId
    """Where to."""
    event_id: EventId
    """What."""
    type: str
    """Of which type."""
    status: DeliveryStatus
    """PENDING until it is DELIVERED, or DEAD after three days."""
    created_at: Instant
    """When it was begun."""
    delivered_at: Instant = MAY_BE_MISSING
    """When it was a success."""
    attempts: list[Attempt]
    """The latest of them, oldest first."""
    tries: Annotated[int, Field(ge=0)] = MAY_BE_MISSING
    """How many there were."""
    reason: str = MAY_BE_MISSING
    """Why it is DEAD."""
    next_attempt_at: Instant = MAY_BE_MISSING
    """When it is tried again."""


class DeliveryList(Answer):
    """A page of an endpoint's deliveries. A page may be short, even empty, and yet have a next one."""

    deliveries: list[WebhookDelivery]
    """What was begun, or given up as a dead letter, last comes first."""
    more: bool
    """Whether there are others."""
    next_cursor: NextCursor | None
    """Send it as `cursor` for the next page; null at the end."""


class Event(Answer):
    """A CloudEvents 1.0 document; docs/events has a schema for every type."""

    specversion: Literal["1.0"]
    """Of CloudEvents."""
    id: EventId
    """Permanent; every delivery bears it."""
    source: str
    """Whose event, as a URI reference."""
    type: str
    """Like com.rongtong.discount.paid.v1."""
    subject: str
    """The discount's or enterprise's id."""
    time: Instant
    """When it happened."""
    datacontenttype: Literal["application/json"]
    """Of the data."""
    dataschema: str
    """The name of the data's schema."""
    sequence: str
    """Orders the events of one source as text; there are gaps."""
    data: dict[str, Any]
    """What it tells."""


class EventList(Answer):
    """The caller's events, in the order in which they were told."""

    events: list[Event]
    """At most as many as were asked for; of a rare type fewer, even none, though there is a next page."""
    next_cursor: str | None
    """Send it as `cursor` for what follows; null at the end."""
