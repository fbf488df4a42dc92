"""Peers of the stand-in network. What one can be told to do wrong are its plain attributes."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from typing import Any

import grpc
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc
from fabric_protos.peer import (
    chaincode_pb2,
    events_pb2,
    events_pb2_grpc,
    peer_pb2_grpc,
    proposal_pb2,
    proposal_response_pb2,
    transaction_pb2,
)
from google.protobuf.timestamp_pb2 import Timestamp

from fabric_ledger import ChannelRules, Ledger, Simulation, call_in, filtered, proposal_hash
from fabric_msp import Credential, MembershipError, Organisation, creator_of
from fabric_nodes import LAST, OrdererNode, RefusedError, Server, delivered, sought

_STREAM_S = 3.0


class PeerNode(Server, events_pb2_grpc.DeliverServicer):
    """Endorses, validates, tells. It reads the orderer's blocks over gRPC under its own certificates, like any node."""

    def __init__(
        self,
        name: str,
        organisation: Organisation,
        trusted: bytes,
        rules: ChannelRules,
        *,
        tls: Credential | None = None,
        member: Credential | None = None,
    ) -> None:
        super().__init__(name, tls or organisation.tls.issue(name), trusted)
        self.organisation = organisation
        self.member = member or organisation.members.issue(name)
        self.creator = creator_of(organisation.msp_id, self.member)
        self.ledger = Ledger(rules)
        self._rules = rules
        self.orderers: list[OrdererNode] = []
        self.trouble = ""
        """Why it does not get blocks."""
        self.lies = False
        """Its contract writes something else than was asked for."""
        self.signs_wrongly = False
        self.signs_high = False
        self.tells_whole_blocks_only = False
        self.tells_no_blocks = False
        self.silent = threading.Event()
        """Set: it takes proposals and does not answer."""
        self._follower: threading.Thread | None = None
        self._stream: Any = None
        self._stopping = threading.Event()

    def register(self, server: Any) -> None:
        peer_pb2_grpc.add_EndorserServicer_to_server(self, server)
        events_pb2_grpc.add_DeliverServicer_to_server(self, server)

    def start(self) -> None:
        super().start()
        self._stopping.clear()
        self.trouble = ""
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._stream is not None:
            self._stream.cancel()
        super().stop()
        if self._follower is not None:
            self._follower.join()

    def wait_height(self, height: int, timeout_s: float = 10.0) -> bool:
        with self.ledger.changed:
            return self.ledger.changed.wait_for(lambda: self.ledger.height >= height, timeout_s)

    def wait_joined(self, height: int, timeout_s: float = 10.0) -> None:
        """Until it has so many blocks, or knows why it gets none."""
        with self.ledger.changed:
            assert self.ledger.changed.wait_for(lambda: self.ledger.height >= height or self.trouble, timeout_s)

    def alter(self, key: str, value: str) -> None:
        """Change its stored copy, as somebody with access to its disk would."""
        version = self.ledger.state[key][1] if key in self.ledger.state else (0, 0)
        self.ledger.state[key] = (value, version)

    # What it asks the orderer.

    def _follow(self) -> None:
        while not self._stopping.is_set():
            for orderer in self.orderers:
                if not self._stopping.is_set():
                    self._read_from(orderer)
            self._stopping.wait(0.05)

    def _read_from(self, orderer: OrdererNode) -> None:
        credentials = grpc.ssl_channel_credentials(self._trusted, self.tls.key_pem, self.tls.certificate_pem)
        options = [("grpc.ssl_target_name_override", orderer.name), ("grpc.use_local_subchannel_pool", 1)]
        with grpc.secure_channel(f"127.0.0.1:{orderer.port}", credentials, options) as channel:
            request = iter([self._seek()])
            # A stream that an orderer took while it stopped may stay open without an answer: asked for anew, it is not.
            self._stream = ab_pb2_grpc.AtomicBroadcastStub(channel).Deliver(request, timeout=_STREAM_S)
            if self._stopping.is_set():
                self._stream.cancel()
            with suppress(grpc.RpcError):
                try:
                    for answer in self._stream:
                        if not answer.HasField("block"):
                            self._note(common_pb2.Status.Name(answer.status))
                            return
                        self.ledger.commit(answer.block)
                        self._note("")
                except grpc.RpcError as error:
                    if error.code() is not grpc.StatusCode.DEADLINE_EXCEEDED:
                        self._note(f"{error.code().name}: {error.details()}")
                    raise

    def _note(self, trouble: str) -> None:
        with self.ledger.changed:
            self.trouble = trouble
            self.ledger.changed.notify_all()

    def _seek(self) -> Any:
        timestamp = Timestamp()
        timestamp.GetCurrentTime()
        channel = common_pb2.ChannelHeader(
            type=common_pb2.DELIVER_SEEK_INFO,
            channel_id=self._rules.name,
            timestamp=timestamp,
            tls_cert_hash=hashlib.sha256(self.tls.certificate_der).digest(),
        )
        header = common_pb2.Header(
            channel_header=channel.SerializeToString(),
            signature_header=common_pb2.SignatureHeader(creator=self.creator, nonce=b"n").SerializeToString(),
        )
        begin = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=self.ledger.height))
        end = ab_pb2.SeekPosition(specified=ab_pb2.SeekSpecified(number=LAST))
        seek = ab_pb2.SeekInfo(start=begin, stop=end)
        payload = common_pb2.Payload(header=header, data=seek.SerializeToString()).SerializeToString()
        return common_pb2.Envelope(payload=payload, signature=self.member.sign(payload))

    # What it is asked.

    def ProcessProposal(self, signed: Any, context: Any) -> Any:
        if self.silent.is_set():
            gone = threading.Event()
            context.add_callback(gone.set)
            gone.wait(30)
        try:
            return self.endorse(signed)
        except MembershipError as error:
            return context.abort(grpc.StatusCode.UNKNOWN, f"error validating proposal: {error}")

    def endorse(self, signed: Any) -> Any:
        """The answer to a proposal. Raises MembershipError for what is refused before the contract runs."""
        proposal = proposal_pb2.Proposal.FromString(signed.proposal_bytes)
        header = common_pb2.Header.FromString(proposal.header)
        channel = common_pb2.ChannelHeader.FromString(header.channel_header)
        signature = common_pb2.SignatureHeader.FromString(header.signature_header)
        if channel.channel_id != self._rules.name:
            return _failure(500, f"channel '{channel.channel_id}' not found")
        msp_id = self._rules.membership.check(signature.creator, signed.proposal_bytes, signed.signature)
        if channel.tx_id != hashlib.sha256(signature.nonce + signature.creator).hexdigest():
            raise MembershipError("incorrectly computed txid")
        chaincode, arguments = call_in(proposal.payload)
        with self.ledger.changed:
            if channel.tx_id in self.ledger.transactions:
                raise MembershipError(f"duplicate transaction found [{channel.tx_id}]")
            if chaincode == "qscc":
                answer = self._system(arguments)
            elif chaincode == self._rules.chaincode:
                answer = self._invoke(arguments, msp_id)
            else:
                answer = Simulation(500, f"make sure the chaincode {chaincode} has been successfully defined")
        return self._endorsed(answer, chaincode, proposal_hash(header, proposal.payload))

    def _invoke(self, arguments: list[str], msp_id: str) -> Simulation:
        if self.lies and arguments[0] == "put":
            arguments = [*arguments[:-1], f"{arguments[-1]} altered"]
        return self.ledger.invoke(arguments, msp_id)

    def _endorsed(self, answer: Simulation, chaincode: str, hashed: bytes) -> Any:
        response = proposal_response_pb2.Response(status=answer.status, message=answer.message, payload=answer.payload)
        if answer.status >= 400:
            return proposal_response_pb2.ProposalResponse(response=response)
        action = proposal_pb2.ChaincodeAction(
            results=answer.results, response=response, chaincode_id=chaincode_pb2.ChaincodeID(name=chaincode)
        )
        payload = proposal_response_pb2.ProposalResponsePayload(
            proposal_hash=hashed, extension=action.SerializeToString()
        ).SerializeToString()
        signature = self.member.sign(payload + self.creator, high_s=self.signs_high)
        if self.signs_wrongly:
            signature = self.member.sign(b"something else")
        endorsement = proposal_response_pb2.Endorsement(endorser=self.creator, signature=signature)
        return proposal_response_pb2.ProposalResponse(
            version=1, response=response, payload=payload, endorsement=endorsement
        )

    def _system(self, arguments: list[str]) -> Simulation:
        function, _, *rest = arguments
        if function == "GetChainInfo":
            info = ledger_pb2.BlockchainInfo(height=self.ledger.height, currentBlockHash=self.ledger.last_hash())
            return Simulation(200, payload=info.SerializeToString())
        if not rest or rest[0] not in self.ledger.transactions:
            return Simulation(500, f"no such transaction ID [{rest}] in index")
        number, at = self.ledger.transactions[rest[0]]
        block = self.ledger.blocks[number]
        if function == "GetBlockByTxID":
            return Simulation(200, payload=block.SerializeToString())
        processed = transaction_pb2.ProcessedTransaction(
            transactionEnvelope=common_pb2.Envelope.FromString(block.data.data[at]),
            validationCode=self.ledger.code_of(rest[0]),
        )
        return Simulation(200, payload=processed.SerializeToString())

    def DeliverFiltered(self, envelopes: Any, context: Any) -> Any:
        if self.tells_whole_blocks_only:
            yield events_pb2.DeliverResponse(status=common_pb2.FORBIDDEN)
            return
        for block in self._told(envelopes, context):
            if isinstance(block, int):
                yield events_pb2.DeliverResponse(status=block)
            else:
                yield events_pb2.DeliverResponse(filtered_block=filtered(block, self._rules.name))

    def Deliver(self, envelopes: Any, context: Any) -> Any:
        for block in self._told(envelopes, context):
            yield events_pb2.DeliverResponse(**{"status" if isinstance(block, int) else "block": block})

    def _told(self, envelopes: Any, context: Any) -> Any:
        try:
            if self.tells_no_blocks:
                raise RefusedError(common_pb2.FORBIDDEN)
            for envelope in envelopes:
                seek = sought(envelope, context, self._rules)
                yield from delivered(seek, self.ledger.blocks, self.ledger.changed, context)
                yield common_pb2.SUCCESS
        except RefusedError as error:
            yield error.status


def _failure(status: int, message: str) -> Any:
    return proposal_response_pb2.ProposalResponse(
        response=proposal_response_pb2.Response(status=status, message=message)
    )
