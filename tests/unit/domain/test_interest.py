"""The arithmetic of interest, fees, shares, redemption and inverse quotes."""

from dataclasses import FrozenInstanceError
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.errors import PriceError
from rongtong.domain.interest import (
    BASES,
    RATE_CAP,
    Fee,
    InterestBearingPrice,
    InterestPayer,
    RateType,
    Redemption,
    Repurchase,
    Total,
    deduction_of,
    deduction_per_100k,
    discount_interest,
    interest,
    interest_bearing_discount,
    price,
    rate_from_deduction,
    total,
)

CALENDAR = legal_calendar()
DISCOUNT, MATURITY = date(2026, 3, 2), date(2026, 6, 1)
FACES = st.integers(1, 10**13)
MICRO_RATES = st.integers(1, 24_000_000)
RATES = MICRO_RATES.map(lambda micro: Decimal(micro) / 1_000_000)
DAYS = st.integers(1, 366)
MILLION_YUAN = 100_000_000


def priced(face_fen=MILLION_YUAN, rate="2.0", **terms):
    return price(face_fen, Decimal(rate), DISCOUNT, MATURITY, CALENDAR, **terms)


def refusal(call, *arguments, **terms):
    with pytest.raises(PriceError) as refused:
        call(*arguments, **terms)
    return refused.value.code, refused.value.field


@given(FACES, RATES, DAYS)
def test_interest_is_the_decimal_formula_rounded_half_up(face_fen, rate, days):
    exact = Decimal(face_fen) * rate * days / 36000
    assert discount_interest(face_fen, rate, days) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(("rate_type", "base", "most"), [("MONTHLY", 30_000, 20_000_000), ("DAILY", 10_000, 6_666_666)])
def test_monthly_and_daily_rates_have_bases_and_caps_of_their_own(rate_type, base, most):
    kind = RateType[rate_type]
    highest = Decimal(most) / 1_000_000
    assert BASES[kind] == base
    exact = Decimal(MILLION_YUAN) * highest * 90 / base
    assert interest(MILLION_YUAN, highest, 90, kind) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    assert refusal(interest, MILLION_YUAN, highest + Decimal("0.000001"), 90, kind) == ("RATE_INVALID", "annual_rate")


def test_a_rate_type_is_named_by_the_days_of_its_period():
    assert [kind.value for kind in RateType] == [360, 30, 1]


@given(st.integers(1, 10**11), st.integers(1, 6_000_000), DAYS)
def test_the_same_rate_in_another_unit_earns_the_same_interest(face_fen, micro, days):
    rate = Decimal(micro) / 1_000_000
    annual = interest(face_fen, rate * Decimal("3.6"), days) if micro % 5 == 0 else None
    if annual is not None:
        assert interest(face_fen, rate, days, RateType.DAILY) == annual
    assert interest(face_fen, rate * 3, days, RateType.MONTHLY) == interest(face_fen, rate, days, RateType.DAILY)


@given(FACES, RATES, st.integers(1, 365))
def test_interest_never_falls_as_days_rate_or_face_grow(face_fen, rate, days):
    here = discount_interest(face_fen, rate, days)
    assert discount_interest(face_fen, rate, days + 1) >= here
    assert discount_interest(face_fen + 1, rate, days) >= here
    assert discount_interest(face_fen, min(rate + Decimal("0.000001"), RATE_CAP), days) >= here


@given(FACES, RATES, DAYS)
def test_rounding_moves_a_bill_by_at_most_half_a_fen(face_fen, rate, days):
    exact = Decimal(face_fen) * rate * days
    assert abs(Decimal(discount_interest(face_fen, rate, days)) * 36000 - exact) <= 18000


@given(st.integers(0, 10**6))
def test_an_exact_half_fen_goes_up(whole):
    # 1800 fen at 1 percent for 10 days are exactly half a fen; every further 3600 fen are one more.
    assert discount_interest(1800 + 3600 * whole, Decimal(1), 10) == whole + 1
    assert discount_interest(1799 + 3600 * whole, Decimal(1), 10) == whole


