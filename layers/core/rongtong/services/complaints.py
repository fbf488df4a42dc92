"""Complaints: taken in at once, answered by a date, every step an event, and nothing overdue without an incident.

What people write is sealed under the data key of the enterprise that it is about, in the event that tells of it and
nowhere else; destroying that key destroys it. The date by which an answer is due is a document of its own, for it comes
long after the state is at rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rongtong.domain.complaint import WAITING, ComplaintStatus, answer_by, require_complaint_transition
from rongtong.domain.errors import TransitionError
from rongtong.domain.incident import IncidentKind, IncidentStatus
from rongtong.services import incidents, lists
from rongtong.services.context import Context
from rongtong.services.enterprise_state import data_key_of
from rongtong.services.errors import IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.records import (
    POLICY_KEY,
    STATE,
    change_writes,
    complaint_pk,
    derived_id,
    discount_pk,
    enterprise_pk,
    first_writes,
    incident_pk,
    iso,
    tenant_key,
)
from rongtong.services.settings import policy_of
from rongtong.services.steps_taken import STEPS, Step
from rongtong.services.storage import Create, Document, Item, Listing, Write, WriteConflictError

DEADLINE = "deadline"
_SUBJECT = "complaint_id"
_HIDDEN = frozenset({"events", "logged", "put_off", "body_digest", "partner_id", STEPS})
_EVER = "0"
_PAGE = 100
_OPEN_MAX = 10_000
_ALL = 1_000_000
_REMIND = timedelta(days=1)
_REMINDERS_MAX = 1_000
_WAITING_LIST, _ANSWERED_LIST = "complaints#waiting", "complaints#answered"
_SPEAKERS = {
    "ComplaintReceived": "complainant",
    "ComplaintReopened": "complainant",
    "ComplaintAnswered": "platform",
}


@dataclass(frozen=True)
class Complain:
    """What a partner hands on: about one of its discounts or enterprises."""

    partner_id: str
    idempotency_key: str
    body_digest: str
    about: str
    """``discount`` or ``enterprise``."""
    about_id: str
    category: str
    text: str


def receive(context: Context, command: Complain) -> tuple[Document, bool]:
    """Take a complaint in; the answer acknowledges it and says by when it will be answered. A repeat answers the same
    complaint and False.

    Raises NotFoundError unless what it is about is this partner's, IdempotencyMismatchError.
    """
    complaint_id = derived_id("cmp", command.partner_id, command.idempotency_key)
    pk, now = complaint_pk(complaint_id), context.clock.now()
    known, platform, tenant = context.store.get_many([(pk, STATE), POLICY_KEY, tenant_key(command.partner_id)])
    if known is not None:
        return _repeat(context, known, command), False
    enterprise = _concerned(context, command)
    due = answer_by(now, policy_of(platform, tenant).complaint_days)
    about: Document = {"kind": command.about, "id": command.about_id, "enterprise_id": enterprise.body["enterprise_id"]}
    state: Document = {
        "complaint_id": complaint_id,
        "partner_id": command.partner_id,
        "about": about,
        "category": command.category,
        "status": ComplaintStatus.RECEIVED.value,
        "received_at": iso(now),
        "answer_by": iso(due),
        "body_digest": command.body_digest,
    }
    data: Document = {"about": about, "category": command.category, "answer_by": iso(due)}
    data["text_sealed"] = _sealed(context, enterprise, command.text)
    listing = Listing(_partner_list(command.partner_id), iso(now), {_SUBJECT: complaint_id})
    writes: list[Write] = [
        *first_writes(pk, _SUBJECT, complaint_id, state, "ComplaintReceived", now, data, listing, by=context.initiator),
        Create(pk, DEADLINE, {_SUBJECT: complaint_id}, due=iso(due), listing=_waiting(complaint_id, due)),
    ]
    try:
        context.store.transact(writes)
    except WriteConflictError:
        return _repeat(context, load(context, complaint_id), command), False
    return view(context, load(context, complaint_id)), True


def take(context: Context, step: Step, item: Item) -> Document:
    """Somebody of operations begins to look into it. The same person's repeat is no change.

    Raises WrongStateError, IdempotencyMismatchError.
    """
    by = step.by
    if step.was_taken(item) or (item.body["status"] == ComplaintStatus.IN_PROGRESS and item.body.get("taken_by") == by):
        return view(context, item)
    changes: Document = {"taken_by": by, **step.noted(item)}
    return _change(context, item, ComplaintStatus.IN_PROGRESS, changes, "ComplaintTaken", {"by": by}, [])


def answer(context: Context, step: Step, item: Item, text: str) -> Document:
    """Answer it; what was overdue is settled in the same transaction. The same answer by the same person is no change.

    Raises WrongStateError unless it is IN_PROGRESS, IdempotencyMismatchError.
    """
    if step.was_taken(item):
        return view(context, item)
    by = step.by
    if item.body["status"] == ComplaintStatus.ANSWERED and item.body.get("answered_by") == by:
        shown = view(context, item)
        if shown["messages"][-1]["text"] == text:
            return shown
    now, sealed = context.clock.now(), _sealed(context, _enterprise(context, item), text)
    changes: Document = {"answered_at": iso(now), "answered_by": by, **step.noted(item)}
    data: Document = {"by": by, "text_sealed": sealed}
    return _change(context, item, ComplaintStatus.ANSWERED, changes, "ComplaintAnswered", data, _settled(context, item))


def reopen(context: Context, step: Step, item: Item, text: str) -> Document:
    """The answer does not content the complainant: it is to be answered anew, by a new date. A repeat is no change.

    Raises WrongStateError unless it is ANSWERED, IdempotencyMismatchError.
    """
    if step.was_taken(item):
        return view(context, item)
    if item.body["status"] == ComplaintStatus.REOPENED:
        shown = view(context, item)
        if shown["messages"][-1]["text"] == text:
            return shown
    platform, tenant = context.store.get_many([POLICY_KEY, tenant_key(str(item.body["partner_id"]))])
    due = answer_by(context.clock.now(), policy_of(platform, tenant).complaint_days)
    sealed = _sealed(context, _enterprise(context, item), text)
    changes: Document = {"answer_by": iso(due), "answered_at": None, "answered_by": None, "taken_by": None}
    changes |= step.noted(item)
    data: Document = {"answer_by": iso(due), "text_sealed": sealed}
    deadline = _deadline(context, item)
    waits = replace(deadline.replaced(deadline.body), due=iso(due), listing=_waiting(_id(item), due))
    return _change(context, item, ComplaintStatus.REOPENED, changes, "ComplaintReopened", data, [waits])


def close(context: Context, item: Item) -> Document:
    """The complainant is content, or withdraws it. A repeat is no change."""
    if item.body["status"] == ComplaintStatus.CLOSED:
        return view(context, item)
    changes: Document = {"closed_at": iso(context.clock.now())}
    return _change(context, item, ComplaintStatus.CLOSED, changes, "ComplaintClosed", {}, _settled(context, item))


def of_partner(context: Context, partner_id: str, *, limit: int = _PAGE, cursor: str | None = None) -> Document:
    """A page of the partner's complaints, newest first, without what was written. Raises InvalidCursorError."""
    return _paged(context, _partner_list(partner_id), limit, cursor)


