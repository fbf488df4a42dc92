"""What operations configure of the rules: for the platform, and where a tenant (a partner platform) differs from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from rongtong.domain.calendar import ServiceHours
from rongtong.domain.complaint import ANSWER_DAYS
from rongtong.domain.confirmation_rules import ConfirmationRules
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.identity import check_bank_code
from rongtong.domain.monthly_rules import MONTHLY_RULES, MonthlyRule, configure_monthly
from rongtong.domain.package import SPLITS_MAX
from rongtong.domain.personal_data import DISCLOSURES_MAX, DISCLOSURES_PER_DAY, RETENTION_YEARS, RETENTION_YEARS_MAX
from rongtong.domain.prequalification import Freshness
from rongtong.domain.risk_rules import DEFAULT_RULES, Rule, configure
from rongtong.domain.sub_bill_range import PACKAGE_CEILING_FEN
from rongtong.domain.trade import EvidenceRequirement, parse_requirements

_MONTHS_MAX = 6
"""Order 〔2022〕4号 article 25."""
_MINUTES_MAX = 8 * 60
_COMPLAINT_DAYS_MAX = 60


class PolicyError(InvalidInputError):
    """A policy that cannot be read; ``field`` names the part."""

    code = "POLICY"


@dataclass(frozen=True)
class Policy:
    """Rules and thresholds (assumed: configurable). What a document does not name keeps its default."""

    hours: ServiceHours = field(default_factory=ServiceHours)
    tenor_months: int = _MONTHS_MAX
    strict_check_newgen: bool = True
    """STRICT_CHECK_NEWGEN: whether a wrong check digit refuses a bill of the new system too."""
    check_kind_digit: bool = True
    """Whether the kind of a bill must fit the first digit of its number."""
    quote_minutes: int = 30
    complaint_days: int = ANSWER_DAYS
    """Within how many calendar days a complaint is answered."""
    retention_years: int = RETENTION_YEARS
    """How long personal data is kept after relationship and last transaction; the platform's alone."""
    disclosures_per_day: int = DISCLOSURES_PER_DAY
    """How many times a day one person is shown personal data in full."""
    package_ceiling_fen: int = PACKAGE_CEILING_FEN
    package_splits: int = SPLITS_MAX
    """How many ranges of one package are discounted here at most."""
    bank_directory: frozenset[str] = frozenset()
    """Bank codes that are right although their check digit is not."""
    blocked_acceptors: frozenset[str] = frozenset()
    overdue_acceptors: frozenset[str] = frozenset()
    """Order 〔2022〕4号 article 36: listed for continued overdue payment (持续逾期)."""
    evidence: Mapping[str, EvidenceRequirement] = field(default_factory=lambda: parse_requirements({}))
    rules: Mapping[str, Rule] = field(default_factory=lambda: DEFAULT_RULES)
    monthly_rules: Mapping[str, MonthlyRule] = field(default_factory=lambda: MONTHLY_RULES)
    """Of the monthly review, which looks at companies whichever tenants they come through: the platform's alone."""
    freshness: Freshness = field(default_factory=Freshness)
    confirmation: ConfirmationRules = field(default_factory=ConfirmationRules)

    @classmethod
    def parse(cls, document: Mapping[str, Any], base: Policy | None = None) -> Policy:
        """The policy that a document describes, on top of ``base``: for a tenant the platform's, which it tightens.

        On a base, acceptors are barred that either bars; the bank directory and the monthly review's rules are the
        base's own, bills run no longer than there, and a check that is on there stays on. Raises PolicyError,
        CalendarError (SERVICE_HOURS), RiskRuleError, MonthlyRuleError, TradeEvidenceError, ConfirmationRulesError,
        FreshnessError, IdentityError.
        """
        policy = cls() if base is None else base
        unknown = set(document) - set(_READERS) - _SIGNATURE
        if unknown:
            name = min(unknown)
            raise PolicyError(f"A policy has no {name}; it has {', '.join(sorted(_READERS))}.", field=name)
        for name, read in _READERS.items():
            if name in document:
                policy = read(policy, document[name])
        return policy if base is None else _tightened(policy, base)


