"""Bodies and queries of bills and their imports."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from rongtong.domain.bill_file import BYTES_MAX
from rongtong.domain.prequalification import BillStatus
from rongtong.entrypoints.models import Code, IsoDate
from rongtong.entrypoints.queries import LIMIT, Cursor, whole_number
from rongtong.services.bill_imports import INLINE_LINES_MAX
from rongtong.services.lists import Asked

BODY_BYTES_MAX = 256 * 1024
"""Of an import alone: 200 bills with deliveries and payments."""
Format = Literal["csv", "xlsx", "json"]
_LAST_DAY = date(9999, 12, 30)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _decodable(value: str) -> str:
    try:
        b64decode(value, validate=True)
    except ValueError as error:
        raise ValueError("must be base64 (RFC 4648 section 4)") from error
    return value


_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
Base64 = Annotated[str, StringConstraints(min_length=1, pattern=_BASE64), AfterValidator(_decodable)]


class Upload(_Body):
    """A file that is too large for a request: it is put to the address that the answer names, then started."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    """Of the file."""
    bytes: Annotated[int, Field(ge=1, le=BYTES_MAX)]
    """How long it is."""


def _nothing() -> Any:
    """What was not sent: unlike a default, it is no value that may be sent."""
    return None


def _one_of_three(schema: dict[str, Any]) -> None:
    """The same rules as a schema."""
    schema["oneOf"] = [{"required": [name]} for name in ("bills", "content_base64", "upload")]
    schema["dependentSchemas"] = {"bills": {"properties": {"format": {"const": "json"}}}}


class BillImportBody(_Body):
    """POST /v1/bill-imports: the bills themselves, a small file, or the announcement of a large one."""

    model_config = ConfigDict(json_schema_extra=_one_of_three)

    format: Format = "json"
    """What the file is; the bills themselves are JSON."""
    enterprise_id: Code | None = None
    """Who holds the bills of lines that name no enterprise."""
    institution_ids: Annotated[list[Code], Field(max_length=20)] = []
    """Whom to ask for a price ahead of time; all that the partner has agreements with, if not said."""
    bills: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=INLINE_LINES_MAX)] = Field(
        default_factory=list
    )
    """Each `{"enterprise_id", "bill", "trade"}` as in a discount request; one that is wrong is refused by its line."""
    content_base64: Base64 = Field(default_factory=str)
    """A file of at most 200 lines, in base64."""
    upload: Upload = Field(default_factory=_nothing)
    """A file of at most 10,000 lines that follows."""

    @model_validator(mode="after")
    def _one(self) -> BillImportBody:
        if len({"bills", "content_base64", "upload"} & self.model_fields_set) != 1:
            raise ValueError("send one of bills, content_base64 and upload")
        if self.bills and self.format != "json":
            raise ValueError("bills are json; send a file in content_base64")
        return self


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BillImportQuery(_Query):
    """GET /v1/bill-imports/{bill_import_id}"""

    format: Literal["json", "csv"] = "json"
    """csv: what became of every line, as a table."""
    only: Literal["all", "imported", "refused"] = "all"
    """Which lines."""
    offset: Annotated[int, Field(ge=0, le=10_000), BeforeValidator(whole_number)] = 0
    """`next_offset` of the page before."""
    limit: Annotated[int, Field(ge=1, le=1_000), BeforeValidator(whole_number)] = 100
    """At most so many lines on a page."""


class TemplateQuery(_Query):
    """GET /v1/bill-imports/template"""

    format: Format = "csv"
    """xlsx explains every column on a second sheet."""


class BillsQuery(_Query):
    """GET /v1/bills"""

    limit: Annotated[int, Field(ge=1, le=100), BeforeValidator(whole_number)] = LIMIT
    """At most so many on a page."""
    cursor: Cursor | None = None
    """`next_cursor` of the page before, as it was; with the same filters."""
    status: Annotated[BillStatus | None, Field(strict=False)] = None
    """Only those that stand there now."""
    acceptor_bank_code: Code | None = None
    """Only this acceptor's."""
    maturity_from: IsoDate | None = None
    """Only those that mature on this day or later."""
    maturity_to: IsoDate | None = None
    """Only those that mature on this day or earlier."""

    def part(self) -> Asked:
        """The part of the list that is asked for: it is in the order of maturities."""
        since = None if self.maturity_from is None else datetime.combine(self.maturity_from, time(), UTC)
        until = None
        if self.maturity_to is not None:
            until = datetime.combine(min(self.maturity_to, _LAST_DAY) + timedelta(days=1), time(), UTC)
        return Asked(self.limit, self.cursor, since, until)
