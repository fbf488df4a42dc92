"""What the API takes and answers, as its description has it. Written by `make docs`.

Amounts are whole fen, rates percent a year as text, instants RFC 3339 in UTC, days those of Asia/Shanghai. There may be
fields and values that stand here not yet: ignore what you do not know.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class About(TypedDict):
    """What a complaint is about: one of the partner's own."""

    kind: Literal["discount", "enterprise"]
    """Which of the two."""

    id: str
    """Its id."""


class Access(TypedDict):
    """Where the operator was, as far as the partner knows; kept as hashes but for the region."""

    ip: NotRequired[str | None]
    """The operator's address."""

    device: NotRequired[str | None]
    """A name of the device that stays the same."""

    region: NotRequired[str | None]
    """Where that was, as the partner names regions."""


class Account(TypedDict):
    """A settlement account; the bank code is the 12-digit CNAPS number."""

    bank_code: str
    """The bank's CNAPS number (联行号), 12 digits."""

    account_number: str
    """Digits alone."""

    account_name: str
    """The name under which the bank holds it: the enterprise's own."""


class AccountBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/account"""

    account: Account
    """From now on; the bank must confirm that the same enterprise holds it."""


class Attempt(TypedDict):
    """One attempt to deliver."""

    at: str
    """When."""

    status: NotRequired[int]
    """The HTTP status of the answer, where there was one."""

    error: NotRequired[AttemptError]
    """Why there was none."""

    excerpt: NotRequired[str]
    """The beginning of an answer that was no success."""


AttemptError = Literal[
    "URL_FORBIDDEN", "ADDRESS_FORBIDDEN", "NAME_UNKNOWN", "NOT_CONNECTED", "TLS_FAILED", "TIMED_OUT", "NOT_HTTP"
]
"""Why an attempt had no HTTP answer."""


class Bill(TypedDict):
    """The bill range that its holder has, as it states it, and how much of it is discounted (all, if not said)."""

    number: str
    """30 digits (票据号码)."""

    range: str
    """Sub-bill range (子票区间) like `000000000001-000000123456` or `1-123456`; `0` for the whole package."""

    amount_fen: int
    """The range's amount, fen: one unit is one fen."""

    deal_amount_fen: NotRequired[int | None]
    """How much of it is discounted, from its first unit on; all, if not said."""

    kind: Literal["AC01", "AC02"]
    """AC01 bank acceptance bill, AC02 commercial acceptance bill."""

    issue_date: str
    """As it stands on the bill."""

    maturity_date: str
    """As it stands on the bill."""

    acceptor_bank_code: str
    """The accepting bank's CNAPS number, 12 digits."""


class BillImport(TypedDict):
    """An import, and how far it is."""

    import_id: str
    """Its id."""

    status: ImportStatus
    """DONE: every line was imported or refused. FAILED: the file cannot be read; `reason` says why."""

    format: Literal["csv", "xlsx", "json"]
    """What the file is."""

    file_sha256: str
    """Of the file."""

    file_bytes: int
    """How long the file is."""

    enterprise_id: NotRequired[str]
    """Who holds the bills of lines that name nobody."""

    institution_ids: NotRequired[list[str]]
    """Who is asked for a price ahead of time."""

    created_at: str
    """When it was asked for."""

    lines: NotRequired[int]
    """How many lines the file has, once it was read."""

    done: int
    """How many of them were imported or refused so far."""

    imported: int
    """How many were imported."""

    refused: int
    """How many were refused."""

    reason: NotRequired[str]
    """Why the file cannot be read."""

    finished_at: NotRequired[str]
    """When it ended."""

    upload: NotRequired[UploadTo]
    """Where to put the file, while it is awaited."""


class BillImportBody(TypedDict):
    """POST /v1/bill-imports: the bills themselves, a small file, or the announcement of a large one."""

    format: NotRequired[Literal["csv", "xlsx", "json"]]
    """What the file is; the bills themselves are JSON."""

    enterprise_id: NotRequired[str | None]
    """Who holds the bills of lines that name no enterprise."""

    institution_ids: NotRequired[list[str]]
    """Whom to ask for a price ahead of time; all that the partner has agreements with, if not said."""

    bills: NotRequired[list[dict[str, Any]]]
    """Each `{"enterprise_id", "bill", "trade"}` as in a discount request; one that is wrong is refused by its line."""

    content_base64: NotRequired[str]
    """A file of at most 200 lines, in base64."""

    upload: NotRequired[Upload]
    """A file of at most 10,000 lines that follows."""


class BillImportLines(TypedDict):
    """An import with what became of its lines so far."""

    import_id: str
    """Its id."""

    status: ImportStatus
    """DONE: every line was imported or refused. FAILED: the file cannot be read; `reason` says why."""

    format: Literal["csv", "xlsx", "json"]
    """What the file is."""

    file_sha256: str
    """Of the file."""

    file_bytes: int
    """How long the file is."""

    enterprise_id: NotRequired[str]
    """Who holds the bills of lines that name nobody."""

    institution_ids: NotRequired[list[str]]
    """Who is asked for a price ahead of time."""

    created_at: str
    """When it was asked for."""

    lines: NotRequired[int]
    """How many lines the file has, once it was read."""

    done: int
    """How many of them were imported or refused so far."""

    imported: int
    """How many were imported."""

    refused: int
    """How many were refused."""

    reason: NotRequired[str]
    """Why the file cannot be read."""

    finished_at: NotRequired[str]
    """When it ended."""

    upload: NotRequired[UploadTo]
    """Where to put the file, while it is awaited."""

    results: list[LineResult]
    """In the order of the file."""

    next_offset: int | None
    """Null at the end of what was worked on so far."""


class BillImportList(TypedDict):
    """A page of imports, the newest first."""

    bill_imports: list[BillImport]
    """Without `upload`."""

    next_cursor: str | None
    """Null at the end."""


class BillList(TypedDict):
    """A page of bills, those that mature last first."""

    bills: list[ImportedBill]
    """As they stand now."""

    next_cursor: str | None
    """Null at the end."""


BillStatus = Literal["IMPORTED", "QUALIFIED", "REVIEW", "NOT_QUALIFIED", "MATURED"]
"""What is known ahead of time of an imported bill."""


