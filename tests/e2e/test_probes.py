"""Every function's role against every right that there is here: what its policy lists is let in, all else is denied.

What is expected is read from the policies as they were deployed and decided by ``probes.allows``, not by the emulator.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config

import probes
from emulator import REGION
from paths import ROOT
from probes import Probe, Statement, allows, many
from stack import STACK


class _Loader(yaml.SafeLoader):
    """Reads the template for its resources' names and kinds."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: None)
RESOURCES = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)["Resources"]
NEVER = {"dynamodb:DeleteItem", "dynamodb:DeleteTable", "s3:DeleteObjectVersion", "kms:ScheduleKeyDeletion"}
"""Records, versions and keys are deleted by no function; the tables that a backup or a drill makes for itself are."""
STREAMS = {f"dynamodb:{name}" for name in ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")}
UNTRIED = {"states:RedriveExecution"} | STREAMS
"""Nothing here answers it, or the emulator checks it against no resource; but policies name it."""
LOG_WRITERS = {"SealFunction", "RecordFunction", "SweepRequestsFunction"}
SIGNERS = LOG_WRITERS | {"AuditJobFunction", "BackupJobFunction"}
"""A year's pack and a backup's manifest are signed with the log's key, too."""


def _names(kind: str) -> list[str]:
    """Resources of a kind that are deployed here: those of AWS alone are not, nor a second key to seal under."""
    return sorted(
        name
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind and resource.get("Condition") not in ("AtAws", "SealingKeyB")
    )


FUNCTIONS = _names("AWS::Serverless::Function")
_VAULT = f"{STACK}-backup"


class World:
    """The deployed stack: its resources by their logical names, its roles, and all that may be tried."""

    def __init__(self, stack: Any) -> None:
        self._client: Callable[[str], Any] = stack.client
        self._url = stack.emulator.url
        pages = stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK)
        self.physical: Mapping[str, str] = {
            entry["LogicalResourceId"]: entry["PhysicalResourceId"]
            for page in pages
            for entry in page["StackResourceSummaries"]
        }
        self._connections = f"/_aws/execute-api/{self.physical['FeedApi']}/{self.physical['FeedStage']}"
        self.roles = {name: self._role(name) for name in FUNCTIONS}
        self.statements = {name: self._statements(name) for name in FUNCTIONS}
        self.probes = list(self._probes(str(stack.client("sts").get_caller_identity()["Account"])))

    def acting_as(self, function: str) -> probes.At:
        """Clients under the function's role, one for each service."""
        assumed = self._client("sts").assume_role(RoleArn=self.roles[function], RoleSessionName="probe")["Credentials"]
        session = boto3.Session(
            assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"], region_name=REGION
        )
        # The probes are wrong on purpose, and no answer is worth asking for again.
        config = Config(retries={"max_attempts": 0}, parameter_validation=False)
        clients: dict[str, Any] = {}

        def at(service: str) -> Any:
            if service not in clients:
                where = self._url + (self._connections if service == "apigatewaymanagementapi" else "")
                clients[service] = session.client(service, endpoint_url=where, config=config)
            return clients[service]

        return at

    def _role(self, function: str) -> str:
        return str(self._client("lambda").get_function_configuration(FunctionName=self.physical[function])["Role"])

    def _statements(self, function: str) -> list[Statement]:
        """What the template gives the function's role, as it was deployed."""
        iam, role = self._client("iam"), self.roles[function].rpartition("/")[2]
        found: list[Statement] = []
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            found += (json.loads(document) if isinstance(document, str) else document)["Statement"]
        return found

    def _an_execution(self, machine: str) -> str:
        """The name of an execution that the machine had; where it had none, of one that is stopped at once."""
        states = self._client("stepfunctions")
        found = states.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
        if found:
            return str(found[0]["name"])
        states.stop_execution(
            executionArn=states.start_execution(stateMachineArn=machine, name="probe")["executionArn"]
        )
        return "probe"

    def _probes(self, account: str) -> Iterator[Probe]:
        given = [statement for statements in self.statements.values() for statement in statements]
        for name in _names("AWS::DynamoDB::Table"):
            schema = [part["AttributeName"] for part in RESOURCES[name]["Properties"]["KeySchema"]]
            table = self.physical[name]
            yield from probes.of_table(table, account, schema, probes.keys_of(given, table))
            yield from probes.of_description(table, account)
        for name in ("BusinessTable", "EvidenceTable"):
            yield from probes.of_scratch_table(self.physical[name], account)
        yield from probes.of_indexes(self.physical["BusinessTable"], account)
        for name in _names("AWS::S3::Bucket"):
            yield from probes.of_bucket(self.physical[name], probes.paths_of(given, self.physical[name]))
        yield from probes.of_bucket(_VAULT, probes.paths_of(given, _VAULT))
        yield from probes.of_vault(_VAULT, probes.paths_of(given, _VAULT))
        for name in _names("AWS::KMS::Key"):
            yield from probes.of_key(self.physical[name], account)
        for name in _names("AWS::Serverless::StateMachine"):
            yield from probes.of_machine(self.physical[name], self._an_execution(self.physical[name]))
        for name in _names("AWS::SQS::Queue"):
            yield from probes.of_queue(self.physical[name], account)
        for name in FUNCTIONS:
            yield from probes.of_function(self.physical[name], account)
        for name in _names("AWS::Cognito::UserPool"):
            yield from probes.of_user_pool(self.physical[name], account)
        yield from probes.of_connections(self.physical["FeedApi"], self.physical["FeedStage"], account)


