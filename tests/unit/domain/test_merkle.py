"""The Merkle tree of RFC 6962, its proofs out of tiles, and agreement with trees that are not ours."""

import hashlib
import json
import random
from base64 import b64decode
from pathlib import Path

import pytest
from pymerkle import InmemoryTree
from pymerkle import verify_consistency as other_verifies_consistency
from pymerkle import verify_inclusion as other_verifies_inclusion

from rongtong.domain.merkle import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root,
    verify_consistency,
    verify_inclusion,
)
from rongtong.domain.tiles import tile_nodes
from witnessed_log import SampleLog

VECTORS = json.loads((Path(__file__).parents[2] / "transparency_vectors.json").read_text(encoding="utf-8"))
ARGON, EIGHT = VECTORS["argon2020"], VECTORS["tree_of_eight"]
EIGHT_LEAVES = [bytes.fromhex(leaf) for leaf in EIGHT["leaves"]]
EIGHT_ROOTS = [bytes.fromhex(one) for one in EIGHT["roots"]]
LARGEST = 5_000


@pytest.fixture(scope="module")
def pair():
    """The same 5,000 entries in our log, built one by one out of files, and in pymerkle's tree; and both roots."""
    log, other, roots = SampleLog(), InmemoryTree(algorithm="sha256"), []
    for number in range(LARGEST):
        entry = b"entry %d" % number
        log.append([entry])
        other.append_entry(entry)
        roots.append((log.edge.root(), other.get_root()))
    return log, other, roots


def _node(log, size):
    return tile_nodes(size, log.get_tile)


def _small(size):
    log = SampleLog(bytes([number]) for number in range(size))
    return [leaf_hash(bytes([number])) for number in range(size)], _node(log, size)


def test_roots_of_all_sizes_to_5_000_are_those_of_pymerkle(pair):
    _, _, roots = pair
    assert [ours for ours, _ in roots] == [theirs for _, theirs in roots]


def test_inclusion_proofs_are_those_of_pymerkle(pair):
    log, other, roots = pair
    chance = random.Random(6962)
    for size in [1, 2, 3, *(chance.randint(1, LARGEST) for _ in range(400)), LARGEST]:
        index = chance.randrange(size)
        proof = inclusion_proof(index, size, _node(log, size))
        theirs = other.prove_inclusion(index + 1, size)
        assert proof == list(theirs.path[1:])
        assert verify_inclusion(index, size, theirs.path[0], proof, roots[size - 1][1])
        other_verifies_inclusion(leaf_hash(b"entry %d" % index), roots[size - 1][0], theirs)


def test_consistency_proofs_lead_from_pymerkles_roots_to_pymerkles_roots(pair):
    # pymerkle cuts its own proofs otherwise than the RFC, so each is checked by its own verifier, under the same roots.
    log, other, roots = pair
    chance = random.Random(9162)
    for size in [1, 2, 3, *(chance.randint(1, LARGEST) for _ in range(400)), LARGEST]:
        old_size = chance.randint(1, size)
        proof = consistency_proof(old_size, size, _node(log, size))
        old, new = roots[old_size - 1][1], roots[size - 1][1]
        assert verify_consistency(old_size, size, old, new, proof)
        other_verifies_consistency(old, new, other.prove_consistency(old_size, size))


def test_a_proof_of_a_real_certificate_logs_leaf_verifies():
    leaf, proof = leaf_hash(b64decode(ARGON["leaf"])), [b64decode(one) for one in ARGON["inclusion"]]
    assert verify_inclusion(ARGON["index"], ARGON["size"], leaf, proof, b64decode(ARGON["root"]))


def test_a_proof_of_a_real_certificate_logs_growth_verifies():
    old, new = b64decode(ARGON["old_root"]), b64decode(ARGON["root"])
    proof = [b64decode(one) for one in ARGON["consistency"]]
    assert verify_consistency(ARGON["old_size"], ARGON["size"], old, new, proof)


@pytest.mark.parametrize("size", range(9))
def test_the_reference_tree_of_eight_has_its_roots(size):
    assert root([leaf_hash(leaf) for leaf in EIGHT_LEAVES[:size]]) == EIGHT_ROOTS[size]
    assert SampleLog(EIGHT_LEAVES[:size]).edge.root() == EIGHT_ROOTS[size]


@pytest.mark.parametrize("vector", EIGHT["inclusion"], ids=lambda vector: f"{vector['index']}-{vector['size']}")
def test_the_reference_tree_of_eight_has_its_inclusion_proofs(vector):
    index, size = vector["index"], vector["size"]
    proof = inclusion_proof(index, size, _node(SampleLog(EIGHT_LEAVES[:size]), size))
    assert [one.hex() for one in proof] == vector["proof"]
    assert verify_inclusion(index, size, leaf_hash(EIGHT_LEAVES[index]), proof, EIGHT_ROOTS[size])


@pytest.mark.parametrize("vector", EIGHT["consistency"], ids=lambda vector: f"{vector['old_size']}-{vector['size']}")
def test_the_reference_tree_of_eight_has_its_consistency_proofs(vector):
    old_size, size = vector["old_size"], vector["size"]
    proof = consistency_proof(old_size, size, _node(SampleLog(EIGHT_LEAVES[:size]), size))
    assert [one.hex() for one in proof] == vector["proof"]
    assert verify_consistency(old_size, size, EIGHT_ROOTS[old_size], EIGHT_ROOTS[size], proof)