class Challenge(TypedDict):
    """What the operator must be shown before it confirms."""

    challenge_id: str
    """It counts until another one is begun for the same operator."""

    discount_id: str
    """What is confirmed."""

    operator_id: str
    """Who confirms."""

    payer_name: str
    """Who pays: the institution that discounts."""

    payee_name: str
    """Who is paid."""

    payee_account: str
    """To which account, its last four digits."""

    face_fen: int
    """Face of what is discounted."""

    proceeds_fen: int
    """What is paid."""

    bill_number: str
    """Of which bill."""

    range: str
    """Which sub-bill range of it."""

    factors: list[Factor]
    """What the amount takes, all of them."""

    code_digits: int
    """How long the code is."""

    code_sent_to: str
    """The mobile, masked."""

    expires_at: str
    """When the code counts no longer."""

    attempts_left: int
    """How many more are looked at."""

    reserved_phrase: str | None
    """What the operator chose; a page that does not show it is not ours (预留信息)."""


class ChallengeBody(TypedDict):
    """POST /v1/discounts/{discount_id}/confirmation-challenges"""

    operator_id: str
    """Who is to confirm."""


class ClosureBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/closure"""

    reason: Literal["RELATIONSHIP_ENDED", "DELETION_REQUESTED"]
    """Why; both do the same."""


class CodeBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}/codes"""

    purpose: Literal["login_password", "payment_password", "disclosure"]
    """What the code is to set, or `disclosure`: to be shown the enterprise's personal data in full."""


class Complaint(TypedDict):
    """A complaint with everything that was written."""

    complaint_id: str
    """Its id."""

    about: ComplaintAbout
    """What it is about."""

    category: ComplaintCategory
    """Of which kind."""

    status: ComplaintStatus
    """Where it stands."""

    received_at: str
    """When it was taken in."""

    answer_by: str
    """By when it is answered."""

    overdue: bool
    """Whether that has passed without an answer."""

    taken_by: NotRequired[str]
    """Who looks into it."""

    answered_at: NotRequired[str]
    """When it was answered last."""

    answered_by: NotRequired[str]
    """By whom."""

    closed_at: NotRequired[str]
    """When the complainant closed it."""

    messages: list[Message]
    """Oldest first."""


class ComplaintAbout(TypedDict):
    """What a complaint is about."""

    kind: Literal["discount", "enterprise"]
    """Which of the two."""

    id: str
    """Its id."""

    enterprise_id: str
    """The enterprise concerned."""


class ComplaintBody(TypedDict):
    """POST /v1/complaints"""

    about: About
    """What it is about."""

    category: Literal["PAYMENT", "PRICE", "REFUSAL", "PERSONAL_DATA", "SERVICE", "OTHER"]
    """Who is to look into it follows from this."""

    text: str
    """What the complainant says; it is encrypted."""


ComplaintCategory = Literal["PAYMENT", "PRICE", "REFUSAL", "PERSONAL_DATA", "SERVICE", "OTHER"]
"""What it is about."""


class ComplaintList(TypedDict):
    """Complaints without what was written."""

    complaints: list[ListedComplaint]
    """In the order of the list."""

    more: bool
    """Whether there are others."""

    next_cursor: str | None
    """Send it as `cursor` for the next page; null at the end."""


ComplaintStatus = Literal["RECEIVED", "IN_PROGRESS", "ANSWERED", "REOPENED", "CLOSED"]
"""Where a complaint stands."""


class Confirmation(TypedDict):
    """Who confirmed at the partner, and with which factors."""

    operator: str
    """The partner's name for the person."""

    factors: list[str]
    """With what it was confirmed: `password` and `otp`."""

    access: NotRequired[Access | None]
    """From where."""


class Consent(TypedDict):
    """Which version of the terms was agreed to, by the enterprise or the person (PIPL article 14)."""

    terms_version: str
    """As the terms themselves name it."""


class ConsentBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/consents"""

    terms_version: str
    """The version of the terms that the enterprise consents to, as the terms themselves name it."""


class ConsentList(TypedDict):
    """Every consent of an enterprise."""

    enterprise_id: str
    """Whose."""

    standing: bool
    """Whether the newest one counts: without it no new discount is taken."""

    consents: list[GivenConsent]
    """The newest first."""


class Delivery(TypedDict):
    """A delivery under the order."""

    number: str
    """Of the delivery note."""

    date: str
    """When it was delivered."""

    consignee_uscc: str
    """Who received it: credit code."""


class DeliveryList(TypedDict):
    """A page of an endpoint's deliveries. A page may be short, even empty, and yet have a next one."""

    deliveries: list[WebhookDelivery]
    """What was begun, or given up as a dead letter, last comes first."""

    more: bool
    """Whether there are others."""

    next_cursor: str | None
    """Send it as `cursor` for the next page; null at the end."""


class DeliveryOf(TypedDict):
    """A delivery under the order."""

    number: str
    """Of the delivery note."""

    date: str
    """When."""

    consignee_uscc: str
    """To whom."""


DeliveryStatus = Literal["PENDING", "DELIVERED", "DEAD"]
"""Where a delivery stands."""


class Disclosed(TypedDict):
    """Personal data in full; it is answered once."""

    enterprise_id: str
    """Whose."""

    reason: DisclosureReason
    """Why, as it is recorded."""

    fields: dict[str, str]
    """The fields that were asked for, and no others."""


class DisclosureBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/disclosures"""

    operator_id: str
    """Who is to see it: an active operator of the enterprise."""

    access_token: str
    """Of the operator's own fresh login."""

    code: str
    """As it came to the operator's mobile; asked for with the purpose `disclosure`."""

    reason: Literal["DATA_SUBJECT_REQUEST", "CORRECTION", "PAYMENT_INQUIRY", "COMPLAINT"]
    """Why."""

    fields: list[Literal["legal_representative", "mobile", "account_number"]]
    """Which fields, and no others, are shown."""


DisclosureReason = Literal[
    "DATA_SUBJECT_REQUEST", "CORRECTION", "PAYMENT_INQUIRY", "COMPLAINT", "AUTHORITY_REQUEST", "AML_INVESTIGATION"
]
"""Why personal data is shown in full."""


