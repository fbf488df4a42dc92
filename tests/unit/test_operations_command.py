"""The operations command against a small server that checks signatures as the platform does."""

import json
import threading
from concurrent.futures import as_completed
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from access_fakes import MemoryNonces
from fakes import MemoryStore
from rongtong import operations
from rongtong.entrypoints.signatures import SignatureError, SignatureRefusedError, SignedRequest, signer_of
from rongtong.services.storage import Create

KEY = Ed25519PrivateKey.generate()


def _pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Platform:
    """Answers as the operations routes do; ``failed`` are its failed discounts, ``outcomes`` what a replay does."""

    def __init__(self):
        self.failed = []
        self.stuck = []
        self.outcomes = {}
        self.letters = {"sweep": 0, "reconcile": 0}
        self.kept = 0
        self.troubles = []
        """Statuses with which the next requests are answered instead."""
        self.asked = []
        self.most = 200
        self.lock = threading.Lock()
        store = MemoryStore()
        public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
        store.transact([Create("partner#operations", "state", {"keys": {"1": public}, "role": "operations"})])
        self._store = store
        self._nonces = MemoryNonces()

    def answer(self, method, url, headers, body):
        try:
            signer_of(
                self._store,
                self._nonces,
                SignedRequest(method, url, headers),
                address="127.0.0.1",
                now=datetime.now(UTC),
            )
        except (SignatureError, SignatureRefusedError):
            return 401, {"code": "SIGNATURE_INVALID", "detail": "Sign it."}
        with self.lock:
            self.asked.append((method, urlsplit(url).path, headers.get("idempotency-key"), body))
            if self.troubles:
                status = self.troubles.pop(0)
                return status, {"code": "REQUEST_RUNNING" if status == 409 else "TROUBLE", "detail": "Wait."}
            return self._route(method, urlsplit(url).path, parse_qs(urlsplit(url).query), body)

    def _route(self, method, path, query, body):
        parts = path.split("/")[3:]
        if parts == ["executions"]:
            listed = self.failed if query["status"] == ["failed"] else self.stuck
            shown = [{"discount_id": one, "discount_status": "ACCEPTED", "error": "E"} for one in listed]
            return 200, {"executions": shown[: self.most], "more": len(shown) > self.most}
        if parts == ["dead-letters"]:
            listed = [{"path": name, "waiting": number, "letters": []} for name, number in self.letters.items()]
            return 200, {"paths": listed}
        if parts[0] == "dead-letters":
            taken = min(50, self.letters[parts[1]])
            self.letters[parts[1]] -= taken
            return 200, {"path": parts[1], "redelivered": ["k"] * taken, "kept": self.kept}
        outcome = self.outcomes.get(parts[1], "started")
        if outcome == "unknown":
            return 404, {"code": "NOT_FOUND", "detail": "There is no such discount."}
        if parts[1] in self.failed:
            self.failed.remove(parts[1])
        return 200, {"replay": outcome, "execution": f"{parts[1]}-r1"}

    def replayed(self):
        return [path.split("/")[4] for method, path, _, _ in self.asked if path.endswith("/replay")]


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def url(platform):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = f"http://{self.headers['host']}{self.path}"
            status, document = platform.answer(self.command, asked, headers, json.loads(body or "null"))
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(url, tmp_path, capsys):
    """Run a command; answers its exit code, what it printed and what it said of errors."""
    (tmp_path / "key.pem").write_bytes(_pem(KEY))

    def run(command, *arguments, pause=lambda seconds: None, key_id="operations#1"):
        common = ["--url", url, "--key-id", key_id, "--key", str(tmp_path / "key.pem")]
        code = operations.main([command, *common, *arguments], pause=pause)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


REPLAY = ("replay", "--failed-since", "2h", "--why", "MENDED")


def test_everything_that_failed_is_replayed_with_the_reason(platform, run):
    platform.failed = ["dsc_a", "dsc_b", "dsc_c"]
    code, out, _ = run(*REPLAY)
    assert (code, sorted(platform.replayed())) == (0, ["dsc_a", "dsc_b", "dsc_c"])
    assert {body["why"] for _, path, _, body in platform.asked if path.endswith("/replay")} == {"MENDED"}
    assert out.splitlines()[-1].split() == ["started", "3"]


