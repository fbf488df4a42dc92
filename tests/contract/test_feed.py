"""The list of connections in DynamoDB, API Gateway's management API, and a supervisor's end of the WebSocket."""

import hashlib
import json
import socket
import threading
from base64 import b64encode
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws

from access_fakes import MemoryNonces, ed25519, key_record
from fakes import MemoryStore
from feed_fakes import Listed
from rongtong.adapters.feed_connections import FeedConnections
from rongtong.adapters.feed_door import ManagementDoor
from rongtong.adapters.feed_socket import FeedClosedError, FeedSocket
from rongtong.entrypoints.signatures import SignedRequest, signer_of
from rongtong.services.storage import Create
from rongtong.services.supervision_feed import Connection
from scripted_server import Reply, serving

A, B = (Connection(name, "sample-supervisor#1", "203.0.113.7", "2026-04-15T02:00:00.000Z") for name in ("Ab-1=", "B.2"))


@pytest.fixture
def table(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("dynamodb").create_table(
            TableName="nonces",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "used", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "used", "KeyType": "HASH"}],
        )
        yield FeedConnections("nonces")


@pytest.fixture(params=["in memory", "dynamodb"])
def listed(request):
    return Listed() if request.param == "in memory" else request.getfixturevalue("table")


def test_connections_are_listed_until_they_are_forgotten(listed):
    assert listed.all() == []
    listed.note(A)
    listed.note(B)
    listed.note(A)
    assert sorted(listed.all(), key=lambda one: one.connection_id) == [A, B]
    listed.forget([A.connection_id, "nobody's"])
    assert listed.all() == [B]
    listed.forget([])
    listed.forget([B.connection_id])
    assert listed.all() == []


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def gone(_):
    return Reply(410, {"message": "GoneException"}, {"x-amzn-ErrorType": "GoneException"})


def test_a_hint_is_posted_to_its_connection(aws):
    with serving(lambda seen: Reply(200, {})) as server:
        assert ManagementDoor(f"{server.url}/v").send("Ab-1=", "{}")
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/v/@connections/Ab-1%3D", b"{}")


def test_a_connection_that_is_gone_is_said_to_be_and_closing_it_is_no_error(aws):
    with serving(gone) as server:
        door = ManagementDoor(server.url)
        assert not door.send("a", "{}")
        door.hang_up("a")
    assert [seen.method for seen in server.seen] == ["POST", "DELETE"]


def test_what_else_the_gateway_answers_is_raised_and_not_tried_again(aws):
    with serving(lambda seen: Reply(500, {})) as server, pytest.raises(Exception, match="500"):
        ManagementDoor(server.url).send("a", "{}")
    assert len(server.seen) == 1


# ---- the supervisor's end

KEY = ed25519()
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(content, opcode=1, final=True):
    """A server's frame: not masked."""
    size = len(content)
    length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65536 else b"\x7f" + size.to_bytes(8)
    return bytes([(0x80 if final else 0) | opcode]) + length + content


class Gateway:
    """A WebSocket server for one connection after another; ``script`` is sent to each, in pieces."""

    def __init__(self, *script, status=101, accept=None):
        self.script, self.status, self.accept = script, status, accept
        self.requests, self.received = [], b""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listening.getsockname()[1]}/v"
        self.heard = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(4096)
                lines = head.decode().split("\r\n")
                fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                self.requests.append((lines[0], fields))
                sum_ = hashlib.sha1(fields["sec-websocket-key"].encode() + _GUID).digest()
                accept = self.accept or b64encode(sum_).decode()
                connection.sendall(
                    f"HTTP/1.1 {self.status} x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode()
                )
                for piece in self.script:
                    connection.sendall(piece)
                if self.script[-1:] != (b"",):
                    continue
                self.received += connection.recv(4096)
                self.heard.set()

    def close(self):
        self._listening.close()


@pytest.fixture
def gateway():
    made = []

    def make(*script, **more):
        made.append(Gateway(*script, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_the_handshake_is_signed_as_any_request_is(gateway):
    server = gateway(frame(b'{"after": 4}'))
    FeedSocket(server.url, "sample-supervisor#1", KEY).wait(5)
    ((line, fields),) = server.requests
    assert line == "GET /v HTTP/1.1"
    store = MemoryStore()
    store.transact(
        [Create("partner#sample-supervisor", "state", {"role": "supervisor", "keys": {"1": key_record(KEY)}})]
    )
    request = SignedRequest("GET", f"https://{fields['host']}/v", fields)
    signer = signer_of(store, MemoryNonces(), request, address="127.0.0.1", now=datetime.now(UTC))
    assert signer.key_id == "sample-supervisor#1"


def test_hints_come_one_by_one_however_their_bytes_are_cut(gateway):
    long = json.dumps({"after": 9, "checkpoint": "x" * 70_000}).encode()
    whole = frame(b'{"after": 4}') + frame(b"", opcode=9) + frame(long)
    server = gateway(whole[:1], whole[1:9], whole[9:40], whole[40:])
    feed = FeedSocket(server.url, "sample-supervisor#1", KEY)
    assert feed.wait(5) == {"after": 4}
    assert feed.wait(5)["after"] == 9


def test_what_is_no_hint_wakes_up_all_the_same(gateway):
    assert FeedSocket(gateway(frame(b"no json")).url, "sample-supervisor#1", KEY).wait(5) == {}


def test_without_a_hint_the_wait_ends_and_the_connection_is_kept_alive(gateway):
    server = gateway(b"")
    assert FeedSocket(server.url, "sample-supervisor#1", KEY).wait(0.05) is None
    assert server.heard.wait(5)
    assert (server.received[0], server.received[1] & 0x80) == (0x89, 0x80)


@pytest.mark.parametrize("script", [(frame(b"", opcode=8),), (), (frame(b"x" * 200_000),), (b"\x81\xfe",)])
def test_a_connection_that_ends_or_says_what_no_feed_says_is_closed_and_made_anew(gateway, script):
    server = gateway(*script)
    feed = FeedSocket(server.url, "sample-supervisor#1", KEY)
    for _ in range(2):
        with pytest.raises(FeedClosedError):
            feed.wait(5)
    assert len(server.requests) == 2


def test_a_refused_handshake_is_told(gateway):
    with pytest.raises(FeedClosedError, match="403"):
        FeedSocket(gateway(status=403).url, "sample-supervisor#1", KEY).connect()
    with pytest.raises(FeedClosedError, match="no WebSocket"):
        FeedSocket(gateway(accept="bm8=").url, "sample-supervisor#1", KEY).connect()


def test_a_feed_that_cannot_be_reached_is_closed_and_no_url_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FeedClosedError):
        FeedSocket(f"ws://127.0.0.1:{port}/v", "sample-supervisor#1", KEY).wait(1)
    with pytest.raises(ValueError, match="no WebSocket URL"):
        FeedSocket("https://api.example/v", "sample-supervisor#1", KEY)
