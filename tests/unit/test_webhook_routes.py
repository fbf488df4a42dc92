"""The webhook routes, called as API Gateway calls them."""

import base64
import hashlib
import importlib.util
import json
from dataclasses import replace

import pytest

from in_memory import Platform, sample_bills
from paths import ROOT
from rongtong.entrypoints import bootstrap
from webhook_receiver import MemoryReceivers

URL = "https://hooks.example.com/a"
ONE = "/v1/webhook-endpoints/{endpoint_id}"
SCOPES = "webhooks:read webhooks:write events:read"


@pytest.fixture
def platform():
    made = Platform(("partner-a", "partner-b"))
    made.receivers = MemoryReceivers()
    made.context = replace(made.context, webhook_sender=made.receivers)
    return made


@pytest.fixture
def app(platform, monkeypatch):
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    spec = importlib.util.spec_from_file_location("webhooks_app", ROOT / "functions" / "webhooks" / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


def _call(app, method, route, *, body=None, query=None, partner="partner-a", scopes=SCOPES, key="key-1", **parameters):
    content = "" if body is None else json.dumps(body)
    digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    headers = {"content-type": "application/json", "content-digest": f"sha-256=:{digest}:"}
    event = {
        "httpMethod": method,
        "path": route.format(**parameters),
        "resource": route,
        "pathParameters": parameters or None,
        "multiValueQueryStringParameters": {name: [value] for name, value in (query or {}).items()} or None,
        "headers": headers | ({"idempotency-key": key} if key else {}),
        "requestContext": {
            "resourcePath": route,
            "httpMethod": method,
            "path": route.format(**parameters),
            "authorizer": {
                "partner_id": partner,
                "role": "partner",
                "scopes": scopes,
                "key_id": f"{partner}#1",
                "signature_sha256": "c2ln",
            },
        },
        "stageVariables": None,
        "body": content,
        "isBase64Encoded": False,
    }
    answer = app(event, None)
    return answer["statusCode"], json.loads(answer["body"]) if answer["body"] else None


@pytest.fixture
def endpoint_id(app):
    status, made = _call(app, "POST", "/v1/webhook-endpoints", body={"url": URL})
    assert status == 201
    return made["endpoint_id"]


def test_an_endpoint_is_registered_read_listed_changed_and_deleted(app, endpoint_id):
    named = {"endpoint_id": endpoint_id}
    assert _call(app, "GET", ONE, **named)[1]["url"] == URL
    assert len(_call(app, "GET", "/v1/webhook-endpoints")[1]["endpoints"]) == 1
    assert _call(app, "PATCH", ONE, body={"enabled": False}, **named)[1]["status"] == "DISABLED"
    assert _call(app, "DELETE", ONE, **named) == (204, None)
    assert _call(app, "GET", ONE, **named)[0] == 404


def test_keys_are_rotated(app, endpoint_id):
    status, made = _call(app, "POST", f"{ONE}/secret", body={"overlap_hours": 1}, endpoint_id=endpoint_id)
    assert (status, made["secret"][:6], len(made["public_keys"])) == (200, "whsec_", 2)


def test_the_test_button_sends(app, platform, endpoint_id):
    status, found = _call(app, "POST", f"{ONE}/test", endpoint_id=endpoint_id)
    assert (status, found["delivered"], len(platform.receivers.got)) == (200, True, 1)


def test_events_are_listed_and_replayed(app, platform, endpoint_id):
    discount_id = platform.accept(sample_bills()[2])
    platform.run(discount_id)
    status, found = _call(app, "GET", "/v1/events", query={"since": "2026-04-15T00:00:00Z", "limit": "2"})
    assert (status, len(found["events"])) == (200, 2)
    assert found["next_cursor"] is not None
    asked = {"since": "2026-04-15T00:00:00Z"}
    status, found = _call(app, "POST", f"{ONE}/replay", body=asked, endpoint_id=endpoint_id)
    assert (status, len(found["queued"])) == (202, 4)
    asked = {"event_ids": [f"{discount_id}-0004"]}
    _, found = _call(app, "POST", f"{ONE}/replay", body=asked, key="key-2", endpoint_id=endpoint_id)
    assert found["queued"] == asked["event_ids"]
    _, found = _call(app, "POST", f"{ONE}/replay", body={"dead": True}, key="key-3", endpoint_id=endpoint_id)
    assert found["queued"] == []
    status, found = _call(app, "GET", f"{ONE}/deliveries", query={"status": "PENDING"}, endpoint_id=endpoint_id)
    assert (status, len(found["deliveries"])) == (200, 4)


@pytest.mark.parametrize(
    ("method", "suffix", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"enabled": True}),
        ("DELETE", "", None),
        ("POST", "/secret", {}),
        ("POST", "/test", None),
        ("POST", "/replay", {"dead": True}),
        ("GET", "/deliveries", None),
    ],
)
def test_another_partner_s_endpoint_looks_like_one_that_is_not_there(app, endpoint_id, method, suffix, body):
    found = [
        _call(app, method, ONE + suffix, body=body, partner="partner-b", endpoint_id=one)
        for one in (endpoint_id, "whe_nothing")
    ]
    for _, problem in found:
        problem.pop("instance")
    assert found[0] == found[1]
    assert found[0][0] == 404


