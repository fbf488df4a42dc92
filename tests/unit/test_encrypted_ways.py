"""Personal data leaves, and storage is reached, by encrypted ways alone."""

import pytest
import yaml

from paths import ROOT
from rongtong.adapters.http import HttpClient, UnencryptedUrlError
from rongtong.adapters.iso_bank import MailboxDoor
from template_reading import TEMPLATE, TemplateLoader

IN_THE_OPEN = [
    "http://bank.example/api",
    "http://10.0.0.7",
    "http://localhost.example",
    "HTTP://bank.example",
    "ftp://bank.example",
    "bank.example/api",
    "https://",
    "",
]
ENCRYPTED = ["https://bank.example/api", "HTTPS://bank.example", "https://10.0.0.7:8443"]
ON_THIS_MACHINE = ["http://127.0.0.1:4566/restapis/a/v", "http://localhost:4566", "http://[::1]:4566"]


@pytest.mark.parametrize("url", IN_THE_OPEN)
def test_no_service_outside_is_called_in_the_open(url):
    with pytest.raises(UnencryptedUrlError):
        HttpClient(url, 1.0)
    with pytest.raises(UnencryptedUrlError):
        MailboxDoor(url, "account", 1.0)


@pytest.mark.parametrize("url", ENCRYPTED + ON_THIS_MACHINE)
def test_what_is_encrypted_or_stays_on_this_machine_may_be_called(url):
    assert HttpClient(url, 1.0)
    assert MailboxDoor(url, "account", 1.0)


def _resources():
    """Those of every template of ours, by name."""
    paths = [ROOT / "template.yaml", *sorted((ROOT / "infrastructure").glob("*.yaml"))]
    read = [yaml.load(path.read_text(encoding="utf-8"), TemplateLoader)["Resources"] for path in paths]
    return {name: one for resources in read for name, one in resources.items()}


RESOURCES = _resources()
BUCKETS = [name for name, one in RESOURCES.items() if one["Type"] == "AWS::S3::Bucket"]


def _statements(bucket):
    """What the bucket's policy says."""
    return [
        statement
        for one in RESOURCES.values()
        if one["Type"] == "AWS::S3::BucketPolicy" and one["Properties"]["Bucket"] == {"!Ref": bucket}
        for statement in one["Properties"]["PolicyDocument"]["Statement"]
    ]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_refuses_what_comes_to_it_unencrypted(bucket):
    (refusal,) = [one for one in _statements(bucket) if "aws:SecureTransport" in str(one.get("Condition"))]
    assert (refusal["Effect"], refusal["Principal"], refusal["Action"]) == ("Deny", "*", "s3:*")
    assert refusal["Resource"] == [{"!GetAtt": f"{bucket}.Arn"}, {"!Sub": f"${{{bucket}.Arn}}/*"}]
    assert refusal["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_every_bucket_of_the_platform_whose_access_is_logged_may_deliver_its_logs():
    (delivery,) = [one for one in _statements("AccessLogBucket") if one["Sid"] == "S3Delivers"]
    may = [one["!GetAtt"] for one in delivery["Condition"]["ArnLike"]["aws:SourceArn"]]
    kept = [name for name, one in TEMPLATE.items() if one["Type"] == "AWS::S3::Bucket" and name != "AccessLogBucket"]
    assert sorted(may) == sorted(f"{name}.Arn" for name in kept)
    assert all("LoggingConfiguration" in TEMPLATE[name]["Properties"] for name in kept)
