"""The command line with which a notary keeps a copy of the log."""

import gzip
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes import LocalSigner
from paths import ROOT
from rongtong import mirror
from rongtong.adapters.file_log import FileLog
from rongtong.adapters.log_folder import FileFiles
from rongtong.domain.checkpoint import Checkpoint, cosignature_line, cosigned_text
from rongtong.domain.note import COSIGNATURE, Note, VerifierKey
from rongtong.domain.tiles import Edge, all_tiles
from rongtong.domain.trust import TrustPolicy
from rongtong.log_files import LogAtUrl
from rongtong.mirror import main
from rongtong.services.tile_log import sign_head
from rongtong.verify import main as verify
from witnessed_log import Signer

ORIGIN = "rongtong.example/log"
SIGNER = LocalSigner()
WITNESS_KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
WITNESS = VerifierKey(
    "notary.example/witness", WITNESS_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), COSIGNATURE
)
POLICY = TrustPolicy((VerifierKey(ORIGIN, SIGNER.public_key()),), {"notary": WITNESS}, quorum="notary").text()
TIME = 1_776_000_000


def leaves(start, end, mark=b""):
    return [mark + number.to_bytes(4, "big") for number in range(start, end)]


def cosigned(note):
    text = Note.parse(note).text
    return note + cosignature_line(WITNESS, TIME, WITNESS_KEY.sign(cosigned_text(TIME, text).encode()))


class Published:
    """A log in a folder, grown by batches and published with a cosigned checkpoint."""

    def __init__(self, folder):
        self.folder = folder
        self.log = FileLog(folder, SIGNER, ORIGIN)
        self.size = 0

    def grow(self, count):
        self.log.append(leaves(self.size, self.size + count))
        self.size += count
        self.log.files.put("checkpoint", cosigned(self.log.checkpoint()).encode())


@pytest.fixture
def published(tmp_path, monkeypatch):
    (tmp_path / "trust.txt").write_text(POLICY)
    monkeypatch.setenv("RONGTONG_TRUST", str(tmp_path / "trust.txt"))
    return Published(tmp_path / "log")


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "copy"


@pytest.fixture
def run(published, copy, capsys):
    def run(*more, log=None):
        status = main([str(log or published.folder), str(copy), *map(str, more)])
        return status, capsys.readouterr().out

    return run


def write_log(folder, entries):
    """A whole log of these entries, signed and cosigned, whatever was signed before."""
    edge, files = Edge().extended(entries)
    note = cosigned(sign_head(SIGNER, ORIGIN, edge.size, edge.root()))
    FileFiles(folder).create_all({**files, "checkpoint": note.encode()})


def files_below(folder):
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: content for path, content in found.items() if not path.startswith(".")}


def assert_complete(copy, published):
    """The copy holds exactly what its checkpoint commits to."""
    _, files = Edge().extended(leaves(0, published.size))
    held = files_below(copy)
    assert held["checkpoint"] == (published.folder / "checkpoint").read_bytes()
    assert {tile.path(): held.get(tile.path()) for tile in all_tiles(published.size)} == files


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_the_first_run_copies_the_whole_log(run, published, copy, size):
    published.grow(size)
    assert run() == (
        0,
        f"OK {ORIGIN}: {size} new entries in {len(all_tiles(size))} files, {size} in all in {copy};"
        " the checkpoint is cosigned by notary.example/witness\n",
    )
    assert_complete(copy, published)


@pytest.mark.parametrize(("first", "more"), [(3, 1), (255, 1), (256, 1), (250, 300), (256, 256), (700, 70_000)])
def test_a_later_run_adds_what_is_new(run, published, copy, first, more):
    published.grow(first)
    run()
    published.grow(more)
    status, printed = run()
    assert (status, f"{more} new entries" in printed) == (0, True)
    assert_complete(copy, published)


def test_a_run_without_anything_new_says_so(run, published):
    published.grow(5)
    run()
    status, printed = run()
    assert (status, printed.split(":")[1].split(",")[0]) == (0, " 0 new entries in 0 files")


