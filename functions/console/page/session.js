// Who is signed in: one key, in this page's memory alone, until it is forgotten.

export const IDLE_MS = 15 * 60 * 1000;

// Nobody is signed in, or nobody any more.
export class SignedOut extends Error {
  name = "SignedOut";
}

export class Session {
  #signer = null;
  #usedAt = 0;
  #now;

  constructor(now = () => Date.now()) {
    this.#now = now;
  }

  open(signer) {
    this.#signer = signer;
    this.#usedAt = this.#now();
  }

  // The person did something.
  touch() {
    if (!this.isOver()) this.#usedAt = this.#now();
  }

  close() {
    this.#signer = null;
  }

  // Whether nobody is signed in; forgets a key that was not used for a quarter of an hour.
  isOver() {
    if (this.#signer && this.#now() - this.#usedAt >= IDLE_MS) this.close();
    return this.#signer === null;
  }

  // The key, for one request more.
  signer() {
    if (this.isOver()) throw new SignedOut();
    return this.#signer;
  }
}
