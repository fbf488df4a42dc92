"""Reconciliation (对账): what the platform says of itself in several places, and others of it, must be the same.

Payments: the bank's statement, our books and the bill registry, day by day. Applications: what the registry holds
locked in our name against the discounts. Exposures: the sums of the limits against postings and live discounts.
Evidence: every event against the leaf that is noted of it, and every leaf against events.
What differs is a break: an incident that a person settles.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind
from rongtong.services import reconcile_applications, reconcile_evidence, reconcile_exposures
from rongtong.services.context import Context
from rongtong.services.errors import NotFoundError
from rongtong.services.incidents import open_once
from rongtong.services.jobs import Piece, Run, Steps
from rongtong.services.reconcile_day import Tally, compare
from rongtong.services.records import STATE, iso
from rongtong.services.storage import Create, Document

_DAYS = 7
_PAYMENTS, _APPLICATIONS, _EXPOSURES, _EVIDENCE = "payments", "applications", "exposures", "evidence"


def reconcile(context: Context, day: date) -> Document:
    """Compare one day in Shanghai at once, take over what the bank knows better, open incidents; keep the result.

    Safe to repeat. Raises BankUnavailableError, RegistryUnavailableError, BusyError: nothing is kept then, do it again.
    """
    tally = Tally(day.isoformat())
    while not compare(context, tally, lambda: False):
        pass
    return _keep(context, tally)


def _keep(context: Context, tally: Tally) -> Document:
    result: Document = {
        "day": tally.day,
        "made_at": iso(context.clock.now()),
        "bank_paid_fen": tally.bank_paid_fen,
        "bank_back_fen": tally.bank_back_fen,
        "books_fen": tally.books_fen,
        "differences": tally.differences,
        "differences_count": tally.differences_count,
        "unsure": tally.unsure,
    }
    pk = reconciliation_pk(tally.day)
    found = context.store.get(pk, STATE)
    context.store.transact([Create(pk, STATE, result) if found is None else found.replaced(result)])
    return result


def reconciliation_pk(day: str) -> str:
    """Where a day's reconciliation is kept; the day as ISO 8601 has it."""
    return f"reconciliation#{day}"


def find(context: Context, day: str) -> Document:
    """A day's reconciliation. Raises NotFoundError before it was made."""
    found = context.store.get(reconciliation_pk(day), STATE)
    if found is None:
        raise NotFoundError("The day was not reconciled yet; it is at the end of the bank's day.", field="day")
    return found.body


def payments(context: Context, run: Run) -> Piece:
    """The run's day, and every one of the last seven days that was not compared after its end or left something unsure.

    One that fails stops no other, and is tried by the next runs; one whose statement is missing for a week is a break.
    """
    kept = run.kept.get(_PAYMENTS) or _days_due(context, run.period)
    while kept["days"]:
        day = str(kept["days"][0])
        tally = Tally.from_document(kept["tally"]) if kept["tally"] else Tally(day)
        try:
            whole = compare(context, tally, run.time_is_up)
        except RongTongError as error:
            _missed(context, day, error)
            kept = _next_day(kept, failed=f"{day}: {error.code}")
        else:
            if whole:
                _keep(context, tally)
                kept = _next_day(kept, tally)
            else:
                kept = {**kept, "tally": tally.as_document()}
        if run.time_is_up():
            break
    compared, left = len(kept["done"]) + len(kept["failed"]), len(kept["days"])
    return Piece(kept, not kept["days"], f"{compared} of {compared + left} days")


def _days_due(context: Context, period: str) -> Document:
    today = context.calendar.shanghai_date(context.clock.now())
    recent = [today - timedelta(days=back) for back in range(_DAYS, 0, -1)]
    days = {day.isoformat() for day in recent if not _is_whole(context, day)}
    return {"days": sorted({*days, period}), "tally": {}, "done": [], "failed": [], "payments": 0, "differences": 0}


def _is_whole(context: Context, day: date) -> bool:
    """Whether the day was compared after its end, and left nothing unsure."""
    found = context.store.get(reconciliation_pk(day.isoformat()), STATE)
    if found is None or found.body["unsure"]:
        return False
    return context.calendar.shanghai_date(datetime.fromisoformat(str(found.body["made_at"]))) > day


def _next_day(kept: Document, tally: Tally | None = None, failed: str | None = None) -> Document:
    found: Document = {**kept, "days": kept["days"][1:], "tally": {}}
    if tally is not None:
        found["done"] = [*kept["done"], tally.day]
        found["payments"] = kept["payments"] + tally.payments
        found["differences"] = kept["differences"] + tally.differences_count
    if failed is not None:
        found["failed"] = [*kept["failed"], failed]
    return found


def _missed(context: Context, day: str, error: RongTongError) -> None:
    today = context.calendar.shanghai_date(context.clock.now())
    if date.fromisoformat(day) <= today - timedelta(days=_DAYS):
        data: Document = {"what": "STATEMENT_MISSING", "code": error.code}
        open_once(context, IncidentKind.STATEMENT_DIFFERS, day, f"{day}/STATEMENT_MISSING", data)


def _found(run: Run) -> Document:
    of_payments = run.kept[_PAYMENTS]
    return {
        "days": of_payments["done"],
        "days_failed": of_payments["failed"],
        "payments": of_payments["payments"],
        "differences": of_payments["differences"],
        **reconcile_applications.found(run.kept[_APPLICATIONS]),
        **reconcile_exposures.found(run.kept[_EXPOSURES]),
        **reconcile_evidence.found(run.kept[_EVIDENCE]),
    }


STEPS = Steps(
    {
        _PAYMENTS: payments,
        _APPLICATIONS: reconcile_applications.piece,
        _EXPOSURES: reconcile_exposures.piece,
        _EVIDENCE: reconcile_evidence.piece,
    },
    _found,
)
