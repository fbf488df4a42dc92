"""A year's audit pack holds what an auditor needs, says what it does not hold, and is one signed whole."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.audit_pack import MANIFEST, NOTE, AuditPackError, pack, unpack
from rongtong.domain.checkpoint import CheckpointError, open_checkpoint
from rongtong.domain.duties import Duty, DutyResult, Taking
from rongtong.domain.jobs import Job
from rongtong.domain.trust import TrustPolicy
from rongtong.operations_audit_pack import checked
from rongtong.services import audit_job, changes, duties, incidents, jobs, reconcile
from rongtong.services.audit_packs import AuditYearError, find, wish
from rongtong.services.cosigning import log_key
from rongtong.services.errors import NotFoundError
from rongtong.services.incidents import IncidentKind
from rongtong.services.storage import Create
from rongtong.services.sweep import sweep

GOOD = sample_bills()[2]
ROUTES = [{"method": "GET", "path": "/v1/status", "scope": "status:read"}]
STEPS = audit_job.steps(ROUTES)


@pytest.fixture
def platform():
    """A discount, a change of two persons, an incident that was settled, and an audit of one day of 2026."""
    made = Platform()
    made.run(made.accept(GOOD))
    proposed = changes.propose(acting(made, "alice"), "alice", "key-1", "policy", {"quote_minutes": 25})
    changes.decide(acting(made, "bob"), "bob", proposed["change_id"], approve=True)
    incidents.open_once(made.context, IncidentKind.STUCK, "one", "one", {})
    incidents.resolve(acting(made, "alice"), "alice", incidents.incident_id(IncidentKind.STUCK, "one"), "DONE")
    made.context.store.transact([Create(reconcile.reconciliation_pk("2026-04-15"), "state", {"day": "2026-04-15"})])
    sweep(made.context)
    audit_on(made, date(2026, 4, 16))
    return made


def acting(platform, who):
    return replace(platform.context, initiator={"key": f"{who}#1", "sig": f"sig of {who}"})


def audit_on(platform, day, **event):
    """An audit that is begun in the morning of this day; the run."""
    platform.context.clock.instant = datetime(day.year, day.month, day.day, 1, 0, tzinfo=UTC)
    begun = jobs.step(platform.context, Job.AUDIT, STEPS, {"do": "begin", **event})
    for stage in STEPS.stages:
        while jobs.step(platform.context, Job.AUDIT, STEPS, {"do": stage, "period": begun["period"]})["more"]:
            pass
    jobs.step(platform.context, Job.AUDIT, STEPS, {"do": "finish", "period": begun["period"]})
    return jobs.load(platform.context, Job.AUDIT, begun["period"]).body


def packed(platform, year="2026"):
    content = platform.context.archive.get(find(platform.context, year)["key"])
    return unpack(content, log_key(platform.context))[1]


def in_january(platform):
    return audit_on(platform, date(2027, 1, 6))


def test_the_pack_has_the_years_records_of_the_register_and_how_the_duties_stood(platform):
    command = duties.RecordDuty(
        Duty.SWITCH_DRILL, "alice", "key-1", "1", date(2026, 4, 15), [Taking("platform", 2)], DutyResult.PASS, "ab" * 32
    )
    duties.record(acting(platform, "alice"), command)
    in_january(platform)
    told = json.loads(packed(platform)["duties.json"])
    assert [(one["duty"], one["report_sha256"]) for one in told["records"]] == [("switch_drill", "ab" * 32)]
    assert {one["duty"]: one["last_held_on"] for one in told["duties"]}["switch_drill"] == "2026-04-15"


def test_the_first_audit_from_5_january_on_makes_the_pack_of_the_year_before(platform):
    early = audit_on(platform, date(2027, 1, 5))
    assert "pack_sha256" not in early["found"]
    run = in_january(platform)
    found = find(platform.context, "2026")
    assert (run["found"]["pack_year"], run["found"]["pack_sha256"]) == (2026, found["sha256"])
    assert "pack_sha256" not in audit_on(platform, date(2027, 1, 7))["found"]
    assert found["url"].endswith(f"{found['sha256']}.zip")


def test_a_platform_that_was_not_audited_in_a_year_makes_no_pack_of_it():
    assert "pack_sha256" not in audit_on(Platform(), date(2026, 4, 16))["found"]


def test_the_pack_holds_what_an_auditor_needs(platform):
    in_january(platform)
    files = packed(platform)
    audited = json.loads(files["audit/2026-04-15/report.json"])
    assert audited["actions"][0]["second"] == "bob"
    assert files["audit/2026-04-15/report.html"].startswith(b"<!doctype html>")
    assert json.loads(files["reconciliation/2026-04-15/result.json"]) == {"day": "2026-04-15"}
    (change,) = json.loads(files["changes.json"])["changes"]
    assert (change["proposed_by"], change["decided_by"]) == ("alice", "bob")
    settled = {(one["kind"], one.get("resolved_by")) for one in json.loads(files["incidents.json"])["incidents"]}
    assert settled == {("STUCK", "alice"), ("AUDIT_REVIEW", None)}
    assert json.loads(files["access.json"])["routes"] == ROUTES
    assert "partner-a" in json.loads(files["callers.json"])["callers"]
    policy = TrustPolicy.parse(files["trust-policy.txt"].decode())
    assert policy.judge(files["checkpoint.txt"].decode()).checkpoint.size == audited["log"]["entries"]


def test_the_pack_says_what_it_does_not_hold(platform):
    in_january(platform)
    missing = json.loads(packed(platform)["not-available.json"])["not_available"]
    assert any(line.startswith("audit of 2026-04-16") for line in missing)
    assert any(line.startswith("monthly-review of 2026-12") for line in missing)
    assert not any(line.startswith("audit of 2026-04-15") for line in missing)
    assert find(platform.context, "2026")["not_available"] < len(missing)


def test_a_pack_that_somebody_wants_is_made_by_the_next_audit_once(platform):
    platform.context.clock.instant = datetime(2027, 1, 2, tzinfo=UTC)
    wish(platform.context, "alice", "2026")
    assert wish(platform.context, "alice", "2026")["wanted"]
    assert audit_on(platform, date(2027, 1, 3))["found"]["pack_year"] == 2026
    assert "pack_year" not in audit_on(platform, date(2027, 1, 4))["found"]


def test_a_pack_that_is_made_again_of_the_same_files_is_the_same_bytes(platform):
    in_january(platform)
    content = platform.context.archive.get(find(platform.context, "2026")["key"])
    files = packed(platform)
    assert pack(2026, files, log_key(platform.context), platform.context.log_signer.sign)[0] == content
    backwards = dict(reversed(files.items()))
    assert pack(2026, backwards, log_key(platform.context), platform.context.log_signer.sign)[0] == content


@pytest.mark.parametrize("year", ["2027", "2028", "26", "last", "", "２０２６"])
def test_a_year_that_is_none_or_not_over_is_refused(platform, year):
    platform.context.clock.instant = datetime(2027, 2, 1, tzinfo=UTC)
    for ask in (lambda: find(platform.context, year), lambda: wish(platform.context, "alice", year)):
        with pytest.raises(AuditYearError):
            ask()


def test_a_pack_that_was_not_made_is_not_found(platform):
    platform.context.clock.instant += timedelta(days=400)
    with pytest.raises(NotFoundError):
        find(platform.context, "2026")


# ---- one signed whole


def rewritten(content, edit):
    """The pack with its files edited by somebody who has not the key."""
    with ZipFile(BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    edit(files)
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        for name, one in files.items():
            archive.writestr(name, one)
    return out.getvalue()


@pytest.fixture
def made(platform):
    in_january(platform)
    return platform.context.archive.get(find(platform.context, "2026")["key"])


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda files: files.update({"changes.json": b"{}"}), "changes.json is not the file"),
        (lambda files: files.pop("incidents.json"), "incidents.json is missing"),
        (lambda files: files.update({"more.json": b"{}"}), "more.json is in the pack"),
        (lambda files: files.update({MANIFEST: files[MANIFEST].replace(b"2026", b"2025")}), "not the one"),
        (lambda files: files.update({NOTE: files[NOTE].replace(b"2026", b"2025", 1)}), "signature"),
        (lambda files: files.pop(NOTE), "signature"),
    ],
)
def test_a_pack_that_was_altered_is_refused_and_the_part_is_named(platform, made, edit, named):
    with pytest.raises(AuditPackError, match=named):
        unpack(rewritten(made, edit), log_key(platform.context))


def test_a_pack_that_another_key_signed_is_refused(platform, made):
    with pytest.raises(AuditPackError, match="not signed by the pinned"):
        unpack(made, replace(log_key(platform.context), public_key=b"\x07" * 32))


def test_what_is_no_zip_file_is_refused(platform):
    with pytest.raises(AuditPackError, match="cannot be read"):
        unpack(b"PK\x03\x04 nothing", log_key(platform.context))


def test_the_manifest_s_note_is_no_checkpoint(platform, made):
    with ZipFile(BytesIO(made)) as archive, pytest.raises(CheckpointError):
        open_checkpoint(archive.read(NOTE).decode(), log_key(platform.context))


def test_the_reader_checks_the_hash_the_year_and_the_checkpoint_with_a_policy_of_its_own(platform, made):
    sha256 = find(platform.context, "2026")["sha256"]
    assert "changes.json" in checked(made, 2026, sha256, platform.trust)
    for content, year, digest, policy in (
        (made + b"x", 2026, sha256, platform.trust),
        (made, 2025, sha256, platform.trust),
        (made, 2026, sha256, replace(platform.trust, logs=())),
        (made, 2026, sha256, replace(platform.trust, witnesses={"w9": log_key(platform.context)}, quorum="w9")),
    ):
        with pytest.raises(AuditPackError):
            checked(content, year, digest, policy)
