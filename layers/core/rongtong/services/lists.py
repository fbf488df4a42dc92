"""Lists of what a partner or an institution has, newest first, a page at a time.

A cursor is a place in a list. It is no secret and needs no key: whose list is read follows from who asks, so that
whatever a cursor says, nobody is shown another's. It bears a digest over its place and its list all the same, so that
one that was altered, cut off or taken from another list or tenant is refused by name and does not just lead astray.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rongtong.domain.errors import InvalidInputError
from rongtong.services import discounts as discount_reading
from rongtong.services import quotes as quoting
from rongtong.services import registration
from rongtong.services.context import Context
from rongtong.services.records import DISCOUNTS, ENTERPRISES, QUOTES, STATE, institution_list, iso, partner_list
from rongtong.services.storage import Document, Item, Listing, Position

_READ_AT_ONCE = 100
_READS_MAX = 5
"""So often a filtered page looks further on; a filter that fits little is answered in short pages, not late."""
_DIGEST_BYTES = 10


class InvalidCursorError(InvalidInputError):
    """The cursor was not given by this list to this caller."""

    code = "INVALID_CURSOR"


@dataclass(frozen=True)
class Asked:
    """Which part of a list: at most ``limit`` entries behind ``cursor``, made from ``since`` on and before ``until``.

    ``fields`` names what is shown of each beside its id; none: all of it.
    """

    limit: int
    cursor: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Whose:
    """One list: its name, and whether those in it belong there as their second owner."""

    name: str
    second: bool = False


def discounts(
    context: Context,
    asked: Asked,
    *,
    partner_id: str | None = None,
    institution_id: str | None = None,
    status: str | None = None,
    enterprise_id: str | None = None,
) -> Document:
    """A page of a partner's discounts, or of those that an institution funds. Raises InvalidCursorError."""
    wanted = {"status": status, "enterprise_id": enterprise_id}
    if institution_id is not None:
        whose = Whose(institution_list(institution_id, DISCOUNTS), second=True)
    else:
        assert partner_id is not None, "somebody's list is read"
        whose = Whose(partner_list(partner_id, DISCOUNTS))
    return page(context, whose, asked, DISCOUNTS, "discount_id", lambda item: discount_reading.view(item.body), wanted)


def enterprises(context: Context, asked: Asked, *, partner_id: str, status: str | None = None) -> Document:
    """A page of a partner's enterprises. Raises InvalidCursorError."""
    whose = Whose(partner_list(partner_id, ENTERPRISES))
    return page(context, whose, asked, ENTERPRISES, "enterprise_id", registration.view, {"status": status})


def quotes(context: Context, asked: Asked, *, partner_id: str) -> Document:
    """A page of a partner's quotes. Raises InvalidCursorError."""
    whose = Whose(partner_list(partner_id, QUOTES))
    return page(context, whose, asked, QUOTES, "quote_id", lambda item: quoting.view(item.body))


def page(
    context: Context,
    whose: Whose,
    asked: Asked,
    name: str,
    always: str,
    show: Callable[[Item], Document],
    wanted: Document | None = None,
) -> Document:
    """A page of a list as ``{name: [...], "next_cursor": …}``.

    ``show`` makes an entry of a state; ``wanted`` says which values it must have, None for any. ``next_cursor`` is None
    at the end. Raises InvalidCursorError.
    """
    filters = {key: value for key, value in (wanted or {}).items() if value is not None}
    after = None if asked.cursor is None else _opened(whose, asked.cursor)
    at_once = _READ_AT_ONCE if filters else asked.limit
    shown: list[Document] = []
    for _ in range(_READS_MAX):
        found = context.store.page(
            whose.name,
            second=whose.second,
            after=after,
            first="0" if asked.since is None else iso(asked.since),
            last="9" if asked.until is None else _before(asked.until),
            most=at_once,
        )
        if not found:
            return {name: shown, "next_cursor": None}
        items = context.store.get_many([(position.pk, STATE) for position in found])
        for position, item in zip(found, items, strict=True):
            after = position
            assert item is not None, "an aggregate's state is written with its first event and never deleted"
            if all(item.body.get(key) == value for key, value in filters.items()):
                shown.append(_sparse(show(item), always, asked.fields))
            if len(shown) == asked.limit:
                more = position is not found[-1] or len(found) == at_once
                return {name: shown, "next_cursor": _cursor(whose, position) if more else None}
        if len(found) < at_once:
            return {name: shown, "next_cursor": None}
    assert after is not None, "something was read"
    return {name: shown, "next_cursor": _cursor(whose, after)}


def _before(until: datetime) -> str:
    """The last instant that is before it, as instants are stored: with milliseconds."""
    whole = until.replace(microsecond=until.microsecond // 1000 * 1000)
    if whole != until:
        return iso(whole)
    return iso(until - timedelta(milliseconds=1)) if until > _FIRST else "0"


_FIRST = datetime.fromisoformat("0001-01-02T00:00:00+00:00")


def _sparse(document: Document, always: str, fields: tuple[str, ...]) -> Document:
    if not fields:
        return document
    return {key: value for key, value in document.items() if key == always or key in fields}


def listed(context: Context, owner: str, limit: int, cursor: str | None) -> tuple[list[Listing], str | None]:
    """A page of what is listed under an owner, newest first, and the cursor of what follows; None at the end.

    Raises InvalidCursorError.
    """
    after = None if cursor is None else places_of(owner, cursor, 1)[0]
    found = context.store.listed(owner, "0", most=limit + 1, after=after)
    page = found[:limit]
    return page, cursor_of(owner, [place_of(page[-1])]) if len(found) > limit else None


def place_of(listing: Listing) -> Position:
    """Where a listing that was read stands in its list."""
    assert listing.key is not None, "it was read from a list"
    return Position(listing.at, *listing.key)


def cursor_of(name: str, places: Sequence[Position | None]) -> str:
    """The cursor of a list of this name that is read from one or several others, each behind its place."""
    parts = [None if one is None else [one.at, one.pk, one.sk] for one in places]
    place = json.dumps(parts, separators=(",", ":")).encode()
    return urlsafe_b64encode(_digest(name, place) + place).decode().rstrip("=")


def places_of(name: str, cursor: str, count: int) -> list[Position | None]:
    """The places, so many, of a cursor that the list of this name gave. Raises InvalidCursorError."""
    try:
        content = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        digest, place = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if digest == _digest(name, place):
            places = [None if part is None else _position(*part) for part in json.loads(place)]
            # One cursor has one spelling, though base64 may be written in several.
            if len(places) == count and any(places) and cursor_of(name, places) == cursor:
                return places
    except (ValueError, TypeError):
        pass
    raise InvalidCursorError("This list gave you no such cursor; send next_cursor as it was.", field="cursor")


def _position(at: object, pk: object, sk: object) -> Position:
    """The digest needs no key, so that anybody can make one over anything. Raises ValueError."""
    if not all(isinstance(part, str) and part for part in (at, pk, sk)):
        raise ValueError("A place is three texts.")
    return Position(str(at), str(pk), str(sk))


def _cursor(whose: Whose, position: Position) -> str:
    return cursor_of(_name(whose), [position])


def _opened(whose: Whose, cursor: str) -> Position:
    (place,) = places_of(_name(whose), cursor, 1)
    assert place is not None, "a cursor has one place at least"
    return place


def _name(whose: Whose) -> str:
    return f"{whose.name}\x1f{whose.second}"


def _digest(name: str, place: bytes) -> bytes:
    return hashlib.sha256(f"{name}\x1f".encode() + place).digest()[:_DIGEST_BYTES]
