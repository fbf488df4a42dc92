"""The stand-in network verifies: what Fabric would refuse it refuses, whatever the client under test takes care of."""

import hashlib
from datetime import UTC, datetime

import grpc
import pytest
from fabric_protos.common import common_pb2
from fabric_protos.peer import proposal_pb2, proposal_response_pb2, transaction_pb2

from fabric_msp import Authority
from fabric_network import CHAINCODE, CHANNEL, FabricNetwork
from rongtong.adapters.fabric.connections import open_connections
from rongtong.adapters.fabric.identity import load_identity
from rongtong.adapters.fabric.ledger import Ledger
from rongtong.adapters.fabric.ordering import Orderers
from rongtong.adapters.fabric.peers import Peers, Said
from rongtong.adapters.fabric.profile import Choice
from rongtong.adapters.fabric.profile_reader import read_profile
from rongtong.adapters.fabric.proposal import Call, random_nonce, signed_envelope, transaction
from rongtong.services.ports import ChainRefusedError, ChainUnavailableError

KEY = "a" * 64


@pytest.fixture
def network():
    with FabricNetwork() as running:
        yield running


class Client:
    """The parts of the client, to be put together wrongly."""

    def __init__(self, network, folder, **choice):
        profile = read_profile(network.profile(folder), Choice(**choice))
        identity = load_identity(profile.msp_id, profile.certificate, profile.key)
        self.peers = Peers(profile, identity, open_connections(profile), lambda: datetime.now(UTC))
        self.orderers = Orderers(profile.orderers, self.peers.connections, 5.0, lambda _: None)
        self.network = network

    def call(self, key=KEY, **changes):
        call = self.peers.call(CHAINCODE, ("put", key, "leaf"), random_nonce())
        return Call(**{**{name: getattr(call, name) for name in call.__dataclass_fields__}, **changes})

    def endorsed(self, call, count=3):
        return [self.peers.ask(call, peer).response for peer in self.peers.profile.peers[:count]]

    def order(self, envelope):
        self.orderers.order(envelope, lambda: False)
        return self.network.codes()[-1]


@pytest.fixture
def client(network, tmp_path):
    made = Client(network, tmp_path)
    yield made
    made.peers.connections.close()


def _transaction(call, responses):
    return transaction(call, responses[0].payload, [one.endorsement for one in responses])


def _ask_signed(client, proposal, signature):
    """A peer's answer to a proposal signed otherwise."""
    call = client.call()

    class Signed(Call):
        def signed_proposal(self):
            return proposal_pb2.SignedProposal(proposal_bytes=proposal(call), signature=signature(proposal(call)))

    fields = {name: getattr(call, name) for name in call.__dataclass_fields__}
    return client.peers.ask(Signed(**fields), client.peers.profile.peers[0])


def _proposal(call):
    return call.signed_proposal().proposal_bytes


def test_a_proposal_as_it_should_be_is_endorsed(client, network):
    user = network.users["Org1MSP"]
    call = client.call()
    bytes_of = _proposal(call)
    answer = _ask_signed(client, lambda _: bytes_of, user.sign)
    assert answer.said is Said.YES


def test_a_proposal_signed_with_a_high_s_is_refused(client, network):
    user = network.users["Org1MSP"]
    answer = _ask_signed(client, _proposal, lambda message: user.sign(message, high_s=True))
    assert (answer.said, "high S" in answer.text) == (Said.NO, True)


def test_a_proposal_signed_by_another_is_refused(client, network):
    user = network.users["Org2MSP"]
    answer = _ask_signed(client, _proposal, user.sign)
    assert (answer.said, "not valid" in answer.text) == (Said.NO, True)


def test_a_proposal_whose_id_is_not_of_nonce_and_creator_is_refused(client, network):
    def altered(call):
        proposal = proposal_pb2.Proposal.FromString(_proposal(call))
        header = common_pb2.Header.FromString(proposal.header)
        channel = common_pb2.ChannelHeader.FromString(header.channel_header)
        channel.tx_id = "0" * 64
        header.channel_header = channel.SerializeToString()
        proposal.header = header.SerializeToString()
        return proposal.SerializeToString()

    answer = _ask_signed(client, altered, network.users["Org1MSP"].sign)
    assert (answer.said, "txid" in answer.text) == (Said.NO, True)


def test_a_proposal_for_another_channel_is_refused(client):
    answer = client.peers.ask(client.call(channel="another"), client.peers.profile.peers[0])
    assert (answer.said, "channel 'another' not found" in answer.text) == (Said.NO, True)


def test_endorsements_of_two_organisations_are_enough(client):
    call = client.call()
    assert client.order(_transaction(call, client.endorsed(call, 2))) == "VALID"


def test_endorsements_of_one_organisation_are_not(client):
    call = client.call()
    assert client.order(_transaction(call, client.endorsed(call, 1))) == "ENDORSEMENT_POLICY_FAILURE"


