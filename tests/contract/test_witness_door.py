"""The door to the witnesses, against real HTTP servers, and the witness function behind one of them."""

import importlib.util
import json
import os
import socket
import ssl
import threading
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from tempfile import NamedTemporaryFile

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from moto import mock_aws

from paths import ROOT
from rongtong.adapters.witness_door import HttpWitnessDoor
from rongtong.domain.checkpoint import cosignatures
from rongtong.domain.note import Note, parse_signatures
from rongtong.entrypoints.logs import logger as witness_logger
from rongtong.services.ports import WitnessReply
from witness_fakes import Log, SeedSigner, create_table, make_node

REGION = "us-east-1"


@contextmanager
def serving(answer):
    """The base URL of a server whose every POST is answered by ``answer(path, headers, body)``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        connections = 0

        def setup(self):
            super().setup()
            type(self).connections += 1

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = answer(self.path, dict(self.headers), body)
            if found is None:
                self.close_connection = True
                return
            status, headers, content = found
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Handler
    finally:
        server.shutdown()
        server.server_close()


def plain(status, text):
    return lambda path, headers, body: (status, {"Content-Type": "text/plain"}, text.encode())


@pytest.fixture
def certificate():
    """What a server on this machine shows, and what trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    with NamedTemporaryFile() as file:
        file.write(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        shown.load_cert_chain(file.name)
    return shown, ssl.create_default_context(cadata=pem.decode())


@pytest.fixture
def door():
    return HttpWitnessDoor(connect_s=1.0, read_s=1.0, late_s=0.2)


def test_a_witness_gets_its_own_body_at_its_own_address(door):
    got = []

    def answer(path, headers, body):
        got.append((path, headers["Content-Type"], body.decode()))
        return 200, {}, "— w1 AAAA\n".encode()

    with serving(answer) as (url, _):
        assert door.add_checkpoint({f"{url}/v/": "票\n"}) == {f"{url}/v/": WitnessReply(200, "— w1 AAAA\n")}
    assert got == [("/v/add-checkpoint", "text/plain; charset=utf-8", "票\n")]


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500, 503])
def test_a_refusal_is_an_answer(door, status):
    with serving(plain(status, "7\n")) as (url, _):
        assert door.add_checkpoint({url: "x"}) == {url: WitnessReply(status, "7\n")}


def test_a_redirect_is_an_answer_and_is_not_followed(door):
    asked = []

    def answer(path, headers, body):
        asked.append(path)
        return 307, {"Location": "/elsewhere"}, b""

    with serving(answer) as (url, _):
        assert door.add_checkpoint({url: "x"})[url].status == 307
    assert asked == ["/add-checkpoint"]


def test_the_connection_is_kept_for_the_next_checkpoint(door):
    with serving(plain(200, "ok\n")) as (url, handler):
        for _ in range(3):
            door.add_checkpoint({url: "x"})
        assert handler.connections == 1


def test_a_connection_that_the_witness_closed_is_opened_again(door):
    left = [True, False, True]

    def answer(path, headers, body):
        return (200, {}, b"ok\n") if left.pop(0) else None

    with serving(answer) as (url, _):
        assert door.add_checkpoint({url: "x"})[url].status == 200
        assert door.add_checkpoint({url: "x"})[url].status == 200
    assert left == []


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"x" * 20_000])
def test_what_no_witness_answers_is_no_answer(door, content):
    with serving(lambda path, headers, body: (200, {}, content)) as (url, _):
        assert door.add_checkpoint({url: "x"}) == {}


def test_who_does_not_answer_is_missing(door):
    with socket.create_server(("127.0.0.1", 0)) as silent, serving(plain(200, "ok\n")) as (url, _):
        hangs = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = door.add_checkpoint({url: "x", hangs: "x", "http://127.0.0.1:1": "x", "https://127.0.0.1:0": "x"})
    assert set(found) == {url}


def test_witnesses_are_asked_side_by_side(door):
    together = threading.Barrier(3, timeout=5)

    def answer(path, headers, body):
        together.wait()
        return 200, {}, b"ok\n"

    with ExitStack() as stack:
        urls = [stack.enter_context(serving(answer))[0] for _ in range(3)]
        assert set(door.add_checkpoint(dict.fromkeys(urls, "x"))) == set(urls)


def test_one_that_hangs_holds_up_nobody_for_long():
    """Its own time would be a minute; the test would not end before."""
    door, released = HttpWitnessDoor(connect_s=1.0, read_s=60.0, late_s=0.1), threading.Event()

    def hang(path, headers, body):
        released.wait(30)
        return 200, {}, b"late\n"

    with ExitStack() as stack:
        quick = [stack.enter_context(serving(plain(200, "ok\n")))[0] for _ in range(2)]
        slow, _ = stack.enter_context(serving(hang))
        found = door.add_checkpoint(dict.fromkeys([*quick, slow], "x"))
        still_hanging = not released.is_set()
        released.set()
    assert (set(found), still_hanging) == (set(quick), True)


