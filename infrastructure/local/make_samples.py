"""Writes the sample data: institutions, enterprises, counterparties, configuration, bills. Same output every time.

Everything is invented, and names say that they are samples; bank codes pass the check of the payment system.
"""

from __future__ import annotations

import csv
import json
import random
from datetime import date, timedelta
from typing import Any

from paths import SAMPLES
from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.lists import Subject
from rongtong.domain.sub_bill_range import SubBillRange
from sample_exceptions import (
    BUYER_PAYS,
    BUYER_PAYS_A_PART,
    FAILED,
    FEN_PER_WAN,
    GROUP_BANKS,
    IN_REVIEW,
    KEY,
    KEYED,
    NOT_VERIFIED,
    REFUSED,
    REFUSED_BY_BANK,
    TIGHT_BANK,
    Row,
    credit_code,
    differ,
    holder_of,
    money_flows,
    months_later,
    number_of,
)
from sample_file import COLUMNS

_FIRST_MATURITY = date(2026, 5, 6)
_CALENDAR = legal_calendar()
_ACCEPTORS = {
    "state_joint": ["102100099996", "105100000017", "309391000011", "308584000013", "301290000007", "310290000013"],
    "city": ["313100000013", "325290000012", "313301099999"],
    "rural": ["322290000011", "314305006665", "402391000068"],
    "foreign": ["501290000012", "787290000019"],
    "finance_company": ["907290000004"],
    "other": ["319361000013"],
}
_CLASSES = ["state_joint"] * 10 + ["city"] * 5 + ["rural"] * 3 + ["foreign"]
_RATES = {
    "state_joint": ("1.080000", "1.150000", "1.230000"),
    "city": ("1.220000", "1.310000", "1.385000"),
    "rural": ("1.360000", "1.450000", "1.525000"),
    "foreign": ("1.180000", "1.260000", "1.345678"),
    "finance_company": ("1.650000", "1.780000", "1.900000"),
    "other": ("1.900000", "2.050000", "2.200000"),
    "commercial": ("3.200000", "3.450000", "3.700000"),
}
_WARM_UP = 48
_PLAIN = 160
_POLICY = {
    "blocked_acceptors": ["316331000018"],
    "overdue_acceptors": ["318110000014"],
    "evidence": {"commercial": ["invoice"]},
    "package_splits": 2,
    "risk_rules": {"LARGE_AMOUNT": {"threshold": 500 * FEN_PER_WAN}},
}
_LIMITS = {
    "bill_fen": 10_000 * FEN_PER_WAN,
    "enterprise": {
        "day_fen": 8_000 * FEN_PER_WAN,
        "month_fen": 100_000 * FEN_PER_WAN,
        "year_fen": 500_000 * FEN_PER_WAN,
    },
    "acceptors": {TIGHT_BANK: 10 * FEN_PER_WAN},
    "groups": {"sample-group": {"limit_fen": 20 * FEN_PER_WAN, "members": list(GROUP_BANKS)}},
    "platform_day_fen": 2_000_000 * FEN_PER_WAN,
}


