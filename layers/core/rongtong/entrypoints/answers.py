"""Answers of the API to partners, field by field: for its description and for tests, never for handlers.

A service makes its answer itself; what stands here is held against it by tests. Fields that may be missing are left
out of an answer, never null, unless null is named. Amounts are fen, instants RFC 3339 in UTC with milliseconds, days
those of Asia/Shanghai.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rongtong.domain.lifecycle import DiscountStatus, EnterpriseStatus

Instant = Annotated[datetime, Field(examples=["2026-04-15T02:00:00.000Z"])]
Day = Annotated[date, Field(examples=["2026-07-06"])]
Fen = Annotated[int, Field(ge=0)]
Rate = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}\.[0-9]{6}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Range = Annotated[str, StringConstraints(pattern=r"^(0|[0-9]{12}-[0-9]{12})$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{2,63}$")]
Kind = Literal["AC01", "AC02"]


def identifier(prefix: str) -> Any:
    """The form of an id that the platform makes."""
    return StringConstraints(pattern=f"^{prefix}_[a-z2-7]{{26}}$")


DiscountId = Annotated[str, identifier("dsc")]
EnterpriseId = Annotated[str, identifier("ent")]
QuoteId = Annotated[str, identifier("quo")]
MAY_BE_MISSING: Any = Field(default=None)
"""Marks a field that is left out where there is nothing to say; null is no value of it."""


def example(**values: Any) -> ConfigDict:
    """A model's configuration with an example of it."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


