"""Restore the platform from a backup: ``python -m rongtong.operations restore --stack NAME --policy trust.txt …``.

It works with the operator's own AWS credentials: the API needs the tables that are gone. Every step says what it does;
``--dry-run`` does none of them and says what each would do. Stopped anywhere, the same command carries on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import boto3

from rongtong.adapters.stack import Stack, StackError
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind
from rongtong.domain.trust import TrustPolicy
from rongtong.entrypoints.bootstrap import context as context_of_environment
from rongtong.entrypoints.logs import logger
from rongtong.log_files import LogUnreadableError, open_log, required
from rongtong.mirror import CHECKPOINT
from rongtong.services import backup_reading, incidents, invariants, restore, restore_log, restore_losses
from rongtong.services.backup import backups_of
from rongtong.services.backup_reading import Source
from rongtong.services.context import Context
from rongtong.services.cosigning import log_key, witnessed
from rongtong.services.records import iso
from rongtong.services.restore_losses import Known, Loss
from rongtong.services.restored_view import archived_in, archived_now
from rongtong.services.storage import Document
from rongtong.verify import POLICY_VARIABLE, RefusedError, pinned_policy

_FUNCTION = "BackupJobFunction"
_LISTED_MAX = 200


@dataclass
class _Restore:
    """One run of the command."""

    options: argparse.Namespace
    policy: TrustPolicy
    stack: Stack
    context: Context
    settings: dict[str, str]
    began_at: datetime
    step: int = 0

    def say(self, text: str) -> None:
        """Tell what was done or found."""
        print(f"      {text}", flush=True)

    def begin(self, text: str) -> None:
        """Tell which step begins, and how long the whole has taken until now."""
        self.step += 1
        passed = (self.context.clock.now() - self.began_at).total_seconds()
        print(f"{self.step:2d}  {text}  [{passed:.1f} s]", flush=True)


def main(arguments: Sequence[str]) -> int:
    """0 when the platform is restored (with ``--dry-run``: when it could be), 1 and why when it is not."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if bool(options.pair) != bool(options.recovery_point):
        parser.error("--pair and --recovery-point belong together")
    try:
        policy, _ = pinned_policy(options.policy)
        stack = Stack(options.stack)
        settings = stack.settings(_FUNCTION)
        _take_settings(settings)
        context = context_of_environment()
        run = _Restore(options, policy, stack, context, settings, context.clock.now())
        if options.list:
            return _list(run)
        return _dry_run(run) if options.dry_run else _restore(run)
    except (RongTongError, RefusedError, StackError, LogUnreadableError) as error:
        print(f"REFUSED {getattr(error, 'code', 'STACK')}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rongtong.operations restore", description="Restore the platform from a backup."
    )
    parser.add_argument("--stack", required=True, help="the stack's name; AWS's own variables say where it is")
    parser.add_argument("--policy", type=Path, help=f"whom you trust (default: the file that {POLICY_VARIABLE} names)")
    parser.add_argument("--backup", metavar="ID", help="this one; without it the newest that is whole")
    parser.add_argument("--pair", help="not a backup: the tables TABLE-scratch-PAIR, set back to one moment")
    parser.add_argument("--recovery-point", type=_instant, metavar="INSTANT", help="with --pair: that moment")
    parser.add_argument("--list", action="store_true", help="list the backups that are there")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would be done")
    parser.add_argument("--mirror", metavar="LOG", help="a notary's copy of the log, where its own files are lost")
    parser.add_argument("--settle", type=float, default=60.0, metavar="S", help="wait so long for what runs (60)")
    parser.add_argument("--state", type=Path, metavar="FILE", help="the functions' bounds (restore-STACK.json)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there, too")
    return parser


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("say the zone, like 2026-01-31T02:00:00+08:00")
    return found


def _take_settings(settings: dict[str, str]) -> None:
    """Be to the stack's tables and keys what its own functions are; credentials and region stay the operator's."""
    os.environ.update({name: value for name, value in settings.items() if not name.startswith("AWS_")})
    region = os.environ.get("AWS_REGION") or boto3.session.Session().region_name
    if not region:
        raise StackError("No region is set: set AWS_REGION.")
    # What functions log line by line would hide what is told here.
    logger.setLevel("WARNING")
    os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region


