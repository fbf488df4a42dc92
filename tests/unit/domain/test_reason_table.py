"""The table of reasons. It is made when its module is loaded, so these tests load the module anew."""

from dataclasses import asdict

import pytest

from builders import loaded_anew
from rongtong.domain import reasons

STAGES = {stage.name for stage in reasons.Stage}


@pytest.fixture
def loaded():
    return loaded_anew(reasons)


@pytest.fixture
def table(loaded):
    return {code: asdict(reason) for code, reason in loaded.REASONS.items()}


def test_a_reason_that_a_submission_can_come_to_is_marked(table):
    assert table["BILL_NOT_FOUND"] == {
        "stage": "When the bill is verified: the discount is REFUSED",
        "meaning": "The registry knows no such bill.",
        "remedy": "Compare the number with the bill.",
        "submission": True,
    }


def test_a_reason_that_no_submission_can_come_to_is_not(table):
    assert table["NOT_JSON"] == {
        "stage": "Before anything is read",
        "meaning": "The body is not JSON.",
        "remedy": "Send one JSON object in UTF-8.",
        "submission": False,
    }


def test_every_stage_has_reasons(loaded):
    assert {reason.stage.name for reason in loaded.REASONS.values()} == STAGES
