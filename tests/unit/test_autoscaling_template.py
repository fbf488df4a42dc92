"""What is kept ready, what follows its use, and that callers reach the functions behind an alias by it alone."""

import json
import re

import pytest
from cfnlint.decode import cfn_yaml

from paths import ROOT
from template_rules import refused

SCALING = cfn_yaml.load(str(ROOT / "infrastructure" / "autoscaling.yaml"))
PLATFORM = cfn_yaml.load(str(ROOT / "template.yaml"))
FUNCTIONS = {
    name: one["Properties"]
    for name, one in PLATFORM["Resources"].items()
    if one["Type"] == "AWS::Serverless::Function" and "AutoPublishAlias" in one["Properties"]
}
TABLES = {
    name: one["Properties"]
    for name, one in PLATFORM["Resources"].items()
    if one["Type"] == "AWS::DynamoDB::Table" and one.get("Condition") != "WithSandbox"
}
TARGETS = {
    name: one["Properties"]
    for name, one in SCALING["Resources"].items()
    if one["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget"
}
POLICIES = [
    one["Properties"]
    for one in SCALING["Resources"].values()
    if one["Type"] == "AWS::ApplicationAutoScaling::ScalingPolicy"
]
NESTED = PLATFORM["Resources"]["Autoscaling"]["Properties"]
PATH = {"Authorize", "DiscountRequests", "Verify", "Seal", "Pay", "Record", "Deliver"}


def _templates():
    return {"template.yaml"} | {f"infrastructure/{path.name}" for path in (ROOT / "infrastructure").glob("*.yaml")}


def _deployments():
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in (ROOT / "infrastructure" / "parameters").glob("*.json")
    }


def test_every_template_is_linted_with_parameters_of_production():
    assert {one["template-file-path"] for one in _deployments().values()} == _templates()
    used = [one["parameters"] for one in _deployments().values() if one["template-file-path"] == "template.yaml"]
    assert {one["EnableSandbox"] for one in used} == {"false"}
    assert [refused(PLATFORM, one) for one in used] == [set()] * len(used)
    for parameter in ("TableCapacity", "Chain", "Tracing", "GradualRelease"):
        default = PLATFORM["Parameters"][parameter]["Default"]
        assert {one.get(parameter, default) for one in used} == set(PLATFORM["Parameters"][parameter]["AllowedValues"])


def test_the_functions_between_a_request_and_its_money_are_kept_ready_under_their_alias():
    assert set(FUNCTIONS) == {f"{name}Function" for name in PATH}
    assert {one["AutoPublishAlias"] for one in FUNCTIONS.values()} == {"live"}
    kept = {one["ResourceId"]["Fn::Sub"] for one in TARGETS.values() if one["ServiceNamespace"] == "lambda"}
    assert kept == {f"function:${{{name}}}:live" for name in PATH}
    for name in PATH:
        assert NESTED["Parameters"][name] == {"Fn::Select": [6, {"Fn::Split": [":", {"Ref": f"{name}Function.Alias"}]}]}


def _at(action):
    """Hour and minute of an action that is taken every day."""
    minute, hour = re.fullmatch(r"cron\((\d+) (\d+) \* \* \? \*\)", action["Schedule"]).groups()
    return int(hour), int(minute)


@pytest.mark.parametrize("name", [name for name, one in TARGETS.items() if one["ServiceNamespace"] == "lambda"])
def test_processes_are_ready_before_the_service_hours_and_until_after_them_on_every_day(name):
    actions = {one["ScheduledActionName"]: one for one in TARGETS[name]["ScheduledActions"]}
    assert {one["Timezone"] for one in actions.values()} == {"Asia/Shanghai"}
    assert _at(actions["opening"]) < (9, 0)
    assert _at(actions["closing"]) > (17, 0)
    assert actions["opening"]["ScalableTargetAction"]["MinCapacity"] == {"Ref": "ReadyInServiceHours"}
    assert actions["closing"]["ScalableTargetAction"] == {"MinCapacity": 1, "MaxCapacity": 1}


