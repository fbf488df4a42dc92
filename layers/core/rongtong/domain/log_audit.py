"""Recomputing a whole log from its entries: every file must be what the checkpoint's root commits to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.log_check import full_root, leaf_hashes
from rongtong.domain.merkle import root
from rongtong.domain.tiles import WIDTH, Edge, Tile, TileError, edge_tiles, split_tile, tile_of

Read = Callable[[Tile], bytes]
ReadAll = Callable[[Iterable[Tile]], Iterator[bytes]]
"""The files in the order asked for; it may read ahead."""
_HASH_BYTES = 32


class LogAuditError(ValueError):
    """The files are not what the log signed. ``code``: LOG_FILE_WRONG, the text names the file, or LOG_ROOT_WRONG."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def wrong_file(tile: Tile, message: str) -> LogAuditError:
    """The refusal that names this file."""
    return LogAuditError("LOG_FILE_WRONG", f"{tile.path()} {message}")


def audit(head: Checkpoint, read_all: ReadAll, read: Read, report: Callable[[int], None] = lambda _: None) -> int:
    """Recompute the log of ``head``, whose signatures were checked before; answer the number of files read.

    Entries are hashed, and every tile compared with what lies below it, then the root with the checkpoint's. Memory
    does not grow with the log. ``report`` is told how many entries are done, ``read`` serves to find which of two files
    that contradict each other is the wrong one. Raises LogAuditError, and what the readers raise.
    """
    rows: list[bytearray] = [bytearray()]  # by level, the hashes that its unfinished tile must hold
    files, tiles = 0, files_in_order(head.size)
    for tile, content in zip(files_in_order(head.size), read_all(tiles), strict=True):
        files += 1
        if tile.level is None:
            rows[0] = bytearray(_leaf_hashes(tile, content))
            report(min(head.size, (tile.index + 1) * WIDTH))
            continue
        if content != rows[tile.level]:
            raise _blamed(head, tile, content, bytes(rows[tile.level]), read)
        if tile.width == WIDTH:
            if len(rows) == tile.level + 1:
                rows.append(bytearray())
            rows[tile.level + 1] += full_root(content)
            rows[tile.level].clear()
    edge = Edge(head.size, tuple(tuple(_hashes(row)) for row in rows))
    if edge.root() != head.root:
        raise LogAuditError(
            "LOG_ROOT_WRONG",
            f"The {files} files agree with each other, but their root is not the one of the checkpoint"
            f" of {head.size} entries.",
        )
    return files


def files_in_order(size: int) -> Iterator[Tile]:
    """Every file of the log of ``size`` entries: each bundle, its hashes, and a higher tile once it is complete."""
    for index in range(-(-size // WIDTH)):
        yield tile_of(None, index, size)
        yield tile_of(0, index, size)
        end, level = (index + 1) * WIDTH, 1
        while end <= size and end % WIDTH ** (level + 1) == 0:
            yield Tile(level, end // WIDTH ** (level + 1) - 1)
            level += 1
    yield from (tile for tile in edge_tiles(size) if tile.level)


def _leaf_hashes(tile: Tile, content: bytes) -> bytes:
    try:
        return leaf_hashes(tile, content)
    except TileError as error:
        raise LogAuditError("LOG_FILE_WRONG", str(error)) from error


def _hashes(joined: bytes | bytearray) -> list[bytes]:
    return [bytes(joined[at : at + _HASH_BYTES]) for at in range(0, len(joined), _HASH_BYTES)]


def _blamed(head: Checkpoint, tile: Tile, content: bytes, expected: bytes, read: Read) -> LogAuditError:
    """A tile and what lies below it contradict each other; the one that the signed root does not reach is wrong."""
    if not _is_vouched(head, tile, content, read):
        return wrong_file(tile, "is not what the log signed.")
    first = next(
        at for at, pair in enumerate(zip(_hashes(content), _hashes(expected), strict=True)) if len({*pair}) > 1
    )
    number = tile.index * WIDTH + first
    if not tile.level:
        bundle = Tile(None, tile.index, tile.width)
        return wrong_file(bundle, f"is not what the log signed: entry {number} (counted from 0) is another one.")
    below = tile_of(tile.level - 1, number, head.size)
    return wrong_file(below, "and the files below it agree with each other, but they are not what the log signed.")


def _is_vouched(head: Checkpoint, tile: Tile, content: bytes, read: Read) -> bool:
    """Whether the tile's hashes lead to what is above it: a full tile to its parent, a partial one to the root."""
    try:
        hashes = split_tile(tile, content)
        if tile.width == WIDTH and tile.level is not None:
            above = tile_of(tile.level + 1, tile.index // WIDTH, head.size)
            return root(hashes) == split_tile(above, read(above))[tile.index % WIDTH]
        partial = {one.level: one for one in edge_tiles(head.size)}
        levels: list[tuple[bytes, ...]] = []
        while head.size // WIDTH ** len(levels):
            one = partial.get(len(levels))
            levels.append(() if one is None else tuple(hashes if one == tile else split_tile(one, read(one))))
        return Edge(head.size, tuple(levels)).root() == head.root
    except TileError:
        return False