def of_enterprise(context: Context, partner_id: str, enterprise_id: str) -> list[Document]:
    """Every complaint about an enterprise or its discounts, newest first, without what was written."""
    listed = context.store.listed(_partner_list(partner_id), _EVER, most=_ALL)
    return [one for one in _shown(context, listed) if one["about"]["enterprise_id"] == enterprise_id]


def waiting(context: Context) -> Document:
    """Every complaint that waits for an answer, the most urgent first, without what was written: all on one page."""
    listed = context.store.listed(_WAITING_LIST, _EVER, most=_OPEN_MAX + 1)
    shown = _shown(context, reversed(listed[:_OPEN_MAX]))
    return {"complaints": shown, "more": len(listed) > _OPEN_MAX, "next_cursor": None}


def answered(context: Context, *, limit: int = _PAGE, cursor: str | None = None) -> Document:
    """A page of those that were answered or closed, the last ones first, without what was written.

    Raises InvalidCursorError.
    """
    return _paged(context, _ANSWERED_LIST, limit, cursor)


def _paged(context: Context, owner: str, limit: int, cursor: str | None) -> Document:
    page, following = lists.listed(context, owner, limit, cursor)
    return {"complaints": _shown(context, page), "more": following is not None, "next_cursor": following}


def look_after(context: Context, deadline: Item) -> None:
    """For the sweeper: an answer that is overdue is an incident, and another one a day later if that was settled alone.

    Raises WriteConflictError when somebody answers it right now.
    """
    now, item = context.clock.now(), load(context, str(deadline.body[_SUBJECT]))
    if ComplaintStatus(item.body["status"]) not in WAITING:
        context.store.transact([replace(deadline.replaced(deadline.body), due=None)])
        return
    if iso(now) < str(item.body["answer_by"]):
        return
    writes: list[Write] = [replace(deadline.replaced(deadline.body), due=iso(now + _REMIND))]
    number, newest = _newest_incident(context, _id(item))
    if newest is None or newest.body["status"] != IncidentStatus.OPEN:
        data: Document = {"answer_by": item.body["answer_by"], "category": item.body["category"]}
        about = f"{_id(item)}/{number + 1}"
        writes += incidents.opening(IncidentKind.COMPLAINT_OVERDUE, _id(item), about, now, data)
    context.store.transact(writes)


def load(context: Context, complaint_id: str) -> Item:
    """The complaint, whoever asks. Raises NotFoundError."""
    item = context.store.get(complaint_pk(complaint_id), STATE)
    if item is None:
        raise NotFoundError("There is no such complaint; check the id that its receipt answered.", field=_SUBJECT)
    return item


