"""Disbursement: money moves once. The intent is stored before a bank is told, and banks are asked before a retry."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time

from rongtong.domain.lifecycle import UNPAID_ENDS, DiscountStatus, require_discount_transition
from rongtong.domain.payment import (
    CUT_OFF,
    ONLINE,
    PaymentStatus,
    cut_off,
    is_result,
    may_become,
    payment_reference,
)
from rongtong.services.anchoring import require_anchored
from rongtong.services.context import Context
from rongtong.services.cosigning import require_witnessed
from rongtong.services.discounts import discount_of, request_key, request_of
from rongtong.services.errors import BusyError, ContractAlteredError, EvidencePendingError, PriceExpiredError
from rongtong.services.evidence_log import pending
from rongtong.services.payment_channels import HELD, Parties, learn
from rongtong.services.payments import bill_range, endorse_late, settle
from rongtong.services.records import (
    STATE,
    amend,
    discount_pk,
    enterprise_pk,
    institution_pk,
    iso,
    payment_sk,
    payments_owner,
    without,
)
from rongtong.services.repayment import next_payment
from rongtong.services.seal import contract_key, require_priced_today
from rongtong.services.settings import institution_of
from rongtong.services.storage import Create, Document, Item, Key, Listing, Write, WriteConflictError
from rongtong.services.suspension import is_suspended, suspension_keys

_ATTEMPTS = 8


def disburse(context: Context, discount_id: str) -> Document:
    """Pay a sealed discount, or learn what became of its payment. Safe to repeat and to run twice at once.

    Answers ``payment``: SUCCEEDED (also where the bill could not be endorsed: then an incident is open), RETURNED,
    FAILED with ``reason`` (the payee has nothing), or PROCESSING, UNKNOWN and HELD: ask again. Raises BillLockedError
    and PriceExpiredError before any intent is stored, RegistryUnavailableError, EvidencePendingError,
    NotWitnessedError, NotAnchoredError, ContractAlteredError, TransitionError.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _disburse(context, discount_id)
        except WriteConflictError:
            continue  # another worker wrote first: what it wrote decides what is left to do
    raise BusyError("The records of this discount keep changing; run the same task again.")


def _disburse(context: Context, discount_id: str) -> Document:
    pk = discount_pk(discount_id)
    stored, payment, first_event = context.store.get_many([(pk, STATE), (pk, payment_sk(1)), request_key(discount_id)])
    item = discount_of(stored)
    status, series = DiscountStatus(item.body["status"]), 1
    if status is DiscountStatus.DISBURSED:
        if item.body.get("endorsed") is False:
            endorse_late(context, item)
        _carried_on(context, discount_id)
        return _output(discount_id, PaymentStatus.SUCCEEDED.value)
    if status is DiscountStatus.RETURNED:
        series, payment = next_payment(context, item)
        if payment is None:
            _carried_on(context, discount_id)
            return _output(discount_id, PaymentStatus.RETURNED.value)
    elif status in UNPAID_ENDS:
        # A worker that came late may have locked the bill of a discount that was given up meanwhile.
        context.bills.release(str(item.body["bill_number"]), bill_range(item), discount_id)
        return _output(discount_id, PaymentStatus.FAILED.value, item.body.get("reason"))
    else:
        require_discount_transition(status, DiscountStatus.DISBURSED)
    if payment is not None and payment.body["status"] == PaymentStatus.FAILED:
        return _output(discount_id, PaymentStatus.FAILED.value, payment.body.get("reason"))
    parties = _parties(context, item)
    first = payment is None or payment.body["status"] == PaymentStatus.CREATED
    if first:
        if _held(context, item, suspended=parties.suspended):
            return _output(discount_id, HELD, "SUSPENDED")
        _require_sealed(context, item, series)
        if context.clock.now() >= _not_after(parties.institution, context.clock.now()):
            if series == 1:
                raise PriceExpiredError("The bank's day is over; request it again on the next.")
            return _output(discount_id, HELD, "BANK_CLOSED")
        if series == 1:
            holder = str(request_of(first_event)["applicant_uscc"])
            context.bills.lock(str(item.body["bill_number"]), bill_range(item), discount_id, holder)
        if is_suspended(context.store.get_many(_suspension_keys(item))):
            return _output(discount_id, HELD, "SUSPENDED")
        payment = _store_intent(context, item, parties, payment, series)
    assert payment is not None, "an intent is stored before a bank is told"
    answer = learn(context, item, parties, payment, first=first)
    if is_result(answer.status):
        settle(context, item, payment, answer)
        return _disburse(context, discount_id)
    _note(context, payment, answer.status)
    if answer.reason == HELD:
        _held(context, item, suspended=True)
        return _output(discount_id, HELD, "SUSPENDED")
    return _output(discount_id, answer.status.value, answer.reason)


