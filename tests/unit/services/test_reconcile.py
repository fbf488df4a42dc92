"""The daily reconciliation finds every kind of break that is planted, invents none, and goes on where it stopped."""

import copy
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from driven_jobs import drive
from fakes import MemoryUploads
from in_memory import Platform, sample_bills
from rongtong.domain.jobs import Job
from rongtong.domain.payment import PaymentStatus
from rongtong.domain.sub_bill_range import SubBillRange
from rongtong.domain.tiles import split_tile, tile_of
from rongtong.services import incidents
from rongtong.services import sweep as sweeping
from rongtong.services.compensation_reserve import RESERVE_PK
from rongtong.services.incidents import IncidentKind, IncidentStatus, newest, open_once
from rongtong.services.jobs import load, step
from rongtong.services.ports import BankUnavailableError, PaymentAnswer
from rongtong.services.reconcile import STEPS, find, reconcile
from rongtong.services.records import iso, logged_indices
from rongtong.services.seal import record
from rongtong.services.storage import Count, Create
from rongtong.services.sweep import sweep

EACH = 3
"""So many of each kind are planted."""
DAY = "2026-04-15"


@pytest.fixture(scope="module")
def history():
    """The sample bills of one day, told and logged, two days later."""
    platform = Platform()
    bills = [bill for bill in sample_bills() if not bill.at]
    platform.bank.refuse = True
    assert platform.outcomes(bills[2:4]) == [("failed", "PAYEE_REFUSED")] * 2
    platform.bank.refuse = False
    platform.outcomes([*bills[:2], *bills[4:]])
    for item in list(platform.context.store.items.values()):
        if item.sk == "state" and "events" in item.body and item.body.get("status") != "IN_REVIEW":
            record(platform.context, item.pk)
    platform.context.clock.instant += timedelta(days=2)
    sweep(platform.context)
    return platform


@pytest.fixture
def platform(history):
    """The same, for one test to spoil."""
    spoilt = copy.copy(history)
    bank = copy.copy(history.bank)
    bank.orders, bank.paid, bank.sent_back = list(bank.orders), dict(bank.paid), list(bank.sent_back)
    store, bills = copy.copy(history.context.store), copy.copy(history.context.bills)
    store.items, store.counters, bills.taken = dict(store.items), dict(store.counters), dict(bills.taken)
    files = replace(history.context.files, files=dict(history.context.files.files))
    clock = replace(history.context.clock)
    spoilt.context = replace(
        history.context, store=store, banks=(bank,), bills=bills, files=files, clock=clock, uploads=MemoryUploads()
    )
    bank.clock = clock
    return spoilt


def _run(platform, **event):
    return drive(platform.context, Job.RECONCILIATION, STEPS, period=DAY, **event)


def _breaks(platform):
    listed = newest(platform.context, IncidentStatus.OPEN, most=10_000)["incidents"]
    return Counter((one["kind"], one["data"].get("what", "")) for one in listed)


def _paid(platform):
    """Paid discounts of the day whose money did not come back."""
    back = {one.reference for one in platform.bank.sent_back}
    found = []
    for item in platform.context.store.states("discount#"):
        payment = platform.context.store.get(item.pk, "payment#1")
        stays = item.body["status"] == "DISBURSED" and item.body["finished_at"].startswith(DAY)
        if stays and payment is not None and payment.body["reference"] not in back:
            found.append((item, payment))
    return found


def _orders(platform, count):
    """Orders of such discounts, the last of them first."""
    ours = {payment.body["reference"] for _, payment in _paid(platform)}
    return [order for order in reversed(platform.bank.orders) if order.reference in ours][:count]


def _rewrite(platform, item, **changes):
    platform.context.store.items[item.pk, item.sk] = replace(item, body={**item.body, **changes})


