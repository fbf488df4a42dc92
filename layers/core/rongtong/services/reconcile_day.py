"""One day's payments three ways (三方对账): the bank's statement, our books and the bill registry, in pieces.

What the bank knows and we do not yet is taken over as its notice would be; what cannot be explained is a break.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Self, TypeVar

from rongtong.domain.incident import IncidentKind
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.payment import PaymentStatus, is_ours, is_result, parse_reference
from rongtong.services import bank_notices
from rongtong.services.context import Context
from rongtong.services.errors import NotFoundError
from rongtong.services.incidents import open_once
from rongtong.services.payments import bill_range, endorsee_of
from rongtong.services.ports import BankUnavailableError, PaymentAnswer, StatementEntry
from rongtong.services.records import STATE, discount_pk, institution_pk, payment_sk, payments_owner
from rongtong.services.settings import institution_of
from rongtong.services.storage import Document, Item, Key

_AT_ONCE = 50
"""A payment and its discount's state, of so many, are one read."""
_ALL = 10_000_000
_TOLD_MAX = 1000
"""So many differences of a day are named and opened as breaks; ``differences_count`` counts all."""
_PAID = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.RETURNED, PaymentStatus.REVERSED})
_Part = TypeVar("_Part")


@dataclass
class Tally:
    """How far a day's comparison is, and what it has found; amounts in fen."""

    day: str
    entries_done: int = 0
    """Entries of the statement that were compared, in ``_in_order``."""
    statement_done: bool = False
    last_key: list[str] = field(default_factory=list)
    """The last payment of the books that was compared."""
    books_fen: dict[str, int] = field(default_factory=dict)
    payments: int = 0
    differences: list[Document] = field(default_factory=list)
    differences_count: int = 0
    unsure: list[str] = field(default_factory=list)
    bank_paid_fen: int = 0
    bank_back_fen: int = 0

    def as_document(self) -> Document:
        """As ``from_document`` reads it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> Self:
        """Read what ``as_document`` wrote."""
        return cls(**document)  # type: ignore[arg-type]

    def add(self, context: Context, reference: str, what: str, about: str | None = None) -> None:
        """Note a difference; with ``about`` it is a break of its own, opened once."""
        self.differences_count += 1
        if len(self.differences) >= _TOLD_MAX:
            return
        self.differences.append({"reference": reference, "what": what})
        if about is not None:
            data: Document = {"what": what, "day": self.day}
            open_once(context, IncidentKind.STATEMENT_DIFFERS, reference, f"{reference}/{what}/{about}", data)

    def is_unsure(self, reference: str) -> None:
        """Note a payment of which nobody can say yet what became of it."""
        if len(self.unsure) < _TOLD_MAX:
            self.unsure.append(reference)


def compare(context: Context, tally: Tally, time_is_up: Callable[[], bool]) -> bool:
    """Go on with the day's comparison until its end (True) or until the time is up; at least one step is done.

    Safe to repeat from any earlier tally. Raises BankUnavailableError, RegistryUnavailableError, BusyError.
    """
    day = date.fromisoformat(tally.day)
    entries = _in_order(_statement(context, day))
    if not tally.statement_done:
        tally.bank_paid_fen = sum(_paid(entries).values())
        tally.bank_back_fen = sum(one.amount_fen for one in entries if one.status is not PaymentStatus.SUCCEEDED)
        numbers, before = _numbers(entries), _Before(context, day)
        for start in range(tally.entries_done, len(entries), _AT_ONCE):
            if start > tally.entries_done and time_is_up():
                tally.entries_done = start
                return False
            part = slice(start, start + _AT_ONCE)
            _compare_entries(context, tally, entries[part], numbers[part], before)
        tally.entries_done, tally.statement_done = len(entries), True
        _name_twice(context, tally, entries)
        if time_is_up():
            return False
    return _compare_books(context, tally, entries, time_is_up)


def _statement(context: Context, day: date) -> Sequence[StatementEntry]:
    """From the first way to the bank that answers. Raises BankUnavailableError."""
    *others, last = context.banks
    for bank in others:
        with suppress(BankUnavailableError):
            return bank.statement(day)
    return last.statement(day)


def _in_order(entries: Sequence[StatementEntry]) -> list[StatementEntry]:
    """An order that does not depend on the bank's, so that a piece goes on where the last one ended."""
    return sorted(entries, key=lambda one: (one.reference, one.status, one.bank_serial or "", one.amount_fen))


