"""Statements, the institution's side and complaints, asked for as API Gateway asks: each caller gets its own."""

import base64
import csv
import hashlib
import io
import json
from dataclasses import dataclass

import pytest

from access_fakes import Gateway, Request, load_app
from in_memory import PARTNER, Platform, sample_bills
from rongtong.adapters.iso20022 import read_camt_053
from rongtong.domain.access import ROLES, Role
from rongtong.domain.statement import Period
from rongtong.entrypoints import answers, bootstrap
from rongtong.entrypoints import answers_institution as shown
from rongtong.entrypoints.routes import ROUTES

GOOD = sample_bills()[2]
BANK = GOOD.request["institution_id"]
ANOTHER = "partner-b"
ROUTE_OF = {(route.method, route.path): route for route in ROUTES}
APPS = {folder: load_app(folder).app for folder in ("statements", "institution", "complaints")}
ROUTES_OF = {(method, path): app for app in APPS.values() for path, methods in app.routes.items() for method in methods}
STATEMENT = "/v1/statements/{day}"
PROPOSAL, DECISION = "/v1/institution/changes/{proposal_id}", "/v1/institution/changes/{proposal_id}/decision"
COMPLAINT = "/v1/complaints/{complaint_id}"
TABLE = {
    "version": 9,
    "valid_from": "2026-04-15T00:00:00+08:00",
    "rows": [{"acceptor_class": "rural", "max_days": 200, "annual_rate": "1.900000"}],
}


@dataclass(frozen=True)
class Answer:
    """As API Gateway hands it on."""

    status: int
    headers: dict
    body: str


@pytest.fixture
def platform(monkeypatch):
    made = Platform(partners=(PARTNER, ANOTHER))
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


