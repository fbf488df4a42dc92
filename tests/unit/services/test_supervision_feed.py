"""Hints to supervisors: who is told, who is closed, and that nothing which fails here is felt elsewhere."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from access_fakes import ed25519, key_record
from feed_fakes import Door, Listed
from in_memory import PARTNER, Platform, sample_bills
from rongtong.services import supervision_feed
from rongtong.services.cosigning import stored_note, witnessed_size
from rongtong.services.records import STATE, iso
from rongtong.services.supervision import events
from rongtong.services.supervision_feed import LIFE, OF_A_KEY_MAX, Connection, connected, push
from rongtong.services.sweep import sweep

GOOD = next(bill for bill in sample_bills() if bill.bill and not bill.quote and bill.expected == "disbursed")
NOW = datetime(2026, 4, 15, 3, 0, tzinfo=UTC)
KEY = "sample-supervisor#1"
HERE = "203.0.113.7"


@pytest.fixture
def platform():
    made = Platform((PARTNER,))
    made._create("partner#sample-supervisor", STATE, {"role": "supervisor", "keys": {"1": key_record(ed25519())}})
    made.run(made.accept(GOOD))
    sweep(made.context)
    return made


def connection(name, key=KEY, since=NOW, address=HERE):
    return Connection(name, key, address, iso(since))


def listed(*connections):
    return Listed({one.connection_id: one for one in connections})


def change_key(platform, caller="sample-supervisor", **parts):
    item = platform.context.store.get(f"partner#{caller}", STATE)
    keys = {"1": {**item.body["keys"]["1"], **parts}}
    platform.context.store.transact([item.replaced({**item.body, "keys": keys})])


def test_every_connection_is_told_the_newest_cosigned_checkpoint(platform):
    door = Door({"a", "b"})
    done = push(platform.context, listed(connection("a"), connection("b")), door, NOW)
    size = witnessed_size(platform.context)
    expected = {"after": size - 1, "size": size, "checkpoint": stored_note(platform.context)}
    assert [json.loads(text) for text in (*door.came["a"], *door.came["b"])] == [expected] * 2
    assert done == {"told": 2, "closed": 0, "gone": 0, "failed": []}


def test_a_hint_s_after_is_the_feed_s_cursor_once_all_of_it_was_read(platform):
    door = Door({"a"})
    push(platform.context, listed(connection("a")), door, NOW)
    told = json.loads(door.came["a"][0])
    page = events(platform.context, -1)
    assert (told["after"], told["size"], page["more"]) == (page["after"], page["size"], False)


def test_a_hint_holds_no_event_and_fits_into_one_frame(platform):
    door = Door({"a"})
    push(platform.context, listed(connection("a")), door, NOW)
    assert set(json.loads(door.came["a"][0])) == {"after", "size", "checkpoint"}
    assert len(door.came["a"][0].encode()) < 32 * 1024


@pytest.mark.parametrize(
    "parts",
    [
        {"revoked_at": iso(NOW - timedelta(minutes=1))},
        {"not_after": iso(NOW - timedelta(minutes=1))},
        {"not_before": iso(NOW + timedelta(minutes=1))},
    ],
)
def test_a_connection_whose_key_does_not_count_any_more_is_closed_and_told_nothing(platform, parts):
    change_key(platform, **parts)
    connections, door = listed(connection("a")), Door({"a"})
    done = push(platform.context, connections, door, NOW)
    assert (door.came, door.hung_up, door.open, connections.all()) == ({}, ["a"], set(), [])
    assert done == {"told": 0, "closed": 1, "gone": 0, "failed": []}


def test_a_connection_of_a_key_without_the_scope_or_from_an_address_that_is_not_agreed_is_closed(platform):
    item = platform.context.store.get("partner#sample-supervisor", STATE)
    platform.context.store.transact([item.replaced({**item.body, "addresses": ["198.51.100.0/24"]})])
    platform._create("partner#other", STATE, {"role": "partner", "keys": {"1": key_record(ed25519())}})
    connections = listed(connection("a"), connection("b", "other#1"), connection("c", "nobody#1"))
    connections.note(connection("d", address="198.51.100.9"))
    door = Door({"a", "b", "c", "d"})
    push(platform.context, connections, door, NOW)
    assert sorted(door.hung_up) == ["a", "b", "c"]
    assert set(door.came) == {"d"}


def test_a_dead_connection_is_dropped(platform):
    connections, door = listed(connection("a"), connection("b")), Door({"b"})
    done = push(platform.context, connections, door, NOW)
    assert [one.connection_id for one in connections.all()] == ["b"]
    assert done == {"told": 1, "closed": 0, "gone": 1, "failed": []}


def test_a_connection_that_is_older_than_any_can_be_is_dropped_without_a_call(platform):
    connections = listed(connection("a", since=NOW - LIFE - timedelta(seconds=1)))
    door = Door(set(), broken={"a"})
    assert push(platform.context, connections, door, NOW)["failed"] == []
    assert connections.all() == []


def test_a_connection_that_fails_keeps_no_other_from_its_hint_and_stays_for_the_next(platform):
    connections, door = listed(connection("a"), connection("b")), Door({"a", "b"}, broken={"a"})
    done = push(platform.context, connections, door, NOW)
    assert (done["told"], done["failed"]) == (1, ["TimeoutError"])
    door.broken.clear()
    push(platform.context, connections, door, NOW)
    assert len(door.came["a"]) == 1


def test_nobody_is_told_before_a_quorum_has_cosigned_anything():
    platform = Platform(())
    platform._create("partner#sample-supervisor", STATE, {"role": "supervisor", "keys": {"1": key_record(ed25519())}})
    connections, door = listed(connection("a")), Door({"a"})
    assert push(platform.context, connections, door, NOW)["told"] == 0
    assert (door.came, len(connections.all())) == ({}, 1)


def test_a_push_takes_no_longer_than_its_function_has(platform, monkeypatch):
    monkeypatch.setattr(supervision_feed, "_BUDGET_S", 0.0)
    assert push(platform.context, listed(connection("a")), Door({"a"}), NOW)["failed"] == ["TIME_IS_UP"]


def test_a_push_writes_nothing_of_the_platform_s(platform):
    before = platform.context.store.write_units
    push(platform.context, listed(connection("a")), Door({"a"}), NOW)
    assert platform.context.store.write_units == before


def test_a_key_has_so_many_connections_and_a_further_one_takes_the_place_of_its_oldest():
    connections = listed(connection("other", "other#1"))
    for number in range(OF_A_KEY_MAX + 2):
        connected(connections, connection(f"c{number}", since=NOW + timedelta(seconds=number)))
    own = sorted(one.connection_id for one in connections.all() if one.key_id == KEY)
    assert own == [f"c{number}" for number in range(2, OF_A_KEY_MAX + 2)]
    assert "other" in connections.noted
