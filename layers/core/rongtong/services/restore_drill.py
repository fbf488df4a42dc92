"""The restore drill (恢复演练): the newest backup that is whole, in tables of its own, is held to what is promised.

A backup that is damaged is an incident that names the object, and the one before it is used. Contracts and the log's
files are read from the backup itself, as a restored platform would. What the drill measured is kept as a report.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from rongtong.domain.backup import (
    RECOVERY_POINT_MAX,
    RECOVERY_TIME_MAX,
    BackupDamagedError,
    Entry,
    Manifest,
    missed_objectives,
)
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.duties import Duty, DutyResult
from rongtong.domain.incident import IncidentKind
from rongtong.domain.jobs import Job
from rongtong.services import backup_reading, duties, incidents, invariants
from rongtong.services.backup import backups_of, take_scratch
from rongtong.services.backup_ports import Backups, Vault
from rongtong.services.backup_shared import note_damaged
from rongtong.services.context import Context
from rongtong.services.cosigning import log_key
from rongtong.services.drill_report import page
from rongtong.services.errors import NoBackupsError
from rongtong.services.jobs import Piece, Run, Steps
from rongtong.services.records import iso
from rongtong.services.restored_view import restored_view
from rongtong.services.storage import Document

_SCRATCH = "drill-"
_PAUSE_S = 2.0
_BROKEN_MAX = 200
"""The report names so many broken promises; how many there are it says of all."""
_KEY = "drills/"


def _choose(context: Context, run: Run) -> Piece:
    """Look through every object of the newest backup; of the one before it where one is damaged."""
    vault = backups_of(context).vault
    kept: Document = dict(run.kept.get("choose", {})) or _candidate(context, vault, None, [])
    try:
        manifest = _opened(context, vault, str(kept["backup_id"]))
    except BackupDamagedError as error:
        # It was right when it was chosen.
        kept = _candidate(context, vault, str(kept["backup_id"]), [*kept["damaged"], _told(context, kept, error)])
        return Piece(kept, False, f"{error.damaged} is damaged")
    parts, named = _parts(manifest), {damaged for _, damaged in kept["damaged"]}

    def seen(damage: BackupDamagedError) -> None:
        # An object that backups share is damaged in all of them: once it is named, its earlier version will do.
        if damage.damaged not in named:
            raise damage

    while int(kept["at"]) < len(parts):
        holding, part = parts[int(kept["at"])]
        try:
            for entry, _ in backup_reading.part(vault, manifest.backup_id, holding, part, seen):
                kept["objects"] += 1
                kept["bytes"] += entry.size
        except BackupDamagedError as error:
            kept = _candidate(context, vault, str(kept["backup_id"]), [*kept["damaged"], _told(context, kept, error)])
            return Piece(kept, False, f"{error.damaged} is damaged")
        kept["at"] += 1
        if run.time_is_up():
            break
    return Piece(kept, int(kept["at"]) == len(parts), f"{kept['objects']} objects of {kept['backup_id']} are right")


def _candidate(context: Context, vault: Vault, before: str | None, damaged: list[Any]) -> Document:
    """The newest backup, before another one where one is named, whose manifest is right. Raises NoBackupsError."""
    for backup_id in backup_reading.backup_ids(vault):
        if before is not None and backup_id >= before:
            continue
        kept: Document = {"backup_id": backup_id, "at": 0, "objects": 0, "bytes": 0, "damaged": damaged}
        try:
            _opened(context, vault, backup_id)
        except BackupDamagedError as error:
            damaged = [*damaged, _told(context, kept, error)]
            continue
        return {**kept, "damaged": damaged}
    raise NoBackupsError("No backup is whole: make one now, and read the incidents that name what is damaged.")


def _told(context: Context, kept: Document, error: BackupDamagedError) -> list[str]:
    """Let a person know, and the next backup; answers what the report says of it."""
    note_damaged(context, error.damaged)
    backup_id = str(kept["backup_id"])
    data: Document = {"backup_id": backup_id, "object": error.damaged, "why": error.message}
    incidents.open_once(context, IncidentKind.BACKUP_DAMAGED, backup_id, f"{backup_id}/{error.damaged}", data)
    return [backup_id, error.damaged]


def _restore(context: Context, run: Run) -> Piece:
    """Load the backup's records into tables of the drill's own."""
    backups = backups_of(context)
    kept: Document = dict(run.kept.get("restore", {}))
    if not kept:
        pair = f"{_SCRATCH}{run.period}-{secrets.token_hex(4)}"
        kept = {"pair": pair, "began_at": iso(context.clock.now()), "at": 0, "rows": 0}
        return Piece(kept, False, "chose the tables' names")
    take_scratch(context, Job.RESTORE_DRILL, str(kept["pair"]))
    manifest, pair = _opened(context, backups.vault, str(run.kept["choose"]["backup_id"])), str(kept["pair"])
    backups.tables.make(pair, manifest.schemas)
    while not backups.tables.ready(pair):
        if run.time_is_up():
            return Piece(kept, False, "waits for the tables")
        context.clock.sleep(_PAUSE_S)
    parts = [(holding, part) for holding, part in _parts(manifest) if holding.startswith("tables/")]
    while int(kept["at"]) < len(parts):
        kept["rows"] += load_part(backups, pair, manifest.backup_id, *parts[int(kept["at"])])
        kept["at"] += 1
        if run.time_is_up():
            break
    return Piece(kept, int(kept["at"]) == len(parts), f"{kept['rows']} records")


def load_part(backups: Backups, pair: str, backup_id: str, holding: str, part: Entry) -> int:
    """Load the records that one list of a table's parts names; answers how many. Raises BackupDamagedError."""
    loaded = 0
    for _, content in backup_reading.part(backups.vault, backup_id, holding, part):
        rows = backup_reading.unpacked(content)
        backups.tables.load(pair, holding.partition("/")[2], rows)
        loaded += len(rows)
    return loaded


