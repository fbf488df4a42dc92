"""What went wrong so that a person must settle it: kinds of incidents, and their life."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rongtong.domain.errors import TransitionError


class IncidentKind(StrEnum):
    """What a person must settle, most urgent first where money or a bill is in the wrong hands."""

    PAID_NOT_ENDORSED = "PAID_NOT_ENDORSED"
    """The supplier has the money, and the registry does not endorse the bill to the institution."""
    PAYMENT_RETURNED = "PAYMENT_RETURNED"
    """The institution has the bill, and the money came back (退票, 冲正)."""
    PAID_AFTER_FAILURE = "PAID_AFTER_FAILURE"
    """The bank paid what the books had given up; range and limits are given back, the money is out."""
    STATEMENT_DIFFERS = "STATEMENT_DIFFERS"
    """The bank's statement and the books do not say the same of a payment."""
    LIMITS_DIFFER = "LIMITS_DIFFER"
    """What is taken of a limit is not what its postings add up to."""
    LOG_REFUSED_BY_WITNESS = "LOG_REFUSED_BY_WITNESS"
    """A witness holds another history of the evidence log than the log shows."""
    WITNESS_UNABLE = "WITNESS_UNABLE"
    """A witness says that it cannot cosign: its own record was altered, or its clock is wrong."""
    COMPLAINT_OVERDUE = "COMPLAINT_OVERDUE"
    """A complaint was not answered by its date."""
    STUCK = "STUCK"
    """A discount was carried on again and again and does not come to its end."""


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


WHAT_NEXT: Mapping[IncidentKind, str] = {
    IncidentKind.PAID_NOT_ENDORSED: "Have the registry endorse the bill, then replay the discount.",
    IncidentKind.PAYMENT_RETURNED: "Have the right account sent, let two persons approve a repayment, replay.",
    IncidentKind.PAID_AFTER_FAILURE: "Claim the money back from the payee; its return resolves this.",
    IncidentKind.STATEMENT_DIFFERS: "Compare the bank's statement with the payment's record; correct what is wrong.",
    IncidentKind.LIMITS_DIFFER: "Find the account's missing or foreign posting; correct it by an entry of its own.",
    IncidentKind.LOG_REFUSED_BY_WITNESS: (
        "Compare the log with what the witness holds; whichever was altered or restored is set right from a mirror."
    ),
    IncidentKind.WITNESS_UNABLE: "Tell the witness's owner what it said: restore its table, or set its clock.",
    IncidentKind.COMPLAINT_OVERDUE: "Answer the complaint; its answer resolves this.",
    IncidentKind.STUCK: "Read the error of its execution, mend the cause, then replay the discount.",
}
_INCIDENT: Mapping[IncidentStatus, frozenset[IncidentStatus]] = {
    IncidentStatus.OPEN: frozenset({IncidentStatus.RESOLVED}),
    IncidentStatus.RESOLVED: frozenset(),
}


def require_incident_transition(current: IncidentStatus, new: IncidentStatus) -> None:
    """Raises TransitionError unless an incident may go from ``current`` to ``new``."""
    if new not in _INCIDENT[current]:
        raise TransitionError(f"An incident that is {current.value} cannot become {new.value}.")
