"""Each function's own role, used outside its code: it reaches what its job needs and nothing beyond."""

import boto3
import pytest
from botocore.exceptions import ClientError

from emulator import REGION


@pytest.fixture(scope="module")
def resources(deployed):
    """Physical names of the stack's resources by their logical ids."""
    cloud = deployed.stack.client("cloudformation")
    pages = cloud.get_paginator("list_stack_resources").paginate(StackName="rongtong")
    return {
        entry["LogicalResourceId"]: entry["PhysicalResourceId"]
        for page in pages
        for entry in page["StackResourceSummaries"]
    }


def _as(deployed, resources, function, service):
    role = deployed.stack.client("lambda").get_function_configuration(FunctionName=resources[function])["Role"]
    assumed = deployed.stack.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return boto3.client(
        service,
        endpoint_url=deployed.stack.emulator.url,
        region_name=REGION,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def _read(client, resources, table):
    return client.get_item(TableName=resources[table], Key={"pk": {"S": "log"}, "sk": {"S": "head"}})


def _read_partner(client, resources, table):
    return client.get_item(TableName=resources[table], Key={"pk": {"S": "partner#x"}, "sk": {"S": "state"}})


def _read_discount(client, resources, table):
    return client.get_item(TableName=resources[table], Key={"pk": {"S": "discount#x"}, "sk": {"S": "state"}})


def _write(client, resources, table):
    return client.put_item(TableName=resources[table], Item={"pk": {"S": "discount#x"}, "sk": {"S": "state"}})


def _remove(client, resources, table):
    return client.delete_item(TableName=resources[table], Key={"pk": {"S": "discount#x"}, "sk": {"S": "state"}})


def _use(client, resources, table):
    return client.put_item(TableName=resources[table], Item={"used": {"S": "nonce#test#1"}})


def _used(client, resources, table):
    return client.get_item(TableName=resources[table], Key={"used": {"S": "nonce#test#1"}})


def _forget(client, resources, table):
    return client.delete_item(TableName=resources[table], Key={"used": {"S": "nonce#test#1"}})


def _scan(client, resources, table):
    return client.scan(TableName=resources[table])


def _due(client, resources, table):
    values = {":yes": {"S": "yes"}}
    condition = {"KeyConditionExpression": "due = :yes", "ExpressionAttributeValues": values}
    return client.query(TableName=resources[table], IndexName="due", **condition)


def _listed(client, resources, table):
    values = {":owner": {"S": "changes"}}
    condition = {"KeyConditionExpression": "#o = :owner", "ExpressionAttributeNames": {"#o": "owner"}}
    return client.query(TableName=resources[table], IndexName="listed", ExpressionAttributeValues=values, **condition)


def _sign(client, resources, key):
    return client.sign(KeyId=resources[key], Message=b"x", MessageType="RAW", SigningAlgorithm="ED25519_SHA_512")


def _start(client, resources, machine):
    return client.start_execution(stateMachineArn=resources[machine], input="{}")


@pytest.mark.parametrize(
    ("function", "service", "action", "target"),
    [
        ("AuthorizeFunction", "dynamodb", _read_partner, "BusinessTable"),
        ("AuthorizeFunction", "dynamodb", _use, "NonceTable"),
        ("PayFunction", "dynamodb", _read_discount, "BusinessTable"),
        ("AuditFunction", "dynamodb", _read, "EvidenceTable"),
        ("SealFunction", "kms", _sign, "LogKey"),
        ("SupervisionFunction", "dynamodb", _read_discount, "BusinessTable"),
        ("SweepRequestsFunction", "dynamodb", _due, "BusinessTable"),
        ("VerifyFunction", "dynamodb", _listed, "BusinessTable"),
        ("ConfigurationFunction", "dynamodb", _listed, "BusinessTable"),
    ],
)
def test_a_role_may_do_its_own_job(deployed, resources, function, service, action, target):
    answer = action(_as(deployed, resources, function, service), resources, target)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("function", "service", "action", "target"),
    [
        ("AuthorizeFunction", "dynamodb", _read_discount, "BusinessTable"),
        ("AuthorizeFunction", "dynamodb", _write, "BusinessTable"),
        ("AuthorizeFunction", "dynamodb", _scan, "BusinessTable"),
        ("AuthorizeFunction", "dynamodb", _used, "NonceTable"),
        ("AuthorizeFunction", "dynamodb", _forget, "NonceTable"),
        ("DiscountRequestsFunction", "dynamodb", _use, "NonceTable"),
        ("PayFunction", "dynamodb", _read, "EvidenceTable"),
        ("PayFunction", "kms", _sign, "LogKey"),
        ("VerifyFunction", "dynamodb", _write, "EvidenceTable"),
        ("AuditFunction", "dynamodb", _scan, "BusinessTable"),
        ("AuditFunction", "kms", _sign, "LogKey"),
        ("SupervisionFunction", "dynamodb", _write, "BusinessTable"),
        ("SupervisionFunction", "kms", _sign, "LogKey"),
        ("PushHintsFunction", "dynamodb", _read_discount, "BusinessTable"),
        ("FeedFunction", "dynamodb", _read_partner, "BusinessTable"),
        ("RecordFunction", "dynamodb", _remove, "EvidenceTable"),
        ("UnwindFunction", "dynamodb", _remove, "BusinessTable"),
        ("RegistrationFunction", "stepfunctions", _start, "DiscountStateMachine"),
        ("DeliverFunction", "stepfunctions", _start, "DiscountStateMachine"),
        ("SandboxFunction", "dynamodb", _read, "BusinessTable"),
        ("SweepRequestsFunction", "dynamodb", _remove, "BusinessTable"),
        ("SweepRequestsFunction", "dynamodb", _scan, "BusinessTable"),
        ("DiscountRequestsFunction", "dynamodb", _listed, "BusinessTable"),
        ("ConfigurationFunction", "dynamodb", _read, "EvidenceTable"),
        ("ConfigurationFunction", "stepfunctions", _start, "DiscountStateMachine"),
    ],
)
def test_a_role_may_do_nothing_beyond(deployed, resources, function, service, action, target):
    with pytest.raises(ClientError) as denied:
        action(_as(deployed, resources, function, service), resources, target)
    assert denied.value.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied")
