"""The risk rules (风险规则) as operations tune them: what each looks for, how far back, and what follows.

反洗钱法 and Order 〔2016〕3号 want suspicious patterns watched; which ones, and from where on, the platform sets: every
window, threshold, severity and action here is a default (assumed: configurable).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeVar

from rongtong.domain.errors import InvalidInputError
from rongtong.domain.large_value import LARGE_VALUE_FEN, LargeValueKind

Choice = TypeVar("Choice", bound=StrEnum)

REVIEW_REQUIRED = "REVIEW_REQUIRED"
"""What is told of every pattern of laundering or fraud: neutral words (反洗钱法: no tipping-off)."""

_FIELD = "risk_rules"
_WINDOW_MAX = timedelta(days=366)
"""The platform looks back no further than a year."""
_VALUE_MAX = 10**18 - 1


class RiskRuleError(InvalidInputError):
    """A risk rule cannot be configured so; ``field`` names rule and part."""

    code = "RISK_RULE"


class Action(StrEnum):
    """What a hit leads to, the mildest first; PASS only records it."""

    PASS = "PASS"  # noqa: S105
    REVIEW = "REVIEW"
    REJECT = "REJECT"


class Severity(StrEnum):
    """How grave a hit is, the mildest first."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Unit(StrEnum):
    """What windows and thresholds are counted in; YES_NO asks only whether, so that its threshold is fixed at 1."""

    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    FEN = "fen"
    PERCENT = "percent"
    COUNT = "count"
    YES_NO = "yes/no"


_SPANS: Mapping[Unit, timedelta] = {
    Unit.MINUTES: timedelta(minutes=1),
    Unit.HOURS: timedelta(hours=1),
    Unit.DAYS: timedelta(days=1),
}


@dataclass(frozen=True)
class Rule:
    """One pattern. It hits from ``threshold`` on, in ``unit``; where ``below`` is set, on everything less than it.

    ``number`` is the pattern's in the platform's catalogue, None for the bill's own quality. ``window`` says how far it
    looks back, in ``window_unit``, None where it looks at the present only. ``further`` are its other thresholds, each
    with its unit in its name. ``outside`` is the code that a caller is told when the action is REVIEW.
    """

    id: str
    number: int | None
    title: str
    severity: Severity
    action: Action
    unit: Unit = Unit.YES_NO
    threshold: int = 1
    window: int = 0
    window_unit: Unit | None = None
    further: Mapping[str, int] = field(default_factory=dict)
    below: bool = False
    outside: str = REVIEW_REQUIRED
    enabled: bool = True

    @cached_property
    def span(self) -> timedelta:
        """The window as a length of time; nothing where there is none."""
        return timedelta(0) if self.window_unit is None else _SPANS[self.window_unit] * self.window

    def hits(self, measured: int) -> bool:
        """Whether the pattern is there at this value."""
        return measured < self.threshold if self.below else measured >= self.threshold


