"""Reconciliation (三方对账): the bank's statement, our books and the bill registry must tell the same of every payment.

What the bank knows and we do not yet is taken over as its notice would be; what cannot be explained is an incident.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.payment import PaymentStatus, is_ours, is_result, parse_reference
from rongtong.services import bank_notices
from rongtong.services.context import Context
from rongtong.services.errors import NotFoundError
from rongtong.services.incidents import open_once
from rongtong.services.payments import bill_range, endorsee_of
from rongtong.services.ports import BankUnavailableError, PaymentAnswer, StatementEntry
from rongtong.services.records import STATE, discount_pk, institution_pk, iso, payment_sk, payments_owner
from rongtong.services.settings import institution_of
from rongtong.services.storage import Create, Document, Item

_PAGE = 100
_DAYS = 7
_ALL = 1_000_000
_PAID = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.RETURNED, PaymentStatus.REVERSED})


def reconcile(context: Context, day: date) -> Document:
    """Compare one day in Shanghai, take over what the bank knows better, open incidents; keep and answer the result.

    Safe to repeat. Raises BankUnavailableError, RegistryUnavailableError: nothing is kept then, run it again.
    """
    entries = _statement(context, day)
    booked = _sums(entries, PaymentStatus.SUCCEEDED)
    differences = [found for number, entry in enumerate(entries) for found in _entry(context, entry, day, number)]
    differences += _twice(context, entries)
    totals: Counter[str] = Counter()
    unsure, missing = [], []
    for payment in _payments(context, day):
        reference, status = str(payment.body["reference"]), PaymentStatus(payment.body["status"])
        totals[status.value] += int(payment.body["amount_fen"])
        if not is_result(status):
            unsure.append(reference)
        if status in _PAID and reference not in booked:
            missing.append(reference)
        if status is PaymentStatus.SUCCEEDED:
            differences += _bill(context, payment)
    late, awaited = _booked_next_day(context, day, missing)
    differences += [_differs(context, reference, "BOOKS_ONLY") for reference in missing if reference not in late]
    result: Document = {
        "day": day.isoformat(),
        "made_at": iso(context.clock.now()),
        "bank_paid_fen": sum(booked.values()),
        "bank_back_fen": sum(
            fen
            for status in (PaymentStatus.RETURNED, PaymentStatus.REVERSED)
            for fen in _sums(entries, status).values()
        ),
        "books_fen": dict(totals),
        "differences": differences,
        "unsure": [*unsure, *awaited],
    }
    pk = reconciliation_pk(day.isoformat())
    found = context.store.get(pk, STATE)
    context.store.transact([Create(pk, STATE, result) if found is None else found.replaced(result)])
    return result


def reconciliation_pk(day: str) -> str:
    """Where a day's reconciliation is kept; the day as ISO 8601 has it."""
    return f"reconciliation#{day}"


def find(context: Context, day: str) -> Document:
    """A day's reconciliation. Raises NotFoundError before it was made."""
    found = context.store.get(reconciliation_pk(day), STATE)
    if found is None:
        raise NotFoundError("The day was not reconciled yet; it is at the end of the bank's day.", field="day")
    return found.body


def _statement(context: Context, day: date) -> Sequence[StatementEntry]:
    """From the first way to the bank that answers. Raises BankUnavailableError."""
    *others, last = context.banks
    for bank in others:
        with suppress(BankUnavailableError):
            return bank.statement(day)
    return last.statement(day)


def _twice(context: Context, entries: Sequence[StatementEntry]) -> list[Document]:
    """References that the bank has paid more than once."""
    paid = Counter(entry.reference for entry in entries if entry.status is PaymentStatus.SUCCEEDED)
    ours = [reference for reference, count in paid.items() if count > 1 and is_ours(reference)]
    return [_differs(context, reference, "PAID_TWICE") for reference in ours]


def _booked_next_day(context: Context, day: date, missing: list[str]) -> tuple[set[str], list[str]]:
    """What a bank booked a day late is no difference; until that day's statement is whole nobody can say."""
    if not missing:
        return set(), []
    after = day + timedelta(days=1)
    if context.calendar.shanghai_date(context.clock.now()) <= after:
        return set(missing), missing
    return set(_sums(_statement(context, after), PaymentStatus.SUCCEEDED)), []


