"""The document store on DynamoDB, through PynamoDB. Cloud errors become the services' own here and nowhere else."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection, KeysOnlyProjection
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from rongtong.services.storage import (
    MAIN_LANE,
    Count,
    Create,
    Document,
    Item,
    Key,
    Listing,
    Owned,
    Position,
    Replace,
    Write,
    WriteConflictError,
    lane_of,
)

_EVIDENCE = "log"
_RETRYABLE = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_CONDITION = "ConditionalCheckFailed"
_RETRIES = 8
AWS_RETRIES = 2
"""Of one call that was not answered; a conditional put that was stored then reads as a conflict, and is read again."""


class _Due(GlobalSecondaryIndex["_Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves its hook untyped
    """Sparse: only documents that somebody must still look after have its attributes."""

    class Meta:
        index_name = "due"
        projection = KeysOnlyProjection()

    due = UnicodeAttribute(hash_key=True)
    due_at = UnicodeAttribute(range_key=True)


class _Listed(GlobalSecondaryIndex["_Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves its hook untyped
    """Documents by owner and instant; what it shows of one never changes, so later writes cost the index nothing."""

    class Meta:
        index_name = "listed"
        projection = IncludeProjection(["summary"])

    owner = UnicodeAttribute(hash_key=True)
    listed_at = UnicodeAttribute(range_key=True)
    summary = UnicodeAttribute()


class _Owned(GlobalSecondaryIndex["_Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves its hook untyped
    """Documents by whose they are and when they were made; its attributes are written once."""

    class Meta:
        index_name = "owned"
        projection = KeysOnlyProjection()

    own = UnicodeAttribute(hash_key=True)
    own_at = UnicodeAttribute(range_key=True)


class _OwnedToo(GlobalSecondaryIndex["_Record"]):  # type: ignore[no-untyped-call]  # PynamoDB leaves its hook untyped
    """The same for whoever else a document belongs to."""

    class Meta:
        index_name = "owned_too"
        projection = KeysOnlyProjection()

    own2 = UnicodeAttribute(hash_key=True)
    own_at = UnicodeAttribute(range_key=True)


class _Record(Model):
    """One document or one counter."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)
    used = NumberAttribute(null=True)
    due = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)
    owner = UnicodeAttribute(null=True)
    listed_at = UnicodeAttribute(null=True)
    summary = UnicodeAttribute(null=True)
    own = UnicodeAttribute(null=True)
    own2 = UnicodeAttribute(null=True)
    own_at = UnicodeAttribute(null=True)

    by_due = _Due()
    by_owner = _Listed()
    by_own = _Owned()
    by_own2 = _OwnedToo()


def _table(name: str, region: str, endpoint: str | None) -> type[_Record]:
    meta = type("Meta", (), {"table_name": name, "region": region, "host": endpoint})
    return type("Record", (_Record,), {"Meta": meta})


