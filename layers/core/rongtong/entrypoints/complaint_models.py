"""Bodies and queries of the complaint routes. What is not named here is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from rongtong.entrypoints.models import INK, Code
from rongtong.entrypoints.queries import Cursor, whole_number

Written = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, strip_whitespace=True, pattern=INK),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class About(_Body):
    """What a complaint is about: one of the partner's own."""

    kind: Literal["discount", "enterprise"]
    """Which of the two."""
    id: Code
    """Its id."""


class ComplaintBody(_Body):
    """POST /v1/complaints"""

    about: About
    """What it is about."""
    category: Literal["PAYMENT", "PRICE", "REFUSAL", "PERSONAL_DATA", "SERVICE", "OTHER"]
    """Who is to look into it follows from this."""
    text: Written
    """What the complainant says; it is encrypted."""


class ReplyBody(_Body):
    """POST /v1/complaints/{complaint_id}/reopening and …/answer"""

    text: Written
    """What is said; it is encrypted."""


class OwnComplaintsQuery(_Body):
    """GET /v1/complaints"""

    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(whole_number)] = 100
    """At most so many on a page."""
    cursor: Cursor | None = None
    """`next_cursor` of the page before, as it was."""


class ComplaintsQuery(OwnComplaintsQuery):
    """GET /v1/operations/complaints: what waits comes on one page, whatever is said of pages."""

    status: Literal["waiting", "answered"] = "waiting"
    """Those that wait for an answer, the most urgent first, or those that were answered or closed last."""
