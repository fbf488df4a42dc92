"""Registration of an enterprise: recorded at once, verified by its state machine, then active."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rongtong.domain.bill import Party
from rongtong.domain.eligibility import PARTY_REFUSED
from rongtong.domain.identity import check_bank_code, check_mobile, check_uscc
from rongtong.domain.lifecycle import RESTRICTED, EnterpriseStatus, require_enterprise_transition
from rongtong.domain.lists import outcome as outcome_of_hits
from rongtong.domain.personal_data import COVERS, ERASED, PersonalField
from rongtong.domain.privacy import mask_account, mask_mobile, mask_name
from rongtong.services.context import Context
from rongtong.services.errors import NotFoundError
from rongtong.services.records import (
    ENTERPRISES,
    POLICY_KEY,
    STATE,
    change_writes,
    derived_id,
    enterprise_pk,
    first_writes,
    iso,
    partner_list,
)
from rongtong.services.screening import screened_party
from rongtong.services.settings import policy_of
from rongtong.services.storage import Document, Item, Owned, WriteConflictError
from rongtong.services.suspension import is_enterprise_suspended


@dataclass(frozen=True)
class RegisterEnterprise:
    """What a partner says of one of its suppliers."""

    partner_id: str
    name: str
    uscc: str
    legal_representative: str
    mobile: str
    bank_code: str
    account_number: str
    account_name: str
    terms_version: str
    profile: Document | None = None
    """What the enterprise declares of its size and age."""


def register(context: Context, command: RegisterEnterprise) -> Document:
    """Record the enterprise and start its verification; a repeat answers what exists.

    Raises IdentityError with the field when a number is malformed.
    """
    check_uscc(command.uscc)
    check_mobile(command.mobile)
    policy = policy_of(context.store.get(*POLICY_KEY))
    check_bank_code(command.bank_code, directory=policy.bank_directory)
    enterprise_id = derived_id("ent", command.partner_id, command.uscc)
    pk = enterprise_pk(enterprise_id)
    item = context.store.get(pk, STATE)
    if item is None:
        key = context.vault.new_key(enterprise_id)

        def seal(text: str) -> str:
            return context.vault.encrypt(enterprise_id, key, text)

        now = context.clock.now()
        state: Document = {
            "enterprise_id": enterprise_id,
            "partner_id": command.partner_id,
            "status": EnterpriseStatus.PENDING.value,
            "name": command.name,
            "uscc": command.uscc,
            "bank_code": command.bank_code,
            "account_name": command.account_name,
            "data_key": key,
            "legal_representative": seal(command.legal_representative),
            "mobile": seal(command.mobile),
            "account_number": seal(command.account_number),
            "masked": {
                "legal_representative": mask_name(command.legal_representative),
                "mobile": mask_mobile(command.mobile),
                "account_number": mask_account(command.account_number),
            },
            "registered_at": iso(now),
        }
        if command.profile:
            state["profile"] = command.profile
        data = {
            "partner_id": command.partner_id,
            "uscc": command.uscc,
            "terms_version": command.terms_version,
            "covers": list(COVERS),
        }
        # Where another request of the same partner was first, its record is the answer.
        with suppress(WriteConflictError):
            context.store.transact(
                first_writes(
                    pk,
                    "enterprise_id",
                    enterprise_id,
                    state,
                    "EnterpriseRegistered",
                    now,
                    data,
                    by=context.initiator,
                    owned=Owned(partner_list(command.partner_id, ENTERPRISES), iso(now)),
                )
            )
        item = _load(context, enterprise_id)
    if item.body["status"] == EnterpriseStatus.PENDING:
        context.workflows.start_registration(enterprise_id, {"enterprise_id": enterprise_id, "subject": pk})
    return view(item)


def verify_enterprise(context: Context, enterprise_id: str) -> Document:
    """Check the account with the bank and the lists, and decide. Safe to repeat."""
    item = _load(context, enterprise_id)
    if item.body["status"] != EnterpriseStatus.PENDING:
        return {"subject": item.pk, "status": item.body["status"]}
    body = item.body
    account = context.vault.decrypt(enterprise_id, str(body["data_key"]), str(body["account_number"]))
    same_name = context.bank.verify_account(account, str(body["account_name"]), str(body["uscc"]))
    party = Party(name=str(body["name"]), uscc=str(body["uscc"]), account=account)
    hits = screened_party(context, party, context.calendar.shanghai_date(context.clock.now()))
    reason = None
    if not same_name:
        reason = "ACCOUNT_NOT_VERIFIED"
    elif outcome_of_hits(hits) == "reject":
        reason = PARTY_REFUSED
    status = EnterpriseStatus.REFUSED if reason else EnterpriseStatus.ACTIVE
    require_enterprise_transition(EnterpriseStatus.PENDING, status)
    now = context.clock.now()
    kind = "EnterpriseRefused" if reason else "EnterpriseVerified"
    changes: Document = {"status": status.value, "reason": reason}
    context.store.transact(change_writes(item, "enterprise_id", changes, kind, now, {"reason": reason}))
    return {"subject": item.pk, "status": status.value}


def shown(context: Context, item: Item) -> Document:
    """The enterprise as its partner may see it, ``suspended`` while it is."""
    suspended = is_enterprise_suspended(context, str(item.body["enterprise_id"]))
    return {**view(item), **({"suspended": True} if suspended else {})}


def view(item: Item) -> Document:
    """Masked: full names and numbers of persons and accounts never leave (JR/T 0171).

    Of a closed enterprise not even the masked parts are shown: only operations see more, by two persons.
    """
    body: dict[str, Any] = item.body
    shown = {
        key: body.get(key)
        for key in (
            *("enterprise_id", "status", "reason", "name", "uscc", "bank_code", "registered_at"),
            *("consent_withdrawn_at", "closed_at", "retain_until", "erased_at"),
        )
    }
    masked = body["masked"] if body["status"] not in RESTRICTED else dict.fromkeys(PersonalField, ERASED)
    return {
        **{key: value for key, value in shown.items() if value is not None},
        **{str(name): value for name, value in masked.items()},
    }


def _load(context: Context, enterprise_id: str) -> Item:
    item = context.store.get(enterprise_pk(enterprise_id), STATE)
    if item is None:
        raise NotFoundError(
            "There is no such enterprise; check the id that registration answered.", field="enterprise_id"
        )
    return item