class Raw:
    """A server below HTTP: ``serve(connection)`` has each connection; ``closed`` says that the last one was let go."""

    def __init__(self, stack, serve, tls=None):
        self.connections, self.closed, self._serve, self._tls = 0, threading.Event(), serve, tls
        self._listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._loop, daemon=True).start()

    def _loop(self):
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                self.closed.clear()
                threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection):
        with (
            suppress(OSError),
            connection if self._tls is None else self._tls.wrap_socket(connection, True) as open_one,
        ):
            try:
                self._serve(open_one)
            finally:
                self.closed.set()


def drip(head):
    """Begins an answer so, and goes on with it byte by byte as long as somebody listens."""

    def serve(connection):
        connection.recv(65536)
        connection.sendall(head)
        connection.settimeout(0.02)
        for _ in range(2000):
            connection.sendall(b"x")
            with suppress(TimeoutError):
                if not connection.recv(65536):
                    return

    return serve


DRIPS = {
    "the body": b"HTTP/1.1 200 OK\r\nContent-Length: 16000\r\n\r\n",
    "a header": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "the status line": b"HTTP/1.1 200 ",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3000\r\n",
}


@pytest.mark.parametrize("what", DRIPS)
def test_one_that_drips_its_answer_has_no_more_time_than_one_that_hangs_and_is_let_go(what):
    """Each byte comes well within the time for one; all of them would take most of a minute."""
    door = HttpWitnessDoor(connect_s=0.2, read_s=0.3, late_s=0.1)
    with ExitStack() as stack:
        slow = Raw(stack, drip(DRIPS[what]))
        assert door.add_checkpoint({slow.url: "x"}) == {}
        assert slow.closed.wait(10)


def test_one_that_drips_over_tls_is_let_go_too(monkeypatch, certificate):
    serving_tls, trusting = certificate
    monkeypatch.setattr("rongtong.adapters.witness_door._trusting", lambda: trusting)
    door = HttpWitnessDoor(connect_s=1.0, read_s=0.3, late_s=0.1)
    with ExitStack() as stack:
        slow = Raw(stack, drip(DRIPS["the body"]), serving_tls)
        assert door.add_checkpoint({slow.url: "x"}) == {}
        assert (slow.connections, slow.closed.wait(10)) == (1, True)


def test_a_certificate_that_nobody_vouches_for_is_no_witness_s(door, certificate):
    with ExitStack() as stack:
        stranger = Raw(stack, drip(DRIPS["the body"]), certificate[0])
        assert door.add_checkpoint({stranger.url: "x"}) == {}


def test_one_that_drips_takes_no_hands_from_the_others():
    door = HttpWitnessDoor(connect_s=0.5, read_s=0.5, late_s=0.02)
    with ExitStack() as stack:
        quick = [stack.enter_context(serving(plain(200, "ok\n")))[0] for _ in range(2)]
        slow = Raw(stack, drip(DRIPS["the body"]))
        rounds = [set(door.add_checkpoint(dict.fromkeys([*quick, slow.url], "x"))) for _ in range(30)]
    assert rounds == [set(quick)] * 30


def test_who_still_has_two_calls_is_not_asked_and_is_missing(monkeypatch):
    """They are held up where nobody can let them go: before there is a socket."""
    door, held, begun = HttpWitnessDoor(connect_s=0.05, read_s=0.05, late_s=0.05), threading.Event(), []

    def connect(*_):
        begun.append(threading.current_thread())
        held.wait(30)
        raise OSError

    monkeypatch.setattr("http.client.socket.create_connection", connect)
    assert [door.add_checkpoint({"http://w1.example": "x"}) for _ in range(5)] == [{}] * 5
    assert len(begun) == 2
    held.set()


def test_who_had_two_calls_is_asked_again_when_they_are_over():
    door = HttpWitnessDoor(connect_s=0.2, read_s=0.3, late_s=0.1)
    with ExitStack() as stack:
        slow = Raw(stack, drip(DRIPS["the body"]))
        for _ in range(4):
            assert door.add_checkpoint({slow.url: "x"}) == {}
            assert slow.closed.wait(10)
        assert slow.connections > 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        b"hello\r\n\r\n",
    ],
)
def test_an_answer_that_is_cut_off_is_none(door, answer):
    with ExitStack() as stack:
        cut = Raw(stack, lambda connection: connection.recv(65536) and connection.sendall(answer))
        assert door.add_checkpoint({cut.url: "x"}) == {}


