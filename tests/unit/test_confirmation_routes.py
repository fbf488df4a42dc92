"""The routes of operators and confirmations, called as API Gateway calls them."""

import json
import re
from contextlib import nullcontext

import pytest
from pydantic import ValidationError

from in_memory import PARTNER, Platform
from operator_client import (
    CHALLENGE,
    CHALLENGES,
    CODES,
    LOGIN_PASSWORD,
    NEW,
    OPERATOR,
    OPERATORS,
    PAYMENT,
    PAYMENT_PASSWORD,
    operator_client,
)
from rongtong.entrypoints import answers, answers_confirmation, confirmation_models
from rongtong.entrypoints.api_confirmation import CONFIRMATION
from rongtong.entrypoints.routes import ROUTES
from rongtong.services.records import POLICY_KEY, tenant_key
from rongtong.services.storage import Create

PAGE = "https://pay.example.cn"


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def client(platform, monkeypatch):
    return operator_client(platform, monkeypatch)


def _proof(client, **changes):
    proof = {
        "operator_id": client.operator_id,
        "access_token": client.token,
        "code": client.code,
        "payment_password": PAYMENT,
    }
    return {**proof, **changes}


def test_a_registered_operator_confirms_a_discount(client):
    client.enrol()
    status, shown = client.call("POST", CHALLENGES, {"operator_id": client.operator_id})
    assert (status, shown["reserved_phrase"]) == (201, "窗前明月光")
    assert shown["factors"] == ["password", "otp", "payment_password"]
    proof = _proof(client, access={"region": "350100"})
    status, answer = client.call("POST", CHALLENGE, proof, challenge_id=shown["challenge_id"])
    assert (status, answer["status"], answer["confirmed_by"]) == (200, "VERIFIED", client.operator_id)
    assert client.context.workflows.resumed[-1][0] == "a-token"
    confirmed = client.context.store.query(f"discount#{client.discount_id}", "event#")[-1].body["event"]
    assert confirmed["by"] == {"key": f"{PARTNER}#1", "sig": "c2ln"}


@pytest.mark.parametrize("consent", [None, {}, {"terms_version": ""}])
def test_nobody_is_registered_without_the_terms_that_the_person_agreed_to(client, consent):
    status, answer = client.call("POST", OPERATORS, {**NEW, "consent": consent})
    assert (status, answer["code"], answer["field"].split(".")[0]) == (422, "INVALID_BODY", "consent")
    assert client.call("GET", OPERATORS)[1]["operators"] == []


def test_operators_are_listed_masked(client):
    client.enrol()
    status, answer = client.call("GET", OPERATORS)
    (operator,) = answer["operators"]
    assert (status, operator["mobile"], operator["name"]) == (200, "139****9000", "**芳")
    assert not {"phrase", "payment_password", "code", "data_key", "failures"} & set(operator)


def test_an_operator_is_disabled_and_then_confirms_nothing(client):
    client.enrol()
    assert client.call("POST", OPERATOR, {"enabled": False})[1]["status"] == "DISABLED"
    status, answer = client.call("POST", CHALLENGES, {"operator_id": client.operator_id})
    assert (status, answer["code"]) == (422, "OPERATOR_NOT_ACTIVE")


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"code": "000000"}, (422, "CODE_MISMATCH")),
        ({"access_token": "token-opr_other"}, (403, "LOGIN_REQUIRED")),
        ({"payment_password": "not this one"}, (422, "PAYMENT_PASSWORD_WRONG")),
        ({"payment_password": None}, (422, "FACTORS_MISSING")),
        ({"operator_id": "opr_other"}, (404, "NOT_FOUND")),
        ({"code": "12 34"}, (422, "INVALID_BODY")),
        ({"extra": 1}, (422, "INVALID_BODY")),
    ],
)
def test_a_proof_that_is_not_right_is_refused_by_its_code(client, changes, refused):
    client.enrol()
    _, shown = client.call("POST", CHALLENGES, {"operator_id": client.operator_id})
    proof = _proof(client, **changes)
    status, answer = client.call("POST", CHALLENGE, proof, challenge_id=shown["challenge_id"])
    assert (status, answer["code"]) == refused
    assert client.context.workflows.resumed == []


def test_no_refusal_repeats_a_secret(client):
    client.enrol()
    _, shown = client.call("POST", CHALLENGES, {"operator_id": client.operator_id})
    secret = "x-secret-x" * 20
    for proof in (_proof(client, payment_password=secret), _proof(client, code="secret-code")):
        _, answer = client.call("POST", CHALLENGE, proof, challenge_id=shown["challenge_id"])
        assert "secret" not in json.dumps(answer)


def test_another_challenge_than_the_operator_s_counts_no_longer(client):
    client.enrol()
    client.call("POST", CHALLENGES, {"operator_id": client.operator_id})
    status, answer = client.call("POST", CHALLENGE, _proof(client), challenge_id="chl_unknown")
    assert (status, answer["code"]) == (422, "CODE_EXPIRED")


