"""Imports of bills: a file becomes bills line by line, each line imported or refused by name.

The file is kept as it was sent until the import is done. What becomes of its lines is written in order, some ninety in
one transaction with the import's own state, so that a worker that dies leaves no line in doubt: whoever comes next goes
on behind the last line that the state tells of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rongtong.domain.bill_file import BillFileError, Line, StatedBill, read_csv, read_table
from rongtong.domain.bill_file_json import read_json
from rongtong.domain.bill_import import Checked, ImportStatus, checked, require_import_transition
from rongtong.domain.bill_workbook import read_workbook
from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.errors import InvalidInputError, RongTongError
from rongtong.services.bill_import_lines import results_of
from rongtong.services.context import Context
from rongtong.services.errors import BusyError, IdempotencyMismatchError
from rongtong.services.records import (
    POLICY_KEY,
    STATE,
    calendar_key,
    change_writes,
    derived_id,
    first_writes,
    import_pk,
    importing_pk,
    iso,
    lines_sk,
    partner_list,
    partner_pk,
    tenant_key,
)
from rongtong.services.settings import calendar_of, policy_of, require_agreed
from rongtong.services.storage import Create, Document, Item, Owned, Write, WriteConflictError

IMPORTS = "bill_imports"
INLINE_LINES_MAX = 200
CHUNK = 90
"""Lines in one transaction, which holds 100 documents: the state, its event, the results and a bill for each line."""
_BUDGET_S = 15.0
"""Of a request; what is left is carried on within a minute."""
_GRACE = timedelta(seconds=30)
"""Whoever began an import goes on with it for so long before another does."""
_ATTEMPTS = 5
_NAMES = {"holder_id": "enterprise_id"}
"""An import is at rest once it is logged; a record that bears ``enterprise_id`` has messages to send as well."""
_HIDDEN = frozenset({"partner_id", "body_digest", "events", "logged", "put_off", "file_key"})


class UploadMissingError(RongTongError):
    """The file that was announced is not there (any more)."""

    code = "UPLOAD_MISSING"


class ImportTooLongError(InvalidInputError):
    """More lines than one request imports."""

    code = "IMPORT_TOO_LONG"


@dataclass(frozen=True)
class ImportBills:
    """A file that a partner sends with its request, or announces by its size and SHA-256 (hexadecimal)."""

    partner_id: str
    idempotency_key: str
    body_digest: str
    format: str
    """csv, xlsx or json."""
    enterprise_id: str | None = None
    """Who holds the bills of lines that name nobody."""
    institution_ids: tuple[str, ...] = ()
    """Who is asked for a price ahead of time; none: all that the partner has agreements with."""
    content: bytes | None = None
    file_sha256: str = ""
    file_bytes: int = 0


def begin(context: Context, command: ImportBills) -> tuple[Document, bool]:
    """Import the file that came with the request, or say where to put the one that was announced.

    A repeat answers the same import as it stands now, and False. Raises BillFileError, ImportTooLongError,
    InstitutionUnknownError, IdempotencyMismatchError; nothing is stored then.
    """
    import_id = derived_id("imp", command.partner_id, command.idempotency_key)
    known, partner = context.store.get_many([(import_pk(import_id), STATE), (partner_pk(command.partner_id), STATE)])
    if known is not None:
        return view(context, _repeat(known, command)), False
    for institution_id in command.institution_ids:
        require_agreed(partner, institution_id)
    content = command.content
    if content is not None and len(read_lines(command.format, content)) > INLINE_LINES_MAX:
        raise ImportTooLongError(
            f"A request imports {INLINE_LINES_MAX} bills at most; announce the file in upload instead.", field="content"
        )
    now = context.clock.now()
    state: Document = {
        "import_id": import_id,
        "partner_id": command.partner_id,
        "status": ImportStatus.AWAITING_FILE.value if content is None else ImportStatus.IMPORTING.value,
        "format": command.format,
        "file_key": f"imports/{command.partner_id}/{import_id}",
        "file_sha256": command.file_sha256 if content is None else hashlib.sha256(content).hexdigest(),
        "file_bytes": command.file_bytes if content is None else len(content),
        "body_digest": command.body_digest,
        "created_at": iso(now),
        **({"holder_id": command.enterprise_id} if command.enterprise_id else {}),
        **({"institution_ids": list(command.institution_ids)} if command.institution_ids else {}),
        **_NOTHING_DONE,
    }
    if content is not None:
        context.uploads.put(str(state["file_key"]), content)
    data = {key: state[key] for key in ("partner_id", "format", "file_sha256", "file_bytes")}
    owned = Owned(partner_list(command.partner_id, IMPORTS), iso(now))
    pk, by = import_pk(import_id), context.initiator
    writes = first_writes(pk, "import_id", import_id, state, "BillImportRequested", now, data, by=by, owned=owned)
    if content is not None:
        writes.append(_ticket(import_id, now))
    try:
        context.store.transact(writes)
    except WriteConflictError:
        return view(context, _repeat(_load(context, import_id), command)), False
    item = _load(context, import_id)
    return view(context, item if content is None else advance(context, item)), True


_NOTHING_DONE: Document = {"done": 0, "imported": 0, "refused": 0}


def start(context: Context, item: Item) -> Document:
    """Import the file that was put where the import said; safe to repeat.

    Raises UploadMissingError where it is not there, or is not the one that was announced.
    """
    if item.body["status"] == ImportStatus.AWAITING_FILE:
        content = context.uploads.get(str(item.body["file_key"]))
        if content is None or hashlib.sha256(content).hexdigest() != item.body["file_sha256"]:
            raise UploadMissingError(
                "The announced file is not there; put it to upload.url first, with upload.headers.", field="import_id"
            )
        now = context.clock.now()
        changes = _to(item, ImportStatus.IMPORTING)
        written = change_writes(item, "import_id", changes, "BillFileReceived", now, {}, by=context.initiator)
        try:
            context.store.transact([*written, _ticket(str(item.body["import_id"]), now)])
        except WriteConflictError:
            item = _load(context, str(item.body["import_id"]))  # the same start came twice
        else:
            item = _load(context, str(item.body["import_id"]))
    return view(context, advance(context, item))


def carry_on(context: Context, ticket: Item, budget_s: float) -> None:
    """Go on with an import that was left undone, by what marks it so."""
    advance(context, _load(context, str(ticket.body["import_id"])), budget_s)


def advance(context: Context, item: Item, budget_s: float = _BUDGET_S) -> Item:
    """Import what is left of the file until the time is up; the import as it stands then. Safe to repeat."""
    began = context.clock.monotonic()
    if item.body["status"] != ImportStatus.IMPORTING:
        return item
    content = context.uploads.get(str(item.body["file_key"]))
    if content is None:
        return _fail(context, item, UploadMissingError.code)
    try:
        lines = read_lines(str(item.body["format"]), content)
    except BillFileError as error:
        return _fail(context, item, error.code)
    ready = _checked(context, item, lines)
    while item.body["status"] == ImportStatus.IMPORTING:
        item = _chunk(context, item, ready)
        # Behind the first chunk: however long a file takes to read, whoever read it comes further.
        if context.clock.monotonic() - began >= budget_s:
            break
    return item


def read_lines(file_format: str, content: bytes) -> list[Line]:
    """Every line of a file in this format (csv, xlsx, json). Raises BillFileError."""
    if file_format == "csv":
        return read_csv(content)
    return read_table(read_workbook(content)) if file_format == "xlsx" else read_json(content)


def view(context: Context, item: Item) -> Document:
    """What its partner sees of an import; where to put the file, as long as it is awaited."""
    shown = short_view(item)
    if item.body["status"] == ImportStatus.AWAITING_FILE:
        sha256, size = bytes.fromhex(str(item.body["file_sha256"])), int(item.body["file_bytes"])
        invited = context.uploads.invite(str(item.body["file_key"]), sha256, size)
        upload = {"url": invited.url, "headers": dict(invited.headers), "expires_at": iso(invited.expires_at)}
        shown["upload"] = {"method": "PUT", **upload}
    return shown


def short_view(item: Item) -> Document:
    """The same without where to put the file, which is signed anew at every look."""
    return {_NAMES.get(key, key): value for key, value in item.body.items() if key not in _HIDDEN}


def _checked(context: Context, item: Item, lines: list[Line]) -> list[Checked]:
    """As of the day on which the import began, so that no line's fate depends on how often a worker died."""
    today = context.calendar.shanghai_date(datetime.fromisoformat(str(item.body["created_at"])))
    years = sorted(
        {line.maturity_date.year + more for line in lines if isinstance(line, StatedBill) for more in (0, 1)}
    )
    platform, tenant, *confirmed = context.store.get_many(
        [POLICY_KEY, tenant_key(str(item.body["partner_id"])), *[calendar_key(year) for year in years[:20]]]
    )
    policy = policy_of(platform, tenant)
    return list(checked(lines, policy, calendar_of(context.calendar, confirmed, policy), today))


