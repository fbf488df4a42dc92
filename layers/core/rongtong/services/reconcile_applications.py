"""The registry's applications against the discounts: what it holds locked in our name, a discount of ours must need.

The other direction, that a paid discount's bill is the institution's, is part of the payments' comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from rongtong.domain.incident import IncidentKind
from rongtong.domain.lifecycle import UNPAID_ENDS, DiscountStatus
from rongtong.services.context import Context
from rongtong.services.incidents import open_anew
from rongtong.services.jobs import Piece, Run
from rongtong.services.payments import bill_range
from rongtong.services.ports import BillApplication
from rongtong.services.records import STATE, discount_pk
from rongtong.services.storage import Document, Item
from rongtong.services.unwind import LATEST_LOCK

_AT_ONCE = 100
_OPENED_MAX = 1000
"""So many breaks a run opens; it counts all."""


def piece(context: Context, _: Run) -> Piece:
    """All in one piece: applications under way are few at any moment. Raises RegistryUnavailableError."""
    # Read before the discounts are: a lock that is set later has a discount that was stored before it.
    under_way = context.bills.applications()
    kept: Counter[str] = Counter(applications=len(under_way))
    for start in range(0, len(under_way), _AT_ONCE):
        part = under_way[start : start + _AT_ONCE]
        discounts = context.store.get_many([(discount_pk(one.owner), STATE) for one in part])
        for one, item in zip(part, discounts, strict=True):
            _compare(context, kept, one, item)
    return Piece(dict(kept), True, f"{len(under_way):,} applications")


def found(kept: Mapping[str, int]) -> Document:
    """For the run's result: how many applications were under way, and how many no discount needs."""
    return {"applications": kept["applications"], "bill_locked": kept.get("bill_locked", 0)}


def _compare(context: Context, kept: Counter[str], application: BillApplication, item: Item | None) -> None:
    what = _fault(context, application, item)
    if what is None:
        return
    if what == "ENDED":
        context.bills.release(application.number, application.range, application.owner)
    kept["bill_locked"] += 1
    if kept["bill_locked"] <= _OPENED_MAX:
        data: Document = {"what": what, "range": application.range.wire(), "owner": application.owner}
        about = f"{application.owner}/{application.number}/{application.range.wire()}/{what}"
        open_anew(context, IncidentKind.BILL_LOCKED, application.owner, about, data)


def _fault(context: Context, application: BillApplication, item: Item | None) -> str | None:
    """Why no discount needs the lock; None where one does, or where a message of ours may still be under way."""
    if item is None:
        return "UNKNOWN"
    if (application.number, application.range) != (str(item.body["bill_number"]), bill_range(item)):
        return "ANOTHER_RANGE"
    if DiscountStatus(item.body["status"]) not in UNPAID_ENDS:
        return None
    ended = datetime.fromisoformat(str(item.body["finished_at"]))
    return "ENDED" if context.clock.now() >= ended + LATEST_LOCK else None