def _leave_out_of_the_books(platform):
    for number, order in enumerate(_orders(platform, EACH)):
        foreign = f"OTHER-{number}"
        platform.bank.orders.append(replace(order, reference=foreign))
        platform.bank.paid[foreign] = PaymentAnswer(foreign, PaymentStatus.SUCCEEDED, f"X{number}")


def _leave_out_of_the_statement(platform):
    for order in _orders(platform, EACH):
        platform.bank.orders.remove(order)


def _book_another_amount(platform):
    for order in _orders(platform, EACH):
        at = platform.bank.orders.index(order)
        platform.bank.orders[at] = replace(order, amount_fen=order.amount_fen + 1)


def _pay_twice(platform):
    platform.bank.orders += _orders(platform, EACH)


def _pay_again_the_next_day(platform):
    platform.bank.orders += [replace(order, execute_on="2026-04-16") for order in _orders(platform, EACH)]


def _pay_what_was_given_up(platform):
    failed = [order for order in platform.bank.orders if platform.bank._failed(order.reference)][:EACH]
    for order in failed:
        answer = platform.bank.paid[order.reference]
        platform.bank.paid[order.reference] = PaymentAnswer(
            order.reference, PaymentStatus.SUCCEEDED, answer.bank_serial
        )
    assert len(failed) == EACH


def _return_at_the_bank_alone(platform):
    for order in _orders(platform, EACH):
        platform.bank.send_back(order.reference)


def _take_back_endorsements(platform):
    for item, _ in _paid(platform)[:EACH]:
        del platform.context.bills.taken[item.body["bill_number"], item.body["discount_id"]]


def _refused(platform):
    """Discounts that ended unpaid, long enough ago."""
    return [item for item in platform.context.store.states("discount#") if item.body["status"] == "REFUSED"]


def _leave_locked_what_ended(platform):
    for item in _refused(platform)[:EACH]:
        taken = SubBillRange.parse(item.body["range"]), None
        platform.context.bills.taken[item.body["bill_number"], item.body["discount_id"]] = taken


def _lock_another_range(platform):
    for item, _ in _paid(platform)[:EACH]:
        rng = SubBillRange.parse(item.body["range"])
        taken = platform.context.bills.taken
        taken[item.body["bill_number"] + "X", item.body["discount_id"]] = (rng, None)


def _lock_for_nobody(platform):
    for number in range(EACH):
        platform.context.bills.taken[f"6{number:029}", f"dsc_nobody{number}"] = (SubBillRange(1, 100), None)


def _tamper_with_counters(platform):
    counters = [pk for pk, _ in platform.context.store.counters][:EACH]
    for at, pk in enumerate(counters):
        platform.context.store.transact([Count(pk, "used", 7 + at)])


def _tamper_with_turnovers(platform):
    for item in [item for item in platform.context.store.items.values() if item.sk == "used"][:EACH]:
        _rewrite(platform, item, year_fen=item.body["year_fen"] + 1)


def _lose_postings(platform):
    for item, _ in _paid(platform)[:EACH]:
        for event in platform.context.store.query(item.pk, "event#"):
            if event.body.get("beside", {}).get("journal", [""])[0] == "use":
                _rewrite(platform, event, beside={})


def _forget_whose_requests_they_are(platform):
    for item, _ in _paid(platform)[:EACH]:
        first = platform.context.store.get(item.pk, "event#0001")
        data = {name: part for name, part in first.body["event"]["data"].items() if name != "applicant_uscc"}
        _rewrite(platform, first, event={**first.body["event"], "data": data})


def _book_on_an_account_of_nobody_s(platform):
    for item, _ in _paid(platform)[:EACH]:
        for event in platform.context.store.query(item.pk, "event#"):
            journal = event.body.get("beside", {}).get("journal")
            if journal and journal[0] == "use":
                _rewrite(platform, event, beside={"journal": [*journal[:6], "client money"]})


def _alter_events(platform):
    for item, _ in _paid(platform)[:EACH]:
        event = platform.context.store.get(item.pk, "event#0002")
        _rewrite(platform, event, event={**event.body["event"], "data": {"altered": 1}})


