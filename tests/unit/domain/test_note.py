"""Signed notes and verifier keys, byte by byte, against published notes: one form, and all else is refused."""

import json
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rongtong.domain.note import Note, NoteError, Signature, VerifierKey, parse_signatures
from witnessed_log import LOG, WITNESSES

VECTORS = json.loads((Path(__file__).parents[2] / "transparency_vectors.json").read_text(encoding="utf-8"))
NOTES = VECTORS["notes"]
PETER, ENOCH = NOTES[0], NOTES[1]
NOT_A_KEY = "This is no Ed25519 verifier key (name+id+base64, type 1 or 4)."
NO_NOTE = "This is no signed note: a text, a blank line and signature lines."
MALFORMED = "A signature line of the note is malformed."
BROKEN = "There is broken base64."
OTHER_BASE64 = "There is base64 that is not in its only form."


@pytest.mark.parametrize("vector", NOTES, ids=lambda vector: vector["source"])
def test_a_published_note_reads_back_and_its_signature_verifies(vector):
    key, note = VerifierKey.parse(vector["key"]), Note.parse(f"{vector['text']}\n{vector['line']}")
    (signature,) = note.signatures
    assert (note.text, signature.is_of(key), signature.line()) == (vector["text"], True, vector["line"])
    Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature.content, note.text.encode())


def test_a_note_signed_with_the_published_private_key_has_the_published_bytes():
    private = Ed25519PrivateKey.from_private_bytes(b64decode(PETER["seed"]))
    key = VerifierKey.parse(PETER["key"])
    assert private.public_key().public_bytes_raw() == key.public_key
    made = Signature(key.name, key.identity, private.sign(PETER["text"].encode()))
    assert Note(PETER["text"], (made,)).content() == f"{PETER['text']}\n{PETER['line']}"


@pytest.mark.parametrize(
    "text", [*(vector["key"] for vector in NOTES), VECTORS["cosigned"]["log"], *VECTORS["cosigned"]["witnesses"]]
)
def test_a_published_verifier_key_reads_back_with_its_id(text):
    key = VerifierKey.parse(text)
    assert (key.text(), key.identity.hex()) == (text, text.split("+")[1])


def test_the_type_of_the_published_keys_is_read():
    kinds = [VerifierKey.parse(text).kind for text in (VECTORS["cosigned"]["log"], VECTORS["cosigned"]["witnesses"][0])]
    assert kinds == [1, 4]


def test_a_part_of_a_verifier_key_is_none():
    text = PETER["key"]
    parts = {text[start:end] for start in range(len(text)) for end in range(start, len(text) + 1)} - {text}
    for part in parts:
        with pytest.raises(NoteError):
            VerifierKey.parse(part)


def test_a_verifier_key_with_one_character_raised_is_none():
    text = PETER["key"]
    for at, one in enumerate(text):
        with pytest.raises(NoteError):
            VerifierKey.parse(text[:at] + chr(ord(one) + 1) + text[at + 1 :])


def test_space_around_a_verifier_key_is_no_part_of_it():
    assert VerifierKey.parse(f" {LOG.key.text()}\n") == LOG.key


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", NOT_A_KEY),
        # From Go's tests: wrong length and unknown algorithm, each with an id that fits.
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", OTHER_BASE64),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", NOT_A_KEY),
        (LOG.key.text().replace(LOG.key.name, ""), NOT_A_KEY),
        (LOG.key.text().replace("/", " "), NOT_A_KEY),
        (VerifierKey("a", LOG.key.public_key[:-1]).text(), NOT_A_KEY),
        (VerifierKey("a", LOG.key.public_key + b"\x00").text(), NOT_A_KEY),
        (VerifierKey("a", LOG.key.public_key, 2).text(), NOT_A_KEY),
        (
            LOG.key.text().replace(LOG.key.identity.hex(), "00000000"),
            "The verifier key's id 00000000 does not fit its name and key.",
        ),
        (LOG.key.text() + "é", BROKEN),
        (LOG.key.text() + "+AAAA", BROKEN),
        (LOG.key.text() + "=", OTHER_BASE64),
    ],
)
def test_what_is_no_verifier_key_is_refused_with_the_reason(text, message):
    with pytest.raises(NoteError) as refused:
        VerifierKey.parse(text)
    assert str(refused.value) == message


