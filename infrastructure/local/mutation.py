"""The mutation score of the domain: change its code piece by piece, count the changes that no test notices.

``make mutation`` measures every module of ``rongtong.domain`` with mutmut and writes ``docs/mutation.md``;
``make mutation ONLY=merkle,checkpoint`` measures some and leaves that page alone. Verdicts are kept below
``build/mutation`` for as long as nothing changes that could sway them.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from mutation_report import Measured, Survivor, percent, render, totals
from mutation_stage import CONFIG, CONFTEST, Sources, Stage
from paths import BUILD, ROOT

REQUIRED_PERCENT = 85
_HOME = BUILD / "mutation"
_DOMAIN = "rongtong/domain/"
_TESTS = "tests/unit/domain/"
# What tests import or read, by its place in the stage.
_COPIED = {"rongtong": "layers/core/rongtong", "tests/unit/domain": "tests/unit/domain"}
_READ = ("tests/builders.py", "tests/vectors.json", "requirements/dev.txt")


def main(arguments: list[str] | None = None) -> int:
    """The command: 0 when the score is reached, 1 when not, 2 when it could not be measured."""
    parser = argparse.ArgumentParser(description="Measure the mutation score of the domain.")
    parser.add_argument("--only", default="", metavar="MODULES", help="modules, separated by commas; default: all")
    wanted = [name for part in parser.parse_args(arguments).only.split(",") if (name := part.strip())]
    console = Console(highlight=False)
    sources = _read_sources()
    modules = [place for place in sorted(sources) if place.startswith(_DOMAIN) and not place.endswith("__init__.py")]
    unknown = sorted(set(wanted) - {module_name(place) for place in modules})
    if unknown:
        console.print(f"No module of the domain: {', '.join(unknown)}.")
        return 2
    measured = _measure(sources, [place for place in modules if not wanted or module_name(place) in wanted], console)
    if measured is None:
        return 2
    page = _HOME / f"{'-'.join(wanted)}.md" if wanted else ROOT / "docs" / "mutation.md"
    page.write_text(render(measured), encoding="utf-8")
    return _conclude(measured, page, console)


def module_name(place: str) -> str:
    """A staged file of the domain as a module below ``rongtong.domain``."""
    return place.removeprefix(_DOMAIN).removesuffix(".py").replace("/", ".")


def reached(place: str, sources: Sources) -> set[str]:
    """The staged files that a staged Python file imports, directly or through others; itself too."""
    found, pending = {place}, [place]
    while pending:
        new = {file for name in _imports(sources[pending.pop()]) for file in _files(name) if file in sources} - found
        found |= new
        pending += new
    return found


def reaching_tests(place: str, sources: Sources) -> list[str]:
    """The test files that reach a module: no other can notice a change of it."""
    tests = [file for file in sorted(sources) if file.startswith(_TESTS + "test_") and file.endswith(".py")]
    return [test for test in tests if place in reached(test, sources)]


def fingerprint(place: str, sources: Sources) -> str:
    """SHA-256 of all that can sway the verdicts on a module: its tests, what they reach and read, the tools."""
    swaying = {place, *_READ} | {file for file in sources if file.startswith(_TESTS) and "/test_" not in file}
    for test in reaching_tests(place, sources):
        swaying |= reached(test, sources)
    digest = hashlib.sha256(f"{sys.version}\n{CONFIG}{CONFTEST}".encode())
    for file in sorted(swaying):
        digest.update(f"\n{file} {hashlib.sha256(sources.get(file, b'')).hexdigest()}".encode())
    return digest.hexdigest()


def _read_sources() -> Sources:
    """What is measured, read once: others may go on editing meanwhile."""
    places = {place: ROOT / place for place in _READ}
    for target, folder in _COPIED.items():
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                places[f"{target}/{file.relative_to(ROOT / folder).as_posix()}"] = file
    return {place: file.read_bytes() for place, file in places.items()}


def _imports(code: bytes) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _files(module: str) -> Iterator[str]:
    """Every file that importing a module may run, those of its packages among them; ``tests`` is on the path too."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        stem = "/".join(parts[:length])
        yield from (f"{stem}.py", f"{stem}/__init__.py", f"tests/{stem}.py")


def _measure(sources: Sources, places: list[str], console: Console) -> list[Measured] | None:
    """The verdicts on some modules, measured anew where something changed; None if that failed or was stopped."""
    prints = {place: fingerprint(place, sources) for place in places}
    measured = {place: kept for place in places if (kept := _kept(place, prints[place])) is not None}
    stale = [place for place in places if place not in measured]
    console.print(f"{len(places)} modules, {len(measured)} of them unchanged since they were measured")
    if stale:
        _HOME.mkdir(parents=True, exist_ok=True)
        tests = sorted({test for place in stale for test in reaching_tests(place, sources)})
        # A stage of its own for each run: several may be under way.
        with tempfile.TemporaryDirectory(prefix="stage-", dir=_HOME) as folder:
            stage = Stage(Path(folder), sources, stale, tests)
            try:
                stage.run(console)
            except KeyboardInterrupt:
                console.print("Stopped.")
            for place in stale:
                verdicts = stage.verdicts(place)
                if verdicts is not None:
                    measured[place] = Measured(module_name(place), prints[place], *verdicts)
                    _keep(measured[place])
    if len(measured) < len(places):
        console.print(f"Measured {len(measured)} modules of {len(places)}; their verdicts are kept.")
        return None
    return [measured[place] for place in places]


def _keep(found: Measured) -> None:
    file = _HOME / "measured" / f"{found.module}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(found), ensure_ascii=False, indent=1), encoding="utf-8")


def _kept(place: str, fingerprint_: str) -> Measured | None:
    file = _HOME / "measured" / f"{module_name(place)}.json"
    if not file.exists():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    if found["fingerprint"] != fingerprint_:
        return None
    return Measured(**{**found, "survivors": tuple(Survivor(**survivor) for survivor in found["survivors"])})


def _conclude(measured: list[Measured], page: Path, console: Console) -> int:
    for one in measured:
        console.print(f"  {one.module:<24}{percent(one.killed, one.mutants):>8}  {len(one.survivors)} survive")
    killed, mutants = totals(measured)
    found = f"{percent(killed, mutants)} of {mutants} mutants killed; the survivors: {page.relative_to(ROOT)}"
    console.print(found, soft_wrap=True)
    if killed * 100 >= REQUIRED_PERCENT * mutants:
        return 0
    console.print(f"That is below {REQUIRED_PERCENT} %.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
