"""Alarms, runbooks, metrics, log lines and traces belong together."""

import argparse
import importlib.util
import io
import json
import logging
import re
import shlex
import subprocess
import sys
from dataclasses import replace

import boto3
import pytest
import yaml
from botocore import xform_name

from api_calls import call
from in_memory import Platform, sample_bills
from paths import ROOT
from rongtong import operations
from rongtong.domain import measures as m
from rongtong.domain.jobs import PLANS, Job
from rongtong.entrypoints import bootstrap, tasks
from rongtong.entrypoints.logs import logger
from rongtong.entrypoints.metrics import EmfMeter
from rongtong.entrypoints.outside import watched
from rongtong.services import notify, seal, verify_bill
from rongtong.services.context import NoMeter
from rongtong.services.disburse import disburse
from rongtong.services.ports import BankUnavailableError
from runbooks import PAGE, runbooks

SAMPLES = sample_bills()
GOOD = next(bill for bill in SAMPLES if bill.expected == "disbursed" and bill.bill and not bill.quote)
RUNBOOKS = runbooks()


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as one-entry mappings."""


def _short_form(loader, tag, node):
    if isinstance(node, yaml.ScalarNode):
        return {f"!{tag}": loader.construct_scalar(node)}
    return {f"!{tag}": loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)
NESTED = yaml.load((ROOT / "infrastructure" / "observability.yaml").read_text(encoding="utf-8"), _Loader)["Resources"]
WHOLE = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), _Loader)
TEMPLATE = WHOLE["Resources"]
ALARMS = {
    one["Properties"]["AlarmName"]["!Sub"].removeprefix("${Deployment}-"): one["Properties"]
    for one in NESTED.values()
    if one["Type"] == "AWS::CloudWatch::Alarm"
}
EDGE = yaml.load((ROOT / "infrastructure" / "edge.yaml").read_text(encoding="utf-8"), _Loader)
EDGE_ALARMS = {
    one["Properties"]["AlarmName"]["!Sub"].removeprefix("${AWS::StackName}-"): one["Properties"]
    for one in EDGE["Resources"].values()
    if one["Type"] == "AWS::CloudWatch::Alarm"
}
OWN = {name: alarm for name, alarm in ALARMS.items() if alarm["Namespace"] == m.NAMESPACE}
REFUSED = {m.REQUESTS_REFUSED, m.PAGES_REFUSED, *m.REFUSALS.values()}
BUSINESS = {*m.PAID_WITHIN_MS, m.PAID_AFTER, m.BANK_UNANSWERED, m.REGISTRY_UNANSWERED, *REFUSED}
COMMANDS = sorted({line for one in RUNBOOKS.values() for line in (*one.show, *one.mend)})


def test_every_alarm_has_its_section_and_every_section_its_alarm():
    assert set(RUNBOOKS) == {*ALARMS, *EDGE_ALARMS}
    assert len(ALARMS) > 15


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_what_it_means_and_where_its_runbook_is_and_rings_at_the_topic(name):
    described = ALARMS[name]["AlarmDescription"]["!Sub"]
    assert re.fullmatch(rf"\w.{{30,}}\. Runbook: \$\{{Runbooks\}}#{name}", described) or described.endswith(
        f"(5xx). Runbook: ${{Runbooks}}#{name}"
    )
    assert ALARMS[name]["AlarmActions"] == ALARMS[name]["OKActions"] == [{"!Ref": "Alarms"}]


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_runbook_has_a_command_that_shows_the_state_and_one_that_mends_it(name):
    assert RUNBOOKS[name].show
    assert RUNBOOKS[name].mend


@pytest.mark.parametrize("line", COMMANDS)
def test_a_runbooks_command_is_one_that_exists(line):
    words = shlex.split(line.replace("$OPERATIONS_2", "$OPERATIONS"))
    if words[0] == "aws":
        _require_aws(words)
        return
    assert words[:3] == ["python", "-m", "rongtong.operations"]
    assert words[-1] == "$OPERATIONS"
    options = operations._parser(lambda seconds: None).parse_args(
        [*words[3:-1], "--url", "https://api", "--key-id", "operations#1", "--key", "k.pem"]
    )
    assert isinstance(options, argparse.Namespace)


def _require_aws(words):
    client = boto3.client(words[1], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    operation = {xform_name(one, "-"): one for one in client.meta.service_model.operation_names}[words[2]]
    shape = client.meta.service_model.operation_model(operation).input_shape
    known = {"--" + xform_name(member, "-") for member in shape.members}
    given = set(words[3::2])
    assert given <= known
    assert {"--" + xform_name(member, "-") for member in shape.required_members} <= given


def test_the_resources_that_aws_commands_name_exist():
    group = TEMPLATE["FunctionLogs"]["Properties"]["LogGroupName"]["!Sub"].replace("${AWS::StackName}", "STACK")
    signatures = TEMPLATE["SignatureLogs"]["Properties"]["LogGroupName"]["!Sub"].replace("${AWS::StackName}", "STACK")
    edge = EDGE["Resources"]["WebAclLogs"]["Properties"]["LogGroupName"]["!Sub"].replace("${AWS::StackName}", "EDGE")
    named = {word for line in COMMANDS if line.startswith("aws ") for word in shlex.split(line)[3:]}
    assert {word for word in named if word.startswith(("/", "aws-"))} == {group, signatures, edge}
    assert {word for word in named if word.startswith("file://infra")} == {"file://infrastructure/edge.yaml"}


def test_the_edges_alarm_counts_what_all_rules_of_its_web_acl_block_and_rings_where_the_others_do():
    (alarm,) = EDGE_ALARMS.values()
    acl = EDGE["Resources"]["WebAcl"]["Properties"]["VisibilityConfig"]
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert dimensions == {"WebACL": acl["MetricName"], "Region": {"!Ref": "AWS::Region"}, "Rule": "ALL"}
    assert acl["CloudWatchMetricsEnabled"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/WAFV2", "BlockedRequests", "Sum")
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"!Ref": "AlarmsTopic"}]
    assert alarm["AlarmDescription"]["!Sub"].endswith("${Runbooks}#requests-blocked")
    assert "AlarmsTopic" in WHOLE["Outputs"]


@pytest.mark.parametrize(
    ("name", "parameter", "default"),
    [("reviews-late", "ReviewsLateAfter", 7200), ("requests-refused", "RefusedRequestsFrom", 50)],
)
def test_a_deployment_may_choose_from_when_on_an_alarm_rings(name, parameter, default):
    assert ALARMS[name]["Threshold"] == {"!Ref": parameter}
    assert TEMPLATE["Observability"]["Properties"]["Parameters"][parameter] == {"!Ref": parameter}
    nested = yaml.load((ROOT / "infrastructure" / "observability.yaml").read_text(encoding="utf-8"), _Loader)
    assert [one["Parameters"][parameter]["Default"] for one in (WHOLE, nested)] == [default, default]


def test_one_strange_page_is_enough_to_ring():
    assert (ALARMS["pages-refused"]["MetricName"], ALARMS["pages-refused"]["Threshold"]) == (m.PAGES_REFUSED, 1)


def test_every_placeholder_of_a_command_is_explained():
    used = {
        word
        for line in COMMANDS
        for word in re.findall(r"\b[A-Z][A-Z_]+\b(?:\.json)?", re.sub(r"--(why|note|reason) \w+", "", line))
    }
    explained = set(re.findall(r"`([A-Z][A-Z_]+(?:\.json)?)`", PAGE.read_text(encoding="utf-8")))
    assert used - {"OPERATIONS", "OPERATIONS_2", "ERROR", "BLOCK"} <= explained


@pytest.mark.parametrize("name", OWN)
def test_an_alarm_watches_a_measure_of_this_deployment(name):
    assert OWN[name]["MetricName"] in m.UNITS
    assert OWN[name]["Dimensions"] == [{"Name": "service", "Value": {"!Ref": "Deployment"}}]


@pytest.mark.parametrize("name", ALARMS)
def test_what_missing_data_means_is_decided_for_every_alarm(name):
    wanted = "notBreaching" if name not in OWN or OWN[name]["MetricName"] in BUSINESS else "ignore"
    assert ALARMS[name]["TreatMissingData"] == ("breaching" if name == "watch-silent" else wanted)


@pytest.mark.parametrize("job", Job)
def test_a_job_is_late_when_its_plan_says_so(job):
    alarm = ALARMS[f"{job.value.replace('_', '-')}-late"]
    assert alarm["MetricName"] == m.job_age(job)
    assert alarm["Threshold"] == PLANS[job].overdue_after.total_seconds()


def test_every_measure_is_on_the_dashboard_or_rings():
    body = json.loads(NESTED["Dashboard"]["Properties"]["DashboardBody"]["!Sub"])
    shown = {metric[1] for widget in body["widgets"] for metric in widget["properties"]["metrics"]}
    assert shown | {alarm["MetricName"] for alarm in OWN.values()} == set(m.UNITS)


def test_the_topic_is_encrypted_under_a_key_that_cloudwatch_may_use():
    key = NESTED["Alarms"]["Properties"]["KmsMasterKeyId"]["!Ref"]
    granted = [one["Principal"] for one in NESTED[key]["Properties"]["KeyPolicy"]["Statement"]]
    assert {"Service": "cloudwatch.amazonaws.com"} in granted


def test_the_watch_counts_the_letters_of_every_queue_that_operations_know():
    def paths(function):
        return TEMPLATE[function]["Properties"]["Environment"]["Variables"]["DEAD_LETTERS"]

    assert paths("WatchFunction") == paths("OperationsFunction")
    queues = {name for name, one in TEMPLATE.items() if one["Type"] == "AWS::SQS::Queue"}
    (granted,) = [
        statement["Resource"]
        for statement in TEMPLATE["WatchFunction"]["Properties"]["Policies"][0]["Statement"]
        if statement.get("Action") == "sqs:GetQueueAttributes"
    ]
    assert {one["!GetAtt"].removesuffix(".Arn") for one in granted} == queues


def test_what_an_invocation_notes_is_one_line_that_cloudwatch_reads_and_nothing_where_it_notes_nothing(
    capsys, monkeypatch
):
    monkeypatch.setenv("DEPLOYMENT", "rongtong-1")
    meter = EmfMeter()
    meter.flush()
    meter.note(m.BANK_UNANSWERED, 100)
    meter.note(m.BANK_UNANSWERED, 0)
    meter.flush()
    meter.flush()
    (line,) = capsys.readouterr().out.splitlines()
    document = json.loads(line)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "RongTong",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "BankUnanswered", "Unit": "Percent"}],
    }
    assert (document["service"], document["BankUnanswered"]) == ("rongtong-1", [100.0, 0.0])


def test_a_call_that_is_not_answered_is_counted_and_raises_what_it_raised():
    noted = []

    class Silent:
        def query(self, reference):
            raise BankUnavailableError("The bank did not answer.")

    class Meter:
        def note(self, name, value):
            noted.append((name, value))

    bank = watched(Silent(), "bank", BankUnavailableError, m.BANK_UNANSWERED, Meter())
    with pytest.raises(BankUnavailableError):
        bank.query("RT1")
    assert noted == [(m.BANK_UNANSWERED, 100)]


@pytest.fixture
def lines():
    """What is logged, as it is written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logger.registered_formatter)
    logger.addHandler(handler)
    before = logger.log_level
    logger.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.setLevel(before)
    logger.removeHandler(handler)


