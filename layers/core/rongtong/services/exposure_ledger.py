"""The exposure ledger (额度台账) as it is kept and checked: entries lie beside the events that cause them.

An event is only ever created, and so is its entry: what a discount reserves, uses and returns of the limits is written
in the transaction that does it, without a document of its own. Every sum follows from the entries, and a job checks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from rongtong.domain.errors import RongTongError
from rongtong.domain.exposure import EnterpriseLimits, ReservationStatus, Turnover, reservation_of
from rongtong.domain.exposure_ledger import (
    Account,
    AccountUnknownError,
    Balances,
    EntryKind,
    JournalEntry,
    reservation,
)
from rongtong.domain.incident import IncidentKind
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.services.compensation_reserve import fault, read_reserve
from rongtong.services.context import Context
from rongtong.services.discounts import request_key, request_of
from rongtong.services.incidents import open_once
from rongtong.services.records import STATE, discount_pk, exposure_pk, iso
from rongtong.services.reservations import USED, Holdings, holdings_of
from rongtong.services.storage import Document, Item

_TOLD_MAX = 20
"""An incident names so many differences; the check's answer names all."""
_ENTERPRISE = "enterprise#"
_OF_STATE = ("status", "face_fen", "institution_id", "acceptor_group", "accepted_at")
_OF_REQUEST = ("acceptor_bank_code", "applicant_uscc")
_STEPS: Mapping[ReservationStatus, tuple[EntryKind, ...]] = {
    ReservationStatus.RESERVED: (EntryKind.RESERVE,),
    ReservationStatus.CONSUMED: (EntryKind.RESERVE, EntryKind.USE),
    ReservationStatus.RETURNED: (EntryKind.RESERVE, EntryKind.RETURN),
}


def entry_of(kind: EntryKind, holdings: Holdings) -> list[Any]:
    """The journal entry for the event by which a discount reserves, uses or returns what it holds of the limits.

    That of the reservation leaves the applicant out: its event names it, and may not grow beyond 1,024 bytes.
    """
    entry = JournalEntry(
        kind=kind,
        fen=holdings.face_fen,
        acceptor_code=holdings.acceptor_bank_code,
        acceptor_group=holdings.acceptor_group,
        institution_id=holdings.institution_id,
        day=holdings.on,
        enterprise=holdings.applicant_uscc,
    )
    return entry.as_list(beside_applicant=kind is EntryKind.RESERVE)


def entry_for(context: Context, kind: EntryKind, item: Item) -> list[Any]:
    """The same where only the discount's state is at hand: its first event is read."""
    request = request_of(context.store.get(*request_key(str(item.body["discount_id"]))))
    return entry_of(kind, holdings_of(item.body, request, _accepted_on(context, item.body)))


def check(context: Context, *, quiet_s: int = 60) -> Document:
    """Add up all postings and compare them with the counters, the turnovers and what every discount's state implies.

    Answers ``differences`` (an account, what its postings say and what was found ``against`` them, in fen), ``faults``
    (entries that cannot be posted or do not follow one another, and discounts in another state than their entries),
    ``trial_fen`` (0), and the reserve's sums. What differs opens an incident; the same difference opens one a month.

    Accounts that an event or a counter moved less than ``quiet_s`` before the check began, or during it, are not
    compared but named as ``moving``: run it outside service hours.

    It reads the whole table twice and keeps a line per discount in memory. 20,000 discounts are some hundred megabytes
    to read and took four seconds to add up in memory; reading them from DynamoDB was not measured. That does for
    20,000 bills a year. A hundred times as many do not fit into one function's 15 minutes: then fold the table's stream
    into a balance per account, close it month by month, and check only what is newer.
    """
    now = context.clock.now()
    stored = {item.pk.removeprefix(exposure_pk("")): item for item in context.store.scan(exposure_pk(""), USED)}
    books = _Books(iso(now - timedelta(seconds=quiet_s)))
    for discount_id, seen in _discounts(context).items():
        books.enter(context, discount_id, seen)
    posted, implied = Balances(books.posted), Balances(books.implied)
    reserve = read_reserve(context)
    found = [*_counters(stored, posted), *_turnovers(stored, posted), *_states(posted, implied)]
    books.moving |= {owner for owner, _ in found if _moved(context, owner, stored.get(owner))}
    report: Document = {
        "made_at": iso(now),
        "discounts": books.discounts,
        "trial_fen": posted.merge(reserve.balances).trial_fen,
        "differences": [difference for owner, difference in found if owner not in books.moving],
        "faults": [*books.faults, *reserve.faults],
        "moving": sorted(books.moving),
        "reserve": reserve.sums(),
    }
    if report["differences"] or report["faults"]:
        _tell(context, report)
    return report


