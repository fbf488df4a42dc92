"""What the bank says of itself: late answers and returns (pain.002, camt.054), in any order, any number of times."""

from __future__ import annotations

from collections.abc import Sequence

from rongtong.domain.errors import RongTongError
from rongtong.domain.payment import PaymentReferenceError, PaymentStatus, parse_reference
from rongtong.services.context import Context
from rongtong.services.discounts import discount_of
from rongtong.services.errors import BusyError, NotFoundError
from rongtong.services.payments import settle
from rongtong.services.ports import PaymentAnswer
from rongtong.services.records import STATE, discount_pk, partner_pk, payment_sk
from rongtong.services.storage import Document, WriteConflictError

_ATTEMPTS = 8


def take_from(context: Context, partner_id: str, notice: PaymentAnswer) -> Document:
    """As ``take``, for a bank that sends it itself: it may speak of the payments of its own institutions alone.

    Raises NotFoundError for another's payment, which does not tell that it exists, and what ``take`` raises.
    """
    discount_id, _ = parse_reference(notice.reference)
    partner, item = context.store.get_many([(partner_pk(partner_id), STATE), (discount_pk(discount_id), STATE)])
    own = [] if partner is None else partner.body.get("institutions", [])
    if item is None or item.body["institution_id"] not in own:
        raise NotFoundError("No payment of yours has this reference.", field="reference")
    return take(context, notice)


def take_all(context: Context, partner_id: str, notices: Sequence[PaymentAnswer]) -> list[Document]:
    """As ``take_from`` for every notice of a file; ``payment`` is None where it is none of the bank's payments here.

    Raises RegistryUnavailableError and BusyError after all others were taken: the bank sends the file again.
    """
    taken: list[Document] = []
    late: RongTongError | None = None
    for notice in notices:
        try:
            taken.append(take_from(context, partner_id, notice))
        except (NotFoundError, PaymentReferenceError):
            taken.append({"reference": notice.reference, "payment": None})
        except RongTongError as error:
            late = error
    if late is not None:
        raise late
    return taken


def take(context: Context, notice: PaymentAnswer) -> Document:
    """Write down what a notice says. Safe to repeat; a notice that is overtaken by what is known changes nothing.

    Raises PaymentReferenceError and NotFoundError for a payment that is not ours, RegistryUnavailableError and
    BusyError: the bank sends it again.
    """
    discount_id, series = parse_reference(notice.reference)
    pk = discount_pk(discount_id)
    for _ in range(_ATTEMPTS):
        stored, payment = context.store.get_many([(pk, STATE), (pk, payment_sk(series))])
        item = discount_of(stored)
        if payment is None or payment.body.get("reference") != notice.reference:
            return {"reference": notice.reference, "payment": None}
        if notice.status is PaymentStatus.FAILED and len(payment.body.get("channels", ())) > 1:
            # One way's refusal: another may have paid. Whoever asks them all settles it.
            return {"reference": notice.reference, "payment": payment.body["status"]}
        try:
            settle(context, item, payment, notice)
        except WriteConflictError:
            continue
        settled = context.store.get(pk, payment_sk(series))
        return {"reference": notice.reference, "payment": None if settled is None else settled.body["status"]}
    raise BusyError("The records of this payment keep changing; send the notice again.")
