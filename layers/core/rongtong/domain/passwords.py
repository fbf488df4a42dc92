"""Which passwords are taken: long, in no list of breached ones, not made of a pattern, not of what others know.

After NIST SP 800-63B-4 section 3.1.1.2: length and lists instead of classes of characters, no change by the calendar,
all of Unicode, nothing cut off. That it may not resemble personal data is 《金融科技创新安全通用规范》's own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from itertools import pairwise

from rongtong.domain.errors import InvalidInputError

LOGIN_LENGTH_MIN = 12
PAYMENT_LENGTH_MIN = 8
"""NIST SP 800-63B-4: eight where a password is never the only factor; the dossier's six digits are not taken."""
LENGTH_MAX = 128
_SHARED_MAX = 4
"""How many characters in a row a password may share with something personal."""
_DISTINCT_MIN = 5
_WHOLE_TERM_MIN = 2
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "!@#$%^&*()")
_FRAMED = re.compile(r"[^a-z]*([a-z]+)[^a-z]*")

Breached = Callable[[str], bool]
"""Whether a list of breached passwords has this one, in lower case."""


class PasswordError(InvalidInputError):
    """A password that is not taken.

    Codes PASSWORD_LENGTH, PASSWORD_SIMPLE, PASSWORD_BREACHED, PASSWORD_PERSONAL; the text never repeats the password.
    """

    code = "PASSWORD_LENGTH"


def normalised(password: str) -> str:
    """The form that is counted, checked and hashed: NFKC, so that every keyboard's spelling is the same password."""
    return unicodedata.normalize("NFKC", password)


def require_good(password: str, *, least: int, personal: Iterable[str], breached: Breached, field: str) -> str:
    """The normalised password, if it is taken; ``personal`` is what others may know of its owner.

    Raises PasswordError. Nothing is trimmed: spaces are characters.
    """
    text = normalised(password)
    if not least <= len(text) <= LENGTH_MAX:
        raise PasswordError(f"Choose {least} to {LENGTH_MAX} characters; a few words are best.", field=field)
    folded = text.casefold()
    if _is_simple(folded):
        raise PasswordError(
            "It repeats itself, or follows the alphabet or the keyboard; choose a few unrelated words.",
            field=field,
            code="PASSWORD_SIMPLE",
        )
    if any(breached(candidate) for candidate in _candidates(folded)):
        raise PasswordError(
            "It is, or is made of, a password that was found in a breach; choose another.",
            field=field,
            code="PASSWORD_BREACHED",
        )
    if any(_resembles(folded, term) for term in _terms(personal)):
        raise PasswordError(
            "It resembles a name, number or date of the operator or the enterprise; choose another.",
            field=field,
            code="PASSWORD_PERSONAL",
        )
    return text


def _candidates(folded: str) -> Iterable[str]:
    """The password, and its word where digits or signs merely frame one that is most of it."""
    yield folded
    framed = _FRAMED.fullmatch(folded)
    if framed is not None and 2 * len(framed[1]) >= len(folded):
        yield framed[1]


def _is_simple(folded: str) -> bool:
    """Few different characters, one piece again and again, or runs of neighbours for the most part."""
    if len(set(folded)) < _DISTINCT_MIN or (folded + folded).find(folded, 1) <= len(folded) // 2:
        return True
    follows = sum(_neighbours(one, other) for one, other in pairwise(folded))
    return 2 * follows > len(folded)


def _neighbours(one: str, other: str) -> bool:
    if abs(ord(one) - ord(other)) <= 1:
        return True
    return any(one + other in row or other + one in row for row in _ROWS)


def _terms(personal: Iterable[str]) -> Iterable[str]:
    """What is personal, as it might be typed: letters and digits alone, forwards and backwards."""
    for value in personal:
        term = "".join(char for char in normalised(value).casefold() if char.isalnum())
        if len(term) >= _WHOLE_TERM_MIN:
            yield term
            yield term[::-1]


def _resembles(folded: str, term: str) -> bool:
    """The whole term, or more than four characters of it in a row."""
    squeezed = "".join(char for char in folded if char.isalnum())
    if term in squeezed and (len(term) > 2 or not term.isascii()):
        return True
    size = _SHARED_MAX + 1
    return any(term[at : at + size] in squeezed for at in range(len(term) - size + 1))
