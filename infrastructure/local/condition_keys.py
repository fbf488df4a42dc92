"""Condition keys that AWS gives to policies and the emulator does not: with them, conditions hold as they do on AWS.

``dynamodb:LeadingKeys`` are the partition keys that a request names: for each table, and for each item of a transaction
by itself. Without them ``ForAllValues`` holds for every request, and a condition on keys keeps nobody out.
``s3:if-match`` and ``s3:if-none-match`` are what a conditional put says. Run by the emulator's interpreter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.services import dynamodb

_LEADING = "dynamodb:LeadingKeys"
_BY_TABLE = "leading-keys-by-table"
"""No key that a policy could name: carries what each table of a request is asked for to where each is checked."""
_EQUAL = re.compile(r"(#?[\w.-]+)\s*=\s*(:[\w.-]+)")
_VALUES = ("S", "N", "B")

_dynamodb_context = iam_actions.dynamodb_service_context
_transaction_checks = iam_actions.dynamodb_transaction_checks
_s3_object_context = iam_actions._s3_object_context
_enforce = iam_evaluator.enforce


class _ItemArn(str):
    """The table's ARN in the check of one item of a transaction, with the partition key of that item."""

    leading: Sequence[str] = ()


def install() -> None:
    """Let the emulator of this process tell policies of these keys, from its next request on."""
    iam_actions.dynamodb_service_context = _context_with_keys
    iam_actions.dynamodb_transaction_checks = _checks_with_keys
    iam_actions._s3_object_context = _s3_context_with_headers
    iam_evaluator.enforce = _enforce_with_keys


def _context_with_keys(body: bytes) -> dict[str, Any]:
    return {**_dynamodb_context(body), _BY_TABLE: _keys_by_table(_read(body))}


def _checks_with_keys(*args: Any) -> list[tuple[str, str]]:
    body = next(one for one in args if isinstance(one, bytes))
    details = [
        detail
        for item in _read(body).get("TransactItems", ())
        for member, detail in item.items()
        if member in iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS
    ]
    checks: list[tuple[str, str]] = []
    for (action, arn), detail in zip(_transaction_checks(*args), details, strict=True):
        found = _ItemArn(arn)
        found.leading = _leading(str(detail["TableName"]), detail.get("Key") or detail.get("Item") or {})
        checks.append((action, found))
    return checks


def _s3_context_with_headers(action: str, query: dict[str, Any], path: str, headers: dict[str, str]) -> dict[str, Any]:
    context: dict[str, Any] = _s3_object_context(action, query, path, headers)
    if action == "s3:PutObject":
        context |= {f"s3:{name}": headers[name] for name in ("if-match", "if-none-match") if headers.get(name)}
    return context


def _enforce_with_keys(*args: Any, **kwargs: Any) -> Any:
    context = dict(kwargs.get("service_context") or {})
    by_table = context.pop(_BY_TABLE, None)
    arn = kwargs.get("resource_arn", "*")
    if isinstance(arn, _ItemArn):
        context[_LEADING] = list(arn.leading)
    elif by_table is not None and (keys := by_table.get(_table_of(arn))):
        context[_LEADING] = keys
    if "service_context" in kwargs:
        kwargs["service_context"] = context
    return _enforce(*args, **kwargs)


def _read(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _keys_by_table(request: Mapping[str, Any]) -> dict[str, list[str]]:
    """Partition keys by the table's name. A scan names none, and has none on AWS either."""
    table = request.get("TableName")
    if isinstance(table, str):
        if "KeyConditionExpression" in request:
            return {_name(table): _queried(request)}
        return {_name(table): _leading(table, request.get("Key") or request.get("Item") or {})}
    found: dict[str, list[str]] = {}
    for name, asked in (request.get("RequestItems") or {}).items():
        items = asked.get("Keys", ()) if isinstance(asked, dict) else (_written(one) for one in asked)
        found[_name(name)] = [key for item in items for key in _leading(name, item)]
    return found


def _written(request: Mapping[str, Any]) -> Mapping[str, Any]:
    put, delete = request.get("PutRequest"), request.get("DeleteRequest")
    return dict(put["Item"] if put else delete["Key"] if delete else {})


def _queried(request: Mapping[str, Any]) -> list[str]:
    """The value that the hash key of table or index must equal."""
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    hash_key = _hash_key(str(request["TableName"]), request.get("IndexName"))
    for name, value in _EQUAL.findall(str(request["KeyConditionExpression"])):
        if names.get(name, name) == hash_key:
            return _plain(values.get(value) or {})
    return []


def _leading(table: str, item: Mapping[str, Any]) -> list[str]:
    return _plain(item.get(_hash_key(table)) or {})


def _plain(value: Mapping[str, Any]) -> list[str]:
    return [str(value[kind]) for kind in _VALUES if kind in value]


def _hash_key(table: str, index: str | None = None) -> str:
    described = dynamodb._tables.get(_name(table)) or {}
    for one in described.get("GlobalSecondaryIndexes") or ():
        if index is not None and one["IndexName"] == index:
            described = one
    schema = described.get("KeySchema") or ()
    return next((str(part["AttributeName"]) for part in schema if part["KeyType"] == "HASH"), "")


def _name(table: str) -> str:
    return _table_of(table) if table.startswith("arn:") else table


def _table_of(arn: str) -> str:
    return arn.partition(":table/")[2].partition("/")[0]
