"""Acts as a partner platform: registers enterprises, submits bills, follows each to its end, keeps the receipts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

from partner_client import PartnerClient
from sample_file import SampleBill

IN_FLIGHT = 8
_REGISTRATIONS_IN_FLIGHT = 3
_FIRST_POLL_S, _POLL_S = 0.9, 0.3
_PATIENCE_S = 180
_CHUNK = 25
_CLOCK_SEEN_S = 2.5
"""After this long every function process has seen a changed business clock."""
_ENDS = {"DISBURSED": "disbursed", "REFUSED": "refused", "FAILED": "failed", "IN_REVIEW": "in_review"}
Document = dict[str, Any]


class PartnerError(Exception):
    """The platform did not do what a partner may rely on."""


@dataclass
class Outcome:
    """What became of one bill."""

    bill: SampleBill
    outcome: str
    reason: str
    discount: Document = field(default_factory=dict)
    receipt: Path | None = None

    @property
    def as_expected(self) -> bool:
        """Whether the file's ``expected`` and ``reason`` came out; where it names none, anything but failed."""
        if not self.bill.expected:
            return self.outcome != "failed"
        return (self.outcome, self.reason) == (self.bill.expected, self.bill.reason)

    @property
    def seconds(self) -> float:
        """From acceptance to money out."""
        accepted, paid = (datetime.fromisoformat(self.discount[key]) for key in ("accepted_at", "paid_at"))
        return (paid - accepted).total_seconds()


def prepare_sandbox(url: str, now: str, bills: Iterable[SampleBill], enterprises: list[Document]) -> None:
    """Set the business clock and tell the registries and the bank what they hold."""
    set_clock(url, now)
    accounts = [
        {**enterprise["account"], "uscc": enterprise.get("account_uscc", enterprise["uscc"]), **_behaviour(enterprise)}
        for enterprise in enterprises
    ]
    _outside("POST", f"{url}/seed", {"accounts": accounts})
    listed = list(bills)
    for at in range(0, len(listed), _CHUNK):
        chunk = listed[at : at + _CHUNK]
        records = {
            "bills": [bill.bill for bill in chunk if bill.bill],
            "invoices": [bill.invoice for bill in chunk if bill.invoice],
        }
        _outside("POST", f"{url}/seed", records)


def _behaviour(enterprise: Document) -> Document:
    return {"behaviour": enterprise["behaviour"]} if "behaviour" in enterprise else {}


def set_clock(url: str, now: str) -> None:
    """Let business time be ``now`` and tick on from there."""
    _outside("PUT", f"{url}/clock", {"now": now})


def statement_total(url: str) -> int:
    """Fen that the bank says it has paid so far."""
    return int(_outside("GET", f"{url}/statement")["total_fen"])


def register(client: PartnerClient, enterprises: list[Document], done: Callable[[], object]) -> dict[str, str]:
    """Register every enterprise and wait for its verification; answers their ids by credit code."""
    with ThreadPoolExecutor(_REGISTRATIONS_IN_FLIGHT) as pool:
        return dict(pool.map(lambda enterprise: _register(client, enterprise, done), enterprises))


def _register(client: PartnerClient, enterprise: Document, done: Callable[[], object]) -> tuple[str, str]:
    body = {name: enterprise[name] for name in ("name", "uscc", "legal_representative", "mobile", "account")}
    answer = client.post("/v1/enterprises", {**body, "consent": {"terms_version": "2026-01"}})
    if answer.status_code != 202:
        raise PartnerError(f"Registering {enterprise['name']} answered {answer.status_code}: {answer.text}")
    enterprise_id = str(answer.json()["enterprise_id"])
    path = f"/v1/enterprises/{enterprise_id}"
    found = _until(client, path, lambda document: document["status"] != "PENDING")
    if found["status"] != enterprise.get("expected", "ACTIVE"):
        raise PartnerError(f"{enterprise_id} became {found['status']}: {found.get('reason')}")
    done()
    return str(enterprise["uscc"]), enterprise_id


@dataclass(frozen=True)
class Session:
    """One partner at work: its client, its enterprises' ids by credit code, where receipts go, the sandbox's URL."""

    client: PartnerClient
    ids: dict[str, str]
    receipts: Path
    sandbox_url: str


