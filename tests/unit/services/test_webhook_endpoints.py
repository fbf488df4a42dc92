"""A partner's webhook endpoints and its events: registered, changed, rotated, tested, listed, replayed."""

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from fakes import OPEN
from in_memory import PARTNER, Platform, sample_bills
from rongtong.domain.errors import InvalidInputError
from rongtong.domain.public_events import TEST_TYPE
from rongtong.domain.webhook import WebhookSignatureError, verify
from rongtong.domain.webhook_url import WebhookUrlError
from rongtong.services import webhook_history
from rongtong.services.deliveries import DeliveryStatus, asked_again, delivery_key, give_up, new_delivery
from rongtong.services.errors import IdempotencyMismatchError, NotFoundError, WrongStateError
from rongtong.services.lists import InvalidCursorError
from rongtong.services.records import iso
from rongtong.services.storage import Create, Listing
from rongtong.services.webhook_endpoints import (
    ENDPOINTS_MAX,
    ChangeEndpoint,
    CreateEndpoint,
    TooManyEndpointsError,
    change,
    create,
    delete,
    find,
    newest,
    rotate,
    signing_keys,
    webhook_endpoint_pk,
)
from rongtong.services.webhooks import deliver_due
from webhook_receiver import BROKEN, OK, MemoryReceivers

GOOD, OTHER = sample_bills()[2], sample_bills()[3]
URL = "https://hooks.example.com/a"
PAID = "com.rongtong.discount.paid.v1"


class Hooked(Platform):
    """Two partners on the platform in memory, with receivers."""

    def __init__(self):
        super().__init__((PARTNER, "partner-b"))
        self.receivers = MemoryReceivers()
        self.context = replace(self.context, webhook_sender=self.receivers)

    def create(self, key="hook-1", digest="digest", url=URL, partner=PARTNER, **more):
        return create(self.context, CreateEndpoint(partner, key, digest, url, **more))

    def item(self, endpoint_id):
        return self.context.store.get(webhook_endpoint_pk(endpoint_id), "state")

    def endpoint(self, **more):
        return self.item(self.create(**more)[0]["endpoint_id"])

    def again(self, item):
        return self.context.store.get(item.pk, item.sk)

    def discount(self, bill=GOOD, key="key-1", partner=PARTNER):
        discount_id = self.accept(bill, key, partner)
        self.run(discount_id)
        return discount_id

    def events(self, since=OPEN, partner=PARTNER, **more):
        return webhook_history.events(self.context, partner, since, **more)

    def wait(self, **span):
        self.context.clock.instant += timedelta(**span)


@pytest.fixture
def platform():
    return Hooked()


def test_an_endpoint_is_answered_with_its_keys(platform):
    made, created = platform.create(types=(PAID,), description="ours")
    assert created
    assert made["secret"].startswith("whsec_")
    assert made["public_key"].startswith("whpk_")
    assert (made["url"], made["types"], made["description"], made["status"]) == (URL, [PAID], "ours", "ENABLED")


def test_a_repeat_answers_the_same_endpoint_and_keys(platform):
    made, _ = platform.create()
    assert platform.create() == (made, False)
    assert len(newest(platform.context, PARTNER)) == 1


def test_another_body_under_the_same_key_is_refused(platform):
    platform.create()
    with pytest.raises(IdempotencyMismatchError):
        platform.create(digest="another")


def test_secrets_are_nowhere_in_clear_but_in_that_answer(platform):
    made, _ = platform.create()
    stored = json.dumps([item.body for item in platform.context.store.items.values()])
    assert made["secret"] not in stored
    assert "secret" not in newest(platform.context, PARTNER)[0]
    assert "secret" not in find(platform.context, platform.item(made["endpoint_id"]))


def test_every_endpoint_has_keys_of_its_own(platform):
    first, second = platform.create()[0], platform.create("hook-2")[0]
    assert first["secret"] != second["secret"]
    assert first["public_key"] != second["public_key"]


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "https://10.0.0.1/", "https://localhost/"])
def test_an_endpoint_at_a_place_that_is_not_sent_to_is_refused(platform, url):
    with pytest.raises(WebhookUrlError):
        platform.create(url=url)
    assert newest(platform.context, PARTNER) == []


