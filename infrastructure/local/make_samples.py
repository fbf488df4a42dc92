"""Writes the sample data: institutions, enterprises, counterparties, configuration, bills. Same output every time.

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
from rongtong.domain.lists import Subject
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
_WARM_UP = 48
_PLAIN = 160
_REFUSED_BY_BANK, _NOT_VERIFIED = 13, 14
_TIGHT_BANK, _GROUP_BANKS = "403100000004", ("783290000010", "785290000020")
_POLICY = {
    "blocked_acceptors": ["316331000018"],
    "overdue_acceptors": ["318110000014"],
    "evidence": {"commercial": ["invoice"]},
    "risk_rules": {"LARGE_AMOUNT": {"threshold": 500 * _FEN_PER_WAN}},
}
_LIMITS = {
    "bill_fen": 10_000 * _FEN_PER_WAN,
    "enterprise": {
        "day_fen": 8_000 * _FEN_PER_WAN,
        "month_fen": 100_000 * _FEN_PER_WAN,
        "year_fen": 500_000 * _FEN_PER_WAN,
    },
    "acceptors": {_TIGHT_BANK: 10 * _FEN_PER_WAN},
    "groups": {"sample-group": {"limit_fen": 20 * _FEN_PER_WAN, "members": list(_GROUP_BANKS)}},
    "platform_day_fen": 2_000_000 * _FEN_PER_WAN,
}


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
    rows = _bills(draw, enterprises, companies[:-2])
    refused_by_bank = {**_enterprise(_REFUSED_BY_BANK), "behaviour": {"result": "FAILED"}}
    not_verified = {**_enterprise(_NOT_VERIFIED), "account_uscc": credit_code(109), "expected": "REFUSED"}
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
    ("bank-1", "示例第一银行", 201, 0, 200_000 * _FEN_PER_WAN, tuple(_RATES), 0),
    ("bank-2", "示例第二银行", 202, 2, 200_000 * _FEN_PER_WAN, tuple(_RATES), 0),
    ("bank-3", "示例第三银行", 203, -1, 200_000 * _FEN_PER_WAN, tuple(_RATES), 0),
    ("bank-4", "示例第四银行（小额度）", 204, 5, 300 * _FEN_PER_WAN, ("state_joint", "city"), 100),
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
        _money_flows()(row, plain)
    for row, terms in ((plain[18], _BUYER_PAYS), (plain[19], _BUYER_PAYS_A_PART)):
        row["institution_id"] = "bank-1"
        _differ(terms)(row, plain)
    plain[_KEYED]["key"] = _KEY
    recipes = [("refused", reason, change) for reason, change in _REFUSED]
    recipes += [("in_review", reason, change) for reason, change in _IN_REVIEW]
    recipes += [("failed", reason, change) for reason, change in _FAILED]
    exceptions = []
    for expected, reason, change in recipes:
        row = _plain(draw, enterprises, companies, serials)
        row |= {"expected": expected, "reason": reason}
        change(row, plain)
        exceptions.append(row)
    return _interleaved(plain, exceptions)


def _interleaved(plain: list[Row], exceptions: list[Row]) -> list[Row]:
    """After the first plain bills, so that one sees those flow, the exceptions in even steps."""
    first = _KEYED + 1
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
        "at": "",
        "confirmed_at": "",
        "quote": "",
        "key": "",
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


Change = Callable[[Row, list[Row]], None]
_KEYED, _KEY = 8, "sample-key-used-twice"


def _differ(*texts: str) -> Change:
    return lambda row, _: row.update(differs=";".join(filter(None, [row["differs"], *texts])))


_BUYER_PAYS = 'request.interest={"payer": "buyer", "agreement": "AG-1"}'
_BUYER_PAYS_A_PART = 'request.interest={"payer": "agreement", "buyer_share_percent": "40", "agreement": "AG-2"}'
_NO_AGREEMENT = 'request.interest={"payer": "buyer"}'
_NO_SHARE = 'request.interest={"payer": "agreement", "agreement": "AG-3"}'


def _money_flows(payer: str = "", paid_fen: int = 100, **values: Any) -> Change:
    """No invoice: the buyer's other payments under the same order stand in for it (三流合一)."""

    def change(row: Row, _: list[Row]) -> None:
        hands = [step.split("@")[0] for step in row["chain"].split(">")]
        row["order_amount_fen"] = row["amount_fen"] + 100
        flow = {"payer_uscc": payer or hands[-2], "payee_uscc": hands[-1], "amount_fen": paid_fen}
        flow |= {"date": str(row["invoice_date"]), **values}
        _differ("request.trade.invoice_number=null", f"request.trade.money_flows={json.dumps([flow])}")(row, [])

    return change


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


