"""The lines of an import: what becomes of each, and the record of a bill that is imported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from rongtong.domain.bill_file import LineError, StatedBill
from rongtong.domain.bill_import import Checked, HeldBill
from rongtong.domain.lifecycle import EnterpriseStatus
from rongtong.domain.prequalification import BillStatus
from rongtong.services.context import Context
from rongtong.services.records import STATE, bill_id_of, bill_pk, enterprise_pk, iso, partner_list
from rongtong.services.storage import Create, Document, Item, Owned

BILLS = "bills"
_NOT_STATED = frozenset({"line", "enterprise_id", "number"})


def results_of(context: Context, item: Item, part: Sequence[Checked], now: datetime) -> tuple[list[Any], list[Create]]:
    """What becomes of each line as ``[line, bill id]`` or ``[line, column, code, message]``; and the bills to write.

    ``item`` is the import; at most 100 lines.
    """
    partner_id = str(item.body["partner_id"])
    held = [line for line in part if isinstance(line, HeldBill)]
    ids = {line.stated.line: bill_id_of(partner_id, line.stated.number, line.range.wire()) for line in held}
    holders = {_holder(item, line.stated) for line in held} - {None}
    known = context.store.get_many([(bill_pk(bill_id), STATE) for bill_id in ids.values()])
    before = {str(bill.body["bill_id"]) for bill in known if bill is not None}
    found = context.store.get_many([(enterprise_pk(str(holder)), STATE) for holder in sorted(map(str, holders))])
    own = {str(one.body["enterprise_id"]): one for one in found if one and one.body["partner_id"] == partner_id}
    results: list[Any] = []
    bills: list[Create] = []
    for line in part:
        outcome = line if isinstance(line, LineError) else _refusal(item, line, own, ids, before)
        if isinstance(line, LineError) or outcome is not None:
            assert outcome is not None, "a line that is not refused is a bill"
            results.append([outcome.line, outcome.column, outcome.code, outcome.message])
            continue
        bill_id = ids[line.stated.line]
        results.append([line.stated.line, bill_id])
        bills.append(_bill(item, line, bill_id, own[str(_holder(item, line.stated))], now))
    return results, bills


def _refusal(
    item: Item, line: HeldBill, own: dict[str, Item], ids: dict[int, str], before: set[str]
) -> LineError | None:
    stated, holder = line.stated, _holder(item, line.stated)
    if holder is None:
        message = "Name the enterprise that holds the bill, in the line or for the whole import."
        return LineError(stated.line, "enterprise_id", "CELL_MISSING", message)
    enterprise = own.get(holder)
    if enterprise is None:
        return LineError(stated.line, "enterprise_id", "ENTERPRISE_UNKNOWN", "No such enterprise; register it first.")
    if enterprise.body["status"] != EnterpriseStatus.ACTIVE:
        message = "The enterprise is not active; wait for its registration to end or see its reason."
        return LineError(stated.line, "enterprise_id", "ENTERPRISE_NOT_ACTIVE", message)
    if ids[stated.line] in before:
        message = f"This bill and range was imported before, as {ids[stated.line]}."
        return LineError(stated.line, "bill.range", "BILL_IMPORTED_BEFORE", message)
    return None


def _bill(item: Item, line: HeldBill, bill_id: str, enterprise: Item, now: datetime) -> Create:
    """The record of an imported bill; its import's events tell of it, and its own text is what a discount states."""
    stated = {name: value for name, value in vars(line.stated).items() if name not in _NOT_STATED}
    plain = {name: _plain(value) for name, value in stated.items() if value not in (None, ())}
    partner_id = str(item.body["partner_id"])
    body: Document = {
        "bill_id": bill_id,
        "partner_id": partner_id,
        "enterprise_id": enterprise.body["enterprise_id"],
        "applicant_uscc": enterprise.body["uscc"],
        "import_id": item.body["import_id"],
        "line": line.stated.line,
        "status": BillStatus.IMPORTED.value,
        "imported_at": iso(now),
        "bill_number": line.stated.number,
        **plain,
        "range": line.range.wire(),
        **({"whole": True} if line.range.whole else {}),
        **{name: item.body[name] for name in ("institution_ids",) if name in item.body},
    }
    # Listed by maturity, which is what a holder of many bills looks for.
    owned = Owned(partner_list(partner_id, BILLS), f"{line.stated.maturity_date.isoformat()}T00:00:00.000Z")
    return Create(bill_pk(bill_id), STATE, body, due=iso(now), owned=owned)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [dict(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def _holder(item: Item, stated: StatedBill) -> str | None:
    holder = stated.enterprise_id or item.body.get("holder_id")
    return None if holder is None else str(holder)
