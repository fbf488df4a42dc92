"""What the use cases need from banks, registries and the SMS gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from rongtong.domain.bill import Invoice, Party, RegistryBill
from rongtong.domain.errors import RongTongError
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange


class BankUnavailableError(RongTongError):
    """The bank did not answer. What became of a payment is unknown, never failed: ask again."""

    code = "BANK_UNAVAILABLE"


class RegistryUnavailableError(RongTongError):
    """A registry did not answer."""

    code = "REGISTRY_UNAVAILABLE"


class BillLockedError(RongTongError):
    """The bill registry lets nobody lock this range now: another holds it, or it no longer circulates."""

    code = "BILL_LOCKED"


class SmsUnavailableError(RongTongError):
    """The SMS gateway did not take the message."""

    code = "SMS_UNAVAILABLE"


@dataclass(frozen=True)
class PaymentOrder:
    """What the bank is told to pay. ``reference`` is unique for ever: the bank pays it at most once.

    ``execute_on`` is the day in Shanghai on which it is to be paid; the bank books nothing of it after ``not_after``
    (an instant, ISO 8601: its cut-off of that day), however late the order arrives.
    """

    reference: str
    amount_fen: int
    payee_account: str
    payee_name: str
    payee_bank_code: str
    purpose: str
    execute_on: str
    not_after: str


@dataclass(frozen=True)
class PaymentAnswer:
    """What the bank says of a payment, asked or of itself; it is not the end while it is PROCESSING or UNKNOWN."""

    reference: str
    status: PaymentStatus
    bank_serial: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class StatementEntry:
    """One booking on a day's statement. ``status`` is SUCCEEDED (money out), RETURNED or REVERSED (back again)."""

    reference: str
    amount_fen: int
    status: PaymentStatus
    bank_serial: str | None = None


class Channel(Protocol):
    """One way on which money is sent, and asked about, under references that are unique for ever."""

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        """Pay once per reference; a repeat answers what became of the first. Raises BankUnavailableError."""

    def query(self, reference: str) -> PaymentAnswer | None:
        """What became of a payment, None if the bank never saw it. Raises BankUnavailableError."""


class Bank(Channel, Protocol):
    """The institution's bank (银企直联)."""

    def statement(self, day: date) -> Sequence[StatementEntry]:
        """Every booking of a day in Shanghai (camt.053). Raises BankUnavailableError."""

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        """Whether the account is held under this name and credit code. Raises BankUnavailableError."""


@dataclass(frozen=True)
class BillApplication:
    """An application in our name that the registry has under way: the range is locked (TF0302) for its owner."""

    number: str
    range: SubBillRange
    owner: str


class BillRegistry(Protocol):
    """The bill registry (票据交易所系统)."""

    def find(self, number: str, rng: SubBillRange) -> RegistryBill | None:
        """The holding that contains the range, None if there is none. Raises RegistryUnavailableError."""

    def find_many(self, wanted: Sequence[tuple[str, SubBillRange]]) -> list[RegistryBill | None]:
        """As ``find`` for each, side by side where the registry is asked one by one, in the order asked for.

        Raises RegistryUnavailableError where it does not answer for one of them.
        """

    def lock(self, number: str, rng: SubBillRange, owner: str, holder_uscc: str) -> None:
        """Apply for the discount in the holder's name (CS03 TF0301 → TF0302); the owner's repeat is no change.

        Raises BillLockedError, also when another company holds the range by now; RegistryUnavailableError.
        """

    def endorse(self, number: str, rng: SubBillRange, owner: str, endorsee: Party) -> None:
        """Sign for the discount: the locked range passes to the endorsee; the owner's repeat is no change.

        Raises BillLockedError when the owner holds no lock, RegistryUnavailableError.
        """

    def release(self, number: str, rng: SubBillRange, owner: str) -> None:
        """Withdraw the application; no change where the owner holds no lock. Raises RegistryUnavailableError."""

    def applications(self) -> Sequence[BillApplication]:
        """Every application in our name that is neither signed for nor withdrawn. Raises RegistryUnavailableError."""

    def settle(self, number: str, rng: SubBillRange, owner: str, endorsee: Party, order: PaymentOrder) -> PaymentAnswer:
        """Settle online (SM00, delivery versus payment): the locked range and the money change hands together.

        SUCCEEDED is 清算成功. FAILED leaves the range as it was before the application. A repeat of the reference
        answers what became of the first. Raises BillLockedError when the owner holds no lock, RegistryUnavailableError.
        """

    def settlement(self, reference: str) -> PaymentAnswer | None:
        """What became of an online settlement, None if none was asked for. Raises RegistryUnavailableError."""


