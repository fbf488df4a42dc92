"""The calculator of quotas, the parameters that a deployment is told, and what publishes a function anew."""

import json
import re
import subprocess
import textwrap
from dataclasses import replace

import pytest

from expected_load import TARGET_S, Assumptions, Facts, Load
from parameters import overrides
from paths import EMULATOR_PYTHON, ROOT
from quotas import LOADS, PARAMETERS, QUOTAS, Deployment, Prices, ready_a_year
from scaling_page import PAGE, page

NATIONAL = LOADS["platform-4700000-a-year"]


def _waits_s(load, served):
    """The longest wait when the rush's minute is served at a rate, discount by discount."""
    arrivals = [at / load.rush for at in range(int(load.rush * 60))]
    free, waited = 0.0, 0.0
    for arrival in arrivals:
        begins = max(free, arrival)
        free = begins + 1 / served
        waited = max(waited, begins - arrival)
    return waited


def test_the_page_is_what_the_calculator_makes():
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run: make docs"


def test_a_page_without_a_place_for_the_tables_is_refused():
    with pytest.raises(ValueError, match="written by make docs"):
        page("# Scaling\n")


def test_what_is_served_keeps_the_three_minutes_and_a_twentieth_less_does_not():
    allowed = TARGET_S - NATIONAL.own_s
    assert NATIONAL.served < NATIONAL.rush
    assert _waits_s(NATIONAL, NATIONAL.served) == pytest.approx(allowed, rel=0.01)
    assert _waits_s(NATIONAL, NATIONAL.served * 0.95) > allowed


def test_the_busiest_hour_is_served_as_it_comes():
    even = replace(NATIONAL, assumed=replace(Assumptions(), rush_percent=0))
    assert even.served == even.peak == even.rush


def test_what_runs_at_once_is_rate_times_duration_over_the_wanted_share():
    load = Load(1, replace(Assumptions(), busy_percent=50), Facts())
    assert load.at_once(rate=10, milliseconds=200) == 4
    assert load.at_once(rate=0.001, milliseconds=1) == 1


def test_twice_the_business_needs_twice_of_every_rate():
    deployed = Deployment.of("platform-4700000-a-year")
    double = replace(NATIONAL, discounts=2 * NATIONAL.discounts)
    for quota in QUOTAS:
        if quota.service not in {"Lambda", "EventBridge Scheduler", "CloudWatch Logs"}:
            assert quota.needed(double, deployed) == pytest.approx(2 * quota.needed(NATIONAL, deployed)), quota.name


@pytest.mark.parametrize("name", LOADS)
def test_the_file_of_parameters_bears_the_business_that_it_is_for(name):
    load, deployed = LOADS[name], Deployment.of(name)
    chosen = json.loads((PARAMETERS / f"{name}.json").read_text(encoding="utf-8"))["parameters"]
    assert max(load.tasks(load.peak).values()) <= deployed.ready
    assert max(load.tasks(load.served).values()) <= deployed.tasks_at_once
    assert load.requests <= int(chosen.get("RequestsPerSecond", 500))
    assert [quota.name for quota in QUOTAS if quota.needed(load, deployed) > quota.default] == []


def test_all_that_the_template_reserves_is_counted():
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    by_parameter = text.count("ReservedConcurrentExecutions: !Ref TaskConcurrency")
    by_number = sum(map(int, re.findall(r"ReservedConcurrentExecutions: (\d+)", text)))
    deployed = Deployment.of("platform-20000-a-year")
    assert deployed.reserved == by_parameter * deployed.tasks_at_once + by_number
    assert by_parameter >= 8


def test_what_is_never_kept_ready_costs_nothing():
    assert ready_a_year(0, Prices()) == 0
    assert ready_a_year(2, Prices()) > ready_a_year(1, Prices()) > 0


def _file(folder, **parameters):
    path = folder / "deployment.json"
    path.write_text(json.dumps({"template-file-path": "template.yaml", "parameters": parameters}))
    return overrides(path)