def _commercial(row: Row, _: list[Row]) -> None:
    """A commercially accepted bill: even channel mark, class of its own."""
    row |= {"kind": "AC02", "acceptor_class": "commercial"}
    row["number"] = _number("6", row["acceptor_bank_code"], row["issue_date"], int(row["number"][21:29]))


def _delivered_to(number: int) -> Change:
    def change(row: Row, _: list[Row]) -> None:
        delivery = {"number": "D-1", "date": str(row["invoice_date"]), "consignee_uscc": credit_code(number)}
        _both(_money_flows(), _differ(f"request.trade.deliveries={json.dumps([delivery])}"))(row, [])

    return change


def _drawn_by_itself(row: Row, _: list[Row]) -> None:
    """The holder drew the bill, and got it back by endorsement."""
    holder = _holder(row)
    row["chain"] = f"{holder}>{credit_code(103)}>{holder}@{row['issue_date'] + timedelta(days=3)}"


def _both(*changes: Change) -> Change:
    def change(row: Row, rows: list[Row]) -> None:
        for one in changes:
            one(row, rows)

    return change


def _renumbered(edit: Callable[[str], str]) -> Change:
    """Change the first 29 digits and let the check digit fit."""

    def change(row: Row, _: list[Row]) -> None:
        first29 = edit(row["number"][:29])
        row["number"] = first29 + check_digit(first29)

    return change


def _issued_earlier(first29: str) -> str:
    return first29[:13] + "20260401" + first29[21:]


def _renamed(edit: Callable[[str], str]) -> Change:
    return lambda row, _: row.update(number=edit(row["number"]))


def _taken(row: Row, plain: list[Row]) -> None:
    earlier = plain[2]
    row |= {key: earlier[key] for key in earlier if key not in ("expected", "reason", "invoice_number", "order_number")}


def _short(row: Row, _: list[Row]) -> None:
    row["amount_fen"] -= 1


def _large(fen: int, institution: str = "bank-1") -> Change:
    def change(row: Row, _: list[Row]) -> None:
        row |= {"amount_fen": fen, "order_amount_fen": fen, "invoice_amount_fen": fen, "institution_id": institution}
        row["range"] = SubBillRange(1, fen).wire()

    return change


def _dated(issue: date, maturity: date) -> Change:
    """Other dates; the trade lies before the issue, and the bill went from drawer to payee only."""

    def change(row: Row, _: list[Row]) -> None:
        row |= {"issue_date": issue, "maturity_date": maturity}
        row |= {"order_date": issue - timedelta(days=40), "invoice_date": issue - timedelta(days=39)}
        row["chain"] = ">".join([row["chain"].split(">")[0], _holder(row)])
        row["number"] = _number(row["number"][0], row["acceptor_bank_code"], issue, int(row["number"][21:29]))

    return change


def _too_long(row: Row, _: list[Row]) -> None:
    row["maturity_date"] = _months_later(row["issue_date"], 6) + timedelta(days=1)