@pytest.mark.parametrize("name", ["com.rongtong.discount.paid.v2", "paid", TEST_TYPE])
def test_an_unknown_type_is_refused(platform, name):
    with pytest.raises(InvalidInputError) as refused:
        platform.create(types=(name,))
    assert (refused.value.code, refused.value.field) == ("WEBHOOK_TYPE", "types")


def test_a_partner_has_so_many_endpoints_and_no_more_until_one_is_deleted(platform):
    made = [platform.create(f"hook-{number}")[0] for number in range(ENDPOINTS_MAX)]
    with pytest.raises(TooManyEndpointsError):
        platform.create("one-more")
    delete(platform.context, platform.item(made[0]["endpoint_id"]))
    assert platform.create("one-more")[1]


def test_each_partner_sees_its_own_endpoints(platform):
    platform.create()
    platform.create(partner="partner-b", url="https://hooks.example.org/b")
    assert [one["url"] for one in newest(platform.context, PARTNER)] == [URL]


def test_each_partner_is_told_of_its_own_events(platform):
    platform.create()
    platform.create(partner="partner-b", url="https://hooks.example.org/b")
    discount_id = platform.discount()
    assert {one.url for one in platform.receivers.got} == {URL}
    assert {json.loads(one.body)["subject"] for one in platform.receivers.got} == {discount_id}


def test_a_change_keeps_what_it_does_not_name(platform):
    item = platform.endpoint(types=(PAID,), description="ours")
    shown = change(platform.context, item, ChangeEndpoint(url="https://hooks.example.com/new"))
    assert (shown["url"], shown["types"], shown["description"]) == ("https://hooks.example.com/new", [PAID], "ours")


def test_a_change_of_nothing_writes_nothing(platform):
    item = platform.endpoint()
    before = platform.context.store.write_units
    change(platform.context, item, ChangeEndpoint(url=URL, enabled=True))
    assert platform.context.store.write_units == before


def test_a_change_to_a_place_that_is_not_sent_to_is_refused(platform):
    with pytest.raises(WebhookUrlError):
        change(platform.context, platform.endpoint(), ChangeEndpoint(url="https://127.0.0.1/"))


def test_a_change_of_what_another_has_changed_is_refused(platform):
    item = platform.endpoint()
    change(platform.context, item, ChangeEndpoint(description="first"))
    with pytest.raises(WrongStateError):
        change(platform.context, item, ChangeEndpoint(description="second"))


def test_a_disabled_endpoint_says_since_when_and_an_enabled_one_does_not(platform):
    item = platform.endpoint()
    shown = change(platform.context, item, ChangeEndpoint(enabled=False))
    assert (shown["status"], shown["disabled_at"]) == ("DISABLED", "2026-04-15T02:00:00.000Z")
    shown = change(platform.context, platform.again(item), ChangeEndpoint(enabled=True))
    assert "disabled_at" not in shown


def test_a_deleted_endpoint_is_gone_with_its_keys(platform):
    item = platform.endpoint()
    delete(platform.context, item)
    assert newest(platform.context, PARTNER) == []
    assert not {"keys", "data_key"} & set(platform.again(item).body)
    with pytest.raises(NotFoundError):
        find(platform.context, platform.again(item))


def test_every_change_is_an_event_by_who_asked(platform):
    context = replace(platform.context, initiator={"key": "partner-a#1", "sig": "x"})
    made, _ = create(context, CreateEndpoint(PARTNER, "hook-1", "digest", URL))
    rotate(context, platform.item(made["endpoint_id"]), "rotate-1")
    change(context, platform.item(made["endpoint_id"]), ChangeEndpoint(description="ours"))
    delete(context, platform.item(made["endpoint_id"]))
    events = [one.body["event"] for one in context.store.query(webhook_endpoint_pk(made["endpoint_id"]), "event#")]
    assert [(event["type"].removeprefix("Webhook"), event["by"]["key"]) for event in events] == [
        ("EndpointCreated", "partner-a#1"),
        ("KeysRotated", "partner-a#1"),
        ("EndpointChanged", "partner-a#1"),
        ("EndpointDeleted", "partner-a#1"),
    ]


