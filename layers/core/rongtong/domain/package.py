"""A bill package (票据包): who holds which range of it, and what the platform itself has taken of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from rongtong.domain.errors import RongTongError
from rongtong.domain.sub_bill_range import SubBillRange

_FIELD = "bill.range"

SPLITS_MAX = 500
"""How often one bill may be cut (assumed: configurable)."""


class PackageError(RongTongError):
    """A package does not allow this step. Codes ``RANGE_…``."""

    code = "PACKAGE"


class RangeTakenError(RongTongError):
    """An overlapping range of the same package is already being discounted, or was (一票多卖)."""

    code = "RANGE_TAKEN"


class HoldingState(StrEnum):
    """What may happen to a holding now: anything, only what its lock's owner does, or nothing any more (已结清)."""

    FREE = "FREE"
    LOCKED = "LOCKED"
    SETTLED = "SETTLED"


@dataclass(frozen=True)
class Holding:
    """A range in one holder's hand (持票).

    ``owner`` is the application that has it locked, ``source`` the application by which it came to this holder (None
    for the first one): two pieces with different sources have different endorsement chains and never become one.
    """

    range: SubBillRange
    holder: str
    state: HoldingState = HoldingState.FREE
    owner: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Package:
    """All holdings of one bill number, in the order of their units; every step answers the package after it.

    The registry's rules on sub-ranges: they never overlap, and live and settled ones together stay what was issued.
    Raises PackageError (RANGE_OVERLAP) if holdings share units.
    """

    number: str
    splittable: bool
    holdings: tuple[Holding, ...]
    splits_max: int = SPLITS_MAX

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.holdings, key=lambda holding: holding.range))
        for left, right in pairwise(ordered):
            if left.range.overlaps(right.range):
                raise _refused("RANGE_OVERLAP", f"Two holdings share units: {left.range.wire()}, {right.range.wire()}.")
        object.__setattr__(self, "holdings", ordered)

    @classmethod
    def issued(cls, number: str, rng: SubBillRange, holder: str, splittable: bool) -> Package:
        """A package in its first holder's hand; ``splittable`` is the split flag (是否可分包流转) set at issue."""
        return cls(number, splittable, (Holding(rng, holder),))

    def holding_of(self, rng: SubBillRange) -> Holding | None:
        """The holding that contains the range, else the one that the range begins in, else None."""
        first = SubBillRange(rng.start, rng.start)
        return next((holding for holding in self.holdings if holding.range.contains(first)), None)

    def lock(self, rng: SubBillRange, owner: str) -> Package:
        """Lock a range for an application (TF0301 → TF0302), cutting it out of its holding; the repeat is no change.

        Raises PackageError: RANGE_ONE_PER_OWNER, RANGE_LOCKED, RANGE_NOT_HELD, RANGE_NOT_SPLITTABLE,
        RANGE_TOO_MANY_SPLITS.
        """
        own = [holding.range for holding in self.holdings if owner in (holding.owner, holding.source)]
        if rng in own:
            return self
        if own:
            raise _refused("RANGE_ONE_PER_OWNER", f"This application has the range {own[0].wire()}; make a new one.")
        return self._cut(rng, HoldingState.LOCKED, owner)

    def release(self, owner: str) -> Package:
        """Give back what the application has locked, and let it grow together with the pieces it was cut from.

        No change where the application holds no lock.
        """
        at = self._locked_at(owner)
        if at is None:
            return self
        merged = replace(self.holdings[at], state=HoldingState.FREE, owner=None)
        before, after = self.holdings[:at], self.holdings[at + 1 :]
        if before and _one_piece(before[-1], merged):
            merged = replace(merged, range=SubBillRange(before[-1].range.start, merged.range.end))
            before = before[:-1]
        if after and _one_piece(merged, after[0]):
            merged = replace(merged, range=SubBillRange(merged.range.start, after[0].range.end))
            after = after[1:]
        return replace(self, holdings=(*before, merged, *after))

    def endorse(self, owner: str, new_holder: str) -> Package:
        """Pass what the application has locked to its new holder (背书), in whose hand it is free again.

        The repeat is no change. Raises PackageError (RANGE_NOT_LOCKED).
        """
        at = self._locked_at(owner)
        if at is not None:
            return self._with(at, Holding(self.holdings[at].range, new_holder, source=owner))
        if any(holding.source == owner and holding.holder == new_holder for holding in self.holdings):
            return self
        raise _refused("RANGE_NOT_LOCKED", "The application holds no lock in this package; lock the range first.")

    def settle(self, rng: SubBillRange) -> Package:
        """End a range for good (结清), cutting it out of its holding.

        Raises PackageError: RANGE_LOCKED, RANGE_NOT_HELD, RANGE_NOT_SPLITTABLE, RANGE_TOO_MANY_SPLITS.
        """
        return self._cut(rng, HoldingState.SETTLED, None)

    def _locked_at(self, owner: str) -> int | None:
        return next((at for at, holding in enumerate(self.holdings) if holding.owner == owner), None)

    def _with(self, at: int, *pieces: Holding) -> Package:
        return replace(self, holdings=(*self.holdings[:at], *pieces, *self.holdings[at + 1 :]))

    def _cut(self, rng: SubBillRange, state: HoldingState, owner: str | None) -> Package:
        for at, holding in enumerate(self.holdings):
            if holding.state is HoldingState.LOCKED and holding.range.overlaps(rng):
                raise _refused("RANGE_LOCKED", "Another application has locked the range or a part of it; wait for it.")
            if holding.state is HoldingState.FREE and holding.range.contains(rng):
                return self._cut_out(at, rng, state, owner)
        raise _refused("RANGE_NOT_HELD", "The range does not lie within one holding; ask for what is held.")

    def _cut_out(self, at: int, rng: SubBillRange, state: HoldingState, owner: str | None) -> Package:
        holding = self.holdings[at]
        if rng == holding.range:
            return self._with(at, replace(holding, state=state, owner=owner))
        if not self.splittable or rng.whole or holding.range.whole:
            raise _refused("RANGE_NOT_SPLITTABLE", f"This package cannot be split; use {holding.range.wire()}.")
        pieces = [replace(holding, range=rng, state=state, owner=owner)]
        if holding.range.start < rng.start:
            pieces.append(replace(holding, range=SubBillRange(holding.range.start, rng.start - 1)))
        if rng.end < holding.range.end:
            pieces.append(replace(holding, range=SubBillRange(rng.end + 1, holding.range.end)))
        cut = self._with(at, *pieces)
        # What grew together again no longer counts: the cuts that stand are one fewer than the pieces.
        if len(cut.holdings) - 1 > self.splits_max:
            raise _refused("RANGE_TOO_MANY_SPLITS", f"A bill is split {self.splits_max} times at most; deal all of it.")
        return cut


