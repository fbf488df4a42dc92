"""Dead letters: events that an asynchronous path gave up, kept in one SQS queue per path, and their delivery anew.

A letter is either what Lambda writes of an invocation that failed for good (an envelope around the event) or the event
itself, where EventBridge Scheduler could not even begin one. An event of a state machine is its execution's input.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rongtong.services.errors import NotFoundError
from rongtong.services.records import iso
from rongtong.services.storage import Document

_BATCH = 10
"""So many messages SQS hands out at once."""
_HELD_S = 60
"""How long nobody else gets a letter that is being delivered; one whose deliverer dies is there again afterwards."""
_LONG_POLL_S = 1
"""An answer at once may come from a part of the queue's servers alone."""


@dataclass(frozen=True)
class AsynchronousPath:
    """Its name, its dead-letter queue, and the function that gave up, or the state machine that did not start."""

    name: str
    queue_url: str
    target_arn: str

    @classmethod
    def parse(cls, text: str) -> AsynchronousPath:
        """From ``name=queue,function`` or ``name=queue,state machine``, as template.yaml writes it."""
        name, _, rest = text.partition("=")
        queue_url, _, target_arn = rest.partition(",")
        return cls(name, queue_url, target_arn)


@dataclass(frozen=True)
class Letter:
    """A dead letter; ``event`` is None where it cannot be read. ``key`` is the event's own id where it has one."""

    path: str
    key: str
    at: datetime
    error: str | None
    event: Document | None
    receipt: str


class SqsDeadLetters:
    """The dead letters of every path. A letter is delivered at least once: whoever takes it must know what is done."""

    def __init__(self, paths: Sequence[AsynchronousPath]) -> None:
        self._paths = {path.name: path for path in paths}

    @cached_property
    def _sqs(self) -> Any:
        return boto3.client("sqs")

    @cached_property
    def _lambda(self) -> Any:
        return boto3.client("lambda")

    @cached_property
    def _states(self) -> Any:
        return boto3.client("stepfunctions")

    def letters(self, *, most: int = 50) -> Document:
        """Every path with how many letters wait and the oldest of them, without the events themselves."""
        return {"paths": [self._listed(path, most) for path in self._paths.values()]}

    def waiting(self) -> dict[str, int]:
        """How many letters wait, about, by path."""
        asked = {path.name: path.queue_url for path in self._paths.values()}
        return {name: self._depth(queue_url) for name, queue_url in asked.items()}

    def require(self, name: str) -> AsynchronousPath:
        """The path of this name. Raises NotFoundError."""
        if name not in self._paths:
            raise NotFoundError(f"A path is one of {', '.join(self._paths)}.", field="path")
        return self._paths[name]

    def redeliver(self, name: str, *, most: int = 50) -> Document:
        """Hand up to ``most`` letters of a path to its target again, each event as it was, under its own id.

        What fails again comes back as a letter. ``kept`` counts those that could not be handed over: they stay.
        Raises NotFoundError.
        """
        path = self.require(name)
        redelivered: list[str] = []
        kept = 0
        # All are taken before the first is handed over: one that fails at once would be taken again and again.
        for letter in list(self._received(path, most)):
            if letter.event is None or not self._hand_over(path, letter, letter.event):
                kept += 1
                continue
            self._sqs.delete_message(QueueUrl=path.queue_url, ReceiptHandle=letter.receipt)
            redelivered.append(letter.key)
        return {"path": name, "redelivered": redelivered, "kept": kept}

    def _listed(self, path: AsynchronousPath, most: int) -> Document:
        letters = list(self._received(path, most))
        for letter in letters:
            self._sqs.change_message_visibility(
                QueueUrl=path.queue_url, ReceiptHandle=letter.receipt, VisibilityTimeout=0
            )
        waiting = self._depth(path.queue_url)
        shown = sorted(letters, key=lambda letter: letter.at)
        return {
            "path": path.name,
            "waiting": max(waiting, len(letters)),
            "letters": [{"key": one.key, "at": iso(one.at), "error": one.error} for one in shown],
        }

    def _depth(self, queue_url: str) -> int:
        counted = self._sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(counted["Attributes"]["ApproximateNumberOfMessages"])

    def _received(self, path: AsynchronousPath, most: int) -> Iterator[Letter]:
        taken = 0
        while taken < most:
            answer = self._sqs.receive_message(
                QueueUrl=path.queue_url,
                MaxNumberOfMessages=min(_BATCH, most - taken),
                VisibilityTimeout=_HELD_S,
                WaitTimeSeconds=_LONG_POLL_S,
                MessageSystemAttributeNames=["SentTimestamp"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            if not messages:
                return
            for message in messages:
                taken += 1
                yield _letter(path, message)

    def _hand_over(self, path: AsynchronousPath, letter: Letter, event: Document) -> bool:
        content = json.dumps(event, ensure_ascii=False)
        try:
            if ":states:" in path.target_arn:
                self._start(path.target_arn, f"letter-{letter.key}", content)
            else:
                self._lambda.invoke(FunctionName=path.target_arn, InvocationType="Event", Payload=content.encode())
        except ClientError:
            return False
        return True

    def _start(self, machine_arn: str, name: str, content: str) -> None:
        # SQS may hand a letter out again that was delivered: its name was used then.
        with suppress(self._states.exceptions.ExecutionAlreadyExists):
            self._states.start_execution(stateMachineArn=machine_arn, name=name, input=content)


def _letter(path: AsynchronousPath, message: dict[str, Any]) -> Letter:
    event, error = _opened(str(message["Body"]))
    attributes = message.get("MessageAttributes", {})
    if error is None and "ERROR_CODE" in attributes:
        error = str(attributes["ERROR_CODE"].get("StringValue"))
    at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
    key = str(event["id"]) if event is not None and "id" in event else str(message["MessageId"])
    return Letter(path.name, key, at, error, event, str(message["ReceiptHandle"]))


def _opened(body: str) -> tuple[Document | None, str | None]:
    """The event, and the error's class as far as the letter tells it."""
    try:
        content = json.loads(body)
    except ValueError:
        return None, "UNREADABLE"
    if not isinstance(content, dict):
        return None, "UNREADABLE"
    if "requestContext" not in content or "requestPayload" not in content:
        return content, None
    event, answer = content["requestPayload"], content.get("responsePayload")
    failure = answer.get("errorType") if isinstance(answer, dict) else None
    return event if isinstance(event, dict) else None, str(failure or content["requestContext"].get("condition"))
