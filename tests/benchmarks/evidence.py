"""The evidence log beside pymerkle in one run: appends, proofs, growth to a million leaves, audit.

Run by `make bench-evidence`. Every figure of ours stands beside another of the same run on the same machine; rounds
alternate, medians count.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pymerkle
from pymerkle import SqliteTree
from rich.console import Console
from rich.table import Table

from evidence_emulator import emulator_part
from evidence_growth import ORIGIN, SIGNER, growth_part
from paths import BUILD, discard
from rongtong.adapters.file_log import FileLog
from rongtong.services.batching import BatchingWriter

_CALLERS = 64
_FOLDER = BUILD / "bench" / "evidence"
Row = dict[str, Any]


def main() -> int:
    """Print the tables and write build/bench/evidence.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**3, 10**4, 10**5, 10**6], help="leaves")
    parser.add_argument("--rounds", type=int, default=9, help="of each comparison")
    parser.add_argument("--no-emulator", action="store_true", help="leave out S3 and DynamoDB")
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    discard(_FOLDER)
    _FOLDER.mkdir(parents=True)
    machine = _machine()
    console.print("{cpu}, {cores} cores, Python {python}, fsync {fsync_ms} ms, load {load_before}".format(**machine))
    results: Row = {"machine": machine, "appends": _appends(console, options.rounds)}
    results |= growth_part(console, _FOLDER, options.sizes, options.rounds)
    if not options.no_emulator:
        results["emulator"] = emulator_part(console)
    written = BUILD / "bench" / "evidence.json"
    written.write_text(json.dumps(results, indent=2, ensure_ascii=False), encoding="utf-8")
    console.print(f"Written to {written}")
    discard(_FOLDER)
    return 0


def _machine() -> Row:
    cpu = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "cpu": cpu[0] if cpu else platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "pymerkle": pymerkle.__version__,
        "fsync_ms": round(statistics.median(_fsync_ms() for _ in range(50)), 2),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines() if Path(path).exists() else []


def _fsync_ms() -> float:
    with tempfile.TemporaryFile(dir=_FOLDER) as file:
        file.write(bytes(4096))
        file.flush()
        began = time.perf_counter()
        os.fsync(file.fileno())
        return (time.perf_counter() - began) * 1000


def _appends(console: Console, rounds: int) -> Row:
    """Durable appends a second: 64 callers through the batching writer, and one caller after another."""
    tree = SqliteTree(str(_FOLDER / "appends.db"))
    single, shared = (FileLog(_FOLDER / name, SIGNER, ORIGIN) for name in ("single", "shared"))
    batches: list[int] = []

    def append(entries: list[bytes]) -> int:
        batches.append(len(entries))
        return shared.append(entries)

    writer = BatchingWriter(append)
    sides: dict[str, Callable[[], int]] = {
        "file log, 64 callers": lambda: _from_threads(writer.add, 30),
        "file log, one after another": lambda: _one_by_one(lambda leaf: single.append([leaf]), 100),
        "SqliteTree, one after another": lambda: _one_by_one(tree.append_entry, 100),
        "SqliteTree, 64 callers": lambda: _from_threads(tree.append_entry, 5),
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, appends in sides.items():
            began = time.perf_counter()
            rates[name].append(appends() / (time.perf_counter() - began))
    writer.close()
    medians = {name: statistics.median(kept) for name, kept in rates.items()}
    mine = medians["file log, 64 callers"]
    safe = {name: tree.con.execute(f"PRAGMA {name}").fetchone() for name in ("synchronous", "journal_mode")}
    tree.close()
    table = Table("durable appends", "a second", "64 callers of ours ÷ it", title="Appends, acknowledged when durable")
    for name, rate in medians.items():
        table.add_row(name, f"{rate:,.0f}", f"{mine / rate:.1f}")
    console.print(table)
    console.print(
        f"  {statistics.mean(batches):.0f} entries a batch; SqliteTree commits each append with synchronous="
        f"{safe['synchronous']} (2 is FULL: durable when it returns), journal_mode={safe['journal_mode']}"
    )
    return {"per_second": medians, "batch_mean": statistics.mean(batches), "sqlite": safe}


def _one_by_one(append: Callable[[bytes], object], count: int) -> int:
    for _ in range(count):
        append(os.urandom(32))
    return count


def _from_threads(append: Callable[[bytes], object], count: int) -> int:
    with ThreadPoolExecutor(_CALLERS) as pool:
        ready = threading.Barrier(_CALLERS)

        def caller() -> int:
            ready.wait()
            return _one_by_one(append, count)

        return sum(done.result() for done in [pool.submit(caller) for _ in range(_CALLERS)])


if __name__ == "__main__":
    sys.exit(main())
