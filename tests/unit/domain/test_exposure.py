"""Limits and what is taken of them: reading, an enterprise's turnover, shared counters, the reservation's lifecycle."""

from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.errors import TransitionError
from rongtong.domain.exposure import (
    Counter,
    EnterpriseLimits,
    GroupLimit,
    Level,
    LimitExceededError,
    Limits,
    LimitsError,
    ReservationStatus,
    Turnover,
    counters,
    require_reservation_transition,
    reservation_of,
)
from rongtong.domain.lifecycle import DiscountStatus

DAY = date(2026, 4, 15)
NO_LIMIT = EnterpriseLimits()
BANK, OTHER_BANK, THIRD_BANK = "102100099996", "105100000017", "309391000011"
DOCUMENT = {
    "version": 3,
    "proposed_by": "one",
    "approved_by": "two",
    "approved_at": "2026-04-01T09:00:00+08:00",
    "bill_fen": 1_000,
    "enterprise": {"day_fen": 100, "month_fen": 200, "year_fen": 300},
    "enterprises": {"ent_1": {"day_fen": 500, "year_fen": None}},
    "acceptor_fen": 400,
    "acceptors": {BANK: 50, OTHER_BANK: None},
    "groups": {"g-1": {"limit_fen": 70, "members": [BANK, OTHER_BANK]}},
    "platform_day_fen": 10**18 - 1,
}
LIMITS = Limits.parse(DOCUMENT)


def exceeded(call, *arguments):
    with pytest.raises(LimitExceededError) as refused:
        call(*arguments)
    return refused.value


def test_every_limit_is_read():
    assert Limits.parse(DOCUMENT) == Limits(
        bill_fen=1_000,
        enterprise=EnterpriseLimits(100, 200, 300),
        enterprises={"ent_1": EnterpriseLimits(500, 200, None)},
        acceptor_fen=400,
        acceptors={BANK: 50, OTHER_BANK: None},
        groups={"g-1": GroupLimit(70, frozenset({BANK, OTHER_BANK}))},
        platform_day_fen=10**18 - 1,
    )


@pytest.mark.parametrize(
    "document",
    [{}, {"bill_fen": None, "enterprise": {"day_fen": None}, "enterprises": {}, "acceptors": {}, "groups": {}}],
)
def test_what_is_left_out_or_null_is_no_limit(document):
    assert Limits.parse(document) == Limits()


def test_a_limit_of_nothing_is_a_limit():
    assert Limits.parse({"bill_fen": 0}).bill_fen == 0


def test_a_group_may_be_without_a_limit():
    assert Limits.parse({"groups": {"g": {"members": [BANK]}}}).groups == {"g": GroupLimit(None, frozenset({BANK}))}


