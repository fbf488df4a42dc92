"""The evidence log's files in S3."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rongtong.adapters.created_once import create_once
from rongtong.services.errors import LogDamagedError

_AT_ONCE = 8
_MISSING = ("NoSuchKey", "404")
_TILES = "tile/"
KEPT_MAX = 64
"""Tiles that one process keeps: each at most 8 KiB, and a batch or a proof needs those of the right edge, some six."""


class S3Files:
    """A bucket; S3 answers reads, lists and conditional puts strongly consistent.

    Tiles never change once they are written (C2SP tlog-tiles): those last met are not read again. Whoever audits, and
    so asks whether they did change, keeps none (``kept_max`` 0).
    """

    def __init__(self, bucket: str, kept_max: int = KEPT_MAX) -> None:
        self._bucket = bucket
        self._kept_max = kept_max
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    @cached_property
    def _s3(self) -> Any:
        return boto3.client("s3")

    @cached_property
    def _hands(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_ONCE)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that must not be there yet; False where one is, whatever it holds."""
        created = create_once(self._s3, self._bucket, path, content)
        if created:
            self._keep(path, content)
        return created

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
        self._kept.pop(path, None)
        self._s3.put_object(Bucket=self._bucket, Key=path, Body=content)

    def names(self, prefix: str) -> list[str]:
        """Paths that begin so, at most 1,000 of them, in order."""
        answer = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
        return [str(found["Key"]) for found in answer.get("Contents", ())]

    def delete(self, path: str) -> None:
        """Remove a file, if it is there."""
        self._kept.pop(path, None)
        self._s3.delete_object(Bucket=self._bucket, Key=path)

    def _get(self, path: str) -> bytes | None:
        kept = self._kept.get(path)
        if kept is not None:
            return kept
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=path)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            return None
        content = bytes(answer["Body"].read())
        self._keep(path, content)
        return content

    def _keep(self, path: str, content: bytes) -> None:
        if path.startswith(_TILES):
            self._kept[path] = content
            while len(self._kept) > self._kept_max:
                with suppress(KeyError):  # another thread was quicker
                    self._kept.popitem(last=False)
