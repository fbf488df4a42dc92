"""Writes docs/compliance.md from docs/compliance/items.yaml. Run by `make docs`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import yaml

from paths import ROOT

ITEMS = ROOT / "docs" / "compliance" / "items.yaml"
PAGE = ROOT / "docs" / "compliance.md"
AREAS = {
    "IP": "Information protection",
    "TS": "Transaction security",
    "NS": "Network security",
    "BC": "Business continuity",
    "BL": "Blockchain",
    "CC": "Cloud computing",
    "IC": "Internal control",
}
"""By the first two letters of an item's id."""
STANDINGS = {
    "met": "the software does it, and a named test or template shows it",
    "partly": "the software does less than the item asks; what is missing is said",
    "not_met": "the software does not do it",
    "operator": "a duty of whoever runs the platform, with what the platform offers for it",
    "provider": "a duty of the cloud provider in its region, with what to ask of it",
    "partner": "a duty of the partner platform's front end",
    "not_applicable": "not of this product, with the reason",
}
VERDICTS = ("conforms", "partial", "fails", "not_applicable")
"""What the model was judged."""
Entry = dict[str, Any]
_HEAD = """# The 130 items, one by one

How the product stands against the 130 items by which its model was assessed in 2020, for supervisors, assessors
and the risk departments of banks. It is this repository's own view and no certificate: nobody has assessed the
product. Each verdict was made on the code; `met` names the test or the part of a template that shows it, and a test
holds these to exist. [items.yaml](compliance/items.yaml) has every test by its name; `make docs` writes this page.
"""
_FINDINGS = """## The eight findings

What the assessment of the model found, and what mends it here.

| finding | the model | items here | what mends it |
|---|---|---|---|"""


def read() -> Entry:
    """Settings, findings and items as they are written down."""
    found: Entry = yaml.safe_load(ITEMS.read_text(encoding="utf-8"))
    return found


def page(written: Entry) -> str:
    """The whole page."""
    items = written["items"]
    standing = {item["id"]: item["standing"] for item in items}
    parts = [_HEAD, *_summary(items), *_settings(items, written["needs"]), _FINDINGS]
    for finding in written["findings"]:
        here = ", ".join(f"{one} {_words(standing[one])}" for one in finding["items"])
        parts.append(f"| {finding['id']} | {finding['problem']} | {here} | {finding['mended_by']} |")
    for area, name in AREAS.items():
        parts += [f"\n## {name}\n", "| item | standing | how, and what shows it |", "|---|---|---|"]
        parts += [_row(item) for item in _of(items, area)]
    return "\n".join([*parts, ""])


def counts(items: Iterable[Entry], part: str) -> Counter[str]:
    """How many items stand so (``standing``), or were judged so (``model``)."""
    return Counter(item[part] for item in items)


def _of(items: Iterable[Entry], area: str) -> list[Entry]:
    return [item for item in items if item["id"].startswith(area)]


def _summary(items: list[Entry]) -> list[str]:
    heads = [*map(_words, STANDINGS), *[f"model: {_words(verdict)}" for verdict in VERDICTS]]
    lines = ["## In all\n", f"| area | items | {' | '.join(heads)} |", f"|---|--:|{'--:|' * len(heads)}"]
    for area, name in AREAS.items():
        lines.append(_counted(name, _of(items, area)))
    told = [f"- **{_words(standing)}**: {meaning}" for standing, meaning in STANDINGS.items()]
    return [*lines, _counted("all", items), "", *told, ""]


def _counted(name: str, items: list[Entry]) -> str:
    stand, model = counts(items, "standing"), counts(items, "model")
    cells = [len(items), *[stand[one] for one in STANDINGS], *[model[one] for one in VERDICTS]]
    return f"| {name} | {' | '.join(str(cell) for cell in cells)} |"


def _settings(items: list[Entry], needs: list[Entry]) -> list[str]:
    lines = [
        "Some items hold only in a deployment that is set so:\n",
        "| setting | what it is | items |",
        "|---|---|---|",
    ]
    for need in needs:
        named = ", ".join(item["id"] for item in items if need["name"] in item.get("needs", ()))
        lines.append(f"| [{need['name']}]({_link(need['page'])}) | {need['means']} | {named} |")
    return [*lines, ""]


def _row(item: Entry) -> str:
    said = [item["how"]]
    if "missing" in item:
        said.append(f"**Missing:** {item['missing']}")
    if needs := item.get("needs"):
        said.append(f"Needs: {', '.join(needs)}.")
    if shown := list(dict.fromkeys(_shown(one) for one in item.get("evidence", ()))):
        said.append(f"({', '.join(shown)})")
    return f"| {item['id']} {item['title']} | {_words(item['standing'])} | {' '.join(said)} |"


def _shown(evidence: str) -> str:
    """A link to the file, under the name of what is meant in it."""
    path, _, resource = evidence.partition("::")[0].partition("#")
    return f"[{resource or PurePosixPath(path).stem}]({_link(path)})"


def _link(path: str) -> str:
    """From docs/, where the page is."""
    return path.removeprefix("docs/") if path.startswith("docs/") else f"../{path}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def main() -> None:
    """Write it."""
    written = read()
    PAGE.write_text(page(written), encoding="utf-8")
    print(f"{len(written['items'])} items in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
