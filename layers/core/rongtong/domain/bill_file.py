"""Files of bills: tables and CSV read line by line, each line a bill or the reason why not; and tables written as CSV.

Nothing is guessed: a line that cannot be read is refused by line, column and code. A file as a whole is refused only
where its lines cannot be told apart.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from rongtong.domain.bill_codes import BillKind
from rongtong.domain.bill_columns import (
    BY_HEADING,
    COLUMNS,
    EMPTY,
    BillLineError,
    Cell,
    CellKind,
    Column,
)
from rongtong.domain.errors import InvalidInputError

LINES_MAX = 10_000
BYTES_MAX = 8 * 1024 * 1024
"""10,000 lines of JSON with a delivery and a payment each are about 6 MiB."""
_DELIMITERS = ",;\t"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_CELLS_MAX = 100


class BillFileError(InvalidInputError):
    """A file cannot be read at all.

    Codes BILL_FILE_TOO_LARGE, BILL_FILE_TOO_MANY_LINES, BILL_FILE_ENCODING, BILL_FILE_COLUMNS, BILL_FILE_EMPTY,
    BILL_FILE_FORMAT.
    """

    code = "BILL_FILE_FORMAT"


@dataclass(frozen=True)
class StatedBill:
    """A bill that its holder has and the trade behind it, as a line of a file states them. Amounts in fen."""

    line: int
    number: str
    range: str
    amount_fen: int
    kind: BillKind
    issue_date: date
    maturity_date: date
    acceptor_bank_code: str
    order_number: str
    order_amount_fen: int
    order_date: date
    order_buyer_uscc: str
    invoice_number: str | None = None
    enterprise_id: str | None = None
    deliveries: tuple[Mapping[str, Any], ...] = ()
    money_flows: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class LineError:
    """Why a line is not imported. ``column`` is empty where no single one is at fault."""

    line: int
    column: str
    code: str
    message: str

    @classmethod
    def of(cls, line: int, error: InvalidInputError) -> LineError:
        """The same, of an error that names its field."""
        return cls(line, error.field or "", error.code, error.message)


Line = StatedBill | LineError


def read_csv(content: bytes) -> list[Line]:
    """The lines of a CSV file (RFC 4180) in UTF-8, with or without its mark, or GB18030; numbered from 1, its header.

    Separated by comma, semicolon or tab, whichever the header has. Raises BillFileError.
    """
    require_size(content)
    text = _decoded(content)
    delimiter = max(_DELIMITERS, key=lambda sign: sum(_named(part) is not None for part in _head(text).split(sign)))
    return read_table(_csv_rows(text, delimiter))


def read_table(rows: Iterable[tuple[int, list[Cell]]]) -> list[Line]:
    """The lines of a table whose first row has the headings, each with its number. Raises BillFileError."""
    columns: list[Column] | None = None
    lines: list[Line] = []
    for number, cells in rows:
        if not any(cell.text.strip() or cell.kind is CellKind.FORMULA for cell in cells):
            continue
        if columns is None:
            columns = _columns(cells)
            continue
        require_room(lines)
        lines.append(_line(number, columns, cells))
    if columns is None or not lines:
        raise unreadable("BILL_FILE_EMPTY", "The file has no bills; its first line has the headings.")
    return lines


def require_size(content: bytes) -> None:
    """Raises BillFileError (BILL_FILE_TOO_LARGE)."""
    if len(content) > BYTES_MAX:
        raise unreadable("BILL_FILE_TOO_LARGE", f"A file has {BYTES_MAX} bytes at most; send it in parts.")


def require_room(lines: list[Line]) -> None:
    """Raises BillFileError (BILL_FILE_TOO_MANY_LINES) where one more line is too many."""
    if len(lines) >= LINES_MAX:
        raise unreadable("BILL_FILE_TOO_MANY_LINES", f"A file has {LINES_MAX} bills at most; send it in parts.")


def unreadable(code: str, message: str) -> BillFileError:
    """The error of a file as a whole."""
    return BillFileError(message, field="file", code=code)


def write_csv(rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV with the mark of UTF-8, safe to open in a spreadsheet: no cell of it is taken for a formula.

    What a spreadsheet would compute (OWASP, CSV injection: = + - @, tab, line ends) has an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_harmless("" if cell is None else str(cell)) for cell in row])
    return "\ufeff" + text.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.lstrip(" ").startswith(_DANGEROUS) else text


def _decoded(content: bytes) -> str:
    if b"\x00" in content:
        raise unreadable("BILL_FILE_ENCODING", "Save the file as CSV in UTF-8; this is no text, or UTF-16.")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise unreadable("BILL_FILE_ENCODING", "The file is neither UTF-8 nor GB18030; save it as CSV in UTF-8.")


def _head(text: str) -> str:
    return next((line for line in text.splitlines() if line.strip()), "")


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[Cell]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    began = 1
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            message = f"Line {began} cannot be split into cells; compare its quotation marks."
            raise unreadable("BILL_FILE_FORMAT", message) from error
        yield began, [_text_cell(text) for text in row]
        began = reader.line_num + 1


def _text_cell(text: str) -> Cell:
    return Cell(text, CellKind.FORMULA if text.lstrip()[:1] in ("=", "@") else CellKind.TEXT)


def _named(heading: str) -> Column | None:
    return BY_HEADING.get(heading.strip(' \t\u3000"').removeprefix("'"))


def _columns(cells: list[Cell]) -> list[Column]:
    if len(cells) > _CELLS_MAX:
        raise unreadable("BILL_FILE_COLUMNS", f"The file has more than {_CELLS_MAX} columns.")
    while cells and not cells[-1].text.strip():
        cells = cells[:-1]
    found = [_named(cell.text) for cell in cells]
    unknown = [cell.text for cell, column in zip(cells, found, strict=True) if column is None]
    if unknown:
        known = ", ".join(COLUMNS)
        raise unreadable("BILL_FILE_COLUMNS", f"No column is called {unknown[0][:40]!r}; the columns are {known}.")
    columns = [column for column in found if column is not None]
    twice = [column.name for at, column in enumerate(columns) if column in columns[:at]]
    if twice:
        raise unreadable("BILL_FILE_COLUMNS", f"The column {twice[0]} is there twice.")
    missing = [name for name, column in COLUMNS.items() if column.required and column not in columns]
    if missing:
        raise unreadable("BILL_FILE_COLUMNS", f"The file lacks the columns {', '.join(missing)}.")
    return columns


def _line(number: int, columns: list[Column], cells: list[Cell]) -> Line:
    try:
        if any(cell.text.strip() for cell in cells[len(columns) :]):
            message = "The line has more cells than the file has columns; quote a cell that has the separator in it."
            raise BillLineError(message, code="CELL_UNKNOWN")
        padded = [*cells, *[EMPTY] * len(columns)]
        values = {column.name: column.value(cell) for column, cell in zip(columns, padded, strict=False)}
    except BillLineError as error:
        return LineError.of(number, error)
    return StatedBill(line=number, **values)
