"""Receipts and checkpoints as they are handed out: under a quorum of witnesses."""

from __future__ import annotations

from rongtong.domain.merkle import inclusion_proof
from rongtong.domain.receipt import FABRIC, build_receipt, chain_key
from rongtong.domain.tiles import Tile, TileError
from rongtong.services.access_audit import Evidence, note_read
from rongtong.services.anchoring import anchored_note
from rongtong.services.context import Context
from rongtong.services.cosigning import stored_note, witnessed
from rongtong.services.errors import NotFoundError, WrongStateError
from rongtong.services.evidence_log import pending
from rongtong.services.records import logged_indices, logged_until
from rongtong.services.storage import Document, Item
from rongtong.services.tile_log import nodes


def receipt(context: Context, item: Item) -> Document:
    """Proof, checkable offline, that the log holds every event of this discount under a quorum of witnesses.

    Where a chain holds a checkpoint that covers them, it is under that one, and names the key to ask the chain for.
    Who asks is recorded. Raises WrongStateError until the discount has ended and all its events are recorded;
    NoQuorumError, BusyError.
    """
    if "finished_at" not in item.body:
        raise WrongStateError("The discount has not ended; its receipt is made then.")
    if pending(item):
        raise WrongStateError("Not everything of this discount is recorded yet; ask again in a second.")
    until = logged_until(item.body)
    anchored = anchored_note(context, until)
    note = anchored or witnessed(context, until, may_sign=False)
    size = int(note.split("\n")[1])
    node = nodes(context.files, size)
    indices = logged_indices(item.body)
    documents = context.store.query(item.pk, "event#")[: len(indices)]
    entries = [
        {
            "event": document.body["event"],
            "salt_hex": document.body["salt"],
            "index": index,
            "proof": [found.hex() for found in inclusion_proof(index, size, node)],
        }
        for index, document in zip(indices, documents, strict=True)
    ]
    chain = {"kind": FABRIC, "key": chain_key(note)} if anchored else None
    discount_id = str(item.body["discount_id"])
    note_read(context, Evidence.RECEIPT, discount_id)
    return build_receipt(discount_id, entries, note, chain)


def checkpoint(context: Context) -> str:
    """The newest cosigned checkpoint. Raises NotFoundError while there is none."""
    note = stored_note(context)
    if not note:
        raise NotFoundError("Nothing has been recorded and cosigned yet.")
    return note


def published(context: Context, path: str) -> bytes:
    """A tile or a bundle by its path below the log's prefix. Raises NotFoundError."""
    try:
        (content,) = context.files.get_all([Tile.parse(path).path()])
    except TileError:
        content = None
    if content is None:
        raise NotFoundError(
            "The log has no such file; its paths are those of C2SP tlog-tiles, up to the checkpoint's size."
        )
    return content
