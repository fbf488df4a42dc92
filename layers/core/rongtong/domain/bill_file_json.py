"""Bills in JSON, each line a bill or the reason why not: the same as in a table, with deliveries and payments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from rongtong.domain.bill_columns import (
    COLUMNS,
    EMPTY,
    BillLineError,
    Cell,
    CellKind,
    Column,
    read_code,
    read_date,
    read_fen,
)
from rongtong.domain.bill_file import Line, LineError, StatedBill, require_room, require_size, unreadable

_PARTS_MAX = 20
"""Deliveries, and payments, of one trade: as in a request."""
_TEXT_MAX = 200
_DELIVERY = {"number": read_code, "date": read_date, "consignee_uscc": read_code}
_MONEY_FLOW = {"payer_uscc": read_code, "payee_uscc": read_code, "amount_fen": read_fen, "date": read_date}


def read_json(content: bytes) -> list[Line]:
    """The lines of a JSON file, ``[{"enterprise_id", "bill": {…}, "trade": {…}}, …]``, numbered from 1.

    ``bill`` and ``trade`` are those of a discount request. Raises BillFileError.
    """
    require_size(content)
    try:
        # No number of a bill has a point: what has one stays text and is refused in its place.
        parsed = json.loads(content.decode("utf-8-sig"), parse_float=Cell, parse_constant=Cell, object_pairs_hook=_once)
    except UnicodeDecodeError as error:
        raise unreadable("BILL_FILE_ENCODING", "JSON is written in UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise unreadable("BILL_FILE_FORMAT", "The file is not JSON, or an object names a member twice.") from error
    return read_objects(parsed["bills"] if isinstance(parsed, dict) and set(parsed) == {"bills"} else parsed)


def read_objects(parsed: object) -> list[Line]:
    """The same of what was parsed already. Raises BillFileError."""
    if not isinstance(parsed, list):
        raise unreadable("BILL_FILE_FORMAT", 'Write a list of bills: [{"bill": {…}, "trade": {…}}, …].')
    if not parsed:
        raise unreadable("BILL_FILE_EMPTY", "The file has no bills.")
    lines: list[Line] = []
    for number, entry in enumerate(parsed, start=1):
        require_room(lines)
        lines.append(_object_line(number, entry))
    return lines


def _object_line(number: int, entry: object) -> Line:
    try:
        flat = dict(_flat(entry))
        values = {name: _json_value(column, flat.pop(column.field, None)) for name, column in COLUMNS.items()}
        deliveries = _parts(flat.pop("trade.deliveries", None), "trade.deliveries", _DELIVERY)
        money_flows = _parts(flat.pop("trade.money_flows", None), "trade.money_flows", _MONEY_FLOW)
        if flat:
            known = ", ".join(column.field for column in COLUMNS.values())
            message = f"A line has only {known}, trade.deliveries and trade.money_flows."
            raise BillLineError(message, field=_shown(next(iter(flat))), code="CELL_UNKNOWN")
    except BillLineError as error:
        return LineError.of(number, error)
    return StatedBill(line=number, **values, deliveries=deliveries, money_flows=money_flows)


def _shown(name: str) -> str:
    """Whatever a file calls a member, an answer can be written with it."""
    return ascii(name[:64])[1:-1]


def _flat(entry: object) -> Iterator[tuple[str, object]]:
    """Members by their path, two deep."""
    for name, value in _members(entry, "").items():
        if name in ("bill", "trade"):
            yield from ((f"{name}.{part}", inner) for part, inner in _members(value, name).items())
        else:
            yield name, value


def _members(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BillLineError(f"{name or 'A line'} is an object.", field=name or None)
    return value


def _json_value(column: Column, value: object) -> Any:
    try:
        return column.value(_json_cell(column.read is read_fen, value))
    except BillLineError as error:
        raise BillLineError(error.message, field=column.field, code=error.code) from error


def _json_cell(amount: bool, value: object) -> Cell:
    """Amounts are numbers, all else is text, as in a request: a number would lose a code its zeros or its digits."""
    if value is None:
        return EMPTY
    if amount and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return Cell(str(value))
    if not amount and isinstance(value, str) and len(value) <= _TEXT_MAX:
        # A formula is harmless here: nothing computes it, and it is no code, date or range.
        return Cell(value)
    return Cell("?", CellKind.OTHER)


def _parts(value: object, name: str, readers: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > _PARTS_MAX:
        raise BillLineError(f"{name} is a list of at most {_PARTS_MAX}.", field=name)
    return tuple(_part(entry, f"{name}.{at}", readers) for at, entry in enumerate(value))


def _part(entry: object, name: str, readers: Mapping[str, Any]) -> Mapping[str, Any]:
    members = _members(entry, name)
    if set(members) != set(readers):
        raise BillLineError(f"{name} has {', '.join(readers)}.", field=name)
    found: dict[str, Any] = {}
    for part, read in readers.items():
        cell = _json_cell(read is read_fen, members[part])
        if cell.kind is CellKind.OTHER or not cell.text:
            raise BillLineError(f"{part} is not of the right type.", field=f"{name}.{part}")
        value = read(cell, f"{name}.{part}")
        found[part] = value.isoformat() if isinstance(value, date) else value
    return found


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is named twice")
    return members
