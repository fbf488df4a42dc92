"""Checkpoints and verifier keys, byte by byte: the format has one form, and all else is refused with its reason."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.domain.checkpoint import (
    Checkpoint,
    CheckpointError,
    VerifierKey,
    checkpoint_text,
    format_signature,
    key_id,
    open_checkpoint,
)

ORIGIN = "rongtong.example/log"
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
KEY = VerifierKey(ORIGIN, PUBLIC)
ROOT = bytes(range(32))
NOT_A_KEY = "The log key is no Ed25519 verifier key (name+id+base64)."
BROKEN = "The checkpoint holds broken base64."
OTHER_BASE64 = "The checkpoint holds base64 that is not in its only form."
OTHER_LOG = "The checkpoint is not one of this log."
OTHER_FORM = "The checkpoint is not in its only form."
UNSIGNED = "The checkpoint is not signed by the pinned log key."
WRONG = "The checkpoint's signature is wrong."


def _signed(text: str) -> str:
    return f"{text}\n" + format_signature(ORIGIN, key_id(ORIGIN, PUBLIC), PRIVATE.sign(text.encode()))


NOTE = _signed(checkpoint_text(ORIGIN, 12, ROOT))


def _key_text(name: str, raw: bytes) -> str:
    identity = key_id(name, raw[1:]).hex()
    return f"{name}+{identity}+{b64encode(raw).decode()}"


def test_the_published_example_of_a_verifier_key_reads_back():
    # Go's golang.org/x/mod/sumdb/note documentation, PeterNeumann: the key id is part of the format.
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = VerifierKey.parse(text)
    assert (key.name, key_id(key.name, key.public_key).hex(), key.text()) == ("PeterNeumann", "c74f20a3", text)


def test_space_around_a_verifier_key_is_no_part_of_it():
    assert VerifierKey.parse(f" {KEY.text()}\n") == KEY


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_key_text("", b"\x01" + PUBLIC), NOT_A_KEY),
        (_key_text(ORIGIN, b"\x02" + PUBLIC), NOT_A_KEY),
        (_key_text(ORIGIN, b"\x01" + PUBLIC[:-1]), NOT_A_KEY),
        (_key_text(ORIGIN, b"\x01" + PUBLIC + b"\x00"), NOT_A_KEY),
        ("", NOT_A_KEY),
        (
            f"{ORIGIN}+00000000+{b64encode(bytes([1]) + PUBLIC).decode()}",
            "The log key's id 00000000 does not fit its name and key.",
        ),
        (KEY.text() + "é", BROKEN),
        (KEY.text() + "+AAAA", BROKEN),
        (KEY.text() + "=", OTHER_BASE64),
    ],
)
def test_what_is_no_verifier_key_is_refused_with_the_reason(text, message):
    with pytest.raises(CheckpointError) as refused:
        VerifierKey.parse(text)
    assert str(refused.value) == message


def test_base64_between_plus_signs_is_read_from_the_second_on():
    # Standard base64 has a plus sign of its own.
    public = next(bytes([at]) * 32 for at in range(256) if b"+" in b64encode(b"\x01" + bytes([at]) * 32))
    key = VerifierKey(ORIGIN, public)
    assert VerifierKey.parse(key.text()) == key


def test_a_checkpoint_and_its_signature_line_have_these_bytes():
    assert checkpoint_text("a/b", 7, b"\x00" * 3) == "a/b\n7\nAAAA\n"
    assert format_signature("a/b", b"\x00\x01\x02\x03", b"\xff" * 2) == "— a/b AAECA///\n"


def test_a_signed_checkpoint_opens_to_what_was_signed():
    assert open_checkpoint(NOTE, KEY) == Checkpoint(ORIGIN, 12, ROOT)


def test_the_largest_size_has_18_digits():
    assert open_checkpoint(_signed(checkpoint_text(ORIGIN, 10**18 - 1, ROOT)), KEY).size == 10**18 - 1


ZEROS = b64encode(bytes(68)).decode()


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (NOTE.replace("\n\n", "\n"), OTHER_LOG),
        (_signed(checkpoint_text("another.example/log", 12, ROOT)), OTHER_LOG),
        (_signed(checkpoint_text(ORIGIN, 10**18, ROOT)), OTHER_LOG),
        (_signed(f"{ORIGIN}\n-1\n{b64encode(ROOT).decode()}\n"), OTHER_LOG),
        (_signed(f"{ORIGIN}\n１\n{b64encode(ROOT).decode()}\n"), OTHER_LOG),
        (_signed(f"{ORIGIN}\n12\n{b64encode(ROOT).decode()}\nmore\n"), OTHER_LOG),
        (_signed(f"{ORIGIN}\n12\n"), OTHER_LOG),
        (_signed(f"{ORIGIN}\n012\n{b64encode(ROOT).decode()}\n"), OTHER_FORM),
        (_signed(checkpoint_text(ORIGIN, 12, ROOT[:31])), OTHER_FORM),
        (_signed(checkpoint_text(ORIGIN, 12, ROOT + b"\x00")), OTHER_FORM),
        (_signed(f"{ORIGIN}\n12\n{b64encode(ROOT).decode()[:-1]}\n"), BROKEN),
        (_signed(f"{ORIGIN}\n12\n*{b64encode(ROOT).decode()}\n"), BROKEN),
        (_signed(f"{ORIGIN}\n12\n{b64encode(ROOT).decode()[:-2]}9=\n"), OTHER_BASE64),
        (checkpoint_text(ORIGIN, 12, ROOT) + "\n", UNSIGNED),
        (NOTE.replace("— ", "- "), UNSIGNED),
        (NOTE + "\n", BROKEN),
        (NOTE.removesuffix("\n"), UNSIGNED),
        (NOTE + NOTE.partition("\n\n")[2], BROKEN),
        (NOTE + "\n\n", BROKEN),
        (f"{checkpoint_text(ORIGIN, 12, ROOT)}\n— {ORIGIN} {ZEROS}\n", UNSIGNED),
        (f"{checkpoint_text(ORIGIN, 12, ROOT)}\n" + format_signature(ORIGIN, key_id(ORIGIN, PUBLIC), bytes(64)), WRONG),
        (NOTE.replace("\n12\n", "\n13\n"), WRONG),
    ],
)
def test_any_other_note_is_refused_with_the_reason(note, message):
    with pytest.raises(CheckpointError) as refused:
        open_checkpoint(note, KEY)
    assert str(refused.value) == message


def test_a_signature_of_another_keys_name_is_refused_whatever_it_holds():
    # As long as our own prefix, so that what follows would still decode.
    signature = NOTE.partition("\n\n")[2].replace(ORIGIN, "another.example/log!")
    with pytest.raises(CheckpointError) as refused:
        open_checkpoint(f"{checkpoint_text(ORIGIN, 12, ROOT)}\n{signature}", KEY)
    assert str(refused.value) == UNSIGNED