@pytest.mark.parametrize(
    "rate",
    [
        *("0", "-1", "-0.000001", "24.000001", "1.2345678", "0.0000001", "1." + "0" * 40 + "1"),
        *("NaN", "sNaN", "Infinity", "-Infinity", "1E-999999", "1E+999999"),
    ],
)
def test_rates_that_no_table_can_hold_are_refused(rate):
    assert refusal(discount_interest, 100, Decimal(rate), 1) == ("RATE_INVALID", "annual_rate")


@pytest.mark.parametrize("rate", ["0.000001", "24", "24.000000", "2.0000000", "2E+1"])
def test_rates_within_the_cap_and_six_decimals_are_taken_however_they_are_written(rate):
    assert discount_interest(36_000_000_000, Decimal(rate), 1) == int(Decimal(rate) * 1_000_000)


@pytest.mark.parametrize("face_fen", [0, -1, 100.0, True, Decimal(100)])
def test_a_face_that_is_no_positive_whole_number_of_fen_is_refused(face_fen):
    assert refusal(discount_interest, face_fen, Decimal(1), 1) == ("FACE_INVALID", "face_fen")


def test_one_fen_is_a_face():
    assert discount_interest(1, Decimal(24), 360) == 0


@pytest.mark.parametrize("days", [0, -1])
def test_interest_needs_a_day(days):
    assert refusal(discount_interest, 100, Decimal(1), days) == ("DAYS_INVALID", "days")
    assert refusal(rate_from_deduction, 100, days) == ("DAYS_INVALID", "days")


def test_the_seller_pays_the_interest_unless_agreed_otherwise():
    made = priced()
    assert (made.interest_fen, made.seller_interest_fen, made.buyer_interest_fen) == (505_556, 505_556, 0)
    assert made.proceeds_fen == MILLION_YUAN - 505_556
    assert (made.fee_fen, made.redemption) == (0, None)


def test_payers_are_named_as_partners_name_them():
    assert [payer.value for payer in InterestPayer] == ["seller", "buyer", "agreement"]


def test_a_price_never_changes():
    made = priced()
    with pytest.raises(FrozenInstanceError):
        made.proceeds_fen = 0
    with pytest.raises(FrozenInstanceError):
        made.redemption = None


def test_where_the_buyer_pays_the_interest_the_seller_gets_the_face():
    made = priced(payer=InterestPayer.BUYER)
    assert (made.interest_fen, made.seller_interest_fen, made.buyer_interest_fen) == (505_556, 0, 505_556)
    assert made.proceeds_fen == MILLION_YUAN


@pytest.mark.parametrize(
    ("share", "buyer", "seller"),
    [
        ("0", 0, 505_556),
        ("100", 505_556, 0),
        ("50", 252_778, 252_778),
        ("30", 151_667, 353_889),
        ("33.333333", 168_519, 337_037),
    ],
)
def test_an_agreed_share_of_the_interest_is_the_buyers(share, buyer, seller):
    made = priced(payer=InterestPayer.AGREEMENT, buyer_share=Decimal(share))
    assert (made.buyer_interest_fen, made.seller_interest_fen) == (buyer, seller)
    assert (made.interest_fen, made.proceeds_fen) == (505_556, MILLION_YUAN - seller)


def test_half_a_fen_of_the_buyers_share_goes_up():
    # 3600 fen at 1 percent for 91 days are 9.1 fen, of which the halves are 4.5.
    made = priced(3600, "1", payer=InterestPayer.AGREEMENT, buyer_share=Decimal(50))
    assert (made.interest_fen, made.buyer_interest_fen, made.seller_interest_fen) == (9, 5, 4)


@given(st.integers(100, 10**13), RATES, st.integers(0, 100_000_000), st.integers(0, 1000))
def test_the_parts_sum_exactly(face_fen, rate, micro_share, per_million):
    share = Decimal(micro_share) / 1_000_000
    fee = Fee(per_million=per_million)
    made = price(
        face_fen, rate, DISCOUNT, MATURITY, CALENDAR, payer=InterestPayer.AGREEMENT, buyer_share=share, fee=fee
    )
    assert made.seller_interest_fen + made.buyer_interest_fen == made.interest_fen
    assert made.interest_fen == discount_interest(face_fen, rate, 91)
    assert min(made.seller_interest_fen, made.buyer_interest_fen) >= 0
    assert made.proceeds_fen + made.seller_interest_fen + made.fee_fen == face_fen


