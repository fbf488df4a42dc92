"""A log's files against its checkpoint, from the root downwards: every file is believed or named as wrong by itself.

The partial tiles at the right edge lead together to the checkpoint's root. Below them each full tile must hash to what
the tile above says of it, and each bundle of entries to the leaf hashes in its tile. So a single wrong byte is found in
its own file, with no more of the log at hand than one path of tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256

from rongtong.domain.merkle import NodeHash, consistency_proof, verify_consistency
from rongtong.domain.merkle import root as tree_root
from rongtong.domain.tiles import WIDTH, Tile, TileError, edge_tiles, read_edge, split_bundle, tile_nodes, tile_of

_HASH_BYTES = 32
_TILE_HEIGHT = 8
_LEVELS = 64


def leaf_hashes(bundle: Tile, content: bytes) -> bytes:
    """The leaf hashes of a bundle's entries, one behind the other. Raises TileError."""
    return b"".join([sha256(b"\x00" + entry).digest() for entry in split_bundle(bundle, content)])


def full_root(content: bytes) -> bytes:
    """The root of a full tile, 32 bytes, out of its hashes."""
    while len(content) > _HASH_BYTES:
        pairs = range(0, len(content), 2 * _HASH_BYTES)
        content = b"".join([sha256(b"\x01" + content[at : at + 2 * _HASH_BYTES]).digest() for at in pairs])
    return content


def new_files(old_size: int, size: int) -> Iterator[Tile]:
    """The files of the log of ``size`` leaves that it had not at ``old_size``.

    From the top level down, so that the tile above comes before the tile; each bundle right behind its tile.
    """
    levels = [level for level in range(_LEVELS) if size >> _TILE_HEIGHT * level]
    for level in reversed(levels):
        old_count, count = (one >> _TILE_HEIGHT * level for one in (old_size, size))
        for index in range(old_count // WIDTH, -(-count // WIDTH) if count > old_count else 0):
            tile = tile_of(level, index, size)
            yield tile
            if level == 0:
                yield replace(tile, level=None)


class LogCheck:
    """Judges the files of the log of ``size`` leaves that has this root.

    ``read`` answers a file's content, whatever it is worth, or None. Raises TileError, here and in every method, for
    content that is missing or wrong; the text names the file, or the few files at the right edge of which one is wrong.
    """

    def __init__(self, size: int, root: bytes, read: Callable[[Tile], bytes | None]) -> None:
        self._size = size
        self._root = root
        self._read = read
        edge = [tile for tile in edge_tiles(size) if tile.level is not None]
        # The last tile that was found right on each level: files come in order, so the tile above is nearly always it.
        self._held: dict[int, tuple[Tile, bytes]] = {}
        self._edge = {tile.path(): self._content(tile) for tile in edge}
        if self._root_of_edge() != root:
            named = ", ".join(self._edge) or "(no tile)"
            raise TileError(f"The log's edge does not lead to the checkpoint's root: {named}, or the checkpoint.")

    def check(self, file: Tile, content: bytes) -> None:
        """Find the content right for this file of the log."""
        if file.level is None:
            expected = self.tile(tile_of(0, file.index, self._size))
            if leaf_hashes(file, content) != expected:
                raise TileError(f"{file.path()} does not hold the entries whose hashes are in the log.")
            return
        if content != self._edge.get(file.path(), content) or len(content) != file.width * _HASH_BYTES:
            raise TileError(f"{file.path()} is wrong: it does not lead to the checkpoint's root.")
        if file.width == WIDTH and full_root(content) != self._expected(file):
            raise TileError(f"{file.path()} is wrong: the tile above it says otherwise.")
        self._held[file.level] = (file, content)

    def tile(self, tile: Tile) -> bytes:
        """The content of a tile of hashes, read where it is not at hand, and found right."""
        assert tile.level is not None, "a bundle is no tile of hashes"
        if tile.path() in self._edge:
            return self._edge[tile.path()]
        held, content = self._held.get(tile.level, (None, b""))
        if held != tile:
            content = self._content(tile)
            self.check(tile, content)
        return content

    def nodes(self) -> NodeHash:
        """The log's nodes, for proofs, out of tiles that were found right."""
        return tile_nodes(self._size, self.tile)

    def begins_with(self, size: int, root: bytes) -> bool:
        """Whether the first ``size`` leaves, at most all, have this root; a wrong file is no reason for a no."""
        if not 0 < size < self._size:
            return root == (self._root if size else tree_root([]))
        proof = consistency_proof(size, self._size, self.nodes())
        return verify_consistency(size, self._size, root, self._root, proof)

    def _expected(self, tile: Tile) -> bytes:
        assert tile.level is not None, "a bundle is no tile of hashes"
        above = self.tile(tile_of(tile.level + 1, tile.index // WIDTH, self._size))
        at = tile.index % WIDTH * _HASH_BYTES
        return above[at : at + _HASH_BYTES]

    def _root_of_edge(self) -> bytes:
        # The root follows from hashes alone: entries that do not exist stand in for the partial bundle.
        bundle = {tile.path(): bytes(2 * tile.width) for tile in edge_tiles(self._size) if tile.level is None}
        return read_edge(self._size, self._edge | bundle).root()

    def _content(self, tile: Tile) -> bytes:
        content = self._read(tile)
        if content is None:
            raise TileError(f"{tile.path()} is missing.")
        return content