class DynamoStore:
    """Documents in two tables: partitions whose key begins with ``log`` are evidence, all others business.

    Two tables, so that a function may be allowed to change business records without reaching the evidence log.
    PynamoDB does not retry a transaction that met another one (TransactionConflict); this adapter does.
    """

    def __init__(
        self, business: str, evidence: str, *, region: str, endpoint: str | None = None, timeout_s: float = 5.0
    ) -> None:
        self._business = _table(business, region, endpoint)
        self._evidence = _table(evidence, region, endpoint)
        self._connection = Connection(
            region=region,
            host=endpoint,
            connect_timeout_seconds=timeout_s,
            read_timeout_seconds=timeout_s,
            max_retry_attempts=AWS_RETRIES,
        )
        self._spent = 0.0
        for record in (self._business, self._evidence):
            # One client for both tables and for transactions: each costs a tenth of a second at a cold start.
            table = record._get_connection()
            self._connection.add_meta_table(table.get_meta_table())
            table.connection = self._connection
        self._count_capacity()

    @property
    def session(self) -> Any:
        """The botocore session, for other clients to share: it holds credentials and parsed service descriptions."""
        return self._connection.session

    @property
    def write_units(self) -> int:
        """Write units of the tables so far, without their indexes, which the emulator reports of some writes only.

        DynamoDB reports none for a cancelled transaction: two per document are counted.
        """
        return round(self._spent)

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one document, strongly consistent."""
        try:
            record = self._record(pk).get(pk, sk, consistent_read=True)
        except Model.DoesNotExist:
            return None
        return _item(record)

    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        """Read up to 100 documents in one go, each strongly consistent, in the order asked for."""
        found: dict[Key, Item] = {}
        for table in (self._business, self._evidence):
            wanted = [key for key in dict.fromkeys(keys) if self._record(key[0]) is table]
            if wanted:
                for record in table.batch_get(wanted, consistent_read=True):
                    found[str(record.pk), str(record.sk)] = _item(record)
        return [found.get(key) for key in keys]

    def query(self, pk: str, prefix: str, *, start: str | None = None) -> list[Item]:
        """All documents of a partition whose sort key begins with ``prefix``, in key order, from ``start`` on."""
        condition: Condition | None = None
        if start is not None:
            condition = _Record.sk.between(start, prefix + "\U0010ffff")
        elif prefix:
            condition = _Record.sk.startswith(prefix)
        return [_item(record) for record in self._record(pk).query(pk, condition, consistent_read=True)]

    def counter(self, pk: str, sk: str) -> int:
        """A counter's value in fen; 0 if it was never written."""
        try:
            record = self._record(pk).get(pk, sk, consistent_read=True)
        except Model.DoesNotExist:
            return 0
        return int(record.used or 0)

    def due(self, before: str, *, since: str = "", lane: str = MAIN_LANE, most: int | None = None) -> list[Item]:
        """Documents of a lane that are ``due`` from ``since`` on and before this instant, oldest first."""
        # DynamoDB's BETWEEN takes in both its ends.
        when = _Due.due_at.between(since, before) if since else _Due.due_at < before
        keys = [key for key in self._business.by_due.query(lane, when, limit=most) if str(key.due_at) < before]
        found = [self.get(str(key.pk), str(key.sk)) for key in keys]
        return [item for item in found if item is not None]

    def listed(self, owner: str, since: str, *, most: int = 200, after: Position | None = None) -> list[Listing]:
        """What is listed under the owner from this instant on, newest first; a write shows here a moment later."""
        if after is not None and after.at < since:
            return []
        found = self._business.by_owner.query(
            owner,
            _Listed.listed_at >= since,
            scan_index_forward=False,
            limit=most,
            last_evaluated_key=None if after is None else _key_of("owner", "listed_at", owner, after),
        )
        return [_listing(record) for record in found]

    def page(
        self,
        owner: str,
        *,
        second: bool = False,
        after: Position | None = None,
        first: str = "0",
        last: str = "9",
        most: int = 50,
    ) -> list[Position]:
        """What stands in an owner's list, newest first, behind ``after``; a write shows here a moment later."""
        if first > last or (after is not None and after.at < first):
            return []
        # A place outside of what is asked for is none that DynamoDB begins behind; all of it comes after a later one.
        start = None if after is None or after.at > last else after
        index, name = (self._business.by_own2, "own2") if second else (self._business.by_own, "own")
        found = index.query(
            owner,
            _Record.own_at.between(first, last),
            scan_index_forward=False,
            limit=most,
            last_evaluated_key=None if start is None else _key_of(name, "own_at", owner, start),
        )
        return [Position(str(record.own_at), str(record.pk), str(record.sk)) for record in found]

    def scan(self, pk_prefix: str, sk_prefix: str = "") -> Iterator[Item]:
        """Every document and counter whose keys begin so. It reads, and pays for, the whole table page by page."""
        wanted = _Record.pk.startswith(pk_prefix)
        if sk_prefix:
            wanted &= _Record.sk.startswith(sk_prefix)
        for record in self._record(pk_prefix).scan(wanted, consistent_read=True):
            yield _scanned(record)

    def scan_page(
        self, pk_prefix: str, sk_prefix: str = "", *, after: Key | None = None, most: int = 1000
    ) -> tuple[list[Item], Key | None]:
        """A part of the same, out of ``most`` records behind ``after``, and the place behind which to go on."""
        table = self._record(pk_prefix)
        wanted = _Record.sk.startswith(sk_prefix) if sk_prefix else None
        if pk_prefix:
            wanted = _Record.pk.startswith(pk_prefix) if wanted is None else _Record.pk.startswith(pk_prefix) & wanted
        start = None if after is None else {"pk": {"S": after[0]}, "sk": {"S": after[1]}}
        pages = table.scan(wanted, consistent_read=True, page_size=most, last_evaluated_key=start).page_iter
        page: Any = next(pages)
        end = page.get("LastEvaluatedKey")
        found = [_scanned(table.from_raw_data(raw)) for raw in page["Items"]]
        return found, None if end is None else (str(end["pk"]["S"]), str(end["sk"]["S"]))

    def transact(self, writes: Sequence[Write]) -> None:
        """Write all or nothing; a single document is an ordinary conditional put at half the price."""
        if len(writes) == 1 and not isinstance(writes[0], Count):
            self._put(writes[0])
            return
        for attempt in range(_RETRIES):
            try:
                self._transact(writes)
            except TransactWriteError as error:
                self._spent += 2 * len(writes)
                if not error.cancellation_reasons:
                    raise
                reasons = [reason.code if reason else None for reason in error.cancellation_reasons]
                failed = tuple(
                    sorted(at for at, code in zip(_sent_order(writes), reasons, strict=True) if code == _CONDITION)
                )
                if failed:
                    raise WriteConflictError("The records changed meanwhile.", failed=failed) from error
                if attempt + 1 == _RETRIES or not _RETRYABLE & set(reasons):
                    raise
                _back_off(attempt)
                continue
            return

    def _transact(self, writes: Sequence[Write]) -> None:
        with TransactWrite(connection=self._connection, return_consumed_capacity="INDEXES") as transaction:
            for write in writes:
                table = self._record(write.pk)
                if isinstance(write, Count):
                    key = table(write.pk, write.sk)
                    transaction.update(key, actions=[_Record.used.add(write.amount_fen)], condition=_room(write))
                else:
                    record, condition = self._put_of(write)
                    transaction.save(record, condition=condition)

    def _put(self, write: Create | Replace) -> None:
        record, condition = self._put_of(write)
        for attempt in range(_RETRIES):
            try:
                record.save(condition=condition)
            except PutError as error:
                if error.cause_response_code == "ConditionalCheckFailedException":
                    raise WriteConflictError("The record changed meanwhile.", failed=(0,)) from error
                if attempt + 1 == _RETRIES or error.cause_response_code != "TransactionConflictException":
                    raise
                _back_off(attempt)
                continue
            return

    def _put_of(self, write: Create | Replace) -> tuple[_Record, Condition]:
        body = json.dumps(write.body, ensure_ascii=False, separators=(",", ":"))
        version = write.version + 1 if isinstance(write, Replace) else 1
        record = self._record(write.pk)(write.pk, write.sk, version=version, body=body)
        if write.listing is not None:
            record.owner, record.listed_at = write.listing.owner, write.listing.at
            record.summary = json.dumps(write.listing.summary, ensure_ascii=False, separators=(",", ":"))
        if write.owned is not None:
            record.own, record.own2, record.own_at = write.owned.owner, write.owned.second, write.owned.at
        if write.due is not None:
            record.due, record.due_at = lane_of(write.pk), write.due
        if isinstance(write, Replace):
            return record, _Record.version == write.version
        return record, _Record.pk.does_not_exist()

    def _record(self, pk: str) -> type[_Record]:
        return self._evidence if pk == _EVIDENCE or pk.startswith(f"{_EVIDENCE}#") else self._business

    def _count_capacity(self) -> None:
        events = self._connection.client.meta.events
        for operation in ("PutItem", "TransactWriteItems"):
            events.register(f"provide-client-params.dynamodb.{operation}", _ask_capacity)
            events.register(f"after-call.dynamodb.{operation}", self._add_capacity)

    def _add_capacity(self, parsed: dict[str, Any], **_: Any) -> None:
        reported = parsed.get("ConsumedCapacity", [])
        for entry in reported if isinstance(reported, list) else [reported]:
            table = entry.get("Table", entry)
            self._spent += float(table.get("WriteCapacityUnits", table.get("CapacityUnits", 0)))


