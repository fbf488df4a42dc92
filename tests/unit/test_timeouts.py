"""Who calls gives up before its own caller does: a call inside its function, a function inside its state."""

import json

import yaml

from paths import ROOT
from rongtong.adapters.dynamodb import AWS_RETRIES
from rongtong.entrypoints.bootstrap import AWS_TIMEOUT_S, BANK_TIMEOUT_S, REGISTRY_TIMEOUT_S


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: None)
_TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)
FUNCTION_S = _TEMPLATE["Globals"]["Function"]["Timeout"]


def _states():
    for path in (ROOT / "statemachines").glob("*.asl.json"):
        for name, state in json.loads(path.read_text(encoding="utf-8"))["States"].items():
            if state["Type"] == "Task":
                yield name, state["TimeoutSeconds"]


def test_the_slowest_payment_ends_inside_its_function():
    lock, settle_or_endorse, release = (REGISTRY_TIMEOUT_S,) * 3
    asked, paid = (BANK_TIMEOUT_S,) * 2
    assert lock + asked + paid + settle_or_endorse + release < FUNCTION_S


def test_an_unanswered_call_to_aws_ends_inside_the_function_however_often_it_is_repeated():
    assert AWS_TIMEOUT_S * (1 + AWS_RETRIES) < FUNCTION_S


def test_every_function_ends_inside_its_state():
    assert {name for name, seconds in _states() if seconds <= FUNCTION_S} == set()
