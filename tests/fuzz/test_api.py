"""The API by its own description, with a fixed seed and few random cases; `make fuzz` tries more of them."""

from __future__ import annotations

import io
import json
from http import HTTPStatus

import pytest
from api import api_in_memory
from run_fuzz import fuzz
from signing import digest_of, to_be_signed


@pytest.fixture(scope="module")
def asked():
    with api_in_memory() as made:
        yield made


@pytest.fixture(scope="module")
def found(asked):
    app, discounts = asked
    return fuzz(app, discounts=discounts, seed=20260415, examples=2)


def test_nothing_that_the_description_promises_is_broken(found):
    assert [
        f"{one.operation} {one.check}: {one.what}\n{one.request}\n{one.answer}" for one in found.findings.values()
    ] == []
    assert found.errors == []


def test_nothing_is_answered_with_a_fault_of_ours(found):
    assert [status for status in found.statuses if status >= HTTPStatus.INTERNAL_SERVER_ERROR] == []


def test_every_operation_is_asked_and_links_are_followed(found):
    assert len(found.cases) == found.operations > 0
    assert found.phases["stateful"] >= 20


def _posted(asked, path, content, whose="partner-a", key="odd"):
    headers = {**to_be_signed(whose), "Content-Digest": digest_of(b""), "Idempotency-Key": key}
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    environ |= {"REQUEST_METHOD": "POST", "REQUEST_URI": path, "CONTENT_LENGTH": str(len(content))}
    answered: list[str] = []
    body = b"".join(asked[0]({**environ, "wsgi.input": io.BytesIO(content)}, lambda status, _: answered.append(status)))
    return int(answered[0].split()[0]), json.loads(body)


@pytest.mark.parametrize("key", ["", "a b", "é", "a" * 129])
def test_a_key_for_repeats_is_of_visible_characters(asked, key):
    status, problem = _posted(asked, "/v1/quotes", _quote(), key=key)
    assert (status, problem["field"]) in ((400, "Idempotency-Key"), (401, "Signature"))


def _quote(**changes):
    asked = {"institution_ids": ["bank-1"], "kind": "AC01", "acceptor_bank_code": "313301099999"}
    return json.dumps({**asked, "amount_fen": 120538371, "maturity_date": "2026-05-24", **changes}).encode()


@pytest.mark.parametrize("amount", [b"120538371.0", b"1.20538371e8"])
def test_a_whole_number_is_one_however_json_writes_it(asked, amount):
    status, shown = _posted(asked, "/v1/quotes", _quote().replace(b"120538371", amount))
    assert (status, shown["bill"]["amount_fen"]) == (201, 120538371)


def test_a_number_that_is_not_whole_is_no_amount(asked):
    status, problem = _posted(asked, "/v1/quotes", _quote(amount_fen=0.5))
    assert (status, problem["field"]) == (422, "amount_fen")


@pytest.mark.parametrize("amount", [b"NaN", b"Infinity", b"1e400", b"9007199254740993.0e" + b"9" * 400])
def test_what_is_no_number_of_json_or_too_large_for_one_is_not_read(asked, amount):
    status, problem = _posted(asked, "/v1/quotes", _quote().replace(b"120538371", amount))
    assert (status, problem["code"]) == (400, "NOT_JSON")


@pytest.mark.parametrize("content", [b'{"kind":"limits","content":{"\\ud800":1}}', b'{"\\uDC00":1}'])
def test_half_a_character_is_not_read(asked, content):
    status, problem = _posted(asked, "/v1/operations/changes", content, "operations")
    assert (status, problem["code"]) == (400, "NOT_JSON")


def test_a_character_of_two_halves_is_read(asked):
    _, problem = _posted(
        asked, "/v1/operations/changes", b'{"kind":"limits","content":{"\\ud83d\\ude00":1}}', "operations"
    )
    assert problem["code"] == "LIMITS"


def test_a_week_is_no_day(asked):
    status, problem = _posted(asked, "/v1/quotes", _quote(maturity_date="2026-W21-7"))
    assert (status, problem["field"]) == (422, "maturity_date")
