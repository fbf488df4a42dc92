"""The limits' sums against the exposure ledger's postings, and against what live discounts hold; in pieces.

Every discount is looked at by itself first: its postings must be those of the state that it is in. Then every owner's
sum is what its postings add up to, and what its live discounts hold. A sum per owner and a turnover per enterprise is
all that is kept, however many discounts there are.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from rongtong.domain.exposure import EnterpriseLimits, ReservationStatus, Turnover
from rongtong.domain.exposure_ledger import EntryKind
from rongtong.domain.incident import IncidentKind
from rongtong.services.compensation_reserve import read_reserve
from rongtong.services.context import Context
from rongtong.services.incidents import open_once
from rongtong.services.jobs import Piece, Run
from rongtong.services.laid_aside import fetch, lay_aside
from rongtong.services.reconcile_discount import ENTERPRISE, Owners, SeenDiscount, differences, stored_owner
from rongtong.services.records import STATE, discount_pk, exposure_pk, iso
from rongtong.services.reservations import USED
from rongtong.services.storage import Document, Item, Key

_STAGE = "exposures"
_PAGE = 1000
_QUIET = timedelta(minutes=1)
_OPENED_MAX = 1000
"""So many breaks a run opens; it counts all."""
_PERIODS = ("day_fen", "month_fen", "year_fen")
_NOBODY = EnterpriseLimits()
_SIGN = {EntryKind.RESERVE: 1, EntryKind.USE: 0, EntryKind.RETURN: -1}
"""What an entry does to what is taken: what is used was reserved already."""


@dataclass
class _Sums:
    """What is taken of every owner's limits, in fen: of shared ones, and of every enterprise's current periods."""

    shared: dict[str, int] = field(default_factory=dict)
    turnovers: dict[str, Turnover] = field(default_factory=dict)

    def add(self, owners: Sequence[str], fen: int, on: date) -> None:
        for owner in owners:
            if owner.startswith(ENTERPRISE):
                name = stored_owner(owner)
                self.turnovers[name] = self.turnovers.get(name, Turnover()).add(fen, on, _NOBODY)
            else:
                self.shared[owner] = self.shared.get(owner, 0) + fen

    def as_document(self) -> Document:
        return {"shared": self.shared, "turnovers": {name: one.as_document() for name, one in self.turnovers.items()}}

    @classmethod
    def from_document(cls, body: Document) -> _Sums:
        return cls(body["shared"], {name: Turnover.from_document(one) for name, one in body["turnovers"].items()})


@dataclass
class _Look:
    """How far the stage is, and what it has added up."""

    quiet_from: str
    """Owners that a discount moved since then (ISO 8601) are not compared."""
    stored: _Sums = field(default_factory=_Sums)
    posted: _Sums = field(default_factory=_Sums)
    live: _Sums = field(default_factory=_Sums)
    versions: dict[str, int] = field(default_factory=dict)
    """Of the enterprises' records."""
    moving: set[str] = field(default_factory=set)
    after: Key | None = None
    counters_read: bool = False
    discounts: int = 0
    breaks: int = 0

    def as_bytes(self) -> bytes:
        sums = {name: getattr(self, name).as_document() for name in ("stored", "posted", "live")}
        kept = {"quiet_from": self.quiet_from, "versions": self.versions, "moving": sorted(self.moving), **sums}
        return json.dumps({**kept, "counters_read": self.counters_read}).encode()

    @classmethod
    def taken_up(cls, content: bytes, kept: Document) -> _Look:
        body = json.loads(content)
        return cls(
            quiet_from=body["quiet_from"],
            stored=_Sums.from_document(body["stored"]),
            posted=_Sums.from_document(body["posted"]),
            live=_Sums.from_document(body["live"]),
            versions=body["versions"],
            moving=set(body["moving"]),
            after=None if kept["after"] is None else (kept["after"][0], kept["after"][1]),
            counters_read=body["counters_read"],
            discounts=kept["discounts"],
            breaks=kept["limits_differ"],
        )


def piece(context: Context, run: Run) -> Piece:
    """Read on: the limits' sums first, then every discount; at the end compare."""
    look = _taken_up(context, run)
    while True:
        if look.counters_read:
            items, look.after = context.store.scan_page(discount_pk(""), after=look.after, most=_PAGE)
            _enter_all(context, look, items)
        else:
            items, look.after = context.store.scan_page(exposure_pk(""), USED, after=look.after, most=_PAGE)
            _note_sums(look, items)
        if look.after is None and look.counters_read:
            _compare(context, look)
            return Piece({**_counts(look), "moving": len(look.moving)}, True, f"{look.discounts:,} discounts")
        look.counters_read = look.counters_read or look.after is None
        if run.time_is_up():
            aside = lay_aside(context, run, look.as_bytes())
            after = None if look.after is None else list(look.after)
            return Piece(
                {**_counts(look), "after": after, "aside": aside}, False, f"{look.discounts:,} discounts so far"
            )


def found(kept: Document) -> Document:
    """What the stage says of itself in the run's evidence."""
    return {name: kept[name] for name in ("discounts", "limits_differ", "moving")}


def _counts(look: _Look) -> Document:
    return {"discounts": look.discounts, "limits_differ": look.breaks}


