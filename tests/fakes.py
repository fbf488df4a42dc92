"""Stand-ins in memory for everything outside; the contract suites hold them to what the real adapters do."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.bill import Invoice, Party, RegistryBill
from rongtong.domain.lifecycle import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.context import Context
from rongtong.services.errors import ContractAlteredError, SealedDataError
from rongtong.services.ports import BankUnavailableError, BillLockedError, PaymentAnswer, PaymentOrder
from rongtong.services.storage import Count, Create, Document, Item, Replace, Write, WriteConflictError

OPEN = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)


class MemoryStore:
    """Documents in a dictionary; ``before_write`` may raise in the place of a write, ``after_write`` behind it."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.counters: dict[tuple[str, str], int] = {}
        self.waiting: dict[tuple[str, str], str] = {}
        self.before_write: Callable[[Sequence[Write]], None] = lambda writes: None
        self.after_write: Callable[[Sequence[Write]], None] = lambda writes: None
        self.write_units = 0

    def get(self, pk: str, sk: str) -> Item | None:
        return self.items.get((pk, sk))

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item | None]:
        return [self.items.get(key) for key in keys]

    def query(self, pk: str, prefix: str, *, start: str | None = None) -> list[Item]:
        first = prefix if start is None else start
        found = [item for item in self.items.values() if item.pk == pk and item.sk.startswith(prefix)]
        return sorted((item for item in found if item.sk >= first), key=lambda item: item.sk)

    def counter(self, pk: str, sk: str) -> int:
        return self.counters.get((pk, sk), 0)

    def due(self, before: str) -> list[Item]:
        found = sorted((at, key) for key, at in self.waiting.items() if at < before)
        return [self.items[key] for _, key in found]

    def states(self, prefix: str) -> list[Item]:
        """Every state whose partition begins with the prefix; for assertions."""
        return [item for item in self.items.values() if item.sk == "state" and item.pk.startswith(prefix)]

    def transact(self, writes: Sequence[Write]) -> None:
        self.before_write(writes)
        failed = tuple(at for at, write in enumerate(writes) if not self._holds(write))
        self.write_units += 1 if len(writes) == 1 and not isinstance(writes[0], Count) else 2 * len(writes)
        if failed:
            raise WriteConflictError("The records changed meanwhile.", failed=failed)
        for write in writes:
            if isinstance(write, Count):
                self.counters[write.pk, write.sk] = self.counter(write.pk, write.sk) + write.amount_fen
            else:
                version = write.version + 1 if isinstance(write, Replace) else 1
                body = json.loads(json.dumps(write.body))
                self.waiting.pop((write.pk, write.sk), None)
                if isinstance(write, Create) and write.due is not None:
                    self.waiting[write.pk, write.sk] = write.due
                self.items[write.pk, write.sk] = Item(write.pk, write.sk, body, version)
        self.after_write(writes)

    def _holds(self, write: Write) -> bool:
        if isinstance(write, Count):
            total = self.counter(write.pk, write.sk) + write.amount_fen
            return write.limit_fen is None or write.amount_fen <= 0 or total <= write.limit_fen
        stored = self.items.get((write.pk, write.sk))
        return stored is None if isinstance(write, Create) else stored is not None and stored.version == write.version


@dataclass
class FixedClock:
    """A clock that stands still until it is set."""

    instant: datetime = OPEN

    def now(self) -> datetime:
        return self.instant


class PlainVault:
    """Marks texts instead of encrypting them; still refuses to open another owner's."""

    def new_key(self, owner: str) -> str:
        return f"key-of-{owner}"

    def encrypt(self, owner: str, wrapped_key: str, text: str) -> str:
        assert wrapped_key == f"key-of-{owner}"
        return f"sealed:{owner}:{text[::-1]}"

    def decrypt(self, owner: str, wrapped_key: str, ciphertext: str) -> str:
        prefix = f"sealed:{owner}:"
        if not ciphertext.startswith(prefix):
            raise SealedDataError("Personal data of this enterprise was altered; restore its record.")
        return ciphertext[len(prefix) :][::-1]


