"""The monthly review's report as the API answers it to programs, field by field: for its description and for tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from rongtong.domain.monthly_rules import MonthlyAction
from rongtong.domain.risk_rules import Action, Unit
from rongtong.entrypoints.answers import Answer, Fen, Instant

Count = Annotated[int, Field(ge=0)]
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}$")]


class Discounted(Answer):
    """What was asked for in a month."""

    discounts: Count
    """How many."""
    face_fen: Fen
    """Their face."""


class Hits(Answer):
    """Hits of a risk rule that came to the same."""

    hits: Count
    """How many."""
    face_fen: Fen
    """The face of the discounts."""


class RiskRuleRecord(Answer):
    """How often one version of a risk rule was right, in the month and the twelve before it."""

    rule: str
    """The rule's id."""
    title: str
    """What it looks for."""
    action: Action
    """What followed from a hit."""
    threshold: int | None
    """From which it hit; null for the versions beyond the first 500, which are not kept apart."""
    unit: Unit | Literal[""]
    """What the threshold is counted in."""
    hits: Count
    """All of them."""
    face_fen: Fen
    """Their face."""
    approved: Hits
    """A reviewer let them go on."""
    rejected: Hits
    """A reviewer refused them."""
    open: Hits
    """A reviewer has yet to decide."""
    undecided: Hits
    """No reviewer decided: the rule only records or refuses by itself, the bill had another fault, time ran out."""
    rejected_alone: Count
    """Rejected hits of discounts that nothing else sent to a person."""
    suggestion: str | None
    """What two persons may look at, where fifty decisions or more all say the same."""


class MonthlyRuleFound(Answer):
    """A rule of the review that found something of a company."""

    rule: str
    """The rule's id."""
    measured: int
    """In the rule's unit."""


class ReviewedCompany(Answer):
    """A company of which something was found."""

    uscc: str
    """Its credit code."""
    name: str
    """Masked."""
    discounts: Count
    """How many it asked for in the month."""
    face_fen: Fen
    """Their face."""
    findings: list[MonthlyRuleFound]
    """Which rules."""
    action: MonthlyAction
    """What followed."""


class MonthlyReview(Answer):
    """A month's report on the customers."""

    month: Month
    """Which."""
    made_at: Instant
    """When it was begun."""
    enterprises: Count
    """How many were looked at."""
    companies: Count
    """How many companies they are."""
    restricted: Count
    """Accounts that are restricted."""
    to_review: Count
    """Further companies that a person looks at."""
    months: dict[Month, Discounted]
    """What was asked for, by month."""
    companies_by_rule: dict[str, Count]
    """How many companies each rule of the review found."""
    risk_rules: list[RiskRuleRecord]
    """The risk rules that hit, version by version."""
    rows: list[ReviewedCompany]
    """The gravest first, at most 500."""
