"""Partial discount (部分贴现): a part of a range is discounted, the rest stays usable at once."""

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.errors import RongTongError
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services import discounts

GOOD = sample_bills()[2]
HELD = SubBillRange.parse(GOOD.request["bill"]["range"])
PART = HELD.amount_fen // 4


@pytest.fixture
def platform():
    return Platform()


def test_a_part_takes_the_first_units_and_names_what_is_left(platform):
    discount_id = platform.accept(GOOD, deal_amount_fen=PART)
    shown = discounts.view(platform.body(discount_id))
    dealt, rest = HELD.split(PART)
    assert (shown["range"], shown["remainder"], shown["face_fen"]) == (dealt.wire(), rest.wire(), PART)
    assert set(platform.used().values()) == {PART}


def test_interest_counts_on_the_part_alone(platform):
    whole, part = Platform(), platform
    whole.run(whole.accept(GOOD))
    discount_id = part.accept(GOOD, deal_amount_fen=PART)
    part.run(discount_id)
    body = part.body(discount_id)
    full = whole.body(next(item.body["discount_id"] for item in whole.context.store.states("discount#")))
    assert (body["status"], part.bank.total_fen()) == ("DISBURSED", PART - body["interest_fen"])
    assert abs(body["interest_fen"] * HELD.amount_fen - full["interest_fen"] * PART) <= HELD.amount_fen


def test_the_rest_is_discounted_while_the_part_is_not_even_verified(platform):
    first = platform.accept(GOOD, "key-1", deal_amount_fen=PART)
    _, rest = HELD.split(PART)
    second = platform.accept(GOOD, "key-2", range=rest.wire(), amount_fen=rest.amount_fen)
    platform.run(second)
    platform.run(first)
    assert [platform.body(one)["status"] for one in (first, second)] == ["DISBURSED", "DISBURSED"]
    assert platform.bank.total_fen() == HELD.amount_fen - sum(
        platform.body(one)["interest_fen"] for one in (first, second)
    )


def test_the_registry_shows_the_part_with_the_institution_and_the_rest_with_its_holder(platform):
    platform.run(platform.accept(GOOD, deal_amount_fen=PART))
    dealt, rest = HELD.split(PART)
    bills = platform.context.bills
    sold, kept = bills.find(GOOD.bill["number"], dealt), bills.find(GOOD.bill["number"], rest)
    assert (sold.range, kept.range, kept.circulation) == (dealt, rest, "TF0301")
    assert (kept.holder.uscc, sold.holder.uscc) == (GOOD.holder_uscc, "91350100MA00020104")


def test_the_part_is_not_discounted_twice(platform):
    platform.accept(GOOD, "key-1", deal_amount_fen=PART)
    with pytest.raises(RongTongError) as refused:
        platform.accept(GOOD, "key-2", deal_amount_fen=PART)
    assert refused.value.code == "RANGE_TAKEN"


def test_a_package_that_cannot_be_split_is_named_whole(platform):
    bill = sample_bills()[2]
    fen = HELD.amount_fen
    bill.bill.update({"range": "0", "splittable": False})
    discount_id = platform.accept(bill, range="0", amount_fen=fen)
    platform.run(discount_id)
    assert (platform.body(discount_id)["status"], platform.body(discount_id)["face_fen"]) == ("DISBURSED", fen)


def test_a_part_of_a_whole_package_is_refused_at_once(platform):
    with pytest.raises(RongTongError) as refused:
        platform.accept(GOOD, range="0", deal_amount_fen=PART)
    assert (refused.value.code, refused.value.field) == ("RANGE_NOT_SPLITTABLE", "bill.range")
