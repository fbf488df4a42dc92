"""What backups rest on in the templates: tables that can be set back, keys for elsewhere, a vault nobody empties."""

import pytest
import yaml
from cfnlint.decode import cfn_yaml

from paths import ROOT
from template_reading import TEMPLATE, TemplateLoader
from template_rules import refused

VAULT = yaml.load((ROOT / "infrastructure" / "backup.yaml").read_text(encoding="utf-8"), TemplateLoader)["Resources"]
COPIED = ("BusinessTable", "EvidenceTable")
PASSING = {"NonceTable", "SandboxTable"}
"""Nothing in them outlives an hour, or a test."""


def _statements(function):
    return [one for policy in TEMPLATE[function]["Properties"]["Policies"] for one in policy["Statement"]]


def _actions(function):
    found = set()
    for statement in _statements(function):
        actions = statement.get("Action", [])
        found |= set(actions if isinstance(actions, list) else [actions])
    return found


def test_every_table_that_holds_what_must_last_is_copied():
    tables = {name for name, one in TEMPLATE.items() if one["Type"] == "AWS::DynamoDB::Table"}
    assert tables == {*COPIED, *PASSING}


@pytest.mark.parametrize("name", COPIED)
def test_a_table_can_be_set_back_to_any_moment_and_is_deleted_by_nobody_in_passing(name):
    properties = TEMPLATE[name]["Properties"]
    assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert properties["DeletionProtectionEnabled"] is not False
    assert TEMPLATE[name]["DeletionPolicy"] == TEMPLATE[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("key", ["DataKey", "LogKey"])
def test_the_keys_that_a_restored_platform_needs_can_be_had_in_another_region(key):
    assert TEMPLATE[key]["Properties"]["MultiRegion"] is True


def test_nobody_replaces_or_deletes_what_is_in_the_vault_before_its_time():
    bucket = VAULT["BackupBucket"]["Properties"]
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"] == "COMPLIANCE"
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    statements = VAULT["BackupBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    denied = {one["Sid"]: one for one in statements if one["Effect"] == "Deny"}
    assert denied["DeletedByItsRulesAlone"]["Principal"] == "*"
    assert {"s3:DeleteObject", "s3:DeleteObjectVersion"} <= set(denied["DeletedByItsRulesAlone"]["Action"])
    allowed = [one["Action"] for one in statements if one["Effect"] == "Allow"]
    assert allowed == [
        ["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"],
        ["s3:GetObjectRetention", "s3:PutObjectRetention"],
        ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketObjectLockConfiguration"],
    ]
    assert "s3:BypassGovernanceRetention" in denied["DeletedByItsRulesAlone"]["Action"]


def test_what_all_backups_share_can_be_locked_for_longer_and_for_no_longer_than_what_is_new():
    statements = VAULT["BackupBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (allowed,) = [one for one in statements if one["Sid"] == "ThePlatformKeepsForLonger"]
    assert allowed["Resource"] == {"!Sub": "${BackupBucket.Arn}/buckets/*"}
    (denied,) = [one for one in statements if one["Sid"] == "NothingIsKeptForEver"]
    assert (denied["Effect"], denied["Action"]) == ("Deny", "s3:PutObjectRetention")
    (bound,) = denied["Condition"]["NumericGreaterThan"].values()
    rule = VAULT["BackupBucket"]["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert bound == rule["Days"]


def test_what_all_backups_share_never_expires():
    rules = VAULT["BackupBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule.get("Prefix") for rule in rules if "ExpirationInDays" in rule}
    assert expiring == {"tables/", "lists/", "manifests/"}


def test_the_vault_is_encrypted_under_a_key_of_its_own():
    (rule,) = VAULT["BackupBucket"]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert "BackupKey" in str(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"])


def test_the_backup_changes_no_record_of_the_platform_and_the_drill_signs_nothing():
    assert not {"s3:DeleteObject", "dynamodb:CreateTable", "dynamodb:UpdateTable"} & _actions("BackupJobFunction")
    assert not {"kms:Sign", "dynamodb:RestoreTableToPointInTime"} & _actions("RestoreDrillJobFunction")
    for function in ("BackupJobFunction", "RestoreDrillJobFunction"):
        for statement in _statements(function):
            if "dynamodb:DeleteTable" in statement.get("Action", ()):
                assert all("-scratch-*" in one["!Sub"] for one in statement["Resource"])


@pytest.mark.parametrize("missing", ["BackupBucket", "BackupRegion", "BackupKeyArn"])
def test_production_is_not_deployed_without_a_place_for_its_backups(missing):
    template = cfn_yaml.load(str(ROOT / "template.yaml"))
    outside = {name: f"https://{name.lower()}.example" for name in template["Parameters"] if name.endswith("Url")}
    place = dict.fromkeys(("BackupBucket", "BackupRegion", "BackupKeyArn"), "given")
    assert refused(template, {**outside, **place}) == set()
    assert refused(template, {**outside, **place, missing: ""}) == {"BackupsAreNamed"}
    assert refused(template, {"EnableSandbox": "true"}) == set()
