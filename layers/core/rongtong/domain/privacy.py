"""Masking (信息屏蔽, JR/T 0171-2020 Annex A): what of personal data may be shown by default.

Every pattern stands here. A value so short that its pattern would hide fewer than three characters is hidden as a
whole.
"""

from __future__ import annotations

_HIDDEN_LEAST = 3


def mask_mobile(text: str) -> str:
    """First three and last four digits: ``138****8000``."""
    return _middle_hidden(text, 3, 4)


def mask_card(text: str) -> str:
    """First six and last four digits of a bank card."""
    return _middle_hidden(text, 6, 4)


def mask_resident_id(text: str) -> str:
    """First three and last four characters of a resident identity number."""
    return _middle_hidden(text, 3, 4)


def mask_bill_number(text: str) -> str:
    """First digit and last four of a bill number (票据号码), for all but its parties (assumed: configurable)."""
    return _middle_hidden(text, 1, 4)


def mask_account(text: str) -> str:
    """The last four digits of a corporate account, never more than half of it."""
    return _end_shown(text, 4)


def mask_refused(text: str) -> str:
    """The last two characters of a personal number that failed its check, never more than half of it.

    What failed its check may be another number than was meant, so no pattern of a kind applies to it.
    """
    return _end_shown(text, 2)


def mask_name(text: str) -> str:
    """The last character of a person's name."""
    return "*" * (len(text) - 1) + text[-1:] if len(text) > 1 else "*"


def mask_email(text: str) -> str:
    """The first character and the domain of an e-mail address: ``z***@example.com``.

    Always three stars, which tell nothing of the length; nothing is shown of what is no address.
    """
    local, at, domain = text.rpartition("@")
    return f"{local[0]}***@{domain}" if at and local else "***"


def _middle_hidden(text: str, first: int, last: int) -> str:
    hidden = len(text) - first - last
    if hidden < _HIDDEN_LEAST:
        return "*" * len(text)
    return text[:first] + "*" * hidden + text[-last:]


def _end_shown(text: str, most: int) -> str:
    shown = min(most, len(text) // 2)
    return "*" * (len(text) - shown) + text[len(text) - shown :]
