"""The console's modules: what they sign is taken, how they write values, and when a key is forgotten."""

import random
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from access_fakes import MemoryNonces, ecdsa, ed25519, key_record, rsa
from console_node import told_by
from fakes import MemoryStore
from rongtong.entrypoints.http import require_digest
from rongtong.entrypoints.signatures import SignatureError, signed_request, signer_of
from rongtong.services.storage import Create

BASE = "https://api.example:8443/v"
SHANGHAI = timezone(timedelta(hours=8))
HOSTILE = "<img src=x onerror=alert(1)>&lt;"
_SIGNED = """
import { Api, path } from "PAGE/api.js";
import { Session } from "PAGE/session.js";
import { openKey } from "PAGE/signing.js";
const session = new Session();
session.open(await openKey("operations#1", given.pem));
const sent = [];
const api = new Api(given.base, session, async (url, options) => {
  sent.push({ url, ...options, signal: undefined });
  return new Response("{}", { headers: { ETag: '"7"' } });
});
await api.get("/v1/operations/watch");
await api.get("/v1/operations/incidents", { status: "open", kind: "", owner: "a b/票:~*'" });
await api.get(path`/v1/operations/reviews/${"dsc_1/../票 "}`);
await api.post("/v1/operations/suspensions", { reason: "票据 DRILL" }, { key: "key-1" });
await api.post("/v1/operations/complaints/cmp_1/taking", undefined, { key: "key-2" });
const as_read = { key: "key-3", etag: '"7"' };
const read = await api.post("/v1/operations/changes/chg_1/decision", { decision: "approve" }, as_read);
session.close();
const refused = await api.get("/v1/operations/watch").catch((error) => error.name);
tell({ sent, etag: read.etag, refused });
"""


def _pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def _received(sent):
    """A request as API Gateway tells the authorizer of it: the query decoded, its own path with the stage."""
    url = urlsplit(sent["url"])
    event = {
        "httpMethod": sent["method"],
        "headers": {"host": url.netloc, **sent["headers"]},
        "requestContext": {"path": url.path},
        "multiValueQueryStringParameters": parse_qs(url.query, keep_blank_values=True) or None,
    }
    return signed_request(event, "")


# ---- signing


@pytest.mark.parametrize("make", [ed25519, ecdsa, rsa])
def test_the_platform_takes_what_the_page_signs(make):
    key, store, nonces = make(), MemoryStore(), MemoryNonces()
    record = {"role": "operations", "keys": {"1": key_record(key)}}
    store.transact([Create("partner#operations", "state", record)])
    sent = told_by(_SIGNED, pem=_pem(key), base=BASE)["sent"]
    assert [one["method"] for one in sent] == ["GET", "GET", "GET", "POST", "POST", "POST"]
    for one in sent:
        signer = signer_of(store, nonces, _received(one), address="203.0.113.7", now=datetime.now(UTC))
        assert signer.key_id == "operations#1"
        headers = {name.lower(): value for name, value in one["headers"].items()}
        if one["method"] == "POST":
            raw = one["body"].encode()
            require_digest(SimpleNamespace(method="POST", raw_body=raw, headers=headers))
            assert '"idempotency-key"' in headers["signature-input"]
    assert '"if-match"' in sent[5]["headers"]["Signature-Input"]


def test_what_was_changed_behind_the_signature_is_not_taken():
    key, store = ed25519(), MemoryStore()
    store.transact([Create("partner#operations", "state", {"role": "operations", "keys": {"1": key_record(key)}})])
    one = told_by(_SIGNED, pem=_pem(key), base=BASE)["sent"][3]
    one["headers"]["Idempotency-Key"] = "another"
    with pytest.raises(SignatureError):
        signer_of(store, MemoryNonces(), _received(one), address="203.0.113.7", now=datetime.now(UTC))


def test_requests_stay_with_the_api_and_take_nothing_else_along():
    told = told_by(_SIGNED, pem=_pem(ed25519()), base=BASE)
    assert {urlsplit(one["url"]).netloc for one in told["sent"]} == {"api.example:8443"}
    assert {(one["credentials"], one["cache"], one["redirect"]) for one in told["sent"]} == {
        ("omit", "no-store", "error")
    }
    assert told["sent"][2]["url"] == f"{BASE}/v1/operations/reviews/dsc_1%2F..%2F%E7%A5%A8%20"
    assert told["sent"][1]["url"].count("kind") == 0
    assert (told["etag"], told["refused"]) == ('"7"', "SignedOut")


@pytest.mark.parametrize("make", [ed25519, ecdsa, rsa])
def test_the_key_cannot_be_read_out_again(make):
    script = """
    import { openKey } from "PAGE/signing.js";
    const { key } = await openKey("operations#1", given.pem);
    tell([key.extractable, key.usages, await crypto.subtle.exportKey("pkcs8", key).catch((error) => error.name)]);
    """
    assert told_by(script, pem=_pem(make())) == [False, ["sign"], "InvalidAccessError"]


