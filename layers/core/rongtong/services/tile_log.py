"""A log in tiles that grows by batches: stage, lay the tiles, sign, and only then move the head.

A batch is staged at the position that equals the log's size, and a position is staged once: nothing else can ever be
laid there. So the tiles of a staged batch may be laid before the head moves, and whoever finds a batch whose writer is
gone does the rest of it, which changes nothing where it was done. A head that is signed never waits for its files.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.merkle import NodeHash
from rongtong.domain.note import Signature, VerifierKey
from rongtong.domain.tiles import Edge, Tile, TileError, bundle, edge_tiles, read_edge, tile_nodes
from rongtong.services.context import LogSigner
from rongtong.services.errors import LogDamagedError
from rongtong.services.ports import LogFiles

STAGED_BLOCK = 1_000
"""So many positions have one prefix below staging/: no more names than a listing answers at once."""
_BLOCKS_BACK = 12
"""A batch holds fewer leaves than so many blocks: an aggregate has at most 9,999 events."""


@dataclass(frozen=True)
class Subject:
    """Whose events a part of a batch is: ``count`` of them, from event number ``first`` on."""

    pk: str
    first: int
    count: int


@dataclass(frozen=True)
class Batch:
    """Entries (leaf data) in the order in which they stand in the log, and whose they are."""

    entries: tuple[bytes, ...]
    subjects: tuple[Subject, ...] = ()

    def encoded(self) -> bytes:
        """The batch as it is staged."""
        entries = [b64encode(entry).decode() for entry in self.entries]
        subjects = [[one.pk, one.first, one.count] for one in self.subjects]
        return json.dumps({"entries": entries, "subjects": subjects}, separators=(",", ":")).encode()

    @classmethod
    def decoded(cls, content: bytes) -> Batch:
        """The batch again."""
        found = json.loads(content)
        return cls(
            tuple(b64decode(entry) for entry in found["entries"]), tuple(Subject(*one) for one in found["subjects"])
        )


def stage(files: LogFiles, position: int, batch: Batch) -> bool:
    """Stage a batch at the log's size; False where one is staged already.

    Raises TileError for a batch that could never be laid: what is staged stops everything behind it.
    """
    if not batch.entries:
        raise TileError("A batch without entries would leave the log where it is.")
    bundle(batch.entries)
    return files.create(_staged(position), batch.encoded())


def find_staged(files: LogFiles, position: int) -> Batch | None:
    """The batch that is staged at the position, None if there is none."""
    return find_all_staged(files, [position])[0]


def find_all_staged(files: LogFiles, positions: Sequence[int]) -> list[Batch | None]:
    """As ``find_staged`` for each of the positions, read side by side."""
    contents = files.get_all([_staged(position) for position in positions])
    return [None if content is None else Batch.decoded(content) for content in contents]


def staged_positions(files: LogFiles, block: int) -> list[int]:
    """Where batches are staged among the positions of one block of STAGED_BLOCK, in order."""
    return [int(name.rpartition("/")[2]) for name in files.names(f"staging/{block:09d}")]


def position_of(files: LogFiles, index: int) -> int | None:
    """Where the batch is staged that holds the leaf; None where it is not there (any more)."""
    block = index // STAGED_BLOCK
    for number in range(block, max(-1, block - _BLOCKS_BACK), -1):
        before = [position for position in staged_positions(files, number) if position <= index]
        if before:
            return max(before)
    return None


def staged(files: LogFiles, position: int) -> Batch:
    """The batch that is staged at the position. Raises LogDamagedError when there is none."""
    found = find_staged(files, position)
    if found is None:
        raise LogDamagedError(f"The log's {_staged(position)} is missing; restore it from the mirror or the backup.")
    return found


def edge_at(files: LogFiles, size: int) -> Edge:
    """The right edge of the log of this size. Raises LogDamagedError when a file is missing or has another length."""
    tiles = edge_tiles(size)
    contents = files.get_all([tile.path() for tile in tiles])
    found = {tile.path(): content for tile, content in zip(tiles, contents, strict=True) if content is not None}
    try:
        return read_edge(size, found)
    except TileError as error:
        raise LogDamagedError(f"{error} Restore it from the mirror or the backup.") from error


def lay(files: LogFiles, edge: Edge, batch: Batch) -> Edge:
    """Write the files that are new with the batch; answers the new edge. Raises LogDamagedError."""
    extended, new = edge.extended(batch.entries)
    files.create_all(new)
    return extended


def sign_head(signer: LogSigner, origin: str, size: int, root: bytes) -> str:
    """A checkpoint as a note that the log signed (C2SP tlog-checkpoint)."""
    text = Checkpoint(origin, size, root).text()
    key = VerifierKey(origin, signer.public_key())
    return text + "\n" + Signature(origin, key.identity, signer.sign(text.encode())).line()


def nodes(files: LogFiles, size: int) -> NodeHash:
    """The nodes of the log of this size, for proofs; each tile is read once. Raises LogDamagedError."""

    def read(tile: Tile) -> bytes:
        (content,) = files.get_all([tile.path()])
        if content is None:
            raise LogDamagedError(f"The log's {tile.path()} is missing; restore it from the mirror or the backup.")
        return content

    node = tile_nodes(size, read)

    def named(height: int, index: int) -> bytes:
        try:
            return node(height, index)
        except TileError as error:
            raise LogDamagedError(f"{error} Restore it from the mirror or the backup.") from error

    return named


def _staged(position: int) -> str:
    return f"staging/{position:012d}"
