"""The document store in a file of SQLite: for histories that are too long to be kept in memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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

Row = tuple[Any, ...]
"""A document as ``row_of`` makes it, in the order of ``_COLUMNS``; a counter has ``used`` and neither version nor body.
"""
_COLUMNS = (
    *("pk", "sk", "version", "body", "used", "lane", "due_at"),
    *("owner", "listed_at", "summary", "own", "own2", "own_at"),
)
_NAMES = ", ".join(_COLUMNS)
_PLACES = ", ".join("?" * len(_COLUMNS))
_INDEXES = {
    "by_due": "(lane, due_at) WHERE due_at IS NOT NULL",
    "by_owner": "(owner, listed_at) WHERE owner IS NOT NULL",
    "by_own": "(own, own_at, pk, sk) WHERE own IS NOT NULL",
    "by_own2": "(own2, own_at, pk, sk) WHERE own2 IS NOT NULL",
}
_LAST = "\U0010ffff"


def row_of(write: Create) -> Row:
    """A new document's row, for ``fill``."""
    return _row(write, 1)


class SqliteStore:
    """Documents in one table of a file; of one process and thread. What is committed survives the process only."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        columns = ", ".join(f"{name} INTEGER" if name in ("version", "used") else name for name in _COLUMNS)
        self._db.execute(f"CREATE TABLE IF NOT EXISTS documents ({columns})")
        self.write_units = 0
        if not self._db.execute("SELECT 1 FROM documents LIMIT 1").fetchone():
            self._unique()
            self._others()

    def close(self) -> None:
        """Write everything into the one file."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    @contextmanager
    def filling(self) -> Iterator[None]:
        """For ``fill``: until its end, lists do not show what is written, and nothing keeps a key from coming twice.

        Raises sqlite3.IntegrityError at its end for a key that did.
        """
        for name in ("by_key", *_INDEXES):
            self._db.execute(f"DROP INDEX IF EXISTS {name}")
        self._db.execute("BEGIN")
        yield
        self._db.execute("COMMIT")
        self._unique()
        self._others()

    def fill(self, rows: Iterable[Row]) -> None:
        """Write many new documents, or counters, without conditions."""
        self._db.executemany(f"INSERT INTO documents ({_NAMES}) VALUES ({_PLACES})", rows)

    def get(self, pk: str, sk: str) -> Item | None:
        found = self._one(pk, sk)
        return None if found is None else _item(found)

    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        return [self.get(*key) for key in keys]

    def query(self, pk: str, prefix: str, *, start: str | None = None) -> list[Item]:
        first = prefix if start is None else start
        found = self._rows("pk = ? AND sk >= ? AND sk <= ? ORDER BY sk", pk, first, prefix + _LAST)
        return [_item(row) for row in found]

    def counter(self, pk: str, sk: str) -> int:
        found = self._one(pk, sk)
        return 0 if found is None else int(found[4] or 0)

    def due(self, before: str, *, since: str = "", lane: str = MAIN_LANE, most: int | None = None) -> list[Item]:
        wanted = "due_at IS NOT NULL AND lane = ? AND due_at >= ? AND due_at < ? ORDER BY due_at LIMIT ?"
        return [_item(row) for row in self._rows(wanted, lane, since, before, -1 if most is None else most)]

    def listed(self, owner: str, since: str, *, most: int = 200, after: Position | None = None) -> list[Listing]:
        wanted, values = "owner = ? AND listed_at >= ?", [owner, since]
        if after is not None:
            wanted += " AND (listed_at, pk, sk) < (?, ?, ?)"
            values += [after.at, after.pk, after.sk]
        found = self._rows(f"{wanted} ORDER BY listed_at DESC, pk DESC, sk DESC LIMIT ?", *values, most)
        return [_listing(row) for row in found]

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
        own = "own2" if second else "own"
        wanted, values = f"{own} = ? AND own_at >= ? AND own_at <= ?", [owner, first, last]
        if after is not None:
            wanted += " AND (own_at, pk, sk) < (?, ?, ?)"
            values += [after.at, after.pk, after.sk]
        found = self._rows(f"{wanted} ORDER BY own_at DESC, pk DESC, sk DESC LIMIT ?", *values, most)
        return [Position(str(row[12]), str(row[0]), str(row[1])) for row in found]

    def scan(self, pk_prefix: str, sk_prefix: str = "") -> Iterator[Item]:
        wanted = "pk >= ? AND pk <= ?"
        for row in self._rows(wanted, pk_prefix, pk_prefix + _LAST):
            if row[1].startswith(sk_prefix):
                yield _scanned(row)

    def scan_page(
        self, pk_prefix: str, sk_prefix: str = "", *, after: Key | None = None, most: int = 1000
    ) -> tuple[list[Item], Key | None]:
        # With another bound below, SQLite would begin there and pass over all that was read before.
        wanted = "(pk, sk) > (?, ?) AND pk <= ?"
        values = [*(after or (pk_prefix, "")), pk_prefix + _LAST]
        rows = list(self._rows(f"{wanted} ORDER BY pk, sk LIMIT ?", *values, most + 1))
        found = [_scanned(row) for row in rows[:most] if row[1].startswith(sk_prefix)]
        return found, (rows[most - 1][0], rows[most - 1][1]) if len(rows) > most else None

    def transact(self, writes: Sequence[Write]) -> None:
        self.write_units += 1 if len(writes) == 1 and not isinstance(writes[0], Count) else 2 * len(writes)
        self._db.execute("BEGIN IMMEDIATE")
        try:
            failed = tuple(at for at, write in enumerate(writes) if not self._holds(write))
            if failed:
                raise WriteConflictError("The records changed meanwhile.", failed=failed)
            for write in writes:
                self._write(write)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _holds(self, write: Write) -> bool:
        if isinstance(write, Count):
            total = self.counter(write.pk, write.sk) + write.amount_fen
            return write.limit_fen is None or write.amount_fen <= 0 or total <= write.limit_fen
        stored = self._one(write.pk, write.sk)
        return stored is None if isinstance(write, Create) else stored is not None and stored[2] == write.version

    def _write(self, write: Write) -> None:
        if isinstance(write, Count):
            fen = self.counter(write.pk, write.sk) + write.amount_fen
            values: Row = (write.pk, write.sk, None, None, fen, *[None] * 8)
        else:
            values = _row(write, write.version + 1 if isinstance(write, Replace) else 1)
        self._db.execute(f"INSERT OR REPLACE INTO documents ({_NAMES}) VALUES ({_PLACES})", values)

    def _one(self, pk: str, sk: str) -> Row | None:
        return next(self._rows("pk = ? AND sk = ?", pk, sk), None)

    def _rows(self, wanted: str, *values: object) -> Iterator[Row]:
        return iter(self._db.execute(f"SELECT {_NAMES} FROM documents WHERE {wanted}", values))

    def _unique(self) -> None:
        self._db.execute("CREATE UNIQUE INDEX IF NOT EXISTS by_key ON documents (pk, sk)")

    def _others(self) -> None:
        for name, what in _INDEXES.items():
            self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON documents {what}")


def _row(write: Create | Replace, version: int) -> Row:
    listing, owned = write.listing, write.owned
    return (
        write.pk,
        write.sk,
        version,
        _json(write.body),
        None,
        None if write.due is None else lane_of(write.pk),
        write.due,
        *((None, None, None) if listing is None else (listing.owner, listing.at, _json(listing.summary))),
        *((None, None, None) if owned is None else (owned.owner, owned.second, owned.at)),
    )


def _json(body: Document) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _item(row: Row) -> Item:
    pk, sk, version, body, _, _, due, owner, _, _, own, own2, own_at = row
    listing = None if owner is None else _listing(row)
    owned = None if own is None else Owned(own, own_at, own2)
    return Item(pk, sk, {} if body is None else json.loads(body), version or 0, listing, due, owned)


def _scanned(row: Row) -> Item:
    """As a scan answers it: a counter with its value."""
    return _item(row) if row[4] is None else Item(row[0], row[1], {"fen": int(row[4])}, 0)


def _listing(row: Row) -> Listing:
    return Listing(row[7], row[8], json.loads(row[9]), (row[0], row[1]))
