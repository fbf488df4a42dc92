"""One byte string for one JSON value (RFC 8785), for the values that we hash."""

from __future__ import annotations

from typing import Any

import rfc8785


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value. Raises ValueError for what has none, and for floats: amounts are whole fen."""
    _refuse_floats(value)
    return rfc8785.dumps(value)


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("A float has no place in what is hashed; use integers or strings.")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    for entry in inner:
        _refuse_floats(entry)
