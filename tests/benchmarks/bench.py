"""Our hot pure functions, each as a ratio to something well known that runs beside it. Run by `make bench`."""

from __future__ import annotations

import gc
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymerkle import InmemoryTree
from rich.console import Console
from rich.table import Table

from in_memory import Platform, sample_bills
from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.eligibility import Case, Findings, run_checks, verdict
from rongtong.domain.errors import RongTongError
from rongtong.domain.interest import discount_interest, price
from rongtong.domain.merkle import inclusion_proof, leaf_hash, root, verify_inclusion
from rongtong.domain.tiles import Edge
from rongtong.entrypoints.models import DiscountBody
from rongtong.services import verify_bill

_ROUNDS = 15
_MANY = 10_000
_CALENDAR = legal_calendar()
_EVENT = {
    "discount_id": "dsc_1",
    "n": 3,
    "type": "ContractSealed",
    "data": {f"field{at}": "值" * 20 for at in range(12)},
}
_ENTRIES = [bytes([at % 256, at // 256]) for at in range(1_000)]
_LEAVES = [leaf_hash(entry) for entry in _ENTRIES]
_FACES = [random.Random(1).randrange(10**6, 10**11) for _ in range(500)]
_RATE = Decimal("1.234567")
_KEY = Ed25519PrivateKey.generate()
_SIGNED = _KEY.sign(b"checkpoint")
_PROOF = inclusion_proof(700, 1_000, lambda height, index: root(_LEAVES[index << height : index + 1 << height]))
_ROOT = root(_LEAVES)


def _decimal_interest() -> list[int]:
    return [int((face * _RATE * 90 / 36000).quantize(Decimal(1), ROUND_HALF_UP)) for face in map(Decimal, _FACES)]


def _sorted_json() -> bytes:
    return json.dumps(_EVENT, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _grow() -> bytes:
    edge, _ = Edge().extended(_ENTRIES)
    return edge.root()


def _grow_other() -> bytes:
    tree = InmemoryTree(algorithm="sha256")
    for entry in _ENTRIES:
        tree.append_entry(entry)
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


def _sample_cases() -> list[Case]:
    """What the checks look at for every bill of the sample file that reaches them, good and bad."""
    cases: list[Case] = []

    def keep(case: Case) -> Findings:
        cases.append(case)
        return run_checks(case)

    verify_bill.run_checks = keep
    try:
        Platform().outcomes(sample_bills())
    finally:
        verify_bill.run_checks = run_checks
    return cases


def _check_and_price(cases: list[Case]) -> int:
    """Every rule and the price of 10,000 bills; how many would be approved."""
    approved = 0
    for case in cases:
        if verdict(run_checks(case).results).outcome != "approve":
            continue
        try:
            price(case.application.amount_fen, _RATE, case.today, case.bill.maturity_date, _CALENDAR)
        except RongTongError:
            continue
        approved += 1
    return approved


def _fresh(cases: list[Case]) -> list[Case]:
    """10,000 cases of which nothing is computed yet."""
    made = []
    for at in range(_MANY):
        case = cases[at % len(cases)]
        bill = replace(case.bill)
        made.append(replace(case, bill=bill, facts=replace(case.facts, bill=bill)))
    return made


def _validate(bodies: list[dict[str, object]]) -> None:
    for at in range(_MANY):
        DiscountBody.model_validate(bodies[at % len(bodies)])


def _eligibility(console: Console) -> None:
    """The whole decision on 10,000 bills in one process, beside reading as many request bodies."""
    cases = _sample_cases()
    bodies = [{**bill.request, "enterprise_id": "ent"} for bill in sample_bills() if bill.reason != "INVALID_BODY"]
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(5):
        many = _fresh(cases)
        gc.collect()
        gc.freeze()  # the input is not what is measured
        for kept, call in zip(
            times, (lambda fresh=many: _check_and_price(fresh), lambda: _validate(bodies)), strict=True
        ):
            began = time.perf_counter()
            call()
            kept.append(time.perf_counter() - began)
    mine, theirs = (statistics.median(kept) for kept in times)
    console.print(f"Eligibility and price of {_MANY:,} bills ({len(cases)} different ones), one process: {mine:.2f} s")
    console.print(f"  best {min(times[0]):.2f} s, worst {max(times[0]):.2f} s; {mine / _MANY * 1e6:.0f} µs a bill")
    console.print(f"  beside it pydantic reads {_MANY:,} requests in {theirs:.2f} s: ratio {mine / theirs:.1f}")


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
    console = Console(soft_wrap=True)
    console.print(table)
    _eligibility(console)


def _microseconds(call: Callable[[], object]) -> float:
    repeats = 20
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats * 1_000_000


if __name__ == "__main__":
    main()
