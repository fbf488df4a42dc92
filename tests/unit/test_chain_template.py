"""The template of the chain's function: clean, fed by blockchain.yaml's outputs, and read by the function."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.decode import cfn_yaml

from paths import ROOT
from rongtong.adapters import chain_function, witness_door
from rongtong.adapters.fabric.profile import Timeouts
from template_rules import refused as refused_by

TEMPLATE = ROOT / "infrastructure" / "chain.yaml"
FOLDER = ROOT / "functions" / "chain"
CHOSEN = {
    "SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "SecurityGroupId": "sg-0123456789abcdef0",
    "ClientPolicyArn": "arn:aws:iam::123456789012:policy/blockchain-ClientPolicy-1ABC",
    "ConnectionProfileSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ConnectionProfile-abcdef",
}


def _read(name):
    return cfn_yaml.load(str(ROOT / name))


@pytest.mark.parametrize("more", [{}, {"Flow": "gateway", "Endorsements": "2", "Concurrency": "1"}], ids=str)
def test_the_template_is_clean_with_production_like_parameters(more, tmp_path):
    deployment = tmp_path / "deployment.yaml"
    deployment.write_text(json.dumps({"template-file-path": str(TEMPLATE), "parameters": {**CHOSEN, **more}}))
    command = [Path(sys.executable).parent / "cfn-lint", "--regions", "eu-west-1", "--deployment-files", deployment]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_what_must_be_given_is_named_after_an_output_of_the_blockchain_s_template():
    outputs = set(_read("infrastructure/blockchain.yaml")["Outputs"])
    needed = [(name, said) for name, said in _read(TEMPLATE)["Parameters"].items() if "Default" not in said]
    assert {name for name, _ in needed} == set(CHOSEN)
    assert {str(said["Description"]).split()[0] for _, said in needed} <= outputs


def test_the_output_is_the_parameter_of_the_root_template():
    assert set(_read(TEMPLATE)["Outputs"]) <= set(_read("template.yaml")["Parameters"])


def test_the_function_reads_what_the_template_gives_it():
    given = set(_read(TEMPLATE)["Resources"]["ChainFunction"]["Properties"]["Environment"]["Variables"])
    read = set(re.findall(r'env(?:\.get\(|\[)"(\w+)"', (FOLDER / "app.py").read_text(encoding="utf-8")))
    assert read == {name for name in given if name.startswith("CHAIN_")}


def test_the_function_has_time_for_all_that_an_entry_may_take():
    usual = Timeouts()
    seconds = _read(TEMPLATE)["Resources"]["ChainFunction"]["Properties"]["Timeout"]
    assert usual.endorse_s + usual.order_s + usual.commit_s < seconds


def test_who_seals_gives_the_witnesses_and_the_chain_up_inside_its_function():
    seal_s = _read("template.yaml")["Globals"]["Function"]["Timeout"]
    witnesses_s = witness_door.CONNECT_S + witness_door.READ_S
    assert witnesses_s + chain_function.CONNECT_S + chain_function.READ_S < seal_s


def test_the_function_is_built_with_the_versions_that_are_tested():
    def pins(path):
        lines = path.read_text(encoding="utf-8").lower().splitlines()
        return {line for line in lines if "==" in line and not line.startswith("#")}

    assert pins(FOLDER / "requirements.txt") <= pins(ROOT / "requirements" / "dev.txt")


def test_grpc_is_in_no_shared_layer():
    shared = (ROOT / "layers" / "dependencies" / "requirements.txt").read_text(encoding="utf-8")
    assert re.findall(r"(?i)^(grpcio|protobuf|hyperledger)", shared, flags=re.MULTILINE) == []


def test_the_platform_s_functions_load_no_grpc_to_reach_the_chain():
    loads = "import sys, rongtong.adapters.chain_function; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", loads], capture_output=True, text=True, check=True, cwd=ROOT / "layers" / "core"
    )
    assert {"grpc", "google.protobuf", "fabric_protos"} & set(done.stdout.split()) == set()


@pytest.mark.parametrize(
    ("chosen", "refused"),
    [
        ({}, set()),
        ({"Chain": "fabric", "ChainFunctionArn": "arn"}, set()),
        ({"Chain": "fabric", "ChainFunctionArn": "arn", "PaymentWaitsFor": "chain"}, set()),
        ({"Chain": "fabric"}, {"ChainIsNamed"}),
        ({"PaymentWaitsFor": "chain"}, {"ThereIsAChainToWaitFor"}),
    ],
    ids=str,
)
def test_a_chain_is_chosen_wholly_or_not_at_all(chosen, refused):
    assert refused_by(_read("template.yaml"), {"EnableSandbox": "true", **chosen}) == refused
