"""Anchoring: the cosigned checkpoint of the evidence log on a blockchain, one transaction for all events under it.

The log itself is the queue: whatever lies between the anchored size and the cosigned one waits, and nothing of it can
be lost while the chain is down. The chain takes a key once, so anchoring may be repeated, and done by many at once.
"""

from __future__ import annotations

from rongtong.domain.checkpoint import CheckpointError, open_checkpoint
from rongtong.domain.errors import RongTongError
from rongtong.domain.receipt import chain_key
from rongtong.services.context import Context
from rongtong.services.cosigning import WITNESSES_KEY, log_key, policy_of, stored_note
from rongtong.services.errors import BusyError
from rongtong.services.evidence_log import LOG_PK
from rongtong.services.ports import Chain, ChainConflictError, ChainEntry, ChainReceipt, ChainUnavailableError
from rongtong.services.records import logged_until
from rongtong.services.storage import Create, Document, Item, Write, WriteConflictError

ANCHORED_KEY = (LOG_PK, "anchored")
"""The anchor that reaches furthest."""
ANCHORS_PK = f"{LOG_PK}#anchors"
"""Every anchor that was noted, by the size of its tree."""
_ATTEMPTS = 10


class NotAnchoredError(RongTongError):
    """No checkpoint on the chain covers this object's events, and payment waits for the chain: nothing may be paid."""

    code = "NOT_ANCHORED"


def anchor(context: Context, size: int | None = None) -> Document:
    """Put the newest cosigned checkpoint on the chain unless one that covers ``size`` leaves is there.

    Without a size it is the newest itself that must be there. Safe to repeat: what the chain took before a crash is
    found there. Answers where it stands (``size``, ``key``, ``transaction_id``, ``block``, ``code``), nothing while no
    checkpoint was ever cosigned. Raises NotAnchoredError when no quorum has cosigned so many leaves yet,
    ChainUnavailableError, ChainRefusedError, ChainConflictError, NoQuorumError when no policy names the witnesses.
    """
    note = stored_note(context)
    cosigned = _size(note)
    wanted = cosigned if size is None else size
    anchored = _anchored(context)
    if anchored is not None and int(anchored.body["size"]) >= wanted:
        return _shown(anchored.body)
    if cosigned < wanted:
        raise NotAnchoredError("The log is not cosigned so far; run Seal again.")
    if not note:
        return {}
    if context.chain is None:
        raise ChainUnavailableError("Something waits for a chain, and none is configured; name the chain's function.")
    return _shown(_note_down(context, cosigned, note, _put(context, context.chain, note)))


def anchored_note(context: Context, size: int) -> str | None:
    """The newest note on the chain, if it covers ``size`` leaves and the platform's policy takes it; None otherwise.

    Raises NoQuorumError when no policy names the witnesses.
    """
    item = _anchored(context)
    return None if item is None or int(item.body["size"]) < size else str(item.body["note"])


def require_anchored(context: Context, item: Item) -> None:
    """Raises NotAnchoredError unless everything that the aggregate has logged is under a checkpoint on the chain."""
    until = logged_until(item.body)
    if not until or anchored_note(context, until) is None:
        raise NotAnchoredError("The chain does not hold the log as far as this discount; run Seal again.")


def _anchored(context: Context) -> Item | None:
    """The anchor that reaches furthest, unless the policy does not take its note any more: then it is put again."""
    policy, item = context.store.get_many([WITNESSES_KEY, ANCHORED_KEY])
    if item is None:
        return None
    try:
        policy_of(context, policy).judge(str(item.body["note"]))
    except CheckpointError:
        return None
    return item


def _put(context: Context, chain: Chain, note: str) -> ChainReceipt:
    """The note's receipt; of a checkpoint that is there under other cosignatures, that one's."""
    key = chain_key(note)
    try:
        (receipt,) = chain.append([ChainEntry(key, note)])
    except ChainConflictError:
        # The key is made from the checkpoint alone: since a witness changed its key, its old cosignature is there.
        there = chain.get(key)
        if there is None or not _is_the_logs(context, there, key):
            raise
        (receipt,) = chain.append([ChainEntry(key, there)])
    return receipt


def _is_the_logs(context: Context, content: str, key: str) -> bool:
    """Whether the log signed this, and it is the checkpoint of the key."""
    try:
        open_checkpoint(content, log_key(context))
    except CheckpointError:
        return False
    return chain_key(content) == key


def _note_down(context: Context, size: int, note: str, receipt: ChainReceipt) -> Document:
    """Keep where the checkpoint stands; the one that reaches furthest never goes back in size."""
    body: Document = {
        "size": size,
        "note": note,
        "key": receipt.key,
        "transaction_id": receipt.transaction_id,
        "block": receipt.block,
        "code": receipt.code,
    }
    record_key = (ANCHORS_PK, f"{size:012d}")
    for _ in range(_ATTEMPTS):
        furthest, record = context.store.get_many([ANCHORED_KEY, record_key])
        writes: list[Write] = [] if record is not None else [Create(*record_key, body)]
        if furthest is None:
            writes.append(Create(*ANCHORED_KEY, body))
        elif int(furthest.body["size"]) < size or (furthest.body["size"] == size and furthest.body["note"] != note):
            writes.append(furthest.replaced(body))
        if not writes:
            return body
        try:
            context.store.transact(writes)
        except WriteConflictError:
            continue  # another writer noted an anchor: what it noted decides what is left to do
        return body
    raise BusyError("Other writers kept noting their anchors; run the same task again.")


def _size(note: str) -> int:
    return int(note.split("\n")[1]) if note else 0


def _shown(body: Document) -> Document:
    return {name: value for name, value in body.items() if name != "note"}
