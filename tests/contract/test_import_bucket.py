"""Partners' files: the bucket and its stand-in; and what an address that is given to a partner allows."""

import hashlib
from base64 import b64encode
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
import requests
from moto import mock_aws

from fakes import MemoryUploads
from rongtong.adapters.import_bucket import S3Uploads

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
CONTENT = b"number,range\n"
SHA256 = hashlib.sha256(CONTENT).digest()


@pytest.fixture(params=["memory", "s3"])
def uploads(request, monkeypatch):
    if request.param == "memory":
        yield MemoryUploads()
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="imports")
        yield S3Uploads("imports", lambda: NOW)


def test_what_was_put_is_read_and_what_was_not_is_none(uploads):
    uploads.put("imports/a/b", CONTENT)
    assert uploads.get("imports/a/b") == CONTENT
    assert uploads.get("imports/a/c") is None


def test_a_file_is_replaced(uploads):
    uploads.put("imports/a/b", CONTENT)
    uploads.put("imports/a/b", b"other")
    assert uploads.get("imports/a/b") == b"other"


def test_an_invitation_names_the_key_and_the_length(uploads):
    invited = uploads.invite("imports/a/b", SHA256, len(CONTENT))
    assert "imports/a/b" in invited.url
    assert invited.headers["Content-Length"] == str(len(CONTENT))


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="imports")
        yield S3Uploads("imports", lambda: NOW)


def test_the_address_is_signed_for_this_content_once_and_for_a_quarter_of_an_hour(bucket):
    invited = bucket.invite("imports/a/b", SHA256, len(CONTENT))
    query = parse_qs(urlsplit(invited.url).query)
    signed = set(query["X-Amz-SignedHeaders"][0].split(";"))
    # A header that is signed must be sent as it is; S3 itself compares content and checksum.
    assert {name.lower() for name in invited.headers} | {"host"} == signed
    assert invited.headers["x-amz-checksum-sha256"] == b64encode(SHA256).decode()
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["900"]
    assert (invited.expires_at - NOW).total_seconds() == 900


def test_a_partner_puts_the_file_with_what_the_answer_says(bucket):
    invited = bucket.invite("imports/a/b", SHA256, len(CONTENT))
    answer = requests.put(invited.url, data=CONTENT, headers=dict(invited.headers), timeout=5)
    assert answer.status_code == 200
    assert bucket.get("imports/a/b") == CONTENT