class Discount(TypedDict):
    """A discount of one bill range. The price is there once the bill is verified, the payment once it is paid."""

    discount_id: str
    """Made from the partner and its Idempotency-Key: a repeat names the same discount."""

    enterprise_id: str
    """The holder of the bill."""

    institution_id: str
    """Who funds it."""

    status: DiscountStatus
    """ACCEPTED → VERIFIED → SEALED → DISBURSED, by way of IN_REVIEW and AWAITING_CONFIRMATION where a person is needed;
    REFUSED (a rule) and FAILED (a fault) end it unpaid, RETURNED says that the money came back."""

    bill_number: str
    """30 digits (票据号码)."""

    range: str
    """What is discounted of the bill (子票区间); `0` is the whole package as one that cannot be split."""

    face_fen: int
    """Its amount: one unit of the range is one fen."""

    accepted_at: str
    """When the range and the limits were taken."""

    remainder: NotRequired[str]
    """What the holder keeps of the range that it named, free to be discounted at once."""

    reason: NotRequired[str]
    """Why it is IN_REVIEW, REFUSED or FAILED."""

    priced_on: NotRequired[str]
    """The day whose price it is; it is paid on that day or not at this price."""

    due_date: NotRequired[str]
    """Effective maturity: a day off rolls to the next legal working day."""

    annual_rate: NotRequired[str]
    """Percent a year, six places."""

    days: NotRequired[int]
    """Days of interest of a 360-day year, the discount date in and the effective maturity out."""

    interest_fen: NotRequired[int]
    """The whole interest, rounded half up once."""

    proceeds_fen: NotRequired[int]
    """What the holder is paid."""

    buyer_interest_fen: NotRequired[int]
    """The buyer's part of the interest, where it has agreed to pay one."""

    fee_fen: NotRequired[int]
    """The institution's fee, where it charges one."""

    confirmed_by: NotRequired[str]
    """The operator whose confirmation came after the request."""

    review: NotRequired[Literal["approve", "reject"]]
    """How a person decided, where one had to."""

    contract_sha256: NotRequired[str]
    """SHA-256 of the contract, as the evidence log holds it."""

    finished_at: NotRequired[str]
    """When it was paid or given up."""

    paid_at: NotRequired[str]
    """When it was paid; there while it is DISBURSED."""

    paid_fen: NotRequired[int]
    """What was paid; there while it is DISBURSED."""

    held: NotRequired[Literal["SUSPENDED", "RESTORED"]]
    """There while nothing is paid: business with a party is suspended, or its payment came after a restored backup."""

    limits: Literal["RESERVED", "CONSUMED", "RETURNED"]
    """Where its part of the limits stands."""


class DiscountBody(TypedDict):
    """POST /v1/discounts"""

    enterprise_id: str
    """The holder, as its registration answered."""

    institution_id: str
    """Who is to fund it; one agreed with the platform."""

    bill: Bill
    """What is discounted."""

    trade: Trade
    """What it was given for."""

    payee_account: str
    """The enterprise's verified account."""

    confirmation: NotRequired[Confirmation | None]
    """The operator's two factors; without it the discount waits for them (AWAITING_CONFIRMATION)."""

    interest: NotRequired[Interest | None]
    """Who pays the interest, if not the holder alone."""

    quote_id: NotRequired[str | None]
    """A quote whose rate is to hold."""


class DiscountList(TypedDict):
    """A page of the caller's discounts, newest first. A page may be short, even empty, and yet have a next one."""

    discounts: list[ListedListedDiscount]
    """With `fields`, each has its id and the fields named."""

    next_cursor: str | None
    """Send it as `cursor` for what follows; null at the end."""


DiscountStatus = Literal[
    "ACCEPTED", "IN_REVIEW", "AWAITING_CONFIRMATION", "VERIFIED", "SEALED", "DISBURSED", "RETURNED", "REFUSED", "FAILED"
]
"""Where a discount stands."""


class Endpoint(TypedDict):
    """Where webhooks are sent."""

    endpoint_id: str
    """Its id."""

    url: str
    """Where to."""

    types: list[str]
    """Which events; all, where the list is empty."""

    description: NotRequired[str]
    """The partner's own note."""

    status: Literal["ENABLED", "DISABLED"]
    """Whether it is sent to."""

    created_at: str
    """When it was registered."""

    disabled_at: NotRequired[str]
    """Since when it is DISABLED."""

    disabled_reason: NotRequired[str]
    """Why, where the platform disabled it."""

    public_keys: list[WebhookKey]
    """What signs now, newest first."""

    health: NotRequired[Health]
    """There while it fails."""


class EndpointBody(TypedDict):
    """POST /v1/webhook-endpoints"""

    url: str
    """Where webhooks are posted to: https, port 443 or 8443, a host name of the public internet."""

    types: NotRequired[list[str]]
    """The event types that are sent there; all, if none is named."""

    description: NotRequired[str | None]
    """The partner's own note."""


class EndpointChangeBody(TypedDict):
    """PATCH /v1/webhook-endpoints/{endpoint_id}: what is not named stays as it is."""

    url: NotRequired[str | None]
    """Where webhooks are posted to from now on, those that wait too."""

    types: NotRequired[list[str] | None]
    """The event types that are sent there; all, if the list is empty."""

    description: NotRequired[str | None]
    """The partner's own note; empty to take it away."""

    enabled: NotRequired[bool | None]
    """false: nothing is sent; true: what happens from now on is sent again."""


class EndpointList(TypedDict):
    """The caller's endpoints."""

    endpoints: list[Endpoint]
    """Oldest first."""


class EndpointWithSecret(TypedDict):
    """The same with its newest keys; the secret is told here and nowhere else."""

    endpoint_id: str
    """Its id."""

    url: str
    """Where to."""

    types: list[str]
    """Which events; all, where the list is empty."""

    description: NotRequired[str]
    """The partner's own note."""

    status: Literal["ENABLED", "DISABLED"]
    """Whether it is sent to."""

    created_at: str
    """When it was registered."""

    disabled_at: NotRequired[str]
    """Since when it is DISABLED."""

    disabled_reason: NotRequired[str]
    """Why, where the platform disabled it."""

    public_keys: list[WebhookKey]
    """What signs now, newest first."""

    health: NotRequired[Health]
    """There while it fails."""

    secret: str
    """`whsec_…`: for signatures that begin with `v1` (HMAC-SHA256). Keep it."""

    public_key: str
    """`whpk_…`: for those that begin with `v1a` (Ed25519)."""


class Enterprise(TypedDict):
    """A supplier as its partner may see it: what belongs to persons and accounts is masked (JR/T 0171)."""

    enterprise_id: str
    """The same for the same partner and credit code, however often it is registered."""

    status: EnterpriseStatus
    """PENDING while it is verified, then ACTIVE or REFUSED; CLOSED for good, and ERASED when its data is."""

    reason: NotRequired[str]
    """Why it is REFUSED."""

    name: str
    """The name on its licence."""

    uscc: str
    """Unified social credit code (统一社会信用代码), 18 characters."""

    bank_code: str
    """The bank of the account it is paid to: 12-digit CNAPS number (联行号)."""

    registered_at: str
    """When it was registered first."""

    legal_representative: str
    """Masked but for the last character; `*` once it is CLOSED."""

    mobile: str
    """Masked but for three digits in front and four behind; `*` once it is CLOSED."""

    account_number: str
    """Masked but for the last four digits; `*` once it is CLOSED."""

    consent_withdrawn_at: NotRequired[str]
    """Since when its consent is withdrawn and no new discount is taken."""

    closed_at: NotRequired[str]
    """When it was closed."""

    retain_until: NotRequired[str]
    """Until when the law has its data kept; it is erased then."""

    erased_at: NotRequired[str]
    """When it was erased."""

    suspended: NotRequired[Literal[True]]
    """There while its business is suspended; only reading one enterprise tells it."""


