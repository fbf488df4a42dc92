"""Sub-bill ranges (子票区间): which of a package's one-fen units are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rongtong.domain.errors import SubBillRangeError

_FORMS = (re.compile(r"(\d{12})-(\d{12})", re.ASCII), re.compile(r"([1-9]\d{0,11})-([1-9]\d{0,11})", re.ASCII))
_WHOLE_FORMS = frozenset({"", "0", "0-0"})
_UNIT_MAX = 10**12 - 1
"""What twelve digits can say."""
_FIELD = "bill.range"

PACKAGE_CEILING_FEN = 100_000_000_000
"""The largest package (票据包): 10 亿元 (assumed: configurable)."""


@dataclass(frozen=True, order=True)
class SubBillRange:
    """Units ``start`` to ``end``, both included, counted from 1; one unit is one fen (标准金额 0.01 yuan).

    ``whole``: the package cannot be split (不可分包流转), and the range is all of it.
    """

    start: int
    end: int
    whole: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if self.start < 1 or self.end > _UNIT_MAX:
            raise _refused("RANGE_FORMAT", "A range's units are numbered from 1, with twelve digits at most.")
        if self.end < self.start:
            raise _refused("RANGE_UPSIDE_DOWN", f"The range ends at {self.end}, before its start {self.start}.")
        if self.whole and self.start != 1:
            raise _refused("RANGE_FORMAT", "A package that cannot be split is meant from its first unit on.")

    @classmethod
    def whole_package(cls, amount_fen: int) -> SubBillRange:
        """All of a package of this amount that cannot be split. Raises SubBillRangeError (RANGE_AMOUNT_MISMATCH)."""
        if amount_fen < 1:
            raise _mismatch(f"A package holds 1 fen or more, not {amount_fen}; send the bill's own amount.")
        return cls(1, amount_fen, whole=True)

    @classmethod
    def parse(cls, text: str, *, whole_fen: int | None = None) -> SubBillRange:
        """Read the padded wire form or the short display form, nothing between them. Raises SubBillRangeError.

        "0", "0-0" and the blank of the former system mean a package that cannot be split; the amount that such a
        text does not say is ``whole_fen``, without which it is refused.
        """
        if text in _WHOLE_FORMS:
            if whole_fen is None:
                raise _refused(
                    "RANGE_FORMAT", "This range means the whole package; write the units, from 1 to its fen."
                )
            return cls.whole_package(whole_fen)
        for form in _FORMS:
            match = form.fullmatch(text)
            if match is not None:
                return cls(int(match[1]), int(match[2]))
        raise _refused("RANGE_FORMAT", "Write a range like 000000000001-000000123456 or 1-123456.")

    def wire(self) -> str:
        """The 25-character wire form, in units even for a package that cannot be split."""
        return f"{self.start:012d}-{self.end:012d}"

    def display(self) -> str:
        """The short form: without leading zeros, and "0" for a package that cannot be split."""
        return "0" if self.whole else f"{self.start}-{self.end}"

    @property
    def amount_fen(self) -> int:
        """Fen: as many as there are units."""
        return self.end - self.start + 1

    def require_amount(self, amount_fen: int) -> None:
        """Raises SubBillRangeError (RANGE_AMOUNT_MISMATCH) unless the range holds exactly this amount."""
        if amount_fen != self.amount_fen:
            raise _mismatch(
                f"The range holds {self.amount_fen} fen but the amount is {amount_fen}; send the range's own amount."
            )

    def overlaps(self, other: SubBillRange) -> bool:
        """Whether any unit belongs to both."""
        return self.start <= other.end and other.start <= self.end

    def contains(self, other: SubBillRange) -> bool:
        """Whether every unit of ``other`` belongs to this range."""
        return self.start <= other.start and other.end <= self.end

    def split(self, deal_fen: int) -> tuple[SubBillRange, SubBillRange | None]:
        """The first ``deal_fen`` units and the rest (None if all are dealt).

        Raises SubBillRangeError: RANGE_OUTSIDE_HOLDING, RANGE_NOT_SPLITTABLE.
        """
        if not 0 < deal_fen <= self.amount_fen:
            raise _refused("RANGE_OUTSIDE_HOLDING", f"Deal 1 to {self.amount_fen} fen of this range, not {deal_fen}.")
        if deal_fen == self.amount_fen:
            return self, None
        if self.whole:
            raise _refused("RANGE_NOT_SPLITTABLE", f"This package cannot be split; deal all {self.amount_fen} fen.")
        dealt_end = self.end - (self.amount_fen - deal_fen)
        return SubBillRange(self.start, dealt_end), SubBillRange(dealt_end + 1, self.end)


def require_within_ceiling(rng: SubBillRange, ceiling_fen: int = PACKAGE_CEILING_FEN) -> None:
    """Raises SubBillRangeError (RANGE_ABOVE_CEILING) if the range has units that no package can have.

    Units count from 1 through the package, so the last one's number tells, wherever the range begins.
    """
    if rng.end > ceiling_fen:
        raise _refused(
            "RANGE_ABOVE_CEILING",
            f"A package holds {ceiling_fen} fen at most, and this range ends at {rng.end}; compare it with the bill.",
        )


def _mismatch(message: str) -> SubBillRangeError:
    return SubBillRangeError(message, field="bill.amount_fen", code="RANGE_AMOUNT_MISMATCH")


def _refused(code: str, message: str) -> SubBillRangeError:
    return SubBillRangeError(message, field=_FIELD, code=code)
