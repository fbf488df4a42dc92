"""Receivers of webhooks: in memory behind a fake clock, and a real HTTP(S) server on this machine that misbehaves."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rongtong.domain.webhook_url import target_of
from rongtong.services.webhook_ports import AttemptError, WebhookAnswer

OK = WebhookAnswer(200)
BROKEN = WebhookAnswer(500, excerpt="oops")
HANGS = WebhookAnswer(error=AttemptError.TIMED_OUT)
REDIRECTS = WebhookAnswer(302)
GONE = WebhookAnswer(410)


@dataclass
class Got:
    """What came in one attempt."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    answer: WebhookAnswer

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class MemoryReceivers:
    """A WebhookSender whose receivers answer what a test says: by URL, or ``OK``; a callable is asked each time."""

    answers: dict[str, WebhookAnswer | Callable[[], WebhookAnswer]] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, url: str) -> None:
        target_of(url)

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        found = self.answers.get(url, OK)
        answer = found() if callable(found) else found
        with self.lock:
            self.got.append(Got(url, dict(headers), body, answer))
        return answer

    def taken(self, url: str) -> list[Got]:
        """What the receiver has taken, in its order."""
        return [one for one in self.got if one.url == url and one.answer.delivered]


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server shows under these names, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .sign(key, SHA256())
    )
    pem = made.public_bytes(Encoding.PEM)
    file = folder / "server.pem"
    file.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(file)
    return shown, ssl.create_default_context(cadata=pem.decode())


class Receiver:
    """A server on a loopback port; ``behave(connection, request)`` does what it likes with each connection."""

    def __init__(
        self, behave: Callable[[socket.socket, bytes], None], shown: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._behave, self._shown = behave, shown
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        # Closing alone does not wake who waits in accept.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection:
            secured = connection
            if self._shown is not None:
                secured = self._shown.wrap_socket(connection, server_side=True)
            request = b""
            while b"\r\n\r\n" not in request:
                request += secured.recv(65536)
            head, _, body = request.partition(b"\r\n\r\n")
            length = next(
                int(line[16:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length: ")
            )
            while len(body) < length:
                body += secured.recv(65536)
            self.requests.append(head + b"\r\n\r\n" + body)
            self._behave(secured, request)


@contextmanager
def receiving(
    behave: Callable[[socket.socket, bytes], None], shown: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A receiver for as long as the block lasts."""
    receiver = Receiver(behave, shown)
    try:
        yield receiver
    finally:
        receiver.close()


def answering(status: int, body: bytes = b"", headers: str = "") -> Callable[[socket.socket, bytes], None]:
    """Answer this, and close."""
    head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n".encode()
    return lambda connection, request: connection.sendall(head + body)


def hanging(connection: socket.socket, request: bytes) -> None:
    """Say nothing until the other side has had enough."""
    connection.recv(1)


def dripping(text: bytes, *, every_s: float = 0.02) -> Callable[[socket.socket, bytes], None]:
    """Begin with a text, then one byte after the other, for as long as it is listened to."""

    def behave(connection: socket.socket, request: bytes) -> None:
        connection.sendall(text)
        while True:
            connection.sendall(b"x")
            time.sleep(every_s)

    return behave


@contextmanager
def certified(*names: str) -> Iterator[tuple[ssl.SSLContext, ssl.SSLContext]]:
    """A certificate for these names in a folder of its own."""
    with TemporaryDirectory() as folder:
        yield certificate(Path(folder), *names)
