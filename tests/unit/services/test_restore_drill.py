"""The restore drill: a whole backup is found, restored beside the platform, held to its promises, and measured."""

import json
from datetime import timedelta

import pytest

from backup_fakes import with_backups
from in_memory import Platform, sample_bills
from rongtong.domain.backup import (
    RECOVERY_POINT_MAX,
    RECOVERY_TIME_MAX,
    content_key,
    list_key,
    manifest_key,
    missed_objectives,
)
from rongtong.domain.duties import Duty
from rongtong.domain.jobs import Job
from rongtong.services import backup, backup_reading, duties, jobs, restore_drill
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
    platform.older = _run(platform.context, Job.BACKUP, backup.STEPS)["backup_id"]
    platform.run(platform.accept(BILLS[1], "key-2"))
    platform.context.clock.instant += timedelta(hours=1)
    platform.newest = _run(platform.context, Job.BACKUP, backup.STEPS, again=True)["backup_id"]
    platform.context.clock.instant += timedelta(hours=2)
    return platform


def _run(context, job, steps, **event):
    period = step(context, job, steps, {"do": "begin", **event})["period"]
    for stage in steps.stages:
        while step(context, job, steps, {"do": stage, "period": period})["more"]:
            pass
    return step(context, job, steps, {"do": "finish", "period": period})["found"]


def _drill(platform, **event):
    return _run(platform.context, Job.RESTORE_DRILL, restore_drill.STEPS, **event)


