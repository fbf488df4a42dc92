"""Masking (JR/T 0171-2020 Annex A): what of personal data may be shown by default."""

from __future__ import annotations


def mask_mobile(text: str) -> str:
    """First three and last four digits."""
    return f"{text[:3]}****{text[-4:]}"


def mask_account(text: str) -> str:
    """The last four digits of a corporate account, never more than half of it."""
    shown = min(4, len(text) // 2)
    return "*" * (len(text) - shown) + text[len(text) - shown :]


def mask_name(text: str) -> str:
    """The last character of a person's name."""
    return "*" * (len(text) - 1) + text[-1:] if len(text) > 1 else "*"
