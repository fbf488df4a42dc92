"""The verifier's command line: what it prints, how it exits, what it needs, and that it finds what is wrong."""

import json
import os
import socket
import subprocess
import sys
import threading
import zlib
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO

import pytest

from paths import ROOT
from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.receipt import receipt_bytes
from rongtong.domain.tiles import Tile
from rongtong.log_files import LogAtUrl, LogUnreadableError
from rongtong.verify import Progress, main
from witnessed_log import (
    LOG,
    POLICY_TEXT,
    STRANGER,
    WITNESSES,
    SampleLog,
    Signer,
    cosigned,
    sample_entries,
    sample_receipt,
)

COSIGNED = ", ".join(f"{one.key.name} at 2026-03-02T08:00:00Z" for one in WITNESSES)


def _run(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    return status, lines[0]


def _refused(capsys, *arguments):
    status, line = _run(capsys, *arguments)
    word, code, told = line.split(" ", 2)
    assert (status, word, code[-1]) == (1, "REFUSED", ":")
    return code[:-1], told


@pytest.fixture(autouse=True)
def pinned(tmp_path, monkeypatch):
    """The verifier's own policy, named in the environment."""
    policy = tmp_path / "trust.txt"
    monkeypatch.setenv("RONGTONG_TRUST", str(policy))
    return policy


@pytest.fixture
def receipt(tmp_path):
    """A good receipt in a folder below that of the policy."""
    (tmp_path / "trust.txt").write_text(POLICY_TEXT, encoding="utf-8")
    path = tmp_path / "receipts" / "dsc_1.json"
    path.parent.mkdir()
    path.write_bytes(receipt_bytes(sample_receipt()))
    return path


@pytest.fixture
def log(tmp_path):
    """A log of 700 entries in a folder."""
    sample = SampleLog(sample_entries(300))
    (tmp_path / "old").write_text(sample.note(), encoding="utf-8")
    sample.append(sample_entries(700)[300:])
    return sample.write(tmp_path)


@pytest.fixture
def served(log):
    """The same log behind HTTP."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing."""

    yield from _serve(partial(Handler, directory=str(log)))


def _serve(handler):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_good_receipt_is_ok_with_what_is_proved_and_by_whom(receipt, capsys):
    assert _run(capsys, receipt) == (
        0,
        "OK dsc_1: 3 events (DiscountAccepted, DiscountVerified, DiscountPaid) are in the log rongtong.example/log"
        f" at size 4, cosigned by {COSIGNED}; trusted by {receipt.parents[1] / 'trust.txt'}",
    )


def test_a_receipt_with_a_chain_says_how_to_ask_it_and_that_this_is_not_proved(receipt, capsys):
    content = sample_receipt(chained=True)
    receipt.write_bytes(receipt_bytes(content))
    _, line = _run(capsys, receipt)
    asked = f"python -m rongtong.chain --profile FILE get {content['chain']['key']}"
    assert line.endswith(f"; not proved here, ask the chain: {asked}")


def test_a_changed_receipt_is_refused_with_its_code(receipt, capsys):
    receipt.write_bytes(receipt.read_bytes().replace(b"DiscountVerified", b"DiscountVerifiee"))
    assert _refused(capsys, receipt) == ("RECEIPT_PROOF", "Event 2 is not in the log under this checkpoint.")


def test_an_absent_receipt_is_refused_by_name(receipt, capsys):
    absent = receipt.with_name("absent.json")
    told = f"{absent} cannot be read: No such file or directory."
    assert _refused(capsys, absent) == ("FILE_UNREADABLE", told)


def test_a_policy_that_is_named_counts_before_that_of_the_environment(receipt, pinned, capsys):
    named = pinned.with_name("mine.txt")
    named.write_text(POLICY_TEXT, encoding="utf-8")
    assert _run(capsys, receipt)[1].endswith(f"trusted by {pinned}")
    assert _run(capsys, receipt, "--policy", named)[1].endswith(f"trusted by {named}")


@pytest.mark.parametrize("said", [None, ""])
@pytest.mark.parametrize("what", ["receipt", "audit", "consistency"])
def test_a_policy_that_lies_beside_what_is_checked_is_never_taken(receipt, log, capsys, monkeypatch, said, what):
    receipt.with_name("trust.txt").write_text(POLICY_TEXT, encoding="utf-8")
    monkeypatch.chdir(receipt.parent)
    if said is None:
        monkeypatch.delenv("RONGTONG_TRUST")
    else:
        monkeypatch.setenv("RONGTONG_TRUST", said)
    code, told = _refused(capsys, *_arguments(what, receipt, log))
    assert code == "TRUST_POLICY"
    assert told == (
        "It is not said whom you trust. Pin a policy of your own, with keys that the log's operator and the notaries"
        " gave you, and name it with --policy FILE or in RONGTONG_TRUST; one that came with what is checked proves"
        " nothing."
    )


def test_a_policy_that_came_along_does_not_replace_the_pinned_one(receipt, capsys):
    own = Signer(LOG.key.name, 66)
    content = sample_receipt()
    content["checkpoint"] = cosigned(content["checkpoint"].partition("\n\n")[0] + "\n", [], own)
    receipt.write_bytes(receipt_bytes(content))
    receipt.with_name("trust.txt").write_text(f"log {own.key.text()}\nquorum none\n", encoding="utf-8")
    assert _refused(capsys, receipt) == (
        "RECEIPT_CHECKPOINT",
        f"The checkpoint bears signatures that are not pinned: {LOG.key.name}+{own.key.identity.hex()}."
        " Pin a key only as its owner gave it to you.",
    )


def test_what_others_wrote_cannot_steer_the_terminal(receipt, capsys):
    stranger = Signer("\x9b2Jstranger", 5)
    content = sample_receipt()
    text = content["checkpoint"].partition("\n\n")[0] + "\n"
    content["checkpoint"] += stranger.signed(text).partition("\n\n")[2]
    receipt.write_bytes(receipt_bytes(content))
    assert f"not pinned: \ufffd2Jstranger+{stranger.key.identity.hex()}." in _refused(capsys, receipt)[1]


def test_without_a_policy_nothing_is_trusted(receipt, capsys, tmp_path):
    absent = tmp_path / "none.txt"
    told = f"There is no {absent}: name your own policy with --policy."
    assert _refused(capsys, receipt, "--policy", absent) == ("TRUST_POLICY", told)


def test_a_log_that_nobody_cosigned_is_said_to_be_so(tmp_path, receipt, capsys):
    (tmp_path / "trust.txt").write_text(f"log {LOG.key.text()}\nquorum none\n", encoding="utf-8")
    content = sample_receipt()
    content["checkpoint"] = cosigned(content["checkpoint"].partition("\n\n")[0] + "\n", [])
    receipt.write_bytes(receipt_bytes(content))
    assert " at size 4, cosigned by nobody; trusted by " in _run(capsys, receipt)[1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"quorum w1\n", "{}: Line 1 of the policy: w1 is not defined before it is used."),
        (b"\xff", "{} is no text in UTF-8."),
    ],
)
def test_a_malformed_policy_is_refused_with_the_reason(receipt, capsys, tmp_path, content, told):
    policy = tmp_path / "policy.txt"
    policy.write_bytes(content)
    assert _refused(capsys, receipt, "--policy", policy) == ("TRUST_POLICY", told.format(policy))


