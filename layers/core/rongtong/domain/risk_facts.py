"""What the risk rules look at. Everything but the instant may be unknown, which is None and never zero or empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from rongtong.domain.bill import Application, MoneyFlow, RegistryBill
from rongtong.domain.calendar import SHANGHAI


@dataclass(frozen=True)
class PastDiscount:
    """A discount that the applicant requested before, at an aware instant, in fen."""

    at: datetime
    amount_fen: int
    acceptor_code: str


@dataclass(frozen=True)
class AccessEvent:
    """A request of the applicant's users; what is empty is not known."""

    at: datetime
    ip: str
    device: str
    region: str


@dataclass(frozen=True)
class CompanyProfile:
    """What is known of the applicant from the company register and its own declaration, amounts in fen."""

    registered_on: date | None = None
    capital_fen: int | None = None
    shared_address_count: int | None = None
    """How many other companies are registered at its address."""
    declared_turnover_fen: int | None = None
    """Of a year."""
    deals_with: frozenset[str] | None = None
    """The industries that its business has to do with."""


@dataclass(frozen=True)
class Facts:
    """What is known when a discount is judged. ``now`` is an aware instant; None means not known."""

    now: datetime
    application: Application | None = None
    bill: RegistryBill | None = None
    history: tuple[PastDiscount, ...] | None = None
    """The applicant's discounts before this one."""
    package_slices: int | None = None
    """How many ranges of the package are being discounted or were, this one included."""
    package_companies: int | None = None
    overlapping_applications: int | None = None
    """How many other applications for units of the same range stand, here or elsewhere."""
    payee_verified: bool | None = None
    within_hours: bool | None = None
    overdue_acceptors: frozenset[str] | None = None
    """Bank codes of acceptors listed for continued overdue payment (持续逾期)."""
    account_flows: tuple[MoneyFlow, ...] | None = None
    """What came into the applicant's account and left it."""
    accesses: tuple[AccessEvent, ...] | None = None
    failed_logins: tuple[datetime, ...] | None = None
    """When the applicant's users failed to show who they are."""
    profile: CompanyProfile | None = None
    groups: Mapping[str, str] | None = None
    """The group (集团) that a company belongs to, by credit code; a company without an entry belongs to none."""
    industries: Mapping[str, str] | None = None
    """The industry of a company, by credit code."""

    @cached_property
    def today(self) -> date:
        """The day in Shanghai."""
        return self.now.astimezone(SHANGHAI).date()
