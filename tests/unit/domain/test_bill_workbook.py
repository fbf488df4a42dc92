"""Workbooks: what a spreadsheet program wrote is read as it is written; what it lost is said; bombs do not go off."""

import io
import warnings
import zipfile
from contextlib import suppress
from datetime import date, datetime, time

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain import bill_workbook
from rongtong.domain.bill_columns import COLUMNS, Cell, CellKind
from rongtong.domain.bill_file import BillFileError, LineError, read_table
from rongtong.domain.bill_template import template, write_workbook
from rongtong.domain.bill_workbook import read_workbook

ROW = {name: column.example for name, column in COLUMNS.items()}
NOON = datetime.combine(date(2026, 3, 4), time(12))
"""A spreadsheet's instants have no zone."""
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def saved(book):
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def workbook(*rows, headings=None):
    """As openpyxl, another implementation, writes it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(headings or list(COLUMNS))
    for row in rows:
        sheet.append([row[name] for name in COLUMNS])
    return saved(book)


def lines_of(content):
    return read_table(read_workbook(content))


def refusal(content):
    (line,) = lines_of(content)
    assert isinstance(line, LineError)
    return line.line, line.column, line.code


def altered(content, path, change):
    """The archive with one part changed."""
    old, new = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in old.namelist():
            text = old.read(name)
            archive.writestr(name, change(text) if name == path else text)
    return new.getvalue()


def raw_cell(xml):
    """A workbook whose cell B2 is this element."""
    content = write_workbook({"bills": [["a", "b"], ["x"]]})
    return altered(content, "xl/worksheets/sheet1.xml", lambda text: text.replace(b"</row></sheetData>", xml))


def cell_of(xml):
    rows = list(read_workbook(raw_cell(f"{xml}</row></sheetData>".encode())))
    return rows[1][1][1]


def test_a_bill_is_read_from_another_program_s_workbook():
    (bill,) = lines_of(workbook(ROW))
    assert (bill.line, bill.number, bill.amount_fen) == (2, ROW["number"], 10_000_000)
    assert bill.maturity_date == date(2026, 7, 4)


def test_days_and_amounts_may_be_the_spreadsheet_s_own():
    own = {"issue_date": date(2026, 3, 4), "maturity_date": date(2026, 7, 4), "amount_fen": 10_000_000}
    (bill,) = lines_of(workbook({**ROW, **own}))
    assert (bill.issue_date, bill.maturity_date, bill.amount_fen) == (date(2026, 3, 4), date(2026, 7, 4), 10_000_000)


def test_days_of_a_workbook_that_counts_from_1904_are_the_same_days():
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(list(COLUMNS))
    book.active.append([{**ROW, "issue_date": date(2026, 3, 4)}[name] for name in COLUMNS])
    (bill,) = lines_of(saved(book))
    assert bill.issue_date == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("number", int(ROW["number"]), "CELL_ROUNDED"),
        ("number", 5.3131000000132e29, "CELL_ROUNDED"),
        ("number", "=A1", "CELL_FORMULA"),
        ("amount_fen", "=1+1", "CELL_FORMULA"),
        ("amount_fen", 100.5, "CELL_FORM"),
        ("amount_fen", -5, "CELL_FORM"),
        ("amount_fen", True, "CELL_FORM"),
        ("issue_date", NOON, "CELL_FORM"),
        ("issue_date", 46085, "CELL_FORM"),
        ("order_number", date(2026, 3, 4), "CELL_FORM"),
        ("range", date(2026, 3, 4), "CELL_FORM"),
        ("number", None, "CELL_MISSING"),
    ],
)
def test_what_the_spreadsheet_altered_is_refused_in_its_place(column, value, code):
    assert refusal(workbook({**ROW, column: value})) == (2, column, code)


def test_a_short_code_that_became_a_number_is_still_itself():
    (bill,) = lines_of(workbook({**ROW, "order_number": 4711, "acceptor_bank_code": 313100000013}))
    assert (bill.order_number, bill.acceptor_bank_code) == ("4711", "313100000013")


def test_only_the_first_sheet_is_read_and_empty_rows_keep_their_numbers():
    book = openpyxl.Workbook()
    book.active.append(list(COLUMNS))
    for at, name in enumerate(COLUMNS, start=1):
        book.active.cell(5, at, ROW[name])
    book.create_sheet("other").append(["nonsense"])
    (bill,) = lines_of(saved(book))
    assert bill.line == 5


def _with_shared_strings(strings, cells):
    """As Excel writes it: texts in a part of their own, cells name them by number."""
    old, new = zipfile.ZipFile(io.BytesIO(template("xlsx"))), io.BytesIO()
    parts = {name: old.read(name).decode() for name in old.namelist()}
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    link = f'<Relationship Id="rId9" Type="{office}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>'
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace("</Relationships>", link)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}">{strings}</sst>'
    row = "".join(f'<c t="s"><v>{number}</v></c>' for number in cells)
    parts["xl/worksheets/sheet1.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData><row>{row}</row></sheetData></worksheet>'
    with zipfile.ZipFile(new, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return new.getvalue()


def test_shared_text_is_read_plain_and_without_its_pronunciation():
    strings = (
        "<si><t>plain</t></si>"
        '<si><r><rPr><b/></rPr><t>AC</t></r><r><t>01</t></r><rPh sb="0" eb="2"><t>ei shi</t></rPh></si>'
    )
    assert list(read_workbook(_with_shared_strings(strings, [1, 0]))) == [(1, [Cell("AC01"), Cell("plain")])]


@pytest.mark.parametrize("number", ["2", "-1", "", "x"])
def test_a_cell_that_names_no_shared_text_is_refused(number):
    with pytest.raises(BillFileError) as refused:
        list(read_workbook(_with_shared_strings("<si><t>a</t></si><si/>", [number])))
    assert refused.value.code == "BILL_FILE_FORMAT"


@pytest.mark.parametrize(
    ("xml", "cell"),
    [
        ("<c r='B2'><v>531310000001320260304000000016</v></c>", Cell(ROW["number"], CellKind.NUMBER)),
        ("<c r='B2'><f>SUM(A1)</f><v>1</v></c>", Cell("1", CellKind.FORMULA)),
        ("<c r='B2'><f/></c>", Cell("", CellKind.FORMULA)),
        ("<c r='B2' t='e'><v>#REF!</v></c>", Cell("#REF!", CellKind.OTHER)),
        ("<c r='B2' t='str'><v>text</v></c>", Cell("text")),
        ("<c t='inlineStr'><is><r><t>a</t></r><r><t>b</t></r></is></c>", Cell("ab")),
        ("<c r='B2' t='d'><v>2026-03-04T00:00:00</v></c>", Cell("2026-03-04", CellKind.DATE)),
    ],
)
def test_a_cell_is_what_the_file_says(xml, cell):
    assert cell_of(xml) == cell


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>',
        lambda _: b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><worksheet/>',
        lambda _: b"<a>" * 100 + b"</a>" * 100,
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b't="inlineStr"', b't="s"').replace(b"<is>", b"<v>-1</v><is>"),
        lambda text: text.replace(b'<row r="1">', b'<row r="one">'),
        lambda text: text.replace(b'<c s="1"', b'<c r="??" s="1"'),
    ],
)
def test_xml_that_no_spreadsheet_writes_is_refused(change):
    content = altered(template("xlsx"), "xl/worksheets/sheet1.xml", change)
    with pytest.raises(BillFileError) as refused:
        lines_of(content)
    assert refused.value.code == "BILL_FILE_FORMAT"


def test_a_small_archive_of_much_air_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(bill_workbook, "UNZIPPED_MAX", 100_000)
    air = b"<!--" + b" " * 300_000 + b"-->"
    content = altered(template("xlsx"), "xl/worksheets/sheet1.xml", lambda text: air + text)
    assert len(content) < 10_000
    with pytest.raises(BillFileError) as refused:
        lines_of(content)
    assert refused.value.code == "BILL_FILE_TOO_LARGE"


def test_an_entry_that_lies_about_its_size_is_not_believed(monkeypatch):
    monkeypatch.setattr(bill_workbook, "UNZIPPED_MAX", 100_000)
    air = b"<!--" + b" " * 300_000 + b"-->"
    content = altered(template("xlsx"), "xl/worksheets/sheet1.xml", lambda text: air + text)
    size = len(air) + len(zipfile.ZipFile(io.BytesIO(template("xlsx"))).read("xl/worksheets/sheet1.xml"))
    lying = content.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != content
    with pytest.raises(BillFileError):
        lines_of(lying)


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        ("<c r='CW2' t='str'><v>x</v></c></row></sheetData>", "BILL_FILE_COLUMNS"),
        ("</row>" + "<row/>" * 250_000 + "</sheetData>", "BILL_FILE_TOO_MANY_LINES"),
    ],
)
def test_a_sheet_that_is_wider_or_longer_than_any_is_refused(xml, code):
    with pytest.raises(BillFileError) as refused:
        list(read_workbook(raw_cell(xml.encode())))
    assert refused.value.code == code


def test_an_archive_of_too_many_parts_is_refused():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for at in range(1_001):
            archive.writestr(f"{at}", b"")
    with pytest.raises(BillFileError) as refused:
        list(read_workbook(content.getvalue()))
    assert refused.value.code == "BILL_FILE_TOO_LARGE"


@pytest.mark.parametrize("path", ["_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"])
def test_a_workbook_that_lacks_a_part_is_refused(path):
    old, new = zipfile.ZipFile(io.BytesIO(template("xlsx"))), io.BytesIO()
    with zipfile.ZipFile(new, "w") as archive:
        for name in old.namelist():
            if name != path:
                archive.writestr(name, old.read(name))
    with pytest.raises(BillFileError) as refused:
        lines_of(new.getvalue())
    assert refused.value.code == "BILL_FILE_FORMAT"


def test_the_template_opens_in_another_program_and_what_is_entered_keeps_every_digit():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        book = openpyxl.load_workbook(io.BytesIO(template("xlsx")))
    assert [cell.value for cell in book["bills"][1]] == list(COLUMNS)
    assert [cell.value for cell in book["columns"]["A"]][1:] == list(COLUMNS)
    assert {cell.number_format for cell in book["bills"][1]} == {"@"}
    assert book["bills"].column_dimensions["A"].width == 28
    for at, name in enumerate(COLUMNS, start=1):
        book["bills"].cell(2, at, ROW[name])
    (bill,) = lines_of(saved(book))
    assert bill.number == ROW["number"]


def test_the_template_is_the_same_file_every_time():
    assert template("xlsx") == template("xlsx")


@given(st.binary(max_size=200), st.integers(0, 3_000))
def test_no_damage_does_more_than_be_refused(noise, at):
    content = template("xlsx")
    for damaged in (noise, content[:at] + noise + content[at + len(noise) :]):
        with suppress(BillFileError):
            assert lines_of(damaged)
