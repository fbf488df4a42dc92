"""A bill and the trade behind it, as the registries hold them and as the applicant states them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

from rongtong.domain.bill_codes import (
    BillKind,
    BillStatus,
    Circulation,
    EndorsementKind,
    EndorsementMark,
    RiskMark,
)
from rongtong.domain.sub_bill_range import SubBillRange


@dataclass(frozen=True)
class Party:
    """A company on a bill: name, unified social credit code, account."""

    name: str
    uscc: str
    account: str


@dataclass(frozen=True)
class Endorsement:
    """One entry of the chain (背书); a transfer unless it says otherwise."""

    endorser: Party
    endorsee: Party
    date: date
    kind: EndorsementKind = EndorsementKind.TRANSFER


@dataclass(frozen=True)
class RegistryBill:
    """A holding (持票) as the bill registry answers it."""

    number: str
    range: SubBillRange
    face_fen: int
    kind: BillKind
    status: BillStatus
    circulation: Circulation
    risk: RiskMark
    endorsement_mark: EndorsementMark
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

    @cached_property
    def transfers(self) -> tuple[Endorsement, ...]:
        """The entries that passed the bill on (转让背书), in their order."""
        return tuple(entry for entry in self.endorsements if entry.kind == EndorsementKind.TRANSFER)


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
    """The order or contract behind the bill (订单流), as the partner states it."""

    number: str
    amount_fen: int
    date: date
    buyer_uscc: str
    seller_uscc: str


@dataclass(frozen=True)
class Delivery:
    """A delivery under the order, as the partner states it."""

    number: str
    date: date
    consignee_uscc: str


@dataclass(frozen=True)
class MoneyFlow:
    """A payment between companies that belongs to the trade (资金流), as the partner states it."""

    payer_uscc: str
    payee_uscc: str
    amount_fen: int
    date: date


@dataclass(frozen=True)
class Trade:
    """The trade behind the bill as the applicant states it, and how much of it is already used."""

    order: Order
    invoice_number: str | None
    deliveries: tuple[Delivery, ...] = ()
    money_flows: tuple[MoneyFlow, ...] = ()
    claimed_fen: int = 0
    """What is discounted on this invoice up to this request, this one included; 0 without an invoice."""
    order_claimed_fen: int = 0
    """What is discounted on this order up to this request, this one included."""


@dataclass(frozen=True)
class Application:
    """What the applicant states of itself, the bill and the trade."""

    bill_number: str
    range: SubBillRange
    amount_fen: int
    kind: BillKind
    issue_date: date
    maturity_date: date
    acceptor_bank_code: str
    applicant_uscc: str
    payee_account: str
    trade: Trade
