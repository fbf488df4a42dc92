"""A witness keeps what it saw, and never vouches for less than that."""

from dataclasses import replace
from datetime import timedelta

import pytest
from greenlet import getcurrent, greenlet

from fakes import OPEN
from rongtong.domain.checkpoint import cosignatures, open_checkpoint
from rongtong.domain.merkle import consistency_proof
from rongtong.domain.note import Note, VerifierKey, parse_signatures
from rongtong.domain.witness import request_body
from rongtong.services.witnessing import Witness, add_checkpoint
from witness_fakes import ORIGIN, Log, MemoryWitnessStore, SeedSigner, head_note, make_node


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def node(log):
    return make_node("w1", log.key)


def body_of(log, old, size=None):
    """The request with which the log shows its tree of ``size`` leaves; its head is the newest one otherwise."""
    return log.request(old, len(log.leaves) if size is None else size)


def ask(node, body):
    return add_checkpoint(node.witness, body.encode())


def cosigned(node, log, answer, size):
    """The cosignature of the answer, verified on the log's own note."""
    text = Note.parse(log.note_of(size)).text
    (found,) = cosignatures(Note(text, parse_signatures(answer.body)), (node.witness.key(),))
    return found


def test_a_first_checkpoint_is_cosigned_and_kept(log, node):
    log.grow(5)
    answer = ask(node, body_of(log, 0))
    assert answer.status == 200
    assert cosigned(node, log, answer, 5).time == int(OPEN.timestamp())
    assert open_checkpoint(node.note, log.key).size == 5


