"""A witness: what it saw last of each log, and its cosignature on whatever extends that (C2SP tlog-witness).

The record moves by compare-and-swap from exactly what was judged, before the cosignature leaves: of two requests at
once the later one is judged again by what the earlier one left, and the record never rolls back. A repeat moves it too,
so that of two cosignatures of one log the later never vouches for the smaller tree.

Whoever has seen a checkpoint may send it, late or with a wrong proof: only two trees of one size, both signed, are an
alarm. The rest is refused, and few of it are kept; the log's own side sees for itself that it is refused.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from rongtong.domain.checkpoint import CheckpointError, cosignature_line, cosigned_text
from rongtong.domain.note import COSIGNATURE, Note, VerifierKey, parse_signatures
from rongtong.domain.trust import Trusted, TrustPolicy
from rongtong.domain.witness import (
    TEXT_TYPE,
    Accepted,
    Refused,
    Seen,
    WitnessRequest,
    WitnessRequestError,
    judge,
)

_ATTEMPTS = 5
"""Each one that fails let another request through."""
_UNPROVEN_KEPT = 10
"""So many at most of what proves nothing by itself are kept of each reason, for each log."""
_AHEAD_MAX_S = 60
"""A cosignature is dated so far ahead of this clock at most: by so much the clocks of two processes may differ."""


class CosignatureSigner(Protocol):
    """The witness's Ed25519 key; it never leaves the key service, and signs nothing else."""

    def sign(self, message: bytes) -> bytes:
        """64 bytes of Ed25519 signature."""

    def public_key(self) -> bytes:
        """32 bytes."""


class WitnessStore(Protocol):
    """The table of one witness."""

    def latest(self, origin: str) -> str | None:
        """The note cosigned last for the log of this name, strongly consistent; None if there was none yet."""

    def move(self, origin: str, old: str | None, new: str) -> bool:
        """Put a note in the place of ``old``, durably; False, and no change, where another one stands by now."""

    def keep(self, origin: str, name: str, evidence: Mapping[str, str]) -> None:
        """Keep what may show a log's misbehaviour; under a name that is taken, what stands there stays."""


@dataclass(frozen=True)
class Witness:
    """One notary node: its name and key, the logs that it knows by their keys, and its table.

    A log may have several keys (while one takes over from another); a key that is left out also closes the records
    that it alone signed.
    """

    name: str
    signer: CosignatureSigner
    logs: Sequence[VerifierKey]
    store: WitnessStore
    now: Callable[[], datetime]

    def key(self) -> VerifierKey:
        """What its cosignatures are verified with."""
        return VerifierKey(self.name, self.signer.public_key(), COSIGNATURE)


@dataclass(frozen=True)
class WitnessAnswer:
    """The HTTP answer; ``alarm`` is what the witness's operator must see, ``remark`` what may be of interest."""

    status: int
    body: str
    content_type: str = TEXT_TYPE
    alarm: str | None = None
    remark: str | None = None


@dataclass(frozen=True)
class _Record:
    """What the table holds of a log, verified."""

    content: str
    trusted: Trusted

    @property
    def seen(self) -> Seen:
        return Seen(self.trusted.checkpoint.size, self.trusted.checkpoint.root)

    @property
    def time(self) -> int:
        return self.trusted.cosignatures[0].time


class _RecordError(Exception):
    """Nothing can be cosigned on the record that the table holds; the text says why, and what its owner does."""


def add_checkpoint(witness: Witness, body: bytes) -> WitnessAnswer:
    """Answer an add-checkpoint request as C2SP tlog-witness demands.

    A record that was altered in the table is answered with 500, naming it, until its owner has restored it; so is one
    that is dated in the future, until then: a cosignature is dated neither before an earlier one nor ahead of its time.
    """
    try:
        request = WitnessRequest.parse(body)
    except WitnessRequestError as error:
        return WitnessAnswer(400, f"{error}\n")
    origin = request.checkpoint.origin
    for _ in range(_ATTEMPTS):
        try:
            record = _record(witness, origin)
            verdict = judge(request, record.seen if record else None, witness.logs)
            if isinstance(verdict, Refused):
                return _refuse(witness, request, record, verdict)
            line, cosigned = _cosign(witness, request, record, verdict)
        except _RecordError as error:
            return WitnessAnswer(500, f"{error}\n", alarm=str(error))
        if witness.store.move(origin, record.content if record else None, cosigned):
            return WitnessAnswer(200, line)
    return WitnessAnswer(503, "Other requests for this log were always first; send the same one again.\n")


