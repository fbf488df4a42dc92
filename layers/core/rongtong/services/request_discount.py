"""Accepting a discount request: everything that must be true before we say yes, in one transaction."""

from __future__ import annotations

import random
import time
from dataclasses import asdict, dataclass
from typing import Any

from rongtong.domain.bill_number import BillNumber
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.context import Context
from rongtong.services.discounts import view
from rongtong.services.errors import (
    BusyError,
    EnterpriseNotActiveError,
    EnterpriseUnknownError,
    IdempotencyMismatchError,
    LimitExceededError,
    RangeTakenError,
)
from rongtong.services.records import (
    STATE,
    derived_id,
    discount_pk,
    enterprise_pk,
    first_writes,
    institution_pk,
    invoice_pk,
    iso,
    package_pk,
)
from rongtong.services.settings import institution_of
from rongtong.services.storage import Count, Create, Document, Item, Replace, Write, WriteConflictError

_ATTEMPTS = 12
EXPOSURE = "exposure"


@dataclass(frozen=True)
class RequestDiscount:
    """A partner's request for one bill range of one of its enterprises. Amounts in fen, dates ISO 8601."""

    partner_id: str
    idempotency_key: str
    body_digest: str
    enterprise_id: str
    institution_id: str
    bill_number: str
    range: str
    amount_fen: int
    kind: str
    issue_date: str
    maturity_date: str
    acceptor_bank_code: str
    order_number: str
    order_amount_fen: int
    order_date: str
    order_buyer_uscc: str
    invoice_number: str
    payee_account: str
    confirmed_by: str | None
    factors: tuple[str, ...]


def accept(context: Context, command: RequestDiscount) -> tuple[Document, bool]:
    """Accept the request, or raise why not; nothing is stored by halves.

    The discount's id comes from the partner and its idempotency key: a repeat answers the same discount and False,
    the same key with another body raises IdempotencyMismatchError. Raises BillNumberError, SubBillRangeError,
    CalendarError, EnterpriseUnknownError, EnterpriseNotActiveError, InstitutionUnknownError, RangeTakenError,
    LimitExceededError.
    """
    discount_id = derived_id("dsc", command.partner_id, command.idempotency_key)
    spent_before = context.store.write_units
    bill = BillNumber.parse(command.bill_number)
    bill.require_discountable()
    rng = SubBillRange.parse(command.range)
    rng.require_amount(command.amount_fen)
    known, enterprise, funding, package, invoice = context.store.get_many(
        [
            (discount_pk(discount_id), STATE),
            (enterprise_pk(command.enterprise_id), STATE),
            (institution_pk(command.institution_id), STATE),
            (package_pk(bill.text), STATE),
            (invoice_pk(command.invoice_number), STATE),
        ]
    )
    if known is not None:
        return _repeat(context, known, command), False
    context.calendar.require_service_hours(context.clock.now())
    if enterprise is None or enterprise.body["partner_id"] != command.partner_id:
        raise EnterpriseUnknownError("No such enterprise; register it first.", field="enterprise_id")
    if enterprise.body["status"] != "ACTIVE":
        raise EnterpriseNotActiveError(
            "The enterprise is not active; wait for its registration to end or see its reason.",
            field="enterprise_id",
        )
    institution = institution_of(funding)
    state, first = _first_records(context, command, discount_id, rng, enterprise)
    limits: list[Write] = [
        _take_limit(enterprise_pk(command.enterprise_id), command, enterprise.body.get("limit_fen")),
        _take_limit(institution_pk(command.institution_id), command, int(institution["limit_fen"])),
    ]
    for attempt in range(_ATTEMPTS):
        try:
            taken = _take_range(package, bill.text, rng, discount_id)
            context.store.transact([*first, *limits, taken, _claim(invoice, command, discount_id)])
        except WriteConflictError as conflict:
            winner = _winner(context, discount_id, conflict)
            if winner is not None:
                return _repeat(context, winner, command), False
            time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
            package, invoice = context.store.get_many(
                [(package_pk(bill.text), STATE), (invoice_pk(command.invoice_number), STATE)]
            )
            continue
        start(context, discount_id, write_units=context.store.write_units - spent_before)
        return view(state), True
    raise BusyError("The same package is being changed by many requests; send the same request again.")


