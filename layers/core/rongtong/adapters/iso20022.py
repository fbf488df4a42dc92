"""ISO 20022 messages between a customer and its bank: pain.001 out; pain.002, camt.054 and camt.053 in. Pure functions.

Every order is a message of its own, and its reference is MsgId, PmtInfId and EndToEndId at once: whichever of them a
bank names in return names the payment. The versions are those that belong together since 2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree import ElementTree as ET

from rongtong.adapters.strict_xml import UnreadableMessageError, child, need, parse, text
from rongtong.domain.money import fen_to_yuan
from rongtong.domain.payment import PaymentStatus
from rongtong.services.ports import PaymentAnswer, PaymentOrder, StatementEntry

_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:"
_CURRENCY = "CNY"
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[a-zA-Z0-9]{1,30}", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z0-9/._-]{1,35}", re.ASCII)
_WRITABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
_AMOUNT = re.compile(r"([0-9]{1,16})(?:\.([0-9]{1,2})0{0,3})?", re.ASCII)
_FEN_MAX = 10**18 - 1
_UNNAMED = "NOTPROVIDED"
"""What the standard writes where an identifier is mandatory and there is none."""

_STATUSES = {
    **dict.fromkeys(("ACTC", "ACCP", "ACSP", "PDNG"), PaymentStatus.PROCESSING),
    **dict.fromkeys(("ACSC", "ACCC"), PaymentStatus.SUCCEEDED),
    "RJCT": PaymentStatus.FAILED,
}
"""ExternalPaymentTransactionStatus1Code; a code that is not here says nothing that could be relied on: UNKNOWN."""
_DUPLICATE = frozenset({"AM05", "DUPL", "DU01", "DU02", "DU03", "DU04", "DU05"})
"""The bank has it already: the order was refused, the payment was not."""
_PAYEE_ALONE = ("AC03", "AC07", "AC14", "BE01", "BE04", "BE06", "CUST", "MD07")
_EITHER_ACCOUNT = ("AC01", "AC04", "AC06", "AG01")
_REASONS = {
    **dict.fromkeys(_PAYEE_ALONE, "PAYEE_REFUSED"),
    **dict.fromkeys(_EITHER_ACCOUNT, "ACCOUNT_REFUSED"),
    **dict.fromkeys(("AC08", "CNOR", "RC01", "RC04", "RC07", "RC10"), "PAYEE_BANK_UNKNOWN"),
    **dict.fromkeys(("AC02", "AC05", "AC13", "AM04", "BE05", "DNOR", "RC03"), "FUNDING_REFUSED"),
    **dict.fromkeys(("AM01", "AM02", "AM06", "AM13", "AM14", "AM21"), "PAYMENT_AMOUNT_REFUSED"),
    **dict.fromkeys(("DT01", "TM01"), "PAST_CUT_OFF"),
    **dict.fromkeys(("AM03", "AM09", "AM10", "AM12", "AM18", "FF01", "FF02", "FF03", "FF05"), "PAYMENT_ORDER_REFUSED"),
}
"""ExternalStatusReason1Code as ours. All others, those of supervision (RR04, FRAD) among them on purpose, are
PAYMENT_FAILED: nobody is to learn from a code that a list was hit."""
_RETURN_REASONS = {**_REASONS, **dict.fromkeys(_EITHER_ACCOUNT, "PAYEE_REFUSED")}
"""ExternalReturnReason1Code: what comes back was refused by the payee's side, whichever account the code may mean."""
_RETURN_CODES = frozenset({"RRTN"})
_REVERSAL_CODES = frozenset({"RPCR"})
"""ExternalBankTransactionSubFamily1Code: reversal due to a payment's return, due to its cancellation."""


class UnwritableOrderError(Exception):
    """The order does not fit into a pain.001."""


@dataclass(frozen=True)
class Debtor:
    """Who pays: the institution's account at the bank that is told to. ``bank_code`` is that bank's CNAPS code."""

    name: str
    account: str
    bank_code: str


