"""A year's business as rates, and how much must be there to bear them. quotas.py compares it with what AWS allows.

How many run at once is their rate times their duration (Little's law, L = λW; Little, Operations Research 9, 1961).
Facts are counted on the local stack. Assumptions are nobody's measurement: they stand in the page by their names, to be
replaced.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

TARGET_S = 180
"""From acceptance to money: the three minutes."""
_RUSH_S = 60
_HOUR_S = 3600


@dataclass(frozen=True)
class Assumptions:
    """Each with what is meant by it; a deployment that knows better changes it here."""

    working_days: int = 248
    service_hours: int = 8
    peak_hour_factor: int = 3
    busy_day_factor: int = 3
    rush_percent: int = 5
    reads: int = 4
    outside_ms: int = 500
    transaction_ms: int = 15
    busy_percent: int = 70


MEANT = {
    "working_days": "legal working days in a year: 2026 has so many, six of them Saturdays or Sundays",
    "service_hours": "hours of business on such a day",
    "peak_hour_factor": "business of the busiest hour, in mean hours",
    "busy_day_factor": "business of the busiest day, at a month's end, in mean days",
    "rush_percent": "percent of the busiest day's business that arrive in its busiest minute",
    "reads": "how often a partner asks what became of a discount",
    "outside_ms": "milliseconds that registries and bank, each, take longer than the stand-ins",
    "transaction_ms": "milliseconds for which a transaction keeps others from the same record",
    "busy_percent": "percent of what is there that are in use at most, as autoscaling aims at",
}


@dataclass(frozen=True)
class Facts:
    """One straight-through discount on the local stack, one at a time; milliseconds are medians of the steps.

    ``table_writes`` and ``table_reads`` are units of the business table, ``log_writes`` those of the evidence table.
    """

    transitions: int = 7
    authorize_ms: int = 20
    accept_ms: int = 100
    verify_ms: int = 100
    seal_ms: int = 320
    pay_ms: int = 120
    deliver_ms: int = 45
    record_ms: int = 135
    table_writes: int = 40
    table_reads: int = 80
    log_writes: int = 4
    index_writes: int = 7
    objects_written: int = 9
    objects_deleted: int = 2
    objects_read: int = 5
    objects_listed: int = 2
    signatures: int = 2
    data_keys_opened: int = 3


COUNTED = {
    "transitions": "state transitions",
    "authorize_ms": "milliseconds of the authorizer, each request",
    "accept_ms": "milliseconds of the request",
    "verify_ms": "milliseconds of the step Verify",
    "seal_ms": "milliseconds of the step Seal",
    "pay_ms": "milliseconds of the step Disburse",
    "deliver_ms": "milliseconds of the step Notify",
    "record_ms": "milliseconds of the step Record",
    "table_writes": "write units of the business table",
    "table_reads": "read units of the business table, without the partner's own reads",
    "log_writes": "write units of the evidence table, one discount to a batch",
    "index_writes": "writes to indexes",
    "objects_written": "objects put: contract, tiles, staged batches, leaves that wait",
    "objects_deleted": "objects deleted: leaves that wait no more",
    "objects_read": "objects read",
    "objects_listed": "lists of objects",
    "signatures": "heads of the log that are signed",
    "data_keys_opened": "data keys opened",
}


@dataclass(frozen=True)
class Load:
    """A year's discounts, what is assumed of them and what each costs."""

    discounts: int
    assumed: Assumptions
    facts: Facts

    @property
    def busy_day(self) -> float:
        """Discounts of the busiest day."""
        return self.discounts / self.assumed.working_days * self.assumed.busy_day_factor

    @property
    def peak(self) -> float:
        """Discounts a second in the busiest day's busiest hour."""
        return self.busy_day / self.assumed.service_hours / _HOUR_S * self.assumed.peak_hour_factor

    @property
    def rush(self) -> float:
        """Discounts a second in the busiest minute: what must be accepted at once."""
        return max(self.peak, self.busy_day * self.assumed.rush_percent / 100 / _RUSH_S)

    @property
    def requests(self) -> float:
        """Requests a second in that minute."""
        return self.rush * (1 + self.assumed.reads)

    @property
    def own_s(self) -> float:
        """Seconds from acceptance to money where nothing waits."""
        return (self.facts.verify_ms + self.facts.seal_ms + self.facts.pay_ms + 2 * self.assumed.outside_ms) / 1000

    @property
    def served(self) -> float:
        """Discounts a second that must be finished, for the last one of the rush to be paid in three minutes.

        Where they arrive at rate λ for T seconds and leave at rate μ < λ, the last one waits T(λ/μ - 1); so that it
        waits no longer than W, μ = λT / (T + W).
        """
        waits_s = TARGET_S - self.own_s
        return max(self.peak, self.rush * _RUSH_S / (_RUSH_S + waits_s))

    def at_once(self, rate: float, milliseconds: float) -> int:
        """How many there must be, of what runs so long and begins so often, with the wanted share of them busy."""
        return math.ceil(rate * milliseconds / 1000 / self.assumed.busy_percent * 100)

    def tasks(self, rate: float) -> dict[str, int]:
        """How many of each task there must be, at a rate of discounts."""
        facts, outside = self.facts, self.assumed.outside_ms
        return {
            "Verify": self.at_once(rate, facts.verify_ms + outside),
            "Seal": self.at_once(rate, facts.seal_ms),
            "Pay": self.at_once(rate, facts.pay_ms + outside),
            "Deliver": self.at_once(rate, facts.deliver_ms),
            "Record": self.at_once(rate, facts.record_ms),
        }

    @property
    def counter_busy(self) -> float:
        """The part of the busiest minute in which a transaction holds the counter that all of a day's business has.

        One acceptance is one transaction on it. What meets another there is done again after a moment: from about
        a half on most do, and at 1 the counter bears no more.
        """
        return self.rush * self.assumed.transaction_ms / 1000

    @property
    def handlers(self) -> int:
        """Processes of the authorizer and of the API's functions in the busiest minute."""
        return self.at_once(self.requests, self.facts.authorize_ms) + self.at_once(self.requests, self.facts.accept_ms)
