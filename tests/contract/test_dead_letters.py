"""Dead letters on SQS in process; what Lambda is told is compared call by call."""

import json
import os

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from rongtong.adapters.dead_letters import AsynchronousPath, SqsDeadLetters
from rongtong.services.errors import NotFoundError

REGION = "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:reconcile"
EVENT = {"id": "53dc4d37", "source": "aws.scheduler", "time": "2026-04-15T16:30:00Z"}


@pytest.fixture(autouse=True)
def sqs(monkeypatch):
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)
    monkeypatch.setattr("rongtong.adapters.dead_letters._LONG_POLL_S", 0)
    with mock_aws():
        yield boto3.client("sqs", region_name=REGION)


@pytest.fixture
def queue(sqs):
    return sqs.create_queue(QueueName="reconcile-dead-letters")["QueueUrl"]


@pytest.fixture
def letters(sqs, queue):
    empty = sqs.create_queue(QueueName="sweep-dead-letters")["QueueUrl"]
    return SqsDeadLetters(
        [
            AsynchronousPath.parse(f"reconcile={queue},{FUNCTION}"),
            AsynchronousPath.parse(f"sweep={empty},arn:aws:lambda:{REGION}:123456789012:function:sweep"),
        ]
    )


def _envelope(event, error="RegistryUnavailableError"):
    """What Lambda writes of an invocation that failed for good."""
    return {
        "version": "1.0",
        "requestContext": {"requestId": "e4b46cbf", "functionArn": FUNCTION, "condition": "RetriesExhausted"},
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorType": error, "errorMessage": "not told"},
    }


def _send(sqs, queue, body, **attributes):
    named = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    text = body if isinstance(body, str) else json.dumps(body)
    sqs.send_message(QueueUrl=queue, MessageBody=text, MessageAttributes=named)


def _invoked(letters, *events):
    """Lambda takes these events, in this order, and nothing else."""
    stubber = Stubber(letters._lambda)
    for event in events:
        asked = {"FunctionName": FUNCTION, "InvocationType": "Event", "Payload": json.dumps(event).encode()}
        stubber.add_response("invoke", {"StatusCode": 202}, asked)
    stubber.activate()
    return stubber


def _of(listed, path):
    return next(one for one in listed["paths"] if one["path"] == path)


def _waiting(sqs, queue):
    counted = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    return int(counted["Attributes"]["ApproximateNumberOfMessages"])


def test_every_path_is_listed_with_its_letters_and_nothing_of_the_events_but_their_ids(sqs, queue, letters):
    _send(sqs, queue, _envelope(EVENT))
    listed = letters.letters()
    assert _of(listed, "sweep") == {"path": "sweep", "waiting": 0, "letters": []}
    found = _of(listed, "reconcile")
    assert found["waiting"] == 1
    assert [(one["key"], one["error"]) for one in found["letters"]] == [("53dc4d37", "RegistryUnavailableError")]
    assert "not told" not in json.dumps(listed)


def test_a_letter_that_was_listed_is_there_for_the_next(sqs, queue, letters):
    for number in range(12):
        _send(sqs, queue, _envelope({**EVENT, "id": str(number)}))
    letters.letters()
    assert sorted(int(one["key"]) for one in _of(letters.letters(), "reconcile")["letters"]) == list(range(12))


def test_what_a_schedule_could_not_begin_is_listed_with_its_error(sqs, queue, letters):
    _send(sqs, queue, EVENT, ERROR_CODE="TooManyRequestsException")
    (found,) = _of(letters.letters(), "reconcile")["letters"]
    assert (found["key"], found["error"]) == ("53dc4d37", "TooManyRequestsException")


@pytest.mark.parametrize("body", [_envelope(EVENT), EVENT])
def test_a_letter_is_delivered_again_as_the_event_that_it_was(sqs, queue, letters, body):
    _send(sqs, queue, body)
    stubber = _invoked(letters, EVENT)
    assert letters.redeliver("reconcile") == {"path": "reconcile", "redelivered": ["53dc4d37"], "kept": 0}
    stubber.assert_no_pending_responses()


