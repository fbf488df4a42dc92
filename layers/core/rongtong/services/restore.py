"""Restoring the platform from a backup: its records, and what its buckets have lost.

Every step may be done again: one that was stopped is carried on by the next run. Nothing that is there is overwritten
but records that this very restore has loaded. The platform stands still meanwhile; whoever calls sees to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from rongtong.domain.backup import TABLES, BackupDamagedError, Entry, Manifest
from rongtong.domain.errors import RongTongError
from rongtong.domain.note import VerifierKey
from rongtong.services import backup_reading
from rongtong.services.backup import backups_of
from rongtong.services.backup_ports import Backups, Vault
from rongtong.services.backup_reading import Source
from rongtong.services.context import Context
from rongtong.services.errors import NoBackupsError
from rongtong.services.records import STATE, iso
from rongtong.services.restore_losses import Known, Say
from rongtong.services.storage import Create, Document, Item

_OWN = ""
_PAUSE_S = 1.0
_PAGE = 100
_AT_ONCE = 8


class TablesNotEmptyError(RongTongError):
    """The tables hold records of their own: a backup is never restored over them."""

    code = "TABLES_NOT_EMPTY"


def choose(vault: Vault, keys: Sequence[VerifierKey], named: str | None, say: Say) -> Manifest:
    """The backup that is named, or the newest one, of which every record is what was backed up.

    Where none is named, one that is damaged is told and the one before it used. An object of a bucket that is damaged
    is told, and no reason to give up a day's records: the platform may have it still. Raises BackupDamagedError for the
    named one, NoBackupsError.
    """
    for backup_id in [named] if named else backup_reading.backup_ids(vault):
        try:
            manifest = backup_reading.opened(vault, backup_id, keys)
            checked = sum(_checked(vault, manifest, holding, say) for holding in manifest.holding_names)
        except BackupDamagedError as error:
            if named:
                raise
            say(f"{backup_id} is DAMAGED: {error.message}")
        else:
            say(f"{backup_id}: signature and {checked} objects are right; recovery point {manifest.recovery_point}")
            return manifest
    raise NoBackupsError("No backup is whole.")


def _checked(vault: Vault, manifest: Manifest, holding: str, say: Say) -> int:
    """How many objects of a holding are right."""

    def seen(damage: BackupDamagedError) -> None:
        say(f"DAMAGED {damage.message} Its earlier version is right, and used.")

    right = 0
    for listed in manifest.holdings[holding]:
        entries = backup_reading.entries(vault, manifest.backup_id, holding, listed, seen)
        if holding.startswith("tables/"):
            right += sum(1 for _ in backup_reading.contents(vault, manifest.backup_id, holding, entries, seen))
        else:
            right += sum(1 for _ in _readable(vault, manifest, holding, entries, say))
    return right


def _readable(
    vault: Vault, manifest: Manifest, holding: str, entries: Sequence[Entry], say: Say
) -> Iterator[tuple[Entry, bytes]]:
    """Those of a bucket's objects that can be read; of the others each is told."""

    def read(entry: Entry) -> bytes | None:
        try:
            return backup_reading.content(vault, manifest.backup_id, holding, entry)
        except BackupDamagedError as error:
            say(f"DAMAGED {error.message}")
            return None

    with ThreadPoolExecutor(_AT_ONCE) as hands:
        for at in range(0, len(entries), _AT_ONCE):
            some = entries[at : at + _AT_ONCE]
            for entry, content in zip(some, hands.map(read, some), strict=True):
                if content is not None:
                    yield entry, content


def is_done(context: Context, source: Source) -> bool:
    """Whether this restore has come to its end before."""
    if not backups_of(context).tables.ready(_OWN):
        return False
    marker = context.store.get(_marker(source), STATE)
    return marker is not None and "done_at" in marker.body


def refuse_others(context: Context, source: Source) -> None:
    """See, before anything is stopped or changed, that no table holds records but those of this very restore.

    Raises TablesNotEmptyError.
    """
    if backups_of(context).tables.ready(_OWN):
        _own_marker(context, source)


