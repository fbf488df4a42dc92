"""Statements: each owner sees its own payments, on the day on which they were sent, and what came back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.payment import payment_reference
from rongtong.domain.statement import LineKind, PeriodError
from rongtong.services import bank_notices, changes, statements
from rongtong.services.disburse import disburse
from rongtong.services.reconcile import reconcile
from rongtong.services.seal import seal
from rongtong.services.statements import Owner, ReportTooLargeError, as_document, statement
from rongtong.services.verify_bill import verify

GOOD = sample_bills()[2]
BANK = GOOD.request["institution_id"]
DAY = "2026-04-15"
ANOTHER = "partner-b"


@pytest.fixture
def platform():
    return Platform(partners=(PARTNER, ANOTHER))


@pytest.fixture
def paid(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    return discount_id


def _of_partner(platform, day=DAY, partner=PARTNER):
    return statement(platform.context, Owner.partner(partner), day)


def _kinds(made):
    return [line.kind for line in made.lines]


def _send_back(platform, discount_id, **later):
    platform.context.clock.instant += timedelta(**later)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(discount_id, 1)))


def test_a_paid_discount_is_a_line_whose_parts_make_its_amount(platform, paid):
    (line,) = _of_partner(platform).lines
    body = platform.body(paid)
    assert (line.kind, line.discount_id, line.amount_fen) == (LineKind.PAID, paid, body["proceeds_fen"])
    assert (line.parts.face_fen, line.parts.interest_fen) == (body["face_fen"], body["interest_fen"])
    assert line.parts.proceeds_fen == line.amount_fen
    assert line.bank_serial == "SB0"


@pytest.mark.parametrize("owner", [Owner.partner(ANOTHER), Owner.institution("bank-2"), Owner.partner(BANK)])
def test_nobody_else_sees_it(platform, paid, owner):
    assert statement(platform.context, owner, DAY).lines == ()


def test_the_institution_that_funded_it_sees_the_same_line(platform, paid):
    assert statement(platform.context, Owner.institution(BANK), DAY).lines == _of_partner(platform).lines


def test_what_was_refused_is_on_no_statement(platform):
    refused = next(bill for bill in sample_bills() if bill.expected == "refused" and bill.bill)
    platform.outcome(refused, "key-9")
    assert _of_partner(platform).lines == ()


def test_a_payment_whose_outcome_is_unknown_is_open_and_in_no_sum_of_what_moved(platform):
    discount_id = platform.accept(GOOD)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    platform.bank.lose_answers = 1
    disburse(platform.context, discount_id)
    platform.context.clock.instant += timedelta(days=1)
    made = _of_partner(platform)
    assert (_kinds(made), made.final) == ([LineKind.OPEN], False)
    assert as_document(made)["totals"]["net_fen"] == 0


def test_what_comes_back_later_is_a_line_of_that_day_and_changes_nothing_of_the_first(platform, paid):
    before = _of_partner(platform).lines
    _send_back(platform, paid, days=2)
    assert _of_partner(platform).lines == before
    (back,) = _of_partner(platform, "2026-04-17").lines
    assert (back.kind, back.amount_fen, back.reason) == (LineKind.RETURNED, before[0].amount_fen, "ACCOUNT_CLOSED")
    assert _of_partner(platform, "2026-04-16").lines == ()


def test_a_return_stays_on_its_statement_after_it_was_paid_again(platform, paid):
    _send_back(platform, paid, days=1)
    platform.context.clock.instant += timedelta(days=1)
    content = {"discount_id": paid, "series": 2, "reason": "ACCOUNT_MENDED"}
    change = changes.propose(platform.context, "operations", "repay", "repayment", content)
    changes.decide(platform.context, "operations-2", change["change_id"], approve=True)
    seal(platform.context, paid)
    disburse(platform.context, paid)
    assert _kinds(_of_partner(platform, "2026-04-16")) == [LineKind.RETURNED]
    (again,) = _of_partner(platform, "2026-04-17").lines
    assert (again.kind, again.parts, again.reference) == (LineKind.PAID_AGAIN, None, payment_reference(paid, 2))
    month = _of_partner(platform, "2026-04")
    assert _kinds(month) == [LineKind.PAID, LineKind.RETURNED, LineKind.PAID_AGAIN]
    assert as_document(month)["totals"]["net_fen"] == platform.body(paid)["proceeds_fen"]


def test_the_return_of_another_partner_s_payment_is_not_seen(platform, paid):
    _send_back(platform, paid, days=1)
    assert _of_partner(platform, "2026-04-16", ANOTHER).lines == ()


def test_a_day_ends_at_midnight_in_shanghai(platform, paid):
    platform.context.clock.instant = datetime(2026, 4, 15, 15, 59, 59, tzinfo=UTC)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(paid, 1)))
    assert _kinds(_of_partner(platform)) == [LineKind.PAID, LineKind.RETURNED]
    assert _of_partner(platform, "2026-04-15").final is False
    platform.context.clock.instant = datetime(2026, 4, 15, 16, 0, 0, tzinfo=UTC)
    assert _of_partner(platform).final is True


def test_a_statement_says_whether_the_bank_agreed(platform, paid):
    platform.context.clock.instant += timedelta(days=1)
    assert as_document(_of_partner(platform))["reconciliation"] == {"done": False, "differing": []}
    platform.bank.orders.clear()
    platform.context.clock.instant += timedelta(days=1)
    reconcile(platform.context, date(2026, 4, 15))
    told = as_document(_of_partner(platform))["reconciliation"]
    assert told == {"done": True, "differing": [payment_reference(paid, 1)]}
    assert as_document(_of_partner(platform, partner=ANOTHER))["reconciliation"] == {"done": True, "differing": []}


@pytest.mark.parametrize("day", ["2026-04-16", "2026-05"])
def test_a_period_that_has_not_begun_has_no_statement(platform, day):
    with pytest.raises(PeriodError):
        _of_partner(platform, day)


def test_what_one_answer_cannot_hold_is_refused_by_name(platform, paid, monkeypatch):
    monkeypatch.setattr(statements, "LINES_MAX", 0)
    with pytest.raises(ReportTooLargeError):
        _of_partner(platform)


def test_a_listing_that_names_another_owner_is_not_read(platform, paid):
    store = platform.context.store
    key = (f"discount#{paid}", "payment#1")
    item = store.items[key]
    store.items[key] = replace(item, listing=replace(item.listing, summary={"partner_id": ANOTHER}))
    assert _of_partner(platform).lines == ()


def test_a_day_with_more_payments_than_are_looked_at_is_refused_though_the_owner_has_few(platform, paid, monkeypatch):
    monkeypatch.setattr(statements, "_LISTED_MAX", 0)
    with pytest.raises(ReportTooLargeError):
        _of_partner(platform, partner=ANOTHER)
