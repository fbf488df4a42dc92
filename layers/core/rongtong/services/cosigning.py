"""The log's side of its witnesses: cosignatures on the newest head, counted against the platform's policy.

The cosigned checkpoint is kept beside the head and never goes back in size. Nothing of it is taken on trust: whoever
relies on it verifies the log's signature and a quorum of cosignatures again.
"""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field, replace

from rongtong.domain.checkpoint import Checkpoint, CheckpointError, Cosignature, cosignatures, open_checkpoint
from rongtong.domain.errors import RongTongError
from rongtong.domain.incident import IncidentKind
from rongtong.domain.merkle import consistency_proof
from rongtong.domain.note import Note, NoteError, VerifierKey, parse_signatures
from rongtong.domain.tiles import Tile, tile_nodes
from rongtong.domain.trust import TrustPolicy, TrustPolicyError
from rongtong.domain.witness import request_body, size_told
from rongtong.services import incidents
from rongtong.services.context import Context
from rongtong.services.errors import LogDamagedError
from rongtong.services.evidence_log import HEAD_SK, LOG_PK, head_of
from rongtong.services.ports import WitnessReply
from rongtong.services.records import PLATFORM_PK, logged_until
from rongtong.services.storage import Create, Document, Item, WriteConflictError
from rongtong.services.tile_log import edge_at, sign_head

HEAD_KEY = (LOG_PK, HEAD_SK)
COSIGNED_KEY = (LOG_PK, "cosigned")
WITNESSES_KEY = (PLATFORM_PK, "witnesses")
_HEADS = 4
"""So many heads are shown to the witnesses in one go: each further one was moved on to by another writer."""
_ASKS = 3
"""A witness that knows another size than the last noted is asked again from there, and once more."""
_ATTEMPTS = 10
_PAUSE_S = (0.05, 0.35)
"""So long a writer waits for those that appended after it: whoever asks for all spares the witnesses the rest."""
_SAID_MAX = 120
_HASH_BYTES = 32


class NoQuorumError(RongTongError):
    """Too few witnesses cosigned the log. Nothing is paid before; the same task may run again."""

    code = "NO_QUORUM"


class NotWitnessedError(RongTongError):
    """No quorum of witnesses has cosigned the log as far as it holds this object's events: nothing may be paid."""

    code = "NOT_WITNESSED"


@dataclass(frozen=True)
class _State:
    """What is stored: the policy with the log's own key, the newest head, and the newest note that the policy takes."""

    policy: TrustPolicy
    head: Item | None
    stored: Item | None
    size: int
    note: str


@dataclass
class _Round:
    """What the witnesses said of one head."""

    size: int
    found: dict[str, Cosignature] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    """Who knows a larger log than this head, and how large."""
    against: dict[str, int] = field(default_factory=dict)
    """Whose tree of this size the head does not extend, or does not equal."""
    unable: dict[str, str] = field(default_factory=dict)
    """Who says that it cannot cosign before its owner has done something, and what it said."""
    others: dict[str, str] = field(default_factory=dict)
    """Who did not cosign for another reason, and what it said."""

    def said(self) -> str:
        """Why no quorum came together, witness by witness."""
        told = {
            **dict.fromkeys(self.found, "cosigned"),
            **self.others,
            **self.unable,
            **{name: f"knows {known} leaves" for name, known in self.ahead.items()},
            **{name: f"contradicts from its {known} leaves" for name, known in self.against.items()},
        }
        return "; ".join(f"{name}: {what}" for name, what in sorted(told.items())) or "nobody was asked"


def witnessed(context: Context, size: int, *, may_sign: bool = True) -> str:
    """The newest note that the policy takes (log signature, quorum of cosignatures) and that covers ``size`` leaves.

    Witnesses are asked only where the stored one is too small. A witness that contradicts the log opens an incident,
    and so does one that says of itself that it cannot cosign; with a quorum of others the answer stands all the same. A
    head that bears the signature of a former key is signed anew, unless the caller may not use the log's key
    (``may_sign``). Raises NoQuorumError, LogDamagedError.
    """
    said = ""
    for _ in range(_HEADS):
        state = _state_after_others(context, size)
        if state.size >= size:
            return state.note
        if state.head is None or int(state.head.body["size"]) < size:
            raise LogDamagedError(f"The log's head does not reach leaf {size - 1}; restore the head from the backup.")
        if not _is_signed(context, state.head):
            said = "the head does not bear the log's present signature"
            if not may_sign:
                break
            _sign_anew(context, state.head)
            continue
        asked = _ask_all(context, state, state.head)
        moved_on = _settle_ahead(context, asked)
        _open_incidents(context, asked, str(state.head.body["note"]))
        note = _bearing(str(state.head.body["note"]), tuple(asked.found.values()))
        if _size_if_taken(state.policy, note) is not None:
            return _keep(context, state, note, asked)
        said = asked.said()
        if not moved_on:
            break
    raise NoQuorumError(f"Too few witnesses cosigned the log ({said}); nothing is paid, run the same task again.")


