"""Keep a copy of the log: ``python -m rongtong.mirror LOG INTO [--policy trust.txt]``.

A notary runs it from time to time. LOG is the URL below which the log is published, or a folder with its files; INTO is
the copy's folder, which has the same layout and can be published, audited or mirrored as the log itself. Only what the
copy has not is fetched. A file counts when it leads to the root of a checkpoint that the policy trusts and that extends
the copy's own; the copy's checkpoint moves last, so a run that was stopped is carried on by the next. Needs Python's
standard library and `cryptography`, and a POSIX file system.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rongtong.adapters.log_folder import FileFiles
from rongtong.domain.checkpoint import Checkpoint, CheckpointError
from rongtong.domain.log_check import LogCheck, new_files
from rongtong.domain.merkle import consistency_proof, range_root, root, verify_consistency
from rongtong.domain.note import Note, NoteError
from rongtong.domain.tiles import WIDTH, Tile, TileError, edge_tiles, tile_nodes, tile_of
from rongtong.domain.trust import Trusted, TrustPolicy, TrustPolicyError
from rongtong.log_files import LogUnreadableError, PublishedLog, open_log, required
from rongtong.services.errors import LogDamagedError
from rongtong.verify import Progress, RefusedError

CHECKPOINT = "checkpoint"
_POLICY_FILE = "trust.txt"
_FILES_AT_ONCE = 256
_NOTHING = Checkpoint("", 0, root([]))


@dataclass(frozen=True)
class Copied:
    """What a run did: the trusted checkpoint that the copy has now, its former size, and the files that are new."""

    trusted: Trusted
    old_size: int
    files: int


def main(arguments: list[str] | None = None) -> int:
    """0 and one line of what was copied, or 1 and why the copy stays as it was."""
    parser = argparse.ArgumentParser(prog="python -m rongtong.mirror", description="Keep a copy of the evidence log.")
    parser.add_argument("log", metavar="LOG", help="the URL below which the log is published, or a folder")
    parser.add_argument("into", metavar="INTO", type=Path, help="the copy's folder; it is made if it is not there")
    parser.add_argument(
        "--policy", type=Path, help=f"whom to trust (default: the nearest {_POLICY_FILE} in INTO or above)"
    )
    options = parser.parse_args(arguments)
    try:
        policy = _policy(options.policy or _nearest_policy(options.into))
        copied = mirror(open_log(options.log), FileFiles(options.into), policy)
    except (RefusedError, LogUnreadableError) as error:
        print(f"REFUSED {error.code}: {error}")
        return 1
    except OSError as error:
        print(f"REFUSED FILE_UNREADABLE: {error.filename} cannot be read or written: {error.strerror}.")
        return 1
    head, who = copied.trusted.checkpoint, [one.witness.name for one in copied.trusted.cosignatures]
    print(
        f"OK {head.origin}: {head.size - copied.old_size} new entries in {copied.files} files, {head.size} in all in"
        f" {options.into}; the checkpoint is cosigned by {', '.join(who) or 'nobody'}"
    )
    return 0


def mirror(log: PublishedLog, copy: FileFiles, policy: TrustPolicy) -> Copied:
    """Bring the copy up to the log's checkpoint. Raises RefusedError and LogUnreadableError; then the copy stays."""
    with copy.lock("turn"):
        copy.clear()
        note = required(log, CHECKPOINT)
        trusted = _judged(note, policy)
        old, new = _own_checkpoint(copy), trusted.checkpoint
        if old.size and old.origin != new.origin:
            raise RefusedError("LOG_CHECKPOINT", f"The copy is one of {old.origin}, this log is {new.origin}.")
        _refuse_smaller(old, new, copy, note)
        try:
            check = LogCheck(new.size, new.root, log.get_tile)
            extends = _extends(old, new, check)
        except TileError as error:
            raise RefusedError("LOG_FILE_WRONG", str(error)) from error
        if not extends:
            raise _forked(old, new, copy, note)
        files = _fetch(log, copy, check, (old.size, new.size))
        copy.put(CHECKPOINT, note)
        for tile in edge_tiles(old.size):
            if tile_of(tile.level, tile.index, new.size).width == WIDTH:
                copy.delete_folder(Tile(tile.level, tile.index).path() + ".p")
        return Copied(trusted, old.size, files)


