"""What an audit's run finds and writes: findings as records of the run, lists and reports in the archive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from rongtong.domain.audit import Finding, FindingCode
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.incident import IncidentKind
from rongtong.services.context import Context
from rongtong.services.incidents import incident_id, open_once
from rongtong.services.jobs import Run
from rongtong.services.records import STATE, derived_id, incident_pk, iso
from rongtong.services.storage import Create, Document, Item, Key, WriteConflictError

LAST_KEY = ("audit#last", STATE)
"""The newest period that was audited, with the log's note and the configuration as they were then."""
_FINDING = "finding#"
_DAYS_MAX = 31
_BATCH = 100
_OPENED_MAX = 100
"""So many incidents are opened by one run; the findings are all in the report, and the next run opens the others."""


@dataclass(frozen=True)
class Day:
    """A day in Shanghai, from its first instant until the next one's (ISO 8601 in UTC, as events have them)."""

    period: str
    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, period: str) -> Day:
        """The day that a run covers."""
        begins = datetime.combine(date.fromisoformat(period), time(), SHANGHAI).astimezone(UTC)
        return cls(period, begins, begins + timedelta(days=1))

    def has(self, instant: object) -> bool:
        """Whether the instant (ISO 8601, as records have it) is of this day; None never is."""
        return instant is not None and iso(self.begins) <= str(instant) < iso(self.ends)


def days_to_look_at(context: Context, run: Run) -> list[Day]:
    """The run's day, after those just before it that no run has covered: where audits failed, nothing is left out.

    At most 31 days; a run of a day that was audited, or lies before the newest that was, covers that day alone.
    """
    last = context.store.get(*LAST_KEY)
    until = date.fromisoformat(run.period)
    since = until if last is None else date.fromisoformat(str(last.body["period"])) + timedelta(days=1)
    since = min(max(since, until - timedelta(days=_DAYS_MAX - 1)), until)
    return [Day.of((since + timedelta(days=number)).isoformat()) for number in range((until - since).days + 1)]


def findings_pk(run: Run) -> str:
    """Where this run's findings are, once it has begun with the log."""
    return run_findings_pk(run.period, str(run.kept["log"]["began"]))


def run_findings_pk(period: str, began: str) -> str:
    """Where the findings are of the run that began then; one that is done again begins with none."""
    return f"audit#{period}#{began}"


def add(context: Context, pk: str, findings: Iterable[Finding]) -> None:
    """Note findings; one that is noted already is no other."""
    for one in findings:
        sk = _FINDING + derived_id("fnd", one.code.value, one.about)
        with suppress(WriteConflictError):
            context.store.transact([Create(pk, sk, one.document())])


def found(context: Context, run: Run) -> list[Finding]:
    """Everything that this run has found, the gravest first."""
    documents = [item.body for item in context.store.query(findings_pk(run), _FINDING)]
    findings = [Finding(FindingCode(one["code"]), str(one["about"]), str(one["text"])) for one in documents]
    gravity = list(FindingCode)
    return sorted(findings, key=lambda one: (gravity.index(one.code), one.about))


def open_incidents(context: Context, findings: list[Finding], data: Document) -> int:
    """Open an incident for each finding that has none yet, resolved or not; answers how many are left for the next run.

    ``data`` is added to what the incident of a day's actions says.
    """
    opened = left = 0
    for one in findings:
        kind = incident_kind(one.code)
        about = f"{one.code.value}/{one.about}"
        if context.store.get(incident_pk(incident_id(kind, about)), STATE) is not None:
            continue
        if opened == _OPENED_MAX:
            left += 1
            continue
        more = data if kind is IncidentKind.AUDIT_REVIEW else {}
        open_once(context, kind, one.about, about, {"finding": one.code.value, "text": one.text, **more})
        opened += 1
    return left


def incident_kind(code: FindingCode) -> IncidentKind:
    """A day's actions wait for a look; everything else is wrong until somebody says otherwise."""
    return IncidentKind.AUDIT_REVIEW if code is FindingCode.ACTIONS_TO_REVIEW else IncidentKind.AUDIT_FINDING


def archived_key(period: str, sha256: str, suffix: str) -> str:
    """Where the archive keeps an audit's file; the hash in its name lets a repeat never meet other content."""
    return f"audit/{period}/{sha256}.{suffix}"


def archive(context: Context, period: str, content: bytes, suffix: str) -> str:
    """Keep a file; its SHA-256."""
    digest = hashlib.sha256(content).hexdigest()
    context.archive.put(archived_key(period, digest, suffix), content)
    return digest


def archive_json(context: Context, period: str, value: object) -> str:
    """Keep a JSON value as canonical bytes; its SHA-256."""
    return archive(context, period, canonical_bytes(value), "json")


def archived_json(context: Context, period: str, sha256: str) -> Document:
    """A JSON object that was kept; empty where it is not there, or is another one."""
    content = context.archive.get(archived_key(period, sha256, "json"))
    if content is None or hashlib.sha256(content).hexdigest() != sha256:
        return {}
    value: Document = json.loads(content)
    return value


@dataclass(frozen=True)
class Action:
    """What somebody did. ``second`` is the other person, where there was one; ``about`` names the record."""

    what: str
    at: str
    by: str
    about: str
    second: str | None = None

    def document(self) -> Document:
        """The action as it is listed."""
        shown: Document = {"what": self.what, "at": self.at, "by": self.by, "about": self.about}
        return shown if self.second is None else {**shown, "second": self.second}


def unsigned(event: Document, by: str, about: str) -> Iterator[Finding]:
    """The key of the signature is one of the person's whom the record names."""
    signed_by = str((event.get("by") or {}).get("key", "")).partition("#")[0]
    if not by or signed_by != by:
        text = f"It names {by or 'nobody'}, and was signed by {signed_by or 'nobody'}."
        yield Finding(FindingCode.ACTION_UNSIGNED, about, text)


def read_all(context: Context, keys: list[Key]) -> list[Item]:
    """The records that are there, however many are asked for."""
    found: list[Item] = []
    for start in range(0, len(keys), _BATCH):
        items = context.store.get_many(keys[start : start + _BATCH])
        found += [item for item in items if item is not None]
    return found
