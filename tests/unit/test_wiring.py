"""template.yaml, the Chalice apps and the state machines name the same things."""

import ast
import importlib.util
import inspect
import json
import re
import sys

import pytest
import yaml

import rongtong.domain.errors
import rongtong.domain.jobs
import rongtong.services.cosigning
import rongtong.services.errors
import rongtong.services.jobs
import rongtong.services.ports
import rongtong.services.storage
from paths import ROOT
from rongtong.domain.errors import RongTongError


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as one-entry mappings."""


def _short_form(loader, tag, node):
    return {f"!{tag}": loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None}


_Loader.add_multi_constructor("!", _short_form)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)["Resources"]
NOTARY = yaml.load((ROOT / "infrastructure" / "witness.yaml").read_text(encoding="utf-8"), _Loader)["Resources"]
CHAIN = yaml.load((ROOT / "infrastructure" / "chain.yaml").read_text(encoding="utf-8"), _Loader)["Resources"]
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in {**TEMPLATE, **NOTARY, **CHAIN}.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
MACHINES = {
    name: resource["Properties"]
    for name, resource in TEMPLATE.items()
    if resource["Type"] == "AWS::Serverless::StateMachine"
}
FOLDERS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
AWS_ERRORS = {"States.ALL", "States.Timeout", "Lambda.TooManyRequestsException", "TooManyRequestsException"}


@pytest.fixture(scope="module")
def apps():
    """Every Chalice app by its folder, imported without touching the cloud."""
    import os

    os.environ.setdefault("SANDBOX_TABLE", "sandbox")
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    found = {}
    for folder in FOLDERS:
        path = ROOT / "functions" / folder
        sys.path.insert(0, str(path))
        try:
            spec = importlib.util.spec_from_file_location(f"app_of_{folder}", path / "app.py")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        finally:
            sys.path.remove(str(path))
        found[folder] = module
    return found


def _called(arn):
    """The function that a machine calls, by its alias or by itself."""
    return arn["!Ref"].removesuffix(".Alias") if "!Ref" in arn else arn["!GetAtt"].removesuffix(".Arn")


def _folder(properties):
    return properties["CodeUri"].removeprefix("../").removeprefix("functions/")


def _machine(properties):
    return json.loads((ROOT / properties["DefinitionUri"]).read_text(encoding="utf-8"))


def test_routes_of_the_apps_are_the_events_of_the_template(apps):
    routed = {
        (folder, path, method.lower())
        for folder, module in apps.items()
        for path, methods in module.app.routes.items()
        for method in methods
    }
    events = {
        (_folder(properties), event["Properties"]["Path"], event["Properties"]["Method"])
        for properties in FUNCTIONS.values()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    }
    assert routed == events
    assert len(events) > 15


def test_every_handler_exists(apps):
    missing = [
        name
        for name, properties in FUNCTIONS.items()
        if not callable(getattr(apps[_folder(properties)], properties["Handler"].partition(".")[2], None))
    ]
    assert missing == []


def test_every_task_of_an_app_is_deployed(apps):
    tasks = {(folder, task.name) for folder, module in apps.items() for task in module.app.pure_lambda_functions}
    deployed = {(_folder(properties), properties["Handler"].partition(".")[2]) for properties in FUNCTIONS.values()}
    assert tasks <= deployed


@pytest.mark.parametrize("machine", MACHINES)
def test_every_placeholder_has_a_substitution_and_the_right_to_be_invoked(machine):
    properties = MACHINES[machine]
    text = (ROOT / properties["DefinitionUri"]).read_text(encoding="utf-8")
    placeholders = set(re.findall(r"\$\{(\w+)\}", text))
    assert placeholders == set(properties["DefinitionSubstitutions"])
    called = list(properties["DefinitionSubstitutions"].values())
    allowed = properties["Policies"][0]["Statement"][0]["Resource"]
    # A function behind an alias is called by it, and the right to call the function is none to call its alias.
    assert sorted(map(str, allowed)) == sorted(map(str, called))
    assert {_called(arn) for arn in called} <= set(FUNCTIONS)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_error_that_a_machine_names_is_an_error_class(machine):
    classes = {
        name
        for module in (
            rongtong.domain.errors,
            rongtong.domain.jobs,
            rongtong.services.errors,
            rongtong.services.jobs,
            rongtong.services.ports,
            rongtong.services.cosigning,
            rongtong.services.storage,
        )
        for name, member in vars(module).items()
        if inspect.isclass(member) and issubclass(member, RongTongError)
    }
    named = {
        error
        for state in _machine(MACHINES[machine])["States"].values()
        for rule in state.get("Retry", []) + state.get("Catch", [])
        for error in rule["ErrorEquals"]
    }
    assert named - AWS_ERRORS <= classes
    assert named


@pytest.mark.parametrize("machine", MACHINES)
def test_every_state_is_reached_and_every_task_has_a_timeout(machine):
    definition = _machine(MACHINES[machine])
    states = definition["States"]
    reached, more = set(), [definition["StartAt"]]
    while more:
        name = more.pop()
        if name in reached:
            continue
        reached.add(name)
        state = states[name]
        more += [state[key] for key in ("Next", "Default") if key in state]
        more += [rule["Next"] for rule in state.get("Choices", []) + state.get("Catch", [])]
    assert reached == set(states)
    assert [name for name, state in states.items() if state["Type"] == "Task" and "TimeoutSeconds" not in state] == []


JOBS = {f"{job.value}.asl.json" for job in rongtong.domain.jobs.Job}


@pytest.mark.parametrize(
    "machine", [name for name, one in MACHINES.items() if one["DefinitionUri"].rpartition("/")[2] not in JOBS]
)
def test_no_task_runs_more_often_at_once_than_the_outside_can_bear(machine):
    tasks = {_called(value) for value in MACHINES[machine]["DefinitionSubstitutions"].values()}
    assert tasks <= set(FUNCTIONS)
    assert {FUNCTIONS[name]["ReservedConcurrentExecutions"]["!Ref"] for name in tasks} == {"TaskConcurrency"}


def test_every_error_class_has_a_code_of_its_own():
    codes = {}
    for path in ROOT.glob("layers/core/rongtong/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                for statement in node.body:
                    if isinstance(statement, ast.Assign) and statement.targets[0].id == "code":
                        codes.setdefault(statement.value.value, []).append(node.name)
    assert {code: names for code, names in codes.items() if len(names) > 1} == {}
    assert len(codes) > 20


def test_only_the_sandbox_stands_under_its_condition():
    conditional = {name for name, resource in TEMPLATE.items() if resource.get("Condition") == "WithSandbox"}
    assert conditional == {"SandboxTable", "SandboxApi", "SandboxFunction"}


def test_no_function_may_do_everything_with_anything():
    wide = [
        (name, action)
        for name, properties in FUNCTIONS.items()
        for statement in _statements(properties)
        if "!If" not in statement
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
        if "*" in action or statement["Resource"] == "*"
    ]
    assert wide == []


def test_every_grant_on_business_records_names_the_partitions():
    open_grants = {
        (name.endswith("JobFunction"), statement["Action"])
        for name, properties in FUNCTIONS.items()
        for statement in _statements(properties)
        if statement.get("Resource") == {"!GetAtt": "BusinessTable.Arn"}
        and not statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
    }
    # Jobs look at everything; what they write of it names its partitions like any other's.
    assert open_grants == {(True, "dynamodb:Scan")}


def test_callers_and_the_configuration_are_written_by_one_function():
    written = {
        (name, key)
        for name, properties in FUNCTIONS.items()
        for statement in _statements(properties)
        if {"dynamodb:PutItem", "dynamodb:UpdateItem"} & set(_actions(statement))
        for key in statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
    }
    configuration = {"platform", "partner#*", "tenant#*", "listed#*", "institution#*", "change#*"}
    # The sweeper notes on a change that its events are in the evidence log; an institution's persons change theirs.
    assert {pair for pair in written if pair[1] in configuration and pair[0] != "ConfigurationFunction"} == {
        ("SweepRequestsFunction", "change#*"),
        ("InstitutionTermsFunction", "change#*"),
        ("InstitutionTermsFunction", "institution#*"),
    }
    assert {key for _, key in written} >= configuration | {"discount#*"}


def test_the_chain_is_reached_by_who_seals_and_who_sweeps_alone():
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    granted = {
        block.partition(":")[0]
        for block in re.split(r"^  (?=\w+:$)", text, flags=re.MULTILINE)
        if "lambda:InvokeFunction" in block and "!Ref ChainFunctionArn}" in block
    }
    assert granted == {"SealFunction", "SweepRequestsFunction"}


def test_the_chain_function_may_do_what_its_network_s_client_may_and_nothing_else():
    assert FUNCTIONS["ChainFunction"]["Policies"] == [{"!Ref": "ClientPolicyArn"}]


def _statements(properties):
    """Those written in the template; a managed policy is a reference."""
    return [statement for policy in properties["Policies"] for statement in policy.get("Statement", [])]


def _actions(statement):
    actions = statement.get("Action", [])
    return actions if isinstance(actions, list) else [actions]


def test_production_lets_the_operators_user_pool_refuse_doubtful_logins():
    pool = TEMPLATE["OperatorPool"]["Properties"]
    assert pool["UserPoolAddOns"] == {"AdvancedSecurityMode": {"!Ref": "OperatorThreatProtection"}}
    files = sorted((ROOT / "infrastructure" / "parameters").glob("platform-*.json"))
    chosen = [json.loads(one.read_text(encoding="utf-8"))["parameters"]["OperatorThreatProtection"] for one in files]
    assert chosen == ["ENFORCED"] * len(files)
    assert len(files) > 1
