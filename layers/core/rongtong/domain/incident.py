"""What went wrong so that a person must settle it: kinds of incidents, and their life."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
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
    BILL_LOCKED = "BILL_LOCKED"
    """The registry holds a range locked in our name that no live discount of ours needs."""
    LIMITS_DIFFER = "LIMITS_DIFFER"
    """What is taken of a limit is not what its postings add up to, or not what live discounts hold of it."""
    EVENT_NOT_IN_LOG = "EVENT_NOT_IN_LOG"
    """An event is noted as a leaf of the evidence log that is another one, or the event is gone."""
    LEAF_WITHOUT_EVENT = "LEAF_WITHOUT_EVENT"
    """No event claims a leaf of the evidence log."""
    EVENT_UNLOGGED = "EVENT_UNLOGGED"
    """An event did not get into the evidence log within an hour."""
    LOG_REFUSED_BY_WITNESS = "LOG_REFUSED_BY_WITNESS"
    """A witness holds another history of the evidence log than the log shows."""
    WITNESS_UNABLE = "WITNESS_UNABLE"
    """A witness says that it cannot cosign: its own record was altered, or its clock is wrong."""
    COMPLAINT_OVERDUE = "COMPLAINT_OVERDUE"
    """A complaint was not answered by its date."""
    COMPENSATION_OVERDUE = "COMPENSATION_OVERDUE"
    """A compensation was decided, and nobody entered by its last day that the bank has paid it."""
    STUCK = "STUCK"
    """A discount was carried on again and again and does not come to its end."""
    BUSINESS_UNUSUAL = "BUSINESS_UNUSUAL"
    """The monthly review found patterns in a company's month that a person must look at."""
    AUDIT_FINDING = "AUDIT_FINDING"
    """The daily audit found something that is not as it must be."""
    AUDIT_REVIEW = "AUDIT_REVIEW"
    """What single persons did on a day waits for another person's look."""
    BACKUP_DAMAGED = "BACKUP_DAMAGED"
    """An object of a backup is missing or altered; an earlier backup was restored in its place."""
    BACKUP_DIFFERS = "BACKUP_DIFFERS"
    """What was restored from a backup does not hold what is promised of stored state."""
    RECOVERY_MISSED = "RECOVERY_MISSED"
    """A restore drill lost more, or took longer, than the recovery objectives allow."""
    RESTORED = "RESTORED"
    """The platform was restored from a backup: what came after it is listed and must be settled."""
    LOOKALIKE_DOMAIN = "LOOKALIKE_DOMAIN"
    """A domain is registered whose name looks like one of the platform's own (仿冒域名)."""
    DUTY_OVERDUE = "DUTY_OVERDUE"
    """What must be done regularly was not done in time."""
    FINDING_OVERDUE = "FINDING_OVERDUE"
    """What a drill, audit or assessment found was not mended by its date."""


class IncidentStatus(StrEnum):
    """Where an incident stands."""

    OPEN = "OPEN"
    RESOLVED = "RESOLVED"


class Desk(StrEnum):
    """Who owns an incident until a person is named."""

    BILLS = "bill_operations"
    TREASURY = "treasury"
    CREDIT = "credit"
    SERVICE = "service"
    COMPLIANCE = "compliance"
    PLATFORM = "platform"


_DESKS: Mapping[IncidentKind, Desk] = {
    IncidentKind.PAID_NOT_ENDORSED: Desk.BILLS,
    IncidentKind.BILL_LOCKED: Desk.BILLS,
    IncidentKind.PAYMENT_RETURNED: Desk.TREASURY,
    IncidentKind.PAID_AFTER_FAILURE: Desk.TREASURY,
    IncidentKind.STATEMENT_DIFFERS: Desk.TREASURY,
    IncidentKind.COMPENSATION_OVERDUE: Desk.TREASURY,
    IncidentKind.LIMITS_DIFFER: Desk.CREDIT,
    IncidentKind.BUSINESS_UNUSUAL: Desk.CREDIT,
    IncidentKind.COMPLAINT_OVERDUE: Desk.SERVICE,
    IncidentKind.DUTY_OVERDUE: Desk.COMPLIANCE,
    IncidentKind.FINDING_OVERDUE: Desk.COMPLIANCE,
}


