"""A backup's manifest: what was copied, each part under its SHA-256, signed as a note by the evidence log's key.

The signature is one over the manifest alone: every list of what was copied is named there by its hash, and every object
in its list by its own. The text can never be taken for a checkpoint: its second line is no number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import RongTongError
from rongtong.domain.note import Note, NoteError, Signature, VerifierKey

_FORMAT = "rongtong-backup/1"
TABLES = ("business", "evidence")
BUCKETS = ("archive", "log", "imports")
RECOVERY_POINT_MAX = timedelta(hours=26)
"""The recovery point objective (RPO) where the region is lost: backups are daily, and one takes up to two hours
(assumed: configurable)."""
RECOVERY_TIME_MAX = timedelta(hours=4)
"""The recovery time objective (RTO): from the choice of a backup until what it holds is compared (assumed:
configurable)."""
_MANIFESTS = "manifests/"
_SHARED = "buckets/"


class BackupDamagedError(RongTongError):
    """An object of a backup is missing, or not what was backed up; ``damaged`` names it."""

    code = "BACKUP_DAMAGED"

    def __init__(self, damaged: str, why: str) -> None:
        super().__init__(f"{damaged} {why}.")
        self.damaged = damaged


def missed_objectives(recovery_point_age: timedelta, recovery_time: timedelta) -> tuple[str, ...]:
    """Which objectives a recovery misses that lost so much and took so long: RECOVERY_POINT, RECOVERY_TIME."""
    held = {
        "RECOVERY_POINT": recovery_point_age <= RECOVERY_POINT_MAX,
        "RECOVERY_TIME": recovery_time <= RECOVERY_TIME_MAX,
    }
    return tuple(name for name, is_held in held.items() if not is_held)


@dataclass(frozen=True)
class Entry:
    """One copied thing: a list of further ones, a part of a table, or an object of a bucket under its own name."""

    name: str
    sha256: str
    size: int
    """Bytes of the copy."""
    items: int
    """How many records or objects it stands for."""
    tag: str = ""
    """What told the copied object's version apart (its ETag); empty for what is no object of a bucket."""
    kept_until: str = ""
    """Nobody can delete the copy of a bucket's object before (ISO 8601); empty where that is unknown or not so."""
    copy: int = 1
    """Which copy of a bucket's object this is, the first or a later one: a damaged one is left alone."""

    @classmethod
    def of(cls, name: str, content: bytes, items: int = 1, tag: str = "") -> Entry:
        """The entry of this content."""
        return cls(name, hashlib.sha256(content).hexdigest(), len(content), items, tag)

    def as_list(self) -> list[str | int]:
        """As it is kept and hashed."""
        fields: list[str | int] = [self.name, self.sha256, self.size, self.items, self.tag]
        return [*fields, self.kept_until, self.copy] if self.kept_until or self.copy > 1 else fields

    @classmethod
    def read(cls, fields: Sequence[str | int]) -> Entry:
        """The entry again. Raises ValueError."""
        name, sha256, size, items, tag, *more = fields
        kept_until, copy = more or ("", 1)
        return cls(str(name), str(sha256), int(size), int(items), str(tag), str(kept_until), int(copy))

    def is_of(self, content: bytes) -> bool:
        """Whether the content is the one that was copied."""
        return len(content) == self.size and hashlib.sha256(content).hexdigest() == self.sha256


def list_bytes(entries: Sequence[Entry]) -> bytes:
    """A list of entries as it is stored."""
    return canonical_bytes([entry.as_list() for entry in entries])


def read_list(content: bytes) -> list[Entry]:
    """The entries again. Raises ValueError."""
    return [Entry.read(fields) for fields in json.loads(content)]


def manifest_key(backup_id: str) -> str:
    """Where a backup's manifest lies; the keys' order is that of the backups."""
    return f"{_MANIFESTS}{backup_id}"


def list_key(backup_id: str, entry: Entry) -> str:
    """Where a list of entries lies: beside its backup's others, and gone with them some day."""
    return f"lists/{backup_id}/{entry.sha256}"