def test_away_from_a_terminal_progress_is_a_line_for_each(platform, run):
    platform.failed = ["dsc_a", "dsc_b"]
    _, out, _ = run(*REPLAY, "--parallel", "1")
    assert out.splitlines()[:2] == ["  1 of 2  dsc_a  started", "  2 of 2  dsc_b  started"]


def test_on_a_terminal_progress_is_one_line_that_is_written_over(platform, run, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    platform.failed = ["dsc_a", "dsc_b"]
    _, out, _ = run(*REPLAY, "--parallel", "1")
    line = out.split("\n")[0]
    assert line == "\r  1 of 2, 0 not replayed\r  2 of 2, 0 not replayed"


def test_nothing_that_failed_is_no_failure(run):
    code, out, _ = run(*REPLAY)
    assert (code, out) == (0, "Nothing to replay.\n")


def test_a_dry_run_says_what_would_be_replayed_and_asks_for_nothing(platform, run):
    platform.failed = ["dsc_a"]
    code, out, _ = run("replay", "--failed-since", "2h", "--dry-run", "dsc_named")
    assert (code, platform.replayed()) == (0, [])
    assert [method for method, *_ in platform.asked] == ["GET"]
    assert "dsc_a" in out
    assert "dsc_named" in out
    assert out.splitlines()[-1] == "2 would be replayed; nothing was changed."


def test_what_could_not_be_replayed_is_named_and_the_rest_is_done(platform, run):
    platform.failed, platform.outcomes = ["dsc_a"], {"dsc_gone": "unknown"}
    code, out, _ = run(*REPLAY, "dsc_gone")
    assert (code, sorted(platform.replayed())) == (1, ["dsc_a", "dsc_gone"])
    assert out.splitlines()[-1] == "  dsc_gone  NOT_FOUND: There is no such discount."


@pytest.mark.parametrize(("outcome", "word"), [("running", "ran already"), ("nothing", "nothing to do")])
def test_what_needs_no_replay_is_no_failure(platform, run, outcome, word):
    platform.outcomes = {"dsc_a": outcome}
    code, out, _ = run("replay", "--why", "MENDED", "dsc_a")
    assert (code, out.splitlines()[-1]) == (0, f"{word:<14}     1")


def test_what_is_named_twice_is_asked_for_once(platform, run):
    platform.failed = ["dsc_a"]
    run(*REPLAY, "dsc_a", "dsc_a")
    assert platform.replayed() == ["dsc_a"]


def test_more_than_one_list_holds_is_replayed_list_by_list(platform, run):
    platform.failed, platform.most = [f"dsc_{number}" for number in range(7)], 3
    code, _, _ = run(*REPLAY)
    assert (code, sorted(platform.replayed())) == (0, sorted(f"dsc_{number}" for number in range(7)))


def test_more_than_can_be_listed_because_the_first_cannot_be_replayed_is_said(platform, run):
    platform.failed, platform.most = ["dsc_a", "dsc_b"], 1
    platform.outcomes = {"dsc_a": "unknown"}
    code, out, _ = run(*REPLAY)
    assert code == 1
    assert "More have failed than are listed; run it again." in out


@pytest.mark.parametrize("status", [409, 429, 500, 503, 504])
def test_a_request_that_was_not_answered_is_sent_again_under_its_key(platform, run, status):
    platform.troubles = [status, status]
    waits = []
    code, _, _ = run("replay", "--why", "MENDED", "dsc_a", pause=waits.append)
    keys = {key for _, path, key, _ in platform.asked if path.endswith("/replay")}
    assert (code, len(platform.replayed()), len(keys)) == (0, 3, 1)
    assert (len(waits), None in keys) == (2, False)


def test_two_discounts_have_two_keys(platform, run):
    run("replay", "--why", "MENDED", "dsc_a", "dsc_b")
    assert len({key for _, _, key, _ in platform.asked}) == 2


def test_what_is_never_answered_is_given_up_and_named(platform, run):
    platform.troubles = [503] * 50
    code, out, _ = run("replay", "--why", "MENDED", "dsc_a")
    assert (code, len(platform.replayed())) == (1, 6)
    assert "dsc_a  POST /v1/operations/executions/dsc_a/replay: status 503, 6 times" in out


def test_a_refusal_is_not_asked_again(platform, run):
    platform.troubles = [422]
    code, _, _ = run("replay", "--why", "MENDED", "dsc_a")
    assert (code, len(platform.replayed())) == (1, 1)


def test_a_server_that_does_not_answer_at_all_is_named(tmp_path, capsys):
    (tmp_path / "key.pem").write_bytes(_pem(KEY))
    common = ["--url", "http://127.0.0.1:9", "--key-id", "operations#1", "--key", str(tmp_path / "key.pem")]
    assert operations.main(["stuck", *common], pause=lambda seconds: None) == 1
    assert "NewConnectionError, 6 times" in capsys.readouterr().err


def test_a_key_that_is_not_registered_is_refused(run):
    code, _, err = run("stuck", key_id="operations#2")
    assert (code, err) == (1, "SIGNATURE_INVALID: Sign it.\n")


@pytest.mark.parametrize("content", [b"no key", _pem(generate_private_key(65537, 2048))])
def test_a_file_that_holds_no_ed25519_key_is_a_wrong_use(url, tmp_path, capsys, content):
    (tmp_path / "other.pem").write_bytes(content)
    common = ["--url", url, "--key-id", "operations#1", "--key", str(tmp_path / "other.pem")]
    assert operations.main(["stuck", *common]) == 2
    assert "other.pem" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [("replay", "--why", "MENDED"), ("replay", "dsc_a")])