def _verifies(platform, item, key):
    webhook_history.trial(platform.context, platform.again(item), "t")
    got = platform.receivers.got[-1]
    try:
        verify(got.headers, got.body, [key], platform.context.clock.now())
    except WebhookSignatureError:
        return False
    return True


def test_old_and_new_keys_sign_until_the_overlap_is_over(platform):
    made, _ = platform.create()
    item = platform.item(made["endpoint_id"])
    new = rotate(platform.context, item, "rotate-1", timedelta(hours=24))
    keys = made["secret"], made["public_key"], new["secret"], new["public_key"]
    platform.wait(hours=23, minutes=59)
    assert [_verifies(platform, item, key) for key in keys] == [True] * 4
    platform.wait(minutes=2)
    assert [_verifies(platform, item, key) for key in keys] == [False, False, True, True]


def test_keys_that_leaked_sign_no_more_at_once(platform):
    made, _ = platform.create()
    item = platform.item(made["endpoint_id"])
    rotate(platform.context, item, "rotate-1", timedelta())
    assert not _verifies(platform, item, made["secret"])


def test_a_repeated_rotation_answers_the_same_keys(platform):
    item = platform.endpoint()
    first = rotate(platform.context, item, "rotate-1")
    again = rotate(platform.context, platform.again(item), "rotate-1")
    assert (first["secret"], first["public_keys"]) == (again["secret"], again["public_keys"])


def test_a_late_repeat_of_a_rotation_does_not_rotate_again(platform):
    item = platform.endpoint()
    rotate(platform.context, item, "rotate-1")
    newer = rotate(platform.context, platform.again(item), "rotate-2")
    with pytest.raises(WrongStateError):
        rotate(platform.context, platform.again(item), "rotate-1")
    assert find(platform.context, platform.again(item))["public_keys"] == newer["public_keys"]


def test_a_rotation_s_key_is_not_used_with_another_overlap(platform):
    item = platform.endpoint()
    rotate(platform.context, item, "rotate-1", timedelta(hours=24))
    with pytest.raises(IdempotencyMismatchError):
        rotate(platform.context, platform.again(item), "rotate-1", timedelta())


def test_rotating_often_keeps_three_sets_of_keys_at_most(platform):
    item = platform.endpoint()
    for number in range(6):
        rotate(platform.context, platform.again(item), f"rotate-{number}")
    assert len(signing_keys(platform.context, platform.again(item))) == 6


def test_a_later_rotation_lets_no_old_key_live_longer(platform):
    made, _ = platform.create()
    item = platform.item(made["endpoint_id"])
    rotate(platform.context, item, "rotate-1", timedelta(hours=1))
    rotate(platform.context, platform.again(item), "rotate-2", timedelta(hours=100))
    platform.wait(hours=2)
    assert not _verifies(platform, item, made["secret"])


def test_the_test_button_says_what_came_of_it(platform):
    item = platform.endpoint()
    assert webhook_history.trial(platform.context, item, "t-1")["delivered"]
    platform.receivers.answers[URL] = BROKEN
    found = webhook_history.trial(platform.context, item, "t-2")
    assert (found["delivered"], found["status"], found["excerpt"]) == (False, 500, "oops")


def test_the_test_button_s_event_is_named_by_its_key(platform):
    item = platform.endpoint()
    ids = [webhook_history.trial(platform.context, item, key)["event_id"] for key in ("t-1", "t-1", "t-2")]
    assert ids[0] == ids[1] != ids[2]


def test_events_are_listed_in_the_order_in_which_they_were_told(platform):
    platform.create()
    first = platform.discount(GOOD, "key-1")
    platform.wait(days=1)
    second = platform.discount(OTHER, "key-2")
    found = platform.events()
    assert [one["id"] for one in found["events"]] == [
        f"{one}-{number:04d}" for one in (first, second) for number in (1, 2, 3, 4)
    ]
    assert found["next_cursor"] is None


