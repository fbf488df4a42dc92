"""The sweeper: whatever was accepted but whose execution was never started is started now."""

from __future__ import annotations

from datetime import timedelta

from rongtong.services.context import Context
from rongtong.services.records import iso
from rongtong.services.request_discount import start
from rongtong.services.storage import Document

_GRACE = timedelta(seconds=30)


def sweep(context: Context) -> Document:
    """Start the executions of discounts and enterprises that have waited longer than the grace period.

    Starting what already runs is no change: an execution's name is its subject's id.
    """
    before = iso(context.clock.now() - _GRACE)
    discounts = enterprises = 0
    for item in context.store.due(before):
        if "discount_id" in item.body:
            start(context, str(item.body["discount_id"]), write_units=0)
            discounts += 1
        else:
            enterprise_id = str(item.body["enterprise_id"])
            context.workflows.start_registration(enterprise_id, {"enterprise_id": enterprise_id, "subject": item.pk})
            enterprises += 1
    return {"discounts_started": discounts, "enterprises_started": enterprises}
