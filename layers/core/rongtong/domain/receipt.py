"""Receipts: proof, checkable offline, that a log holds every event of one discount, and nothing was changed since."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.checkpoint import CheckpointError, VerifierKey, open_checkpoint
from rongtong.domain.merkle import leaf_hash, verify_inclusion

FORMAT = "rongtong-receipt/1"
FINAL_EVENTS = frozenset({"DiscountPaid", "DiscountRefused", "DiscountFailed"})
LATER_EVENTS = frozenset({"PaymentReturned", "BillEndorsed", "ExecutionReplayed"})
"""What may still be said of a discount after its end."""
"""Nothing follows one of these; a receipt ends with one."""
_ENTRY_KEYS = {"event", "salt_hex", "index", "proof"}
_RECEIPT_KEYS = {"format", "discount_id", "entries", "checkpoint"}
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SALT = re.compile(r"[0-9a-f]{32}", re.ASCII)


class ReceiptError(ValueError):
    """The receipt proves nothing. ``code``: RECEIPT_FORMAT, _EVENTS, _PROOF, _CHECKPOINT or _INCOMPLETE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Proved:
    """What a receipt proves."""

    discount_id: str
    events: tuple[str, ...]
    log_name: str
    tree_size: int


def event_leaf(salt: bytes, event: dict[str, Any]) -> bytes:
    """The leaf's data: SHA-256 of the salt and the event's canonical bytes. The salt hides what could be guessed."""
    return hashlib.sha256(salt + canonical_bytes(event)).digest()


def build_receipt(discount_id: str, entries: list[dict[str, Any]], checkpoint: str) -> dict[str, Any]:
    """A receipt; each entry has ``event``, ``salt_hex``, ``index`` (leaf number from 0) and ``proof`` (hex hashes)."""
    return {"format": FORMAT, "discount_id": discount_id, "entries": entries, "checkpoint": checkpoint}


def receipt_bytes(receipt: dict[str, Any]) -> bytes:
    """The only byte form of a receipt: canonical JSON and a newline."""
    return canonical_bytes(receipt) + b"\n"


def verify_receipt(content: bytes, verifier_key: str) -> Proved:
    """Check a receipt's bytes against a pinned log key. Raises ReceiptError; answers what is proved.

    The events must be all of the discount's, from 1 to the one that ended it; every byte of the file is covered.
    """
    receipt = _parse(content)
    try:
        head = open_checkpoint(receipt["checkpoint"], VerifierKey.parse(verifier_key))
    except CheckpointError as error:
        raise ReceiptError("RECEIPT_CHECKPOINT", str(error)) from error
    kinds = []
    for number, entry in enumerate(receipt["entries"], start=1):
        event = entry["event"]
        if event.get("discount_id") != receipt["discount_id"] or event.get("n") != number:
            raise ReceiptError("RECEIPT_EVENTS", f"Entry {number} is not event {number} of this discount.")
        leaf = leaf_hash(event_leaf(bytes.fromhex(entry["salt_hex"]), event))
        proof = [bytes.fromhex(node) for node in entry["proof"]]
        if not verify_inclusion(entry["index"], head.size, leaf, proof, head.root):
            raise ReceiptError("RECEIPT_PROOF", f"Event {number} is not in the log under this checkpoint.")
        kinds.append(str(event.get("type")))
    ended = any(kind in FINAL_EVENTS for kind in kinds)
    if not ended or kinds[-1] not in FINAL_EVENTS | LATER_EVENTS:
        raise ReceiptError(
            "RECEIPT_INCOMPLETE", f"The last event is {kinds[-1]}: the discount had not ended, or more was cut off."
        )
    return Proved(receipt["discount_id"], tuple(kinds), head.origin, head.size)


def _parse(content: bytes) -> dict[str, Any]:
    try:
        receipt = json.loads(content)
        if receipt_bytes(receipt) != content:
            raise ReceiptError("RECEIPT_FORMAT", "The file is not in the receipt's only byte form; use it as received.")
    except (ValueError, RecursionError) as error:
        if isinstance(error, ReceiptError):
            raise
        raise ReceiptError("RECEIPT_FORMAT", "The file is not a receipt.") from error
    well_formed = (
        isinstance(receipt, dict)
        and set(receipt) == _RECEIPT_KEYS
        and receipt["format"] == FORMAT
        and isinstance(receipt["checkpoint"], str)
        and isinstance(receipt["entries"], list)
        and bool(receipt["entries"])
        and all(_is_entry(entry) for entry in receipt["entries"])
    )
    if not well_formed:
        raise ReceiptError("RECEIPT_FORMAT", f"The file is not a receipt of the format {FORMAT}.")
    return dict(receipt)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and set(entry) == _ENTRY_KEYS
        and isinstance(entry["event"], dict)
        and isinstance(entry["salt_hex"], str)
        and _SALT.fullmatch(entry["salt_hex"]) is not None
        and type(entry["index"]) is int
        and isinstance(entry["proof"], list)
        and all(isinstance(node, str) and _HASH.fullmatch(node) for node in entry["proof"])
    )
