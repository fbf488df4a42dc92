'use strict';

/**
 * A stand-in for the peer's side of the chaincode protocol (peer.ChaincodeSupport), written from the protos that
 * fabric-shim ships. It starts a chaincode process, sends it transactions, answers its reads from the state that was
 * committed before, and returns what it read and wrote.
 *
 * Like a peer with CouchDB it gives a stored JSON object back with its fields in another order, and refuses fields
 * that begin with "_".
 */

const { createHash, randomBytes } = require('crypto');
const { spawn } = require('child_process');
const path = require('path');

const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const fabric = require('fabric-shim/bundle');

const SHIM = path.dirname(require.resolve('fabric-shim/package.json'));
const { ChaincodeSupport } = grpc.loadPackageDefinition(protoLoader.loadSync(
    path.join(SHIM, 'protos', 'peer', 'chaincode_shim.proto'),
    { enums: String, includeDirs: [path.join(SHIM, 'protos'), path.join(SHIM, 'google-protos')] }
)).protos;
const CHANNEL = 'bills';
const START_MS_MAX = 30000;

function throughCouchDb(bytes) {
    let document;
    try {
        document = JSON.parse(bytes.toString('utf8'));
    } catch (error) {
        return bytes;
    }
    if (document === null || typeof document !== 'object' || Array.isArray(document)) {
        return bytes;
    }
    const fields = Object.keys(document).sort();
    if (fields.some((field) => field.startsWith('_'))) {
        throw new Error('a field of the document begins with an underscore');
    }
    return Buffer.from(JSON.stringify(document, fields));
}

/** A signed proposal as a client sends it, without the signature: the peer has checked that before the chaincode. */
function proposalOf(identity, txId, nonce, timestamp, args) {
    const creator = fabric.msp.SerializedIdentity.encode(
        { mspid: identity.mspId, idBytes: Buffer.from(identity.certificate) }).finish();
    const channelHeader = fabric.common.ChannelHeader.encode(
        { type: 3, channelId: CHANNEL, txId, timestamp, epoch: 0 }).finish();
    const header = fabric.common.Header.encode(
        { channelHeader, signatureHeader: fabric.common.SignatureHeader.encode({ creator, nonce }).finish() }).finish();
    const payload = fabric.protos.ChaincodeProposalPayload.encode(
        { input: fabric.protos.ChaincodeInput.encode({ args }).finish() }).finish();
    return { proposalBytes: fabric.protos.Proposal.encode({ header, payload }).finish(), signature: Buffer.alloc(0) };
}

class Peer {
    constructor() {
        this.state = new Map();
        this.blocks = [];
        this.underway = new Map();
        this.log = [];
    }

    /** Starts the chaincode as the peer's container does and waits until it has registered. */
    static async start({ command, args, cwd, env }) {
        const peer = new Peer();
        await peer.listen();
        const address = ['--peer.address', `127.0.0.1:${peer.port}`];
        peer.chaincode = spawn(command, args.concat(command === 'sh' ? [] : address), {
            cwd,
            env: { ...process.env, CORE_CHAINCODE_ID_NAME: 'evidence:0', CORE_PEER_TLS_ENABLED: 'false',
                CORE_CHAINCODE_LOGGING_LEVEL: 'ERROR', ADDRESS: address.join(' '), ...env },
            stdio: ['ignore', 'pipe', 'pipe'],
            detached: true
        });
        for (const stream of [peer.chaincode.stdout, peer.chaincode.stderr]) {
            stream.on('data', (text) => peer.log.push(text.toString()));
        }
        await peer.registered();
        return peer;
    }

    async listen() {
        this.server = new grpc.Server();
        this.server.addService(ChaincodeSupport.service, { register: (stream) => this.talk(stream) });
        this.port = await new Promise((resolve, reject) => this.server.bindAsync(
            '127.0.0.1:0', grpc.ServerCredentials.createInsecure(),
            (error, port) => (error ? reject(error) : resolve(port))
        ));
    }

    registered() {
        return new Promise((resolve, reject) => {
            const fail = (why) => reject(new Error(`the chaincode ${why}:\n${this.log.join('')}`));
            const timer = setTimeout(() => fail('did not register'), START_MS_MAX);
            this.onReady = () => { clearTimeout(timer); resolve(); };
            this.chaincode.once('exit', (code) => { clearTimeout(timer); fail(`ended with ${code}`); });
        });
    }

