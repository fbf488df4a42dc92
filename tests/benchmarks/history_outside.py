"""What the bank and the bill registry say of a synthetic history, out of a file of their own."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from rongtong.adapters.registries import _bill as registry_bill
from rongtong.domain.bill import Party, RegistryBill
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.ports import BillApplication, PaymentAnswer, PaymentOrder, StatementEntry
from rongtong.services.storage import Document


class Outside:
    """Tables ``bills`` (number, body: as the registry's API answers a holding), ``applications`` and ``statement``.

    A row is an application that is under way, or a booking.
    """

    def __init__(self, path: Path) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("CREATE TABLE IF NOT EXISTS bills (number, body)")
        self.db.execute("CREATE TABLE IF NOT EXISTS applications (number, range, owner)")
        self.db.execute("CREATE TABLE IF NOT EXISTS statement (day, reference, fen INTEGER, status, serial)")

    @contextmanager
    def filling(self) -> Iterator[None]:
        """One transaction, and the indexes behind it."""
        self.db.execute("BEGIN")
        yield
        self.db.execute("COMMIT")
        self.db.execute("CREATE UNIQUE INDEX bills_by_number ON bills (number)")
        self.db.execute("CREATE INDEX statement_by_day ON statement (day)")
        self.db.execute("CREATE INDEX statement_by_reference ON statement (reference)")

    def hold(self, bill: Document) -> None:
        """Let the registry hold a bill, as its API answers it."""
        self.db.execute("INSERT INTO bills VALUES (?, ?)", (bill["number"], json.dumps(bill, ensure_ascii=False)))

    def book(self, day: str, reference: str, fen: int, status: PaymentStatus, serial: str) -> None:
        """Let the bank book something on a day in Shanghai."""
        self.db.execute("INSERT INTO statement VALUES (?, ?, ?, ?, ?)", (day, reference, fen, status.value, serial))

    def close(self) -> None:
        self.db.close()


class HistoryBank:
    """A bank that answers what it has booked, and takes no orders."""

    def __init__(self, outside: Outside) -> None:
        self._db = outside.db

    def statement(self, day: date) -> list[StatementEntry]:
        wanted = "SELECT reference, fen, status, serial FROM statement WHERE day = ? ORDER BY rowid"
        found = self._db.execute(wanted, (day.isoformat(),))
        return [
            StatementEntry(reference, fen, PaymentStatus(status), serial) for reference, fen, status, serial in found
        ]

    def query(self, reference: str) -> PaymentAnswer | None:
        wanted = "SELECT status, serial FROM statement WHERE reference = ? ORDER BY rowid DESC LIMIT 1"
        found = self._db.execute(wanted, (reference,)).fetchone()
        return None if found is None else PaymentAnswer(reference, PaymentStatus(found[0]), found[1])

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        raise NotImplementedError("A history is over; nothing is paid in it.")

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        return True


class HistoryRegistry:
    """A bill registry that answers who holds what, and lets go of what is locked; nothing else moves."""

    def __init__(self, outside: Outside) -> None:
        self._db = outside.db

    def find(self, number: str, rng: SubBillRange) -> RegistryBill | None:
        found = self._db.execute("SELECT body FROM bills WHERE number = ?", (number,)).fetchone()
        bill = None if found is None else registry_bill(json.loads(found[0]))
        return bill if bill is not None and bill.range.contains(rng) else None

    def find_many(self, wanted: Sequence[tuple[str, SubBillRange]]) -> list[RegistryBill | None]:
        return [self.find(*one) for one in wanted]

    def lock(self, number: str, rng: SubBillRange, owner: str, holder_uscc: str) -> None:
        raise NotImplementedError("A history is over; no bill moves in it.")

    def endorse(self, number: str, rng: SubBillRange, owner: str, endorsee: Party) -> None:
        raise NotImplementedError("A history is over; no bill moves in it.")

    def release(self, number: str, rng: SubBillRange, owner: str) -> None:
        wanted = "DELETE FROM applications WHERE number = ? AND range = ? AND owner = ?"
        self._db.execute(wanted, (number, rng.wire(), owner))

    def applications(self) -> Sequence[BillApplication]:
        found = self._db.execute("SELECT number, range, owner FROM applications ORDER BY owner")
        return [BillApplication(number, SubBillRange.parse(rng), owner) for number, rng, owner in found]

    def settle(self, number: str, rng: SubBillRange, owner: str, endorsee: Party, order: PaymentOrder) -> PaymentAnswer:
        raise NotImplementedError("A history is over; nothing is settled in it.")

    def settlement(self, reference: str) -> PaymentAnswer | None:
        return None