@pytest.mark.parametrize("vector", EIGHT["inclusion"][1:], ids=lambda vector: f"{vector['index']}-{vector['size']}")
def test_a_corrupted_inclusion_proof_is_refused(vector):
    # The corruptions of transparency-dev/merkle, proof/verify_test.go.
    index, size, proof = vector["index"], vector["size"], [bytes.fromhex(one) for one in vector["proof"]]
    head, leaf, some = EIGHT_ROOTS[size], leaf_hash(EIGHT_LEAVES[index]), bytes(32)
    cases = [(other, size, leaf, proof, head) for other in (index - 1, index + 1, index ^ 2)]
    cases += [(index, other, leaf, proof, head) for other in (size * 2, size // 2)]
    cases += [(index, size, some, proof, head), (index, size, leaf, proof, some), (index, size, leaf, proof[:-1], head)]
    cases += [(index, size, leaf, altered, head) for altered in ([*proof, head], [head, *proof], [*proof, b""])]
    for at, one in enumerate(proof):
        flipped = bytes([one[0] ^ 8]) + one[1:]
        cases.append((index, size, leaf, [*proof[:at], flipped, *proof[at + 1 :]], head))
    assert [case for case in cases if verify_inclusion(*case)] == []


@pytest.mark.parametrize(
    "vector", EIGHT["consistency"][1:], ids=lambda vector: f"{vector['old_size']}-{vector['size']}"
)
def test_a_corrupted_consistency_proof_is_refused(vector):
    old_size, size, proof = vector["old_size"], vector["size"], [bytes.fromhex(one) for one in vector["proof"]]
    old, new, some = EIGHT_ROOTS[old_size], EIGHT_ROOTS[size], bytes(32)
    cases = [(other, size, old, new, proof) for other in (old_size - 1, old_size + 1, old_size ^ 2)]
    cases += [(old_size, other, old, new, proof) for other in (size * 2, size // 2)]
    cases += [(old_size, size, some, new, proof), (old_size, size, old, some, proof), (old_size, size, new, old, proof)]
    altered = ([], proof[:-1], [*proof, old], [*proof, new], [old, *proof], [new, *proof], [proof[0], *proof])
    cases += [(old_size, size, old, new, one) for one in altered]
    for at, one in enumerate(proof):
        flipped = bytes([one[0] ^ 16]) + one[1:]
        cases.append((old_size, size, old, new, [*proof[:at], flipped, *proof[at + 1 :]]))
    assert [case for case in cases if verify_consistency(*case)] == []


def test_leaves_and_nodes_are_hashed_apart():
    assert leaf_hash(b"ab") == hashlib.sha256(b"\x00ab").digest()
    assert node_hash(b"a", b"b") == hashlib.sha256(b"\x01ab").digest()


def test_every_leaf_of_every_size_is_proved_and_no_other():
    for size in range(1, 21):
        hashes, node = _small(size)
        head = root(hashes)
        for index in range(size):
            proof = inclusion_proof(index, size, node)
            assert verify_inclusion(index, size, hashes[index], proof, head)
            assert not verify_inclusion(index, size, hashes[index - 1], proof, head) or size == 1
            assert not verify_inclusion(index, size, hashes[index], [*proof, head], head)
            others = [other for other in range(size) if other != index]
            assert not any(verify_inclusion(other, size, hashes[index], proof, head) for other in others)


def test_every_tree_extends_every_earlier_one_and_no_altered_one():
    for new in range(1, 21):
        hashes, node = _small(new)
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, node)
            assert verify_consistency(old, new, root(hashes[:old]), root(hashes), proof)
            altered = [leaf_hash(b"other"), *hashes[1:old]]
            assert not verify_consistency(old, new, root(altered), root(hashes), proof)


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index):
    with pytest.raises(IndexError, match=f"^The tree of 3 leaves has no leaf {index}\\.$"):
        inclusion_proof(index, 3, _small(3)[1])


@pytest.mark.parametrize("index", [-1, 1])
def test_a_leaf_outside_the_tree_is_never_included(index):
    only = leaf_hash(b"only")
    assert not verify_inclusion(index, 1, only, [], only)


@pytest.mark.parametrize("old_size", [-1, 0, 4])
def test_there_is_no_proof_that_a_tree_extends_none_or_a_larger_one(old_size):
    with pytest.raises(IndexError, match=f"^No tree of 3 leaves extends one of {old_size}\\.$"):
        consistency_proof(old_size, 3, _small(3)[1])


@pytest.mark.parametrize(("old_size", "new_size"), [(-1, 2), (0, 2), (3, 2)])
def test_no_tree_extends_none_or_a_larger_one(old_size, new_size):
    head = root([leaf_hash(b"0"), leaf_hash(b"1")])
    assert not verify_consistency(old_size, new_size, head, head, [])


def test_a_consistency_proof_with_a_node_too_many_or_too_few_is_refused():
    hashes, node = _small(20)
    head = root(hashes)
    for old in range(1, 21):
        proof = consistency_proof(old, 20, node)
        assert not verify_consistency(old, 20, root(hashes[:old]), head, [*proof, head])
        assert not proof or not verify_consistency(old, 20, root(hashes[:old]), head, proof[:-1])
        assert not proof or not verify_consistency(old, 20, root(hashes[:old]), head, [])


def test_a_tree_of_the_same_size_is_the_same_tree():
    head, other = root([leaf_hash(b"0")]), root([leaf_hash(b"1")])
    assert verify_consistency(1, 1, head, head, [])
    assert not verify_consistency(1, 1, head, other, [])
    assert not verify_consistency(1, 1, head, head, [other])
