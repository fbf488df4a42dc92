"""Discounts that wait for a person: a reviewer's decision or the operator's two-factor confirmation."""

from __future__ import annotations

import hashlib
import secrets

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.eligibility import PARTY_REFUSED
from rongtong.domain.lifecycle import DiscountStatus, require_discount_transition, waits_until
from rongtong.services.access_audit import Evidence, note_read
from rongtong.services.bill_checks import REJECT
from rongtong.services.context import Context
from rongtong.services.discounts import load, view
from rongtong.services.errors import WrongStateError
from rongtong.services.records import (
    POLICY_KEY,
    REVIEWS,
    STATE,
    change_writes,
    discount_pk,
    enterprise_pk,
    iso,
    tenant_key,
)
from rongtong.services.screening import access_seen
from rongtong.services.settings import policy_of
from rongtong.services.storage import Document, Item, WriteConflictError
from rongtong.services.verify_bill import status_after
from rongtong.services.webhooks import queue_now

_BATCH = 100
_WAITING = frozenset({DiscountStatus.IN_REVIEW, DiscountStatus.AWAITING_CONFIRMATION})


def park(context: Context, discount_id: str, task_token: str) -> Document:
    """Keep the task token until the person has answered; go on at once if that already happened."""
    # Its partner hears now that a person is waited for; that may last for days.
    queue_now(context, discount_pk(discount_id))
    item = load(context, discount_id)
    answered = item.body["status"] == DiscountStatus.IN_REVIEW and "review" in item.body
    if answered or DiscountStatus(item.body["status"]) not in _WAITING:
        context.workflows.resume(task_token, _answer(item.body))
        return {"discount_id": discount_id, "waiting": False}
    try:
        context.store.transact([item.replaced({**item.body, "task_token": task_token})])
    except WriteConflictError:
        return park(context, discount_id, task_token)
    return {"discount_id": discount_id, "waiting": True}


def reviews(context: Context, *, most: int = 1000) -> Document:
    """Discounts that wait for a reviewer now, whose time is up first at the top; ``decide_by`` says when it is.

    Of the newest ``most`` that came to a review within the time that one has; ``more`` says that there are others.
    """
    now = context.clock.now()
    until = waits_until(DiscountStatus.IN_REVIEW, now)
    assert until is not None, "a review waits for a person"
    ids = [
        str(one.summary["discount_id"]) for one in context.store.listed(REVIEWS, iso(now - (until - now)), most=most)
    ]
    waiting: list[Item] = []
    for start in range(0, len(ids), _BATCH):
        found = context.store.get_many([(discount_pk(own_id), STATE) for own_id in ids[start : start + _BATCH]])
        waiting += [item for item in found if item is not None and _is_undecided(item)]
    entries = [{"discount": view(item.body), "decide_by": str(item.due)} for item in waiting]
    return {"reviews": sorted(entries, key=lambda one: str(one["decide_by"])), "more": len(ids) == most}


def _is_undecided(item: Item) -> bool:
    return item.body["status"] == DiscountStatus.IN_REVIEW and "review" not in item.body


def review_file(context: Context, item: Item) -> Document:
    """What verification found, for the reviewer alone: lists and rules are named here and nowhere outside.

    Who asks is recorded. Raises WrongStateError before verification, BusyError.
    """
    events = context.store.query(item.pk, "event#")
    verified = next((found.body for found in events if found.body["event"]["type"] == "BillVerified"), None)
    if verified is None:
        raise WrongStateError("The bill is not verified yet; ask again in a second.")
    findings = {name: value for name, value in verified["beside"].items() if name != "salt"}
    note_read(context, Evidence.REVIEW, str(item.body["discount_id"]))
    return {"discount": view(item.body), "verified": verified["event"]["data"], "findings": findings}


