"""The exposure ledger (额度台账): double-entry postings of what is taken of limits, and of the compensation reserve.

Every entry debits one account and credits another for each owner that it counts against, so all accounts together are
zero. Entries are only ever appended; a correction names the entry that it undoes and posts the opposite. The chart has
no account for client money: the platform never holds any, and nothing outside the chart can be opened or posted to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Self, TypeVar

from rongtong.domain.errors import InvalidInputError, RongTongError
from rongtong.domain.exposure import (
    EnterpriseLimits,
    Limits,
    ReservationStatus,
    Turnover,
    counters,
    require_reservation_transition,
)

FEN_MAX = 10**18 - 1
"""16 integer digits and two decimals (SHCPE money type)."""


class AccountUnknownError(RongTongError):
    """An account that the chart does not have; nothing is ever posted to one."""

    code = "LEDGER_ACCOUNT"


class JournalEntryError(InvalidInputError):
    """An entry that cannot be read or posted, or that corrects what it does not match."""

    code = "JOURNAL_ENTRY"


class Part(StrEnum):
    """What an account of an owner counts."""

    AVAILABLE = "available"
    """Of a limit: out of which it is taken, so its balance is a credit. Of the reserve: what may still be paid out."""
    RESERVED = "reserved"
    USED = "used"
    RETURNED = "returned"
    """What was reserved and came back; together with ``available`` it mirrors what is taken now."""
    FUNDED = "funded"
    """What an institution, or the platform of its own funds, has put into the reserve: a credit."""
    PAID_OUT = "paid_out"


RESERVE = "reserve"
"""The compensation reserve (赔付准备金)."""
_OWN_FUNDS = f"{RESERVE}#platform"
_LIMIT = frozenset({Part.AVAILABLE, Part.RESERVED, Part.USED, Part.RETURNED})
_DAY = r"\d{4}-\d{2}-\d{2}"
_CHART: tuple[tuple[re.Pattern[str], frozenset[Part]], ...] = (
    (re.compile(r"(?:acceptor|acceptor_group|institution)#.+", re.DOTALL), _LIMIT),
    (re.compile(rf"platform#{_DAY}", re.ASCII), _LIMIT),
    (re.compile(rf"enterprise#[0-9A-Z]{{18}}#{_DAY}", re.ASCII), _LIMIT),
    (re.compile(RESERVE), frozenset({Part.AVAILABLE, Part.PAID_OUT})),
    (re.compile(rf"{RESERVE}#(?:platform|institution#.+)", re.DOTALL), frozenset({Part.FUNDED})),
)


@dataclass(frozen=True, order=True)
class Account:
    """One account of the chart, written ``<owner>/<part>``. Raises AccountUnknownError for any other.

    Owners are those of the shared counters, ``enterprise#<credit code>#<day>``, and the reserve with who funds it.
    """

    owner: str
    part: Part

    def __post_init__(self) -> None:
        if not any(owner.fullmatch(self.owner) and self.part in parts for owner, parts in _CHART):
            raise AccountUnknownError(f"The chart of accounts has no {self.owner}/{self.part}.")

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read ``<owner>/<part>``. Raises AccountUnknownError."""
        owner, _, part = name.rpartition("/")
        if part not in frozenset(Part):
            raise AccountUnknownError(f"The chart of accounts has no {name}.")
        return cls(owner, Part(part))

    @property
    def name(self) -> str:
        """As ``parse`` reads it."""
        return f"{self.owner}/{self.part.value}"


@dataclass(frozen=True)
class Posting:
    """Fen on one account: a debit is positive, a credit negative."""

    account: Account
    fen: int


class EntryKind(StrEnum):
    """What happens to a discount's part of the limits."""

    RESERVE = "reserve"
    USE = "use"
    RETURN = "return"


_MOVES: Mapping[EntryKind, tuple[Part, Part]] = {
    EntryKind.RESERVE: (Part.RESERVED, Part.AVAILABLE),
    EntryKind.USE: (Part.USED, Part.RESERVED),
    EntryKind.RETURN: (Part.RETURNED, Part.RESERVED),
}
"""Which account is debited and which credited."""
_STATUS: Mapping[EntryKind, ReservationStatus] = {
    EntryKind.RESERVE: ReservationStatus.RESERVED,
    EntryKind.USE: ReservationStatus.CONSUMED,
    EntryKind.RETURN: ReservationStatus.RETURNED,
}


