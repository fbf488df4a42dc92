"""The evidence log: hashes of domain events in an RFC 6962 tree whose signed head only ever grows.

A batch of leaves, the head that covers it and the change of the aggregate it came from are one transaction, on
condition that the head is still the one that was read: the log cannot fork, and nothing is logged by halves.
"""

from __future__ import annotations

import random
import time
from base64 import b64decode, b64encode

from rongtong.domain.checkpoint import checkpoint_text, format_signature, key_id
from rongtong.domain.merkle import Frontier, inclusion_proof, leaf_hash
from rongtong.domain.receipt import build_receipt, event_leaf
from rongtong.services.context import Context, LogSigner
from rongtong.services.errors import BusyError, NotFoundError, WrongStateError
from rongtong.services.storage import Create, Document, Item, Replace, Write, WriteConflictError

LOG_PK = "log"
LEAVES_PK = "log#leaves"
_HASH_BYTES = 32
_ATTEMPTS = 40


def sign_checkpoint(signer: LogSigner, origin: str, size: int, root: bytes) -> str:
    """A checkpoint as a signed note (C2SP tlog-checkpoint, signed-note)."""
    text = checkpoint_text(origin, size, root)
    signature = signer.sign(text.encode())
    return text + "\n" + format_signature(origin, key_id(origin, signer.public_key()), signature)


def checkpoint(context: Context) -> str:
    """The newest signed checkpoint. Raises NotFoundError while the log is empty."""
    head = context.store.get(LOG_PK, "head")
    if head is None:
        raise NotFoundError("The log is empty; nothing has been recorded yet.")
    return str(head.body["note"])


def pending(item: Item) -> range:
    """Numbers of the aggregate's events that are not in the log yet."""
    return range(logged_count(item.body) + 1, int(item.body["events"]) + 1)


def logged_count(body: Document) -> int:
    """How many of the aggregate's events the log holds."""
    return sum(count for _, count in body.get("logged", ()))


def append(context: Context, leaves: list[bytes], others: list[Write], mark: tuple[str, str]) -> None:
    """Append leaves (their data, 32 bytes each) and write ``others`` in the same transaction.

    ``mark`` is the key of the one among ``others`` whose body learns where its leaves stand: ``[first index, count]``
    is added to its ``logged``. Raises WriteConflictError if one of ``others`` failed, BusyError if the head was
    never free.
    """
    hashes = [leaf_hash(leaf) for leaf in leaves]
    for attempt in range(_ATTEMPTS):
        head = context.store.get(LOG_PK, "head")
        frontier = _frontier(head)
        start = frontier.size
        for entry in hashes:
            frontier = frontier.append(entry)
        note = sign_checkpoint(context.log_signer, context.log_origin, frontier.size, frontier.root())
        body: Document = {"size": frontier.size, "peaks": _pack(frontier.peaks), "note": note}
        log_writes: list[Write] = [
            Create(LOG_PK, "head", body) if head is None else Replace(LOG_PK, "head", body, head.version),
            Create(LEAVES_PK, f"{start:012d}", {"hashes": _pack(hashes)}),
        ]
        marked = [_mark(write, mark, start, len(hashes)) for write in others]
        try:
            context.store.transact([*log_writes, *marked])
        except WriteConflictError as conflict:
            if any(position >= len(log_writes) for position in conflict.failed):
                raise
            time.sleep(random.uniform(0, 0.02 * (attempt + 1)))
            continue
        return
    raise BusyError("The log's head changed with every attempt; run the same task again.")


def append_pending(context: Context, item: Item) -> bool:
    """Append what the aggregate has not logged yet; False if there was nothing. Safe to repeat."""
    if not pending(item):
        return False
    leaves = pending_leaves(context, item)
    append(context, leaves, [Replace(item.pk, item.sk, item.body, item.version)], (item.pk, item.sk))
    return True


def pending_leaves(context: Context, item: Item) -> list[bytes]:
    """Leaf data of the stored events that the log does not hold yet."""
    stored = context.store.query(item.pk, "event#", start=f"event#{logged_count(item.body) + 1:04d}")
    return [leaf_of(document.body) for document in stored]


def leaf_of(document: Document) -> bytes:
    """Leaf data of a stored event."""
    return event_leaf(bytes.fromhex(str(document["salt"])), document["event"])


def receipt(context: Context, item: Item) -> Document:
    """Proof, checkable offline, that the log holds every event of this discount.

    Raises WrongStateError while events are still waiting to be recorded.
    """
    if pending(item):
        raise WrongStateError("Not everything of this discount is recorded yet; ask again in a second.")
    note = checkpoint(context)
    size = int(note.split("\n")[1])
    hashes = _all_hashes(context, size)
    indices = [index for first, count in item.body["logged"] for index in range(first, first + count)]
    documents = context.store.query(item.pk, "event#")
    entries = [
        {
            "event": document.body["event"],
            "salt_hex": document.body["salt"],
            "index": index,
            "proof": [node.hex() for node in inclusion_proof(index, hashes)],
        }
        for index, document in zip(indices, documents, strict=True)
    ]
    return build_receipt(str(item.body["discount_id"]), entries, note)


def _all_hashes(context: Context, size: int) -> list[bytes]:
    batches = context.store.query(LEAVES_PK, "")
    hashes = [entry for batch in batches for entry in _unpack(str(batch.body["hashes"]))]
    return hashes[:size]


def _frontier(head: Item | None) -> Frontier:
    if head is None:
        return Frontier(0, ())
    return Frontier(int(head.body["size"]), tuple(_unpack(str(head.body["peaks"]))))


def _mark(write: Write, mark: tuple[str, str], start: int, count: int) -> Write:
    if (write.pk, write.sk) != mark or not isinstance(write, Replace):
        return write
    logged = [*write.body.get("logged", ()), [start, count]]
    return Replace(write.pk, write.sk, {**write.body, "logged": logged}, write.version)


def _pack(hashes: list[bytes] | tuple[bytes, ...]) -> str:
    return b64encode(b"".join(hashes)).decode()


def _unpack(text: str) -> list[bytes]:
    joined = b64decode(text)
    return [joined[at : at + _HASH_BYTES] for at in range(0, len(joined), _HASH_BYTES)]
