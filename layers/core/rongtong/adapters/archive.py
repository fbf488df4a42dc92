"""Contracts, reports and audit packs in S3, written once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from rongtong.services.context import ArchiveLink
from rongtong.services.errors import ContractAlteredError

_TYPES = {"html": "text/html; charset=utf-8", "zip": "application/zip"}
"""By the key's ending; everything else is JSON."""
_LINK_LIFE = timedelta(minutes=15)


def _now() -> datetime:
    return datetime.now(UTC)


class S3Archive:
    """A bucket whose objects are never replaced: a put is conditional on the key being free."""

    def __init__(self, bucket: str, now: Callable[[], datetime] = _now) -> None:
        self._bucket = bucket
        self._now = now

    @cached_property
    def _s3(self) -> Any:
        # What is encrypted under a key of KMS is fetched by signatures of version 4 alone.
        return boto3.client("s3", config=Config(signature_version="s3v4"))

    def put(self, key: str, content: bytes) -> None:
        """Store. The same content again is no change; raises ContractAlteredError for other content under the key."""
        kind = _TYPES.get(key.rpartition(".")[2], "application/json")
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=kind, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise
            if self.get(key) != content:
                raise ContractAlteredError(
                    "Another contract is archived under this discount; look at it first."
                ) from error

    def get(self, key: str) -> bytes | None:
        """The content, or None."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        return bytes(answer["Body"].read())

    def link(self, key: str) -> ArchiveLink:
        """Let whoever is given the answer fetch the file for 15 minutes, or until the function's credentials expire."""
        url = self._s3.generate_presigned_url(
            "get_object", Params={"Bucket": self._bucket, "Key": key}, ExpiresIn=int(_LINK_LIFE.total_seconds())
        )
        return ArchiveLink(str(url), self._now() + _LINK_LIFE)