def pain_001(order: PaymentOrder, debtor: Debtor, created_at: datetime) -> bytes:
    """One payment as a pain.001.001.09; the same for the same order but for ``created_at``.

    The message has no place for the order's ``not_after``: the sender keeps it. Raises UnwritableOrderError.
    """
    if not 0 < order.amount_fen <= _FEN_MAX:
        raise UnwritableOrderError("The amount is not 1 to 18 digits of fen.")
    amount, reference = fen_to_yuan(order.amount_fen), _written(order.reference, 35)
    document = ET.Element("Document", xmlns=_NAMESPACE + "pain.001.001.09")
    body = ET.SubElement(document, "CstmrCdtTrfInitn")
    _put(body, "GrpHdr/MsgId", reference)
    _put(body, "GrpHdr/CreDtTm", created_at.isoformat(timespec="seconds"))
    _put(body, "GrpHdr/NbOfTxs", "1")
    _put(body, "GrpHdr/CtrlSum", amount)
    _put(body, "GrpHdr/InitgPty/Nm", _written(debtor.name, 140))
    batch = ET.SubElement(body, "PmtInf")
    _put(batch, "PmtInfId", reference)
    _put(batch, "PmtMtd", "TRF")
    _put(batch, "BtchBookg", "false")
    _put(batch, "NbOfTxs", "1")
    _put(batch, "CtrlSum", amount)
    _put(batch, "ReqdExctnDt/Dt", order.execute_on)
    _put(batch, "Dbtr/Nm", _written(debtor.name, 140))
    _put_account(batch, "DbtrAcct", debtor.account)
    _put(batch, "DbtrAcct/Ccy", _CURRENCY)
    _put_bank(batch, "DbtrAgt", debtor.bank_code)
    transfer = ET.SubElement(batch, "CdtTrfTxInf")
    _put(transfer, "PmtId/EndToEndId", reference)
    _put(transfer, "Amt/InstdAmt", amount).set("Ccy", _CURRENCY)
    _put_bank(transfer, "CdtrAgt", order.payee_bank_code)
    _put(transfer, "Cdtr/Nm", _written(order.payee_name, 140))
    _put_account(transfer, "CdtrAcct", order.payee_account)
    _put(transfer, "RmtInf/Ustrd", _written(order.purpose, 140))
    content: bytes = ET.tostring(document, encoding="utf-8", xml_declaration=True)
    return content


def read_pain_002(content: bytes, *, whole_files: bool = True) -> list[PaymentAnswer]:
    """What a pain.002.001.10 says of payments ordered by a pain.001.

    A refusal of an order that the bank has already is UNKNOWN, for what became of the first is to be asked; so is one
    for a reason in the bank's own words only, which may be just that. ``whole_files=False`` leaves out what is said of
    a file without naming its payment: where a file was sent twice it may be about the second. Raises
    UnreadableMessageError.
    """
    report = _body(content, "pain.002.001.10", "CstmrPmtStsRpt")
    group = child(report, "OrgnlGrpInfAndSts")
    if not need(group, "OrgnlMsgNmId").startswith("pain.001."):
        return []
    batches = report.findall("OrgnlPmtInfAndSts")
    files: list[PaymentAnswer | None] = []
    payments: list[PaymentAnswer | None] = []
    if not batches:
        files.append(_answer(need(group, "OrgnlMsgId"), text(group, "GrpSts"), group))
    for batch in batches:
        batch_id, status = need(batch, "OrgnlPmtInfId"), text(batch, "PmtInfSts") or text(group, "GrpSts")
        transactions = batch.findall("TxInfAndSts")
        if not transactions:
            files.append(_answer(batch_id, status, batch, group))
        for one in transactions:
            reference = text(one, "OrgnlEndToEndId") or batch_id
            payments.append(_answer(reference, text(one, "TxSts") or status, one, batch, group))
    return [answer for answer in (*payments, *(files if whole_files else ())) if answer is not None]


def read_camt_054(content: bytes, account: str) -> list[StatementEntry]:
    """The bookings that a camt.054.001.08 notifies for this account. Raises UnreadableMessageError."""
    return [one.entry for one in _notified(content, account)]


def told_by_camt_054(content: bytes, account: str) -> list[PaymentAnswer]:
    """The same as answers, with the reason of a return. Raises UnreadableMessageError."""
    return [
        PaymentAnswer(one.entry.reference, one.entry.status, one.entry.bank_serial, one.reason)
        for one in _notified(content, account)
    ]


