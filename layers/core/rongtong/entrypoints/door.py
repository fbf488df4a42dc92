"""The way into every route: who calls, whether its key may, and whether what it names is its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalice.app import Request, Response

from rongtong.domain import measures
from rongtong.domain.access import Refusal, Role, owns
from rongtong.domain.errors import RongTongError
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.errors import (
    ContentDigestError,
    ForbiddenError,
    HostUnknownError,
    PageUnknownError,
    TooManyRequestsError,
)
from rongtong.entrypoints.http import problem, require_digest
from rongtong.entrypoints.logs import correlated, logger
from rongtong.entrypoints.metrics import METER
from rongtong.entrypoints.refusals import note_refusal
from rongtong.entrypoints.repeats import KEPT, answered_once
from rongtong.entrypoints.routes import OWNED, Route
from rongtong.services.context import Context
from rongtong.services.errors import NotFoundError
from rongtong.services.storage import Item

_NAME_LENGTH_MAX = 200
_EVERYWHERE: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Headers of every answer that does not set them itself."""
_REFUSALS: Mapping[type[RongTongError], str] = {
    ForbiddenError: Refusal.SCOPE_MISSING,
    ContentDigestError: measures.DIGEST_MISMATCH,
    PageUnknownError: measures.PAGE_UNKNOWN,
    HostUnknownError: measures.HOST_UNKNOWN,
}
"""What a caller does not do by mistake again and again. What it may mend itself is not among them, nor are too many."""


@dataclass(frozen=True)
class Caller:
    """Who signed the request, as the authorizer found it."""

    partner_id: str
    role: str
    scopes: frozenset[str]
    initiator: dict[str, str]
    """Which key signed the request, and the signature's digest: events bear it, the authorizer's log the signature."""
    institution_id: str | None = None
    """The institution that a caller of role institution speaks for."""


@dataclass(frozen=True)
class Call:
    """A request that was let in."""

    request: Request
    context: Context
    """The collaborators, acting for the caller: the events that follow bear its signature."""
    caller: Caller | None

    @property
    def who(self) -> Caller:
        """The caller. Raises ForbiddenError on a public route, which knows of none."""
        if self.caller is None:
            raise ForbiddenError("The request was not authenticated.")
        return self.caller

    @property
    def partner_id(self) -> str:
        """The caller's id."""
        return self.who.partner_id


def let_in(route: Route, request: Request, named: Mapping[str, str], handler: Callable[..., Response]) -> Response:
    """Run the route's function for this request.

    Raises ForbiddenError without a signature or the route's scope, ContentDigestError for another body than the signed
    one, TooManyRequestsError, NotFoundError for an object that is not there or another tenant's: both look the same.
    """
    context = bootstrap.context()
    if route.scope is None:
        _require_short(named)
        return handler(Call(request, context, None), **named)
    who = caller(request)
    require_digest(request)
    _require_rate(request)
    if route.scope not in who.scopes:
        raise ForbiddenError(f"This needs a key with the scope {route.scope}.")
    _require_short(named)
    given = {_name(name): _argument(context, who, name, named) for name in named}
    request_id = str(request.context.get("requestId", "")) or None
    call = Call(request, replace(context, initiator=who.initiator, request_id=request_id), who)
    if route.method == "POST" and route.path in KEPT:
        return answered_once(call.context, who.partner_id, request, lambda: handler(call, **given))
    return handler(call, **given)


def caller(request: Request) -> Caller:
    """The authenticated caller. Raises ForbiddenError when there is none."""
    known: dict[str, Any] = request.context.get("authorizer") or {}
    if not known.get("partner_id"):
        raise ForbiddenError("The request was not authenticated.")
    return Caller(
        partner_id=str(known["partner_id"]),
        role=str(known["role"]),
        scopes=frozenset(str(known.get("scopes", "")).split()),
        initiator={"key": str(known["key_id"]), "sig": str(known["signature_sha256"])},
        institution_id=known.get("institution_id") if known["role"] == Role.INSTITUTION else None,
    )


def answered(request: Request | None, run: Callable[[Request], Response]) -> Response:
    """What ``run`` answers, or the problem that its error is; with the headers that every answer has."""
    assert request is not None, "Chalice sets the request before it calls a route"
    request_id, path = str(request.context.get("requestId", "")), str(request.context.get("path", request.path))
    with correlated("request", request_id=request_id):
        try:
            response = run(request)
        except RongTongError as error:
            response = problem(error, path)
            _note(error, request, path)
        except Exception:
            # Chalice makes a bare 500 of it before its middleware sees it.
            logger.exception("route failed", extra={"path": path})
            response = problem(RongTongError("Something failed on our side; send the same request again."), "")
        finally:
            METER.flush()
    known = request.context.get("authorizer") or {}
    more = {"X-Request-Id": request_id} if request_id else {}
    for header in ("RateLimit-Policy", "RateLimit"):
        if known.get(_RATE[header]):
            more[header] = str(known[_RATE[header]])
    for header, value in {**_EVERYWHERE, **more}.items():
        response.headers.setdefault(header, value)
    return response


def _note(error: RongTongError, request: Request, path: str) -> None:
    """Count what was not let in, and log whose it was: what it names as its page or host among it."""
    reason = _REFUSALS.get(type(error))
    if reason is None:
        return
    known, identity = (request.context.get(name) or {} for name in ("authorizer", "identity"))
    named = str(request.headers.get(error.field, "")) if isinstance(error, PageUnknownError | HostUnknownError) else ""
    note_refusal(
        reason,
        key_id=str(known.get("key_id", "")),
        address=str(identity.get("sourceIp", "")),
        path=path,
        **({"named": named} if named else {}),
    )


_RATE = {"RateLimit-Policy": "rate_policy", "RateLimit": "rate"}
"""Under which names the authorizer hands the headers on."""


def _require_rate(request: Request) -> None:
    wait_s = int((request.context.get("authorizer") or {}).get("retry_after", 0) or 0)
    if wait_s:
        raise TooManyRequestsError("Too many requests; wait as long as Retry-After says.", retry_after_s=wait_s)


def _require_short(named: Mapping[str, str]) -> None:
    """Raises NotFoundError for what is longer than any name: a store does not say that it has no such key, it fails."""
    for name, value in named.items():
        if len(value) > _NAME_LENGTH_MAX:
            unknown = OWNED[name].unknown if name in OWNED else "There is nothing of so long a name; check the path."
            raise NotFoundError(unknown, field=name)


def _name(parameter: str) -> str:
    return parameter.removesuffix("_id") if parameter in OWNED else parameter


def _argument(context: Context, who: Caller, name: str, named: Mapping[str, str]) -> Item | str:
    if name not in OWNED:
        return named[name]
    owned = OWNED[name]
    item = context.store.get(*owned.key(named))
    if item is None or not owns(who.role, who.partner_id, who.institution_id, item.body):
        raise NotFoundError(owned.unknown, field=name)
    return item
