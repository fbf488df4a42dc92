"""Every single fault, every pair, and seeded random schedules of the flow: prints what was covered and what broke.

``--scenario NAME --faults AT:KIND:LATER,…`` or ``--seed N`` runs one schedule again and shows its effects.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from multiprocessing import Pool, cpu_count

from effects import KINDS, Fault
from explore import Coverage, Violation, effects_of, pairs_of_faults, run_faults, run_seed, single_faults
from outside_world import SCENARIOS, Scenario, World
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

_CHUNK = 250
_SHOWN = 20
Job = tuple[str, int, int, int]
"""What, of which scenario, from where, how many."""


def main() -> int:
    """0 when no schedule broke a promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=100_000, help="seeded random schedules")
    parser.add_argument("--from-seed", type=int, default=0)
    parser.add_argument("--no-pairs", action="store_true")
    parser.add_argument("--processes", type=int, default=cpu_count())
    parser.add_argument("--seed", type=int, help="run this seed's schedule again and show it")
    parser.add_argument("--scenario", help="run one schedule of this scenario again and show it")
    parser.add_argument("--faults", default="", help="the faults of that schedule")
    options = parser.parse_args()
    console = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 140)
    if options.seed is not None:
        return _again(console, lambda coverage: run_seed(options.seed, coverage))
    if options.scenario is not None:
        scenario = next(one for one in SCENARIOS if one.name == options.scenario)
        faults = tuple(_fault(text) for text in options.faults.split(",") if text)
        return _again(console, lambda coverage: run_faults(scenario, faults, coverage))
    began = time.monotonic()
    coverage = Coverage()
    with Pool(options.processes) as pool, _progress(console) as progress:
        _run(pool, progress, "single faults", list(_jobs("single")), coverage)
        if not options.no_pairs:
            _run(pool, progress, "pairs of faults", list(_jobs("pair")), coverage)
        seeded = time.monotonic()
        seeds = range(options.from_seed, options.from_seed + options.schedules, _CHUNK)
        last = options.from_seed + options.schedules
        jobs: list[Job] = [("seed", 0, at, min(_CHUNK, last - at)) for at in seeds]
        _run(pool, progress, "seeded schedules", jobs, coverage)
    _show(console, coverage)
    seconds, alone = time.monotonic() - began, time.monotonic() - seeded
    console.print(f"{seconds:.0f} s in all; {options.schedules:,} seeded schedules in {alone:.0f} s", end="")
    console.print(f" on {options.processes} processes")
    return 1 if coverage.violations else 0


def _jobs(what: str) -> Iterator[Job]:
    listed = single_faults if what == "single" else pairs_of_faults
    for number, scenario in enumerate(SCENARIOS):
        if what == "pair" and not scenario.pairs:
            continue
        count = sum(1 for _ in listed(scenario))
        yield from ((what, number, at, _CHUNK) for at in range(0, count, _CHUNK))


def work(job: Job) -> Coverage:
    """Run a part of the schedules, in a process of its own."""
    what, number, at, count = job
    coverage = Coverage()
    if what == "seed":
        for seed in range(at, at + count):
            _guarded(f"--seed {seed}", lambda seed=seed: run_seed(seed, coverage), coverage)  # type: ignore[misc]
        return coverage
    scenario = SCENARIOS[number]
    listed = single_faults(scenario) if what == "single" else pairs_of_faults(scenario)
    for faults in islice(listed, at, at + count):
        named = f"--scenario {scenario.name!r} --faults {faults}"
        _guarded(named, lambda faults=faults: run_faults(scenario, faults, coverage), coverage)  # type: ignore[misc]
    return coverage


def _guarded(named: str, run: Callable[[], World], coverage: Coverage) -> None:
    """What breaks the exploration itself is a violation too."""
    try:
        run()
    except Exception as error:
        coverage.schedules += 1
        coverage.violations.append(Violation(named, "every schedule comes to rest", f"{type(error).__name__}: {error}"))


def _run(pool: object, progress: Progress, title: str, jobs: list[Job], coverage: Coverage) -> None:
    task = progress.add_task(title, total=len(jobs) * _CHUNK)
    tenth = max(1, len(jobs) // 10)
    for number, part in enumerate(pool.imap_unordered(work, jobs), start=1):  # type: ignore[attr-defined]
        coverage.add(part)
        progress.advance(task, _CHUNK)
        if not progress.console.is_terminal and number % tenth == 0:
            done = f"{number / len(jobs):.0%} of {title}, {len(coverage.violations)} violations"
            print(f"  {done}", flush=True)


def _show(console: Console, coverage: Coverage) -> None:
    table = Table("effect", *KINDS, title="How often each effect went wrong in each way")
    effects = sorted({label for label, _ in coverage.faulted})
    for label in effects:
        table.add_row(label, *(f"{coverage.faulted[label, kind]:,}" for kind in KINDS))
    console.print(table)
    missing = [(label, kind) for label in effects for kind in KINDS if not coverage.faulted[label, kind]]
    listed = {scenario.name: set(effects_of(scenario)) for scenario in SCENARIOS}
    never = sorted(set().union(*listed.values()) - set(effects))
    for name in never:
        console.print(f"[red]never went wrong: {name}[/red]")
    for label, kind in missing:
        console.print(f"[red]never: {kind} at {label}[/red]")
    for violation in coverage.violations[:_SHOWN]:
        console.print(f"[red]{violation}[/red]", markup=True)
    console.print(
        f"faults: {len(effects)} effects × {len(KINDS)} kinds, {coverage.schedules:,} schedules, "
        f"{len(coverage.violations):,} violations"
    )


def _again(console: Console, run: Callable[[Coverage], World]) -> int:
    coverage = Coverage()
    world = run(coverage)
    wrong = {ordinal: kind for ordinal, _, kind in world.seam.faulted}
    console.print(f"scenario: {world.scenario.name}")
    for ordinal, label in enumerate(world.seam.effects):
        console.print(f"{ordinal:4}  {label}" + (f"   [red]{wrong[ordinal]}[/red]" if ordinal in wrong else ""))
    state = world.state()
    console.print("ended: " + ("no discount" if state is None else str(state.body["status"])))
    for violation in coverage.violations:
        console.print(f"[red]{violation}[/red]")
    return 1 if coverage.violations else 0


def _fault(text: str) -> tuple[int, Fault]:
    at, kind, later = text.split(":")
    return int(at), Fault(kind, int(later))


def _progress(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(TextColumn("  {task.description:<20}"), *columns, console=console)


__all__ = ["Scenario", "main", "work"]

if __name__ == "__main__":
    sys.exit(main())
