"""How the operator is asked, as operations configure it."""

from datetime import timedelta

import pytest

from rongtong.domain.confirmation import Factor
from rongtong.domain.confirmation_rules import (
    ConfirmationByPlatformError,
    ConfirmationRules,
    ConfirmationRulesError,
    SealedRequiredError,
)
from rongtong.domain.policy import Policy

DEFAULT = ConfirmationRules()


def test_more_money_takes_more_factors_and_a_longer_code():
    at = [DEFAULT.payment_password_from_fen - 1, DEFAULT.payment_password_from_fen, DEFAULT.long_code_from_fen]
    assert [len(DEFAULT.factors(fen)) for fen in at] == [2, 3, 3]
    assert [DEFAULT.code_digits(fen) for fen in at] == [6, 6, 8]
    assert DEFAULT.factors(1) == (Factor.PASSWORD, Factor.OTP)


def test_the_partner_s_word_counts_unless_the_platform_asks_itself():
    DEFAULT.require_partner_asserts(field="confirmation")
    with pytest.raises(ConfirmationByPlatformError) as refused:
        ConfirmationRules(by_platform=True).require_partner_asserts(field="confirmation")
    assert refused.value.field == "confirmation"


def test_readable_secrets_are_taken_unless_only_sealed_ones_are():
    DEFAULT.require_readable_allowed(field="sealed")
    with pytest.raises(SealedRequiredError) as refused:
        ConfirmationRules(sealed_only=True).require_readable_allowed(field="sealed")
    assert refused.value.field == "sealed"


@pytest.mark.parametrize(
    ("platform", "tenant", "sealed_only"),
    [(True, False, True), (False, True, True), (True, None, True), (False, None, False), (False, False, False)],
)
def test_a_tenant_asks_for_sealed_secrets_and_never_does_without(platform, tenant, sealed_only):
    base = Policy.parse({"confirmation": {"sealed_only": platform}})
    own = {} if tenant is None else {"confirmation": {"sealed_only": tenant}}
    assert Policy.parse(own, base).confirmation.sealed_only is sealed_only


def test_a_policy_names_what_it_changes():
    document = {"confirmation": {"by_platform": True, "code_life_s": 240, "origins": ["https://pay.example.cn:8443"]}}
    rules = Policy.parse(document).confirmation
    assert (rules.by_platform, rules.code_life(), rules.payment_password_from_fen) == (
        True,
        timedelta(minutes=4),
        DEFAULT.payment_password_from_fen,
    )
    assert rules.origins == {"https://pay.example.cn:8443"}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([], "confirmation"),
        ({"by": "partner"}, "confirmation.by"),
        ({"by_platform": "yes"}, "confirmation.by_platform"),
        ({"sealed_only": 1}, "confirmation.sealed_only"),
        ({"code_life_s": 301}, "confirmation.code_life_s"),
        ({"code_life_s": 59}, "confirmation.code_life_s"),
        ({"code_life_s": True}, "confirmation.code_life_s"),
        ({"login_age_s": 3601}, "confirmation.login_age_s"),
        ({"payment_password_from_fen": -1}, "confirmation.payment_password_from_fen"),
        ({"long_code_from_fen": 1.5}, "confirmation.long_code_from_fen"),
        ({"origins": "https://pay.example.cn"}, "confirmation.origins"),
        ({"origins": ["http://pay.example.cn"]}, "confirmation.origins"),
        ({"origins": ["https://pay.example.cn/"]}, "confirmation.origins"),
        ({"origins": ["https://*.example.cn"]}, "confirmation.origins"),
        ({"origins": ["https://pay.example.cn"] * 21}, "confirmation.origins"),
        ({"origins": ["null"]}, "confirmation.origins"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_name(content, field):
    with pytest.raises(ConfirmationRulesError) as refused:
        Policy.parse({"confirmation": content})
    assert refused.value.field == field


def test_a_tenant_makes_the_platform_s_rules_stricter_and_never_laxer():
    platform = Policy.parse({"confirmation": {"by_platform": True, "code_life_s": 120, "login_age_s": 300}})
    tenant = {"by_platform": False, "code_life_s": 300, "login_age_s": 60, "payment_password_from_fen": 1}
    rules = Policy.parse({"confirmation": tenant}, platform).confirmation
    assert (rules.by_platform, rules.code_life_s, rules.login_age_s, rules.payment_password_from_fen) == (
        True,
        120,
        60,
        1,
    )
