'use strict';

const { EvidenceContract } = require('./lib/evidence');

module.exports.contracts = [EvidenceContract];
