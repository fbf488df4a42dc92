"""ISO 20022 messages: what is written is what was ordered, and nothing hostile or contradictory is believed."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mockbank import messages as counterpart
from mockbank import validate

from rongtong.adapters.iso20022 import (
    Debtor,
    UnwritableOrderError,
    pain_001,
    read_camt_053,
    read_camt_054,
    read_pain_002,
    told_by_camt_054,
)
from rongtong.adapters.strict_xml import BYTES_MAX, UnreadableMessageError
from rongtong.domain.payment import PaymentStatus
from rongtong.services.ports import PaymentAnswer, PaymentOrder, StatementEntry

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
REFERENCE, OTHER = "RTABCDEFGHIJKLMNOPQRSTUVWX2701", "INV-2026-0101"
ACCOUNT, DAY = "11790100012345", date(2026, 11, 10)
NOW = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
DEBTOR = Debtor("示例第一银行", ACCOUNT, "309391000011")
FEN = st.integers(1, 10**18 - 1)
NAMES = st.text(st.sampled_from("示例供应链AZaz09 <>&'\"()"), min_size=1, max_size=140).filter(str.strip)


def order(**changed):
    stated = {
        "reference": REFERENCE,
        "amount_fen": 12_345,
        "payee_account": "6222021234567890123",
        "payee_name": "示例一号",
        "payee_bank_code": "102100099996",
        "purpose": "票据贴现",
        "execute_on": "2026-11-10",
        "not_after": "2026-11-10T15:00:00+00:00",
    }
    return PaymentOrder(**{**stated, **changed})


def document(name, body, *, prolog=""):
    return f'{prolog}<Document xmlns="{NAMESPACE}{name}">{body}</Document>'.encode()


def reason(code):
    return f"<StsRsnInf><Rsn>{code}</Rsn><AddtlInf>张三 said no</AddtlInf></StsRsnInf>"


def transaction(status, reasons="", reference=REFERENCE, serial=""):
    named = f"<OrgnlEndToEndId>{reference}</OrgnlEndToEndId>" if reference else ""
    return f"<TxInfAndSts>{named}<TxSts>{status}</TxSts>{reasons}{serial}</TxInfAndSts>"


def pain_002(*transactions, group="", batch="", message="pain.001.001.09", prolog=""):
    said = f"<OrgnlPmtInfId>{REFERENCE}</OrgnlPmtInfId>{batch}{''.join(transactions)}"
    batches = f"<OrgnlPmtInfAndSts>{said}</OrgnlPmtInfAndSts>"
    named = f"<OrgnlMsgId>{REFERENCE}</OrgnlMsgId><OrgnlMsgNmId>{message}</OrgnlMsgNmId>"
    whole = f"<OrgnlGrpInfAndSts>{named}{group}</OrgnlGrpInfAndSts>{batches if transactions or batch else ''}"
    return document("pain.002.001.10", f"<CstmrPmtStsRpt>{whole}</CstmrPmtStsRpt>", prolog=prolog)


def entry(amount="123.45", side="DBIT", *, detail="", details=None, status="BOOK", more="", currency="CNY"):
    named = f"<TxDtls><Refs><EndToEndId>{REFERENCE}</EndToEndId></Refs>{detail}</TxDtls>"
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{more}<Sts><Cd>{status}</Cd></Sts>'
        f"<BookgDt><Dt>{DAY}</Dt></BookgDt><AcctSvcrRef>MB-PMT-1</AcctSvcrRef>"
        f"<NtryDtls>{named if details is None else details}</NtryDtls></Ntry>"
    )


def details(reference, amount=None, currency="CNY"):
    money = "" if amount is None else f'<Amt Ccy="{currency}">{amount}</Amt>'
    return f"<TxDtls><Refs><EndToEndId>{reference}</EndToEndId></Refs>{money}</TxDtls>"


def camt_054(*entries, account=ACCOUNT):
    body = f"<Ntfctn><Acct><Id><Othr><Id>{account}</Id></Othr></Id></Acct>{''.join(entries)}</Ntfctn>"
    return document("camt.054.001.08", f"<BkToCstmrDbtCdtNtfctn>{body}</BkToCstmrDbtCdtNtfctn>")


def balance(code, amount, side="CRDT", day=DAY):
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f'<Bal>{kind}<Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>'


def camt_053(*entries, opening="1000.00", closing="876.55", account=ACCOUNT, more=""):
    balances = balance("OPBD", opening) + balance("CLBD", closing)
    named = f"<Acct><Id><IBAN>{account}</IBAN></Id></Acct>"
    stated = f"<Stmt>{more}{named}{balances}{''.join(entries)}</Stmt>"
    return document("camt.053.001.08", f"<BkToCstmrStmt>{stated}</BkToCstmrStmt>")


def paid(fen=12_345, status=PaymentStatus.SUCCEEDED, reference=REFERENCE):
    return StatementEntry(reference, fen, status, "MB-PMT-1")


RETURN = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>"
REVERSED = "<RvslInd>true</RvslInd>"


def family(code):
    return f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>{code}</SubFmlyCd></Fmly></Domn></BkTxCd>"


# --- the order


@given(fen=FEN, payee=NAMES, debtor=NAMES)
def test_an_order_passes_the_banks_validation(fen, payee, debtor):
    content = pain_001(order(amount_fen=fen, payee_name=payee), Debtor(debtor, ACCOUNT, "309391000011"), NOW)
    assert validate.validate(content, today=DAY) == []


@given(fen=FEN)
def test_another_reader_finds_every_fen_of_the_order(fen):
    assert counterpart.read_pain001(pain_001(order(amount_fen=fen), DEBTOR, NOW)).payments[0].amount == fen


def test_another_reader_finds_payee_bank_day_and_purpose():
    found = counterpart.read_pain001(pain_001(order(), DEBTOR, NOW))
    payment, batch = found.payments[0], found.batches[0]
    assert (payment.creditor_name, payment.creditor_account) == ("示例一号", "6222021234567890123")
    assert (payment.creditor_clearing_id, payment.remittance) == ("102100099996", ["票据贴现"])
    assert (batch.debtor_account, batch.requested_execution_date) == (ACCOUNT, DAY)


def test_the_reference_is_every_id_of_the_message():
    found = counterpart.read_pain001(pain_001(order(), DEBTOR, NOW))
    assert {found.msg_id, found.batches[0].pmt_inf_id, found.payments[0].end_to_end_id} == {REFERENCE}


def test_the_same_order_is_the_same_message():
    assert pain_001(order(), DEBTOR, NOW) == pain_001(order(), DEBTOR, NOW)


def test_an_account_of_the_form_of_an_iban_is_written_as_one():
    assert b"<IBAN>NL41MOCK0000000001</IBAN>" in pain_001(order(payee_account="NL41MOCK0000000001"), DEBTOR, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"amount_fen": 0},
        {"amount_fen": -1},
        {"amount_fen": 10**18},
        {"payee_name": "示例\x00一号"},
        {"payee_name": "示例\n一号"},
        {"payee_name": "示" * 141},
        {"payee_name": " "},
        {"payee_account": "6" * 35},
        {"purpose": "票" * 141},
        {"reference": "R" * 36},
    ],
)
def test_what_fits_into_no_order_is_not_written(changed):
    with pytest.raises(UnwritableOrderError):
        pain_001(order(**changed), DEBTOR, NOW)


# --- the status report


@pytest.mark.parametrize(
    ("code", "status"),
    [
        *[(code, PaymentStatus.PROCESSING) for code in ("ACTC", "ACCP", "ACSP", "PDNG")],
        *[(code, PaymentStatus.SUCCEEDED) for code in ("ACSC", "ACCC")],
        ("RJCT", PaymentStatus.FAILED),
        *[(code, PaymentStatus.UNKNOWN) for code in ("CANC", "BLCK", "PART", "XXXX", "acsc", "")],
    ],
)
def test_a_status_code_is_a_status_and_an_unknown_one_is_unknown(code, status):
    assert [one.status for one in read_pain_002(pain_002(transaction(code)))] == [status]


@pytest.mark.parametrize(
    ("code", "stable"),
    [
        ("AC03", "PAYEE_REFUSED"),
        ("AC04", "ACCOUNT_REFUSED"),
        ("RC01", "PAYEE_BANK_UNKNOWN"),
        ("AM04", "FUNDING_REFUSED"),
        ("AM02", "PAYMENT_AMOUNT_REFUSED"),
        ("TM01", "PAST_CUT_OFF"),
        ("FF01", "PAYMENT_ORDER_REFUSED"),
        ("RR04", "PAYMENT_FAILED"),
        ("ZZ99", "PAYMENT_FAILED"),
    ],
)
def test_a_refusal_is_told_by_a_code_of_ours(code, stable):
    refused = transaction("RJCT", reason(f"<Cd>{code}</Cd>"))
    assert read_pain_002(pain_002(refused)) == [PaymentAnswer(REFERENCE, PaymentStatus.FAILED, reason=stable)]


def test_a_refusal_without_a_reason_has_the_general_one():
    assert read_pain_002(pain_002(transaction("RJCT")))[0].reason == "PAYMENT_FAILED"


@pytest.mark.parametrize("code", ["AM05", "DUPL", "DU01", "DU04"])
@pytest.mark.parametrize("level", ["payment", "batch", "file", "file alone"])
def test_a_duplicate_at_any_level_is_no_failure(code, level):
    said = reason(f"<Cd>{code}</Cd>")
    refused = {
        "payment": pain_002(transaction("RJCT", said)),
        "batch": pain_002(transaction("RJCT"), batch=said),
        "file": pain_002(transaction("RJCT", reason("<Cd>NARR</Cd>")), group=said),
        "file alone": pain_002(group=f"<GrpSts>RJCT</GrpSts>{said}"),
    }[level]
    assert read_pain_002(refused) == [PaymentAnswer(REFERENCE, PaymentStatus.UNKNOWN)]


def test_a_refusal_in_the_banks_own_words_may_be_a_duplicate_and_is_no_failure():
    refused = transaction("RJCT", reason("<Prtry>重复指令</Prtry>"))
    assert read_pain_002(pain_002(refused)) == [PaymentAnswer(REFERENCE, PaymentStatus.UNKNOWN)]


def test_a_refused_file_is_told_under_the_reference_of_its_payment():
    refused = pain_002(group=f"<GrpSts>RJCT</GrpSts>{reason('<Cd>FF01</Cd>')}")
    assert read_pain_002(refused) == [PaymentAnswer(REFERENCE, PaymentStatus.FAILED, reason="PAYMENT_ORDER_REFUSED")]


@pytest.mark.parametrize(
    "said", [pain_002(group="<GrpSts>RJCT</GrpSts>"), pain_002(batch="<PmtInfSts>RJCT</PmtInfSts>")]
)
def test_what_is_said_of_a_whole_file_can_be_left_out(said):
    assert (len(read_pain_002(said)), read_pain_002(said, whole_files=False)) == (1, [])


def test_a_transaction_without_a_status_has_that_of_its_batch():
    bare = f"<TxInfAndSts><OrgnlEndToEndId>{REFERENCE}</OrgnlEndToEndId></TxInfAndSts>"
    assert read_pain_002(pain_002(bare, batch="<PmtInfSts>ACSC</PmtInfSts>"))[0].status is PaymentStatus.SUCCEEDED


def test_a_transaction_without_a_name_is_told_under_its_batch():
    assert read_pain_002(pain_002(transaction("ACCP", reference="")))[0].reference == REFERENCE


def test_no_words_of_the_bank_are_passed_on():
    said = pain_002(transaction("RJCT", reason("<Cd>张三</Cd>"), serial="<AcctSvcrRef>张三 6222</AcctSvcrRef>"))
    assert read_pain_002(said) == [PaymentAnswer(REFERENCE, PaymentStatus.FAILED, reason="PAYMENT_FAILED")]


def test_a_report_on_a_direct_debit_says_nothing_of_payments():
    assert read_pain_002(pain_002(transaction("RJCT"), message="pain.008.001.08")) == []


def test_a_foreign_reference_stays_apart_and_words_are_no_reference():
    said = read_pain_002(pain_002(transaction("RJCT", reference=OTHER), transaction("ACSC", reference="张三 工资")))
    assert [one.reference for one in said] == [OTHER]


# --- notifications and statements


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        (entry(), PaymentStatus.SUCCEEDED),
        (entry(side="CRDT", detail=RETURN), PaymentStatus.RETURNED),
        (entry(side="CRDT", more=family("RRTN")), PaymentStatus.RETURNED),
        (entry(side="CRDT", more=REVERSED, detail=RETURN), PaymentStatus.RETURNED),
        (entry(side="CRDT", more=REVERSED), PaymentStatus.REVERSED),
        (entry(side="CRDT", more=family("RPCR")), PaymentStatus.REVERSED),
    ],
)
def test_a_booking_says_what_became_of_the_payment(stated, status):
    assert read_camt_054(camt_054(stated), ACCOUNT) == [paid(status=status)]


@pytest.mark.parametrize(
    "stated",
    [
        entry(side="CRDT"),
        entry(side="CRDT", more=family("ESCT")),
        entry(more=REVERSED),
        entry(detail=RETURN),
        entry(status="PDNG"),
        entry(status="INFO"),
        entry(status="XXXX"),
    ],
)
def test_what_is_not_booked_or_no_payment_says_nothing_of_one(stated):
    assert read_camt_054(camt_054(stated), ACCOUNT) == []


def test_a_notice_of_a_return_gives_its_reason_as_a_code_of_ours():
    back = PaymentAnswer(REFERENCE, PaymentStatus.RETURNED, "MB-PMT-1", "PAYEE_REFUSED")
    assert told_by_camt_054(camt_054(entry(side="CRDT", detail=RETURN)), ACCOUNT) == [back]


def test_another_accounts_notification_is_not_ours():
    assert read_camt_054(camt_054(entry(), account="11790100099999"), ACCOUNT) == []


def test_an_entry_of_several_payments_is_told_payment_by_payment():
    both = details(REFERENCE, "100.00") + details(OTHER, "23.45")
    assert read_camt_054(camt_054(entry(details=both)), ACCOUNT) == [paid(10_000), paid(2_345, reference=OTHER)]


@pytest.mark.parametrize("named", ["NOTPROVIDED", "张三 工资", ""])
def test_a_debit_without_a_reference_is_told_under_the_banks_serial(named):
    assert read_camt_054(camt_054(entry(details=details(named))), ACCOUNT) == [paid(reference="MB-PMT-1")]


def test_a_debit_without_details_is_told_too():
    assert read_camt_054(camt_054(entry(details="")), ACCOUNT) == [paid(reference="MB-PMT-1")]


def test_a_statement_has_every_payment_out_and_back():
    back, income = entry(side="CRDT", detail=RETURN), entry("500.00", side="CRDT")
    stated = camt_053(entry(), back, income, opening="1000.00", closing="1500.00")
    assert read_camt_053(stated, ACCOUNT, DAY) == [paid(), paid(status=PaymentStatus.RETURNED)]


def test_a_statement_of_a_day_without_bookings_is_empty():
    assert read_camt_053(camt_053(closing="1000.00"), ACCOUNT, DAY) == []


@pytest.mark.parametrize(
    ("stated", "account", "day"),
    [
        (camt_053(closing="876.55"), ACCOUNT, DAY),
        (camt_053(entry(), closing="876.56"), ACCOUNT, DAY),
        (camt_053(entry()), "11790100099999", DAY),
        (camt_053(closing="1000.00"), ACCOUNT, date(2026, 11, 11)),
        (camt_053(entry().replace(f"<BookgDt><Dt>{DAY}", "<BookgDt><Dt>2026-11-09")), ACCOUNT, DAY),
        (camt_053(entry(), more="<StmtPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></StmtPgntn>"), ACCOUNT, DAY),
        (camt_053(entry(), more="<StmtPgntn><PgNb>2</PgNb><LastPgInd>true</LastPgInd></StmtPgntn>"), ACCOUNT, DAY),
        (camt_053(entry(), balance("CLBD", "876.55")), ACCOUNT, DAY),
        (camt_053(entry()).replace(b"OPBD", b"XXXX"), ACCOUNT, DAY),
    ],
    ids=["gap", "one fen", "account", "day", "entry's day", "first page", "last page", "two closings", "no opening"],
)
def test_a_statement_that_is_not_the_whole_day_is_not_read(stated, account, day):
    with pytest.raises(UnreadableMessageError):
        read_camt_053(stated, account, day)


# --- money


@given(fen=FEN)
def test_a_booking_has_every_fen_of_its_amount(fen):
    written = str(Decimal(fen).scaleb(-2))
    assert read_camt_054(camt_054(entry(written)), ACCOUNT)[0].amount_fen == fen


@given(fens=st.lists(st.integers(1, 10**15), min_size=1, max_size=8))
def test_a_statement_is_exact_to_the_fen(fens):
    written = [str(Decimal(fen).scaleb(-2)) for fen in fens]
    stated = camt_053(
        *map(entry, written),
        opening=str(Decimal(10**17).scaleb(-2)),
        closing=str(Decimal(10**17 - sum(fens)).scaleb(-2)),
    )
    assert [one.amount_fen for one in read_camt_053(stated, ACCOUNT, DAY)] == fens


@pytest.mark.parametrize(("written", "fen"), [("7", 700), ("7.5", 750), ("7.50000", 750), (" 007.05\n", 705)])
def test_other_ways_to_write_an_amount_are_the_same_amount(written, fen):
    assert read_camt_054(camt_054(entry(written)), ACCOUNT)[0].amount_fen == fen


@pytest.mark.parametrize(
    "written",
    ["", "1.234", "1,5", "1,000.00", "-1.00", "+1.00", "1e3", "1.", ".5", "0x10", "NaN", "１.00", "1 0.00", "9" * 17],
)
def test_an_amount_that_is_not_in_whole_fen_is_not_read(written):
    with pytest.raises(UnreadableMessageError):
        read_camt_054(camt_054(entry(written)), ACCOUNT)


@pytest.mark.parametrize("currency", ["EUR", "CNH", "cny", ""])
def test_an_amount_in_another_currency_is_not_read(currency):
    with pytest.raises(UnreadableMessageError):
        read_camt_054(camt_054(entry(currency=currency)), ACCOUNT)


@pytest.mark.parametrize(
    "contradictory",
    [
        entry(details=details(REFERENCE, "100.00") + details(OTHER, "23.44")),
        entry(details=details(REFERENCE) + details(OTHER, "23.45")),
        entry(details=details(REFERENCE, "123.44")),
        entry(details=details(REFERENCE, "123.45", "EUR")),
        entry(side="BOTH"),
        entry(more="<CdtDbtInd>CRDT</CdtDbtInd>"),
        entry(more='<Amt Ccy="CNY">1.00</Amt>'),
        entry(detail=f"<Refs><EndToEndId>{OTHER}</EndToEndId></Refs>"),
    ],
)
def test_an_entry_that_contradicts_itself_is_not_read(contradictory):
    with pytest.raises(UnreadableMessageError):
        read_camt_054(camt_054(contradictory), ACCOUNT)


# --- hostile XML

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE Document [<!ENTITY l0 "ACSC">{LAUGHS}]>'
GOOD = pain_002(transaction("ACSC"))


@pytest.mark.parametrize(
    "hostile",
    [
        pain_002(transaction("&l9;"), prolog=BOMB),
        pain_002(transaction("&x;"), prolog='<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        pain_002(transaction("ACSC"), prolog='<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">'),
        pain_002(transaction("ACSC"), prolog="<!DOCTYPE Document>"),
        pain_002(transaction("ACSC"), prolog="<!DOCTYPE Document>").decode().encode("utf-16"),
        pain_002(transaction("&x;")),
        GOOD[:-1],
        GOOD[: len(GOOD) // 2],
        GOOD + GOOD,
        b"",
        b"\xff\xfe\x00",
        b"{}",
        b'<?xml version="1.0" encoding="no-such"?>' + GOOD,
        GOOD.replace(b"</Document>", b" " * BYTES_MAX + b"</Document>"),
        pain_002(transaction("ACSC", "<a>" * 100_000 + "</a>" * 100_000)),
        GOOD.replace(b"Document", b"Envelope"),
        GOOD.replace(b"pain.002.001.10", b"pain.002.001.03"),
        GOOD.replace(b"urn:iso:std:iso", b"urn:example"),
        GOOD.replace(f' xmlns="{NAMESPACE}pain.002.001.10"'.encode(), b""),
        GOOD.replace(b"<CstmrPmtStsRpt>", b'<CstmrPmtStsRpt xmlns="urn:example">'),
        camt_054(entry()),
        pain_002(transaction("ACSC") + "<OrgnlPmtInfId>X</OrgnlPmtInfId>"),
        pain_002(transaction("ACSC</TxSts><TxSts>RJCT")),
        pain_002(transaction("ACSC", reference=f"{OTHER}</OrgnlEndToEndId><OrgnlEndToEndId>{REFERENCE}")),
    ],
)
def test_hostile_broken_or_foreign_xml_is_not_read(hostile):
    with pytest.raises(UnreadableMessageError):
        read_pain_002(hostile)


def test_elements_of_another_namespace_are_not_taken_for_the_messages_own():
    alien = f'<x:TxInfAndSts xmlns:x="urn:example"><x:OrgnlEndToEndId>{REFERENCE}</x:OrgnlEndToEndId></x:TxInfAndSts>'
    assert [one.status for one in read_pain_002(pain_002(transaction("ACCP"), alien))] == [PaymentStatus.PROCESSING]


def test_a_comment_does_not_cut_a_reference():
    cut = transaction("ACSC", reference=f"{REFERENCE[:5]}<!-- -->{REFERENCE[5:]}")
    assert read_pain_002(pain_002(cut))[0].reference == REFERENCE


@given(st.data())
def test_no_damage_to_a_message_leads_to_anything_but_a_refusal_to_read_it(data):
    at = data.draw(st.integers(0, len(GOOD) - 1))
    damaged = GOOD[:at] + data.draw(st.binary(max_size=3)) + GOOD[at + data.draw(st.integers(0, 40)) :]
    try:
        read_pain_002(damaged)
    except UnreadableMessageError:
        return
