"""What is measured of the platform: every metric's name and unit, in one list.

All of them stand in one CloudWatch namespace under one dimension, the deployment's name: a metric costs by the month,
and so does each value of a further dimension.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rongtong.domain.access import Refusal
from rongtong.domain.jobs import Job

NAMESPACE = "RongTong"


class Unit(StrEnum):
    """As CloudWatch writes it."""

    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"
    PERCENT = "Percent"


PAID_AFTER = "PaidAfter"
"""Milliseconds from acceptance to the bank's success, of a discount that waited for no person."""
PAID_WITHIN_MS: Mapping[str, int] = {"PaidWithin1s": 1_000, "PaidWithin10s": 10_000, "PaidWithin3min": 180_000}
"""100 where such a discount was paid in time, else 0: its average is the share."""
BANK_UNANSWERED, REGISTRY_UNANSWERED = "BankUnanswered", "RegistryUnanswered"
"""100 for a call that was not answered, else 0: its average is the share of errors."""
REQUESTS_REFUSED, PAGES_REFUSED = "RequestsRefused", "PagesRefused"
"""Requests that were not let in for one of REFUSALS; those among them that came by a strange page or host."""
SIGNATURE_INVALID, DIGEST_MISMATCH = "SIGNATURE_INVALID", "CONTENT_DIGEST_MISMATCH"
PAGE_UNKNOWN, HOST_UNKNOWN = "PAGE_UNKNOWN", "HOST_UNKNOWN"
"""Beside domain/access.py's: no known key signed it; another body than the signed one; not one of the tenant's pages,
not one of the platform's hosts.
"""


def _camel(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_"))


REFUSALS: Mapping[str, str] = {
    reason: "Refused" + _camel(reason)
    for reason in (*Refusal, SIGNATURE_INVALID, DIGEST_MISMATCH, PAGE_UNKNOWN, HOST_UNKNOWN)
}
"""The measure of each reason for which a request is not let in. Whose it was is logged, and measured nowhere."""


def refused(reason: str) -> Mapping[str, int]:
    """What one refused request counts in. Raises KeyError for a reason that is none."""
    pages = {PAGES_REFUSED: 1} if reason in (PAGE_UNKNOWN, HOST_UNKNOWN) else {}
    return {REQUESTS_REFUSED: 1, REFUSALS[reason]: 1, **pages}


WATCH_FAILED = "WatchFailed"
"""How much of this list the watch could not measure (parts); there is none where the watch did not run."""
DISCOUNTS_STUCK = "DiscountsStuck"
"""Discounts that should have come further ten minutes ago, and wait for no person and no suspension."""
PAYMENTS_UNKNOWN, PAYMENTS_UNKNOWN_AGE = "PaymentsUnknown", "PaymentsUnknownAge"
"""Payments of which no bank says what became, and since when the oldest was sent."""
OUTBOX_AGE, BILLS_QUEUE_AGE = "OutboxAge", "BillsQueueAge"
"""How long what ended waits to be told and logged; how long a bill or an import waits to be looked at."""
WEBHOOK_BACKLOG, WEBHOOK_BACKLOG_AGE = "WebhookBacklog", "WebhookBacklogAge"
"""Deliveries that no receiver has taken (of the first 200 due), and how long the oldest is tried."""
CHECKPOINT_AGE, CHECKPOINT_LAG = "CheckpointAge", "CheckpointLag"
"""Since when the newest cosigned checkpoint is known; how long the oldest leaf that is under none has waited."""
WITNESSES_SILENT, WITNESS_QUORUM = "WitnessesSilent", "WitnessQuorum"
"""Witnesses that cannot cosign now; 1 while those that can are a quorum, else 0."""
DEAD_LETTERS = "DeadLetters"
"""Letters in all dead-letter queues together."""
LIMIT_USED = "LimitUsed"
"""The highest used share of a shared limit."""
REVIEWS_WAITING, REVIEWS_AGE = "ReviewsWaiting", "ReviewsAge"
"""Discounts that wait for a reviewer (of the 500 that have the least time left), and how long the oldest waits, in
seconds of service hours.
"""
BREAKS_OPEN, BREAKS_AGE = "BreaksOpen", "BreaksAge"
"""What persons must settle (incidents), and how long the oldest is open."""


def job_age(job: Job) -> str:
    """The measure of the seconds since a job's last success."""
    return _camel(job.value) + "Age"


UNITS: Mapping[str, Unit] = {
    PAID_AFTER: Unit.MILLISECONDS,
    **dict.fromkeys(PAID_WITHIN_MS, Unit.PERCENT),
    BANK_UNANSWERED: Unit.PERCENT,
    REGISTRY_UNANSWERED: Unit.PERCENT,
    REQUESTS_REFUSED: Unit.COUNT,
    PAGES_REFUSED: Unit.COUNT,
    **dict.fromkeys(REFUSALS.values(), Unit.COUNT),
    WATCH_FAILED: Unit.COUNT,
    DISCOUNTS_STUCK: Unit.COUNT,
    PAYMENTS_UNKNOWN: Unit.COUNT,
    PAYMENTS_UNKNOWN_AGE: Unit.SECONDS,
    OUTBOX_AGE: Unit.SECONDS,
    BILLS_QUEUE_AGE: Unit.SECONDS,
    WEBHOOK_BACKLOG: Unit.COUNT,
    WEBHOOK_BACKLOG_AGE: Unit.SECONDS,
    CHECKPOINT_AGE: Unit.SECONDS,
    CHECKPOINT_LAG: Unit.SECONDS,
    WITNESSES_SILENT: Unit.COUNT,
    WITNESS_QUORUM: Unit.COUNT,
    DEAD_LETTERS: Unit.COUNT,
    LIMIT_USED: Unit.PERCENT,
    REVIEWS_WAITING: Unit.COUNT,
    REVIEWS_AGE: Unit.SECONDS,
    BREAKS_OPEN: Unit.COUNT,
    BREAKS_AGE: Unit.SECONDS,
    **{job_age(job): Unit.SECONDS for job in Job},
}