@pytest.fixture
def paid(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    return discount_id


LARGE_VALUES = "/v1/institution/large-values/{day}"


def _ask(
    method,
    path,
    who=PARTNER,
    role="partner",
    *,
    query=None,
    body=None,
    key="key-1",
    institution=BANK,
    if_match=None,
    **named,
):
    known = {"partner_id": who, "role": role, "key_id": f"{who}#1", "signature_sha256": "c2ln"}
    known["scopes"] = " ".join(ROLES[Role(role)])
    if role == "institution":
        known["institution_id"] = institution
    policy = {"policyDocument": {"Statement": [{"Effect": "Allow"}]}, "context": known}
    content = b"" if body is None else json.dumps(body).encode()
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    headers = {"Content-Digest": f"sha-256=:{digest}:", "Idempotency-Key": key} if method != "GET" else {}
    headers |= {"If-Match": if_match} if if_match else {}
    request = Request(method, path.format(**named), query or {}, headers, content)
    told = {}

    def app(event, context):
        told.update(ROUTES_OF[method, path](event, context))
        return told

    Gateway(lambda event, _: policy, {(method, path): app}).send(ROUTE_OF[method, path], request, named)
    return Answer(told["statusCode"], told["headers"], told["body"])


def _of_bank(method, path, who="bank-1-clerk", **more):
    return _ask(method, path, who, "institution", **more)


def _of_operations(method, path, who="operations", **more):
    return _ask(method, path, who, "operations", **more)


def _read(answer, model, status=200):
    assert answer.status == status, answer.body
    document = json.loads(answer.body)
    model.model_validate_json(answer.body, strict=True)
    return document


def _code(answer):
    return answer.status, json.loads(answer.body)["code"]


# --- statements


def test_a_partner_and_the_institution_read_the_same_line(platform, paid):
    (line,) = _read(_ask("GET", STATEMENT, day="2026-04-15"), shown.Statement)["lines"]
    assert (line["discount_id"], line["institution_id"]) == (paid, BANK)
    assert _read(_of_bank("GET", STATEMENT, day="2026-04-15"), shown.Statement)["lines"] == [line]


def test_an_institution_reads_whom_its_bank_must_report_for_a_day(platform, paid):
    found = _read(_of_bank("GET", LARGE_VALUES, day="2026-04-15"), shown.LargeValues)
    body = platform.body(paid)
    assert (found["threshold_fen"], found["report_by"], found["final"]) == (200_000_000, "2026-04-22", False)
    named = [(one["uscc"], one["total_fen"]) for one in found["large_values"]]
    assert named == ([(GOOD.holder_uscc, body["proceeds_fen"])] if body["proceeds_fen"] >= 200_000_000 else [])
    assert _code(_of_bank("GET", LARGE_VALUES, day="2026-04")) == (422, "PERIOD_INVALID")
    assert _code(_ask("GET", LARGE_VALUES, day="2026-04-15")) == (403, "FORBIDDEN")


@pytest.mark.parametrize("caller", [{"who": ANOTHER}, {"role": "institution", "institution": "bank-2", "who": PARTNER}])
def test_another_caller_s_statement_is_empty(platform, paid, caller):
    assert _read(_ask("GET", STATEMENT, day="2026-04-15", **caller), shown.Statement)["lines"] == []


def test_a_statement_is_a_file_for_spreadsheets(platform, paid):
    answer = _ask("GET", STATEMENT, day="2026-04-15", query={"format": "csv"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="statement-2026-04-15.csv"'
    assert answer.body.startswith("\ufeff")
    (row,) = csv.DictReader(io.StringIO(answer.body.removeprefix("\ufeff"), newline=""))
    assert (row["discount_id"], row["kind"]) == (paid, "PAID")


def test_a_statement_is_a_file_for_treasury_programs(platform, paid):
    answer = _of_bank("GET", STATEMENT, day="2026-04-15", query={"format": "camt.053"})
    assert answer.headers["Content-Type"] == "application/xml"
    (entry,) = read_camt_053(answer.body.encode(), BANK, Period.parse("2026-04-15").first)
    assert entry.amount_fen == platform.body(paid)["proceeds_fen"]


@pytest.mark.parametrize(
    ("day", "query", "refused"),
    [
        ("2026-04-16", {}, (422, "PERIOD_INVALID")),
        ("today", {}, (422, "PERIOD_INVALID")),
        ("2026-04-15", {"format": "xlsx"}, (422, "INVALID_BODY")),
        ("2026-04-15", {"fromat": "csv"}, (422, "INVALID_BODY")),
    ],
)
def test_a_statement_that_is_asked_for_wrongly_is_refused(platform, day, query, refused):
    assert _code(_ask("GET", STATEMENT, day=day, query=query)) == refused


# --- the institution


def test_an_institution_reads_what_it_holds(platform, paid):
    found = _read(_of_bank("GET", "/v1/institution/portfolio"), shown.InstitutionPortfolio)
    assert (found["count"], found["face_fen"]) == (1, platform.body(paid)["face_fen"])
    asked = {"query": {"as_of": "2026-04-14"}}
    assert _read(_of_bank("GET", "/v1/institution/portfolio", **asked), shown.InstitutionPortfolio)["count"] == 0


def test_an_institution_lists_the_discounts_that_it_funds_and_nobody_else_s(platform, paid):
    path = "/v1/institution/discounts"
    assert [one["discount_id"] for one in _read(_of_bank("GET", path), answers.DiscountList)["discounts"]] == [paid]
    assert _read(_of_bank("GET", path, institution="bank-2"), answers.DiscountList)["discounts"] == []
    assert _read(_of_bank("GET", path, query={"status": "REFUSED"}), answers.DiscountList)["discounts"] == []


def test_two_persons_of_an_institution_change_its_rates(platform):
    path = "/v1/institution/rates"
    answer = _of_bank("POST", path, body=TABLE)
    change = _read(answer, shown.InstitutionChange, 201)
    named = {"proposal_id": change["change_id"]}
    assert answer.headers["Location"] == PROPOSAL.format(**named)
    assert _read(_of_bank("GET", PROPOSAL, **named), shown.InstitutionChange) == change
    body = {"decision": "approve"}
    assert _code(_of_bank("POST", DECISION, body=body, key="key-2", **named)) == (422, "SAME_PERSON")
    _read(_of_bank("POST", DECISION, "bank-1-head", body=body, **named), shown.InstitutionChange)
    assert _read(_of_bank("GET", path), shown.InstitutionTerms)["version_in_force"] == 9
    listed = _read(_of_bank("GET", "/v1/institution/changes"), shown.InstitutionChangeList)["changes"]
    assert [one["status"] for one in listed] == ["APPROVED"]


def test_a_change_is_decided_as_it_was_read_or_not_at_all(platform):
    named = {"proposal_id": json.loads(_of_bank("POST", "/v1/institution/rates", body=TABLE).body)["change_id"]}
    tag = _of_bank("GET", PROPOSAL, **named).headers["ETag"]
    asked = {"who": "bank-1-head", "body": {"decision": "approve"}, "key": "key-2", **named}
    assert _code(_of_bank("POST", DECISION, if_match='"another"', **asked)) == (412, "PRECONDITION_FAILED")
    assert json.loads(_of_bank("GET", PROPOSAL, **named).body)["status"] == "PROPOSED"
    decided = _of_bank("POST", DECISION, if_match=tag, **asked)
    assert json.loads(decided.body)["status"] == "APPROVED"
    assert decided.headers["ETag"] == _of_bank("GET", PROPOSAL, **named).headers["ETag"] != tag


def test_another_institution_neither_sees_nor_decides_it(platform):
    named = {"proposal_id": json.loads(_of_bank("POST", "/v1/institution/rates", body=TABLE).body)["change_id"]}
    assert _code(_of_bank("GET", PROPOSAL, institution="bank-2", **named)) == (404, "NOT_FOUND")
    asked = {"body": {"decision": "approve"}, "institution": "bank-2", **named}
    assert _code(_of_bank("POST", DECISION, "bank-2-head", **asked)) == (404, "NOT_FOUND")


def test_a_limit_is_proposed(platform):
    change = _read(
        _of_bank("POST", "/v1/institution/limits", body={"limit_fen": 5, "fee": {"per_million": 100}}),
        shown.InstitutionChange,
        201,
    )
    assert change["content"] == {
        "limit_fen": 5,
        "fee": {"flat_fen": 0, "per_million": 100},
        "institution_id": BANK,
    }
    assert _code(_of_bank("POST", "/v1/institution/limits", body={}, key="key-2")) == (422, "CHANGE_CONTENT")
    wrong = {"limit_fen": 5, "institution_id": "bank-2"}
    assert _code(_of_bank("POST", "/v1/institution/limits", body=wrong, key="key-3")) == (422, "INVALID_BODY")


@pytest.mark.parametrize("role", ["partner", "operations"])
def test_nobody_but_an_institution_has_this_side(platform, role):
    assert _code(_ask("GET", "/v1/institution/portfolio", role=role)) == (403, "FORBIDDEN")


# --- complaints


def _complain(platform, key="key-1"):
    body = {
        "about": {"kind": "enterprise", "id": platform.ids[PARTNER, GOOD.holder_uscc]},
        "category": "PRICE",
        "text": "利息算错了",
    }
    return _ask("POST", "/v1/complaints", body=body, key=key)


def test_a_complaint_goes_from_its_receipt_to_its_end(platform):
    answer = _complain(platform)
    made = _read(answer, shown.Complaint, 201)
    named = {"complaint_id": made["complaint_id"]}
    assert answer.headers["Location"] == COMPLAINT.format(**named)
    operations = f"/v1/operations{COMPLAINT.removeprefix('/v1')}"
    (waits,) = _read(_of_operations("GET", "/v1/operations/complaints"), shown.ComplaintList)["complaints"]
    assert waits["complaint_id"] == made["complaint_id"]
    assert _read(_of_operations("GET", operations, **named), shown.Complaint) == made
    assert _read(_of_operations("POST", f"{operations}/taking", **named), shown.Complaint)["status"] == "IN_PROGRESS"
    said = {"body": {"text": "已核对"}, "key": "key-2"}
    _read(_of_operations("POST", f"{operations}/answer", **said, **named), shown.Complaint)
    assert _read(_ask("GET", COMPLAINT, **named), shown.Complaint)["messages"][-1]["text"] == "已核对"
    again = _read(_ask("POST", f"{COMPLAINT}/reopening", body={"text": "不对"}, **named), shown.Complaint)
    assert again["status"] == "REOPENED"
    assert _read(_ask("POST", f"{COMPLAINT}/closure", **named), shown.Complaint)["status"] == "CLOSED"
    answered = {"query": {"status": "answered"}}
    (ended,) = _read(_of_operations("GET", "/v1/operations/complaints", **answered), shown.ComplaintList)["complaints"]
    assert ended["status"] == "CLOSED"
    assert len(_read(_ask("GET", "/v1/complaints"), shown.ComplaintList)["complaints"]) == 1


def test_a_repeat_says_that_it_is_one(platform):
    first = _complain(platform)
    again = _complain(platform)
    assert (again.headers.get("Idempotent-Replayed"), json.loads(again.body)) == ("true", json.loads(first.body))
    assert "Idempotent-Replayed" not in first.headers


def test_another_partner_sees_nothing_of_it_and_cannot_close_it(platform):
    named = {"complaint_id": json.loads(_complain(platform).body)["complaint_id"]}
    assert _code(_ask("GET", COMPLAINT, ANOTHER, **named)) == (404, "NOT_FOUND")
    assert _code(_ask("POST", f"{COMPLAINT}/closure", ANOTHER, **named)) == (404, "NOT_FOUND")
    assert _read(_ask("GET", "/v1/complaints", ANOTHER), shown.ComplaintList)["complaints"] == []


def test_a_step_that_is_not_next_is_a_conflict(platform):
    named = {"complaint_id": json.loads(_complain(platform).body)["complaint_id"]}
    asked = {"body": {"text": "x"}, **named}
    path = "/v1/operations/complaints/{complaint_id}/answer"
    assert _code(_of_operations("POST", path, **asked)) == (409, "WRONG_STATE")
