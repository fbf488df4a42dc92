"""What a deployment needs of AWS's quotas for a year's business; scaling_page.py shows it.

Defaults are those of AWS's documentation, in the smaller regions where they differ; what the account really has is told
by `aws service-quotas get-service-quota`. Rates are per second.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

from cfnlint.decode import cfn_yaml

from expected_load import Assumptions, Facts, Load
from paths import ROOT

PARAMETERS = ROOT / "infrastructure" / "parameters"
_UNRESERVED = 100
"""Lambda lets an account reserve all but the last hundred (Lambda developer guide, reserved concurrency)."""
_HOUR_S, _YEAR_H = 3600, 365 * 24


@dataclass(frozen=True)
class Deployment:
    """What a file of parameters and the template make of it."""

    reserved: int
    tasks_at_once: int
    ready: int
    schedules: int

    @classmethod
    def of(cls, parameters: str) -> Deployment:
        """Of infrastructure/parameters/<parameters>.json."""
        chosen = json.loads((PARAMETERS / f"{parameters}.json").read_text(encoding="utf-8"))["parameters"]
        tasks_at_once = int(chosen["TaskConcurrency"])
        template = cfn_yaml.load(str(ROOT / "template.yaml"))["Resources"]
        reserved = schedules = 0
        for resource in template.values():
            properties = resource.get("Properties", {})
            bound = properties.get("ReservedConcurrentExecutions", 0)
            reserved += tasks_at_once if bound == {"Ref": "TaskConcurrency"} else int(bound)
            schedules += resource["Type"] == "AWS::Scheduler::Schedule"
            schedules += sum(event["Type"] == "ScheduleV2" for event in (properties.get("Events") or {}).values())
        return cls(reserved, tasks_at_once, int(chosen["ProvisionedConcurrency"]), schedules)


@dataclass(frozen=True)
class Quota:
    """One of AWS's, by the name that Service Quotas gives it and its code where it has one."""

    service: str
    name: str
    code: str
    default: int
    how: str
    needed: Callable[[Load, Deployment], float]


QUOTAS = (
    Quota(
        "Lambda",
        "Concurrent executions",
        "L-B99A9384",
        1_000,
        "all that is reserved, and beside it the API in the rush, at least the hundred that cannot be reserved",
        lambda load, deployed: deployed.reserved + max(_UNRESERVED, load.handlers + deployed.schedules),
    ),
    Quota(
        "API Gateway",
        "Throttle rate",
        "L-8A5B8E43",
        2_500,
        "the rush, each discount with its reads",
        lambda load, _: load.requests,
    ),
    Quota(
        "Step Functions",
        "StartExecution throttle token refill rate",
        "",
        150,
        "the rush",
        lambda load, _: load.rush,
    ),
    Quota(
        "Step Functions",
        "StateTransition throttle token refill rate",
        "",
        800,
        "transitions of a discount at the rate of the rush",
        lambda load, _: load.rush * load.facts.transitions,
    ),
    Quota(
        "DynamoDB",
        "Table-level write throughput limit",
        "L-AB614373",
        40_000,
        "the business table's write units in the rush",
        lambda load, _: load.rush * load.facts.table_writes,
    ),
    Quota(
        "DynamoDB",
        "Table-level read throughput limit",
        "L-CF0CBE56",
        40_000,
        "its read units in the rush, every read of a status as two",
        lambda load, _: load.rush * (load.facts.table_reads + 2 * load.assumed.reads),
    ),
    Quota(
        "DynamoDB",
        "a new on-demand table: write units",
        "fixed",
        4_000,
        "the same, before AWS has seen more: it doubles what a table has borne within half an hour",
        lambda load, _: load.rush * load.facts.table_writes,
    ),
    Quota(
        "DynamoDB",
        "one partition: write units",
        "fixed",
        1_000,
        "the evidence log's head and what lies beside it, were every discount a batch of its own",
        lambda load, _: load.rush * load.facts.log_writes,
    ),
    Quota(
        "KMS",
        "Cryptographic operations (ECC and SM2) request rate",
        "",
        1_000,
        "signed heads of the log; the notaries' are in their own accounts",
        lambda load, _: load.rush * load.facts.signatures,
    ),
    Quota(
        "KMS",
        "Cryptographic operations (symmetric) request rate",
        "",
        10_000,
        "enterprises' data keys, and one for each object that S3 writes or reads",
        lambda load, _: (
            load.rush * (load.facts.data_keys_opened + load.facts.objects_written + load.facts.objects_read)
        ),
    ),
    Quota(
        "S3",
        "one prefix: PUT, COPY, POST, DELETE",
        "fixed",
        3_500,
        "all objects of a discount, as if under one prefix",
        lambda load, _: load.rush * (load.facts.objects_written + load.facts.objects_deleted),
    ),
    Quota(
        "S3",
        "one prefix: GET, HEAD",
        "fixed",
        5_500,
        "likewise",
        lambda load, _: load.rush * (load.facts.objects_read + load.facts.objects_listed),
    ),
    Quota(
        "Cognito",
        "Rate of UserAuthentication requests",
        "L-026ADBA3",
        120,
        "one login for each discount of the rush",
        lambda load, _: load.rush,
    ),
    Quota(
        "CloudWatch Logs",
        "PutLogEvents throttle limit",
        "L-7E1FAE88",
        5_000,
        "one a second of every process that runs",
        lambda load, _: load.handlers + sum(load.tasks(load.rush).values()),
    ),
    Quota(
        "EventBridge Scheduler",
        "Invocations throttle limit",
        "",
        1_000,
        "all schedules in the same second",
        lambda _, deployed: deployed.schedules,
    ),
)


@dataclass(frozen=True)
class Prices:
    """US dollars in us-east-1 as AWS's price pages had them in 2025; other regions differ by some tenths."""

    ready_gb_s: float = 0.0000041667
    million_writes: float = 0.625
    write_unit_h: float = 0.00065


READY_FUNCTIONS, READY_GB, OPEN_H = 7, 0.5, 9
"""What infrastructure/autoscaling.yaml keeps ready, each function's memory, and from when to when."""


def ready_a_year(ready: int, prices: Prices) -> float:
    """Dollars a year for processes that are kept ready: so many in service hours, one at others."""
    process_h = (ready * OPEN_H + 24 - OPEN_H) * 365 if ready else 0
    return process_h * _HOUR_S * READY_FUNCTIONS * READY_GB * prices.ready_gb_s


def writes_a_year(load: Load, prices: Prices) -> float:
    """Dollars a year for a discount's writes where tables are paid for by the request."""
    units = load.facts.table_writes + load.facts.log_writes + load.facts.index_writes
    return load.discounts * units / 1_000_000 * prices.million_writes


def provisioned_writes_a_year(load: Load, prices: Prices) -> float:
    """Dollars a year for write units that bear the rush at any time, as the minute is over before they are scaled."""
    units = load.facts.table_writes + load.facts.log_writes + load.facts.index_writes
    return math.ceil(load.rush * units / load.assumed.busy_percent * 100) * prices.write_unit_h * _YEAR_H


LOADS = {
    "platform-20000-a-year": Load(20_000, Assumptions(), Facts()),
    "platform-4700000-a-year": Load(4_700_000, Assumptions(), Facts()),
}
"""By the file of parameters that is made for it."""
