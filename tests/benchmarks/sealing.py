"""What each step adds to a discount on the local stack, sealing under a quorum of witnesses among them.

Run by `make bench-sealing`: plain sample bills one after another, then eight in flight, after a few that warm the
functions' processes up.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Console
from rich.table import Table

from deployed import Deployed, running
from measure import cost_of
from paths import BUILD
from sample_file import SampleBill

_STEPS = ("Verify", "Seal", "Disburse", "Notify", "Record")
_WARM_UP = 16
_ALONE = 24
_TOGETHER = 64
_IN_FLIGHT = 8
_ROUNDS = ((1, _ALONE), (_IN_FLIGHT, _TOGETHER))
Times = dict[str, list[float]]


def main() -> int:
    """Print the table and write build/bench/sealing.json."""
    console = Console(soft_wrap=True)
    results: dict[str, Any] = {}
    table = Table("in flight", "discounts", *(f"{step} p50 / p95 (ms)" for step in _STEPS), "all p50 / p95 (ms)")
    with running(BUILD / "sealing", lambda step: console.print(f"  {step}")) as deployed:
        _run(deployed, _IN_FLIGHT, [next(deployed.plain) for _ in range(_WARM_UP)])
        for in_flight, count in _ROUNDS:
            times = _run(deployed, in_flight, [next(deployed.plain) for _ in range(count)])
            table.add_row(str(in_flight), str(count), *(_shown(times[step]) for step in (*_STEPS, "all")))
            results[f"{in_flight} in flight"] = times
    console.print(table)
    console.print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    written = BUILD / "bench" / "sealing.json"
    written.parent.mkdir(exist_ok=True)
    written.write_text(json.dumps(results, indent=2))
    return 0


def _run(deployed: Deployed, in_flight: int, bills: list[SampleBill]) -> Times:
    """How long each step of each discount took in its execution, in ms."""

    def one(bill: SampleBill) -> str:
        discount_id = deployed.submit(bill)
        deployed.until(discount_id, "DISBURSED")
        return discount_id

    with ThreadPoolExecutor(in_flight) as pool:
        ids = list(pool.map(one, bills))
    states = deployed.stack.client("stepfunctions")
    times: Times = {step: [] for step in (*_STEPS, "all")}
    for discount_id in ids:
        steps = cost_of(states, deployed.stack.discount_machine_arn, discount_id).steps
        for step in steps:
            if step.name in times:
                times[step.name].append(step.end_ms - step.start_ms)
        times["all"].append(max(step.end_ms for step in steps) - min(step.start_ms for step in steps))
    return times


def _shown(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} / {statistics.quantiles(times, n=20)[-1]:.0f}"


if __name__ == "__main__":
    sys.exit(main())
