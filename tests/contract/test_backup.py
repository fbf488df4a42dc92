"""Vault, buckets and whole tables: the stand-ins do what S3 and DynamoDB do."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from backup_fakes import MemoryBucket, MemoryTables
from fakes import MemoryStore
from rongtong.adapters.backup_bucket import S3Bucket
from rongtong.adapters.backup_tables import DynamoTables
from rongtong.adapters.dynamodb import DynamoStore
from rongtong.services.storage import Count, Create, Listing, Owned

REGION, OTHER = "us-east-1", "us-west-2"


@pytest.fixture(autouse=True)
def aws(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture(params=["memory", "s3"])
def bucket(request):
    if request.param == "memory":
        return MemoryBucket()
    where = {"LocationConstraint": OTHER}
    boto3.client("s3", region_name=OTHER).create_bucket(Bucket="vault", CreateBucketConfiguration=where)
    return S3Bucket("vault", OTHER)


def _make_table(name, indexed):
    attributes, indexes = {"pk", "sk"}, []
    keys = (("listed", "owner", "listed_at"), ("due", "due", "due_at"), ("owned", "own", "own_at")) if indexed else ()
    for index, key, order in keys:
        attributes |= {key, order}
        schema = [{"AttributeName": key, "KeyType": "HASH"}, {"AttributeName": order, "KeyType": "RANGE"}]
        projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["summary"]}
        projection = projection if index == "listed" else {"ProjectionType": "KEYS_ONLY"}
        indexes.append({"IndexName": index, "KeySchema": schema, "Projection": projection})
    boto3.client("dynamodb").create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in sorted(attributes)],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=indexed,
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    )
    boto3.client("dynamodb").update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )


@pytest.fixture(params=["memory", "dynamodb"])
def tables(request):
    if request.param == "memory":
        return MemoryTables(MemoryStore())
    _make_table("business", indexed=True)
    _make_table("evidence", indexed=False)
    return DynamoTables("business", "evidence", lambda *names: DynamoStore(*names, region=REGION))


def _fill(store):
    listing = Listing("runs#x", "2026-03-01T00:00:00.000Z", {"n": "一"})
    owned = Owned("partner#a", "2026-03-01T00:00:00.000Z", "institution#b")
    store.transact([Create("discount#1", "state", {"a": 1}, due="2026-03-02", listing=listing, owned=owned)])
    store.transact([Create("discount#1", "event#0001", {"b": "二"}), Count("exposure#x", "used", 7)])
    store.transact([Create("log", "head", {"size": 3})])


def _rows(tables, pair, table):
    found, after = [], ""
    while True:
        rows, after = tables.page(pair, table, after)
        found += rows
        if not after:
            return found


def test_what_is_there_is_never_replaced(bucket):
    assert bucket.create("a/1", b"one")
    assert not bucket.create("a/1", b"two")
    assert bucket.get("a/1") == b"one"
    assert bucket.get("a/2") is None


def test_objects_are_listed_in_order_and_their_tag_changes_with_their_content(bucket):
    for name in ("b/2", "a/1", "b/1"):
        bucket.create(name, name.encode())
    assert [one.name for one in bucket.page("")] == ["a/1", "b/1", "b/2"]
    assert [one.name for one in bucket.page("b/1")] == ["b/2"]
    assert bucket.page("b/2") == []
    assert bucket.keys("b/") == ["b/1", "b/2"]
    assert len({one.tag for one in bucket.page("")}) == 3


def test_what_was_replaced_all_the_same_is_still_there_as_an_earlier_version():
    s3 = boto3.client("s3", region_name=OTHER)
    s3.create_bucket(Bucket="vault", CreateBucketConfiguration={"LocationConstraint": OTHER})
    s3.put_bucket_versioning(Bucket="vault", VersioningConfiguration={"Status": "Enabled"})
    vault = S3Bucket("vault", OTHER)
    vault.create("a/1", b"one")
    for content in (b"two", b"three"):
        s3.put_object(Bucket="vault", Key="a/1", Body=content)
    vault.create("a/10", b"another")
    assert vault.get("a/1") == b"three"
    assert list(vault.earlier("a/1")) == [b"two", b"one"]
    assert list(vault.earlier("a/10")) == []


@pytest.fixture(params=["memory", "s3"])
def locking(request):
    """A vault that locks for ten days what is put there."""
    if request.param == "memory":
        return MemoryBucket(locks_for=timedelta(days=10))
    s3 = boto3.client("s3", region_name=OTHER)
    where = {"LocationConstraint": OTHER}
    s3.create_bucket(Bucket="locking", CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 10}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket="locking", ObjectLockConfiguration=lock)
    return S3Bucket("locking", OTHER)


def test_what_is_locked_is_kept_for_longer_and_never_for_less(locking):
    locking.create("a/1", b"one")
    until = datetime(2999, 1, 1, tzinfo=UTC)
    assert locking.keep("a/1", until) == until
    assert locking.keep("a/1", until - timedelta(days=1)) == until
    assert locking.keep("a/2", until) is None
    assert locking.retention() == timedelta(days=10)


def test_a_vault_without_locks_says_so(bucket):
    assert bucket.retention() is None


def test_a_snapshot_holds_what_the_tables_held_and_takes_no_more(tables):
    _fill(tables.store(""))
    tables.snapshot("backup-1", tables.latest().at)
    tables.snapshot("backup-1", tables.latest().at)
    assert tables.ready("backup-1")
    tables.store("").transact([Create("discount#2", "state", {})])
    assert {(row["pk"]["S"], row["sk"]["S"]) for row in _rows(tables, "backup-1", "business")} == {
        ("discount#1", "state"),
        ("discount#1", "event#0001"),
        ("exposure#x", "used"),
    }
    assert [row["pk"]["S"] for row in _rows(tables, "backup-1", "evidence")] == ["log"]


def test_records_that_are_loaded_are_as_they_were_to_every_reader(tables):
    _fill(tables.store(""))
    before = tables.store("").get("discount#1", "state")
    tables.make("drill-1", tables.schemas())
    tables.make("drill-1", tables.schemas())
    for table in ("business", "evidence"):
        tables.load("drill-1", table, _rows(tables, "", table))
    store = tables.store("drill-1")
    assert store.get("discount#1", "state") == before
    assert store.counter("exposure#x", "used") == 7
    assert store.get("log", "head").body == {"size": 3}
    assert [one.summary for one in store.listed("runs#x", "0")] == [{"n": "一"}]
    assert [item.pk for item in store.due("2026-03-03")] == ["discount#1"]


def test_more_records_than_one_batch_or_page_come_back_whole(tables):
    for number in range(60):
        tables.store("").transact([Create(f"discount#{number:02d}", "state", {"n": number})])
    rows = _rows(tables, "", "business")
    tables.make("drill-1", tables.schemas())
    tables.load("drill-1", "business", rows)
    assert sorted(row["pk"]["S"] for row in _rows(tables, "drill-1", "business")) == [
        f"discount#{number:02d}" for number in range(60)
    ]


def test_a_pair_that_is_dropped_is_gone_and_may_be_dropped_again(tables):
    tables.make("drill-1", tables.schemas())
    tables.drop("drill-1")
    tables.drop("drill-1")
    tables.make("drill-1", tables.schemas())
    assert _rows(tables, "drill-1", "business") == []


def test_the_platform_s_own_tables_are_made_again_as_they_were():
    _make_table("business", indexed=True)
    _make_table("evidence", indexed=False)
    tables = DynamoTables("business", "evidence", lambda *names: DynamoStore(*names, region=REGION))
    schemas, dynamodb = tables.schemas(), boto3.client("dynamodb")
    dynamodb.update_table(TableName="business", DeletionProtectionEnabled=False)
    for name in ("business", "evidence"):
        dynamodb.delete_table(TableName=name)
    tables.make("", schemas)
    tables.protect()
    table = dynamodb.describe_table(TableName="business")["Table"]
    assert table["DeletionProtectionEnabled"]
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {"listed", "due", "owned"}
    backups = dynamodb.describe_continuous_backups(TableName="business")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
