"""Files of bills in S3: partners put large ones there themselves, with an address that is signed for one content."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from rongtong.services.context import Invitation

_LIFE = timedelta(minutes=15)
_TYPE = "application/octet-stream"


class S3Uploads:
    """A bucket that forgets its files after some days.

    The signature of an address (Signature Version 4) covers length and SHA-256 of the content and that nothing is there
    yet: S3 refuses every other content, and every second one.
    """

    def __init__(self, bucket: str, now: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._now = now

    @cached_property
    def _s3(self) -> Any:
        # Without it a region older than 2014 is signed for in the former way, which knows no signed headers.
        return boto3.client("s3", config=Config(signature_version="s3v4"))

    def invite(self, key: str, sha256: bytes, size: int) -> Invitation:
        """Let whoever is given the answer put this one content under the key."""
        checksum = b64encode(sha256).decode()
        signed: dict[str, Any] = {
            "ContentLength": size,
            "ContentType": _TYPE,
            "ChecksumSHA256": checksum,
            "IfNoneMatch": "*",
        }
        url = self._s3.generate_presigned_url(
            "put_object",
            Params={"Bucket": self._bucket, "Key": key, **signed},
            ExpiresIn=int(_LIFE.total_seconds()),
            HttpMethod="PUT",
        )
        headers = {
            "Content-Length": str(size),
            "Content-Type": _TYPE,
            "x-amz-checksum-sha256": checksum,
            "If-None-Match": "*",
        }
        return Invitation(str(url), headers, self._now() + _LIFE)

    def put(self, key: str, content: bytes) -> None:
        """Write a file, or replace it."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=_TYPE)

    def get(self, key: str) -> bytes | None:
        """The content, None where there is none (any more)."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        return bytes(answer["Body"].read())
