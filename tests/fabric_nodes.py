"""Orderers of the stand-in network, and what all its nodes share: gRPC on 127.0.0.1 that asks for a TLS certificate."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.common import common_pb2
from fabric_protos.orderer import ab_pb2, ab_pb2_grpc

from fabric_ledger import ChannelRules, next_block
from fabric_msp import Credential, MembershipError

LAST = 2**64 - 1
WORKERS = 24


class RefusedError(Exception):
    """A status with which a service ends what was asked."""

    def __init__(self, status: int) -> None:
        super().__init__(common_pb2.Status.Name(status))
        self.status = status


class Server:
    """A gRPC server with TLS on a free port of 127.0.0.1, which it keeps when it is started again."""

    def __init__(self, name: str, tls: Credential, trusted: bytes) -> None:
        self.name = name
        self.tls = tls
        self._trusted = trusted
        self._server: Any = None
        self.port = 0

    @property
    def running(self) -> bool:
        return self._server is not None

    def start(self) -> None:
        self._server = grpc.server(ThreadPoolExecutor(WORKERS), options=[("grpc.so_reuseport", 0)])
        self.register(self._server)
        credentials = grpc.ssl_server_credentials(
            [(self.tls.key_pem, self.tls.certificate_pem)], self._trusted, require_client_auth=True
        )
        self.port = self._server.add_secure_port(f"127.0.0.1:{self.port}", credentials)
        self._server.start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop(0).wait()

    def register(self, server: Any) -> None:
        raise NotImplementedError


def check_binding(context: Any, header: Any) -> None:
    """Whoever asks for blocks names the certificate that it shows. Raises RefusedError."""
    if not header.HasField("timestamp"):
        raise RefusedError(common_pb2.BAD_REQUEST)
    shown = x509.load_pem_x509_certificate(context.auth_context()["x509_pem_cert"][0])
    if header.tls_cert_hash != hashlib.sha256(shown.public_bytes(Encoding.DER)).digest():
        raise RefusedError(common_pb2.BAD_REQUEST)


def sought(envelope: Any, context: Any, rules: ChannelRules) -> Any:
    """Which blocks a member asks for. Raises RefusedError."""
    payload = common_pb2.Payload.FromString(envelope.payload)
    header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
    check_binding(context, header)
    if header.channel_id != rules.name:
        raise RefusedError(common_pb2.NOT_FOUND)
    signature = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
    try:
        rules.membership.check(signature.creator, envelope.payload, envelope.signature)
    except MembershipError as error:
        raise RefusedError(common_pb2.FORBIDDEN) from error
    return ab_pb2.SeekInfo.FromString(payload.data)


def delivered(seek: Any, blocks: list[Any], changed: threading.Condition, context: Any) -> Any:
    """Block after block, also those to come."""
    if not context.add_callback(lambda: _wake(changed)):
        return
    number = len(blocks) - 1 if seek.start.HasField("newest") else seek.start.specified.number
    stop = seek.stop.specified.number if seek.stop.HasField("specified") else LAST
    while number <= stop:
        with changed:
            while number >= len(blocks) and context.is_active():
                changed.wait()
        if not context.is_active():
            return
        yield blocks[number]
        number += 1


def _wake(changed: threading.Condition) -> None:
    with changed:
        changed.notify_all()


class Ordering:
    """What the orderers agree on: one chain of blocks. ``held``: take envelopes, but cut no block yet."""

    def __init__(self, rules: ChannelRules) -> None:
        self.rules = rules
        self.changed = threading.Condition()
        self.blocks: list[Any] = []
        self.held = False
        self.taken = 0
        """Envelopes, with the channel's first."""
        self._pending: list[bytes] = []
        self.next_codes: list[int] = []
        genesis = common_pb2.ChannelHeader(type=common_pb2.CONFIG, channel_id=rules.name)
        header = common_pb2.Header(channel_header=genesis.SerializeToString())
        payload = common_pb2.Payload(header=header).SerializeToString()
        self.take(common_pb2.Envelope(payload=payload).SerializeToString())

    def take(self, content: bytes) -> None:
        with self.changed:
            self.taken += 1
            self.changed.notify_all()
            self._pending.append(content)
            if self.next_codes:
                payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(content).payload)
                header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
                self.rules.forced[header.tx_id] = self.next_codes.pop(0)
            self._cut()

    def hold(self) -> None:
        self.held = True

    def wait_taken(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.taken >= count, 10.0)

    def release(self) -> None:
        with self.changed:
            self.held = False
            self._cut()

    def _cut(self) -> None:
        if self._pending and not self.held:
            self.blocks.append(next_block(self.blocks, self._pending))
            self._pending = []
            self.changed.notify_all()


class OrdererNode(Server):
    """``answers``: what it does with the next envelopes: a status' name, ``take and hang up``, or ``hang up``."""

    def __init__(self, name: str, tls: Credential, trusted: bytes, ordering: Ordering) -> None:
        super().__init__(name, tls, trusted)
        self._ordering = ordering
        self.answers: list[str] = []
        self.asked = 0

    def register(self, server: Any) -> None:
        ab_pb2_grpc.add_AtomicBroadcastServicer_to_server(self, server)

    def Broadcast(self, envelopes: Any, context: Any) -> Any:
        for envelope in envelopes:
            self.asked += 1
            answer = self.answers.pop(0) if self.answers else ""
            if answer == "hang up":
                return
            status = self._status(envelope) if answer in ("", "take and hang up") else common_pb2.Status.Value(answer)
            if status == common_pb2.SUCCESS:
                self._ordering.take(envelope.SerializeToString())
            if answer == "take and hang up":
                return
            yield ab_pb2.BroadcastResponse(status=status)
            if status != common_pb2.SUCCESS:
                return

    def _status(self, envelope: Any) -> int:
        payload = common_pb2.Payload.FromString(envelope.payload)
        header = common_pb2.ChannelHeader.FromString(payload.header.channel_header)
        if header.channel_id != self._ordering.rules.name:
            return common_pb2.NOT_FOUND
        signature = common_pb2.SignatureHeader.FromString(payload.header.signature_header)
        try:
            self._ordering.rules.membership.check(signature.creator, envelope.payload, envelope.signature)
        except MembershipError:
            return common_pb2.FORBIDDEN
        return common_pb2.SUCCESS

    def Deliver(self, envelopes: Any, context: Any) -> Any:
        try:
            for envelope in envelopes:
                seek = sought(envelope, context, self._ordering.rules)
                for block in delivered(seek, self._ordering.blocks, self._ordering.changed, context):
                    yield ab_pb2.DeliverResponse(block=block)
                yield ab_pb2.DeliverResponse(status=common_pb2.SUCCESS)
        except RefusedError as error:
            yield ab_pb2.DeliverResponse(status=error.status)
