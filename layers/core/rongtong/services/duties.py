"""The register of what must be done regularly: each time that a duty was done, what was found, and what is due next.

A record is never changed but for its findings, and each of those is closed once, by another person than who recorded
it. That a report of this SHA-256 existed, and when it was recorded, is an event and so in the evidence log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

from rongtong.domain.duties import (
    PLANS,
    Duty,
    DutyFinding,
    DutyResult,
    Taking,
    TrainingTest,
    next_due,
    require_record,
)
from rongtong.domain.incident import IncidentKind
from rongtong.domain.two_persons import require_two_persons
from rongtong.services import incidents, lists
from rongtong.services.context import Context
from rongtong.services.errors import BusyError, IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.records import STATE, WATCH_KEY, change_writes, derived_id, duty_pk, first_writes, iso
from rongtong.services.storage import Document, Item, Listing, Write, WriteConflictError

_SUBJECT = "duty_record_id"
_DUTIES = "duties"
"""Under whom all records are listed, by their last event; those of one duty by the day on which it was held."""
RESTORE_DRILL = "restore_drill"
"""In whose name the job records its own restore test."""
_HIDDEN = frozenset({"events", "logged", "put_off", "body_digest"})
_BY_FACT = "duties"
_ALL, _BATCH, _ATTEMPTS = 1_000_000, 100, 5


@dataclass(frozen=True)
class RecordDuty:
    """What somebody says of a duty that was done. ``key`` names this request of theirs for its repeats."""

    duty: Duty
    by: str
    key: str
    body_digest: str
    held_on: date
    participants: Sequence[Taking]
    result: DutyResult
    report_sha256: str
    tested: TrainingTest | None = None
    findings: Sequence[DutyFinding] = ()


def duty_of(name: str) -> Duty:
    """The duty of this name. Raises NotFoundError."""
    try:
        return Duty(name)
    except ValueError as error:
        raise NotFoundError(f"A duty is one of {', '.join(Duty)}.", field="duty") from error


def record(context: Context, command: RecordDuty) -> tuple[Document, bool]:
    """Note that a duty was done; one that passed settles what was overdue, in the same transaction.

    A repeat answers the same record and False. Raises DutyRecordError, IdempotencyMismatchError, BusyError.
    """
    record_id = derived_id("dty", command.by, command.key)
    for _ in range(_ATTEMPTS):
        known = context.store.get(duty_pk(record_id), STATE)
        if known is not None:
            if known.body["body_digest"] != command.body_digest:
                raise IdempotencyMismatchError(
                    "This Idempotency-Key was used with another record; use a new key for a new one.",
                    field="Idempotency-Key",
                )
            return view(known.body, _today(context)), False
        try:
            context.store.transact(_writes(context, record_id, command))
        except WriteConflictError:
            continue
        return view(load(context, record_id).body, _today(context)), True
    raise BusyError("The records keep changing; send the same request again.")


def close_finding(
    context: Context, by: str, duty: Duty, record_id: str, named: str, note: str, sha256: str
) -> Document:
    """Say that a finding is mended, named by its number: ``note`` is a code, ``sha256`` that of what shows it.

    The same again is no change.

    Raises NotFoundError, SamePersonError where it was the same person's record, WrongStateError where another closed
    it or the record changed meanwhile.
    """
    item = load(context, record_id)
    findings: list[Document] = list(item.body["findings"])
    number = {str(one): one for one in range(1, len(findings) + 1)}.get(named)
    if item.body["duty"] != duty or number is None:
        raise NotFoundError("There is no such finding; list the duty's records.", field="number")
    finding = findings[number - 1]
    told: Document = {"by": by, "note": note, "sha256": sha256}
    if "closed" in finding:
        if {name: finding["closed"][name] for name in told} == told:
            return view(item.body, _today(context))
        raise WrongStateError("The finding is closed already; read it again.", field="number")
    require_two_persons(str(item.body["by"]), by)
    now = context.clock.now()
    findings[number - 1] = {**finding, "closed": {**told, "at": iso(now)}}
    data: Document = {"number": number, **told, "recorded_by": item.body["by"]}
    changes: Document = {"findings": findings}
    state, event = change_writes(item, _SUBJECT, changes, "DutyFindingClosed", now, data, due=now, by=context.initiator)
    state = replace(state, listing=_listing({**item.body, **changes}, now))
    settled = _settling(context, IncidentKind.FINDING_OVERDUE, finding_about(record_id, number), "CLOSED", now)
    try:
        context.store.transact([state, event, *settled])
    except WriteConflictError as conflict:
        raise WrongStateError("The record changed meanwhile; read it again.", field="number") from conflict
    return view(load(context, record_id).body, _today(context))


def records(context: Context, duty: Duty, *, limit: int = _BATCH, cursor: str | None = None) -> Document:
    """A page of the times that the duty was done, the last held first. Raises InvalidCursorError."""
    page, following = lists.listed(context, _list_of(duty), limit, cursor)
    found = context.store.get_many([(duty_pk(str(one.summary[_SUBJECT])), STATE) for one in page]) if page else []
    shown = [view(item.body, _today(context)) for item in found if item is not None]
    return {"records": shown, "next_cursor": following}


def overview(context: Context) -> list[Document]:
    """Every duty with when it was done last, until when it is due next, and its findings that are open.

    One that was never done counts from the watch's first run; before that nothing is due.
    """
    today, listed, began = _today(context), _listed(context), _began(context)
    still_open = [view(item.body, today) for item in _read(context, _open_of(listed))]
    shown = []
    for duty, plan in PLANS.items():
        last, due = _dates(duty, listed, began)
        found = [
            {_SUBJECT: one[_SUBJECT], **finding}
            for one in still_open
            if one["duty"] == duty
            for finding in one["findings"]
            if "closed" not in finding
        ]
        shown.append(
            {
                "duty": duty.value,
                "kind": plan.kind.value,
                "every_days": plan.every_days,
                "owner": plan.owner.value,
                "joint": plan.joint,
                "done": plan.done,
                "items": list(plan.items),
                "last_held_on": None if last is None else last.isoformat(),
                "next_due_on": None if due is None else due.isoformat(),
                "overdue": due is not None and today > due,
                "open_findings": found,
            }
        )
    return shown


def of_year(context: Context, year: int) -> list[Document]:
    """Every record of what was held in the year, oldest first."""
    listed = [one for one in _listed(context) if str(one.summary["held_on"])[:4] == str(year)]
    found = [view(item.body, _today(context)) for item in _read(context, [_id_of(one) for one in listed])]
    return sorted(found, key=lambda one: (str(one["held_on"]), str(one[_SUBJECT])))


def changed_since(context: Context, since: str) -> list[str]:
    """The partitions of records that were made, or of which a finding was closed, at this instant or later."""
    return [duty_pk(_id_of(one)) for one in _listed(context, since)]


def duty_about(duty: Duty, due_on: str) -> str:
    """What the incident is about that a duty was not done by this day."""
    return f"{duty.value}/{due_on}"


def finding_about(record_id: str, number: int) -> str:
    """What the incident is about that a finding was not mended in time."""
    return f"{record_id}/{number}"


def load(context: Context, record_id: str) -> Item:
    """One record. Raises NotFoundError."""
    item = context.store.get(duty_pk(record_id), STATE)
    if item is None:
        raise NotFoundError("There is no such record; list the duty's records.", field="record_id")
    return item


def view(body: Document, today: date) -> Document:
    """What is shown of a record; each finding with its number, and whether it is overdue on this day in Shanghai."""
    shown = {name: value for name, value in body.items() if name not in _HIDDEN}
    shown["findings"] = [
        {"number": number, **one, "overdue": "closed" not in one and today.isoformat() > str(one["due_on"])}
        for number, one in enumerate(body["findings"], start=1)
    ]
    return shown


def _writes(context: Context, record_id: str, command: RecordDuty) -> list[Write]:
    require_record(
        command.duty,
        command.held_on,
        _today(context),
        command.participants,
        command.result,
        command.tested,
        command.findings,
    )
    now = context.clock.now()
    told: Document = {
        "duty": command.duty.value,
        "by": command.by,
        "held_on": command.held_on.isoformat(),
        "participants": [asdict(one) for one in command.participants],
        "result": command.result.value,
        "report_sha256": command.report_sha256,
        "findings": [
            {"what": one.what, "due_on": one.due_on.isoformat(), "owner": one.owner.value} for one in command.findings
        ],
    }
    if command.tested is not None:
        told["tested"] = asdict(command.tested)
    state: Document = {_SUBJECT: record_id, **told, "recorded_at": iso(now), "body_digest": command.body_digest}
    writes = first_writes(
        duty_pk(record_id),
        _SUBJECT,
        record_id,
        state,
        "DutyRecorded",
        now,
        told,
        _listing(state, now),
        by=context.initiator,
        event_listing=Listing(_list_of(command.duty), f"{told['held_on']}T00:00:00.000Z", {_SUBJECT: record_id}),
    )
    return [*writes, *_settled(context, command, now)]


def _settled(context: Context, command: RecordDuty, now: datetime) -> list[Write]:
    """Resolve the incident of the date that was missed, where the record moves that date."""
    last, due = _dates(command.duty, _listed(context), _began(context))
    if command.result is not DutyResult.PASS or due is None or (last is not None and command.held_on <= last):
        return []
    about = duty_about(command.duty, due.isoformat())
    return _settling(context, IncidentKind.DUTY_OVERDUE, about, "RECORDED", now)


def _settling(context: Context, kind: IncidentKind, about: str, note: str, now: datetime) -> list[Write]:
    last = incidents.last_about(context, kind, about)
    if last is None or not incidents.is_open(last):
        return []
    return incidents.resolving(last, _BY_FACT, note, now, context.initiator)


def _dates(duty: Duty, listed: Sequence[Listing], began: date | None) -> tuple[date | None, date | None]:
    """When the duty was done last, and the last day on which it is in time again; None for what is not known."""
    of_duty = [one.summary for one in listed if one.summary["duty"] == duty]
    passed = [str(one["held_on"]) for one in of_duty if one["result"] == DutyResult.PASS]
    last = date.fromisoformat(max(passed)) if passed else None
    since = last if began is None else began
    return last, None if since is None else next_due(duty, last, since)


def _began(context: Context) -> date | None:
    """The day on which the platform's watch ran first."""
    watched = context.store.get(*WATCH_KEY)
    if watched is None:
        return None
    return context.calendar.shanghai_date(datetime.fromisoformat(str(watched.body["began_at"])))


def _listing(body: Document, at: datetime) -> Listing:
    """How a record is listed beside all others, by the instant of its last event."""
    summary = {name: body[name] for name in (_SUBJECT, "duty", "held_on", "result")}
    return Listing(_DUTIES, iso(at), {**summary, "open": sum("closed" not in one for one in body["findings"])})


def _listed(context: Context, since: str = "0") -> list[Listing]:
    """All records: there are some dozen a year."""
    return context.store.listed(_DUTIES, since, most=_ALL)


def _id_of(listing: Listing) -> str:
    return str(listing.summary[_SUBJECT])


def _open_of(listed: Sequence[Listing]) -> list[str]:
    """The records of which a finding is open."""
    return [_id_of(one) for one in listed if one.summary["open"]]


def _list_of(duty: Duty) -> str:
    return f"{_DUTIES}#{duty.value}"


def _read(context: Context, ids: Sequence[str]) -> list[Item]:
    found: list[Item | None] = []
    for start in range(0, len(ids), _BATCH):
        found += context.store.get_many([(duty_pk(one), STATE) for one in ids[start : start + _BATCH]])
    return [item for item in found if item is not None]


def _today(context: Context) -> date:
    return context.calendar.shanghai_date(context.clock.now())
