"""The Merkle tree of RFC 6962 (Certificate Transparency), section 2.1: hashes, inclusion and consistency proofs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

NodeHash = Callable[[int, int], bytes]
"""Of (height, index) the root, 32 bytes, of the index-th perfect subtree of 2^height leaves."""


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 of 0x00 and the leaf's data."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of 0x01 and the two child hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The tree hash of a list of leaf hashes; of the empty list, SHA-256 of nothing."""
    if not leaf_hashes:
        return hashlib.sha256(b"").digest()
    level = list(leaf_hashes)
    # Pairing level by level, an odd last node rising unchanged, is the same tree as RFC 6962's recursive split.
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def range_root(start: int, end: int, node: NodeHash) -> bytes:
    """The tree hash of the leaves ``start`` to ``end`` of a log, as its proofs use it: ``start`` at a split."""
    size = end - start
    if size & (size - 1) == 0:
        height = size.bit_length() - 1
        return node(height, start >> height)
    split = start + (1 << (size - 1).bit_length() - 1)
    return node_hash(range_root(start, split, node), range_root(split, end, node))


def inclusion_proof(index: int, size: int, node: NodeHash) -> list[bytes]:
    """The audit path of one leaf (section 2.1.1) in the tree of ``size`` leaves, nearest node first."""
    if not 0 <= index < size:
        raise IndexError(f"The tree of {size} leaves has no leaf {index}.")
    path, start, end = [], 0, size
    while end - start > 1:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        if index < split:
            path.append(range_root(split, end, node))
            end = split
        else:
            path.append(range_root(start, split, node))
            start = split
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether the path leads from leaf hash ``leaf`` at ``index`` to the root of ``size`` leaves (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    turns, length = _turns(index, size - 1)
    if len(proof) != length:
        return False
    found = leaf
    for sibling in proof:
        found = hashlib.sha256(b"\x01" + sibling + found if turns & 1 else b"\x01" + found + sibling).digest()
        turns >>= 1
    return found == expected_root


def consistency_proof(old_size: int, size: int, node: NodeHash) -> list[bytes]:
    """Proof that the tree of ``size`` leaves extends that of its first ``old_size`` (section 2.1.2)."""
    if not 0 < old_size <= size:
        raise IndexError(f"No tree of {size} leaves extends one of {old_size}.")
    path, start, end, whole = [], 0, size, True
    while old_size < end:
        split = start + (1 << (end - start - 1).bit_length() - 1)
        if old_size <= split:
            path.append(range_root(split, end, node))
            end = split
        else:
            path.append(range_root(start, split, node))
            start, whole = split, False
    return ([] if whole else [range_root(start, end, node)]) + path[::-1]


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of ``new_size`` extends that of ``old_size`` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    whole = (old_size & -old_size).bit_length() - 1  # the last node of the old tree that is whole in the new one
    turns, length = _turns(old_size - 1 >> whole, new_size - 1 >> whole)
    if len(path) != 1 + length:
        return False
    old = new = path[0]
    for sibling in path[1:]:
        if turns & 1:
            left = b"\x01" + sibling
            old, new = hashlib.sha256(left + old).digest(), hashlib.sha256(left + new).digest()
        else:
            new = hashlib.sha256(b"\x01" + new + sibling).digest()
        turns >>= 1
    return old == old_root and new == new_root


def _turns(node: int, last: int) -> tuple[int, int]:
    """A node's way to the root, ``last`` being the last node on its level: bits, and how many siblings there are.

    A bit is set where the sibling is on the left. Up to where the ways of ``node`` and ``last`` meet, each step has a
    sibling; above, the node is itself the last of its level, and only the steps with a sibling on the left are there.
    """
    meeting = (node ^ last).bit_length()
    return node | -1 << meeting, meeting + (node >> meeting).bit_count()


def _parents(level: list[bytes]) -> list[bytes]:
    pairs = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs if len(level) % 2 == 0 else [*pairs, level[-1]]
