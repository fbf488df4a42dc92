"""What makes a line of the sample file an exception: what its registries hold, or its partner states, differently.

Every refusal, doubt and failure that a submission can meet, each made from a bill that would be paid.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from stdnum.cn import uscc

from rongtong.domain.bill_number import check_digit
from rongtong.domain.identity import organisation_check
from rongtong.domain.sub_bill_range import SubBillRange

Row = dict[str, Any]
TODAY = date(2026, 4, 15)
FEN_PER_WAN = 1_000_000
REFUSED_BY_BANK, NOT_VERIFIED = 13, 14
TIGHT_BANK, GROUP_BANKS = "403100000004", ("783290000010", "785290000020")


def credit_code(number: int) -> str:
    """A valid unified social credit code for the sample company ``number``."""
    organisation = f"MA{number:06d}"
    first17 = f"91350100{organisation}{organisation_check(organisation)}"
    return first17 + str(uscc.calc_check_digit(first17))


def number_of(channel: str, bank: str, issued: date, serial: int) -> str:
    first29 = f"{channel}{bank}{issued:%Y%m%d}{serial:08d}"
    return first29 + check_digit(first29)


def months_later(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def holder_of(row: Row) -> str:
    return str(row["chain"].split(">")[-1].split("@")[0])


Change = Callable[[Row, list[Row]], None]
KEYED, KEY = 8, "sample-key-used-twice"


def differ(*texts: str) -> Change:
    return lambda row, _: row.update(differs=";".join(filter(None, [row["differs"], *texts])))


BUYER_PAYS = 'request.interest={"payer": "buyer", "agreement": "AG-1"}'
BUYER_PAYS_A_PART = 'request.interest={"payer": "agreement", "buyer_share_percent": "40", "agreement": "AG-2"}'
_NO_AGREEMENT = 'request.interest={"payer": "buyer"}'
_NO_SHARE = 'request.interest={"payer": "agreement", "agreement": "AG-3"}'


def money_flows(payer: str = "", paid_fen: int = 100, **values: Any) -> Change:
    """No invoice: the buyer's other payments under the same order stand in for it (三流合一)."""

    def change(row: Row, _: list[Row]) -> None:
        hands = [step.split("@")[0] for step in row["chain"].split(">")]
        row["order_amount_fen"] = row["amount_fen"] + 100
        flow = {"payer_uscc": payer or hands[-2], "payee_uscc": hands[-1], "amount_fen": paid_fen}
        flow |= {"date": str(row["invoice_date"]), **values}
        differ("request.trade.invoice_number=null", f"request.trade.money_flows={json.dumps([flow])}")(row, [])

    return change


def _set(**values: Any) -> Change:
    return lambda row, _: row.update(values)


def _acceptor(bank: str, group: str = "state_joint", **values: Any) -> Change:
    def change(row: Row, _: list[Row]) -> None:
        number = number_of(row["number"][0], bank, row["issue_date"], int(row["number"][21:29]))
        row |= {"number": number, "acceptor_bank_code": bank, "acceptor_class": group}
        row |= {"acceptor_name": f"示例承兑行{bank[:6]}", **values}

    return change


def _long_chain(row: Row, _: list[Row], *, parties: list[str], day: date | None = None) -> None:
    """Drawer and payee keep their places; the parties follow, the holder closes the chain."""
    issued = row["issue_date"]
    drawer = row["chain"].split(">")[0]
    hands = [*parties, holder_of(row)]
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
    row["number"] = number_of("6", row["acceptor_bank_code"], row["issue_date"], int(row["number"][21:29]))


def _delivered_to(number: int) -> Change:
    def change(row: Row, _: list[Row]) -> None:
        delivery = {"number": "D-1", "date": str(row["invoice_date"]), "consignee_uscc": credit_code(number)}
        _both(money_flows(), differ(f"request.trade.deliveries={json.dumps([delivery])}"))(row, [])

    return change


def _drawn_by_itself(row: Row, _: list[Row]) -> None:
    """The holder drew the bill, and got it back by endorsement."""
    holder = holder_of(row)
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


