"""Who may do what: roles, the scopes that a role's keys may have, a key's life, and whose an object is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from rongtong.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey
RSA_BITS_MIN, RSA_BITS_MAX = 2048, 4096
KEYS_MAX = 50
"""Revoked ones are kept: what they signed is still to be read."""
ADDRESSES_MAX = 50
RATE_MAX = 10_000
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_HEX_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)


class AccessRecordError(InvalidInputError):
    """What is said of a caller's keys, scopes or addresses cannot be read; ``field`` names the part."""

    code = "ACCESS_RECORD"


class Role(StrEnum):
    """What a caller is to the platform."""

    PARTNER = "partner"
    INSTITUTION = "institution"
    OPERATIONS = "operations"
    BANK = "bank"
    SUPERVISOR = "supervisor"
    """A regulator (监管机构): it reads what happens, and changes nothing."""


class Algorithm(StrEnum):
    """How a key signs, by its name in the HTTP Signature Algorithms registry (RFC 9421 section 6.2)."""

    ED25519 = "ed25519"
    ECDSA_P256 = "ecdsa-p256-sha256"
    RSA_PSS = "rsa-pss-sha512"


SCOPES: Mapping[str, str] = {
    "enterprises:read": "read enterprises",
    "enterprises:write": "register and close enterprises, change their accounts and consents",
    "enterprises:disclose": "pass on an enterprise's personal data in full to its operator",
    "operators:read": "read an enterprise's operators",
    "operators:write": "register an enterprise's operators and set their payment passwords",
    "quotes:read": "read quotes",
    "quotes:write": "ask for quotes",
    "bills:read": "read imported bills and imports",
    "bills:write": "import bills",
    "discounts:read": "read discounts, their timelines, contracts and receipts",
    "discounts:write": "request and cancel discounts",
    "discounts:confirm": "pass on the operator's confirmation of a discount",
    "status:read": "read whether new requests are accepted",
    "statements:read": "read statements and reconciliation files",
    "webhooks:read": "read webhook endpoints and their deliveries",
    "webhooks:write": "change webhook endpoints, test and replay them",
    "events:read": "read events",
    "complaints:read": "read complaints",
    "complaints:write": "make complaints",
    "institution:read": "read the institution's offers, rates, limits and portfolio",
    "institution:rates": "propose and approve the institution's rates and limits",
    "institution:buy": "take offered bills",
    "bank:notify": "tell what became of payments",
    "operations:read": "list incidents, reconciliations, executions, jobs, duties, dead letters, suspensions, changes",
    "operations:review": "read and decide reviews",
    "operations:resolve": "assign, note and settle incidents",
    "operations:replay": "replay executions, redeliver dead letters, run jobs",
    "operations:duties": "record duties and close their findings",
    "operations:suspend": "suspend business",
    "operations:configure": "propose and decide changes, of keys too",
    "operations:complaints": "handle complaints",
    "operations:disclose": "be shown personal data in full that another person has approved",
    "operations:audit": "read who read which evidence, have audit packs made and fetch them",
    "supervision:read": "follow every public event, read any discount with its receipt, and the figures of a day",
}
"""Every scope, with what it allows."""

ROLES: Mapping[Role, frozenset[str]] = {
    Role.PARTNER: frozenset(
        {
            "enterprises:read",
            "enterprises:write",
            "enterprises:disclose",
            "operators:read",
            "operators:write",
            "quotes:read",
            "quotes:write",
            "bills:read",
            "bills:write",
            "discounts:read",
            "discounts:write",
            "discounts:confirm",
            "status:read",
            "statements:read",
            "webhooks:read",
            "webhooks:write",
            "events:read",
            "complaints:read",
            "complaints:write",
        }
    ),
    Role.INSTITUTION: frozenset(
        {
            "discounts:read",
            "statements:read",
            "webhooks:read",
            "webhooks:write",
            "events:read",
            "institution:read",
            "institution:rates",
            "institution:buy",
        }
    ),
    Role.OPERATIONS: frozenset(scope for scope in SCOPES if scope.startswith("operations:")),
    Role.BANK: frozenset({"bank:notify"}),
    Role.SUPERVISOR: frozenset({"supervision:read"}),
}
"""The scopes that a key of the role may have at most, and has where its record names none."""


