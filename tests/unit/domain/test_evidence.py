"""Canonical bytes, the Merkle tree, checkpoints and receipts."""

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.checkpoint import (
    CheckpointError,
    VerifierKey,
    checkpoint_text,
    format_signature,
    key_id,
    open_checkpoint,
)
from rongtong.domain.merkle import (
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from rongtong.domain.receipt import ReceiptError, build_receipt, event_leaf, receipt_bytes, verify_receipt
from rongtong.verify import main as verify_file

SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner)
)
ORIGIN = "rongtong.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


@given(VALUES)
def test_canonical_bytes_read_back_as_the_same_value(value):
    assert json.loads(canonical_bytes(value)) == value


def test_members_are_sorted_by_utf_16_code_units_and_nothing_is_escaped_needlessly():
    # The sorting example of RFC 8785 section 3.2.3.
    value = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7}
    names = ['"\\r"', '"1"', '"\u0080"', '"\u00f6"', '"\u20ac"', '"\U0001f600"', '"\ufb33"']
    assert [line.split(":")[0] for line in canonical_bytes(value).decode()[1:-1].split(",")] == names


@pytest.mark.parametrize("value", [1.5, 2**53, {1: "a"}, "\ud800", b"x"])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises((ValueError, UnicodeEncodeError)):
        canonical_bytes(value)


@pytest.mark.parametrize("value", [1.0, [1.5], (1.5,), {"a": 1.5}, {"a": [{"b": (1, 2.0)}]}])
def test_a_float_is_refused_at_any_depth_with_what_to_use(value):
    with pytest.raises(ValueError, match=r"^A float has no place in what is hashed; use integers or strings\.$"):
        canonical_bytes(value)


def test_roots_of_all_sizes_are_those_of_an_independent_tree():
    other, hashes, frontier = InmemoryTree(algorithm="sha256"), [], Frontier(0, ())
    assert root([]) == frontier.root() == hashlib.sha256(b"").digest()
    for number in range(70):
        data = f"leaf {number}".encode()
        other.append_entry(data)
        hashes.append(leaf_hash(data))
        frontier = frontier.append(hashes[-1])
        assert root(hashes) == frontier.root() == other.get_root()


def test_every_leaf_of_every_size_is_proved_and_no_other():
    hashes = [leaf_hash(bytes([number])) for number in range(20)]
    for size in range(1, 21):
        head = root(hashes[:size])
        for index in range(size):
            proof = inclusion_proof(index, hashes[:size])
            assert verify_inclusion(index, size, hashes[index], proof, head)
            assert not verify_inclusion(index, size, hashes[index - 1], proof, head) or size == 1
            assert not verify_inclusion(index, size, hashes[index], [*proof, head], head)
            assert not any(
                verify_inclusion(other, size, hashes[index], proof, head) for other in range(size) if other != index
            )


def test_every_tree_extends_every_earlier_one_and_no_altered_one():
    hashes = [leaf_hash(bytes([number])) for number in range(20)]
    for new in range(1, 21):
        for old in range(1, new + 1):
            proof = consistency_proof(old, hashes[:new])
            assert verify_consistency(old, new, root(hashes[:old]), root(hashes[:new]), proof)
            altered = [leaf_hash(b"other"), *hashes[1:old]]
            assert not verify_consistency(old, new, root(altered), root(hashes[:new]), proof)


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index):
    with pytest.raises(IndexError, match=f"^The tree of 3 leaves has no leaf {index}\\.$"):
        inclusion_proof(index, [leaf_hash(bytes([number])) for number in range(3)])


@pytest.mark.parametrize("index", [-1, 1])
def test_a_leaf_outside_the_tree_is_never_included(index):
    only = leaf_hash(b"only")
    assert not verify_inclusion(index, 1, only, [], only)


@pytest.mark.parametrize("old_size", [-1, 0, 4])
def test_there_is_no_proof_that_a_tree_extends_none_or_a_larger_one(old_size):
    with pytest.raises(IndexError, match=f"^No tree of 3 leaves extends one of {old_size}\\.$"):
        consistency_proof(old_size, [leaf_hash(bytes([number])) for number in range(3)])


@pytest.mark.parametrize(("old_size", "new_size"), [(-1, 2), (0, 2), (3, 2)])
def test_no_tree_extends_none_or_a_larger_one(old_size, new_size):
    head = root([leaf_hash(b"0"), leaf_hash(b"1")])
    assert not verify_consistency(old_size, new_size, head, head, [])


def test_a_consistency_proof_with_a_node_too_many_or_too_few_is_refused():
    hashes = [leaf_hash(bytes([number])) for number in range(20)]
    head = root(hashes)
    for old in range(1, 21):
        proof = consistency_proof(old, hashes)
        assert not verify_consistency(old, 20, root(hashes[:old]), head, [*proof, head])
        assert not proof or not verify_consistency(old, 20, root(hashes[:old]), head, proof[:-1])
        assert not proof or not verify_consistency(old, 20, root(hashes[:old]), head, [])


