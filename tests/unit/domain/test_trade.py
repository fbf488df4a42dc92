"""The trade behind a bill: evidence that a product takes, the invoice, and the match of the three flows."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from builders import BUYER, DRAWER, OTHER, SELLER, application_for, bill_of
from rongtong.domain.bill import Delivery, Endorsement, Invoice, MoneyFlow, Order, Trade
from rongtong.domain.bill_codes import BillKind, EndorsementKind
from rongtong.domain.trade import (
    Basis,
    EvidenceRequirement,
    TradeEvidenceError,
    TradeMatch,
    match_trade,
    parse_requirements,
    product_of,
)

TODAY = date(2026, 4, 15)
BILL = bill_of(Endorsement(BUYER, SELLER, date(2026, 3, 2)), payee=BUYER)
ORDER = Order("PO-1", 1_500, date(2026, 1, 10), BUYER.uscc, SELLER.uscc)
INVOICE = Invoice("I-1", 1_200, "valid", BUYER.uscc, SELLER.uscc, date(2026, 1, 20), None)
FLOW = MoneyFlow(BUYER.uscc, SELLER.uscc, 500, date(2026, 1, 30))
DELIVERY = Delivery("D-1", date(2026, 1, 25), BUYER.uscc)
INVOICED = Trade(ORDER, "I-1")
FLOWING = Trade(ORDER, None, (DELIVERY,), (FLOW,))
EITHER = EvidenceRequirement()
INVOICE_CODES = (
    "INVOICE_CANCELLED",
    "INVOICE_RED",
    "INVOICE_USED",
    "INVOICE_PARTIES",
    "INVOICE_AMOUNT",
    "ORDER_PARTIES",
    "ORDER_AMOUNT",
    "ORDER_USED",
    "TRADE_DATES",
)
FLOW_CODES = (
    "ORDER_PARTIES",
    "ORDER_AMOUNT",
    "ORDER_USED",
    "MONEY_FLOW_PARTIES",
    "MONEY_FLOW_AMOUNT",
    "DELIVERY_PARTIES",
    "TRADE_DATES",
)


def match(trade, *, invoice=INVOICE, bill=BILL, requirement=EITHER, amount_fen=1_000, today=TODAY):
    application = application_for(BILL, trade, amount_fen=amount_fen)
    return match_trade(application, bill, invoice, requirement, today)


def flowing(**changes):
    return match(replace(FLOWING, **changes), invoice=None)


def test_a_matching_invoice_shows_the_trade_and_every_comparison_is_named():
    assert match(INVOICED) == TradeMatch(Basis.INVOICE, None, INVOICE_CODES)


def test_three_matching_flows_show_the_trade_and_every_comparison_is_named():
    assert match(FLOWING, invoice=None) == TradeMatch(Basis.TRI_FLOW, None, FLOW_CODES)


def test_an_invoice_number_makes_the_invoice_the_basis_even_beside_money_flows():
    assert match(replace(FLOWING, invoice_number="I-1")).basis is Basis.INVOICE


def test_neither_invoice_nor_money_flows_is_no_evidence():
    missing = TradeMatch(None, "TRADE_EVIDENCE_MISSING", ("TRADE_EVIDENCE_MISSING",))
    assert match(replace(FLOWING, money_flows=()), invoice=None) == missing


@pytest.mark.parametrize(("trade", "only"), [(INVOICED, Basis.TRI_FLOW), (FLOWING, Basis.INVOICE)])
def test_a_basis_that_the_product_does_not_take_is_refused(trade, only):
    requirement = EvidenceRequirement(frozenset({only}))
    assert match(trade, requirement=requirement) == TradeMatch(None, "TRADE_BASIS", ("TRADE_BASIS",))


@pytest.mark.parametrize(("trade", "only"), [(INVOICED, Basis.INVOICE), (FLOWING, Basis.TRI_FLOW)])
def test_the_only_basis_that_the_product_takes_suffices(trade, only):
    assert match(trade, requirement=EvidenceRequirement(frozenset({only}))).reason is None


def test_an_invoice_that_the_registry_does_not_know_is_named_alone():
    assert match(INVOICED, invoice=None) == TradeMatch(Basis.INVOICE, "INVOICE_NOT_FOUND", ("INVOICE_NOT_FOUND",))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "cancelled"}, "INVOICE_CANCELLED"),
        ({"status": "red"}, "INVOICE_RED"),
        ({"status": "CANCELLED"}, "INVOICE_RED"),
        ({"used_by": "dsc_1"}, "INVOICE_USED"),
        ({"seller_uscc": OTHER.uscc}, "INVOICE_PARTIES"),
        ({"amount_fen": 999}, "INVOICE_AMOUNT"),
        ({"buyer_uscc": OTHER.uscc}, "ORDER_PARTIES"),
        ({"issue_date": ORDER.date - timedelta(days=1)}, "TRADE_DATES"),
        ({"issue_date": TODAY + timedelta(days=1)}, "TRADE_DATES"),
    ],
)
def test_an_invoice_fault_is_the_reason(changes, reason):
    assert match(INVOICED, invoice=replace(INVOICE, **changes)).reason == reason


@pytest.mark.parametrize("changes", [{"amount_fen": 1_000}, {"issue_date": ORDER.date}, {"issue_date": TODAY}], ids=str)
def test_an_invoice_at_the_edge_still_shows_the_trade(changes):
    assert match(INVOICED, invoice=replace(INVOICE, **changes)).reason is None


def test_comparing_stops_at_the_first_fault():
    found = match(INVOICED, invoice=replace(INVOICE, used_by="dsc_1", seller_uscc=OTHER.uscc))
    assert found == TradeMatch(Basis.INVOICE, "INVOICE_USED", INVOICE_CODES[:3])


def test_an_invoice_used_up_by_other_discounts_is_named_once_among_the_comparisons():
    found = match(replace(INVOICED, claimed_fen=1_201))
    assert found == TradeMatch(Basis.INVOICE, "INVOICE_USED", INVOICE_CODES[:5])


def test_an_invoice_may_be_used_to_its_last_fen():
    assert match(replace(INVOICED, claimed_fen=1_200)).reason is None


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (replace(ORDER, buyer_uscc=OTHER.uscc), "ORDER_PARTIES"),
        (replace(ORDER, amount_fen=999), "ORDER_AMOUNT"),
        (replace(ORDER, amount_fen=1_000), None),
    ],
)
def test_an_invoiced_order_is_with_the_prior_hand_and_of_the_bills_amount(order, reason):
    assert match(replace(INVOICED, order=order)).reason == reason


def test_the_invoices_buyer_is_the_prior_hand():
    order, invoice = replace(ORDER, buyer_uscc=OTHER.uscc), replace(INVOICE, buyer_uscc=OTHER.uscc)
    assert match(replace(INVOICED, order=order), invoice=invoice).reason == "ORDER_PARTIES"


@pytest.mark.parametrize("trade", [INVOICED, FLOWING])
def test_the_prior_hand_of_a_bill_without_transfers_is_its_drawer(trade):
    bill = replace(BILL, drawer=BUYER, payee=SELLER, endorsements=())
    assert match(trade, bill=bill).reason is None


def test_a_guarantee_is_no_prior_hand():
    guarantee = Endorsement(OTHER, SELLER, date(2026, 3, 3), EndorsementKind.GUARANTEE)
    assert match(FLOWING, bill=replace(BILL, endorsements=(*BILL.endorsements, guarantee))).reason is None


@pytest.mark.parametrize(
    "order", [replace(ORDER, buyer_uscc=OTHER.uscc), replace(ORDER, seller_uscc=OTHER.uscc)], ids=["buyer", "seller"]
)
def test_an_order_between_others_than_prior_hand_and_applicant_is_refused(order):
    assert flowing(order=order) == TradeMatch(Basis.TRI_FLOW, "ORDER_PARTIES", ("ORDER_PARTIES",))


def test_a_bill_that_went_from_the_buyer_to_another_does_not_flow_with_the_trade():
    bill = replace(BILL, endorsements=(Endorsement(BUYER, OTHER, date(2026, 3, 2)),))
    assert match(FLOWING, bill=bill, invoice=None).reason == "ORDER_PARTIES"


def test_a_bill_issued_to_another_does_not_flow_with_the_trade():
    bill = replace(BILL, drawer=BUYER, payee=OTHER, endorsements=())
    assert match(FLOWING, bill=bill, invoice=None).reason == "ORDER_PARTIES"


@pytest.mark.parametrize(("amount_fen", "reason"), [(999, "ORDER_AMOUNT"), (1_500, None)])
def test_an_order_is_as_large_as_the_bill(amount_fen, reason):
    assert flowing(order=replace(ORDER, amount_fen=amount_fen)).reason == reason


def test_an_order_of_the_bills_very_amount_leaves_nothing_for_other_payments():
    found = flowing(order=replace(ORDER, amount_fen=1_000), money_flows=(replace(FLOW, amount_fen=1),))
    assert found == TradeMatch(Basis.TRI_FLOW, "MONEY_FLOW_AMOUNT", FLOW_CODES[:5])


def test_an_order_is_used_up_when_more_is_discounted_on_it_than_it_pays():
    assert flowing(order_claimed_fen=1_501).reason == "ORDER_USED"


def test_an_order_discounted_to_its_last_fen_is_not_used_up_but_leaves_no_room_for_payments():
    assert flowing(order_claimed_fen=1_500).reason == "MONEY_FLOW_AMOUNT"


@pytest.mark.parametrize(("paid_fen", "reason"), [(300, None), (301, "MONEY_FLOW_AMOUNT"), (299, "MONEY_FLOW_AMOUNT")])
def test_what_was_discounted_on_the_order_before_pays_for_it_too(paid_fen, reason):
    paid = (replace(FLOW, amount_fen=paid_fen),)
    assert flowing(order_claimed_fen=1_200, money_flows=paid).reason == reason


def test_what_is_discounted_on_an_invoice_counts_nothing_where_there_is_none():
    assert flowing(claimed_fen=5_000).reason is None


def test_a_bill_discounted_in_part_pays_with_all_of_it():
    assert match(FLOWING, amount_fen=1).reason is None


@pytest.mark.parametrize(("claimed_fen", "reason"), [(1_501, "ORDER_USED"), (1_500, None)])
def test_an_order_is_used_up_beside_an_invoice_too(claimed_fen, reason):
    assert match(replace(INVOICED, order_claimed_fen=claimed_fen)).reason == reason


def test_an_invoice_is_used_only_by_what_is_discounted_on_itself():
    assert match(replace(INVOICED, claimed_fen=1_000, order_claimed_fen=1_400)).reason is None


@pytest.mark.parametrize(("paid_fen", "reason"), [(500, None), (501, "MONEY_FLOW_AMOUNT"), (499, "MONEY_FLOW_AMOUNT")])
def test_payments_and_bill_together_are_what_was_ordered(paid_fen, reason):
    assert flowing(money_flows=(replace(FLOW, amount_fen=paid_fen),)).reason == reason


def test_all_payments_count():
    assert (
        flowing(money_flows=(replace(FLOW, amount_fen=499), replace(FLOW, amount_fen=2))).reason == "MONEY_FLOW_AMOUNT"
    )


@pytest.mark.parametrize(
    ("paid_fen", "reason"),
    [(650, None), (651, "MONEY_FLOW_AMOUNT"), (350, None), (349, "MONEY_FLOW_AMOUNT")],
)
def test_the_tolerance_is_a_percentage_of_the_order(paid_fen, reason):
    trade = replace(FLOWING, money_flows=(replace(FLOW, amount_fen=paid_fen),))
    assert match(trade, requirement=EvidenceRequirement(tolerance_percent=10)).reason == reason


@pytest.mark.parametrize(
    "other",
    [
        replace(FLOW, payer_uscc=OTHER.uscc),
        replace(FLOW, payee_uscc=OTHER.uscc),
        replace(FLOW, payer_uscc=SELLER.uscc, payee_uscc=BUYER.uscc),
        replace(FLOW, payer_uscc=DRAWER.uscc),
    ],
    ids=["payer", "payee", "back", "drawer"],
)
def test_money_of_the_trade_moves_only_from_the_buyer_to_the_applicant(other):
    small = replace(FLOW, amount_fen=1)
    assert flowing(money_flows=(small, replace(other, amount_fen=1))).reason == "MONEY_FLOW_PARTIES"


def test_a_delivery_to_another_than_the_buyer_is_refused():
    assert flowing(deliveries=(DELIVERY, replace(DELIVERY, consignee_uscc=OTHER.uscc))).reason == "DELIVERY_PARTIES"


def test_no_delivery_need_be_stated():
    assert flowing(deliveries=()).reason is None


@pytest.mark.parametrize("day", [ORDER.date, TODAY])
def test_payments_and_deliveries_lie_between_order_and_today(day):
    assert flowing(money_flows=(replace(FLOW, date=day),), deliveries=(replace(DELIVERY, date=day),)).reason is None


@pytest.mark.parametrize("day", [ORDER.date - timedelta(days=1), TODAY + timedelta(days=1)])
@pytest.mark.parametrize("part", ["money_flows", "deliveries"])
def test_a_payment_or_delivery_before_the_order_or_after_today_is_out_of_order(day, part):
    dated = {"money_flows": replace(FLOW, date=day), "deliveries": replace(DELIVERY, date=day)}[part]
    assert flowing(**{part: (dated,)}).reason == "TRADE_DATES"


RECEIVED, LATE = date(2026, 3, 2), date(2026, 3, 10)
"""When the applicant got the bill, and a day after it for the rest of the trade."""
LATE_FLOWING = replace(FLOWING, money_flows=(replace(FLOW, date=LATE),), deliveries=(replace(DELIVERY, date=LATE),))


@pytest.mark.parametrize("trade", [INVOICED, LATE_FLOWING], ids=["invoice", "flows"])
@pytest.mark.parametrize(("day", "reason"), [(RECEIVED, None), (RECEIVED + timedelta(days=1), "TRADE_DATES")])
def test_nobody_is_paid_with_a_bill_for_what_is_ordered_later(trade, day, reason):
    dated = replace(trade, order=replace(ORDER, date=day))
    assert match(dated, invoice=replace(INVOICE, issue_date=LATE)).reason == reason


@pytest.mark.parametrize("trade", [INVOICED, LATE_FLOWING], ids=["invoice", "flows"])
@pytest.mark.parametrize(("days", "reason"), [(0, None), (1, "TRADE_DATES")])
def test_a_payee_got_the_bill_on_the_day_of_its_issue(trade, days, reason):
    bill = replace(BILL, drawer=BUYER, payee=SELLER, endorsements=())
    dated = replace(trade, order=replace(ORDER, date=bill.issue_date + timedelta(days=days)))
    assert match(dated, bill=bill, invoice=replace(INVOICE, issue_date=LATE)).reason == reason


@pytest.mark.parametrize(
    ("kind", "acceptor_class", "product"),
    [
        (BillKind.BANK_ACCEPTED, "state_joint", "bank_accepted"),
        (BillKind.BANK_ACCEPTED, "finance_company", "finance_company"),
        (BillKind.COMMERCIALLY_ACCEPTED, "commercial", "commercial"),
        (BillKind.COMMERCIALLY_ACCEPTED, "finance_company", "commercial"),
    ],
)
def test_the_product_follows_kind_and_acceptor(kind, acceptor_class, product):
    assert product_of(replace(BILL, kind=kind, acceptor_class=acceptor_class)) == product


def test_every_product_takes_either_basis_unless_configured():
    either = EvidenceRequirement(frozenset({Basis.INVOICE, Basis.TRI_FLOW}), 0)
    assert parse_requirements({}) == {"bank_accepted": either, "commercial": either, "finance_company": either}


def test_a_product_takes_what_is_configured_for_it_and_the_tolerance_holds_for_all():
    read = parse_requirements({"commercial": ["invoice"], "finance_company": ["tri_flow"], "tolerance_percent": 5})
    assert read == {
        "bank_accepted": EvidenceRequirement(frozenset({Basis.INVOICE, Basis.TRI_FLOW}), 5),
        "commercial": EvidenceRequirement(frozenset({Basis.INVOICE}), 5),
        "finance_company": EvidenceRequirement(frozenset({Basis.TRI_FLOW}), 5),
    }


@pytest.mark.parametrize("percent", [0, 100])
def test_a_tolerance_lies_between_nothing_and_all(percent):
    assert parse_requirements({"tolerance_percent": percent})["commercial"].tolerance_percent == percent


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        (["invoice"], "evidence", "looks like"),
        ({"banks": ["invoice"]}, "evidence.banks", "bank_accepted, commercial, finance_company"),
        ({"commercial": []}, "evidence.commercial", "invoice, tri_flow"),
        ({"commercial": "invoice"}, "evidence.commercial", "commercial"),
        ({"commercial": ["invoice", "contract"]}, "evidence.commercial", "invoice, tri_flow"),
        ({"commercial": [["invoice"]]}, "evidence.commercial", "invoice, tri_flow"),
        ({"tolerance_percent": -1}, "evidence.tolerance_percent", "0 to 100"),
        ({"tolerance_percent": 101}, "evidence.tolerance_percent", "0 to 100"),
        ({"tolerance_percent": True}, "evidence.tolerance_percent", "0 to 100"),
        ({"tolerance_percent": "5"}, "evidence.tolerance_percent", "0 to 100"),
    ],
)
def test_a_requirement_that_cannot_be_read_names_its_field(document, field, says):
    with pytest.raises(TradeEvidenceError, match=says) as refused:
        parse_requirements(document)
    assert (refused.value.code, refused.value.field) == ("TRADE_EVIDENCE", field)
