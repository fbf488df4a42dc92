"""Which passwords are taken, and by which code the others are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.passwords import (
    LENGTH_MAX,
    LOGIN_LENGTH_MIN,
    PAYMENT_LENGTH_MIN,
    PasswordError,
    normalised,
    require_good,
)

PERSONAL = ("上海明远机械有限公司", "91310000MA1K35XK5X", "13800138000", "张伟", "6217000010001234567", "1988-07-14")
BREACHED = {"correcthorsebattery", "dragon", "letmein"}


def _judge(password, least=LOGIN_LENGTH_MIN, personal=PERSONAL):
    return require_good(password, least=least, personal=personal, breached=BREACHED.__contains__, field="password")


def _refusal(password, **changes):
    with pytest.raises(PasswordError) as refused:
        _judge(password, **changes)
    return refused.value


@pytest.mark.parametrize(
    "password",
    [
        "lantern-orchid-47-mule",
        "  spaces are characters  ",
        "大江东去浪淘尽千古风流人物",
        "Wq7$kd9Lx!p2",
        "x" * 3 + "lantern orchid" + "y" * 3,
    ],
)
def test_a_long_password_of_nobody_s_data_is_taken(password):
    assert _judge(password) == normalised(password)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("lantern-orc", "PASSWORD_LENGTH"),
        ("", "PASSWORD_LENGTH"),
        ("lk7-" * 33, "PASSWORD_LENGTH"),
        ("111111111111", "PASSWORD_SIMPLE"),
        ("123456789012", "PASSWORD_SIMPLE"),
        ("abcdefghijklm", "PASSWORD_SIMPLE"),
        ("qwertyuiop12", "PASSWORD_SIMPLE"),
        ("ACEG13ACEG13", "PASSWORD_SIMPLE"),
        ("ab12ab12ab12", "PASSWORD_SIMPLE"),
        ("CorrectHorseBattery", "PASSWORD_BREACHED"),
        ("2024correcthorsebattery!", "PASSWORD_BREACHED"),
        ("my13800138000x", "PASSWORD_PERSONAL"),
        ("00083100831 my", "PASSWORD_PERSONAL"),
        ("xx-1234567-lanterns", "PASSWORD_PERSONAL"),
        ("张伟的灯笼兰花骡子和茶壶", "PASSWORD_PERSONAL"),
        ("lantern19880714", "PASSWORD_PERSONAL"),
        ("lantern-1988.07.14", "PASSWORD_PERSONAL"),
        ("ma1k35xk5x-mule", "PASSWORD_PERSONAL"),
    ],
)
def test_others_are_refused_for_what_is_wrong_with_them(password, code):
    assert _refusal(password).code == code


def test_a_word_of_a_breach_is_found_where_digits_frame_it():
    assert _refusal("dragon2024", least=PAYMENT_LENGTH_MIN).code == "PASSWORD_BREACHED"
    assert _judge("dragon-orchid-47", least=PAYMENT_LENGTH_MIN) == "dragon-orchid-47"


def test_the_payment_password_takes_eight_characters_and_never_six_digits():
    assert _judge("Wq7$kd9L", least=PAYMENT_LENGTH_MIN) == "Wq7$kd9L"
    assert _refusal("839201", least=PAYMENT_LENGTH_MIN).code == "PASSWORD_LENGTH"


def test_full_width_letters_are_the_same_password():
    assert _judge("ｌａｎｔｅｒｎ-orchid-47") == _judge("lantern-orchid-47")


@given(st.text(max_size=LENGTH_MAX + 20))
def test_no_refusal_repeats_the_password_and_what_is_taken_is_long_enough(password):
    refused = None
    try:
        taken = _judge(password)
    except PasswordError as error:
        refused = error
    if refused is None:
        assert LOGIN_LENGTH_MIN <= len(taken) <= LENGTH_MAX
    else:
        assert refused.field == "password"
        assert len(password) < 4 or password not in refused.message


@given(st.text(alphabet="0123456789abcdefghijkmnpqrstuvwxyz", min_size=5, max_size=20), st.data())
def test_nothing_is_taken_that_has_five_characters_in_a_row_of_something_personal(term, data):
    at = data.draw(st.integers(0, len(term) - 5))
    piece = term[at : at + 5]
    error = _refusal(f"lantern {piece} orchid-mule", personal=(term,))
    assert error.code in ("PASSWORD_PERSONAL", "PASSWORD_SIMPLE")
