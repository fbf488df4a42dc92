"""Amounts in yuan as text."""

import pytest

from rongtong.domain.errors import InvalidInputError
from rongtong.domain.money import fen_to_yuan, yuan_to_fen


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("0.01", 1),
        ("0.1", 10),
        ("10", 1000),
        ("9999999999999999.99", 999_999_999_999_999_999),
    ],
)
def test_yuan_text_is_read_as_whole_fen(text, fen):
    assert yuan_to_fen(text) == fen


@pytest.mark.parametrize("text", ["007.5", "00", "01", "00.10", " 1", "1 ", "1.", ".5", "+1", "10000000000000000"])
def test_an_amount_that_is_written_in_another_way_is_refused(text):
    with pytest.raises(InvalidInputError) as refused:
        yuan_to_fen(text)
    assert (refused.value.code, refused.value.field) == ("INVALID_INPUT", "amount")


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (123456, "1234.56"), (-5, "-0.05"), (-100, "-1.00")]
)
def test_fen_are_shown_as_yuan_with_two_decimals(fen, text):
    assert fen_to_yuan(fen) == text
