"""The routes of the platform's own jobs, and the commands that use them, both as they are, in memory."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import access_fakes
from api_calls import call
from fakes import FixedClock
from in_memory import Platform
from rongtong import operations
from rongtong.adapters.signed_api import RefusedError
from rongtong.domain.jobs import Job, period_of
from rongtong.entrypoints import bootstrap
from rongtong.entrypoints.answers_jobs import JobList, JobRunList, JobRunNow, JobStarted
from rongtong.services import jobs
from rongtong.services.context import Execution, Running
from rongtong.services.jobs import Piece, Steps

JOBS, RUNS = "/v1/operations/jobs", "/v1/operations/jobs/{job}/runs"
RUN = RUNS + "/{period}"
WHY = {"why": "REPORT_MISSING"}


def _piece(_, run):
    at = run.kept.get("log", {}).get("at", 0) + 1
    return Piece({"at": at}, at == 2, f"{at} of 2 tiles")


STEPS = Steps({"log": _piece}, lambda run: {"tiles": run.kept["log"]["at"]})


class World:
    """The platform in memory with its operations routes, and its audits' executions, task by task."""

    def __init__(self):
        self.platform = Platform()
        self.app = access_fakes.load_app("operations").app
        today = self.context.calendar.shanghai_date(self.context.clock.now())
        self.period = period_of(Job.AUDIT, today)
        self.todo = ["begin", "log", "log", "finish"]

    @property
    def context(self):
        return self.platform.context

    def ask(self, method, route, body=None, key="key-1", role="operations", **named):
        return call(self.app, method, route, body=body, key=key if body else None, role=role, **named)

    def work(self, tasks=1):
        """Let the audit's execution do its next tasks; after the last it succeeds."""
        for _ in range(tasks):
            if self.todo:
                jobs.step(self.context, Job.AUDIT, STEPS, {"do": self.todo.pop(0), "period": self.period})
            else:
                self.end(Running.SUCCEEDED)

    def end(self, running, error=None):
        ((job, name),) = [key for key, (run, _) in self.executions.items() if run.running is Running.RUNNING]
        self.executions[job, name] = (Execution(name, running, self.context.clock.now(), error), {})

    @property
    def executions(self):
        return self.context.workflows.jobs


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr(bootstrap, "context", lambda: made.context)
    return made


def test_a_job_that_is_asked_for_is_accepted_and_who_asked_is_signed_evidence(world):
    answer = world.ask("POST", RUNS, WHY, job="audit")
    assert answer.status == 202
    name = f"audit-{world.period}-1"
    assert JobStarted.model_validate(answer.body).model_dump() == {
        "job": "audit",
        "period": world.period,
        "start": "started",
        "execution": name,
    }
    event = world.context.store.query(jobs.run_pk(Job.AUDIT, world.period), "event#")[0].body["event"]
    assert (event["data"]["why"], set(event["by"])) == ("REPORT_MISSING", {"key", "sig"})
    assert list(world.executions) == [(Job.AUDIT, name)]


def test_a_repeat_under_its_key_is_told_the_first_answer_and_starts_nothing(world):
    first, again = (world.ask("POST", RUNS, WHY, job="audit") for _ in range(2))
    assert again.body == first.body
    assert len(world.executions) == 1


def test_what_has_succeeded_is_answered_with_200_and_done_again_only_if_asked(world):
    world.ask("POST", RUNS, WHY, job="audit")
    world.work(5)
    done = world.ask("POST", RUNS, WHY, key="key-2", job="audit")
    assert (done.status, done.body["start"], done.body["execution"]) == (200, "nothing", None)
    assert world.ask("POST", RUNS, {**WHY, "again": True}, key="key-3", job="audit").status == 202


@pytest.mark.parametrize(
    ("named", "body", "refused"),
    [
        ({"job": "audits"}, WHY, (404, "NOT_FOUND", "job")),
        ({"job": "audit"}, {**WHY, "period": "2026-13-01"}, (422, "JOB_PERIOD", "period")),
        ({"job": "audit"}, {**WHY, "period": "2999-01-01"}, (422, "JOB_PERIOD", "period")),
        ({"job": "audit"}, {**WHY, "period": "yesterday"}, (422, "INVALID_BODY", "period")),
        ({"job": "audit"}, {"period": "2026-03-01"}, (422, "INVALID_BODY", "why")),
        ({"job": "audit"}, {**WHY, "again": "yes"}, (422, "INVALID_BODY", "again")),
    ],
)
def test_a_request_that_is_not_right_is_refused_and_starts_nothing(world, named, body, refused):
    answer = world.ask("POST", RUNS, body, **named)
    assert (answer.status, answer.body["code"], answer.body["field"]) == refused
    assert world.executions == {}


def test_partners_neither_see_nor_start_jobs(world):
    assert world.ask("POST", RUNS, WHY, role="partner", job="audit").status == 403
    assert world.ask("GET", JOBS, role="partner").status == 403
    assert world.executions == {}


def test_a_run_tells_how_far_it_is_and_what_works_on_it(world):
    world.ask("POST", RUNS, WHY, job="audit")
    world.work(2)
    run = JobRunNow.model_validate(world.ask("GET", RUN, job="audit", period=world.period).body)
    assert (run.progress, run.executing, run.error) == ({"log": "1 of 2 tiles"}, True, None)
    world.end(Running.FAILED, "SomeError")
    run = JobRunNow.model_validate(world.ask("GET", RUN, job="audit", period=world.period).body)
    assert (run.status, run.executing, run.error) == ("RUNNING", False, "SomeError")