@pytest.mark.parametrize("share", ["-0.000001", "100.000001", "33.3333333", "NaN"])
def test_a_share_that_is_no_percentage_of_six_decimals_is_refused(share):
    found = refusal(priced, payer=InterestPayer.AGREEMENT, buyer_share=Decimal(share))
    assert found == ("BUYER_SHARE_INVALID", "interest.buyer_share_percent")


@pytest.mark.parametrize(
    ("payer", "share"),
    [(InterestPayer.AGREEMENT, None), (InterestPayer.SELLER, Decimal(0)), (InterestPayer.BUYER, Decimal(100))],
)
def test_a_share_is_given_exactly_where_both_pay(payer, share):
    found = refusal(priced, payer=payer, buyer_share=share)
    assert found == ("BUYER_SHARE_INVALID", "interest.buyer_share_percent")


@pytest.mark.parametrize(
    ("fee", "face_fen", "fen"),
    [
        (Fee(), 10**9, 0),
        (Fee(flat_fen=5000), 10**9, 5000),
        (Fee(per_million=500), 100_000_000, 50_000),
        (Fee(flat_fen=7, per_million=500), 1000, 8),
        (Fee(per_million=500), 999, 0),
        (Fee(per_million=1), 1_499_999, 1),
        (Fee(per_million=1), 1_500_000, 2),
    ],
)
def test_a_fee_is_flat_fen_and_millionths_of_the_face_rounded_half_up(fee, face_fen, fen):
    assert fee.of(face_fen) == fen


def test_the_fee_leaves_the_interest_as_it_is_and_comes_off_the_proceeds():
    made = priced(fee=Fee(flat_fen=100, per_million=10))
    assert (made.interest_fen, made.fee_fen, made.proceeds_fen) == (505_556, 1100, MILLION_YUAN - 505_556 - 1100)


@pytest.mark.parametrize("parts", [{"flat_fen": -1}, {"per_million": -1}])
def test_a_negative_fee_is_refused(parts):
    assert refusal(Fee, **parts) == ("FEE_INVALID", "fee")


def test_a_price_leaves_at_least_one_fen():
    assert priced(1000, fee=Fee(flat_fen=994)).proceeds_fen == 1
    found = refusal(priced, 1000, fee=Fee(flat_fen=995))
    assert found == ("PROCEEDS_NOT_POSITIVE", "face_fen")


def test_a_repurchase_tells_what_the_bill_costs_on_its_first_and_last_day():
    terms = Repurchase(date(2026, 4, 1), date(2026, 5, 29), Decimal("1.8"))
    made = priced(repurchase=terms)
    # 61 and 3 days before 2026-06-01.
    assert made.redemption == Redemption(
        terms.open_date, terms.close_date, Decimal("1.8"), MILLION_YUAN - 305_000, MILLION_YUAN - 15_000
    )
    assert (made.interest_fen, made.proceeds_fen) == (505_556, MILLION_YUAN - 505_556)


def test_redemption_counts_to_the_effective_maturity_and_rounds_half_up():
    # Matures on Sunday 2026-05-31, so 2026-05-30 is two days from 2026-06-01: 9000 fen at 1 percent are 0.5 fen.
    terms = Repurchase(date(2026, 5, 30), date(2026, 5, 30), Decimal(1))
    made = price(9000, Decimal(2), DISCOUNT, date(2026, 5, 31), CALENDAR, repurchase=terms)
    assert (made.redemption.open_fen, made.redemption.close_fen) == (8999, 8999)
    smaller = price(8999, Decimal(2), DISCOUNT, date(2026, 5, 31), CALENDAR, repurchase=terms)
    assert smaller.redemption.open_fen == 8999


@pytest.mark.parametrize(("opens", "closes"), [((3, 2), (5, 31)), ((3, 2), (3, 2)), ((5, 31), (5, 31))])
def test_a_redemption_may_open_with_the_discount_and_close_the_day_before_maturity(opens, closes):
    terms = Repurchase(date(2026, *opens), date(2026, *closes), Decimal(2))
    assert priced(repurchase=terms).redemption.close_date == terms.close_date