def test_a_file_that_is_no_usable_key_is_refused_with_what_is_wrong():
    key = ed25519()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    good = _pem(key)
    cases = [
        ("operations", good),
        ("a b#1", good),
        ('a"#1', good),
        ("operations#1", ""),
        ("operations#1", public),
        ("operations#1", good.replace("-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\n!")),
        ("operations#1", "\n".join([good.splitlines()[0], good.splitlines()[1][:32], good.splitlines()[2]])),
        ("operations#1", _pem(key, BestAvailableEncryption(b"secret"))),
        ("operations#1", _pem(Ed448PrivateKey.generate())),
        ("operations#1", good),
    ]
    script = """
    import { openKey } from "PAGE/signing.js";
    const tried = ([name, pem]) => openKey(name, pem).then(({ algorithm }) => algorithm, (error) => error.code);
    tell(await Promise.all(given.cases.map(tried)));
    """
    found = told_by(script, cases=cases)
    assert found[:3] == ["KEY_NAME"] * 3
    assert found[3:7] == ["KEY_FORM"] * 4
    assert found[7:] == ["KEY_ENCRYPTED", "KEY_KIND", "ed25519"]


def test_a_key_is_forgotten_after_a_quarter_of_an_hour_without_use():
    script = """
    import { Session } from "PAGE/session.js";
    let now = 0;
    const session = new Session(() => now), minute = 60_000, told = [];
    const is = () => { try { return session.signer().keyId; } catch (error) { return error.name; } };
    told.push(is());
    session.open({ keyId: "a#1" });
    now += 14 * minute; told.push(is());
    session.touch(); now += 14 * minute; told.push(is());
    now += 1 * minute; told.push(is());
    session.touch(); told.push(is());
    session.open({ keyId: "b#1" }); told.push(is());
    session.close(); told.push(is());
    tell(told);
    """
    assert told_by(script) == ["SignedOut", "a#1", "a#1", "SignedOut", "SignedOut", "b#1", "SignedOut"]


# ---- how values are written


def test_fen_are_yuan_to_the_last_one():
    chance = random.Random(12)
    amounts = [0, 1, 9, 10, 99, 100, 99_999, 100_000, 10**15, 10**15 + 1, -1, -123_456, 2**53 - 1]
    amounts += [chance.randrange(10 ** chance.randrange(1, 16)) for _ in range(500)]
    script = 'import { yuan } from "PAGE/format.js"; tell(given.amounts.map(yuan));'
    written = [f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02}" for fen in amounts]
    assert told_by(script, amounts=amounts) == written


def test_what_is_no_whole_number_of_fen_is_not_made_one():
    script = 'import { yuan } from "PAGE/format.js"; tell(given.values.map(yuan));'
    assert told_by(script, values=[1.5, "100", None]) == ["1.5", "100", "null"]


def test_yuan_that_a_person_writes_are_fen_or_nothing():
    right = {
        "0": 0,
        "1": 100,
        "1.5": 150,
        "0.01": 1,
        " 1,500,000.00 ": 150_000_000,
        "9999999999999.99": 999_999_999_999_999,
    }
    wrong = [
        "",
        "-1",
        "1.234",
        "1.",
        ".5",
        "01",
        "1e3",
        "1,50",
        "1,5000",
        "12,34,567",
        "1 000",
        "￥1",
        "NaN",
        "99999999999999",
    ]
    script = 'import { fenOf } from "PAGE/format.js"; tell(given.texts.map(fenOf));'
    assert told_by(script, texts=[*right, *wrong]) == [*right.values(), *[None] * len(wrong)]


def test_instants_are_told_by_the_clock_of_shanghai():
    texts = [
        "2026-04-15T02:00:00.000Z",
        "2026-12-31T16:00:00Z",
        "2028-02-28T23:59:59.999Z",
        "2026-04-15T09:00:00+08:00",
        "2026-04-15T00:30:00-05:00",
    ]
    script = 'import { instant } from "PAGE/format.js"; tell(given.texts.map(instant));'
    written = [datetime.fromisoformat(text).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") for text in texts]
    assert told_by(script, texts=[*texts, HOSTILE]) == [*written, HOSTILE]


def test_spans_and_rates_are_short_and_exact():
    script = """
    import { parts, percent } from "PAGE/format.js";
    tell([given.spans.map(parts), given.rates.map(percent)]);
    """
    spans, rates = told_by(
        script, spans=[0, 59, 60, 3_700, 86_400, 90_061], rates=["1.310000", "2.000000", "0.123456", "x"]
    )
    assert spans == [
        [[0, "seconds"]],
        [[59, "seconds"]],
        [[1, "minutes"]],
        [[1, "hours"], [1, "minutes"]],
        [[1, "days"]],
        [[1, "days"], [1, "hours"]],
    ]
    assert rates == ["1.31", "2.00", "0.123456", "x"]
