"""Codes and passwords as the operator's page sealed them, at the routes that take them."""

import json
import logging
import re
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator

from in_memory import PARTNER, Platform
from operator_client import (
    CHALLENGE,
    CHALLENGES,
    CODES,
    LOGIN,
    LOGIN_PASSWORD,
    NEW,
    OPERATORS,
    PAYMENT,
    PAYMENT_PASSWORD,
    operator_client,
)
from rongtong.domain.sealed import AGE_MAX_S, About
from rongtong.entrypoints import answers_confirmation, confirmation_models
from rongtong.services.operator_records import operator_key
from rongtong.services.records import tenant_key
from rongtong.services.storage import Create
from sealing import MemorySealingKeys, header_of, sealed_text

OTHER_LOGIN, PHRASE = "teapot-harbour-93-fig", "窗前明月光"


class Page:
    """The operator's page: it seals, and its partner's server sends what it is given."""

    def __init__(self, client, keys):
        self.client, self.keys = client, keys

    def sealed(self, purpose, secrets, *, key=None, at=None, **about):
        jwk = key or self.keys.published()
        bound = About(purpose, **{"operator_id": self.client.operator_id, **about})
        return sealed_text(jwk, header_of(jwk, bound, at or self.client.context.clock.now()), secrets)

    def proof(self, shown, secrets=None, *, key=None, at=None, **about):
        bound = {"discount_id": self.client.discount_id, "challenge_id": shown["challenge_id"], **about}
        secrets = secrets or {"code": self.client.code, "payment_password": PAYMENT}
        sealed = self.sealed("confirm", secrets, key=key, at=at, **bound)
        return {"operator_id": self.client.operator_id, "access_token": self.client.token, "sealed": sealed}

    def confirm(self, shown, proof):
        return self.client.call("POST", CHALLENGE, proof, challenge_id=shown["challenge_id"])

    def begin(self):
        return self.client.call("POST", CHALLENGES, {"operator_id": self.client.operator_id})[1]

    def attempts(self):
        found = self.client.context.store.get(*operator_key(self.client.enterprise_id, self.client.operator_id))
        return found.body["code"]["attempts"]


@pytest.fixture
def keys():
    return MemorySealingKeys("b", "a")


@pytest.fixture
def client(monkeypatch, keys):
    return operator_client(Platform(), monkeypatch, keys=keys)


@pytest.fixture
def page(client, keys):
    return Page(client, keys)


def _policy(client, **rules):
    client.context.store.transact([Create(*tenant_key(PARTNER), {"confirmation": rules})])


def _enrol_sealed(page):
    """An operator whose every secret is sealed."""
    client = page.client
    client.operator_id = client.call("POST", OPERATORS, NEW)[1]["operator_id"]
    client.call("POST", CODES, {"purpose": "login_password"})
    sealed = page.sealed("login_password", {"code": client.code, "password": LOGIN})
    assert client.call("POST", LOGIN_PASSWORD, {"first": {"sealed": sealed, "phrase": PHRASE}})[1]["status"] == "ACTIVE"
    client.call("POST", CODES, {"purpose": "payment_password"})
    sealed = page.sealed("payment_password", {"code": client.code, "password": PAYMENT})
    assert client.call("POST", PAYMENT_PASSWORD, {"access_token": client.token, "sealed": sealed})[0] == 200


def test_an_operator_whose_every_secret_is_sealed_confirms_a_discount(page, client):
    _policy(client, sealed_only=True)
    _enrol_sealed(page)
    shown = page.begin()
    status, answer = page.confirm(shown, page.proof(shown))
    assert (status, answer["status"], answer["confirmed_by"]) == (200, "VERIFIED", client.operator_id)
    assert client.context.workflows.resumed[-1][0] == "a-token"


def test_a_sealed_present_password_changes_the_login_password_and_the_payment_password(page, client):
    _enrol_sealed(page)
    sealed = page.sealed("login_password", {"present": LOGIN, "password": OTHER_LOGIN})
    body = {"other": {"access_token": client.token, "sealed": sealed}}
    assert client.call("POST", LOGIN_PASSWORD, body)[0] == 200
    wrong = page.sealed("login_password", {"present": LOGIN, "password": "harbour-fig-teapot-21"})
    body = {"other": {"access_token": client.token, "sealed": wrong}}
    assert client.call("POST", LOGIN_PASSWORD, body)[1]["code"] == "LOGIN_REQUIRED"
    client.call("POST", CODES, {"purpose": "payment_password"})
    secrets = {"code": client.code, "password": "Kx3%velvet-moth", "present": PAYMENT}
    sealed = page.sealed("payment_password", secrets)
    assert client.call("POST", PAYMENT_PASSWORD, {"access_token": client.token, "sealed": sealed})[0] == 200


