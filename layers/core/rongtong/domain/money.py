"""Money as whole fen (分); yuan exist only as text."""

from __future__ import annotations

import re

from rongtong.domain.errors import InvalidInputError

_YUAN = re.compile(r"(0|[1-9]\d{0,15})(?:\.(\d{1,2}))?", re.ASCII)


def yuan_to_fen(text: str) -> int:
    """Fen of an amount in yuan with at most two decimals and 16 integer digits, no leading zero (SHCPE money type).

    Raises InvalidInputError for anything else; no binary fraction is ever involved.
    """
    match = _YUAN.fullmatch(text)
    if match is None:
        raise InvalidInputError(f"{text!r} is no amount in yuan; write it like 1000000.00.", field="amount")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def fen_to_yuan(fen: int) -> str:
    """The amount in yuan with two decimals."""
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"
