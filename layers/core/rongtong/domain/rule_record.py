"""How often each risk rule was right: its hits, and what the reviewers made of the discounts that it hit.

Nothing here changes a rule. A suggestion stands only where enough decisions all say the same; two persons follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rongtong.domain.risk_rules import DEFAULT_RULES, Action

SPEAKS_FROM = 50
"""So many decisions that all say the same are a reason to look at a rule: if one of twenty went the other way, fifty
alike would come by chance one time in 13 (assumed: configurable)."""
VERSIONS_MAX = 500
"""A sum keeps so many versions apart; hits of further ones count for their rule without a threshold."""
_KEY = "|"
_OTHERS = "others"
_LAST = 10**18
Counts = list[int]
"""Of each outcome in their order the hits and their face in fen, and last the hits that were rejected alone."""
Record = dict[str, Counts]
"""By version of a rule."""


class Outcome(StrEnum):
    """What became of a hit."""

    APPROVED = "approved"
    """A reviewer let the discount go on."""
    REJECTED = "rejected"
    """A reviewer refused it."""
    OPEN = "open"
    """A reviewer has yet to decide."""
    UNDECIDED = "undecided"
    """No reviewer decided: the rule only records or refuses by itself, the bill had another fault, or time ran out."""


_OUTCOMES = list(Outcome)
_ALONE = 2 * len(_OUTCOMES)
_NOTHING = [0] * (_ALONE + 1)


@dataclass(frozen=True)
class Screened:
    """What the rules found of one discount of ``fen`` face, and what became of it."""

    findings: Sequence[Mapping[str, Any]]
    """Each with ``rule_id``, ``action`` and ``threshold``, as they are stored."""
    listed: bool
    """Whether a list hit too."""
    outcome: Outcome
    fen: int


@dataclass(frozen=True)
class RuleRow:
    """One version of a rule: the threshold from which it hit, in the rule's unit, and what followed from a hit.

    ``threshold`` is None for versions beyond those that are kept apart.
    """

    rule: str
    action: str
    threshold: int | None
    counts: Mapping[Outcome, tuple[int, int]]
    """Hits and their face in fen."""
    rejected_alone: int
    """Rejected hits of discounts that nothing else sent to a person."""

    @property
    def hits(self) -> int:
        """All of them."""
        return sum(count for count, _ in self.counts.values())

    @property
    def unit(self) -> str:
        """What the threshold is counted in."""
        known = DEFAULT_RULES.get(self.rule)
        return "" if known is None else known.unit.value

    @property
    def title(self) -> str:
        """What the rule looks for."""
        known = DEFAULT_RULES.get(self.rule)
        return self.rule if known is None else known.title

    def suggestion(self) -> str | None:
        """What two persons may look at, where the numbers speak; None elsewhere."""
        approved, rejected = self.counts[Outcome.APPROVED][0], self.counts[Outcome.REJECTED][0]
        if self.action != Action.REVIEW or self.threshold is None or approved + rejected < SPEAKS_FROM:
            return None
        if rejected == 0:
            return f"Reviewers approved all {approved:,} hits that they decided: look whether it must hit so early."
        if approved == 0 and self.rejected_alone >= SPEAKS_FROM:
            return f"Reviewers rejected all {rejected:,} hits that they decided: look whether it may refuse by itself."
        return None

    def as_document(self) -> dict[str, Any]:
        """As the report tells it to programs; amounts in fen."""
        counts = {outcome.value: {"hits": count, "face_fen": fen} for outcome, (count, fen) in self.counts.items()}
        return {
            "rule": self.rule,
            "title": self.title,
            "action": self.action,
            "threshold": self.threshold,
            "unit": self.unit,
            "hits": self.hits,
            "face_fen": sum(fen for _, fen in self.counts.values()),
            **counts,
            "rejected_alone": self.rejected_alone,
            "suggestion": self.suggestion(),
        }


def record_of(screened: Iterable[Screened]) -> Record:
    """Hits by version of a rule. A discount that several rules hit counts for each of them."""
    record: Record = {}
    for one in screened:
        stopping = sum(finding["action"] == Action.REVIEW for finding in one.findings) + one.listed
        at = 2 * _OUTCOMES.index(one.outcome)
        for finding in one.findings:
            key = _KEY.join((str(finding["rule_id"]), str(finding["action"]), str(finding["threshold"])))
            counts = record.setdefault(key, [*_NOTHING])
            counts[at] += 1
            counts[at + 1] += one.fen
            alone = stopping == 1 and finding["action"] == Action.REVIEW
            counts[_ALONE] += alone and one.outcome is Outcome.REJECTED
    return record


def has_open(record: Mapping[str, Sequence[int]]) -> bool:
    """Whether a reviewer has yet to decide on a hit."""
    at = 2 * _OUTCOMES.index(Outcome.OPEN)
    return any(counts[at] for counts in record.values())


def add_record(total: Record, record: Mapping[str, Sequence[int]]) -> None:
    """Add a record to a sum."""
    for version, counts in record.items():
        key = version
        if key not in total and len(total) >= VERSIONS_MAX:
            key = _KEY.join((*version.split(_KEY)[:2], _OTHERS))
        known = total.get(key, _NOTHING)
        total[key] = [before + int(more) for before, more in zip(known, counts, strict=True)]


def rows_of(record: Mapping[str, Sequence[int]]) -> list[RuleRow]:
    """The rows in the order of the rules, each rule's by its thresholds."""
    order = {rule: at for at, rule in enumerate(DEFAULT_RULES)}
    rows = [_row(version, counts) for version, counts in record.items()]
    return sorted(rows, key=lambda row: (order.get(row.rule, len(order)), row.threshold or _LAST, row.action))


def _row(version: str, counts: Sequence[int]) -> RuleRow:
    rule, action, threshold = version.split(_KEY)
    pairs = {outcome: (int(counts[2 * at]), int(counts[2 * at + 1])) for at, outcome in enumerate(_OUTCOMES)}
    return RuleRow(rule, action, None if threshold == _OTHERS else int(threshold), pairs, int(counts[_ALONE]))
