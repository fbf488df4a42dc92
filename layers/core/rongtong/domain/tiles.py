"""The log as static files (C2SP tlog-tiles): tiles of 256 hashes, bundles of 256 entries, and proofs out of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rongtong.domain.merkle import NodeHash, leaf_hash, node_hash, root

WIDTH = 256
_TILE_HEIGHT = 8
_HASH_BYTES = 32
_LENGTH_BYTES = 2
_ENTRY_BYTES_MAX = 65_535
_PATH = re.compile(r"tile/(entries|0|[1-9]\d?)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


class TileError(ValueError):
    """A tile or bundle is not what it must be; the text names it."""


@dataclass(frozen=True)
class Tile:
    """One file of the log: ``width`` hashes of a level (0: leaf hashes), or, without a level, so many entries."""

    level: int | None
    index: int
    width: int = WIDTH

    def path(self) -> str:
        """Its place below the log's prefix."""
        digits = f"{self.index:d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
        kind = "entries" if self.level is None else str(self.level)
        return f"tile/{kind}/{number}" + ("" if self.width == WIDTH else f".p/{self.width}")

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Read a path. Raises TileError for anything but its only form."""
        found = _PATH.fullmatch(path)
        if found is not None:
            kind, number, width = found.groups()
            level = None if kind == "entries" else int(kind)
            tile = cls(level, int(re.sub(r"\D", "", number)), int(width or WIDTH))
            if tile.path() == path and (level is None or level < 64):
                return tile
        raise TileError(f"{path} is no path of a tile.")


def tile_of(level: int | None, index: int, size: int) -> Tile:
    """The tile with this index in the log of ``size`` leaves: full, or as wide as the log reaches. Raises TileError."""
    width = min(WIDTH, (size >> _TILE_HEIGHT * (level or 0)) - index * WIDTH)
    if width < 1:
        raise TileError(f"The log of {size} leaves has no tile {index} at level {level}.")
    return Tile(level, index, width)


def all_tiles(size: int) -> list[Tile]:
    """Every file of the log of ``size`` leaves, entries first, then level by level."""
    found = []
    for level in [None, *range(64)]:
        count = size >> _TILE_HEIGHT * (level or 0)
        if not count:
            break
        found += [tile_of(level, index, size) for index in range(-(-count // WIDTH))]
    return found


def split_tile(tile: Tile, content: bytes) -> list[bytes]:
    """The hashes of a tile. Raises TileError."""
    if len(content) != tile.width * _HASH_BYTES:
        raise TileError(f"{tile.path()} is not {tile.width} hashes long.")
    return [content[at : at + _HASH_BYTES] for at in range(0, len(content), _HASH_BYTES)]


def split_bundle(tile: Tile, content: bytes) -> list[bytes]:
    """The entries of a bundle. Raises TileError."""
    entries, at = [], 0
    while at + _LENGTH_BYTES <= len(content):
        end = at + _LENGTH_BYTES + int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        entries.append(content[at + _LENGTH_BYTES : end])
        at = end
    if at != len(content) or len(entries) != tile.width:
        raise TileError(f"{tile.path()} does not hold {tile.width} entries.")
    return entries


def bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle. Raises TileError for an entry of more than 65,535 bytes."""
    if any(len(entry) > _ENTRY_BYTES_MAX for entry in entries):
        raise TileError("An entry of the log has at most 65,535 bytes.")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


