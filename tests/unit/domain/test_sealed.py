"""Sealed texts: one profile of JWE, for one purpose, for minutes; everything else is refused before it is opened."""

import json
import os
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import RSAKey

from rongtong.domain.sealed import (
    AGE_MAX_S,
    AHEAD_MAX_S,
    LENGTH_MAX,
    About,
    SealedExpiredError,
    SealedFormatError,
    SealedForOtherError,
    SealedKeyUnknownError,
    SealedUnreadableError,
    content_of,
    public_jwk,
    read,
)
from sealing import MemorySealingKeys, encoded, header_of, rsa_key, sealed_text

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
KEYS = MemorySealingKeys("a")
JWK = KEYS.published()
CONFIRM = About("confirm", "opr_1", "dsc_1", "chl_1")
PASSWORD = About("payment_password", "opr_1")
SECRETS = {"code": "123456", "payment_password": "Wq7$kd9L-teapot"}
REFUSALS = (
    SealedFormatError,
    SealedForOtherError,
    SealedExpiredError,
    SealedUnreadableError,
    SealedKeyUnknownError,
)


def _sealed(about=CONFIRM, secrets=SECRETS, at=NOW, **changes):
    header = {**header_of(JWK, about, at), **changes}
    return sealed_text(JWK, {name: value for name, value in header.items() if value is not None}, secrets)


def _opened(text, about=CONFIRM, now=NOW, keys=KEYS):
    sealed = read(text, about, now)
    return content_of(sealed.opened(keys.unwrapped(sealed.key_id, sealed.wrapped_key)))


GOOD = _sealed()


@pytest.mark.parametrize("about", [CONFIRM, PASSWORD, About("login_password", "opr_1")], ids=lambda one: one.purpose)
def test_what_was_sealed_for_this_opens(about):
    assert _opened(_sealed(about), about) == SECRETS