@pytest.mark.parametrize(
    ("document", "field", "says"),
    [
        ([], "limits", "object"),
        ({"bills_fen": 1}, "limits.bills_fen", "bill_fen"),
        ({"bill_fen": -1}, "bill_fen", "from 0 to 999999999999999999"),
        ({"bill_fen": 10**18}, "bill_fen", "from 0 to 999999999999999999"),
        ({"bill_fen": "1"}, "bill_fen", "fen"),
        ({"bill_fen": True}, "bill_fen", "fen"),
        ({"bill_fen": 1.0}, "bill_fen", "fen"),
        ({"acceptor_fen": -1}, "acceptor_fen", "fen"),
        ({"platform_day_fen": -1}, "platform_day_fen", "fen"),
        ({"enterprise": 5}, "enterprise", "object"),
        ({"enterprise": {"week_fen": 5}}, "enterprise.week_fen", "day_fen, month_fen, year_fen"),
        ({"enterprise": {"day_fen": -1}}, "enterprise.day_fen", "fen"),
        ({"enterprises": []}, "enterprises", "object"),
        ({"enterprises": {"e": 1}}, "enterprises.e", "object"),
        ({"enterprises": {"e": {"month_fen": -1}}}, "enterprises.e.month_fen", "fen"),
        ({"acceptors": []}, "acceptors", "object"),
        ({"acceptors": {BANK: -1}}, f"acceptors.{BANK}", "fen"),
        ({"acceptors": {"10210009999": 1}}, "acceptors.10210009999", "12 digits"),
        ({"acceptors": {"10210009999a": 1}}, "acceptors.10210009999a", "12 digits"),
        ({"acceptors": {"１02100099996": 1}}, "acceptors.１02100099996", "12 digits"),
        ({"groups": []}, "groups", "object"),
        ({"groups": {"g": []}}, "groups.g", "object"),
        ({"groups": {"g": {"members": [BANK], "limit": 1}}}, "groups.g.limit", "limit_fen, members"),
        ({"groups": {"g": {"members": [BANK], "limit_fen": -1}}}, "groups.g.limit_fen", "fen"),
        ({"groups": {"g": {"limit_fen": 1}}}, "groups.g.members", "list"),
        ({"groups": {"g": {"members": []}}}, "groups.g.members", "list"),
        ({"groups": {"g": {"members": BANK}}}, "groups.g.members", "list"),
        ({"groups": {"g": {"members": [BANK, 7]}}}, "groups.g.members.1", "12 digits"),
        ({"groups": {"g": {"members": [BANK, BANK]}}}, "groups.g.members.1", "one group"),
        (
            {"groups": {"g": {"members": [BANK]}, "h": {"members": [OTHER_BANK, BANK]}}},
            "groups.h.members.1",
            "one group",
        ),
    ],
)
def test_limits_that_cannot_be_read_name_their_field(document, field, says):
    with pytest.raises(LimitsError, match=says) as refused:
        Limits.parse(document)
    assert (refused.value.code, refused.value.field) == ("LIMITS", field)


def test_an_acceptor_belongs_to_the_group_that_lists_it():
    groups = {"g-1": {"members": [BANK]}, "g-2": {"members": [OTHER_BANK]}}
    limits = Limits.parse({"groups": groups})
    assert [limits.group_of(code) for code in (BANK, OTHER_BANK, THIRD_BANK)] == ["g-1", "g-2", None]


def test_an_enterprise_has_its_own_limits_or_everybodys():
    own, common = LIMITS.enterprise_limits("ent_1"), LIMITS.enterprise_limits("ent_2")
    assert (own, common) == (EnterpriseLimits(500, 200, None), EnterpriseLimits(100, 200, 300))


@pytest.mark.parametrize(("limits", "amount_fen"), [(LIMITS, 1_000), (Limits(), 10**17)])
def test_one_discount_up_to_the_cap_is_allowed(limits, amount_fen):
    assert limits.require_bill(amount_fen) is None


def test_one_discount_above_the_cap_is_refused_with_the_cap():
    refused = exceeded(LIMITS.require_bill, 1_001)
    assert (refused.code, refused.field, refused.level) == ("LIMIT_EXCEEDED", "bill.amount_fen", "bill")
    assert "10.00 yuan" in refused.message


def test_the_first_amount_counts_in_day_month_and_year():
    assert Turnover().add(60, DAY, NO_LIMIT) == Turnover(DAY, 60, 60, 60)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (DAY, (15, 25, 35)),
        (DAY + timedelta(days=1), (5, 25, 35)),
        (date(2026, 5, 15), (5, 5, 35)),
        (date(2027, 4, 15), (5, 5, 5)),
    ],
    ids=["same day", "next day", "next month", "same month of the next year"],
)
def test_periods_that_are_over_are_dropped(on, expected):
    assert Turnover(DAY, 10, 20, 30).add(5, on, NO_LIMIT) == Turnover(on, *expected)


@pytest.mark.parametrize(
    ("last", "first", "expected"),
    [
        (date(2026, 4, 30), date(2026, 5, 1), (5, 5, 35)),
        (date(2026, 12, 31), date(2027, 1, 1), (5, 5, 5)),
    ],
)
def test_month_and_year_end_at_midnight(last, first, expected):
    assert Turnover(last, 10, 20, 30).add(5, first, NO_LIMIT) == Turnover(first, *expected)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (DAY - timedelta(days=1), (10, 25, 35)),
        (date(2026, 3, 31), (10, 20, 35)),
        (date(2025, 12, 31), (10, 20, 30)),
    ],
)
def test_an_amount_of_a_day_before_counts_in_the_periods_that_it_shares(on, expected):
    assert Turnover(DAY, 10, 20, 30).add(5, on, NO_LIMIT) == Turnover(DAY, *expected)


