"""Answers of the API to operations and to banks, field by field: for its description and for tests alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from rongtong.domain.incident import Desk, IncidentKind, IncidentStatus
from rongtong.domain.lifecycle import ChangeStatus, DiscountStatus
from rongtong.domain.payment import PaymentStatus
from rongtong.entrypoints.answers import (
    MAY_BE_MISSING,
    Answer,
    Day,
    Discount,
    DiscountId,
    EnterpriseId,
    Fen,
    Instant,
    ReasonCode,
    Sha256,
    example,
    identifier,
)

ChangeId = Annotated[str, identifier("chg")]
IncidentId = Annotated[str, identifier("inc")]
SuspensionId = Annotated[str, identifier("sus")]


class Watched(Answer):
    """What the watch found when it ran last."""

    began_at: Instant
    """Its first run."""
    at: Instant
    """Its last run."""
    measures: dict[str, int]
    """Every measure by its name, as the metrics have it."""
    details: dict[str, dict[str, Any]]
    """What stands behind the measures, by part."""
    failed: dict[str, str]
    """Parts that could not be measured, with the error's code."""


class Verified(Answer):
    """What verification told of a bill."""

    outcome: Literal["approve", "review", "reject"]
    """Its verdict."""
    reason: ReasonCode | None
    """The reason of a review or a rejection."""
    passed: list[str]
    """Checks that found nothing."""
    found: list[tuple[str, str, str]]
    """Checks that found something: name, outcome, reason code."""
    findings_sha256: Sha256
    """Salted hash of what lists and risk rules found."""
    holding_id: str | None
    """The holding at the registry."""
    acceptor: str | None
    """The acceptor's name there."""
    invoice_status: str | None
    """The invoice's status at the tax authority."""
    trade_basis: str | None
    """Which evidence of the trade counted."""
    annual_rate: str = MAY_BE_MISSING
    """Percent a year."""
    days: int = MAY_BE_MISSING
    """Days of interest."""
    interest_fen: Fen = MAY_BE_MISSING
    """The whole interest."""
    proceeds_fen: Fen = MAY_BE_MISSING
    """What the holder is paid."""
    buyer_interest_fen: Fen = MAY_BE_MISSING
    """The buyer's part of the interest."""
    fee_fen: Fen = MAY_BE_MISSING
    """The fee."""


class WaitingReview(Answer):
    """A discount that waits for a reviewer."""

    discount: Discount
    """As its partner sees it; `reason` says what is doubted."""
    decide_by: Instant
    """From then on it is given up."""


class ReviewList(Answer):
    """The discounts that wait for a reviewer."""

    reviews: list[WaitingReview]
    """Whose time is up first at the top."""
    more: bool
    """Whether there are others than the newest 1,000."""


class ReviewFile(Answer):
    """What a reviewer decides on."""

    discount: Discount
    """As its partner sees it."""
    verified: Verified
    """Every check."""
    findings: dict[str, Any]
    """What lists and rules found; for the reviewer alone."""


class IncidentNote(Answer):
    """A step towards settling an incident."""

    at: Instant
    """When it was noted."""
    by: str
    """By whom."""
    note: str
    """What was done, as a code."""


