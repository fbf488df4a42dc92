"""Canonical bytes: one form for one value, the one that an independent implementation of RFC 8785 writes."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.canonical import canonical_bytes

TEXTS = st.text(st.characters(codec="utf-8"))
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXTS
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))


@given(VALUES)
def test_canonical_bytes_read_back_as_the_same_value(value):
    assert json.loads(canonical_bytes(value)) == value


@given(VALUES)
def test_an_independent_implementation_writes_the_same_bytes(value):
    assert canonical_bytes(value) == rfc8785.dumps(value)


@given(st.lists(st.characters(codec="utf-8", min_codepoint=0xD000), max_size=3).map("".join), TEXTS)
def test_names_beyond_the_basic_plane_are_sorted_as_the_independent_implementation_does(one, other):
    value = {one: 1, other: 2, "\ue000": 3, "\U00010000": 4}
    assert canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("code_point", [*range(0x20), 0x22, 0x5C, 0x7F, 0x2028, 0xFEFF])
def test_every_character_is_escaped_as_the_independent_implementation_does(code_point):
    assert canonical_bytes(chr(code_point)) == rfc8785.dumps(chr(code_point))


def test_members_are_sorted_by_utf_16_code_units_and_nothing_is_escaped_needlessly():
    # The sorting example of RFC 8785 section 3.2.3.
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    names = ['"\\r"', '"1"', '"\u0080"', '"\u00f6"', '"\u20ac"', '"\U0001f600"', '"\ufb33"']
    assert [line.split(":")[0] for line in canonical_bytes(value).decode()[1:-1].split(",")] == names


def test_a_tuple_is_written_as_a_list():
    assert canonical_bytes(({"b": (1,), "a": None}, True)) == b'[{"a":null,"b":[1]},true]'


@pytest.mark.parametrize("value", [2**53, -(2**53), {1: "a"}, {"a": {None: 1}}, "\ud800", {"\udc00": 1}, b"x", {1}])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(ValueError, match=r"has no place in what is hashed|must be a string|surrogates not allowed"):
        canonical_bytes(value)


@pytest.mark.parametrize("value", [1.0, [1.5], (1.5,), {"a": 1.5}, {"a": [{"b": (1, 2.0)}]}])
def test_a_float_is_refused_at_any_depth_with_what_to_use(value):
    with pytest.raises(ValueError, match=r"^A float has no place in what is hashed; use integers or strings\.$"):
        canonical_bytes(value)
