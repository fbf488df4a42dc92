"""Webhooks over HTTPS to addresses that were judged: no redirect, no second look-up of the name, no longer than agreed.

A partner chooses where the platform connects to. So the name is resolved once, every address that it has is judged, and
the connection goes to one of those; TLS is verified against the name all the same. A timer shuts the socket down when
the time is up, wherever it stands, so that an answer that drips holds nothing for longer than one that hangs.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Timer

from rongtong.domain.webhook_url import Target, WebhookUrlError, require_public, target_of
from rongtong.services.webhook_ports import AttemptError, WebhookAnswer

CONNECT_S = 5.0
TOTAL_S = 10.0
_ANSWER_BYTES_MAX = 64 * 1024
_EXCERPT_CHARS = 256
_ADDRESSES_MAX = 4
"""So many of a name's addresses are tried, within the time that one connection has."""
_LOOK_UPS_AT_ONCE = 16
_RETRY_AFTER_MAX = 7 * 24 * 3600
_USER_AGENT = "RongTong-Webhooks/1"

Resolve = Callable[[str, int], Sequence[str]]


def system_addresses(host: str, port: int) -> list[str]:
    """Every address that the system's resolver has for a name. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class HttpsWebhookSender:
    """Safe to share between threads. ``local`` lets receivers on the developer's own machine be sent to."""

    def __init__(
        self,
        *,
        local: bool = False,
        connect_s: float = CONNECT_S,
        total_s: float = TOTAL_S,
        resolve: Resolve = system_addresses,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._local, self._connect_s, self._total_s, self._resolve = local, connect_s, total_s, resolve
        self._tls = _trusting if tls is None else tls
        self._resolvers = ThreadPoolExecutor(_LOOK_UPS_AT_ONCE, thread_name_prefix="resolver")

    def check(self, url: str) -> None:
        """Raises WebhookUrlError unless webhooks may be sent there, as its name resolves now."""
        target = target_of(url, local=self._local)
        with suppress(OSError):
            self._addresses(target)

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """POST once; never raises, and never takes longer than connecting and answering may together."""
        try:
            target = target_of(url, local=self._local)
        except WebhookUrlError:
            return WebhookAnswer(error=AttemptError.URL_FORBIDDEN)
        began = time.monotonic()
        try:
            addresses = self._addresses(target)
        except WebhookUrlError:
            return WebhookAnswer(error=AttemptError.ADDRESS_FORBIDDEN)
        except TimeoutError:
            return WebhookAnswer(error=AttemptError.TIMED_OUT)
        except OSError:
            return WebhookAnswer(error=AttemptError.NAME_UNKNOWN)
        left_s = self._total_s - (time.monotonic() - began)
        return _Attempt(target, self._connect_s, left_s, self._tls).run(addresses, headers, body)

    def _addresses(self, target: Target) -> Sequence[str]:
        """What the name resolves to, all of it judged. Raises WebhookUrlError, OSError (TimeoutError for no answer)."""
        # The system's resolver knows no time limit of ours: it is waited for, not called.
        found = self._resolvers.submit(self._resolve, target.host, target.port).result(self._connect_s)
        if not found:
            raise OSError("The name has no address.")
        for address in found:
            require_public(address, local=self._local)
        return found[:_ADDRESSES_MAX]


class _Attempt:
    """One request on one connection, which a timer may end at any moment."""

    def __init__(self, target: Target, connect_s: float, total_s: float, tls: Callable[[], ssl.SSLContext]) -> None:
        self._target, self._connect_s, self._total_s, self._tls = target, connect_s, total_s, tls
        self._socket: socket.socket | None = None
        self._late = False

    def run(self, addresses: Sequence[str], headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        timer = Timer(self._total_s, self._end)
        timer.daemon = True
        timer.start()
        try:
            return self._ask(addresses, headers, body)
        except ssl.SSLError:
            return self._failed(AttemptError.TLS_FAILED)
        except TimeoutError:
            return WebhookAnswer(error=AttemptError.TIMED_OUT)
        except ConnectionRefusedError:
            return self._failed(AttemptError.NOT_CONNECTED)
        except (HTTPException, OSError, ValueError):
            return self._failed(AttemptError.NOT_CONNECTED if self._socket is None else AttemptError.NOT_HTTP)
        finally:
            timer.cancel()
            if self._socket is not None:
                self._socket.close()

    def _ask(self, addresses: Sequence[str], headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        target = self._target
        self._socket = plain = _connected(addresses, target.port, self._connect_s)
        plain.settimeout(self._total_s)
        if target.scheme == "https":
            # The timer must reach the socket during the handshake too, which therefore comes after.
            secured = self._tls().wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)
            self._socket = secured
            self._require_time()
            secured.do_handshake()
        self._require_time()
        connection = HTTPConnection(target.host, target.port)
        connection.auto_open = 0
        connection.sock = self._socket
        own = {"Host": target.authority, "User-Agent": _USER_AGENT, "Accept": "*/*", "Connection": "close"}
        connection.request("POST", target.path, body, {**headers, **own})
        answer = connection.getresponse()
        excerpt = b""
        # The status decides; a body that is cut off, or does not end, changes nothing of it.
        with suppress(HTTPException, OSError, ValueError):
            excerpt = answer.read(_ANSWER_BYTES_MAX)[: 4 * _EXCERPT_CHARS]
        self._require_time()
        return WebhookAnswer(answer.status, excerpt=_readable(excerpt), retry_after_s=_retry_after(answer))

    def _failed(self, error: AttemptError) -> WebhookAnswer:
        return WebhookAnswer(error=AttemptError.TIMED_OUT if self._late else error)

    def _require_time(self) -> None:
        """Asked after every socket is there: either the timer shuts it down, or that it fired is seen here."""
        if self._late:
            raise TimeoutError

    def _end(self) -> None:
        self._late = True
        if self._socket is not None:
            with suppress(OSError):
                # Not TLS's own shutdown, which takes its state away from under a thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _connected(addresses: Sequence[str], port: int, connect_s: float) -> socket.socket:
    """A connection to one of these very addresses. Raises OSError, the last one's."""
    until, last = time.monotonic() + connect_s, OSError("There is no address.")
    for address in addresses:
        if (left_s := until - time.monotonic()) <= 0:
            raise TimeoutError
        try:
            return socket.create_connection((address, port), timeout=left_s)
        except OSError as error:
            last = error
    raise last


def _retry_after(answer: HTTPResponse) -> int | None:
    """Seconds that the receiver asks for (RFC 9110 section 10.2.3); its other form, a date, is not read."""
    text = (answer.getheader("Retry-After") or "").strip()
    return min(int(text), _RETRY_AFTER_MAX) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _readable(content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    return "".join(one if one.isprintable() else " " for one in text)[:_EXCERPT_CHARS].strip()


@cache
def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
