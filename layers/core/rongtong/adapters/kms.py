"""Keys that never leave the key service: personal data's envelope encryption and the evidence log's signature.

The arithmetic is read where it is used: every function has a vault and a signer, and most requests need neither.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import b64decode, b64encode
from functools import cached_property, lru_cache
from typing import Any

import boto3

from rongtong.services.errors import SealedDataError

_NONCE_BYTES = 12


class KmsVault:
    """Personal data under one data key per enterprise; the key is wrapped by KMS and bound to its owner.

    AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D); the owner's id is authenticated with every text, so that
    a ciphertext moved to another enterprise's record does not open. Destroying the wrapped key is deletion.
    """

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._open = lru_cache(maxsize=512)(self._unwrap)

    @cached_property
    def _kms(self) -> Any:
        return boto3.client("kms")

    def new_key(self, owner: str) -> str:
        """A fresh data key, wrapped for storage beside the owner's record; base64."""
        answer = self._kms.generate_data_key(
            KeyId=self._key_id, KeySpec="AES_256", EncryptionContext={"enterprise": owner}
        )
        return b64encode(answer["CiphertextBlob"]).decode()

    def encrypt(self, owner: str, wrapped_key: str, text: str) -> str:
        """Nonce and ciphertext; base64."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._open(owner, wrapped_key)).encrypt(nonce, text.encode(), owner.encode())
        return b64encode(nonce + sealed).decode()

    def decrypt(self, owner: str, wrapped_key: str, ciphertext: str) -> str:
        """The text again. Raises SealedDataError when it was altered or belongs to another owner."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        raw = b64decode(ciphertext)
        try:
            opened = AESGCM(self._open(owner, wrapped_key)).decrypt(
                raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], owner.encode()
            )
        except InvalidTag as error:
            raise SealedDataError("Personal data of this enterprise was altered; restore its record.") from error
        return opened.decode()

    def fingerprint(self, owner: str, wrapped_key: str, text: str) -> str:
        """HMAC-SHA-256 under the owner's data key, cut to 64 bits; hexadecimal."""
        return hmac.new(self._open(owner, wrapped_key), text.encode(), hashlib.sha256).hexdigest()[:16]

    def _unwrap(self, owner: str, wrapped_key: str) -> bytes:
        answer = self._kms.decrypt(
            KeyId=self._key_id, CiphertextBlob=b64decode(wrapped_key), EncryptionContext={"enterprise": owner}
        )
        return bytes(answer["Plaintext"])


class KmsLogSigner:
    """The evidence log's Ed25519 key in KMS (key spec ECC_NIST_EDWARDS25519)."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id

    @cached_property
    def _kms(self) -> Any:
        return boto3.client("kms")

    def sign(self, message: bytes) -> bytes:
        """64 bytes of Ed25519 signature over the message itself (RFC 8032, not the prehashed variant)."""
        answer = self._kms.sign(
            KeyId=self._key_id, Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
        )
        return bytes(answer["Signature"])

    def public_key(self) -> bytes:
        """32 bytes."""
        return self._public_key

    @cached_property
    def _public_key(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

        key = load_der_public_key(self._kms.get_public_key(KeyId=self._key_id)["PublicKey"])
        return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