def _numbers(entries: Sequence[StatementEntry]) -> list[int]:
    """How many entries that look the same come before each: two equal bookings are two."""
    seen: Counter[StatementEntry] = Counter()
    numbers = []
    for entry in entries:
        numbers.append(seen[entry])
        seen[entry] += 1
    return numbers


class _Before:
    """What the bank has paid on days before this one; each day's statement is asked for once."""

    def __init__(self, context: Context, day: date) -> None:
        self._context, self._day = context, day
        self._paid: dict[date, Mapping[str, int]] = {}

    def has_paid(self, payment: Item) -> bool:
        """Whether the payment stands in the statement of the day on which it was sent, or of the one before this.

        Raises BankUnavailableError.
        """
        if "submitted_at" not in payment.body:
            return False
        sent = self._context.calendar.shanghai_date(datetime.fromisoformat(str(payment.body["submitted_at"])))
        days = {sent, self._day - timedelta(days=1)}
        return any(payment.body["reference"] in self._of(day) for day in sorted(days) if sent <= day < self._day)

    def _of(self, day: date) -> Mapping[str, int]:
        if day not in self._paid:
            self._paid[day] = _paid(_statement(self._context, day))
        return self._paid[day]


def _compare_entries(
    context: Context, tally: Tally, entries: Sequence[StatementEntry], numbers: Sequence[int], before: _Before
) -> None:
    keys: list[tuple[Key, Key] | None] = []
    for entry in entries:
        if is_ours(entry.reference):
            discount_id, series = parse_reference(entry.reference)
            keys.append(((discount_pk(discount_id), payment_sk(series)), (discount_pk(discount_id), STATE)))
        else:
            keys.append(None)
    wanted = list(dict.fromkeys(key for pair in keys if pair is not None for key in pair))
    found = dict(zip(wanted, context.store.get_many(wanted), strict=True)) if wanted else {}
    for entry, pair, number in zip(entries, keys, numbers, strict=True):
        payment, state = (None, None) if pair is None else (found[pair[0]], found[pair[1]])
        if payment is not None and entry.status is PaymentStatus.SUCCEEDED:
            try:
                if before.has_paid(payment):
                    tally.add(context, entry.reference, "PAID_TWICE", "")
            except BankUnavailableError:  # the day is compared again, until the other one's statement is there
                tally.is_unsure(entry.reference)
        if payment is not None and state is not None and _agrees(entry, payment, state):
            continue
        _compare_entry(context, tally, entry, number)


def _agrees(entry: StatementEntry, payment: Item, state: Item) -> bool:
    """Whether the books know of this payment already all that the bank tells of it."""
    return (
        entry.status is PaymentStatus.SUCCEEDED
        and payment.body["status"] == PaymentStatus.SUCCEEDED
        and payment.body["reference"] == entry.reference
        and int(payment.body["amount_fen"]) == entry.amount_fen
        and state.body["status"] == DiscountStatus.DISBURSED
    )


def _compare_entry(context: Context, tally: Tally, entry: StatementEntry, number: int) -> None:
    known = None
    if is_ours(entry.reference):
        with suppress(NotFoundError):
            answer = PaymentAnswer(entry.reference, entry.status, entry.bank_serial)
            known = bank_notices.take(context, answer)["payment"]
    if known is None:
        about = f"{tally.day}/{number}/{entry.bank_serial}/{entry.amount_fen}"
        tally.add(context, entry.reference, "BANK_ONLY", about)
        return
    discount_id, series = parse_reference(entry.reference)
    payment = context.store.get(discount_pk(discount_id), payment_sk(series))
    assert payment is not None, "the notice was taken for a payment that is stored"
    if int(payment.body["amount_fen"]) != entry.amount_fen:
        tally.add(context, entry.reference, "AMOUNT", "")
    elif PaymentStatus(payment.body["status"]) not in _PAID and "came_back" not in payment.body:
        # Its incident was opened as the notice was taken.
        tally.add(context, entry.reference, "PAID_AFTER_FAILURE")


def _name_twice(context: Context, tally: Tally, entries: Sequence[StatementEntry]) -> None:
    """References that the bank has paid more than once."""
    paid = Counter(entry.reference for entry in entries if entry.status is PaymentStatus.SUCCEEDED)
    for reference, count in paid.items():
        if count > 1 and is_ours(reference):
            tally.add(context, reference, "PAID_TWICE", "")


