"""Packages: who holds which range, and what the platform has taken."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rongtong.domain.errors import SubBillRangeError
from rongtong.domain.package import (
    SPLITS_MAX,
    Holding,
    HoldingState,
    Package,
    PackageError,
    RangeTakenError,
    TakenRanges,
)
from rongtong.domain.sub_bill_range import SubBillRange as Range

FREE, LOCKED, SETTLED = HoldingState.FREE, HoldingState.LOCKED, HoldingState.SETTLED
WHOLE = Range(1, 1000)
FRESH = Package.issued("5" * 30, WHOLE, "A", splittable=True)
UNITS = 30


def _refusal(call, *arguments):
    with pytest.raises(PackageError) as refused:
        call(*arguments)
    return refused.value.code, refused.value.field


def _pieces(package):
    return [
        (holding.range.start, holding.range.end, holding.holder, holding.state.value) for holding in package.holdings
    ]


def test_an_issued_package_is_one_free_holding():
    holdings = (Holding(WHOLE, "A", FREE, None, None),)
    assert Package.issued("5" * 30, WHOLE, "A", splittable=True) == Package("5" * 30, True, holdings, 500)
    assert not Package.issued("5" * 30, WHOLE, "A", splittable=False).splittable


@pytest.mark.parametrize(
    ("rng", "pieces"),
    [
        (WHOLE, [(1, 1000, "LOCKED")]),
        (Range(1, 10), [(1, 10, "LOCKED"), (11, 1000, "FREE")]),
        (Range(991, 1000), [(1, 990, "FREE"), (991, 1000, "LOCKED")]),
        (Range(2, 2), [(1, 1, "FREE"), (2, 2, "LOCKED"), (3, 1000, "FREE")]),
        (Range(2, 999), [(1, 1, "FREE"), (2, 999, "LOCKED"), (1000, 1000, "FREE")]),
    ],
)
def test_a_locked_part_is_cut_out_of_its_holding(rng, pieces):
    assert _pieces(FRESH.lock(rng, "app")) == [(start, end, "A", state) for start, end, state in pieces]


def test_only_the_locked_piece_names_its_application():
    package = FRESH.lock(Range(11, 20), "app")
    assert [holding.owner for holding in package.holdings] == [None, "app", None]


def test_a_repeated_lock_is_no_change():
    package = FRESH.lock(Range(11, 20), "app")
    assert package.lock(Range(11, 20), "app") is package


def test_a_repeated_lock_after_the_endorsement_is_no_change():
    package = FRESH.lock(Range(11, 20), "app").endorse("app", "B")
    assert package.lock(Range(11, 20), "app") is package


@pytest.mark.parametrize("rng", [Range(11, 19), Range(21, 30), Range(1, 1000)])
def test_an_application_locks_one_range(rng):
    locked = FRESH.lock(Range(11, 20), "app")
    assert _refusal(locked.lock, rng, "app") == ("RANGE_ONE_PER_OWNER", "bill.range")
    assert _refusal(locked.endorse("app", "B").lock, rng, "app")[0] == "RANGE_ONE_PER_OWNER"


@pytest.mark.parametrize("rng", [Range(11, 20), Range(1, 11), Range(20, 21), Range(12, 13), Range(1, 1000)])
def test_what_meets_a_lock_of_another_application_is_locked(rng):
    locked = FRESH.lock(Range(11, 20), "first")
    assert _refusal(locked.lock, rng, "second") == ("RANGE_LOCKED", "bill.range")
    assert _refusal(locked.settle, rng) == ("RANGE_LOCKED", "bill.range")


@pytest.mark.parametrize("rng", [Range(1, 10), Range(21, 21)])
def test_what_lies_beside_a_lock_is_free_for_others(rng):
    locked = FRESH.lock(Range(11, 20), "first").lock(rng, "second")
    assert locked.holding_of(rng) == Holding(rng, "A", LOCKED, "second")


@pytest.mark.parametrize("rng", [Range(1000, 1001), Range(1001, 1002), Range(1, 1001)])
def test_what_no_holding_contains_is_not_held(rng):
    assert _refusal(FRESH.lock, rng, "app") == ("RANGE_NOT_HELD", "bill.range")


def test_a_range_over_two_holdings_is_not_held_by_either():
    package = FRESH.lock(Range(1, 10), "app").endorse("app", "B")
    assert _refusal(package.lock, Range(10, 11), "second") == ("RANGE_NOT_HELD", "bill.range")


def test_a_settled_range_is_nobody_s_any_more():
    package = FRESH.settle(Range(1, 10))
    assert _pieces(package) == [(1, 10, "A", "SETTLED"), (11, 1000, "A", "FREE")]
    assert _refusal(package.lock, Range(1, 10), "app") == ("RANGE_NOT_HELD", "bill.range")
    assert _refusal(package.settle, Range(5, 10))[0] == "RANGE_NOT_HELD"


@pytest.mark.parametrize("at", [Range(1, 10), Range(11, 20), Range(991, 1000)])
def test_a_released_lock_leaves_the_package_as_it_was(at):
    assert FRESH.lock(at, "app").release("app") == FRESH


def test_a_release_without_a_lock_is_no_change():
    package = FRESH.lock(Range(1, 10), "app")
    assert package.release("other") is package
    endorsed = package.endorse("app", "B")
    assert endorsed.release("app") is endorsed


def test_a_released_piece_joins_its_free_neighbours_only():
    package = FRESH.lock(Range(11, 20), "first").lock(Range(21, 30), "second").release("first")
    assert _pieces(package) == [(1, 20, "A", "FREE"), (21, 30, "A", "LOCKED"), (31, 1000, "A", "FREE")]
    assert package.release("second") == FRESH


def test_a_released_piece_does_not_join_what_is_settled():
    package = FRESH.settle(Range(1, 10)).lock(Range(11, 20), "app").release("app")
    assert _pieces(package) == [(1, 10, "A", "SETTLED"), (11, 1000, "A", "FREE")]


def test_a_released_piece_does_not_join_another_holder_s():
    package = FRESH.lock(Range(1, 10), "first").endorse("first", "B").lock(Range(11, 20), "second").release("second")
    assert _pieces(package) == [(1, 10, "B", "FREE"), (11, 1000, "A", "FREE")]


def test_pieces_that_came_to_one_holder_on_different_ways_stay_two():
    package = FRESH.lock(Range(1, 10), "first").endorse("first", "B").lock(Range(11, 20), "second")
    package = package.endorse("second", "B").lock(Range(11, 20), "third").release("third")
    assert _pieces(package)[:2] == [(1, 10, "B", "FREE"), (11, 20, "B", "FREE")]


def test_a_released_piece_does_not_join_over_a_gap():
    package = Package("5" * 30, True, (Holding(Range(1, 10), "A"), Holding(Range(12, 20), "A")))
    assert package.lock(Range(12, 20), "app").release("app") == package


def test_an_endorsed_range_is_free_in_its_new_holder_s_hand_and_remembers_how_it_came():
    package = FRESH.lock(Range(11, 20), "app").endorse("app", "B")
    assert package.holding_of(Range(11, 20)) == Holding(Range(11, 20), "B", FREE, None, "app")
    assert _pieces(package) == [(1, 10, "A", "FREE"), (11, 20, "B", "FREE"), (21, 1000, "A", "FREE")]


def test_a_repeated_endorsement_is_no_change():
    package = FRESH.lock(Range(11, 20), "app").endorse("app", "B")
    assert package.endorse("app", "B") is package


@pytest.mark.parametrize("owner", ["other", "app"])
def test_only_a_lock_is_endorsed(owner):
    package = FRESH.lock(Range(11, 20), "app").endorse("app", "B")
    assert _refusal(package.endorse, owner, "C") == ("RANGE_NOT_LOCKED", "bill.range")
    assert _refusal(package.endorse, "other", "B") == ("RANGE_NOT_LOCKED", "bill.range")


def test_a_new_holder_passes_a_part_on():
    package = FRESH.lock(Range(11, 20), "first").endorse("first", "B").lock(Range(11, 15), "second")
    package = package.endorse("second", "C")
    assert _pieces(package)[1:3] == [(11, 15, "C", "FREE"), (16, 20, "B", "FREE")]
    assert [holding.source for holding in package.holdings] == [None, "second", "first", None]


@pytest.mark.parametrize(
    ("rng", "start"), [(Range(11, 12), 11), (Range(20, 25), 11), (Range(10, 25), 1), (Range(1000, 1001), 21)]
)
def test_a_range_is_answered_by_the_holding_that_it_begins_in(rng, start):
    assert FRESH.lock(Range(11, 20), "app").holding_of(rng).range.start == start


def test_a_range_that_begins_nowhere_is_answered_by_none():
    assert FRESH.holding_of(Range(1001, 1001)) is None


@pytest.mark.parametrize(
    "package",
    [
        Package.issued("5" * 30, WHOLE, "A", splittable=False),
        Package.issued("5" * 30, Range.whole_package(1000), "A", splittable=True),
    ],
)
def test_a_package_that_cannot_be_split_is_used_as_a_whole(package):
    assert _pieces(package.lock(WHOLE, "app")) == [(1, 1000, "A", "LOCKED")]
    assert _refusal(package.lock, Range(1, 999), "app") == ("RANGE_NOT_SPLITTABLE", "bill.range")
    assert _refusal(package.settle, Range(2, 1000)) == ("RANGE_NOT_SPLITTABLE", "bill.range")


def test_a_range_that_claims_to_be_a_whole_package_is_no_part_of_another():
    assert _refusal(FRESH.lock, Range.whole_package(10), "app") == ("RANGE_NOT_SPLITTABLE", "bill.range")


def test_a_bill_is_split_five_hundred_times_and_no_more():
    package = FRESH
    for at in range(500):
        package = package.lock(Range(at + 1, at + 1), f"app{at}")
    assert (SPLITS_MAX, len(package.holdings)) == (500, 501)
    assert _refusal(package.lock, Range(501, 501), "more") == ("RANGE_TOO_MANY_SPLITS", "bill.range")
    assert _refusal(package.settle, Range(501, 501))[0] == "RANGE_TOO_MANY_SPLITS"
    assert len(package.lock(Range(501, 1000), "all the rest").holdings) == 501


def test_splits_that_grew_together_again_do_not_count():
    package = Package("5" * 30, True, (Holding(WHOLE, "A"),), splits_max=2)
    for at in range(3):
        package = package.lock(Range(11, 20), f"app{at}").release(f"app{at}")
    assert len(package.lock(Range(11, 20), "last").holdings) == 3


def test_a_limit_of_splits_of_its_own_holds():
    package = Package("5" * 30, True, (Holding(WHOLE, "A"),), splits_max=1)
    assert _refusal(package.lock, Range(11, 20), "app")[0] == "RANGE_TOO_MANY_SPLITS"
    assert len(package.lock(Range(1, 20), "app").holdings) == 2


def test_holdings_are_kept_in_the_order_of_their_units():
    package = Package("5" * 30, True, (Holding(Range(11, 20), "B"), Holding(Range(1, 10), "A")))
    assert [holding.holder for holding in package.holdings] == ["A", "B"]


def test_holdings_that_share_units_make_no_package():
    shared = (Holding(Range(1, 10), "A"), Holding(Range(10, 20), "B"))
    assert _refusal(Package, "5" * 30, True, shared) == ("RANGE_OVERLAP", "bill.range")


LOCK = FRESH.lock(Range(11, 20), "app")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            lambda: LOCK.lock(Range(1, 2), "app"),
            "This application has the range 000000000011-000000000020; make a new one.",
        ),
        (
            lambda: LOCK.lock(Range(11, 12), "x"),
            "Another application has locked the range or a part of it; wait for it.",
        ),
        (lambda: LOCK.lock(Range(1001, 1002), "x"), "The range does not lie within one holding; ask for what is held."),
        (lambda: LOCK.endorse("x", "B"), "The application holds no lock in this package; lock the range first."),
        (
            lambda: Package.issued("5" * 30, WHOLE, "A", splittable=False).settle(Range(1, 2)),
            "This package cannot be split; use 000000000001-000000001000.",
        ),
        (
            lambda: Package("5" * 30, True, (Holding(WHOLE, "A"),), splits_max=0).settle(Range(1, 2)),
            "A bill is split 0 times at most; deal all of it.",
        ),
        (
            lambda: Package("5" * 30, True, (Holding(Range(1, 2), "A"), Holding(Range(2, 3), "A"))),
            "Two holdings share units: 000000000001-000000000002, 000000000002-000000000003.",
        ),
        (
            lambda: TakenRanges.from_document({"1-2": "dsc_1"}),
            "1-2 is not taken by a pair of discount id and credit code; restore the package's record.",
        ),
    ],
)
def test_the_refusal_of_a_step_says_what_to_do(step, message):
    with pytest.raises(PackageError) as refused:
        step()
    assert refused.value.message == message


RANGES = st.builds(lambda ends: Range(min(ends), max(ends)), st.tuples(st.integers(1, UNITS), st.integers(1, UNITS)))
OWNERS = st.sampled_from(["p", "q", "r", "s", "t"])
HOLDERS = st.sampled_from(["A", "B", "C"])


class AnySequence(RuleBasedStateMachine):
    """Lock, release, endorse and settle in any order, against a model that knows single units only."""

    def __init__(self):
        super().__init__()
        self.package = Package.issued("5" * 30, Range(1, UNITS), "A", splittable=True)
        self.units = dict.fromkeys(range(1, UNITS + 1), ("A", "FREE", None))

    def _try(self, step, touched, value):
        """Only the touched units change, and none of them if the step is refused."""
        try:
            self.package = step()
        except PackageError:
            return
        self.units |= dict.fromkeys(touched, value)

    def _locked_by(self, owner):
        return [unit for unit, (_, _, locked_by) in self.units.items() if locked_by == owner]

    @rule(rng=RANGES, owner=OWNERS)
    def lock(self, rng, owner):
        holder = self.units[rng.start][0]
        before = self.package
        self._try(lambda: self.package.lock(rng, owner), (), None)
        if self.package != before:
            self.units |= dict.fromkeys(range(rng.start, rng.end + 1), (holder, "LOCKED", owner))

    @rule(owner=OWNERS)
    def release(self, owner):
        units = self._locked_by(owner)
        holder = self.units[units[0]][0] if units else ""
        self._try(lambda: self.package.release(owner), units, (holder, "FREE", None))

    @rule(owner=OWNERS, holder=HOLDERS)
    def endorse(self, owner, holder):
        self._try(lambda: self.package.endorse(owner, holder), self._locked_by(owner), (holder, "FREE", None))

    @rule(rng=RANGES)
    def settle(self, rng):
        holder = self.units[rng.start][0]
        units = range(rng.start, rng.end + 1)
        self._try(lambda: self.package.settle(rng), units, (holder, "SETTLED", None))

    @invariant()
    def every_unit_is_where_the_steps_put_it(self):
        found = {
            unit: (holding.holder, holding.state.value, holding.owner)
            for holding in self.package.holdings
            for unit in range(holding.range.start, holding.range.end + 1)
        }
        assert found == self.units

    @invariant()
    def live_and_settled_ranges_are_the_original_without_overlap(self):
        ranges = [holding.range for holding in self.package.holdings]
        assert all(left.end + 1 == right.start for left, right in pairwise(ranges))
        assert (ranges[0].start, ranges[-1].end) == (1, UNITS)
        assert sum(rng.amount_fen for rng in ranges) == UNITS


TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_a_range_is_taken_once():
    taken = TakenRanges().take(Range(11, 20), "dsc_1", "U1")
    for rng in (Range(11, 20), Range(1, 11), Range(20, 30), Range(1, 1000)):
        with pytest.raises(RangeTakenError) as refused:
            taken.take(rng, "dsc_2", "U2")
        assert (refused.value.code, refused.value.field) == ("RANGE_TAKEN", "bill.range")
    assert taken.take(Range(21, 30), "dsc_2", "U2").slices() == 2


def test_who_is_refused_a_taken_range_is_told_why():
    with pytest.raises(RangeTakenError) as refused:
        TakenRanges().take(Range(1, 2), "dsc_1", "U1").take(Range(1, 2), "dsc_2", "U1")
    told = "This range, or a part of it, is already being discounted or was discounted before."
    assert refused.value.message == told


def test_the_discount_s_own_repeat_is_no_change():
    taken = TakenRanges().take(Range(11, 20), "dsc_1", "U1")
    assert taken.take(Range(11, 20), "dsc_1", "U1") is taken


def test_another_range_of_the_same_discount_that_meets_its_first_is_refused():
    with pytest.raises(RangeTakenError):
        TakenRanges().take(Range(11, 20), "dsc_1", "U1").take(Range(20, 21), "dsc_1", "U1")


def test_slices_and_companies_are_counted():
    taken = TakenRanges().take(Range(1, 10), "dsc_1", "U1").take(Range(11, 20), "dsc_2", "U1")
    taken = taken.take(Range(21, 30), "dsc_3", "U2")
    assert (taken.slices(), taken.companies()) == (3, 2)
    assert (TakenRanges().slices(), TakenRanges().companies()) == (0, 0)


def test_what_is_given_back_is_free_and_the_others_stay():
    taken = TakenRanges().take(Range(1, 10), "dsc_1", "U1").take(Range(11, 20), "dsc_2", "U2")
    assert taken.give_back("dsc_1") == TakenRanges().take(Range(11, 20), "dsc_2", "U2")
    assert taken.give_back("dsc_3") == taken


def test_taken_ranges_are_stored_under_their_wire_form():
    taken = TakenRanges().take(Range(1, 10), "dsc_1", "U1").take(Range(11, 20), "dsc_2", "U2")
    stored = {"000000000001-000000000010": ["dsc_1", "U1"], "000000000011-000000000020": ["dsc_2", "U2"]}
    assert taken.as_document() == stored
    assert TakenRanges.from_document(stored) == taken


@pytest.mark.parametrize("value", ["dsc_1", "ab", ["dsc_1"], ["dsc_1", "U1", "x"], ["dsc_1", 5], ["a", None], None])
def test_a_record_without_discount_and_company_is_not_read(value):
    code = _refusal(TakenRanges.from_document, {"000000000001-000000000010": value})
    assert code == ("RANGES_UNREADABLE", "ranges")


def test_a_record_whose_ranges_overlap_is_not_read():
    with pytest.raises(RangeTakenError):
        TakenRanges.from_document({"1-10": ["dsc_1", "U1"], "10-20": ["dsc_2", "U2"]})


def test_a_record_under_no_range_is_not_read():
    with pytest.raises(SubBillRangeError):
        TakenRanges.from_document({"x": ["dsc_1", "U1"]})


@given(st.lists(st.tuples(st.booleans(), RANGES, OWNERS), max_size=20))
def test_taken_ranges_never_overlap_and_are_free_again_once_given_back(steps):
    taken, model = TakenRanges(), {}
    for taking, rng, owner in steps:
        if taking:
            try:
                taken = taken.take(rng, owner, owner.upper())
            except RangeTakenError:
                assert any(rng.overlaps(other) for other in model)
                continue
            model[rng] = [owner, owner.upper()]
        else:
            taken = taken.give_back(owner)
            model = {held: pair for held, pair in model.items() if pair[0] != owner}
    assert taken.as_document() == {rng.wire(): pair for rng, pair in model.items()}
    ranges = sorted(model)
    assert not any(left.overlaps(right) for left, right in pairwise(ranges))
    for owner in "pqrst":
        taken = taken.give_back(owner)
    assert taken == TakenRanges()


def test_more_taken_ranges_than_a_package_may_have_are_refused():
    taken = TakenRanges().take(Range(1, 1), "dsc_1", "U1").take(Range(2, 2), "dsc_2", "U1")
    taken.require_splits(2)
    with pytest.raises(PackageError, match="split 1 times at most") as refused:
        taken.require_splits(1)
    assert (refused.value.code, refused.value.field) == ("RANGE_TOO_MANY_SPLITS", "bill.range")
