"""Periods and control sums of statements."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rongtong.domain.statement import BACK, OUT, Line, LineKind, Parts, Period, PeriodError, in_order, totals

AT = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
FEN = st.integers(1, 10**15)


@st.composite
def lines(draw):
    kind, fen = draw(st.sampled_from(LineKind)), draw(FEN)
    parts = None
    if kind is LineKind.PAID:
        interest = draw(st.integers(0, fen))
        parts = Parts(fen + interest, interest, 0, 0)
    at = AT + timedelta(seconds=draw(st.integers(0, 5)))
    reference = draw(st.sampled_from(["RTA", "RTB"]))
    return Line(kind, at.date(), at, reference, None, "dsc_1", "ent_1", "p", "i", "5" * 30, "1-2", fen, parts)


@given(st.lists(lines(), max_size=20))
def test_every_line_is_in_one_sum_and_the_net_is_what_left_less_what_came_back(found):
    sums = totals(found)
    assert sum(one.count for one in sums.by_kind.values()) == len(found)
    assert sum(one.amount_fen for one in sums.by_kind.values()) == sum(line.amount_fen for line in found)
    assert sums.net_fen == sum(
        line.amount_fen if line.kind in OUT else -line.amount_fen if line.kind in BACK else 0 for line in found
    )


@given(st.lists(lines(), max_size=20))
def test_face_less_interest_and_fee_is_what_was_paid_for_the_first_time(found):
    sums = totals(found)
    assert sums.parts.proceeds_fen == sums.by_kind[LineKind.PAID].amount_fen


@given(st.lists(lines(), max_size=8), st.randoms())
def test_the_same_lines_make_the_same_file_in_whatever_order_they_were_found(found, random):
    shuffled = random.sample(found, len(found))
    keys = [(line.at, line.reference, line.kind) for line in in_order(shuffled)]
    assert keys == [(line.at, line.reference, line.kind) for line in in_order(found)] == sorted(keys)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-04-15", date(2026, 4, 15), date(2026, 4, 15)),
        ("2026-02", date(2026, 2, 1), date(2026, 2, 28)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_a_period_is_a_day_or_a_whole_month(text, first, last):
    period = Period.parse(text)
    assert (period.first, period.last, period.text()) == (first, last, text)
    assert len(period.days()) == (last - first).days + 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-4-15",
        "20260415",
        "2026-02-30",
        "2026-13",
        "2026-00",
        "0001-01-01",
        "２026-04-15",
        "2026-04-15 ",
    ],
)
def test_what_is_no_day_and_no_month_is_refused(text):
    with pytest.raises(PeriodError) as refused:
        Period.parse(text)
    assert refused.value.field == "day"
