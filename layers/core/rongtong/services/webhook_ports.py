"""What the use cases need from whatever carries webhooks to their receivers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class AttemptError(StrEnum):
    """Why an attempt had no HTTP answer."""

    URL_FORBIDDEN = "URL_FORBIDDEN"
    """The URL may not be sent to (any more)."""
    ADDRESS_FORBIDDEN = "ADDRESS_FORBIDDEN"
    """The name leads to an address that is not of the public internet; nothing was connected."""
    NAME_UNKNOWN = "NAME_UNKNOWN"
    NOT_CONNECTED = "NOT_CONNECTED"
    TLS_FAILED = "TLS_FAILED"
    """The certificate is not one for this name, or the handshake failed."""
    TIMED_OUT = "TIMED_OUT"
    NOT_HTTP = "NOT_HTTP"
    """The connection ended early, or what came was no HTTP answer."""


@dataclass(frozen=True)
class WebhookAnswer:
    """What became of one attempt: an HTTP status, or an error. ``excerpt`` is the beginning of the answer's body."""

    status: int | None = None
    error: AttemptError | None = None
    excerpt: str = ""
    retry_after_s: int | None = None

    @property
    def delivered(self) -> bool:
        """Any 2xx; a redirect is a failure, for it is not followed."""
        return self.status is not None and 200 <= self.status < 300


class WebhookSender(Protocol):
    """How webhooks leave the platform."""

    def check(self, url: str) -> None:
        """Raises WebhookUrlError unless webhooks may be sent there, as its name resolves now.

        A name that does not resolve now is no error: it may do so later, and is judged again at every attempt.
        """

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """POST once, to an address that was judged; never raises. Ten seconds at most, whatever the receiver does."""
