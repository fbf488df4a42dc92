"""Signs what the fuzzer sends, on its way: its cases say by whose key, and the bytes that leave bear the signature."""

from __future__ import annotations

import base64
import hashlib
import http.client
import io
import re
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSignaturesException, HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from requests import PreparedRequest
from requests.structures import CaseInsensitiveDict
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData
from schemathesis.transport import wsgi
from schemathesis.transport.wsgi import WSGITransport

from rongtong.adapters.signed_api import OneKey
from rongtong.domain.access import ROLES, Role

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_PLEASE = "rt=:c2lnbiB0aGlz:"
"""In the place of a signature: make one."""
_WHOSE = re.compile(r'rt=\(\);keyid="([a-z0-9-]+)#1"')
_DIGEST = re.compile(r"sha-(256|512)=:[A-Za-z0-9+/]+={0,2}:")
_NAMES = re.compile(r"[\x21-\x7e]{1,128}")
_OF_SOCKETS = ("max_redirects", "verify", "cert", "proxies")
_SIGNERS = {
    Role.PARTNER: "partner-a",
    Role.INSTITUTION: "sample-institution",
    Role.OPERATIONS: "operations",
    Role.BANK: "sample-bank",
    Role.SUPERVISOR: "sample-supervisor",
}
_SECONDS = {"sample-institution": "sample-institution-2", "operations": "operations-2"}
"""Who decides what the first proposed: two persons are needed."""


def signer_of(operation: Any) -> str | None:
    """Whose sample key calls the operation; None where nobody signs."""
    scope = operation.definition.raw.get("x-scope")
    if scope is None:
        return None
    first = next(_SIGNERS[role] for role in _SIGNERS if scope in ROLES[role])
    return _SECONDS[first] if operation.path.endswith("/decision") else first


class SampleKeys:
    """Tells the fuzzer to have its cases signed; those that try without or with a wrong signature it leaves alone."""

    def get(self, case: Any, context: Any) -> str | None:
        return signer_of(context.operation)

    def set(self, case: Any, data: str | None, context: Any) -> None:
        if data is not None:
            case.headers.update(to_be_signed(data))
            digest = case.headers.get("Content-Digest")
            if digest is not None and not _DIGEST.fullmatch(str(digest)) and not _is_about_digest(case.meta):
                case.headers["Content-Digest"] = digest_of(b"")


def to_be_signed(whose: str) -> dict[str, str]:
    """Headers that ask for a signature by this caller's key."""
    return {"Signature": _PLEASE, "Signature-Input": f'rt=();keyid="{whose}#1"'}


def _is_about_digest(meta: Any) -> bool:
    """Whether it is the digest that this case has wrong. Generators fill it with nonsense beside other wrong parts too:

    nothing but the digest would ever be refused then.
    """
    if meta is None:
        return False
    if isinstance(meta.phase.data, CoveragePhaseData):
        return bool(meta.phase.data.parameter == "Content-Digest")
    wrong = [location for location, part in meta.components.items() if part.mode.is_negative]
    return wrong == [ParameterLocation.HEADER]


class _InProcess(WSGITransport):
    """The fuzzer's way to an application in this process.

    Its probes hand on what only sockets know, and a ``?`` in a path's parameter it leaves as it is.
    """

    def send(self, case: Any, *, session: Any = None, **kwargs: Any) -> Any:
        if session is None:
            kwargs = {name: value for name, value in kwargs.items() if name not in _OF_SOCKETS}
        return super().send(case, session=session, **kwargs)

    def serialize_case(self, case: Any, **kwargs: Any) -> dict[str, Any]:
        made = super().serialize_case(case, **kwargs)
        return {**made, "path": made["path"].replace("?", "%3F")}


def sign_cases() -> None:
    """Register it for all operations."""
    schemathesis.auths.unregister()
    schemathesis.auth(refresh_interval=None)(SampleKeys)
    wsgi.WSGI_TRANSPORT.__class__ = _InProcess


