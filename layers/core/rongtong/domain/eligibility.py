"""Whether a bill may be discounted: registry state, endorsement chain, trade background, lists and risk rules.

Every check answers pass, review or reject with a stable reason; all are run, so that a person sees everything at once.
"""

from __future__ import annotations

import calendar as months
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Literal

from rongtong.domain.bill import Application, Invoice, Party, RegistryBill

Outcome = Literal["pass", "review", "reject"]


@dataclass(frozen=True)
class Policy:
    """What operations configure: lists and thresholds (assumed: configurable)."""

    blocked_usccs: frozenset[str] = field(default_factory=frozenset)
    blocked_acceptors: frozenset[str] = field(default_factory=frozenset)
    overdue_acceptors: frozenset[str] = field(default_factory=frozenset)
    grey_usccs: frozenset[str] = field(default_factory=frozenset)
    review_amount_fen: int = 500_000_000
    max_endorsements: int = 20
    tenor_months: int = 6
    new_acceptor_classes: frozenset[str] = frozenset({"other"})


@dataclass(frozen=True)
class CheckResult:
    """What one check found."""

    check: str
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The sum of all checks."""

    outcome: Literal["approve", "review", "reject"]
    reason: str | None


@dataclass(frozen=True)
class _Case:
    application: Application
    bill: RegistryBill
    invoice: Invoice | None
    policy: Policy
    today: date
    verified_account: str


Check = Callable[[_Case], CheckResult]


def run_checks(
    application: Application,
    bill: RegistryBill | None,
    invoice: Invoice | None,
    policy: Policy,
    discount_date: date,
    verified_account: str,
) -> tuple[CheckResult, ...]:
    """Run every check, gravest first. A bill that the registry does not know ends the matter (BILL_NOT_FOUND)."""
    if bill is None:
        return (CheckResult("registry", "reject", "BILL_NOT_FOUND"),)
    case = _Case(application, bill, invoice, policy, discount_date, verified_account)
    return tuple(check(case) for check in _CHECKS)


def verdict(results: Iterable[CheckResult]) -> Verdict:
    """The first rejection decides; without one, the first doubt; without either, approve."""
    found = list(results)
    for outcome in ("reject", "review"):
        for result in found:
            if result.outcome == outcome:
                return Verdict(outcome, result.reason)
    return Verdict("approve", None)


def add_months(day: date, count: int) -> date:
    """The same day ``count`` months later, or that month's last day (assumed: configurable)."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, months.monthrange(year, month + 1)[1]))


def _first(check: str, outcome: Outcome, reasons: Iterable[tuple[bool, str]]) -> CheckResult:
    for holds, reason in reasons:
        if holds:
            return CheckResult(check, outcome, reason)
    return CheckResult(check, "pass")


def _parties(case: _Case) -> CheckResult:
    """Lists come first and stay neutral: no answer tells which party or list it was (反洗钱法: no tipping-off)."""
    bill, policy = case.bill, case.policy
    named = {case.application.applicant_uscc, *_companies(bill), case.application.order.buyer_uscc}
    return _first("parties", "reject", [(bool(named & policy.blocked_usccs), "PARTY_REFUSED")])


def _circulation(case: _Case) -> CheckResult:
    """Order 〔2022〕4号: only a bill that circulates freely and carries no risk mark may be discounted."""
    bill = case.bill
    marked = bill.endorsement_mark != "EM00" or bill.circulation == "TF0303"
    reasons = [
        (bill.status != "CS03", "BILL_STATUS"),
        (bill.circulation == "TF0302", "BILL_LOCKED"),
        (bill.circulation == "TF0304", "BILL_PLEDGED"),
        (marked, "BILL_NOT_TRANSFERABLE"),
        (bill.circulation != "TF0301", "BILL_CIRCULATION"),
        (bill.risk != "RS00", "BILL_RISK"),
    ]
    return _first("circulation", "reject", reasons)


def _bill_flow(case: _Case) -> CheckResult:
    """What the partner states of the bill must be what the registry holds."""
    stated, bill = case.application, case.bill
    held = bill.range.contains(stated.range) and (bill.splittable or bill.range == stated.range)
    reasons = [
        (stated.kind != bill.kind, "KIND_MISMATCH"),
        (
            stated.issue_date != bill.issue_date or stated.maturity_date != bill.maturity_date,
            "DATES_MISMATCH",
        ),
        (stated.acceptor_bank_code != bill.acceptor_bank_code, "ACCEPTOR_MISMATCH"),
        (
            bill.face_fen != bill.range.amount_fen or stated.amount_fen != stated.range.amount_fen,
            "AMOUNT_MISMATCH",
        ),
        (not held, "RANGE_NOT_HELD"),
        (bill.holder.uscc != stated.applicant_uscc, "NOT_THE_HOLDER"),
    ]
    return _first("bill flow", "reject", reasons)


def _tenor(case: _Case) -> CheckResult:
    """Order 〔2022〕4号 article 25: at most six months from issue to maturity; discounted before maturity."""
    bill = case.bill
    reasons = [
        (bill.maturity_date <= case.today, "BILL_MATURED"),
        (bill.maturity_date > add_months(bill.issue_date, case.policy.tenor_months), "TENOR_TOO_LONG"),
    ]
    return _first("tenor", "reject", reasons)


