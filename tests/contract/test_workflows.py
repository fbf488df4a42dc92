"""The state machines' adapter against Step Functions in process, and against what moto does not know by its answers."""

import os
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from rongtong.adapters.workflows import StepFunctionsWorkflows
from rongtong.domain.jobs import Job
from rongtong.services.context import Execution, Running

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/machine"
PAYLOAD = {"discount_id": "dsc_a", "subject": "discount#dsc_a", "write_units": 0}
NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def _credentials():
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION=REGION)


@pytest.fixture
def states():
    with mock_aws():
        yield boto3.client("stepfunctions", region_name=REGION)


def _machine(states, name="discount"):
    return states.create_state_machine(name=name, definition="{}", roleArn=ROLE)["stateMachineArn"]


@pytest.fixture
def machine(states):
    return _machine(states)


@pytest.fixture
def workflows(states, machine):
    return StepFunctionsWorkflows(machine, _machine(states, "registration"))


@pytest.fixture
def audits(states):
    return _machine(states, "audit")


@pytest.fixture
def jobs(audits, machine):
    return StepFunctionsWorkflows(machine, machine, audits.removesuffix("audit") + "{job}")


def _abort(states, machine, name):
    states.stop_execution(executionArn=f"{machine.replace(':stateMachine:', ':execution:')}:{name}")


def test_an_execution_that_was_started_runs_with_what_it_was_given(states, machine, workflows):
    workflows.start_discount("dsc_a", PAYLOAD)
    assert workflows.execution("dsc_a") == Execution("dsc_a", Running.RUNNING)
    (listed,) = states.list_executions(stateMachineArn=machine)["executions"]
    assert states.describe_execution(executionArn=listed["executionArn"])["input"] == (
        '{"discount_id": "dsc_a", "subject": "discount#dsc_a", "write_units": 0}'
    )


def test_a_second_start_is_the_same_start_whatever_it_is_given(states, machine, workflows):
    workflows.start_discount("dsc_a", PAYLOAD)
    workflows.start_discount("dsc_a", {**PAYLOAD, "write_units": 9})
    assert len(states.list_executions(stateMachineArn=machine)["executions"]) == 1


def test_an_execution_that_never_was_is_none(workflows):
    assert workflows.execution("dsc_unknown") is None


def test_an_execution_that_was_aborted_has_failed_and_says_when(states, machine, workflows):
    workflows.start_discount("dsc_a", PAYLOAD)
    _abort(states, machine, "dsc_a")
    found = workflows.execution("dsc_a")
    assert (found.running, found.error) == (Running.FAILED, "ABORTED")
    assert abs(datetime.now(UTC) - found.ended_at) < timedelta(minutes=1)


def test_failed_executions_are_listed_newest_first_and_running_ones_are_not(states, machine, workflows):
    for name in ("dsc_a", "dsc_b", "dsc_c"):
        workflows.start_discount(name, PAYLOAD)
    for name in ("dsc_b", "dsc_a"):
        _abort(states, machine, name)
    found = list(workflows.failed_since(datetime.now(UTC) - timedelta(hours=1)))
    assert [run.name for run in found] == ["dsc_a", "dsc_b"]
    assert list(workflows.failed_since(datetime.now(UTC) + timedelta(hours=1))) == []


def test_a_job_is_started_once_under_its_name_with_what_it_is_given(states, audits, jobs):
    for again in (False, True):
        jobs.start_job(Job.AUDIT, "audit-2026-04-14-1", {"period": "2026-04-14", "again": again})
    assert jobs.job_execution(Job.AUDIT, "audit-2026-04-14-1").running is Running.RUNNING
    given = {"period": "2026-04-14", "again": False}
    assert list(jobs.running_jobs(Job.AUDIT)) == [("audit-2026-04-14-1", given)]


def test_a_job_s_execution_that_ended_does_not_run_and_says_how_it_ended(states, audits, jobs):
    jobs.start_job(Job.AUDIT, "audit-2026-04-14-1", {})
    _abort(states, audits, "audit-2026-04-14-1")
    assert jobs.job_execution(Job.AUDIT, "audit-2026-04-14-1").error == "ABORTED"
    assert list(jobs.running_jobs(Job.AUDIT)) == []


def test_a_job_s_execution_that_never_was_is_none(jobs):
    assert jobs.job_execution(Job.AUDIT, "audit-2026-04-14-1") is None


def _listed(name, stopped, status="FAILED", started=None):
    arn = f"arn:aws:states:{REGION}:123456789012:execution:discount:{name}"
    machine = f"arn:aws:states:{REGION}:123456789012:stateMachine:discount"
    times = {"startDate": started or stopped - timedelta(seconds=5), "stopDate": stopped}
    return {"executionArn": arn, "stateMachineArn": machine, "name": name, "status": status, **times}


@pytest.fixture
def answers(workflows):
    """What Step Functions answers, call by call."""
    with Stubber(workflows._states) as stubber:
        yield stubber