def view(context: Context, item: Item) -> Document:
    """The complaint with everything that was written, oldest first, for its two sides. Raises SealedDataError.

    Nothing of what was written is left once the enterprise's data is erased.
    """
    owner = _enterprise(context, item)
    if "data_key" not in owner.body:
        return {**_summary(context, item.body), "messages": []}
    messages = []
    for document in context.store.query(item.pk, "event#"):
        event = document.body["event"]
        if event["type"] in _SPEAKERS:
            text = context.vault.decrypt(*_key(owner), str(event["data"]["text_sealed"]))
            messages.append({"at": event["at"], "from": _SPEAKERS[event["type"]], "text": text})
    return {**_summary(context, item.body), "messages": messages}


def _summary(context: Context, body: Document) -> Document:
    shown = {name: value for name, value in body.items() if name not in _HIDDEN}
    waits = ComplaintStatus(body["status"]) in WAITING
    return {**shown, "overdue": waits and iso(context.clock.now()) >= str(body["answer_by"])}


def _change(
    context: Context,
    item: Item,
    status: ComplaintStatus,
    changes: Document,
    kind: str,
    data: Document,
    more: list[Write],
) -> Document:
    try:
        require_complaint_transition(ComplaintStatus(item.body["status"]), status)
    except TransitionError as error:
        raise WrongStateError(error.message, field=_SUBJECT) from error
    now = context.clock.now()
    changes = {**changes, "status": status.value}
    writes = change_writes(item, _SUBJECT, changes, kind, now, data, due=now, by=context.initiator)
    try:
        context.store.transact([*writes, *more])
    except WriteConflictError as conflict:
        raise WrongStateError("The complaint changed meanwhile; read it again.", field=_SUBJECT) from conflict
    return view(context, load(context, _id(item)))


def _settled(context: Context, item: Item) -> list[Write]:
    """The writes after which nobody waits: the date is no longer due, and an open incident about it is resolved."""
    now, deadline = context.clock.now(), _deadline(context, item)
    listing = Listing(_ANSWERED_LIST, iso(now), {_SUBJECT: _id(item)})
    writes: list[Write] = [replace(deadline.replaced(deadline.body), due=None, listing=listing)]
    _, newest = _newest_incident(context, _id(item))
    if newest is not None and newest.body["status"] == IncidentStatus.OPEN:
        writes += incidents.resolving(newest, "complaints", "ANSWERED", now, context.initiator)
    return writes


def _newest_incident(context: Context, complaint_id: str) -> tuple[int, Item | None]:
    """The number of the last incident about the complaint, 0 if there was none, and the incident."""
    last: Item | None = None
    for number in range(1, _REMINDERS_MAX):
        own_id = incidents.incident_id(IncidentKind.COMPLAINT_OVERDUE, f"{complaint_id}/{number}")
        found = context.store.get(incident_pk(own_id), STATE)
        if found is None:
            return number - 1, last
        last = found
    return _REMINDERS_MAX, last


def _repeat(context: Context, known: Item, command: Complain) -> Document:
    if known.body["body_digest"] != command.body_digest:
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another body; use a new key for a new complaint.",
            field="Idempotency-Key",
        )
    return view(context, known)


def _concerned(context: Context, command: Complain) -> Item:
    """The enterprise that it is about, itself or through its discount. Raises NotFoundError."""
    found = None
    if command.about == "discount":
        found = context.store.get(discount_pk(command.about_id), STATE)
    elif command.about == "enterprise":
        found = context.store.get(enterprise_pk(command.about_id), STATE)
    if found is None or found.body["partner_id"] != command.partner_id:
        raise NotFoundError(
            f"There is no such {command.about}; name one of your own discounts or enterprises.", field="about.id"
        )
    if command.about == "enterprise":
        return found
    enterprise = context.store.get(enterprise_pk(str(found.body["enterprise_id"])), STATE)
    assert enterprise is not None, "a discount is accepted only for an enterprise that exists"
    return enterprise


def _enterprise(context: Context, item: Item) -> Item:
    found = context.store.get(enterprise_pk(str(item.body["about"]["enterprise_id"])), STATE)
    assert found is not None, "a complaint is received only about an enterprise that exists"
    return found


def _sealed(context: Context, enterprise: Item, text: str) -> str:
    return context.vault.encrypt(*_key(enterprise), text)


def _key(enterprise: Item) -> tuple[str, str]:
    return data_key_of(enterprise)


def _deadline(context: Context, item: Item) -> Item:
    found = context.store.get(item.pk, DEADLINE)
    assert found is not None, "a complaint is received together with its date"
    return found


def _shown(context: Context, listed: Iterable[Listing]) -> list[Document]:
    keys = [(complaint_pk(str(one.summary[_SUBJECT])), STATE) for one in listed]
    found: list[Item | None] = []
    for start in range(0, len(keys), _PAGE):
        found += context.store.get_many(keys[start : start + _PAGE])
    return [_summary(context, item.body) for item in found if item is not None]


def _waiting(complaint_id: str, due: datetime) -> Listing:
    return Listing(_WAITING_LIST, iso(due), {_SUBJECT: complaint_id})


def _partner_list(partner_id: str) -> str:
    return f"complaints#partner#{partner_id}"


def _id(item: Item) -> str:
    return str(item.body[_SUBJECT])
