"""Where the sandbox keeps what it knows: one table, documents by kind and key."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError

Document = dict[str, Any]
_RETRIES = 20
_KEPT = frozenset({"clock", "counter", "generation"})
"""Kinds that emptying the book leaves as they are."""
_GENERATION_SEEN_S = 1.0


class Book:
    """Documents under a kind and a key; changes are conditional on the version that was read."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._generation = 0
        self._generation_read_at = float("-inf")

    @classmethod
    def from_environment(cls) -> Book:
        """The book of this deployment, in the table that SANDBOX_TABLE names."""
        return cls(boto3.resource("dynamodb").Table(os.environ["SANDBOX_TABLE"]))

    def empty(self) -> None:
        """Forget every document but the clock and what was counted; other processes see it within a second.

        Nothing is deleted: what is written from now on stands under keys of its own.
        """
        turned = self.change("generation", "generation", lambda found: {"number": int(found.get("number", 0)) + 1})
        self._generation, self._generation_read_at = int(turned["number"]), time.monotonic()

    def next_number(self) -> int:
        """1, 2, 3, …: never the same again, also after the book was emptied."""
        counted = self.change("counter", "counter", lambda found: {"number": int(found.get("number", 0)) + 1})
        return int(counted["number"])

    def _pk(self, kind: str) -> str:
        if kind in _KEPT:
            return kind
        if time.monotonic() - self._generation_read_at > _GENERATION_SEEN_S:
            found = self.get("generation", "generation") or {}
            self._generation, self._generation_read_at = int(found.get("number", 0)), time.monotonic()
        return f"{kind}/{self._generation}" if self._generation else kind

    def get(self, kind: str, key: str) -> Document | None:
        """The document, or None."""
        item = self._table.get_item(Key={"pk": self._pk(kind), "sk": key}, ConsistentRead=True).get("Item")
        return None if item is None else json.loads(item["body"])

    def put(self, kind: str, key: str, document: Document, **attributes: Any) -> None:
        """Write, whatever was there; ``attributes`` stand beside the document for readers of single values."""
        self._table.put_item(
            Item={"pk": self._pk(kind), "sk": key, "version": 1, "body": _text(document), **attributes}
        )

    def create(self, kind: str, key: str, document: Document) -> Document:
        """Write unless the key is taken; answers what stands there now."""
        item = {"pk": self._pk(kind), "sk": key, "version": 1, "body": _text(document)}
        try:
            self._table.put_item(Item=item, ConditionExpression="attribute_not_exists(pk)")
        except ClientError as error:
            _require_conflict(error)
            stored = self.get(kind, key)
            assert stored is not None, "the key was refused because it is taken"
            return stored
        return document

    def change(self, kind: str, key: str, edit: Callable[[Document], Document]) -> Document:
        """Apply ``edit`` to the document (empty if there is none) and write it; again if another was quicker."""
        pk = self._pk(kind)
        for _ in range(_RETRIES):
            item = self._table.get_item(Key={"pk": pk, "sk": key}, ConsistentRead=True).get("Item")
            version = int(item["version"]) if item else 0
            document = edit(json.loads(item["body"]) if item else {})
            written = {"pk": pk, "sk": key, "version": version + 1, "body": _text(document)}
            condition = "version = :read" if item else "attribute_not_exists(pk)"
            values = {"ExpressionAttributeValues": {":read": version}} if item else {}
            try:
                self._table.put_item(Item=written, ConditionExpression=condition, **values)
            except ClientError as error:
                _require_conflict(error)
                continue
            return document
        raise RuntimeError(f"{kind} {key} kept changing")

    def all(self, kind: str) -> list[Document]:
        """Every document of the kind, by key."""
        return [document for _, document in self.named(kind)]

    def named(self, kind: str) -> list[tuple[str, Document]]:
        """Every key of the kind with its document, by key."""
        found: list[tuple[str, Document]] = []
        more: Document = {}
        while True:
            values = {":kind": self._pk(kind)}
            page = self._table.query(KeyConditionExpression="pk = :kind", ExpressionAttributeValues=values, **more)
            found += [(str(item["sk"]), json.loads(item["body"])) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _text(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False)


def _require_conflict(error: ClientError) -> None:
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        raise error
