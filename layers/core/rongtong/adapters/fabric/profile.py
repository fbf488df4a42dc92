"""What a Fabric network's connection profile says of one channel, as one member sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rongtong.adapters.fabric.pem import PemSource


@dataclass(frozen=True)
class Node:
    """A peer or an orderer: ``address`` is host:port, ``tls_roots`` PEM (None: no TLS).

    ``host_name`` is what its certificate is checked against where that is not the host of the address. ``organisation``
    is the MSP id, empty where the profile says of no organisation that this is its peer.
    """

    name: str
    address: str
    tls_roots: bytes | None = None
    host_name: str | None = None
    organisation: str = ""
    endorses: bool = True
    tells_events: bool = True
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def owner(self) -> str:
        """Its organisation; a peer of which that is not known stands for itself."""
        return self.organisation or self.name


@dataclass(frozen=True)
class Timeouts:
    """Seconds that one answer may take: a peer's to a proposal, an orderer's to an envelope, the commit after it."""

    endorse_s: float = 15.0
    order_s: float = 15.0
    commit_s: float = 60.0


@dataclass(frozen=True)
class Profile:
    """One channel of a network as one member sees it. ``peers`` begin with the member's own.

    ``certificate`` and ``key`` are the member's identity, ``tls_certificate`` and ``tls_key`` what TLS shows of it.
    """

    channel: str
    chaincode: str
    msp_id: str
    peers: tuple[Node, ...]
    orderers: tuple[Node, ...]
    certificate: PemSource
    key: PemSource
    tls_certificate: PemSource | None = None
    tls_key: PemSource | None = None
    timeouts: Timeouts = field(default_factory=Timeouts)

    @property
    def organisations(self) -> tuple[str, ...]:
        """Those with endorsing peers, the member's own first."""
        return tuple(dict.fromkeys(peer.owner for peer in self.peers if peer.endorses))


@dataclass(frozen=True)
class Choice:
    """What is said beside the profile; None leaves it to the profile.

    ``host_names`` maps a node's name to the host name of its certificate; the key ``*`` is for all others.
    """

    channel: str | None = None
    chaincode: str | None = None
    organisation: str | None = None
    user: str | None = None
    certificate: PemSource | None = None
    key: PemSource | None = None
    host_names: Mapping[str, str] = field(default_factory=dict)
