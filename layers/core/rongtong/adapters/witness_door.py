"""Witnesses over HTTP (C2SP tlog-witness), all of them asked side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError

from rongtong.services.ports import WitnessReply

CONNECT_S = 2.0
READ_S = 4.0
LATE_S = 1.0
"""Once most witnesses have answered, the others have so long: one that hangs must not hold up every seal."""
_AT_ONCE = 16
_KEPT_EACH = 4
_ANSWER_BYTES_MAX = 16 * 1024
_HEADERS = {"Content-Type": "text/plain; charset=utf-8", "Accept": "text/plain, text/x.tlog.size"}


class HttpWitnessDoor:
    """Kept connections to every witness, safe to share between threads. No redirect is followed."""

    def __init__(self, *, connect_s: float = CONNECT_S, read_s: float = READ_S, late_s: float = LATE_S) -> None:
        self._together_s, self._late_s = connect_s + read_s, late_s
        timeout = urllib3.Timeout(connect=connect_s, read=read_s)
        self._pool = urllib3.PoolManager(maxsize=_KEPT_EACH, retries=False, timeout=timeout)
        self._hands = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="witness")

    def add_checkpoint(self, requests: Mapping[str, str]) -> dict[str, WitnessReply]:
        """Send each witness (by its submission prefix, a URL) its body; who did not answer in time is missing."""
        asked = {self._hands.submit(self._ask, url, body): url for url, body in requests.items()}
        found: dict[str, WitnessReply] = {}
        open_ones: set[Future[WitnessReply | None]] = set(asked)
        until, most = time.monotonic() + self._together_s, len(asked) / 2
        while open_ones and (left_s := until - time.monotonic()) > 0:
            done, open_ones = wait(open_ones, left_s, FIRST_COMPLETED)
            before = len(found)
            found |= {asked[one]: reply for one in done if (reply := one.result()) is not None}
            if before <= most < len(found):
                until = min(until, time.monotonic() + self._late_s)
        return found

    def _ask(self, url: str, body: str) -> WitnessReply | None:
        target = url.rstrip("/") + "/add-checkpoint"
        try:
            try:
                return self._post(target, body.encode())
            except ProtocolError:
                # A kept connection that the witness had closed; asking again changes nothing there.
                return self._post(target, body.encode())
        except (HTTPError, UnicodeDecodeError):
            return None

    def _post(self, target: str, body: bytes) -> WitnessReply | None:
        """None for an answer that is longer than any can be."""
        answer = self._pool.request(
            "POST", target, body=body, headers=_HEADERS, redirect=False, preload_content=False, decode_content=False
        )
        content = answer.read(_ANSWER_BYTES_MAX + 1)
        if len(content) > _ANSWER_BYTES_MAX:
            answer.close()
            return None
        answer.release_conn()
        return WitnessReply(answer.status, content.decode())
