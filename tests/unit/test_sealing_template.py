"""The keys that operators' pages seal under, as template.yaml deploys them."""

import re

import pytest
from cfnlint.decode import cfn_yaml

from paths import ROOT
from web_acl import Deployed

PLATFORM = cfn_yaml.load(str(ROOT / "template.yaml"))
# Only the sealing keys' conditions and what stands under them; the platform's others are none of them.
RELEVANT = {
    **PLATFORM,
    "Resources": {
        name: one
        for name, one in PLATFORM["Resources"].items()
        if name.startswith("SealingKey") or (one["Type"] == "AWS::Serverless::Function" and "Condition" not in one)
    },
}
EVERY_STEP = [("a", {"A"}, "A"), ("b a", {"A", "B"}, "B"), ("b", {"B"}, "B"), ("a b", {"A", "B"}, "A")]


def _deployed(named):
    parts = {
        "Parameters": PLATFORM["Parameters"],
        "Conditions": PLATFORM["Conditions"],
        "Resources": {
            name: {**one, "Properties": _only(one["Properties"])} if "Policies" in one["Properties"] else one
            for name, one in RELEVANT["Resources"].items()
        },
    }
    return Deployed(parts, {"SealingKeys": named})


def _only(properties):
    """Statements on keys and the environment, without what stands under other conditions."""
    statements = [
        one
        for policy in properties["Policies"]
        for one in policy.get("Statement", ())
        if "Fn::If" not in one and "kms:" in str(one["Action"])
    ]
    ids = properties.get("Environment", {}).get("Variables", {}).get("SEALING_KEY_IDS")
    return {"Statements": statements, "SEALING_KEY_IDS": ids}


@pytest.mark.parametrize(("named", "kept", "published"), EVERY_STEP)
def test_the_parameter_says_which_sealing_keys_there_are_and_which_is_published(named, kept, published):
    deployed = _deployed(named).resources
    assert {name[-1] for name in deployed if name.startswith("SealingKey")} == kept
    ids = str(deployed["ConfirmationFunction"]["SEALING_KEY_IDS"])
    assert re.findall(r"SealingKey(.)", ids) == [published, *sorted(kept - {published})]


def test_every_step_of_a_change_is_a_value_and_each_shares_a_key_with_the_next():
    parameter = PLATFORM["Parameters"]["SealingKeys"]
    assert parameter["AllowedValues"] == [named for named, _, _ in EVERY_STEP]
    assert parameter["Default"] == "a"
    kept = [kept for _, kept, _ in EVERY_STEP]
    published = [one for _, _, one in EVERY_STEP]
    following = zip(kept, published[-1:] + published[:-1], strict=True)
    assert all(before in now for now, before in following), "what was published before still opens"


@pytest.mark.parametrize(("named", "kept"), [(named, kept) for named, kept, _ in EVERY_STEP])
def test_what_pages_sealed_is_opened_by_one_function(named, kept):
    granted = {
        (name, action, key)
        for name, one in _deployed(named).resources.items()
        for statement in one.get("Statements", ())
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
        for key in re.findall(r"SealingKey(.)", str(statement["Resource"]))
    }
    assert granted == {
        ("ConfirmationFunction", action, key) for action in ("kms:Decrypt", "kms:GetPublicKey") for key in kept
    }


@pytest.mark.parametrize("name", ["SealingKeyA", "SealingKeyB"])
def test_a_sealing_key_decrypts_and_is_gone_with_its_resource(name):
    key = PLATFORM["Resources"][name]
    assert (key["DeletionPolicy"], key["Properties"]["PendingWindowInDays"]) == ("Delete", 7)
    assert (key["Properties"]["KeySpec"], key["Properties"]["KeyUsage"]) == ("RSA_3072", "ENCRYPT_DECRYPT")
    assert "MultiRegion" not in key["Properties"]
