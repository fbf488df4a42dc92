"""The chain behind its own function (functions/chain), which alone carries gRPC: invoked, and waited for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from rongtong.adapters.fabric.outcomes import ChainKeyError, ChainProfileError, ContractRefusedError, NotEndorsedError
from rongtong.domain.errors import RongTongError
from rongtong.services.ports import (
    ChainConflictError,
    ChainEntry,
    ChainReceipt,
    ChainRefusedError,
    ChainUnavailableError,
)

CONNECT_S = 2.0
READ_S = 16.0
"""A block is cut every few seconds. Whoever gives up asks again, and finds what the function did meanwhile."""
_ERRORS: dict[str, type[RongTongError]] = {
    known.__name__: known
    for known in (
        ChainUnavailableError,
        ChainRefusedError,
        ChainConflictError,
        NotEndorsedError,
        ContractRefusedError,
        ChainKeyError,
        ChainProfileError,
    )
}
"""What the function raises by name. Any other end of it (a timeout, no memory) leaves open what became of an entry."""


class LambdaChain:
    """See services.ports.Chain. Raises also ChainProfileError, for a network that the function cannot be let into."""

    def __init__(self, function_arn: str, *, connect_s: float = CONNECT_S, read_s: float = READ_S) -> None:
        self._function_arn = function_arn
        # Asked once: repeating is for the caller, when the function has had time to end.
        self._config = Config(connect_timeout=connect_s, read_timeout=read_s, retries={"total_max_attempts": 1})

    @cached_property
    def _lambda(self) -> Any:
        return boto3.client("lambda", config=self._config)

    def append(self, entries: Sequence[ChainEntry]) -> list[ChainReceipt]:
        """One receipt per entry, in order."""
        if not entries:
            return []
        answer = self._invoke({"entries": [{"key": one.key, "value": one.value} for one in entries]})
        try:
            receipts = [
                ChainReceipt(str(one["key"]), str(one["transaction_id"]), int(one["block"]), str(one["code"]))
                for one in answer["receipts"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable() from error
        if [receipt.key for receipt in receipts] != [entry.key for entry in entries]:
            raise _unreadable()
        return receipts

    def get(self, key: str) -> str | None:
        """The value under the key, None if there is none."""
        answer = self._invoke({"get": key})
        value = answer.get("value", 0)
        if value is not None and not isinstance(value, str):
            raise _unreadable()
        return value

    def _invoke(self, event: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = self._lambda.invoke(FunctionName=self._function_arn, Payload=json.dumps(event).encode())
            content = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError) as error:
            raise ChainUnavailableError(f"The chain's function did not answer: {error}") from error
        except ValueError as error:
            raise _unreadable() from error
        if not isinstance(content, dict):
            raise _unreadable()
        if "FunctionError" in answer:
            raise _error(content)
        return cast(dict[str, Any], content)


def _error(content: dict[str, Any]) -> RongTongError:
    name, message = str(content.get("errorType", "")), str(content.get("errorMessage", ""))
    known = _ERRORS.get(name)
    if known is not None:
        return known(message)
    return ChainUnavailableError(f"The chain's function ended early: {name or message}")


def _unreadable() -> ChainUnavailableError:
    return ChainUnavailableError("The chain's function answered something else than was asked for; append it again.")
