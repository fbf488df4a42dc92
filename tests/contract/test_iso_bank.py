"""The bank port's promises over ISO 20022, held against mock-bank itself: its HTTP server, its SQLite, its failures."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import urllib3
from mockbank.server import Config, make_server

from rongtong.adapters.iso20022 import Debtor, pain_001, read_camt_054
from rongtong.adapters.iso_bank import IsoBank, MailboxDoor
from rongtong.domain.payment import PaymentStatus
from rongtong.services.ports import BankUnavailableError, PaymentAnswer, PaymentOrder, StatementEntry

ID, IBAN = "INSTITUTION", "CN54RONG0000000001"
PAYEE, PAYEE_IBAN, ELSEWHERE = "SUPPLIER", "CN27RONG0000000002", "6222021234567890123"
OPENING_FEN = 100_000_000
NOW = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)
TUESDAY, WEDNESDAY, FRIDAY, SATURDAY, MONDAY, NEXT_TUESDAY = (date(2026, 11, day) for day in (10, 11, 13, 14, 16, 17))
DEBTOR = Debtor("示例第一银行", IBAN, "309391000011")
SUCCEEDED, FAILED, RETURNED = PaymentStatus.SUCCEEDED, PaymentStatus.FAILED, PaymentStatus.RETURNED
PROCESSING, UNKNOWN = PaymentStatus.PROCESSING, PaymentStatus.UNKNOWN


def order(series=1, **changed):
    stated = PaymentOrder(
        reference=f"RTABCDEFGHIJKLMNOPQRSTUVWX27{series:02d}",
        amount_fen=12_345,
        payee_account=ELSEWHERE,
        payee_name="示例一号",
        payee_bank_code="102100099996",
        purpose="票据贴现",
        execute_on=TUESDAY.isoformat(),
        not_after="2026-11-10T07:00:00+00:00",
    )
    return replace(stated, **changed)


REFERENCE = order().reference
TOMORROW = {"execute_on": WEDNESDAY.isoformat()}
TO_A_HELD_ACCOUNT = {"payee_account": PAYEE_IBAN}


class Elsewhere:
    """The other service, which verifies accounts."""

    def verify_account(self, account_number, account_name, uscc):
        return (account_number, account_name, uscc) == (ELSEWHERE, "示例一号", "U1")


def bank_at(url, *, timeout_s=5.0, authorization=None, now=NOW, debtor=DEBTOR):
    return IsoBank(MailboxDoor(url, ID, timeout_s, authorization), debtor, Elsewhere(), lambda: now)


class MockBank:
    """A running mock-bank and its control side."""

    def __init__(self, url, auth):
        self.url, self.auth = url, auth
        self.bank = bank_at(url)

    def control(self, method, path, **keywords):
        answer = requests.request(method, f"{self.url}/_mock/{path}", timeout=5, auth=self.auth, **keywords)
        answer.raise_for_status()
        return answer.json()

    def change(self, account, **fields):
        self.control("PATCH", f"accounts/{account}", json=fields)

    def behave(self, behaviour, account=ID, **parameters):
        self.change(account, behaviour=behaviour, parameters=parameters)

    def advance_to(self, day):
        self.control("POST", f"advance?to={day}")

    def post(self, content):
        return requests.post(f"{self.url}/payments", data=content, timeout=5).json()

    def paid_fen(self):
        return OPENING_FEN - self.control("GET", f"accounts/{ID}")["balance"]

    def payments(self):
        return len(self.control("GET", "payments"))

    def messages(self, kind):
        return [row["body"].encode() for row in self.control("GET", f"messages?type={kind}")]


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def running(clock="2026-11-10T10:00", auth="", **settings):
    config = Config(port=0, quiet=True, timezone="Asia/Shanghai", clock=clock, auth=auth, **settings)
    with serving(make_server(config)) as url:
        mock = MockBank(url, tuple(auth.split(":")) if auth else None)
        mock.control("POST", "accounts", json={"id": ID, "iban": IBAN, "currency": "CNY", "balance": OPENING_FEN})
        mock.control("POST", "accounts", json={"id": PAYEE, "iban": PAYEE_IBAN, "currency": "CNY"})
        yield mock


@pytest.fixture
def mock():
    with running() as started:
        yield started


@contextmanager
def answering(answer):
    """A server that lets ``answer(method, path, body)`` say status and content, or None to hang up."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = answer(self.command, self.path, body)
            self.close_connection = True
            if said is not None:
                self.send_response(said[0])
                self.send_header("Content-Length", str(len(said[1])))
                self.end_headers()
                self.wfile.write(said[1])

        do_GET = do_POST = _serve  # noqa: N815 names of the standard library's interface

        def log_message(self, *_):
            """Say nothing."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as url:
        yield url


def relay(mock, method, path, body):
    found = requests.request(method, mock.url + path, data=body, timeout=5)
    return found.status_code, found.content


# --- paid once


def test_a_payment_is_booked_to_the_fen_and_has_the_banks_serial(mock):
    assert mock.bank.pay(order()) == PaymentAnswer(REFERENCE, SUCCEEDED, "MB-PMT-1")
    assert mock.paid_fen() == order().amount_fen


def test_the_banks_validation_finds_nothing_in_an_order(mock):
    found = requests.post(f"{mock.url}/_mock/validate", data=pain_001(order(), DEBTOR, NOW), timeout=5)
    assert (found.status_code, found.text.rpartition(", ")[2]) == (200, "0 findings\n")


def test_a_reference_is_paid_once_however_often_it_is_sent(mock):
    answers = [mock.bank.pay(order()) for _ in range(3)]
    assert answers == answers[:1] * 3
    assert (mock.payments(), mock.paid_fen()) == (1, order().amount_fen)


def test_a_reference_is_paid_once_also_by_a_bank_that_takes_duplicates():
    with running(allow_duplicates=True) as lax:
        assert [lax.bank.pay(order()).status for _ in range(3)] == [SUCCEEDED] * 3
        assert lax.paid_fen() == order().amount_fen


def test_a_reference_that_many_send_at_once_is_paid_once(mock):
    with ThreadPoolExecutor(8) as workers:
        told = {answer.status for answer in workers.map(lambda _: mock.bank.pay(order()), range(8))}
    assert (told, mock.payments(), mock.paid_fen()) == ({SUCCEEDED}, 1, order().amount_fen)


def test_a_refused_duplicate_leads_to_what_became_of_the_first(mock):
    mock.bank.pay(order())
    assert mock.post(pain_001(order(), DEBTOR, NOW))["reason"] == "DUPL"
    assert mock.bank.query(REFERENCE).status is SUCCEEDED


def test_another_reference_is_another_payment(mock):
    assert {mock.bank.pay(order(series)).status for series in (1, 2)} == {SUCCEEDED}
    assert mock.paid_fen() == 2 * order().amount_fen


# --- asked


def test_a_reference_that_the_bank_never_saw_is_none(mock):
    mock.bank.pay(order())
    assert mock.bank.query(order(2).reference) is None


def test_a_query_answers_what_the_payment_answered(mock):
    assert mock.bank.pay(order()) == mock.bank.query(REFERENCE)


def test_a_query_takes_no_message_away(mock):
    mock.bank.pay(order())
    told = [mock.bank.query(REFERENCE).status for _ in range(2)]
    assert told == [SUCCEEDED] * 2


def test_a_payment_of_tomorrow_is_in_process_until_it_is_booked(mock):
    assert (mock.bank.pay(order(**TOMORROW)).status, mock.paid_fen()) == (PROCESSING, 0)
    mock.advance_to(WEDNESDAY)
    assert mock.bank.query(REFERENCE).status is SUCCEEDED


@pytest.mark.parametrize("closed", ["late in the day", "on a holiday"])
def test_a_payment_on_a_closed_day_is_in_process_until_the_next(closed):
    with running(clock="2026-11-10T15:00" if closed == "late in the day" else "2026-11-10T10:00") as mock:
        mock.control("PUT", "holidays", json=[TUESDAY.isoformat()] if closed == "on a holiday" else [])
        assert mock.bank.pay(order()).status is PROCESSING
        mock.advance_to(WEDNESDAY)
        assert mock.bank.query(REFERENCE).status is SUCCEEDED


def test_after_the_cut_off_nothing_is_sent(mock):
    late = bank_at(mock.url, now=datetime.fromisoformat(order().not_after))
    with pytest.raises(BankUnavailableError):
        late.pay(order())
    assert (late.query(REFERENCE), mock.payments()) == (None, 0)


def test_after_the_cut_off_a_repeat_still_answers_what_became_of_the_first(mock):
    first = mock.bank.pay(order())
    assert bank_at(mock.url, now=datetime.fromisoformat(order().not_after)).pay(order()) == first


def test_an_order_that_fits_into_no_message_is_not_sent(mock):
    with pytest.raises(BankUnavailableError):
        mock.bank.pay(order(payee_name="示" * 141))
    assert mock.payments() == 0


# --- refused


@pytest.mark.parametrize(
    ("behaviour", "account", "reason"),
    [
        ("closed-account", PAYEE, "ACCOUNT_REFUSED"),
        ("bad-bank-id", PAYEE, "PAYEE_BANK_UNKNOWN"),
        ("insufficient-funds", ID, "FUNDING_REFUSED"),
        ("reject-file", ID, "PAYMENT_ORDER_REFUSED"),
    ],
)
def test_a_refused_payment_moves_no_money_and_says_why_by_a_code(mock, behaviour, account, reason):
    mock.change(ID, balance=OPENING_FEN if account == PAYEE else 12_344)
    mock.behave(behaviour, account)
    before_fen, sent = mock.paid_fen(), order(**TO_A_HELD_ACCOUNT)
    assert mock.bank.pay(sent) == PaymentAnswer(sent.reference, FAILED, reason=reason)
    assert mock.paid_fen() == before_fen


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("CN00NOBODY", "ACCOUNT_REFUSED"),
        ("99999", "FUNDING_REFUSED"),
        ("NL41MOCK0000000001", "PAYMENT_ORDER_REFUSED"),
    ],
    ids=["no account", "not held", "held in euro"],
)
def test_an_order_from_an_account_that_cannot_pay_it_is_refused(mock, account, reason):
    other = bank_at(mock.url, debtor=replace(DEBTOR, account=account))
    assert (other.pay(order()).status, other.query(REFERENCE).reason) == (FAILED, reason)


def test_what_was_refused_stays_refused_when_it_is_sent_again(mock):
    mock.behave("reject-file")
    first = mock.bank.pay(order())
    mock.behave("accept")
    assert (mock.bank.pay(order()), mock.bank.query(REFERENCE), mock.paid_fen()) == (first, first, 0)


def test_an_account_that_is_closed_before_settlement_fails_the_payment(mock):
    assert mock.bank.pay(order(**TOMORROW)).status is PROCESSING
    mock.change(ID, closed=True)
    mock.advance_to(WEDNESDAY)
    assert (mock.bank.query(REFERENCE).status, mock.paid_fen()) == (FAILED, 0)


def test_a_late_status_report_leaves_the_payment_in_process():
    with running(status_delay_ms=3_600_000) as slow:
        slow.behave("closed-account", PAYEE)
        assert slow.bank.pay(order(**TO_A_HELD_ACCOUNT)).status is PROCESSING
        slow.advance_to(WEDNESDAY)
        assert slow.bank.query(REFERENCE).status is FAILED


def test_a_late_report_on_a_refused_file_leaves_the_outcome_unknown():
    with running(status_delay_ms=3_600_000) as slow:
        slow.behave("reject-file")
        assert slow.bank.pay(order()).status is UNKNOWN
        slow.advance_to(WEDNESDAY)
        assert slow.bank.query(REFERENCE).status is FAILED


def test_a_silent_banks_booking_says_what_became_of_the_payment(mock):
    mock.behave("silent")
    assert mock.bank.pay(order(**TOMORROW)).status is PROCESSING
    mock.advance_to(WEDNESDAY)
    assert (mock.bank.query(REFERENCE).status, mock.messages("pain.002")) == (SUCCEEDED, [])


def test_a_second_file_that_is_refused_is_no_failure_of_what_the_first_ordered():
    with running(allow_duplicates=True) as lax:
        lax.behave("silent")
        lax.bank.pay(order(**TOMORROW))
        lax.behave("reject-file")
        assert lax.post(pain_001(order(), DEBTOR, NOW))["reason"] == "FF01"
        assert lax.bank.query(REFERENCE).status is PROCESSING


# --- returned


@pytest.fixture
def returned(mock):
    mock.behave("return-later", days=3, reason="AC04")
    assert mock.bank.pay(order()).status is SUCCEEDED
    mock.advance_to(SATURDAY)
    return mock


def test_a_return_is_told_when_asked(returned):
    told = returned.bank.query(REFERENCE)
    assert told == PaymentAnswer(REFERENCE, RETURNED, "MB-RTR-1", "PAYEE_REFUSED")
    assert returned.paid_fen() == 0


def test_a_repeat_of_a_returned_payment_pays_nothing(returned):
    assert (returned.bank.pay(order()).status, returned.payments()) == (RETURNED, 1)


def test_a_return_is_in_the_notifications(returned):
    told = [one for content in returned.messages("camt.054") for one in read_camt_054(content, IBAN)]
    assert [(one.status, one.amount_fen) for one in told] == [(SUCCEEDED, 12_345), (RETURNED, 12_345)]


def test_a_return_is_in_the_statement_of_its_day(returned):
    out, back = returned.bank.statement(TUESDAY), returned.bank.statement(FRIDAY)
    assert out == [StatementEntry(REFERENCE, 12_345, SUCCEEDED, "MB-PMT-1")]
    assert back == [StatementEntry(REFERENCE, 12_345, RETURNED, "MB-RTR-1")]


# --- stated


def test_a_statement_has_exactly_what_was_paid(mock):
    mock.behave("closed-account", PAYEE)
    mock.control("POST", "credits", json={"account": ID, "amount": 500_000, "note": "存款", "debtor": {"name": "示例"}})
    amounts = {1: 1, 2: 12_345, 3: 99_999_999}
    for series, fen in amounts.items():
        mock.bank.pay(order(series, amount_fen=fen))
    mock.bank.pay(order(4, **TO_A_HELD_ACCOUNT))
    mock.bank.pay(order(5, **TOMORROW))
    mock.advance_to(WEDNESDAY)
    stated = {one.reference: (one.amount_fen, one.status) for one in mock.bank.statement(TUESDAY)}
    assert stated == {order(series).reference: (fen, SUCCEEDED) for series, fen in amounts.items()}


def test_a_payment_that_is_none_of_ours_is_stated_under_its_own_reference(mock):
    mock.post(pain_001(order(reference="INV-2026-0101"), DEBTOR, NOW))
    mock.advance_to(WEDNESDAY)
    assert [one.reference for one in mock.bank.statement(TUESDAY)] == ["INV-2026-0101"]


def test_another_accounts_bookings_are_not_stated(mock):
    bank_at(mock.url, debtor=replace(DEBTOR, account=PAYEE_IBAN)).pay(order())
    mock.advance_to(WEDNESDAY)
    assert mock.bank.statement(TUESDAY) == []


def test_a_day_on_which_the_bank_does_not_book_is_empty_once_a_later_one_is_stated(mock):
    mock.advance_to(NEXT_TUESDAY)
    assert mock.bank.statement(SATURDAY) == []


@pytest.mark.parametrize("day", [TUESDAY, MONDAY, SATURDAY])
def test_a_day_that_is_not_stated_yet_is_not_taken_for_an_empty_one(mock, day):
    mock.bank.pay(order())
    with pytest.raises(BankUnavailableError):
        mock.bank.statement(day)


def test_a_statement_with_a_gap_is_not_taken_for_the_whole(mock):
    mock.behave("statement-gap")
    assert {mock.bank.pay(order(series)).status for series in (1, 2)} == {SUCCEEDED}
    mock.advance_to(WEDNESDAY)
    with pytest.raises(BankUnavailableError):
        mock.bank.statement(TUESDAY)


def test_a_statement_in_another_format_is_not_read(mock):
    mock.change(ID, format="nacha")
    assert mock.bank.pay(order()).status is SUCCEEDED
    mock.advance_to(WEDNESDAY)
    with pytest.raises(BankUnavailableError):
        mock.bank.statement(TUESDAY)


def test_whose_an_account_is_says_the_other_service(mock):
    assert mock.bank.verify_account(ELSEWHERE, "示例一号", "U1")
    assert not mock.bank.verify_account(ELSEWHERE, "示例一号", "U2")


# --- unreachable


def asked_everything(bank):
    """How many of the port's questions end in BankUnavailableError."""
    failed = 0
    for ask in (lambda: bank.pay(order()), lambda: bank.query(REFERENCE), lambda: bank.statement(TUESDAY)):
        try:
            ask()
        except BankUnavailableError:
            failed += 1
    return failed


