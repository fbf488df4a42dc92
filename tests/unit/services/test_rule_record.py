"""The monthly review tells how often each risk rule was right, from the findings and decisions that are stored."""

import json
from datetime import UTC, datetime

import pytest

from driven_jobs import drive
from in_memory import Platform, sample_bills
from rongtong.domain.jobs import Job
from rongtong.services.context import Execution, Running
from rongtong.services.monthly_figures import RULE_HITS, figures_pk
from rongtong.services.monthly_review import STEPS, read
from rongtong.services.records import POLICY_KEY
from rongtong.services.replay import replay
from rongtong.services.unwind import unwind
from rongtong.services.waiting import decide_review

DOUBTFUL = [bill for bill in sample_bills() if bill.reason == "REVIEW_LARGE_AMOUNT"]
GOOD = sample_bills()[2]
APRIL, MAY = "2026-04", "2026-05"


@pytest.fixture
def platform():
    return Platform()


def month_later(platform, months=1):
    platform.context.clock.instant = datetime(2026, 4 + months, 1, tzinfo=UTC)


def hold(platform, bill=None):
    bill = bill or DOUBTFUL[0]
    discount_id = platform.accept(bill, f"key-{bill.line}")
    platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "IN_REVIEW"
    return discount_id


def decide(platform, discount_id, *, approve):
    item = platform.discount(discount_id)
    decide_review(platform.context, "operations", item, approve=approve, note="FILES_SEEN")


def set_large(platform, **parts):
    item = platform.context.store.get(*POLICY_KEY)
    rules = {**item.body["risk_rules"], "LARGE_AMOUNT": parts}
    platform.context.store.transact([item.replaced({**item.body, "risk_rules": rules})])


def review(platform, **event):
    return drive(platform.context, Job.MONTHLY_REVIEW, STEPS, **event)


def told(platform, period=APRIL, rule="LARGE_AMOUNT"):
    """The rule's rows in the report for programs."""
    rows = json.loads(read(platform.context, period, "json"))["risk_rules"]
    return [row for row in rows if row["rule"] == rule]


def counts(row):
    return {name: row[name]["hits"] for name in ("approved", "rejected", "open", "undecided")}


def test_decisions_of_reviewers_are_told_with_hits_and_face_of_the_rule_s_version(platform):
    set_large(platform, threshold=1)
    ids = approved, rejected, _ = [hold(platform, bill) for bill in sample_bills()[2:5]]
    decide(platform, approved, approve=True)
    decide(platform, rejected, approve=False)
    month_later(platform)
    review(platform)
    (row,) = told(platform)
    assert counts(row) == {"approved": 1, "rejected": 1, "open": 1, "undecided": 0}
    assert row["approved"]["face_fen"] == platform.body(approved)["face_fen"]
    assert row["face_fen"] == sum(platform.body(one)["face_fen"] for one in ids)
    page = read(platform.context, APRIL).decode()
    assert f"<td>{row['threshold']:,} fen</td><td>REVIEW</td><td>3<br>" in page


def test_another_threshold_is_another_row(platform):
    decide(platform, hold(platform, DOUBTFUL[0]), approve=True)
    set_large(platform, threshold=400_000_000)
    decide(platform, hold(platform, DOUBTFUL[1]), approve=False)
    month_later(platform)
    review(platform)
    first, second = told(platform)
    assert (first["threshold"], counts(first)["rejected"]) == (400_000_000, 1)
    assert (second["threshold"], counts(second)["approved"]) == (500_000_000, 1)


def test_a_hit_that_refuses_or_only_records_has_no_decision_of_a_reviewer(platform):
    set_large(platform, action="REJECT")
    platform.run(platform.accept(DOUBTFUL[0], "refused"))
    set_large(platform, action="PASS")
    platform.run(platform.accept(DOUBTFUL[1], "recorded"))
    month_later(platform)
    review(platform)
    assert [(row["action"], counts(row)["undecided"]) for row in told(platform)] == [("PASS", 1), ("REJECT", 1)]


def test_a_review_that_ran_out_of_time_was_decided_by_nobody(platform):
    unwind(platform.context, hold(platform), "REVIEW_TIMED_OUT", refused=True)
    month_later(platform)
    review(platform)
    assert counts(told(platform)[0]) == {"approved": 0, "rejected": 0, "open": 0, "undecided": 1}


def test_what_was_open_is_counted_again_in_the_next_month_and_nothing_else_of_that_month_changes(platform):
    discount_id = hold(platform)
    uscc = DOUBTFUL[0].holder_uscc
    month_later(platform)
    review(platform)
    before = platform.context.store.get(figures_pk(uscc), APRIL).body
    decide(platform, discount_id, approve=True)
    month_later(platform, 2)
    review(platform)
    after = platform.context.store.get(figures_pk(uscc), APRIL).body
    assert counts(told(platform, MAY)[0]) == {"approved": 1, "rejected": 0, "open": 0, "undecided": 0}
    assert {**after, RULE_HITS: before[RULE_HITS]} == before


def test_a_month_whose_hits_are_all_decided_is_not_read_again(platform):
    discount_id = hold(platform)
    decide(platform, discount_id, approve=True)
    month_later(platform)
    review(platform)
    keys, get_many = [], platform.context.store.get_many
    platform.context.store.get_many = lambda asked: keys.extend(asked) or get_many(asked)
    month_later(platform, 2)
    review(platform)
    assert not [key for key in keys if key[0] == f"discount#{discount_id}"]
    assert counts(told(platform, MAY)[0])["approved"] == 1


def test_figures_that_were_kept_before_hits_were_counted_get_them(platform):
    hold(platform)
    month_later(platform)
    review(platform)
    item = platform.context.store.get(figures_pk(DOUBTFUL[0].holder_uscc), APRIL)
    older = {name: value for name, value in item.body.items() if name != RULE_HITS}
    platform.context.store.transact([item.replaced(older)])
    month_later(platform, 2)
    review(platform)
    assert counts(told(platform, MAY)[0])["open"] == 1
    kept = platform.context.store.get(item.pk, APRIL).body
    assert {name: value for name, value in kept.items() if name != RULE_HITS} == older


def test_a_discount_that_was_carried_on_before_its_verification_is_counted_too(platform):
    discount_id = platform.accept(DOUBTFUL[0], "key-1")
    failed = Execution(discount_id, Running.FAILED, platform.context.clock.now(), "States.TaskFailed")
    platform.context.workflows.executions[discount_id] = failed
    replay(platform.context, "operations", discount_id, "DRILL")
    platform.run(discount_id)
    kinds = [one.body["event"]["type"] for one in platform.context.store.query(f"discount#{discount_id}", "event#")]
    assert kinds.index("BillVerified") > 1
    month_later(platform)
    review(platform)
    assert counts(told(platform)[0])["open"] == 1


def test_doing_the_review_again_counts_no_hit_twice(platform):
    hold(platform)
    month_later(platform)
    review(platform)
    first = told(platform)
    review(platform, period=APRIL, again=True)
    assert told(platform) == first


def test_bills_that_no_rule_hits_make_no_row(platform):
    platform.run(platform.accept(GOOD))
    month_later(platform)
    review(platform)
    assert told(platform) == []
