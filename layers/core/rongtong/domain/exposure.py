"""How much may be discounted (限额): limits, an enterprise's turnover, and the counters that all discounts share.

An amount is reserved when a request is accepted, consumed when it is paid, returned when it ends unpaid. All limits are
(assumed: configurable); one that is not set does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from typing import Any, Self

from rongtong.domain.errors import InvalidInputError, RongTongError, TransitionError
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.money import fen_to_yuan

_FEN_MAX = 10**18 - 1
"""16 integer digits and two decimals (SHCPE money type)."""
_BANK_CODE_DIGITS = 12
_FIELD = "bill.amount_fen"
_SIGNATURE = frozenset({"version", "proposed_by", "approved_by", "approved_at"})
"""What stands beside stored limits: who made them so."""


class LimitsError(InvalidInputError):
    """Limits that cannot be read; ``field`` names the part."""

    code = "LIMITS"


class Level(StrEnum):
    """Whose limit it is."""

    BILL = "bill"
    ENTERPRISE_DAY = "enterprise_day"
    ENTERPRISE_MONTH = "enterprise_month"
    ENTERPRISE_YEAR = "enterprise_year"
    ACCEPTOR = "acceptor"
    ACCEPTOR_GROUP = "acceptor_group"
    INSTITUTION = "institution"
    PLATFORM_DAY = "platform_day"


class LimitExceededError(RongTongError):
    """A limit has not enough left; ``level`` says whose. Only what any one discount may be is told as a figure."""

    code = "LIMIT_EXCEEDED"

    def __init__(self, message: str, level: Level) -> None:
        super().__init__(message, field=_FIELD)
        self.level = level

    @classmethod
    def of_shared(cls, level: Level) -> Self:
        """For a sum that discounts of others add to: what is left there is not this caller's to know.

        An enterprise's own sum is one too, because the enterprise may have discounted through another platform.
        """
        return cls(f"The {_SAID[level]} has not enough left; discount less, or another day.", level)


_SAID: Mapping[Level, str] = {
    Level.ENTERPRISE_DAY: "enterprise's limit of the day",
    Level.ENTERPRISE_MONTH: "enterprise's limit of the month",
    Level.ENTERPRISE_YEAR: "enterprise's limit of the year",
    Level.ACCEPTOR: "limit of the bill's acceptor",
    Level.ACCEPTOR_GROUP: "limit of the group that the bill's acceptor belongs to",
    Level.INSTITUTION: "institution's limit",
    Level.PLATFORM_DAY: "platform's limit of the day",
}


@dataclass(frozen=True)
class EnterpriseLimits:
    """What one enterprise may discount in a calendar day, month and year of Shanghai, in fen; None: no limit."""

    day_fen: int | None = None
    month_fen: int | None = None
    year_fen: int | None = None


@dataclass(frozen=True)
class GroupLimit:
    """What may be outstanding of a group of acceptors (集团) together, in fen; None: no limit."""

    limit_fen: int | None
    members: frozenset[str]


@dataclass(frozen=True)
class Limits:
    """Every limit in fen; None: no limit. ``acceptor_fen`` holds for acceptors without one of their own."""

    bill_fen: int | None = None
    enterprise: EnterpriseLimits = field(default_factory=EnterpriseLimits)
    enterprises: Mapping[str, EnterpriseLimits] = field(default_factory=dict)
    """Enterprises with limits of their own, by id (客户分层)."""
    acceptor_fen: int | None = None
    acceptors: Mapping[str, int | None] = field(default_factory=dict)
    groups: Mapping[str, GroupLimit] = field(default_factory=dict)
    platform_day_fen: int | None = None

    @classmethod
    def parse(cls, document: object) -> Self:
        """From ``{"bill_fen": fen, "enterprise": {"day_fen", "month_fen", "year_fen"}, "enterprises": {id: the same},
        "acceptor_fen": fen, "acceptors": {bank code: fen}, "groups": {id: {"limit_fen", "members": [bank code]}},
        "platform_day_fen": fen}``.

        Everything may be left out or null: no limit; what an entry of ``enterprises`` leaves out is as in
        ``enterprise``. Version and approvals may stand beside. Raises LimitsError; its field is like
        ``groups.g1.members.0``.
        """
        body = _object(document, "limits", _LIMITS_PARTS | _SIGNATURE)
        enterprise = _enterprise(body.get("enterprise", {}), "enterprise", EnterpriseLimits())
        own = _object(body.get("enterprises", {}), "enterprises")
        acceptors = _object(body.get("acceptors", {}), "acceptors")
        for code in acceptors:
            _require_bank_code(code, f"acceptors.{code}")
        return cls(
            bill_fen=_fen(body.get("bill_fen"), "bill_fen"),
            enterprise=enterprise,
            enterprises={key: _enterprise(entry, f"enterprises.{key}", enterprise) for key, entry in own.items()},
            acceptor_fen=_fen(body.get("acceptor_fen"), "acceptor_fen"),
            acceptors={code: _fen(fen, f"acceptors.{code}") for code, fen in acceptors.items()},
            groups=_groups(body.get("groups", {})),
            platform_day_fen=_fen(body.get("platform_day_fen"), "platform_day_fen"),
        )

    def require_bill(self, amount_fen: int) -> None:
        """Raises LimitExceededError (level bill) when one discount is larger than any may be."""
        if self.bill_fen is not None and amount_fen > self.bill_fen:
            raise LimitExceededError(
                f"One discount is {fen_to_yuan(self.bill_fen)} yuan at most; discount a smaller range.", Level.BILL
            )

    def enterprise_limits(self, enterprise_id: str) -> EnterpriseLimits:
        """The enterprise's own limits, or those of every enterprise."""
        return self.enterprises.get(enterprise_id, self.enterprise)

    def group_of(self, acceptor_code: str) -> str | None:
        """The id of the group that the acceptor belongs to."""
        return next((key for key, group in self.groups.items() if acceptor_code in group.members), None)


