"""The import of a file of bills: its lifecycle, and what can be said of a line without asking anybody outside."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from rongtong.domain.bill_columns import BillLineError
from rongtong.domain.bill_file import Line, LineError, StatedBill
from rongtong.domain.bill_number import BillNumber
from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.errors import BillNumberError, RongTongError, TransitionError
from rongtong.domain.identity import check_bank_code, check_uscc
from rongtong.domain.policy import Policy
from rongtong.domain.sub_bill_range import SubBillRange, require_within_ceiling
from rongtong.domain.tenor import tenor_fault


class ImportStatus(StrEnum):
    """Where an import stands."""

    AWAITING_FILE = "AWAITING_FILE"
    IMPORTING = "IMPORTING"
    DONE = "DONE"
    """Every line was imported or refused."""
    FAILED = "FAILED"
    """The file as a whole cannot be read; none of its lines was imported."""


_IMPORT: Mapping[ImportStatus, frozenset[ImportStatus]] = {
    ImportStatus.AWAITING_FILE: frozenset({ImportStatus.IMPORTING, ImportStatus.FAILED}),
    ImportStatus.IMPORTING: frozenset({ImportStatus.IMPORTING, ImportStatus.DONE, ImportStatus.FAILED}),
    ImportStatus.DONE: frozenset(),
    ImportStatus.FAILED: frozenset(),
}


def require_import_transition(current: ImportStatus, new: ImportStatus) -> None:
    """Raises TransitionError unless an import may go from ``current`` to ``new``."""
    if new not in _IMPORT[current]:
        raise TransitionError(f"An import that is {current} cannot become {new}.")


@dataclass(frozen=True)
class HeldBill:
    """A line that may be imported, with its range."""

    stated: StatedBill
    range: SubBillRange


Checked = HeldBill | LineError


def checked(lines: Iterable[Line], policy: Policy, calendar: WorkingCalendar, today: date) -> Iterator[Checked]:
    """Each line with its range, or why it is not imported; of lines that mean the same units the first one counts."""
    taken: dict[str, _Ranges] = {}
    for line in lines:
        if isinstance(line, LineError):
            yield line
            continue
        try:
            rng = _checked(line, policy, calendar, today)
            taken.setdefault(line.number, _Ranges()).take(rng)
        except RongTongError as error:
            yield LineError(line.line, _column(error.field), error.code, error.message)
        else:
            yield HeldBill(line, rng)


def require_number(text: str, kind: str, policy: Policy, today: date) -> BillNumber:
    """The number, if a bill of it may be discounted.

    Raises BillNumberError; its code is KIND_MISMATCH where the first digit says another kind than is stated.
    """
    number = BillNumber.parse(
        text, strict_new_system=policy.strict_check_newgen, bank_directory=policy.bank_directory, latest=today
    )
    number.require_discountable()
    if policy.check_kind_digit and number.kind != kind:
        raise BillNumberError(
            "The bill's number is one of the other kind; correct the kind.", field="bill.kind", code="KIND_MISMATCH"
        )
    return number


def _checked(line: StatedBill, policy: Policy, calendar: WorkingCalendar, today: date) -> SubBillRange:
    """Raises BillNumberError, SubBillRangeError, IdentityError, CalendarError, BillLineError."""
    require_number(line.number, line.kind, policy, today)
    rng = SubBillRange.parse(line.range, whole_fen=line.amount_fen)
    rng.require_amount(line.amount_fen)
    require_within_ceiling(rng, policy.package_ceiling_fen)
    check_uscc(line.order_buyer_uscc, field="trade.order_buyer_uscc")
    check_bank_code(line.acceptor_bank_code, field="bill.acceptor_bank_code", directory=policy.bank_directory)
    for at, flow in enumerate(line.money_flows):
        check_uscc(str(flow["payer_uscc"]), field=f"trade.money_flows.{at}.payer_uscc")
        check_uscc(str(flow["payee_uscc"]), field=f"trade.money_flows.{at}.payee_uscc")
    for at, delivery in enumerate(line.deliveries):
        check_uscc(str(delivery["consignee_uscc"]), field=f"trade.deliveries.{at}.consignee_uscc")
    fault = tenor_fault(line.issue_date, line.maturity_date, today, policy.tenor_months)
    if fault is not None:
        raise BillLineError("The bill cannot be discounted with these dates.", field="bill.maturity_date", code=fault)
    calendar.effective_maturity(line.maturity_date)
    barred = {"ACCEPTOR_OVERDUE": policy.overdue_acceptors, "ACCEPTOR_BLOCKED": policy.blocked_acceptors}
    for code, acceptors in barred.items():
        if line.acceptor_bank_code in acceptors:
            raise BillLineError("No bill of this acceptor is taken.", field="bill.acceptor_bank_code", code=code)
    if line.invoice_number is None and not line.money_flows:
        raise BillLineError(
            "Name the invoice, or the money flows.", field="trade.invoice_number", code="TRADE_EVIDENCE_MISSING"
        )
    return rng


class _Ranges:
    """The ranges of one package that lines of a file have named; none overlaps another."""

    def __init__(self) -> None:
        self._sorted: list[SubBillRange] = []

    def take(self, rng: SubBillRange) -> None:
        """Raises BillLineError (LINE_REPEATED, LINE_OVERLAPS)."""
        at = bisect_left(self._sorted, rng)
        for near in self._sorted[max(at - 1, 0) : at + 1]:
            if near == rng:
                message = "An earlier line of this file has the same bill and range; it counts."
                raise BillLineError(message, field="bill.range", code="LINE_REPEATED")
            if near.overlaps(rng):
                message = "An earlier line of this file has a part of this range; it counts."
                raise BillLineError(message, field="bill.range", code="LINE_OVERLAPS")
        self._sorted.insert(at, rng)


def _column(field: str | None) -> str:
    """Calendar errors name no field; the only day that is looked up is the maturity."""
    return "bill.maturity_date" if field is None else field