class EnterpriseBody(TypedDict):
    """POST /v1/enterprises"""

    name: str
    """The name on its licence."""

    uscc: str
    """Unified social credit code (统一社会信用代码), 18 characters with a check character."""

    legal_representative: str
    """The name in full; it is encrypted, and answered masked."""

    mobile: str
    """11 digits of mainland China, for messages; encrypted, and answered masked."""

    account: Account
    """Where it is paid to."""

    consent: Consent
    """What it agreed to."""

    profile: NotRequired[Profile | None]
    """What it declares of its size and age."""


class EnterpriseList(TypedDict):
    """A page of the caller's enterprises, newest first. A page may be short, even empty, and yet have a next one."""

    enterprises: list[ListedEnterprise]
    """With `fields`, each has its id and the fields named."""

    next_cursor: str | None
    """Send it as `cursor` for what follows; null at the end."""


EnterpriseStatus = Literal["PENDING", "ACTIVE", "REFUSED", "CLOSED", "ERASED"]
"""Where an enterprise stands."""


class Event(TypedDict):
    """A CloudEvents 1.0 document; docs/events has a schema for every type."""

    specversion: Literal["1.0"]
    """Of CloudEvents."""

    id: str
    """Permanent; every delivery bears it."""

    source: str
    """Whose event, as a URI reference."""

    type: str
    """Like com.rongtong.discount.paid.v1."""

    subject: str
    """The discount's or enterprise's id."""

    time: str
    """When it happened."""

    datacontenttype: Literal["application/json"]
    """Of the data."""

    dataschema: str
    """The name of the data's schema."""

    sequence: str
    """Orders the events of one source as text; there are gaps."""

    data: dict[str, Any]
    """What it tells."""


class EventList(TypedDict):
    """The caller's events, in the order in which they were told."""

    events: list[Event]
    """At most as many as were asked for; of a rare type fewer, even none, though there is a next page."""

    next_cursor: str | None
    """Send it as `cursor` for what follows; null at the end."""


class EventsReplayBody(TypedDict):
    """POST /v1/webhook-endpoints/{endpoint_id}/replay: exactly one of the three."""

    since: NotRequired[str | None]
    """Everything that was told from then on, at most 30 days ago."""

    event_ids: NotRequired[list[str] | None]
    """These events."""

    dead: NotRequired[Literal[True] | None]
    """All dead letters of the endpoint."""


class Export(TypedDict):
    """What the platform holds of an enterprise, masked. Later pages have discounts, their quotes and bills alone."""

    format: Literal["rongtong-export/1"]
    """The version of this form."""

    enterprise_id: str
    """Whose."""

    made_at: str
    """When."""

    enterprise: NotRequired[Enterprise]
    """Its registration."""

    account_name: NotRequired[str]
    """Under which name the bank holds its account."""

    profile: NotRequired[dict[str, Any]]
    """What it declared of its size and age."""

    purposes: NotRequired[dict[str, str]]
    """What each purpose of a consent means."""

    consents: NotRequired[list[GivenConsent]]
    """The newest first."""

    operators: NotRequired[list[Operator]]
    """Who acts for it."""

    complaints: NotRequired[list[ListedComplaint]]
    """About it and its discounts; each can be read with what was written."""

    disclosures: NotRequired[list[PastDisclosure]]
    """To whom its data was shown in full, the newest first, at most 200."""

    more_disclosures: NotRequired[bool]
    """Whether there are others."""

    discounts: list[Discount]
    """The newest first, at most 100 a page."""

    quotes: list[Quote]
    """Those on which these discounts were asked for."""

    bills: list[ImportedBill]
    """Imported for it."""

    next_cursor: str | None
    """Send it as `cursor` for what follows; null at the end."""


Factor = Literal["password", "otp", "payment_password"]
"""What an operator can show."""


class FirstLoginPassword(TypedDict):
    """The first login password, by a code, with the phrase that confirmation pages show (预留信息)."""

    sealed: NotRequired[str | None]
    """In place of what the operator entered: as its page sealed it for the platform (docs/confirmation.md)."""

    code: NotRequired[str | None]
    """As it came to the mobile."""

    password: NotRequired[str | None]
    """At least 12 characters."""

    phrase: str
    """Shown before every confirmation, so that the operator knows the page."""


class GivenConsent(TypedDict):
    """A consent with its source."""

    terms_version: str
    """To which version of the terms."""

    covers: list[Literal["IDENTIFY", "PAY", "TELL"]]
    """For what; the export tells what each means."""

    given_at: str
    """When."""

    through: str
    """Through which partner."""

    withdrawn_at: NotRequired[str]
    """Since when it counts no more."""


class GoodUntil(TypedDict):
    """Until when each part of what was found is good."""

    registry: str
    """The bill's state and holder."""

    lists: str
    """Whoever is named on it."""

    limits: str
    """What is left of them."""

    invoice: str
    """The invoice; a discount before then does not ask for it again."""


class Health(TypedDict):
    """How long an endpoint has been failing."""

    failing_since: str
    """Since when no attempt was a success; after three days the endpoint is disabled."""

    failures: int
    """How many attempts."""

    last: LastAttempt
    """What came of the last one."""

    last_at: str
    """When it was."""

    worked_at: NotRequired[str]
    """When it worked last, after it had failed."""


ImportStatus = Literal["AWAITING_FILE", "IMPORTING", "DONE", "FAILED"]
"""Where an import stands."""


