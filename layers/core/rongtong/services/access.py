"""Callers and their keys: who holds a key, and how two persons change what callers may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.domain.access import AccessRecordError, Key, Role, Tenant, parse_keys
from rongtong.services.context import Context
from rongtong.services.errors import InstitutionUnknownError
from rongtong.services.records import STATE, institution_pk, partner_pk
from rongtong.services.storage import Document, Store

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_REASON = re.compile(r"[A-Z][A-Z0-9_]{2,63}", re.ASCII)
_SET_PARTS = ("addresses", "requests_per_second", "institutions")
_PARTS = frozenset({"partner_id", "role", "institution_id", "keys", "revoke", "reason", *_SET_PARTS})


class Nonces(Protocol):
    """What signed requests have used up."""

    def take(self, key_id: str, nonce: str, until: datetime) -> bool:
        """Use the key's nonce up, for good until this instant; False where it was used before."""

    def count(self, tenant_id: str, window: str, until: datetime) -> int:
        """One request more in this window of the caller's time: how many there were with it."""


@dataclass(frozen=True)
class KeyHolder:
    """A key, with whose it is."""

    tenant: Tenant
    key: Key


def key_holder(store: Store, key_id: str) -> KeyHolder | None:
    """Whose key ``<caller's id>#<number>`` is, as it stands now; None where there is no such key.

    Raises AccessRecordError where the caller's record cannot be read.
    """
    tenant_id, _, number = key_id.partition("#")
    item = store.get(partner_pk(tenant_id), STATE)
    if item is None or number not in item.body["keys"]:
        return None
    tenant = Tenant.parse(tenant_id, item.body)
    return KeyHolder(tenant, Key.parse(item.body["keys"][number], tenant.role))


@dataclass(frozen=True)
class Rate:
    """How many requests a caller may send in a second, and how many are left of this one."""

    limit: int
    left: int
    retry_after_s: int
    """0: the request is within the limit."""

    @property
    def policy(self) -> str:
        """The field RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers)."""
        return f'"requests";q={self.limit};w=1'

    @property
    def state(self) -> str:
        """The field RateLimit (the same draft)."""
        return f'"requests";r={self.left};t=1'


def rate_of(nonces: Nonces, tenant: Tenant, now: datetime, until: datetime) -> Rate | None:
    """Counts a request of the caller in this second, and keeps the count ``until`` then; None without a limit."""
    limit = tenant.requests_per_second
    if limit is None:
        return None
    used = nonces.count(tenant.tenant_id, str(int(now.timestamp())), until)
    return Rate(limit, max(0, limit - used), 1 if used > limit else 0)


# ---- the change "partner" -------------------------------------------------------------------------------------------


def prepare(content: Document) -> Document:
    """What a change of a caller says, if it can be read: every part that is named is set, the others stay.

    ``keys`` adds keys under new numbers, or changes the scopes and dates of known ones; ``revoke`` names the numbers of
    keys that count no more. Raises AccessRecordError.
    """
    if unknown := sorted(set(content) - _PARTS):
        raise AccessRecordError(f"{unknown[0]} is no part of a caller.", field=f"content.{unknown[0]}")
    partner_id = content.get("partner_id")
    if not isinstance(partner_id, str) or not _ID.fullmatch(partner_id):
        raise AccessRecordError(
            "partner_id is 1 to 64 letters, digits, - or _, the first a letter or digit.", field="content.partner_id"
        )
    reason = content.get("reason")
    if not isinstance(reason, str) or not _REASON.fullmatch(reason):
        raise AccessRecordError("reason is a code like KEY_ROTATION.", field="content.reason")
    with _named_in_content():
        role = Tenant.parse(partner_id, content).role
        keys = parse_keys(content.get("keys", {}), role)
    revoked = content.get("revoke", [])
    if not isinstance(revoked, list) or not all(isinstance(one, str) for one in revoked):
        raise AccessRecordError("revoke is a list of key numbers.", field="content.revoke")
    if both := sorted(set(revoked) & set(keys)):
        raise AccessRecordError(f"Key {both[0]} is changed and revoked at once.", field="content.revoke")
    for number, key in keys.items():
        if key.revoked_at is not None:
            raise AccessRecordError("Revoke a key by naming it in revoke.", field=f"content.keys.{number}.revoked_at")
        if key.not_before and key.not_after and key.not_after <= key.not_before:
            raise AccessRecordError("not_after is after not_before.", field=f"content.keys.{number}.not_after")
    _require_institutions(content.get("institutions"))
    return content


