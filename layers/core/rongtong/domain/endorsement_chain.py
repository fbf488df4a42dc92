"""The endorsement chain (背书连续) and what it tells about a bill's way.

票据法 articles 31 and 33 to 36. Endorsing a part of a bill is void (article 33), but a sub-bill is a bill of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from rongtong.domain.bill import Endorsement, RegistryBill
from rongtong.domain.bill_codes import EndorsementKind

_FAULTS = (
    "CHAIN_FIRST_ENDORSER",
    "CHAIN_BROKEN",
    "CHAIN_KIND",
    "CHAIN_LAST_ENDORSEE",
    "CHAIN_DATES",
    "CHAIN_AFTER_MATURITY",
)


def chain_fault(bill: RegistryBill, today: date) -> str | None:
    """Why the chain does not lead from the payee to the holder, gravest first; None if it does.

    CHAIN_FIRST_ENDORSER: the first endorser is not the payee. CHAIN_BROKEN: an endorser is not the one whom the bill
    came to; account, name and credit code are compared together (article 31). CHAIN_KIND: a pledgee passed the bill on
    or claims to hold it, or an entry is no transfer, pledge or guarantee (article 35). CHAIN_LAST_ENDORSEE: the last
    endorsee is not the holder. CHAIN_DATES: a date before the issue, before the date of the entry before, or after
    ``today``. CHAIN_AFTER_MATURITY: endorsed after the maturity date (article 36). A guarantee (保证) passes
    nothing on.
    """
    found = {*_hands_faults(bill), *_date_faults(bill, today)}
    return next((fault for fault in _FAULTS if fault in found), None)


def hops_within(bill: RegistryBill, days: int, today: date) -> int:
    """How many transfers fall into the last ``days`` days, today included."""
    before = today - timedelta(days=days)
    return sum(before < entry.date <= today for entry in bill.transfers)


def returns(bill: RegistryBill) -> frozenset[str]:
    """Credit codes of the companies that the bill came back to (回头背书), drawer and payee among those that had it."""
    had = {bill.drawer.uscc, bill.payee.uscc}
    again = set()
    for entry in bill.transfers:
        if entry.endorsee.uscc in had:
            again.add(entry.endorsee.uscc)
        had.add(entry.endorsee.uscc)
    return frozenset(again)


def held_since(bill: RegistryBill) -> date | None:
    """The date of the last transfer; None where the payee still holds the bill."""
    passed = bill.transfers
    return passed[-1].date if passed else None


def _hands_faults(bill: RegistryBill) -> Iterator[str]:
    hand, pledgee, broken = bill.payee, None, "CHAIN_FIRST_ENDORSER"
    for entry in _without_guarantees(bill):
        if pledgee is not None and entry.endorser == pledgee:
            yield "CHAIN_KIND"
        elif entry.endorser != hand:
            yield broken
        broken = "CHAIN_BROKEN"
        if entry.kind == EndorsementKind.PLEDGE:
            # The pledgor stays the creditor, and may pass the bill on once the pledge has ended (质押解除).
            pledgee = entry.endorsee
            continue
        if entry.kind != EndorsementKind.TRANSFER:
            yield "CHAIN_KIND"
        hand, pledgee = entry.endorsee, None
    if hand != bill.holder:
        yield "CHAIN_KIND" if bill.holder == pledgee else "CHAIN_LAST_ENDORSEE"


def _date_faults(bill: RegistryBill, today: date) -> Iterator[str]:
    earliest = bill.issue_date
    for entry in _without_guarantees(bill):
        if not earliest <= entry.date <= today:
            yield "CHAIN_DATES"
        if entry.date > bill.maturity_date:
            yield "CHAIN_AFTER_MATURITY"
        earliest = entry.date


def _without_guarantees(bill: RegistryBill) -> Iterator[Endorsement]:
    return (entry for entry in bill.endorsements if entry.kind != EndorsementKind.GUARANTEE)
