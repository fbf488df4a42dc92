"""Maker and checker (经办、复核): what one person proposes, another approves."""

from __future__ import annotations

from rongtong.domain.errors import RongTongError


class SamePersonError(RongTongError):
    """A proposal needs the approval of a second person."""

    code = "SAME_PERSON"


def require_two_persons(maker: str, checker: str) -> None:
    """Refuse an approval by the proposer itself, or one where either of the two has no name.

    Case and surrounding spaces make nobody another person. Raises SamePersonError.
    """
    first, second = (name.strip().casefold() for name in (maker, checker))
    if not first or not second or first == second:
        raise SamePersonError(
            "Two different persons are needed, one to propose and one to approve; let another person approve it.",
            field="approved_by",
        )