def test_an_order_whose_answer_was_lost_is_found_by_asking_and_not_paid_again(mock):
    def lose(method, path, body):
        said = relay(mock, method, path, body)
        return None if method == "POST" else said

    with answering(lose) as url, pytest.raises(BankUnavailableError):
        bank_at(url).pay(order())
    assert mock.bank.query(REFERENCE).status is SUCCEEDED
    assert (mock.bank.pay(order()).status, mock.payments()) == (SUCCEEDED, 1)


def test_an_order_that_never_arrived_is_denied_and_can_be_sent_again(mock):
    with (
        answering(lambda method, *rest: None if method == "POST" else relay(mock, method, *rest)) as url,
        pytest.raises(BankUnavailableError),
    ):
        bank_at(url).pay(order())
    assert mock.bank.query(REFERENCE) is None
    assert mock.bank.pay(order()).status is SUCCEEDED


def test_a_bank_that_takes_the_call_and_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        silent = bank_at(f"http://127.0.0.1:{mute.getsockname()[1]}", timeout_s=0.2)
        assert asked_everything(silent) == 3


def test_all_requests_of_a_call_have_one_time_together(mock):
    with pytest.raises(BankUnavailableError):
        bank_at(mock.url, timeout_s=0.0).query(REFERENCE)


def test_a_bank_where_nobody_listens_is_unavailable(mock):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
    assert asked_everything(bank_at(address)) == 3


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, b'{"error": "no"}'),
        (503, b"[]"),
        (200, b""),
        (200, b"<html>"),
        (200, b"{}"),
        (200, b"[1]"),
        (200, b'[{"type": "pain.002"}]'),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
        (404, b"{}"),
        (404, b'{"error": "not found", "supported": []}'),
        (404, b"<html>"),
        (401, b'{"known": []}'),
        (302, b'{"known": []}'),
    ],
)
def test_an_answer_that_is_not_the_banks_says_nothing(status, content):
    with answering(lambda *_: (status, content)) as url:
        assert asked_everything(bank_at(url)) == 3


