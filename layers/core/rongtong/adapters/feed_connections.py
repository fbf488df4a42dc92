"""The list of supervisors' open connections: one record of the nonce table, an attribute for each connection.

They are few, so that one read finds all; and what is taken out leaves nothing behind that anybody must delete.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import boto3

from rongtong.services.supervision_feed import Connection

_KEY = "feed"
_HASH = "used"


class FeedConnections:
    """``services.supervision_feed.Connections`` in DynamoDB."""

    def __init__(self, table: str) -> None:
        self._table = table

    @cached_property
    def _dynamodb(self) -> Any:
        return boto3.client("dynamodb")

    def all(self) -> Sequence[Connection]:
        """Those that are noted."""
        found = self._dynamodb.get_item(TableName=self._table, Key={_HASH: {"S": _KEY}}, ConsistentRead=True)
        item: dict[str, Any] = found.get("Item", {})
        return [Connection(name, *json.loads(value["S"])) for name, value in item.items() if name != _HASH]

    def note(self, connection: Connection) -> None:
        """Put one in."""
        about = json.dumps([connection.key_id, connection.address, connection.since])
        self._update("SET #c0 = :about", [connection.connection_id], {":about": {"S": about}})

    def forget(self, connection_ids: Sequence[str]) -> None:
        """Take some out, whether or not they are in."""
        if connection_ids:
            names = ", ".join(f"#c{at}" for at in range(len(connection_ids)))
            self._update(f"REMOVE {names}", connection_ids, {})

    def _update(self, expression: str, names: Sequence[str], values: dict[str, Any]) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key={_HASH: {"S": _KEY}},
            UpdateExpression=expression,
            ExpressionAttributeNames={f"#c{at}": name for at, name in enumerate(names)},
            **({"ExpressionAttributeValues": values} if values else {}),
        )
