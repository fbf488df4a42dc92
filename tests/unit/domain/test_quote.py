"""Offers of several institutions for one bill, and when a quote ends."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.calendar import YearCalendar
from rongtong.domain.errors import CalendarError, PriceError
from rongtong.domain.interest import NO_FEE, Fee, InterestPayer, Repurchase, price
from rongtong.domain.quote import Bid, Offer, expires_at, offers
from rongtong.domain.rates import RateRow, RateTable

CALENDAR = legal_calendar()
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TODAY, MATURITY = date(2026, 3, 2), date(2026, 5, 31)
FACE = 100_000_000


def rates(rate, *, version=1, acceptor_class="city", max_days=200, valid_from=NOW - timedelta(days=1)):
    return RateTable(version, valid_from, None, (RateRow(acceptor_class, max_days, Decimal(rate)),))


def bid(institution_id, rate="2", *, fee=NO_FEE, room_fen=None, **table):
    return Bid(institution_id, (rates(rate, **table),), fee, room_fen)


def asked(bids, face_fen=FACE, **terms):
    maturity = terms.pop("maturity", MATURITY)
    discount_date = terms.pop("discount_date", TODAY)
    return offers(bids, face_fen, "city", discount_date, NOW, maturity, terms.pop("calendar", CALENDAR), **terms)


def shown(found):
    return [(offer.institution_id, offer.reason) for offer in found]


def test_an_offer_is_the_price_at_the_rate_in_force_and_tells_the_version():
    (offer,) = asked([Bid("a", (rates("2", version=4), rates("3", version=3)), Fee(flat_fen=5), FACE)])
    made = price(FACE, Decimal(2), TODAY, MATURITY, CALENDAR, fee=Fee(flat_fen=5))
    assert offer == Offer("a", made, None, 4)
    assert offer.price.proceeds_fen == FACE - 505_556 - 5


def test_the_highest_proceeds_come_first():
    found = asked([bid("a", "2.1"), bid("b", "1.9"), bid("c", "2.0")])
    assert shown(found) == [("b", None), ("c", None), ("a", None)]


def test_a_fee_counts_in_the_order():
    found = asked([bid("a", "1.9", fee=Fee(flat_fen=30_000)), bid("b", "2.0")])
    assert shown(found) == [("b", None), ("a", None)]


def test_where_the_buyer_pays_the_interest_the_cheapest_of_equal_proceeds_comes_first():
    found = asked([bid("a", "3"), bid("b", "2"), bid("d", "1"), bid("c", "2")], payer=InterestPayer.BUYER)
    assert {offer.price.proceeds_fen for offer in found} == {FACE}
    assert shown(found) == [("d", None), ("b", None), ("c", None), ("a", None)]


def test_what_one_takes_as_fee_and_another_as_interest_costs_the_same():
    # 91 days at 2.1 percent are 530833 fen, at 2 percent 505556.
    found = asked([bid("b", "2", fee=Fee(flat_fen=25_277)), bid("a", "2.1")])
    assert {offer.price.proceeds_fen for offer in found} == {FACE - 530_833}
    assert shown(found) == [("a", None), ("b", None)]


def test_equal_proceeds_are_ordered_by_institution():
    found = asked([bid("c"), bid("a"), bid("b")])
    assert shown(found) == [("a", None), ("b", None), ("c", None)]


def test_refusals_come_last_by_institution_with_their_reasons():
    found = asked(
        [
            bid("d", fee=Fee(flat_fen=FACE)),
            bid("b", room_fen=FACE - 1),
            bid("e"),
            bid("c", acceptor_class="rural"),
            Bid("a", (), NO_FEE, None),
        ]
    )
    assert shown(found) == [
        ("e", None),
        ("a", "NO_RATE"),
        ("b", "LIMIT_EXCEEDED"),
        ("c", "NO_RATE"),
        ("d", "PROCEEDS_NOT_POSITIVE"),
    ]
    assert [(offer.price, offer.rate_version) for offer in found[1:]] == [(None, None)] * 4


def test_room_for_exactly_the_face_is_enough():
    assert shown(asked([bid("a", room_fen=FACE)])) == [("a", None)]


def test_a_table_that_is_not_in_force_yet_makes_no_offer():
    assert shown(asked([bid("a", valid_from=NOW + timedelta(seconds=1))])) == [("a", "NO_RATE")]


def test_the_tenor_of_the_rate_is_that_of_the_interest_days():
    # 90 days to the Sunday, 91 to the effective maturity.
    assert shown(asked([bid("a", max_days=90), bid("b", max_days=91)])) == [("b", None), ("a", "NO_RATE")]


def test_the_amount_finds_its_band():
    rows = (RateRow("city", 200, Decimal(3), 0, FACE - 1), RateRow("city", 200, Decimal(2), FACE))
    banded = Bid("a", (RateTable(1, NOW, None, rows),), NO_FEE, None)
    assert [asked([banded], face)[0].price.annual_rate for face in (FACE - 1, FACE)] == [Decimal(3), Decimal(2)]


def test_nobody_asked_nobody_offers():
    assert asked([]) == ()


def test_terms_are_those_of_the_price():
    repurchase = Repurchase(date(2026, 4, 1), date(2026, 5, 1), Decimal("1.8"))
    terms = {"payer": InterestPayer.AGREEMENT, "buyer_share": Decimal(40), "repurchase": repurchase}
    (offer,) = asked([bid("a")], **terms)
    assert offer.price == price(FACE, Decimal(2), TODAY, MATURITY, CALENDAR, **terms)
    assert (offer.price.buyer_interest_fen, offer.price.redemption.close_date) == (202_222, date(2026, 5, 1))


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"payer": InterestPayer.AGREEMENT}, "BUYER_SHARE_INVALID"),
        ({"repurchase": Repurchase(date(2026, 4, 1), MATURITY, Decimal(2))}, "REPURCHASE_DATES"),
        ({"discount_date": date(2026, 3, 1)}, "NOT_A_WORKING_DAY"),
        ({"face_fen": 0}, "FACE_INVALID"),
    ],
)
def test_terms_that_make_no_price_are_every_institutions_reason(terms, reason):
    assert shown(asked([bid("b"), bid("a")], **terms)) == [("a", reason), ("b", reason)]


def test_a_maturity_may_be_a_year_ahead_and_no_further():
    known = CALENDAR.with_years({2027: YearCalendar(2027, frozenset({date(2027, 1, 1)}), frozenset())})
    found = asked([bid("a", max_days=400)], maturity=date(2027, 3, 2), calendar=known)
    assert found[0].price.days == 365
    with pytest.raises(PriceError) as refused:
        asked([bid("a", max_days=400)], maturity=date(2027, 3, 3), calendar=known)
    assert (refused.value.code, refused.value.field) == ("MATURITY_TOO_FAR", "maturity_date")


@pytest.mark.parametrize("maturity", [TODAY, TODAY - timedelta(days=1)])
def test_nothing_is_quoted_for_a_bill_that_has_matured(maturity):
    with pytest.raises(PriceError) as refused:
        asked([bid("a")], maturity=maturity)
    assert refused.value.code == "MATURITY_NOT_AFTER_DISCOUNT"


def test_nothing_is_quoted_for_a_maturity_in_an_unconfirmed_year():
    with pytest.raises(CalendarError) as refused:
        asked([bid("a")], maturity=date(2027, 1, 4))
    assert refused.value.code == "CALENDAR_UNCONFIRMED"


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=2), st.integers(1, 24_000_000)), max_size=8))
def test_offers_are_one_per_bid_and_never_get_better_down_the_list(drawn):
    bids = [bid(name, Decimal(micro) / 1_000_000) for name, micro in drawn]
    found = asked(bids)
    order = [(-offer.price.proceeds_fen, offer.institution_id) for offer in found]
    assert order == sorted(order)
    assert sorted(offer.institution_id for offer in found) == sorted(name for name, _ in drawn)


@pytest.mark.parametrize(
    ("instant", "minutes", "ends"),
    [
        ((2, 0), None, (2, 30)),
        ((2, 0), 45, (2, 45)),
        ((8, 29, 59), None, (8, 59, 59)),
        ((8, 30), None, (9, 0)),
        ((8, 30, 1), None, (9, 0)),
        ((1, 0), 480, (9, 0)),
        ((1, 0), 479, (8, 59)),
    ],
)
def test_a_quote_ends_after_its_minutes_or_with_the_service_of_the_day(instant, minutes, ends):
    given_minutes = {} if minutes is None else {"minutes": minutes}
    found = expires_at(datetime(2026, 3, 2, *instant, tzinfo=UTC), CALENDAR, **given_minutes)
    assert found == datetime(2026, 3, 2, *ends, tzinfo=UTC)


def test_a_quote_ends_with_the_tenants_own_hours():
    tenant = CALENDAR.with_hours(time(9, 0), time(10, 15))
    assert expires_at(NOW, tenant) == datetime(2026, 3, 2, 2, 15, tzinfo=UTC)


def test_a_quote_of_the_evening_has_ended_when_it_is_made():
    evening = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    assert expires_at(evening, CALENDAR) == datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