class LocalSigner:
    """A real Ed25519 key, in memory."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(b"\x05" * 32)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@dataclass
class MemoryArchive:
    """Write-once objects in a dictionary."""

    objects: dict[str, bytes] = field(default_factory=dict)

    def put(self, key: str, content: bytes) -> None:
        if self.objects.setdefault(key, content) != content:
            raise ContractAlteredError("Another contract is archived under this discount; look at it first.")

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)


@dataclass
class RecordedWorkflows:
    """Remembers what was started and resumed."""

    discounts: list[tuple[str, Document]] = field(default_factory=list)
    registrations: list[str] = field(default_factory=list)
    resumed: list[tuple[str, Document]] = field(default_factory=list)

    def start_discount(self, discount_id: str, payload: Document) -> None:
        self.discounts.append((discount_id, payload))

    def start_registration(self, enterprise_id: str, payload: Document) -> None:
        self.registrations.append(enterprise_id)

    def resume(self, task_token: str, output: Document) -> None:
        self.resumed.append((task_token, output))


class MemoryBank:
    """Pays a reference once. ``lose_answers`` counts answers that get lost after the money has moved."""

    def __init__(self) -> None:
        self.accounts: dict[str, tuple[str, str]] = {}
        self.paid: dict[str, PaymentAnswer] = {}
        self.orders: list[PaymentOrder] = []
        self.lose_answers = 0
        self.open_answers = 0
        self.refuse = False

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        known = self.accounts.get(order.payee_account)
        if order.reference not in self.paid:
            good = known is not None and known[0] == order.payee_name and not self.refuse
            status = PaymentStatus.SUCCEEDED if good else PaymentStatus.FAILED
            reason = None if good else "PAYEE_REFUSED"
            self.paid[order.reference] = PaymentAnswer(order.reference, status, f"SB{len(self.paid)}", reason)
            self.orders.append(order)
        return self._tell(order.reference)

    def query(self, reference: str) -> PaymentAnswer | None:
        if reference not in self.paid:
            self._lose()
            return None
        return self._tell(reference)

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        return self.accounts.get(account_number) == (account_name, uscc)

    def total_fen(self) -> int:
        return sum(o.amount_fen for o in self.orders if self.paid[o.reference].status is PaymentStatus.SUCCEEDED)

    def _tell(self, reference: str) -> PaymentAnswer:
        self._lose()
        if self.open_answers:
            self.open_answers -= 1
            return replace(self.paid[reference], status=PaymentStatus.PROCESSING)
        return self.paid[reference]

    def _lose(self) -> None:
        if self.lose_answers:
            self.lose_answers -= 1
            raise BankUnavailableError("The bank did not answer.")


class MemoryBillRegistry:
    """Holdings by package; a lock belongs to its owner until it is released or endorsed."""

    def __init__(self) -> None:
        self.holdings: dict[str, list[RegistryBill]] = {}
        self.taken: dict[tuple[str, SubBillRange], tuple[str, Party | None]] = {}

    def add(self, bill: RegistryBill) -> None:
        self.holdings.setdefault(bill.number, []).append(bill)

    def find(self, number: str, rng: SubBillRange) -> RegistryBill | None:
        found = self._holding(number, rng)
        for owner_and_endorsee in self._over(number, rng):
            if found is not None:
                endorsee = owner_and_endorsee[1]
                return replace(found, holder=endorsee) if endorsee else replace(found, circulation="TF0302")
        return found

    def lock(self, number: str, rng: SubBillRange, owner: str, holder_uscc: str) -> None:
        over = self._over(number, rng)
        if any(held[0] != owner for held in over):
            raise BillLockedError("locked", field="bill.range")
        if over:
            return
        found = self._holding(number, rng)
        if found is None or (found.status, found.circulation, found.risk) != ("CS03", "TF0301", "RS00"):
            raise BillLockedError("not free", field="bill.range")
        if found.holder.uscc != holder_uscc:
            raise BillLockedError("held by another company", field="bill.range")
        self.taken[number, rng] = (owner, None)

    def endorse(self, number: str, rng: SubBillRange, owner: str, endorsee: Party) -> None:
        if self.taken.get((number, rng), ("", None))[0] != owner:
            raise BillLockedError("no lock", field="bill.range")
        self.taken[number, rng] = (owner, endorsee)

    def release(self, number: str, rng: SubBillRange, owner: str) -> None:
        if self.taken.get((number, rng)) == (owner, None):
            del self.taken[number, rng]

    def _holding(self, number: str, rng: SubBillRange) -> RegistryBill | None:
        held = self.holdings.get(number, [])
        inside = [bill for bill in held if bill.range.contains(rng)]
        begins = [bill for bill in held if bill.range.overlaps(SubBillRange(rng.start, rng.start))]
        return next(iter(inside + begins), None)

    def _over(self, number: str, rng: SubBillRange) -> list[tuple[str, Party | None]]:
        return [held for (at, taken), held in self.taken.items() if at == number and taken.overlaps(rng)]


@dataclass
class MemoryInvoices:
    """Invoices by number."""

    invoices: dict[str, Invoice] = field(default_factory=dict)

    def find(self, number: str) -> Invoice | None:
        return self.invoices.get(number)


@dataclass
class MemorySms:
    """Messages by reference."""

    sent: dict[str, tuple[str, str]] = field(default_factory=dict)

    def send(self, mobile: str, text: str, reference: str) -> None:
        self.sent.setdefault(reference, (mobile, text))


def make_context(**replaced: Any) -> Context:
    """A context of stand-ins; named collaborators are replaced."""
    parts: dict[str, Any] = {
        "store": MemoryStore(),
        "clock": FixedClock(),
        "vault": PlainVault(),
        "log_signer": LocalSigner(),
        "log_origin": "rongtong.example/log",
        "archive": MemoryArchive(),
        "workflows": RecordedWorkflows(),
        "bank": MemoryBank(),
        "bills": MemoryBillRegistry(),
        "invoices": MemoryInvoices(),
        "sms": MemorySms(),
        "calendar": legal_calendar(),
    }
    return Context(**{**parts, **replaced})
