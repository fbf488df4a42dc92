"""Every asynchronous path has its dead-letter queue, and operations can deliver what is in it."""

import re

import pytest
import yaml

from paths import ROOT


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as one-entry mappings."""


def _short_form(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        return {f"!{tag}": loader.construct_scalar(node)}
    return {f"!{tag}": loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)["Resources"]
QUEUES = {name for name, resource in TEMPLATE.items() if resource["Type"] == "AWS::SQS::Queue"}
SCHEDULED = {
    name: resource["Properties"]
    for name, resource in TEMPLATE.items()
    if resource["Type"] == "AWS::Serverless::Function"
    and any(event["Type"] == "ScheduleV2" for event in resource["Properties"].get("Events", {}).values())
}
OPERATIONS = TEMPLATE["OperationsFunction"]["Properties"]


def _statements(function):
    return [statement for policy in function["Policies"] for statement in policy["Statement"] if "!If" not in statement]


def _names(statement):
    resources = statement["Resource"]
    return {one["!GetAtt"].removesuffix(".Arn") for one in (resources if isinstance(resources, list) else [resources])}


MACHINE_ARN = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-"
JOBS = {
    resource["Properties"]["Target"]["DeadLetterConfig"]["Arn"]["!GetAtt"].removesuffix(".Arn"): (
        resource["Properties"]["Target"]["Arn"]["!Sub"].removeprefix(MACHINE_ARN)
    )
    for resource in TEMPLATE.values()
    if resource["Type"] == "AWS::Scheduler::Schedule"
}
"""The jobs by the queues of their schedules."""


def _paths():
    """The functions, and the jobs, of the paths that operations know, by queue."""
    (_, texts) = OPERATIONS["Environment"]["Variables"]["DEAD_LETTERS"]["!Join"]
    target = rf"(?:\$\{{(\w+)\.Arn\}}|{re.escape(MACHINE_ARN)}(\w+))"
    found = [re.fullmatch(rf"([a-z-]+)=\$\{{(\w+)\}},{target}", text["!Sub"]) for text in texts]
    functions = {match[2]: match[3] for match in found if match[3]}
    jobs = {match[2]: match[4] for match in found if match[4]}
    assert [match[1] for match in found if match[4]] == [job.replace("_", "-") for job in jobs.values()]
    return functions, jobs


@pytest.mark.parametrize("name", SCHEDULED)
def test_what_a_schedule_cannot_begin_and_what_its_function_gives_up_go_to_one_queue(name):
    given_up = SCHEDULED[name]["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]["!GetAtt"]
    events = [event["Properties"] for event in SCHEDULED[name]["Events"].values() if event["Type"] == "ScheduleV2"]
    assert [event["DeadLetterConfig"]["Arn"]["!GetAtt"] for event in events] == [given_up] * len(events)
    assert [event["RetryPolicy"]["MaximumRetryAttempts"] > 0 for event in events] == [True] * len(events)
    assert given_up.removesuffix(".Arn") in QUEUES


def test_every_path_has_a_queue_of_its_own_that_operations_know():
    paths, jobs = _paths()
    assert set(paths) | set(jobs) == QUEUES
    assert jobs == JOBS
    given_up = {
        name: function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"]["!GetAtt"]
        for name, function in SCHEDULED.items()
    }
    assert {queue: name for name, arn in given_up.items() for queue in [arn.removesuffix(".Arn")]} == paths


def test_operations_may_do_with_dead_letters_what_redelivery_needs_and_no_more():
    granted = {
        frozenset(_names(statement)): statement["Action"]
        for statement in _statements(OPERATIONS)
        if "sqs:" in str(statement["Action"]) or "lambda:" in str(statement["Action"])
    }
    paths, jobs = _paths()
    assert granted == {
        frozenset({**paths, **jobs}): [
            "sqs:ReceiveMessage",
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
        ],
        frozenset(paths.values()): "lambda:InvokeFunction",
    }


def test_operations_may_start_the_jobs_that_they_know():
    startable = {
        one["!Sub"]
        for statement in _statements(OPERATIONS)
        if "states:StartExecution" in statement["Action"]
        for one in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    }
    assert startable == {MACHINE_ARN + name for name in ("discount", *_paths()[1].values())}


@pytest.mark.parametrize("queue", QUEUES)
def test_a_dead_letter_is_kept_encrypted_for_14_days(queue):
    properties = TEMPLATE[queue]["Properties"]
    assert (properties["MessageRetentionPeriod"], properties["SqsManagedSseEnabled"]) == (14 * 24 * 3600, True)


def test_operations_may_read_whatever_the_sweeper_looks_after():
    def readable(function):
        return {
            key
            for statement in _statements(function)
            if "dynamodb:GetItem" in statement["Action"] and statement["Resource"] == {"!GetAtt": "BusinessTable.Arn"}
            for key in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
        }

    assert readable(TEMPLATE["SweepRequestsFunction"]["Properties"]) <= readable(OPERATIONS)
