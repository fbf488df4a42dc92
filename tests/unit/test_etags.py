"""Entity tags: reading names a state, and a decision on another one is not made."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

import access_fakes
from api_calls import call
from in_memory import PARTNER, Platform, sample_bills
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.errors import MissingHeaderError
from rongtong.entrypoints.etags import PreconditionFailedError, etag, require_match
from rongtong.services.verify_bill import verify
from webhook_receiver import BROKEN, MemoryReceivers

SHOWN = {"id": "1", "状态": ["值", None]}
TAG = etag(SHOWN)
RELEASE = {"kind": "release", "content": {"scope": "platform", "reason": "DRILL_OVER"}}


def _request(sent):
    return SimpleNamespace(headers={} if sent is None else {"if-match": sent})


def test_a_tag_is_quoted_and_that_of_the_content_whatever_its_order():
    assert etag({"状态": ["值", None], "id": "1"}) == TAG
    assert (TAG[0], TAG[-1], len(TAG)) == ('"', '"', 34)
    assert etag({**SHOWN, "id": "2"}) != TAG


@pytest.mark.parametrize("sent", [None, "*", " * ", TAG, f'"a", {TAG}', f'W/"a" ,,{TAG}', f" {TAG} ", f'"",\t{TAG},'])
def test_what_names_the_state_is_let_through(sent):
    require_match(_request(sent), SHOWN)


@pytest.mark.parametrize("sent", ['"a"', f"W/{TAG}", '"a", "b"', '""', f'"{TAG[1:-2]}"', '"*"'])
def test_what_names_another_state_is_not(sent):
    with pytest.raises(PreconditionFailedError):
        require_match(_request(sent), SHOWN)


@pytest.mark.parametrize("sent", ["", " ", "a", TAG[1:-1], f"{TAG} {TAG}", f"{TAG}x", '"a', 'w/"a"', '"a b"', '*, "a"'])
def test_what_is_no_list_of_tags_is_refused_by_name(sent):
    with pytest.raises(MissingHeaderError) as refused:
        require_match(_request(sent), SHOWN)
    assert refused.value.field == "If-Match"


@pytest.mark.parametrize("sent", ['"' + "a" * 5000 + '"', '"a"' + "," * 3000 + "x"])
def test_a_long_header_is_read_in_no_time(sent):
    with pytest.raises((MissingHeaderError, PreconditionFailedError)):
        require_match(_request(sent), SHOWN)


@pytest.fixture
def platform(monkeypatch):
    made = Platform()
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


def _confirm(app, discount_id, tag, key):
    body = {"operator": "operator-1", "factors": ["password", "otp"]}
    route = "/v1/discounts/{discount_id}/confirmation"
    return call(app, "POST", route, body=body, key=key, headers={"if-match": tag}, discount_id=discount_id)


def test_a_confirmation_is_made_on_the_state_that_was_read_or_not_at_all(platform):
    app = access_fakes.load_app("discount_requests").app
    discount_id = platform.accept(sample_bills()[2], confirmed=False)
    read = call(app, "GET", "/v1/discounts/{discount_id}", discount_id=discount_id)
    verify(platform.context, discount_id)
    stale = _confirm(app, discount_id, read.headers["ETag"], "key-1")
    assert (stale.status, stale.body["code"]) == (412, "PRECONDITION_FAILED")
    assert platform.body(discount_id)["confirmed"] is False
    read = call(app, "GET", "/v1/discounts/{discount_id}", discount_id=discount_id)
    assert _confirm(app, discount_id, read.headers["ETag"], "key-1").body["status"] == "VERIFIED"


def test_what_the_platform_notes_for_itself_changes_no_tag(platform):
    app = access_fakes.load_app("discount_requests").app
    discount_id = platform.accept(sample_bills()[2])
    item = platform.context.store.get(f"discount#{discount_id}", "state")
    before = call(app, "GET", "/v1/discounts/{discount_id}", discount_id=discount_id).headers["ETag"]
    platform.context.store.transact([item.replaced({**item.body, "logged": [[7, 1]], "task_token": "t"})])
    assert call(app, "GET", "/v1/discounts/{discount_id}", discount_id=discount_id).headers["ETag"] == before


def test_a_change_is_decided_on_the_state_that_was_read_or_not_at_all(platform):
    app = access_fakes.load_app("configuration").app
    route = "/v1/operations/changes"
    proposed = call(app, "POST", route, body=RELEASE, key="key-1", role="operations", partner="op-1").body["change_id"]
    decision = {"app": app, "method": "POST", "route": route + "/{change_id}/decision", "change_id": proposed}
    decision |= {"body": {"decision": "reject"}, "role": "operations", "partner": "op-2"}
    stale = call(**decision, key="key-2", headers={"if-match": '"another"'})
    assert stale.status == 412
    read = call(app, "GET", route + "/{change_id}", change_id=proposed, role="operations", partner="op-2")
    assert read.body["status"] == "PROPOSED"
    decided = call(**decision, key="key-3", headers={"if-match": read.headers["ETag"]})
    assert (decided.status, decided.body["status"]) == (200, "REJECTED")
    later = call(app, "GET", route + "/{change_id}", change_id=proposed, role="operations", partner="op-2")
    assert decided.headers["ETag"] == later.headers["ETag"] != read.headers["ETag"]
    # What was decided is told again whatever the tag, but for a header that nobody can read.
    assert call(**decision, key="key-4", headers={"if-match": '"another"'}).status == 200
    assert call(**decision, key="key-5", headers={"if-match": "another"}).status == 400


def test_a_repeat_of_a_decision_is_told_its_answer_though_the_tag_is_an_old_one_by_then(platform):
    app = access_fakes.load_app("discount_requests").app
    discount_id = platform.accept(sample_bills()[2], confirmed=False)
    verify(platform.context, discount_id)
    tag = call(app, "GET", "/v1/discounts/{discount_id}", discount_id=discount_id).headers["ETag"]
    first, again = (_confirm(app, discount_id, tag, "key-1") for _ in range(2))
    assert (again.status, again.text) == (200, first.text)


def test_an_enterprise_is_read_with_its_tag(platform):
    app = access_fakes.load_app("registration").app
    enterprise_id = next(iter(platform.ids.values()))
    read = call(app, "GET", "/v1/enterprises/{enterprise_id}", enterprise_id=enterprise_id, partner=PARTNER)
    assert read.headers["ETag"] == etag(read.body)


def test_an_account_is_changed_on_the_state_that_was_read_or_not_at_all(platform):
    app = access_fakes.load_app("registration").app
    named = {"enterprise_id": next(iter(platform.ids.values()))}
    before = call(app, "GET", "/v1/enterprises/{enterprise_id}", **named)
    account = {"bank_code": "309391000011", "account_number": "350100100000009999", "account_name": "另一家"}
    stale = call(
        app,
        "POST",
        "/v1/enterprises/{enterprise_id}/account",
        body={"account": account},
        key="key-1",
        headers={"if-match": '"another"'},
        **named,
    )
    assert (stale.status, stale.body["code"]) == (412, "PRECONDITION_FAILED")
    assert call(app, "GET", "/v1/enterprises/{enterprise_id}", **named).text == before.text


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"enabled": False}), ("DELETE", None)])
def test_a_webhook_endpoint_is_changed_on_the_state_that_was_read_or_not_at_all(platform, method, body):
    platform.context = replace(platform.context, webhook_sender=MemoryReceivers())
    app, route = access_fakes.load_app("webhooks").app, "/v1/webhook-endpoints/{endpoint_id}"
    made = call(app, "POST", "/v1/webhook-endpoints", body={"url": "https://hooks.example.com/a"}, key="key-1")
    named = {"endpoint_id": made.body["endpoint_id"]}
    read = call(app, "GET", route, **named)
    assert call(app, method, route, body=body, headers={"if-match": '"another"'}, **named).status == 412
    assert call(app, "GET", route, **named).text == read.text
    assert call(app, method, route, body=body, headers={"if-match": read.headers["ETag"]}, **named).status < 300
    assert call(app, "GET", route, **named).text != read.text


def test_how_an_endpoint_does_changes_no_tag(platform):
    receivers = MemoryReceivers()
    platform.context = replace(platform.context, webhook_sender=receivers)
    app, url = access_fakes.load_app("webhooks").app, "https://hooks.example.com/a"
    named = {"endpoint_id": call(app, "POST", "/v1/webhook-endpoints", body={"url": url}, key="k").body["endpoint_id"]}
    before = call(app, "GET", "/v1/webhook-endpoints/{endpoint_id}", **named)
    receivers.answers[url] = BROKEN
    platform.run(platform.accept(sample_bills()[2]))
    after = call(app, "GET", "/v1/webhook-endpoints/{endpoint_id}", **named)
    assert "health" in after.body
    assert after.headers["ETag"] == before.headers["ETag"]
