"""The commands that runbooks ask for, against answers as the routes give them."""

import json

import pytest

from rongtong import operations
from rongtong.domain import measures as m

FOUND = {
    "began_at": "2026-04-15T02:00:00.000Z",
    "at": "2026-04-15T03:00:00.000Z",
    "measures": {m.LIMIT_USED: 95, m.CHECKPOINT_LAG: 0},
    "details": {"limits": {"used": [{"limit": "institution#bank-1", "percent": 95}]}},
    "failed": {},
}
INCIDENT = {
    "incident_id": "inc_a",
    "kind": "STATEMENT_DIFFERS",
    "subject": "dsc_a",
    "opened_at": "2026-04-15T02:00:00.000Z",
    "what_next": "Compare.",
}


class Api:
    """Answers what a test says, and remembers what was asked."""

    def __init__(self, **answers):
        self.answers, self.sent = answers, []

    def get(self, path):
        return self.answers[path.rpartition("/")[2]]

    def post(self, path, body, key):
        self.sent.append((path, body))
        return {"incident_id": "inc_a", "change_id": "chg_a", "discount_id": "dsc_a", "status": "DONE"}


def _run(api, *words):
    keys = ["--url", "https://api", "--key-id", "operations#1", "--key", "k.pem"]
    options = operations._parser(lambda seconds: None).parse_args([*words, *keys])
    return options.command(api, options)


def test_status_lists_every_measure_with_its_unit(capsys):
    assert _run(Api(watch=FOUND), "status") == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["LimitUsed", "95", "%"] in shown
    assert ["CheckpointLag", "0", "s"] in shown


def test_status_fails_where_something_could_not_be_measured(capsys):
    assert _run(Api(watch={**FOUND, "failed": {"limits": "LIMITS"}}), "status") == 1
    assert "limits could not be measured: LIMITS" in capsys.readouterr().out


def test_a_part_of_the_status_shows_what_stands_behind_it(capsys):
    assert _run(Api(watch=FOUND), "status", "--part", "limits") == 0
    head, _, rest = capsys.readouterr().out.partition("\n")
    assert head == "limits at 2026-04-15T03:00:00.000Z"
    assert json.loads(rest) == FOUND["details"]["limits"]


def test_a_part_that_there_is_not_is_refused_with_those_that_there_are(capsys):
    assert _run(Api(watch=FOUND), "status", "--part", "limit") == 2
    assert "limits" in capsys.readouterr().err


@pytest.mark.parametrize(("kind", "count"), [(None, 1), ("STATEMENT_DIFFERS", 1), ("STUCK", 0)])
def test_incidents_are_listed_with_what_to_do_next_and_fail_where_there_are_any(capsys, kind, count):
    words = ["incidents", *(["--kind", kind] if kind else [])]
    assert _run(Api(incidents={"incidents": [INCIDENT], "more": False}), *words) == count
    out = capsys.readouterr().out
    assert f"{count} open." in out
    assert ("Compare." in out) == bool(count)


def test_an_incident_is_resolved_by_its_id_with_a_note():
    api = Api()
    assert _run(api, "resolve", "inc_a", "--note", "BANK_CORRECTED") == 0
    assert api.sent == [("/v1/operations/incidents/inc_a/resolution", {"note": "BANK_CORRECTED"})]


def test_a_review_is_shown_until_it_is_said_how_it_is_decided(capsys):
    api = Api(dsc_a={"discount": {"discount_id": "dsc_a"}, "findings": {"hits": []}})
    assert _run(api, "review", "dsc_a") == 0
    assert json.loads(capsys.readouterr().out) == api.answers["dsc_a"]
    assert api.sent == []
    assert _run(api, "review", "dsc_a", "--decide", "reject", "--note", "FILES_DIFFER") == 0
    assert api.sent == [("/v1/operations/reviews/dsc_a", {"decision": "reject", "note": "FILES_DIFFER"})]


def test_a_review_is_not_decided_without_a_note(capsys):
    api = Api()
    assert _run(api, "review", "dsc_a", "--decide", "approve") == 2
    assert api.sent == []
    assert "FILES_SEEN" in capsys.readouterr().err


def test_business_is_suspended_by_scope_and_id():
    api = Api()
    _run(api, "suspend", "--scope", "institution", "--id", "bank-1", "--reason", "BANK_ACCOUNTS_BLOCKED")
    _run(api, "suspend", "--scope", "platform", "--reason", "API_FAULTS")
    assert [body for _, body in api.sent] == [
        {"scope": "institution", "id": "bank-1", "reason": "BANK_ACCOUNTS_BLOCKED"},
        {"scope": "platform", "reason": "API_FAULTS"},
    ]


def test_a_change_is_proposed_from_its_file_and_approved_by_its_id(tmp_path):
    content = {"institution_id": "bank-1", "limit_fen": 100}
    (tmp_path / "LIMIT.json").write_text(json.dumps(content))
    api = Api()
    assert _run(api, "propose", "institution", str(tmp_path / "LIMIT.json")) == 0
    assert _run(api, "approve", "chg_a") == 0
    assert api.sent == [
        ("/v1/operations/changes", {"kind": "institution", "content": content}),
        ("/v1/operations/changes/chg_a/decision", {"decision": "approve"}),
    ]


def test_a_file_that_cannot_be_read_proposes_nothing(tmp_path, capsys):
    api = Api()
    assert _run(api, "propose", "limits", str(tmp_path / "missing.json")) == 2
    assert api.sent == []
    assert "missing.json" in capsys.readouterr().err


def test_a_step_towards_settling_an_incident_is_noted(capsys):
    class Noting(Api):
        def post(self, path, body, key):
            return {**super().post(path, body, key), "notes": [{"note": body["note"]}]}

    api = Noting()
    assert _run(api, "note", "inc_a", "--note", "REPORTED_TO_CNCERT") == 0
    assert api.sent == [("/v1/operations/incidents/inc_a/notes", {"note": "REPORTED_TO_CNCERT"})]
    assert capsys.readouterr().out == "inc_a REPORTED_TO_CNCERT\n"
