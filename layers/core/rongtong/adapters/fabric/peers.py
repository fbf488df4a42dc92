"""Proposals to peers, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import grpc
from fabric_protos.peer import peer_pb2_grpc, proposal_response_pb2

from rongtong.adapters.fabric.connections import Connections, one_line, said, unanswered
from rongtong.adapters.fabric.identity import Identity, endorser_of, has_low_s, verifies
from rongtong.adapters.fabric.profile import Node, Profile
from rongtong.adapters.fabric.proposal import Call, random_nonce
from rongtong.services.ports import ChainUnavailableError

_FAILED_FROM = 400
"""A contract's status from which a peer endorses nothing (shim.ERRORTHRESHOLD)."""


class Said(Enum):
    """What an answer is."""

    YES = "endorsed"
    NO = "refused"
    NOTHING = "did not answer"


@dataclass(frozen=True)
class Answer:
    """A peer's answer; ``text`` says why it is not YES."""

    peer: Node
    said: Said
    response: Any = None
    text: str = ""

    @property
    def result(self) -> bytes:
        """What the contract returned."""
        return bytes(self.response.response.payload)

    def __str__(self) -> str:
        return f"{self.peer.name} {self.said.value}: {self.text}"


class Peers:
    """The peers of a profile. ``now`` gives UTC instants."""

    def __init__(
        self, profile: Profile, identity: Identity, connections: Connections, now: Callable[[], datetime]
    ) -> None:
        self.profile = profile
        self.identity = identity
        self.connections = connections
        self.now = now

    def call(self, chaincode: str, arguments: Sequence[str], nonce: bytes | None = None) -> Call:
        """A call of a contract of the channel; without a nonce it is for asking only."""
        return Call(
            self.identity, self.profile.channel, chaincode, tuple(arguments), nonce or random_nonce(), self.now()
        )

    def ask_organisations(self, call: Call) -> list[Answer]:
        """One answer of each organisation with endorsing peers, side by side; of its peers, the first that answers."""
        signed = call.signed_proposal()
        waiting = {
            name: [peer for peer in self.profile.peers if peer.endorses and peer.owner == name]
            for name in self.profile.organisations
        }
        answers: dict[str, Answer] = {}
        while waiting:
            round_of = {name: (peers[0], self._send(peers[0], signed)) for name, peers in waiting.items()}
            answers |= {name: _answer(peer, future) for name, (peer, future) in round_of.items()}
            waiting = {
                name: peers[1:]
                for name, peers in waiting.items()
                if answers[name].said is Said.NOTHING and len(peers) > 1
            }
        return list(answers.values())

    def ask(self, call: Call, peer: Node) -> Answer:
        """One peer's answer."""
        return _answer(peer, self._send(peer, call.signed_proposal()))

    def ask_first(self, call: Call, peers: Sequence[Node] | None = None) -> Answer:
        """The answer of the first peer that gives one. Raises ChainUnavailableError when none does."""
        silent = []
        for peer in self.profile.peers if peers is None else peers:
            answer = self.ask(call, peer)
            if answer.said is not Said.NOTHING:
                return answer
            silent.append(str(answer))
        raise ChainUnavailableError(f"No peer answers. {'; '.join(silent)}")

    def _send(self, peer: Node, signed: Any) -> Any:
        stub = peer_pb2_grpc.EndorserStub(self.connections.channel(peer))
        return stub.ProcessProposal.future(signed, timeout=self.profile.timeouts.endorse_s)


def _answer(peer: Node, future: Any) -> Answer:
    try:
        response = future.result()
    except grpc.RpcError as error:
        return Answer(peer, Said.NOTHING if unanswered(error) else Said.NO, text=said(error))
    if response.response.status >= _FAILED_FROM:
        return Answer(peer, Said.NO, response, one_line(f"{response.response.status} {response.response.message}"))
    return Answer(peer, Said.YES, response)


def endorsement_fault(call: Call, answer: Answer) -> str | None:
    """Why an endorsement is none: not of this proposal, not of the peer's organisation, or wrongly signed."""
    response = answer.response
    try:
        payload = proposal_response_pb2.ProposalResponsePayload.FromString(response.payload)
        msp_id, certificate = endorser_of(bytes(response.endorsement.endorser))
        low = has_low_s(bytes(response.endorsement.signature))
    except Exception:  # whatever a peer may put there
        return "its endorsement cannot be read"
    if payload.proposal_hash != call.proposal_hash:
        return "it endorses another proposal"
    if answer.peer.organisation and msp_id != answer.peer.organisation:
        return f"it endorses as {one_line(msp_id, 60)}"
    signed = (bytes(response.payload), bytes(response.endorsement.endorser))
    if not verifies(certificate, bytes(response.endorsement.signature), *signed):
        return "its signature does not verify"
    return None if low else "its signature has a high S"
