"""HTTP in and out: headers, bodies, and errors as RFC 9457 problems, in one place for all routes."""

from __future__ import annotations

import hashlib
import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeVar

from chalice.app import Request, Response

from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.errors import (
    BodyTooLargeError,
    ContentDigestError,
    InvalidBodyError,
    MissingHeaderError,
    NotJsonError,
    TooManyRequestsError,
)
from rongtong.services.kept_answers import RequestRunningError

if TYPE_CHECKING:
    from pydantic import BaseModel

_BODY_BYTES_MAX = 64 * 1024
_KEY_LENGTH_MAX = 128
_KEY = re.compile(rf"[\x21-\x7e]{{1,{_KEY_LENGTH_MAX}}}")
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_EXACT = 2**53
"""From here on a number with a point or an exponent may have lost its last digits."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_STATUS = {
    "NOT_FOUND": 404,
    "FORBIDDEN": 403,
    "CONTENT_DIGEST_MISMATCH": 401,
    "BODY_TOO_LARGE": 413,
    "NOT_JSON": 400,
    "TOO_MANY_REQUESTS": 429,
    "HEADER_MISSING": 400,
    "RANGE_TAKEN": 409,
    "WRONG_STATE": 409,
    "UPLOAD_MISSING": 409,
    "LOGIN_REQUIRED": 403,
    "CODE_LOCKED": 409,
    "CODES_TOO_MANY": 409,
    "REQUEST_RUNNING": 409,
    "PRECONDITION_FAILED": 412,
    "WRITE_CONFLICT": 409,
    # Not 503: nothing is broken, and clients that try again every second would do so for hours.
    "SUSPENDED": 409,
    "CONSENT_WITHDRAWN": 409,
    "ENTERPRISE_CLOSED": 409,
    "CLOSURE_BLOCKED": 409,
    "PERSONAL_DATA_ERASED": 409,
    "DISCLOSURES_TOO_MANY": 409,
    "DISCLOSURE_NOT_APPROVED": 409,
    "BUSY_TRY_AGAIN": 503,
    "NO_QUORUM": 503,
    "BANK_UNAVAILABLE": 503,
    "REGISTRY_UNAVAILABLE": 503,
    "SMS_UNAVAILABLE": 503,
    "ACCOUNTS_UNAVAILABLE": 503,
}
_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    409: "Conflict",
    412: "Changed meanwhile",
}
_TITLES |= {413: "Too large", 422: "Not acceptable", 429: "Too many requests", 500: "Our fault", 503: "Try again"}

Model = TypeVar("Model", bound="BaseModel")
Headers = dict[str, str | list[str]]


def idempotency_key(request: Request) -> str:
    """The caller's name for this request. Raises MissingHeaderError."""
    key = str(request.headers.get("idempotency-key", "")).strip()
    if not _KEY.fullmatch(key):
        raise MissingHeaderError(
            f"Send an Idempotency-Key of 1 to {_KEY_LENGTH_MAX} visible ASCII characters, the same for every repeat.",
            field="Idempotency-Key",
        )
    return key


def body_digest(request: Request) -> str:
    """SHA-256 of the body, hexadecimal: what a repeat is compared with."""
    return hashlib.sha256(_raw(request)).hexdigest()


def read_body(request: Request, model: type[Model], *, most: int = _BODY_BYTES_MAX) -> Model:
    """The body of at most so many bytes, checked against its model.

    Raises BodyTooLargeError, NotJsonError, InvalidBodyError with the first wrong field.
    """
    raw = read_bytes(request, most=most)
    try:
        parsed = json.loads(raw, parse_float=_number, parse_constant=_no_number)
        if _HALF.search(raw):
            # Half of a character (RFC 8259 section 8.2) can neither be kept nor told.
            json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotJsonError("The body is not JSON; send one JSON object in UTF-8.", field="body") from error
    from pydantic import ValidationError  # with the model it is here already; functions without bodies do not load it

    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise InvalidBodyError(f"{path or 'body'}: {first['msg']}.", field=path or "body") from error


def _number(text: str) -> int | float:
    """A whole number is one however it is written (``1.0``, ``1e3``): JSON knows one kind of number."""
    number = float(text)
    if not isfinite(number):
        raise ValueError(text)
    whole = number.is_integer() and abs(number) < _EXACT
    return int(number) if whole else number


def _no_number(text: str) -> None:
    """NaN and Infinity, which Python would read, are no JSON (RFC 8259 section 6)."""
    raise ValueError(text)


def is_xml(request: Request) -> bool:
    """Whether the body says that it is XML."""
    return "xml" in str(request.headers.get("content-type", "")).lower()


def read_bytes(request: Request, *, most: int = _BODY_BYTES_MAX) -> bytes:
    """The body, which is the one that was signed (``require_digest``). Raises BodyTooLargeError."""
    raw = _raw(request)
    if len(raw) > most:
        raise BodyTooLargeError(f"The body has {len(raw)} bytes; at most {most} are read.", field="body")
    return raw


def require_digest(request: Request) -> None:
    """The body must be the one whose digest was signed (RFC 9530), whether or not the route reads it.

    SHA-256 or SHA-512; with several digests, all must be right. Raises ContentDigestError.
    """
    raw = _raw(request)
    if not raw and request.method not in _WITH_BODY and "content-digest" not in request.headers:
        return
    from http_message_signatures import ContentDigest, InvalidSignature  # most requests have no body

    try:
        ContentDigest.verify(request.headers.get("content-digest", ""), raw)
    except InvalidSignature as error:
        raise ContentDigestError(
            "Content-Digest is missing or is not the digest of this body.", field="Content-Digest"
        ) from error


def problem(error: RongTongError, instance: str) -> Response:
    """An RFC 9457 problem document."""
    status = status_of(error)
    document = {
        "type": f"urn:rongtong:problem:{error.code}",
        "title": _TITLES[status],
        "status": status,
        "code": error.code,
        "detail": error.message,
        **({"field": error.field} if error.field else {}),
        **({"instance": instance} if instance else {}),
    }
    headers: Headers = {"Content-Type": "application/problem+json"}
    if status == 503:
        headers["Retry-After"] = "1"
    if isinstance(error, TooManyRequestsError | RequestRunningError):
        headers["Retry-After"] = str(error.retry_after_s)
    return Response(body=json.dumps(document, ensure_ascii=False), status_code=status, headers=headers)


def status_of(error: RongTongError) -> int:
    """The HTTP status of an error: 422 for whatever the caller can mend and has no better one."""
    if type(error) is RongTongError:
        return 500
    return _STATUS.get(error.code, 422)


def answer(document: Any, status: int = 200, headers: Headers | None = None) -> Response:
    """A JSON answer in UTF-8."""
    content: Headers = {"Content-Type": "application/json", **(headers or {})}
    return Response(body=json.dumps(document, ensure_ascii=False), status_code=status, headers=content)


def _raw(request: Request) -> bytes:
    raw = request.raw_body
    return raw.encode() if isinstance(raw, str) else raw