def _chunk(context: Context, item: Item, ready: Sequence[Checked]) -> Item:
    """Write what becomes of the next lines. Raises BusyError where others import the same bills at the same time."""
    import_id, at = str(item.body["import_id"]), int(item.body["done"])
    part = ready[at : at + CHUNK]
    for _ in range(_ATTEMPTS):
        now = context.clock.now()
        results, bills = results_of(context, item, part, now)
        refused = len(results) - len(bills)
        changes: Document = {
            "lines": len(ready),
            "done": at + len(part),
            "imported": int(item.body["imported"]) + len(bills),
            "refused": int(item.body["refused"]) + refused,
        }
        ended: list[Write] = []
        if at + len(part) == len(ready):
            changes |= {**_to(item, ImportStatus.DONE), "finished_at": iso(now)}
            ended = _tear_up(context, import_id)
        data: Document = {
            "lines": [results[0][0], results[-1][0]],
            "imported": len(bills),
            "refused": refused,
            "results_sha256": hashlib.sha256(canonical_bytes(results)).hexdigest(),
            "bills_sha256": hashlib.sha256(canonical_bytes([bill.body for bill in bills])).hexdigest(),
        }
        written = change_writes(item, "import_id", changes, "BillsImported", now, data, by=context.initiator, due=now)
        try:
            lines = Create(import_pk(import_id), lines_sk(at), {"lines": results})
            context.store.transact([*written, lines, *ended, *bills])
        except WriteConflictError as conflict:
            if {0, 1, 2} & set(conflict.failed):
                return _load(context, import_id)  # another worker was quicker
            continue  # one of the bills was imported meanwhile: by another file, or by two at once
        return _load(context, import_id)
    raise BusyError("The same bills are being imported by many files; the import goes on by itself.")


