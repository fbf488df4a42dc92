"""Files of bills: every line is a bill or a reason, whatever wrote the file; nothing is guessed and nothing rounded."""

import csv
import io
import json
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.bill_codes import BillKind
from rongtong.domain.bill_columns import COLUMNS
from rongtong.domain.bill_file import (
    BYTES_MAX,
    LINES_MAX,
    BillFileError,
    LineError,
    StatedBill,
    read_csv,
    write_csv,
)
from rongtong.domain.bill_file_json import read_json
from rongtong.domain.bill_template import template

ROW = {name: column.example for name, column in COLUMNS.items()}
BILL = StatedBill(
    line=2,
    enterprise_id="ent_abcdefghijklmnopqrstuvwxyz",
    number="531310000001320260304000000016",
    range="000000000001-000010000000",
    amount_fen=10_000_000,
    kind=BillKind.BANK_ACCEPTED,
    issue_date=date(2026, 3, 4),
    maturity_date=date(2026, 7, 4),
    acceptor_bank_code="313100000013",
    order_number="PO-2026-00001",
    order_amount_fen=10_000_000,
    order_date=date(2026, 1, 16),
    order_buyer_uscc="91350100MA0001202D",
    invoice_number="26352000000000000001",
)


def table(*rows, sep=",", headings=None):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=sep)
    writer.writerow(headings or list(COLUMNS))
    writer.writerows([row[name] for name in COLUMNS] for row in rows)
    return text.getvalue()


def object_of(row):
    line = {}
    for name, column in COLUMNS.items():
        part, _, inner = column.field.rpartition(".")
        value = int(row[name]) if name.endswith("_fen") else row[name]
        (line.setdefault(part, {}) if part else line)[inner] = value
    return line


def refusal(content):
    (line,) = read_csv(content.encode())
    assert isinstance(line, LineError)
    return line.line, line.column, line.code


@pytest.mark.parametrize("sep", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_bill_is_read_in_every_encoding_and_with_every_separator(encoding, sep):
    titles = [column.title for column in COLUMNS.values()]
    assert read_csv(table(ROW, sep=sep, headings=titles).encode(encoding)) == [BILL]


def test_columns_stand_in_any_order_and_one_that_may_be_empty_may_be_missing():
    names = [name for name in reversed(COLUMNS) if name not in ("enterprise_id", "invoice_number")]
    content = "\r\n".join([",".join(names), ",".join(ROW[name] for name in names)])
    (bill,) = read_csv(content.encode())
    assert (bill.number, bill.enterprise_id, bill.invoice_number) == (BILL.number, None, None)


def test_a_line_is_numbered_as_the_file_has_it_whatever_is_quoted_or_empty_before_it():
    first = table({**ROW, "order_number": "a\nb"})
    (broken, bill) = read_csv((first + "\r\n\r\n" + table(ROW).split("\r\n", 1)[1]).encode())
    assert (broken.line, broken.column, broken.code) == (2, "order_number", "CELL_FORM")
    assert bill.line == 6


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("number", "5.3131E+29", "CELL_ROUNDED"),
        ("number", '="531310000001320260304000000016"', "CELL_FORMULA"),
        ("order_number", "=cmd|' /C calc'!A0", "CELL_FORMULA"),
        ("order_number", "@SUM(1)", "CELL_FORMULA"),
        ("number", "", "CELL_MISSING"),
        ("number", "票", "CELL_FORM"),
        ("amount_fen", "1e7", "CELL_ROUNDED"),
        ("amount_fen", "100,000", "CELL_FORM"),
        ("amount_fen", "100.00", "CELL_FORM"),
        ("amount_fen", "0", "CELL_FORM"),
        ("amount_fen", "-1", "CELL_FORM"),
        ("amount_fen", "１００", "CELL_FORM"),
        ("amount_fen", "9" * 5000, "CELL_FORM"),
        ("amount_fen", str(10**15 + 1), "CELL_FORM"),
        ("kind", "AC03", "CELL_FORM"),
        ("issue_date", "04/03/2026", "CELL_FORM"),
        ("issue_date", "2026-02-30", "CELL_FORM"),
        ("range", "1-" + "2" * 30, "CELL_FORM"),
        ("order_buyer_uscc", "x" * 65, "CELL_FORM"),
    ],
)
def test_a_cell_that_cannot_be_read_is_refused_by_line_column_and_code(column, text, code):
    assert refusal(table({**ROW, column: text})) == (2, column, code)


@pytest.mark.parametrize("text", ["2026-03-04", "2026/3/4", "2026/03/04", "20260304", " 2026-03-04\t"])
def test_a_day_is_read_year_first(text):
    assert read_csv(table({**ROW, "issue_date": text}).encode()) == [BILL]


def test_an_apostrophe_that_kept_a_number_text_is_not_part_of_it():
    assert read_csv(table({**ROW, "number": f"'{ROW['number']}"}).encode()) == [BILL]


def test_one_bad_line_spoils_no_other():
    lines = read_csv(table(ROW, {**ROW, "kind": "?"}, ROW).encode())
    assert [type(line) for line in lines] == [StatedBill, LineError, StatedBill]


