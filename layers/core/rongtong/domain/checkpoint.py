"""Signed tree heads as C2SP checkpoints (tlog-checkpoint) in signed notes (signed-note), Ed25519."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_ED25519 = b"\x01"
_HASH_BYTES = 32
_SIZE = re.compile(r"\d{1,18}", re.ASCII)


class CheckpointError(ValueError):
    """The note is malformed or not signed by the key."""


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the log's name, the number of leaves, the root hash (32 bytes)."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True)
class VerifierKey:
    """A log's name and public key (32 bytes)."""

    name: str
    public_key: bytes

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``<name>+<key id, 8 hex digits>+<base64 of 0x01 and the key>``. Raises CheckpointError."""
        name, _, rest = text.strip().partition("+")
        identity, _, encoded = rest.partition("+")
        raw = _base64(encoded)
        if not name or raw[:1] != _ED25519 or len(raw) != 1 + _HASH_BYTES:
            raise CheckpointError("The log key is no Ed25519 verifier key (name+id+base64).")
        key = cls(name, raw[1:])
        if key.text() != text.strip():
            raise CheckpointError(f"The log key's id {identity} does not fit its name and key.")
        return key

    def text(self) -> str:
        """The key in its text form."""
        identity = key_id(self.name, self.public_key).hex()
        return f"{self.name}+{identity}+{b64encode(_ED25519 + self.public_key).decode()}"


def key_id(name: str, public_key: bytes) -> bytes:
    """The four bytes that name a key in a signature line."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:4]


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The text that is signed, with its final newline."""
    return f"{origin}\n{size}\n{b64encode(root).decode()}\n"


def format_signature(name: str, identity: bytes, signature: bytes) -> str:
    """A signature line, with its newline."""
    return f"— {name} {b64encode(identity + signature).decode()}\n"


def open_checkpoint(note: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that this key signed. Raises CheckpointError; the note must be exactly ours."""
    text, separator, signatures = note.partition("\n\n")
    text += "\n"
    lines = text.split("\n")
    if not separator or len(lines) != 4 or lines[0] != key.name or _SIZE.fullmatch(lines[1]) is None:
        raise CheckpointError("The checkpoint is not one of this log.")
    found = Checkpoint(lines[0], int(lines[1]), _base64(lines[2]))
    if checkpoint_text(found.origin, found.size, found.root) != text or len(found.root) != _HASH_BYTES:
        raise CheckpointError("The checkpoint is not in its only form.")
    prefix = f"— {key.name} "
    raw = _base64(signatures[len(prefix) :].removesuffix("\n")) if signatures.startswith(prefix) else b""
    if format_signature(key.name, raw[:4], raw[4:]) != signatures or raw[:4] != key_id(key.name, key.public_key):
        raise CheckpointError("The checkpoint is not signed by the pinned log key.")
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(raw[4:], text.encode())
    except InvalidSignature as error:
        raise CheckpointError("The checkpoint's signature is wrong.") from error
    return found


def _base64(text: str) -> bytes:
    try:
        raw = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise CheckpointError("The checkpoint holds broken base64.") from error
    if b64encode(raw).decode() != text:
        raise CheckpointError("The checkpoint holds base64 that is not in its only form.")
    return raw
