"""Audit, fourth stage: what persons did on the day, who, and whether a second one was there where two are required.

Days before it that no run has audited are looked at with it, each by itself. Every action must bear the signature of
whom it names. What one person did alone - suspending, replaying, settling, redelivering - is within the rules, and
waits for another person's look: one incident a day, resolved by that look.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from rongtong.domain.access import Role
from rongtong.domain.audit import BULK_READS_MIN, WORKING_HOURS, Finding, FindingCode
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.errors import CalendarError
from rongtong.domain.incident import IncidentKind, IncidentStatus
from rongtong.domain.two_persons import SamePersonError, require_two_persons
from rongtong.services import (
    access_audit,
    audit_changes,
    audit_configuration,
    duties,
    incidents,
    monthly_review,
    suspension,
)
from rongtong.services.audit_findings import (
    Action,
    Day,
    add,
    archive_json,
    days_to_look_at,
    findings_pk,
    read_all,
    unsigned,
)
from rongtong.services.context import Context
from rongtong.services.jobs import Piece, Run
from rongtong.services.records import STATE, incident_pk, iso, suspension_pk
from rongtong.services.replay import REPLAYS
from rongtong.services.storage import Document, Item

_ALL = 1_000_000
_EVER = "0"
_BY_FACTS = frozenset(
    {
        (IncidentKind.PAYMENT_RETURNED.value, "bank"),
        (IncidentKind.PAID_AFTER_FAILURE.value, "bank"),
        (IncidentKind.PAID_NOT_ENDORSED.value, "registry"),
        (IncidentKind.COMPLAINT_OVERDUE.value, "complaints"),
        (IncidentKind.DUTY_OVERDUE.value, "duties"),
        (IncidentKind.FINDING_OVERDUE.value, "duties"),
    }
)
"""Which incidents the fact that they waited for settles, no person, and in whose name."""


def check(context: Context, run: Run) -> Piece:
    """All of the day in one piece: an operator acts some dozen times a day, programs do not."""
    snapshot = audit_configuration.taken(context, run)
    changes = audit_changes.every(context, snapshot)
    actions: list[Action] = []
    findings = list(audit_changes.unexplained(context, changes, snapshot))
    for day in days_to_look_at(context, run):
        acted, found = _of_day(context, day, changes, snapshot)
        actions += acted
        findings += found
    alone = [one for one in actions if one.second is None]
    add(context, findings_pk(run), findings)
    kept: Document = {
        "actions": len(actions),
        "alone": len(alone),
        "actors": sorted({one.by for one in alone}),
        "list": archive_json(context, run.period, {"actions": [one.document() for one in actions]}),
    }
    return Piece(kept, done=True, progress=f"{len(actions)} actions, {len(alone)} of one person alone")


def _of_day(context: Context, day: Day, changes: list[Item], snapshot: Document) -> tuple[list[Action], list[Finding]]:
    """A day's actions in their order, and what is wrong with them or waits for a second look."""
    actions: list[Action] = []
    findings: list[Finding] = []
    events = access_audit.events_between(context, day.begins, day.ends)
    for each in (
        audit_changes.decided(context, day, changes),
        _suspensions(context, day),
        _resolutions(context, day),
        _replays(context, day),
        _redeliveries(events),
        _duties(context, day),
        _disclosures(events),
    ):
        for one in each:
            if isinstance(one, Action):
                actions.append(one)
            else:
                findings.append(one)
    actions.sort(key=lambda one: (one.at, one.about))
    alone = [one for one in actions if one.second is None]
    if alone:
        text = f"{len(alone)} actions of {', '.join(sorted({one.by for one in alone}))}."
        findings.append(Finding(FindingCode.ACTIONS_TO_REVIEW, day.period, text))
    return actions, [*findings, *_reads(context, day, events, snapshot)]


# ---- what one person may do alone


def _suspensions(context: Context, day: Day) -> Iterator[Action | Finding]:
    """Suspensions are one person's, releases two persons' (their change is looked at as such)."""
    listed = context.store.listed(suspension.SUSPENSIONS, _EVER, most=_ALL)
    for item in read_all(context, [one.key for one in listed if one.key is not None]):
        whose = f"{item.body['scope']} {item.body.get('id', '')}".strip()
        for entry in item.body["entries"]:
            if entry["what"] == "released" and day.has(entry.get("approved_at")):
                about = f"release of {whose} at {entry['approved_at']}"
                try:
                    require_two_persons(str(entry.get("proposed_by", "")), str(entry.get("approved_by", "")))
                except SamePersonError:
                    yield Finding(FindingCode.SECOND_PERSON_MISSING, about, "It was released by one person.")
            elif entry["what"] == "suspended" and day.has(entry.get("at")):
                about = f"suspension {entry['suspension_id']} of {whose}"
                found = context.store.get(suspension_pk(str(entry["suspension_id"])), "event#0001")
                event: Document = {} if found is None else found.body["event"]
                if str(entry["by"]) == monthly_review.BY and event and "by" not in event:
                    # The review restricts by its rules, signs nothing, and has opened an incident for a person.
                    continue
                yield Action("suspension", str(entry["at"]), str(entry["by"]), about)
                yield from unsigned(event, str(entry["by"]), about)


