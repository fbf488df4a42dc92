"""Identity numbers: what is right passes unchanged, everything else is refused."""

import json
import string
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10, mod_97_10

from rongtong.domain.errors import IdentityError, InvalidInputError, TransitionError
from rongtong.domain.identity import (
    check_bank_card,
    check_bank_code,
    check_institution_code,
    check_lei,
    check_mobile,
    check_organisation_code,
    check_registry_member,
    check_resident_id,
    check_uscc,
    organisation_check,
)
from rongtong.domain.lifecycle import DiscountStatus, require_discount_transition
from rongtong.domain.money import fen_to_yuan, yuan_to_fen

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))
TODAY = date(2026, 4, 15)
DIRECTORY_CODES = ("314653617115", "102100033331")


def _resident_id(text, **options):
    return check_resident_id(text, today=TODAY, **options)


CHECKS = {
    "USCC_INVALID": (check_uscc, "uscc", "91310000MA1FL0HA77"),
    "ORGANISATION_CODE_INVALID": (check_organisation_code, "organisation_code", "63618789-4"),
    "RESIDENT_ID_INVALID": (_resident_id, "resident_id", "11010519491231002X"),
    "BANK_CODE_INVALID": (check_bank_code, "account.bank_code", "102100099996"),
    "BANK_CARD_INVALID": (check_bank_card, "bank_card", "6228480402564890018"),
    "LEI_INVALID": (check_lei, "lei", "300300M61YN8TL1KDU63"),
    "INSTITUTION_CODE_INVALID": (check_institution_code, "institution_code", "B0013H135010001"),
    "REGISTRY_MEMBER_INVALID": (check_registry_member, "registry_member", "100001"),
    "MOBILE_INVALID": (check_mobile, "mobile", "13800138000"),
}
BY_CODE = pytest.mark.parametrize("code", CHECKS)


def _refusal(check, text, **options):
    with pytest.raises(IdentityError) as refused:
        check(text, **options)
    return refused.value


def _full_width(text):
    return "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in text)


def _born(birth, region="110105"):
    first17 = f"{region}{birth}002"
    return first17 + ric.calc_check_digit(first17 + "0")


def _company(first8, organisation8, organisation9=None):
    first17 = f"{first8}{organisation8}{organisation9 or organisation_check(organisation8)}"
    return first17 + uscc.calc_check_digit(first17)


@BY_CODE
def test_a_right_number_is_answered_unchanged(code):
    check, _, right = CHECKS[code]
    assert check(right) == right


@BY_CODE
def test_a_refusal_carries_its_code_and_field(code):
    check, field, right = CHECKS[code]
    default, named = _refusal(check, right + "0"), _refusal(check, right + "0", field="party.number")
    assert (default.code, default.field, named.code, named.field) == (code, field, code, "party.number")


@BY_CODE
@pytest.mark.parametrize(
    "spoilt",
    [
        _full_width,
        lambda right: " " + right,
        lambda right: right + "\n",
        lambda right: right[:4] + " " + right[4:],
        lambda right: right[:4] + "-" + right[4:],
        lambda right: right[:4] + "\n" + right[5:],
        lambda right: right[:-1],
        lambda right: right[1:],
        lambda _: "",
    ],
    ids=["full width", "space before", "line end", "space", "hyphen", "line end inside", "cut", "beheaded", "empty"],
)
def test_no_number_is_repaired(code, spoilt):
    check, _, right = CHECKS[code]
    assert _refusal(check, spoilt(right)).code == code


@pytest.mark.parametrize("code", ["USCC_INVALID", "RESIDENT_ID_INVALID", "LEI_INVALID", "INSTITUTION_CODE_INVALID"])
def test_lower_case_is_refused(code):
    check, _, right = CHECKS[code]
    assert _refusal(check, right.lower()).code == code