def main() -> None:
    """Write every file of the samples folder."""
    draw = random.Random(20260415)
    enterprises = [_enterprise(number) for number in range(1, 13)]
    companies = [_company(number) for number in range(101, 125)]
    rows = _bills(draw, enterprises, companies[:-2])
    refused_by_bank = {**_enterprise(REFUSED_BY_BANK), "behaviour": {"result": "FAILED"}}
    not_verified = {**_enterprise(NOT_VERIFIED), "account_uscc": credit_code(109), "expected": "REFUSED"}
    for name, content in (
        ("institutions", [_institution(*line) for line in _INSTITUTIONS]),
        ("enterprises", [*enterprises, refused_by_bank, not_verified]),
        ("companies", companies),
        ("policy", _POLICY),
        ("limits", _LIMITS),
        (
            "acceptors",
            {"bank_classes": {}, "banks": {bank: group for group in _ACCEPTORS for bank in _ACCEPTORS[group]}},
        ),
        ("lists", [_listed("black", companies[-1]), _listed("grey", companies[-2])]),
    ):
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (SAMPLES / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    _write_bills("bills.csv", rows)
    serials = iter(range(5_001, 10_000))
    warm_up = [_plain(draw, enterprises, companies[:-2], serials) for _ in range(_WARM_UP)]
    for row in warm_up[2::3]:
        row |= {"differs": "bill.risk=RS03", "expected": "refused", "reason": "BILL_RISK"}
    _write_bills("warm_up.csv", warm_up)
    print(f"{len(rows)} bills, {len(enterprises) + 2} enterprises, {len(_INSTITUTIONS)} institutions in {SAMPLES}")


def _write_bills(name: str, rows: list[Row]) -> None:
    with (SAMPLES / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _listed(name: str, company: Row) -> Row:
    return {
        "list": name,
        "subject_key": Subject.uscc(company["uscc"]).key,
        "version": 1,
        "effective_from": "2026-01-01",
        "effective_until": None,
        "reason": "SAMPLE",
        "added_by": "operations",
        "approved_by": "operations-2",
    }


_INSTITUTIONS = [
    ("bank-1", "示例第一银行", 201, 0, 200_000 * FEN_PER_WAN, tuple(_RATES), 0),
    ("bank-2", "示例第二银行", 202, 2, 200_000 * FEN_PER_WAN, tuple(_RATES), 0),
    ("bank-3", "示例第三银行", 203, -1, 200_000 * FEN_PER_WAN, tuple(_RATES), 0),
    ("bank-4", "示例第四银行（小额度）", 204, 5, 300 * FEN_PER_WAN, ("state_joint", "city"), 100),
]


def _institution(
    key: str, name: str, number: int, dearer: int, limit_fen: int, classes: tuple[str, ...], fee_fen: int
) -> Row:
    rates = [
        {"acceptor_class": group, "max_days": days, "annual_rate": f"{float(rate) + dearer / 100:.6f}"}
        for group in classes
        for days, rate in zip((30, 90, 200), _RATES[group], strict=True)
    ]
    account = f"6200{number:012d}"
    return {
        "institution_id": key,
        "name": name,
        "uscc": credit_code(number),
        "account": account,
        "limit_fen": limit_fen,
        "fee": {"flat_fen": fee_fen, "per_million": 0},
        "buyer_interest": key == "bank-1",
        "rate_tables": [{"version": 1, "valid_from": "2026-01-01T00:00:00+08:00", "valid_to": None, "rows": rates}],
    }


def _enterprise(number: int) -> Row:
    name = f"示例供应商{number:02d}号有限公司"
    account = {"bank_code": "309391000011", "account_number": f"1179{number:014d}", "account_name": name}
    return {
        "name": name,
        "uscc": credit_code(number),
        "legal_representative": f"样本{'甲乙丙丁戊己庚辛壬癸子丑寅卯'[number - 1]}",
        "mobile": f"1380000{number:04d}",
        "account": account,
    }


def _company(number: int) -> Row:
    return {"name": f"示例往来企业{number}号有限公司", "uscc": credit_code(number), "account": f"3500{number:014d}"}


def _bills(draw: random.Random, enterprises: list[Row], companies: list[Row]) -> list[Row]:
    """Plain bills, then one line for each exception, the exceptions lying apart among the plain ones."""
    serials = iter(range(1, 10_000))
    plain = [_plain(draw, enterprises, companies, serials) for _ in range(_PLAIN)]
    _share_a_package(plain[0], plain[1])
    _discount_in_two_parts(plain[3], plain[5])
    for row in plain[6:12]:
        row["quote"] = "same"
        row["institution_id"] = draw.choice(("bank-1", "bank-2", "bank-3"))
    for row in plain[12:18]:
        money_flows()(row, plain)
    for row, terms in ((plain[18], BUYER_PAYS), (plain[19], BUYER_PAYS_A_PART)):
        row["institution_id"] = "bank-1"
        differ(terms)(row, plain)
    plain[KEYED]["key"] = KEY
    recipes = [("refused", reason, change) for reason, change in REFUSED]
    recipes += [("in_review", reason, change) for reason, change in IN_REVIEW]
    recipes += [("failed", reason, change) for reason, change in FAILED]
    exceptions = []
    for expected, reason, change in recipes:
        row = _plain(draw, enterprises, companies, serials)
        row |= {"expected": expected, "reason": reason}
        change(row, plain)
        exceptions.append(row)
    return _interleaved(plain, exceptions)


def _interleaved(plain: list[Row], exceptions: list[Row]) -> list[Row]:
    """After the first plain bills, so that one sees those flow, the exceptions in even steps."""
    first = KEYED + 1
    rows, rest = plain[:first], plain[first:]
    for at, row in enumerate(rest):
        rows.append(row)
        rows += exceptions[at * len(exceptions) // len(rest) : (at + 1) * len(exceptions) // len(rest)]
    return rows


def _plain(draw: random.Random, enterprises: list[Row], companies: list[Row], serials: Any) -> Row:
    group = draw.choice(_CLASSES)
    bank = draw.choice(_ACCEPTORS[group])
    issued = _working_day(draw, date(2026, 1, 5), date(2026, 4, 1))
    months = draw.choice((3, 4, 5, 6, 6, 6))
    matures = max(months_later(issued, months), _FIRST_MATURITY)
    amount = draw.randrange(5, 400) * FEN_PER_WAN + draw.choice((0, 0, draw.randrange(1, FEN_PER_WAN)))
    start = draw.choice((1, 1, 1, draw.randrange(2, 900) * FEN_PER_WAN + 1))
    ordered = issued - timedelta(days=draw.randrange(10, 60))
    parties = draw.sample(companies, draw.choice((1, 1, 2, 3, 4)))
    holder = draw.choice(enterprises)
    serial = next(serials)
    return {
        "number": number_of("5" if draw.random() < 0.8 else "7", bank, issued, serial),
        "range": SubBillRange(start, start + amount - 1).wire(),
        "amount_fen": amount,
        "kind": "AC01",
        "issue_date": issued,
        "maturity_date": matures,
        "acceptor_name": f"示例承兑行{bank[:6]}",
        "acceptor_bank_code": bank,
        "acceptor_class": group,
        "institution_id": draw.choice(("bank-1", "bank-1", "bank-2", "bank-3")),
        "chain": _chain(draw, [party["uscc"] for party in parties] + [holder["uscc"]], issued),
        "order_number": f"PO-2026-{serial:05d}",
        "order_amount_fen": amount + draw.choice((0, 0, draw.randrange(0, 5) * FEN_PER_WAN)),
        "order_date": ordered,
        "invoice_number": f"2635200000{serial:010d}",
        "invoice_amount_fen": amount,
        "invoice_date": ordered + timedelta(days=draw.randrange(0, 10)),
        "differs": "",
        "at": "",
        "confirmed_at": "",
        "quote": "",
        "key": "",
        "expected": "disbursed",
        "reason": "",
    }


def _chain(draw: random.Random, parties: list[str], issued: date) -> str:
    days = (date(2026, 4, 13) - issued).days
    dates = sorted(issued + timedelta(days=draw.randrange(1, days)) for _ in parties[2:])
    return ">".join(parties[:2] + [f"{party}@{day}" for party, day in zip(parties[2:], dates, strict=True)])


def _working_day(draw: random.Random, first: date, last: date) -> date:
    while True:
        day = first + timedelta(days=draw.randrange((last - first).days + 1))
        if _CALENDAR.is_working_day(day):
            return day


def _share_a_package(first: Row, second: Row) -> None:
    """Two holders of one package: the number alone names neither holding."""
    start = SubBillRange.parse(first["range"]).end + 1
    shared = ("number", "issue_date", "maturity_date", "acceptor_name", "acceptor_bank_code", "acceptor_class")
    second |= {key: first[key] for key in shared}
    second["range"] = SubBillRange(start, start + second["amount_fen"] - 1).wire()
    second["chain"] = ">".join(party.split("@")[0] for party in (second["chain"].split(">")[0], holder_of(second)))
    second["order_date"] = second["invoice_date"] = first["issue_date"] - timedelta(days=5)


def _discount_in_two_parts(first: Row, second: Row) -> None:
    """The holder discounts a part of its range, and what is left of it at once by itself."""
    stated = SubBillRange.parse(first["range"])
    dealt, rest = stated.split(stated.amount_fen // 3)
    assert rest is not None, "a third leaves something"
    invoice = {key: first[key] for key in ("invoice_number", "order_number", "order_date", "invoice_date")}
    same = {key: first[key] for key in first if key not in ("expected", "reason")}
    first["differs"] = f"request.bill.deal_amount_fen={dealt.amount_fen}"
    second |= {
        **same,
        **invoice,
        "range": rest.wire(),
        "amount_fen": rest.amount_fen,
        "differs": "bill=absent;invoice=absent",
    }


if __name__ == "__main__":
    main()
