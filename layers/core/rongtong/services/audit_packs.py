"""The audit pack of a calendar year: what an auditor needs, in one archive that is signed as a whole.

It is made by the first audit from 5 January on, when the last month's review is there, and again when somebody asks for
it: a wish is taken up by the next audit, whoever starts it.
"""

from __future__ import annotations

import hashlib
import json
from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from rongtong.domain.access import ROLES, SCOPES
from rongtong.domain.audit_pack import pack
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.incident import IncidentStatus
from rongtong.domain.jobs import Job
from rongtong.services import audit_configuration, duties, incidents, jobs, suspension
from rongtong.services.audit_findings import archived_key
from rongtong.services.changes import changes_lists
from rongtong.services.context import Context
from rongtong.services.cosigning import WITNESSES_KEY, log_key, policy_of
from rongtong.services.errors import BusyError, NotFoundError
from rongtong.services.jobs import Piece, Run, run_pk, runs_owner
from rongtong.services.laid_aside import fetch, lay_aside
from rongtong.services.reconcile import reconciliation_pk
from rongtong.services.records import STATE, change_pk, incident_pk, institution_pk, iso
from rongtong.services.storage import Create, Document, Item, Key, WriteConflictError

WISHES_KEY = ("audit#packs", STATE)
_COUNTS = frozenset({"events", "logged", "put_off"})
_DUE = "01-05"
_YEARS = range(2020, 2100)
_ALL, _EVER, _BATCH, _ATTEMPTS = 1_000_000, "0", 100, 5
_NEVER = (
    "What the cloud's own trails know (CloudTrail, IAM access advisor, access logs of the buckets) is kept by the"
    " account and is not in here.",
    "Contracts and receipts are not in here: each partner has its own, and the log's checkpoint proves them.",
)


class AuditYearError(InvalidInputError):
    """The year is none, or is not over."""

    code = "AUDIT_YEAR"


@dataclass(frozen=True)
class _Gathered:
    """What belongs into the pack: files by name, and what there is not."""

    files: dict[str, bytes]
    missing: list[str]


def pack_key(year: int, sha256: str) -> str:
    """Where the archive keeps the pack."""
    return f"audit-packs/{year}/{sha256}.zip"


def record_pk(year: int) -> str:
    """Where it is noted which pack of the year is the newest."""
    return f"audit#pack#{year}"


def wish(context: Context, by: str, year: str) -> Document:
    """Have the next audit make the year's pack, again where there is one; the same again is no change.

    Raises AuditYearError, BusyError.
    """
    number = _year(context, year)
    for _ in range(_ATTEMPTS):
        item = context.store.get(*WISHES_KEY)
        wanted: Document = {} if item is None else item.body["wanted"]
        if year in wanted:
            break
        body: Document = {"wanted": {**wanted, year: {"by": by, "at": iso(context.clock.now())}}}
        with suppress(WriteConflictError):
            context.store.transact([Create(*WISHES_KEY, body) if item is None else item.replaced(body)])
            break
    else:
        raise BusyError("The record keeps changing; send the same request again.")
    return {"year": number, "wanted": True, "what_next": "Run the job audit, or wait for the next one."}


def find(context: Context, year: str) -> Document:
    """The newest pack of the year, with an address from which it may be fetched for some minutes.

    Raises AuditYearError, NotFoundError before one was made.
    """
    item = context.store.get(record_pk(_year(context, year)), STATE)
    if item is None:
        raise NotFoundError(
            "There is no audit pack of this year yet; ask for one, and run the job audit.", field="year"
        )
    link = context.archive.link(str(item.body["key"]))
    return {**item.body, "url": link.url, "url_expires_at": iso(link.expires_at)}


def make(context: Context, run: Run, routes: Sequence[Document]) -> Piece:
    """A month of the pack that is due, or the pack once all twelve are gathered. ``routes`` is the access table."""
    kept: Document = dict(run.kept.get("pack") or {"year": _due(context, run), "months": []})
    if kept["year"] is None:
        return Piece(kept, done=True, progress="no pack is due")
    year, months = int(kept["year"]), list(kept["months"])
    while len(months) < 12:
        months.append(lay_aside(context, run, _month(context, year, len(months) + 1)))
        if run.time_is_up():
            return Piece({**kept, "months": months}, done=False, progress=f"{len(months)} months of {year}")
    gathered = _gathered(context, months)
    if gathered is None:
        return Piece({**kept, "months": []}, done=False, progress="its parts were forgotten; it begins anew")
    _add_year(context, run, year, gathered, routes)
    content, manifest = pack(year, gathered.files, log_key(context), context.log_signer.sign)
    digest = hashlib.sha256(content).hexdigest()
    context.archive.put(pack_key(year, digest), content)
    kept |= {"months": months, "sha256": digest, "manifest": hashlib.sha256(manifest).hexdigest()}
    _note(context, run, year, digest, content, gathered)
    return Piece(kept, done=True, progress=f"the pack of {year}, {len(gathered.files)} files")


