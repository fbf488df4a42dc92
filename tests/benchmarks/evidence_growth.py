"""What the evidence log costs at a thousand leaves and at a million, beside pymerkle's SqliteTree of the same."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from math import log10
from pathlib import Path
from typing import Any

import pymerkle
from pymerkle import SqliteTree
from rich.console import Console
from rich.table import Table

from fakes import LocalSigner
from rongtong.adapters.file_log import HEAD, FileLog
from rongtong.domain.merkle import (
    NodeHash,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from rongtong.domain.note import VerifierKey
from rongtong.domain.tiles import Edge
from rongtong.domain.trust import TrustPolicy
from rongtong.services.tile_log import nodes, sign_head
from rongtong.verify import main as verify

ORIGIN = "rongtong.example/log"
SIGNER = LocalSigner()
_AT_ONCE = 65_536
_PROOFS = 100
_MORE_OFTEN = 10
"""What takes microseconds is repeated within a round: a neighbour on the machine is not to decide about it."""
Row = dict[str, Any]
Sides = dict[str, tuple[int, Callable[[], object]]]
"""What is measured, and how many times it is done in one call."""


@dataclass
class _Sample:
    """A log in files and pymerkle's tree of the same leaves, and a hundred questions to both."""

    size: int
    folder: Path
    log: FileLog
    root: bytes
    tree: Any
    indices: list[int]
    old_sizes: list[int]
    old_roots: list[bytes]

    def node(self) -> NodeHash:
        return nodes(self.log.files, self.size)


def growth_part(console: Console, folder: Path, sizes: Sequence[int], rounds: int) -> Row:
    """Proofs, audits and appends on logs of each size; of the largest also the commands that read a whole log."""
    samples = [_sample(folder, size) for size in sorted(sizes)]
    os.sync()  # what was built goes to the disk now, and not while something else is measured
    sides = {sample.size: _proofs(sample) | _appends(sample) | _audits(sample) for sample in samples}
    times: dict[int, dict[str, list[float]]] = {size: {name: [] for name in side} for size, side in sides.items()}
    for _ in range(rounds):
        for size, measured in sides.items():
            for name in [*measured, *(_MORE_OFTEN * [name for name in measured if name.startswith("verify")])]:
                times[size][name].append(_time(name, *measured[name]))
    rows: list[Row] = [
        {"leaves": size, **{name: statistics.median(kept) for name, kept in found.items()}}
        for size, found in times.items()
    ]
    whole = _commands(samples[-1])
    for sample in samples:
        sample.tree.close()
    _tell(console, rows, whole)
    return {"growth": rows, "whole": whole}


def _time(name: str, count: int, call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) / count * (1e6 if name.endswith("µs") else 1e3)


def _tell(console: Console, rows: Sequence[Row], whole: Row) -> None:
    sizes = [f"{row['leaves']:,}" for row in rows]
    table = Table("", *sizes, "× for each ten times", title="Growth with the leaves")
    for name in (name for name in rows[0] if name != "leaves"):
        table.add_row(name, *(f"{row[name]:,.1f}" for row in rows), "  ".join(_factors(rows, name)))
    console.print(table)
    ratios = Table("our time ÷ pymerkle's", *sizes, title="Proofs beside pymerkle")
    for what in ("make inclusion", "verify inclusion", "make consistency", "verify consistency"):
        ratios.add_row(what, *(f"{row[f'{what}, µs'] / row[f'{what}, pymerkle, µs']:.2f}" for row in rows))
    console.print(ratios)
    leaves = whole["leaves"]
    console.print(f"Full audit of {leaves:,} leaves: {whole['audit_s']:.1f} s; {whole['audit_told']}")
    console.print(f"First copy of {leaves:,} leaves: {whole['first_copy_s']:.1f} s; {whole['first_copy_told']}")


def _factors(rows: Sequence[Row], name: str) -> list[str]:
    """By how much a time grew from each size to the next, for ten times the leaves."""
    return [f"{(b[name] / a[name]) ** (1 / log10(b['leaves'] / a['leaves'])):.2f}" for a, b in pairwise(rows)]


def _leaf(number: int) -> bytes:
    return hashlib.sha256(number.to_bytes(8, "big")).digest()


def _sample(above: Path, size: int) -> _Sample:
    folder, chance = above / f"log-{size}", random.Random(size)
    edge = _build(folder, size)
    tree = SqliteTree(str(above / f"tree-{size}.db"))
    tree.append_entries(_leaf(number) for number in range(size))
    assert tree.get_root() == edge.root(), "both trees are of the same leaves"
    old_sizes = [chance.randrange(1, size) for _ in range(_PROOFS)]
    indices = [chance.randrange(size) for _ in range(_PROOFS)]
    old_roots = [tree.get_root(old) for old in old_sizes]
    log = FileLog(folder, SIGNER, ORIGIN)
    return _Sample(size, folder, log, edge.root(), tree, indices, old_sizes, old_roots)


