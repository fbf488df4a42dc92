"""Webhooks of the deployed stack to receivers that fail for an hour, hang, redirect, or are gone for a while.

The business clock is moved on instead of waiting, and back to where it would be at the end.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import requests

from deployed import Deployed, wait_for
from rongtong.domain.webhook import verify
from sample_file import SampleBill
from webhook_receiver import Receiver, answering, hanging

PARTNER = "partner-b"
HOUR = timedelta(hours=1)
PAID = "com.rongtong.discount.paid.v1"


@dataclass
class Endpoint:
    """A receiver as its partner knows it, and how it behaves at the moment."""

    behave: Callable[[socket.socket, bytes], None]
    document: dict[str, Any] = field(default_factory=dict)
    receiver: Receiver = field(init=False)

    def __post_init__(self) -> None:
        self.receiver = Receiver(self._answer)

    def go_away(self) -> None:
        self.receiver.close()

    def come_back(self) -> None:
        self.receiver = Receiver(self._answer, port=self.receiver.port)

    def _answer(self, connection: socket.socket, request: bytes) -> None:
        self.behave(connection, request)

    @property
    def path(self) -> str:
        return f"/v1/webhook-endpoints/{self.document['endpoint_id']}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.receiver.port}/hooks"

    def came(self) -> list[tuple[dict[str, str], bytes]]:
        """Header fields and body of every attempt, in their order."""
        return [_split(request) for request in self.receiver.requests]


def _split(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    return {name.lower(): value for name, _, value in lines}, body


class Clock:
    """The sandbox's business clock, moved on from where it stands."""

    def __init__(self, deployed: Deployed) -> None:
        self._url = f"{deployed.stack.sandbox_url}/clock"
        self.moved = timedelta()

    def now(self) -> datetime:
        return datetime.fromisoformat(requests.get(self._url, timeout=30).json()["now"])

    def move(self, by: timedelta) -> None:
        now = self.now() + by
        requests.put(self._url, json={"now": now.isoformat()}, timeout=30).raise_for_status()
        self.moved += by


@pytest.fixture
def clock(deployed: Deployed) -> Iterator[Clock]:
    moved = Clock(deployed)
    yield moved
    moved.move(-moved.moved)


@contextmanager
def registered(deployed: Deployed, *behaviours: Callable[[socket.socket, bytes], None]) -> Iterator[list[Endpoint]]:
    """An endpoint for each behaviour, which can be changed; deleted and closed at the end."""
    client, made = deployed.clients[PARTNER], []
    try:
        for behaviour in behaviours:
            made.append(Endpoint(behaviour))
            answer = client.post("/v1/webhook-endpoints", {"url": made[-1].url})
            assert answer.status_code == 201, answer.text
            made[-1].document = answer.json()
        yield made
    finally:
        for endpoint in made:
            if endpoint.document:
                client.send("DELETE", endpoint.path)
            endpoint.go_away()


def deliveries(deployed: Deployed, endpoint: Endpoint) -> dict[str, dict[str, Any]]:
    """The endpoint's deliveries by their event's id."""
    answer = deployed.clients[PARTNER].get(f"{endpoint.path}/deliveries")
    assert answer.status_code == 200, answer.text
    return {one["event_id"]: one for one in answer.json()["deliveries"]}


def deliver(deployed: Deployed) -> None:
    """A round now, unless the schedule's own runs at this moment."""
    with suppress(deployed.stack.client("lambda").exceptions.TooManyRequestsException):
        deployed.call("DeliverWebhooksFunction", {})


def rounds_until(deployed: Deployed, ready: Callable[[], Any]) -> Any:
    """Rounds until something is so: a function sees a moved clock within two seconds."""

    def one_more() -> Any:
        if not ready():
            deliver(deployed)
        return ready()

    return wait_for(one_more, bool)


def all_delivered(deployed: Deployed, endpoint: Endpoint) -> bool:
    return {one["status"] for one in deliveries(deployed, endpoint).values()} == {"DELIVERED"}


def errors(deployed: Deployed, endpoint: Endpoint) -> set[str | int]:
    """How attempts at the endpoint failed: by a status or by an error's name."""
    attempts = [one for found in deliveries(deployed, endpoint).values() for one in found["attempts"]]
    return {one.get("error") or one["status"] for one in attempts} - {200}


