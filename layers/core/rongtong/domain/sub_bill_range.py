"""Sub-bill ranges (子票区间): which of a package's one-fen units are meant."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rongtong.domain.errors import SubBillRangeError

_WIRE = re.compile(r"(\d{1,12})-(\d{1,12})", re.ASCII)
_FIELD = "bill.range"


@dataclass(frozen=True, order=True)
class SubBillRange:
    """Units ``start`` to ``end``, both included, counted from 1; one unit is one fen (标准金额 0.01 yuan)."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if self.start < 1:
            raise _refused("RANGE_FORMAT", "A range begins at 1 or later; a package that cannot be split has no range.")
        if self.end < self.start:
            raise _refused("RANGE_UPSIDE_DOWN", f"The range ends at {self.end}, before its start {self.start}.")

    @classmethod
    def parse(cls, text: str) -> SubBillRange:
        """Read the padded wire form or the short display form. Raises SubBillRangeError."""
        match = _WIRE.fullmatch(text)
        if match is None:
            raise _refused("RANGE_FORMAT", "Write a range like 000000000001-000000123456 or 1-123456.")
        return cls(int(match[1]), int(match[2]))

    def wire(self) -> str:
        """The 25-character wire form."""
        return f"{self.start:012d}-{self.end:012d}"

    @property
    def amount_fen(self) -> int:
        """Fen: as many as there are units."""
        return self.end - self.start + 1

    def require_amount(self, amount_fen: int) -> None:
        """Raises SubBillRangeError (RANGE_AMOUNT_MISMATCH) unless the range holds exactly this amount."""
        if amount_fen != self.amount_fen:
            raise SubBillRangeError(
                f"The range holds {self.amount_fen} fen but the amount is {amount_fen}; send the range's own amount.",
                field="bill.amount_fen",
                code="RANGE_AMOUNT_MISMATCH",
            )

    def overlaps(self, other: SubBillRange) -> bool:
        """Whether any unit belongs to both."""
        return self.start <= other.end and other.start <= self.end

    def contains(self, other: SubBillRange) -> bool:
        """Whether every unit of ``other`` belongs to this range."""
        return self.start <= other.start and other.end <= self.end

    def split(self, deal_fen: int) -> tuple[SubBillRange, SubBillRange | None]:
        """The first ``deal_fen`` units and the rest (None if all are dealt). Raises SubBillRangeError."""
        if not 0 < deal_fen <= self.amount_fen:
            raise _refused("RANGE_OUTSIDE_HOLDING", f"Deal 1 to {self.amount_fen} fen of this range, not {deal_fen}.")
        if deal_fen == self.amount_fen:
            return self, None
        cut = self.start + deal_fen
        return SubBillRange(self.start, cut - 1), SubBillRange(cut, self.end)


def _refused(code: str, message: str) -> SubBillRangeError:
    return SubBillRangeError(message, field=_FIELD, code=code)
