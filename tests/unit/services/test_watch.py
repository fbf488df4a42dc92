"""What the watch measures, each against what was done to the platform."""

from dataclasses import replace
from datetime import timedelta

import pytest

from in_memory import Platform, sample_bills
from rongtong.domain import measures as m
from rongtong.domain.calendar import WorkingCalendar
from rongtong.domain.incident import IncidentKind
from rongtong.domain.jobs import Job
from rongtong.services.cosigning import NoQuorumError, witnessed
from rongtong.services.deliveries import new_delivery
from rongtong.services.disburse import disburse
from rongtong.services.errors import NotFoundError
from rongtong.services.incidents import open_once, resolve
from rongtong.services.jobs import job_pk
from rongtong.services.notify import notify
from rongtong.services.ports import SmsUnavailableError
from rongtong.services.records import LIMITS_KEY, STATE, institution_pk, iso
from rongtong.services.seal import record, seal
from rongtong.services.storage import Create
from rongtong.services.sweep import sweep
from rongtong.services.verify_bill import verify
from rongtong.services.waiting import confirm, decide_review
from rongtong.services.watch import seen, watch

SAMPLES = sample_bills()
DOUBTFUL = [bill for bill in SAMPLES if bill.expected == "in_review"]
GOOD, OTHER = [bill for bill in SAMPLES if bill.expected == "disbursed" and bill.bill and not bill.quote][:2]
MINUTE = timedelta(minutes=1)


class Meter:
    """Remembers what was noted."""

    def __init__(self):
        self.noted = []

    def note(self, name, value):
        self.noted.append((name, value))


@pytest.fixture
def platform():
    """Nothing is left to tell or to log."""
    made = Platform()
    for item in made.context.store.states("enterprise#"):
        notify(made.context, item.pk)
        record(made.context, item.pk)
    return made


def _watch(platform, letters=None):
    return watch(platform.context, lambda: letters or {})


def _measured(platform, *names, letters=None):
    found = _watch(platform, letters)["measures"]
    return found[names[0]] if len(names) == 1 else tuple(found[name] for name in names)


def _pass(platform, span):
    platform.context.clock.instant += span


def _sealed(platform, bill=GOOD, key="key-1"):
    discount_id = platform.accept(bill, key)
    verify(platform.context, discount_id)
    seal(platform.context, discount_id)
    return discount_id


def test_a_healthy_platform_is_measured_as_such_in_every_measure_that_the_watch_has(platform):
    platform.run(platform.accept(GOOD))
    found = _watch(platform)
    assert found["failed"] == {}
    own = {m.PAID_AFTER, *m.PAID_WITHIN_MS, m.BANK_UNANSWERED, m.REGISTRY_UNANSWERED}
    own |= {m.REQUESTS_REFUSED, m.PAGES_REFUSED, *m.REFUSALS.values()}
    assert set(found["measures"]) == set(m.UNITS) - own
    alarming = {name: value for name, value in found["measures"].items() if value and name != m.LIMIT_USED}
    assert alarming == {m.WITNESS_QUORUM: 1}


def test_what_was_found_last_is_kept_for_operations(platform):
    with pytest.raises(NotFoundError):
        seen(platform.context)
    found = _watch(platform)
    assert seen(platform.context) == found
    _pass(platform, MINUTE)
    assert seen(platform.context)["at"] != _watch(platform)["at"]


def test_a_discount_is_stuck_ten_minutes_after_it_was_due(platform):
    discount_id = platform.accept(GOOD)
    _pass(platform, 9 * MINUTE)
    assert _measured(platform, m.DISCOUNTS_STUCK) == 0
    _pass(platform, 2 * MINUTE)
    found = _watch(platform)
    assert found["measures"][m.DISCOUNTS_STUCK] == 1
    assert [one["discount_id"] for one in found["details"]["discounts"]["stuck"]] == [discount_id]


def test_a_discount_that_is_held_by_a_suspension_is_not_stuck(platform):
    discount_id = platform.accept(GOOD)
    item = platform.discount(discount_id)
    platform.context.store.transact([item.replaced({**item.body, "held": "SUSPENDED"})])
    _pass(platform, 20 * MINUTE)
    assert _measured(platform, m.DISCOUNTS_STUCK) == 0


