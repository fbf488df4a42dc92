"""Audit: which names that look like one of the platform's own domains are registered, by asking the DNS.

Each that is seen for the first time is an incident, for a person to look at, to report and to have taken down; its
notes tell the steps. One that was settled otherwise than as harmless and is still there comes back the next day.
"""

from __future__ import annotations

from itertools import islice

from rongtong.domain.audit import Finding, FindingCode
from rongtong.domain.incident import IncidentKind
from rongtong.domain.lookalikes import HARMLESS, Lookalike, OwnDomains
from rongtong.services import incidents
from rongtong.services.audit_findings import add, findings_pk
from rongtong.services.context import Context
from rongtong.services.jobs import Piece, Run
from rongtong.services.records import DOMAINS_KEY
from rongtong.services.storage import Document

_BATCH = 50
_OPENED_MAX = 50
"""So many incidents are opened by one run; the next one opens the others."""


def check(context: Context, run: Run) -> Piece:
    """Ask batch by batch; where nobody answers for a whole one, the stage ends, and that is a finding."""
    item = context.store.get(*DOMAINS_KEY)
    own = OwnDomains() if item is None else OwnDomains.parse(item.body)
    wanted = own.lookalikes()
    kept: Document = dict(run.kept.get("lookalikes") or {"at": 0, "answered": 0, "registered": 0, "opened": 0})
    while kept["at"] < len(wanted) and not run.time_is_up():
        batch = list(islice(wanted, kept["at"], kept["at"] + _BATCH))
        names = [one.name for _, one in batch]
        answers = {} if context.domain_names is None else context.domain_names.registered(names)
        if not answers:
            text = f"Nobody answered for {len(names)} of {len(wanted)} names that look like {', '.join(own.names)}."
            add(context, findings_pk(run), [Finding(FindingCode.LOOKALIKES_NOT_SEEN, run.period, text)])
            kept["left"] = len(wanted) - kept["at"]
            return Piece(kept, done=True, progress="no resolver answers")
        for imitated, one in batch:
            if answers.get(one.name):
                kept["registered"] += 1
                kept["opened"] += int(kept["opened"] < _OPENED_MAX and _told(context, imitated, one))
        kept["answered"] += len(answers)
        kept["at"] += len(batch)
    done = kept["at"] >= len(wanted)
    return Piece(kept, done, f"{kept['at']} of {len(wanted)} names, {kept['registered']} registered")


def _told(context: Context, imitated: str, one: Lookalike) -> bool:
    """Open an incident, unless there is one that is open or was settled as harmless."""
    last = incidents.last_about(context, IncidentKind.LOOKALIKE_DOMAIN, one.name)
    if last is not None and (last.body.get("note") == HARMLESS or incidents.is_open(last)):
        return False
    data: Document = {"imitates": imitated, "way": one.way.value}
    incidents.open_anew(context, IncidentKind.LOOKALIKE_DOMAIN, one.name, one.name, data)
    return True
