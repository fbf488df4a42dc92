"""A portfolio's views tell of the same bills: the ladder's steps, the acceptors' shares and the sums agree."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.interest import discount_interest
from rongtong.domain.portfolio import BUCKET_ENDS, Position, concentration, ladder, portfolio, yields

DAY = date(2026, 4, 15)


@st.composite
def positions(draw):
    face = draw(st.integers(10_000, 10**13))
    acquired = DAY + timedelta(days=draw(st.integers(-380, 3)))
    tenor = draw(st.integers(1, 400))
    rate = Decimal(draw(st.integers(1, 5_000_000))).scaleb(-6)
    return Position(
        discount_id="dsc_1",
        acceptor=draw(st.sampled_from(["102100099996", "313100000013", "309391000011"])),
        acceptor_class=draw(st.sampled_from(["state_joint", "city", "commercial"])),
        face_fen=face,
        cost_fen=face - min(discount_interest(face, rate, tenor), face - 1),
        annual_rate=rate,
        acquired_on=acquired,
        matures_on=acquired + timedelta(days=tenor),
    )


def _position(face=1_000_000, cost=990_000, rate="2.000000", days=180, acceptor="102100099996", group="city", age=0):
    acquired = DAY - timedelta(days=age)
    return Position("dsc_1", acceptor, group, face, cost, Decimal(rate), acquired, acquired + timedelta(days=days))


LISTS = st.lists(positions(), max_size=25)


@given(LISTS)
def test_steps_and_shares_add_up_to_the_whole(found):
    whole = portfolio(found, DAY)
    assert sum(step.face_fen for step in whole.ladder) == whole.face_fen
    assert sum(step.count for step in whole.ladder) == whole.count
    assert sum(fen for step in whole.ladder for fen in step.by_class.values()) == whole.face_fen
    assert sum(share.face_fen for share in whole.acceptors) == whole.face_fen
    assert sum(share.count for share in whole.acceptors) == whole.count


@given(LISTS)
def test_what_is_held_was_bought_by_then_and_matures_later(found):
    held = [one for one in found if one.acquired_on <= DAY < one.matures_on]
    whole = portfolio(found, DAY)
    assert (whole.count, whole.face_fen) == (len(held), sum(one.face_fen for one in held))
    assert whole.cost_fen == sum(one.cost_fen for one in held)


@given(st.integers(1, 4_000))
def test_every_number_of_days_stands_on_one_step_alone(days):
    steps = ladder([_position(days=days)], DAY)
    (step,) = [one for one in steps if one.count]
    assert step.first_day <= days
    assert step.last_day is None or days <= step.last_day


def test_the_steps_follow_each_other_without_a_gap():
    steps = ladder([], DAY)
    assert [step.first_day for step in steps] == [1, *[step.last_day + 1 for step in steps[:-1]]]
    assert [step.last_day for step in steps] == [*BUCKET_ENDS, None]


@given(LISTS)
def test_averages_lie_between_the_least_and_the_greatest(found):
    held = [one for one in found if one.held_on(DAY)]
    earned = yields(held, DAY)
    if not held:
        assert (earned.rate, earned.to_maturity, earned.days_to_maturity) == (None, None, None)
        return
    half = Decimal("0.0000005")
    rates = [one.annual_rate for one in held]
    assert min(rates) - half <= earned.rate <= max(rates) + half
    left = [(one.matures_on - DAY).days for one in held]
    assert min(left) - half <= earned.days_to_maturity <= max(left) + half
    single = [Fraction((one.face_fen - one.cost_fen) * 36_000, one.cost_fen * one.tenor_days) for one in held]
    assert min(single) - Fraction(half) <= Fraction(earned.to_maturity) <= max(single) + Fraction(half)


@given(LISTS)
def test_shares_are_of_a_hundred_percent_and_the_largest_comes_first(found):
    shares = concentration([one for one in found if one.held_on(DAY)])
    assert abs(sum(share.percent for share in shares) - (100 if shares else 0)) <= Decimal("0.000001") * len(shares)
    assert [share.face_fen for share in shares] == sorted((share.face_fen for share in shares), reverse=True)


@given(LISTS, st.randoms())
def test_the_order_of_the_bills_does_not_matter(found, random):
    assert portfolio(random.sample(found, len(found)), DAY) == portfolio(found, DAY)


def test_the_yield_to_maturity_is_above_the_discount_rate_for_it_is_earned_on_less_than_the_face():
    one = _position(face=1_000_000, cost=990_000, rate="2.000000", days=180)
    assert yields([one], DAY).to_maturity == Decimal("2.020202")


def test_rates_are_weighted_by_face():
    pair = [_position(face=3_000_000, rate="1.000000"), _position(face=1_000_000, rate="2.000000")]
    assert yields(pair, DAY).rate == Decimal("1.250000")


@pytest.mark.parametrize(("faces", "index"), [([5], "1.000000"), ([5, 5], "0.500000"), ([3, 1], "0.625000")])
def test_the_herfindahl_index_is_one_where_all_is_on_one_acceptor(faces, index):
    held = [_position(face=face, cost=1, acceptor=str(number)) for number, face in enumerate(faces)]
    assert portfolio(held, DAY).herfindahl == Decimal(index)


@pytest.mark.parametrize(("age", "days", "held"), [(0, 1, 1), (-1, 30, 0), (30, 30, 0), (29, 30, 1)])
def test_a_bill_is_held_from_the_day_it_is_bought_to_the_day_before_it_matures(age, days, held):
    assert portfolio([_position(age=age, days=days)], DAY).count == held
