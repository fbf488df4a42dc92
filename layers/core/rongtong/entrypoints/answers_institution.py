"""Answers about statements, an institution's side and complaints, field by field: for the description and for tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rongtong.domain.complaint import ComplaintCategory, ComplaintStatus
from rongtong.domain.large_value import Direction
from rongtong.domain.statement import LineKind
from rongtong.entrypoints.answers import (
    MAY_BE_MISSING,
    Answer,
    Day,
    DiscountId,
    EnterpriseId,
    Fen,
    Instant,
    NextCursor,
    Range,
    Rate,
    ReasonCode,
    example,
    identifier,
)
from rongtong.entrypoints.answers_operations import Change

ComplaintId = Annotated[str, identifier("cmp")]
Number = Annotated[int, Field(ge=0)]


class StatementSum(Answer):
    """How many lines of a kind there are, and their sum."""

    count: Number
    """Lines."""
    amount_fen: Fen
    """Their amounts."""


class StatementTotals(Answer):
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
    face_fen: Fen
    """Face of what was paid for the first time."""
    interest_fen: Fen
    """The whole interest on it."""
    buyer_interest_fen: Fen
    """The buyers' part of that."""
    fee_fen: Fen
    """Fees on it."""
    net_fen: int
    """What left less what came back; below nought where more came back than left."""


class StatementLine(Answer):
    """One fact of one day; it never changes afterwards, but for OPEN ones."""

    kind: LineKind
    """What it tells of."""
    day: Day
    """On which day in Shanghai it is booked."""
    at: Instant
    """When it was sent, or heard of."""
    reference: str
    """The payment's reference, the EndToEndId at the bank."""
    discount_id: DiscountId
    """The discount."""
    enterprise_id: EnterpriseId
    """Whose bill it was."""
    partner_id: str
    """Through whom it was requested."""
    institution_id: str
    """Who funded it."""
    bill_number: str
    """The bill."""
    range: Range
    """The range of it that was discounted."""
    amount_fen: Fen
    """What moved; the kind says which way."""
    face_fen: Fen = MAY_BE_MISSING
    """Face of the range; of PAID lines, as are the next three."""
    interest_fen: Fen = MAY_BE_MISSING
    """The whole interest."""
    buyer_interest_fen: Fen = MAY_BE_MISSING
    """The buyer's part of it."""
    fee_fen: Fen = MAY_BE_MISSING
    """The fee."""
    bank_serial: str = MAY_BE_MISSING
    """The bank's own number of the payment."""
    reason: ReasonCode = MAY_BE_MISSING
    """Why it came back."""


class StatementCompared(Answer):
    """The comparison with the bank's statement."""

    done: bool
    """Whether every day was compared after its end."""
    differing: list[str]
    """References on which the bank does not say the same; they are looked into."""


class Statement(Answer):
    """A day's or a month's statement."""

    period: str
    """The day or month."""
    made_at: Instant
    """When this answer was made."""
    final: bool
    """Whether the period is over and nothing in it is open."""
    reconciliation: StatementCompared
    """Whether the bank agrees."""
    totals: StatementTotals
    """Sums over the lines."""
    lines: list[StatementLine]
    """In the order in which they happened."""


class LargeValue(Answer):
    """What a customer received, or what went back, on the day."""

    uscc: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{18}$")]
    """The customer's credit code; through whichever partners it comes."""
    name: str
    """The company's name."""
    direction: Direction
    """`receipt`: paid to the customer; `payment`: it went back."""
    total_fen: Fen
    """The day's total."""
    references: list[str]
    """The payments that it is made of."""


class LargeValues(Answer):
    """An institution's large values of a day (Order 〔2016〕3号 of the People's Bank, article 5)."""

    day: Day
    """The day in Shanghai."""
    made_at: Instant
    """When this answer was made."""
    final: bool
    """Whether the day is over and no payment of it is open."""
    threshold_fen: Fen
    """From which total on, itself included."""
    report_by: Day | None
    """The fifth working day after it; null while that year's working days are not confirmed."""
    large_values: list[LargeValue]
    """By credit code."""


class PortfolioYield(Answer):
    """What the portfolio earns; null where nothing is held."""

    annual_rate: Rate | None
    """Discount rate weighted by face, percent a year."""
    to_maturity: Rate | None
    """Money-market yield from purchase to maturity on what was laid out, ACT/360, percent a year."""
    days_to_maturity: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}\.[0-9]{6}$")] | None
    """Days left, weighted by face."""


class LadderStep(Answer):
    """What matures within a span of days."""

    from_days: Number
    """The first, counted from the day of the portfolio."""
    to_days: Number | None
    """The last; null for all later ones."""
    count: Number
    """Bills."""
    face_fen: Fen
    """Their face."""
    by_acceptor_class: dict[str, Fen]
    """Face by class of acceptor."""


class AcceptorShare(Answer):
    """An acceptor's part."""

    acceptor_bank_code: str
    """Whose acceptance."""
    acceptor_class: str
    """Its class, as the directory has it today."""
    count: Number
    """Bills."""
    face_fen: Fen
    """Their face."""
    percent: Rate
    """Of the portfolio's face."""


