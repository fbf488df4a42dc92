"""Whether a bill may be discounted: what every check refuses, in which order, and what the risk check does not tell."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from builders import BANK, BUYER, DRAWER, OTHER, PAYEE, SELLER, application_for, bill_of
from rongtong.domain.bill import Endorsement, Invoice, Order, Trade
from rongtong.domain.bill_codes import BillKind, BillStatus, Circulation, EndorsementMark, RiskMark
from rongtong.domain.eligibility import UNKNOWN_BILL, Case, CheckResult, Findings, Verdict, run_checks, verdict
from rongtong.domain.lists import ListHit, ListName
from rongtong.domain.policy import Policy
from rongtong.domain.risk import Assessment, Facts
from rongtong.domain.risk_rules import DEFAULT_RULES, configure
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.domain.trade import Basis, TradeMatch

NOW, TODAY = datetime(2026, 4, 15, 2, 30, tzinfo=UTC), date(2026, 4, 15)
BILL = bill_of(Endorsement(PAYEE, BUYER, date(2026, 3, 2)), Endorsement(BUYER, SELLER, date(2026, 4, 1)))
ORDER = Order("PO-1", 1_500, date(2026, 1, 10), BUYER.uscc, SELLER.uscc)
INVOICE = Invoice("I-1", 1_200, "valid", BUYER.uscc, SELLER.uscc, date(2026, 1, 20), None)
APPLICATION = application_for(BILL, Trade(ORDER, "I-1"))
CASE = Case(APPLICATION, BILL, INVOICE, Policy(), TODAY, SELLER.account, (), Facts(NOW))
CHECKS = ["circulation", "tenor", "bill flow", "chain", "disclosure", "acceptor", "trade", "payee", "risk"]
BLACK, GREY, WHITE = (ListHit(f"uscc:{name}", name, 1, "NOTICE") for name in ListName)
DUPLICATE = Facts(NOW, overlapping_applications=1)
"""Hits a rule that refuses."""
SOLD_ON = Facts(NOW, bill=bill_of(Endorsement(PAYEE, SELLER, TODAY)))
"""Hits a rule that asks for a review, whose reason speaks of the bill."""
RELATED = Facts(
    NOW, application=APPLICATION, bill=BILL, groups=dict.fromkeys((DRAWER.uscc, BUYER.uscc, SELLER.uscc), "g-1")
)
"""Hits a rule that asks for a review, whose reason tells nothing."""
AT_NIGHT = Facts(NOW, within_hours=False)
"""Hits a rule that only records."""


def applied(**changes):
    return replace(CASE, application=replace(CASE.application, **changes))


def billed(**changes):
    return replace(CASE, bill=replace(CASE.bill, **changes))


def ruled(**changes):
    return replace(CASE, policy=replace(CASE.policy, **changes))


def results(case):
    return {result.check: result for result in run_checks(case).results}


def fault(check, case):
    """Why a check refuses; None if it passes. It never leaves a doubt."""
    found = results(case)[check]
    assert found.outcome == ("pass" if found.reason is None else "reject")
    return found.reason


# The whole


def test_a_bill_without_fault_passes_every_check_in_order():
    assert list(run_checks(CASE).results) == [CheckResult(check, "pass", None) for check in CHECKS]


def test_all_checks_are_run_whatever_the_first_ones_find():
    case = replace(
        CASE,
        bill=replace(
            BILL,
            risk=RiskMark.DISPUTED,
            maturity_date=TODAY,
            kind=BillKind.COMMERCIALLY_ACCEPTED,
            holder=OTHER,
            disclosure="missing",
        ),
        policy=Policy(overdue_acceptors=frozenset({BANK})),
        invoice=None,
        verified_account="another",
        facts=DUPLICATE,
    )
    reasons = [
        "BILL_RISK",
        "BILL_MATURED",
        "KIND_MISMATCH",
        "CHAIN_LAST_ENDORSEE",
        "DISCLOSURE_MISSING",
        "ACCEPTOR_OVERDUE",
        "INVOICE_NOT_FOUND",
        "PAYEE_ACCOUNT",
        "PARTY_REFUSED",
    ]
    expected = [CheckResult(check, "reject", reason) for check, reason in zip(CHECKS, reasons, strict=True)]
    assert list(run_checks(case).results) == expected


def test_the_findings_keep_the_trade_the_hits_and_the_assessment_for_the_platform():
    found = run_checks(replace(CASE, hits=(GREY, WHITE), facts=DUPLICATE))
    assert (found.trade.basis, found.trade.reason) == (Basis.INVOICE, None)
    assert found.hits == (GREY, WHITE)
    assert [finding.rule_id for finding in found.assessment.findings] == ["DUPLICATE_APPLICATION"]


def test_a_bill_that_the_registry_does_not_know_is_refused_and_nothing_else_is_looked_at():
    assert Findings((CheckResult("registry", "reject", "BILL_NOT_FOUND"),), None, (), None) == UNKNOWN_BILL
    assert verdict(UNKNOWN_BILL.results) == Verdict("reject", "BILL_NOT_FOUND")


# The verdict

PASS = CheckResult("payee", "pass")
DOUBT, FURTHER_DOUBT = CheckResult("risk", "review", "R1"), CheckResult("risk", "review", "R2")
FAULT, FURTHER_FAULT = CheckResult("chain", "reject", "F1"), CheckResult("chain", "reject", "F2")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], Verdict("approve", None)),
        ([PASS, PASS], Verdict("approve", None)),
        ([PASS, DOUBT, FURTHER_DOUBT], Verdict("review", "R1")),
        ([PASS, FAULT, FURTHER_FAULT], Verdict("reject", "F1")),
        ([DOUBT, PASS, FAULT], Verdict("reject", "F1")),
        ([FAULT, DOUBT], Verdict("reject", "F1")),
    ],
)
def test_the_first_refusal_decides_then_the_first_doubt(found, expected):
    assert verdict(iter(found)) == expected


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (CASE, Verdict("approve", None)),
        (replace(CASE, facts=SOLD_ON), Verdict("review", "REVIEW_QUICK_RESALE")),
        (replace(CASE, hits=(BLACK,), verified_account="another"), Verdict("reject", "PAYEE_ACCOUNT")),
        (replace(CASE, hits=(BLACK,)), Verdict("reject", "PARTY_REFUSED")),
    ],
)
def test_a_fault_of_the_bill_itself_is_told_before_what_risk_finds(case, expected):
    assert verdict(run_checks(case).results) == expected


# Circulation, tenor, chain


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": BillStatus.SETTLED}, "BILL_STATUS"),
        ({"circulation": Circulation.PLEDGED}, "BILL_PLEDGED"),
        ({"endorsement_mark": EndorsementMark.NOT_TRANSFERABLE}, "BILL_NOT_TRANSFERABLE"),
        ({"risk": RiskMark.STOP_PAYMENT}, "BILL_RISK"),
    ],
)
def test_a_bill_that_does_not_circulate_freely_is_refused(changes, reason):
    assert fault("circulation", billed(**changes)) == reason


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (billed(maturity_date=date(2026, 4, 16)), None),
        (billed(maturity_date=TODAY), "BILL_MATURED"),
        (billed(maturity_date=date(2026, 2, 2)), "MATURITY_BEFORE_ISSUE"),
        (billed(maturity_date=date(2026, 8, 3)), "TENOR_TOO_LONG"),
        (ruled(tenor_months=5), "TENOR_TOO_LONG"),
    ],
)
def test_a_bill_runs_no_longer_than_the_policy_allows_and_has_not_matured_today(case, reason):
    assert fault("tenor", case) == reason


def test_an_endorsement_chain_is_judged_as_of_today():
    assert fault("chain", billed(holder=OTHER)) == "CHAIN_LAST_ENDORSEE"
    assert fault("chain", replace(CASE, today=date(2026, 4, 1))) is None
    assert fault("chain", replace(CASE, today=date(2026, 3, 31))) == "CHAIN_DATES"


# What is stated, and what the registry holds

LARGER = SubBillRange(1, 2_000)
# Every fault after those before it: what is stated, what the registry holds.
FLOW_FAULTS = [
    ("KIND_MISMATCH", {"kind": BillKind.COMMERCIALLY_ACCEPTED}, {}),
    ("DATES_MISMATCH", {"issue_date": date(2026, 2, 3)}, {}),
    ("ACCEPTOR_MISMATCH", {"acceptor_bank_code": "105100000017"}, {}),
    ("AMOUNT_MISMATCH", {"amount_fen": 999}, {}),
    ("RANGE_NOT_HELD", {"range": LARGER, "amount_fen": 2_000}, {}),
    ("RANGE_NOT_SPLITTABLE", {"range": SubBillRange(1, 600), "amount_fen": 600}, {"splittable": False}),
    ("NOT_THE_HOLDER", {"applicant_uscc": OTHER.uscc}, {}),
]


@pytest.mark.parametrize("at", range(len(FLOW_FAULTS)), ids=[reason for reason, _, _ in FLOW_FAULTS])
def test_what_differs_from_the_registry_is_told_in_a_fixed_order(at):
    reason, stated, held = FLOW_FAULTS[at]
    for _, also_stated, also_held in FLOW_FAULTS[at + 1 :]:
        stated, held = {**also_stated, **stated}, {**also_held, **held}
    case = replace(applied(**stated), bill=replace(BILL, **held))
    assert fault("bill flow", case) == reason


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (billed(kind=BillKind.COMMERCIALLY_ACCEPTED), "KIND_MISMATCH"),
        (applied(issue_date=date(2026, 2, 1)), "DATES_MISMATCH"),
        (applied(maturity_date=date(2026, 8, 1)), "DATES_MISMATCH"),
        (billed(acceptor_bank_code="105100000017"), "ACCEPTOR_MISMATCH"),
        (billed(face_fen=1_001), "AMOUNT_MISMATCH"),
        (applied(amount_fen=1_001), "AMOUNT_MISMATCH"),
        (applied(range=SubBillRange(2, 1_001)), "RANGE_NOT_HELD"),
        (applied(range=SubBillRange(401, 1_000), amount_fen=600), None),
        (applied(range=SubBillRange.whole_package(1_000)), None),
        (applied(range=SubBillRange.whole_package(600), amount_fen=600), "RANGE_NOT_HELD"),
        (billed(splittable=False), None),
        (billed(holder=OTHER), "NOT_THE_HOLDER"),
    ],
)
def test_each_statement_of_the_bill_is_compared_by_itself(case, reason):
    assert fault("bill flow", case) == reason


# Disclosure, acceptor


@pytest.mark.parametrize(
    ("disclosure", "reason"),
    [
        ("consistent", None),
        ("missing", "DISCLOSURE_MISSING"),
        ("not_required", "DISCLOSURE_MISSING"),
        ("inconsistent", "DISCLOSURE_INCONSISTENT"),
        ("unheard of", "DISCLOSURE_INCONSISTENT"),
    ],
)
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": BillKind.COMMERCIALLY_ACCEPTED},
        {"kind": BillKind.UNKNOWN},
        {"acceptor_class": "finance_company"},
    ],
    ids=["commercial", "unknown", "finance company"],
)
def test_all_but_banks_disclose_their_acceptances_consistently(changes, disclosure, reason):
    assert fault("disclosure", billed(disclosure=disclosure, **changes)) == reason


@pytest.mark.parametrize("disclosure", ["consistent", "missing", "inconsistent", "not_required"])
def test_a_bank_s_acceptance_needs_no_disclosure(disclosure):
    assert fault("disclosure", billed(disclosure=disclosure)) is None


@pytest.mark.parametrize(
    ("overdue", "blocked", "reason"),
    [
        ({"105100000017"}, {"105100000017"}, None),
        ({BANK}, {}, "ACCEPTOR_OVERDUE"),
        ({}, {BANK}, "ACCEPTOR_BLOCKED"),
        ({BANK}, {BANK}, "ACCEPTOR_OVERDUE"),
    ],
)
def test_an_acceptor_that_is_overdue_or_blocked_is_barred(overdue, blocked, reason):
    case = ruled(overdue_acceptors=frozenset(overdue), blocked_acceptors=frozenset(blocked))
    assert fault("acceptor", case) == reason


# Trade, payee


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (replace(CASE, invoice=None), "INVOICE_NOT_FOUND"),
        (replace(CASE, invoice=replace(INVOICE, amount_fen=999)), "INVOICE_AMOUNT"),
        (replace(CASE, invoice=replace(INVOICE, issue_date=date(2026, 4, 16))), "TRADE_DATES"),
        (applied(trade=Trade(ORDER, None)), "TRADE_EVIDENCE_MISSING"),
        (billed(endorsements=()), "ORDER_PARTIES"),
    ],
)
def test_a_trade_that_does_not_match_is_refused(case, reason):
    assert fault("trade", case) == reason


@pytest.mark.parametrize(("kind", "reason"), [("bank_accepted", "TRADE_BASIS"), ("commercial", None)])
def test_the_evidence_that_the_bill_s_own_product_takes_counts(kind, reason):
    assert fault("trade", ruled(evidence=Policy.parse({"evidence": {kind: ["tri_flow"]}}).evidence)) == reason


def test_what_was_compared_of_a_refused_trade_is_kept():
    trade = run_checks(replace(CASE, invoice=None)).trade
    assert trade == TradeMatch(Basis.INVOICE, "INVOICE_NOT_FOUND", ("INVOICE_NOT_FOUND",))


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (applied(payee_account="another"), "PAYEE_ACCOUNT"),
        (replace(CASE, verified_account="another"), "PAYEE_ACCOUNT"),
        (billed(drawer=SELLER), "SELF_TRADE"),
        (replace(billed(drawer=SELLER), verified_account="another"), "PAYEE_ACCOUNT"),
    ],
)
def test_money_goes_to_the_verified_account_and_never_for_a_bill_of_one_s_own(case, reason):
    assert fault("payee", case) == reason


# Risk

REFUSED = CheckResult("risk", "reject", "PARTY_REFUSED")
DOUBTED = CheckResult("risk", "review", "REVIEW_REQUIRED")
PASSED = CheckResult("risk", "pass", None)


def risk(hits=(), facts=CASE.facts, **rules):
    return results(replace(ruled(rules=configure(rules)), hits=hits, facts=facts))["risk"]


def test_a_refusal_sounds_alike_whether_a_list_or_a_rule_refuses():
    assert risk(hits=(BLACK,)) == risk(facts=DUPLICATE) == risk(hits=(BLACK,), facts=DUPLICATE) == REFUSED


def test_a_doubt_sounds_alike_whether_a_list_or_a_rule_raises_it():
    assert risk(hits=(GREY,)) == risk(facts=RELATED) == risk(hits=(GREY,), facts=RELATED) == DOUBTED


@pytest.mark.parametrize(
    ("hits", "facts", "expected"),
    [
        ((BLACK,), SOLD_ON, REFUSED),
        ((GREY,), DUPLICATE, REFUSED),
        ((GREY, BLACK), CASE.facts, REFUSED),
        ((GREY,), SOLD_ON, CheckResult("risk", "review", "REVIEW_QUICK_RESALE")),
        ((GREY,), AT_NIGHT, DOUBTED),
        ((), SOLD_ON, CheckResult("risk", "review", "REVIEW_QUICK_RESALE")),
        ((WHITE,), SOLD_ON, CheckResult("risk", "review", "REVIEW_QUICK_RESALE")),
        ((WHITE,), DUPLICATE, REFUSED),
        ((WHITE,), CASE.facts, PASSED),
        ((), AT_NIGHT, PASSED),
    ],
)
def test_the_gravest_of_lists_and_rules_counts_and_white_excuses_nothing(hits, facts, expected):
    assert risk(hits, facts) == expected


@pytest.mark.parametrize("hits", [(), (GREY,)])
def test_a_doubt_of_the_bill_itself_is_told_before_a_graver_one_and_the_first_of_them(hits):
    bill, groups = SOLD_ON.bill, dict.fromkeys((DRAWER.uscc, PAYEE.uscc, SELLER.uscc), "g-1")
    facts = Facts(NOW, application=replace(APPLICATION, amount_fen=500_000_000), bill=bill, groups=groups)
    found = run_checks(replace(CASE, hits=hits, facts=facts))
    assert [finding.rule_id for finding in found.assessment.findings] == [
        "RELATED_PARTIES",
        "QUICK_RESALE",
        "LARGE_AMOUNT",
    ]
    assert found.results[-1] == CheckResult("risk", "review", "REVIEW_QUICK_RESALE")


def test_a_rule_refuses_or_doubts_as_the_policy_says():
    assert risk(facts=SOLD_ON, QUICK_RESALE={"action": "REJECT"}) == REFUSED
    assert risk(facts=DUPLICATE, DUPLICATE_APPLICATION={"action": "REVIEW"}) == DOUBTED
    assert risk(facts=DUPLICATE, DUPLICATE_APPLICATION={"enabled": False}) == PASSED


def test_a_rule_that_only_records_leaves_its_finding_to_the_platform():
    found = run_checks(replace(CASE, facts=AT_NIGHT))
    assert [finding.rule_id for finding in found.assessment.findings] == ["OUT_OF_HOURS"]
    assert found.results[-1] == PASSED


def test_rules_without_their_facts_are_named_and_refuse_nothing():
    assert run_checks(CASE).assessment == Assessment((), tuple(DEFAULT_RULES))
