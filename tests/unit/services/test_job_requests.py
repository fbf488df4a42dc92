"""Runs that persons ask for: evidence first, begun once, and taken up where they stopped."""

from datetime import UTC, datetime, timedelta

import pytest

from fakes import FixedClock, make_context
from rongtong.domain.jobs import Job, JobPeriodError
from rongtong.services import jobs
from rongtong.services.context import Execution, Running
from rongtong.services.errors import NotFoundError
from rongtong.services.job_requests import job_of, request, show
from rongtong.services.jobs import Piece, Steps, step

MORNING = datetime(2026, 3, 3, 22, 0, tzinfo=UTC)
"""Six in the morning of the fourth in Shanghai."""
PERIOD = "2026-03-03"
FIRST, SECOND = f"audit-{PERIOD}-1", f"audit-{PERIOD}-2"
STEPS = Steps({"only": lambda _, run: Piece({"ran": 1}, True, "1 of 1")}, lambda run: {"leaves": 7})


@pytest.fixture
def context():
    return make_context(clock=FixedClock(MORNING))


def ask(context, why="REPORT_MISSING", **more):
    return request(context, Job.AUDIT, "operations", why, **more)


def started(context):
    """The names of the executions that were started, with what each was given."""
    return {name: payload for (_, name), (_, payload) in context.workflows.jobs.items()}


def end(context, name, running=Running.FAILED, error="SomeError"):
    context.workflows.jobs[Job.AUDIT, name] = (
        Execution(name, running, context.clock.now(), error if running is Running.FAILED else None),
        started(context)[name],
    )


def run_to_its_end(context, name):
    """What the state machine does with what it was started with."""
    payload = started(context)[name]
    if not step(context, Job.AUDIT, STEPS, {"do": "begin", **payload})["done"]:
        for do in ("only", "finish"):
            step(context, Job.AUDIT, STEPS, {"do": do, "period": payload["period"]})
    end(context, name, Running.SUCCEEDED)


def events(context):
    pk = jobs.run_pk(Job.AUDIT, PERIOD)
    return [item.body["event"] for item in context.store.query(pk, "event#")]


def test_who_asked_and_why_is_an_event_of_the_run_before_it_begins(context):
    told = ask(context)
    assert told == {"job": "audit", "period": PERIOD, "start": "started", "execution": FIRST}
    (event,) = events(context)
    data = {"period": PERIOD, "by": "operations", "why": "REPORT_MISSING", "again": False, "execution": FIRST}
    assert (event["type"], event["run_id"], event["data"]) == ("JobRequested", f"audit-{PERIOD}", data)
    assert show(context, Job.AUDIT, PERIOD)["status"] == "REQUESTED"


def test_the_execution_that_was_asked_for_begins_and_ends_the_run(context):
    ask(context)
    run_to_its_end(context, FIRST)
    assert [event["type"] for event in events(context)] == ["JobRequested", "JobBegun", "JobFinished"]
    shown = show(context, Job.AUDIT, PERIOD)
    assert (shown["status"], shown["found"], shown["executing"]) == ("SUCCEEDED", {"leaves": 7}, False)


def test_a_repeat_while_it_runs_starts_nothing_and_writes_nothing(context):
    ask(context)
    assert ask(context, "PRESSED_AGAIN")["start"] == "running"
    assert (list(started(context)), len(events(context))) == ([FIRST], 1)


def test_a_request_whose_writer_died_before_the_start_is_started_by_the_next_under_its_name(context):
    start = context.workflows.start_job
    context.workflows.start_job = _die
    with pytest.raises(RuntimeError):
        ask(context)
    context.workflows.start_job = start
    assert ask(context, "PRESSED_AGAIN")["execution"] == FIRST
    assert (list(started(context)), len(events(context))) == ([FIRST], 1)


def test_a_start_that_was_lost_for_longer_than_an_hour_is_asked_for_anew(context):
    ask(context)
    context.workflows.jobs.clear()
    context.clock.instant += timedelta(hours=1)
    assert ask(context, "LOST")["execution"] == SECOND
    assert [event["data"]["why"] for event in events(context)] == ["REPORT_MISSING", "LOST"]


def test_a_run_that_died_goes_on_in_a_further_execution(context):
    ask(context)
    step(context, Job.AUDIT, STEPS, {"do": "begin", **started(context)[FIRST]})
    end(context, FIRST)
    assert show(context, Job.AUDIT, PERIOD)["error"] == "SomeError"
    assert ask(context, "MENDED")["execution"] == SECOND
    run_to_its_end(context, SECOND)
    assert [event["type"] for event in events(context)].count("JobBegun") == 1


