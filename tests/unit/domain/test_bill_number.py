"""Bill numbers: structure, check digit, what may be discounted."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.bill_codes import BillKind, BillMedium, BillOrigin
from rongtong.domain.bill_number import BillNumber, PaperBillNumber, check_digit
from rongtong.domain.errors import BillNumberError

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
VALID = VECTORS["bill_synthetic"][0]
LEGACY = VECTORS["bill_valid"][0]
PAPER = "1030125351234567"


def _number(mark, *, bank="309391000011", day="20260315", serial="00000123"):
    first29 = f"{mark}{bank}{day}{serial}"
    return first29 + check_digit(first29)


def _wrong(number):
    """The number with another last digit."""
    return number[:-1] + str((int(number[-1]) + 1) % 10)


def _refusal(parse, text, **options):
    with pytest.raises(BillNumberError) as refused:
        parse(text, **options)
    return refused.value.code, refused.value.field


@pytest.mark.parametrize("text", VECTORS["bill_valid"] + VECTORS["bill_synthetic"])
def test_every_known_number_is_taken_apart_and_fits_together_again(text):
    number = BillNumber.parse(text)
    parts = f"{number.channel}{number.bank_code}{number.issue_date:%Y%m%d}{number.serial}{number.check_digit}"
    assert parts == text


@pytest.mark.parametrize("text", VECTORS["bill_invalid"])
def test_placeholder_numbers_are_refused(text):
    with pytest.raises(BillNumberError):
        BillNumber.parse(text)


def test_a_number_is_cut_at_the_places_that_the_registry_cuts_it():
    number = BillNumber.parse("630858400001320260315000045676")
    assert (number.text, number.channel) == ("630858400001320260315000045676", 6)
    assert (number.bank_code, number.issue_date) == ("308584000013", date(2026, 3, 15))
    assert (number.serial, number.check_digit, number.checked) == ("00004567", "6", True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "BILL_NUMBER_DIGITS"),
        (VALID + "1", "BILL_NUMBER_LENGTH"),
        (VALID[:-1], "BILL_NUMBER_LENGTH"),
        (PAPER, "BILL_NUMBER_LENGTH"),
        (" " + VALID[1:], "BILL_NUMBER_DIGITS"),
        (VALID + " ", "BILL_NUMBER_DIGITS"),
        (VALID + "\n", "BILL_NUMBER_DIGITS"),
        (VALID[:15] + " " + VALID[15:], "BILL_NUMBER_DIGITS"),
        ("５" + VALID[1:], "BILL_NUMBER_DIGITS"),
        (VALID[:-1] + "８", "BILL_NUMBER_DIGITS"),
        (VALID[:-1] + "²", "BILL_NUMBER_DIGITS"),
        (VALID[:-1] + "x", "BILL_NUMBER_DIGITS"),
        *[(mark + VALID[1:], "BILL_NUMBER_CHANNEL") for mark in "0349"],
        (_wrong(VALID), "BILL_NUMBER_CHECK_DIGIT"),
        (_wrong(LEGACY), "BILL_NUMBER_CHECK_DIGIT"),
        (_number("5", bank="309391000012"), "BILL_NUMBER_BANK_CODE"),
        (_number("5", day="20261315"), "BILL_NUMBER_DATE"),
        (_number("5", day="20260229"), "BILL_NUMBER_DATE"),
        (_number("5", day="00000000"), "BILL_NUMBER_DATE"),
    ],
)
def test_the_code_names_the_part_that_is_wrong(text, code):
    assert _refusal(BillNumber.parse, text) == (code, "bill.number")


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (BillNumber.parse, "x", "A bill number has digits only, without spaces."),
        (BillNumber.parse, VALID[:-1], "A bill number has 30 digits, this one 29."),
        (BillNumber.parse, "3" + VALID[1:], "An electronic bill's number begins with 1, 2, 5, 6, 7 or 8."),
        (
            BillNumber.parse,
            _wrong(VALID),
            "The last digit does not fit the others; compare the number with the bill.",
        ),
        (
            BillNumber.parse,
            _number("5", bank="309391000012"),
            "Digits 2 to 13 are no payment system bank code (CNAPS).",
        ),
        (BillNumber.parse, _number("5", day="20260229"), "Digits 14 to 21 are no date."),
        (PaperBillNumber.parse, "x", "A paper bill's number has digits only, without spaces."),
        (PaperBillNumber.parse, PAPER[:-1], "A paper bill's number has 16 digits, this one 15."),
        (PaperBillNumber.parse, "1031125351234567", "The fourth digit of a paper bill's number is 0."),
        (
            PaperBillNumber.parse,
            "1030124351234567",
            "The seventh digit of a paper bill's number is 5 (银承) or 6 (商承).",
        ),
    ],
)
def test_the_refusal_says_what_a_number_looks_like(parse, text, message):
    with pytest.raises(BillNumberError) as refused:
        parse(text)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (
            BillNumber.parse(LEGACY),
            "Bills of the former system (numbers beginning with 1 or 2) can no longer be discounted.",
        ),
        (
            PaperBillNumber.parse(PAPER),
            "Paper bills cannot be discounted here; take the bill to the bank, or send an electronic bill's number.",
        ),
    ],
)
def test_the_holder_of_a_bill_that_cannot_be_discounted_is_told_why(number, message):
    with pytest.raises(BillNumberError) as refused:
        number.require_discountable()
    assert refused.value.message == message


@pytest.mark.parametrize("latest", [None, date(2026, 3, 15), date(2026, 3, 16)])
def test_a_bill_may_be_issued_on_the_latest_day(latest):
    assert BillNumber.parse(VALID, latest=latest).issue_date == date(2026, 3, 15)


def test_a_bill_is_not_issued_after_the_latest_day():
    with pytest.raises(BillNumberError) as refused:
        BillNumber.parse(VALID, latest=date(2026, 3, 14))
    assert (refused.value.code, refused.value.field) == ("BILL_NUMBER_DATE", "bill.number")
    assert refused.value.message == (
        "Digits 14 to 21 say that the bill is issued on 2026-03-15, which is yet to come; compare the number "
        "with the bill."
    )


def test_a_leap_day_is_a_date():
    assert BillNumber.parse(_number("5", day="20240229")).issue_date == date(2024, 2, 29)


@pytest.mark.parametrize("mark", "5678")
def test_a_wrong_check_digit_of_the_new_system_is_let_pass_and_noted_where_the_switch_says_so(mark):
    text = _wrong(_number(mark))
    number = BillNumber.parse(text, strict_new_system=False)
    assert (number.text, number.checked) == (text, False)
    assert _refusal(BillNumber.parse, text)[0] == "BILL_NUMBER_CHECK_DIGIT"


@pytest.mark.parametrize("mark", "12")
def test_a_wrong_check_digit_of_the_former_system_is_never_let_pass(mark):
    code, _ = _refusal(BillNumber.parse, _wrong(_number(mark)), strict_new_system=False)
    assert code == "BILL_NUMBER_CHECK_DIGIT"


def test_a_right_check_digit_is_noted_as_checked_where_the_switch_is_off_too():
    assert BillNumber.parse(VALID, strict_new_system=False).checked


def test_the_switch_lets_nothing_pass_but_the_check_digit():
    bad_bank = _wrong(_number("5", bank="309391000012"))
    assert _refusal(BillNumber.parse, bad_bank, strict_new_system=False)[0] == "BILL_NUMBER_BANK_CODE"


def test_a_bank_of_the_maintained_directory_passes_with_a_wrong_check_digit_of_its_own():
    first29 = "5314653617115" + "20260315" + "00000123"
    text = first29 + check_digit(first29)
    with pytest.raises(BillNumberError) as refused:
        BillNumber.parse(text, bank_directory=("102100033331",))
    assert refused.value.code == "BILL_NUMBER_BANK_CODE"
    assert BillNumber.parse(text, bank_directory=("314653617115",)).bank_code == "314653617115"


@given(st.text("0123456789", min_size=29, max_size=29), st.integers(0, 28), st.integers(1, 9))
def test_every_single_digit_error_changes_the_check_digit(first29, at, shift):
    wrong = first29[:at] + str((int(first29[at]) + shift) % 10) + first29[at + 1 :]
    assert check_digit(wrong) != check_digit(first29)


@given(st.text("0123456789", min_size=29, max_size=29))
def test_the_check_digit_is_that_of_the_written_rule(first29):
    product = 10
    for digit in first29:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    assert check_digit(first29) == str((11 - product) % 10)


def _swapped(text, at):
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def test_two_neighbouring_serial_digits_that_changed_places_are_noticed():
    assert _refusal(BillNumber.parse, _swapped(VALID, 25))[0] == "BILL_NUMBER_CHECK_DIGIT"


def test_the_rule_does_not_notice_every_pair_that_changed_places():
    assert BillNumber.parse(_swapped(VALID, 26)).serial == "00000213"


@pytest.mark.parametrize("text", VECTORS["bill_valid"] + VECTORS["bill_synthetic"])
def test_most_pairs_that_changed_places_are_noticed(text):
    swapped = [_swapped(text, at) for at in range(29) if text[at] != text[at + 1]]
    unseen = [wrong for wrong in swapped if check_digit(wrong[:-1]) == wrong[-1]]
    assert len(unseen) <= len(swapped) // 5


def test_bills_of_the_closed_system_are_recognised_and_refused():
    number = BillNumber.parse(LEGACY)
    with pytest.raises(BillNumberError) as refused:
        number.require_discountable()
    assert (refused.value.code, refused.value.field) == ("BILL_LEGACY_NOT_DISCOUNTABLE", "bill.number")


@pytest.mark.parametrize(
    ("mark", "origin", "kind"),
    [
        ("1", BillOrigin.ECDS, BillKind.BANK_ACCEPTED),
        ("2", BillOrigin.ECDS, BillKind.COMMERCIALLY_ACCEPTED),
        ("5", BillOrigin.FINANCIAL_INSTITUTIONS, BillKind.BANK_ACCEPTED),
        ("6", BillOrigin.FINANCIAL_INSTITUTIONS, BillKind.COMMERCIALLY_ACCEPTED),
        ("7", BillOrigin.SUPPLY_CHAIN, BillKind.BANK_ACCEPTED),
        ("8", BillOrigin.SUPPLY_CHAIN, BillKind.COMMERCIALLY_ACCEPTED),
    ],
)
def test_the_first_digit_tells_system_and_kind(mark, origin, kind):
    number = BillNumber.parse(_number(mark))
    assert (number.origin, number.kind, number.medium) == (origin, kind, BillMedium.ELECTRONIC)


@pytest.mark.parametrize("mark", "5678")
def test_a_number_of_the_new_system_is_no_reason_against_a_discount(mark):
    assert BillNumber.parse(_number(mark)).require_discountable() is None


@pytest.mark.parametrize(
    ("text", "kind"), [(PAPER, BillKind.BANK_ACCEPTED), ("1030126351234567", BillKind.COMMERCIALLY_ACCEPTED)]
)
def test_a_paper_number_is_taken_apart(text, kind):
    number = PaperBillNumber.parse(text)
    assert (number.text, number.bank_class, number.province, number.kind) == (text, "103", "12", kind)
    assert (number.printer, number.serial) == ("3", "51234567")
    assert (number.medium, number.origin) == (BillMedium.PAPER, BillOrigin.PAPER)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PAPER[:-1], "BILL_NUMBER_LENGTH"),
        (PAPER + "0", "BILL_NUMBER_LENGTH"),
        (VALID, "BILL_NUMBER_LENGTH"),
        (" " + PAPER[1:], "BILL_NUMBER_DIGITS"),
        (PAPER[:-1] + "７", "BILL_NUMBER_DIGITS"),
        ("1031125351234567", "BILL_NUMBER_RESERVED"),
        ("1030124351234567", "BILL_NUMBER_KIND"),
        ("1030127351234567", "BILL_NUMBER_KIND"),
    ],
)
def test_a_malformed_paper_number_is_refused_by_the_part_that_is_wrong(text, code):
    assert _refusal(PaperBillNumber.parse, text) == (code, "bill.number")


def test_a_paper_bill_is_not_discounted_here():
    with pytest.raises(BillNumberError) as refused:
        PaperBillNumber.parse(PAPER).require_discountable()
    assert (refused.value.code, refused.value.field) == ("BILL_PAPER_NOT_DISCOUNTABLE", "bill.number")
