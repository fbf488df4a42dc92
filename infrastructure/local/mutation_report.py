"""The page that ``make mutation`` writes: the score of every module, and every mutant that survives."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import takewhile

_HEAD = """# Mutation score of the domain

Written by `make mutation`, not by hand. A mutant is the code of `rongtong.domain` with one
small change in one function; it is killed when a test of `tests/unit/domain` fails or does not end. A mutant that no
test runs survives. mutmut changes neither code outside of functions, such as tables, nor functions with a decorator
other than classmethod and staticmethod, such as properties, so those are not counted. No survivor is left out as
harmless, though some change nothing that can be told. Where a line would be long, what stayed as it was is cut (…).

"""
_CHANGE_MAX = 140
_CONTEXT = 20


@dataclass(frozen=True)
class Survivor:
    """A change that no test notices: the function, its line that is changed (from 1), the code before and after."""

    function: str
    line: int
    old: str
    new: str


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


def shortened(old: str, new: str) -> str:
    """``old → new`` in at most 140 characters: without most of what both share, and of what is long the ends only."""
    if len(whole := f"{old} → {new}") <= _CHANGE_MAX:
        return whole
    head = _shared(old, new)
    tail = _shared(old[head:][::-1], new[head:][::-1])
    parts = [_part(text, max(head - _CONTEXT, 0), len(text) - max(tail - _CONTEXT, 0)) for text in (old, new)]
    return " → ".join(parts)


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
                f"- {survivor.function}, line {survivor.line}: {_code(shortened(survivor.old, survivor.new))}"
                for survivor in one.survivors
            ]
    if killed == mutants:
        lines.append("\nNone.")
    return "\n".join(lines) + "\n"


def _shared(left: str, right: str) -> int:
    """How many characters two texts have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _part(text: str, start: int, end: int) -> str:
    room = _CHANGE_MAX // 2 - 4
    shown = text[start:end]
    if len(shown) > room:
        shown = f"{shown[: room // 2]}…{shown[-(room // 2) :]}"
    return ("…" if start else "") + shown + ("…" if end < len(text) else "")


def _row(name: str, killed: int, mutants: int) -> str:
    return f"| {name} | {mutants} | {killed} | {mutants - killed} | {percent(killed, mutants)} |"


def _code(text: str) -> str:
    # A longer fence, where the code itself holds back quotes.
    return f"``` {text} ```" if "`" in text else f"`{text}`"