@pytest.mark.parametrize(
    "url", ["", "w1.example", "ftp://w1.example", "http://", "http://w1.example:port", "http://a b"]
)
def test_an_address_that_is_none_is_missing_and_harms_nobody(door, url):
    with serving(plain(200, "ok\n")) as (good, _):
        assert set(door.add_checkpoint({good: "x", url: "x"})) == {good}


# ---- the function ------------------------------------------------------------------------------------------------


@pytest.fixture
def deployed():
    """The function's application on an in-process AWS: a log that it knows, its verifier key, and how it is called."""
    log = Log()
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)
    with mock_aws(config={"core": {"mock_credentials": False, "passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}):
        create_table("witness", REGION)
        foreign = make_node("w1").witness.key()
        os.environ.update(
            WITNESS_TABLE="witness",
            WITNESS_KEY_ID="the witness's key",
            WITNESS_NAME="w1.example",
            LOG_KEYS=f"{log.key.text()} {foreign.text()}",
        )
        spec = importlib.util.spec_from_file_location("app_of_witness", ROOT / "functions" / "witness" / "app.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # The in-process KMS has no Ed25519 keys.
        module.KmsLogSigner = SeedSigner
        yield log, module.witness().key(), module.app


def call(app, body, content_type="text/plain"):
    """What API Gateway hands to the function, and what it hands back."""
    headers = {"Content-Type": content_type} if content_type else {}
    event = {
        "httpMethod": "POST",
        "path": "/add-checkpoint",
        "resource": "/add-checkpoint",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "requestContext": {"httpMethod": "POST", "resourcePath": "/add-checkpoint", "path": "/v/add-checkpoint"},
        "pathParameters": None,
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": body,
        "isBase64Encoded": False,
    }
    answer = app(json.loads(json.dumps(event)), None)
    types = {name.lower(): value for name, value in {**answer["headers"], **_first(answer)}.items()}
    return answer["statusCode"], answer["body"], types["content-type"]


def _first(answer):
    return {name: values[0] for name, values in answer.get("multiValueHeaders", {}).items()}


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain; charset=utf-8", "", "application/octet-stream"])
def test_the_function_cosigns_whatever_type_the_body_is_said_to_have(deployed, content_type):
    log, key, app = deployed
    log.grow(5)
    status, body, told = call(app, log.request(0, 5), content_type)
    text = Note.parse(log.note_of(5)).text
    assert (status, told) == (200, "text/plain; charset=utf-8")
    assert len(cosignatures(Note(text, parse_signatures(body)), (key,))) == 1


def test_the_function_tells_the_size_in_its_own_type(deployed):
    log, _, app = deployed
    log.grow(5)
    call(app, log.request(0, 5))
    log.grow(5)
    assert call(app, log.request(0, 10)) == (409, "5\n", "text/x.tlog.size")


def test_the_function_knows_the_logs_of_its_settings_only(deployed):
    log, _, app = deployed
    log.grow(5)
    stranger = make_node("a stranger").witness.signer
    assert call(app, log.request(0, 5, signer=stranger))[0] == 403
    assert call(app, log.request(0, 5).replace("rongtong.example/log", "stranger.example/log"))[0] == 404


def test_a_witness_s_key_among_the_settings_vouches_for_no_log(deployed):
    log, _, app = deployed
    log.grow(5)
    signer = make_node("w1").witness.signer
    assert call(app, log.request(0, 5, signer=signer).replace("rongtong.example/log", "w1.example"))[0] == 404


def test_the_function_logs_a_fork_as_an_error_and_what_anybody_may_send_below(deployed, monkeypatch):
    log, _, app = deployed
    levels = []
    for level in ("info", "warning", "error", "exception"):
        monkeypatch.setattr(witness_logger, level, lambda *_, level=level, **__: levels.append(level))
    log.grow(5)
    call(app, log.request(0, 5))
    call(app, log.request(0, 3))
    assert levels == ["info"]
    other = Log()
    other.grow(5, salt="forged")
    call(app, other.request(5, 5))
    assert levels == ["info", "error"]


def test_the_function_refuses_a_body_that_is_none(deployed):
    assert call(deployed[2], "hello")[0] == 400
    assert call(deployed[2], None)[0] == 400


def test_the_log_s_seal_goes_through_the_door_to_the_function(deployed):
    log, key, app = deployed

    def answer(path, headers, body):
        status, text, told = call(app, body.decode(), headers["Content-Type"])
        return status, {"Content-Type": told}, text.encode()

    log.grow(5)
    with serving(answer) as (url, _):
        reply = HttpWitnessDoor().add_checkpoint({url: log.request(0, 5)})[url]
    text = Note.parse(log.note_of(5)).text
    assert cosignatures(Note(text, parse_signatures(reply.body)), (key,))[0].witness == key
