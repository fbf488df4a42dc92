"""The gateway service (Fabric 2.4) of the stand-in network's peers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.gateway import gateway_pb2, gateway_pb2_grpc
from fabric_protos.peer import proposal_pb2, transaction_pb2
from google.protobuf.any_pb2 import Any as Packed

from fabric_msp import MembershipError
from fabric_peer import PeerNode

if TYPE_CHECKING:
    from fabric_network import FabricNetwork


class GatewayPeer(PeerNode, gateway_pb2_grpc.GatewayServicer):
    """A peer that gathers endorsements for its clients. ``has_gateway`` before it starts: whether it does."""

    network: FabricNetwork
    has_gateway = True
    prepares_wrongly = False

    def register(self, server: Any) -> None:
        super().register(server)
        if self.has_gateway:
            gateway_pb2_grpc.add_GatewayServicer_to_server(self, server)

    def Evaluate(self, request: Any, context: Any) -> Any:
        try:
            answer = self.endorse(request.proposed_transaction)
        except MembershipError as error:
            return context.abort(grpc.StatusCode.UNKNOWN, str(error))
        if answer.response.status >= 400:
            return context.abort(grpc.StatusCode.UNKNOWN, answer.response.message)
        return gateway_pb2.EvaluateResponse(result=answer.response)

    def Endorse(self, request: Any, context: Any) -> Any:
        running = [peer for peer in self.network.peers if peer.running]
        if len({peer.organisation.msp_id for peer in running}) < self._rules.endorsements:
            return context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no combination of peers can be derived")
        answers = {}
        for peer in running:
            try:
                answers[peer.name] = peer.endorse(request.proposed_transaction)
            except MembershipError as error:
                return self._abort(context, peer, str(error))
            if answers[peer.name].response.status >= 400:
                return self._abort(context, peer, f"chaincode response {answers[peer.name].response.message}")
        if len({answer.payload for answer in answers.values()}) > 1:
            return context.abort(grpc.StatusCode.ABORTED, "ProposalResponsePayloads do not match")
        return gateway_pb2.EndorseResponse(
            prepared_transaction=self._prepared(request.proposed_transaction, list(answers.values()))
        )

    def _abort(self, context: Any, peer: PeerNode, message: str) -> Any:
        """What a peer said goes into the details, not into the text."""
        detail = gateway_pb2.ErrorDetail(
            address=f"{peer.name}:7051", msp_id=peer.organisation.msp_id, message=message
        ).SerializeToString()
        packed = Packed(type_url="type.googleapis.com/gateway.ErrorDetail", value=detail).SerializeToString()
        # google.rpc.Status: details are its third field; this length takes two bytes.
        length = bytes([0x80 | len(packed) & 0x7F, len(packed) >> 7])
        context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x0a\x1a" + length + packed),))
        text = "failed to endorse transaction, see attached details for more info"
        return context.abort(grpc.StatusCode.ABORTED, text)

    def _prepared(self, signed: Any, answers: list[Any]) -> Any:
        proposal = proposal_pb2.Proposal.FromString(signed.proposal_bytes)
        header = common_pb2.Header.FromString(proposal.header)
        action = transaction_pb2.ChaincodeEndorsedAction(
            proposal_response_payload=answers[0].payload, endorsements=[answer.endorsement for answer in answers]
        )
        proposed = b"" if self.prepares_wrongly else proposal.payload
        payload = transaction_pb2.ChaincodeActionPayload(chaincode_proposal_payload=proposed, action=action)
        part = transaction_pb2.TransactionAction(header=header.signature_header, payload=payload.SerializeToString())
        data = transaction_pb2.Transaction(actions=[part]).SerializeToString()
        return common_pb2.Envelope(payload=common_pb2.Payload(header=header, data=data).SerializeToString())

    def Submit(self, request: Any, context: Any) -> Any:
        for orderer in [one for one in self.orderers if one.running]:
            for answer in orderer.Broadcast(iter([request.prepared_transaction]), context):
                if answer.status == common_pb2.SUCCESS:
                    return gateway_pb2.SubmitResponse()
                if answer.status < 500:
                    return context.abort(grpc.StatusCode.ABORTED, common_pb2.Status.Name(answer.status))
        return context.abort(grpc.StatusCode.UNAVAILABLE, "no orderers could successfully process transaction")

    def CommitStatus(self, signed: Any, context: Any) -> Any:
        request = gateway_pb2.CommitStatusRequest.FromString(signed.request)
        try:
            self._rules.membership.check(request.identity, signed.request, signed.signature)
        except MembershipError as error:
            return context.abort(grpc.StatusCode.PERMISSION_DENIED, str(error))
        known, changed = self.ledger.transactions, self.ledger.changed
        with changed:
            while request.transaction_id not in known and context.is_active():
                changed.wait(0.05)
        if request.transaction_id not in known:
            return context.abort(grpc.StatusCode.CANCELLED, "not committed")
        return gateway_pb2.CommitStatusResponse(
            result=self.ledger.code_of(request.transaction_id), block_number=known[request.transaction_id][0]
        )
