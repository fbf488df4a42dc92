"""Errors of the use cases. Class names are matched by the state machines; codes are what callers see."""

from __future__ import annotations

from rongtong.domain.errors import RongTongError


class NotFoundError(RongTongError):
    """The object does not exist, or is not the caller's: both look the same from outside."""

    code = "NOT_FOUND"


class EnterpriseUnknownError(RongTongError):
    """No such enterprise of this partner."""

    code = "ENTERPRISE_UNKNOWN"


class EnterpriseNotActiveError(RongTongError):
    """The enterprise is not verified (yet), or suspended."""

    code = "ENTERPRISE_NOT_ACTIVE"


class AccountNotVerifiedError(RongTongError):
    """The bank does not say that the enterprise holds the account."""

    code = "ACCOUNT_NOT_VERIFIED"


class InstitutionUnknownError(RongTongError):
    """No such funding institution."""

    code = "INSTITUTION_UNKNOWN"


class AssigneeUnknownError(RongTongError):
    """Whom an incident is given to is no caller of the role operations."""

    code = "ASSIGNEE_UNKNOWN"


class InterestPayerError(RongTongError):
    """Nobody has agreed to pay the interest as asked. Codes INTEREST_PAYER_NOT_AGREED, INTEREST_AGREEMENT_MISSING."""

    code = "INTEREST_PAYER_NOT_AGREED"


class ChangeStaleError(RongTongError):
    """The record was changed after this change was proposed: approving it would undo what came between."""

    code = "CHANGE_STALE"


class IdempotencyMismatchError(RongTongError):
    """The key was used before with another body."""

    code = "IDEMPOTENCY_KEY_REUSED"


class BusyError(RongTongError):
    """Others changed the same records again and again; nothing was written."""

    code = "BUSY_TRY_AGAIN"


class WrongStateError(RongTongError):
    """The object is not in a state that allows this."""

    code = "WRONG_STATE"


class ContractAlteredError(RongTongError):
    """The archived contract is not the one whose hash was sealed."""

    code = "CONTRACT_ALTERED"


class EvidencePendingError(RongTongError):
    """Events of the discount are not in the evidence log yet: nothing may be paid."""

    code = "EVIDENCE_PENDING"


class LogDamagedError(RongTongError):
    """A file of the evidence log is missing, or is not what its writers laid; the text names it."""

    code = "LOG_DAMAGED"


class PriceExpiredError(RongTongError):
    """The price was made on another day: days, rate and the bill's own state are those of that day."""

    code = "PRICE_EXPIRED"


class PaymentPendingError(RongTongError):
    """Money may be on its way: the discount may not be unwound."""

    code = "PAYMENT_PENDING"


class SealedDataError(RongTongError):
    """Encrypted personal data does not open: it was altered or moved."""

    code = "SEALED_DATA_DAMAGED"


class NoBackupsError(RongTongError):
    """The deployment names no place for backups, or none of those that are there can be used."""

    code = "NO_BACKUPS"