class Concentration(Answer):
    """On whom the portfolio is."""

    herfindahl: Annotated[str, StringConstraints(pattern=r"^[01]\.[0-9]{6}$")] | None
    """Sum of the squared shares: 1 where all is on one acceptor; null where nothing is held."""
    acceptors: list[AcceptorShare]
    """The largest first."""


class CountedFace(Answer):
    """Bills that need a look."""

    count: Number
    """Bills."""
    face_fen: Fen
    """Their face."""


class InstitutionPortfolio(Answer):
    """What an institution holds at the end of a day."""

    as_of: Day
    """The day."""
    count: Number
    """Bills or ranges of them."""
    face_fen: Fen
    """Their face."""
    cost_fen: Fen
    """What was laid out for them, net of fees and of interest that buyers paid."""
    # A name that is a word of Python's own.
    yield_: Annotated[PortfolioYield, Field(alias="yield", description="What it earns.")]
    ladder: list[LadderStep]
    """By days to the effective maturity; every step, empty ones too."""
    concentration: Concentration
    """By acceptor."""
    returned: CountedFace
    """The institution has the bill and its money came back; not in the portfolio."""
    not_endorsed: CountedFace
    """Paid, and not endorsed at the registry yet; in the portfolio."""


class InstitutionLimit(Answer):
    """The limit and what is taken of it."""

    limit_fen: Fen
    """At most so much face."""
    used_fen: Fen
    """Taken."""
    free_fen: Fen
    """Left."""


class InstitutionFee(Answer):
    """What is charged beside the interest."""

    flat_fen: Fen
    """Of every discount."""
    per_million: Number
    """Of its face."""


class RateRow(Answer):
    """The rate of one class of acceptors."""

    acceptor_class: str
    """The class."""
    max_days: Number
    """For up to so many days."""
    annual_rate: str
    """Percent a year."""
    min_fen: Fen = MAY_BE_MISSING
    """From this face on."""
    max_fen: Fen | None = MAY_BE_MISSING
    """Up to this face."""


class RateTable(Answer):
    """One version of the rates."""

    version: Number
    """Its number."""
    valid_from: str
    """From when it holds."""
    valid_to: str | None = MAY_BE_MISSING
    """Until when; until a higher version, if not said."""
    rows: list[RateRow]
    """The rates."""
    proposed_by: str = MAY_BE_MISSING
    """Who."""
    approved_by: str = MAY_BE_MISSING
    """Who approved it."""
    approved_at: Instant = MAY_BE_MISSING
    """When."""


class InstitutionTerms(Answer):
    """An institution's rates, fee and limit."""

    institution_id: str
    """Whose."""
    limit: InstitutionLimit
    """How much it takes."""
    fee: InstitutionFee
    """What it charges."""
    rate_tables: list[RateTable]
    """Every version, the oldest first."""
    version_in_force: Number | None
    """Which of them holds now; null for none."""


class InstitutionChange(Change):
    """A change that an institution's own persons make."""

    model_config = example(
        change_id="chg_oiwjp5zy56sp4ip3dursgnhmla",
        kind="institution",
        content={"institution_id": "bank-1", "limit_fen": 250_000_000_000},
        status="PROPOSED",
        proposed_by="institution-1",
        proposed_at="2026-04-15T02:00:00.000Z",
        institution_id="bank-1",
    )

    institution_id: str
    """Whose."""


class InstitutionChangeList(Answer):
    """The newest changes of the institution."""

    changes: list[InstitutionChange]
    """At most 50, whatever their status."""


class ComplaintAbout(Answer):
    """What a complaint is about."""

    kind: Literal["discount", "enterprise"]
    """Which of the two."""
    id: str
    """Its id."""
    enterprise_id: EnterpriseId
    """The enterprise concerned."""


class Message(Answer):
    """Something that was written."""

    model_config = example(at="2026-04-15T02:00:00.000Z", **{"from": "complainant"}, text="利息与报价不符")

    at: Instant
    """When."""
    from_: Annotated[Literal["complainant", "platform"], Field(alias="from", description="By which side.")]
    text: str
    """What."""


class ListedComplaint(Answer):
    """A complaint without what was written."""

    complaint_id: ComplaintId
    """Its id."""
    about: ComplaintAbout
    """What it is about."""
    category: ComplaintCategory
    """Of which kind."""
    status: ComplaintStatus
    """Where it stands."""
    received_at: Instant
    """When it was taken in."""
    answer_by: Instant
    """By when it is answered."""
    overdue: bool
    """Whether that has passed without an answer."""
    taken_by: str = MAY_BE_MISSING
    """Who looks into it."""
    answered_at: Instant = MAY_BE_MISSING
    """When it was answered last."""
    answered_by: str = MAY_BE_MISSING
    """By whom."""
    closed_at: Instant = MAY_BE_MISSING
    """When the complainant closed it."""


class Complaint(ListedComplaint):
    """A complaint with everything that was written."""

    messages: list[Message]
    """Oldest first."""


class ComplaintList(Answer):
    """Complaints without what was written."""

    complaints: list[ListedComplaint]
    """In the order of the list."""
    more: bool
    """Whether there are others."""
    next_cursor: NextCursor | None
    """Send it as `cursor` for the next page; null at the end."""
