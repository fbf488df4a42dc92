"""The notary nodes on the deployed template: who stops, is tampered with, is nobody's, or only wants to know."""

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deployed import wait_for
from partner_client import PartnerClient
from rongtong.domain.checkpoint import Checkpoint
from rongtong.domain.incident import IncidentKind
from rongtong.domain.note import COSIGNATURE, Note, VerifierKey
from rongtong.domain.trust import TrustPolicy
from rongtong.domain.witness import request_body
from rongtong.services.records import logged_until
from stack import WITNESSES
from submit import set_clock

A, B, C = WITNESSES
SECOND_TRY = 2


@dataclass(frozen=True)
class Node:
    """A notary's function, its table, and where it is asked."""

    name: str
    function: str
    table: str
    url: str


@pytest.fixture(scope="module")
def nodes(deployed):
    urls = trust(deployed).urls
    found = {}
    for name in WITNESSES:
        own = _resources(deployed, name)
        found[name] = Node(name, own["WitnessFunction"], own["WitnessTable"], urls[name])
    return found


@pytest.fixture
def bill(deployed):
    return next(deployed.plain)


def trust(deployed):
    """What a verifier pins, which is also the platform's own policy."""
    return TrustPolicy.parse(Path(deployed.stack.trust).read_text(encoding="utf-8"))


def _resources(deployed, stack):
    pages = deployed.stack.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        entry["LogicalResourceId"]: entry["PhysicalResourceId"]
        for page in pages
        for entry in page["StackResourceSummaries"]
    }


@contextmanager
def stopped(deployed, *nodes):
    """These nodes answer nothing that a witness answers."""
    functions = deployed.stack.client("lambda")
    with ExitStack() as started_again:
        for node in nodes:
            functions.put_function_concurrency(FunctionName=node.function, ReservedConcurrentExecutions=0)
            started_again.callback(start, deployed, node)
        yield


def start(deployed, node):
    """Let a stopped node answer again."""
    deployed.stack.client("lambda").delete_function_concurrency(FunctionName=node.function)


@contextmanager
def tampered(deployed, *nodes):
    """Somebody has altered the root in the copy that these nodes store."""
    with ExitStack() as restored:
        for node in nodes:
            good = copy_of(deployed, node)
            origin, size, root, rest = good.split("\n", 3)
            _store(deployed, node, "\n".join([origin, size, ("B" if root[0] == "A" else "A") + root[1:], rest]))
            restored.callback(_store, deployed, node, good)
        yield


def copy_of(deployed, node):
    """The note that the node's table holds of the log."""
    key = {"origin": {"S": trust(deployed).logs[0].name}, "record": {"S": "latest"}}
    found = deployed.stack.client("dynamodb").get_item(TableName=node.table, Key=key, ConsistentRead=True)
    return found["Item"]["note"]["S"]


def _store(deployed, node, note):
    item = {"origin": trust(deployed).logs[0].name, "record": "latest", "note": note}
    table = deployed.stack.client("dynamodb")
    table.put_item(TableName=node.table, Item={name: {"S": value} for name, value in item.items()})


def head(deployed):
    """The newest head that the log has signed."""
    key = {"pk": {"S": "log"}, "sk": {"S": "head"}}
    table = _resources(deployed, "rongtong")["EvidenceTable"]
    found = deployed.stack.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
    return json.loads(found["Item"]["body"]["S"])["note"]


def tree(note):
    """Size and root."""
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    return checkpoint.size, checkpoint.root


def all_equal(deployed, nodes):
    """Sweep until every node's copy and the log's head are one tree; its size."""

    def look():
        deployed.sweep()
        return {tree(head(deployed)), *(tree(copy_of(deployed, node)) for node in nodes.values())}

    trees = wait_for(look, lambda found: len(found) == 1)
    return trees.pop()[0]


def published(deployed):
    """The newest checkpoint that the log shows to everybody."""
    return requests.get(f"{deployed.stack.log_url}/checkpoint", timeout=30).text


def logged(deployed, discount_id):
    """How far the log must be cosigned before this discount is paid."""
    key = {"pk": {"S": f"discount#{discount_id}"}, "sk": {"S": "state"}}
    table = deployed.stack.client("dynamodb")
    found = table.get_item(TableName=deployed.stack.business_table, Key=key, ConsistentRead=True)
    return logged_until(json.loads(found["Item"]["body"]["S"]))


def receipt_of(deployed, discount_id):
    answer = wait_for(
        lambda: deployed.clients["partner-a"].get(f"/v1/discounts/{discount_id}/receipt"),
        lambda found: found.status_code == 200,
    )
    return answer.json()