def test_a_cosignature_of_a_time_beyond_the_calendar_is_told_in_seconds(receipt, capsys):
    content = sample_receipt()
    text = content["checkpoint"].partition("\n\n")[0] + "\n"
    late = "".join(one.cosignature(text, 2**63 - 1) for one in WITNESSES)
    content["checkpoint"] = cosigned(text, []) + late
    receipt.write_bytes(receipt_bytes(content))
    assert f"w1 at {2**63 - 1} s after 1970" in _run(capsys, receipt)[1]


ONLY = """
import sys, runpy
class Only:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in ("rongtong", "cryptography", "_cffi_backend"):
            return None
        raise ImportError(f"{name} is not to be needed")
sys.meta_path.insert(0, Only())
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("rongtong.verify", run_name="__main__")
"""


def _arguments(what, receipt, log):
    return {
        "receipt": [receipt],
        "audit": ["--audit", log],
        "consistency": ["--consistency", log / "old", log / "checkpoint", "--log", log],
    }[what]


@pytest.mark.parametrize("what", ["receipt", "audit", "consistency"])
def test_the_standard_library_and_cryptography_are_enough(receipt, log, what):
    arguments = map(str, _arguments(what, receipt, log))
    command = [sys.executable, "-I", "-c", ONLY, str(ROOT / "layers" / "core"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:2], done.stderr) == (0, "OK", "")


