"""What a release is held to where a deployment asks for it: signed code, a tenth of the calls before all of them."""

from cfnlint.decode import cfn_yaml

from paths import ROOT

PLATFORM = cfn_yaml.load(str(ROOT / "template.yaml"))
OBSERVABILITY = cfn_yaml.load(str(ROOT / "infrastructure" / "observability.yaml"))["Resources"]
FUNCTIONS = {
    name: one["Properties"] for name, one in PLATFORM["Resources"].items() if one["Type"] == "AWS::Serverless::Function"
}


def test_every_function_behind_an_alias_is_shifted_gradually_where_that_is_asked_for():
    chosen = {name: one.get("DeploymentPreference") for name, one in FUNCTIONS.items() if "AutoPublishAlias" in one}
    assert len(chosen) == 7
    for preference in chosen.values():
        assert preference["Enabled"] == {"Ref": "GradualRelease"}
        assert preference["Type"] == "Canary10Percent5Minutes"
    assert PLATFORM["Parameters"]["GradualRelease"]["Default"] == "false"


def test_what_sends_a_release_back_are_alarms_that_there_are():
    known = {
        one["Properties"]["AlarmName"]["Fn::Sub"].partition("}")[2]
        for one in OBSERVABILITY.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
    }
    told = [one["Fn::Sub"] for one in FUNCTIONS["PayFunction"]["DeploymentPreference"]["Alarms"]]
    assert told == ["${AWS::StackName}-api-faults", "${AWS::StackName}-discounts-slow"]
    assert {one.partition("}")[2] for one in told} <= known
    assert PLATFORM["Resources"]["Observability"]["Properties"]["Parameters"]["Deployment"] == {"Ref": "AWS::StackName"}


def test_where_a_profile_is_named_every_function_takes_nothing_that_it_did_not_sign():
    signed = {"Fn::If": ["WithSignedCode", {"Ref": "SignedCode"}, {"Ref": "AWS::NoValue"}]}
    assert PLATFORM["Globals"]["Function"]["CodeSigningConfigArn"] == signed
    assert [name for name, one in FUNCTIONS.items() if "CodeSigningConfigArn" in one] == []
    config = PLATFORM["Resources"]["SignedCode"]
    assert config["Condition"] == "WithSignedCode"
    assert config["Properties"]["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}
    assert PLATFORM["Conditions"]["WithSignedCode"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "SigningProfileVersionArn"}, ""]}]
    }