@dataclass(frozen=True)
class TakenRanges:
    """What of a package is being discounted on this platform or was: range, its discount, the discount's applicant."""

    slots: tuple[tuple[SubBillRange, str, str], ...] = ()

    def take(self, rng: SubBillRange, owner: str, applicant_uscc: str) -> TakenRanges:
        """With the range taken by a discount; the discount's own repeat is no change. Raises RangeTakenError."""
        for taken, holder, _ in self.slots:
            if (taken, holder) == (rng, owner):
                return self
            if taken.overlaps(rng):
                raise RangeTakenError(
                    "This range, or a part of it, is already being discounted or was discounted before.",
                    field=_FIELD,
                )
        return TakenRanges((*self.slots, (rng, owner, applicant_uscc)))

    def require_splits(self, splits_max: int) -> None:
        """Raises PackageError (RANGE_TOO_MANY_SPLITS) when more ranges are taken than a package may be split into."""
        if self.slices() > splits_max:
            raise _refused("RANGE_TOO_MANY_SPLITS", f"A bill is split {splits_max} times at most; deal all of it.")

    def give_back(self, owner: str) -> TakenRanges:
        """Without what the discount has taken; no change where it has nothing."""
        return TakenRanges(tuple(slot for slot in self.slots if slot[1] != owner))

    def slices(self) -> int:
        """How many ranges are taken."""
        return len(self.slots)

    def slices_over(self, rng: SubBillRange) -> int:
        """How many of them have units of this range."""
        return sum(taken.overlaps(rng) for taken, _, _ in self.slots)

    def companies(self) -> int:
        """How many companies took them."""
        return len({applicant for _, _, applicant in self.slots})

    def as_document(self) -> dict[str, list[str]]:
        """As it is stored: wire form to discount id and the applicant's credit code."""
        return {rng.wire(): [owner, applicant] for rng, owner, applicant in self.slots}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TakenRanges:
        """Read what ``as_document`` wrote.

        Raises SubBillRangeError, RangeTakenError, PackageError (RANGES_UNREADABLE).
        """
        taken = cls()
        for wire, pair in document.items():
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
                raise PackageError(
                    f"{wire} is not taken by a pair of discount id and credit code; restore the package's record.",
                    field="ranges",
                    code="RANGES_UNREADABLE",
                )
            taken = taken.take(SubBillRange.parse(wire), *pair)
        return taken


def _one_piece(left: Holding, right: Holding) -> bool:
    adjacent = left.range.end + 1 == right.range.start
    both = (left.state, left.holder, left.source) == (right.state, right.holder, right.source)
    return adjacent and both


def _refused(code: str, message: str) -> PackageError:
    return PackageError(message, field=_FIELD, code=code)
