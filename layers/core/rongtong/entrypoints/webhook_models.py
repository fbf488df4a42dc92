"""Bodies and queries of the webhook routes. What is not named here is refused, and nothing is converted silently."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from rongtong.entrypoints.models import Text, one_of
from rongtong.entrypoints.queries import Cursor, whole_number
from rongtong.entrypoints.queries import Instant as AnyInstant
from rongtong.services.deliveries import DeliveryStatus
from rongtong.services.webhook_history import EVENTS_MAX, LISTED_MAX


def _in_utc(value: object) -> object:
    """Such as the API writes them."""
    if not isinstance(value, str) or not value.endswith("Z"):
        raise ValueError("must be an instant in UTC such as 2026-04-15T02:00:00Z")
    return value


Instant = Annotated[AnyInstant, Field(json_schema_extra={"pattern": "Z$"}), BeforeValidator(_in_utc)]
Url = Annotated[str, StringConstraints(min_length=1, max_length=2048)]
TypeName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9._]{0,99}$")]
EventId = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}_[a-z0-9]{1,60}-[0-9]{4,10}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class EndpointBody(_Body):
    """POST /v1/webhook-endpoints"""

    url: Url
    """Where webhooks are posted to: https, port 443 or 8443, a host name of the public internet."""
    types: Annotated[list[TypeName], Field(max_length=50)] = []
    """The event types that are sent there; all, if none is named."""
    description: Text | None = None
    """The partner's own note."""


class EndpointChangeBody(_Body):
    """PATCH /v1/webhook-endpoints/{endpoint_id}: what is not named stays as it is."""

    url: Url | None = None
    """Where webhooks are posted to from now on, those that wait too."""
    types: Annotated[list[TypeName], Field(max_length=50)] | None = None
    """The event types that are sent there; all, if the list is empty."""
    description: Annotated[str, StringConstraints(max_length=200)] | None = None
    """The partner's own note; empty to take it away."""
    enabled: bool | None = None
    """false: nothing is sent; true: what happens from now on is sent again."""


class SecretBody(_Body):
    """POST /v1/webhook-endpoints/{endpoint_id}/secret"""

    overlap_hours: Annotated[int, Field(ge=0, le=168)] = 24
    """So long the present keys sign as well; 0 where they have leaked."""


class EventsReplayBody(_Body):
    """POST /v1/webhook-endpoints/{endpoint_id}/replay: exactly one of the three."""

    model_config = ConfigDict(json_schema_extra=one_of("since", "event_ids", "dead"))

    since: Instant | None = None
    """Everything that was told from then on, at most 30 days ago."""
    event_ids: Annotated[list[EventId], Field(min_length=1, max_length=100)] | None = None
    """These events."""
    dead: Literal[True] | None = None
    """All dead letters of the endpoint."""

    @model_validator(mode="after")
    def _one(self) -> EventsReplayBody:
        if len([one for one in (self.since, self.event_ids, self.dead) if one is not None]) != 1:
            raise ValueError("name exactly one of since, event_ids and dead")
        return self


class EventsQuery(_Body):
    """GET /v1/events"""

    since: Instant
    """From when on; at most 30 days ago."""
    type: TypeName | None = None
    """One type alone."""
    cursor: Annotated[str, StringConstraints(max_length=300)] | None = None
    """``next_cursor`` of the page before."""
    limit: Annotated[int, Field(ge=1, le=EVENTS_MAX), BeforeValidator(whole_number)] = EVENTS_MAX
    """How many at most."""


class DeliveriesQuery(_Body):
    """GET /v1/webhook-endpoints/{endpoint_id}/deliveries"""

    status: Annotated[DeliveryStatus, Field(strict=False)] | None = None
    """PENDING, DELIVERED or DEAD alone."""
    limit: Annotated[int, Field(ge=1, le=LISTED_MAX), BeforeValidator(whole_number)] = LISTED_MAX
    """At most so many on a page."""
    cursor: Cursor | None = None
    """`next_cursor` of the page before, as it was; with the same status."""
