"""What came after a backup: whoever else knows of acknowledged requests is asked, what is missing is listed by id.

An acknowledged request leaves traces outside of the tables: the execution that bears its id, its leaves in the evidence
log with the batches that say whose they are, and its payment at the bank.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rongtong.domain.backup import TABLES
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.payment import PaymentStatus, is_ours, parse_reference, payment_reference
from rongtong.services.backup_reading import Source
from rongtong.services.context import Context
from rongtong.services.evidence_log import HEAD_SK, LOG_PK
from rongtong.services.ports import BankUnavailableError, StatementEntry
from rongtong.services.records import STATE, discount_pk, enterprise_pk, logged_count
from rongtong.services.replay import discount_id_of
from rongtong.services.storage import Document, Item
from rongtong.services.tile_log import Subject

Say = Callable[[str], None]
_KNOWN = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.RETURNED, PaymentStatus.REVERSED})
"""What the books must say of a payment that the bank has booked."""
_SERIES_MAX = 5
HELD = "RESTORED"
"""Why a discount is held whose payment came after the backup."""
_BEFORE_THE_SEAL = frozenset(
    {
        DiscountStatus.ACCEPTED,
        DiscountStatus.IN_REVIEW,
        DiscountStatus.AWAITING_CONFIRMATION,
        DiscountStatus.VERIFIED,
    }
)


@dataclass
class Known:
    """What the backup's records know of those whose requests were acknowledged."""

    events: dict[str, int] = field(default_factory=dict)
    """How many events each aggregate has, by its partition."""
    waiting: list[str] = field(default_factory=list)
    """Aggregates of which not everything was in the evidence log."""
    unsealed: list[str] = field(default_factory=list)
    """Discounts that were on their way and not sealed."""
    payments: dict[str, PaymentStatus] = field(default_factory=dict)
    """By reference."""
    head: Item | None = None
    """The evidence log's head as it was."""


@dataclass
class Loss:
    """What came after the backup of one aggregate."""

    pk: str
    restored_events: int
    """So many of its events are back; 0: it is gone, and nothing but its traces says that it was."""
    logged_events: int = 0
    """So many are in the evidence log."""
    paid: list[tuple[str, int]] = field(default_factory=list)
    """References that the bank has booked and the books do not know as paid, with their fen."""
    at_bank: dict[str, PaymentStatus] = field(default_factory=dict)
    """What the bank says of references that the books do not know as sent; nothing of what failed."""
    unanswered: bool = False
    """Whether the bank did not answer when it was asked for its payment."""
    held: bool = False
    """Whether it was stopped until a person has settled it."""
    traces: set[str] = field(default_factory=set)
    """Who knows of it: ``execution``, ``log``, ``bank``."""

    def as_document(self) -> Document:
        """As it is reported."""
        return {
            "id": self.pk,
            "restored_events": self.restored_events,
            "logged_events": self.logged_events,
            "paid": [{"reference": reference, "fen": fen} for reference, fen in self.paid],
            "at_bank": {reference: status.value for reference, status in self.at_bank.items()},
            "bank_answered": not self.unanswered,
            "known_by": sorted(self.traces),
            "what_next": self.what_next(),
        }

    def what_next(self) -> str:
        """What becomes of it, or what a person does."""
        if self.held and not (self.paid or self.at_bank):
            return "held: the bank does not say whether it has its payment; ask it, then settle it by hand"
        if self.held:
            return "held: the bank has its payment, the books have not; settle it by hand"
        if self.restored_events:
            return "goes on by itself from where the backup has it"
        if self.paid or self.at_bank:
            return "the bank has its payment: settle it with bank and partner; a request sent again is refused"
        if self.unanswered:
            return "ask the bank for its payment; if it has none, ask the partner to send the request again"
        return "ask the partner to send the request again under the same key"


def read_known(source: Source) -> Known:
    """Go through the records that are to be restored. Raises BackupDamagedError."""
    known = Known()
    for table in TABLES:
        for rows in source.rows(table):
            for row in rows:
                _learn(known, row["pk"]["S"], row["sk"]["S"], json.loads(row.get("body", {}).get("S", "{}")))
    return known


def _learn(known: Known, pk: str, sk: str, body: Document) -> None:
    if (pk, sk) == (LOG_PK, HEAD_SK):
        known.head = Item(pk, sk, body, 0)
    elif sk == STATE and "events" in body:
        known.events[pk] = int(body["events"])
        if logged_count(body) < int(body["events"]):
            known.waiting.append(pk)
        if pk.startswith(discount_pk("")) and body["status"] in _BEFORE_THE_SEAL:
            known.unsealed.append(pk)
    elif sk.startswith("payment#") and "reference" in body:
        # One that was never sent, because its discount ended before or waits for its approval, is nothing to the bank.
        known.payments[str(body["reference"])] = PaymentStatus(body["status"])


