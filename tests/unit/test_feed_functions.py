"""The WebSocket's functions as API Gateway calls them: who may connect, and what is noted of a connection."""

import os
from datetime import UTC, datetime, timedelta

import pytest

from access_fakes import MemoryNonces, Request, ed25519, key_record, load_app
from fakes import make_context
from feed_fakes import Door, Listed
from rongtong.domain.access import Role
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints import feed as parts
from rongtong.services.key_usage import uses
from rongtong.services.records import iso
from rongtong.services.storage import Create

HOST = "feed.example"
ARN = "arn:aws:execute-api:x:y:feed/v/$connect"
CALLERS = {
    "sample-supervisor": {"role": "supervisor"},
    "partner-a": {"role": "partner"},
    "institution-1": {"role": "institution", "institution_id": "bank-1"},
    "operations": {"role": "operations"},
    "sample-bank": {"role": "bank"},
}


class Handshakes:
    """The authorizer of the feed, with a key of every kind of caller."""

    def __init__(self, authorization, store):
        self.authorization, self.store = authorization, store
        self.keys = {}
        for caller, about in CALLERS.items():
            self.keys[caller] = ed25519()
            body = {**about, "keys": {"1": key_record(self.keys[caller])}}
            store.transact([Create(f"partner#{caller}", "state", body)])

    def signed(self, caller, **parameters):
        """A handshake, signed over what its client sees of it."""
        return _Handshake().signed(self.keys[caller], f"{caller}#1", **parameters).headers

    def ask(self, headers, address="203.0.113.7", query=None):
        event = {
            "type": "REQUEST",
            "methodArn": ARN,
            "headers": {"Host": HOST, **headers},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
            "requestContext": {
                "routeKey": "$connect",
                "eventType": "CONNECT",
                "connectionId": "c1",
                "apiId": "feed",
                "stage": "v",
                "requestId": "r1",
                "identity": {"sourceIp": address},
            },
        }
        return self.authorization.authorize_feed(event, None)


class _Handshake(Request):
    """A request to the feed's own address."""

    def __init__(self):
        super().__init__("GET", "")

    @property
    def url(self):
        return f"https://{HOST}/v"


@pytest.fixture
def handshakes(monkeypatch):
    context, nonces = make_context(), MemoryNonces()
    monkeypatch.setattr(bootstrap, "context", lambda: context)
    monkeypatch.setitem(os.environ, "SIGNED_PATH_PREFIX", "/{stage}")
    authorization = load_app("authorization")
    monkeypatch.setattr(authorization, "context", lambda: context)
    monkeypatch.setattr(authorization, "nonces", lambda: nonces)
    return Handshakes(authorization, context.store)


def effect(policy):
    return policy["policyDocument"]["Statement"][0]["Effect"]


def test_a_supervisor_s_handshake_is_let_in_under_its_key(handshakes):
    policy = handshakes.ask(handshakes.signed("sample-supervisor"))
    assert (effect(policy), policy["context"]["key_id"]) == ("Allow", "sample-supervisor#1")
    assert policy["policyDocument"]["Statement"][0]["Resource"] == ARN
    assert set(uses(handshakes.store, "sample-supervisor#1")) == {"supervision:read"}


@pytest.mark.parametrize("caller", [name for name, about in CALLERS.items() if about["role"] != Role.SUPERVISOR])
def test_a_key_of_another_role_cannot_open_the_feed(handshakes, caller):
    assert effect(handshakes.ask(handshakes.signed(caller))) == "Deny"


def test_a_handshake_without_a_signature_or_with_a_wrong_one_is_not_authenticated(handshakes):
    signed = handshakes.signed("sample-supervisor")
    wrong = {**signed, "Signature": handshakes.signed("sample-supervisor")["Signature"]}
    for headers in ({}, wrong, {**signed, "Host": "other.example"}):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            handshakes.ask(headers)


def test_a_handshake_with_a_query_that_was_not_signed_is_not_authenticated(handshakes):
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handshakes.ask(handshakes.signed("sample-supervisor"), query={"as": "operations"})


def test_a_handshake_is_taken_once_and_in_time(handshakes):
    signed = handshakes.signed("sample-supervisor")
    late = handshakes.signed("sample-supervisor", created=datetime.now(UTC) - timedelta(minutes=6))
    assert [effect(handshakes.ask(headers)) for headers in (signed, signed, late)] == ["Allow", "Deny", "Deny"]


@pytest.mark.parametrize("parts", [{"revoked_at": "2020-01-01T00:00:00Z"}, {"not_after": "2020-01-01T00:00:00Z"}])
def test_a_revoked_or_expired_key_cannot_open_the_feed(handshakes, parts):
    item = handshakes.store.get("partner#sample-supervisor", "state")
    keys = {"1": {**item.body["keys"]["1"], **parts}}
    handshakes.store.transact([item.replaced({**item.body, "keys": keys})])
    assert effect(handshakes.ask(handshakes.signed("sample-supervisor"))) == "Deny"


def test_a_supervisor_above_its_agreed_requests_cannot_open_the_feed(handshakes, monkeypatch):
    item = handshakes.store.get("partner#sample-supervisor", "state")
    handshakes.store.transact([item.replaced({**item.body, "requests_per_second": 1})])
    now = datetime.now(UTC)
    monkeypatch.setattr(handshakes.authorization, "_now", lambda: now)
    found = [effect(handshakes.ask(handshakes.signed("sample-supervisor"))) for _ in range(2)]
    assert found == ["Allow", "Deny"]


@pytest.fixture
def supervision(monkeypatch):
    listed, door, context = Listed(), Door({"c1"}), make_context()
    monkeypatch.setattr(bootstrap, "context", lambda: context)
    monkeypatch.setattr(parts, "connections", lambda: listed)
    monkeypatch.setattr(parts, "door", lambda: door)
    return load_app("supervision"), listed


def event(kind, connection_id="c1"):
    about = {"eventType": kind, "connectionId": connection_id, "identity": {"sourceIp": "203.0.113.7"}}
    return {"requestContext": {**about, "authorizer": {"key_id": "sample-supervisor#1"}}, "body": '{"action": "x"}'}


def test_a_connection_is_noted_with_its_key_and_forgotten_when_it_ends(supervision):
    app, listed = supervision
    before = iso(datetime.now(UTC))
    assert app.feed(event("CONNECT"), None) == {"statusCode": 200}
    (noted,) = listed.all()
    assert (noted.connection_id, noted.key_id, noted.address) == ("c1", "sample-supervisor#1", "203.0.113.7")
    assert before <= noted.since <= iso(datetime.now(UTC))
    assert app.feed(event("DISCONNECT"), None) == {"statusCode": 200}
    assert listed.all() == []


def test_whatever_a_client_says_is_answered_with_nothing_and_changes_nothing(supervision):
    app, listed = supervision
    app.feed(event("CONNECT"), None)
    before = listed.all()
    assert app.feed(event("MESSAGE"), None) == {"statusCode": 200}
    assert listed.all() == before
