"""The state machines, through Step Functions."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import boto3

from rongtong.services.storage import Document


class StepFunctionsWorkflows:
    """Executions are named after their subject, so that a second start is the same start."""

    def __init__(self, discount_machine_arn: str, registration_machine_arn: str) -> None:
        self._discount_machine_arn = discount_machine_arn
        self._registration_machine_arn = registration_machine_arn

    @cached_property
    def _states(self) -> Any:
        return boto3.client("stepfunctions")

    def start_discount(self, discount_id: str, payload: Document) -> None:
        """Start the discount's execution, or find it started."""
        self._start(self._discount_machine_arn, discount_id, payload)

    def start_registration(self, enterprise_id: str, payload: Document) -> None:
        """Start the registration's execution, or find it started."""
        self._start(self._registration_machine_arn, enterprise_id, payload)

    def resume(self, task_token: str, output: Document) -> None:
        """Let a waiting execution go on; a task that no longer waits is no error."""
        try:
            self._states.send_task_success(taskToken=task_token, output=json.dumps(output))
        except (self._states.exceptions.TaskTimedOut, self._states.exceptions.TaskDoesNotExist):
            return

    def _start(self, machine_arn: str, name: str, payload: Document) -> None:
        try:
            self._states.start_execution(stateMachineArn=machine_arn, name=name, input=json.dumps(payload))
        except self._states.exceptions.ExecutionAlreadyExists:
            return
