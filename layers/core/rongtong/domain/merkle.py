"""The Merkle tree of RFC 6962 (Certificate Transparency), section 2.1: hashes, inclusion and consistency proofs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass


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


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The audit path of one leaf (section 2.1.1), nearest node first."""
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"The tree of {len(leaf_hashes)} leaves has no leaf {index}.")
    path, level = [], list(leaf_hashes)
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _parents(level), index // 2
    return path


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether the path leads from leaf hash ``leaf`` at ``index`` to the root of ``size`` leaves (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if node % 2 or node == last:
            found = node_hash(sibling, found)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            found = node_hash(found, sibling)
        node, last = node // 2, last // 2
    return last == 0 and found == expected_root


def consistency_proof(old_size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """Proof that the tree of these leaves extends that of the first ``old_size`` of them (section 2.1.2)."""
    if not 0 < old_size <= len(leaf_hashes):
        raise IndexError(f"No tree of {len(leaf_hashes)} leaves extends one of {old_size}.")
    return _subproof(old_size, leaf_hashes, whole=True)


def verify_consistency(old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of ``new_size`` extends that of ``old_size`` (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    node, last = old_size - 1, new_size - 1
    while node % 2:
        node, last = node // 2, last // 2
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while node % 2 == 0 and node:
                node, last = node // 2, last // 2
        else:
            new = node_hash(new, sibling)
        node, last = node // 2, last // 2
    return last == 0 and old == old_root and new == new_root


@dataclass(frozen=True)
class Frontier:
    """The right edge of a tree: enough to append and to know the root, without the leaves.

    ``peaks`` are the roots of the full subtrees whose sizes are the set bits of ``size``, largest first.
    """

    size: int
    peaks: tuple[bytes, ...]

    def append(self, leaf: bytes) -> Frontier:
        """The frontier with one more leaf hash."""
        peaks, full = [*self.peaks, leaf], self.size
        while full % 2:
            right = peaks.pop()
            peaks[-1] = node_hash(peaks[-1], right)
            full //= 2
        return Frontier(self.size + 1, tuple(peaks))

    def root(self) -> bytes:
        """The tree hash."""
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node_hash(peak, found)
        return found


def _parents(level: list[bytes]) -> list[bytes]:
    pairs = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
    return pairs if len(level) % 2 == 0 else [*pairs, level[-1]]


def _subproof(old_size: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    size = len(leaves)
    if old_size == size:
        return [] if whole else [root(leaves)]
    split = 1 << (size - 1).bit_length() - 1
    if old_size <= split:
        return [*_subproof(old_size, leaves[:split], whole=whole), root(leaves[split:])]
    return [*_subproof(old_size - split, leaves[split:], whole=False), root(leaves[:split])]
