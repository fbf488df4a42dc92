"""Receipts: proof, checkable offline, that a witnessed log holds every event of one discount, unchanged since."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rongtong.domain.canonical import canonical_bytes
from rongtong.domain.checkpoint import Checkpoint, CheckpointError, Cosignature
from rongtong.domain.merkle import leaf_hash, verify_inclusion
from rongtong.domain.note import Note, NoteError
from rongtong.domain.trust import Trusted, TrustPolicy

FORMAT = "rongtong-receipt/2"
FABRIC = "fabric"
"""The kind of chain that a receipt may name: Hyperledger Fabric with the evidence contract."""
FINAL_EVENTS = frozenset({"DiscountPaid", "DiscountRefused", "DiscountFailed"})
"""What ends a discount; a receipt holds one of these."""
LATER_EVENTS = frozenset({"PaymentReturned", "BillEndorsed", "ExecutionReplayed", "EnterpriseTold"})
"""What may still be said of a discount after its end."""
_DEPTH_MAX = 64
"""How deep arrays and objects may lie in one another: parsers differ in where they give up."""
_ENTRY_KEYS = {"event", "salt_hex", "index", "proof"}
_RECEIPT_KEYS = {"format", "discount_id", "entries", "checkpoint", "chain"}
_CHAIN_KEYS = {"kind", "key"}
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SALT = re.compile(r"[0-9a-f]{32}", re.ASCII)


class ReceiptError(ValueError):
    """The receipt proves nothing. ``code``: RECEIPT_FORMAT, _CHECKPOINT, _CHAIN, _EVENTS, _PROOF or _INCOMPLETE."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Proved:
    """What a receipt proves, and who cosigned it when.

    ``chain_key`` is the key under which a chain, asked by whoever has access to it, must answer with this checkpoint;
    None where the receipt names no chain. That it is there is not proved here.
    """

    discount_id: str
    events: tuple[str, ...]
    log_name: str
    tree_size: int
    cosignatures: tuple[Cosignature, ...]
    chain_key: str | None = None


def event_leaf(salt: bytes, event: dict[str, Any]) -> bytes:
    """The leaf's data: SHA-256 of the salt and the event's canonical bytes. The salt hides what could be guessed."""
    return hashlib.sha256(salt + canonical_bytes(event)).digest()


def chain_key(checkpoint: str) -> str:
    """The key of a checkpoint on a chain: SHA-256, hexadecimal, of the note's text without its signatures.

    Cosignatures may be added to a checkpoint later; its key stays. Raises NoteError.
    """
    return hashlib.sha256(Note.parse(checkpoint).text.encode()).hexdigest()


