"""Every request that is not let in is counted by its reason, and the log says whose it was."""

import io
import json
import logging
import os
from dataclasses import replace

import pytest

from access_fakes import HOST, MemoryNonces, Request, ed25519, key_record, load_app
from api_calls import call
from credential_fakes import make_credentials
from fakes import make_context
from in_memory import Platform
from rongtong.domain import measures as m
from rongtong.domain.access import Refusal
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.logs import logger
from rongtong.services.storage import Create

OPERATORS = "/v1/enterprises/{enterprise_id}/operators"
CODES = OPERATORS + "/{operator_id}/codes"
NEW = {"name": "样本午未", "mobile": "13900139966", "consent": {"terms_version": "2026-01"}, "roles": ["confirm"]}


@pytest.fixture
def lines():
    """What is logged, as it is written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)
    yield lambda: [line for line in map(json.loads, stream.getvalue().splitlines()) if line["level"] == "WARNING"]
    logger.removeHandler(handler)


@pytest.fixture
def counted(capsys, monkeypatch):
    """What CloudWatch reads of the invocation's output: values by measure, under the one dimension."""
    monkeypatch.setenv("DEPLOYMENT", "rongtong")

    def read():
        found = {}
        for line in capsys.readouterr().out.splitlines():
            document = json.loads(line) if line.startswith('{"_aws"') else {"_aws": {"CloudWatchMetrics": []}}
            for directive in document["_aws"]["CloudWatchMetrics"]:
                assert directive["Dimensions"] == [["service"]]
                found |= {one["Name"]: sum(document[one["Name"]]) for one in directive["Metrics"]}
        return found

    return read


# ---- the authorizer


class Authorizer:
    """The authorizer, and a caller with a key of this record."""

    def __init__(self, module, store):
        self.module, self.store, self.key = module, store, ed25519()
        self.known()

    def known(self, addresses=(), **parts):
        body = {"role": "operations", "addresses": list(addresses), "keys": {"1": key_record(self.key, **parts)}}
        self.store.items.pop(("partner#alice", "state"), None)
        self.store.transact([Create("partner#alice", "state", body)])

    def ask(self, request, address="203.0.113.7"):
        event = {
            "httpMethod": request.method,
            "path": request.path,
            "resource": "/v1/operations/changes/{change_id}",
            "headers": {"host": HOST, **{name.lower(): value for name, value in request.headers.items()}},
            "methodArn": "arn:aws:execute-api:x:y:z/v/GET/v1",
            "requestContext": {
                "path": f"/v{request.path}",
                "requestId": "request-1",
                "identity": {"sourceIp": address},
            },
        }
        return self.module.authorize(event, None)["policyDocument"]["Statement"][0]["Effect"]

    def signed(self, key=None, key_id="alice#1"):
        return Request("GET", "/v1/operations/changes/chg_1").signed(key or self.key, key_id)


@pytest.fixture
def authorizer(monkeypatch):
    context, nonces = make_context(), MemoryNonces()
    monkeypatch.setitem(os.environ, "SIGNED_PATH_PREFIX", "")
    module = load_app("authorization")
    monkeypatch.setattr(module, "context", lambda: context)
    monkeypatch.setattr(module, "nonces", lambda: nonces)
    return Authorizer(module, context.store)


def test_a_request_that_is_let_in_counts_as_no_refusal(authorizer, counted, lines):
    assert authorizer.ask(authorizer.signed()) == "Allow"
    assert counted() == {}
    assert lines() == []


@pytest.mark.parametrize("key_id", ["alice#1", "nobody#1"])
def test_a_wrong_signature_is_counted_and_the_log_has_the_key_that_it_names(authorizer, counted, lines, key_id):
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.ask(authorizer.signed(ed25519(), key_id))
    assert counted() == {"RequestsRefused": 1, "RefusedSignatureInvalid": 1}
    (line,) = lines()
    assert (line["message"], line["why"]) == ("request refused", "SIGNATURE_INVALID")
    assert (line["key_id"], line["address"], line["request_id"]) == (key_id, "203.0.113.7", "request-1")


def test_a_request_that_names_no_key_is_counted_too(authorizer, counted, lines):
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.ask(replace(authorizer.signed(), headers={"Signature-Input": "x" * 5000}))
    assert counted() == {"RequestsRefused": 1, "RefusedSignatureInvalid": 1}
    (line,) = lines()
    assert line["key_id"] == ""
    assert max(len(str(value)) for value in line.values()) <= 200


