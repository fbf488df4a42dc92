"""Bad input gets a problem document with a stable code and the field's name, and nothing is stored."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from partner_client import PartnerClient


def _changed(body, path, value):
    changed = json.loads(json.dumps(body))
    target = changed
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return changed


BODIES = {
    "not JSON": (lambda body: b'{"bill": ', 400, "NOT_JSON", "body"),
    "not an object": (lambda body: [body], 422, "INVALID_BODY", "body"),
    "empty": (lambda body: b"", 400, "NOT_JSON", "body"),
    "a text for a number": (
        lambda body: _changed(body, ["bill", "amount_fen"], "100"),
        422,
        "INVALID_BODY",
        "bill.amount_fen",
    ),
    "a fraction of a fen": (
        lambda body: _changed(body, ["bill", "amount_fen"], 1.5),
        422,
        "INVALID_BODY",
        "bill.amount_fen",
    ),
    "a number for a date": (
        lambda body: _changed(body, ["bill", "issue_date"], 20260415),
        422,
        "INVALID_BODY",
        "bill.issue_date",
    ),
    "no such date": (
        lambda body: _changed(body, ["bill", "issue_date"], "2026-02-30"),
        422,
        "INVALID_BODY",
        "bill.issue_date",
    ),
    "an unknown field": (lambda body: {**body, "speed": "fast"}, 422, "INVALID_BODY", "speed"),
    "an unknown inner field": (
        lambda body: _changed(body, ["bill", "colour"], "red"),
        422,
        "INVALID_BODY",
        "bill.colour",
    ),
    "a missing field": (lambda body: {k: v for k, v in body.items() if k != "trade"}, 422, "INVALID_BODY", "trade"),
    "31 digits": (
        lambda body: _changed(body, ["bill", "number"], body["bill"]["number"] + "1"),
        422,
        "BILL_NUMBER_LENGTH",
        "bill.number",
    ),
    "a range upside down": (
        lambda body: _changed(body, ["bill", "range"], "10-9"),
        422,
        "RANGE_UPSIDE_DOWN",
        "bill.range",
    ),
    "an amount that does not fit": (
        lambda body: _changed(body, ["bill", "amount_fen"], body["bill"]["amount_fen"] + 1),
        422,
        "RANGE_AMOUNT_MISMATCH",
        "bill.amount_fen",
    ),
    "an unknown enterprise": (
        lambda body: {**body, "enterprise_id": "ent_nobody"},
        422,
        "ENTERPRISE_UNKNOWN",
        "enterprise_id",
    ),
    "an unknown institution": (
        lambda body: {**body, "institution_id": "bank-9"},
        422,
        "INSTITUTION_UNKNOWN",
        "institution_id",
    ),
    "one megabyte": (lambda body: {**body, "padding": "x" * 1_000_000}, 413, "BODY_TOO_LARGE", "body"),
    "deep nesting": (lambda body: b"[" * 30_000, 400, "NOT_JSON", "body"),
}


@pytest.fixture(scope="module")
def body(deployed):
    return deployed.request(deployed.samples[3])


def _is_problem(answer, status, code, field):
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
    document = answer.json()
    assert (answer.status_code, document["status"], document["code"]) == (status, status, code)
    assert document.get("field") == field
    assert document["detail"]


@pytest.mark.parametrize("case", BODIES)
def test_a_bad_body_is_a_problem_and_nothing_is_stored(deployed, body, case):
    change, status, code, field = BODIES[case]
    before = deployed.records()
    _is_problem(deployed.clients["partner-a"].post("/v1/discounts", change(body)), status, code, field)
    assert deployed.records() == before


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("uscc", "91310000MA1FL0HA78", "USCC_INVALID"),
        ("mobile", "12345678901", "MOBILE_INVALID"),
        ("name", "", "INVALID_BODY"),
    ],
)
def test_a_bad_enterprise_is_a_problem_and_nothing_is_stored(deployed, field, value, code):
    from sample_file import read_json

    body = {**read_json("enterprises.json")[0], "consent": {"terms_version": "2026-01"}, field: value}
    before = deployed.records()
    _is_problem(deployed.clients["partner-a"].post("/v1/enterprises", body), 422, code, field)
    assert deployed.records() == before


def _check_refused(deployed, send, status, code, field):
    """Refused so, and nothing was stored."""
    before = deployed.records()
    _is_problem(send(), status, code, field)
    assert deployed.records() == before


def test_a_signature_of_another_key_is_refused(deployed, body):
    stranger = PartnerClient(deployed.stack.base_url, "partner-a", Ed25519PrivateKey.generate())
    _check_refused(deployed, lambda: stranger.post("/v1/discounts", body), 401, "SIGNATURE_INVALID", "Signature")


def test_an_unknown_partner_is_refused(deployed, body):
    unknown = PartnerClient(deployed.stack.base_url, "partner-z", Ed25519PrivateKey.generate())
    _check_refused(deployed, lambda: unknown.post("/v1/discounts", body), 401, "SIGNATURE_INVALID", "Signature")


def test_a_request_without_signature_is_refused(deployed, body):
    url = f"{deployed.stack.base_url}/v1/discounts"
    _check_refused(deployed, lambda: requests.post(url, json=body, timeout=30), 401, "SIGNATURE_INVALID", "Signature")


@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(days=400)])
def test_an_old_signature_is_refused(deployed, body, age):
    client = deployed.clients["partner-a"]
    content, headers = json.dumps(body).encode(), {"Idempotency-Key": "old"}
    created = datetime.now(UTC) - age

    def send():
        return client.send("POST", "/v1/discounts", content, headers, created=created)

    _check_refused(deployed, send, 403, "SIGNATURE_REFUSED", "Signature-Input")


def test_a_signature_from_the_future_is_refused(deployed, body):
    client = deployed.clients["partner-a"]
    content, headers = json.dumps(body).encode(), {"Idempotency-Key": "early"}
    created = datetime.now(UTC) + timedelta(minutes=10)

    def send():
        return client.send("POST", "/v1/discounts", content, headers, created=created)

    _check_refused(deployed, send, 403, "SIGNATURE_REFUSED", "Signature-Input")


def test_a_request_that_was_sent_is_refused_when_it_is_sent_again(deployed):
    client, caught = PartnerClient(deployed.stack.base_url, "partner-a", _key(deployed)), []
    client._session.send = lambda prepared, **_: caught.append(prepared)
    client.get("/v1/status")
    assert requests.Session().send(caught[0], timeout=30).status_code == 200
    _check_refused(
        deployed, lambda: requests.Session().send(caught[0], timeout=30), 403, "SIGNATURE_REFUSED", "Signature-Input"
    )


def test_a_key_of_another_role_is_told_the_scope_that_it_lacks(deployed):
    for path, client in (("/v1/discounts", "sample-bank"), ("/v1/operations/incidents", "partner-a")):
        answer = deployed.clients[client].get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
        assert "scope" in answer.json()["detail"]
        assert answer.headers["X-Request-Id"]


def _resend(deployed, body, **changes):
    """Sign a request, then change it on its way."""
    captured = {}
    client = PartnerClient(deployed.stack.base_url, "partner-a", _key(deployed))

    def catch(prepared, **_):
        captured["request"] = prepared
        raise ConnectionAbortedError

    client._session.send = catch
    with pytest.raises(ConnectionAbortedError):
        client.post("/v1/discounts", body)
    prepared = captured["request"]
    if "content" in changes:
        prepared.prepare_body(changes["content"], None)
    prepared.headers.update(changes.get("headers", {}))
    return requests.Session().send(prepared, timeout=30)


def _key(deployed):
    from seed import load_key

    return load_key(Path(deployed.stack.keys), "partner-a")


def test_a_body_changed_on_its_way_is_refused(deployed, body):
    other = json.dumps({**body, "payee_account": "999999"}).encode()
    _check_refused(
        deployed, lambda: _resend(deployed, body, content=other), 401, "CONTENT_DIGEST_MISMATCH", "Content-Digest"
    )


def test_an_idempotency_key_changed_on_its_way_is_refused(deployed, body):
    headers = {"Idempotency-Key": "another"}
    _check_refused(deployed, lambda: _resend(deployed, body, headers=headers), 401, "SIGNATURE_INVALID", "Signature")


def test_a_request_without_idempotency_key_is_refused(deployed, body):
    client, content = deployed.clients["partner-a"], json.dumps(body).encode()
    _check_refused(
        deployed, lambda: client.send("POST", "/v1/discounts", content), 400, "HEADER_MISSING", "Idempotency-Key"
    )


def test_a_body_sent_as_plain_text_is_judged_by_its_content(deployed, body):
    client, content = deployed.clients["partner-a"], json.dumps({**body, "enterprise_id": "ent_nobody"}).encode()
    headers = {"Idempotency-Key": "plain", "Content-Type": "text/plain"}
    _check_refused(
        deployed,
        lambda: client.send("POST", "/v1/discounts", content, headers),
        422,
        "ENTERPRISE_UNKNOWN",
        "enterprise_id",
    )


def test_an_unknown_route_is_a_problem(deployed):
    answer = deployed.clients["partner-a"].get("/v1/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "NO_SUCH_ROUTE")