def test_the_key_s_id_is_its_thumbprint():
    """The key and the thumbprint of RFC 7638 section 3.1."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn"
        "jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM"
        "QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz"
        "KnqDKgw"
    )
    number = int.from_bytes(urlsafe_b64decode(modulus + "=="), "big")
    assert public_jwk(number, 65537) == {
        "kty": "RSA",
        "n": modulus,
        "e": "AQAB",
        "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        "use": "enc",
        "alg": "RSA-OAEP-256",
    }


def test_another_implementation_s_text_opens_and_it_opens_ours():
    theirs = jwe.encrypt_compact(
        header_of(JWK, CONFIRM, NOW),
        json.dumps(SECRETS).encode(),
        RSAKey.import_key(JWK),
        registry=_any_header(),
    )
    assert _opened(theirs) == SECRETS
    private = RSAKey.import_key(rsa_key("a"))
    assert json.loads(jwe.decrypt_compact(GOOD, private, registry=_any_header()).plaintext) == SECRETS


def _any_header():
    return jwe.JWERegistry(strict_check_header=False, algorithms=["RSA-OAEP-256", "A256GCM"])


@pytest.mark.parametrize(
    "about",
    [
        About("confirm", "opr_2", "dsc_1", "chl_1"),
        About("confirm", "opr_1", "dsc_2", "chl_1"),
        About("confirm", "opr_1", "dsc_1", "chl_2"),
        PASSWORD,
        About("login_password", "opr_1"),
    ],
    ids=str,
)
def test_what_was_sealed_for_another_operator_purpose_or_payment_is_refused_unopened(about):
    keys = MemorySealingKeys("a")
    with pytest.raises(SealedForOtherError):
        _opened(_sealed(about), CONFIRM, keys=keys)
    with pytest.raises(SealedForOtherError):
        _opened(GOOD, about, keys=keys)
    assert keys.opened == 0


@pytest.mark.parametrize(
    ("late_s", "counts"),
    [(0, True), (AGE_MAX_S, True), (AGE_MAX_S + 1, False), (-AHEAD_MAX_S, True), (-AHEAD_MAX_S - 1, False)],
)
def test_a_sealed_text_counts_for_minutes(late_s, counts):
    now = NOW + timedelta(seconds=late_s)
    if counts:
        assert _opened(GOOD, now=now) == SECRETS
        return
    with pytest.raises(SealedExpiredError, match=now.strftime("%Y-%m-%dT%H:%M:%SZ")):
        read(GOOD, CONFIRM, now)


@pytest.mark.parametrize(
    "changes",
    [
        {"zip": "DEF"},
        {"crit": ["exp"]},
        {"typ": "JWT"},
        {"jwk": JWK},
        {"alg": "RSA-OAEP"},
        {"alg": "RSA1_5"},
        {"alg": "dir"},
        {"enc": "A128GCM"},
        {"enc": "A256CBC-HS512"},
        {"enc": None},
        {"kid": None},
        {"kid": 1},
        {"kid": ["x"]},
        {"iat": None},
        {"iat": "1776218400"},
        {"iat": True},
        {"iat": 1776218400.5},
        {"operator_id": None},
    ],
    ids=" ".join,
)
def test_another_header_than_the_profile_s_is_refused(changes):
    with pytest.raises(SealedFormatError):
        read(_sealed(**changes), CONFIRM, NOW)


def test_a_time_beyond_all_times_is_refused():
    with pytest.raises(SealedExpiredError):
        read(_sealed(iat=10**400), CONFIRM, NOW)


@pytest.mark.parametrize(
    "header",
    ["", "{", "[]", "null", '"confirm"', "[" * 2000, json.dumps(header_of(JWK, CONFIRM, NOW))[:-1] + ',"alg":"dir"}'],
)
def test_a_header_that_is_no_single_object_is_refused(header):
    with pytest.raises(SealedFormatError):
        read(sealed_text(JWK, header, SECRETS), CONFIRM, NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "....",
        GOOD + ".",
        GOOD.rsplit(".", 1)[0],
        GOOD + "=",
        GOOD.replace(".", ". ", 1),
        GOOD[:-1] + "é",
        GOOD + "A" * LENGTH_MAX,
        GOOD.rsplit(".", 1)[0] + "." + encoded(os.urandom(15)),
        ".".join([*GOOD.split(".")[:2], encoded(os.urandom(16)), *GOOD.split(".")[3:]]),
        ".".join([GOOD.split(".")[0], encoded(os.urandom(256)), *GOOD.split(".")[2:]]),
    ],
    ids=range(11),
)
def test_what_has_not_the_form_and_the_lengths_is_refused(text):
    with pytest.raises(SealedFormatError):
        read(text, CONFIRM, NOW)


def test_base64_is_read_in_the_one_way_that_it_is_written():
    """The last character of a 16-byte tag bears two bits; the others must be zero."""
    last = GOOD[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = alphabet[alphabet.index(last) + 1]
    with pytest.raises(SealedFormatError):
        read(GOOD[:-1] + other, CONFIRM, NOW)


def test_a_key_before_counts_as_long_as_it_is_named_and_the_id_says_which():
    both, new = MemorySealingKeys("b", "a"), MemorySealingKeys("b")
    assert both.published() != JWK
    assert _opened(GOOD, keys=both) == SECRETS
    with pytest.raises(SealedKeyUnknownError):
        _opened(GOOD, keys=new)


def test_a_text_under_another_key_than_it_names_does_not_open():
    header = {**header_of(JWK, CONFIRM, NOW)}
    text = sealed_text(MemorySealingKeys("b").published(), header, SECRETS)
    with pytest.raises(SealedUnreadableError):
        _opened(text)


@pytest.mark.parametrize("length", [16, 24])
def test_a_content_key_of_another_length_opens_nothing(length):
    text = sealed_text(JWK, header_of(JWK, CONFIRM, NOW), SECRETS, key=os.urandom(length))
    with pytest.raises(SealedUnreadableError):
        _opened(text)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_refused(at, bit):
    changed = GOOD[:at] + chr(ord(GOOD[at]) ^ 1 << bit) + GOOD[at + 1 :]
    with pytest.raises(REFUSALS):
        _opened(changed)


@settings(max_examples=100, deadline=None)
@given(part=st.integers(0, 4), other=st.sampled_from([CONFIRM, About("confirm", "opr_1", "dsc_1", "chl_2")]))
def test_parts_of_two_sealed_texts_are_none(part, other):
    parts, others = GOOD.split("."), _sealed(other, {"code": "654321"}, NOW + timedelta(seconds=1)).split(".")
    parts[part] = others[part]
    with pytest.raises(REFUSALS):
        _opened(".".join(parts))


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_at_all_raises_anything_but_a_refusal(text):
    with pytest.raises(SealedFormatError):
        read(text, CONFIRM, NOW)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"code":"1","code":"2"}', b'{"code":"\\ud800"}'])
def test_a_content_that_is_no_json_is_refused_without_a_trace_of_it(content):
    with pytest.raises(SealedFormatError) as refused:
        _opened(_sealed(secrets=content))
    assert refused.value.__suppress_context__
    assert "\\ud800" not in str(refused.value)


def test_no_refusal_repeats_anything_of_the_text():
    marked = "x-marked-x"
    texts = [
        _sealed(alg=marked),
        _sealed(**{marked: "1"}),
        _sealed(kid=marked),
        _sealed(operator_id=marked),
        f"{marked}.a.b.c.d",
        _sealed(secrets=marked.encode()),
    ]
    for text in texts:
        with pytest.raises(REFUSALS) as refused:
            _opened(text)
        assert marked not in refused.value.message