def _lose_events(platform):
    for item, _ in _paid(platform)[:EACH]:
        del platform.context.store.items[item.pk, "event#0002"]


def _note_what_the_log_has_not(platform):
    for item, _ in _paid(platform)[:EACH]:
        size = platform.context.store.get("log", "head").body["size"]
        *before, (first, count) = item.body["logged"]
        assert count >= 1
        _rewrite(platform, item, logged=[*before, *([[first, count - 1]] if count > 1 else []), [size + 5, 1]])


def _lose_whole_discounts(platform):
    for item, _ in _paid(platform)[:EACH]:
        for key in [key for key in platform.context.store.items if key[0] == item.pk]:
            del platform.context.store.items[key]


def _keep_events_from_the_log(platform):
    for number in range(EACH):
        event = {"event": {"n": 1, "type": "Odd", "at": f"{DAY}T02:00:00.000Z", "data": {}}, "salt": "00" * 16}
        state = Create(f"change#odd{number}", "state", {"change_id": f"odd{number}", "status": "OPEN", "events": 1})
        platform.context.store.transact([state, Create(f"change#odd{number}", "event#0001", event)])


def _forget_to_pay_compensations(platform):
    for number in range(EACH):
        entry = {"entry": "compensate", "amount_fen": 1, "why": "LATE", "reference": f"C-{number}"}
        platform.context.store.transact([Create(RESERVE_PK, f"C-{number}", {**entry, "pay_by": "2026-04-16"})])
    fund = {"entry": "fund", "amount_fen": EACH, "why": "FUNDING", "reference": "F-1"}
    platform.context.store.transact([Create(RESERVE_PK, "F-1", fund)])


PLANTED = [
    (_leave_out_of_the_books, ("STATEMENT_DIFFERS", "BANK_ONLY")),
    (_leave_out_of_the_statement, ("STATEMENT_DIFFERS", "BOOKS_ONLY")),
    (_book_another_amount, ("STATEMENT_DIFFERS", "AMOUNT")),
    (_pay_twice, ("STATEMENT_DIFFERS", "PAID_TWICE")),
    (_pay_again_the_next_day, ("STATEMENT_DIFFERS", "PAID_TWICE")),
    (_pay_what_was_given_up, ("PAID_AFTER_FAILURE", "")),
    (_return_at_the_bank_alone, ("PAYMENT_RETURNED", "")),
    (_take_back_endorsements, ("PAID_NOT_ENDORSED", "")),
    (_leave_locked_what_ended, ("BILL_LOCKED", "ENDED")),
    (_lock_another_range, ("BILL_LOCKED", "ANOTHER_RANGE")),
    (_lock_for_nobody, ("BILL_LOCKED", "UNKNOWN")),
    (_forget_to_pay_compensations, ("COMPENSATION_OVERDUE", "")),
    (_tamper_with_counters, ("LIMITS_DIFFER", "")),
    (_tamper_with_turnovers, ("LIMITS_DIFFER", "")),
    (_lose_postings, ("LIMITS_DIFFER", "STATE")),
    (_alter_events, ("EVENT_NOT_IN_LOG", "ALTERED")),
    (_lose_events, ("EVENT_NOT_IN_LOG", "MISSING")),
    (_note_what_the_log_has_not, ("EVENT_NOT_IN_LOG", "BEYOND_THE_LOG")),
    (_keep_events_from_the_log, ("EVENT_UNLOGGED", "")),
]
_FOLLOWS = {
    # The leaf of an event that is another one now, or gone, is nobody's.
    _alter_events: {("LEAF_WITHOUT_EVENT", ""): EACH},
    _lose_events: {("LEAF_WITHOUT_EVENT", ""): EACH},
    _note_what_the_log_has_not: {("LEAF_WITHOUT_EVENT", ""): EACH},
}
"""What one break is another one's cause of."""