def test_what_was_delivered_again_is_a_letter_no_more(sqs, queue, letters):
    _send(sqs, queue, EVENT)
    _invoked(letters, EVENT)
    letters.redeliver("reconcile")
    assert _waiting(sqs, queue) == 0
    assert letters.redeliver("reconcile")["redelivered"] == []


@pytest.fixture
def machine():
    states = boto3.client("stepfunctions", region_name=REGION)
    role = "arn:aws:iam::123456789012:role/machine"
    return states.create_state_machine(name="audit", definition="{}", roleArn=role)["stateMachineArn"]


def _executions(machine):
    states = boto3.client("stepfunctions", region_name=REGION)
    listed = states.list_executions(stateMachineArn=machine)["executions"]
    return [states.describe_execution(executionArn=one["executionArn"]) for one in listed]


def test_a_state_machine_that_could_not_be_started_is_started_with_what_it_was_to_be_given(sqs, queue, machine):
    letters = SqsDeadLetters([AsynchronousPath.parse(f"audit={queue},{machine}")])
    _send(sqs, queue, {}, ERROR_CODE="ThrottlingException")
    (listed,) = letters.letters()["paths"][0]["letters"]
    assert listed["error"] == "ThrottlingException"
    assert letters.redeliver("audit") == {"path": "audit", "redelivered": [listed["key"]], "kept": 0}
    assert [(one["name"], one["input"]) for one in _executions(machine)] == [(f"letter-{listed['key']}", "{}")]
    assert _waiting(sqs, queue) == 0


def test_a_letter_that_is_handed_out_twice_starts_its_state_machine_once(sqs, queue, machine):
    letters = SqsDeadLetters([AsynchronousPath.parse(f"audit={queue},{machine}")])
    for _ in range(2):
        _send(sqs, queue, {"id": "53dc4d37"})
    assert letters.redeliver("audit")["redelivered"] == ["53dc4d37"] * 2
    assert [one["name"] for one in _executions(machine)] == ["letter-53dc4d37"]


def test_a_letter_for_a_state_machine_that_is_not_there_stays(sqs, queue, machine, monkeypatch):
    monkeypatch.setattr("rongtong.adapters.dead_letters._HELD_S", 0)
    letters = SqsDeadLetters([AsynchronousPath.parse(f"audit={queue},{machine}-other")])
    _send(sqs, queue, {})
    assert letters.redeliver("audit", most=1)["kept"] == 1
    assert _waiting(sqs, queue) == 1


def test_what_the_function_does_not_take_stays(sqs, queue, letters, monkeypatch):
    _send(sqs, queue, EVENT)
    stubber = Stubber(letters._lambda)
    stubber.add_client_error("invoke", "TooManyRequestsException")
    stubber.activate()
    monkeypatch.setattr("rongtong.adapters.dead_letters._HELD_S", 0)
    assert letters.redeliver("reconcile", most=1) == {"path": "reconcile", "redelivered": [], "kept": 1}
    assert _waiting(sqs, queue) == 1


@pytest.mark.parametrize("body", ["not JSON", "[1]", json.dumps(_envelope(["no", "object"]))])
def test_what_cannot_be_read_is_kept_and_handed_to_nobody(sqs, queue, letters, body):
    _send(sqs, queue, body)
    _invoked(letters)
    assert letters.redeliver("reconcile", most=1)["kept"] == 1


def test_no_more_than_asked_for_are_delivered(sqs, queue, letters):
    events = [{**EVENT, "id": str(number)} for number in range(3)]
    for event in events:
        _send(sqs, queue, event)
    stubber = Stubber(letters._lambda)
    for _ in range(2):
        stubber.add_response("invoke", {"StatusCode": 202})
    stubber.activate()
    assert len(letters.redeliver("reconcile", most=2)["redelivered"]) == 2
    assert _waiting(sqs, queue) == 1


def test_a_path_that_there_is_not_is_refused(letters):
    with pytest.raises(NotFoundError, match="reconcile, sweep"):
        letters.redeliver("other")


def test_what_waits_is_counted_by_path_and_stays_there(letters, sqs, queue):
    _send(sqs, queue, EVENT)
    _send(sqs, queue, EVENT)
    assert letters.waiting() == letters.waiting() == {"reconcile": 2, "sweep": 0}
