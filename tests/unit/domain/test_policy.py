"""What operations configure: every part as it is read, what is refused, and a tenant's policy on the platform's.

The readers are made when the module is loaded, so those tests that are about them load it anew.
"""

from datetime import time

import pytest

from builders import BANK, loaded_anew
from rongtong.domain import policy as policy_module
from rongtong.domain.calendar import ServiceHours
from rongtong.domain.errors import CalendarError, IdentityError, InvalidInputError
from rongtong.domain.policy import Policy, PolicyError
from rongtong.domain.risk_rules import DEFAULT_RULES, RiskRuleError
from rongtong.domain.trade import Basis, EvidenceRequirement, TradeEvidenceError, parse_requirements

OTHER_BANK, ODD_BANK = "105100000017", "102100099990"
"""The second one's check digit is wrong."""


def refusal(document, error=None, base=None):
    module = loaded_anew(policy_module)
    with pytest.raises(error or module.PolicyError) as refused:
        module.Policy.parse(document, base)
    return refused.value.code, refused.value.field, refused.value.message


def test_a_policy_that_says_nothing_keeps_every_default():
    policy = Policy.parse({})
    assert policy == Policy()
    assert policy.hours == ServiceHours(time(9, 0), time(17, 0))
    assert (policy.tenor_months, policy.strict_check_newgen, policy.quote_minutes) == (6, True, 30)
    assert policy.check_kind_digit is True
    assert (policy.bank_directory, policy.blocked_acceptors, policy.overdue_acceptors) == (frozenset(),) * 3
    assert (policy.evidence, policy.rules) == (parse_requirements({}), DEFAULT_RULES)


@pytest.mark.parametrize(
    ("document", "changed"),
    [
        (
            {"service_hours": {"opens": "10:00", "closes": "16:30"}},
            {"hours": ServiceHours(time(10, 0), time(16, 30))},
        ),
        ({"tenor_months": 1}, {"tenor_months": 1}),
        ({"tenor_months": 6}, {"tenor_months": 6}),
        ({"quote_minutes": 1}, {"quote_minutes": 1}),
        ({"quote_minutes": 480}, {"quote_minutes": 480}),
        ({"strict_check_newgen": False}, {"strict_check_newgen": False}),
        ({"check_kind_digit": False}, {"check_kind_digit": False}),
        ({"bank_directory": [ODD_BANK]}, {"bank_directory": frozenset({ODD_BANK})}),
        ({"blocked_acceptors": []}, {}),
        ({"blocked_acceptors": [BANK, OTHER_BANK]}, {"blocked_acceptors": frozenset({BANK, OTHER_BANK})}),
        ({"overdue_acceptors": [BANK]}, {"overdue_acceptors": frozenset({BANK})}),
    ],
)
def test_each_part_is_read_and_leaves_the_others_as_they_are(document, changed):
    module = loaded_anew(policy_module)
    assert module.Policy.parse(document) == module.Policy(**changed)


def test_evidence_and_risk_rules_are_read_by_their_own_modules():
    policy = Policy.parse({"evidence": {"commercial": ["invoice"]}, "risk_rules": {"LARGE_AMOUNT": {"threshold": 7}}})
    assert policy.evidence["commercial"] == EvidenceRequirement(frozenset({Basis.INVOICE}))
    assert policy.rules["LARGE_AMOUNT"].threshold == 7
    assert policy.rules["QUICK_RESALE"] == DEFAULT_RULES["QUICK_RESALE"]


def test_a_tenant_differs_from_the_platform_only_where_it_says_so():
    platform = Policy.parse({"quote_minutes": 10, "risk_rules": {"LARGE_AMOUNT": {"threshold": 7}}})
    tenant = Policy.parse({"tenor_months": 3, "risk_rules": {"QUICK_RESALE": {"enabled": False}}}, platform)
    assert (tenant.quote_minutes, tenant.tenor_months, platform.tenor_months) == (10, 3, 6)
    assert (tenant.rules["LARGE_AMOUNT"].threshold, tenant.rules["QUICK_RESALE"].enabled) == (7, False)


def test_who_made_a_stored_policy_so_may_stand_beside_it():
    signed = {"version": 2, "proposed_by": "maker", "approved_by": "checker", "approved_at": "2026-04-15T02:00:00Z"}
    assert Policy.parse({**signed, "tenor_months": 3}) == Policy(tenor_months=3)


def test_a_part_that_no_policy_has_is_refused_with_all_that_there_are():
    code, field, message = refusal({"zeal": 1, "tenor": 3})
    assert (code, field) == ("POLICY", "tenor")
    assert message == (
        "A policy has no tenor; it has bank_directory, blocked_acceptors, check_kind_digit, complaint_days, "
        "confirmation, disclosures_per_day, evidence, monthly_review, overdue_acceptors, package_ceiling_fen, "
        "package_splits, prequalification, quote_minutes, retention_years, risk_rules, service_hours, "
        "strict_check_newgen, tenor_months."
    )
    assert issubclass(PolicyError, InvalidInputError)


@pytest.mark.parametrize("years", [0, 9, 31, "10", True, 10.0])
def test_personal_data_is_kept_ten_years_at_least_whatever_is_configured(years):
    code, field, _ = refusal({"retention_years": years})
    assert (code, field) == ("POLICY", "retention_years")
    assert Policy().retention_years == 10


def test_a_tenant_neither_shortens_nor_lengthens_the_time_of_keeping_and_shows_no_more_in_a_day():
    base = Policy(retention_years=12, disclosures_per_day=5)
    tenant = Policy.parse({"retention_years": 10, "disclosures_per_day": 50}, base)
    assert (tenant.retention_years, tenant.disclosures_per_day) == (12, 5)
    assert Policy.parse({"retention_years": 30, "disclosures_per_day": 2}, base).disclosures_per_day == 2


