"""An enterprise hears, once and in neutral words, that its discount waits for a reviewer (反洗钱法: no tipping-off).

Verification writes the notice in the transaction that sends a discount to a person, and the sweeper sends it within two
minutes: nothing of it can hold up the flow, or fail it. Whoever is decided on sooner hears only how it ended.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from rongtong.domain.lifecycle import DiscountStatus
from rongtong.services import notify
from rongtong.services.context import Context
from rongtong.services.discounts import load
from rongtong.services.records import change_writes, event_sk, iso
from rongtong.services.storage import Create, Document, Item, Replace, WriteConflictError

HELD = "held_notice"
"""The notice's sort key, beside the discount's state; it is due until it was sent, or is of no use any more."""
TEXT = "贴现申请仍在处理中，结果将另行通知"
"""The same whatever was found, and nothing of a review."""
_ATTEMPTS = 8
_AGAIN = timedelta(minutes=5)


def first_notice(pk: str, event_number: int, at: datetime) -> Create:
    """The write that begins the notice of the discount's event that sent it to a person."""
    return Create(pk, HELD, {"n": event_number}, due=iso(at))


def tell_of_wait(context: Context, notice: Item) -> None:
    """Send a notice that is due, unless the reviewer has decided. Safe to repeat.

    The gateway knows it by its reference, so that a repeat after a lost answer is no second message. That it was sent
    is an event. Raises SmsUnavailableError, WriteConflictError; the notice stays due then.
    """
    item = load(context, notice.pk.partition("#")[2])
    reference = event_sk(int(notice.body["n"]))
    if "sent_at" not in notice.body:
        if not _waits(item):
            context.store.transact([_at_rest(notice)])
            return
        mobile = notify.mobile_of(context, str(item.body["enterprise_id"]))
        assert mobile is not None, "nobody is erased while a discount of theirs waits"
        context.sms.send(mobile, TEXT, f"{notice.pk}/{reference}")
    for _ in range(_ATTEMPTS):
        with suppress(WriteConflictError):
            _note(context, notice, item, reference)
            return
        item = load(context, notice.pk.partition("#")[2])
    raise WriteConflictError("The discount keeps changing; the next sweep looks again.", failed=())


def _note(context: Context, notice: Item, item: Item, reference: str) -> None:
    """Between a decision and the end no event may come in: what is paid must be in the log as it was sealed."""
    now = context.clock.now()
    if not _waits(item) and "finished_at" not in item.body:
        body = {"sent_at": iso(now), **notice.body}
        context.store.transact([replace(notice.replaced(body), due=iso(now + _AGAIN))])
        return
    number = int(item.body["events"])
    # Where everything was told before, an event that tells of a message leaves nothing to be told.
    changes: Document = {"told": number + 1} if int(item.body.get("told", 0)) == number else {}
    data: Document = {"channel": "SMS", "references": [reference]}
    writes = change_writes(item, "discount_id", changes, "EnterpriseTold", now, data)
    context.store.transact([_at_rest(notice), *writes])


def _waits(item: Item) -> bool:
    return item.body["status"] == DiscountStatus.IN_REVIEW and "review" not in item.body


def _at_rest(notice: Item) -> Replace:
    return replace(notice.replaced(notice.body), due=None)
