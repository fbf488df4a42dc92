"""The partners' client: what it sends is what the API's description has, and what it does when answers go wrong."""

import inspect
import json
import re
import typing
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from jsonschema import Draft202012Validator

import client_types
from access_fakes import MemoryNonces, ecdsa, ed25519, key_record, rsa
from fakes import MemoryStore
from openapi import DOCUMENT
from paths import ROOT
from rongtong.domain.webhook import private_text, public_text, secret_text, signed_headers
from rongtong.entrypoints.http import require_digest
from rongtong.entrypoints.signatures import SignedRequest, signer_of
from rongtong.services.storage import Create
from rongtong_client import (
    Client,
    NotDoneError,
    Patience,
    ProblemError,
    UnansweredError,
    WebhookError,
    types,
    verify_webhook,
)
from scripted_server import DROPPED, Reply, serving

DESCRIBED = json.loads(DOCUMENT.read_text(encoding="utf-8"))
SCHEMAS = DESCRIBED["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
}
COMPOSED = {"close", "wait_until_verified", "wait_until_done", "wait_for_receipt"}
"""Methods that are made of others."""
SAME = {
    "read_discount_with_etag": "readDiscount",
    "read_bill_import_lines": "readBillImport",
    "read_statement_file": "readStatement",
    "read_bill_template": "readBillTemplate",
}
METHODS = sorted(
    name
    for name in dir(Client)
    if not name.startswith("_") and callable(getattr(Client, name)) and name not in COMPOSED
)
KEY = ed25519()
GIVEN = {
    "status": None,
    "since": "2026-04-15T02:00:00.000Z",
    "until": "2026-04-16T02:00:00.000Z",
    "type": "com.rongtong.discount.paid.v1",
    "acceptor_bank_code": "313100000013",
    "maturity_from": "2026-05-01",
    "maturity_to": "2026-06-01",
    "only": "refused",
    "offset": 3,
    "limit": 7,
    "day": "2026-04-15",
    "form": "csv",
    "idempotency_key": "key-of-the-caller",
    "if_match": '"b7c1d6a2f0e94c55"',
    "bill_id": "bil_4syj3glkr6jt3apmgd3n43zvfh",
    "bill_import_id": "imp_4syj3glkr6jt3apmgd3n43zvfh",
    "enterprise_id": "ent_nzfju3c3xv6chtovrrfhqyo6fx",
    "quote_id": "quo_wdf4nxekleycgu3dhmlheuow3c",
    "discount_id": "dsc_4syj3glkr6jt3apmgd3n43zvfh",
    "endpoint_id": "whe_5kd3v2mwyqzt4hx6bnej7rsaop",
    "challenge_id": "chl_3b452spayspk35yezjezzbuz4s",
}


def _pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()).decode()


def _client(url, key=KEY, sleeps=None, **patience):
    return Client(
        url,
        "partner-a#1",
        _pem(key),
        patience=Patience(**patience),
        sleep=[].append if sleeps is None else sleeps.append,
    )


def _operation(name):
    words = SAME.get(name) or re.sub("_([a-z])", lambda found: found[1].upper(), name)
    return OPERATIONS[words]


def _whole(schema):
    return {**schema, "components": DESCRIBED["components"]}


def _resolved(schema):
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _instance(schema):
    """Something of a schema's form: required parts only, lists of one, null where that may be."""
    form = _resolved(schema)
    if "anyOf" in form:
        return None if {"type": "null"} in form["anyOf"] else _instance(form["anyOf"][0])
    if "const" in form or "enum" in form:
        return form.get("const", form.get("enum", [None])[0])
    if form.get("type") == "array":
        return [_instance(form["items"])] if "items" in form else []
    if form.get("type") == "object":
        return {name: _instance(form["properties"][name]) for name in form.get("required", ())}
    return {"string": "text", "integer": 1, "boolean": True}.get(form.get("type"))


def _arguments(name, operation):
    """An argument for every parameter of the method."""
    found = {}
    for parameter in list(inspect.signature(getattr(Client, name)).parameters)[1:]:
        if parameter == "body":
            found[parameter] = operation["requestBody"]["content"]["application/json"]["example"]
        elif parameter == "status":
            (schema,) = [one["schema"] for one in operation["parameters"] if one.get("name") == "status"]
            found[parameter] = _resolved(schema)["enum"][0]
        elif parameter == "fields":
            (schema,) = [one["schema"] for one in operation["parameters"] if one.get("name") == "fields"]
            found[parameter] = re.match(r"\^\(([a-z_0-9|]+)", schema["pattern"])[1].split("|")[:2]
        else:
            found[parameter] = GIVEN[parameter]
    return found


