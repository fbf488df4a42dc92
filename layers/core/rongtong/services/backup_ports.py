"""What backups and restores need from outside: the vault in another region, the buckets copied, whole tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from rongtong.services.storage import Store

Row = dict[str, dict[str, str]]
"""A record as DynamoDB tells it: each attribute with its type, ``{"pk": {"S": …}}``."""


@dataclass(frozen=True)
class Listed:
    """An object of a bucket as a listing tells it; ``tag`` changes with its content."""

    name: str
    size: int
    tag: str


class Vault(Protocol):
    """Where backups lie: what is put there stays as it is."""

    def create(self, key: str, content: bytes) -> bool:
        """Put; False, and no change, where the key is taken."""

    def get(self, key: str) -> bytes | None:
        """The newest content under the key, None where there is none."""

    def keys(self, prefix: str) -> list[str]:
        """Every key that begins so, in order."""

    def retention(self) -> timedelta | None:
        """So long nobody can delete what is put there; None where nothing is locked."""

    def keep(self, key: str, until: datetime) -> datetime | None:
        """Let nobody delete the newest content before then, which is never shortened; until when it is kept by now.

        None where there is none. Not to be asked of a vault that locks nothing.
        """

    def earlier(self, key: str) -> Iterator[bytes]:
        """What was under the key before it was replaced, the newest first: who locks objects keeps every version."""


class Bucket(Protocol):
    """A bucket whose objects are copied."""

    def page(self, after: str) -> list[Listed]:
        """The next objects behind this name, in order; none: that was the end."""

    def get(self, name: str) -> bytes | None:
        """An object's content, None where there is none (any more)."""

    def create(self, name: str, content: bytes) -> bool:
        """Put; False, and no change, where there is one of this name."""


@dataclass(frozen=True)
class Instant:
    """A moment to which tables can be set back: by the database's time, and how long ago that is by now."""

    at: datetime
    ago: timedelta


class Tables(Protocol):
    """Whole tables. A pair, of business records and evidence, has a name; ``""`` are the platform's own."""

    def latest(self) -> Instant:
        """The latest moment to which both tables can be set back."""

    def snapshot(self, pair: str, at: datetime) -> None:
        """Begin to make a pair that holds what the platform's own held at that moment; a repeat is no change."""

    def make(self, pair: str, schemas: Mapping[str, str]) -> None:
        """Make the tables of a pair that are not there, empty; a repeat is no change."""

    def protect(self) -> None:
        """Let the platform's own tables be set back to any moment from now on; a repeat is no change."""

    def ready(self, pair: str) -> bool:
        """Whether both tables of a pair can be read and written."""

    def schemas(self, pair: str = "") -> dict[str, str]:
        """How the tables of a pair are made again, by table."""

    def page(self, pair: str, table: str, after: str) -> tuple[list[Row], str]:
        """Some records behind a place, and the place behind them; empty: that was the end."""

    def load(self, pair: str, table: str, rows: Sequence[Row]) -> None:
        """Put records as they are, whatever is there under their keys."""

    def store(self, pair: str) -> Store:
        """The documents of a pair."""

    def drop(self, pair: str) -> None:
        """Delete a pair, which is not the platform's own; one that is gone is no error."""


@dataclass(frozen=True)
class Backups:
    """The collaborators of backups; ``buckets`` by the names of ``domain.backup.BUCKETS``."""

    vault: Vault
    buckets: Mapping[str, Bucket]
    tables: Tables