@pytest.mark.parametrize(
    ("code", "wrong", "message"),
    [
        (
            "USCC_INVALID",
            "1",
            "A unified social credit code has 18 digits and capitals without spaces, never I, O, S, V or Z.",
        ),
        (
            "USCC_INVALID",
            "91310000MA1FL0HA78",
            "The unified social credit code fails its check; compare it with the business licence.",
        ),
        (
            "USCC_INVALID",
            _company("91310000", "MA1FL0HA", "0"),
            "The organisation code inside the credit code fails its check; compare it with the business licence.",
        ),
        (
            "ORGANISATION_CODE_INVALID",
            "1",
            "An organisation code is written like 12345678-X and its last character is a check; compare it with "
            "characters 9 to 17 of the credit code.",
        ),
        (
            "RESIDENT_ID_INVALID",
            "1",
            "A resident identity number has 17 digits and a check character, with a known region and a real birth "
            "date; compare it with the card.",
        ),
        (
            "RESIDENT_ID_INVALID",
            _born("20990101"),
            "The birth date in the identity number belongs to nobody alive; compare it with the card.",
        ),
        (
            "BANK_CODE_INVALID",
            "1",
            "A bank code has 12 digits and a check digit; compare it with the bank's directory.",
        ),
        (
            "BANK_CARD_INVALID",
            "1",
            "A bank card number has 13 to 19 digits, the last of them a check digit; compare it with the card.",
        ),
        (
            "LEI_INVALID",
            "1",
            "A legal entity identifier has 20 digits and capitals and ends with two check digits; compare it with "
            "the entity's entry in the global index.",
        ),
        (
            "INSTITUTION_CODE_INVALID",
            "1",
            "A financial institution's code is a capital, 4 digits, a capital and 9 digits, like B0013H135010001.",
        ),
        ("REGISTRY_MEMBER_INVALID", "1", "The bill registry's member code has 6 digits, its institution code 9."),
        ("MOBILE_INVALID", "1", "A mobile number has 11 digits and begins with 13 to 19."),
    ],
)
def test_a_refusal_says_what_a_right_number_is_and_does_not_repeat_the_wrong_one(code, wrong, message):
    assert _refusal(CHECKS[code][0], wrong).message == message


@BY_CODE
@given(st.text(max_size=22))
def test_any_text_is_answered_unchanged_or_refused(code, text):
    check = CHECKS[code][0]
    if _passes(check, text):
        assert check(text) == text
    else:
        assert _refusal(check, text).code == code


# Unified social credit codes


@pytest.mark.parametrize("text", VECTORS["uscc_valid"])
def test_published_credit_codes_pass(text):
    assert check_uscc(text) == text


@pytest.mark.parametrize("text", VECTORS["uscc_invalid"])
def test_published_wrong_credit_codes_are_refused(text):
    assert _refusal(check_uscc, text).code == "USCC_INVALID"


@pytest.mark.parametrize("text", VECTORS["uscc_valid"])
def test_no_credit_code_survives_the_change_of_one_character(text):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    wrong = [text[:at] + char + text[at + 1 :] for at in range(18) for char in alphabet if char != text[at]]
    assert {_refusal(check_uscc, changed).code for changed in wrong} == {"USCC_INVALID"}


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=8, max_size=8), st.sampled_from("0123456789X"))
def test_a_credit_code_whose_check_fits_still_needs_a_right_organisation_code(organisation, last):
    text = _company("91310000", organisation, last)
    if last == organisation_check(organisation):
        assert check_uscc(text) == text
    else:
        assert _refusal(check_uscc, text).code == "USCC_INVALID"


@pytest.mark.parametrize("first8", ["N2350100", "Y1350100", "A1350100"])
def test_registering_authorities_and_classes_may_be_letters(first8):
    text = _company(first8, "MA1FL0HA")
    assert check_uscc(text) == text


@pytest.mark.parametrize("letter", "IOSVZ")
def test_letters_that_look_like_digits_are_in_no_credit_code(letter):
    message = _refusal(check_uscc, f"9131000{letter}MA1FL0HA77").message
    assert message == _refusal(check_uscc, f"91310000MA1FL0H{letter}77").message
    assert message.endswith("never I, O, S, V or Z.")


@pytest.mark.parametrize("text", ["91310000MA1FL0HA78", _company("91310000", "MA1FL0HA", "0")])
def test_a_failed_check_names_the_field_too(text):
    default, named = _refusal(check_uscc, text), _refusal(check_uscc, text, field="order.buyer_uscc")
    assert (default.field, named.field) == ("uscc", "order.buyer_uscc")


# Organisation codes


@pytest.mark.parametrize(
    ("first8", "check"), [("63618789", "4"), ("MA1FL0HA", "7"), ("00000000", "0"), ("15814271", "1")]
)
def test_the_check_of_known_organisation_codes(first8, check):
    assert organisation_check(first8) == check


@pytest.mark.parametrize("text", ["1234567", "123456789"])
def test_the_check_is_of_eight_characters(text):
    with pytest.raises(ValueError, match="zip"):
        organisation_check(text)


def test_a_remainder_of_ten_is_written_x():
    codes = [f"{number:08d}" for number in range(40)]
    assert [code for code in codes if organisation_check(code) == "X"] == [
        "00000006",
        "00000014",
        "00000022",
        "00000030",
    ]


