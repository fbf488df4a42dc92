"""A log in files, its writers stopped anywhere: it never forks, no leaf is lost, and none stands in it twice.

The schedules run on a disk in memory, which loses at a power failure whatever was not made durable. Run the file itself
with a number for so many random schedules.
"""

import copy
import random
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from greenlet import getcurrent, greenlet
from memory_disk import MemoryDisk, ProcessDiedError

from fakes import LocalSigner
from paths import ROOT
from rongtong.adapters.file_log import FileLog
from rongtong.adapters.log_folder import FileFiles
from rongtong.domain.checkpoint import open_checkpoint
from rongtong.domain.merkle import leaf_hash, root
from rongtong.domain.note import VerifierKey
from rongtong.domain.tiles import WIDTH, Edge, Tile, all_tiles, split_bundle, tile_of
from rongtong.services.errors import LogDamagedError

ORIGIN = "notary.example/log"
FOLDER = Path("log")
SIGNER = LocalSigner()
KEY = VerifierKey(ORIGIN, SIGNER.public_key())
SIZES = (0, 3, 254, 255, 256)
SCHEDULES = 500
PATIENCE = 20_000


def opened(disk):
    return FileLog(FOLDER, SIGNER, ORIGIN, disk)


def leaves(number, count):
    return [f"{number}/{at}".encode() for at in range(count)]


def _prepared(size):
    disk = MemoryDisk()
    log = opened(disk)
    if size:
        log.append(leaves("before", size))
    return disk.root


PREPARED = {size: _prepared(size) for size in SIZES}


def disk_of(size):
    """A disk with a log of this size on it."""
    disk = MemoryDisk()
    disk.root = copy.deepcopy(PREPARED[size])
    return disk


