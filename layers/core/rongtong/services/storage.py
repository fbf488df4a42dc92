"""What the use cases need from a database: documents with versions, changed only in transactions.

Every aggregate (a discount, an enterprise) is one partition: its ``state`` document and its ``event#n`` documents. The
events are also the outbox: the state notes up to which of them the evidence log holds and messages were sent. One
transaction writes all that belongs together, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rongtong.domain.errors import RongTongError

Document = dict[str, Any]
Key = tuple[str, str]
"""Partition and sort key."""
MAIN_LANE = "yes"
DELIVERY_LANE = "delivery"
BILL_LANE = "bill"
IMPORT_LANE = "importing"
_LANES = (DELIVERY_LANE, BILL_LANE, IMPORT_LANE)


def lane_of(pk: str) -> str:
    """In which lane of the due index a document stands: neither partners' receivers nor bills that nobody has asked to
    discount yet may hold up what moves money.
    """
    kind = pk.partition("#")[0]
    return kind if kind in _LANES else MAIN_LANE


class WriteConflictError(RongTongError):
    """A condition of a transaction did not hold; nothing was written. Read again, then decide."""

    code = "WRITE_CONFLICT"

    def __init__(self, message: str, *, failed: tuple[int, ...]) -> None:
        super().__init__(message)
        self.failed = failed
        """Positions of the writes whose condition failed."""


@dataclass(frozen=True)
class Listing:
    """Under which owner and instant (ISO 8601) a document is listed, with what a reader of the list sees of it."""

    owner: str
    at: str
    summary: Document
    key: Key | None = field(default=None, compare=False)
    """Which document it is; set where a list was read."""


@dataclass(frozen=True)
class Owned:
    """In whose lists a document is found, the newest first: an owner's, and a second one's. ``at`` is ISO 8601.

    A list is named like ``partner#<id>#discounts``. A document that is created once and never written again, like an
    event, costs its lists nothing after that; one that is written again is kept in them by every write.
    """

    owner: str
    at: str
    second: str | None = None


@dataclass(frozen=True)
class Position:
    """Where a document stands in a list."""

    at: str
    pk: str
    sk: str


@dataclass(frozen=True)
class Item:
    """A stored document; ``version`` counts its writes from 1."""

    pk: str
    sk: str
    body: Document
    version: int
    listing: Listing | None = None
    due: str | None = None
    owned: Owned | None = None

    def replaced(self, body: Document) -> Replace:
        """The write that puts another body in this one's place; it stays listed, owned and due where it was."""
        return Replace(self.pk, self.sk, body, self.version, self.listing, self.due, self.owned)


@dataclass(frozen=True)
class Create:
    """Write a document that must not exist yet.

    ``due`` (an instant, ISO 8601) lets sweepers find it from then on, until it is written without.
    """

    pk: str
    sk: str
    body: Document
    due: str | None = None
    listing: Listing | None = None
    owned: Owned | None = None


@dataclass(frozen=True)
class Replace:
    """Replace a document that must still be at ``version``.

    ``due``, ``listing`` and ``owned`` are what it has from now on.
    """

    pk: str
    sk: str
    body: Document
    version: int
    listing: Listing | None = None
    due: str | None = None
    owned: Owned | None = None


@dataclass(frozen=True)
class Count:
    """Add ``amount_fen`` (negative: give back) to a counter; refused if it would exceed ``limit_fen``."""

    pk: str
    sk: str
    amount_fen: int
    limit_fen: int | None = None


Write = Create | Replace | Count


class Store(Protocol):
    """The documents of business and evidence."""

    @property
    def write_units(self) -> int:
        """DynamoDB write units consumed through this store since it was made; only differences mean anything."""

    def get(self, pk: str, sk: str) -> Item | None:
        """Read one document, strongly consistent."""

    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        """Read up to 100 documents in one go, each strongly consistent, in the order asked for."""

    def query(self, pk: str, prefix: str, *, start: str | None = None) -> list[Item]:
        """All documents of a partition whose sort key begins with ``prefix``, in key order, from ``start`` on."""

    def counter(self, pk: str, sk: str) -> int:
        """A counter's value in fen; 0 if it was never written."""

    def due(self, before: str, *, since: str = "", lane: str = MAIN_LANE, most: int | None = None) -> list[Item]:
        """Documents of a lane that are ``due`` before this instant, oldest first, at most ``most``.

        With ``since``, only those that are due from that instant on.
        """

    def listed(self, owner: str, since: str, *, most: int = 200, after: Position | None = None) -> list[Listing]:
        """What is listed under the owner from this instant on, newest first, behind ``after``, whether or not that is
        still listed. Fewer than ``most`` is the end. A write shows here a moment later.
        """

    def page(
        self,
        owner: str,
        *,
        second: bool = False,
        after: Position | None = None,
        first: str = "0",
        last: str = "9",
        most: int = 50,
    ) -> list[Position]:
        """What stands in an owner's list (``second``: as its second owner), newest first, behind ``after``.

        Only what was made between the instants ``first`` and ``last``, both included. Fewer than ``most`` is the end.
        A write shows here a moment later.
        """

    def scan(self, pk_prefix: str, sk_prefix: str = "") -> Iterator[Item]:
        """Every document of all partitions whose keys begin so, in no order; for jobs, never for a request.

        A counter is answered too, at version 0 and with its value in fen as the body ``{"fen": value}``. What is
        written meanwhile may be among them or not, each document by itself.
        """

    def scan_page(
        self, pk_prefix: str, sk_prefix: str = "", *, after: Key | None = None, most: int = 1000
    ) -> tuple[list[Item], Key | None]:
        """A part of what ``scan`` answers, and the place behind which to go on; None: that was the end.

        It looks at ``most`` records of the table at most, and answers those whose keys begin so: perhaps none. The
        documents of a partition mostly come one behind the other; a page may end between them.
        """

    def transact(self, writes: Sequence[Write]) -> None:
        """Write all or nothing, at most 100 documents. Raises WriteConflictError when a condition fails."""
