"""What the alarms' runbooks ask for by hand: what the watch found, incidents, suspensions, changes by two persons."""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rongtong.adapters.signed_api import SignedApi
from rongtong.domain.measures import UNITS, Unit
from rongtong.operations_output import table

_SIGNS = {Unit.SECONDS: " s", Unit.MILLISECONDS: " ms", Unit.PERCENT: " %", Unit.COUNT: ""}
_INCIDENT = ("incident_id", "kind", "subject", "opened_at", "what_next")
_SCOPES = ("platform", "institution", "partner", "enterprise")


def add(commands: Any, common: argparse.ArgumentParser) -> None:
    """Put the subcommands beside the others."""
    status = commands.add_parser("status", parents=[common], help="what the watch found in the last minute")
    status.add_argument("--part", help="one of its parts with all that stands behind it, like witnesses or limits")
    status.set_defaults(command=_status)
    incidents = commands.add_parser("incidents", parents=[common], help="list what persons must settle; 1 if any")
    incidents.add_argument("--kind", help="of this kind alone")
    incidents.set_defaults(command=_incidents)
    resolve = commands.add_parser("resolve", parents=[common], help="say that an incident is settled, and how")
    resolve.add_argument("incident_id", metavar="INCIDENT_ID")
    resolve.add_argument("--note", required=True, metavar="CODE", help="like BANK_CORRECTED")
    resolve.set_defaults(command=_resolve)
    note = commands.add_parser("note", parents=[common], help="note a step towards settling an incident")
    note.add_argument("incident_id", metavar="INCIDENT_ID")
    note.add_argument("--note", required=True, metavar="CODE", help="like REPORTED_TO_CNCERT")
    note.set_defaults(command=_note)
    review = commands.add_parser("review", parents=[common], help="show what a reviewer decides on, or decide it")
    review.add_argument("discount_id", metavar="DISCOUNT_ID")
    review.add_argument("--decide", choices=("approve", "reject"), help="only shown if not said")
    review.add_argument("--note", metavar="CODE", help="like FILES_SEEN; kept with the decision")
    review.set_defaults(command=_review)
    suspend = commands.add_parser("suspend", parents=[common], help="stop new disbursements at once")
    suspend.add_argument("--scope", required=True, choices=_SCOPES)
    suspend.add_argument("--id", help="whose; none for the platform")
    suspend.add_argument("--reason", required=True, metavar="CODE", help="like BANK_ACCOUNTS_BLOCKED")
    suspend.set_defaults(command=_suspend)
    propose = commands.add_parser("propose", parents=[common], help="propose a change; another person approves it")
    propose.add_argument("kind", metavar="KIND", help="like institution, limits, witnesses or release")
    propose.add_argument("content", metavar="FILE", help="its content (JSON), as docs/operations/changes.md shows")
    propose.set_defaults(command=_propose)
    approve = commands.add_parser("approve", parents=[common], help="let a change that another person proposed hold")
    approve.add_argument("change_id", metavar="CHANGE_ID")
    approve.set_defaults(command=_approve)


def _status(api: SignedApi, options: argparse.Namespace) -> int:
    found = api.get("/v1/operations/watch")
    parts: dict[str, Any] = found["details"]
    if options.part is not None:
        if options.part not in {*parts, *found["failed"]}:
            print(f"There is no part {options.part}; it is one of {', '.join(sorted(parts))}.", file=sys.stderr)
            return 2
        shown = parts.get(options.part, {"failed": found["failed"].get(options.part)})
        print(f"{options.part} at {found['at']}")
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    print(f"as of {found['at']}")
    for name, value in sorted(found["measures"].items()):
        print(f"{name:<22}{value:>10}{_SIGNS[UNITS[name]] if name in UNITS else ''}")
    for name, code in sorted(found["failed"].items()):
        print(f"{name} could not be measured: {code}")
    return 1 if found["failed"] else 0


def _incidents(api: SignedApi, options: argparse.Namespace) -> int:
    found = api.get("/v1/operations/incidents")
    shown = [one for one in found["incidents"] if options.kind in (None, one["kind"])]
    table(shown, _INCIDENT)
    print(f"{len(shown)}{' or more' if found['more'] else ''} open.")
    return 1 if shown else 0


def _resolve(api: SignedApi, options: argparse.Namespace) -> int:
    path = f"/v1/operations/incidents/{quote(options.incident_id, safe='')}/resolution"
    done = api.post(path, {"note": options.note}, str(uuid.uuid4()))
    print(f"{done['incident_id']} {done['status']}")
    return 0


def _note(api: SignedApi, options: argparse.Namespace) -> int:
    path = f"/v1/operations/incidents/{quote(options.incident_id, safe='')}/notes"
    done = api.post(path, {"note": options.note}, str(uuid.uuid4()))
    print(f"{done['incident_id']} {', '.join(one['note'] for one in done['notes'])}")
    return 0


def _review(api: SignedApi, options: argparse.Namespace) -> int:
    path = f"/v1/operations/reviews/{quote(options.discount_id, safe='')}"
    if options.decide is None:
        print(json.dumps(api.get(path), indent=2, ensure_ascii=False))
        return 0
    if not options.note:
        print("Say --note, a code such as FILES_SEEN.", file=sys.stderr)
        return 2
    done = api.post(path, {"decision": options.decide, "note": options.note}, str(uuid.uuid4()))
    print(f"{done['discount_id']} {done['status']}")
    return 0


def _suspend(api: SignedApi, options: argparse.Namespace) -> int:
    body = {"scope": options.scope, "reason": options.reason, **({"id": options.id} if options.id else {})}
    done = api.post("/v1/operations/suspensions", body, str(uuid.uuid4()))
    print(json.dumps(done, indent=2, ensure_ascii=False))
    return 0


def _propose(api: SignedApi, options: argparse.Namespace) -> int:
    try:
        content = json.loads(Path(options.content).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"{options.content}: {error}", file=sys.stderr)
        return 2
    done = api.post("/v1/operations/changes", {"kind": options.kind, "content": content}, str(uuid.uuid4()))
    print(f"{done['change_id']} {done['status']}; another person approves it.")
    return 0


def _approve(api: SignedApi, options: argparse.Namespace) -> int:
    path = f"/v1/operations/changes/{quote(options.change_id, safe='')}/decision"
    done = api.post(path, {"decision": "approve"}, str(uuid.uuid4()))
    print(f"{done['change_id']} {done['status']}")
    return 0