def test_more_cells_than_columns_are_refused_not_dropped():
    assert refusal(table(ROW).rstrip() + ",surplus\r\n") == (2, "", "CELL_UNKNOWN")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "BILL_FILE_EMPTY"),
        (table().encode(), "BILL_FILE_EMPTY"),
        (table(ROW).replace("order_date", "order_day").encode(), "BILL_FILE_COLUMNS"),
        (table(ROW).replace("order_date", "issue_date").encode(), "BILL_FILE_COLUMNS"),
        (table(ROW).replace("invoice_number", "note", 1).encode(), "BILL_FILE_COLUMNS"),
        (",".join(COLUMNS).replace("kind,", "").encode() + b"\r\n1", "BILL_FILE_COLUMNS"),
        (table(ROW).encode("utf-16"), "BILL_FILE_ENCODING"),
        (b"\xff\xff\xff", "BILL_FILE_ENCODING"),
        (table(ROW).encode() + b'"never closed', "BILL_FILE_FORMAT"),
        (b" " * (BYTES_MAX + 1), "BILL_FILE_TOO_LARGE"),
    ],
)
def test_a_file_whose_lines_cannot_be_told_apart_is_refused_as_a_whole(content, code):
    with pytest.raises(BillFileError) as refused:
        read_csv(content)
    assert (refused.value.code, refused.value.field) == (code, "file")


@pytest.mark.parametrize("read", [read_csv, read_json])
def test_ten_thousand_lines_are_read_and_one_more_is_too_many(read):
    def content(count):
        if read is read_json:
            return json.dumps([object_of(ROW)] * count).encode()
        return (table(ROW) + table(ROW).split("\r\n", 1)[1] * (count - 1)).encode()

    assert len(read(content(LINES_MAX))) == LINES_MAX
    with pytest.raises(BillFileError) as refused:
        read(content(LINES_MAX + 1))
    assert refused.value.code == "BILL_FILE_TOO_MANY_LINES"


def test_json_says_the_same_as_a_table_and_numbers_its_entries():
    (bill,) = read_json(json.dumps([object_of(ROW)]).encode())
    assert bill == StatedBill(**{**vars(BILL), "line": 1})
    assert read_json(json.dumps({"bills": [object_of(ROW)]}).encode()) == [bill]


def test_json_has_deliveries_and_payments_too():
    line = object_of({**ROW, "invoice_number": None})
    line["trade"]["deliveries"] = [{"number": "D1", "date": "2026-02-01", "consignee_uscc": "X"}]
    line["trade"]["money_flows"] = [{"payer_uscc": "A", "payee_uscc": "B", "amount_fen": 5, "date": "2026-02-01"}]
    (bill,) = read_json(json.dumps([line]).encode())
    assert bill.deliveries == ({"number": "D1", "date": "2026-02-01", "consignee_uscc": "X"},)
    assert bill.money_flows[0]["amount_fen"] == 5


def _with(path, value):
    line = object_of(ROW)
    part, _, name = path.rpartition(".")
    (line[part] if part else line)[name] = value
    return json.dumps([line])


@pytest.mark.parametrize(
    ("text", "column", "code"),
    [
        (_with("bill.number", 531310000001320260304000000016), "bill.number", "CELL_FORM"),
        (_with("bill.amount_fen", "10000000"), "bill.amount_fen", "CELL_FORM"),
        (_with("bill.amount_fen", 100.5), "bill.amount_fen", "CELL_FORM"),
        (_with("bill.amount_fen", 1e7), "bill.amount_fen", "CELL_FORM"),
        (_with("bill.amount_fen", True), "bill.amount_fen", "CELL_FORM"),
        (_with("bill.amount_fen", None), "bill.amount_fen", "CELL_MISSING"),
        (_with("bill.amount_fen", float("nan")), "bill.amount_fen", "CELL_FORM"),
        (_with("bill.note", 1), "bill.note", "CELL_UNKNOWN"),
        (_with("note\ud800", 1), "note\\ud800", "CELL_UNKNOWN"),
        (_with("bill", []), "bill", "CELL_FORM"),
        (_with("trade.deliveries", [{}]), "trade.deliveries.0", "CELL_FORM"),
        (_with("trade.deliveries", [{}] * 21), "trade.deliveries", "CELL_FORM"),
        ("[1]", "", "CELL_FORM"),
    ],
)
def test_json_of_the_wrong_type_is_refused_in_its_place(text, column, code):
    (line,) = read_json(text.encode())
    assert (line.line, line.column, line.code) == (1, column, code)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "BILL_FILE_FORMAT"),
        (b"[]", "BILL_FILE_EMPTY"),
        (b'{"bill": 1}', "BILL_FILE_FORMAT"),
        (b'[{"bill": {}, "bill": {}}]', "BILL_FILE_FORMAT"),
        (b"[" * 100_000, "BILL_FILE_FORMAT"),
        (b"[" + b"9" * 5000 + b"]", "BILL_FILE_FORMAT"),
        ("票据号码".encode("gb18030"), "BILL_FILE_ENCODING"),
    ],
)
def test_what_is_no_list_of_bills_is_refused_as_a_whole(content, code):
    with pytest.raises(BillFileError) as refused:
        read_json(content)
    assert refused.value.code == code


def test_the_templates_are_files_that_the_reader_takes():
    assert read_json(template("json")) == [StatedBill(**{**vars(BILL), "line": 1})]
    content = template("csv").decode()
    assert read_csv((content + ",".join(ROW.values())).encode()) == [BILL]


@given(st.text(min_size=1, max_size=20))
def test_no_cell_of_an_answer_is_taken_for_a_formula_and_none_is_lost(text):
    content = write_csv([["x", text]]).removeprefix("\ufeff")
    ((_, cell),) = list(csv.reader(io.StringIO(content, newline="")))
    assert cell.lstrip(" ")[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    assert cell in (text, f"'{text}")


@given(st.binary(max_size=300))
def test_no_bytes_do_more_than_be_refused(content):
    for read in (read_csv, read_json):
        with suppress(BillFileError):
            assert read(content)
