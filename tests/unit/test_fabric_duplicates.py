"""What becomes of a transaction whose id the network has seen before this client began to watch."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from fabric_msp import Organisation
from rongtong.adapters.fabric.chain import FabricChain
from rongtong.adapters.fabric.identity import Identity, LocalSigner
from rongtong.adapters.fabric.outcomes import Committed
from rongtong.adapters.fabric.peers import Peers
from rongtong.adapters.fabric.profile import Timeouts
from rongtong.services.ports import ChainEntry, ChainReceipt, ChainUnavailableError

ENTRY = ChainEntry("a" * 64, "leaf")
USER = Organisation("Org1MSP", "org1.example.com").members.issue("User1")


class Flow:
    """Orders what it is given and tells of it as of a second copy, whichever transaction it is."""

    def __init__(self):
        self.ordered = []

    def endorse(self, call):
        return call

    def order(self, call, envelope, arrived):
        self.ordered.append(call.transaction_id)

    def watch(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def check(self):
        pass

    def wait(self, transaction_id, timeout_s):
        return Committed(transaction_id, 9, "DUPLICATE_TXID")


@pytest.fixture
def flow():
    return Flow()


def _chain(flow, first):
    """``first``: what the ledger knows of the first copy, as block and code by transaction id."""
    profile = SimpleNamespace(channel="bills", chaincode="evidence", timeouts=Timeouts())
    identity = Identity("Org1MSP", USER.certificate, LocalSigner(USER.key))
    peers = Peers(profile, identity, SimpleNamespace(certificate=None), lambda: datetime.now(UTC))

    def find_transaction(transaction_id):
        return Committed(transaction_id, *first) if first else None

    return FabricChain(flow, SimpleNamespace(find_transaction=find_transaction), peers, lambda _: None)


def test_a_second_copy_ends_in_the_firsts_receipt(flow):
    (receipt,) = _chain(flow, (4, "VALID")).append([ENTRY])
    assert receipt == ChainReceipt(ENTRY.key, flow.ordered[0], 4, "VALID")


def test_a_second_copy_is_told_as_already_there(flow):
    (outcome,) = _chain(flow, (4, "VALID")).outcomes([ENTRY])
    assert outcome.already


def test_a_first_copy_that_no_peer_finds_yet_is_unavailable(flow):
    with pytest.raises(ChainUnavailableError):
        _chain(flow, None).append([ENTRY])
