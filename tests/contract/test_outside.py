"""One suite for each port, held against the stand-in and against the real adapter over HTTP."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
import requests

from fakes import MemoryBank, MemoryBillRegistry, MemoryInvoices, MemorySms
from in_memory import sample_bills
from rongtong.adapters.bank import HttpBank
from rongtong.adapters.clocks import SystemClock
from rongtong.adapters.http import HttpClient
from rongtong.adapters.registries import HttpBillRegistry, HttpInvoiceRegistry
from rongtong.adapters.registries import _bill as registry_bill
from rongtong.adapters.sms import HttpSmsGateway
from rongtong.domain.bill import Invoice, Party
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.ports import (
    BankUnavailableError,
    BillApplication,
    BillLockedError,
    PaymentOrder,
    RegistryUnavailableError,
    SmsUnavailableError,
    StatementEntry,
)
from sandbox_server import running_sandbox

SAMPLE = sample_bills()[2]
NUMBER, WHOLE = SAMPLE.request["bill"]["number"], SubBillRange.parse(SAMPLE.request["bill"]["range"])
PART = SubBillRange(WHOLE.start, WHOLE.start + 99)
MIDDLE = SubBillRange(WHOLE.start + 100, WHOLE.start + 199)
REST = SubBillRange(PART.end + 1, WHOLE.end)
HOLDER = SAMPLE.holder_uscc
BANK = Party("示例第一银行", "91350100MA0002018X", "6200")
ORDER = PaymentOrder(
    "RT1", 12_345, "117901", "示例一号", "309391000011", "票据贴现", "2099-12-31", "2099-12-31T15:00:00.000Z"
)

TODAY = replace(ORDER, execute_on=datetime.now(timezone(timedelta(hours=8))).date().isoformat())


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

    def hold(self, bill):
        self.seed(bills=[bill])

    def account(self, behaviour):
        account = {"account_number": ORDER.payee_account, "account_name": ORDER.payee_name, "uscc": "U1"}
        self.seed(accounts=[{**account, "behaviour": behaviour}])

    def open_answers(self, count):
        self.account({"open_answers": count})

    def refuse(self):
        self.account({"result": "FAILED"})

    def paid_fen(self):
        return requests.get(f"{self.url}/statement", timeout=10).json()["total_fen"]

    def send_back(self, reference):
        requests.post(f"{self.url}/payments/{reference}/back", json={"how": "RETURNED"}, timeout=10).raise_for_status()

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
        self.bank.clock = SystemClock()
        self.bills.clearing = self.bank
        self.bank.accounts[ORDER.payee_account] = (ORDER.payee_name, "U1")
        self.bills.add(registry_bill(SAMPLE.bill))
        issued = date.fromisoformat(SAMPLE.invoice["issue_date"])
        self.invoices.invoices[SAMPLE.invoice["number"]] = Invoice(**{**SAMPLE.invoice, "issue_date": issued})

    def hold(self, bill):
        self.bills.add(registry_bill(bill))

    def open_answers(self, count):
        self.bank.open_answers = count

    def refuse(self):
        self.bank.refuse = True

    def paid_fen(self):
        return self.bank.total_fen()

    def send_back(self, reference):
        self.bank.send_back(reference)

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


def test_an_order_that_arrives_after_its_cut_off_is_never_booked(outside):
    late = replace(ORDER, not_after="2026-01-01T00:00:00.000Z")
    assert (outside.bank.pay(late).status, outside.bank.pay(late).reason) == (PaymentStatus.FAILED, "PAST_CUT_OFF")
    assert outside.paid_fen() == 0


def test_the_statement_of_a_day_has_what_went_out_and_what_came_back(outside):
    answer = outside.bank.pay(TODAY)
    paid = StatementEntry(ORDER.reference, ORDER.amount_fen, PaymentStatus.SUCCEEDED, answer.bank_serial)
    assert list(outside.bank.statement(date.fromisoformat(TODAY.execute_on))) == [paid]
    outside.send_back(ORDER.reference)
    back = replace(paid, status=PaymentStatus.RETURNED)
    assert list(outside.bank.statement(date.fromisoformat(TODAY.execute_on))) == [paid, back]
    assert outside.bank.query(ORDER.reference).status is PaymentStatus.RETURNED


def test_an_application_is_under_way_from_its_lock_until_it_is_signed_for_or_withdrawn(outside):
    assert list(outside.bills.applications()) == []
    outside.bills.lock(NUMBER, PART, "d1", HOLDER)
    outside.bills.lock(NUMBER, REST, "d2", HOLDER)
    first, second = BillApplication(NUMBER, PART, "d1"), BillApplication(NUMBER, REST, "d2")
    assert sorted(outside.bills.applications(), key=lambda one: one.owner) == [first, second]
    outside.bills.endorse(NUMBER, PART, "d1", BANK)
    assert list(outside.bills.applications()) == [second]
    outside.bills.release(NUMBER, REST, "d2")
    assert list(outside.bills.applications()) == []


def test_an_online_settlement_moves_the_range_and_the_money_together_and_once(outside):
    outside.bills.lock(NUMBER, WHOLE, "d1", HOLDER)
    first = outside.bills.settle(NUMBER, WHOLE, "d1", BANK, ORDER)
    assert first.status is PaymentStatus.SUCCEEDED
    assert outside.bills.settle(NUMBER, WHOLE, "d1", BANK, ORDER) == first == outside.bills.settlement(ORDER.reference)
    assert (outside.paid_fen(), outside.bills.find(NUMBER, WHOLE).holder) == (ORDER.amount_fen, BANK)


def test_an_online_settlement_that_fails_leaves_the_range_as_it_was_before_the_application(outside):
    before = outside.bills.find(NUMBER, WHOLE)
    outside.refuse()
    outside.bills.lock(NUMBER, WHOLE, "d1", HOLDER)
    assert outside.bills.settle(NUMBER, WHOLE, "d1", BANK, ORDER).status is PaymentStatus.FAILED
    assert (outside.paid_fen(), outside.bills.find(NUMBER, WHOLE)) == (0, before)


def test_nothing_settles_online_without_the_owner_s_lock(outside):
    outside.bills.lock(NUMBER, WHOLE, "d1", HOLDER)
    with pytest.raises(BillLockedError):
        outside.bills.settle(NUMBER, WHOLE, "d2", BANK, ORDER)
    assert (outside.paid_fen(), outside.bills.settlement(ORDER.reference)) == (0, None)


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
    wrong = replace(ORDER, reference="RT2", payee_name="另一名称")
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
    found = outside.bills.find_many([(NUMBER, beyond), (NUMBER, WHOLE), ("5" * 30, WHOLE), (NUMBER, PART)])
    assert found == [None, outside.bills.find(NUMBER, WHOLE), None, outside.bills.find(NUMBER, PART)]
    assert outside.bills.find_many([]) == []


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


def _piece(outside, rng):
    held = outside.bills.find(NUMBER, rng)
    return held.range, held.face_fen, held.circulation, held.holder.uscc


def test_a_locked_part_leaves_its_remainder_as_a_holding_of_its_own(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    assert _piece(outside, PART) == (PART, 100, "TF0302", HOLDER)
    assert _piece(outside, REST) == (REST, WHOLE.amount_fen - 100, "TF0301", HOLDER)


def test_a_part_from_the_middle_leaves_a_remainder_on_either_side(outside):
    outside.bills.lock(NUMBER, MIDDLE, "dsc_1", HOLDER)
    after = SubBillRange(MIDDLE.end + 1, WHOLE.end)
    assert [_piece(outside, rng)[0] for rng in (PART, MIDDLE, after)] == [PART, MIDDLE, after]


def test_every_piece_of_a_holding_has_a_holding_id_of_its_own(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    known = {outside.bills.find(NUMBER, rng).holding_id for rng in (PART, REST)}
    assert len(known - {SAMPLE.bill["holding_id"]}) == 2


def test_the_remainder_is_usable_at_once(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    outside.bills.lock(NUMBER, MIDDLE, "dsc_2", HOLDER)
    outside.bills.endorse(NUMBER, PART, "dsc_1", BANK)
    outside.bills.endorse(NUMBER, MIDDLE, "dsc_2", BANK)
    assert [_piece(outside, rng)[2:] for rng in (PART, MIDDLE)] == [("TF0301", BANK.uscc)] * 2
    assert _piece(outside, WHOLE)[0] == PART


def test_what_was_endorsed_in_part_is_held_by_the_endorsee_and_the_rest_by_the_holder(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    outside.bills.endorse(NUMBER, PART, "dsc_1", BANK)
    assert outside.bills.find(NUMBER, PART).holder == BANK
    assert _piece(outside, REST) == (REST, WHOLE.amount_fen - 100, "TF0301", HOLDER)


def test_the_endorsee_passes_its_part_on_and_the_first_endorsement_s_owner_finds_nothing_to_release(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    outside.bills.endorse(NUMBER, PART, "dsc_1", BANK)
    outside.bills.lock(NUMBER, PART, "dsc_2", BANK.uscc)
    outside.bills.release(NUMBER, PART, "dsc_1")
    assert _piece(outside, PART) == (PART, 100, "TF0302", BANK.uscc)


def test_a_released_part_grows_together_with_its_remainder(outside):
    outside.bills.lock(NUMBER, MIDDLE, "dsc_1", HOLDER)
    outside.bills.release(NUMBER, MIDDLE, "dsc_1")
    assert outside.bills.find(NUMBER, PART) == registry_bill(SAMPLE.bill)


def test_a_range_that_reaches_beyond_the_remainder_is_not_locked(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    outside.bills.endorse(NUMBER, PART, "dsc_1", BANK)
    with pytest.raises(BillLockedError):
        outside.bills.lock(NUMBER, WHOLE, "dsc_2", HOLDER)
    assert _piece(outside, REST)[2] == "TF0301"


def test_a_part_of_a_bill_that_cannot_be_split_is_not_locked(outside):
    outside.hold({**SAMPLE.bill, "splittable": False})
    with pytest.raises(BillLockedError):
        outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    outside.bills.lock(NUMBER, WHOLE, "dsc_2", HOLDER)
    assert _piece(outside, PART) == (WHOLE, WHOLE.amount_fen, "TF0302", HOLDER)


def test_two_holders_of_one_package_lock_what_each_holds(outside):
    following = SubBillRange(WHOLE.end + 1, WHOLE.end + 50)
    holder = {"name": "示例二号", "uscc": "U2", "account": "2"}
    outside.hold({**SAMPLE.bill, "range": following.wire(), "face_fen": 50, "holder": holder, "holding_id": "H-2"})
    outside.bills.lock(NUMBER, WHOLE, "dsc_1", HOLDER)
    outside.bills.lock(NUMBER, following, "dsc_2", "U2")
    outside.bills.release(NUMBER, WHOLE, "dsc_1")
    assert _piece(outside, WHOLE) == (WHOLE, WHOLE.amount_fen, "TF0301", HOLDER)
    assert _piece(outside, following) == (following, 50, "TF0302", "U2")


def test_one_application_locks_one_range(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    with pytest.raises(BillLockedError):
        outside.bills.lock(NUMBER, MIDDLE, "dsc_1", HOLDER)
    assert _piece(outside, MIDDLE) == (REST, REST.amount_fen, "TF0301", HOLDER)


def test_a_lock_is_endorsed_and_released_by_its_own_range_only(outside):
    outside.bills.lock(NUMBER, PART, "dsc_1", HOLDER)
    with pytest.raises(BillLockedError):
        outside.bills.endorse(NUMBER, WHOLE, "dsc_1", BANK)
    outside.bills.release(NUMBER, WHOLE, "dsc_1")
    assert _piece(outside, PART) == (PART, 100, "TF0302", HOLDER)


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
