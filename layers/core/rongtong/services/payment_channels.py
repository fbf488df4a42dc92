"""The ways on which a payment's money goes: each is asked before it is sent, and before another one is tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rongtong.domain.bill import Party
from rongtong.domain.payment import (
    NO_ANSWER,
    NOT_KNOWN,
    ONLINE,
    PaymentStatus,
    Step,
    is_past,
    is_result,
    next_step,
    paid_out,
)
from rongtong.services.context import Context
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.payments import bill_range, endorsee_of
from rongtong.services.ports import (
    BankUnavailableError,
    BillLockedError,
    Channel,
    PaymentAnswer,
    PaymentOrder,
    RegistryUnavailableError,
)
from rongtong.services.storage import Document, Item

HELD = "HELD"
"""Business is suspended, or the bank's day over: nothing was sent, ask again."""


@dataclass(frozen=True)
class Parties:
    """Who is paid, and for whose account; ``institution`` becomes the bill's holder."""

    enterprise: Item
    institution: Document
    suspended: bool = False
    """Whether business with any party of the discount is suspended: then nothing is sent that no bank has."""


def learn(context: Context, item: Item, parties: Parties, payment: Item, *, first: bool) -> PaymentAnswer:
    """Ask every channel that may have the payment; send it only when none has it.

    ``first``: the intent was stored a moment ago, so nobody can have it yet. Raises WriteConflictError.
    """
    body, reference = payment.body, str(payment.body["reference"])
    if body["status"] == PaymentStatus.SUCCEEDED:
        return PaymentAnswer(reference, PaymentStatus.SUCCEEDED, body.get("bank_serial"))
    channels = _channels(context, item, parties, payment)
    used = [int(at) for at in body["channels"]]
    if not first:
        answers = [_ask(channels[at], reference) for at in used]
        past = is_past(datetime.fromisoformat(str(body["not_after"])), context.clock.now())
        step = next_step(
            [answer if isinstance(answer, str) else answer.status for answer in answers], past_cut_off=past
        )
        known = [answer for answer in answers if isinstance(answer, PaymentAnswer)]
        if step is Step.SETTLE:
            return max(known, key=lambda answer: (paid_out(answer.status), is_result(answer.status)))
        if step is Step.ASK_AGAIN:
            return known[0] if known else PaymentAnswer(reference, PaymentStatus.UNKNOWN)
        if step is Step.GIVE_UP:
            return PaymentAnswer(reference, PaymentStatus.FAILED, reason="PAYMENT_NOT_RECEIVED")
        if parties.suspended:
            return PaymentAnswer(reference, PaymentStatus.UNKNOWN, reason=HELD)
        payment = _next_channel(context, payment, used, len(channels))
        used = payment.body["channels"]
    try:
        answer = channels[used[-1]].pay(_order(context, parties.enterprise, payment))
    except BankUnavailableError:
        return PaymentAnswer(reference, PaymentStatus.UNKNOWN)
    if answer.status is PaymentStatus.FAILED and len(used) > 1:
        # What one channel refuses another may have paid meanwhile: all of them are asked before that counts.
        return PaymentAnswer(reference, PaymentStatus.UNKNOWN)
    return answer


def _ask(channel: Channel, reference: str) -> PaymentAnswer | str:
    try:
        answer = channel.query(reference)
    except BankUnavailableError:
        return NO_ANSWER
    return NOT_KNOWN if answer is None else answer


def _next_channel(context: Context, payment: Item, used: list[int], count: int) -> Item:
    """Where the channels used so far deny the payment, the next one is tried; which is stored before it is told."""
    if count == 1:
        return payment
    at = (used[-1] + 1) % count
    body = {**payment.body, "channels": [*[one for one in used if one != at], at]}
    context.store.transact([payment.replaced(body)])
    return Item(payment.pk, payment.sk, body, payment.version + 1, payment.listing)


def _order(context: Context, enterprise: Item, payment: Item) -> PaymentOrder:
    not_after = str(payment.body["not_after"])
    return PaymentOrder(
        reference=str(payment.body["reference"]),
        amount_fen=int(payment.body["amount_fen"]),
        payee_account=context.vault.decrypt(*data_key_of(enterprise), str(enterprise.body["account_number"])),
        payee_name=str(enterprise.body["account_name"]),
        payee_bank_code=str(enterprise.body["bank_code"]),
        purpose="票据贴现",
        execute_on=context.calendar.shanghai_date(datetime.fromisoformat(not_after)).isoformat(),
        not_after=not_after,
    )


def _channels(context: Context, item: Item, parties: Parties, payment: Item) -> Sequence[Channel]:
    """The ways on which this payment may go: the registry's clearing alone where bill and money settle together."""
    if payment.body.get("settlement") != ONLINE:
        return context.banks
    return (_Clearing(context, item, endorsee_of(parties.institution)),)


@dataclass(frozen=True)
class _Clearing:
    """The registry's online settlement as a channel of payments (SM00)."""

    context: Context
    item: Item
    endorsee: Party

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        number, rng, owner = (
            str(self.item.body["bill_number"]),
            bill_range(self.item),
            str(self.item.body["discount_id"]),
        )
        try:
            return self.context.bills.settle(number, rng, owner, self.endorsee, order)
        except BillLockedError:
            # Without the lock nothing of this reference can settle any more, and nothing has: it would be known.
            return PaymentAnswer(order.reference, PaymentStatus.FAILED, reason="BILL_LOCKED")
        except RegistryUnavailableError as error:
            raise BankUnavailableError(error.message) from error

    def query(self, reference: str) -> PaymentAnswer | None:
        try:
            return self.context.bills.settlement(reference)
        except RegistryUnavailableError as error:
            raise BankUnavailableError(error.message) from error
