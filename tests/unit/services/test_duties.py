"""The register: what was done is kept with its report's hash; what is overdue is an incident until it is done."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from driven_jobs import drive
from in_memory import Platform
from rongtong.domain.duties import PLANS, Duty, DutyFinding, DutyRecordError, DutyResult, Taking, TrainingTest
from rongtong.domain.incident import Desk, IncidentKind, IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.domain.two_persons import SamePersonError
from rongtong.services import audit_duties, audit_job, duties, incidents
from rongtong.services.errors import IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.records import STATE, WATCH_KEY, duty_pk, iso, logged_count
from rongtong.services.storage import Create
from rongtong.services.sweep import sweep

REPORT, MENDED = "ab" * 32, "cd" * 32
TODAY = date(2026, 4, 15)
DRILL = Duty.DDOS_DRILL


@pytest.fixture
def platform():
    """Its watch has run once, so that duties count from today."""
    made = Platform()
    made.context.store.transact([Create(*WATCH_KEY, {"began_at": iso(made.context.clock.now())})])
    return made


def acting(platform, who):
    return replace(platform.context, initiator={"key": f"{who}#1", "sig": f"sig of {who}"})


def recorded(platform, duty=DRILL, by="alice", key="key-1", digest="1", **said):
    fields = {
        "held_on": TODAY,
        "participants": [Taking("platform", 3), Taking("treasury", 1)],
        "result": DutyResult.PASS,
        "report_sha256": REPORT,
        **said,
    }
    return duties.record(acting(platform, by), duties.RecordDuty(duty, by, key, digest, **fields))[0]


def with_finding(platform, **said):
    finding = DutyFinding("The list was out of date.", TODAY + timedelta(days=30), Desk.PLATFORM)
    return recorded(platform, findings=[finding], **said)


def standing(platform, duty=DRILL):
    return next(one for one in duties.overview(platform.context) if one["duty"] == duty)


def later(platform, days):
    platform.context.clock.instant += timedelta(days=days)


def audit(platform):
    """The audit's stage alone; the incidents that are open then, of duties and findings."""
    audit_duties.check(platform.context, None)
    return open_incidents(platform)


def open_incidents(platform):
    listed = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    kinds = (IncidentKind.DUTY_OVERDUE, IncidentKind.FINDING_OVERDUE)
    return {(one["kind"], one["subject"]): one for one in listed if one["kind"] in kinds}


def test_a_duty_that_was_done_is_due_again_after_its_days(platform):
    recorded(platform)
    shown = standing(platform)
    assert (shown["last_held_on"], shown["next_due_on"], shown["overdue"]) == ("2026-04-15", "2027-04-15", False)
    later(platform, 365)
    assert not standing(platform)["overdue"]
    later(platform, 1)
    assert standing(platform)["overdue"]


def test_before_the_watch_has_run_nothing_is_due():
    shown = duties.overview(Platform().context)
    assert [one["next_due_on"] for one in shown] == [None] * len(PLANS)
    assert not any(one["overdue"] for one in shown)


def test_a_record_is_in_the_evidence_log_with_its_reports_hash(platform):
    record_id = recorded(platform)["duty_record_id"]
    sweep_later(platform)
    item = platform.context.store.get(duty_pk(record_id), STATE)
    event = platform.context.store.get(duty_pk(record_id), "event#0001").body["event"]
    assert (logged_count(item.body), item.due) == (1, None)
    assert (event["type"], event["data"]["report_sha256"], event["by"]["key"]) == ("DutyRecorded", REPORT, "alice#1")


def sweep_later(platform):
    """What happened is logged, and the log cosigned."""
    for _ in range(2):
        platform.context.clock.instant += timedelta(minutes=1)
        sweep(platform.context)


def test_a_repeat_is_the_same_record_and_another_body_under_its_key_is_refused(platform):
    first = recorded(platform)
    assert recorded(platform) == first
    assert len(duties.records(platform.context, DRILL)["records"]) == 1
    with pytest.raises(IdempotencyMismatchError):
        recorded(platform, digest="2")


def test_the_same_key_of_another_person_is_another_record(platform):
    assert recorded(platform)["duty_record_id"] != recorded(platform, by="bob")["duty_record_id"]


def test_what_failed_is_kept_and_leaves_the_duty_due(platform):
    recorded(platform, result=DutyResult.FAIL)
    assert standing(platform)["last_held_on"] is None
    assert [one["result"] for one in duties.records(platform.context, DRILL)["records"]] == ["fail"]


def test_a_record_of_an_earlier_time_takes_nothing_back(platform):
    recorded(platform)
    recorded(platform, key="key-2", held_on=TODAY - timedelta(days=90))
    assert standing(platform)["last_held_on"] == TODAY.isoformat()
    held = [one["held_on"] for one in duties.records(platform.context, DRILL)["records"]]
    assert held == ["2026-04-15", "2026-01-15"]


def test_records_come_page_by_page(platform):
    made = {recorded(platform, key=f"key-{number}")["duty_record_id"] for number in range(3)}
    first = duties.records(platform.context, DRILL, limit=2)
    rest = duties.records(platform.context, DRILL, limit=2, cursor=first["next_cursor"])
    assert [len(first["records"]), len(rest["records"]), rest["next_cursor"]] == [2, 1, None]
    assert {one["duty_record_id"] for one in first["records"] + rest["records"]} == made


def test_a_record_that_does_not_fit_is_not_kept(platform):
    with pytest.raises(DutyRecordError):
        recorded(platform, participants=[Taking("platform", 1)])
    assert duties.records(platform.context, DRILL)["records"] == []


def test_a_training_shows_its_test(platform):
    shown = recorded(platform, Duty.CONTINUITY_TRAINING, tested=TrainingTest(4, 4))
    assert shown["tested"] == {"assessed": 4, "passed": 4}


