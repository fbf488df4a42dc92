"""What becomes of a payment is written down once, whoever hears of it first: the task that asked, or the bank's notice.

The money's fact, the bill's move and the discount's state go together: a paid discount's bill is endorsed, or an
incident is open, in the transaction that says so.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rongtong.domain.bill import Party
from rongtong.domain.exposure_ledger import EntryKind
from rongtong.domain.incident import IncidentKind, IncidentStatus
from rongtong.domain.lifecycle import DiscountStatus, require_discount_transition
from rongtong.domain.measures import PAID_AFTER, PAID_WITHIN_MS
from rongtong.domain.payment import PaymentStatus, may_become, require_payment_transition, sent_back
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services import incidents
from rongtong.services.context import Context
from rongtong.services.exposure_ledger import entry_for
from rongtong.services.ports import BillLockedError, PaymentAnswer, RegistryUnavailableError
from rongtong.services.records import STATE, change_writes, incident_pk, institution_pk, iso
from rongtong.services.settings import institution_of
from rongtong.services.storage import Document, Item, Write

_LATER = 10
"""How many series in a row may have failed since the newest that was paid."""


def series_of(item: Item) -> int:
    """Which attempt series of the discount's payment is the newest that was paid; 1 before any was."""
    return int(item.body.get("series", 1))


def settle(context: Context, item: Item, payment: Item, answer: PaymentAnswer) -> None:
    """Write down what a bank said of a payment. What is known already, or overtaken by what is known, changes nothing.

    Raises WriteConflictError when another was quicker (read again), RegistryUnavailableError when the money is out and
    the registry does not answer: that the money is out is kept, the rest is done by the next call.
    """
    if sent_back(answer.status) and may_become(_status(payment), PaymentStatus.SUCCEEDED):
        # The return of a payment tells of its success: the bill moves first, as it does when both are heard in order.
        settle(context, item, payment, replace(answer, status=PaymentStatus.SUCCEEDED, reason=None))
        item, payment = _again(context, item), _again(context, payment)
    current = _status(payment)
    if answer.status is PaymentStatus.SUCCEEDED:
        if current is PaymentStatus.FAILED:
            _paid_after_failure(context, item, payment, answer)
        elif _outstanding(item, payment):
            _succeed(context, item, payment, answer)
    elif current is PaymentStatus.FAILED and sent_back(answer.status):
        if "came_back" not in payment.body:
            _back_after_failure(context, item, payment, answer)
    elif may_become(current, answer.status):
        if sent_back(answer.status):
            _come_back(context, item, payment, answer)
        else:
            context.store.transact([payment.replaced(_told(payment, answer, context.clock.now()))])


def endorse_late(context: Context, item: Item) -> None:
    """Endorse the bill of a discount that was paid while the registry refused, and resolve its incident.

    Nothing changes while the registry still refuses. Raises RegistryUnavailableError, WriteConflictError.
    """
    if not _endorsed(context, item, _institution(context, item)):
        return
    now = context.clock.now()
    changes: Document = {"endorsed": None}
    writes: list[Write] = [*change_writes(item, "discount_id", changes, "BillEndorsed", now, {}, by=context.initiator)]
    writes += _settled_by(context, item, IncidentKind.PAID_NOT_ENDORSED, "registry", "BILL_ENDORSED", now)
    context.store.transact(writes)


def bill_range(item: Item) -> SubBillRange:
    """The discounted range."""
    return SubBillRange.parse(str(item.body["range"]))


def endorsee_of(institution: Document) -> Party:
    """The institution as the bill's next holder."""
    return Party(name=str(institution["name"]), uscc=str(institution["uscc"]), account=str(institution["account"]))


def _outstanding(item: Item, payment: Item) -> bool:
    """Whether the discount's state does not tell of this payment's success yet."""
    if item.body["status"] == DiscountStatus.RETURNED:
        return int(payment.body.get("series", 1)) > series_of(item)
    return bool(item.body["status"] == DiscountStatus.SEALED)


def _succeed(context: Context, item: Item, payment: Item, answer: PaymentAnswer) -> None:
    require_discount_transition(DiscountStatus(item.body["status"]), DiscountStatus.DISBURSED)
    now = context.clock.now()
    body = payment.body
    if body["status"] != PaymentStatus.SUCCEEDED:
        require_payment_transition(PaymentStatus(body["status"]), PaymentStatus.SUCCEEDED)
        body = _told(payment, answer, now)
    series = int(body.get("series", 1))
    endorsed = series > 1 and "endorsed" not in item.body
    if not endorsed:
        try:
            endorsed = _endorsed(context, item, _institution(context, item))
        except RegistryUnavailableError:
            if payment.body["status"] != PaymentStatus.SUCCEEDED:
                context.store.transact([payment.replaced(body)])
            raise
    data = {"reference": body["reference"], "bank_serial": body.get("bank_serial"), "amount_fen": body["amount_fen"]}
    changes: Document = {"status": DiscountStatus.DISBURSED.value, "finished_at": iso(now), "held": None}
    changes["endorsed"] = None if endorsed else False
    extra: list[Write] = []
    if series > 1:
        changes["series"] = series
        extra = _settled_by(context, item, IncidentKind.PAYMENT_RETURNED, "bank", "PAID_AGAIN", now)
        if endorsed and "endorsed" in item.body:
            kind = IncidentKind.PAID_NOT_ENDORSED
            extra += _settled_by(context, item, kind, "registry", "BILL_ENDORSED", now)
    if not endorsed:
        data["endorsed"] = False
        about = _about(item, series)
        extra += incidents.opening(IncidentKind.PAID_NOT_ENDORSED, _subject(item), about, now, {**data})
    # What is paid again was used already.
    journal: Document | None = {"journal": entry_for(context, EntryKind.USE, item)} if series == 1 else None
    writes = change_writes(item, "discount_id", changes, "DiscountPaid", now, data, journal, by=context.initiator)
    context.store.transact([payment.replaced(body), *writes, *extra])
    if series == 1:
        _measure(context, item, now)


