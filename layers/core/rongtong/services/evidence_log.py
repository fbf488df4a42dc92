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
from rongtong.domain.tiles import WIDTH, split_bundle, tile_of
from rongtong.services.context import Context
from rongtong.services.errors import BusyError, LogDamagedError
from rongtong.services.ports import LogFiles
from rongtong.services.records import STATE, amend, event_sk, logged_count
from rongtong.services.storage import Create, Document, Item, WriteConflictError
from rongtong.services.tile_log import Batch, Subject, edge_at, lay, sign_head, stage, staged

LOG_PK = "log"
HEAD_SK = "head"
_PENDING = "pending/"
_PATIENCE_S = 20.0
_PAUSE_S = (0.02, 0.08)
"""How long a writer waits before it looks again; the next batch takes along everybody who waits."""
_WRITER_DEAD_S = 1.0
"""Well above what a batch takes under load: who takes a living writer for dead does its work a second time."""
_TURN_S = 0.15
"""What a batch takes once its writer sees the head move; so long the next in turn leaves it to the one before."""
_TURNS_MAX = 5
_FEW = 6
"""So many who wait, itself among them, a writer that comes takes along without waiting for its turn."""
_SUBJECTS_MAX = 50
"""So many others' leaves go into one batch; the next one takes the rest."""
_LEAVES_BEHIND_MAX = 500
"""How far the log may have grown since somebody laid leaves down that others still take along: they read all of it."""
_LEAF_BYTES = 32
_BUNDLES_AT_ONCE = 64


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
    def decoded(cls, path: str, content: bytes) -> _Waiting:
        """Raises LogDamagedError for what is not a writer's."""
        try:
            found = json.loads(content)
            entries = tuple(b64decode(entry, validate=True) for entry in found["entries"])
            waiting = cls(Subject(*found["subject"]), entries, int(found["size"]))
        except (ValueError, KeyError, TypeError) as error:
            raise LogDamagedError(
                f"The log's {path} cannot be read; look at it, and delete it if it is none."
            ) from error
        if waiting.path != path or len(entries) != waiting.subject.count or set(map(len, entries)) != {_LEAF_BYTES}:
            raise LogDamagedError(f"The log's {path} is not what its name says; look at it, and delete it.")
        return waiting


def head_of(context: Context) -> Item | None:
    """The newest head: ``size`` and ``note``, the checkpoint that the log signed; None while the log is empty."""
    return context.store.get(LOG_PK, HEAD_SK)


def pending(item: Item) -> range:
    """Numbers of the aggregate's events that are not in the log yet."""
    return range(logged_count(item.body) + 1, int(item.body["events"]) + 1)


def append_pending(context: Context, item: Item) -> Item:
    """Append what the aggregate has not logged yet and note where it stands; answers the aggregate as it is then.

    Safe to repeat, by anybody and at any time. Raises BusyError, LogDamagedError.
    """
    while pending(item):
        before, own = logged_count(item.body), _laid_down(context, item)
        fresh = _fresh(context, item)
        # Only a run that noted them removes what was laid down: what is noted now was not noted when we laid down.
        if own is not None and logged_count(fresh.body) == before:
            _note(context, fresh, before, [_logged_at(context, own), own.subject.count])
            fresh = _fresh(context, item)
        if own is not None:
            context.files.delete(own.path)
        item = fresh
    return item


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
    return None if content is None else _Waiting.decoded(own.path, content)


