"""A Fabric network as a chain, held against stand-in peers and orderers that verify what Fabric's verify."""

import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace

import pytest

from fabric_msp import Authority, Organisation
from fabric_network import FabricNetwork
from rongtong.adapters.fabric.chain import open_chain
from rongtong.adapters.fabric.outcomes import ChainKeyError
from rongtong.adapters.fabric.profile import Timeouts
from rongtong.adapters.fabric.profile_reader import read_profile
from rongtong.services.ports import (
    ChainConflictError,
    ChainEntry,
    ChainReceipt,
    ChainRefusedError,
    ChainUnavailableError,
)

KEY, OTHER = "a" * 64, "b" * 64
ENTRY = ChainEntry(KEY, "leaf")
SHORT = Timeouts(endorse_s=5.0, order_s=5.0, commit_s=0.2)
AMPLE = Timeouts(endorse_s=10.0, order_s=10.0, commit_s=10.0)


@pytest.fixture
def network():
    with FabricNetwork() as running:
        yield running


@pytest.fixture
def chain_of(network, tmp_path):
    """Opens chains; without a pause before anything is tried again."""
    with ExitStack() as stack:

        def opened(flow="classic", timeouts=AMPLE, endorsements=None, **changes):
            profile = replace(read_profile(network.profile(tmp_path, **changes)), timeouts=timeouts)
            chain = open_chain(profile, flow=flow, endorsements=endorsements, pause=lambda _: None)
            return stack.enter_context(chain)

        yield opened


@pytest.fixture(params=["classic", "gateway"])
def chain(request, chain_of):
    return chain_of(request.param)


# What the port promises, in both flows.


def test_what_is_appended_is_read_back(chain):
    chain.append([ENTRY])
    assert chain.get(KEY) == "leaf"


def test_a_receipt_names_the_transaction_where_it_stands(chain, network):
    (receipt,) = chain.append([ENTRY])
    network.settle()
    ledger = network.peers[0].ledger
    assert receipt == ChainReceipt(KEY, receipt.transaction_id, 1, "VALID")
    assert ledger.transactions[receipt.transaction_id] == (1, 0)


def test_there_is_one_receipt_for_each_entry_in_their_order(chain, network):
    entries = [ChainEntry(f"{number:064x}", str(number)) for number in range(20)]
    receipts = chain.append(entries)
    assert [receipt.key for receipt in receipts] == [entry.key for entry in entries]
    assert network.codes() == ["VALID"] * 20


def test_an_entry_that_stands_twice_in_an_append_is_put_once(chain, network):
    first, second = chain.append([ENTRY, ENTRY])
    assert first == second
    assert network.codes() == ["VALID"]


def test_a_repeat_gives_the_same_receipt_and_orders_nothing(chain, network):
    receipts = chain.append([ENTRY])
    assert chain.append([ENTRY]) == receipts
    assert network.codes() == ["VALID"]


def test_a_repeat_is_told_as_already_there(chain):
    chain.append([ENTRY])
    assert [outcome.already for outcome in chain.outcomes([ENTRY, ChainEntry(OTHER, "leaf")])] == [True, False]


def test_another_value_under_a_key_is_a_conflict_and_changes_nothing(chain):
    chain.append([ENTRY])
    with pytest.raises(ChainConflictError):
        chain.append([ChainEntry(KEY, "another")])
    assert chain.get(KEY) == "leaf"


def test_two_values_for_a_key_in_one_append_are_a_conflict_before_anything_is_sent(chain, network):
    with pytest.raises(ChainConflictError):
        chain.append([ENTRY, ChainEntry(KEY, "another")])
    assert network.height() == 1


def test_a_key_that_was_not_put_has_no_value(chain):
    assert chain.get(KEY) is None


def test_a_contract_that_answers_nothing_for_an_absent_key_tells_the_same(chain, network):
    network.rules.empty_if_missing = True
    assert chain.get(KEY) is None