@pytest.mark.parametrize(("opens", "closes"), [((3, 1), (5, 29)), ((4, 2), (4, 1)), ((4, 1), (6, 1))])
def test_a_redemption_outside_the_life_of_the_discount_is_refused(opens, closes):
    terms = Repurchase(date(2026, *opens), date(2026, *closes), Decimal(2))
    assert refusal(priced, repurchase=terms) == ("REPURCHASE_DATES", "repurchase.open_date")


def test_a_redemption_closes_before_the_nominal_maturity_not_the_effective_one():
    terms = Repurchase(date(2026, 4, 1), date(2026, 5, 31), Decimal(2))
    found = refusal(price, 100, Decimal(2), DISCOUNT, date(2026, 5, 31), CALENDAR, repurchase=terms)
    assert found == ("REPURCHASE_DATES", "repurchase.open_date")


@pytest.mark.parametrize("rate", ["0", "24.000001", "1.2345678"])
def test_a_redemption_rate_obeys_the_rules_of_rates(rate):
    terms = Repurchase(date(2026, 4, 1), date(2026, 5, 29), Decimal(rate))
    assert refusal(priced, repurchase=terms) == ("RATE_INVALID", "repurchase.annual_rate")


def test_a_price_shows_its_rate_in_percent_per_year_whatever_it_was_quoted_in():
    monthly = priced(rate="2", rate_type=RateType.MONTHLY)
    daily = priced(rate="1.000001", rate_type=RateType.DAILY)
    assert (monthly.annual_rate, daily.annual_rate) == (Decimal("2.4"), Decimal("3.6000036"))
    assert monthly.interest_fen == priced(rate="2.4").interest_fen == 606_667
    assert priced(rate="1.35").annual_rate == Decimal("1.35")


def test_a_batch_is_rounded_per_bill_and_then_summed():
    # 0.5 fen of interest each: three bills owe 3 fen, where one bill of their sum would owe 2.
    bill = price(9000, Decimal(2), date(2026, 3, 2), date(2026, 3, 3), CALENDAR, fee=Fee(flat_fen=2))
    assert total([bill, bill, bill]) == Total(3, 27_000, 3, 6, 27_000 - 3 - 6)
    assert discount_interest(27_000, Decimal(2), 1) == 2
    assert total(iter([])) == Total(0, 0, 0, 0, 0)


def test_the_deduction_per_100000_is_interest_and_fee():
    assert deduction_per_100k(Decimal("1.35"), 180) == 67_500
    assert deduction_per_100k(Decimal("1.35"), 180, 500) == 68_000


@pytest.mark.parametrize(
    ("fee", "expected"),
    [(Fraction(8, 9), 50_556), (Fraction(16, 18), 50_556), (Fraction(17, 18), 50_557), (Fraction(1, 3), 50_556)],
)
def test_interest_and_fee_are_rounded_once_and_together(fee, expected):
    # The interest is 50555 5/9 fen, so that 17/18 more make half a fen.
    assert deduction_per_100k(Decimal(2), 91, fee) == expected


@pytest.mark.parametrize(
    ("rate", "days", "refused"),
    [
        ("1.35", 0, ("DAYS_INVALID", "days")),
        ("0", 90, ("RATE_INVALID", "annual_rate")),
        ("24.000001", 90, ("RATE_INVALID", "annual_rate")),
        ("1.2345678", 90, ("RATE_INVALID", "annual_rate")),
    ],
)
def test_a_deduction_is_refused_as_interest_is(rate, days, refused):
    assert refusal(deduction_per_100k, Decimal(rate), days) == refused


def test_a_day_is_enough_for_a_deduction():
    assert deduction_per_100k(Decimal("3.6"), 1) == 1_000


def test_the_deduction_of_a_price_spreads_its_fee_over_its_face():
    # 29838 8/9 fen of interest and 66 2/3 fen of fee.
    made = price(15_000_000, Decimal("2.62"), date(2026, 3, 3), date(2026, 4, 13), CALENDAR, fee=Fee(flat_fen=100))
    assert (made.days, made.fee_fen, deduction_of(made)) == (41, 100, 29_906)


def test_the_deduction_of_a_price_is_not_that_of_its_rounded_interest():
    # 3 fen of face earn 0.015 fen, which are rounded to none.
    assert priced(3).interest_fen == 0
    assert deduction_of(priced(3)) == deduction_per_100k(Decimal(2), 91) == 50_556


