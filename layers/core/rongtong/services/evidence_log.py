"""The evidence log: hashes of domain events in an RFC 6962 tree whose signed head only ever grows.

An append lays its leaves down where every writer finds them, with the log's size at that moment; then it stages them at
the log's size, or, where another writer was quicker, waits until some batch holds them. Nothing is staged that a batch
since that size holds already: a leaf stands in the log once, whoever dies in between and however often a task repeats.
"""

from __future__ import annotations

import json
import random
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from rongtong.domain.receipt import event_leaf
from rongtong.services.context import Context
from rongtong.services.errors import BusyError
from rongtong.services.ports import LogFiles
from rongtong.services.records import STATE, amend, event_sk, logged_count
from rongtong.services.storage import Create, Document, Item, WriteConflictError
from rongtong.services.tile_log import Batch, Subject, edge_at, find_staged, lay, sign_head, stage, staged

LOG_PK = "log"
HEAD_SK = "head"
_PENDING = "pending/"
_PATIENCE_S = 20.0
_PAUSE_S = (0.02, 0.08)
"""How long a writer waits before it looks again; the next batch takes along everybody who waits."""
_WRITER_DEAD_S = 1.0
"""Well above what a batch takes under load: who takes a living writer for dead does its work a second time."""
_SUBJECTS_MAX = 100
"""So many subjects' leaves go into one batch; the next one takes the rest."""


@dataclass(frozen=True)
class _Waiting:
    """A subject's leaves that were laid down when the log had ``size`` leaves."""

    subject: Subject
    entries: tuple[bytes, ...]
    size: int

    @property
    def path(self) -> str:
        return f"{_PENDING}{quote(self.subject.pk, safe='')}/{self.subject.first}"

    def encoded(self) -> bytes:
        one = self.subject
        entries = [b64encode(entry).decode() for entry in self.entries]
        return json.dumps({"subject": [one.pk, one.first, one.count], "entries": entries, "size": self.size}).encode()

    @classmethod
    def decoded(cls, content: bytes) -> _Waiting:
        found = json.loads(content)
        return cls(Subject(*found["subject"]), tuple(map(b64decode, found["entries"])), int(found["size"]))


def head_of(context: Context) -> Item | None:
    """The newest head: ``size`` and ``note``, the checkpoint that the log signed; None while the log is empty."""
    return context.store.get(LOG_PK, HEAD_SK)


def pending(item: Item) -> range:
    """Numbers of the aggregate's events that are not in the log yet."""
    return range(logged_count(item.body) + 1, int(item.body["events"]) + 1)


def append_pending(context: Context, item: Item) -> bool:
    """Append what the aggregate has not logged yet and note where it stands; False if there was nothing.

    Safe to repeat, by anybody and at any time. Raises BusyError, LogDamagedError.
    """
    appended = False
    while pending(item):
        before, own = logged_count(item.body), _laid_down(context, item)
        fresh = _fresh(context, item)
        # Only a run that noted them removes what was laid down: what is noted now was not noted when we laid down.
        if own is not None and logged_count(fresh.body) == before:
            _note(context, fresh, before, [_logged_at(context, own), own.subject.count])
            appended, fresh = True, _fresh(context, item)
        if own is not None:
            context.files.delete(own.path)
        item = fresh
    return appended


def leaf_of(document: Document) -> bytes:
    """Leaf data of a stored event."""
    return event_leaf(bytes.fromhex(str(document["salt"])), document["event"])


def _note(context: Context, item: Item, before: int, where: list[int]) -> None:
    def note(body: Document) -> Document | None:
        if logged_count(body) != before:
            return None
        return {**body, "logged": [*body.get("logged", ()), where]}

    amend(context.store, item, note)


def _fresh(context: Context, item: Item) -> Item:
    found = context.store.get(item.pk, item.sk)
    assert found is not None, "an aggregate's state is never deleted"
    return found


