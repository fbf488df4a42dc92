"""Repeats of requests to the API's POST routes, called as API Gateway calls them."""

import pytest

import access_fakes
from api_calls import call
from in_memory import Platform
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.api_partner import PARTNER as DESCRIBED
from rongtong.entrypoints.repeats import KEPT, SELF_REMEMBERED
from rongtong.entrypoints.routes import ROUTES
from rongtong.services.kept_answers import request_pk
from template_reading import TEMPLATE

SUSPEND = {"scope": "institution", "id": "bank-1", "reason": "DRILL"}
ENTERPRISE = DESCRIBED["POST", "/v1/enterprises"].example
POSTS = {route.path for route in ROUTES if route.method == "POST"}


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def operations(platform, monkeypatch):
    module = access_fakes.load_app("operations")
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    return module.app


@pytest.fixture
def registration(platform, monkeypatch):
    module = access_fakes.load_app("registration")
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    return module.app


def _suspend(app, body=None, key="key-1", **more):
    return call(app, "POST", "/v1/operations/suspensions", body=body or SUSPEND, key=key, role="operations", **more)


def test_every_post_route_keeps_its_answers_or_says_why_it_need_not():
    assert KEPT | set(SELF_REMEMBERED) == POSTS
    assert set(SELF_REMEMBERED) & KEPT == set()


def test_every_function_that_keeps_answers_may_write_them_and_no_other():
    serves, may = set(), set()
    for name, resource in TEMPLATE.items():
        if resource["Type"] == "AWS::Serverless::Function":
            events = resource["Properties"].get("Events", {}).values()
            paths = {
                event["Properties"]["Path"]
                for event in events
                if event["Type"] == "Api" and event["Properties"]["Method"] == "post"
            }
            serves |= {name} if paths & KEPT else set()
            may |= {name} if "request#*" in str(resource["Properties"]["Policies"]) else set()
    assert serves == may


def test_a_repeat_is_told_the_first_answer_and_that_it_is_one(registration):
    first = call(registration, "POST", "/v1/enterprises", body=ENTERPRISE, key="key-1")
    again = call(registration, "POST", "/v1/enterprises", body=ENTERPRISE, key="key-1")
    assert (first.status, again.status, again.text) == (202, 202, first.text)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert again.headers["Content-Type"] == "application/json"
    assert again.headers["X-Request-Id"] == "request-1"


def test_the_same_key_with_another_body_is_refused(operations):
    _suspend(operations)
    other = _suspend(operations, {**SUSPEND, "id": "bank-2"})
    assert (other.status, other.body["code"], other.body["field"]) == (
        422,
        "IDEMPOTENCY_KEY_REUSED",
        "Idempotency-Key",
    )


def test_a_refusal_by_a_rule_stands_under_its_key(operations):
    body = {"scope": "enterprise", "id": "ent_unknown", "reason": "DRILL"}
    first, again = _suspend(operations, body), _suspend(operations, body)
    assert (first.status, again.status, again.text) == (404, 404, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Content-Type"] == "application/problem+json"


def test_a_body_that_is_not_of_the_form_leaves_its_key_unused(operations):
    assert _suspend(operations, {**SUSPEND, "more": 1}).body["code"] == "INVALID_BODY"
    assert _suspend(operations).status == 200


def test_what_runs_is_told_to_wait(operations, platform):
    _suspend(operations)
    item = platform.context.store.get(request_pk("partner-a", "key-1"), "state")
    running = {**item.body, "state": "running"}
    platform.context.store.transact([item.replaced(running)])
    waits = _suspend(operations)
    assert (waits.status, waits.body["code"], waits.headers["Retry-After"]) == (409, "REQUEST_RUNNING", "1")


def test_without_a_key_nothing_is_done(operations, platform):
    refused = _suspend(operations, key=None)
    assert (refused.status, refused.body["code"]) == (400, "HEADER_MISSING")
    assert platform.context.store.states("suspended#") == []


def test_one_key_at_two_objects_is_two_requests_of_which_the_second_is_refused(operations):
    for route, code in (("inc_1", "NOT_FOUND"), ("inc_2", "IDEMPOTENCY_KEY_REUSED")):
        told = call(
            operations,
            "POST",
            "/v1/operations/incidents/{incident_id}/resolution",
            body={"note": "SEEN"},
            key="key-1",
            role="operations",
            incident_id=route,
        )
        assert told.body["code"] == code
