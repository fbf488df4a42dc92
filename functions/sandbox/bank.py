"""The bank: pays a reference once, keeps statements, and behaves as the payee's account and its own mood say.

An account's ``behaviour``: ``delay_ms`` before the answer, ``result`` SUCCEEDED (default) or FAILED, and
``open_answers``, how many answers say PROCESSING before the result is told. The bank's ``mood`` makes a share of all
payments go wrong: ``timeouts_percent`` (half of them booked, half lost), ``duplicates_percent`` (the order arrives
twice), ``late_percent`` (known only ``late_s`` seconds later); a lost answer takes ``answer_after_s``.
"""

from __future__ import annotations

import hashlib
import random
import time
from datetime import datetime, timedelta, timezone

from book import Book, Document

from rongtong.domain.errors import RongTongError

_SHANGHAI = timezone(timedelta(hours=8))


class UnansweredError(RongTongError):
    """The bank lets the caller wait until it gives up."""

    code = "SANDBOX_UNANSWERED"

    def __init__(self, after_s: float) -> None:
        super().__init__("The bank does not answer.")
        self.after_s = after_s


def account_matches(book: Book, asked: Document) -> bool:
    """Whether the account is held under this name and credit code."""
    account = book.get("account", str(asked["account_number"]))
    if account is None:
        return False
    return bool(account["account_name"] == asked["account_name"] and account["uscc"] == asked["uscc"])


def take_payment(book: Book, order: Document, now: str, mood: Document) -> tuple[Document, float]:
    """Book a payment, or find the one that the reference already has; answers it and the answer's delay in seconds.

    Raises UnansweredError where the mood is so; the payment may be booked then, or not, or later.
    """
    lost = random.uniform(0, 100) < mood.get("timeouts_percent", 0)
    if lost and random.random() < 0.5:
        raise UnansweredError(mood.get("answer_after_s", 0))
    account = book.get("account", str(order["payee_account"]))
    behaviour: Document = {} if account is None else account.get("behaviour", {})
    late = random.uniform(0, 100) < mood.get("late_percent", 0)
    fresh = {
        **_booking(order, account, behaviour, now),
        "known_from": time.time() + float(mood.get("late_s", 20)) if late else 0.0,
    }
    copies = 2 if random.uniform(0, 100) < mood.get("duplicates_percent", 0) else 1
    for _ in range(copies):
        stored = _take(book, fresh)
    if lost or stored["known_from"] > time.time():
        raise UnansweredError(mood.get("answer_after_s", 0))
    return _told(stored), float(behaviour.get("delay_ms", 0)) / 1000


def payment_of(book: Book, reference: str, kind: str = "payment") -> Document | None:
    """What the bank says of a payment; each question brings an open one nearer to its result."""
    payment = book.get(kind, reference)
    if payment is None or payment["known_from"] > time.time():
        return None
    before: list[Document] = []

    def ask(found: Document) -> Document:
        before[:] = [found]
        return {**found, "open_answers": max(0, found["open_answers"] - 1)}

    book.change(kind, reference, ask)
    return _told(before[0])


def send_back(book: Book, reference: str, how: str) -> Document | None:
    """Let a paid payment come back: ``how`` is RETURNED (退票) or REVERSED (冲正)."""
    if book.get("payment", reference) is None:
        return None
    return _told(book.change("payment", reference, lambda found: {**found, "result": how, "reason": "ACCOUNT_CLOSED"}))


def statement(book: Book) -> Document:
    """Every payment that the payee kept, and their sum in fen."""
    booked = [payment for payment in book.all("payment") if payment["result"] == "SUCCEEDED"]
    return {"payments": booked, "total_fen": sum(int(payment["amount_fen"]) for payment in booked)}


def entries_of(book: Book, day: str) -> list[Document]:
    """The bookings of a day in Shanghai: what went out, and what of it came back."""
    entries = []
    for payment in book.all("payment"):
        if payment["booked_on"] == day and payment["result"] != "FAILED":
            entries.append({**_told(payment), "status": "SUCCEEDED"})
            if payment["result"] != "SUCCEEDED":
                entries.append({**_told(payment), "status": payment["result"]})
    return entries


def _booking(order: Document, account: Document | None, behaviour: Document, now: str) -> Document:
    reference = str(order["reference"])
    named = account is not None and account["account_name"] == order["payee_name"]
    result, reason = str(behaviour.get("result", "SUCCEEDED")) if named else "FAILED", "PAYEE_REFUSED"
    if datetime.fromisoformat(now) > datetime.fromisoformat(str(order["not_after"])):
        result, reason = "FAILED", "PAST_CUT_OFF"
    return {
        "reference": reference,
        "amount_fen": int(order["amount_fen"]),
        "payee_account": order["payee_account"],
        "result": result,
        "reason": None if result == "SUCCEEDED" else reason,
        "bank_serial": "SB" + hashlib.sha256(reference.encode()).hexdigest()[:16].upper(),
        "booked_on": datetime.fromisoformat(now).astimezone(_SHANGHAI).date().isoformat(),
        "open_answers": int(behaviour.get("open_answers", 0)),
        "requests": 1,
    }


def _take(book: Book, fresh: Document) -> Document:
    stored = book.create("payment", fresh["reference"], fresh)
    if stored is fresh:
        return stored
    return book.change("payment", fresh["reference"], lambda found: {**found, "requests": found["requests"] + 1})


def _told(payment: Document) -> Document:
    told = {key: payment[key] for key in ("reference", "amount_fen", "bank_serial", "reason")}
    return {**told, "status": "PROCESSING" if payment["open_answers"] else payment["result"]}
