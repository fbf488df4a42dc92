// A person's key, and the signature of a request with it (RFC 9421, RFC 9530). The key cannot be read out again.

const KINDS = [
  // By the algorithm identifier of the key file (PKCS #8, RFC 5208): what the API calls it, and how it is used here.
  ["300506032b6570", "ed25519", { name: "Ed25519" }, { name: "Ed25519" }],
  [
    "301306072a8648ce3d020106082a8648ce3d030107",
    "ecdsa-p256-sha256",
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDSA", hash: "SHA-256" },
  ],
  [
    "300d06092a864886f70d0101010500",
    "rsa-pss-sha512",
    { name: "RSA-PSS", hash: "SHA-512" },
    { name: "RSA-PSS", saltLength: 64 },
  ],
];
const VERSION = "020100";
const KEY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}#[A-Za-z0-9_-]{1,32}$/;
const SENT_WITH_BODY = ["POST", "PATCH"];
const COVERED_IF_SENT = ["Content-Digest", "Idempotency-Key", "If-Match"];

// `code` says what is wrong with the key's name or file.
export class KeyError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// The key of a file (PEM, PKCS #8, not encrypted) under its name, such as operations#1.
export async function openKey(keyId, pem) {
  if (!KEY_ID.test(keyId)) throw new KeyError("KEY_NAME");
  if (pem.includes("-----BEGIN ENCRYPTED PRIVATE KEY-----")) throw new KeyError("KEY_ENCRYPTED");
  const found = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----/.exec(pem);
  if (!found) throw new KeyError("KEY_FORM");
  const content = bytesOf(found[1].replace(/\s/g, ""));
  const begin = Array.from(content.subarray(0, 48), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const kind = KINDS.find(([identifier]) => begin.includes(VERSION + identifier));
  if (!kind) throw new KeyError("KEY_KIND");
  const [, algorithm, imported, how] = kind;
  try {
    const key = await crypto.subtle.importKey("pkcs8", content, imported, false, ["sign"]);
    return { keyId, algorithm, key, how };
  } catch (error) {
    throw new KeyError(error.name === "NotSupportedError" ? "KEY_UNSUPPORTED" : "KEY_FORM");
  } finally {
    content.fill(0);
  }
}

// Who a key belongs to: what stands before # in its name.
export function callerOf(keyId) {
  return keyId.split("#")[0];
}

// The headers with which a request is sent. `headers` are its own; a body is text, empty where there is none.
export async function signedHeaders(signer, { method, url, body = "", headers = {} }, nowMs = Date.now()) {
  const sent = { ...headers };
  if (SENT_WITH_BODY.includes(method)) {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body));
    sent["Content-Digest"] = `sha-256=:${base64(digest)}:`;
  }
  const target = new URL(url);
  const covered = [
    ["@method", method],
    ["@authority", target.host],
    ["@path", target.pathname],
  ];
  if (target.search) covered.push(["@query", target.search]);
  for (const name of COVERED_IF_SENT) if (name in sent) covered.push([name.toLowerCase(), sent[name]]);
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const created = Math.floor(nowMs / 1000);
  const about = `;created=${created};keyid="${signer.keyId}";alg="${signer.algorithm}";nonce="${crypto.randomUUID()}"`;
  const parameters = `(${names})${about}`;
  const base = [...covered.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${parameters}`].join(
    "\n",
  );
  const signature = await crypto.subtle.sign(signer.how, signer.key, new TextEncoder().encode(base));
  return { ...sent, "Signature-Input": `rt=${parameters}`, Signature: `rt=:${base64(signature)}:` };
}

function bytesOf(text) {
  let binary;
  try {
    binary = atob(text);
  } catch {
    throw new KeyError("KEY_FORM");
  }
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

function base64(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer)));
}
