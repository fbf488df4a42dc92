"""A day's figures for a supervisor: what became of the discounts that were requested on it, as it stands now.

They are counted from the discounts themselves, institution by institution, in whole fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from rongtong.domain.acceptors import AcceptorDirectory, AcceptorUnknownError
from rongtong.domain.bill_codes import BillKind
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.lifecycle import UNPAID_ENDS, DiscountStatus
from rongtong.domain.reasons import REASONS
from rongtong.domain.statement import PeriodError
from rongtong.services import storage
from rongtong.services.access_audit import Supervised, note_supervision
from rongtong.services.context import Context
from rongtong.services.discounts import request_key, request_of
from rongtong.services.records import ACCEPTORS_KEY, DISCOUNTS, STATE, institution_list, iso, partner_pk
from rongtong.services.settings import acceptors_of
from rongtong.services.statements import ReportTooLargeError
from rongtong.services.storage import Document, Item, Key

_FIRST_YEAR = 2000
_READ_MAX = 20_000
"""Discounts of one answer: a function has 30 seconds."""
_PAGE = 100
_AT_ONCE = 50
"""Two documents each."""
_OTHER = "other"
"""The class of an acceptor that the directory does not know any more; the stage of a reason that stands in no table."""


@dataclass
class _Sum:
    """So many discounts, and their face in fen."""

    count: int = 0
    face_fen: int = 0

    def add(self, face_fen: int) -> None:
        self.count += 1
        self.face_fen += face_fen


@dataclass
class _Row:
    """One institution's discounts on acceptors of one class."""

    requested: _Sum = field(default_factory=_Sum)
    paid: _Sum = field(default_factory=_Sum)
    open: _Sum = field(default_factory=_Sum)
    interest_fen: int = 0
    paid_fen: int = 0
    returned_fen: int = 0
    refused: dict[str, _Sum] = field(default_factory=dict)

    def take(self, body: Document) -> None:
        """Count a discount by its state."""
        face_fen, status = int(body["face_fen"]), DiscountStatus(body["status"])
        self.requested.add(face_fen)
        if status in UNPAID_ENDS:
            self.refused.setdefault(_stage(body), _Sum()).add(face_fen)
        elif status in (DiscountStatus.DISBURSED, DiscountStatus.RETURNED):
            self.paid.add(face_fen)
            self.interest_fen += int(body["interest_fen"])
            self.paid_fen += int(body["proceeds_fen"])
            self.returned_fen += int(body["proceeds_fen"]) if status is DiscountStatus.RETURNED else 0
        else:
            self.open.add(face_fen)

    def document(self) -> Document:
        """As it is told."""
        return {
            "count": self.requested.count,
            "face_fen": self.requested.face_fen,
            "paid": {
                "count": self.paid.count,
                "face_fen": self.paid.face_fen,
                "interest_fen": self.interest_fen,
                "paid_fen": self.paid_fen,
                "returned_fen": self.returned_fen,
            },
            "refused": [
                {"stage": stage, "count": one.count, "face_fen": one.face_fen}
                for stage, one in sorted(self.refused.items())
            ],
            "open": {"count": self.open.count, "face_fen": self.open.face_fen},
        }


def figures(context: Context, supervisor_id: str, day: date) -> Document:
    """The discounts requested on a day in Shanghai, by institution and acceptor class: of the institutions that the
    supervisor's record names.

    Who asks is recorded. Raises PeriodError for a day to come, ReportTooLargeError, BusyError.
    """
    now = context.clock.now()
    if day > context.calendar.shanghai_date(now) or day.year < _FIRST_YEAR:
        raise PeriodError("Name a day that has come.", field="day")
    record = context.store.get(partner_pk(supervisor_id), STATE)
    institutions = sorted({str(one) for one in (record.body.get("institutions") or ())} if record else ())
    directory, left = acceptors_of(context.store.get(*ACCEPTORS_KEY)), _READ_MAX
    told: list[Document] = []
    for institution_id in institutions:
        keys = _listed(context, institution_id, day, left)
        left -= len(keys)
        rows: dict[str, _Row] = {}
        for body, request in _discounts(context, keys):
            rows.setdefault(_class(directory, request), _Row()).take(body)
        told += [
            {"institution_id": institution_id, "acceptor_class": name, **row.document()}
            for name, row in sorted(rows.items())
        ]
    note_supervision(context, Supervised.FIGURES, {"day": day.isoformat()})
    return {"day": day.isoformat(), "made_at": iso(now), "institutions": institutions, "figures": told}


def _listed(context: Context, institution_id: str, day: date, most: int) -> list[Key]:
    """The discounts of the institution that were accepted on the day. Raises ReportTooLargeError."""
    begin = datetime.combine(day, time(), SHANGHAI).astimezone(UTC)
    last = begin + timedelta(days=1) - timedelta(milliseconds=1)
    found: list[Key] = []
    after: storage.Position | None = None
    while True:
        page = context.store.page(
            institution_list(institution_id, DISCOUNTS),
            second=True,
            after=after,
            first=iso(begin),
            last=iso(last),
            most=_PAGE,
        )
        found += [(position.pk, STATE) for position in page]
        if len(found) > most:
            raise ReportTooLargeError("The day is larger than one answer can look through; ask the platform.")
        if len(page) < _PAGE:
            return found
        after = page[-1]


def _discounts(context: Context, keys: Sequence[Key]) -> Iterator[tuple[Document, Document]]:
    """State and request of each discount."""
    for start in range(0, len(keys), _AT_ONCE):
        part = keys[start : start + _AT_ONCE]
        requests: Iterable[Key] = [request_key(pk.partition("#")[2]) for pk, _ in part]
        found: list[Item | None] = context.store.get_many([*part, *requests])
        for state, first in zip(found[: len(part)], found[len(part) :], strict=True):
            if state is not None:
                yield state.body, request_of(first)


def _class(directory: AcceptorDirectory, request: Document) -> str:
    try:
        return directory.class_of(str(request["acceptor_bank_code"]), BillKind(str(request["kind"])))
    except AcceptorUnknownError:
        return _OTHER


def _stage(body: Document) -> str:
    """At which stage a discount ended unpaid: that of its reason code."""
    reason = REASONS.get(str(body.get("reason")))
    return _OTHER if reason is None else reason.stage.name.lower()