def test_what_is_listed_is_what_webhooks_have(platform):
    platform.create()
    platform.discount()
    assert platform.events()["events"] == [json.loads(one.body) for one in platform.receivers.got]


def test_pages_of_any_size_have_every_event_once(platform):
    platform.create()
    platform.discount(GOOD, "key-1")
    platform.discount(OTHER, "key-2")
    whole = [one["id"] for one in platform.events()["events"]]
    for limit in (1, 3, 8):
        found, cursor = [], None
        while True:
            page = platform.events(limit=limit, cursor=cursor)
            assert len(page["events"]) <= limit
            found += [one["id"] for one in page["events"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert found == whole


def test_events_are_filtered_by_type_and_time(platform):
    platform.create()
    platform.discount(GOOD, "key-1")
    platform.wait(hours=1)
    second = platform.discount(OTHER, "key-2")
    found = platform.events(since=platform.context.clock.now(), types=(PAID,))
    assert [one["id"] for one in found["events"]] == [f"{second}-0004"]


def test_another_partner_s_events_are_not_listed(platform):
    platform.create()
    platform.create(partner="partner-b")
    platform.discount()
    assert platform.events(partner="partner-b")["events"] == []


def test_a_rare_type_is_found_in_pages_that_look_at_so_many_events_each(platform, monkeypatch):
    platform.create()
    discounts = [platform.discount(bill, key) for bill, key in ((GOOD, "key-1"), (OTHER, "key-2"))]
    monkeypatch.setattr(webhook_history, "_LOOKED_AT_MAX", 1)
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = webhook_history.events(platform.context, PARTNER, OPEN, (PAID,), cursor)
        found, cursor, pages = found + page["events"], page["next_cursor"], pages + 1
    assert sorted(one["subject"] for one in found) == sorted(discounts)
    assert pages > len(discounts)


def test_a_replay_of_a_rare_type_says_from_when_on_to_ask_for_the_rest(platform, monkeypatch):
    item = platform.endpoint(types=(PAID,))
    platform.discount()
    platform.wait(minutes=1)
    later = platform.discount(OTHER, "key-2")
    monkeypatch.setattr(webhook_history, "_LOOKED_AT_MAX", 5)
    first = webhook_history.replay_since(platform.context, item, OPEN)
    rest = webhook_history.replay_since(platform.context, item, datetime.fromisoformat(first["next_since"]))
    assert (first["more"], rest["more"]) == (True, False)
    assert f"{later}-0004" in first["queued"] + rest["queued"]


@pytest.mark.parametrize(
    "place", ['["2026-04-15T02:00:00Z","x",Infinity]', '["0001-01-01T00:00:00+23:59","x",1]', "[1]", '["","",""]']
)
def test_a_place_that_was_made_up_is_refused(platform, place):
    with pytest.raises(InvalidCursorError):
        platform.events(cursor=urlsafe_b64encode(place.encode()).decode())


def test_a_cursor_of_another_partner_shows_nothing_of_its_events(platform):
    platform.create()
    platform.create(partner="partner-b")
    platform.discount()
    cursor = platform.events(limit=1)["next_cursor"]
    assert platform.events(partner="partner-b", cursor=cursor)["events"] == []


@pytest.mark.parametrize("cursor", ["x", "票", "W10=", "WzEsMiwzXQ==", ""])
def test_what_is_no_cursor_is_refused(platform, cursor):
    with pytest.raises(InvalidCursorError):
        platform.events(cursor=cursor)


def test_what_happened_while_an_endpoint_was_disabled_is_replayed_by_time(platform):
    item = platform.endpoint()
    change(platform.context, item, ChangeEndpoint(enabled=False))
    platform.wait(hours=1)
    discount_id = platform.discount()
    platform.wait(hours=1)
    change(platform.context, platform.again(item), ChangeEndpoint(enabled=True))
    queued = webhook_history.replay_since(platform.context, platform.again(item), OPEN)
    platform.wait(minutes=1)
    deliver_due(platform.context)
    assert queued["queued"] == [one.id for one in platform.receivers.got]
    assert len(queued["queued"]) == 4
    assert queued["queued"][0] == f"{discount_id}-0001"


def test_a_replay_is_of_the_endpoint_s_types(platform):
    item = platform.endpoint(types=(PAID,))
    discount_id = platform.discount()
    assert webhook_history.replay_since(platform.context, item, OPEN)["queued"] == [f"{discount_id}-0004"]


def test_a_long_replay_says_from_when_on_to_ask_for_the_rest(platform, monkeypatch):
    monkeypatch.setattr(webhook_history, "REPLAYED_MAX", 4)
    item = platform.endpoint()
    platform.discount(GOOD, "key-1")
    platform.wait(hours=1)
    platform.discount(OTHER, "key-2")
    first = webhook_history.replay_since(platform.context, item, OPEN)
    assert (len(first["queued"]), first["next_since"]) == (4, "2026-04-15T03:00:00.000Z")


def test_what_was_delivered_is_delivered_again_by_its_id_under_its_id(platform):
    item = platform.endpoint()
    discount_id = platform.discount()
    event_id = f"{discount_id}-0004"
    assert webhook_history.replay_events(platform.context, item, [event_id])["queued"] == [event_id]
    platform.wait(minutes=1)
    deliver_due(platform.context)
    assert [one.id for one in platform.receivers.got].count(event_id) == 2


def test_an_event_from_before_the_endpoint_is_delivered_by_its_id(platform):
    discount_id = platform.discount()
    item = platform.endpoint()
    webhook_history.replay_events(platform.context, item, [f"{discount_id}-0001"])
    platform.wait(minutes=1)
    deliver_due(platform.context)
    assert [one.id for one in platform.receivers.got] == [f"{discount_id}-0001"]


def test_an_event_that_is_not_the_caller_s_looks_like_one_that_is_not_there(platform):
    discount_id = platform.discount()
    other = platform.endpoint(partner="partner-b")
    said = []
    for event_id in (f"{discount_id}-0001", "dsc_nothing-0001", f"{discount_id}-0005", "x"):
        with pytest.raises(NotFoundError) as refused:
            webhook_history.replay_events(platform.context, other, [event_id])
        said.append((refused.value.code, refused.value.field, refused.value.message.replace(event_id, "")))
    assert len(set(said)) == 1


def test_an_internal_event_is_not_replayed(platform):
    item = platform.endpoint()
    discount_id = platform.discount()
    with pytest.raises(NotFoundError):
        webhook_history.replay_events(platform.context, item, [f"{discount_id}-0005"])


def test_a_replay_to_a_disabled_endpoint_is_refused(platform):
    item = platform.endpoint()
    change(platform.context, item, ChangeEndpoint(enabled=False))
    with pytest.raises(WrongStateError):
        webhook_history.replay_since(platform.context, platform.again(item), OPEN)


def test_deliveries_show_every_attempt_and_when_the_next_one_is(platform):
    item = platform.endpoint(types=(PAID,))
    platform.receivers.answers[URL] = BROKEN
    discount_id = platform.discount()
    platform.wait(minutes=1)
    deliver_due(platform.context)
    platform.receivers.answers[URL] = OK
    [shown] = webhook_history.deliveries(platform.context, item)["deliveries"]
    assert (shown["event_id"], shown["status"], shown["type"]) == (f"{discount_id}-0004", "PENDING", PAID)
    assert [(one["status"], one["excerpt"]) for one in shown["attempts"]] == [(500, "oops"), (500, "oops")]
    assert shown["next_attempt_at"] > "2026-04-15T02:01:00"
    assert not {"subject", "n", "since"} & set(shown)


def _dead_and_delivered(platform):
    """Five deliveries that were taken and three dead letters, some begun at one instant; the endpoint."""
    item = platform.endpoint()
    now, events = iso(platform.context.clock.now()), [{"n": number, "type": "DiscountPaid"} for number in range(1, 9)]
    for event in events:
        platform.context.store.transact(
            [new_delivery(str(item.body["endpoint_id"]), "discount#dsc_a", event, PAID, platform.context.clock.now())]
        )
        platform.wait(seconds=int(event["n"]) % 2)
    for event in events:
        made = platform.context.store.get(*delivery_key(str(item.body["endpoint_id"]), "dsc_a", int(event["n"])))
        if event["n"] % 3 == 0 or event["n"] == 8:
            give_up(platform.context, made, "NOT_DELIVERED")
        else:
            done = {**made.body, "status": "DELIVERED", "delivered_at": now}
            platform.context.store.transact([replace(made.replaced(done), due=None)])
    return item


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 200])
@pytest.mark.parametrize(
    ("status", "numbers"),
    [
        (None, range(1, 9)),
        (DeliveryStatus.DEAD, [3, 6, 8]),
        (DeliveryStatus.DELIVERED, [1, 2, 4, 5, 7]),
        (DeliveryStatus.PENDING, []),
    ],
)
def test_deliveries_are_listed_page_by_page_and_each_once(platform, limit, status, numbers):
    item = _dead_and_delivered(platform)
    found, cursor = [], None
    while True:
        page = webhook_history.deliveries(platform.context, item, status, limit=limit, cursor=cursor)
        assert len(page["deliveries"]) <= limit
        found += [one["event_id"] for one in page["deliveries"]]
        cursor = page["next_cursor"]
        assert page["more"] is (cursor is not None)
        if cursor is None:
            break
    assert sorted(found) == [f"dsc_a-{number:04d}" for number in numbers]