def desk_of(kind: IncidentKind) -> Desk:
    """The desk that settles incidents of this kind; what is no other's is the platform's."""
    return _DESKS.get(kind, Desk.PLATFORM)


def age_hours(opened_at: datetime, until: datetime) -> int:
    """Whole hours that an incident is open at ``until``."""
    return max(until - opened_at, timedelta(0)) // timedelta(hours=1)


WHAT_NEXT: Mapping[IncidentKind, str] = {
    IncidentKind.PAID_NOT_ENDORSED: "Have the registry endorse the bill, then replay the discount.",
    IncidentKind.PAYMENT_RETURNED: "Have the right account sent, let two persons approve a repayment, replay.",
    IncidentKind.PAID_AFTER_FAILURE: "Claim the money back from the payee; its return resolves this.",
    IncidentKind.STATEMENT_DIFFERS: "Compare the bank's statement with the payment's record; correct what is wrong.",
    IncidentKind.BILL_LOCKED: "Look at the registry whether the range is free; have the application withdrawn if not.",
    IncidentKind.LIMITS_DIFFER: "Find the account's missing or foreign posting; correct it by an entry of its own.",
    IncidentKind.EVENT_NOT_IN_LOG: "Restore the event as the log has it, from the newest backup that still agrees.",
    IncidentKind.LEAF_WITHOUT_EVENT: "Find whose leaf it is in the staged batches; restore the record that is gone.",
    IncidentKind.EVENT_UNLOGGED: "Read what the sweeper says of it, mend the cause; the next sweep logs it.",
    IncidentKind.LOG_REFUSED_BY_WITNESS: (
        "Compare the log with what the witness holds; whichever was altered or restored is set right from a mirror."
    ),
    IncidentKind.WITNESS_UNABLE: "Tell the witness's owner what it said: restore its table, or set its clock.",
    IncidentKind.COMPLAINT_OVERDUE: "Answer the complaint; its answer resolves this.",
    IncidentKind.COMPENSATION_OVERDUE: "Have the bank pay it, let two persons enter `paid`, settle this.",
    IncidentKind.STUCK: "Read the error of its execution, mend the cause, then replay the discount.",
    IncidentKind.BUSINESS_UNUSUAL: (
        "Read the month's report and the company's discounts; release it if it is restricted without need, settle this."
    ),
    IncidentKind.AUDIT_FINDING: "Do what docs/operations/audit.md says of the finding; settle this with what it was.",
    IncidentKind.AUDIT_REVIEW: "Read the day's actions in the audit's report; settle this if you did none of them.",
    IncidentKind.BACKUP_DAMAGED: (
        "Read who could write to the vault; its versions still hold the object. Run the backup again, then the drill."
    ),
    IncidentKind.BACKUP_DIFFERS: "Read the drill's report; look whether the platform's own records break the same.",
    IncidentKind.RECOVERY_MISSED: (
        "Read in the drill's report which objective it missed: see that backups are made daily, or why it took so long."
    ),
    IncidentKind.LOOKALIKE_DOMAIN: (
        "Look at the domain; report a site that imitates ours to CNCERT and its registrar, note each step, settle this."
    ),
    IncidentKind.DUTY_OVERDUE: "Do it, and record it with its report's SHA-256; the record resolves this.",
    IncidentKind.FINDING_OVERDUE: "Mend it; another person than who recorded it closes the finding and resolves this.",
    IncidentKind.RESTORED: "Go through the restore's list: have partners send again, settle what the bank paid.",
}
_INCIDENT: Mapping[IncidentStatus, frozenset[IncidentStatus]] = {
    IncidentStatus.OPEN: frozenset({IncidentStatus.RESOLVED}),
    IncidentStatus.RESOLVED: frozenset(),
}


def require_incident_transition(current: IncidentStatus, new: IncidentStatus) -> None:
    """Raises TransitionError unless an incident may go from ``current`` to ``new``."""
    if new not in _INCIDENT[current]:
        raise TransitionError(f"An incident that is {current.value} cannot become {new.value}.")
