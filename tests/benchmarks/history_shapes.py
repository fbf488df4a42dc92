"""What a discount leaves behind, as templates: real discounts run in memory, with everything that is theirs left open.

So a synthetic history has the very shapes that the use cases write, whatever these become.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.incident import IncidentKind
from rongtong.domain.payment import payment_reference
from rongtong.services import bank_notices, waiting
from rongtong.services.incidents import incident_id
from rongtong.services.notify import notify
from rongtong.services.records import POLICY_KEY, STATE, discount_pk, enterprise_pk, incident_pk, iso
from rongtong.services.seal import record
from rongtong.services.storage import Create, Item
from sample_file import SampleBill
from sqlite_store import Row, row_of

Values = dict[str, str]
"""What fills a template's holes, as JSON writes it (strings without their quotes)."""
_AT = datetime(2026, 4, 15, 2, 3, 4, 567000, tzinfo=UTC)
_BACK_AT = datetime(2026, 4, 17, 3, 4, 5, 678000, tzinfo=UTC)
_LINE = 4
"""A plain bill of the samples, endorsed once."""
_FIRST_LEAF = 990_000_000
_DIGITS_OF_A_NUMBER = 10
_SALTED = ("findings_sha256", "note_sha256")
"""Hashes of what stands beside an event; a history has any."""
_SHARED = ("exposure#", "log")
"""What discounts share is made from all of them at the end."""


class End(StrEnum):
    """What became of a discount."""

    PAID = "paid"
    REFUSED = "refused"
    """The bill is pledged."""
    REUSED = "reused"
    """Its invoice stands behind another discount."""
    FAILED = "failed"
    """The bank refused the payment."""
    REVIEWED = "reviewed"
    """Stopped by a risk rule, approved by a person, and paid."""
    RETURNED = "returned"
    """Paid, and sent back by the payee's bank two days later."""


ENDS: Mapping[End, tuple[str, str | None]] = {
    End.PAID: ("DISBURSED", None),
    End.REFUSED: ("REFUSED", "BILL_PLEDGED"),
    End.REUSED: ("REFUSED", "INVOICE_USED"),
    End.FAILED: ("FAILED", "PAYEE_REFUSED"),
    End.REVIEWED: ("DISBURSED", None),
    End.RETURNED: ("RETURNED", None),
}
"""The status that each leads to, and its reason."""


@dataclass(frozen=True)
class _Text:
    parts: tuple[str, ...]
    """Literal text and names of holes, in turn."""

    def fill(self, values: Mapping[str, str]) -> str:
        parts = self.parts
        return "".join([values[part] if at % 2 else part for at, part in enumerate(parts)])


