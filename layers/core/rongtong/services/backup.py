"""The backup job: tables as of one moment, contracts, tiles and imports go to the vault, under a signed manifest.

Records are read from a copy of the tables that the database makes as of one moment and nobody writes to. What is copied
lies under its SHA-256, so a piece that is done twice copies nothing twice, and a contract or a tile is copied once in
its life. Tables come first: whatever a record names in a bucket was there before it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rongtong.domain.backup import (
    BUCKETS,
    TABLES,
    BackupDamagedError,
    Entry,
    Manifest,
    content_key,
    list_bytes,
    list_key,
    manifest_key,
    signed_manifest,
)
from rongtong.domain.jobs import Job
from rongtong.services import backup_reading
from rongtong.services.backup_ports import Backups, Bucket, Listed, Vault
from rongtong.services.backup_shared import Shared
from rongtong.services.context import Context
from rongtong.services.cosigning import NoQuorumError, log_key, stored_note
from rongtong.services.errors import NoBackupsError
from rongtong.services.jobs import Piece, Run, Stage, Steps, job_pk
from rongtong.services.records import iso
from rongtong.services.storage import Create, Document

_PAUSE_S = 2.0
"""So long between two looks whether the database has made its copy: minutes on AWS."""
_AT_ONCE = 8
_LEFT_OUT = "pending/"
"""Of the log's files, what waits for a batch: its writers lay it down anew from the events."""
_SNAPSHOT = "backup-"
_SCRATCH = "scratch"


@dataclass(frozen=True)
class _Place:
    """Where a backup is put."""

    vault: Vault
    backup_id: str


def backups_of(context: Context) -> Backups:
    """Where backups go. Raises NoBackupsError where the deployment names no place."""
    if context.backups is None:
        raise NoBackupsError("This deployment names no bucket for backups: deploy infrastructure/backup.yaml.")
    return context.backups


def take_scratch(context: Context, job: Job, pair: str) -> None:
    """Note which pair of tables a job is about to make, and drop the one before it: its run never came to its end."""
    item = context.store.get(job_pk(job), _SCRATCH)
    if item is not None and item.body["pair"] == pair:
        return
    if item is not None:
        backups_of(context).tables.drop(str(item.body["pair"]))
    noted: Document = {"pair": pair}
    context.store.transact([Create(job_pk(job), _SCRATCH, noted) if item is None else item.replaced(noted)])


def _tables(context: Context, run: Run) -> Piece:
    backups, kept = backups_of(context), dict(run.kept.get("tables", {}))
    if not kept:
        # Kept before anything is made: whoever goes on knows what there is to make, and to drop.
        return Piece(_begun(context, backups, run), False, "chose the moment")
    tables, pair = backups.tables, str(kept["pair"])
    take_scratch(context, Job.BACKUP, pair)
    tables.snapshot(pair, datetime.fromtimestamp(int(kept["at_s"]), UTC))
    while not tables.ready(pair):
        if run.time_is_up():
            return Piece(kept, False, "waits for the database's copy")
        context.clock.sleep(_PAUSE_S)
    table, after, found = str(kept["table"]), str(kept["after"]), []
    first, vault = _items(kept["lists"].get(table, [])), _Place(backups.vault, str(kept["backup_id"]))
    while True:
        rows, after = tables.page(pair, table, after)
        if rows:
            part = backup_reading.packed(rows)
            found.append(_copied(vault, f"tables/{table}", f"from {first}", part, len(rows)))
            first += len(rows)
        if not after or run.time_is_up():
            break
    lists = {**kept["lists"], table: [*kept["lists"].get(table, []), *_listed(vault, table, found)]}
    left = TABLES[TABLES.index(table) + 1 :] if not after else (table,)
    kept |= {"lists": lists, "after": after, "table": left[0] if left else table}
    if not left:
        tables.drop(pair)
    rows_done = sum(_items(lists[name]) for name in lists)
    return Piece(kept, not left, f"{rows_done} records")


def _begun(context: Context, backups: Backups, run: Run) -> Document:
    instant, now = backups.tables.latest(), context.clock.now()
    point = now - instant.ago
    name = secrets.token_hex(4)
    checkpoint = ""
    with suppress(NoQuorumError):
        checkpoint = stored_note(context)
    return {
        "backup_id": f"{point.astimezone(UTC):%Y%m%dT%H%M%SZ}-{name}",
        "pair": f"{_SNAPSHOT}{run.period}-{name}",
        "at_s": int(instant.at.timestamp()),
        "recovery_point": iso(point),
        "checkpoint": checkpoint,
        "table": TABLES[0],
        "after": "",
        "lists": {},
    }


def _bucket(name: str) -> Stage:
    """The stage that copies what is new in a bucket."""

    def stage(context: Context, run: Run) -> Piece:
        backups, kept = backups_of(context), dict(run.kept.get(name, {"after": "", "lists": [], "copied": 0}))
        vault = _Place(backups.vault, str(run.kept["tables"]["backup_id"]))
        before, shared = _Before(context, vault, f"buckets/{name}"), Shared(context, backups.vault)
        while True:
            page = backups.buckets[name].page(str(kept["after"]))
            wanted = [one for one in page if not one.name.startswith(_LEFT_OUT)]
            found = _copy_page(shared, backups.buckets[name], wanted, before)
            kept["copied"] += sum(is_new for _, is_new in found)
            kept["lists"] = [*kept["lists"], *_listed(vault, name, [entry for entry, _ in found])]
            if page:
                kept["after"] = page[-1].name
            if not page or run.time_is_up():
                break
        objects = _items(kept["lists"])
        return Piece(kept, not page, f"{objects} objects, {kept['copied']} of them new")

    return stage


