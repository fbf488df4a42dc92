"""A partner platform's client: JSON over HTTP, every request signed (RFC 9421, ed25519, Content-Digest of RFC 9530)."""

from __future__ import annotations

import json
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519
from requests.adapters import HTTPAdapter

from rongtong.adapters.signed_api import OneKey

_TIMEOUT_S = 60


class PartnerClient:
    """Calls of one partner; safe to share between threads once made."""

    def __init__(self, base_url: str, partner_id: str, key: Ed25519PrivateKey) -> None:
        self._base_url = base_url.rstrip("/")
        self._key_id = f"{partner_id}#1"
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=OneKey(key))
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=32))

    def get(self, path: str) -> requests.Response:
        """GET ``path``, signed."""
        return self.send("GET", path)

    def post(self, path: str, body: Any, key: str | None = None) -> requests.Response:
        """POST a JSON body, signed, under an idempotency key (a fresh one unless given)."""
        content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self.send("POST", path, content, {"Idempotency-Key": key or str(uuid.uuid4())})

    def send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        created: datetime | None = None,
        nonce: str | None = None,
    ) -> requests.Response:
        """Send any request; ``created`` is the signature's date (default: now), ``nonce`` what makes it single."""
        url = self._base_url + path
        sent = {"Host": urlsplit(url).netloc, **(headers or {})}
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        prepared = requests.Request(method, url, headers=sent, data=content).prepare()
        covered = ["@method", "@authority", "@path", *(["@query"] if "?" in path else [])]
        if content is not None:
            covered.append("content-digest")
        if "Idempotency-Key" in sent:
            covered.append("idempotency-key")
        body: dict[str, Any] = {} if content is None else {"body": content}
        self._signer.sign(
            prepared,
            key_id=self._key_id,
            created=created or datetime.now(UTC),
            nonce=nonce or secrets.token_urlsafe(16),
            covered_component_ids=covered,
            include_alg=True,
            **body,
        )
        return self._session.send(prepared, timeout=_TIMEOUT_S)
