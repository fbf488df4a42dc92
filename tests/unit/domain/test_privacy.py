"""What of personal data is shown by default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.privacy import (
    mask_account,
    mask_bill_number,
    mask_card,
    mask_email,
    mask_mobile,
    mask_name,
    mask_refused,
    mask_resident_id,
)

PATTERNS = {mask_mobile: (3, 4), mask_card: (6, 4), mask_resident_id: (3, 4), mask_bill_number: (1, 4)}
TEXTS = st.text("0123456789X", max_size=32)


@pytest.mark.parametrize(
    ("mask", "text", "shown"),
    [
        (mask_mobile, "13800138000", "138****8000"),
        (mask_resident_id, "11010519491231002X", "110***********002X"),
        (mask_resident_id, "110105491231002", "110********1002"),
        (mask_card, "6228480402564890018", "622848*********0018"),
        (mask_card, "6228480402564", "622848***2564"),
        (mask_bill_number, "530939100001120260315000001238", "5*************************1238"),
        (mask_account, "117900000000001234", "**************1234"),
        (mask_refused, "6228480402564890017", "*****************17"),
        (mask_name, "李小明", "**明"),
        (mask_name, "王华", "*华"),
        (mask_email, "zhang.san@example.com", "z***@example.com"),
        (mask_email, "z@example.com", "z***@example.com"),
    ],
)
def test_known_values_are_masked(mask, text, shown):
    assert mask(text) == shown


@pytest.mark.parametrize("mask", PATTERNS)
@given(text=TEXTS)
def test_a_pattern_hides_at_least_three_characters_or_everything(mask, text):
    first, last = PATTERNS[mask]
    hidden = len(text) - first - last
    expected = text[:first] + "*" * hidden + text[first + hidden :] if hidden >= 3 else "*" * len(text)
    assert mask(text) == expected


@pytest.mark.parametrize(("mask", "most"), [(mask_account, 4), (mask_refused, 2)])
@given(text=TEXTS)
def test_an_end_shows_few_characters_and_at_most_half(mask, most, text):
    shown = min(most, len(text) // 2)
    masked = mask(text)
    assert masked.count("*") == len(text) - shown
    assert masked.lstrip("*") == text[len(text) - shown :]


@pytest.mark.parametrize("text", ["", "某"])
def test_a_name_of_one_character_is_hidden(text):
    assert mask_name(text) == "*"


@pytest.mark.parametrize("text", ["", "zhang.san", "@example.com", "@"])
def test_nothing_is_shown_of_what_is_no_address(text):
    assert mask_email(text) == "***"


def test_an_address_is_split_at_its_last_at_sign():
    assert mask_email('"zhang@san"@example.com') == '"***@example.com'
