"""Reads a file of bills (columns: samples/README.md) into what the partner states and what the registries hold."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paths import SAMPLES

COLUMNS = [
    "number",
    "range",
    "amount_fen",
    "kind",
    "issue_date",
    "maturity_date",
    "acceptor_name",
    "acceptor_bank_code",
    "acceptor_class",
    "institution_id",
    "chain",
    "order_number",
    "order_amount_fen",
    "order_date",
    "invoice_number",
    "invoice_amount_fen",
    "invoice_date",
    "differs",
    "at",
    "confirmed_at",
    "quote",
    "key",
    "expected",
    "reason",
]
_OPTIONAL = ("differs", "at", "confirmed_at", "quote", "key", "expected", "reason")
QUOTES = ("", "same", "other")
OUTCOMES = ("disbursed", "refused", "in_review", "failed", "")
Document = dict[str, Any]


class SampleFileError(Exception):
    """The file cannot be used; the message names the line and what to change."""


@dataclass(frozen=True)
class SampleBill:
    """One line: the request without the enterprise's id, the registries' records (None: absent), what must come out.

    ``at`` and ``confirmed_at`` are business times (ISO 8601) of request and confirmation, empty for the file's own time
    and for a request that carries its confirmation; ``quote`` is "same" or "other" where a quote is asked before, for
    this bill or for another amount; ``key`` is the idempotency key, where it is not a fresh one.
    """

    line: int
    holder_uscc: str
    request: Document
    bill: Document | None
    invoice: Document | None
    expected: str
    reason: str
    at: str = ""
    confirmed_at: str = ""
    quote: str = ""
    key: str = ""

    @property
    def quote_request(self) -> Document:
        """What a partner asks before this request."""
        stated = self.request["bill"]
        amount = stated.get("deal_amount_fen") or stated["amount_fen"]
        return {
            "institution_ids": ["bank-1", "bank-2", "bank-3"],
            "kind": stated["kind"],
            "acceptor_bank_code": stated["acceptor_bank_code"],
            "amount_fen": amount if self.quote == "same" else amount + 100,
            "maturity_date": stated["maturity_date"],
        }


def read_json(name: str) -> Any:
    """A JSON file of the samples folder."""
    return json.loads((SAMPLES / name).read_text(encoding="utf-8"))


def read_bills(path: Path) -> list[SampleBill]:
    """Every line of the file. Raises SampleFileError."""
    companies = _companies()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SampleFileError(f"{path} cannot be read as UTF-8 text: {error}") from error
    reader = csv.DictReader(text.splitlines())
    missing = [column for column in COLUMNS if column not in _OPTIONAL and column not in (reader.fieldnames or ())]
    if missing:
        raise SampleFileError(f"{path} lacks the columns {', '.join(missing)}; see {SAMPLES / 'README.md'}.")
    bills = []
    for row in reader:
        try:
            bills.append(_bill(reader.line_num, row, companies))
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise SampleFileError(f"{path}, line {reader.line_num}: {error}") from error
    if not bills:
        raise SampleFileError(f"{path} has no bills.")
    return bills


def _companies() -> dict[str, Document]:
    """Name, credit code and account of every company that a chain may name."""
    found = {company["uscc"]: company for company in read_json("companies.json")}
    for enterprise in read_json("enterprises.json"):
        account = enterprise["account"]["account_number"]
        found[enterprise["uscc"]] = {"name": enterprise["name"], "uscc": enterprise["uscc"], "account": account}
    return found


def _bill(line: int, row: dict[str, str], companies: dict[str, Document]) -> SampleBill:
    parties, dates = _parties(row["chain"], companies)
    holder, buyer = parties[-1], parties[-2]
    expected = (row.get("expected") or "").strip()
    if expected not in OUTCOMES:
        raise ValueError(f"expected is {expected!r}; it is one of {', '.join(OUTCOMES[:-1])} or empty")
    quote = (row.get("quote") or "").strip()
    if quote not in QUOTES:
        raise ValueError(f"quote is {quote!r}; it is {' or '.join(QUOTES[1:])} or empty")
    records: Document = {
        "request": _request(row, buyer, holder),
        "bill": _registered(row, parties, dates),
        "invoice": {
            "number": row["invoice_number"],
            "amount_fen": int(row["invoice_amount_fen"]),
            "status": "valid",
            "buyer_uscc": buyer["uscc"],
            "seller_uscc": holder["uscc"],
            "issue_date": row["invoice_date"],
            "used_by": None,
        },
    }
    for difference in filter(None, (row.get("differs") or "").split(";")):
        path, _, value = difference.partition("=")
        _differ(records, path.strip().split("."), value.strip())
    confirmed_at = (row.get("confirmed_at") or "").strip()
    if confirmed_at:
        records["request"] = {**records["request"], "confirmation": None}
    return SampleBill(
        line=line,
        holder_uscc=holder["uscc"],
        request=_sent(records["request"]),
        bill=records["bill"],
        invoice=records["invoice"],
        expected=expected,
        reason=(row.get("reason") or "").strip(),
        at=(row.get("at") or "").strip(),
        confirmed_at=confirmed_at,
        quote=quote,
        key=(row.get("key") or "").strip(),
    )


def _sent(part: Document) -> Document:
    """The request without what it does not say."""
    kept = {name: value for name, value in part.items() if value not in (None, [])}
    return {name: _sent(value) if isinstance(value, dict) else value for name, value in kept.items()}


def _parties(chain: str, companies: dict[str, Document]) -> tuple[list[Document], list[str]]:
    steps = [step.strip().partition("@") for step in chain.split(">")]
    if len(steps) < 2:
        raise ValueError("chain needs drawer>payee at least")
    unknown = [code for code, _, _ in steps if code not in companies]
    if unknown:
        raise ValueError(f"{unknown[0]} is in neither companies.json nor enterprises.json")
    undated = [code for code, _, day in steps[2:] if not day]
    if undated:
        raise ValueError(f"chain: {undated[0]} needs the date of its endorsement, as {undated[0]}@2026-03-02")
    return [companies[code] for code, _, _ in steps], [day for _, _, day in steps[2:]]


def _request(row: dict[str, str], buyer: Document, holder: Document) -> Document:
    return {
        "institution_id": row["institution_id"],
        "bill": {
            "number": row["number"],
            "range": row["range"],
            "amount_fen": int(row["amount_fen"]),
            "deal_amount_fen": None,
            "kind": row["kind"],
            "issue_date": row["issue_date"],
            "maturity_date": row["maturity_date"],
            "acceptor_bank_code": row["acceptor_bank_code"],
        },
        "trade": {
            "order_number": row["order_number"],
            "order_amount_fen": int(row["order_amount_fen"]),
            "order_date": row["order_date"],
            "order_buyer_uscc": buyer["uscc"],
            "invoice_number": row["invoice_number"],
            "deliveries": [],
            "money_flows": [],
        },
        "enterprise_id": None,
        "interest": None,
        "quote_id": None,
        "payee_account": holder["account"],
        "confirmation": {"operator": "operator-1", "factors": ["password", "otp"]},
    }


def _registered(row: dict[str, str], parties: list[Document], dates: list[str]) -> Document:
    start, _, end = row["range"].partition("-")
    hands = parties[1:]
    return {
        "number": row["number"],
        "range": row["range"],
        "face_fen": int(end) - int(start) + 1,
        "kind": row["kind"],
        "status": "CS03",
        "circulation": "TF0301",
        "risk": "RS00",
        "endorsement_mark": "EM00",
        "issue_date": row["issue_date"],
        "maturity_date": row["maturity_date"],
        "acceptor": {
            "name": row["acceptor_name"],
            "bank_code": row["acceptor_bank_code"],
            "class": row["acceptor_class"],
        },
        "drawer": parties[0],
        "payee": parties[1],
        "endorsements": [
            {"endorser": left, "endorsee": right, "date": day, "kind": "ET05_01"}
            for left, right, day in zip(hands[:-1], hands[1:], dates, strict=True)
        ],
        "holder": parties[-1],
        "holding_id": f"H-{row['number'][-9:]}-{int(start)}",
        "splittable": True,
        "disclosure": "consistent",
    }


def _differ(records: Document, path: list[str], value: str) -> None:
    """Change one value in ``request``, ``bill`` or ``invoice``; ``bill=absent`` removes the record."""
    if len(path) == 1 and path[0] in ("bill", "invoice") and value == "absent":
        records[path[0]] = None
        return
    # A company's document is shared by every place that names it; only this place differs.
    records[path[0]] = json.loads(json.dumps(records[path[0]]))
    target: Any = records[path[0]]
    for step in path[1:-1]:
        target = target[int(step)] if isinstance(target, list) else target[step]
    if path[-1] not in target:
        raise KeyError(f"differs: there is no {'.'.join(path)}")
    target[path[-1]] = _value(target[path[-1]], value)


def _value(present: Any, text: str) -> Any:
    if isinstance(present, bool) or present is None or isinstance(present, list):
        try:
            return json.loads(text)
        except ValueError:
            return text
    if text == "null":
        return None
    return int(text) if isinstance(present, int) else text
