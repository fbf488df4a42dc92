"""Writes the sample data: institutions, enterprises, counterparties, policy and 200 bills. Same output every time.

Everything is invented but the bank codes, which are real numbers of the payment system; names say they are samples.
"""

from __future__ import annotations

import calendar
import csv
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from stdnum.cn import uscc

from paths import SAMPLES
from rongtong.adapters.calendars import legal_calendar
from rongtong.domain.bill_number import check_digit
from rongtong.domain.identity import organisation_check
from rongtong.domain.sub_bill_range import SubBillRange
from sample_file import COLUMNS

Row = dict[str, Any]
TODAY = date(2026, 4, 15)
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
_FEN_PER_WAN = 1_000_000
_WARM_UP = 32


def credit_code(number: int) -> str:
    """A valid unified social credit code for the sample company ``number``."""
    organisation = f"MA{number:06d}"
    first17 = f"91350100{organisation}{organisation_check(organisation)}"
    return first17 + str(uscc.calc_check_digit(first17))


def main() -> None:
    """Write every file of the samples folder."""
    draw = random.Random(20260415)
    enterprises = [_enterprise(number) for number in range(1, 13)]
    companies = [_company(number) for number in range(101, 125)]
    institutions = [_institution(*line) for line in _INSTITUTIONS]
    blocked, grey, blocked_bank, overdue_bank = companies[-1], companies[-2], "316331000018", "318110000014"
    policy = {
        "blocked_usccs": [blocked["uscc"]],
        "blocked_acceptors": [blocked_bank],
        "overdue_acceptors": [overdue_bank],
        "grey_usccs": [grey["uscc"]],
        "review_amount_fen": 500 * _FEN_PER_WAN,
    }
    rows = _bills(draw, enterprises, companies[:-2])
    for name, content in (
        ("institutions", institutions),
        ("enterprises", enterprises),
        ("companies", companies),
        ("policy", policy),
    ):
        text = json.dumps(content, ensure_ascii=False, indent=1)
        (SAMPLES / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    _write_bills("bills.csv", rows)
    serials = iter(range(5_001, 10_000))
    _write_bills("warm_up.csv", [_plain(draw, enterprises, companies[:-2], serials) for _ in range(_WARM_UP)])
    print(f"{len(rows)} bills, {len(enterprises)} enterprises, {len(institutions)} institutions in {SAMPLES}")


def _write_bills(name: str, rows: list[Row]) -> None:
    with (SAMPLES / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


_INSTITUTIONS = [
    ("bank-1", "示例第一银行", 201, 0, 200_000 * _FEN_PER_WAN, tuple(_RATES)),
    ("bank-2", "示例第二银行", 202, 2, 200_000 * _FEN_PER_WAN, tuple(_RATES)),
    ("bank-3", "示例第三银行", 203, -1, 200_000 * _FEN_PER_WAN, tuple(_RATES)),
    ("bank-4", "示例第四银行（小额度）", 204, 5, 300 * _FEN_PER_WAN, ("state_joint", "city")),
]


def _institution(key: str, name: str, number: int, dearer: int, limit_fen: int, classes: tuple[str, ...]) -> Row:
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
        "rates": rates,
    }


def _enterprise(number: int) -> Row:
    name = f"示例供应商{number:02d}号有限公司"
    account = {"bank_code": "309391000011", "account_number": f"1179{number:014d}", "account_name": name}
    return {
        "name": name,
        "uscc": credit_code(number),
        "legal_representative": f"样本{'甲乙丙丁戊己庚辛壬癸子丑'[number - 1]}",
        "mobile": f"1380000{number:04d}",
        "account": account,
    }


def _company(number: int) -> Row:
    return {"name": f"示例往来企业{number}号有限公司", "uscc": credit_code(number), "account": f"3500{number:014d}"}


def _bills(draw: random.Random, enterprises: list[Row], companies: list[Row]) -> list[Row]:
    serials = iter(range(1, 10_000))
    rows = [_plain(draw, enterprises, companies, serials) for _ in range(200)]
    # The exceptions lie apart from each other, the first of them after enough plain bills to see those flow.
    places = [5 * at + 4 for at in range(40)]
    recipes = [("refused", reason, change) for reason, change in _REFUSED.items()]
    recipes += [("in_review", reason, change) for reason, change in _IN_REVIEW]
    for place, (expected, reason, change) in zip(places, recipes, strict=True):
        rows[place] |= {"expected": expected, "reason": reason.split("/")[0]}
        change(rows[place], rows)
    _share_a_package(rows[0], rows[1])
    return rows


def _plain(draw: random.Random, enterprises: list[Row], companies: list[Row], serials: Any) -> Row:
    group = draw.choice(_CLASSES)
    bank = draw.choice(_ACCEPTORS[group])
    issued = _working_day(draw, date(2026, 1, 5), date(2026, 4, 1))
    months = draw.choice((3, 4, 5, 6, 6, 6))
    matures = max(_months_later(issued, months), _FIRST_MATURITY)
    amount = draw.randrange(5, 400) * _FEN_PER_WAN + draw.choice((0, 0, draw.randrange(1, _FEN_PER_WAN)))
    start = draw.choice((1, 1, 1, draw.randrange(2, 900) * _FEN_PER_WAN + 1))
    ordered = issued - timedelta(days=draw.randrange(10, 60))
    parties = draw.sample(companies, draw.choice((1, 1, 2, 3, 4)))
    holder = draw.choice(enterprises)
    serial = next(serials)
    return {
        "number": _number("5" if draw.random() < 0.8 else "7", bank, issued, serial),
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
        "order_amount_fen": amount + draw.choice((0, 0, draw.randrange(0, 5) * _FEN_PER_WAN)),
        "order_date": ordered,
        "invoice_number": f"2635200000{serial:010d}",
        "invoice_amount_fen": amount,
        "invoice_date": ordered + timedelta(days=draw.randrange(0, 10)),
        "differs": "",
        "expected": "disbursed",
        "reason": "",
    }


def _number(channel: str, bank: str, issued: date, serial: int) -> str:
    first29 = f"{channel}{bank}{issued:%Y%m%d}{serial:08d}"
    return first29 + check_digit(first29)


def _chain(draw: random.Random, parties: list[str], issued: date) -> str:
    days = (date(2026, 4, 13) - issued).days
    dates = sorted(issued + timedelta(days=draw.randrange(1, days)) for _ in parties[2:])
    return ">".join(parties[:2] + [f"{party}@{day}" for party, day in zip(parties[2:], dates, strict=True)])


def _working_day(draw: random.Random, first: date, last: date) -> date:
    while True:
        day = first + timedelta(days=draw.randrange((last - first).days + 1))
        if _CALENDAR.is_working_day(day):
            return day


def _months_later(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _share_a_package(first: Row, second: Row) -> None:
    """Two holders of one package: the number alone names neither holding."""
    start = SubBillRange.parse(first["range"]).end + 1
    shared = ("number", "issue_date", "maturity_date", "acceptor_name", "acceptor_bank_code", "acceptor_class")
    second |= {key: first[key] for key in shared}
    second["range"] = SubBillRange(start, start + second["amount_fen"] - 1).wire()
    second["chain"] = ">".join(party.split("@")[0] for party in (second["chain"].split(">")[0], _holder(second)))
    second["order_date"] = second["invoice_date"] = first["issue_date"] - timedelta(days=5)


def _holder(row: Row) -> str:
    return str(row["chain"].split(">")[-1].split("@")[0])


Change = Callable[[Row, list[Row]], None]


def _differ(text: str) -> Change:
    return lambda row, _: row.update(differs=text)


def _set(**values: Any) -> Change:
    return lambda row, _: row.update(values)


def _acceptor(bank: str, group: str = "state_joint", **values: Any) -> Change:
    def change(row: Row, _: list[Row]) -> None:
        number = _number(row["number"][0], bank, row["issue_date"], int(row["number"][21:29]))
        row |= {"number": number, "acceptor_bank_code": bank, "acceptor_class": group}
        row |= {"acceptor_name": f"示例承兑行{bank[:6]}", **values}

    return change


def _long_chain(row: Row, _: list[Row], *, parties: list[str], day: date | None = None) -> None:
    """Drawer and payee keep their places; the parties follow, the holder closes the chain."""
    issued = row["issue_date"]
    drawer = row["chain"].split(">")[0]
    hands = [*parties, _holder(row)]
    dates = [issued + timedelta(days=2 + at * 10 // len(hands)) for at in range(len(hands))]
    if day is not None:
        dates[-1] = day
    row["chain"] = ">".join(
        [drawer, credit_code(102)] + [f"{hand}@{at}" for hand, at in zip(hands, dates, strict=True)]
    )


def _chain_of(*numbers: int, day: date | None = None) -> Change:
    return lambda row, rows: _long_chain(row, rows, parties=[credit_code(at) for at in numbers], day=day)


def _both(*changes: Change) -> Change:
    def change(row: Row, rows: list[Row]) -> None:
        for one in changes:
            one(row, rows)

    return change


def _wrong_check_digit(row: Row, _: list[Row]) -> None:
    row["number"] = row["number"][:-1] + str((int(row["number"][-1]) + 1) % 10)


def _legacy(row: Row, _: list[Row]) -> None:
    row["number"] = _number("1", row["acceptor_bank_code"], row["issue_date"], int(row["number"][21:29]))


def _taken(row: Row, rows: list[Row]) -> None:
    earlier = rows[2]
    row |= {key: earlier[key] for key in earlier if key not in ("expected", "reason", "invoice_number", "order_number")}


def _short(row: Row, _: list[Row]) -> None:
    row["amount_fen"] -= 1


def _large(fen: int, institution: str) -> Change:
    def change(row: Row, _: list[Row]) -> None:
        row |= {"amount_fen": fen, "order_amount_fen": fen, "invoice_amount_fen": fen, "institution_id": institution}
        row["range"] = SubBillRange(1, fen).wire()

    return change


def _matured(row: Row, _: list[Row]) -> None:
    row |= {"issue_date": date(2025, 10, 13), "maturity_date": date(2026, 4, 13)}
    row |= {"order_date": date(2025, 9, 8), "invoice_date": date(2025, 9, 9)}
    row["number"] = _number(row["number"][0], row["acceptor_bank_code"], row["issue_date"], int(row["number"][21:29]))


def _too_long(row: Row, _: list[Row]) -> None:
    row["maturity_date"] = _months_later(row["issue_date"], 6) + timedelta(days=1)


_REFUSED: dict[str, Change] = {
    "BILL_NUMBER_CHECK_DIGIT": _wrong_check_digit,
    "BILL_LEGACY_NOT_DISCOUNTABLE": _legacy,
    "RANGE_AMOUNT_MISMATCH": _short,
    "RANGE_TAKEN": _taken,
    "LIMIT_EXCEEDED": _large(301 * _FEN_PER_WAN, "bank-4"),
    "BILL_NOT_FOUND": _differ("bill=absent"),
    "PARTY_REFUSED": _chain_of(103, 124),
    "BILL_STATUS": _differ("bill.status=CS06"),
    "BILL_LOCKED": _differ("bill.circulation=TF0302"),
    "BILL_PLEDGED": _differ("bill.circulation=TF0304"),
    "BILL_NOT_TRANSFERABLE": _differ("bill.endorsement_mark=EM01"),
    "BILL_RISK": _differ("bill.risk=RS03"),
    "BILL_MATURED": _matured,
    "TENOR_TOO_LONG": _too_long,
    "KIND_MISMATCH": _differ("bill.kind=AC02"),
    "DATES_MISMATCH": _differ("bill.maturity_date=2026-06-01"),
    "ACCEPTOR_MISMATCH": _differ("bill.acceptor.bank_code=104100000004"),
    "AMOUNT_MISMATCH": _differ("bill.face_fen=100"),
    "NOT_THE_HOLDER": _differ(f"bill.holder.uscc={credit_code(105)}"),
    "CHAIN_BROKEN": _both(_chain_of(103, 104, 106), _differ(f"bill.endorsements.1.endorser.uscc={credit_code(107)}")),
    "CHAIN_FIRST_ENDORSER": _both(_chain_of(103, 104), _differ(f"bill.endorsements.0.endorser.account=3500{999:014d}")),
    "DISCLOSURE_MISSING": _acceptor("907290000004", "finance_company", differs="bill.disclosure=missing"),
    "ACCEPTOR_OVERDUE": _acceptor("318110000014"),
    "ACCEPTOR_BLOCKED": _acceptor("316331000018"),
    "INVOICE_NOT_FOUND": _differ("invoice=absent"),
    "INVOICE_CANCELLED": _differ("invoice.status=cancelled"),
    "INVOICE_USED": _differ("invoice.used_by=dsc_of_another_platform"),
    "INVOICE_AMOUNT": _set(invoice_amount_fen=100),
    "ORDER_PARTIES": _differ(f"request.trade.order_buyer_uscc={credit_code(108)}"),
    "PAYEE_ACCOUNT": _differ("request.payee_account=117999999999999999"),
}
_IN_REVIEW: list[tuple[str, Change]] = [
    ("REVIEW_LARGE_AMOUNT", _large(500 * _FEN_PER_WAN, "bank-1")),
    ("REVIEW_LARGE_AMOUNT", _large(1_200 * _FEN_PER_WAN, "bank-2")),
    ("REVIEW_NEW_ACCEPTOR", _acceptor("319361000013", "other")),
    ("REVIEW_NEW_ACCEPTOR", _acceptor("319361000013", "other")),
    ("REVIEW_REQUIRED", _chain_of(103, 123)),
    ("REVIEW_REQUIRED", _chain_of(123)),
    ("REVIEW_ENDORSEMENTS", _chain_of(*range(103, 123), 110)),
    ("REVIEW_BACK_ENDORSEMENT", _chain_of(103, 104, 103)),
    ("REVIEW_BACK_ENDORSEMENT", _chain_of(105, 102, 106)),
    ("REVIEW_QUICK_RESALE", _chain_of(103, 104, day=TODAY)),
]


if __name__ == "__main__":
    main()