# ---- which year


def _year(context: Context, year: str) -> int:
    today = context.calendar.shanghai_date(context.clock.now())
    if not (year.isascii() and year.isdigit()) or int(year) not in _YEARS or int(year) >= today.year:
        raise AuditYearError("An audit pack is of a calendar year that is over, like 2026.", field="year")
    return int(year)


def _due(context: Context, run: Run) -> int | None:
    """The year that somebody wants, or the one that is over since some days and has no pack though it was audited."""
    wishes = context.store.get(*WISHES_KEY)
    if wishes is not None and wishes.body["wanted"]:
        return int(min(wishes.body["wanted"]))
    year = int(run.period[:4]) - 1
    if run.period[5:] < _DUE or context.store.get(record_pk(year), STATE) is not None:
        return None
    listed = context.store.listed(runs_owner(Job.AUDIT), f"{year}-01-01", most=_ALL)
    return year if any(str(one.summary["period"]).startswith(f"{year}-") for one in listed) else None


# ---- what belongs into it


def _month(context: Context, year: int, month: int) -> bytes:
    """One month's files: those that are made now, and where the archive has the others."""
    days = [f"{year}-{month:02d}-{day:02d}" for day in range(1, monthrange(year, month)[1] + 1)]
    made: dict[str, Document] = {}
    archived: dict[str, str] = {}
    missing: list[str] = []
    for job, periods in ((Job.AUDIT, days), (Job.RECONCILIATION, days), (Job.MONTHLY_REVIEW, [days[0][:7]])):
        folder = job.value.replace("_", "-")
        for period, item in zip(periods, _read(context, [(run_pk(job, one), STATE) for one in periods]), strict=True):
            found = None if item is None else item.body.get("found")
            if item is None or found is None:
                missing.append(f"{folder} of {period}: there is no run that succeeded.")
                continue
            made[f"{folder}/{period}/run.json"] = jobs.view(item)
            archived.update(_reports(job, folder, period, found))
    compared = _read(context, [(reconciliation_pk(day), STATE) for day in days])
    made |= {
        f"reconciliation/{day}/result.json": item.body
        for day, item in zip(days, compared, strict=True)
        if item is not None
    }
    return json.dumps({"made": made, "archived": archived, "missing": missing}).encode()


