"""Bodies of the public API. What is not named here is refused, and nothing is converted silently."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)


def _iso_date(value: object) -> object:
    """Only the text form YYYY-MM-DD; pydantic alone would also take timestamps."""
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("must be a date as YYYY-MM-DD")
    return date.fromisoformat(value)


Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,63}$")]
Fen = Annotated[int, Field(gt=0, le=10**15)]
Percent = Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,6})?$")]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Account(_Body):
    """A settlement account; the bank code is the 12-digit CNAPS number."""

    bank_code: Code
    account_number: Annotated[str, StringConstraints(min_length=5, max_length=32, pattern=r"^[0-9]+$")]
    account_name: Text


class Consent(_Body):
    """Which version of the terms the enterprise agreed to (PIPL article 14)."""

    terms_version: Code


class Profile(_Body):
    """What the enterprise declares of itself; the risk rules that need it say so where it is missing."""

    registered_on: IsoDate | None = None
    capital_fen: Fen | None = None
    shared_address_count: Annotated[int, Field(ge=0, le=10**6)] | None = None
    declared_turnover_fen: Fen | None = None


class EnterpriseBody(_Body):
    """POST /v1/enterprises"""

    name: Text
    uscc: Code
    legal_representative: Text
    mobile: Code
    account: Account
    consent: Consent
    profile: Profile | None = None


class Bill(_Body):
    """The bill range that its holder has, as it states it, and how much of it is discounted (all, if not said)."""

    number: Code
    range: Annotated[str, StringConstraints(min_length=1, max_length=25)]
    amount_fen: Fen
    deal_amount_fen: Fen | None = None
    kind: Literal["AC01", "AC02"]
    issue_date: IsoDate
    maturity_date: IsoDate
    acceptor_bank_code: Code


class Delivery(_Body):
    """A delivery under the order."""

    number: Code
    date: IsoDate
    consignee_uscc: Code


class MoneyFlow(_Body):
    """A payment that belongs to the trade."""

    payer_uscc: Code
    payee_uscc: Code
    amount_fen: Fen
    date: IsoDate


class Trade(_Body):
    """The order behind the bill, with its invoice, or with its money flows where the product takes those (三流合一)."""

    order_number: Code
    order_amount_fen: Fen
    order_date: IsoDate
    order_buyer_uscc: Code
    invoice_number: Code | None = None
    deliveries: Annotated[list[Delivery], Field(max_length=20)] = []
    money_flows: Annotated[list[MoneyFlow], Field(max_length=20)] = []


class Interest(_Body):
    """Who pays the interest (付息方式); ``agreement`` names the contract by which a buyer does."""

    payer: Literal["seller", "buyer", "agreement"]
    buyer_share_percent: Percent | None = None
    agreement: Code | None = None


class Repurchase(_Body):
    """Redemption dates and rate of a discount that is not outright (回购式), for quotes."""

    open_date: IsoDate
    close_date: IsoDate
    annual_rate: Percent


class Access(_Body):
    """Where the operator was, as far as the partner knows; kept as hashes but for the region."""

    ip: Code | None = None
    device: Code | None = None
    region: Code | None = None


class Confirmation(_Body):
    """Who confirmed at the partner, and with which factors."""

    operator: Code
    factors: Annotated[list[Code], Field(min_length=1, max_length=5)]
    access: Access | None = None


class DiscountBody(_Body):
    """POST /v1/discounts"""

    enterprise_id: Code
    institution_id: Code
    bill: Bill
    trade: Trade
    payee_account: Annotated[str, StringConstraints(min_length=5, max_length=32, pattern=r"^[0-9]+$")]
    confirmation: Confirmation | None = None
    interest: Interest | None = None
    quote_id: Code | None = None


class QuoteBody(_Body):
    """POST /v1/quotes"""

    institution_ids: Annotated[list[Code], Field(min_length=1, max_length=20)]
    kind: Literal["AC01", "AC02"]
    acceptor_bank_code: Code
    amount_fen: Fen
    maturity_date: IsoDate
    interest: Interest | None = None
    repurchase: Repurchase | None = None


class AccountBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/account"""

    account: Account


class ChangeBody(_Body):
    """POST /v1/operations/changes"""

    kind: Code
    content: dict[str, Any]
    """As the kind has it; docs/operations/changes.md shows each."""


class DecisionBody(_Body):
    """POST /v1/operations/changes/{change_id}/decision"""

    decision: Literal["approve", "reject"]


class ReviewBody(_Body):
    """POST /v1/operations/reviews/{discount_id}"""

    decision: Literal["approve", "reject"]
    note: ReasonCode
    """A code such as FILES_SEEN: the event goes to the partner and to the log, so it holds no free text."""


class NoticeBody(_Body):
    """POST /v1/bank/notices"""

    reference: Code
    status: Literal["PROCESSING", "SUCCEEDED", "FAILED", "RETURNED", "REVERSED"]
    bank_serial: Code | None = None
    reason: ReasonCode | None = None


class SuspensionBody(_Body):
    """POST /v1/operations/suspensions"""

    scope: Literal["platform", "institution", "partner", "enterprise"]
    id: Annotated[Code | None, Field(validate_default=True)] = None
    reason: ReasonCode

    @field_validator("id")
    @classmethod
    def _named_unless_platform(cls, value: str | None, info: ValidationInfo) -> str | None:
        scope = info.data.get("scope")
        if scope == "platform" and value is not None:
            raise ValueError("the platform has no id; leave it out")
        if scope is not None and scope != "platform" and value is None:
            raise ValueError(f"name the {scope}")
        return value


class ResolutionBody(_Body):
    """POST /v1/operations/incidents/{incident_id}/resolution"""

    note: ReasonCode


class ReplayBody(_Body):
    """POST /v1/operations/executions/{execution_id}/replay and …/dead-letters/{path}/redelivery"""

    why: ReasonCode


def plain(body: _Body) -> dict[str, Any]:
    """A part of a body as JSON values, without what was not sent."""
    return body.model_dump(mode="json", exclude_none=True)
