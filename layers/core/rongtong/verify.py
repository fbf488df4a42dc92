"""Check what the platform recorded, without trusting it.

``python -m rongtong.verify RECEIPT.json`` proves a discount's receipt offline;
``--audit LOG`` recomputes the whole log from its entries; ``--consistency OLD NEW --log LOG`` proves that the log of
checkpoint NEW extends that of checkpoint OLD. LOG is the URL below which the log is published, or a folder with its
files. Needs Python's standard library and `cryptography`, and nothing of the platform but its public files.

Whom to trust - the log's key, the witnesses' and how many of them - stands in a policy (C2SP tlog-policy) that a
verifier pins once and names: ``--policy FILE``, or the environment variable RONGTONG_TRUST. No policy is looked for,
least of all beside what is checked: whoever made that could have put it there.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from rongtong.domain.checkpoint import Checkpoint, CheckpointError, Cosignature
from rongtong.domain.log_audit import LogAuditError, audit
from rongtong.domain.log_check import LogCheck
from rongtong.domain.merkle import root
from rongtong.domain.receipt import ReceiptError, verify_receipt
from rongtong.domain.tiles import TileError
from rongtong.domain.trust import Trusted, TrustPolicy, TrustPolicyError
from rongtong.log_files import LogUnreadableError, PublishedLog, open_log, required

POLICY_VARIABLE = "RONGTONG_TRUST"
_EVERY_S = 0.5
_EVERY_UNSEEN_S = 5.0


class RefusedError(ValueError):
    """What was to be checked proves nothing; ``code`` says which meaning, the text what to do where it helps."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def main(arguments: list[str] | None = None) -> int:
    """0 and one line of what is proved, or 1 and why not."""
    options = _parser().parse_args(arguments)
    try:
        if options.audit is not None:
            told = _audited(options.audit, options.policy)
        elif options.consistency is not None:
            told = _extended(options.consistency, options.log, options.policy)
        else:
            told = _proved(options.receipt, options.policy)
    except (ReceiptError, RefusedError, LogAuditError, LogUnreadableError) as error:
        tell(f"REFUSED {error.code}: {error}")
        return 1
    except OSError as error:
        tell(f"REFUSED FILE_UNREADABLE: {error.filename} cannot be read: {error.strerror}.")
        return 1
    tell(f"OK {told}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rongtong.verify", description="Check what the platform recorded, without trusting it."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("receipt", nargs="?", type=Path, help="a discount's receipt, exactly as received")
    what.add_argument("--audit", metavar="LOG", help="recompute the whole log, a URL or a folder, from its entries")
    what.add_argument(
        "--consistency", nargs=2, type=Path, metavar=("OLD", "NEW"), help="two checkpoints, the older one first"
    )
    parser.add_argument("--log", metavar="LOG", help="with --consistency: where the log is, a URL or a folder")
    parser.add_argument("--policy", type=Path, help=f"whom you trust (default: the file that {POLICY_VARIABLE} names)")
    return parser


def tell(line: str) -> None:
    """Print one line; what it quotes of others cannot steer a terminal."""
    print("".join(char if char.isprintable() else "\ufffd" for char in line))


def _proved(receipt: Path, policy_file: Path | None) -> str:
    policy, where = pinned_policy(policy_file)
    proved = verify_receipt(receipt.read_bytes(), policy)
    told = (
        f"{proved.discount_id}: {len(proved.events)} events ({', '.join(proved.events)}) are in the log"
        f" {proved.log_name} at size {proved.tree_size}, {_cosigners(proved.cosignatures)}; trusted by {where}"
    )
    if proved.chain_key is not None:
        told += f"; not proved here, ask the chain: python -m rongtong.chain --profile FILE get {proved.chain_key}"
    return told


def _audited(place: str, policy_file: Path | None) -> str:
    policy, where = pinned_policy(policy_file)
    log = open_log(place)
    trusted = _judged(policy, required(log, "checkpoint"), f"The checkpoint of {log.name}")
    head = trusted.checkpoint
    progress = Progress(head.size, sys.stderr)
    files = audit(head, log.get_all, log.get_tile, progress.report)
    progress.close()
    return (
        f"{head.origin}: all {head.size} entries and {files} files are what the checkpoint of this size commits to,"
        f" {_cosigners(trusted.cosignatures)}; trusted by {where}"
    )


def _extended(checkpoints: list[Path], place: str | None, policy_file: Path | None) -> str:
    old_file, new_file = checkpoints
    policy, where = pinned_policy(policy_file)
    old = _judged(policy, old_file.read_bytes(), f"{old_file}:").checkpoint
    trusted = _judged(policy, new_file.read_bytes(), f"{new_file}:")
    new = trusted.checkpoint
    if old.origin != new.origin:
        raise RefusedError("LOG_CHECKPOINT", f"The checkpoints are of two logs, {old.origin} and {new.origin}.")
    if old.size > new.size:
        raise RefusedError(
            "LOG_SHRUNK", f"From {old.size} to {new.size} entries: a log never shrinks. Older one first?"
        )
    _require_extension(old, new, None if place is None else open_log(place))
    return (
        f"{new.origin}: the log of {new.size} entries extends that of {old.size},"
        f" {_cosigners(trusted.cosignatures)}; trusted by {where}"
    )


def _require_extension(old: Checkpoint, new: Checkpoint, log: PublishedLog | None) -> None:
    if old.size == new.size:
        if old.root != new.root:
            raise RefusedError(
                "LOG_FORKED",
                f"Two logs of {new.size} entries were signed. Keep both checkpoints: together they prove that the log"
                " was forked.",
            )
    elif old.size == 0:
        if old.root != root([]):
            raise RefusedError(
                "LOG_FORKED",
                "The older checkpoint has a root that no empty log has. Keep it: it alone proves that the log lies.",
            )
    elif log is None:
        raise RefusedError("LOG_UNREADABLE", "The proof is made from the log's files: name it with --log.")
    elif not _begins_with(old, new, log):
        raise RefusedError(
            "LOG_FORKED",
            f"The log of {new.size} entries does not extend that of {old.size}: the tiles of {log.name} lead to the"
            " newer root and not to the older one. Keep both checkpoints and these tiles: together they prove that the"
            " log was forked.",
        )


def _begins_with(old: Checkpoint, new: Checkpoint, log: PublishedLog) -> bool:
    try:
        return LogCheck(new.size, new.root, log.get_tile).begins_with(old.size, old.root)
    except TileError as error:
        raise RefusedError("LOG_FILE_WRONG", f"{error} The files are those of {log.name}.") from error


def pinned_policy(named: Path | None) -> tuple[TrustPolicy, Path]:
    """The policy that the verifier named, here or in the environment, and where it stands. Raises RefusedError."""
    said = named or os.environ.get(POLICY_VARIABLE)
    if not said:
        raise RefusedError(
            "TRUST_POLICY",
            "It is not said whom you trust. Pin a policy of your own, with keys that the log's operator and the"
            f" notaries gave you, and name it with --policy FILE or in {POLICY_VARIABLE}; one that came with what is"
            " checked proves nothing.",
        )
    file = Path(said)
    try:
        return TrustPolicy.parse(file.read_text(encoding="utf-8")), file
    except TrustPolicyError as error:
        raise RefusedError("TRUST_POLICY", f"{file}: {error}") from error
    except UnicodeDecodeError as error:
        raise RefusedError("TRUST_POLICY", f"{file} is no text in UTF-8.") from error
    except FileNotFoundError as error:
        raise RefusedError("TRUST_POLICY", f"There is no {file}: name your own policy with --policy.") from error


def _judged(policy: TrustPolicy, content: bytes, what: str) -> Trusted:
    """The checkpoint as the policy judges it; signatures of others are ignored (C2SP signed-note)."""
    try:
        return policy.judge(content.decode())
    except UnicodeDecodeError as error:
        raise RefusedError("LOG_CHECKPOINT", f"{what} is no text in UTF-8.") from error
    except CheckpointError as error:
        raise RefusedError("LOG_CHECKPOINT", f"{what} {error}") from error


def _cosigners(found: tuple[Cosignature, ...]) -> str:
    if not found:
        return "cosigned by nobody"
    return "cosigned by " + ", ".join(f"{one.witness.name} at {_instant(one.time)}" for one in found)


def _instant(time_s: int) -> str:
    try:
        return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"{time_s} s after 1970"


class Progress:
    """How far an audit is: one changing line on a terminal, elsewhere a line every few seconds."""

    def __init__(self, total: int, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._total, self._out, self._clock = total, out, clock
        self._seen = out.isatty()
        self._began = self._told = clock()
        self._shown = False

    def report(self, done: int) -> None:
        """Tell the number of entries that are done, if it is time to."""
        now = self._clock()
        if now - self._told < (_EVERY_S if self._seen else _EVERY_UNSEEN_S):
            return
        self._told, self._shown = now, True
        rate = done / (now - self._began)
        text = f"{done} of {self._total} entries, {done / self._total:.0%}, {rate:.0f} a second"
        print(f"\r{text}" if self._seen else text, end="" if self._seen else "\n", file=self._out, flush=True)

    def close(self) -> None:
        """End the changing line."""
        if self._shown and self._seen:
            print(file=self._out)


if __name__ == "__main__":
    sys.exit(main())
