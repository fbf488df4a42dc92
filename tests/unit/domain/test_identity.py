"""Identity numbers, masking, lifecycles, money as text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.errors import IdentityError, InvalidInputError, TransitionError
from rongtong.domain.identity import check_bank_code, check_mobile, check_uscc, organisation_check
from rongtong.domain.lifecycle import DiscountStatus, require_discount_transition
from rongtong.domain.money import fen_to_yuan, yuan_to_fen
from rongtong.domain.privacy import mask_account, mask_mobile, mask_name

VECTORS = json.loads((Path(__file__).parents[2] / "vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", VECTORS["uscc_valid"])
def test_valid_credit_codes_pass_unchanged(text):
    assert check_uscc(text) == text


@pytest.mark.parametrize(
    "text", [*VECTORS["uscc_invalid"], VECTORS["uscc_valid"][0].lower(), " " + VECTORS["uscc_valid"][0], ""]
)
def test_wrong_credit_codes_are_refused_with_their_field(text):
    with pytest.raises(IdentityError) as refused:
        check_uscc(text)
    assert (refused.value.code, refused.value.field) == ("USCC_INVALID", "uscc")


def test_a_credit_code_with_a_wrong_organisation_code_is_refused():
    from stdnum.cn import uscc

    organisation = "MA1FL0HA"
    wrong = "0123456789"[(int(organisation_check(organisation), 36) + 1) % 10]
    first17 = f"91310000{organisation}{wrong}"
    with pytest.raises(IdentityError):
        check_uscc(first17 + uscc.calc_check_digit(first17))


@pytest.mark.parametrize("text", VECTORS["cnaps_valid"])
def test_valid_bank_codes_pass(text):
    assert check_bank_code(text) == text


@pytest.mark.parametrize("text", [*VECTORS["cnaps_invalid"], "", "1" * 11, "１02100099996"])
def test_wrong_bank_codes_are_refused(text):
    with pytest.raises(IdentityError) as refused:
        check_bank_code(text)
    assert refused.value.code == "BANK_CODE_INVALID"


@pytest.mark.parametrize("text", ["12800000000", "1380000000", "138000000000", "1380000000a"])
def test_wrong_mobile_numbers_are_refused(text):
    with pytest.raises(IdentityError) as refused:
        check_mobile(text)
    assert refused.value.code == "MOBILE_INVALID"


@given(st.text("0123456789", min_size=2, max_size=32))
def test_a_masked_account_shows_at_most_four_digits_and_at_most_half(text):
    masked = mask_account(text)
    shown = len(masked) - masked.count("*")
    assert len(masked) == len(text)
    assert shown <= min(4, len(text) / 2)


def test_phones_and_names_are_masked():
    assert mask_mobile("13812345678") == "138****5678"
    assert (mask_name("欧阳某某"), mask_name("某")) == ("***某", "*")


@given(st.integers(0, 10**17))
def test_yuan_text_reads_back_as_the_same_fen(fen):
    assert yuan_to_fen(fen_to_yuan(fen)) == fen


@pytest.mark.parametrize("text", ["1.234", "-1", "1e3", "", "1,000", "12345678901234567", "１"])
def test_what_is_no_amount_in_yuan_is_refused(text):
    with pytest.raises(InvalidInputError):
        yuan_to_fen(text)


def test_a_paid_discount_never_changes_again():
    for status in DiscountStatus:
        with pytest.raises(TransitionError):
            require_discount_transition(DiscountStatus.DISBURSED, status)


def test_money_is_out_only_after_the_seal():
    may_pay = set()
    for status in DiscountStatus:
        try:
            require_discount_transition(status, DiscountStatus.DISBURSED)
        except TransitionError:
            continue
        may_pay.add(status)
    assert may_pay == {DiscountStatus.SEALED}
