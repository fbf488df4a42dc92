"""Sub-bill ranges: wire forms, amounts, splits."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.errors import SubBillRangeError
from rongtong.domain.money import fen_to_yuan, yuan_to_fen
from rongtong.domain.sub_bill_range import PACKAGE_CEILING_FEN, SubBillRange, require_within_ceiling

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
UNIT_MAX = 999_999_999_999
STARTS = st.integers(1, 10**9)
RANGES = st.builds(lambda start, size: SubBillRange(start, start + size), STARTS, st.integers(0, 10**9))


def _refusal(call, *arguments, **options):
    with pytest.raises(SubBillRangeError) as refused:
        call(*arguments, **options)
    return refused.value.code, refused.value.field


@pytest.mark.parametrize("vector", VECTORS["range_amount"])
def test_published_ranges_hold_their_amounts(vector):
    assert fen_to_yuan(SubBillRange.parse(vector["range"]).amount_fen) == vector["amount"]


@pytest.mark.parametrize("vector", VECTORS["split"])
def test_published_splits(vector):
    dealt, rest = SubBillRange(vector["begin"], vector["end"]).split(yuan_to_fen(vector["deal"]))
    assert [[dealt.start, dealt.end], [rest.start, rest.end]] == [vector["dealt"], vector["rest"]]


def test_a_split_of_a_range_that_begins_later_deals_units_from_its_own_start():
    dealt, rest = SubBillRange(500_001, 1_000_000).split(123_456)
    assert (dealt, rest) == (SubBillRange(500_001, 623_456), SubBillRange(623_457, 1_000_000))


@given(RANGES)
def test_the_wire_form_has_25_characters_and_reads_back(rng):
    assert len(rng.wire()) == 25
    assert SubBillRange.parse(rng.wire()) == SubBillRange.parse(rng.display()) == rng


@given(st.text("0123456789-", max_size=26))
def test_a_text_is_read_only_if_printing_gives_it_back(text):
    try:
        rng = SubBillRange.parse(text)
    except SubBillRangeError:
        return
    assert text in (rng.wire(), rng.display())


def test_both_forms_are_printed():
    rng = SubBillRange(1, 123_456)
    assert (rng.wire(), rng.display()) == ("000000000001-000000123456", "1-123456")


@given(RANGES, st.data())
def test_a_split_keeps_every_unit_exactly_once(rng, data):
    dealt, rest = rng.split(data.draw(st.integers(1, rng.amount_fen)))
    assert dealt.amount_fen + (rest.amount_fen if rest else 0) == rng.amount_fen
    assert dealt.start == rng.start
    if rest:
        assert (rest.start, rest.end) == (dealt.end + 1, rng.end)
        assert not dealt.overlaps(rest)


def test_a_range_is_dealt_as_a_whole_without_a_rest():
    assert SubBillRange(11, 20).split(10) == (SubBillRange(11, 20), None)


@given(RANGES, RANGES)
def test_ranges_overlap_when_a_unit_belongs_to_both(left, right):
    assert left.overlaps(right) == (max(left.start, right.start) <= min(left.end, right.end)) == right.overlaps(left)


@pytest.mark.parametrize(
    ("other", "overlaps", "contains"),
    [
        (SubBillRange(1, 9), False, False),
        (SubBillRange(1, 10), True, False),
        (SubBillRange(10, 10), True, True),
        (SubBillRange(10, 20), True, True),
        (SubBillRange(9, 20), True, False),
        (SubBillRange(10, 21), True, False),
        (SubBillRange(20, 30), True, False),
        (SubBillRange(21, 30), False, False),
    ],
)
def test_ranges_meet_at_their_last_units(other, overlaps, contains):
    rng = SubBillRange(10, 20)
    assert (rng.overlaps(other), rng.contains(other)) == (overlaps, contains)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("10-9", "RANGE_UPSIDE_DOWN"),
        ("000000000010-000000000009", "RANGE_UPSIDE_DOWN"),
        ("0-0", "RANGE_FORMAT"),
        ("0", "RANGE_FORMAT"),
        ("", "RANGE_FORMAT"),
        ("0-5", "RANGE_FORMAT"),
        ("000000000000-000000000005", "RANGE_FORMAT"),
        ("001-5", "RANGE_FORMAT"),
        ("1-05", "RANGE_FORMAT"),
        ("000000000001-5", "RANGE_FORMAT"),
        ("1-000000000005", "RANGE_FORMAT"),
        ("1-0000000000001", "RANGE_FORMAT"),
        ("1-1000000000000", "RANGE_FORMAT"),
        ("0000000000001-0000000000005", "RANGE_FORMAT"),
        ("１-2", "RANGE_FORMAT"),
        ("１00000000001-200000000000", "RANGE_FORMAT"),
        ("1 - 2", "RANGE_FORMAT"),
        (" 1-2", "RANGE_FORMAT"),
        ("1-2\n", "RANGE_FORMAT"),
        ("-1-2", "RANGE_FORMAT"),
        ("1-", "RANGE_FORMAT"),
        ("5", "RANGE_FORMAT"),
    ],
)
def test_what_is_no_range_is_refused_by_name(text, code):
    assert _refusal(SubBillRange.parse, text) == (code, "bill.range")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SubBillRange.parse("0"), "This range means the whole package; write the units, from 1 to its fen."),
        (lambda: SubBillRange.parse("x"), "Write a range like 000000000001-000000123456 or 1-123456."),
        (lambda: SubBillRange(0, 1), "A range's units are numbered from 1, with twelve digits at most."),
        (lambda: SubBillRange(2, 1), "The range ends at 1, before its start 2."),
        (
            lambda: SubBillRange(2, 3, whole=True),
            "A package that cannot be split is meant from its first unit on.",
        ),
        (lambda: SubBillRange(1, 9).split(10), "Deal 1 to 9 fen of this range, not 10."),
        (lambda: SubBillRange.whole_package(9).split(8), "This package cannot be split; deal all 9 fen."),
        (
            lambda: SubBillRange.whole_package(0),
            "A package holds 1 fen or more, not 0; send the bill's own amount.",
        ),
        (
            lambda: SubBillRange(1, 9).require_amount(8),
            "The range holds 9 fen but the amount is 8; send the range's own amount.",
        ),
        (
            lambda: require_within_ceiling(SubBillRange(1, 9), 8),
            "A package holds 8 fen at most, and this range ends at 9; compare it with the bill.",
        ),
    ],
)
def test_the_refusal_says_what_to_write_instead(call, message):
    with pytest.raises(SubBillRangeError) as refused:
        call()
    assert refused.value.message == message


def test_units_have_twelve_digits_at_most():
    assert SubBillRange.parse(f"1-{UNIT_MAX}").wire() == "000000000001-999999999999"
    assert _refusal(SubBillRange, 1, UNIT_MAX + 1) == ("RANGE_FORMAT", "bill.range")


@pytest.mark.parametrize("text", ["", "0", "0-0"])
def test_a_package_that_cannot_be_split_is_all_of_its_units(text):
    rng = SubBillRange.parse(text, whole_fen=12_345)
    assert (rng.start, rng.end, rng.whole, rng.amount_fen) == (1, 12_345, True, 12_345)
    assert (rng.display(), rng.wire()) == ("0", "000000000001-000000012345")


def test_a_written_range_is_what_it_says_whatever_the_amount_of_the_package():
    rng = SubBillRange.parse("1-50", whole_fen=100)
    assert (rng.end, rng.whole) == (50, False)


def test_a_package_of_one_fen_is_a_package():
    assert SubBillRange.whole_package(1) == SubBillRange(1, 1)


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_a_package_holds_something(amount_fen):
    assert _refusal(SubBillRange.parse, "0", whole_fen=amount_fen) == ("RANGE_AMOUNT_MISMATCH", "bill.amount_fen")


def test_only_a_range_from_the_first_unit_is_a_whole_package():
    assert _refusal(SubBillRange, 2, 5, whole=True) == ("RANGE_FORMAT", "bill.range")


def test_a_package_that_cannot_be_split_is_the_same_range_as_all_of_its_units():
    assert SubBillRange.whole_package(5) == SubBillRange(1, 5)


def test_a_package_that_cannot_be_split_is_dealt_as_a_whole_only():
    whole = SubBillRange.whole_package(100)
    dealt, rest = whole.split(100)
    assert (dealt.whole, rest) == (True, None)
    assert _refusal(whole.split, 99) == ("RANGE_NOT_SPLITTABLE", "bill.range")


def test_an_amount_outside_a_package_is_told_as_such_even_if_it_cannot_be_split():
    assert _refusal(SubBillRange.whole_package(100).split, 101)[0] == "RANGE_OUTSIDE_HOLDING"


@pytest.mark.parametrize("start", [0, -1])
def test_units_are_counted_from_one(start):
    assert _refusal(SubBillRange, start, 5) == ("RANGE_FORMAT", "bill.range")


def test_the_amount_of_a_range_is_its_number_of_units():
    assert SubBillRange(7, 7).amount_fen == 1
    assert SubBillRange(1, 100).require_amount(100) is None


@pytest.mark.parametrize("amount_fen", [99, 101])
def test_an_amount_that_does_not_fit_is_refused_with_its_field(amount_fen):
    refusal = _refusal(SubBillRange(1, 100).require_amount, amount_fen)
    assert refusal == ("RANGE_AMOUNT_MISMATCH", "bill.amount_fen")


@pytest.mark.parametrize("deal_fen", [0, -1, 101])
def test_a_deal_outside_the_holding_is_refused(deal_fen):
    assert _refusal(SubBillRange(1, 100).split, deal_fen) == ("RANGE_OUTSIDE_HOLDING", "bill.range")


def test_a_package_holds_a_thousand_million_yuan_at_most():
    assert yuan_to_fen("1000000000.00") == PACKAGE_CEILING_FEN
    assert require_within_ceiling(SubBillRange(1, PACKAGE_CEILING_FEN)) is None
    over = SubBillRange(1, PACKAGE_CEILING_FEN + 1)
    assert _refusal(require_within_ceiling, over) == ("RANGE_ABOVE_CEILING", "bill.range")


def test_a_small_range_behind_the_ceiling_is_in_no_package():
    beyond = SubBillRange(PACKAGE_CEILING_FEN + 1, PACKAGE_CEILING_FEN + 2)
    assert _refusal(require_within_ceiling, beyond)[0] == "RANGE_ABOVE_CEILING"


def test_another_ceiling_may_be_set():
    assert _refusal(require_within_ceiling, SubBillRange(1, 101), ceiling_fen=100)[0] == "RANGE_ABOVE_CEILING"
    assert require_within_ceiling(SubBillRange(1, 100), ceiling_fen=100) is None
