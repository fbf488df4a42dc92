"""What end-to-end tests do with the running stack."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from demo import BUSINESS_TIME
from partner_client import PartnerClient
from paths import SAMPLES, discard
from rongtong.operations import main as operations
from sample_file import SampleBill, read_bills, read_json
from seed import load_key
from stack import TASKS_AT_ONCE, Stack, up
from submit import prepare_sandbox, register

PATIENCE_S = 120
_CLIENTS = ("partner-a", "partner-b", "operations", "operations-2", "sample-bank", "sample-supervisor")
_SPECIAL = {"deal_amount_fen", "interest", "repurchase"}
"""Lines with terms of their own, or that need another line or a quote before them, are the demo's."""


@dataclass
class Deployed:
    """The running stack with its partners; every test takes plain bills of its own."""

    stack: Stack
    clients: dict[str, PartnerClient]
    ids: dict[str, dict[str, str]]
    plain: Iterator[SampleBill]
    samples: list[SampleBill] = field(default_factory=list)

    def request(self, bill: SampleBill, /, partner: str = "partner-a", **changes: Any) -> dict[str, Any]:
        """The body of a bill's request."""
        return {**bill.request, "enterprise_id": self.ids[partner][bill.holder_uscc], **changes}

    def submit(self, bill: SampleBill, /, partner: str = "partner-a", **changes: Any) -> str:
        """Submit and answer the discount's id."""
        answer = self.clients[partner].post("/v1/discounts", self.request(bill, partner, **changes))
        assert answer.status_code == 202, answer.text
        return str(answer.json()["discount_id"])

    def until(self, discount_id: str, *statuses: str, partner: str = "partner-a") -> dict[str, Any]:
        """Follow a discount until it is in one of the statuses."""
        return wait_for(
            lambda: self.clients[partner].get(f"/v1/discounts/{discount_id}").json(),
            lambda document: document.get("status") in statuses,
        )

    def payments(self, payee_account: str, amount_fen: int) -> list[dict[str, Any]]:
        """Booked payments of one amount to one account, as the bank's statement tells."""
        listed = requests.get(f"{self.stack.sandbox_url}/statement", timeout=30).json()["payments"]
        return [p for p in listed if (p["payee_account"], p["amount_fen"]) == (payee_account, amount_fen)]

    def mood(self, **moods: Any) -> None:
        """Let the stand-ins behave so from now on: ``bank``, ``registry`` and ``sms``, each with what it does."""
        requests.put(f"{self.stack.sandbox_url}/moods", json=moods, timeout=30).raise_for_status()

    def behave(self, bill: SampleBill, **behaviour: Any) -> None:
        """Let the bank behave so towards the bill's holder."""
        for enterprise in read_json("enterprises.json"):
            if enterprise["uscc"] == bill.holder_uscc:
                account = {**enterprise["account"], "uscc": enterprise["uscc"], "behaviour": behaviour}
                requests.post(f"{self.stack.sandbox_url}/seed", json={"accounts": [account]}, timeout=30)

    def press_replay(self, why: str, parallel: int = 8) -> int:
        """Replay everything that failed, as operations do on the command line; the command's exit code."""
        key = str(Path(self.stack.keys) / "operations.pem")
        where = ["--url", self.stack.base_url, "--key-id", "operations#1", "--key", key]
        return operations(["replay", "--failed-since", "2h", "--why", why, "--parallel", str(parallel), *where])

    def call(self, logical_name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Run a function of the template now, as its schedule does in its own time; its answer."""
        functions = self.stack.client("lambda")
        pages = functions.get_paginator("list_functions").paginate()
        names = [one["FunctionName"] for page in pages for one in page["Functions"]]
        (name,) = [one for one in names if f"-{logical_name}-" in one]
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        document: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, document
        return document

    def sweep(self) -> None:
        """Run the sweeper now, unless its schedule runs it at this moment."""
        with suppress(self.stack.client("lambda").exceptions.TooManyRequestsException):
            self.call("SweepRequestsFunction", {})

    def records(self) -> int:
        """How many records of business the table holds: neither answers kept for repeats nor when keys were used."""
        table = self.stack.client("dynamodb")
        pages = table.get_paginator("scan").paginate(
            TableName=self.stack.business_table,
            Select="COUNT",
            FilterExpression="NOT begins_with(pk, :kept) AND NOT begins_with(pk, :used)",
            ExpressionAttributeValues={":kept": {"S": "request#"}, ":used": {"S": "usage#"}},
        )
        return sum(page["Count"] for page in pages)


@contextmanager
def running(folder: Path, say: Callable[[str], None], tasks_at_once: int = TASKS_AT_ONCE) -> Iterator[Deployed]:
    """A stack of its own with the samples in it, from ``folder``; stopped at the end."""
    discard(folder)
    folder.mkdir(parents=True)
    stack = up(folder, say, tasks_at_once)
    try:
        samples, enterprises = read_bills(SAMPLES / "bills.csv"), read_json("enterprises.json")
        clients = {one: PartnerClient(stack.base_url, one, load_key(Path(stack.keys), one)) for one in _CLIENTS}
        say("registering the sample enterprises")
        prepare_sandbox(stack.sandbox_url, BUSINESS_TIME, samples, enterprises)
        ids = {one: register(clients[one], enterprises, lambda: None) for one in ("partner-a", "partner-b")}
        alone = [bill for bill in samples if bill.expected == "disbursed" and bill.bill and not bill.quote]
        plain = [bill for bill in alone if not _SPECIAL & (set(bill.request) | set(bill.request["bill"]))]
        yield Deployed(stack, clients, ids, iter(plain), samples)
    finally:
        stack.emulator.stop()


def wait_for(read: Callable[[], Any], ready: Callable[[Any], bool], pause_s: float = 0.2) -> Any:
    """Read again and again until what is read is ready."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = read()
        if ready(found):
            return found
        assert time.monotonic() < deadline, f"not ready after {PATIENCE_S} s: {found}"
        time.sleep(pause_s)
