"""A log's files against its checkpoint: each is found right, or named."""

import pytest

from rongtong.domain.log_check import LogCheck, full_root, leaf_hashes, new_files
from rongtong.domain.merkle import consistency_proof, leaf_hash, root, verify_consistency
from rongtong.domain.tiles import WIDTH, Edge, Tile, TileError, all_tiles

SIZES = (1, 2, 255, 256, 257, 511, 512, 700)


def log_of(size):
    """The root and the files of a log, by path."""
    edge, files = Edge().extended([str(number).encode() for number in range(size)])
    return edge.root(), files


def check_of(size, files, found_root=None):
    return LogCheck(size, found_root or log_of(size)[0], lambda tile: files.get(tile.path()))


def check_all(size, files):
    check = check_of(size, files)
    for file in new_files(0, size):
        check.check(file, files[file.path()])


@pytest.mark.parametrize("size", [0, *SIZES, 65_536, 65_537])
def test_every_file_of_a_good_log_is_found_right(size):
    check_all(size, log_of(size)[1])


@pytest.mark.parametrize("size", SIZES)
def test_a_flipped_bit_anywhere_is_found_in_its_own_file(size):
    _, files = log_of(size)
    for path, good in files.items():
        for at in {0, 1, len(good) // 2, len(good) - 1}:
            bad = bytearray(good)
            bad[at] ^= 0x10
            with pytest.raises(TileError, match=path.replace(".", r"\.")):
                check_all(size, files | {path: bytes(bad)})


def test_a_full_tile_that_is_wrong_is_named_alone():
    _, files = log_of(700)
    bad = bytes(8192)
    check = check_of(700, files)
    with pytest.raises(TileError) as refused:
        check.check(Tile(0, 1), bad)
    assert str(refused.value) == "tile/0/001 is wrong: the tile above it says otherwise."


@pytest.mark.parametrize("content", [b"", bytes(8191), bytes(8193), bytes(32)])
def test_a_tile_of_another_length_is_refused(content):
    _, files = log_of(700)
    with pytest.raises(TileError, match="tile/0/001"):
        check_of(700, files).check(Tile(0, 1), content)


def test_a_file_that_is_missing_is_named():
    _, files = log_of(700)
    del files["tile/1/000.p/2"]
    with pytest.raises(TileError, match=r"tile/1/000\.p/2 is missing"):
        check_of(700, files)


def test_the_files_of_another_log_do_not_lead_to_the_root():
    _, files = log_of(700)
    with pytest.raises(TileError, match="does not lead to the checkpoint's root"):
        check_of(700, files, log_of(699)[0])


def test_an_empty_log_has_no_other_root_than_that_of_nothing():
    with pytest.raises(TileError, match="no tile"):
        LogCheck(0, bytes(32), lambda tile: None)
    assert list(new_files(0, 0)) == []
    LogCheck(0, root([]), lambda tile: None)


def test_files_are_right_in_any_order():
    _, files = log_of(700)
    check = check_of(700, files)
    for file in reversed(list(new_files(0, 700))):
        check.check(file, files[file.path()])


def test_its_nodes_prove_consistency_with_an_older_tree():
    found_root, files = log_of(700)
    old_root, _ = log_of(300)
    proof = consistency_proof(300, 700, check_of(700, files).nodes())
    assert verify_consistency(300, 700, old_root, found_root, proof)


@pytest.mark.parametrize("old", [0, 1, 256, 300, 699, 700])
def test_it_begins_with_its_older_self_and_with_no_other(old):
    check = check_of(700, log_of(700)[1])
    assert check.begins_with(old, log_of(old)[0])
    assert not check.begins_with(old, bytes(32))


def test_a_wrong_tile_is_no_reason_to_deny_a_beginning():
    _, files = log_of(700)
    with pytest.raises(TileError, match="tile/0/001 is wrong"):
        check_of(700, files | {"tile/0/001": bytes(8192)}).begins_with(300, log_of(300)[0])


@pytest.mark.parametrize("old", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537])
@pytest.mark.parametrize("more", [0, 1, 255, 256, 65_280])
def test_new_files_are_those_that_the_older_log_had_not(old, more):
    new = {file.path() for file in new_files(old, old + more)}
    assert new == {tile.path() for tile in all_tiles(old + more)} - {tile.path() for tile in all_tiles(old)}


def test_a_tile_comes_behind_the_one_above_it_and_a_bundle_behind_its_tile():
    files = list(new_files(0, 66_000))
    for at, file in enumerate(files):
        if file.level is None:
            assert files[at - 1] == Tile(0, file.index, file.width)
        elif file.width == WIDTH:
            above = [one for one in files[:at] if (one.level, one.index) == (file.level + 1, file.index // WIDTH)]
            assert len(above) == 1


def test_leaf_hashes_of_a_bundle_are_the_hashes_in_its_tile():
    _, files = log_of(257)
    assert leaf_hashes(Tile(None, 0), files["tile/entries/000"]) == files["tile/0/000"]


def test_the_root_of_a_full_tile_is_the_tree_hash_of_its_leaves():
    assert full_root(log_of(256)[1]["tile/0/000"]) == root([leaf_hash(str(number).encode()) for number in range(256)])