def test_a_platform_that_is_as_it_must_be_has_no_break(platform):
    before = _breaks(platform)
    found = _run(platform)
    assert _breaks(platform) == before
    assert (found["differences"], found["limits_differ"], found["event_not_in_log"]) == (0, 0, 0)
    assert (found["leaf_without_event"], found["event_unlogged"], found["moving"]) == (0, 0, 0)
    assert (found["bill_locked"], found["applications"]) == (0, 0)
    assert found["payments"] == sum(order.execute_on == DAY for order in platform.bank.orders) > 20
    assert found["discounts"] == len(platform.context.store.states("discount#")) > 200
    assert found["leaves"] == platform.context.store.get("log", "head").body["size"] > 1000


@pytest.mark.parametrize(("plant", "wanted"), PLANTED, ids=[plant.__name__.strip("_") for plant, _ in PLANTED])
def test_every_break_that_is_planted_is_found_and_no_other(platform, plant, wanted):
    before = _breaks(platform)
    plant(platform)
    _run(platform)
    assert _breaks(platform) - before == Counter({wanted: EACH, **_FOLLOWS.get(plant, {})})


def test_a_live_discount_s_lock_is_no_break(platform):
    waits = next(one for one in platform.context.store.states("discount#") if one.body["status"] == "IN_REVIEW")
    rng = SubBillRange.parse(waits.body["range"])
    platform.context.bills.taken[waits.body["bill_number"], waits.body["discount_id"]] = (rng, None)
    found = _run(platform)
    assert (found["applications"], found["bill_locked"]) == (1, 0)
    assert len(platform.context.bills.applications()) == 1


def test_a_bill_that_its_ended_discount_left_locked_is_freed_and_is_a_break_again_if_it_is_locked_again(platform):
    before = _breaks(platform)
    _leave_locked_what_ended(platform)
    _run(platform)
    assert platform.context.bills.applications() == []
    for one in newest(platform.context, IncidentStatus.OPEN, most=10_000)["incidents"]:
        if one["kind"] == "BILL_LOCKED":
            incidents.resolve(platform.context, "person-1", one["incident_id"], "FREE")
    assert _run(platform, again=True)["bill_locked"] == 0
    assert _breaks(platform) == before
    _leave_locked_what_ended(platform)
    _run(platform, again=True)
    assert _breaks(platform) - before == Counter({("BILL_LOCKED", "ENDED"): EACH})


def test_a_bill_is_left_locked_while_a_message_of_its_ended_discount_may_be_under_way(platform):
    _leave_locked_what_ended(platform)
    for item in _refused(platform)[:EACH]:
        _rewrite(platform, item, finished_at=iso(platform.context.clock.instant - timedelta(minutes=14)))
    locked = platform.context.bills.applications()
    found = _run(platform)
    assert (found["applications"], found["bill_locked"]) == (EACH, 0)
    assert platform.context.bills.applications() == locked


def test_a_posting_on_an_account_of_nobody_s_is_named_and_stops_nothing(platform):
    _book_on_an_account_of_nobody_s(platform)
    assert _run(platform)["discounts"] > 200
    assert _breaks(platform)["LIMITS_DIFFER", "LEDGER_ACCOUNT"] == EACH


def test_a_request_that_cannot_be_read_is_named_and_stops_nothing(platform):
    _forget_whose_requests_they_are(platform)
    found = _run(platform)
    assert (found["discounts"] > 200, found["event_not_in_log"]) == (True, EACH)
    assert _breaks(platform)["LIMITS_DIFFER", "UNREADABLE"] == EACH


def test_a_discount_that_is_gone_leaves_leaves_of_nobody(platform):
    gone = [len(logged_indices(item.body)) for item, _ in _paid(platform)[:EACH]]
    _lose_whole_discounts(platform)
    found = _run(platform)
    assert found["leaf_without_event"] == sum(gone)
    assert found["limits_differ"] > 0


