"""What a trade pays for is discounted once, by invoice and by order; and who pays the interest."""

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.errors import RongTongError
from rongtong.domain.rates import RateTableError
from rongtong.services.waiting import confirm

GOOD, OTHER = sample_bills()[2], sample_bills()[4]
ORDER = GOOD.request["trade"]["order_number"]
TRI_FLOW = next(bill for bill in sample_bills() if "invoice_number" not in bill.request["trade"] and not bill.reason)


@pytest.fixture
def platform():
    return Platform(("partner-a", "partner-b"))


def _end(platform, discount_id):
    platform.run(discount_id)
    body = platform.body(discount_id)
    return body["status"], body.get("reason")


def test_an_order_that_an_invoice_stood_for_does_not_pay_again_without_one(platform):
    fen = TRI_FLOW.request["bill"]["amount_fen"]
    trade = TRI_FLOW.request["trade"]
    first = next(bill for bill in sample_bills() if bill.holder_uscc == TRI_FLOW.holder_uscc and bill is not TRI_FLOW)
    platform.accept(first, "key-1", order_number=trade["order_number"])
    assert first.request["bill"]["amount_fen"] > 100
    assert _end(platform, platform.accept(TRI_FLOW, "key-2")) == ("REFUSED", "ORDER_USED")
    assert fen > 0


def test_two_invoices_on_one_order_do_not_exceed_it(platform):
    same = [bill for bill in sample_bills() if bill.holder_uscc == GOOD.holder_uscc and not bill.reason and bill.bill]
    second = next(bill for bill in same if bill.line != GOOD.line and "invoice_number" in bill.request["trade"])
    platform.accept(GOOD, "key-1")
    ends = _end(platform, platform.accept(second, "key-2", order_number=ORDER))
    room = second.request["trade"]["order_amount_fen"] - second.request["bill"]["amount_fen"]
    assert ends == (("REFUSED", "ORDER_USED") if room < GOOD.request["bill"]["amount_fen"] else ("DISBURSED", None))


def test_payments_that_do_not_add_up_to_the_order_prove_no_trade(platform):
    more = {"order_amount_fen": TRI_FLOW.request["trade"]["order_amount_fen"] + 1}
    assert _end(platform, platform.accept(TRI_FLOW, "key-1", **more)) == ("REFUSED", "MONEY_FLOW_AMOUNT")


@pytest.mark.parametrize(
    ("interest", "institution", "code", "field"),
    [
        ({"payer": "buyer", "agreement": "AG-1"}, "bank-2", "INTEREST_PAYER_NOT_AGREED", "interest.payer"),
        ({"payer": "buyer"}, "bank-1", "INTEREST_AGREEMENT_MISSING", "interest.agreement"),
        (
            {"payer": "agreement", "buyer_share_percent": "100"},
            "bank-1",
            "INTEREST_AGREEMENT_MISSING",
            "interest.agreement",
        ),
    ],
)
def test_nobody_waives_the_interest_alone(platform, interest, institution, code, field):
    with pytest.raises(RongTongError) as refused:
        platform.accept(GOOD, interest=interest, institution_id=institution)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_an_agreed_buyer_pays_and_the_seller_gets_the_face(platform):
    discount_id = platform.accept(GOOD, interest={"payer": "buyer", "agreement": "AG-1"}, institution_id="bank-1")
    platform.run(discount_id)
    body = platform.body(discount_id)
    assert body["proceeds_fen"] == body["face_fen"]
    assert body["buyer_interest_fen"] == body["interest_fen"] > 0


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"kind": "AC02"}, "KIND_MISMATCH", "bill.kind"),
        ({"order_buyer_uscc": "11010519491231002X"}, "USCC_INVALID", "trade.order_buyer_uscc"),
        (
            {"money_flows": ({"payer_uscc": "11010519491231002X", "payee_uscc": GOOD.holder_uscc},)},
            "USCC_INVALID",
            "trade.money_flows.0.payer_uscc",
        ),
        (
            {"deliveries": ({"consignee_uscc": "11010519491231002X"},)},
            "USCC_INVALID",
            "trade.deliveries.0.consignee_uscc",
        ),
    ],
)
def test_what_is_no_company_or_another_kind_is_refused_before_it_is_stored(platform, changes, code, field):
    with pytest.raises(RongTongError) as refused:
        platform.accept(GOOD, **changes)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert "11010519491231002X" not in str(platform.context.store.items)


def test_where_an_operator_was_is_kept_as_keyed_hashes(platform):
    access = {"ip": "203.0.113.7", "device": "device-1", "region": "350100"}
    discount_id = platform.accept(GOOD, access=access)
    stored = str(platform.context.store.items)
    assert "203.0.113.7" not in stored
    assert platform.context.store.get(f"discount#{discount_id}", "state").listing.summary["access"][2] == "350100"


def test_where_an_operator_confirmed_later_is_kept_beside_the_event(platform):
    discount_id = platform.accept(GOOD, confirmed=False)
    platform.run(discount_id)
    access = {"ip": "203.0.113.7", "region": "350100"}
    confirm(platform.context, platform.discount(discount_id), "operator-1", ("password", "otp"), access)
    events = platform.context.store.query(f"discount#{discount_id}", "event#")
    (confirmed,) = [found.body for found in events if found.body["event"]["type"] == "DiscountConfirmed"]
    assert confirmed["beside"]["access"][1:] == ["", "350100"]
    assert "203.0.113.7" not in str(platform.context.store.items)
    assert "access" not in confirmed["event"]["data"]


def test_a_damaged_rate_table_is_nobody_s_refusal(platform):
    item = platform.context.store.get("institution#" + GOOD.request["institution_id"], "state")
    platform.context.store.transact([item.replaced({**item.body, "rate_tables": [{"version": 1}]})])
    discount_id = platform.accept(GOOD)
    with pytest.raises(RateTableError):
        platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "ACCEPTED"


def test_a_package_that_is_not_whole_is_not_meant_by_nought(platform):
    bill = sample_bills()[2]
    half = bill.request["bill"]["amount_fen"] // 2
    start = int(bill.request["bill"]["range"].split("-")[0])
    bill.bill.update({"range": f"000000000001-{start + 2 * half:012d}", "face_fen": start + 2 * half})
    discount_id = platform.accept(bill, range="0", amount_fen=half)
    assert _end(platform, discount_id) == ("REFUSED", "RANGE_NOT_HELD")
