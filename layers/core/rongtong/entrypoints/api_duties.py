"""The description of the routes of the register: what must be done regularly."""

from __future__ import annotations

from collections.abc import Mapping

from rongtong.entrypoints import answers_duties as shown
from rongtong.entrypoints.api_table import Link, Operation, Reply, link_by
from rongtong.entrypoints.duty_models import DutyRecordBody, DutyRecordsQuery, FindingClosureBody

_TAG = "Operations"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_RECORDS = "/v1/operations/duties/{duty}/records"
DUTIES: Mapping[tuple[str, str], Operation] = {
    ("GET", "/v1/operations/duties"): Operation(
        id="listDuties",
        tag=_TAG,
        summary="List what must be done regularly, and whether any is overdue",
        replies={200: Reply("Drills, trainings, audits, assessments and tests.", shown.DutyList)},
        links={"records": Link("listDutyRecords", "When the first was done.", link_by("duty", "/duties/0"))},
    ),
    ("GET", _RECORDS): Operation(
        id="listDutyRecords",
        tag=_TAG,
        summary="List the times that a duty was done",
        query=DutyRecordsQuery,
        replies={200: Reply("The last held first.", shown.DutyRecordList)},
        codes=("NOT_FOUND", "INVALID_BODY", "INVALID_CURSOR"),
    ),
    ("POST", _RECORDS): Operation(
        id="recordDuty",
        tag=_TAG,
        summary="Record that a duty was done",
        description=(
            "Keep the report's file; its SHA-256 goes into the evidence log, so that it is shown later to have existed "
            "now. One that passed settles what was overdue."
        ),
        body=DutyRecordBody,
        example={
            "held_on": "2026-04-14",
            "participants": [{"role": "platform", "count": 3}, {"role": "telecom_operator", "count": 1}],
            "result": "pass",
            "report_sha256": _SHA,
        },
        replies={201: Reply("The record.", shown.DutyRecord)},
        codes=("NOT_FOUND", "DUTY_RECORD"),
        links={"records": Link("listDutyRecords", "All of the duty.", link_by("duty"))},
    ),
    ("POST", f"{_RECORDS}/{{record_id}}/findings/{{number}}/closure"): Operation(
        id="closeDutyFinding",
        tag=_TAG,
        summary="Say that a finding is mended",
        description="As another person than who recorded it. It settles what was overdue of it.",
        body=FindingClosureBody,
        example={"note": "LIST_RENEWED", "sha256": _SHA},
        replies={200: Reply("The record.", shown.DutyRecord)},
        codes=("NOT_FOUND", "SAME_PERSON", "WRONG_STATE"),
    ),
}
"""By method and path."""
