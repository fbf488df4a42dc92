"""Answers about bills and their imports, field by field: for the description and for tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rongtong.domain.bill_import import ImportStatus
from rongtong.domain.prequalification import BillStatus
from rongtong.entrypoints.answers import (
    MAY_BE_MISSING,
    Answer,
    Day,
    EnterpriseId,
    Fen,
    Instant,
    Kind,
    Rate,
    ReasonCode,
    Sha256,
    identifier,
)

ImportId = Annotated[str, identifier("imp")]
BillId = Annotated[str, identifier("bil")]
Number = Annotated[int, Field(ge=0)]
Wire = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}-[0-9]{12}$")]


class UploadTo(Answer):
    """Where to put the announced file, before `expires_at`; a later look has a new address."""

    method: Literal["PUT"]
    """With this method, the file as body,"""
    url: str
    """to this address, which takes no other file and none twice,"""
    headers: dict[str, str]
    """with exactly these headers."""
    expires_at: Instant
    """Until then."""


class BillImport(Answer):
    """An import, and how far it is."""

    import_id: ImportId
    """Its id."""
    status: ImportStatus
    """DONE: every line was imported or refused. FAILED: the file cannot be read; `reason` says why."""
    format: Literal["csv", "xlsx", "json"]
    """What the file is."""
    file_sha256: Sha256
    """Of the file."""
    file_bytes: Number
    """How long the file is."""
    enterprise_id: str = MAY_BE_MISSING
    """Who holds the bills of lines that name nobody."""
    institution_ids: list[str] = MAY_BE_MISSING
    """Who is asked for a price ahead of time."""
    created_at: Instant
    """When it was asked for."""
    lines: Number = MAY_BE_MISSING
    """How many lines the file has, once it was read."""
    done: Number
    """How many of them were imported or refused so far."""
    imported: Number
    """How many were imported."""
    refused: Number
    """How many were refused."""
    reason: ReasonCode = MAY_BE_MISSING
    """Why the file cannot be read."""
    finished_at: Instant = MAY_BE_MISSING
    """When it ended."""
    upload: UploadTo = MAY_BE_MISSING
    """Where to put the file, while it is awaited."""


class BillImportList(Answer):
    """A page of imports, the newest first."""

    bill_imports: list[BillImport]
    """Without `upload`."""
    next_cursor: str | None
    """Null at the end."""


class LineResult(Answer):
    """What became of a line."""

    line: Annotated[int, Field(ge=1)]
    """Its number in the file: of a table, the headings are line 1; of JSON, the first bill is."""
    outcome: Literal["imported", "refused"]
    """One of two."""
    bill_id: BillId = MAY_BE_MISSING
    """The bill that it became."""
    column: str = MAY_BE_MISSING
    """Which column, or field, is at fault; empty where no single one is."""
    code: ReasonCode = MAY_BE_MISSING
    """Why it was refused."""
    message: str = MAY_BE_MISSING
    """The same for persons."""


class BillImportLines(BillImport):
    """An import with what became of its lines so far."""

    results: list[LineResult]
    """In the order of the file."""
    next_offset: int | None
    """Null at the end of what was worked on so far."""


class GoodUntil(Answer):
    """Until when each part of what was found is good."""

    registry: Instant
    """The bill's state and holder."""
    lists: Instant
    """Whoever is named on it."""
    limits: Instant
    """What is left of them."""
    invoice: Instant
    """The invoice; a discount before then does not ask for it again."""


class OfferAhead(Answer):
    """What an institution would pay on the day of the look, or why it would not."""

    institution_id: str
    """Which one."""
    reason: ReasonCode | None
    """Why it would not; null where it would."""
    due_date: Day = MAY_BE_MISSING
    """Effective maturity."""
    annual_rate: Rate = MAY_BE_MISSING
    """Percent a year."""
    days: Number = MAY_BE_MISSING
    """Days of interest."""
    interest_fen: Fen = MAY_BE_MISSING
    """Interest."""
    proceeds_fen: Fen = MAY_BE_MISSING
    """What is paid out."""
    fee_fen: Fen = MAY_BE_MISSING
    """Beside the interest."""


class Prequalification(Answer):
    """What was found ahead of time; nothing is reserved or decided by it."""

    outcome: Literal["approve", "review", "reject"]
    """What a discount would come to."""
    reason: ReasonCode | None
    """Why not at once."""
    found: list[tuple[str, Literal["review", "reject"], ReasonCode]]
    """Check, outcome and reason of all that is not in order."""
    checked_at: Instant
    """When."""
    good_until: GoodUntil
    """Until when."""
    priced_on: Day
    """For a discount on this day in Shanghai."""
    offers: list[OfferAhead]
    """In the order in which they were asked for."""


class DeliveryOf(Answer):
    """A delivery under the order."""

    number: str
    """Of the delivery note."""
    date: Day
    """When."""
    consignee_uscc: str
    """To whom."""


class MoneyFlowOf(Answer):
    """A payment of the trade."""

    payer_uscc: str
    """Who paid."""
    payee_uscc: str
    """Whom."""
    amount_fen: Fen
    """How much."""
    date: Day
    """When."""


class ImportedBill(Answer):
    """A bill as it was imported, and what was found of it ahead of time."""

    bill_id: BillId
    """Its id."""
    enterprise_id: EnterpriseId
    """Its holder."""
    import_id: ImportId
    """By which import it came,"""
    line: Annotated[int, Field(ge=1)]
    """and in which line."""
    status: BillStatus
    """IMPORTED: not looked at yet."""
    imported_at: Instant
    """When."""
    bill_number: Annotated[str, StringConstraints(pattern=r"^[0-9]{30}$")]
    """30 digits."""
    range: Wire
    """Which units of it."""
    whole: bool = MAY_BE_MISSING
    """True: the package cannot be split."""
    amount_fen: Fen
    """How many."""
    kind: Kind
    """AC01 or AC02."""
    issue_date: Day
    """As stated."""
    maturity_date: Day
    """As stated."""
    acceptor_bank_code: str
    """As stated."""
    order_number: str
    """Of the order behind it."""
    order_amount_fen: Fen
    """Its amount."""
    order_date: Day
    """Its day."""
    order_buyer_uscc: str
    """Its buyer."""
    invoice_number: str = MAY_BE_MISSING
    """Its invoice."""
    deliveries: list[DeliveryOf] = MAY_BE_MISSING
    """Deliveries under it."""
    money_flows: list[MoneyFlowOf] = MAY_BE_MISSING
    """Payments of it."""
    institution_ids: list[str] = MAY_BE_MISSING
    """Who is asked for a price ahead of time."""
    prequalification: Prequalification = MAY_BE_MISSING
    """What was found, once it was looked at."""


class BillList(Answer):
    """A page of bills, those that mature last first."""

    bills: list[ImportedBill]
    """As they stand now."""
    next_cursor: str | None
    """Null at the end."""
