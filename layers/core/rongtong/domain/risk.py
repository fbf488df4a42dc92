"""Judging a discount by the risk rules: what was found, what could not be judged, and the little that may be told.

Findings are for the platform's own people. Outside, only ``outside_reason`` speaks (反洗钱法: no tipping-off).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rongtong.domain.risk_facts import AccessEvent, CompanyProfile, Facts, PastDiscount
from rongtong.domain.risk_patterns import MEASURES, NEEDS, SELDOM_KNOWN, FactMissingError
from rongtong.domain.risk_rules import DEFAULT_RULES, REVIEW_REQUIRED, Action, Rule, Severity, Unit

__all__ = [
    "AccessEvent",
    "Action",
    "Assessment",
    "CompanyProfile",
    "Facts",
    "Finding",
    "PastDiscount",
    "Severity",
    "assess",
    "outside_reason",
]

_PARTY_REFUSED = "PARTY_REFUSED"


@dataclass(frozen=True)
class Finding:
    """A rule that hit. ``why`` says it in a sentence, ``measured`` and ``threshold`` are in the rule's unit."""

    rule_id: str
    action: Action
    severity: Severity
    why: str
    measured: int
    threshold: int


@dataclass(frozen=True)
class Assessment:
    """The hits, gravest first, and the ids of the rules that lacked a fact."""

    findings: tuple[Finding, ...]
    not_evaluated: tuple[str, ...]


def assess(facts: Facts, rules: Mapping[str, Rule] = DEFAULT_RULES) -> Assessment:
    """Evaluate every enabled rule: hits by action, then severity, then the order of the rules."""
    findings, missing = [], []
    absent = {name for name in SELDOM_KNOWN if getattr(facts, name) is None}
    for rule in rules.values():
        if not rule.enabled:
            continue
        if rule.id in NEEDS and NEEDS[rule.id] & absent:
            missing.append(rule.id)
            continue
        try:
            measured = MEASURES[rule.id](facts, rules)
        except FactMissingError:
            missing.append(rule.id)
            continue
        if measured is not None and rule.hits(measured):
            findings.append(
                Finding(rule.id, rule.action, rule.severity, _why(rule, measured), measured, rule.threshold)
            )
    findings.sort(key=_gravity, reverse=True)
    return Assessment(tuple(findings), tuple(missing))


def outside_reason(finding: Finding) -> str | None:
    """The one code that a caller may be told of a finding; None where the rule only records.

    REVIEW_ENDORSEMENTS, REVIEW_BACK_ENDORSEMENT, REVIEW_QUICK_RESALE, REVIEW_NEW_ACCEPTOR and REVIEW_LARGE_AMOUNT speak
    of the bill itself; every other doubt is REVIEW_REQUIRED and every refusal PARTY_REFUSED, whatever the rule.
    """
    if finding.action is Action.REJECT:
        return _PARTY_REFUSED
    if finding.action is Action.PASS:
        return None
    rule = DEFAULT_RULES.get(finding.rule_id)
    return REVIEW_REQUIRED if rule is None else rule.outside


def _gravity(finding: Finding) -> tuple[int, int]:
    return list(Action).index(finding.action), list(Severity).index(finding.severity)


def _why(rule: Rule, measured: int) -> str:
    if rule.unit is Unit.YES_NO:
        return f"{rule.title}."
    within = "" if rule.window_unit is None else f" within {rule.window} {rule.window_unit}"
    bound = f"below {rule.threshold}" if rule.below else f"from {rule.threshold} on"
    unit = "" if rule.unit is Unit.COUNT else f" {rule.unit}"
    return f"{rule.title}: {measured}{unit}{within}; the rule hits {bound}."
