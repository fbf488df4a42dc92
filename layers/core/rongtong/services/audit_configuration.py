"""Audit, third stage: the configuration as it stands, record by record, and who may call with which key."""

from __future__ import annotations

import hashlib
import json

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from rongtong.domain.access import AccessRecordError, Key, Tenant, parse_keys
from rongtong.domain.audit import Finding, FindingCode
from rongtong.services.audit_findings import LAST_KEY, add, archive_json, archived_json, findings_pk
from rongtong.services.context import Context
from rongtong.services.jobs import Piece, Run
from rongtong.services.laid_aside import fetch, lay_aside
from rongtong.services.records import PLATFORM_PK, iso, partner_pk
from rongtong.services.storage import Document, Item

_KINDS = (PLATFORM_PK, "partner#", "institution#", "tenant#", "listed#")
"""Beginnings of the partitions whose records two persons change."""
_PARTS = ("records", "callers")


def snapshot(context: Context, run: Run) -> Piece:
    """A page of the table; at its end ``snapshot`` is the SHA-256 of the archived whole.

    It has ``records`` (the SHA-256 of each record by its key), ``callers`` with their keys, and ``first_seen``: since
    which day an audit knows a key.
    """
    kept: Document = dict(run.kept.get("configuration") or _begin(context))
    read: list[Item] = []
    while kept["kind"] < len(_KINDS):
        items, end = _page(context, _KINDS[kept["kind"]], kept.get("after"))
        read += items
        kept["after"] = None if end is None else list(end)
        if end is None:
            kept["kind"] += 1
        if run.time_is_up():
            break
    if read:
        kept["parts"] = [*kept["parts"], lay_aside(context, run, _part(context, run, read))]
    done = kept["kind"] == len(_KINDS)
    if done:
        whole = _whole(context, run, kept["parts"])
        if whole is None:
            return Piece(_begin(context), done=False, progress="its parts were forgotten; it begins anew")
        kept["snapshot"] = archive_json(context, run.period, whole)
    return Piece(kept, done, f"{kept['kind']} of {len(_KINDS)} kinds of records")


def _begin(context: Context) -> Document:
    return {"at": iso(context.clock.now()), "kind": 0, "parts": []}


def taken(context: Context, run: Run) -> Document:
    """What this run's snapshot holds."""
    return archived_json(context, run.period, str(run.kept["configuration"]["snapshot"]))


def before(context: Context) -> tuple[Document, str] | None:
    """The snapshot of the last audit and the instant it was begun at; None before there is one."""
    last = context.store.get(*LAST_KEY)
    if last is None or "snapshot" not in last.body:
        return None
    return archived_json(context, str(last.body["period"]), str(last.body["snapshot"])), str(last.body["at"])


def _page(context: Context, kind: str, after: list[str] | None) -> tuple[list[Item], tuple[str, str] | None]:
    if kind == PLATFORM_PK:
        return context.store.query(PLATFORM_PK, ""), None
    return context.store.scan_page(kind, after=None if after is None else (after[0], after[1]))


def _part(context: Context, run: Run, items: list[Item]) -> bytes:
    records = {f"{item.pk} {item.sk}": _digest(item.body) for item in items}
    callers: Document = {}
    for item in items:
        if item.pk.startswith(partner_pk("")):
            partner_id = item.pk.removeprefix(partner_pk(""))
            try:
                callers[partner_id] = _caller(partner_id, item.body)
            except AccessRecordError as error:
                finding = Finding(FindingCode.CALLER_UNREADABLE, partner_id, error.message)
                add(context, findings_pk(run), [finding])
    return json.dumps({"records": records, "callers": callers}).encode()


def _digest(body: Document) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _caller(partner_id: str, body: Document) -> Document:
    """A caller as the pack shows it, with its keys as they count. Raises AccessRecordError."""
    tenant = Tenant.parse(partner_id, body)
    keys = parse_keys(body.get("keys", {}), tenant.role)
    shown: Document = {"role": tenant.role.value, "keys": {number: _key(key) for number, key in keys.items()}}
    for name in ("proposed_by", "approved_by", "approved_at"):
        if name in body:
            shown[name] = body[name]
    return shown


def _key(key: Key) -> Document:
    der = key.public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    dates = {name: getattr(key, name) for name in ("not_before", "not_after", "revoked_at")}
    return {
        "algorithm": key.algorithm.value,
        "public_key_sha256": hashlib.sha256(der).hexdigest(),
        "scopes": sorted(key.scopes),
        **{name: iso(instant) for name, instant in dates.items() if instant is not None},
    }


def _whole(context: Context, run: Run, parts: list[str]) -> Document | None:
    """All parts together; None where one was forgotten."""
    whole: Document = {name: {} for name in _PARTS}
    for name in parts:
        content = fetch(context, name)
        if content is None:
            return None
        part = json.loads(content)
        for kind in _PARTS:
            whole[kind].update(part[kind])
    known = before(context)
    seen: Document = {} if known is None else known[0].get("first_seen", {})
    keys = [f"{partner_id}#{number}" for partner_id, caller in whole["callers"].items() for number in caller["keys"]]
    return {**whole, "first_seen": {key_id: seen.get(key_id, run.period) for key_id in keys}}
