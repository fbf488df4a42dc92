"""Requests as the API wants them: signed anew for every attempt, and sent again until there is an answer."""

from __future__ import annotations

import json
import random
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, HTTPSignatureAlgorithm, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ECDSA_P256_SHA256, ED25519, RSA_PSS_SHA512

from rongtong_client.errors import ProblemError, UnansweredError

_NOT_DECIDED = frozenset({429, 500, 502, 503, 504})
_NOT_DECIDED_CODES = frozenset({"REQUEST_RUNNING", "WRITE_CONFLICT"})
"""Conflicts (409) that pass by themselves; the others say that the object stands otherwise."""
_WITH_BODY = frozenset({"POST", "PATCH", "DELETE"})
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})
PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey | RSAPrivateKey


@dataclass(frozen=True)
class Patience:
    """How often and how long a call is tried.

    A pause is half to all of ``first_pause_s`` doubled with every attempt, at most ``pause_max_s``; where the platform
    says ``Retry-After``, it is that, and a call that would have to wait more than ``asked_pause_max_s`` gives up.
    """

    attempts: int = 6
    first_pause_s: float = 0.5
    pause_max_s: float = 20.0
    asked_pause_max_s: float = 60.0
    timeout_s: float = 60.0
    """For one attempt, connecting and every wait for bytes each; a gateway waits half a minute for a function."""


@dataclass(frozen=True)
class Answer:
    """A 2xx answer."""

    status: int
    content: bytes
    headers: Mapping[str, str]

    def json(self) -> Any:
        """The document. Raises UnansweredError where it is none."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise UnansweredError("The answer is not JSON: is the base URL right?") from error


class Transport:
    """One key's requests to one base URL. Raises ValueError for a key of another kind, or a URL that is not https."""

    def __init__(
        self,
        base_url: str,
        key_id: str,
        private_key_pem: str | bytes,
        patience: Patience,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(base_url)
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)):
            raise ValueError("The base URL is https://…; http:// is for this machine alone.")
        self._base_url = base_url.rstrip("/")
        self._host = parts.netloc
        self._key_id = key_id
        self._patience = patience
        self._sleep = sleep
        key = _load(private_key_pem)
        self._signer = HTTPMessageSigner(signature_algorithm=_algorithm(key), key_resolver=_OneKey(key))
        self._session = requests.Session()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: object | None = None,
        idempotency_key: str | None = None,
        if_match: str | None = None,
        accept: str = "application/json",
    ) -> Answer:
        """Send until it is answered; a POST under one Idempotency-Key, made here unless given.

        Raises ProblemError, UnansweredError.
        """
        key = (idempotency_key or str(uuid.uuid4())) if method == "POST" else None
        content = None
        headers = {"Accept": accept, "User-Agent": "rongtong-client/1"}
        if method in _WITH_BODY:
            content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
        if key is not None:
            headers["Idempotency-Key"] = key
        if if_match is not None:
            headers["If-Match"] = if_match
        asked = urlencode(sorted((name, str(value)) for name, value in (query or {}).items() if value is not None))
        url = f"{self._base_url}{path}{'?' if asked else ''}{asked}"
        for attempt in range(1, self._patience.attempts + 1):
            last = attempt == self._patience.attempts
            try:
                response = self._sent(method, url, headers, content)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                if last:
                    raise UnansweredError(f"{method} {path}: no answer, {attempt} times.", key) from error
                self._pause(attempt, None)
                continue
            if 200 <= response.status_code < 300:
                return Answer(response.status_code, response.content, response.headers)
            if method == "DELETE" and response.status_code == 404 and attempt > 1:
                return Answer(204, b"", response.headers)  # an earlier attempt was carried out
            problem = _problem(response, key)
            asked_s = problem.retry_after_s
            if last or not _passes(problem) or (asked_s or 0) > self._patience.asked_pause_max_s:
                raise problem
            self._pause(attempt, asked_s)
        raise ValueError("Patience has at least one attempt.")

    def _sent(self, method: str, url: str, headers: Mapping[str, str], content: bytes | None) -> requests.Response:
        prepared = requests.Request(method, url, headers={"Host": self._host, **headers}, data=content).prepare()
        covered = ["@method", "@authority", "@path", *(["@query"] if "?" in url else [])]
        covered += [name for name in ("idempotency-key", "if-match") if name in prepared.headers]
        signed: dict[str, Any] = {}
        if content is not None:
            covered.append("content-digest")
            signed["body"] = content
        self._signer.sign(
            prepared,
            key_id=self._key_id,
            created=datetime.now(UTC),
            nonce=secrets.token_urlsafe(16),
            covered_component_ids=covered,
            **signed,
        )
        settings = self._session.merge_environment_settings(prepared.url, {}, None, None, None)
        # A redirect would be followed with a signature for another address.
        return self._session.send(prepared, timeout=self._patience.timeout_s, allow_redirects=False, **settings)

    def pause(self, seconds: float) -> None:
        """Wait."""
        self._sleep(seconds)

    def _pause(self, attempt: int, asked_s: float | None) -> None:
        pause = min(self._patience.pause_max_s, self._patience.first_pause_s * 2.0 ** (attempt - 1))
        # Who was turned away together does not come back together.
        self._sleep(asked_s + random.uniform(0, 0.2) if asked_s is not None else pause * random.uniform(0.5, 1))


class _OneKey(HTTPSignatureKeyResolver):
    """The caller's own private key; it is asked for no other."""

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:
        raise LookupError(f"Nothing is verified here, not by {key_id} either.")

    def resolve_private_key(self, key_id: str) -> Any:  # noqa: ARG002 there is only one
        return self._key


def _load(pem: str | bytes) -> PrivateKey:
    try:
        key = load_pem_private_key(pem.encode() if isinstance(pem, str) else pem, password=None)
    except TypeError as error:
        raise ValueError("The private key is encrypted; decrypt it first.") from error
    if not isinstance(key, PrivateKey):
        raise ValueError("The private key is Ed25519, ECDSA P-256 or RSA.")
    return key


def _algorithm(key: PrivateKey) -> type[HTTPSignatureAlgorithm]:
    if isinstance(key, Ed25519PrivateKey):
        return ED25519
    if isinstance(key, RSAPrivateKey):
        return RSA_PSS_SHA512
    if not isinstance(key.curve, SECP256R1):
        raise ValueError("The curve of an ECDSA key is P-256.")
    return ECDSA_P256_SHA256


def _passes(problem: ProblemError) -> bool:
    return problem.status in _NOT_DECIDED or (problem.status == 409 and problem.code in _NOT_DECIDED_CODES)


def _problem(response: requests.Response, key: str | None) -> ProblemError:
    try:
        document = json.loads(response.content)
    except ValueError:
        document = {}
    return ProblemError(
        response.status_code,
        document if isinstance(document, dict) else {},
        request_id=response.headers.get("X-Request-Id"),
        retry_after_s=_seconds(response.headers.get("Retry-After")),
        idempotency_key=key,
    )


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