def test_the_import_hook_of_the_last_test_refuses_what_else_is_installed():
    script = ONLY.replace('runpy.run_module("rongtong.verify", run_name="__main__")', "import rfc8785")
    command = [sys.executable, "-I", "-c", script, str(ROOT / "layers" / "core")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "rfc8785 is not to be needed" in done.stderr


def test_the_module_is_a_command(receipt):
    command = [sys.executable, "-m", "rongtong.verify", str(receipt)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "layers" / "core")}
    receipt.write_bytes(b"")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (1, "REFUSED RECEIPT_FORMAT: The file is not a receipt.\n")


@pytest.mark.parametrize("arguments", [[], ["receipt.json", "--audit", "."], ["--consistency", "one"]])
def test_one_thing_is_checked_at_a_time(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert "usage: python -m rongtong.verify" in capsys.readouterr().err


def test_a_log_in_a_folder_is_audited(log, capsys):
    assert _run(capsys, "--audit", log) == (
        0,
        "OK rongtong.example/log: all 700 entries and 7 files are what the checkpoint of this size commits to,"
        f" cosigned by {COSIGNED}; trusted by {log / 'trust.txt'}",
    )


def test_a_log_behind_http_is_audited(log, served, capsys):
    status, line = _run(capsys, "--audit", served + "/", "--policy", log / "trust.txt")
    assert (status, line[:45]) == (0, "OK rongtong.example/log: all 700 entries and ")


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/188"])
@pytest.mark.parametrize("over", ["folder", "http"])
def test_a_changed_file_of_a_log_is_refused_and_named(log, served, capsys, path, over):
    content = bytearray((log / path).read_bytes())
    content[40] ^= 1
    (log / path).write_bytes(content)
    code, told = _refused(capsys, "--audit", log if over == "folder" else served, "--policy", log / "trust.txt")
    assert (code, told.split()[0]) == ("LOG_FILE_WRONG", path)


@pytest.mark.parametrize("over", ["folder", "http"])
def test_a_missing_file_of_a_log_is_refused_and_named(log, served, capsys, over):
    (log / "tile/0/001").unlink()
    place = log if over == "folder" else served
    told = f"There is no tile/0/001 in {place}."
    assert _refused(capsys, "--audit", place, "--policy", log / "trust.txt") == ("LOG_UNREADABLE", told)


def test_a_file_that_cannot_be_read_is_refused_and_named(log, capsys):
    (log / "tile/0/001").unlink()
    (log / "tile/0/001").mkdir()
    told = f"tile/0/001 in {log} cannot be read: Is a directory."
    assert _refused(capsys, "--audit", log) == ("LOG_UNREADABLE", told)


def test_a_log_without_a_checkpoint_is_refused(log, capsys):
    (log / "checkpoint").unlink()
    assert _refused(capsys, "--audit", log) == ("LOG_UNREADABLE", f"There is no checkpoint in {log}.")


def test_every_changed_byte_of_a_logs_checkpoint_is_refused_or_makes_a_witness_unknown(log, capsys):
    content = (log / "checkpoint").read_bytes()
    refused = 0
    for at in range(len(content)):
        (log / "checkpoint").write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        status, line = _run(capsys, "--audit", log)
        refused += line.startswith("REFUSED LOG_CHECKPOINT")
        assert (status, line.count(" at 2026-03-02T08:00:00Z")) in [(1, 0), (0, 2)]
    assert refused > content.index(b" witness.example/w1")


@pytest.mark.parametrize("what", ["audit", "consistency"])
def test_signatures_of_others_on_a_logs_checkpoint_are_ignored(log, capsys, what):
    for path in (log / "checkpoint", log / "old"):
        note = path.read_text(encoding="utf-8")
        path.write_text(note + STRANGER.cosignature(note.partition("\n\n")[0] + "\n"), encoding="utf-8")
    status, line = _run(capsys, *_arguments(what, None, log))
    assert (status, f"cosigned by {COSIGNED}; " in line) == (0, True)


def test_a_partial_file_may_be_cut_out_of_the_full_one_that_replaced_it(log, capsys):
    later = SampleLog(sample_entries(768))
    later.files["checkpoint"] = (log / "checkpoint").read_bytes()
    for path in list(log.glob("tile/**/*")):
        if path.is_file():
            path.unlink()
    for path in (path for path in later.files if ".p/" not in path):
        (log / path).write_bytes(later.files[path])
    (log / "tile/1/000.p").mkdir(exist_ok=True)
    (log / "tile/1/000.p/2").write_bytes(later.files["tile/1/000.p/3"][:64])
    assert _run(capsys, "--audit", log)[0] == 0


def test_a_full_file_that_is_broken_stands_for_no_partial_one(log, capsys):
    (log / "tile/0/002.p/188").unlink()
    (log / "tile/0/002").write_bytes(b"broken")
    told = f"There is no tile/0/002.p/188 in {log}, and tile/0/002 is not 256 hashes long."
    assert _refused(capsys, "--audit", log) == ("LOG_UNREADABLE", told)


def test_a_log_extends_its_older_self(log, capsys):
    status, line = _run(capsys, "--consistency", log / "old", log / "checkpoint", "--log", log)
    told = f"OK rongtong.example/log: the log of 700 entries extends that of 300, cosigned by {COSIGNED}; trusted by"
    assert (status, line) == (0, f"{told} {log / 'trust.txt'}")


def test_a_log_behind_http_extends_its_older_self(log, served, capsys):
    assert _run(capsys, "--consistency", log / "old", log / "checkpoint", "--log", served)[0] == 0


def test_a_forked_log_is_refused_and_both_checkpoints_are_to_be_kept(log, capsys):
    (log / "old").write_text(SampleLog([b"another", *sample_entries(300)[1:]]).note(), encoding="utf-8")
    code, told = _refused(capsys, "--consistency", log / "old", log / "checkpoint", "--log", log)
    assert code == "LOG_FORKED"
    assert told == (
        f"The log of 700 entries does not extend that of 300: the tiles of {log} lead to the newer root and not to the"
        " older one. Keep both checkpoints and these tiles: together they prove that the log was forked."
    )


def test_two_heads_of_one_size_are_the_same_or_a_fork(log, capsys):
    checkpoint = log / "checkpoint"
    assert _run(capsys, "--consistency", checkpoint, checkpoint)[0] == 0
    (log / "old").write_text(SampleLog(sample_entries(701)[1:]).note(), encoding="utf-8")
    assert _refused(capsys, "--consistency", log / "old", checkpoint) == (
        "LOG_FORKED",
        "Two logs of 700 entries were signed. Keep both checkpoints: together they prove that the log was forked.",
    )


def test_every_log_extends_the_empty_one(log, capsys):
    (log / "old").write_text(SampleLog().note(), encoding="utf-8")
    assert _run(capsys, "--consistency", log / "old", log / "checkpoint")[0] == 0


def test_an_empty_log_has_but_one_root(log, capsys):
    (log / "old").write_text(cosigned(Checkpoint(LOG.key.name, 0, bytes(32)).text()), encoding="utf-8")
    told = "The older checkpoint has a root that no empty log has. Keep it: it alone proves that the log lies."
    assert _refused(capsys, "--consistency", log / "old", log / "checkpoint") == ("LOG_FORKED", told)


def test_a_log_never_shrinks(log, capsys):
    told = "From 700 to 300 entries: a log never shrinks. Older one first?"
    assert _refused(capsys, "--consistency", log / "checkpoint", log / "old") == ("LOG_SHRUNK", told)


def test_the_files_of_another_log_prove_no_growth(log, capsys):
    other = SampleLog(sample_entries(701)[1:])
    for path, content in other.files.items():
        (log / path).write_bytes(content)
    code, told = _refused(capsys, "--consistency", log / "old", log / "checkpoint", "--log", log)
    assert code == "LOG_FILE_WRONG"
    assert told == (
        "The log's edge does not lead to the checkpoint's root: tile/0/002.p/188, tile/1/000.p/2, or the checkpoint."
        f" The files are those of {log}."
    )


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/188", "tile/1/000.p/2"])
@pytest.mark.parametrize("at", [0, 5, None])
def test_one_wrong_byte_or_a_cut_file_is_no_fork_but_named(log, capsys, path, at):
    content = bytearray((log / path).read_bytes())
    if at is None:
        content.pop()
    else:
        content[at] ^= 1
    (log / path).write_bytes(content)
    code, told = _refused(capsys, "--consistency", log / "old", log / "checkpoint", "--log", log)
    assert (code, path in told) == ("LOG_FILE_WRONG", True)


def test_growth_is_proved_out_of_a_log_that_is_named(log, capsys):
    told = "The proof is made from the log's files: name it with --log."
    assert _refused(capsys, "--consistency", log / "old", log / "checkpoint") == ("LOG_UNREADABLE", told)


def test_checkpoints_of_two_logs_are_not_compared(log, capsys):
    other = Signer("other.example/log", 8)
    (log / "trust.txt").write_text(f"log {other.key.text()}\n{POLICY_TEXT}", encoding="utf-8")
    text = Checkpoint(other.key.name, 1, bytes(32)).text()
    (log / "old").write_text(cosigned(text, log=other), encoding="utf-8")
    told = "The checkpoints are of two logs, other.example/log and rongtong.example/log."
    assert _refused(capsys, "--consistency", log / "old", log / "checkpoint") == ("LOG_CHECKPOINT", told)


def test_a_checkpoint_of_a_log_that_is_not_pinned_is_refused(log, capsys):
    (log / "old").write_text(cosigned(Checkpoint("other.example/log", 1, bytes(32)).text()), encoding="utf-8")
    told = f"{log / 'old'}: The checkpoint is of a log that is not pinned."
    assert _refused(capsys, "--consistency", log / "old", log / "checkpoint") == ("LOG_CHECKPOINT", told)


def test_a_checkpoint_that_is_no_text_is_refused(log, capsys):
    (log / "old").write_bytes(b"\xff")
    code, told = _refused(capsys, "--consistency", log / "old", log / "checkpoint")
    assert (code, told) == ("LOG_CHECKPOINT", f"{log / 'old'}: is no text in UTF-8.")


class Answering(BaseHTTPRequestHandler):
    """Answers what the test wants, in turn."""

    answers: list

    def do_GET(self):
        status, body, encoding = self.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def answering():
    Answering.answers = []
    yield from _serve(Answering)


def test_a_passing_failure_is_asked_again_and_waited_for_longer(answering):
    Answering.answers = [(503, b"", None), (500, b"", None), (200, b"content", None)]
    waits = []
    assert LogAtUrl(answering, waits.append).get("checkpoint") == b"content"
    assert waits == [1, 2]


def test_a_failure_that_stays_is_told(answering):
    Answering.answers = [(503, b"", None)] * 3
    with pytest.raises(LogUnreadableError, match=r"^tile/0/000 below http://.* cannot be read: the answer was 503\.$"):
        LogAtUrl(answering, lambda _: None).get("tile/0/000")


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_file_that_is_not_there_is_not_asked_for_again(answering, status):
    Answering.answers = [(status, b"", None)]
    assert LogAtUrl(answering).get("checkpoint") is None


def test_a_server_that_does_not_answer_is_told():
    with pytest.raises(LogUnreadableError, match=r"Connection refused"):
        LogAtUrl("http://127.0.0.1:1", lambda _: None).get("checkpoint")


def test_what_was_compressed_without_asking_is_read(answering):
    packer = zlib.compressobj(wbits=31)
    Answering.answers = [(200, packer.compress(b"content") + packer.flush(), "gzip")]
    assert LogAtUrl(answering).get("checkpoint") == b"content"


def test_an_endless_file_is_refused_before_it_fills_the_memory(answering):
    packer = zlib.compressobj(wbits=31)
    Answering.answers = [(200, packer.compress(bytes(20_000_000)) + packer.flush(), "gzip")] * 3
    with pytest.raises(LogUnreadableError, match=r"it is larger than any such file of a log\.$"):
        LogAtUrl(answering, lambda _: None).get("tile/entries/000")


def test_a_tile_of_hashes_has_at_most_8_kib(answering):
    packer = zlib.compressobj(wbits=31)
    full = os.urandom(8192)
    Answering.answers = [(200, full, None), (200, packer.compress(full) + packer.flush(), "gzip")]
    assert [LogAtUrl(answering).get("tile/0/000") for _ in range(2)] == [full, full]
    Answering.answers = [(200, full + b"x", None)] * 3
    with pytest.raises(LogUnreadableError, match=r"it is larger than any such file of a log\.$"):
        LogAtUrl(answering, lambda _: None).get("tile/0/000")


def test_what_was_compressed_and_cut_off_is_no_file(answering):
    packer = zlib.compressobj(wbits=31)
    Answering.answers = [(200, (packer.compress(b"content") + packer.flush())[:-9], "gzip")] * 3
    with pytest.raises(LogUnreadableError, match=r"its compressed form was cut off\.$"):
        LogAtUrl(answering, lambda _: None).get("tile/entries/000")


@pytest.fixture
def speaking():
    """A server that says these bytes to everybody, by itself; and how often it was asked."""
    sockets = []

    def speak(content):
        listening = socket.create_server(("127.0.0.1", 0))
        sockets.append(listening)
        asked = []

        def answer():
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(65_536))
                    connection.sendall(content)

        threading.Thread(target=answer, daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}", asked

    yield speak
    for one in sockets:
        one.close()