def submit_all(session: Session, bills: list[SampleBill], done: Callable[[Outcome], None]) -> list[Outcome]:
    """Submit every bill, eight in flight, in the file's order; ``done`` hears of each as it ends.

    Lines with a time of their own come after all others, each time's lines together.
    """
    session.receipts.mkdir(parents=True, exist_ok=True)
    quotes = {bill.line: _quote(session.client, bill) for bill in bills if bill.quote}
    outcomes: dict[int, Outcome] = {}
    waiting: list[tuple[SampleBill, str]] = []

    def one(bill: SampleBill) -> None:
        answer = _request(session, bill, quotes.get(bill.line))
        if isinstance(answer, str) and bill.confirmed_at:
            _until(session.client, answer, lambda document: document["status"] == "AWAITING_CONFIRMATION")
            waiting.append((bill, answer))
            return
        outcomes[bill.line] = answer if isinstance(answer, Outcome) else _follow(session, bill, answer)
        done(outcomes[bill.line])

    def confirm(pair: tuple[SampleBill, str]) -> None:
        bill, path = pair
        answer = session.client.post(f"{path}/confirmation", {"operator": "operator-1", "factors": ["password", "otp"]})
        if answer.status_code != 200:
            raise PartnerError(f"Line {bill.line}: the confirmation answered {answer.status_code}: {answer.text}")
        outcomes[bill.line] = _follow(session, bill, path)
        done(outcomes[bill.line])

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        for at in sorted({bill.at for bill in bills}):
            if at:
                _move_clock(session, at)
            list(pool.map(one, [bill for bill in bills if bill.at == at]))
        for at in sorted({bill.confirmed_at for bill, _ in waiting}):
            _move_clock(session, at)
            list(pool.map(confirm, [pair for pair in waiting if pair[0].confirmed_at == at]))
    return [outcomes[bill.line] for bill in bills]


def _move_clock(session: Session, now: str) -> None:
    set_clock(session.sandbox_url, now)
    time.sleep(_CLOCK_SEEN_S)


def _quote(client: PartnerClient, bill: SampleBill) -> str:
    answer = client.post("/v1/quotes", bill.quote_request)
    if answer.status_code != 201:
        raise PartnerError(f"Line {bill.line}: the quote answered {answer.status_code}: {answer.text}")
    return str(answer.json()["quote_id"])


def _request(session: Session, bill: SampleBill, quote_id: str | None) -> Outcome | str:
    """The discount's path, or how the request was refused."""
    if bill.holder_uscc not in session.ids:
        raise PartnerError(f"Line {bill.line}: the holder {bill.holder_uscc} is not in enterprises.json.")
    body = {"enterprise_id": session.ids[bill.holder_uscc], **bill.request}
    if quote_id is not None:
        body["quote_id"] = quote_id
    answer = session.client.post("/v1/discounts", body, bill.key or None)
    if answer.status_code != 202:
        ended = "refused" if answer.status_code in (409, 422) else "failed"
        return Outcome(bill, ended, str(answer.json().get("code", answer.status_code)))
    return f"/v1/discounts/{answer.json()['discount_id']}"


def _follow(session: Session, bill: SampleBill, path: str) -> Outcome:
    client, receipts = session.client, session.receipts
    time.sleep(_FIRST_POLL_S)
    found = _until(client, path, lambda document: document["status"] in _ENDS)
    outcome = Outcome(bill, _ENDS[found["status"]], str(found.get("reason") or ""), found)
    if outcome.outcome == "disbursed":
        outcome.receipt = receipts / f"{found['discount_id']}.json"
        outcome.receipt.write_bytes(_receipt(client, path))
    return outcome


def _until(client: PartnerClient, path: str, ready: Callable[[Document], bool]) -> Document:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        answer = client.get(path)
        if answer.status_code == 200:
            document: Document = answer.json()
            if ready(document):
                return document
        elif answer.status_code < 500:
            raise PartnerError(f"GET {path} answered {answer.status_code}: {answer.text}")
        if time.monotonic() > deadline:
            raise PartnerError(f"GET {path} did not come to its end in {_PATIENCE_S} s: {answer.text}")
        time.sleep(_POLL_S)


def _receipt(client: PartnerClient, path: str) -> bytes:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        answer = client.get(f"{path}/receipt")
        if answer.status_code == 200:
            return answer.content
        if answer.status_code != 409:
            raise PartnerError(f"GET {path}/receipt answered {answer.status_code}: {answer.text}")
        time.sleep(_POLL_S)
    raise PartnerError(f"GET {path}/receipt: not recorded in {_PATIENCE_S} s")


def _outside(method: str, url: str, body: Document | None = None) -> Document:
    answer = requests.request(method, url, json=body, timeout=60)
    if not answer.ok:
        raise PartnerError(f"The sandbox answered {answer.status_code} to {method} {url}: {answer.text[:300]}")
    document: Document = answer.json()
    return document
