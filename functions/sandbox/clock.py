"""The business clock: an offset from real time, kept where the platform's sandbox clock reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from book import Book

OPENING = "2026-04-15T10:00:00+08:00"
"""A working morning in the calendar that is deployed."""


def set_clock(book: Book, now: str) -> None:
    """Let business time be ``now`` (ISO 8601 with an offset) and tick on from there."""
    offset = datetime.fromisoformat(now) - datetime.now(UTC)
    seconds = f"{offset.total_seconds():.3f}"
    book.put("clock", "clock", {"offset_s": seconds}, offset_s=Decimal(seconds))


def business_now(book: Book) -> str:
    """Business time, ISO 8601 in UTC."""
    stored = book.get("clock", "clock")
    offset_s = float(stored["offset_s"]) if stored else 0.0
    return datetime.fromtimestamp(datetime.now(UTC).timestamp() + offset_s, UTC).isoformat(timespec="milliseconds")