def build_receipt(
    discount_id: str,
    entries: list[dict[str, Any]],
    checkpoint: str,
    chain: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A receipt; each entry has ``event``, ``salt_hex``, ``index`` (leaf number from 0) and ``proof`` (hex hashes).

    ``checkpoint`` is any cosigned one that covers all indices. Of ``chain`` only ``kind`` and ``key`` are kept:
    transaction, block and channel could not be checked offline, and who has access to the chain finds them by the key.
    """
    named = None if chain is None else {name: chain[name] for name in sorted(_CHAIN_KEYS)}
    return {
        "format": FORMAT,
        "discount_id": discount_id,
        "entries": entries,
        "checkpoint": checkpoint,
        "chain": named,
    }


def receipt_bytes(receipt: dict[str, Any]) -> bytes:
    """The only byte form of a receipt: canonical JSON and a newline."""
    return canonical_bytes(receipt) + b"\n"


def verify_receipt(content: bytes, policy: TrustPolicy) -> Proved:
    """Check a receipt's bytes against the pinned log and witnesses. Raises ReceiptError; answers what is proved.

    The events must be all of the discount's, from 1 to the one that ended it. Every byte of the file is covered: by a
    signature, by the log's root, or by the only form that it may have.
    """
    receipt = _parse(content)
    trusted = _judged(receipt["checkpoint"], policy)
    chain = receipt["chain"]
    if chain is not None and chain["key"] != chain_key(receipt["checkpoint"]):
        raise ReceiptError("RECEIPT_CHAIN", "The key on the chain is not that of this checkpoint.")
    head = trusted.checkpoint
    kinds = tuple(
        _proved_kind(number, entry, receipt["discount_id"], head)
        for number, entry in enumerate(receipt["entries"], start=1)
    )
    if FINAL_EVENTS.isdisjoint(kinds) or kinds[-1] not in FINAL_EVENTS | LATER_EVENTS:
        raise ReceiptError(
            "RECEIPT_INCOMPLETE", f"The last event is {kinds[-1]}: the discount had not ended, or more was cut off."
        )
    key = None if chain is None else str(chain["key"])
    return Proved(receipt["discount_id"], kinds, head.origin, head.size, trusted.cosignatures, key)


def _judged(checkpoint: str, policy: TrustPolicy) -> Trusted:
    """The checkpoint, all of whose signatures are pinned; a refusal names those that are not."""
    try:
        pinned = [*policy.logs, *policy.witnesses.values()]
        lines = Note.parse(checkpoint).signatures
        others = [f"{one.name}+{one.identity.hex()}" for one in lines if not any(one.is_of(key) for key in pinned)]
        if others:
            raise CheckpointError(
                f"The checkpoint bears signatures that are not pinned: {', '.join(dict.fromkeys(others))}."
                " Pin a key only as its owner gave it to you."
            )
        return policy.judge(checkpoint, strict=True)
    except (NoteError, CheckpointError) as error:
        raise ReceiptError("RECEIPT_CHECKPOINT", str(error)) from error


def _proved_kind(number: int, entry: dict[str, Any], discount_id: str, head: Checkpoint) -> str:
    event = entry["event"]
    if event.get("discount_id") != discount_id or type(event.get("n")) is not int or event["n"] != number:
        raise ReceiptError("RECEIPT_EVENTS", f"Entry {number} is not event {number} of this discount.")
    leaf = leaf_hash(event_leaf(bytes.fromhex(entry["salt_hex"]), event))
    proof = [bytes.fromhex(node) for node in entry["proof"]]
    if not verify_inclusion(entry["index"], head.size, leaf, proof, head.root):
        raise ReceiptError("RECEIPT_PROOF", f"Event {number} is not in the log under this checkpoint.")
    return str(event["type"])


def _parse(content: bytes) -> dict[str, Any]:
    try:
        receipt = json.loads(content)
        if _is_deeper(receipt, _DEPTH_MAX):
            raise ValueError(f"Arrays and objects lie more than {_DEPTH_MAX} deep.")
        canonical = receipt_bytes(receipt)
    except (ValueError, RecursionError) as error:
        raise ReceiptError("RECEIPT_FORMAT", "The file is not a receipt.") from error
    if canonical != content:
        raise ReceiptError("RECEIPT_FORMAT", "The file is not in the receipt's only byte form; use it as received.")
    well_formed = (
        isinstance(receipt, dict)
        and set(receipt) == _RECEIPT_KEYS
        and receipt["format"] == FORMAT
        and isinstance(receipt["discount_id"], str)
        and isinstance(receipt["checkpoint"], str)
        and isinstance(receipt["entries"], list)
        and bool(receipt["entries"])
        and all(_is_entry(entry) for entry in receipt["entries"])
        and (receipt["chain"] is None or _is_chain(receipt["chain"]))
    )
    if not well_formed:
        raise ReceiptError("RECEIPT_FORMAT", f"The file is not a receipt of the format {FORMAT}.")
    return dict(receipt)


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and set(entry) == _ENTRY_KEYS
        and isinstance(entry["event"], dict)
        and isinstance(entry["event"].get("type"), str)
        and isinstance(entry["salt_hex"], str)
        and _SALT.fullmatch(entry["salt_hex"]) is not None
        and type(entry["index"]) is int
        and isinstance(entry["proof"], list)
        and all(isinstance(node, str) and _HASH.fullmatch(node) for node in entry["proof"])
    )


def _is_chain(chain: Any) -> bool:
    return (
        isinstance(chain, dict)
        and set(chain) == _CHAIN_KEYS
        and chain["kind"] == FABRIC
        and isinstance(chain["key"], str)
        and _HASH.fullmatch(chain["key"]) is not None
    )
