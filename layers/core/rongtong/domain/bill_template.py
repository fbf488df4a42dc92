"""The empty file of bills to fill in, as CSV, workbook or JSON; and how a workbook is written (ECMA-376 part 1)."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from rongtong.domain.bill_columns import COLUMNS
from rongtong.domain.bill_file import write_csv

_WRITTEN_AT = (2026, 1, 1, 0, 0, 0)
"""Of the parts of a workbook, so that the same content is the same file."""


def template(file_format: str) -> bytes:
    """A file of the format (csv, xlsx, json) that says what goes where.

    Tables have the headings and no line: an example would be imported. A workbook explains its columns on a second
    sheet; JSON, which has no headings, is one example.
    """
    if file_format == "csv":
        return write_csv([COLUMNS]).encode()
    if file_format == "xlsx":
        explained = [
            [column.name, column.title, "yes" if column.required else "no", column.meaning, column.example]
            for column in COLUMNS.values()
        ]
        head = ["column", "标题", "required", "meaning", "example"]
        return write_workbook({"bills": [list(COLUMNS)], "columns": [head, *explained]})
    line: dict[str, object] = {}
    for column in COLUMNS.values():
        part, _, name = column.field.rpartition(".")
        value: object = int(column.example) if column.name.endswith("_fen") else column.example
        if part:
            within = line.setdefault(part, {})
            assert isinstance(within, dict)
            within[name] = value
        else:
            line[name] = value
    return json.dumps([line], ensure_ascii=False, indent=2).encode()


def write_workbook(sheets: Mapping[str, Sequence[Sequence[str]]]) -> bytes:
    """A workbook whose cells are all text, empty ones below too: what is entered there keeps every digit."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in _parts(sheets).items():
            info = zipfile.ZipInfo(path, _WRITTEN_AT)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}')
    return content.getvalue()


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def _parts(sheets: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, str]:
    numbers = range(1, len(sheets) + 1)
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for at in numbers
    )
    named = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="rId{at}"/>' for at, name in enumerate(sheets, start=1)
    )
    links = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>' for at in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>{overrides}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}'
        f'<Relationship Id="rId{len(sheets) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        # Style 1 is number format 49: text.
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/></font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0" xfId="0"/>'
        '<xf numFmtId="49" xfId="0" applyNumberFormat="1"/></cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }
    return parts | {f"xl/worksheets/sheet{at}.xml": _sheet(rows) for at, rows in enumerate(sheets.values(), start=1)}


def _sheet(rows: Sequence[Sequence[str]]) -> str:
    widest = max((len(row) for row in rows), default=1)
    lines = "".join(
        f'<row r="{at}">'
        + "".join(f'<c s="1" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>' for text in row)
        + "</row>"
        for at, row in enumerate(rows, start=1)
    )
    columns = f'<cols><col min="1" max="{widest}" width="28" style="1" customWidth="1"/></cols>'
    return f'<worksheet xmlns="{_MAIN}">{columns}<sheetData>{lines}</sheetData></worksheet>'
