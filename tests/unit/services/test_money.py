"""Money moves once: lost answers, late answers, returns, channels, both settlement marks."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from driven_jobs import drive
from fakes import MemoryBank
from in_memory import Platform, sample_bills
from rongtong.domain.incident import IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.domain.payment import PaymentStatus, payment_reference
from rongtong.services import bank_notices, changes, incidents
from rongtong.services.accounts import ChangeAccount, change_account
from rongtong.services.disburse import disburse
from rongtong.services.errors import (
    AccountNotVerifiedError,
    NotFoundError,
    PaymentPendingError,
    PriceExpiredError,
    WrongStateError,
)
from rongtong.services.ports import BankUnavailableError, BillLockedError, PaymentAnswer, RegistryUnavailableError
from rongtong.services.reconcile import STEPS, reconcile
from rongtong.services.seal import seal
from rongtong.services.storage import Create
from rongtong.services.suspension import SuspensionScope, suspend
from rongtong.services.unwind import unwind
from rongtong.services.verify_bill import verify

GOOD = sample_bills()[2]
OPERATIONS = ("operations", "operations-2")


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def sealed(platform):
    """A discount that only waits for its money."""
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    return discount_id


def _configure(platform, **parts):
    """Two persons change what the funding institution does."""
    content = {"institution_id": GOOD.request["institution_id"], **parts}
    change = changes.propose(platform.context, OPERATIONS[0], f"key-{parts}", "institution", content)
    changes.decide(platform.context, OPERATIONS[1], change["change_id"], approve=True)


def _approve_repayment(platform, discount_id, series=2, key=""):
    content = {"discount_id": discount_id, "series": series, "reason": "ACCOUNT_MENDED"}
    change = changes.propose(platform.context, OPERATIONS[0], f"repay-{series}{key}", "repayment", content)
    changes.decide(platform.context, OPERATIONS[1], change["change_id"], approve=True)
    # The replay that follows passes Seal: what happened since is logged and cosigned before anything is paid again.
    seal(platform.context, discount_id)


def _open_incidents(platform):
    found = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    return [(incident["kind"], incident["subject"]) for incident in found]


def _payment(platform, discount_id, series=1):
    return platform.context.store.get(f"discount#{discount_id}", f"payment#{series}").body


def _holder(platform):
    bill = GOOD.request["bill"]
    from rongtong.domain.sub_bill_range import SubBillRange

    return platform.context.bills.find(bill["number"], SubBillRange.parse(bill["range"])).holder.uscc


def _institution_uscc(platform):
    return platform.context.store.get(f"institution#{GOOD.request['institution_id']}", "state").body["uscc"]


def _with_banks(platform, *banks):
    for bank in banks:
        bank.accounts, bank.clock = platform.bank.accounts, platform.context.clock
    object.__setattr__(platform.context, "banks", banks)


class DeafBank(MemoryBank):
    """Takes no orders but answers questions."""

    def pay(self, order):
        raise BankUnavailableError("The bank did not answer.")


class SilentBank(DeafBank):
    """Answers nothing at all."""

    def query(self, reference):
        raise BankUnavailableError("The bank did not answer.")


def test_a_payment_that_no_channel_knows_is_sent_again_under_its_reference(platform, sealed):
    _with_banks(platform, DeafBank())
    assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    assert _payment(platform, sealed)["status"] == "UNKNOWN"
    _with_banks(platform, MemoryBank())
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert [order.reference for order in platform.bank.orders] == [payment_reference(sealed, 1)]


def test_the_second_channel_is_tried_once_the_first_denies_knowledge(platform, sealed):
    deaf, other = DeafBank(), MemoryBank()
    _with_banks(platform, deaf, other)
    assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    assert other.orders == []
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert [order.reference for order in other.orders] == [payment_reference(sealed, 1)]


def test_no_other_channel_is_tried_while_the_first_says_nothing(platform, sealed):
    _with_banks(platform, SilentBank(), MemoryBank())
    for _ in range(3):
        assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    assert platform.context.banks[1].orders == []


def test_every_channel_that_was_used_is_asked_before_another_is_tried(platform, sealed):
    first, second = DeafBank(), DeafBank()
    _with_banks(platform, first, second)
    disburse(platform.context, sealed)
    disburse(platform.context, sealed)
    # The first channel had it after all and its answer was late.
    first.paid[payment_reference(sealed, 1)] = PaymentAnswer(
        payment_reference(sealed, 1), PaymentStatus.SUCCEEDED, "SB9"
    )
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert _payment(platform, sealed)["bank_serial"] == "SB9"


def test_not_known_is_a_failure_only_after_the_bank_s_cut_off(platform, sealed):
    _with_banks(platform, DeafBank())
    disburse(platform.context, sealed)
    platform.context.clock.instant += timedelta(hours=12)
    assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    platform.context.clock.instant += timedelta(hours=2)
    assert disburse(platform.context, sealed) | {"subject": ""} == {
        "discount_id": sealed,
        "subject": "",
        "payment": "FAILED",
        "reason": "PAYMENT_NOT_RECEIVED",
    }


def test_a_silent_bank_is_waited_for_however_late_it_gets(platform, sealed):
    _with_banks(platform, SilentBank())
    disburse(platform.context, sealed)
    platform.context.clock.instant += timedelta(days=3)
    assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    with pytest.raises(PaymentPendingError):
        unwind(platform.context, sealed, "OPERATOR", refused=False)


def test_no_payment_begins_after_the_institution_s_own_cut_off(platform, sealed):
    _configure(platform, payment_cut_off="09:30")
    with pytest.raises(PriceExpiredError):
        disburse(platform.context, sealed)
    assert (platform.bank.orders, platform.context.bills.taken) == ([], {})


def test_a_registry_that_is_down_after_the_money_is_out_is_asked_until_it_endorses(platform, sealed):
    endorse = platform.context.bills.endorse

    def down(*arguments):
        raise RegistryUnavailableError("The registry did not answer.")

    platform.context.bills.endorse = down
    with pytest.raises(RegistryUnavailableError):
        disburse(platform.context, sealed)
    assert (_payment(platform, sealed)["status"], platform.body(sealed)["status"]) == ("SUCCEEDED", "SEALED")
    platform.context.bills.endorse = endorse
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert (len(platform.bank.orders), _holder(platform)) == (1, _institution_uscc(platform))


def test_paid_but_not_endorsed_is_an_incident_until_the_registry_endorses(platform, sealed):
    endorse = platform.context.bills.endorse

    def refuse(*arguments):
        raise BillLockedError("frozen by a court")

    platform.context.bills.endorse = refuse
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert _open_incidents(platform) == [("PAID_NOT_ENDORSED", sealed)]
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert _open_incidents(platform) == [("PAID_NOT_ENDORSED", sealed)]
    platform.context.bills.endorse = endorse
    disburse(platform.context, sealed)
    assert (_open_incidents(platform), _holder(platform)) == ([], _institution_uscc(platform))
    assert platform.body(sealed)["events"] == 5


def test_a_payment_that_comes_back_is_an_incident_and_the_limits_stay_used(platform, sealed):
    disburse(platform.context, sealed)
    used = platform.used()
    notice = platform.bank.send_back(payment_reference(sealed, 1))
    assert bank_notices.take(platform.context, notice)["payment"] == "RETURNED"
    assert bank_notices.take(platform.context, notice)["payment"] == "RETURNED"
    assert (platform.body(sealed)["status"], platform.used()) == ("RETURNED", used)
    assert _open_incidents(platform) == [("PAYMENT_RETURNED", sealed)]
    assert disburse(platform.context, sealed)["payment"] == "RETURNED"
    assert len(platform.bank.orders) == 1


def test_a_return_that_is_heard_before_the_success_moves_the_bill_first(platform, sealed):
    platform.bank.lose_answers = 1
    assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    notice = platform.bank.send_back(payment_reference(sealed, 1))
    assert bank_notices.take(platform.context, notice)["payment"] == "RETURNED"
    assert (platform.body(sealed)["status"], _holder(platform)) == ("RETURNED", _institution_uscc(platform))
    late = PaymentAnswer(notice.reference, PaymentStatus.SUCCEEDED, notice.bank_serial)
    assert bank_notices.take(platform.context, late)["payment"] == "RETURNED"
    assert platform.body(sealed)["status"] == "RETURNED"


def test_what_came_back_is_paid_again_only_after_two_persons_approved(platform, sealed):
    disburse(platform.context, sealed)
    platform.context.clock.instant += timedelta(minutes=1)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(sealed, 1)))
    platform.context.clock.instant += timedelta(minutes=1)
    _approve_repayment(platform, sealed)
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert [order.reference for order in platform.bank.orders] == [payment_reference(sealed, n) for n in (1, 2)]
    assert (platform.body(sealed)["status"], _open_incidents(platform)) == ("DISBURSED", [])
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert len(platform.bank.orders) == 2


def test_a_repayment_is_approved_only_for_money_that_came_back(platform, sealed):
    with pytest.raises(WrongStateError):
        _approve_repayment(platform, sealed)
    disburse(platform.context, sealed)
    with pytest.raises(WrongStateError):
        _approve_repayment(platform, sealed)


def test_a_repayment_that_fails_is_followed_by_the_next(platform, sealed):
    disburse(platform.context, sealed)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(sealed, 1)))
    platform.context.clock.instant += timedelta(minutes=1)
    _approve_repayment(platform, sealed)
    platform.bank.refuse = True
    assert disburse(platform.context, sealed)["payment"] == "RETURNED"
    platform.context.clock.instant += timedelta(minutes=1)
    with pytest.raises(WrongStateError):
        _approve_repayment(platform, sealed, 2, "again")
    _approve_repayment(platform, sealed, 3)
    platform.bank.refuse = False
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert (platform.body(sealed)["status"], platform.body(sealed)["series"]) == ("DISBURSED", 3)
    assert _open_incidents(platform) == []


def test_unwinding_leaves_money_that_came_back_and_its_bill_alone(platform, sealed):
    disburse(platform.context, sealed)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(sealed, 1)))
    taken = dict(platform.context.bills.taken)
    unwind(platform.context, sealed, "PAYMENT_FAILED", refused=False)
    assert (platform.body(sealed)["status"], platform.context.bills.taken) == ("RETURNED", taken)


def test_a_repayment_of_a_bill_that_is_not_endorsed_opens_the_incident_anew_until_it_is(platform, sealed):
    endorse = platform.context.bills.endorse

    def refuse(*arguments):
        raise BillLockedError("frozen by a court")

    platform.context.bills.endorse = refuse
    disburse(platform.context, sealed)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(sealed, 1)))
    for incident in incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]:
        if incident["kind"] == "PAID_NOT_ENDORSED":
            incidents.resolve(platform.context, "operations", incident["incident_id"], "NOTHING_PAID")
    platform.context.clock.instant += timedelta(minutes=1)
    _approve_repayment(platform, sealed)
    disburse(platform.context, sealed)
    assert _open_incidents(platform) == [("PAID_NOT_ENDORSED", sealed)]
    platform.context.bills.endorse = endorse
    disburse(platform.context, sealed)
    assert (_open_incidents(platform), _holder(platform)) == ([], _institution_uscc(platform))


def test_a_repayment_goes_to_the_account_that_the_enterprise_has_by_then(platform, sealed):
    disburse(platform.context, sealed)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(sealed, 1)))
    enterprise_id = platform.ids["partner-a", GOOD.holder_uscc]
    name, uscc = platform.bank.accounts[GOOD.request["payee_account"]]
    command = ChangeAccount("309391000011", "600000000000999999", name)
    with pytest.raises(AccountNotVerifiedError):
        change_account(platform.context, platform.enterprise(enterprise_id), command)
    platform.bank.accounts["600000000000999999"] = (name, uscc)
    for _ in range(2):
        shown = change_account(platform.context, platform.enterprise(enterprise_id), command)
        assert shown["account_number"].endswith("9999")
    platform.context.clock.instant += timedelta(minutes=1)
    _approve_repayment(platform, sealed)
    disburse(platform.context, sealed)
    assert platform.bank.orders[-1].payee_account == "600000000000999999"


def test_a_refusal_of_one_channel_is_no_failure_while_another_may_have_the_payment(platform, sealed):
    deaf, other = DeafBank(), MemoryBank()
    _with_banks(platform, deaf, other)
    disburse(platform.context, sealed)
    other.lose_answers = 1
    assert disburse(platform.context, sealed)["payment"] == "UNKNOWN"
    reference = payment_reference(sealed, 1)
    deaf.paid[reference] = PaymentAnswer(reference, PaymentStatus.FAILED, reason="PAYEE_REFUSED")
    assert bank_notices.take(platform.context, deaf.paid[reference])["payment"] == "UNKNOWN"
    assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"


def test_money_that_comes_back_after_all_was_given_up_settles_its_incident(platform, sealed):
    _with_banks(platform, DeafBank())
    disburse(platform.context, sealed)
    platform.context.clock.instant += timedelta(hours=14)
    disburse(platform.context, sealed)
    unwind(platform.context, sealed, "PAYMENT_NOT_RECEIVED", refused=False)
    reference = payment_reference(sealed, 1)
    bank_notices.take(platform.context, PaymentAnswer(reference, PaymentStatus.SUCCEEDED, "SB1"))
    assert _open_incidents(platform) == [("PAID_AFTER_FAILURE", sealed)]
    back = PaymentAnswer(reference, PaymentStatus.RETURNED, "SB1")
    for notice in (back, PaymentAnswer(reference, PaymentStatus.SUCCEEDED, "SB1"), back):
        bank_notices.take(platform.context, notice)
    assert _open_incidents(platform) == []


def test_a_file_of_notices_counts_for_what_is_ours_in_it(platform, sealed):
    platform.context.store.transact([Create("partner#bank", "state", {"institutions": ["bank-1", "bank-2"]})])
    disburse(platform.context, sealed)
    back = platform.bank.send_back(payment_reference(sealed, 1))
    others = ("SALARY-2026-04", payment_reference("dsc_" + "b" * 26, 1))
    foreign = [PaymentAnswer(reference, PaymentStatus.SUCCEEDED) for reference in others]
    taken = bank_notices.take_all(platform.context, "bank", [*foreign, back])
    assert [one["payment"] for one in taken] == [None, None, "RETURNED"]


def test_a_notice_of_another_bank_is_not_found(platform, sealed):
    platform.context.store.transact([Create("partner#bank", "state", {"institutions": ["bank-9"]})])
    disburse(platform.context, sealed)
    with pytest.raises(NotFoundError):
        bank_notices.take_from(platform.context, "bank", platform.bank.paid[payment_reference(sealed, 1)])


def test_what_no_bank_has_is_not_sent_while_business_is_suspended(platform, sealed):
    _with_banks(platform, DeafBank())
    disburse(platform.context, sealed)
    suspend(platform.context, "operations", "stop", SuspensionScope.PLATFORM, None, "DRILL")
    _with_banks(platform, MemoryBank())
    assert disburse(platform.context, sealed)["payment"] == "HELD"
    assert (platform.bank.orders, platform.body(sealed)["held"]) == ([], "SUSPENDED")


def _reconcile_due(platform, **event):
    """What the daily run compares of the payments."""
    return drive(platform.context, Job.RECONCILIATION, STEPS, **event)


def test_reconciliation_finds_what_the_bank_paid_twice(platform, sealed):
    disburse(platform.context, sealed)
    platform.bank.orders.append(platform.bank.orders[0])
    differences = reconcile(platform.context, date(2026, 4, 15))["differences"]
    assert differences == [{"reference": payment_reference(sealed, 1), "what": "PAID_TWICE"}]


def test_a_day_that_left_something_unsure_or_was_not_over_is_reconciled_again(platform, sealed):
    disburse(platform.context, sealed)
    (order,) = platform.bank.orders
    platform.bank.orders.clear()
    assert reconcile(platform.context, date(2026, 4, 15))["unsure"] == [order.reference]
    platform.context.clock.instant += timedelta(days=1)
    assert "2026-04-15" in _reconcile_due(platform)["days"]
    assert "STATEMENT_DIFFERS" not in [kind for kind, _ in _open_incidents(platform)]
    platform.context.clock.instant += timedelta(days=1)
    _reconcile_due(platform)
    assert [kind for kind, _ in _open_incidents(platform)].count("STATEMENT_DIFFERS") == 1


def test_a_repayment_that_comes_back_too_may_follow_in_a_third_series(platform, sealed):
    disburse(platform.context, sealed)
    for series in (1, 2):
        bank_notices.take(platform.context, platform.bank.send_back(payment_reference(sealed, series)))
        platform.context.clock.instant += timedelta(minutes=1)
        _approve_repayment(platform, sealed, series + 1)
        assert disburse(platform.context, sealed)["payment"] == "SUCCEEDED"
    assert (platform.body(sealed)["series"], _open_incidents(platform)) == (3, [])


def test_money_that_moves_after_all_was_given_up_is_an_incident(platform, sealed):
    _with_banks(platform, DeafBank())
    disburse(platform.context, sealed)
    platform.context.clock.instant += timedelta(hours=14)
    disburse(platform.context, sealed)
    unwind(platform.context, sealed, "PAYMENT_NOT_RECEIVED", refused=False)
    late = PaymentAnswer(payment_reference(sealed, 1), PaymentStatus.SUCCEEDED, "SB1")
    for _ in range(2):
        assert bank_notices.take(platform.context, late)["payment"] == "FAILED"
    assert _open_incidents(platform) == [("PAID_AFTER_FAILURE", sealed)]


def test_a_notice_settles_a_payment_without_anybody_asking(platform, sealed):
    platform.bank.lose_answers = 1
    disburse(platform.context, sealed)
    reference = payment_reference(sealed, 1)
    bank_notices.take(platform.context, platform.bank.paid[reference])
    assert platform.body(sealed)["status"] == "DISBURSED"


def test_a_notice_of_a_payment_that_is_not_ours_is_refused(platform):
    unknown = PaymentAnswer(payment_reference("dsc_" + "a" * 26, 1), PaymentStatus.SUCCEEDED)
    with pytest.raises(NotFoundError):
        bank_notices.take(platform.context, unknown)


def test_online_settlement_moves_bill_and_money_together(platform):
    _configure(platform, settlement="SM00")
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    assert (platform.body(discount_id)["status"], _holder(platform)) == ("DISBURSED", _institution_uscc(platform))
    assert list(platform.context.bills.settlements) == [payment_reference(discount_id, 1)]


def test_an_online_settlement_that_fails_leaves_bill_and_limits_as_they_were(platform):
    _configure(platform, settlement="SM00")
    platform.bank.refuse = True
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "FAILED"
    assert (platform.context.bills.taken, set(platform.used().values())) == ({}, {0})


def test_an_online_settlement_whose_answer_is_lost_is_asked_for(platform):
    _configure(platform, settlement="SM00")
    settle = platform.context.bills.settle

    def lose(*arguments):
        platform.context.bills.settle = settle
        settle(*arguments)
        raise RegistryUnavailableError("The registry did not answer.")

    platform.context.bills.settle = lose
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    assert (platform.body(discount_id)["status"], len(platform.bank.orders)) == ("DISBURSED", 1)


def test_books_and_statement_that_agree_reconcile_without_a_difference(platform, sealed):
    disburse(platform.context, sealed)
    result = reconcile(platform.context, date(2026, 4, 15))
    paid = platform.body(sealed)["proceeds_fen"]
    assert (result["bank_paid_fen"], result["books_fen"], result["differences"]) == (paid, {"SUCCEEDED": paid}, [])


def test_reconciliation_takes_over_what_only_the_bank_knew(platform, sealed):
    platform.bank.lose_answers = 1
    disburse(platform.context, sealed)
    result = reconcile(platform.context, date(2026, 4, 15))
    assert (platform.body(sealed)["status"], result["differences"]) == ("DISBURSED", [])


def test_reconciliation_finds_a_return_that_no_notice_told_of(platform, sealed):
    disburse(platform.context, sealed)
    platform.bank.send_back(payment_reference(sealed, 1))
    assert reconcile(platform.context, date(2026, 4, 15))["differences"] == []
    assert (platform.body(sealed)["status"], _open_incidents(platform)) == ("RETURNED", [("PAYMENT_RETURNED", sealed)])


def test_reconciliation_names_what_only_the_bank_or_only_the_books_have(platform, sealed):
    disburse(platform.context, sealed)
    (order,) = platform.bank.orders
    foreign = replace(order, reference="OTHER-1")
    platform.bank.orders[:] = [foreign]
    platform.bank.paid["OTHER-1"] = PaymentAnswer("OTHER-1", PaymentStatus.SUCCEEDED, "SB7")
    platform.context.clock.instant += timedelta(days=2)
    differences = reconcile(platform.context, date(2026, 4, 15))["differences"]
    assert differences == [
        {"reference": "OTHER-1", "what": "BANK_ONLY"},
        {"reference": order.reference, "what": "BOOKS_ONLY"},
    ]
    assert {kind for kind, _ in _open_incidents(platform)} == {"STATEMENT_DIFFERS"}


def test_reconciliation_finds_another_amount(platform, sealed):
    disburse(platform.context, sealed)
    (order,) = platform.bank.orders
    platform.bank.orders[:] = [replace(order, amount_fen=order.amount_fen + 1)]
    differences = reconcile(platform.context, date(2026, 4, 15))["differences"]
    assert differences == [{"reference": order.reference, "what": "AMOUNT"}]


def test_reconciliation_finds_a_paid_bill_that_is_not_the_institution_s(platform, sealed):
    disburse(platform.context, sealed)
    platform.context.bills.taken.clear()
    differences = reconcile(platform.context, date(2026, 4, 15))["differences"]
    assert differences == [{"reference": payment_reference(sealed, 1), "what": "PAID_NOT_ENDORSED"}]
    assert _open_incidents(platform) == [("PAID_NOT_ENDORSED", sealed)]


def test_an_incident_is_resolved_once_and_by_whom(platform, sealed):
    disburse(platform.context, sealed)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(sealed, 1)))
    (incident,) = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    for _ in range(2):
        resolved = incidents.resolve(platform.context, "operations", incident["incident_id"], "CLAIMED_BACK")
    assert (resolved["status"], resolved["resolved_by"], _open_incidents(platform)) == ("RESOLVED", "operations", [])
    with pytest.raises(WrongStateError):
        incidents.resolve(platform.context, "operations-2", incident["incident_id"], "OTHER")


def test_every_day_of_the_last_week_is_reconciled_once(platform, sealed):
    disburse(platform.context, sealed)
    platform.context.clock.instant += timedelta(days=1)
    first = _reconcile_due(platform)
    assert first["days"] == [f"2026-04-{day:02d}" for day in range(9, 16)]
    assert (first["days_failed"], _reconcile_due(platform, again=True)["days"]) == ([], ["2026-04-15"])


def test_a_statement_that_is_missing_for_a_week_is_an_incident(platform):
    def silent(day):
        raise BankUnavailableError("The bank did not answer.")

    platform.bank.statement = silent
    assert len(_reconcile_due(platform)["days_failed"]) == 7
    found = [subject for kind, subject in _open_incidents(platform) if kind == "STATEMENT_DIFFERS"]
    assert found == ["2026-04-08"]