@dataclass(frozen=True)
class Edge:
    """The right edge of the log: enough to append and to know the root.

    ``levels`` are the hashes of each level's partial tile (empty where the last one is full), ``entries`` those of the
    partial bundle.
    """

    size: int = 0
    levels: tuple[tuple[bytes, ...], ...] = ()
    entries: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """The tree hash (RFC 6962 section 2.1)."""
        found: bytes | None = None
        for level in self.levels:
            for peak in reversed(_peaks(level)):
                found = peak if found is None else node_hash(peak, found)
        return root([]) if found is None else found

    def extended(self, entries: Sequence[bytes]) -> tuple[Edge, dict[str, bytes]]:
        """The edge with more entries (leaf data), and the files that are new with it, by path."""
        levels, last = [list(level) for level in self.levels], list(self.entries)
        files: dict[str, bytes] = {}
        for number, entry in enumerate(entries, start=self.size):
            last.append(entry)
            _push(levels, 0, number // WIDTH, leaf_hash(entry), files)
            if len(last) == WIDTH:
                files[Tile(None, number // WIDTH).path()] = bundle(last)
                last = []
        size = self.size + len(entries)
        if last and entries:
            files[tile_of(None, size // WIDTH, size).path()] = bundle(last)
        for level, hashes in enumerate(levels):
            count = size >> _TILE_HEIGHT * level
            if hashes and count != self.size >> _TILE_HEIGHT * level:
                files[tile_of(level, count // WIDTH, size).path()] = b"".join(hashes)
        return Edge(size, tuple(tuple(level) for level in levels), tuple(last)), files


def edge_tiles(size: int) -> list[Tile]:
    """The partial files at the right edge of the log of ``size`` leaves: the bundle, then one a level."""
    found = []
    for level in [None, *range(64)]:
        count = size >> _TILE_HEIGHT * (level or 0)
        if not count:
            break
        if count % WIDTH:
            found.append(tile_of(level, count // WIDTH, size))
    return found


def read_edge(size: int, files: dict[str, bytes]) -> Edge:
    """The edge out of its files (``edge_tiles``), each checked for its length. Raises TileError."""
    levels: list[tuple[bytes, ...]] = []
    entries: tuple[bytes, ...] = ()
    while size >> _TILE_HEIGHT * len(levels):
        levels.append(())
    for tile in edge_tiles(size):
        if tile.path() not in files:
            raise TileError(f"{tile.path()} is missing.")
        content = files[tile.path()]
        if tile.level is None:
            entries = tuple(split_bundle(tile, content))
        else:
            levels[tile.level] = tuple(split_tile(tile, content))
    return Edge(size, tuple(levels), entries)


def tile_nodes(size: int, read: Callable[[Tile], bytes]) -> NodeHash:
    """The nodes of the log of ``size`` leaves out of its tiles; each tile is read once. Raises TileError."""
    pyramids: dict[tuple[int, int], list[list[bytes]]] = {}

    def node(height: int, index: int) -> bytes:
        level, rise = divmod(height, _TILE_HEIGHT)
        tile = tile_of(level, (index << rise) // WIDTH, size)
        pyramid = pyramids.get((level, tile.index))
        if pyramid is None:
            pyramid = pyramids[level, tile.index] = _pyramid(split_tile(tile, read(tile)))
        return pyramid[rise][index - (tile.index * WIDTH >> rise)]

    return node


def _push(levels: list[list[bytes]], level: int, index: int, found: bytes, files: dict[str, bytes]) -> None:
    """Put a hash at the end of a level; ``index`` is its tile's. A full tile's root goes a level up."""
    if level == len(levels):
        levels.append([])
    levels[level].append(found)
    if len(levels[level]) == WIDTH:
        files[Tile(level, index).path()] = b"".join(levels[level])
        full, levels[level] = root(levels[level]), []
        _push(levels, level + 1, index // WIDTH, full, files)


def _pyramid(hashes: list[bytes]) -> list[list[bytes]]:
    """A tile's hashes and, above them, those of every full pair, up to eight heights."""
    rows = [hashes]
    while len(rows[-1]) > 1:
        below = rows[-1]
        rows.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])
    return rows


def _peaks(level: Sequence[bytes]) -> list[bytes]:
    """The roots of the full subtrees that a partial tile's hashes make, largest first."""
    found, at = [], 0
    for bit in range(_TILE_HEIGHT - 1, -1, -1):
        if len(level) & 1 << bit:
            found.append(root(level[at : at + (1 << bit)]))
            at += 1 << bit
    return found
