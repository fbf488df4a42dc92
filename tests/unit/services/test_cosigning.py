"""The log and its witnesses: what a quorum cosigned counts, whoever is down, late, new or against it."""

import itertools
from dataclasses import replace

import pytest

from rongtong.domain.checkpoint import Checkpoint, CheckpointError, open_checkpoint
from rongtong.domain.incident import IncidentKind
from rongtong.domain.merkle import root
from rongtong.domain.note import Note, VerifierKey
from rongtong.services import incidents
from rongtong.services.cosigning import (
    NoQuorumError,
    NotWitnessedError,
    require_witnessed,
    witnessed,
    witnessed_size,
)
from rongtong.services.errors import LogDamagedError
from rongtong.services.ports import WitnessReply
from rongtong.services.storage import Item, Replace
from rongtong.services.tile_log import sign_head
from witness_fakes import NAMES, ORIGIN, Log, SeedSigner, make_node, url_of


@pytest.fixture
def log():
    return Log(*NAMES)


def stop(log, *names):
    for name, node in log.nodes.items():
        node.down = name in names


def asked(log):
    """How often each node was asked."""
    return {name: len(node.asked) for name, node in log.nodes.items()}


def incidents_of(log):
    return [item.body["data"] for item in log.context.store.states("incident#")]


def logged(*ranges):
    return Item("discount#d1", "state", {"logged": [list(one) for one in ranges]}, 1)


def test_all_nodes_are_equal_after_a_write(log):
    for count in (5, 1, 300):
        size = log.grow(count)
        witnessed(log.context, size)
        trees = {Checkpoint.parse(Note.parse(node.note).text) for node in log.nodes.values()}
        assert trees == {open_checkpoint(log.note_of(size), log.key)}


def test_the_answer_is_the_log_s_note_with_the_cosignatures_of_a_quorum(log):
    trusted = log.policy().judge(witnessed(log.context, log.grow(5)), strict=True)
    assert (trusted.checkpoint.size, len(trusted.cosignatures)) == (5, 3)


def test_the_answer_reaches_the_newest_head(log):
    log.grow(5)
    log.grow(5)
    assert log.policy().judge(witnessed(log.context, 3)).checkpoint.size == 10


def test_nobody_is_asked_where_the_stored_checkpoint_reaches_far_enough(log):
    size = log.grow(5)
    first = witnessed(log.context, size)
    log.grow(5)
    before = asked(log)
    assert witnessed(log.context, size) == first
    assert asked(log) == before


def test_a_writer_whose_head_is_the_newest_asks_at_once(log):
    witnessed(log.context, log.grow(5))
    assert log.context.clock.slept_s == 0


def test_a_writer_behind_the_head_lets_those_that_appended_after_it_ask_for_all(log):
    size, further = log.grow(5), log.grow(4)
    sleep = log.context.clock.sleep

    def others_ask(seconds):
        sleep(seconds)
        log.context.clock.sleep = sleep
        witnessed(log.context, further)

    log.context.clock.sleep = others_ask
    assert log.policy().judge(witnessed(log.context, size)).checkpoint.size == further
    assert asked(log) == dict.fromkeys(NAMES, 1)


def test_a_writer_behind_the_head_asks_when_nobody_else_has(log):
    size, further = log.grow(5), log.grow(4)
    assert log.policy().judge(witnessed(log.context, size)).checkpoint.size == further
    assert 0 < log.context.clock.slept_s < 1


def test_each_node_is_asked_once_where_it_stands_as_noted(log):
    for _ in range(4):
        witnessed(log.context, log.grow(100))
    assert asked(log) == dict.fromkeys(NAMES, 4)


@pytest.mark.parametrize("stopped", NAMES)
def test_one_of_three_stopped_and_it_is_sealed_all_the_same(log, stopped):
    stop(log, stopped)
    size = log.grow(5)
    assert len(log.policy().judge(witnessed(log.context, size)).cosignatures) == 2
    require_witnessed(log.context, logged((0, 5)))