def _list(run: _Restore) -> int:
    vault = backups_of(run.context).vault
    for backup_id in backup_reading.backup_ids(vault):
        try:
            manifest = backup_reading.opened(vault, backup_id, run.policy.logs)
        except RongTongError as error:
            print(f"{backup_id}  DAMAGED  {error}")
            continue
        counts = "  ".join(f"{holding} {manifest.items(holding)}" for holding in manifest.holding_names)
        print(f"{backup_id}  recovery point {manifest.recovery_point}  {counts}")
    return 0


def _dry_run(run: _Restore) -> int:
    source = _chosen(run)
    refused = _refusal(run, source)
    known = _known(run, source)
    run.begin("would let none of the platform's functions begin")
    run.say(f"{len(run.stack.bounds())} functions")
    run.begin("would load the records and put back what the buckets have lost")
    if source.manifest is not None:
        restore.load_objects(run.context, source.manifest, run.say, dry_run=True)
    run.begin("would make the log's head again")
    log = restore_log.rebuild_head(run.context, known.head, dry_run=True)
    run.say(f"from {log.size_before} entries in the backup to {log.size} in the log's own files")
    found = _losses(run, source, known, log)
    _tell(run, source, found)
    print("Nothing was changed.")
    if refused is not None:
        print(f"It would be REFUSED {refused.code}: {refused}", file=sys.stderr)
        return 1
    return 0


def _refusal(run: _Restore, source: Source) -> RongTongError | None:
    """Why this restore would stop before its first change; the dry run tells all else first."""
    if _state(run).exists() and restore.is_done(run.context, source):
        return None
    try:
        restore.refuse_others(run.context, source)
    except restore.TablesNotEmptyError as error:
        run.say(f"{error.code}: {error}")
        return error
    return None


def _restore(run: _Restore) -> int:
    context, source = run.context, _chosen(run)
    if _state(run).exists() and restore.is_done(context, source):
        # It was stopped between its last record and its last function: loaded again, what came since would be lost.
        _open(run, json.loads(_state(run).read_text(encoding="utf-8")))
        print("It is restored already; its report is in the archive.")
        return 0
    restore.refuse_others(context, source)
    known = _known(run, source)
    bounds = _close(run)
    run.begin("load the records")
    restore.require_empty(context, source)
    records = restore.load_records(context, source, run.say)
    run.begin("put back what the buckets have lost")
    objects, lost = (0, []) if source.manifest is None else restore.load_objects(context, source.manifest, run.say)
    log = _log(run, known)
    found = _losses(run, source, known, log)
    run.say(f"{restore_losses.hold_paid(context, found)} discounts are held for a person")
    broken = _check(run, source, lost)
    passed = context.clock.now() - run.began_at
    report: Document = {
        "format": "rongtong-restore/1",
        "from": source.name,
        "recovery_point": source.recovery_point,
        "recovery_point_age_s": round((run.began_at - datetime.fromisoformat(source.recovery_point)).total_seconds()),
        "recovery_time_ms": round(passed.total_seconds() * 1000),
        "restored_at": iso(context.clock.now()),
        "records": records,
        "objects_put_back": objects,
        "objects_lost": lost,
        "log": {"in_the_backup": log.size_before, "now": log.size},
        "after_the_backup": [loss.as_document() for loss in found],
        "broken": broken,
    }
    _keep(run, report, found)
    restore.finish(context, source)
    _open(run, bounds)
    _tell(run, source, found)
    print(f"Recovery point: {source.recovery_point}, {report['recovery_point_age_s']} s before this began.")
    print(f"Recovery time: {passed.total_seconds():.1f} s.")
    return 0


def _chosen(run: _Restore) -> Source:
    backups, pair = backups_of(run.context), run.options.pair
    if pair:
        run.begin(f"take the pair of tables {pair}")
        return backup_reading.of_pair(backups.tables, pair, iso(run.options.recovery_point))
    run.begin("choose a backup that is whole")
    own = [key for key in run.policy.logs if key.name == run.context.log_origin]
    return backup_reading.of_backup(backups.vault, restore.choose(backups.vault, own, run.options.backup, run.say))


def _known(run: _Restore, source: Source) -> Known:
    run.begin("read what it knows")
    known = restore_losses.read_known(source)
    run.say(f"{len(known.events)} aggregates, {len(known.payments)} payments")
    return known