class Answer(BaseModel):
    """What all answers have in common: tests refuse a field that is not named."""

    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """An RFC 9457 problem. Decide by `code`; `detail` is for persons and may change. Ignore members not named here."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:rongtong:problem:RANGE_AMOUNT_MISMATCH",
                    "title": "Not acceptable",
                    "status": 422,
                    "code": "RANGE_AMOUNT_MISMATCH",
                    "detail": "The range has 345000000 units and the amount is 345000001 fen; one unit is one fen.",
                    "field": "bill.amount_fen",
                    "instance": "/v1/discounts",
                }
            ]
        }
    )

    type: str
    """`urn:rongtong:problem:` and the code."""
    title: str
    """The status in words."""
    status: Annotated[int, Field(ge=400, le=599)]
    """The HTTP status."""
    code: ReasonCode
    """Stable; every code stands in the reason codes with what to do about it."""
    detail: str
    """What is wrong and what to do next."""
    field: str = MAY_BE_MISSING
    """Which part of the body, query or which header is at fault, as a path with dots."""
    instance: str = MAY_BE_MISSING
    """The path of the request."""


class Enterprise(Answer):
    """A supplier as its partner may see it: what belongs to persons and accounts is masked (JR/T 0171)."""

    model_config = example(
        enterprise_id="ent_l2ey4uvbq3v6s63dkwifgjs5qb",
        status="ACTIVE",
        name="示例供应商01号有限公司",
        uscc="91350100MA00000155",
        bank_code="309391000011",
        registered_at="2026-04-15T02:00:00.000Z",
        legal_representative="**甲",
        mobile="138****0001",
        account_number="**************0001",
    )

    enterprise_id: EnterpriseId
    """The same for the same partner and credit code, however often it is registered."""
    status: EnterpriseStatus
    """PENDING while it is verified, then ACTIVE or REFUSED; CLOSED for good, and ERASED when its data is."""
    reason: ReasonCode = MAY_BE_MISSING
    """Why it is REFUSED."""
    name: str
    """The name on its licence."""
    uscc: str
    """Unified social credit code (统一社会信用代码), 18 characters."""
    bank_code: str
    """The bank of the account it is paid to: 12-digit CNAPS number (联行号)."""
    registered_at: Instant
    """When it was registered first."""
    legal_representative: str
    """Masked but for the last character; `*` once it is CLOSED."""
    mobile: str
    """Masked but for three digits in front and four behind; `*` once it is CLOSED."""
    account_number: str
    """Masked but for the last four digits; `*` once it is CLOSED."""
    consent_withdrawn_at: Instant = MAY_BE_MISSING
    """Since when its consent is withdrawn and no new discount is taken."""
    closed_at: Instant = MAY_BE_MISSING
    """When it was closed."""
    retain_until: Instant = MAY_BE_MISSING
    """Until when the law has its data kept; it is erased then."""
    erased_at: Instant = MAY_BE_MISSING
    """When it was erased."""
    suspended: Literal[True] = MAY_BE_MISSING
    """There while its business is suspended; only reading one enterprise tells it."""


class Discount(Answer):
    """A discount of one bill range. The price is there once the bill is verified, the payment once it is paid."""

    model_config = example(
        discount_id="dsc_4syj3glkr6jt3apmgd3n43zvfh",
        enterprise_id="ent_nzfju3c3xv6chtovrrfhqyo6fx",
        institution_id="bank-1",
        status="DISBURSED",
        bill_number="531310000001320260304000000016",
        range="000894000001-001239000000",
        face_fen=345_000_000,
        accepted_at="2026-04-15T02:00:00.000Z",
        priced_on="2026-04-15",
        due_date="2026-07-06",
        annual_rate="1.310000",
        days=82,
        interest_fen=1_029_442,
        proceeds_fen=343_970_558,
        contract_sha256="8c736920cd8ab96588949b2caf724ef64aeabc93db22c8537f942746910cfc20",
        finished_at="2026-04-15T02:00:01.210Z",
        paid_at="2026-04-15T02:00:01.210Z",
        paid_fen=343_970_558,
        limits="CONSUMED",
    )

    discount_id: DiscountId
    """Made from the partner and its Idempotency-Key: a repeat names the same discount."""
    enterprise_id: EnterpriseId
    """The holder of the bill."""
    institution_id: str
    """Who funds it."""
    status: DiscountStatus
    """ACCEPTED → VERIFIED → SEALED → DISBURSED, by way of IN_REVIEW and AWAITING_CONFIRMATION where a person is needed;
    REFUSED (a rule) and FAILED (a fault) end it unpaid, RETURNED says that the money came back."""
    bill_number: str
    """30 digits (票据号码)."""
    range: Range
    """What is discounted of the bill (子票区间); `0` is the whole package as one that cannot be split."""
    face_fen: Fen
    """Its amount: one unit of the range is one fen."""
    accepted_at: Instant
    """When the range and the limits were taken."""
    remainder: Range = MAY_BE_MISSING
    """What the holder keeps of the range that it named, free to be discounted at once."""
    reason: ReasonCode = MAY_BE_MISSING
    """Why it is IN_REVIEW, REFUSED or FAILED."""
    priced_on: Day = MAY_BE_MISSING
    """The day whose price it is; it is paid on that day or not at this price."""
    due_date: Day = MAY_BE_MISSING
    """Effective maturity: a day off rolls to the next legal working day."""
    annual_rate: Rate = MAY_BE_MISSING
    """Percent a year, six places."""
    days: Annotated[int, Field(ge=1)] = MAY_BE_MISSING
    """Days of interest of a 360-day year, the discount date in and the effective maturity out."""
    interest_fen: Fen = MAY_BE_MISSING
    """The whole interest, rounded half up once."""
    proceeds_fen: Fen = MAY_BE_MISSING
    """What the holder is paid."""
    buyer_interest_fen: Fen = MAY_BE_MISSING
    """The buyer's part of the interest, where it has agreed to pay one."""
    fee_fen: Fen = MAY_BE_MISSING
    """The institution's fee, where it charges one."""
    confirmed_by: str = MAY_BE_MISSING
    """The operator whose confirmation came after the request."""
    review: Literal["approve", "reject"] = MAY_BE_MISSING
    """How a person decided, where one had to."""
    contract_sha256: Sha256 = MAY_BE_MISSING
    """SHA-256 of the contract, as the evidence log holds it."""
    finished_at: Instant = MAY_BE_MISSING
    """When it was paid or given up."""
    paid_at: Instant = MAY_BE_MISSING
    """When it was paid; there while it is DISBURSED."""
    paid_fen: Fen = MAY_BE_MISSING
    """What was paid; there while it is DISBURSED."""
    held: Literal["SUSPENDED", "RESTORED"] = MAY_BE_MISSING
    """There while nothing is paid: business with a party is suspended, or its payment came after a restored backup."""
    limits: Literal["RESERVED", "CONSUMED", "RETURNED"]
    """Where its part of the limits stands."""


