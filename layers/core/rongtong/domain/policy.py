"""What operations configure of the rules: for the platform, and where a tenant (a partner platform) differs from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from rongtong.domain.calendar import ServiceHours
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.identity import check_bank_code
from rongtong.domain.risk_rules import DEFAULT_RULES, Rule, configure
from rongtong.domain.trade import EvidenceRequirement, parse_requirements

_MONTHS_MAX = 12
_MINUTES_MAX = 8 * 60


class PolicyError(InvalidInputError):
    """A policy that cannot be read; ``field`` names the part."""

    code = "POLICY"


@dataclass(frozen=True)
class Policy:
    """Rules and thresholds (assumed: configurable). What a document does not name keeps its default."""

    hours: ServiceHours = field(default_factory=ServiceHours)
    tenor_months: int = 6
    """Order 〔2022〕4号 article 25."""
    strict_check_newgen: bool = True
    """STRICT_CHECK_NEWGEN: whether a wrong check digit refuses a bill of the new system too."""
    quote_minutes: int = 30
    bank_directory: frozenset[str] = frozenset()
    """Bank codes that are right although their check digit is not."""
    blocked_acceptors: frozenset[str] = frozenset()
    overdue_acceptors: frozenset[str] = frozenset()
    """Order 〔2022〕4号 article 36: listed for continued overdue payment (持续逾期)."""
    evidence: Mapping[str, EvidenceRequirement] = field(default_factory=lambda: parse_requirements({}))
    rules: Mapping[str, Rule] = field(default_factory=lambda: DEFAULT_RULES)

    @classmethod
    def parse(cls, document: Mapping[str, Any], base: Policy | None = None) -> Policy:
        """The policy that a document describes, on top of ``base``.

        Raises PolicyError, CalendarError (SERVICE_HOURS), RiskRuleError, TradeEvidenceError, IdentityError.
        """
        policy = cls() if base is None else base
        unknown = set(document) - set(_READERS) - _SIGNATURE
        if unknown:
            name = min(unknown)
            raise PolicyError(f"A policy has no {name}; it has {', '.join(sorted(_READERS))}.", field=name)
        for name, read in _READERS.items():
            if name in document:
                policy = read(policy, document[name])
        return policy


_SIGNATURE = frozenset({"version", "proposed_by", "approved_by", "approved_at"})
"""What stands beside a stored policy: who made it so."""


def _whole_number(name: str, most: int) -> Callable[[Policy, Any], Policy]:
    def read(policy: Policy, value: Any) -> Policy:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= most:
            raise PolicyError(f"{name} is a whole number from 1 to {most}.", field=name)
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


def _switch(policy: Policy, value: Any) -> Policy:
    if not isinstance(value, bool):
        raise PolicyError("strict_check_newgen is true or false.", field="strict_check_newgen")
    return replace(policy, strict_check_newgen=value)


_READERS: Mapping[str, Callable[[Policy, Any], Policy]] = MappingProxyType(
    {
        "bank_directory": _codes("bank_directory", checked=False),
        "service_hours": lambda policy, value: replace(policy, hours=ServiceHours.parse(value)),
        "tenor_months": _whole_number("tenor_months", _MONTHS_MAX),
        "strict_check_newgen": _switch,
        "quote_minutes": _whole_number("quote_minutes", _MINUTES_MAX),
        "blocked_acceptors": _codes("blocked_acceptors"),
        "overdue_acceptors": _codes("overdue_acceptors"),
        "evidence": lambda policy, value: replace(policy, evidence=parse_requirements(value)),
        "risk_rules": lambda policy, value: replace(policy, rules=configure(value, policy.rules)),
    }
)