def _record(witness: Witness, origin: str) -> _Record | None:
    """The log's record, if it is one of a log that the witness knows. Raises _RecordError."""
    keys = [key for key in witness.logs if key.name == origin]
    content = witness.store.latest(origin) if keys else None
    if content is None:
        return None
    for key in keys:
        # Strict: a record is the log's signature and the witness's own, and every byte of it is vouched for.
        own = TrustPolicy((key,), {witness.name: witness.key()}, quorum=witness.name)
        try:
            return _Record(content, own.judge(content, strict=True))
        except CheckpointError:
            continue
    raise _RecordError(
        f"The record of the log {origin} in the table of the witness {witness.name} was altered, or its log's key is "
        "not configured any more; restore it, nothing is cosigned before."
    )


def _cosign(witness: Witness, request: WitnessRequest, record: _Record | None, verdict: Accepted) -> tuple[str, str]:
    """The witness's signature line, and the note that it keeps: the log's signature and its own.

    Raises _RecordError.
    """
    # Between reading the record and moving it: times then stand in the order of the records.
    now = int(witness.now().timestamp())
    time = max(now, record.time if record else 0)
    if time - now > _AHEAD_MAX_S:
        raise _RecordError(
            f"The last cosignature of {request.checkpoint.origin} by {witness.name} is dated {time - now} seconds "
            "ahead of this clock. Set the clock right; if it was wrong when that was signed, nothing is cosigned "
            "before then: wait, or put a witness with another key and name in its place."
        )
    line = cosignature_line(witness.key(), time, witness.signer.sign(cosigned_text(time, request.note.text).encode()))
    return line, Note(request.note.text, (verdict.signature, *parse_signatures(line))).content()


def _refuse(witness: Witness, request: WitnessRequest, record: _Record | None, refused: Refused) -> WitnessAnswer:
    if not refused.reason.is_evidence:
        return WitnessAnswer(refused.status, refused.body, refused.content_type)
    origin, shown = request.checkpoint.origin, _signed(request, witness.logs)
    evidence = {
        "reason": refused.reason.value,
        "place": refused.place,
        "kept_at": witness.now().isoformat(timespec="seconds"),
        "known": record.content if record else "",
        "shown": shown,
        "old_size": str(request.old_size),
        "proof": " ".join(b64encode(one).decode() for one in request.proof),
    }
    witness.store.keep(origin, _evidence_name(request, record, refused), evidence)
    told = f"{origin}: {refused.place}"
    alarm, remark = (told, None) if refused.reason.is_proof else (None, told)
    return WitnessAnswer(refused.status, refused.body, refused.content_type, alarm, remark)


def _evidence_name(request: WitnessRequest, record: _Record | None, refused: Refused) -> str:
    """Proof has a name by what it proves; for the rest there are few names, and who comes later finds them taken."""
    known = record.trusted.checkpoint.text() if record else ""
    digest = hashlib.sha256((known + request.checkpoint.text()).encode()).digest()
    if refused.reason.is_proof:
        return f"{refused.reason}#{digest.hex()[:32]}"
    return f"{refused.reason}#{digest[0] % _UNPROVEN_KEPT}"


def _signed(request: WitnessRequest, keys: Sequence[VerifierKey]) -> str:
    """What was shown, under the log's signature alone: whatever else stands on the note proves nothing."""
    signature = request.log_signature([key for key in keys if key.name == request.checkpoint.origin])
    assert signature is not None, "what nobody signed is no evidence"
    return Note(request.note.text, (signature,)).content()