def test_what_is_sealed_is_judged_as_what_is_readable(page, client):
    _enrol_sealed(page)
    shown = page.begin()
    wrong = {"code": client.code, "payment_password": "not this one"}
    assert page.confirm(shown, page.proof(shown, wrong))[1]["code"] == "PAYMENT_PASSWORD_WRONG"
    assert page.confirm(shown, page.proof(shown, {"code": client.code}))[1]["code"] == "FACTORS_MISSING"
    assert page.confirm(shown, page.proof(shown, {"code": "000000"}))[1]["code"] == "FACTORS_MISSING"
    assert page.attempts() == 1


def test_a_text_for_another_operator_purpose_or_payment_costs_no_attempt(page, client):
    _enrol_sealed(page)
    shown = page.begin()
    others = [
        page.proof(shown, operator_id="opr_other"),
        page.proof(shown, discount_id="dsc_other"),
        page.proof(shown, challenge_id="chl_other"),
        {**page.proof(shown), "sealed": page.sealed("payment_password", {"code": client.code, "password": PAYMENT})},
    ]
    for proof in others:
        status, answer = page.confirm(shown, proof)
        assert (status, answer["code"], answer["field"]) == (422, "SEALED_FOR_OTHER", "sealed")
    assert page.attempts() == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda page, shown: page.proof(shown, key=MemorySealingKeys("c").published()), "SEALED_KEY_UNKNOWN"),
        (lambda page, shown: page.proof(shown, at=_ago(page, AGE_MAX_S + 1)), "SEALED_EXPIRED"),
        (lambda page, shown: page.proof(shown, at=_ago(page, -3600)), "SEALED_EXPIRED"),
        (lambda page, shown: _altered(page.proof(shown), 1), "SEALED_UNREADABLE"),
        (lambda page, shown: _altered(page.proof(shown), 3), "SEALED_UNREADABLE"),
        (lambda page, shown: page.proof(shown, {"code": "123456", "other": "x"}), "SEALED_FORMAT"),
        (lambda page, shown: page.proof(shown, {"payment_password": PAYMENT}), "SEALED_FORMAT"),
        (lambda page, shown: page.proof(shown, {"code": 123456}), "SEALED_FORMAT"),
        (lambda page, shown: page.proof(shown, {"code": "12 34"}), "SEALED_FORMAT"),
        (lambda page, shown: page.proof(shown, ["123456"]), "SEALED_FORMAT"),
        (lambda page, shown: page.proof(shown, b"no json"), "SEALED_FORMAT"),
        (lambda page, shown: {**page.proof(shown), "sealed": "a.b.c.d.e"}, "SEALED_FORMAT"),
        (lambda page, shown: {**page.proof(shown), "sealed": "no dots"}, "INVALID_BODY"),
        (lambda page, shown: {**page.proof(shown), "code": "123456"}, "INVALID_BODY"),
        (lambda page, shown: {**page.proof(shown), "payment_password": PAYMENT}, "INVALID_BODY"),
        (lambda page, shown: {**page.proof(shown), "sealed": None}, "INVALID_BODY"),
    ],
)
def test_what_does_not_open_for_this_is_refused_by_its_code_and_costs_no_attempt(page, client, change, code):
    _enrol_sealed(page)
    shown = page.begin()
    status, answer = page.confirm(shown, change(page, shown))
    assert (status, answer["code"]) == (422, code)
    assert page.attempts() == 0
    assert client.context.workflows.resumed == []
    assert not re.search(rf"{client.code}|{re.escape(PAYMENT)}|no json|12 34", json.dumps(answer))


def _ago(page, seconds):
    return page.client.context.clock.now() - timedelta(seconds=seconds)


def _altered(proof, part):
    parts = proof["sealed"].split(".")
    parts[part] = ("B" if parts[part][0] == "A" else "A") + parts[part][1:]
    return {**proof, "sealed": ".".join(parts)}


def test_both_keys_count_while_one_takes_the_other_s_place(page):
    _enrol_sealed(page)
    shown = page.begin()
    before = MemorySealingKeys("a").published()
    assert before["kid"] != page.keys.published()["kid"]
    assert page.confirm(shown, page.proof(shown, key=before))[0] == 200