@pytest.mark.parametrize("key", ["", "a" * 63, "A" * 64, "g" * 64, f"{KEY}\n"])
def test_what_is_no_key_is_refused_before_anything_is_sent(chain, network, key):
    with pytest.raises(ChainKeyError):
        chain.append([ENTRY, ChainEntry(key, "leaf")])
    assert network.height() == 1


def test_no_entries_need_no_network(chain, network):
    for node in [*network.peers, *network.orderers]:
        node.stop()
    assert chain.append([]) == []


def test_one_entry_that_is_refused_does_not_keep_the_others_from_being_recorded(chain):
    chain.append([ENTRY])
    with pytest.raises(ChainConflictError):
        chain.append([ChainEntry(KEY, "another"), ChainEntry(OTHER, "leaf")])
    assert chain.get(OTHER) == "leaf"


# The scenarios of a network with notaries' nodes.


def test_all_nodes_are_equal_after_a_write(chain, network):
    chain.append([ENTRY, ChainEntry(OTHER, "leaf")])
    network.settle()
    hashes = {peer.ledger.last_hash() for peer in network.peers}
    states = [peer.ledger.state for peer in network.peers]
    assert len(hashes) == 1
    assert states[0] == states[1] == states[2]
    assert states[0].keys() == {KEY, OTHER}


def test_a_tampered_nodes_endorsement_fails_and_so_does_the_transaction(chain, network):
    network.peers[2].alter(KEY, "tampered")
    with pytest.raises(ChainRefusedError, match=network.peers[2].name):
        chain.append([ENTRY])
    assert network.height() == 1


def test_a_node_that_would_write_otherwise_fails_the_transaction_and_is_named(chain_of, network):
    network.peers[1].lies = True
    with pytest.raises(ChainRefusedError, match=f"{network.peers[1].name} answers otherwise"):
        chain_of().append([ENTRY])
    assert network.height() == 1


def test_a_tampered_nodes_value_is_outvoted_when_asked(chain_of, network):
    chain = chain_of()
    chain.append([ENTRY])
    network.settle()
    network.peers[0].alter(KEY, "tampered")
    assert chain.get(KEY) == "leaf"


def test_nodes_of_which_no_two_agree_tell_no_value(chain_of, network):
    chain = chain_of()
    chain.append([ENTRY])
    network.settle()
    network.peers[0].alter(KEY, "one")
    network.peers[1].alter(KEY, "two")
    with pytest.raises(ChainRefusedError, match="differently"):
        chain.get(KEY)


def test_a_node_without_a_certificate_of_the_network_cannot_join(chain, network):
    chain.append([ENTRY])
    stranger = Organisation("Org1MSP", "org1.example.com").tls.issue("peer9.org1.example.com")
    node = network.join("peer9.org1.example.com", network.organisations[0], tls=stranger)
    assert (node.ledger.height, bool(node.trouble)) == (0, True)


def test_a_node_whose_certificate_has_expired_cannot_join(network):
    expired = network.organisations[0].tls.issue("peer9.org1.example.com", days=(-30, -1))
    node = network.join("peer9.org1.example.com", network.organisations[0], tls=expired)
    assert (node.ledger.height, bool(node.trouble)) == (0, True)


def test_a_node_whose_identity_is_no_members_cannot_join(network):
    stranger = Authority("ca.org1.example.com").issue("peer9.org1.example.com")
    node = network.join("peer9.org1.example.com", network.organisations[0], member=stranger)
    assert (node.ledger.height, node.trouble) == (0, "FORBIDDEN")


def test_a_node_with_certificates_joins_and_holds_what_the_others_hold(chain, network):
    chain.append([ENTRY])
    node = network.join("peer1.org1.example.com", network.organisations[0])
    assert node.ledger.last_hash() == network.peers[1].ledger.last_hash()
    assert node.ledger.state == network.peers[1].ledger.state


def test_with_two_of_three_nodes_stopped_nothing_is_recorded(chain, network):
    network.peers[1].stop()
    network.peers[2].stop()
    with pytest.raises(ChainUnavailableError):
        chain.append([ENTRY])
    assert network.height() == 1