def _reports(job: Job, folder: str, period: str, found: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Where the archive has what a run reported: an audit by the hash, other jobs by keys that they name."""
    if job is Job.AUDIT:
        for name, suffix in (("report_sha256", "json"), ("page_sha256", "html")):
            if name in found:
                yield f"{folder}/{period}/report.{suffix}", archived_key(period, str(found[name]), suffix)
    for name, value in found.items():
        if name.endswith("_key") and isinstance(value, str):
            yield f"{folder}/{period}/{value.rpartition('/')[2]}", value


def _gathered(context: Context, months: Sequence[str]) -> _Gathered | None:
    found = _Gathered({}, [])
    for name in months:
        content = fetch(context, name)
        if content is None:
            return None
        part = json.loads(content)
        found.missing.extend(part["missing"])
        found.files.update({name: _json(value) for name, value in part["made"].items()})
        for name, key in part["archived"].items():
            file = context.archive.get(key)
            if file is None:
                found.missing.append(f"{name}: {key} is not in the archive.")
            else:
                found.files[name] = file
    return found


def _add_year(context: Context, run: Run, year: int, gathered: _Gathered, routes: Sequence[Document]) -> None:
    """What is of the whole year, and the statement of what there is not, which comes last."""
    snapshot = audit_configuration.taken(context, run)
    files = gathered.files
    files["incidents.json"] = _json({"incidents": _incidents(context, year)})
    files["changes.json"] = _json({"changes": _changes(context, snapshot, year)})
    files["suspensions.json"] = _json({"suspensions": _suspensions(context)})
    files["duties.json"] = _json({"duties": duties.overview(context), "records": duties.of_year(context, year)})
    roles = {role.value: sorted(scopes) for role, scopes in ROLES.items()}
    files["access.json"] = _json({"routes": list(routes), "roles": roles, "scopes": dict(SCOPES)})
    files["callers.json"] = _json({"as_of": run.period, "callers": snapshot["callers"]})
    files["trust-policy.txt"] = policy_of(context, context.store.get(*WITNESSES_KEY)).text().encode()
    note = _last_checkpoint(files, year)
    if note:
        files["checkpoint.txt"] = note.encode()
    else:
        gathered.missing.append("checkpoint.txt: no audit of the year found a checkpoint.")
    files["not-available.json"] = _json({"not_available": [*_NEVER, *gathered.missing]})


def _last_checkpoint(files: Mapping[str, bytes], year: int) -> str:
    """The newest checkpoint that an audit of the year's days has found right."""
    reports = [name for name in files if name.startswith(f"audit/{year}-") and name.endswith("/report.json")]
    for name in sorted(reports, reverse=True):
        note = str(json.loads(files[name])["log"]["checkpoint"])
        if note:
            return note
    return ""


def _incidents(context: Context, year: int) -> list[Document]:
    """Whatever was open at any time of the year, with how it was settled."""
    keys: dict[Key, None] = {}
    for status in IncidentStatus:
        for one in context.store.listed(incidents.list_of(status), _EVER, most=_ALL):
            keys[incident_pk(str(one.summary["incident_id"])), STATE] = None
    bodies = [item.body for item in _read(context, list(keys)) if item is not None]
    kept = [
        {name: value for name, value in body.items() if name not in _COUNTS}
        for body in bodies
        if str(body["opened_at"])[:4] <= str(year) <= str(body.get("resolved_at", year))[:4]
    ]
    return sorted(kept, key=lambda one: (str(one["opened_at"]), str(one["incident_id"])))


def _changes(context: Context, snapshot: Document, year: int) -> list[Document]:
    """What two persons proposed and decided, with the content."""
    prefix = institution_pk("")
    known = {name.split(" ")[0].removeprefix(prefix) for name in snapshot["records"] if name.startswith(prefix)}
    keys: list[Key] = []
    for owner in changes_lists(sorted(known)):
        listed = context.store.listed(owner, _EVER, most=_ALL)
        keys += [(change_pk(str(one.summary["change_id"])), STATE) for one in listed]
    names = ("change_id", "kind", "content", "status", "proposed_by", "proposed_at", "decided_by", "decided_at")
    bodies = [item.body for item in _read(context, keys) if item is not None]
    kept = [
        {name: body[name] for name in names if name in body}
        for body in bodies
        if str(year) in (str(body["proposed_at"])[:4], str(body.get("decided_at", ""))[:4])
    ]
    return sorted(kept, key=lambda one: (str(one["proposed_at"]), str(one["change_id"])))


def _suspensions(context: Context) -> list[Document]:
    listed = context.store.listed(suspension.SUSPENSIONS, _EVER, most=_ALL)
    items = _read(context, [one.key for one in listed if one.key is not None])
    return sorted((item.body for item in items if item is not None), key=lambda body: json.dumps(body, sort_keys=True))


def _note(context: Context, run: Run, year: int, digest: str, content: bytes, gathered: _Gathered) -> None:
    """Which pack is the newest; the wish for it is fulfilled in the same transaction."""
    body: Document = {
        "year": year,
        "key": pack_key(year, digest),
        "sha256": digest,
        "bytes": len(content),
        "files": len(gathered.files),
        "not_available": len(gathered.missing),
        "made_by_run": run.run_id,
    }
    for _ in range(_ATTEMPTS):
        known, wishes = context.store.get_many([(record_pk(year), STATE), WISHES_KEY])
        writes = [Create(record_pk(year), STATE, body) if known is None else known.replaced(body)]
        if wishes is not None and str(year) in wishes.body["wanted"]:
            left = {name: value for name, value in wishes.body["wanted"].items() if name != str(year)}
            writes.append(wishes.replaced({"wanted": left}))
        with suppress(WriteConflictError):
            context.store.transact(writes)
            return
    raise BusyError("The record keeps changing; run the same task again.")


def _read(context: Context, keys: Sequence[Key]) -> list[Item | None]:
    found: list[Item | None] = []
    for start in range(0, len(keys), _BATCH):
        found += context.store.get_many(keys[start : start + _BATCH])
    return found


def _json(value: object) -> bytes:
    return canonical_bytes(value)
