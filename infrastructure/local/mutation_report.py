"""The page that ``make mutation`` writes: the score of every module, and every mutant that survives."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

_HEAD = """# Mutation score of the domain

Written by `make mutation`, not by hand. A mutant is the code of `rongtong.domain` with one
small change in one function; it is killed when a test of `tests/unit/domain` fails or does not end. A mutant that no
test runs survives. mutmut changes neither module-level tables nor properties, so those are not counted.

"""


@dataclass(frozen=True)
class Survivor:
    """A change that no test notices: the function, its line that is changed (from 1), and ``old → new``."""

    function: str
    line: int
    change: str


@dataclass(frozen=True)
class Measured:
    """What was found out about one module; ``fingerprint`` names the state of all that was measured."""

    module: str
    fingerprint: str
    killed: int
    survivors: tuple[Survivor, ...]

    @property
    def mutants(self) -> int:
        """All mutants of the module that were tried."""
        return self.killed + len(self.survivors)


def totals(measured: Iterable[Measured]) -> tuple[int, int]:
    """Mutants killed, and mutants, of some modules together."""
    killed, mutants = 0, 0
    for one in measured:
        killed, mutants = killed + one.killed, mutants + one.mutants
    return killed, mutants


def percent(killed: int, mutants: int) -> str:
    """A score with one decimal, rounded down so that none looks reached before it is; ``–`` without mutants."""
    if not mutants:
        return "–"
    tenths = killed * 1000 // mutants
    return f"{tenths // 10}.{tenths % 10} %"


def render(measured: Sequence[Measured]) -> str:
    """The whole page, in Markdown."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    killed, mutants = totals(measured)
    lines = [
        f"{_HEAD}Machine: {machine}, mutmut {version('mutmut')}.\n",
        "| module | mutants | killed | survive | score |\n|---|--:|--:|--:|--:|",
        *(_row(one.module, one.killed, one.mutants) for one in measured),
        _row("**all**", killed, mutants),
        "\n## Survivors",
    ]
    for one in measured:
        if one.survivors:
            lines.append(f"\n### {one.module}\n")
            lines += [
                f"- {survivor.function}, line {survivor.line}: {_code(survivor.change)}" for survivor in one.survivors
            ]
    if killed == mutants:
        lines.append("\nNone.")
    return "\n".join(lines) + "\n"


def _row(name: str, killed: int, mutants: int) -> str:
    return f"| {name} | {mutants} | {killed} | {mutants - killed} | {percent(killed, mutants)} |"


def _code(text: str) -> str:
    # A longer fence, where the code itself holds back quotes.
    return f"``` {text} ```" if "`" in text else f"`{text}`"
