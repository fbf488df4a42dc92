"""What may follow what. Nothing else in the system decides this."""

from __future__ import annotations

from collections.abc import Mapping
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
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class PaymentStatus(StrEnum):
    """Where a payment stands; UNKNOWN and PROCESSING are never ends."""

    SUBMITTED = "SUBMITTED"
    PROCESSING = "PROCESSING"
    UNKNOWN = "UNKNOWN"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class EnterpriseStatus(StrEnum):
    """Where an enterprise stands."""

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    REFUSED = "REFUSED"


class ChangeStatus(StrEnum):
    """Where a change of the configuration stands that two persons must make."""

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


_UNPAID_ENDS = frozenset({DiscountStatus.REFUSED, DiscountStatus.FAILED})
_DISCOUNT: Mapping[DiscountStatus, frozenset[DiscountStatus]] = {
    DiscountStatus.ACCEPTED: _UNPAID_ENDS
    | {DiscountStatus.IN_REVIEW, DiscountStatus.AWAITING_CONFIRMATION, DiscountStatus.VERIFIED},
    DiscountStatus.IN_REVIEW: _UNPAID_ENDS | {DiscountStatus.AWAITING_CONFIRMATION, DiscountStatus.VERIFIED},
    DiscountStatus.AWAITING_CONFIRMATION: _UNPAID_ENDS | {DiscountStatus.VERIFIED},
    DiscountStatus.VERIFIED: _UNPAID_ENDS | {DiscountStatus.SEALED},
    DiscountStatus.SEALED: _UNPAID_ENDS | {DiscountStatus.DISBURSED},
    DiscountStatus.DISBURSED: frozenset(),
    DiscountStatus.REFUSED: frozenset(),
    DiscountStatus.FAILED: frozenset(),
}
_ANSWERS = frozenset({PaymentStatus.PROCESSING, PaymentStatus.UNKNOWN, PaymentStatus.SUCCEEDED, PaymentStatus.FAILED})
_PAYMENT: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.SUBMITTED: _ANSWERS,
    PaymentStatus.PROCESSING: _ANSWERS - {PaymentStatus.PROCESSING},
    PaymentStatus.UNKNOWN: _ANSWERS - {PaymentStatus.UNKNOWN},
    PaymentStatus.SUCCEEDED: frozenset(),
    PaymentStatus.FAILED: frozenset(),
}
_ENTERPRISE: Mapping[EnterpriseStatus, frozenset[EnterpriseStatus]] = {
    EnterpriseStatus.PENDING: frozenset({EnterpriseStatus.ACTIVE, EnterpriseStatus.REFUSED}),
    EnterpriseStatus.ACTIVE: frozenset(),
    EnterpriseStatus.REFUSED: frozenset(),
}


_CHANGE: Mapping[ChangeStatus, frozenset[ChangeStatus]] = {
    ChangeStatus.PROPOSED: frozenset({ChangeStatus.APPROVED, ChangeStatus.REJECTED}),
    ChangeStatus.APPROVED: frozenset(),
    ChangeStatus.REJECTED: frozenset(),
}


def require_discount_transition(current: DiscountStatus, new: DiscountStatus) -> None:
    """Raises TransitionError unless a discount may go from ``current`` to ``new``."""
    _require(_DISCOUNT, current, new)


def require_payment_transition(current: PaymentStatus, new: PaymentStatus) -> None:
    """Raises TransitionError unless a payment may go from ``current`` to ``new`` (domain status model of payments)."""
    _require(_PAYMENT, current, new)


def require_enterprise_transition(current: EnterpriseStatus, new: EnterpriseStatus) -> None:
    """Raises TransitionError unless an enterprise may go from ``current`` to ``new``."""
    _require(_ENTERPRISE, current, new)


def require_change_transition(current: ChangeStatus, new: ChangeStatus) -> None:
    """Raises TransitionError unless a change may go from ``current`` to ``new``."""
    _require(_CHANGE, current, new)


def _require(table: Mapping[Status, frozenset[Status]], current: Status, new: Status) -> None:
    if new not in table[current]:
        raise TransitionError(f"{type(current).__name__} {current.value} cannot become {new.value}.")
