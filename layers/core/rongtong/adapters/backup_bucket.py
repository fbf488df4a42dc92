"""Buckets that are copied, and the one in another region where the copies lie, in S3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from rongtong.adapters.created_once import create_once
from rongtong.services.backup_ports import Listed

_MISSING = ("NoSuchKey", "404")
_NOT_LOCKED = "ObjectLockConfigurationNotFoundError"
_DAYS_A_YEAR = 365


class S3Bucket:
    """A bucket, in a region of its own where one is named. A put is conditional on the key being free."""

    def __init__(self, bucket: str, region: str | None = None) -> None:
        self._bucket = bucket
        self._region = region

    @cached_property
    def _s3(self) -> Any:
        return boto3.client("s3", region_name=self._region)

    @cached_property
    def _rule(self) -> dict[str, Any]:
        """What S3 locks every new object with; empty where it locks none."""
        try:
            answer = self._s3.get_object_lock_configuration(Bucket=self._bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != _NOT_LOCKED:
                raise
            return {}
        return dict(answer["ObjectLockConfiguration"].get("Rule", {}).get("DefaultRetention", {}))

    def retention(self) -> timedelta | None:
        """So long an object that is put now is locked; None where the bucket locks none."""
        days = self._rule.get("Days") or self._rule.get("Years", 0) * _DAYS_A_YEAR
        return timedelta(days=days) if days else None

    def keep(self, key: str, until: datetime) -> datetime | None:
        """Lock an object's newest version until then, if it is not for longer; None where there is none."""
        try:
            head = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            return None
        locked: datetime | None = head.get("ObjectLockRetainUntilDate")
        if locked is not None and locked >= until:
            return locked
        retention = {"Mode": self._rule["Mode"], "RetainUntilDate": until}
        self._s3.put_object_retention(Bucket=self._bucket, Key=key, Retention=retention)
        return until

    def create(self, name: str, content: bytes) -> bool:
        """Put; False, and no change, where there is an object of this name."""
        return create_once(self._s3, self._bucket, name, content)

    def get(self, name: str) -> bytes | None:
        """An object's newest content, None where there is none (any more)."""
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _MISSING:
                raise
            return None
        return bytes(answer["Body"].read())

    def earlier(self, key: str) -> Iterator[bytes]:
        """The object's earlier versions, the newest first."""
        pages = self._s3.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
        for page in pages:
            for one in page.get("Versions", ()):
                if one["Key"] == key and not one["IsLatest"]:
                    answer = self._s3.get_object(Bucket=self._bucket, Key=key, VersionId=one["VersionId"])
                    yield bytes(answer["Body"].read())

    def page(self, after: str) -> list[Listed]:
        """The next objects behind this name, in order; none: that was the end."""
        answer = self._s3.list_objects_v2(Bucket=self._bucket, StartAfter=after)
        return [
            Listed(str(one["Key"]), int(one["Size"]), str(one["ETag"]).strip('"')) for one in answer.get("Contents", ())
        ]

    def keys(self, prefix: str) -> list[str]:
        """Every name that begins so, in order."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return [str(one["Key"]) for page in pages for one in page.get("Contents", ())]
