"""Backups: one moment of the tables, everything under its hash, a manifest that the log's key signed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_fakes import with_backups
from in_memory import Platform, sample_bills
from rongtong.domain.backup import BackupDamagedError, content_key, manifest_key, open_manifest
from rongtong.domain.jobs import Job
from rongtong.services import backup, jobs
from rongtong.services.backup_reading import backup_ids, entries, every, opened, unpacked
from rongtong.services.cosigning import log_key
from rongtong.services.errors import NoBackupsError
from rongtong.services.jobs import step

PAID = [bill for bill in sample_bills() if bill.expected == "disbursed" and bill.bill]
BILLS = [bill for bill in PAID if not bill.quote and not bill.at]


@pytest.fixture
def platform():
    platform = Platform()
    platform.context = with_backups(platform.context)
    platform.run(platform.accept(BILLS[0], "key-1"))
    return platform


def back_up(context, **event):
    """What the state machine does; the run's findings."""
    period = step(context, Job.BACKUP, backup.STEPS, {"do": "begin", **event})["period"]
    for stage in backup.STEPS.stages:
        while step(context, Job.BACKUP, backup.STEPS, {"do": stage, "period": period})["more"]:
            pass
    return step(context, Job.BACKUP, backup.STEPS, {"do": "finish", "period": period})["found"]


def _manifest(context, found):
    return opened(context.backups.vault, found["backup_id"], [log_key(context)])


def _rows(context, manifest, table):
    return [row for _, part in every(context.backups.vault, manifest, f"tables/{table}") for row in unpacked(part)]


def test_a_backup_holds_every_record_every_contract_and_every_file_of_the_log(platform):
    context = platform.context
    before = {*context.store.items, *context.store.counters}
    files, contracts = dict(context.files.files), dict(context.archive.objects)
    found = back_up(context)
    manifest = _manifest(context, found)
    rows = [row for table in ("business", "evidence") for row in _rows(context, manifest, table)]
    kept = {(row["pk"]["S"], row["sk"]["S"]) for row in rows}
    assert before <= kept
    assert len(rows) == len(kept) == found["records"]
    copied = {entry.name: content for entry, content in every(context.backups.vault, manifest, "buckets/log")}
    assert copied == {name: content for name, content in files.items() if not name.startswith("pending/")}
    archived = {entry.name: content for entry, content in every(context.backups.vault, manifest, "buckets/archive")}
    assert archived == contracts
    assert len(contracts) == 1


def test_what_is_written_while_the_tables_are_copied_is_not_in_the_backup(platform):
    context = platform.context
    context.backups.tables.looks_until_ready = 3
    step(context, Job.BACKUP, backup.STEPS, {"do": "begin"})
    period = jobs.runs(context, Job.BACKUP)[0]["period"]
    for _ in range(2):
        step(context, Job.BACKUP, backup.STEPS, {"do": "tables", "period": period})
    late = platform.accept(BILLS[1], "key-2")
    found = back_up(context)
    rows = _rows(context, _manifest(context, found), "business")
    assert f"discount#{late}" not in {row["pk"]["S"] for row in rows}


def test_the_database_s_copy_is_gone_when_the_tables_are_copied(platform):
    back_up(platform.context)
    assert list(platform.context.backups.tables.stores) == [""]


def test_a_contract_is_copied_once_in_its_life_and_named_by_every_backup(platform):
    context = platform.context
    first = back_up(context)
    context.backups.buckets["archive"].read.clear()
    platform.run(platform.accept(BILLS[1], "key-2"))
    context.clock.instant += timedelta(hours=1)
    second = back_up(context, again=True)
    assert len(context.backups.buckets["archive"].read) == 1
    assert _manifest(context, first).items("buckets/archive") == 1
    assert _manifest(context, second).items("buckets/archive") == 2


def _next_day(context, days=1):
    context.clock.instant += timedelta(days=days)
    return _entries(context, back_up(context))


def _entries(context, found):
    """What a backup lists of the buckets, by name."""
    manifest, vault = _manifest(context, found), context.backups.vault
    return {
        entry.name: entry
        for holding in manifest.holding_names
        if holding.startswith("buckets/")
        for listed in manifest.holdings[holding]
        for entry in entries(vault, manifest.backup_id, holding, listed)
    }


def test_what_a_backup_relies_on_is_locked_anew_where_less_than_half_of_its_time_is_left(platform):
    context = platform.context
    vault = context.backups.vault
    vault.locks_for = timedelta(days=400)
    first = _entries(context, back_up(context))
    _next_day(context, 199)
    assert vault.locked == {}
    began = context.clock.instant
    later = _next_day(context, 2)
    assert {key for key in vault.objects if key.startswith("buckets/")} >= set(vault.locked) != set()
    assert {content_key("", "buckets", first[name]) for name in first} == set(vault.locked)
    assert all(until > began + timedelta(days=400) for until in vault.locked.values())
    vault.locked.clear()
    _next_day(context)
    assert vault.locked == {}
    assert later.keys() >= first.keys()


def test_copies_of_backups_that_told_no_time_are_locked_by_the_next(platform):
    context = platform.context
    first = _entries(context, back_up(context))
    context.backups.vault.locks_for = timedelta(days=400)
    _next_day(context)
    assert set(context.backups.vault.locked) == {content_key("", "buckets", entry) for entry in first.values()}


def test_a_copy_that_is_missing_is_made_anew_by_the_backup_that_would_lock_it(platform):
    context = platform.context
    first, vault = _entries(context, back_up(context)), context.backups.vault
    (contract,) = context.archive.objects
    key = content_key("", "buckets", first[contract])
    del vault.objects[key]
    vault.locks_for = timedelta(days=400)
    _next_day(context)
    assert vault.objects[key] == context.archive.objects[contract]


def test_a_run_that_dies_anywhere_makes_one_backup(platform):
    context = platform.context
    vault, put = context.backups.vault, set()
    create = vault.create

    def dying(key, content):
        done = create(key, content)
        if key not in put:
            put.add(key)
            raise RuntimeError("killed behind the put")
        return done

    vault.create, deaths = dying, 0
    while True:
        try:
            found = back_up(context)
            break
        except RuntimeError:
            deaths += 1
    assert deaths > 5
    assert backup_ids(vault) == [found["backup_id"]]
    assert list(context.backups.tables.stores) == [""]


@pytest.mark.parametrize("at", [30, -20])
def test_one_changed_byte_of_a_manifest_is_refused(platform, at):
    context = platform.context
    found = back_up(context)
    content = bytearray(context.backups.vault.objects[manifest_key(found["backup_id"])])
    content[at] ^= 1
    with pytest.raises(BackupDamagedError):
        open_manifest(found["backup_id"], bytes(content), [log_key(context)])


def test_a_manifest_under_another_backup_s_name_is_refused(platform):
    context = platform.context
    found = back_up(context)
    content = context.backups.vault.objects[manifest_key(found["backup_id"])]
    with pytest.raises(BackupDamagedError):
        open_manifest("20990101T000000Z-00000000", content, [log_key(context)])


def test_the_manifest_s_hash_is_in_the_evidence(platform):
    found = back_up(platform.context)
    told = [
        item.body["event"]["data"]
        for item in platform.context.store.items.values()
        if item.pk.startswith("run#backup") and item.body.get("event", {}).get("type") == "JobFinished"
    ]
    assert [one["manifest_sha256"] for one in told] == [found["manifest_sha256"]]


def test_a_deployment_without_a_place_for_backups_says_so(platform):
    with pytest.raises(NoBackupsError):
        back_up(replace(platform.context, backups=None))
