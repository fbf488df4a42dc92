"""What all calls have in common: documents in and out, pages, waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import quote

from rongtong_client.errors import NotDoneError
from rongtong_client.transport import Patience, Transport

_POLL_S, _POLL_MAX_S = 0.3, 3.0
Query = Mapping[str, str | int | None]
Found = TypeVar("Found")


class Calls:
    """One key's calls."""

    def __init__(
        self,
        base_url: str,
        key_id: str,
        private_key_pem: str | bytes,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises ValueError for a key of another kind, or a base URL that is neither https nor this machine's own."""
        self._transport = Transport(base_url, key_id, private_key_pem, patience or Patience(), sleep)
        self._clock = clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _get(self, path: str, query: Query | None = None) -> Any:
        return self._transport.send("GET", path, query=query).json()

    def _post(self, path: str, body: object | None, key: str | None, if_match: str | None = None) -> Any:
        return self._transport.send("POST", path, body=body, idempotency_key=key, if_match=if_match).json()

    def _pages(self, path: str, name: str, query: Query) -> Iterator[Any]:
        """What the pages hold; one may be empty and yet have a next one."""
        cursor: str | None = None
        while True:
            page = self._get(path, {**query, "cursor": cursor})
            yield from page[name]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def _until(self, read: Callable[[], Found], ready: Callable[[Found], bool], timeout_s: float) -> Found:
        deadline, pause = self._clock() + timeout_s, _POLL_S
        while not ready(found := read()):
            if self._clock() + pause > deadline:
                raise NotDoneError(f"Not done in {timeout_s:.0f} s; it goes on.")
            self._transport.pause(pause)
            pause = min(pause * 1.5, _POLL_MAX_S)
        return found


def path_of(*parts: str) -> str:
    """A path of a route's beginning and of ids and names, which are quoted."""
    first, *ids = parts
    return "/".join([first, *(quote(part, safe="") for part in ids)])