@dataclass(frozen=True)
class Shape:
    """The documents of one discount or enterprise, and the leaves that stand in the log for it."""

    rows: tuple[tuple[_Text | Any, ...], ...]
    leaves: tuple[tuple[str, _Text], ...]
    """The hole of each event's salt, and its canonical bytes."""
    salts: tuple[str, ...]
    """The holes that take 32 hexadecimal digits nobody else has."""

    def fill(self, values: Mapping[str, str], *, without: Sequence[str] = ()) -> list[Row]:
        """The rows, but those whose partition begins so."""
        filled = [tuple(one.fill(values) if isinstance(one, _Text) else one for one in row) for row in self.rows]
        return [row for row in filled if not row[0].startswith(tuple(without))] if without else filled

    def leaf_bytes(self, values: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        """Salt and canonical bytes of every event that is in the log, in their order."""
        return [(bytes.fromhex(values[salt]), text.fill(values).encode()) for salt, text in self.leaves]


def shapes() -> tuple[dict[End, Shape], Shape]:
    """How discounts look that ended so, and how an enterprise does."""
    return {end: _discount(end) for end in End}, _enterprise()


def _enterprise() -> Shape:
    platform = Platform()
    own_id = next(iter(platform.ids.values()))
    notify(platform.context, enterprise_pk(own_id))
    record(platform.context, enterprise_pk(own_id))
    body = platform.enterprise(own_id).body
    holes = {own_id: "enterprise_id", str(body["uscc"]): "applicant", str(body["name"]): "name"}
    holes |= {PARTNER: "partner", str(body["registered_at"]): "at"}
    return _shape([item for item in _items(platform) if item.pk == enterprise_pk(own_id)], holes)


def _discount(end: End) -> Shape:
    platform = Platform()
    platform.context.clock.instant = _AT
    bill = _bill_that_ends(end)
    before = {(item.pk, item.sk) for item in _items(platform)}
    platform.bank.refuse = end is End.FAILED
    if end is End.REVIEWED:
        _let_rules_stop_anything(platform)
    discount_id = platform.accept(bill, "template")
    platform.run(discount_id)
    if end is End.REVIEWED:
        waiting.decide_review(platform.context, "operations", platform.discount(discount_id), approve=True, note="SEEN")
        platform.pay(discount_id)
    reference = payment_reference(discount_id, 1)
    if end is End.RETURNED:
        platform.context.clock.instant = _BACK_AT
        bank_notices.take(platform.context, platform.bank.send_back(reference))
        notify(platform.context, discount_pk(discount_id))
        record(platform.context, discount_pk(discount_id))
    incident = incident_id(IncidentKind.PAYMENT_RETURNED, f"{discount_id}/1")
    record(platform.context, incident_pk(incident))
    state = platform.body(discount_id)
    assert (state["status"], state.get("reason")) == ENDS[end], f"a discount that is to be {end} is {state}"
    items = [item for item in _items(platform) if (item.pk, item.sk) not in {*before, POLICY_KEY}]
    holes = _of_discount(bill, state) | _of_request(bill)
    holes |= {reference: "reference", incident: "incident_id", iso(_AT): "at", iso(_BACK_AT): "back_at"}
    holes |= {_AT.date().isoformat(): "day"}
    paid = platform.bank.paid.get(reference)
    if paid is not None:
        holes[str(paid.bank_serial)] = "serial"
    return _shape([item for item in items if not item.pk.startswith(_SHARED)], holes)


def _let_rules_stop_anything(platform: Platform) -> None:
    policy = platform.context.store.get(*POLICY_KEY)
    assert policy is not None, "the samples have a policy"
    changed = {**policy.body, "risk_rules": {"LARGE_AMOUNT": {"threshold": 1}}}
    platform.context.store.transact([policy.replaced(changed)])


def _bill_that_ends(end: End) -> SampleBill:
    bill = next(bill for bill in sample_bills() if bill.line == _LINE)
    assert bill.bill is not None, "the plain sample is known to the bill registry"
    assert bill.invoice is not None, "the plain sample is known to the invoice registry"
    if end is End.REFUSED:
        return replace(bill, bill={**bill.bill, "circulation": "TF0304"})
    if end is End.REUSED:
        return replace(bill, invoice={**bill.invoice, "used_by": "dsc_another"})
    return bill


def _of_discount(bill: SampleBill, state: Mapping[str, Any]) -> dict[str, str]:
    holes = {str(state[name]): name for name in ("discount_id", "enterprise_id", "body_digest")}
    holes |= {str(state[name]): name for name in ("contract_sha256", "due_date") if name in state}
    holes |= {str(state[name]): name for name in ("days", "interest_fen", "proceeds_fen") if name in state}
    return {**holes, str(state["institution_id"]): "institution", PARTNER: "partner"}


def _of_request(bill: SampleBill) -> dict[str, str]:
    stated, trade, held = bill.request["bill"], bill.request["trade"], bill.bill
    assert held is not None, "the plain sample is known to the registry"
    names = ("number", "range", "amount_fen", "issue_date", "maturity_date", "acceptor_bank_code")
    holes = {str(stated[name]): name for name in names}
    names = ("order_number", "order_amount_fen", "order_date", "order_buyer_uscc", "invoice_number")
    holes |= {str(trade[name]): name for name in names}
    return holes | {
        bill.holder_uscc: "applicant",
        held["holding_id"]: "holding_id",
        held["acceptor"]["name"]: "acceptor",
    }


def _items(platform: Platform) -> list[Item]:
    store: Any = platform.context.store
    return list(store.items.values())


def _shape(items: Sequence[Item], holes: Mapping[str, str]) -> Shape:
    """Events come in the order of their aggregates and numbers; each aggregate's leaves follow one another."""
    salts: dict[str, str] = {}
    logged, leaves, rows = 0, [], []
    events = {item.pk: item.body["events"] for item in items if "logged" in item.body}
    for item in items:
        for salt in [item.body.get("salt"), item.body.get("beside", {}).get("salt")]:
            if salt is not None:
                salts[salt] = f"salt{len(salts)}"
    told = [item.body["event"]["data"] for item in items if "event" in item.body]
    hashes = {str(data[name]): name for data in told for name in _SALTED if name in data}
    holes = {**holes, **salts, **hashes}
    first = {}
    for pk, count in events.items():
        first[pk] = f"leaf{logged}"
        holes[str(_FIRST_LEAF + logged)] = first[pk]
        for item in sorted((item for item in items if item.pk == pk and "event" in item.body), key=lambda one: one.sk):
            text = canonical_bytes(item.body["event"]).decode()
            leaves.append((salts[item.body["salt"]], _text(text, holes)))
        logged += count
    for item in items:
        body = item.body
        if item.pk in events and item.sk == STATE:
            at = _FIRST_LEAF + int(first[item.pk].removeprefix("leaf"))
            body = {**body, "logged": [[at, events[item.pk]]]}
        made = Create(item.pk, item.sk, body, item.due, item.listing, item.owned)
        row = (*row_of(made)[:2], item.version, *row_of(made)[3:])
        rows.append(tuple(_text(one, holes) if isinstance(one, str) else one for one in row))
    return Shape(tuple(rows), tuple(leaves), tuple(salts.values()))


def _text(text: str, holes: Mapping[str, str]) -> _Text:
    """Longer values first; a number only where it is a whole one."""
    alternatives = [
        rf"(?<![\d\"-]){value}(?![\d\"-])"
        if value.isdigit() and len(value) <= _DIGITS_OF_A_NUMBER
        else re.escape(value)
        for value in sorted(holes, key=len, reverse=True)
    ]
    parts = re.split(f"({'|'.join(alternatives)})", text)
    return _Text(tuple(holes[part] if at % 2 else part for at, part in enumerate(parts)))