def _called(name):
    """The request that a method makes, and its operation."""
    method, path, operation = _operation(name)
    (status, answer), *_ = [(int(s), a) for s, a in operation["responses"].items() if s.startswith("2")]
    media = answer.get("content", {}).get("application/json", {})
    document = _instance(media["schema"]) if media else b""
    with serving(lambda seen: Reply(status, document, {"ETag": '"1"'})) as server:
        found = getattr(_client(server.url), name)(**_arguments(name, operation))
        if isinstance(found, Iterator):
            list(found)
    (seen,) = server.seen
    return seen, method, path, operation


def _sent_parameters(operation, place):
    shared = DESCRIBED["components"]["parameters"]
    for parameter in operation["parameters"]:
        found = shared[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
        if found["in"] == place:
            yield found


# ---- held against the description


@pytest.mark.parametrize("name", METHODS)
def test_every_method_asks_for_an_operation_of_the_description(name):
    seen, method, path, _ = _called(name)
    assert seen.method == method
    assert re.fullmatch(re.sub(r"\{[a-z_]+\}", "[^/]+", path), seen.path)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_sends_parameters_and_headers_as_they_are_described(name):
    seen, _, _, operation = _called(name)
    queries = {parameter["name"]: parameter["schema"] for parameter in _sent_parameters(operation, "query")}
    assert set(seen.query) <= set(queries)
    for parameter, value in seen.query.items():
        typed = int(value) if _resolved(queries[parameter]).get("type") == "integer" else value
        Draft202012Validator(_whole(queries[parameter])).validate(typed)
    for header in _sent_parameters(operation, "header"):
        value = seen.headers.get(header["name"].lower())
        assert value is not None or not header["required"], header["name"]
        if value is not None:
            Draft202012Validator(_whole(header["schema"])).validate(value)


@pytest.mark.parametrize(
    "name", [name for name in METHODS if "body" in inspect.signature(getattr(Client, name)).parameters]
)
def test_every_body_is_of_the_type_that_the_description_names(name):
    _, _, operation = _operation(name)
    hinted = typing.get_type_hints(getattr(Client, name))["body"]
    described = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert hinted is getattr(types, described)


def _answered_type(name):
    """The name of the type that a method hints at: itself, or in an iterator, a list or a pair."""
    hinted = typing.get_type_hints(getattr(Client, name))["return"]
    return (typing.get_args(hinted) or (hinted,))[0].__name__


@pytest.mark.parametrize(
    "name", [name for name in METHODS if "bytes" not in str(typing.get_type_hints(getattr(Client, name))["return"])]
)
def test_every_answer_is_of_the_type_that_the_description_names(name):
    _, _, operation = _operation(name)
    (answer, *_) = [a for s, a in operation["responses"].items() if s.startswith("2")]
    if "application/json" not in answer.get("content", {}):
        assert typing.get_type_hints(getattr(Client, name))["return"] is type(None)
        return
    schema = answer["content"]["application/json"]["schema"]
    lists = [form["items"] for form in _resolved(schema)["properties"].values() if form.get("type") == "array"]
    assert _answered_type(name) in [one["$ref"].rpartition("/")[2] for one in (schema, *lists) if "$ref" in one]


def test_the_types_are_what_make_docs_writes():
    assert client_types.FILE.read_text(encoding="utf-8") == client_types.text()


def test_the_client_imports_nothing_of_the_platform():
    for module in (ROOT / "clients" / "python" / "rongtong_client").glob("*.py"):
        assert not re.search(r"^\s*(from|import) rongtong\b(?!_)", module.read_text(encoding="utf-8"), re.MULTILINE)


# ---- signing


@pytest.mark.parametrize("make", [ed25519, ecdsa, rsa])
@pytest.mark.parametrize("name", ["request_discount", "list_discounts", "confirm_discount", "delete_endpoint"])
def test_the_platform_takes_the_signature_of_every_kind_of_key(make, name):
    key, store = make(), MemoryStore()
    store.transact([Create("partner#partner-a", "state", {"role": "partner", "keys": {"1": key_record(key)}})])
    _, _, operation = _operation(name)
    with serving(lambda seen: Reply(200, {"discounts": [], "next_cursor": None})) as server:
        found = getattr(_client(server.url, key), name)(**_arguments(name, operation))
        if isinstance(found, Iterator):
            list(found)
    (seen,) = server.seen
    received = SignedRequest(seen.method, f"http://{seen.headers['host']}{seen.target}", seen.headers)
    signer = signer_of(store, MemoryNonces(), received, address="127.0.0.1", now=datetime.now(UTC))
    assert signer.tenant.tenant_id == "partner-a"


def test_the_body_is_the_one_whose_digest_was_signed():
    seen, *_ = _called("request_discount")

    class Request:
        method, raw_body, headers = seen.method, seen.body, seen.headers

    require_digest(Request)


def test_every_attempt_has_a_signature_and_a_nonce_of_its_own():
    replies = iter([Reply(503), Reply(503), Reply(200)])
    with serving(lambda seen: next(replies)) as server:
        _client(server.url).read_status()
    assert len({re.search('nonce="([^"]+)"', seen.headers["signature-input"])[1] for seen in server.seen}) == 3


@pytest.mark.parametrize("pem", ["no key", _pem(KEY, BestAvailableEncryption(b"x")), _pem(generate_ec(SECP384R1()))])
def test_a_key_that_cannot_sign_is_refused_when_the_client_is_made(pem):
    with pytest.raises(ValueError, match=r"key|PEM"):
        Client("https://api.example", "partner-a#1", pem)


@pytest.mark.parametrize("url", ["http://api.example", "api.example", "http://127.0.0.1.evil.example"])
def test_nothing_is_sent_in_the_open_to_another_machine(url):
    with pytest.raises(ValueError, match="https"):
        Client(url, "partner-a#1", _pem(KEY))


# ---- repeats


def _asked(*replies, sleeps=None, **patience):
    """The requests that a discount request takes while these are the answers, and how it ends."""
    waiting = iter(replies)
    with serving(lambda seen: next(waiting)) as server:
        try:
            ended = _client(server.url, sleeps=sleeps, **patience).request_discount({"enterprise_id": "ent_1"})
        except (ProblemError, UnansweredError) as error:
            ended = error
    return server.seen, ended


RUNNING = Reply(409, {"code": "REQUEST_RUNNING"}, {"Retry-After": "2"})
PASSING = {
    "the connection breaks": DROPPED,
    "500": Reply(500, {"code": "INTERNAL"}),
    "502 of a gateway": Reply(502, b"<html>"),
    "503": Reply(503, {"code": "BUSY_TRY_AGAIN"}, {"Retry-After": "1"}),
    "504": Reply(504, {"message": "Endpoint request timed out"}),
    "429": Reply(429, {"code": "TOO_MANY_REQUESTS"}, {"Retry-After": "3"}),
    "still running": RUNNING,
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING)
def test_what_was_not_decided_is_sent_again_as_it_was_under_the_same_key(reply):
    seen, ended = _asked(reply, Reply(202, {"discount_id": "dsc_1"}))
    assert ended == {"discount_id": "dsc_1"}
    assert len({(one.headers["idempotency-key"], one.body) for one in seen}) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(422, {"code": "RANGE_FORMAT"}),
        Reply(409, {"code": "RANGE_TAKEN"}),
        Reply(409, {"code": "SUSPENDED"}),
        Reply(403),
    ],
    ids=lambda reply: str(reply.document.get("code", reply.status)),
)
def test_what_was_decided_is_not_asked_again(reply):
    seen, ended = _asked(reply)
    assert (len(seen), ended.status) == (1, reply.status)


