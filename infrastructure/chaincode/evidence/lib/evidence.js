'use strict';

const { Contract } = require('fabric-contract-api');

const organisations = require('./organisations');
const { Refusal } = require('./refusal');

const KEY = /^[0-9a-f]{64}$/;
const VALUE_BYTES_MAX = 4096;
/**
 * Stored before every value. A peer with CouchDB as its state database keeps a JSON object as a document and gives
 * back other bytes than were put (fields in another order), and refuses fields that begin with "_"; with one byte
 * before it, no value is JSON.
 */
const MARK = Buffer.from('=');

function requireKey(key) {
    if (!KEY.test(key)) {
        throw new Refusal('KEY_INVALID', 'a key is 64 lower-case hex digits', 'give the leaf hash of the entry');
    }
}

/** The bytes to store for the text that arrived as `sent`. */
function storedValue(value, sent) {
    const bytes = Buffer.from(value, 'utf8');
    // Bytes that are no UTF-8 were replaced while decoding and would come back as other bytes.
    if (bytes.length === 0 || bytes.length > VALUE_BYTES_MAX || !bytes.equals(sent)) {
        throw new Refusal('VALUE_INVALID', `a value is UTF-8 text of 1 to ${VALUE_BYTES_MAX} bytes`,
            'put a hash or a shorter text');
    }
    return Buffer.concat([MARK, bytes]);
}

const textOf = (stored) => Buffer.from(stored).slice(MARK.length).toString('utf8');

/** RFC 3339 in UTC with nine digits of fraction, from a protobuf Timestamp. */
function instant(timestamp) {
    const seconds = new Date(Number(timestamp.seconds.toString()) * 1000).toISOString().slice(0, 19);
    return `${seconds}.${String(timestamp.nanos || 0).padStart(9, '0')}Z`;
}

function notFound(key) {
    return new Refusal('KEY_NOT_FOUND', `no value is stored under ${key}`,
        'put it, or ask a peer that has caught up with the channel');
}

/**
 * A map from hash to text that can only grow. Nothing is shared between two puts but the registration that both read
 * and only `register` writes, so puts of different keys never invalidate each other.
 */
class EvidenceContract extends Contract {
    constructor() {
        super('evidence');
    }

    async beforeTransaction(ctx) {
        const called = ctx.stub.getFunctionAndParameters().fcn.split(':').pop();
        if (called !== 'init') {
            await organisations.requireRegistered(ctx);
        }
    }

    async unknownTransaction(ctx) {
        const { fcn } = ctx.stub.getFunctionAndParameters();
        throw new Refusal('UNKNOWN_FUNCTION', `there is no function ${JSON.stringify(fcn)}`,
            'call put, get, history, init, register or organisations');
    }

    async put(ctx, key, value) {
        requireKey(key);
        const stored = storedValue(value, ctx.stub.getBufferArgs()[2]);
        if ((await ctx.stub.getState(key)).length > 0) {
            throw new Refusal('KEY_EXISTS', `a value is stored under ${key} already`,
                'get it and compare; it cannot be changed');
        }
        await ctx.stub.putState(key, stored);
    }

    async get(ctx, key) {
        requireKey(key);
        const stored = await ctx.stub.getState(key);
        if (stored.length === 0) {
            throw notFound(key);
        }
        return textOf(stored);
    }

    async history(ctx, key) {
        requireKey(key);
        const entries = [];
        for await (const change of ctx.stub.getHistoryForKey(key)) {
            entries.push({ tx_id: change.txId, timestamp: instant(change.timestamp), value: textOf(change.value) });
        }
        if (entries.length === 0) {
            throw notFound(key);
        }
        return entries;
    }

    async init(ctx, mspIds) {
        await organisations.found(ctx, mspIds);
    }

    async register(ctx, mspId) {
        await organisations.register(ctx, mspId);
    }

    async organisations(ctx) {
        return organisations.list(ctx);
    }
}

module.exports = { EvidenceContract };
