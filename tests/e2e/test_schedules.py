"""The schedules fire, their clock put ahead and not waited for; a job that is killed is completed by its next run."""

import json
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
import requests

from demo import BUSINESS_TIME
from deployed import wait_for
from rongtong.domain.jobs import Job
from rongtong.services.jobs import run_pk

DAY_AFTER = "2026-04-16T10:00:00+08:00"
"""When the day is over on which the other tests do business."""
DAY = "2026-04-15"
LONG = timedelta(days=35)
"""In so long a time the rarest schedule has its turn."""
ATTEMPTS = 20
NEWEST = {Job.MONTHLY_REVIEW: "2026-03", Job.RESTORE_DRILL: "2026-03"}


def _schedules(deployed):
    """What each schedule starts, by the schedule's name."""
    client = deployed.stack.client("scheduler")
    pages = client.get_paginator("list_schedules").paginate()
    names = [one["Name"] for page in pages for one in page["Schedules"]]
    return {name: client.get_schedule(Name=name)["Target"]["Arn"] for name in names}


def _begun(deployed, target):
    """How often a function was invoked, or a state machine started as its schedule does it."""
    if ":states:" not in target:
        return _invoked(deployed, target.rpartition(":")[2])
    states = deployed.stack.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=target)
    arns = [one["executionArn"] for page in pages for one in page["executions"]]
    return sum(json.loads(states.describe_execution(executionArn=arn)["input"]) == {} for arn in arns)


def _invoked(deployed, function):
    """The emulator counts no invocation of a schedule as a metric, and logs every one."""
    logs = deployed.stack.client("logs")
    group = f"/aws/lambda/{function}"
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return 0
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern='"END RequestId"')
    return sum(len(page["events"]) for page in pages)


def _run(deployed, job, period):
    """The run's state as it is stored; empty where it never began."""
    key = {"pk": {"S": run_pk(job, period)}, "sk": {"S": "state"}}
    found = deployed.stack.client("dynamodb").get_item(
        TableName=deployed.stack.business_table, Key=key, ConsistentRead=True
    )
    return json.loads(found["Item"]["body"]["S"]) if "Item" in found else {}


def _shown(deployed, job, period):
    return deployed.clients["operations"].get(f"/v1/operations/jobs/{job.value}/runs/{period}").json()


def _ended(run):
    """Whether it has succeeded, or nothing works on it any more."""
    return run.get("status") == "SUCCEEDED" or (run.get("executing") is False and run.get("error"))


def _ask(deployed, job, period, *, again):
    """The name of the execution that works on the run; whoever serves the request may not see the new day at once."""
    body = {"period": period, "again": again, "why": "DRILL"}
    path = f"/v1/operations/jobs/{job.value}/runs"
    answer = wait_for(lambda: deployed.clients["operations"].post(path, body), lambda one: one.status_code != 422)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()["execution"]


@pytest.fixture(scope="module")
def day_after(deployed):
    """The business clock stands on the next day; functions see that within two seconds."""

    def put(now):
        requests.put(f"{deployed.stack.sandbox_url}/clock", json={"now": now}, timeout=30).raise_for_status()

    put(DAY_AFTER)
    yield
    put(BUSINESS_TIME)


@pytest.fixture(scope="module")
def fired(deployed, day_after):
    """How often each schedule's target was begun, by the schedule: before its time came and after."""
    # A drill restores a backup that there is, and here both have their turn at once.
    _ask(deployed, Job.BACKUP, DAY, again=False)
    wait_for(lambda: _shown(deployed, Job.BACKUP, DAY), _ended)
    targets = _schedules(deployed)
    before = {name: _begun(deployed, target) for name, target in targets.items()}
    deployed.stack.emulator.put_clock_ahead(LONG)

    def look():
        return {name: _begun(deployed, target) for name, target in targets.items()}

    return before, wait_for(look, lambda after: all(after[name] > before[name] for name in targets))


def test_every_schedule_fires_when_its_time_comes(fired):
    before, after = fired
    assert len(before) > len(Job)
    assert [name for name in before if after[name] <= before[name]] == []


@pytest.mark.usefixtures("fired")
@pytest.mark.parametrize("job", Job)
def test_a_job_that_its_schedule_began_succeeds(deployed, job):
    operations = deployed.clients["operations"]
    runs = wait_for(lambda: operations.get(f"/v1/operations/jobs/{job.value}/runs").json()["runs"], bool)
    run = wait_for(lambda: _shown(deployed, job, runs[0]["period"]), _ended)
    assert run["status"] == "SUCCEEDED", run


def _kill_in_the_middle(deployed, job, period):
    """Begin the job and stop its execution when its first stage is done; how the run stands then."""
    states = deployed.stack.client("stepfunctions")
    machine = deployed.stack.discount_machine_arn.replace(":stateMachine:", ":execution:").removesuffix("discount")
    for _ in range(ATTEMPTS):
        done = _run(deployed, job, period).get("status") == "SUCCEEDED"
        arn = f"{machine}{job.value}:{_ask(deployed, job, period, again=done)}"

        def is_in_the_middle(run, arn=arn):
            ended = states.describe_execution(executionArn=arn)["status"] != "RUNNING"
            return ended or (run.get("status") == "RUNNING" and run.get("stages_done"))

        wait_for(lambda: _run(deployed, job, period), is_in_the_middle, pause_s=0.01)
        with suppress(states.exceptions.ClientError):  # it was quicker
            states.stop_execution(executionArn=arn, error="KILLED", cause="on purpose")
        shown = wait_for(lambda: _shown(deployed, job, period), lambda run: not run.get("executing"))
        if shown["status"] == "RUNNING" and shown["error"] == "KILLED":
            return _run(deployed, job, period)
    raise AssertionError(f"{job.value} was {ATTEMPTS} times quicker than its killer")


def _events(deployed, job, period):
    found = deployed.stack.client("dynamodb").query(
        TableName=deployed.stack.business_table,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :event)",
        ExpressionAttributeValues={":pk": {"S": run_pk(job, period)}, ":event": {"S": "event#"}},
    )
    return Counter(json.loads(item["body"]["S"])["event"]["type"] for item in found["Items"])


def _incidents(deployed):
    listed = deployed.clients["operations"].get("/v1/operations/incidents").json()["incidents"]
    return Counter((one["kind"], one["subject"]) for one in listed)


@pytest.mark.usefixtures("fired")
@pytest.mark.parametrize("job", Job)
def test_a_job_killed_in_the_middle_completes_on_its_next_run_and_does_nothing_twice(deployed, job):
    period = NEWEST.get(job, DAY)
    killed = _kill_in_the_middle(deployed, job, period)
    events, incidents = _events(deployed, job, period), _incidents(deployed)
    _ask(deployed, job, period, again=False)
    run = wait_for(lambda: _shown(deployed, job, period), _ended)
    assert (run["status"], run["error"]) == ("SUCCEEDED", None)
    # What was done when it was killed is as it was, it went on without beginning anew, and its end is told once.
    kept = _run(deployed, job, period)["kept"]
    assert {stage: kept[stage] for stage in killed["stages_done"]} == {
        stage: killed["kept"][stage] for stage in killed["stages_done"]
    }
    assert _events(deployed, job, period) - events == Counter({"JobRequested": 1, "JobFinished": 1})
    opened = _incidents(deployed)
    assert {about: count for about, count in opened.items() if count > max(1, incidents[about])} == {}
