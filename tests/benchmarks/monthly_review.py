"""The monthly review over synthetic histories: time and memory as they grow, what was planted, false alarms.

    python tests/benchmarks/monthly_review.py [--sizes 10000 20000 50000 100000]

Of each kind of anomaly one is planted for 5,000 discounts, 20 in 100,000; fewer than 5,000 have no room for them. Every
history is reviewed twice in a process of its own: the first review reads the whole year, the second only the month, and
looks back at the figures that the first one has kept. Writes build/bench/monthly_review.json.
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
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from history import open_history, write
from history_deals import END, companies_for, company_code, usual
from monthly_anomalies import MONTH, Planted, plant
from paths import BUILD, discard
from rongtong.domain.jobs import Job
from rongtong.domain.monthly_rules import MONTHLY_RULES
from rongtong.services import jobs, monthly_review
from rongtong.services.monthly_figures import figures_pk

_SIZES = (10_000, 20_000, 50_000, 100_000)
_EACH = 5_000
"""One anomaly of each kind for so many discounts."""
_SECONDS_MAX, _MEGABYTES_MAX, _AT = 120, 512, 100_000
_NOW = datetime(END.year, END.month, END.day, tzinfo=UTC) - timedelta(hours=3)
"""Five in the morning of the first in Shanghai."""
_FOLDER = BUILD / "bench" / "monthly-review"
Row = dict[str, Any]


def main() -> int:
    """Print the tables; 1 where something planted was not found, or the largest size takes too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(_SIZES))
    parser.add_argument("--review", type=Path, help="(used by itself) review the history in this folder")
    asked = parser.parse_args()
    if asked.review is not None:
        print(json.dumps(_review(asked.review)))
        return 0
    console = Console(soft_wrap=True)
    rows = [_measure(size, console) for size in asked.sizes]
    _tell(console, rows)
    out = BUILD / "bench" / "monthly_review.json"
    out.write_text(json.dumps({"machine": platform.processor(), "sizes": rows}, indent=1), encoding="utf-8")
    return 0 if all(_is_good(row) for row in rows) else 1


def _measure(size: int, console: Console) -> Row:
    """Plant, write, review in another process, and see what was found."""
    discard(_FOLDER)
    companies = companies_for(size)
    deals, planted = plant(usual(size, companies), companies, max(1, size // _EACH))
    began = time.perf_counter()
    write(_FOLDER, deals, companies)
    console.print(f"  {size:,} discounts written in {time.perf_counter() - began:.0f} s")
    command = [sys.executable, __file__, "--review", str(_FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    row: Row = {"discounts": len(deals), "companies": companies, **json.loads(done.stdout)}
    row |= _seen(_FOLDER, companies, planted)
    discard(_FOLDER)
    return row


def _review(folder: Path) -> Row:
    """Two reviews of the month, the second with what the first has kept."""
    context = open_history(folder, _NOW)
    seconds, found = [], {}
    for _ in range(2):
        began = time.perf_counter()
        found = _run(context)
        seconds.append(time.perf_counter() - began)
        context.clock.instant += timedelta(minutes=1)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {"first_s": seconds[0], "second_s": seconds[1], "peak_mb": peak_mb, "found": found}


def _run(context: Any) -> Row:
    steps, job = monthly_review.STEPS, Job.MONTHLY_REVIEW
    jobs.step(context, job, steps, {"do": "begin", "period": MONTH, "again": True})
    for stage in steps.stages:
        while jobs.step(context, job, steps, {"do": stage, "period": MONTH})["more"]:
            pass
    found: Row = jobs.step(context, job, steps, {"do": "finish", "period": MONTH})["found"]
    return found


def _seen(folder: Path, companies: int, planted: Planted) -> Row:
    """What of the planted was found, by rule; and of the others, how many were stopped or shown to a person."""
    store = open_history(folder, _NOW).store
    found: Counter[str] = Counter()
    missed, alarms, alarmed = [], Counter[str](), 0
    for number in range(companies):
        item = store.get(figures_pk(company_code(number)), MONTH)
        rules = {one["rule"] for one in item.body.get("findings", ())} if item is not None else set()
        expected = planted.get(number)
        if expected is None:
            alarms.update(rules)
            alarmed += bool(rules)
        elif expected in rules:
            found[expected] += 1
        else:
            missed.append(f"{expected}: company {number}")
    kinds = Counter(planted.values())
    quiet = companies - len(planted)
    return {
        "planted": dict(kinds),
        "found_of_planted": dict(found),
        "missed": missed,
        "false_alarms": dict(alarms),
        "alarmed": alarmed,
        "not_planted": quiet,
    }


def _tell(console: Console, rows: list[Row]) -> None:
    table = Table("", *(f"{row['discounts']:,}" for row in rows), title="Monthly review, by discounts of the year")
    for title, name, shown in (
        ("first review, s", "first_s", ".1f"),
        ("with kept figures, s", "second_s", ".1f"),
        ("peak RSS, MB", "peak_mb", ",d"),
    ):
        table.add_row(title, *(format(row[name], shown) for row in rows))
    table.add_row("first, s for 10,000", *(f"{row['first_s'] / row['discounts'] * 10_000:.2f}" for row in rows))
    console.print(table)
    table = Table("rule", "planted", "found", "false alarms", title=f"In {rows[-1]['discounts']:,} discounts")
    for rule in MONTHLY_RULES:
        counts = [rows[-1][part].get(rule, 0) for part in ("planted", "found_of_planted", "false_alarms")]
        table.add_row(rule, *(str(count) for count in counts))
    console.print(table)
    for row in rows:
        missed = ", ".join(row["missed"]) or "nothing"
        console.print(
            f"{row['discounts']:,}: missed {missed}; {row['alarmed']} of {row['not_planted']} companies with nothing "
            f"planted have a finding; {row['found']['restricted']} accounts restricted"
        )


def _is_good(row: Row) -> bool:
    small = row["discounts"] < _AT
    return not row["missed"] and (small or (row["first_s"] < _SECONDS_MAX and row["peak_mb"] < _MEGABYTES_MAX))


if __name__ == "__main__":
    sys.exit(main())