def events_of(deployed: Deployed, discount_id: str, since: datetime) -> dict[str, dict[str, Any]]:
    """A discount's events by their ids, in their order, once it is paid."""
    path = f"/v1/events?since={since:%Y-%m-%dT%H:%M:%SZ}"
    listed = wait_for(
        lambda: deployed.clients[PARTNER].get(path).json()["events"],
        lambda events: any((one["subject"], one["type"]) == (discount_id, PAID) for one in events),
    )
    return {one["id"]: one for one in listed if one["subject"] == discount_id}


def test_nothing_is_lost_at_receivers_that_fail_for_an_hour_hang_redirect_or_are_gone_for_a_while(deployed, clock):
    inside, began = Receiver(answering(200)), clock.now()
    redirecting = answering(302, headers=f"Location: http://127.0.0.1:{inside.port}/inside\r\n")
    bill = next(deployed.plain)
    with registered(deployed, answering(500, b"down"), hanging, redirecting, answering(200)) as endpoints:
        failing, hung, redirected, gone = endpoints
        gone.go_away()
        discount_id = deployed.submit(bill, PARTNER)
        deployed.until(discount_id, "DISBURSED", partner=PARTNER)
        events = events_of(deployed, discount_id, began)
        for endpoint in endpoints:
            assert wait_for(partial(deliveries, deployed, endpoint), bool).keys() >= events.keys()
        assert rounds_until(deployed, lambda: errors(deployed, hung))
        hung.behave = answering(200)

        _fail_for_an_hour(deployed, failing, clock)
        gone.come_back()
        failing.behave = redirected.behave = answering(200)
        clock.move(2 * HOUR)
        for endpoint in endpoints:
            assert rounds_until(deployed, partial(all_delivered, deployed, endpoint))

        assert [errors(deployed, one) for one in endpoints] == [{500}, {"TIMED_OUT"}, {302}, {"NOT_CONNECTED"}]
        for endpoint in endpoints:
            _require_that_all_of_it_came(endpoint, events, clock.now())
            _require_that_nothing_leaked(endpoint, bill)
        for endpoint in (failing, hung):
            came = [headers["webhook-id"] for headers, _ in endpoint.came()]
            assert len(came) > len(set(came)), "what failed came again, under the id that it had"
    assert inside.connections == 0, "no redirect is followed"
    inside.close()


def _fail_for_an_hour(deployed: Deployed, endpoint: Endpoint, clock: Clock) -> None:
    """Its deliveries are tried again and again, stay pending, and its partner sees that it fails."""
    for minutes in (2, 10, 48):
        before = _tries(deployed, endpoint)
        clock.move(timedelta(minutes=minutes))
        assert rounds_until(deployed, lambda tried=before: _tries(deployed, endpoint) > tried)
    assert clock.moved == HOUR
    assert {one["status"] for one in deliveries(deployed, endpoint).values()} == {"PENDING"}
    listed = deployed.clients[PARTNER].get("/v1/webhook-endpoints").json()["endpoints"]
    (health,) = [one["health"] for one in listed if one["endpoint_id"] == endpoint.document["endpoint_id"]]
    assert health["last"]["status"] == 500


def _tries(deployed: Deployed, endpoint: Endpoint) -> int:
    return sum(len(one["attempts"]) for one in deliveries(deployed, endpoint).values())


def _require_that_all_of_it_came(endpoint: Endpoint, events: dict[str, dict[str, Any]], now: datetime) -> None:
    """Every event, signed with the endpoint's keys; a repeat byte for byte alike; ``sequence`` gives their order."""
    bodies: dict[str, bytes] = {}
    for headers, body in endpoint.came():
        for key in ("secret", "public_key"):
            name = verify(headers, body, [endpoint.document[key]], now, tolerance=4 * HOUR)
        assert bodies.setdefault(name, body) == body
    came = [document for document in map(json.loads, bodies.values()) if document["id"] in events]
    assert {document["id"]: document for document in came} == events
    assert [document["id"] for document in sorted(came, key=lambda one: str(one["sequence"]))] == list(events)


def _require_that_nothing_leaked(endpoint: Endpoint, bill: SampleBill) -> None:
    """Neither the endpoint's secret nor the company's account and number."""
    kept_back = [endpoint.document["secret"], bill.request["payee_account"], bill.holder_uscc]
    for request in endpoint.receiver.requests:
        assert not [one for one in kept_back if one.encode() in request]


@pytest.mark.parametrize("url", ["https://10.0.0.1/hooks", "https://169.254.169.254/latest", "http://192.168.0.7/"])
def test_no_endpoint_is_registered_at_a_private_address(deployed, url):
    answer = deployed.clients[PARTNER].post("/v1/webhook-endpoints", {"url": url})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "WEBHOOK_URL", "url")