_LARGE_FEN = LARGE_VALUE_FEN[LargeValueKind.CORPORATE_TRANSFER]
_ALL = (
    Rule(
        "SCATTERED_IN_CONCENTRATED_OUT", 1,
        "Many paid in and few were paid within days, or the reverse (短期分散转入集中转出)",
        Severity.HIGH, Action.REVIEW, Unit.COUNT, 10, 5, Unit.DAYS,
        {"most_on_the_other_side": 2, "passed_on_percent": 80, "least_fen": _LARGE_FEN},
    ),
    Rule(
        "JUST_UNDER_THRESHOLD", 2, "Amounts just under a threshold again and again (拆分)",
        Severity.HIGH, Action.REVIEW, Unit.COUNT, 3, 30, Unit.DAYS,
        {"margin_percent": 2, "large_value_fen": _LARGE_FEN},
    ),
    Rule(
        "UNRELATED_COUNTERPARTIES", 3, "Counterparties unrelated to the company's business (与经营业务无关)",
        Severity.MEDIUM, Action.REVIEW, Unit.COUNT, 3, 90, Unit.DAYS,
    ),
    Rule(
        "DORMANT_ACTIVE", 4, "Silent for long, then suddenly active (长期闲置后突然启用)",
        Severity.MEDIUM, Action.REVIEW, Unit.DAYS, 180, 7, Unit.DAYS, {"least_fen": 100_000_000},
    ),
    Rule(
        "ACCESS_FREQUENCY", 5, "Requests from one address or device in quick succession (频繁 IP 或设备)",
        Severity.MEDIUM, Action.REVIEW, Unit.COUNT, 200, 10, Unit.MINUTES,
    ),
    Rule(
        "LOGIN_BURST", 6, "A burst of failed logins (批量登录)",
        Severity.MEDIUM, Action.REVIEW, Unit.COUNT, 10, 10, Unit.MINUTES,
    ),
    Rule(
        "CROSS_REGION", 7, "Used from several regions within a short time (短时跨地区)",
        Severity.MEDIUM, Action.REVIEW, Unit.COUNT, 3, 1, Unit.HOURS,
    ),
    Rule(
        "MONEY_FROM_ANOTHER", 8, "The bill goes to one company, the money comes from another (票款分离)",
        Severity.HIGH, Action.REVIEW, Unit.COUNT, 1,
    ),
    Rule(
        "ENDORSEMENT_COUNT", 9, "Many endorsements in few days (频繁背书)",
        Severity.MEDIUM, Action.REVIEW, Unit.COUNT, 21, 184, Unit.DAYS, outside="REVIEW_ENDORSEMENTS",
    ),
    Rule(
        "BACK_ENDORSEMENT", 9, "The bill came back to companies that had it before (回头背书)",
        Severity.MEDIUM, Action.REVIEW, Unit.COUNT, 1, outside="REVIEW_BACK_ENDORSEMENT",
    ),
    Rule(
        "QUICK_RESALE", 10, "Discounted soon after it was received by endorsement (即收即贴)",
        Severity.MEDIUM, Action.REVIEW, Unit.DAYS, 1, below=True, outside="REVIEW_QUICK_RESALE",
    ),
    Rule(
        "PACKAGE_SLICED", 11, "One package discounted in many slices by many companies (一包多贴)",
        Severity.MEDIUM, Action.REVIEW, Unit.COUNT, 50, further={"least_companies": 10},
    ),
    Rule(
        "NEW_COMPANY_VOLUME", 12, "Signs of a shell: new, shared address, little capital for the volume (空壳公司)",
        Severity.HIGH, Action.REVIEW, Unit.COUNT, 2, 365, Unit.DAYS, {"least_companies": 10, "capital_percent": 1000},
    ),
    Rule(
        "RELATED_PARTIES", 13, "Drawer, prior hand and applicant belong to one group (关联方)",
        Severity.HIGH, Action.REVIEW, Unit.COUNT, 1,
    ),
    Rule(
        "VOLUME_ABOVE_TURNOVER", 14, "More discounted than the declared turnover allows (贴现量远超经营规模)",
        Severity.HIGH, Action.REVIEW, Unit.PERCENT, 120, 365, Unit.DAYS,
    ),
    Rule(
        "ACCEPTOR_CONCENTRATION", 15, "Nearly everything is of one acceptor (承兑人集中)",
        Severity.LOW, Action.REVIEW, Unit.PERCENT, 90, 90, Unit.DAYS,
        {"least_discounts": 30, "least_fen": 10_000_000_000},
    ),
    Rule(
        "SAME_TRADE_DOCUMENT", 16, "One invoice or contract stands behind more bills than it pays for (一单多贴)",
        Severity.HIGH, Action.REVIEW, Unit.PERCENT, 101,
    ),
    Rule(
        "DUPLICATE_APPLICATION", 17, "The same range is offered elsewhere (一票多卖)",
        Severity.HIGH, Action.REJECT, Unit.COUNT, 1,
    ),
    Rule("ACCEPTOR_OVERDUE", 18, "The acceptor is listed as overdue (持续逾期)", Severity.HIGH, Action.REJECT),
    Rule(
        "PAYEE_NOT_VERIFIED", 19, "The payee account is not the applicant's verified one (收款账户不一致)",
        Severity.HIGH, Action.REJECT,
    ),
    Rule("OUT_OF_HOURS", 20, "Outside the hours of service (非营业时间)", Severity.LOW, Action.PASS),
    Rule(
        "NEW_ACCEPTOR_CLASS", None, "The acceptor is of no class that the market knows (其他承兑人)",
        Severity.LOW, Action.REVIEW, outside="REVIEW_NEW_ACCEPTOR",
    ),
    Rule(
        "LARGE_AMOUNT", None, "The amount is large (大额)",
        Severity.LOW, Action.REVIEW, Unit.FEN, 500_000_000, outside="REVIEW_LARGE_AMOUNT",
    ),
)  # fmt: skip
DEFAULT_RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ALL})
"""Every rule by its id, as it is without configuration."""


def configure(overrides: object, rules: Mapping[str, Rule] = DEFAULT_RULES) -> Mapping[str, Rule]:
    """``rules`` with what a tenant or the platform sets differently.

    ``{"DORMANT_ACTIVE": {"window", "threshold", "severity", "action", "enabled", "least_fen"}}``: all whole numbers of
    1 or more, windows a year at most; only what the rule has can be set, and a yes/no rule has no threshold.
    Raises RiskRuleError; its field is like ``risk_rules.DORMANT_ACTIVE.window``.
    """
    changed = dict(rules)
    for name, parts in _object(overrides, _FIELD).items():
        if name not in rules:
            raise RiskRuleError(f"There is no rule {name!r}; use one of {', '.join(rules)}.", field=f"{_FIELD}.{name}")
        rule = rules[name]
        for part, value in _object(parts, f"{_FIELD}.{name}").items():
            rule = _changed(rule, part, value)
        changed[name] = rule
    return MappingProxyType(changed)


def _changed(rule: Rule, part: str, value: object) -> Rule:
    name = f"{_FIELD}.{rule.id}.{part}"
    if part == "enabled":
        if not isinstance(value, bool):
            raise RiskRuleError("enabled is true or false.", field=name)
        return replace(rule, enabled=value)
    if part == "severity":
        return replace(rule, severity=_one_of(Severity, value, name))
    if part == "action":
        return replace(rule, action=_one_of(Action, value, name))
    if part in rule.further:
        return replace(rule, further={**rule.further, part: _whole(value, name)})
    if part == "threshold" and rule.unit is not Unit.YES_NO:
        return replace(rule, threshold=_whole(value, name))
    if part == "window" and rule.window_unit is not None:
        return replace(rule, window=_whole(value, name, _WINDOW_MAX // _SPANS[rule.window_unit]))
    raise RiskRuleError(f"{rule.id} has no {part!r} to set; leave it out.", field=name)


def _one_of(choices: type[Choice], value: object, name: str) -> Choice:
    for choice in choices:
        if choice == value:
            return choice
    raise RiskRuleError(f"Use one of {', '.join(choices)}.", field=name)


def _whole(value: object, name: str, most: int = _VALUE_MAX) -> int:
    if type(value) is not int or not 1 <= value <= most:
        raise RiskRuleError(f"This is a whole number from 1 to {most}.", field=name)
    return value


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RiskRuleError('Risk rules look like {"LARGE_AMOUNT": {"threshold": 500000000}}.', field=name)
    return value
