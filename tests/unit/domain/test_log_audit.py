"""Recomputing a log: what is not as it was signed is refused, and the file that is wrong is named."""

from dataclasses import replace

import pytest

from rongtong.domain.log_audit import LogAuditError, audit, files_in_order
from rongtong.domain.tiles import Tile, all_tiles, bundle
from witnessed_log import SampleLog, sample_entries

SMALL = 5
LARGE = 256 * 256 + 300


@pytest.fixture(scope="module")
def large():
    """A log with three levels of tiles."""
    return SampleLog(sample_entries(LARGE))


def _altered(log, **files):
    copy = SampleLog()
    copy.edge, copy.files = log.edge, {**log.files, **files}
    return copy


def _refusal(log, head=None):
    with pytest.raises(LogAuditError) as refused:
        audit(head or log.head(), log.get_all, log.get_tile)
    return refused.value.code, str(refused.value)


def _flipped(content, at, bit=0):
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 512, 700])
def test_a_log_as_it_was_signed_passes(size):
    log = SampleLog(sample_entries(size))
    assert audit(log.head(), log.get_all, log.get_tile) == len(all_tiles(size))


def test_entries_of_any_length_pass():
    log = SampleLog([b"", b"a" * 65_535, b"\x00" * 31])
    assert audit(log.head(), log.get_all, log.get_tile) == 2


@pytest.mark.parametrize("size", [0, 1, 256, 257, 65_535, 65_536, 65_537, LARGE])
def test_every_file_is_asked_for_once_and_only_after_what_lies_below_it(size):
    asked, seen = list(files_in_order(size)), set()
    assert sorted(tile.path() for tile in asked) == sorted(tile.path() for tile in all_tiles(size))
    for tile in asked:
        if tile.level is not None:
            below = None if tile.level == 0 else tile.level - 1
            width = 1 if tile.level == 0 else 256
            last = tile.index if tile.level == 0 else tile.index * width + tile.width - 1
            assert (below, last) in seen
        seen.add((tile.level, tile.index))


def test_a_log_that_just_fills_three_levels_ends_with_their_tiles():
    last = list(files_in_order(256**3))[-5:]
    assert last == [Tile(None, 65_535), Tile(0, 65_535), Tile(1, 255), Tile(2, 0), Tile(3, 0, 1)]


def test_the_progress_is_told_in_entries_and_ends_with_all(large):
    told = []
    audit(large.head(), large.get_all, large.get_tile, told.append)
    assert told == [*range(256, LARGE, 256), LARGE]


def test_every_changed_bit_of_every_file_of_a_small_log_is_refused():
    log = SampleLog(sample_entries(SMALL))
    for path, content in log.files.items():
        for at in range(len(content)):
            for bit in range(8):
                code, told = _refusal(_altered(log, **{path: _flipped(content, at, bit)}))
                assert (code, told.split()[0]) == ("LOG_FILE_WRONG", path)


def test_every_changed_byte_of_every_file_of_a_log_with_full_tiles_is_refused_and_the_file_named():
    log = SampleLog(sample_entries(257))
    assert len(log.files) == 5
    for path, content in log.files.items():
        for at in range(len(content)):
            code, told = _refusal(_altered(log, **{path: _flipped(content, at, at % 8)}))
            assert (code, told.split()[0]) == ("LOG_FILE_WRONG", path)


@pytest.mark.parametrize(
    "path",
    [
        "tile/entries/000",
        "tile/entries/256",
        "tile/entries/257.p/44",
        "tile/0/255",
        "tile/0/257.p/44",
        "tile/1/000",
        "tile/1/001.p/1",
        "tile/2/000.p/1",
    ],
)
def test_a_changed_file_of_a_large_log_is_named(large, path):
    code, told = _refusal(_altered(large, **{path: _flipped(large.files[path], 31)}))
    assert (code, told.split()[0]) == ("LOG_FILE_WRONG", path)


def test_a_changed_entry_is_named_by_its_number(large):
    entries = sample_entries(LARGE)[512:768]
    entries[7] = b"another"
    code, told = _refusal(_altered(large, **{"tile/entries/002": bundle(entries)}))
    assert code == "LOG_FILE_WRONG"
    assert told == "tile/entries/002 is not what the log signed: entry 519 (counted from 0) is another one."


def test_a_bundle_changed_together_with_its_tile_is_named(large):
    forged = SampleLog([b"another", *sample_entries(LARGE)[1:]])
    files = {path: forged.files[path] for path in ("tile/entries/000", "tile/0/000")}
    told = "tile/0/000 and the files below it agree with each other, but they are not what the log signed."
    assert _refusal(_altered(large, **files)) == ("LOG_FILE_WRONG", told)


def test_files_that_agree_with_each_other_but_not_with_the_root_are_refused():
    forged = SampleLog([b"another", *sample_entries(300)])
    signed = SampleLog(sample_entries(301)).head()
    told = "The 5 files agree with each other, but their root is not the one of the checkpoint of 301 entries."
    assert _refusal(forged, signed) == ("LOG_ROOT_WRONG", told)


@pytest.mark.parametrize("path", ["tile/0/000.p/5", "tile/entries/000.p/5"])
@pytest.mark.parametrize("change", [lambda content: content[:-1], lambda content: content + b"\x00", lambda _: b""])
def test_a_file_that_was_cut_or_lengthened_is_refused_by_name(path, change):
    log = SampleLog(sample_entries(SMALL))
    code, told = _refusal(_altered(log, **{path: change(log.files[path])}))
    assert (code, told.split()[0]) == ("LOG_FILE_WRONG", path)


def test_where_the_tile_above_is_unreadable_the_tile_itself_is_named():
    log = SampleLog(sample_entries(257))
    changed = _altered(log, **{"tile/0/000": _flipped(log.files["tile/0/000"], 0), "tile/1/000.p/1": b""})
    assert _refusal(changed)[1] == "tile/0/000 is not what the log signed."


def test_a_head_of_another_size_is_refused():
    log = SampleLog(sample_entries(256))
    log.files |= SampleLog(sample_entries(255)).files
    assert _refusal(log, replace(log.head(), size=255))[0] == "LOG_ROOT_WRONG"


def test_a_readers_failure_is_passed_on():
    log = SampleLog(sample_entries(SMALL))
    del log.files[Tile(0, 0, SMALL).path()]
    with pytest.raises(KeyError):
        audit(log.head(), log.get_all, log.get_tile)
