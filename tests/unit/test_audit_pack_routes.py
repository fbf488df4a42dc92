"""The routes of audit packs answer as the description says, to keys with the scope for it."""

from datetime import timedelta

import pytest

from access_fakes import Gateway, Request, digest_of, load_app
from fakes import make_context
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.answers_audit import AuditPack, AuditPackWished
from rongtong.entrypoints.routes import ROUTES
from rongtong.services.audit_packs import WISHES_KEY, record_pk
from rongtong.services.storage import Create

PATH = "/v1/operations/audit-packs/{year}"
ROUTE_OF = {(route.method, route.path): route for route in ROUTES}
MADE = {
    "year": 2025,
    "key": "audit-packs/2025/abc.zip",
    "sha256": "ab" * 32,
    "bytes": 1,
    "files": 2,
    "not_available": 0,
    "made_by_run": "audit-2026-01-05",
}


@pytest.fixture
def context(monkeypatch):
    made = make_context()
    monkeypatch.setattr(bootstrap, "context", lambda: made)
    return made


def ask(method, year, scopes="operations:audit"):
    known = {"partner_id": "alice", "role": "operations", "key_id": "alice#1", "signature_sha256": "c2ln"}
    policy = {"policyDocument": {"Statement": [{"Effect": "Allow"}]}, "context": {**known, "scopes": scopes}}
    gateway = Gateway(lambda event, _: policy, {(method, PATH): load_app("audit").app})
    headers, body = ({"Idempotency-Key": "k"}, b"{}") if method == "POST" else ({}, b"")
    request = Request(method, PATH.format(year=year), {}, headers, body)
    if method == "POST":
        request.headers["Content-Digest"] = digest_of(body)
    return gateway.send(ROUTE_OF[method, PATH], request, {"year": year})


def test_a_pack_that_was_made_is_answered_with_where_it_is(context):
    context.store.transact([Create(record_pk(2025), "state", MADE)])
    answer = ask("GET", "2025")
    assert (answer.status, AuditPack.model_validate(answer.document).sha256) == (200, MADE["sha256"])
    assert answer.document["url"].endswith(MADE["key"])


def test_a_wish_is_kept_with_who_wished(context):
    answer = ask("POST", "2025")
    assert (answer.status, AuditPackWished.model_validate(answer.document).year) == (202, 2025)
    assert context.store.get(*WISHES_KEY).body["wanted"]["2025"]["by"] == "alice"


def test_a_year_that_is_not_over_is_refused(context):
    assert (ask("POST", "2026").code, ask("GET", "2026").code) == ("AUDIT_YEAR", "AUDIT_YEAR")
    context.clock.instant += timedelta(days=365)
    assert ask("GET", "2026").code == "NOT_FOUND"


def test_a_key_that_reads_everything_else_of_operations_gets_no_pack(context):
    context.store.transact([Create(record_pk(2025), "state", MADE)])
    assert ask("GET", "2025", "operations:read operations:replay").status == 403
