"""The compensation reserve (赔付准备金): what was put into it and paid out of it, entry by entry, each by two persons.

A loss that is not the customer's fault is made good in full within ten working days (assumed: counted from the day on
which it was reported). The money lies at a bank; these entries say what was decided of it, and that it was paid. They
are only ever created.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.errors import InvalidInputError, RongTongError
from rongtong.domain.exposure_ledger import (
    FEN_MAX,
    RESERVE,
    Account,
    Balances,
    JournalEntryError,
    Part,
    ReserveEntry,
    ReserveKind,
    standing,
)
from rongtong.services.context import Context
from rongtong.services.records import POLICY_KEY, STATE, calendar_key, institution_pk
from rongtong.services.settings import calendar_of, institution_of, policy_of
from rongtong.services.storage import Document

RESERVE_PK = "journal#reserve"
"""Every entry lies here under its reference."""
CORRECT = "correct"
"""An entry that undoes another; what it is the opposite of stands in ``of``."""
PAID = "paid"
"""The bank has paid a compensation: nothing moves in the ledger, where it was paid out when it was decided."""
WORKING_DAYS = 10
_EVERY = ("entry", "amount_fen", "reference", "why")
_PARTS = {
    ReserveKind.FUND: "institution_id",
    ReserveKind.COMPENSATE: "reported_on",
    CORRECT: "corrects",
    PAID: "pays",
}
"""What each entry may have of its own: who funds (left out: the platform), since when a loss is known (left out: the
day of the approval), and what is corrected or paid, which must be said."""
_SAID = frozenset({CORRECT, PAID})
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", re.ASCII)
_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "reference": (_REFERENCE, "1 to 64 letters, digits, - and _"),
    "corrects": (_REFERENCE, "the reference of an entry"),
    "pays": (_REFERENCE, "the reference of a compensation"),
    "why": (re.compile(r"[A-Z][A-Z0-9_]{2,63}", re.ASCII), "a code of 3 to 64 characters like PAID_TWICE"),
    "institution_id": (re.compile(r".+"), "the id of an institution"),
    "reported_on": (re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII), "a day like 2026-04-15"),
}
_AVAILABLE = Account(RESERVE, Part.AVAILABLE)


class ReservePostingError(InvalidInputError):
    """An entry of the reserve that cannot be read, or does not fit those already made; ``field`` names the part."""

    code = "RESERVE_POSTING"


@dataclass(frozen=True)
class Reserve:
    """The reserve's entries by reference, what they add up to, and those that cannot be posted."""

    entries: Mapping[str, ReserveEntry]
    balances: Balances
    faults: list[Document]
    payments: Mapping[str, Document]
    """What was paid of compensations, by reference, as far as it was not corrected."""
    due: list[Document]
    """Compensations that are not paid, the earliest last day first."""
    overdue: list[Document]
    """Those of them whose last day has passed."""

    def sums(self) -> Document:
        """Fen that were funded, are available, and were paid out; with the compensations that are still to be paid."""
        funded = -sum(fen for account, fen in self.balances.fen.items() if account.part is Part.FUNDED)
        return {
            "funded_fen": funded,
            "available_fen": self.balances.of_account(_AVAILABLE),
            "paid_out_fen": self.balances.of_account(Account(RESERVE, Part.PAID_OUT)),
            "due": self.due,
        }


def read_reserve(context: Context) -> Reserve:
    """Every entry, folded."""
    entries: dict[str, ReserveEntry] = {}
    faults: list[Document] = []
    bodies = {item.sk: item.body for item in context.store.query(RESERVE_PK, "")}
    payments = _payments(bodies)
    for reference, body in bodies.items():
        if _is_of_payment(body):
            continue
        try:
            entries[reference] = _entry(body)
        except (RongTongError, KeyError, TypeError, ValueError) as error:
            faults.append(fault(reference, error))
    due: list[Document] = []
    paid = {body["pays"] for body in payments.values()}
    try:
        due = [_due(bodies[name]) for name in standing(entries) if "pay_by" in bodies[name] and name not in paid]
    except RongTongError as error:
        faults.append(fault(RESERVE, error))
    balances = _fold(entries)
    if balances.of_account(_AVAILABLE) < 0:
        faults.append({"subject": RESERVE, "what": "OVERDRAWN"})
    due.sort(key=lambda one: str(one["pay_by"]))
    today = context.calendar.shanghai_date(context.clock.now()).isoformat()
    overdue = [one for one in due if one["pay_by"] < today]
    return Reserve(entries, balances, faults, payments, due, overdue)


def prepare(content: Document) -> Document:
    """What one person proposes, if it can be read: ``{"entry": "fund"|"compensate"|"paid"|"correct", "amount_fen": fen,
    "reference": unique text, "why": code}`` and, of its own, ``institution_id``, ``reported_on``, ``pays`` or
    ``corrects``.

    Raises ReservePostingError.
    """
    entry = content.get("entry")
    if not isinstance(entry, str) or entry not in _PARTS:
        raise ReservePostingError(f"entry is one of {', '.join(_PARTS)}.", field="content.entry")
    own = _PARTS[entry]
    for name in content:
        if name not in (*_EVERY, own):
            raise ReservePostingError(f"{entry} has {', '.join((*_EVERY, own))}.", field=f"content.{name}")
    amount_fen = content.get("amount_fen")
    if type(amount_fen) is not int or not 0 < amount_fen <= FEN_MAX:
        raise ReservePostingError("amount_fen is a whole number of fen above 0.", field="content.amount_fen")
    for name in (*_EVERY[2:], own):
        good, says = _FORMS[name]
        value = content.get(name)
        missing = name == own and entry not in _SAID and name not in content
        if not missing and not (isinstance(value, str) and good.fullmatch(value)):
            raise ReservePostingError(f"{name} is {says}.", field=f"content.{name}")
    if "reported_on" in content:
        _day(content["reported_on"])
    return content