def held_up(deployed, discount_id):
    """Wait until the discount's sealing was tried again and failed for want of a quorum each time; what it said."""
    arn = deployed.stack.discount_machine_arn.replace(":stateMachine:", ":execution:") + f":{discount_id}"
    states = deployed.stack.client("stepfunctions")

    def failures():
        pages = states.get_paginator("get_execution_history").paginate(executionArn=arn)
        failed = [event["taskFailedEventDetails"] for page in pages for event in page["events"] if _failed(event)]
        return [one["cause"] for one in failed if one["error"] == "NoQuorumError"]

    return wait_for(failures, lambda found: len(found) >= SECOND_TRY)[-1]


def _failed(event):
    return event["type"] == "TaskFailed"


def nothing_was_paid(deployed, bill, discount_id):
    """The discount is where it was before its payment, and the bank knows of none."""
    found = deployed.clients["partner-a"].get(f"/v1/discounts/{discount_id}").json()
    paid = deployed.payments(bill.request["payee_account"], found["proceeds_fen"])
    return "paid_at" not in found and found["status"] in ("VERIFIED", "SEALED") and paid == []


def is_paid_once(deployed, bill, discount_id):
    found = deployed.until(discount_id, "DISBURSED", "FAILED", "REFUSED")
    paid = deployed.payments(bill.request["payee_account"], found["proceeds_fen"])
    return found["status"] == "DISBURSED" and len(paid) == 1


def set_policy(deployed, policy):
    """Two persons set the policy of the witnesses."""
    change = {"kind": "witnesses", "content": {"policy": policy.text()}}
    proposed = deployed.clients["operations"].post("/v1/operations/changes", change)
    path = f"/v1/operations/changes/{proposed.json()['change_id']}/decision"
    decided = deployed.clients["operations-2"].post(path, {"decision": "approve"})
    assert decided.status_code == 200, decided.text


def open_incidents(deployed):
    """Which node is said to be unable, by the incident's id."""
    found = deployed.clients["operations"].get("/v1/operations/incidents").json()["incidents"]
    return {one["incident_id"]: one["data"]["witness"] for one in found if one["kind"] == IncidentKind.WITNESS_UNABLE}


# ---- all, one, two ----------------------------------------------------------------------------------------------


def test_all_nodes_are_equal_after_a_write(deployed, nodes, bill):
    discount_id = deployed.submit(bill)
    assert is_paid_once(deployed, bill, discount_id)
    receipt_of(deployed, discount_id)
    assert all_equal(deployed, nodes) >= logged(deployed, discount_id) > 0


def test_one_of_three_stopped_and_a_discount_is_sealed_and_paid(deployed, nodes, bill):
    with stopped(deployed, nodes[C]):
        discount_id = deployed.submit(bill)
        assert is_paid_once(deployed, bill, discount_id)
        receipt = receipt_of(deployed, discount_id)
    signed = {one.witness for one in trust(deployed).judge(receipt["checkpoint"]).cosignatures}
    assert signed == {trust(deployed).witnesses[name] for name in (A, B)}


def test_the_node_that_was_stopped_catches_up(deployed, nodes, bill):
    before = tree(copy_of(deployed, nodes[A]))
    with stopped(deployed, nodes[A]):
        deployed.until(deployed.submit(bill), "DISBURSED")
        assert tree(copy_of(deployed, nodes[A])) == before
    # A node hears of the log when there is something new to cosign.
    deployed.until(deployed.submit(next(deployed.plain)), "DISBURSED")
    assert all_equal(deployed, nodes) > before[0]


def test_two_of_three_stopped_and_nothing_is_sealed_or_paid_until_one_is_back(deployed, nodes, bill):
    with stopped(deployed, nodes[A], nodes[B]):
        discount_id = deployed.submit(bill)
        said = held_up(deployed, discount_id)
        assert (f"{A}: status 429" in said, f"{B}: status 429" in said, f"{C}: cosigned" in said) == (True, True, True)
        to_be_sealed = logged(deployed, discount_id)
        assert tree(published(deployed))[0] < to_be_sealed
        assert nothing_was_paid(deployed, bill, discount_id)
        start(deployed, nodes[B])
        assert is_paid_once(deployed, bill, discount_id)
        assert tree(published(deployed))[0] >= to_be_sealed


# ---- tampered ---------------------------------------------------------------------------------------------------