def test_an_amount_of_a_day_before_is_not_held_against_todays_limit():
    used = Turnover(DAY, 10, 20, 30).add(5, DAY - timedelta(days=1), EnterpriseLimits(day_fen=10))
    assert used.month_fen == 25


@pytest.mark.parametrize(
    ("limits", "level", "says"),
    [
        (EnterpriseLimits(day_fen=160), "enterprise_day", "limit of the day has not"),
        (EnterpriseLimits(month_fen=170), "enterprise_month", "limit of the month has not"),
        (EnterpriseLimits(year_fen=180), "enterprise_year", "limit of the year has not"),
        (EnterpriseLimits(160, 170, 180), "enterprise_day", "day"),
        (EnterpriseLimits(None, 170, 180), "enterprise_month", "month"),
        (EnterpriseLimits(day_fen=5), "enterprise_day", "day"),
    ],
)
def test_more_than_what_is_left_is_refused_with_the_level(limits, level, says):
    refused = exceeded(Turnover(DAY, 10, 20, 30).add, 151, DAY, limits)
    assert (refused.code, refused.field, refused.level) == ("LIMIT_EXCEEDED", "bill.amount_fen", level)
    assert says in refused.message


def test_how_much_is_left_is_not_told_because_the_company_may_have_discounted_elsewhere():
    refused = exceeded(Turnover(DAY, 10, 20, 30).add, 151, DAY, EnterpriseLimits(day_fen=160))
    assert refused.message == "The enterprise's limit of the day has not enough left; discount less, or another day."


@pytest.mark.parametrize(
    "limits", [EnterpriseLimits(day_fen=160), EnterpriseLimits(month_fen=170), EnterpriseLimits(year_fen=180)]
)
def test_a_limit_can_be_used_to_its_last_fen(limits):
    assert Turnover(DAY, 10, 20, 30).add(150, DAY, limits) == Turnover(DAY, 160, 170, 180)


@pytest.mark.parametrize(
    ("taken_on", "expected"),
    [
        (DAY, (5, 15, 25)),
        (DAY - timedelta(days=1), (10, 15, 25)),
        (date(2026, 3, 15), (10, 20, 25)),
        (date(2025, 4, 15), (10, 20, 30)),
    ],
)
def test_what_is_given_back_leaves_the_periods_it_was_taken_in_if_they_are_current(taken_on, expected):
    assert Turnover(DAY, 10, 20, 30).give_back(5, taken_on) == Turnover(DAY, *expected)


def test_giving_back_too_much_ends_at_nothing():
    assert Turnover(DAY, 10, 20, 30).give_back(25, DAY) == Turnover(DAY, 0, 0, 5)


def test_nothing_is_given_back_to_an_enterprise_without_turnover():
    assert Turnover().give_back(5, DAY) == Turnover()


AMOUNTS = st.integers(1, 60)
STEPS = st.lists(st.tuples(st.integers(0, 40), AMOUNTS, st.booleans(), st.integers(0, 30)), max_size=25)


@given(STEPS)
def test_turnover_is_the_sum_of_live_reservations_in_the_current_periods_and_within_every_limit(steps):
    limits, today, turnover, live = EnterpriseLimits(100, 150, 220), date(2026, 11, 1), Turnover(), []
    for days, amount_fen, returns, which in steps:
        today += timedelta(days=days % 20)
        if returns and live:
            fen, on = live.pop(which % len(live))
            turnover = turnover.give_back(fen, on)
        else:
            try:
                turnover = turnover.add(amount_fen, today, limits)
            except LimitExceededError:
                continue
            live.append((amount_fen, today))
    sums = defaultdict(int)
    for fen, on in live:
        day = turnover.day
        sums["day"] += fen * (on == day)
        sums["month"] += fen * ((on.year, on.month) == (day.year, day.month))
        sums["year"] += fen * (on.year == day.year)
    assert (turnover.day_fen, turnover.month_fen, turnover.year_fen) == (sums["day"], sums["month"], sums["year"])
    assert turnover.day_fen <= 100
    assert turnover.month_fen <= 150
    assert turnover.year_fen <= 220


