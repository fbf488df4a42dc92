"""What a block says of its transactions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fabric_protos.common import common_pb2
from fabric_protos.peer import chaincode_pb2, proposal_pb2, transaction_pb2
from google.protobuf.message import DecodeError

from rongtong.adapters.fabric.outcomes import Committed
from rongtong.services.ports import ChainEntry


@dataclass(frozen=True)
class Recorded:
    """A contract's call in a block."""

    committed: Committed
    chaincode: str
    arguments: tuple[bytes, ...]

    def puts(self, entry: ChainEntry) -> bool:
        """Whether it is the call that puts an entry, under whatever name the contract's function has."""
        return self.arguments[-2:] == (entry.key.encode(), entry.value.encode())


def code_name(number: int) -> str:
    """A validation code's name; the number itself where this release knows no name for it."""
    try:
        return str(transaction_pb2.TxValidationCode.Name(number))
    except ValueError:
        return f"CODE_{number}"


def transactions(block: Any) -> Iterator[Recorded]:
    """The contract calls of a block (common.Block) in their order; what is not one is left out."""
    flags = bytes(block.metadata.metadata[common_pb2.TRANSACTIONS_FILTER])
    for at, content in enumerate(block.data.data):
        try:
            found = call_of(common_pb2.Envelope.FromString(content))
        except DecodeError:
            continue
        if found is not None:
            transaction_id, chaincode, arguments = found
            code = code_name(flags[at]) if at < len(flags) else "NOT_VALIDATED"
            yield Recorded(Committed(transaction_id, int(block.header.number), code), chaincode, arguments)


def call_of(envelope: Any) -> tuple[str, str, tuple[bytes, ...]] | None:
    """Transaction id, contract and arguments of an envelope; None for another kind. Raises DecodeError."""
    payload = common_pb2.Payload.FromString(envelope.payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    if header.type != common_pb2.ENDORSER_TRANSACTION:
        return None
    actions = transaction_pb2.Transaction.FromString(payload.data).actions
    if not actions:
        return None
    action = transaction_pb2.ChaincodeActionPayload.FromString(actions[0].payload)
    proposed = proposal_pb2.ChaincodeProposalPayload.FromString(action.chaincode_proposal_payload)
    spec = chaincode_pb2.ChaincodeInvocationSpec.FromString(proposed.input).chaincode_spec
    return str(header.tx_id), str(spec.chaincode_id.name), tuple(bytes(one) for one in spec.input.args)
