"""Entity tags (RFC 9110 sections 8.8.3 and 13.1.1): changing only what is still as it was read.

A tag is made from what is shown, not from the record's version: the platform writes down a good deal beside that nobody
sees, like what the evidence log holds by now, and none of it must make a caller's decision miss.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from chalice.app import Request

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import RongTongError
from rongtong.entrypoints.errors import MissingHeaderError
from rongtong.services.storage import Document

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_LENGTH_MAX = 4096
_DIGITS = 32


class PreconditionFailedError(RongTongError):
    """The object is not the one that the caller has read; nothing was done."""

    code = "PRECONDITION_FAILED"


def etag(shown: Document) -> str:
    """The tag of an object as it is shown: strong, the same for the same content."""
    return f'"{hashlib.sha256(canonical_bytes(shown)).hexdigest()[:_DIGITS]}"'


def require_match(request: Request, shown: Document) -> None:
    """Raises PreconditionFailedError unless ``If-Match`` is absent, ``*``, or names the object as it is shown now.

    Weak tags never match (strong comparison, RFC 9110 section 8.8.3.2). Raises MissingHeaderError where it is no list
    of tags.
    """
    matching(request)(shown)


def matching(request: Request) -> Callable[[Document], None]:
    """``require_match`` for an object that is read later, or not at all where a repeat has its answer: the header is
    read at once, so that one that cannot be read is refused in any case.
    """
    sent = request.headers.get("if-match")
    tags = None if sent is None or sent.strip() == "*" else _tags(str(sent))

    def require(shown: Document) -> None:
        if tags is not None and etag(shown) not in tags:
            raise PreconditionFailedError(
                "The object has changed since it was read, or was another one; read it again.", field="If-Match"
            )

    return require


def _tags(sent: str) -> list[str]:
    """The strong tags of a list."""
    if len(sent) > _LENGTH_MAX:
        raise _unreadable()
    tags, at = [], 0
    text = sent.strip(" \t")
    while at < len(text):
        found = _TAG.match(text, at)
        if found is None:
            raise _unreadable()
        if found[1] is None:
            tags.append(f'"{found[2]}"')
        between = re.compile(r"[ \t]*(,[ \t]*)*").match(text, found.end())
        assert between is not None, "it matches nothing at least"
        if between.end() < len(text) and "," not in between[0]:
            raise _unreadable()
        at = between.end()
    if not tags and not text:
        raise _unreadable()
    return tags


def _unreadable() -> MissingHeaderError:
    return MissingHeaderError('If-Match is * or a list of tags like "b7c1d6a2f0e94c55".', field="If-Match")