def _close(run: _Restore) -> dict[str, int | None]:
    """Note what every function was bounded to before any is stopped: a run that is carried on finds them stopped."""
    run.begin("let none of the platform's functions begin")
    state = _state(run)
    if state.exists():
        bounds: dict[str, int | None] = json.loads(state.read_text(encoding="utf-8"))
    else:
        bounds = run.stack.bounds()
        state.write_text(json.dumps(bounds, indent=2) + "\n", encoding="utf-8")
    run.stack.close(bounds)
    run.say(f"{len(bounds)} functions; what they were bounded to is in {state}")
    run.context.clock.sleep(run.options.settle)
    return bounds


def _open(run: _Restore, bounds: dict[str, int | None]) -> None:
    run.begin("let the platform's functions begin again")
    run.stack.open(bounds)
    _state(run).unlink(missing_ok=True)


def _state(run: _Restore) -> Path:
    named: Path | None = run.options.state
    return named or Path(f"restore-{run.options.stack}.json")


def _log(run: _Restore, known: Known) -> restore_log.Rebuilt:
    context = run.context
    run.begin("make the log's head again")
    log = restore_log.rebuild_head(context, known.head)
    run.say(f"from {log.size_before} entries in the backup to {log.size} in the log's own files")
    size = log.size
    if run.options.mirror:
        mirror = open_log(run.options.mirror)
        size = restore_log.adopt_mirror(context, required(mirror, CHECKPOINT), mirror.get_tile, run.policy)
        run.say(f"{size} entries with {mirror.name}")
    run.say(f"{restore_log.clear_pending(context)} batches that waited are laid down anew by whoever goes on")
    items = restore.waiting_items(context, known)
    run.say(f"{restore_log.note_logged(context, items, log.size_before)} events were in the log already")
    if size:
        # Whoever has seen more than this head says so here: then nothing is opened.
        witnessed(context, size)
        run.say("a quorum of witnesses has cosigned it")
    return restore_log.Rebuilt(size, log.size_before, log.subjects)


def _losses(run: _Restore, source: Source, known: Known, log: restore_log.Rebuilt) -> list[Loss]:
    run.begin("ask executions, log and bank what came after the backup")
    since = datetime.fromisoformat(source.recovery_point)
    found = restore_losses.losses(
        known,
        run.stack.executions(run.settings["DISCOUNT_MACHINE_ARN"], since),
        run.stack.executions(run.settings["REGISTRATION_MACHINE_ARN"], since),
        log.subjects,
        restore_losses.booked_since(run.context, source.recovery_point, run.say),
    )
    restore_losses.ask_bank(run.context, known, found, run.say)
    return found


def _check(run: _Restore, source: Source, lost: Sequence[str]) -> list[list[str]]:
    run.begin("hold what is restored to its promises")
    if source.manifest is None:
        archived = archived_now(run.context)
    else:
        archived = archived_in(backups_of(run.context), source.manifest)
    found = invariants.check(run.context, lambda key: None if key in lost else archived(key))
    for one in found.broken[:_LISTED_MAX]:
        run.say(f"BROKEN {one.promise.name} {one.subject}: {one.told}")
    run.say(f"{found.discounts} discounts, {found.events} events, {found.leaves} entries; {len(found.broken)} broken")
    return [[one.promise.name, one.subject, one.told] for one in found.broken]


def _keep(run: _Restore, report: Document, found: list[Loss]) -> None:
    """The report goes to the archive, and the incident that points to it into the evidence log."""
    content = canonical_bytes(report)
    digest = hashlib.sha256(content).hexdigest()
    run.context.archive.put(f"restores/{digest}.json", content)
    if run.options.report:
        run.options.report.write_bytes(content)
    data: Document = {
        "from": report["from"],
        "recovery_point": report["recovery_point"],
        "gone": sum(not loss.restored_events for loss in found),
        "behind": sum(bool(loss.restored_events) for loss in found),
        "report_sha256": digest,
    }
    source = str(report["from"])
    incidents.open_once(run.context, IncidentKind.RESTORED, source, f"{source}/{digest}", data)


def _tell(run: _Restore, source: Source, found: list[Loss]) -> None:
    for line in restore_losses.told(source.recovery_point, found, most=_LISTED_MAX):
        print(line)
    if log_key(run.context) not in run.policy.logs:
        print("The log's present key is none of the policy's: receipts that are made now will not verify with it.")