def test_every_call_has_a_key_of_its_own():
    first, _ = _asked(Reply(202))
    second, _ = _asked(Reply(202))
    assert first[0].headers["idempotency-key"] != second[0].headers["idempotency-key"]


def test_the_callers_key_is_sent_as_it_is():
    seen, *_ = _called("request_discount")
    assert seen.headers["idempotency-key"] == "key-of-the-caller"


def test_it_waits_as_long_as_it_is_told():
    sleeps = []
    _asked(PASSING["429"], Reply(202), sleeps=sleeps)
    assert 3 <= sleeps[0] <= 3.2


def test_it_waits_longer_every_time_where_nothing_says_how_long():
    sleeps = []
    _asked(*[Reply(500)] * 5, Reply(202), sleeps=sleeps)
    doubled = [0.5, 1, 2, 4, 8]
    assert all(pause / 2 <= slept <= pause for slept, pause in zip(sleeps, doubled, strict=True))


def test_it_does_not_wait_for_longer_than_its_patience():
    seen, ended = _asked(Reply(429, {"code": "TOO_MANY_REQUESTS"}, {"Retry-After": "61"}))
    assert (len(seen), ended.retry_after_s) == (1, 61)


def test_a_problem_that_does_not_pass_is_told_in_the_end():
    seen, ended = _asked(*[RUNNING] * 3, attempts=3)
    assert (len(seen), ended.code) == (3, "REQUEST_RUNNING")


