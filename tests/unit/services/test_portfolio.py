"""An institution's portfolio follows from its paid discounts, and from nobody else's."""

from datetime import date, timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.payment import payment_reference
from rongtong.domain.statement import PeriodError
from rongtong.services import bank_notices, portfolio
from rongtong.services.portfolio import as_document, holdings
from rongtong.services.statements import ReportTooLargeError

BILLS = sample_bills()
GOOD = BILLS[2]
BANK = GOOD.request["institution_id"]
TODAY = date(2026, 4, 15)


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def paid(platform):
    return _pay(platform, GOOD)


def _pay(platform, bill, key="key-1"):
    discount_id = platform.accept(bill, key)
    platform.run(discount_id)
    return discount_id


def _shown(platform, as_of=None, institution=BANK):
    return as_document(holdings(platform.context, institution, as_of))


def test_a_paid_discount_is_held_at_its_face_and_what_was_laid_out_for_it(platform, paid):
    shown, body = _shown(platform), platform.body(paid)
    assert (shown["as_of"], shown["count"], shown["face_fen"]) == ("2026-04-15", 1, body["face_fen"])
    assert shown["cost_fen"] == body["face_fen"] - body["interest_fen"] - body.get("fee_fen", 0)
    assert shown["yield"]["annual_rate"] == body["annual_rate"]
    assert float(shown["yield"]["to_maturity"]) > float(body["annual_rate"])


def test_it_stands_on_the_step_of_its_effective_maturity_under_its_acceptor_s_class(platform, paid):
    left = (date.fromisoformat(platform.body(paid)["due_date"]) - TODAY).days
    (step,) = [one for one in _shown(platform)["ladder"] if one["count"]]
    assert step["from_days"] <= left <= step["to_days"]
    assert step["by_acceptor_class"] == {"rural": platform.body(paid)["face_fen"]}


def test_the_acceptor_has_all_of_a_portfolio_of_one_bill(platform, paid):
    (acceptor,) = _shown(platform)["concentration"]["acceptors"]
    assert acceptor["acceptor_bank_code"] == GOOD.request["bill"]["acceptor_bank_code"]
    assert (acceptor["percent"], _shown(platform)["concentration"]["herfindahl"]) == ("100.000000", "1.000000")


def test_another_institution_holds_nothing_of_it(platform, paid):
    shown = _shown(platform, institution="bank-2")
    assert (shown["count"], shown["yield"]["annual_rate"], shown["concentration"]["acceptors"]) == (0, None, [])


def test_what_was_not_paid_is_not_held(platform):
    platform.accept(GOOD)
    assert _shown(platform)["count"] == 0


@pytest.mark.parametrize(("days", "count"), [(-1, 0), (0, 1), (1, 1)])
def test_it_is_held_from_the_day_of_its_payment(platform, paid, days, count):
    platform.context.clock.instant += timedelta(days=10)
    assert _shown(platform, TODAY + timedelta(days=days))["count"] == count


def test_it_is_held_until_the_day_before_its_effective_maturity(platform, paid):
    due = date.fromisoformat(platform.body(paid)["due_date"])
    platform.context.clock.instant += timedelta(days=600)
    assert [_shown(platform, day)["count"] for day in (due - timedelta(days=1), due)] == [1, 0]


def test_a_bill_whose_money_came_back_is_told_apart(platform, paid):
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(paid, 1)))
    shown = _shown(platform)
    assert (shown["count"], shown["returned"]) == (0, {"count": 1, "face_fen": platform.body(paid)["face_fen"]})


def test_every_bill_of_a_list_of_several_pages_is_counted(platform, monkeypatch):
    monkeypatch.setattr(portfolio, "_PAGE", 1)
    good = [bill for bill in BILLS if bill.expected == "disbursed" and not bill.at and not bill.quote][:4]
    ids = [_pay(platform, bill, f"key-{bill.line}") for bill in good if bill.request["institution_id"] == BANK]
    held = [platform.body(discount_id) for discount_id in ids]
    paid = [body for body in held if body["status"] == "DISBURSED"]
    assert len(paid) > 1
    assert _shown(platform)["count"] == len(paid)
    assert _shown(platform)["face_fen"] == sum(body["face_fen"] for body in paid)


@pytest.mark.parametrize("day", [TODAY + timedelta(days=1), date(1999, 12, 31)])
def test_a_day_that_has_not_come_has_no_portfolio(platform, day):
    with pytest.raises(PeriodError):
        _shown(platform, day)


def test_what_one_answer_cannot_hold_is_refused_by_name(platform, paid, monkeypatch):
    monkeypatch.setattr(portfolio, "_READ_MAX", 0)
    with pytest.raises(ReportTooLargeError):
        _shown(platform)
