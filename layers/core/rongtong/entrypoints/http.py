"""HTTP in and out: the caller, the body, and errors as RFC 9457 problems, in one place for all routes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, TypeVar

from chalice.app import Request, Response
from http_message_signatures import ContentDigest, InvalidSignature
from pydantic import BaseModel, ValidationError

from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.errors import (
    BodyTooLargeError,
    ContentDigestError,
    ForbiddenError,
    InvalidBodyError,
    MissingHeaderError,
    NotJsonError,
)
from rongtong.entrypoints.logs import logger
from rongtong.services.context import Context

_BODY_BYTES_MAX = 64 * 1024
_KEY_LENGTH_MAX = 128
_STATUS = {
    "NOT_FOUND": 404,
    "FORBIDDEN": 403,
    "CONTENT_DIGEST_MISMATCH": 401,
    "BODY_TOO_LARGE": 413,
    "NOT_JSON": 400,
    "HEADER_MISSING": 400,
    "RANGE_TAKEN": 409,
    "WRONG_STATE": 409,
    "WRITE_CONFLICT": 409,
    # Not 503: nothing is broken, and clients that try again every second would do so for hours.
    "SUSPENDED": 409,
    "BUSY_TRY_AGAIN": 503,
    "NO_QUORUM": 503,
    "BANK_UNAVAILABLE": 503,
    "REGISTRY_UNAVAILABLE": 503,
}
_TITLES = {
    400: "Bad request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    409: "Conflict",
}
_TITLES |= {413: "Too large", 422: "Not acceptable", 500: "Our fault", 503: "Try again"}

Model = TypeVar("Model", bound=BaseModel)
Route = Callable[..., Response]
Headers = dict[str, str | list[str]]


@dataclass(frozen=True)
class Caller:
    """Who signed the request, as the authorizer found it."""

    partner_id: str
    role: str
    initiator: dict[str, str]
    """Which key signed the request, and the signature's digest: events bear it, the authorizer's log the signature."""


def acting(context: Context, who: Caller) -> Context:
    """The same collaborators, acting for the caller: the events that follow bear its signature."""
    return replace(context, initiator=who.initiator)


def caller(request: Request | None) -> Caller:
    """The authenticated caller. Raises ForbiddenError when there is none: no route serves the anonymous."""
    known: dict[str, Any] = _served(request).context.get("authorizer") or {}
    if not known.get("partner_id"):
        raise ForbiddenError("The request was not authenticated.")
    initiator = {"key": str(known["key_id"]), "sig": str(known["signature_sha256"])}
    return Caller(str(known["partner_id"]), str(known["role"]), initiator)


def require_role(request: Request | None, role: str) -> Caller:
    """The caller, if it has the role. Raises ForbiddenError."""
    found = caller(request)
    if found.role != role:
        raise ForbiddenError(f"This needs the role {role}.")
    return found


def idempotency_key(request: Request | None) -> str:
    """The caller's name for this request. Raises MissingHeaderError."""
    key = str(_served(request).headers.get("idempotency-key", "")).strip()
    if not key or len(key) > _KEY_LENGTH_MAX:
        raise MissingHeaderError(
            f"Send an Idempotency-Key of 1 to {_KEY_LENGTH_MAX} characters, the same for every repeat.",
            field="Idempotency-Key",
        )
    return key


def body_digest(request: Request | None) -> str:
    """SHA-256 of the body, hexadecimal: what a repeat is compared with."""
    return hashlib.sha256(_raw(request)).hexdigest()


def read_body(request: Request | None, model: type[Model]) -> Model:
    """The body, checked against its signed digest (RFC 9530) and its model.

    Raises BodyTooLargeError, ContentDigestError, NotJsonError, InvalidBodyError with the first wrong field.
    """
    raw = read_bytes(request)
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise NotJsonError("The body is not JSON; send one JSON object in UTF-8.", field="body") from error
    try:
        return model.model_validate(parsed)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(str(part) for part in first["loc"])
        raise InvalidBodyError(f"{path or 'body'}: {first['msg']}.", field=path or "body") from error


def is_xml(request: Request | None) -> bool:
    """Whether the body says that it is XML."""
    return "xml" in str(_served(request).headers.get("content-type", "")).lower()


def read_bytes(request: Request | None, *, most: int = _BODY_BYTES_MAX) -> bytes:
    """The body, checked against its signed digest (RFC 9530). Raises BodyTooLargeError, ContentDigestError."""
    raw = _raw(request)
    if len(raw) > most:
        raise BodyTooLargeError(f"The body has {len(raw)} bytes; at most {most} are read.", field="body")
    try:
        ContentDigest.verify(_served(request).headers.get("content-digest", ""), raw)
    except InvalidSignature as error:
        raise ContentDigestError(
            "Content-Digest is missing or is not the digest of this body.", field="Content-Digest"
        ) from error
    return raw


def answers(current: Callable[[], Request | None]) -> Callable[[Route], Route]:
    """Put under a route: every error leaves as a problem document with a stable code.

    Chalice turns ordinary exceptions into a bare 500 before its middleware sees them, hence a decorator.
    """

    def decorate(route: Route) -> Route:
        @wraps(route)
        def guarded(*args: str, **kwargs: str) -> Response:
            try:
                return route(*args, **kwargs)
            except RongTongError as error:
                return problem(error, _path(current()))
            except Exception:
                logger.exception("route failed", extra={"path": _path(current())})
                return problem(RongTongError("Something failed on our side; send the same request again."), "")

        return guarded

    return decorate


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


def _served(request: Request | None) -> Request:
    assert request is not None, "Chalice sets the request before it calls a route"
    return request


def _raw(request: Request | None) -> bytes:
    raw = _served(request).raw_body
    return raw.encode() if isinstance(raw, str) else raw


def _path(request: Request | None) -> str:
    return "" if request is None else str(request.context.get("path", request.path))