def decide_review(context: Context, reviewer: str, item: Item, *, approve: bool, note: str) -> Document:
    """Record a reviewer's decision and let the execution go on. The same decision again is no change.

    Raises WrongStateError when the discount is not in review or was decided otherwise.
    """
    decided = item.body.get("review")
    wanted = "approve" if approve else REJECT
    if decided is None:
        _require(item, DiscountStatus.IN_REVIEW)
        changes: Document = {"review": wanted, "verdict": wanted}
        if not approve:
            changes["reason"] = PARTY_REFUSED
        if approve:
            status = status_after(wanted, confirmed=bool(item.body["confirmed"]))
            require_discount_transition(DiscountStatus.IN_REVIEW, status)
            changes |= {"status": status.value, "reason": None}
        # Who decided and why is the platform's own; the event bears its salted hash.
        beside: Document = {"reviewer": reviewer, "note": note, "salt": secrets.token_hex(16)}
        data: Document = {"decision": wanted, "note_sha256": hashlib.sha256(canonical_bytes(beside)).hexdigest()}
        item = _change(context, item, changes, "ReviewDecided", data, beside)
    elif decided != wanted:
        raise WrongStateError(f"The review was already decided: {decided}.", field="decision")
    return _go_on(context, item)


def confirm(
    context: Context,
    item: Item,
    operator: str,
    factors: tuple[str, ...],
    access: Document | None = None,
) -> Document:
    """Record the operator's confirmation and let the execution go on. The same again is no change.

    ``access`` says where the operator was; it is kept beside the event as a request's is.

    Raises WrongStateError when nothing waits for it or a factor is missing, ConfirmationByPlatformError.
    """
    missing = set(context.confirm_factors) - set(factors)
    if missing:
        raise WrongStateError(f"Missing factors: {', '.join(sorted(missing))}.", field="factors")
    if not item.body["confirmed"]:
        _require(item, DiscountStatus.AWAITING_CONFIRMATION)
        require_partner_asserts(context, str(item.body["partner_id"]))
        status = DiscountStatus.VERIFIED
        require_discount_transition(DiscountStatus.AWAITING_CONFIRMATION, status)
        changes: Document = {"status": status.value, "confirmed": True, "confirmed_by": operator}
        data = {"operator": operator, "factors": list(factors)}
        beside = None if access is None else {"access": access_seen(context, _enterprise(context, item), access)}
        item = _change(context, item, changes, "DiscountConfirmed", data, beside)
    return _go_on(context, item)


def require_partner_asserts(context: Context, partner_id: str) -> None:
    """Raises ConfirmationByPlatformError where the platform itself asks this tenant's operators."""
    platform, tenant = context.store.get_many([POLICY_KEY, tenant_key(partner_id)])
    policy_of(platform, tenant).confirmation.require_partner_asserts(field="confirmation")


def _enterprise(context: Context, item: Item) -> Item:
    found = context.store.get(enterprise_pk(str(item.body["enterprise_id"])), STATE)
    assert found is not None, "a discount is accepted only for an enterprise that exists"
    return found


def _require(item: Item, status: DiscountStatus) -> None:
    if item.body["status"] != status:
        raise WrongStateError(f"The discount is {item.body['status']}, not {status.value}; read it again.")


def _change(
    context: Context, item: Item, changes: Document, kind: str, data: Document, beside: Document | None = None
) -> Item:
    now = context.clock.now()
    due = waits_until(DiscountStatus(changes["status"]), now) if "status" in changes else None
    writes = change_writes(item, "discount_id", changes, kind, now, data, beside, due=due or now, by=context.initiator)
    try:
        context.store.transact(writes)
    except WriteConflictError as conflict:
        raise WrongStateError("The discount changed meanwhile; read it and decide again.") from conflict
    return load(context, str(item.body["discount_id"]))


def nudge(context: Context, item: Item) -> None:
    """Tell a waiting execution again what a person has answered; no change where nobody has, or where it knows."""
    waits = DiscountStatus(item.body["status"]) in _WAITING
    if "task_token" in item.body and (not waits or "review" in item.body):
        _go_on(context, item)


def _go_on(context: Context, item: Item) -> Document:
    token = item.body.get("task_token")
    if token is not None:
        context.workflows.resume(str(token), _answer(item.body))
    return view(item.body)


def _answer(body: Document) -> Document:
    return {"verdict": body["verdict"], "reason": body.get("reason"), "confirmed": bool(body["confirmed"])}