def test_the_same_text_again_is_no_change(page, client):
    _enrol_sealed(page)
    shown = page.begin()
    proof = page.proof(shown)
    first = page.confirm(shown, proof)
    assert page.confirm(shown, proof) == first
    kinds = [
        one.body["event"]["type"] for one in client.context.store.query(f"discount#{client.discount_id}", "event#")
    ]
    assert kinds.count("DiscountConfirmed") == 1


def test_a_sealed_text_opens_for_no_second_challenge(page, client):
    _enrol_sealed(page)
    first = page.begin()
    proof = page.proof(first)
    second = client.call("POST", CHALLENGES, {"operator_id": client.operator_id})[1]
    assert second["challenge_id"] != first["challenge_id"]
    assert page.confirm(second, proof)[1]["code"] == "SEALED_FOR_OTHER"


@pytest.mark.parametrize("sealed_only", [True, False])
def test_where_only_sealed_is_taken_nothing_readable_is(page, client, sealed_only):
    client.enrol()
    _policy(client, sealed_only=sealed_only)
    client.call("POST", CODES, {"purpose": "payment_password"})
    bodies = {
        LOGIN_PASSWORD: {"other": {"access_token": client.token, "present": LOGIN, "password": OTHER_LOGIN}},
        PAYMENT_PASSWORD: {"access_token": client.token, "code": client.code, "password": "Kx3%velvet-moth"},
        CHALLENGE: {"operator_id": client.operator_id, "access_token": client.token, "code": client.code},
    }
    refused = {
        route: client.call("POST", route, body, challenge_id="chl_1")[1].get("code") == "SEALED_REQUIRED"
        for route, body in bodies.items()
    }
    assert refused == dict.fromkeys(bodies, sealed_only)
    assert page.attempts() == 0
    first = {"first": {"code": client.code, "password": LOGIN, "phrase": PHRASE}}
    assert (client.call("POST", LOGIN_PASSWORD, first)[1]["code"] == "SEALED_REQUIRED") is sealed_only


def test_nothing_that_was_sealed_is_logged_or_kept_readable(page, client, caplog):
    with caplog.at_level(logging.DEBUG):
        _enrol_sealed(page)
        code_of_payment = client.code
        shown = page.begin()
        proof = page.proof(shown)
        page.confirm(shown, _altered(proof, 3))
        page.confirm(shown, page.proof(shown, {"code": client.code, "payment_password": "not-this-one"}))
        assert page.confirm(shown, proof)[0] == 200
    logged = "\n".join(f"{one.getMessage()} {vars(one)}" for one in caplog.records)
    kept = "\n".join(str(item.body) for item in client.context.store.items.values() if "event" in item.sk)
    for secret in (LOGIN, PAYMENT, "not-this-one", proof["sealed"], proof["sealed"].split(".")[3]):
        assert secret not in logged + kept
    for code in (code_of_payment, client.code):
        assert not re.search(rf"(?<!\d){code}(?!\d)", kept)


def test_everybody_may_read_the_public_key_and_a_browser_may_keep_it(page, client):
    answer = client.app(
        {
            "httpMethod": "GET",
            "path": "/v1/confirmation-key",
            "resource": "/v1/confirmation-key",
            "pathParameters": None,
            "multiValueQueryStringParameters": None,
            "headers": {"origin": "https://pay.example.cn"},
            "requestContext": {
                "resourcePath": "/v1/confirmation-key",
                "httpMethod": "GET",
                "path": "/v1/confirmation-key",
            },
            "stageVariables": None,
            "body": None,
            "isBase64Encoded": False,
        },
        None,
    )
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, page.keys.published())
    answers_confirmation.SealingKey.model_validate_json(answer["body"], strict=True)
    assert answer["headers"]["Cache-Control"] == "public, max-age=300"
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"payment_password": None},
        {"sealed": None},
        {"code": None, "payment_password": None, "sealed": "a.b.c.d.e"},
        {"sealed": "a.b.c.d.e"},
        {"code": None, "sealed": "a.b.c.d.e"},
        {"code": None},
        {"code": None, "payment_password": None},
        {"code": None, "payment_password": None, "sealed": "a.b.c.d"},
    ],
    ids=str,
)
def test_the_description_takes_readable_or_sealed_as_the_route_does(page, client, changes):
    client.enrol()
    proof = {"operator_id": client.operator_id, "access_token": client.token, "code": "123456"}
    body = {**proof, "payment_password": PAYMENT, **changes}
    described = Draft202012Validator(confirmation_models.ProofBody.model_json_schema()).is_valid(body)
    shown = page.begin()
    assert (page.confirm(shown, body)[1].get("code") == "INVALID_BODY") is not described
