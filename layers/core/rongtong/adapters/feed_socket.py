"""A supervisor's end of the feed's WebSocket (RFC 6455), as much as hints need: text comes in, pings are answered.

The handshake is signed as any request to the API is (RFC 9421). Hints say when to ask, and nothing depends on them.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import ssl
import time
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner
from http_message_signatures.algorithms import ED25519

from rongtong.adapters.signed_api import OneKey

_TIMEOUT_S = 35.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_HEAD_BYTES_MAX = 16 * 1024
_FRAME_BYTES_MAX = 128 * 1024
"""What API Gateway sends at most."""
_PORTS = {"ws": 80, "wss": 443}
_TEXT, _CONTINUED, _CLOSE, _PING, _PONG = 1, 0, 8, 9, 10


class FeedClosedError(OSError):
    """The feed is not there (any more); the next ``wait`` connects anew."""


@dataclass
class _Handshake:
    """The upgrade request, as http-message-signatures reads it and puts its headers into."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class FeedSocket:
    """One connection, made when it is first waited at, and made anew after it was closed."""

    def __init__(self, url: str, key_id: str, key: Ed25519PrivateKey) -> None:
        """Raises ValueError for a URL that is not ``ws://`` or ``wss://``."""
        self._parts = urlsplit(url)
        if self._parts.scheme not in _PORTS or not self._parts.hostname:
            raise ValueError(f"{url} is no WebSocket URL.")
        self._key_id = key_id
        self._signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=OneKey(key))
        self._connection: socket.socket | None = None
        self._received = b""

    def connect(self) -> None:
        """Connect, unless it is. Raises FeedClosedError with what was answered instead."""
        if self._connection is not None:
            return
        host = str(self._parts.hostname)
        # Names below localhost are this machine, whether or not its resolver knows (RFC 6761 section 6.3).
        place = "127.0.0.1" if host.endswith(".localhost") else host
        try:
            made = socket.create_connection((place, self._parts.port or _PORTS[self._parts.scheme]), _TIMEOUT_S)
            if self._parts.scheme == "wss":
                made = ssl.create_default_context().wrap_socket(made, server_hostname=host)
            self._connection, self._received = made, b""
            self._shake_hands(made)
        except FeedClosedError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise FeedClosedError(f"it cannot be reached ({error})") from error

    def wait(self, seconds: float) -> dict[str, Any] | None:
        """The next hint, None where none came in this time. Connects where it is not. Raises FeedClosedError."""
        self.connect()
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0:
                found = self._message(left)
                if found is not None:
                    return found
            self._send(_PING, b"")  # whoever says nothing for ten minutes is cut off
        except FeedClosedError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise FeedClosedError(f"it broke off ({error})") from error
        return None

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _shake_hands(self, connection: socket.socket) -> None:
        path = self._parts.path or "/"
        nonce = b64encode(secrets.token_bytes(16))
        request = _Handshake("GET", f"https://{self._parts.netloc}{path}")
        self._signer.sign(
            request,
            key_id=self._key_id,
            created=datetime.now(UTC),
            nonce=secrets.token_urlsafe(16),
            covered_component_ids=["@method", "@authority", "@path"],
            include_alg=True,
        )
        lines = {
            "Host": self._parts.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": nonce.decode(),
            "Sec-WebSocket-Version": "13",
            **request.headers,
        }
        head = "".join([f"GET {path} HTTP/1.1\r\n", *[f"{name}: {value}\r\n" for name, value in lines.items()], "\r\n"])
        connection.sendall(head.encode("ascii"))
        answer = self._head(connection)
        accepted = b64encode(sha1(nonce + _GUID, usedforsecurity=False).digest()).decode()
        status = answer[0].split(" ")[1] if " " in answer[0] else answer[0]
        pairs = [line.partition(":") for line in answer[1:]]
        fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if status != "101":
            raise FeedClosedError(f"it was answered with {status}; is the key a supervisor's, and the clock right?")
        if fields.get("sec-websocket-accept") != accepted:
            raise FeedClosedError("whoever answered is no WebSocket")

    def _head(self, connection: socket.socket) -> list[str]:
        while b"\r\n\r\n" not in self._received:
            some = connection.recv(4096)
            if not some or len(self._received) > _HEAD_BYTES_MAX:
                raise FeedClosedError("it was closed during the handshake")
            self._received += some
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        return head.decode("latin-1").split("\r\n")

    def _message(self, seconds: float) -> dict[str, Any] | None:
        """The next frame's hint, None where it bears none or did not come in time."""
        try:
            final, opcode, content = self._frame(seconds)
        except TimeoutError:
            return None
        if opcode == _PING:
            self._send(_PONG, content)
        elif opcode == _CLOSE:
            raise FeedClosedError("the platform closed it")
        elif opcode == _TEXT and final:
            try:
                found = json.loads(content)
            except ValueError:
                found = None
            return found if isinstance(found, dict) else {}
        return None

    def _frame(self, seconds: float) -> tuple[bool, int, bytes]:
        """Raises TimeoutError where none came whole in this time; what came of it is kept."""
        first, second = self._peek(2, seconds)
        length, at = second & 0x7F, 2
        if length >= 126:
            at = 4 if length == 126 else 10
            length = int.from_bytes(self._peek(at, seconds)[2:at])
        if length > _FRAME_BYTES_MAX or second & 0x80:
            raise FeedClosedError("it sent what no feed sends")
        content = self._peek(at + length, seconds)[at:]
        self._received = self._received[at + length :]
        return bool(first & 0x80), first & 0x0F, content

    def _peek(self, count: int, seconds: float) -> bytes:
        assert self._connection is not None, "frames come over a connection"
        while len(self._received) < count:
            self._connection.settimeout(max(seconds, 0.001))
            some = self._connection.recv(64 * 1024)
            if not some:
                raise FeedClosedError("the connection was closed")
            self._received += some
        return self._received[:count]

    def _send(self, opcode: int, content: bytes) -> None:
        """A client's frames are masked (RFC 6455 section 5.3); a control frame has at most 125 bytes."""
        assert self._connection is not None, "frames go over a connection"
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(content))
        self._connection.settimeout(_TIMEOUT_S)
        self._connection.sendall(bytes([0x80 | opcode, 0x80 | len(content)]) + mask + masked)
