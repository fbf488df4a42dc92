// The API as this page asks it: every request signed with the person's own key.

import { signedHeaders } from "./signing.js";

const TIMEOUT_MS = 35_000; // API Gateway gives up after 29 seconds
const UNDECIDED = [0, 409, 429, 500, 502, 503, 504];

// What the API says went wrong (RFC 9457); status 0 where it was not reached.
export class Problem extends Error {
  constructor(status, document, requestId) {
    super(document.detail || "");
    this.status = status;
    this.code = document.code || `HTTP_${status}`;
    this.field = document.field || "";
    this.detail = document.detail || "";
    this.requestId = requestId || document.request_id || "";
  }

  // Whether the same request may be sent again under its key, because nothing was decided.
  get again() {
    return UNDECIDED.includes(this.status) && (this.status !== 409 || this.code === "REQUEST_RUNNING");
  }

  // Whether the key lacks the scope that the route needs.
  get forbidden() {
    return this.status === 403 && this.code === "FORBIDDEN";
  }
}

// A path with its parts escaped: path`/v1/operations/reviews/${id}`.
export function path(texts, ...names) {
  return texts.reduce((made, text, place) => made + escaped(names[place - 1]) + text);
}

export class Api {
  #base;
  #session;
  #fetch;

  // `base` is what stands before /v1, the stage included.
  constructor(base, session, fetcher = (...sent) => fetch(...sent)) {
    this.#base = base.replace(/[/]$/, "");
    this.#session = session;
    this.#fetch = fetcher;
  }

  // What a GET answers: { document, etag }.
  get(route, query = {}) {
    const pairs = Object.entries(query)
      .filter(([, value]) => value)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const written = pairs.map((pair) => pair.map(escaped).join("=")).join("&");
    return this.#send("GET", this.#base + route + (written ? `?${written}` : ""));
  }

  // What a POST answers. `key` names the request for its repeats; with `etag` it is for the object as it was read.
  post(route, body, { key, etag }) {
    const headers = { "Idempotency-Key": key, "Content-Type": "application/json" };
    if (etag) headers["If-Match"] = etag;
    return this.#send("POST", this.#base + route, headers, body === undefined ? "" : JSON.stringify(body));
  }

  async #send(method, url, headers = {}, body = undefined) {
    const signed = await signedHeaders(this.#session.signer(), { method, url, body, headers });
    let response, text;
    try {
      response = await this.#fetch(url, {
        method,
        headers: { Accept: "application/json", ...signed },
        body,
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
        referrerPolicy: "no-referrer",
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      text = await response.text();
    } catch {
      throw new Problem(0, { code: "UNREACHED" });
    }
    const document = parsed(text);
    if (!response.ok) throw new Problem(response.status, document, response.headers.get("X-Request-Id"));
    return { document, etag: response.headers.get("ETag") };
  }
}

// Everything but what RFC 3986 calls unreserved, so that the gateway's decoding and encoding again changes nothing.
function escaped(text) {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function parsed(text) {
  try {
    const document = JSON.parse(text);
    return document !== null && typeof document === "object" ? document : {};
  } catch {
    return {};
  }
}
