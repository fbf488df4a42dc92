"""Checks webhooks: Standard Webhooks 1.0.0 signatures over CloudEvents 1.0 documents."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rongtong_client.errors import WebhookError
from rongtong_client.types import Event

TOLERANCE_S = 300
_SIGNATURES_MAX = 20
_SECRET_LENGTHS = range(24, 65)
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def verify_webhook(
    headers: Mapping[str, str],
    body: bytes,
    keys: Sequence[str],
    *,
    tolerance_s: int = TOLERANCE_S,
    now: float | None = None,
) -> Event:
    """The event of an authentic webhook; what has the same ``id`` is the same event, however often it comes.

    ``body`` is what arrived, byte by byte, before anything has parsed it. ``keys`` are secrets ``whsec_…`` or public
    keys ``whpk_…``, of which any may have signed: keep old and new ones side by side while they change. Names of
    headers count in any case. Raises WebhookError; ValueError for a key that is none.
    """
    given = {name.lower(): value for name, value in headers.items()}
    webhook_id, seconds, signatures = (given.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not _ID.fullmatch(webhook_id) or not _SECONDS.fullmatch(seconds) or not signatures:
        raise WebhookError("webhook-id, webhook-timestamp or webhook-signature is missing or malformed.")
    if abs((time.time() if now is None else now) - int(seconds)) > tolerance_s:
        raise WebhookError("The webhook was signed too long ago, or in the future.")
    content = f"{webhook_id}.{seconds}.".encode() + body
    found = [text.partition(",")[::2] for text in signatures.split(" ")[:_SIGNATURES_MAX]]
    checks = [_check_of(key) for key in keys]
    if not any(version == of and check(signature, content) for of, check in checks for version, signature in found):
        raise WebhookError("No signature is one of these keys' over these bytes.")
    event = json.loads(body)
    if not isinstance(event, dict) or event.get("id") != webhook_id:
        raise WebhookError("The event is not the one that the headers name.")
    return cast(Event, event)


class _Secret:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __call__(self, signature: str, content: bytes) -> bool:
        given = _decoded(signature)
        return given is not None and hmac.compare_digest(hmac.new(self._raw, content, hashlib.sha256).digest(), given)


class _Public:
    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def __call__(self, signature: str, content: bytes) -> bool:
        given = _decoded(signature)
        if given is None:
            return False
        try:
            self._key.verify(given, content)
        except InvalidSignature:
            return False
        return True


def _check_of(key: str) -> tuple[str, _Secret | _Public]:
    """Which version of signatures a key checks, and how: a secret never ``v1a``, a public key never ``v1``."""
    prefix, _, text = key.partition("_")
    raw = _decoded(text)
    if raw is not None and prefix == "whsec" and len(raw) in _SECRET_LENGTHS:
        return "v1", _Secret(raw)
    if raw is not None and prefix == "whpk" and len(raw) == 32:
        return "v1a", _Public(raw)
    raise ValueError("A key is a whsec_… secret of 24 to 64 bytes or a whpk_… public key.")


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None
