"""Bodies and queries of the institutions' routes and of statements. What is not named here is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rongtong.entrypoints.models import IsoDate, Percent

_INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)$"
Fen = Annotated[int, Field(ge=0, le=10**15)]
Instant = Annotated[str, StringConstraints(pattern=_INSTANT)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RateRowBody(_Body):
    """The rate of one class of acceptors, up to a number of days and within a band of amounts."""

    acceptor_class: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]
    """As the platform's directory has it: state_joint, city, rural, …"""
    max_days: Annotated[int, Field(ge=1, le=1000)]
    """For bills of up to so many days of interest; the shortest row that covers a bill holds."""
    annual_rate: Percent
    """Percent a year."""
    min_fen: Fen = 0
    """From this face on, included."""
    max_fen: Fen | None = None
    """Up to this face, included; any, if not said."""


class RateTableBody(_Body):
    """POST /v1/institution/rates: a whole table, which takes the place of the earlier ones while it holds."""

    version: Annotated[int, Field(ge=1, le=10**6)]
    """Above all earlier ones."""
    valid_from: Instant
    """When it begins to hold."""
    valid_to: Instant | None = None
    """Until when; until a higher version, if not said."""
    rows: Annotated[list[RateRowBody], Field(min_length=1, max_length=500)]
    """No two of them cover the same bill."""


class FeeBody(_Body):
    """What is charged beside the interest."""

    flat_fen: Fen = 0
    """Of every discount."""
    per_million: Annotated[int, Field(ge=0, le=10**6)] = 0
    """Of its face."""


class LimitsBody(_Body):
    """POST /v1/institution/limits: one of them at least."""

    limit_fen: Fen | None = None
    """How much face the institution has at most; below what is taken already, nothing new is accepted."""
    fee: FeeBody | None = None
    """From the next quote or verification on."""


class PortfolioQuery(_Body):
    """GET /v1/institution/portfolio"""

    as_of: IsoDate | None = None
    """At the end of this day in Shanghai; now, if not said."""


class StatementQuery(_Body):
    """GET /v1/statements/{day}"""

    format: Literal["json", "csv", "camt.053"] = "json"
    """camt.053 is ISO 20022 camt.053.001.08."""


def plain(body: _Body) -> dict[str, Any]:
    """A body as JSON values, without what was not sent."""
    return body.model_dump(mode="json", exclude_none=True)