class Refusal(StrEnum):
    """Why a right signature is not taken."""

    SIGNATURE_TOO_OLD = "SIGNATURE_TOO_OLD"
    SIGNATURE_AHEAD = "SIGNATURE_AHEAD"
    SIGNATURE_EXPIRED = "SIGNATURE_EXPIRED"
    SIGNATURE_REPLAYED = "SIGNATURE_REPLAYED"
    KEY_NOT_YET_VALID = "KEY_NOT_YET_VALID"
    KEY_EXPIRED = "KEY_EXPIRED"
    KEY_REVOKED = "KEY_REVOKED"
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"
    SCOPE_MISSING = "SCOPE_MISSING"


@dataclass(frozen=True)
class Key:
    """A caller's public key: how it signs, what it may do, and from when until when."""

    algorithm: Algorithm
    public_key: PublicKey
    scopes: frozenset[str]
    not_before: datetime | None = None
    not_after: datetime | None = None
    revoked_at: datetime | None = None

    @classmethod
    def parse(cls, document: object, role: Role, field: str = "keys") -> Key:
        """A key from its record; a text alone is an Ed25519 key in hexadecimal with all scopes of its role.

        Raises AccessRecordError.
        """
        if isinstance(document, str):
            document = {"algorithm": Algorithm.ED25519.value, "public_key": document}
        if not isinstance(document, dict) or set(document) - _KEY_PARTS:
            raise AccessRecordError(f"A key has {', '.join(sorted(_KEY_PARTS))}, and nothing else.", field=field)
        try:
            algorithm = Algorithm(document.get("algorithm", ""))
        except ValueError:
            known = ", ".join(Algorithm)
            raise AccessRecordError(f"algorithm is one of {known}.", field=f"{field}.algorithm") from None
        return cls(
            algorithm,
            _public_key(algorithm, document.get("public_key"), f"{field}.public_key"),
            _scopes(document.get("scopes"), role, f"{field}.scopes"),
            *[_instant(document.get(name), f"{field}.{name}") for name in ("not_before", "not_after", "revoked_at")],
        )


_KEY_PARTS = frozenset({"algorithm", "public_key", "scopes", "not_before", "not_after", "revoked_at"})


@dataclass(frozen=True)
class Tenant:
    """Who calls: its role, where from it may, how often, and for which institution it speaks (role institution)."""

    tenant_id: str
    role: Role
    addresses: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where requests may come from; empty: from anywhere."""
    requests_per_second: int | None = None
    institution_id: str | None = None

    @classmethod
    def parse(cls, tenant_id: str, document: Mapping[str, Any]) -> Tenant:
        """A caller from its record, without its keys. Raises AccessRecordError."""
        try:
            role = Role(document.get("role", ""))
        except ValueError:
            raise AccessRecordError(f"role is one of {', '.join(Role)}.", field="role") from None
        institution_id = document.get("institution_id")
        if (role is Role.INSTITUTION) != (isinstance(institution_id, str) and bool(institution_id)):
            raise AccessRecordError(
                "institution_id names the institution of a caller of role institution, and of no other.",
                field="institution_id",
            )
        rate = document.get("requests_per_second")
        if rate is not None and (type(rate) is not int or not 1 <= rate <= RATE_MAX):
            raise AccessRecordError(
                f"requests_per_second is a whole number from 1 to {RATE_MAX}.", field="requests_per_second"
            )
        return cls(tenant_id, role, _addresses(document.get("addresses", ())), rate, institution_id)


def parse_keys(document: object, role: Role) -> dict[str, Key]:
    """A caller's keys by their numbers. Raises AccessRecordError."""
    if not isinstance(document, dict) or len(document) > KEYS_MAX:
        raise AccessRecordError(f"keys is an object of at most {KEYS_MAX} keys by their numbers.", field="keys")
    if wrong := [number for number in document if not _NUMBER.fullmatch(number)]:
        raise AccessRecordError("A key's number is 1 to 32 letters, digits, - or _.", field=f"keys.{wrong[0]}")
    return {number: Key.parse(one, role, f"keys.{number}") for number, one in document.items()}


