"""The audit job: the evidence log, receipts from scratch, the configuration, what persons did, privileges, duties.

It ends with look-alikes of the platform's domains and a report. Each stage has a module of its own; the report opens an
incident for each finding, once. In January the year's audit pack follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from rongtong.services import (
    audit_actions,
    audit_configuration,
    audit_duties,
    audit_log,
    audit_lookalikes,
    audit_packs,
    audit_privileges,
    audit_receipts,
    audit_report,
)
from rongtong.services.audit_log import head_audited
from rongtong.services.jobs import Run, Steps
from rongtong.services.storage import Document


def steps(routes: Sequence[Document]) -> Steps:
    """The job's stages; ``routes`` (method, path, scope) go into the audit pack as the access table."""
    return Steps(
        {
            "log": audit_log.check,
            "receipts": audit_receipts.check,
            "configuration": audit_configuration.snapshot,
            "actions": audit_actions.check,
            "privileges": audit_privileges.check,
            "duties": audit_duties.check,
            "lookalikes": audit_lookalikes.check,
            "report": audit_report.make,
            "pack": lambda context, run: audit_packs.make(context, run, routes),
        },
        _found,
    )


def _found(run: Run) -> Document:
    """What goes into the evidence log: sizes, counts, and the hashes of the report, its page and a pack."""
    head, kept = head_audited(run), run.kept
    found: Document = {
        "findings": int(kept["report"]["findings"]),
        "by_code": kept["report"]["by_code"],
        "log_size": 0 if head is None else head.size,
        "log_root": "" if head is None else head.root.hex(),
        "receipts": int(kept["receipts"]["receipts"]),
        "actions": int(kept["actions"]["actions"]),
        "keys": int(kept["privileges"]["keys"]),
        "duties_overdue": int(kept["duties"]["duties"]),
        "duty_findings_overdue": int(kept["duties"]["findings"]),
        "lookalikes_answered": int(kept["lookalikes"]["answered"]),
        "lookalikes_registered": int(kept["lookalikes"]["registered"]),
        "report_sha256": kept["report"]["report"],
        "page_sha256": kept["report"]["page"],
    }
    if kept["pack"].get("sha256"):
        found |= {"pack_year": int(kept["pack"]["year"]), "pack_sha256": kept["pack"]["sha256"]}
    return found