@dataclass
class _Bank:
    """What the statement says was paid on the day, and, where that is asked, on the next one."""

    context: Context
    day: date
    paid: Mapping[str, int]
    _next: Mapping[str, int] | None = None

    def next_day(self) -> Mapping[str, int] | None:
        """None before that day's end: nobody can say yet what a bank books a day late."""
        after = self.day + timedelta(days=1)
        if self.context.calendar.shanghai_date(self.context.clock.now()) <= after:
            return None
        if self._next is None:
            self._next = _paid(_statement(self.context, after))
        return self._next


def _compare_books(
    context: Context, tally: Tally, entries: Sequence[StatementEntry], time_is_up: Callable[[], bool]
) -> bool:
    bank = _Bank(context, date.fromisoformat(tally.day), _paid(entries))
    listed = context.store.listed(payments_owner(tally.day), "0", most=_ALL)
    keys = sorted({one.key for one in listed if one.key is not None and one.key > tuple(tally.last_key)})
    del listed  # a line per payment of the day is enough
    for part in _parts(keys):
        _compare_payments(context, tally, part, bank)
        tally.last_key = list(part[-1])
        if time_is_up() and part[-1] != keys[-1]:
            return False
    return True


def _compare_payments(context: Context, tally: Tally, keys: Sequence[Key], bank: _Bank) -> None:
    states = list(dict.fromkeys((pk, STATE) for pk, _ in keys))
    found = context.store.get_many([*keys, *states])
    payments = [item for item in found[: len(keys)] if item is not None]
    discounts = {item.pk: item for item in found[len(keys) :] if item is not None}
    for payment in payments:
        reference, status = str(payment.body["reference"]), PaymentStatus(payment.body["status"])
        tally.payments += 1
        tally.books_fen[status.value] = tally.books_fen.get(status.value, 0) + int(payment.body["amount_fen"])
        if not is_result(status):
            tally.is_unsure(reference)
        if status in _PAID and reference not in bank.paid:
            _booked_late(context, tally, reference, bank)
        if payment.pk not in discounts:
            tally.add(context, reference, "DISCOUNT_MISSING", "")
    paid = [one for one in payments if one.body["status"] == PaymentStatus.SUCCEEDED and one.pk in discounts]
    _compare_bills(context, tally, [(payment, discounts[payment.pk]) for payment in paid])


def _booked_late(context: Context, tally: Tally, reference: str, bank: _Bank) -> None:
    """What a bank booked a day late is no difference; until that day's statement is whole nobody can say."""
    late = bank.next_day()
    if late is None:
        tally.is_unsure(reference)
    elif reference not in late:
        tally.add(context, reference, "BOOKS_ONLY", "")


def _compare_bills(context: Context, tally: Tally, paid: Sequence[tuple[Item, Item]]) -> None:
    """The bill's side of paid discounts: it must be the institution's on the day on which it was paid."""
    if not paid:
        return
    ids = list(dict.fromkeys(str(item.body["institution_id"]) for _, item in paid))
    institutions = dict(
        zip(ids, context.store.get_many([(institution_pk(own_id), STATE) for own_id in ids]), strict=True)
    )
    held = context.bills.find_many([(str(item.body["bill_number"]), bill_range(item)) for _, item in paid])
    for (payment, item), bill in zip(paid, held, strict=True):
        endorsee = endorsee_of(institution_of(institutions[str(item.body["institution_id"])]))
        if bill is not None and bill.holder.uscc == endorsee.uscc:
            continue
        if item.body["status"] == DiscountStatus.DISBURSED:
            subject = str(item.body["discount_id"])
            about = f"{subject}/{payment.body.get('series', 1)}"
            data: Document = {"reference": payment.body["reference"], "amount_fen": payment.body["amount_fen"]}
            open_once(context, IncidentKind.PAID_NOT_ENDORSED, subject, about, data)
        tally.add(context, str(payment.body["reference"]), "PAID_NOT_ENDORSED")


def _paid(entries: Sequence[StatementEntry]) -> dict[str, int]:
    """Fen that the bank paid, by reference."""
    sums: Counter[str] = Counter()
    for entry in entries:
        if entry.status is PaymentStatus.SUCCEEDED:
            sums[entry.reference] += entry.amount_fen
    return dict(sums)


def _parts(whole: Sequence[_Part]) -> Iterator[Sequence[_Part]]:
    for start in range(0, len(whole), _AT_ONCE):
        yield whole[start : start + _AT_ONCE]
