"""One byte string for one JSON value (RFC 8785), for the values that we hash: no floats among them."""

from __future__ import annotations

import json
from typing import Any

_SAFE_INTEGER = 2**53 - 1


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value of strings, integers within ±(2^53 − 1), booleans, null, arrays and objects.

    Raises ValueError for anything else; object members are sorted by UTF-16 code units (section 3.2.3).
    """
    return _text(value).encode()


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        value.encode()  # a lone surrogate is no Unicode text
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        if abs(value) > _SAFE_INTEGER:
            raise ValueError(f"{value} is beyond the integers that JSON keeps exact; write it as a string.")
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(_text(entry) for entry in value) + "]"
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError("Object member names must be strings.")
        members = sorted(value.items(), key=lambda member: member[0].encode("utf-16-be"))
        return "{" + ",".join(f"{_text(key)}:{_text(entry)}" for key, entry in members) + "}"
    raise ValueError(f"{type(value).__name__} has no canonical form; use integers or strings.")
