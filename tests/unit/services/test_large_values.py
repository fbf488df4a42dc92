"""Large values of an institution's day: whole, by company across partners, what went back apart, and nobody else's."""

from datetime import timedelta

import pytest

from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.payment import payment_reference
from rongtong.domain.statement import PeriodError
from rongtong.services import bank_notices
from rongtong.services.large_values import large_values
from rongtong.services.statements import Owner, statement

DAY, THRESHOLD = "2026-04-15", 200_000_000
ANOTHER = "partner-b"


@pytest.fixture
def platform():
    """Some sample bills of the day that are paid, through two partners."""
    platform = Platform(partners=(PARTNER, ANOTHER))
    bills = [one for one in sample_bills() if one.expected == "disbursed" and not one.at][:30]
    for number, bill in enumerate(bills):
        platform.run(platform.accept(bill, f"key-{number}", (PARTNER, ANOTHER)[number % 2]))
    return platform


def _totals(platform, institution_id):
    """What each company was paid on the day, by its statement."""
    totals = {}
    for line in statement(platform.context, Owner.institution(institution_id), DAY).lines:
        body = platform.context.store.get(f"enterprise#{line.enterprise_id}", "state").body
        totals.setdefault(body["uscc"], []).append(line.amount_fen)
    return {uscc: sum(amounts) for uscc, amounts in totals.items()}


@pytest.mark.parametrize("institution_id", ["bank-1", "bank-2", "bank-3"])
def test_whoever_reaches_the_threshold_is_named_with_the_whole_total_and_nobody_else(platform, institution_id):
    found = large_values(platform.context, institution_id, DAY)["large_values"]
    totals = _totals(platform, institution_id)
    assert {one["uscc"]: one["total_fen"] for one in found} == {
        uscc: fen for uscc, fen in totals.items() if fen >= THRESHOLD
    }
    assert 0 < len(found) < len(totals)
    assert {one["direction"] for one in found} == {"receipt"}


def test_a_company_that_comes_through_two_partners_is_one_customer(platform):
    found = large_values(platform.context, "bank-1", DAY)["large_values"]
    assert len({one["uscc"] for one in found}) == len(found)
    lines = {line.reference: line for line in statement(platform.context, Owner.institution("bank-1"), DAY).lines}
    partners = [{lines[one].partner_id for one in value["references"]} for value in found]
    assert {PARTNER, ANOTHER} in partners


def test_what_went_back_is_counted_apart_on_the_day_on_which_it_did(platform):
    lines = statement(platform.context, Owner.institution("bank-1"), DAY).lines
    line = max(lines, key=lambda one: one.amount_fen)
    assert line.amount_fen >= THRESHOLD
    before = large_values(platform.context, "bank-1", DAY)["large_values"]
    platform.context.clock.instant += timedelta(days=1)
    bank_notices.take(platform.context, platform.bank.send_back(payment_reference(line.discount_id, 1)))
    assert large_values(platform.context, "bank-1", DAY)["large_values"] == before
    (back,) = large_values(platform.context, "bank-1", "2026-04-16")["large_values"]
    assert (back["direction"], back["total_fen"], back["references"]) == ("payment", line.amount_fen, [line.reference])


def test_the_last_day_for_the_report_is_the_fifth_working_day_and_is_never_guessed(platform):
    assert large_values(platform.context, "bank-1", DAY)["report_by"] == "2026-04-22"
    platform.context.clock.instant = platform.context.clock.instant.replace(month=12, day=29)
    assert large_values(platform.context, "bank-1", "2026-12-29")["report_by"] is None


def test_a_day_is_final_once_it_is_over(platform):
    assert large_values(platform.context, "bank-1", DAY)["final"] is False
    platform.context.clock.instant += timedelta(days=1)
    assert large_values(platform.context, "bank-1", DAY)["final"] is True


@pytest.mark.parametrize("day", ["2026-04", "2026-04-16", "yesterday"])
def test_what_is_no_day_that_has_begun_is_refused(platform, day):
    with pytest.raises(PeriodError):
        large_values(platform.context, "bank-1", day)
