"""One byte string for one JSON value (RFC 8785), for the values that we hash: no floats, standard library only."""

from __future__ import annotations

import json
from typing import Any

_INTEGER_MAX = 2**53 - 1
"""Beyond it, JSON's numbers are not exact everywhere (RFC 8785 appendix D)."""
_quoted = json.JSONEncoder(ensure_ascii=False).encode
"""Escapes just what RFC 8785 section 3.2.2.2 escapes, and writes it the same way."""


def canonical_bytes(value: Any) -> bytes:
    """RFC 8785 bytes of a JSON value. Raises ValueError for what has none, and for floats: amounts are whole fen."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, str):
        return _quoted(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if not -_INTEGER_MAX <= value <= _INTEGER_MAX:
            raise ValueError(f"An integer beyond {_INTEGER_MAX} has no place in what is hashed; write it as a string.")
        return int.__repr__(value)
    if isinstance(value, list | tuple):
        return f"[{','.join([_text(entry) for entry in value])}]"
    if isinstance(value, dict):
        return f"{{{','.join([f'{_quoted(name)}:{_text(value[name])}' for name in _sorted_names(value)])}}}"
    if isinstance(value, float):
        raise ValueError("A float has no place in what is hashed; use integers or strings.")
    raise ValueError(f"A {type(value).__name__} has no place in what is hashed; it is no JSON value.")


def _sorted_names(members: dict[Any, Any]) -> list[str]:
    """By UTF-16 code units (section 3.2.3), which is not the order of code points beyond U+FFFF."""
    if not all(isinstance(name, str) for name in members):
        raise ValueError("A member's name must be a string.")
    return sorted(members, key=lambda name: name.encode("utf-16-be"))
