"""What a chain needs of Fabric's two ways to get a transaction into a block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rongtong.adapters.fabric.outcomes import Committed
from rongtong.adapters.fabric.proposal import Call


class Watch(Protocol):
    """Tells of commits from the moment it is entered."""

    def __enter__(self) -> Self:
        """Raises ChainUnavailableError when nobody would tell."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""

    def check(self) -> None:
        """Raises ChainRefusedError once it is known that nobody tells this member of commits."""

    def wait(self, transaction_id: str, timeout_s: float) -> Committed | None:
        """The transaction once it is in a block; None when it is in none after so many seconds, or nobody tells."""


class Flow(Protocol):
    """One of Fabric's two ways to get a transaction into a block."""

    def endorse(self, call: Call) -> Any:
        """The signed transaction. Raises NotEndorsedError, ChainUnavailableError."""

    def order(self, call: Call, envelope: Any, arrived: Callable[[], bool]) -> None:
        """Hand it to the ordering service. Raises ChainRefusedError, ChainUnavailableError."""

    def watch(self) -> Watch:
        """Commits from when it is entered."""

    def query(self, chaincode: str, arguments: Sequence[str]) -> bytes:
        """A contract's answer. Raises ChainRefusedError, ChainUnavailableError."""
