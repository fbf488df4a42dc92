"""Envelopes to the ordering service: several addresses, of which one must take each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2_grpc

from rongtong.adapters.fabric.connections import Connections, one_line, said, unanswered
from rongtong.adapters.fabric.profile import Node
from rongtong.services.ports import ChainRefusedError, ChainUnavailableError

_PAUSES_S = (0.0, 0.5, 2.0)
"""Before each round over all orderers."""


class Orderers:
    """``pause`` waits so many seconds before the orderers are tried again."""

    def __init__(
        self, orderers: tuple[Node, ...], connections: Connections, timeout_s: float, pause: Callable[[float], object]
    ) -> None:
        self._orderers = orderers
        self._connections = connections
        self._timeout_s = timeout_s
        self._pause = pause
        self._first = 0
        self._known: set[Node] = set()
        """Orderers that answered last time; what fails at another was certainly not sent."""

    def order(self, envelope: Any, arrived: Callable[[], bool]) -> None:
        """Return once an orderer took the envelope, or may have taken it (its answer was lost).

        After a lost answer ``arrived`` is asked whether the transaction is in a block; only if not it is sent again.
        Raises ChainRefusedError for a 4xx, ChainUnavailableError when certainly none took it.
        """
        lost, failures = False, {}
        for pause_s in _PAUSES_S:
            self._pause(pause_s)
            for orderer in self._in_turn():
                status, text = self._broadcast(orderer, envelope)
                if status == common_pb2.SUCCESS:
                    return
                if status is not None and 400 <= status < 500:
                    raise ChainRefusedError(f"{orderer.name} refused the transaction: {text}")
                failures[orderer.name] = text
                if status is None:
                    lost = True
                    if arrived():
                        return
        if not lost:
            told = "; ".join(f"{name}: {text}" for name, text in failures.items())
            raise ChainUnavailableError(f"No orderer took the transaction. {told or 'The profile names none.'}")

    def _in_turn(self) -> Iterator[Node]:
        """From the one that answered last."""
        count = len(self._orderers)
        begin = self._first
        for at in range(count):
            self._first = (begin + at) % count
            yield self._orderers[self._first]
        self._first = (begin + 1) % count if count else 0

    def _broadcast(self, orderer: Node, envelope: Any) -> tuple[int | None, str]:
        """The orderer's status, None for a lost answer. Each envelope has a stream of its own: none stays closed."""
        if orderer not in self._known:
            fault = self.fault(orderer)
            if fault:
                return common_pb2.SERVICE_UNAVAILABLE, fault
        self._known.discard(orderer)
        stub = ab_pb2_grpc.AtomicBroadcastStub(self._connections.channel(orderer))
        stream = stub.Broadcast(iter([envelope]), timeout=self._timeout_s)
        try:
            answer = next(stream)
        except StopIteration:
            return None, "closed the stream without an answer"
        except grpc.RpcError as error:
            return (None if unanswered(error) else common_pb2.FORBIDDEN), said(error)
        finally:
            stream.cancel()
        self._known.add(orderer)
        return int(answer.status), one_line(f"{common_pb2.Status.Name(answer.status)} {answer.info}".strip())

    def fault(self, orderer: Node) -> str | None:
        """Why an orderer cannot be reached, None if it can. It is asked for gRPC's health service.

        That it knows no such service is an answer too.
        """
        check = self._connections.channel(orderer).unary_unary("/grpc.health.v1.Health/Check")
        try:
            check(b"", timeout=self._timeout_s)
        except grpc.RpcError as error:
            return said(error) if unanswered(error) else None
        return None
