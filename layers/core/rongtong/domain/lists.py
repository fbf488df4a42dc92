"""Black, grey and white lists (黑名单、灰名单、白名单): who is on one, and what that means for a request.

「在黑名单中的应直接拒绝」: black is refused, grey goes to a person. White is no pass: it skips neither sanctions nor
anti-money-laundering checks, and counts only where nothing else is found. Entries are versioned, have effective dates
and a reason, and are made by two persons (assumed: configurable).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Literal, Self

from rongtong.domain.bill import Party
from rongtong.domain.errors import IdentityError, InvalidInputError
from rongtong.domain.identity import check_uscc
from rongtong.domain.names import normalised_name
from rongtong.domain.two_persons import require_two_persons

KEY_LENGTH_MAX = 200
_NEEDS = frozenset({"list", "subject_key", "version", "effective_from", "reason", "added_by", "approved_by"})
_MAY = frozenset({"effective_until"})
_NOT_CODE = re.compile(r"[^0-9A-Z]")
_BANK_CODE = re.compile(r"\d{12}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}")
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class ListEntryError(InvalidInputError):
    """An entry of a list cannot be read; ``field`` names the part."""

    code = "LIST_ENTRY"


class ListName(StrEnum):
    """The lists, gravest first."""

    BLACK = "black"
    """黑名单: refused."""
    GREY = "grey"
    """灰名单: a person decides."""
    WHITE = "white"
    """白名单: known and trusted, yet checked like everybody."""


class SubjectKind(StrEnum):
    """By what somebody is recognised."""

    NAME = "name"
    USCC = "uscc"
    RESIDENT_ID = "resident_id"
    ACCOUNT = "account"
    BANK_CODE = "bank_code"


_PERSONAL = frozenset({SubjectKind.RESIDENT_ID, SubjectKind.ACCOUNT})
_GRAVITY: Mapping[ListName, int] = {name: at for at, name in enumerate(ListName)}


@dataclass(frozen=True)
class Subject:
    """Somebody whom a list can name, in the one spelling that is compared. Make it with a method named after its kind.

    Nothing is checked here, because a registry's data is compared as it is; what a list names is checked by
    ``ListEntry.parse``.
    """

    kind: SubjectKind
    value: str

    @classmethod
    def name(cls, text: str) -> Self:
        """A company by its name, whatever its writing."""
        return cls(SubjectKind.NAME, normalised_name(text))

    @classmethod
    def uscc(cls, text: str) -> Self:
        """A company by its unified social credit code."""
        return cls(SubjectKind.USCC, _code(text))

    @classmethod
    def resident_id(cls, text: str) -> Self:
        """A person by its resident identity number."""
        return cls(SubjectKind.RESIDENT_ID, _code(text))

    @classmethod
    def account(cls, text: str) -> Self:
        """Whoever has an account, by its number at whatever bank."""
        return cls(SubjectKind.ACCOUNT, _code(text))

    @classmethod
    def bank_code(cls, text: str) -> Self:
        """A bank by its payment system bank code."""
        return cls(SubjectKind.BANK_CODE, _code(text))

    @property
    def key(self) -> str:
        """``kind:value``, under which entries are kept: at most 200 characters.

        Identity and account numbers are personal, so SHA-256 stands for them, as it does for a value that is too long.
        That keeps them out of keys and logs; it is no secret from somebody who can try all numbers.
        """
        plain = f"{self.kind}:{self.value}"
        if self.kind in _PERSONAL or len(plain) > KEY_LENGTH_MAX:
            return f"{self.kind}:{hashlib.sha256(plain.encode()).hexdigest()}"
        return plain


@dataclass(frozen=True)
class ListEntry:
    """One version of what one list says of a subject, from one day to another, both included (None: without end)."""

    list: ListName
    subject_key: str
    version: int
    effective_from: date
    effective_until: date | None
    reason: str
    added_by: str
    approved_by: str

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """From an object of these fields, days like ``2026-01-01``, the reason a code like ``COURT_NOTICE``.

        ``effective_until`` may be null or absent. Raises ListEntryError; SamePersonError where one person made and
        approved it.
        """
        _require_fields(document)
        version = document["version"]
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            raise ListEntryError("version is a whole number, 1 or more.", field="version")
        effective_from, until = _day(document["effective_from"], "effective_from"), document.get("effective_until")
        effective_until = None if until is None else _day(until, "effective_until")
        if effective_until is not None and effective_until < effective_from:
            raise ListEntryError("An entry ends on the day it begins or later.", field="effective_until")
        added_by, approved_by = _text(document, "added_by"), _text(document, "approved_by")
        require_two_persons(added_by, approved_by)
        return cls(
            list=_list_name(document["list"]),
            subject_key=_subject_key(document["subject_key"]),
            version=version,
            effective_from=effective_from,
            effective_until=effective_until,
            reason=_reason(document["reason"]),
            added_by=added_by,
            approved_by=approved_by,
        )


@dataclass(frozen=True)
class ListHit:
    """A subject found on a list, by which version, and why it was put there."""

    subject_key: str
    list: ListName
    version: int
    reason: str


def in_force(entries: Iterable[ListEntry], day: date) -> ListEntry | None:
    """What the entries on one subject say on a day: the gravest of what each list says.

    Of each list the highest version that has begun counts, and no other: once it has ended, the subject is off that
    list, whatever earlier versions say. A list never ends what another one says: who leaves the black list does so
    through a version of the black list with an end.
    """
    newest: dict[ListName, ListEntry] = {}
    for entry in sorted(entries, key=lambda entry: entry.version):
        if entry.effective_from <= day:
            newest[entry.list] = entry
    lasting = [entry for entry in newest.values() if entry.effective_until is None or day <= entry.effective_until]
    return min(lasting, key=lambda entry: _GRAVITY[entry.list], default=None)


def subjects_of(party: Party) -> tuple[Subject, ...]:
    """By what a company on a bill can be found: name, credit code and account, each by itself. Empty parts are none."""
    subjects = (Subject.name(party.name), Subject.uscc(party.uscc), Subject.account(party.account))
    return tuple(subject for subject in subjects if subject.value)


def screen(subjects: Iterable[Subject], entries: Mapping[str, Sequence[ListEntry]], day: date) -> tuple[ListHit, ...]:
    """The subjects that are on a list on this day, gravest first, each once; ``entries`` by subject key.

    One kind is enough: a name alone is a hit, and so is a credit code, identity number, account or bank code alone.
    """
    hits = []
    for key in sorted({subject.key for subject in subjects}):
        entry = in_force(entries.get(key, ()), day)
        if entry is not None:
            hits.append(ListHit(key, entry.list, entry.version, entry.reason))
    return tuple(sorted(hits, key=lambda hit: _GRAVITY[hit.list]))


def outcome(hits: Iterable[ListHit]) -> Literal["reject", "review", "pass"]:
    """What hits come to: a single black one is ``reject``, a single grey one ``review``; white changes nothing."""
    found = {hit.list for hit in hits}
    if ListName.BLACK in found:
        return "reject"
    return "review" if ListName.GREY in found else "pass"


def _code(text: str) -> str:
    return _NOT_CODE.sub("", unicodedata.normalize("NFKC", text).upper())


def _require_fields(document: object) -> None:
    if not isinstance(document, Mapping):
        raise ListEntryError("A list entry is an object.", field="entry")
    if missing := _NEEDS - set(document):
        raise ListEntryError(f"A list entry needs {min(missing)}.", field=min(missing))
    if unknown := set(document) - _NEEDS - _MAY:
        name = min(map(str, unknown))
        raise ListEntryError(f"A list entry has no {name}; take it out.", field=name)


def _list_name(value: object) -> ListName:
    if isinstance(value, str) and value in set(ListName):
        return ListName(value)
    raise ListEntryError(f"list is one of {', '.join(ListName)}.", field="list")


def _subject_key(value: object) -> str:
    """A key that some subject can have: a typing error must not become an entry that never hits."""
    if isinstance(value, str) and len(value) <= KEY_LENGTH_MAX:
        kind, _, rest = value.partition(":")
        if kind == SubjectKind.NAME and rest and normalised_name(rest) == rest:
            return value
        if kind == SubjectKind.USCC and _is_uscc(rest):
            return value
        if kind == SubjectKind.BANK_CODE and _BANK_CODE.fullmatch(rest):
            return value
        if kind in _PERSONAL and _HASH.fullmatch(rest) and value != Subject(SubjectKind(kind), "").key:
            return value
    raise ListEntryError(
        "No subject has this key; give its kind and its whole name or number, and compare the number.",
        field="subject_key",
    )


def _is_uscc(text: str) -> bool:
    try:
        check_uscc(text)
    except IdentityError:
        return False
    return True


def _reason(value: object) -> str:
    if isinstance(value, str) and _REASON.fullmatch(value):
        return value
    raise ListEntryError("reason is a code of at most 64 characters like COURT_NOTICE.", field="reason")


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document[name]
    if isinstance(value, str) and value.strip():
        return value
    raise ListEntryError(f"{name} names a person.", field=name)


def _day(value: object, field: str) -> date:
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise ListEntryError(f"{field} is a calendar day like 2026-01-01.", field=field)
