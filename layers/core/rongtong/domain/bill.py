"""A bill and the trade behind it, as the registries hold them and as the applicant states them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rongtong.domain.sub_bill_range import SubBillRange


@dataclass(frozen=True)
class Party:
    """A company on a bill: name, unified social credit code, account."""

    name: str
    uscc: str
    account: str


@dataclass(frozen=True)
class Endorsement:
    """One transfer (背书); ET05_01 is the plain one."""

    endorser: Party
    endorsee: Party
    date: date
    kind: str = "ET05_01"


@dataclass(frozen=True)
class RegistryBill:
    """A holding as the bill registry answers it. Codes: status CS…, circulation TF…, risk RS…, mark EM…, kind AC…."""

    number: str
    range: SubBillRange
    face_fen: int
    kind: str
    status: str
    circulation: str
    risk: str
    endorsement_mark: str
    issue_date: date
    maturity_date: date
    acceptor_name: str
    acceptor_bank_code: str
    acceptor_class: str
    drawer: Party
    payee: Party
    endorsements: tuple[Endorsement, ...]
    holder: Party
    holding_id: str
    splittable: bool
    disclosure: str
    """``consistent``, ``missing``, ``inconsistent`` or ``not_required``."""


@dataclass(frozen=True)
class Invoice:
    """An invoice as the invoice registry answers it. ``status``: valid, cancelled, red."""

    number: str
    amount_fen: int
    status: str
    buyer_uscc: str
    seller_uscc: str
    issue_date: date
    used_by: str | None


@dataclass(frozen=True)
class Order:
    """The order behind the bill, as the partner states it."""

    number: str
    amount_fen: int
    date: date
    buyer_uscc: str
    seller_uscc: str


@dataclass(frozen=True)
class Application:
    """What the applicant states of itself, the bill and the trade."""

    bill_number: str
    range: SubBillRange
    amount_fen: int
    kind: str
    issue_date: date
    maturity_date: date
    acceptor_bank_code: str
    applicant_uscc: str
    payee_account: str
    order: Order
    invoice_number: str
    invoice_claimed_fen: int
    """What is discounted on this invoice up to this request, this one included."""