@dataclass
class _Seen:
    """A discount as a scan finds it, in pieces."""

    state: Document | None = None
    request: Document = field(default_factory=dict)
    entries: dict[int, Any] = field(default_factory=dict)
    """As they are stored, by event number."""
    moved_at: str = ""
    """When it last changed (ISO 8601)."""


@dataclass
class _Books:
    """What the discounts' entries post, what their states imply, and who was moving since ``quiet_from``."""

    quiet_from: str
    posted: dict[Account, int] = field(default_factory=dict)
    implied: dict[Account, int] = field(default_factory=dict)
    faults: list[Document] = field(default_factory=list)
    moving: set[str] = field(default_factory=set)
    discounts: int = 0

    def enter(self, context: Context, discount_id: str, seen: _Seen) -> None:
        self.discounts += 1
        entries: dict[str, JournalEntry] = {}
        for number, listed in sorted(seen.entries.items()):
            name = f"{discount_id}/{number}"
            try:
                entry = JournalEntry.parse(listed, seen.request.get("applicant_uscc"))
                _post(self.posted, entry)
            except RongTongError as error:
                self.faults.append(fault(name, error))
            else:
                entries[name] = entry
        implied = _implied_by(context, seen)
        for entry in implied:
            _post(self.implied, entry)
        if seen.moved_at >= self.quiet_from:
            self.moving |= {_stored_owner(owner) for entry in (*entries.values(), *implied) for owner in entry.owners}
            return
        try:
            status = reservation(entries)
        except RongTongError as error:
            self.faults.append(fault(discount_id, error))
            return
        wanted = None if seen.state is None else reservation_of(DiscountStatus(seen.state["status"]))
        if status is not wanted:
            said = [None if one is None else one.value for one in (status, wanted)]
            self.faults.append({"subject": discount_id, "what": "STATE", "posted": said[0], "found": said[1]})


def _post(sums: dict[Account, int], entry: JournalEntry) -> None:
    for posting in entry.postings():
        sums[posting.account] = sums.get(posting.account, 0) + posting.fen


def _discounts(context: Context) -> dict[str, _Seen]:
    found: dict[str, _Seen] = {}
    for item in context.store.scan(discount_pk("")):
        seen = found.setdefault(item.pk.removeprefix(discount_pk("")), _Seen())
        if item.sk == STATE:
            seen.state = {name: item.body.get(name) for name in _OF_STATE}
            moved = (item.body["accepted_at"], item.body.get("finished_at", ""))
            seen.moved_at = max(seen.moved_at, *moved)
        elif "event" in item.body:
            event = item.body["event"]
            seen.moved_at = max(seen.moved_at, event["at"])
            if event["n"] == 1:
                seen.request = {name: event["data"].get(name) for name in _OF_REQUEST}
            if "journal" in item.body.get("beside", {}):
                seen.entries[int(event["n"])] = item.body["beside"]["journal"]
    return found


def _implied_by(context: Context, seen: _Seen) -> list[JournalEntry]:
    """The entries that a discount in this state has made, whatever its events say."""
    state, request = seen.state, seen.request
    if state is None or not request:
        return []
    first = JournalEntry(
        kind=EntryKind.RESERVE,
        fen=int(state["face_fen"]),
        acceptor_code=request["acceptor_bank_code"],
        acceptor_group=state["acceptor_group"],
        institution_id=state["institution_id"],
        day=_accepted_on(context, state),
        enterprise=request["applicant_uscc"],
    )
    return [replace(first, kind=kind) for kind in _STEPS[reservation_of(DiscountStatus(state["status"]))]]


