"""The archive's addresses and types, and an auditor's look at the log's files, in S3."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from moto import mock_aws

from rongtong.adapters.archive import S3Archive
from rongtong.adapters.log_bucket import S3Files

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)


@pytest.fixture
def s3(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="files")
        yield client


def test_whoever_has_the_address_fetches_the_file_for_a_quarter_of_an_hour(s3):
    archive = S3Archive("files", lambda: NOW)
    archive.put("audit-packs/2026/1.zip", b"PK")
    link = archive.link("audit-packs/2026/1.zip")
    assert requests.get(link.url, timeout=5).content == b"PK"
    assert parse_qs(urlsplit(link.url).query)["X-Amz-Expires"] == ["900"]
    assert link.expires_at == NOW + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("contracts/d/1.json", "application/json"),
        ("audit/d/1.html", "text/html; charset=utf-8"),
        ("audit-packs/2026/1.zip", "application/zip"),
    ],
)
def test_a_file_has_the_type_that_its_name_says(s3, key, kind):
    S3Archive("files").put(key, b"content")
    assert s3.head_object(Bucket="files", Key=key)["ContentType"] == kind


@pytest.mark.parametrize(("kept_max", "seen"), [(64, b"one"), (0, b"two")])
def test_only_whoever_keeps_no_tiles_sees_that_one_has_changed(s3, kept_max, seen):
    files = S3Files("files", kept_max)
    files.create("tile/0/000", b"one")
    s3.put_object(Bucket="files", Key="tile/0/000", Body=b"two")
    assert files.get_all(["tile/0/000"]) == [seen]
