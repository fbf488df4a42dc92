"""A deployed stack as its operator sees it: its functions' settings, and a switch that lets none of them run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import boto3

_FUNCTION = "AWS::Lambda::Function"
_PAGE = 1000
_ALIAS, _UNPUBLISHED = "live", "$LATEST"


class StackError(Exception):
    """The stack is not there, or is none of ours; the text says what is missing."""


@dataclass(frozen=True)
class AliasVersion:
    """On which version a function's alias stands, or may; ``shared``: a part of its calls goes to another."""

    function: str
    version: str
    published_at: datetime
    shared: bool = False


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

    def aliases(self) -> list[AliasVersion]:
        """Where the alias of each function stands that callers reach by one, by physical name. Raises StackError."""
        found = []
        for physical in sorted(self._functions.values()):
            aliases = self._lambda.list_aliases(FunctionName=physical)["Aliases"]
            for one in (alias for alias in aliases if alias["Name"] == _ALIAS):
                published = self._versions(physical).get(str(one["FunctionVersion"]))
                if published is None:
                    raise StackError(f"{physical} has lost its version {one['FunctionVersion']}; deploy it anew.")
                shared = bool(one.get("RoutingConfig", {}).get("AdditionalVersionWeights"))
                found.append(AliasVersion(physical, str(one["FunctionVersion"]), published, shared))
        if not found:
            raise StackError(f"The stack {self._name} has no function behind the alias {_ALIAS}: name it with --stack.")
        return found

    def published_before(self, physical: str, instant: datetime) -> AliasVersion:
        """The newest version of a function that was published before this instant. Raises StackError."""
        before = [(at, version) for version, at in self._versions(physical).items() if at < instant]
        if not before:
            raise StackError(
                f"{physical} has no version from before {instant.isoformat()}; deploy the earlier release."
            )
        at, version = max(before, key=lambda one: (one[0], int(one[1])))
        return AliasVersion(physical, version, at)

    def point(self, physical: str, version: str) -> None:
        """Let callers reach this version and no other."""
        self._lambda.update_alias(
            FunctionName=physical,
            Name=_ALIAS,
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": {}},
        )

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

    def _versions(self, physical: str) -> dict[str, datetime]:
        """When each version that is kept was published."""
        pages = self._lambda.get_paginator("list_versions_by_function").paginate(FunctionName=physical)
        return {
            str(one["Version"]): datetime.fromisoformat(str(one["LastModified"]))
            for page in pages
            for one in page["Versions"]
            if one["Version"] != _UNPUBLISHED
        }

    def _environment(self, physical: str) -> dict[str, str]:
        found = self._lambda.get_function_configuration(FunctionName=physical)
        return dict(found.get("Environment", {}).get("Variables", {}))
