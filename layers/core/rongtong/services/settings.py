"""What operations configure, from its records: policy, limits, calendar, acceptors, institutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rongtong.domain.acceptors import AcceptorDirectory
from rongtong.domain.calendar import WorkingCalendar, parse_calendar_year
from rongtong.domain.exposure import Limits
from rongtong.domain.interest import Fee
from rongtong.domain.policy import Policy
from rongtong.domain.rates import RateTable
from rongtong.services.errors import InstitutionUnknownError
from rongtong.services.storage import Document, Item


def policy_of(platform: Item | None, tenant: Item | None = None) -> Policy:
    """The policy in force for a tenant: its own document on top of the platform's, the defaults beneath both."""
    policy = Policy.parse({} if platform is None else platform.body)
    return policy if tenant is None else Policy.parse(tenant.body, policy)


def limits_of(item: Item | None) -> Limits:
    """The limits in force; without a record there are none but the institutions' own."""
    return Limits() if item is None else Limits.parse(item.body)


def calendar_of(shipped: WorkingCalendar, years: Iterable[Item | None], policy: Policy) -> WorkingCalendar:
    """The shipped working days, with the years that two persons confirmed in their place, and the tenant's hours."""
    confirmed = [parse_calendar_year(item.body) for item in years if item is not None]
    calendar = shipped.with_years({year.year: year for year in confirmed}) if confirmed else shipped
    return calendar.with_hours(policy.hours.opens, policy.hours.closes)


def acceptors_of(item: Item | None) -> AcceptorDirectory:
    """The directory of acceptors; without a record it knows none."""
    return AcceptorDirectory.parse({} if item is None else item.body)


def institution_of(item: Item | None) -> Document:
    """The institution, from its record. Raises InstitutionUnknownError when there is none."""
    if item is None:
        raise InstitutionUnknownError(
            "No such institution; choose one of those agreed with your platform.", field="institution_id"
        )
    return item.body


def require_agreed(partner: Item | None, institution_id: str) -> None:
    """Raises InstitutionUnknownError unless the partner may ask this institution; a record without a list names all."""
    agreed: Any = None if partner is None else partner.body.get("institutions")
    if agreed is not None and institution_id not in agreed:
        institution_of(None)


def rate_tables_of(institution: Document) -> list[RateTable]:
    """Every version of the institution's rates."""
    return [RateTable.parse(table) for table in institution.get("rate_tables", ())]


def fee_of(institution: Document) -> Fee:
    """What the institution charges beside the interest."""
    fee = institution.get("fee", {})
    return Fee(flat_fen=int(fee.get("flat_fen", 0)), per_million=int(fee.get("per_million", 0)))
