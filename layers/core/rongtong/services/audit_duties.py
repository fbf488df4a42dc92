"""Audit: what must be done regularly and was not done in time, and findings that were not mended by their date."""

from __future__ import annotations

from rongtong.domain.duties import Duty
from rongtong.domain.incident import IncidentKind
from rongtong.services import duties, incidents
from rongtong.services.context import Context
from rongtong.services.jobs import Piece, Run
from rongtong.services.storage import Document


def check(context: Context, _: Run) -> Piece:
    """As of now, whichever day the run covers: an incident for each that is overdue.

    One that a person has settled without the fact comes back the next time.
    """
    late: list[Document] = []
    late_findings: list[Document] = []
    for duty in duties.overview(context):
        late += [duty] if duty["overdue"] else []
        late_findings += [{"duty": duty["duty"], **one} for one in duty["open_findings"] if one["overdue"]]
    for duty in late:
        data = {name: duty[name] for name in ("last_held_on", "owner", "items")} | {"due_on": duty["next_due_on"]}
        about = duties.duty_about(Duty(duty["duty"]), str(duty["next_due_on"]))
        incidents.open_anew(context, IncidentKind.DUTY_OVERDUE, str(duty["duty"]), about, data)
    for finding in late_findings:
        record_id = str(finding["duty_record_id"])
        data = {name: finding[name] for name in ("duty", "number", "due_on", "owner")}
        about = duties.finding_about(record_id, int(finding["number"]))
        incidents.open_anew(context, IncidentKind.FINDING_OVERDUE, record_id, about, data)
    kept: Document = {"duties": len(late), "findings": len(late_findings)}
    return Piece(kept, done=True, progress=f"{len(late)} duties and {len(late_findings)} findings overdue")
