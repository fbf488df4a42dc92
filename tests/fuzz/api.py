"""The whole API in this process as a WSGI application: gateway, authorizer, every function, on stand-ins."""

from __future__ import annotations

import base64
import itertools
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, unquote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from signing import Signing, headers_of

from access_fakes import MemoryNonces, load_app
from credential_fakes import make_credentials
from in_memory import PARTNER, Platform, sample_bills
from paths import ROOT
from rongtong.domain.errors import RongTongError
from rongtong.domain.payment import PaymentStatus
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.metrics import METER
from rongtong.entrypoints.routes import ROUTES, Route, parameters_of
from rongtong.services import registration
from rongtong.services.errors import NotFoundError
from rongtong.services.ports import StatementEntry
from rongtong.services.reconcile import reconcile
from rongtong.services.storage import Create, Document
from seed import PARTNERS, partner_record
from template_reading import TEMPLATE
from webhook_receiver import MemoryReceivers

BASE_URL = "https://api.example/v"
_ELSEWHERE = ("authorization", "sandbox", "witness", "chain", "notification", "verification")
_RESPONSES = TEMPLATE["PartnerApi"]["Properties"]["GatewayResponses"]
_BYTES_MAX = 10 * 1024 * 1024
"""What API Gateway takes at most."""


class _DeadLetters:
    """One path, with nothing on it."""

    def letters(self) -> dict[str, Any]:
        return {"paths": [{"path": "sweep", "waiting": 0, "letters": []}]}

    def require(self, path: str) -> None:
        if path != "sweep":
            raise NotFoundError("A path is one of sweep.", field="path")

    def redeliver(self, path: str) -> dict[str, Any]:
        return {"path": path, "redelivered": [], "kept": 0}


