"""Tree heads as checkpoints (C2SP tlog-checkpoint), and witnesses' cosignatures on them (C2SP tlog-cosignature)."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rongtong.domain.note import Note, NoteError, Signature, VerifierKey, strict_base64

HASH_BYTES = 32
_SIGNATURE_BYTES = 64
_TIME_BYTES = 8
_TIME_MAX = 2**63 - 1
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


class CheckpointError(ValueError):
    """The checkpoint is malformed, or not signed as it must be."""


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the log's name, the number of leaves, the root hash (32 bytes), and lines that extend it."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text. Raises CheckpointError for anything but its only form."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or _SIZE.fullmatch(lines[1]) is None:
            raise CheckpointError("This is no checkpoint: the log's name, its size and its root, each on a line.")
        try:
            root = strict_base64(lines[2])
        except NoteError as error:
            raise CheckpointError(f"The checkpoint's root is unreadable. {error}") from error
        if len(root) != HASH_BYTES:
            raise CheckpointError("The checkpoint's root is no SHA-256 hash.")
        return cls(lines[0], int(lines[1]), root, tuple(lines[3:-1]))

    def text(self) -> str:
        """The text that is signed, with its final newline."""
        return "\n".join([self.origin, str(self.size), b64encode(self.root).decode(), *self.extensions, ""])


@dataclass(frozen=True)
class Cosignature:
    """A witness's statement: this was the largest consistent tree that it knew at ``time`` (POSIX seconds)."""

    witness: VerifierKey
    time: int
    signature: Signature


def open_checkpoint(content: str, key: VerifierKey) -> Checkpoint:
    """The checkpoint in a note that this log signed; other signatures are ignored. Raises CheckpointError."""
    try:
        note = Note.parse(content)
    except NoteError as error:
        raise CheckpointError(str(error)) from error
    found = Checkpoint.parse(note.text)
    if found.origin != key.name:
        raise CheckpointError(f"The checkpoint is one of the log {found.origin}, not of {key.name}.")
    own = [one for one in note.signatures if one.is_of(key)]
    if not own:
        raise CheckpointError("The checkpoint is not signed by the pinned log key.")
    for one in own:
        _verify(key, one.content, note.text, "The checkpoint's signature is wrong.")
    return found


def cosigned_text(time: int, text: str) -> str:
    """What a witness signs for a checkpoint's text at ``time`` (POSIX seconds)."""
    return f"cosignature/v1\ntime {time}\n{text}"


def cosignature_line(witness: VerifierKey, time: int, signature: bytes) -> str:
    """The witness's signature line, with its newline."""
    return Signature(witness.name, witness.identity, time.to_bytes(_TIME_BYTES, "big") + signature).line()


def cosignatures(note: Note, witnesses: tuple[VerifierKey, ...]) -> tuple[Cosignature, ...]:
    """The note's cosignatures by these witnesses, each witness once; others' lines are ignored.

    Raises CheckpointError when one that names a witness does not verify.
    """
    found: dict[VerifierKey, Cosignature] = {}
    for signature in note.signatures:
        witness = next((one for one in witnesses if signature.is_of(one)), None)
        if witness is None:
            continue
        time = int.from_bytes(signature.content[:_TIME_BYTES], "big")
        if len(signature.content) != _TIME_BYTES + _SIGNATURE_BYTES or time > _TIME_MAX:
            raise CheckpointError(f"The cosignature of {witness.name} is malformed.")
        _verify(
            witness,
            signature.content[_TIME_BYTES:],
            cosigned_text(time, note.text),
            f"The cosignature of {witness.name} is wrong.",
        )
        found.setdefault(witness, Cosignature(witness, time, signature))
    return tuple(found.values())


def _verify(key: VerifierKey, signature: bytes, text: str, otherwise: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, text.encode())
    except (InvalidSignature, ValueError) as error:
        raise CheckpointError(otherwise) from error
