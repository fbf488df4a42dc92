"""Placeholder until the real module lands."""

from __future__ import annotations

from rongtong.services.storage import Item, Key


def suspension_keys(partner_id: str, enterprise_id: str, institution_id: str) -> list[Key]:
    return [("suspended#platform", "state"), (f"suspended#partner#{partner_id}", "state")]


def is_suspended(items: list[Item | None]) -> bool:
    return any(item is not None and item.body["active"] for item in items)
