"""What every peer of the stand-in network does with a block: validate each transaction, apply the valid ones."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from fabric_protos.common import common_pb2
from fabric_protos.ledger.rwset import rwset_pb2
from fabric_protos.ledger.rwset.kvrwset import kv_rwset_pb2
from fabric_protos.msp import identities_pb2
from fabric_protos.peer import (
    chaincode_pb2,
    events_pb2,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)

from fabric_msp import Membership, MembershipError

CODES = transaction_pb2.TxValidationCode
VALID = transaction_pb2.VALID


@dataclass
class ChannelRules:
    """What all nodes of a channel agree on."""

    name: str
    chaincode: str
    membership: Membership
    endorsements: int
    registered: set[str]
    """Organisations that the contract answers."""
    forced: dict[str, int] = field(default_factory=dict)
    """Validation codes by transaction id, whatever the rules say."""
    empty_if_missing: bool = False
    """What ``get`` of a missing key answers: nothing, or an error."""
    has_history: bool = True


@dataclass
class Simulation:
    """What the contract would do."""

    status: int
    message: str = ""
    payload: bytes = b""
    results: bytes = b""


def _refusal(code: str, text: str) -> Simulation:
    """As a peer of Fabric 2.2 passes on what a contract in JavaScript throws."""
    return Simulation(500, f"error in simulation: transaction returned with failure: {code}: {text}; see README")


class Ledger:
    """One peer's copy: blocks, state with versions, transaction ids."""

    def __init__(self, rules: ChannelRules) -> None:
        self._rules = rules
        self.changed = threading.Condition()
        self.blocks: list[Any] = []
        self.state: dict[str, tuple[str, tuple[int, int]]] = {}
        self.transactions: dict[str, tuple[int, int]] = {}

    @property
    def height(self) -> int:
        return len(self.blocks)

    def last_hash(self) -> bytes:
        return block_hash(self.blocks[-1].header) if self.blocks else b""

    def commit(self, received: Any) -> None:
        block = common_pb2.Block()
        block.CopyFrom(received)
        number = block.header.number
        if number != self.height or (number and block.header.previous_hash != self.last_hash()):
            raise AssertionError(f"block {number} does not follow {self.height - 1}")
        codes = bytearray()
        with self.changed:
            for at, content in enumerate(block.data.data):
                transaction_id, code, writes = self._validate(content)
                codes.append(code)
                if transaction_id:
                    self.transactions.setdefault(transaction_id, (number, at))
                for key, value in writes if code == VALID else ():
                    self.state[key] = (value, (number, at))
            del block.metadata.metadata[:]
            block.metadata.metadata.extend([b"", b"", bytes(codes), b"", b""])
            self.blocks.append(block)
            self.changed.notify_all()

    def invoke(self, arguments: list[str], msp_id: str) -> Simulation:
        """The evidence contract: ``put`` once, ``get``, ``history``, for registered organisations."""
        if msp_id not in self._rules.registered:
            return _refusal("NOT_REGISTERED", f"organisation {msp_id} is not registered")
        function, key, *rest = arguments
        found = self.state.get(key)
        if function == "put" and len(rest) == 1:
            if found is not None:
                return _refusal("KEY_EXISTS", f"a value is stored under {key} already")
            return Simulation(200, results=self._results(key, rest[0]))
        if function not in ("get", "history") or rest or (function == "history" and not self._rules.has_history):
            return _refusal("UNKNOWN_FUNCTION", f"there is no function {function}")
        if found is None:
            missing = Simulation(200, results=self._results(key))
            return missing if self._rules.empty_if_missing else _refusal("KEY_NOT_FOUND", f"no value under {key}")
        payload = found[0] if function == "get" else self._history(found[1])
        return Simulation(200, payload=payload.encode(), results=self._results(key))

    def _history(self, version: tuple[int, int]) -> str:
        return json.dumps([{"tx_id": one} for one, where in self.transactions.items() if where == version])

    def code_of(self, transaction_id: str) -> int:
        number, at = self.transactions[transaction_id]
        return self.blocks[number].metadata.metadata[common_pb2.TRANSACTIONS_FILTER][at]

    def _results(self, key: str, value: str | None = None) -> bytes:
        found = self.state.get(key)
        version = kv_rwset_pb2.Version(block_num=found[1][0], tx_num=found[1][1]) if found else None
        kv = kv_rwset_pb2.KVRWSet(reads=[kv_rwset_pb2.KVRead(key=key, version=version)])
        if value is not None:
            kv.writes.append(kv_rwset_pb2.KVWrite(key=key, value=value.encode()))
        ns = rwset_pb2.NsReadWriteSet(namespace=self._rules.chaincode, rwset=kv.SerializeToString())
        return rwset_pb2.TxReadWriteSet(ns_rwset=[ns]).SerializeToString()

    def _validate(self, content: bytes) -> tuple[str, int, list[tuple[str, str]]]:
        envelope = common_pb2.Envelope.FromString(content)
        payload = common_pb2.Payload.FromString(envelope.payload)
        channel = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        if channel.type == common_pb2.CONFIG:
            return "", VALID, []
        signature = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
        code = self._header_code(envelope, channel, signature)
        if code != VALID:
            return channel.tx_id, code, []
        action = transaction_pb2.ChaincodeActionPayload.FromString(
            transaction_pb2.Transaction.FromString(payload.data).actions[0].payload
        )
        answered = action.action.proposal_response_payload
        response = proposal_response_pb2.ProposalResponsePayload.FromString(answered)
        if response.proposal_hash != proposal_hash(payload.header, action.chaincode_proposal_payload):
            return channel.tx_id, transaction_pb2.INVALID_ENDORSER_TRANSACTION, []
        if len(self._endorsers(action.action)) < self._rules.endorsements:
            return channel.tx_id, transaction_pb2.ENDORSEMENT_POLICY_FAILURE, []
        if channel.tx_id in self._rules.forced:
            return channel.tx_id, self._rules.forced[channel.tx_id], []
        results = proposal_pb2.ChaincodeAction.FromString(response.extension).results
        return channel.tx_id, *self._apply(results)

    def _header_code(self, envelope: Any, channel: Any, signature: Any) -> int:
        try:
            self._rules.membership.check(signature.creator, envelope.payload, envelope.signature)
        except MembershipError:
            return transaction_pb2.BAD_CREATOR_SIGNATURE
        if channel.channel_id != self._rules.name:
            return transaction_pb2.TARGET_CHAIN_NOT_FOUND
        if channel.tx_id != hashlib.sha256(signature.nonce + signature.creator).hexdigest():
            return transaction_pb2.BAD_PROPOSAL_TXID
        return transaction_pb2.DUPLICATE_TXID if channel.tx_id in self.transactions else VALID

    def _endorsers(self, action: Any) -> set[str]:
        found = set()
        for one in action.endorsements:
            try:
                signed = action.proposal_response_payload + one.endorser
                found.add(self._rules.membership.check(one.endorser, signed, one.signature))
            except MembershipError:
                continue
        return found

    def _apply(self, results: bytes) -> tuple[int, list[tuple[str, str]]]:
        writes = []
        for ns in rwset_pb2.TxReadWriteSet.FromString(results).ns_rwset:
            kv = kv_rwset_pb2.KVRWSet.FromString(ns.rwset)
            for read in kv.reads:
                version = (read.version.block_num, read.version.tx_num) if read.HasField("version") else None
                current = self.state.get(read.key)
                if (current[1] if current else None) != version:
                    return transaction_pb2.MVCC_READ_CONFLICT, []
            writes += [(write.key, write.value.decode()) for write in kv.writes]
        return VALID, writes


