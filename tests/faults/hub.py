"""Workers side by side on virtual time: which one goes on is the schedule's choice, and so everything can be repeated.

A worker runs until it pauses (before every call that leaves a use case), sleeps, waits or ends. Nothing else interrupts
it: a call outside is one step, as a conditional write or a request is one step at whoever serves it.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from greenlet import greenlet, getcurrent

_STEP_S = 0.005
"""How long a call outside takes when nothing is wrong with it."""


class NeverEndsError(BaseException):
    """The schedule made so many steps that something must be going round and round."""


class Worker:
    """One process, or one request that is being served."""

    def __init__(self, name: str, job: Callable[[], Any]) -> None:
        self.name = name
        self.done = False
        self.answer: Any = None
        self.error: BaseException | None = None
        self.greenlet = greenlet(lambda: self._run(job))

    def _run(self, job: Callable[[], Any]) -> None:
        try:
            self.answer = job()
        except NeverEndsError:
            raise
        except BaseException as error:
            self.error = error
        self.done = True


class Timer:
    """Something that happens at an instant, unless it was cancelled."""

    __slots__ = ("action", "cancelled")

    def __init__(self, action: Callable[[], Any]) -> None:
        self.action, self.cancelled = action, False


class Hub:
    """Runs workers and timers. ``stay`` is how likely a worker goes on after a pause when others could."""

    def __init__(self, begin: datetime, rng: random.Random, *, stay: float = 1.0, steps_max: int = 20_000) -> None:
        self.begin, self.now_s, self.current = begin, 0.0, None
        self.next_visit: Callable[[], tuple[float, Callable[[], Any]] | None] = lambda: None
        """Asked when everybody sleeps: when somebody comes by, and what is done then."""
        self._rng, self._stay = rng, stay
        self._ready: list[Worker] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbered, self._steps, self._steps_max = 0, 0, steps_max
        self._main = getcurrent()

    current: Worker | None

    # ---- the clock port -----------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self.begin + timedelta(seconds=self.now_s)

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        if self.current is None:
            self.now_s += seconds
            return
        worker = self.current
        self.at(seconds, lambda: self._ready.append(worker))
        self._leave()

    # ---- what workers and those outside do ----------------------------------------------------------------------

    def spawn(self, name: str, job: Callable[[], Any]) -> Worker:
        """A worker that begins when it is its turn."""
        worker = Worker(name, job)
        self._ready.append(worker)
        return worker

    def at(self, seconds: float, action: Callable[[], Any]) -> Timer:
        """Let something happen in so many seconds."""
        timer = Timer(action)
        self._numbered += 1
        heapq.heappush(self._timers, (self.now_s + seconds, self._numbered, timer))
        return timer

    def pause(self) -> None:
        """Let time pass by one step, and others go first if the schedule says so."""
        self.now_s += _STEP_S
        self._happen()
        self._count()
        if self._ready and self.current is not None and self._rng.random() >= self._stay:
            self._ready.append(self.current)
            self._leave()

    def wait_for(self, holds: Callable[[], bool], timeout_s: float) -> bool:
        """Sleep until ``wake`` is called for this worker and the condition holds; False after ``timeout_s``."""
        worker, over = self.current, []
        assert worker is not None, "only workers wait"
        timer = self.at(timeout_s, lambda: (over.append(True), self.wake(worker)))
        while not holds() and not over:
            self._leave()
        timer.cancelled = True
        return holds()

    def wake(self, worker: Worker) -> None:
        """Let a worker that waits look again."""
        if worker is not self.current and worker not in self._ready and not worker.done:
            self._ready.append(worker)

    def run(self) -> None:
        """Go on until everybody has ended, or waits for what nobody is going to do."""
        while True:
            self._happen()
            if self._ready:
                self._turn()
                continue
            while self._timers and self._timers[0][2].cancelled:
                heapq.heappop(self._timers)
            visit = self.next_visit()
            if visit is not None and (not self._timers or visit[0] <= self._timers[0][0]):
                self.now_s = max(self.now_s, visit[0])
                visit[1]()
            elif self._timers:
                self.now_s = max(self.now_s, self._timers[0][0])
            else:
                return

    def busy(self) -> bool:
        """Whether anything is going to happen by itself."""
        return bool(self._ready) or any(not timer.cancelled for _, _, timer in self._timers)

    def _turn(self) -> None:
        at = self._rng.randrange(len(self._ready)) if self._stay < 1.0 else 0
        worker = self._ready.pop(at)
        self.current = worker
        worker.greenlet.switch()
        self.current = None

    def _leave(self) -> None:
        worker = self.current
        self._main.switch()
        self.current = worker

    def _happen(self) -> None:
        while self._timers and self._timers[0][0] <= self.now_s:
            _, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                timer.action()

    def _count(self) -> None:
        self._steps += 1
        if self._steps > self._steps_max:
            raise NeverEndsError(f"{self._steps} steps")


def ignoring(call: Callable[[], Any]) -> None:
    """Do what nobody hears the answer of."""
    with suppress(Exception):
        call()
