"""A chain in memory; tests/contract/test_chain_function.py holds it to what the real one does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rongtong.adapters.fabric.outcomes import ChainKeyError
from rongtong.services.ports import ChainConflictError, ChainEntry, ChainReceipt, ChainUnavailableError


class MemoryChain:
    """Puts a key once. ``before`` is called when something arrives, ``after`` when it stands there."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.receipts: dict[str, ChainReceipt] = {}
        self.down = False
        self.asked = 0
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def append(self, entries: Sequence[ChainEntry]) -> list[ChainReceipt]:
        self._arrive([entry.key for entry in entries])
        values: dict[str, str] = {}
        for entry in entries:
            if values.setdefault(entry.key, entry.value) != entry.value:
                raise ChainConflictError("given twice, with two values", field=entry.key)
        refused = [entry for entry in entries if not self._put(entry)]
        self.after()
        if refused:
            raise ChainConflictError("another value", field=refused[0].key)
        return [self.receipts[entry.key] for entry in entries]

    def get(self, key: str) -> str | None:
        self._arrive([key])
        return self.values.get(key)

    def _arrive(self, keys: Sequence[str]) -> None:
        self.asked += 1
        self.before()
        if self.down:
            raise ChainUnavailableError("The chain did not answer.")
        for key in keys:
            if len(key) != 64 or not set(key) <= set("0123456789abcdef"):
                raise ChainKeyError("no key")

    def _put(self, entry: ChainEntry) -> bool:
        if self.values.setdefault(entry.key, entry.value) != entry.value:
            return False
        block = len(self.receipts) + 1
        self.receipts.setdefault(entry.key, ChainReceipt(entry.key, f"transaction-{block}", block, "VALID"))
        return True
