"""What the platform promises, whatever dies, repeats, hangs or answers late: one sentence, one check."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from outside_world import World

from rongtong.domain.checkpoint import open_checkpoint
from rongtong.domain.exposure import reservation_of
from rongtong.domain.lifecycle import UNPAID_ENDS, DiscountStatus
from rongtong.domain.merkle import leaf_hash, root
from rongtong.domain.payment import parse_reference
from rongtong.domain.receipt import receipt_bytes, verify_receipt
from rongtong.services import evidence_log, exposure_ledger, held_notice, invariants
from rongtong.services.cosigning import WITNESSES_KEY, log_key, policy_of
from rongtong.services.payments import series_of
from rongtong.services.receipts import receipt
from rongtong.services.records import at_rest
from rongtong.services.reservations import USED
from rongtong.services.sweep import sweep
from rongtong.services.tile_log import staged

PAID = {DiscountStatus.DISBURSED, DiscountStatus.RETURNED}


def at_most_one_payment_per_discount_is_kept_by_the_payee(world: World) -> None:
    kept = world.bank.kept()
    assert len(kept) <= 1, f"the payee keeps {sorted(kept)}"
    for reference in world.bank.kept_or_back():
        assert parse_reference(reference)[0] == world.discount_id, "another's reference was paid"


def the_bank_s_statement_is_our_books(world: World) -> None:
    state = world.state()
    kept = {ref: order.amount_fen for ref, order in world.bank.kept().items()}
    if world.scenario.booked_late and "PAID_AFTER_FAILURE" in _open(world):
        return  # the bank broke its word, and a person knows
    books = {}
    if state is not None and state.body["status"] == DiscountStatus.DISBURSED:
        payment = world.store.get(state.pk, f"payment#{series_of(state)}")
        assert payment is not None, "paid without a payment"
        books = {payment.body["reference"]: state.body["proceeds_fen"]}
    assert kept == books, f"the bank says {kept}, the books {books}"


def money_moves_only_for_a_sealed_discount(world: World) -> None:
    # Looked at in the very moment in which the bank booked.
    assert world.unsealed == [], f"money moved although {world.unsealed}"


def nothing_is_begun_while_business_is_suspended(world: World) -> None:
    assert not world.paid_while_suspended, "a payment was begun while business was suspended"


def a_paid_bill_is_endorsed_or_an_incident_is_open(world: World) -> None:
    state = world.state()
    if state is None or state.body["status"] not in PAID:
        return
    taken = world.bills.taken.get((state.body["bill_number"], world.discount_id))
    endorsed = taken is not None and taken[1] is not None
    assert endorsed or "PAID_NOT_ENDORSED" in _open(world), "paid, not endorsed, and nobody knows"
    assert endorsed is (state.body.get("endorsed") is not False), "the books say otherwise than the registry"


def money_that_came_back_is_an_open_incident(world: World) -> None:
    state = world.state()
    if state is not None and state.body["status"] == DiscountStatus.RETURNED:
        assert "PAYMENT_RETURNED" in _open(world), "the money came back and nobody knows"


def a_bill_that_was_not_paid_is_given_back(world: World) -> None:
    state = world.state()
    if state is not None and state.body["status"] in UNPAID_ENDS:
        assert (state.body["bill_number"], world.discount_id) not in world.bills.taken, (
            "the bill is still locked or gone"
        )
        package = world.store.get(f"package#{state.body['bill_number']}", "state")
        assert package is not None, "its range was never taken"
        assert package.body["ranges"] == {}, "its range is still taken"


def limits_used_are_the_limits_of_live_discounts(world: World) -> None:
    state = world.state()
    returned = state is None or reservation_of(DiscountStatus(state.body["status"])) == "RETURNED"
    face = 0 if returned or state is None else state.body["face_fen"]
    used = {key: fen for key, fen in world.store.counters.items() if key[1] == USED}
    assert set(used.values()) <= {face}, f"counters {used} for a face of {face}"
    turnovers = [item.body for item in world.store.items.values() if item.sk == USED]
    assert all(turnover["day_fen"] == face for turnover in turnovers), f"turnover {turnovers} for a face of {face}"


def postings_balance_and_add_up_to_the_limits(world: World) -> None:
    report = exposure_ledger.check(world.quiet(), quiet_s=0)
    assert (report["differences"], report["faults"]) == ([], []), f"{report['differences']} {report['faults']}"


def every_event_has_exactly_one_entry_in_the_ledger_and_it_verifies(world: World) -> None:
    state = world.state()
    if state is None or state.body["status"] not in PAID | UNPAID_ENDS:
        return
    content = receipt_bytes(receipt(world.quiet(), state))
    proved = verify_receipt(content, policy_of(world.quiet(), world.store.get(*WITNESSES_KEY)))
    stored = world.store.query(state.pk, "event#")
    assert len(proved.events) == len(stored) == state.body["events"], "an event is not in the receipt"
    indices = [at for first, count in state.body["logged"] for at in range(first, first + count)]
    assert len(set(indices)) == len(stored), "two events claim one entry"


def the_log_is_one_tree_under_its_newest_signed_head(world: World) -> None:
    head = world.store.get("log", "head")
    if head is None:
        return
    opened = open_checkpoint(head.body["note"], log_key(world.quiet()))
    entries: list[bytes] = []
    while len(entries) < opened.size:
        entries += staged(world.files, len(entries)).entries
    assert root([leaf_hash(entry) for entry in entries]) == opened.root, "the leaves are not those of the signed head"
    known = {evidence_log.leaf_of(item.body) for item in world.store.items.values() if "event" in item.body}
    assert set(entries) <= known, "the log holds what never happened"
    assert len(set(entries)) == len(entries), "a leaf stands in the log twice"


def what_is_stored_holds_what_a_restored_backup_must(world: World) -> None:
    def archived(key: str) -> str | None:
        content = world.quiet().archive.get(key)
        return None if content is None else hashlib.sha256(content).hexdigest()

    found = invariants.check(world.quiet(), archived).broken
    # The enterprise stands there as the world begins: nobody registered it, and nobody looks after it.
    broken = [(one.promise.name, one.subject, one.told) for one in found if not one.subject.startswith("enterprise#")]
    assert broken == [], f"{broken}"


def every_acknowledged_request_can_be_found(world: World) -> None:
    for discount_id in world.acknowledged:
        assert world.store.get(f"discount#{discount_id}", "state") is not None, "an acknowledged request is lost"


def the_enterprise_is_told_once_how_it_ended(world: World) -> None:
    state = world.state()
    if state is None or state.body["status"] not in PAID | UNPAID_ENDS:
        return
    told = [reference for reference in world.sms.sent if reference.startswith(state.pk)]
    told = [reference for reference in told if world.sms.sent[reference][1] != held_notice.TEXT]
    final = {"DiscountPaid", "DiscountRefused", "DiscountFailed", "PaymentReturned"}
    events = [item for item in world.store.query(state.pk, "event#") if item.body["event"]["type"] in final]
    assert sorted(told) == [f"{state.pk}/{item.sk}" for item in events], "an end was not told, or told under two names"


def the_enterprise_is_told_once_that_it_waits_for_a_person(world: World) -> None:
    state = world.state()
    if state is None:
        return
    events = [item for item in world.store.query(state.pk, "event#") if item.body["event"]["type"] == "BillVerified"]
    reviewed = [f"{state.pk}/{item.sk}" for item in events if item.body["event"]["data"]["outcome"] == "review"]
    told = [name for name, (_, text) in world.sms.sent.items() if text == held_notice.TEXT]
    assert told in ([], reviewed), f"told {told} of {reviewed}"
    assert told == reviewed or not world.scenario.reviewed_after_s, "held for long and never told"
    notices = [item for item in world.store.items.values() if item.sk == held_notice.HELD]
    assert len(notices) == len(reviewed), "a notice without a review, or a review without its notice"


def nothing_waits_for_ever_unseen(world: World) -> None:
    waiting = [item.pk for item in world.due() if not _visible(world, item)]
    assert waiting == [], f"still to be looked after: {waiting}"
    state = world.state()
    if state is not None and not _visible(world, state):
        assert at_rest(state.body), f"the discount is {state.body['status']} and not at rest"


def a_sweep_at_rest_changes_nothing(world: World) -> None:
    before = dict(world.store.items)
    world.clock.passed_s += 86_400
    if all(_visible(world, item) for item in world.due()) and world.due():
        return
    sweep(world.context)
    assert world.store.items == before, "something was still to be done"


def _visible(world: World, item: object) -> bool:
    """Whether operations or the partner see that it waits for a person: held business."""
    body = getattr(item, "body", {})
    return "held" in body


def _open(world: World) -> set[str]:
    found = [item.body for item in world.store.items.values() if item.pk.startswith("incident#") and item.sk == "state"]
    return {incident["kind"] for incident in found if incident["status"] == "OPEN"}


PROMISES: tuple[Callable[[World], None], ...] = (
    at_most_one_payment_per_discount_is_kept_by_the_payee,
    the_bank_s_statement_is_our_books,
    money_moves_only_for_a_sealed_discount,
    nothing_is_begun_while_business_is_suspended,
    a_paid_bill_is_endorsed_or_an_incident_is_open,
    money_that_came_back_is_an_open_incident,
    a_bill_that_was_not_paid_is_given_back,
    limits_used_are_the_limits_of_live_discounts,
    postings_balance_and_add_up_to_the_limits,
    every_event_has_exactly_one_entry_in_the_ledger_and_it_verifies,
    the_log_is_one_tree_under_its_newest_signed_head,
    what_is_stored_holds_what_a_restored_backup_must,
    every_acknowledged_request_can_be_found,
    the_enterprise_is_told_once_how_it_ended,
    the_enterprise_is_told_once_that_it_waits_for_a_person,
    nothing_waits_for_ever_unseen,
    a_sweep_at_rest_changes_nothing,
)
