"""Rate tables: reading them, choosing the version in force and the row that holds."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from rongtong.domain.rates import ACCEPTOR_CLASSES, NoRateError, RateRow, RateTable, RateTableError, table_in_force

ROW = {"acceptor_class": "city", "max_days": 90, "annual_rate": "1.310000"}
BANDED = {**ROW, "min_fen": 100, "max_fen": 199}
TABLE = {"version": 3, "valid_from": "2026-03-02T09:00:00+08:00", "valid_to": None, "rows": [ROW]}
STARTS = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ENDS = datetime(2026, 4, 2, 1, 0, tzinfo=UTC)


def refused_field(document):
    with pytest.raises(RateTableError) as refused:
        RateTable.parse(document)
    assert refused.value.code == "RATE_TABLE"
    return refused.value.field


def table(*rows, version=1, valid_from=STARTS, valid_to=None):
    return RateTable(version, valid_from, valid_to, rows)


def row(max_days, rate, acceptor_class="city", **band):
    return RateRow(acceptor_class, max_days, Decimal(rate), **band)


def test_a_table_is_read_from_its_document():
    document = {**TABLE, "valid_to": "2026-04-02T01:00:00Z", "rows": [ROW, {**BANDED, "max_days": 180}]}
    assert RateTable.parse(document) == RateTable(
        3,
        STARTS,
        ENDS,
        (RateRow("city", 90, Decimal("1.31"), 0, None), RateRow("city", 180, Decimal("1.31"), 100, 199)),
    )


def test_a_table_may_leave_its_end_open():
    without = {key: value for key, value in TABLE.items() if key != "valid_to"}
    assert RateTable.parse(without) == RateTable.parse(TABLE)
    assert RateTable.parse(without).valid_to is None


def test_who_approved_a_table_may_stand_beside_it():
    signed = {**TABLE, "proposed_by": "maker", "approved_by": "checker", "approved_at": "2026-03-01T00:00:00.000Z"}
    assert RateTable.parse(signed) == RateTable.parse(TABLE)


@pytest.mark.parametrize(
    ("part", "value", "field"),
    [
        ("version", 0, "version"),
        ("version", -1, "version"),
        ("version", "3", "version"),
        ("version", True, "version"),
        ("version", 1.0, "version"),
        ("valid_from", None, "valid_from"),
        ("valid_from", 5, "valid_from"),
        ("valid_from", "now", "valid_from"),
        ("valid_from", "2026-03-02T09:00:00", "valid_from"),
        ("valid_to", "2026-03-02T09:00:00+08:00", "valid_to"),
        ("valid_to", "2026-03-02T00:59:59Z", "valid_to"),
        ("valid_to", "2026-04-02", "valid_to"),
        ("valid_to", 0, "valid_to"),
        ("rows", [], "rows"),
        ("rows", {"0": ROW}, "rows"),
        ("rows", None, "rows"),
        ("rows", [ROW, None], "rows.1"),
        ("valid_until", None, "table"),
    ],
)
def test_a_table_with_a_part_that_cannot_be_read_is_refused_by_its_name(part, value, field):
    assert refused_field({**TABLE, part: value}) == field


@pytest.mark.parametrize("part", ["version", "valid_from", "rows"])
def test_a_table_lacks_nothing(part):
    document = {key: value for key, value in TABLE.items() if key != part}
    with pytest.raises(RateTableError, match=f"table lacks {part}"):
        RateTable.parse(document)


def test_a_table_is_an_object():
    assert refused_field([TABLE]) == "table"


def test_the_first_version_is_1():
    assert RateTable.parse({**TABLE, "version": 1}).version == 1


def test_a_table_may_end_a_second_after_it_begins():
    ends = RateTable.parse({**TABLE, "valid_to": "2026-03-02T01:00:01Z"}).valid_to
    assert ends == STARTS + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("part", "value", "field"),
    [
        ("acceptor_class", "town", "rows.1.acceptor_class"),
        ("acceptor_class", None, "rows.1.acceptor_class"),
        ("acceptor_class", [], "rows.1.acceptor_class"),
        ("max_days", 0, "rows.1.max_days"),
        ("max_days", "90", "rows.1.max_days"),
        ("max_days", True, "rows.1.max_days"),
        ("annual_rate", 1.31, "rows.1.annual_rate"),
        ("annual_rate", 2, "rows.1.annual_rate"),
        ("annual_rate", "0", "rows.1.annual_rate"),
        ("annual_rate", "0.000000", "rows.1.annual_rate"),
        ("annual_rate", "24.000001", "rows.1.annual_rate"),
        ("annual_rate", "1.2345678", "rows.1.annual_rate"),
        ("annual_rate", "01.35", "rows.1.annual_rate"),
        ("annual_rate", "-1.350000", "rows.1.annual_rate"),
        ("annual_rate", "1e0", "rows.1.annual_rate"),
        ("annual_rate", "1.", "rows.1.annual_rate"),
        ("annual_rate", "NaN", "rows.1.annual_rate"),
        ("min_fen", -1, "rows.1.min_fen"),
        ("min_fen", "0", "rows.1.min_fen"),
        ("min_fen", None, "rows.1.min_fen"),
        ("max_fen", 0, "rows.1.max_fen"),
        ("max_fen", "9", "rows.1.max_fen"),
        ("min_days", 1, "rows.1"),
    ],
)
def test_a_row_with_a_part_that_cannot_be_read_is_refused_by_its_place_and_name(part, value, field):
    other = {**ROW, "acceptor_class": "rural"}
    assert refused_field({**TABLE, "rows": [other, {**ROW, part: value}]}) == field


@pytest.mark.parametrize("part", ["acceptor_class", "max_days", "annual_rate"])
def test_a_row_lacks_nothing(part):
    document = {key: value for key, value in ROW.items() if key != part}
    with pytest.raises(RateTableError, match=rf"rows\.0 lacks {part}"):
        RateTable.parse({**TABLE, "rows": [document]})


@pytest.mark.parametrize("text", ["0.000001", "24", "24.000000", "1.3", "10.25"])
def test_a_rate_is_a_string_above_0_and_within_the_cap(text):
    assert RateTable.parse({**TABLE, "rows": [{**ROW, "annual_rate": text}]}).rows[0].annual_rate == Decimal(text)


def test_a_band_may_hold_a_single_amount_but_not_end_before_it_begins():
    single = {**ROW, "max_days": 1, "min_fen": 100, "max_fen": 100}
    assert RateTable.parse({**TABLE, "rows": [single]}).rows == (row(1, "1.31", min_fen=100, max_fen=100),)
    assert refused_field({**TABLE, "rows": [{**single, "max_fen": 99}]}) == "rows.0.max_fen"


def test_a_band_may_end_at_one_fen():
    assert RateTable.parse({**TABLE, "rows": [{**ROW, "max_fen": 1}]}).rows[0].max_fen == 1


def test_a_band_without_a_top_may_say_so():
    assert RateTable.parse({**TABLE, "rows": [{**ROW, "max_fen": None}]}).rows[0].max_fen is None


def test_every_class_of_the_market_has_a_name():
    assert {
        *("state_joint", "city", "rural", "village", "foreign", "private", "finance_company", "commercial", "other")
    } == ACCEPTOR_CLASSES


@pytest.mark.parametrize("acceptor_class", sorted(ACCEPTOR_CLASSES))
def test_rows_may_be_of_every_class(acceptor_class):
    document = {**TABLE, "rows": [{**ROW, "acceptor_class": acceptor_class}]}
    assert RateTable.parse(document).rate_for(acceptor_class, 90, 1) == Decimal("1.31")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ROW, ROW),
        (ROW, {**ROW, "annual_rate": "2.000000"}),
        (ROW, BANDED),
        (BANDED, ROW),
        (BANDED, {**BANDED, "min_fen": 199, "max_fen": 300}),
        (BANDED, {**BANDED, "min_fen": 50, "max_fen": 100}),
        (BANDED, {**BANDED, "min_fen": 120, "max_fen": 150}),
        (BANDED, {**BANDED, "min_fen": 50, "max_fen": 300}),
    ],
)
def test_rows_of_one_class_and_tenor_do_not_share_an_amount(first, second):
    apart = {**ROW, "acceptor_class": "other"}
    assert refused_field({**TABLE, "rows": [first, apart, second]}) == "rows.2"


@pytest.mark.parametrize(
    "other",
    [
        {**BANDED, "min_fen": 200, "max_fen": 300},
        {**BANDED, "min_fen": 0, "max_fen": 99},
        {**ROW, "min_fen": 200},
        {**BANDED, "max_days": 91},
        {**BANDED, "acceptor_class": "rural"},
    ],
)
def test_rows_whose_bands_tenors_or_classes_differ_stand_side_by_side(other):
    assert len(RateTable.parse({**TABLE, "rows": [BANDED, other]}).rows) == 2
    assert len(RateTable.parse({**TABLE, "rows": [other, BANDED]}).rows) == 2


@pytest.mark.parametrize(
    ("days", "rate"), [(1, "1.1"), (30, "1.1"), (31, "1.2"), (90, "1.2"), (91, "1.3"), (200, "1.3")]
)
def test_the_shortest_tenor_that_covers_the_days_holds(days, rate):
    rates = table(row(200, "1.3"), row(30, "1.1"), row(90, "1.2"), row(200, "9", "other"))
    assert rates.rate_for("city", days, 100) == Decimal(rate)


@pytest.mark.parametrize(
    ("amount", "rate"), [(0, "1.9"), (99, "1.9"), (100, "1.5"), (199, "1.5"), (200, "1.2"), (10**13, "1.2")]
)
def test_the_band_that_has_the_amount_holds_both_ends_included(amount, rate):
    rates = table(row(90, "1.9", max_fen=99), row(90, "1.5", min_fen=100, max_fen=199), row(90, "1.2", min_fen=200))
    assert rates.rate_for("city", 90, amount) == Decimal(rate)


def test_a_longer_tenor_holds_where_the_shorter_has_no_band_for_the_amount():
    rates = table(row(30, "1.1", min_fen=1000), row(90, "1.2"))
    assert rates.rate_for("city", 20, 999) == Decimal("1.2")
    assert rates.rate_for("city", 20, 1000) == Decimal("1.1")


@pytest.mark.parametrize(
    ("acceptor_class", "days", "amount"), [("rural", 90, 150), ("city", 91, 150), ("city", 90, 99), ("city", 90, 200)]
)
def test_a_bill_that_no_row_covers_has_no_rate(acceptor_class, days, amount):
    with pytest.raises(NoRateError) as refused:
        table(row(90, "1.5", min_fen=100, max_fen=199)).rate_for(acceptor_class, days, amount)
    assert (refused.value.code, refused.value.field) == ("NO_RATE", "institution_id")


@pytest.mark.parametrize("order", [1, -1])
def test_the_highest_version_in_force_holds(order):
    first, second = table(version=1), table(version=2, valid_from=STARTS + timedelta(days=1))
    tables = [first, second][::order]
    assert table_in_force(tables, STARTS) is first
    assert table_in_force(tables, STARTS + timedelta(days=1)) is second


def test_an_older_version_holds_again_when_a_newer_one_ends():
    first, second = table(version=1), table(version=2, valid_to=ENDS)
    assert table_in_force([first, second], ENDS - timedelta(microseconds=1)) is second
    assert table_in_force([first, second], ENDS) is first


@pytest.mark.parametrize("instant", [STARTS - timedelta(microseconds=1), ENDS])
def test_outside_its_time_a_table_does_not_hold(instant):
    with pytest.raises(NoRateError) as refused:
        table_in_force([table(valid_to=ENDS)], instant)
    assert (refused.value.code, refused.value.field) == ("NO_RATE", "institution_id")


def test_a_table_holds_from_its_first_instant():
    assert table(valid_to=ENDS).in_force(STARTS)
