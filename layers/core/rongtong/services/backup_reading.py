"""Reading backups: nothing of one is used before its hash leads to the manifest, and the manifest to the log's key."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rongtong.domain.backup import (
    BackupDamagedError,
    Entry,
    Manifest,
    content_key,
    list_key,
    manifest_key,
    open_manifest,
    read_list,
)
from rongtong.domain.note import VerifierKey
from rongtong.services.backup_ports import Row, Tables, Vault

_AT_ONCE = 8


def backup_ids(vault: Vault) -> list[str]:
    """Every backup that is there, the newest first; none of them is verified."""
    prefix = manifest_key("")
    return sorted((key.removeprefix(prefix) for key in vault.keys(prefix)), reverse=True)


def opened(vault: Vault, backup_id: str, keys: Sequence[VerifierKey]) -> Manifest:
    """A backup's manifest, verified. Raises BackupDamagedError."""
    return open_manifest(backup_id, vault.get(manifest_key(backup_id)), keys)


Seen = Callable[[BackupDamagedError], None]
"""Who hears of damage that an earlier version makes up for; it may raise it."""


def _forgive(_: BackupDamagedError) -> None:
    """What an earlier version makes up for is right all the same."""


def entries(vault: Vault, backup_id: str, holding: str, listed: Entry, seen: Seen = _forgive) -> list[Entry]:
    """What a list of a holding names, verified. Raises BackupDamagedError."""
    try:
        return read_list(_right(vault, list_key(backup_id, listed), listed, holding, seen))
    except ValueError as error:
        raise BackupDamagedError(f"{holding}: {list_key(backup_id, listed)}", "cannot be read") from error


def content(vault: Vault, backup_id: str, holding: str, entry: Entry, seen: Seen = _forgive) -> bytes:
    """The copy of a part of a table or of an object, verified. Raises BackupDamagedError."""
    return _right(vault, content_key(backup_id, holding, entry), entry, f"{holding} {entry.name}", seen)


def contents(
    vault: Vault, backup_id: str, holding: str, wanted: Sequence[Entry], seen: Seen = _forgive
) -> Iterator[tuple[Entry, bytes]]:
    """The same for many, read side by side. Raises BackupDamagedError."""

    def read(entry: Entry) -> bytes:
        return content(vault, backup_id, holding, entry, seen)

    with ThreadPoolExecutor(_AT_ONCE) as hands:
        for at in range(0, len(wanted), _AT_ONCE):
            some = wanted[at : at + _AT_ONCE]
            yield from zip(some, hands.map(read, some), strict=True)


def part(
    vault: Vault, backup_id: str, holding: str, listed: Entry, seen: Seen = _forgive
) -> Iterator[tuple[Entry, bytes]]:
    """What one list of a holding names, with its content, verified. Raises BackupDamagedError."""
    yield from contents(vault, backup_id, holding, entries(vault, backup_id, holding, listed, seen), seen)


def every(vault: Vault, manifest: Manifest, holding: str) -> Iterator[tuple[Entry, bytes]]:
    """Every part or object of a holding with its content, verified. Raises BackupDamagedError."""
    for listed in manifest.holdings[holding]:
        yield from part(vault, manifest.backup_id, holding, listed)


@dataclass(frozen=True)
class Source:
    """Where records are restored from: a backup, or a pair of tables that the database has set back."""

    name: str
    recovery_point: str
    """ISO 8601."""
    schemas: Mapping[str, str]
    rows: Callable[[str], Iterator[list[Row]]]
    """Every record of a table, some at a time."""
    manifest: Manifest | None = None
    """The backup's, which says what the buckets held."""


def of_backup(vault: Vault, manifest: Manifest) -> Source:
    """A backup's records; reading them raises BackupDamagedError."""

    def rows(table: str) -> Iterator[list[Row]]:
        return (unpacked(content) for _, content in every(vault, manifest, f"tables/{table}"))

    return Source(manifest.backup_id, manifest.recovery_point, manifest.schemas, rows, manifest)


def of_pair(tables: Tables, pair: str, recovery_point: str) -> Source:
    """The records of a pair of tables beside the platform's own."""

    def rows(table: str) -> Iterator[list[Row]]:
        after = None
        while after != "":
            page, after = tables.page(pair, table, after or "")
            yield page

    return Source(f"pair-{pair}", recovery_point, tables.schemas(pair), rows)


def packed(rows: Sequence[Row]) -> bytes:
    """A part of a table as it is stored: one JSON text a line, compressed; the same records give the same bytes."""
    lines = [json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")) for row in rows]
    return gzip.compress("\n".join(lines).encode(), mtime=0)


def unpacked(packed_rows: bytes) -> list[Row]:
    """The records again."""
    lines = gzip.decompress(packed_rows).decode()
    return [json.loads(line) for line in lines.split("\n")] if lines else []


def _right(vault: Vault, key: str, entry: Entry, what: str, seen: Seen) -> bytes:
    found = vault.get(key)
    if found is not None and entry.is_of(found):
        return found
    why = "is missing" if found is None else "is not what was backed up: its SHA-256 differs"
    damage = BackupDamagedError(f"{what}: {key}", why)
    for earlier in vault.earlier(key):
        if entry.is_of(earlier):
            seen(damage)
            return earlier
    raise damage