def _sent_order(writes: Sequence[Write]) -> list[int]:
    """Positions in the order in which PynamoDB sends them: all puts, then all updates."""
    return sorted(range(len(writes)), key=lambda at: isinstance(writes[at], Count))


def _back_off(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.01 * 2**attempt))


def _ask_capacity(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {**params, "ReturnConsumedCapacity": "INDEXES"}


def _room(write: Count) -> Condition | None:
    if write.limit_fen is None or write.amount_fen <= 0:
        return None
    room = write.limit_fen - write.amount_fen
    within: Condition = _Record.used <= room
    return within | _Record.used.does_not_exist() if room >= 0 else within


def _item(record: _Record) -> Item:
    body: Document = json.loads(record.body) if record.body is not None else {}
    listing = None if record.owner is None else _listing(record)
    due = None if record.due_at is None else str(record.due_at)
    owned = None
    if record.own is not None:
        owned = Owned(str(record.own), str(record.own_at), None if record.own2 is None else str(record.own2))
    return Item(str(record.pk), str(record.sk), body, int(record.version or 0), listing, due, owned)


def _scanned(record: _Record) -> Item:
    """As a scan answers it: a counter with its value."""
    item = _item(record)
    return item if record.used is None else replace(item, body={"fen": int(record.used)})


def _key_of(name: str, instant: str, owner: str, position: Position) -> dict[str, dict[str, str]]:
    key = {"pk": position.pk, "sk": position.sk, name: owner, instant: position.at}
    return {attribute: {"S": value} for attribute, value in key.items()}


def _listing(record: _Record) -> Listing:
    key = str(record.pk), str(record.sk)
    return Listing(str(record.owner), str(record.listed_at), json.loads(str(record.summary)), key)
