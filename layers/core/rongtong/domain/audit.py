"""The daily audit's findings: what each means and what a person does then; and the draw that nobody can choose."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

BULK_READS_MIN = 50
"""Different discounts of which one key of operations read the evidence on one day."""
UNUSED_DAYS = 90
EXPIRY_DAYS = 30
WORKING_HOURS = range(8, 20)
"""Hours in Shanghai, on legal working days, in which a person of operations reads evidence as a matter of course."""
DRAWS = 60
"""Leaves drawn on each day. Of a log in which one discount in a hundred is wrong, 45 % of days find one."""


class FindingCode(StrEnum):
    """What an audit can find, the gravest first."""

    LOG_FORKED = "LOG_FORKED"
    LOG_SHRUNK = "LOG_SHRUNK"
    LOG_FILE_WRONG = "LOG_FILE_WRONG"
    LOG_NOT_COSIGNED = "LOG_NOT_COSIGNED"
    EVENT_ALTERED = "EVENT_ALTERED"
    RECEIPT_WRONG = "RECEIPT_WRONG"
    CONTRACT_ALTERED = "CONTRACT_ALTERED"
    LEAF_UNTRACED = "LEAF_UNTRACED"
    CONFIGURATION_UNEXPLAINED = "CONFIGURATION_UNEXPLAINED"
    SECOND_PERSON_MISSING = "SECOND_PERSON_MISSING"
    ACTION_UNSIGNED = "ACTION_UNSIGNED"
    REVIEWED_BY_ACTOR = "REVIEWED_BY_ACTOR"
    ACTIONS_TO_REVIEW = "ACTIONS_TO_REVIEW"
    EVIDENCE_READ_IN_BULK = "EVIDENCE_READ_IN_BULK"
    EVIDENCE_READ_AT_NIGHT = "EVIDENCE_READ_AT_NIGHT"
    CALLER_UNREADABLE = "CALLER_UNREADABLE"
    KEY_EXPIRED = "KEY_EXPIRED"
    KEY_EXPIRES_SOON = "KEY_EXPIRES_SOON"
    KEY_UNUSED = "KEY_UNUSED"
    SCOPES_UNUSED = "SCOPES_UNUSED"
    LOOKALIKES_NOT_SEEN = "LOOKALIKES_NOT_SEEN"


MEANINGS: Mapping[FindingCode, tuple[str, str]] = {
    FindingCode.LOG_FORKED: (
        "The log does not extend what was audited before.",
        "Keep both checkpoints; compare with the witnesses and the mirrors, and stop payments until it is explained.",
    ),
    FindingCode.LOG_SHRUNK: (
        "The log is smaller than what was audited before.",
        "Restore the head from the backup; compare it with the witnesses.",
    ),
    FindingCode.LOG_FILE_WRONG: (
        "A file of the log is not what the checkpoint's root commits to, or is missing.",
        "Restore the file that is named from a mirror or the backup, then audit again.",
    ),
    FindingCode.LOG_NOT_COSIGNED: (
        "No stored checkpoint has the log's signature and a quorum of cosignatures.",
        "Look at the witnesses; docs/operations/evidence.md says how.",
    ),
    FindingCode.EVENT_ALTERED: (
        "A stored event is not the one whose hash is in the log, or is missing.",
        "Restore the record from a backup that holds the logged event; find out who wrote it.",
    ),
    FindingCode.RECEIPT_WRONG: (
        "A receipt, made and verified from scratch, proves nothing.",
        "Compare the discount's records with a backup; the text says which part was refused.",
    ),
    FindingCode.CONTRACT_ALTERED: (
        "The archived contract is not the sealed one, or is missing.",
        "Restore the object's earlier version or the backup's copy; find out who wrote it.",
    ),
    FindingCode.LEAF_UNTRACED: (
        "Nothing says whose event a leaf of the log is.",
        "Restore the batch below staging/ from the backup.",
    ),
    FindingCode.CONFIGURATION_UNEXPLAINED: (
        "A record of the configuration changed, and no approved change says so.",
        "Compare the record with the last change of it; set it right by a change of two persons.",
    ),
    FindingCode.SECOND_PERSON_MISSING: (
        "What takes two persons was done by one.",
        "Have a second person look at it; undo it where they do not agree.",
    ),
    FindingCode.ACTION_UNSIGNED: (
        "An action does not bear the signature of the person whom it names.",
        "Find out who wrote the record; ask whoever is named.",
    ),
    FindingCode.REVIEWED_BY_ACTOR: (
        "The second look at a day's actions was that of a person who acted on that day.",
        "Have another person look at them.",
    ),
    FindingCode.ACTIONS_TO_REVIEW: (
        "Actions of one person alone wait for a second person's look.",
        "Read the day's list of actions, then resolve the incident as somebody who did none of them.",
    ),
    FindingCode.EVIDENCE_READ_IN_BULK: (
        f"One key of operations read the evidence of {BULK_READS_MIN} discounts or more on one day.",
        "Ask its holder why; suspend the key where there is no answer.",
    ),
    FindingCode.EVIDENCE_READ_AT_NIGHT: (
        "A key of operations read evidence outside of working hours.",
        "Ask its holder why.",
    ),
    FindingCode.CALLER_UNREADABLE: (
        "The record of a caller cannot be read: none of its keys gets in.",
        "Set it right by a change of the kind partner.",
    ),
    FindingCode.KEY_EXPIRED: (
        "A key has expired and is still listed as one that counts.",
        "Revoke it by a change of the kind partner.",
    ),
    FindingCode.KEY_EXPIRES_SOON: (
        f"A key expires within {EXPIRY_DAYS} days.",
        "Have its holder send a new one, and let both count for a while.",
    ),
    FindingCode.KEY_UNUSED: (
        f"A key was not used for {UNUSED_DAYS} days.",
        "Ask its holder; revoke it where it is not needed.",
    ),
    FindingCode.SCOPES_UNUSED: (
        f"A key that is used has scopes that it did not use for {UNUSED_DAYS} days.",
        "Give it just the scopes that it needs, by a change of the kind partner.",
    ),
    FindingCode.LOOKALIKES_NOT_SEEN: (
        "Nobody answered whether names that look like the platform's domains are registered.",
        "See whether functions reach a DNS resolver, then run the audit again.",
    ),
}
"""What each finding means, and what to do."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it must be. ``about`` names it for good: the same one is never told twice."""

    code: FindingCode
    about: str
    text: str

    def document(self) -> dict[str, Any]:
        """The finding as it is kept and reported."""
        return {"code": self.code.value, "about": self.about, "text": self.text}


def drawn(root: bytes, number: int, size: int) -> int:
    """The leaf of the draw of this number (from 0) out of ``size``: SHA-256 of the root and the number, as an integer.

    Everybody who has the checkpoint repeats the draw; whoever writes events cannot choose what is drawn, as every event
    changes the root. The remainder favours no leaf by more than one in 2^200.
    """
    digest = hashlib.sha256(root + number.to_bytes(8, "big")).digest()
    return int.from_bytes(digest, "big") % size
