"""The self-check passes on the platform as it is, and each check sees the fault that it is for."""

import copy
import json

import pytest
from cfnlint.decode import cfn_yaml

import protection
from paths import ROOT
from protection import checked, main
from protection_checks import CHECKS, House
from protection_template import Made, made, parameters_in

PARAMETERS = ROOT / "infrastructure" / "parameters" / "platform-20000-a-year.json"
PLATFORM = cfn_yaml.load(str(ROOT / "template.yaml"))
OTHERS = {
    name: made(f"infrastructure/{name}.yaml", parameters_in(ROOT / "infrastructure" / "parameters" / f"{name}.json"))
    for name in ("edge", "backup")
}
JOBS = [
    {"job": name, "overdue": False, "last_success_at": "2026-04-15T02:00:00.000Z"}
    for name in ("audit", "reconciliation", "backup", "restore_drill")
]
DUTIES = [
    {"duty": name, "last_held_on": "2026-04-01", "next_due_on": "2027-04-01", "overdue": False}
    for name in ("restore_test", "protection_level_assessment", "ddos_drill")
]


def house(break_it=lambda template: None, parameters=None, **records):
    template = copy.deepcopy(PLATFORM)
    break_it(template["Resources"])
    platform = Made(template, {**parameters_in(PARAMETERS), **(parameters or {})})
    return House(platform, OTHERS["edge"], OTHERS["backup"], **{"jobs": JOBS, "duties": DUTIES, **records})


def failed(*arguments, **named):
    return {one["must"] for one in checked(house(*arguments, **named)) if one["result"] == "fail"}


def test_the_platform_as_it_is_passes_with_the_parameters_of_production():
    assert [(one["must"], one.get("faults")) for one in checked(house()) if one["result"] != "pass"] == []


def test_without_the_running_platform_what_only_it_knows_is_not_checked():
    results = [one["result"] for one in checked(house(jobs=None, duties=None))]
    assert (results.count("not_checked"), results.count("fail")) == (3, 0)


def _of(name, *path, value=None, drop=None):
    """Change, or drop, a part of a resource's properties."""

    def break_it(resources):
        part = resources[name]["Properties"]
        for one in path:
            part = part[one]
        if drop is not None:
            del part[drop]
        else:
            part.update(value)

    return break_it


def _statement(**said):
    def break_it(resources):
        resources["PayFunction"]["Properties"]["Policies"][0]["Statement"].append({"Effect": "Allow", **said})

    return break_it


TABLE = {"Fn::GetAtt": ["BusinessTable", "Arn"]}
BREAKS = [
    (
        "Every route but",
        _of("AuditFunction", "Events", "ListDuties", "Properties", value={"Auth": {"Authorizer": "NONE"}}),
    ),
    ("Every route but", _of("PartnerApi", "Auth", drop="DefaultAuthorizer")),
    ("No role has a wildcard", _statement(Action="dynamodb:*", Resource=TABLE)),
    ("No role has a wildcard", _statement(Action=["s3:GetObject"], Resource="*")),
    ("Roles write just", _statement(Action=["dynamodb:PutItem"], Resource=TABLE)),
    ("No bucket is open", _of("LogBucket", "PublicAccessBlockConfiguration", value={"BlockPublicAcls": False})),
    ("Requests, and reads", _of("ArchiveBucket", drop="LoggingConfiguration")),
    ("Requests, and reads", _of("PartnerApi", drop="AccessLogSetting")),
    ("Logs are encrypted", _of("FunctionLogs", drop="KmsKeyId")),
    ("Logs are encrypted", _of("RequestLogs", value={"RetentionInDays": 30})),
    ("Connections are TLS", lambda resources: resources.pop("ImportBucketPolicy")),
    ("Contracts and the log", _of("ArchiveBucket", drop="VersioningConfiguration")),
    ("Contracts and the log", lambda resources: resources.pop("LogBucketPolicy")),
    ("Tables, buckets", _of("BusinessTable", drop="SSESpecification")),
    ("Tables, buckets", _of("ImportBucket", drop="BucketEncryption")),
    ("Keys that encrypt", _of("DataKey", value={"EnableKeyRotation": False})),
    ("Tables recover", _of("EvidenceTable", drop="PointInTimeRecoverySpecification")),
    ("Tables recover", _of("BusinessTable", value={"DeletionProtectionEnabled": False})),
    ("What is used up", _of("ImportBucket", drop="LifecycleConfiguration")),
    ("What is used up", _of("NonceTable", drop="TimeToLiveSpecification")),
]


