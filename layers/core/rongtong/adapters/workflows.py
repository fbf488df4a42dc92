"""The state machines, through Step Functions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rongtong.domain.jobs import Job
from rongtong.services.context import Execution, Running
from rongtong.services.storage import Document

_RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
_UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
_NOT_IMPLEMENTED = frozenset({"InvalidAction", "UnknownOperationException", "NotImplemented"})
"""What services answer that do not know RedriveExecution."""
_LONGEST = timedelta(days=30)
"""The discounts' machine ends every execution after so long (its TimeoutSeconds)."""
_PAGE = 1000


class StepFunctionsWorkflows:
    """Executions are named after their subject, so that a second start is the same start.

    Timeouts and retries are the default session's, which the composition root sets. Step Functions tells of executions
    a moment late, but starts each name once.
    """

    def __init__(self, discount_machine_arn: str, registration_machine_arn: str, job_machine_arn: str = "") -> None:
        """``job_machine_arn`` has ``{job}`` for the job's name; only who starts jobs is told it."""
        self._discount_machine_arn = discount_machine_arn
        self._registration_machine_arn = registration_machine_arn
        self._job_machine_arn = job_machine_arn

    @cached_property
    def _states(self) -> Any:
        return boto3.client("stepfunctions")

    def start_discount(self, name: str, payload: Document) -> None:
        """Start an execution of the discounts' machine, or find it started."""
        self._start(self._discount_machine_arn, name, payload)

    def execution(self, name: str) -> Execution | None:
        """The discount's execution of this name, with its error; None when there is none (any more: 90 days)."""
        found = self._describe(self._discount_machine_arn, name)
        return None if found is None else _execution(found)

    def redrive(self, name: str) -> bool:
        """Let a failed execution go on from the step that failed, or find that it does.

        False where the service does not know how, or will not: it succeeded, ended more than 14 days ago, or is gone.
        """
        found = self._describe(self._discount_machine_arn, name)
        if found is None:
            return False
        # Of all who saw the same failure one redrives it, and the others are answered as if they had.
        token = f"{name}.{found.get('redriveCount', 0)}"
        try:
            if found["status"] not in _RUNNING:
                self._states.redrive_execution(executionArn=_arn(self._discount_machine_arn, name), clientToken=token)
        except self._states.exceptions.ExecutionNotRedrivable:
            again = self._describe(self._discount_machine_arn, name)
            return again is not None and again["status"] in _RUNNING
        except ClientError as error:
            if error.response["Error"]["Code"] in _NOT_IMPLEMENTED:
                return False
            raise
        return True

    def failed_since(self, since: datetime) -> Iterator[Execution]:
        """Executions of discounts that failed, timed out or were aborted after this instant, newest first, without
        their errors: ask for each that matters.
        """
        found = [run for status in _UNSUCCESSFUL for run in self._ended(status, since)]
        return iter(sorted(found, key=lambda run: run.ended_at or since, reverse=True))

    def start_registration(self, name: str, payload: Document) -> None:
        """Start an execution of the registrations' machine, or find it started."""
        self._start(self._registration_machine_arn, name, payload)

    def start_job(self, job: Job, name: str, payload: Document) -> None:
        """Start an execution of the job's machine, or find it started."""
        self._start(self._job_machine_arn.format(job=job.value), name, payload)

    def job_execution(self, job: Job, name: str) -> Execution | None:
        """The job's execution of this name, with its error; None when there is none (any more: 90 days)."""
        found = self._describe(self._job_machine_arn.format(job=job.value), name)
        return None if found is None else _execution(found)

    def running_jobs(self, job: Job) -> Iterator[tuple[str, Document]]:
        """The job's executions that run now, newest first, with their inputs."""
        machine_arn = self._job_machine_arn.format(job=job.value)
        listed = self._states.list_executions(stateMachineArn=machine_arn, statusFilter="RUNNING")
        for one in listed["executions"]:
            found = self._describe(machine_arn, str(one["name"]))
            if found is not None and found["status"] in _RUNNING:
                yield str(found["name"]), json.loads(found.get("input") or "{}")

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

    def _ended(self, status: str, since: datetime) -> Iterator[Execution]:
        """Newest begun or ended first, as the service lists them: what began too long ago ended before ``since``."""
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=self._discount_machine_arn, statusFilter=status, PaginationConfig={"PageSize": _PAGE}
        )
        for page in pages:
            for found in page["executions"]:
                if max(found["startDate"], found.get("redriveDate", found["startDate"])) < since - _LONGEST:
                    return
                run = _execution(found)
                if run.ended_at is not None and run.ended_at >= since:
                    yield run

    def _describe(self, machine_arn: str, name: str) -> Mapping[str, Any] | None:
        try:
            found: Mapping[str, Any] = self._states.describe_execution(executionArn=_arn(machine_arn, name))
        except self._states.exceptions.ExecutionDoesNotExist:
            return None
        return found


def _arn(machine_arn: str, name: str) -> str:
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _execution(found: Mapping[str, Any]) -> Execution:
    if found["status"] in _RUNNING:
        return Execution(str(found["name"]), Running.RUNNING)
    running = Running.SUCCEEDED if found["status"] == "SUCCEEDED" else Running.FAILED
    stopped = found.get("stopDate")
    ended_at = None if stopped is None else stopped.astimezone(UTC)
    return Execution(str(found["name"]), running, ended_at, _error(found) if running is Running.FAILED else None)


def _error(found: Mapping[str, Any]) -> str | None:
    """The error's name; an execution that was aborted may have none."""
    error = found.get("error")
    return str(error) if error else None if found["status"] == "FAILED" else str(found["status"])
