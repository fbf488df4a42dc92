"""Bodies of the public API. What is not named here is refused, and nothing is converted silently."""

from __future__ import annotations

import re
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

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def one_of(*names: str) -> dict[str, Any]:
    """What a model that takes exactly one of its fields says of that in its schema; null is as good as not sent."""
    told = {name: {"not": {"type": "null"}} for name in names}
    return {"oneOf": [{"required": [name], "properties": {name: told[name]}} for name in names]}


def _iso_date(value: object) -> object:
    """Only the text form YYYY-MM-DD; pydantic alone would also take timestamps."""
    # What comes as a week (2026-W16-3) is as long.
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("must be a date as YYYY-MM-DD")
    return date.fromisoformat(value)


INK = r"[^\s\x1c-\x1f\x85]"
"""A character that a person can read or write: what spaces are is told apart by few in the same way."""
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=INK),
]
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
    """The bank's CNAPS number (联行号), 12 digits."""
    account_number: Annotated[str, StringConstraints(min_length=5, max_length=32, pattern=r"^[0-9]+$")]
    """Digits alone."""
    account_name: Text
    """The name under which the bank holds it: the enterprise's own."""


class Consent(_Body):
    """Which version of the terms was agreed to, by the enterprise or the person (PIPL article 14)."""

    terms_version: Code
    """As the terms themselves name it."""


class Profile(_Body):
    """What the enterprise declares of itself; the risk rules that need it say so where it is missing."""

    registered_on: IsoDate | None = None
    """The day on its licence."""
    capital_fen: Fen | None = None
    """Registered capital, fen."""
    shared_address_count: Annotated[int, Field(ge=0, le=10**6)] | None = None
    """How many other companies are registered at its address."""
    declared_turnover_fen: Fen | None = None
    """Yearly turnover, fen."""


class EnterpriseBody(_Body):
    """POST /v1/enterprises"""

    name: Text
    """The name on its licence."""
    uscc: Code
    """Unified social credit code (统一社会信用代码), 18 characters with a check character."""
    legal_representative: Text
    """The name in full; it is encrypted, and answered masked."""
    mobile: Code
    """11 digits of mainland China, for messages; encrypted, and answered masked."""
    account: Account
    """Where it is paid to."""
    consent: Consent
    """What it agreed to."""
    profile: Profile | None = None
    """What it declares of its size and age."""


class Bill(_Body):
    """The bill range that its holder has, as it states it, and how much of it is discounted (all, if not said)."""

    number: Code
    """30 digits (票据号码)."""
    range: Annotated[str, StringConstraints(min_length=1, max_length=25)]
    """Sub-bill range (子票区间) like `000000000001-000000123456` or `1-123456`; `0` for the whole package."""
    amount_fen: Fen
    """The range's amount, fen: one unit is one fen."""
    deal_amount_fen: Fen | None = None
    """How much of it is discounted, from its first unit on; all, if not said."""
    kind: Literal["AC01", "AC02"]
    """AC01 bank acceptance bill, AC02 commercial acceptance bill."""
    issue_date: IsoDate
    """As it stands on the bill."""
    maturity_date: IsoDate
    """As it stands on the bill."""
    acceptor_bank_code: Code
    """The accepting bank's CNAPS number, 12 digits."""


class Delivery(_Body):
    """A delivery under the order."""

    number: Code
    """Of the delivery note."""
    date: IsoDate
    """When it was delivered."""
    consignee_uscc: Code
    """Who received it: credit code."""


class MoneyFlow(_Body):
    """A payment that belongs to the trade."""

    payer_uscc: Code
    """Credit code of the payer."""
    payee_uscc: Code
    """Credit code of the payee."""
    amount_fen: Fen
    """Fen."""
    date: IsoDate
    """When it was paid."""


class Trade(_Body):
    """The order behind the bill, with its invoice, or with its money flows where the product takes those (三流合一)."""

    order_number: Code
    """Unique for its seller."""
    order_amount_fen: Fen
    """Fen."""
    order_date: IsoDate
    """When it was placed."""
    order_buyer_uscc: Code
    """Credit code of the buyer: the prior hand of the bill."""
    invoice_number: Code | None = None
    """The invoice; without it money flows stand in for it where the kind of bill allows that."""
    deliveries: Annotated[list[Delivery], Field(max_length=20)] = []
    """Deliveries under the order, if there are any to tell of."""
    money_flows: Annotated[list[MoneyFlow], Field(max_length=20)] = []
    """The buyer's other payments; with the bill they add up to the order."""


class Interest(_Body):
    """Who pays the interest (付息方式); ``agreement`` names the contract by which a buyer does."""

    payer: Literal["seller", "buyer", "agreement"]
    """Who pays it: the holder (if not said), the buyer, or both by an agreement."""
    buyer_share_percent: Percent | None = None
    """The buyer's part, 0 to 100, where the payer is agreement."""
    agreement: Code | None = None
    """Number of the contract; a discount that the buyer pays for needs it."""


class Repurchase(_Body):
    """Redemption dates and rate of a discount that is not outright (回购式), for quotes."""

    open_date: IsoDate
    """The first day of redemption."""
    close_date: IsoDate
    """The last one."""
    annual_rate: Percent
    """Percent a year."""


