"""Imported bills and imports as their partner reads them, and the worker that looks after both."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from rongtong.domain.bill_file import write_csv
from rongtong.domain.errors import RongTongError
from rongtong.services import lists
from rongtong.services.bill_import_lines import BILLS
from rongtong.services.bill_imports import CHUNK, IMPORTS, carry_on, short_view
from rongtong.services.bill_imports import view as import_view
from rongtong.services.context import Context
from rongtong.services.ports import RegistryUnavailableError
from rongtong.services.prequalify import prequalify, put_off
from rongtong.services.records import import_pk, iso, lines_sk, partner_list
from rongtong.services.storage import BILL_LANE, IMPORT_LANE, Document, Item, WriteConflictError

_HIDDEN = frozenset({"partner_id", "kept", "applicant_uscc", "put_off"})
_READ_AT_ONCE = 10
_BATCH = 200
_AT_ONCE = 4
"""Registries are shared by all who discount; what nobody has asked for yet takes little of them."""
_BUDGET_S = 45.0
"""Inside the function's minute; what is left is first in the next one."""
_IMPORTS_AT_ONCE = 20
_UNANSWERED_MAX = 8
_PUT_OFF = timedelta(minutes=5)


@dataclass(frozen=True)
class LinesAsked:
    """Which lines of an import: ``only`` imported or refused ones or all; at most ``limit`` behind the first
    ``offset`` of them in the file.
    """

    only: str = "all"
    offset: int = 0
    limit: int = 100


def view(item: Item) -> Document:
    """What its partner sees of an imported bill."""
    return {key: value for key, value in item.body.items() if key not in _HIDDEN}


def find_page(
    context: Context, asked: lists.Asked, *, partner_id: str, status: str | None, acceptor_bank_code: str | None
) -> Document:
    """A page of a partner's bills, those that mature last first; ``asked.since`` and ``until`` bound the maturity.

    Raises InvalidCursorError.
    """
    whose = lists.Whose(partner_list(partner_id, BILLS))
    wanted: Document = {"status": status, "acceptor_bank_code": acceptor_bank_code}
    return lists.page(context, whose, asked, BILLS, "bill_id", view, wanted)


def import_page(context: Context, asked: lists.Asked, *, partner_id: str) -> Document:
    """A page of a partner's imports, the newest first. Raises InvalidCursorError."""
    whose = lists.Whose(partner_list(partner_id, IMPORTS))
    return lists.page(context, whose, asked, IMPORTS, "import_id", short_view)


def read_import(context: Context, item: Item, asked: LinesAsked) -> Document:
    """An import, with what became of its lines so far; ``next_offset`` is None at the end."""
    shown: list[Document] = []
    following: int | None = None
    for at, line in _lines(context, item, asked.offset):
        if asked.only not in ("all", line["outcome"]):
            continue
        if len(shown) == asked.limit:
            following = at
            break
        shown.append(line)
    return {**import_view(context, item), "results": shown, "next_offset": following}


def import_csv(context: Context, item: Item) -> str:
    """What became of every line so far, as a table for a spreadsheet."""
    columns = ("line", "outcome", "bill_id", "column", "code", "message")
    rows = ([line.get(column, "") for column in columns] for _, line in _lines(context, item, 0))
    return write_csv([columns, *rows])


def look_after(context: Context) -> Document:
    """Carry on imports that were left undone, then look anew at bills whose time has come; answers how many of each.

    Where a registry does not answer again and again, the rest is left for later.
    """
    began = context.clock.monotonic()

    def left_s() -> float:
        return _BUDGET_S - (context.clock.monotonic() - began)

    done: Document = {"imports": 0, "bills": 0, "failed": []}
    now = iso(context.clock.now())
    for ticket in context.store.due(now, lane=IMPORT_LANE, most=_IMPORTS_AT_ONCE):
        if left_s() <= 0:
            return done
        try:
            with suppress(WriteConflictError):  # somebody works on it right now
                carry_on(context, ticket, left_s())
        except Exception as error:
            done["failed"].append(f"{ticket.pk}: {_code(error)}")
            with suppress(Exception):
                put_off(context, ticket, _PUT_OFF)
        else:
            done["imports"] += 1
    bills = context.store.due(now, lane=BILL_LANE, most=_BATCH)
    unanswered = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for at in range(0, len(bills), _AT_ONCE):
            if left_s() <= 0 or unanswered >= _UNANSWERED_MAX:
                break
            for failure in pool.map(lambda item: _look_at(context, item), bills[at : at + _AT_ONCE]):
                unanswered += isinstance(failure, RegistryUnavailableError)
                done["bills"] += failure is None
                if failure is not None:
                    done["failed"].append(_code(failure))
    return done


def _look_at(context: Context, item: Item) -> Exception | None:
    try:
        prequalify(context, item)
    except Exception as error:
        with suppress(Exception):
            put_off(context, item, _PUT_OFF)
        return error
    return None


def _code(error: Exception) -> str:
    return error.code if isinstance(error, RongTongError) else type(error).__name__


def _lines(context: Context, item: Item, offset: int) -> Iterator[tuple[int, Document]]:
    """Place and outcome of each line that was worked on, from this place on."""
    done = int(item.body["done"])
    firsts = list(range(offset - offset % CHUNK, done, CHUNK))
    for at in range(0, len(firsts), _READ_AT_ONCE):
        part = firsts[at : at + _READ_AT_ONCE]
        keys = [(import_pk(str(item.body["import_id"])), lines_sk(first)) for first in part]
        for first, chunk in zip(part, context.store.get_many(keys), strict=True):
            assert chunk is not None, "results are written with the state that tells of them"
            for place, line in enumerate(chunk.body["lines"], start=first):
                if place >= offset:
                    yield place, _outcome(line)


def _outcome(line: list[object]) -> Document:
    if len(line) == 2:
        return {"line": line[0], "outcome": "imported", "bill_id": line[1]}
    return {"line": line[0], "outcome": "refused", "column": line[1], "code": line[2], "message": line[3]}