def entries_of(files, size):
    """Every entry, read from the bundles as a reader finds them."""
    found = []
    for index in range(-(-size // WIDTH)):
        bundle = tile_of(None, index, size)
        (content,) = files.get_all([bundle.path()])
        assert content is not None, f"{bundle.path()} is lost"
        found += split_bundle(bundle, content)
    return found


class Run:
    """Appends on one disk: what was tried, and what its writers were told."""

    def __init__(self, size=0):
        self.disk = disk_of(size)
        self.before = leaves("before", size)
        self.tried, self.told = [], []

    def append(self, log, batch):
        self.tried.append(batch)
        self.told.append((log.append(batch), batch))

    def check(self):
        """After whatever happened the log goes on, and keeps every promise."""
        self.disk.before = self.disk.after = lambda call: None
        self.disk.bury()
        log = opened(self.disk)
        self.append(log, [b"after"])
        head = open_checkpoint(log.checkpoint(), KEY)
        entries = entries_of(log.files, head.size)
        assert entries[: len(self.before)] == self.before
        for index, batch in self.told:
            assert entries[index : index + len(batch)] == batch, "an acknowledged leaf is lost"
        assert len(set(entries)) == len(entries), "a leaf stands in the log twice"
        assert set(entries) <= {*self.before, *(entry for batch in self.tried for entry in batch)}
        edge, files = Edge().extended(entries)
        assert edge.root() == head.root
        laid = log.files.get_all([tile.path() for tile in all_tiles(head.size)])
        assert laid == [files[tile.path()] for tile in all_tiles(head.size)]
        hashes = [leaf_hash(entry) for entry in entries]
        for note in self.disk.heads:
            old = open_checkpoint(note.decode(), KEY)
            assert old.root == root(hashes[: old.size]), "the log forked"


def run_in_order(size, fault, at, later):
    """One append, which meets a fault at its call number ``at``; the calls' names."""
    run = Run(size)
    calls = []

    def met(moment):
        def call(name):
            if moment == "before":
                calls.append(name)
            if len(calls) - 1 == at and later == (moment == "after"):
                run.disk.before = run.disk.after = lambda call: None
                fault(run.disk)

        return call

    log = opened(run.disk)
    run.disk.before, run.disk.after = met("before"), met("after")
    with suppress(ProcessDiedError, OSError):
        run.append(log, leaves("new", 3))
    run.check()
    return calls


def die(disk):
    disk.kill()


def lose_power(disk):
    disk.lose_power(random.Random(7))
    disk.kill()


def fail(disk):
    raise OSError("input/output error")


@pytest.mark.parametrize("later", [False, True], ids=["before it happens", "after it happened"])
@pytest.mark.parametrize("fault", [die, lose_power, fail])
@pytest.mark.parametrize("size", SIZES)
def test_an_append_may_be_stopped_at_any_call(size, fault, later):
    calls = run_in_order(size, lambda disk: None, -1, later)
    assert {"link staging", "link tile", "rename head", "sync folder"} <= set(calls)
    for at in range(len(calls)):
        run_in_order(size, fault, at, later)


def run_seed(seed):
    """Two or three writers take turns at every call; some die or meet errors, and the power may fail."""
    chance = random.Random(seed)
    run = Run(chance.choice(SIZES))
    main, workers = getcurrent(), []
    likely = chance.choice((0.0, 0.005, 0.03))

    def turn(call=None):
        if getcurrent() is not main:
            main.switch()
            if call is not None and chance.random() < likely:
                chance.choice((die, fail))(run.disk)

    run.disk.before = run.disk.after = turn
    run.disk.wait = turn

    def work(name):
        try:
            log = opened(run.disk)
            for number in range(chance.randint(1, 3)):
                run.append(log, leaves(f"{name}.{number}", chance.choice((1, 2, 3, 300))))
        except (ProcessDiedError, OSError):
            pass

    def started():
        return [greenlet(lambda name=name: work(name), main) for name in range(chance.randint(2, 3))]

    workers = started()
    failures = chance.choice((0, 0, 1, 2))
    for _ in range(PATIENCE):
        workers = [worker for worker in workers if not worker.dead]
        if not workers:
            break
        if failures and chance.random() < 0.01:
            failures -= 1
            run.disk.lose_power(chance, workers)
            for worker in filter(None, workers):
                worker.throw(ProcessDiedError)
            run.disk.bury()
            workers = [greenlet(lambda name=f"again{failures}.{at}": work(name), main) for at in range(2)]
            continue
        chance.choice(workers).switch()
    assert all(worker.dead for worker in workers), "the writers wait for one another for ever"
    run.check()
    return run


def test_writers_side_by_side_stopped_anywhere_keep_every_promise():
    for seed in range(SCHEDULES):
        try:
            run_seed(seed)
        except BaseException as error:
            error.add_note(f"run it again: run_seed({seed})")
            raise


def test_a_batch_whose_writer_died_is_finished_before_the_next_one():
    run = Run(3)

    def die_at_the_head(call):
        if call == "rename head":
            run.disk.kill()

    log = opened(run.disk)
    run.disk.before = die_at_the_head
    with pytest.raises(ProcessDiedError):
        log.append([b"a", b"b"])
    run.disk.before = lambda call: None
    run.disk.bury()
    log = opened(run.disk)
    assert log.append([b"c"]) == 5
    assert entries_of(log.files, 6)[3:] == [b"a", b"b", b"c"]


def test_nothing_is_left_of_batches_and_partial_tiles_that_the_log_has_passed(tmp_path):
    log = FileLog(tmp_path / "log", SIGNER, ORIGIN)
    for batch in (leaves("a", 250), [b"b"], [b"c"], leaves("d", 10), [b"e"]):
        log.append(batch)
    assert log.files.names("staging/") == []
    assert not [name for name in log.files.names("tile/") if name.startswith(("tile/0/000.p", "tile/entries/000.p"))]
    assert list((tmp_path / "log" / ".tmp").iterdir()) == []


def test_what_a_dead_writer_left_half_written_is_gone_when_the_log_is_opened(tmp_path):
    FileLog(tmp_path / "log", SIGNER, ORIGIN)
    (tmp_path / "log" / ".tmp" / "half").write_bytes(b"ha")
    FileLog(tmp_path / "log", SIGNER, ORIGIN)
    assert not (tmp_path / "log" / ".tmp" / "half").exists()


@pytest.mark.parametrize("entries", [[], [b"good", bytes(65_536)]])
def test_a_batch_that_can_never_be_laid_is_not_staged(tmp_path, entries):
    log = FileLog(tmp_path / "log", SIGNER, ORIGIN)
    with pytest.raises(ValueError, match="A batch has an entry at least"):
        log.append(entries)
    assert (log.files.names("staging/"), log.checkpoint()) == ([], None)


def test_a_head_of_another_key_is_refused(tmp_path):
    FileLog(tmp_path / "log", SIGNER, ORIGIN).append([b"a"])
    with pytest.raises(LogDamagedError, match=r"another\.example"):
        FileLog(tmp_path / "log", SIGNER, "another.example/log").append([b"b"])


def test_a_tile_that_was_altered_at_the_edge_stops_the_log(tmp_path):
    FileLog(tmp_path / "log", SIGNER, ORIGIN).append([b"a", b"b"])
    (tmp_path / "log" / Tile(0, 0, 2).path()).write_bytes(bytes(64))
    with pytest.raises(LogDamagedError, match="do not lead to the root"):
        FileLog(tmp_path / "log", SIGNER, ORIGIN).append([b"c"])


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../outside", "a//b", "a/./b", ".tmp/x", "a/"])
def test_a_path_out_of_the_folder_is_refused(tmp_path, path):
    with pytest.raises(ValueError, match="no path below the folder"):
        FileFiles(tmp_path / "log").get_all([path])


def test_threads_share_one_log(tmp_path):
    log = FileLog(tmp_path / "log", SIGNER, ORIGIN)
    told = {}

    def write(name):
        told.update({f"{name}/{at}".encode(): log.append([f"{name}/{at}".encode()]) for at in range(5)})

    threads = [threading.Thread(target=write, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = entries_of(log.files, 30)
    assert told == {entry: index for index, entry in enumerate(entries)}


WRITER = """
import sys
from pathlib import Path
from fakes import LocalSigner
from rongtong.adapters.file_log import FileLog
log = FileLog(Path(sys.argv[1]), LocalSigner(), sys.argv[2])
for number in range(int(sys.argv[4])):
    entry = f"{sys.argv[3]}/{number}"
    print(log.append([entry.encode()]), entry, flush=True)
"""


def test_processes_share_one_folder_and_one_of_them_is_killed(tmp_path):
    path = ":".join(str(ROOT / part) for part in ("layers/core", "infrastructure/local", "tests"))
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "log"), ORIGIN, name, "10000" if name == "killed" else "20"],
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": path},
            text=True,
        )
        for name in ("killed", "a", "b")
    ]
    first = writers[0].stdout.readline()
    writers[0].kill()
    lines = [first, *writers[0].stdout, *writers[1].stdout, *writers[2].stdout]
    assert [writer.wait() for writer in writers] == [-9, 0, 0]
    log = FileLog(tmp_path / "log", SIGNER, ORIGIN)
    last = log.append([b"after"])
    entries = entries_of(log.files, last + 1)
    told = dict(line.split() for line in lines if line.endswith("\n"))
    assert {index: entries[int(index)].decode() for index in told} == told
    assert len(set(entries)) == len(entries)


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        run_seed(number)
    print(f"{number + 1:,} schedules: no fork, no lost leaf, none doubled")
