"""The description of a supervisor's routes."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers
from rongtong.entrypoints import answers_supervision as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.supervision_models import FiguresQuery, SupervisedEventsQuery

_TAG = "Supervision"
SUPERVISION: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/supervision/events"): Operation(
        id="followEvents",
        tag=_TAG,
        summary="Follow the public events of every partner",
        description=(
            "In the order of the evidence log, which never changes, up to its cosigned size: whoever goes on behind "
            "`after` loses nothing and meets nothing twice. An answer may be short, even empty, and yet have more."
        ),
        query=SupervisedEventsQuery,
        replies={200: Reply("Events with their leaves.", shown.SupervisedEvents)},
        codes=("INVALID_BODY", "FEED_FORGOTTEN", "NO_QUORUM"),
    ),
    ("GET", "/v1/supervision/discounts/{discount_id}"): Operation(
        id="readSupervisedDiscount",
        tag=_TAG,
        summary="Read any discount as its partner sees it",
        replies={200: Reply("The discount.", answers.Discount, headers=("ETag",))},
        codes=("NOT_FOUND",),
        links={"receipt": Link("readSupervisedReceipt", "Its proof, once it has ended.", link_by("discount_id"))},
    ),
    ("GET", "/v1/supervision/discounts/{discount_id}/receipt"): Operation(
        id="readSupervisedReceipt",
        tag=_TAG,
        summary="Read any discount's proof",
        description="The very bytes that its partner is given: events, salts and proofs, to be checked offline.",
        replies={200: Reply("The receipt; keep its very bytes.", answers.Receipt)},
        codes=("NOT_FOUND", "WRONG_STATE", "NO_QUORUM"),
    ),
    ("GET", "/v1/supervision/figures"): Operation(
        id="readFigures",
        tag=_TAG,
        summary="Read a day's figures by institution and acceptor class",
        description="Of the institutions that the supervisor's record names, for the discounts requested on the day.",
        query=FiguresQuery,
        replies={200: Reply("The figures, as they stand now.", shown.SupervisedFigures)},
        codes=("INVALID_BODY", "PERIOD_INVALID", "REPORT_TOO_LARGE"),
    ),
}
"""By method and path."""