def test_only_what_the_copy_has_not_is_asked_for(run, published, copy):
    published.grow(600)
    with serving(published.folder) as (url, asked):
        run(log=url)
        asked.clear()
        published.grow(1)
        assert run(log=url)[0] == 0
    assert not {"/tile/0/000", "/tile/0/001", "/tile/entries/000", "/tile/entries/001"} & set(asked)
    assert "/tile/entries/002.p/89" in asked
    assert_complete(copy, published)


def test_partial_files_that_a_full_one_replaced_are_removed(run, published, copy):
    published.grow(200)
    run()
    published.grow(100)
    run()
    assert not [path for path in files_below(copy) if path.startswith(("tile/0/000.p/", "tile/entries/000.p/"))]


def test_the_copy_is_a_log_that_can_be_copied_itself(run, published, copy, tmp_path, capsys):
    published.grow(300)
    run()
    assert main([str(copy), str(tmp_path / "second")]) == 0
    assert_complete(tmp_path / "second", published)


def test_a_log_over_http_that_compresses_its_bundles_is_copied(run, published, copy):
    published.grow(300)
    with serving(published.folder, compressed=True) as (url, _):
        assert run(log=url)[0] == 0
    assert_complete(copy, published)


def test_a_log_that_does_not_answer_is_named(run, copy, monkeypatch):
    monkeypatch.setattr(mirror, "open_log", lambda place: LogAtUrl(place, lambda seconds: None))
    status, printed = run(log="http://127.0.0.1:9/log")
    assert (status, printed.startswith("REFUSED LOG_UNREADABLE: checkpoint below http://127.0.0.1:9/log")) == (1, True)