def test_a_payment_whose_discount_is_gone_is_named_and_stops_nothing(platform):
    paid = _paid(platform)[:EACH]
    for item, _ in paid:
        del platform.context.store.items[item.pk, item.sk]
    found = _run(platform)
    assert (found["days_failed"], found["limits_differ"] > 0, found["leaf_without_event"] > 0) == ([], True, True)
    named = [
        one["reference"] for one in find(platform.context, DAY)["differences"] if one["what"] == "DISCOUNT_MISSING"
    ]
    assert sorted(named) == sorted(payment.body["reference"] for _, payment in paid)
    assert _breaks(platform)["STATEMENT_DIFFERS", "DISCOUNT_MISSING"] == EACH


def test_a_break_is_opened_once_however_often_it_is_found(platform):
    _alter_events(platform)
    _tamper_with_counters(platform)
    _leave_out_of_the_books(platform)
    _run(platform)
    once = _breaks(platform)
    _run(platform, again=True)
    assert _breaks(platform) == once


def test_what_is_on_its_way_into_the_log_is_no_break(platform):
    """Its leaves stand there, and its record does not say so yet: the writer died between the two."""
    item, _ = _paid(platform)[0]
    *before, last = item.body["logged"]
    platform.context.store.items[item.pk, item.sk] = replace(
        item, body={**item.body, "logged": before}, due="2026-04-17T01:59:00.000Z"
    )
    assert last[1] > 0
    before = _breaks(platform)
    found = _run(platform)
    assert (found["leaf_without_event"], _breaks(platform)) == (0, before)


def test_what_the_sweeper_fails_to_log_is_a_break_after_an_hour_though_it_is_put_off_again_and_again(
    platform, monkeypatch
):
    open_once(platform.context, IncidentKind.BUSINESS_UNUSUAL, "company", "company", {})

    def down(*_):
        raise RuntimeError("no answer")

    monkeypatch.setattr(sweeping, "record", down)
    before = _breaks(platform)
    for _ in range(70):
        platform.context.clock.instant += timedelta(minutes=1)
        sweep(platform.context)
    _run(platform)
    assert _breaks(platform) - before == Counter({("EVENT_UNLOGGED", ""): 1})


def test_an_event_that_is_logged_late_is_a_break_again_once_its_break_was_settled(platform):
    _keep_events_from_the_log(platform)
    _run(platform)
    listed = newest(platform.context, IncidentStatus.OPEN)["incidents"]
    for one in listed:
        if one["kind"] == "EVENT_UNLOGGED":
            incidents.resolve(platform.context, "ops-1", one["incident_id"], "LATER")
    _run(platform, again=True)
    assert _breaks(platform)[("EVENT_UNLOGGED", "")] == EACH


def test_what_is_booked_late_stays_unsure_while_the_statement_of_its_own_day_is_missing(platform):
    _pay_again_the_next_day(platform)
    statement, later = platform.bank.statement, date(2026, 4, 16)

    def missing(day):
        if day != later:
            raise BankUnavailableError("no statement")
        return statement(day)

    platform.bank.statement = missing
    again = {order.reference for order in platform.bank.orders if order.execute_on == later.isoformat()}
    result = reconcile(platform.context, later)
    assert (len(again), result["differences"], again <= set(result["unsure"])) == (EACH, [], True)
    platform.bank.statement = statement
    named = {one["reference"] for one in reconcile(platform.context, later)["differences"]}
    assert named == again


def test_a_day_whose_statement_is_missing_stops_no_other(platform):
    statement = platform.bank.statement

    def silent(day):
        if day.isoformat() == "2026-04-14":
            raise BankUnavailableError("The bank did not answer.")
        return statement(day)

    platform.bank.statement = silent
    found = _run(platform)
    assert (DAY in found["days"], found["days_failed"]) == (True, ["2026-04-14: BANK_UNAVAILABLE"])


