"""Audit, second stage: leaves drawn out of the log, and whatever they belong to verified again from scratch.

A leaf leads to its event by the batch that was staged with it. A discount that has ended is verified as its receipt is,
by the bytes that a partner would be given, with public keys and the trust policy alone; so is its contract. Of anything
else every logged event is hashed again and held against the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from rongtong.domain.audit import DRAWS, Finding, FindingCode, drawn
from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.jobs import Job
from rongtong.domain.receipt import ReceiptError, receipt_bytes, verify_receipt
from rongtong.domain.tiles import WIDTH, TileError, split_bundle, tile_of
from rongtong.services.audit_findings import add, findings_pk
from rongtong.services.audit_log import head_audited
from rongtong.services.context import Context
from rongtong.services.cosigning import WITNESSES_KEY, NoQuorumError, policy_of
from rongtong.services.errors import LogDamagedError
from rongtong.services.evidence_log import leaf_of, pending
from rongtong.services.jobs import Piece, Run, run_pk
from rongtong.services.ports import LogFiles
from rongtong.services.receipts import receipt
from rongtong.services.records import STATE, discount_pk, logged_indices, logged_until
from rongtong.services.storage import Item
from rongtong.services.tile_log import find_staged, position_of

_DAYS_BACK = 31
_STAGED_FOR = timedelta(days=390)
"""So long batches stay staged, at least (the bucket's lifecycle rule says 400 days)."""


def check(context: Context, run: Run) -> Piece:
    """A piece of the draw; each subject is verified once, however many of its leaves are drawn."""
    kept = dict(run.kept.get("receipts") or {"drawn": 0, "receipts": 0, "others": 0, "expired": 0, "seen": []})
    head, pk = head_audited(run), findings_pk(run)
    if head is None or not head.size:
        return Piece(kept, done=True, progress="the log is empty")
    while kept["drawn"] < DRAWS:
        index = drawn(head.root, int(kept["drawn"]), head.size)
        subject = subject_of(context.files, index)
        if subject is None:
            if _may_be_forgotten(context, run, index):
                kept["expired"] += 1
            else:
                add(context, pk, [_untraced(index)])
        elif subject not in kept["seen"]:
            is_receipt, findings = _verified(context, subject, index, head)
            add(context, pk, findings)
            kept["seen"] = [*kept["seen"], subject]
            kept["receipts" if is_receipt else "others"] += 1
        kept["drawn"] += 1
        if run.time_is_up():
            break
    return Piece(kept, kept["drawn"] == DRAWS, f"{kept['drawn']} of {DRAWS} draws, {kept['receipts']} receipts")


def subject_of(files: LogFiles, index: int) -> str | None:
    """Whose leaf this is: the partition key of the aggregate. None where its batch is not there (any more)."""
    position = position_of(files, index)
    batch = None if position is None else find_staged(files, position)
    if position is None or batch is None:
        return None
    at = index - position
    for subject in batch.subjects:
        if at < subject.count:
            return subject.pk
        at -= subject.count
    return None


def _may_be_forgotten(context: Context, run: Run, index: int) -> bool:
    """Whether the leaf was in the log so long ago that its batch may be gone."""
    then = date.fromisoformat(run.period) - _STAGED_FOR
    # A day on which no audit succeeded says nothing: the one before it does.
    days = [then - timedelta(days=back) for back in range(_DAYS_BACK)]
    earlier = context.store.get_many([(run_pk(Job.AUDIT, day.isoformat()), STATE) for day in days])
    sizes = [int((item.body.get("found") or {}).get("log_size", 0)) for item in earlier if item is not None]
    return index < max(sizes, default=0)


def _untraced(index: int) -> Finding:
    return Finding(FindingCode.LEAF_UNTRACED, f"leaf {index}", f"No batch below staging/ holds leaf {index}.")


def _verified(context: Context, pk: str, index: int, head: Checkpoint) -> tuple[bool, list[Finding]]:
    """Whether it was verified by its receipt, and what was found of it."""
    item = context.store.get(pk, STATE)
    if item is None:
        text = f"Leaf {index} of the log is its event, and its record is not there."
        return False, [Finding(FindingCode.EVENT_ALTERED, pk, text)]
    documents = context.store.query(pk, "event#")
    findings = list(_events(context, item, documents, head))
    if not pk.startswith(discount_pk("")):
        return False, findings
    findings += _contract(context, pk, documents)
    ended = "finished_at" in item.body and not pending(item) and logged_until(item.body) <= head.size
    if not ended or len(documents) < len(logged_indices(item.body)):
        return False, findings
    # The bytes that a partner would be given; nobody is shown them.
    unread = replace(context, initiator=None)
    try:
        content = receipt_bytes(receipt(unread, item))
        verify_receipt(content, policy_of(context, context.store.get(*WITNESSES_KEY)))
    except ReceiptError as error:
        findings.append(Finding(FindingCode.RECEIPT_WRONG, str(item.body["discount_id"]), f"{error.code}: {error}"))
    except (LogDamagedError, NoQuorumError) as error:
        text = f"It cannot be made: {error.message}"
        findings.append(Finding(FindingCode.RECEIPT_WRONG, str(item.body["discount_id"]), text))
    return True, findings


def _events(context: Context, item: Item, documents: list[Item], head: Checkpoint) -> Iterator[Finding]:
    """Every event that the log holds under the audited checkpoint is the one that was logged."""
    for number, index in enumerate(logged_indices(item.body), start=1):
        if index >= head.size:
            return
        about = f"{item.pk} event {number}"
        if number > len(documents):
            yield Finding(FindingCode.EVENT_ALTERED, about, f"The event of leaf {index} is missing.")
            continue
        if leaf_of(documents[number - 1].body) != _entry(context, index, head.size):
            text = f"What is stored is not what was logged as leaf {index}."
            yield Finding(FindingCode.EVENT_ALTERED, about, text)


def _entry(context: Context, index: int, size: int) -> bytes | None:
    """The log's entry; None where its file is missing or unreadable, which the first stage has found."""
    bundle = tile_of(None, index // WIDTH, size)
    (content,) = context.files.get_all([bundle.path()])
    try:
        return None if content is None else split_bundle(bundle, content)[index % WIDTH]
    except TileError:
        return None


def _contract(context: Context, pk: str, documents: list[Item]) -> Iterator[Finding]:
    discount_id = pk.removeprefix(discount_pk(""))
    for document in documents:
        event = document.body["event"]
        if event["type"] != "ContractSealed":
            continue
        key, sealed = str(event["data"]["contract_key"]), event["data"]["contract_sha256"]
        content = context.archive.get(key)
        if content is None:
            yield Finding(FindingCode.CONTRACT_ALTERED, discount_id, f"{key} is not in the archive.")
        elif (digest := hashlib.sha256(content).hexdigest()) != sealed:
            text = f"{key} has the SHA-256 {digest}; sealed was {sealed}."
            yield Finding(FindingCode.CONTRACT_ALTERED, discount_id, text)