def _measure(context: Context, item: Item, now: datetime) -> None:
    """How long it took from acceptance, of what waited for no person: whoever reviews or confirms stops the clock."""
    if {"review", "confirmed_by"} & set(item.body):
        return
    taken = now - datetime.fromisoformat(str(item.body["accepted_at"]))
    taken_ms = round(taken.total_seconds() * 1000)
    context.meter.note(PAID_AFTER, taken_ms)
    for name, within_ms in PAID_WITHIN_MS.items():
        context.meter.note(name, 100 if taken_ms <= within_ms else 0)


def _settled_by(context: Context, item: Item, kind: IncidentKind, by: str, note: str, now: datetime) -> list[Write]:
    """The writes that resolve what is open of this kind about any payment of the discount."""
    ids = [incidents.incident_id(kind, _about(item, series)) for series in range(1, series_of(item) + _LATER)]
    found = context.store.get_many([(incident_pk(own_id), STATE) for own_id in ids])
    opened = [one for one in found if one is not None and one.body["status"] == IncidentStatus.OPEN]
    return [write for one in opened for write in incidents.resolving(one, by, note, now)]


def _come_back(context: Context, item: Item, payment: Item, answer: PaymentAnswer) -> None:
    require_discount_transition(DiscountStatus(item.body["status"]), DiscountStatus.RETURNED)
    now = context.clock.now()
    body = _told(payment, answer, now)
    series = int(body.get("series", 1))
    data = {"reference": body["reference"], "amount_fen": body["amount_fen"], "how": answer.status.value}
    data |= {"reason": answer.reason} if answer.reason else {}
    changes: Document = {"status": DiscountStatus.RETURNED.value}
    writes = change_writes(item, "discount_id", changes, "PaymentReturned", now, data, by=context.initiator)
    about = _about(item, series)
    incident = incidents.opening(IncidentKind.PAYMENT_RETURNED, _subject(item), about, now, data)
    context.store.transact([payment.replaced(body), *writes, *incident])


def _paid_after_failure(context: Context, item: Item, payment: Item, answer: PaymentAnswer) -> None:
    """The bank paid what was given up; unless it has come back already, a person must look after it."""
    if "came_back" not in payment.body:
        data = {"reference": answer.reference, "bank_serial": answer.bank_serial}
        about = _about(item, int(payment.body.get("series", 1)))
        incidents.open_once(context, IncidentKind.PAID_AFTER_FAILURE, _subject(item), about, data)


def _back_after_failure(context: Context, item: Item, payment: Item, answer: PaymentAnswer) -> None:
    """What was given up and paid all the same is back: nobody has anything to claim any more."""
    now = context.clock.now()
    writes: list[Write] = [payment.replaced({**payment.body, "came_back": answer.status.value})]
    writes += _settled_by(context, item, IncidentKind.PAID_AFTER_FAILURE, "bank", "MONEY_CAME_BACK", now)
    context.store.transact(writes)


def _endorsed(context: Context, item: Item, endorsee: Party) -> bool:
    """Whether the registry has the institution as the bill's holder now. Raises RegistryUnavailableError."""
    try:
        context.bills.endorse(str(item.body["bill_number"]), bill_range(item), _subject(item), endorsee)
    except BillLockedError:
        return False
    return True


def _institution(context: Context, item: Item) -> Party:
    return endorsee_of(institution_of(context.store.get(institution_pk(str(item.body["institution_id"])), STATE)))


def _told(payment: Item, answer: PaymentAnswer, now: datetime) -> Document:
    body = {**payment.body, "status": answer.status.value, "settled_at": iso(now)}
    heard = {"bank_serial": answer.bank_serial, "reason": answer.reason}
    return {**body, **{key: value for key, value in heard.items() if value is not None}}


def _status(payment: Item) -> PaymentStatus:
    return PaymentStatus(payment.body["status"])


def _again(context: Context, item: Item) -> Item:
    found = context.store.get(item.pk, item.sk)
    assert found is not None, "records of discounts and payments are never deleted"
    return found


def _subject(item: Item) -> str:
    return str(item.body["discount_id"])


def _about(item: Item, series: int) -> str:
    return f"{_subject(item)}/{series}"
