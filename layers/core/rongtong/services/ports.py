"""What the use cases need from banks, registries and the SMS gateway."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rongtong.domain.bill import Invoice, Party, RegistryBill
from rongtong.domain.errors import RongTongError
from rongtong.domain.lifecycle import PaymentStatus
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
    """What the bank is told to pay. ``reference`` is unique for ever: the bank pays it at most once."""

    reference: str
    amount_fen: int
    payee_account: str
    payee_name: str
    payee_bank_code: str
    purpose: str


@dataclass(frozen=True)
class PaymentAnswer:
    """What the bank says of a payment; only SUCCEEDED and FAILED are final."""

    reference: str
    status: PaymentStatus
    bank_serial: str | None = None
    reason: str | None = None


class Bank(Protocol):
    """The institution's bank (银企直联)."""

    def pay(self, order: PaymentOrder) -> PaymentAnswer:
        """Pay once per reference; a repeat answers what became of the first. Raises BankUnavailableError."""

    def query(self, reference: str) -> PaymentAnswer | None:
        """What became of a payment, None if the bank never saw it. Raises BankUnavailableError."""

    def verify_account(self, account_number: str, account_name: str, uscc: str) -> bool:
        """Whether the account is held under this name and credit code. Raises BankUnavailableError."""


class BillRegistry(Protocol):
    """The bill registry (票据交易所系统)."""

    def find(self, number: str, rng: SubBillRange) -> RegistryBill | None:
        """The holding that contains the range, None if there is none. Raises RegistryUnavailableError."""

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


class InvoiceRegistry(Protocol):
    """The tax authority's invoice check (发票查验)."""

    def find(self, number: str) -> Invoice | None:
        """The invoice, None if there is none. Raises RegistryUnavailableError."""


class SmsGateway(Protocol):
    """The SMS provider."""

    def send(self, mobile: str, text: str, reference: str) -> None:
        """Send once per reference. Raises SmsUnavailableError."""
