"""The template of the membership of an Amazon Managed Blockchain network, and the function inside it."""

import json
import subprocess
import sys
import types
from pathlib import Path

import boto3
import pytest
from cfnlint.decode import cfn_yaml
from moto import mock_aws

from paths import ROOT

TEMPLATE = ROOT / "infrastructure" / "blockchain.yaml"
JOINING = {"NetworkId": "n-MWY63ZJZU5HGNCMBQER7IN6OIU", "InvitationId": "i-XL9MDD6LVWWDNA9FF94Y4TFTE"}
PLACE = {
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "FirstZone": "eu-west-1a",
    "SecondZone": "eu-west-1b",
}


@pytest.mark.parametrize(
    "chosen",
    [
        PLACE,
        {**PLACE, "ThirdZone": "eu-west-1c", "ClientKeyStore": "secret"},
        {**PLACE, **JOINING, "ThirdZone": "eu-west-1c"},
        {**PLACE, "Edition": "STARTER", "PeerInstanceType": "bc.t3.small"},
    ],
    ids=["create", "three peers, key in a secret", "join", "starter"],
)
def test_the_template_is_clean_with_production_like_parameters(chosen, tmp_path):
    deployment = tmp_path / "deployment.yaml"
    deployment.write_text(json.dumps({"template-file-path": str(TEMPLATE), "parameters": chosen}))
    command = [Path(sys.executable).parent / "cfn-lint", "--regions", "eu-west-1", "--deployment-files", deployment]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_a_stack_that_is_deleted_leaves_the_ledger_and_its_keys():
    resources = cfn_yaml.load(str(TEMPLATE))["Resources"]
    kept = {name for name, resource in resources.items() if resource.get("DeletionPolicy") == "Retain"}
    lasting = ("AWS::ManagedBlockchain::", "AWS::KMS::", "AWS::SecretsManager::")
    assert kept == {name for name, resource in resources.items() if resource["Type"].startswith(lasting)}


@pytest.fixture
def addresses(monkeypatch):
    """The inline function of the template, with the answers it gives to CloudFormation."""
    code = str(cfn_yaml.load(str(TEMPLATE))["Resources"]["AddressesFunction"]["Properties"]["Code"]["ZipFile"])
    assert len(code) <= 4096  # CloudFormation's limit
    answers = []
    answering = types.ModuleType("cfnresponse")
    answering.SUCCESS, answering.FAILED = "SUCCESS", "FAILED"
    answering.send = lambda event, context, status, data, name, reason=None: answers.append(
        (status, data, name, reason)
    )
    monkeypatch.setitem(sys.modules, "cfnresponse", answering)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    module = types.ModuleType("index")
    exec(compile(code, "blockchain.yaml", "exec"), module.__dict__)
    module.answers = answers
    module.slept = []
    monkeypatch.setattr(module.time, "sleep", module.slept.append)
    return module


class Context:
    """A Lambda context with so many readings of the remaining time before it is short."""

    def __init__(self, readings=10):
        self.readings = readings

    def get_remaining_time_in_millis(self):
        self.readings -= 1
        return 900_000 if self.readings >= 0 else 1_000


def network_with_two_peers(chain):
    created = chain.create_network(
        Name="RongTong",
        Framework="HYPERLEDGER_FABRIC",
        FrameworkVersion="1.2",  # the only one that the stand-in knows
        FrameworkConfiguration={"Fabric": {"Edition": "STARTER"}},
        VotingPolicy={
            "ApprovalThresholdPolicy": {
                "ThresholdPercentage": 50,
                "ProposalDurationInHours": 24,
                "ThresholdComparator": "GREATER_THAN",
            }
        },
        MemberConfiguration={
            "Name": "rongtong",
            "FrameworkConfiguration": {"Fabric": {"AdminUsername": "rongtong", "AdminPassword": "Abcdefgh1"}},
            "LogPublishingConfiguration": {"Fabric": {"CaLogs": {"Cloudwatch": {"Enabled": False}}}},
        },
    )
    del created["ResponseMetadata"]
    zones = ("eu-west-1a", "eu-west-1b")
    nodes = [
        chain.create_node(
            **created,
            NodeConfiguration={
                "InstanceType": "bc.t3.small",
                "AvailabilityZone": zone,
                "LogPublishingConfiguration": {"Fabric": {"PeerLogs": {"Cloudwatch": {"Enabled": False}}}},
            },
        )["NodeId"]
        for zone in zones
    ]
    return {**created, "NodeIds": nodes}


