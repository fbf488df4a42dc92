"""One stack on the emulator for all end-to-end tests: the real template, IAM enforced, two partners' enterprises."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import BUSINESS_TIME
from deployed import Deployed
from partner_client import PartnerClient
from paths import BUILD, SAMPLES, discard
from sample_file import read_bills, read_json
from seed import load_key
from stack import up
from submit import prepare_sandbox, register


@pytest.fixture(scope="session")
def deployed() -> Iterator[Deployed]:
    folder = BUILD / "test"
    discard(folder)
    folder.mkdir(parents=True)
    stack = up(folder, lambda step: None)
    try:
        samples, enterprises = read_bills(SAMPLES / "bills.csv"), read_json("enterprises.json")
        clients = {
            partner: PartnerClient(stack.base_url, partner, load_key(Path(stack.keys), partner))
            for partner in ("partner-a", "partner-b", "operations", "operations-2")
        }
        prepare_sandbox(stack.sandbox_url, BUSINESS_TIME, samples, enterprises)
        ids = {partner: register(clients[partner], enterprises, lambda: None) for partner in ("partner-a", "partner-b")}
        # Lines with terms of their own, or that need another line or a quote before them, are the demo's.
        alone = [bill for bill in samples if bill.expected == "disbursed" and bill.bill and not bill.quote]
        special = {"deal_amount_fen", "interest", "repurchase"}
        plain = iter([bill for bill in alone if not special & (set(bill.request) | set(bill.request["bill"]))])
        yield Deployed(stack, clients, ids, plain, samples)
    finally:
        stack.emulator.stop()