@pytest.mark.parametrize("route", [CODES, LOGIN_PASSWORD, PAYMENT_PASSWORD, OPERATOR, CHALLENGES, CHALLENGE])
def test_another_partner_s_operators_and_discounts_are_not_found(client, route):
    client.enrol()
    status, answer = client.call("POST", route, {}, partner="partner-b", challenge_id="chl_1")
    assert (status, answer["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("role", ["operations", "bank", "institution"])
def test_nobody_but_partners_speaks_for_operators(client, role):
    client.enrol()
    assert client.call("GET", OPERATORS, role=role)[0] == 403
    assert client.call("POST", CHALLENGES, {"operator_id": client.operator_id}, role=role)[0] == 403


def test_the_same_key_begins_one_challenge(client):
    client.enrol()
    asked = {"operator_id": client.operator_id}
    first = client.call("POST", CHALLENGES, asked, key="once")
    sent = len(client.context.sms.sent)
    assert client.call("POST", CHALLENGES, asked, key="once") == first
    assert len(client.context.sms.sent) == sent


@pytest.mark.parametrize("body", [{}, {"first": None}, {"first": {"code": "123456"}}])
def test_a_login_password_is_set_or_changed_and_nothing_else(client, body):
    client.enrol()
    assert client.call("POST", LOGIN_PASSWORD, body)[1]["code"] == "INVALID_BODY"


def _allow(client, *origins):
    content = {"confirmation": {"origins": list(origins)}}
    client.context.store.transact([Create(*tenant_key(PARTNER), content)])


@pytest.mark.parametrize(
    "origin", ["https://evil.example.cn", "null", PAGE + ":444", "http://pay.example.cn", PAGE + "/"]
)
def test_a_page_that_the_tenant_does_not_name_confirms_nothing(client, origin):
    client.enrol()
    _allow(client, PAGE)
    asked = {"operator_id": client.operator_id}
    status, answer = client.call("POST", CHALLENGES, asked, headers={"origin": origin})
    assert (status, answer["code"], answer["field"]) == (403, "FORBIDDEN", "Origin")
    assert client.call("POST", CODES, {"purpose": "payment_password"}, headers={"origin": origin})[0] == 403
    assert client.call("POST", CHALLENGE, _proof(client), headers={"origin": origin}, challenge_id="c")[0] == 403


def test_the_tenant_s_own_page_and_a_server_are_served(client):
    client.enrol()
    _allow(client, PAGE)
    asked = {"operator_id": client.operator_id}
    assert client.call("POST", CHALLENGES, asked, headers={"origin": PAGE})[0] == 201
    assert client.call("POST", CHALLENGES, asked)[0] == 201


def test_without_named_pages_no_page_is_served(client):
    client.enrol()
    assert client.context.store.get(*POLICY_KEY) is not None
    asked = {"operator_id": client.operator_id}
    assert client.call("POST", CHALLENGES, asked, headers={"origin": PAGE})[0] == 403


@pytest.mark.parametrize(("host", "status"), [("API.example.cn", 201), ("other.example.cn", 403), (None, 403)])
def test_only_the_platform_s_hosts_are_served_where_they_are_named(client, monkeypatch, host, status):
    client.enrol()
    monkeypatch.setenv("API_HOSTS", "api.example.cn spare.example.cn")
    headers = {} if host is None else {"host": host}
    asked = {"operator_id": client.operator_id}
    assert client.call("POST", CHALLENGES, asked, headers=headers)[0] == status


def test_what_is_answered_is_what_the_description_says(client):
    client.enrol()
    described = {path: one.replies for (method, path), one in CONFIRMATION.items() if method == "POST"}
    asked = {"operator_id": client.operator_id}
    status, shown = client.call("POST", CHALLENGES, asked)
    described[CHALLENGES][status].model.model_validate_json(json.dumps(shown), strict=True)
    status, done = client.call("POST", CHALLENGE, _proof(client), challenge_id=shown["challenge_id"])
    assert described[CHALLENGE][status].model is answers.Discount
    answers.Discount.model_validate_json(json.dumps(done), strict=True)
    status, code = client.call("POST", CODES, {"purpose": "payment_password"})
    described[CODES][status].model.model_validate_json(json.dumps(code), strict=True)
    listed = client.call("GET", OPERATORS)[1]
    answers_confirmation.OperatorList.model_validate_json(json.dumps(listed), strict=True)


def test_every_route_of_operators_and_challenges_is_described():
    parts = ("/operators", "/confirmation-")
    wanted = {(one.method, one.path) for one in ROUTES if any(part in one.path for part in parts)}
    assert set(CONFIRMATION) == wanted


@pytest.mark.parametrize("route", [key for key, one in CONFIRMATION.items() if one.body], ids=" ".join)
def test_the_example_of_every_body_is_taken(route):
    CONFIRMATION[route].body.model_validate_json(json.dumps(CONFIRMATION[route].example))


@pytest.mark.parametrize("phrase", ["ab", " ab ", "a b", " a", "a ", "  ", "a", "春日", "\na\n"])
def test_a_phrase_is_described_as_it_is_taken(phrase):
    described = confirmation_models.FirstLoginPassword.model_json_schema()["properties"]["phrase"]
    fits = described["minLength"] <= len(phrase) and re.search(described["pattern"], phrase) is not None
    body = {"code": "123456", "password": "secret", "phrase": phrase}
    with nullcontext() if fits else pytest.raises(ValidationError):
        confirmation_models.FirstLoginPassword(**body)