def losses(
    known: Known,
    executions: Iterable[str],
    registrations: Iterable[str],
    subjects: Iterable[Subject],
    booked: Iterable[StatementEntry],
) -> list[Loss]:
    """What came after the backup, as far as anything else knows of it: what is gone first."""
    found: dict[str, Loss] = {}

    def of(pk: str, trace: str) -> Loss:
        loss = found.setdefault(pk, Loss(pk, known.events.get(pk, 0)))
        loss.traces.add(trace)
        return loss

    for name in executions:
        if discount_pk(discount_id_of(name)) not in known.events:
            of(discount_pk(discount_id_of(name)), "execution")
    for name in registrations:
        if enterprise_pk(name.partition("-")[0]) not in known.events:
            of(enterprise_pk(name.partition("-")[0]), "execution")
    for subject in subjects:
        last = subject.first + subject.count - 1
        if known.events.get(subject.pk, 0) < last:
            loss = of(subject.pk, "log")
            loss.logged_events = max(loss.logged_events, last)
    for entry in booked:
        if entry.status in _KNOWN and is_ours(entry.reference) and known.payments.get(entry.reference) not in _KNOWN:
            discount_id, _ = parse_reference(entry.reference)
            of(discount_pk(discount_id), "bank").paid.append((entry.reference, entry.amount_fen))
    return sorted(found.values(), key=lambda loss: (loss.restored_events > 0, loss.pk))


def booked_since(context: Context, recovery_point: str, say: Say) -> Iterator[StatementEntry]:
    """What the bank has booked from the recovery point's day in Shanghai on; a day that it does not tell is told."""
    day = context.calendar.shanghai_date(datetime.fromisoformat(recovery_point))
    while day <= context.calendar.shanghai_date(context.clock.now()):
        entries: Sequence[StatementEntry] | None = None
        for bank in context.banks:
            with suppress(BankUnavailableError):
                entries = bank.statement(day)
                break
        if entries is None:
            say(f"The bank does not tell what it booked on {day.isoformat()}: its payments may be missing in the list.")
        yield from entries or ()
        day += timedelta(days=1)


def ask_bank(context: Context, known: Known, found: list[Loss], say: Say) -> None:
    """Note of every discount on the list what the bank says of its payments: a statement tells only what is booked.

    What was not sealed in the backup is asked for as well, and put on the list where the bank has its payment.
    """
    for loss in found:
        _ask_for(context, known, loss, say)
    listed = {loss.pk for loss in found}
    for pk in known.unsealed:
        if pk not in listed:
            loss = Loss(pk, known.events[pk], traces={"bank"})
            _ask_for(context, known, loss, say)
            if loss.at_bank:
                found.append(loss)


def _ask_for(context: Context, known: Known, loss: Loss, say: Say) -> None:
    kind, _, discount_id = loss.pk.partition("#")
    for series in range(1, _SERIES_MAX + 1) if kind == "discount" else ():
        reference = payment_reference(discount_id, series)
        try:
            answers = [bank.query(reference) for bank in context.banks]
        except BankUnavailableError:
            say(f"The bank does not answer for {reference}: ask it before this discount goes on.")
            loss.unanswered = True
            return
        answer = next((one for one in answers if one is not None), None)
        if answer is None:
            return
        if answer.status is not PaymentStatus.FAILED and reference not in known.payments:
            loss.at_bank[reference] = answer.status


def hold_paid(context: Context, found: Sequence[Loss]) -> int:
    """Stop what the bank has a payment of, or does not say, and what is restored to before its seal; answers how many.

    It would be verified again, be refused because its bill is the institution's by now, and its range be given back
    although the money is out. What was sealed asks the bank by itself before it pays.
    """
    held = 0
    for loss in found:
        doubted = loss.paid or loss.at_bank or loss.unanswered
        item = context.store.get(loss.pk, STATE) if doubted and loss.restored_events else None
        if item is None or item.body["status"] not in _BEFORE_THE_SEAL:
            continue
        context.store.transact([replace(item.replaced({**item.body, "held": HELD}), due=None)])
        loss.held = True
        held += 1
    return held


def told(recovery_point: str, found: Sequence[Loss], *, most: int) -> list[str]:
    """The list as it is printed, a line for each; what is beyond ``most`` is counted."""
    gone = sum(not loss.restored_events for loss in found)
    lines = [f"After {recovery_point}: {gone} acknowledged requests are gone, {len(found) - gone} behind."]
    for loss in found[:most]:
        what = "BEHIND" if loss.restored_events else "GONE"
        paid = "".join(f"; paid {fen} fen under {reference}" for reference, fen in loss.paid)
        lines.append(f"  {what:<7}{loss.pk}  known by {', '.join(sorted(loss.traces))}{paid}: {loss.what_next()}")
    if len(found) > most:
        lines.append(f"  and {len(found) - most} more; all of them are in the report.")
    return lines
