"""The evidence log: hashes of domain events in an RFC 6962 tree whose signed head only ever grows.

Order of an append: stage the batch of leaves at the tree's size, sign, move the head. A position is staged once and
never changed, and the head moves from a position only by the batch that is staged there: the log cannot fork, and every
leaf under a signed head is stored. A batch whose writer died is published by the next writer, who must pass it anyway.
"""

from __future__ import annotations

import random
from base64 import b64decode, b64encode
from contextlib import suppress

from rongtong.domain.checkpoint import checkpoint_text, format_signature, key_id
from rongtong.domain.merkle import Frontier, inclusion_proof, leaf_hash
from rongtong.domain.receipt import build_receipt, event_leaf
from rongtong.services.context import Context, LogSigner
from rongtong.services.errors import BusyError, NotFoundError, WrongStateError
from rongtong.services.records import amend, event_sk, logged_count
from rongtong.services.storage import Create, Document, Item, WriteConflictError

LOG_PK = "log"
LEAVES_PK = "log#leaves"
_HASH_BYTES = 32
_PATIENCE_S = 20.0
_WRITER_DEAD_S = 1.0
"""Well above what signing takes under load: who takes a living writer for dead signs the same head a second time."""


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


def append(context: Context, leaves: list[bytes]) -> int:
    """Append leaves (their data, 32 bytes each) and answer the first one's index.

    A caller that dies before it has noted the index appends again when it is repeated: the log then holds the same
    hashes twice, which proves no less. Raises BusyError if no position was ever free.
    """
    hashes = [leaf_hash(leaf) for leaf in leaves]
    blocked_at, blocked_since = -1, 0.0
    began = context.clock.monotonic()
    while (waited := context.clock.monotonic() - began) < _PATIENCE_S:
        head = context.store.get(LOG_PK, "head")
        frontier = _frontier(head)
        if blocked_at != frontier.size:
            if _stage(context, frontier.size, hashes):
                _publish(context, head, frontier, hashes)
                return frontier.size
            blocked_at, blocked_since = frontier.size, context.clock.monotonic()
        elif context.clock.monotonic() - blocked_since > _WRITER_DEAD_S * random.uniform(1, 2):
            staged = context.store.get(LEAVES_PK, _position(frontier.size))
            assert staged is not None, "the position was refused because a batch is staged there"
            _publish(context, head, frontier, _unpack(str(staged.body["hashes"])))
        # Who has waited longest asks most often, so that nobody is always too late.
        context.clock.sleep(random.uniform(0.002, max(0.01, 0.06 - 0.02 * waited)))
    raise BusyError("Other writers were always first at the log; run the same task again.")


def _stage(context: Context, position: int, hashes: list[bytes]) -> bool:
    try:
        context.store.transact([Create(LEAVES_PK, _position(position), {"hashes": _pack(hashes)})])
    except WriteConflictError:
        return False
    return True


def _publish(context: Context, head: Item | None, frontier: Frontier, hashes: list[bytes]) -> None:
    for entry in hashes:
        frontier = frontier.append(entry)
    note = sign_checkpoint(context.log_signer, context.log_origin, frontier.size, frontier.root())
    body: Document = {"size": frontier.size, "peaks": _pack(frontier.peaks), "note": note}
    moved = Create(LOG_PK, "head", body) if head is None else head.replaced(body)
    # Whoever moved the head from here meanwhile can only have done so by this very batch.
    with suppress(WriteConflictError):
        context.store.transact([moved])


def append_pending(context: Context, item: Item) -> bool:
    """Append what the aggregate has not logged yet and note where it stands; False if there was nothing."""
    waiting = pending(item)
    if not waiting:
        return False
    before = logged_count(item.body)
    start = append(context, pending_leaves(context, item))

    def note(body: Document) -> Document | None:
        if logged_count(body) != before:
            return None
        return {**body, "logged": [*body.get("logged", ()), [start, len(waiting)]]}

    amend(context.store, item, note)
    return True


def pending_leaves(context: Context, item: Item) -> list[bytes]:
    """Leaf data of the stored events that the log does not hold yet."""
    waiting = pending(item)
    stored = context.store.query(item.pk, "event#", start=event_sk(waiting.start))
    return [leaf_of(document.body) for document in stored[: len(waiting)]]


def leaf_of(document: Document) -> bytes:
    """Leaf data of a stored event."""
    return event_leaf(bytes.fromhex(str(document["salt"])), document["event"])


def receipt(context: Context, item: Item) -> Document:
    """Proof, checkable offline, that the log holds every event of this discount.

    Raises WrongStateError until the discount has ended and all its events are recorded.
    """
    if "finished_at" not in item.body:
        raise WrongStateError("The discount has not ended; its receipt is made then.")
    if pending(item):
        raise WrongStateError("Not everything of this discount is recorded yet; ask again in a second.")
    note = checkpoint(context)
    size = int(note.split("\n")[1])
    hashes = _all_hashes(context, size)
    indices = [index for first, count in item.body["logged"] for index in range(first, first + count)]
    documents = context.store.query(item.pk, "event#")[: len(indices)]
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


def _position(size: int) -> str:
    return f"{size:012d}"


def _pack(hashes: list[bytes] | tuple[bytes, ...]) -> str:
    return b64encode(b"".join(hashes)).decode()


def _unpack(text: str) -> list[bytes]:
    joined = b64decode(text)
    return [joined[at : at + _HASH_BYTES] for at in range(0, len(joined), _HASH_BYTES)]
