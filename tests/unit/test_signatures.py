"""Who signed a request: whatever is sent, the answer is a signer or a named refusal, never a crash."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from fakes import MemoryStore
from partner_client import PartnerClient
from rongtong.entrypoints.signatures import (
    SignatureError,
    SignatureTooOldError,
    SignedRequest,
    signed_request,
    signer_of,
)
from rongtong.services.storage import Create

KEY = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
BASE = "https://api.example/v"


def _store():
    store = MemoryStore()
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    store.transact([Create("partner#partner-a", "state", {"keys": {"1": public}, "role": "partner"})])
    return store


def _signed(path="/v1/discounts", content=b"{}", created=None, partner="partner-a", key=KEY):
    """A request as the client signs it, caught before it is sent."""
    client, caught = PartnerClient(BASE, partner, key), []
    client._session.send = lambda prepared, **_: caught.append(prepared)
    headers = {"Idempotency-Key": "k1"} if content is not None else {}
    client.send("POST" if content is not None else "GET", path, content, headers, created)
    return caught[0]


def _received(prepared, **headers):
    sent = {name.lower(): value for name, value in prepared.headers.items()} | headers
    return SignedRequest(
        prepared.method, prepared.url, {name: value for name, value in sent.items() if value is not None}
    )


def test_a_signed_request_names_its_partner_and_role():
    found = signer_of(_store(), _received(_signed()))
    assert (found.partner_id, found.role) == ("partner-a", "partner")


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": None},
        {"signature-input": None},
        {"signature": ""},
        {"signature-input": "pyhms=()"},
        {"signature-input": 'pyhms=("@method");keyid="partner-a#1"'},
        {"signature-input": 'pyhms=("@method" "@authority" "@path");created="now";keyid="partner-a#1"'},
        {"signature-input": "\x00"},
        {"signature": "pyhms=:AAAA:"},
        {"content-digest": "sha-256=:AAAA:"},
        {"idempotency-key": "another"},
        {"host": "elsewhere.example"},
    ],
)
def test_a_missing_malformed_or_changed_header_is_refused_by_name(changed):
    request = _received(_signed(), **changed)
    if "host" in changed:
        request = SignedRequest(request.method, request.url.replace("api.example", changed["host"]), request.headers)
    with pytest.raises(SignatureError):
        signer_of(_store(), request)


def test_a_signature_without_a_date_is_refused():
    prepared = _signed()
    undated = prepared.headers["Signature-Input"].replace(";created=", ";expires=")
    with pytest.raises(SignatureError):
        signer_of(_store(), _received(prepared, **{"signature-input": undated}))


@pytest.mark.parametrize("leave_out", ["@method", "@authority", "@path", "@query", "content-digest", "idempotency-key"])
def test_every_part_that_matters_must_be_covered(leave_out):
    from http_message_signatures import HTTPMessageSigner
    from http_message_signatures.algorithms import ED25519

    from rongtong.adapters.signed_api import OneKey

    prepared = requests.Request(
        "POST", f"{BASE}/v1/discounts?a=b", data=b"{}", headers={"Idempotency-Key": "k"}
    ).prepare()
    covered = ["@method", "@authority", "@path", "@query", "content-digest", "idempotency-key"]
    covered.remove(leave_out)
    signer = HTTPMessageSigner(signature_algorithm=ED25519, key_resolver=OneKey(KEY))
    body = {} if leave_out == "content-digest" else {"body": b"{}"}
    signer.sign(prepared, key_id="partner-a#1", created=datetime.now(UTC), covered_component_ids=covered, **body)
    prepared.headers.setdefault("Content-Digest", "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:")
    with pytest.raises(SignatureError):
        signer_of(_store(), _received(prepared))


@pytest.mark.parametrize(("partner", "key"), [("partner-z", KEY), ("partner-a", Ed25519PrivateKey.generate())])
def test_unknown_partners_and_keys_are_refused(partner, key):
    with pytest.raises(SignatureError):
        signer_of(_store(), _received(_signed(partner=partner, key=key)))


def test_an_old_signature_is_told_apart_from_a_wrong_one():
    old = _signed(created=datetime.now(UTC) - timedelta(minutes=6))
    with pytest.raises(SignatureTooOldError):
        signer_of(_store(), _received(old))


def test_a_signature_from_the_future_is_refused():
    early = _signed(created=datetime.now(UTC) + timedelta(minutes=10))
    with pytest.raises(SignatureError):
        signer_of(_store(), _received(early))


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_headers_whatever_crash_the_authorizer(signature, signature_input):
    headers = {"signature": signature, "signature-input": signature_input, "host": "api.example"}
    with pytest.raises(SignatureError):
        signer_of(_store(), SignedRequest("GET", f"{BASE}/v1/log/checkpoint", headers))


@pytest.mark.parametrize(
    ("context", "prefix", "url"),
    [
        ({"path": "/v/v1/x"}, "", "https://api.example/v/v1/x?a=1&a=2"),
        (
            {"apiId": "i", "stage": "v"},
            "/restapis/{apiId}/{stage}/r",
            "https://api.example/restapis/i/v/r/v1/x?a=1&a=2",
        ),
    ],
)
def test_the_signed_url_is_put_together_from_the_event(context, prefix, url):
    event = {
        "httpMethod": "GET",
        "path": "/v1/x",
        "headers": {"Host": "api.example"},
        "multiValueQueryStringParameters": {"a": ["1", "2"]},
        "requestContext": context,
    }
    assert signed_request(event, prefix).url == url


def test_what_was_signed_and_the_signature_stand_for_the_caller_by_themselves():
    signer = signer_of(_store(), _received(_signed()))
    KEY.public_key().verify(b64decode(signer.signature), signer.signed.encode())
    assert signer.key_id == "partner-a#1"
    assert '"content-digest": sha-256=' in signer.signed