def content_key(backup_id: str, holding: str, entry: Entry) -> str:
    """Where a part of a table lies, beside its backup's others; or an object of a bucket, once for all backups."""
    kind = holding.partition("/")[0]
    if kind == "tables":
        return f"{kind}/{backup_id}/{entry.sha256}"
    return f"{_SHARED}{entry.sha256}" if entry.copy == 1 else f"{_SHARED}{entry.sha256}-{entry.copy}"


def shared_copy(damaged: str) -> tuple[str, int] | None:
    """The SHA-256 and the copy's number of a bucket's object that a BackupDamagedError names; None for all else."""
    key = damaged.rpartition(": ")[2]
    if not key.startswith(_SHARED):
        return None
    sha256, _, copy = key.removeprefix(_SHARED).partition("-")
    return sha256, int(copy or 1)


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. Instants are ISO 8601."""

    backup_id: str
    recovery_point: str
    """Everything that was acknowledged until then is in it."""
    made_at: str
    checkpoint: str
    """The newest cosigned checkpoint whose tiles it holds, as a note; empty while there is none."""
    schemas: Mapping[str, str]
    """How each table is made again, as the database's own request in JSON."""
    holdings: Mapping[str, tuple[Entry, ...]]
    """Lists by holding: ``tables/business``, ``tables/evidence``, ``buckets/archive`` and so on."""

    def text(self, origin: str) -> str:
        """The text that is signed."""
        held = {name: [entry.as_list() for entry in entries] for name, entries in self.holdings.items()}
        content = {
            "origin": origin,
            "backup_id": self.backup_id,
            "recovery_point": self.recovery_point,
            "made_at": self.made_at,
            "checkpoint": self.checkpoint,
            "schemas": dict(self.schemas),
            "holdings": held,
        }
        return f"{_FORMAT}\n{canonical_bytes(content).decode()}\n"

    def items(self, holding: str) -> int:
        """How many records or objects a holding has."""
        return sum(entry.items for entry in self.holdings[holding])

    @property
    def holding_names(self) -> list[str]:
        """Every holding, tables first."""
        return sorted(self.holdings, key=lambda name: (not name.startswith("tables/"), name))


def open_manifest(backup_id: str, content: bytes | None, keys: Sequence[VerifierKey]) -> Manifest:
    """The manifest in a note that one of the log's keys signed. Raises BackupDamagedError."""
    key_name = manifest_key(backup_id)
    if content is None:
        raise BackupDamagedError(key_name, "is missing")
    try:
        note = Note.parse(content.decode())
        head, _, body = note.text.partition("\n")
        if head != _FORMAT:
            raise BackupDamagedError(key_name, "is no manifest of this format")
        if not any(_signed(note, key) for key in keys):
            raise BackupDamagedError(key_name, "is not signed by the log's key")
        found = json.loads(body)
        manifest = Manifest(
            backup_id=str(found["backup_id"]),
            recovery_point=str(found["recovery_point"]),
            made_at=str(found["made_at"]),
            checkpoint=str(found["checkpoint"]),
            schemas={str(name): str(schema) for name, schema in found["schemas"].items()},
            holdings={
                str(name): tuple(Entry.read(fields) for fields in held) for name, held in found["holdings"].items()
            },
        )
    except (NoteError, ValueError, KeyError, TypeError) as error:
        raise BackupDamagedError(key_name, "cannot be read") from error
    if manifest.backup_id != backup_id:
        raise BackupDamagedError(key_name, f"is the manifest of {manifest.backup_id}")
    return manifest


def signed_manifest(manifest: Manifest, key: VerifierKey, signature: bytes) -> bytes:
    """The note: the text that was signed, and the log's signature over it."""
    return Note(manifest.text(key.name), (Signature(key.name, key.identity, signature),)).content().encode()


def _signed(note: Note, key: VerifierKey) -> bool:
    own = [one for one in note.signatures if one.is_of(key)]
    try:
        for one in own:
            Ed25519PublicKey.from_public_bytes(key.public_key).verify(one.content, note.text.encode())
    except (InvalidSignature, ValueError):
        return False
    return bool(own)