@given(st.text(string.digits + string.ascii_uppercase, min_size=8, max_size=8), st.sampled_from("0123456789X"))
def test_one_check_fits_an_organisation_code(first8, last):
    text = f"{first8}-{last}"
    if last == organisation_check(first8):
        assert check_organisation_code(text) == text
    else:
        assert _refusal(check_organisation_code, text).code == "ORGANISATION_CODE_INVALID"


@pytest.mark.parametrize("text", ["636187894", "63618789－4", "63618789 4", "6361878-94", "ma1fl0ha-7"])
def test_an_organisation_code_is_written_with_its_hyphen_in_capitals(text):
    assert _refusal(check_organisation_code, text).code == "ORGANISATION_CODE_INVALID"


# Resident identity numbers


@pytest.mark.parametrize("text", VECTORS["ric_valid"])
def test_published_resident_numbers_pass(text):
    assert _resident_id(text) == text


@pytest.mark.parametrize("text", VECTORS["ric_invalid"])
def test_published_wrong_resident_numbers_are_refused(text):
    assert _refusal(_resident_id, text).code == "RESIDENT_ID_INVALID"


@pytest.mark.parametrize("birth", ["20260415", "20260414", "18760416", "18760415", "18750416"])
def test_who_is_between_born_today_and_150_years_old_passes(birth):
    assert _resident_id(_born(birth)) == _born(birth)


@pytest.mark.parametrize("birth", ["20260416", "20260501", "20270101", "20990101", "18750415", "18750414", "17990101"])
def test_who_is_not_born_or_older_than_150_years_is_refused(birth):
    refused = _refusal(_resident_id, _born(birth), field="representative.id")
    assert (refused.code, refused.field) == ("RESIDENT_ID_INVALID", "representative.id")
    assert "nobody alive" in refused.message


@pytest.mark.parametrize("birth", ["20230229", "19901301", "19900100", "00000101"])
def test_a_birth_date_that_is_no_day_is_refused(birth):
    assert "real birth date" in _refusal(_resident_id, _born(birth)).message


@pytest.mark.parametrize("region", ["000000", "990000", "119999"])
def test_a_region_that_is_none_is_refused(region):
    assert _refusal(_resident_id, _born("19900101", region)).code == "RESIDENT_ID_INVALID"


@pytest.mark.parametrize("region", ["810000", "820000", "830000"])
def test_a_residence_permit_of_hong_kong_macao_or_taiwan_residents_passes(region):
    assert _resident_id(_born("19900101", region)) == _born("19900101", region)


@pytest.mark.parametrize("text", ["810000199408230021", "830000199201300022"])
def test_permits_with_a_check_character_computed_by_hand_pass(text):
    assert _resident_id(text) == text


@pytest.mark.parametrize("region", ["840000", "810001", "800000"])
def test_no_permit_has_another_region(region):
    assert _refusal(_resident_id, _born("19900101", region)).code == "RESIDENT_ID_INVALID"


def test_a_permit_has_a_check_character_and_a_birth_date_like_any_other_number():
    permit = _born("19900101", "810000")
    wrong = permit[:-1] + ("0" if permit[-1] != "0" else "1")
    assert "real birth date" in _refusal(_resident_id, wrong).message
    assert "real birth date" in _refusal(_resident_id, _born("20230229", "820000")).message
    assert "nobody alive" in _refusal(_resident_id, _born("20260416", "830000")).message


# Bank codes


@pytest.mark.parametrize("text", VECTORS["cnaps_valid"])
def test_published_bank_codes_pass(text):
    assert check_bank_code(text) == text


@pytest.mark.parametrize("text", [*VECTORS["cnaps_invalid"], *DIRECTORY_CODES])
def test_bank_codes_with_another_check_digit_are_refused(text):
    assert _refusal(check_bank_code, text).code == "BANK_CODE_INVALID"


@pytest.mark.parametrize("text", DIRECTORY_CODES)
def test_the_directory_lets_exactly_its_own_codes_pass(text):
    other = next(code for code in DIRECTORY_CODES if code != text)
    assert check_bank_code(text, directory={text}) == text
    assert _refusal(check_bank_code, text, directory={other}).code == "BANK_CODE_INVALID"


@pytest.mark.parametrize("text", ["31465361711", "3146536171150", "３14653617115", "31465361711X"])
def test_the_directory_excuses_the_check_digit_alone(text):
    assert _refusal(check_bank_code, text, directory={text}).code == "BANK_CODE_INVALID"


def test_a_code_outside_the_directory_still_passes_by_its_check_digit():
    assert check_bank_code("102100099996", directory=DIRECTORY_CODES) == "102100099996"