def _accepted_on(context: Context, state: Document) -> date:
    return context.calendar.shanghai_date(datetime.fromisoformat(str(state["accepted_at"])))


def _counters(stored: Mapping[str, Item], posted: Balances) -> Iterator[tuple[str, Document]]:
    """The shared counters that differ, with their owner."""
    owners = {account.owner for account in posted.fen} | set(stored)
    for owner in sorted(owner for owner in owners if not owner.startswith(_ENTERPRISE)):
        found_fen = _counted(stored.get(owner))
        yield from _difference(owner, owner, "counter", _taken(posted, owner), found_fen)


def _turnovers(stored: Mapping[str, Item], posted: Balances) -> Iterator[tuple[str, Document]]:
    """The enterprises' periods that differ; a record keeps only the newest day, month and year."""
    booked = {f"{_ENTERPRISE}{code}": turnover for code, turnover in posted.turnovers().items()}
    kept = {owner: item for owner, item in stored.items() if owner.startswith(_ENTERPRISE)}
    known = {owner: Turnover.from_document(item.body) for owner, item in kept.items()}
    for owner in sorted({*booked, *known}):
        ours, found = booked.get(owner, Turnover()), known.get(owner, Turnover())
        days = [one.day for one in (ours, found) if one.day is not None]
        if days:
            ours, found = (one.add(0, max(days), EnterpriseLimits()) for one in (ours, found))
        for period in ("day", "month", "year"):
            name = f"{period}_fen"
            yield from _difference(owner, f"{owner}/{period}", "turnover", getattr(ours, name), getattr(found, name))


def _states(posted: Balances, implied: Balances) -> Iterator[tuple[str, Document]]:
    """The accounts that differ from what the discounts' states imply."""
    for account in sorted({*posted.fen, *implied.fen}):
        ours, found = posted.of_account(account), implied.of_account(account)
        yield from _difference(_stored_owner(account.owner), account.name, "discounts", ours, found)


def _difference(
    owner: str, account: str, against: str, posted_fen: int, found_fen: int
) -> Iterator[tuple[str, Document]]:
    if posted_fen != found_fen:
        yield owner, {"account": account, "against": against, "posted_fen": posted_fen, "found_fen": found_fen}


def _counted(item: Item | None) -> int:
    return 0 if item is None else int(item.body.get("fen", 0))


def _taken(posted: Balances, owner: str) -> int:
    try:
        return posted.taken(owner)
    except AccountUnknownError:
        return 0


def _stored_owner(owner: str) -> str:
    """Under whom the sum is stored: an enterprise's days are one record."""
    return owner.rpartition("#")[0] if owner.startswith(_ENTERPRISE) else owner


def _moved(context: Context, owner: str, item: Item | None) -> bool:
    """Whether a stored sum is not what it was when it was read first."""
    pk = exposure_pk(owner)
    if owner.startswith(_ENTERPRISE):
        found = context.store.get(pk, USED)
        return (None if found is None else found.version) != (None if item is None else item.version)
    return context.store.counter(pk, USED) != _counted(item)


def _tell(context: Context, report: Document) -> None:
    differences, faults = report["differences"], report["faults"]
    month = context.calendar.shanghai_date(context.clock.now()).isoformat()[:7]
    what = [f"{one['account']}/{one['against']}/{one['found_fen'] - one['posted_fen']}" for one in differences]
    what += [f"{one['subject']}/{one['what']}" for one in faults]
    data: Document = {
        "differences": differences[:_TOLD_MAX],
        "faults": faults[:_TOLD_MAX],
        "differences_count": len(differences),
        "faults_count": len(faults),
    }
    open_once(context, IncidentKind.LIMITS_DIFFER, "exposure", "/".join([month, *sorted(what)]), data)
