"""Whom a verifier trusts: logs, witnesses and the quorum of them (C2SP tlog-policy), pinned in a file of its own."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from rongtong.domain.checkpoint import Checkpoint, CheckpointError, Cosignature, cosignatures, open_checkpoint
from rongtong.domain.note import COSIGNATURE, ED25519, Note, NoteError, VerifierKey

_NUMBER = re.compile(r"[1-9][0-9]{0,3}")
_NONE = "none"


class TrustPolicyError(ValueError):
    """The policy file is malformed; the text names the line."""


@dataclass(frozen=True)
class Group:
    """Witnesses or groups of which at least ``threshold`` must have cosigned."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Trusted:
    """A checkpoint that the policy accepts, and who cosigned it."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


@dataclass(frozen=True)
class TrustPolicy:
    """Logs, witnesses by their names in the policy, groups, and which of them is the quorum."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str = _NONE
    urls: dict[str, str] = field(default_factory=dict)
    """Where a witness is asked, by its name in the policy."""

    @classmethod
    def parse(cls, text: str) -> TrustPolicy:
        """Read a policy file. Raises TrustPolicyError."""
        reading = _Reading()
        for number, line in enumerate(text.split("\n"), start=1):
            words = line.replace("\t", " ").split(" ")
            words = [word for word in words if word]
            if not words or words[0].startswith("#"):
                continue
            try:
                reading.take(words)
            except (NoteError, TrustPolicyError) as error:
                raise TrustPolicyError(f"Line {number} of the policy: {error}") from error
        if reading.quorum is None:
            raise TrustPolicyError("The policy has no quorum line; `quorum none` asks for no cosignature.")
        return cls(tuple(reading.logs), reading.witnesses, reading.groups, reading.quorum, reading.urls)

    def text(self) -> str:
        """The policy as a file."""
        lines = [f"log {key.text()}" for key in self.logs]
        for name, key in self.witnesses.items():
            lines.append(f"witness {name} {key.text()} {self.urls.get(name, '')}".rstrip())
        lines += [f"group {name} {one.threshold} {' '.join(one.members)}" for name, one in self.groups.items()]
        return "\n".join([*lines, f"quorum {self.quorum}", ""])

    def has_quorum(self, found: tuple[Cosignature, ...]) -> bool:
        """Whether these cosignatures are enough."""
        keys = {one.witness for one in found}
        return self.quorum == _NONE or self._has(self.quorum, keys)

    def is_quorum(self, names: Collection[str]) -> bool:
        """Whether cosignatures of these witnesses, by their names in the policy, would be enough."""
        keys = {self.witnesses[name] for name in names}
        return self.quorum == _NONE or self._has(self.quorum, keys)

    def judge(self, content: str, *, strict: bool = False) -> Trusted:
        """The checkpoint in a note that a pinned log signed and a quorum cosigned. Raises CheckpointError.

        ``strict`` also refuses a signature line of anybody who is not pinned here, and a second one of anybody: then
        every byte of the note is vouched for.
        """
        try:
            note = Note.parse(content)
        except NoteError as error:
            raise CheckpointError(str(error)) from error
        origin = note.text.partition("\n")[0]
        keys = [key for key in self.logs if key.name == origin]
        if not keys:
            raise CheckpointError("The checkpoint is of a log that is not pinned.")
        # A log that changes its key is pinned with both for a while.
        log = next((key for key in keys if any(one.is_of(key) for one in note.signatures)), keys[0])
        checkpoint = open_checkpoint(content, log)
        found = cosignatures(note, tuple(self.witnesses.values()))
        if strict and len(note.signatures) != 1 + len(found):
            raise CheckpointError("The checkpoint bears a signature that is not pinned, or one twice.")
        if not self.has_quorum(found):
            raise CheckpointError(f"The checkpoint has {len(found)} cosignatures, which are no quorum of witnesses.")
        return Trusted(checkpoint, found)

    def _has(self, name: str, keys: set[VerifierKey]) -> bool:
        if name in self.witnesses:
            return self.witnesses[name] in keys
        group = self.groups[name]
        return sum(self._has(member, keys) for member in group.members) >= group.threshold


@dataclass
class _Reading:
    logs: list[VerifierKey] = field(default_factory=list)
    witnesses: dict[str, VerifierKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    quorum: str | None = None
    grouped: set[str] = field(default_factory=set)

    def take(self, words: list[str]) -> None:
        kind, rest = words[0], words[1:]
        if kind == "log" and len(rest) in (1, 2):
            self._log(rest[0])
        elif kind == "witness" and len(rest) in (2, 3):
            self._witness(*rest)
        elif kind == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], rest[2:])
        elif kind == "quorum" and len(rest) == 1 and self.quorum is None:
            if rest[0] != _NONE and rest[0] not in {*self.witnesses, *self.groups}:
                raise TrustPolicyError(f"{rest[0]} is not defined before it is used.")
            self.quorum = rest[0]
        else:
            raise TrustPolicyError("Write log, witness, group or, once, quorum.")

    def _log(self, text: str) -> None:
        key = VerifierKey.parse(text)
        if key.kind != ED25519 or any(one.public_key == key.public_key for one in self.logs):
            raise TrustPolicyError("A log needs an Ed25519 key (type 1) of its own.")
        self.logs.append(key)

    def _witness(self, name: str, text: str, url: str = "") -> None:
        key = VerifierKey.parse(text)
        taken = any(one.public_key == key.public_key for one in self.witnesses.values())
        if key.kind != COSIGNATURE or taken:
            raise TrustPolicyError("A witness needs a cosignature key (type 4) of its own.")
        self._name(name)
        self.witnesses[name] = key
        if url:
            self.urls[name] = url

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        number = {"any": 1, "all": len(members)}.get(threshold)
        if number is None and _NUMBER.fullmatch(threshold):
            number = int(threshold)
        for member in members:
            if member not in {*self.witnesses, *self.groups} or member in self.grouped:
                raise TrustPolicyError(f"{member} is not defined before it is used, or is a member twice.")
            self.grouped.add(member)
        if number is None or number > len(members):
            raise TrustPolicyError("A group's threshold is any, all or a number up to its members'.")
        self._name(name)
        self.groups[name] = Group(number, tuple(members))

    def _name(self, name: str) -> None:
        if name == _NONE or name in self.witnesses or name in self.groups:
            raise TrustPolicyError(f"The name {name} is taken.")