def _build(folder: Path, size: int) -> Edge:
    """A log of so many leaves as its writers would have left it, in big batches and without waiting for the disk."""
    edge = Edge()
    for start in range(0, size, _AT_ONCE):
        edge, files = edge.extended([_leaf(number) for number in range(start, min(size, start + _AT_ONCE))])
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    note = sign_head(SIGNER, ORIGIN, size, edge.root())
    (folder / HEAD).write_text(note)
    (folder / "checkpoint").write_text(note)
    (folder / "trust.txt").write_text(TrustPolicy((VerifierKey(ORIGIN, SIGNER.public_key()),)).text())
    return edge


def _proofs(sample: _Sample) -> Sides:
    """Making proofs out of tiles on disk, each read anew, and out of SqliteTree with its cache; verifying them."""
    size, tree, root = sample.size, sample.tree, sample.root
    leaves = [leaf_hash(_leaf(index)) for index in sample.indices]
    made = [inclusion_proof(index, size, sample.node()) for index in sample.indices]
    included = list(zip(sample.indices, leaves, made, strict=True))
    included_there = [(leaf, tree.prove_inclusion(at + 1)) for at, leaf in zip(sample.indices, leaves, strict=True)]
    olds = list(zip(sample.old_sizes, sample.old_roots, strict=True))
    extended = [(old, old_root, consistency_proof(old, size, sample.node())) for old, old_root in olds]
    extended_there = [(old_root, tree.prove_consistency(old)) for old, old_root in olds]
    calls: dict[str, Callable[[], object]] = {
        "make inclusion, µs": lambda: [inclusion_proof(at, size, sample.node()) for at in sample.indices],
        "make inclusion, pymerkle, µs": lambda: [tree.prove_inclusion(at + 1) for at in sample.indices],
        "verify inclusion, µs": lambda: _all(verify_inclusion(at, size, leaf, one, root) for at, leaf, one in included),
        "verify inclusion, pymerkle, µs": lambda: [
            pymerkle.verify_inclusion(leaf, root, one) for leaf, one in included_there
        ],
        "make consistency, µs": lambda: [consistency_proof(old, size, sample.node()) for old in sample.old_sizes],
        "make consistency, pymerkle, µs": lambda: [tree.prove_consistency(old) for old in sample.old_sizes],
        "verify consistency, µs": lambda: _all(
            verify_consistency(old, size, old_root, root, one) for old, old_root, one in extended
        ),
        "verify consistency, pymerkle, µs": lambda: [
            pymerkle.verify_consistency(old_root, root, one) for old_root, one in extended_there
        ],
    }
    return {name: (_PROOFS, call) for name, call in calls.items()}


def _all(answers: Any) -> None:
    if not all(answers):
        raise AssertionError("a good proof was refused")


def _appends(sample: _Sample) -> Sides:
    """Durable appends to a log of this size: a second one of the same files, which none of the logs ever changes."""
    folder = sample.folder.with_name(f"append-{sample.size}")
    shutil.copytree(sample.folder, folder, copy_function=os.link, ignore=shutil.ignore_patterns(".*"))
    log = FileLog(folder, SIGNER, ORIGIN)
    return {
        "append one, ms": (10, lambda: [log.append([os.urandom(32)]) for _ in range(10)]),
        "append 64 at once, ms": (3, lambda: [log.append([os.urandom(32) for _ in range(64)]) for _ in range(3)]),
    }


def _audits(sample: _Sample) -> Sides:
    def audit() -> None:
        with redirect_stdout(StringIO()) as told:
            if verify(["--audit", str(sample.folder), "--policy", f"{sample.folder}/trust.txt"]):
                raise AssertionError(told.getvalue())

    return {"audit, ms": (1, audit)}


def _commands(sample: _Sample) -> Row:
    """The two commands that read a whole log, as a notary runs them: the audit, and the first copy."""
    log, copy = str(sample.folder), str(sample.folder.with_name("copy"))
    audit_s, audited = _command("rongtong.verify", "--audit", log, "--policy", f"{log}/trust.txt")
    copy_s, copied = _command("rongtong.mirror", log, copy, "--policy", f"{log}/trust.txt")
    return {
        "leaves": sample.size,
        "audit_s": audit_s,
        "audit_told": audited,
        "first_copy_s": copy_s,
        "first_copy_told": copied,
    }


def _command(module: str, *arguments: str) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RuntimeError(f"{module}: {done.stdout}{done.stderr}")
    return time.perf_counter() - began, done.stdout.strip()