def test_with_one_of_three_nodes_stopped_it_is_recorded(chain, network):
    network.peers[2].stop()
    chain.append([ENTRY])
    assert network.codes() == ["VALID"]


def test_with_the_members_own_node_stopped_it_is_recorded(chain_of, network):
    network.peers[0].stop()
    chain_of().append([ENTRY])
    assert network.codes() == ["VALID"]


def test_after_stopped_nodes_came_back_a_repeat_is_recorded(chain, network):
    network.peers[1].stop()
    network.peers[2].stop()
    with pytest.raises(ChainUnavailableError):
        chain.append([ENTRY])
    network.peers[1].start()
    assert network.peers[1].wait_height(1)
    assert _in_the_end(chain.append, [ENTRY])[0].code == "VALID"


def _in_the_end(append, entries):
    """gRPC waits half a second before it connects again."""
    for _ in range(20_000):
        try:
            return append(entries)
        except ChainUnavailableError:
            continue
        except ChainRefusedError as error:
            if "does not tell its blocks" not in error.message:
                raise
    raise AssertionError("never")


@pytest.fixture(params=["another authority's", "revoked"])
def unregistered(request, network):
    if request.param == "revoked":
        network.organisations[0].revoked.add(network.users["Org1MSP"].certificate.serial_number)
        return network.users["Org1MSP"]
    return Authority("ca.org1.example.com").issue("User1@org1.example.com")


@pytest.mark.parametrize("flow", ["classic", "gateway"])
def test_an_unregistered_key_cannot_call(chain_of, network, unregistered, flow):
    with pytest.raises(ChainRefusedError):
        chain_of(flow, user=unregistered).append([ENTRY])
    assert network.height() == 1


@pytest.mark.parametrize("flow", ["classic", "gateway"])
def test_an_unregistered_key_cannot_query(chain_of, unregistered, flow):
    with pytest.raises(ChainRefusedError):
        chain_of(flow, user=unregistered).get(KEY)


def test_an_organisation_that_the_contract_does_not_know_can_neither_query_nor_call(chain, network):
    network.rules.registered.discard("Org1MSP")
    with pytest.raises(ChainRefusedError, match="NOT_REGISTERED"):
        chain.append([ENTRY])
    with pytest.raises(ChainRefusedError, match="NOT_REGISTERED"):
        chain.get(KEY)


def test_an_expired_certificate_is_named_before_anything_is_sent(chain_of, network):
    expired = network.organisations[0].members.issue("User1@org1.example.com", days=(-30, -1))
    with pytest.raises(ChainRefusedError, match="expired"):
        chain_of(user=expired).append([ENTRY])


def test_an_expired_tls_certificate_is_named_before_anything_is_sent(chain_of, network):
    expired = network.organisations[0].tls.issue("client.org1.example.com", days=(-30, -1))
    with pytest.raises(ChainRefusedError, match="TLS has expired"):
        chain_of(client=expired).append([ENTRY])


def test_a_tls_certificate_of_another_authority_reaches_no_node(chain_of, network):
    stranger = Authority("tlsca.org1.example.com").issue("client.org1.example.com")
    with pytest.raises(ChainUnavailableError):
        chain_of(client=stranger).append([ENTRY])
    assert network.height() == 1


# Endorsers that misbehave.


def test_a_wrongly_signed_endorsement_is_refused_before_it_is_ordered(chain_of, network):
    network.peers[1].signs_wrongly = True
    with pytest.raises(ChainRefusedError, match=f"{network.peers[1].name}: its signature does not verify"):
        chain_of().append([ENTRY])
    assert network.height() == 1


def test_an_endorsement_with_a_high_s_is_refused_before_it_is_ordered(chain_of, network):
    network.peers[1].signs_high = True
    with pytest.raises(ChainRefusedError, match="high S"):
        chain_of().append([ENTRY])
    assert network.height() == 1


