"""How a network stands, node by node."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rongtong.adapters.fabric.chain import FabricChain
from rongtong.adapters.fabric.ledger import Height
from rongtong.adapters.fabric.ordering import Orderers
from rongtong.adapters.fabric.profile import Node
from rongtong.domain.errors import RongTongError

_PARALLEL = 16


@dataclass(frozen=True)
class NodeHealth:
    """``fault`` says why a node does not answer; ``height`` is a peer's, None for an orderer."""

    node: Node
    height: Height | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Health:
    """Of all nodes that the profile names for the channel."""

    peers: list[NodeHealth]
    orderers: list[NodeHealth]
    endorsements: int

    def problems(self) -> Iterator[str]:
        """What keeps entries from being recorded, or shows that the peers' ledgers are not one."""
        answering = {one.node.owner for one in self.peers if one.height and one.node.endorses}
        if len(answering) < self.endorsements:
            yield f"peers of {len(answering)} organisations answer, of {self.endorsements} they must"
        if all(one.fault for one in self.orderers):
            yield "no orderer answers"
        hashes: dict[int, set[str]] = {}
        for one in self.peers:
            if one.height:
                hashes.setdefault(one.height.blocks, set()).add(one.height.last_hash)
        for blocks, found in hashes.items():
            if len(found) > 1:
                yield f"peers with {blocks} blocks do not hold the same last block"


def health(chain: FabricChain, endorsements: int) -> Health:
    """Ask every node, side by side. Raises nothing that a node can cause."""
    profile = chain.profile
    orderers = Orderers(profile.orderers, chain.peers.connections, profile.timeouts.order_s, lambda _: None)

    def peer(node: Node) -> NodeHealth:
        try:
            return NodeHealth(node, chain.ledger.height(node))
        except RongTongError as error:
            return NodeHealth(node, fault=error.message.removeprefix(f"{node.name} "))

    with ThreadPoolExecutor(_PARALLEL) as pool:
        peers = pool.map(peer, profile.peers)
        ordering = pool.map(lambda node: NodeHealth(node, fault=orderers.fault(node)), profile.orderers)
        return Health(list(peers), list(ordering), endorsements)
