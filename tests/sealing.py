"""What the platform and an operator's page need for sealed texts in tests: keys without a key service, and a sealer."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from rongtong.domain.sealed import ALGORITHM, ENCRYPTION, About, public_jwk, unknown_key, unreadable

OAEP_SHA_256 = OAEP(mgf=MGF1(SHA256()), algorithm=SHA256(), label=None)


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key of this name, made once per process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=3072)


class MemorySealingKeys:
    """The keys of these names: the first is published, and all count."""

    def __init__(self, *names: str) -> None:
        self.opened = 0
        self._keys = {self.jwk_of(rsa_key(name))["kid"]: rsa_key(name) for name in names or ("a",)}

    @staticmethod
    def jwk_of(key: rsa.RSAPrivateKey) -> dict[str, str]:
        numbers = key.public_key().public_numbers()
        return public_jwk(numbers.n, numbers.e)

    def published(self) -> dict[str, str]:
        return self.jwk_of(next(iter(self._keys.values())))

    def unwrapped(self, key_id: str, wrapped_key: bytes) -> bytes:
        if key_id not in self._keys:
            raise unknown_key()
        self.opened += 1
        try:
            return self._keys[key_id].decrypt(wrapped_key, OAEP_SHA_256)
        except ValueError as error:
            raise unreadable() from error


def encoded(content: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(content).decode().rstrip("=")


def header_of(jwk: dict[str, str], about: About, now: datetime) -> dict[str, Any]:
    """The protected header that a page writes."""
    told = {"alg": ALGORITHM, "enc": ENCRYPTION, "kid": jwk["kid"], "iat": int(now.timestamp())}
    return {**told, **about.header()}


def sealed_text(jwk: dict[str, str], header: dict[str, Any] | str, secrets: Any, *, key: bytes | None = None) -> str:
    """What a page makes, or would with another header, content or content key."""
    numbers = (int.from_bytes(_bytes(jwk[name]), "big") for name in ("e", "n"))
    public = rsa.RSAPublicNumbers(*numbers).public_key()
    key, nonce = key or os.urandom(32), os.urandom(12)
    first = encoded((header if isinstance(header, str) else json.dumps(header)).encode())
    content = secrets if isinstance(secrets, bytes) else json.dumps(secrets).encode()
    sealed = AESGCM(key).encrypt(nonce, content, first.encode())
    return ".".join([first, *map(encoded, (public.encrypt(key, OAEP_SHA_256), nonce, sealed[:-16], sealed[-16:]))])


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
