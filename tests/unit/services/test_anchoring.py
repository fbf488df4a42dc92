"""Anchoring: the cosigned log on a chain, whoever crashes, comes second or is down, and payments that wait for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chain_fakes import MemoryChain
from in_memory import Platform, sample_bills
from rongtong.domain.receipt import chain_key, receipt_bytes, verify_receipt
from rongtong.services.anchoring import (
    ANCHORED_KEY,
    ANCHORS_PK,
    NotAnchoredError,
    anchor,
    anchored_note,
    require_anchored,
)
from rongtong.services.cosigning import witnessed, witnessed_size
from rongtong.services.disburse import disburse
from rongtong.services.discounts import load
from rongtong.services.errors import BusyError
from rongtong.services.evidence_log import head_of
from rongtong.services.ports import ChainConflictError, ChainUnavailableError
from rongtong.services.receipts import receipt
from rongtong.services.seal import record, seal
from rongtong.services.storage import Item, WriteConflictError
from rongtong.services.sweep import sweep
from rongtong.services.verify_bill import verify
from witness_fakes import NAMES, Log, make_node

GOOD, OTHER = sample_bills()[2], sample_bills()[3]


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def log():
    made = Log(*NAMES)
    made.context = replace(made.context, chain=MemoryChain())
    return made


@pytest.fixture
def chain(log):
    return log.context.chain


def cosigned(log, count=5):
    """So many more leaves, cosigned; the checkpoint."""
    return witnessed(log.context, log.grow(count))


def furthest(context):
    found = context.store.get(*ANCHORED_KEY)
    return None if found is None else found.body


def logged(*ranges):
    return Item("discount#d1", "state", {"logged": [list(one) for one in ranges]}, 1)


def once(act):
    """A hook that acts at its first call."""
    left = [act]

    def hook(*_):
        if left:
            left.pop()()

    return hook


def kill():
    raise Killed


def test_the_newest_cosigned_checkpoint_stands_on_the_chain_under_the_hash_of_its_text(log, chain):
    cosigned(log)
    note = cosigned(log)
    anchor(log.context)
    assert chain.values == {chain_key(note): note}


def test_one_transaction_holds_all_events_under_its_checkpoint(log, chain):
    cosigned(log, 300)
    anchor(log.context)
    assert len(chain.receipts) == 1


def test_the_answer_is_where_the_checkpoint_stands(log):
    key = chain_key(cosigned(log))
    told = anchor(log.context)
    assert told == {"size": 5, "key": key, "transaction_id": "transaction-1", "block": 1, "code": "VALID"}


def test_what_no_quorum_has_cosigned_is_not_put_on_the_chain(log, chain):
    note = cosigned(log)
    log.grow(3)
    anchor(log.context)
    assert list(chain.values.values()) == [note]


def test_while_nothing_was_cosigned_nothing_is_put_on_the_chain(log, chain):
    log.grow(3)
    assert (anchor(log.context), chain.values) == ({}, {})


def test_a_repeat_does_not_ask_the_chain(log, chain):
    cosigned(log)
    first = anchor(log.context)
    chain.down = True
    assert anchor(log.context) == first


def test_every_anchor_stays_on_record(log):
    for _ in range(3):
        cosigned(log)
        anchor(log.context)
    records = log.context.store.query(ANCHORS_PK, "")
    assert [(item.body["size"], item.body["block"]) for item in records] == [(5, 1), (10, 2), (15, 3)]


def test_an_anchor_that_reaches_far_enough_is_enough_for_who_names_a_size(log, chain):
    cosigned(log)
    first = anchor(log.context, 5)
    cosigned(log)
    assert (anchor(log.context, 3), len(chain.values)) == (first, 1)


def test_who_names_more_leaves_than_are_cosigned_is_refused(log):
    cosigned(log)
    with pytest.raises(NotAnchoredError):
        anchor(log.context, 6)


def test_where_no_chain_is_configured_nothing_counts_as_anchored(log):
    cosigned(log)
    with pytest.raises(ChainUnavailableError):
        anchor(replace(log.context, chain=None), 5)


@pytest.mark.parametrize("place", ["chain before", "chain after", "store before", "store after"])
def test_a_crash_at_any_step_leaves_nothing_that_a_repeat_does_not_find(log, chain, place):
    note = cosigned(log)
    on, when = place.split()
    if on == "chain":
        setattr(chain, when, once(kill))
    else:
        setattr(log.context.store, f"{when}_write", once(kill))
    with pytest.raises(Killed):
        anchor(log.context)
    anchor(log.context)
    assert (furthest(log.context)["note"], chain.values) == (note, {chain_key(note): note})
    assert len(chain.receipts) == len(log.context.store.query(ANCHORS_PK, "")) == 1


def test_a_lost_answer_of_the_chain_is_found_by_the_repeat(log, chain):
    cosigned(log)

    def lose():
        raise ChainUnavailableError("no answer")

    chain.after = once(lose)
    with pytest.raises(ChainUnavailableError):
        anchor(log.context)
    assert furthest(log.context) is None
    anchor(log.context)
    assert (furthest(log.context)["block"], len(chain.receipts)) == (1, 1)


def test_after_an_outage_the_next_anchor_covers_all_that_waited(log, chain):
    cosigned(log)
    anchor(log.context)
    chain.down = True
    for _ in range(4):
        cosigned(log)
        with pytest.raises(ChainUnavailableError):
            anchor(log.context)
    chain.down = False
    anchor(log.context)
    assert (furthest(log.context)["size"], len(chain.receipts)) == (25, 2)


def test_two_that_anchor_the_same_checkpoint_at_once_put_it_once(log, chain):
    cosigned(log)
    answers = []
    chain.before = once(lambda: answers.append(anchor(log.context)))
    answers.append(anchor(log.context))
    assert answers[0] == answers[1]
    assert len(chain.receipts) == len(log.context.store.query(ANCHORS_PK, "")) == 1


def test_a_slower_writer_never_moves_the_anchor_back(log, chain):
    cosigned(log)

    def overtake():
        cosigned(log)
        anchor(log.context)

    chain.after = once(overtake)
    anchor(log.context)
    assert furthest(log.context)["size"] == 10
    assert [item.body["size"] for item in log.context.store.query(ANCHORS_PK, "")] == [5, 10]


def test_a_writer_that_meets_another_at_the_record_looks_again(log):
    cosigned(log)

    def overtake():
        anchor(log.context)

    log.context.store.before_write = once(overtake)
    anchor(log.context)
    assert len(log.context.store.query(ANCHORS_PK, "")) == 1


def test_who_meets_others_again_and_again_says_so(log):
    cosigned(log)

    def conflict(writes):
        raise WriteConflictError("changed", failed=(0,))

    log.context.store.before_write = conflict
    with pytest.raises(BusyError):
        anchor(log.context)


@pytest.mark.parametrize("there", ["something else", "unsigned\n1\nAA==\n"])
def test_another_value_under_the_key_is_a_conflict_and_nothing_counts_as_anchored(log, chain, there):
    chain.values[chain_key(cosigned(log))] = there
    with pytest.raises(ChainConflictError):
        anchor(log.context)
    assert furthest(log.context) is None


def test_another_checkpoint_of_the_log_under_the_key_is_a_conflict(log, chain):
    earlier = cosigned(log)
    chain.values[chain_key(cosigned(log))] = earlier
    with pytest.raises(ChainConflictError):
        anchor(log.context)


def test_the_same_checkpoint_under_a_former_witness_s_cosignature_is_on_the_chain_already(log, chain):
    before = cosigned(log)
    told = anchor(log.context)
    _renew_all_witnesses(log)
    assert anchored_note(log.context, 5) is None
    after = witnessed(log.context, 5)
    assert anchor(log.context) == told
    assert (anchored_note(log.context, 5), list(chain.values.values())) == (after, [before])


def _renew_all_witnesses(log):
    for name in NAMES:
        log.nodes[name] = make_node(name, log.key, seed=f"renewed {name}")
    log.door.nodes.update({f"https://{name}.example": node for name, node in log.nodes.items()})
    lines = [f"witness {name} {node.witness.key().text()} https://{name}.example" for name, node in log.nodes.items()]
    item = log.context.store.get("platform", "witnesses")
    policy = "\n".join([*lines, f"group notaries 2 {' '.join(NAMES)}", "quorum notaries", ""])
    log.context.store.transact([item.replaced({"policy": policy})])


def test_what_is_not_under_an_anchored_checkpoint_is_refused(log):
    cosigned(log)
    anchor(log.context)
    require_anchored(log.context, logged((0, 2), (4, 1)))
    with pytest.raises(NotAnchoredError):
        require_anchored(log.context, logged((0, 2), (4, 2)))


def test_what_has_nothing_in_the_log_is_refused(log):
    cosigned(log)
    anchor(log.context)
    with pytest.raises(NotAnchoredError):
        require_anchored(log.context, logged())


# Payments, receipts and the sweeper.


def platform_with(*, waits):
    made = Platform()
    made.context = replace(made.context, chain=MemoryChain(), payment_waits_for_chain=waits)
    return made


@pytest.fixture
def waiting():
    """A platform whose payments wait for the chain."""
    return platform_with(waits=True)


@pytest.fixture
def following():
    """A platform whose chain follows."""
    return platform_with(waits=False)


def verified(platform, bill=GOOD, key="key-1"):
    discount_id = platform.accept(bill, key)
    verify(platform.context, discount_id)
    return discount_id


def paid(platform, bill=GOOD, key="key-1"):
    discount_id = verified(platform, bill, key)
    platform.pay(discount_id)
    return discount_id


def sweep_later(platform):
    platform.context.clock.instant += timedelta(minutes=1)
    return sweep(platform.context)


def test_a_payment_that_waits_for_the_chain_is_not_made_while_it_is_down(waiting):
    discount_id = verified(waiting)
    waiting.context.chain.down = True
    with pytest.raises(ChainUnavailableError):
        seal(waiting.context, discount_id)
    with pytest.raises(NotAnchoredError):
        disburse(waiting.context, discount_id)
    assert (waiting.bank.orders, waiting.context.bills.taken) == ([], {})


def test_a_payment_that_waits_for_the_chain_is_made_by_the_same_tasks_once_it_is_back(waiting):
    discount_id = verified(waiting)
    waiting.context.chain.down = True
    with pytest.raises(ChainUnavailableError):
        seal(waiting.context, discount_id)
    waiting.context.chain.down = False
    waiting.pay(discount_id)
    assert len(waiting.bank.orders) == 1


def test_a_payment_that_waits_for_the_chain_goes_on_after_a_sweep_alone(waiting):
    discount_id = verified(waiting)
    waiting.context.chain.down = True
    with pytest.raises(ChainUnavailableError):
        seal(waiting.context, discount_id)
    waiting.context.chain.down = False
    sweep_later(waiting)
    assert disburse(waiting.context, discount_id)["payment"] == "SUCCEEDED"


def test_when_money_moves_the_chain_holds_the_sealed_contract_s_checkpoint(waiting):
    discount_id = verified(waiting)
    seal(waiting.context, discount_id)
    assert anchored_note(waiting.context, _until(waiting, discount_id)) in waiting.context.chain.values.values()
    assert disburse(waiting.context, discount_id)["payment"] == "SUCCEEDED"


def _until(platform, discount_id):
    return max(start + count for start, count in load(platform.context, discount_id).body["logged"])


def test_a_second_discount_of_the_same_checkpoint_asks_the_chain_for_nothing(waiting):
    first, second = verified(waiting), verified(waiting, OTHER, "key-2")
    seal(waiting.context, first)
    seal(waiting.context, second)
    asked = waiting.context.chain.asked
    seal(waiting.context, first)
    seal(waiting.context, second)
    assert (asked, waiting.context.chain.asked) == (2, 2)


def test_a_payment_that_waits_for_the_quorum_alone_is_made_while_the_chain_is_down(following):
    following.context.chain.down = True
    paid(following)
    assert len(following.bank.orders) == 1


def test_the_chain_follows_with_the_next_sweep(following):
    discount_id = paid(following)
    sweep_later(following)
    assert furthest(following.context)["size"] >= _until(following, discount_id)
    assert furthest(following.context)["note"] in following.context.chain.values.values()


def test_a_chain_that_is_down_is_told_by_every_sweep_and_catches_up_by_itself(following):
    following.context.chain.down = True
    paid(following)
    assert sweep_later(following)["failed"] == ["log: CHAIN_UNAVAILABLE"]
    paid(following, OTHER, "key-2")
    assert sweep_later(following)["failed"] == ["log: CHAIN_UNAVAILABLE"]
    following.context.chain.down = False
    assert sweep_later(following)["failed"] == []
    assert furthest(following.context)["size"] == head_of(following.context).body["size"]
    assert len(following.context.chain.receipts) == 1


def test_a_chain_that_fails_keeps_the_sweep_from_nothing_else(following):
    following.accept(GOOD)
    following.context.workflows.executions.clear()
    following.context.workflows.discounts.clear()

    def broken():
        raise RuntimeError

    following.context.chain.before = broken
    cosign_all(following)
    assert sweep_later(following)["failed"] == ["log: RuntimeError"]
    assert len(following.context.workflows.discounts) == 1


def cosign_all(platform):
    """The newest head under a quorum; something is in the log."""
    for (_, _), enterprise_id in platform.ids.items():
        record(platform.context, f"enterprise#{enterprise_id}")
    witnessed(platform.context, head_of(platform.context).body["size"])


def test_the_sweep_brings_the_newest_head_under_a_quorum():
    platform = Platform()
    paid(platform)
    head = head_of(platform.context).body["size"]
    assert witnessed_size(platform.context) < head
    sweep_later(platform)
    assert witnessed_size(platform.context) >= head


def test_a_sweep_without_a_quorum_says_so_and_looks_after_the_rest():
    platform = Platform()
    paid(platform)
    platform.accept(OTHER, "key-2")
    platform.context.workflows.executions.clear()
    platform.context.workflows.discounts.clear()
    for node in platform.nodes.values():
        node.down = True
    assert sweep_later(platform)["failed"] == ["log: NO_QUORUM"]
    assert len(platform.context.workflows.discounts) == 1


def test_without_a_quorum_what_was_cosigned_before_still_goes_onto_the_chain(following):
    paid(following)
    for node in following.nodes.values():
        node.down = True
    sweep_later(following)
    assert furthest(following.context)["size"] == witnessed_size(following.context) > 0


def test_a_receipt_under_an_anchored_checkpoint_names_its_key_on_the_chain(following):
    discount_id = paid(following)
    sweep_later(following)
    made = receipt(following.context, load(following.context, discount_id))
    proved = verify_receipt(receipt_bytes(made), following.trust)
    assert following.context.chain.get(proved.chain_key) == made["checkpoint"]


def test_a_receipt_names_no_chain_until_it_holds_the_discount(following):
    first = paid(following)
    sweep_later(following)
    second = paid(following, OTHER, "key-2")
    made = receipt(following.context, load(following.context, second))
    assert verify_receipt(receipt_bytes(made), following.trust).chain_key is None
    assert receipt(following.context, load(following.context, first))["chain"] is not None


def test_without_a_chain_a_receipt_names_none():
    platform = Platform()
    discount_id = paid(platform)
    sweep_later(platform)
    assert receipt(platform.context, load(platform.context, discount_id))["chain"] is None
