"""Rights tried one by one, and IAM's rule for whether a policy gives them.

No probe leaves anything behind: writes carry a condition that cannot hold, names, tokens and ciphertexts are none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from botocore.exceptions import ClientError

from emulator import REGION

At = Callable[[str], Any]
"""A client for a service by its name, under the role that is tried."""
Statement = Mapping[str, Any]
DENIED = frozenset({"AccessDenied", "AccessDeniedException"})
LEADING = "dynamodb:LeadingKeys"
INDEXES = {"due": "due", "listed": "owner"}
"""The business table's, with the attribute that each begins with."""


@dataclass(frozen=True)
class Probe:
    """One request: what a policy calls it, on what, with which condition keys, and how it is sent."""

    action: str
    arn: str
    keys: Mapping[str, str]
    send: Callable[[At], Any]

    def __str__(self) -> str:
        about = ",".join(f"{name.partition(':')[2]}={value}" for name, value in self.keys.items())
        return f"{self.action} {self.arn.rpartition(':')[2]} {about}".rstrip()

    def is_let_in(self, at: At) -> bool:
        """Whether authorization lets it through, whatever becomes of it behind."""
        try:
            self.send(at)
        except ClientError as error:
            return error.response["Error"]["Code"] not in DENIED
        return True


def allows(statement: Statement, probe: Probe) -> bool:
    """IAM's rule for an Allow statement, as far as the template's policies go; what they do not use is an error."""
    assert statement["Effect"] == "Allow"
    if not any(fnmatchcase(probe.action, action) for action in many(statement["Action"])):
        return False
    if not any(fnmatchcase(probe.arn, arn) for arn in many(statement["Resource"])):
        return False
    return all(
        _holds(operator, probe.keys.get(key), many(expected))
        for operator, conditions in statement.get("Condition", {}).items()
        for key, expected in conditions.items()
    )


def many(value: Any) -> list[str]:
    """One or several of them as a list, as IAM takes either."""
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def keys_of(statements: Iterable[Statement], table: str) -> list[str]:
    """A partition key for every pattern that a policy names for the table, and one that none does."""
    found = {"nobody's"}
    for statement in statements:
        if any(arn.endswith(f":table/{table}") for arn in many(statement["Resource"])):
            condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
            found |= {pattern.replace("*", "probe") for pattern in many(condition.get(LEADING, []))}
    return sorted(found)


def paths_of(statements: Iterable[Statement], bucket: str) -> list[str]:
    """A path for every pattern of the bucket that a policy names, and one that none does."""
    start = f"arn:aws:s3:::{bucket}/"
    named = {arn for statement in statements for arn in many(statement["Resource"]) if arn.startswith(start)}
    return sorted({"nobody's"} | {arn.removeprefix(start).replace("*", "probe") for arn in named})


def of_table(table: str, account: str, schema: list[str], keys: Iterable[str]) -> Iterator[Probe]:
    """A table under each of the partition keys; ``schema`` is its key's attributes."""
    arn = f"arn:aws:dynamodb:{REGION}:{account}:table/{table}"
    yield Probe("dynamodb:Scan", arn, {}, lambda at: at("dynamodb").scan(TableName=table, Limit=1))
    first = schema[0]
    # It is not there, so that no write can happen.
    there = {"TableName": table, "ConditionExpression": f"attribute_exists({first})"}
    for key in keys:
        item = {name: {"S": key if name == first else "probe"} for name in schema}
        value = {":key": {"S": key}}
        query = {"KeyConditionExpression": f"{first} = :key", "ExpressionAttributeValues": value}
        update = {"UpdateExpression": "SET probe = :key", "ExpressionAttributeValues": value}
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GetItem", "get_item", {"TableName": table, "Key": item}),
            ("BatchGetItem", "batch_get_item", {"RequestItems": {table: {"Keys": [item]}}}),
            ("Query", "query", {"TableName": table, **query}),
            ("PutItem", "put_item", {"Item": item, **there}),
            ("UpdateItem", "update_item", {"Key": item, **update, **there}),
            ("DeleteItem", "delete_item", {"Key": item, **there}),
        ]
        for action, method, said in asked:
            yield Probe(f"dynamodb:{action}", arn, {LEADING: key}, _sending("dynamodb", method, said))


