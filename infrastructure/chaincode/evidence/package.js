#!/usr/bin/env node
'use strict';

/**
 * Makes the package that `peer lifecycle chaincode install` takes, with every dependency inside: peers of Amazon
 * Managed Blockchain reach no registry. Needs `npm ci` before; the same sources and the same Node make the same bytes.
 *
 *     node package.js [FILE]      (default: <name>_<version>.tar.gz here)
 *
 * evidence_1.0.0.tar.gz
 *   metadata.json               path, type, label
 *   code.tar.gz
 *     src/package.json          start script only: `npm install` in the peer finds nothing to fetch
 *     src/contract/...          this folder's index.js and lib, and node_modules as package-lock.json names them
 */

const { createHash } = require('crypto');
const fs = require('fs');
const path = require('path');
const { gzipSync } = require('zlib');

const ROOT = __dirname;
const START = 'cd contract && exec node node_modules/fabric-shim/cli.js start';
const SHIPPED = /((?<!\.min)\.(js|cjs|json|proto)|^licen[cs]e[^/]*)$/i;
const LEFT_OUT = new Set(['node_modules', '.nyc_output', 'cli', 'coverage', 'docs', 'test', 'tests']);
// Fabric refuses any other bits in a Node.js package (core/chaincode/platforms/node).
const MODE = 0o644;

class IncompleteError extends Error {}

const readJson = (...parts) => JSON.parse(fs.readFileSync(path.join(ROOT, ...parts), 'utf8'));

/** Folders of the packages that run on the peer, as the lock names them; each must be installed in that version. */
function dependencies() {
    return Object.entries(readJson('package-lock.json').packages)
        .filter(([folder, entry]) => folder !== '' && !entry.dev && !entry.optional && !entry.devOptional)
        .map(([folder, entry]) => {
            const manifest = path.join(folder, 'package.json');
            const version = fs.existsSync(path.join(ROOT, manifest)) ? readJson(manifest).version : 'missing';
            if (version !== entry.version) {
                throw new IncompleteError(`${folder} is ${version}, the lock says ${entry.version}`);
            }
            return folder;
        });
}

function filesUnder(folder) {
    return fs.readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
        const name = `${folder}/${entry.name}`;
        if (entry.isDirectory()) {
            return LEFT_OUT.has(entry.name) ? [] : filesUnder(name);
        }
        return entry.isFile() && SHIPPED.test(entry.name) ? [name] : [];
    });
}

/** One ustar header and its content, padded; owner, group and time are zero. */
function tarEntry(name, content) {
    const cut = name.length <= 100 ? 0 : name.indexOf('/', name.length - 101) + 1;
    if (cut > 156 || name.length - cut > 100 || (cut === 0 && name.length > 100)) {
        throw new Error(`the path does not fit a tar header: ${name}`);
    }
    const header = Buffer.alloc(512);
    const octal = (number, width) => `${number.toString(8).padStart(width, '0')}\0`;
    header.write(name.slice(cut), 0);
    header.write(octal(MODE, 7) + octal(0, 7) + octal(0, 7) + octal(content.length, 11) + octal(0, 11), 100);
    header.write('        0', 148);
    header.write('ustar\x0000', 257);
    header.write(name.slice(0, Math.max(cut - 1, 0)), 345);
    header.write(`${octal(header.reduce((sum, byte) => sum + byte, 0), 6)} `, 148);
    return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

function tarGz(entries) {
    const parts = entries.map(([name, content]) => tarEntry(name, content));
    const packed = gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)]), { level: 9 });
    packed[9] = 255; // the header's operating system: unknown, so that it tells nothing of this one
    return packed;
}

/** {bytes, files, id, label}; `id` is the package id under which peers install exactly these bytes. */
function build() {
    const { name, version, files } = readJson('package.json');
    const label = `${name}_${version}`;
    const json = (value) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
    const installed = dependencies().flatMap(filesUnder);
    const isFolder = (entry) => fs.statSync(path.join(ROOT, entry)).isDirectory();
    const own = files.flatMap((entry) => (isFolder(entry) ? filesUnder(entry) : [entry]));
    const contract = ['package.json', ...own, ...installed]
        .map((file) => [`src/contract/${file}`, fs.readFileSync(path.join(ROOT, file))])
        .sort(([one], [other]) => (one < other ? -1 : 1));
    const code = [['src/package.json', json({ name, version, private: true, scripts: { start: START } })], ...contract];
    const bytes = tarGz([['metadata.json', json({ path: name, type: 'node', label })], ['code.tar.gz', tarGz(code)]]);
    return { bytes, files: code.length, id: `${label}:${createHash('sha256').update(bytes).digest('hex')}`, label };
}

function main(args) {
    if (args.length > 1 || args.some((argument) => argument.startsWith('-'))) {
        const help = args.length === 1 && ['-h', '--help'].includes(args[0]);
        (help ? process.stdout : process.stderr).write(
            'usage: node package.js [FILE]   makes the chaincode package; run `npm ci` before\n');
        return help ? 0 : 2;
    }
    try {
        const { bytes, files, id, label } = build();
        const target = args[0] || `${label}.tar.gz`;
        fs.writeFileSync(target, bytes);
        process.stdout.write(`wrote ${target}: ${files} files, ${bytes.length} bytes\npackage id ${id}\n`
            + `next: every organisation compares the package id, then ./lifecycle.sh install --package ${target}\n`);
        return 0;
    } catch (error) {
        if (error instanceof IncompleteError) {
            process.stderr.write(`INCOMPLETE: ${error.message}; run npm ci\n`);
            return 1;
        }
        throw error;
    }
}

module.exports = { build };

if (require.main === module) {
    process.exitCode = main(process.argv.slice(2));
}