def _laid_down(context: Context, item: Item) -> _Waiting | None:
    """The aggregate's leaves as they wait for a batch, by this call or by an earlier one that got no further.

    None when another run has just got them into the log.
    """
    waiting = pending(item)
    stored = context.store.query(item.pk, "event#", start=event_sk(waiting.start))[: len(waiting)]
    entries = tuple(leaf_of(document.body) for document in stored)
    own = _Waiting(Subject(item.pk, waiting.start, len(entries)), entries, _size(head_of(context)))
    if context.files.create(own.path, own.encoded()):
        return own
    (content,) = context.files.get_all([own.path])
    return None if content is None else _Waiting.decoded(content)


def _logged_at(context: Context, own: _Waiting) -> int:
    """Get the leaves into the log, by this writer's batch or another's; answers the index of the first."""
    batches, looked_until, blocked_at, blocked_since = _Batches(context.files), own.size, -1, 0.0
    began = context.clock.monotonic()
    while context.clock.monotonic() - began < _PATIENCE_S:
        head = head_of(context)
        size = _size(head)
        found = batches.place_of(own.subject, looked_until, size)
        if found is not None:
            return found
        looked_until = size
        if blocked_at != size:
            batch = _batch(context, own, size, batches) if blocked_at < 0 or not batches.is_staged(size) else None
            # Staged by a call of ours whose answer was lost, it is ours all the same.
            if batch is not None and (stage(context.files, size, batch) or batches.at(size) == batch):
                _publish(context, head, batch)
                continue
            blocked_at, blocked_since = size, context.clock.monotonic()
        elif context.clock.monotonic() - blocked_since > _WRITER_DEAD_S * random.uniform(1, 2):
            _publish(context, head, batches.at(size))
            continue
        context.clock.sleep(random.uniform(*_PAUSE_S))
    raise BusyError("Other writers were always first at the log; run the same task again.")


def _batch(context: Context, own: _Waiting, size: int, batches: _Batches) -> Batch:
    """What this writer stages: its own leaves, and, once another writer was quicker, whatever else waits."""
    together = [own]
    if own.size < size:
        files = context.files
        paths = [path for path in files.names(_PENDING) if path != own.path][: _SUBJECTS_MAX - 1]
        others = [_Waiting.decoded(content) for content in files.get_all(paths) if content is not None]
        states = context.store.get_many([(one.subject.pk, STATE) for one in others])
        for other, state in zip(others, states, strict=True):
            if state is None or logged_count(state.body) >= other.subject.first:
                files.delete(other.path)  # laid down late: it was noted before
            elif batches.place_of(other.subject, other.size, size) is None:
                together.append(other)
            # Else its writer died before it noted where a batch holds it; it stays until that is noted.
    return Batch(tuple(entry for one in together for entry in one.entries), tuple(one.subject for one in together))


class _Batches:
    """The batches that were staged, each read once: what is staged never changes."""

    def __init__(self, files: LogFiles) -> None:
        self._files = files
        self._known: dict[int, Batch] = {}

    def is_staged(self, position: int) -> bool:
        """Whether there is a batch at the position."""
        if position not in self._known:
            found = find_staged(self._files, position)
            if found is None:
                return False
            self._known[position] = found
        return True

    def at(self, position: int) -> Batch:
        """The batch at the position. Raises LogDamagedError where there is none."""
        if position not in self._known:
            self._known[position] = staged(self._files, position)
        return self._known[position]

    def place_of(self, subject: Subject, since: int, until: int) -> int | None:
        """Where the batches between two sizes of the log hold the subject's leaves, None if they do not."""
        while since < until:
            index, batch = since, self.at(since)
            for one in batch.subjects:
                if (one.pk, one.first) == (subject.pk, subject.first):
                    return index
                index += one.count
            since = index
        return None


def _publish(context: Context, head: Item | None, batch: Batch) -> None:
    edge = lay(context.files, edge_at(context.files, _size(head)), batch)
    note = sign_head(context.log_signer, context.log_origin, edge.size, edge.root())
    body: Document = {"size": edge.size, "note": note}
    moved = Create(LOG_PK, HEAD_SK, body) if head is None else head.replaced(body)
    # Whoever moved the head from here meanwhile can only have done so by this very batch.
    with suppress(WriteConflictError):
        context.store.transact([moved])


def _size(head: Item | None) -> int:
    return 0 if head is None else int(head.body["size"])