def complete(context: Context, content: Document) -> Document:
    """The content, if every institution that it names is known. Raises InstitutionUnknownError."""
    named = [*content.get("institutions", []), *([content["institution_id"]] if "institution_id" in content else [])]
    for institution_id in named:
        if context.store.get(institution_pk(institution_id), STATE) is None:
            raise InstitutionUnknownError(f"There is no institution {institution_id}.", field="content.institutions")
    return content


def apply(current: Document | None, content: Document, signed: Document) -> Document:
    """The caller's record as the content makes it; ``signed`` says who proposed and approved, and when.

    A role, an institution and a key never become others under the same name, and a revoked key never counts again.
    Raises AccessRecordError.
    """
    about: Document = {name: content[name] for name in ("role", "institution_id") if name in content}
    known: Document = {**about, "keys": {}} if current is None else current
    for name in ("role", "institution_id"):
        if known.get(name) != about.get(name):
            raise AccessRecordError(f"{name} stays what it is; make another caller.", field=f"content.{name}")
    keys: dict[str, Any] = dict(known["keys"])
    for number, document in content.get("keys", {}).items():
        if number in keys:
            _require_same_key(keys[number], document, Role(content["role"]), f"content.keys.{number}")
        keys[number] = document
    for number in content.get("revoke", []):
        if number not in keys:
            raise AccessRecordError(f"There is no key {number}.", field="content.revoke")
        keys[number] = _revoked(keys[number], signed["approved_at"])
    body: Document = {**known, "keys": keys, **{name: content[name] for name in _SET_PARTS if name in content}}
    # What old and new come to together must be readable to the authorizer, or nobody gets in any more.
    with _named_in_content():
        _require_different(parse_keys(keys, Tenant.parse(str(content["partner_id"]), body).role))
    return {**body, "why": content["reason"], **signed}


@contextmanager
def _named_in_content() -> Iterator[None]:
    """Fields of a record are named as they are sent: within the change's content."""
    try:
        yield
    except AccessRecordError as error:
        raise AccessRecordError(error.message, field=f"content.{error.field}") from error


def _require_institutions(named: object) -> None:
    if named is not None and not (isinstance(named, list) and all(isinstance(one, str) and one for one in named)):
        raise AccessRecordError("institutions is a list of ids.", field="content.institutions")


def _require_same_key(known: object, document: object, role: Role, field: str) -> None:
    before, after = Key.parse(known, role), Key.parse(document, role)
    if before.revoked_at is not None:
        raise AccessRecordError("The key is revoked; give a new key a new number.", field=field)
    if _public(before) != _public(after):
        raise AccessRecordError("A key stays what it is; give a new key a new number.", field=f"{field}.public_key")


def _require_different(keys: dict[str, Key]) -> None:
    """One public key under two numbers would be live under the one when it is revoked under the other."""
    seen: dict[bytes, str] = {}
    for number, key in keys.items():
        first = seen.setdefault(_public(key), number)
        if first != number:
            raise AccessRecordError(f"This is key {first} already.", field=f"keys.{number}.public_key")


def _revoked(known: object, at: object) -> Document:
    document: Document = known if isinstance(known, dict) else {"algorithm": "ed25519", "public_key": known}
    return document if "revoked_at" in document else {**document, "revoked_at": at}


def _public(key: Key) -> bytes:
    return key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