@pytest.mark.parametrize("size", [5, 300])
def test_a_flipped_bit_in_any_file_is_refused_by_its_name(run, published, copy, size):
    published.grow(2)
    run()
    before = files_below(copy)
    published.grow(size)
    for tile in all_tiles(published.size):
        place = published.folder / tile.path()
        good = place.read_bytes()
        for at in {0, 1, len(good) // 2, len(good) - 1}:
            bad = bytearray(good)
            bad[at] ^= 1
            place.write_bytes(bad)
            status, printed = run()
            assert (status, printed.startswith("REFUSED LOG_FILE_WRONG"), tile.path() in printed) == (1, True, True)
            assert files_below(copy)["checkpoint"] == before["checkpoint"]
        place.write_bytes(good)
    assert run()[0] == 0
    assert_complete(copy, published)


def test_a_file_of_the_log_that_is_missing_is_named(run, published):
    published.grow(300)
    (published.folder / "tile/entries/000").unlink()
    status, printed = run()
    assert (status, "LOG_UNREADABLE: There is no tile/entries/000 " in printed) == (1, True)


def test_what_was_found_right_before_a_wrong_file_is_not_fetched_again(run, published, copy, monkeypatch):
    monkeypatch.setattr(mirror, "_FILES_AT_ONCE", 2)
    published.grow(300)
    bundle = published.folder / "tile/entries/001.p/44"
    good = bundle.read_bytes()
    bundle.write_bytes(bytes(len(good)))
    assert run()[0] == 1
    bundle.write_bytes(good)
    with serving(published.folder) as (url, asked):
        assert run(log=url)[0] == 0
    assert [path for path in asked if path.startswith("/tile/entries/")] == ["/tile/entries/001.p/44"]
    assert_complete(copy, published)


def test_a_file_that_a_stopped_run_left_is_checked_again(run, published, copy):
    published.grow(300)
    FileFiles(copy).put("tile/entries/000", b"left by somebody")
    status, printed = run()
    assert (status, printed.startswith("REFUSED COPY_DAMAGED: tile/entries/000 ")) == (1, True)


def test_a_copy_whose_edge_was_altered_is_told_and_nothing_is_added(run, published, copy):
    published.grow(5)
    run()
    (copy / "tile/0/000.p/5").write_bytes(bytes(5 * 32))
    published.grow(1)
    status, printed = run()
    assert (status, printed.startswith("REFUSED COPY_DAMAGED: "), "tile/0/000.p/5" in printed) == (1, True, True)


@pytest.mark.parametrize("size", [300, 5, 600])
def test_a_log_that_forked_is_refused_and_its_checkpoint_kept_as_proof(run, published, copy, tmp_path, size):
    published.grow(300)
    run()
    before = files_below(copy)
    forked = tmp_path / "forked"
    write_log(forked, leaves(0, size, b"other"))
    status, printed = run(log=forked)
    assert (status, printed.startswith("REFUSED LOG_FORKED: ")) == (1, True)
    after = files_below(copy)
    added = {path: content for path, content in after.items() if path not in before}
    (kept,) = {path.partition("/")[0] + "/" + path.split("/")[1] for path in added}
    assert f" is kept in {kept}: " in printed
    shown = files_below(forked)
    assert added.pop(f"{kept}/checkpoint") == shown["checkpoint"]
    assert added == {path: shown[path.removeprefix(f"{kept}/")] for path in added}
    assert before.items() <= after.items()


@pytest.mark.parametrize("size", [300, 5, 600])
def test_what_is_kept_of_a_fork_proves_it_to_others(run, published, copy, tmp_path, capsys, size):
    published.grow(300)
    run()
    write_log(tmp_path / "forked", leaves(0, size, b"other"))
    run(log=tmp_path / "forked")
    (kept,) = (copy / "refused").iterdir()
    old, new = sorted([copy, kept], key=lambda one: one == (copy if size < 300 else kept))
    status = verify(["--consistency", str(old / "checkpoint"), str(new / "checkpoint"), "--log", str(new)])
    assert (status, capsys.readouterr().out[:19]) == (1, "REFUSED LOG_FORKED:")


def test_a_fork_is_found_where_only_the_last_old_entry_differs(run, published, copy, tmp_path):
    published.grow(300)
    run()
    write_log(tmp_path / "forked", [*leaves(0, 299), b"other", *leaves(300, 600)])
    assert run(log=tmp_path / "forked")[1].startswith("REFUSED LOG_FORKED: ")


@pytest.mark.parametrize("size", [0, 1, 299])
def test_a_log_that_shrank_is_refused(run, published, copy, tmp_path, size):
    published.grow(300)
    run()
    before = files_below(copy)
    write_log(tmp_path / "older", leaves(0, size))
    status, printed = run(log=tmp_path / "older")
    assert (status, printed.startswith("REFUSED LOG_SHRUNK: ")) == (1, True)
    assert files_below(copy) == before


def test_a_checkpoint_without_the_quorum_is_refused(run, published, copy):
    published.grow(5)
    (published.folder / "checkpoint").write_text(published.log.checkpoint())
    status, printed = run()
    assert (status, printed.startswith("REFUSED LOG_CHECKPOINT: ")) == (1, True)
    assert files_below(copy) == {}


def test_a_copy_of_another_pinned_log_is_refused(run, published, copy, tmp_path):
    published.grow(5)
    other = Signer("another.example", 9)
    edge, files = Edge().extended(leaves(0, 5))
    note = other.signed(Checkpoint(other.key.name, 5, edge.root()).text())
    FileFiles(copy).create_all({**files, "checkpoint": note.encode()})
    (tmp_path / "trust.txt").write_text(f"log {other.key.text()}\n{POLICY}")
    assert run()[1].startswith("REFUSED LOG_CHECKPOINT: The copy is one of another.example")


def test_a_copys_checkpoint_that_no_pinned_log_signed_is_told_before_anything_is_concluded(run, published, copy):
    published.grow(5)
    run()
    edge, files = Edge().extended(leaves(0, 5, b"forged"))
    (copy / "tile/0/000.p/5").write_bytes(files["tile/0/000.p/5"])
    signatures = (copy / "checkpoint").read_text().partition("\n\n")[2]
    (copy / "checkpoint").write_text(Checkpoint(ORIGIN, 5, edge.root()).text() + "\n" + signatures)
    before = files_below(copy)
    published.grow(1)
    status, printed = run()
    assert (status, printed.startswith("REFUSED COPY_DAMAGED: ")) == (1, True)
    assert files_below(copy) == before


def test_a_wrong_tile_of_the_copy_makes_no_fork_of_a_shorter_log(run, published, copy, tmp_path):
    published.grow(600)
    run()
    tile = bytearray((copy / "tile/0/000").read_bytes())
    tile[0] ^= 1
    (copy / "tile/0/000").write_bytes(tile)
    write_log(tmp_path / "older", leaves(0, 100))
    status, printed = run(log=tmp_path / "older")
    assert (status, printed.startswith("REFUSED COPY_DAMAGED: "), "tile/0/000 " in printed) == (1, True, True)


def test_signatures_that_nobody_judged_are_not_kept(run, published, copy, tmp_path, capsys):
    published.grow(300)
    note = (published.folder / "checkpoint").read_text()
    own, witness = note.partition("\n\n")[2].splitlines(keepends=True)
    stranger = "— stranger.example AAAAAAA=\n"
    (published.folder / "checkpoint").write_text(note.replace(own, stranger + own) + witness + stranger)
    assert run()[0] == 0
    assert (copy / "checkpoint").read_text() == note
    assert verify(["--audit", str(copy)]) == 0


def test_a_copys_checkpoint_may_lack_the_quorum_that_is_asked_for_now(run, published, copy):
    published.grow(5)
    run()
    (copy / "checkpoint").write_text(published.log.checkpoint())
    published.grow(1)
    assert run()[0] == 0
    assert_complete(copy, published)


def test_a_policy_that_lies_in_the_copy_or_the_log_is_never_taken(run, published, copy, monkeypatch):
    published.grow(5)
    monkeypatch.delenv("RONGTONG_TRUST")
    copy.mkdir()
    for folder in (copy, published.folder):
        (folder / "trust.txt").write_text(POLICY)
    monkeypatch.chdir(copy)
    status, printed = run()
    assert (status, printed.startswith("REFUSED TRUST_POLICY: It is not said whom you trust.")) == (1, True)


@pytest.mark.parametrize("text", ["quorum maybe\n", None])
def test_a_policy_that_cannot_be_read_is_refused(run, published, tmp_path, text):
    published.grow(5)
    if text is not None:
        (tmp_path / "own.txt").write_text(text)
    assert run("--policy", tmp_path / "own.txt")[1].startswith("REFUSED TRUST_POLICY: ")


def test_a_copy_that_cannot_be_written_is_told(run, published, copy):
    published.grow(5)
    copy.write_bytes(b"a file where the folder should be")
    status, printed = run()
    assert (status, printed.startswith("REFUSED FILE_UNREADABLE: ")) == (1, True)


ALONE = """
import json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        first = name.partition(".")[0]
        if first not in sys.stdlib_module_names and first not in ("rongtong", "cryptography", "_cffi_backend"):
            raise ImportError("not allowed: " + name)
sys.meta_path.insert(0, Refuse())
from rongtong.mirror import main
sys.exit(main(json.loads(sys.argv[1])))
"""


def test_the_standard_library_and_cryptography_are_enough(published, copy):
    published.grow(5)
    done = subprocess.run(
        [sys.executable, "-c", ALONE, json.dumps([str(published.folder), str(copy)])],
        env={"PYTHONPATH": str(ROOT / "layers/core"), "RONGTONG_TRUST": os.environ["RONGTONG_TRUST"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@contextmanager
def serving(folder, compressed=False):
    """The folder over HTTP, and the paths that were asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            place = folder / self.path.lstrip("/")
            if not place.is_file():
                self.send_error(404)
                return
            content = place.read_bytes()
            self.send_response(200)
            if compressed and "entries" in self.path:
                content = gzip.compress(content)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