@pytest.mark.parametrize("stopped", [("w1", "w2"), ("w1", "w3"), ("w2", "w3")])
def test_two_of_three_stopped_and_nothing_is_sealed(log, stopped):
    stop(log, *stopped)
    size = log.grow(5)
    with pytest.raises(NoQuorumError, match=f"{stopped[0]}: no answer"):
        witnessed(log.context, size)
    with pytest.raises(NotWitnessedError):
        require_witnessed(log.context, logged((0, 5)))


def test_it_resumes_by_itself_when_the_nodes_are_back(log):
    stop(log, "w1", "w2")
    size = log.grow(5)
    with pytest.raises(NoQuorumError):
        witnessed(log.context, size)
    stop(log)
    witnessed(log.context, size)
    require_witnessed(log.context, logged((0, 5)))


def test_a_node_that_was_down_catches_up(log):
    witnessed(log.context, log.grow(5))
    stop(log, "w3")
    for _ in range(3):
        witnessed(log.context, log.grow(200))
    stop(log)
    size = log.grow(1)
    witnessed(log.context, size)
    assert log.nodes["w3"].size == size


def test_a_node_whose_answer_was_lost_is_asked_again_from_where_it_stands(log):
    witnessed(log.context, log.grow(5))
    log.grow(5)
    log.nodes["w1"].ask(log.request(5, 10))
    size = log.grow(5)
    witnessed(log.context, size)
    assert [node.size for node in log.nodes.values()] == [size] * 3
    assert incidents_of(log) == []


def test_a_fresh_node_joins_and_catches_up(log):
    witnessed(log.context, log.grow(300))
    log.nodes["w4"] = log.door.nodes[url_of("w4")] = make_node("w4", log.key)
    log.set_policy("group notaries 3 w1 w2 w3 w4\nquorum notaries\n")
    size = log.grow(5)
    trusted = log.policy().judge(witnessed(log.context, size))
    assert len(trusted.cosignatures) == 4
    assert log.nodes["w4"].asked[0].startswith("old 0\n\n")
    assert log.nodes["w4"].size == size


def test_a_node_without_a_registered_key_cannot_cosign(log):
    stop(log, "w2", "w3")
    log.door.nodes[url_of("w2")] = make_node("w2", log.key, seed="a key that nobody registered")
    size = log.grow(5)
    with pytest.raises(NoQuorumError, match="w2: answered without a cosignature of its key"):
        witnessed(log.context, size)


def test_another_node_s_cosignature_does_not_count_twice(log):
    stop(log, "w3")
    log.door.nodes[url_of("w2")] = log.nodes["w1"]
    size = log.grow(5)
    with pytest.raises(NoQuorumError):
        witnessed(log.context, size)


@pytest.mark.parametrize(
    "reply",
    [
        WitnessReply(200, ""),
        WitnessReply(200, "hello\n"),
        WitnessReply(200, "— w2.example AAAA\n"),
        WitnessReply(302, ""),
        WitnessReply(409, "many\n"),
        WitnessReply(409, "0\n"),
        WitnessReply(502, "x" * 10_000),
    ],
)
def test_a_senseless_answer_counts_as_none_and_harms_nothing(log, reply):
    log.nodes["w2"].ask = lambda body: reply
    size = log.grow(5)
    assert len(log.policy().judge(witnessed(log.context, size)).cosignatures) == 2
    assert incidents_of(log) == []


def test_a_wrong_cosignature_does_not_count(log):
    stop(log, "w3")
    log.grow(4)
    earlier = log.nodes["w2"].ask(log.request(0, 4))
    size = log.grow(1)
    log.nodes["w2"].ask = lambda body: earlier
    with pytest.raises(NoQuorumError):
        witnessed(log.context, size)


def test_a_tampered_node_s_copy_is_refused_and_the_place_is_named(log):
    witnessed(log.context, log.grow(5))
    for name in ("w1", "w2"):
        store = log.nodes[name].store
        store.notes[ORIGIN] = store.notes[ORIGIN].replace("\n5\n", "\n4\n")
    size = log.grow(5)
    with pytest.raises(NoQuorumError, match=f"w1: status 500: The record of the log {ORIGIN}.*w1.example was altered"):
        witnessed(log.context, size)


