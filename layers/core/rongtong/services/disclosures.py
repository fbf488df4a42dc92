"""Personal data in full, once, with a reason: to an operator who proves it is itself, or to operations by two persons.

The record is written before anything is shown, in the transaction that uses up what allows it: the operator's code, or
the second person's approval. It says who, when, why and which fields, never their values, and goes to the evidence log.
Each showing counts against what the person may see in a day, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rongtong.domain.confirmation import CodeExpiredError
from rongtong.domain.personal_data import (
    OPERATOR_REASONS,
    DisclosureNotApprovedError,
    DisclosureReason,
    DisclosureRequestError,
    PersonalField,
    TooManyDisclosuresError,
    readable,
)
from rongtong.services.access_audit import note_disclosure
from rongtong.services.context import Context
from rongtong.services.credentials import Credentials
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.operator_passwords import require_status, rules_of, shown_code
from rongtong.services.operator_records import Person, Purpose, again, require_login, without_failures
from rongtong.services.records import POLICY_KEY, STATE, disclosure_pk, shown_pk, tenant_key
from rongtong.services.settings import policy_of
from rongtong.services.storage import Count, Document, Item, Write

APPROVAL_LIFE = timedelta(hours=24)
_SHOWN = "shown"


@dataclass(frozen=True)
class Disclose:
    """What an operator wants to be shown, why, and what it proves: a fresh login, and the code on its mobile."""

    reason: str
    fields: tuple[str, ...]
    access_token: str
    code: str


def to_operator(context: Context, credentials: Credentials, named: Person, command: Disclose) -> Document:
    """The fields in full, to an active operator of the enterprise.

    Raises DisclosureRequestError, EnterpriseClosedError, OperatorNotActiveError, LoginError, the errors of codes,
    TooManyDisclosuresError, SealedDataError, BusyError; nothing is shown then.
    """
    reason, fields = readable(command.reason, command.fields)
    if reason not in OPERATOR_REASONS:
        raise DisclosureRequestError("An operator gives a reason of its own, no authority's.", field="reason")
    found = again(context, named)
    require_status(found, Purpose.DISCLOSURE)
    require_login(
        context, credentials, found, command.access_token, age_s=rules_of(context, named.partner_id).login_age_s
    )
    taken = shown_code(context, named, Purpose.DISCLOSURE, command.code)
    code_id = str(taken.open_code()["id"])
    values = _opened(context, taken.enterprise, fields)
    limit = _limit(context, found.partner_id)

    def also() -> list[Write]:
        now = again(context, named)
        if now.open_code().get("id") != code_id:
            raise CodeExpiredError("The code was used meanwhile; ask for a new one.", field="code")
        return [now.operator.replaced(without_failures(now.operator.body)), _counted(context, named.id, limit)]

    _note(context, taken.enterprise, reason, fields, {"operator_id": named.id}, also)
    return _shown(taken.enterprise, reason, values)


def to_operations(context: Context, by: str, enterprise: Item) -> Document:
    """The fields that another person has approved, in full, to the one who proposed it, within a day, once.

    Raises DisclosureNotApprovedError, PersonalDataErasedError, TooManyDisclosuresError, SealedDataError, BusyError.
    """
    enterprise_id = str(enterprise.body["enterprise_id"])
    approved = _approved(context, by, enterprise_id)
    reason, fields = readable(approved.body["reason"], approved.body["fields"])
    values = _opened(context, enterprise, fields)
    limit = _limit(context, str(enterprise.body["partner_id"]))

    def also() -> list[Write]:
        now = _approved(context, by, enterprise_id)
        if now.version != approved.version:
            raise DisclosureNotApprovedError("Another approval took its place; ask again.", field="enterprise_id")
        return [now.replaced({**now.body, _SHOWN: True}), _counted(context, by, limit)]

    who: Document = {"by": by, "approved_by": approved.body["approved_by"]}
    _note(context, enterprise, reason, fields, who, also)
    return _shown(enterprise, reason, values)


def _approved(context: Context, by: str, enterprise_id: str) -> Item:
    """The approval that counts now for this person. Raises DisclosureNotApprovedError."""
    item = context.store.get(disclosure_pk(enterprise_id), STATE)
    if item is None or item.body["proposed_by"] != by or _SHOWN in item.body:
        raise DisclosureNotApprovedError(
            "Propose a change of the kind disclosure and have another person approve it; each is shown once.",
            field="enterprise_id",
        )
    if context.clock.now() >= datetime.fromisoformat(str(item.body["approved_at"])) + APPROVAL_LIFE:
        raise DisclosureNotApprovedError("The approval is older than a day; propose it anew.", field="enterprise_id")
    return item


def _opened(context: Context, enterprise: Item, fields: Sequence[PersonalField]) -> Mapping[str, str]:
    owner = data_key_of(enterprise)
    return {one.value: context.vault.decrypt(*owner, str(enterprise.body[one.value])) for one in fields}


def _limit(context: Context, partner_id: str) -> int:
    platform, tenant = context.store.get_many([POLICY_KEY, tenant_key(partner_id)])
    return policy_of(platform, tenant).disclosures_per_day


def _counted(context: Context, person: str, limit: int) -> Count:
    """The write that counts one more showing of the day in Shanghai. Raises TooManyDisclosuresError."""
    day = context.calendar.shanghai_date(context.clock.now()).isoformat()
    pk = shown_pk(person, day)
    if context.store.counter(pk, _SHOWN) >= limit:
        raise TooManyDisclosuresError(f"One person is shown at most {limit} a day; come back tomorrow.")
    return Count(pk, _SHOWN, 1, limit)


def _note(
    context: Context,
    enterprise: Item,
    reason: DisclosureReason,
    fields: Sequence[PersonalField],
    who: Document,
    also: Callable[[], list[Write]],
) -> None:
    data: Document = {
        "enterprise_id": enterprise.body["enterprise_id"],
        "reason": reason.value,
        "fields": [one.value for one in fields],
        **who,
    }
    note_disclosure(context, data, also)


def _shown(enterprise: Item, reason: DisclosureReason, values: Mapping[str, str]) -> Document:
    return {"enterprise_id": enterprise.body["enterprise_id"], "reason": reason.value, "fields": dict(values)}