def _half_held(row: Row, _: list[Row]) -> None:
    held, _rest = SubBillRange.parse(row["range"]).split(row["amount_fen"] // 2)
    _differ(f"bill.range={held.wire()}", f"bill.face_fen={held.amount_fen}")(row, [])


def _held_by(number: int) -> Change:
    """Another holder, after the same drawer."""
    return lambda row, _: row.update(chain=f"{credit_code(103)}>{credit_code(number)}")


def _more_than_all(row: Row, _: list[Row]) -> None:
    _differ(f"request.bill.deal_amount_fen={row['amount_fen'] + 1}")(row, [])


def _a_part(row: Row, _: list[Row]) -> None:
    _differ("bill.splittable=false", f"request.bill.deal_amount_fen={row['amount_fen'] // 2}")(row, [])


def _above_the_ceiling(row: Row, _: list[Row]) -> None:
    _differ("request.bill.range=1-200000000000", "request.bill.amount_fen=200000000000")(row, [])


def _order_used(row: Row, plain: list[Row]) -> None:
    """The order of an earlier bill, which stands in for its invoice, is named again."""
    earlier = plain[14]
    row |= {key: earlier[key] for key in ("chain", "order_number", "order_amount_fen", "issue_date", "order_date")}
    row |= {key: earlier[key] for key in ("invoice_date", "maturity_date", "acceptor_bank_code", "acceptor_class")}
    row |= {"acceptor_name": earlier["acceptor_name"], "institution_id": earlier["institution_id"]}
    row["number"] = _number("5", row["acceptor_bank_code"], row["issue_date"], int(row["number"][21:29]))
    _large(earlier["amount_fen"], row["institution_id"])(row, plain)
    _money_flows()(row, plain)


_FINANCE = ("907290000004", "finance_company")
_REFUSED: list[tuple[str, Change]] = [
    ("INVALID_BODY", _differ("request.bill.kind=AC99")),
    ("BILL_NUMBER_DIGITS", _renamed(lambda number: number[:-1] + "O")),
    ("BILL_NUMBER_LENGTH", _renamed(lambda number: number + "1")),
    ("BILL_NUMBER_CHANNEL", _renumbered(lambda first29: "3" + first29[1:])),
    ("BILL_NUMBER_CHECK_DIGIT", _renamed(lambda number: number[:-1] + str((int(number[-1]) + 1) % 10))),
    ("BILL_NUMBER_BANK_CODE", _renumbered(lambda text: text[:12] + str((int(text[12]) + 1) % 10) + text[13:])),
    ("BILL_NUMBER_DATE", _renumbered(lambda first29: first29[:13] + "20261301" + first29[21:])),
    ("BILL_LEGACY_NOT_DISCOUNTABLE", _renumbered(lambda first29: "1" + first29[1:])),
    ("RANGE_FORMAT", _differ("request.bill.range=one-to-nine")),
    ("RANGE_UPSIDE_DOWN", _differ("request.bill.range=10-9")),
    ("RANGE_AMOUNT_MISMATCH", _short),
    ("RANGE_ABOVE_CEILING", _above_the_ceiling),
    ("RANGE_OUTSIDE_HOLDING", _more_than_all),
    ("RANGE_NOT_SPLITTABLE", _a_part),
    ("RANGE_TAKEN", _taken),
    ("ENTERPRISE_UNKNOWN", _differ("request.enterprise_id=ent_nobody")),
    ("ENTERPRISE_NOT_ACTIVE", _held_by(_NOT_VERIFIED)),
    ("INSTITUTION_UNKNOWN", _set(institution_id="bank-9")),
    ("IDEMPOTENCY_KEY_REUSED", _set(key=_KEY)),
    ("NOT_A_WORKING_DAY", _set(at="2026-04-18T10:00:00+08:00")),
    ("OUT_OF_SERVICE_HOURS", _set(at="2026-04-15T17:00:00+08:00")),
    ("CALENDAR_UNCONFIRMED", _set(at="2027-01-05T10:00:00+08:00")),
    ("LIMIT_EXCEEDED", _large(301 * _FEN_PER_WAN, "bank-4")),
    ("LIMIT_EXCEEDED", _large(10_001 * _FEN_PER_WAN)),
    ("LIMIT_EXCEEDED", _large(8_001 * _FEN_PER_WAN)),
    ("LIMIT_EXCEEDED", _both(_acceptor(_TIGHT_BANK), _large(11 * _FEN_PER_WAN))),
    ("LIMIT_EXCEEDED", _both(_acceptor(_GROUP_BANKS[0]), _large(21 * _FEN_PER_WAN))),
    ("QUOTE_UNKNOWN", _differ("request.quote_id=quo_nobody")),
    ("QUOTE_MISMATCH", _set(quote="other")),
    ("QUOTE_EXPIRED", _set(quote="same", at="2026-04-15T11:00:00+08:00")),
    ("BILL_NOT_FOUND", _differ("bill=absent")),
    ("BILL_STATUS", _differ("bill.status=CS06")),
    ("BILL_LOCKED", _differ("bill.circulation=TF0302")),
    ("BILL_PLEDGED", _differ("bill.circulation=TF0304")),
    ("BILL_NOT_TRANSFERABLE", _differ("bill.endorsement_mark=EM01")),
    ("BILL_AWAITING_REDEMPTION", _differ("bill.circulation=TF0305")),
    ("BILL_IN_COLLECTION", _differ("bill.circulation=TF0401")),
    ("BILL_IN_RECOURSE", _differ("bill.circulation=TF0402")),
    ("BILL_CIRCULATION", _differ("bill.circulation=TF0501")),
    ("BILL_RISK", _differ("bill.risk=RS03")),
    ("BILL_MATURED", _dated(date(2025, 10, 13), date(2026, 4, 13))),
    ("TENOR_TOO_LONG", _too_long),
    ("MATURITY_BEFORE_ISSUE", _both(_dated(date(2026, 5, 20), date(2026, 5, 19)), _renumbered(_issued_earlier))),
    ("KIND_MISMATCH", _differ("bill.kind=AC02")),
    ("DATES_MISMATCH", _differ("bill.maturity_date=2026-06-01")),
    ("ACCEPTOR_MISMATCH", _differ("bill.acceptor.bank_code=104100000004")),
    ("AMOUNT_MISMATCH", _differ("bill.face_fen=100")),
    ("RANGE_NOT_HELD", _half_held),
    ("NOT_THE_HOLDER", _differ(f"bill.holder.uscc={credit_code(105)}")),
    ("CHAIN_BROKEN", _both(_chain_of(103, 104, 106), _differ(f"bill.endorsements.1.endorser.uscc={credit_code(107)}"))),
    ("CHAIN_FIRST_ENDORSER", _both(_chain_of(103), _differ(f"bill.endorsements.0.endorser.account=3500{999:014d}"))),
    (
        "CHAIN_LAST_ENDORSEE",
        _both(_chain_of(103, 104), _differ(f"bill.endorsements.2.endorsee.account=3500{999:014d}")),
    ),
    ("CHAIN_KIND", _both(_chain_of(103, 104), _differ("bill.endorsements.1.kind=ET03"))),
    ("CHAIN_DATES", _both(_chain_of(103, 104), _differ("bill.endorsements.0.date=2026-04-14"))),
    ("DISCLOSURE_MISSING", _both(_acceptor(*_FINANCE), _differ("bill.disclosure=missing"))),
    ("DISCLOSURE_INCONSISTENT", _both(_acceptor(*_FINANCE), _differ("bill.disclosure=inconsistent"))),
    ("ACCEPTOR_OVERDUE", _acceptor("318110000014")),
    ("ACCEPTOR_BLOCKED", _acceptor("316331000018")),
    ("INVOICE_NOT_FOUND", _differ("invoice=absent")),
    ("INVOICE_CANCELLED", _differ("invoice.status=cancelled")),
    ("INVOICE_RED", _differ("invoice.status=red")),
    ("INVOICE_USED", _differ('invoice.used_by="dsc_of_another_platform"')),
    ("INVOICE_PARTIES", _differ(f"invoice.seller_uscc={credit_code(108)}")),
    ("INVOICE_AMOUNT", _set(invoice_amount_fen=100)),
    ("ORDER_PARTIES", _differ(f"request.trade.order_buyer_uscc={credit_code(_REFUSED_BY_BANK)}")),
    ("ORDER_AMOUNT", _set(order_amount_fen=100)),
    ("ORDER_USED", _order_used),
    ("TRADE_DATES", _set(order_date=date(2026, 4, 14))),
    ("TRADE_EVIDENCE_MISSING", _differ("request.trade.invoice_number=null")),
    ("TRADE_BASIS", _both(_commercial, _money_flows())),
    ("MONEY_FLOW_PARTIES", _money_flows(credit_code(_REFUSED_BY_BANK))),
    ("MONEY_FLOW_AMOUNT", _money_flows(paid_fen=101)),
    ("DELIVERY_PARTIES", _delivered_to(_REFUSED_BY_BANK)),
    ("PAYEE_ACCOUNT", _differ("request.payee_account=117999999999999999")),
    ("SELF_TRADE", _drawn_by_itself),
    ("PARTY_REFUSED", _chain_of(103, 124)),
    ("NO_RATE", _both(_acceptor("322290000011", "rural"), _large(50 * _FEN_PER_WAN, "bank-4"))),
    ("PROCEEDS_NOT_POSITIVE", _both(_acceptor("102100099996"), _large(100, "bank-4"))),
    ("INTEREST_PAYER_NOT_AGREED", _both(_set(institution_id="bank-2"), _differ(_BUYER_PAYS))),
    ("INTEREST_AGREEMENT_MISSING", _both(_set(institution_id="bank-1"), _differ(_NO_AGREEMENT))),
    ("USCC_INVALID", _differ("request.trade.order_buyer_uscc=91350100MA000107X8")),
    ("BUYER_SHARE_INVALID", _both(_set(institution_id="bank-1"), _differ(_NO_SHARE))),
    ("PRICE_EXPIRED", _set(confirmed_at="2026-04-16T10:00:00+08:00")),
]
_IN_REVIEW: list[tuple[str, Change]] = [
    ("REVIEW_LARGE_AMOUNT", _large(500 * _FEN_PER_WAN)),
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
_FAILED: list[tuple[str, Change]] = [("PAYEE_REFUSED", _held_by(_REFUSED_BY_BANK))]


if __name__ == "__main__":
    main()