def _flip(platform, key):
    objects = platform.context.backups.vault.objects
    content = bytearray(objects[key])
    content[len(content) // 2] ^= 1
    objects[key] = bytes(content)


def _table_part(platform, backup_id):
    vault = platform.context.backups.vault
    manifest = backup_reading.opened(vault, backup_id, [log_key(platform.context)])
    (first, *_) = manifest.holdings["tables/business"]
    return content_key(
        backup_id, "tables/business", backup_reading.entries(vault, backup_id, "tables/business", first)[0]
    )


def _incidents(platform, kind):
    states = platform.context.store.states("incident#")
    return [item.body["data"] for item in states if item.body["kind"] == kind]


def test_the_newest_backup_is_restored_and_everything_promised_holds_of_it(platform):
    found = _drill(platform)
    assert (found["backup_id"], found["broken_count"], found["damaged"]) == (platform.newest, 0, [])
    assert found["discounts"] == 2
    assert found["leaves"] > 0
    assert _incidents(platform, "BACKUP_DIFFERS") == []


def test_the_recovery_point_is_measured_from_the_moment_of_the_backup_s_tables(platform):
    # Two hours since the backup, and the database's moment was five minutes before that.
    assert _drill(platform)["recovery_point_age_s"] == 2 * 3600 + 300


@pytest.mark.parametrize("what", ["part", "list", "manifest"])
def test_a_flipped_bit_in_the_newest_backup_is_named_and_the_one_before_it_is_restored(platform, what):
    context = platform.context
    manifest = backup_reading.opened(context.backups.vault, platform.newest, [log_key(context)])
    keys = {
        "part": _table_part(platform, platform.newest),
        "list": list_key(platform.newest, manifest.holdings["tables/business"][0]),
        "manifest": manifest_key(platform.newest),
    }
    _flip(platform, keys[what])
    found = _drill(platform)
    assert found["backup_id"] == platform.older
    (damaged,) = found["damaged"]
    assert damaged.startswith(platform.newest)
    assert damaged.endswith(keys[what])
    (told,) = _incidents(platform, "BACKUP_DAMAGED")
    assert told["object"].endswith(keys[what])
    assert found["broken_count"] == 0


def test_a_contract_that_all_backups_share_is_named_and_its_earlier_version_used_with_the_backup_before(platform):
    vault = platform.context.backups.vault
    manifest = backup_reading.opened(vault, platform.older, [log_key(platform.context)])
    (listed,) = manifest.holdings["buckets/archive"]
    (contract,) = backup_reading.entries(vault, platform.older, "buckets/archive", listed)
    key = content_key(platform.older, "buckets/archive", contract)
    vault.versions[key] = [vault.objects[key]]
    _flip(platform, key)
    found = _drill(platform)
    assert (found["backup_id"], found["broken_count"]) == (platform.older, 0)
    assert found["damaged"] == [f"{platform.newest}: buckets/archive {contract.name}: {key}"]


@pytest.mark.parametrize("how", ["flipped", "gone"])
def test_a_contract_that_no_backup_has_any_more_is_copied_anew_and_the_next_drill_is_whole(platform, how):
    context, vault = platform.context, platform.context.backups.vault
    # The first contract is in both backups.
    manifest = backup_reading.opened(vault, platform.older, [log_key(context)])
    (listed,) = manifest.holdings["buckets/archive"]
    (contract,) = backup_reading.entries(vault, platform.older, "buckets/archive", listed)
    first = content_key(platform.older, "buckets/archive", contract)
    for key, next_key in ((first, f"{first}-2"), (f"{first}-2", f"{first}-3")):
        if how == "gone":
            del vault.objects[key]
        else:
            _flip(platform, key)
        with pytest.raises(NoBackupsError):
            _drill(platform, again=True)
        context.clock.instant += timedelta(hours=1)
        newest = _run(context, Job.BACKUP, backup.STEPS, again=True)["backup_id"]
        assert vault.objects[next_key] == context.archive.objects[contract.name]
        context.clock.instant += timedelta(days=31)
        found = _drill(platform)
        assert (found["backup_id"], found["damaged"]) == (newest, [])


def test_an_object_that_is_gone_is_damage_too(platform):
    del platform.context.backups.vault.objects[_table_part(platform, platform.newest)]
    assert _drill(platform)["backup_id"] == platform.older


def test_where_no_backup_is_whole_the_drill_fails_and_a_person_knows_of_each(platform):
    for backup_id in (platform.newest, platform.older):
        _flip(platform, manifest_key(backup_id))
    with pytest.raises(NoBackupsError):
        _drill(platform)
    assert {told["backup_id"] for told in _incidents(platform, "BACKUP_DAMAGED")} == {platform.newest, platform.older}


def test_a_backup_of_records_that_break_a_promise_is_an_incident_and_the_report_names_them(platform):
    context = platform.context
    discount_id = platform.accept(BILLS[2], "key-3")
    platform.run(discount_id)
    del context.store.items[f"discount#{discount_id}", "payment#1"]
    context.clock.instant += timedelta(hours=1)
    _run(context, Job.BACKUP, backup.STEPS, again=True)
    found = _drill(platform)
    assert found["broken_count"] == 1
    report = json.loads(context.archive.objects[f"drills/{found['report_sha256']}.json"])
    assert report["broken"] == [["PAID_ONCE", f"discount#{discount_id}", "0 succeeded"]]
    assert [told["report_sha256"] for told in _incidents(platform, "BACKUP_DIFFERS")] == [found["report_sha256"]]


def test_a_drill_within_the_recovery_objectives_says_what_was_allowed_and_what_was_measured(platform):
    found = _drill(platform)
    objects = platform.context.archive.objects
    report = json.loads(objects[f"drills/{found['report_sha256']}.json"])
    assert (report["recovery_point_max_s"], report["recovery_time_max_ms"]) == (26 * 3600, 4 * 3600 * 1000)
    assert found["objectives_missed"] == report["objectives_missed"] == []
    page = objects[f"drills/{found['page_sha256']}.html"].decode()
    assert "<td>1,560 min</td><td>7500 s (125 min)</td><td>held</td>" in page
    assert _incidents(platform, "RECOVERY_MISSED") == []


def test_a_backup_that_is_too_old_is_an_incident_that_says_so(platform):
    platform.context.clock.instant += timedelta(hours=24)
    found = _drill(platform)
    (told,) = _incidents(platform, "RECOVERY_MISSED")
    assert told["what"] == found["objectives_missed"] == ["RECOVERY_POINT"]
    assert (told["recovery_point_age_s"], told["report_sha256"]) == (26 * 3600 + 300, found["report_sha256"])
    assert "<td>missed</td>" in platform.context.archive.objects[f"drills/{found['page_sha256']}.html"].decode()


def test_a_restore_that_takes_too_long_is_an_incident_that_says_so(platform):
    context, load = platform.context, platform.context.backups.tables.load

    def slowly(*part):
        context.clock.instant += timedelta(hours=5)
        load(*part)

    context.backups.tables.load = slowly
    _drill(platform)
    (told,) = _incidents(platform, "RECOVERY_MISSED")
    assert "RECOVERY_TIME" in told["what"]
    assert told["recovery_time_ms"] > 4 * 3600 * 1000


@pytest.mark.parametrize(
    ("lost", "took", "missed"),
    [
        (RECOVERY_POINT_MAX, RECOVERY_TIME_MAX, ()),
        (RECOVERY_POINT_MAX + timedelta(seconds=1), RECOVERY_TIME_MAX, ("RECOVERY_POINT",)),
        (RECOVERY_POINT_MAX, RECOVERY_TIME_MAX + timedelta(milliseconds=1), ("RECOVERY_TIME",)),
    ],
)
def test_an_objective_is_missed_only_beyond_it(lost, took, missed):
    assert missed_objectives(lost, took) == missed


def test_the_drill_leaves_no_tables_and_does_not_touch_the_platform_s_own(platform):
    context, told = platform.context, ("run#", "job#", "duty#")
    before = {key: item for key, item in context.store.items.items() if not key[0].startswith(told)}
    _drill(platform)
    assert list(context.backups.tables.stores) == [""]
    after = {key: item for key, item in context.store.items.items() if not key[0].startswith(told)}
    assert after == before


def test_a_drill_that_held_is_a_restore_test_in_the_register_once(platform):
    found = _drill(platform)
    (record,) = duties.records(platform.context, Duty.RESTORE_TEST)["records"]
    assert (record["by"], record["result"], record["report_sha256"]) == (
        "restore_drill",
        "pass",
        found["report_sha256"],
    )
    assert record["held_on"] == platform.context.calendar.shanghai_date(platform.context.clock.now()).isoformat()


def test_a_drill_of_a_damaged_backup_is_a_restore_test_that_failed(platform):
    _flip(platform, manifest_key(platform.newest))
    _drill(platform)
    assert [one["result"] for one in duties.records(platform.context, Duty.RESTORE_TEST)["records"]] == ["fail"]


def test_the_tables_of_a_drill_that_never_went_on_are_cleared_away_by_the_next(platform):
    context = platform.context
    period = step(context, Job.RESTORE_DRILL, restore_drill.STEPS, {"do": "begin"})["period"]
    for stage in ("choose", "restore"):
        while step(context, Job.RESTORE_DRILL, restore_drill.STEPS, {"do": stage, "period": period})["more"]:
            pass
    assert len(context.backups.tables.stores) == 2
    context.clock.instant += timedelta(days=31)
    _drill(platform)
    assert list(context.backups.tables.stores) == [""]


def test_a_drill_that_dies_between_its_pieces_is_taken_up_where_it_was(platform):
    context = platform.context
    load, deaths = context.backups.tables.load, []

    def dying(pair, table, rows):
        load(pair, table, rows)
        if len(deaths) < 3:
            deaths.append(pair)
            raise RuntimeError("killed")

    context.backups.tables.load = dying
    for _ in range(3):
        with pytest.raises(RuntimeError):
            _drill(platform)
    assert _drill(platform)["broken_count"] == 0
    assert list(context.backups.tables.stores) == [""]


def test_the_page_shows_the_report_and_escapes_what_it_names(platform):
    found = _drill(platform)
    page = platform.context.archive.objects[f"drills/{found['page_sha256']}.html"].decode()
    assert platform.newest in page
    assert "Every promise holds" in page


def test_a_manifest_that_is_damaged_after_it_was_chosen_does_not_stop_the_drill(platform):
    context = platform.context
    steps = restore_drill.STEPS
    period = step(context, Job.RESTORE_DRILL, steps, {"do": "begin"})["period"]
    step(context, Job.RESTORE_DRILL, steps, {"do": "choose", "period": period})
    # As if the piece had ended before its last object.
    item = jobs.load(context, Job.RESTORE_DRILL, period)
    body = {name: value for name, value in item.body.items() if name != "stages_done"}
    context.store.transact([item.replaced(body)])
    _flip(platform, manifest_key(platform.newest))
    found = _drill(platform)
    assert (found["backup_id"], found["broken_count"]) == (platform.older, 0)
    assert found["damaged"] == [f"{platform.newest}: {manifest_key(platform.newest)}"]