class Access(_Body):
    """Where the operator was, as far as the partner knows; kept as hashes but for the region."""

    ip: Code | None = None
    """The operator's address."""
    device: Code | None = None
    """A name of the device that stays the same."""
    region: Code | None = None
    """Where that was, as the partner names regions."""


class Confirmation(_Body):
    """Who confirmed at the partner, and with which factors."""

    operator: Code
    """The partner's name for the person."""
    factors: Annotated[list[Code], Field(min_length=1, max_length=5)]
    """With what it was confirmed: `password` and `otp`."""
    access: Access | None = None
    """From where."""


class DiscountBody(_Body):
    """POST /v1/discounts"""

    enterprise_id: Code
    """The holder, as its registration answered."""
    institution_id: Code
    """Who is to fund it; one agreed with the platform."""
    bill: Bill
    """What is discounted."""
    trade: Trade
    """What it was given for."""
    payee_account: Annotated[str, StringConstraints(min_length=5, max_length=32, pattern=r"^[0-9]+$")]
    """The enterprise's verified account."""
    confirmation: Confirmation | None = None
    """The operator's two factors; without it the discount waits for them (AWAITING_CONFIRMATION)."""
    interest: Interest | None = None
    """Who pays the interest, if not the holder alone."""
    quote_id: Code | None = None
    """A quote whose rate is to hold."""


class QuoteBody(_Body):
    """POST /v1/quotes"""

    institution_ids: Annotated[list[Code], Field(min_length=1, max_length=20)]
    """Whom to ask; each is asked once."""
    kind: Literal["AC01", "AC02"]
    """AC01 bank acceptance bill, AC02 commercial acceptance bill."""
    acceptor_bank_code: Code
    """The accepting bank's CNAPS number, 12 digits."""
    amount_fen: Fen
    """How much is to be discounted, fen."""
    maturity_date: IsoDate
    """As it stands on the bill; at most one year ahead."""
    interest: Interest | None = None
    """Who pays the interest, if not the holder alone."""
    repurchase: Repurchase | None = None
    """A redemption to be quoted; it is not discounted yet."""


class AccountBody(_Body):
    """POST /v1/enterprises/{enterprise_id}/account"""

    account: Account
    """From now on; the bank must confirm that the same enterprise holds it."""


class ChangeBody(_Body):
    """POST /v1/operations/changes"""

    kind: Code
    """What is changed, like rate_table or limits."""
    content: dict[str, Any]
    """As the kind has it; docs/operations/changes.md shows each."""


class DecisionBody(_Body):
    """POST /v1/operations/changes/{change_id}/decision"""

    decision: Literal["approve", "reject"]
    """An approval takes effect at once."""


class ReviewBody(_Body):
    """POST /v1/operations/reviews/{discount_id}"""

    decision: Literal["approve", "reject"]
    """The discount goes on, or ends REFUSED."""
    note: ReasonCode
    """A code such as FILES_SEEN: the event goes to the partner and to the log, so it holds no free text."""


class NoticeBody(_Body):
    """POST /v1/bank/notices"""

    reference: Code
    """As the order named it."""
    status: Literal["PROCESSING", "SUCCEEDED", "FAILED", "RETURNED", "REVERSED"]
    """What became of it; RETURNED by the payee's bank (退票), REVERSED by the paying one (冲正)."""
    bank_serial: Code | None = None
    """The bank's own number of the booking."""
    reason: ReasonCode | None = None
    """Why it failed or came back."""


def _id_unless_platform(schema: dict[str, Any]) -> None:
    """The same rule as a schema."""
    schema["if"] = {"properties": {"scope": {"const": "platform"}}, "required": ["scope"]}
    schema["then"] = {"properties": {"id": {"type": "null"}}}
    schema["else"] = {"properties": {"id": {"type": "string"}}, "required": ["id"]}


class SuspensionBody(_Body):
    """POST /v1/operations/suspensions"""

    model_config = ConfigDict(json_schema_extra=_id_unless_platform)

    scope: Literal["platform", "institution", "partner", "enterprise"]
    """Whose business is suspended."""
    id: Annotated[Code | None, Field(validate_default=True)] = None
    """Which one; left out for the platform."""
    reason: ReasonCode
    """Why, as a code."""

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
    """How it was settled, as a code."""


class AssignmentBody(_Body):
    """POST /v1/operations/incidents/{incident_id}/assignment"""

    assignee: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Who settles it: the name by which a person of operations signs."""


class ReplayBody(_Body):
    """POST /v1/operations/executions/{execution_id}/replay and …/dead-letters/{path}/redelivery"""

    why: ReasonCode
    """As a code; it stands in the event."""


class JobRunBody(_Body):
    """POST /v1/operations/jobs/{job}/runs"""

    why: ReasonCode
    """As a code; it stands in the event."""
    period: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}(-[0-9]{2})?$")] | None = None
    """A day or a month in Shanghai that is over, as the job has it; the newest, if not said."""
    again: bool = False
    """Whether to do it again where it has succeeded."""


def plain(body: _Body) -> dict[str, Any]:
    """A part of a body as JSON values, without what was not sent."""
    return body.model_dump(mode="json", exclude_none=True)
