"""Webhooks as both ends see them: signing, verification and when a delivery is tried again (Standard Webhooks 1.0.0).

What is signed is ``<webhook-id>.<webhook-timestamp>.<body>``. Every webhook carries two signatures of each valid set of
keys: ``v1`` (HMAC-SHA256, secret ``whsec_…``) and ``v1a`` (Ed25519, public key ``whpk_…``); a receiver checks one of
them. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.domain.errors import InvalidInputError

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
SECRET_PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX = "whsec_", "whsk_", "whpk_"
SECRET_BYTES = 32
TOLERANCE = timedelta(minutes=5)
"""How far a webhook's timestamp may be from the receiver's clock, to either side (assumed: configurable)."""
TRIED_FOR = timedelta(days=3)
_SECRET_BYTES_LEAST, _SECRET_BYTES_MOST = 24, 64
_SIGNATURES_MAX = 20
_FIRST_PAUSE = timedelta(seconds=30)
_PAUSE_MAX = timedelta(hours=8)
_DOUBLED_MAX = 12
_ASKED_PAUSE_MAX = timedelta(hours=1)
_JITTER = 0.2
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


class WebhookSignatureError(InvalidInputError):
    """A webhook is not what its sender signed. Codes WEBHOOK_HEADER_MISSING, WEBHOOK_TOO_OLD, WEBHOOK_SIGNATURE."""

    code = "WEBHOOK_SIGNATURE"


class WebhookKeyError(InvalidInputError):
    """A text is no key of the form that Standard Webhooks gives it."""

    code = "WEBHOOK_KEY"


def secret_text(raw: bytes) -> str:
    """The symmetric secret as it is shown; 24 to 64 bytes."""
    return SECRET_PREFIX + b64encode(raw).decode()


def private_text(seed: bytes) -> str:
    """The Ed25519 private key (RFC 8032, 32 bytes) as it is kept."""
    return PRIVATE_PREFIX + b64encode(seed).decode()


def public_text(private: str) -> str:
    """The public key ``whpk_…`` of a private key ``whsk_…``. Raises WebhookKeyError."""
    raw = _private_key(private).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PUBLIC_PREFIX + b64encode(raw).decode()


def signed_content(webhook_id: str, timestamp: int, body: bytes) -> bytes:
    """What both signatures are over. An id has no full stop, so that the parts cannot run into each other."""
    if not _ID.fullmatch(webhook_id):
        raise ValueError("A webhook's id has letters, digits, - and _ only.")
    return f"{webhook_id}.{timestamp}.".encode() + body


def sign(key: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature, ``v1,…`` for a secret and ``v1a,…`` for a private key. Raises WebhookKeyError."""
    content = signed_content(webhook_id, timestamp, body)
    if key.startswith(PRIVATE_PREFIX):
        return "v1a," + b64encode(_private_key(key).sign(content)).decode()
    return "v1," + b64encode(_digest(key, content)).decode()


def signed_headers(keys: Sequence[str], webhook_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of one attempt: ``at`` is the attempt's time, in whole seconds."""
    timestamp = int(at.timestamp())
    signatures = " ".join(sign(key, webhook_id, timestamp, body) for key in keys)
    return {ID_HEADER: webhook_id, TIMESTAMP_HEADER: str(timestamp), SIGNATURE_HEADER: signatures}


def verify(
    headers: Mapping[str, str], body: bytes, keys: Sequence[str], now: datetime, *, tolerance: timedelta = TOLERANCE
) -> str:
    """The id of an authentic webhook: what has the same id is the same event, however often it comes.

    ``body`` is what arrived, byte by byte; ``keys`` are ``whsec_…`` or ``whpk_…`` texts of which any may have signed,
    so that old and new ones overlap. A secret never verifies ``v1a``, a public key never ``v1``. Header names count in
    any case. Raises WebhookSignatureError, WebhookKeyError.
    """
    given = {name.lower(): value for name, value in headers.items()}
    webhook_id, seconds, signatures = (given.get(n, "") for n in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER))
    if not _ID.fullmatch(webhook_id) or not _SECONDS.fullmatch(seconds) or not signatures:
        raise WebhookSignatureError(
            f"{ID_HEADER}, {TIMESTAMP_HEADER} or {SIGNATURE_HEADER} is missing or malformed.",
            code="WEBHOOK_HEADER_MISSING",
        )
    if abs(now.timestamp() - int(seconds)) > tolerance.total_seconds():
        raise WebhookSignatureError(
            "The webhook was signed too long ago, or in the future; set the clock, or drop it.", code="WEBHOOK_TOO_OLD"
        )
    content = signed_content(webhook_id, int(seconds), body)
    found = [text.partition(",")[::2] for text in signatures.split(" ")[:_SIGNATURES_MAX]]
    if not any(_matches(key, version, text, content) for key in keys for version, text in found):
        raise WebhookSignatureError("No signature is one of these keys' over these bytes.", code="WEBHOOK_SIGNATURE")
    return webhook_id


def next_attempt(
    first_at: datetime, attempts: int, now: datetime, *, spread_by: str, asked_pause_s: int | None = None
) -> datetime | None:
    """When a delivery that has failed ``attempts`` times is tried again; None when it is given up.

    The pause doubles from half a minute to eight hours, a fifth more or less by ``spread_by`` (so that what failed
    together does not come back together), and is at least what the receiver asked for (``Retry-After``, up to an hour).
    The last attempt is made three days after ``first_at``.
    """
    until = first_at + TRIED_FOR
    if now >= until:
        return None
    doubled: int = 2 ** min(attempts - 1, _DOUBLED_MAX)
    pause = min(_FIRST_PAUSE * doubled, _PAUSE_MAX)
    pause *= 1 + _JITTER * (2 * _spread(f"{spread_by}/{attempts}") - 1)
    if asked_pause_s is not None:
        pause = max(pause, min(timedelta(seconds=asked_pause_s), _ASKED_PAUSE_MAX))
    return min(now.astimezone(UTC) + pause, until)


def _spread(text: str) -> float:
    """Evenly between 0 and 1, the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


def _matches(key: str, version: str, signature: str, content: bytes) -> bool:
    try:
        raw = b64decode(signature, validate=True)
    except ValueError:
        return False
    if key.startswith(SECRET_PREFIX):
        return version == "v1" and hmac.compare_digest(_digest(key, content), raw)
    public = _public_key(key)
    if version != "v1a":
        return False
    try:
        public.verify(raw, content)
    except InvalidSignature:
        return False
    return True


def _digest(key: str, content: bytes) -> bytes:
    raw = _raw(key, SECRET_PREFIX)
    if not _SECRET_BYTES_LEAST <= len(raw) <= _SECRET_BYTES_MOST:
        raise WebhookKeyError("A webhook secret has 24 to 64 bytes.")
    return hmac.new(raw, content, hashlib.sha256).digest()


def _private_key(text: str) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(_raw(text, PRIVATE_PREFIX))
    except ValueError as error:
        raise WebhookKeyError("A private key has 32 bytes.") from error


def _public_key(text: str) -> Ed25519PublicKey:
    try:
        return Ed25519PublicKey.from_public_bytes(_raw(text, PUBLIC_PREFIX))
    except ValueError as error:
        raise WebhookKeyError("A public key has 32 bytes.") from error


def _raw(text: str, prefix: str) -> bytes:
    if not text.startswith(prefix):
        raise WebhookKeyError(f"This key begins with {prefix}.")
    try:
        return b64decode(text[len(prefix) :], validate=True)
    except ValueError as error:
        raise WebhookKeyError("A key is base64 behind its prefix.") from error
