"""Keep a copy of the log: ``python -m rongtong.mirror LOG INTO --policy trust.txt``.

A notary runs it from time to time. LOG is the URL below which the log is published, or a folder with its files; INTO is
the copy's folder, which has the same layout and can be published, audited or mirrored as the log itself. Only what the
copy has not is fetched. A file counts when it leads to the root of a checkpoint that the policy trusts and that extends
the copy's own; the copy's checkpoint moves last, so a run that was stopped is carried on by the next. Needs Python's
standard library and `cryptography`, and a POSIX file system. Of a checkpoint only the signatures of those whom the
policy names are kept: the others nobody has judged.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rongtong.adapters.log_folder import FileFiles
from rongtong.domain.checkpoint import Checkpoint, CheckpointError
from rongtong.domain.log_check import LogCheck, new_files
from rongtong.domain.merkle import root
from rongtong.domain.note import Note
from rongtong.domain.tiles import WIDTH, Tile, TileError, edge_tiles, tile_of
from rongtong.domain.trust import Trusted, TrustPolicy
from rongtong.log_files import LogUnreadableError, PublishedLog, open_log, required
from rongtong.services.errors import LogDamagedError
from rongtong.verify import POLICY_VARIABLE, Progress, RefusedError, pinned_policy, tell

CHECKPOINT = "checkpoint"
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
    parser.add_argument("--policy", type=Path, help=f"whom you trust (default: the file that {POLICY_VARIABLE} names)")
    options = parser.parse_args(arguments)
    try:
        policy, _ = pinned_policy(options.policy)
        copied = mirror(open_log(options.log), FileFiles(options.into), policy)
    except (RefusedError, LogUnreadableError) as error:
        tell(f"REFUSED {error.code}: {error}")
        return 1
    except OSError as error:
        tell(f"REFUSED FILE_UNREADABLE: {error.filename} cannot be read or written: {error.strerror}.")
        return 1
    head, who = copied.trusted.checkpoint, [one.witness.name for one in copied.trusted.cosignatures]
    tell(
        f"OK {head.origin}: {head.size - copied.old_size} new entries in {copied.files} files, {head.size} in all in"
        f" {options.into}; the checkpoint is cosigned by {', '.join(who) or 'nobody'}"
    )
    return 0


def mirror(log: PublishedLog, copy: FileFiles, policy: TrustPolicy) -> Copied:
    """Bring the copy up to the log's checkpoint. Raises RefusedError and LogUnreadableError; then the copy stays."""
    with copy.lock("turn"):
        copy.clear()
        trusted, note = _judged(required(log, CHECKPOINT), policy)
        (old, own), new = _own(copy, policy), trusted.checkpoint
        if old.size and old.origin != new.origin:
            raise RefusedError("LOG_CHECKPOINT", f"The copy is one of {old.origin}, this log is {new.origin}.")
        if old.size and new.size <= old.size:
            _require_beginning(old, own, new, copy, note)
        tiles: dict[str, bytes] = {}

        def read(tile: Tile) -> bytes:
            tiles[tile.path()] = content = log.get_tile(tile)
            return content

        try:
            check = LogCheck(new.size, new.root, read)
            extends = check.begins_with(old.size, old.root)
        except TileError as error:
            raise RefusedError("LOG_FILE_WRONG", f"{error} The files are those of {log.name}.") from error
        if not extends:
            raise _forked(old, new, copy, {CHECKPOINT: note, **tiles})
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


def _judged(note: bytes, policy: TrustPolicy) -> tuple[Trusted, bytes]:
    """The log's checkpoint, and its note with nothing but the signatures that were judged."""
    try:
        content = note.decode()
        trusted, read = policy.judge(content), Note.parse(content)
        keys = [key for key in policy.logs if key.name == trusted.checkpoint.origin]
        own = next(line for key in keys for line in read.signatures if line.is_of(key))
        kept = {own, *(one.signature for one in trusted.cosignatures)}
        judged = Note(read.text, tuple(line for line in dict.fromkeys(read.signatures) if line in kept)).content()
        return policy.judge(judged, strict=True), judged.encode()
    except (CheckpointError, UnicodeDecodeError) as error:
        raise RefusedError("LOG_CHECKPOINT", f"The log's checkpoint is refused. {error}") from error


def _own(copy: FileFiles, policy: TrustPolicy) -> tuple[Checkpoint, LogCheck]:
    """The checkpoint up to which the copy is complete, signed by a pinned log, and the check of the copy's own files.

    Of its witnesses nothing is asked: the quorum may be another than it was then.
    """

    def read(tile: Tile) -> bytes | None:
        return copy.get_all([tile.path()])[0]

    (note,) = copy.get_all([CHECKPOINT])
    if note is None:
        return _NOTHING, LogCheck(0, _NOTHING.root, read)
    try:
        old = TrustPolicy(policy.logs).judge(note.decode()).checkpoint
        return old, LogCheck(old.size, old.root, read)
    except (CheckpointError, TileError, UnicodeDecodeError) as error:
        raise RefusedError("COPY_DAMAGED", f"The copy is no longer what it was. {error}") from error


def _require_beginning(old: Checkpoint, own: LogCheck, new: Checkpoint, copy: FileFiles, note: bytes) -> None:
    """Refuse a log that is not longer than the copy, unless it is the same."""
    try:
        is_beginning = own.begins_with(new.size, new.root)
    except TileError as error:
        raise RefusedError("COPY_DAMAGED", f"The copy is no longer what it was. {error}") from error
    if not is_beginning:
        raise _forked(old, new, copy, {CHECKPOINT: note})
    if new.size < old.size:
        raise RefusedError(
            "LOG_SHRUNK",
            f"The log answers with {new.size} entries, the copy has {old.size} of it. An answer out of a cache is gone"
            " in a minute; a log that stays so was set back.",
        )


def _forked(old: Checkpoint, new: Checkpoint, copy: FileFiles, proof: Mapping[str, bytes]) -> RefusedError:
    """Keep what proves it, laid out as a log, and say so."""
    kept = f"refused/{new.size}-{new.root.hex()[:16]}"
    for path, content in proof.items():
        copy.put(f"{kept}/{path}", content)
    return RefusedError(
        "LOG_FORKED",
        f"The log of {new.size} entries and the copy's of {old.size} are not one. What it showed is kept in {kept}:"
        f" together with the copy's own {CHECKPOINT} and tiles it proves that the log was forked.",
    )


if __name__ == "__main__":
    sys.exit(main())
