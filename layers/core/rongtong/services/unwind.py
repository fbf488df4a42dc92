"""Unwinding: a discount that will not be paid gives back its range, limits and invoice, and says why."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from rongtong.domain.exposure_ledger import EntryKind
from rongtong.domain.lifecycle import UNPAID_ENDS, DiscountStatus, require_discount_transition
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.context import Context
from rongtong.services.discounts import load, request_key, request_of
from rongtong.services.errors import BusyError, PaymentPendingError
from rongtong.services.exposure_ledger import entry_of
from rongtong.services.records import amend, change_writes, iso, payment_sk, without
from rongtong.services.reservations import holdings_of
from rongtong.services.storage import Create, Document, Item, Write, WriteConflictError

_ATTEMPTS = 12
LATEST_LOCK = timedelta(minutes=15)
"""After this long no message of ours is under way (assumed): the functions that send them end within a minute."""
_PAID = frozenset({DiscountStatus.DISBURSED, DiscountStatus.RETURNED})
_ENDED = UNPAID_ENDS | _PAID


def unwind(context: Context, discount_id: str, reason: str, *, refused: bool) -> Document:
    """End a discount unpaid: REFUSED by a rule, or FAILED by a fault. Safe to repeat; one that was paid stays paid.

    Raises PaymentPendingError when money may have moved: such a discount is carried on, never unwound.
    """
    for attempt in range(_ATTEMPTS):
        item = load(context, discount_id)
        if DiscountStatus(item.body["status"]) in _ENDED:
            break
        try:
            context.store.transact(_writes(context, item, reason, refused=refused))
        except WriteConflictError:
            context.clock.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
            continue
        break
    else:
        raise BusyError("The records of this discount keep changing; run the same task again.")
    if "contract_sha256" in item.body and DiscountStatus(item.body["status"]) not in _PAID:
        _release(context, item)
    return {"subject": item.pk, "reason": reason}


def release_again(context: Context, item: Item) -> None:
    """Let go of an ended discount's bill once more when no lock of ours can be on its way any longer.

    A lock whose answer was lost may reach the registry after the release. Raises RegistryUnavailableError.
    """
    ended = datetime.fromisoformat(str(item.body["finished_at"]))
    if "locked" in item.body and context.clock.now() >= ended + LATEST_LOCK:
        _release(context, item)
        amend(context.store, item, lambda body: without(body, "locked") if "locked" in body else None)


def _release(context: Context, item: Item) -> None:
    rng, owner = SubBillRange.parse(str(item.body["range"])), str(item.body["discount_id"])
    context.bills.release(str(item.body["bill_number"]), rng, owner)


def _writes(context: Context, item: Item, reason: str, *, refused: bool) -> list[Write]:
    status = DiscountStatus.REFUSED if refused else DiscountStatus.FAILED
    require_discount_transition(DiscountStatus(item.body["status"]), status)
    payment = context.store.get(item.pk, payment_sk(1))
    if payment is not None and payment.body["status"] != PaymentStatus.FAILED:
        raise PaymentPendingError("A payment of this discount is not known to have failed; replay it instead.")
    now = context.clock.now()
    changes: Document = {
        "status": status.value,
        "reason": reason,
        "finished_at": iso(now),
        "task_token": None,
        "held": None,
        "locked": True if "contract_sha256" in item.body else None,
    }
    due = now + LATEST_LOCK if "contract_sha256" in item.body else None
    kind = "DiscountRefused" if refused else "DiscountFailed"
    request = request_of(context.store.get(*request_key(str(item.body["discount_id"]))))
    accepted = datetime.fromisoformat(str(item.body["accepted_at"]))
    holdings = holdings_of(item.body, request, context.calendar.shanghai_date(accepted))
    journal: Document = {"journal": entry_of(EntryKind.RETURN, holdings)}
    writes: list[Write] = [
        *change_writes(item, "discount_id", changes, kind, now, {"reason": reason}, journal, due=due)
    ]
    if payment is None:
        # Closes the door on a worker that is still on its way to store an intent.
        writes.append(Create(item.pk, payment_sk(1), {"status": PaymentStatus.FAILED.value, "reason": "UNWOUND"}))
    return [*writes, *holdings.give_back(context.store.get_many(holdings.keys()))]
