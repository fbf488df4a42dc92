"""Fuzzes the API by its own description: every operation, all checks, links followed (schemathesis).

``python tests/fuzz/run_fuzz.py`` asks all functions in this process, on stand-ins; ``--url`` a running stack.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import schemathesis
from api import api_in_memory
from known import Known, share
from rich.console import Console
from rich.table import Table
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.generation.meta import CoverageScenario
from signing import Forwarding, Signing, sign_cases
from werkzeug import Client

from paths import LOCAL
from seed import PARTNERS, load_key
from stack import load as load_stack

CONFIG = Path(__file__).with_name("schemathesis.toml")
DESCRIPTION = "/v1/openapi.json"
PHASES = ("examples", "coverage", "fuzzing", "stateful")
_WALKED, _WALKS_MOST = 10, 12
_UNDECLARED = CoverageScenario.UNSPECIFIED_HTTP_METHOD


@schemathesis.check
def undeclared_method(_: Any, response: Any, case: Any) -> bool | None:
    """What is not described is no route: 404 NO_SUCH_ROUTE, whoever asks."""
    if case.meta is None or getattr(case.meta.phase.data, "scenario", None) is not _UNDECLARED:
        return True
    assert response.status_code == 404, f"{response.request.method} is answered with {response.status_code}"
    assert response.json()["code"] == "NO_SUCH_ROUTE"
    return None


@schemathesis.check
def described_bodies(_: Any, response: Any, case: Any) -> bool | None:
    """What fits the description is refused by rules alone: for its form only where the configuration says why."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 422:
        return True
    document = response.json()
    if document["code"] == "INVALID_BODY":
        raise AssertionError(f"the description takes what is refused for its form: {document['detail']}")
    return None


@dataclass(frozen=True)
class Finding:
    """One way in which an operation failed a check, with the first request that showed it."""

    operation: str
    check: str
    what: str
    request: str
    answer: str


