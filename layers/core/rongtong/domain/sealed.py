"""Secrets that an operator's page sealed for the platform: one profile of JWE (RFC 7516) and nothing else of it.

Compact serialisation; RSA-OAEP-256 for the content's key (RFC 7518 section 4.3), A256GCM for the content (section 5.3).
The protected header says under which key, for what and when it was sealed, and is authenticated with the content: a
text that was sealed for another operator, purpose or payment opens nothing here. No header is optional.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import InvalidInputError

ALGORITHM, ENCRYPTION = "RSA-OAEP-256", "A256GCM"
LENGTH_MAX = 8192
"""Characters of a sealed text; the longest secrets, padded, make half of it."""
HEADER_LENGTH_MAX = 1024
"""Characters of its header as it is sent."""
MODULUS_BYTES = 384
"""Of RSA with 3072 bits: 128 bits of security (NIST SP 800-57 part 1, table 2)."""
AGE_MAX_S = 300
"""How long a sealed text counts: as long as the longest-lived code."""
AHEAD_MAX_S = 60
"""How far the page's clock may be ahead of ours."""
_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES = 32, 12, 16
_FIELD = "sealed"
_AGAIN = "Seal it again with the platform's key, as docs/confirmation.md says."


class SealedFormatError(InvalidInputError):
    """No sealed text of the one profile, or what it holds is not what is asked for."""

    code = "SEALED_FORMAT"


class SealedKeyUnknownError(InvalidInputError):
    """Sealed under a key that counts no longer, or never did."""

    code = "SEALED_KEY_UNKNOWN"


class SealedForOtherError(InvalidInputError):
    """Sealed for another operator, purpose or payment."""

    code = "SEALED_FOR_OTHER"


class SealedExpiredError(InvalidInputError):
    """Sealed too long ago, or not yet."""

    code = "SEALED_EXPIRED"


class SealedUnreadableError(InvalidInputError):
    """It does not open: it was altered, or made with another key than it names."""

    code = "SEALED_UNREADABLE"


@dataclass(frozen=True)
class About:
    """What secrets are sealed for. A payment is named by its discount and challenge; a password is of no payment."""

    purpose: str
    operator_id: str
    discount_id: str | None = None
    challenge_id: str | None = None

    def header(self) -> dict[str, str]:
        """The members that say so in the protected header."""
        told = {
            "purpose": self.purpose,
            "operator_id": self.operator_id,
            "discount_id": self.discount_id,
            "challenge_id": self.challenge_id,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True)
class Sealed:
    """A sealed text that is of the profile, fresh, and for what it is used for; not opened yet."""

    key_id: str
    """RFC 7638 thumbprint of the key that it was sealed under."""
    wrapped_key: bytes
    """The content's key under RSA-OAEP-256."""
    nonce: bytes
    ciphertext: bytes
    tag: bytes
    authenticated: bytes
    """The header as it was sent."""

    def opened(self, key: bytes) -> bytes:
        """The content, by the content's key. Raises SealedUnreadableError."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if len(key) != _KEY_BYTES:
            raise unreadable()
        try:
            return AESGCM(key).decrypt(self.nonce, self.ciphertext + self.tag, self.authenticated)
        except InvalidTag as error:
            raise unreadable() from error


def unreadable() -> SealedUnreadableError:
    """The one answer to whatever does not open: which part was wrong would help whoever probes (RFC 7516 11.5)."""
    return SealedUnreadableError(f"The sealed text does not open. {_AGAIN}", field=_FIELD)


def unknown_key() -> SealedKeyUnknownError:
    """Of a key id that is none of ours."""
    return SealedKeyUnknownError(
        "It is sealed under a key that does not count; read GET /v1/confirmation-key anew and seal it again.",
        field=_FIELD,
    )


def read(text: str, about: About, now: datetime) -> Sealed:
    """The sealed text, if it is one of the profile, for this and fresh. Nothing secret is needed to say so.

    Raises SealedFormatError, SealedForOtherError, SealedExpiredError; none repeats anything of the text.
    """
    parts = text.split(".") if len(text) <= LENGTH_MAX else []
    if len(parts) != 5 or len(parts[0]) > HEADER_LENGTH_MAX:
        raise _malformed(f"It is no JWE in compact serialisation of at most {LENGTH_MAX} characters.")
    header, wrapped_key, nonce, ciphertext, tag = (_bytes(part) for part in parts)
    if (len(wrapped_key), len(nonce), len(tag)) != (MODULUS_BYTES, _NONCE_BYTES, _TAG_BYTES):
        raise _malformed(f"Its parts have not the lengths of {ALGORITHM} with 3072 bits and {ENCRYPTION}.")
    told = _header(header)
    wanted = about.header()
    if set(told) != {"alg", "enc", "kid", "iat", *wanted} and told.get("purpose") == about.purpose:
        raise _malformed(f"Its header has alg, enc, kid, iat, {', '.join(wanted)}, and nothing else.")
    if (told.get("alg"), told.get("enc")) != (ALGORITHM, ENCRYPTION):
        raise _malformed(f"Its alg is {ALGORITHM} and its enc {ENCRYPTION}; nothing else is taken.")
    if any(told.get(name) != value for name, value in wanted.items()):
        raise SealedForOtherError(
            f"It is sealed for another {' or '.join(wanted)} than it is sent for. {_AGAIN}", field=_FIELD
        )
    issued, key_id = told["iat"], told["kid"]
    if not isinstance(issued, int) or isinstance(issued, bool) or not isinstance(key_id, str):
        raise _malformed("Its kid is a text, and its iat the whole seconds since 1970.")
    _require_fresh(issued, now)
    return Sealed(key_id, wrapped_key, nonce, ciphertext, tag, parts[0].encode())


def content_of(opened: bytes) -> Any:
    """The JSON that was sealed; white space after it hides how long the secrets are. Raises SealedFormatError."""
    try:
        content = json.loads(opened.decode(), object_pairs_hook=_once)
        # Half of a character (RFC 8259 section 8.2) can be compared with nothing.
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _malformed("What it holds is not JSON.") from None  # the cause holds what was sealed
    return content


def public_jwk(modulus: int, exponent: int) -> dict[str, str]:
    """The public key as pages read it (RFC 7517), under its thumbprint (RFC 7638)."""
    numbers = {"e": _number(exponent), "kty": "RSA", "n": _number(modulus)}
    key_id = _text(hashlib.sha256(canonical_bytes(numbers)).digest())
    return {**numbers, "kid": key_id, "use": "enc", "alg": ALGORITHM}


def _require_fresh(issued: int, now: datetime) -> None:
    age_s = int(now.timestamp()) - issued
    if not -AHEAD_MAX_S <= age_s <= AGE_MAX_S:
        at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        raise SealedExpiredError(
            f"It is sealed more than {AGE_MAX_S} seconds ago or {AHEAD_MAX_S} ahead; it is {at} here. Seal it again.",
            field=_FIELD,
        )


def _header(content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise _malformed("Its header is not JSON.") from error
    if not isinstance(told, dict):
        raise _malformed("Its header is not a JSON object.")
    return told


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different (RFC 7516 section 4)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _bytes(part: str) -> bytes:
    """What base64url without padding says, written in the one way there is (RFC 7515 section 2)."""
    try:
        content = urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except ValueError as error:
        raise _malformed("Its parts are base64url without padding.") from error
    if _text(content) != part:
        raise _malformed("Its parts are base64url without padding.")
    return content


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _malformed(message: str) -> SealedFormatError:
    return SealedFormatError(f"{message} {_AGAIN}", field=_FIELD)