def test_one_tampered_copy_does_not_stop_the_others(log):
    witnessed(log.context, log.grow(5))
    store = log.nodes["w1"].store
    store.notes[ORIGIN] = store.notes[ORIGIN].replace("\n5\n", "\n4\n")
    assert len(log.policy().judge(witnessed(log.context, log.grow(5))).cosignatures) == 2


def test_a_tampered_node_opens_one_incident_that_says_which_node_and_what_it_said(log):
    witnessed(log.context, log.grow(5))
    store = log.nodes["w1"].store
    good = store.notes[ORIGIN]
    store.notes[ORIGIN] = good.replace("\n5\n", "\n4\n")
    for _ in range(3):
        witnessed(log.context, log.grow(1))
    (incident,) = log.context.store.states("incident#")
    assert (incident.body["kind"], incident.body["data"]["witness"]) == (IncidentKind.WITNESS_UNABLE.value, "w1")
    assert f"The record of the log {ORIGIN}" in incident.body["data"]["said"]
    store.notes[ORIGIN] = good
    assert len(log.policy().judge(witnessed(log.context, log.grow(1))).cosignatures) == 3


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_node_that_is_busy_or_away_for_a_while_opens_no_incident(log, status):
    log.nodes["w1"].ask = lambda body: WitnessReply(status, "later")
    assert len(log.policy().judge(witnessed(log.context, log.grow(5))).cosignatures) == 2
    assert incidents_of(log) == []


def forked(log):
    """The same log with another history, in the same nodes' sight."""
    other = Log(*NAMES)
    other.nodes = log.nodes
    other.context = replace(other.context, witness_door=log.door)
    return other


@pytest.mark.parametrize("size", [5, 9, 300])
def test_a_forked_log_is_refused_and_an_incident_opens_for_each_node(log, size):
    witnessed(log.context, log.grow(5))
    other = forked(log)
    other.grow(size, salt="forged")
    with pytest.raises(NoQuorumError, match="contradicts from its 5 leaves"):
        witnessed(other.context, size)
    found = sorted(incidents_of(other), key=lambda one: one["witness"])
    assert [(one["witness"], one["witness_size"], one["log_size"]) for one in found] == [
        (name, 5, size) for name in NAMES
    ]
    assert {item.body["kind"] for item in other.context.store.states("incident#")} == {
        IncidentKind.LOG_REFUSED_BY_WITNESS.value
    }


def lying(log, name):
    """The node of this name claims another size each time that it is asked, all of them beyond the log."""
    sizes = itertools.count(10**15)
    log.nodes[name].ask = lambda body: WitnessReply(409, f"{next(sizes)}\n")


def test_a_witness_that_claims_another_size_each_time_has_one_incident_and_nothing_more_is_written(log):
    lying(log, "w3")
    witnessed(log.context, log.grow(5))
    (first,) = log.context.store.states("incident#")
    for _ in range(5):
        witnessed(log.context, log.grow(1))
    assert log.context.store.states("incident#") == [first]
    assert first.body["data"]["witness_size"] == 10**15


def test_each_witness_against_the_log_has_an_incident_of_its_own(log):
    lying(log, "w2")
    lying(log, "w3")
    size = log.grow(5)
    for _ in range(3):
        with pytest.raises(NoQuorumError):
            witnessed(log.context, size)
    assert sorted(one["witness"] for one in incidents_of(log)) == ["w2", "w3"]


def test_a_contradiction_after_the_incident_was_resolved_opens_a_further_one(log):
    lying(log, "w3")
    seen = []
    for _ in range(3):
        for _ in range(2):
            witnessed(log.context, log.grow(1))
        (is_open,) = [item for item in log.context.store.states("incident#") if item.body["status"] == "OPEN"]
        incidents.resolve(log.context, "operations", is_open.body["incident_id"], "LOOKED_AT")
        seen.append(is_open.pk)
    assert len(set(seen)) == len(log.context.store.states("incident#")) == 3


