"""A statement as CSV (RFC 4180): UTF-8 with a byte order mark, for spreadsheets, and columns that never change place.

New columns are only ever added at the end. No cell begins like a formula, whatever stands in it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from rongtong.domain.money import fen_to_yuan
from rongtong.domain.statement import Line, Statement

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_BOM = b"\xef\xbb\xbf"

_COLUMNS: dict[str, Callable[[Line], str | None]] = {
    "kind": lambda line: line.kind.value,
    "day": lambda line: line.day.isoformat(),
    "at": lambda line: line.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    "reference": lambda line: line.reference,
    "bank_serial": lambda line: line.bank_serial,
    "discount_id": lambda line: line.discount_id,
    "enterprise_id": lambda line: line.enterprise_id,
    "partner_id": lambda line: line.partner_id,
    "institution_id": lambda line: line.institution_id,
    "bill_number": lambda line: line.bill_number,
    "range": lambda line: line.range,
    "amount_yuan": lambda line: fen_to_yuan(line.amount_fen),
    "face_yuan": lambda line: fen_to_yuan(line.parts.face_fen) if line.parts else None,
    "interest_yuan": lambda line: fen_to_yuan(line.parts.interest_fen) if line.parts else None,
    "buyer_interest_yuan": lambda line: fen_to_yuan(line.parts.buyer_interest_fen) if line.parts else None,
    "fee_yuan": lambda line: fen_to_yuan(line.parts.fee_fen) if line.parts else None,
    "reason": lambda line: line.reason,
}
COLUMNS = tuple(_COLUMNS)


def statement_csv(made: Statement) -> bytes:
    """The lines below one line of column names; what a line does not have is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in made.lines:
        writer.writerow([_cell(read(line)) for read in _COLUMNS.values()])
    return _BOM + text.getvalue().encode()


def _cell(value: str | None) -> str:
    """An apostrophe before what a spreadsheet would take for a formula (OWASP, CSV injection)."""
    if value is None:
        return ""
    return f"'{value}" if value.startswith(_FORMULA) else value
