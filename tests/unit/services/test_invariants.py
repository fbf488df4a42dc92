"""What must hold of stored state: each promise that is broken is found, and named with what breaks it."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain.tiles import tile_of
from rongtong.services.invariants import Promise, check
from rongtong.services.records import STATE

PAID = [bill for bill in sample_bills() if bill.expected == "disbursed" and bill.bill]
BILLS = [bill for bill in PAID if not bill.quote and not bill.at]


@pytest.fixture
def platform():
    platform = Platform()
    platform.run(platform.accept(BILLS[0], "key-1"))
    platform.paid = platform.accept(BILLS[1], "key-2")
    platform.run(platform.paid)
    return platform


def _check(platform):
    archive = platform.context.archive
    # Whose limits moved in this very moment is not compared.
    platform.context.clock.instant += timedelta(seconds=1)

    def archived(key):
        content = archive.get(key)
        return None if content is None else hashlib.sha256(content).hexdigest()

    return check(platform.context, archived)


def _edit(platform, pk, sk, **changes):
    item = platform.context.store.items[pk, sk]
    body = {key: value for key, value in {**item.body, **changes}.items() if value is not None}
    platform.context.store.items[pk, sk] = replace(item, body=body)


def _only(findings):
    (broken,) = findings.broken
    return broken.promise, broken.subject


def test_of_a_platform_at_work_everything_holds(platform):
    waiting = platform.accept(BILLS[2], "key-3", confirmed=False)
    platform.run(waiting)
    found = _check(platform)
    assert found.broken == []
    assert found.discounts == 3
    assert found.leaves > 0


def test_an_event_that_is_missing_is_found(platform):
    del platform.context.store.items[f"discount#{platform.paid}", "event#0003"]
    promises = {(one.promise, one.subject) for one in _check(platform).broken}
    assert (Promise.EVENTS_COMPLETE, f"discount#{platform.paid}") in promises


def test_a_contract_that_is_gone_or_another_is_found(platform):
    key = next(key for key in platform.context.archive.objects if platform.paid in key)
    platform.context.archive.objects[key] += b" "
    assert _only(_check(platform)) == (Promise.SEALED_CONTRACT_ARCHIVED, f"discount#{platform.paid}")
    del platform.context.archive.objects[key]
    assert _only(_check(platform)) == (Promise.SEALED_CONTRACT_ARCHIVED, f"discount#{platform.paid}")


def test_a_paid_discount_without_its_payment_is_found(platform):
    del platform.context.store.items[f"discount#{platform.paid}", "payment#1"]
    assert _only(_check(platform)) == (Promise.PAID_ONCE, f"discount#{platform.paid}")


def test_a_paid_discount_whose_range_is_free_is_found(platform):
    package = f"package#{BILLS[1].request['bill']['number']}"
    ranges = platform.context.store.items[package, STATE].body["ranges"]
    _edit(platform, package, STATE, ranges={wire: one for wire, one in ranges.items() if one[0] != platform.paid})
    assert _only(_check(platform)) == (Promise.UNPAID_GIVEN_BACK, f"discount#{platform.paid}")


def test_a_limit_that_does_not_add_up_is_found(platform):
    store = platform.context.store
    key = next(key for key in store.counters if key[0].startswith("exposure#acceptor#"))
    store.counters[key] += 1
    assert _only(_check(platform))[0] is Promise.LIMITS_ADD_UP


def test_an_event_whose_entry_is_another_is_found(platform):
    pk = f"discount#{platform.paid}"
    document = platform.context.store.items[pk, "event#0001"].body
    _edit(platform, pk, "event#0001", salt="00" * 16)
    assert _only(_check(platform)) == (Promise.LOGGED_AS_IS, pk)
    _edit(platform, pk, "event#0001", **document)
    assert _check(platform).broken == []


def test_two_events_that_claim_one_entry_are_found(platform):
    pk = f"discount#{platform.paid}"
    logged = platform.context.store.items[pk, STATE].body["logged"]
    (first, _), *rest = logged
    _edit(platform, pk, STATE, logged=[[first - 1, 1], [first + 1, logged[0][1] - 1], *rest])
    promises = {one.promise for one in _check(platform).broken}
    assert Promise.LOGGED_ONCE in promises


def test_a_changed_byte_of_the_log_is_found_in_its_file(platform):
    files = platform.context.files.files
    size = int(platform.context.store.items["log", "head"].body["size"])
    name = tile_of(None, 0, size).path()
    files[name] = files[name][:-1] + bytes([files[name][-1] ^ 1])
    broken = _check(platform).broken
    assert broken[0].promise is Promise.LOG_IS_ONE_TREE
    assert name in broken[0].told


def test_what_nobody_looks_after_is_found(platform):
    waiting = platform.accept(BILLS[2], "key-3", confirmed=False)
    item = platform.context.store.items[f"discount#{waiting}", STATE]
    platform.context.store.items[item.pk, item.sk] = replace(item, due=None)
    assert _only(_check(platform)) == (Promise.LOOKED_AFTER, f"discount#{waiting}")
