"""Signed notes (C2SP signed-note): a text, a blank line, and one line for each signature."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

ED25519 = 0x01
"""Signature type of a log's own signature."""
COSIGNATURE = 0x04
"""Signature type of a witness's timestamped Ed25519 cosignature."""
KEY_BYTES = 32
SIGNATURES_MAX = 64
_NAME = re.compile(r"[^\s+]+")


class NoteError(ValueError):
    """The note, or a key, is malformed."""


@dataclass(frozen=True)
class VerifierKey:
    """A signer's name, its Ed25519 public key (32 bytes) and the type of what it signs."""

    name: str
    public_key: bytes
    kind: int = ED25519

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read ``<name>+<key id, 8 hex digits>+<base64 of type and key>``. Raises NoteError."""
        name, _, rest = text.strip().partition("+")
        identity, _, encoded = rest.partition("+")
        raw = strict_base64(encoded)
        if not is_name(name) or raw[:1] not in (b"\x01", b"\x04") or len(raw) != 1 + KEY_BYTES:
            raise NoteError("This is no Ed25519 verifier key (name+id+base64, type 1 or 4).")
        key = cls(name, raw[1:], raw[0])
        if key.text() != text.strip():
            raise NoteError(f"The verifier key's id {identity} does not fit its name and key.")
        return key

    @property
    def identity(self) -> bytes:
        """The four bytes that name the key in a signature line."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public_key
        return hashlib.sha256(named).digest()[:4]

    def text(self) -> str:
        """The key in its text form."""
        encoded = b64encode(bytes([self.kind]) + self.public_key).decode()
        return f"{self.name}+{self.identity.hex()}+{encoded}"


@dataclass(frozen=True)
class Signature:
    """One signature line: whose it says it is, the key's four bytes, and what follows them."""

    name: str
    identity: bytes
    content: bytes

    def line(self) -> str:
        """The line, with its newline."""
        return f"— {self.name} {b64encode(self.identity + self.content).decode()}\n"

    def is_of(self, key: VerifierKey) -> bool:
        """Whether the line names this key; nothing is verified."""
        return self.name == key.name and self.identity == key.identity


@dataclass(frozen=True)
class Note:
    """A note as it was read: its text with the final newline, and its signatures, none of them verified."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, content: str) -> Note:
        """Read a note. Raises NoteError for anything but its only form."""
        head, separator, lines = content.rpartition("\n\n")
        if not separator or not lines.endswith("\n") or any(ord(one) < 32 and one != "\n" for one in content):
            raise NoteError("This is no signed note: a text, a blank line and signature lines.")
        return cls(head + "\n", parse_signatures(lines))

    def content(self) -> str:
        """The note as it is written."""
        return self.text + "\n" + "".join(one.line() for one in self.signatures)


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read one or more signature lines, each with its newline. Raises NoteError."""
    found = []
    if not lines.endswith("\n"):
        raise NoteError("A signature line ends with a newline.")
    for line in lines.removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        raw = strict_base64(encoded)
        if dash != "—" or not is_name(name) or len(raw) <= 4:
            raise NoteError("A signature line of the note is malformed.")
        found.append(Signature(name, raw[:4], raw[4:]))
    if len(found) > SIGNATURES_MAX:
        raise NoteError(f"The note has more than {SIGNATURES_MAX} signatures.")
    return tuple(found)


def is_name(text: str) -> bool:
    """Whether a key may be named so: not empty, no space, no plus."""
    return _NAME.fullmatch(text) is not None


def strict_base64(text: str) -> bytes:
    """The bytes of standard base64 in its only form. Raises NoteError."""
    try:
        raw = b64decode(text, validate=True)
    except (Base64Error, ValueError) as error:
        raise NoteError("There is broken base64.") from error
    if b64encode(raw).decode() != text:
        raise NoteError("There is base64 that is not in its only form.")
    return raw
