"""What a witness answers (C2SP tlog-witness): it cosigns only what extends the last that it saw of a log."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from rongtong.domain.checkpoint import HASH_BYTES, Checkpoint, CheckpointError, open_checkpoint
from rongtong.domain.merkle import root, verify_consistency
from rongtong.domain.note import Note, NoteError, Signature, VerifierKey, strict_base64

BODY_BYTES_MAX = 64 * 1024
PROOF_LINES_MAX = 63
TEXT_TYPE = "text/plain; charset=utf-8"
SIZE_TYPE = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,17})")
_SIZE_BODY = re.compile(r"(0|[1-9][0-9]{0,17})\n")


class WitnessRequestError(ValueError):
    """The body of an add-checkpoint request is malformed; the text says where."""


class Seen(NamedTuple):
    """The tree that a witness cosigned last: the number of leaves and the root hash."""

    size: int
    root: bytes


class Reason(StrEnum):
    """Why a witness refuses."""

    UNKNOWN_LOG = "UNKNOWN_LOG"
    NOT_SIGNED = "NOT_SIGNED"
    OLD_SIZE_TOO_LARGE = "OLD_SIZE_TOO_LARGE"
    STALE = "STALE"
    """The log is taken to stand elsewhere than the witness saw it; it asks again from there."""
    SHRUNKEN = "SHRUNKEN"
    """The log signed a tree smaller than one that was cosigned: it lost leaves, or the request comes late."""
    FORKED = "FORKED"
    """The log signed two trees of one size."""
    INCONSISTENT = "INCONSISTENT"
    """Nothing shows that the tree extends the one that was cosigned."""
    NEEDLESS_PROOF = "NEEDLESS_PROOF"
    """The tree is the one that was cosigned, or the first: there is nothing to prove."""

    @property
    def is_evidence(self) -> bool:
        """Whether what the log signed may show that it misbehaves, so that the witness keeps it."""
        return self in (Reason.SHRUNKEN, Reason.FORKED, Reason.INCONSISTENT)

    @property
    def is_proof(self) -> bool:
        """Whether what the log signed is proof by itself: anybody may send the rest, late or with a wrong proof."""
        return self is Reason.FORKED


@dataclass(frozen=True)
class WitnessRequest:
    """An add-checkpoint request: the size that the proof begins from, its hashes, and the log's signed note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note
    checkpoint: Checkpoint

    @classmethod
    def parse(cls, body: bytes) -> WitnessRequest:
        """Read a request's body. Raises WitnessRequestError for anything but its only form."""
        if len(body) > BODY_BYTES_MAX:
            raise WitnessRequestError(f"The body has {len(body)} bytes; at most {BODY_BYTES_MAX} are read.")
        try:
            head, separator, content = body.decode().partition("\n\n")
            first, *lines = head.split("\n")
            old = _OLD.fullmatch(first)
            if old is None or not separator:
                raise WitnessRequestError("The body is an old size line, proof lines, an empty line and a checkpoint.")
            if len(lines) > PROOF_LINES_MAX:
                raise WitnessRequestError(f"There are more than {PROOF_LINES_MAX} lines of proof.")
            note = Note.parse(content)
            return cls(int(old[1]), tuple(_hash(line) for line in lines), note, Checkpoint.parse(note.text))
        except UnicodeDecodeError as error:
            raise WitnessRequestError("The body is not UTF-8.") from error
        except (NoteError, CheckpointError) as error:
            raise WitnessRequestError(str(error)) from error

    def log_signature(self, keys: Sequence[VerifierKey]) -> Signature | None:
        """The first signature by a key of the checkpoint's log that verifies; others' are ignored."""
        for key in keys:
            own = next((one for one in self.note.signatures if one.is_of(key)), None)
            if own is not None and _is_signed(Note(self.note.text, (own,)), key):
                return own
        return None


def request_body(old_size: int, proof: Sequence[bytes], note: str) -> str:
    """The body of an add-checkpoint request; ``proof`` is empty where ``old_size`` is 0 or the checkpoint's own."""
    lines = [f"old {old_size}", *(b64encode(one).decode() for one in proof)]
    return "\n".join([*lines, "", note])


def size_told(body: str) -> int | None:
    """The size that a 409 answer tells, None if it tells none."""
    found = _SIZE_BODY.fullmatch(body)
    return None if found is None else int(found[1])


@dataclass(frozen=True)
class Accepted:
    """The witness may cosign. ``signature`` is the log's own, the first that verified."""

    signature: Signature


@dataclass(frozen=True)
class Refused:
    """The HTTP answer to a request that is refused, and in ``place`` what does not fit what."""

    status: int
    body: str
    content_type: str
    reason: Reason
    place: str


def judge(request: WitnessRequest, last: Seen | None, keys: Sequence[VerifierKey]) -> Accepted | Refused:
    """Whether a witness that saw ``last`` of the log may cosign; ``keys`` are those of the logs that it knows.

    Checks in the order of tlog-witness: the log (404), its signature (403), the sizes (400, 409), the root (409), the
    proof (422).
    """
    shown = request.checkpoint
    own_keys = [key for key in keys if key.name == shown.origin]
    if not own_keys:
        return _refused(404, Reason.UNKNOWN_LOG, "This witness does not know the log of this checkpoint.")
    signature = request.log_signature(own_keys)
    if signature is None:
        return _refused(403, Reason.NOT_SIGNED, "No key that is known for this log has signed the checkpoint.")
    return _inconsistency(request, last) or Accepted(signature)


def _inconsistency(request: WitnessRequest, last: Seen | None) -> Refused | None:
    shown, old = Seen(request.checkpoint.size, request.checkpoint.root), request.old_size
    known = last or Seen(0, root([]))
    if old > shown.size:
        reason = Reason.SHRUNKEN if shown.size < known.size else Reason.OLD_SIZE_TOO_LARGE
        return _refused(400, reason, f"The old size, {old}, is larger than the checkpoint's, {shown.size}.")
    if shown.size < known.size:
        return _conflict(known, Reason.SHRUNKEN, f"{known.size} leaves were cosigned; now {shown.size} are shown.")
    if shown.size == known.size and shown.root != known.root:
        trees = f"with root {known.root.hex()} and with root {shown.root.hex()}"
        return _conflict(known, Reason.FORKED, f"The log shows two trees of {known.size} leaves, {trees}.")
    if old != known.size:
        return _conflict(known, Reason.STALE, f"{known.size} leaves were cosigned, not {old}.")
    if known.size in (0, shown.size):
        if request.proof:
            return _refused(422, Reason.NEEDLESS_PROOF, "There is nothing to prove here; leave the proof empty.")
    elif not verify_consistency(known.size, shown.size, known.root, shown.root, request.proof):
        place = f"Nothing shows that the tree of {shown.size} leaves extends the cosigned one of {known.size}."
        return _refused(422, Reason.INCONSISTENT, place)
    return None


def _refused(status: int, reason: Reason, place: str) -> Refused:
    return Refused(status, place + "\n", TEXT_TYPE, reason, place)


def _conflict(known: Seen, reason: Reason, place: str) -> Refused:
    return Refused(409, f"{known.size}\n", SIZE_TYPE, reason, place)


def _is_signed(note: Note, key: VerifierKey) -> bool:
    try:
        open_checkpoint(note.content(), key)
    except CheckpointError:
        return False
    return True


def _hash(line: str) -> bytes:
    raw = strict_base64(line)
    if len(raw) != HASH_BYTES:
        raise WitnessRequestError("A line of the proof is no SHA-256 hash.")
    return raw