def test_every_job_is_listed_and_so_are_its_runs(world):
    world.ask("POST", RUNS, WHY, job="audit")
    world.work(5)
    listed = JobList.model_validate(world.ask("GET", JOBS).body).jobs
    assert [one.job for one in listed] == list(Job)
    runs = JobRunList.model_validate(world.ask("GET", RUNS, job="audit").body).runs
    assert [(run.period, run.status, run.found) for run in runs] == [(world.period, "SUCCEEDED", {"tiles": 2})]


@pytest.mark.parametrize("named", [{"job": "audits", "period": "2026-03-03"}, {"job": "audit", "period": "x"}])
def test_a_run_that_there_is_not_is_not_found(world, named):
    assert world.ask("GET", RUN, **named).status == 404


class _Api:
    """The signed client, answered by the routes in memory; the execution goes on a task with each answer."""

    def __init__(self, world):
        self._world = world

    def get(self, path):
        return self._answer("GET", path, None, None)

    def post(self, path, body, key):
        return self._answer("POST", path, body, key)

    def _answer(self, method, path, body, key):
        found = re.fullmatch(r"/v1/operations/jobs(?:/(?P<job>[a-z_]+)/runs(?:/(?P<period>[0-9-]+))?)?", path)
        named = {name: value for name, value in found.groupdict().items() if value}
        route = [JOBS, RUNS, RUN][len(named)]
        answer = self._world.ask(method, route, body, key=key, **named)
        if answer.status >= 400:
            raise RefusedError(answer.status, answer.body["code"], answer.body["detail"])
        return answer.body


@pytest.fixture
def command(world, tmp_path, capsys, monkeypatch):
    """Runs a command; while it waits, the execution goes on. Answers the exit code and what was printed."""
    file = tmp_path / "key.pem"
    file.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.setattr(operations, "SignedApi", lambda *_, **__: _Api(world))

    def run(*arguments, while_waiting=world.work):
        where = ["--url", "http://here", "--key-id", "operations#1", "--key", str(file)]
        code = operations.main([*arguments, *where], pause=lambda _: while_waiting())
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_the_command_lets_a_job_run_and_follows_it_to_what_it_found(world, command):
    code, printed = command("run", "audit", "--why", "REPORT_MISSING", "--follow")
    assert code == 0
    assert printed.splitlines() == [
        f"audit {world.period} is started: audit-{world.period}-1",
        "  log: 1 of 2 tiles",
        "  log: 2 of 2 tiles",
        "  tiles: 2",
        "succeeded",
    ]


def test_the_command_tells_why_a_run_stopped_and_goes_on_when_it_is_called_again(world, command):
    def dies():
        if world.todo == ["log", "finish"]:
            world.end(Running.FAILED, "SomeError")
        else:
            world.work()

    code, printed = command("run", "audit", "--why", "REPORT_MISSING", "--follow", while_waiting=dies)
    assert (code, "It stopped: SomeError" in printed) == (1, True)
    code, printed = command("run", "audit", "--why", "MENDED", "--follow")
    assert (code, "log: 1 of 2 tiles" in printed, "succeeded" in printed) == (0, True, True)
    assert [name for _, name in world.executions] == [f"audit-{world.period}-{n}" for n in (1, 2)]


def test_a_run_that_is_not_done_again_because_its_execution_failed_has_not_succeeded(world, command):
    command("run", "audit", "--why", "REPORT_MISSING")
    world.work(5)

    def fails():
        world.end(Running.FAILED, "SomeError")

    code, printed = command("run", "audit", "--again", "--why", "DRILL", "--follow", while_waiting=fails)
    assert (code, "It stopped: SomeError" in printed) == (1, True)


def test_what_nothing_works_on_any_more_is_given_up(world, command):
    def gone():
        world.executions.clear()
        world.platform.context = replace(world.context, clock=_later(world.context.clock))

    code, printed = command("run", "audit", "--why", "REPORT_MISSING", "--follow", while_waiting=gone)
    assert (code, "nothing works on it" in printed) == (1, True)


def test_the_command_says_what_runs_already_and_what_has_succeeded(world, command):
    command("run", "audit", "--why", "REPORT_MISSING")
    assert "runs already" in command("run", "audit", "--why", "REPORT_MISSING")[1]
    world.work(5)
    code, printed = command("run", "audit", "--why", "REPORT_MISSING")
    assert (code, "has succeeded already" in printed) == (0, True)


def test_a_period_that_is_not_over_is_refused_by_name(command):
    code, printed = command("run", "audit", "--why", "REPORT_MISSING", "--period", "2999-01-01")
    assert (code, "JOB_PERIOD" in printed) == (1, True)


@pytest.mark.parametrize("arguments", [("run", "audits", "--why", "MENDED"), ("run", "audit")])
def test_a_command_needs_a_job_that_there_is_and_a_reason(command, arguments):
    with pytest.raises(SystemExit) as wrong:
        command(*arguments)
    assert wrong.value.code == 2


def test_jobs_are_listed_with_how_far_they_are_and_overdue_ones_tell_by_the_exit_code(world, command):
    world.ask("POST", RUNS, WHY, job="audit")
    world.work(2)
    code, printed = command("jobs")
    (line,) = [line for line in printed.splitlines() if line.startswith("audit")]
    assert (code, line.split()[1:5]) == (0, ["-", "no", world.period, "RUNNING"])
    assert line.endswith("log: 1 of 2 tiles")
    world.work(3)
    world.platform.context = replace(world.context, clock=_later(world.context.clock))
    code, printed = command("jobs")
    assert (code, "1 overdue" in printed) == (1, True)


def _later(clock):
    return FixedClock(clock.now() + timedelta(hours=31))
