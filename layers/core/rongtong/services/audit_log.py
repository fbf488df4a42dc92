"""Audit, first stage: every file of the evidence log against the newest checkpoint, and that against what came before.

A file is believed or named as wrong by itself, so a run that is killed goes on with the next files, and one wrong file
hides no other.
"""

from __future__ import annotations

from collections.abc import Iterator

from rongtong.domain.audit import Finding, FindingCode
from rongtong.domain.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from rongtong.domain.log_check import LogCheck
from rongtong.domain.tiles import WIDTH, Tile, TileError, tile_of
from rongtong.services.audit_findings import LAST_KEY, add, run_findings_pk
from rongtong.services.context import Context
from rongtong.services.cosigning import NoQuorumError, log_key, stored_note
from rongtong.services.evidence_log import head_of
from rongtong.services.jobs import Piece, Run
from rongtong.services.records import iso
from rongtong.services.storage import Document

_BUNDLES_AT_ONCE = 32


def check(context: Context, run: Run) -> Piece:
    """A piece of the log's files, 256 entries to a bundle; the last piece also compares checkpoints."""
    kept = dict(run.kept.get("log") or _begin(context, run.period))
    pk = run_findings_pk(run.period, str(kept["began"]))
    if not kept["note"]:
        return Piece(kept, done=True, progress="the log is empty" if not kept["wrong"] else "no checkpoint to check")
    head = Checkpoint.parse(_text(kept["note"]))
    findings: list[Finding] = []
    try:
        judge = LogCheck(head.size, head.root, lambda tile: _content(context, tile))
    except TileError as error:
        findings.append(_wrong(error))
        kept["bundle"], judge = -(-head.size // WIDTH), None
    bundles = -(-head.size // WIDTH)
    while judge is not None and kept["bundle"] < bundles:
        until = min(bundles, int(kept["bundle"]) + _BUNDLES_AT_ONCE)
        findings += _checked(context, judge, range(int(kept["bundle"]), until), head.size)
        kept["bundle"] = until
        if run.time_is_up():
            break
    done = int(kept["bundle"]) == bundles
    if done and judge is not None:
        findings += _compared(context, head, judge)
    add(context, pk, findings)
    kept["wrong"] = int(kept["wrong"]) + len(findings)
    entries = min(head.size, int(kept["bundle"]) * WIDTH)
    return Piece(kept, done, f"{entries:,} of {head.size:,} entries")


def head_audited(run: Run) -> Checkpoint | None:
    """The checkpoint that this run audits; None where the log is empty or nobody signed it."""
    note = str(run.kept["log"]["note"])
    return Checkpoint.parse(_text(note)) if note else None


def _begin(context: Context, period: str) -> Document:
    """The run audits one checkpoint, however the log grows meanwhile: the newest under a quorum."""
    kept: Document = {"began": iso(context.clock.now()), "note": "", "bundle": 0, "wrong": 0}
    head = head_of(context)
    try:
        kept["note"], why = stored_note(context), "no stored checkpoint has a quorum of cosignatures"
    except NoQuorumError as error:
        why = error.message
    if kept["note"] or head is None:
        return kept
    note = str(head.body["note"])
    try:
        open_checkpoint(note, log_key(context))
        kept["note"] = note
    except CheckpointError as error:
        why = str(error)
    kept["wrong"] = 1
    finding = Finding(FindingCode.LOG_NOT_COSIGNED, f"{int(head.body['size'])} entries", why)
    add(context, run_findings_pk(period, str(kept["began"])), [finding])
    return kept


def _checked(context: Context, judge: LogCheck, bundles: range, size: int) -> Iterator[Finding]:
    files = [tile_of(level, index, size) for index in bundles for level in (0, None)]
    contents = context.files.get_all([file.path() for file in files])
    for file, content in zip(files, contents, strict=True):
        try:
            if content is None:
                raise TileError(f"{file.path()} is missing.")
            judge.check(file, content)
        except TileError as error:
            yield _wrong(error)


def _compared(context: Context, head: Checkpoint, judge: LogCheck) -> Iterator[Finding]:
    """The audited checkpoint extends the one of the last audit, and the log's head extends the audited one."""
    last, newest = context.store.get(*LAST_KEY), head_of(context)
    try:
        if last is not None and last.body["note"]:
            yield from _extends(Checkpoint.parse(_text(str(last.body["note"]))), head, judge)
        if newest is None:
            yield Finding(FindingCode.LOG_SHRUNK, f"no head, {head.size}", "The log has no head any more.")
            return
        moved = open_checkpoint(str(newest.body["note"]), log_key(context))
        if moved != head:
            after = LogCheck(moved.size, moved.root, lambda tile: _content(context, tile))
            yield from _extends(head, moved, after)
    except TileError as error:
        yield _wrong(error)
    except CheckpointError as error:
        yield Finding(FindingCode.LOG_FORKED, "head", f"The log's head: {error}")


def _extends(old: Checkpoint, new: Checkpoint, judge: LogCheck) -> Iterator[Finding]:
    about = f"{old.size} and {new.size}"
    if old.size > new.size:
        yield Finding(FindingCode.LOG_SHRUNK, about, f"From {old.size} entries to {new.size}.")
    elif not judge.begins_with(old.size, old.root):
        text = f"The log of {new.size} entries does not begin with the one of {old.size} that was signed before."
        yield Finding(FindingCode.LOG_FORKED, about, text)


def _wrong(error: TileError) -> Finding:
    """Named by the file that the text begins with: what hangs below a wrong file is the same finding."""
    first = str(error).partition(" ")[0]
    about = first if first.startswith("tile/") else "the log's right edge"
    return Finding(FindingCode.LOG_FILE_WRONG, about, str(error))


def _content(context: Context, tile: Tile) -> bytes | None:
    (content,) = context.files.get_all([tile.path()])
    return content


def _text(note: str) -> str:
    """The text of a note that was verified when it was taken."""
    return note.rpartition("\n\n")[0] + "\n"
