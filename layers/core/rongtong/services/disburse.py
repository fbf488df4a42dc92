"""Disbursement: money moves once. The intent is stored before the bank is called and asked about before any retry."""

from __future__ import annotations

import hashlib

from rongtong.domain.bill import Party
from rongtong.domain.lifecycle import (
    DiscountStatus,
    PaymentStatus,
    require_discount_transition,
    require_payment_transition,
)
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.context import Context
from rongtong.services.discounts import discount_of, request_key, request_of
from rongtong.services.errors import ContractAlteredError, EndorsementRefusedError, EvidencePendingError
from rongtong.services.evidence_log import pending
from rongtong.services.ports import BankUnavailableError, BillLockedError, PaymentAnswer, PaymentOrder
from rongtong.services.records import STATE, change_writes, discount_pk, enterprise_pk, institution_pk, iso, payment_sk
from rongtong.services.seal import contract_key, require_priced_today
from rongtong.services.settings import institution_of
from rongtong.services.storage import Create, Document, Item, Write, WriteConflictError

_SETTLED = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.FAILED})


def disburse(context: Context, discount_id: str) -> Document:
    """Pay a sealed discount, or learn what became of its payment. Safe to repeat and to run twice at once.

    Answers ``payment``: SUCCEEDED, FAILED (with ``reason``; nothing was paid), or PROCESSING / UNKNOWN: ask again.
    Raises BillLockedError and PriceExpiredError before any intent is stored, EndorsementRefusedError after the money is
    out, RegistryUnavailableError, EvidencePendingError, ContractAlteredError, TransitionError.
    """
    pk = discount_pk(discount_id)
    stored, payment, first_event = context.store.get_many([(pk, STATE), (pk, payment_sk(1)), request_key(discount_id)])
    item = discount_of(stored)
    if item.body["status"] == DiscountStatus.DISBURSED:
        return _output(discount_id, PaymentStatus.SUCCEEDED, None)
    require_discount_transition(DiscountStatus(item.body["status"]), DiscountStatus.DISBURSED)
    if payment is None:
        if pending(item):
            raise EvidencePendingError("Not everything of this discount is in the evidence log; run Seal again.")
        require_priced_today(context, item)
        _check_contract(context, item)
        holder = str(request_of(first_event)["applicant_uscc"])
        context.bills.lock(str(item.body["bill_number"]), _range(item), discount_id, holder)
        payment, first = _store_intent(context, item)
    else:
        first = False
    status = PaymentStatus(payment.body["status"])
    if status is PaymentStatus.FAILED:
        # A worker that came late may have locked the bill of a discount that was given up meanwhile.
        context.bills.release(str(item.body["bill_number"]), _range(item), discount_id)
        return _output(discount_id, status, payment.body.get("reason"))
    enterprise, institution = _parties(context, item)
    try:
        answer = None if first else context.bank.query(str(payment.body["reference"]))
        if answer is None:
            # Never sent, or the bank does not know it: the bank pays a reference once, so sending it again is safe.
            answer = context.bank.pay(_order(context, enterprise, payment))
    except BankUnavailableError:
        return _output(discount_id, PaymentStatus.UNKNOWN, None)
    return _settle(context, item, payment, institution, answer)


def payment_reference(discount_id: str) -> str:
    """The permanent reference of a discount's only payment series; 32 characters, as banks accept (assumed)."""
    return "RT" + hashlib.sha256(f"{discount_id}/1".encode()).hexdigest()[:30].upper()


def _store_intent(context: Context, item: Item) -> tuple[Item, bool]:
    body: Document = {
        "status": PaymentStatus.SUBMITTED.value,
        "reference": payment_reference(str(item.body["discount_id"])),
        "amount_fen": int(item.body["proceeds_fen"]),
        "submitted_at": iso(context.clock.now()),
    }
    intent = Create(item.pk, payment_sk(1), body)
    try:
        context.store.transact([intent])
    except WriteConflictError:
        stored = context.store.get(item.pk, payment_sk(1))
        assert stored is not None, "the intent was refused because one is stored"
        return stored, False
    return Item(intent.pk, intent.sk, body, 1), True


def _settle(context: Context, item: Item, payment: Item, institution: Party, answer: PaymentAnswer) -> Document:
    discount_id = str(item.body["discount_id"])
    status = PaymentStatus(answer.status)
    if status not in _SETTLED:
        return _output(discount_id, status, answer.reason)
    require_payment_transition(PaymentStatus(payment.body["status"]), status)
    now = context.clock.now()
    settled = {
        **payment.body,
        "status": status.value,
        "bank_serial": answer.bank_serial,
        "reason": answer.reason,
    }
    settled = {key: value for key, value in settled.items() if value is not None}
    settled["settled_at"] = iso(now)
    writes: list[Write] = [payment.replaced(settled)]
    if status is PaymentStatus.SUCCEEDED:
        _endorse(context, item, institution)
        amount = int(payment.body["amount_fen"])
        data = {
            "reference": payment.body["reference"],
            "bank_serial": answer.bank_serial,
            "amount_fen": amount,
        }
        changes = {
            "status": DiscountStatus.DISBURSED.value,
            "finished_at": iso(now),
        }
        writes += change_writes(item, "discount_id", changes, "DiscountPaid", now, data)
    try:
        context.store.transact(writes)
    except WriteConflictError:
        return disburse(context, discount_id)  # a second worker settled it first: its records are the answer
    return _output(discount_id, status, answer.reason)


def _output(discount_id: str, status: PaymentStatus, reason: str | None) -> Document:
    return {
        "discount_id": discount_id,
        "subject": f"discount#{discount_id}",
        "payment": status.value,
        "reason": reason,
    }


def _order(context: Context, enterprise: Item, payment: Item) -> PaymentOrder:
    owner, key = str(enterprise.body["enterprise_id"]), str(enterprise.body["data_key"])
    return PaymentOrder(
        reference=str(payment.body["reference"]),
        amount_fen=int(payment.body["amount_fen"]),
        payee_account=context.vault.decrypt(owner, key, str(enterprise.body["account_number"])),
        payee_name=str(enterprise.body["account_name"]),
        payee_bank_code=str(enterprise.body["bank_code"]),
        purpose="票据贴现",
    )


def _check_contract(context: Context, item: Item) -> None:
    sealed = str(item.body["contract_sha256"])
    content = context.archive.get(contract_key(str(item.body["discount_id"]), sealed))
    if content is None or hashlib.sha256(content).hexdigest() != sealed:
        raise ContractAlteredError(
            "The archived contract is missing or is not the one that was sealed; nothing was paid."
        )


def _endorse(context: Context, item: Item, institution: Party) -> None:
    try:
        context.bills.endorse(str(item.body["bill_number"]), _range(item), str(item.body["discount_id"]), institution)
    except BillLockedError as error:
        raise EndorsementRefusedError(
            "The money is out but the registry does not endorse the bill; settle it with the registry, then replay."
        ) from error


def _parties(context: Context, item: Item) -> tuple[Item, Party]:
    """Who is paid, and who becomes the bill's holder for it."""
    enterprise, funding = context.store.get_many(
        [
            (enterprise_pk(str(item.body["enterprise_id"])), STATE),
            (institution_pk(str(item.body["institution_id"])), STATE),
        ]
    )
    assert enterprise is not None, "a discount is accepted only for an enterprise that exists"
    institution = institution_of(funding)
    party = Party(name=str(institution["name"]), uscc=str(institution["uscc"]), account=str(institution["account"]))
    return enterprise, party


def _range(item: Item) -> SubBillRange:
    return SubBillRange.parse(str(item.body["range"]))
