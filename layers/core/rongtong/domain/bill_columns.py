"""The columns of a file of bills: what each holds, how it is read, and why a cell is refused.

They are the fields of a discount request's ``bill`` and ``trade``, under the same names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from rongtong.domain.bill_codes import BillKind
from rongtong.domain.errors import InvalidInputError

FEN_MAX = 10**15
"""As in every request."""
_EXACT_DIGITS = 15
"""A spreadsheet keeps numbers as IEEE 754 doubles and shows 15 digits of them; what had more is already another one."""
_CODE = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_RANGE_LENGTH = 25
_DIGITS = re.compile(r"\d+", re.ASCII)
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+", re.ASCII)
_DATES = (
    re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII),
    re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})", re.ASCII),
    re.compile(r"(\d{4})(\d{2})(\d{2})", re.ASCII),
)
_KINDS = {
    "AC01": BillKind.BANK_ACCEPTED,
    "AC02": BillKind.COMMERCIALLY_ACCEPTED,
    "银票": BillKind.BANK_ACCEPTED,
    "商票": BillKind.COMMERCIALLY_ACCEPTED,
}


class BillLineError(InvalidInputError):
    """A line of a file cannot be imported; ``field`` is the column.

    Codes CELL_MISSING, CELL_FORM, CELL_FORMULA, CELL_ROUNDED, CELL_UNKNOWN, LINE_REPEATED, LINE_OVERLAPS.
    """

    code = "CELL_FORM"


class CellKind(StrEnum):
    """What a cell says that it holds; a text file's are all text."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    FORMULA = "formula"
    OTHER = "other"


class Cell(NamedTuple):
    """A cell as it is written in the file: ``text`` is the file's own, no number was made of it."""

    text: str
    kind: CellKind = CellKind.TEXT


EMPTY = Cell("")


@dataclass(frozen=True)
class Column:
    """``field`` is where a request, and a line of a JSON file, has it; ``title`` is its Chinese heading."""

    name: str
    field: str
    title: str
    meaning: str
    example: str
    read: Callable[[Cell, str], Any]
    required: bool = True

    def value(self, cell: Cell) -> Any:
        """What the cell holds, None where it is empty. Raises BillLineError."""
        if cell.kind is CellKind.FORMULA:
            raise _refused("CELL_FORMULA", "A formula is not read; write its value as text.", self.name)
        if cell.kind is CellKind.OTHER:
            raise _refused("CELL_FORM", "Neither text, number nor date; write the value as text.", self.name)
        text = _bare(cell.text)
        if not text:
            if self.required:
                raise _refused("CELL_MISSING", f"{self.name} is empty; every line needs it.", self.name)
            return None
        return self.read(cell if text == cell.text else Cell(text, cell.kind), self.name)


def read_date(cell: Cell, name: str) -> date:
    """A day, year first: 2026-03-02, 2026/3/2 or 20260302. Raises BillLineError (CELL_FORM)."""
    for form in _DATES:
        match = form.fullmatch(cell.text)
        if match is not None:
            try:
                return date(int(match[1]), int(match[2]), int(match[3]))
            except ValueError:
                break
    raise _refused("CELL_FORM", "No day; write it like 2026-03-02.", name)


def read_code(cell: Cell, name: str) -> str:
    """1 to 64 printable characters of ASCII. Raises BillLineError: CELL_ROUNDED where a number lost digits."""
    text = cell.text
    if cell.kind is CellKind.NUMBER:
        text = _whole_number(cell, name)
    elif cell.kind is CellKind.DATE:
        raise _refused("CELL_FORM", "The spreadsheet took it for a date; write it as text.", name)
    elif _SCIENTIFIC.fullmatch(text):
        raise _rounded(name)
    if not _CODE.fullmatch(text):
        raise _refused("CELL_FORM", "Write 1 to 64 letters, digits and signs without spaces.", name)
    return text


def read_fen(cell: Cell, name: str) -> int:
    """A whole number of fen from 1 to 10^15. Raises BillLineError."""
    text = _whole_number(cell, name) if cell.kind is CellKind.NUMBER else cell.text
    if cell.kind is CellKind.TEXT and _SCIENTIFIC.fullmatch(text):
        raise _rounded(name)
    # The length first: digits without end are not made a number of.
    if not _DIGITS.fullmatch(text) or len(text) > len(str(FEN_MAX)) or not 0 < int(text) <= FEN_MAX:
        raise _refused("CELL_FORM", "Write a whole number of fen, digits only: 100 yuan are 10000.", name)
    return int(text)