def test_no_more_is_kept_ready_than_may_run_at_once():
    assert NESTED["Parameters"]["ReadyAtMost"] == {"Ref": "TaskConcurrency"}
    assert {json.dumps(one["MaxCapacity"]) for one in TARGETS.values() if one["ServiceNamespace"] == "lambda"} == {
        '{"Ref": "ReadyAtMost"}'
    }
    chosen = [one["parameters"] for one in _deployments().values() if one["template-file-path"] == "template.yaml"]
    assert [one for one in chosen if int(one["ProvisionedConcurrency"]) > int(one["TaskConcurrency"])] == []


def test_reads_and_writes_of_every_table_and_index_follow_their_use():
    wanted = {
        (resource, f"dynamodb:{kind}:{operation}CapacityUnits")
        for table, properties in TABLES.items()
        for kind, resource in [
            ("table", f"table/{table}"),
            *(
                ("index", f"table/{table}/index/{one['IndexName']}")
                for one in properties.get("GlobalSecondaryIndexes", [])
            ),
        ]
        for operation in ("Read", "Write")
    }
    names = {name: value["Ref"] for name, value in NESTED["Parameters"].items() if "Table" in str(value.get("Ref"))}
    followed = {
        (re.sub(r"\$\{(\w+)\}", lambda found: names[found[1]], one["ResourceId"]["Fn::Sub"]), one["ScalableDimension"])
        for one in TARGETS.values()
        if one["ServiceNamespace"] == "dynamodb"
    }
    assert followed == wanted
    assert len(wanted) > 10


def test_every_target_has_a_policy_of_its_own_kind():
    kinds = {
        "lambda:function:ProvisionedConcurrency": ("LambdaProvisionedConcurrencyUtilization", 0.7),
        "dynamodb:table:ReadCapacityUnits": ("DynamoDBReadCapacityUtilization", 70),
        "dynamodb:index:ReadCapacityUnits": ("DynamoDBReadCapacityUtilization", 70),
        "dynamodb:table:WriteCapacityUnits": ("DynamoDBWriteCapacityUtilization", 70),
        "dynamodb:index:WriteCapacityUnits": ("DynamoDBWriteCapacityUtilization", 70),
    }
    found = {
        policy["ScalingTargetId"]["Ref"]: (
            policy["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]["PredefinedMetricType"],
            policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"],
        )
        for policy in POLICIES
    }
    assert found == {name: kinds[target["ScalableDimension"]] for name, target in TARGETS.items()}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_and_its_indexes_are_paid_for_in_the_same_way(name):
    properties = TABLES[name]
    assert properties["BillingMode"] == {"Fn::If": ["WithProvisionedTables", "PROVISIONED", "PAY_PER_REQUEST"]}
    for one in [properties, *properties.get("GlobalSecondaryIndexes", [])]:
        condition, units, nothing = one["ProvisionedThroughput"]["Fn::If"]
        assert (condition, nothing) == ("WithProvisionedTables", {"Ref": "AWS::NoValue"})
        assert units == {"ReadCapacityUnits": {"Ref": "TableUnits"}, "WriteCapacityUnits": {"Ref": "TableUnits"}}


def test_nothing_calls_a_function_past_its_alias():
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    assert [name for name in FUNCTIONS if f"!GetAtt {name}.Arn" in text or f"${{{name}.Arn}}" in text] == []
    assert [name for name in FUNCTIONS if f"!Ref {name}.Alias" not in text] == []


def test_no_scaling_where_there_is_no_application_auto_scaling():
    assert PLATFORM["Resources"]["Autoscaling"]["Condition"] == "WithAutoscaling"
    assert {"Condition": "AtAws"} in PLATFORM["Conditions"]["WithAutoscaling"]["Fn::And"]


def test_the_page_says_of_every_template_whether_the_local_stack_runs_it():
    page = (ROOT / "docs" / "operations" / "scaling.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w/]+\.yaml)` \| \S", page, re.MULTILINE)) == _templates()
