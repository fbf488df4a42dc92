"""Business time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import boto3

_CACHE_S = 2.0


class _RealTime:
    """What passes while a program runs."""

    def monotonic(self) -> float:
        """Seconds from some moment on; never set back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let others go first for so long."""
        time.sleep(seconds)


class SystemClock(_RealTime):
    """The time it is."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        return datetime.now(UTC)


class SandboxClock(_RealTime):
    """The sandbox's business time: real time moved by an offset that the sandbox keeps, so that it ticks as usual.

    Never used in a production deployment: the table exists only where the sandbox is deployed.
    """

    def __init__(self, table: str) -> None:
        self._table_name = table
        self._offset = timedelta()
        self._read_at = float("-inf")

    @cached_property
    def _table(self) -> Any:
        return boto3.resource("dynamodb").Table(self._table_name)

    def now(self) -> datetime:
        """The instant, in UTC; a changed offset is seen within two seconds."""
        if time.monotonic() - self._read_at > _CACHE_S:
            stored = self._table.get_item(Key={"pk": "clock", "sk": "clock"}).get("Item")
            self._offset = timedelta(seconds=float(stored["offset_s"])) if stored else timedelta()
            self._read_at = time.monotonic()
        return datetime.now(UTC) + self._offset
