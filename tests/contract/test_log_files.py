"""One suite for the log's files, held against the stand-in, a folder and a bucket."""

import os

import boto3
import pytest
from moto import mock_aws

from fakes import MemoryFiles
from rongtong.adapters.log_bucket import S3Files
from rongtong.adapters.log_folder import FileFiles
from rongtong.services.errors import LogDamagedError

REGION = "us-east-1"


@pytest.fixture(scope="module", autouse=True)
def _credentials():
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)


@pytest.fixture(params=["in memory", "folder", "s3"])
def files(request, tmp_path):
    if request.param == "in memory":
        yield MemoryFiles()
    elif request.param == "folder":
        yield FileFiles(tmp_path / "log")
    else:
        with mock_aws():
            boto3.client("s3", region_name=REGION).create_bucket(Bucket="log")
            yield S3Files("log")


def test_what_was_created_is_read_back_byte_for_byte(files):
    content = bytes(range(256)) + "账".encode()
    assert files.create("tile/entries/x001/x234/067", content)
    assert files.get_all(["tile/entries/x001/x234/067"]) == [content]


def test_a_file_may_be_empty(files):
    files.create("empty", b"")
    assert files.get_all(["empty"]) == [b""]


def test_files_are_read_in_the_order_asked_for_and_a_missing_one_is_none(files):
    files.create_all({"a/1": b"one", "a/2": b"two"})
    assert files.get_all(["a/2", "a/3", "a/1", "a/2"]) == [b"two", None, b"one", b"two"]


def test_a_file_whose_folder_is_not_there_is_none(files):
    assert files.get_all(["nowhere/at/all"]) == [None]


def test_a_path_that_only_leads_to_others_is_no_file(files):
    files.create("tile/0/000", b"hashes")
    assert files.get_all(["tile/0", "tile/0/000/more"]) == [None, None]


def test_a_file_is_created_once(files):
    files.create("staging/000000000000", b"first")
    assert not files.create("staging/000000000000", b"second")
    assert files.get_all(["staging/000000000000"]) == [b"first"]


def test_a_file_is_created_once_even_with_the_same_content(files):
    files.create("staging/000000000000", b"first")
    assert not files.create("staging/000000000000", b"first")


def test_a_name_that_was_deleted_is_free_again(files):
    files.create("pending/1", b"first")
    files.delete("pending/1")
    assert files.create("pending/1", b"second")


def test_files_that_are_there_with_the_same_content_are_no_obstacle_to_the_others(files):
    files.create_all({"tile/0/000.p/2": b"two", "tile/entries/000.p/2": b"entries"})
    files.create_all({"tile/0/000.p/2": b"two", "tile/0/000.p/3": b"three"})
    assert files.get_all(["tile/0/000.p/2", "tile/0/000.p/3"]) == [b"two", b"three"]


def test_a_file_that_is_there_with_other_content_is_named_and_stays(files):
    files.create("tile/0/000.p/2", b"two")
    with pytest.raises(LogDamagedError, match=r"tile/0/000\.p/2"):
        files.create_all({"tile/0/000.p/2": b"other"})
    assert files.get_all(["tile/0/000.p/2"]) == [b"two"]


def test_put_writes_a_file_and_replaces_it(files):
    files.put("checkpoint", b"the first, which is longer")
    files.put("checkpoint", b"the second")
    assert files.get_all(["checkpoint"]) == [b"the second"]


def test_deleting_what_is_not_there_is_no_error(files):
    files.delete("pending/none")
    assert files.names("pending/") == []


def test_names_are_the_whole_paths_that_begin_so(files):
    files.create_all(
        {"pending/a%23b/1": b"", "pending/a%23b/12": b"", "pending/c/1": b"", "pendings": b"", "other": b""}
    )
    assert files.names("pending/") == ["pending/a%23b/1", "pending/a%23b/12", "pending/c/1"]
    assert files.names("pending/a%23b/1") == ["pending/a%23b/1", "pending/a%23b/12"]


def test_names_come_in_the_order_of_the_bytes_of_the_whole_path(files):
    paths = [
        "tile/0/000",
        "tile/0/000.p/1",
        "tile/0/000.p/20",
        "tile/0/000.p/3",
        "tile/0/x001/000",
        "tile/0-1",
        "tile/1",
    ]
    files.create_all(dict.fromkeys(reversed(paths), b""))
    assert files.names("tile/") == sorted(paths)


def test_names_stop_at_a_thousand(files):
    files.create_all({f"pending/{number:04d}": b"" for number in range(1_003)})
    assert files.names("pending/") == [f"pending/{number:04d}" for number in range(1_000)]


def test_a_name_that_was_deleted_is_listed_no_more(files):
    files.create_all({"pending/1": b"", "pending/2": b""})
    files.delete("pending/1")
    assert files.names("pending/") == ["pending/2"]


def test_a_tile_that_was_met_is_not_read_again():
    with mock_aws():
        bucket = boto3.client("s3", region_name=REGION)
        bucket.create_bucket(Bucket="log")
        files = S3Files("log")
        files.create("tile/0/000.p/1", b"hash")
        bucket.delete_object(Bucket="log", Key="tile/0/000.p/1")
        assert files.get_all(["tile/0/000.p/1"]) == [b"hash"]


def test_only_so_many_tiles_are_kept():
    with mock_aws():
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="log")
        files = S3Files("log")
        for number in range(70):
            files.create(f"tile/0/{number:03d}", b"hash")
        assert (len(files._kept), "tile/0/005" in files._kept, "tile/0/069" in files._kept) == (64, False, True)