class _Machines:
    """Runs what was started, once the request that started it was answered, and lifts suspensions.

    With those, every discount after the first suspension would be told of nothing else.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform, self._registered, self._requested = platform, 0, 0

    def run(self, path: str) -> None:
        if path.endswith("/suspensions"):
            store: Any = self._platform.context.store
            for key in [key for key in store.items if key[0].startswith("suspended#")]:
                del store.items[key]
        workflows: Any = self._platform.context.workflows
        for enterprise_id in workflows.registrations[self._registered :]:
            self._registered += 1
            registration.verify_enterprise(self._platform.context, enterprise_id)
        for _, payload in workflows.discounts[self._requested :]:
            self._requested += 1
            try:
                self._platform.run(str(payload["discount_id"]))
            except RongTongError:
                # As an execution that failed: the discount stays where it is.
                logging.getLogger("fuzz").warning("not carried on: %s", payload["discount_id"])


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


class Gateway:
    """API Gateway as the template sets it up: routes, authorizer, its own answers as problems, bytes as text."""

    def __init__(self, authorize: Any, apps: Mapping[tuple[str, str], Any], after: Callable[[str], None]) -> None:
        self._authorize, self._apps, self._after = authorize, apps, after
        self._ids = itertools.count(1)
        # Of two routes that fit, the one with fewer parameters is meant.
        self._routes = sorted(ROUTES, key=lambda route: len(parameters_of(route.path)))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        reply = self._answer(environ)
        self._after(environ["REQUEST_URI"].partition("?")[0])
        start_response(f"{reply.status} -", [(name, value) for name, value in reply.headers.items()])
        return [reply.body]

    def _answer(self, environ: dict[str, Any]) -> _Reply:
        request_id = f"request-{next(self._ids)}"
        method, path = environ["REQUEST_METHOD"], environ["REQUEST_URI"].partition("?")[0]
        headers, body = headers_of(environ), environ["wsgi.input"].read()
        route, named = self._find(method, path)
        if route is None:
            return _own("MISSING_AUTHENTICATION_TOKEN", request_id)
        if len(body) > _BYTES_MAX:
            return _own("REQUEST_TOO_LARGE", request_id)
        event = _event(route, path, named, headers, environ["QUERY_STRING"], body, request_id)
        if route.scope is not None:
            if "signature-input" not in headers:
                return _own("UNAUTHORIZED", request_id)
            try:
                policy = self._authorize(event, None)
            except Exception as error:
                if str(error) != "Unauthorized":
                    raise
                return _own("UNAUTHORIZED", request_id)
            if policy["policyDocument"]["Statement"][0]["Effect"] != "Allow":
                return _own("ACCESS_DENIED", request_id)
            event["requestContext"]["authorizer"] = policy["context"]
        answer = self._apps[route.method, route.path](event, None)
        found = {**answer.get("headers", {}), **{k: v[0] for k, v in answer.get("multiValueHeaders", {}).items()}}
        content = answer["body"]
        wants_bytes = headers.get("accept", "").split(",")[0].strip() == "application/octet-stream"
        if answer.get("isBase64Encoded") and wants_bytes:
            return _Reply(answer["statusCode"], found, base64.b64decode(content))
        return _Reply(answer["statusCode"], found, content if isinstance(content, bytes) else content.encode())

    def _find(self, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        asked = path.split("/")
        for route in self._routes:
            parts = route.path.split("/")
            if route.method != method or len(parts) != len(asked):
                continue
            pairs = list(zip(parts, asked, strict=True))
            if all(given if part.startswith("{") else part == given for part, given in pairs):
                return route, {part[1:-1]: unquote(given) for part, given in pairs if part.startswith("{")}
        return None, {}


def _event(
    route: Route,
    path: str,
    named: dict[str, str],
    headers: dict[str, str],
    query: str,
    body: bytes,
    request_id: str,
) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    as_bytes = headers.get("content-type", "").split(";")[0].strip() == "application/octet-stream"
    return {
        "httpMethod": route.method,
        "path": path,
        "resource": route.path,
        "headers": headers,
        "pathParameters": named or None,
        "multiValueQueryStringParameters": values or None,
        "methodArn": f"arn:aws:execute-api:x:y:z/v/{route.method}{path}",
        "requestContext": {
            "requestId": request_id,
            "resourcePath": route.path,
            "httpMethod": route.method,
            "path": f"/v{path}",
            "identity": {"sourceIp": "203.0.113.7"},
        },
        "stageVariables": None,
        "body": base64.b64encode(body).decode() if as_bytes else body.decode(errors="replace"),
        "isBase64Encoded": as_bytes,
    }


def _own(kind: str, request_id: str) -> _Reply:
    """What the gateway answers by itself."""
    response = _RESPONSES[kind]
    text = response["ResponseTemplates"]["application/json"].replace("$context.requestId", request_id)
    headers = {
        name: request_id if value == "context.requestId" else str(value).removeprefix("'").removesuffix("'")
        for name, value in response["ResponseParameters"]["Headers"].items()
    }
    return _Reply(int(response["StatusCode"]), headers, text.encode())


@contextmanager
def api_in_memory() -> Iterator[tuple[Signing, list[Document]]]:
    """The application behind the fuzzer's signatures, and discount requests that it would take.

    Sample callers, their bills in the registry, some of them discounted.
    """
    platform = Platform()
    platform.context = replace(platform.context, webhook_sender=MemoryReceivers())
    keys = _call_with_keys(platform)
    bills = [bill for bill in sample_bills() if not bill.at and not bill.quote]
    for bill in bills:
        platform.hold(bill)
    # Some are paid, refused, in review and failed already; a day is reconciled with a payment that the books lack.
    for bill in [bill for bill in bills if bill.line < 10 or bill.line > 225]:
        platform.outcome(bill, f"sample-{bill.line}")
    platform.bank.sent_back.append(StatementEntry("unknown", 100, PaymentStatus.SUCCEEDED, "SB-unknown"))
    reconcile(platform.context, platform.context.clock.now().date())
    unused = [bill for bill in bills if 20 < bill.line < 225 and bill.expected in ("disbursed", "in_review")]
    requests = [{"enterprise_id": platform.ids[PARTNER, bill.holder_uscc], **bill.request} for bill in unused[:12]]
    authorization, nonces, credentials = load_app("authorization"), MemoryNonces(), make_credentials()
    modules = {
        folder.name: load_app(folder.name)
        for folder in sorted(path.parent for path in ROOT.glob("functions/*/app.py"))
        if folder.name not in _ELSEWHERE
    }
    apps = {
        (method, path): module.app
        for module in modules.values()
        for path, methods in module.app.routes.items()
        for method in methods
    }
    with ExitStack() as stack:
        stack.enter_context(patch.object(bootstrap, "context", lambda: platform.context))
        stack.enter_context(patch.object(authorization, "context", lambda: platform.context))
        stack.enter_context(patch.object(authorization, "nonces", lambda: nonces))
        for folder in ("confirmation", "personal_data"):
            stack.enter_context(patch.object(modules[folder], "credentials", lambda: credentials))
        stack.enter_context(patch.object(modules["operations"], "dead_letters", _DeadLetters))
        stack.enter_context(patch.dict(os.environ, {"SIGNED_PATH_PREFIX": ""}))
        stack.enter_context(patch.object(METER, "note", lambda *_: None))
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        gateway = Gateway(authorization.authorize, apps, _Machines(platform).run)
        yield Signing(gateway, BASE_URL, keys), requests


def _call_with_keys(platform: Platform) -> dict[str, Ed25519PrivateKey]:
    """Let every sample caller call; answers their private keys."""
    keys, store = {}, platform.context.store
    for caller, role in PARTNERS.items():
        keys[caller] = Ed25519PrivateKey.generate()
        public = keys[caller].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        record = partner_record(role, public)
        known = store.get(f"partner#{caller}", "state")
        if known is not None:
            assert caller == PARTNER
            store.transact([known.replaced({**known.body, **record})])
        else:
            store.transact([Create(f"partner#{caller}", "state", record)])
    return keys
