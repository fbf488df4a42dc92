"""JSON over HTTP to the outside, one pooled client per service, never without a timeout."""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError


class UnansweredError(Exception):
    """No usable answer: no connection, a timeout, a server's fault or not JSON. Adapters name it in their own terms."""


class UnencryptedUrlError(ValueError):
    """A base URL by which personal data would leave this machine in the open."""


def require_encrypted(url: str) -> str:
    """The URL, if it is ``https`` or leads no further than this machine, as the local stack's do.

    Raises UnencryptedUrlError.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host and (parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))):
        return url
    raise UnencryptedUrlError(f"{url!r} is not encrypted; name an https URL.")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Answer:
    """An HTTP answer below 500."""

    status: int
    body: dict[str, Any]


class HttpClient:
    """One service's base URL and how long its answers may take (seconds, connect and read together).

    Raises UnencryptedUrlError.
    """

    def __init__(self, base_url: str, timeout_s: float) -> None:
        self._base_url = require_encrypted(base_url).rstrip("/")
        self._pool = urllib3.PoolManager(maxsize=8, retries=False, timeout=urllib3.Timeout(total=timeout_s))

    def call(self, method: str, path: str, *parts: str, body: dict[str, Any] | None = None) -> Answer:
        """Send; ``parts`` are quoted and put behind ``path``. Raises UnansweredError."""
        url = "/".join([self._base_url + path, *(quote(part, safe="") for part in parts)])
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        try:
            answer = self._pool.request(method, url, body=content, headers=headers)
            document = json.loads(answer.data)
        except (HTTPError, ValueError) as error:
            raise UnansweredError(f"{method} {path}: {type(error).__name__}") from error
        if answer.status >= 500 or not isinstance(document, dict):
            raise UnansweredError(f"{method} {path}: status {answer.status}")
        return Answer(answer.status, document)

    def require(self, method: str, path: str, *parts: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The body of a 2xx answer. Raises UnansweredError for any other."""
        found = self.call(method, path, *parts, body=body)
        if not 200 <= found.status < 300:
            raise UnansweredError(f"{method} {path}: status {found.status}")
        return found.body