def test_what_succeeded_is_done_again_only_if_asked(context):
    ask(context)
    run_to_its_end(context, FIRST)
    assert ask(context) == {"job": "audit", "period": PERIOD, "start": "nothing", "execution": None}
    assert ask(context, again=True)["execution"] == SECOND
    assert started(context)[SECOND] == {"period": PERIOD, "again": True}
    run_to_its_end(context, SECOND)
    assert [event["type"] for event in events(context)].count("JobFinished") == 2


def _stuck(context):
    """The run of the first request: its first stage has kept something, and its execution has failed."""
    steps = Steps({"first": lambda _, run: Piece({"ran": 1}, True, ""), **STEPS.stages}, STEPS.found)
    ask(context)
    for do in ("begin", "first"):
        step(context, Job.AUDIT, steps, {"do": do, **started(context)[FIRST]})
    end(context, FIRST)
    return steps


def _kept(context):
    return jobs.load(context, Job.AUDIT, PERIOD).body["kept"]


def test_a_run_that_never_ends_is_begun_anew_by_a_person_who_asks_for_it(context):
    steps = _stuck(context)
    ask(context, "NEVER_ENDS", again=True)
    step(context, Job.AUDIT, steps, {"do": "begin", **started(context)[SECOND]})
    assert _kept(context) == {}
    done = step(context, Job.AUDIT, steps, {"do": "first", "period": PERIOD})
    assert (done["more"], _kept(context)) == (False, {"first": {"ran": 1}})
    assert [event["type"] for event in events(context)].count("JobBegun") == 2


def test_a_task_that_is_tried_again_does_not_begin_its_run_anew_a_second_time(context):
    steps = _stuck(context)
    ask(context, "NEVER_ENDS", again=True)
    for do in ("begin", "first", "begin"):
        step(context, Job.AUDIT, steps, {"do": do, **started(context)[SECOND]})
    assert _kept(context) == {"first": {"ran": 1}}


@pytest.mark.parametrize("event", [{}, {"again": True}])
def test_a_run_that_stopped_goes_on_where_nobody_asked_for_a_new_beginning(context, event):
    steps = _stuck(context)
    step(context, Job.AUDIT, steps, {"do": "begin", **event})
    assert _kept(context) == {"first": {"ran": 1}}


@pytest.mark.parametrize(("payload", "start"), [({}, "running"), ({"period": "2026-03-02"}, "started")])
def test_an_execution_of_the_schedule_that_works_on_the_period_is_not_joined_by_another(context, payload, start):
    context.workflows.start_job(Job.AUDIT, "of-the-schedule", payload)
    assert ask(context)["start"] == start


def test_a_run_of_the_schedule_is_shown_with_the_execution_that_works_on_it(context):
    step(context, Job.AUDIT, STEPS, {"do": "begin"})
    assert show(context, Job.AUDIT, PERIOD)["executing"] is False
    context.workflows.start_job(Job.AUDIT, "of-the-schedule", {})
    shown = show(context, Job.AUDIT, PERIOD)
    assert (shown["execution"], shown["executing"]) == ("of-the-schedule", True)


def test_two_who_ask_at_once_begin_one_execution(context, monkeypatch):
    transact = context.store.transact

    def meets_another(writes):
        monkeypatch.setattr(context.store, "transact", transact)
        ask(context, "QUICKER")
        transact(writes)

    monkeypatch.setattr(context.store, "transact", meets_another)
    assert ask(context, "SLOWER")["start"] == "running"
    assert (list(started(context)), [event["data"]["why"] for event in events(context)]) == ([FIRST], ["QUICKER"])


def test_requests_are_listed_before_their_runs_begin(context):
    ask(context, period="2026-03-01")
    assert [run["period"] for run in jobs.runs(context, Job.AUDIT)] == ["2026-03-01"]


def test_a_period_that_is_not_over_is_refused_and_begins_nothing(context):
    with pytest.raises(JobPeriodError):
        ask(context, period="2026-03-04")
    assert started(context) == {}


def test_a_job_that_there_is_not_is_refused():
    assert job_of("monthly_review") is Job.MONTHLY_REVIEW
    with pytest.raises(NotFoundError, match="reconciliation, audit"):
        job_of("audits")


def test_a_run_that_never_was_is_not_found(context):
    with pytest.raises(NotFoundError):
        show(context, Job.AUDIT, PERIOD)


def test_a_run_of_long_ago_makes_its_job_no_less_overdue(context):
    ask(context)
    run_to_its_end(context, FIRST)
    context.clock.instant += timedelta(hours=31)
    request(context, Job.AUDIT, "operations", "LATE", "2026-02-01")
    run_to_its_end(context, "audit-2026-02-01-1")
    assert next(one for one in jobs.overview(context) if one["job"] == "audit")["overdue"]


def _die(*_):
    raise RuntimeError("killed")
