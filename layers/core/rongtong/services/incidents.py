"""Incidents: what a person must settle is opened once, seen by operations until it is resolved, and never deleted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from rongtong.domain.access import Role
from rongtong.domain.incident import (
    WHAT_NEXT,
    Desk,
    IncidentKind,
    IncidentStatus,
    age_hours,
    desk_of,
    require_incident_transition,
)
from rongtong.services.context import Context
from rongtong.services.errors import AssigneeUnknownError, NotFoundError, WrongStateError
from rongtong.services.records import STATE, change_writes, derived_id, first_writes, incident_pk, iso, partner_pk
from rongtong.services.storage import Document, Item, Listing, Write, WriteConflictError

_LISTS = {IncidentStatus.OPEN: "incidents#open", IncidentStatus.RESOLVED: "incidents#resolved"}
"""Each status has its own list, so that an old open incident is never hidden behind newer ones that are settled."""
_EVER = "0"
_ALL = 1_000_000
_FOLLOWERS_MAX = 1000
_NOTES_MAX = 100
_HIDDEN = frozenset({"events", "logged", "put_off"})


def list_of(status: IncidentStatus) -> str:
    """Under whom incidents of a status are listed, at the instant at which they came to it."""
    return _LISTS[status]


def incident_id(kind: IncidentKind, about: str) -> str:
    """The permanent id of the incident of this kind about a payment, a discount or an account."""
    return derived_id("inc", kind.value, about)


def opening(kind: IncidentKind, subject: str, about: str, at: datetime, data: Document) -> list[Write]:
    """The writes that open an incident, for the transaction of the fact that it tells of.

    ``subject`` is what it belongs to, a discount's id mostly; ``about`` makes it the only one of its kind on that.
    """
    own_id = incident_id(kind, about)
    state: Document = {
        "incident_id": own_id,
        "kind": kind.value,
        "subject": subject,
        "status": IncidentStatus.OPEN.value,
        "opened_at": iso(at),
        "data": data,
    }
    listing = Listing(_LISTS[IncidentStatus.OPEN], iso(at), {"incident_id": own_id})
    told = {"kind": kind.value, "subject": subject, **data}
    return first_writes(incident_pk(own_id), "incident_id", own_id, state, "IncidentOpened", at, told, listing)


def open_once(context: Context, kind: IncidentKind, subject: str, about: str, data: Document) -> None:
    """Open an incident unless it is known: one that was resolved stays resolved."""
    with suppress(WriteConflictError):
        context.store.transact(opening(kind, subject, about, context.clock.now(), data))


def open_anew(context: Context, kind: IncidentKind, subject: str, about: str, data: Document) -> None:
    """Have one open incident about this: nothing changes while there is one, and a resolved one is followed by another.

    ``about`` is numbered, so that each has an id of its own.
    """
    for number in range(1, _FOLLOWERS_MAX):
        numbered = f"{about}/{number}"
        known = context.store.get(incident_pk(incident_id(kind, numbered)), STATE)
        if known is None:
            open_once(context, kind, subject, numbered, data)
        if known is None or known.body["status"] == IncidentStatus.OPEN:
            return


def last_about(context: Context, kind: IncidentKind, about: str) -> Item | None:
    """The newest incident that ``open_anew`` made about this; None where there was none."""
    last: Item | None = None
    for number in range(1, _FOLLOWERS_MAX):
        known = context.store.get(incident_pk(incident_id(kind, f"{about}/{number}")), STATE)
        if known is None:
            break
        last = known
    return last


def is_open(item: Item) -> bool:
    """Whether nobody and no fact has settled it."""
    return bool(item.body["status"] == IncidentStatus.OPEN)


def resolving(item: Item, by: str, note: str, at: datetime, initiator: Document | None = None) -> list[Write]:
    """The writes that resolve an open incident."""
    require_incident_transition(IncidentStatus(item.body["status"]), IncidentStatus.RESOLVED)
    changes: Document = {
        "status": IncidentStatus.RESOLVED.value,
        "resolved_by": by,
        "resolved_at": iso(at),
        "note": note,
    }
    told = {"by": by, "note": note}
    state, event = change_writes(item, "incident_id", changes, "IncidentResolved", at, told, by=initiator)
    listing = Listing(_LISTS[IncidentStatus.RESOLVED], iso(at), {"incident_id": item.body["incident_id"]})
    return [replace(state, listing=listing), event]


def resolve(context: Context, by: str, own_id: str, note: str) -> Document:
    """Record that a person has settled it, and how. The same person's repeat is no change.

    Raises NotFoundError, WrongStateError when another resolved it.
    """
    item = load(context, own_id)
    if item.body["status"] == IncidentStatus.RESOLVED and item.body["resolved_by"] == by:
        return view(item.body, context.clock.now())
    if item.body["status"] != IncidentStatus.OPEN:
        raise WrongStateError("The incident is resolved already; read it again.", field="incident_id")
    try:
        context.store.transact(resolving(item, by, note, context.clock.now(), context.initiator))
    except WriteConflictError as conflict:
        raise WrongStateError("The incident changed meanwhile; read it again.", field="incident_id") from conflict
    return view(load(context, own_id).body, context.clock.now())


def assign(context: Context, by: str, own_id: str, assignee: str) -> Document:
    """Record who settles an open incident: a caller of the role operations. The same again is no change.

    Raises NotFoundError, AssigneeUnknownError, WrongStateError when it is resolved or changed meanwhile.
    """
    item = load(context, own_id)
    if item.body["status"] != IncidentStatus.OPEN:
        raise WrongStateError("The incident is resolved already; read it again.", field="incident_id")
    if item.body.get("assignee") != assignee:
        _require_operations(context, assignee)
        now = context.clock.now()
        changes: Document = {"assignee": assignee, "assigned_by": by, "assigned_at": iso(now)}
        told = {"by": by, "assignee": assignee}
        writes = change_writes(item, "incident_id", changes, "IncidentAssigned", now, told, by=context.initiator)
        try:
            context.store.transact(writes)
        except WriteConflictError as conflict:
            raise WrongStateError("The incident changed meanwhile; read it again.", field="incident_id") from conflict
    return view(load(context, own_id).body, context.clock.now())


def note(context: Context, by: str, own_id: str, code: str) -> Document:
    """Note a step towards settling an open incident, as a code like REPORTED_TO_CNCERT.

    Raises NotFoundError, WrongStateError when it is resolved, has too many notes or changed meanwhile.
    """
    item = load(context, own_id)
    notes: list[Document] = list(item.body.get("notes", ()))
    if item.body["status"] != IncidentStatus.OPEN or len(notes) >= _NOTES_MAX:
        raise WrongStateError("The incident is resolved already, or has too many notes.", field="incident_id")
    now = context.clock.now()
    changes: Document = {"notes": [*notes, {"at": iso(now), "by": by, "note": code}]}
    told = {"by": by, "note": code}
    try:
        context.store.transact(
            change_writes(item, "incident_id", changes, "IncidentNoted", now, told, by=context.initiator)
        )
    except WriteConflictError as conflict:
        raise WrongStateError("The incident changed meanwhile; read it again.", field="incident_id") from conflict
    return view(load(context, own_id).body, context.clock.now())


def _require_operations(context: Context, assignee: str) -> None:
    (found,) = context.store.get_many([(partner_pk(assignee), STATE)])
    if found is None or found.body.get("role") != Role.OPERATIONS:
        raise AssigneeUnknownError("Nobody in operations signs by this name; ask for theirs.", field="assignee")


def load(context: Context, own_id: str) -> Item:
    """One incident. Raises NotFoundError."""
    item = context.store.get(incident_pk(own_id), STATE)
    if item is None:
        raise NotFoundError("There is no such incident; list the newest ones.", field="incident_id")
    return item


def newest(
    context: Context,
    status: IncidentStatus,
    *,
    most: int = 1000,
    kind: IncidentKind | None = None,
    owner: Desk | None = None,
) -> Document:
    """Of the newest incidents of a status those of the kind and the owner, the most urgent kinds first.

    ``more`` says that there are others than the newest ``most``, of whatever kind and owner.
    """
    ids = [str(listing.summary["incident_id"]) for listing in context.store.listed(_LISTS[status], _EVER, most=most)]
    found: list[Item | None] = []
    for start in range(0, len(ids), 100):
        found += context.store.get_many([(incident_pk(own_id), STATE) for own_id in ids[start : start + 100]])
    urgency, now = list(IncidentKind), context.clock.now()
    listed = sorted(
        (view(item.body, now) for item in found if item is not None), key=lambda one: urgency.index(one["kind"])
    )
    shown = [one for one in listed if kind in (None, one["kind"]) and owner in (None, one["owner"])]
    return {"incidents": shown, "more": len(ids) == most}


def opened_since(context: Context, kind: IncidentKind, since: datetime) -> list[Document]:
    """Every incident of this kind that was opened at this instant or later, whatever became of it; oldest first."""
    listed = [one for owner in _LISTS.values() for one in context.store.listed(owner, iso(since), most=_ALL)]
    ids = list(dict.fromkeys(str(one.summary["incident_id"]) for one in listed))
    found: list[Item | None] = []
    for start in range(0, len(ids), 100):
        found += context.store.get_many([(incident_pk(own_id), STATE) for own_id in ids[start : start + 100]])
    bodies = [item.body for item in found if item is not None and item.body["kind"] == kind]
    return sorted((one for one in bodies if one["opened_at"] >= iso(since)), key=lambda one: str(one["opened_at"]))


def view(body: Document, now: datetime) -> Document:
    """What operations see of an incident, with the desk that owns it, how long it is or was open, and what to do next.

    ``age_hours`` are whole hours until ``now``, or until it was resolved.
    """
    shown = {key: value for key, value in body.items() if key not in _HIDDEN}
    until = datetime.fromisoformat(str(body["resolved_at"])) if "resolved_at" in body else now
    shown["owner"] = desk_of(IncidentKind(body["kind"])).value
    shown["age_hours"] = age_hours(datetime.fromisoformat(str(body["opened_at"])), until)
    if body["status"] == IncidentStatus.OPEN:
        shown["what_next"] = WHAT_NEXT[IncidentKind(body["kind"])]
    return shown