def test_without_its_credentials_the_bank_says_nothing():
    with running(auth="tester:secret") as guarded:
        right = urllib3.make_headers(basic_auth="tester:secret")["authorization"]
        assert asked_everything(guarded.bank) == 3
        assert bank_at(guarded.url, authorization=right).pay(order()).status is SUCCEEDED


# --- contradictory, which mock-bank never is

ISO = "urn:iso:std:iso:20022:tech:xsd:"
KNOWN = (200, json.dumps({"end_to_end_id": REFERENCE}).encode())
DENIED = (404, b'{"error": "no payment", "known": ["INV-2026-0101"]}')


def refusal(code, reference=REFERENCE):
    about = "<OrgnlMsgId>F1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>"
    said = f"<TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>{code}</Cd></Rsn></StsRsnInf>"
    payment = f"<TxInfAndSts><OrgnlEndToEndId>{reference}</OrgnlEndToEndId>{said}</TxInfAndSts>"
    batch = f"<OrgnlPmtInfAndSts><OrgnlPmtInfId>B1</OrgnlPmtInfId>{payment}</OrgnlPmtInfAndSts>"
    report = f"<CstmrPmtStsRpt><OrgnlGrpInfAndSts>{about}</OrgnlGrpInfAndSts>{batch}</CstmrPmtStsRpt>"
    return "pain.002.001.10", f'<Document xmlns="{ISO}pain.002.001.10">{report}</Document>'