def of_description(table: str, account: str) -> Iterator[Probe]:
    """What a table looks like, and how far back it can be restored."""
    arn = f"arn:aws:dynamodb:{REGION}:{account}:table/{table}"
    for action, method in (
        ("DescribeTable", "describe_table"),
        ("DescribeContinuousBackups", "describe_continuous_backups"),
    ):
        yield Probe(f"dynamodb:{action}", arn, {}, _sending("dynamodb", method, {"TableName": table}))


def of_scratch_table(table: str, account: str) -> Iterator[Probe]:
    """What a backup and a drill do with copies of a table, on one that is not there; and the same on the table itself.

    The emulator does not know to which table a restore belongs.
    """
    scratch = f"{table}-scratch-probe"
    arn = f"arn:aws:dynamodb:{REGION}:{account}:table/{scratch}"
    yield from of_description(scratch, account)
    asked: list[tuple[str, str, dict[str, Any]]] = [
        # Nothing is there to be deleted, and without a key nothing is made.
        ("DeleteTable", "delete_table", {"TableName": scratch}),
        ("CreateTable", "create_table", {"TableName": scratch}),
        ("BatchWriteItem", "batch_write_item", {"RequestItems": {scratch: [{"PutRequest": {"Item": {}}}]}}),
    ]
    for action, method, said in asked:
        yield Probe(f"dynamodb:{action}", arn, {}, _sending("dynamodb", method, said))
    restore = {"SourceTableName": scratch, "TargetTableName": scratch}
    arn = f"arn:aws:dynamodb:{REGION}:{account}:table/{table}"
    yield Probe(
        "dynamodb:RestoreTableToPointInTime", arn, {}, _sending("dynamodb", "restore_table_to_point_in_time", restore)
    )


def of_vault(bucket: str, paths: Iterable[str]) -> Iterator[Probe]:
    """A vault beside its files: earlier versions, and how long each is locked."""
    arn = f"arn:aws:s3:::{bucket}"
    whole: list[tuple[str, str]] = [
        ("ListBucketVersions", "list_object_versions"),
        ("GetBucketObjectLockConfiguration", "get_object_lock_configuration"),
    ]
    for action, method in whole:
        yield Probe(f"s3:{action}", arn, {}, _sending("s3", method, {"Bucket": bucket}))
    for path in paths:
        said = {"Bucket": bucket, "Key": path}
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GetObjectVersion", "get_object", {"VersionId": "none"}),
            ("GetObjectRetention", "get_object_retention", {}),
            ("PutObjectRetention", "put_object_retention", {"Retention": {}, "VersionId": "none"}),
        ]
        for action, method, more in asked:
            yield Probe(f"s3:{action}", f"{arn}/{path}", {}, _sending("s3", method, {**said, **more}))


def of_indexes(table: str, account: str) -> Iterator[Probe]:
    """The business table's indexes."""
    for index, attribute in INDEXES.items():
        said = {
            "TableName": table,
            "IndexName": index,
            "KeyConditionExpression": "#key = :key",
            "ExpressionAttributeNames": {"#key": attribute},
            "ExpressionAttributeValues": {":key": {"S": "probe"}},
        }
        arn = f"arn:aws:dynamodb:{REGION}:{account}:table/{table}/index/{index}"
        yield Probe("dynamodb:Query", arn, {LEADING: "probe"}, _sending("dynamodb", "query", said))


def of_bucket(bucket: str, paths: Iterable[str]) -> Iterator[Probe]:
    """A bucket's files: read, replaced, created, removed, listed."""
    for path in paths:
        arn, said = f"arn:aws:s3:::{bucket}/{path}", {"Bucket": bucket, "Key": path}
        # Nothing is there that could match, so that neither put can happen.
        replaced, created = {"s3:if-match": '"0"'}, {"s3:if-match": '"0"', "s3:if-none-match": "*"}
        yield Probe("s3:GetObject", arn, {}, _sending("s3", "get_object", said))
        yield Probe("s3:PutObject", arn, replaced, _sending("s3", "put_object", {**said, "IfMatch": '"0"'}))
        said_new = {**said, "IfMatch": '"0"', "IfNoneMatch": "*"}
        yield Probe("s3:PutObject", arn, created, _sending("s3", "put_object", said_new))
        yield Probe("s3:DeleteObject", arn, {}, _sending("s3", "delete_object", said))
        listed = {"Bucket": bucket, "Prefix": path}
        arn = f"arn:aws:s3:::{bucket}"
        yield Probe("s3:ListBucket", arn, {"s3:prefix": path}, _sending("s3", "list_objects_v2", listed))


