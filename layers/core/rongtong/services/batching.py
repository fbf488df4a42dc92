"""Many callers, one durable append: whoever comes while an append is under way shares the next one."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType


class WriterClosedError(RuntimeError):
    """The writer takes no more entries."""


class _Call:
    """One caller's entry, and what became of it. ``leads`` tells the caller to append the next batch itself."""

    __slots__ = ("entry", "error", "index", "leads", "woken")

    def __init__(self, entry: bytes) -> None:
        self.entry = entry
        self.index = -1
        self.error: BaseException | None = None
        self.leads = False
        self.woken = threading.Lock()
        self.woken.acquire()


class BatchingWriter:
    """Turns single entries of many threads into batches of at most ``most`` for an append that takes a list.

    There is no thread behind it: the caller who comes first appends whatever waits, and hands on to the one who has
    waited longest. ``append`` answers the index of the first entry of a batch and is never called twice at a time.
    Callers who come again as soon as they are answered would find themselves behind a batch of the first of them alone;
    so a batch waits up to ``gather_s`` seconds until as many are there as were in the last one.
    """

    def __init__(self, append: Callable[[list[bytes]], int], most: int = 256, gather_s: float = 0.002) -> None:
        self._append = append
        self._most = most
        self._gather_s = gather_s
        self._expected = 1
        self._waiting: deque[_Call] = deque()
        self._busy = False
        self._closed = False
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._gathered = threading.Condition(self._lock)

    def __enter__(self) -> BatchingWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def add(self, entry: bytes) -> int:
        """Append one entry and answer its index, when the batch that holds it is durable.

        Raises WriterClosedError, and whatever the append of this batch raised: then every caller of the batch hears it.
        """
        call = _Call(entry)
        with self._lock:
            if self._closed:
                raise WriterClosedError("The writer is closed.")
            self._waiting.append(call)
            call.leads = not self._busy
            self._busy = True
            if len(self._waiting) == self._expected:
                self._gathered.notify_all()
        self._wait(call)
        if call.leads:
            self._lead()
        if call.error is not None:
            raise call.error
        return call.index

    def close(self) -> None:
        """Take no more entries; returns when every entry that was taken is answered."""
        with self._idle:
            self._closed = True
            self._idle.wait_for(lambda: not self._busy)

    def _wait(self, call: _Call) -> None:
        """Until the call is answered, or is to lead and has given others the time to come."""
        try:
            if not call.leads:
                call.woken.acquire()
            if call.leads:
                with self._gathered:
                    self._gathered.wait_for(lambda: len(self._waiting) >= self._expected, self._gather_s)
        except BaseException:
            # The caller is interrupted: its entry is withdrawn if no batch has it yet, and its turn goes on.
            with self._lock:
                if call in self._waiting:
                    self._waiting.remove(call)
                if call.leads:
                    self._hand_on()
            raise

    def _lead(self) -> None:
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
            self._expected = len(batch)
        first, failure = 0, None
        try:
            first = self._append([call.entry for call in batch])
        except BaseException as error:
            failure = error
        for index, call in enumerate(batch, start=first):
            call.index, call.error = index, failure
            call.woken.release()
        with self._lock:
            self._hand_on()

    def _hand_on(self) -> None:
        """Let the one who has waited longest lead; the lock is held."""
        self._busy = bool(self._waiting)
        if self._busy:
            self._waiting[0].leads = True
            self._waiting[0].woken.release()
        else:
            self._idle.notify_all()
