"""Our hot pure functions, each as a ratio to something well known that runs beside it. Run by `make bench`."""

from __future__ import annotations

import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymerkle import InmemoryTree
from rich.console import Console
from rich.table import Table

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.interest import discount_interest
from rongtong.domain.merkle import Frontier, inclusion_proof, leaf_hash, root, verify_inclusion

_ROUNDS = 15
_EVENT = {
    "discount_id": "dsc_1",
    "n": 3,
    "type": "ContractSealed",
    "data": {f"field{at}": "值" * 20 for at in range(12)},
}
_LEAVES = [leaf_hash(bytes([at % 256, at // 256])) for at in range(1_000)]
_FACES = [random.Random(1).randrange(10**6, 10**11) for _ in range(500)]
_RATE = Decimal("1.234567")
_KEY = Ed25519PrivateKey.generate()
_SIGNED = _KEY.sign(b"checkpoint")
_PROOF = inclusion_proof(700, _LEAVES)
_ROOT = root(_LEAVES)


def _decimal_interest() -> list[int]:
    return [int((face * _RATE * 90 / 36000).quantize(Decimal(1), ROUND_HALF_UP)) for face in map(Decimal, _FACES)]


def _sorted_json() -> bytes:
    return json.dumps(_EVENT, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _grow() -> bytes:
    frontier = Frontier(0, ())
    for leaf in _LEAVES:
        frontier = frontier.append(leaf)
    return frontier.root()


def _grow_other() -> bytes:
    tree = InmemoryTree(algorithm="sha256")
    for leaf in _LEAVES:
        tree.append_entry(leaf)
    return bytes(tree.get_root())


_CASES: list[tuple[str, Callable[[], object], str, Callable[[], object]]] = [
    ("canonical bytes of an event", lambda: canonical_bytes(_EVENT), "json.dumps, sorted", _sorted_json),
    ("interest of 500 bills", lambda: [discount_interest(f, _RATE, 90) for f in _FACES], "decimal", _decimal_interest),
    ("append 1,000 leaves, then the root", _grow, "pymerkle", _grow_other),
    (
        "verify an inclusion proof in 1,000",
        lambda: verify_inclusion(700, 1_000, _LEAVES[700], _PROOF, _ROOT),
        "one Ed25519 verification",
        lambda: _KEY.public_key().verify(_SIGNED, b"checkpoint"),
    ),
]


def main() -> None:
    """Alternate both sides, take the medians, print their ratio."""
    table = Table(title=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for column in ("ours", "µs", "beside it", "µs", "ratio"):
        table.add_column(column, justify="left" if column in ("ours", "beside it") else "right")
    for name, ours, other_name, other in _CASES:
        samples: tuple[list[float], list[float]] = ([], [])
        for _ in range(_ROUNDS):
            for kept, call in zip(samples, (ours, other), strict=True):
                kept.append(_microseconds(call))
        mine, theirs = (statistics.median(kept) for kept in samples)
        table.add_row(name, f"{mine:,.1f}", other_name, f"{theirs:,.1f}", f"{mine / theirs:.2f}")
    Console().print(table)


def _microseconds(call: Callable[[], object]) -> float:
    repeats = 20
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats * 1_000_000


if __name__ == "__main__":
    main()