class ImportedBill(TypedDict):
    """A bill as it was imported, and what was found of it ahead of time."""

    bill_id: str
    """Its id."""

    enterprise_id: str
    """Its holder."""

    import_id: str
    """By which import it came,"""

    line: int
    """and in which line."""

    status: BillStatus
    """IMPORTED: not looked at yet."""

    imported_at: str
    """When."""

    bill_number: str
    """30 digits."""

    range: str
    """Which units of it."""

    whole: NotRequired[bool]
    """True: the package cannot be split."""

    amount_fen: int
    """How many."""

    kind: Literal["AC01", "AC02"]
    """AC01 or AC02."""

    issue_date: str
    """As stated."""

    maturity_date: str
    """As stated."""

    acceptor_bank_code: str
    """As stated."""

    order_number: str
    """Of the order behind it."""

    order_amount_fen: int
    """Its amount."""

    order_date: str
    """Its day."""

    order_buyer_uscc: str
    """Its buyer."""

    invoice_number: NotRequired[str]
    """Its invoice."""

    deliveries: NotRequired[list[DeliveryOf]]
    """Deliveries under it."""

    money_flows: NotRequired[list[MoneyFlowOf]]
    """Payments of it."""

    institution_ids: NotRequired[list[str]]
    """Who is asked for a price ahead of time."""

    prequalification: NotRequired[Prequalification]
    """What was found, once it was looked at."""


class Interest(TypedDict):
    """Who pays the interest (付息方式); ``agreement`` names the contract by which a buyer does."""

    payer: Literal["seller", "buyer", "agreement"]
    """Who pays it: the holder (if not said), the buyer, or both by an agreement."""

    buyer_share_percent: NotRequired[str | None]
    """The buyer's part, 0 to 100, where the payer is agreement."""

    agreement: NotRequired[str | None]
    """Number of the contract; a discount that the buyer pays for needs it."""


class LastAttempt(TypedDict):
    """What came of the last attempt."""

    status: NotRequired[int]
    """The HTTP status of the answer, where there was one."""

    error: NotRequired[AttemptError]
    """Why there was none."""

    excerpt: NotRequired[str]
    """The beginning of an answer that was no success."""


LineKind = Literal["PAID", "PAID_AGAIN", "RETURNED", "REVERSED", "OPEN"]
"""What a line tells of."""


class LineResult(TypedDict):
    """What became of a line."""

    line: int
    """Its number in the file: of a table, the headings are line 1; of JSON, the first bill is."""

    outcome: Literal["imported", "refused"]
    """One of two."""

    bill_id: NotRequired[str]
    """The bill that it became."""

    column: NotRequired[str]
    """Which column, or field, is at fault; empty where no single one is."""

    code: NotRequired[str]
    """Why it was refused."""

    message: NotRequired[str]
    """The same for persons."""


class ListedComplaint(TypedDict):
    """A complaint without what was written."""

    complaint_id: str
    """Its id."""

    about: ComplaintAbout
    """What it is about."""

    category: ComplaintCategory
    """Of which kind."""

    status: ComplaintStatus
    """Where it stands."""

    received_at: str
    """When it was taken in."""

    answer_by: str
    """By when it is answered."""

    overdue: bool
    """Whether that has passed without an answer."""

    taken_by: NotRequired[str]
    """Who looks into it."""

    answered_at: NotRequired[str]
    """When it was answered last."""

    answered_by: NotRequired[str]
    """By whom."""

    closed_at: NotRequired[str]
    """When the complainant closed it."""


class ListedEnterprise(TypedDict):
    """A supplier as its partner may see it: what belongs to persons and accounts is masked (JR/T 0171)."""

    enterprise_id: str
    """The same for the same partner and credit code, however often it is registered."""

    status: NotRequired[EnterpriseStatus]
    """PENDING while it is verified, then ACTIVE or REFUSED; CLOSED for good, and ERASED when its data is."""

    reason: NotRequired[str]
    """Why it is REFUSED."""

    name: NotRequired[str]
    """The name on its licence."""

    uscc: NotRequired[str]
    """Unified social credit code (统一社会信用代码), 18 characters."""

    bank_code: NotRequired[str]
    """The bank of the account it is paid to: 12-digit CNAPS number (联行号)."""

    registered_at: NotRequired[str]
    """When it was registered first."""

    legal_representative: NotRequired[str]
    """Masked but for the last character; `*` once it is CLOSED."""

    mobile: NotRequired[str]
    """Masked but for three digits in front and four behind; `*` once it is CLOSED."""

    account_number: NotRequired[str]
    """Masked but for the last four digits; `*` once it is CLOSED."""

    consent_withdrawn_at: NotRequired[str]
    """Since when its consent is withdrawn and no new discount is taken."""

    closed_at: NotRequired[str]
    """When it was closed."""

    retain_until: NotRequired[str]
    """Until when the law has its data kept; it is erased then."""

    erased_at: NotRequired[str]
    """When it was erased."""

    suspended: NotRequired[Literal[True]]
    """There while its business is suspended; only reading one enterprise tells it."""


class ListedListedDiscount(TypedDict):
    """A discount of one bill range. The price is there once the bill is verified, the payment once it is paid."""

    discount_id: str
    """Made from the partner and its Idempotency-Key: a repeat names the same discount."""

    enterprise_id: NotRequired[str]
    """The holder of the bill."""

    institution_id: NotRequired[str]
    """Who funds it."""

    status: NotRequired[DiscountStatus]
    """ACCEPTED → VERIFIED → SEALED → DISBURSED, by way of IN_REVIEW and AWAITING_CONFIRMATION where a person is needed;
    REFUSED (a rule) and FAILED (a fault) end it unpaid, RETURNED says that the money came back."""

    bill_number: NotRequired[str]
    """30 digits (票据号码)."""

    range: NotRequired[str]
    """What is discounted of the bill (子票区间); `0` is the whole package as one that cannot be split."""

    face_fen: NotRequired[int]
    """Its amount: one unit of the range is one fen."""

    accepted_at: NotRequired[str]
    """When the range and the limits were taken."""

    remainder: NotRequired[str]
    """What the holder keeps of the range that it named, free to be discounted at once."""

    reason: NotRequired[str]
    """Why it is IN_REVIEW, REFUSED or FAILED."""

    priced_on: NotRequired[str]
    """The day whose price it is; it is paid on that day or not at this price."""

    due_date: NotRequired[str]
    """Effective maturity: a day off rolls to the next legal working day."""

    annual_rate: NotRequired[str]
    """Percent a year, six places."""

    days: NotRequired[int]
    """Days of interest of a 360-day year, the discount date in and the effective maturity out."""

    interest_fen: NotRequired[int]
    """The whole interest, rounded half up once."""

    proceeds_fen: NotRequired[int]
    """What the holder is paid."""

    buyer_interest_fen: NotRequired[int]
    """The buyer's part of the interest, where it has agreed to pay one."""

    fee_fen: NotRequired[int]
    """The institution's fee, where it charges one."""

    confirmed_by: NotRequired[str]
    """The operator whose confirmation came after the request."""

    review: NotRequired[Literal["approve", "reject"]]
    """How a person decided, where one had to."""

    contract_sha256: NotRequired[str]
    """SHA-256 of the contract, as the evidence log holds it."""

    finished_at: NotRequired[str]
    """When it was paid or given up."""

    paid_at: NotRequired[str]
    """When it was paid; there while it is DISBURSED."""

    paid_fen: NotRequired[int]
    """What was paid; there while it is DISBURSED."""

    held: NotRequired[Literal["SUSPENDED", "RESTORED"]]
    """There while nothing is paid: business with a party is suspended, or its payment came after a restored backup."""

    limits: NotRequired[Literal["RESERVED", "CONSUMED", "RETURNED"]]
    """Where its part of the limits stands."""