def test_the_release_is_another_whenever_a_parameter_is(tmp_path):
    (first,) = [one for one in _file(tmp_path, Stage="v", Chain="fabric") if one.startswith("Release=")]
    assert first in _file(tmp_path, Chain="fabric", Stage="v")
    assert first not in _file(tmp_path, Stage="v", Chain="embedded")
    assert first not in _file(tmp_path, Stage="v")
    (pattern,) = re.findall(
        r"Release:\n    Type: String\n.*\n    AllowedPattern: \"(.+)\"", (ROOT / "template.yaml").read_text()
    )
    assert re.fullmatch(pattern, first.removeprefix("Release="))


def test_a_list_is_told_with_commas_and_a_space_is_refused(tmp_path):
    assert "Countries=CN,HK" in _file(tmp_path, Countries=["CN", "HK"])
    with pytest.raises(ValueError, match="LogOrigin"):
        _file(tmp_path, LogOrigin="a log")


TRANSFORM = textwrap.dedent("""
    import copy, json, sys
    from unittest import mock
    from samtranslator.translator.transform import transform
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse(open(sys.argv[1], encoding="utf-8").read())
    # Routes say nothing of versions, and take the most time.
    template["Resources"] = {
        name: one for name, one in template["Resources"].items()
        if one["Type"] == "AWS::Serverless::LayerVersion" or "AutoPublishAlias" in one.get("Properties", {})
    }
    for resource in template["Resources"].values():
        resource["Properties"].pop("Events", None)
        place = "CodeUri" if resource["Type"] == "AWS::Serverless::Function" else "ContentUri"
        resource["Properties"][place] = "s3://bucket/one"

    def versions(change, parameters):
        changed = copy.deepcopy(template)
        change(changed["Resources"])
        with mock.patch("boto3.session.Session.region_name", "eu-west-1"):
            made = transform(changed, parameters, mock.Mock(load=mock.Mock(return_value={})))["Resources"]
        return {name: one["Properties"] for name, one in made.items() if one["Type"] == "AWS::Lambda::Version"}

    def layer(resources):
        resources["CoreLayer"]["Properties"]["ContentUri"] = "s3://bucket/two"

    nothing = lambda resources: None
    print(json.dumps([
        versions(nothing, {}), versions(layer, {}), versions(nothing, {"PaymentWaitsFor": "chain"}),
    ]))
""")


def test_a_new_layer_publishes_every_function_behind_an_alias_and_a_parameter_only_by_the_release():
    command = [EMULATOR_PYTHON, "-c", TRANSFORM, str(ROOT / "template.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    before, new_layer, new_parameter = json.loads(done.stdout)
    assert len(before) == 7
    assert not set(before) & set(new_layer)
    # The same resource, and so no new version, but for what it says of the release.
    assert set(before) == set(new_parameter)
    assert {json.dumps(one["Description"]) for one in before.values()} == {'{"Ref": "Release"}'}


TYPES = textwrap.dedent("""
    import re, sys
    from ministack.services.cloudformation import provisioners

    for path in sys.argv[1:]:
        types = set(re.findall(r"^    Type: (AWS::\\w+::\\w+)$", open(path, encoding="utf-8").read(), re.MULTILINE))
        if {one for one in types if "::Serverless::" not in one} - set(provisioners._RESOURCE_HANDLERS):
            print(path)
""")


def test_the_templates_with_what_the_emulator_does_not_have_are_those_that_it_does_not_run():
    paths = sorted((ROOT / "infrastructure").glob("*.yaml"))
    done = subprocess.run(
        [EMULATOR_PYTHON, "-c", TYPES, *map(str, paths)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    lacking = {f"infrastructure/{line.rpartition('/')[2]}" for line in done.stdout.split()}
    not_run = set(re.findall(r"^\| `([\w/]+\.yaml)` \| does not", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    # There everything exists but the network that it speaks to.
    assert not_run - {"infrastructure/chain.yaml"} == lacking