def test_a_name_that_is_longer_than_the_store_s_keys_is_not_found(app, platform, monkeypatch):
    def get(pk, sk):
        assert len(pk.encode()) <= 2048, "DynamoDB refuses longer ones"

    monkeypatch.setattr(platform.context.store, "get", get)
    status, problem = _call(app, "GET", ONE, endpoint_id="x" * 3000)
    assert (status, problem["code"], problem["field"]) == (404, "NOT_FOUND", "endpoint_id")


@pytest.mark.parametrize(
    ("suffix", "body", "field"),
    [
        ("/replay", {}, "body"),
        ("/replay", {"dead": True, "since": "2026-04-15T00:00:00Z"}, "body"),
        ("/replay", {"since": "2026-04-15"}, "since"),
        ("/replay", {"since": "2026-04-15T00:00:00+08:00"}, "since"),
        ("/replay", {"event_ids": []}, "event_ids"),
        ("/replay", {"event_ids": ["../x"]}, "event_ids.0"),
        ("/secret", {"overlap_hours": 1000}, "overlap_hours"),
        ("/secret", {"overlap": 1}, "overlap"),
    ],
)
def test_a_body_that_breaks_its_model_is_refused_with_its_field(app, endpoint_id, suffix, body, field):
    status, problem = _call(app, "POST", ONE + suffix, body=body, endpoint_id=endpoint_id)
    assert (status, problem["code"], problem["field"]) == (422, "INVALID_BODY", field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-04-15T00:00:00Z", "limit": "0"}, "limit"),
        ({"since": "2026-04-15T00:00:00Z", "limit": "x"}, "limit"),
        ({"since": "2026-04-15T00:00:00Z", "typ": "x"}, "typ"),
    ],
)
def test_a_query_that_breaks_its_model_is_refused_with_its_field(app, query, field):
    status, problem = _call(app, "GET", "/v1/events", query=query)
    assert (status, problem["code"], problem["field"]) == (422, "INVALID_BODY", field)


@pytest.mark.parametrize(
    ("url", "code"), [("http://hooks.example.com/", "WEBHOOK_URL"), ("https://169.254.169.254/", "WEBHOOK_URL")]
)
def test_a_url_that_is_not_sent_to_is_refused_with_its_code(app, url, code):
    status, problem = _call(app, "POST", "/v1/webhook-endpoints", body={"url": url})
    assert (status, problem["code"], problem["field"]) == (422, code, "url")


def test_an_endpoint_without_an_idempotency_key_is_refused(app):
    status, problem = _call(app, "POST", "/v1/webhook-endpoints", body={"url": URL}, key=None)
    assert (status, problem["code"]) == (400, "HEADER_MISSING")


def test_a_key_that_may_only_read_changes_nothing(app, endpoint_id):
    status, _ = _call(app, "DELETE", ONE, scopes="webhooks:read", endpoint_id=endpoint_id)
    assert status == 403


def test_a_repeated_press_of_the_test_button_sends_nothing_and_is_told_what_came_of_the_first(
    app, platform, endpoint_id
):
    first, again = (_call(app, "POST", f"{ONE}/test", endpoint_id=endpoint_id) for _ in range(2))
    assert (again, len(platform.receivers.got)) == (first, 1)


def test_deliveries_have_pages(app, platform, endpoint_id):
    platform.run(platform.accept(sample_bills()[2]))
    route, named, found, cursor = f"{ONE}/deliveries", {"endpoint_id": endpoint_id}, [], {}
    while cursor is not None:
        _, page = _call(app, "GET", route, query={"limit": "3", **cursor}, **named)
        found += [one["event_id"] for one in page["deliveries"]]
        cursor = None if page["next_cursor"] is None else {"cursor": page["next_cursor"]}
    assert len(found) == len(set(found)) == 4
    status, problem = _call(app, "GET", route, query={"cursor": "AAAA"}, **named)
    assert (status, problem["code"], problem["field"]) == (422, "INVALID_CURSOR", "cursor")