def read_camt_053(content: bytes, account: str, day: date) -> list[StatementEntry]:
    """Every payment out of the account, and back, on the day that a camt.053.001.08 states.

    Raises UnreadableMessageError, also when it states another account or day, or when its entries do not lead from its
    opening to its closing balance: then some are missing.
    """
    body = _body(content, "camt.053.001.08", "BkToCstmrStmt")
    found = [one for one in body.findall("Stmt") if _is_of(one, account) and _closes_on(one, day)]
    if len(found) != 1:
        raise UnreadableMessageError("Not one statement of this account and day.")
    statement = found[0]
    if text(statement, "StmtPgntn/LastPgInd") == "false" or text(statement, "StmtPgntn/PgNb") not in (None, "1"):
        raise UnreadableMessageError("One page of several.")
    entries, moved_fen = [], 0
    for entry in statement.findall("Ntry"):
        bookings, entry_fen = _booked(entry)
        if bookings and _date(entry, "BookgDt") not in (None, day.isoformat()):
            raise UnreadableMessageError("An entry of another day.")
        entries += [one.entry for one in bookings]
        moved_fen += entry_fen
    if _balance(statement, "OPBD", "PRCD") + moved_fen != _balance(statement, "CLBD"):
        raise UnreadableMessageError("The entries do not explain the balances.")
    return entries


@dataclass(frozen=True)
class _Booking:
    entry: StatementEntry
    reason: str | None


def _notified(content: bytes, account: str) -> Iterator[_Booking]:
    body = _body(content, "camt.054.001.08", "BkToCstmrDbtCdtNtfctn")
    for notification in body.findall("Ntfctn"):
        if _is_of(notification, account):
            for entry in notification.findall("Ntry"):
                yield from _booked(entry)[0]


def _booked(entry: ET.Element) -> tuple[list[_Booking], int]:
    """An entry's bookings of payments, and the fen that it adds to the balance, which is nothing until it is booked."""
    if text(entry, "Sts/Cd") != "BOOK":
        return [], 0
    total, details = _signed_fen(entry, need(entry, "CdtDbtInd")), entry.findall("NtryDtls/TxDtls")
    if not details:
        return _bookings(entry, entry, total), total
    whole = [total] if len(details) == 1 else []
    amounts = [
        whole[0] if whole and one.find("Amt") is None else _signed_fen(one, text(one, "CdtDbtInd") or _side(total))
        for one in details
    ]
    if sum(amounts) != total:
        raise UnreadableMessageError("An entry is not the sum of its details.")
    return [found for one, fen in zip(details, amounts, strict=True) for found in _bookings(entry, one, fen)], total


def _bookings(entry: ET.Element, detail: ET.Element, fen: int) -> list[_Booking]:
    """At most one. Money that came without being a payment's return, and what undoes a credit, is no payment's."""
    family = {text(one, "BkTxCd/Domn/Fmly/SubFmlyCd") for one in (entry, detail)}
    returned = detail.find("RtrInf") is not None or not family.isdisjoint(_RETURN_CODES)
    reversed_ = text(entry, "RvslInd") in ("true", "1") or not family.isdisjoint(_REVERSAL_CODES)
    if fen < 0:
        status = None if returned or reversed_ else PaymentStatus.SUCCEEDED
    else:
        status = PaymentStatus.RETURNED if returned else PaymentStatus.REVERSED if reversed_ else None
    if status is None:
        return []
    serial = _identifier(text(detail, "Refs/AcctSvcrRef") or text(entry, "AcctSvcrRef"))
    reference = _identifier(text(detail, "Refs/EndToEndId"))
    named = reference if reference not in (None, _UNNAMED) else serial
    reason = text(detail, "RtrInf/Rsn/Cd")
    stated = StatementEntry(named or _UNNAMED, abs(fen), status, serial)
    return [_Booking(stated, _RETURN_REASONS.get(reason, "PAYMENT_FAILED") if reason else None)]