@pytest.mark.parametrize(
    ("must", "break_it"), BREAKS, ids=[f"{number}-{must}" for number, (must, _) in enumerate(BREAKS)]
)
def test_what_is_broken_in_the_template_is_seen(must, break_it):
    found = failed(break_it)
    assert [one for one in found if one.startswith(must)], found


@pytest.mark.parametrize(
    ("must", "parameters"),
    [
        ("Suspicious log-ins", {"OperatorThreatProtection": "AUDIT"}),
        ("Logs are encrypted", {"LogRetentionDays": "90"}),
        ("Backups lie", {"BackupBucket": ""}),
    ],
)
def test_what_the_parameters_leave_out_is_seen(must, parameters):
    assert [one for one in failed(parameters=parameters) if one.startswith(must)]


def test_what_the_running_platform_did_not_do_in_time_is_seen():
    late = [{**one, "overdue": one["job"] == "audit"} for one in JOBS]
    never = [{**one, "last_held_on": None, "overdue": False} for one in DUTIES]
    assert failed(jobs=late) == {"Audit, reconciliation and backup ran in time."}
    assert failed(duties=never) == {
        "A restore was tested within its year.",
        "An assessor has assessed the level within its year.",
    }


def test_a_mask_that_shows_too_much_is_seen(monkeypatch):
    monkeypatch.setattr("rongtong.domain.privacy.mask_mobile", lambda text: text)
    assert failed() == {"Personal numbers and names are masked."}


def test_every_check_is_broken_by_some_test():
    """The others are broken by parameters, records or the code above; TLS at the edge and two factors by their own."""
    named = [must for must, _ in BREAKS]
    unbroken = [one.must for one in CHECKS if not any(one.must.startswith(must) for must in named)]
    assert unbroken == [
        "Suspicious log-ins of operators are refused.",
        "A discount is confirmed with two factors.",
        "Audit, reconciliation and backup ran in time.",
        "Backups lie in a region of their own, undeletable for a time.",
        "A restore was tested within its year.",
        "Personal numbers and names are masked.",
        "An assessor has assessed the level within its year.",
    ]


def test_the_report_is_written_with_every_check(tmp_path, capsys):
    out = tmp_path / "protection.json"
    assert main(["--parameters", str(PARAMETERS), "--out", str(out)]) == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert [one["must"] for one in report["checks"]] == [one.must for one in CHECKS]
    assert "SHA-256" in capsys.readouterr().out


def test_one_failure_is_told_and_answers_1(tmp_path, capsys):
    told = json.loads(PARAMETERS.read_text(encoding="utf-8"))
    told["parameters"]["BackupBucket"] = ""
    (tmp_path / "mine.json").write_text(json.dumps(told))
    assert main(["--parameters", str(tmp_path / "mine.json"), "--out", str(tmp_path / "out.json")]) == 1
    assert "There is no bucket for backups (BackupBucket)." in capsys.readouterr().out


def test_a_platform_that_does_not_answer_is_told(tmp_path, capsys):
    words = ["--url", "http://127.0.0.1:9", "--key-id", "operations#1", "--key", str(tmp_path / "none.pem")]
    assert protection.main(["--parameters", str(PARAMETERS), "--out", str(tmp_path / "out.json"), *words]) == 2
    assert not (tmp_path / "out.json").exists()
