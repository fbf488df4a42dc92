"""A backup as the platform would see it once it is restored: its records in tables, its buckets read from the vault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rongtong.domain.backup import Entry, Manifest
from rongtong.services import backup_reading
from rongtong.services.backup_ports import Backups, Vault
from rongtong.services.context import Context


class BackedUpFiles:
    """The log's files as a backup has them, each verified as it is read; nothing can be written."""

    def __init__(self, vault: Vault, backup_id: str, entries: Mapping[str, Entry]) -> None:
        self._vault = vault
        self._backup_id = backup_id
        self._entries = entries

    def get_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """The files' contents in the order asked for. Raises BackupDamagedError."""
        wanted = [self._entries[path] for path in paths if path in self._entries]
        read = backup_reading.contents(self._vault, self._backup_id, "buckets/log", wanted)
        found = {entry.name: content for entry, content in read}
        return [found.get(path) for path in paths]

    def names(self, prefix: str) -> list[str]:
        """Paths that begin so, at most 1,000 of them, in order."""
        return sorted(path for path in self._entries if path.startswith(prefix))[:1000]

    def create(self, path: str, content: bytes) -> bool:
        """Never."""
        raise PermissionError(f"{path} of {len(content)} bytes cannot be written into a backup.")

    def create_all(self, files: Mapping[str, bytes]) -> None:
        """Never."""
        raise PermissionError(f"{len(files)} files cannot be written into a backup.")

    def put(self, path: str, content: bytes) -> None:
        """Never."""
        self.create(path, content)

    def delete(self, path: str) -> None:
        """Never."""
        raise PermissionError(f"{path} cannot be deleted from a backup.")


def restored_view(
    context: Context, backups: Backups, manifest: Manifest, pair: str
) -> tuple[Context, Callable[[str], str | None]]:
    """The context of the restored pair, and what tells the SHA-256 of what was archived under a key.

    It keeps a line for every object of the log and the archive in memory.
    """
    files = BackedUpFiles(backups.vault, manifest.backup_id, _entries(backups.vault, manifest, "buckets/log"))
    return replace(context, store=backups.tables.store(pair), files=files), archived_in(backups, manifest)


def archived_in(backups: Backups, manifest: Manifest) -> Callable[[str], str | None]:
    """What tells the SHA-256 of what the backup has of the archive under a key. Raises BackupDamagedError."""
    contracts = _entries(backups.vault, manifest, "buckets/archive")

    def archived(key: str) -> str | None:
        entry = contracts.get(key)
        return None if entry is None else entry.sha256

    return archived


def archived_now(context: Context) -> Callable[[str], str | None]:
    """What tells the SHA-256 of what the archive has under a key; each object is read for it."""

    def archived(key: str) -> str | None:
        content = context.archive.get(key)
        return None if content is None else hashlib.sha256(content).hexdigest()

    return archived


def _entries(vault: Vault, manifest: Manifest, holding: str) -> dict[str, Entry]:
    parts = manifest.holdings[holding]
    return {
        entry.name: entry
        for part in parts
        for entry in backup_reading.entries(vault, manifest.backup_id, holding, part)
    }
