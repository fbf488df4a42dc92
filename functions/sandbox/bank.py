"""The bank: pays a reference once, keeps statements, and behaves as the payee's account and its own mood say.

An account's ``behaviour``: ``delay_ms`` before the answer, ``result`` SUCCEEDED (default) or FAILED,
``open_answers``, how many answers say PROCESSING before the result is told, ``lose``, what is lost of the first order:
the ``order`` itself or its ``answer`` alone, and ``returns_after_s``, when the money comes back. Accounts that were not
seeded may have a behaviour by their number (magic.py). The bank's ``mood`` makes a share of all
payments go wrong: ``timeouts_percent`` (half of them booked, half lost), ``duplicates_percent`` (the order arrives
twice), ``late_percent`` (known only ``late_s`` seconds later); a lost answer takes ``answer_after_s``.
"""

from __future__ import annotations

import hashlib
import random
import time
from datetime import datetime, timedelta, timezone

from book import Book, Document
from magic import account_of

from rongtong.domain.errors import RongTongError

_SHANGHAI = timezone(timedelta(hours=8))


class UnansweredError(RongTongError):
    """The bank lets the caller wait until it gives up."""

    code = "SANDBOX_UNANSWERED"

    def __init__(self, after_s: float) -> None:
        super().__init__("The bank does not answer.")
        self.after_s = after_s


def account_matches(book: Book, asked: Document) -> bool:
    """Whether the account is held under this name and credit code. Raises UnansweredError where nobody is told."""
    number = str(asked["account_number"])
    account = book.get("account", number)
    if account is None:
        magic = account_of(number)
        if magic is not None and magic.silent:
            raise UnansweredError(0)
        return magic is not None and magic.matches
    return bool(account["account_name"] == asked["account_name"] and account["uscc"] == asked["uscc"])


def take_payment(book: Book, order: Document, now: str, mood: Document) -> tuple[Document, float]:
    """Book a payment, or find the one that the reference already has; answers it and the answer's delay in seconds.

    Raises UnansweredError where mood or account are so; the payment may be booked then, or not, or later.
    """
    lost = random.uniform(0, 100) < mood.get("timeouts_percent", 0)
    if lost and random.random() < 0.5:
        raise UnansweredError(mood.get("answer_after_s", 0))
    account = _payee(book, order)
    behaviour: Document = {} if account is None else account.get("behaviour", {})
    if behaviour.get("lose") == "order" and _is_first(book, str(order["reference"])):
        raise UnansweredError(mood.get("answer_after_s", 0))
    late = random.uniform(0, 100) < mood.get("late_percent", 0)
    fresh = {
        **_booking(order, account, behaviour, now),
        "known_from": time.time() + float(mood.get("late_s", 20)) if late else 0.0,
    }
    copies = 2 if random.uniform(0, 100) < mood.get("duplicates_percent", 0) else 1
    for _ in range(copies):
        stored = _take(book, fresh)
    lost = lost or (behaviour.get("lose") == "answer" and stored["requests"] == 1)
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
    booked = [payment for payment in map(_by_now, book.all("payment")) if payment["result"] == "SUCCEEDED"]
    return {"payments": booked, "total_fen": sum(int(payment["amount_fen"]) for payment in booked)}


def entries_of(book: Book, day: str) -> list[Document]:
    """The bookings of a day in Shanghai: what went out, and what of it came back."""
    entries = []
    for payment in map(_by_now, book.all("payment")):
        if payment["booked_on"] == day and payment["result"] != "FAILED":
            entries.append({**_told(payment), "status": "SUCCEEDED"})
            if payment["result"] != "SUCCEEDED":
                entries.append({**_told(payment), "status": payment["result"]})
    return entries


def _payee(book: Book, order: Document) -> Document | None:
    """The seeded account, or the one that a magic number stands for: whoever is paid to it has it."""
    account, magic = book.get("account", str(order["payee_account"])), account_of(str(order["payee_account"]))
    if account is None and magic is not None:
        return {"account_name": order["payee_name"], "behaviour": dict(magic.behaviour)}
    return account


def _is_first(book: Book, reference: str) -> bool:
    heard = book.change("order", reference, lambda found: {"times": int(found.get("times", 0)) + 1})
    return bool(heard["times"] == 1)


def _by_now(payment: Document) -> Document:
    """The payment with what has become of it by itself."""
    returns_at = payment.get("returns_at")
    if returns_at is None or payment["result"] != "SUCCEEDED" or time.time() < returns_at:
        return payment
    return {**payment, "result": "RETURNED", "reason": "ACCOUNT_CLOSED"}


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
        "returns_at": time.time() + behaviour["returns_after_s"] if "returns_after_s" in behaviour else None,
        "requests": 1,
    }


def _take(book: Book, fresh: Document) -> Document:
    stored = book.create("payment", fresh["reference"], fresh)
    if stored is fresh:
        return stored
    return book.change("payment", fresh["reference"], lambda found: {**found, "requests": found["requests"] + 1})


def _told(payment: Document) -> Document:
    payment = _by_now(payment)
    told = {key: payment[key] for key in ("reference", "amount_fen", "bank_serial", "reason")}
    return {**told, "status": "PROCESSING" if payment["open_answers"] else payment["result"]}
