"""Stand-ins in memory for everything outside; the contract suites hold them to what the real adapters do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.bill import Invoice, Party, RegistryBill
from rongtong.domain.bill_codes import Circulation
from rongtong.domain.jobs import Job
from rongtong.domain.package import Holding, HoldingState, Package, PackageError
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.context import ArchiveLink, Context, Execution, Invitation, Running
from rongtong.services.errors import ContractAlteredError, LogDamagedError, SealedDataError
from rongtong.services.ports import (
    BankUnavailableError,
    BillApplication,
    BillLockedError,
    PaymentAnswer,
    PaymentOrder,
    StatementEntry,
    WitnessReply,
)
from rongtong.services.storage import (
    MAIN_LANE,
    Count,
    Create,
    Document,
    Item,
    Listing,
    Position,
    Replace,
    Write,
    WriteConflictError,
    lane_of,
)

OPEN = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)


class MemoryStore:
    """Documents in a dictionary; ``before_write`` may raise in the place of a write, ``after_write`` behind it."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.counters: dict[tuple[str, str], int] = {}
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

    def due(self, before: str, *, since: str = "", lane: str = MAIN_LANE, most: int | None = None) -> list[Item]:
        found = [item for item in self.items.values() if item.due is not None and since <= item.due < before]
        return sorted((item for item in found if lane_of(item.pk) == lane), key=lambda item: str(item.due))[:most]

    def listed(self, owner: str, since: str, *, most: int = 200, after: Position | None = None) -> list[Listing]:
        found = [
            replace(item.listing, key=(item.pk, item.sk))
            for item in self.items.values()
            if item.listing and item.listing.owner == owner
        ]
        newest_first = sorted((listing for listing in found if listing.at >= since), key=lambda one: one.at)[::-1]
        if after is not None:
            places = [(one.at, one.key) for one in newest_first]
            last = (after.at, (after.pk, after.sk))
            if last in places:
                return newest_first[places.index(last) + 1 :][:most]
            newest_first = [one for one in newest_first if one.at < after.at]
        return newest_first[:most]

    def page(
        self,
        owner: str,
        *,
        second: bool = False,
        after: Position | None = None,
        first: str = "0",
        last: str = "9",
        most: int = 50,
    ) -> list[Position]:
        found = [
            Position(item.owned.at, item.pk, item.sk)
            for item in self.items.values()
            if item.owned
            and (item.owned.second if second else item.owned.owner) == owner
            and first <= item.owned.at <= last
        ]
        newest_first = sorted(found, key=lambda one: (one.at, one.pk, one.sk), reverse=True)
        behind = [one for one in newest_first if after is None or (one.at, one.pk, one.sk) < _place(after)]
        return behind[:most]

    def scan(self, pk_prefix: str, sk_prefix: str = "") -> Iterator[Item]:
        counters = [Item(pk, sk, {"fen": fen}, 0) for (pk, sk), fen in self.counters.items()]
        for item in [*self.items.values(), *counters]:
            if item.pk.startswith(pk_prefix) and item.sk.startswith(sk_prefix):
                yield item

    def scan_page(
        self, pk_prefix: str, sk_prefix: str = "", *, after: tuple[str, str] | None = None, most: int = 1000
    ) -> tuple[list[Item], tuple[str, str] | None]:
        keys = sorted(key for key in [*self.items, *self.counters] if after is None or key > after)
        page = [key for key in keys[:most] if key[0].startswith(pk_prefix) and key[1].startswith(sk_prefix)]
        found = [self.items.get(key) or Item(*key, {"fen": self.counters.get(key)}, 0) for key in page]
        return found, keys[most - 1] if len(keys) > most else None

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
                self.items[write.pk, write.sk] = Item(
                    write.pk, write.sk, body, version, write.listing, write.due, write.owned
                )
        self.after_write(writes)

    def _holds(self, write: Write) -> bool:
        if isinstance(write, Count):
            total = self.counter(write.pk, write.sk) + write.amount_fen
            return write.limit_fen is None or write.amount_fen <= 0 or total <= write.limit_fen
        stored = self.items.get((write.pk, write.sk))
        return stored is None if isinstance(write, Create) else stored is not None and stored.version == write.version


def _place(position: Position) -> tuple[str, str, str]:
    return position.at, position.pk, position.sk


@dataclass
class FixedClock:
    """A clock that stands still until it is set; who sleeps hears of it at once."""

    instant: datetime = OPEN
    slept_s: float = 0.0

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return self.slept_s

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds


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

    def fingerprint(self, owner: str, wrapped_key: str, text: str) -> str:
        return hashlib.sha256(f"{wrapped_key}/{text}".encode()).hexdigest()[:16]


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

    def link(self, key: str) -> ArchiveLink:
        return ArchiveLink(f"https://archive.example/{key}", OPEN)


