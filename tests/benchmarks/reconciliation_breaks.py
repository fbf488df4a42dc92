"""Breaks of every kind, planted into a synthetic history behind the platform's back.

Each is planted on a discount of its own, so that none hides or causes another.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from history import OUTSIDE, STORE
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.payment import PaymentStatus

Kind = tuple[str, str]
"""An incident's kind and, where its data say so, what it is."""
_RATHER_LATE = "2026-10-15T02:00:00.000Z"


class _Books:
    """The two files of a history, altered without any of the platform's rules."""

    def __init__(self, folder: Path) -> None:
        self.store = sqlite3.connect(folder / STORE)
        self.outside = sqlite3.connect(folder / OUTSIDE)

    def close(self) -> None:
        for one in (self.store, self.outside):
            one.commit()
            one.close()

    def body(self, pk: str, sk: str) -> Any:
        return json.loads(
            self.store.execute("SELECT body FROM documents WHERE pk = ? AND sk = ?", (pk, sk)).fetchone()[0]
        )

    def put(self, pk: str, sk: str, body: Any) -> None:
        self.store.execute("UPDATE documents SET body = ? WHERE pk = ? AND sk = ?", (json.dumps(body), pk, sk))

    def drop(self, pk: str, sk: str) -> None:
        self.store.execute("DELETE FROM documents WHERE pk = ? AND sk = ?", (pk, sk))

    def create(self, pk: str, sk: str, body: Any) -> None:
        values = (pk, sk, 1, json.dumps(body))
        self.store.execute("INSERT INTO documents (pk, sk, version, body) VALUES (?, ?, ?, ?)", values)

    def states(self, prefix: str, status: str) -> list[str]:
        """Partitions in this status, some everywhere in the history."""
        wanted = "pk >= ? AND pk < ? AND sk = 'state' AND json_extract(body, '$.status') = ? ORDER BY pk"
        found = self.store.execute(f"SELECT pk FROM documents WHERE {wanted}", (prefix, prefix + "~", status))
        return [str(pk) for (pk,) in found]

    def reference(self, pk: str) -> str:
        return str(self.body(pk, "payment#1")["reference"])


def plant(folder: Path, each: int) -> Counter[Kind]:
    """Plant so many of each kind; what must be found, kind by kind."""
    books, wanted = _Books(folder), Counter[Kind]()
    paid, failed = iter(books.states("discount#", "DISBURSED")), iter(books.states("discount#", "FAILED"))
    for kinds, alter in _ON_PAID.items():
        for number in range(each):
            alter(books, next(paid), number)
        wanted.update(dict.fromkeys(kinds, each))
    planted = _pay_what_failed(books, failed, each)
    wanted["PAID_AFTER_FAILURE", ""] += planted
    for pk in books.states("discount#", "REFUSED")[:each]:
        _leave_locked(books, pk)
        wanted["BILL_LOCKED", "ENDED"] += 1
    for owner in ("acceptor#", "institution#", "platform#", "enterprise#"):
        wanted["LIMITS_DIFFER", ""] += _tamper(books, owner, each)
    for number in range(each):
        _leave_unlogged(books, number)
    wanted["EVENT_UNLOGGED", ""] += each
    forgotten = _forget_last_events(books, each)
    wanted["LEAF_WITHOUT_EVENT", ""] += forgotten
    books.close()
    return wanted


def _foreign(books: _Books, pk: str, number: int) -> None:
    day = books.outside.execute("SELECT day FROM statement WHERE reference = ?", (books.reference(pk),)).fetchone()[0]
    _book(books, day, f"OTHER-{number}", 100, PaymentStatus.SUCCEEDED)


def _book(books: _Books, day: str, reference: str, fen: int, status: PaymentStatus) -> None:
    values = (day, reference, fen, status.value, f"X{reference}")
    books.outside.execute("INSERT INTO statement VALUES (?, ?, ?, ?, ?)", values)


def _unbook(books: _Books, pk: str, _: int) -> None:
    books.outside.execute("DELETE FROM statement WHERE reference = ?", (books.reference(pk),))


def _another_amount(books: _Books, pk: str, _: int) -> None:
    books.outside.execute("UPDATE statement SET fen = fen + 1 WHERE reference = ?", (books.reference(pk),))


def _book_twice(books: _Books, pk: str, _: int) -> None:
    wanted = "INSERT INTO statement SELECT * FROM statement WHERE reference = ?"
    books.outside.execute(wanted, (books.reference(pk),))


def _send_back(books: _Books, pk: str, _: int) -> None:
    wanted = "SELECT day, reference, fen FROM statement WHERE reference = ?"
    day, reference, fen = books.outside.execute(wanted, (books.reference(pk),)).fetchone()
    _book(books, day, reference, fen, PaymentStatus.RETURNED)


