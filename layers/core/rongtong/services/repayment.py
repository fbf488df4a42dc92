"""Paying again what came back: in a further series, which two persons approve after the one before it has ended."""

from __future__ import annotations

from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.payment import PaymentStatus, sent_back
from rongtong.services.context import Context
from rongtong.services.discounts import load
from rongtong.services.errors import WrongStateError
from rongtong.services.payments import series_of
from rongtong.services.records import payment_sk
from rongtong.services.storage import Document, Item


def next_payment(context: Context, item: Item) -> tuple[int, Item | None]:
    """The series that follows the newest that has ended, and its payment where two persons approved one since then."""
    series = series_of(item)
    former = context.store.get(item.pk, payment_sk(series))
    while True:
        found = context.store.get(item.pk, payment_sk(series + 1))
        if found is None or former is None:
            return series + 1, None
        if not _ended(found):
            stale = found.body["status"] == PaymentStatus.CREATED and not _after(found, former)
            return series + 1, None if stale else found
        former, series = found, series + 1


def require_next(context: Context, content: Document) -> Document:
    """The content of a repayment that may be approved now. Raises WrongStateError, NotFoundError."""
    item = load(context, str(content["discount_id"]))
    if item.body["status"] != DiscountStatus.RETURNED:
        raise WrongStateError(
            f"The discount is {item.body['status']}; only money that came back is paid again.", field="discount_id"
        )
    series, payment = next_payment(context, item)
    if payment is not None and payment.body["status"] != PaymentStatus.CREATED:
        raise WrongStateError("The repayment before this one is under way; wait for its end.", field="series")
    if content["series"] != series:
        raise WrongStateError(f"The next series is {series}; propose that one.", field="series")
    return content


def _ended(payment: Item) -> bool:
    status = PaymentStatus(payment.body["status"])
    return status is PaymentStatus.FAILED or sent_back(status)


def _after(approved: Item, former: Item) -> bool:
    return str(approved.body["approved_at"]) > str(former.body["settled_at"])