@dataclass(frozen=True)
class JournalEntry:
    """What one event of a discount does to the limits; ``day`` is the day in Shanghai in which it counts.

    ``corrects`` names the entry that this one undoes, as ``<discount id>/<event number>``. Raises JournalEntryError.
    """

    kind: EntryKind
    fen: int
    acceptor_code: str
    acceptor_group: str | None
    institution_id: str
    day: date
    enterprise: str
    """The applicant's credit code."""
    corrects: str | None = None

    def __post_init__(self) -> None:
        _require_fen(self.fen, "fen")

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose limits it counts against: the shared counters' owners, and the enterprise in its day."""
        shared = counters(
            Limits(),
            acceptor_code=self.acceptor_code,
            acceptor_group=self.acceptor_group,
            institution_id=self.institution_id,
            institution_limit_fen=None,
            day=self.day,
        )
        return (*[counter.key for counter in shared], f"enterprise#{self.enterprise}#{self.day.isoformat()}")

    def postings(self) -> tuple[Posting, ...]:
        """A debit and a credit for every owner. Raises AccountUnknownError."""
        debit, credit = _MOVES[self.kind]
        return tuple(
            posting for owner in self.owners for posting in _transfer(owner, debit, owner, credit, _signed(self))
        )

    def as_list(self, *, beside_applicant: bool = False) -> list[Any]:
        """As it is stored: ``[kind, fen, acceptor code, acceptor group, institution, day, credit code, corrects]``.

        What is last and empty is left out. ``beside_applicant`` leaves the credit code out too, for the event that
        names the applicant already and has no room to say it twice.
        """
        listed = [self.kind.value, self.fen, self.acceptor_code, self.acceptor_group, self.institution_id]
        listed.append(self.day.isoformat())
        if self.corrects is not None:
            return [*listed, self.enterprise, self.corrects]
        return listed if beside_applicant else [*listed, self.enterprise]

    @classmethod
    def parse(cls, listed: object, applicant: str | None = None) -> Self:
        """Read what ``as_list`` wrote; ``applicant`` is the credit code of the event it stands beside.

        Raises JournalEntryError.
        """
        if not isinstance(listed, list) or not 6 <= len(listed) <= 8:
            raise JournalEntryError("A journal entry is a list of six to eight parts.", field="journal")
        kind, fen, acceptor, group, institution, day = listed[:6]
        rest: list[Any] = [*listed[6:], *[applicant, None][len(listed) - 6 :]]
        enterprise, corrects = rest
        texts = [kind, acceptor, institution, day, enterprise]
        texts += [part for part in (group, corrects) if part is not None]
        if not all(isinstance(text, str) and text for text in texts) or kind not in frozenset(EntryKind):
            raise JournalEntryError("A part of the journal entry is missing or is no text.", field="journal")
        try:
            on = date.fromisoformat(day)
        except ValueError:
            raise JournalEntryError(f"{day!r} is no day; it is written like 2026-04-15.", field="journal.day") from None
        return cls(EntryKind(kind), fen, acceptor, group, institution, on, enterprise, corrects)


class ReserveKind(StrEnum):
    """What happens to the compensation reserve."""

    FUND = "fund"
    COMPENSATE = "compensate"


@dataclass(frozen=True)
class ReserveEntry:
    """Money put into the reserve or paid out of it, in fen; ``corrects`` is the reference of what it undoes.

    ``institution_id`` says who funds; None: the platform, of its own. Raises JournalEntryError.
    """

    kind: ReserveKind
    fen: int
    institution_id: str | None = None
    corrects: str | None = None

    def __post_init__(self) -> None:
        _require_fen(self.fen, "amount_fen")
        if self.kind is ReserveKind.COMPENSATE and self.institution_id is not None:
            raise JournalEntryError("A compensation is paid out of the reserve, not by one institution.")

    def postings(self) -> tuple[Posting, ...]:
        """One debit and one credit. Raises AccountUnknownError."""
        if self.kind is ReserveKind.COMPENSATE:
            return _transfer(RESERVE, Part.PAID_OUT, RESERVE, Part.AVAILABLE, _signed(self))
        funder = _OWN_FUNDS if self.institution_id is None else f"{RESERVE}#institution#{self.institution_id}"
        return _transfer(RESERVE, Part.AVAILABLE, funder, Part.FUNDED, _signed(self))


