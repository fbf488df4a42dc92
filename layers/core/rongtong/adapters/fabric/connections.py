"""gRPC channels to peers and orderers, one per node, opened when first used and kept until closed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from rongtong.adapters.fabric.outcomes import ChainProfileError
from rongtong.adapters.fabric.profile import Node, Profile

_MESSAGE_BYTES_MAX = 100 * 1024 * 1024
"""Fabric's own limit; a block may be larger than gRPC's 4 MB."""
_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", _MESSAGE_BYTES_MAX),
    # A node that comes back is found within seconds.
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5000),
    # A connection that a firewall dropped is noticed; Fabric's nodes take a ping each minute at most.
    ("grpc.keepalive_time_ms", 120_000),
    ("grpc.keepalive_timeout_ms", 20_000),
)
_UNANSWERED = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.INTERNAL,
    }
)


class Connections:
    """``tls`` is the key (PEM) and the certificate that are shown to a server which asks for one."""

    def __init__(self, tls: tuple[bytes, x509.Certificate] | None = None) -> None:
        self._tls = tls
        self._lock = threading.Lock()
        self._open: dict[Node, Any] = {}

    @property
    def certificate(self) -> x509.Certificate | None:
        """What TLS shows."""
        return self._tls[1] if self._tls else None

    def channel(self, node: Node) -> Any:
        """The node's channel; it connects when it is first used."""
        with self._lock:
            if node not in self._open:
                self._open[node] = self._connect(node)
            return self._open[node]

    @property
    def tls_hash(self) -> bytes:
        """SHA-256 of the certificate that TLS shows (DER); nothing where it shows none."""
        return self._tls[1].fingerprint(SHA256()) if self._tls else b""

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def _connect(self, node: Node) -> Any:
        options: list[tuple[str, Any]] = [*_OPTIONS, *node.options]
        if node.tls_roots is None:
            return grpc.insecure_channel(node.address, options)
        if node.host_name:
            options.append(("grpc.ssl_target_name_override", node.host_name))
        key, chain = (self._tls[0], self._tls[1].public_bytes(Encoding.PEM)) if self._tls else (None, None)
        return grpc.secure_channel(node.address, grpc.ssl_channel_credentials(node.tls_roots, key, chain), options)


def open_connections(profile: Profile) -> Connections:
    """With the profile's TLS certificate. Raises ChainProfileError when certificate and key are no pair."""
    if profile.tls_certificate is None or profile.tls_key is None:
        return Connections()
    pem = profile.tls_key.read()
    try:
        certificate = x509.load_pem_x509_certificate(profile.tls_certificate.read())
        public = load_pem_private_key(pem, password=None).public_key()
    except (ValueError, TypeError) as error:
        where = f"{profile.tls_certificate.where}, {profile.tls_key.where}"
        raise ChainProfileError(f"TLS needs a certificate and a key (PEM, not encrypted): {where}.") from error
    if public != certificate.public_key():
        raise ChainProfileError(f"The TLS key ({profile.tls_key.where}) is not the key of the TLS certificate.")
    return Connections((pem, certificate))


def unanswered(error: grpc.RpcError) -> bool:
    """Whether nobody answered: what was sent may have arrived or not. Otherwise the node refused it."""
    return error.code() in _UNANSWERED


def said(error: grpc.RpcError) -> str:
    """What gRPC or the node says, on one line."""
    # Of "failed to connect to all addresses; last error: UNKNOWN: …" the end tells.
    return one_line(f"{error.code().name}: {(error.details() or '').rpartition('last error: UNKNOWN: ')[2]}")


def one_line(text: str, limit: int = 300) -> str:
    """Without line breaks or what a terminal would obey, and not endless."""
    clean = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return clean if len(clean) <= limit else f"{clean[: limit - 1]}…"


def names(nodes: Sequence[Node]) -> str:
    """For messages."""
    return ", ".join(node.name for node in nodes)