class ListedQuote(TypedDict):
    """Every institution's offer, best first; those without one last."""

    quote_id: str
    """To be named in a discount request."""

    quoted_at: NotRequired[str]
    """When it was made."""

    expires_at: NotRequired[str]
    """Until when its rate holds for a request."""

    bill: NotRequired[QuotedBill]
    """For what."""

    repurchase: NotRequired[QuotedRepurchase]
    """With which redemption, where one was asked about."""

    acceptor_class: NotRequired[str]
    """The acceptor's class in the institutions' rate tables."""

    offers: NotRequired[list[Offer]]
    """Best first."""


class LoginPasswordBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}/login-password: one of the two"""

    first: NotRequired[FirstLoginPassword | None]
    """While there is none."""

    other: NotRequired[OtherLoginPassword | None]
    """In place of the one that there is."""


Message = TypedDict(
    "Message",
    {
        "at": "str",
        "from": "Literal['complainant', 'platform']",
        "text": "str",
    },
)
"""Something that was written."""


class MoneyFlow(TypedDict):
    """A payment that belongs to the trade."""

    payer_uscc: str
    """Credit code of the payer."""

    payee_uscc: str
    """Credit code of the payee."""

    amount_fen: int
    """Fen."""

    date: str
    """When it was paid."""


class MoneyFlowOf(TypedDict):
    """A payment of the trade."""

    payer_uscc: str
    """Who paid."""

    payee_uscc: str
    """Whom."""

    amount_fen: int
    """How much."""

    date: str
    """When."""


class Offer(TypedDict):
    """What one institution would pay, or why it makes no offer."""

    institution_id: str
    """Who."""

    reason: str | None
    """Why there is no offer; null where there is one."""

    rate_version: NotRequired[int]
    """Which version of its rates."""

    due_date: NotRequired[str]
    """Effective maturity."""

    annual_rate: NotRequired[str]
    """Percent a year, six places."""

    days: NotRequired[int]
    """Days of interest."""

    interest_fen: NotRequired[int]
    """The whole interest."""

    proceeds_fen: NotRequired[int]
    """What the holder would be paid."""

    buyer_interest_fen: NotRequired[int]
    """The buyer's part of the interest."""

    fee_fen: NotRequired[int]
    """The fee."""

    redemption_open_fen: NotRequired[int]
    """What redemption costs on its first day."""

    redemption_close_fen: NotRequired[int]
    """What redemption costs on its last day."""

    deduction_per_100k_yuan: NotRequired[str]
    """Yuan deducted of every 100,000 yuan (每十万扣款)."""


class OfferAhead(TypedDict):
    """What an institution would pay on the day of the look, or why it would not."""

    institution_id: str
    """Which one."""

    reason: str | None
    """Why it would not; null where it would."""

    due_date: NotRequired[str]
    """Effective maturity."""

    annual_rate: NotRequired[str]
    """Percent a year."""

    days: NotRequired[int]
    """Days of interest."""

    interest_fen: NotRequired[int]
    """Interest."""

    proceeds_fen: NotRequired[int]
    """What is paid out."""

    fee_fen: NotRequired[int]
    """Beside the interest."""


class Operator(TypedDict):
    """A person who acts for an enterprise, masked (JR/T 0171)."""

    operator_id: str
    """The same for the same enterprise and mobile, however often it is registered."""

    status: OperatorStatus
    """INVITED until it has set a login password."""

    roles: list[Literal["confirm", "view"]]
    """What it may do."""

    registered_at: str
    """When it was registered first."""

    payment_password_set_at: NotRequired[str]
    """Since when its payment password is what it is."""

    locked_until: NotRequired[str]
    """Until when it is locked by wrong attempts; an instant that has passed means nothing."""

    name: str
    """Masked but for the last character."""

    mobile: str
    """Masked but for the first three and last four digits."""


class OperatorBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/operators"""

    name: str
    """The person's full name; masked in every answer."""

    mobile: str
    """Mainland mobile number, 11 digits: codes go there."""

    consent: Consent
    """What the person agreed to."""

    roles: NotRequired[list[Literal["confirm", "view"]]]
    """What the operator may do."""


class OperatorChangeBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}"""

    enabled: NotRequired[bool | None]
    """False logs it out everywhere and keeps it out."""

    roles: NotRequired[list[Literal["confirm", "view"]] | None]
    """In place of those that it has."""


class OperatorList(TypedDict):
    """An enterprise's operators."""

    operators: list[Operator]
    """All of them."""


OperatorStatus = Literal["INVITED", "ACTIVE", "DISABLED"]
"""Where an operator stands."""


class OtherLoginPassword(TypedDict):
    """Another login password, by a login and the present one."""

    sealed: NotRequired[str | None]
    """In place of what the operator entered: as its page sealed it for the platform (docs/confirmation.md)."""

    access_token: str
    """Of a fresh login."""

    present: NotRequired[str | None]
    """The one that there is."""

    password: NotRequired[str | None]
    """At least 12 characters."""


class PastDisclosure(TypedDict):
    """That personal data was shown in full."""

    at: str
    """When."""

    reason: DisclosureReason
    """Why."""

    fields: list[PersonalField]
    """What."""

    by: str
    """To whom: an operator's id, or `operations`."""


class PaymentPasswordBody(TypedDict):
    """POST /v1/enterprises/{enterprise_id}/operators/{operator_id}/payment-password"""

    sealed: NotRequired[str | None]
    """In place of what the operator entered: as its page sealed it for the platform (docs/confirmation.md)."""

    access_token: str
    """Of a fresh login."""

    code: NotRequired[str | None]
    """As it came to the mobile."""

    password: NotRequired[str | None]
    """At least 8 characters."""

    present: NotRequired[str | None]
    """The one that there is, if there is one."""


PersonalField = Literal["legal_representative", "mobile", "account_number"]
"""What is sealed of an enterprise, and can be shown in full."""