def witnessed_size(context: Context) -> int:
    """So many leaves are under the newest stored checkpoint that the policy takes; 0 if there is none."""
    return _state(context).size


def stored_note(context: Context) -> str:
    """The newest stored checkpoint that the policy takes; empty if there is none."""
    return _state(context).note


def require_witnessed(context: Context, item: Item) -> None:
    """Raises NotWitnessedError unless everything that the aggregate has logged is under a cosigned checkpoint."""
    until = logged_until(item.body)
    if not until or witnessed_size(context) < until:
        raise NotWitnessedError("The log is not cosigned as far as it holds this discount; run Seal again.")


def log_key(context: Context) -> VerifierKey:
    """What the log's signatures are verified with."""
    return VerifierKey(context.log_origin, context.log_signer.public_key())


def policy_of(context: Context, item: Item | None) -> TrustPolicy:
    """The witnesses' policy out of its document. Raises NoQuorumError where there is none, or an unreadable one."""
    if item is None:
        raise NoQuorumError("No policy names the witnesses; have it set (`quorum none` where there are none).")
    try:
        return replace(TrustPolicy.parse(str(item.body["policy"])), logs=(log_key(context),))
    except TrustPolicyError as error:
        raise NoQuorumError(f"The policy of the witnesses is unreadable: {error}") from error


def _state(context: Context) -> _State:
    policy_item, head, stored = context.store.get_many([WITNESSES_KEY, HEAD_KEY, COSIGNED_KEY])
    policy = policy_of(context, policy_item)
    taken = [(0, "")]
    for item in (head, stored):
        if item is not None and (size := _size_if_taken(policy, str(item.body["note"]))) is not None:
            taken.append((size, str(item.body["note"])))
    return _State(policy, head, stored, *max(taken, key=lambda one: one[0]))


def _state_after_others(context: Context, size: int) -> _State:
    """What is stored; where others have appended since, after the time in which they may have it cosigned for all."""
    state = _state(context)
    if state.size < size and state.head is not None and int(state.head.body["size"]) > size:
        context.clock.sleep(random.uniform(*_PAUSE_S))
        state = _state(context)
    return state


def _size_if_taken(policy: TrustPolicy, note: str) -> int | None:
    try:
        return policy.judge(note).checkpoint.size
    except CheckpointError:
        return None


def _is_signed(context: Context, head: Item) -> bool:
    try:
        return open_checkpoint(str(head.body["note"]), log_key(context)).size == int(head.body["size"])
    except CheckpointError:
        return False


def _sign_anew(context: Context, head: Item) -> None:
    """Put the present key's signature under the tree of the head, unless another writer has moved it on.

    It is the tree that the log's own files have, as for whoever appends next; a head that says another is no head.
    Raises LogDamagedError.
    """
    size = int(head.body["size"])
    tree = Checkpoint(context.log_origin, size, edge_at(context.files, size).root())
    if str(head.body["note"]).partition("\n\n")[0] + "\n" != tree.text():
        raise LogDamagedError(f"The log's head is not the tree of its {size} leaves; restore the head from the backup.")
    body: Document = {**head.body, "note": sign_head(context.log_signer, tree.origin, tree.size, tree.root)}
    with suppress(WriteConflictError):
        context.store.transact([head.replaced(body)])


def _ask_all(context: Context, state: _State, head: Item) -> _Round:
    """Ask every witness that has an address, side by side, and whoever knows another size again from there."""
    policy, asked = state.policy, _Round(int(head.body["size"]))
    noted: dict[str, int] = state.stored.body.get("seen", {}) if state.stored else {}
    asking = {name: min(int(noted.get(name, 0)), asked.size) for name in policy.urls}
    for _ in range(_ASKS):
        proofs = _proofs(context, asked.size, set(asking.values()))
        bodies = {
            policy.urls[name]: request_body(old, proofs[old], str(head.body["note"])) for name, old in asking.items()
        }
        replies = context.witness_door.add_checkpoint(bodies)
        again: dict[str, int] = {}
        for name, old in asking.items():
            known = _take(asked, policy, name, old, replies.get(policy.urls[name]), str(head.body["note"]))
            if known is not None:
                again[name] = known
        if not again:
            break
        asking = again
    return asked


