"""Many writers of the evidence log, stopped anywhere: it never forks, and no leaf under a signed head is lost."""

import hashlib
import itertools
import threading

import pytest

from fakes import MemoryStore, make_context
from rongtong.domain.checkpoint import VerifierKey, open_checkpoint
from rongtong.domain.merkle import consistency_proof, leaf_hash, root, verify_consistency
from rongtong.services import evidence_log
from rongtong.services.storage import Create, Replace


class CrashError(Exception):
    """The writer dies here."""


def _leaf(number):
    return hashlib.sha256(str(number).encode()).digest()


def _opened(context):
    note = evidence_log.checkpoint(context)
    return open_checkpoint(note, VerifierKey(context.log_origin, context.log_signer.public_key()))


def _stored(context, size):
    return evidence_log._all_hashes(context, size)


def test_a_writer_that_died_after_staging_is_finished_by_the_next():
    context = make_context()
    evidence_log.append(context, [_leaf(0)])

    def die_at_the_head(writes):
        if isinstance(writes[0], Replace):
            raise CrashError

    context.store.before_write = die_at_the_head
    with pytest.raises(CrashError):
        evidence_log.append(context, [_leaf(1), _leaf(2)])
    context.store.before_write = lambda writes: None
    assert evidence_log.append(context, [_leaf(3)]) == 3
    head = _opened(context)
    assert head.size == 4
    assert head.root == root([leaf_hash(_leaf(number)) for number in range(4)])


def test_a_writer_that_died_before_staging_left_nothing():
    context = make_context()

    def die(writes):
        raise CrashError

    context.store.before_write = die
    with pytest.raises(CrashError):
        evidence_log.append(context, [_leaf(0)])
    assert context.store.items == {}


def test_writers_side_by_side_are_all_in_one_growing_log():
    store = MemoryStore()
    lock, heads = threading.Lock(), []
    transact = store.transact

    def one_at_a_time(writes):
        with lock:
            transact(writes)
            if writes[0].pk == "log":
                heads.append(writes[0].body["note"])

    store.transact = one_at_a_time
    context = make_context(store=store)
    indices: dict[int, int] = {}

    def write(number):
        indices[number] = evidence_log.append(context, [_leaf(number)])

    writers = [threading.Thread(target=write, args=(number,)) for number in range(24)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    head = _opened(context)
    hashes = _stored(context, head.size)
    assert head.root == root(hashes)
    assert {number: hashes[index] for number, index in indices.items()} == {
        number: leaf_hash(_leaf(number)) for number in range(24)
    }
    key = VerifierKey(context.log_origin, context.log_signer.public_key())
    opened = [open_checkpoint(note, key) for note in heads]
    for old, new in itertools.pairwise(opened):
        proof = consistency_proof(old.size, hashes[: new.size])
        assert verify_consistency(old.size, new.size, old.root, new.root, proof)


def test_a_position_is_staged_only_once():
    context = make_context()
    context.store.transact([Create(evidence_log.LEAVES_PK, "000000000000", {"hashes": ""})])
    assert not evidence_log._stage(context, 0, [leaf_hash(b"x")])
