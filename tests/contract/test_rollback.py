"""The rollback command puts every alias back on what ran before an instant, or moves none of them."""

import io
import json
import zipfile
from datetime import datetime, timedelta

import boto3
import pytest
from moto import mock_aws

from rongtong import operations

STACK = "rongtong"
BEHIND_AN_ALIAS, OTHER = ("PayFunction", "SealFunction"), "AuditFunction"


def template():
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.11",
            "Handler": "app.app",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "release = 0"},
        },
    }
    return json.dumps({"Resources": {"Role": role, **dict.fromkeys((*BEHIND_AN_ALIAS, OTHER), function)}})


def packed(text):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", text)
    return content.getvalue()


class Deployed:
    """A stack whose functions were released; a release changes some functions and moves their aliases."""

    def __init__(self):
        cloudformation = boto3.client("cloudformation")
        cloudformation.create_stack(StackName=STACK, TemplateBody=template())
        listed = cloudformation.list_stack_resources(StackName=STACK)["StackResourceSummaries"]
        self.names = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed}
        self.client = boto3.client("lambda")

    def release(self, number, functions=BEHIND_AN_ALIAS):
        """The instant at which its first version was published."""
        published = []
        for function in functions:
            name = self.names[function]
            self.client.update_function_code(FunctionName=name, ZipFile=packed(f"release = {number}"))
            version = self.client.publish_version(FunctionName=name)
            published.append(version["LastModified"])
            alias = {"FunctionName": name, "Name": "live", "FunctionVersion": version["Version"]}
            known = [one["Name"] for one in self.client.list_aliases(FunctionName=name)["Aliases"]]
            (self.client.update_alias if known else self.client.create_alias)(**alias)
        return min(published)

    def standing(self):
        """On which version each alias stands, and which others are called too."""
        found = {}
        for function in BEHIND_AN_ALIAS:
            alias = self.client.get_alias(FunctionName=self.names[function], Name="live")
            shared = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
            found[function] = (alias["FunctionVersion"], sorted(shared))
        return found


@pytest.fixture
def deployed(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = Deployed()
        made.release(1)
        yield made


def rollback(instant, *more):
    return operations.main(["rollback", "--stack", STACK, "--to-before", instant, *more])


def test_every_alias_is_put_on_what_ran_before_the_instant(deployed):
    began = deployed.release(2)
    deployed.release(3)
    assert rollback(began) == 0
    assert deployed.standing() == {"PayFunction": ("1", []), "SealFunction": ("1", [])}


def test_a_function_that_a_release_left_alone_stays_where_it_is(deployed, capsys):
    began = deployed.release(2, ["PayFunction"])
    assert rollback(began) == 0
    assert deployed.standing() == {"PayFunction": ("1", []), "SealFunction": ("1", [])}
    assert "1 of 2 aliases moved" in capsys.readouterr().out


def test_a_shift_that_is_under_way_ends_on_what_ran_before(deployed):
    name = deployed.names["PayFunction"]
    deployed.client.update_function_code(FunctionName=name, ZipFile=packed("release = 2"))
    second = deployed.client.publish_version(FunctionName=name)
    deployed.client.update_alias(
        FunctionName=name, Name="live", FunctionVersion="1", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}}
    )
    assert deployed.standing()["PayFunction"] == ("1", ["2"])
    assert rollback(second["LastModified"]) == 0
    assert deployed.standing()["PayFunction"] == ("1", [])


def test_a_dry_run_moves_nothing(deployed, capsys):
    began = deployed.release(2)
    before = deployed.standing()
    assert rollback(began, "--dry-run") == 0
    assert deployed.standing() == before
    assert "2 of 2 aliases would be moved" in capsys.readouterr().out


def test_where_one_function_has_no_version_from_before_none_is_moved(deployed, capsys):
    early = (datetime.fromisoformat(deployed.release(2)) - timedelta(days=1)).isoformat()
    before = deployed.standing()
    assert rollback(early) == 1
    assert deployed.standing() == before
    assert "has no version from before" in capsys.readouterr().err


def test_a_stack_without_aliases_is_refused(deployed, capsys):
    for function in BEHIND_AN_ALIAS:
        deployed.client.delete_alias(FunctionName=deployed.names[function], Name="live")
    assert rollback("2026-04-15T02:00:00Z") == 1
    assert "no function behind the alias" in capsys.readouterr().err


@pytest.mark.parametrize("instant", ["yesterday", "2026-04-15T02:00:00"])
def test_an_instant_without_its_offset_is_none(instant, capsys):
    with pytest.raises(SystemExit):
        rollback(instant)
    assert "an instant with its offset" in capsys.readouterr().err
