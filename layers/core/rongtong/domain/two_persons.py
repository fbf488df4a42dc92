"""Maker and checker (经办、复核): what one person proposes, another approves."""

from __future__ import annotations

import unicodedata

from rongtong.domain.errors import RongTongError

_UNSEEN = ("Cf", "Cc", "Z")
"""Categories of characters that show as nothing or as a space."""


class SamePersonError(RongTongError):
    """A proposal needs the approval of a second person."""

    code = "SAME_PERSON"


def require_two_persons(maker: str, checker: str) -> None:
    """Refuse an approval by the proposer itself, or one where either of the two has no name.

    Case, width, spaces, characters that are not seen and the kind of a dash make nobody another person. Raises
    SamePersonError.
    """
    first, second = _compared(maker), _compared(checker)
    if not first or not second or first == second:
        raise SamePersonError(
            "Two different persons are needed, one to propose and one to approve; let another person approve it.",
            field="approved_by",
        )


def _compared(name: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kinds = ((char, unicodedata.category(char)) for char in folded)
    return "".join("-" if kind == "Pd" else char for char, kind in kinds if not kind.startswith(_UNSEEN))