class _Before:
    """What the newest backup before this one lists of a holding; its lists are read as they are needed."""

    def __init__(self, context: Context, place: _Place, holding: str) -> None:
        self._vault, self._holding, self._backup_id = place.vault, holding, ""
        self._parts: Sequence[Entry] = ()
        self._known: dict[str, Entry] = {}
        self._reached = ""
        for earlier in backup_reading.backup_ids(place.vault):
            if earlier < place.backup_id:
                with suppress(BackupDamagedError):
                    manifest = backup_reading.opened(place.vault, earlier, [log_key(context)])
                    self._parts, self._backup_id = manifest.holdings.get(holding, ()), earlier
                    break

    def find(self, listed: Listed) -> Entry | None:
        """The entry of this very version of the object; objects are asked for in the order of their names."""
        while self._parts and self._reached < listed.name:
            part, self._parts = self._parts[0], self._parts[1:]
            # A list that is damaged is one that does not help: its objects are read and copied again.
            with suppress(BackupDamagedError):
                entries = backup_reading.entries(self._vault, self._backup_id, self._holding, part)
                # What comes before is not asked for any more.
                self._known = {entry.name: entry for entry in entries}
                self._reached = entries[-1].name
        found = self._known.get(listed.name)
        return found if found is not None and found.tag == listed.tag else None


def _copy_page(shared: Shared, bucket: Bucket, page: list[Listed], before: _Before) -> list[tuple[Entry, bool]]:
    """The page's objects in their order, copied where the vault has them not, and whether each was."""
    known = [(listed, before.find(listed)) for listed in page]

    def copy(one: tuple[Listed, Entry | None]) -> tuple[Entry, bool] | None:
        listed, entry = one
        relied_on = None if entry is None else shared.relied_on(entry)
        if relied_on is not None:
            return relied_on, False
        content = bucket.get(listed.name)
        if content is None:
            return None  # forgotten meanwhile, as imports are after some days
        return shared.put(listed.name, content, listed.tag), True

    with ThreadPoolExecutor(_AT_ONCE) as hands:
        return [found for found in hands.map(copy, known) if found is not None]


def _manifest(context: Context, run: Run) -> Piece:
    backups, begun = backups_of(context), run.kept["tables"]
    backup_id = str(begun["backup_id"])
    holdings = {f"tables/{name}": _entries(begun["lists"].get(name, [])) for name in TABLES}
    holdings |= {f"buckets/{name}": _entries(run.kept[name]["lists"]) for name in BUCKETS}
    manifest = Manifest(
        backup_id=backup_id,
        recovery_point=str(begun["recovery_point"]),
        made_at=iso(context.clock.now()),
        checkpoint=str(begun["checkpoint"]),
        schemas=backups.tables.schemas(),
        holdings=holdings,
    )
    key = log_key(context)
    content = signed_manifest(manifest, key, context.log_signer.sign(manifest.text(key.name).encode()))
    if not backups.vault.create(manifest_key(backup_id), content):
        # Put by this piece before, when it was not kept: that one stands.
        content = backups.vault.get(manifest_key(backup_id)) or b""
        backup_reading.opened(backups.vault, backup_id, [key])
    kept: Document = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return Piece(kept, True, f"backup {backup_id}")


def _found(run: Run) -> Document:
    begun = run.kept["tables"]
    lists = {**begun["lists"], **{name: run.kept[name]["lists"] for name in BUCKETS}}
    return {
        "backup_id": begun["backup_id"],
        "recovery_point": begun["recovery_point"],
        "manifest_sha256": run.kept["manifest"]["sha256"],
        "records": sum(_items(begun["lists"].get(name, [])) for name in TABLES),
        "objects": sum(_items(run.kept[name]["lists"]) for name in BUCKETS),
        "objects_new": sum(int(run.kept[name]["copied"]) for name in BUCKETS),
        "lists": sum(len(one) for one in lists.values()),
    }


def _copied(place: _Place, holding: str, name: str, content: bytes, items: int) -> Entry:
    entry = Entry.of(name, content, items)
    place.vault.create(content_key(place.backup_id, holding, entry), content)
    return entry


def _listed(place: _Place, name: str, found: list[Entry]) -> list[Any]:
    """A list of what a piece has copied, as it is kept; nothing for nothing."""
    if not found:
        return []
    content = list_bytes(found)
    part = Entry.of(name, content, sum(entry.items for entry in found))
    place.vault.create(list_key(place.backup_id, part), content)
    return [part.as_list()]


def _entries(lists: list[Any]) -> tuple[Entry, ...]:
    return tuple(Entry.read(fields) for fields in lists)


def _items(lists: list[Any]) -> int:
    return sum(entry.items for entry in _entries(lists))


STEPS = Steps({"tables": _tables, **{name: _bucket(name) for name in BUCKETS}, "manifest": _manifest}, _found)
"""Tables, then each bucket, then the manifest."""
