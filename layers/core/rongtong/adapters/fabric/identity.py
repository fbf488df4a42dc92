"""Who signs: a member's certificate with its ECDSA P-256 key, in this process or in KMS."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from fabric_protos.msp import identities_pb2

from rongtong.adapters.fabric.outcomes import ChainProfileError
from rongtong.adapters.fabric.pem import PemSource
from rongtong.services.ports import ChainRefusedError, ChainUnavailableError

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ECDSA = ec.ECDSA(SHA256())


class Signer(Protocol):
    """The member's private key."""

    def sign(self, message: bytes) -> bytes:
        """ECDSA over SHA-256 of the message, DER, either of the two S. Raises ChainUnavailableError."""


class LocalSigner:
    """A key in this process."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key

    def sign(self, message: bytes) -> bytes:
        """See Signer."""
        return self._key.sign(message, _ECDSA)


class KmsSigner:
    """A key that never leaves KMS (key spec ECC_NIST_P256, usage SIGN_VERIFY)."""

    def __init__(self, key_id: str, kms: Any = None) -> None:
        self._key_id = key_id
        self._given = kms

    @cached_property
    def _kms(self) -> Any:
        import boto3

        return self._given or boto3.client("kms")

    def sign(self, message: bytes) -> bytes:
        """See Signer. KMS takes no message above 4,096 bytes, so it is given the digest."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._kms.sign(
                KeyId=self._key_id,
                Message=hashlib.sha256(message).digest(),
                MessageType="DIGEST",
                SigningAlgorithm="ECDSA_SHA_256",
            )
        except (BotoCoreError, ClientError) as error:
            raise ChainUnavailableError(f"KMS does not sign with {self._key_id}: {error}") from error
        return bytes(answer["Signature"])


@dataclass(frozen=True)
class Identity:
    """A member of the channel, as Fabric's MSP knows it."""

    msp_id: str
    certificate: x509.Certificate
    signer: Signer

    @cached_property
    def creator(self) -> bytes:
        """The serialized identity: MSP id and certificate (PEM)."""
        pem = self.certificate.public_bytes(Encoding.PEM)
        return bytes(identities_pb2.SerializedIdentity(mspid=self.msp_id, id_bytes=pem).SerializeToString())

    def sign(self, message: bytes) -> bytes:
        """A signature that Fabric takes: DER with low S, checked against the certificate before it leaves.

        Raises ChainProfileError when the key is not the certificate's, ChainUnavailableError when KMS does not sign.
        """
        signature = low_s(self.signer.sign(message))
        if not verifies(self.certificate, signature, message):
            raise ChainProfileError("The signing key is not the key of the certificate.")
        return signature


def check_dates(certificate: x509.Certificate, whose: str, now: datetime) -> None:
    """Raises ChainRefusedError outside of a certificate's dates: no node would take it."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= now <= end:
        raise ChainRefusedError(
            f"The {whose} has expired or is not yet valid "
            f"({begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC); enroll again."
        )


def load_identity(msp_id: str, certificate: PemSource, key: PemSource) -> Identity:
    """Raises ChainProfileError when either cannot be read, is of another kind, or they are no pair."""
    loaded = _certificate(certificate)
    if key.kind == "kms":
        return Identity(msp_id, loaded, KmsSigner(key.where))
    private = _private_key(key)
    if private.public_key() != loaded.public_key():
        raise ChainProfileError(f"The key ({key.where}) is not the key of the certificate ({certificate.where}).")
    return Identity(msp_id, loaded, LocalSigner(private))


def _certificate(source: PemSource) -> x509.Certificate:
    try:
        certificate = x509.load_pem_x509_certificate(source.read())
    except ValueError as error:
        raise ChainProfileError(f"{source.where} is no certificate (PEM).") from error
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ChainProfileError(f"The key of the certificate ({source.where}) is not on the curve P-256.")
    return certificate


def _private_key(source: PemSource) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(source.read(), password=None)
    except (ValueError, TypeError) as error:
        raise ChainProfileError(f"{source.where} is no private key (PEM, not encrypted).") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ChainProfileError(f"{source.where} is no key on the curve P-256.")
    return key


def low_s(signature: bytes) -> bytes:
    """The same signature with the lower S: of S and n - S, both verify and Fabric takes the lower alone."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, P256_ORDER - s))


def verifies(certificate: x509.Certificate, signature: bytes, *message: bytes) -> bool:
    """Whether this is the certificate's signature over the parts put together."""
    public = certificate.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    try:
        public.verify(signature, b"".join(message), _ECDSA)
    except (InvalidSignature, ValueError):
        return False
    return True


def has_low_s(signature: bytes) -> bool:
    """Whether S is the lower of the two. Raises ValueError for what is no DER signature."""
    return decode_dss_signature(signature)[1] <= P256_ORDER // 2


def endorser_of(creator: bytes) -> tuple[str, x509.Certificate]:
    """MSP id and certificate of a serialized identity. Raises ValueError."""
    identity = identities_pb2.SerializedIdentity()
    try:
        identity.ParseFromString(creator)
    except Exception as error:
        raise ValueError("no serialized identity") from error
    return str(identity.mspid), x509.load_pem_x509_certificate(bytes(identity.id_bytes))