def complete(context: Context, content: Document) -> Document:
    """An approved entry with what follows from the others and from the calendar: see ``of`` and ``pay_by``.

    Raises ReservePostingError where it does not fit, CalendarError where the deadline's year is not confirmed,
    InstitutionUnknownError for a funder that does not exist.
    """
    reserve = read_reserve(context)
    reference = str(content["reference"])
    if context.store.get(RESERVE_PK, reference) is not None:
        raise taken()
    if "institution_id" in content:
        institution_of(context.store.get(institution_pk(content["institution_id"]), STATE))
    completed = dict(content)
    if content["entry"] == PAID:
        _require_unpaid(reserve, content)
        return completed
    if content["entry"] == CORRECT:
        completed |= _corrected(reserve, content)
        if _is_of_payment(completed):
            return completed
    elif content["entry"] == ReserveKind.COMPENSATE:
        completed["pay_by"] = _pay_by(context, content).isoformat()
    entries = {**reserve.entries, reference: _entry(completed)}
    try:
        standing(entries)
    except JournalEntryError as error:
        raise ReservePostingError(error.message, field=f"content.{error.field}") from error
    if _fold(entries).of_account(_AVAILABLE) < 0:
        raise ReservePostingError("The reserve holds less than that; fund it first.", field="content.amount_fen")
    return completed


def taken() -> ReservePostingError:
    """The error of a second entry under one reference."""
    return ReservePostingError("The reference is taken; propose it under a new one.", field="content.reference")


def fault(subject: str, error: Exception) -> Document:
    """How a check tells of an entry that cannot be read or posted."""
    told: Document = {"subject": subject, "what": getattr(error, "code", "UNREADABLE")}
    return {**told, "message": error.message} if isinstance(error, RongTongError) else told


def pay_by(calendar: WorkingCalendar, reported_on: date) -> date:
    """The tenth working day after the report. Raises CalendarError (CALENDAR_UNCONFIRMED)."""
    day = reported_on
    for _ in range(WORKING_DAYS):
        day = calendar.effective_maturity(day + timedelta(days=1))
    return day


def _pay_by(context: Context, content: Document) -> date:
    today = context.calendar.shanghai_date(context.clock.now())
    reported_on = _day(content["reported_on"]) if "reported_on" in content else today
    if reported_on > today:
        raise ReservePostingError("The day of the report is still to come.", field="content.reported_on")
    policy, *years = context.store.get_many(
        [POLICY_KEY, calendar_key(reported_on.year), calendar_key(reported_on.year + 1)]
    )
    return pay_by(calendar_of(context.calendar, years, policy_of(policy)), reported_on)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ReservePostingError(f"{text} is no day.", field="content.reported_on") from None


def _payments(bodies: Mapping[str, Document]) -> dict[str, Document]:
    of_payment = {name: body for name, body in bodies.items() if _is_of_payment(body)}
    corrected = {body["corrects"] for body in of_payment.values() if body["entry"] == CORRECT}
    return {name: body for name, body in of_payment.items() if body["entry"] == PAID and name not in corrected}


def _is_of_payment(body: Document) -> bool:
    """Whether an entry says that the bank has paid, or corrects one that says so."""
    return bool(body.get("of", body.get("entry")) == PAID)


def _require_unpaid(reserve: Reserve, content: Document) -> None:
    due = {one["reference"]: one for one in reserve.due}
    if content["pays"] not in due:
        raise ReservePostingError("No compensation of this reference is to be paid.", field="content.pays")
    if due[content["pays"]]["amount_fen"] != content["amount_fen"]:
        raise ReservePostingError("A compensation is paid as a whole.", field="content.amount_fen")


def _corrected(reserve: Reserve, content: Document) -> Document:
    if content["corrects"] in {body["pays"] for body in reserve.payments.values()}:
        raise ReservePostingError(
            "This compensation was paid; enter what comes back of it as a funding.", field="content.corrects"
        )
    payment = reserve.payments.get(content["corrects"])
    if payment is not None:
        if payment["amount_fen"] != content["amount_fen"]:
            raise ReservePostingError("A correction is of the whole amount.", field="content.amount_fen")
        return {"of": PAID}
    corrected = reserve.entries.get(content["corrects"])
    if corrected is None:
        raise ReservePostingError("There is no entry of this reference to correct.", field="content.corrects")
    if corrected.fen != content["amount_fen"]:
        raise ReservePostingError(
            "A correction is of the whole amount; enter what is right as an entry of its own.",
            field="content.amount_fen",
        )
    funder = {} if corrected.institution_id is None else {"institution_id": corrected.institution_id}
    return {"of": corrected.kind.value, **funder}


def _entry(body: Document) -> ReserveEntry:
    kind = body["of"] if "of" in body else body["entry"]
    return ReserveEntry(ReserveKind(kind), body["amount_fen"], body.get("institution_id"), body.get("corrects"))


def _due(body: Document) -> Document:
    return {name: body[name] for name in ("reference", "amount_fen", "pay_by")}


def _fold(entries: Mapping[str, ReserveEntry]) -> Balances:
    return Balances.of(posting for entry in entries.values() for posting in entry.postings())
