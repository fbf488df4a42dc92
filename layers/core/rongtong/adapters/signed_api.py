"""A client of the platform's own API: every request signed (RFC 9421, ed25519), and sent again until it is answered."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519
from urllib3.exceptions import HTTPError

from rongtong.adapters.http import UnansweredError

_TIMEOUT_S = 35.0
"""A little longer than API Gateway waits for a function."""
_ATTEMPTS = 6
_PAUSE_MAX_S = 20.0
_AGAIN = frozenset({429, 500, 502, 503, 504})
"""Not answered, or answered by something that stands before the platform; under the same key nothing is done twice."""


class RefusedError(Exception):
    """The platform's answer was a problem (RFC 9457); ``code`` is what it calls it."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code


@dataclass
class _Message:
    """A request as http-message-signatures reads it and puts its headers into."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class OneKey(HTTPSignatureKeyResolver):
    """The caller's own private key; it is asked for no other."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:
        raise LookupError(key_id)

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:  # noqa: ARG002 one client, one key
        return self._key


class SignedApi:
    """Calls with one key; safe to share between threads."""

    def __init__(
        self,
        base_url: str,
        key_id: str,
        key: Ed25519PrivateKey,
        *,
        at_once: int = 1,
        timeout_s: float = _TIMEOUT_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._key_id = key_id
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=OneKey(key))
        timeout = urllib3.Timeout(total=timeout_s)
        self._pool = urllib3.PoolManager(maxsize=at_once, block=True, retries=False, timeout=timeout)
        self._pause = pause

    def get(self, path: str) -> dict[str, Any]:
        """The answer's document. Raises RefusedError, UnansweredError when nothing usable came back in the end."""
        return self._until_answered("GET", path, None, None)

    def post(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """As ``get``; every attempt bears the same idempotency key."""
        return self._until_answered("POST", path, json.dumps(body, ensure_ascii=False).encode(), key)

    def _until_answered(self, method: str, path: str, content: bytes | None, key: str | None) -> dict[str, Any]:
        failure = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._pause(min(_PAUSE_MAX_S, 2.0**attempt) * random.uniform(0.25, 0.5))
            try:
                answer = self._send(method, path, content, key)
            except HTTPError as error:
                failure = type(error).__name__
                continue
            if answer.status not in _AGAIN and not _still_runs(answer.status, answer.data):
                return _document(answer.status, answer.data)
            failure = f"status {answer.status}"
        raise UnansweredError(f"{method} {path}: {failure}, {_ATTEMPTS} times")

    def _send(self, method: str, path: str, content: bytes | None, key: str | None) -> urllib3.BaseHTTPResponse:
        """Signed anew each time: a signature is taken once, within five minutes."""
        message = _Message(method, self._base_url + path)
        covered = ["@method", "@authority", "@path", *(["@query"] if "?" in path else [])]
        signed: dict[str, Any] = {}
        if content is not None:
            message.headers["Content-Type"] = "application/json"
            covered.append("content-digest")
            signed["body"] = content
        if key is not None:
            message.headers["Idempotency-Key"] = key
            covered.append("idempotency-key")
        created = datetime.now(UTC)
        self._signer.sign(
            message,
            key_id=self._key_id,
            created=created,
            nonce=secrets.token_urlsafe(16),
            covered_component_ids=covered,
            include_alg=True,
            **signed,
        )
        return self._pool.request(method, message.url, body=content, headers=message.headers)


def load_key(pem: bytes) -> Ed25519PrivateKey:
    """An Ed25519 private key from PEM. Raises ValueError."""
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError as error:
        raise ValueError("The key is encrypted; give one that is not.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("The key is no Ed25519 key.")
    return key


def _still_runs(status: int, data: bytes) -> bool:
    """Whether the same request, sent before, is being carried out."""
    try:
        return status == 409 and json.loads(data).get("code") == "REQUEST_RUNNING"
    except (ValueError, AttributeError):
        return False


def _document(status: int, data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise UnansweredError(f"status {status}, and the answer is not JSON: is the URL right?") from error
    if not isinstance(document, dict):
        raise UnansweredError(f"status {status}, and the answer is no JSON object: is the URL right?")
    if status >= 400:
        code, detail = str(document.get("code", status)), str(document.get("detail", document.get("message", "")))
        raise RefusedError(status, code, detail)
    return document
