"""The routes of the register of duties, the notes of incidents, and the commands that use them, all in memory."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

import access_fakes
from api_calls import call
from in_memory import Platform
from rongtong import operations
from rongtong.domain.duties import Duty
from rongtong.domain.incident import IncidentKind
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.answers_duties import DutyList, DutyRecord, DutyRecordList
from rongtong.entrypoints.answers_operations import Incident
from rongtong.services import incidents
from rongtong.services.records import WATCH_KEY, duty_pk, iso
from rongtong.services.storage import Create

DUTIES = "/v1/operations/duties"
RECORDS = DUTIES + "/{duty}/records"
CLOSURE = RECORDS + "/{record_id}/findings/{number}/closure"
NOTES = "/v1/operations/incidents/{incident_id}/notes"
SHA = "ab" * 32
FINDING = {"what": "The list was out of date.", "due_on": "2026-05-15", "owner": "platform"}
BODY = {
    "held_on": "2026-04-14",
    "participants": [{"role": "platform", "count": 3}, {"role": "treasury", "count": 1}],
    "result": "pass",
    "report_sha256": SHA,
    "findings": [FINDING],
}


class World:
    """The platform in memory behind the routes of two functions."""

    def __init__(self):
        self.context = Platform().context
        began = {"began_at": iso(self.context.clock.now())}
        self.context.store.transact([Create(*WATCH_KEY, began)])
        self.apps = {name: access_fakes.load_app(name).app for name in ("audit", "operations")}

    def ask(self, method, route, body=None, key="key-1", who="alice", role="operations", query=None, **named):
        app = self.apps["operations" if "incidents" in route else "audit"]
        key = key if method == "POST" else None
        return call(app, method, route, body=body, key=key, partner=who, role=role, query=query, **named)


@pytest.fixture
def world(monkeypatch):
    made = World()

    def acting():
        return made.context

    monkeypatch.setattr(bootstrap, "context", acting)
    return made


def test_a_record_is_answered_as_described_and_is_signed_evidence(world):
    answer = world.ask("POST", RECORDS, BODY, duty="ddos_drill")
    shown = DutyRecord.model_validate(answer.body)
    assert (answer.status, shown.by, shown.result) == (201, "alice", "pass")
    event = world.context.store.get(duty_pk(shown.duty_record_id), "event#0001").body["event"]
    assert (event["data"]["report_sha256"], set(event["by"])) == (SHA, {"key", "sig"})


def test_a_repeat_under_its_key_makes_no_other_record(world):
    first, again = (world.ask("POST", RECORDS, BODY, duty="ddos_drill") for _ in range(2))
    assert first.body == again.body
    listed = DutyRecordList.model_validate(world.ask("GET", RECORDS, duty="ddos_drill").body)
    assert len(listed.records) == 1


def test_every_duty_is_listed_with_how_it_stands(world):
    world.ask("POST", RECORDS, BODY, duty="ddos_drill")
    listed = {one.duty: one for one in DutyList.model_validate(world.ask("GET", DUTIES).body).duties}
    assert set(listed) == set(Duty)
    drill = listed[Duty.DDOS_DRILL]
    assert (drill.last_held_on.isoformat(), len(drill.open_findings), drill.overdue) == ("2026-04-14", 1, False)


def test_a_finding_is_closed_by_another_persons_request(world):
    record_id = world.ask("POST", RECORDS, BODY, duty="ddos_drill").body["duty_record_id"]
    named = {"duty": "ddos_drill", "record_id": record_id, "number": "1"}
    closing = {"note": "LIST_RENEWED", "sha256": SHA}
    refused = world.ask("POST", CLOSURE, closing, **named)
    assert (refused.status, refused.body["code"]) == (422, "SAME_PERSON")
    closed = world.ask("POST", CLOSURE, closing, who="bob", **named)
    assert DutyRecord.model_validate(closed.body).findings[0].closed.by == "bob"


@pytest.mark.parametrize(
    ("duty", "changed", "refused"),
    [
        ("ddos_drills", {}, (404, "NOT_FOUND", "duty")),
        ("ddos_drill", {"held_on": "2026-04-16"}, (422, "DUTY_RECORD", "held_on")),
        ("ddos_drill", {"participants": []}, (422, "INVALID_BODY", "participants")),
        (
            "ddos_drill",
            {"participants": [{"role": "Zhang San", "count": 1}]},
            (422, "INVALID_BODY", "participants.0.role"),
        ),
        ("ddos_drill", {"result": "passed"}, (422, "INVALID_BODY", "result")),
        ("ddos_drill", {"report_sha256": "AB" * 32}, (422, "INVALID_BODY", "report_sha256")),
        ("ddos_drill", {"findings": [{**FINDING, "owner": "nobody"}]}, (422, "INVALID_BODY", "findings.0.owner")),
        ("privacy_training", {}, (422, "DUTY_RECORD", "tested")),
    ],
)
def test_what_is_not_right_is_refused_and_not_kept(world, duty, changed, refused):
    answer = world.ask("POST", RECORDS, {**BODY, **changed}, duty=duty)
    assert (answer.status, answer.body["code"], answer.body["field"]) == refused
    assert world.context.store.states("duty#") == []


def test_partners_see_nothing_of_it(world):
    assert world.ask("GET", DUTIES, role="partner").status == 403
    assert world.ask("POST", RECORDS, BODY, role="partner", duty="ddos_drill").status == 403


# ---- notes of incidents


def test_steps_towards_settling_an_incident_are_kept_with_who_took_them(world):
    incidents.open_once(world.context, IncidentKind.LOOKALIKE_DOMAIN, "a.com", "a.com", {})
    own_id = incidents.incident_id(IncidentKind.LOOKALIKE_DOMAIN, "a.com")
    world.ask("POST", NOTES, {"note": "REPORTED_TO_CNCERT"}, incident_id=own_id)
    answer = world.ask("POST", NOTES, {"note": "REPORTED_TO_REGISTRAR"}, key="key-2", who="bob", incident_id=own_id)
    shown = Incident.model_validate(answer.body)
    assert [(one.by, one.note) for one in shown.notes] == [
        ("alice", "REPORTED_TO_CNCERT"),
        ("bob", "REPORTED_TO_REGISTRAR"),
    ]
    assert shown.status == "OPEN"


def test_what_is_settled_takes_no_more_notes(world):
    incidents.open_once(world.context, IncidentKind.LOOKALIKE_DOMAIN, "a.com", "a.com", {})
    own_id = incidents.incident_id(IncidentKind.LOOKALIKE_DOMAIN, "a.com")
    incidents.resolve(replace(world.context, initiator={"key": "bob#1", "sig": "s"}), "bob", own_id, "TAKEN_DOWN")
    answer = world.ask("POST", NOTES, {"note": "REPORTED_TO_CNCERT"}, incident_id=own_id)
    assert (answer.status, answer.body["code"]) == (409, "WRONG_STATE")


# ---- the commands


class _Api:
    """The signed client, answered by the routes in memory."""

    def __init__(self, world, who="alice"):
        self._world, self._who = world, who

    def get(self, path):
        return self._answer("GET", path, None, None)

    def post(self, path, body, key):
        return self._answer("POST", path, body, key)

    def _answer(self, method, path, body, key):
        routes = [re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route) for route in (DUTIES, RECORDS, CLOSURE)]
        found, route = next(
            (match, route)
            for pattern, route in zip(routes, (DUTIES, RECORDS, CLOSURE), strict=True)
            if (match := re.fullmatch(pattern, path))
        )
        answer = self._world.ask(method, route, body, key=key, who=self._who, **found.groupdict())
        assert answer.status < 400, answer.text
        return answer.body


def run(api, *words):
    keys = ["--url", "https://api", "--key-id", "operations#1", "--key", "k.pem"]
    options = operations._parser(lambda seconds: None).parse_args([*words, *keys])
    return options.command(api, options)


def recorded(world, tmp_path, *more, duty="ddos_drill"):
    report = tmp_path / "report.txt"
    report.write_bytes(b"what was done")
    words = ("--held-on", "2026-04-14", "--took-part", "platform=3", "--took-part", "treasury=1", "--result", "pass")
    return run(_Api(world), "record-duty", duty, *words, "--report", str(report), *more)


def test_the_command_sends_the_hash_of_the_report_and_not_the_report(world, tmp_path, capsys):
    assert recorded(world, tmp_path) == 0
    (record,) = world.ask("GET", RECORDS, duty="ddos_drill").body["records"]
    assert record["report_sha256"] == hashlib.sha256(b"what was done").hexdigest()
    assert record["participants"] == BODY["participants"]
    assert record["report_sha256"] in capsys.readouterr().out


def test_the_list_answers_1_once_something_is_overdue(world, tmp_path, capsys):
    (tmp_path / "findings.json").write_text(json.dumps([FINDING]))
    recorded(world, tmp_path, "--findings", str(tmp_path / "findings.json"))
    assert run(_Api(world), "duties") == 0
    world.context.clock.instant += timedelta(days=31)
    assert run(_Api(world), "duties") == 1
    shown = capsys.readouterr().out
    assert "The list was out of date." in shown
    assert shown.endswith("1 overdue.\n")


def test_a_finding_is_closed_on_the_command_line(world, tmp_path, capsys):
    (tmp_path / "findings.json").write_text(json.dumps([FINDING]))
    recorded(world, tmp_path, "--findings", str(tmp_path / "findings.json"))
    (record,) = world.ask("GET", RECORDS, duty="ddos_drill").body["records"]
    shown_by = ("--how", "LIST_RENEWED", "--shown-by", str(tmp_path / "report.txt"))
    assert run(_Api(world, "bob"), "close-finding", "ddos_drill", record["duty_record_id"], "1", *shown_by) == 0
    assert "0 still open" in capsys.readouterr().out


def test_a_training_without_its_test_is_not_sent(world, tmp_path):
    assert recorded(world, tmp_path, duty="privacy_training") == 2
    assert recorded(world, tmp_path, "--assessed", "4", "--passed", "4", duty="privacy_training") == 0
    assert len(world.context.store.states("duty#")) == 1


def test_a_report_that_is_not_there_is_not_recorded(world, tmp_path):
    words = ("--held-on", "2026-04-14", "--took-part", "platform=3", "--result", "fail")
    assert run(_Api(world), "record-duty", "ddos_drill", *words, "--report", str(tmp_path / "none")) == 2
    assert world.context.store.states("duty#") == []