def test_a_tree_of_the_same_size_is_the_same_tree():
    head, other = root([leaf_hash(b"0")]), root([leaf_hash(b"1")])
    assert verify_consistency(1, 1, head, head, [])
    assert not verify_consistency(1, 1, head, other, [])
    assert not verify_consistency(1, 1, head, head, [other])


def _note(size: int, head: bytes, key: Ed25519PrivateKey = KEY) -> str:
    text = checkpoint_text(ORIGIN, size, head)
    return text + "\n" + format_signature(ORIGIN, key_id(ORIGIN, PUBLIC), key.sign(text.encode()))


def test_a_checkpoint_opens_with_its_key_and_no_other():
    note = _note(3, b"\x01" * 32)
    assert open_checkpoint(note, VerifierKey(ORIGIN, PUBLIC)).size == 3
    stranger = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
    with pytest.raises(CheckpointError):
        open_checkpoint(_note(3, b"\x01" * 32, stranger), VerifierKey(ORIGIN, PUBLIC))


def test_a_log_key_whose_id_does_not_fit_is_refused():
    text = VerifierKey(ORIGIN, PUBLIC).text()
    assert VerifierKey.parse(text) == VerifierKey(ORIGIN, PUBLIC)
    with pytest.raises(CheckpointError):
        VerifierKey.parse(text.replace(key_id(ORIGIN, PUBLIC).hex(), "00000000"))


def _receipt(events: int = 3) -> tuple[bytes, str]:
    salts = [hashlib.sha256(bytes([at])).hexdigest()[:32] for at in range(events)]
    told = [
        {
            "discount_id": "dsc_1",
            "n": at + 1,
            "type": "DiscountPaid" if at + 1 == events else "Told",
            "at": "2026",
            "data": {"名": "值"},
        }
        for at in range(events)
    ]
    hashes = [leaf_hash(b"someone else's")] + [
        leaf_hash(event_leaf(bytes.fromhex(salt), event)) for salt, event in zip(salts, told, strict=True)
    ]
    entries = [
        {
            "event": event,
            "salt_hex": salt,
            "index": at + 1,
            "proof": [node.hex() for node in inclusion_proof(at + 1, hashes)],
        }
        for at, (salt, event) in enumerate(zip(salts, told, strict=True))
    ]
    return receipt_bytes(build_receipt("dsc_1", entries, _note(len(hashes), root(hashes)))), VerifierKey(
        ORIGIN, PUBLIC
    ).text()


def test_a_receipt_proves_all_events_of_its_discount():
    content, key = _receipt()
    proved = verify_receipt(content, key)
    assert (proved.discount_id, len(proved.events), proved.tree_size) == ("dsc_1", 3, 4)


def test_every_changed_byte_of_a_receipt_is_refused():
    content, key = _receipt(2)
    for at in range(len(content)):
        for flip in (1, 0x20, 0x80):
            changed = bytearray(content)
            changed[at] ^= flip
            with pytest.raises(ReceiptError):
                verify_receipt(bytes(changed), key)


def test_a_receipt_that_leaves_out_an_event_in_front_is_refused():
    content, key = _receipt()
    receipt = json.loads(content)
    receipt["entries"] = receipt["entries"][1:]
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(receipt_bytes(receipt), key)
    assert refused.value.code == "RECEIPT_EVENTS"


def test_a_receipt_whose_end_was_cut_off_is_refused():
    content, key = _receipt()
    receipt = json.loads(content)
    receipt["entries"] = receipt["entries"][:-1]
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(receipt_bytes(receipt), key)
    assert refused.value.code == "RECEIPT_INCOMPLETE"


def test_a_checkpoint_of_absurd_size_is_refused_not_crashed_on():
    content, key = _receipt()
    receipt = json.loads(content)
    receipt["checkpoint"] = receipt["checkpoint"].replace("\n4\n", "\n" + "4" * 5_000 + "\n")
    with pytest.raises(ReceiptError) as refused:
        verify_receipt(receipt_bytes(receipt), key)
    assert refused.value.code == "RECEIPT_CHECKPOINT"


def test_the_command_exits_0_for_a_receipt_and_1_for_a_changed_one(tmp_path, capsys):
    content, key = _receipt()
    (tmp_path / "log-key.txt").write_text(key)
    (tmp_path / "receipt.json").write_bytes(content)
    (tmp_path / "changed.json").write_bytes(content.replace(b"Told", b"Tolt", 1))
    assert verify_file([str(tmp_path / "receipt.json")]) == 0
    assert verify_file([str(tmp_path / "changed.json")]) == 1
    assert verify_file([str(tmp_path / "absent.json")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["OK", "REFUSED", "REFUSED"]