def _list_answer(answers, status, executions, *, token=None, after=None):
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:discount"
    asked = {"stateMachineArn": machine, "statusFilter": status, "maxResults": 1000}
    answers.add_response(
        "list_executions",
        {"executions": executions, **({"nextToken": token} if token else {})},
        {**asked, **({"nextToken": after} if after else {})},
    )


def test_every_page_of_every_kind_of_failure_is_read(workflows, answers):
    minutes = [NOW - timedelta(minutes=ago) for ago in range(4)]
    _list_answer(answers, "FAILED", [_listed("a", minutes[1])], token="more")
    _list_answer(answers, "FAILED", [_listed("b", minutes[3])], after="more")
    _list_answer(answers, "TIMED_OUT", [_listed("c", minutes[2], "TIMED_OUT")])
    _list_answer(answers, "ABORTED", [_listed("d", minutes[0], "ABORTED")])
    assert [run.name for run in workflows.failed_since(NOW - timedelta(hours=2))] == ["d", "a", "c", "b"]
    answers.assert_no_pending_responses()


def test_no_further_page_is_read_once_executions_began_too_long_ago_to_have_run_till_now(workflows, answers):
    ancient = NOW - timedelta(days=40)
    _list_answer(answers, "FAILED", [_listed("a", NOW), _listed("b", ancient)], token="more")
    _list_answer(answers, "TIMED_OUT", [])
    _list_answer(answers, "ABORTED", [])
    assert [run.name for run in workflows.failed_since(NOW - timedelta(hours=2))] == ["a"]


def test_one_that_began_long_ago_and_failed_now_is_found_behind_others(workflows, answers):
    earlier = NOW - timedelta(hours=3)
    long_lasting = _listed("b", NOW, started=NOW - timedelta(days=13))
    _list_answer(answers, "FAILED", [_listed("a", earlier), long_lasting])
    _list_answer(answers, "TIMED_OUT", [])
    _list_answer(answers, "ABORTED", [])
    assert [run.name for run in workflows.failed_since(NOW - timedelta(hours=2))] == ["b"]


def _describe_answer(answers, status, **more):
    arn = f"arn:aws:states:{REGION}:123456789012:execution:discount:dsc_a"
    stopped = {} if status in ("RUNNING", "PENDING_REDRIVE") else {"stopDate": NOW}
    found = {**_listed("dsc_a", NOW, status), **more}
    del found["stopDate"]
    answers.add_response("describe_execution", {**found, **stopped}, {"executionArn": arn})


def _redrive_asked(count=0):
    arn = f"arn:aws:states:{REGION}:123456789012:execution:discount:dsc_a"
    return {"executionArn": arn, "clientToken": f"dsc_a.{count}"}


def test_a_failed_execution_tells_its_error(workflows, answers):
    _describe_answer(answers, "FAILED", error="RegistryUnavailableError")
    assert workflows.execution("dsc_a") == Execution("dsc_a", Running.FAILED, NOW, "RegistryUnavailableError")


def test_an_execution_that_is_about_to_go_on_runs(workflows, answers):
    _describe_answer(answers, "PENDING_REDRIVE")
    assert workflows.execution("dsc_a") == Execution("dsc_a", Running.RUNNING)


def test_one_that_succeeded_has_no_error(workflows, answers):
    _describe_answer(answers, "SUCCEEDED")
    assert workflows.execution("dsc_a") == Execution("dsc_a", Running.SUCCEEDED, NOW)


def test_a_redrive_bears_a_token_that_all_have_who_saw_this_failure(workflows, answers):
    _describe_answer(answers, "FAILED", redriveCount=2)
    answers.add_response("redrive_execution", {"redriveDate": NOW}, _redrive_asked(2))
    assert workflows.redrive("dsc_a")
    answers.assert_no_pending_responses()


def test_a_redrive_of_what_runs_already_is_done(workflows, answers):
    _describe_answer(answers, "RUNNING")
    assert workflows.redrive("dsc_a")


@pytest.mark.parametrize("code", ["InvalidAction", "UnknownOperationException"])
def test_a_service_that_knows_no_redrive_is_no_error(workflows, answers, code):
    _describe_answer(answers, "FAILED")
    answers.add_client_error("redrive_execution", code, "Unknown action", 400, expected_params=_redrive_asked())
    assert not workflows.redrive("dsc_a")


@pytest.mark.parametrize(("status", "runs"), [("RUNNING", True), ("FAILED", False)])
def test_a_refused_redrive_counts_as_done_only_where_the_execution_runs(workflows, answers, status, runs):
    _describe_answer(answers, "FAILED")
    answers.add_client_error("redrive_execution", "ExecutionNotRedrivable", expected_params=_redrive_asked())
    _describe_answer(answers, status)
    assert workflows.redrive("dsc_a") is runs


def test_any_other_error_of_a_redrive_is_raised(workflows, answers):
    _describe_answer(answers, "FAILED")
    answers.add_client_error("redrive_execution", "AccessDeniedException", expected_params=_redrive_asked())
    with pytest.raises(Exception, match="AccessDenied"):
        workflows.redrive("dsc_a")


def test_what_is_gone_is_not_redriven(workflows):
    assert not workflows.redrive("dsc_unknown")