def booking():
    named = f"<NtryDtls><TxDtls><Refs><EndToEndId>{REFERENCE}</EndToEndId></Refs></TxDtls></NtryDtls>"
    money = '<Amt Ccy="CNY">123.45</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>'
    notice = f"<Ntfctn><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct><Ntry>{money}{named}</Ntry></Ntfctn>"
    body = f"<BkToCstmrDbtCdtNtfctn>{notice}</BkToCstmrDbtCdtNtfctn>"
    return "camt.054.001.08", f'<Document xmlns="{ISO}camt.054.001.08">{body}</Document>'


def broken(named):
    return "pain.002.001.10", f"<Document>{named}"


@contextmanager
def saying(*messages, asked=KNOWN, sent=(202, b"{}")):
    """A bank with these messages and one answer to each question."""
    mailbox = json.dumps([{"type": kind, "body": body} for kind, body in messages]).encode()

    def answer(method, path, _):
        if method == "POST":
            return sent
        return (200, mailbox) if "mailbox" in path else asked

    with answering(answer) as url:
        yield bank_at(url)


@pytest.mark.parametrize("messages", [(refusal("AC04"), booking()), (booking(), refusal("AC04"))])
def test_a_booking_counts_more_than_a_refusal_in_whatever_order_they_come(messages):
    with saying(*messages) as bank:
        assert bank.query(REFERENCE).status is SUCCEEDED


