"""Webhooks through a receiver's good and bad days: nothing lost, nothing leaked, order stated, repeats marked."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from fakes import OPEN, PlainVault
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.webhook import TRIED_FOR, verify
from rongtong.services.deliveries import DeliveryStatus
from rongtong.services.errors import NotFoundError, SealedDataError
from rongtong.services.notify import notify
from rongtong.services.ports import SmsUnavailableError
from rongtong.services.records import STATE
from rongtong.services.storage import WriteConflictError
from rongtong.services.sweep import sweep
from rongtong.services.verify_bill import verify as verify_bill
from rongtong.services.waiting import park
from rongtong.services.webhook_endpoints import (
    ChangeEndpoint,
    CreateEndpoint,
    change,
    create,
    delete,
    institution_hearer,
    newest,
    webhook_endpoint_pk,
)
from rongtong.services.webhook_history import deliveries, events, replay_dead, replay_events
from rongtong.services.webhook_ports import AttemptError, WebhookAnswer
from rongtong.services.webhooks import deliver_due
from webhook_receiver import BROKEN, GONE, HANGS, OK, REDIRECTS, MemoryReceivers

GOOD, OTHER = sample_bills()[2], sample_bills()[3]
DOUBTFUL = next(bill for bill in sample_bills() if bill.expected == "in_review")
URL, SECOND = "https://hooks.example.com/a", "https://hooks.example.org/b"
PAID = [f"com.rongtong.discount.{name}.v1" for name in ("requested", "verified", "sealed", "paid")]


class Hooked(Platform):
    """The platform in memory, with receivers."""

    def __init__(self):
        super().__init__()
        self.receivers = MemoryReceivers()
        self.context = replace(self.context, webhook_sender=self.receivers)
        self.secrets = {}

    def endpoint(self, url=URL, key="hook-1", **more):
        """Register an endpoint; its id."""
        made, _ = create(self.context, CreateEndpoint(PARTNER, key, "digest", url, **more))
        self.secrets[url] = made["secret"], made["public_key"]
        return made["endpoint_id"]

    def discount(self, bill=GOOD, key="key-1"):
        discount_id = self.accept(bill, key)
        self.run(discount_id)
        return discount_id

    def item(self, endpoint_id):
        return self.context.store.get(webhook_endpoint_pk(endpoint_id), STATE)

    def later(self, **later):
        """Let time pass, and a round begin."""
        self.context.clock.instant += timedelta(**(later or {"minutes": 1}))
        return deliver_due(self.context)

    def wait(self, span, step):
        """Rounds every ``step`` for this long."""
        until = self.context.clock.instant + span
        while self.context.clock.instant < until:
            self.later(seconds=step.total_seconds())

    def pending(self):
        return [item for item in self.context.store.items.values() if item.pk.startswith("delivery#") and item.due]

    def states(self, endpoint_id):
        return [one["status"] for one in deliveries(self.context, self.item(endpoint_id))["deliveries"]]


@pytest.fixture
def platform():
    return Hooked()


def _types(got):
    return [json.loads(one.body)["type"] for one in got]


def test_a_paid_discount_is_told_at_once_in_the_order_of_its_events(platform):
    platform.endpoint()
    discount_id = platform.discount()
    got = platform.receivers.taken(URL)
    assert _types(got) == PAID
    assert [one.id for one in got] == [f"{discount_id}-{number:04d}" for number in (1, 2, 3, 4)]
    assert platform.pending() == []


def test_what_arrives_is_signed_with_both_schemes(platform):
    platform.endpoint()
    platform.discount()
    for one in platform.receivers.taken(URL):
        for key in platform.secrets[URL]:
            assert verify(one.headers, one.body, [key], OPEN) == json.loads(one.body)["id"]


def test_the_body_is_a_cloudevent_whose_sequence_states_the_order(platform):
    platform.endpoint()
    discount_id = platform.discount()
    got = [json.loads(one.body) for one in platform.receivers.taken(URL)]
    assert got[-1] == {
        "specversion": "1.0",
        "id": f"{discount_id}-0004",
        "source": f"//rongtong.example/log/discounts/{discount_id}",
        "type": "com.rongtong.discount.paid.v1",
        "subject": discount_id,
        "time": "2026-04-15T02:00:00.000Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:rongtong:event:com.rongtong.discount.paid.v1",
        "sequence": "0000000004",
        "data": {
            "discount_id": discount_id,
            "amount_fen": platform.body(discount_id)["proceeds_fen"],
            "bank_serial": "SB0",
            "reference": got[-1]["data"]["reference"],
        },
    }
    assert [one["sequence"] for one in got] == sorted(one["sequence"] for one in got)


def test_nothing_that_is_sealed_or_personal_leaves(platform):
    platform.endpoint()
    platform.discount()
    sent = b"".join(one.body for one in platform.receivers.got).decode()
    assert "sealed:" not in sent
    assert "operator-1" not in sent
    enterprise = platform.context.store.get(f"enterprise#{next(iter(platform.ids.values()))}", STATE)
    assert enterprise.body["masked"]["mobile"] not in sent
    assert platform.bank.orders[0].payee_account not in sent


def test_a_partner_without_endpoints_costs_no_write(platform):
    plain = Platform()
    before = {one: one.context.store.write_units for one in (plain, platform)}
    assert plain.context.webhook_sender is None
    for one in (plain, platform):
        one.run(one.accept(GOOD))
    spent = {one.context.store.write_units - units for one, units in before.items()}
    assert len(spent) == 1
    assert platform.receivers.got == []


def test_deliveries_are_written_with_the_note_that_they_were_told(platform):
    platform.endpoint()
    seen = []
    platform.context.store.after_write = lambda writes: seen.append({write.pk.partition("#")[0] for write in writes})
    platform.discount()
    assert [kinds for kinds in seen if "delivery" in kinds and len(kinds) > 1] == [
        {"discount", "delivery", "webhook_feed"}
    ]


@pytest.mark.parametrize("number", range(12))
def test_whatever_write_is_lost_every_event_arrives(platform, number):
    platform.endpoint()
    discount_id = platform.accept(GOOD)
    verify_bill(platform.context, discount_id)
    count = iter(range(1000))

    def lose(writes):
        if next(count) == number:
            raise ConnectionError

    platform.context.store.before_write = lose
    for _ in range(3):
        try:
            platform.pay(discount_id)
        except ConnectionError:
            continue
        break
    platform.context.store.before_write = lambda writes: None
    platform.wait(timedelta(minutes=10), timedelta(minutes=1))
    assert sorted(set(_types(platform.receivers.taken(URL)))) == sorted(PAID)


def test_a_receiver_that_answers_500_for_an_hour_loses_nothing(platform):
    endpoint_id = platform.endpoint()
    platform.receivers.answers[URL] = BROKEN
    ids = {platform.discount(GOOD, "key-1"), platform.discount(OTHER, "key-2")}
    platform.wait(timedelta(hours=1), timedelta(minutes=1))
    assert platform.receivers.taken(URL) == []
    assert set(platform.states(endpoint_id)) == {"PENDING"}
    platform.receivers.answers[URL] = OK
    platform.wait(timedelta(hours=2), timedelta(minutes=1))
    got = [json.loads(one.body) for one in platform.receivers.taken(URL)]
    assert {one["subject"] for one in got} == ids
    assert len({one["id"] for one in got}) == len(got) == 8
    assert set(platform.states(endpoint_id)) == {"DELIVERED"}


def test_a_repeat_has_the_same_id_and_the_same_bytes_under_a_new_timestamp(platform):
    platform.endpoint()
    platform.receivers.answers[URL] = BROKEN
    platform.discount()
    platform.later(minutes=2)
    first = platform.receivers.got[0]
    again = next(one for one in platform.receivers.got[1:] if one.id == first.id)
    assert again.body == first.body
    assert again.headers["webhook-timestamp"] != first.headers["webhook-timestamp"]


def test_a_receiver_that_is_broken_is_not_hammered(platform):
    platform.endpoint(types=(PAID[3],))
    platform.receivers.answers[URL] = BROKEN
    platform.discount()
    platform.wait(timedelta(hours=1), timedelta(seconds=30))
    assert 6 <= len(platform.receivers.got) <= 9


def test_what_is_never_taken_is_a_dead_letter_after_three_days_and_can_be_sent_again(platform):
    endpoint_id = platform.endpoint(types=(PAID[3],))
    platform.receivers.answers[URL] = BROKEN
    discount_id = platform.discount()
    platform.wait(TRIED_FOR + timedelta(hours=1), timedelta(minutes=10))
    dead = deliveries(platform.context, platform.item(endpoint_id), DeliveryStatus.DEAD)["deliveries"]
    assert [(one["event_id"], one["reason"]) for one in dead] == [(f"{discount_id}-0004", "NOT_DELIVERED")]
    assert platform.pending() == []
    platform.receivers.answers[URL] = OK
    change(platform.context, platform.item(endpoint_id), ChangeEndpoint(enabled=True))
    assert replay_dead(platform.context, platform.item(endpoint_id))["queued"] == [f"{discount_id}-0004"]
    platform.later()
    assert [one.id for one in platform.receivers.taken(URL)] == [f"{discount_id}-0004"]
    assert platform.states(endpoint_id) == ["DELIVERED"]


def test_an_endpoint_that_failed_for_three_days_is_disabled_and_its_partner_sees_why(platform):
    platform.endpoint()
    platform.receivers.answers[URL] = HANGS
    platform.discount()
    platform.wait(TRIED_FOR + timedelta(hours=2), timedelta(minutes=10))
    [shown] = newest(platform.context, PARTNER)
    assert (shown["status"], shown["disabled_reason"]) == ("DISABLED", "FAILING_FOR_THREE_DAYS")
    assert shown["health"]["last"] == {"error": "TIMED_OUT"}


def test_a_receiver_that_is_gone_is_disabled_at_once(platform):
    endpoint_id = platform.endpoint()
    platform.receivers.answers[URL] = GONE
    platform.discount()
    [shown] = newest(platform.context, PARTNER)
    assert (shown["status"], shown["disabled_reason"]) == ("DISABLED", "GONE")
    assert len(platform.receivers.got) == 1
    platform.later(hours=1)
    assert set(platform.states(endpoint_id)) == {"DEAD"}


def test_a_receiver_that_hangs_holds_up_nobody_else_s_webhooks(platform):
    platform.endpoint()
    platform.endpoint(SECOND, "hook-2")
    platform.receivers.answers[URL] = HANGS
    platform.discount()
    assert _types(platform.receivers.taken(SECOND)) == PAID
    assert len([one for one in platform.receivers.got if one.url == URL]) == 1


def test_a_round_tries_an_endpoint_that_does_not_answer_once_whatever_is_due_there(platform):
    platform.endpoint()
    platform.receivers.answers[URL] = HANGS
    platform.discount(GOOD, "key-1")
    platform.discount(OTHER, "key-2")
    before = len(platform.receivers.got)
    done = platform.later(minutes=2)
    assert len(platform.receivers.got) - before == 1
    assert (done["attempts"], done["put_off"]) == (1, 7)


def test_a_receiver_that_refuses_one_event_gets_the_others(platform):
    platform.endpoint()
    answers = iter([BROKEN])
    platform.receivers.answers[URL] = lambda: next(answers, OK)
    platform.discount()
    assert _types(platform.receivers.taken(URL)) == PAID[1:]
    platform.later(minutes=2)
    assert _types(platform.receivers.taken(URL)) == [*PAID[1:], PAID[0]]


def test_an_endpoint_that_is_known_to_fail_is_left_to_the_rounds(platform):
    platform.endpoint()
    platform.receivers.answers[URL] = HANGS
    platform.discount(GOOD, "key-1")
    before = len(platform.receivers.got)
    platform.discount(OTHER, "key-2")
    assert len(platform.receivers.got) == before


def test_a_redirect_is_no_delivery(platform):
    endpoint_id = platform.endpoint(types=(PAID[3],))
    platform.receivers.answers[URL] = REDIRECTS
    platform.discount()
    [shown] = deliveries(platform.context, platform.item(endpoint_id))["deliveries"]
    assert (shown["status"], shown["attempts"][0]["status"]) == ("PENDING", 302)


def test_of_an_answer_no_more_is_kept_than_its_beginning(platform):
    endpoint_id = platform.endpoint(types=(PAID[3],))
    platform.receivers.answers[URL] = WebhookAnswer(500, excerpt="x" * 5000)
    platform.discount()
    [shown] = deliveries(platform.context, platform.item(endpoint_id))["deliveries"]
    assert len(shown["attempts"][0]["excerpt"]) == 256


def test_nothing_is_kept_of_an_answer_that_took_it(platform):
    endpoint_id = platform.endpoint(types=(PAID[3],))
    platform.receivers.answers[URL] = WebhookAnswer(200, excerpt="thanks")
    platform.discount()
    [shown] = deliveries(platform.context, platform.item(endpoint_id))["deliveries"]
    assert "excerpt" not in shown["attempts"][0]


def test_a_name_that_turned_inward_is_an_attempt_that_says_so(platform):
    endpoint_id = platform.endpoint(types=(PAID[3],))
    platform.receivers.answers[URL] = WebhookAnswer(error=AttemptError.ADDRESS_FORBIDDEN)
    platform.discount()
    [shown] = deliveries(platform.context, platform.item(endpoint_id))["deliveries"]
    assert shown["attempts"][0]["error"] == "ADDRESS_FORBIDDEN"


def test_an_endpoint_gets_the_types_it_asked_for(platform):
    platform.endpoint(types=(PAID[3],))
    platform.discount()
    assert _types(platform.receivers.got) == [PAID[3]]


def test_an_endpoint_gets_nothing_while_it_is_disabled(platform):
    endpoint_id = platform.endpoint()
    change(platform.context, platform.item(endpoint_id), ChangeEndpoint(enabled=False))
    platform.discount()
    platform.later()
    assert platform.receivers.got == []


def test_what_waits_when_an_endpoint_is_deleted_is_given_up(platform):
    endpoint_id = platform.endpoint()
    platform.receivers.answers[URL] = BROKEN
    platform.discount()
    before = len(platform.receivers.got)
    delete(platform.context, platform.item(endpoint_id))
    platform.later(minutes=10)
    assert len(platform.receivers.got) == before
    assert platform.pending() == []


def test_a_new_endpoint_is_told_nothing_of_what_was_told_before(platform):
    platform.discount(GOOD, "key-1")
    platform.endpoint()
    platform.discount(OTHER, "key-2")
    assert _types(platform.receivers.got) == PAID


def test_a_partner_hears_of_a_discount_that_waits_for_a_person_before_it_ends(platform):
    platform.endpoint()
    discount_id = platform.accept(DOUBTFUL)
    platform.run(discount_id)
    park(platform.context, discount_id, "token")
    platform.later()
    assert _types(platform.receivers.taken(URL)) == PAID[:2]
    assert json.loads(platform.receivers.got[-1].body)["data"]["outcome"] == "review"


def test_what_was_told_while_it_waited_is_not_told_again_at_its_end(platform):
    platform.endpoint()
    discount_id = platform.accept(GOOD, confirmed=False)
    platform.run(discount_id)
    park(platform.context, discount_id, "token")
    platform.later()
    notify(platform.context, f"discount#{discount_id}")
    platform.later(hours=1)
    ids = [one.id for one in platform.receivers.got]
    assert len(ids) == len(set(ids)) == 2


def test_an_sms_gateway_that_is_down_holds_up_no_webhook(platform):
    platform.endpoint()

    class Down:
        def send(self, *_):
            raise SmsUnavailableError("The gateway did not take the message.")

    platform.context, sms = replace(platform.context, sms=Down()), platform.context.sms
    discount_id = platform.accept(GOOD)
    with pytest.raises(SmsUnavailableError):
        platform.run(discount_id)
    platform.later()
    assert _types(platform.receivers.taken(URL)) == PAID
    platform.context = replace(platform.context, sms=sms)
    notify(platform.context, f"discount#{discount_id}")
    platform.later(hours=1)
    assert len(platform.receivers.got) == len(PAID)


def test_nothing_of_webhooks_fails_a_discount(platform):
    platform.endpoint()

    class Wreck(MemoryReceivers):
        def send(self, *_):
            raise RuntimeError

    platform.context = replace(platform.context, webhook_sender=Wreck())
    discount_id = platform.discount()
    assert platform.body(discount_id)["status"] == "DISBURSED"


def test_keys_that_cannot_be_opened_hold_up_no_other_endpoint(platform):
    broken = platform.endpoint()
    platform.endpoint(SECOND, "hook-2")

    class Damaged(PlainVault):
        def decrypt(self, owner, wrapped_key, ciphertext):
            if owner == broken:
                raise SealedDataError("damaged")
            return super().decrypt(owner, wrapped_key, ciphertext)

    platform.context = replace(platform.context, vault=Damaged())
    platform.discount()
    done = platform.later(minutes=2)
    assert _types(platform.receivers.taken(SECOND)) == PAID
    assert [one.rpartition(": ")[2] for one in done["failed"]] == ["SEALED_DATA_DAMAGED"]


def test_two_workers_that_tell_at_once_make_one_delivery_each(platform):
    endpoint_id = platform.endpoint()
    discount_id = platform.accept(GOOD)
    verify_bill(platform.context, discount_id)
    store = platform.context.store

    def another(writes):
        if any(write.pk.startswith("delivery#") for write in writes):
            store.before_write = lambda writes: None
            notify(platform.context, f"discount#{discount_id}")

    store.before_write = another
    notify(platform.context, f"discount#{discount_id}")
    assert len(platform.states(endpoint_id)) == 2
    assert len(platform.receivers.got) == 2


def test_an_attempt_that_is_not_noted_is_made_again_under_the_same_id(platform):
    platform.endpoint(types=(PAID[3],))
    store = platform.context.store

    def lose(writes):
        if len(writes) == 1 and writes[0].pk.startswith("delivery#"):
            raise WriteConflictError("lost", failed=(0,))

    store.before_write = lose
    platform.discount()
    store.before_write = lambda writes: None
    platform.later()
    ids = [one.id for one in platform.receivers.got]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_round_that_has_no_time_left_leaves_the_rest_to_the_next(platform):
    platform.endpoint()
    platform.receivers.answers[URL] = BROKEN
    platform.discount()
    before = len(platform.receivers.got)
    platform.context.clock.instant += timedelta(minutes=2)
    assert deliver_due(platform.context, budget_s=0.0)["more"]
    assert len(platform.receivers.got) == before
    assert len(platform.pending()) == 4


def test_deliveries_are_not_what_the_sweeper_looks_after(platform):
    platform.endpoint()
    platform.receivers.answers[URL] = BROKEN
    platform.discount()
    platform.context.clock.instant += timedelta(minutes=2)
    before = len(platform.receivers.got)
    assert sweep(platform.context)["failed"] == []
    assert len(platform.receivers.got) == before


def test_an_endpoint_s_events_come_to_the_evidence_log(platform):
    endpoint_id = platform.endpoint()
    platform.context.clock.instant += timedelta(minutes=2)
    sweep(platform.context)
    item = platform.item(endpoint_id)
    assert item.due is None
    assert item.body["logged"][0][1] == 1


BANK = GOOD.request["institution_id"]
ELSEWHERE = next(
    bill for bill in sample_bills() if bill.expected == "disbursed" and bill.request["institution_id"] != BANK
)


def _of_institution(platform, url=SECOND, caller="bank-caller", institution_id=BANK):
    command = CreateEndpoint(caller, "hook-1", "digest", url, institution_id=institution_id)
    return create(platform.context, command)[0]["endpoint_id"]


def test_an_institution_is_told_of_the_discounts_that_it_funds_and_of_nothing_else(platform):
    _of_institution(platform)
    platform.discount()
    assert _types(platform.receivers.taken(SECOND)) == PAID
    platform.discount(ELSEWHERE, "key-2")
    for enterprise_id in platform.ids.values():
        notify(platform.context, f"enterprise#{enterprise_id}")
    assert _types(platform.receivers.taken(SECOND)) == PAID


def test_partner_and_institution_are_both_told_of_a_discount(platform):
    platform.endpoint()
    _of_institution(platform)
    discount_id = platform.discount()
    ours, theirs = platform.receivers.taken(URL), platform.receivers.taken(SECOND)
    assert [one.body for one in ours] == [one.body for one in theirs]
    assert _types(ours) == PAID
    told = [events(platform.context, who, OPEN)["events"] for who in (PARTNER, institution_hearer(BANK))]
    assert told[0] == told[1]
    assert {one["subject"] for one in told[0]} == {discount_id}


def test_an_institution_s_callers_share_their_endpoints_and_no_partner_of_that_name_has_them(platform):
    own = _of_institution(platform)
    _of_institution(platform, URL, "bank-colleague")
    assert len(newest(platform.context, institution_hearer(BANK))) == 2
    assert newest(platform.context, BANK) == newest(platform.context, "bank-caller") == []
    delete(platform.context, platform.item(own))
    platform.discount()
    assert _types(platform.receivers.taken(URL)) == PAID
    assert platform.receivers.taken(SECOND) == []


def test_an_institution_has_sent_again_what_it_funds_alone(platform):
    own = _of_institution(platform)
    funded, foreign = platform.discount(), platform.discount(ELSEWHERE, "key-2")
    platform.receivers.got.clear()
    with pytest.raises(NotFoundError):
        replay_events(platform.context, platform.item(own), [f"{foreign}-0001"])
    replay_events(platform.context, platform.item(own), [f"{funded}-0001"])
    platform.later()
    assert [one.id for one in platform.receivers.taken(SECOND)] == [f"{funded}-0001"]
