"""What a supervisor was told, against the published log: every leaf, the log's own growth, and receipts at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rongtong.domain.checkpoint import Checkpoint, CheckpointError
from rongtong.domain.log_check import LogCheck
from rongtong.domain.merkle import leaf_hash, root
from rongtong.domain.public_events import envelope
from rongtong.domain.receipt import ReceiptError, event_leaf, receipt_bytes, verify_receipt
from rongtong.domain.tiles import WIDTH, TileError, tile_of
from rongtong.domain.trust import Trusted, TrustPolicy
from rongtong.log_files import PublishedLog, required
from rongtong.verify import RefusedError

_HASH_BYTES = 32
_FRESH = 5
"""So often a checkpoint is asked for that covers what was told: caches keep one for a moment."""
NOTHING = Checkpoint("", 0, root([]))
"""What is known before the first checkpoint."""


@dataclass(frozen=True)
class Told:
    """A leaf of the feed: where it stands, its hash (hexadecimal), and the event; None where none is shown."""

    index: int
    leaf_hash: str
    event: dict[str, Any] | None


@dataclass(frozen=True)
class Page:
    """One answer of the feed."""

    told: tuple[Told, ...]
    since: int
    """The leaf behind which it begins."""
    after: int
    more: bool

    @classmethod
    def read(cls, document: Mapping[str, Any], after: int) -> Page:
        """The answer to a request for what comes behind leaf ``after``. Raises RefusedError for what is none.

        Every leaf between two cursors is told or counted, once and in order.
        """
        try:
            told = tuple(Told(one["index"], one["leaf_hash"], one["event"]) for one in document["events"])
            page = cls(told, after, document["after"], document["more"])
            others, size = document["others"], document["size"]
            if type(size) is int and size <= after:
                raise RefusedError("LOG_SHRUNK", f"Leaf {after} was told; the platform now knows of {size} leaves.")
            numbers = [after, *[one.index for one in told]]
            right = (
                all(type(one) is int for one in (*numbers, page.after, others, size))
                and type(page.more) is bool
                and all(type(one.leaf_hash) is str and (one.event is None or type(one.event) is dict) for one in told)
                and all(one < other for one, other in pairwise(numbers))
                and numbers[-1] <= page.after < size
                and others + len(told) == page.after - after
                and (page.after > after or not page.more)
            )
        except (KeyError, TypeError) as error:
            raise RefusedError("FEED_WRONG", f"The answer behind leaf {after} is none of a feed.") from error
        if not right:
            raise RefusedError("FEED_WRONG", f"The answer behind leaf {after} leaves out, repeats or mixes up leaves.")
        return page


@dataclass
class FeedCheck:
    """Holds what is told against the log that the policy trusts; ``head`` is the newest checkpoint that was found good.

    ``sleep`` waits so many seconds before a checkpoint is asked for again.
    """

    log: PublishedLog
    policy: TrustPolicy
    sleep: Callable[[float], object]
    receipts: bool = False
    """Whether what is told is kept for ``check_receipt``."""
    head: Checkpoint = NOTHING
    trusted: Trusted | None = None
    _told: dict[str, dict[int, Told]] = field(default_factory=dict)
    _proved: dict[str, int] = field(default_factory=dict)
    """Up to which leaf a discount's receipt was compared."""
    _span: tuple[int, int] | None = None
    """Behind which leaf, and up to which one, this run was told everything."""
    _check: LogCheck | None = None

    def check(self, page: Page) -> None:
        """Find every leaf of the page in the log. Raises RefusedError, LogUnreadableError."""
        if page.after >= self.head.size or self._check is None:
            self._move_on(page.after + 1)
        assert self._check is not None, "a head that covers the page was found"
        self._span = (page.since if self._span is None else self._span[0], page.after)
        for one in page.told:
            try:
                tile = self._check.tile(tile_of(0, one.index // WIDTH, self.head.size))
            except TileError as error:
                raise RefusedError("LOG_FILE_WRONG", f"{error} The files are those of {self.log.name}.") from error
            at = one.index % WIDTH * _HASH_BYTES
            if tile[at : at + _HASH_BYTES].hex() != one.leaf_hash:
                raise RefusedError("LEAF_DIFFERS", f"Leaf {one.index} of the log is another one than was told.")
            if self.receipts and one.event is not None:
                self._told.setdefault(str(one.event.get("subject")), {})[one.index] = one

    def check_receipt(self, discount_id: str, document: dict[str, Any]) -> int:
        """Find what was told of an ended discount in its receipt, word for word, and nothing public in the receipt that
        was not told; answers how many events that were. Raises RefusedError.
        """
        try:
            proved = verify_receipt(receipt_bytes(document), self.policy)
        except ReceiptError as error:
            raise RefusedError(error.code, f"{discount_id}: {error}") from error
        entries = {entry["index"]: entry for entry in document["entries"]}
        told = self._told.pop(discount_id, {})
        first, last = self._span or (-1, -1)
        first = self._proved.get(discount_id, first)
        for index in sorted(set(entries) - set(told)):
            if first < index <= last and envelope(entries[index]["event"], proved.log_name) is not None:
                raise RefusedError("EVENT_DIFFERS", f"Leaf {index} of {discount_id} is public, and was not told.")
        for index, one in told.items():
            entry = entries.get(index)
            if proved.discount_id != discount_id or entry is None:
                raise RefusedError("EVENT_DIFFERS", f"Leaf {index} was told as {discount_id}'s; its receipt has none.")
            leaf = leaf_hash(event_leaf(bytes.fromhex(entry["salt_hex"]), entry["event"])).hex()
            if leaf != one.leaf_hash or envelope(entry["event"], proved.log_name) != one.event:
                raise RefusedError("EVENT_DIFFERS", f"Leaf {index} of {discount_id} is not the event that was told.")
        self._proved[discount_id] = max((one for one in entries if one <= last), default=first)
        return len(told)

    def _move_on(self, size: int) -> None:
        """To a checkpoint of so many leaves at least, which extends the last one."""
        for attempt in range(_FRESH):
            if attempt:
                self.sleep(attempt)
            trusted = self._judged()
            if trusted.checkpoint.size >= max(size, self.head.size):
                break
        else:
            known = max(size, self.head.size)
            raise RefusedError(
                "LOG_SHRUNK", f"{known} leaves are known; the published log has {trusted.checkpoint.size} of them."
            )
        old, new = self.head, trusted.checkpoint
        if old.size and old.origin != new.origin:
            raise RefusedError("LOG_CHECKPOINT", f"The log was {old.origin}, and is {new.origin}.")
        try:
            check = LogCheck(new.size, new.root, self.log.get_tile)
            extends = check.begins_with(old.size, old.root)
        except TileError as error:
            raise RefusedError("LOG_FILE_WRONG", f"{error} The files are those of {self.log.name}.") from error
        if not extends:
            raise RefusedError(
                "LOG_FORKED", f"The log of {new.size} leaves does not begin with that of {old.size}: keep the cursor."
            )
        self.head, self.trusted, self._check = new, trusted, check

    def _judged(self) -> Trusted:
        try:
            return self.policy.judge(required(self.log, "checkpoint").decode())
        except (CheckpointError, UnicodeDecodeError) as error:
            raise RefusedError("LOG_CHECKPOINT", f"The log's checkpoint is refused. {error}") from error