class Incident(Answer):
    """What a person must settle."""

    model_config = example(
        incident_id="inc_nfidcqsh2raj6fimoa42cj5wsx",
        kind="STUCK",
        subject="dsc_4syj3glkr6jt3apmgd3n43zvfh",
        status="OPEN",
        opened_at="2026-04-15T02:00:00.000Z",
        owner="platform",
        age_hours=3,
        data={},
        what_next="Read the error of its execution, mend the cause, then replay the discount.",
    )

    incident_id: IncidentId
    """Its id."""
    kind: IncidentKind
    """What is wrong."""
    subject: str
    """What it belongs to, a discount's id mostly."""
    status: IncidentStatus
    """OPEN until somebody resolves it."""
    opened_at: Instant
    """When it was found."""
    owner: Desk
    """The desk that settles it."""
    age_hours: Annotated[int, Field(ge=0)]
    """How long it is open, or was until it was settled; whole hours."""
    assignee: str = MAY_BE_MISSING
    """The person who settles it."""
    assigned_by: str = MAY_BE_MISSING
    """Who has said so."""
    assigned_at: Instant = MAY_BE_MISSING
    """When."""
    data: dict[str, Any]
    """What is known, by kind."""
    what_next: str = MAY_BE_MISSING
    """What to do, while it is OPEN."""
    resolved_by: str = MAY_BE_MISSING
    """Who has settled it."""
    resolved_at: Instant = MAY_BE_MISSING
    """When."""
    note: str = MAY_BE_MISSING
    """How, as a code."""
    notes: list[IncidentNote] = MAY_BE_MISSING
    """Steps towards that, oldest first."""


class IncidentList(Answer):
    """Incidents of a status, the most urgent kinds first."""

    incidents: list[Incident]
    """At most 1,000."""
    more: bool
    """Whether there are others."""


class EvidenceRead(Answer):
    """That somebody was shown evidence, as the evidence log holds it."""

    event: dict[str, Any]
    """The event exactly as it was hashed: what was shown, when, and to whose key."""
    salt_hex: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    """The leaf is SHA-256 of this salt and the event's canonical bytes."""
    index: Annotated[int, Field(ge=0)] | None
    """The leaf's number; null while it is not logged yet."""


class AccessList(Answer):
    """Who was shown which evidence of a discount, or personal data of an enterprise in full."""

    discount_id: DiscountId = MAY_BE_MISSING
    """Whose."""
    enterprise_id: EnterpriseId = MAY_BE_MISSING
    """Or whose."""
    accesses: list[EvidenceRead]
    """Newest first, at most 200."""
    more: bool
    """Whether there are others."""


class Difference(Answer):
    """Where bank, books and registry do not say the same."""

    reference: str
    """The payment's reference."""
    what: str
    """BANK_ONLY, BOOKS_ONLY, AMOUNT, PAID_TWICE, PAID_AFTER_FAILURE, PAID_NOT_ENDORSED, DISCOUNT_MISSING."""


class Reconciliation(Answer):
    """Bank, books and registry compared for a day in Shanghai."""

    day: Day
    """Which."""
    made_at: Instant
    """When it was compared last."""
    bank_paid_fen: Fen
    """Money out on the bank's statement."""
    bank_back_fen: Fen
    """Money back on the bank's statement."""
    books_fen: dict[PaymentStatus, Fen]
    """Our payments of the day, by status."""
    differences: list[Difference]
    """Each is an incident as well, but for what needs nobody; at most 1,000."""
    differences_count: Annotated[int, Field(ge=0)]
    """How many there are."""
    unsure: list[str]
    """References whose outcome is not known yet, at most 1,000; the day is compared again."""


class Execution(Answer):
    """A discount whose execution a person should look at."""

    discount_id: DiscountId
    """Which."""
    discount_status: DiscountStatus
    """Where it stands."""
    execution: str
    """The name of its newest execution."""
    running: Literal["RUNNING", "SUCCEEDED", "FAILED"] | None
    """Where that stands; null if it was never begun."""
    error: str | None
    """The error's class."""
    since: Instant | None
    """When it failed, or since when it should have come further."""
    replays: Annotated[int, Field(ge=0)]
    """How often it was begun afresh."""
    what_next: str
    """What to do."""


class ExecutionList(Answer):
    """Executions to look at."""

    executions: list[Execution]
    """At most 200."""
    more: bool
    """Whether there are others."""


class Replayed(Answer):
    """What a replay has done."""

    model_config = example(
        discount_id="dsc_4syj3glkr6jt3apmgd3n43zvfh",
        discount_status="VERIFIED",
        replay="started",
        execution="dsc_4syj3glkr6jt3apmgd3n43zvfh-r1",
    )

    discount_id: DiscountId
    """Which."""
    discount_status: DiscountStatus
    """Where it stood."""
    replay: Literal["nothing", "running", "redriven", "started"]
    """Nothing to do, running already, goes on where it failed, or begun afresh."""
    execution: str
    """The execution's name."""


