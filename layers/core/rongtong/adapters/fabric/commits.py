"""Which transactions were committed: the blocks of one peer as they come, another's when it falls silent."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import grpc
from fabric_protos.peer import events_pb2_grpc

from rongtong.adapters.fabric.blocks import code_name, transactions
from rongtong.adapters.fabric.ledger import Ledger, check_status, stream_error
from rongtong.adapters.fabric.outcomes import Committed
from rongtong.adapters.fabric.peers import Peers
from rongtong.adapters.fabric.profile import Node
from rongtong.adapters.fabric.proposal import Seek
from rongtong.domain.errors import RongTongError
from rongtong.services.ports import ChainRefusedError, ChainUnavailableError

_AGAIN_S = 0.2


class BlockWatch:
    """A thread reads filtered blocks, from the first that the peer does not have yet when it is entered."""

    def __init__(self, peers: Peers, ledger: Ledger) -> None:
        self._peers = peers
        self._ledger = ledger
        self._changed = threading.Condition()
        self._committed: dict[str, Committed] = {}
        self._tellers: list[Node] = []
        self._next: int | None = None
        self._stream: grpc.Call | None = None
        self._failure: RongTongError | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="fabric-commits", daemon=True)

    def __enter__(self) -> Self:
        tellers = [peer for peer in self._peers.profile.peers if peer.tells_events]
        first, height = self._ledger.first_height(tellers)
        self._tellers = [first, *(peer for peer in tellers if peer != first)]
        self._next = height.blocks if height else None
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()
        self._thread.join()

    def check(self) -> None:
        """See Watch."""
        if self._failure is not None:
            raise self._failure

    def wait(self, transaction_id: str, timeout_s: float) -> Committed | None:
        """See Watch."""
        with self._changed:
            self._changed.wait_for(lambda: transaction_id in self._committed or self._failure, timeout_s)
            return self._committed.get(transaction_id)

    def _follow(self) -> None:
        while not self._stopped.is_set():
            refusals = []
            for peer in self._tellers:
                try:
                    self._read_what_it_tells(peer)
                except ChainUnavailableError:
                    continue
                except RongTongError as error:
                    refusals.append(error)
                if self._stopped.is_set():
                    return
            if len(refusals) == len(self._tellers):
                with self._changed:
                    self._failure = refusals[0]
                    self._changed.notify_all()
                return
            self._stopped.wait(_AGAIN_S)

    def _read_what_it_tells(self, peer: Node) -> None:
        """A channel may let a member read filtered blocks alone, or whole blocks alone."""
        try:
            self._read(peer, "DeliverFiltered")
        except ChainRefusedError:
            self._read(peer, "Deliver")

    def _read(self, peer: Node, service: str) -> None:
        """Until the stream ends. Raises ChainUnavailableError, ChainRefusedError."""
        peers = self._peers
        seek = Seek(peers.identity, peers.profile.channel, peers.now(), peers.connections.tls_hash, self._next)
        times = peers.profile.timeouts
        stub = events_pb2_grpc.DeliverStub(peers.connections.channel(peer))
        stream = getattr(stub, service)(
            iter([seek.envelope()]), timeout=times.endorse_s + times.order_s + times.commit_s
        )
        self._stream = stream
        if self._stopped.is_set():
            stream.cancel()
        try:
            for answer in stream:
                kind = answer.WhichOneof("Type")
                if kind == "block":
                    self._note(int(answer.block.header.number), [one.committed for one in transactions(answer.block)])
                elif kind == "filtered_block":
                    self._note(int(answer.filtered_block.number), _filtered(answer.filtered_block))
                else:
                    check_status(peer, answer.status)
                    return
        except grpc.RpcError as error:
            if not self._stopped.is_set():
                raise stream_error(peer, error) from error
        finally:
            stream.cancel()

    def _note(self, number: int, committed: Sequence[Committed]) -> None:
        with self._changed:
            for one in committed:
                # Of two with one id the first counts.
                self._committed.setdefault(one.transaction_id, one)
            self._next = number + 1
            self._changed.notify_all()


def _filtered(block: Any) -> list[Committed]:
    return [
        Committed(str(one.txid), int(block.number), code_name(one.tx_validation_code))
        for one in block.filtered_transactions
    ]
