"""One suite for each port, held against the stand-in and against the real adapter over HTTP."""

from datetime import date

import pytest
import requests

from fakes import MemoryBank, MemoryBillRegistry, MemoryInvoices, MemorySms
from in_memory import sample_bills
from rongtong.adapters.bank import HttpBank
from rongtong.adapters.http import HttpClient
from rongtong.adapters.registries import HttpBillRegistry, HttpInvoiceRegistry
from rongtong.adapters.registries import _bill as registry_bill
from rongtong.adapters.sms import HttpSmsGateway
from rongtong.domain.bill import Invoice, Party
from rongtong.domain.lifecycle import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.ports import (
    BankUnavailableError,
    BillLockedError,
    PaymentOrder,
    RegistryUnavailableError,
    SmsUnavailableError,
)
from sandbox_server import running_sandbox

SAMPLE = sample_bills()[2]
NUMBER, WHOLE = SAMPLE.request["bill"]["number"], SubBillRange.parse(SAMPLE.request["bill"]["range"])
PART = SubBillRange(WHOLE.start, WHOLE.start + 99)
HOLDER = SAMPLE.holder_uscc
BANK = Party("示例第一银行", "91350100MA0002018X", "6200")
ORDER = PaymentOrder("RT1", 12_345, "117901", "示例一号", "309391000011", "票据贴现")


class OverHttp:
    """The real adapters against the sandbox's code."""

    def __init__(self, url):
        client = HttpClient(url, 5.0)
        self.url = url
        self.bank, self.bills = HttpBank(client), HttpBillRegistry(client)
        self.invoices, self.sms = HttpInvoiceRegistry(client), HttpSmsGateway(client)
        self.seed(bills=[SAMPLE.bill], invoices=[SAMPLE.invoice])
        self.account({})

    def seed(self, **records):
        requests.post(f"{self.url}/seed", json=records, timeout=10).raise_for_status()

    def account(self, behaviour):
        account = {"account_number": ORDER.payee_account, "account_name": ORDER.payee_name, "uscc": "U1"}
        self.seed(accounts=[{**account, "behaviour": behaviour}])

    def open_answers(self, count):
        self.account({"open_answers": count})

    def refuse(self):
        self.account({"result": "FAILED"})

    def paid_fen(self):
        return requests.get(f"{self.url}/statement", timeout=10).json()["total_fen"]

    def messages(self):
        return len(requests.get(f"{self.url}/messages", timeout=10).json()["messages"])


class InMemory:
    """The stand-ins that the use cases are tested with."""

    def __init__(self):
        self.bank, self.bills, self.invoices, self.sms = (
            MemoryBank(),
            MemoryBillRegistry(),
            MemoryInvoices(),
            MemorySms(),
        )
        self.bank.accounts[ORDER.payee_account] = (ORDER.payee_name, "U1")
        self.bills.add(registry_bill(SAMPLE.bill))
        issued = date.fromisoformat(SAMPLE.invoice["issue_date"])
        self.invoices.invoices[SAMPLE.invoice["number"]] = Invoice(**{**SAMPLE.invoice, "issue_date": issued})

    def open_answers(self, count):
        self.bank.open_answers = count

    def refuse(self):
        self.bank.refuse = True

    def paid_fen(self):
        return self.bank.total_fen()

    def messages(self):
        return len(self.sms.sent)


@pytest.fixture(params=["in memory", "over http"])
def outside(request):
    if request.param == "in memory":
        yield InMemory()
        return
    with running_sandbox() as url:
        yield OverHttp(url)


def test_a_reference_is_paid_once_however_often_it_is_sent(outside):
    first, again = outside.bank.pay(ORDER), outside.bank.pay(ORDER)
    assert first == again
    assert (first.status, outside.paid_fen()) == (PaymentStatus.SUCCEEDED, ORDER.amount_fen)


def test_a_reference_that_the_bank_never_saw_is_none(outside):
    assert outside.bank.query("RT-unknown") is None


def test_a_query_answers_what_the_payment_answered(outside):
    assert outside.bank.pay(ORDER) == outside.bank.query(ORDER.reference)


def test_an_open_payment_is_in_process_until_the_bank_has_decided(outside):
    outside.open_answers(2)
    told = [outside.bank.pay(ORDER).status] + [outside.bank.query(ORDER.reference).status for _ in range(3)]
    assert told[0] is PaymentStatus.PROCESSING
    assert told[-1] is PaymentStatus.SUCCEEDED


