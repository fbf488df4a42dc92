"""The reconciliation over synthetic histories: time and memory as they grow, what was planted, false alarms.

    python tests/benchmarks/reconciliation.py [--sizes 10000 20000 50000 100000] [--one-day]

Every history is reconciled in a process of its own: the payments of every day of its year, one behind the other (a
night compares eight of them), then the job with limits and evidence. With ``--one-day`` all of a history's discounts
are asked for on one day, which the job compares alone. Writes build/bench/reconciliation.json.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from driven_jobs import drive
from history import open_history, write
from history_deals import END, MONTHS, Deal, companies_for, usual
from paths import BUILD, discard
from reconciliation_breaks import Kind, plant
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.incident import IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.services.incidents import newest
from rongtong.services.reconcile import STEPS, reconcile

_SIZES = (10_000, 20_000, 50_000, 100_000)
_EACH = 20
_SECONDS_MAX, _MEGABYTES_MAX, _AT = 120, 512, 100_000
_NOW = datetime(END.year, END.month, END.day, 17, 30, tzinfo=UTC) + timedelta(days=1)
"""Half past one in the morning in Shanghai, so long after the history that each of its days has a next one."""
_FOLDER = BUILD / "bench" / "reconciliation"
_STAGES = ("payments of all days", *STEPS.stages)
Row = dict[str, Any]


@dataclass
class RunningClock:
    """A day that stands still, and seconds that go by: pieces end as they do where they are deployed."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def main() -> int:
    """Print the tables; 1 where a break was not found or invented, or the largest size takes too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(_SIZES))
    parser.add_argument("--one-day", action="store_true")
    parser.add_argument("--reconcile", type=Path, help="(used by itself) reconcile the history in this folder")
    asked = parser.parse_args()
    if asked.reconcile is not None:
        print(json.dumps(_reconcile(asked.reconcile, one_day=asked.one_day)))
        return 0
    console = Console(soft_wrap=True)
    rows = [_measure(size, console, one_day=asked.one_day) for size in asked.sizes]
    _tell(console, rows)
    name = "reconciliation_one_day.json" if asked.one_day else "reconciliation.json"
    out = BUILD / "bench" / name
    out.write_text(json.dumps({"machine": platform.processor(), "sizes": rows}, indent=1), encoding="utf-8")
    return 0 if all(_is_good(row) for row in rows) else 1


def _measure(size: int, console: Console, *, one_day: bool) -> Row:
    """Write, plant, reconcile in another process, and see what was found."""
    discard(_FOLDER)
    companies = companies_for(size)
    deals = usual(size, companies)
    if one_day:
        deals = _on_one_day(deals)
    began = time.perf_counter()
    write(_FOLDER, deals, companies)
    console.print(f"  {size:,} discounts written in {time.perf_counter() - began:.0f} s")
    wanted = plant(_FOLDER, _EACH)
    command = [sys.executable, __file__, "--reconcile", str(_FOLDER), *(["--one-day"] if one_day else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, stdin=subprocess.DEVNULL)
    row: Row = {"discounts": len(deals), **json.loads(done.stdout), **_seen(_FOLDER, wanted)}
    discard(_FOLDER)
    return row


def _on_one_day(deals: list[Deal]) -> list[Deal]:
    day = END - timedelta(days=1)
    moved = [replace(deal, at=datetime.combine(day, deal.at.astimezone(SHANGHAI).timetz())) for deal in deals]
    return sorted(moved, key=lambda deal: deal.at)


def _reconcile(folder: Path, *, one_day: bool) -> Row:
    seconds: dict[str, float] = {}
    context = open_history(folder, _NOW, clock=RunningClock(_NOW))
    pieces = Counter[str]()
    with _Timed(seconds, _STAGES[0]):
        for day in [] if one_day else _days():
            reconcile(context, day)
    stages = {name: _timed_stage(name, stage, seconds, pieces) for name, stage in STEPS.stages.items()}
    found = drive(context, Job.RECONCILIATION, replace(STEPS, stages=stages))
    used = resource.getrusage(resource.RUSAGE_SELF)
    measured = {"cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss // 1024}
    return {"seconds": seconds, "total_s": sum(seconds.values()), **measured, "found": found, "pieces": pieces}


class _Timed:
    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name, self._began = seconds, name, 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + time.perf_counter() - self._began


def _timed_stage(name: str, stage: Any, seconds: dict[str, float], pieces: Counter[str]) -> Any:
    def timed(context: Any, run: Any) -> Any:
        pieces[name] += 1
        with _Timed(seconds, name):
            return stage(context, run)

    return timed


def _days() -> list[date]:
    first = END
    for _ in range(MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
    return [first + timedelta(days=at) for at in range((END - first).days)]


def _seen(folder: Path, wanted: Counter[Kind]) -> Row:
    """What was found of the planted, by kind, and what else."""
    listed = newest(open_history(folder, _NOW), IncidentStatus.OPEN, most=10_000_000)["incidents"]
    opened = Counter(_kind(one) for one in listed if one["opened_at"] >= _NOW.isoformat()[:19])
    missed, invented = wanted - opened, opened - wanted
    return {
        "planted": {" ".join(kind).strip(): count for kind, count in sorted(wanted.items())},
        "found_of_planted": {" ".join(kind).strip(): (wanted & opened)[kind] for kind in sorted(wanted)},
        "missed": sum(missed.values()),
        "false_alarms": {" ".join(kind).strip(): count for kind, count in invented.items()},
    }


def _kind(incident: Row) -> Kind:
    return incident["kind"], incident["data"].get("what", "")


def _tell(console: Console, rows: list[Row]) -> None:
    table = Table("", *(f"{row['discounts']:,}" for row in rows), title="Reconciliation, by discounts")
    for stage in _STAGES:
        table.add_row(f"{stage}, s", *(f"{row['seconds'][stage]:.1f}" for row in rows))
    table.add_row("all, s", *(f"{row['total_s']:.1f}" for row in rows))
    table.add_row("all, s for 10,000", *(f"{row['total_s'] / row['discounts'] * 10_000:.2f}" for row in rows))
    table.add_row("CPU with the start, s", *(f"{row['cpu_s']:.1f}" for row in rows))
    table.add_row("pieces", *(str(sum(row["pieces"].values())) for row in rows))
    table.add_row("events", *(f"{row['found']['events']:,}" for row in rows))
    table.add_row("peak RSS, MB", *(f"{row['peak_mb']:,}" for row in rows))
    console.print(table)
    table = Table("break", "planted", "found", title=f"In {rows[-1]['discounts']:,} discounts")
    for kind, planted in rows[-1]["planted"].items():
        table.add_row(kind, str(planted), str(rows[-1]["found_of_planted"][kind]))
    console.print(table)
    for row in rows:
        console.print(f"{row['discounts']:,}: missed {row['missed']}; false alarms {row['false_alarms'] or 0}")


def _is_good(row: Row) -> bool:
    bounded = row["discounts"] != _AT or (row["total_s"] <= _SECONDS_MAX and row["peak_mb"] <= _MEGABYTES_MAX)
    return bool(row["missed"] == 0 and not row["false_alarms"] and bounded)


if __name__ == "__main__":
    sys.exit(main())