def _chain(case: _Case) -> CheckResult:
    """票据法 article 31: an unbroken chain of endorsements, payee to applicant, by account, name and code."""
    bill = case.bill
    chain = bill.endorsements
    if not chain:
        return _first("chain", "reject", [(bill.payee != bill.holder, "CHAIN_LAST_ENDORSEE")])
    broken = any(left.endorsee != right.endorser for left, right in pairwise(chain))
    reasons = [
        (chain[0].endorser != bill.payee, "CHAIN_FIRST_ENDORSER"),
        (broken, "CHAIN_BROKEN"),
        # 票据法 article 35: whoever was endorsed for collection or pledge may not pass the bill on.
        (any(endorsement.kind != "ET05_01" for endorsement in chain), "CHAIN_KIND"),
        (chain[-1].endorsee != bill.holder, "CHAIN_LAST_ENDORSEE"),
    ]
    return _first("chain", "reject", reasons)


def _disclosure(case: _Case) -> CheckResult:
    """Order 〔2022〕4号 article 28: without consistent disclosure, commercial and finance-company bills stop here."""
    bill = case.bill
    required = bill.kind == "AC02" or bill.acceptor_class == "finance_company"
    reasons = [
        (required and bill.disclosure in ("missing", "not_required"), "DISCLOSURE_MISSING"),
        (required and bill.disclosure != "consistent", "DISCLOSURE_INCONSISTENT"),
    ]
    return _first("disclosure", "reject", reasons)


def _acceptor(case: _Case) -> CheckResult:
    """Order 〔2022〕4号 article 36: acceptors listed for continued overdue payment are barred."""
    code = case.bill.acceptor_bank_code
    reasons = [
        (code in case.policy.overdue_acceptors, "ACCEPTOR_OVERDUE"),
        (code in case.policy.blocked_acceptors, "ACCEPTOR_BLOCKED"),
    ]
    return _first("acceptor", "reject", reasons)


def _order_flow(case: _Case) -> CheckResult:
    """Order 〔2022〕4号 article 5: a real trade with the drawer or the prior hand, of at least the bill's amount."""
    stated, invoice = case.application, case.invoice
    if invoice is None:
        return CheckResult("order flow", "reject", "INVOICE_NOT_FOUND")
    order = stated.order
    reasons = [
        (invoice.status == "cancelled", "INVOICE_CANCELLED"),
        (invoice.status != "valid", "INVOICE_RED"),
        (invoice.used_by is not None, "INVOICE_USED"),
        (invoice.seller_uscc != stated.applicant_uscc, "INVOICE_PARTIES"),
        (invoice.amount_fen < stated.amount_fen, "INVOICE_AMOUNT"),
        (invoice.amount_fen < stated.invoice_claimed_fen, "INVOICE_USED"),
        (
            order.buyer_uscc != invoice.buyer_uscc or order.buyer_uscc != _prior_hand(case.bill).uscc,
            "ORDER_PARTIES",
        ),
        (order.amount_fen < stated.amount_fen, "ORDER_AMOUNT"),
        (order.date > invoice.issue_date or invoice.issue_date > case.today, "TRADE_DATES"),
    ]
    return _first("order flow", "reject", reasons)


def _money_flow(case: _Case) -> CheckResult:
    """Money goes to the applicant's verified account of the same name; a company does not discount against itself."""
    stated = case.application
    reasons = [
        (stated.payee_account != case.verified_account, "PAYEE_ACCOUNT"),
        (case.bill.drawer.uscc == stated.applicant_uscc, "SELF_TRADE"),
    ]
    return _first("money flow", "reject", reasons)


def _doubts(case: _Case) -> CheckResult:
    """What is allowed but looked at by a person first."""
    bill, policy = case.bill, case.policy
    endorsees = Counter(endorsement.endorsee.uscc for endorsement in bill.endorsements)
    again = any(count > 1 for count in endorsees.values()) or bill.payee.uscc in endorsees
    same_day = bool(bill.endorsements) and bill.endorsements[-1].date >= case.today
    reasons = [
        (bool({case.application.applicant_uscc, *_companies(bill)} & policy.grey_usccs), "REVIEW_REQUIRED"),
        (len(bill.endorsements) > policy.max_endorsements, "REVIEW_ENDORSEMENTS"),
        (again, "REVIEW_BACK_ENDORSEMENT"),
        (same_day, "REVIEW_QUICK_RESALE"),
        (bill.acceptor_class in policy.new_acceptor_classes, "REVIEW_NEW_ACCEPTOR"),
        (case.application.amount_fen >= policy.review_amount_fen, "REVIEW_LARGE_AMOUNT"),
    ]
    return _first("doubts", "review", reasons)


_CHECKS: tuple[Check, ...] = (
    _parties,
    _circulation,
    _tenor,
    _bill_flow,
    _chain,
    _disclosure,
    _acceptor,
    _order_flow,
    _money_flow,
    _doubts,
)


def _prior_hand(bill: RegistryBill) -> Party:
    return bill.endorsements[-1].endorser if bill.endorsements else bill.drawer


def _companies(bill: RegistryBill) -> set[str]:
    named = {bill.drawer.uscc, bill.payee.uscc, bill.holder.uscc}
    for endorsement in bill.endorsements:
        named |= {endorsement.endorser.uscc, endorsement.endorsee.uscc}
    return named
