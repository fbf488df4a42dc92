"""Writers of the evidence log side by side, stopped anywhere: it never forks, and holds every leaf once."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import replace

import pytest
from effects import KINDS, CrashError, Fault, Seam
from greenlet import GreenletExit, getcurrent, greenlet

from fakes import FixedClock, MemoryFiles, MemoryStore, make_context
from rongtong.domain.checkpoint import open_checkpoint
from rongtong.domain.merkle import leaf_hash, root
from rongtong.domain.note import VerifierKey
from rongtong.domain.tiles import Edge, all_tiles
from rongtong.services import evidence_log
from rongtong.services.records import change_writes, first_writes
from rongtong.services.tile_log import staged

SCHEDULES = 1_000
"""``python tests/faults/test_log_writers.py 10000`` runs more; `make faults` does."""
_STEPS_MAX = 3_000


class World:
    """A log, some aggregates with events, and writers behind the seam."""

    def __init__(self, seam: Seam, aggregates: int = 2) -> None:
        self.seam, self.store, self.files, self.heads = seam, MemoryStore(), MemoryFiles(), []
        self.clock = _Clock(seam)
        self.quiet = make_context(store=self.store, files=self.files, clock=self.clock)
        self.key = VerifierKey(self.quiet.log_origin, self.quiet.log_signer.public_key())
        self.context = replace(
            self.quiet,
            store=seam.wrap("store", self.store),
            files=seam.wrap("files", self.files),
            log_signer=seam.wrap("log_signer", self.quiet.log_signer),
        )
        self.store.after_write = self._watch
        self.pks = [f"change#{number}" for number in range(aggregates)]
        for pk in self.pks:
            at = self.clock.now()
            self.store.transact(first_writes(pk, "change_id", pk, {"change_id": pk}, "Happened", at, {}))
            self.happen(pk)

    def happen(self, pk: str) -> None:
        """One more event of the aggregate."""
        item = self.store.items[pk, "state"]
        self.store.transact(change_writes(item, "change_id", {}, "HappenedAgain", self.clock.now(), {}))

    def write(self, pk: str) -> None:
        """A writer appends what the aggregate has not logged."""
        item = self.context.store.get(pk, "state")
        try:
            evidence_log.append_pending(self.context, item)
        except CrashError:
            raise
        except Exception:
            return

    def come_to_rest(self) -> None:
        """Nothing goes wrong any more: what was delayed arrives, and each task is run again; one event follows."""
        self.seam.calm, self.seam.switch = True, lambda: None
        self.seam.let_all_delayed_happen()
        for pk in self.pks:
            self.write(pk)
        self.happen(self.pks[0])
        # Two writers that meet take what waits along: what lies there from before must not come in again.
        blocked = self.files.create(f"staging/{self._size():012d}", _alien(self))
        assert blocked
        self.pks.append("change#alien")
        for pk in self.pks[:-1]:
            self.write(pk)

    def check(self) -> None:
        """One tree, every event in it once, every note of a place true, every head a beginning of the last one."""
        entries, size = [], self._size()
        while len(entries) < size:
            entries += staged(self.files, len(entries)).entries
        hashes = [leaf_hash(entry) for entry in entries]
        for note in self.heads:
            opened = open_checkpoint(note, self.key)
            assert opened.root == root(hashes[: opened.size]), "a head that was signed is no beginning of the log"
        sizes = [open_checkpoint(note, self.key).size for note in self.heads]
        assert sizes == sorted(set(sizes)), "the head went back"
        happened = [evidence_log.leaf_of(item.body) for item in self.store.items.values() if "event" in item.body]
        assert Counter(entries) == Counter(happened), "a leaf is lost, doubled or alien"
        for pk in self.pks[:-1]:
            item = self.store.items[pk, "state"]
            assert not evidence_log.pending(item), "an event is not noted"
            places = [at for first, count in item.body["logged"] for at in range(first, first + count)]
            own = [evidence_log.leaf_of(one.body) for one in self.store.query(pk, "event#")]
            assert [entries[at] for at in places] == own, "an aggregate points at others' leaves"
        _, files = Edge().extended(entries)
        for tile in all_tiles(size):
            assert self.files.files[tile.path()] == files[tile.path()], f"{tile.path()} is not the tree's"
        assert self.files.names("pending/") == [], "something is left lying"

    def _size(self) -> int:
        head = evidence_log.head_of(self.quiet)
        return 0 if head is None else head.body["size"]

    def _watch(self, writes) -> None:
        self.heads += [write.body["note"] for write in writes if (write.pk, write.sk) == ("log", "head")]


class _Clock(FixedClock):
    def __init__(self, seam: Seam) -> None:
        super().__init__()
        self._seam = seam

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._seam.switch()


def _alien(world: World) -> bytes:
    """A batch of another aggregate's, staged by a writer that died right after."""
    at = world.clock.now()
    world.store.transact(first_writes("change#alien", "change_id", "alien", {"change_id": "alien"}, "Happened", at, {}))
    entry = evidence_log.leaf_of(world.store.items["change#alien", "event#0001"].body)
    return evidence_log.Batch((entry,), (evidence_log.Subject("change#alien", 1, 1),)).encoded()


