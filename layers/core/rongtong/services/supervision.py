"""The supervisor's feed: every public event of every partner, in the order of the evidence log.

The log's leaves are the feed's order: a leaf's index never changes, every event is one leaf, and no index is left out.
So a cursor is an index, and whoever goes on behind it loses nothing and meets nothing twice. Only what a quorum of
witnesses has cosigned is told: whatever is told can be looked up in the published log at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest

from rongtong.domain.errors import InvalidInputError
from rongtong.domain.merkle import leaf_hash
from rongtong.domain.public_events import PUBLIC, envelope
from rongtong.services.access_audit import Evidence, Supervised, note_read, note_supervision
from rongtong.services.context import Context
from rongtong.services.cosigning import witnessed_size
from rongtong.services.discounts import view
from rongtong.services.evidence_log import leaf_of
from rongtong.services.ports import LogFiles
from rongtong.services.records import discount_pk, enterprise_pk, event_sk
from rongtong.services.storage import Document, Item, Key
from rongtong.services.tile_log import STAGED_BLOCK, Batch, find_all_staged, position_of, staged_positions

EVENTS_MAX = 100
_LOOKED_AT_MAX = 2_000
"""Leaves of one answer: a function has 30 seconds, and stretches of the log hold nothing public."""
_AT_ONCE = 100
_BATCHES_AT_ONCE = 32
_BLOCKS_AHEAD = 12
_OF_PARTNERS = (discount_pk(""), enterprise_pk(""))
"""Whose events may be public; of the others only their number is told."""


class FeedForgottenError(InvalidInputError):
    """Which events these leaves are is not known any more: the log's batches are kept for 400 days."""

    code = "FEED_FORGOTTEN"


@dataclass(frozen=True)
class _Leaf:
    """A leaf of the log, and which event it is; None for the events of what is never public."""

    index: int
    entry: bytes
    event: Key | None


def events(context: Context, after: int, limit: int = EVENTS_MAX) -> Document:
    """The public events behind leaf ``after`` (-1: from the first leaf on), at most ``limit``, each with its leaf.

    ``after`` in the answer is the leaf to go on behind; ``others`` counts the leaves up to it that are no public
    events, so that every leaf is accounted for; ``more`` says that the cosigned log goes on. An event is null where
    its record is missing or is not what was logged. Who is shown events is recorded.

    Raises FeedForgottenError for leaves of more than a year ago; NoQuorumError, BusyError.
    """
    size = witnessed_size(context)
    shown: list[Document] = []
    last, others = after, 0
    leaves = islice(_leaves(context.files, after + 1, size), _LOOKED_AT_MAX)
    try:
        while len(shown) < limit and (some := _next(leaves)):
            for leaf, item in zip(some, _events_of(context, some), strict=True):
                found = _shown(context, leaf, item)
                shown += [] if found is None else [found]
                others += found is None
                last = leaf.index
                if len(shown) == limit:
                    break
    except FeedForgottenError:
        if last == after:
            raise
    if shown:
        about: Document = {"first_leaf": shown[0]["index"], "last_leaf": shown[-1]["index"]}
        note_supervision(context, Supervised.EVENTS, about)
    return {"events": shown, "others": others, "after": last, "size": size, "more": last + 1 < size}


def discount(context: Context, item: Item) -> Document:
    """Where a discount stands, as its partner sees it. Who asks is recorded. Raises BusyError."""
    note_read(context, Evidence.DISCOUNT, str(item.body["discount_id"]))
    return view(item.body)


def _next(leaves: Iterator[_Leaf]) -> list[_Leaf]:
    """Some leaves more; what comes before forgotten ones is told all the same. Raises FeedForgottenError."""
    some: list[_Leaf] = []
    try:
        some += islice(leaves, _AT_ONCE)
    except FeedForgottenError:
        if not some:
            raise
    return some


def _events_of(context: Context, leaves: list[_Leaf]) -> list[Item | None]:
    """The stored events, None for a leaf of what is never public or for one that is not there."""
    keys = [leaf.event for leaf in leaves if leaf.event is not None]
    found = iter(context.store.get_many(keys) if keys else ())
    return [None if leaf.event is None else next(found) for leaf in leaves]


def _shown(context: Context, leaf: _Leaf, item: Item | None) -> Document | None:
    """A leaf as it is told; None where it is no public event."""
    told: Document = {"index": leaf.index, "leaf_hash": leaf_hash(leaf.entry).hex()}
    if leaf.event is None:
        return None
    if item is None or leaf_of(item.body) != leaf.entry:
        return {**told, "event": None}
    event: Document = item.body["event"]
    return {**told, "event": envelope(event, context.log_origin)} if event["type"] in PUBLIC else None


def _leaves(files: LogFiles, start: int, size: int) -> Iterator[_Leaf]:
    """The log's leaves from one index on, out of the batches that were staged with them. Raises FeedForgottenError."""
    for position, batch in _batches(files, start, size):
        keys: list[Key | None] = []
        for subject in batch.subjects:
            numbers = range(subject.first, subject.first + subject.count)
            is_of_partner = subject.pk.startswith(_OF_PARTNERS)
            keys += [(subject.pk, event_sk(number)) if is_of_partner else None for number in numbers]
        for index, (entry, key) in enumerate(zip_longest(batch.entries, keys), start=position):
            if start <= index < size:
                yield _Leaf(index, entry, key)


def _batches(files: LogFiles, start: int, size: int) -> Iterator[tuple[int, Batch]]:
    """Every batch with its position, from the one that holds the leaf on. Raises FeedForgottenError."""
    if start >= size:
        return
    expected = position_of(files, start)
    if expected is None:
        raise _forgotten(files, start, size)
    for block in range(expected // STAGED_BLOCK, (size - 1) // STAGED_BLOCK + 1):
        positions = [one for one in staged_positions(files, block) if expected <= one < size]
        for at in range(0, len(positions), _BATCHES_AT_ONCE):
            some = positions[at : at + _BATCHES_AT_ONCE]
            for position, batch in zip(some, find_all_staged(files, some), strict=True):
                # A listing that is read while a batch comes is whole up to the cosigned size all the same.
                if position != expected or batch is None:
                    raise _forgotten(files, max(start, expected), size)
                if expected + len(batch.entries) > start:
                    yield position, batch
                expected += len(batch.entries)
    if expected < size:
        raise _forgotten(files, max(start, expected), size)


def _forgotten(files: LogFiles, start: int, size: int) -> FeedForgottenError:
    """Names the leaf to go on behind: the last one before the next batch that is there."""
    first = start // STAGED_BLOCK
    later = [one for one in (int(name.rpartition("/")[2]) for name in files.names("staging/")[:1]) if one > start]
    for block in range(first, min(first + _BLOCKS_AHEAD, size // STAGED_BLOCK + 1)):
        later += [one for one in staged_positions(files, block) if one > start][:1]
    until = min([*later, size]) - 1
    return FeedForgottenError(
        f"Which events the leaves {start} to {until} are is not kept any more; go on after={until}.", field="after"
    )
