"""One suite for used nonces and counts, held against the stand-in and against the real adapter."""

import os
from datetime import UTC, datetime

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from access_fakes import MemoryNonces
from rongtong.adapters.nonces import NonceTable

REGION = "us-east-1"
UNTIL = datetime(2026, 4, 15, 2, 7, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _credentials():
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)


@pytest.fixture
def table():
    with mock_aws():
        boto3.client("dynamodb", region_name=REGION).create_table(
            TableName="nonces",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "used", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "used", "KeyType": "HASH"}],
        )
        yield NonceTable("nonces")


@pytest.fixture(params=["in memory", "dynamodb"])
def nonces(request):
    return MemoryNonces() if request.param == "in memory" else request.getfixturevalue("table")


def _stored():
    items = boto3.client("dynamodb", region_name=REGION).scan(TableName="nonces")["Items"]
    return {item["used"]["S"]: item for item in items}


def test_a_nonce_is_taken_once(nonces):
    assert [nonces.take("partner-a#1", "n-1", UNTIL) for _ in range(3)] == [True, False, False]


def test_other_nonces_and_other_keys_are_not_taken_with_it(nonces):
    nonces.take("partner-a#1", "n-1", UNTIL)
    others = [("partner-a#1", "n-2"), ("partner-a#2", "n-1"), ("partner-b#1", "n-1")]
    assert [nonces.take(*other, UNTIL) for other in others] == [True, True, True]


def test_requests_are_counted_by_caller_and_window(nonces):
    asked = [("a", "1"), ("a", "1"), ("b", "1"), ("a", "2"), ("a", "1")]
    assert [nonces.count(*one, UNTIL) for one in asked] == [1, 2, 1, 1, 3]


def test_entries_may_go_when_nobody_asks_for_them_any_more(table):
    table.take("partner-a#1", "n-1", UNTIL)
    table.count("partner-a", "1776218400", UNTIL)
    assert {item["expires_at"]["N"] for item in _stored().values()} == {str(int(UNTIL.timestamp()))}
    assert len(_stored()) == 2


def test_a_nonce_whose_answer_was_lost_is_taken_by_the_same_put_sent_again(table):
    put = table._dynamodb.put_item

    def twice(**asked):
        put(**asked)
        return put(**asked)

    table._dynamodb.put_item = twice
    assert table.take("partner-a#1", "n-1", UNTIL) is True


def test_what_is_no_used_nonce_is_an_error_and_no_refusal(table):
    with pytest.raises(ClientError):
        NonceTable("nowhere").take("partner-a#1", "n-1", UNTIL)
