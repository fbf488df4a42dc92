"""The keys that operators' pages seal under; their private parts never leave the key service."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import boto3
from cryptography.hazmat.primitives.serialization import load_der_public_key

from rongtong.domain.sealed import public_jwk, unknown_key, unreadable


class KmsSealingKeys:
    """RSA keys in KMS (key spec RSA_3072, RSAES_OAEP_SHA_256): the first is published, and all count."""

    def __init__(self, key_ids: Sequence[str]) -> None:
        self._key_ids = tuple(key_ids)

    @cached_property
    def _kms(self) -> Any:
        return boto3.client("kms")

    def published(self) -> dict[str, str]:
        """The public key to seal under (RFC 7517)."""
        return next(iter(self._known.values()))[1]

    def unwrapped(self, key_id: str, wrapped_key: bytes) -> bytes:
        """The content's key. Raises SealedKeyUnknownError, SealedUnreadableError."""
        if key_id not in self._known:
            raise unknown_key()
        kms_key_id, _ = self._known[key_id]
        try:
            answer = self._kms.decrypt(
                KeyId=kms_key_id, CiphertextBlob=wrapped_key, EncryptionAlgorithm="RSAES_OAEP_SHA_256"
            )
        except self._kms.exceptions.InvalidCiphertextException as error:
            raise unreadable() from error
        return bytes(answer["Plaintext"])

    @cached_property
    def _known(self) -> dict[str, tuple[str, dict[str, str]]]:
        """By the id that pages know: the key's name in KMS, and its public part. A public part never changes."""
        found: dict[str, tuple[str, dict[str, str]]] = {}
        for kms_key_id in self._key_ids:
            key: Any = load_der_public_key(self._kms.get_public_key(KeyId=kms_key_id)["PublicKey"])
            numbers = key.public_numbers()
            jwk = public_jwk(numbers.n, numbers.e)
            found[jwk["kid"]] = (kms_key_id, jwk)
        return found
