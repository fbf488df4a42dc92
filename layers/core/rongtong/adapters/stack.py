"""A deployed stack as its operator sees it: its functions' settings, and a switch that lets none of them run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

import boto3

_FUNCTION = "AWS::Lambda::Function"
_PAGE = 1000


class StackError(Exception):
    """The stack is not there, or is none of ours; the text says what is missing."""


class Stack:
    """A stack of template.yaml, reached with the credentials of whoever runs this."""

    def __init__(self, name: str) -> None:
        self._name = name

    @cached_property
    def _lambda(self) -> Any:
        return boto3.client("lambda")

    @cached_property
    def _states(self) -> Any:
        return boto3.client("stepfunctions")

    def settings(self, function: str) -> dict[str, str]:
        """The environment of a function by its name in the template. Raises StackError."""
        physical = self._functions.get(function)
        if physical is None:
            raise StackError(f"The stack {self._name} has no {function}: name the stack with --stack.")
        return self._environment(physical)

    def bounds(self) -> dict[str, int | None]:
        """How many of each of the platform's functions may run at once; None where no number is set.

        Without the stand-ins of the sandbox, which are outside of the platform.
        """
        before: dict[str, int | None] = {}
        for physical in self._functions.values():
            if self._environment(physical).get("BUSINESS_TABLE"):
                found = self._lambda.get_function_concurrency(FunctionName=physical)
                before[physical] = found.get("ReservedConcurrentExecutions")
        return before

    def close(self, functions: Mapping[str, int | None]) -> None:
        """Let none of these begin any more."""
        for physical in functions:
            self._lambda.put_function_concurrency(FunctionName=physical, ReservedConcurrentExecutions=0)

    def open(self, before: Mapping[str, int | None]) -> None:
        """Let so many of each run again."""
        for physical, most in before.items():
            if most is None:
                self._lambda.delete_function_concurrency(FunctionName=physical)
            else:
                self._lambda.put_function_concurrency(FunctionName=physical, ReservedConcurrentExecutions=most)

    def executions(self, machine_arn: str, since: datetime) -> Iterator[str]:
        """Names of a machine's executions that began at this instant or later, newest first (kept for 90 days)."""
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=machine_arn, PaginationConfig={"PageSize": _PAGE}
        )
        for page in pages:
            for found in page["executions"]:
                if found["startDate"] < since:
                    return
                yield str(found["name"])

    @cached_property
    def _functions(self) -> dict[str, str]:
        """Physical names by those in the template."""
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self._name)
        return {
            str(one["LogicalResourceId"]): str(one["PhysicalResourceId"])
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceType"] == _FUNCTION
        }

    def _environment(self, physical: str) -> dict[str, str]:
        found = self._lambda.get_function_configuration(FunctionName=physical)
        return dict(found.get("Environment", {}).get("Variables", {}))
