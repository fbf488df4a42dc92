"""A small witnessed log in memory with fixed keys: for tests of receipts, checkpoints and the verifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from rongtong.domain.checkpoint import Checkpoint, cosignature_line, cosigned_text
from rongtong.domain.merkle import inclusion_proof
from rongtong.domain.note import COSIGNATURE, ED25519, Note, Signature, VerifierKey
from rongtong.domain.receipt import build_receipt, chain_key, event_leaf
from rongtong.domain.tiles import Edge, Tile, tile_nodes
from rongtong.domain.trust import TrustPolicy

TIME = 1_772_438_400  # 2026-03-02T08:00:00Z
KINDS = ("DiscountAccepted", "DiscountVerified", "DiscountPaid")


class Signer:
    """A fixed Ed25519 key with a name."""

    def __init__(self, name: str, seed: int, kind: int = ED25519) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.key = VerifierKey(name, self.private.public_key().public_bytes_raw(), kind)

    def signed(self, text: str) -> str:
        """The text as a note with this one signature."""
        signature = Signature(self.key.name, self.key.identity, self.private.sign(text.encode()))
        return Note(text, (signature,)).content()

    def cosignature(self, text: str, time: int = TIME) -> str:
        """The signature line of a witness."""
        return cosignature_line(self.key, time, self.private.sign(cosigned_text(time, text).encode()))


LOG = Signer("rongtong.example/log", 7)
WITNESSES = tuple(Signer(f"witness.example/w{number}", 20 + number, COSIGNATURE) for number in (1, 2, 3))
STRANGER = Signer("stranger.example/w", 99, COSIGNATURE)
POLICY_TEXT = "".join(
    [
        f"log {LOG.key.text()}\n",
        *(f"witness w{number} {one.key.text()}\n" for number, one in enumerate(WITNESSES, start=1)),
        "group witnesses 2 w1 w2 w3\nquorum witnesses\n",
    ]
)
POLICY = TrustPolicy.parse(POLICY_TEXT)


def cosigned(text: str, witnesses: Iterable[Signer] = WITNESSES, log: Signer = LOG) -> str:
    """A checkpoint's text, signed by the log and cosigned."""
    return log.signed(text) + "".join(one.cosignature(text) for one in witnesses)


class SampleLog:
    """A log with all its files, as a reader of it."""

    name = "the sample log"

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self.edge = Edge()
        self.files: dict[str, bytes] = {}
        self.append(list(entries))

    def append(self, entries: list[bytes]) -> None:
        """Append and keep the files that are new; partial ones stay."""
        self.edge, files = self.edge.extended(entries)
        self.files.update(files)

    def head(self) -> Checkpoint:
        """The newest tree head."""
        return Checkpoint(LOG.key.name, self.edge.size, self.edge.root())

    def note(self, witnesses: Iterable[Signer] = WITNESSES) -> str:
        """The newest checkpoint, cosigned."""
        return cosigned(self.head().text(), witnesses)

    def get_tile(self, tile: Tile) -> bytes:
        """A file of the log."""
        return self.files[tile.path()]

    def get_all(self, tiles: Iterable[Tile]) -> Iterator[bytes]:
        """Files of the log."""
        return map(self.get_tile, tiles)

    def proof(self, index: int) -> list[str]:
        """The inclusion proof of an entry under the newest head."""
        return [
            node.hex() for node in inclusion_proof(index, self.edge.size, tile_nodes(self.edge.size, self.get_tile))
        ]

    def write(self, folder: Path) -> Path:
        """The log as a folder, with its newest checkpoint and the policy."""
        for path, content in {**self.files, "checkpoint": self.note().encode()}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        (folder / "trust.txt").write_text(POLICY_TEXT, encoding="utf-8")
        return folder


def sample_entries(count: int) -> list[bytes]:
    """Leaf data of others' events."""
    return [number.to_bytes(32, "big") for number in range(count)]


def sample_events(kinds: Iterable[str] = KINDS) -> list[dict[str, Any]]:
    """The events of one discount, of these kinds."""
    return [
        {"discount_id": "dsc_1", "n": number, "type": kind, "data": {"名": "值\n", "amount_fen": 101 * number}}
        for number, kind in enumerate(kinds, start=1)
    ]


def sample_receipt(kinds: Iterable[str] = KINDS, *, before: int = 1, chained: bool = False) -> dict[str, Any]:
    """A receipt of one discount in a log that also holds ``before`` entries of others."""
    events = sample_events(kinds)
    salts = [bytes([number]) * 16 for number in range(len(events))]
    log = SampleLog(sample_entries(before))
    log.append([event_leaf(salt, event) for salt, event in zip(salts, events, strict=True)])
    entries = [
        {"event": event, "salt_hex": salt.hex(), "index": before + at, "proof": log.proof(before + at)}
        for at, (event, salt) in enumerate(zip(events, salts, strict=True))
    ]
    note = log.note()
    chain = {"kind": "fabric", "key": chain_key(note)} if chained else None
    return build_receipt("dsc_1", entries, note, chain)