def _run(seam: Seam, chance: random.Random, writers: int, aggregates: int = 2) -> World:
    """Writers of some aggregates take turns at every call, as chance has it."""
    world = World(seam, aggregates)
    main, broken, alive = getcurrent(), [], []
    seam.switch = lambda: main.switch() if getcurrent() is not main else None
    for number in range(writers):
        pk = world.pks[number % aggregates]

        def life(pk: str = pk) -> None:
            try:
                world.write(pk)
            except (CrashError, GreenletExit):
                pass
            except BaseException as error:
                broken.append(error)

        alive.append(greenlet(life, main))
    for _ in range(_STEPS_MAX):
        alive = [one for one in alive if not one.dead]
        if not alive:
            break
        chance.choice(alive).switch()
        if chance.random() < 0.01:
            world.happen(world.pks[-1])
    for one in alive:
        one.throw()
    if broken:
        raise broken[0]
    world.come_to_rest()
    return world


def _one_writer(faults: dict[int, Fault]) -> World:
    random.seed(1)
    world = World(Seam(choose=lambda ordinal, label: faults.get(ordinal)))
    for pk in world.pks:
        try:
            world.write(pk)
        except CrashError:
            continue
    return world


EFFECTS = _one_writer({}).seam.effects
SINGLES = [(at, kind) for at in range(len(EFFECTS)) for kind in KINDS]


def test_an_append_has_these_effects_in_this_order():
    once = ["files.create pending", "files.create staging", "files.create_all tile", "log_signer.sign"]
    once += ["store.transact log head", "store.transact change state", "files.delete pending"]
    assert once * 2 == EFFECTS


@pytest.mark.parametrize(("at", "kind"), SINGLES)
def test_whatever_goes_wrong_once_and_then_at_any_later_step_the_log_is_whole(at, kind):
    for then in range(at, len(EFFECTS) + 6):
        for other in KINDS:
            world = _one_writer({then: Fault(other, later=2), at: Fault(kind, later=4)})
            world.come_to_rest()
            world.check()


@pytest.mark.parametrize("part", range(10))
def test_no_schedule_of_writers_side_by_side_forks_loses_or_doubles(part):
    run_seeds(range(part * SCHEDULES // 10, (part + 1) * SCHEDULES // 10))


def run_seeds(seeds: range) -> None:
    """Run these schedules. Raises AssertionError naming the seed of one that breaks a promise."""
    for seed in seeds:
        random.seed(seed)
        chance = random.Random(seed)
        left = [chance.randrange(5)]

        def choose(ordinal: int, label: str, chance=chance, left=left) -> Fault | None:
            if left[0] and chance.random() < 0.1:
                left[0] -= 1
                return Fault(chance.choice(KINDS), later=chance.choice((1, 2, 3, 8, 20, 1_000_000)))
            return None

        writers = chance.choice((2, 2, 3, 4))
        world = _run(Seam(choose=choose), chance, writers, aggregates=chance.randint(1, writers))
        try:
            world.check()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}; faults {world.seam.faulted}") from error


def test_writers_that_meet_share_a_batch():
    seed, shared = 0, 0
    while not shared and seed < 50:
        random.seed(seed)
        world = _run(Seam(), random.Random(seed), writers=4, aggregates=4)
        shared = sum(len(staged(world.files, position).subjects) > 1 for position in _positions(world))
        seed += 1
    assert shared


def _positions(world: World) -> list[int]:
    found = [0]
    while found[-1] < world._size():
        found.append(found[-1] + len(staged(world.files, found[-1]).entries))
    return found[:-1]


if __name__ == "__main__":
    count = int(sys.argv[1])
    run_seeds(range(count))
    print(f"{count:,} schedules of the evidence log's writers: no fork, no lost leaf, none doubled")
