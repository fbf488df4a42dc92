// Signs what Bruno is about to send, as the API wants it (RFC 9421 and RFC 9530). Written by `make docs`.
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const SENT_WITH_BODY = ["POST", "PATCH", "DELETE"];
const KEPT = ["bill_id", "bill_import_id", "challenge_id", "change_id", "complaint_id", "discount_id", "endpoint_id", "enterprise_id", "execution_id", "incident_id", "operator_id", "proposal_id", "quote_id", "record_id"];

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
  req.setHeader("Signature", `rt=:${signature(Buffer.from(lines.join("\n"))).toString("base64")}:`);
}

// Ids of an answer, for the requests that follow.
function keep(res, bru) {
  const body = res.getBody();
  for (const name of KEPT) if (body && typeof body[name] === "string") bru.setVar(name, body[name]);
}

module.exports = { sign, keep };
