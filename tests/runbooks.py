"""The runbooks of docs/operations/alarms.md as data: what stands there is what is parsed, run and tested."""

from __future__ import annotations

import re
from dataclasses import dataclass

from paths import ROOT

PAGE = ROOT / "docs" / "operations" / "alarms.md"
_SECTION = re.compile(r"^## (?P<name>[a-z0-9-]+)\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^```sh (?P<use>show|mend)\n(?P<lines>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Runbook:
    """One alarm's section: the commands that show the state, and those that mend it."""

    name: str
    show: tuple[str, ...]
    mend: tuple[str, ...]


def runbooks() -> dict[str, Runbook]:
    """Every section of the page, by its alarm."""
    found: dict[str, Runbook] = {}
    for section in _SECTION.finditer(PAGE.read_text(encoding="utf-8")):
        commands: dict[str, tuple[str, ...]] = {"show": (), "mend": ()}
        for fence in _FENCE.finditer(section["text"]):
            commands[fence["use"]] += tuple(fence["lines"].strip().splitlines())
        found[section["name"]] = Runbook(section["name"], commands["show"], commands["mend"])
    return found
