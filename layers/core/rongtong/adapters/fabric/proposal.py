"""The messages that a member signs: proposals, transactions and requests for blocks.

A transaction's id is SHA-256 over nonce and creator. The nonce is not random here but made from what is put and how
often it was tried before: whoever repeats an append makes the same id again, so the network itself keeps the second
copy from counting (DUPLICATE_TXID), and what became of the first can be asked without having remembered anything.
Nobody else can use the id up: it contains the creator, whose signature orderers and peers check first.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, transaction_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from rongtong.adapters.fabric.identity import Identity

_NONCE_BYTES = 24
LAST_BLOCK = 2**64 - 1
"""Of a request for blocks: goes on for ever."""


@dataclass(frozen=True)
class Call:
    """One call of a contract in a channel, signed by ``identity``, made at ``at`` (UTC)."""

    identity: Identity
    channel: str
    chaincode: str
    arguments: tuple[str, ...]
    nonce: bytes
    at: datetime

    @property
    def creator(self) -> bytes:
        """Who calls."""
        return self.identity.creator

    @cached_property
    def transaction_id(self) -> str:
        """64 hexadecimal digits."""
        return hashlib.sha256(self.nonce + self.creator).hexdigest()

    @cached_property
    def header(self) -> bytes:
        """The header (common.Header) of the proposal and of the transaction made of it."""
        extension = proposal_pb2.ChaincodeHeaderExtension(
            chaincode_id=chaincode_pb2.ChaincodeID(name=self.chaincode)
        ).SerializeToString()
        channel = _channel_header(
            common_pb2.ENDORSER_TRANSACTION, self.channel, self.at, tx_id=self.transaction_id, extension=extension
        )
        return _header(channel, self.creator, self.nonce)

    @cached_property
    def payload(self) -> bytes:
        """The payload (ChaincodeProposalPayload): contract, function and arguments."""
        spec = chaincode_pb2.ChaincodeSpec(
            type=chaincode_pb2.ChaincodeSpec.NODE,
            chaincode_id=chaincode_pb2.ChaincodeID(name=self.chaincode),
            input=chaincode_pb2.ChaincodeInput(args=[one.encode() for one in self.arguments]),
        )
        invocation = chaincode_pb2.ChaincodeInvocationSpec(chaincode_spec=spec).SerializeToString()
        return bytes(proposal_pb2.ChaincodeProposalPayload(input=invocation).SerializeToString())

    @cached_property
    def proposal_hash(self) -> bytes:
        """What every endorsement of this very proposal contains."""
        header = common_pb2.Header.FromString(self.header)
        return hashlib.sha256(header.channel_header + header.signature_header + self.payload).digest()

    def signed_proposal(self) -> Any:
        """As peers take it (SignedProposal). Raises what signing raises."""
        proposal = proposal_pb2.Proposal(header=self.header, payload=self.payload).SerializeToString()
        return proposal_pb2.SignedProposal(proposal_bytes=proposal, signature=self.identity.sign(proposal))


def nonce_of(channel: str, chaincode: str, key: str, value: str, attempt: int) -> bytes:
    """24 bytes, the same for the same entry and attempt."""
    parts = ("rongtong evidence", channel, chaincode, key, hashlib.sha256(value.encode()).hexdigest(), str(attempt))
    return hashlib.sha256("\0".join(parts).encode()).digest()[:_NONCE_BYTES]


def random_nonce() -> bytes:
    """For calls that are asked only, never ordered."""
    return os.urandom(_NONCE_BYTES)


def transaction(call: Call, response_payload: bytes, endorsements: list[Any]) -> Any:
    """The signed envelope for the orderer: what was proposed with what the peers answered and signed."""
    action = transaction_pb2.ChaincodeEndorsedAction(
        proposal_response_payload=response_payload, endorsements=endorsements
    )
    payload = transaction_pb2.ChaincodeActionPayload(chaincode_proposal_payload=call.payload, action=action)
    header = common_pb2.Header.FromString(call.header)
    actions = [transaction_pb2.TransactionAction(header=header.signature_header, payload=payload.SerializeToString())]
    data = transaction_pb2.Transaction(actions=actions).SerializeToString()
    return signed_envelope(call.identity, common_pb2.Payload(header=header, data=data).SerializeToString())


def signed_envelope(identity: Identity, payload: bytes) -> Any:
    """An envelope over a payload (common.Payload, serialized)."""
    return common_pb2.Envelope(payload=payload, signature=identity.sign(payload))


@dataclass(frozen=True)
class Seek:
    """Which blocks a peer is asked for: from ``start`` (None: the newest) to ``stop``, both included.

    ``tls_hash`` is SHA-256 of the certificate shown in TLS; a peer that asks for one wants it named here too.
    """

    identity: Identity
    channel: str
    at: datetime
    tls_hash: bytes
    start: int | None = None
    stop: int = LAST_BLOCK

    def envelope(self) -> Any:
        """As peers and orderers take it. Raises what signing raises."""
        newest = ab_pb2.SeekPosition(newest=ab_pb2.SeekNewest())
        seek = ab_pb2.SeekInfo(
            start=newest if self.start is None else _at(self.start),
            stop=_at(self.stop),
            behavior=ab_pb2.SeekInfo.BLOCK_UNTIL_READY,
        )
        channel = _channel_header(common_pb2.DELIVER_SEEK_INFO, self.channel, self.at, tls_cert_hash=self.tls_hash)
        header = _header(channel, self.identity.creator, random_nonce())
        payload = common_pb2.Payload(header=common_pb2.Header.FromString(header), data=seek.SerializeToString())
        return signed_envelope(self.identity, payload.SerializeToString())


def _at(number: int) -> Any:
    return ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=number))


def _channel_header(kind: int, channel: str, at: datetime, **more: Any) -> bytes:
    timestamp = Timestamp()
    timestamp.FromDatetime(at)
    header = common_pb2.ChannelHeader(type=kind, channel_id=channel, timestamp=timestamp, **more)
    return bytes(header.SerializeToString())


def _header(channel_header: bytes, creator: bytes, nonce: bytes) -> bytes:
    signature_header = common_pb2.SignatureHeader(creator=creator, nonce=nonce).SerializeToString()
    header = common_pb2.Header(channel_header=channel_header, signature_header=signature_header)
    return bytes(header.SerializeToString())