def test_a_payment_of_which_the_bank_says_nothing_is_counted_with_its_age_until_the_bank_does(platform):
    discount_id = _sealed(platform)
    platform.bank.lose_answers = 2
    assert disburse(platform.context, discount_id)["payment"] == "UNKNOWN"
    _pass(platform, 12 * MINUTE)
    found = _watch(platform)
    assert (found["measures"][m.PAYMENTS_UNKNOWN], found["measures"][m.PAYMENTS_UNKNOWN_AGE]) == (1, 720)
    (shown,) = found["details"]["payments"]["unknown"]
    assert shown["reference"] == platform.context.store.get(f"discount#{discount_id}", "payment#1").body["reference"]
    platform.bank.lose_answers = 0
    platform.pay(discount_id)
    assert _measured(platform, m.PAYMENTS_UNKNOWN, m.PAYMENTS_UNKNOWN_AGE) == (0, 0)


def _doubtful(platform, bill=DOUBTFUL[0], key="key-1"):
    discount_id = platform.accept(bill, key)
    platform.run(discount_id)
    assert platform.body(discount_id)["status"] == "IN_REVIEW"
    return discount_id


@pytest.mark.parametrize("approve", [True, False])
def test_what_waits_for_a_reviewer_is_counted_with_the_oldest_ones_age_until_it_is_decided(platform, approve):
    first = _doubtful(platform)
    _pass(platform, 90 * MINUTE)
    _doubtful(platform, DOUBTFUL[1], "key-2")
    _pass(platform, 30 * MINUTE)
    found = _watch(platform)
    assert (found["measures"][m.REVIEWS_WAITING], found["measures"][m.REVIEWS_AGE]) == (2, 7200)
    assert found["details"]["reviews"]["waiting"][0]["discount_id"] == first
    decide_review(platform.context, "operations", platform.discount(first), approve=approve, note="FILES_SEEN")
    assert _measured(platform, m.REVIEWS_WAITING, m.REVIEWS_AGE) == (1, 1800)


def test_a_night_and_days_off_age_no_review(platform):
    _doubtful(platform)
    assert iso(platform.context.clock.now()) == "2026-04-15T02:00:00.000Z", "ten in the morning of a Wednesday"
    _pass(platform, timedelta(days=1))
    assert _measured(platform, m.REVIEWS_AGE) == 8 * 3600
    _pass(platform, timedelta(days=3))
    assert _measured(platform, m.REVIEWS_AGE) == (7 + 8 + 8) * 3600


def test_a_review_is_seen_on_its_last_day_among_others_that_wait_for_their_confirmation(platform):
    old = _doubtful(platform)
    _pass(platform, timedelta(days=13, hours=2))
    platform.run(platform.accept(GOOD, "key-2", confirmed=False))
    found = _watch(platform)
    assert [one["discount_id"] for one in found["details"]["reviews"]["waiting"]] == [old]


def test_reviews_are_not_measured_by_guessed_working_days(platform):
    _doubtful(platform)
    platform.context = replace(platform.context, calendar=WorkingCalendar({}))
    found = _watch(platform)
    assert found["failed"] == {"reviews": "CALENDAR_UNCONFIRMED"}
    assert m.REVIEWS_AGE not in found["measures"]


def test_what_ended_and_was_not_told_is_the_outbox(platform):
    discount_id = _sealed(platform)
    assert disburse(platform.context, discount_id)["payment"] == "SUCCEEDED"
    _pass(platform, 5 * MINUTE)
    found = _watch(platform)
    assert found["measures"][m.OUTBOX_AGE] == 300
    assert f"discount#{discount_id}" in [one["record"] for one in found["details"]["queues"]["outbox"]]
    platform._tell(discount_id)
    assert _measured(platform, m.OUTBOX_AGE) == 0


def test_what_the_sweeper_cannot_tell_grows_older_however_often_it_is_put_off(platform, monkeypatch):
    disburse(platform.context, _sealed(platform))

    def down(*_):
        raise SmsUnavailableError("down")

    monkeypatch.setattr(platform.context.sms, "send", down)
    for _ in range(20):
        _pass(platform, MINUTE)
        sweep(platform.context)
    assert _measured(platform, m.OUTBOX_AGE) == 1200
    monkeypatch.undo()
    for _ in range(6):
        _pass(platform, MINUTE)
        sweep(platform.context)
    assert _measured(platform, m.OUTBOX_AGE) == 0


