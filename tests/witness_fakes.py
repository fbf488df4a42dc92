"""Witnesses in memory: the real use case on a dictionary, asked without HTTP; and a log to show them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import boto3
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fakes import OPEN, make_context
from paths import ROOT
from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.merkle import NodeHash, consistency_proof, leaf_hash, root
from rongtong.domain.note import Note, Signature, VerifierKey
from rongtong.domain.tiles import Edge
from rongtong.domain.trust import TrustPolicy
from rongtong.domain.witness import request_body
from rongtong.services.context import Context, LogSigner
from rongtong.services.ports import WitnessReply
from rongtong.services.storage import Create
from rongtong.services.tile_log import Batch, edge_at, lay, sign_head
from rongtong.services.witnessing import Witness, WitnessAnswer, add_checkpoint

ORIGIN = "rongtong.example/log"
NAMES = ("w1", "w2", "w3")


class SeedSigner:
    """A real Ed25519 key made from a text."""

    def __init__(self, seed: str) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class MemoryWitnessStore:
    """A witness's table in a dictionary."""

    def __init__(self) -> None:
        self.notes: dict[str, str] = {}
        self.kept: dict[tuple[str, str], dict[str, str]] = {}
        self.before: Callable[[str], None] = lambda operation: None
        """Called before each read and write, by its name."""

    def latest(self, origin: str) -> str | None:
        self.before("latest")
        return self.notes.get(origin)

    def move(self, origin: str, old: str | None, new: str) -> bool:
        self.before("move")
        if self.notes.get(origin) != old:
            return False
        self.notes[origin] = new
        return True

    def keep(self, origin: str, name: str, evidence: Mapping[str, str]) -> None:
        self.before("keep")
        self.kept.setdefault((origin, name), dict(evidence))


@dataclass
class Node:
    """A notary node of the tests; ``down`` lets it not answer."""

    witness: Witness
    store: MemoryWitnessStore
    down: bool = False
    asked: list[str] = field(default_factory=list)
    answers: list[WitnessAnswer] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def ask(self, body: str) -> WitnessReply | None:
        if self.down:
            return None
        self.before()
        self.asked.append(body)
        self.answers.append(add_checkpoint(self.witness, body.encode()))
        return WitnessReply(self.answers[-1].status, self.answers[-1].body)

    @property
    def note(self) -> str | None:
        """What its table holds of the log."""
        return self.store.notes.get(ORIGIN)

    @property
    def size(self) -> int:
        """How many leaves it saw."""
        return int(self.note.split("\n")[1]) if self.note else 0


def make_node(name: str, *logs: VerifierKey, seed: str | None = None, now: datetime = OPEN) -> Node:
    """A node that knows these logs; its key is made from its name unless another seed is given."""
    store = MemoryWitnessStore()
    signer = SeedSigner(f"witness {seed or name}")
    return Node(Witness(f"{name}.example", signer, logs, store, lambda: now), store)


def url_of(name: str) -> str:
    """Where the node of this name is asked."""
    return f"https://{name}.example"


@dataclass
class MemoryDoor:
    """Asks nodes by their address, one after the other."""

    nodes: dict[str, Node]

    def add_checkpoint(self, requests: Mapping[str, str]) -> dict[str, WitnessReply]:
        answered = {url: self.nodes[url].ask(body) for url, body in requests.items() if url in self.nodes}
        return {url: reply for url, reply in answered.items() if reply is not None}


class Log:
    """A log with its tiles, in a context whose door leads to ``nodes``; grown without writers' contention."""

    def __init__(self, *names: str, quorum: int = 2, **replaced: Any) -> None:
        self.context: Context = make_context(**replaced)
        self.key = VerifierKey(self.context.log_origin, self.context.log_signer.public_key())
        self.nodes = {name: make_node(name, self.key) for name in names}
        self.door = MemoryDoor({url_of(name): node for name, node in self.nodes.items()})
        self.context = replace(self.context, witness_door=self.door)
        self.leaves: list[bytes] = []
        if names:
            self.set_policy(f"group notaries {quorum} {' '.join(names)}\nquorum notaries\n")

    def set_policy(self, ending: str) -> None:
        """The policy: every node with its key and address, then this."""
        lines = [f"witness {name} {node.witness.key().text()} {url_of(name)}" for name, node in self.nodes.items()]
        self._put("platform", "witnesses", {"policy": "\n".join([*lines, ending])})

    def policy(self) -> TrustPolicy:
        """As the log's readers pin it."""
        text = self.context.store.get("platform", "witnesses").body["policy"]  # type: ignore[union-attr]
        return replace(TrustPolicy.parse(text), logs=(self.key,))

    def grow(self, count: int, *, salt: str = "leaf") -> int:
        """So many more leaves under a signed head; answers the log's size."""
        entries = tuple(f"{salt} {len(self.leaves) + number}".encode() for number in range(count))
        edge = lay(self.context.files, edge_at(self.context.files, len(self.leaves)), Batch(entries))
        self.leaves += [leaf_hash(entry) for entry in entries]
        self.set_head(edge.size, sign_head(self.context.log_signer, ORIGIN, edge.size, edge.root()))
        return edge.size

    def set_head(self, size: int, note: str) -> None:
        """The newest head, whatever it was before."""
        self._put("log", "head", {"size": size, "note": note})

    def note_of(self, size: int, *, signer: LogSigner | None = None, extension: str = "") -> str:
        """A checkpoint of the tree's first leaves, signed by the log or by another key in its name."""
        extensions = (extension,) if extension else ()
        text = Checkpoint(ORIGIN, size, root(self.leaves[:size]), extensions).text()
        signer = signer or self.context.log_signer
        identity = VerifierKey(ORIGIN, signer.public_key()).identity
        return Note(text, (Signature(ORIGIN, identity, signer.sign(text.encode())),)).content()

    def request(self, old: int, size: int, **signing: Any) -> str:
        """What shows a witness the tree's first leaves, from what it saw before."""
        proof = consistency_proof(old, size, self.nodes_of_tree()) if 0 < old <= size else []
        return request_body(old, proof, self.note_of(size, **signing))

    def nodes_of_tree(self) -> NodeHash:
        """The tree's node hashes, straight from its leaves."""
        return lambda height, index: root(self.leaves[index << height : index + 1 << height])

    def _put(self, pk: str, sk: str, body: dict[str, Any]) -> None:
        item = self.context.store.get(pk, sk)
        self.context.store.transact([Create(pk, sk, body) if item is None else item.replaced(body)])


def head_note(signer: SeedSigner, origin: str, leaves: int, *, salt: str = "leaf") -> str:
    """The signed head of a log whose entries are ``<salt> <number>``."""
    edge, _ = Edge().extended([f"{salt} {number}".encode() for number in range(leaves)])
    return sign_head(signer, origin, edge.size, edge.root())


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as nothing."""


_Loader.add_multi_constructor("!", lambda loader, tag, node: None)


def create_table(name: str, region: str) -> None:
    """The table as infrastructure/witness.yaml describes it."""
    template = yaml.load((ROOT / "infrastructure" / "witness.yaml").read_text(encoding="utf-8"), _Loader)
    described = template["Resources"]["WitnessTable"]["Properties"]
    wanted = {part: described[part] for part in ("BillingMode", "AttributeDefinitions", "KeySchema")}
    boto3.client("dynamodb", region_name=region).create_table(TableName=name, **wanted)
