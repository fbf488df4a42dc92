"""Magic values: what a number says that the outside world does, without anything being seeded.

A bill's serial (digits 22 to 29 of its number) is ``9 fff ss cc``: three digits that are free, the supplier that holds
it, and the case. An account is ``6200990000000000 ss``: what the bank does with it. docs/sandbox.md is written from
these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BANK = "313100000013"
"""The acceptor of a sample, where its case names no other."""
ACCOUNT_PREFIX = "6200990000000000"
TENOR_DAYS = 150
"""From a sample's issue to its maturity, as it is stated."""
_LARGE_FEN = 600_000_000
_FACE_FEN = 88_000_000


@dataclass(frozen=True)
class Case:
    """What the registries do with a bill of these digits, and what becomes of its discount (``reason``: its code).

    ``bill`` and ``invoice`` are what they hold otherwise than the sample states, by path; None where they hold nothing.
    ``silent`` is how many questions about the bill or the invoice stay without an answer.
    """

    digits: str
    name: str
    what: str
    becomes: str
    reason: str = ""
    bill: Mapping[str, Any] | None = field(default_factory=dict)
    invoice: Mapping[str, Any] | None = field(default_factory=dict)
    bank: str = BANK
    face_fen: int = _FACE_FEN
    tenor_days: int = TENOR_DAYS
    silent: int = 0
    silent_invoice: int = 0
    lock_refused: bool = False


@dataclass(frozen=True)
class Account:
    """What the bank does with an account of these digits; ``behaviour`` is as bank.py has it."""

    digits: str
    name: str
    what: str
    becomes: str
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    matches: bool = True
    silent: bool = False


def _refused(digits: str, reason: str, what: str, **rest: Any) -> Case:
    return Case(digits, reason.lower(), what, "REFUSED", reason, **rest)


