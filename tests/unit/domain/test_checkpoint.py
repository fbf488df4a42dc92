"""Checkpoints and cosignatures, byte by byte: the format has one form, and all else is refused with its reason."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path

import pytest

from rongtong.domain.checkpoint import (
    Checkpoint,
    CheckpointError,
    cosignature_line,
    cosignatures,
    cosigned_text,
    open_checkpoint,
)
from rongtong.domain.merkle import leaf_hash
from rongtong.domain.note import Note, VerifierKey, parse_signatures
from witnessed_log import LOG, STRANGER, TIME, WITNESSES, cosigned

VECTORS = json.loads((Path(__file__).parents[2] / "transparency_vectors.json").read_text(encoding="utf-8"))
PUBLIC, EXAMPLE = VECTORS["cosigned"], VECTORS["cosignature_example"]
ORIGIN = LOG.key.name
ROOT = bytes(range(32))
ROOT_TEXT = b64encode(ROOT).decode()
TEXT = f"{ORIGIN}\n12\n{ROOT_TEXT}\n"
NOTE = LOG.signed(TEXT)
KEYS = tuple(one.key for one in WITNESSES)
NO_CHECKPOINT = "This is no checkpoint: the log's name, its size and its root, each on a line."
UNREADABLE = "The checkpoint's root is unreadable."
UNSIGNED = "The checkpoint is not signed by the pinned log key."
WRONG = "The checkpoint's signature is wrong."


def test_a_published_tree_head_has_its_published_text():
    # golang.org/x/mod/sumdb/tlog, note_test.go.
    text = VECTORS["checkpoint"]["text"]
    head = Checkpoint("go.sum database tree", 123_456_789_012, leaf_hash(b"hello world"))
    assert (head.text(), Checkpoint.parse(text)) == (text, head)


def test_a_checkpoint_reads_back_with_the_lines_that_extend_it():
    head = Checkpoint(ORIGIN, 0, ROOT, ("more", "and more"))
    assert Checkpoint.parse(head.text()) == head
    assert head.text() == f"{ORIGIN}\n0\n{ROOT_TEXT}\nmore\nand more\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", NO_CHECKPOINT),
        (f"{ORIGIN}\n12\n", NO_CHECKPOINT),
        (TEXT[:-1], NO_CHECKPOINT),
        (TEXT + "\n", NO_CHECKPOINT),
        (f"\n12\n{ROOT_TEXT}\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n12\n{ROOT_TEXT}\n\nmore\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n012\n{ROOT_TEXT}\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n-1\n{ROOT_TEXT}\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n0xabcdef\n{ROOT_TEXT}\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n１\n{ROOT_TEXT}\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n{10**18}\n{ROOT_TEXT}\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n{'4' * 5000}\n{ROOT_TEXT}\n", NO_CHECKPOINT),
        (f"{ORIGIN}\n12\n{b64encode(ROOT[:31]).decode()}\n", "The checkpoint's root is no SHA-256 hash."),
        (f"{ORIGIN}\n12\n{b64encode(ROOT + b'0').decode()}\n", "The checkpoint's root is no SHA-256 hash."),
        (f"{ORIGIN}\n12\n{ROOT_TEXT[:-1]}\n", f"{UNREADABLE} There is broken base64."),
        (f"{ORIGIN}\n12\n*{ROOT_TEXT}\n", f"{UNREADABLE} There is broken base64."),
        (f"{ORIGIN}\n12\n{ROOT_TEXT[:-2]}9=\n", f"{UNREADABLE} There is base64 that is not in its only form."),
        # One of Go's bad trees: its root is too long.
        (
            VECTORS["checkpoint"]["text"].replace("uwBb0=", "uwBTOOBIG="),
            f"{UNREADABLE} There is base64 that is not in its only form.",
        ),
    ],
)
def test_any_other_text_is_refused_with_the_reason(text, message):
    with pytest.raises(CheckpointError) as refused:
        Checkpoint.parse(text)
    assert str(refused.value) == message


def test_the_largest_size_has_18_digits():
    assert Checkpoint.parse(f"{ORIGIN}\n{10**18 - 1}\n{ROOT_TEXT}\n").size == 10**18 - 1


def test_a_signed_checkpoint_opens_to_what_was_signed():
    assert open_checkpoint(NOTE, LOG.key) == Checkpoint(ORIGIN, 12, ROOT)


def test_others_signatures_do_not_matter_to_the_logs():
    assert open_checkpoint(cosigned(TEXT, [STRANGER]), LOG.key).size == 12


def test_a_public_logs_checkpoint_opens():
    head = open_checkpoint(PUBLIC["note"], VerifierKey.parse(PUBLIC["log"]))
    assert (head.origin, head.size) == ("arche2025h1.staging.ct.transparency.dev", 1_432_088_532)


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (TEXT, "This is no signed note: a text, a blank line and signature lines."),
        (LOG.signed("another.example/log\n" + TEXT.partition("\n")[2]), None),
        (STRANGER.signed(TEXT), UNSIGNED),
        (f"{TEXT}\n— {ORIGIN} {b64encode(bytes(68)).decode()}\n", UNSIGNED),
        (f"{TEXT}\n— {ORIGIN} {b64encode(LOG.key.identity + bytes(64)).decode()}\n", WRONG),
        (f"{TEXT}\n— {ORIGIN} {b64encode(LOG.key.identity + bytes(1)).decode()}\n", WRONG),
        (NOTE.replace("\n12\n", "\n13\n"), WRONG),
        (NOTE + f"— {ORIGIN} {b64encode(LOG.key.identity + bytes(64)).decode()}\n", WRONG),
    ],
)
def test_a_note_that_the_log_did_not_sign_so_is_refused_with_the_reason(note, message):
    with pytest.raises(CheckpointError) as refused:
        open_checkpoint(note, LOG.key)
    other = f"The checkpoint is one of the log another.example/log, not of {ORIGIN}."
    assert str(refused.value) == (message or other)


def test_the_specifications_example_of_a_cosigned_message_has_its_bytes():
    assert cosigned_text(EXAMPLE["time"], EXAMPLE["text"]) == EXAMPLE["message"]


def test_the_specifications_example_of_a_cosignature_line_has_its_parts():
    (signature,) = parse_signatures(EXAMPLE["line"])
    assert (signature.name, signature.identity.hex()) == ("witness.example.com/w1", "8d66cf3f")
    time = int.from_bytes(signature.content[:8], "big")
    assert (time, len(signature.content)) == (EXAMPLE["time"], 72)


def test_a_public_checkpoints_cosignatures_verify_with_their_times():
    witnesses = tuple(VerifierKey.parse(text) for text in PUBLIC["witnesses"])
    found = cosignatures(Note.parse(PUBLIC["note"]), witnesses)
    assert [(one.witness, one.time) for one in found] == [(witness, PUBLIC["time"]) for witness in witnesses]


def test_a_cosignature_line_is_name_id_time_and_signature():
    line = cosignature_line(KEYS[0], 1, bytes(64))
    (read,) = parse_signatures(line)
    assert (read.name, read.identity, read.content) == (KEYS[0].name, KEYS[0].identity, bytes(7) + b"\x01" + bytes(64))


def test_cosignatures_by_others_are_ignored_and_each_witness_counts_once():
    note = Note.parse(cosigned(TEXT, [WITNESSES[1], STRANGER, WITNESSES[1]]))
    found = cosignatures(note, KEYS)
    assert [(one.witness, one.time) for one in found] == [(KEYS[1], TIME)]


def test_a_cosignature_covers_its_time():
    line = WITNESSES[0].cosignature(TEXT, TIME)
    (signature,) = parse_signatures(line)
    later = cosignature_line(KEYS[0], TIME + 1, signature.content[8:])
    with pytest.raises(CheckpointError, match=r"^The cosignature of witness\.example/w1 is wrong\.$"):
        cosignatures(Note.parse(NOTE + later), KEYS)


def test_a_cosignature_covers_the_lines_that_extend_the_checkpoint():
    cut = f"{TEXT}more\n"
    with pytest.raises(CheckpointError, match=r"^The cosignature of witness\.example/w1 is wrong\.$"):
        cosignatures(Note.parse(LOG.signed(cut) + WITNESSES[0].cosignature(TEXT)), KEYS)


@pytest.mark.parametrize("content", [bytes(71), bytes(73), b"\x80" + bytes(71), bytes(1)])
def test_a_malformed_cosignature_of_a_witness_is_refused(content):
    line = f"— {KEYS[0].name} {b64encode(KEYS[0].identity + content).decode()}\n"
    with pytest.raises(CheckpointError, match=r"^The cosignature of witness\.example/w1 is malformed\.$"):
        cosignatures(Note.parse(NOTE + line), KEYS)


def test_the_latest_time_is_2_to_the_63_less_1():
    last = 2**63 - 1
    note = Note.parse(NOTE + WITNESSES[0].cosignature(TEXT, last))
    assert cosignatures(note, KEYS)[0].time == last


def test_a_key_that_is_no_point_of_the_curve_verifies_nothing():
    broken = VerifierKey(ORIGIN, hashlib.sha256(b"2").digest())
    signed = f"{TEXT}\n— {ORIGIN} {b64encode(broken.identity + bytes(64)).decode()}\n"
    with pytest.raises(CheckpointError, match=f"^{WRONG}$"):
        open_checkpoint(signed, broken)
