"""Runs of jobs: kept in pieces, never done twice, evidence."""

from datetime import UTC, date, datetime, timedelta

import pytest

from fakes import FixedClock, make_context
from rongtong.domain.errors import RongTongError
from rongtong.domain.jobs import Job, JobPeriodError, period_of, require_period
from rongtong.services import jobs
from rongtong.services.errors import NotFoundError
from rongtong.services.jobs import Piece, Steps, UnknownStageError, step
from rongtong.services.records import WATCH_KEY, iso
from rongtong.services.storage import Create

MORNING = datetime(2026, 3, 3, 22, 0, tzinfo=UTC)
"""Six in the morning of the fourth in Shanghai."""


class Counting:
    """A job of two stages of three pieces each; ``dies_at`` counts pieces until one fails before it is kept."""

    def __init__(self):
        self.did, self.dies_at = [], 0
        self.steps = Steps({"first": self._stage("first"), "second": self._stage("second")}, self._found)

    def _stage(self, name):
        def piece(_, run):
            at = run.kept.get(name, {}).get("at", 0)
            self.did.append((name, at))
            if len(self.did) == self.dies_at:
                raise RuntimeError("killed")
            return Piece({"at": at + 1}, at == 2, f"{at + 1} of 3")

        return piece

    @staticmethod
    def _found(run):
        return {"pieces": sum(kept["at"] for kept in run.kept.values())}


@pytest.fixture
def context():
    return make_context(clock=FixedClock(MORNING))


def drive(context, job, steps, **event):
    """What the state machine does."""
    began = step(context, job, steps, {"do": "begin", **event})
    if began["done"]:
        return began
    for stage in steps.stages:
        while step(context, job, steps, {"do": stage, "period": began["period"]})["more"]:
            pass
    return step(context, job, steps, {"do": "finish", "period": began["period"]})


def test_a_run_of_which_a_stage_is_not_done_never_succeeds(context):
    steps = Counting().steps
    period = step(context, Job.AUDIT, steps, {"do": "begin"})["period"]
    while step(context, Job.AUDIT, steps, {"do": "first", "period": period})["more"]:
        pass
    step(context, Job.AUDIT, steps, {"do": "second", "period": period})
    with pytest.raises(UnknownStageError, match="second"):
        step(context, Job.AUDIT, steps, {"do": "finish", "period": period})
    assert jobs.load(context, Job.AUDIT, period).body["status"] == "RUNNING"


def test_a_run_does_every_piece_once_and_tells_what_it_found(context):
    counting = Counting()
    assert drive(context, Job.AUDIT, counting.steps) == {"period": "2026-03-03", "found": {"pieces": 6}}
    assert counting.did == [(stage, at) for stage in ("first", "second") for at in range(3)]


@pytest.mark.parametrize("dies_at", range(1, 7))
def test_a_run_that_dies_goes_on_with_the_piece_that_it_was_at(context, dies_at):
    counting = Counting()
    counting.dies_at = dies_at
    with pytest.raises(RuntimeError):
        drive(context, Job.AUDIT, counting.steps)
    died_in = counting.did[-1]
    drive(context, Job.AUDIT, counting.steps)
    pieces = [(stage, at) for stage in ("first", "second") for at in range(3)]
    assert counting.did == sorted([*pieces, died_in])


def test_a_run_that_succeeded_is_done_again_only_when_asked(context):
    counting = Counting()
    drive(context, Job.AUDIT, counting.steps)
    assert drive(context, Job.AUDIT, counting.steps)["done"]
    assert len(counting.did) == 6
    drive(context, Job.AUDIT, counting.steps, again=True)
    assert len(counting.did) == 12


def test_two_executions_of_one_run_do_not_overwrite_each_other(context):
    counting = Counting()
    step(context, Job.AUDIT, counting.steps, {"do": "begin"})

    def meets_another(context, _):
        if not counting.did:
            counting.did.append("slower")
            step(context, Job.AUDIT, counting.steps, {"do": "first", "period": "2026-03-03"})
        return Piece({"at": 99}, False, "")

    steps = Steps({**counting.steps.stages, "first": meets_another}, counting.steps.found)
    assert step(context, Job.AUDIT, steps, {"do": "first", "period": "2026-03-03"})["more"]
    assert jobs.load(context, Job.AUDIT, "2026-03-03").body["kept"]["first"]["at"] == 1


def test_a_run_is_evidence(context):
    drive(context, Job.AUDIT, Counting().steps)
    pk = jobs.run_pk(Job.AUDIT, "2026-03-03")
    assert [item.body["event"]["type"] for item in context.store.query(pk, "event#")] == ["JobBegun", "JobFinished"]
    assert context.store.query(pk, "event#")[1].body["event"]["data"] == {"period": "2026-03-03", "pieces": 6}
    assert context.store.get(pk, "state").due is not None


def test_a_stage_that_the_job_does_not_have_is_named(context):
    step(context, Job.AUDIT, Counting().steps, {"do": "begin"})
    with pytest.raises(UnknownStageError):
        step(context, Job.AUDIT, Counting().steps, {"do": "third", "period": "2026-03-03"})


def test_work_on_a_run_that_never_began_is_refused(context):
    with pytest.raises(NotFoundError):
        step(context, Job.AUDIT, Counting().steps, {"do": "first", "period": "2026-03-03"})


def test_a_job_that_never_succeeded_is_overdue_when_its_alarm_rings(context):
    def backup():
        return next(one for one in jobs.overview(context) if one["job"] == "backup")

    assert (backup()["overdue"], backup()["last_success_at"]) == (False, None)
    context.store.transact([Create(*WATCH_KEY, {"began_at": iso(context.clock.now())})])
    context.clock.instant += timedelta(hours=29)
    assert not backup()["overdue"]
    context.clock.instant += timedelta(hours=2)
    assert (backup()["overdue"], backup()["last_success_at"]) == (True, None)


def test_the_overview_says_what_is_overdue(context):
    drive(context, Job.AUDIT, Counting().steps)
    audit = next(one for one in jobs.overview(context) if one["job"] == "audit")
    assert (audit["overdue"], audit["newest_run"]["found"]) == (False, {"pieces": 6})
    context.clock.instant += timedelta(hours=31)
    assert next(one for one in jobs.overview(context) if one["job"] == "audit")["overdue"]


@pytest.mark.parametrize(
    ("job", "today", "period"),
    [
        (Job.AUDIT, date(2026, 3, 1), "2026-02-28"),
        (Job.MONTHLY_REVIEW, date(2026, 3, 1), "2026-02"),
        (Job.MONTHLY_REVIEW, date(2026, 1, 31), "2025-12"),
    ],
)
def test_a_run_covers_what_was_over_the_day_before(job, today, period):
    assert period_of(job, today) == period


@pytest.mark.parametrize(
    ("job", "period"),
    [
        (Job.AUDIT, "2026-03-04"),
        (Job.AUDIT, "2026-02-30"),
        (Job.AUDIT, "2026-02"),
        (Job.AUDIT, "yesterday"),
        (Job.MONTHLY_REVIEW, "2026-03"),
        (Job.MONTHLY_REVIEW, "2026-02-01"),
        (Job.MONTHLY_REVIEW, "2026-13"),
    ],
)
def test_a_period_that_is_not_over_or_not_the_jobs_is_refused(job, period):
    with pytest.raises(JobPeriodError) as refused:
        require_period(job, period, date(2026, 3, 4))
    assert (refused.value.code, refused.value.field) == ("JOB_PERIOD", "period")
    assert issubclass(type(refused.value), RongTongError)