    talk(stream) {
        this.stream = stream;
        stream.on('error', () => {});
        stream.on('data', (message) => {
            if (message.type === 'REGISTER') {
                stream.write({ type: 'REGISTERED' });
                stream.write({ type: 'READY' });
                this.onReady();
                return;
            }
            const transaction = this.underway.get(message.txid);
            if (message.type === 'COMPLETED' || message.type === 'ERROR') {
                this.underway.delete(message.txid);
                transaction.done(message);
                return;
            }
            this.answer(transaction, message);
        });
    }

    answer(transaction, message) {
        const reply = { txid: message.txid, channelId: message.channelId };
        try {
            this.stream.write({ ...reply, type: 'RESPONSE', payload: this.simulate(transaction, message) });
        } catch (error) {
            this.stream.write({ ...reply, type: 'ERROR', payload: Buffer.from(error.message) });
        }
    }

    simulate(transaction, { type, payload }) {
        switch (type) {
        case 'GET_STATE': {
            const { key } = fabric.protos.GetState.decode(payload);
            transaction.reads.push(key);
            return this.state.has(key) ? throughCouchDb(this.state.get(key)) : Buffer.alloc(0);
        }
        case 'PUT_STATE': {
            const { key, value } = fabric.protos.PutState.decode(payload);
            throughCouchDb(Buffer.from(value));
            transaction.writes.set(key, Buffer.from(value));
            return Buffer.alloc(0);
        }
        case 'GET_STATE_BY_RANGE': {
            const { startKey, endKey } = fabric.protos.GetStateByRange.decode(payload);
            const keys = [...this.state.keys()].sort().filter((key) => key >= startKey && key < endKey);
            return rows(keys.map((key) => fabric.queryresult.KV.encode(
                { key, value: throughCouchDb(this.state.get(key)) }).finish()));
        }
        case 'GET_HISTORY_FOR_KEY': {
            const { key } = fabric.protos.GetHistoryForKey.decode(payload);
            return rows(this.blocks.filter((block) => block.writes.has(key)).map((block) =>
                fabric.queryresult.KeyModification.encode(
                    { txId: block.txId, value: block.writes.get(key), timestamp: block.timestamp }).finish()));
        }
        case 'QUERY_STATE_CLOSE':
            return rows([]);
        default:
            throw new Error(`the stand-in peer does not know ${type}`);
        }
    }

    /**
     * Runs one transaction and commits what it wrote. Resolves to {text, reads, writes, txId}; rejects with the
     * message that the peer would hand to the client.
     */
    async submit(identity, ...words) {
        const outcome = await this.evaluate(identity, ...words);
        this.blocks.push(outcome);
        outcome.writes.forEach((value, key) => this.state.set(key, value));
        return outcome;
    }

    /** Runs one transaction and commits nothing. */
    async evaluate(identity, ...words) {
        const args = words.map((word) => Buffer.from(word));
        const nonce = randomBytes(24);
        const txId = createHash('sha256').update(nonce).update(identity.mspId).digest('hex');
        const timestamp = { seconds: 1767225600 + this.blocks.length, nanos: 5000000 };
        const transaction = { txId, timestamp, reads: [], writes: new Map() };
        const finished = new Promise((resolve) => { transaction.done = resolve; });
        this.underway.set(txId, transaction);
        this.stream.write({
            type: 'TRANSACTION', txid: txId, channelId: CHANNEL,
            payload: fabric.protos.ChaincodeInput.encode({ args }).finish(),
            proposal: proposalOf(identity, txId, nonce, timestamp, args)
        });
        const message = await finished;
        if (message.type === 'ERROR') {
            throw new Error(Buffer.from(message.payload).toString());
        }
        const response = fabric.protos.Response.decode(message.payload);
        return { ...transaction, text: Buffer.from(response.payload).toString() };
    }

    stop() {
        this.chaincode.removeAllListeners('exit');
        // The whole group: a shell may stand between.
        process.kill(-this.chaincode.pid, 'SIGKILL');
        this.server.forceShutdown();
    }
}

function rows(encoded) {
    return fabric.protos.QueryResponse.encode(
        { results: encoded.map((resultBytes) => ({ resultBytes })), hasMore: false, id: 'rows' }).finish();
}

module.exports = { Peer };