class TimelineEvent(Answer):
    """Something that happened to a discount."""

    model_config = example(
        n=4,
        type="DiscountPaid",
        at="2026-04-15T02:00:01.210Z",
        data={"reference": "RT4SYJ3GLKR6JT3APMGD3N43ZVFH01", "bank_serial": "SB0", "amount_fen": 343_970_558},
    )

    n: Annotated[int, Field(ge=1)]
    """Its number: 1, 2, 3, … without gaps."""
    type: str
    """DiscountRequested, BillVerified, ReviewDecided, DiscountConfirmed, ContractSealed, DiscountPaid, EnterpriseTold,
    DiscountRefused, DiscountFailed, PaymentReturned, BillEndorsed, ExecutionReplayed; there may be more."""
    at: Instant
    """When."""
    data: dict[str, Any]
    """What it tells, by type; nothing that is sealed."""


class Timeline(Answer):
    """The events of a discount, oldest first."""

    discount_id: DiscountId
    """Whose."""
    events: list[TimelineEvent]
    """From its request on."""


class ReceiptEntry(Answer):
    """An event with the proof that the log holds it."""

    event: dict[str, Any]
    """The event exactly as it was hashed."""
    salt_hex: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    """The leaf is SHA-256 of this salt and the event's canonical bytes (RFC 8785)."""
    index: Annotated[int, Field(ge=0)]
    """The leaf's number in the log, from 0."""
    proof: list[Sha256]
    """Inclusion proof under the checkpoint (RFC 6962)."""


class ReceiptChain(Answer):
    """Where else the checkpoint lies."""

    kind: Literal["fabric"]
    """Hyperledger Fabric."""
    key: Sha256
    """The key to ask the chain for."""


class Receipt(Answer):
    """Proof, checkable offline, of every event of an ended discount. Keep the very bytes: a changed one is refused."""

    format: Literal["rongtong-receipt/2"]
    """The version of this form."""
    discount_id: DiscountId
    """Whose."""
    entries: Annotated[list[ReceiptEntry], Field(min_length=1)]
    """Its events, oldest first."""
    checkpoint: str
    """The log's head that covers them, signed by the log and by a quorum of witnesses (C2SP tlog-checkpoint)."""
    chain: ReceiptChain | None
    """null where no chain holds the checkpoint."""


class QuotedInterest(Answer):
    """Who pays the interest, as it was asked."""

    payer: Literal["seller", "buyer", "agreement"]
    """Who."""
    buyer_share_percent: str = MAY_BE_MISSING
    """The buyer's part, where the payer is agreement."""
    agreement: str = MAY_BE_MISSING
    """The contract by which a buyer pays."""


class QuotedBill(Answer):
    """What was quoted for."""

    kind: Kind
    """AC01 bank acceptance bill, AC02 commercial acceptance bill."""
    acceptor_bank_code: str
    """The accepting bank's CNAPS number."""
    maturity_date: Day
    """As it stands on the bill."""
    amount_fen: Fen
    """How much."""
    interest: QuotedInterest = MAY_BE_MISSING
    """Who pays the interest, where it was said."""


class QuotedRepurchase(Answer):
    """The redemption that was asked about (回购式)."""

    open_date: Day
    """The first day of redemption."""
    close_date: Day
    """The last one."""
    annual_rate: str
    """Percent a year."""


