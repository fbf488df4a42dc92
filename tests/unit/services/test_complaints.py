"""Complaints: taken in at once, sealed, answered by a date; what is overdue is an incident until it is answered."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.incident import IncidentStatus
from rongtong.services import complaints, incidents
from rongtong.services.complaints import Complain
from rongtong.services.cosigning import witnessed_size
from rongtong.services.errors import IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.lists import InvalidCursorError
from rongtong.services.records import logged_until
from rongtong.services.steps_taken import Step
from rongtong.services.storage import Create, Replace, WriteConflictError
from rongtong.services.sweep import sweep

GOOD = sample_bills()[2]
ANOTHER = "partner-b"
TEXT, REPLY = "张三：利息算错了", "已核对，利息无误"
STAFF, COLLEAGUE = "operations", "operations-2"


@pytest.fixture
def platform():
    return Platform(partners=(PARTNER, ANOTHER))


@pytest.fixture
def received(platform):
    return _receive(platform)["complaint_id"]


def _command(platform, **changes):
    enterprise = platform.ids[PARTNER, GOOD.holder_uscc]
    command = Complain(PARTNER, "key-1", "digest-1", "enterprise", enterprise, "PRICE", TEXT)
    return replace(command, **changes)


def _receive(platform, **changes):
    return complaints.receive(platform.context, _command(platform, **changes))[0]


_KEYS = count()


def _step(name, by=STAFF, key=None):
    """A step that is asked for under a key of its own."""
    return Step(by, name, key or f"step-{next(_KEYS)}", "digest")


def _item(platform, complaint_id):
    return complaints.load(platform.context, complaint_id)


def _take(platform, complaint_id, by=STAFF):
    return complaints.take(platform.context, _step("taking", by), _item(platform, complaint_id))


def _answer(platform, complaint_id, text=REPLY):
    _take(platform, complaint_id)
    return complaints.answer(platform.context, _step("answer", STAFF), _item(platform, complaint_id), text)


def _open(platform):
    listed = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    return [(one["kind"], one["subject"]) for one in listed]


def _pass(platform, **time):
    platform.context.clock.instant += timedelta(**time)
    return sweep(platform.context)


def _overdue(platform):
    return _pass(platform, days=16)


def test_a_complaint_is_acknowledged_at_once_with_the_date_of_its_answer(platform):
    shown = _receive(platform)
    assert (shown["status"], shown["answer_by"], shown["overdue"]) == ("RECEIVED", "2026-04-30T16:00:00.000Z", False)
    assert [(one["from"], one["text"]) for one in shown["messages"]] == [("complainant", TEXT)]


def test_it_may_be_about_a_discount(platform):
    discount_id = platform.accept(GOOD)
    shown = _receive(platform, about="discount", about_id=discount_id)
    assert (shown["about"]["kind"], shown["about"]["id"]) == ("discount", discount_id)
    assert shown["about"]["enterprise_id"] == platform.body(discount_id)["enterprise_id"]


def test_what_was_written_is_nowhere_in_clear(platform, received):
    _answer(platform, received)
    stored = json.dumps([item.body for item in platform.context.store.items.values()], ensure_ascii=False)
    assert TEXT not in stored
    assert REPLY not in stored


@pytest.mark.parametrize("about", ["enterprise", "discount", "partner"])
def test_nobody_complains_about_what_is_another_partner_s(platform, about):
    mine = platform.ids[PARTNER, GOOD.holder_uscc]
    about_id = platform.accept(GOOD) if about == "discount" else mine
    with pytest.raises(NotFoundError) as refused:
        _receive(platform, partner_id=ANOTHER, about=about, about_id=about_id)
    assert refused.value.field == "about.id"
    assert platform.context.store.states("complaint#") == []


def test_a_repeat_answers_the_same_complaint_and_another_body_is_refused(platform, received):
    again, created = complaints.receive(platform.context, _command(platform))
    assert (again["complaint_id"], created) == (received, False)
    with pytest.raises(IdempotencyMismatchError):
        _receive(platform, body_digest="digest-2")
    assert len(platform.context.store.states("complaint#")) == 1


def test_two_that_meet_make_one_complaint(platform):
    store, command = platform.context.store, _command(platform)

    def another_first(writes):
        store.before_write = lambda _: None
        complaints.receive(platform.context, command)
        raise WriteConflictError("Another was quicker.", failed=(0,))

    store.before_write = another_first
    assert complaints.receive(platform.context, command)[1] is False
    assert len(store.states("complaint#")) == 1


def test_the_policy_says_how_many_days_there_are(platform):
    store = platform.context.store
    store.transact([Create(f"tenant#{PARTNER}", "policy", {"complaint_days": 5})])
    assert _receive(platform)["answer_by"] == "2026-04-20T16:00:00.000Z"


def test_an_answer_stands_beside_what_was_complained(platform, received):
    shown = _answer(platform, received)
    assert (shown["status"], shown["answered_by"]) == ("ANSWERED", STAFF)
    assert [(one["from"], one["text"]) for one in shown["messages"]] == [("complainant", TEXT), ("platform", REPLY)]


def test_nothing_is_answered_that_nobody_looked_into(platform, received):
    with pytest.raises(WrongStateError):
        complaints.answer(platform.context, _step("answer", STAFF), _item(platform, received), REPLY)


def test_what_another_has_taken_is_not_taken_again(platform, received):
    _take(platform, received)
    assert _take(platform, received)["taken_by"] == STAFF
    with pytest.raises(WrongStateError):
        _take(platform, received, COLLEAGUE)


def test_the_same_answer_again_is_no_change_and_another_is_refused(platform, received):
    _answer(platform, received)
    before = _item(platform, received)
    complaints.answer(platform.context, _step("answer", STAFF), before, REPLY)
    assert _item(platform, received) == before
    with pytest.raises(WrongStateError):
        complaints.answer(platform.context, _step("answer", STAFF), before, "anders")


def test_two_answers_at_once_are_one(platform, received):
    _take(platform, received)
    old = _item(platform, received)
    complaints.answer(platform.context, _step("answer", STAFF), old, REPLY)
    with pytest.raises(WrongStateError):
        complaints.answer(platform.context, _step("answer", COLLEAGUE), old, "another")


def test_who_is_not_content_gets_a_new_answer_by_a_new_date(platform, received):
    _answer(platform, received)
    platform.context.clock.instant += timedelta(days=3)
    shown = complaints.reopen(platform.context, _step("reopening", PARTNER), _item(platform, received), "还是不对")
    assert (shown["status"], shown["answer_by"]) == ("REOPENED", "2026-05-03T16:00:00.000Z")
    assert "answered_by" not in shown
    assert [one["complaint_id"] for one in complaints.waiting(platform.context)["complaints"]] == [received]
    assert _answer(platform, received, "改正")["messages"][-1]["text"] == "改正"


def test_a_late_repeat_of_a_step_takes_none_though_the_complaint_stands_where_it_could(platform, received):
    context, taking = platform.context, _step("taking")
    answering, reopening = _step("answer"), _step("reopening", PARTNER)
    complaints.take(context, taking, _item(platform, received))
    complaints.answer(context, answering, _item(platform, received), REPLY)
    complaints.reopen(context, reopening, _item(platform, received), "还是不对")
    assert complaints.take(context, taking, _item(platform, received))["status"] == "REOPENED"
    _take(platform, received)
    assert complaints.answer(context, answering, _item(platform, received), REPLY)["status"] == "IN_PROGRESS"
    complaints.answer(context, _step("answer"), _item(platform, received), "改正")
    assert complaints.reopen(context, reopening, _item(platform, received), "还是不对")["status"] == "ANSWERED"


def test_a_step_s_key_is_not_used_with_another_body_or_for_another_step(platform, received):
    taking = _step("taking")
    complaints.take(platform.context, taking, _item(platform, received))
    for other in (replace(taking, body_digest="another"), replace(taking, name="answer")):
        with pytest.raises(IdempotencyMismatchError):
            complaints.answer(platform.context, other, _item(platform, received), REPLY)


def test_how_steps_were_asked_for_is_not_shown(platform, received):
    assert "steps" not in _answer(platform, received)


def test_what_is_closed_stays_closed(platform, received):
    shown = complaints.close(platform.context, _item(platform, received))
    assert shown["status"] == complaints.close(platform.context, _item(platform, received))["status"] == "CLOSED"
    with pytest.raises(WrongStateError):
        _take(platform, received)


def test_what_waits_is_listed_with_the_most_urgent_first_and_without_its_text(platform, received):
    platform.context.clock.instant += timedelta(days=1)
    later = _receive(platform, idempotency_key="key-2")["complaint_id"]
    listed = complaints.waiting(platform.context)["complaints"]
    assert [one["complaint_id"] for one in listed] == [received, later]
    assert "messages" not in listed[0]
    _answer(platform, received)
    assert [one["complaint_id"] for one in complaints.waiting(platform.context)["complaints"]] == [later]
    assert [one["complaint_id"] for one in complaints.answered(platform.context)["complaints"]] == [received]


def test_a_partner_lists_its_own(platform, received):
    assert [one["complaint_id"] for one in complaints.of_partner(platform.context, PARTNER)["complaints"]] == [received]
    assert complaints.of_partner(platform.context, ANOTHER) == {"complaints": [], "more": False, "next_cursor": None}


def test_complaints_are_listed_page_by_page_and_each_once(platform, received):
    made = [received, *[_receive(platform, idempotency_key=f"key-{n}")["complaint_id"] for n in range(2, 5)]]
    found, cursor = [], None
    while True:
        page = complaints.of_partner(platform.context, PARTNER, limit=2, cursor=cursor)
        found += [one["complaint_id"] for one in page["complaints"]]
        cursor = page["next_cursor"]
        assert page["more"] is (cursor is not None)
        if cursor is None:
            break
    assert sorted(found) == sorted(made)


def test_a_cursor_of_complaints_is_of_no_use_to_another_partner(platform, received):
    _receive(platform, idempotency_key="key-2")
    cursor = complaints.of_partner(platform.context, PARTNER, limit=1)["next_cursor"]
    with pytest.raises(InvalidCursorError):
        complaints.of_partner(platform.context, ANOTHER, cursor=cursor)


def test_every_step_is_in_the_evidence_log_within_a_minute(platform, received):
    _answer(platform, received)
    assert _pass(platform, minutes=1)["failed"] == []
    item = _item(platform, received)
    assert sum(count for _, count in item.body["logged"]) == item.body["events"] == 3
    assert item.due is None
    _pass(platform, minutes=1)
    assert witnessed_size(platform.context) >= logged_until(item.body) >= 3


def test_what_is_answered_in_time_is_no_incident(platform, received):
    _answer(platform, received)
    assert _overdue(platform)["failed"] == []
    assert _open(platform) == []


@pytest.mark.parametrize(("days", "minutes", "count"), [(15, 13 * 60 + 59, 0), (15, 14 * 60 + 1, 1)])
def test_what_is_not_answered_by_its_date_is_an_incident(platform, received, days, minutes, count):
    _pass(platform, minutes=1)
    _pass(platform, days=days, minutes=minutes)
    assert _open(platform) == [("COMPLAINT_OVERDUE", received)] * count


def test_one_incident_is_open_however_long_it_takes_and_the_answer_resolves_it(platform, received):
    _overdue(platform)
    _pass(platform, days=2)
    assert _open(platform) == [("COMPLAINT_OVERDUE", received)]
    assert complaints.waiting(platform.context)["complaints"][0]["overdue"] is True
    _answer(platform, received)
    assert _open(platform) == []
    _pass(platform, days=2)
    assert _open(platform) == []


def test_who_settles_the_incident_without_an_answer_has_it_again_on_the_next_day(platform, received):
    _overdue(platform)
    (incident,) = incidents.newest(platform.context, IncidentStatus.OPEN)["incidents"]
    incidents.resolve(platform.context, STAFF, incident["incident_id"], "SILENCED")
    assert _open(platform) == []
    _pass(platform, days=1, minutes=2)
    assert _open(platform) == [("COMPLAINT_OVERDUE", received)]


def test_an_answer_that_comes_while_the_sweeper_looks_leaves_no_incident(platform, received):
    store = platform.context.store
    platform.context.clock.instant += timedelta(days=16)
    _take(platform, received)
    deadline = store.get(f"complaint#{received}", "deadline")

    def answered_first(writes):
        if any(isinstance(write, Replace) and write.sk == "deadline" for write in writes):
            store.before_write = lambda _: None
            complaints.answer(platform.context, _step("answer", STAFF), _item(platform, received), REPLY)

    store.before_write = answered_first
    with pytest.raises(WriteConflictError):
        complaints.look_after(platform.context, deadline)
    assert _open(platform) == []
