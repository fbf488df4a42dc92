"""The log as static files: paths, widths and contents are those of C2SP tlog-tiles."""

import hashlib

import pytest

from rongtong.domain.merkle import leaf_hash, node_hash, root
from rongtong.domain.tiles import (
    Edge,
    Tile,
    TileError,
    all_tiles,
    bundle,
    edge_tiles,
    read_edge,
    split_bundle,
    split_tile,
    tile_nodes,
    tile_of,
)
from witnessed_log import SampleLog, sample_entries

SIZES = [1, 2, 255, 256, 257, 511, 512, 513, 1000]


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        # tlog-tiles: index 1234067 is encoded as x001/x234/067.
        ("tile/0/x001/x234/067", Tile(0, 1_234_067)),
        ("tile/entries/x001/x234/067.p/3", Tile(None, 1_234_067, 3)),
        # The paths of Go's tlog_test.go without the height, which is fixed here.
        ("tile/0/001", Tile(0, 1)),
        ("tile/0/001.p/5", Tile(0, 1, 5)),
        ("tile/5/x123/x456/078", Tile(5, 123_456_078)),
        ("tile/5/x123/x456/078.p/2", Tile(5, 123_456_078, 2)),
        ("tile/0/x003/x057/500", Tile(0, 3_057_500)),
        ("tile/entries/000", Tile(None, 0)),
        ("tile/63/999.p/255", Tile(63, 999, 255)),
        ("tile/0/x001/000", Tile(0, 1000)),
    ],
)
def test_a_path_names_its_tile(path, tile):
    assert (tile.path(), Tile.parse(path)) == (path, tile)


@pytest.mark.parametrize(
    "path",
    [
        "tile/5/123/456/078",
        "tile/-1/123/456/078",
        "tile/data/x003/x057/500",
        "tile/64/000",
        "tile/00/000",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/０00",
        "tile/entries/000/",
        "/tile/0/000",
        "tile/0/../000",
        "checkpoint",
    ],
)
def test_another_path_names_none(path):
    with pytest.raises(TileError, match=r" is no path of a tile\.$"):
        Tile.parse(path)


def _counts(size):
    found = {}
    for tile in all_tiles(size):
        full, partial = found.get(tile.level, (0, []))
        found[tile.level] = (full + 1, partial) if tile.width == 256 else (full, [*partial, tile.width])
    return found


def test_a_log_of_70_000_has_the_tiles_of_the_specifications_example():
    assert _counts(70_000) == {None: (273, [112]), 0: (273, [112]), 1: (1, [17]), 2: (0, [1])}


def test_a_log_of_256_has_the_tiles_of_the_specifications_example():
    assert _counts(256) == {None: (1, []), 0: (1, []), 1: (0, [1])}


def test_an_empty_log_has_no_tile():
    assert all_tiles(0) == edge_tiles(0) == []


def test_a_log_has_no_tile_beyond_its_end():
    with pytest.raises(TileError, match=r"^The log of 256 leaves has no tile 1 at level 0\.$"):
        tile_of(0, 1, 256)


@pytest.mark.parametrize("size", SIZES)
def test_a_log_has_just_the_files_that_its_size_asks_for(size):
    assert set(SampleLog(sample_entries(size)).files) == {tile.path() for tile in all_tiles(size)}


@pytest.mark.parametrize("size", SIZES)
def test_every_tile_holds_the_tree_hashes_of_what_lies_below(size):
    entries = sample_entries(size)
    for path, content in SampleLog(entries).files.items():
        tile = Tile.parse(path)
        if tile.level is None:
            assert split_bundle(tile, content) == entries[tile.index * 256 : tile.index * 256 + tile.width]
            continue
        span = 256**tile.level
        starts = range(tile.index * 256 * span, (tile.index * 256 + tile.width) * span, span)
        made = [root([leaf_hash(entry) for entry in entries[start : start + span]]) for start in starts]
        assert split_tile(tile, content) == made


@pytest.mark.parametrize("batches", [[1] * 300, [255, 2, 255, 1], [256, 256], [700], [0, 5, 0]])
def test_a_log_has_the_same_full_files_however_it_grew(batches):
    entries, log = sample_entries(sum(batches)), SampleLog()
    start = 0
    for batch in batches:
        log.append(entries[start : start + batch])
        start += batch
    once = SampleLog(entries)
    assert log.edge == once.edge
    assert {path: log.files[path] for path in once.files} == once.files


def test_nothing_appended_makes_no_file():
    edge = SampleLog(sample_entries(300)).edge
    assert edge.extended([]) == (edge, {})


@pytest.mark.parametrize("size", [0, *SIZES])
def test_the_edge_is_read_back_from_its_files(size):
    log = SampleLog(sample_entries(size))
    assert read_edge(size, log.files) == log.edge


@pytest.mark.parametrize("path", ["tile/entries/001.p/1", "tile/0/001.p/1", "tile/1/000.p/1"])
def test_an_edge_with_a_file_missing_or_cut_is_refused_by_name(path):
    log = SampleLog(sample_entries(257))
    content = log.files.pop(path)
    with pytest.raises(TileError, match=f"^{path} is missing\\.$"):
        read_edge(257, log.files)
    log.files[path] = content[:-1]
    with pytest.raises(TileError, match=f"^{path} (is not 1 hashes long|does not hold 1 entries)\\.$"):
        read_edge(257, log.files)


def test_the_root_of_an_empty_edge_is_the_hash_of_nothing():
    assert Edge().root() == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", SIZES)
def test_nodes_come_out_of_the_tiles_and_each_is_read_once(size):
    entries = sample_entries(size)
    log, read = SampleLog(entries), []
    node = tile_nodes(size, lambda tile: read.append(tile.path()) or log.get_tile(tile))
    level = [leaf_hash(entry) for entry in entries]
    for height in range(size.bit_length()):
        assert [node(height, index) for index in range(len(level))] == level
        level = [node_hash(*level[at : at + 2]) for at in range(0, len(level) - 1, 2)]
    assert len(read) == len(set(read))


def test_a_node_out_of_a_cut_tile_is_refused_by_name():
    node = tile_nodes(3, lambda _: bytes(95))
    with pytest.raises(TileError, match=r"^tile/0/000\.p/3 is not 3 hashes long\.$"):
        node(0, 0)


def test_entries_of_any_length_go_through_a_bundle():
    entries = [b"", b"a", bytes(65_535)]
    assert bundle([b"ab", b""]) == b"\x00\x02ab\x00\x00"
    assert split_bundle(Tile(None, 0, 3), bundle(entries)) == entries


def test_an_entry_of_more_than_65_535_bytes_is_refused():
    with pytest.raises(TileError, match=r"^An entry of the log has at most 65,535 bytes\.$"):
        bundle([bytes(65_536)])


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01a", b"\x00\x01a\x00\x02b", b"\x00\x01a\x00\x01b\x00", b"\x00\x01a" * 3]
)
def test_a_bundle_that_does_not_hold_its_entries_is_refused_by_name(content):
    with pytest.raises(TileError, match=r"^tile/entries/000\.p/2 does not hold 2 entries\.$"):
        split_bundle(Tile(None, 0, 2), content)
