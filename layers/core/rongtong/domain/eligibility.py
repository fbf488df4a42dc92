"""Whether a bill may be discounted: registry state, endorsement chain, trade background, lists and risk rules.

Every check answers pass, review or reject with a stable reason; all are run, so that a person sees everything at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Literal

from rongtong.domain.bill import Application, Invoice, RegistryBill
from rongtong.domain.bill_codes import BillKind
from rongtong.domain.bill_state import discountable_fault
from rongtong.domain.endorsement_chain import chain_fault
from rongtong.domain.lists import ListHit
from rongtong.domain.lists import outcome as outcome_of_hits
from rongtong.domain.policy import Policy
from rongtong.domain.risk import Action, Assessment, Facts, assess, outside_reason
from rongtong.domain.tenor import tenor_fault
from rongtong.domain.trade import TradeMatch, match_trade, product_of

Outcome = Literal["pass", "review", "reject"]
PARTY_REFUSED = "PARTY_REFUSED"
REVIEW_REQUIRED = "REVIEW_REQUIRED"
RISK = "risk"
"""The check that speaks for lists and risk rules."""


@dataclass(frozen=True)
class CheckResult:
    """What one check found, in words that the applicant may hear."""

    check: str
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True)
class Verdict:
    """The sum of all checks."""

    outcome: Literal["approve", "review", "reject"]
    reason: str | None


@dataclass(frozen=True)
class Case:
    """Everything that the checks look at."""

    application: Application
    bill: RegistryBill
    invoice: Invoice | None
    policy: Policy
    today: date
    verified_account: str
    hits: tuple[ListHit, ...]
    facts: Facts


@dataclass(frozen=True)
class Findings:
    """What all checks found: ``results`` for the applicant, the rest for the platform's own eyes."""

    results: tuple[CheckResult, ...]
    trade: TradeMatch | None = None
    hits: tuple[ListHit, ...] = ()
    assessment: Assessment | None = None


UNKNOWN_BILL = Findings((CheckResult("registry", "reject", "BILL_NOT_FOUND"),))
"""A bill that the registry does not know ends the matter."""


def run_checks(case: Case) -> Findings:
    """Run every check. Risk comes last: where the bill itself has a fault, that is the reason told."""
    trade = match_trade(
        case.application, case.bill, case.invoice, case.policy.evidence[product_of(case.bill)], case.today
    )
    assessment = assess(case.facts, case.policy.rules)
    results = [check(case) for check in _CHECKS]
    results.insert(_TRADE_AT, _result("trade", "reject", trade.reason))
    results.append(_risk(case.hits, assessment))
    return Findings(tuple(results), trade, case.hits, assessment)


def verdict(results: Iterable[CheckResult]) -> Verdict:
    """The first rejection decides; without one, the first doubt; without either, approve."""
    found = list(results)
    for outcome in ("reject", "review"):
        for result in found:
            if result.outcome == outcome:
                return Verdict(outcome, result.reason)
    return Verdict("approve", None)


@cache
def _result(check: str, outcome: Outcome, reason: str | None) -> CheckResult:
    return CheckResult(check, "pass" if reason is None else outcome, reason)


def _first(check: str, reasons: Iterable[tuple[bool, str]]) -> CheckResult:
    return _result(check, "reject", next((reason for holds, reason in reasons if holds), None))


def _risk(hits: tuple[ListHit, ...], assessment: Assessment) -> CheckResult:
    """Lists and risk rules in one answer that never tells which it was (反洗钱法: no tipping-off).

    A doubt of the bill's own quality is told before any other, so that a grey hit changes nothing of what is heard.
    """
    worst = next(iter(assessment.findings), None)
    listed = outcome_of_hits(hits)
    if listed == "reject":
        return _result("risk", "reject", PARTY_REFUSED)
    if worst is not None and worst.action is Action.REJECT:
        return _result("risk", "reject", outside_reason(worst))
    doubts = [outside_reason(finding) for finding in assessment.findings if finding.action is Action.REVIEW]
    if listed == "review":
        doubts.append(REVIEW_REQUIRED)
    # Whether there is a doubt, and only then which one: without any, None is no reason and the check passes.
    of_the_bill = (reason for reason in doubts if reason != REVIEW_REQUIRED)
    return _result("risk", "review", next(of_the_bill, REVIEW_REQUIRED) if doubts else None)


def _circulation(case: Case) -> CheckResult:
    """Order 〔2022〕4号: only a bill that circulates freely and carries no risk mark may be discounted."""
    bill = case.bill
    fault = discountable_fault(bill.status, bill.circulation, bill.risk, bill.endorsement_mark)
    return _result("circulation", "reject", fault)


def _tenor(case: Case) -> CheckResult:
    bill = case.bill
    fault = tenor_fault(bill.issue_date, bill.maturity_date, case.today, case.policy.tenor_months)
    return _result("tenor", "reject", fault)


def _bill_flow(case: Case) -> CheckResult:
    """What the partner states of the bill must be what the registry holds (票据流)."""
    stated, bill = case.application, case.bill
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
        (not bill.range.contains(stated.range), "RANGE_NOT_HELD"),
        (stated.range.whole and bill.range != stated.range, "RANGE_NOT_HELD"),
        (not bill.splittable and bill.range != stated.range, "RANGE_NOT_SPLITTABLE"),
        (bill.holder.uscc != stated.applicant_uscc, "NOT_THE_HOLDER"),
    ]
    return _first("bill flow", reasons)


def _chain(case: Case) -> CheckResult:
    return _result("chain", "reject", chain_fault(case.bill, case.today))


def _disclosure(case: Case) -> CheckResult:
    """Order 〔2022〕4号 article 28: without consistent disclosure, commercial and finance-company bills stop here."""
    bill = case.bill
    required = bill.kind is not BillKind.BANK_ACCEPTED or bill.acceptor_class == "finance_company"
    reasons = [
        (required and bill.disclosure in ("missing", "not_required"), "DISCLOSURE_MISSING"),
        (required and bill.disclosure != "consistent", "DISCLOSURE_INCONSISTENT"),
    ]
    return _first("disclosure", reasons)


def _acceptor(case: Case) -> CheckResult:
    """Order 〔2022〕4号 article 36: acceptors listed for continued overdue payment are barred."""
    code = case.bill.acceptor_bank_code
    reasons = [
        (code in case.policy.overdue_acceptors, "ACCEPTOR_OVERDUE"),
        (code in case.policy.blocked_acceptors, "ACCEPTOR_BLOCKED"),
    ]
    return _first("acceptor", reasons)


def _payee(case: Case) -> CheckResult:
    """Money goes to the applicant's verified account of the same name; a company does not discount against itself."""
    stated = case.application
    reasons = [
        (stated.payee_account != case.verified_account, "PAYEE_ACCOUNT"),
        (case.bill.drawer.uscc == stated.applicant_uscc, "SELF_TRADE"),
    ]
    return _first("payee", reasons)


_CHECKS: tuple[Callable[[Case], CheckResult], ...] = (
    _circulation,
    _tenor,
    _bill_flow,
    _chain,
    _disclosure,
    _acceptor,
    _payee,
)
_TRADE_AT = 6
"""The trade is compared after the bill and before the payee."""
