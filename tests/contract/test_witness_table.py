"""One suite for a witness's table, held against the stand-in and against the real adapter."""

import os

import boto3
import pytest
from moto import mock_aws

from rongtong.adapters.witness_table import WitnessTable
from witness_fakes import MemoryWitnessStore, create_table

REGION = "us-east-1"
ORIGIN = "log.example/deals"


@pytest.fixture(scope="module", autouse=True)
def _credentials():
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)


@pytest.fixture(params=["in memory", "dynamodb"])
def tables(request):
    """The table, and what it keeps as evidence of the log of this name."""
    if request.param == "in memory":
        store = MemoryWitnessStore()
        yield store, lambda: {name: evidence for (_, name), evidence in store.kept.items()}
        return
    with mock_aws():
        create_table("witness", REGION)
        yield WitnessTable("witness"), _kept


def _kept():
    items = boto3.client("dynamodb", region_name=REGION).scan(TableName="witness", ConsistentRead=True)["Items"]
    read = [{name: value["S"] for name, value in item.items()} for item in items]
    return {
        item["record"].removeprefix("kept#"): {
            name: value for name, value in item.items() if name not in ("origin", "record")
        }
        for item in read
        if item["record"].startswith("kept#")
    }


@pytest.fixture
def table(tables):
    return tables[0]


def test_of_a_log_that_was_never_seen_there_is_nothing(table):
    assert table.latest(ORIGIN) is None


def test_what_was_put_first_is_read_back(table):
    assert table.move(ORIGIN, None, "票 1\n")
    assert table.latest(ORIGIN) == "票 1\n"


def test_a_first_note_is_put_once(table):
    table.move(ORIGIN, None, "1")
    assert not table.move(ORIGIN, None, "2")
    assert table.latest(ORIGIN) == "1"


def test_a_note_takes_the_place_of_exactly_the_one_that_was_read(table):
    table.move(ORIGIN, None, "1")
    assert table.move(ORIGIN, "1", "2")
    assert not table.move(ORIGIN, "1", "3")
    assert table.latest(ORIGIN) == "2"


def test_nothing_moves_from_a_note_where_there_is_none(table):
    assert not table.move(ORIGIN, "1", "2")
    assert table.latest(ORIGIN) is None


def test_a_note_may_take_its_own_place(table):
    table.move(ORIGIN, None, "1")
    assert table.move(ORIGIN, "1", "1")


def test_logs_stand_beside_each_other(table):
    table.move(ORIGIN, None, "1")
    assert table.move("another.example/log", None, "2")
    assert (table.latest(ORIGIN), table.latest("another.example/log")) == ("1", "2")


def test_evidence_is_kept_beside_the_note(tables):
    table, kept = tables
    table.move(ORIGIN, None, "1")
    table.keep(ORIGIN, "FORKED#ab", {"known": "", "shown": "2"})
    assert kept() == {"FORKED#ab": {"known": "", "shown": "2"}}
    assert table.latest(ORIGIN) == "1"


def test_evidence_that_is_kept_stays_as_it_was(tables):
    table, kept = tables
    table.keep(ORIGIN, "FORKED#ab", {"shown": "2"})
    table.keep(ORIGIN, "FORKED#ab", {"shown": "3"})
    assert kept() == {"FORKED#ab": {"shown": "2"}}