def test_one_organisations_endorsement_twice_is_not_two(client):
    call = client.call()
    (one,) = client.endorsed(call, 1)
    assert client.order(_transaction(call, [one, one])) == "ENDORSEMENT_POLICY_FAILURE"


def test_a_result_altered_after_it_was_endorsed_does_not_count(client):
    call = client.call()
    responses = client.endorsed(call)
    payload = proposal_response_pb2.ProposalResponsePayload.FromString(responses[0].payload)
    action = proposal_pb2.ChaincodeAction.FromString(payload.extension)
    action.results = action.results.replace(b"leaf", b"fake")
    payload.extension = action.SerializeToString()
    envelope = transaction(call, payload.SerializeToString(), [one.endorsement for one in responses])
    assert client.order(envelope) == "ENDORSEMENT_POLICY_FAILURE"


def test_endorsements_of_another_proposal_do_not_count(client):
    responses = client.endorsed(client.call())
    assert client.order(_transaction(client.call(), responses)) == "INVALID_ENDORSER_TRANSACTION"


def test_an_endorsement_with_a_high_s_does_not_count(client, network):
    network.peers[1].signs_high = True
    call = client.call()
    assert client.order(_transaction(call, client.endorsed(call, 2))) == "ENDORSEMENT_POLICY_FAILURE"


def test_the_second_of_two_puts_endorsed_at_once_does_not_count(client):
    calls = [client.call(), client.call()]
    envelopes = [_transaction(call, client.endorsed(call)) for call in calls]
    assert [client.order(envelope) for envelope in envelopes] == ["VALID", "MVCC_READ_CONFLICT"]


def test_the_second_copy_of_a_transaction_does_not_count(client):
    call = client.call()
    envelope = _transaction(call, client.endorsed(call))
    assert [client.order(envelope), client.order(envelope)] == ["VALID", "DUPLICATE_TXID"]


def test_an_envelope_signed_by_another_is_not_taken(client, network, tmp_path):
    call = client.call()
    payload = _transaction(call, client.endorsed(call)).payload
    other = Client(network, tmp_path).peers.identity
    stranger = Authority("ca.org1.example.com").issue("User1@org1.example.com")
    forged = signed_envelope(other, payload)
    forged.signature = stranger.sign(payload)
    with pytest.raises(ChainRefusedError, match="FORBIDDEN"):
        client.order(forged)


def test_an_envelope_for_another_channel_is_not_taken(client):
    call = client.call(channel="another")
    proper = client.call()
    with pytest.raises(ChainRefusedError, match="NOT_FOUND"):
        client.order(_transaction(call, client.endorsed(proper)))


def test_blocks_are_told_only_to_who_names_the_certificate_that_tls_shows(client, network):
    ledger = Ledger(client.peers)
    shown = type(client.peers.connections)
    original = shown.tls_hash
    shown.tls_hash = property(lambda self: hashlib.sha256(b"another").digest())
    try:
        with pytest.raises(ChainRefusedError, match="BAD_REQUEST"):
            ledger.find_put(CHAINCODE, type("Entry", (), {"key": KEY, "value": "leaf"}))
    finally:
        shown.tls_hash = original


def test_a_client_without_a_tls_certificate_reaches_no_peer(client, network):
    roots = client.peers.profile.peers[0].tls_roots
    options = [("grpc.ssl_target_name_override", network.peers[0].name)]
    target = f"127.0.0.1:{network.peers[0].port}"
    with grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options) as channel:
        ask = channel.unary_unary("/protos.Endorser/ProcessProposal")
        with pytest.raises(grpc.RpcError) as told:
            ask(b"", timeout=5)
    assert told.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_peer_whose_host_name_is_another_is_not_trusted(network, tmp_path):
    client = Client(network, tmp_path, host_names={"*": "wrong.example.com"})
    with pytest.raises(ChainUnavailableError):
        client.peers.ask_first(client.call())


def test_a_stopped_peer_reads_what_it_missed_when_it_is_started(client, network):
    network.peers[2].stop()
    call = client.call()
    client.order(_transaction(call, client.endorsed(call, 2)))
    network.peers[2].start()
    network.settle()
    assert network.peers[2].ledger.last_hash() == network.peers[0].ledger.last_hash()


def test_a_channel_has_its_name_in_its_first_block(network):
    first = network.peers[0].ledger.blocks[0]
    payload = common_pb2.Payload.FromString(common_pb2.Envelope.FromString(first.data.data[0]).payload)
    assert common_pb2.ChannelHeader.FromString(payload.header.channel_header).channel_id == CHANNEL


def test_codes_are_named_as_fabric_names_them():
    assert transaction_pb2.TxValidationCode.Value("MVCC_READ_CONFLICT") == 11
