"""Personal data of an enterprise: which fields there are, why one may be shown in full, and how long it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from rongtong.domain.errors import InvalidInputError, RongTongError

RETENTION_YEARS = 10
"""《反洗钱法》 (2024) article 34: at least ten years after the relationship's end, or after the transaction."""
RETENTION_YEARS_MAX = 30
DISCLOSURES_PER_DAY = 20
DISCLOSURES_MAX = 1000
ERASED = "*"
"""What is shown in place of a masked value of which nothing may be shown any more."""


class PersonalField(StrEnum):
    """What is sealed of an enterprise, and can be shown in full."""

    LEGAL_REPRESENTATIVE = "legal_representative"
    MOBILE = "mobile"
    ACCOUNT_NUMBER = "account_number"


class DisclosureReason(StrEnum):
    """Why personal data is shown in full."""

    DATA_SUBJECT_REQUEST = "DATA_SUBJECT_REQUEST"
    """The person asks for it (PIPL article 45)."""
    CORRECTION = "CORRECTION"
    """It is compared, to be corrected (PIPL article 46)."""
    PAYMENT_INQUIRY = "PAYMENT_INQUIRY"
    """A payment is looked for at the bank."""
    COMPLAINT = "COMPLAINT"
    """A complaint is looked into."""
    AUTHORITY_REQUEST = "AUTHORITY_REQUEST"
    """A court or an authority asks for it by law."""
    AML_INVESTIGATION = "AML_INVESTIGATION"
    """An investigation (《反洗钱法》)."""


OPERATOR_REASONS = frozenset(
    {
        DisclosureReason.DATA_SUBJECT_REQUEST,
        DisclosureReason.CORRECTION,
        DisclosureReason.PAYMENT_INQUIRY,
        DisclosureReason.COMPLAINT,
    }
)
"""Why an enterprise's own operator may be shown it; the others are the platform's."""

COVERS: Mapping[str, str] = {
    "IDENTIFY": "Name, credit code and legal representative, to verify the enterprise and screen it.",
    "PAY": "The account, to have the bank verify it and pay discounts to it.",
    "TELL": "The mobile number, for the SMS gateway to send messages to it.",
}
"""What a consent to the terms covers: purposes, each with its data and who is given it (PIPL articles 17, 23)."""


class DisclosureRequestError(InvalidInputError):
    """What is asked to be shown or held, or why, cannot be read; ``field`` names the part."""

    code = "DISCLOSURE_REQUEST"


class ConsentWithdrawnError(RongTongError):
    """The enterprise has withdrawn its consent: nothing new is begun for it."""

    code = "CONSENT_WITHDRAWN"


class EnterpriseClosedError(RongTongError):
    """The enterprise is closed: nothing new is begun for it, and its data is restricted."""

    code = "ENTERPRISE_CLOSED"


class ClosureBlockedError(RongTongError):
    """Something of the enterprise is still open; the text says what."""

    code = "CLOSURE_BLOCKED"


class PersonalDataErasedError(RongTongError):
    """The data key is destroyed: what was sealed under it is gone."""

    code = "PERSONAL_DATA_ERASED"


class TooManyDisclosuresError(RongTongError):
    """This person was shown personal data as often as the policy allows in a day."""

    code = "DISCLOSURES_TOO_MANY"


class DisclosureNotApprovedError(RongTongError):
    """No second person has approved that this is shown, or it was shown already."""

    code = "DISCLOSURE_NOT_APPROVED"


def readable(reason: object, fields: object) -> tuple[DisclosureReason, tuple[PersonalField, ...]]:
    """Why, and which fields, each once. Raises DisclosureRequestError."""
    if not isinstance(reason, str) or reason not in list(DisclosureReason):
        raise DisclosureRequestError(f"reason is one of {', '.join(DisclosureReason)}.", field="reason")
    named = list(fields) if isinstance(fields, Sequence) and not isinstance(fields, str) else []
    if not named or any(one not in list(PersonalField) for one in named):
        raise DisclosureRequestError(f"fields names some of {', '.join(PersonalField)}.", field="fields")
    return DisclosureReason(reason), tuple(one for one in PersonalField if one in named)


def retain_until(relationship_ended: datetime, last_transaction: datetime | None, years: int) -> datetime:
    """Until when it must be kept: so many years after the later of the two; 29 February is followed by 1 March."""
    last = relationship_ended if last_transaction is None else max(relationship_ended, last_transaction)
    try:
        return last.replace(year=last.year + years)
    except ValueError:
        return last.replace(year=last.year + years, month=3, day=1)