@dataclass(frozen=True)
class Turnover:
    """What an enterprise has reserved or discounted, in fen, in the day, month and year of ``day`` (Shanghai)."""

    day: date | None = None
    day_fen: int = 0
    month_fen: int = 0
    year_fen: int = 0

    def add(self, amount_fen: int, on: date, limits: EnterpriseLimits) -> Turnover:
        """With the amount, in the periods of ``on``; what belongs to periods before is dropped.

        Where ``on`` lies before ``day``, because another request was quicker over midnight, the periods of ``day`` stay
        and only those that ``on`` belongs to as well take the amount. Raises LimitExceededError, the day's limit first.
        """
        day = on if self.day is None else max(self.day, on)
        sums = {}
        for name, level, same in _PERIODS:
            used = getattr(self, name) if self.day is not None and same(self.day, day) else 0
            if same(on, day):
                limit = getattr(limits, name)
                if limit is not None and used + amount_fen > limit:
                    raise LimitExceededError.of_shared(level)
                used += amount_fen
            sums[name] = used
        return Turnover(day, **sums)

    def give_back(self, amount_fen: int, on: date) -> Turnover:
        """Without an amount that was added on that day: subtracted where its period is still current, never below 0."""
        day = self.day
        if day is None:
            return self
        sums = {name: max(getattr(self, name) - amount_fen, 0) for name, _, same in _PERIODS if same(on, day)}
        return replace(self, **sums)

    def as_document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "day": None if self.day is None else self.day.isoformat(),
            "day_fen": self.day_fen,
            "month_fen": self.month_fen,
            "year_fen": self.year_fen,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``as_document`` wrote; an empty document is an enterprise that has discounted nothing."""
        if document.get("day") is None:
            return cls()
        sums = {name: int(document[name]) for name, _, _ in _PERIODS}
        return cls(date.fromisoformat(document["day"]), **sums)


_PERIODS: tuple[tuple[str, Level, Callable[[date, date], bool]], ...] = (
    ("day_fen", Level.ENTERPRISE_DAY, lambda one, other: one == other),
    ("month_fen", Level.ENTERPRISE_MONTH, lambda one, other: (one.year, one.month) == (other.year, other.month)),
    ("year_fen", Level.ENTERPRISE_YEAR, lambda one, other: one.year == other.year),
)


@dataclass(frozen=True)
class Counter:
    """A sum that discounts of many enterprises add to; ``key`` names it, ``limit_fen`` None: only counted."""

    level: Level
    key: str
    limit_fen: int | None


def counters(
    limits: Limits,
    *,
    acceptor_code: str,
    acceptor_group: str | None,
    institution_id: str,
    institution_limit_fen: int | None,
    day: date,
) -> tuple[Counter, ...]:
    """The shared counters of one discount: acceptor, its group if any, institution, and the platform's of the day.

    The keys depend on the discount alone, so that what it has added is given back where it was added even after the
    limits have changed.
    """
    acceptor_fen = limits.acceptors.get(acceptor_code, limits.acceptor_fen)
    found = [Counter(Level.ACCEPTOR, f"acceptor#{acceptor_code}", acceptor_fen)]
    if acceptor_group is not None:
        group = limits.groups.get(acceptor_group)
        group_fen = None if group is None else group.limit_fen
        found.append(Counter(Level.ACCEPTOR_GROUP, f"acceptor_group#{acceptor_group}", group_fen))
    found.append(Counter(Level.INSTITUTION, f"institution#{institution_id}", institution_limit_fen))
    found.append(Counter(Level.PLATFORM_DAY, f"platform#{day.isoformat()}", limits.platform_day_fen))
    return tuple(found)


class ReservationStatus(StrEnum):
    """Where the amount stands that a discount has taken of the limits."""

    RESERVED = "RESERVED"
    CONSUMED = "CONSUMED"
    RETURNED = "RETURNED"


_RESERVATION: Mapping[ReservationStatus, frozenset[ReservationStatus]] = {
    ReservationStatus.RESERVED: frozenset({ReservationStatus.CONSUMED, ReservationStatus.RETURNED}),
    ReservationStatus.CONSUMED: frozenset(),
    ReservationStatus.RETURNED: frozenset(),
}


_OF_STATUS: Mapping[DiscountStatus, ReservationStatus] = {
    DiscountStatus.DISBURSED: ReservationStatus.CONSUMED,
    DiscountStatus.RETURNED: ReservationStatus.CONSUMED,
    DiscountStatus.REFUSED: ReservationStatus.RETURNED,
    DiscountStatus.FAILED: ReservationStatus.RETURNED,
}


def reservation_of(status: DiscountStatus) -> ReservationStatus:
    """Where the reservation of a discount in this status stands."""
    return _OF_STATUS.get(status, ReservationStatus.RESERVED)


def require_reservation_transition(current: ReservationStatus, new: ReservationStatus) -> None:
    """Raises TransitionError unless a reservation may go from ``current`` to ``new``."""
    if new not in _RESERVATION[current]:
        raise TransitionError(f"A reservation that is {current} cannot become {new}.")


_ENTERPRISE_PARTS = frozenset({"day_fen", "month_fen", "year_fen"})
_LIMITS_PARTS = frozenset(
    {"bill_fen", "enterprise", "enterprises", "acceptor_fen", "acceptors", "groups", "platform_day_fen"}
)


def _object(value: object, name: str, parts: frozenset[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise LimitsError(f"{name} is an object.", field=name)
    for part in value:
        if parts is not None and part not in parts:
            known = ", ".join(sorted(parts))
            raise LimitsError(f"{name} has no {part!r}; it has {known}.", field=f"{name}.{part}")
    return value


def _fen(value: object, name: str) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value <= _FEN_MAX:
        raise LimitsError(f"{name} is a whole number of fen from 0 to {_FEN_MAX}, or left out.", field=name)
    return value


def _enterprise(value: object, name: str, base: EnterpriseLimits) -> EnterpriseLimits:
    parts = _object(value, name, _ENTERPRISE_PARTS)
    return replace(base, **{part: _fen(fen, f"{name}.{part}") for part, fen in parts.items()})


def _groups(value: object) -> Mapping[str, GroupLimit]:
    groups: dict[str, GroupLimit] = {}
    taken: set[str] = set()
    for key, entry in _object(value, "groups").items():
        parts = _object(entry, f"groups.{key}", frozenset({"limit_fen", "members"}))
        members = list(_members(parts.get("members"), f"groups.{key}.members", taken))
        groups[key] = GroupLimit(_fen(parts.get("limit_fen"), f"groups.{key}.limit_fen"), frozenset(members))
    return groups


def _members(listed: object, name: str, taken: set[str]) -> Iterator[str]:
    if not isinstance(listed, list) or not listed:
        raise LimitsError(f"{name} is a list of bank codes.", field=name)
    for at, code in enumerate(listed):
        _require_bank_code(code, f"{name}.{at}")
        if code in taken:
            raise LimitsError(f"{code} is in a group already; an acceptor has one group.", field=f"{name}.{at}")
        taken.add(code)
        yield code


def _require_bank_code(code: object, name: str) -> None:
    # The check digit is left to the directory: some banks' real codes fail it.
    if not isinstance(code, str) or not (len(code) == _BANK_CODE_DIGITS and code.isascii() and code.isdigit()):
        raise LimitsError(f"{code!r} is no bank code; it has 12 digits.", field=name)
