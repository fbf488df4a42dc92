'use strict';

/**
 * The contract refuses. Reaches the caller as `CODE: what is wrong; what to do next`; codes are stable, texts are not.
 *
 * The code is the error's name because the shim sends `String(error)`, which begins with it.
 */
class Refusal extends Error {
    constructor(code, text, next) {
        super(`${text}; ${next}`);
        this.name = code;
    }
}

module.exports = { Refusal };
