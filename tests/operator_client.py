"""A partner that signs, and its operator with a mobile, at the routes of operators and confirmations."""

import base64
import hashlib
import importlib.util
import json
import re

from credential_fakes import make_credentials
from in_memory import PARTNER, sample_bills
from paths import ROOT
from rongtong.domain.access import ROLES, Role
from rongtong.entrypoints import bootstrap
from rongtong.services.waiting import park

GOOD = sample_bills()[2]
OPERATORS = "/v1/enterprises/{enterprise_id}/operators"
OPERATOR = OPERATORS + "/{operator_id}"
CODES, LOGIN_PASSWORD, PAYMENT_PASSWORD = (OPERATOR + end for end in ("/codes", "/login-password", "/payment-password"))
CHALLENGES = "/v1/discounts/{discount_id}/confirmation-challenges"
CHALLENGE = CHALLENGES + "/{challenge_id}"
NEW = {"name": "王芳芳", "mobile": "13900139000", "consent": {"terms_version": "2026-01"}, "roles": ["confirm"]}
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


def operator_client(platform, monkeypatch, **credentials):
    """The routes of the platform in memory; ``credentials`` are replaced in its stand-ins."""
    path = ROOT / "functions" / "confirmation" / "app.py"
    spec = importlib.util.spec_from_file_location("confirmation_app", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    given = make_credentials(**credentials)
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    monkeypatch.setattr(module, "credentials", lambda: given)
    monkeypatch.delenv("API_HOSTS", raising=False)
    return Client(module, platform)