def _take(asked: _Round, policy: TrustPolicy, name: str, old: int, reply: WitnessReply | None, note: str) -> int | None:
    """Take in what a witness said that was asked from ``old``; answers from where to ask it again, if at all."""
    asked.others.pop(name, None)
    asked.unable.pop(name, None)
    if reply is None:
        asked.others[name] = "no answer"
    elif reply.status == 200:
        found = _verified(policy.witnesses[name], reply.body, note)
        if found is None:
            asked.others[name] = "answered without a cosignature of its key"
        else:
            asked.found[name] = found
    elif reply.status == 422:
        asked.against[name] = old
    elif reply.status == 409 and (known := size_told(reply.body)) is not None:
        if known > asked.size:
            asked.ahead[name] = known
        elif known == asked.size == old:
            asked.against[name] = known
        else:
            asked.others[name] = f"knows {known} leaves"
            return known if known != old else None
    else:
        # 500 is what does not pass by itself; a witness that is just busy, or did not read its table, says 503.
        told = asked.unable if reply.status == 500 else asked.others
        told[name] = f"status {reply.status}: {reply.body.strip()[:_SAID_MAX]}"
    return None


def _verified(witness: VerifierKey, lines: str, note: str) -> Cosignature | None:
    """The witness's cosignature among the answered lines; others' lines are ignored, a wrong one counts for nothing."""
    try:
        found = cosignatures(Note(Note.parse(note).text, parse_signatures(lines)), (witness,))
    except (NoteError, CheckpointError):
        return None
    return found[0] if found else None


def _settle_ahead(context: Context, asked: _Round) -> bool:
    """Whether another writer has moved the head on. A witness that knows more leaves than it now has contradicts."""
    if not asked.ahead:
        return False
    head = head_of(context)
    newest = asked.size if head is None else int(head.body["size"])
    for name, known in list(asked.ahead.items()):
        if known > newest:
            asked.against[name] = asked.ahead.pop(name)
    return newest > asked.size


def _open_incidents(context: Context, asked: _Round, note: str) -> None:
    """One open incident for each witness, whatever sizes it claims; a further one only after the last was resolved."""
    for name, known in sorted(asked.against.items()):
        data: Document = {"witness": name, "witness_size": known, "log_size": asked.size, "checkpoint": note}
        _open_incident(context, IncidentKind.LOG_REFUSED_BY_WITNESS, name, data)
    for name, said in sorted(asked.unable.items()):
        _open_incident(context, IncidentKind.WITNESS_UNABLE, name, {"witness": name, "said": said})


def _open_incident(context: Context, kind: IncidentKind, witness: str, data: Document) -> None:
    incidents.open_anew(context, kind, context.log_origin, f"{context.log_origin}#{witness}", data)


def _bearing(note: str, found: tuple[Cosignature, ...]) -> str:
    """The log's note with the cosignatures under it."""
    return note + "".join(one.signature.line() for one in found)


def _keep(context: Context, state: _State, note: str, asked: _Round) -> str:
    """Store the cosigned note, unless another writer has stored one that reaches further; answers the newest."""
    for _ in range(_ATTEMPTS):
        if state.size >= asked.size:
            return state.note
        stored = state.stored
        if stored is not None and int(stored.body["size"]) > asked.size:
            break  # it reaches further, though the policy does not take it any more: a later head comes past it
        seen = {**(stored.body.get("seen", {}) if stored else {}), **dict.fromkeys(asked.found, asked.size)}
        body: Document = {"size": asked.size, "note": note, "seen": seen}
        try:
            context.store.transact([Create(*COSIGNED_KEY, body) if stored is None else stored.replaced(body)])
        except WriteConflictError:
            state = _state(context)
        else:
            break
    return note


def _proofs(context: Context, size: int, olds: set[int]) -> dict[int, list[bytes]]:
    """Consistency proofs from each old size; what they need of the log's files is read in one go.

    Raises LogDamagedError.
    """
    wanted: dict[str, Tile] = {}

    def note_down(tile: Tile) -> bytes:
        wanted[tile.path()] = tile
        return bytes(tile.width * _HASH_BYTES)

    grown = [old for old in olds if 0 < old < size]
    rehearsal = tile_nodes(size, note_down)
    for old in grown:
        consistency_proof(old, size, rehearsal)
    found: dict[str, bytes] = {}
    for path, content in zip(wanted, context.files.get_all(list(wanted)) if wanted else [], strict=True):
        if content is None or len(content) != wanted[path].width * _HASH_BYTES:
            raise LogDamagedError(f"The log's {path} is missing or cut off; restore it from the mirror or the backup.")
        found[path] = content
    node = tile_nodes(size, lambda tile: found[tile.path()])
    return {old: consistency_proof(old, size, node) if old in grown else [] for old in olds}
