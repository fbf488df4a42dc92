"""Workbooks (XLSX, ECMA-376 part 1): the cells of the first sheet as they are written.

The readers that were looked at (openpyxl, calamine) make numbers of what a cell holds: a bill number of 30 digits comes
out of them rounded, without a word. Here a number stays the text that the file has. No formula is computed, no DTD is
read, no link followed, and no more unzipped than is allowed, whatever the archive says of itself.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO
from xml.parsers import expat

from rongtong.domain.bill_columns import Cell, CellKind
from rongtong.domain.bill_file import require_size, unreadable

UNZIPPED_MAX = 48 * 1024 * 1024
"""10,000 lines of 13 cells are about 12 MiB of XML."""
_ENTRIES_MAX = 1_000
_CHUNK = 64 * 1024
_DEPTH_MAX = 64
_COLUMNS_MAX = 100
_ROWS_MAX = 200_000
"""Most of them empty: no more bills are read than a file may have."""
_DATE_FORMATS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
"""Built-in number formats that show a day (18.8.30, with those of East Asian languages)."""
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_POSITION = re.compile(r"([A-Z]{1,3})([0-9]+)", re.ASCII)
_FIRST_SERIAL, _LAST_SERIAL = 61, 2_958_465
"""1900-03-01, before which a workbook counts a day that never was, and 9999-12-31."""

_NONE: Mapping[str, str] = {}
Event = tuple[str, str, Mapping[str, str]]
"""start, end or text; the bare name or the text; the attributes by their bare names."""


def read_workbook(content: bytes) -> Iterator[tuple[int, list[Cell]]]:
    """The rows of the first sheet, each with its number as the spreadsheet shows it.

    Raises BillFileError: BILL_FILE_TOO_LARGE, BILL_FILE_FORMAT.
    """
    require_size(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from _Workbook(archive).rows()
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, KeyError) as error:
        # RuntimeError: an encrypted entry; NotImplementedError: a compression that no spreadsheet uses.
        message = "The file is no readable XLSX workbook; save it anew without a password."
        raise unreadable("BILL_FILE_FORMAT", message) from error
    except (expat.ExpatError, ValueError, LookupError, OverflowError) as error:
        raise unreadable("BILL_FILE_FORMAT", "A part of the workbook cannot be read; save it anew.") from error


class _Workbook:
    """One archive, and how much of it has been unzipped."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        if len(archive.infolist()) > _ENTRIES_MAX:
            raise unreadable("BILL_FILE_TOO_LARGE", f"A workbook has {_ENTRIES_MAX} parts at most.")
        self._archive = archive
        self._unzipped = 0

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        root = self._related("")
        book = {kind.rpartition("/")[2]: path for kind, path in root.values()}["officeDocument"]
        related = self._related(book)
        sheet, days_from = self._first_sheet(book)
        path_of = {kind.rpartition("/")[2]: path for kind, path in related.values()}
        strings = self._strings(path_of["sharedStrings"]) if "sharedStrings" in path_of else []
        dates = self._date_styles(path_of["styles"]) if "styles" in path_of else frozenset()
        yield from _Sheet(strings, dates, days_from).rows(self._events(related[sheet][1]))

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """Type and path of what a part refers to, by id (Open Packaging Conventions, 6.5)."""
        folder, name = posixpath.split(part)
        found = {}
        for event, tag, attributes in self._events(posixpath.join(folder, "_rels", f"{name}.rels")):
            if event == "start" and tag == "Relationship" and attributes.get("TargetMode") != "External":
                path = posixpath.normpath(posixpath.join("/", folder, attributes["Target"]))
                found[attributes["Id"]] = attributes["Type"], path.lstrip("/")
        return found

    def _first_sheet(self, book: str) -> tuple[str, date]:
        """Its relationship's id, and from which day dates are counted (18.17.4.1)."""
        sheet, days_from = None, date(1899, 12, 30)
        for event, tag, attributes in self._events(book):
            if event == "start" and tag == "workbookPr" and attributes.get("date1904") in ("1", "true", "on"):
                days_from = date(1904, 1, 1)
            if event == "start" and tag == "sheet" and sheet is None:
                sheet = attributes["id"]
        if sheet is None:
            raise unreadable("BILL_FILE_EMPTY", "The workbook has no sheet.")
        return sheet, days_from

    def _strings(self, path: str) -> list[str]:
        """Shared strings, formatted ones as their plain text, without how they are pronounced."""
        found: list[str] = []
        parts: list[str] = []
        inside, silent = False, False
        for event, tag, _ in self._events(path):
            if event == "text":
                if inside and not silent:
                    parts.append(tag)
            elif tag == "t":
                inside = event == "start"
            elif tag == "rPh":
                silent = event == "start"
            elif tag == "si" and event == "end":
                found.append("".join(parts))
                parts = []
        return found

    def _date_styles(self, path: str) -> frozenset[int]:
        """Which cell styles show a number as a day."""
        own, styles, formats = set(_DATE_FORMATS), [], False
        for event, tag, attributes in self._events(path):
            if tag == "cellXfs":
                formats = event == "start"
            elif event == "start" and tag == "numFmt":
                shown = _LITERAL.sub("", attributes.get("formatCode", "")).lower()
                (own.add if set(shown) & set("yd") else own.discard)(int(attributes["numFmtId"]))
            elif event == "start" and tag == "xf" and formats:
                styles.append(int(attributes.get("numFmtId", "0")))
        return frozenset(at for at, number in enumerate(styles) if number in own)

    def _events(self, path: str) -> Iterator[Event]:
        with self._archive.open(path) as part:
            for chunk in self._chunks(part):
                yield from chunk

    def _chunks(self, part: IO[bytes]) -> Iterator[list[Event]]:
        events: list[Event] = []
        depth = 0
        bare: dict[str, str] = {}
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal depth
            depth += 1
            if depth > _DEPTH_MAX:
                raise ValueError("deeper than any workbook")
            if any(" " in key for key in attributes):
                attributes = {_bare(key): value for key, value in attributes.items()}
            events.append(("start", bare.get(name) or bare.setdefault(name, _bare(name)), attributes))

        def end(name: str) -> None:
            nonlocal depth
            depth -= 1
            events.append(("end", bare[name], _NONE))

        def doctype(*_: object) -> None:
            raise ValueError("a DTD, which no workbook has")

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.CharacterDataHandler = lambda text: events.append(("text", text, _NONE))
        parser.StartDoctypeDeclHandler = doctype
        while content := part.read(_CHUNK):
            self._unzipped += len(content)
            if self._unzipped > UNZIPPED_MAX:
                raise unreadable("BILL_FILE_TOO_LARGE", f"Unzipped, a workbook has {UNZIPPED_MAX} bytes at most.")
            parser.Parse(content, False)
            yield events
            events.clear()
        parser.Parse(b"", True)
        yield events


