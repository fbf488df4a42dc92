"""What the peers' ledgers say: heights, transactions by id, blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from fabric_protos.common import common_pb2, ledger_pb2
from fabric_protos.peer import events_pb2_grpc
from google.protobuf.message import DecodeError

from rongtong.adapters.fabric.blocks import Recorded, transactions
from rongtong.adapters.fabric.connections import said, unanswered
from rongtong.adapters.fabric.outcomes import Committed
from rongtong.adapters.fabric.peers import Answer, Peers, Said
from rongtong.adapters.fabric.profile import Node
from rongtong.adapters.fabric.proposal import Seek
from rongtong.services.ports import ChainEntry, ChainRefusedError, ChainUnavailableError

_QSCC = "qscc"
_WINDOW_BLOCKS = 64


@dataclass(frozen=True)
class Height:
    """How many blocks a peer holds, and the hash of the last."""

    blocks: int
    last_hash: str


class Ledger:
    """Reads through the peers' own system contract (qscc) and their block service."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def height(self, peer: Node) -> Height:
        """Raises ChainUnavailableError, ChainRefusedError."""
        answer = self._query("GetChainInfo", peer)
        if answer.said is not Said.YES:
            kind = ChainUnavailableError if answer.said is Said.NOTHING else ChainRefusedError
            raise kind(str(answer))
        return _height(answer.result)

    def first_height(self, peers: Sequence[Node]) -> tuple[Node, Height | None]:
        """The first peer that answers; None where it does not tell this member. Raises ChainUnavailableError."""
        call = self._peers.call(_QSCC, ("GetChainInfo", self._peers.profile.channel))
        answer = self._peers.ask_first(call, peers)
        return answer.peer, _height(answer.result) if answer.said is Said.YES else None

    def find_transaction(self, transaction_id: str, putting: ChainEntry | None = None) -> Committed | None:
        """Where a transaction is, valid or not; None if the peer that answers does not know it.

        With ``putting`` None also if it puts another entry.
        Peers say with the same status that they do not know an id and that they may not tell. Both are None here: a
        caller who then sends the transaction again sends the same id, of which the network takes one.
        Raises ChainUnavailableError when no peer answers.
        """
        arguments = ("GetBlockByTxID", self._peers.profile.channel, transaction_id)
        answer = self._peers.ask_first(self._peers.call(_QSCC, arguments))
        if answer.said is not Said.YES:
            return None
        try:
            block = common_pb2.Block.FromString(answer.result)
            found = [one for one in transactions(block) if one.committed.transaction_id == transaction_id]
        except DecodeError as error:
            raise ChainUnavailableError(f"{answer.peer.name} sent no block.") from error
        return next((one.committed for one in found if putting is None or one.puts(putting)), None)

    def find_put(self, chaincode: str, entry: ChainEntry) -> Committed | None:
        """The valid transaction that put an entry, whoever sent it: the blocks are read from the newest back.

        Raises ChainUnavailableError, ChainRefusedError.
        """
        failures = []
        for peer in [peer for peer in self._peers.profile.peers if peer.tells_events]:
            try:
                for one in self._backwards(peer):
                    if one.committed.valid and one.chaincode == chaincode and one.puts(entry):
                        return one.committed
                return None
            except ChainUnavailableError as error:
                failures.append(error.message)
        raise ChainUnavailableError(f"No peer tells its blocks. {'; '.join(failures)}")

    def _backwards(self, peer: Node) -> Iterator[Recorded]:
        stop = self.height(peer).blocks - 1
        while stop >= 0:
            start = max(0, stop - _WINDOW_BLOCKS + 1)
            for block in reversed(self._blocks(peer, start, stop)):
                yield from transactions(block)
            stop = start - 1

    def _blocks(self, peer: Node, start: int, stop: int) -> list[Any]:
        peers = self._peers
        seek = Seek(peers.identity, peers.profile.channel, peers.now(), peers.connections.tls_hash, start, stop)
        stub = events_pb2_grpc.DeliverStub(peers.connections.channel(peer))
        blocks = []
        stream = stub.Deliver(iter([seek.envelope()]), timeout=peers.profile.timeouts.commit_s)
        try:
            for answer in stream:
                if answer.WhichOneof("Type") != "block":
                    check_status(peer, answer.status)
                    break
                blocks.append(answer.block)
        except grpc.RpcError as error:
            raise stream_error(peer, error) from error
        finally:
            stream.cancel()
        return blocks

    def _query(self, function: str, peer: Node) -> Answer:
        return self._peers.ask(self._peers.call(_QSCC, (function, self._peers.profile.channel)), peer)


def _height(result: bytes) -> Height:
    info = ledger_pb2.BlockchainInfo.FromString(result)
    return Height(int(info.height), bytes(info.currentBlockHash).hex())


def check_status(peer: Node, status: int) -> None:
    """The end of a stream of blocks. Raises ChainRefusedError for 4xx, ChainUnavailableError for 5xx."""
    if status == common_pb2.SUCCESS:
        return
    name = common_pb2.Status.Name(status)
    if 400 <= status < 500:
        raise ChainRefusedError(f"{peer.name} does not tell its blocks: {name}.")
    raise ChainUnavailableError(f"{peer.name} does not tell its blocks now: {name}.")


def stream_error(peer: Node, error: grpc.RpcError) -> ChainUnavailableError | ChainRefusedError:
    """The error of a stream of blocks in the port's terms."""
    kind = ChainUnavailableError if unanswered(error) else ChainRefusedError
    return kind(f"{peer.name}: {said(error)}")
