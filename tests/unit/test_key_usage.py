"""Whoever is let in by a signature leaves a note of which key used which scope, and is let in without one."""

import os

import pytest

from access_fakes import HOST, MemoryNonces, Request, ed25519, key_record, load_app
from fakes import make_context
from rongtong.services.key_usage import uses
from rongtong.services.storage import Create

ROUTE = "/v1/operations/changes/{change_id}"


@pytest.fixture
def authorizer(monkeypatch):
    context, nonces = make_context(), MemoryNonces()
    monkeypatch.setitem(os.environ, "SIGNED_PATH_PREFIX", "")
    module = load_app("authorization")
    monkeypatch.setattr(module, "context", lambda: context)
    monkeypatch.setattr(module, "nonces", lambda: nonces)
    return module, context.store


def ask(authorizer, scopes, resource=ROUTE, method="GET"):
    """A request with a key of these scopes; what the authorizer says of it."""
    module, store = authorizer
    key = ed25519()
    body = {"role": "operations", "keys": {"1": key_record(key, scopes=scopes)}}
    store.items.pop(("partner#alice", "state"), None)
    store.transact([Create("partner#alice", "state", body)])
    request = Request(method, "/v1/operations/changes/chg_1").signed(key, "alice#1")
    event = {
        "httpMethod": method,
        "path": request.path,
        "resource": resource,
        "headers": {"host": HOST, **{name.lower(): value for name, value in request.headers.items()}},
        "methodArn": "arn:aws:execute-api:x:y:z/v/GET/v1",
        "requestContext": {"path": f"/v{request.path}", "identity": {"sourceIp": "203.0.113.7"}},
    }
    return module.authorize(event, None)["policyDocument"]["Statement"][0]["Effect"]


def test_the_scope_of_the_route_is_noted_once_a_day(authorizer):
    assert ask(authorizer, ["operations:read"]) == "Allow"
    store = authorizer[1]
    assert set(uses(store, "alice#1")) == {"operations:read"}
    assert ask(authorizer, ["operations:read"]) == "Allow"
    assert store.get("usage#alice#1", "scope#operations:read").body["days"] == 1


def test_a_scope_that_the_key_does_not_have_was_not_used(authorizer):
    ask(authorizer, ["operations:resolve"])
    assert uses(authorizer[1], "alice#1") == {}


def test_a_use_that_cannot_be_noted_keeps_nobody_out(authorizer):
    def fail(writes):
        if writes[0].pk.startswith("usage#"):
            raise TimeoutError

    authorizer[1].before_write = fail
    assert ask(authorizer, ["operations:read"]) == "Allow"
    assert uses(authorizer[1], "alice#1") == {}


def test_a_path_that_is_no_route_is_no_use(authorizer):
    assert ask(authorizer, ["operations:read"], resource="/v1/nothing") == "Allow"
    assert uses(authorizer[1], "alice#1") == {}