class InvoiceRegistry(Protocol):
    """The tax authority's invoice check (发票查验)."""

    def find(self, number: str) -> Invoice | None:
        """The invoice, None if there is none. Raises RegistryUnavailableError."""


class SmsGateway(Protocol):
    """The SMS provider."""

    def send(self, mobile: str, text: str, reference: str) -> None:
        """Send once per reference. Raises SmsUnavailableError."""


class LogFiles(Protocol):
    """Where the evidence log's files lie; readers are strongly consistent with writers."""

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that must not be there yet, durably; False where one is, whatever it holds."""

    def create_all(self, files: Mapping[str, bytes]) -> None:
        """Write files, durably; one that is there already must hold the same. Raises LogDamagedError."""

    def get_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """The files' contents in the order asked for, None for one that is not there."""

    def put(self, path: str, content: bytes) -> None:
        """Write a file, or replace it."""

    def names(self, prefix: str) -> list[str]:
        """Paths that begin so, at most 1,000 of them, in order."""

    def delete(self, path: str) -> None:
        """Remove a file, if it is there."""


@dataclass(frozen=True)
class WitnessReply:
    """What a witness answered: the HTTP status and the body."""

    status: int
    body: str


class WitnessDoor(Protocol):
    """How witnesses are asked (C2SP tlog-witness)."""

    def add_checkpoint(self, requests: Mapping[str, str]) -> dict[str, WitnessReply]:
        """Send each witness (by its submission prefix, a URL) its body, side by side; who did not answer is missing."""


@dataclass(frozen=True)
class ChainEntry:
    """What is put on the chain: a key (64 hexadecimal digits) that is put once, and its value."""

    key: str
    value: str


@dataclass(frozen=True)
class ChainReceipt:
    """Where an entry stands on the chain; ``code`` is the transaction's validation code."""

    key: str
    transaction_id: str
    block: int
    code: str


class ChainUnavailableError(RongTongError):
    """The chain did not answer: whether the entry is there nobody knows. Append it again."""

    code = "CHAIN_UNAVAILABLE"


class ChainRefusedError(RongTongError):
    """The network refused the transaction, or its endorsers disagree; the text says who and why."""

    code = "CHAIN_REFUSED"


class ChainConflictError(RongTongError):
    """Another value is on the chain under this key."""

    code = "CHAIN_CONFLICT"


class Chain(Protocol):
    """A blockchain with a contract that puts a key once."""

    def append(self, entries: Sequence[ChainEntry]) -> list[ChainReceipt]:
        """Put every entry and wait until each is committed; a repeat puts nothing twice.

        Raises ChainUnavailableError, ChainRefusedError, ChainConflictError.
        """

    def get(self, key: str) -> str | None:
        """The value under the key, None if there is none. Raises ChainUnavailableError, ChainRefusedError."""


class DomainNames(Protocol):
    """The domain name system, as far as it tells which names are registered."""

    def registered(self, names: Sequence[str]) -> Mapping[str, bool]:
        """Whether each of at most some hundred names is registered, within some seconds.

        A name that nobody answered for is left out; it raises nothing.
        """