@given(st.builds(Turnover, st.dates(), *[st.integers(0, 10**18)] * 3))
def test_a_stored_turnover_reads_back(turnover):
    assert Turnover.from_document(turnover.as_document()) == turnover


def test_a_turnover_is_stored_with_its_units_named():
    stored = {"day": "2026-04-15", "day_fen": 1, "month_fen": 2, "year_fen": 3}
    assert Turnover(DAY, 1, 2, 3).as_document() == stored


@pytest.mark.parametrize("document", [{}, {"day": None, "day_fen": 0, "month_fen": 0, "year_fen": 0}])
def test_an_empty_document_is_no_turnover(document):
    assert Turnover.from_document(document) == Turnover()
    assert Turnover().as_document() == {"day": None, "day_fen": 0, "month_fen": 0, "year_fen": 0}


def shared(limits, code=BANK, group="g-1", institution_limit_fen=90):
    return counters(
        limits,
        acceptor_code=code,
        acceptor_group=group,
        institution_id="bank-1",
        institution_limit_fen=institution_limit_fen,
        day=DAY,
    )


def test_a_discount_adds_to_acceptor_group_institution_and_platform():
    assert shared(LIMITS) == (
        Counter(Level.ACCEPTOR, "acceptor#102100099996", 50),
        Counter(Level.ACCEPTOR_GROUP, "acceptor_group#g-1", 70),
        Counter(Level.INSTITUTION, "institution#bank-1", 90),
        Counter(Level.PLATFORM_DAY, "platform#2026-04-15", 10**18 - 1),
    )


def test_an_acceptor_without_a_group_adds_to_three_counters():
    assert [counter.level for counter in shared(LIMITS, group=None)] == ["acceptor", "institution", "platform_day"]


@pytest.mark.parametrize(("code", "limit_fen"), [(BANK, 50), (OTHER_BANK, None), (THIRD_BANK, 400)])
def test_an_acceptor_has_its_own_limit_none_or_everybodys(code, limit_fen):
    assert shared(LIMITS, code=code)[0].limit_fen == limit_fen


def test_counters_keep_their_names_when_the_limits_are_gone():
    before, after = shared(LIMITS), shared(Limits(), institution_limit_fen=None)
    assert [counter.key for counter in after] == [counter.key for counter in before]
    assert {counter.limit_fen for counter in after} == {None}


@pytest.mark.parametrize(
    ("level", "says"),
    [
        (Level.ACCEPTOR, "limit of the bill's acceptor"),
        (Level.ACCEPTOR_GROUP, "limit of the group"),
        (Level.INSTITUTION, "institution's limit"),
        (Level.PLATFORM_DAY, "platform's limit of the day"),
    ],
)
def test_a_full_shared_counter_is_named_without_any_figure(level, says):
    refused = LimitExceededError.of_shared(level)
    assert (refused.code, refused.field, refused.level) == ("LIMIT_EXCEEDED", "bill.amount_fen", level)
    assert says in refused.message
    assert not any(character.isdigit() for character in refused.message)


@pytest.mark.parametrize("end", [ReservationStatus.CONSUMED, ReservationStatus.RETURNED])
def test_a_reservation_is_consumed_or_returned(end):
    assert require_reservation_transition(ReservationStatus.RESERVED, end) is None


@pytest.mark.parametrize("end", [ReservationStatus.CONSUMED, ReservationStatus.RETURNED])
@pytest.mark.parametrize("new", list(ReservationStatus))
def test_nothing_follows_the_end_of_a_reservation(end, new):
    with pytest.raises(TransitionError, match=f"{end} cannot become {new}"):
        require_reservation_transition(end, new)


def test_a_reservation_is_not_made_twice():
    with pytest.raises(TransitionError):
        require_reservation_transition(ReservationStatus.RESERVED, ReservationStatus.RESERVED)


ENDS = {"DISBURSED": "CONSUMED", "RETURNED": "CONSUMED", "REFUSED": "RETURNED", "FAILED": "RETURNED"}


@pytest.mark.parametrize("status", list(DiscountStatus))
def test_what_a_discount_has_taken_stays_reserved_until_it_ends(status):
    assert reservation_of(status) == ENDS.get(status, "RESERVED")
