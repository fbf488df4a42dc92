'use strict';

const { Refusal } = require('./refusal');

/** The certificate attribute of who may register organisations; its value must be `true`. */
const ADMIN_ATTRIBUTE = 'evidence.admin';
const MSP_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
// Composite keys begin with U+0000, so no key of evidence can meet them.
const REGISTERED = 'organisation';
const FOUNDED = 'founded';

const registrationKey = (stub, mspId) => stub.createCompositeKey(REGISTERED, [mspId]);

async function isRegistered(stub, mspId) {
    return (await stub.getState(registrationKey(stub, mspId))).length > 0;
}

async function requireRegistered(ctx) {
    const mspId = ctx.clientIdentity.getMSPID();
    if (!(await isRegistered(ctx.stub, mspId))) {
        throw new Refusal(
            'NOT_REGISTERED', `organisation ${mspId} is not registered`,
            'an administrator of a registered organisation must call register, or init if none is'
        );
    }
}

function requireAdmin(ctx) {
    if (!ctx.clientIdentity.assertAttributeValue(ADMIN_ATTRIBUTE, 'true')) {
        throw new Refusal(
            'NOT_ADMIN', `the client's certificate has no attribute ${ADMIN_ATTRIBUTE}=true`,
            'call with an identity that was registered with it at the certificate authority'
        );
    }
}

function requireMspId(mspId) {
    if (typeof mspId !== 'string' || !MSP_ID.test(mspId)) {
        throw new Refusal('ORGANISATION_INVALID', 'an organisation is named by its MSP id',
            'give the id under which the channel knows it (with Amazon Managed Blockchain, the member id)');
    }
}

/** The founders named by `text`, a JSON list of different MSP ids. */
function founders(text) {
    let named;
    try {
        named = JSON.parse(text);
    } catch (error) {
        named = undefined;
    }
    if (!Array.isArray(named) || named.length === 0 || new Set(named).size !== named.length) {
        throw new Refusal('ORGANISATION_INVALID', 'init takes a JSON list of different MSP ids',
            'for example ["OrgA","OrgB","OrgC"]');
    }
    named.forEach(requireMspId);
    return named;
}

/** Writes the first organisations, once for the life of the ledger; the caller's own must be among them. */
async function found(ctx, text) {
    requireAdmin(ctx);
    const named = founders(text);
    const own = ctx.clientIdentity.getMSPID();
    if (!named.includes(own)) {
        throw new Refusal('NOT_REGISTERED', `the caller's organisation ${own} is not in the list`,
            'an administrator of one of the listed organisations must call init');
    }
    const marker = ctx.stub.createCompositeKey(FOUNDED, []);
    if ((await ctx.stub.getState(marker)).length > 0) {
        throw new Refusal('ALREADY_INITIALISED', 'the first organisations are registered already',
            'nothing to do; further organisations are added with register');
    }
    await ctx.stub.putState(marker, Buffer.from(own));
    for (const mspId of named) {
        await ctx.stub.putState(registrationKey(ctx.stub, mspId), Buffer.from(own));
    }
}

/** Adds one organisation; the caller must be an administrator (its organisation was checked before). */
async function register(ctx, mspId) {
    requireAdmin(ctx);
    requireMspId(mspId);
    if (await isRegistered(ctx.stub, mspId)) {
        throw new Refusal('ALREADY_REGISTERED', `organisation ${mspId} is registered already`, 'nothing to do');
    }
    await ctx.stub.putState(registrationKey(ctx.stub, mspId), Buffer.from(ctx.clientIdentity.getMSPID()));
}

/** The MSP ids of all registered organisations, in the order of their keys. */
async function list(ctx) {
    const named = [];
    for await (const row of ctx.stub.getStateByPartialCompositeKey(REGISTERED, [])) {
        named.push(ctx.stub.splitCompositeKey(row.key).attributes[0]);
    }
    return named;
}

module.exports = { found, list, register, requireRegistered };
