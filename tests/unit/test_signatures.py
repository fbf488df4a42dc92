"""Who signed a request: whatever is sent, the answer is a signer or a named refusal, never a crash."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from http_message_signatures.algorithms import ECDSA_P384_SHA384, HMAC_SHA256, RSA_V1_5_SHA256
from hypothesis import given
from hypothesis import strategies as st

from access_fakes import MemoryNonces, algorithm_of, ecdsa, ed25519, key_record, rsa
from fakes import MemoryStore
from partner_client import PartnerClient
from rongtong.domain.access import Refusal
from rongtong.entrypoints.signatures import (
    SignatureError,
    SignatureRefusedError,
    SignedRequest,
    signed_request,
    signer_of,
)
from rongtong.services.storage import Create

KEY = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
KEYS = {"ed25519": ed25519(), "ecdsa-p256-sha256": ecdsa(), "rsa-pss-sha512": rsa()}
BASE = "https://api.example/v"
HERE = "203.0.113.7"


def _store(keys=None, **parts):
    store = MemoryStore()
    public = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    record = {"keys": {"1": public} if keys is None else keys, "role": "partner", **parts}
    store.transact([Create("partner#partner-a", "state", record)])
    return store


def _asked(request, store=None, nonces=None, address=HERE, now=None):
    return signer_of(
        _store() if store is None else store,
        MemoryNonces() if nonces is None else nonces,
        request,
        address=address,
        now=now or datetime.now(UTC),
    )


def _signed(path="/v1/discounts", content=b"{}", created=None, partner="partner-a", key=KEY, nonce=None):
    """A request as the client signs it, caught before it is sent."""
    client, caught = PartnerClient(BASE, partner, key), []
    client._session.send = lambda prepared, **_: caught.append(prepared)
    headers = {"Idempotency-Key": "k1"} if content is not None else {}
    client.send("POST" if content is not None else "GET", path, content, headers, created, nonce)
    return caught[0]


def _received(prepared, **headers):
    sent = {name.lower(): value for name, value in prepared.headers.items()} | headers
    return SignedRequest(
        prepared.method, prepared.url, {name: value for name, value in sent.items() if value is not None}
    )


def _by_hand(key, *, key_id="partner-a#1", created=None, algorithm=None, covered=None, headers=(), **parameters):
    """A request signed with any key and parameters."""
    from http_message_signatures import HTTPMessageSigner

    from rongtong.adapters.signed_api import OneKey

    request = SignedRequest("GET", f"{BASE}/v1/status", dict(headers))
    HTTPMessageSigner(signature_algorithm=algorithm or algorithm_of(key), key_resolver=OneKey(key)).sign(
        request,
        key_id=key_id,
        created=created or datetime.now(UTC),
        covered_component_ids=covered or ["@method", "@authority", "@path"],
        **{"nonce": "nonce-of-this-one", **parameters},
    )
    return SignedRequest(request.method, request.url, {name.lower(): v for name, v in request.headers.items()})


def test_a_signed_request_names_its_caller_and_what_its_key_may():
    found = _asked(_received(_signed()))
    assert (found.tenant.tenant_id, found.tenant.role, found.key_id) == ("partner-a", "partner", "partner-a#1")
    assert "discounts:write" in found.key.scopes


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": None},
        {"signature-input": None},
        {"signature": ""},
        {"signature-input": "pyhms=()"},
        {"signature-input": 'pyhms=("@method");keyid="partner-a#1"'},
        {"signature-input": 'pyhms=("@method" "@authority" "@path");created="now";keyid="partner-a#1"'},
        {"signature-input": 'pyhms=("@method" "@authority" "@path");created=1;keyid=7'},
        {"signature-input": "\x00"},
        {"signature": "pyhms=:AAAA:"},
        {"content-digest": "sha-256=:AAAA:"},
        {"idempotency-key": "another"},
        {"if-match": '"2"'},
        {"host": "elsewhere.example"},
    ],
)
def test_a_missing_malformed_or_changed_header_is_refused_by_name(changed):
    request = _received(_signed(), **changed)
    if "host" in changed:
        request = SignedRequest(request.method, request.url.replace("api.example", changed["host"]), request.headers)
    with pytest.raises(SignatureError):
        _asked(request)


@pytest.mark.parametrize("part", ["created", "nonce"])
def test_a_signature_without_a_date_or_a_nonce_is_refused(part):
    parameters = {"nonce": None} if part == "nonce" else {}
    request = _by_hand(KEY, **parameters)
    if part == "created":
        headers = {**request.headers}
        headers["signature-input"] = headers["signature-input"].replace(";created=", ";expires=")
        request = SignedRequest(request.method, request.url, headers)
    with pytest.raises(SignatureError):
        _asked(request)


class _StoreWithKeysOfItsLength(MemoryStore):
    def get(self, pk, sk):
        assert len(pk.encode()) <= 2048, "DynamoDB refuses longer ones"
        return super().get(pk, sk)


def test_a_key_s_name_that_is_longer_than_the_store_s_keys_is_no_key():
    with pytest.raises(SignatureError):
        _asked(_by_hand(KEY, key_id="x" * 3000 + "#1"), _StoreWithKeysOfItsLength())


@pytest.mark.parametrize("nonce", ["short", "x" * 129])
def test_a_nonce_that_is_too_short_to_be_single_or_too_long_to_be_kept_is_refused(nonce):
    with pytest.raises(SignatureError):
        _asked(_by_hand(KEY, nonce=nonce))


@pytest.mark.parametrize("leave_out", ["@method", "@authority", "@path", "@query", "content-digest", "idempotency-key"])
def test_every_part_that_matters_must_be_covered(leave_out):
    import requests
    from http_message_signatures import HTTPMessageSigner

    from rongtong.adapters.signed_api import OneKey

    prepared = requests.Request(
        "POST", f"{BASE}/v1/discounts?a=b", data=b"{}", headers={"Idempotency-Key": "k"}
    ).prepare()
    covered = ["@method", "@authority", "@path", "@query", "content-digest", "idempotency-key"]
    covered.remove(leave_out)
    signer = HTTPMessageSigner(signature_algorithm=algorithm_of(KEY), key_resolver=OneKey(KEY))
    body = {} if leave_out == "content-digest" else {"body": b"{}"}
    signer.sign(
        prepared,
        key_id="partner-a#1",
        created=datetime.now(UTC),
        nonce="nonce-of-this-one",
        covered_component_ids=covered,
        **body,
    )
    prepared.headers.setdefault("Content-Digest", "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:")
    with pytest.raises(SignatureError, match="was not covered"):
        _asked(_received(prepared))


def test_a_condition_that_is_sent_must_be_covered():
    with pytest.raises(SignatureError, match="was not covered"):
        _asked(_by_hand(KEY, headers={"if-match": '"1"'}.items()))


@pytest.mark.parametrize(("partner", "key"), [("partner-z", KEY), ("partner-a", Ed25519PrivateKey.generate())])
def test_unknown_partners_and_keys_are_refused(partner, key):
    with pytest.raises(SignatureError):
        _asked(_received(_signed(partner=partner, key=key)))


# ---- algorithms


@pytest.mark.parametrize("name", KEYS)
def test_each_algorithm_signs_with_a_key_whose_record_names_it(name):
    key = KEYS[name]
    assert _asked(_by_hand(key), _store({"1": key_record(key)})).key.algorithm == name


@pytest.mark.parametrize("include_alg", [True, False])
@pytest.mark.parametrize(
    ("recorded", "signed"), [(a, b) for a in KEYS for b in KEYS if a != b], ids=lambda name: name.split("-")[0]
)
def test_the_record_decides_on_the_algorithm_whatever_the_request_claims(recorded, signed, include_alg):
    with pytest.raises(SignatureError):
        _asked(_by_hand(KEYS[signed], include_alg=include_alg), _store({"1": key_record(KEYS[recorded])}))


def test_a_signature_that_claims_another_algorithm_than_the_record_has_is_refused():
    class Claimed(algorithm_of(KEY)):
        algorithm_id = "rsa-v1_5-sha256"

    with pytest.raises(SignatureError):
        _asked(_by_hand(KEY, algorithm=Claimed))


def test_a_weaker_signature_with_the_same_rsa_key_is_refused():
    key = KEYS["rsa-pss-sha512"]
    store = _store({"1": key_record(key)})
    with pytest.raises(SignatureError):
        _asked(_by_hand(key, algorithm=RSA_V1_5_SHA256, include_alg=False), store)


def test_a_public_key_is_never_taken_for_a_shared_secret():
    record = key_record(KEYS["rsa-pss-sha512"])
    with pytest.raises(SignatureError):
        _asked(_by_hand(record["public_key"].encode(), algorithm=HMAC_SHA256, include_alg=False), _store({"1": record}))


def test_a_curve_that_is_not_p_256_is_no_key():
    from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key

    key = generate_private_key(SECP384R1())
    record = {**key_record(KEYS["ecdsa-p256-sha256"])}
    record["public_key"] = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(SignatureError, match="cannot be read"):
        _asked(_by_hand(key, algorithm=ECDSA_P384_SHA384, include_alg=False), _store({"1": record}))


# ---- time

NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("created_s", "refusal"),
    [
        (-301, Refusal.SIGNATURE_TOO_OLD),
        (-300, None),
        (0, None),
        (60, None),
        (61, Refusal.SIGNATURE_AHEAD),
        (86_400, Refusal.SIGNATURE_AHEAD),
    ],
)
def test_a_signature_is_taken_from_a_minute_ahead_to_five_minutes_later(created_s, refusal):
    request = _by_hand(KEY, created=NOW + timedelta(seconds=created_s))
    assert _refusal(request, now=NOW) == refusal


@pytest.mark.parametrize(("expires_s", "refusal"), [(1, None), (0, Refusal.SIGNATURE_EXPIRED)])
def test_a_signature_expires_when_its_signer_says_so(expires_s, refusal):
    request = _by_hand(KEY, created=NOW - timedelta(minutes=1), expires=NOW + timedelta(seconds=expires_s))
    assert _refusal(request, now=NOW) == refusal


def test_an_old_signature_is_told_apart_from_a_wrong_one():
    old = _signed(created=datetime.now(UTC) - timedelta(minutes=6))
    assert _refusal(_received(old)) is Refusal.SIGNATURE_TOO_OLD
    with pytest.raises(SignatureError):
        _asked(_received(old, **{"idempotency-key": "another"}))


# ---- nonces


def test_a_request_is_taken_once():
    request, store, nonces = _received(_signed()), _store(), MemoryNonces()
    _asked(request, store, nonces)
    assert _refusal(request, store, nonces) is Refusal.SIGNATURE_REPLAYED


def test_a_nonce_is_remembered_longer_than_its_signature_lasts():
    nonces = MemoryNonces()
    _asked(_by_hand(KEY, created=NOW + timedelta(minutes=1)), nonces=nonces, now=NOW)
    (until,) = nonces.taken.values()
    assert until > NOW + timedelta(minutes=6)


def test_two_keys_may_use_the_same_nonce():
    other = ed25519()
    store, nonces = _store({"1": key_record(KEY), "2": key_record(other)}), MemoryNonces()
    _asked(_by_hand(KEY), store, nonces)
    assert _asked(_by_hand(other, key_id="partner-a#2"), store, nonces).key_id == "partner-a#2"


@pytest.mark.parametrize("wrong", ["signature", "time", "address"])
def test_a_request_that_is_not_taken_uses_no_nonce_up(wrong):
    nonces, store = MemoryNonces(), _store(addresses=["198.51.100.0/24"])
    created = NOW - timedelta(hours=1) if wrong == "time" else NOW
    request = _by_hand(ed25519() if wrong == "signature" else KEY, created=created)
    address = HERE if wrong == "address" else "198.51.100.1"
    with pytest.raises((SignatureError, SignatureRefusedError)):
        _asked(request, store, nonces, address, NOW)
    assert nonces.taken == {}


# ---- keys and addresses


@pytest.mark.parametrize(
    ("parts", "refusal"),
    [
        ({}, None),
        ({"not_before": "2026-04-15T02:00:00Z"}, None),
        ({"not_before": "2026-04-15T02:00:01Z"}, Refusal.KEY_NOT_YET_VALID),
        ({"not_after": "2026-04-15T02:00:01Z"}, None),
        ({"not_after": "2026-04-15T10:00:00+08:00"}, Refusal.KEY_EXPIRED),
        ({"revoked_at": "2026-04-15T01:59:59Z"}, Refusal.KEY_REVOKED),
        # Whoever writes a date ahead means to end the key all the same.
        ({"revoked_at": "2027-04-15T01:59:59Z"}, Refusal.KEY_REVOKED),
    ],
)
def test_a_key_counts_from_its_first_to_its_last_instant_unless_it_is_revoked(parts, refusal):
    store = _store({"1": key_record(KEY, **parts)})
    assert _refusal(_by_hand(KEY, created=NOW), store, now=NOW) == refusal


@pytest.mark.parametrize(
    ("addresses", "address", "refusal"),
    [
        ([], HERE, None),
        (["203.0.113.0/24"], HERE, None),
        (["198.51.100.0/24", "203.0.113.7/32"], HERE, None),
        (["203.0.113.0/24"], "::ffff:203.0.113.7", None),
        (["2001:db8::/48"], "2001:db8::1", None),
        (["198.51.100.0/24"], HERE, Refusal.ADDRESS_NOT_ALLOWED),
        (["203.0.113.0/24"], "2001:db8::1", Refusal.ADDRESS_NOT_ALLOWED),
        (["203.0.113.0/24"], "", Refusal.ADDRESS_NOT_ALLOWED),
        (["0.0.0.0/0"], "test-invoke-source-ip", Refusal.ADDRESS_NOT_ALLOWED),
    ],
)
def test_where_addresses_are_agreed_requests_come_from_them_alone(addresses, address, refusal):
    request = _by_hand(KEY, created=NOW)
    assert _refusal(request, _store(addresses=addresses), address=address, now=NOW) == refusal


@pytest.mark.parametrize(
    "record",
    [
        {"role": "king"},
        {"role": "institution"},
        {"addresses": ["203.0.113.7/24"]},
        {"requests_per_second": 0},
        {"keys": {"1": "abc"}},
        {"keys": {"1": {"algorithm": "hmac-sha256", "public_key": "x"}}},
        {"keys": {"1": key_record(KEY, scopes=["operations:replay"])}},
        {"keys": {"1": key_record(KEY, not_after="2027-01-01")}},
    ],
)
def test_a_record_that_cannot_be_read_lets_nobody_in(record):
    with pytest.raises(SignatureError, match="cannot be read"):
        _asked(_by_hand(KEY), _store(**record))


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_headers_whatever_crash_the_authorizer(signature, signature_input):
    headers = {"signature": signature, "signature-input": signature_input, "host": "api.example"}
    with pytest.raises(SignatureError):
        _asked(SignedRequest("GET", f"{BASE}/v1/log/checkpoint", headers))


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


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-04-15T00%3A00%3A00%2B08%3A00&text=a+b",
        "since=2026-04-15T00%3A00%3A00%2B08%3A00&text=a%20b",
        "since=2026-04-15T00:00:00%2B08:00&text=a%20b",
        "text=a%20b&since=2026-04-15T00:00:00%2B08:00",
    ],
)
def test_a_query_may_be_written_as_clients_write_it(query):
    client, caught = PartnerClient(BASE, "partner-a", KEY), []
    client._session.send = lambda prepared, **_: caught.append(prepared)
    client.get(f"/v1/discounts?{query}")
    told = {"text": ["a b"], "since": ["2026-04-15T00:00:00+08:00"]}
    assert _asked(signed_request(_event(caught[0], told), "")).tenant.tenant_id == "partner-a"
    for other in ({**told, "text": ["a  b"]}, {**told, "more": ["1"]}, {"text": told["text"]}):
        with pytest.raises(SignatureError):
            _asked(signed_request(_event(caught[0], other), ""))


def _event(prepared, query):
    return {
        "httpMethod": prepared.method,
        "path": "/v1/discounts",
        "headers": dict(prepared.headers),
        "multiValueQueryStringParameters": query,
        "requestContext": {"path": "/v/v1/discounts"},
    }


def test_what_was_signed_and_the_signature_stand_for_the_caller_by_themselves():
    signer = _asked(_received(_signed()))
    KEY.public_key().verify(b64decode(signer.signature), signer.signed.encode())
    assert signer.key_id == "partner-a#1"
    assert '"content-digest": sha-256=' in signer.signed


def _refusal(request, *args, **kwargs):
    try:
        _asked(request, *args, **kwargs)
    except SignatureRefusedError as refused:
        return refused.refusal
    return None