Entry = TypeVar("Entry", JournalEntry, ReserveEntry)


def opposite(entry: Entry, name: str) -> Entry:
    """The entry that corrects this one, which is known by that name."""
    return replace(entry, corrects=name)


def standing(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries by name without corrections and what they correct, in their order.

    Raises JournalEntryError for a correction of nothing known, of a correction, of another amount or owner than it
    says, or the second of one entry.
    """
    left = {name: entry for name, entry in entries.items() if entry.corrects is None}
    for name, entry in entries.items():
        if entry.corrects is not None:
            corrected = left.pop(entry.corrects, None)
            if corrected is None:
                raise JournalEntryError(
                    f"{name} corrects {entry.corrects}, which is no entry, a correction, or corrected already.",
                    field="corrects",
                )
            if opposite(corrected, entry.corrects) != entry:
                raise JournalEntryError(f"{name} is not the opposite of {entry.corrects}.", field="corrects")
    return left


def reservation(entries: Mapping[str, JournalEntry]) -> ReservationStatus | None:
    """Where a discount's part of the limits stands by its entries, oldest first; None: nothing is taken.

    Raises TransitionError where a step follows that may not, JournalEntryError where the steps are not of one amount
    and the same owners, and what ``standing`` raises.
    """
    status: ReservationStatus | None = None
    first: JournalEntry | None = None
    for entry in standing(entries).values():
        if status is None and entry.kind is not EntryKind.RESERVE:
            raise JournalEntryError(f"{entry.kind.value} before anything is reserved.", field="journal.kind")
        if status is not None:
            require_reservation_transition(status, _STATUS[entry.kind])
        first = first or entry
        if replace(entry, kind=first.kind) != first:
            raise JournalEntryError("The entries of a discount are of one amount and the same owners.")
        status = _STATUS[entry.kind]
    return status


@dataclass(frozen=True)
class Balances:
    """What every account's postings add up to, in fen: debits positive, credits negative."""

    fen: Mapping[Account, int] = field(default_factory=dict)

    @classmethod
    def of(cls, postings: Iterable[Posting]) -> Self:
        """Fold postings, in whatever order."""
        sums: dict[Account, int] = {}
        for posting in postings:
            sums[posting.account] = sums.get(posting.account, 0) + posting.fen
        return cls(sums)

    def merge(self, other: Balances) -> Balances:
        """The balances of both one's postings together."""
        return Balances.of(Posting(account, fen) for one in (self, other) for account, fen in one.fen.items())

    def of_account(self, account: Account) -> int:
        """An account's balance; 0 if nothing was ever posted to it."""
        return self.fen.get(account, 0)

    def taken(self, owner: str) -> int:
        """What is taken of an owner's limit now: reserved and used."""
        return self.of_account(Account(owner, Part.RESERVED)) + self.of_account(Account(owner, Part.USED))

    @property
    def trial_fen(self) -> int:
        """The trial balance (试算平衡): all accounts together, 0 unless a posting lacks its other side."""
        return sum(self.fen.values())

    def turnovers(self) -> dict[str, Turnover]:
        """Every enterprise's turnover, by credit code, in the day, month and year of the last day it has entries of."""
        days: dict[str, set[str]] = {}
        for account in self.fen:
            kind, _, rest = account.owner.partition("#")
            if kind == "enterprise":
                code, _, day = rest.partition("#")
                days.setdefault(code, set()).add(day)
        found: dict[str, Turnover] = {}
        for code, known in days.items():
            turnover = Turnover()
            for day in sorted(known):
                fen = self.taken(f"enterprise#{code}#{day}")
                turnover = turnover.add(fen, date.fromisoformat(day), EnterpriseLimits())
            found[code] = turnover
        return found


def _signed(entry: JournalEntry | ReserveEntry) -> int:
    return entry.fen if entry.corrects is None else -entry.fen


def _transfer(to: str, debit: Part, of: str, credit: Part, fen: int) -> tuple[Posting, Posting]:
    return Posting(Account(to, debit), fen), Posting(Account(of, credit), -fen)


def _require_fen(fen: object, field: str) -> None:
    if type(fen) is not int or not 0 < fen <= FEN_MAX:
        raise JournalEntryError(f"{field} is a whole number of fen from 1 to {FEN_MAX}.", field=field)
