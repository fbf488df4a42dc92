"""Audit, sixth stage: one report of all stages, for programs and for persons, and the incidents that follow."""

from __future__ import annotations

from collections import Counter

from rongtong.domain.audit import DRAWS
from rongtong.domain.audit_page import page
from rongtong.services.audit_findings import (
    LAST_KEY,
    archive,
    archive_json,
    archived_json,
    archived_key,
    found,
    open_incidents,
)
from rongtong.services.audit_log import head_audited
from rongtong.services.context import Context
from rongtong.services.jobs import Piece, Run
from rongtong.services.storage import Create, Document

FORMAT = "rongtong-audit/1"
_NOT_AVAILABLE = (
    "What the functions' IAM roles used of what they are granted: CloudTrail and IAM's access advisor know it, and are"
    " outside of the platform. That each role reaches just its own tables, partitions, keys and machines is tested"
    " before every deployment (docs/access.md lists what keys may do).",
    "Reads of the database or of the archive that did not come through the API: the account's CloudTrail and the"
    " buckets' access logs have them.",
)


def make(context: Context, run: Run) -> Piece:
    """Report, page, incidents, and where the next audit goes on from, in one piece; done twice, it makes the same.

    The report is made from what the stages kept, so that its bytes follow from the run.
    """
    findings = found(context, run)
    report = _report(context, run)
    report["findings"] = [one.document() for one in findings]
    kept: Document = {
        "report": archive_json(context, run.period, report),
        "page": archive(context, run.period, page(report), "html"),
        "findings": len(findings),
        "by_code": dict(sorted(Counter(one.code.value for one in findings).items())),
    }
    actions: Document = run.kept["actions"]
    data: Document = {
        "actors": actions["actors"],
        "report": archived_key(run.period, kept["report"], "json"),
        "page": archived_key(run.period, kept["page"], "html"),
    }
    kept["incidents_left"] = open_incidents(context, findings, data)
    _note_last(context, run)
    return Piece(kept, done=True, progress=f"{len(findings)} findings")


def _report(context: Context, run: Run) -> Document:
    head, kept = head_audited(run), run.kept
    lists = [archived_json(context, run.period, digest) for digest in kept["privileges"]["lists"]]
    return {
        "format": FORMAT,
        "period": run.period,
        "began": kept["log"]["began"],
        "log": {
            "entries": 0 if head is None else head.size,
            "root": "" if head is None else head.root.hex(),
            "checkpoint": kept["log"]["note"],
        },
        "receipts": {
            "draws": int(kept["receipts"]["drawn"]),
            "draws_planned": DRAWS,
            "receipts_verified": int(kept["receipts"]["receipts"]),
            "other_records_verified": int(kept["receipts"]["others"]),
            "too_old_to_trace": int(kept["receipts"]["expired"]),
        },
        "configuration": {"snapshot_sha256": kept["configuration"]["snapshot"]},
        "actions": archived_json(context, run.period, str(kept["actions"]["list"]))["actions"],
        "keys": [row for one in lists for row in one["keys"]],
        "not_available": list(_NOT_AVAILABLE),
    }


def _note_last(context: Context, run: Run) -> None:
    """Where the next audit goes on from; an audit of an earlier day, done again, takes nothing back."""
    last = context.store.get(*LAST_KEY)
    if last is not None and str(last.body["period"]) > run.period:
        return
    body: Document = {
        "period": run.period,
        "note": run.kept["log"]["note"],
        "snapshot": run.kept["configuration"]["snapshot"],
        "at": run.kept["configuration"]["at"],
    }
    if int(run.kept["log"]["wrong"]) and last is not None:
        # What the next log must extend is the last one that was found right.
        body["note"] = last.body["note"]
    context.store.transact([Create(*LAST_KEY, body) if last is None else last.replaced(body)])
