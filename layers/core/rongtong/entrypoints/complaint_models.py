"""Bodies and queries of the complaint routes. What is not named here is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rongtong.entrypoints.models import Code

Written = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, strip_whitespace=True),
    Field(json_schema_extra={"pattern": r"\S"}),
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


class ComplaintsQuery(_Body):
    """GET /v1/operations/complaints"""

    status: Literal["waiting", "answered"] = "waiting"
    """Those that wait for an answer, the most urgent first, or those that were answered or closed last."""
