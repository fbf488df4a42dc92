"""The compliance map is whole, and what it names is there."""

import ast
from collections import Counter
from functools import cache

import pytest
import yaml

from compliance_page import PAGE, STANDINGS, VERDICTS, counts, page, read
from paths import ROOT
from template_reading import TemplateLoader

ASSESSED = {"IP": 37, "TS": 21, "NS": 21, "BC": 25, "BL": 8, "CC": 10, "IC": 8}
"""How many items of each area were assessed in 2020; their ids are numbered from 01 on."""
KINDS = {"code": 64, "operations": 28, "infrastructure": 23, "document": 15}
JUDGED = {"conforms": 98, "partial": 6, "fails": 3, "not_applicable": 23}
WRITTEN = read()
ITEM = {item["id"]: item for item in WRITTEN["items"]}
PARTS = {"id", "title", "kind", "model", "standing", "how", "missing", "needs", "evidence"}


def absent(evidence):
    """What of a piece of evidence is not in the repository; nothing where all is."""
    name, _, test = evidence.partition("::")
    path, _, resource = name.partition("#")
    if not (ROOT / path).is_file():
        return path
    if test:
        return "" if test in _tests(path) else test
    if resource:
        return "" if resource in _resources(path) else resource
    return ""


@cache
def _tests(path):
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {one.name for one in module.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")}


@cache
def _resources(path):
    return set(yaml.load((ROOT / path).read_text(encoding="utf-8"), TemplateLoader)["Resources"])


def _evidence(item, sign):
    return [one for one in item.get("evidence", ()) if sign in one]


def test_every_item_that_was_assessed_is_there_once_in_order():
    expected = [f"{area}-{number:02d}" for area, most in ASSESSED.items() for number in range(1, most + 1)]
    assert [item["id"] for item in WRITTEN["items"]] == expected


def test_kinds_and_the_models_verdicts_are_those_of_the_assessment():
    assert counts(WRITTEN["items"], "kind") == KINDS
    assert counts(WRITTEN["items"], "model") == JUDGED


@pytest.mark.parametrize("item", WRITTEN["items"], ids=ITEM)
def test_an_item_says_where_we_stand_and_how(item):
    assert set(item) <= PARTS
    assert set(item) >= {"id", "title", "kind", "model", "standing", "how"}
    assert item["standing"] in STANDINGS
    assert item["model"] in VERDICTS
    assert set(item.get("needs", ())) <= {need["name"] for need in WRITTEN["needs"]}


@pytest.mark.parametrize("item", WRITTEN["items"], ids=ITEM)
def test_whatever_is_named_is_there(item):
    assert [one for one in item.get("evidence", ()) if absent(one)] == []


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ("docs/no-such-page.md", "docs/no-such-page.md"),
        ("docs", "docs"),
        ("tests/unit/test_compliance.py::test_that_is_not_there", "test_that_is_not_there"),
        ("tests/unit/test_compliance.py::absent", "absent"),
        ("template.yaml#NoSuchResource", "NoSuchResource"),
        ("tests/unit/test_compliance.py::test_whatever_is_named_is_there", ""),
        ("infrastructure/edge.yaml#WebAcl", ""),
    ],
)
def test_what_is_not_there_is_noticed(evidence, said):
    assert absent(evidence) == said


@pytest.mark.parametrize("item", WRITTEN["items"], ids=ITEM)
def test_what_is_met_is_shown_by_a_test_or_a_template(item):
    if item["standing"] == "met":
        tests, resources = _evidence(item, "::"), _evidence(item, "#")
        assert tests or (resources and item["kind"] != "code")


@pytest.mark.parametrize("item", WRITTEN["items"], ids=ITEM)
def test_what_is_not_wholly_met_and_nothing_else_says_what_is_missing(item):
    assert ("missing" in item) == (item["standing"] in ("partly", "not_met"))


@pytest.mark.parametrize(
    "item", [item for item in WRITTEN["items"] if item["standing"] == "provider"], ids=lambda i: i["id"]
)
def test_a_duty_of_the_provider_says_what_to_ask_of_it(item):
    assert "Ask AWS" in item["how"]


def test_the_findings_cover_every_item_of_the_model_that_did_not_conform():
    assert [one["id"] for one in WRITTEN["findings"]] == [f"XYSJ-{number:03d}" for number in range(1, 9)]
    found = [one for finding in WRITTEN["findings"] for one in finding["items"]]
    assert sorted(found) == sorted(item["id"] for item in WRITTEN["items"] if item["model"] in ("partial", "fails"))


def test_every_setting_that_is_explained_is_needed_and_has_its_page():
    needed = {need for item in WRITTEN["items"] for need in item.get("needs", ())}
    assert {need["name"] for need in WRITTEN["needs"]} == needed
    assert [need["page"] for need in WRITTEN["needs"] if absent(need["page"])] == []


def test_the_page_is_what_make_docs_writes():
    assert PAGE.read_text(encoding="utf-8") == page(WRITTEN)


def test_the_summary_counts_the_items():
    (line,) = [line for line in page(WRITTEN).splitlines() if line.startswith("| all ")]
    stand = Counter(item["standing"] for item in WRITTEN["items"])
    expected = [130, *[stand[name] for name in STANDINGS], 98, 6, 3, 23]
    assert [int(cell) for cell in line.split("|")[2:-1]] == expected
    less = {**WRITTEN, "items": WRITTEN["items"][1:]}
    assert "| all | 129 |" in page(less)