def _give_to_another(books: _Books, pk: str, _: int) -> None:
    number = books.body(pk, "state")["bill_number"]
    body = json.loads(books.outside.execute("SELECT body FROM bills WHERE number = ?", (number,)).fetchone()[0])
    body["holder"]["uscc"] = body["payee"]["uscc"]
    books.outside.execute("UPDATE bills SET body = ? WHERE number = ?", (json.dumps(body), number))


def _leave_locked(books: _Books, pk: str) -> None:
    state = books.body(pk, "state")
    values = (state["bill_number"], state["range"], state["discount_id"])
    books.outside.execute("INSERT INTO applications VALUES (?, ?, ?)", values)


def _lose_posting(books: _Books, pk: str, _: int) -> None:
    for number in range(1, int(books.body(pk, "state")["events"]) + 1):
        event = books.body(pk, f"event#{number:04d}")
        if event.get("beside", {}).get("journal", [""])[0] == "use":
            books.put(pk, f"event#{number:04d}", {**event, "beside": {}})


def _alter_event(books: _Books, pk: str, _: int) -> None:
    event = books.body(pk, "event#0002")
    books.put(pk, "event#0002", {**event, "event": {**event["event"], "data": {"altered": 1}}})


def _lose_event(books: _Books, pk: str, _: int) -> None:
    books.drop(pk, "event#0002")


def _note_beyond(books: _Books, pk: str, _: int) -> None:
    state, size = books.body(pk, "state"), int(books.body("log", "head")["size"])
    *before, (first, count) = state["logged"]
    left = [[first, count - 1]] if count > 1 else []
    books.put(pk, "state", {**state, "logged": [*before, *left, [size + 5, 1]]})


_ON_PAID: dict[tuple[Kind, ...], Callable[[_Books, str, int], None]] = {
    (("STATEMENT_DIFFERS", "BANK_ONLY"),): _foreign,
    (("STATEMENT_DIFFERS", "BOOKS_ONLY"),): _unbook,
    (("STATEMENT_DIFFERS", "AMOUNT"),): _another_amount,
    (("STATEMENT_DIFFERS", "PAID_TWICE"),): _book_twice,
    (("PAYMENT_RETURNED", ""),): _send_back,
    (("PAID_NOT_ENDORSED", ""),): _give_to_another,
    (("LIMITS_DIFFER", "STATE"),): _lose_posting,
    # The leaf of an event that is another one now, gone, or noted elsewhere, is nobody's.
    (("EVENT_NOT_IN_LOG", "ALTERED"), ("LEAF_WITHOUT_EVENT", "")): _alter_event,
    (("EVENT_NOT_IN_LOG", "MISSING"), ("LEAF_WITHOUT_EVENT", "")): _lose_event,
    (("EVENT_NOT_IN_LOG", "BEYOND_THE_LOG"), ("LEAF_WITHOUT_EVENT", "")): _note_beyond,
}
"""What is done to a paid discount, and which breaks it makes."""


def _pay_what_failed(books: _Books, failed: Iterator[str], each: int) -> int:
    planted = 0
    for pk, _ in zip(failed, range(each), strict=False):
        payment = books.body(pk, "payment#1")
        day = datetime.fromisoformat(books.body(pk, "state")["accepted_at"]).astimezone(SHANGHAI).date().isoformat()
        _book(books, day, payment["reference"], payment["amount_fen"], PaymentStatus.SUCCEEDED)
        planted += 1
    return planted


def _tamper(books: _Books, owner: str, each: int) -> int:
    """Other sums than the postings': ``each`` of this kind of owner, or as many as there are."""
    pk = f"exposure#{owner}"
    found = books.store.execute("SELECT pk, used FROM documents WHERE pk >= ? AND pk < ? ORDER BY pk", (pk, pk + "~"))
    rows = found.fetchall()[:each]
    for own, used in rows:
        if used is None:
            body = books.body(own, "used")
            books.put(own, "used", {**body, "year_fen": body["year_fen"] + 1})
        else:
            books.store.execute("UPDATE documents SET used = used + 7 WHERE pk = ?", (own,))
    return len(rows)


def _leave_unlogged(books: _Books, number: int) -> None:
    event = {"event": {"n": 1, "type": "Odd", "at": _RATHER_LATE, "data": {}}, "salt": "00" * 16}
    books.create(f"change#odd{number}", "state", {"change_id": f"odd{number}", "status": "OPEN", "events": 1})
    books.create(f"change#odd{number}", "event#0001", event)


def _forget_last_events(books: _Books, each: int) -> int:
    """The last events of companies, with every trace of them in their records."""
    pks = books.states("enterprise#", "ACTIVE")[:each]
    for pk in pks:
        state = books.body(pk, "state")
        *before, (first, count) = state["logged"]
        left = [*before, *([[first, count - 1]] if count > 1 else [])]
        books.put(pk, "state", {**state, "events": state["events"] - 1, "logged": left})
        books.drop(pk, f"event#{state['events']:04d}")
    return len(pks)