class _Sheet:
    """Turns a sheet's elements into rows (18.3.1.4, 18.3.1.73)."""

    def __init__(self, strings: Sequence[str], dates: frozenset[int], days_from: date) -> None:
        self._strings, self._dates, self._days_from = strings, dates, days_from

    def rows(self, events: Iterable[Event]) -> Iterator[tuple[int, list[Cell]]]:
        number, seen = 0, 0
        cells: dict[int, Cell] = {}
        cell: Mapping[str, str] = {}
        at, tags = -1, set[str]()
        texts: dict[str, list[str]] = {}
        inside = ""
        for event, tag, attributes in events:
            if event == "text":
                if inside:
                    texts.setdefault(inside, []).append(tag)
            elif tag == "row" and event == "start":
                number = int(attributes["r"]) if "r" in attributes else number + 1
                cells, at, seen = {}, -1, seen + 1
                if seen > _ROWS_MAX:
                    raise unreadable("BILL_FILE_TOO_MANY_LINES", f"The sheet has more than {_ROWS_MAX} rows.")
            elif tag == "row":
                yield number, [cells.get(place, Cell("")) for place in range(max(cells, default=-1) + 1)]
            elif tag == "c" and event == "start":
                at = _column(attributes["r"]) if "r" in attributes else at + 1
                cell, texts, tags = attributes, {}, set()
            elif tag == "c":
                found = self._cell(cell, texts, formula="f" in tags)
                if found.text.strip() or found.kind is CellKind.FORMULA:
                    cells[at] = found
                    if len(cells) > _COLUMNS_MAX or at >= _COLUMNS_MAX:
                        raise unreadable("BILL_FILE_COLUMNS", f"The sheet has more than {_COLUMNS_MAX} columns.")
            elif tag in ("v", "t", "f", "rPh"):
                inside = tag if event == "start" else ""
                tags.add(tag)

    def _cell(self, cell: Mapping[str, str], texts: Mapping[str, list[str]], *, formula: bool) -> Cell:
        value = "".join(texts.get("v", ()))
        if formula:
            return Cell(value, CellKind.FORMULA)
        kind = cell.get("t", "n")
        if kind == "s":
            at = int(value)
            if at < 0:
                raise ValueError("no shared string has a number below 0")
            return Cell(self._strings[at])
        if kind == "inlineStr":
            return Cell("".join(texts.get("t", ())))
        if kind == "str":
            return Cell(value)
        if kind == "d":
            return Cell(value[:10], CellKind.DATE)
        if kind != "n":
            return Cell(value, CellKind.OTHER)
        return self._day(value) if value and int(cell.get("s", "0")) in self._dates else Cell(value, CellKind.NUMBER)

    def _day(self, value: str) -> Cell:
        """A number that the spreadsheet shows as a day; a time of day beside it is none of a bill's."""
        try:
            serial = Decimal(value)
        except InvalidOperation:
            return Cell(value, CellKind.OTHER)
        if not _FIRST_SERIAL <= serial <= _LAST_SERIAL - 2_000 or serial != serial.to_integral_value():
            return Cell(value, CellKind.OTHER)
        return Cell((self._days_from + timedelta(days=int(serial))).isoformat(), CellKind.DATE)


def _bare(name: str) -> str:
    """Without its namespace: transitional and strict workbooks differ in nothing else that is read here."""
    return name.rpartition(" ")[2]


def _column(position: str) -> int:
    """Counted from 0: A is 0, AA is 26."""
    match = _POSITION.fullmatch(position)
    if match is None:
        raise ValueError("no position of a cell")
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
