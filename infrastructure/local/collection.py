"""Writes the collection for Bruno from the API's description: a request for every operation. Run by `make docs`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

from openapi import DOCUMENT
from paths import ROOT

FOLDER = ROOT / "docs" / "collection"
_JSON = "application/json"
_README = """\
# A collection for Bruno

Every operation of [openapi.json](../openapi.json) as a request of [Bruno](https://www.usebruno.com), with its example
as body. `make docs` writes all of it.

1. Open this folder as a collection, and allow it *developer mode*: `sign.js` reads your private key and signs with
   Node's `crypto`. With the command line: `bru run Status --env Local --sandbox developer`.
2. Choose the environment `Local` and set `base_url` to what `make up` has printed behind `API`. `key_id` and `key_file`
   (from this folder on, or absolute) are those of `partner-a` of that stack; another role's requests need another key.
3. Send. `sign.js` puts `Content-Digest`, a new `Idempotency-Key` and the signature (RFC 9421) on every request; set the
   header `Idempotency-Key` yourself to repeat one. Ids that are answered are kept as variables for the next request.

Bills for the sandbox come from its `POST /samples` ([how](../sandbox.md)).
"""
_COLLECTION = """\
script:pre-request {
  require("./sign.js").sign(req, bru);
}

script:post-response {
  require("./sign.js").keep(res, bru);
}
"""
_SIGN = """\
// Signs what Bruno is about to send, as the API wants it (RFC 9421 and RFC 9530). Written by `make docs`.
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const SENT_WITH_BODY = ["POST", "PATCH", "DELETE"];
const KEPT = %(kept)s;

function signer(pem) {
  const key = crypto.createPrivateKey(pem);
  const of = {
    ed25519: ["ed25519", (base) => crypto.sign(null, base, key)],
    ec: ["ecdsa-p256-sha256", (base) => crypto.sign("sha256", base, { key, dsaEncoding: "ieee-p1363" })],
    rsa: [
      "rsa-pss-sha512",
      (base) =>
        crypto.sign("sha512", base, { key, padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }),
    ],
  };
  return of[key.asymmetricKeyType];
}

// The request as it is sent from here on: nothing may be changed behind the signature.
function sign(req, bru) {
  const filled = (text) => bru.interpolate(text);
  const method = req.getMethod().toUpperCase();
  const url = new URL(filled(req.getUrl()));
  if (url.search) url.searchParams.sort();
  req.setUrl(url.href);
  const covered = [["@method", method], ["@authority", url.host], ["@path", url.pathname]];
  if (url.search) covered.push(["@query", url.search]);
  if (SENT_WITH_BODY.includes(method)) {
    const body = filled(req.getBody({ raw: true }) || "");
    req.setBody(body, { raw: true });
    const digest = crypto.createHash("sha256").update(body).digest("base64");
    req.setHeader("Content-Digest", `sha-256=:${digest}:`);
    if (method === "POST" && !req.getHeader("Idempotency-Key")) req.setHeader("Idempotency-Key", crypto.randomUUID());
  }
  for (const name of ["Content-Digest", "Idempotency-Key", "If-Match"]) {
    const value = req.getHeader(name);
    if (value === undefined) continue;
    req.setHeader(name, filled(value));
    covered.push([name.toLowerCase(), filled(value)]);
  }
  const file = path.resolve(bru.cwd(), filled(bru.getEnvVar("key_file")));
  const [algorithm, signature] = signer(fs.readFileSync(file));
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const created = Math.floor(Date.now() / 1000);
  const nonce = crypto.randomBytes(16).toString("base64url");
  const keyId = filled(bru.getEnvVar("key_id"));
  const parameters = `(${names});created=${created};keyid="${keyId}";alg="${algorithm}";nonce="${nonce}"`;
  const lines = [...covered.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${parameters}`];
  req.setHeader("Signature-Input", `rt=${parameters}`);
  req.setHeader("Signature", `rt=:${signature(Buffer.from(lines.join("\\n"))).toString("base64")}:`);
}

// Ids of an answer, for the requests that follow.
function keep(res, bru) {
  const body = res.getBody();
  for (const name of KEPT) if (body && typeof body[name] === "string") bru.setVar(name, body[name]);
}

module.exports = { sign, keep };
"""


def files() -> dict[str, str]:
    """Every file of the collection by its path in the folder."""
    described = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    found = {
        "README.md": _README,
        "bruno.json": json.dumps(_about(described), ensure_ascii=False, indent=2) + "\n",
        "collection.bru": _COLLECTION,
        "sign.js": _SIGN % {"kept": json.dumps(_ids(described))},
        "environments/Local.bru": _environment(described),
    }
    numbers: dict[str, int] = {}
    for method, path, operation in operations(described):
        tag = operation["tags"][0]
        numbers[tag] = numbers.get(tag, 0) + 1
        request = _request(described, method, path, operation, numbers[tag])
        found[f"{tag}/{operation['operationId']}.bru"] = request
    return found


def operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with its method and path."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _about(described: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "1",
        "name": described["info"]["title"],
        "type": "collection",
        "ignore": ["node_modules", ".git"],
        "scripts": {"filesystemAccess": {"allow": True}},
    }


def _path_examples(described: dict[str, Any]) -> dict[str, str]:
    return {
        parameter["name"]: str(parameter["example"])
        for _, _, operation in operations(described)
        for parameter in operation["parameters"]
        if parameter.get("in") == "path"
    }


def _ids(described: dict[str, Any]) -> list[str]:
    return sorted(name for name in _path_examples(described) if name.endswith("_id"))


def _environment(described: dict[str, Any]) -> str:
    """Where to, as whom, and an example of everything that a path names."""
    values = {
        "base_url": "http://127.0.0.1:4566",
        "key_id": "partner-a#1",
        "key_file": "../../build/local/keys/partner-a.pem",
        **_path_examples(described),
    }
    return _block("vars", [f"{name}: {value}" for name, value in values.items()])


def _request(described: dict[str, Any], method: str, path: str, operation: dict[str, Any], number: int) -> str:
    content = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    queries = [one for one in operation["parameters"] if one.get("in") == "query"]
    asked = "&".join(f"{one['name']}={_example(described, one)}" for one in queries if one["required"])
    url = "{{base_url}}" + path.replace("{", "{{").replace("}", "}}") + ("?" if asked else "") + asked
    parts = [
        _block("meta", [f"name: {operation['operationId']}", "type: http", f"seq: {number}"]),
        _block(method.lower(), [f"url: {url}", f"body: {'json' if content else 'none'}", "auth: none"]),
    ]
    if queries:
        lines = [f"{'' if one['required'] else '~'}{one['name']}: {_example(described, one)}" for one in queries]
        parts.append(_block("params:query", lines))
    if content:
        example = json.dumps(_filled(described, content["example"]), ensure_ascii=False, indent=2)
        parts.append(_block("body:json", example.split("\n")))
    said = [operation["summary"], *([operation["description"]] if operation["description"] else [])]
    parts.append(_block("docs", [" ".join(text.split()) for text in said]))
    return "\n".join(parts)


def _filled(described: dict[str, Any], example: Any) -> Any:
    """An example whose ids are those that were answered before."""
    if not isinstance(example, dict):
        return example
    ids = _ids(described)
    return {name: f"{{{{{name}}}}}" if name in ids and value else value for name, value in example.items()}


def _example(described: dict[str, Any], parameter: dict[str, Any]) -> str:
    if parameter["name"] in _ids(described):
        return f"{{{{{parameter['name']}}}}}"
    schema = parameter["schema"]
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    by_form = {"date-time": "2026-04-15T02:00:00.000Z", "date": "2026-04-15"}
    first = schema.get("default", next(iter(schema.get("enum", ())), by_form.get(schema.get("format"), "")))
    return str(first)


def _block(name: str, lines: list[str]) -> str:
    return "\n".join([f"{name} {{", *[f"  {line}".rstrip() for line in lines], "}", ""])


def main() -> None:
    """Write all of them, and nothing beside them."""
    written = files()
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, content in written.items():
        target = FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    print(f"{sum(name.count('/') for name in written) - 1} requests in {FOLDER.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
