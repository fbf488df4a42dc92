"""The README's calculator commands run as they are written and say what it says."""

import re
import shlex
import subprocess
import sys

import pytest

from paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\.venvs/dev/bin/python -m (rongtong\.(?:price|bill|identity) .*)$", README, re.MULTILINE)


def _run(command):
    environment = {"PYTHONPATH": str(ROOT / "layers" / "core")}
    return subprocess.run(
        [sys.executable, "-m", *shlex.split(command)], capture_output=True, text=True, env=environment, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_runs(command):
    done = _run(command)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_page_tells_what_the_first_command_prints():
    said = ("2026-06-01", "91", "5055.56", "994944.44")
    printed = _run(COMMANDS[0]).stdout
    assert len(COMMANDS) == 3
    assert [text for text in said if text not in printed or text not in README] == []