def test_an_old_delivery_that_still_waits_is_found_behind_many_that_were_taken(platform):
    item = _dead_and_delivered(platform)
    kept = platform.context.store.get(*delivery_key(str(item.body["endpoint_id"]), "dsc_a", 1))
    platform.context.store.transact([asked_again(kept, platform.context.clock.now())])
    found, cursor = [], None
    while not found:
        page = webhook_history.deliveries(platform.context, item, DeliveryStatus.PENDING, limit=1, cursor=cursor)
        found, cursor = page["deliveries"], page["next_cursor"]
    assert [one["event_id"] for one in found] == ["dsc_a-0001"]


def test_a_cursor_of_deliveries_is_of_no_use_for_another_endpoint_or_status(platform):
    item = _dead_and_delivered(platform)
    cursor = webhook_history.deliveries(platform.context, item, DeliveryStatus.DEAD, limit=1)["next_cursor"]
    other = platform.endpoint(key="hook-2")
    for endpoint, status in ((other, DeliveryStatus.DEAD), (item, DeliveryStatus.DELIVERED), (item, None)):
        with pytest.raises(InvalidCursorError):
            webhook_history.deliveries(platform.context, endpoint, status, cursor=cursor)


def test_replaying_dead_letters_says_that_others_are_left_until_none_is(platform, monkeypatch):
    item = _dead_and_delivered(platform)
    monkeypatch.setattr(webhook_history, "REPLAYED_MAX", 2)
    first = webhook_history.replay_dead(platform.context, item)
    second = webhook_history.replay_dead(platform.context, item)
    assert (first["more"], second["more"]) == (True, False)
    assert sorted(first["queued"] + second["queued"]) == ["dsc_a-0003", "dsc_a-0006", "dsc_a-0008"]


def test_a_day_with_very_many_events_is_listed_from_its_beginning(platform):
    platform.create()
    first = platform.discount()
    owner = webhook_history.feed_owner(PARTNER, iso(OPEN))
    later = iso(OPEN + timedelta(hours=1))
    for number in range(10_001):
        summary = {"subject": "discount#none", "first": 1, "last": 1}
        key = f"webhook_feed#{number}", "0001"
        platform.context.store.transact([Create(*key, {}, listing=Listing(owner, later, summary))])
    found = webhook_history.events(platform.context, PARTNER, OPEN, limit=1)["events"]
    assert [one["subject"] for one in found] == [first]