def _taken_up(context: Context, run: Run) -> _Look:
    kept = run.kept.get(_STAGE)
    aside = None if kept is None else fetch(context, str(kept["aside"]))
    if kept is None or aside is None:
        return _Look(iso(context.clock.now() - _QUIET))
    return _Look.taken_up(aside, kept)


def _note_sums(look: _Look, items: Sequence[Item]) -> None:
    for item in items:
        owner = item.pk.removeprefix(exposure_pk(""))
        if owner.startswith(ENTERPRISE):
            look.stored.turnovers[owner] = Turnover.from_document(item.body)
            look.versions[owner] = item.version
        else:
            look.stored.shared[owner] = int(item.body.get("fen", 0))


def _enter_all(context: Context, look: _Look, items: Sequence[Item]) -> None:
    """The discounts whose state is among these; their events are read where they are not."""
    events: dict[str, dict[str, Document]] = {}
    for item in items:
        if "event" in item.body:
            events.setdefault(item.pk, {})[item.sk] = item.body
    for item in items:
        if item.sk == STATE:
            own = events.get(item.pk, {})
            if len(own) < int(item.body["events"]):
                own = {event.sk: event.body for event in context.store.query(item.pk, "event#")}
            _enter(context, look, SeenDiscount(item.pk.removeprefix(discount_pk("")), item.body, own))


def _enter(context: Context, look: _Look, seen: SeenDiscount) -> None:
    look.discounts += 1
    breaks: list[Document] = []
    owners_of = Owners()
    entries = seen.entries(owners_of, breaks)
    owners: Sequence[str] = ()
    for entry in entries.values():
        owners = owners_of.of(entry)
        fen = _SIGN[entry.kind] * (entry.fen if entry.corrects is None else -entry.fen)
        if fen:
            look.posted.add(owners, fen, entry.day)
    held = seen.held(context, owners_of, breaks)
    if held is not None and seen.status is not ReservationStatus.RETURNED:
        look.live.add(owners_of.of(held), held.fen, held.day)
    if seen.moved_since(look.quiet_from):
        look.moving |= {stored_owner(owner) for owner in (*owners, *(() if held is None else owners_of.of(held)))}
        return
    for one in breaks or differences(seen, entries, held):
        _open(context, look, seen.discount_id, one, f"{one['subject']}/{one['what']}")


def _compare(context: Context, look: _Look) -> None:
    reserve = read_reserve(context)
    for one in reserve.faults:
        _open(context, look, "reserve", one, f"{one['subject']}/{one['what']}")
    for one in reserve.overdue:
        open_once(context, IncidentKind.COMPENSATION_OVERDUE, str(one["reference"]), str(one["reference"]), one)
    for owner, account, sums in (*_shared(look), *_turnovers(look)):
        if len(set(sums)) == 1 or owner in look.moving:
            continue
        if _moved(context, look, owner):
            look.moving.add(owner)
            continue
        stored_fen, posted_fen, live_fen = sums
        data = {"account": account, "stored_fen": stored_fen, "posted_fen": posted_fen, "live_fen": live_fen}
        _open(context, look, owner, data, f"{account}/{stored_fen - posted_fen}/{stored_fen - live_fen}")


_Compared = tuple[str, str, tuple[int, int, int]]
"""An owner, the sum's name, and what is stored, posted and live of it."""


def _shared(look: _Look) -> Iterator[_Compared]:
    parts = [one.shared for one in (look.stored, look.posted, look.live)]
    for owner in sorted({*parts[0], *parts[1], *parts[2]}):
        stored, posted, live = (part.get(owner, 0) for part in parts)
        yield owner, owner, (stored, posted, live)


def _turnovers(look: _Look) -> Iterator[_Compared]:
    """A record keeps only the newest day, month and year: all are brought to the newest day of the three."""
    parts = [one.turnovers for one in (look.stored, look.posted, look.live)]
    for owner in sorted({*parts[0], *parts[1], *parts[2]}):
        of_owner = [part.get(owner, Turnover()) for part in parts]
        days = [one.day for one in of_owner if one.day is not None]
        if days:
            stored, posted, live = (one.add(0, max(days), _NOBODY) for one in of_owner)
            for period in _PERIODS:
                sums = (getattr(stored, period), getattr(posted, period), getattr(live, period))
                yield owner, f"{owner}/{period.removesuffix('_fen')}", sums


def _moved(context: Context, look: _Look, owner: str) -> bool:
    """Whether a stored sum is not what it was when it was read first."""
    pk = exposure_pk(owner)
    if owner.startswith(ENTERPRISE):
        item = context.store.get(pk, USED)
        return (None if item is None else item.version) != look.versions.get(owner)
    return context.store.counter(pk, USED) != look.stored.shared.get(owner, 0)


def _open(context: Context, look: _Look, subject: str, data: Document, about: str) -> None:
    look.breaks += 1
    if look.breaks <= _OPENED_MAX:
        # A difference that was settled and is there a month later all the same is another break.
        month = context.calendar.shanghai_date(context.clock.now()).isoformat()[:7]
        open_once(context, IncidentKind.LIMITS_DIFFER, subject, f"{month}/{about}", data)
