"""The DynamoDB table of one witness: one record for each log, and what it keeps as evidence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

_LATEST = "latest"
_KEPT = "kept#"
_CONDITION = "ConditionalCheckFailedException"


class WitnessTable:
    """Keys ``origin`` and ``record``; reads are strongly consistent, writes conditional, and nothing is deleted."""

    def __init__(self, table: str) -> None:
        self._table = table

    @cached_property
    def _dynamodb(self) -> Any:
        return boto3.client("dynamodb")

    def latest(self, origin: str) -> str | None:
        """The note cosigned last for the log, None if there was none yet."""
        key = {"origin": {"S": origin}, "record": {"S": _LATEST}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return None if item is None else str(item["note"]["S"])

    def move(self, origin: str, old: str | None, new: str) -> bool:
        """Put a note in the place of ``old``; False, and no change, where another one stands by now.

        A put that was stored, and sent again because its answer was lost, reads as False: judge again.
        """
        content = {"note": new}
        if old is None:
            return self._put(origin, _LATEST, content, ConditionExpression="attribute_not_exists(origin)")
        return self._put(
            origin,
            _LATEST,
            content,
            ConditionExpression="note = :old",
            ExpressionAttributeValues={":old": {"S": old}},
        )

    def keep(self, origin: str, name: str, evidence: Mapping[str, str]) -> None:
        """Keep evidence under its name; what stands there already stays."""
        self._put(origin, _KEPT + name, evidence, ConditionExpression="attribute_not_exists(origin)")

    def _put(self, origin: str, record: str, content: Mapping[str, str], **condition: Any) -> bool:
        item = {name: {"S": value} for name, value in {"origin": origin, "record": record, **content}.items()}
        try:
            self._dynamodb.put_item(TableName=self._table, Item=item, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] != _CONDITION:
                raise
            return False
        return True
