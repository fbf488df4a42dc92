"""The monthly review (每月回溯): a company's month against its own history, one pure function a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rongtong.domain.monthly_figures import Figures, month_before
from rongtong.domain.monthly_rules import MonthlyAction, MonthlyRule
from rongtong.domain.risk_rules import Severity


@dataclass(frozen=True)
class Month:
    """What is judged: the month, the months before it that are known, newest first, and what comes back.

    ``back`` is, by credit code, what the company's buyers discounted of its own bills in the month, in fen.
    """

    now: Figures
    before: tuple[Figures, ...]
    back: Mapping[str, int]

    def window(self, rule: MonthlyRule) -> tuple[Figures, ...]:
        """Those of the months before that the rule looks at."""
        first = month_before(self.now.month, rule.window or 0)
        return tuple(one for one in self.before if first <= one.month < self.now.month)


@dataclass(frozen=True)
class MonthlyFinding:
    """A pattern that is there: what was measured, and from where on it counts."""

    rule: str
    severity: Severity
    action: MonthlyAction
    measured: int
    threshold: int
    window: int | None

    def as_document(self) -> dict[str, Any]:
        """As it is stored and told; a window only where there is one."""
        shown = {"rule": self.rule, "severity": self.severity.value, "action": self.action.value}
        shown |= {"measured": self.measured, "threshold": self.threshold}  # type: ignore[dict-item]  # of its own kind
        return shown if self.window is None else {**shown, "window": self.window}


Measure = Callable[[Month, MonthlyRule], int | None]


def judge(month: Month, rules: Mapping[str, MonthlyRule]) -> tuple[MonthlyFinding, ...]:
    """Every pattern that is there, in the rules' order; the same of the same figures."""
    found = []
    for rule in rules.values():
        measured = MEASURES[rule.id](month, rule) if rule.enabled else None
        if measured is not None and measured >= rule.threshold:
            found.append(MonthlyFinding(rule.id, rule.severity, rule.action, measured, rule.threshold, rule.window))
    return tuple(found)


def gravest(findings: Sequence[MonthlyFinding]) -> MonthlyAction:
    """What follows from all of them together."""
    order = list(MonthlyAction)
    return max((one.action for one in findings), key=order.index, default=MonthlyAction.NONE)


def volume_percent(month: Month, rule: MonthlyRule) -> int | None:
    """The month's fen in percent of the mean of the months before, rounded down, if both are enough to compare."""
    if month.now.fen < rule.further["least_fen"]:
        return None
    return _percent_of_mean(month, rule, lambda one: one.fen)


def count_percent(month: Month, rule: MonthlyRule) -> int | None:
    """The same of the number of discounts."""
    if month.now.discounts < rule.further["least_discounts"]:
        return None
    return _percent_of_mean(month, rule, lambda one: one.discounts)


def under_line(month: Month, rule: MonthlyRule) -> int | None:
    """How many amounts lie just under a line, if they are much of what the company does."""
    share = _share(month.now.under_line, month.now)
    return month.now.under_line if share >= rule.further["least_share_percent"] else None


def round_trips(month: Month, rule: MonthlyRule) -> int:
    """How many buyers discount the company's bills while it discounts theirs."""
    least = rule.further["least_fen_each_way"]
    return sum(month.now.buyers.get(code, 0) >= least and fen >= least for code, fen in month.back.items())


def new_buyers_percent(month: Month, rule: MonthlyRule) -> int | None:
    """What share of the month's fen is of buyers that no month of the window knows, if there is a history to know."""
    window = month.window(rule)
    if month.now.discounts < rule.further["least_discounts"] or _active(window) < rule.further["least_active_months"]:
        return None
    known = {code for one in window for code in one.buyers}
    new = sum(fen for code, fen in month.now.buyers.items() if code not in known)
    return new * 100 // max(month.now.fen, 1)


def silent_months(month: Month, rule: MonthlyRule) -> int | None:
    """For how many months there was nothing before this one, if there was something before that."""
    if month.now.fen < rule.further["least_fen"]:
        return None
    active = [one.month for one in month.window(rule) if one.discounts]
    if not active:
        return None  # nobody has fallen asleep who was not awake
    last, silent = max(active), 0
    while month_before(month.now.month, silent + 1) > last:
        silent += 1
    return silent


def _share_rule(part: Callable[[Figures], int]) -> Measure:
    def measure(month: Month, rule: MonthlyRule) -> int | None:
        enough = month.now.discounts >= rule.further["least_discounts"]
        return _share(part(month.now), month.now) if enough else None

    return measure


MEASURES: Mapping[str, Measure] = {
    "VOLUME_JUMP": volume_percent,
    "COUNT_JUMP": count_percent,
    "AMOUNTS_UNDER_LINE": under_line,
    "ROUND_TRIP": round_trips,
    "NEW_COUNTERPARTIES": new_buyers_percent,
    "UNPAID_SHARE": _share_rule(lambda now: now.unpaid),
    "ODD_HOURS": _share_rule(lambda now: now.odd_hours),
    "QUICK_DISCOUNT": _share_rule(lambda now: now.quick),
    "DOCUMENT_REUSE": lambda month, _: month.now.reused,
    "DORMANT_ACTIVE": silent_months,
    "RISK_REVIEWS": lambda month, _: month.now.reviewed,
}


def _percent_of_mean(month: Month, rule: MonthlyRule, part: Callable[[Figures], int]) -> int | None:
    """The mean is of all months of the window that are known, those without business among them."""
    window = month.window(rule)
    total = sum(part(one) for one in window)
    if _active(window) < rule.further["least_active_months"] or not total:
        return None
    return part(month.now) * 100 * len(window) // total


def _active(window: Sequence[Figures]) -> int:
    return sum(one.discounts > 0 for one in window)


def _share(count: int, now: Figures) -> int:
    return count * 100 // max(now.discounts, 1)