def test_a_tampered_node_refuses_an_incident_opens_and_the_others_go_on(deployed, nodes, bill):
    shown = published(deployed)
    with tampered(deployed, nodes[B]):
        size, _ = tree(shown)
        answer = requests.post(f"{nodes[B].url}/add-checkpoint", data=request_body(size, [], shown), timeout=30)
        assert answer.status_code == 500
        log, key = trust(deployed).logs[0], trust(deployed).witnesses[B]
        assert f"The record of the log {log.name} in the table of the witness {key.name} was altered" in answer.text
        discount_id = deployed.submit(bill)
        assert is_paid_once(deployed, bill, discount_id)
        assert list(open_incidents(deployed).values()) == [B]
    receipt_of(deployed, discount_id)
    all_equal(deployed, nodes)
    for incident_id in open_incidents(deployed):
        path = f"/v1/operations/incidents/{incident_id}/resolution"
        assert deployed.clients["operations"].post(path, {"note": "TABLE_RESTORED"}).status_code == 200
    assert open_incidents(deployed) == {}


def test_two_tampered_nodes_and_nothing_is_paid_until_one_is_restored(deployed, nodes, bill):
    with tampered(deployed, nodes[C]):
        with tampered(deployed, nodes[A]):
            discount_id = deployed.submit(bill)
            assert "was altered" in held_up(deployed, discount_id)
            assert nothing_was_paid(deployed, bill, discount_id)
        assert is_paid_once(deployed, bill, discount_id)


# ---- nobody's key -----------------------------------------------------------------------------------------------


def test_a_node_whose_key_is_not_in_the_policy_counts_for_nothing_until_two_persons_put_it_there(deployed, nodes, bill):
    known = trust(deployed)
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    other = VerifierKey(known.witnesses[B].name, stranger, COSIGNATURE)
    with stopped(deployed, nodes[C]):
        # To the platform, the node at this address signs with a key that nobody has registered.
        set_policy(deployed, replace(known, witnesses={**known.witnesses, B: other}))
        try:
            discount_id = deployed.submit(bill)
            assert f"{B}: answered without a cosignature of its key" in held_up(deployed, discount_id)
            assert nothing_was_paid(deployed, bill, discount_id)
        finally:
            set_policy(deployed, known)
        assert is_paid_once(deployed, bill, discount_id)


@pytest.mark.parametrize("name", ["partner-a", "stranger"])
def test_an_unregistered_key_can_neither_query_nor_call(deployed, bill, name):
    discount_id = deployed.submit(bill, confirmation=None)
    client = PartnerClient(deployed.stack.base_url, name, Ed25519PrivateKey.generate())
    own = f"/v1/discounts/{discount_id}"
    answers = [
        *(client.get(path) for path in (own, f"{own}/timeline", f"{own}/receipt")),
        client.get(f"/v1/operations/reviews/{discount_id}"),
        client.get(f"/v1/operations/accesses?discount_id={discount_id}"),
        client.post(f"{own}/confirmation", {"operator": "operator-1", "factors": ["password", "otp"]}),
        client.post("/v1/discounts", deployed.request(bill)),
    ]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(401, "SIGNATURE_INVALID")}


# ---- who read ---------------------------------------------------------------------------------------------------


def accesses(deployed, discount_id):
    """Who was shown what of the discount, as operations see it, newest first."""
    answer = deployed.clients["operations"].get(f"/v1/operations/accesses?discount_id={discount_id}")
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["accesses"] if one["event"]["data"]["evidence"] != "ACCESSES"]


def test_who_reads_evidence_is_recorded_and_the_record_is_in_the_evidence_log(deployed, bill):
    client, now = deployed.clients["partner-a"], requests.get(f"{deployed.stack.sandbox_url}/clock", timeout=30)
    discount_id = deployed.submit(bill)
    deployed.until(discount_id, "DISBURSED")
    receipt_of(deployed, discount_id)
    timeline = client.get(f"/v1/discounts/{discount_id}/timeline")
    read, first = wait_for(lambda: accesses(deployed, discount_id), lambda found: len(found) == 2)
    assert {one["event"]["by"]["key"] for one in (read, first)} == {"partner-a#1"}
    assert [one["event"]["data"]["evidence"] for one in (read, first)] == ["TIMELINE", "RECEIPT"]
    assert read["event"]["data"]["request_id"] == timeline.headers["X-Request-Id"]
    assert client.get(f"/v1/operations/accesses?discount_id={discount_id}").status_code == 403
    # What is read in some minutes is logged when they are over.
    then = datetime.fromisoformat(now.json()["now"]) + timedelta(minutes=6)
    set_clock(deployed.stack.sandbox_url, then.isoformat())
    deployed.sweep()
    found = wait_for(
        lambda: accesses(deployed, discount_id), lambda found: sum(one["index"] is not None for one in found) == 2
    )
    assert len({one["index"] for one in found}) == 2
