"""The state machines of the platform's own jobs have one form, and the README names the stages that they have."""

import json
import re

import pytest

from paths import ROOT
from rongtong.domain.jobs import Job
from rongtong.services import audit_job, backup, monthly_review, reconcile, restore_drill

MACHINES = ROOT / "statemachines"
README = (MACHINES / "README.md").read_text(encoding="utf-8")
_EXPRESSION = re.compile(r"\{%(.*)%\}", re.DOTALL)


@pytest.fixture(params=Job, ids=str)
def job(request):
    return request.param


@pytest.fixture
def machine(job):
    return json.loads((MACHINES / f"{job.value}.asl.json").read_text(encoding="utf-8"))


def _tasks(machine):
    """The tasks in the order of a run whose stages each have one piece."""
    states, found, name = machine["States"], [], machine["StartAt"]
    while name is not None:
        state = states[name]
        if state["Type"] == "Task":
            found.append(name)
        name = state.get("Default") or state.get("Next")
    return found


def _does(state):
    """What a task tells the function to do; it may be said within a JSONata expression."""
    payload = state["Arguments"]["Payload"]
    if isinstance(payload, dict):
        return payload["do"]
    return re.search(r"'do':\s*'(\w+)'", _EXPRESSION.fullmatch(payload)[1])[1]


def test_a_run_begins_goes_through_its_stages_and_finishes(machine):
    tasks = [_does(machine["States"][name]) for name in _tasks(machine)]
    assert (tasks[0], tasks[-1]) == ("begin", "finish")
    assert len(tasks) == len(set(tasks)) > 2


def test_a_machine_does_every_stage_that_the_code_has_in_the_codes_order(job, machine):
    steps = {
        Job.RECONCILIATION: reconcile.STEPS,
        Job.AUDIT: audit_job.steps([]),
        Job.MONTHLY_REVIEW: monthly_review.STEPS,
        Job.BACKUP: backup.STEPS,
        Job.RESTORE_DRILL: restore_drill.STEPS,
    }
    assert [_does(machine["States"][name]) for name in _tasks(machine)][1:-1] == list(steps[job].stages)


def test_the_readme_names_the_stages_in_their_order(job, machine):
    stages = [_does(machine["States"][name]) for name in _tasks(machine)][1:-1]
    (row,) = [line for line in README.splitlines() if line.startswith(f"| {job.value}.asl.json |")]
    named = re.sub(r"\(.*?\)", "", row.split("|")[2])
    assert [stage.strip() for stage in named.split("→")] == stages


def test_what_a_person_asked_for_reaches_the_first_task(machine):
    begin = json.dumps(machine["States"][machine["StartAt"]]["Arguments"]["Payload"])
    whole = "$merge([$states.input" in begin or "$merge([$states.context.Execution.Input" in begin
    assert whole or ("period" in begin and "again" in begin)


def test_a_run_that_succeeded_ends_at_once_and_a_stage_goes_on_while_there_is_more(machine):
    states = machine["States"]
    begin, *stages, _ = _tasks(machine)
    done = states[states[begin]["Next"]]
    assert [states[choice["Next"]]["Type"] for choice in done["Choices"]] == ["Succeed"]
    for stage in stages:
        again = states[states[stage]["Next"]]
        assert [choice["Next"] for choice in again["Choices"]] == [stage]
        assert "more" in again["Choices"][0]["Condition"]


def test_every_stage_is_told_the_period_that_was_begun(machine):
    for name in _tasks(machine)[1:]:
        assert machine["States"][name]["Arguments"]["Payload"]["period"] == "{% $states.input.period %}"


def test_all_tasks_are_one_function_and_are_tried_again(machine):
    tasks = [machine["States"][name] for name in _tasks(machine)]
    assert len({task["Arguments"]["FunctionName"] for task in tasks}) == 1
    assert [("States.ALL" in str(task["Retry"])) for task in tasks] == [True] * len(tasks)
