"""The evidence log's files in S3."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rongtong.services.errors import LogDamagedError

_AT_ONCE = 8
_TAKEN = "PreconditionFailed"
_MEETING = "ConditionalRequestConflict"
"""Another put of the same key is under way: it may still fail."""
_ATTEMPTS = 5
_MISSING = ("NoSuchKey", "404")


class S3Files:
    """A bucket; S3 answers reads, lists and conditional puts strongly consistent."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @cached_property
    def _s3(self) -> Any:
        return boto3.client("s3")

    @cached_property
    def _hands(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that must not be there yet; False where one is, whatever it holds."""
        for attempt in range(_ATTEMPTS):
            try:
                self._s3.put_object(Bucket=self._bucket, Key=path, Body=content, IfNoneMatch="*")
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == _TAKEN:
                    return False
                if code != _MEETING or attempt + 1 == _ATTEMPTS:
                    raise
                time.sleep(random.uniform(0, 0.02 * 2**attempt))
            else:
                return True
        raise AssertionError("the last attempt returns or raises")

    def create_all(self, files: Mapping[str, bytes]) -> None:
        """Write files side by side; one that is there already must hold the same. Raises LogDamagedError."""
        paths = list(files)
        made = list(self._hands.map(lambda path: self.create(path, files[path]), paths))
        there = [path for path, new in zip(paths, made, strict=True) if not new]
        for path, content in zip(there, self.get_all(there), strict=True):
            if content != files[path]:
                raise LogDamagedError(f"The log's {path} holds something else than its writers laid; look at it first.")

    def get_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """The files' contents side by side, None for one that is not there."""
        return list(self._hands.map(self._get, paths))

    def put(self, path: str, content: bytes) -> None:
        """Write a file, or replace it."""
        self._s3.put_object(Bucket=self._bucket, Key=path, Body=content)

    def names(self, prefix: str) -> list[str]:
        """Paths that begin so, at most 1,000 of them, in order."""
        answer = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        return [str(found["Key"]) for found in answer.get("Contents", ())]

    def delete(self, path: str) -> None:
        """Remove a file, if it is there."""
        self._s3.delete_object(Bucket=self._bucket, Key=path)

    def _get(self, path: str) -> bytes | None:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=path)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            return None
        return bytes(answer["Body"].read())
