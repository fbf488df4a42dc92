"""Sample bills as files that a partner would import."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import Any

from in_memory import PARTNER, Platform
from rongtong.domain.bill_columns import COLUMNS
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.services.bill_imports import ImportBills
from rongtong.services.records import bill_id_of, bill_pk
from rongtong.services.storage import Item
from sample_file import SampleBill

INSTITUTIONS = ("bank-1", "bank-2", "bank-3")


def row(bill: SampleBill, enterprise_id: str | None = None) -> dict[str, Any]:
    """The bill's line in a table."""
    request = bill.request
    found: dict[str, Any] = {"enterprise_id": enterprise_id}
    for name, column in COLUMNS.items():
        part, _, inner = column.field.rpartition(".")
        if part:
            found[name] = request[part].get(inner)
    return found


def csv_of(rows: list[dict[str, Any]]) -> bytes:
    """A CSV file of these lines."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(["" if row[name] is None else row[name] for name in COLUMNS] for row in rows)
    return text.getvalue().encode()


def json_of(platform: Platform, bills: list[SampleBill]) -> bytes:
    """A JSON file of these bills, each with its holder."""
    lines = []
    for bill in bills:
        stated = {name: value for name, value in bill.request["bill"].items() if name != "deal_amount_fen"}
        holder = platform.ids[PARTNER, bill.holder_uscc]
        lines.append({"enterprise_id": holder, "bill": stated, "trade": bill.request["trade"]})
    return json.dumps(lines).encode()


def command(content: bytes | None, key: str = "import-1", file_format: str = "csv", **changes: Any) -> ImportBills:
    """The request to import a file."""
    fields: dict[str, Any] = {
        "partner_id": PARTNER,
        "idempotency_key": key,
        "body_digest": hashlib.sha256(content or b"").hexdigest(),
        "format": file_format,
        "institution_ids": INSTITUTIONS,
        "content": content,
    }
    return ImportBills(**{**fields, **changes})


def stored_bill(platform: Platform, bill: SampleBill) -> Item:
    """The record of an imported bill."""
    stated = bill.request["bill"]
    wire = SubBillRange.parse(stated["range"], whole_fen=stated["amount_fen"]).wire()
    item = platform.context.store.get(bill_pk(bill_id_of(PARTNER, stated["number"], wire)), "state")
    assert item is not None
    return item