def _fetch(log: PublishedLog, copy: FileFiles, check: LogCheck, sizes: tuple[int, int]) -> int:
    """Fetch, check and keep the files that are new between two sizes; answers how many they were."""
    total, tiles, progress = 0, new_files(*sizes), Progress(sizes[1], sys.stderr)
    while chunk := list(islice(tiles, _FILES_AT_ONCE)):
        found = _checked(log, copy, check, chunk)
        try:
            copy.create_all({tile.path(): content for tile, content in found})
        except LogDamagedError as error:
            raise RefusedError("COPY_DAMAGED", str(error)) from error
        total += len(found)
        progress.report(min(sizes[1], (chunk[-1].index + 1) * WIDTH) if not chunk[-1].level else 0)
    progress.close()
    return total


def _checked(log: PublishedLog, copy: FileFiles, check: LogCheck, chunk: list[Tile]) -> list[tuple[Tile, bytes]]:
    """The files of the chunk that the copy has not, each found right; what a stopped run left is checked again."""
    held = copy.get_all([tile.path() for tile in chunk])
    fetched = log.get_all([tile for tile, own in zip(chunk, held, strict=True) if own is None])
    found = []
    for tile, own in zip(chunk, held, strict=True):
        content = next(fetched) if own is None else own
        try:
            check.check(tile, content)
        except TileError as error:
            if own is None:
                raise RefusedError("LOG_FILE_WRONG", f"{error} It is the file in {log.name}.") from error
            raise RefusedError(
                "COPY_DAMAGED", f"{error} It is the copy's own file: delete it and run again."
            ) from error
        if own is None:
            found.append((tile, content))
    return found


def _judged(note: bytes, policy: TrustPolicy) -> Trusted:
    try:
        return policy.judge(note.decode())
    except (CheckpointError, UnicodeDecodeError) as error:
        raise RefusedError("LOG_CHECKPOINT", f"The log's checkpoint is refused. {error}") from error


def _own_checkpoint(copy: FileFiles) -> Checkpoint:
    """The checkpoint up to which the copy is complete; its edge must lead to it."""
    (note,) = copy.get_all([CHECKPOINT])
    if note is None:
        return _NOTHING
    try:
        old = Checkpoint.parse(Note.parse(note.decode()).text)
        LogCheck(old.size, old.root, lambda tile: copy.get_all([tile.path()])[0])
    except (NoteError, CheckpointError, TileError, UnicodeDecodeError) as error:
        raise RefusedError("COPY_DAMAGED", f"The copy is no longer what it was. {error}") from error
    return old


def _extends(old: Checkpoint, new: Checkpoint, check: LogCheck) -> bool:
    """Whether the new tree begins with the old one, by nodes that lead to the new root: a wrong file is no reason."""
    if not 0 < old.size < new.size:
        return old.size == 0 or old.root == new.root
    proof = consistency_proof(old.size, new.size, check.nodes())
    return verify_consistency(old.size, new.size, old.root, new.root, proof)


def _refuse_smaller(old: Checkpoint, new: Checkpoint, copy: FileFiles, note: bytes) -> None:
    if new.size >= old.size:
        return
    node = tile_nodes(old.size, lambda tile: copy.get_all([tile.path()])[0] or b"")
    try:
        own_root = range_root(0, new.size, node) if new.size else _NOTHING.root
    except TileError as error:
        raise RefusedError("COPY_DAMAGED", f"The copy is no longer what it was. {error}") from error
    if own_root != new.root:
        raise _forked(old, new, copy, note)
    raise RefusedError(
        "LOG_SHRUNK",
        f"The log answers with {new.size} entries, the copy has {old.size} of it. An answer out of a cache is gone in a"
        " minute; a log that stays so was set back.",
    )


def _forked(old: Checkpoint, new: Checkpoint, copy: FileFiles, note: bytes) -> RefusedError:
    kept = f"refused/{new.size}-{new.root.hex()[:16]}"
    copy.put(kept, note)
    return RefusedError(
        "LOG_FORKED",
        f"The log of {new.size} entries does not extend the copy's of {old.size}. The checkpoint is kept in {kept}:"
        f" together with the copy's {CHECKPOINT} it proves that the log was forked.",
    )


def _policy(file: Path) -> TrustPolicy:
    try:
        return TrustPolicy.parse(file.read_text(encoding="utf-8"))
    except (TrustPolicyError, UnicodeDecodeError) as error:
        raise RefusedError("TRUST_POLICY", f"{file}: {error}") from error
    except FileNotFoundError as error:
        raise RefusedError("TRUST_POLICY", f"There is no {file}: name whom you trust with --policy.") from error


def _nearest_policy(into: Path) -> Path:
    folders: Iterator[Path] = iter([into.resolve(), *into.resolve().parents])
    return next((folder / _POLICY_FILE for folder in folders if (folder / _POLICY_FILE).is_file()), into / _POLICY_FILE)


if __name__ == "__main__":
    sys.exit(main())
