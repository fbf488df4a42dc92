"""Audit of the changes by two persons: each was made by two, and nothing of the configuration changed without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rongtong.domain.audit import Finding, FindingCode
from rongtong.domain.lifecycle import ChangeStatus
from rongtong.domain.two_persons import SamePersonError, require_two_persons
from rongtong.services import audit_configuration
from rongtong.services.audit_findings import Action, Day, read_all, unsigned
from rongtong.services.changes import changes_lists
from rongtong.services.configuration import KINDS
from rongtong.services.context import Context
from rongtong.services.records import STATE, change_pk, institution_pk, iso
from rongtong.services.storage import Document, Item, Key

_ALL = 1_000_000
_EVER = "0"
_OVERLAP = timedelta(minutes=10)
"""So much earlier than the last snapshot a change may have been approved that it did not show."""


def every(context: Context, snapshot: Document) -> list[Item]:
    """Every change that was ever proposed, by the platform's persons and by those of institutions."""
    prefix = institution_pk("")
    known = {name.split(" ")[0].removeprefix(prefix) for name in snapshot["records"] if name.startswith(prefix)}
    keys: list[Key] = []
    for owner in changes_lists(sorted(known)):
        listed = context.store.listed(owner, _EVER, most=_ALL)
        keys += [(change_pk(str(one.summary["change_id"])), STATE) for one in listed]
    return read_all(context, keys)


def unexplained(context: Context, changes: list[Item], snapshot: Document) -> Iterator[Finding]:
    """Records of the configuration that are others than at the last audit, without a change that says so."""
    before = audit_configuration.before(context)
    if before is None:
        return
    if not before[0]:
        text = (
            f"The snapshot of {before[1]} is not in the archive as it was kept: what changed since then is not known."
        )
        yield Finding(FindingCode.CONFIGURATION_UNEXPLAINED, f"snapshot of {before[1]}", text)
        return
    since = iso(datetime.fromisoformat(before[1]) - _OVERLAP)
    explained = {
        " ".join(KINDS[str(one.body["kind"])].key(one.body["content"]))
        for one in changes
        if one.body["status"] == ChangeStatus.APPROVED and str(one.body["decided_at"]) >= since
    }
    then, now = before[0]["records"], snapshot["records"]
    for name in sorted({*then, *now}):
        if then.get(name) != now.get(name) and name not in explained:
            became = "is gone" if name not in now else "is new" if name not in then else "is another one"
            text = f"{name} {became} since {before[1]}, and no approved change says so."
            yield Finding(FindingCode.CONFIGURATION_UNEXPLAINED, f"{name} {now.get(name, 'gone')[:16]}", text)


def decided(context: Context, day: Day, changes: list[Item]) -> Iterator[Action | Finding]:
    """The day's approved changes, each with both persons, as its events tell of them too."""
    for item in changes:
        body = item.body
        if body["status"] != ChangeStatus.APPROVED or not day.has(body.get("decided_at")):
            continue
        events = [document.body["event"] for document in context.store.query(item.pk, "event#")]
        first: Document = next((event for event in events if event["type"] == "ChangeProposed"), {})
        last: Document = next((event for event in events if event["type"] == "ChangeApproved"), {})
        maker, checker = str(body.get("proposed_by", "")), str(body.get("decided_by", ""))
        about = f"change {body['change_id']}"
        yield Action(f"change of {body['kind']}", str(body["decided_at"]), maker, about, checker)
        told = {maker, str(first.get("data", {}).get("by", ""))}, {checker, str(last.get("data", {}).get("by", ""))}
        try:
            require_two_persons(maker, checker)
            two = all(len(names) == 1 for names in told)
        except SamePersonError:
            two = False
        if not two:
            text = (
                f"Proposed by {maker or 'nobody'}, approved by {checker or 'nobody'}; its events say otherwise or same."
            )
            yield Finding(FindingCode.SECOND_PERSON_MISSING, about, text)
            continue
        yield from unsigned(first, maker, f"{about}, proposed")
        yield from unsigned(last, checker, f"{about}, approved")
