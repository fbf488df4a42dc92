"""Every route that shows evidence records who asked, under the request id that the caller was told."""

import pytest

from access_fakes import Gateway, Request, load_app
from in_memory import Platform, sample_bills
from rongtong.domain.access import SCOPES
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.routes import ROUTES

GOOD = sample_bills()[2]
ROUTE_OF = {(route.method, route.path): route for route in ROUTES}
SHOWING = {
    "RECEIPT": ("audit", "/v1/discounts/{discount_id}/receipt", "partner"),
    "TIMELINE": ("discount_requests", "/v1/discounts/{discount_id}/timeline", "partner"),
    "REVIEW": ("operations", "/v1/operations/reviews/{discount_id}", "operations"),
    "ACCESSES": ("operations", "/v1/operations/accesses", "operations"),
    "DISCOUNT": ("supervision", "/v1/supervision/discounts/{discount_id}", "supervisor"),
}


@pytest.fixture
def platform(monkeypatch):
    made = Platform()
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


@pytest.fixture
def paid(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    return discount_id


def ask(evidence, discount_id, partner="partner-a", query=None):
    folder, path, role = SHOWING[evidence]
    known = {"partner_id": partner, "role": role, "key_id": f"{partner}#1", "signature_sha256": "c2ln"}
    policy = {
        "policyDocument": {"Statement": [{"Effect": "Allow"}]},
        "context": {**known, "scopes": " ".join(SCOPES)},
    }
    gateway = Gateway(lambda event, _: policy, {("GET", path): load_app(folder).app})
    named = {"discount_id": discount_id} if "{discount_id}" in path else {}
    request = Request("GET", path.format(**named), query or {})
    return gateway.send(ROUTE_OF["GET", path], request, named)


def query_of(evidence, discount_id):
    return {"discount_id": discount_id} if evidence == "ACCESSES" else {}


def noted(platform):
    stored = [item.body for item in platform.context.store.items.values() if item.pk.startswith("access#")]
    return [body["event"] for body in stored if "event" in body]


@pytest.mark.parametrize("evidence", SHOWING)
def test_a_route_that_shows_evidence_records_its_caller(platform, paid, evidence):
    answer = ask(evidence, paid, query=query_of(evidence, paid))
    assert answer.status == 200
    (event,) = noted(platform)
    assert event["by"] == {"key": "partner-a#1", "sig": "c2ln"}
    assert event["data"] == {"evidence": evidence, "discount_id": paid, "request_id": answer.request_id}
    assert answer.headers["X-Request-Id"] == answer.request_id


@pytest.mark.parametrize("evidence", SHOWING)
def test_a_route_shows_nothing_of_what_it_cannot_record(platform, paid, evidence):
    def fail(writes):
        raise OSError("the table does not answer")

    platform.context.store.before_write = fail
    answer = ask(evidence, paid, query=query_of(evidence, paid))
    assert (answer.status, answer.code) == (500, "INTERNAL")


def test_another_partner_s_question_is_refused_and_is_no_read(platform, paid):
    assert [ask(evidence, paid, "partner-b").status for evidence in ("RECEIPT", "TIMELINE")] == [404, 404]
    assert noted(platform) == []


@pytest.mark.parametrize("query", [{}, {"discount_id": ""}, {"subject": "x"}])
def test_who_read_is_asked_of_one_discount(platform, paid, query):
    answer = ask("ACCESSES", paid, query=query)
    assert (answer.status, answer.code, answer.document["field"]) == (422, "INVALID_BODY", "discount_id")


def test_who_read_an_unknown_discount_is_not_found(platform):
    answer = ask("ACCESSES", "", query={"discount_id": "dsc_" + "a" * 26})
    assert (answer.status, answer.code) == (404, "NOT_FOUND")
