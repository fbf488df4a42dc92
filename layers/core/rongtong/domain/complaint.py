"""A complaint (投诉): its life, and until when it must be answered.

Measures for handling consumer complaints in banking and insurance (银行业保险业消费投诉处理管理办法, 2020): a plain
case is decided within 15 days of its receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.errors import TransitionError

ANSWER_DAYS = 15
"""Calendar days (assumed: configurable by policy)."""


class ComplaintStatus(StrEnum):
    """Where a complaint stands."""

    RECEIVED = "RECEIVED"
    IN_PROGRESS = "IN_PROGRESS"
    ANSWERED = "ANSWERED"
    REOPENED = "REOPENED"
    """The answer did not content the complainant."""
    CLOSED = "CLOSED"
    """The complainant is content, or withdrew it."""


class ComplaintCategory(StrEnum):
    """What it is about."""

    PAYMENT = "PAYMENT"
    PRICE = "PRICE"
    REFUSAL = "REFUSAL"
    PERSONAL_DATA = "PERSONAL_DATA"
    SERVICE = "SERVICE"
    OTHER = "OTHER"


_COMPLAINT: Mapping[ComplaintStatus, frozenset[ComplaintStatus]] = {
    ComplaintStatus.RECEIVED: frozenset({ComplaintStatus.IN_PROGRESS, ComplaintStatus.CLOSED}),
    ComplaintStatus.IN_PROGRESS: frozenset({ComplaintStatus.ANSWERED, ComplaintStatus.CLOSED}),
    ComplaintStatus.ANSWERED: frozenset({ComplaintStatus.REOPENED, ComplaintStatus.CLOSED}),
    ComplaintStatus.REOPENED: frozenset({ComplaintStatus.IN_PROGRESS, ComplaintStatus.CLOSED}),
    ComplaintStatus.CLOSED: frozenset(),
}
WAITING = frozenset({ComplaintStatus.RECEIVED, ComplaintStatus.IN_PROGRESS, ComplaintStatus.REOPENED})
"""The complainant waits for an answer."""


def require_complaint_transition(current: ComplaintStatus, new: ComplaintStatus) -> None:
    """Raises TransitionError unless a complaint may go from ``current`` to ``new``."""
    if new not in _COMPLAINT[current]:
        raise TransitionError(f"A complaint that is {current.value} cannot become {new.value}.")


def answer_by(received_at: datetime, days: int = ANSWER_DAYS) -> datetime:
    """When the answer is overdue, in UTC: the end of the last day in Shanghai, the day of receipt not counted."""
    last = received_at.astimezone(SHANGHAI).date() + timedelta(days=days)
    return datetime.combine(last + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
