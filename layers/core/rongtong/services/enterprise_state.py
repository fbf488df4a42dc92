"""What an enterprise's state still allows: new business, its operators' acts, and opening what is sealed of it."""

from __future__ import annotations

from rongtong.domain.lifecycle import RESTRICTED
from rongtong.domain.personal_data import ConsentWithdrawnError, EnterpriseClosedError, PersonalDataErasedError
from rongtong.services.storage import Item


def data_key_of(enterprise: Item) -> tuple[str, str]:
    """Whose data key it is, and the key as it is stored: whatever is personal opens by it alone.

    Raises PersonalDataErasedError where it is destroyed.
    """
    if "data_key" not in enterprise.body:
        raise PersonalDataErasedError("The time of keeping this is over; it is erased and cannot be shown again.")
    return str(enterprise.body["enterprise_id"]), str(enterprise.body["data_key"])


def require_not_closed(enterprise: Item) -> None:
    """Raises EnterpriseClosedError: with the relationship new business and its operators' access have ended."""
    if enterprise.body["status"] in RESTRICTED:
        raise EnterpriseClosedError(
            "The enterprise is closed; nothing new is begun for it and nobody acts for it here any more.",
            field="enterprise_id",
        )


def require_consent(enterprise: Item) -> None:
    """Raises ConsentWithdrawnError."""
    if "consent_withdrawn_at" in enterprise.body:
        raise ConsentWithdrawnError(
            "The enterprise has withdrawn its consent; what runs goes on, and it may consent anew before the next one.",
            field="enterprise_id",
        )
