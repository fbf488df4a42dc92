"""What was answered to a request is kept for good under its Idempotency-Key: a repeat is told it and does nothing.

For requests whose objects cannot tell a repeat by themselves. It is a convenience on top of use cases that are
idempotent by their state, never instead of that: whoever carries a request out may die before its answer is kept, and
then a repeat carries it out again.

Which answers are kept is decided as Stripe does it: once a request was carried out, its result stands, a refusal by a
rule like any success. A repeat that suddenly went through would surprise whoever has told its customer of the refusal;
whoever wants to try again says so by a new key. What was never carried out is not kept: a body that is not of the
form, and whatever the caller is told to send again (409, 412, 429 and 5xx).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rongtong.domain.errors import RongTongError
from rongtong.services.context import Context
from rongtong.services.errors import BusyError, IdempotencyMismatchError
from rongtong.services.records import STATE, iso
from rongtong.services.storage import Create, Document, Item, WriteConflictError

DIED_AFTER = timedelta(seconds=60)
"""Twice as long as a function behind the API may run: whoever has begun earlier does not run any more."""
BODY_BYTES_MAX = 300_000
"""Of an answer that is kept; a record has room for no more than 400 KB."""
_ATTEMPTS = 5


class RequestRunningError(RongTongError):
    """The same request is being carried out by another worker; ``retry_after_s`` later it may be done."""

    code = "REQUEST_RUNNING"
    retry_after_s = 1


class Verdict(StrEnum):
    """What becomes of an answer."""

    KEEP = "keep"
    """It is told to every repeat."""
    AGAIN = "again"
    """Nothing was decided: the same request may be sent again."""
    FORGET = "forget"
    """Nothing was read of it: the key is as good as unused."""


@dataclass(frozen=True)
class Asked:
    """A request: whose, its key, its body's SHA-256 (hexadecimal), and what it was sent to, as method and path."""

    partner_id: str
    key: str
    digest: str
    route: str


@dataclass(frozen=True)
class Answer:
    """What is answered, to the byte."""

    status: int
    body: str
    headers: Mapping[str, str]


class _State(StrEnum):
    RUNNING = "running"
    DONE = "done"
    OPEN = "open"
    """It came to nothing; it may be sent again."""


def request_pk(partner_id: str, key: str) -> str:
    """Where a request's answer is kept; a key may hold what no partition's name should."""
    return f"request#{partner_id}#{hashlib.sha256(key.encode()).hexdigest()}"


def once(context: Context, asked: Asked, run: Callable[[], tuple[Answer, Verdict]]) -> tuple[Answer, bool]:
    """Carry a request out, or tell what was answered to it before; the second value says which (True: before).

    Raises IdempotencyMismatchError when the key was used with another body or elsewhere, RequestRunningError while
    another worker carries it out, BusyError, and what ``run`` raises, after which it may be sent again.
    """
    begun, known = _begin(context, asked)
    if begun is None:
        assert known is not None, "either it was begun, or its answer is known"
        return known, True
    try:
        answer, verdict = run()
    except BaseException:
        _end(context, begun, {**begun.body, "state": _State.OPEN.value})
        raise
    if verdict is Verdict.KEEP and len(answer.body.encode()) <= BODY_BYTES_MAX:
        told: Document = {"status": answer.status, "body": answer.body, "headers": dict(answer.headers)}
        _end(context, begun, {**begun.body, "state": _State.DONE.value, **told})
    elif verdict is Verdict.FORGET:
        _end(context, begun, {"state": _State.OPEN.value, "at": begun.body["at"]})
    else:
        _end(context, begun, {**begun.body, "state": _State.OPEN.value})
    return answer, False


def _begin(context: Context, asked: Asked) -> tuple[Item | None, Answer | None]:
    """The record of the request as it is carried out from now on, or the answer that is known."""
    pk = request_pk(asked.partner_id, asked.key)
    now = context.clock.now()
    body: Document = {
        "digest": asked.digest,
        "route": asked.route,
        "state": _State.RUNNING.value,
        "at": iso(now),
    }
    for _ in range(_ATTEMPTS):
        item = context.store.get(pk, STATE)
        if item is not None:
            _require_same(item, asked)
            if item.body["state"] == _State.DONE:
                known = item.body
                return None, Answer(int(known["status"]), str(known["body"]), dict(known["headers"]))
            if item.body["state"] == _State.RUNNING and _alive(item, now):
                raise RequestRunningError("The same request is being carried out; send it again in a second.")
        try:
            context.store.transact([Create(pk, STATE, body) if item is None else item.replaced(body)])
        except WriteConflictError:
            continue
        return Item(pk, STATE, body, 1 if item is None else item.version + 1), None
    raise BusyError("This request is being sent by many at once; send the same request again.")


def _require_same(item: Item, asked: Asked) -> None:
    used = item.body.get("digest"), item.body.get("route")
    if used != (None, None) and used != (asked.digest, asked.route):
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another request; use a new key for a new one.",
            field="Idempotency-Key",
        )


def _alive(item: Item, now: datetime) -> bool:
    """Whether who has begun it may still run; a clock that was set back does not keep it alive."""
    return abs(now - datetime.fromisoformat(str(item.body["at"]))) < DIED_AFTER


def _end(context: Context, begun: Item, body: Document) -> None:
    """Note how it came out, unless another worker has taken it over meanwhile: then that one does."""
    try:
        context.store.transact([begun.replaced(body)])
    except WriteConflictError:
        return
