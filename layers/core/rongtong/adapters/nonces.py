"""The DynamoDB table of what signed requests have used up: their nonces, and how many there were in a second."""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

_CONDITION = "ConditionalCheckFailedException"


class NonceTable:
    """Key ``used``; DynamoDB drops an entry some time after its ``expires_at`` (seconds since 1970)."""

    def __init__(self, table: str) -> None:
        self._table = table

    @cached_property
    def _dynamodb(self) -> Any:
        return boto3.client("dynamodb")

    def take(self, key_id: str, nonce: str, until: datetime) -> bool:
        """Use the key's nonce up, for good until this instant; False where it was used before."""
        mark = secrets.token_hex(8)
        item = {"used": {"S": f"nonce#{key_id}#{nonce}"}, "mark": {"S": mark}, "expires_at": _seconds(until)}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(used)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _CONDITION:
                raise
            # A put that was stored, and sent again because its answer was lost, meets itself.
            stored: Any = error.response.get("Item", {})
            return bool(stored.get("mark") == {"S": mark})
        return True

    def count(self, tenant_id: str, window: str, until: datetime) -> int:
        """One request more in this window of the caller's time: how many there were with it."""
        answer = self._dynamodb.update_item(
            TableName=self._table,
            Key={"used": {"S": f"rate#{tenant_id}#{window}"}},
            UpdateExpression="ADD requests :one SET expires_at = :until",
            ExpressionAttributeValues={":one": {"N": "1"}, ":until": _seconds(until)},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["requests"]["N"])


def _seconds(instant: datetime) -> dict[str, str]:
    return {"N": str(int(instant.timestamp()))}