def judge(tenant: Tenant, key: Key, *, now: datetime, address: str, scope: str | None = None) -> Refusal | None:
    """Why this key may not call now from this address (and for this scope, where one is asked for); None: it may."""
    if key.revoked_at is not None:
        return Refusal.KEY_REVOKED
    if key.not_before is not None and now < key.not_before:
        return Refusal.KEY_NOT_YET_VALID
    if key.not_after is not None and now >= key.not_after:
        return Refusal.KEY_EXPIRED
    if tenant.addresses and not _within(address, tenant.addresses):
        return Refusal.ADDRESS_NOT_ALLOWED
    if scope is not None and scope not in key.scopes:
        return Refusal.SCOPE_MISSING
    return None


def owns(role: str, tenant_id: str, institution_id: str | None, document: Mapping[str, Any]) -> bool:
    """Whether a stored object is the caller's.

    A partner owns what bears its id as ``partner_id``; an institution too, and what bears the ``institution_id`` that
    it speaks for. Operations and supervisors see every object that their scopes lead to, a bank owns none.
    """
    if role in (Role.OPERATIONS, Role.SUPERVISOR):
        return True
    if role not in (Role.PARTNER, Role.INSTITUTION):
        return False
    if tenant_id and document.get("partner_id") == tenant_id:
        return True
    return role == Role.INSTITUTION and bool(institution_id) and document.get("institution_id") == institution_id


def _public_key(algorithm: Algorithm, text: object, field: str) -> PublicKey:
    # Read here: every function knows roles and scopes, only those that look at callers' keys need their arithmetic.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    if not isinstance(text, str):
        raise AccessRecordError("public_key is a public key as PEM.", field=field)
    if algorithm is Algorithm.ED25519 and _HEX_KEY.fullmatch(text):
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise AccessRecordError("public_key is no public key as PEM.", field=field) from None
    if algorithm is Algorithm.ED25519 and isinstance(key, Ed25519PublicKey):
        return key
    if algorithm is Algorithm.ECDSA_P256 and isinstance(key, EllipticCurvePublicKey):
        if isinstance(key.curve, SECP256R1):
            return key
    elif algorithm is Algorithm.RSA_PSS and isinstance(key, RSAPublicKey):
        if RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX:
            return key
        raise AccessRecordError(f"An RSA key has {RSA_BITS_MIN} to {RSA_BITS_MAX} bits.", field=field)
    raise AccessRecordError(f"public_key is no key for {algorithm.value}.", field=field)


def _scopes(named: object, role: Role, field: str) -> frozenset[str]:
    if named is None:
        return ROLES[role]
    if not isinstance(named, list) or not named or not all(isinstance(one, str) for one in named):
        raise AccessRecordError("scopes is a list of scopes; left out, the key has all of its role.", field=field)
    if beyond := sorted(set(named) - ROLES[role]):
        raise AccessRecordError(f"A key of role {role.value} cannot have the scope {beyond[0]}.", field=field)
    return frozenset(named)


def _instant(text: object, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise AccessRecordError("An instant is ISO 8601 with an offset, like 2026-04-15T00:00:00+08:00.", field=field)
    return found


def _addresses(named: object) -> tuple[IPv4Network | IPv6Network, ...]:
    if not isinstance(named, list | tuple) or len(named) > ADDRESSES_MAX:
        raise AccessRecordError(f"addresses is a list of at most {ADDRESSES_MAX} networks.", field="addresses")
    found = []
    for place, text in enumerate(named):
        try:
            if not isinstance(text, str):
                raise ValueError
            found.append(ip_network(text))
        except ValueError:
            raise AccessRecordError(
                "A network is written like 203.0.113.0/24 or 2001:db8::/48, without bits behind its length.",
                field=f"addresses.{place}",
            ) from None
    return tuple(found)


def _within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in network for network in networks)
