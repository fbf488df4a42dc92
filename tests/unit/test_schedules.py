"""The template's schedules are the jobs' plans; each is in our time zone, tried again, and kept where it fails."""

import pytest

from rongtong.domain.jobs import PLANS, Job
from template_reading import TEMPLATE

MACHINE_ARN = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:${AWS::StackName}-"


def _of(short_form):
    """What stands behind ``!Sub``, ``!GetAtt`` or ``!Ref``."""
    (text,) = short_form.values()
    return text


SCHEDULES = {
    _of(resource["Properties"]["Target"]["Arn"]).removeprefix(MACHINE_ARN): resource["Properties"]
    for resource in TEMPLATE.values()
    if resource["Type"] == "AWS::Scheduler::Schedule"
}
EVENTS = {
    f"{name}.{event_name}": event["Properties"]
    for name, resource in TEMPLATE.items()
    if resource["Type"] in ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
    for event_name, event in resource["Properties"].get("Events", {}).items()
    if event["Type"] == "ScheduleV2"
}


def test_every_job_has_its_schedule_and_every_schedule_its_job():
    assert sorted(SCHEDULES) == sorted(job.value for job in Job)


@pytest.mark.parametrize("job", Job)
def test_a_job_runs_when_its_plan_says_in_shanghai(job):
    schedule = SCHEDULES[job.value]
    assert (schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]) == (
        PLANS[job].schedule,
        "Asia/Shanghai",
    )


@pytest.mark.parametrize("job", Job)
def test_a_start_that_fails_is_tried_again_and_kept_when_it_cannot_be_made(job):
    target = SCHEDULES[job.value]["Target"]
    assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
    queue = _of(target["DeadLetterConfig"]["Arn"]).removesuffix(".Arn")
    assert TEMPLATE[queue]["Type"] == "AWS::SQS::Queue"
    assert target["Input"] == "{}"


def test_who_starts_jobs_may_start_them_and_leave_dead_letters_and_nothing_else():
    role = TEMPLATE["JobScheduleRole"]["Properties"]
    (policy,) = role["Policies"]
    granted = {
        statement["Action"]: {_of(one) for one in statement["Resource"]}
        for statement in policy["PolicyDocument"]["Statement"]
    }
    targets = [schedule["Target"] for schedule in SCHEDULES.values()]
    assert granted == {
        "states:StartExecution": {_of(target["Arn"]) for target in targets},
        "sqs:SendMessage": {_of(target["DeadLetterConfig"]["Arn"]) for target in targets},
    }
    assert {_of(target["RoleArn"]) for target in targets} == {"JobScheduleRole.Arn"}


@pytest.mark.parametrize("event", EVENTS)
def test_every_other_schedule_is_tried_again_kept_and_in_our_time_zone(event):
    said = EVENTS[event]
    assert said["RetryPolicy"]["MaximumRetryAttempts"] > 0
    assert "Arn" in said["DeadLetterConfig"]
    # A rate has no time of day.
    at_a_time = said["ScheduleExpression"].startswith("cron")
    assert said.get("ScheduleExpressionTimezone") == ("Asia/Shanghai" if at_a_time else None)


@pytest.mark.parametrize("job", Job)
def test_a_job_is_overdue_only_after_its_next_run_should_have_succeeded(job):
    plan = PLANS[job]
    longest = {"DAY": 24, "MONTH": 31 * 24}[plan.every.value]
    hours = plan.overdue_after.total_seconds() / 3600
    assert longest < hours < longest * 2
