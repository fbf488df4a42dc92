"""Stand-ins in memory for backups: the vault, the buckets of a context of stand-ins, and its tables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from fakes import MemoryStore
from rongtong.services.backup_ports import Backups, Instant, Listed, Row
from rongtong.services.context import Context
from rongtong.services.storage import Item, Listing, Owned

_PAGE = 25


@dataclass
class MemoryBucket:
    """A bucket or a vault over a dictionary."""

    objects: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, list[bytes]] = field(default_factory=dict)
    """What was under a key before a test replaced it, the newest first."""
    read: list[str] = field(default_factory=list)
    locks_for: timedelta | None = None
    locked: dict[str, datetime] = field(default_factory=dict)
    """Until when a key was asked to be kept."""

    def retention(self) -> timedelta | None:
        return self.locks_for

    def keep(self, key: str, until: datetime) -> datetime | None:
        assert self.locks_for is not None
        if key not in self.objects:
            return None
        self.locked[key] = max(until, self.locked.get(key, until))
        return self.locked[key]

    def create(self, name: str, content: bytes) -> bool:
        own = bytes(bytearray(content))
        return self.objects.setdefault(name, own) is own

    def get(self, name: str) -> bytes | None:
        self.read.append(name)
        return self.objects.get(name)

    def page(self, after: str) -> list[Listed]:
        names = sorted(name for name in self.objects if name > after)[:_PAGE]
        return [Listed(name, len(self.objects[name]), _tag(self.objects[name])) for name in names]

    def earlier(self, key: str) -> Iterator[bytes]:
        return iter(self.versions.get(key, []))

    def keys(self, prefix: str) -> list[str]:
        return sorted(name for name in self.objects if name.startswith(prefix))


class MemoryTables:
    """Pairs of tables, each a store; a snapshot is a copy of what the platform's own hold right then."""

    def __init__(self, own: MemoryStore) -> None:
        self.stores: dict[str, MemoryStore] = {"": own}
        self.looks_until_ready = 0

    def latest(self) -> Instant:
        return Instant(datetime(2026, 3, 3, tzinfo=UTC), timedelta(minutes=5))

    def snapshot(self, pair: str, at: datetime) -> None:
        if pair not in self.stores:
            self.stores[pair] = MemoryStore()
            self.stores[pair].items = dict(self.stores[""].items)
            self.stores[pair].counters = dict(self.stores[""].counters)

    def make(self, pair: str, schemas: Mapping[str, str]) -> None:
        assert set(schemas) == {"business", "evidence"}
        self.stores.setdefault(pair, MemoryStore())

    def protect(self) -> None:
        pass

    def ready(self, pair: str) -> bool:
        self.looks_until_ready -= 1
        return self.looks_until_ready < 0

    def schemas(self, pair: str = "") -> dict[str, str]:
        assert pair in self.stores
        return {"business": "{}", "evidence": "{}"}

    def page(self, pair: str, table: str, after: str) -> tuple[list[Row], str]:
        store = self.stores[pair]
        behind = tuple(json.loads(after)) if after else ("", "")
        keys = sorted(key for key in [*store.items, *store.counters] if key > behind and _table(key[0]) == table)
        rows = [_row(store, key) for key in keys[:_PAGE]]
        return rows, json.dumps(keys[_PAGE - 1]) if len(keys) > _PAGE else ""

    def load(self, pair: str, table: str, rows: Sequence[Row]) -> None:
        for row in rows:
            assert _table(row["pk"]["S"]) == table
            _put(self.stores[pair], row)

    def store(self, pair: str) -> MemoryStore:
        return self.stores[pair]

    def drop(self, pair: str) -> None:
        assert pair
        self.stores.pop(pair, None)


def with_backups(context: Context) -> Context:
    """The context with a vault, and with its own stores as what is backed up."""
    parts: Any = context
    buckets = {
        "archive": MemoryBucket(parts.archive.objects),
        "log": MemoryBucket(parts.files.files),
        "imports": MemoryBucket(parts.uploads.files),
    }
    return replace(context, backups=Backups(MemoryBucket(), buckets, MemoryTables(parts.store)))


def _tag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _table(pk: str) -> str:
    return "evidence" if pk == "log" or pk.startswith("log#") else "business"


def _row(store: MemoryStore, key: tuple[str, str]) -> Row:
    texts = {"pk": key[0], "sk": key[1]}
    if key in store.counters:
        return {**{name: {"S": text} for name, text in texts.items()}, "used": {"N": str(store.counters[key])}}
    item = store.items[key]
    texts["body"] = json.dumps(item.body, ensure_ascii=False)
    if item.due is not None:
        texts["due_at"] = item.due
    if item.listing is not None:
        texts |= {"owner": item.listing.owner, "listed_at": item.listing.at}
        texts["summary"] = json.dumps(item.listing.summary)
    if item.owned is not None:
        texts |= {"own": item.owned.owner, "own_at": item.owned.at}
        texts |= {} if item.owned.second is None else {"own2": item.owned.second}
    return {**{name: {"S": text} for name, text in texts.items()}, "version": {"N": str(item.version)}}


def _put(store: MemoryStore, row: Row) -> None:
    texts = {name: value.get("S", "") for name, value in row.items()}
    key = texts["pk"], texts["sk"]
    if "used" in row:
        store.counters[key] = int(row["used"]["N"])
        return
    listing = Listing(texts["owner"], texts["listed_at"], json.loads(texts["summary"])) if "owner" in texts else None
    owned = Owned(texts["own"], texts["own_at"], texts.get("own2")) if "own" in texts else None
    version = int(row["version"]["N"])
    store.items[key] = Item(*key, json.loads(texts["body"]), version, listing, texts.get("due_at"), owned)