def _third_slice(row: Row, plain: list[Row]) -> None:
    """The first package, of which two ranges are discounted, a third time; the sample policy allows two."""
    first, second = plain[:2]
    same = ("number", "issue_date", "maturity_date", "acceptor_name", "acceptor_bank_code", "acceptor_class")
    row |= {key: first[key] for key in same}
    start = SubBillRange.parse(second["range"]).end + 1
    row["range"] = SubBillRange(start, start + row["amount_fen"] - 1).wire()
    row["chain"] = f"{credit_code(103)}>{holder_of(row)}"
    row["order_date"] = row["invoice_date"] = first["issue_date"] - timedelta(days=5)


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
        row["chain"] = ">".join([row["chain"].split(">")[0], holder_of(row)])
        row["number"] = number_of(row["number"][0], row["acceptor_bank_code"], issue, int(row["number"][21:29]))

    return change


def _too_long(row: Row, _: list[Row]) -> None:
    row["maturity_date"] = months_later(row["issue_date"], 6) + timedelta(days=1)


def _half_held(row: Row, _: list[Row]) -> None:
    held, _rest = SubBillRange.parse(row["range"]).split(row["amount_fen"] // 2)
    differ(f"bill.range={held.wire()}", f"bill.face_fen={held.amount_fen}")(row, [])


def _held_by(number: int) -> Change:
    """Another holder, after the same drawer."""
    return lambda row, _: row.update(chain=f"{credit_code(103)}>{credit_code(number)}")


def _more_than_all(row: Row, _: list[Row]) -> None:
    differ(f"request.bill.deal_amount_fen={row['amount_fen'] + 1}")(row, [])


def _a_part(row: Row, _: list[Row]) -> None:
    differ("bill.splittable=false", f"request.bill.deal_amount_fen={row['amount_fen'] // 2}")(row, [])


def _above_the_ceiling(row: Row, _: list[Row]) -> None:
    differ("request.bill.range=1-200000000000", "request.bill.amount_fen=200000000000")(row, [])


def _order_used(row: Row, plain: list[Row]) -> None:
    """The order of an earlier bill, which stands in for its invoice, is named again."""
    earlier = plain[14]
    row |= {key: earlier[key] for key in ("chain", "order_number", "order_amount_fen", "issue_date", "order_date")}
    row |= {key: earlier[key] for key in ("invoice_date", "maturity_date", "acceptor_bank_code", "acceptor_class")}
    row |= {"acceptor_name": earlier["acceptor_name"], "institution_id": earlier["institution_id"]}
    row["number"] = number_of("5", row["acceptor_bank_code"], row["issue_date"], int(row["number"][21:29]))
    _large(earlier["amount_fen"], row["institution_id"])(row, plain)
    money_flows()(row, plain)


_FINANCE = ("907290000004", "finance_company")
REFUSED: list[tuple[str, Change]] = [
    ("INVALID_BODY", differ("request.bill.kind=AC99")),
    ("BILL_NUMBER_DIGITS", _renamed(lambda number: number[:-1] + "O")),
    ("BILL_NUMBER_LENGTH", _renamed(lambda number: number + "1")),
    ("BILL_NUMBER_CHANNEL", _renumbered(lambda first29: "3" + first29[1:])),
    ("BILL_NUMBER_CHECK_DIGIT", _renamed(lambda number: number[:-1] + str((int(number[-1]) + 1) % 10))),
    ("BILL_NUMBER_BANK_CODE", _renumbered(lambda text: text[:12] + str((int(text[12]) + 1) % 10) + text[13:])),
    ("BILL_NUMBER_DATE", _renumbered(lambda first29: first29[:13] + "20261301" + first29[21:])),
    ("BILL_LEGACY_NOT_DISCOUNTABLE", _renumbered(lambda first29: "1" + first29[1:])),
    ("RANGE_FORMAT", differ("request.bill.range=one-to-nine")),
    ("RANGE_UPSIDE_DOWN", differ("request.bill.range=10-9")),
    ("RANGE_AMOUNT_MISMATCH", _short),
    ("RANGE_ABOVE_CEILING", _above_the_ceiling),
    ("RANGE_OUTSIDE_HOLDING", _more_than_all),
    ("RANGE_NOT_SPLITTABLE", _a_part),
    ("RANGE_TAKEN", _taken),
    ("RANGE_TOO_MANY_SPLITS", _third_slice),
    ("ENTERPRISE_UNKNOWN", differ("request.enterprise_id=ent_nobody")),
    ("ENTERPRISE_NOT_ACTIVE", _held_by(NOT_VERIFIED)),
    ("INSTITUTION_UNKNOWN", _set(institution_id="bank-9")),
    ("IDEMPOTENCY_KEY_REUSED", _set(key=KEY)),
    ("NOT_A_WORKING_DAY", _set(at="2026-04-18T10:00:00+08:00")),
    ("OUT_OF_SERVICE_HOURS", _set(at="2026-04-15T17:00:00+08:00")),
    ("CALENDAR_UNCONFIRMED", _set(at="2027-01-05T10:00:00+08:00")),
    ("LIMIT_EXCEEDED", _large(301 * FEN_PER_WAN, "bank-4")),
    ("LIMIT_EXCEEDED", _large(10_001 * FEN_PER_WAN)),
    ("LIMIT_EXCEEDED", _large(8_001 * FEN_PER_WAN)),
    ("LIMIT_EXCEEDED", _both(_acceptor(TIGHT_BANK), _large(11 * FEN_PER_WAN))),
    ("LIMIT_EXCEEDED", _both(_acceptor(GROUP_BANKS[0]), _large(21 * FEN_PER_WAN))),
    ("QUOTE_UNKNOWN", differ("request.quote_id=quo_nobody")),
    ("QUOTE_MISMATCH", _set(quote="other")),
    ("QUOTE_EXPIRED", _set(quote="same", at="2026-04-15T11:00:00+08:00")),
    ("BILL_NOT_FOUND", differ("bill=absent")),
    ("BILL_STATUS", differ("bill.status=CS06")),
    ("BILL_LOCKED", differ("bill.circulation=TF0302")),
    ("BILL_PLEDGED", differ("bill.circulation=TF0304")),
    ("BILL_NOT_TRANSFERABLE", differ("bill.endorsement_mark=EM01")),
    ("BILL_AWAITING_REDEMPTION", differ("bill.circulation=TF0305")),
    ("BILL_IN_COLLECTION", differ("bill.circulation=TF0401")),
    ("BILL_IN_RECOURSE", differ("bill.circulation=TF0402")),
    ("BILL_CIRCULATION", differ("bill.circulation=TF0501")),
    ("BILL_RISK", differ("bill.risk=RS03")),
    ("BILL_MATURED", _dated(date(2025, 10, 13), date(2026, 4, 13))),
    ("TENOR_TOO_LONG", _too_long),
    ("MATURITY_BEFORE_ISSUE", _both(_dated(date(2026, 5, 20), date(2026, 5, 19)), _renumbered(_issued_earlier))),
    ("KIND_MISMATCH", differ("bill.kind=AC02")),
    ("DATES_MISMATCH", differ("bill.maturity_date=2026-06-01")),
    ("ACCEPTOR_MISMATCH", differ("bill.acceptor.bank_code=104100000004")),
    ("AMOUNT_MISMATCH", differ("bill.face_fen=100")),
    ("RANGE_NOT_HELD", _half_held),
    ("NOT_THE_HOLDER", differ(f"bill.holder.uscc={credit_code(105)}")),
    ("CHAIN_BROKEN", _both(_chain_of(103, 104, 106), differ(f"bill.endorsements.1.endorser.uscc={credit_code(107)}"))),
    ("CHAIN_FIRST_ENDORSER", _both(_chain_of(103), differ(f"bill.endorsements.0.endorser.account=3500{999:014d}"))),
    (
        "CHAIN_LAST_ENDORSEE",
        _both(_chain_of(103, 104), differ(f"bill.endorsements.2.endorsee.account=3500{999:014d}")),
    ),
    ("CHAIN_KIND", _both(_chain_of(103, 104), differ("bill.endorsements.1.kind=ET03"))),
    ("CHAIN_DATES", _both(_chain_of(103, 104), differ("bill.endorsements.0.date=2026-04-14"))),
    ("DISCLOSURE_MISSING", _both(_acceptor(*_FINANCE), differ("bill.disclosure=missing"))),
    ("DISCLOSURE_INCONSISTENT", _both(_acceptor(*_FINANCE), differ("bill.disclosure=inconsistent"))),
    ("ACCEPTOR_OVERDUE", _acceptor("318110000014")),
    ("ACCEPTOR_BLOCKED", _acceptor("316331000018")),
    ("INVOICE_NOT_FOUND", differ("invoice=absent")),
    ("INVOICE_CANCELLED", differ("invoice.status=cancelled")),
    ("INVOICE_RED", differ("invoice.status=red")),
    ("INVOICE_USED", differ('invoice.used_by="dsc_of_another_platform"')),
    ("INVOICE_PARTIES", differ(f"invoice.seller_uscc={credit_code(108)}")),
    ("INVOICE_AMOUNT", _set(invoice_amount_fen=100)),
    ("ORDER_PARTIES", differ(f"request.trade.order_buyer_uscc={credit_code(REFUSED_BY_BANK)}")),
    ("ORDER_AMOUNT", _set(order_amount_fen=100)),
    ("ORDER_USED", _order_used),
    ("TRADE_DATES", _set(order_date=date(2026, 4, 14))),
    ("TRADE_EVIDENCE_MISSING", differ("request.trade.invoice_number=null")),
    ("TRADE_BASIS", _both(_commercial, money_flows())),
    ("MONEY_FLOW_PARTIES", money_flows(credit_code(REFUSED_BY_BANK))),
    ("MONEY_FLOW_AMOUNT", money_flows(paid_fen=101)),
    ("DELIVERY_PARTIES", _delivered_to(REFUSED_BY_BANK)),
    ("PAYEE_ACCOUNT", differ("request.payee_account=117999999999999999")),
    ("SELF_TRADE", _drawn_by_itself),
    ("PARTY_REFUSED", _chain_of(103, 124)),
    ("NO_RATE", _both(_acceptor("322290000011", "rural"), _large(50 * FEN_PER_WAN, "bank-4"))),
    ("PROCEEDS_NOT_POSITIVE", _both(_acceptor("102100099996"), _large(100, "bank-4"))),
    ("INTEREST_PAYER_NOT_AGREED", _both(_set(institution_id="bank-2"), differ(BUYER_PAYS))),
    ("INTEREST_AGREEMENT_MISSING", _both(_set(institution_id="bank-1"), differ(_NO_AGREEMENT))),
    ("USCC_INVALID", differ("request.trade.order_buyer_uscc=91350100MA000107X8")),
    ("BUYER_SHARE_INVALID", _both(_set(institution_id="bank-1"), differ(_NO_SHARE))),
    ("PRICE_EXPIRED", _set(confirmed_at="2026-04-16T10:00:00+08:00")),
]
IN_REVIEW: list[tuple[str, Change]] = [
    ("REVIEW_LARGE_AMOUNT", _large(500 * FEN_PER_WAN)),
    ("REVIEW_LARGE_AMOUNT", _large(1_200 * FEN_PER_WAN, "bank-2")),
    ("REVIEW_NEW_ACCEPTOR", _acceptor("319361000013", "other")),
    ("REVIEW_NEW_ACCEPTOR", _acceptor("319361000013", "other")),
    ("REVIEW_REQUIRED", _chain_of(103, 123)),
    ("REVIEW_REQUIRED", _chain_of(123)),
    ("REVIEW_ENDORSEMENTS", _chain_of(*range(103, 123), 110)),
    ("REVIEW_BACK_ENDORSEMENT", _chain_of(103, 104, 103)),
    ("REVIEW_BACK_ENDORSEMENT", _chain_of(105, 102, 106)),
    ("REVIEW_QUICK_RESALE", _chain_of(103, 104, day=TODAY)),
]
FAILED: list[tuple[str, Change]] = [("PAYEE_REFUSED", _held_by(REFUSED_BY_BANK))]