def test_a_fork_that_is_asked_for_again_opens_no_second_incident(log):
    witnessed(log.context, log.grow(5))
    other = forked(log)
    for count in (9, 1, 1):
        other.grow(count, salt="forged")
        with pytest.raises(NoQuorumError):
            witnessed(other.context, 9)
    assert len(incidents_of(other)) == 3


def test_a_shrunken_log_is_refused_and_an_incident_opens(log):
    witnessed(log.context, log.grow(9))
    shrunken = forked(log)
    shrunken.grow(5)
    with pytest.raises(NoQuorumError):
        witnessed(shrunken.context, 5)
    assert {(one["witness_size"], one["log_size"]) for one in incidents_of(shrunken)} == {(9, 5)}


def test_an_incident_holds_what_the_log_had_signed(log):
    witnessed(log.context, log.grow(5))
    other = forked(log)
    other.grow(9, salt="forged")
    with pytest.raises(NoQuorumError):
        witnessed(other.context, 9)
    assert open_checkpoint(incidents_of(other)[0]["checkpoint"], log.key).size == 9


def test_one_node_against_the_log_opens_an_incident_and_stops_nothing(log):
    other = Log("w1")
    other.grow(9, salt="forged")
    log.nodes["w1"].ask(other.request(0, 9))
    size = log.grow(12)
    assert len(log.policy().judge(witnessed(log.context, size)).cosignatures) == 2
    assert [one["witness"] for one in incidents_of(log)] == ["w1"]


def test_a_node_that_has_seen_another_writer_s_larger_head_is_no_misbehaviour(log):
    """The head moves on, and is cosigned, between this writer's look at it and its question."""
    log.grow(5)

    def move_on():
        for node in log.nodes.values():
            node.before = lambda: None
        size = log.grow(4)
        for node in log.nodes.values():
            node.ask(log.request(0, size))

    log.nodes["w1"].before = move_on
    assert log.policy().judge(witnessed(log.context, 5)).checkpoint.size == 9
    assert incidents_of(log) == []


def test_another_writer_s_further_checkpoint_is_not_replaced(log):
    log.grow(5)
    other = replace(log.context)

    def move_on(writes):
        log.context.store.before_write = lambda writes: None
        witnessed(other, log.grow(4))

    log.context.store.before_write = move_on
    assert log.policy().judge(witnessed(log.context, 5)).checkpoint.size == 9
    assert witnessed_size(log.context) == 9


def test_the_stored_checkpoint_never_goes_back_in_size(log):
    sizes = []
    log.context.store.after_write = lambda writes: sizes.extend(
        write.body["size"] for write in writes if getattr(write, "sk", "") == "cosigned"
    )
    for count in (5, 1, 2):
        witnessed(log.context, log.grow(count))
    smaller = log.context.store.get("log", "head")
    log.set_head(3, log.note_of(3))
    with pytest.raises(LogDamagedError):
        witnessed(log.context, 9)
    assert smaller.body["size"] == 8
    assert sizes == [5, 6, 8]


def test_a_head_that_does_not_reach_what_is_asked_for_is_damage(log):
    log.grow(5)
    with pytest.raises(LogDamagedError, match="leaf 5"):
        witnessed(log.context, 6)


def test_a_missing_tile_is_named(log):
    witnessed(log.context, log.grow(5))
    log.grow(300)
    log.context.files.delete("tile/0/000")
    with pytest.raises(LogDamagedError, match="tile/0/000 is missing"):
        witnessed(log.context, 305)


def test_an_altered_tile_gets_no_cosignature_and_opens_an_incident(log):
    witnessed(log.context, log.grow(5))
    log.grow(300)
    content = log.context.files.get_all(["tile/0/000"])[0]
    log.context.files.put("tile/0/000", b"\0" * 32 + content[32:])
    with pytest.raises(NoQuorumError):
        witnessed(log.context, 305)
    assert len(incidents_of(log)) == 3


def test_where_the_policy_asks_for_no_quorum_the_log_s_own_note_is_the_answer(log):
    log.set_policy("quorum none\n")
    size = log.grow(5)
    assert witnessed(log.context, size) == log.note_of(5)
    assert (witnessed_size(log.context), asked(log)) == (5, dict.fromkeys(NAMES, 0))


