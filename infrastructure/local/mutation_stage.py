"""One run of mutmut, on a copy of the domain and its tests that it can work with, and what came of every mutant."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import chdir, suppress
from pathlib import Path

from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.utils.format_utils import orig_function_and_class_names_from_key
from rich.console import Console

from mutation_report import Survivor

Sources = dict[str, bytes]
"""What is staged: place in the stage to content."""
# pytest's exit codes 1 to 3 (failed, interrupted, crashed), and what mutmut notes of a run that took too long or too
# much: a signal, or a number of its own (24, 36, 152, 255).
_KILLED = frozenset({1, 2, 3, 24, 36, 152, 255, -signal.SIGXCPU, -signal.SIGKILL, -signal.SIGSEGV})
_SKIPPED = 34
_SPINNER = tuple("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
_LINE_MAX = 300
"""mutmut repeats the names of all tests where one of them cannot be found."""
CONFIG = """[tool.mutmut]
source_paths = ["rongtong"]
only_mutate = {mutated}
pytest_add_cli_args = ["-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
timeout_constant = 1.0
timeout_multiplier = 5.0
use_git_change_detection = false

[tool.pytest.ini_options]
addopts = "--strict-markers --import-mode=importlib"
pythonpath = ["tests"]
"""
# The same few examples for every mutant, not shrunk: one that fails is enough. Memory: a loop without end may fill it.
CONFTEST = """import resource

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutation",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=30,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutation")
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
"""


class Stage:
    """A folder that is laid out as mutmut wants it: the package at the root, the tests below ``tests``."""

    def __init__(self, folder: Path, sources: Sources, mutated: list[str], tests: list[str]) -> None:
        """Fill the folder. ``mutated`` are the files to make mutants of, ``tests`` those that may kill them."""
        self._folder = folder
        self._mutated = mutated
        config = CONFIG.format(mutated=json.dumps(mutated), tests=json.dumps(tests))
        made = {"pyproject.toml": config.encode(), "tests/conftest.py": CONFTEST.encode()}
        for place, content in {**sources, **made}.items():
            file = folder / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def run(self, console: Console) -> None:
        """Try every mutant and tell how far it is; if mutmut fails, tell what it said. Ends with all it started."""
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        # The pattern makes mutmut name every test of its clean run, as it does for mutants: a test that cannot be
        # found by its name stops it there, where it would count as a kill later.
        command = [
            str(Path(sys.executable).with_name("mutmut")),
            "run",
            "--max-children",
            str(os.cpu_count() or 1),
            "*",
        ]
        said = self._folder / "mutmut.log"
        with said.open("wb") as log:
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env={**environment, "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            try:
                self._watch(process, console)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        if process.returncode != 0:
            lines = said.read_text(encoding="utf-8", errors="replace").splitlines()
            told = [line[:_LINE_MAX] for line in lines if not line.startswith(_SPINNER)]
            console.print("\n".join(told[-60:]), markup=False, soft_wrap=True)

    def verdicts(self, place: str) -> tuple[int, tuple[Survivor, ...]] | None:
        """How many mutants of a file were killed, and the others; None unless every one was tried."""
        codes = self._exit_codes(place)
        if not (self._folder / "mutants" / f"{place}.meta").exists() or None in codes.values():
            return None
        tried = {name: code for name, code in codes.items() if code != _SKIPPED}
        alive = [name for name, code in tried.items() if code not in _KILLED]
        return len(tried) - len(alive), tuple(self._survivors(place, alive))

    def _watch(self, process: subprocess.Popen[bytes], console: Console) -> None:
        said_at = time.monotonic()
        with console.status("") as status:
            while process.poll() is None:
                told = self._progress()
                status.update(told)
                if not console.is_terminal and time.monotonic() - said_at > 60:
                    console.print(f"  {told}")
                    said_at = time.monotonic()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=2)

    def _progress(self) -> str:
        codes = [code for place in self._mutated for code in self._exit_codes(place).values()]
        done = sum(code is not None for code in codes)
        if not done:
            return "making mutants, timing the tests"
        return f"{done} of {len(codes)} mutants tried, {codes.count(0)} survive"

    def _exit_codes(self, place: str) -> dict[str, int | None]:
        with chdir(self._folder), suppress(json.JSONDecodeError):  # mutmut may be writing just now
            data = SourceFileMutationData(path=place)
            data.load()
            return data.exit_code_by_key
        return {place: None}

    def _survivors(self, place: str, names: Iterable[str]) -> Iterator[Survivor]:
        with chdir(self._folder):
            for name in names:
                function, owner = orig_function_and_class_names_from_key(name)
                diff = get_diff_for_mutant(name, path=place)
                yield Survivor(f"{owner}.{function}" if owner else function, changed_line(diff), *changed_code(diff))


def changed_code(diff: str) -> tuple[str, str]:
    """The changed lines of a unified diff with one hunk, before and after, each in one line."""
    lines = diff.splitlines()[3:]
    old, new = (" ".join(line[1:].strip() for line in lines if line[:1] == sign) for sign in "-+")
    return old, new


def changed_line(diff: str) -> int:
    """Which line of the function the first changed one is, counted from 1."""
    _, _, hunk, *lines = diff.splitlines()
    unchanged = next(at for at, line in enumerate(lines) if line.startswith(("-", "+")))
    return int(hunk.split()[1].lstrip("-").split(",")[0]) + unchanged
