"""The monthly review's rules: what each measures, and from where on it is found."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paths import ROOT
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.monthly_figures import (
    Dealt,
    Figures,
    Yardstick,
    bounds,
    figures,
    month_before,
    month_of,
)
from rongtong.domain.monthly_review import MEASURES, Month, gravest, judge
from rongtong.domain.monthly_rules import MONTHLY_RULES, MonthlyAction, MonthlyRuleError, configure_monthly
from rongtong.domain.policy import Policy
from rongtong.domain.risk_rules import Severity

NOW = "2026-10"
BUYER, OTHER = "91350100MA0001202D", "91350100MA0001149H"
USUAL = Figures(NOW, discounts=8, fen=800_000_000, buyers={BUYER: 800_000_000})
HALF_A_YEAR = tuple(replace(USUAL, month=month_before(NOW, back)) for back in range(1, 7))
BY = Yardstick(MONTHLY_RULES, (500_000_000, 200_000_000), lambda day: day.weekday() < 5)
NOON = datetime(2026, 10, 14, 4, tzinfo=UTC)
PLAIN = Dealt(NOON, 100_000_000, DiscountStatus.DISBURSED, None, False, BUYER, date(2026, 9, 1))


def found(now=USUAL, before=HALF_A_YEAR, back=None, rules=MONTHLY_RULES):
    return {one.rule: one.measured for one in judge(Month(now, tuple(before), back or {}), rules)}


def test_a_month_like_those_before_it_has_no_finding():
    assert found() == {}


def test_the_first_month_of_a_company_has_no_finding():
    assert found(replace(USUAL, fen=10**12), before=()) == {}


@pytest.mark.parametrize(("fen", "measured"), [(2_399_999_999, {}), (2_400_000_000, {"VOLUME_JUMP": 300})])
def test_volume_jumps_where_it_is_three_times_the_mean_of_half_a_year(fen, measured):
    assert found(replace(USUAL, fen=fen, buyers={BUYER: fen})) == measured


def test_a_volume_that_is_small_jumps_as_it_likes():
    before = [replace(one, fen=1_000_000) for one in HALF_A_YEAR]
    assert found(replace(USUAL, fen=99_999_999, buyers={BUYER: 1}), before) == {}


def test_a_mean_is_of_months_that_are_enough_to_compare():
    idle = [Figures(one.month) for one in HALF_A_YEAR]
    assert found(replace(USUAL, fen=10**12), [*HALF_A_YEAR[:2], *idle[2:]]) == {}
    assert found(replace(USUAL, fen=10**12, buyers={BUYER: 1}), [*HALF_A_YEAR[:3], *idle[3:]]) == {
        "VOLUME_JUMP": 250_000
    }


def test_months_beyond_the_window_do_not_count():
    older = Figures(month_before(NOW, 7), discounts=1, fen=10**15)
    assert found(replace(USUAL, fen=2_400_000_000), [*HALF_A_YEAR, older]) == {"VOLUME_JUMP": 300}


def test_the_number_of_discounts_jumps_like_their_amount():
    assert found(replace(USUAL, discounts=24)) == {"COUNT_JUMP": 300}
    assert found(replace(USUAL, discounts=23)) == {}


def test_amounts_just_under_a_line_are_found_where_they_are_much_of_the_business():
    assert found(replace(USUAL, under_line=5)) == {"AMOUNTS_UNDER_LINE": 5}
    assert found(replace(USUAL, discounts=17, under_line=5)) == {}


def test_two_companies_that_discount_each_other_s_bills_are_found_from_both_sides():
    assert found(back={BUYER: 10_000_000}) == {"ROUND_TRIP": 1}
    assert found(back={BUYER: 9_999_999}) == {}
    assert found(replace(USUAL, buyers={BUYER: 9_999_999}), back={BUYER: 10_000_000}) == {}


def test_buyers_never_dealt_with_before_are_found_where_nearly_everything_is_theirs():
    assert found(replace(USUAL, buyers={OTHER: 640_000_000, BUYER: 160_000_000})) == {"NEW_COUNTERPARTIES": 80}
    assert found(replace(USUAL, buyers={OTHER: 639_999_999, BUYER: 160_000_001})) == {}


@pytest.mark.parametrize(
    ("rule", "field", "enough"),
    [("UNPAID_SHARE", "unpaid", 4), ("ODD_HOURS", "odd_hours", 4), ("QUICK_DISCOUNT", "quick", 5)],
)
def test_a_share_of_the_discounts_is_found_from_its_threshold_on(rule, field, enough):
    assert found(replace(USUAL, **{field: enough})) == {rule: enough * 100 // 8}
    assert found(replace(USUAL, **{field: enough - 1})) == {}


def test_a_share_of_few_discounts_says_nothing():
    assert found(replace(USUAL, discounts=4, unpaid=4, odd_hours=4, quick=4)) == {}


def test_documents_offered_again_and_requests_stopped_are_counted():
    assert found(replace(USUAL, reused=3, reviewed=3)) == {"DOCUMENT_REUSE": 3, "RISK_REVIEWS": 3}
    assert found(replace(USUAL, reused=2, reviewed=2)) == {}


def test_who_was_silent_for_months_and_was_awake_before_has_woken_up():
    old = Figures(month_before(NOW, 5), discounts=3, fen=1)
    silent = [Figures(month_before(NOW, back)) for back in range(1, 5)]
    assert found(before=[*silent, old]) == {"DORMANT_ACTIVE": 4}
    assert found(before=silent) == {}
    assert found(before=[*silent[:2], replace(old, month=month_before(NOW, 3))]) == {}


def test_a_rule_that_is_off_finds_nothing():
    rules = configure_monthly({"DOCUMENT_REUSE": {"enabled": False}})
    assert found(replace(USUAL, reused=9), rules=rules) == {}


def test_the_gravest_finding_decides_what_follows():
    def follows(now):
        return gravest(judge(Month(now, HALF_A_YEAR, {}), MONTHLY_RULES))

    assert [follows(USUAL), follows(replace(USUAL, reviewed=3)), follows(replace(USUAL, reviewed=3, reused=3))] == [
        MonthlyAction.NONE,
        MonthlyAction.REVIEW,
        MonthlyAction.RESTRICT,
    ]


def test_every_rule_has_a_measure():
    assert set(MEASURES) == set(MONTHLY_RULES)


def test_the_page_for_operations_has_the_rules_as_they_are():
    page = (ROOT / "docs" / "operations" / "monthly-review.md").read_text(encoding="utf-8")
    rows = [
        f"| `{rule.id}` | {rule.threshold} {rule.unit} | {f'{rule.window} ' if rule.window else ''}| "
        f"`{rule.severity}` | `{rule.action}` | "
        + (", ".join(f"`{name}` {value}" for name, value in rule.further.items()) + " |").lstrip()
        for rule in MONTHLY_RULES.values()
    ]
    assert [row for row in rows if row.replace("|  |", "| |") not in page] == []


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"NOBODY": {}}, "monthly_review.NOBODY"),
        ({"VOLUME_JUMP": {"window": 13}}, "monthly_review.VOLUME_JUMP.window"),
        ({"DOCUMENT_REUSE": {"window": 1}}, "monthly_review.DOCUMENT_REUSE.window"),
        ({"VOLUME_JUMP": {"threshold": 0}}, "monthly_review.VOLUME_JUMP.threshold"),
        ({"VOLUME_JUMP": {"action": "REJECT"}}, "monthly_review.VOLUME_JUMP.action"),
        ({"VOLUME_JUMP": {"severity": "GRAVE"}}, "monthly_review.VOLUME_JUMP.severity"),
        ({"VOLUME_JUMP": {"enabled": 1}}, "monthly_review.VOLUME_JUMP.enabled"),
        ({"ODD_HOURS": {"to_hour": 25}}, "monthly_review.ODD_HOURS.to_hour"),
        ({"VOLUME_JUMP": 3}, "monthly_review.VOLUME_JUMP"),
        ([], "monthly_review"),
    ],
)
def test_a_rule_cannot_be_configured_so(overrides, field):
    with pytest.raises(MonthlyRuleError) as refused:
        configure_monthly(overrides)
    assert (refused.value.code, refused.value.field) == ("MONTHLY_RULE", field)


def test_a_policy_sets_rules_and_a_tenant_s_changes_none_of_them():
    stated = {"VOLUME_JUMP": {"threshold": 500, "severity": "LOW", "action": "RESTRICT", "window": 3, "least_fen": 1}}
    policy = Policy.parse({"monthly_review": stated})
    rule = policy.monthly_rules["VOLUME_JUMP"]
    assert (rule.threshold, rule.severity, rule.action, rule.window) == (500, Severity.LOW, MonthlyAction.RESTRICT, 3)
    assert rule.further == {"least_active_months": 3, "least_fen": 1}
    tenant = Policy.parse({"monthly_review": {"VOLUME_JUMP": {"enabled": False}}}, policy)
    assert tenant.monthly_rules == policy.monthly_rules


def test_figures_count_what_the_rules_look_at():
    dealt = [
        PLAIN,
        replace(PLAIN, status=DiscountStatus.REFUSED, reason="INVOICE_USED", buyer=OTHER),
        replace(PLAIN, fen=499_999_999, reviewed=True),
        replace(PLAIN, at=datetime(2026, 10, 13, 18, tzinfo=UTC), issued=date(2026, 10, 11)),
    ]
    assert figures(NOW, dealt, BY) == Figures(
        NOW,
        discounts=4,
        fen=799_999_999,
        unpaid=1,
        reviewed=1,
        reused=1,
        under_line=1,
        odd_hours=1,
        quick=1,
        buyers={BUYER: 699_999_999, OTHER: 100_000_000},
    )


@pytest.mark.parametrize(
    ("fen", "under"), [(196_000_000, True), (195_999_999, False), (199_999_999, True), (200_000_000, False)]
)
def test_an_amount_is_under_a_line_within_two_percent_of_it(fen, under):
    assert BY.under_line(fen) is under


@pytest.mark.parametrize(
    ("at", "odd"),
    [
        ("2026-10-14T06:59:59+08:00", True),
        ("2026-10-14T07:00:00+08:00", False),
        ("2026-10-14T20:59:59+08:00", False),
        ("2026-10-14T21:00:00+08:00", True),
        ("2026-10-17T12:00:00+08:00", True),
    ],
)
def test_nights_and_days_off_are_odd(at, odd):
    assert BY.odd_hours(datetime.fromisoformat(at)) is odd


def test_a_month_begins_and_ends_in_shanghai():
    begins, ends = bounds("2026-12")
    assert (begins, ends) == (datetime(2026, 11, 30, 16, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC))
    assert [month_of(begins), month_of(begins - timedelta(seconds=1)), month_of(ends)] == [
        "2026-12",
        "2026-11",
        "2027-01",
    ]
    assert [month_before("2026-01"), month_before("2026-10", 12), month_before("2026-10", 0)] == [
        "2025-12",
        "2025-10",
        "2026-10",
    ]


SOME_DEALT = st.builds(
    Dealt,
    at=st.integers(0, 30 * 86_400).map(lambda after_s: bounds(NOW)[0] + timedelta(seconds=after_s)),
    fen=st.integers(1, 10**11),
    status=st.sampled_from(DiscountStatus),
    reason=st.sampled_from([None, "INVOICE_USED", "BILL_LOCKED"]),
    reviewed=st.booleans(),
    buyer=st.integers(0, 60).map(str),
    issued=st.dates(date(2026, 7, 1), date(2026, 10, 1)),
)
SOME_FIGURES = st.builds(
    Figures,
    month=st.just(NOW),
    fen=st.integers(0, 10**11),
    **dict.fromkeys(
        ("discounts", "unpaid", "reviewed", "reused", "under_line", "odd_hours", "quick"), st.integers(0, 30)
    ),
    buyers=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 10**10), max_size=3),
)
SOME_MONTHS = st.lists(SOME_FIGURES, max_size=7).map(
    lambda made: tuple(replace(one, month=month_before(NOW, at + 1)) for at, one in enumerate(made))
)


@given(st.lists(SOME_DEALT, max_size=10), st.randoms())
def test_figures_are_the_same_in_whatever_order_they_are_counted(dealt, chance):
    shuffled = chance.sample(dealt, len(dealt))
    assert figures(NOW, shuffled, BY) == figures(NOW, dealt, BY)


@given(st.lists(SOME_DEALT, max_size=10).map(lambda dealt: figures(NOW, dealt, BY)))
def test_figures_are_kept_whole(made):
    assert Figures.parse({**made.as_document(), "beside": 1}) == made
    assert max(made.unpaid, made.reviewed, made.reused, made.odd_hours, made.quick) <= made.discounts
    assert sum(made.buyers.values()) == made.fen


def test_forty_buyers_are_named_those_of_the_most_money():
    made = figures(NOW, [replace(PLAIN, buyer=str(at), fen=at + 1) for at in range(50)], BY)
    assert made.buyers == {str(at): at + 1 for at in range(10, 50)}


@given(SOME_FIGURES, SOME_MONTHS)
def test_what_is_found_is_from_its_threshold_on_and_a_stricter_rule_finds_no_less(now, before):
    month = Month(now, before, {})
    usual = judge(month, MONTHLY_RULES)
    assert all(one.measured >= one.threshold for one in usual)
    strict = {name: replace(rule, threshold=max(rule.threshold // 2, 1)) for name, rule in MONTHLY_RULES.items()}
    assert {one.rule for one in usual} <= {one.rule for one in judge(month, strict)}


@given(SOME_FIGURES, SOME_MONTHS)
def test_a_company_is_judged_alike_however_its_history_is_ordered(now, before):
    assert judge(Month(now, before, {}), MONTHLY_RULES) == judge(Month(now, before[::-1], {}), MONTHLY_RULES)