def test_a_peer_that_endorses_in_another_organisations_name_is_refused(chain_of, network):
    network.peers[1].member, network.peers[1].creator = network.peers[2].member, network.peers[2].creator
    with pytest.raises(ChainRefusedError, match="endorses as Org3MSP"):
        chain_of().append([ENTRY])


def test_a_peer_that_never_answers_is_missed_only_until_the_deadline(chain_of, network):
    chain = chain_of(timeouts=replace(AMPLE, endorse_s=0.5))
    network.peers[2].silent.set()
    chain.append([ENTRY])
    assert network.codes() == ["VALID"]


def test_another_peer_of_the_organisation_answers_for_one_that_is_down(chain_of, network):
    network.join("peer1.org2.example.com", network.organisations[1])
    chain = chain_of(endorsements=3)
    network.peers[1].stop()
    chain.append([ENTRY])
    assert network.codes() == ["VALID"]


# Orderers that misbehave.


def test_an_orderer_that_is_not_available_is_passed_over(chain, network):
    network.orderers[0].answers = ["SERVICE_UNAVAILABLE"]
    chain.append([ENTRY])
    assert network.codes() == ["VALID"]


def test_an_orderer_that_is_down_is_passed_over(chain, network):
    network.orderers[0].stop()
    chain.append([ENTRY])
    assert network.codes() == ["VALID"]


def test_when_no_orderer_is_available_it_is_unavailable_and_a_repeat_is_recorded(chain_of, network):
    chain = chain_of()
    for orderer in network.orderers:
        orderer.answers = ["SERVICE_UNAVAILABLE"] * 3
    with pytest.raises(ChainUnavailableError, match="SERVICE_UNAVAILABLE"):
        chain.append([ENTRY])
    chain.append([ENTRY])
    assert network.codes() == ["VALID"]


def test_an_orderer_that_refuses_is_named(chain_of, network):
    network.orderers[0].answers = ["FORBIDDEN"]
    with pytest.raises(ChainRefusedError, match=r"orderer1\.example\.com refused the transaction: FORBIDDEN"):
        chain_of().append([ENTRY])


@pytest.mark.parametrize("answer", ["take and hang up", "hang up"])
def test_after_a_lost_answer_it_is_recorded_once(chain_of, network, answer):
    network.orderers[0].answers = [answer]
    (receipt,) = chain_of().append([ENTRY])
    network.settle()
    assert network.peers[0].ledger.transactions[receipt.transaction_id] == (receipt.block, 0)
    assert Counter(network.codes())["VALID"] == 1


def test_an_answer_lost_before_it_was_taken_sends_it_again(chain_of, network):
    network.orderers[0].answers = ["hang up"]
    chain_of().append([ENTRY])
    assert network.codes() == ["VALID"]
    assert network.orderers[1].asked == 1


def test_a_taken_transaction_is_not_sent_again_once_it_is_in_a_block(chain_of, network):
    class Slow(type(network.orderers[0])):
        """Hangs up when the block is with every peer."""

        def Broadcast(self, envelopes, context):
            for envelope in envelopes:
                self._ordering.take(envelope.SerializeToString())
                network.settle()
                return
            yield

    network.orderers[0].__class__ = Slow
    network.orderers[0].stop()
    network.orderers[0].start()
    chain_of().append([ENTRY])
    assert network.codes() == ["VALID"]
    assert [orderer.asked for orderer in network.orderers] == [0, 0, 0]


def test_a_second_copy_that_is_ordered_too_does_not_count(chain_of, network):
    network.ordering.hold()
    network.orderers[0].answers = ["take and hang up"]
    done = threading.Thread(target=chain_of().append, args=([ENTRY],))
    done.start()
    network.ordering.wait_taken(3)
    network.ordering.release()
    done.join()
    assert network.codes() == ["VALID", "DUPLICATE_TXID"]


# Commits.