def test_base64_between_plus_signs_is_read_from_the_second_on():
    # Standard base64 has a plus sign of its own; the key is one of transparency-dev/formats' tests.
    text = "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6"
    assert VerifierKey.parse(text).text() == text


def test_the_same_key_of_another_type_has_another_id():
    ids = {VerifierKey("a", LOG.key.public_key, kind).identity for kind in (1, 4)}
    assert len(ids) == 2


def test_a_note_may_hold_empty_lines_and_is_split_at_the_last_one():
    note = Note.parse(LOG.signed("one\n\ntwo\n\n"))
    assert note.text == "one\n\ntwo\n\n"
    assert len(note.signatures) == 1


def test_a_note_keeps_all_its_signatures_in_their_order():
    text = "a text\n"
    content = LOG.signed(text) + "".join(one.cosignature(text) for one in WITNESSES)
    note = Note.parse(content)
    assert [one.name for one in note.signatures] == [LOG.key.name, *(one.key.name for one in WITNESSES)]
    assert note.content() == content


LINE = PETER["line"]
TEXT = PETER["text"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # The malformed notes of Go's TestOpen (of bytes that are no UTF-8, no string can be made).
        (TEXT, NO_NOTE),
        (TEXT + "\n", NO_NOTE),
        (TEXT + "\n" + LINE[:-1], NO_NOTE),
        ("\x01" + TEXT + "\n" + LINE, NO_NOTE),
        (TEXT + "\n" + LINE.replace("PeterNeumann", "Bad Name"), BROKEN),
        (TEXT + "\n" + LINE + "Unexpected line.\n", MALFORMED),
        # And ours.
        ("", NO_NOTE),
        (TEXT + "\n" + LINE + "\n", NO_NOTE),
        (TEXT + "\n" + LINE.replace(" ", "\t", 1), NO_NOTE),
        (TEXT + "\n" + LINE.replace("\n", "\r\n"), NO_NOTE),
        (TEXT + "\n" + LINE.replace("—", "-"), MALFORMED),
        (TEXT + "\n" + LINE.replace("PeterNeumann", "Peter+Neumann"), MALFORMED),
        (TEXT + "\n" + LINE.replace("PeterNeumann ", " "), MALFORMED),
        (TEXT + "\n" + LINE.replace("PeterNeumann", "Peter\u00a0Neumann"), MALFORMED),
        (TEXT + "\n— PeterNeumann x08gow==\n", MALFORMED),
        (TEXT + "\n— PeterNeumann x08go1==\n", OTHER_BASE64),
        (TEXT + "\n— PeterNeumann x08go\n", BROKEN),
    ],
)
def test_what_is_no_note_is_refused_with_the_reason(content, message):
    with pytest.raises(NoteError) as refused:
        Note.parse(content)
    assert str(refused.value) == message


def test_a_note_has_at_most_64_signatures():
    assert len(Note.parse(f"{TEXT}\n{LINE * 64}").signatures) == 64
    with pytest.raises(NoteError, match=r"^The note has more than 64 signatures\.$"):
        Note.parse(f"{TEXT}\n{LINE * 65}")


def test_signature_lines_end_with_a_newline():
    with pytest.raises(NoteError, match=r"^A signature line ends with a newline\.$"):
        parse_signatures(LINE[:-1])


def test_a_signature_is_of_the_key_whose_name_and_id_it_bears():
    (peter,) = parse_signatures(LINE)
    key = VerifierKey.parse(PETER["key"])
    assert peter.is_of(key)
    assert not peter.is_of(VerifierKey("Another", key.public_key))
    assert not peter.is_of(VerifierKey(key.name, LOG.key.public_key))
    assert not peter.is_of(VerifierKey.parse(ENOCH["key"]))


def test_a_signature_line_has_these_bytes():
    made = Signature("a/b", b"\x00\x01\x02\x03", b"\xff" * 2)
    assert made.line() == f"— a/b {b64encode(bytes(range(4)) + bytes([255, 255])).decode()}\n"
