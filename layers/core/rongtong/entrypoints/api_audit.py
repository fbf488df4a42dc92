"""The description of the routes of audit packs."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers_audit as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by

_TAG = "Operations"
AUDIT: Mapping[tuple[str, str], Operation] = {
    ("POST", "/v1/operations/audit-packs/{year}"): Operation(
        id="wishAuditPack",
        tag=_TAG,
        summary="Have a year's audit pack made, again where there is one",
        description="The next run of the job `audit` makes it. Without a wish, the first one from 5 January on does.",
        replies={202: Reply("The next audit makes it.", shown.AuditPackWished)},
        codes=("AUDIT_YEAR",),
        links={"pack": Link("readAuditPack", "Where it is once it is made.", link_by("year"))},
    ),
    ("GET", "/v1/operations/audit-packs/{year}"): Operation(
        id="readAuditPack",
        tag=_TAG,
        summary="Read where a year's audit pack can be fetched",
        description="The address is good for some minutes; the SHA-256 is in the evidence log.",
        replies={200: Reply("The newest pack of the year.", shown.AuditPack)},
        codes=("AUDIT_YEAR", "NOT_FOUND"),
    ),
}
"""By method and path."""