def _read_kind(cell: Cell, name: str) -> BillKind:
    if cell.text not in _KINDS:
        raise _refused("CELL_FORM", "Write AC01 (银票) or AC02 (商票).", name)
    return _KINDS[cell.text]


def _read_range(cell: Cell, name: str) -> str:
    if cell.kind is CellKind.DATE:
        raise _refused("CELL_FORM", "The spreadsheet took it for a date; write it as text.", name)
    if len(cell.text) > _RANGE_LENGTH:
        raise _refused("CELL_FORM", "Write a range like 000000000001-000000123456 or 1-123456.", name)
    return cell.text


def _whole_number(cell: Cell, name: str) -> str:
    """The digits of a spreadsheet's number, exactly as far as the spreadsheet has them."""
    try:
        number = Decimal(cell.text)
    except InvalidOperation as error:
        raise _refused("CELL_FORM", "No number; write the value as text.", name) from error
    # The exponent first: 1E+999999 is not written out.
    if not number.is_finite() or number.adjusted() >= _EXACT_DIGITS:
        raise _rounded(name)
    if number < 0 or number != number.to_integral_value():
        raise _refused("CELL_FORM", "Write a whole number.", name)
    return str(int(number))


def _bare(text: str) -> str:
    """Without what spreadsheets and their users put around a value to keep it text: spaces, tabs, an apostrophe."""
    stripped = text.strip(" \t\u3000\xa0")
    return stripped[1:] if stripped[:1] == "'" else stripped


def _rounded(name: str) -> BillLineError:
    message = "The spreadsheet has rounded it; format the column as text and enter the digits again."
    return _refused("CELL_ROUNDED", message, name)


def _refused(code: str, message: str, name: str) -> BillLineError:
    return BillLineError(message, field=name, code=code)


_ALL = (
    Column(
        "enterprise_id",
        "enterprise_id",
        "企业编号",
        "The holder, as registered; empty: the one that the import names.",
        "ent_abcdefghijklmnopqrstuvwxyz",
        read_code,
        required=False,
    ),
    Column(
        "number",
        "bill.number",
        "票据号码",
        "All 30 digits, as text.",
        "531310000001320260304000000016",
        read_code,
    ),
    Column(
        "range",
        "bill.range",
        "子票区间",
        "The range that is held; 0: a package that cannot be split.",
        "000000000001-000010000000",
        _read_range,
    ),
    Column("amount_fen", "bill.amount_fen", "金额(分)", "The range's amount in fen.", "10000000", read_fen),
    Column("kind", "bill.kind", "票据种类", "AC01 (银票) or AC02 (商票).", "AC01", _read_kind),
    Column("issue_date", "bill.issue_date", "出票日", "Issue date.", "2026-03-04", read_date),
    Column(
        "maturity_date", "bill.maturity_date", "到期日", "Maturity as written on the bill.", "2026-07-04", read_date
    ),
    Column(
        "acceptor_bank_code",
        "bill.acceptor_bank_code",
        "承兑行行号",
        "The accepting bank's 12-digit code, or that of the acceptor's bank.",
        "313100000013",
        read_code,
    ),
    Column("order_number", "trade.order_number", "订单号", "The order behind the bill.", "PO-2026-00001", read_code),
    Column("order_amount_fen", "trade.order_amount_fen", "订单金额(分)", "In fen.", "10000000", read_fen),
    Column("order_date", "trade.order_date", "订单日期", "When it was ordered.", "2026-01-16", read_date),
    Column(
        "order_buyer_uscc",
        "trade.order_buyer_uscc",
        "买方统一社会信用代码",
        "The buyer's credit code.",
        "91350100MA0001202D",
        read_code,
    ),
    Column(
        "invoice_number",
        "trade.invoice_number",
        "发票号码",
        "The invoice; empty where money flows (in JSON only) prove the trade.",
        "26352000000000000001",
        read_code,
        required=False,
    ),
)
COLUMNS: Mapping[str, Column] = MappingProxyType({column.name: column for column in _ALL})
BY_HEADING: Mapping[str, Column] = MappingProxyType(
    {heading: column for column in _ALL for heading in (column.name, column.field, column.title)}
)
