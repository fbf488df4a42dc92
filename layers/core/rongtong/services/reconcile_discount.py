"""One discount as the reconciliation of the limits sees it: what its postings say, and what its state holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rongtong.domain.errors import RongTongError
from rongtong.domain.exposure import ReservationStatus, reservation_of
from rongtong.domain.exposure_ledger import Account, EntryKind, JournalEntry, Part, reservation, standing
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.services.compensation_reserve import fault
from rongtong.services.context import Context
from rongtong.services.records import event_sk
from rongtong.services.storage import Document

ENTERPRISE = "enterprise#"


class Owners:
    """Whose limits entries count against; those of one discount are the same."""

    def __init__(self) -> None:
        self._entry: JournalEntry | None = None
        self._owners: tuple[str, ...] = ()

    def of(self, entry: JournalEntry) -> tuple[str, ...]:
        """Raises AccountUnknownError for one that the chart does not have."""
        last = self._entry
        if last is None or replace(entry, kind=last.kind, fen=last.fen, corrects=last.corrects) != last:
            owners = entry.owners
            for owner in owners:
                Account(owner, Part.RESERVED)
            self._owners, self._entry = owners, entry
        return self._owners


@dataclass(frozen=True)
class SeenDiscount:
    """A discount as it is stored."""

    discount_id: str
    state: Document
    events: Mapping[str, Document]

    @property
    def status(self) -> ReservationStatus:
        return reservation_of(DiscountStatus(self.state["status"]))

    def moved_since(self, instant: str) -> bool:
        """Whether it took or gave back something of the limits since then: only events with an entry do."""
        moved = [str(body["event"]["at"]) for body in self.events.values() if "journal" in body.get("beside", {})]
        return max(moved, default="") >= instant

    def entries(self, owners: Owners, breaks: list[Document]) -> dict[str, JournalEntry]:
        """The postings beside its events by their names, oldest first; what cannot be read is a break."""
        applicant = self.request.get("applicant_uscc")
        found: dict[str, JournalEntry] = {}
        for sk, body in sorted(self.events.items()):
            listed = body.get("beside", {}).get("journal")
            if listed is not None:
                name = f"{self.discount_id}/{int(sk.rpartition('#')[2])}"
                try:
                    entry = JournalEntry.parse(listed, applicant)
                    owners.of(entry)
                except RongTongError as error:
                    breaks.append(fault(name, error))
                else:
                    found[name] = entry
        return found

    def held(self, context: Context, owners: Owners, breaks: list[Document]) -> JournalEntry | None:
        """The reservation that its request and its state imply; where that cannot be said, it is a break."""
        try:
            entry = JournalEntry(
                kind=EntryKind.RESERVE,
                fen=int(self.state["face_fen"]),
                acceptor_code=self.request["acceptor_bank_code"],
                acceptor_group=self.state.get("acceptor_group"),
                institution_id=self.state["institution_id"],
                day=context.calendar.shanghai_date(datetime.fromisoformat(str(self.state["accepted_at"]))),
                enterprise=self.request["applicant_uscc"],
            )
            owners.of(entry)
        except (RongTongError, KeyError, ValueError) as error:
            breaks.append(fault(self.discount_id, error))
            return None
        return entry

    @property
    def request(self) -> Mapping[str, Any]:
        first: Document = self.events.get(event_sk(1), {})
        found: Mapping[str, Any] = first.get("event", {}).get("data", {})
        return found


def differences(
    seen: SeenDiscount, entries: Mapping[str, JournalEntry], held: JournalEntry | None
) -> Iterator[Document]:
    """Where a discount's postings are not those of its request and its state."""
    try:
        status = reservation(entries)
    except RongTongError as error:
        yield fault(seen.discount_id, error)
        return
    if status is not seen.status:
        told = None if status is None else status.value
        yield {"subject": seen.discount_id, "what": "STATE", "posted": told, "found": seen.status.value}
    first = next(iter(standing(entries).values()), None)
    if first is not None and first != held:
        found_fen = None if held is None else held.fen
        yield {"subject": seen.discount_id, "what": "POSTING", "posted_fen": first.fen, "found_fen": found_fen}


def stored_owner(owner: str) -> str:
    """Under whom the sum is stored: an enterprise's days are one record."""
    return owner.rpartition("#")[0] if owner.startswith(ENTERPRISE) else owner