@dataclass
class MemoryUploads:
    """Partners' files in a dictionary; what was invited is remembered."""

    files: dict[str, bytes] = field(default_factory=dict)
    invited: list[tuple[str, bytes, int]] = field(default_factory=list)

    def invite(self, key: str, sha256: bytes, size: int) -> Invitation:
        self.invited.append((key, sha256, size))
        return Invitation(f"https://files.example/{key}", {"Content-Length": str(size)}, OPEN)

    def put(self, key: str, content: bytes) -> None:
        self.files[key] = content

    def get(self, key: str) -> bytes | None:
        return self.files.get(key)


@dataclass
class MemoryFiles:
    """The log's files in a dictionary."""

    files: dict[str, bytes] = field(default_factory=dict)

    def create(self, path: str, content: bytes) -> bool:
        own = bytes(bytearray(content))
        return self.files.setdefault(path, own) is own

    def create_all(self, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            if self.files.setdefault(path, content) != content:
                raise LogDamagedError(f"The log's {path} holds something else than its writers laid; look at it first.")

    def get_all(self, paths: Sequence[str]) -> list[bytes | None]:
        return [self.files.get(path) for path in paths]

    def put(self, path: str, content: bytes) -> None:
        self.files[path] = content

    def names(self, prefix: str) -> list[str]:
        return sorted(path for path in self.files if path.startswith(prefix))[:1000]

    def delete(self, path: str) -> None:
        self.files.pop(path, None)


class NoWitnesses:
    """Nobody answers."""

    def add_checkpoint(self, requests: Mapping[str, str]) -> dict[str, WitnessReply]:
        return {}


@dataclass
class RecordedWorkflows:
    """Remembers what was started and resumed. ``executions`` are the discounts' by name; tests let them end."""

    discounts: list[tuple[str, Document]] = field(default_factory=list)
    registrations: list[str] = field(default_factory=list)
    resumed: list[tuple[str, Document]] = field(default_factory=list)
    executions: dict[str, Execution] = field(default_factory=dict)
    redrivable: bool = False
    redriven: list[str] = field(default_factory=list)
    jobs: dict[tuple[Job, str], tuple[Execution, Document]] = field(default_factory=dict)
    """The jobs' executions by job and name, with what each was started with; tests let them end."""

    def start_job(self, job: Job, name: str, payload: Document) -> None:
        self.jobs.setdefault((job, name), (Execution(name, Running.RUNNING), payload))

    def job_execution(self, job: Job, name: str) -> Execution | None:
        found = self.jobs.get((job, name))
        return None if found is None else found[0]

    def running_jobs(self, job: Job) -> Iterator[tuple[str, Document]]:
        for (of, name), (run, payload) in self.jobs.items():
            if of is job and run.running is Running.RUNNING:
                yield name, payload

    def start_discount(self, name: str, payload: Document) -> None:
        self.discounts.append((name, payload))
        self.executions.setdefault(name, Execution(name, Running.RUNNING))

    def execution(self, name: str) -> Execution | None:
        return self.executions.get(name)

    def redrive(self, name: str) -> bool:
        if not self.redrivable or self.executions[name].running is not Running.FAILED:
            return False
        self.redriven.append(name)
        self.executions[name] = Execution(name, Running.RUNNING)
        return True

    def failed_since(self, since: datetime) -> Iterator[Execution]:
        failed = [run for run in self.executions.values() if run.running is Running.FAILED and run.ended_at]
        recent = [run for run in failed if run.ended_at and run.ended_at >= since]
        return iter(sorted(recent, key=lambda run: str(run.ended_at), reverse=True))

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
        self.refused: set[str] = set()
        """Accounts that take no payment."""
        self.sent_back: list[StatementEntry] = []
        self.clock: FixedClock | None = None
        """Where there is one, the bank books no order after its ``not_after``."""

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        if order.reference not in self.paid:
            reason = self._refusal(order)
            status = PaymentStatus.SUCCEEDED if reason is None else PaymentStatus.FAILED
            self.paid[order.reference] = PaymentAnswer(order.reference, status, f"SB{len(self.paid)}", reason)
            self.orders.append(order)
        return self._tell(order.reference)

    def _refusal(self, order: PaymentOrder) -> str | None:
        if self.clock is not None and self.clock.now() > datetime.fromisoformat(order.not_after):
            return "PAST_CUT_OFF"
        known = self.accounts.get(order.payee_account)
        good = known is not None and known[0] == order.payee_name and not self.refuse
        return None if good and order.payee_account not in self.refused else "PAYEE_REFUSED"

    def statement(self, day: date) -> list[StatementEntry]:
        booked = [
            StatementEntry(
                order.reference, order.amount_fen, PaymentStatus.SUCCEEDED, self.paid[order.reference].bank_serial
            )
            for order in self.orders
            if order.execute_on == day.isoformat() and not self._failed(order.reference)
        ]
        return [*booked, *self.sent_back]

    def send_back(self, reference: str, status: PaymentStatus = PaymentStatus.RETURNED) -> PaymentAnswer:
        """Let a paid payment come back (退票); answers the notice that the bank would send."""
        order = next(order for order in self.orders if order.reference == reference)
        self.paid[reference] = replace(self.paid[reference], status=status, reason="ACCOUNT_CLOSED")
        self.sent_back.append(StatementEntry(reference, order.amount_fen, status, self.paid[reference].bank_serial))
        return self.paid[reference]

    def _failed(self, reference: str) -> bool:
        return self.paid[reference].status is PaymentStatus.FAILED

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
    """Holdings by package; a lock belongs to its owner until it is released or endorsed.

    ``taken`` are the steps that stand, in their order: what is held now follows from ``holdings`` and them.
    """

    def __init__(self) -> None:
        self.holdings: dict[str, list[RegistryBill]] = {}
        self.taken: dict[tuple[str, str], tuple[SubBillRange, Party | None]] = {}
        self.clearing = MemoryBank()
        """Who pays when a settlement goes online (SM00)."""
        self.settlements: dict[str, PaymentAnswer] = {}

    def add(self, bill: RegistryBill) -> None:
        kept = [held for held in self.holdings.get(bill.number, []) if not held.range.overlaps(bill.range)]
        self.holdings[bill.number] = [*kept, bill]

    def find(self, number: str, rng: SubBillRange) -> RegistryBill | None:
        held = self._standing(number).holding_of(rng)
        if held is None:
            return None
        bill = self._seeded(number, held.range)
        if bill.range != held.range:
            piece = f"{bill.holding_id}/{held.range.wire()}"
            bill = replace(bill, range=held.range, face_fen=held.range.amount_fen, holding_id=piece)
        if held.state is HoldingState.LOCKED:
            bill = replace(bill, circulation=Circulation.LOCKED)
        endorsee = self.taken.get((number, held.source or ""), (rng, None))[1]
        return bill if endorsee is None else replace(bill, holder=endorsee)

    def find_many(self, wanted: Sequence[tuple[str, SubBillRange]]) -> list[RegistryBill | None]:
        return [self.find(*one) for one in wanted]

    def lock(self, number: str, rng: SubBillRange, owner: str, holder_uscc: str) -> None:
        standing = self._standing(number)
        try:
            if standing.lock(rng, owner) == standing:
                return
        except PackageError as error:
            raise BillLockedError(error.message, field="bill.range") from error
        held = standing.holding_of(rng)
        bill = self._seeded(number, rng)
        if (bill.status, bill.circulation, bill.risk) != ("CS03", "TF0301", "RS00"):
            raise BillLockedError("not free", field="bill.range")
        if held is None or held.holder != holder_uscc:
            raise BillLockedError("held by another company", field="bill.range")
        self.taken[number, owner] = (rng, None)

    def endorse(self, number: str, rng: SubBillRange, owner: str, endorsee: Party) -> None:
        if self.taken.get((number, owner), (None, None))[0] != rng:
            raise BillLockedError("no lock", field="bill.range")
        self.taken[number, owner] = (rng, endorsee)

    def release(self, number: str, rng: SubBillRange, owner: str) -> None:
        if self.taken.get((number, owner)) == (rng, None):
            del self.taken[number, owner]

    def applications(self) -> list[BillApplication]:
        taken = self.taken.items()
        return [BillApplication(at, rng, owner) for (at, owner), (rng, endorsee) in taken if endorsee is None]

    def settle(self, number: str, rng: SubBillRange, owner: str, endorsee: Party, order: PaymentOrder) -> PaymentAnswer:
        if order.reference not in self.settlements:
            if self.taken.get((number, owner)) != (rng, None):
                raise BillLockedError("no lock", field="bill.range")
            answer = self.clearing.pay(order)
            self.settlements[order.reference] = answer
            if answer.status is PaymentStatus.SUCCEEDED:
                self.endorse(number, rng, owner, endorsee)
            else:
                self.release(number, rng, owner)
        return self.settlements[order.reference]

    def settlement(self, reference: str) -> PaymentAnswer | None:
        return self.settlements.get(reference)

    def _standing(self, number: str) -> Package:
        bills = self.holdings.get(number, [])
        holdings = tuple(Holding(bill.range, bill.holder.uscc, source=bill.range.wire()) for bill in bills)
        standing = Package(number, all(bill.splittable for bill in bills), holdings)
        for (at, owner), (rng, endorsee) in self.taken.items():
            if at == number:
                standing = standing.lock(rng, owner)
                standing = standing if endorsee is None else standing.endorse(owner, endorsee.uscc)
        return standing

    def _seeded(self, number: str, rng: SubBillRange) -> RegistryBill:
        return next(bill for bill in self.holdings[number] if bill.range.contains(rng))


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
    clock, bank, bills = FixedClock(), MemoryBank(), MemoryBillRegistry()
    bank.clock, bills.clearing = clock, bank
    parts: dict[str, Any] = {
        "store": MemoryStore(),
        "clock": clock,
        "vault": PlainVault(),
        "log_signer": LocalSigner(),
        "log_origin": "rongtong.example/log",
        "files": MemoryFiles(),
        "witness_door": NoWitnesses(),
        "archive": MemoryArchive(),
        "workflows": RecordedWorkflows(),
        "banks": (bank,),
        "bills": bills,
        "invoices": MemoryInvoices(),
        "sms": MemorySms(),
        "calendar": legal_calendar(),
        "uploads": MemoryUploads(),
    }
    return Context(**{**parts, **replaced})