class Offer(Answer):
    """What one institution would pay, or why it makes no offer."""

    institution_id: str
    """Who."""
    reason: ReasonCode | None
    """Why there is no offer; null where there is one."""
    rate_version: int = MAY_BE_MISSING
    """Which version of its rates."""
    due_date: Day = MAY_BE_MISSING
    """Effective maturity."""
    annual_rate: Rate = MAY_BE_MISSING
    """Percent a year, six places."""
    days: Annotated[int, Field(ge=1)] = MAY_BE_MISSING
    """Days of interest."""
    interest_fen: Fen = MAY_BE_MISSING
    """The whole interest."""
    proceeds_fen: Fen = MAY_BE_MISSING
    """What the holder would be paid."""
    buyer_interest_fen: Fen = MAY_BE_MISSING
    """The buyer's part of the interest."""
    fee_fen: Fen = MAY_BE_MISSING
    """The fee."""
    redemption_open_fen: Fen = MAY_BE_MISSING
    """What redemption costs on its first day."""
    redemption_close_fen: Fen = MAY_BE_MISSING
    """What redemption costs on its last day."""
    deduction_per_100k_yuan: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]{2}$")] = MAY_BE_MISSING
    """Yuan deducted of every 100,000 yuan (每十万扣款)."""


class Quote(Answer):
    """Every institution's offer, best first; those without one last."""

    model_config = example(
        quote_id="quo_wdf4nxekleycgu3dhmlheuow3c",
        quoted_at="2026-04-15T02:00:00.000Z",
        expires_at="2026-04-15T02:30:00.000Z",
        bill={
            "kind": "AC01",
            "acceptor_bank_code": "313301099999",
            "maturity_date": "2026-05-24",
            "amount_fen": 120_538_371,
        },
        acceptor_class="city",
        offers=[
            {
                "institution_id": "bank-3",
                "reason": None,
                "rate_version": 1,
                "due_date": "2026-05-25",
                "annual_rate": "1.300000",
                "days": 40,
                "interest_fen": 174_111,
                "proceeds_fen": 120_364_260,
                "deduction_per_100k_yuan": "144.44",
            },
            {"institution_id": "bank-4", "reason": "LIMIT_EXCEEDED"},
        ],
    )

    quote_id: QuoteId
    """To be named in a discount request."""
    quoted_at: Instant
    """When it was made."""
    expires_at: Instant
    """Until when its rate holds for a request."""
    bill: QuotedBill
    """For what."""
    repurchase: QuotedRepurchase = MAY_BE_MISSING
    """With which redemption, where one was asked about."""
    acceptor_class: str
    """The acceptor's class in the institutions' rate tables."""
    offers: list[Offer]
    """Best first."""


OpenOrSuspended = Literal["open", "suspended"]


class Status(Answer):
    """Whether new requests of this partner are accepted now."""

    model_config = example(
        accepting=True, service_hours="open", platform="open", partner="open", institutions={"bank-1": "open"}
    )

    accepting: bool
    """Whether a request can be accepted at all."""
    service_hours: Literal["open", "closed"]
    """Whether it is within the hours of service of a working day."""
    platform: OpenOrSuspended
    """The whole platform."""
    partner: OpenOrSuspended
    """This partner."""
    institutions: dict[str, OpenOrSuspended]
    """Those agreed with the partner; of a partner that may use all, those that are suspended."""


NextCursor = Annotated[str, Field(max_length=512)]


class DiscountList(Answer):
    """A page of the caller's discounts, newest first. A page may be short, even empty, and yet have a next one."""

    discounts: list[Discount]
    """With `fields`, each has its id and the fields named."""
    next_cursor: NextCursor | None
    """Send it as `cursor` for what follows; null at the end."""


class EnterpriseList(Answer):
    """A page of the caller's enterprises, newest first. A page may be short, even empty, and yet have a next one."""

    enterprises: list[Enterprise]
    """With `fields`, each has its id and the fields named."""
    next_cursor: NextCursor | None
    """Send it as `cursor` for what follows; null at the end."""


class QuoteList(Answer):
    """A page of the caller's quotes, newest first. A page may be short, even empty, and yet have a next one."""

    quotes: list[Quote]
    """With `fields`, each has its id and the fields named."""
    next_cursor: NextCursor | None
    """Send it as `cursor` for what follows; null at the end."""
