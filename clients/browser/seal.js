// Seals what an operator enters for the platform: the partner's server then carries what it cannot read. An ES module for
// the page that the operator sees; WebCrypto alone, nothing to install. What it makes is JWE (RFC 7516) in compact
// serialisation: RSA-OAEP-256 for the content's key, A256GCM for the content.

const PADDED_TO = 256; // bytes: how long a password is tells of it
const PARTS = {
  confirm: ["operator_id", "discount_id", "challenge_id"],
  login_password: ["operator_id"],
  payment_password: ["operator_id"],
};

/** The platform's public key. With `pinned`, ids of keys, one that is not among them is refused. */
export async function sealingKey(baseUrl, pinned = null) {
  const answer = await fetch(`${baseUrl}/v1/confirmation-key`, { credentials: "omit" });
  if (!answer.ok) throw new Error(`The platform's key cannot be read: ${answer.status}.`);
  const { kty, n, e } = await answer.json();
  const key = { kty, n, e, kid: await thumbprint({ kty, n, e }) };
  if (pinned !== null && !pinned.includes(key.kid)) throw new Error("The key is not one of those that this page knows.");
  return key;
}

/**
 * The text to send as `sealed`. `about` is {purpose, operator_id}, and of a confirmation {purpose: "confirm", operator_id,
 * discount_id, challenge_id}; `secrets` has the members that it stands for, as the API names them; `now` is the time,
 * where the device's clock is not to be trusted.
 */
export async function seal(key, about, secrets, now = new Date()) {
  const parts = PARTS[about.purpose];
  if (!parts) throw new Error("There is no such purpose.");
  const header = { alg: "RSA-OAEP-256", enc: "A256GCM", kid: key.kid, iat: Math.floor(now.getTime() / 1000) };
  for (const name of ["purpose", ...parts]) {
    if (typeof about[name] !== "string") throw new Error(`Say for which ${name} it is sealed.`);
    header[name] = about[name];
  }
  const { subtle } = globalThis.crypto;
  const content = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
  const jwk = { kty: "RSA", n: key.n, e: key.e, alg: "RSA-OAEP-256", use: "enc" };
  const platform = await subtle.importKey("jwk", jwk, { name: "RSA-OAEP", hash: "SHA-256" }, false, ["encrypt"]);
  const wrapped = await subtle.encrypt({ name: "RSA-OAEP" }, platform, await subtle.exportKey("raw", content));
  const first = base64url(new TextEncoder().encode(JSON.stringify(header)));
  const iv = globalThis.crypto.getRandomValues(new Uint8Array(12));
  const additionalData = new TextEncoder().encode(first);
  const sealed = new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv, additionalData }, content, padded(secrets)));
  return [first, ...[wrapped, iv, sealed.slice(0, -16), sealed.slice(-16)].map(base64url)].join(".");
}

/** A key's id: SHA-256 of its required members (RFC 7638). */
export async function thumbprint({ kty, n, e }) {
  const members = new TextEncoder().encode(JSON.stringify({ e, kty, n }));
  return base64url(await globalThis.crypto.subtle.digest("SHA-256", members));
}

// JSON may be followed by white space.
function padded(secrets) {
  const content = new TextEncoder().encode(JSON.stringify(secrets));
  const whole = new Uint8Array(Math.ceil(content.length / PADDED_TO) * PADDED_TO).fill(0x20);
  whole.set(content);
  return whole;
}

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
