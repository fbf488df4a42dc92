"""A statement as ISO 20022 camt.053.001.08, for the programs that read their bank's statements so.

It is written as the paying account sees it, like the bank's own: what was paid is a debit, what came back a credit. It
states the period's turnover and no account's balance: the opening balance is nought, the closing one what moved.
"""

from __future__ import annotations

import hashlib
from xml.etree import ElementTree as ET

from rongtong.domain.calendar import SHANGHAI
from rongtong.domain.money import fen_to_yuan
from rongtong.domain.statement import OUT, Line, LineKind, Statement, Totals, totals

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
_CURRENCY = "CNY"
_SUB_FAMILIES = {
    LineKind.PAID: "DMCT",
    LineKind.PAID_AGAIN: "DMCT",
    LineKind.RETURNED: "RRTN",
    LineKind.REVERSED: "RPCR",
}
"""ExternalBankTransactionSubFamily1Code under PMNT/ICDT: domestic transfer, and its reversal due to a return or to a
cancellation."""
_TURNOVER = "Turnover of the period, not the balance of an account: it opens at nought. Open payments are left out."


def camt_053(made: Statement) -> bytes:
    """The booked lines as one statement whose account is the owner's id; OPEN lines are not booked and left out.

    The same for the same statement. Fees and interest are proprietary amounts of the detail, for the amount is without
    them already.
    """
    booked = [line for line in made.lines if line.kind is not LineKind.OPEN]
    sums = totals(booked)
    document = ET.Element("Document", xmlns=_NAMESPACE)
    body = ET.SubElement(document, "BkToCstmrStmt")
    own_id, created = _own_id(made), made.made_at.isoformat(timespec="seconds")
    header = ET.SubElement(body, "GrpHdr")
    _put(header, "MsgId", own_id)
    _put(header, "CreDtTm", created)
    stated = ET.SubElement(body, "Stmt")
    _put(stated, "Id", own_id)
    _put(stated, "CreDtTm", created)
    span = ET.SubElement(stated, "FrToDt")
    _put(span, "FrDtTm", f"{made.period.first.isoformat()}T00:00:00+08:00")
    _put(span, "ToDtTm", f"{made.period.last.isoformat()}T23:59:59+08:00")
    account = ET.SubElement(stated, "Acct")
    _put(ET.SubElement(ET.SubElement(account, "Id"), "Othr"), "Id", made.owner[:34])
    _put(account, "Ccy", _CURRENCY)
    _balance(stated, "OPBD", 0, made.period.first.isoformat())
    _balance(stated, "CLBD", -sums.net_fen, made.period.last.isoformat())
    _summary(stated, sums)
    for line in booked:
        _entry(stated, line)
    _put(stated, "AddtlStmtInf", _TURNOVER)
    content: bytes = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    return content


def _own_id(made: Statement) -> str:
    """At most 35 characters, another for every owner, period and moment of making."""
    about = f"{made.owner}/{made.period.text()}/{made.made_at.isoformat()}"
    return f"RTST{made.period.text().replace('-', '')}{hashlib.sha256(about.encode()).hexdigest()[:20].upper()}"


def _balance(stated: ET.Element, code: str, fen: int, day: str) -> None:
    balance = ET.SubElement(stated, "Bal")
    _put(ET.SubElement(ET.SubElement(balance, "Tp"), "CdOrPrtry"), "Cd", code)
    _amount(balance, abs(fen))
    _put(balance, "CdtDbtInd", _side(fen))
    _put(ET.SubElement(balance, "Dt"), "Dt", day)


def _summary(stated: ET.Element, sums: Totals) -> None:
    counts = {kind: found.count for kind, found in sums.by_kind.items()}
    out = sum(counts[kind] for kind in OUT)
    back = sum(counts.values()) - out
    summary = ET.SubElement(stated, "TxsSummry")
    whole = ET.SubElement(summary, "TtlNtries")
    _put(whole, "NbOfNtries", str(out + back))
    _put(whole, "Sum", fen_to_yuan(sums.out_fen + sums.back_fen))
    net = ET.SubElement(whole, "TtlNetNtry")
    _put(net, "Amt", fen_to_yuan(abs(sums.net_fen)))
    _put(net, "CdtDbtInd", _side(-sums.net_fen))
    for name, count, fen in (("TtlCdtNtries", back, sums.back_fen), ("TtlDbtNtries", out, sums.out_fen)):
        side = ET.SubElement(summary, name)
        _put(side, "NbOfNtries", str(count))
        _put(side, "Sum", fen_to_yuan(fen))


def _entry(stated: ET.Element, line: Line) -> None:
    entry = ET.SubElement(stated, "Ntry")
    _amount(entry, line.amount_fen)
    _put(entry, "CdtDbtInd", "DBIT" if line.kind in OUT else "CRDT")
    if line.kind is LineKind.REVERSED:
        _put(entry, "RvslInd", "true")
    _put(ET.SubElement(entry, "Sts"), "Cd", "BOOK")
    _put(ET.SubElement(entry, "BookgDt"), "Dt", line.day.isoformat())
    _put(ET.SubElement(entry, "ValDt"), "Dt", line.at.astimezone(SHANGHAI).date().isoformat())
    if line.bank_serial is not None:
        _put(entry, "AcctSvcrRef", line.bank_serial[:35])
    _code(entry, line)
    detail = ET.SubElement(ET.SubElement(entry, "NtryDtls"), "TxDtls")
    references = ET.SubElement(detail, "Refs")
    _put(references, "EndToEndId", line.reference)
    own = ET.SubElement(references, "Prtry")
    _put(own, "Tp", "DISCOUNT_ID")
    _put(own, "Ref", line.discount_id[:35])
    _amount(detail, line.amount_fen)
    _put(detail, "CdtDbtInd", "DBIT" if line.kind in OUT else "CRDT")
    if line.parts is not None:
        parts = ET.SubElement(detail, "AmtDtls")
        for name, fen in (
            ("FACE", line.parts.face_fen),
            ("INTEREST", line.parts.interest_fen),
            ("BUYER_INTEREST", line.parts.buyer_interest_fen),
            ("FEE", line.parts.fee_fen),
        ):
            part = ET.SubElement(parts, "PrtryAmt")
            _put(part, "Tp", name)
            _amount(part, fen)
    _put(ET.SubElement(detail, "RmtInf"), "Ustrd", f"{line.bill_number} {line.range}"[:140])
    if line.kind is LineKind.RETURNED:
        returned = ET.SubElement(detail, "RtrInf")
        if line.reason is not None:
            # Ours, not the bank's: several codes of the standard have become one reason.
            _put(ET.SubElement(returned, "Rsn"), "Prtry", line.reason[:35])


def _code(entry: ET.Element, line: Line) -> None:
    domain = ET.SubElement(ET.SubElement(entry, "BkTxCd"), "Domn")
    _put(domain, "Cd", "PMNT")
    family = ET.SubElement(domain, "Fmly")
    _put(family, "Cd", "ICDT")
    _put(family, "SubFmlyCd", _SUB_FAMILIES[line.kind])


def _side(fen: int) -> str:
    return "DBIT" if fen < 0 else "CRDT"


def _amount(parent: ET.Element, fen: int) -> None:
    _put(parent, "Amt", fen_to_yuan(fen)).set("Ccy", _CURRENCY)


def _put(parent: ET.Element, name: str, value: str) -> ET.Element:
    node = ET.SubElement(parent, name)
    node.text = value
    return node