def _app(folder):
    spec = importlib.util.spec_from_file_location(f"{folder}_app", ROOT / "functions" / folder / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.app


def _payload(state, execution):
    """The payload of a task, from what the execution was started with; JSONata of these forms only."""
    found = {}
    for name, expression in state["Arguments"]["Payload"].items():
        field = re.findall(r"Execution\.Input\.(\w+)", expression)[-1]
        found[name] = execution.get(field, "")
    return found


def test_one_id_leads_from_the_request_through_every_task_to_the_banks_reference(monkeypatch, lines):
    platform = Platform()
    real = platform.bank
    bank = watched(real, "bank", BankUnavailableError, m.BANK_UNANSWERED, NoMeter())
    platform.context = replace(platform.context, banks=(bank,))
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    monkeypatch.setattr(tasks, "context", lambda: platform.context)
    platform.hold(GOOD)
    body = {**GOOD.request, "enterprise_id": platform.ids["partner-a", GOOD.holder_uscc]}
    answered = call(_app("discount_requests"), "POST", "/v1/discounts", body=body, key="key-1")
    assert answered.status == 202, answered.text
    request_id = answered.headers["X-Request-Id"]
    (name, execution) = platform.context.workflows.discounts[0]
    states = json.loads((ROOT / "statemachines" / "discount.asl.json").read_text(encoding="utf-8"))["States"]
    steps = {
        "Verify": lambda c, e: verify_bill.verify(c, e["discount_id"]),
        "Seal": lambda c, e: seal.seal(c, e["discount_id"]),
        "Disburse": lambda c, e: disburse(c, e["discount_id"]),
        "Notify": lambda c, e: notify.notify(c, e["subject"]),
        "Record": lambda c, e: seal.record(c, e["subject"]),
    }
    for step, use_case in steps.items():
        event = _payload(states[step], execution)
        tasks.run_task(lambda c, event=event, use_case=use_case: use_case(c, event), event)
    assert platform.body(name)["status"] == "DISBURSED"
    logged = lines()
    assert {line["request_id"] for line in logged} == {request_id}
    assert len([line for line in logged if line["message"] == "task done"]) == len(steps)
    assert all(line.get("discount_id") == name or line.get("subject") == f"discount#{name}" for line in logged)
    reference = platform.context.store.get(f"discount#{name}", "payment#1").body["reference"]
    (paid,) = [line for line in logged if line.get("call") == "bank.pay"]
    assert (paid["reference"], paid["discount_id"], paid["payment"]) == (reference, name, "SUCCEEDED")
    assert paid["bank_serial"] == real.paid[reference].bank_serial


def test_the_request_that_began_a_discount_is_not_shown_to_its_partner(monkeypatch):
    platform = Platform()
    platform.context = replace(platform.context, request_id="request-1")
    monkeypatch.setattr(bootstrap, "context", lambda: platform.context)
    discount_id = platform.accept(GOOD)
    assert platform.body(discount_id)["request_id"] == "request-1"
    shown = call(_app("discount_requests"), "GET", "/v1/discounts/{discount_id}", discount_id=discount_id)
    assert shown.status == 200
    assert "request_id" not in shown.body


def test_what_a_task_logged_under_its_ids_the_next_task_does_not(monkeypatch, lines):
    platform = Platform()
    monkeypatch.setattr(tasks, "context", lambda: platform.context)
    tasks.run_task(lambda c: {}, {"discount_id": "dsc_a", "request_id": "r-1"})
    tasks.run_task(lambda c: {}, {"enterprise_id": "ent_a"})
    first, second = lines()
    assert (first["discount_id"], first["request_id"]) == ("dsc_a", "r-1")
    assert "discount_id" not in second
    assert "request_id" not in second


def test_every_task_of_a_discount_is_told_the_request_that_began_it():
    states = json.loads((ROOT / "statemachines" / "discount.asl.json").read_text(encoding="utf-8"))["States"]
    told = {
        name: "request_id" in state["Arguments"]["Payload"] for name, state in states.items() if "Resource" in state
    }
    assert told == dict.fromkeys(told, True)


def test_tracing_is_loaded_only_where_it_is_on():
    code = (
        "import sys; from rongtong.entrypoints import logs\n"
        "with logs.correlated('task', discount_id='dsc_a'): pass\n"
        "print('aws_xray_sdk' in sys.modules)"
    )
    environment = {"PYTHONPATH": str(ROOT / "layers" / "core"), "POWERTOOLS_TRACE_DISABLED": "true"}

    def loaded(tracing):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "TRACING": tracing},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip().splitlines()[-1]

    assert loaded("PassThrough") == "False"
    assert loaded("Active") == "True"


def test_tracing_goes_through_the_api_the_machines_and_the_functions_by_one_parameter():
    assert WHOLE["Globals"]["Function"]["Tracing"] == {"!Ref": "Tracing"}
    assert TEMPLATE["PartnerApi"]["Properties"]["TracingEnabled"]["!If"][0] == "WithTracing"
    for machine in ("DiscountStateMachine", "RegistrationStateMachine"):
        assert TEMPLATE[machine]["Properties"]["Tracing"]["Enabled"]["!If"][0] == "WithTracing"


def test_the_tour_visits_every_alarm(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "ops_tour")
    from failures import failures

    visited = [failure.alarm for failure in failures()]
    assert sorted(visited) == sorted(ALARMS)