def test_a_replay_needs_something_to_replay_and_a_reason(platform, run, arguments):
    code, _, err = run(*arguments)
    assert (code, platform.asked, bool(err)) == (2, [], True)


def test_what_an_interruption_left_is_named_and_the_next_run_does_it(platform, run, monkeypatch):
    platform.failed = ["dsc_a", "dsc_b", "dsc_c"]

    def interrupted(futures):
        yield next(iter(as_completed(futures)))
        raise KeyboardInterrupt

    monkeypatch.setattr(operations, "as_completed", interrupted)
    code, out, _ = run(*REPLAY, "--parallel", "1")
    assert code == 1
    left = [line.split()[0] for line in out.splitlines() if "not asked for: interrupted" in line]
    assert left == [one for one in ("dsc_a", "dsc_b", "dsc_c") if one not in platform.replayed()]
    monkeypatch.undo()
    assert run(*REPLAY)[0] == 0
    assert sorted(platform.replayed()) == ["dsc_a", "dsc_b", "dsc_c"]


def test_what_is_stuck_is_listed_and_tells_by_the_exit_code(platform, run):
    assert run("stuck")[:2] == (0, "0 stuck for longer than 30m.\n")
    platform.stuck = ["dsc_a"]
    code, out, _ = run("stuck", "--longer-than", "2h")
    assert (code, out.splitlines()[-1]) == (1, "1 stuck for longer than 2h.")
    assert out.splitlines()[1].split()[:2] == ["dsc_a", "ACCEPTED"]


def test_dead_letters_are_listed_by_path_and_left_where_they_are(platform, run):
    platform.letters = {"sweep": 2, "reconcile": 0}
    code, out, _ = run("dead-letters")
    assert (code, out) == (0, "sweep: 2 waiting\nreconcile: 0 waiting\n")
    assert platform.letters["sweep"] == 2


def test_dead_letters_are_delivered_again_as_many_as_waited(platform, run):
    platform.letters = {"sweep": 120, "reconcile": 1}
    code, out, _ = run("dead-letters", "--redeliver", "--why", "MENDED")
    assert (code, platform.letters) == (0, {"sweep": 0, "reconcile": 0})
    assert out == "sweep: 120 delivered again\nreconcile: 1 delivered again\n"


def test_dead_letters_of_one_path_alone_are_delivered_again(platform, run):
    platform.letters = {"sweep": 2, "reconcile": 1}
    run("dead-letters", "--redeliver", "--why", "MENDED", "--path", "reconcile")
    assert platform.letters == {"sweep": 2, "reconcile": 0}


def test_dead_letters_that_could_not_be_delivered_are_counted(platform, run):
    platform.letters, platform.kept = {"sweep": 2}, 1
    code, out, _ = run("dead-letters", "--redeliver", "--why", "MENDED")
    assert (code, out) == (1, "sweep: 2 delivered again, 1 could not be\n")


@pytest.mark.parametrize("arguments", [("--redeliver",), ("--path", "other")])
def test_a_redelivery_needs_a_reason_and_a_path_that_there_is(platform, run, arguments):
    assert run("dead-letters", *arguments)[0] == 2
    assert [path for method, path, *_ in platform.asked if method == "POST"] == []
