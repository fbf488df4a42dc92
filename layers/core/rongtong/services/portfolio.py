"""An institution's portfolio as its discounts tell of it: what it paid for and what has not matured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from rongtong.domain.acceptors import AcceptorDirectory, AcceptorUnknownError
from rongtong.domain.bill_codes import BillKind
from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.lifecycle import DiscountStatus
from rongtong.domain.portfolio import Portfolio, Position, portfolio
from rongtong.domain.statement import PeriodError
from rongtong.services import storage
from rongtong.services.context import Context
from rongtong.services.discounts import request_key, request_of
from rongtong.services.records import ACCEPTORS_KEY, DISCOUNTS, STATE, institution_list, iso
from rongtong.services.settings import acceptors_of
from rongtong.services.statements import ReportTooLargeError
from rongtong.services.storage import Document, Item, Key

_LONGEST = timedelta(days=400)
"""From acceptance to effective maturity at the longest: a year (issued before 2023), days off, days in review."""
_READ_MAX = 20_000
_FIRST_YEAR = 2000
_PAGE = 100
_NO_CLASS = "other"
_HELD = frozenset({DiscountStatus.DISBURSED, DiscountStatus.RETURNED})


@dataclass(frozen=True)
class Holdings:
    """The portfolio, and what needs a look beside it (count, fen of face).

    ``returned``: the institution has the bill and its money came back, so nothing is laid out; not in the portfolio.
    ``not_endorsed``: paid, and the registry does not have the institution as holder yet; in the portfolio.
    """

    portfolio: Portfolio
    returned: tuple[int, int]
    not_endorsed: tuple[int, int]


def holdings(context: Context, institution_id: str, as_of: date | None = None) -> Holdings:
    """What the institution holds at the end of a day in Shanghai, today's where none is named.

    A bill was bought on the day on which it was priced, which is the day of its payment. Raises PeriodError for a day
    to come, ReportTooLargeError.
    """
    today = context.calendar.shanghai_date(context.clock.now())
    day = today if as_of is None else as_of
    if day > today or day.year < _FIRST_YEAR:
        raise PeriodError("Name a day that has come, or leave it out for today.", field="as_of")
    items = [item for item in _discounts(context, institution_id, day) if _on_the_books(item.body, day)]
    paid = [item for item in items if item.body["status"] == DiscountStatus.DISBURSED]
    back = [item for item in items if item.body["status"] == DiscountStatus.RETURNED]
    return Holdings(
        portfolio(_positions(context, paid), day),
        returned=_sum(back),
        not_endorsed=_sum([item for item in paid if item.body.get("endorsed") is False]),
    )


def as_document(found: Holdings) -> Document:
    """The holdings as JSON values; rates and shares are strings of six decimals, in percent."""
    made = found.portfolio
    return {
        "as_of": made.as_of.isoformat(),
        "count": made.count,
        "face_fen": made.face_fen,
        "cost_fen": made.cost_fen,
        "yield": {
            "annual_rate": _text(made.earns.rate),
            "to_maturity": _text(made.earns.to_maturity),
            "days_to_maturity": _text(made.earns.days_to_maturity),
        },
        "ladder": [
            {
                "from_days": step.first_day,
                "to_days": step.last_day,
                "count": step.count,
                "face_fen": step.face_fen,
                "by_acceptor_class": step.by_class,
            }
            for step in made.ladder
        ],
        "concentration": {
            "herfindahl": _text(made.herfindahl),
            "acceptors": [
                {
                    "acceptor_bank_code": share.acceptor,
                    "acceptor_class": share.acceptor_class,
                    "count": share.count,
                    "face_fen": share.face_fen,
                    "percent": _text(share.percent),
                }
                for share in made.acceptors
            ],
        },
        "returned": {"count": found.returned[0], "face_fen": found.returned[1]},
        "not_endorsed": {"count": found.not_endorsed[0], "face_fen": found.not_endorsed[1]},
    }


def _discounts(context: Context, institution_id: str, day: date) -> list[Item]:
    """Every discount of the institution that was accepted early enough to be held on the day."""
    end = datetime.combine(day + timedelta(days=1), time(), SHANGHAI).astimezone(UTC)
    found: list[Item] = []
    after: storage.Position | None = None
    while True:
        page = context.store.page(
            institution_list(institution_id, DISCOUNTS),
            second=True,
            after=after,
            first=iso(end - _LONGEST),
            last=iso(end),
            most=_PAGE,
        )
        found += _items(context, [(position.pk, STATE) for position in page])
        if len(found) > _READ_MAX:
            raise ReportTooLargeError("The portfolio is larger than one answer can look through; ask the platform.")
        if len(page) < _PAGE:
            return found
        after = page[-1]


def _on_the_books(body: Document, day: date) -> bool:
    """Whether it was paid by then, and has not matured."""
    if DiscountStatus(body["status"]) not in _HELD:
        return False
    return date.fromisoformat(str(body["priced_on"])) <= day < date.fromisoformat(str(body["due_date"]))


def _positions(context: Context, paid: Sequence[Item]) -> list[Position]:
    directory = acceptors_of(context.store.get(*ACCEPTORS_KEY))
    requests = {
        item.pk: request_of(item)
        for item in _items(context, [request_key(str(found.body["discount_id"])) for found in paid])
    }
    return [_position(item.body, requests[item.pk], directory) for item in paid]


def _position(body: Document, request: Document, directory: AcceptorDirectory) -> Position:
    face_fen, acceptor = int(body["face_fen"]), str(request["acceptor_bank_code"])
    return Position(
        discount_id=str(body["discount_id"]),
        acceptor=acceptor,
        acceptor_class=_class(directory, acceptor, BillKind(str(request["kind"]))),
        face_fen=face_fen,
        cost_fen=face_fen - int(body["interest_fen"]) - int(body.get("fee_fen", 0)),
        annual_rate=Decimal(str(body["annual_rate"])),
        acquired_on=date.fromisoformat(str(body["priced_on"])),
        matures_on=date.fromisoformat(str(body["due_date"])),
    )


def _class(directory: AcceptorDirectory, bank_code: str, kind: BillKind) -> str:
    """As the directory has it today; a bank that it does not know any more is none of its classes."""
    try:
        return directory.class_of(bank_code, kind)
    except AcceptorUnknownError:
        return _NO_CLASS


def _items(context: Context, keys: Sequence[Key]) -> list[Item]:
    found: list[Item | None] = []
    for start in range(0, len(keys), _PAGE):
        found += context.store.get_many(keys[start : start + _PAGE])
    return [item for item in found if item is not None]


def _sum(items: Sequence[Item]) -> tuple[int, int]:
    return len(items), sum(int(item.body["face_fen"]) for item in items)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:.6f}"