def test_a_commit_that_comes_too_late_is_unavailable_and_a_repeat_finds_it(chain_of, network):
    network.ordering.hold()
    with pytest.raises(ChainUnavailableError, match="not committed within"):
        chain_of(timeouts=SHORT).append([ENTRY])
    network.ordering.release()
    network.settle()
    (receipt,) = chain_of().append([ENTRY])
    assert (receipt.block, network.codes()) == (1, ["VALID"])


def test_a_repeat_while_the_first_is_under_way_ends_in_the_firsts_receipt(chain_of, network):
    network.ordering.hold()
    with pytest.raises(ChainUnavailableError):
        chain_of(timeouts=SHORT).append([ENTRY])
    receipts = []
    again = threading.Thread(target=lambda: receipts.extend(chain_of().append([ENTRY])))
    again.start()
    network.ordering.wait_taken(3)
    network.ordering.release()
    again.join()
    network.settle()
    (receipt,) = receipts
    assert network.peers[0].ledger.transactions[receipt.transaction_id] == (1, 0)
    assert network.codes() == ["VALID", "DUPLICATE_TXID"]


def test_two_who_append_the_same_at_once_get_the_same_receipt(chain_of, network):
    network.ordering.hold()
    receipts = []
    chains = [chain_of(), chain_of("gateway")]
    both = [threading.Thread(target=lambda one=one: receipts.extend(one.append([ENTRY]))) for one in chains]
    for one in both:
        one.start()
    network.ordering.wait_taken(3)
    network.ordering.release()
    for one in both:
        one.join()
    assert receipts[0] == receipts[1]
    assert Counter(network.codes())["VALID"] == 1


def test_the_commit_is_learnt_from_another_peer_when_the_first_stops(chain_of, network):
    network.ordering.hold()
    receipts = []
    waiting = threading.Thread(target=lambda: receipts.extend(chain_of().append([ENTRY])))
    waiting.start()
    network.ordering.wait_taken(2)
    network.peers[0].stop()
    network.ordering.release()
    waiting.join()
    assert [receipt.code for receipt in receipts] == ["VALID"]


def test_where_filtered_blocks_are_not_told_whole_ones_are_read(chain_of, network):
    for peer in network.peers:
        peer.tells_whole_blocks_only = True
    (receipt,) = chain_of().append([ENTRY])
    assert (receipt.block, receipt.code) == (1, "VALID")


def test_who_is_told_of_no_blocks_learns_of_a_commit_by_its_id(chain_of, network):
    for peer in network.peers:
        peer.tells_no_blocks = True
    chain = chain_of()
    (receipt,) = _in_the_end(chain.append, [ENTRY])
    assert network.peers[0].ledger.transactions[receipt.transaction_id] == (receipt.block, 0)
    assert Counter(network.codes())["VALID"] == 1


# Validation codes.


def test_after_a_read_conflict_a_new_transaction_is_sent(chain, network):
    network.commit_next_as("MVCC_READ_CONFLICT")
    (receipt,) = chain.append([ENTRY])
    assert receipt.block == 2
    assert network.codes() == ["MVCC_READ_CONFLICT", "VALID"]


@pytest.mark.parametrize("has_history", [True, False])
def test_a_member_who_loses_against_the_same_entry_gets_the_winners_transaction(chain_of, network, has_history):
    network.rules.has_history = has_history
    receipts = _race(chain_of, network, ENTRY, ENTRY)
    assert receipts[0] == receipts[1]
    assert sorted(network.codes()) == ["MVCC_READ_CONFLICT", "VALID"]


def test_a_member_who_loses_against_another_value_has_a_conflict(chain_of, network):
    results = _race(chain_of, network, ENTRY, ChainEntry(KEY, "another"))
    kinds = Counter(type(result) for result in results)
    assert kinds == {ChainReceipt: 1, ChainConflictError: 1}


