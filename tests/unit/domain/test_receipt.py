"""What a receipt is refused for: every rule of its form, of its events and of its end, with code and words."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.domain.checkpoint import VerifierKey, checkpoint_text, format_signature, key_id
from rongtong.domain.merkle import inclusion_proof, leaf_hash, root
from rongtong.domain.receipt import Proved, ReceiptError, build_receipt, event_leaf, receipt_bytes, verify_receipt

ORIGIN = "rongtong.example/log"
PRIVATE = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
KEY = VerifierKey(ORIGIN, PUBLIC).text()
KINDS = ("DiscountAccepted", "DiscountVerified", "DiscountPaid")
NO_RECEIPT = "The file is not a receipt."
OTHER_FORMAT = "The file is not a receipt of the format rongtong-receipt/1."


def _receipt(kinds=KINDS):
    events = [{"discount_id": "dsc_1", "n": n, "type": kind} for n, kind in enumerate(kinds, start=1)]
    salts = [bytes([n]) * 16 for n in range(len(events))]
    leaves = [leaf_hash(event_leaf(salt, event)) for salt, event in zip(salts, events, strict=True)]
    entries = [
        {"event": event, "salt_hex": salt.hex(), "index": at, "proof": [h.hex() for h in inclusion_proof(at, leaves)]}
        for at, (event, salt) in enumerate(zip(events, salts, strict=True))
    ]
    text = checkpoint_text(ORIGIN, len(leaves), root(leaves))
    signature = format_signature(ORIGIN, key_id(ORIGIN, PUBLIC), PRIVATE.sign(text.encode()))
    return build_receipt("dsc_1", entries, f"{text}\n{signature}")


def _refusal(content, key=KEY):
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(content, key)
    return refused.value.code, str(refused.value)


@pytest.mark.parametrize("last", ["DiscountPaid", "DiscountRefused", "DiscountFailed"])
def test_a_whole_receipt_proves_its_events_under_the_log(last):
    kinds = (*KINDS[:2], last)
    assert verify_receipt(receipt_bytes(_receipt(kinds)), KEY) == Proved("dsc_1", kinds, ORIGIN, 3)


def test_a_receipt_may_have_one_event():
    assert verify_receipt(receipt_bytes(_receipt(("DiscountRefused",))), KEY).events == ("DiscountRefused",)


@pytest.mark.parametrize(
    "content", [b"", b"no JSON", b"\xff", b"[" * 100_000, b'{"amount":1.5}\n', b'{"a":9007199254740992}\n']
)
def test_what_is_no_canonical_json_is_no_receipt(content):
    assert _refusal(content) == ("RECEIPT_FORMAT", NO_RECEIPT)


def test_another_byte_form_of_the_same_receipt_is_refused():
    told = "The file is not in the receipt's only byte form; use it as received."
    assert _refusal(json.dumps(_receipt()).encode()) == ("RECEIPT_FORMAT", told)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "rongtong-receipt/2"},
        {"checkpoint": 1},
        {"entries": []},
        {"entries": {}},
        {"entries": "entries"},
        {"more": 1},
    ],
)
def test_a_receipt_of_another_shape_is_refused(changes):
    assert _refusal(receipt_bytes({**_receipt(), **changes})) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("value", [[], "receipt", 1, None])
def test_a_receipt_is_an_object(value):
    assert _refusal(receipt_bytes(value)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("key", ["format", "discount_id", "entries", "checkpoint"])
def test_every_member_of_a_receipt_is_needed(key):
    receipt = _receipt()
    del receipt[key]
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "DiscountPaid"},
        {"salt_hex": 0},
        {"salt_hex": "0" * 31},
        {"salt_hex": "0" * 33},
        {"salt_hex": "G" * 32},
        {"index": True},
        {"index": "0"},
        {"proof": "0" * 64},
        {"proof": [0]},
        {"proof": ["0" * 63]},
        {"proof": ["0" * 64, "A" * 64]},
        {"more": 1},
    ],
)
def test_an_entry_of_another_shape_is_refused(changes):
    receipt = _receipt()
    receipt["entries"][1].update(changes)
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


def test_an_entry_is_an_object():
    receipt = _receipt()
    receipt["entries"][1] = ["event", "salt_hex", "index", "proof"]
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("key", ["event", "salt_hex", "index", "proof"])
def test_every_member_of_an_entry_is_needed(key):
    receipt = _receipt()
    del receipt["entries"][1][key]
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_FORMAT", OTHER_FORMAT)


@pytest.mark.parametrize("changes", [{"discount_id": "dsc_2"}, {"n": 3}, {"n": 1}])
def test_an_event_of_another_discount_or_place_is_refused(changes):
    receipt = _receipt()
    receipt["entries"][1]["event"].update(changes)
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_EVENTS", "Entry 2 is not event 2 of this discount.")


@pytest.mark.parametrize(
    ("key", "value"), [("index", 0), ("index", -1), ("index", 3), ("salt_hex", "0" * 32), ("proof", ["0" * 64])]
)
def test_an_event_that_the_log_does_not_hold_is_refused(key, value):
    receipt = _receipt()
    receipt["entries"][1][key] = value
    told = "Event 2 is not in the log under this checkpoint."
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_PROOF", told)


def test_a_receipt_that_does_not_reach_the_end_names_its_last_event():
    told = "The last event is DiscountSealed: the discount had not ended, or more was cut off."
    assert _refusal(receipt_bytes(_receipt((*KINDS[:2], "DiscountSealed")))) == ("RECEIPT_INCOMPLETE", told)


def test_an_end_within_a_receipt_does_not_end_it():
    code, _ = _refusal(receipt_bytes(_receipt(("DiscountPaid", "Told", "Told"))))
    assert code == "RECEIPT_INCOMPLETE"


def test_the_checkpoints_fault_is_passed_on():
    receipt = _receipt()
    receipt["checkpoint"] = receipt["checkpoint"].replace("\n3\n", "\n4\n")
    assert _refusal(receipt_bytes(receipt)) == ("RECEIPT_CHECKPOINT", "The checkpoint's signature is wrong.")


def test_a_malformed_log_key_is_a_fault_of_the_checkpoint():
    code, told = _refusal(receipt_bytes(_receipt()), "no key")
    assert (code, told) == ("RECEIPT_CHECKPOINT", "The log key is no Ed25519 verifier key (name+id+base64).")


def test_the_salt_comes_before_the_events_canonical_bytes():
    # printf '\x01\x02{"a":1,"b":2}' | sha256sum
    expected = "032b36facd4ea1710fd0292fa0c6a8c9300f217d6009a5c933dbe0b00fffdae9"
    assert event_leaf(b"\x01\x02", {"b": 2, "a": 1}).hex() == expected