def of_key(key: str, account: str) -> Iterator[Probe]:
    """A key: signing, its public part, opening and making data keys."""
    signed = {"Message": b"x", "MessageType": "RAW", "SigningAlgorithm": "ED25519_SHA_512"}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("Sign", "sign", signed),
        ("GetPublicKey", "get_public_key", {}),
        ("Decrypt", "decrypt", {"CiphertextBlob": b"none"}),
        ("GenerateDataKey", "generate_data_key", {"KeySpec": "AES_256"}),
    ]
    arn = f"arn:aws:kms:{REGION}:{account}:key/{key}"
    for action, method, said in asked:
        yield Probe(f"kms:{action}", arn, {}, _sending("kms", method, {"KeyId": key, **said}))


def of_machine(machine: str, name: str) -> Iterator[Probe]:
    """A state machine: beginning, listing, looking into, and answering a waiting task of it.

    ``name`` is an execution's that it had, so that none begins.
    """
    execution = machine.replace(":stateMachine:", ":execution:") + ":none"
    asked: list[tuple[str, str, str, dict[str, Any]]] = [
        ("StartExecution", machine, "start_execution", {"stateMachineArn": machine, "name": name}),
        ("ListExecutions", machine, "list_executions", {"stateMachineArn": machine}),
        ("DescribeExecution", execution, "describe_execution", {"executionArn": execution}),
        ("SendTaskSuccess", machine, "send_task_success", {"taskToken": "none", "output": "{}"}),
    ]
    for action, arn, method, said in asked:
        yield Probe(f"states:{action}", arn, {}, _sending("stepfunctions", method, said))


def of_queue(url: str, account: str) -> Iterator[Probe]:
    """A queue. An empty message is none, and of no messages none is received."""
    arn = f"arn:aws:sqs:{REGION}:{account}:{url.rpartition('/')[2]}"
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("SendMessage", "send_message", {"MessageBody": ""}),
        ("ReceiveMessage", "receive_message", {"MaxNumberOfMessages": 0}),
        ("DeleteMessage", "delete_message", {"ReceiptHandle": "none"}),
        ("ChangeMessageVisibility", "change_message_visibility", {"ReceiptHandle": "none", "VisibilityTimeout": 0}),
        ("GetQueueAttributes", "get_queue_attributes", {"AttributeNames": ["QueueArn"]}),
    ]
    for action, method, said in asked:
        yield Probe(f"sqs:{action}", arn, {}, _sending("sqs", method, {"QueueUrl": url, **said}))


def of_function(name: str, account: str) -> Iterator[Probe]:
    """A function, which a dry run does not invoke."""
    said = {"FunctionName": name, "InvocationType": "DryRun"}
    arn = f"arn:aws:lambda:{REGION}:{account}:function:{name}"
    yield Probe("lambda:InvokeFunction", arn, {}, _sending("lambda", "invoke", said))


def of_user_pool(pool: str, account: str) -> Iterator[Probe]:
    """A pool of operators' accounts, of whom there is none of this name."""
    arn = f"arn:aws:cognito-idp:{REGION}:{account}:userpool/{pool}"
    actions = {
        "AdminDisableUser": "admin_disable_user",
        "AdminEnableUser": "admin_enable_user",
        "AdminDeleteUser": "admin_delete_user",
    }
    for action, method in actions.items():
        said = {"UserPoolId": pool, "Username": "none"}
        yield Probe(f"cognito-idp:{action}", arn, {}, _sending("cognito-idp", method, said))


def of_connections(api: str, stage: str, account: str) -> Iterator[Probe]:
    """A WebSocket API's connections, of whom there is none of this name."""
    for verb, method, more in (("POST", "post_to_connection", {"Data": b"{}"}), ("DELETE", "delete_connection", {})):
        arn = f"arn:aws:execute-api:{REGION}:{account}:{api}/{stage}/{verb}/@connections/none"
        said = {"ConnectionId": "none", **more}
        yield Probe("execute-api:ManageConnections", arn, {}, _sending("apigatewaymanagementapi", method, said))


def _holds(operator: str, told: str | None, expected: list[str]) -> bool:
    if operator == "Null":
        return (told is None) == (expected[0].lower() == "true")
    matched = told is not None and any(fnmatchcase(told, one) for one in expected)
    if operator == "ForAllValues:StringLike":
        return told is None or matched
    assert operator == "StringLike", operator
    return matched


def _sending(service: str, method: str, said: Mapping[str, Any]) -> Callable[[At], Any]:
    return lambda at: getattr(at(service), method)(**said)