def _logged_at(context: Context, own: _Waiting) -> int:
    """Get the leaves into the log, by this writer's batch or another's; answers the index of the first.

    Whoever comes takes along the few who wait, so that nobody waits for more than the batch under way and the next one.
    Where many wait, the first in turn does, and whoever comes waits with them.
    """
    files, clock, looked_until, blocked_at = context.files, context.clock, own.size, -1
    began = clock.monotonic()
    turn, together = _look_around(context, own, own.size, first=True)
    may_from = began + turn * _TURN_S
    while clock.monotonic() - began < _PATIENCE_S:
        head = head_of(context)
        size = _size(head)
        if size > looked_until:
            found = _places(files, looked_until, size).get(own.entries[0])
            if found is not None:
                return found
            looked_until, may_from = size, clock.monotonic() + turn * _TURN_S
        if clock.monotonic() < may_from:
            clock.sleep(random.uniform(*_PAUSE_S))
        elif blocked_at == size:
            _publish(context, head, staged(files, size))
        else:
            batch = _batch(context, together, size)
            # Staged by a call of ours whose answer was lost, it is ours all the same.
            if stage(files, size, batch) or staged(files, size) == batch:
                _publish(context, head, batch)
                return size  # one's own leaves come first in one's own batch
            blocked_at, may_from = size, clock.monotonic() + _WRITER_DEAD_S * random.uniform(1, 2)
            turn, together = _look_around(context, own, size)
    raise BusyError("Other writers were always first at the log; run the same task again.")


def _batch(context: Context, together: list[_Waiting], size: int) -> Batch:
    """What this writer stages: its own leaves first, and whatever of the others' no batch holds yet."""
    own, *others = together
    places = _places(context.files, min((one.size for one in others), default=size), size)
    # An entry that stands there already is left to its own writer, which notes where.
    kept = [own, *(other for other in others if other.entries[0] not in places)]
    return Batch(tuple(entry for one in kept for entry in one.entries), tuple(one.subject for one in kept))


def _look_around(context: Context, own: _Waiting, size: int, *, first: bool = False) -> tuple[int, list[_Waiting]]:
    """How many of those who wait come before this writer, and whom it takes along when it is its turn.

    Only whose turn it is reads what they laid down: where many wait, all of them reading all of it would take longest.
    """
    paths = context.files.names(_PENDING)
    alone = first and len(paths) <= _FEW
    turn = 0 if alone or own.path not in paths else min(paths.index(own.path), _TURNS_MAX)
    return turn, [own] if turn else [own, *_others(context, own, paths, size)]


def _others(context: Context, own: _Waiting, paths: list[str], size: int) -> list[_Waiting]:
    """What waits of writers that are at work right now. What lies there for longer is left to its own next run."""
    paths = [path for path in paths if path != own.path]
    random.shuffle(paths)
    paths = paths[:_SUBJECTS_MAX]
    found = []
    for path, content in zip(paths, context.files.get_all(paths) if paths else (), strict=True):
        if content is None:
            continue
        try:
            other = _Waiting.decoded(path, content)
        except LogDamagedError:
            # Somebody's file that is none keeps nobody from the log; who owns it is told by its own run.
            continue
        if size - other.size <= _LEAVES_BEHIND_MAX:
            found.append(other)
    if not found:
        return []
    states = context.store.get_many([(one.subject.pk, STATE) for one in found])
    waiting = []
    for other, state in zip(found, states, strict=True):
        if state is None or logged_count(state.body) >= other.subject.first:
            context.files.delete(other.path)  # laid down late: it was noted before
        else:
            waiting.append(other)
    return waiting


def _places(files: LogFiles, since: int, until: int) -> dict[bytes, int]:
    """Where the entries stand that came into the log between two sizes. Salted as they are, no two are the same."""
    found: dict[bytes, int] = {}
    numbers = range(since // WIDTH, -(-until // WIDTH)) if since < until else range(0)
    for at in range(0, len(numbers), _BUNDLES_AT_ONCE):
        tiles = [tile_of(None, number, until) for number in numbers[at : at + _BUNDLES_AT_ONCE]]
        for tile, content in zip(tiles, files.get_all([tile.path() for tile in tiles]), strict=True):
            if content is None:
                raise LogDamagedError(f"The log's {tile.path()} is missing; restore it from the mirror or the backup.")
            for index, entry in enumerate(split_bundle(tile, content), start=tile.index * WIDTH):
                if index >= since:
                    found[entry] = index
    return found


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