def test_even_then_the_answer_bears_the_log_s_own_signature(log):
    log.set_policy("quorum none\n")
    log.grow(5)
    log.set_head(5, log.note_of(5, signer=SeedSigner("a stranger")))
    assert witnessed(log.context, 5) == log.note_of(5)


def rekeyed(log):
    """The log after a change of its key, in the sight of nodes that know both keys."""
    signer = SeedSigner("the next key")
    keys = [log.key, VerifierKey(ORIGIN, signer.public_key())]
    for node in log.nodes.values():
        node.witness = replace(node.witness, logs=keys)
    log.context, log.key = replace(log.context, log_signer=signer), keys[1]
    return log


def test_after_a_change_of_the_log_s_key_the_head_is_signed_anew_and_cosigned(log):
    former = log.key
    witnessed(log.context, log.grow(300))
    log = rekeyed(log)
    trusted = log.policy().judge(witnessed(log.context, 300), strict=True)
    assert (trusted.checkpoint.size, len(trusted.cosignatures)) == (300, 3)
    assert open_checkpoint(log.context.store.get("log", "head").body["note"], log.key) == trusted.checkpoint
    with pytest.raises(CheckpointError):
        open_checkpoint(log.context.store.get("log", "head").body["note"], former)


def test_what_was_cosigned_before_a_change_of_the_key_may_be_paid_when_it_is_cosigned_again(log):
    witnessed(log.context, log.grow(5))
    log = rekeyed(log)
    with pytest.raises(NotWitnessedError):
        require_witnessed(log.context, logged((0, 5)))
    witnessed(log.context, 5)
    require_witnessed(log.context, logged((0, 5)))


def test_who_may_not_use_the_log_s_key_leaves_the_head_as_it_is_and_is_told_so(log):
    log.grow(5)
    log = rekeyed(log)
    before = log.context.store.get("log", "head")
    with pytest.raises(NoQuorumError, match="present signature"):
        witnessed(log.context, 5, may_sign=False)
    assert (log.context.store.get("log", "head"), asked(log)) == (before, dict.fromkeys(NAMES, 0))


def test_a_head_that_another_writer_moves_on_meanwhile_is_not_set_back(log):
    log.grow(5)
    log = rekeyed(log)

    def move_on(writes):
        log.context.store.before_write = lambda writes: None
        log.grow(4)

    log.context.store.before_write = move_on
    assert log.policy().judge(witnessed(log.context, 5)).checkpoint.size == 9
    assert log.context.store.get("log", "head").body["size"] == 9


@pytest.mark.parametrize(
    "note",
    [
        lambda log, stranger: log.note_of(4, signer=stranger),
        lambda log, stranger: log.note_of(5, signer=stranger, extension="more"),
        lambda log, stranger: sign_head(stranger, ORIGIN, 5, bytes(32)),
        lambda log, stranger: sign_head(stranger, "another.example/log", 5, root(log.leaves)),
        lambda log, stranger: "",
        lambda log, stranger: log.note_of(4),
    ],
)
def test_a_head_that_is_not_the_tree_of_the_log_s_files_is_never_signed(log, note):
    log.grow(5)
    log.set_head(5, note(log, SeedSigner("a stranger")))
    before = log.context.store.get("log", "head")
    with pytest.raises(LogDamagedError, match="restore the head"):
        witnessed(log.context, 5)
    assert log.context.store.get("log", "head") == before


def test_who_cosigned_is_told_among_those_who_did_not(log):
    stop(log, "w2", "w3")
    size = log.grow(5)
    with pytest.raises(NoQuorumError, match="w1: cosigned; w2: no answer; w3: no answer"):
        witnessed(log.context, size)


def test_without_a_policy_nothing_is_sealed():
    log = Log()
    log.grow(5)
    with pytest.raises(NoQuorumError, match="No policy"):
        witnessed(log.context, 5)


def test_an_unreadable_policy_seals_nothing(log):
    log.grow(5)
    log.set_policy("quorum everybody\n")
    with pytest.raises(NoQuorumError, match="Line 4"):
        witnessed(log.context, 5)