@mock_aws
def test_the_addresses_of_network_and_peers_are_told_and_the_logs_published(addresses, monkeypatch):
    chain = boto3.client("managedblockchain")
    # What moto does not tell of a network, and what it forgets of a node.
    missing = {"Status": "AVAILABLE", "VpcEndpointServiceName": "com.amazonaws.vpce.network"}
    chain.meta.events.register(
        "after-call.managedblockchain.GetNetwork", lambda parsed, **_: parsed["Network"].update(missing)
    )
    updated = []
    chain.meta.events.register(
        "provide-client-params.managedblockchain.UpdateNode", lambda params, **_: updated.append(params)
    )
    monkeypatch.setattr(addresses.boto3, "client", lambda _: chain)
    asked = network_with_two_peers(chain)
    addresses.handler({"RequestType": "Create", "ResourceProperties": asked}, Context())
    ((status, told, name, reason),) = addresses.answers
    assert (status, reason, name) == ("SUCCESS", None, f"{asked['MemberId']}-addresses")
    network, member = asked["NetworkId"].lower(), asked["MemberId"].lower()
    assert told["OrderingServiceEndpoint"].startswith(f"orderer.{network}.")
    assert told["CaEndpoint"].startswith(f"ca.{member}.{network}.")
    assert [peer.split(".")[0] for peer in told["PeerEndpoints"].split(",")] == [
        node.lower() for node in asked["NodeIds"]
    ]
    assert told["VpcEndpointServiceName"] == "com.amazonaws.vpce.network"
    published = chain.get_member(NetworkId=asked["NetworkId"], MemberId=asked["MemberId"])["Member"]
    assert published["LogPublishingConfiguration"]["Fabric"]["CaLogs"]["Cloudwatch"]["Enabled"] is True
    assert [node["NodeId"] for node in updated] == asked["NodeIds"]
    logs = [node["LogPublishingConfiguration"]["Fabric"] for node in updated]
    on = {"Cloudwatch": {"Enabled": True}}
    assert logs == [{"ChaincodeLogs": on, "PeerLogs": on}] * 2


class SlowChain:
    """A network whose only member and node become available after some readings."""

    def __init__(self, states):
        self.states = list(states)

    def get_network(self, **asked):
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return {
            "Network": {
                "Id": asked["NetworkId"],
                "Status": state,
                "VpcEndpointServiceName": "service",
                "FrameworkAttributes": {"Fabric": {"OrderingServiceEndpoint": "orderer:30001"}},
            }
        }

    def get_member(self, **asked):
        found = {
            "Id": asked["MemberId"],
            "Status": "AVAILABLE",
            "FrameworkAttributes": {"Fabric": {"CaEndpoint": "ca:30002"}},
        }
        return {"Member": found}

    def update_member(self, **_):
        return {}


ASKED = {"NetworkId": "n-1", "MemberId": "m-1", "NodeIds": []}


@pytest.mark.parametrize(
    ("states", "readings", "status", "said"),
    [
        (["CREATING", "UPDATING", "AVAILABLE"], 10, "SUCCESS", None),
        (["CREATING"], 3, "FAILED", "n-1 is still CREATING"),
        (["CREATE_FAILED"], 10, "FAILED", "n-1 is CREATE_FAILED"),
    ],
)
def test_the_stack_waits_for_the_network_but_not_for_ever(addresses, monkeypatch, states, readings, status, said):
    monkeypatch.setattr(addresses.boto3, "client", lambda _: SlowChain(states))
    addresses.handler({"RequestType": "Create", "ResourceProperties": ASKED}, Context(readings))
    ((answered, _, _, reason),) = addresses.answers
    assert answered == status
    assert (reason or "").startswith(said or "")
    assert bool(reason) == bool(said)


def test_deleting_the_stack_asks_nothing_of_the_network(addresses, monkeypatch):
    monkeypatch.setattr(addresses.boto3, "client", lambda _: pytest.fail("the network was asked"))
    addresses.handler({"RequestType": "Delete", "ResourceProperties": ASKED}, Context())
    assert addresses.answers == [("SUCCESS", {}, "m-1-addresses", None)]