def test_a_caller_without_any_answer_learns_the_key_to_ask_again_with():
    seen, ended = _asked(DROPPED, DROPPED, attempts=2)
    assert isinstance(ended, UnansweredError)
    assert ended.idempotency_key == seen[0].headers["idempotency-key"]


def test_a_deletion_whose_first_answer_was_lost_is_no_error():
    replies = iter([DROPPED, Reply(404, {"code": "NOT_FOUND"})])
    with serving(lambda seen: next(replies)) as server:
        assert _client(server.url).delete_endpoint("whe_1") is None


def test_deleting_what_was_never_there_is_an_error():
    with serving(lambda seen: Reply(404, {"code": "NOT_FOUND"})) as server, pytest.raises(ProblemError):
        _client(server.url).delete_endpoint("whe_1")


def test_no_redirect_is_followed():
    with serving(lambda seen: Reply(302, {}, {"Location": "/elsewhere"})) as server, pytest.raises(ProblemError):
        _client(server.url).read_status()
    assert [seen.path for seen in server.seen] == ["/v1/status"]


# ---- problems


def test_a_problem_tells_code_field_detail_and_request_id():
    document = {"code": "RANGE_FORMAT", "field": "bill.range", "detail": "Write it so."}
    _, ended = _asked(Reply(422, document, {"X-Request-Id": "request-7"}))
    told = (ended.status, ended.code, ended.field, ended.detail, ended.request_id)
    assert told == (422, "RANGE_FORMAT", "bill.range", "Write it so.", "request-7")


@pytest.mark.parametrize("content", [b"<html>", b"", b"[]", b'"text"'])
def test_an_answer_of_a_gateway_is_a_problem_too(content):
    _, ended = _asked(Reply(403, content))
    assert ended.code == "HTTP_403"


def test_an_answer_that_is_not_json_is_no_answer():
    _, ended = _asked(Reply(200, b"<html>"))
    assert isinstance(ended, UnansweredError)


# ---- pages and waiting


def test_an_iterator_reads_all_pages_also_behind_an_empty_one():
    pages = {"": ([1], "c1"), "c1": ([], "c2"), "c2": ([2, 3], None)}

    def answer(seen):
        found, cursor = pages[seen.query.get("cursor", "")]
        return Reply(200, {"discounts": found, "next_cursor": cursor})

    with serving(answer) as server:
        assert list(_client(server.url).list_discounts(status="DISBURSED")) == [1, 2, 3]
    assert {seen.query["status"] for seen in server.seen} == {"DISBURSED"}


def test_a_page_is_read_when_it_is_needed():
    with serving(lambda seen: Reply(200, {"bills": [1, 2], "next_cursor": "more"})) as server:
        assert next(_client(server.url).list_bills()) == 1
    assert len(server.seen) == 1


def test_the_lines_of_an_import_are_read_to_their_end():
    pages = {"0": ([1, 2], 2), "2": ([3], None)}

    def answer(seen):
        results, offset = pages[seen.query["offset"]]
        return Reply(200, {"results": results, "next_offset": offset})

    with serving(answer) as server:
        assert list(_client(server.url).read_bill_import_lines("imp_1")) == [1, 2, 3]


