"""Every code that the software can tell is in the table of reasons, and the page of reasons is the table."""

import ast
import re

import pytest

from in_memory import sample_bills
from paths import ROOT
from reason_codes import PAGE, page
from rongtong.domain.reasons import REASONS, Stage

CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
SOURCES = [*ROOT.glob("layers/core/rongtong/**/*.py"), *ROOT.glob("functions/*/app.py")]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES if path.name != "reasons.py"}
ABSTRACT = {"INVALID_INPUT", "IDENTITY", "PRICE", "BILL_NUMBER", "PACKAGE"}
"""Codes of base classes that are never raised without a code of their own."""
CHECKS = ("eligibility", "endorsement_chain", "tenor", "trade", "bill_state")


def _codes():
    """Codes of error classes and of the places that raise them with another one."""
    found = {}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                values = [s.value for s in node.body if isinstance(s, ast.Assign) and s.targets[0].id == "code"]
            elif isinstance(node, ast.Call):
                values = [keyword.value for keyword in node.keywords if keyword.arg == "code"]
                if isinstance(node.func, ast.Name) and (node.func.id == "_refused" or node.func.id.endswith("Error")):
                    values += node.args[:1]
            else:
                continue
            for value in values:
                if isinstance(value, ast.Constant) and CODE.fullmatch(str(value.value)):
                    short = path.name == "bill_number.py" and not value.value.startswith("BILL_")
                    found[f"BILL_NUMBER_{value.value}" if short else value.value] = path.name
    return found


def _reasons_of_checks():
    """What the checks answer as data: every code in their modules outside of classes."""
    found = set()
    for path, tree in TREES.items():
        if path.parent.name == "domain" and path.stem in CHECKS:
            classes = {
                id(inner) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for inner in ast.walk(node)
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and id(node) not in classes:
                    found.add(str(node.value))
    return {text for text in found if CODE.fullmatch(text) and "_" in text}


def test_every_reason_that_a_check_answers_is_listed():
    found = _reasons_of_checks()
    assert {code for code in found if code not in REASONS} == set()
    assert len(found) > 45


def test_every_code_that_an_error_carries_has_its_reason():
    missing = {code: name for code, name in _codes().items() if code not in REASONS and code not in ABSTRACT}
    assert missing == {}


def test_no_reason_is_listed_that_nothing_can_tell():
    text = "".join(path.read_text(encoding="utf-8") for path in [*TREES, *ROOT.glob("functions/sandbox/*.py")])
    text += (ROOT / "template.yaml").read_text(encoding="utf-8")
    text += (ROOT / "statemachines" / "discount.asl.json").read_text(encoding="utf-8")
    spoken = set(CODE.findall(text))
    made = {code for code in REASONS if code.startswith("BILL_NUMBER_")}  # put together from their last word
    assert {code for code in REASONS if code not in spoken} <= made
    assert {code.removeprefix("BILL_NUMBER_") for code in made} <= spoken


def test_the_page_is_what_make_docs_writes():
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("code", [code for code, reason in REASONS.items() if reason.submission])
def test_every_reason_that_a_submission_can_meet_occurs_in_the_sample_file(code):
    assert code in {bill.reason for bill in sample_bills()}


def test_the_sample_file_names_no_other_reason():
    named = {bill.reason for bill in sample_bills() if bill.reason}
    assert {code for code in named if not REASONS[code].submission} == set()


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_says_what_it_is_and_what_to_do(code):
    reason = REASONS[code]
    assert reason.meaning.endswith(".")
    assert reason.remedy.endswith((".", "}"))
    assert "|" not in reason.meaning + reason.remedy


@pytest.mark.parametrize("code", [code for code, reason in REASONS.items() if reason.stage is not Stage.OPERATIONS])
def test_no_text_for_applicants_speaks_of_laundering_or_lists(code):
    spoken = (REASONS[code].meaning + REASONS[code].remedy).lower()
    assert not re.search(r"launder|suspicious|black ?list|grey ?list|fraud|sanction|risk rule|aml\b", spoken)