def _first_records(
    context: Context, command: RequestDiscount, discount_id: str, rng: SubBillRange, enterprise: Item
) -> tuple[Document, list[Write]]:
    """The discount's state, and the two writes that begin it: state and first event (their order is _winner's)."""
    now = context.clock.now()
    state: Document = {
        "discount_id": discount_id,
        "partner_id": command.partner_id,
        "enterprise_id": command.enterprise_id,
        "institution_id": command.institution_id,
        "status": DiscountStatus.ACCEPTED.value,
        "applicant_uscc": enterprise.body["uscc"],
        "bill_number": command.bill_number,
        "range": rng.wire(),
        "invoice_number": command.invoice_number,
        "face_fen": command.amount_fen,
        "body_digest": command.body_digest,
        "confirmed": bool(command.confirmed_by) and set(context.confirm_factors) <= set(command.factors),
        "accepted_at": iso(now),
    }
    data: dict[str, Any] = asdict(command)
    for hidden in ("payee_account", "idempotency_key", "body_digest", "partner_id"):
        del data[hidden]
    data["factors"] = list(command.factors)
    data["payee_account_sealed"] = context.vault.encrypt(
        command.enterprise_id, str(enterprise.body["data_key"]), command.payee_account
    )
    pk = discount_pk(discount_id)
    return state, first_writes(pk, "discount_id", discount_id, state, "DiscountRequested", now, data)


def _take_limit(pk: str, command: RequestDiscount, limit_fen: int | None) -> Count:
    return Count(pk, EXPOSURE, command.amount_fen, limit_fen)


def _winner(context: Context, discount_id: str, conflict: WriteConflictError) -> Item | None:
    """The same request, stored by another worker meanwhile; None if only package or invoice changed.

    Raises LimitExceededError. Positions are those of accept's transaction: state, event, two limits, package, invoice.
    """
    if 0 in conflict.failed:
        return context.store.get(discount_pk(discount_id), STATE)
    if {2, 3} & set(conflict.failed):
        which = "enterprise's" if 2 in conflict.failed else "institution's"
        raise LimitExceededError(
            f"The {which} limit has not enough left for this amount.", field="bill.amount_fen"
        ) from conflict
    return None


def start(context: Context, discount_id: str, *, write_units: int) -> None:
    """Start the discount's execution; its name is the discount's id, so a second start is the same start.

    ``write_units`` is what acceptance consumed; it travels in the execution's input, where measurements find it.
    """
    payload = {"discount_id": discount_id, "subject": discount_pk(discount_id), "write_units": write_units}
    context.workflows.start_discount(discount_id, payload)


def _repeat(context: Context, known: Item, command: RequestDiscount) -> Document:
    if known.body["body_digest"] != command.body_digest:
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another body; use a new key for a new request.",
            field="Idempotency-Key",
        )
    if known.body["status"] == DiscountStatus.ACCEPTED:
        start(context, str(known.body["discount_id"]), write_units=0)
    return view(known.body)


def _claim(invoice: Item | None, command: RequestDiscount, discount_id: str) -> Write:
    """Note the discount on its invoice; verification compares what is claimed up to it with the invoice's amount."""
    claims = [] if invoice is None else list(invoice.body["claims"])
    body: Document = {"claims": [*claims, [discount_id, command.amount_fen]]}
    if invoice is None:
        return Create(invoice_pk(command.invoice_number), STATE, body)
    return Replace(invoice.pk, invoice.sk, body, invoice.version)


def _take_range(package: Item | None, bill_number: str, rng: SubBillRange, discount_id: str) -> Write:
    taken: dict[str, str] = {} if package is None else dict(package.body["ranges"])
    for wire, owner in taken.items():
        if SubBillRange.parse(wire).overlaps(rng) and owner != discount_id:
            raise RangeTakenError(
                "This range, or a part of it, is already being discounted or was discounted before.",
                field="bill.range",
            )
    taken[rng.wire()] = discount_id
    if package is None:
        return Create(package_pk(bill_number), STATE, {"ranges": taken})
    return Replace(package.pk, package.sk, {"ranges": taken}, package.version)
