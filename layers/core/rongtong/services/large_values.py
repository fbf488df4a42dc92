"""Large values (大额交易) of an institution's day: whom its bank must report for what it paid through the platform.

Order 〔2016〕3号 article 5: totals of one customer and natural day, receipts and payments apart. The bank reports, and
adds what its customers moved elsewhere; the platform names those that reach the threshold by its discounts alone,
across the partners that a company comes through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from rongtong.domain.errors import CalendarError
from rongtong.domain.large_value import (
    LARGE_VALUE_FEN,
    Direction,
    LargeValue,
    LargeValueKind,
    Movement,
    large_values_due,
    report_by,
)
from rongtong.domain.statement import BACK, OUT, Line, PeriodError
from rongtong.services.context import Context
from rongtong.services.records import POLICY_KEY, STATE, calendar_key, enterprise_pk, iso
from rongtong.services.settings import calendar_of, policy_of
from rongtong.services.statements import Owner, statement
from rongtong.services.storage import Document

_KIND = LargeValueKind.CORPORATE_TRANSFER
"""Who discounts is a company, and is paid by transfer within the country."""
_AT_ONCE = 100


def large_values(context: Context, institution_id: str, day: str) -> Document:
    """The customers whose receipts, or whose money that went back, reach the threshold on a day in Shanghai.

    ``report_by`` is the last day for the report, None where the year's working days are not confirmed; ``final`` False:
    the day is not over, or a payment's outcome is still open. Raises PeriodError for what is no day or has not begun,
    ReportTooLargeError.
    """
    made = statement(context, Owner.institution(institution_id), day)
    on = made.period.first
    if made.period.last != on:
        raise PeriodError("Name a day like 2026-04-15: large values are counted by the day.", field="day")
    moved = [line for line in made.lines if line.kind in OUT | BACK]
    customers = _customers(context, moved)
    lines: dict[tuple[str, Direction], list[Line]] = defaultdict(list)
    for line in moved:
        lines[str(customers[line.enterprise_id]["uscc"]), _direction(line)].append(line)
    movements = [
        Movement(uscc, _KIND, direction, line.at, line.amount_fen)
        for (uscc, direction), found in lines.items()
        for line in found
    ]
    names = {str(one["uscc"]): str(one["name"]) for one in customers.values()}
    due = [_shown(one, names[one.customer], lines[one.customer, one.direction]) for one in large_values_due(movements)]
    last = _report_by(context, on)
    return {
        "day": on.isoformat(),
        "made_at": iso(made.made_at),
        "final": made.final,
        "threshold_fen": LARGE_VALUE_FEN[_KIND],
        "report_by": None if last is None else last.isoformat(),
        "large_values": due,
    }


def _direction(line: Line) -> Direction:
    return Direction.RECEIPT if line.kind in OUT else Direction.PAYMENT


def _customers(context: Context, lines: Sequence[Line]) -> dict[str, Document]:
    ids = sorted({line.enterprise_id for line in lines})
    found: dict[str, Document] = {}
    for start in range(0, len(ids), _AT_ONCE):
        part = ids[start : start + _AT_ONCE]
        items = context.store.get_many([(enterprise_pk(own_id), STATE) for own_id in part])
        found |= {own_id: item.body for own_id, item in zip(part, items, strict=True) if item is not None}
    return found


def _shown(value: LargeValue, name: str, lines: Sequence[Line]) -> Document:
    return {
        "uscc": value.customer,
        "name": name,
        "direction": value.direction.value,
        "total_fen": value.total_fen,
        "references": sorted(line.reference for line in lines),
    }


def _report_by(context: Context, day: date) -> date | None:
    policy, *years = context.store.get_many([POLICY_KEY, calendar_key(day.year), calendar_key(day.year + 1)])
    try:
        return report_by(day, calendar_of(context.calendar, years, policy_of(policy)))
    except CalendarError:
        return None
