"""How often a risk rule was right: what counts as a hit, for which version, and from when on the numbers speak."""

import pytest

from rongtong.domain.rule_record import (
    SPEAKS_FROM,
    VERSIONS_MAX,
    Outcome,
    Screened,
    add_record,
    has_open,
    record_of,
    rows_of,
)


def finding(rule="LARGE_AMOUNT", action="REVIEW", threshold=5):
    return {"rule_id": rule, "action": action, "threshold": threshold}


def screened(outcome=Outcome.APPROVED, *findings, listed=False, fen=100):
    return Screened(findings or (finding(),), listed, outcome, fen)


def rows(*found):
    return rows_of(record_of(found))


def only(*found):
    (row,) = rows(*found)
    return row


def test_each_outcome_has_its_hits_and_its_face():
    row = only(*(screened(outcome, fen=at + 1) for at, outcome in enumerate(Outcome)), screened(Outcome.OPEN, fen=10))
    assert row.counts == {
        Outcome.APPROVED: (1, 1),
        Outcome.REJECTED: (1, 2),
        Outcome.OPEN: (2, 13),
        Outcome.UNDECIDED: (1, 4),
    }
    assert row.hits == 5


def test_a_threshold_that_was_changed_is_another_version_and_so_is_another_action():
    found = rows(
        screened(Outcome.APPROVED, finding(threshold=7)),
        screened(Outcome.APPROVED, finding(threshold=5)),
        screened(Outcome.UNDECIDED, finding(threshold=5, action="PASS")),
    )
    assert [(row.threshold, row.action) for row in found] == [(5, "PASS"), (5, "REVIEW"), (7, "REVIEW")]


def test_a_discount_that_two_rules_hit_counts_for_both_in_the_rules_order():
    found = rows(screened(Outcome.REJECTED, finding(), finding("DORMANT_ACTIVE", threshold=180)))
    assert [(row.rule, row.hits, row.rejected_alone) for row in found] == [
        ("DORMANT_ACTIVE", 1, 0),
        ("LARGE_AMOUNT", 1, 0),
    ]


def test_a_rejection_is_a_rule_s_own_where_nothing_else_asked_for_a_person():
    alone = screened(Outcome.REJECTED, finding(), finding("OUT_OF_HOURS", "PASS", 1))
    by_list = screened(Outcome.REJECTED, listed=True)
    assert {row.rule: row.rejected_alone for row in rows(alone, by_list)} == {"LARGE_AMOUNT": 1, "OUT_OF_HOURS": 0}


@pytest.mark.parametrize(
    ("found", "word"),
    [
        ([screened()] * SPEAKS_FROM, f"approved all {SPEAKS_FROM}"),
        ([screened(Outcome.REJECTED)] * SPEAKS_FROM, f"rejected all {SPEAKS_FROM}"),
        ([screened()] * (SPEAKS_FROM - 1), None),
        ([screened()] * SPEAKS_FROM + [screened(Outcome.REJECTED)], None),
        ([screened(Outcome.OPEN)] * SPEAKS_FROM, None),
        ([screened(Outcome.REJECTED, listed=True)] * SPEAKS_FROM, None),
        ([screened(Outcome.APPROVED, finding(action="PASS"))] * SPEAKS_FROM, None),
        ([screened(Outcome.UNDECIDED, finding(action="REJECT"))] * SPEAKS_FROM, None),
    ],
)
def test_something_is_suggested_only_where_enough_decisions_all_say_the_same(found, word):
    suggestion = only(*found).suggestion()
    assert suggestion is None if word is None else word in suggestion


def test_open_hits_are_known_to_be_open():
    assert has_open(record_of([screened(), screened(Outcome.OPEN)]))
    assert not has_open(record_of([screened(), screened(Outcome.UNDECIDED)]))
    assert not has_open({})


def test_sums_add_up_and_leave_what_was_added_as_it_was():
    total, first = {}, record_of([screened()])
    for _ in range(2):
        add_record(total, first)
    assert rows_of(total)[0].counts[Outcome.APPROVED] == (2, 200)
    assert first == record_of([screened()])


def test_versions_beyond_those_that_are_kept_apart_count_for_their_rule_and_suggest_nothing():
    total = {}
    for threshold in range(1, VERSIONS_MAX + 61):
        add_record(total, record_of([screened(Outcome.APPROVED, finding(threshold=threshold))]))
    found = rows_of(total)
    assert (len(found), found[-1].threshold, found[-1].hits) == (VERSIONS_MAX + 1, None, 60)
    assert found[-1].suggestion() is None


def test_a_rule_that_is_no_more_is_told_last_by_its_id():
    found = rows(screened(Outcome.APPROVED, finding("GONE")), screened())
    assert [(row.rule, row.title, row.unit) for row in found][-1] == ("GONE", "GONE", "")
