"""The checks of the self-check against level 3 of GB/T 22239-2019: each computes what is not as it must be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from protection_template import Made
from rongtong.domain import privacy
from rongtong.entrypoints.routes import ROUTES
from rongtong.services.context import Context

LOG_DAYS_MIN = 180
"""Six months (网络安全法 article 21)."""
_FUNCTION, _EVENT = "AWS::Serverless::Function", "Api"
_FACTORS_MIN = 2
_SYMMETRIC = "SYMMETRIC_DEFAULT"
_TLS = "TLS_1_2"
"""API Gateway's policy of this name takes 1.2 and 1.3."""
_OUTSIDE_OF_OURS = frozenset({"kms:*"})
"""What a key's own policy gives to its account, without which nobody could manage it."""


@dataclass(frozen=True)
class House:
    """What is looked at: the templates, and the running platform's records where it was asked."""

    platform: Made
    edge: Made
    backup: Made
    jobs: list[dict[str, Any]] | None = None
    duties: list[dict[str, Any]] | None = None


@dataclass(frozen=True)
class Check:
    """One thing that must hold. ``run`` answers what does not; None where the platform was not asked."""

    clause: str
    area: str
    must: str
    run: Callable[[House], list[str] | None]


# ---- identification


def _every_route_is_signed(house: House) -> list[str]:
    public = {(route.method.lower(), route.path) for route in ROUTES if route.scope is None}
    (api,) = (one for name, one in house.platform.of_type("AWS::Serverless::Api") if name == "PartnerApi")
    faults = [] if api.get("Auth", {}).get("DefaultAuthorizer") else ["PartnerApi has no DefaultAuthorizer."]
    for name, function in house.platform.of_type(_FUNCTION):
        for event in function.get("Events", {}).values():
            said = event["Properties"]
            if event["Type"] != _EVENT or said.get("RestApiId") != {"Ref": "PartnerApi"}:
                continue
            route = (said["Method"].lower(), said["Path"])
            if said.get("Auth", {}).get("Authorizer") == "NONE" and route not in public:
                faults.append(f"{name}: {route[0].upper()} {route[1]} is asked for without a signature.")
    return faults


def _two_factors(_: House) -> list[str]:
    factors = Context.__dataclass_fields__["confirm_factors"].default
    assert isinstance(factors, tuple)
    return [] if len(set(factors)) >= _FACTORS_MIN else [f"A discount is confirmed with {', '.join(factors)} alone."]


def _log_ins_are_held_up(house: House) -> list[str]:
    chosen = house.platform.parameters["OperatorThreatProtection"]
    return [] if chosen == "ENFORCED" else [f"OperatorThreatProtection is {chosen}; log-ins are not refused."]


# ---- access control


