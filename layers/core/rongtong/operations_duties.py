"""The register of duties by hand: ``python -m rongtong.operations duties`` and ``… record-duty DUTY …``.

A report stays where it is: its SHA-256 alone is sent.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rongtong.adapters.signed_api import SignedApi
from rongtong.domain.duties import PLANS, Duty, DutyKind, DutyResult
from rongtong.operations_output import table

_COLUMNS = ("duty", "last_held", "next_due", "overdue", "open_findings", "owner")
_FINDING_COLUMNS = ("record", "number", "due_on", "overdue", "owner", "what")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Put the subcommands beside the others."""
    listed = commands.add_parser(
        "duties", parents=[common], help="list what must be done regularly; 1 if any is overdue"
    )
    listed.set_defaults(command=_duties)
    record = commands.add_parser("record-duty", parents=[common], help="record that a duty was done")
    record.add_argument("duty", metavar="DUTY", choices=[duty.value for duty in Duty], help=", ".join(Duty))
    record.add_argument("--held-on", required=True, metavar="DAY", help="like 2026-04-14, in Shanghai")
    record.add_argument(
        "--took-part", required=True, action="append", type=_role, metavar="ROLE=N", help="for each role"
    )
    record.add_argument("--result", required=True, choices=[result.value for result in DutyResult])
    record.add_argument("--report", required=True, type=Path, metavar="FILE", help="its SHA-256 is sent, and no more")
    record.add_argument("--findings", type=Path, metavar="FILE", help="JSON: a list of what, due_on and owner")
    record.add_argument("--assessed", type=int, metavar="N", help="of a training: how many were tested")
    record.add_argument("--passed", type=int, metavar="N", help="of a training: how many passed")
    record.set_defaults(command=_record)
    close = commands.add_parser(
        "close-finding", parents=[common], help="say that a finding is mended, as another person"
    )
    close.add_argument("duty", metavar="DUTY", choices=[duty.value for duty in Duty])
    close.add_argument("record", metavar="RECORD", help="the record's id")
    close.add_argument("number", metavar="NUMBER", help="of the finding within the record")
    close.add_argument("--how", required=True, metavar="CODE", help="like LIST_RENEWED")
    close.add_argument("--shown-by", required=True, type=Path, metavar="FILE", help="its SHA-256 is sent, and no more")
    close.set_defaults(command=_close)


def _duties(api: SignedApi, _: argparse.Namespace) -> int:
    listed = api.get("/v1/operations/duties")["duties"]
    table([_row(duty) for duty in listed], _COLUMNS)
    findings = [_finding(one) for duty in listed for one in duty["open_findings"]]
    if findings:
        print()
        table(findings, _FINDING_COLUMNS)
    overdue = sum(duty["overdue"] for duty in listed) + sum(one["overdue"] == "yes" for one in findings)
    if overdue:
        print(f"{overdue} overdue.")
    return 1 if overdue else 0


def _row(duty: dict[str, Any]) -> dict[str, Any]:
    return {
        "duty": duty["duty"],
        "last_held": duty["last_held_on"],
        "next_due": duty["next_due_on"],
        "overdue": "yes" if duty["overdue"] else "no",
        "open_findings": len(duty["open_findings"]),
        "owner": duty["owner"],
    }


def _finding(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "record": one["duty_record_id"], "overdue": "yes" if one["overdue"] else "no"}


def _record(api: SignedApi, options: argparse.Namespace) -> int:
    training = PLANS[Duty(options.duty)].kind is DutyKind.TRAINING
    if training != (options.assessed is not None and options.passed is not None):
        print("A training needs --assessed and --passed, and nothing else takes them.", file=sys.stderr)
        return 2
    try:
        body: dict[str, Any] = {
            "held_on": options.held_on,
            "participants": [{"role": role, "count": count} for role, count in options.took_part],
            "result": options.result,
            "report_sha256": _sha256(options.report),
            "findings": [] if options.findings is None else json.loads(options.findings.read_text(encoding="utf-8")),
        }
    except (OSError, ValueError) as error:
        print(f"A file cannot be read: {error}", file=sys.stderr)
        return 2
    if training:
        body["tested"] = {"assessed": options.assessed, "passed": options.passed}
    done = api.post(f"/v1/operations/duties/{quote(options.duty, safe='')}/records", body, str(uuid.uuid4()))
    print(f"{done['duty_record_id']}: {done['duty']} of {done['held_on']}, {done['result']}")
    print(f"report SHA-256 {done['report_sha256']}; keep the file as it is")
    return 0


def _close(api: SignedApi, options: argparse.Namespace) -> int:
    try:
        body = {"note": options.how, "sha256": _sha256(options.shown_by)}
    except OSError as error:
        print(f"A file cannot be read: {error}", file=sys.stderr)
        return 2
    where = "/".join(quote(part, safe="") for part in (options.record, "findings", options.number, "closure"))
    done = api.post(f"/v1/operations/duties/{quote(options.duty, safe='')}/records/{where}", body, str(uuid.uuid4()))
    left = sum("closed" not in one for one in done["findings"])
    print(f"{done['duty_record_id']}: finding {options.number} is closed, {left} still open")
    return 0


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _role(text: str) -> tuple[str, int]:
    role, _, count = text.partition("=")
    if not role or not count.isascii() or not count.isdigit():
        raise argparse.ArgumentTypeError("like treasury=2")
    return role, int(count)
