"""Many callers share one durable append."""

import threading

import pytest

from rongtong.services import batching
from rongtong.services.batching import BatchingWriter, WriterClosedError

PATIENCE_S = 30


class Log:
    """Remembers batches; ``gate`` holds an append until a test opens it, and ``begun`` tells that one is under way."""

    def __init__(self):
        self.batches = []
        self.refused = set()
        self.gate = threading.Event()
        self.gate.set()
        self.begun = threading.Semaphore(0)
        self.at_once = threading.Lock()

    def append(self, entries):
        assert self.at_once.acquire(blocking=False), "two appends at a time"
        try:
            self.begun.release()
            assert self.gate.wait(PATIENCE_S)
            first = sum(len(batch) for batch in self.batches)
            if self.refused & set(entries):
                raise OSError("the disk is full")
            self.batches.append(entries)
            return first
        finally:
            self.at_once.release()


class Callers:
    """Threads that each add one entry, and what each of them was told."""

    def __init__(self, writer):
        self.writer = writer
        self.told = {}
        self.threads = []

    def start(self, *entries):
        for entry in entries:
            thread = threading.Thread(target=self._add, args=(entry,))
            self.threads.append(thread)
            thread.start()

    def _add(self, entry):
        try:
            self.told[entry] = self.writer.add(entry)
        except BaseException as error:
            self.told[entry] = error

    def all_told(self):
        for thread in self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
        return self.told


def wait_until(writer, number):
    """Until so many callers wait for the next batch."""
    while True:
        with writer._lock:
            if len(writer._waiting) == number:
                return


def held(*entries, most=256, refused=(), gather_s=0):
    """A writer whose first append, of b"first", is under way, and these entries wait behind it."""
    log = Log()
    log.gate.clear()
    log.refused = set(refused)
    writer = BatchingWriter(log.append, most, gather_s)
    callers = Callers(writer)
    callers.start(b"first")
    assert log.begun.acquire(timeout=PATIENCE_S)
    for number, entry in enumerate(entries, start=1):
        callers.start(entry)
        wait_until(writer, number)
    return log, writer, callers


def test_a_caller_alone_is_a_batch_of_its_own():
    log = Log()
    writer = BatchingWriter(log.append)
    assert [writer.add(b"a"), writer.add(b"b")] == [0, 1]
    assert log.batches == [[b"a"], [b"b"]]


def test_who_comes_while_an_append_is_under_way_shares_the_next_one():
    log, _, callers = held(b"a", b"b", b"c")
    log.gate.set()
    assert callers.all_told() == {b"first": 0, b"a": 1, b"b": 2, b"c": 3}
    assert log.batches == [[b"first"], [b"a", b"b", b"c"]]


def test_a_batch_is_never_larger_than_it_may_be_and_takes_who_waited_longest():
    log, _, callers = held(b"a", b"b", b"c", b"d", b"e", most=2)
    log.gate.set()
    callers.all_told()
    assert log.batches == [[b"first"], [b"a", b"b"], [b"c", b"d"], [b"e"]]


def test_a_batch_waits_for_as_many_callers_as_shared_the_last_one():
    log, writer, callers = held(b"a", b"b", gather_s=PATIENCE_S)
    log.gate.set()
    callers.all_told()
    callers.start(b"c")
    wait_until(writer, 1)
    callers.start(b"d")
    callers.all_told()
    assert log.batches == [[b"first"], [b"a", b"b"], [b"c", b"d"]]


def test_a_batch_does_not_wait_for_ever():
    log, writer, callers = held(b"a", b"b", gather_s=0)
    log.gate.set()
    callers.all_told()
    assert writer.add(b"c") == 3


def test_nobody_is_answered_before_the_batch_is_durable():
    log, _, callers = held(b"a")
    assert callers.told == {}
    log.gate.set()
    callers.all_told()


def test_an_error_reaches_every_caller_of_its_batch():
    log, _, callers = held(b"a", b"bad", refused=[b"bad"])
    log.gate.set()
    told = callers.all_told()
    assert [str(told[entry]) for entry in (b"a", b"bad")] == ["the disk is full"] * 2


def test_an_error_reaches_nobody_outside_its_batch():
    log, _, callers = held(b"bad", b"a", b"b", most=1, refused=[b"bad"])
    log.gate.set()
    told = callers.all_told()
    assert (told[b"first"], told[b"a"], told[b"b"]) == (0, 1, 2)


def test_the_writer_goes_on_after_an_error():
    log = Log()
    log.refused = {b"bad"}
    writer = BatchingWriter(log.append)
    with pytest.raises(OSError, match="full"):
        writer.add(b"bad")
    assert writer.add(b"good") == 0


def test_a_caller_interrupted_in_its_append_leaves_nobody_waiting():
    log, writer, callers = held(b"a")
    append = writer._append

    def interrupted(entries):
        append(entries)
        if entries == [b"a"]:
            raise KeyboardInterrupt

    writer._append = interrupted
    log.gate.set()
    assert isinstance(callers.all_told()[b"a"], KeyboardInterrupt)
    writer._append = append
    assert writer.add(b"b") == 2


class Interrupted:
    """A lock whose wait is interrupted once it would end."""

    def __init__(self, lock):
        self.lock = lock

    def release(self):
        self.lock.release()

    def acquire(self):
        self.lock.acquire()
        raise KeyboardInterrupt


class InterruptedCall(batching._Call):
    """The call of the entry b"interrupted" is."""

    def __init__(self, entry):
        super().__init__(entry)
        if entry == b"interrupted":
            self.woken = Interrupted(self.woken)


def test_a_caller_interrupted_when_it_was_to_lead_hands_its_turn_on_and_withdraws_its_entry(monkeypatch):
    log, writer, callers = held(most=1)
    monkeypatch.setattr(batching, "_Call", InterruptedCall)
    callers.start(b"interrupted")
    wait_until(writer, 1)
    callers.start(b"next")
    wait_until(writer, 2)
    log.gate.set()
    told = callers.all_told()
    assert isinstance(told.pop(b"interrupted"), KeyboardInterrupt)
    assert told == {b"first": 0, b"next": 1}
    assert log.batches == [[b"first"], [b"next"]]


def test_a_closed_writer_takes_nothing_more():
    writer = BatchingWriter(Log().append)
    writer.close()
    with pytest.raises(WriterClosedError):
        writer.add(b"late")


def test_closing_waits_until_everybody_is_answered():
    log, writer, callers = held(b"a", b"b", most=1)
    closing = threading.Thread(target=writer.close)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    log.gate.set()
    closing.join(PATIENCE_S)
    assert log.batches == [[b"first"], [b"a"], [b"b"]]
    callers.all_told()


def test_leaving_the_block_closes_the_writer():
    with BatchingWriter(Log().append) as writer:
        writer.add(b"a")
    with pytest.raises(WriterClosedError):
        writer.add(b"late")


def test_of_many_callers_side_by_side_each_is_told_where_its_own_entry_stands():
    log = Log()
    writer = BatchingWriter(log.append, most=7)
    entries = [number.to_bytes(2, "big") for number in range(500)]
    told = {}

    def add(mine):
        told.update({entry: writer.add(entry) for entry in mine})

    threads = [threading.Thread(target=add, args=(entries[number::16],)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    appended = [entry for batch in log.batches for entry in batch]
    assert told == {entry: index for index, entry in enumerate(appended)}
    assert sorted(appended) == entries
