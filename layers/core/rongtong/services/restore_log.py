"""The evidence log after its tables were lost: its head is made again out of its own files, never out of a backup.

Whatever was signed begins a chain of staged batches: a position is staged once, and the head moves by that batch alone.
So the end of the chain holds every leaf that any witness can have seen, and a head there is no fork. A backup's head
is merely where the chain is picked up.

Leaves whose events came after the backup stay in the log, and nobody claims them; the batches say whose they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rongtong.domain.checkpoint import CheckpointError, open_checkpoint
from rongtong.domain.log_check import LogCheck, new_files
from rongtong.domain.note import Note
from rongtong.domain.tiles import WIDTH, Edge, Tile, TileError, split_bundle, tile_of
from rongtong.domain.trust import TrustPolicy
from rongtong.services.context import Context
from rongtong.services.cosigning import log_key
from rongtong.services.errors import LogDamagedError
from rongtong.services.evidence_log import HEAD_SK, LOG_PK, head_of, leaf_of, pending
from rongtong.services.records import amend, event_sk, logged_count
from rongtong.services.storage import Create, Document, Item
from rongtong.services.tile_log import Subject, edge_at, find_staged, lay, sign_head

_LOOK_BACK = 10_000
"""So many leaves before the restored head may be those of events that were not noted yet when the backup was made."""
_PENDING = "pending/"
_FILES_AT_ONCE = 64


@dataclass(frozen=True)
class Rebuilt:
    """The log's head as it is now, where it stood in the backup, and whose events came in between, in their order."""

    size: int
    size_before: int
    subjects: tuple[Subject, ...]


def rebuild_head(context: Context, backed_up: Item | None, *, dry_run: bool = False) -> Rebuilt:
    """Move the restored head to the end of the chain of staged batches; a repeat is no change.

    ``backed_up`` is the head as the backup has it. With ``dry_run`` nothing is written. Raises LogDamagedError.
    """
    before = edge = _edge_of(context, backed_up)
    subjects: list[Subject] = []
    while (batch := find_staged(context.files, edge.size)) is not None:
        subjects += batch.subjects
        edge = edge.extended(batch.entries)[0] if dry_run else lay(context.files, edge, batch)
    head = None if dry_run else head_of(context)
    size = 0 if head is None else int(head.body["size"])
    if edge.size > size and not dry_run:
        _move(context, head, edge.size, sign_head(context.log_signer, context.log_origin, edge.size, edge.root()))
    return Rebuilt(max(edge.size, size), before.size, tuple(subjects))


def adopt_mirror(context: Context, checkpoint: bytes, tile: Callable[[Tile], bytes], policy: TrustPolicy) -> int:
    """Take over from a notary's mirror what the log's own files have lost; answers the head's size then.

    ``tile`` reads a file of the mirror. Nothing counts that does not lead to a checkpoint which the policy trusts and
    which extends the log's own head. Raises LogDamagedError.
    """
    head = head_of(context)
    own = _edge_of(context, head)
    try:
        trusted = policy.judge(checkpoint.decode()).checkpoint
        if trusted.size <= own.size:
            return own.size
        check = LogCheck(trusted.size, trusted.root, tile)
        if not check.begins_with(own.size, own.root()):
            raise LogDamagedError("The mirror's log is not the continuation of this one; compare the two first.")
        files = list(new_files(own.size, trusted.size))
        for at in range(0, len(files), _FILES_AT_ONCE):
            found = {one.path(): tile(one) for one in files[at : at + _FILES_AT_ONCE]}
            for one in files[at : at + _FILES_AT_ONCE]:
                check.check(one, found[one.path()])
            context.files.create_all(found)
    except (CheckpointError, TileError, UnicodeDecodeError) as error:
        raise LogDamagedError(f"The mirror cannot be used. {error}") from error
    note = Note.parse(checkpoint.decode())
    signed = tuple(line for line in note.signatures if line.is_of(log_key(context)))
    _move(context, head, trusted.size, Note(note.text, signed).content())
    return trusted.size


def clear_pending(context: Context) -> int:
    """Remove what writers had laid down for a batch; answers how many.

    It belongs to events that may be gone. Whatever is still to be logged is laid down anew, out of the records.
    """
    removed = 0
    while names := context.files.names(_PENDING):
        for name in names:
            context.files.delete(name)
        removed += len(names)
    return removed


def note_logged(context: Context, items: list[Item], size_before: int) -> int:
    """Note of restored records which of their events are in the log although the backup did not know; answers how many.

    Without it they would be appended a second time.
    """
    waiting = [(item, number) for item in items for number in pending(item)]
    if not waiting:
        return 0
    places = _places(context, max(0, size_before - _LOOK_BACK))
    noted = 0
    for item in items:
        indices = []
        for number in pending(item):
            document = context.store.get(item.pk, event_sk(number))
            index = None if document is None else places.get(leaf_of(document.body))
            if index is None:
                break
            indices.append(index)
        if indices:
            _note(context, item, indices)
            noted += len(indices)
    return noted


def _note(context: Context, item: Item, indices: list[int]) -> None:
    before = logged_count(item.body)

    def note(body: Document) -> Document | None:
        if logged_count(body) != before:
            return None
        return {**body, "logged": [*body.get("logged", ()), *([index, 1] for index in indices)]}

    amend(context.store, item, note)


def _places(context: Context, since: int) -> dict[bytes, int]:
    """Where the entries from a size on stand."""
    head = head_of(context)
    size = 0 if head is None else int(head.body["size"])
    tiles = [tile_of(None, number, size) for number in range(since // WIDTH, -(-size // WIDTH))]
    found: dict[bytes, int] = {}
    for at in range(0, len(tiles), _FILES_AT_ONCE):
        some = tiles[at : at + _FILES_AT_ONCE]
        for tile, content in zip(some, context.files.get_all([one.path() for one in some]), strict=True):
            if content is None:
                raise LogDamagedError(f"The log's {tile.path()} is missing; restore it from the mirror or the backup.")
            for index, entry in enumerate(split_bundle(tile, content), start=tile.index * WIDTH):
                found[entry] = index
    return found


def _edge_of(context: Context, head: Item | None) -> Edge:
    """The edge of the log at the restored head, which must be the tree that was signed. Raises LogDamagedError."""
    if head is None:
        return Edge()
    try:
        signed = open_checkpoint(str(head.body["note"]), log_key(context))
    except CheckpointError as error:
        raise LogDamagedError(f"The restored head is none of this log's: {error}") from error
    edge = edge_at(context.files, signed.size)
    if edge.root() != signed.root:
        raise LogDamagedError(f"The log's files at {signed.size} leaves are not the tree that was signed.")
    return edge


def _move(context: Context, head: Item | None, size: int, note: str) -> None:
    body: Document = {"size": size, "note": note}
    context.store.transact([Create(LOG_PK, HEAD_SK, body) if head is None else head.replaced(body)])