class Prequalification(TypedDict):
    """What was found ahead of time; nothing is reserved or decided by it."""

    outcome: Literal["approve", "review", "reject"]
    """What a discount would come to."""

    reason: str | None
    """Why not at once."""

    found: list[list[str | Literal["review", "reject"]]]
    """Check, outcome and reason of all that is not in order."""

    checked_at: str
    """When."""

    good_until: GoodUntil
    """Until when."""

    priced_on: str
    """For a discount on this day in Shanghai."""

    offers: list[OfferAhead]
    """In the order in which they were asked for."""


class Profile(TypedDict):
    """What the enterprise declares of itself; the risk rules that need it say so where it is missing."""

    registered_on: NotRequired[str | None]
    """The day on its licence."""

    capital_fen: NotRequired[int | None]
    """Registered capital, fen."""

    shared_address_count: NotRequired[int | None]
    """How many other companies are registered at its address."""

    declared_turnover_fen: NotRequired[int | None]
    """Yearly turnover, fen."""


class ProofBody(TypedDict):
    """POST /v1/discounts/{discount_id}/confirmation-challenges/{challenge_id}"""

    sealed: NotRequired[str | None]
    """In place of what the operator entered: as its page sealed it for the platform (docs/confirmation.md)."""

    operator_id: str
    """Who confirms."""

    access_token: str
    """Of the operator's own fresh login."""

    code: NotRequired[str | None]
    """As it came to the mobile, for this payment alone."""

    payment_password: NotRequired[str | None]
    """Where the challenge's `factors` name it."""

    access: NotRequired[Access | None]
    """Where the operator is."""


class Queued(TypedDict):
    """What is delivered again."""

    queued: list[str]
    """The events, at most 200."""

    next_since: str | None
    """From when on to ask for the rest, where `since` was asked for; null where there is none."""

    more: bool
    """Whether others are left: of dead letters, ask for those again under a new key."""


class Quote(TypedDict):
    """Every institution's offer, best first; those without one last."""

    quote_id: str
    """To be named in a discount request."""

    quoted_at: str
    """When it was made."""

    expires_at: str
    """Until when its rate holds for a request."""

    bill: QuotedBill
    """For what."""

    repurchase: NotRequired[QuotedRepurchase]
    """With which redemption, where one was asked about."""

    acceptor_class: str
    """The acceptor's class in the institutions' rate tables."""

    offers: list[Offer]
    """Best first."""


class QuoteBody(TypedDict):
    """POST /v1/quotes"""

    institution_ids: list[str]
    """Whom to ask; each is asked once."""

    kind: Literal["AC01", "AC02"]
    """AC01 bank acceptance bill, AC02 commercial acceptance bill."""

    acceptor_bank_code: str
    """The accepting bank's CNAPS number, 12 digits."""

    amount_fen: int
    """How much is to be discounted, fen."""

    maturity_date: str
    """As it stands on the bill; at most one year ahead."""

    interest: NotRequired[Interest | None]
    """Who pays the interest, if not the holder alone."""

    repurchase: NotRequired[Repurchase | None]
    """A redemption to be quoted; it is not discounted yet."""


class QuoteList(TypedDict):
    """A page of the caller's quotes, newest first. A page may be short, even empty, and yet have a next one."""

    quotes: list[ListedQuote]
    """With `fields`, each has its id and the fields named."""

    next_cursor: str | None
    """Send it as `cursor` for what follows; null at the end."""


class QuotedBill(TypedDict):
    """What was quoted for."""

    kind: Literal["AC01", "AC02"]
    """AC01 bank acceptance bill, AC02 commercial acceptance bill."""

    acceptor_bank_code: str
    """The accepting bank's CNAPS number."""

    maturity_date: str
    """As it stands on the bill."""

    amount_fen: int
    """How much."""

    interest: NotRequired[QuotedInterest]
    """Who pays the interest, where it was said."""


class QuotedInterest(TypedDict):
    """Who pays the interest, as it was asked."""

    payer: Literal["seller", "buyer", "agreement"]
    """Who."""

    buyer_share_percent: NotRequired[str]
    """The buyer's part, where the payer is agreement."""

    agreement: NotRequired[str]
    """The contract by which a buyer pays."""


class QuotedRepurchase(TypedDict):
    """The redemption that was asked about (回购式)."""

    open_date: str
    """The first day of redemption."""

    close_date: str
    """The last one."""

    annual_rate: str
    """Percent a year."""


class Receipt(TypedDict):
    """Proof, checkable offline, of every event of an ended discount. Keep the very bytes: a changed one is refused."""

    format: Literal["rongtong-receipt/2"]
    """The version of this form."""

    discount_id: str
    """Whose."""

    entries: list[ReceiptEntry]
    """Its events, oldest first."""

    checkpoint: str
    """The log's head that covers them, signed by the log and by a quorum of witnesses (C2SP tlog-checkpoint)."""

    chain: ReceiptChain | None
    """null where no chain holds the checkpoint."""


class ReceiptChain(TypedDict):
    """Where else the checkpoint lies."""

    kind: Literal["fabric"]
    """Hyperledger Fabric."""

    key: str
    """The key to ask the chain for."""


class ReceiptEntry(TypedDict):
    """An event with the proof that the log holds it."""

    event: dict[str, Any]
    """The event exactly as it was hashed."""

    salt_hex: str
    """The leaf is SHA-256 of this salt and the event's canonical bytes (RFC 8785)."""

    index: int
    """The leaf's number in the log, from 0."""

    proof: list[str]
    """Inclusion proof under the checkpoint (RFC 6962)."""


class ReplyBody(TypedDict):
    """POST /v1/complaints/{complaint_id}/reopening and …/answer"""

    text: str
    """What is said; it is encrypted."""


class Repurchase(TypedDict):
    """Redemption dates and rate of a discount that is not outright (回购式), for quotes."""

    open_date: str
    """The first day of redemption."""

    close_date: str
    """The last one."""

    annual_rate: str
    """Percent a year."""


class SealingKey(TypedDict):
    """The public key to seal under (RFC 7517)."""

    kty: Literal["RSA"]
    """The kind of key."""

    n: str
    """The modulus of 3072 bits, base64url."""

    e: str
    """The exponent, base64url."""

    kid: str
    """Its thumbprint (RFC 7638), which a page may know beforehand."""

    use: Literal["enc"]
    """For encryption alone."""

    alg: Literal["RSA-OAEP-256"]
    """The one algorithm by which a content's key is wrapped."""


class SecretBody(TypedDict):
    """POST /v1/webhook-endpoints/{endpoint_id}/secret"""

    overlap_hours: NotRequired[int]
    """So long the present keys sign as well; 0 where they have leaked."""


