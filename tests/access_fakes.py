"""Stand-ins for access tests: used nonces in memory, callers with keys, and API Gateway between authorizer and app."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import sys
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519, RSA_PSS_SHA512

from paths import ROOT
from rongtong.adapters.signed_api import OneKey

HOST = "api.example"
PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey
_ALGORITHMS = {Ed25519PrivateKey: ED25519, EllipticCurvePrivateKey: ECDSA_P256_SHA256, RSAPrivateKey: RSA_PSS_SHA512}


class MemoryNonces:
    """As adapters/nonces.py, in memory."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, str], datetime] = {}
        self.counts: dict[tuple[str, str], int] = {}

    def take(self, key_id: str, nonce: str, until: datetime) -> bool:
        if (key_id, nonce) in self.taken:
            return False
        self.taken[key_id, nonce] = until
        return True

    def count(self, tenant_id: str, window: str, until: datetime) -> int:
        self.counts[tenant_id, window] = self.counts.get((tenant_id, window), 0) + 1
        return self.counts[tenant_id, window]


def ed25519() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def ecdsa() -> EllipticCurvePrivateKey:
    return generate_ec(SECP256R1())


def rsa(bits: int = 2048) -> RSAPrivateKey:
    return generate_rsa(public_exponent=65537, key_size=bits)


def algorithm_of(key: PrivateKey) -> Any:
    """How http-message-signatures signs with the key."""
    return next(algorithm for kind, algorithm in _ALGORITHMS.items() if isinstance(key, kind))


def key_record(key: PrivateKey, **parts: Any) -> dict[str, Any]:
    """The key's record, with scopes and dates where they are given."""
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return {"algorithm": algorithm_of(key).algorithm_id, "public_key": public, **parts}


@dataclass
class Request:
    """A request on its way: signed, and then perhaps changed."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def url(self) -> str:
        return f"https://{HOST}/v{self.path}" + (f"?{urlencode(self.query)}" if self.query else "")

    def signed(
        self, key: PrivateKey, key_id: str, *, created: datetime | None = None, nonce: str | None = None, **more: Any
    ) -> Request:
        """With a signature over all that must be covered."""
        covered = ["@method", "@authority", "@path", *(["@query"] if self.query else [])]
        covered += [name for name in ("Idempotency-Key", "If-Match") if name in self.headers]
        signed: dict[str, Any] = {}
        if self.method != "GET":
            covered.append("content-digest")
            signed["body"] = self.body
        HTTPMessageSigner(signature_algorithm=algorithm_of(key), key_resolver=OneKey(key)).sign(
            self,
            key_id=key_id,
            created=created or datetime.now(UTC),
            nonce=uuid.uuid4().hex if nonce is None else nonce or None,
            covered_component_ids=[name.lower() for name in covered],
            **signed,
            **more,
        )
        return self


def load_app(folder: str) -> ModuleType:
    """A function's module, new."""
    path = ROOT / "functions" / folder
    sys.path.insert(0, str(path))
    try:
        spec = importlib.util.spec_from_file_location(f"served_{folder}", path / "app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path))
    return module


@dataclass
class Gateway:
    """API Gateway as far as access goes: the authorizer's word decides, and its context reaches the app."""

    authorize: Any
    apps: dict[tuple[str, str], Any]
    """The Chalice app by method and path."""

    def send(self, route: Any, request: Request, named: dict[str, str], address: str = "203.0.113.7") -> Answer:
        """What the caller is answered."""
        request_id = str(uuid.uuid4())
        headers = {"host": HOST, **{name.lower(): value for name, value in request.headers.items()}}
        event: dict[str, Any] = {
            "httpMethod": request.method,
            "path": request.path,
            "resource": route.path,
            "headers": headers,
            "pathParameters": named or None,
            "multiValueQueryStringParameters": {name: [value] for name, value in request.query.items()} or None,
            "methodArn": f"arn:aws:execute-api:x:y:z/v/{request.method}{request.path}",
            "requestContext": {
                "requestId": request_id,
                "resourcePath": route.path,
                "httpMethod": request.method,
                "path": f"/v{request.path}",
                "identity": {"sourceIp": address},
            },
            "stageVariables": None,
            "body": request.body.decode(),
            "isBase64Encoded": False,
        }
        if route.scope is not None:
            try:
                policy = self.authorize(event, None)
            except Exception as error:
                if str(error) != "Unauthorized":
                    raise
                return Answer(401, {"code": "SIGNATURE_INVALID"}, {}, request_id)
            if policy["policyDocument"]["Statement"][0]["Effect"] != "Allow":
                return Answer(403, {"code": "SIGNATURE_REFUSED"}, {}, request_id)
            event["requestContext"]["authorizer"] = policy["context"]
        answer = self.apps[route.method, route.path](event, None)
        body = answer["body"]
        raw = base64.b64decode(body) if answer.get("isBase64Encoded") else body
        document = json.loads(raw) if "json" in answer["headers"].get("Content-Type", "") else {}
        return Answer(answer["statusCode"], document, answer["headers"], request_id)


@dataclass(frozen=True)
class Answer:
    """An answer, with the id of its request."""

    status: int
    document: Any
    headers: dict[str, str]
    request_id: str

    @property
    def code(self) -> str | None:
        return self.document.get("code") if isinstance(self.document, dict) else None


def digest_of(content: bytes) -> str:
    """The value of Content-Digest."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
