"""Statements as files: what is written reads back the same, and harms no spreadsheet."""

import csv
import io
from dataclasses import replace
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.adapters.camt_statement import camt_053
from rongtong.adapters.iso20022 import read_camt_053
from rongtong.adapters.statement_csv import COLUMNS, statement_csv
from rongtong.domain.money import yuan_to_fen
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.statement import Line, LineKind, Parts, Period, Statement

DAY, AT = date(2026, 4, 15), datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
REFERENCE = "RTABCDEFGHIJKLMNOPQRSTUVWX2701"
SPACE = "{urn:iso:std:iso:20022:tech:xsd:camt.053.001.08}"
FEN = st.integers(1, 10**15)
BOOKED = [kind for kind in LineKind if kind is not LineKind.OPEN]
STATUS = {LineKind.RETURNED: PaymentStatus.RETURNED, LineKind.REVERSED: PaymentStatus.REVERSED}


def _line(kind=LineKind.PAID, fen=99_000, **changes):
    parts = Parts(fen + 1_000, 1_000, 0, 0) if kind is LineKind.PAID else None
    line = Line(
        kind, DAY, AT, REFERENCE, "SB0", "dsc_1", "ent_1", "partner-a", "bank-1", "5" * 30, "1-100000", fen, parts
    )
    return replace(line, **changes)


def _statement(*lines, period="2026-04-15"):
    return Statement("partner-a", Period.parse(period), AT, tuple(lines), True, True)


def _rows(*lines):
    return list(csv.DictReader(io.StringIO(statement_csv(_statement(*lines)).decode("utf-8-sig"), newline="")))


# --- camt.053


@given(st.lists(st.tuples(st.sampled_from(BOOKED), FEN), max_size=12))
def test_the_reader_of_the_bank_s_statements_finds_every_line_and_every_fen(found):
    written = camt_053(_statement(*[_line(kind, fen) for kind, fen in found]))
    read = [(one.reference, one.status, one.amount_fen) for one in read_camt_053(written, "partner-a", DAY)]
    assert read == [(REFERENCE, STATUS.get(kind, PaymentStatus.SUCCEEDED), fen) for kind, fen in found]


def test_what_is_open_is_not_booked():
    assert read_camt_053(camt_053(_statement(_line(LineKind.OPEN))), "partner-a", DAY) == []


def test_the_bank_s_serial_is_handed_on_and_one_that_is_missing_is_not_invented():
    written = camt_053(_statement(_line(), _line(LineKind.RETURNED, bank_serial=None)))
    assert [one.bank_serial for one in read_camt_053(written, "partner-a", DAY)] == ["SB0", None]


def test_face_interest_and_fee_stand_beside_the_amount():
    tree = ET.fromstring(camt_053(_statement(_line(parts=Parts(120_000, 20_500, 500, 1_000)))))
    amounts = {one.findtext(f"{SPACE}Tp"): one.findtext(f"{SPACE}Amt") for one in tree.iter(f"{SPACE}PrtryAmt")}
    assert amounts == {"FACE": "1200.00", "INTEREST": "205.00", "BUYER_INTEREST": "5.00", "FEE": "10.00"}


def test_the_summary_counts_both_sides():
    tree = ET.fromstring(camt_053(_statement(_line(), _line(fen=1), _line(LineKind.RETURNED, fen=50))))
    read = {
        name: tuple(one.text for one in tree.find(f".//{SPACE}{name}")[:2])
        for name in ("TtlNtries", "TtlCdtNtries", "TtlDbtNtries")
    }
    assert read == {"TtlNtries": ("3", "990.51"), "TtlCdtNtries": ("1", "0.50"), "TtlDbtNtries": ("2", "990.01")}


@pytest.mark.parametrize("kind", BOOKED)
def test_the_parts_of_an_entry_stand_in_the_order_of_the_schema(kind):
    tree = ET.fromstring(camt_053(_statement(_line(kind, reason="PAYEE_REFUSED"))))
    orders = {
        "Stmt": ["Id", "CreDtTm", "FrToDt", "Acct", "Bal", "Bal", "TxsSummry", "Ntry", "AddtlStmtInf"],
        "Ntry": ["Amt", "CdtDbtInd", "RvslInd", "Sts", "BookgDt", "ValDt", "AcctSvcrRef", "BkTxCd", "NtryDtls"],
        "TxDtls": ["Refs", "Amt", "CdtDbtInd", "AmtDtls", "RmtInf", "RtrInf"],
        "Bal": ["Tp", "Amt", "CdtDbtInd", "Dt"],
    }
    for name, order in orders.items():
        found = [child.tag.removeprefix(SPACE) for child in tree.find(f".//{SPACE}{name}")]
        assert found == [child for child in order if child in found]
        assert {"Stmt", "Bal"} & {name} == set() or found == order


def test_ids_fit_the_standard_and_differ_by_owner():
    first = _statement(_line())
    ids = [
        ET.fromstring(camt_053(made)).find(f".//{SPACE}MsgId").text for made in (first, replace(first, owner="bank-1"))
    ]
    assert ids[0] != ids[1]
    assert max(map(len, ids)) <= 35


# --- CSV


def test_a_file_begins_with_a_byte_order_mark_and_its_columns_keep_their_places():
    written = statement_csv(_statement(_line()))
    assert written.startswith(b"\xef\xbb\xbfkind,day,at,reference,bank_serial,discount_id,enterprise_id,")
    assert COLUMNS[-1] == "reason"
    assert len(COLUMNS) == 17
    assert written.endswith(b"\r\n")


@given(fen=FEN)
def test_every_fen_is_in_the_file(fen):
    (row,) = _rows(_line(fen=fen))
    assert yuan_to_fen(row["amount_yuan"]) == fen
    assert yuan_to_fen(row["face_yuan"]) - yuan_to_fen(row["interest_yuan"]) == fen


def test_a_bill_number_keeps_its_thirty_digits():
    assert _rows(_line())[0]["bill_number"] == "5" * 30


@given(st.text(max_size=20), st.sampled_from("=+-@\t\r\n"))
def test_no_cell_begins_like_a_formula(text, first):
    (row,) = _rows(_line(bank_serial=first + text, reason=None))
    assert row["bank_serial"] == f"'{first}{text}"


@given(st.text(max_size=30).filter(lambda text: not text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))))
def test_any_other_text_is_written_as_it_is(text):
    assert _rows(_line(reason=text))[0]["reason"] == text


def test_what_a_line_does_not_have_is_empty():
    (row,) = _rows(_line(LineKind.RETURNED, bank_serial=None))
    assert [row[name] for name in ("bank_serial", "face_yuan", "interest_yuan", "fee_yuan", "reason")] == [""] * 5
