"""The quick start's code, as it stands in the document, run in a folder where a stack is said to be up."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from paths import ROOT

DOCUMENT = ROOT / "docs" / "quickstart.md"
_PATIENCE_S = 180


def code() -> str:
    """The one block of Python of the document."""
    (found,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(found)


def run(folder: Path, *, base_url: str, sandbox_url: str, keys: str) -> str:
    """What the code prints, in a process of its own. Raises CalledProcessError with its output."""
    local = folder / "build" / "local"
    local.mkdir(parents=True)
    stack = {"base_url": base_url, "sandbox_url": sandbox_url, "keys": keys}
    (local / "stack.json").write_text(json.dumps(stack), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", code()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python")},
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