def _entry(context: Context, entry: StatementEntry, day: date, number: int) -> list[Document]:
    known = None
    if is_ours(entry.reference):
        with suppress(NotFoundError):
            answer = PaymentAnswer(entry.reference, entry.status, entry.bank_serial)
            known = bank_notices.take(context, answer)["payment"]
    if known is None:
        about = f"{day.isoformat()}/{number}/{entry.bank_serial}/{entry.amount_fen}"
        return [_differs(context, entry.reference, "BANK_ONLY", about)]
    discount_id, series = parse_reference(entry.reference)
    payment = context.store.get(discount_pk(discount_id), payment_sk(series))
    assert payment is not None, "the notice was taken for a payment that is stored"
    if int(payment.body["amount_fen"]) != entry.amount_fen:
        return [_differs(context, entry.reference, "AMOUNT")]
    if PaymentStatus(payment.body["status"]) not in _PAID and "came_back" not in payment.body:
        return [{"reference": entry.reference, "what": "PAID_AFTER_FAILURE"}]
    return []


def _bill(context: Context, payment: Item) -> list[Document]:
    """The bill's side of a paid discount: it must be the institution's on the day on which it was paid."""
    item = context.store.get(payment.pk, STATE)
    assert item is not None, "a payment belongs to a discount"
    institution = institution_of(context.store.get(institution_pk(str(item.body["institution_id"])), STATE))
    held = context.bills.find(str(item.body["bill_number"]), bill_range(item))
    if held is not None and held.holder.uscc == endorsee_of(institution).uscc:
        return []
    if item.body["status"] == DiscountStatus.DISBURSED:
        subject, about = str(item.body["discount_id"]), f"{item.body['discount_id']}/{payment.body.get('series', 1)}"
        data: Document = {"reference": payment.body["reference"], "amount_fen": payment.body["amount_fen"]}
        open_once(context, IncidentKind.PAID_NOT_ENDORSED, subject, about, data)
    return [{"reference": payment.body["reference"], "what": "PAID_NOT_ENDORSED"}]


def _differs(context: Context, reference: str, what: str, about: str = "") -> Document:
    open_once(context, IncidentKind.STATEMENT_DIFFERS, reference, f"{reference}/{what}/{about}", {"what": what})
    return {"reference": reference, "what": what}


def _payments(context: Context, day: date) -> list[Item]:
    listed = context.store.listed(payments_owner(day.isoformat()), "0", most=_ALL)
    keys = [one.key for one in listed if one.key is not None]
    found: list[Item | None] = []
    for start in range(0, len(keys), _PAGE):
        found += context.store.get_many(keys[start : start + _PAGE])
    return [item for item in found if item is not None]


def _sums(entries: Sequence[StatementEntry], status: PaymentStatus) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for entry in entries:
        if entry.status is status:
            sums[entry.reference] += entry.amount_fen
    return dict(sums)


def _is_whole(context: Context, day: date) -> bool:
    """Whether the day was reconciled after its end, and left nothing unsure."""
    found = context.store.get(reconciliation_pk(day.isoformat()), STATE)
    if found is None or found.body["unsure"]:
        return False
    return context.calendar.shanghai_date(datetime.fromisoformat(str(found.body["made_at"]))) > day


def reconcile_due(context: Context) -> Document:
    """Reconcile every one of the last seven days in Shanghai that was not yet, or left something unsure.

    One that fails stops no other.

    A statement that is still missing after a week is an incident.
    """
    today = context.calendar.shanghai_date(context.clock.now())
    done, failed = [], []
    for back in range(_DAYS, 0, -1):
        day = today - timedelta(days=back)
        if _is_whole(context, day):
            continue
        try:
            result = reconcile(context, day)
        except RongTongError as error:
            failed.append(f"{day.isoformat()}: {error.code}")
            if back == _DAYS:
                about = f"{day.isoformat()}/STATEMENT_MISSING"
                data: Document = {"what": "STATEMENT_MISSING", "code": error.code}
                open_once(context, IncidentKind.STATEMENT_DIFFERS, day.isoformat(), about, data)
        else:
            done.append({"day": day.isoformat(), "differences": len(result["differences"])})
    return {"days": done, "failed": failed}
