"""What the webhook routes answer is what the API's description says, field by field."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

import access_fakes
from api_calls import call
from in_memory import PARTNER, Platform, sample_bills
from rongtong.entrypoints import answers_webhooks, bootstrap
from rongtong.services.webhook_ports import AttemptError, WebhookAnswer
from rongtong.services.webhooks import deliver_due
from webhook_receiver import MemoryReceivers

ONE = "/v1/webhook-endpoints/{endpoint_id}"
URL = "https://hooks.example.com/a"


@pytest.fixture
def platform(monkeypatch):
    made = Platform()
    made.receivers = MemoryReceivers()
    made.context = replace(made.context, webhook_sender=made.receivers)
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


@pytest.fixture
def app(platform):
    return access_fakes.load_app("webhooks").app


@pytest.fixture
def endpoint(app):
    made = call(app, "POST", "/v1/webhook-endpoints", body={"url": URL, "description": "ours"}, key="key-1")
    return fits(answers_webhooks.EndpointWithSecret, made)


def fits(model, answered):
    assert answered.status < 300, answered.text
    return model.model_validate_json(json.dumps(answered.body), strict=True)


def test_an_endpoint_fits_however_it_is_read(app, endpoint):
    named = {"endpoint_id": endpoint.endpoint_id}
    fits(answers_webhooks.Endpoint, call(app, "GET", ONE, **named))
    fits(answers_webhooks.EndpointList, call(app, "GET", "/v1/webhook-endpoints"))
    fits(answers_webhooks.EndpointWithSecret, call(app, "POST", f"{ONE}/secret", body={}, key="key-2", **named))
    changed = fits(answers_webhooks.Endpoint, call(app, "PATCH", ONE, body={"enabled": False}, **named))
    assert changed.status == "DISABLED"
    assert changed.disabled_at is not None


def test_events_replays_deliveries_and_tests_fit(app, platform, endpoint):
    named = {"endpoint_id": endpoint.endpoint_id}
    platform.run(platform.accept(sample_bills()[2]))
    since = {"since": "2026-04-15T00:00:00Z"}
    assert fits(answers_webhooks.EventList, call(app, "GET", "/v1/events", query=since)).events
    assert fits(answers_webhooks.Queued, call(app, "POST", f"{ONE}/replay", body=since, key="key-3", **named)).queued
    fits(answers_webhooks.Tried, call(app, "POST", f"{ONE}/test", key="key-4", **named))
    platform.context.clock.instant += timedelta(minutes=10)
    deliver_due(platform.context)
    listed = fits(answers_webhooks.DeliveryList, call(app, "GET", f"{ONE}/deliveries", **named))
    assert {one.status.value for one in listed.deliveries} == {"DELIVERED"}
    assert PARTNER not in json.dumps([one.model_dump(mode="json") for one in listed.deliveries])


def test_a_failing_endpoint_fits(app, platform, endpoint):
    named = {"endpoint_id": endpoint.endpoint_id}
    platform.receivers.answers[URL] = WebhookAnswer(status=None, error=AttemptError.ADDRESS_FORBIDDEN)
    platform.run(platform.accept(sample_bills()[2]))
    platform.context.clock.instant += timedelta(minutes=10)
    deliver_due(platform.context)
    assert fits(answers_webhooks.Endpoint, call(app, "GET", ONE, **named)).health is not None
    fits(answers_webhooks.DeliveryList, call(app, "GET", f"{ONE}/deliveries", **named))
