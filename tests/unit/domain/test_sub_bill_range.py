"""Sub-bill ranges: wire forms, amounts, splits."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.errors import SubBillRangeError
from rongtong.domain.money import fen_to_yuan, yuan_to_fen
from rongtong.domain.sub_bill_range import SubBillRange

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
STARTS = st.integers(1, 10**9)
RANGES = st.builds(lambda start, size: SubBillRange(start, start + size), STARTS, st.integers(0, 10**9))


@pytest.mark.parametrize("vector", VECTORS["range_amount"])
def test_published_ranges_hold_their_amounts(vector):
    assert fen_to_yuan(SubBillRange.parse(vector["range"]).amount_fen) == vector["amount"]


@pytest.mark.parametrize("vector", VECTORS["split"])
def test_published_splits(vector):
    dealt, rest = SubBillRange(vector["begin"], vector["end"]).split(yuan_to_fen(vector["deal"]))
    assert [[dealt.start, dealt.end], [rest.start, rest.end]] == [vector["dealt"], vector["rest"]]


@given(RANGES)
def test_the_wire_form_has_25_characters_and_reads_back(rng):
    assert len(rng.wire()) == 25
    assert SubBillRange.parse(rng.wire()) == SubBillRange.parse(f"{rng.start}-{rng.end}") == rng


@given(RANGES, st.data())
def test_a_split_keeps_every_unit_exactly_once(rng, data):
    dealt, rest = rng.split(data.draw(st.integers(1, rng.amount_fen)))
    assert dealt.amount_fen + (rest.amount_fen if rest else 0) == rng.amount_fen
    assert dealt.start == rng.start
    if rest:
        assert (rest.start, rest.end) == (dealt.end + 1, rng.end)
        assert not dealt.overlaps(rest)


@given(RANGES, RANGES)
def test_ranges_overlap_when_a_unit_belongs_to_both(left, right):
    assert left.overlaps(right) == (max(left.start, right.start) <= min(left.end, right.end)) == right.overlaps(left)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("10-9", "RANGE_UPSIDE_DOWN"),
        ("0-0", "RANGE_FORMAT"),
        ("0", "RANGE_FORMAT"),
        ("", "RANGE_FORMAT"),
        ("1-0000000000001", "RANGE_FORMAT"),
        ("１-2", "RANGE_FORMAT"),
        ("1 - 2", "RANGE_FORMAT"),
    ],
)
def test_what_is_no_range_is_refused_by_name(text, code):
    with pytest.raises(SubBillRangeError) as refused:
        SubBillRange.parse(text)
    assert (refused.value.code, refused.value.field) == (code, "bill.range")


def test_an_amount_that_does_not_fit_is_refused_with_its_field():
    with pytest.raises(SubBillRangeError) as refused:
        SubBillRange(1, 100).require_amount(101)
    assert (refused.value.code, refused.value.field) == ("RANGE_AMOUNT_MISMATCH", "bill.amount_fen")


@pytest.mark.parametrize("deal_fen", [0, -1, 101])
def test_a_deal_outside_the_holding_is_refused(deal_fen):
    with pytest.raises(SubBillRangeError) as refused:
        SubBillRange(1, 100).split(deal_fen)
    assert refused.value.code == "RANGE_OUTSIDE_HOLDING"
