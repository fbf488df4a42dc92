"""The operators of an enterprise (操作员): persons who act for it, registered by its partner, stopped by it too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rongtong.domain.identity import check_mobile
from rongtong.domain.privacy import mask_mobile, mask_name
from rongtong.services.context import Context
from rongtong.services.credentials import Credentials
from rongtong.services.enterprise_state import require_not_closed
from rongtong.services.operator_records import (
    OperatorStatus,
    Person,
    enterprise_of,
    event_writes,
    operator_key,
    person,
    require_enterprise_active,
    shown,
    write_again,
)
from rongtong.services.records import derived_id, enterprise_pk, iso, without
from rongtong.services.storage import Create, Document, Item, Write


class Role(StrEnum):
    """What an operator may do."""

    CONFIRM = "confirm"
    VIEW = "view"


@dataclass(frozen=True)
class RegisterOperator:
    """A partner's word that this person acts for one of its enterprises."""

    name: str
    mobile: str
    terms_version: str
    """Of what the person agreed to."""
    roles: tuple[str, ...]


def register(context: Context, credentials: Credentials, enterprise: Item, command: RegisterOperator) -> Document:
    """Record the operator and make its account, which cannot log in yet; one that exists is answered as it is.

    Raises EnterpriseNotActiveError, IdentityError, AccountsUnavailableError, BusyError.
    """
    check_mobile(command.mobile)
    require_enterprise_active(enterprise)
    enterprise_id = str(enterprise.body["enterprise_id"])
    owner = enterprise_id, str(enterprise.body["data_key"])
    # The mobile's keyed fingerprint: an id from its bare hash would give the eleven digits away.
    operator_id = derived_id("opr", enterprise_id, context.vault.fingerprint(*owner, command.mobile))
    pk, sk = operator_key(enterprise_id, operator_id)
    now = context.clock.now()
    body: Document = {
        "operator_id": operator_id,
        "partner_id": enterprise.body["partner_id"],
        "status": OperatorStatus.INVITED.value,
        "roles": list(command.roles),
        "name": context.vault.encrypt(*owner, command.name),
        "mobile": context.vault.encrypt(*owner, command.mobile),
        "masked": {"name": mask_name(command.name), "mobile": mask_mobile(command.mobile)},
        "registered_at": iso(now),
        "failures": 0,
        "locks": 0,
    }

    def writes() -> list[Write]:
        if context.store.get(pk, sk) is not None:
            return []
        current = enterprise_of(context, enterprise_id)
        require_enterprise_active(current)
        data: Document = {"roles": list(command.roles), "terms_version": command.terms_version}
        event = event_writes(context, current, operator_id, "OperatorRegistered", data)
        return [Create(pk, sk, body), *event]

    write_again(context, writes)
    found = context.store.get(pk, sk)
    assert found is not None, "an operator is never deleted"
    if found.body["status"] == OperatorStatus.INVITED:
        credentials.accounts.create(operator_id, command.mobile)
    return shown(found.body)


def listed(context: Context, enterprise: Item) -> list[Document]:
    """The enterprise's operators, masked."""
    return [shown(item.body) for item in context.store.query(enterprise.pk, "operator#")]


def change(
    context: Context,
    credentials: Credentials,
    found: Person,
    *,
    enabled: bool | None = None,
    roles: tuple[str, ...] | None = None,
) -> Document:
    """Disable or enable an operator, or give it other roles; whoever is disabled is logged out too.

    Raises EnterpriseClosedError, AccountsUnavailableError, BusyError.
    """
    require_not_closed(found.enterprise)
    enterprise_id, operator_id = found.owner[0], found.id
    if enabled is not None:
        # Before the record says so: a record that says DISABLED must mean that nobody can log in.
        credentials.accounts.enable(operator_id, enabled=enabled)

    def writes() -> list[Write]:
        found = person(context, enterprise_id, operator_id)
        body = {**found.operator.body}
        if enabled is not None:
            body["status"] = _status(enabled, body).value
        if roles is not None:
            body["roles"] = list(roles)
        data: Document = {"status": body["status"], "roles": body["roles"]}
        event = event_writes(context, found.enterprise, found.id, "OperatorChanged", data)
        return [found.operator.replaced(body), *event]

    write_again(context, writes)
    return shown(person(context, enterprise_id, operator_id).operator.body)


def end_access(context: Context, credentials: Credentials, enterprise_id: str) -> None:
    """Delete the accounts of every operator of an enterprise, with the mobiles that they hold; nobody acts for it then.

    A repeat carries on. Raises AccountsUnavailableError, BusyError.
    """
    for item in context.store.query(enterprise_pk(enterprise_id), "operator#"):
        if "ended_at" not in item.body:
            _end(context, credentials, enterprise_id, str(item.body["operator_id"]))


def _end(context: Context, credentials: Credentials, enterprise_id: str, operator_id: str) -> None:
    # Before the record says so, as with disabling.
    credentials.accounts.delete(operator_id)

    def writes() -> list[Write]:
        found = person(context, enterprise_id, operator_id)
        if "ended_at" in found.operator.body:
            return []
        body = {**without(found.operator.body, "code"), "status": OperatorStatus.DISABLED.value}
        body["ended_at"] = iso(context.clock.now())
        data: Document = {"status": body["status"], "roles": body["roles"]}
        event = event_writes(context, found.enterprise, found.id, "OperatorChanged", data)
        return [found.operator.replaced(body), *event]

    write_again(context, writes)


def _status(enabled: bool, body: Document) -> OperatorStatus:
    """Who was disabled before it had a login password is invited again."""
    if not enabled:
        return OperatorStatus.DISABLED
    return OperatorStatus.ACTIVE if "phrase" in body else OperatorStatus.INVITED