_ALWAYS = 10**6
CASES: tuple[Case, ...] = (
    Case("00", "paid", "Everything is in order.", "DISBURSED"),
    _refused("10", "BILL_NOT_FOUND", "The registry knows no such bill.", bill=None),
    _refused("11", "BILL_STATUS", "The bill has ended.", bill={"status": "CS06"}),
    _refused("12", "BILL_LOCKED", "Another application has locked it.", bill={"circulation": "TF0302"}),
    _refused("13", "BILL_PLEDGED", "It is pledged.", bill={"circulation": "TF0304"}),
    _refused("14", "BILL_AWAITING_REDEMPTION", "It was sold with redemption.", bill={"circulation": "TF0305"}),
    _refused("15", "BILL_IN_COLLECTION", "It is presented for payment.", bill={"circulation": "TF0401"}),
    _refused("16", "BILL_IN_RECOURSE", "It is in recourse.", bill={"circulation": "TF0402"}),
    _refused("17", "BILL_CIRCULATION", "It does not circulate.", bill={"circulation": "TF0501"}),
    _refused("18", "BILL_NOT_TRANSFERABLE", "It is marked as not transferable.", bill={"endorsement_mark": "EM01"}),
    _refused("19", "BILL_RISK", "The registry has marked it as risky.", bill={"risk": "RS03"}),
    _refused("20", "ACCEPTOR_MISMATCH", "Another bank accepted it.", bill={"acceptor.bank_code": "104100000004"}),
    _refused("21", "AMOUNT_MISMATCH", "Its amount is another.", bill={"face_fen": 100}),
    _refused("22", "DATES_MISMATCH", "It matures on another day.", tenor_days=TENOR_DAYS + 1),
    _refused("23", "KIND_MISMATCH", "It is of another kind.", bill={"kind": "AC02"}),
    _refused("24", "NOT_THE_HOLDER", "Another company holds it.", bill={"holder.uscc": "91350100MA00010501"}),
    _refused(
        "25", "CHAIN_BROKEN", "An endorser had not got it.", bill={"endorsements.1.endorser.uscc": "91350100MA0001077Q"}
    ),
    _refused(
        "26",
        "CHAIN_FIRST_ENDORSER",
        "Not the payee endorsed it first.",
        bill={"endorsements.0.endorser.account": "350000000000000999"},
    ),
    _refused(
        "27",
        "CHAIN_LAST_ENDORSEE",
        "It was endorsed to somebody else last.",
        bill={"endorsements.2.endorsee.account": "350000000000000999"},
    ),
    _refused("28", "CHAIN_DATES", "It was endorsed before it was issued.", bill={"endorsements.0.date": "2000-01-01"}),
    _refused("29", "CHAIN_KIND", "An endorsement is none of a transfer.", bill={"endorsements.1.kind": "ET03"}),
    _refused(
        "30",
        "DISCLOSURE_MISSING",
        "Its acceptor has not disclosed it.",
        bill={"disclosure": "missing"},
        bank="907290000004",
    ),
    _refused(
        "31",
        "DISCLOSURE_INCONSISTENT",
        "Its disclosure says otherwise.",
        bill={"disclosure": "inconsistent"},
        bank="907290000004",
    ),
    _refused("40", "INVOICE_NOT_FOUND", "The tax authority knows no such invoice.", invoice=None),
    _refused("41", "INVOICE_CANCELLED", "The invoice is cancelled.", invoice={"status": "cancelled"}),
    _refused("42", "INVOICE_RED", "The invoice is reversed by a red one.", invoice={"status": "red"}),
    _refused(
        "43", "INVOICE_PARTIES", "The invoice is another company's.", invoice={"seller_uscc": "91350100MA0001085K"}
    ),
    _refused("44", "INVOICE_USED", "The invoice was used elsewhere.", invoice={"used_by": "elsewhere"}),
    _refused("45", "INVOICE_AMOUNT", "The invoice is of a smaller amount.", invoice={"amount_fen": 100}),
    _refused("50", "ACCEPTOR_BLOCKED", "The platform takes no bills of this bank.", bank="316331000018"),
    _refused("51", "ACCEPTOR_OVERDUE", "This bank has not paid in time.", bank="318110000014"),
    Case(
        "60",
        "review",
        "The amount is one that a person looks at.",
        "IN_REVIEW",
        "REVIEW_LARGE_AMOUNT",
        face_fen=_LARGE_FEN,
    ),
    _refused("61", "PARTY_REFUSED", "Somebody on the bill is on a list.", bill={"drawer.uscc": "91350100MA0001245T"}),
    Case("70", "registry_outage", "The bill registry answers the fourth question only.", "DISBURSED", silent=3),
    Case("71", "registry_down", "The bill registry never answers.", "FAILED", "REGISTRY_UNAVAILABLE", silent=_ALWAYS),
    Case(
        "72",
        "invoices_down",
        "The tax authority never answers.",
        "FAILED",
        "REGISTRY_UNAVAILABLE",
        silent_invoice=_ALWAYS,
    ),
    Case(
        "73",
        "lost_to_another",
        "Another application locks it after it was verified.",
        "REFUSED",
        "BILL_LOCKED",
        lock_refused=True,
    ),
)
ACCOUNTS: tuple[Account, ...] = (
    Account("00", "pays", "Payments succeed at once.", "DISBURSED"),
    Account(
        "01",
        "late_success",
        "The order is answered PROCESSING, and so are three questions; then it has succeeded.",
        "DISBURSED",
        {"open_answers": 3},
    ),
    Account("02", "lost_answer", "The money moves, and the answer is lost.", "DISBURSED once", {"lose": "answer"}),
    Account("03", "lost_order", "The first order is lost with its answer.", "DISBURSED once", {"lose": "order"}),
    Account("04", "refused", "The bank refuses the payment.", "FAILED with PAYEE_REFUSED", {"result": "FAILED"}),
    Account(
        "05",
        "returned",
        "The money comes back two seconds after it was paid.",
        "DISBURSED, then RETURNED with the bank's notice or the day's reconciliation",
        {"returns_after_s": 2},
    ),
    Account("06", "stays_open", "A payment stays PROCESSING.", "SEALED", {"open_answers": _ALWAYS}),
    Account(
        "07",
        "another_s",
        "The account is not the company's.",
        "the enterprise REFUSED with ACCOUNT_NOT_VERIFIED",
        matches=False,
    ),
    Account(
        "08", "bank_down", "The bank does not answer who holds the account.", "the enterprise PENDING", silent=True
    ),
)
_CASES = {case.digits: case for case in CASES}
_ACCOUNTS = {account.digits: account for account in ACCOUNTS}
NAMED = {case.name: case for case in CASES}


def case_of(serial: str) -> Case | None:
    """The case of a magic bill's eight digits, or None for any other bill."""
    return _CASES.get(serial[6:]) if len(serial) == 8 and serial[0] == "9" and serial[4:6] in _ACCOUNTS else None


def account_of(number: str) -> Account | None:
    """What the bank does with a magic account, or None for any other account."""
    return _ACCOUNTS.get(number.removeprefix(ACCOUNT_PREFIX)) if number.startswith(ACCOUNT_PREFIX) else None
