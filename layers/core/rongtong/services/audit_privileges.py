"""Audit, fifth stage: what keys may do against what they did, and keys whose time is over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from rongtong.domain.audit import EXPIRY_DAYS, UNUSED_DAYS, Finding, FindingCode
from rongtong.services import audit_configuration
from rongtong.services.audit_findings import Day, add, archive_json, findings_pk
from rongtong.services.context import Context
from rongtong.services.jobs import Piece, Run
from rongtong.services.key_usage import uses
from rongtong.services.records import iso
from rongtong.services.storage import Document


def check(context: Context, run: Run) -> Piece:
    """A piece of all keys that are not revoked, caller by caller; the list of them is in the archive."""
    kept: Document = dict(run.kept.get("privileges") or {"at": 0, "keys": 0, "lists": []})
    snapshot = audit_configuration.taken(context, run)
    callers = sorted(snapshot["callers"])
    rows: list[Document] = []
    while kept["at"] < len(callers):
        caller = callers[kept["at"]]
        for number, key in sorted(snapshot["callers"][caller]["keys"].items()):
            if "revoked_at" in key:
                continue
            key_id = f"{caller}#{number}"
            used = uses(context.store, key_id)
            rows.append(_row(key_id, key, used))
            seen = str(snapshot["first_seen"][key_id])
            add(context, findings_pk(run), _findings(run.period, key_id, key, used, seen))
        kept["at"] += 1
        if run.time_is_up():
            break
    if rows:
        kept["lists"] = [*kept["lists"], archive_json(context, run.period, {"keys": rows})]
        kept["keys"] += len(rows)
    return Piece(kept, kept["at"] == len(callers), f"{kept['at']} of {len(callers)} callers, {kept['keys']} keys")


def _row(key_id: str, key: Document, used: dict[str, str]) -> Document:
    granted: list[str] = key["scopes"]
    return {
        "key": key_id,
        "not_after": key.get("not_after"),
        "used": {scope: used[scope] for scope in granted if scope in used},
        "never_used": [scope for scope in granted if scope not in used],
    }


def _findings(period: str, key_id: str, key: Document, used: dict[str, str], seen: str) -> Iterator[Finding]:
    """``seen`` is the day since which an audit knows the key: before it, nobody says that it was not used."""
    day = date.fromisoformat(period)
    long_ago = (day - timedelta(days=UNUSED_DAYS)).isoformat()
    ends = key.get("not_after")
    if ends is not None and str(ends) <= iso(Day.of(period).ends):
        yield Finding(FindingCode.KEY_EXPIRED, f"{key_id} {ends}", f"It expired at {ends}.")
        return
    if ends is not None and str(ends) <= iso(Day.of(period).ends + timedelta(days=EXPIRY_DAYS)):
        yield Finding(FindingCode.KEY_EXPIRES_SOON, f"{key_id} {ends}", f"It expires at {ends}.")
    if seen > long_ago:
        return
    last = max(used.values(), default="")
    if last <= long_ago:
        text = f"It was last used on {last}." if last else f"It was never used since {seen}."
        yield Finding(FindingCode.KEY_UNUSED, f"{key_id} {last or seen}", text)
        return
    unused = [scope for scope in key["scopes"] if used.get(scope, "") <= long_ago]
    if unused:
        # Asked again each year: who holds a key that is not cut down says so once a year.
        text = f"Not used since {long_ago}: {', '.join(unused)}."
        yield Finding(FindingCode.SCOPES_UNUSED, f"{key_id} in {day.year}", text)