def test_a_checkpoint_that_extends_the_last_is_cosigned(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    log.grow(300)
    answer = ask(node, body_of(log, 5))
    assert cosigned(node, log, answer, 305).witness == node.witness.key()
    assert node.size == 305


def test_the_same_checkpoint_is_cosigned_again(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    assert cosigned(node, log, ask(node, body_of(log, 5)), 5)


def test_extension_lines_are_cosigned_with_the_checkpoint(log, node):
    note = log.note_of(0, extension="since 2026")
    answer = ask(node, request_body(0, [], note))
    text = Note.parse(note).text
    assert len(cosignatures(Note(text, parse_signatures(answer.body)), (node.witness.key(),))) == 1


def test_the_note_is_in_the_table_before_the_cosignature_leaves(log, node):
    log.grow(5)

    def fail(operation):
        if operation == "move":
            raise OSError

    node.store.before = fail
    with pytest.raises(OSError):  # noqa: PT011 any fault of the table
        ask(node, body_of(log, 0))
    assert node.note is None


def test_a_witness_that_lost_its_answer_tells_where_it_stands(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))  # nobody heard of it
    log.grow(3)
    answer = ask(node, body_of(log, 0))
    assert (answer.status, answer.body, answer.content_type) == (409, "5\n", "text/x.tlog.size")


def test_an_unregistered_key_can_neither_query_nor_call(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    before, reads = node.note, []
    node.store.before = reads.append
    stranger = SeedSigner("a stranger")
    asked_for_size = ask(node, request_body(0, [], head_note(stranger, ORIGIN, 9)))
    another_log = ask(node, request_body(0, [], head_note(stranger, "stranger.example/log", 9)))
    assert (asked_for_size.status, another_log.status) == (403, 404)
    assert not any(char.isdigit() for char in asked_for_size.body + another_log.body)
    assert (node.note, "move" in reads) == (before, False)


def test_a_log_that_is_not_known_is_not_looked_up(node):
    reads = []
    node.store.before = reads.append
    ask(node, request_body(0, [], head_note(SeedSigner("a stranger"), "stranger.example/log", 9)))
    assert reads == []


def test_a_malformed_request_is_answered_400_in_words(node):
    answer = ask(node, "hello")
    assert (answer.status, answer.content_type) == (400, "text/plain; charset=utf-8")
    assert "old size" in answer.body


def test_a_forked_log_is_refused_and_both_checkpoints_are_kept(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    other = Log()
    other.grow(9, salt="forged")
    answer = ask(node, body_of(other, 5))
    assert answer.status == 422
    (evidence,) = node.store.kept.values()
    assert open_checkpoint(evidence["known"], log.key).size == 5
    assert open_checkpoint(evidence["shown"], log.key).size == 9
    assert (evidence["reason"], evidence["old_size"]) == ("INCONSISTENT", "5")
    assert "9 leaves" in answer.remark


def test_two_trees_of_one_size_are_kept_as_proof(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    other = Log()
    other.grow(5, salt="forged")
    assert ask(node, body_of(other, 5)).status == 409
    (evidence,) = node.store.kept.values()
    roots = {open_checkpoint(evidence[part], log.key).root for part in ("known", "shown")}
    assert (evidence["reason"], len(roots)) == ("FORKED", 2)


def test_a_shrunken_log_is_refused_and_both_checkpoints_are_kept(log, node):
    log.grow(9)
    ask(node, body_of(log, 0))
    answer = ask(node, body_of(log, 0, size=5))
    assert (answer.status, answer.body) == (409, "9\n")
    (evidence,) = node.store.kept.values()
    assert (evidence["reason"], open_checkpoint(evidence["shown"], log.key).size) == ("SHRUNKEN", 5)
    assert node.size == 9


def test_two_trees_of_one_size_are_the_one_alarm_that_a_log_can_give(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    other = Log()
    other.grow(9, salt="forged")
    forked = ask(node, body_of(other, 5, size=5))
    assert ORIGIN in forked.alarm
    assert forked.remark is None
    rest = [body_of(log, 0, size=3), body_of(log, 5, size=3), body_of(other, 5)]
    assert [ask(node, body).alarm for body in rest] == [None] * 3


def test_strangers_with_old_checkpoints_fill_no_table_and_ring_no_alarm(log, node):
    log.grow(60)
    ask(node, body_of(log, 0))
    old = [ask(node, body_of(log, 0, size=size)) for size in range(1, 60)]
    log.grow(1)
    shown = log.note_of(61)
    wrong = [ask(node, request_body(60, [bytes([number]) * 32], shown)) for number in range(60)]
    assert {answer.status for answer in old} == {409}
    assert {answer.status for answer in wrong} == {422}
    assert {answer.alarm for answer in (*old, *wrong)} == {None}
    assert 2 <= len(node.store.kept) <= 20


def test_what_strangers_sent_keeps_no_proof_out(log, node):
    log.grow(60)
    ask(node, body_of(log, 0))
    for size in range(1, 60):
        ask(node, body_of(log, 0, size=size))
    for salt in ("forged", "forged again"):
        other = Log()
        other.grow(60, salt=salt)
        ask(node, body_of(other, 60))
    assert [one["reason"] for one in node.store.kept.values()].count("FORKED") == 2


def test_a_proof_that_is_sent_again_is_kept_once_however_often_the_record_was_renewed(log, node):
    other = Log()
    log.grow(5)
    other.grow(5, salt="forged")
    for minutes in range(3):
        then = at(node, OPEN + timedelta(minutes=minutes))
        add_checkpoint(then, body_of(log, 5 if minutes else 0).encode())
        add_checkpoint(then, body_of(other, 5).encode())
    assert len(node.store.kept) == 1


def test_the_same_evidence_is_kept_once(log, node):
    log.grow(9)
    ask(node, body_of(log, 0))
    for _ in range(3):
        ask(node, body_of(log, 0, size=5))
    assert len(node.store.kept) == 1


def test_a_refused_checkpoint_leaves_the_record_as_it_was(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    before = node.note
    other = Log()
    other.grow(9, salt="forged")
    ask(node, body_of(other, 5))
    assert node.note == before


def test_a_checkpoint_from_an_old_size_that_is_out_of_date_is_no_evidence(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    log.grow(4)
    answer = ask(node, body_of(log, 3))
    assert (answer.status, answer.alarm, node.store.kept) == (409, None, {})


def test_a_tampered_node_s_copy_is_refused_and_the_place_is_named(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    log.grow(4)
    good, taken = node.note, []
    for at in range(len(good)):
        node.store.notes[ORIGIN] = good[:at] + chr(ord(good[at]) ^ 1) + good[at + 1 :]
        answer = ask(node, body_of(log, 5))
        if (answer.status, ORIGIN in answer.body, "w1.example" in answer.body) != (500, True, True):
            taken.append(at)
    assert taken == []
    node.store.notes[ORIGIN] = good
    assert ask(node, body_of(log, 5)).status == 200


def test_a_record_with_one_more_signature_is_refused(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    node.store.notes[ORIGIN] += "— w2.example AAAAAAAAAA==\n"
    assert ask(node, body_of(log, 5)).status == 500


def test_a_record_that_the_log_signed_and_the_witness_did_not_is_refused(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    other = Log()
    other.grow(5, salt="forged")
    node.store.notes[ORIGIN] = other.note_of(5)
    answer = ask(node, body_of(other, 5))
    assert (answer.status, answer.alarm is not None) == (500, True)


def test_a_log_may_change_its_key(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    next_signer = SeedSigner("the next key")
    keys = [log.key, VerifierKey(ORIGIN, next_signer.public_key())]
    both = Witness(node.witness.name, node.witness.signer, keys, node.store, node.witness.now)
    log.grow(4)
    proof = consistency_proof(5, 9, log.nodes_of_tree())
    assert add_checkpoint(both, request_body(5, proof, log.note_of(9, signer=next_signer)).encode()).status == 200
    only = Witness(node.witness.name, node.witness.signer, keys[1:], node.store, node.witness.now)
    assert add_checkpoint(only, request_body(9, [], log.note_of(9, signer=next_signer)).encode()).status == 200


def at(node, instant):
    """The witness, with its clock set."""
    return replace(node.witness, now=lambda: instant)


@pytest.mark.parametrize("seconds", [1, 60])
def test_a_clock_that_is_a_little_behind_dates_no_cosignature_before_an_earlier_one(log, node, seconds):
    log.grow(5)
    ask(node, body_of(log, 0))
    log.grow(4)
    answer = add_checkpoint(at(node, OPEN - timedelta(seconds=seconds)), body_of(log, 5).encode())
    assert cosigned(node, log, answer, 9).time == int(OPEN.timestamp())


@pytest.mark.parametrize("behind", [timedelta(seconds=61), timedelta(hours=1), timedelta(days=365)])
def test_after_a_clock_that_was_ahead_nothing_is_cosigned_until_then(log, node, behind):
    log.grow(5)
    ask(node, body_of(log, 0))
    before = node.note
    log.grow(4)
    for old, size in ((5, 5), (5, 9)):
        answer = add_checkpoint(at(node, OPEN - behind), body_of(log, old, size=size).encode())
        assert (answer.status, node.note) == (500, before)
    answer = add_checkpoint(at(node, OPEN), body_of(log, 5).encode())
    assert cosigned(node, log, answer, 9).time == int(OPEN.timestamp())


def test_a_clock_that_was_ahead_is_an_alarm_that_names_witness_log_and_seconds(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    answer = add_checkpoint(at(node, OPEN - timedelta(hours=1)), body_of(log, 5).encode())
    assert answer.alarm == answer.body.strip()
    assert all(part in answer.body for part in (ORIGIN, "w1.example", "3600 seconds ahead"))


def test_even_with_a_clock_that_was_ahead_a_fork_is_seen(log, node):
    log.grow(5)
    ask(node, body_of(log, 0))
    other = Log()
    other.grow(5, salt="forged")
    assert add_checkpoint(at(node, OPEN - timedelta(hours=1)), body_of(other, 5).encode()).status == 409
    assert [one["reason"] for one in node.store.kept.values()] == ["FORKED"]


def test_a_witness_that_is_never_first_says_so(log, node):
    log.grow(5)
    node.store.move = lambda origin, old, new: False
    assert ask(node, body_of(log, 0)).status == 503


class Race:
    """Requests at one witness that take turns at every look at its table and its clock, in one schedule."""

    def __init__(self, log, store, bodies):
        self.time, self.moved, self.answers = OPEN, [], {}
        witness = Witness("w1.example", SeedSigner("witness w1"), [log.key], store, self._tick)
        store.before = self._turn
        self.key, move = witness.key(), store.move

        def watched(origin, old, new):
            done = move(origin, old, new)
            if done:
                self.moved.append(open_checkpoint(new, log.key).size)
            return done

        store.move = watched
        self._main, self._bodies, self._witness = None, bodies, witness

    def _tick(self):
        self._turn("now")
        self.time += timedelta(seconds=1)
        return self.time

    def _turn(self, operation):
        self._main.switch()

    def run(self, choose):
        """``choose`` says, of how many that are still at work, whose turn it is."""
        self._main = getcurrent()

        def life(number):
            self.answers[number] = add_checkpoint(self._witness, self._bodies[number].encode())

        workers = [greenlet(lambda number=number: life(number), self._main) for number in range(len(self._bodies))]
        while alive := [worker for worker in workers if not worker.dead]:
            alive[choose(len(alive))].switch()

    def cosigned(self):
        """Time and size of every cosignature that left."""
        found = []
        for number, answer in self.answers.items():
            if answer.status == 200:
                note = Note.parse(self._bodies[number].partition("\n\n")[2])
                (one,) = cosignatures(Note(note.text, parse_signatures(answer.body)), (self.key,))
                found.append((one.time, int(note.text.split("\n")[1])))
        return sorted(found)


def every_schedule(make):
    """Run a race in each order in which its turns can be taken."""
    waiting = [()]
    while waiting:
        begun, taken = waiting.pop(), []

        def choose(alive, begun=begun, taken=taken):
            at = begun[len(taken)] if len(taken) < len(begun) else 0
            if len(taken) >= len(begun):
                waiting.extend((*taken, other) for other in range(1, alive))
            taken.append(at)
            return at

        race = make()
        race.run(choose)
        yield race


def _race(store_of, *sizes):
    log = Log()
    log.grow(max(sizes))

    def make():
        store = store_of()
        begun = make_node("w1", log.key)
        add_checkpoint(begun.witness, body_of(log, 0, size=5).encode())
        store.notes = dict(begun.store.notes)
        return Race(log, store, [body_of(log, 5, size=size) for size in sizes])

    return make


class _BlindStore(MemoryWitnessStore):
    """Writes whatever comes."""

    def move(self, origin, old, new):
        self.before("move")
        self.notes[origin] = new
        return True


def test_of_two_requests_at_once_neither_rolls_the_other_back():
    races = list(every_schedule(_race(MemoryWitnessStore, 8, 12)))
    assert [race.moved for race in races if race.moved != sorted(race.moved)] == []
    assert {tuple(race.moved) for race in races} == {(8,), (12,)}
    assert len(races) > 5


def test_of_two_requests_at_once_one_is_cosigned_and_the_other_told_where_the_witness_stands():
    for race in every_schedule(_race(MemoryWitnessStore, 8, 12)):
        by_status = {answer.status: answer for answer in race.answers.values()}
        assert set(by_status) == {200, 409}
        assert by_status[409].body == f"{race.moved[-1]}\n"


@pytest.mark.parametrize("sizes", [(5, 8), (8, 8), (8, 12)])
def test_of_two_requests_at_once_a_later_cosignature_never_vouches_for_less(sizes):
    races = list(every_schedule(_race(MemoryWitnessStore, *sizes)))
    for race in races:
        sizes = [size for _, size in race.cosigned()]
        assert sizes == sorted(sizes)
        assert race.moved == sorted(race.moved)
    assert len(races) > 20


def test_the_race_of_the_specification_is_among_the_schedules():
    races = list(every_schedule(_race(_BlindStore, 8, 12)))
    assert any(race.moved == [12, 8] for race in races)