def proposal_hash(header: Any, payload: bytes) -> bytes:
    return hashlib.sha256(header.channel_header + header.signature_header + payload).digest()


def block_hash(header: Any) -> bytes:
    """SHA-256 of the header as ASN.1: a sequence of number, previous hash and data hash."""
    number = header.number.to_bytes(header.number.bit_length() // 8 + 1, "big")
    parts = [(2, number), (4, header.previous_hash), (4, header.data_hash)]
    body = b"".join(bytes([tag, len(content)]) + content for tag, content in parts)
    return hashlib.sha256(bytes([0x30, len(body)]) + body).digest()


def next_block(blocks: list[Any], contents: list[bytes]) -> Any:
    """What an orderer cuts."""
    header = common_pb2.BlockHeader(
        number=len(blocks),
        previous_hash=block_hash(blocks[-1].header) if blocks else b"",
        data_hash=hashlib.sha256(b"".join(contents)).digest(),
    )
    return common_pb2.Block(
        header=header,
        data=common_pb2.BlockData(data=contents),
        metadata=common_pb2.BlockMetadata(metadata=[b""] * 5),
    )


def filtered(block: Any, channel: str) -> Any:
    """What a peer tells of a block without its contents."""
    told = events_pb2.FilteredBlock(channel_id=channel, number=block.header.number)
    codes = block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER]
    for at, content in enumerate(block.data.data):
        payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(content).payload)
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        told.filtered_transactions.append(
            events_pb2.FilteredTransaction(txid=header.tx_id, type=header.type, tx_validation_code=codes[at])
        )
    return told


def call_in(payload: bytes) -> tuple[str, list[str]]:
    """Contract and arguments of a proposal's payload."""
    proposed = proposal_pb2.ChaincodeProposalPayload.FromString(payload)
    spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(proposed.input).chaincode_spec
    return spec.chaincode_id.name, [one.decode() for one in spec.input.args]


def certificate_in(creator: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identities_pb2.SerializedIdentity.FromString(creator).id_bytes)
