"""Consents of an enterprise with their source: to which terms, for what, when, through which partner (PIPL 14, 15, 17).

They are events of the enterprise and nothing beside: given with its registration or later, withdrawn at any time. A
withdrawal stops new discounts and leaves what runs: its lawfulness until then, and payment, stay (PIPL article 15).
"""

from __future__ import annotations

from rongtong.domain.personal_data import COVERS
from rongtong.services.context import Context
from rongtong.services.enterprise_state import require_not_closed
from rongtong.services.errors import BusyError, NotFoundError
from rongtong.services.records import STATE, change_writes, iso
from rongtong.services.storage import Document, Item, WriteConflictError

_GIVEN = frozenset({"EnterpriseRegistered", "ConsentGiven"})
_ATTEMPTS = 5


def consents(context: Context, enterprise: Item) -> Document:
    """Every consent, the newest first; ``standing`` says whether the newest one has not been withdrawn."""
    found: list[Document] = []
    for document in context.store.query(enterprise.pk, "event#"):
        event = document.body["event"]
        if event["type"] in _GIVEN:
            found.append(
                {
                    "terms_version": event["data"]["terms_version"],
                    "covers": event["data"].get("covers", list(COVERS)),
                    "given_at": event["at"],
                    "through": enterprise.body["partner_id"],
                }
            )
        elif event["type"] == "ConsentWithdrawn":
            for one in found:
                one.setdefault("withdrawn_at", event["at"])
    standing = bool(found) and "withdrawn_at" not in found[-1]
    return {"enterprise_id": enterprise.body["enterprise_id"], "standing": standing, "consents": found[::-1]}


def give(context: Context, enterprise: Item, terms_version: str) -> Document:
    """Record that the enterprise consents to these terms; the same again while it stands is no change.

    Raises EnterpriseClosedError, BusyError.
    """
    for _ in range(_ATTEMPTS):
        item = _again(context, enterprise)
        require_not_closed(item)
        shown = consents(context, item)
        if shown["standing"] and shown["consents"][0]["terms_version"] == terms_version:
            return shown
        data: Document = {"terms_version": terms_version, "covers": list(COVERS)}
        if _recorded(context, item, {"consent_withdrawn_at": None}, "ConsentGiven", data):
            return consents(context, _again(context, enterprise))
    raise BusyError("The enterprise keeps changing; send the same request again.")


def withdraw(context: Context, enterprise: Item) -> Document:
    """Record that the enterprise withdraws its consent; a repeat is no change. Raises BusyError."""
    for _ in range(_ATTEMPTS):
        item = _again(context, enterprise)
        shown = consents(context, item)
        if not shown["standing"]:
            return shown
        changes: Document = {"consent_withdrawn_at": iso(context.clock.now())}
        if _recorded(context, item, changes, "ConsentWithdrawn", {}):
            return consents(context, _again(context, enterprise))
    raise BusyError("The enterprise keeps changing; send the same request again.")


def _recorded(context: Context, item: Item, changes: Document, kind: str, data: Document) -> bool:
    """Whether nobody else wrote meanwhile."""
    try:
        context.store.transact(
            change_writes(item, "enterprise_id", changes, kind, context.clock.now(), data, by=context.initiator)
        )
    except WriteConflictError:
        return False
    return True


def _again(context: Context, enterprise: Item) -> Item:
    found = context.store.get(enterprise.pk, STATE)
    if found is None:
        raise NotFoundError("There is no such enterprise; check the id that registration answered.")
    return found
