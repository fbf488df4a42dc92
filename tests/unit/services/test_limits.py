"""Limits of every level: refused by name, never exceeded by two at once, given back on every end but the payment."""

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.exposure import LimitExceededError
from rongtong.services.request_discount import accept
from rongtong.services.unwind import unwind

PLAIN = [
    bill
    for bill in sample_bills()
    if bill.expected == "disbursed" and bill.bill and not bill.quote and "deal_amount_fen" not in bill.request["bill"]
]
FIRST = PLAIN[1]
SECOND = next(bill for bill in PLAIN[2:] if bill.holder_uscc == FIRST.holder_uscc)
"""Two bills of one enterprise."""
FEN = FIRST.request["bill"]["amount_fen"], SECOND.request["bill"]["amount_fen"]
BANK = FIRST.request["bill"]["acceptor_bank_code"]


@pytest.fixture
def platform():
    return Platform()


def _limits(platform, limits):
    item = platform.context.store.get("platform", "limits")
    platform.context.store.transact([item.replaced(limits)])


def _same_acceptor(platform, key, bill):
    """A request for the bill as if it were of the first one's acceptor; limits count what is stated."""
    platform.hold(bill)
    command = platform.command(bill, key, acceptor_bank_code=BANK, institution_id=FIRST.request["institution_id"])
    return accept(platform.context, command)[0]["discount_id"]


LEVELS = {
    "bill": {"bill_fen": max(FEN) - 1},
    "enterprise_day": {"enterprise": {"day_fen": sum(FEN) - 1}},
    "enterprise_month": {"enterprise": {"month_fen": sum(FEN) - 1}},
    "enterprise_year": {"enterprise": {"year_fen": sum(FEN) - 1}},
    "acceptor": {"acceptors": {BANK: sum(FEN) - 1}},
    "acceptor_group": {"groups": {"g": {"limit_fen": sum(FEN) - 1, "members": [BANK]}}},
    "platform_day": {"platform_day_fen": sum(FEN) - 1},
}


def _both(platform):
    bills = sorted((FIRST, SECOND), key=lambda bill: bill.request["bill"]["amount_fen"])
    return [_same_acceptor(platform, f"key-{at}", bill) for at, bill in enumerate(bills)]


@pytest.mark.parametrize("level", LEVELS)
def test_one_fen_too_little_refuses_the_second_and_stores_nothing_of_it(platform, level):
    _limits(platform, LEVELS[level])
    with pytest.raises(LimitExceededError) as refused:
        _both(platform)
    assert (refused.value.code, refused.value.field, refused.value.level) == (
        "LIMIT_EXCEEDED",
        "bill.amount_fen",
        level,
    )
    assert len(platform.context.store.states("discount#")) == 1
    assert set(platform.used().values()) == {min(FEN)}


def _one_fen_more(part):
    if isinstance(part, dict):
        return {key: _one_fen_more(value) for key, value in part.items()}
    return sum(FEN) if part == sum(FEN) - 1 else part


@pytest.mark.parametrize("level", sorted(set(LEVELS) - {"bill"}))
def test_a_limit_fills_to_its_last_fen(platform, level):
    _limits(platform, _one_fen_more(LEVELS[level]))
    assert len(_both(platform)) == 2


@pytest.mark.parametrize("level", LEVELS)
def test_no_figures_are_told_but_of_the_rule_for_every_bill(platform, level):
    _limits(platform, LEVELS[level])
    with pytest.raises(LimitExceededError) as refused:
        _both(platform)
    assert any(digit in refused.value.message for digit in "0123456789") == (level == "bill")


@pytest.mark.parametrize("level", sorted(set(LEVELS) - {"bill"}))
def test_two_requests_at_once_never_both_take_the_last_of_a_limit(platform, level):
    _limits(platform, LEVELS[level])
    transact = platform.context.store.transact
    accepted = []

    def other_first(writes):
        platform.context.store.transact = transact
        accepted.append(_same_acceptor(platform, "key-b", SECOND))
        transact(writes)

    platform.context.store.transact = other_first
    with pytest.raises(LimitExceededError) as refused:
        _same_acceptor(platform, "key-a", FIRST)
    assert (refused.value.level, len(accepted)) == (level, 1)
    assert [item.body["discount_id"] for item in platform.context.store.states("discount#")] == accepted


@pytest.mark.parametrize("level", sorted(set(LEVELS) - {"bill"}))
def test_what_ends_unpaid_makes_room_again(platform, level):
    _limits(platform, LEVELS[level])
    first = _same_acceptor(platform, "key-1", FIRST)
    with pytest.raises(LimitExceededError):
        _same_acceptor(platform, "key-2", SECOND)
    unwind(platform.context, first, "OPERATOR", refused=False)
    assert _same_acceptor(platform, "key-2", SECOND)


def test_an_acceptor_that_left_its_group_gives_back_where_it_was_taken(platform):
    _limits(platform, LEVELS["acceptor_group"])
    discount_id = _same_acceptor(platform, "key-1", FIRST)
    _limits(platform, {})
    unwind(platform.context, discount_id, "OPERATOR", refused=False)
    assert platform.used()["acceptor_group#g"] == 0


@pytest.mark.parametrize(
    ("status", "limits"),
    [("DISBURSED", "CONSUMED"), ("REFUSED", "RETURNED"), ("FAILED", "RETURNED"), ("SEALED", "RESERVED")],
)
def test_a_discount_says_where_its_part_of_the_limits_stands(platform, status, limits):
    from rongtong.services.discounts import view

    discount_id = platform.accept(FIRST)
    platform.run(discount_id)
    body = platform.body(discount_id)
    assert view({**body, "status": status})["limits"] == limits


def test_what_was_accepted_before_midnight_is_given_back_to_its_own_day(platform):
    discount_id = platform.accept(FIRST)
    clock = platform.context.clock
    clock.instant = clock.instant.replace(day=16)
    unwind(platform.context, discount_id, "OPERATOR", refused=False)
    assert set(platform.used().values()) == {0}
    assert platform.used()["platform#2026-04-15"] == 0


def test_a_customer_with_limits_of_its_own_is_held_to_them(platform):
    _limits(platform, {"enterprises": {FIRST.holder_uscc: {"day_fen": FEN[0] - 1}}})
    with pytest.raises(LimitExceededError):
        platform.accept(FIRST)
    _limits(platform, {"enterprises": {"91310000MA1FL0HA77": {"day_fen": 1}}})
    assert platform.accept(FIRST)


def test_a_company_has_one_limit_through_all_its_partner_platforms():
    platform = Platform(("partner-a", "partner-b"))
    _limits(platform, LEVELS["enterprise_day"])
    platform.accept(FIRST, "key-1", "partner-a")
    with pytest.raises(LimitExceededError):
        platform.accept(SECOND, "key-1", "partner-b")