def _resolutions(context: Context, day: Day) -> Iterator[Action | Finding]:
    listed = context.store.listed(incidents.list_of(IncidentStatus.RESOLVED), iso(day.begins), most=_ALL)
    keys = [(incident_pk(str(one.summary["incident_id"])), STATE) for one in listed]
    for item in read_all(context, keys):
        body = item.body
        by = str(body.get("resolved_by", ""))
        if not day.has(body.get("resolved_at")) or (str(body["kind"]), by) in _BY_FACTS:
            continue
        about = f"incident {body['incident_id']}"
        events = [document.body["event"] for document in context.store.query(item.pk, "event#")]
        last: Document = next((event for event in reversed(events) if event["type"] == "IncidentResolved"), {})
        yield from unsigned(last, by, about)
        if body["kind"] != IncidentKind.AUDIT_REVIEW:
            yield Action(f"resolution of {body['kind']}", str(body["resolved_at"]), by, about)
        elif by in body["data"].get("actors", ()):
            text = f"{by} acted on {body['subject']}, and looked at that day's actions as the second person."
            yield Finding(FindingCode.REVIEWED_BY_ACTOR, about, text)


def _replays(context: Context, day: Day) -> Iterator[Action | Finding]:
    listed = context.store.listed(REPLAYS, iso(day.begins), most=_ALL)
    for item in read_all(context, [one.key for one in listed if one.key is not None]):
        event = item.body["event"]
        if day.has(event["at"]):
            about = f"{item.pk} event {event['n']}"
            yield Action("replay", str(event["at"]), str(event["data"]["by"]), about)
            yield from unsigned(event, str(event["data"]["by"]), about)


def _redeliveries(events: list[Document]) -> Iterator[Action | Finding]:
    for event in events:
        if event["type"] == access_audit.REDELIVERY:
            about = f"{event['access_id']} event {event['n']}"
            yield Action("redelivery", str(event["at"]), str(event["data"]["by"]), about)
            yield from unsigned(event, str(event["data"]["by"]), about)


def _duties(context: Context, day: Day) -> Iterator[Action | Finding]:
    """What was recorded of duties, by one person, and findings that another one closed; jobs record without a name."""
    for key in duties.changed_since(context, iso(day.begins)):
        for item in context.store.query(key, "event#"):
            event = item.body["event"]
            by, about = str(event["data"]["by"]), f"{event['duty_record_id']} event {event['n']}"
            if not day.has(event["at"]) or (by == duties.RESTORE_DRILL and "by" not in event):
                continue
            if event["type"] == "DutyRecorded":
                yield Action(f"record of {event['data']['duty']}", str(event["at"]), by, about)
            else:
                yield Action("closing of a finding", str(event["at"]), by, about, event["data"]["recorded_by"])
            yield from unsigned(event, by, about)


def _disclosures(events: list[Document]) -> Iterator[Action | Finding]:
    """Personal data that operations were shown in full; an operator of the enterprise proves itself who it is."""
    for event in events:
        if event["type"] != access_audit.DISCLOSURE or "operator_id" in event["data"]:
            continue
        about = f"{event['access_id']} event {event['n']}"
        by, second = str(event["data"].get("by", "")), str(event["data"].get("approved_by", ""))
        yield Action("disclosure", str(event["at"]), by, about, second)
        try:
            require_two_persons(by, second)
        except SamePersonError:
            yield Finding(FindingCode.SECOND_PERSON_MISSING, about, "Personal data was shown on one person's word.")
        yield from unsigned(event, by, about)


# ---- reads of evidence


def _reads(context: Context, day: Day, events: list[Document], snapshot: Document) -> list[Finding]:
    """Reads by keys of operations: in bulk, and outside of working hours."""
    operations = {name for name, caller in snapshot["callers"].items() if caller["role"] == Role.OPERATIONS}
    read: dict[str, set[str]] = defaultdict(set)
    late: dict[str, int] = defaultdict(int)
    for event in events:
        key_id = str((event.get("by") or {}).get("key", ""))
        if event["type"] != access_audit.READ or key_id.partition("#")[0] not in operations:
            continue
        read[key_id].add(str(event["data"].get("discount_id") or event["data"]["enterprise_id"]))
        late[key_id] += not _in_working_hours(context, str(event["at"]))
    found = []
    for key_id, discounts in sorted(read.items()):
        about = f"{key_id} on {day.period}"
        if len(discounts) >= BULK_READS_MIN:
            text = f"The evidence of {len(discounts)} discounts."
            found.append(Finding(FindingCode.EVIDENCE_READ_IN_BULK, about, text))
        if late[key_id]:
            text = f"{late[key_id]} reads outside of 08:00 to 20:00 of a working day in Shanghai."
            found.append(Finding(FindingCode.EVIDENCE_READ_AT_NIGHT, about, text))
    return found


def _in_working_hours(context: Context, at: str) -> bool:
    local = datetime.fromisoformat(at).astimezone(SHANGHAI)
    try:
        works = context.calendar.is_working_day(local.date())
    except CalendarError:
        works = local.weekday() < 5
    return works and local.hour in WORKING_HOURS