@given(st.text(string.digits, min_size=11, max_size=11), st.sampled_from(string.digits))
def test_one_check_digit_fits_a_bank_code(first11, last):
    if last == mod_11_10.calc_check_digit(first11):
        assert check_bank_code(first11 + last) == first11 + last
    else:
        assert _refusal(check_bank_code, first11 + last).code == "BANK_CODE_INVALID"


# Bank cards


def _card(digits):
    return digits + luhn.calc_check_digit(digits)


@pytest.mark.parametrize("length", range(13, 20))
def test_cards_of_13_to_19_digits_pass_with_one_check_digit_only(length):
    right = _card("6" * (length - 1))
    assert check_bank_card(right) == right
    wrong = right[:-1] + str((int(right[-1]) + 1) % 10)
    assert _refusal(check_bank_card, wrong).code == "BANK_CARD_INVALID"


@pytest.mark.parametrize("text", [_card("6" * 11), _card("6" * 19), "0" * 16, _card("0" + "6" * 14)])
def test_a_card_that_is_too_short_or_too_long_or_begins_with_zero_is_refused(text):
    assert luhn.is_valid(text)
    assert _refusal(check_bank_card, text).code == "BANK_CARD_INVALID"


# Legal entity identifiers


@pytest.mark.parametrize("text", VECTORS["lei_valid"])
def test_published_entity_identifiers_pass(text):
    assert check_lei(text) == text


@pytest.mark.parametrize("text", VECTORS["lei_valid"])
def test_no_other_two_check_digits_fit_an_entity_identifier(text):
    passing = [last for last in range(100) if _passes(check_lei, f"{text[:18]}{last:02d}")]
    assert passing == [int(text[18:])]


@given(st.text(string.digits + string.ascii_uppercase, min_size=18, max_size=18), st.sampled_from(["00", "01", "99"]))
def test_check_digits_that_the_standard_never_makes_are_refused(first18, last):
    assert _refusal(check_lei, first18 + last).code == "LEI_INVALID"


@pytest.mark.parametrize("remainder", ["02", "98"])
def test_the_smallest_and_the_largest_check_digits_pass(remainder):
    texts = (f"3003{number:014d}" for number in range(1000))
    text = next(text + remainder for text in texts if mod_97_10.calc_check_digits(text) == remainder)
    assert check_lei(text) == text


def _passes(check, text):
    try:
        check(text)
    except IdentityError:
        return False
    return True


# Codes that have a form only


@pytest.mark.parametrize("text", ["A0000A000000000", "Z9999Z999999999"])
def test_every_code_of_the_institutions_form_passes(text):
    assert check_institution_code(text) == text


@pytest.mark.parametrize("text", ["10013H135010001", "B0013913501000X", "BB013H135010001", "B001HH135010001"])
def test_what_has_not_the_institutions_form_is_refused(text):
    assert _refusal(check_institution_code, text).code == "INSTITUTION_CODE_INVALID"


@pytest.mark.parametrize("length", range(12))
def test_the_registry_has_codes_of_six_and_nine_digits(length):
    assert _passes(check_registry_member, "1" * length) == (length in (6, 9))


@pytest.mark.parametrize("text", ["10000A", "10000000A"])
def test_the_registry_has_no_letters_in_its_codes(text):
    assert _refusal(check_registry_member, text).code == "REGISTRY_MEMBER_INVALID"


@pytest.mark.parametrize("second", string.digits)
def test_mobile_numbers_begin_with_13_to_19(second):
    assert _passes(check_mobile, f"1{second}800138000") == (second >= "3")


@pytest.mark.parametrize("text", ["23800138000", "138001380000", "1380013800a"])
def test_wrong_mobile_numbers_are_refused(text):
    assert _refusal(check_mobile, text).code == "MOBILE_INVALID"


# Amounts as text, and what may follow what


@given(st.integers(0, 10**17))
def test_yuan_text_reads_back_as_the_same_fen(fen):
    assert yuan_to_fen(fen_to_yuan(fen)) == fen


@pytest.mark.parametrize("text", ["1.234", "-1", "1e3", "", "1,000", "12345678901234567", "１"])
def test_what_is_no_amount_in_yuan_is_refused(text):
    with pytest.raises(InvalidInputError):
        yuan_to_fen(text)


def test_money_is_out_only_after_the_seal():
    may_pay = set()
    for status in DiscountStatus:
        try:
            require_discount_transition(status, DiscountStatus.DISBURSED)
        except TransitionError:
            continue
        may_pay.add(status)
    assert may_pay == {DiscountStatus.SEALED, DiscountStatus.RETURNED}