@pytest.mark.parametrize(
    "content",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"",
    ],
)
def test_an_answer_that_is_no_http_or_cut_off_is_asked_for_three_times_and_told(speaking, content):
    url, asked = speaking(content)
    with pytest.raises(LogUnreadableError, match=r"^checkpoint below http://.* cannot be read: .*\S\.$"):
        LogAtUrl(url, lambda _: None).get("checkpoint")
    assert len(asked) == 3


@pytest.mark.parametrize("place", ["http://exa mple/", "http://[::1/", "http://a:b/", "http://example/\u540d"])
def test_what_is_no_url_is_told_without_asking_again(place):
    waits = []
    with pytest.raises(LogUnreadableError, match=r" is no URL that can be asked: "):
        LogAtUrl(place, waits.append).get("checkpoint")
    assert waits == []


def test_many_files_come_in_the_order_asked_for(tmp_path, served):
    tiles = [Tile(None, number % 2) for number in range(80)]
    expected = [(tmp_path / tile.path()).read_bytes() for tile in tiles]
    assert list(LogAtUrl(served).get_all(tiles)) == expected


class Terminal(StringIO):
    """A terminal, to whom asks."""

    def isatty(self):
        return True


def _told(out, times):
    clock = iter([0.0, *times])
    progress = Progress(1000, out, lambda: next(clock))
    for number in range(1, len(times) + 1):
        progress.report(256 * number)
    progress.close()
    return out.getvalue()


def test_progress_is_one_changing_line_on_a_terminal():
    told = _told(Terminal(), [0.4, 0.6, 1.0])
    assert told == "\r512 of 1000 entries, 51%, 853 a second\n"


def test_progress_is_a_line_every_few_seconds_elsewhere():
    assert _told(StringIO(), [4.9, 5.0, 9.9]) == "512 of 1000 entries, 51%, 102 a second\n"


def test_nothing_is_told_of_a_short_audit():
    assert _told(Terminal(), [0.1, 0.2, 0.3]) == ""


def test_a_receipt_of_the_first_format_is_refused(receipt, capsys):
    content = json.loads(receipt.read_bytes())
    content["format"] = "rongtong-receipt/1"
    receipt.write_bytes(receipt_bytes(content))
    told = "The file is not a receipt of the format rongtong-receipt/2."
    assert _refused(capsys, receipt) == ("RECEIPT_FORMAT", told)
