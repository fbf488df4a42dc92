"""A disk in memory that forgets what was not made durable, and processes on it that may die between any two calls."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from greenlet import getcurrent

from rongtong.adapters.log_folder import Disk


class ProcessDiedError(BaseException):
    """The process ends here: nothing of it runs any more, no clearing up either."""


@dataclass
class Folder:
    """Names as processes see them, and as a power failure leaves them; a name is of a file or of a folder."""

    now: dict[str, bytes | Folder] = field(default_factory=dict)
    durable: dict[str, bytes | Folder] = field(default_factory=dict)

    def lose_power(self, chance: random.Random) -> None:
        """Of a name that was not made durable, either what it was or what it was to be is left, as chance has it."""
        left = {}
        for name in sorted({*self.now, *self.durable}):
            state = chance.choice((self.now, self.durable))
            if name in state:
                left[name] = state[name]
        self.now, self.durable = left, dict(left)
        for found in left.values():
            if isinstance(found, Folder):
                found.lose_power(chance)


class MemoryDisk(Disk):
    """``before`` and ``after`` are told every call by its name, and may raise or let others run in their turn."""

    def __init__(self) -> None:
        self.root = Folder()
        self.before: Callable[[str], None] = lambda call: None
        self.after: Callable[[str], None] = lambda call: None
        self.wait: Callable[[], None] = lambda: None
        self.heads: list[bytes] = []
        """Every head that a process could ever see."""
        self._locks: dict[Path, object] = {}
        self._dead: set[object] = set()

    def lose_power(self, chance: random.Random, processes: Iterable[object] = ()) -> None:
        """All these processes die, and what was not durable is lost or not."""
        self._dead.update(processes)
        self.root.lose_power(chance)
        self._locks.clear()

    def kill(self) -> None:
        """The process that runs now dies; the system frees its locks."""
        dead = getcurrent()
        self._dead.add(dead)
        self._locks = {place: holder for place, holder in self._locks.items() if holder is not dead}
        raise ProcessDiedError

    def bury(self) -> None:
        """Whoever runs now is another process than those that died."""
        self._dead.clear()

    @contextmanager
    def _call(self, name: str) -> Iterator[None]:
        if getcurrent() in self._dead:
            raise ProcessDiedError
        self.before(name)
        yield
        self.after(name)

    def write(self, place: Path, content: bytes) -> None:
        with self._call("write"):
            self._folder(place.parent).now[place.name] = bytes(content)

    def link(self, source: Path, place: Path) -> bool:
        with self._call(f"link {self._kind(place)}"):
            content, names = self._folder(source.parent).now[source.name], self._folder(place.parent).now
            new = place.name not in names
            names.setdefault(place.name, content)
        return new

    def rename(self, source: Path, place: Path) -> None:
        with self._call(f"rename {self._kind(place)}"):
            content = self._folder(source.parent).now.pop(source.name)
            assert isinstance(content, bytes)
            self._folder(place.parent).now[place.name] = content
            self.heads.append(content)

    def remove(self, place: Path) -> None:
        with self._call("remove"):
            self._folder(place.parent).now.pop(place.name, None)

    def read(self, place: Path) -> bytes | None:
        with self._call("read"):
            found = self._find(place)
        return found if isinstance(found, bytes) else None

    def make_folder(self, place: Path) -> None:
        with self._call("make folder"):
            found = self.root
            for part in place.parts:
                child = found.now.setdefault(part, Folder())
                assert isinstance(child, Folder)
                found = child

    def remove_folder(self, place: Path) -> None:
        with self._call("remove folder"):
            found = self._find(place)
            if isinstance(found, Folder) and not found.now:
                del self._folder(place.parent).now[place.name]

    def sync_folder(self, place: Path) -> None:
        with self._call("sync folder"):
            folder = self._folder(place)
            folder.durable = dict(folder.now)

    def listed(self, place: Path) -> list[tuple[str, bool]]:
        with self._call("list"):
            found = self._find(place)
        return [(name, isinstance(one, Folder)) for name, one in found.now.items()] if isinstance(found, Folder) else []

    @contextmanager
    def lock(self, place: Path) -> Iterator[None]:
        try:
            with self._call("lock"):
                while place in self._locks:
                    self.wait()
                self._locks[place] = getcurrent()
            yield
        finally:
            if self._locks.get(place) is getcurrent():
                del self._locks[place]

    def _kind(self, place: Path) -> str:
        return next((part for part in place.parts if part in ("staging", "tile")), place.name)

    def _find(self, place: Path) -> bytes | Folder | None:
        found: bytes | Folder | None = self.root
        for part in place.parts:
            found = found.now.get(part) if isinstance(found, Folder) else None
        return found

    def _folder(self, place: Path) -> Folder:
        found = self._find(place)
        if not isinstance(found, Folder):
            raise FileNotFoundError(place)
        return found
