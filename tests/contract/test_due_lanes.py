"""What is due for partners' receivers stands in a lane of its own, in memory and in DynamoDB."""

import pytest
from moto import mock_aws

from fakes import MemoryStore
from rongtong.adapters.dynamodb import DynamoStore
from rongtong.services.storage import DELIVERY_LANE, Create, Replace
from sandbox_server import create_table


@pytest.fixture(params=["in memory", "dynamodb"])
def store(request, monkeypatch):
    if request.param == "in memory":
        yield MemoryStore()
        return
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        create_table("business")
        create_table("evidence")
        yield DynamoStore("business", "evidence", region="us-east-1")


@pytest.fixture
def filled(store):
    for number in range(3):
        store.transact([Create(f"delivery#{number}", "state", {}, due=f"2026-01-0{number + 1}")])
    store.transact([Create("discount#1", "state", {}, due="2026-01-02")])
    return store


def _due(store, **more):
    return [item.pk for item in store.due("2026-02-01", **more)]


def test_deliveries_do_not_stand_before_what_moves_money(filled):
    assert _due(filled) == ["discount#1"]


def test_deliveries_are_due_in_their_own_lane_oldest_first(filled):
    assert _due(filled, lane=DELIVERY_LANE) == ["delivery#0", "delivery#1", "delivery#2"]


def test_no_more_are_read_than_asked_for(filled):
    assert _due(filled, lane=DELIVERY_LANE, most=2) == ["delivery#0", "delivery#1"]


def test_a_delivery_that_is_put_off_stays_in_its_lane(filled):
    filled.transact([Replace("delivery#0", "state", {}, 1, due="2026-01-09")])
    assert _due(filled, lane=DELIVERY_LANE) == ["delivery#1", "delivery#2", "delivery#0"]


def test_what_is_due_is_read_from_an_instant_on_and_before_another(filled):
    found = filled.due("2026-01-03", since="2026-01-02", lane=DELIVERY_LANE)
    assert [item.pk for item in found] == ["delivery#1"]
    assert [item.pk for item in filled.due("2026-01-03", since="2026-01-03", lane=DELIVERY_LANE)] == []
    later = filled.due("2026-01-09", since="2026-01-02", lane=DELIVERY_LANE, most=1)
    assert [item.pk for item in later] == ["delivery#1"]
