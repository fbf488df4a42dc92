"""Errors of the way in: before any use case has run."""

from __future__ import annotations

from rongtong.domain.errors import InvalidInputError, RongTongError


class ForbiddenError(RongTongError):
    """The caller is known but may not do this."""

    code = "FORBIDDEN"


class PageUnknownError(ForbiddenError):
    """A browser's page sent it that the tenant does not name."""


class HostUnknownError(ForbiddenError):
    """It was sent to a host that is not one of the platform's."""


class MissingHeaderError(InvalidInputError):
    """A required header is missing or malformed."""

    code = "HEADER_MISSING"


class BodyTooLargeError(InvalidInputError):
    """More bytes than any request needs."""

    code = "BODY_TOO_LARGE"


class ContentDigestError(InvalidInputError):
    """The body is not the one that was signed (RFC 9530)."""

    code = "CONTENT_DIGEST_MISMATCH"


class NotJsonError(InvalidInputError):
    """The body is not JSON."""

    code = "NOT_JSON"


class InvalidBodyError(InvalidInputError):
    """The body is JSON but not what the route takes; ``field`` names the first wrong one."""

    code = "INVALID_BODY"


class TooManyRequestsError(RongTongError):
    """The caller sends more requests than were agreed; the same request is taken ``retry_after_s`` seconds later."""

    code = "TOO_MANY_REQUESTS"

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
