"""How operations tune the risk rules: what can be set, for a platform and a tenant, and what cannot."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rongtong.domain.risk_rules import DEFAULT_RULES, Action, RiskRuleError, Severity, Unit, configure

RULE_ACTIONS = {
    "DUPLICATE_APPLICATION": "REJECT",
    "ACCEPTOR_OVERDUE": "REJECT",
    "PAYEE_NOT_VERIFIED": "REJECT",
    "OUT_OF_HOURS": "PASS",
}


def test_rules_ask_for_a_review_unless_the_bill_must_not_be_bought_or_nothing_follows():
    actions = {name: rule.action.value for name, rule in DEFAULT_RULES.items() if rule.action is not Action.REVIEW}
    assert actions == RULE_ACTIONS


def test_nothing_set_changes_nothing():
    assert configure({}) == DEFAULT_RULES


def test_every_part_of_a_rule_can_be_set():
    rules = configure(
        {
            "DORMANT_ACTIVE": {
                "window": 30,
                "threshold": 90,
                "severity": "HIGH",
                "action": "REJECT",
                "enabled": False,
                "least_fen": 7,
            }
        }
    )
    before = DEFAULT_RULES["DORMANT_ACTIVE"]
    assert rules["DORMANT_ACTIVE"] == replace(
        before,
        window=30,
        threshold=90,
        severity=Severity.HIGH,
        action=Action.REJECT,
        enabled=False,
        further={"least_fen": 7},
    )
    assert {name: rule for name, rule in rules.items() if name != "DORMANT_ACTIVE"} == {
        name: rule for name, rule in DEFAULT_RULES.items() if name != "DORMANT_ACTIVE"
    }


def test_a_tenant_sets_only_where_it_differs_from_the_platform():
    platform = configure({"LARGE_AMOUNT": {"threshold": 5}, "LOGIN_BURST": {"threshold": 6}})
    tenant = configure({"LARGE_AMOUNT": {"action": "REJECT"}}, platform)
    assert (tenant["LARGE_AMOUNT"].threshold, tenant["LARGE_AMOUNT"].action) == (5, Action.REJECT)
    assert tenant["LOGIN_BURST"].threshold == 6


def test_other_further_thresholds_stay_when_one_is_set():
    rule = configure({"ACCEPTOR_CONCENTRATION": {"least_discounts": 3}})["ACCEPTOR_CONCENTRATION"]
    assert rule.further == {"least_discounts": 3, "least_fen": 10_000_000_000}


@pytest.mark.parametrize(
    ("rule_id", "longest"), [("DORMANT_ACTIVE", 366), ("CROSS_REGION", 366 * 24), ("LOGIN_BURST", 366 * 24 * 60)]
)
def test_a_window_is_a_year_at_most(rule_id, longest):
    assert configure({rule_id: {"window": longest}})[rule_id].window == longest
    with pytest.raises(RiskRuleError, match=rf"from 1 to {longest}\.$"):
        configure({rule_id: {"window": longest + 1}})


@pytest.mark.parametrize("value", [1, 10**18 - 1])
def test_a_threshold_is_any_whole_number_from_one_on(value):
    assert configure({"LARGE_AMOUNT": {"threshold": value}})["LARGE_AMOUNT"].threshold == value


@pytest.mark.parametrize(
    ("overrides", "field", "says"),
    [
        ([], "risk_rules", "look like"),
        ({"NO_SUCH": {}}, "risk_rules.NO_SUCH", "LARGE_AMOUNT"),
        ({"LARGE_AMOUNT": 5}, "risk_rules.LARGE_AMOUNT", "look like"),
        ({"LARGE_AMOUNT": {"threshold": 0}}, "risk_rules.LARGE_AMOUNT.threshold", "from 1 to 999999999999999999"),
        ({"LARGE_AMOUNT": {"threshold": 10**18}}, "risk_rules.LARGE_AMOUNT.threshold", "whole number"),
        ({"LARGE_AMOUNT": {"threshold": 1.5}}, "risk_rules.LARGE_AMOUNT.threshold", "whole number"),
        ({"LARGE_AMOUNT": {"threshold": True}}, "risk_rules.LARGE_AMOUNT.threshold", "whole number"),
        ({"LARGE_AMOUNT": {"threshold": "5"}}, "risk_rules.LARGE_AMOUNT.threshold", "whole number"),
        ({"LARGE_AMOUNT": {"window": 5}}, "risk_rules.LARGE_AMOUNT.window", "has no 'window'"),
        ({"LARGE_AMOUNT": {"least_fen": 5}}, "risk_rules.LARGE_AMOUNT.least_fen", "has no 'least_fen'"),
        ({"LARGE_AMOUNT": {"outside": "X"}}, "risk_rules.LARGE_AMOUNT.outside", "has no 'outside'"),
        ({"LARGE_AMOUNT": {"action": "reject"}}, "risk_rules.LARGE_AMOUNT.action", "PASS, REVIEW, REJECT"),
        ({"LARGE_AMOUNT": {"severity": "GRAVE"}}, "risk_rules.LARGE_AMOUNT.severity", "LOW, MEDIUM, HIGH"),
        ({"LARGE_AMOUNT": {"severity": ["LOW"]}}, "risk_rules.LARGE_AMOUNT.severity", "LOW, MEDIUM, HIGH"),
        ({"LARGE_AMOUNT": {"enabled": 1}}, "risk_rules.LARGE_AMOUNT.enabled", "true or false"),
        ({"OUT_OF_HOURS": {"threshold": 2}}, "risk_rules.OUT_OF_HOURS.threshold", "has no 'threshold'"),
        ({"LOGIN_BURST": {"window": 0}}, "risk_rules.LOGIN_BURST.window", "whole number"),
        ({"DORMANT_ACTIVE": {"least_fen": 0}}, "risk_rules.DORMANT_ACTIVE.least_fen", "whole number"),
    ],
)
def test_a_rule_that_cannot_be_set_so_names_its_field(overrides, field, says):
    with pytest.raises(RiskRuleError, match=says) as refused:
        configure(overrides)
    assert (refused.value.code, refused.value.field) == ("RISK_RULE", field)


def test_a_rule_without_a_window_looks_at_the_present_only():
    assert DEFAULT_RULES["LARGE_AMOUNT"].span == timedelta(0)
    assert DEFAULT_RULES["CROSS_REGION"].span == timedelta(hours=1)


@pytest.mark.parametrize("rule_id", DEFAULT_RULES)
def test_a_rule_that_asks_only_whether_has_the_threshold_one(rule_id):
    rule = DEFAULT_RULES[rule_id]
    assert rule.unit is not Unit.YES_NO or rule.threshold == 1