@pytest.mark.parametrize(("name", "most"), [("tenor_months", 6), ("quote_minutes", 480)])
@pytest.mark.parametrize("value", [0, -1, "over", True, "6", 6.0, None])
def test_months_and_minutes_are_whole_numbers_within_bounds(name, most, value):
    found = refusal({name: most + 1 if value == "over" else value})
    assert found == ("POLICY", name, f"{name} is a whole number from 1 to {most}.")


@pytest.mark.parametrize("name", ["strict_check_newgen", "check_kind_digit"])
@pytest.mark.parametrize("value", [0, 1, "true", None])
def test_a_switch_is_true_or_false(name, value):
    assert refusal({name: value}) == ("POLICY", name, f"{name} is true or false.")


@pytest.mark.parametrize("name", ["bank_directory", "blocked_acceptors", "overdue_acceptors"])
@pytest.mark.parametrize("value", [BANK, {BANK: 1}, [BANK, 5], None])
def test_bank_codes_come_as_a_list_of_strings(name, value):
    assert refusal({name: value}) == ("POLICY", name, f"{name} is a list of bank codes.")


@pytest.mark.parametrize("name", ["blocked_acceptors", "overdue_acceptors"])
def test_a_bank_code_with_a_wrong_check_digit_is_refused_by_its_place(name):
    assert refusal({name: [BANK, ODD_BANK]}, IdentityError)[:2] == ("BANK_CODE_INVALID", f"{name}.1")


@pytest.mark.parametrize("name", ["blocked_acceptors", "overdue_acceptors"])
def test_the_bank_directory_excuses_a_check_digit_wherever_it_stands(name):
    module = loaded_anew(policy_module)
    base = module.Policy(bank_directory=frozenset({ODD_BANK}))
    excused = module.Policy(**{name: frozenset({ODD_BANK}), "bank_directory": frozenset({ODD_BANK})})
    assert module.Policy.parse({name: [ODD_BANK], "bank_directory": [ODD_BANK]}) == excused
    assert module.Policy.parse({name: [ODD_BANK]}, base) == excused


@pytest.mark.parametrize(
    ("document", "error", "field"),
    [
        ({"service_hours": {"opens": "17:00", "closes": "09:00"}}, CalendarError, "service_hours"),
        ({"evidence": {"loan": []}}, TradeEvidenceError, "evidence.loan"),
        ({"risk_rules": {"NO_SUCH": {}}}, RiskRuleError, "risk_rules.NO_SUCH"),
    ],
)
def test_what_other_modules_read_they_refuse_under_their_own_names(document, error, field):
    assert refusal(document, error)[1] == field


# A tenant's policy


@pytest.mark.parametrize("name", ["blocked_acceptors", "overdue_acceptors"])
def test_a_tenant_bars_acceptors_beside_those_of_the_platform(name):
    base = Policy(**{name: frozenset({BANK})})
    assert Policy.parse({name: [OTHER_BANK]}, base) == Policy(**{name: frozenset({BANK, OTHER_BANK})})
    assert Policy.parse({name: []}, base) == base


@pytest.mark.parametrize("codes", [[], [BANK]])
def test_a_tenant_has_no_bank_directory_of_its_own(codes):
    base = Policy(bank_directory=frozenset({ODD_BANK}))
    assert Policy.parse({"bank_directory": codes}, base) == base


def test_the_platforms_bank_directory_holds_for_every_tenant():
    base = Policy(bank_directory=frozenset({ODD_BANK}))
    assert Policy.parse({"quote_minutes": 10}, base) == Policy(bank_directory=frozenset({ODD_BANK}), quote_minutes=10)


@pytest.mark.parametrize("months", [1, 4])
def test_a_tenants_bills_may_run_as_long_as_the_platforms(months):
    assert Policy.parse({"tenor_months": months}, Policy(tenor_months=4)).tenor_months == months


def test_a_tenants_bills_run_no_longer_than_the_platforms():
    assert Policy.parse({"tenor_months": 5}, Policy(tenor_months=4)).tenor_months == 4


@pytest.mark.parametrize("name", ["strict_check_newgen", "check_kind_digit"])
@pytest.mark.parametrize("value", [True, False])
def test_a_check_that_is_on_for_the_platform_stays_on_for_a_tenant(name, value):
    assert Policy.parse({name: value}, Policy()) == Policy()


@pytest.mark.parametrize("name", ["strict_check_newgen", "check_kind_digit"])
@pytest.mark.parametrize("value", [True, False])
def test_a_check_that_is_off_for_the_platform_is_a_tenants_choice(name, value):
    off = Policy(**{name: False})
    assert Policy.parse({name: value}, off) == Policy(**{name: value})
    assert Policy.parse({}, off) == off


@pytest.mark.parametrize(("name", "most"), [("package_ceiling_fen", 100_000_000_000), ("package_splits", 500)])
def test_a_package_is_no_larger_and_split_no_finer_than_the_registry_lets_it(name, most):
    assert getattr(Policy(), name) == getattr(Policy.parse({name: most}), name) == most
    assert getattr(Policy.parse({name: 7}), name) == 7
    assert refusal({name: most + 1})[:2] == ("POLICY", name)
    assert getattr(Policy.parse({name: 9}, Policy.parse({name: 8})), name) == 8
    assert getattr(Policy.parse({name: 7}, Policy.parse({name: 8})), name) == 7