class Letter(Answer):
    """An event that an asynchronous path gave up."""

    key: str
    """The event's own id."""
    at: Instant
    """Since when it waits."""
    error: str | None
    """The error's class."""


class LetterPath(Answer):
    """One asynchronous path."""

    path: str
    """Its name."""
    waiting: Annotated[int, Field(ge=0)]
    """How many letters wait."""
    letters: list[Letter]
    """The oldest of them."""


class DeadLetters(Answer):
    """What asynchronous paths gave up."""

    paths: list[LetterPath]
    """Every path."""


class Redelivered(Answer):
    """What was delivered again."""

    path: str
    """Which path."""
    redelivered: list[str]
    """The events' ids, at most 50."""
    kept: Annotated[int, Field(ge=0)]
    """Letters that could not be handed over and stay."""


class SuspensionEntry(Answer):
    """One suspension or release."""

    what: Literal["suspended", "released"]
    """Which of both."""
    reason: ReasonCode
    """Why, as a code."""
    suspension_id: SuspensionId = MAY_BE_MISSING
    """Of a suspension."""
    by: str = MAY_BE_MISSING
    """Who suspended."""
    at: Instant = MAY_BE_MISSING
    """When."""
    proposed_by: str = MAY_BE_MISSING
    """Who proposed the release."""
    approved_by: str = MAY_BE_MISSING
    """Who approved it."""
    approved_at: Instant = MAY_BE_MISSING
    """When."""


class Suspension(Answer):
    """Whether business is suspended for somebody, with all that led there."""

    model_config = example(
        scope="institution",
        id="bank-1",
        active=True,
        entries=[
            {
                "what": "suspended",
                "suspension_id": "sus_oiwjp5zy56sp4ip3dursgnhmla",
                "by": "operations",
                "at": "2026-04-15T02:00:00.000Z",
                "reason": "DRILL",
            }
        ],
    )

    scope: Literal["platform", "institution", "partner", "enterprise"]
    """Whose business."""
    id: str = MAY_BE_MISSING
    """Which one; the platform has none."""
    active: bool
    """Whether it is suspended now."""
    entries: list[SuspensionEntry]
    """Oldest first."""


class SuspensionList(Answer):
    """Who is suspended now."""

    suspensions: list[Suspension]
    """The latest first."""


class Change(Answer):
    """A change of the configuration by two persons."""

    model_config = example(
        change_id="chg_oiwjp5zy56sp4ip3dursgnhmla",
        kind="release",
        content={"scope": "platform", "reason": "DRILL_OVER"},
        status="APPROVED",
        proposed_by="operations",
        proposed_at="2026-04-15T02:00:00.000Z",
        decided_by="operations-2",
        decided_at="2026-04-15T02:10:00.000Z",
    )

    change_id: ChangeId
    """Its id."""
    kind: str
    """What is changed."""
    content: dict[str, Any]
    """What it sets, as the kind has it."""
    status: ChangeStatus
    """PROPOSED until a second person decides."""
    proposed_by: str
    """Who."""
    proposed_at: Instant
    """When."""
    decided_by: str = MAY_BE_MISSING
    """Who decided."""
    decided_at: Instant = MAY_BE_MISSING
    """When."""


class ChangeList(Answer):
    """The newest changes."""

    changes: list[Change]
    """At most 50, whatever their status."""


class NoticeTaken(Answer):
    """What the books say after a notice."""

    reference: str
    """The payment's reference."""
    payment: PaymentStatus | None
    """Its status here; null where it is none of the bank's payments here."""


class NoticesTaken(Answer):
    """Every notice that was sent, in order."""

    notices: list[NoticeTaken]
    """One for JSON, as many as the file has for XML."""
