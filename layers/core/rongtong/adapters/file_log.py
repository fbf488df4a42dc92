"""A whole log in a folder: entries, tiles and a signed head, with no service beside it.

Order of an append: stage the batch at the log's size, lay the tiles, sign, move the head, each step durable before the
next. Writers take turns by a lock on the folder, which the system takes from one that dies. The batch that it leaves at
the log's size is finished by the next writer, whose own one follows: what may have been laid of it is never laid anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rongtong.adapters.log_folder import Disk, FileFiles
from rongtong.domain.checkpoint import CheckpointError, open_checkpoint
from rongtong.domain.note import VerifierKey
from rongtong.domain.tiles import WIDTH, Edge, Tile, edge_tiles, tile_of
from rongtong.services.context import LogSigner
from rongtong.services.errors import LogDamagedError
from rongtong.services.tile_log import Batch, edge_at, lay, sign_head, stage, staged

HEAD = "head"
ENTRY_BYTES_MAX = 65_535
_STAGING = "staging/"
_TURN = "turn"


class FileLog:
    """A log that is appended to by any number of threads and processes on one machine."""

    def __init__(self, folder: Path, signer: LogSigner, origin: str, disk: Disk | None = None) -> None:
        self.files = FileFiles(folder, disk)
        self._signer = signer
        self._origin = origin
        self._key = VerifierKey(origin, signer.public_key())
        self._known: tuple[bytes | None, Edge] = (None, Edge())
        with self.files.lock(_TURN):
            self.files.clear()
            self._forget_passed()

    def append(self, entries: Sequence[bytes]) -> int:
        """Append a batch of leaf data and answer the index of its first entry; it is durable then.

        Raises ValueError for an empty batch or an entry of more than 65,535 bytes, LogDamagedError. After an OSError
        nobody knows: if the batch was staged, the next append puts it into the log before its own.
        """
        if not entries or any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
            raise ValueError("A batch has an entry at least, and no entry of more than 65,535 bytes.")
        batch = Batch(tuple(entries))
        with self.files.lock(_TURN):
            while True:
                edge = self._edge()
                if stage(self.files, edge.size, batch):
                    self._publish(edge, batch)
                    return edge.size
                self._publish(edge, staged(self.files, edge.size))

    def checkpoint(self) -> str | None:
        """The newest checkpoint that the log signed, None while it is empty."""
        head = self._head()
        return None if head is None else head.decode()

    def _publish(self, edge: Edge, batch: Batch) -> None:
        grown = lay(self.files, edge, batch)
        note = sign_head(self._signer, self._origin, grown.size, grown.root()).encode()
        if self._size() != edge.size:
            raise LogDamagedError("The log's head was moved by somebody who does not wait for the folder's lock.")
        self.files.put(HEAD, note)
        self._known = (note, grown)
        self._forget_passed()
        for tile in edge_tiles(edge.size):
            if tile_of(tile.level, tile.index, grown.size).width == WIDTH:
                # Its full tile is there now, which holds what any partial one held.
                self.files.delete_folder(Tile(tile.level, tile.index).path() + ".p")

    def _forget_passed(self) -> None:
        size = self._size()
        for path in self.files.names(_STAGING):
            if int(path.removeprefix(_STAGING)) < size:
                self.files.delete(path)

    def _edge(self) -> Edge:
        head = self._head()
        if head is None:
            return Edge()
        if head == self._known[0]:
            return self._known[1]
        try:
            checkpoint = open_checkpoint(head.decode(), self._key)
        except (CheckpointError, UnicodeDecodeError) as error:
            raise LogDamagedError(f"The log's head is wrong: {error}") from error
        edge = edge_at(self.files, checkpoint.size)
        if edge.root() != checkpoint.root:
            raise LogDamagedError("The log's tiles at its end do not lead to the root of its head; look at them first.")
        self._known = (head, edge)
        return edge

    def _head(self) -> bytes | None:
        (head,) = self.files.get_all([HEAD])
        return head

    def _size(self) -> int:
        head = self._head()
        return 0 if head is None else int(head.split(b"\n", 2)[1])
