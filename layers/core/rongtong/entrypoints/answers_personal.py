"""Answers about personal data, field by field: for the description and for tests."""

from __future__ import annotations

from typing import Any, Literal

from rongtong.domain.personal_data import DisclosureReason, PersonalField
from rongtong.entrypoints.answers import (
    MAY_BE_MISSING,
    Answer,
    Discount,
    Enterprise,
    EnterpriseId,
    Instant,
    NextCursor,
    Quote,
    example,
)
from rongtong.entrypoints.answers_bills import ImportedBill
from rongtong.entrypoints.answers_confirmation import Operator
from rongtong.entrypoints.answers_institution import ListedComplaint


class GivenConsent(Answer):
    """A consent with its source."""

    terms_version: str
    """To which version of the terms."""
    covers: list[Literal["IDENTIFY", "PAY", "TELL"]]
    """For what; the export tells what each means."""
    given_at: Instant
    """When."""
    through: str
    """Through which partner."""
    withdrawn_at: Instant = MAY_BE_MISSING
    """Since when it counts no more."""


class ConsentList(Answer):
    """Every consent of an enterprise."""

    model_config = example(
        enterprise_id="ent_l2ey4uvbq3v6s63dkwifgjs5qb",
        standing=True,
        consents=[
            {
                "terms_version": "2026-01",
                "covers": ["IDENTIFY", "PAY", "TELL"],
                "given_at": "2026-04-15T02:00:00.000Z",
                "through": "partner-a",
            }
        ],
    )

    enterprise_id: EnterpriseId
    """Whose."""
    standing: bool
    """Whether the newest one counts: without it no new discount is taken."""
    consents: list[GivenConsent]
    """The newest first."""


class Disclosed(Answer):
    """Personal data in full; it is answered once."""

    model_config = example(
        enterprise_id="ent_l2ey4uvbq3v6s63dkwifgjs5qb",
        reason="DATA_SUBJECT_REQUEST",
        fields={"mobile": "13800000001"},
    )

    enterprise_id: EnterpriseId
    """Whose."""
    reason: DisclosureReason
    """Why, as it is recorded."""
    fields: dict[PersonalField, str]
    """The fields that were asked for, and no others."""


class PastDisclosure(Answer):
    """That personal data was shown in full."""

    at: Instant
    """When."""
    reason: DisclosureReason
    """Why."""
    fields: list[PersonalField]
    """What."""
    by: str
    """To whom: an operator's id, or `operations`."""


class Export(Answer):
    """What the platform holds of an enterprise, masked. Later pages have discounts, their quotes and bills alone."""

    format: Literal["rongtong-export/1"]
    """The version of this form."""
    enterprise_id: EnterpriseId
    """Whose."""
    made_at: Instant
    """When."""
    enterprise: Enterprise = MAY_BE_MISSING
    """Its registration."""
    account_name: str = MAY_BE_MISSING
    """Under which name the bank holds its account."""
    profile: dict[str, Any] = MAY_BE_MISSING
    """What it declared of its size and age."""
    purposes: dict[str, str] = MAY_BE_MISSING
    """What each purpose of a consent means."""
    consents: list[GivenConsent] = MAY_BE_MISSING
    """The newest first."""
    operators: list[Operator] = MAY_BE_MISSING
    """Who acts for it."""
    complaints: list[ListedComplaint] = MAY_BE_MISSING
    """About it and its discounts; each can be read with what was written."""
    disclosures: list[PastDisclosure] = MAY_BE_MISSING
    """To whom its data was shown in full, the newest first, at most 200."""
    more_disclosures: bool = MAY_BE_MISSING
    """Whether there are others."""
    discounts: list[Discount]
    """The newest first, at most 100 a page."""
    quotes: list[Quote]
    """Those on which these discounts were asked for."""
    bills: list[ImportedBill]
    """Imported for it."""
    next_cursor: NextCursor | None
    """Send it as `cursor` for what follows; null at the end."""