def _answer(reference: str, code: str | None, *levels: ET.Element) -> PaymentAnswer | None:
    """``levels`` are what was said of the payment, of its batch and of its file: a reason may stand at any of them."""
    if _identifier(reference) is None:
        return None
    serial = _identifier(text(levels[0], "AcctSvcrRef"))
    status = _STATUSES.get(code or "", PaymentStatus.UNKNOWN)
    if status is not PaymentStatus.FAILED:
        return PaymentAnswer(reference, status, serial)
    codes = [(node.text or "").strip() for level in levels for node in level.findall("StsRsnInf/Rsn/Cd")]
    own_words = any(level.find("StsRsnInf/Rsn/Prtry") is not None for level in levels)
    if not _DUPLICATE.isdisjoint(codes) or (own_words and not codes):
        return PaymentAnswer(reference, PaymentStatus.UNKNOWN, serial)
    reason = next((_REASONS[one] for one in codes if one in _REASONS), "PAYMENT_FAILED")
    return PaymentAnswer(reference, status, serial, reason)


def _is_of(report: ET.Element, account: str) -> bool:
    named = text(report, "Acct/Id/IBAN") or text(report, "Acct/Id/Othr/Id")
    return named == account


def _closes_on(statement: ET.Element, day: date) -> bool:
    return any(
        text(one, "Tp/CdOrPrtry/Cd") == "CLBD" and _date(one, "Dt") == day.isoformat()
        for one in statement.findall("Bal")
    )


def _balance(statement: ET.Element, *codes: str) -> int:
    found = [one for one in statement.findall("Bal") if text(one, "Tp/CdOrPrtry/Cd") in codes]
    if len(found) != 1:
        raise UnreadableMessageError(f"Not one balance {' or '.join(codes)}.")
    return _signed_fen(found[0], need(found[0], "CdtDbtInd"))


def _signed_fen(node: ET.Element, side: str) -> int:
    """The amount in fen, negative where it leaves the account."""
    amount = child(node, "Amt")
    found = _AMOUNT.fullmatch((amount.text or "").strip())
    if found is None or amount.get("Ccy") != _CURRENCY or side not in ("CRDT", "DBIT"):
        raise UnreadableMessageError("An amount is not in whole fen of CNY, or on neither side.")
    fen = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))
    return fen if side == "CRDT" else -fen


def _side(fen: int) -> str:
    return "DBIT" if fen < 0 else "CRDT"


def _identifier(found: str | None) -> str | None:
    """An identifier is passed on; words, which may name persons, are not."""
    return found if found is not None and _IDENTIFIER.fullmatch(found) else None


def _date(node: ET.Element, path: str) -> str | None:
    day, instant = text(node, f"{path}/Dt"), text(node, f"{path}/DtTm")
    return day or (instant[:10] if instant else None)


def _body(content: bytes, message: str, name: str) -> ET.Element:
    document = parse(content, _NAMESPACE + message)
    if document.tag != "Document":
        raise UnreadableMessageError(f"This is no {message}.")
    return child(document, name)


def _written(value: str, length_max: int) -> str:
    if not value.strip() or len(value) > length_max or not _WRITABLE.fullmatch(value):
        raise UnwritableOrderError(f"A text is empty, longer than {length_max} or has control characters.")
    return value


def _put(parent: ET.Element, path: str, value: str) -> ET.Element:
    """Add a leaf behind what is there; a group that was begun last is gone on with."""
    *groups, leaf = path.split("/")
    for tag in groups:
        begun = len(parent) and parent[-1].tag == tag
        parent = parent[-1] if begun else ET.SubElement(parent, tag)
    node = ET.SubElement(parent, leaf)
    node.text = value
    return node


def _put_account(parent: ET.Element, path: str, number: str) -> None:
    if _IBAN.fullmatch(number):
        _put(parent, f"{path}/Id/IBAN", number)
    else:
        _put(parent, f"{path}/Id/Othr/Id", _written(number, 34))


def _put_bank(parent: ET.Element, path: str, code: str) -> None:
    """A bank by its 12 digits in CNAPS, as a clearing system's member."""
    _put(parent, f"{path}/FinInstnId/ClrSysMmbId/ClrSysId/Cd", "CNAPS")
    _put(parent, f"{path}/FinInstnId/ClrSysMmbId/MmbId", _written(code, 35))