def _store_intent(context: Context, item: Item, parties: Parties, approved: Item | None, series: int) -> Item:
    """Raises WriteConflictError when another worker stored it first."""
    now = context.clock.now()
    body: Document = {
        "status": PaymentStatus.SUBMITTED.value,
        "reference": payment_reference(str(item.body["discount_id"]), series),
        "amount_fen": int(item.body["proceeds_fen"]),
        "submitted_at": iso(now),
        "not_after": iso(_not_after(parties.institution, now)),
        "channels": [0],
    }
    if series > 1:
        body = {**({} if approved is None else approved.body), **body, "series": series}
    elif parties.institution.get("settlement") == ONLINE:
        body["settlement"] = ONLINE
    day = context.calendar.shanghai_date(now).isoformat()
    # Statements of one partner or institution read only its own of the day's payments.
    whose: Document = {name: item.body[name] for name in ("partner_id", "institution_id")}
    listing = Listing(payments_owner(day), iso(now), whose)
    write: Write = Create(item.pk, payment_sk(series), body, listing=listing)
    if approved is not None:
        write = replace(approved.replaced(body), listing=listing)
    context.store.transact([write])
    return Item(item.pk, payment_sk(series), body, 1 if approved is None else approved.version + 1, listing)


def _not_after(institution: Document, now: datetime) -> datetime:
    return cut_off(now, time.fromisoformat(str(institution.get("payment_cut_off", CUT_OFF.isoformat()))))


def _note(context: Context, payment: Item, status: PaymentStatus) -> None:
    """Keep that a payment is open, for whoever looks at it; who was quicker knows better."""
    if may_become(PaymentStatus(payment.body["status"]), status):
        found = context.store.get(payment.pk, payment.sk)
        if found is not None and found.body["status"] == payment.body["status"]:
            with suppress(WriteConflictError):
                context.store.transact([found.replaced({**found.body, "status": status.value})])


def _carried_on(context: Context, discount_id: str) -> None:
    """Note that what a replay of a paid discount was to do is done."""
    item = discount_of(context.store.get(discount_pk(discount_id), STATE))
    if "again" in item.body:
        amend(context.store, item, lambda body: without(body, "again") if "again" in body else None)


def _held(context: Context, item: Item, *, suspended: bool) -> bool:
    """Whether business with any of the discount's parties is suspended; the discount's state says so while it is."""
    if suspended != ("held" in item.body):
        amend(context.store, item, lambda body: _with_held(body, held=suspended))
    return suspended


def _suspension_keys(item: Item) -> list[Key]:
    body = item.body
    return suspension_keys(str(body["partner_id"]), str(body["enterprise_id"]), str(body["institution_id"]))


def _with_held(body: Document, *, held: bool) -> Document | None:
    if held == ("held" in body):
        return None
    return {**body, "held": "SUSPENDED"} if held else without(body, "held")


def _require_sealed(context: Context, item: Item, series: int) -> None:
    """Nothing may be paid otherwise.

    Raises EvidencePendingError, NotWitnessedError, NotAnchoredError, PriceExpiredError, ContractAlteredError.
    """
    if pending(item):
        raise EvidencePendingError("Not everything of this discount is in the evidence log; run Seal again.")
    require_witnessed(context, item)
    if context.payment_waits_for_chain:
        require_anchored(context, item)
    if series == 1:
        require_priced_today(context, item)
    sealed = str(item.body["contract_sha256"])
    content = context.archive.get(contract_key(str(item.body["discount_id"]), sealed))
    if content is None or hashlib.sha256(content).hexdigest() != sealed:
        raise ContractAlteredError(
            "The archived contract is missing or is not the one that was sealed; nothing was paid."
        )


def _output(discount_id: str, payment: str, reason: str | None = None) -> Document:
    subject = discount_pk(discount_id)
    return {"discount_id": discount_id, "subject": subject, "payment": payment, "reason": reason}


def _parties(context: Context, item: Item) -> Parties:
    enterprise, funding, *stops = context.store.get_many(
        [
            (enterprise_pk(str(item.body["enterprise_id"])), STATE),
            (institution_pk(str(item.body["institution_id"])), STATE),
            *_suspension_keys(item),
        ]
    )
    assert enterprise is not None, "a discount is accepted only for an enterprise that exists"
    return Parties(enterprise, institution_of(funding), is_suspended(stops))
