"""Queries of the public API. As with bodies, what is not named here is refused, and so is a parameter sent twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from rongtong.domain.incident import Desk, IncidentKind
from rongtong.domain.lifecycle import DiscountStatus, EnterpriseStatus
from rongtong.entrypoints.errors import InvalidBodyError
from rongtong.services.lists import Asked

LIMIT = 50
"""How many a page has where nothing is said."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_LEAP = re.compile(r"T\d\d:\d\d:60")
Model = TypeVar("Model", bound=BaseModel)


def whole_number(value: object) -> object:
    """Digits alone; pydantic alone would also take `1.0` and `1_0`."""
    if not isinstance(value, str) or not re.fullmatch(r"0|[1-9][0-9]{0,5}", value, re.ASCII):
        raise ValueError("must be a whole number")
    return int(value)


def _instant(value: object) -> object:
    """RFC 3339 with seconds and an offset; pydantic alone would also take a number of seconds."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError("must be an instant like 2026-04-15T02:00:00Z; a + in it is sent as %2B")
    # RFC 3339 has the leap second; computers count it as the last one before it.
    return datetime.fromisoformat(_LEAP.sub(lambda found: found[0][:-2] + "59", value))


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must lie within the years 1 to 9999") from error


Instant = Annotated[datetime, BeforeValidator(_instant), AfterValidator(_in_utc)]
DISCOUNT_FIELDS = (
    "discount_id",
    "enterprise_id",
    "institution_id",
    "status",
    "bill_number",
    "range",
    "face_fen",
    "accepted_at",
    "remainder",
    "reason",
    "priced_on",
    "due_date",
    "annual_rate",
    "days",
    "interest_fen",
    "proceeds_fen",
    "buyer_interest_fen",
    "fee_fen",
    "confirmed_by",
    "review",
    "contract_sha256",
    "finished_at",
    "paid_at",
    "paid_fen",
    "held",
    "limits",
)
ENTERPRISE_FIELDS = (
    "enterprise_id",
    "status",
    "reason",
    "name",
    "uscc",
    "bank_code",
    "registered_at",
    "legal_representative",
    "mobile",
    "account_number",
    "consent_withdrawn_at",
    "closed_at",
    "retain_until",
    "erased_at",
)
QUOTE_FIELDS = ("quote_id", "quoted_at", "expires_at", "bill", "repurchase", "acceptor_class", "offers")
Cursor = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9_-]+$")]


def _split(allowed: tuple[str, ...]) -> AfterValidator:
    """Names with commas between, each one of the fields that an entry of the list may have."""

    def split(value: str) -> str:
        if unknown := [name for name in value.split(",") if name not in allowed]:
            raise ValueError(f"{unknown[0][:64]!r} is none of {', '.join(allowed)}")
        return value

    return AfterValidator(split)


def _as_schema(allowed: tuple[str, ...]) -> Any:
    one = f"({'|'.join(allowed)})"
    return Field(min_length=1, max_length=500, json_schema_extra={"pattern": f"^{one}(,{one})*$"})


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ListQuery(_Query):
    """What every list takes."""

    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(whole_number)] = LIMIT
    """At most so many on a page."""
    cursor: Cursor | None = None
    """`next_cursor` of the page before, as it was; with the same filters."""
    since: Instant | None = None
    """Made at this instant or later."""
    until: Instant | None = None
    """Made before this instant."""


class DiscountsQuery(ListQuery):
    """GET /v1/discounts"""

    status: Annotated[DiscountStatus | None, Field(strict=False)] = None
    """Only those that stand there now."""
    enterprise_id: Annotated[str, StringConstraints(pattern=r"^ent_[a-z2-7]{26}$")] | None = None
    """Only this enterprise's."""
    fields: Annotated[str, _as_schema(DISCOUNT_FIELDS), _split(DISCOUNT_FIELDS)] | None = None
    """Names of the fields to answer, with commas between; the id is always there."""


class EnterprisesQuery(ListQuery):
    """GET /v1/enterprises"""

    status: Annotated[EnterpriseStatus | None, Field(strict=False)] = None
    """Only those that stand there now."""
    fields: Annotated[str, _as_schema(ENTERPRISE_FIELDS), _split(ENTERPRISE_FIELDS)] | None = None
    """Names of the fields to answer, with commas between; the id is always there."""


class QuotesQuery(ListQuery):
    """GET /v1/quotes"""

    fields: Annotated[str, _as_schema(QUOTE_FIELDS), _split(QUOTE_FIELDS)] | None = None
    """Names of the fields to answer, with commas between; the id is always there."""


class IncidentsQuery(_Query):
    """GET /v1/operations/incidents"""

    status: Literal["open", "resolved"] = "open"
    """Which ones."""
    kind: Annotated[IncidentKind | None, Field(strict=False)] = None
    """Only of this kind."""
    owner: Annotated[Desk | None, Field(strict=False)] = None
    """Only of this desk."""


class MonthlyReviewQuery(_Query):
    """GET /v1/operations/monthly-reviews/{period}"""

    format: Literal["html", "json"] = "html"
    """A page for persons, or the same for programs."""


class AccessesQuery(_Query):
    """GET /v1/operations/accesses"""

    discount_id: Annotated[str, StringConstraints(pattern=r"^dsc_[a-z2-7]{26}$")]
    """Whose evidence."""


class ExecutionsQuery(_Query):
    """GET /v1/operations/executions"""

    status: Literal["failed", "stuck"]
    """What failed, or what is due and does not come further."""
    since: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}[mhd]$")] | None = None
    """Minutes, hours or days like `30m`, `2h`, `1d`: failed within them (1d), or stuck for longer (30m)."""


def part_of(asked: ListQuery, fields: str | None) -> Asked:
    """The part of a list that a query asks for."""
    names = () if fields is None else tuple(fields.split(","))
    return Asked(asked.limit, asked.cursor, asked.since, asked.until, names)


def read_query(parameters: Mapping[str, Any] | None, model: type[Model]) -> Model:
    """The query, by its model; ``parameters`` as Chalice has them. Raises InvalidBodyError with the first wrong one."""
    given: dict[str, str] = {}
    sent = parameters or {}
    for name in sent:
        values = sent.getlist(name) if hasattr(sent, "getlist") else [sent[name]]
        if len(values) != 1:
            raise InvalidBodyError(f"{name}: send it once.", field=name)
        given[name] = values[0]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "query"
        raise InvalidBodyError(f"{name}: {first['msg']}.", field=name) from error
