"""The operations routes that list and replay, called as API Gateway calls them."""

import base64
import hashlib
import importlib.util
import json
from datetime import timedelta

import pytest

from in_memory import Platform, sample_bills
from paths import ROOT
from rongtong.domain.access import ROLES, Role
from rongtong.entrypoints import bootstrap
from rongtong.services.context import Execution, Running
from rongtong.services.errors import NotFoundError

GOOD = sample_bills()[2]

SIGNED = {"key_id": "operations-2#1", "signature_sha256": "c2lnbmF0dXJl"}


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def app(platform, monkeypatch):
    spec = importlib.util.spec_from_file_location("operations_app", ROOT / "functions" / "operations" / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    monkeypatch.setattr(module, "dead_letters", _DeadLetters)
    return module.app


class _DeadLetters:
    def letters(self):
        return {"paths": [{"path": "sweep", "waiting": 0, "letters": []}]}

    def require(self, path):
        if path != "sweep":
            raise NotFoundError("A path is one of sweep.", field="path")

    def redeliver(self, path):
        return {"path": path, "redelivered": ["k"], "kept": 0}


def _call(app, method, route, *, body=None, query=None, role="operations", key="key-1", **parameters):
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
                "partner_id": "operations-2",
                "role": role,
                "scopes": " ".join(ROLES[Role(role)]),
                **SIGNED,
            },
        },
        "stageVariables": None,
        "body": content,
        "isBase64Encoded": False,
    }
    answer = app(event, None)
    return answer["statusCode"], json.loads(answer["body"])


REPLAY = "/v1/operations/executions/{execution_id}/replay"
LIST = "/v1/operations/executions"
REDELIVERY = "/v1/operations/dead-letters/{path}/redelivery"


@pytest.fixture
def failed(platform):
    discount_id = platform.accept(GOOD)
    ended_at = platform.context.clock.now() - timedelta(hours=1)
    platform.context.workflows.executions[discount_id] = Execution(discount_id, Running.FAILED, ended_at, "SomeError")
    return discount_id


def test_a_replay_answers_what_it_did_and_records_who_asked(app, platform, failed):
    status, answer = _call(app, "POST", REPLAY, body={"why": "MENDED"}, execution_id=failed)
    assert (status, answer["replay"], answer["execution"]) == (200, "started", f"{failed}-r1")
    last = platform.context.store.query(f"discount#{failed}", "event#")[-1].body["event"]
    assert (last["data"]["by"], last["data"]["why"]) == ("operations-2", "MENDED")


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"role": "partner"}, (403, "FORBIDDEN")),
        ({"key": None}, (400, "HEADER_MISSING")),
        ({"body": {"why": "free text"}}, (422, "INVALID_BODY")),
        ({"body": {}}, (422, "INVALID_BODY")),
        ({"execution_id": "dsc_unknown"}, (404, "NOT_FOUND")),
    ],
)
def test_a_replay_that_is_not_right_is_refused_and_begins_nothing(app, platform, failed, changes, refused):
    asked = {"body": {"why": "MENDED"}, "execution_id": failed, **changes}
    status, answer = _call(app, "POST", REPLAY, **asked)
    assert (status, answer["code"]) == refused
    assert len(platform.context.workflows.discounts) == 1


@pytest.mark.parametrize(("since", "count"), [("2h", 1), ("59m", 0), ("1d", 1), (None, 1)])
def test_what_failed_is_listed_for_the_span_that_is_asked_for(app, failed, since, count):
    status, answer = _call(app, "GET", LIST, query={"status": "failed", **({"since": since} if since else {})})
    assert (status, len(answer["executions"])) == (200, count)


def test_what_is_stuck_is_listed(app, platform):
    discount_id = platform.accept(GOOD)
    platform.context.clock.instant += timedelta(minutes=31)
    _, answer = _call(app, "GET", LIST, query={"status": "stuck"})
    assert [one["discount_id"] for one in answer["executions"]] == [discount_id]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "status"),
        ({"status": "all"}, "status"),
        ({"status": "failed", "since": "2"}, "since"),
        ({"status": "stuck", "since": "0h"}, "since"),
        ({"status": "stuck", "since": "2h "}, "since"),
    ],
)
def test_a_list_that_is_asked_for_wrongly_names_the_parameter(app, query, field):
    status, answer = _call(app, "GET", LIST, query=query)
    assert (status, answer["code"], answer["field"]) == (422, "INVALID_BODY", field)


def test_dead_letters_are_listed_and_delivered_again(app):
    assert _call(app, "GET", "/v1/operations/dead-letters")[1]["paths"][0]["path"] == "sweep"
    status, answer = _call(app, "POST", REDELIVERY, body={"why": "MENDED"}, path="sweep")
    assert (status, answer["redelivered"]) == (200, ["k"])


@pytest.mark.parametrize(
    ("method", "route"), [("GET", LIST), ("GET", "/v1/operations/dead-letters"), ("POST", REDELIVERY)]
)
def test_partners_see_and_deliver_nothing_of_this(app, method, route):
    body = {"why": "MENDED"} if method == "POST" else None
    parameters = {"path": "sweep"} if method == "POST" else {}
    assert _call(app, method, route, body=body, role="partner", **parameters)[0] == 403


def test_a_path_that_there_is_not_is_not_found(app):
    assert _call(app, "POST", REDELIVERY, body={"why": "MENDED"}, path="other")[0] == 404


def test_who_names_a_path_that_there_is_not_leaves_no_event_of_a_redelivery(app, platform):
    before = len(platform.context.store.items)
    _call(app, "POST", REDELIVERY, body={"why": "MENDED"}, path="other")
    made = [item for item in list(platform.context.store.items.values())[before:] if not item.pk.startswith("request#")]
    assert made == []