def test_a_payment_that_is_only_known_to_have_been_sent_twice_is_in_process():
    with saying(refusal("AM05")) as bank:
        assert bank.query(REFERENCE).status is PROCESSING


def test_a_payment_that_the_bank_speaks_of_is_not_denied_by_it():
    with saying(refusal("AC04"), asked=DENIED) as bank:
        assert bank.query(REFERENCE).status is FAILED


def test_another_payments_refusal_is_not_this_ones():
    with saying(refusal("AC04", "INV-2026-0101"), asked=DENIED) as bank:
        assert bank.query(REFERENCE) is None


def test_an_unreadable_message_stands_in_the_way_of_the_payment_that_it_names():
    with saying(broken(REFERENCE)) as bank, pytest.raises(BankUnavailableError):
        bank.query(REFERENCE)


def test_an_unreadable_message_stands_in_the_way_of_no_other_payment():
    with saying(broken("INV-2026-0101")) as bank:
        assert bank.query(REFERENCE).status is PROCESSING


@pytest.mark.parametrize(
    "asked", [(404, b"{}"), (404, b'{"known": null}'), (404, KNOWN[1]), (200, DENIED[1]), (403, DENIED[1])]
)
def test_only_the_banks_own_word_denies_a_payment(asked):
    with saying(asked=asked) as bank, pytest.raises(BankUnavailableError):
        bank.query(REFERENCE)


def test_a_bank_that_denies_a_payment_which_it_lists_says_nothing():
    listed = json.dumps({"known": [REFERENCE]}).encode()
    with saying(asked=(404, listed)) as bank, pytest.raises(BankUnavailableError):
        bank.query(REFERENCE)


@pytest.mark.parametrize("status", [200, 400, 411, 413, 500])
def test_an_order_that_was_not_taken_as_a_file_is_open(status):
    with saying(asked=DENIED, sent=(status, b"{}")) as bank, pytest.raises(BankUnavailableError):
        bank.pay(order())