class Impatient:
    """A clock that says after every look that the piece's time is up."""

    def __init__(self, clock):
        self._clock, self._at = clock, 0.0

    def now(self):
        return self._clock.now()

    def monotonic(self):
        self._at += 1000
        return self._at

    def sleep(self, seconds):
        pass


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr("rongtong.services.reconcile_day._AT_ONCE", 5)
    monkeypatch.setattr("rongtong.services.reconcile_exposures._PAGE", 97)
    monkeypatch.setattr("rongtong.services.reconcile_evidence._PAGE", 97)
    monkeypatch.setattr("rongtong.services.reconcile_evidence._TILES_MAX", 2)


def _spoil(platform):
    for plant in (_take_back_endorsements, _tamper_with_turnovers, _keep_events_from_the_log, _leave_out_of_the_books):
        plant(platform)


def test_a_run_in_many_pieces_finds_what_one_piece_finds(platform, small_pieces, history):
    _spoil(platform)
    platform.context = replace(platform.context, clock=Impatient(platform.context.clock))
    pieces = 0
    step(platform.context, Job.RECONCILIATION, STEPS, {"do": "begin", "period": DAY})
    for stage in STEPS.stages:
        while step(platform.context, Job.RECONCILIATION, STEPS, {"do": stage, "period": DAY})["more"]:
            pieces += 1
    found = step(platform.context, Job.RECONCILIATION, STEPS, {"do": "finish", "period": DAY})["found"]
    assert pieces > 50
    assert (found["differences"], found["limits_differ"], found["event_unlogged"]) == (2 * EACH, EACH, EACH)
    assert (found["leaf_without_event"], found["event_not_in_log"]) == (0, 0)
    assert find(platform.context, DAY)["differences_count"] == 2 * EACH


@pytest.mark.parametrize("stage", list(STEPS.stages))
def test_what_a_stage_laid_aside_and_is_gone_is_looked_at_anew(platform, small_pieces, stage):
    _spoil(platform)
    context = replace(platform.context, clock=Impatient(platform.context.clock))
    step(context, Job.RECONCILIATION, STEPS, {"do": "begin", "period": DAY})
    for _ in range(3):
        step(context, Job.RECONCILIATION, STEPS, {"do": stage, "period": DAY})
    platform.context.uploads.files.clear()
    found = _run(platform)
    assert (found["differences"], found["limits_differ"], found["event_unlogged"]) == (2 * EACH, EACH, EACH)
    assert load(context, Job.RECONCILIATION, DAY).body["status"] == "SUCCEEDED"


def test_a_forged_leaf_is_found_by_its_number(platform):
    """The log's last tile gets a leaf that no event makes, and the head says so."""
    head = platform.context.store.get("log", "head")
    size = head.body["size"]
    tile = tile_of(0, size // 256, size)
    hashes = split_tile(tile, platform.context.files.files[tile.path()])
    grown = tile_of(0, size // 256, size + 1)
    platform.context.files.files[grown.path()] = b"".join([*hashes, b"\x07" * 32])
    _rewrite(platform, head, size=size + 1)
    _run(platform)
    listed = newest(platform.context, IncidentStatus.OPEN)["incidents"]
    assert [one["data"] for one in listed if one["kind"] == "LEAF_WITHOUT_EVENT"] == [{"index": size}]


@pytest.mark.parametrize("dies_at", [1, 2, 3, 5, 8, 13, 21])
def test_a_run_that_is_killed_finds_the_rest_on_its_next_execution_and_opens_nothing_twice(platform, dies_at):
    _spoil(platform)
    before, writes = _breaks(platform), []

    def die(_):
        writes.append(1)
        if len(writes) == dies_at:
            raise RuntimeError("killed")

    platform.context.store.before_write = die
    with pytest.raises(RuntimeError):
        _run(platform)
    found = _run(platform)
    assert (found["differences"], found["limits_differ"], found["event_unlogged"]) == (2 * EACH, EACH, EACH)
    assert sum((_breaks(platform) - before).values()) == 4 * EACH