@dataclass
class Found:
    """What a run came to."""

    operations: int = 0
    cases: Counter[str] = field(default_factory=Counter)
    """By operation."""
    accepted: Counter[str] = field(default_factory=Counter)
    """Those that were answered with 2xx, by operation."""
    phases: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[tuple[str, str, str], Finding] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed, nothing was answered with 5xx, and every operation was asked."""
        return not (self.findings or self.errors or any(status >= 500 for status in self.statuses)) and (
            len(self.cases) == self.operations > 0
        )


def fuzz(
    app: Signing,
    *,
    seed: int,
    examples: int,
    discounts: Sequence[Any] = (),
    only: str | None = None,
) -> Found:
    """Run all phases against the application; ``examples`` are those of the random phase, an operation each.

    The phase that walks along links may end long before its number of walks, and nothing is said of it (likely where a
    walk meets another state of the application than before): further walks begin anew until there were enough of them.
    """
    found, known = Found(), Known()
    share(known, discounts)
    sign_cases()
    _run(app, found, _settings(seed, examples, only, phases=PHASES if only is None else PHASES[:-1]))
    for further in range(1, _WALKS_MOST if only is None else 0):
        if found.phases["stateful"] >= _WALKED * examples:
            break
        _run(app, found, _settings(seed + further, examples, only, phases=("stateful",)))
    return found


def _settings(seed: int, examples: int, only: str | None, *, phases: Sequence[str]) -> dict[str, Any]:
    settings = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    settings["generation"]["max-examples"] = examples
    settings["phases"] = {phase: {"enabled": phase in phases} for phase in PHASES}
    # Of walks along links there are so many in all, not of each operation.
    settings["phases"]["stateful"]["generation"] = {**settings["generation"], "max-examples": _WALKED * examples}
    if only is not None:
        settings["operations"].append({"exclude-operation-id": [only], "enabled": False})
    return {**settings, "seed": seed}


def _run(app: Signing, found: Found, settings: dict[str, Any]) -> None:
    # Read here: the route that a document is loaded from would be left out.
    document = Client(app).get(DESCRIPTION).get_json()
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(settings))
    schema.app = app
    found.operations = schema.statistic.operations.selected
    for event in from_schema(schema).execute():
        _take(event, found)


def _take(event: Any, found: Found) -> None:
    if isinstance(event, events.NonFatalError):
        found.errors.append(f"{event.label}: {event.info.message}")
    elif isinstance(event, events.FatalError):
        found.errors.append(repr(event.exception))
    elif isinstance(event, events.ScenarioFinished):
        _count(event.recorder, event.phase.value, found)


def _count(recorder: Any, phase: str, found: Found) -> None:
    for case_id, node in recorder.cases.items():
        interaction = recorder.interactions.get(case_id)
        if interaction is None or interaction.response is None:
            continue
        found.cases[node.value.operation.label] += 1
        found.accepted[node.value.operation.label] += interaction.response.status_code < 300
        found.phases[phase] += 1
        found.statuses[interaction.response.status_code] += 1
    for case_id, checks in recorder.checks.items():
        for check in checks:
            found.checked[check.name] += 1
            if check.status is Status.FAILURE and not _is_mislabelled(recorder.cases[case_id].value, check.name):
                found.failed[check.name] += 1
                _keep(recorder, case_id, check, found)


def _is_mislabelled(case: Any, check: str) -> bool:
    """The tool at times calls a case positive as a whole whose header, say, it has made wrong on purpose."""
    parts = case.meta.components.values() if case.meta is not None else ()
    return check == "positive_data_acceptance" and any(part.mode.is_negative for part in parts)


def _keep(recorder: Any, case_id: str, check: Any, found: Found) -> None:
    failure, node = check.failure_info.failure, recorder.cases[case_id]
    label, interaction = node.value.operation.label, recorder.interactions.get(case_id)
    response = interaction.response if interaction else None
    what = f"{failure.title}: {failure.message}"
    request = f"{interaction.request.method} {interaction.request.uri}" if interaction else ""
    if interaction and interaction.request.body:
        request += f"\n      {interaction.request.body.decode(errors='replace')[:600]}"
    answer = f"{response.status_code} {response.content.decode(errors='replace')[:500]}" if response else ""
    key = (label, check.name, what.splitlines()[0])
    found.findings.setdefault(key, Finding(label, check.name, what, request, answer))


def report(found: Found, seconds: float) -> None:
    """The table, and what failed."""
    console = Console(width=140)
    table = Table("check", "judged", "failed", title=f"{found.operations} operations, {found.cases.total()} cases")
    for check in sorted(found.checked):
        table.add_row(check, str(found.checked[check]), str(found.failed[check]))
    console.print(table)
    console.print("cases by phase: " + ", ".join(f"{phase} {number}" for phase, number in found.phases.items()))
    console.print("answers: " + ", ".join(f"{status} x {number}" for status, number in sorted(found.statuses.items())))
    never = [label for label in found.cases if not found.accepted[label]]
    console.print(f"never answered with 2xx: {', '.join(never) or 'none'}", highlight=False)
    console.print(f"{seconds:.0f} s; fewest cases: {min(found.cases.items(), key=lambda one: one[1], default=None)}")
    for finding in found.findings.values():
        console.print(f"\n[bold]{finding.operation}[/] {finding.check}", highlight=False)
        for text in (finding.what, finding.request, finding.answer):
            console.print(f"  {text}", markup=False, highlight=False, soft_wrap=True)
    for error in found.errors:
        console.print(f"\nerror: {error}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _asked(url: str | None, keys: Path) -> Iterator[tuple[Signing, list[Any]]]:
    """The application to ask, in this process or at the URL (an empty one is that of ``make up``); good discounts."""
    if url is None:
        with api_in_memory() as asked:
            yield asked
        return
    if not url:
        stack = load_stack(LOCAL)
        if stack is None:
            raise SystemExit("No stack is running; `make up` starts one.")
        url, keys = stack.base_url, Path(stack.keys)
    yield Signing(Forwarding(url), url, {caller: load_key(keys, caller) for caller in PARTNERS}), []


def main() -> int:
    """0 when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", nargs="?", const="", help="of a running stack; without a value that of `make up`")
    parser.add_argument("--keys", type=Path, default=LOCAL / "keys", help="the folder of the sample callers' keys")
    parser.add_argument("--examples", type=int, default=120, help="random cases of each operation")
    parser.add_argument("--seed", type=int, default=20260415)
    parser.add_argument("--only", help="one operation, by its id")
    given = parser.parse_args()
    began = time.monotonic()
    with _asked(given.url, given.keys) as (app, discounts):
        found = fuzz(app, discounts=discounts, seed=given.seed, examples=given.examples, only=given.only)
    report(found, time.monotonic() - began)
    return 0 if found.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
