"""What the API's description says of one operation, and what many of them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from rongtong.domain.reasons import REASONS, Stage

JSON = "application/json"
SIGNED = ("SIGNATURE_INVALID", "SIGNATURE_REFUSED", "FORBIDDEN", "TOO_MANY_REQUESTS")
"""What any signed request may meet."""
ANY = ("INTERNAL", "BUSY_TRY_AGAIN")
"""What any request may meet."""
POSTED = ("HEADER_MISSING", "IDEMPOTENCY_KEY_REUSED", "REQUEST_RUNNING")
"""What any POST may meet."""
READ = ("NOT_JSON", "BODY_TOO_LARGE", "INVALID_BODY")
"""What any request with a body may meet."""
HOURS = ("NOT_A_WORKING_DAY", "OUT_OF_SERVICE_HOURS", "CALENDAR_UNCONFIRMED")
ACCEPTANCE = tuple(code for code, reason in REASONS.items() if reason.submission and reason.stage is Stage.REQUEST)
"""What a discount request may be refused for at once."""


@dataclass(frozen=True)
class Reply:
    """An answer that is no problem."""

    description: str
    model: type[BaseModel] | None = None
    media: str = JSON
    others: tuple[str, ...] = ()
    """Media types of the same in other forms, as the query chooses."""
    headers: tuple[str, ...] = ()
    """Names of those in the document's components."""
    sparse: tuple[str, str] | None = None
    """Which list in it may have sparse entries, and the field that they always have."""


@dataclass(frozen=True)
class Link:
    """Where to go on: the operation, and its parameters as runtime expressions."""

    operation: str
    description: str
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Operation:
    """One route. ``codes`` are those that only some routes have; ``id`` is how clients name it."""

    id: str
    tag: str
    summary: str
    replies: Mapping[int, Reply]
    description: str = ""
    body: type[BaseModel] | None = None
    example: Any = None
    xml: bool = False
    """Whether the body may be XML instead."""
    query: type[BaseModel] | None = None
    codes: tuple[str, ...] = ()
    links: Mapping[str, Link] = field(default_factory=dict)
    if_match: bool = False


def link_by(name: str, pointer: str = "") -> dict[str, str]:
    """The parameter of this name, from the answer's body."""
    return {name: f"$response.body#{pointer}/{name}"}
