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
    _outside("PUT", f"{url}/clock", {"now": now})
    accounts = [{**enterprise["account"], "uscc": enterprise["uscc"]} for enterprise in enterprises]
    _outside("POST", f"{url}/seed", {"accounts": accounts})
    listed = list(bills)
    for at in range(0, len(listed), _CHUNK):
        chunk = listed[at : at + _CHUNK]
        records = {
            "bills": [bill.bill for bill in chunk if bill.bill],
            "invoices": [bill.invoice for bill in chunk if bill.invoice],
        }
        _outside("POST", f"{url}/seed", records)


def statement_total(url: str) -> int:
    """Fen that the bank says it has paid so far."""
    return int(_outside("GET", f"{url}/statement")["total_fen"])


def register(client: PartnerClient, enterprises: list[Document], done: Callable[[], object]) -> dict[str, str]:
    """Register every enterprise and wait until each is active; answers their ids by credit code."""
    with ThreadPoolExecutor(_REGISTRATIONS_IN_FLIGHT) as pool:
        return dict(pool.map(lambda enterprise: _register(client, enterprise, done), enterprises))


def _register(client: PartnerClient, enterprise: Document, done: Callable[[], object]) -> tuple[str, str]:
    answer = client.post("/v1/enterprises", {**enterprise, "consent": {"terms_version": "2026-01"}})
    if answer.status_code != 202:
        raise PartnerError(f"Registering {enterprise['name']} answered {answer.status_code}: {answer.text}")
    enterprise_id = str(answer.json()["enterprise_id"])
    path = f"/v1/enterprises/{enterprise_id}"
    found = _until(client, path, lambda document: document["status"] != "PENDING")
    if found["status"] != "ACTIVE":
        raise PartnerError(f"{enterprise_id} was not activated: {found.get('reason')}")
    done()
    return str(enterprise["uscc"]), enterprise_id


def submit_all(
    client: PartnerClient, bills: list[SampleBill], ids: dict[str, str], receipts: Path, done: Callable[[Outcome], None]
) -> list[Outcome]:
    """Submit every bill, eight in flight, in the file's order; ``done`` hears of each as it ends."""
    receipts.mkdir(parents=True, exist_ok=True)

    def one(bill: SampleBill) -> Outcome:
        outcome = _one(client, bill, ids, receipts)
        done(outcome)
        return outcome

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        return list(pool.map(one, bills))


def _one(client: PartnerClient, bill: SampleBill, ids: dict[str, str], receipts: Path) -> Outcome:
    if bill.holder_uscc not in ids:
        raise PartnerError(f"Line {bill.line}: the holder {bill.holder_uscc} is not in enterprises.json.")
    answer = client.post("/v1/discounts", {**bill.request, "enterprise_id": ids[bill.holder_uscc]})
    if answer.status_code != 202:
        ended = "refused" if answer.status_code in (409, 422) else "failed"
        return Outcome(bill, ended, str(answer.json().get("code", answer.status_code)))
    path = f"/v1/discounts/{answer.json()['discount_id']}"
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
