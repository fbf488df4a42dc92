"""The gateway flow (Fabric 2.4 and later): one peer gathers the endorsements, orders, and tells of the commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from rongtong.adapters.fabric.blocks import call_of, code_name
from rongtong.adapters.fabric.connections import one_line, said, unanswered
from rongtong.adapters.fabric.flow import Watch
from rongtong.adapters.fabric.outcomes import Committed, ContractRefusedError, NotEndorsedError, contract_code
from rongtong.adapters.fabric.peers import Peers
from rongtong.adapters.fabric.profile import Node
from rongtong.adapters.fabric.proposal import Call, signed_envelope
from rongtong.services.ports import ChainRefusedError, ChainUnavailableError

_DETAILS_FIELD = 3
"""Of google.rpc.Status, which gRPC's trailer ``grpc-status-details-bin`` holds."""


class GatewayFlow:
    """Through the member's own peers, the first that answers. Which endorsements are enough the peer knows."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        profile = peers.profile
        own = [peer for peer in profile.peers if peer.organisation == profile.msp_id]
        self._gateways = own or list(profile.peers)

    def endorse(self, call: Call) -> Any:
        """The signed transaction. Raises NotEndorsedError, ChainUnavailableError, ChainRefusedError."""
        request = gateway_pb2.EndorseRequest(
            transaction_id=call.transaction_id, channel_id=call.channel, proposed_transaction=call.signed_proposal()
        )
        try:
            answer = self._ask("Endorse", request, self._peers.profile.timeouts.endorse_s)
        except ChainUnavailableError:
            raise
        except ChainRefusedError as error:
            raise NotEndorsedError(f"The transaction is not endorsed. {error.message}") from error
        prepared = answer.prepared_transaction
        if not _is_made_of(prepared, call):
            raise NotEndorsedError("The gateway prepared another transaction than was proposed; it is not signed.")
        return signed_envelope(call.identity, bytes(prepared.payload))

    def order(self, call: Call, envelope: Any, arrived: Callable[[], bool]) -> None:
        """Return once it was taken, or may have been. Raises ChainRefusedError, ChainUnavailableError."""
        request = gateway_pb2.SubmitRequest(
            transaction_id=call.transaction_id, channel_id=call.channel, prepared_transaction=envelope
        )
        try:
            self._ask("Submit", request, self._peers.profile.timeouts.order_s)
        except ChainUnavailableError:
            if not arrived():
                raise

    def watch(self) -> Watch:
        """Asks for each transaction when it is waited for."""
        return _StatusWatch(self)

    def query(self, chaincode: str, arguments: Sequence[str]) -> bytes:
        """The answer of the peer that the gateway chooses. Raises ChainRefusedError, ChainUnavailableError."""
        call = self._peers.call(chaincode, arguments)
        request = gateway_pb2.EvaluateRequest(
            transaction_id=call.transaction_id, channel_id=call.channel, proposed_transaction=call.signed_proposal()
        )
        return bytes(self._ask("Evaluate", request, self._peers.profile.timeouts.endorse_s).result.payload)

    def status(self, transaction_id: str, timeout_s: float) -> Committed | None:
        """Once it is committed; None when it is not after so many seconds, or nobody tells."""
        identity = self._peers.identity
        request = gateway_pb2.CommitStatusRequest(
            transaction_id=transaction_id, channel_id=self._peers.profile.channel, identity=identity.creator
        ).SerializeToString()
        signed = gateway_pb2.SignedCommitStatusRequest(request=request, signature=identity.sign(request))
        try:
            answer = self._ask("CommitStatus", signed, timeout_s)
        except ChainUnavailableError:
            return None
        return Committed(transaction_id, int(answer.block_number), code_name(answer.result))

    def _ask(self, method: str, request: Any, timeout_s: float) -> Any:
        """Raises ChainUnavailableError when no gateway answers, ChainRefusedError when one refuses."""
        failures = []
        for peer in self._gateways:
            stub = gateway_pb2_grpc.GatewayStub(self._peers.connections.channel(peer))
            try:
                return getattr(stub, method)(request, timeout=timeout_s)
            except grpc.RpcError as error:
                failures.append(_told(peer, error))
                # The peer cannot reach enough others now.
                if unanswered(error) or error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                    continue
                raise ContractRefusedError(failures[-1], contract_code(failures[-1])) from error
        raise ChainUnavailableError("; ".join(failures))


class _StatusWatch:
    """The gateway remembers; there is nothing to follow."""

    def __init__(self, flow: GatewayFlow) -> None:
        self._flow = flow

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def check(self) -> None:
        """Nothing is known before it is asked."""

    def wait(self, transaction_id: str, timeout_s: float) -> Committed | None:
        """See Watch."""
        return self._flow.status(transaction_id, timeout_s) if timeout_s > 0 else None


def _is_made_of(envelope: Any, call: Call) -> bool:
    """Whether the peer prepared what was proposed: the same header, the same arguments."""
    try:
        payload = common_pb2.Payload.FromString(envelope.payload)
        found = call_of(envelope)
    except DecodeError:
        return False
    arguments = tuple(one.encode() for one in call.arguments)
    return payload.header == common_pb2.Header.FromString(call.header) and found == (
        call.transaction_id,
        call.chaincode,
        arguments,
    )


def _told(peer: Node, error: grpc.RpcError) -> str:
    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
        return f"{peer.name} has no gateway service (Fabric 2.4 and later); use the classic flow."
    return one_line("; ".join([f"{peer.name} {said(error)}", *_details(error)]), 600)


def _details(error: grpc.RpcError) -> list[str]:
    """What the gateway adds: which node said what."""
    told = []
    for name, content in error.trailing_metadata() or ():
        if name != "grpc-status-details-bin":
            continue
        try:
            for part in UnknownFieldSet(Empty.FromString(content)):
                if part.field_number == _DETAILS_FIELD:
                    detail = gateway_pb2.ErrorDetail.FromString(Packed.FromString(part.data).value)
                    told.append(f"{detail.msp_id} {detail.address}: {detail.message}")
        except DecodeError:
            continue
    return told
