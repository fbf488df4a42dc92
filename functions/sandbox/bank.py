"""The bank: pays a reference once, keeps a statement, and behaves as the payee's account says.

An account's ``behaviour``: ``delay_ms`` before the answer, ``result`` SUCCEEDED (default) or FAILED, and
``open_answers``, how many answers say PROCESSING before the result is told.
"""

from __future__ import annotations

import hashlib

from book import Book, Document


def account_matches(book: Book, asked: Document) -> bool:
    """Whether the account is held under this name and credit code."""
    account = book.get("account", str(asked["account_number"]))
    if account is None:
        return False
    return bool(account["account_name"] == asked["account_name"] and account["uscc"] == asked["uscc"])


def take_payment(book: Book, order: Document) -> tuple[Document, float]:
    """Book a payment, or find the one that the reference already has; answers it and the answer's delay in seconds."""
    reference = str(order["reference"])
    account = book.get("account", str(order["payee_account"]))
    behaviour: Document = {} if account is None else account.get("behaviour", {})
    named = account is not None and account["account_name"] == order["payee_name"]
    result = behaviour.get("result", "SUCCEEDED") if named else "FAILED"
    payment = {
        "reference": reference,
        "amount_fen": int(order["amount_fen"]),
        "payee_account": order["payee_account"],
        "result": result,
        "reason": None if result == "SUCCEEDED" else "PAYEE_REFUSED",
        "bank_serial": "SB" + hashlib.sha256(reference.encode()).hexdigest()[:16].upper(),
        "open_answers": int(behaviour.get("open_answers", 0)),
        "requests": 1,
    }
    stored = book.create("payment", reference, payment)
    if stored is not payment:
        stored = book.change("payment", reference, lambda found: {**found, "requests": found["requests"] + 1})
    return _told(stored), float(behaviour.get("delay_ms", 0)) / 1000


def payment_of(book: Book, reference: str) -> Document | None:
    """What the bank says of a payment; each question brings an open one nearer to its result."""
    if book.get("payment", reference) is None:
        return None
    before: list[Document] = []

    def ask(found: Document) -> Document:
        before[:] = [found]
        return {**found, "open_answers": max(0, found["open_answers"] - 1)}

    book.change("payment", reference, ask)
    return _told(before[0])


def statement(book: Book) -> Document:
    """Every payment that was booked with success, and their sum in fen."""
    booked = [payment for payment in book.all("payment") if payment["result"] == "SUCCEEDED"]
    return {"payments": booked, "total_fen": sum(int(payment["amount_fen"]) for payment in booked)}


def _told(payment: Document) -> Document:
    told = {key: payment[key] for key in ("reference", "amount_fen", "bank_serial", "reason")}
    return {**told, "status": "PROCESSING" if payment["open_answers"] else payment["result"]}
