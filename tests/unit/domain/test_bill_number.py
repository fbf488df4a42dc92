"""Bill numbers: structure, check digit, what may be discounted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.bill_number import BillNumber, check_digit
from rongtong.domain.errors import BillNumberError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
VALID = VECTORS["bill_synthetic"][0]


@pytest.mark.parametrize("text", VECTORS["bill_valid"] + VECTORS["bill_synthetic"])
def test_every_known_number_is_taken_apart_and_fits_together_again(text):
    number = BillNumber.parse(text)
    parts = f"{number.channel}{number.bank_code}{number.issue_date:%Y%m%d}{number.serial}{number.check_digit}"
    assert parts == text


@pytest.mark.parametrize("text", VECTORS["bill_invalid"])
def test_placeholder_numbers_are_refused(text):
    with pytest.raises(BillNumberError):
        BillNumber.parse(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (VALID + "1", "BILL_NUMBER_LENGTH"),
        (VALID[:-1], "BILL_NUMBER_LENGTH"),
        (" " + VALID[1:], "BILL_NUMBER_DIGITS"),
        ("５" + VALID[1:], "BILL_NUMBER_DIGITS"),
        ("3" + VALID[1:], "BILL_NUMBER_CHANNEL"),
        (VALID[:-1] + str((int(VALID[-1]) + 1) % 10), "BILL_NUMBER_CHECK_DIGIT"),
        ("530939100001220260315000001" + "23" + check_digit("53093910000122026031500000123"), "BILL_NUMBER_BANK_CODE"),
        ("530939100001120261315000001" + "23" + check_digit("53093910000112026131500000123"), "BILL_NUMBER_DATE"),
    ],
)
def test_the_code_names_the_part_that_is_wrong(text, code):
    with pytest.raises(BillNumberError) as refused:
        BillNumber.parse(text)
    assert (refused.value.code, refused.value.field) == (code, "bill.number")


@given(st.text("0123456789", min_size=29, max_size=29), st.integers(0, 28), st.integers(1, 9))
def test_every_single_digit_error_changes_the_check_digit(first29, at, shift):
    wrong = first29[:at] + str((int(first29[at]) + shift) % 10) + first29[at + 1 :]
    assert check_digit(wrong) != check_digit(first29)


def test_bills_of_the_closed_system_are_recognised_and_refused():
    number = BillNumber.parse(VECTORS["bill_valid"][0])
    with pytest.raises(BillNumberError) as refused:
        number.require_discountable()
    assert (number.origin, refused.value.code) == ("CS01", "BILL_LEGACY_NOT_DISCOUNTABLE")


@pytest.mark.parametrize(
    ("text", "origin", "kind"),
    [(VECTORS["bill_synthetic"][0], "CS02", "AC01"), (VECTORS["bill_synthetic"][1], "CS02", "AC02")],
)
def test_the_first_digit_tells_system_and_kind(text, origin, kind):
    number = BillNumber.parse(text)
    number.require_discountable()
    assert (number.origin, number.kind) == (origin, kind)