def test_the_deduction_of_a_price_counts_interest_whoever_pays_it():
    assert deduction_of(priced(payer=InterestPayer.BUYER)) == 50_556


def test_the_deduction_of_a_price_by_the_day_keeps_every_decimal_of_its_rate():
    made = priced(rate="1.000005", rate_type=RateType.DAILY)
    assert (made.annual_rate, deduction_of(made)) == (Decimal("3.600018"), 91_000)
    assert deduction_of(priced(rate="1.000006", rate_type=RateType.DAILY)) == 91_001
    assert deduction_of(priced(rate="1.000001", rate_type=RateType.DAILY)) == 91_000


def test_a_deduction_stands_for_a_rate_of_six_decimals():
    assert str(rate_from_deduction(67_500, 180)) == "1.350000"
    assert rate_from_deduction(1, 181) == Decimal("0.000020")


def test_half_a_millionth_of_a_rate_goes_up():
    # 1 fen is 0.0036 percent over a day, and 0.00001125 over 320 days.
    assert rate_from_deduction(2, 320) == Decimal("0.000023")
    assert rate_from_deduction(1, 320) == Decimal("0.000011")


@given(st.integers(1, 240_000), DAYS)
def test_the_inverse_of_a_deduction_gives_the_same_deduction(deduction_fen, days):
    deduction_fen = min(deduction_fen, 10**7 * int(RATE_CAP) * days // 36000)
    assert deduction_per_100k(rate_from_deduction(deduction_fen, days), days) == deduction_fen


@given(RATES, DAYS)
def test_the_inverse_of_a_rate_is_off_by_no_more_than_half_a_fen_is_worth(rate, days):
    deduction_fen = deduction_per_100k(rate, days)
    try:
        found = rate_from_deduction(deduction_fen, days)
    except PriceError:
        assert deduction_fen == 0 or deduction_fen > Decimal(10**7) * RATE_CAP * days / 36000
        return
    assert abs(found - rate) <= Decimal(18000) / (10**7 * days) + Decimal("0.0000005")


@pytest.mark.parametrize("deduction_fen", [0, -1, 600_001])
def test_a_deduction_that_no_rate_gives_is_refused(deduction_fen):
    assert refusal(rate_from_deduction, deduction_fen, 90) == ("RATE_INVALID", "deduction_fen_per_100k")


def test_the_deduction_of_the_highest_rate_has_an_inverse():
    assert rate_from_deduction(600_000, 90) == RATE_CAP


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ((20_000_000, "6", 6, 1, "8"), InterestBearingPrice(20_600_000, 686_667, 19_913_333)),
        ((10_000_000, "4", 6, 2, "6"), InterestBearingPrice(10_200_000, 204_000, 9_996_000)),
        ((1200, "1", 1, 0, "1"), InterestBearingPrice(1201, 1, 1200)),
        ((600, "1", 1, 0, "1"), InterestBearingPrice(601, 1, 600)),
        ((599, "1", 1, 0, "1"), InterestBearingPrice(599, 0, 599)),
    ],
    ids=["P4", "P5", "one fen", "half a fen", "less than half a fen"],
)
def test_an_interest_bearing_paper_bill_is_discounted_from_its_maturity_value(arguments, found):
    face_fen, coupon, months, held, rate = arguments
    assert interest_bearing_discount(face_fen, Decimal(coupon), months, held, Decimal(rate)) == found


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        ((0, "6", 6, 1, "8"), ("FACE_INVALID", "face_fen")),
        ((100, "0", 6, 1, "8"), ("RATE_INVALID", "coupon_rate")),
        ((100, "6", 6, 1, "25"), ("RATE_INVALID", "annual_rate")),
        ((100, "6", 6, -1, "8"), ("MONTHS_INVALID", "held_months")),
        ((100, "6", 6, 6, "8"), ("MONTHS_INVALID", "held_months")),
        ((100, "6", 0, 0, "8"), ("MONTHS_INVALID", "held_months")),
    ],
)
def test_an_interest_bearing_bill_with_impossible_terms_is_refused(arguments, refused):
    face_fen, coupon, months, held, rate = arguments
    assert refusal(interest_bearing_discount, face_fen, Decimal(coupon), months, held, Decimal(rate)) == refused