class SentCode(TypedDict):
    """A code on its way to the operator's mobile."""

    operator_id: str
    """Whose."""

    purpose: Literal["login_password", "payment_password", "disclosure"]
    """What it is for."""

    expires_at: str
    """When it counts no longer."""


class Statement(TypedDict):
    """A day's or a month's statement."""

    period: str
    """The day or month."""

    made_at: str
    """When this answer was made."""

    final: bool
    """Whether the period is over and nothing in it is open."""

    reconciliation: StatementCompared
    """Whether the bank agrees."""

    totals: StatementTotals
    """Sums over the lines."""

    lines: list[StatementLine]
    """In the order in which they happened."""


class StatementCompared(TypedDict):
    """The comparison with the bank's statement."""

    done: bool
    """Whether every day was compared after its end."""

    differing: list[str]
    """References on which the bank does not say the same; they are looked into."""


class StatementLine(TypedDict):
    """One fact of one day; it never changes afterwards, but for OPEN ones."""

    kind: LineKind
    """What it tells of."""

    day: str
    """On which day in Shanghai it is booked."""

    at: str
    """When it was sent, or heard of."""

    reference: str
    """The payment's reference, the EndToEndId at the bank."""

    discount_id: str
    """The discount."""

    enterprise_id: str
    """Whose bill it was."""

    partner_id: str
    """Through whom it was requested."""

    institution_id: str
    """Who funded it."""

    bill_number: str
    """The bill."""

    range: str
    """The range of it that was discounted."""

    amount_fen: int
    """What moved; the kind says which way."""

    face_fen: NotRequired[int]
    """Face of the range; of PAID lines, as are the next three."""

    interest_fen: NotRequired[int]
    """The whole interest."""

    buyer_interest_fen: NotRequired[int]
    """The buyer's part of it."""

    fee_fen: NotRequired[int]
    """The fee."""

    bank_serial: NotRequired[str]
    """The bank's own number of the payment."""

    reason: NotRequired[str]
    """Why it came back."""


class StatementSum(TypedDict):
    """How many lines of a kind there are, and their sum."""

    count: int
    """Lines."""

    amount_fen: int
    """Their amounts."""


class StatementTotals(TypedDict):
    """The control sums."""

    paid: StatementSum
    """Paid for the first time."""

    paid_again: StatementSum
    """What had come back and was paid once more."""

    returned: StatementSum
    """Sent back by the payee's bank."""

    reversed: StatementSum
    """Taken back by the paying bank."""

    open: StatementSum
    """Sent, its outcome not known yet; in no other sum."""

    face_fen: int
    """Face of what was paid for the first time."""

    interest_fen: int
    """The whole interest on it."""

    buyer_interest_fen: int
    """The buyers' part of that."""

    fee_fen: int
    """Fees on it."""

    net_fen: int
    """What left less what came back; below nought where more came back than left."""


class Status(TypedDict):
    """Whether new requests of this partner are accepted now."""

    accepting: bool
    """Whether a request can be accepted at all."""

    service_hours: Literal["open", "closed"]
    """Whether it is within the hours of service of a working day."""

    platform: Literal["open", "suspended"]
    """The whole platform."""

    partner: Literal["open", "suspended"]
    """This partner."""

    institutions: dict[str, Literal["open", "suspended"]]
    """Those agreed with the partner; of a partner that may use all, those that are suspended."""


class Timeline(TypedDict):
    """The events of a discount, oldest first."""

    discount_id: str
    """Whose."""

    events: list[TimelineEvent]
    """From its request on."""


class TimelineEvent(TypedDict):
    """Something that happened to a discount."""

    n: int
    """Its number: 1, 2, 3, … without gaps."""

    type: str
    """DiscountRequested, BillVerified, ReviewDecided, DiscountConfirmed, ContractSealed, DiscountPaid, EnterpriseTold,
    DiscountRefused, DiscountFailed, PaymentReturned, BillEndorsed, ExecutionReplayed; there may be more."""

    at: str
    """When."""

    data: dict[str, Any]
    """What it tells, by type; nothing that is sealed."""


class Trade(TypedDict):
    """The order behind the bill, with its invoice, or with its money flows where the product takes those (三流合一)."""

    order_number: str
    """Unique for its seller."""

    order_amount_fen: int
    """Fen."""

    order_date: str
    """When it was placed."""

    order_buyer_uscc: str
    """Credit code of the buyer: the prior hand of the bill."""

    invoice_number: NotRequired[str | None]
    """The invoice; without it money flows stand in for it where the kind of bill allows that."""

    deliveries: NotRequired[list[Delivery]]
    """Deliveries under the order, if there are any to tell of."""

    money_flows: NotRequired[list[MoneyFlow]]
    """The buyer's other payments; with the bill they add up to the order."""


class Tried(TypedDict):
    """What came of a test event."""

    event_id: str
    """Its id."""

    delivered: bool
    """Whether the answer was a success."""

    status: NotRequired[int]
    """The HTTP status of the answer, where there was one."""

    error: NotRequired[AttemptError]
    """Why there was none."""

    excerpt: NotRequired[str]
    """The beginning of an answer that was no success."""


class Upload(TypedDict):
    """A file that is too large for a request: it is put to the address that the answer names, then started."""

    sha256: str
    """Of the file."""

    bytes: int
    """How long it is."""


class UploadTo(TypedDict):
    """Where to put the announced file, before `expires_at`; a later look has a new address."""

    method: Literal["PUT"]
    """With this method, the file as body,"""

    url: str
    """to this address, which takes no other file and none twice,"""

    headers: dict[str, str]
    """with exactly these headers."""

    expires_at: str
    """Until then."""


class WebhookDelivery(TypedDict):
    """The delivery of one event to one endpoint."""

    endpoint_id: str
    """Where to."""

    event_id: str
    """What."""

    type: str
    """Of which type."""

    status: DeliveryStatus
    """PENDING until it is DELIVERED, or DEAD after three days."""

    created_at: str
    """When it was begun."""

    delivered_at: NotRequired[str]
    """When it was a success."""

    attempts: list[Attempt]
    """The latest of them, oldest first."""

    tries: NotRequired[int]
    """How many there were."""

    reason: NotRequired[str]
    """Why it is DEAD."""

    next_attempt_at: NotRequired[str]
    """When it is tried again."""


class WebhookKey(TypedDict):
    """A key that webhooks are signed with."""

    public_key: str
    """`whpk_…`, Ed25519: for signatures that begin with `v1a`."""

    created_at: str
    """Since when it signs."""

    until: NotRequired[str]
    """Until when, where a newer one signs as well."""
