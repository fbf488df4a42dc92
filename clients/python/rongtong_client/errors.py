"""What a call may raise."""

from __future__ import annotations

from typing import Any


class RongTongError(Exception):
    """Any failure of a call. ``idempotency_key`` is what it was sent under, None for what needs none.

    Sending the same body under the same key again does nothing twice.
    """

    def __init__(self, message: str, idempotency_key: str | None = None) -> None:
        super().__init__(message)
        self.idempotency_key = idempotency_key


class ProblemError(RongTongError):
    """The platform answered with a problem (RFC 9457).

    ``code`` is stable and stands in the reason codes with what to do about it; ``field`` is the part of the request at
    fault, where one is; ``request_id`` is what to name when you ask about the request. An answer that is no problem
    document, as a gateway may give, has the code ``HTTP_<status>``.
    """

    def __init__(
        self,
        status: int,
        document: dict[str, Any],
        *,
        request_id: str | None,
        retry_after_s: float | None = None,
        idempotency_key: str | None = None,
    ) -> None:
        self.status = status
        self.document = document
        self.code = str(document.get("code") or f"HTTP_{status}")
        self.detail = str(document.get("detail") or document.get("message") or "")
        self.field: str | None = document.get("field")
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        super().__init__(f"{status} {self.code}: {self.detail}", idempotency_key)


class UnansweredError(RongTongError):
    """No usable answer came, however often it was asked for: whether the request was carried out is not known."""


class NotDoneError(RongTongError):
    """Something did not come to its end in the time that the caller gave it; it goes on."""


class WebhookError(RongTongError):
    """A request to a webhook receiver is not what the platform signed: answer 400 and do nothing."""
