"""What the registries hold of magic bills, and requests that name them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from book import Document
from magic import ACCOUNT_PREFIX, CASES, TENOR_DAYS, Case, case_of
from stdnum.cn import uscc

from rongtong.domain.bill_number import BillNumber, check_digit
from rongtong.domain.errors import BillNumberError
from rongtong.domain.identity import organisation_check

_CLASSES = {"313100000013": "city", "907290000004": "finance_company"}
_DRAWER, *_HANDS = (
    {"name": f"示例往来企业{number}号有限公司", "uscc": code, "account": f"350000000000000{number}"}
    for number, code in (("101", "91350100MA0001018M"), ("102", "91350100MA0001026G"), ("103", "91350100MA0001034B"),
                         ("104", "91350100MA00010426"))
)  # fmt: skip
BUYER = _HANDS[-1]
"""The prior hand of every magic bill."""
_ISSUED_DAYS_AGO = range(20, 80)
_ORDERED = timedelta(days=10)


def supplier(digits: str) -> Document:
    """The body of a magic supplier's registration; its account is the one of these digits."""
    body = f"91350100MA09{digits}90"
    code = body + organisation_check(body[8:])
    name = f"示例沙箱供应商{digits}号有限公司"
    account = {"bank_code": "309391000011", "account_number": ACCOUNT_PREFIX + digits, "account_name": name}
    return {
        "name": name,
        "uscc": code + uscc.calc_check_digit(code),
        "legal_representative": "样本甲",
        "mobile": f"138000009{digits}",
        "account": account,
        "consent": {"terms_version": "2026-01"},
    }


def bill_case(number: str) -> Case | None:
    """The case of a magic bill's number."""
    return case_of(number[21:29]) if len(number) == 30 else None


def invoice_case(number: str) -> Case | None:
    """The case of the invoice of a magic bill: ``99``, the bill's issue date, ``00``, its serial."""
    return case_of(number[12:]) if len(number) == 20 and number.startswith("99") and number.isdigit() else None


def magic_holding(number: str) -> Document | None:
    """What the bill registry holds of a magic bill; None of any other, and where the case is that it holds nothing."""
    try:
        parsed = BillNumber.parse(number)
    except BillNumberError:
        return None
    case = bill_case(number)
    if case is None or case.bill is None:
        return None
    supplying = supplier(parsed.serial[4:6])
    holder = {
        "name": supplying["name"],
        "uscc": supplying["uscc"],
        "account": supplying["account"]["account_number"],
    }
    hands = [*_HANDS, holder]
    days = [parsed.issue_date + timedelta(days=2 * step) for step in range(1, len(hands))]
    bill: Document = {
        "number": number,
        "range": _range(case),
        "face_fen": case.face_fen,
        "kind": parsed.kind.value,
        "status": "CS03",
        "circulation": "TF0301",
        "risk": "RS00",
        "endorsement_mark": "EM00",
        "issue_date": parsed.issue_date.isoformat(),
        "maturity_date": (parsed.issue_date + timedelta(days=case.tenor_days)).isoformat(),
        "acceptor": {
            "name": f"示例承兑行{parsed.bank_code[:6]}",
            "bank_code": parsed.bank_code,
            "class": _CLASSES.get(parsed.bank_code, "other"),
        },
        "drawer": dict(_DRAWER),
        "payee": dict(hands[0]),
        "endorsements": [
            {"endorser": dict(left), "endorsee": dict(right), "date": day.isoformat(), "kind": "ET05_01"}
            for left, right, day in zip(hands[:-1], hands[1:], days, strict=True)
        ],
        "holder": dict(holder),
        "holding_id": f"H-{number[-9:]}-1",
        "splittable": True,
        "disclosure": "consistent",
    }
    return _changed(bill, case.bill)


def magic_invoice(number: str) -> Document | None:
    """What the tax authority holds of a magic bill's invoice; None of any other, and where that is the case."""
    case = invoice_case(number)
    if case is None or case.invoice is None:
        return None
    try:
        issued = date(int(number[2:6]), int(number[6:8]), int(number[8:10]))
    except ValueError:
        return None
    found: Document = {
        "number": number,
        "amount_fen": case.face_fen,
        "status": "valid",
        "buyer_uscc": BUYER["uscc"],
        "seller_uscc": supplier(number[16:18])["uscc"],
        "issue_date": issued.isoformat(),
        "used_by": None,
    }
    return _changed(found, case.invoice)


def sample(case: Case, digits: str, today: date, number: int) -> Document:
    """The bodies of a registration (``enterprise``) and of a discount request (``discount``, without the enterprise's
    id) for a bill of its own: ``number`` is another one for every sample.
    """
    turn, free = divmod(number, 1000)
    issued = today - timedelta(days=_ISSUED_DAYS_AGO[turn % len(_ISSUED_DAYS_AGO)])
    serial = f"9{free:03d}{digits}{case.digits}"
    first29 = f"5{case.bank}{issued:%Y%m%d}{serial}"
    enterprise = supplier(digits)
    return {
        "enterprise": enterprise,
        "discount": {
            "institution_id": "bank-1",
            "bill": {
                "number": first29 + check_digit(first29),
                "range": _range(case),
                "amount_fen": case.face_fen,
                "kind": "AC01",
                "issue_date": issued.isoformat(),
                "maturity_date": (issued + timedelta(days=TENOR_DAYS)).isoformat(),
                "acceptor_bank_code": case.bank,
            },
            "trade": {
                "order_number": f"PO-{issued:%Y%m%d}-{serial}",
                "order_amount_fen": case.face_fen,
                "order_date": (issued - _ORDERED).isoformat(),
                "order_buyer_uscc": BUYER["uscc"],
                "invoice_number": f"99{issued:%Y%m%d}00{serial}",
            },
            "payee_account": enterprise["account"]["account_number"],
            "confirmation": {"operator": "operator-1", "factors": ["password", "otp"]},
        },
    }


def table() -> list[Document]:
    """Every case by its name."""
    return [
        {"case": one.name, "digits": one.digits, "what": one.what, "becomes": one.becomes, "reason": one.reason or None}
        for one in CASES
    ]


def _range(case: Case) -> str:
    return f"{1:012d}-{case.face_fen:012d}"


def _changed(document: Document, changes: Mapping[str, Any]) -> Document:
    for path, value in changes.items():
        *steps, last = path.split(".")
        target: Any = document
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target[step]
        target[last] = value
    return document