def _statements(house: House) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, function in house.platform.of_type(_FUNCTION):
        for policy in function.get("Policies", []):
            for statement in policy["Statement"]:
                yield name, statement
    for name, role in house.platform.of_type("AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _no_wildcards(house: House) -> list[str]:
    faults = []
    for name, statement in _statements(house):
        faults += [f"{name} may {one}." for one in _as_list(statement["Action"]) if "*" in str(one)]
        if "*" in _as_list(statement["Resource"]):
            faults.append(f"{name} may {', '.join(_as_list(statement['Action']))} on everything.")
    return faults


def _writes_are_bound_to_partitions(house: House) -> list[str]:
    faults = []
    for name, statement in _statements(house):
        writes = [one for one in _as_list(statement["Action"]) if one in ("dynamodb:PutItem", "dynamodb:UpdateItem")]
        tables = [{"Fn::GetAtt": ["BusinessTable", "Arn"]}, {"Fn::GetAtt": ["EvidenceTable", "Arn"]}]
        if writes and any(one in tables for one in _as_list(statement["Resource"])):
            keys = [one for said in statement.get("Condition", {}).values() for one in said]
            faults += [] if "dynamodb:LeadingKeys" in keys else [f"{name} writes any partition of a table."]
    return faults


def _buckets_are_closed(house: House) -> list[str]:
    closed = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
    return [
        f"{name} is not closed to the public."
        for made in (house.platform, house.backup)
        for name, bucket in made.of_type("AWS::S3::Bucket")
        if bucket.get("PublicAccessBlockConfiguration") != closed
    ]


# ---- audit


def _logs_are_kept(house: House) -> list[str]:
    faults = []
    for name, group in house.platform.of_type("AWS::Logs::LogGroup"):
        days = house.platform.value(group.get("RetentionInDays"))
        if days is not None and int(days) < LOG_DAYS_MIN:
            faults.append(f"{name} is kept for {days} days.")
        faults += [] if "KmsKeyId" in group else [f"{name} is not encrypted under a key of ours."]
    return faults


def _requests_and_reads_are_logged(house: House) -> list[str]:
    (api,) = (one for name, one in house.platform.of_type("AWS::Serverless::Api") if name == "PartnerApi")
    faults = [] if api.get("AccessLogSetting", {}).get("DestinationArn") else ["Requests are not logged."]
    logs = {"Ref": "AccessLogBucket"}
    for name, bucket in house.platform.of_type("AWS::S3::Bucket"):
        if name != "AccessLogBucket" and bucket.get("LoggingConfiguration", {}).get("DestinationBucketName") != logs:
            faults.append(f"Reads and writes of {name} are not logged.")
    return faults


def _audits_run(house: House) -> list[str] | None:
    if house.jobs is None:
        return None
    wanted = ("audit", "reconciliation", "backup")
    return [
        f"The job {one['job']} is overdue: it succeeded last {one['last_success_at'] or 'never'}."
        for one in house.jobs
        if one["job"] in wanted and (one["overdue"] or one["last_success_at"] is None)
    ]


# ---- integrity and confidentiality


def _connections_are_encrypted(house: House) -> list[str]:
    faults = [
        f"{name} takes {domain.get('SecurityPolicy', 'any TLS')}."
        for name, domain in house.edge.of_type("AWS::ApiGateway::DomainName")
        if domain.get("SecurityPolicy") != _TLS
    ]
    for made in (house.platform, house.backup):
        refusing = {
            str(policy["Bucket"]["Ref"])
            for _, policy in made.of_type("AWS::S3::BucketPolicy")
            if any(_refuses_plain(one) for one in policy["PolicyDocument"]["Statement"])
        }
        names = [name for name, _ in made.of_type("AWS::S3::Bucket") if name not in refusing]
        faults += [f"{name} takes connections that are not encrypted." for name in names]
    return faults


def _refuses_plain(statement: Mapping[str, Any]) -> bool:
    plain = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return statement["Effect"] == "Deny" and statement["Action"] == "s3:*" and plain in ("false", False)


def _evidence_stays(house: House) -> list[str]:
    """Contracts and the log's tiles: versions are kept, and nobody deletes them."""
    faults = []
    policies = {str(one["Bucket"]["Ref"]): one for _, one in house.platform.of_type("AWS::S3::BucketPolicy")}
    buckets = dict(house.platform.of_type("AWS::S3::Bucket"))
    for name in ("ArchiveBucket", "LogBucket"):
        if buckets[name].get("VersioningConfiguration") != {"Status": "Enabled"}:
            faults.append(f"{name} keeps no versions.")
        denied = [
            action
            for one in policies.get(name, {}).get("PolicyDocument", {}).get("Statement", [])
            if one["Effect"] == "Deny"
            for action in _as_list(one["Action"])
        ]
        faults += [] if "s3:DeleteObject" in denied else [f"Objects of {name} can be deleted."]
    return faults


def _stored_data_is_encrypted(house: House) -> list[str]:
    faults = [
        f"{name} is not encrypted under KMS."
        for name, table in house.platform.of_type("AWS::DynamoDB::Table")
        if table.get("SSESpecification") != {"SSEEnabled": True, "SSEType": "KMS"}
    ]
    for made in (house.platform, house.backup):
        for name, bucket in made.of_type("AWS::S3::Bucket"):
            if not bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration"):
                faults.append(f"{name} is not encrypted.")
    queues = house.platform.of_type("AWS::SQS::Queue")
    return faults + [
        f"{name} is not encrypted."
        for name, queue in queues
        if not (queue.get("SqsManagedSseEnabled") or queue.get("KmsMasterKeyId"))
    ]


def _keys_rotate(house: House) -> list[str]:
    """KMS rotates symmetric keys alone: another key that signs is a change of the trust policy, another one that pages
    seal under a change of the parameters."""
    return [
        f"{name} is not rotated."
        for made in (house.platform, house.backup)
        for name, key in made.of_type("AWS::KMS::Key")
        if key.get("KeySpec", _SYMMETRIC) == _SYMMETRIC and key.get("EnableKeyRotation") is not True
    ]


# ---- backup, residual information, personal data


def _tables_recover(house: House) -> list[str]:
    faults = []
    for name, table in house.platform.of_type("AWS::DynamoDB::Table"):
        if "TimeToLiveSpecification" in table:
            continue  # nonces: worth nothing some minutes later
        recovers = table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")
        faults += [] if recovers is True else [f"{name} has no point-in-time recovery."]
        faults += [] if table.get("DeletionProtectionEnabled") is True else [f"{name} can be deleted."]
    return faults


def _backups_lie_elsewhere(house: House) -> list[str]:
    chosen = house.platform.parameters
    if not chosen["BackupBucket"]:
        return ["There is no bucket for backups (BackupBucket)."]
    locked = dict(house.backup.of_type("AWS::S3::Bucket"))["BackupBucket"].get("ObjectLockConfiguration", {})
    mode = locked.get("Rule", {}).get("DefaultRetention", {}).get("Mode")
    faults = [] if mode == "COMPLIANCE" else ["Backups can be deleted before their time."]
    return faults if chosen["BackupRegion"] else [*faults, "The region of the backups is not named (BackupRegion)."]


def _restore_was_tested(house: House) -> list[str] | None:
    return _done(house, "restore_test")


def _level_was_assessed(house: House) -> list[str] | None:
    return _done(house, "protection_level_assessment")


def _done(house: House, duty: str) -> list[str] | None:
    if house.duties is None:
        return None
    (one,) = (one for one in house.duties if one["duty"] == duty)
    if one["last_held_on"] is None or one["overdue"]:
        return [f"{duty} was held last {one['last_held_on'] or 'never'}; due {one['next_due_on'] or 'at once'}."]
    return []


def _what_is_used_up_goes(house: House) -> list[str]:
    tables, buckets = (
        dict(house.platform.of_type("AWS::DynamoDB::Table")),
        dict(house.platform.of_type("AWS::S3::Bucket")),
    )
    lives = tables["NonceTable"].get("TimeToLiveSpecification", {}).get("Enabled")
    rules = buckets["ImportBucket"].get("LifecycleConfiguration", {}).get("Rules", [])
    faults = [] if lives is True else ["NonceTable keeps what is used up."]
    expires = any("ExpirationInDays" in one and "Prefix" not in one for one in rules)
    return faults if expires else [*faults, "ImportBucket keeps partners' files for good."]


def _personal_data_is_masked(_: House) -> list[str]:
    """Samples through every mask: what must be hidden is, and lengths do not tell on short ones."""
    samples = {
        "mobile": (privacy.mask_mobile, "13800138000", "0013"),
        "card": (privacy.mask_card, "6222020200112233445", "020011223"),
        "resident ID": (privacy.mask_resident_id, "110105199003072316", "10519900307"),
        "account": (privacy.mask_account, "1100100010", "110010"),
        "name": (privacy.mask_name, "张三丰", "三丰"),
    }
    return [
        f"A {what} is shown: {mask(text)}." for what, (mask, text, hidden) in samples.items() if hidden in mask(text)
    ]


CHECKS: tuple[Check, ...] = (
    Check(
        "8.1.4.1 a", "identification", "Every route but the public ones needs a signed request.", _every_route_is_signed
    ),
    Check("8.1.4.1 b", "identification", "Suspicious log-ins of operators are refused.", _log_ins_are_held_up),
    Check("8.1.4.1 d", "identification", "A discount is confirmed with two factors.", _two_factors),
    Check("8.1.4.2 d", "access control", "No role has a wildcard as action or resource.", _no_wildcards),
    Check("8.1.4.2 f", "access control", "Roles write just their own partitions.", _writes_are_bound_to_partitions),
    Check("8.1.4.2 f", "access control", "No bucket is open to the public.", _buckets_are_closed),
    Check(
        "8.1.4.3 a",
        "audit",
        "Requests, and reads and writes of stored objects, are logged.",
        _requests_and_reads_are_logged,
    ),
    Check("8.1.4.3 c", "audit", f"Logs are encrypted and kept for {LOG_DAYS_MIN} days at least.", _logs_are_kept),
    Check("8.1.4.3 d", "audit", "Audit, reconciliation and backup ran in time.", _audits_run),
    Check(
        "8.1.4.7 a",
        "integrity",
        "Connections are TLS 1.2 or newer, and no plain ones are taken.",
        _connections_are_encrypted,
    ),
    Check(
        "8.1.4.7 b",
        "integrity",
        "Contracts and the log's files are kept in all versions, undeletable.",
        _evidence_stays,
    ),
    Check("8.1.4.8 b", "confidentiality", "Tables, buckets and queues are encrypted.", _stored_data_is_encrypted),
    Check("8.1.4.8 b", "confidentiality", "Keys that encrypt are rotated.", _keys_rotate),
    Check(
        "8.1.4.9 a", "backup", "Tables recover to a point in time and cannot be deleted by mistake.", _tables_recover
    ),
    Check(
        "8.1.4.9 b", "backup", "Backups lie in a region of their own, undeletable for a time.", _backups_lie_elsewhere
    ),
    Check("8.1.4.9 a", "backup", "A restore was tested within its year.", _restore_was_tested),
    Check(
        "8.1.4.10 b",
        "residual information",
        "What is used up, and partners' files, are deleted.",
        _what_is_used_up_goes,
    ),
    Check("8.1.4.11 b", "personal data", "Personal numbers and names are masked.", _personal_data_is_masked),
    Check("8.1.9.9", "assessment", "An assessor has assessed the level within its year.", _level_was_assessed),
)