_SIGNATURE = frozenset({"version", "proposed_by", "approved_by", "approved_at"})
"""What stands beside a stored policy: who made it so."""


def _tightened(policy: Policy, base: Policy) -> Policy:
    """What would loosen the base has no effect: a tenant's stored policy lives on when the platform's gets stricter."""
    kept: dict[str, Any] = {name: getattr(policy, name) or getattr(base, name) for name in _SWITCHES}
    return replace(
        policy,
        bank_directory=base.bank_directory,
        monthly_rules=base.monthly_rules,
        confirmation=policy.confirmation.tightened(base.confirmation),
        freshness=policy.freshness.tightened(base.freshness),
        tenor_months=min(policy.tenor_months, base.tenor_months),
        complaint_days=min(policy.complaint_days, base.complaint_days),
        retention_years=base.retention_years,
        disclosures_per_day=min(policy.disclosures_per_day, base.disclosures_per_day),
        package_ceiling_fen=min(policy.package_ceiling_fen, base.package_ceiling_fen),
        package_splits=min(policy.package_splits, base.package_splits),
        blocked_acceptors=policy.blocked_acceptors | base.blocked_acceptors,
        overdue_acceptors=policy.overdue_acceptors | base.overdue_acceptors,
        **kept,
    )


def _whole_number(name: str, most: int, least: int = 1) -> Callable[[Policy, Any], Policy]:
    def read(policy: Policy, value: Any) -> Policy:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise PolicyError(f"{name} is a whole number from {least} to {most}.", field=name)
        changes: dict[str, Any] = {name: value}
        return replace(policy, **changes)

    return read


def _codes(name: str, *, checked: bool = True) -> Callable[[Policy, Any], Policy]:
    def read(policy: Policy, value: Any) -> Policy:
        if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
            raise PolicyError(f"{name} is a list of bank codes.", field=name)
        if checked:
            for at, code in enumerate(value):
                check_bank_code(code, field=f"{name}.{at}", directory=policy.bank_directory)
        changes: dict[str, Any] = {name: frozenset(value)}
        return replace(policy, **changes)

    return read


def _switch(name: str) -> Callable[[Policy, Any], Policy]:
    def read(policy: Policy, value: Any) -> Policy:
        if not isinstance(value, bool):
            raise PolicyError(f"{name} is true or false.", field=name)
        changes: dict[str, Any] = {name: value}
        return replace(policy, **changes)

    return read


_SWITCHES = ("strict_check_newgen", "check_kind_digit")
_READERS: Mapping[str, Callable[[Policy, Any], Policy]] = MappingProxyType(
    {
        "bank_directory": _codes("bank_directory", checked=False),
        "service_hours": lambda policy, value: replace(policy, hours=ServiceHours.parse(value)),
        "tenor_months": _whole_number("tenor_months", _MONTHS_MAX),
        **{name: _switch(name) for name in _SWITCHES},
        "quote_minutes": _whole_number("quote_minutes", _MINUTES_MAX),
        "complaint_days": _whole_number("complaint_days", _COMPLAINT_DAYS_MAX),
        "retention_years": _whole_number("retention_years", RETENTION_YEARS_MAX, RETENTION_YEARS),
        "disclosures_per_day": _whole_number("disclosures_per_day", DISCLOSURES_MAX),
        "package_ceiling_fen": _whole_number("package_ceiling_fen", PACKAGE_CEILING_FEN),
        "package_splits": _whole_number("package_splits", SPLITS_MAX),
        "blocked_acceptors": _codes("blocked_acceptors"),
        "overdue_acceptors": _codes("overdue_acceptors"),
        "evidence": lambda policy, value: replace(policy, evidence=parse_requirements(value)),
        "confirmation": lambda policy, value: replace(
            policy, confirmation=ConfirmationRules.parse(value, policy.confirmation)
        ),
        "prequalification": lambda policy, value: replace(policy, freshness=Freshness.parse(value, policy.freshness)),
        "risk_rules": lambda policy, value: replace(policy, rules=configure(value, policy.rules)),
        "monthly_review": lambda policy, value: replace(
            policy, monthly_rules=configure_monthly(value, policy.monthly_rules)
        ),
    }
)
