"""A stand-in Fabric network: three organisations with a peer each, three orderers, one channel, the evidence contract.

It verifies what Fabric verifies: who signed and that its certificate is the MSP's, low S, channel, transaction id,
endorsements against the channel's policy (two of three), versions read, and the certificate shown in TLS.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from fabric_protos.peer import transaction_pb2

from fabric_gateway import GatewayPeer
from fabric_ledger import ChannelRules
from fabric_msp import Credential, Membership, Organisation
from fabric_nodes import OrdererNode, Ordering
from fabric_peer import PeerNode

CHANNEL = "bills"
CHAINCODE = "evidence"


class FabricNetwork:
    """Use it in a ``with``; ``profile`` writes what a member's client needs."""

    def __init__(self, organisations: int = 3, endorsements: int = 2, orderers: int = 3) -> None:
        self.organisations = [Organisation(f"Org{at}MSP", f"org{at}.example.com") for at in range(1, organisations + 1)]
        self._ordering_organisation = Organisation("OrdererMSP", "example.com")
        membership = Membership(self.organisations)
        registered = {one.msp_id for one in self.organisations}
        self.rules = ChannelRules(CHANNEL, CHAINCODE, membership, endorsements, registered)
        self.ordering = Ordering(self.rules)
        everyone = [*self.organisations, self._ordering_organisation]
        self.trusted = b"".join(one.tls.pem for one in everyone)
        self.orderers = [
            OrdererNode(name, self._ordering_organisation.tls.issue(name), self.trusted, self.ordering)
            for name in (f"orderer{at}.example.com" for at in range(1, orderers + 1))
        ]
        self.peers: list[PeerNode] = []
        for organisation in self.organisations:
            self._new_peer(f"peer0.{organisation.domain}", organisation)
        self.users = {one.msp_id: one.members.issue(f"User1@{one.domain}") for one in self.organisations}
        self.clients = {one.msp_id: one.tls.issue(f"client.{one.domain}") for one in self.organisations}

    def __enter__(self) -> Self:
        for node in [*self.orderers, *self.peers]:
            node.start()
        for peer in self.peers:
            assert peer.wait_height(1), peer.trouble
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stopping = [threading.Thread(target=node.stop) for node in [*self.peers, *self.orderers]]
        for one in stopping:
            one.start()
        for one in stopping:
            one.join()

    def join(self, name: str, organisation: Organisation, **credentials: Credential) -> PeerNode:
        """A further peer; it reads the blocks from the beginning, if it is let."""
        peer = self._new_peer(name, organisation, **credentials)
        peer.start()
        peer.wait_joined(self.height())
        return peer

    def height(self) -> int:
        """Blocks that were cut."""
        return len(self.ordering.blocks)

    def settle(self) -> None:
        """Until every running peer has every block."""
        for peer in self.peers:
            if peer.running:
                assert peer.wait_height(self.height()), peer.trouble

    def codes(self) -> list[str]:
        """Validation codes of all transactions, in their order, as a running peer has them."""
        self.settle()
        ledger = next(peer.ledger for peer in self.peers if peer.running)
        numbers = [code for block in ledger.blocks[1:] for code in block.metadata.metadata[2]]
        return [transaction_pb2.TxValidationCode.Name(number) for number in numbers]

    def commit_next_as(self, *codes: str) -> None:
        """Validation codes of the next transactions, whatever the rules say of them."""
        self.ordering.next_codes += [transaction_pb2.TxValidationCode.Value(code) for code in codes]

    def profile(self, folder: Path, *, organisation: int = 0, **changes: Any) -> Path:
        """A connection profile as a member of an organisation has it. ``changes``: see described."""
        path = folder / "connection.yaml"
        path.write_text(yaml.safe_dump(self.described(organisation, **changes)), encoding="utf-8")
        return path

    def described(
        self, organisation: int = 0, *, user: Credential | None = None, client: Credential | None = None
    ) -> dict[str, Any]:
        """The profile. ``user`` signs instead of the organisation's own, ``client`` is shown in TLS."""
        own = self.organisations[organisation]
        user, client = user or self.users[own.msp_id], client or self.clients[own.msp_id]
        organisations: dict[str, Any] = {
            one.msp_id.removesuffix("MSP"): {
                "mspid": one.msp_id,
                "peers": [peer.name for peer in self.peers if peer.organisation is one],
            }
            for one in self.organisations
        }
        name = own.msp_id.removesuffix("MSP")
        organisations[name]["users"] = {"User1": {"cert": _pem(user)[0], "key": _pem(user)[1]}}
        certificate, key = _pem(client)
        return {
            "name": "stand-in",
            "version": "1.0.0",
            "client": {"organization": name, "tlsCerts": {"client": {"cert": certificate, "key": key}}},
            "channels": {
                CHANNEL: {
                    "orderers": [one.name for one in self.orderers],
                    "peers": {one.name: {"endorsingPeer": True, "eventSource": True} for one in self.peers},
                    "chaincodes": [f"{CHAINCODE}:1.0"],
                }
            },
            "organizations": organisations,
            "orderers": {one.name: _node(one, self._ordering_organisation) for one in self.orderers},
            "peers": {one.name: _node(one, one.organisation) for one in self.peers},
        }

    def _new_peer(self, name: str, organisation: Organisation, **credentials: Credential) -> PeerNode:
        peer = GatewayPeer(name, organisation, self.trusted, self.rules, **credentials)
        peer.orderers = self.orderers
        peer.network = self
        self.peers.append(peer)
        return peer


def _pem(credential: Credential) -> tuple[dict[str, str], dict[str, str]]:
    return {"pem": credential.certificate_pem.decode()}, {"pem": credential.key_pem.decode()}


def _node(node: PeerNode | OrdererNode, organisation: Organisation) -> dict[str, Any]:
    return {
        "url": f"grpcs://127.0.0.1:{node.port}",
        "tlsCACerts": {"pem": organisation.tls.pem.decode()},
        "grpcOptions": {"ssl-target-name-override": node.name},
    }
