"""Explores what may go wrong: every single fault, every pair, and seeded random schedules of several workers.

A schedule is named by its coordinates (scenario and faults) or by its seed; either runs it again, exactly.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from effects import KINDS, CrashError, Fault, Seam
from greenlet import getcurrent, greenlet
from outside_world import SCENARIOS, Scenario, World
from promises import PROMISES

from rongtong.domain.errors import RongTongError

_REQUESTS_MAX = 6
_STEPS_MAX = 4_000
_FAULTS_MAX = 5
Faults = tuple[tuple[int, Fault], ...]


@dataclass(frozen=True)
class Violation:
    """A promise that a schedule broke, and how to run the schedule again."""

    schedule: str
    promise: str
    message: str

    def __str__(self) -> str:
        return f"{self.promise.replace('_', ' ')}: {self.message}\n  run it again: {self.schedule}"


@dataclass
class Coverage:
    """How often each effect was made to go wrong in each way."""

    faulted: Counter[tuple[str, str]] = field(default_factory=Counter)
    schedules: int = 0
    violations: list[Violation] = field(default_factory=list)

    def add(self, other: Coverage) -> None:
        """Count another's with this one's."""
        self.faulted += other.faulted
        self.schedules += other.schedules
        self.violations += other.violations


def effects_of(scenario: Scenario, faults: Faults = ()) -> list[str]:
    """The effects of a run, in their order, up to the moment from which nothing goes wrong any more."""
    world = _world(scenario, faults)
    _in_order(world)
    return list(world.seam.effects)


def run_faults(scenario: Scenario, faults: Faults, coverage: Coverage) -> World:
    """Run a scenario in order with these faults, come to rest, check every promise."""
    world = _world(scenario, faults)
    _in_order(world)
    world.come_to_rest()
    named = ",".join(f"{at}:{fault.kind}:{fault.later}" for at, fault in faults)
    _check(world, f"--scenario {scenario.name!r} --faults {named!r}", coverage)
    return world


def single_faults(scenario: Scenario) -> Iterator[Faults]:
    """Each kind of fault at each effect; a delayed call arrives soon, later, or last of all."""
    for at, _ in enumerate(effects_of(scenario)):
        for kind in KINDS:
            yield from (((at, fault),) for fault in _variants(kind))


def pairs_of_faults(scenario: Scenario) -> Iterator[Faults]:
    """After each single fault each kind at each effect that follows it, as that fault lets them follow."""
    for at, _ in enumerate(effects_of(scenario)):
        for kind in KINDS:
            first = (at, Fault(kind))
            after = len(effects_of(scenario, (first,)))
            for then in range(at + 1, after):
                yield from ((first, (then, Fault(other))) for other in KINDS)


def run_seed(seed: int, coverage: Coverage) -> World:
    """A random schedule: two workers on one discount, notices in any order, a sweeper, up to five faults."""
    chance = random.Random(seed)
    random.seed(seed)
    scenario = chance.choice(SCENARIOS)
    world = World(scenario)
    left = [chance.randrange(_FAULTS_MAX + 1)]
    likely = chance.choice((0.02, 0.08, 0.3))

    def choose(ordinal: int, label: str) -> Fault | None:
        if left[0] and chance.random() < likely:
            left[0] -= 1
            return Fault(chance.choice(KINDS), later=chance.choice((1, 2, 3, 8, 20, 1_000_000)))
        return None

    world.seam.choose = choose
    _side_by_side(world, chance)
    world.come_to_rest()
    _check(world, f"--seed {seed}", coverage)
    return world


def _variants(kind: str) -> tuple[Fault, ...]:
    return (Fault(kind, 1), Fault(kind, 6), Fault(kind, 1_000_000)) if kind == "delay" else (Fault(kind),)


def _world(scenario: Scenario, faults: Faults) -> World:
    random.seed(0)
    wanted = dict(faults)
    return World(scenario, Seam(choose=lambda ordinal, label: wanted.get(ordinal)))


def _in_order(world: World) -> None:
    """One after the other: the partner, the execution, persons and the sweeper, the bank's notices."""
    for _ in range(_REQUESTS_MAX):
        if world.request():
            break
    for _ in range(20):
        while world.machines.began:
            world.carry_on(world.machines.began.pop(0))
        world.answer_persons()
        if world.reviewer_takes_time():
            world.clock.sleep(60)
            world.sweep()
        elif not world.machines.began:
            break
    for _ in range(_REQUESTS_MAX):
        if world.bank.notices:
            world.deliver_notice(0, keep=False)
    for _ in range(3):
        if not world.repay():
            break
        while world.machines.began:
            world.carry_on(world.machines.began.pop(0))
        while world.bank.notices:
            before = len(world.bank.notices)
            world.deliver_notice(0, keep=False)
            if len(world.bank.notices) == before:
                break


def _side_by_side(world: World, chance: random.Random) -> None:
    """Workers take turns at every call, as chance has it."""
    main = getcurrent()
    workers: list[greenlet] = []
    broken: list[BaseException] = []

    def switch() -> None:
        if getcurrent() is not main:
            main.switch()

    def spawn(act: Callable[[], object]) -> None:
        def life() -> None:
            try:
                act()
            except CrashError:
                pass
            except BaseException as error:
                broken.append(error)

        workers.append(greenlet(life, main))

    world.seam.switch = switch
    spawn(lambda: [world.request() for _ in range(chance.randint(1, 3))])
    others: list[Callable[[], None]] = [
        world.run_again,
        world.sweep,
        world.press_replay,
        world.answer_persons,
        world.repay,
        lambda: _notice(world, chance),
    ]
    for _ in range(_STEPS_MAX):
        for name in [*world.machines.began]:
            world.machines.began.remove(name)
            spawn(lambda name=name: world.carry_on(name))  # type: ignore[misc]
        if world.state() is not None and chance.random() < 0.03 and len(workers) < 5:
            spawn(chance.choice(others))
        workers[:] = [worker for worker in workers if not worker.dead]
        if broken:
            raise broken[0]
        if not workers:
            if chance.random() < 0.5:
                break
            spawn(chance.choice(others) if world.state() is not None else lambda: world.request())
        chance.choice(workers).switch()
    # Whoever is still at work then is dead: nobody heard of its end.
    for worker in workers:
        if not worker.dead:
            worker.throw()


def _notice(world: World, chance: random.Random) -> None:
    if world.bank.notices:
        world.deliver_notice(chance.randrange(len(world.bank.notices)), keep=chance.random() < 0.3)


def _check(world: World, schedule: str, coverage: Coverage) -> None:
    coverage.schedules += 1
    for _, label, kind in world.seam.faulted:
        coverage.faulted[label, kind] += 1
    for promise in PROMISES:
        try:
            promise(world)
        except (AssertionError, RongTongError) as error:
            coverage.violations.append(Violation(schedule, promise.__name__, str(error)))
            return
