"""The routes of operators and confirmations, called as API Gateway calls them."""

import base64
import hashlib
import importlib.util
import json
import re
from contextlib import nullcontext

import pytest
from pydantic import ValidationError

from credential_fakes import make_credentials
from in_memory import PARTNER, Platform, sample_bills
from paths import ROOT
from rongtong.domain.access import ROLES, Role
from rongtong.entrypoints import answers, answers_confirmation, bootstrap, confirmation_models
from rongtong.entrypoints.api_confirmation import CONFIRMATION
from rongtong.entrypoints.routes import ROUTES
from rongtong.services.records import POLICY_KEY, tenant_key
from rongtong.services.storage import Create
from rongtong.services.waiting import park

GOOD = sample_bills()[2]
OPERATORS = "/v1/enterprises/{enterprise_id}/operators"
OPERATOR = OPERATORS + "/{operator_id}"
CODES, LOGIN_PASSWORD, PAYMENT_PASSWORD = (OPERATOR + end for end in ("/codes", "/login-password", "/payment-password"))
CHALLENGES = "/v1/discounts/{discount_id}/confirmation-challenges"
CHALLENGE = CHALLENGES + "/{challenge_id}"
NEW = {"name": "王芳芳", "mobile": "13900139000", "consent": {"terms_version": "2026-01"}, "roles": ["confirm"]}
PAGE = "https://pay.example.cn"
LOGIN, PAYMENT = "lantern-orchid-47-mule", "Wq7$kd9L-teapot"


class Client:
    """A partner that signs, and its operator with a mobile."""

    def __init__(self, module, platform):
        self.app, self.context = module.app, platform.context
        self.discount_id = platform.accept(GOOD, "key-1", confirmed=False)
        platform.run(self.discount_id)
        park(self.context, self.discount_id, "a-token")
        self.enterprise_id = platform.body(self.discount_id)["enterprise_id"]
        self.operator_id = None
        self.sent = 0

    def call(self, method, route, body=None, *, partner=PARTNER, role="partner", headers=None, key=None, **named):
        content = "" if body is None else json.dumps(body)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        self.sent += 1
        known = {
            "enterprise_id": self.enterprise_id,
            "operator_id": self.operator_id,
            "discount_id": self.discount_id,
        }
        wanted = {name: {**known, **named}[name] for name in re.findall(r"\{(\w+)\}", route)}
        sent = {"content-digest": f"sha-256=:{digest}:", "idempotency-key": key or f"key-{self.sent}"}
        answer = self.app(
            {
                "httpMethod": method,
                "path": route.format(**wanted),
                "resource": route,
                "pathParameters": wanted,
                "multiValueQueryStringParameters": None,
                "headers": {"content-type": "application/json", **sent, **(headers or {})},
                "requestContext": {
                    "resourcePath": route,
                    "httpMethod": method,
                    "path": route.format(**wanted),
                    "authorizer": {
                        "partner_id": partner,
                        "role": role,
                        "scopes": " ".join(ROLES[Role(role)]),
                        "key_id": f"{partner}#1",
                        "signature_sha256": "c2ln",
                    },
                },
                "stageVariables": None,
                "body": content,
                "isBase64Encoded": False,
            },
            None,
        )
        return answer["statusCode"], json.loads(answer["body"])

    @property
    def code(self):
        return re.search(r"验证码(\d+)", list(self.context.sms.sent.values())[-1][1])[1]

    @property
    def token(self):
        return f"token-{self.operator_id}"

    def enrol(self):
        self.operator_id = self.call("POST", OPERATORS, NEW)[1]["operator_id"]
        self.call("POST", CODES, {"purpose": "login_password"})
        first = {"code": self.code, "password": LOGIN, "phrase": "窗前明月光"}
        assert self.call("POST", LOGIN_PASSWORD, {"first": first})[1]["status"] == "ACTIVE"
        self.call("POST", CODES, {"purpose": "payment_password"})
        secret = {"access_token": self.token, "code": self.code, "password": PAYMENT}
        assert self.call("POST", PAYMENT_PASSWORD, secret)[0] == 200


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def client(platform, monkeypatch):
    path = ROOT / "functions" / "confirmation" / "app.py"
    spec = importlib.util.spec_from_file_location("confirmation_app", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    credentials = make_credentials()
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    monkeypatch.setattr(module, "credentials", lambda: credentials)
    monkeypatch.delenv("API_HOSTS", raising=False)
    return Client(module, platform)


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
    wanted = {(one.method, one.path) for one in ROUTES if "/operators" in one.path or "-challenges" in one.path}
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