def test_a_discount_that_the_sweeper_cannot_begin_is_stuck_however_often_it_is_put_off(platform, monkeypatch):
    discount_id = platform.accept(GOOD)

    def down(*_):
        raise RuntimeError("no answer")

    monkeypatch.setattr(platform.context.workflows, "execution", down)
    for _ in range(11):
        _pass(platform, MINUTE)
        sweep(platform.context)
    found = _watch(platform)
    assert [one["discount_id"] for one in found["details"]["discounts"]["stuck"]] == [discount_id]


def test_a_delivery_that_its_receiver_does_not_take_is_counted_by_its_endpoint(platform):
    now = platform.context.clock.now()
    event = {"n": 1, "type": "DiscountRequested"}
    platform.context.store.transact([new_delivery("whe_a", "discount#dsc_a", event, "requested", now)])
    _pass(platform, 70 * MINUTE)
    found = _watch(platform)
    assert (found["measures"][m.WEBHOOK_BACKLOG], found["measures"][m.WEBHOOK_BACKLOG_AGE]) == (1, 4200)
    assert found["details"]["webhooks"]["waiting"] == {"whe_a": 1}


def test_leaves_that_nobody_cosigned_are_late_from_the_minute_in_which_they_were_seen(platform):
    platform.run(platform.accept(GOOD))
    _cosign(platform)
    _watch(platform)
    _pass(platform, MINUTE)
    _silence(platform, "w1", "w2")
    discount_id = platform.accept(OTHER, "key-2")
    verify(platform.context, discount_id)
    with pytest.raises(NoQuorumError):
        seal(platform.context, discount_id)
    assert _measured(platform, m.CHECKPOINT_LAG) == 0
    _pass(platform, 4 * MINUTE)
    assert _measured(platform, m.CHECKPOINT_LAG, m.CHECKPOINT_AGE) == (240, 300)


def test_a_log_that_nothing_was_appended_to_for_hours_is_not_late(platform):
    platform.run(platform.accept(GOOD))
    _cosign(platform)
    _watch(platform)
    _pass(platform, timedelta(hours=9))
    assert _measured(platform, m.CHECKPOINT_LAG, m.CHECKPOINT_AGE) == (0, 9 * 3600)


def _cosign(platform):
    """As the sweeper does each minute."""
    witnessed(platform.context, int(platform.context.store.get("log", "head").body["size"]))


def _silence(platform, *names):
    door = platform.context.witness_door
    left = {url: node for url, node in platform.nodes.items() if not any(name in url for name in names)}
    assert len(left) == len(platform.nodes) - len(names)
    platform.context = replace(platform.context, witness_door=type(door)(left))


def test_one_silent_witness_of_three_leaves_a_quorum_and_two_do_not(platform):
    platform.run(platform.accept(GOOD))
    _silence(platform, "w3")
    found = _watch(platform)
    assert (found["measures"][m.WITNESSES_SILENT], found["measures"][m.WITNESS_QUORUM]) == (1, 1)
    assert found["details"]["witnesses"]["said"] == {"w1": "answers", "w2": "answers", "w3": "no answer"}
    _silence(platform, "w2", "w3")
    assert _measured(platform, m.WITNESSES_SILENT, m.WITNESS_QUORUM) == (2, 0)


def test_to_ask_the_witnesses_changes_nothing_of_the_log(platform):
    platform.run(platform.accept(GOOD))
    before = {key: item for key, item in platform.context.store.items.items() if key[0] == "log"}
    _watch(platform)
    assert {key: item for key, item in platform.context.store.items.items() if key[0] == "log"} == before


def test_dead_letters_of_all_paths_are_counted_together(platform):
    found = _watch(platform, {"sweep": 2, "reconcile": 0, "watch": 1})
    assert found["measures"][m.DEAD_LETTERS] == 3
    assert found["details"]["dead_letters"]["waiting"] == {"sweep": 2, "watch": 1}