# ---- findings


def test_a_finding_is_closed_by_another_person(platform):
    record_id = with_finding(platform)["duty_record_id"]
    with pytest.raises(SamePersonError):
        duties.close_finding(acting(platform, "alice"), "alice", DRILL, record_id, "1", "RENEWED", MENDED)
    assert len(standing(platform)["open_findings"]) == 1
    shown = duties.close_finding(acting(platform, "bob"), "bob", DRILL, record_id, "1", "RENEWED", MENDED)
    assert shown["findings"][0]["closed"] == {
        "by": "bob",
        "note": "RENEWED",
        "sha256": MENDED,
        "at": iso(platform.context.clock.now()),
    }
    assert standing(platform)["open_findings"] == []


def test_a_finding_is_closed_once(platform):
    record_id = with_finding(platform)["duty_record_id"]
    closing = ("bob", DRILL, record_id, "1", "RENEWED", MENDED)
    first = duties.close_finding(acting(platform, "bob"), *closing)
    later(platform, 1)
    assert duties.close_finding(acting(platform, "bob"), *closing) == first
    with pytest.raises(WrongStateError):
        duties.close_finding(acting(platform, "carol"), "carol", DRILL, record_id, "1", "RENEWED", MENDED)


@pytest.mark.parametrize(
    ("duty", "number"), [(DRILL, "2"), (DRILL, "0"), (DRILL, "01"), (DRILL, "²"), (Duty.SWITCH_DRILL, "1")]
)
def test_a_finding_that_is_not_there_is_none(platform, duty, number):
    record_id = with_finding(platform)["duty_record_id"]
    with pytest.raises(NotFoundError):
        duties.close_finding(acting(platform, "bob"), "bob", duty, record_id, number, "RENEWED", MENDED)


# ---- what is overdue


def test_a_duty_that_is_overdue_is_one_incident_that_its_record_settles(platform):
    recorded(platform)
    later(platform, 366)
    for _ in range(2):
        overdue = audit(platform)[IncidentKind.DUTY_OVERDUE, DRILL.value]
    assert overdue["owner"] == Desk.COMPLIANCE
    assert overdue["data"] == {
        "due_on": "2027-04-15",
        "last_held_on": "2026-04-15",
        "owner": "platform",
        "items": ["BC-08", "XYSJ-004"],
    }
    recorded(platform, key="key-2", held_on=date(2027, 4, 16))
    assert (IncidentKind.DUTY_OVERDUE, DRILL.value) not in audit(platform)
    resolved = incidents.load(platform.context, overdue["incident_id"]).body
    assert (resolved["resolved_by"], resolved["note"]) == ("duties", "RECORDED")


def test_what_failed_settles_nothing(platform):
    recorded(platform)
    later(platform, 366)
    audit(platform)
    recorded(platform, key="key-2", held_on=date(2027, 4, 16), result=DutyResult.FAIL)
    assert (IncidentKind.DUTY_OVERDUE, DRILL.value) in open_incidents(platform)


def test_who_settles_an_overdue_duty_without_the_fact_has_it_again(platform):
    recorded(platform)
    later(platform, 366)
    first = audit(platform)[IncidentKind.DUTY_OVERDUE, DRILL.value]["incident_id"]
    incidents.resolve(acting(platform, "alice"), "alice", first, "LATER")
    again = audit(platform)[IncidentKind.DUTY_OVERDUE, DRILL.value]["incident_id"]
    assert again != first
    recorded(platform, key="key-2", held_on=date(2027, 4, 16))
    assert (IncidentKind.DUTY_OVERDUE, DRILL.value) not in open_incidents(platform)


def test_all_that_was_never_done_is_overdue_half_a_year_after_the_beginning(platform):
    later(platform, 180)
    assert audit(platform) == {}
    later(platform, 1)
    assert {subject for _, subject in audit(platform)} == set(Duty)


def test_a_finding_past_its_day_is_one_incident_that_its_closing_settles(platform):
    record_id = with_finding(platform)["duty_record_id"]
    later(platform, 30)
    assert audit(platform) == {}
    later(platform, 1)
    for _ in range(2):
        overdue = audit(platform)[IncidentKind.FINDING_OVERDUE, record_id]
    assert overdue["data"] == {"duty": "ddos_drill", "number": 1, "due_on": "2026-05-15", "owner": "platform"}
    duties.close_finding(acting(platform, "bob"), "bob", DRILL, record_id, "1", "RENEWED", MENDED)
    assert audit(platform) == {}
    assert incidents.load(platform.context, overdue["incident_id"]).body["resolved_by"] == "duties"


# ---- in the audit


def test_the_audit_counts_what_is_overdue_and_lists_who_recorded(platform):
    record_id = with_finding(platform)["duty_record_id"]
    duties.close_finding(acting(platform, "bob"), "bob", DRILL, record_id, "1", "RENEWED", MENDED)
    sweep_later(platform)
    later(platform, 1)
    found = drive(platform.context, Job.AUDIT, audit_job.steps([]))
    assert (found["duties_overdue"], found["duty_findings_overdue"], found["actions"]) == (0, 0, 2)
    assert found["by_code"] == {"ACTIONS_TO_REVIEW": 1}


def test_a_record_without_the_signature_of_whom_it_names_is_found(platform):
    command = duties.RecordDuty(
        DRILL, "alice", "key-1", "1", TODAY, [Taking("platform", 1), Taking("treasury", 1)], DutyResult.PASS, REPORT
    )
    duties.record(acting(platform, "mallory"), command)
    sweep_later(platform)
    later(platform, 1)
    assert drive(platform.context, Job.AUDIT, audit_job.steps([]))["by_code"]["ACTION_UNSIGNED"] == 1
