"""The trade behind a bill (贸易背景): whether what was stated shows a real one, and on which evidence.

Order 〔2022〕4号 articles 5 and 16 want materials that show a real transaction; 银发〔2016〕224号 spares contract and
invoice. So either an invoice does, or the match of bill, money and order flow (票据流、资金流、订单流), as configured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rongtong.domain.bill import Application, Invoice, RegistryBill
from rongtong.domain.bill_codes import BillKind
from rongtong.domain.endorsement_chain import held_since
from rongtong.domain.errors import InvalidInputError

_TOLERANCE_MAX = 100
_FIELD = "evidence"


class TradeEvidenceError(InvalidInputError):
    """An evidence requirement that cannot be read; ``field`` names the product."""

    code = "TRADE_EVIDENCE"


class Basis(StrEnum):
    """What a real trade is shown by."""

    INVOICE = "invoice"
    TRI_FLOW = "tri_flow"


class Product(StrEnum):
    """Bills for which the evidence may differ."""

    BANK_ACCEPTED = "bank_accepted"
    COMMERCIAL = "commercial"
    FINANCE_COMPANY = "finance_company"


@dataclass(frozen=True)
class EvidenceRequirement:
    """Which bases suffice (assumed: configurable; either).

    ``tolerance_percent``: how far payments and bill together may lie above or below the order (assumed: configurable;
    not at all).
    """

    bases: frozenset[Basis] = frozenset(Basis)
    tolerance_percent: int = 0


@dataclass(frozen=True)
class TradeMatch:
    """What comparing the trade with the registries came to.

    ``basis`` is what was looked at, None where nothing stated could be; ``reason`` why it shows no real trade, None if
    it does; ``compared`` the codes that were tried, in their order, the last of them being the reason if there is one.
    """

    basis: Basis | None
    reason: str | None
    compared: tuple[str, ...]


def product_of(bill: RegistryBill) -> Product:
    """The product that a bill of the registry belongs to."""
    if bill.kind is BillKind.COMMERCIALLY_ACCEPTED:
        return Product.COMMERCIAL
    return Product.FINANCE_COMPANY if bill.acceptor_class == "finance_company" else Product.BANK_ACCEPTED


def parse_requirements(document: object) -> Mapping[str, EvidenceRequirement]:
    """Read ``{"commercial": ["invoice"], "tolerance_percent": 0}``; a product that is not named takes either basis.

    The tolerance, 0 to 100 percent, holds for every product. Raises TradeEvidenceError.
    """
    if not isinstance(document, Mapping):
        raise TradeEvidenceError('The evidence looks like {"commercial": ["invoice"]}.', field=_FIELD)
    for name in document:
        if name != "tolerance_percent" and name not in list(Product):
            known = ", ".join(Product)
            raise TradeEvidenceError(f"{name!r} is no product; use {known}.", field=f"{_FIELD}.{name}")
    tolerance = document.get("tolerance_percent", 0)
    if type(tolerance) is not int or not 0 <= tolerance <= _TOLERANCE_MAX:
        raise TradeEvidenceError(
            "tolerance_percent is a whole number from 0 to 100.", field=f"{_FIELD}.tolerance_percent"
        )
    return {
        product.value: EvidenceRequirement(_bases(document.get(product, list(Basis)), product), tolerance)
        for product in Product
    }


def match_trade(
    application: Application,
    bill: RegistryBill,
    invoice: Invoice | None,
    requirement: EvidenceRequirement,
    today: date,
) -> TradeMatch:
    """Compare the stated trade with what the registries hold of invoice and bill; the first fault is the reason.

    An invoice number makes the invoice the basis, money flows without one the match of the three flows. Reasons:
    TRADE_EVIDENCE_MISSING neither is stated, TRADE_BASIS the product does not take the one that is;
    INVOICE_NOT_FOUND, INVOICE_CANCELLED, INVOICE_RED, INVOICE_USED, INVOICE_PARTIES, INVOICE_AMOUNT;
    ORDER_PARTIES the order is not between prior hand and applicant, ORDER_AMOUNT, ORDER_USED;
    MONEY_FLOW_PARTIES money moved between others, MONEY_FLOW_AMOUNT more or less moved than was ordered,
    DELIVERY_PARTIES; TRADE_DATES, also where the order is younger than the applicant's hold of the bill.
    """
    trade = application.trade
    if trade.invoice_number is None and not trade.money_flows:
        return TradeMatch(None, "TRADE_EVIDENCE_MISSING", ("TRADE_EVIDENCE_MISSING",))
    basis = Basis.TRI_FLOW if trade.invoice_number is None else Basis.INVOICE
    if basis not in requirement.bases:
        return TradeMatch(None, "TRADE_BASIS", ("TRADE_BASIS",))
    if basis is Basis.TRI_FLOW:
        return _first(basis, _tri_flow_faults(application, bill, requirement.tolerance_percent, today))
    if invoice is None:
        return TradeMatch(basis, "INVOICE_NOT_FOUND", ("INVOICE_NOT_FOUND",))
    return _first(basis, _invoice_faults(application, bill, invoice, today))


def _bases(listed: object, product: Product) -> frozenset[Basis]:
    known = list(Basis)
    if not isinstance(listed, list) or not listed or not all(basis in known for basis in listed):
        raise TradeEvidenceError(
            f"List what suffices for {product}: {', '.join(Basis)}, or both.", field=f"{_FIELD}.{product}"
        )
    return frozenset(Basis(basis) for basis in listed)


def _first(basis: Basis, faults: Iterable[tuple[bool, str]]) -> TradeMatch:
    compared: list[str] = []
    for holds, reason in faults:
        if reason not in compared:
            compared.append(reason)
        if holds:
            return TradeMatch(basis, reason, tuple(compared))
    return TradeMatch(basis, None, tuple(compared))


def _invoice_faults(
    application: Application, bill: RegistryBill, invoice: Invoice, today: date
) -> Iterable[tuple[bool, str]]:
    order, buyer = application.trade.order, application.trade.order.buyer_uscc
    return [
        (invoice.status == "cancelled", "INVOICE_CANCELLED"),
        (invoice.status != "valid", "INVOICE_RED"),
        (invoice.used_by is not None, "INVOICE_USED"),
        (invoice.seller_uscc != application.applicant_uscc, "INVOICE_PARTIES"),
        (invoice.amount_fen < application.amount_fen, "INVOICE_AMOUNT"),
        (invoice.amount_fen < application.trade.claimed_fen, "INVOICE_USED"),
        (buyer != invoice.buyer_uscc or buyer != _last_hands(bill)[0], "ORDER_PARTIES"),
        (order.amount_fen < application.amount_fen, "ORDER_AMOUNT"),
        (order.amount_fen < application.trade.order_claimed_fen, "ORDER_USED"),
        (order.date > min(invoice.issue_date, _received_on(bill)) or invoice.issue_date > today, "TRADE_DATES"),
    ]


def _tri_flow_faults(
    application: Application, bill: RegistryBill, tolerance_percent: int, today: date
) -> Iterable[tuple[bool, str]]:
    trade, order = application.trade, application.trade.order
    traders = (order.buyer_uscc, application.applicant_uscc)
    # All of the bill pays for the order, however little of it is discounted now, and so does whatever was discounted
    # on the order before.
    paid_fen = sum(flow.amount_fen for flow in trade.money_flows) + max(bill.face_fen, trade.order_claimed_fen)
    off_fen = abs(paid_fen - order.amount_fen)
    dates = [flow.date for flow in trade.money_flows] + [delivery.date for delivery in trade.deliveries]
    return [
        (order.seller_uscc != application.applicant_uscc or _last_hands(bill) != traders, "ORDER_PARTIES"),
        (order.amount_fen < application.amount_fen, "ORDER_AMOUNT"),
        (order.amount_fen < trade.order_claimed_fen, "ORDER_USED"),
        (any((flow.payer_uscc, flow.payee_uscc) != traders for flow in trade.money_flows), "MONEY_FLOW_PARTIES"),
        (off_fen * 100 > order.amount_fen * tolerance_percent, "MONEY_FLOW_AMOUNT"),
        (any(delivery.consignee_uscc != order.buyer_uscc for delivery in trade.deliveries), "DELIVERY_PARTIES"),
        (
            order.date > _received_on(bill) or any(not order.date <= day <= today for day in dates),
            "TRADE_DATES",
        ),
    ]


def _received_on(bill: RegistryBill) -> date:
    """The day on which the holder got the bill: that of the last transfer, or of its issue."""
    return held_since(bill) or bill.issue_date


def _last_hands(bill: RegistryBill) -> tuple[str, str]:
    """Credit codes of the prior hand and of whom it gave the bill to, at its issue or by the last transfer."""
    passed = bill.transfers
    if not passed:
        return bill.drawer.uscc, bill.payee.uscc
    return passed[-1].endorser.uscc, passed[-1].endorsee.uscc