def test_a_refused_payment_moves_no_money_and_says_why(outside):
    outside.refuse()
    answer = outside.bank.pay(ORDER)
    assert (answer.status, answer.reason, outside.paid_fen()) == (PaymentStatus.FAILED, "PAYEE_REFUSED", 0)


def test_a_payee_of_another_name_is_refused(outside):
    wrong = PaymentOrder("RT2", 1, ORDER.payee_account, "另一名称", "309391000011", "票据贴现")
    assert outside.bank.pay(wrong).status is PaymentStatus.FAILED


@pytest.mark.parametrize(
    ("number", "name", "uscc", "matches"),
    [("117901", "示例一号", "U1", True), ("117901", "示例一号", "U2", False), ("117902", "示例一号", "U1", False)],
)
def test_accounts_are_verified_by_number_name_and_code(outside, number, name, uscc, matches):
    assert outside.bank.verify_account(number, name, uscc) is matches


def test_a_holding_is_found_by_any_range_in_it(outside):
    assert outside.bills.find(NUMBER, WHOLE) == outside.bills.find(NUMBER, PART) == registry_bill(SAMPLE.bill)


def test_an_unknown_package_and_a_range_that_nobody_holds_are_none(outside):
    beyond = SubBillRange(WHOLE.end + 1, WHOLE.end + 2)
    assert (outside.bills.find("5" * 30, WHOLE), outside.bills.find(NUMBER, beyond)) == (None, None)


def test_a_locked_range_shows_it_and_lets_nobody_else_in(outside):
    outside.bills.lock(NUMBER, WHOLE, "dsc_1", HOLDER)
    outside.bills.lock(NUMBER, WHOLE, "dsc_1", HOLDER)
    assert outside.bills.find(NUMBER, WHOLE).circulation == "TF0302"
    with pytest.raises(BillLockedError):
        outside.bills.lock(NUMBER, PART, "dsc_2", HOLDER)


def test_a_range_that_another_company_holds_is_not_locked(outside):
    with pytest.raises(BillLockedError):
        outside.bills.lock(NUMBER, WHOLE, "dsc_1", BANK.uscc)
    assert outside.bills.find(NUMBER, WHOLE).circulation == "TF0301"


def test_a_released_range_is_free_again(outside):
    outside.bills.lock(NUMBER, WHOLE, "dsc_1", HOLDER)
    outside.bills.release(NUMBER, WHOLE, "dsc_2")
    assert outside.bills.find(NUMBER, WHOLE).circulation == "TF0302"
    outside.bills.release(NUMBER, WHOLE, "dsc_1")
    outside.bills.release(NUMBER, WHOLE, "dsc_1")
    assert outside.bills.find(NUMBER, WHOLE).circulation == "TF0301"


def test_an_endorsed_range_belongs_to_the_endorsee_and_stays_so(outside):
    outside.bills.lock(NUMBER, WHOLE, "dsc_1", HOLDER)
    outside.bills.endorse(NUMBER, WHOLE, "dsc_1", BANK)
    outside.bills.endorse(NUMBER, WHOLE, "dsc_1", BANK)
    outside.bills.release(NUMBER, WHOLE, "dsc_1")
    assert outside.bills.find(NUMBER, WHOLE).holder == BANK


def test_only_the_lock_s_owner_endorses(outside):
    with pytest.raises(BillLockedError):
        outside.bills.endorse(NUMBER, WHOLE, "dsc_1", BANK)


def test_invoices_are_found_by_number(outside):
    assert outside.invoices.find(SAMPLE.invoice["number"]).amount_fen == SAMPLE.invoice["amount_fen"]
    assert outside.invoices.find("none") is None


def test_a_message_is_taken_once_per_reference(outside):
    for _ in range(2):
        outside.sms.send("13800000001", "贴现款已到账", "dsc_1/1")
    assert outside.messages() == 1


def test_without_an_answer_every_adapter_names_its_own_error():
    dead = HttpClient("http://127.0.0.1:9", 0.5)
    with pytest.raises(BankUnavailableError):
        HttpBank(dead).pay(ORDER)
    with pytest.raises(BankUnavailableError):
        HttpBank(dead).query("RT1")
    with pytest.raises(RegistryUnavailableError):
        HttpBillRegistry(dead).find(NUMBER, WHOLE)
    with pytest.raises(RegistryUnavailableError):
        HttpInvoiceRegistry(dead).find("1")
    with pytest.raises(SmsUnavailableError):
        HttpSmsGateway(dead).send("13800000001", "x", "1")
