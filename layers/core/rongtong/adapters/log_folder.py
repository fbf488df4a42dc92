"""The evidence log's files in a folder of a POSIX file system, durable and safe for several threads and processes."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from rongtong.services.errors import LogDamagedError

_TEMPORARY = ".tmp"
_NAMES_MAX = 1000


class Disk:
    """What is asked of the operating system, call by call: between two of them a process may die."""

    def write(self, place: Path, content: bytes) -> None:
        """Make a new file; its content is durable, its name is not yet."""
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def link(self, source: Path, place: Path) -> bool:
        """Give a file a second name; False where that name is taken. Raises FileNotFoundError."""
        try:
            os.link(source, place)
        except FileExistsError:
            return False
        return True

    def rename(self, source: Path, place: Path) -> None:
        """Give a file another name, which from now on names this file alone."""
        source.replace(place)

    def remove(self, place: Path) -> None:
        """Take a name away, if it is there."""
        place.unlink(missing_ok=True)

    def read(self, place: Path) -> bytes | None:
        """A file's content, None where there is no such file."""
        try:
            return place.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def make_folder(self, place: Path) -> None:
        """Make a folder and those above it, where they are not there."""
        place.mkdir(parents=True, exist_ok=True)

    def remove_folder(self, place: Path) -> None:
        """Remove an empty folder; any other stays."""
        with suppress(OSError):
            place.rmdir()

    def sync_folder(self, place: Path) -> None:
        """Make the names in a folder durable."""
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def listed(self, place: Path) -> list[tuple[str, bool]]:
        """The names in a folder and whether each is a folder; none where there is no such folder."""
        try:
            with os.scandir(place) as found:
                return [(entry.name, entry.is_dir()) for entry in found]
        except (FileNotFoundError, NotADirectoryError):
            return []

    @contextmanager
    def _flocked(self, place: Path) -> Iterator[None]:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def lock(self, place: Path) -> AbstractContextManager[None]:
        """Hold a lock alone among threads and processes; the system frees it when its holder dies."""
        return self._flocked(place)


class FileFiles:
    """LogFiles in a folder. What is written is durable when the call returns: the content, its name, its folders.

    Every file is complete from the moment that its name is there. Paths are relative, with no part that begins with a
    dot; others raise ValueError. A full disk and the like raise OSError: then only reading tells what was done.
    """

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._root = folder
        self._disk = disk or Disk()
        self._durable: set[Path] = set()
        self._folder(folder / _TEMPORARY)
        self._disk.sync_folder(folder.parent)

    def create(self, path: str, content: bytes) -> bool:
        """Write a file that must not be there yet; False where one is, whatever it holds."""
        return not self._create({path: content})

    def create_all(self, files: Mapping[str, bytes]) -> None:
        """Write files; one that is there already must hold the same. Raises LogDamagedError."""
        for path in self._create(files):
            if self._disk.read(self._place(path)) != files[path]:
                raise LogDamagedError(f"The log's {path} holds something else than its writers laid; look at it first.")

    def get_all(self, paths: Sequence[str]) -> list[bytes | None]:
        """The files' contents in the order asked for, None for one that is not there."""
        return [self._disk.read(self._place(path)) for path in paths]

    def put(self, path: str, content: bytes) -> None:
        """Write a file, or replace it: a reader finds the old content or the new, never a part."""
        place = self._place(path)
        self._folder(place.parent)
        with self._temporary(content) as source:
            self._disk.rename(source, place)
        self._disk.sync_folder(place.parent)

    def names(self, prefix: str) -> list[str]:
        """Paths that begin so, at most 1,000 of them, in order."""
        found: list[str] = []
        head = prefix.rpartition("/")[0]
        for path in self._walk(f"{head}/" if head else "", prefix):
            if len(found) == _NAMES_MAX:
                break
            found.append(path)
        return found

    def delete(self, path: str) -> None:
        """Remove a file, if it is there; a power failure may bring it back."""
        self._disk.remove(self._place(path))

    def delete_folder(self, path: str) -> None:
        """Remove a folder's files, and it, if it is there; folders in it stay."""
        place = self._place(path)
        self._durable.discard(place)
        for name, is_folder in self._disk.listed(place):
            if not is_folder:
                self._disk.remove(place / name)
        self._disk.remove_folder(place)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold one of the folder's locks alone, among threads and processes; not twice in one thread."""
        return self._disk.lock(self._root / f".{name}")

    def clear(self) -> None:
        """Remove what writers that died left half written. Only for who keeps all others from writing."""
        for name, _ in self._disk.listed(self._root / _TEMPORARY):
            self._disk.remove(self._root / _TEMPORARY / name)

    def _create(self, files: Mapping[str, bytes]) -> list[str]:
        """Write the files whose names are free; the paths of the others, whose names are durable then as well."""
        taken, folders = [], set()
        for path, content in files.items():
            place = self._place(path)
            self._folder(place.parent)
            folders.add(place.parent)
            with self._temporary(content) as source:
                if not self._link(source, place):
                    taken.append(path)
        for folder in sorted(folders):
            self._disk.sync_folder(folder)
        return taken

    def _link(self, source: Path, place: Path) -> bool:
        try:
            return self._disk.link(source, place)
        except FileNotFoundError:
            # Another process has just removed the folder, which was empty.
            self._durable.discard(place.parent)
            self._folder(place.parent)
            return self._disk.link(source, place)

    @contextmanager
    def _temporary(self, content: bytes) -> Iterator[Path]:
        place = self._root / _TEMPORARY / secrets.token_hex(8)
        try:
            self._disk.write(place, content)
            yield place
        finally:
            self._disk.remove(place)

    def _folder(self, place: Path) -> None:
        """Make a folder that a power failure does not take away; one that is there may not be durable yet."""
        if place in self._durable:
            return
        self._disk.make_folder(place)
        above = place
        while above != self._root:
            above = above.parent
            self._disk.sync_folder(above)
        self._durable.add(place)

    def _place(self, path: str) -> Path:
        parts = path.split("/")
        if not all(parts) or any(part.startswith(".") for part in parts):
            raise ValueError(f"{path!r} is no path below the folder.")
        return self._root.joinpath(*parts)

    def _walk(self, above: str, prefix: str) -> Iterable[str]:
        listed = self._disk.listed(self._root / above)
        # A folder is where its files' paths are: "000.p/1" comes before "000/1", and both behind "000".
        for name in sorted(name + "/" * is_folder for name, is_folder in listed if not name.startswith(".")):
            path = above + name
            if name.endswith("/") and (path.startswith(prefix) or prefix.startswith(path)):
                yield from self._walk(path, prefix)
            elif path.startswith(prefix):
                yield path
