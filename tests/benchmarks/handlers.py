"""How fast the API's functions begin and answer, each as a ratio to something small that runs beside it.

Run by `make bench-handlers`. A function begins: a fresh interpreter imports its app from the layers as they are
deployed, beside one that runs `import boto3; boto3.client("dynamodb")`. It answers: a GET of a running stack, beside a
Chalice function that does nothing (handlers_emulator.py). `--cold` or `--warm` alone for one of the two.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from handlers_emulator import answer_times
from paths import BUILD, EMULATOR_PYTHON, ROOT
from template_reading import TEMPLATE

_FOLDER = BUILD / "handlers"
_ROUNDS = 21
_BASE = "boto3"
_MOST = 1.3
"""What importing an app may cost of what stands beside it."""
_CLOCK = "import time; began, spent = time.perf_counter(), time.process_time()\n"
_IMPORTED = "imported, spent = time.perf_counter(), time.process_time() - spent"
_TOLD = "print(1000 * spent, *(1000 * (at - began) for at in (imported, made, read)))"
_BEGINS = f"""{_CLOCK}
import boto3; boto3.client("dynamodb")
{_IMPORTED}
made = read = imported
{_TOLD}
"""
_APP_BEGINS = f"""{_CLOCK}
import app
{_IMPORTED}
from rongtong.entrypoints.bootstrap import context
context()
made = time.perf_counter()
for one in list(vars(app).values()):
    if type(one).__module__ == "rongtong.late":
        one.__name__
read = time.perf_counter()
{_TOLD}
"""
_NAMES = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "BUSINESS_TABLE", "EVIDENCE_TABLE", "CLOCK_TABLE", "SANDBOX_TABLE"),
    *("DATA_KEY_ID", "LOG_KEY_ID", "LOG_ORIGIN", "LOG_BUCKET", "ARCHIVE_BUCKET"),
    *("DISCOUNT_MACHINE_ARN", "REGISTRATION_MACHINE_ARN", "NONCE_TABLE"),
)
_SETTINGS = {
    **{name: name.lower() for name in _NAMES},
    **{f"{name}_URL": "http://127.0.0.1:9" for name in ("BANK", "BILL_REGISTRY", "INVOICE_REGISTRY", "SMS")},
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PATH": os.environ["PATH"],
}
"""What the composition root reads; nothing is connected to. An app is compiled at each start, as on Lambda."""


def main() -> int:
    """0 if every app is imported within the bound; how long a GET takes is told and not judged."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true", help="only how they begin")
    parser.add_argument("--warm", action="store_true", help="only how they answer")
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="interpreters of each app")
    parser.add_argument("--requests", type=int, default=300, help="requests of each route")
    options = parser.parse_args()
    both = options.cold == options.warm
    console, results = Console(width=140, soft_wrap=True), {}
    if both or options.cold:
        results["cold"] = _cold(console, options.rounds)
    if both or options.warm:
        results["warm"] = _warm(console, options.requests)
    console.print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    written = BUILD / "bench" / "handlers.json"
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(json.dumps(results, indent=2))
    return 0 if all(ratio <= _MOST for ratio in results.get("cold", {}).values()) else 1


def http_apps() -> list[str]:
    """Folders of the functions that answer the API's routes, and of the authorizer; without the sandbox."""
    functions = [one["Properties"] for one in TEMPLATE.values() if one["Type"].endswith("::Function")]
    return sorted(
        {
            one["CodeUri"].removeprefix("functions/")
            for one in functions
            if one["Handler"] in ("app.app", "app.authorize") and one["CodeUri"].startswith("functions/")
        }
        - {"sandbox"}
    )


def _cold(console: Console, rounds: int) -> dict[str, float]:
    """Each app's import as a ratio to that of boto3 with a client."""
    layers = _layers()
    apps = [_BASE, *http_apps()]
    times: dict[str, list[list[float]]] = {app: [] for app in apps}
    for _ in range(rounds):
        for app in apps:
            times[app].append(_begin(app, layers))
    medians = {app: [statistics.median(column) for column in zip(*found, strict=True)] for app, found in times.items()}
    base_spent, base, *_ = medians.pop(_BASE)
    table = Table("begins", "import (ms)", "ratio", "of processor time", "with clients", "with all it may read")
    for app, (spent, imported, made, read) in medians.items():
        ratios = (imported / base, spent / base_spent, made / base, read / base)
        table.add_row(app, f"{imported:.0f}", *(f"{ratio:.2f}" for ratio in ratios))
    console.print(table)
    console.print(
        f'ratios to `import boto3; boto3.client("dynamodb")`: {base:.0f} ms, {base_spent:.0f} of the processor;'
    )
    console.print(
        f"medians of {rounds} interpreters, one of each in turn. Clients are made, and models and use cases read,"
    )
    console.print("when a request first needs them: few need all.")
    return {app: imported / base for app, (_, imported, *_) in medians.items()}


def _layers() -> list[Path]:
    """The layers as `sam build` makes them, without sam; the one of the packages is built when its list changes."""
    for name in ("core", "dependencies"):
        made, source = _FOLDER / name, ROOT / "layers" / name
        listed = source / "requirements.txt"
        built = made / ".requirements"
        if listed.exists() and built.exists() and built.read_text() == listed.read_text():
            continue
        if made.exists():
            subprocess.run(["rm", "-rf", str(made)], check=True)
        made.mkdir(parents=True)
        target = f"build-{name.capitalize()}Layer"
        with (_FOLDER / f"{name}.log").open("w") as log:
            subprocess.run(
                ["make", "-s", f"ARTIFACTS_DIR={made}", f"LAYER_PYTHON={EMULATOR_PYTHON}", target],
                cwd=source,
                check=True,
                stderr=log,
            )
        if listed.exists():
            built.write_text(listed.read_text())
    return [_FOLDER / name / "python" for name in ("core", "dependencies")]


def _begin(app: str, layers: list[Path]) -> list[float]:
    """One fresh interpreter: ms of the processor, until imported, until its clients are made, until it has read all."""
    path = [] if app == _BASE else [ROOT / "functions" / app, *layers]
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-c", _BEGINS if app == _BASE else _APP_BEGINS],
        cwd=_FOLDER,
        env={**_SETTINGS, "PYTHONPATH": os.pathsep.join(map(str, path))},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [float(part) for part in done.stdout.split()]


def _warm(console: Console, requests: int) -> dict[str, float]:
    """Each GET as a ratio to an empty function behind our authorizer."""
    times: dict[str, list[float]] = answer_times(requests, lambda step: console.print(f"  {step}"))
    p50 = {name: statistics.median(found) for name, found in times.items()}
    empty = {name: p50.pop(name) for name in [name for name in p50 if name.startswith("empty")]}
    table: Any = Table("answers", "p50 (ms)", *(f"ratio to {name}" for name in empty))
    for name, found in [*empty.items(), *p50.items()]:
        table.add_row(name, f"{found:.1f}", *(f"{found / beside:.2f}" for beside in empty.values()))
    console.print(table)
    console.print(f"{requests} requests of each, one of each in turn, one at a time")
    return {name: found / empty["empty, our authorizer"] for name, found in p50.items()}


if __name__ == "__main__":
    sys.exit(main())