def test_the_fullest_limit_is_named(platform):
    discount_id = platform.accept(GOOD)
    platform.run(discount_id)
    body = platform.body(discount_id)
    key = (institution_pk(body["institution_id"]), STATE)
    item = platform.context.store.get(*key)
    used = platform.used()[f"institution#{body['institution_id']}"]
    platform.context.store.transact([item.replaced({**item.body, "limit_fen": used * 100 // 95})])
    found = _watch(platform)
    assert found["measures"][m.LIMIT_USED] == 95
    assert found["details"]["limits"]["used"][0]["limit"] == f"institution#{body['institution_id']}"


def test_an_institution_is_watched_on_though_the_days_newest_payments_are_others(platform):
    platform.run(platform.accept(GOOD))
    own = _watch(platform)["details"]["limits"]["funding"]
    for item in list(platform.context.store.items.values()):
        if item.sk.startswith("payment#"):
            platform.context.store.items[item.pk, item.sk] = replace(item, listing=None)
    assert _watch(platform)["details"]["limits"]["funding"] == own != {}
    _pass(platform, timedelta(days=2))
    assert _watch(platform)["details"]["limits"]["funding"] == {}


def test_open_incidents_are_breaks_by_kind_until_they_are_resolved(platform):
    context = platform.context
    open_once(context, IncidentKind.STATEMENT_DIFFERS, "dsc_a", "dsc_a/1", {})
    _pass(platform, timedelta(hours=2))
    open_once(context, IncidentKind.STATEMENT_DIFFERS, "dsc_b", "dsc_b/1", {})
    found = _watch(platform)
    assert (found["measures"][m.BREAKS_OPEN], found["measures"][m.BREAKS_AGE]) == (2, 7200)
    assert found["details"]["breaks"]["kinds"]["STATEMENT_DIFFERS"]["open"] == 2
    for item in list(context.store.states("incident#")):
        resolve(context, "operations", item.body["incident_id"], "BANK_CORRECTED")
    assert _measured(platform, m.BREAKS_OPEN, m.BREAKS_AGE) == (0, 0)


def test_what_waits_for_another_persons_look_is_no_break(platform):
    open_once(platform.context, IncidentKind.AUDIT_REVIEW, "2026-04-14", "2026-04-14", {})
    assert _measured(platform, m.BREAKS_OPEN) == 0


def test_a_job_that_never_succeeded_ages_from_the_watchs_first_run_and_then_from_its_success(platform):
    assert _measured(platform, m.job_age(Job.BACKUP)) == 0
    _pass(platform, timedelta(hours=31))
    assert _measured(platform, m.job_age(Job.BACKUP), m.job_age(Job.AUDIT)) == (31 * 3600, 31 * 3600)
    success = {"last_success_at": iso(platform.context.clock.now() - MINUTE), "last_period": "2026-04-15"}
    platform.context.store.transact([Create(job_pk(Job.BACKUP), STATE, success)])
    assert _measured(platform, m.job_age(Job.BACKUP), m.job_age(Job.AUDIT)) == (60, 31 * 3600)


def test_a_part_that_cannot_be_measured_is_counted_and_keeps_no_other_from_it(platform):
    item = platform.context.store.get(*LIMITS_KEY)
    platform.context.store.transact([item.replaced({"bill_fen": "many"})])
    found = _watch(platform)
    assert list(found["failed"]) == ["limits"]
    assert found["measures"][m.WATCH_FAILED] == 1
    assert m.LIMIT_USED not in found["measures"]
    assert m.BREAKS_OPEN in found["measures"]


def test_a_discount_tells_once_how_long_it_took_from_acceptance_to_the_money(platform):
    meter = Meter()
    platform.context = replace(platform.context, meter=meter)
    discount_id = platform.accept(GOOD)
    _pass(platform, timedelta(seconds=4))
    platform.run(discount_id)
    platform.pay(discount_id)
    assert meter.noted == [
        (m.PAID_AFTER, 4000),
        ("PaidWithin1s", 0),
        ("PaidWithin10s", 100),
        ("PaidWithin3min", 100),
    ]


def test_whoever_waited_for_a_person_is_not_part_of_the_share_that_was_paid_in_time(platform):
    meter = Meter()
    platform.context = replace(platform.context, meter=meter)
    discount_id = platform.accept(GOOD, confirmed=False)
    platform.run(discount_id)
    confirm(platform.context, platform.discount(discount_id), "operator-1", ("password", "otp"))
    platform.pay(discount_id)
    assert platform.body(discount_id)["status"] == "DISBURSED"
    assert meter.noted == []