class Signing:
    """WSGI in front of an application: requests that ask for it are signed, for the URL at which they will arrive.

    Where they are well-formed, the digest of the body becomes the right one and the Idempotency-Key one that was not
    used yet: no generator knows either. The query is written as docs/api.md asks for.
    """

    def __init__(self, app: Wsgi, base_url: str, keys: Mapping[str, Ed25519PrivateKey]) -> None:
        self._app, self._base_url = app, base_url.rstrip("/")
        self._signers = {
            name: HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=OneKey(key)) for name, key in keys.items()
        }

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        whose = _WHOSE.fullmatch(environ.get("HTTP_SIGNATURE_INPUT", ""))
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        query = urlencode(sorted(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)))
        path = environ["REQUEST_URI"].partition("?")[0]
        environ["QUERY_STRING"] = query
        environ["REQUEST_URI"] = path + (f"?{query}" if query else "")
        environ["HTTP_HOST"] = urlsplit(self._base_url).netloc
        if whose and environ.get("HTTP_SIGNATURE") == _PLEASE:
            with suppress(HTTPMessageSignaturesException):
                # What no signature can be made of goes as it is.
                self._sign(environ, whose[1], body)
        return self._app(environ, start_response)

    def _sign(self, environ: dict[str, Any], whose: str, body: bytes) -> None:
        digest, name = environ.get("HTTP_CONTENT_DIGEST"), environ.get("HTTP_IDEMPOTENCY_KEY")
        unsigned = set()
        if digest is not None and _DIGEST.fullmatch(digest):
            environ["HTTP_CONTENT_DIGEST"] = digest_of(body)
        elif digest is not None:
            # Nobody signs what is no digest.
            unsigned.add("Content-Digest")
        if name is not None and _NAMES.fullmatch(name):
            environ["HTTP_IDEMPOTENCY_KEY"] = f"{name[:91]}-{uuid.uuid4()}"
        covered = ["@method", "@authority", "@path", *(["@query"] if environ["QUERY_STRING"] else [])]
        message = PreparedRequest()
        message.method, message.url = environ["REQUEST_METHOD"], self._base_url + environ["REQUEST_URI"]
        message.headers = CaseInsensitiveDict()
        for header in ("Content-Digest", "Idempotency-Key", "If-Match"):
            value = environ.get(f"HTTP_{header.upper().replace('-', '_')}")
            if value is not None and header not in unsigned:
                message.headers[header] = value
                covered.append(header.lower())
        self._signers[whose].sign(
            message,
            key_id=f"{whose}#1",
            created=datetime.now(UTC),
            nonce=secrets.token_urlsafe(16),
            label="rt",
            covered_component_ids=covered,
            use_existing_digest="content-digest" in covered,
        )
        environ["HTTP_SIGNATURE"] = message.headers["Signature"]
        environ["HTTP_SIGNATURE_INPUT"] = message.headers["Signature-Input"]


class Forwarding:
    """WSGI that hands every request on to an API elsewhere, byte for byte."""

    def __init__(self, base_url: str, timeout_s: float = 60.0) -> None:
        self._to, self._timeout_s = urlsplit(base_url.rstrip("/")), timeout_s

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        made = http.client.HTTPSConnection if self._to.scheme == "https" else http.client.HTTPConnection
        connection = made(self._to.netloc, timeout=self._timeout_s)
        body = environ["wsgi.input"].read()
        try:
            connection.request(
                environ["REQUEST_METHOD"], self._to.path + environ["REQUEST_URI"], body or None, headers_of(environ)
            )
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        headers = [
            (name, value)
            for name, value in response.getheaders()
            if name.lower() not in ("connection", "transfer-encoding", "content-length")
        ]
        start_response(f"{response.status} {response.reason or '-'}", headers)
        return [content]


def headers_of(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers by their names in lower case."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


def digest_of(body: bytes) -> str:
    """The value of Content-Digest (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
