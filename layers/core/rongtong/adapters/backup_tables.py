"""Whole tables in DynamoDB: copies as of one moment (point-in-time recovery), empty ones, and records as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3

from rongtong.adapters.dynamodb import DynamoStore
from rongtong.services.backup_ports import Instant, Row
from rongtong.services.storage import Store

_BATCH = 25
_AT_ONCE = 8
_PAGE = 2000
_RETRIES = 10
_SCRATCH = "-scratch-"
_ASKED_OF_A_TABLE = ("AttributeDefinitions", "KeySchema")
_PROTECTED = "DeletionProtectionEnabled"


class DynamoTables:
    """The two tables of the platform, and pairs beside them, named after them with ``-scratch-<pair>`` behind.

    ``store_of`` opens the documents of two tables.
    """

    def __init__(self, business: str, evidence: str, store_of: Callable[[str, str], DynamoStore]) -> None:
        self._own = {"business": business, "evidence": evidence}
        self._store_of = store_of

    @cached_property
    def _dynamodb(self) -> Any:
        return boto3.client("dynamodb")

    def latest(self) -> Instant:
        """The latest moment to which both tables can be set back: about five minutes ago on AWS."""
        now = datetime.now(UTC)
        found = [self._latest(name) for name in self._own.values()]
        at = min([one for one in found if one is not None] or [now])
        # Tables are set back to whole seconds.
        at = at.replace(microsecond=0)
        return Instant(at, max(now - at, timedelta()))

    def snapshot(self, pair: str, at: datetime) -> None:
        """Begin to restore both tables to the moment under the pair's names; a repeat is no change."""
        for table, source in self._own.items():
            if not self._status(self._name(pair, table)):
                self._dynamodb.restore_table_to_point_in_time(
                    SourceTableName=source, TargetTableName=self._name(pair, table), RestoreDateTime=at
                )

    def make(self, pair: str, schemas: Mapping[str, str]) -> None:
        """Create the tables of the pair that are not there; the platform's own as well protected as they were."""
        for table in self._own:
            name, schema = self._name(pair, table), json.loads(schemas[table])
            if pair:
                schema.pop(_PROTECTED, None)
            if not self._status(name):
                self._dynamodb.create_table(TableName=name, **schema)

    def ready(self, pair: str) -> bool:
        """Whether both tables are ACTIVE."""
        return all(self._status(self._name(pair, table)) == "ACTIVE" for table in self._own)

    def protect(self) -> None:
        """Switch point-in-time recovery on for the platform's own tables, which a new table has not."""
        for name in self._own.values():
            self._dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )

    def schemas(self, pair: str = "") -> dict[str, str]:
        """What CreateTable needs to make each table of the pair again, but its name."""
        return {table: json.dumps(self._schema(self._name(pair, table)), sort_keys=True) for table in self._own}

    def page(self, pair: str, table: str, after: str) -> tuple[list[Row], str]:
        """At most 2,000 records, or a mebibyte of them."""
        behind = {"ExclusiveStartKey": json.loads(after)} if after else {}
        answer = self._dynamodb.scan(TableName=self._name(pair, table), Limit=_PAGE, ConsistentRead=True, **behind)
        end = answer.get("LastEvaluatedKey")
        return answer["Items"], json.dumps(end, sort_keys=True) if end else ""

    def load(self, pair: str, table: str, rows: Sequence[Row]) -> None:
        """Put records as they are, in batches side by side; what the table did not take at once is sent again."""
        name = self._name(pair, table)
        batches = [rows[at : at + _BATCH] for at in range(0, len(rows), _BATCH)]
        with ThreadPoolExecutor(_AT_ONCE) as hands:
            list(hands.map(lambda batch: self._put(name, batch), batches))

    def store(self, pair: str) -> Store:
        """The documents of the pair."""
        return self._store_of(self._name(pair, "business"), self._name(pair, "evidence"))

    def drop(self, pair: str) -> None:
        """Delete both tables of a pair that is not the platform's own."""
        assert pair, "the platform's own tables are never dropped"
        for table in self._own:
            try:
                self._dynamodb.delete_table(TableName=self._name(pair, table))
            except self._dynamodb.exceptions.ResourceNotFoundException:
                continue

    def _put(self, name: str, rows: Sequence[Row]) -> None:
        left: Any = {name: [{"PutRequest": {"Item": row}} for row in rows]}
        for attempt in range(_RETRIES):
            left = self._dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems")
            if not left:
                return
            time.sleep(0.05 * 2**attempt)
        raise TimeoutError(f"{name} did not take {sum(map(len, left.values()))} records; run the same again.")

    def _latest(self, name: str) -> datetime | None:
        answer = self._dynamodb.describe_continuous_backups(TableName=name)
        found = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        latest: datetime | None = found.get("LatestRestorableDateTime")
        return latest

    def _name(self, pair: str, table: str) -> str:
        return f"{self._own[table]}{_SCRATCH}{pair}" if pair else self._own[table]

    def _status(self, name: str) -> str:
        """The table's status; empty where there is none."""
        try:
            return str(self._dynamodb.describe_table(TableName=name)["Table"]["TableStatus"])
        except self._dynamodb.exceptions.ResourceNotFoundException:
            return ""

    def _schema(self, name: str) -> dict[str, Any]:
        table = self._dynamodb.describe_table(TableName=name)["Table"]
        schema: dict[str, Any] = {key: table[key] for key in _ASKED_OF_A_TABLE}
        indexes = [
            {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
            for index in table.get("GlobalSecondaryIndexes", ())
        ]
        if indexes:
            schema["GlobalSecondaryIndexes"] = indexes
        schema[_PROTECTED] = bool(table.get(_PROTECTED))
        return {**schema, "BillingMode": "PAY_PER_REQUEST", "SSESpecification": {"Enabled": True, "SSEType": "KMS"}}