def _fail(context: Context, item: Item, reason: str) -> Item:
    now, import_id = context.clock.now(), str(item.body["import_id"])
    changes = {**_to(item, ImportStatus.FAILED), "reason": reason, "finished_at": iso(now)}
    written = change_writes(item, "import_id", changes, "BillImportFailed", now, {"reason": reason})
    try:
        context.store.transact([*written, *_tear_up(context, import_id)])
    except WriteConflictError:
        return _load(context, import_id)
    return _load(context, import_id)


def _to(item: Item, status: ImportStatus) -> Document:
    require_import_transition(ImportStatus(item.body["status"]), status)
    return {"status": status.value}


def _ticket(import_id: str, now: datetime) -> Create:
    """Lets the worker find what is undone: the import itself is looked after by who keeps the evidence log."""
    return Create(importing_pk(import_id), STATE, {"import_id": import_id}, due=iso(now + _GRACE))


def _tear_up(context: Context, import_id: str) -> list[Write]:
    ticket = context.store.get(importing_pk(import_id), STATE)
    return [] if ticket is None else [replace(ticket.replaced(ticket.body), due=None)]


def _load(context: Context, import_id: str) -> Item:
    item = context.store.get(import_pk(import_id), STATE)
    assert item is not None, "an import's state is never deleted"
    return item


def _repeat(known: Item, command: ImportBills) -> Item:
    if known.body["body_digest"] != command.body_digest:
        raise IdempotencyMismatchError(
            "This Idempotency-Key was used with another body; use a new key for a new request.",
            field="Idempotency-Key",
        )
    return known