def require_empty(context: Context, source: Source) -> None:
    """Make the tables that are gone, and see that they are empty, or filled by this very restore until it was stopped.

    Raises TablesNotEmptyError.
    """
    tables = backups_of(context).tables
    tables.make(_OWN, source.schemas)
    while not tables.ready(_OWN):
        context.clock.sleep(_PAUSE_S)
    tables.protect()
    if _own_marker(context, source) is None:
        begun: Document = {"from": source.name, "began_at": iso(context.clock.now())}
        context.store.transact([Create(_marker(source), STATE, begun)])


def _own_marker(context: Context, source: Source) -> Item | None:
    """The marker of this restore, which is not done; None where the tables are empty. Raises TablesNotEmptyError."""
    tables, marker = backups_of(context).tables, context.store.get(_marker(source), STATE)
    if marker is None and any(tables.page(_OWN, name, "")[0] for name in source.schemas):
        raise TablesNotEmptyError("The tables hold records: look at them; what is to be replaced is deleted first.")
    if marker is not None and "done_at" in marker.body:
        raise TablesNotEmptyError("This is restored already, and the platform has gone on since.")
    return marker


def load_records(context: Context, source: Source, say: Say) -> int:
    """Load every record; answers how many. Raises BackupDamagedError."""
    tables, total = backups_of(context).tables, 0
    for table in TABLES:
        loaded = 0
        for rows in source.rows(table):
            tables.load(_OWN, table, rows)
            loaded += len(rows)
        say(f"{table}: {loaded} records")
        total += loaded
    return total


def load_objects(context: Context, manifest: Manifest, say: Say, *, dry_run: bool = False) -> tuple[int, list[str]]:
    """Put back the objects that the buckets have lost; answers how many, and names that neither has any more.

    What is there stays as it is.
    """
    backups, put, lost = backups_of(context), 0, list[str]()
    for holding in manifest.holding_names:
        if holding.startswith("buckets/"):
            missing, gone = _put_back(backups, manifest, holding, say, dry_run=dry_run)
            put, lost = put + missing, [*lost, *gone]
            say(f"{holding}: {missing + len(gone)} of {manifest.items(holding)} objects were missing")
    return put, lost


def _put_back(backups: Backups, manifest: Manifest, holding: str, say: Say, *, dry_run: bool) -> tuple[int, list[str]]:
    bucket, put, lost = backups.buckets[holding.partition("/")[2]], 0, list[str]()
    there = _names(backups, holding)
    for part in manifest.holdings[holding]:
        entries = backup_reading.entries(backups.vault, manifest.backup_id, holding, part)
        missing = [entry for entry in entries if entry.name not in there]
        gone = {entry.name for entry in missing}
        for entry, content in _readable(backups.vault, manifest, holding, missing, say):
            if not dry_run:
                bucket.create(entry.name, content)
            gone.discard(entry.name)
        put, lost = put + len(missing) - len(gone), [*lost, *sorted(gone)]
    return put, lost


def _names(backups: Backups, holding: str) -> set[str]:
    found: set[str] = set()
    after = ""
    while page := backups.buckets[holding.partition("/")[2]].page(after):
        found |= {one.name for one in page}
        after = page[-1].name
    return found


def waiting_items(context: Context, known: Known) -> list[Item]:
    """The restored aggregates of which not everything was in the evidence log."""
    keys = [(pk, STATE) for pk in known.waiting]
    found = [item for at in range(0, len(keys), _PAGE) for item in context.store.get_many(keys[at : at + _PAGE])]
    return [item for item in found if item is not None]


def finish(context: Context, source: Source) -> None:
    """Note that this restore is done: the tables are the platform's own again."""
    marker = context.store.get(_marker(source), STATE)
    assert marker is not None, "a restore begins with its marker"
    context.store.transact([marker.replaced({**marker.body, "done_at": iso(context.clock.now())})])


def _marker(source: Source) -> str:
    return f"restore#{source.name}"
