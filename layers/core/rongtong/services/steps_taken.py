"""Steps that an object has taken, each by the Idempotency-Key that asked for it: a late repeat of one takes none.

For objects that come to the same state more than once, whose state alone cannot tell a repeat from a new request, and
whose answers hold what must not be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from rongtong.services.errors import IdempotencyMismatchError
from rongtong.services.records import derived_id
from rongtong.services.storage import Document, Item

STEPS = "steps"
"""In a state: which steps it has taken."""


@dataclass(frozen=True)
class Step:
    """Who asks for which step, under which Idempotency-Key and with which body (its SHA-256)."""

    by: str
    name: str
    key: str
    body_digest: str

    def _place(self) -> str:
        return derived_id("stp", self.by, self.key)

    def was_taken(self, item: Item) -> bool:
        """Whether this very request has done it before.

        Raises IdempotencyMismatchError where its key has asked this object for another step, or with another body.
        """
        known = item.body.get(STEPS, {}).get(self._place())
        if known not in (None, self._asked()):
            raise IdempotencyMismatchError(
                "This Idempotency-Key was used with another request; use a new key for a new one.",
                field="Idempotency-Key",
            )
        return known is not None

    def noted(self, item: Item) -> Document:
        """What the state has of its steps once this one is taken, for the transaction that takes it."""
        return {STEPS: {**item.body.get(STEPS, {}), self._place(): self._asked()}}

    def _asked(self) -> str:
        return f"{self.name} {self.body_digest}"
