"""What waits for a reviewer is listed until somebody has decided it, or nobody has in time."""

from datetime import timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.services import waiting

DOUBTFUL = [bill for bill in sample_bills() if bill.expected == "in_review"]
GOOD = next(bill for bill in sample_bills() if bill.expected == "disbursed" and not bill.quote and not bill.at)


@pytest.fixture
def platform():
    return Platform()


def _begun(platform, bill, key):
    discount_id = platform.accept(bill, key)
    platform.run(discount_id)
    return discount_id


def _listed(platform):
    return [one["discount"]["discount_id"] for one in waiting.reviews(platform.context)["reviews"]]


def test_what_waits_for_a_reviewer_is_listed_and_nothing_else(platform):
    doubtful = _begun(platform, DOUBTFUL[0], "key-1")
    _begun(platform, GOOD, "key-2")
    assert _listed(platform) == [doubtful]


def test_it_says_what_is_doubted_and_until_when_it_can_be_decided(platform):
    begun_at = platform.context.clock.now()
    _begun(platform, DOUBTFUL[0], "key-1")
    (one,) = waiting.reviews(platform.context)["reviews"]
    assert one["discount"]["reason"] == DOUBTFUL[0].reason
    assert one["decide_by"] == (begun_at + timedelta(days=14)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_whose_time_is_up_first_stands_at_the_top(platform):
    first = _begun(platform, DOUBTFUL[0], "key-1")
    platform.context.clock.instant += timedelta(minutes=5)
    second = _begun(platform, DOUBTFUL[1], "key-2")
    assert _listed(platform) == [first, second]


@pytest.mark.parametrize("approve", [True, False])
def test_what_was_decided_waits_no_more(platform, approve):
    discount_id = _begun(platform, DOUBTFUL[0], "key-1")
    waiting.decide_review(
        platform.context, "operations", platform.discount(discount_id), approve=approve, note="FILES_SEEN"
    )
    assert _listed(platform) == []


def test_the_list_says_when_there_is_more_than_it_was_asked_for(platform):
    _begun(platform, DOUBTFUL[0], "key-1")
    platform.context.clock.instant += timedelta(minutes=5)
    newest = _begun(platform, DOUBTFUL[1], "key-2")
    found = waiting.reviews(platform.context, most=1)
    assert [one["discount"]["discount_id"] for one in found["reviews"]] == [newest]
    assert found["more"]