def test_a_cosigned_checkpoint_does_not_outlive_the_policy_that_took_it(log):
    stop(log, "w3")
    size = log.grow(5)
    witnessed(log.context, size)
    log.set_policy("group notaries all w1 w2 w3\nquorum notaries\n")
    with pytest.raises(NotWitnessedError):
        require_witnessed(log.context, logged((0, 5)))
    stop(log)
    assert len(log.policy().judge(witnessed(log.context, size)).cosignatures) == 3
    require_witnessed(log.context, logged((0, 5)))


def test_a_further_checkpoint_that_no_policy_takes_is_not_replaced_by_a_smaller_one(log):
    log.grow(5)
    late, further = log.context.store.get("log", "head"), log.grow(4)
    witnessed(log.context, further)
    item = log.context.store.get("log", "cosigned")
    log.context.store.transact([Replace("log", "cosigned", {**item.body, "note": "", "seen": {}}, item.version)])
    for node in log.nodes.values():
        node.store.notes.clear()
    log.set_head(5, late.body["note"])
    assert log.policy().judge(witnessed(log.context, 5)).checkpoint.size == 5
    assert log.context.store.get("log", "cosigned").body["size"] == further


def test_a_node_without_an_address_is_not_asked(log):
    key = make_node("w9").witness.key().text()
    log.set_policy(f"witness w9 {key}\ngroup notaries 2 w1 w2 w3 w9\nquorum notaries\n")
    assert len(log.policy().judge(witnessed(log.context, log.grow(5))).cosignatures) == 3


@pytest.mark.parametrize("ranges", [[], [(0, 6)], [(0, 2), (4, 2)]])
def test_what_is_not_cosigned_may_not_be_paid(log, ranges):
    witnessed(log.context, log.grow(5))
    log.grow(1)
    with pytest.raises(NotWitnessedError):
        require_witnessed(log.context, logged(*ranges))


def test_what_is_cosigned_may_be_paid(log):
    witnessed(log.context, log.grow(5))
    assert require_witnessed(log.context, logged((0, 2), (3, 2))) is None


def test_a_stored_checkpoint_is_verified_and_not_believed(log):
    witnessed(log.context, log.grow(5))
    item = log.context.store.get("log", "cosigned")
    note = sign_head(log.context.log_signer, ORIGIN, 9, bytes(32))
    taken = []
    for forged in (note, item.body["note"].replace("\n5\n", "\n9\n"), ""):
        item = log.context.store.get("log", "cosigned")
        body = {**item.body, "size": 9, "note": forged}
        log.context.store.transact([Replace("log", "cosigned", body, item.version)])
        taken.append(witnessed_size(log.context))
    assert taken == [0, 0, 0]


def test_every_byte_of_the_stored_checkpoint_counts(log):
    log.set_policy("group notaries all w1 w2 w3\nquorum notaries\n")
    note, policy, taken = witnessed(log.context, log.grow(5)), log.policy(), []
    for at in range(len(note)):
        altered = note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1 :]
        try:
            policy.judge(altered)
            taken.append(at)
        except CheckpointError:
            pass
    assert taken == []


@pytest.mark.parametrize(("first", "second"), [(1, 1), (1, 300), (255, 1), (256, 256), (300, 500), (600, 70_000)])
def test_proofs_out_of_the_tiles_are_taken_whatever_the_sizes(first, second):
    log = Log("w1", quorum=1)
    witnessed(log.context, log.grow(first))
    witnessed(log.context, log.grow(second))
    assert log.nodes["w1"].size == first + second


def test_what_the_proofs_need_is_read_in_one_go(log):
    for name, size in zip(NAMES, (10, 300, 700), strict=True):
        log.grow(size - len(log.leaves))
        log.nodes[name].ask(log.request(0, size))
    reads = []
    get_all = log.context.files.get_all
    log.context.files.get_all = lambda paths: reads.append(paths) or get_all(paths)
    size = len(log.leaves) + 300
    log.grow(300)
    reads.clear()
    witnessed(log.context, size)
    assert len(reads) == 1
    assert len(set(reads[0])) == len(reads[0]) < 8