def _race(chain_of, network, *entries):
    """Each organisation appends one of the entries; they come into one block."""
    network.ordering.hold()
    results = []

    def append(chain, entry):
        try:
            results.extend(chain.append([entry]))
        except ChainConflictError as error:
            results.append(error)

    both = [
        threading.Thread(target=append, args=(chain_of(organisation=at), entry)) for at, entry in enumerate(entries)
    ]
    for one in both:
        one.start()
    network.ordering.wait_taken(1 + len(entries))
    network.ordering.release()
    for one in both:
        one.join()
    return results


@pytest.mark.parametrize("has_history", [True, False])
def test_an_entry_put_before_the_certificate_was_renewed_is_found_with_its_transaction(chain_of, network, has_history):
    network.rules.has_history = has_history
    receipts = chain_of().append([ENTRY])
    chain_of().append([ChainEntry(f"{number:064x}", "x") for number in range(70)])
    network.settle()
    renewed = network.organisations[0].members.issue("User1@org1.example.com")
    assert chain_of(user=renewed).append([ENTRY]) == receipts


def test_a_failed_endorsement_policy_is_refused_by_its_name(chain_of, network):
    network.rules.endorsements = 3
    network.peers[2].stop()
    with pytest.raises(ChainRefusedError, match="ENDORSEMENT_POLICY_FAILURE"):
        chain_of().append([ENTRY])
    assert network.codes() == ["ENDORSEMENT_POLICY_FAILURE"]


def test_once_the_policy_can_be_met_a_repeat_is_recorded(chain_of, network):
    network.rules.endorsements = 3
    network.peers[2].stop()
    for _ in range(5):
        with pytest.raises(ChainRefusedError):
            chain_of().append([ENTRY])
    network.settle()
    network.rules.endorsements = 2
    (receipt,) = chain_of().append([ENTRY])
    assert receipt.block == 6
    assert chain_of().append([ENTRY]) == [receipt]


def test_another_validation_code_is_refused_by_its_name(chain, network):
    network.commit_next_as("BAD_RWSET")
    with pytest.raises(ChainRefusedError, match="BAD_RWSET"):
        chain.append([ENTRY])


def test_read_conflicts_without_end_are_unavailable(chain_of, network):
    network.commit_next_as(*["MVCC_READ_CONFLICT"] * 8)
    with pytest.raises(ChainUnavailableError, match="8 times"):
        chain_of().append([ENTRY])


def test_of_an_append_of_which_something_is_unknown_and_something_refused_the_unknown_is_told(chain_of, network):
    chain = chain_of(timeouts=replace(SHORT, commit_s=0.2))
    chain_of().append([ENTRY])
    network.settle()
    network.ordering.hold()
    with pytest.raises(ChainUnavailableError):
        chain.append([ChainEntry(KEY, "another"), ChainEntry(OTHER, "leaf")])


# The gateway flow alone.


def test_what_a_peer_behind_the_gateway_says_is_told(chain_of, network):
    network.peers[2].alter(KEY, "tampered")
    with pytest.raises(ChainRefusedError, match=f"Org3MSP {network.peers[2].name}:7051: .* KEY_EXISTS"):
        chain_of("gateway").append([ENTRY])


def test_a_submission_whose_answer_is_lost_is_recorded_once(chain_of, network):
    for orderer in network.orderers:
        orderer.answers = ["take and hang up"]
    (receipt,) = _in_the_end(chain_of("gateway").append, [ENTRY])
    network.settle()
    assert network.peers[0].ledger.transactions[receipt.transaction_id] == (receipt.block, 0)
    assert Counter(network.codes())["VALID"] == 1


def test_a_gateway_that_prepares_something_else_gets_no_signature(chain_of, network):
    network.peers[0].prepares_wrongly = True
    with pytest.raises(ChainRefusedError, match="not signed"):
        chain_of("gateway").append([ENTRY])
    assert network.height() == 1


def test_a_peer_without_a_gateway_is_named_with_what_to_do(chain_of, network):
    network.peers[0].stop()
    network.peers[0].has_gateway = False
    network.peers[0].start()
    with pytest.raises(ChainRefusedError, match="use the classic flow"):
        chain_of("gateway").append([ENTRY])
