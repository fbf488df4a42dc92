"""Contracts in S3, written once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rongtong.services.errors import ContractAlteredError


class S3Archive:
    """A bucket whose objects are never replaced: a put is conditional on the key being free."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket

    @cached_property
    def _s3(self) -> Any:
        return boto3.client("s3")

    def put(self, key: str, content: bytes) -> None:
        """Store. The same content again is no change; raises ContractAlteredError for other content under the key."""
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType="application/json", IfNoneMatch="*"
            )
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
