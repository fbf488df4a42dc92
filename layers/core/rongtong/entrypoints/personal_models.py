"""Bodies and queries of the routes about personal data. What is not named is refused; no refusal repeats it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rongtong.entrypoints.confirmation_models import Digits, Token
from rongtong.entrypoints.models import Code
from rongtong.entrypoints.queries import Cursor

PersonalFieldName = Literal["legal_representative", "mobile", "account_number"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class ConsentBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/consents"""

    terms_version: Code
    """The version of the terms that the enterprise consents to, as the terms themselves name it."""


class DisclosureBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/disclosures"""

    operator_id: Code
    """Who is to see it: an active operator of the enterprise."""
    access_token: Token
    """Of the operator's own fresh login."""
    code: Digits
    """As it came to the operator's mobile; asked for with the purpose `disclosure`."""
    reason: Literal["DATA_SUBJECT_REQUEST", "CORRECTION", "PAYMENT_INQUIRY", "COMPLAINT"]
    """Why."""
    fields: Annotated[list[PersonalFieldName], Field(min_length=1, max_length=3)]
    """Which fields, and no others, are shown."""


class ClosureBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/closure"""

    reason: Literal["RELATIONSHIP_ENDED", "DELETION_REQUESTED"]
    """Why; both do the same."""


class ExportQuery(BaseModel):
    """GET /v1/enterprises/{enterprise_id}/export"""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    cursor: Cursor | None = None
    """`next_cursor` of the page before."""