@pytest.mark.parametrize("last", ["DISBURSED", "RETURNED", "REFUSED", "FAILED", "IN_REVIEW", "AWAITING_CONFIRMATION"])
def test_a_discount_is_followed_until_nothing_more_happens_by_itself(last):
    statuses = iter(["ACCEPTED", "VERIFIED", "SEALED", last])
    with serving(lambda seen: Reply(200, {"status": next(statuses)})) as server:
        assert _client(server.url).wait_until_done("dsc_1")["status"] == last


def test_waiting_has_an_end():
    now = iter(range(0, 1000, 10))
    with serving(lambda seen: Reply(200, {"status": "PENDING"})) as server:
        client = Client(server.url, "partner-a#1", _pem(KEY), sleep=[].append, clock=lambda: next(now))
        with pytest.raises(NotDoneError):
            client.wait_until_verified("ent_1", timeout_s=30)


def test_a_receipt_is_waited_for_and_kept_byte_by_byte():
    kept = b'{ "format":"rongtong-receipt/2" }'
    replies = iter([Reply(409, {"code": "WRONG_STATE"}), Reply(200, kept)])
    with serving(lambda seen: next(replies)) as server:
        assert _client(server.url).wait_for_receipt("dsc_1") == kept


def test_ids_cannot_lead_to_another_path():
    with serving(lambda seen: Reply(200, {})) as server:
        _client(server.url).read_discount("../enterprises?x=1")
    assert server.seen[0].target == "/v1/discounts/..%2Fenterprises%3Fx%3D1"


# ---- webhooks

SECRET, PRIVATE = secret_text(b"s" * 32), private_text(b"k" * 32)
EVENT = json.dumps({"specversion": "1.0", "id": "dsc_1-0001", "data": {}}).encode()
AT = datetime(2026, 4, 15, 2, tzinfo=UTC)


def _verified(keys, body=EVENT, signers=(SECRET, PRIVATE), late_s=0, **headers):
    sent = {**signed_headers(signers, "dsc_1-0001", AT, EVENT), **headers}
    return verify_webhook(sent, body, keys, now=AT.timestamp() + late_s)


@pytest.mark.parametrize("key", [SECRET, public_text(PRIVATE)])
def test_what_the_platform_signs_is_authentic_under_either_key(key):
    assert _verified([key])["id"] == "dsc_1-0001"


def test_any_of_the_receivers_keys_may_have_signed():
    assert _verified([secret_text(b"o" * 32), SECRET], signers=[SECRET])["id"] == "dsc_1-0001"


FORGED = {
    "another body": {"body": EVENT + b" "},
    "another key": {"keys": [secret_text(b"o" * 32)]},
    "no key at all": {"keys": []},
    "an old one": {"late_s": 301},
    "one of the future": {"late_s": -301},
    "another id": {"webhook-id": "dsc_1-0002"},
    "another time": {"webhook-timestamp": str(int(AT.timestamp()) + 1)},
    "no signature": {"webhook-signature": ""},
    "a signature that is none": {"webhook-signature": "v1,==="},
    "a time that is none": {"webhook-timestamp": "now"},
}


@pytest.mark.parametrize("changed", FORGED.values(), ids=FORGED)
def test_what_the_platform_did_not_sign_just_now_is_refused(changed):
    with pytest.raises(WebhookError):
        _verified(**{"keys": [SECRET], **changed})


def test_a_secret_does_not_vouch_for_a_signature_of_the_other_kind():
    signature = signed_headers([SECRET], "dsc_1-0001", AT, EVENT)["webhook-signature"].replace("v1,", "v1a,")
    with pytest.raises(WebhookError):
        _verified([SECRET], **{"webhook-signature": signature})


@pytest.mark.parametrize("key", ["", "secret", "whsec_", "whsec_AAAA", "whpk_AAAA", "whsk_" + "A" * 43 + "="])
def test_a_text_that_is_no_key_is_an_error_of_the_caller(key):
    with pytest.raises(ValueError, match="key"):
        _verified([key])


def test_an_event_that_is_not_the_named_one_is_refused():
    body = json.dumps({"id": "dsc_2-0001"}).encode()
    headers = signed_headers([SECRET], "dsc_1-0001", AT, body)
    with pytest.raises(WebhookError):
        verify_webhook(headers, body, [SECRET], now=AT.timestamp())
