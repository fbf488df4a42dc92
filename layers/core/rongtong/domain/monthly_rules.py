"""The rules of the monthly review (每月回溯) as operations tune them: what each looks for and what follows.

The platform looks at every customer's month against what it did before, and restricts the accounts of customers at
risk. Which patterns, and from where on, the platform sets: every window, threshold, severity and action here is a
default (assumed: configurable).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from rongtong.domain.errors import InvalidInputError
from rongtong.domain.large_value import LARGE_VALUE_FEN, LargeValueKind
from rongtong.domain.risk_rules import Severity

Choice = TypeVar("Choice", bound=StrEnum)

WINDOW_MONTHS_MAX = 12
"""The review looks back no further than a year before the month."""
_FIELD = "monthly_review"
_VALUE_MAX = 10**18 - 1
_DAY_HOURS = 24


class MonthlyRuleError(InvalidInputError):
    """A rule of the monthly review cannot be configured so; ``field`` names rule and part."""

    code = "MONTHLY_RULE"


class MonthlyAction(StrEnum):
    """What a finding leads to, the mildest first; NONE only reports it."""

    NONE = "NONE"
    REVIEW = "REVIEW"
    """A person looks at the company: an incident is opened."""
    RESTRICT = "RESTRICT"
    """No new disbursements to the company until two persons release it; a person looks at it as well."""


@dataclass(frozen=True)
class MonthlyRule:
    """One pattern. It is found where what is measured, in ``unit``, is ``threshold`` or more.

    ``window`` is how many months before the reviewed one it looks at, None where it looks at that month alone.
    ``further`` are its other thresholds, each with its unit in its name.
    """

    id: str
    title: str
    severity: Severity
    action: MonthlyAction
    unit: str
    threshold: int
    window: int | None = None
    further: Mapping[str, int] = field(default_factory=dict)
    enabled: bool = True


_LARGE_FEN = LARGE_VALUE_FEN[LargeValueKind.CORPORATE_TRANSFER]
_ALL = (
    MonthlyRule(
        "VOLUME_JUMP", "Far more money than in the months before (贴现金额突增)",
        Severity.HIGH, MonthlyAction.REVIEW, "percent of the mean", 300, 6,
        {"least_active_months": 3, "least_fen": 100_000_000},
    ),
    MonthlyRule(
        "COUNT_JUMP", "Far more discounts than in the months before (贴现笔数突增)",
        Severity.MEDIUM, MonthlyAction.REVIEW, "percent of the mean", 300, 6,
        {"least_active_months": 3, "least_discounts": 10},
    ),
    MonthlyRule(
        "AMOUNTS_UNDER_LINE", "Amounts just under a line that is looked at, again and again (拆分)",
        Severity.HIGH, MonthlyAction.RESTRICT, "discounts", 5, None,
        {"margin_percent": 2, "least_share_percent": 30, "large_value_fen": _LARGE_FEN},
    ),
    MonthlyRule(
        "ROUND_TRIP", "Two companies discount each other's bills (互开票据)",
        Severity.HIGH, MonthlyAction.RESTRICT, "companies", 1, None, {"least_fen_each_way": 10_000_000},
    ),
    MonthlyRule(
        "NEW_COUNTERPARTIES", "Nearly everything is of buyers never dealt with before (新交易对手集中)",
        Severity.MEDIUM, MonthlyAction.REVIEW, "percent", 80, 6,
        {"least_active_months": 3, "least_discounts": 5},
    ),
    MonthlyRule(
        "UNPAID_SHARE", "Much of it was refused, failed or came back (拒绝退回占比高)",
        Severity.MEDIUM, MonthlyAction.REVIEW, "percent", 50, None, {"least_discounts": 6},
    ),
    MonthlyRule(
        "ODD_HOURS", "Asked for at night or on days off (非工作时间集中)",
        Severity.LOW, MonthlyAction.REVIEW, "percent", 50, None,
        {"least_discounts": 5, "from_hour": 7, "to_hour": 21},
    ),
    MonthlyRule(
        "QUICK_DISCOUNT", "Discounted within days of issue (即出即贴)",
        Severity.LOW, MonthlyAction.REVIEW, "percent", 60, None, {"least_discounts": 5, "most_days": 3},
    ),
    MonthlyRule(
        "DOCUMENT_REUSE", "Invoices or orders offered again that stand behind other bills (重复使用贸易单据)",
        Severity.HIGH, MonthlyAction.RESTRICT, "attempts", 3,
    ),
    MonthlyRule(
        "DORMANT_ACTIVE", "Silent for months, then suddenly active (长期闲置后突然启用)",
        Severity.MEDIUM, MonthlyAction.REVIEW, "months", 3, 12, {"least_fen": 100_000_000},
    ),
    MonthlyRule(
        "RISK_REVIEWS", "The risk rules stopped one request after another (多次触发风险规则)",
        Severity.MEDIUM, MonthlyAction.REVIEW, "discounts", 3,
    ),
)  # fmt: skip
MONTHLY_RULES: Mapping[str, MonthlyRule] = MappingProxyType({rule.id: rule for rule in _ALL})
"""Every rule by its id, as it is without configuration."""


def configure_monthly(overrides: object, rules: Mapping[str, MonthlyRule] = MONTHLY_RULES) -> Mapping[str, MonthlyRule]:
    """``rules`` with what the platform sets differently, like ``{"VOLUME_JUMP": {"threshold": 500}}``.

    A rule has ``window`` (1 to 12 months) if it looks back, ``threshold``, ``severity``, ``action``, ``enabled`` and
    what it has in ``further``: whole numbers of 1 or more, hours of the day up to 24. Raises MonthlyRuleError; its
    field is like ``monthly_review.VOLUME_JUMP.window``.
    """
    changed = dict(rules)
    for name, parts in _object(overrides, _FIELD).items():
        if name not in rules:
            known = ", ".join(rules)
            raise MonthlyRuleError(f"There is no rule {name!r}; use one of {known}.", field=f"{_FIELD}.{name}")
        rule = rules[name]
        for part, value in _object(parts, f"{_FIELD}.{name}").items():
            rule = _changed(rule, part, value)
        changed[name] = rule
    return MappingProxyType(changed)


def _changed(rule: MonthlyRule, part: str, value: object) -> MonthlyRule:
    name = f"{_FIELD}.{rule.id}.{part}"
    if part == "enabled":
        if not isinstance(value, bool):
            raise MonthlyRuleError("enabled is true or false.", field=name)
        return replace(rule, enabled=value)
    if part == "severity":
        return replace(rule, severity=_one_of(Severity, value, name))
    if part == "action":
        return replace(rule, action=_one_of(MonthlyAction, value, name))
    if part in rule.further:
        most = _DAY_HOURS if part.endswith("_hour") else _VALUE_MAX
        return replace(rule, further={**rule.further, part: _whole(value, name, most)})
    if part == "threshold":
        return replace(rule, threshold=_whole(value, name))
    if part == "window" and rule.window is not None:
        return replace(rule, window=_whole(value, name, WINDOW_MONTHS_MAX))
    raise MonthlyRuleError(f"{rule.id} has no {part!r} to set; leave it out.", field=name)


def _one_of(choices: type[Choice], value: object, name: str) -> Choice:
    for choice in choices:
        if choice == value:
            return choice
    raise MonthlyRuleError(f"Use one of {', '.join(choices)}.", field=name)


def _whole(value: object, name: str, most: int = _VALUE_MAX) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise MonthlyRuleError(f"This is a whole number from 1 to {most}.", field=name)
    return value


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MonthlyRuleError('Monthly rules look like {"VOLUME_JUMP": {"threshold": 500}}.', field=name)
    return value