@pytest.mark.parametrize(
    ("parts", "measure"),
    [
        ({"revoked_at": "2026-01-01T00:00:00+08:00"}, "RefusedKeyRevoked"),
        ({"not_after": "2020-01-01T00:00:00+08:00"}, "RefusedKeyExpired"),
        ({"not_before": "2999-01-01T00:00:00+08:00"}, "RefusedKeyNotYetValid"),
        ({"addresses": ["198.51.100.0/24"]}, "RefusedAddressNotAllowed"),
    ],
)
def test_a_right_signature_that_is_not_taken_is_counted_by_why(authorizer, counted, lines, parts, measure):
    authorizer.known(**parts)
    assert authorizer.ask(authorizer.signed()) == "Deny"
    assert counted() == {"RequestsRefused": 1, measure: 1}
    assert [line["key_id"] for line in lines()] == ["alice#1"]


def test_a_request_that_is_sent_again_is_counted_as_replayed(authorizer, counted):
    request = authorizer.signed()
    assert (authorizer.ask(request), authorizer.ask(request)) == ("Allow", "Deny")
    assert counted() == {"RequestsRefused": 1, "RefusedSignatureReplayed": 1}


# ---- the door


@pytest.fixture
def confirmation(monkeypatch):
    platform, module = Platform(), load_app("confirmation")
    credentials = make_credentials()
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    monkeypatch.setattr(module, "credentials", lambda: credentials)
    monkeypatch.delenv("API_HOSTS", raising=False)
    enterprise_id = next(iter(platform.ids.values()))
    partner = platform.context.store.get(f"enterprise#{enterprise_id}", "state").body["partner_id"]

    def ask(method, route, **more):
        return call(module.app, method, route, partner=partner, enterprise_id=enterprise_id, **more)

    operator_id = ask("POST", OPERATORS, body=NEW, key="new").body["operator_id"]
    return lambda **more: ask("POST", CODES, body={"purpose": "login_password"}, operator_id=operator_id, **more)


def test_a_page_that_the_tenant_does_not_name_is_counted_and_the_log_names_it(confirmation, counted, lines):
    assert confirmation(key="k-1", headers={"origin": "https://pay.example.cn.evil.example"}).status == 403
    assert counted() == {"RequestsRefused": 1, "RefusedPageUnknown": 1, "PagesRefused": 1}
    (line,) = lines()
    assert (line["key_id"], line["named"]) == ("partner-a#1", "https://pay.example.cn.evil.example")
    assert (line["address"], line["request_id"]) == ("203.0.113.7", "request-1")
    assert line["path"].endswith("/codes")


def test_a_host_that_is_not_the_platforms_is_counted_and_the_log_names_it(confirmation, counted, lines, monkeypatch):
    monkeypatch.setenv("API_HOSTS", "api.example.cn")
    assert confirmation(key="k-1", headers={"host": "api.example.cn.evil.example"}).status == 403
    assert counted() == {"RequestsRefused": 1, "RefusedHostUnknown": 1, "PagesRefused": 1}
    assert [line["named"] for line in lines()] == ["api.example.cn.evil.example"]


def test_another_body_than_the_signed_one_is_counted(confirmation, counted):
    wrong = "sha-256=:" + "A" * 43 + "=:"
    assert confirmation(key="k-1", headers={"content-digest": wrong}).status == 401
    assert counted() == {"RequestsRefused": 1, "RefusedContentDigestMismatch": 1}


def test_a_key_without_the_routes_scope_is_counted_and_named(confirmation, counted, lines):
    assert confirmation(key="k-1", role="bank").status == 403
    assert counted() == {"RequestsRefused": 1, "RefusedScopeMissing": 1}
    assert [(line["why"], line["key_id"]) for line in lines()] == [("SCOPE_MISSING", "partner-a#1")]


def test_what_a_caller_may_mend_is_no_refusal(confirmation, counted, lines):
    assert confirmation(headers={"content-type": "application/json"}).status == 400
    assert counted() == {}
    assert lines() == []


def test_every_reason_has_a_measure_and_none_has_anothers():
    assert set(Refusal) < set(m.REFUSALS)
    assert len({*m.REFUSALS.values()}) == len(m.REFUSALS)
    assert set(m.REFUSALS.values()) < set(m.UNITS)
    with pytest.raises(KeyError):
        m.refused("NOT_FOUND")