@pytest.fixture(scope="module")
def world(deployed) -> World:
    return World(deployed.stack)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_role_is_let_in_where_its_policy_says_and_nowhere_else(world, function):
    at, wrong = world.acting_as(function), {}
    for probe in world.probes:
        expected = any(allows(statement, probe) for statement in world.statements[function])
        if probe.is_let_in(at) is not expected:
            wrong[str(probe)] = "denied" if expected else "let in"
    assert wrong == {}


def test_every_action_that_a_policy_names_is_tried(world):
    named = {
        action
        for statements in world.statements.values()
        for statement in statements
        for action in many(statement["Action"])
    }
    tried = {probe.action for probe in world.probes}
    accounts = {action for action in named if action.startswith("cognito-idp:Admin")}
    assert named - tried - UNTRIED - accounts == set()


def test_no_policy_names_actions_by_a_pattern_or_gives_what_nobody_needs(world):
    for function, statements in world.statements.items():
        actions = {action for statement in statements for action in many(statement["Action"])}
        assert not {action for action in actions if "*" in action}, function
        lasting = [one for one in statements if not all("-scratch-" in arn for arn in many(one["Resource"]))]
        assert not {action for statement in lasting for action in many(statement["Action"])} & NEVER, function
        assert "kms:Sign" not in actions or function in SIGNERS, function


def test_what_pages_sealed_is_opened_by_one_function(world):
    (opening,) = [
        probe
        for probe in world.probes
        if probe.action == "kms:Decrypt" and probe.arn.endswith(f"/{world.physical['SealingKeyA']}")
    ]
    let_in = {
        function
        for function, statements in world.statements.items()
        if any(allows(statement, opening) for statement in statements)
    }
    assert let_in == {"ConfirmationFunction"}


def test_files_of_the_log_are_created_by_its_writers_and_replaced_by_nobody(world):
    bucket = world.physical["LogBucket"]
    puts = [probe for probe in world.probes if probe.action == "s3:PutObject" and f":{bucket}/" in probe.arn]
    for function, statements in world.statements.items():
        let_in = [probe for probe in puts if any(allows(statement, probe) for statement in statements)]
        assert all("s3:if-none-match" in probe.keys for probe in let_in), function
        assert bool(let_in) is (function in LOG_WRITERS), function
