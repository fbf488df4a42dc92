"""A published log (C2SP tlog-tiles) as the verifier reads it: below a URL, or in a folder that mirrors it."""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from http.client import HTTPException, IncompleteRead, InvalidURL
from pathlib import Path
from typing import Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from rongtong.domain.tiles import WIDTH, Tile, TileError, bundle, split_bundle, split_tile

_HASH_BYTES = 32
_TILE_BYTES_MAX = WIDTH * _HASH_BYTES
_FILE_BYTES_MAX = WIDTH * (2 + 65_535)
"""The largest bundle that the format allows."""
_READERS = 16
_AHEAD = 4 * _READERS
_ATTEMPTS = 3
_TIMEOUT_S = 30
_MISSING = (403, 404, 410)
"""S3 answers 403 for a missing object to whoever may not list the bucket."""
_HEADERS = {"Accept": "application/octet-stream", "Accept-Encoding": "gzip, identity"}
"""An API gateway answers bytes only to whoever asks for this type first."""
_GZIP = 16 + zlib.MAX_WBITS


class LogUnreadableError(ValueError):
    """A file of the log cannot be read; the text says which and why."""

    code = "LOG_UNREADABLE"


class PublishedLog(Protocol):
    """Files of a log, by their path below its prefix."""

    name: str

    def get(self, path: str) -> bytes | None:
        """The file, None if there is none. Raises LogUnreadableError."""

    def get_tile(self, tile: Tile) -> bytes:
        """A tile or bundle. Raises LogUnreadableError."""

    def get_all(self, tiles: Iterable[Tile]) -> Iterator[bytes]:
        """Tiles and bundles in the order asked for. Raises LogUnreadableError."""


def open_log(place: str) -> PublishedLog:
    """The log below an ``http(s)://`` prefix or in a folder."""
    return LogAtUrl(place) if place.startswith(("http://", "https://")) else LogInFolder(Path(place))


def required(log: PublishedLog, path: str) -> bytes:
    """The file. Raises LogUnreadableError, also where there is none."""
    content = log.get(path)
    if content is None:
        raise LogUnreadableError(f"There is no {path} in {log.name}.")
    return content


class LogInFolder:
    """A mirror of the log on disk."""

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def get(self, path: str) -> bytes | None:
        """The file, None if there is none. Raises LogUnreadableError."""
        try:
            return (self._folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LogUnreadableError(f"{path} in {self.name} cannot be read: {error.strerror}.") from error

    def get_tile(self, tile: Tile) -> bytes:
        """A tile or bundle, cut out of the full one where that replaced it. Raises LogUnreadableError."""
        return _cut(self, tile)

    def get_all(self, tiles: Iterable[Tile]) -> Iterator[bytes]:
        """Tiles and bundles in the order asked for. Raises LogUnreadableError."""
        return map(self.get_tile, tiles)


class LogAtUrl:
    """The log as it is published over HTTP."""

    def __init__(self, prefix: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.name = prefix.rstrip("/")
        self._sleep = sleep

    def get(self, path: str) -> bytes | None:
        """The file, None if there is none. Raises LogUnreadableError after three attempts."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._fetch(path)
            except HTTPError as error:
                if error.code in _MISSING:
                    return None
                reason = f"the answer was {error.code}"
            except (InvalidURL, ValueError) as error:
                raise LogUnreadableError(f"{self.name} is no URL that can be asked: {error}.") from error
            except (OSError, HTTPException, zlib.error) as error:
                reason = str(error).strip() or type(error).__name__
            if attempt < _ATTEMPTS:
                self._sleep(attempt)
        raise LogUnreadableError(f"{path} below {self.name} cannot be read: {reason}.")

    def get_tile(self, tile: Tile) -> bytes:
        """A tile or bundle, cut out of the full one where that replaced it. Raises LogUnreadableError."""
        return _cut(self, tile)

    def get_all(self, tiles: Iterable[Tile]) -> Iterator[bytes]:
        """Tiles and bundles in the order asked for, some of them fetched ahead. Raises LogUnreadableError."""
        with ThreadPoolExecutor(_READERS) as pool:
            under_way: deque[Future[bytes]] = deque()
            try:
                for tile in tiles:
                    under_way.append(pool.submit(self.get_tile, tile))
                    if len(under_way) == _AHEAD:
                        yield under_way.popleft().result()
                while under_way:
                    yield under_way.popleft().result()
            finally:
                for fetch in under_way:
                    fetch.cancel()

    def _fetch(self, path: str) -> bytes:
        request = Request(f"{self.name}/{path}", headers=_HEADERS)  # noqa: S310 see open_log
        bytes_max = _TILE_BYTES_MAX if _is_hashes(path) else _FILE_BYTES_MAX
        with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310  # http and https only  # nosec B310
            # What does not compress is a little longer compressed.
            content: bytes = answer.read(2 * bytes_max)
            if answer.length and len(content) < 2 * bytes_max:
                # Reading up to a limit does not tell that the connection was cut.
                raise IncompleteRead(content, answer.length)
            is_cut = False
            if answer.headers.get("Content-Encoding") == "gzip":
                unpacker = zlib.decompressobj(_GZIP)
                content = unpacker.decompress(content, bytes_max + 1)
                is_cut = not unpacker.eof
        if len(content) > bytes_max:
            raise OSError("it is larger than any such file of a log")
        if is_cut:
            raise OSError("its compressed form was cut off")
        return content


def _is_hashes(path: str) -> bool:
    return path.startswith("tile/") and not path.startswith("tile/entries/")


def _cut(log: PublishedLog, tile: Tile) -> bytes:
    """A log may drop a partial file once the full one is there (tlog-tiles, partial tiles)."""
    content = log.get(tile.path())
    if content is not None:
        return content
    full = Tile(tile.level, tile.index)
    content = log.get(full.path()) if tile.width < WIDTH else None
    if content is None:
        raise LogUnreadableError(f"There is no {tile.path()} in {log.name}.")
    try:
        if tile.level is None:
            return bundle(split_bundle(full, content)[: tile.width])
        return b"".join(split_tile(full, content)[: tile.width])
    except TileError as error:
        raise LogUnreadableError(f"There is no {tile.path()} in {log.name}, and {error}") from error
