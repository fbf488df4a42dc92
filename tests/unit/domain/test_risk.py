"""Risk rules: each pattern at its threshold and below, the windows' edges, missing facts, what may be told outside."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import BANK, BUYER, DRAWER, PAYEE, SELLER, application_for, bill_of
from rongtong.domain.bill import Endorsement, MoneyFlow, Order, Party, Trade
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.risk import (
    AccessEvent,
    Action,
    Assessment,
    CompanyProfile,
    Facts,
    Finding,
    PastDiscount,
    Severity,
    assess,
    outside_reason,
)
from rongtong.domain.risk_patterns import MEASURES
from rongtong.domain.risk_rules import DEFAULT_RULES, configure

NOW = datetime(2026, 4, 15, 2, 30, tzinfo=UTC)
TODAY = date(2026, 4, 15)
TICK = timedelta(microseconds=1)
WAN = 1_000_000
OTHER_BANK = "105100000017"
BILL = bill_of(
    Endorsement(PAYEE, BUYER, date(2026, 3, 2)),
    Endorsement(BUYER, SELLER, date(2026, 4, 14)),
    fen=100 * WAN,
)
ORDER = Order("PO-1", 150 * WAN, date(2026, 1, 10), BUYER.uscc, SELLER.uscc)
APPLICATION = application_for(BILL, Trade(ORDER, "I-1", claimed_fen=100 * WAN))
PROFILE = CompanyProfile(
    registered_on=date(2015, 1, 1),
    capital_fen=1_000 * WAN,
    shared_address_count=0,
    declared_turnover_fen=10_000 * WAN,
    deals_with=frozenset({"steel", "transport"}),
)
HONEST = Facts(
    now=NOW,
    application=APPLICATION,
    bill=BILL,
    history=(PastDiscount(NOW - timedelta(days=20), 120 * WAN, OTHER_BANK),),
    package_slices=1,
    package_companies=1,
    overlapping_applications=0,
    payee_verified=True,
    within_hours=True,
    overdue_acceptors=frozenset({OTHER_BANK}),
    account_flows=(MoneyFlow(BUYER.uscc, SELLER.uscc, 300 * WAN, TODAY),),
    accesses=(AccessEvent(NOW, "192.0.2.1", "browser", "福建"),),
    failed_logins=(NOW,),
    profile=PROFILE,
    groups={SELLER.uscc: "g-1", DRAWER.uscc: "g-2"},
    industries={BUYER.uscc: "steel"},
)
ALL = tuple(DEFAULT_RULES)


def applied(**changes):
    return replace(HONEST, application=replace(APPLICATION, **changes))


def traded(**changes):
    return applied(trade=replace(APPLICATION.trade, **changes))


def billed(**changes):
    return replace(HONEST, bill=replace(BILL, **changes))


def profiled(**changes):
    return replace(HONEST, profile=replace(PROFILE, **changes))


def past(*entries):
    """History entries of (time before now, fen) or (time before now, fen, acceptor)."""
    return tuple(PastDiscount(NOW - ago, fen, *(more or (BANK,))) for ago, fen, *more in entries)


def only(rule_id, **overrides):
    """The rules with all but one switched off."""
    rules = {name: replace(rule, enabled=name == rule_id) for name, rule in DEFAULT_RULES.items()}
    return configure({rule_id: overrides}, rules)


def measured(rule_id, facts, **overrides):
    """What the rule measured if it hit, None if it did not; the rule must have been evaluated."""
    found = assess(facts, only(rule_id, **overrides))
    assert found.not_evaluated == ()
    return found.findings[0].measured if found.findings else None


def hits(rule_id, facts, **overrides):
    return measured(rule_id, facts, **overrides) is not None


def not_evaluated(rule_id, facts):
    found = assess(facts, only(rule_id))
    return (found.findings, found.not_evaluated) == ((), (rule_id,))


# The whole


def test_an_honest_discount_has_no_finding_and_lacks_no_fact():
    assert assess(HONEST) == Assessment((), ())


def test_without_any_fact_no_rule_is_evaluated():
    assert assess(Facts(NOW)) == Assessment((), ALL)


def test_twelve_enterprises_may_send_fifteen_bills_each_within_a_minute():
    burst = past(
        *[(timedelta(seconds=4 * at), (20 + 25 * at) * WAN, BANK if at % 3 else OTHER_BANK) for at in range(15)]
    )
    assert assess(replace(HONEST, history=burst)).findings == ()


def test_every_pattern_of_the_catalogue_has_a_rule_and_a_measure():
    numbers = [rule.number for rule in DEFAULT_RULES.values() if rule.number is not None]
    assert sorted(set(numbers)) == list(range(1, 21))
    assert [number for number in numbers if numbers.count(number) > 1] == [9, 9]
    assert set(MEASURES) == set(DEFAULT_RULES)


def test_findings_stand_by_action_then_severity_then_the_order_of_the_rules():
    facts = replace(
        applied(amount_fen=500 * WAN),
        bill=replace(BILL, acceptor_class="other", endorsements=(Endorsement(PAYEE, SELLER, TODAY),)),
        payee_verified=False,
        within_hours=False,
        overlapping_applications=1,
    )
    found = assess(facts)
    assert [finding.rule_id for finding in found.findings] == [
        "DUPLICATE_APPLICATION",
        "PAYEE_NOT_VERIFIED",
        "QUICK_RESALE",
        "NEW_ACCEPTOR_CLASS",
        "LARGE_AMOUNT",
        "OUT_OF_HOURS",
    ]


def test_a_graver_action_stands_before_a_graver_severity():
    facts = replace(HONEST, payee_verified=False, overlapping_applications=1)
    rules = configure({"DUPLICATE_APPLICATION": {"action": "PASS"}, "PAYEE_NOT_VERIFIED": {"severity": "LOW"}})
    assert [finding.action for finding in assess(facts, rules).findings] == [Action.REJECT, Action.PASS]


def test_a_finding_carries_what_its_rule_says_and_what_was_measured():
    [finding] = assess(applied(amount_fen=612 * WAN)).findings
    assert finding == Finding(
        "LARGE_AMOUNT",
        Action.REVIEW,
        Severity.LOW,
        "The amount is large (大额): 612000000 fen; the rule hits from 500000000 on.",
        612 * WAN,
        500 * WAN,
    )


@pytest.mark.parametrize(
    ("rule_id", "facts", "why"),
    [
        (
            "LOGIN_BURST",
            replace(HONEST, failed_logins=(NOW,) * 12),
            "A burst of failed logins (批量登录): 12 within 10 minutes; the rule hits from 10 on.",
        ),
        (
            "QUICK_RESALE",
            billed(endorsements=(Endorsement(PAYEE, SELLER, TODAY),)),
            "Discounted soon after it was received by endorsement (即收即贴): 0 days; the rule hits below 1.",
        ),
        ("OUT_OF_HOURS", replace(HONEST, within_hours=False), "Outside the hours of service (非营业时间)."),
    ],
)
def test_a_finding_says_measure_window_and_threshold_in_a_sentence(rule_id, facts, why):
    [finding] = assess(facts, only(rule_id)).findings
    assert finding.why == why


def test_a_disabled_rule_neither_hits_nor_lacks_anything():
    rules = configure({name: {"enabled": False} for name in ALL})
    assert assess(Facts(NOW), rules) == assess(applied(amount_fen=500 * WAN), rules) == Assessment((), ())


def test_findings_have_canonical_bytes():
    [finding] = assess(applied(amount_fen=500 * WAN)).findings
    assert b'"action":"REVIEW"' in canonical_bytes(asdict(finding))


# What each rule needs to know

NEEDS = {
    "SCATTERED_IN_CONCENTRATED_OUT": ("application", "account_flows"),
    "JUST_UNDER_THRESHOLD": ("application", "history"),
    "UNRELATED_COUNTERPARTIES": ("application", "profile", "profile.deals_with", "industries"),
    "DORMANT_ACTIVE": ("application", "history"),
    "ACCESS_FREQUENCY": ("accesses",),
    "LOGIN_BURST": ("failed_logins",),
    "CROSS_REGION": ("accesses",),
    "MONEY_FROM_ANOTHER": ("application",),
    "ENDORSEMENT_COUNT": ("bill",),
    "BACK_ENDORSEMENT": ("bill",),
    "QUICK_RESALE": ("bill",),
    "PACKAGE_SLICED": ("package_slices", "package_companies"),
    "NEW_COMPANY_VOLUME": ("profile", "profile.registered_on"),
    "RELATED_PARTIES": ("application", "bill", "groups"),
    "VOLUME_ABOVE_TURNOVER": ("application", "history", "profile", "profile.declared_turnover_fen"),
    "ACCEPTOR_CONCENTRATION": ("application", "history"),
    "SAME_TRADE_DOCUMENT": ("application",),
    "DUPLICATE_APPLICATION": ("overlapping_applications",),
    "ACCEPTOR_OVERDUE": ("bill", "overdue_acceptors"),
    "PAYEE_NOT_VERIFIED": ("payee_verified",),
    "OUT_OF_HOURS": ("within_hours",),
    "NEW_ACCEPTOR_CLASS": ("bill",),
    "LARGE_AMOUNT": ("application",),
}


@pytest.mark.parametrize(("rule_id", "fact"), [(rule_id, fact) for rule_id in NEEDS for fact in NEEDS[rule_id]])
def test_a_rule_that_lacks_a_fact_is_named_as_not_evaluated(rule_id, fact):
    _, _, part = fact.partition(".")
    facts = profiled(**{part: None}) if part else replace(HONEST, **{fact: None})
    assert not_evaluated(rule_id, facts)


@pytest.mark.parametrize("rule_id", ALL)
def test_a_rule_needs_no_other_facts(rule_id):
    needed = {fact.partition(".")[0] for fact in NEEDS[rule_id]} | {"now"}
    names = [name for name in asdict(HONEST) if name not in needed]
    assert assess(replace(HONEST, **dict.fromkeys(names)), only(rule_id)) == Assessment((), ())


# 1 Scattered and concentrated


def account(payers, payees, received_fen=200 * WAN, paid_fen=160 * WAN, day=TODAY):
    """Money from many companies and to many, the first of each side moving nearly all of it."""
    flows = [MoneyFlow(f"in-{at}", SELLER.uscc, 1, day) for at in range(1, payers)]
    flows += [MoneyFlow(SELLER.uscc, f"out-{at}", 1, day) for at in range(1, payees)]
    flows.append(MoneyFlow("in-0", SELLER.uscc, received_fen - len(range(1, payers)), day))
    flows.append(MoneyFlow(SELLER.uscc, "out-0", paid_fen - len(range(1, payees)), day))
    return replace(HONEST, account_flows=tuple(flows))


@pytest.mark.parametrize(
    ("payers", "payees", "expected"),
    [(10, 2, 10), (2, 10, 10), (12, 1, 12), (1, 15, 15), (9, 1, None), (2, 9, None), (10, 3, None), (3, 10, None)],
)
def test_money_of_many_goes_to_few_or_the_reverse(payers, payees, expected):
    assert measured("SCATTERED_IN_CONCENTRATED_OUT", account(payers, payees)) == expected


@pytest.mark.parametrize(
    ("received_fen", "paid_fen", "expected"),
    [
        (200 * WAN, 160 * WAN, True),
        (200 * WAN, 160 * WAN - 1, False),
        (200 * WAN - 1, 200 * WAN, False),
        (300 * WAN, 900 * WAN, True),
    ],
)
def test_scattered_money_counts_when_it_is_much_and_most_of_it_passed_on(received_fen, paid_fen, expected):
    assert hits("SCATTERED_IN_CONCENTRATED_OUT", account(10, 1, received_fen, paid_fen)) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (TODAY - timedelta(days=4), True),
        (TODAY - timedelta(days=5), False),
        (TODAY + timedelta(days=1), False),
    ],
)
def test_scattered_money_counts_for_five_days_today_included(day, expected):
    assert hits("SCATTERED_IN_CONCENTRATED_OUT", account(10, 1, day=day)) is expected


def test_an_account_that_only_pays_is_not_scattered():
    paid = tuple(MoneyFlow(SELLER.uscc, f"out-{at}", 300 * WAN, TODAY) for at in range(20))
    assert not hits("SCATTERED_IN_CONCENTRATED_OUT", replace(HONEST, account_flows=paid), least_fen=1)


def test_money_between_others_is_not_the_applicants():
    flows = tuple(MoneyFlow(f"in-{at}", "another", 300 * WAN, TODAY) for at in range(20))
    flows += (MoneyFlow("another", "out", 6_000 * WAN, TODAY),)
    assert not hits("SCATTERED_IN_CONCENTRATED_OUT", replace(HONEST, account_flows=flows))


# 2 Just under a threshold


def just_under(amount_fen, *before, **overrides):
    facts = replace(applied(amount_fen=amount_fen), history=past(*before))
    return measured("JUST_UNDER_THRESHOLD", facts, **overrides)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("amount_fen", "expected"),
    [
        (196 * WAN, 3),
        (196 * WAN - 1, None),
        (200 * WAN - 1, 3),
        (200 * WAN, None),
    ],
)
def test_the_third_amount_just_under_the_large_value_line_hits(amount_fen, expected):
    assert just_under(amount_fen, (HOUR, 196 * WAN), (2 * HOUR, 200 * WAN - 1)) == expected


@pytest.mark.parametrize(("amount_fen", "expected"), [(490 * WAN, 3), (490 * WAN - 1, None), (500 * WAN, None)])
def test_the_third_amount_just_under_the_line_of_large_amounts_hits(amount_fen, expected):
    assert just_under(amount_fen, (HOUR, 490 * WAN), (2 * HOUR, 500 * WAN - 1)) == expected


def test_two_amounts_just_under_a_line_do_not_hit():
    assert just_under(199 * WAN, (HOUR, 199 * WAN)) is None


@pytest.mark.parametrize("other", [196 * WAN - 1, 200 * WAN, 499 * WAN])
def test_amounts_elsewhere_do_not_count_as_just_under(other):
    assert just_under(199 * WAN, (HOUR, 199 * WAN), (2 * HOUR, other)) is None


def test_past_amounts_just_under_a_line_are_not_held_against_another_amount():
    assert just_under(100 * WAN, *[(HOUR, 199 * WAN)] * 5) is None


@pytest.mark.parametrize(
    ("ago", "expected"), [(timedelta(days=30) - TICK, 3), (timedelta(days=30), None), (-TICK, None), (0 * TICK, 3)]
)
def test_amounts_just_under_a_line_count_for_thirty_days(ago, expected):
    assert just_under(199 * WAN, (HOUR, 199 * WAN), (ago, 199 * WAN)) == expected


def test_a_tenants_own_line_of_large_amounts_moves_what_is_just_under():
    rules = configure({"LARGE_AMOUNT": {"threshold": 100 * WAN, "enabled": False}}, only("JUST_UNDER_THRESHOLD"))
    facts = replace(applied(amount_fen=99 * WAN), history=past((HOUR, 99 * WAN), (HOUR, 99 * WAN)))
    assert [finding.measured for finding in assess(facts, rules).findings] == [3]


def test_the_margin_can_be_set():
    assert just_under(180 * WAN, (HOUR, 180 * WAN), (HOUR, 180 * WAN), margin_percent=10) == 3


# 3 Unrelated counterparties


def dealing(*industries, day=TODAY, **overrides):
    flows = tuple(MoneyFlow(f"c-{at}", SELLER.uscc, 1, day) for at in range(len(industries)))
    known = {f"c-{at}": industry for at, industry in enumerate(industries) if industry}
    facts = replace(HONEST, account_flows=flows, industries={**known, BUYER.uscc: "steel"})
    return measured("UNRELATED_COUNTERPARTIES", facts, **overrides)


@pytest.mark.parametrize(
    ("industries", "expected"),
    [
        (("toys", "toys", "games"), 3),
        (("toys", "games", "steel"), None),
        (("toys", "games", ""), None),
    ],
)
def test_three_counterparties_of_foreign_industries_hit(industries, expected):
    assert dealing(*industries) == expected


@pytest.mark.parametrize(("day", "expected"), [(TODAY - timedelta(days=89), 3), (TODAY - timedelta(days=90), None)])
def test_counterparties_count_for_ninety_days(day, expected):
    assert dealing("toys", "toys", "toys", day=day) == expected


def test_the_applicant_itself_is_no_counterparty():
    facts = replace(HONEST, industries={SELLER.uscc: "toys"})
    assert not hits("UNRELATED_COUNTERPARTIES", facts, threshold=1)


def test_the_orders_buyer_and_the_trades_money_count_without_any_account_flows():
    flows = (MoneyFlow("payer", SELLER.uscc, 1, TODAY), MoneyFlow(SELLER.uscc, "payee", 1, TODAY))
    industries = dict.fromkeys((BUYER.uscc, "payer", "payee"), "toys")
    facts = replace(traded(money_flows=flows), account_flows=None, industries=industries)
    assert measured("UNRELATED_COUNTERPARTIES", facts) == 3


def test_the_trades_money_counts_beside_account_flows():
    facts = traded(money_flows=(MoneyFlow("payer", SELLER.uscc, 1, TODAY),))
    facts = replace(facts, industries=dict.fromkeys((BUYER.uscc, "payer", "payee"), "toys"))
    facts = replace(facts, account_flows=(MoneyFlow(SELLER.uscc, "payee", 1, TODAY),))
    assert measured("UNRELATED_COUNTERPARTIES", facts) == 3


# 4 Dormant, then active


def dormant(*before, amount_fen=100 * WAN):
    return measured("DORMANT_ACTIVE", replace(applied(amount_fen=amount_fen), history=past(*before)))


DAYS = timedelta(days=1)


@pytest.mark.parametrize(
    ("silent", "expected"), [(180 * DAYS, 180), (180 * DAYS - TICK, None), (200 * DAYS, 200), (20 * DAYS, None)]
)
def test_a_company_that_was_silent_for_half_a_year_hits(silent, expected):
    assert dormant((silent, WAN)) == expected


@pytest.mark.parametrize(("amount_fen", "expected"), [(100 * WAN, 200), (100 * WAN - 1, None)])
def test_a_small_amount_after_a_silence_does_not_hit(amount_fen, expected):
    assert dormant((200 * DAYS, 500 * WAN), amount_fen=amount_fen) == expected


@pytest.mark.parametrize(("ago", "expected"), [(7 * DAYS - TICK, 193), (7 * DAYS, None)])
def test_a_silence_that_ended_within_seven_days_counts_with_all_that_followed(ago, expected):
    assert dormant((200 * DAYS, 500 * WAN), (ago, 60 * WAN), amount_fen=40 * WAN) == expected


def test_the_order_in_which_the_history_is_told_does_not_matter():
    assert dormant((HOUR, 40 * WAN), (300 * DAYS, WAN), (2 * HOUR, 20 * WAN), amount_fen=40 * WAN) == 299


def test_a_company_without_history_was_never_dormant():
    assert dormant(amount_fen=900 * WAN) is None


def test_discounts_after_now_are_no_history():
    assert dormant((200 * DAYS, WAN), (-TICK, 900 * WAN), amount_fen=99 * WAN) is None


def test_a_discount_at_this_very_instant_is_history():
    assert dormant((200 * DAYS, WAN), (0 * DAYS, 60 * WAN), amount_fen=40 * WAN) == 200


# 5 to 7 Access


def accessed(*events):
    return replace(HONEST, accesses=tuple(AccessEvent(NOW - ago, *more) for ago, *more in events))


@pytest.mark.parametrize(("count", "expected"), [(200, 200), (199, None)])
@pytest.mark.parametrize("same", ["ip", "device"])
def test_two_hundred_requests_from_one_address_or_device_within_ten_minutes_hit(same, count, expected):
    events = [(HOUR * 0, f"ip-{at}", "device", "福建") for at in range(count)]
    if same == "ip":
        events = [(ago, "ip", f"device-{at}", region) for at, (ago, _, _, region) in enumerate(events)]
    assert measured("ACCESS_FREQUENCY", accessed(*events)) == expected


def test_addresses_and_devices_that_are_not_known_do_not_count_together():
    assert not hits("ACCESS_FREQUENCY", accessed((HOUR * 0, "", "", "")), threshold=1)


def test_an_address_that_is_written_like_a_device_is_another_source():
    assert not hits("ACCESS_FREQUENCY", accessed((HOUR * 0, "same", "same", "")), threshold=2)


MINUTES = timedelta(minutes=1)
EDGES = [(10 * MINUTES - TICK, True), (10 * MINUTES, False), (-TICK, False)]


@pytest.mark.parametrize(("ago", "expected"), EDGES)
def test_requests_count_for_ten_minutes(ago, expected):
    assert hits("ACCESS_FREQUENCY", accessed((ago, "ip", "device", "")), threshold=1) is expected


@pytest.mark.parametrize(("count", "expected"), [(10, 10), (9, None)])
def test_ten_failed_logins_hit(count, expected):
    assert measured("LOGIN_BURST", replace(HONEST, failed_logins=(NOW,) * count)) == expected


@pytest.mark.parametrize(("ago", "expected"), EDGES)
def test_failed_logins_count_for_ten_minutes(ago, expected):
    assert hits("LOGIN_BURST", replace(HONEST, failed_logins=(NOW - ago,)), threshold=1) is expected


@pytest.mark.parametrize(
    ("named", "expected"),
    [(("福建", "上海", "四川"), 3), (("福建", "上海", "福建"), None), (("福建", "上海", ""), None)],
)
def test_three_regions_within_an_hour_hit(named, expected):
    assert measured("CROSS_REGION", accessed(*[(HOUR * 0, "ip", "device", region) for region in named])) == expected


@pytest.mark.parametrize(("ago", "expected"), [(HOUR - TICK, True), (HOUR, False), (-TICK, False)])
def test_regions_count_for_an_hour(ago, expected):
    assert hits("CROSS_REGION", accessed((ago, "ip", "device", "福建")), threshold=1) is expected


# 8 Money from another


def test_money_from_another_than_the_buyer_hits():
    flows = tuple(MoneyFlow(payer, SELLER.uscc, 1, TODAY) for payer in (BUYER.uscc, "x", "x", DRAWER.uscc))
    assert measured("MONEY_FROM_ANOTHER", traded(money_flows=flows)) == 2


def test_money_from_the_buyer_or_to_another_does_not_hit():
    flows = (MoneyFlow(BUYER.uscc, SELLER.uscc, 1, TODAY), MoneyFlow(SELLER.uscc, "x", 1, TODAY))
    assert not hits("MONEY_FROM_ANOTHER", traded(money_flows=flows))


# 9 and 10 Endorsements


def chain(*days):
    hands = [PAYEE, *(Party("示例", f"H{at}", "A") for at in range(len(days) - 1)), SELLER]
    return billed(
        endorsements=tuple(Endorsement(*pair, day) for *pair, day in zip(hands, hands[1:], days, strict=False))
    )


@pytest.mark.parametrize(("count", "expected"), [(21, 21), (20, None)])
def test_twenty_one_endorsements_hit(count, expected):
    assert measured("ENDORSEMENT_COUNT", chain(*[date(2026, 3, 2)] * count)) == expected


@pytest.mark.parametrize(("days", "expected"), [(183, True), (184, False), (-1, False)])
def test_endorsements_count_for_the_life_of_a_bill(days, expected):
    assert hits("ENDORSEMENT_COUNT", chain(TODAY - days * DAYS), threshold=1) is expected


def test_endorsements_can_be_counted_within_fewer_days():
    facts = chain(date(2026, 4, 12), date(2026, 4, 13), date(2026, 4, 14), date(2026, 4, 14))
    assert measured("ENDORSEMENT_COUNT", facts, window=3, threshold=3) == 3


def test_a_bill_that_came_back_hits_once_for_each_company():
    hands = [PAYEE, BUYER, PAYEE, DRAWER, BUYER, SELLER]
    entries = tuple(Endorsement(*pair, date(2026, 3, 2)) for pair in pairwise(hands))
    assert measured("BACK_ENDORSEMENT", billed(endorsements=entries)) == 3


@pytest.mark.parametrize(
    ("day", "expected"), [(TODAY, 0), (TODAY + DAYS, -1), (TODAY - DAYS, None), (TODAY - 9 * DAYS, None)]
)
def test_a_bill_received_today_hits(day, expected):
    assert measured("QUICK_RESALE", chain(date(2026, 3, 2), day)) == expected


def test_the_days_before_a_resale_can_be_more():
    facts = chain(TODAY - 2 * DAYS)
    assert (measured("QUICK_RESALE", facts, threshold=3), measured("QUICK_RESALE", facts, threshold=2)) == (2, None)


def test_a_payee_does_not_resell():
    assert not hits("QUICK_RESALE", billed(endorsements=(), issue_date=TODAY))


def test_the_day_is_that_of_shanghai():
    facts = replace(chain(TODAY), now=datetime(2026, 4, 15, 16, tzinfo=UTC))
    assert not hits("QUICK_RESALE", facts)


# 11 to 16 Packages, companies, acceptors, documents


@pytest.mark.parametrize(
    ("slices", "companies", "expected"), [(50, 10, 50), (49, 10, None), (50, 9, None), (70, 12, 70)]
)
def test_a_package_in_many_slices_of_many_companies_hits(slices, companies, expected):
    facts = replace(HONEST, package_slices=slices, package_companies=companies)
    assert measured("PACKAGE_SLICED", facts) == expected


NEW = TODAY - 364 * DAYS


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"shared_address_count": 10}, 2),
        ({"shared_address_count": 9}, None),
        ({"capital_fen": 22 * WAN}, 2),
        ({"capital_fen": 22 * WAN + 1}, None),
        ({"capital_fen": 0, "shared_address_count": 50}, 3),
        ({"shared_address_count": None, "capital_fen": 1}, 2),
        ({"capital_fen": None, "shared_address_count": 10}, 2),
        ({}, None),
    ],
)
def test_a_new_company_with_another_sign_of_a_shell_hits(changes, expected):
    assert measured("NEW_COMPANY_VOLUME", profiled(registered_on=NEW, **changes)) == expected


@pytest.mark.parametrize(("day", "expected"), [(NEW, True), (NEW - DAYS, False)])
def test_a_company_is_new_for_a_year(day, expected):
    facts = profiled(registered_on=day, shared_address_count=50, capital_fen=1)
    assert hits("NEW_COMPANY_VOLUME", facts) is expected


def test_a_new_company_of_which_neither_address_nor_capital_is_known_is_not_evaluated():
    assert not_evaluated("NEW_COMPANY_VOLUME", profiled(registered_on=NEW, capital_fen=None, shared_address_count=None))


def grouped(*parties, **changes):
    return replace(billed(**changes), groups=dict.fromkeys([party.uscc for party in parties], "g-1"))


@pytest.mark.parametrize(
    ("parties", "expected"),
    [
        ((SELLER, DRAWER, BUYER), 2),
        ((SELLER, DRAWER, PAYEE, BUYER), 3),
        ((SELLER, DRAWER), None),
        ((SELLER, BUYER), None),
        ((SELLER, PAYEE, BUYER), None),
        ((DRAWER, BUYER), None),
    ],
)
def test_drawer_and_prior_hand_of_the_applicants_group_hit(parties, expected):
    assert measured("RELATED_PARTIES", grouped(*parties)) == expected


def test_companies_of_another_group_than_the_applicant_do_not_hit():
    facts = replace(HONEST, groups={SELLER.uscc: "g-1", DRAWER.uscc: "g-2", BUYER.uscc: "g-2"})
    assert not hits("RELATED_PARTIES", facts)


def test_a_drawer_of_the_applicants_group_that_gave_it_the_bill_hits():
    assert measured("RELATED_PARTIES", grouped(SELLER, DRAWER, endorsements=(), payee=SELLER)) == 1


def test_the_applicant_does_not_count_as_related_to_itself():
    assert not hits("RELATED_PARTIES", grouped(SELLER, endorsements=(), payee=SELLER, drawer=SELLER))


def volume(*before, turnover_fen):
    facts = replace(profiled(declared_turnover_fen=turnover_fen), history=past(*before))
    return measured("VOLUME_ABOVE_TURNOVER", facts)


@pytest.mark.parametrize(
    ("turnover_fen", "expected"), [(250 * WAN, 120), (250 * WAN + 1, None), (100 * WAN, 300), (0, 30_000 * WAN)]
)
def test_a_volume_of_a_fifth_more_than_the_turnover_hits(turnover_fen, expected):
    assert volume((HOUR, 200 * WAN), turnover_fen=turnover_fen) == expected


def test_the_share_of_the_turnover_is_whole_percent_rounded_down():
    found = volume((HOUR, 200 * WAN), turnover_fen=249 * WAN)
    assert (found, type(found)) == (120, int)


@pytest.mark.parametrize(("ago", "expected"), [(365 * DAYS - TICK, 120), (365 * DAYS, None)])
def test_the_volume_is_that_of_a_year(ago, expected):
    assert volume((ago, 200 * WAN), turnover_fen=250 * WAN) == expected


def concentrated(same, other, *, each_fen=400 * WAN, ago=HOUR):
    history = past(*[(ago, each_fen, BANK)] * same, *[(ago, each_fen, OTHER_BANK)] * other)
    return measured("ACCEPTOR_CONCENTRATION", replace(applied(amount_fen=each_fen), history=history))


@pytest.mark.parametrize(
    ("same", "other", "expected"), [(26, 3, 90), (25, 4, None), (29, 0, 100), (28, 0, None), (26, 2, None), (30, 3, 91)]
)
def test_nine_tenths_of_thirty_discounts_with_one_acceptor_hit(same, other, expected):
    assert concentrated(same, other) == expected


@pytest.mark.parametrize(("each_fen", "expected"), [(10_000 * WAN // 40, 100), (10_000 * WAN // 40 - 1, None)])
def test_a_small_volume_is_not_concentrated(each_fen, expected):
    assert concentrated(39, 0, each_fen=each_fen) == expected


@pytest.mark.parametrize(("ago", "expected"), [(90 * DAYS - TICK, 100), (90 * DAYS, None)])
def test_concentration_is_that_of_ninety_days(ago, expected):
    assert concentrated(40, 0, ago=ago) == expected


@pytest.mark.parametrize(
    ("claimed_fen", "expected"), [(150 * WAN, None), (150 * WAN + 1, 101), (300 * WAN, 200), (100 * WAN, None)]
)
@pytest.mark.parametrize("document", ["claimed_fen", "order_claimed_fen"])
def test_an_order_that_is_discounted_beyond_its_amount_hits(document, claimed_fen, expected):
    assert measured("SAME_TRADE_DOCUMENT", traded(**{document: claimed_fen})) == expected


def test_the_document_on_which_more_is_discounted_counts():
    for one, other in ((200, 300), (300, 200)):
        facts = traded(claimed_fen=one * WAN, order_claimed_fen=other * WAN)
        assert measured("SAME_TRADE_DOCUMENT", facts) == 200


@pytest.mark.parametrize(("claimed_fen", "expected"), [(100 * WAN, None), (100 * WAN + 1, 67)])
def test_a_document_behind_one_bill_alone_does_not_hit_however_strict_the_rule(claimed_fen, expected):
    assert measured("SAME_TRADE_DOCUMENT", traded(claimed_fen=claimed_fen), threshold=1) == expected


def test_an_order_of_nothing_is_discounted_beyond_its_amount():
    facts = traded(order=replace(ORDER, amount_fen=0), claimed_fen=100 * WAN + 1)
    assert measured("SAME_TRADE_DOCUMENT", facts) == 100 * (100 * WAN + 1)


# 17 to 20, and the bill's own quality


@pytest.mark.parametrize(
    ("rule_id", "facts"),
    [
        ("DUPLICATE_APPLICATION", replace(HONEST, overlapping_applications=1)),
        ("ACCEPTOR_OVERDUE", replace(HONEST, overdue_acceptors=frozenset({BANK}))),
        ("PAYEE_NOT_VERIFIED", replace(HONEST, payee_verified=False)),
        ("OUT_OF_HOURS", replace(HONEST, within_hours=False)),
        ("NEW_ACCEPTOR_CLASS", billed(acceptor_class="other")),
    ],
)
def test_a_rule_that_asks_only_whether_hits(rule_id, facts):
    assert (measured(rule_id, facts), measured(rule_id, HONEST)) == (1, None)


@pytest.mark.parametrize(("amount_fen", "expected"), [(500 * WAN, 500 * WAN), (500 * WAN - 1, None)])
def test_a_large_amount_hits(amount_fen, expected):
    assert measured("LARGE_AMOUNT", applied(amount_fen=amount_fen)) == expected


# What may be told

QUALITY = {
    "ENDORSEMENT_COUNT": "REVIEW_ENDORSEMENTS",
    "BACK_ENDORSEMENT": "REVIEW_BACK_ENDORSEMENT",
    "QUICK_RESALE": "REVIEW_QUICK_RESALE",
    "NEW_ACCEPTOR_CLASS": "REVIEW_NEW_ACCEPTOR",
    "LARGE_AMOUNT": "REVIEW_LARGE_AMOUNT",
}


def finding(rule_id, action):
    return Finding(rule_id, action, Severity.HIGH, "why", 1, 1)


@pytest.mark.parametrize("rule_id", [*ALL, "ADDED_LATER"])
def test_a_doubt_is_told_in_neutral_words_unless_it_is_about_the_bill_itself(rule_id):
    assert outside_reason(finding(rule_id, Action.REVIEW)) == QUALITY.get(rule_id, "REVIEW_REQUIRED")


@pytest.mark.parametrize("rule_id", ALL)
def test_a_refusal_never_tells_why(rule_id):
    assert outside_reason(finding(rule_id, Action.REJECT)) == "PARTY_REFUSED"


@pytest.mark.parametrize("rule_id", ALL)
def test_what_is_only_recorded_is_not_told(rule_id):
    assert outside_reason(finding(rule_id, Action.PASS)) is None


@given(st.sampled_from(ALL), st.sampled_from(Action), st.sampled_from(Severity), st.integers(), st.integers())
def test_no_pattern_of_laundering_or_fraud_can_be_read_from_what_is_told(rule_id, action, severity, value, threshold):
    rule = DEFAULT_RULES[rule_id]
    told = outside_reason(Finding(rule_id, action, severity, rule.title, value, threshold))
    if rule_id not in QUALITY:
        assert told in {"REVIEW_REQUIRED", "PARTY_REFUSED", None}
    secrets = {*ALL, rule.title, *map(str, range(1, 21))} - set(QUALITY)
    assert told is None or not any(secret in told for secret in secrets)


def test_only_the_bills_own_quality_has_words_of_its_own():
    assert {name: rule.outside for name, rule in DEFAULT_RULES.items() if rule.outside != "REVIEW_REQUIRED"} == QUALITY