def _compare(context: Context, run: Run) -> Piece:
    """Counts against the manifest, and every promise of stored state."""
    backups, restored = backups_of(context), run.kept["restore"]
    manifest = _opened(context, backups.vault, str(run.kept["choose"]["backup_id"]))
    view, archived = restored_view(context, backups, manifest, str(restored["pair"]))
    expected = sum(manifest.items(holding) for holding in manifest.holdings if holding.startswith("tables/"))
    found = invariants.check(view, archived)
    broken = [[one.promise.name, one.subject, one.told] for one in found.broken]
    if int(restored["rows"]) != expected:
        broken.append(["RECORDS_COMPLETE", manifest.backup_id, f"{restored['rows']} of {expected} records"])
    now = context.clock.now()
    kept: Document = {
        "records": int(restored["rows"]),
        "discounts": found.discounts,
        "events": found.events,
        "leaves": found.leaves,
        "broken": broken[:_BROKEN_MAX],
        "broken_count": len(broken),
        "recovery_time_ms": _ms(context, str(restored["began_at"])),
        "recovery_point_age_s": _ms(context, manifest.recovery_point) // 1000,
        "compared_at": iso(now),
    }
    return Piece(kept, True, f"{len(broken)} promises broken")


def _report(context: Context, run: Run) -> Piece:
    """Keep the report, tell what is broken, and clear away the tables."""
    report = _report_of(run)
    content = canonical_bytes(report)
    digest = hashlib.sha256(content).hexdigest()
    context.archive.put(f"{_KEY}{digest}.json", content)
    shown = page(report).encode()
    shown_digest = hashlib.sha256(shown).hexdigest()
    context.archive.put(f"{_KEY}{shown_digest}.html", shown)
    if report["broken_count"]:
        data: Document = {"broken": report["broken_count"], "report_sha256": digest}
        backup_id = str(report["backup_id"])
        incidents.open_once(context, IncidentKind.BACKUP_DIFFERS, backup_id, f"{backup_id}/{digest}", data)
    if report["objectives_missed"]:
        measured = {name: report[name] for name in ("recovery_point_age_s", "recovery_time_ms")}
        told: Document = {"what": report["objectives_missed"], **measured, "report_sha256": digest}
        subject = str(report["backup_id"])
        incidents.open_once(context, IncidentKind.RECOVERY_MISSED, subject, f"{subject}/{digest}/objectives", told)
    _record(context, report, digest)
    backups_of(context).tables.drop(str(run.kept["restore"]["pair"]))
    kept: Document = {"report_sha256": digest, "page_sha256": shown_digest}
    return Piece(kept, True, f"{_KEY}{shown_digest}.html")


def _record(context: Context, report: Document, digest: str) -> None:
    """The drill in the register of duties: it passed where nothing was damaged, every promise and objective holds."""
    passed = not (report["broken_count"] or report["damaged"] or report["objectives_missed"])
    duties.record(
        context,
        duties.RecordDuty(
            Duty.RESTORE_TEST,
            by=duties.RESTORE_DRILL,
            key=digest,
            body_digest=digest,
            held_on=context.calendar.shanghai_date(datetime.fromisoformat(str(report["compared_at"]))),
            participants=(),
            result=DutyResult.PASS if passed else DutyResult.FAIL,
            report_sha256=digest,
        ),
    )


def _report_of(run: Run) -> Document:
    chosen, compared = run.kept["choose"], run.kept["compare"]
    lost = timedelta(seconds=int(compared["recovery_point_age_s"]))
    took = timedelta(milliseconds=int(compared["recovery_time_ms"]))
    return {
        "format": "rongtong-restore-drill/1",
        "period": run.period,
        "backup_id": chosen["backup_id"],
        "objects_checked": chosen["objects"],
        "bytes_checked": chosen["bytes"],
        "damaged": chosen["damaged"],
        **compared,
        "recovery_point_max_s": RECOVERY_POINT_MAX // timedelta(seconds=1),
        "recovery_time_max_ms": RECOVERY_TIME_MAX // timedelta(milliseconds=1),
        "objectives_missed": list(missed_objectives(lost, took)),
        "promises": {promise.name: promise.value for promise in invariants.Promise},
    }


def _found(run: Run) -> Document:
    report = _report_of(run)
    numbers = ("records", "discounts", "events", "leaves", "broken_count", "recovery_time_ms", "recovery_point_age_s")
    return {
        "backup_id": report["backup_id"],
        **{name: report[name] for name in ("objects_checked", *numbers, "objectives_missed")},
        "damaged": [f"{backup_id}: {damaged}" for backup_id, damaged in report["damaged"]],
        **run.kept["report"],
    }


def _parts(manifest: Manifest) -> list[tuple[str, Entry]]:
    return [(holding, part) for holding in manifest.holding_names for part in manifest.holdings[holding]]


def _opened(context: Context, vault: Vault, backup_id: str) -> Manifest:
    return backup_reading.opened(vault, backup_id, [log_key(context)])


def _ms(context: Context, since: str) -> int:
    passed = context.clock.now() - datetime.fromisoformat(since)
    return round(passed.total_seconds() * 1000)


STEPS = Steps({"choose": _choose, "restore": _restore, "compare": _compare, "report": _report}, _found)
"""Choose a backup that is whole, restore it, compare, report."""
