"""What may follow what. Nothing else in the system decides this."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from rongtong.domain.errors import TransitionError

Status = TypeVar("Status", bound=StrEnum)


class DiscountStatus(StrEnum):
    """Where a discount stands."""

    ACCEPTED = "ACCEPTED"
    IN_REVIEW = "IN_REVIEW"
    AWAITING_CONFIRMATION = "AWAITING_CONFIRMATION"
    VERIFIED = "VERIFIED"
    SEALED = "SEALED"
    DISBURSED = "DISBURSED"
    RETURNED = "RETURNED"
    """The money was out and came back (退票, 冲正); the bill stays with the institution until a person settles it."""
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class EnterpriseStatus(StrEnum):
    """Where an enterprise stands."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REFUSED = "REFUSED"
    CLOSED = "CLOSED"
    """The relationship has ended: no new business, and what the law has kept is shown to two persons alone."""
    ERASED = "ERASED"
    """Its data key is destroyed: nothing opens what was sealed under it."""


RESTRICTED = frozenset({EnterpriseStatus.CLOSED, EnterpriseStatus.ERASED})
"""Where not even the masked parts of personal data are shown any more."""


class ChangeStatus(StrEnum):
    """Where a change of the configuration stands that two persons must make."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


UNPAID_ENDS = frozenset({DiscountStatus.REFUSED, DiscountStatus.FAILED})
"""Where a discount ends without any money having moved."""
_PERSONS: Mapping[DiscountStatus, timedelta] = {
    DiscountStatus.IN_REVIEW: timedelta(days=14),
    DiscountStatus.AWAITING_CONFIRMATION: timedelta(days=1),
}
"""How long a discount waits for a person (assumed: configurable); the state machine's timeouts are the same."""
_DISCOUNT: Mapping[DiscountStatus, frozenset[DiscountStatus]] = {
    DiscountStatus.ACCEPTED: UNPAID_ENDS
    | {DiscountStatus.IN_REVIEW, DiscountStatus.AWAITING_CONFIRMATION, DiscountStatus.VERIFIED},
    DiscountStatus.IN_REVIEW: UNPAID_ENDS | {DiscountStatus.AWAITING_CONFIRMATION, DiscountStatus.VERIFIED},
    DiscountStatus.AWAITING_CONFIRMATION: UNPAID_ENDS | {DiscountStatus.VERIFIED},
    DiscountStatus.VERIFIED: UNPAID_ENDS | {DiscountStatus.SEALED},
    DiscountStatus.SEALED: UNPAID_ENDS | {DiscountStatus.DISBURSED},
    DiscountStatus.DISBURSED: frozenset({DiscountStatus.RETURNED}),
    DiscountStatus.RETURNED: frozenset({DiscountStatus.DISBURSED}),
    DiscountStatus.REFUSED: frozenset(),
    DiscountStatus.FAILED: frozenset(),
}
_ENTERPRISE: Mapping[EnterpriseStatus, frozenset[EnterpriseStatus]] = {
    EnterpriseStatus.PENDING: frozenset({EnterpriseStatus.ACTIVE, EnterpriseStatus.REFUSED}),
    EnterpriseStatus.ACTIVE: frozenset({EnterpriseStatus.CLOSED}),
    EnterpriseStatus.REFUSED: frozenset({EnterpriseStatus.CLOSED}),
    EnterpriseStatus.CLOSED: frozenset({EnterpriseStatus.ERASED}),
    EnterpriseStatus.ERASED: frozenset(),
}


_CHANGE: Mapping[ChangeStatus, frozenset[ChangeStatus]] = {
    ChangeStatus.PROPOSED: frozenset({ChangeStatus.APPROVED, ChangeStatus.REJECTED}),
    ChangeStatus.APPROVED: frozenset(),
    ChangeStatus.REJECTED: frozenset(),
}


def require_discount_transition(current: DiscountStatus, new: DiscountStatus) -> None:
    """Raises TransitionError unless a discount may go from ``current`` to ``new``."""
    _require(_DISCOUNT, current, new)


def waits_until(status: DiscountStatus, now: datetime) -> datetime | None:
    """Until when a discount in this status waits for a person; None where it waits for nobody."""
    patience = _PERSONS.get(status)
    return None if patience is None else now + patience


def waits_since(status: DiscountStatus, until: datetime) -> datetime:
    """Since when a discount in this status waits for a person, where it waits ``until`` then."""
    return until - _PERSONS[status]


def require_enterprise_transition(current: EnterpriseStatus, new: EnterpriseStatus) -> None:
    """Raises TransitionError unless an enterprise may go from ``current`` to ``new``."""
    _require(_ENTERPRISE, current, new)


def require_change_transition(current: ChangeStatus, new: ChangeStatus) -> None:
    """Raises TransitionError unless a change may go from ``current`` to ``new``."""
    _require(_CHANGE, current, new)


def _require(table: Mapping[Status, frozenset[Status]], current: Status, new: Status) -> None:
    if new not in table[current]:
        raise TransitionError(f"{type(current).__name__} {current.value} cannot become {new.value}.")
