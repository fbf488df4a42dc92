"""A small certificate authority for the stand-in Fabric network: members, nodes, and what TLS shows of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fabric_protos.msp import identities_pb2

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Credential:
    """A certificate with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def certificate_der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def sign(self, message: bytes, *, high_s: bool = False) -> bytes:
        """With the lower S of the two, or with the higher."""
        r, s = decode_dss_signature(self.key.sign(message, ec.ECDSA(SHA256())))
        low = min(s, ORDER - s)
        return encode_dss_signature(r, ORDER - low if high_s else low)


class Authority:
    """Issues certificates until it is forgotten."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        begin = datetime.now(UTC) - 365 * DAY
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(self._name)
            .issuer_name(self._name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self._key, SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def issue(self, name: str, *, days: tuple[int, int] = (-1, 30)) -> Credential:
        """``days``: from and to when it is valid, counted from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(self._key, SHA256())
        )
        return Credential(key, certificate)

    def issued(self, certificate: x509.Certificate) -> bool:
        """Whether it is this authority's and valid today."""
        try:
            certificate.verify_directly_issued_by(self.certificate)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc


@dataclass
class Organisation:
    """A member of the network: who signs is certified by ``members``, what TLS shows by ``tls``."""

    msp_id: str
    domain: str
    members: Authority = field(init=False)
    tls: Authority = field(init=False)
    revoked: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.members = Authority(f"ca.{self.domain}")
        self.tls = Authority(f"tlsca.{self.domain}")


def creator_of(msp_id: str, credential: Credential) -> bytes:
    """The serialized identity."""
    return identities_pb2.SerializedIdentity(mspid=msp_id, id_bytes=credential.certificate_pem).SerializeToString()


class MembershipError(Exception):
    """Whoever signed is no member, or did not sign this."""


class Membership:
    """The channel's members."""

    def __init__(self, organisations: list[Organisation]) -> None:
        self._organisations = {one.msp_id: one for one in organisations}

    def check(self, creator: bytes, message: bytes, signature: bytes) -> str:
        """The MSP id of who signed. Raises MembershipError: no member, revoked, expired, wrongly signed, high S."""
        try:
            identity = identities_pb2.SerializedIdentity.FromString(creator)
            certificate = x509.load_pem_x509_certificate(identity.id_bytes)
        except Exception as error:
            raise MembershipError("creator is malformed") from error
        organisation = self._organisations.get(identity.mspid)
        if organisation is None or not organisation.members.issued(certificate):
            raise MembershipError(f"access denied: creator org [{identity.mspid}]")
        if certificate.serial_number in organisation.revoked:
            raise MembershipError(f"access denied: certificate of [{identity.mspid}] revoked")
        try:
            certificate.public_key().verify(signature, message, ec.ECDSA(SHA256()))
            _, s = decode_dss_signature(signature)
        except (InvalidSignature, ValueError) as error:
            raise MembershipError("the creator's signature over the proposal is not valid") from error
        if s > ORDER // 2:
            raise MembershipError("signature has a high S")
        return identity.mspid


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
