"""Witnesses over HTTP (C2SP tlog-witness), all of them asked side by side, none of them able to hold up another.

Each witness has hands and connections of its own. A call ends with the time that all have together: by then its socket
is shut down, wherever it stands, so that a witness that drips its answer holds nothing for longer than one that hangs.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Lock
from urllib.parse import urlsplit

from rongtong.services.ports import WitnessReply

CONNECT_S = 2.0
READ_S = 4.0
LATE_S = 1.0
"""Once most witnesses have answered, the others have so long: one that hangs must not hold up every seal."""
_AT_ONCE_EACH = 2
"""So many calls of one witness may run; who still has that many from before is not asked, and so missing."""
_ANSWER_BYTES_MAX = 16 * 1024
_PORTS = {"http": 80, "https": 443}
_HEADERS = {"Content-Type": "text/plain; charset=utf-8", "Accept": "text/plain, text/x.tlog.size"}


class HttpWitnessDoor:
    """Kept connections to every witness, safe to share between threads. No redirect is followed."""

    def __init__(self, *, connect_s: float = CONNECT_S, read_s: float = READ_S, late_s: float = LATE_S) -> None:
        self._connect_s, self._read_s, self._late_s = connect_s, read_s, late_s
        self._lines: dict[str, _Line] = {}
        self._lock = Lock()

    def add_checkpoint(self, requests: Mapping[str, str]) -> dict[str, WitnessReply]:
        """Send each witness (by its submission prefix, a URL) its body; who did not answer in time is missing.

        It takes ``connect_s`` and ``read_s`` together at most, and ``late_s`` more than most of them need.
        """
        calls = [call for url, body in requests.items() if (call := self._line(url).take(body)) is not None]
        asked = {call.line.hands.submit(call.run): call for call in calls}
        try:
            return self._answers(asked, most=len(requests) / 2)
        finally:
            for future, call in asked.items():
                if not future.done():
                    call.abandon()

    def _answers(self, asked: Mapping[Future[WitnessReply | None], _Call], *, most: float) -> dict[str, WitnessReply]:
        found: dict[str, WitnessReply] = {}
        open_ones = set(asked)
        until = time.monotonic() + self._connect_s + self._read_s
        while open_ones and (left_s := until - time.monotonic()) > 0:
            done, open_ones = wait(open_ones, left_s, FIRST_COMPLETED)
            before = len(found)
            found |= {asked[one].line.url: reply for one in done if (reply := one.result()) is not None}
            if before <= most < len(found):
                until = min(until, time.monotonic() + self._late_s)
        return found

    def _line(self, url: str) -> _Line:
        with self._lock:
            if url not in self._lines:
                self._lines[url] = _Line(url, self._connect_s, self._read_s)
            return self._lines[url]


class _Line:
    """One witness: its hands, its kept connections, and how many calls of it run."""

    def __init__(self, url: str, connect_s: float, read_s: float) -> None:
        self.url, self._connect_s, self.read_s = url, connect_s, read_s
        self.hands = ThreadPoolExecutor(_AT_ONCE_EACH, thread_name_prefix="witness")
        self._kept: list[HTTPConnection] = []
        self._running = 0
        self._lock = Lock()

    def take(self, body: str) -> _Call | None:
        """A call to be run; None while as many as may still run."""
        with self._lock:
            if self._running == _AT_ONCE_EACH:
                return None
            self._running += 1
        return _Call(self, body.encode())

    def give_back(self, connection: HTTPConnection | None) -> None:
        """A call has ended; its connection, if any, may serve the next one."""
        with self._lock:
            self._running -= 1
            if connection is not None:
                self._kept.append(connection)

    def kept(self) -> HTTPConnection | None:
        """A connection that an earlier call left open."""
        with self._lock:
            return self._kept.pop() if self._kept else None

    def fresh(self) -> HTTPConnection:
        """A connection that is not opened yet. Raises ValueError for a URL that is none."""
        parts = urlsplit(self.url)
        if parts.hostname is None or parts.scheme not in _PORTS:
            raise ValueError("A witness's URL begins with http:// or https://.")
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        if parts.scheme == "http":
            return HTTPConnection(parts.hostname, port, timeout=self._connect_s)
        return HTTPSConnection(parts.hostname, port, timeout=self._connect_s, context=_trusting())

    @property
    def target(self) -> str:
        """Where checkpoints are posted to on the witness's host."""
        return urlsplit(self.url).path.rstrip("/") + "/add-checkpoint"


class _Call:
    """One request to one witness. It may be abandoned by another thread at any moment."""

    def __init__(self, line: _Line, body: bytes) -> None:
        self.line, self._body = line, body
        self._connection: HTTPConnection | None = None
        self._abandoned = False

    def run(self) -> WitnessReply | None:
        """What the witness answered, None for nothing that a witness answers."""
        reusable = None
        try:
            reply, reusable = self._ask()
        except (OSError, HTTPException, ValueError):
            return None
        else:
            return reply
        finally:
            if reusable is None and self._connection is not None:
                self._connection.close()
            self.line.give_back(reusable)

    def abandon(self) -> None:
        """Let go of it: whoever waits on its socket is woken up."""
        self._abandoned = True
        sock = None if self._connection is None else self._connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> tuple[WitnessReply | None, HTTPConnection | None]:
        kept = self.line.kept()
        if kept is not None:
            try:
                return self._post(kept)
            except (ConnectionError, ssl.SSLError):
                # A kept connection that the witness had closed; asking again changes nothing there.
                kept.close()
                if self._abandoned:
                    raise
        return self._post(self.line.fresh())

    def _post(self, connection: HTTPConnection) -> tuple[WitnessReply | None, HTTPConnection | None]:
        """The answer, and the connection if it may be kept. No answer for one that is longer than any can be."""
        self._connection = connection
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(self.line.read_s)
        # Looked at after the socket is there: either it is shut down by who abandons this, or it is seen here.
        if self._abandoned:
            raise TimeoutError
        connection.request("POST", self.line.target, self._body, _HEADERS)
        answer = connection.getresponse()
        content = answer.read(_ANSWER_BYTES_MAX + 1)
        if len(content) > _ANSWER_BYTES_MAX or answer.length:
            return None, None
        may_be_kept = answer.isclosed() and not answer.will_close and not self._abandoned
        return WitnessReply(answer.status, content.decode()), connection if may_be_kept else None


@cache
def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context()
