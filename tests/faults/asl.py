"""Runs statemachines/discount.asl.json itself, in memory: its states, retries, catches and waits, on virtual time.

JSONata is not interpreted: each expression of the file is looked up below by its very text, so that a changed state
machine fails here loudly until this module says the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from effects import CrashError

from paths import ROOT
from rongtong.services import notify, seal, unwind, verify_bill, waiting
from rongtong.services.context import Context, Execution, Running

MACHINE: dict[str, Any] = json.loads((ROOT / "statemachines" / "discount.asl.json").read_text(encoding="utf-8"))
_STATES: dict[str, Any] = MACHINE["States"]
Task = Callable[[Context, dict[str, Any]], Any]
Scope = dict[str, Any]


def _disburse(context: Context, payload: dict[str, Any]) -> Any:
    from rongtong.services import disburse

    return disburse.disburse(context, payload["discount_id"])


TASKS: dict[str, Task] = {
    "${VerifyFunctionArn}": lambda c, p: verify_bill.verify(c, p["discount_id"]),
    "${ParkFunctionArn}": lambda c, p: waiting.park(c, p["discount_id"], p["task_token"]),
    "${SealFunctionArn}": lambda c, p: seal.seal(c, p["discount_id"]),
    "${PayFunctionArn}": _disburse,
    "${UnwindFunctionArn}": lambda c, p: unwind.unwind(c, p["discount_id"], p["reason"], refused=p["refused"]),
    "${RecordFunctionArn}": lambda c, p: seal.record(c, p["subject"]),
    "${DeliverFunctionArn}": lambda c, p: notify.notify(c, p["subject"]),
}
_EXPRESSIONS: dict[str, Callable[[Scope], Any]] = {
    "$states.context.Execution.Input.discount_id": lambda s: s["execution"]["discount_id"],
    "$states.context.Execution.Input.subject": lambda s: s["execution"]["subject"],
    "$exists($states.context.Execution.Input.request_id) ? $states.context.Execution.Input.request_id : ''": (
        lambda s: s["execution"].get("request_id", "")
    ),
    "$states.context.Task.Token": lambda s: s["token"],
    "$states.result.Payload": lambda s: s["result"],
    "$states.result": lambda s: s["result"],
    "$states.input.verdict = 'reject'": lambda s: s["input"]["verdict"] == "reject",
    "$states.input.verdict = 'review'": lambda s: s["input"]["verdict"] == "review",
    "$states.input.confirmed = false": lambda s: s["input"]["confirmed"] is False,
    "$states.input.reason": lambda s: s["input"]["reason"],
    "$states.input.refused": lambda s: s["input"]["refused"],
    "$states.input.payment in ['SUCCEEDED', 'RETURNED']": lambda s: s["input"]["payment"] in ("SUCCEEDED", "RETURNED"),
    "$states.input.payment = 'FAILED'": lambda s: s["input"]["payment"] == "FAILED",
    "$exists($states.input.reason) and $states.input.reason != null ? $states.input.reason : 'PAYMENT_FAILED'": (
        lambda s: s["input"].get("reason") or "PAYMENT_FAILED"
    ),
    "$wait_s": lambda s: s["variables"]["wait_s"],
    "$wait_s < 60 ? $wait_s * 2 : $min([$wait_s + 10, 600])": (
        lambda s: (
            s["variables"]["wait_s"] * 2 if s["variables"]["wait_s"] < 60 else min(s["variables"]["wait_s"] + 10, 600)
        )
    ),
}


@dataclass
class Run:
    """One execution; it may be left in the middle and go on."""

    name: str
    payload: dict[str, Any]
    at: str = MACHINE["StartAt"]
    input: Any = None
    variables: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    """What it waits for: somebody to answer under this token."""
    waits_until: float | None = None
    ended: Running | None = None
    error: str | None = None
    visits: int = 0


@dataclass
class Machines:
    """The executions of a world, by name: the workflows port of its use cases."""

    context: Context | None = None
    now: Callable[[], Any] = lambda: None
    runs: dict[str, Run] = field(default_factory=dict)
    began: list[str] = field(default_factory=list)
    """Names of executions that wait for a worker to run them."""
    answers: dict[str, Any] = field(default_factory=dict)

    def start_discount(self, name: str, payload: dict[str, Any]) -> None:
        if name not in self.runs:
            self.runs[name] = Run(name, payload)
            self.began.append(name)

    def start_registration(self, name: str, payload: dict[str, Any]) -> None:
        raise AssertionError("no enterprise registers here")

    def resume(self, token: str, output: dict[str, Any]) -> None:
        self.answers.setdefault(token, output)
        waiting_run = next((run for run in self.runs.values() if run.token == token and run.ended is None), None)
        if waiting_run is not None and waiting_run.name not in self.began:
            self.began.append(waiting_run.name)

    def execution(self, name: str) -> Execution | None:
        run = self.runs.get(name)
        if run is None:
            return None
        return Execution(name, run.ended or Running.RUNNING, self.now() if run.ended else None, run.error)

    def redrive(self, name: str) -> bool:
        return False

    def failed_since(self, since: Any) -> Any:
        failed = [name for name, run in self.runs.items() if run.ended is Running.FAILED]
        return iter([found for name in failed if (found := self.execution(name)) is not None])


def run(context: Context, machines: Machines, name: str, visits_max: int = 400) -> None:
    """Carry an execution on until it ends or waits for a person."""
    one = machines.runs[name]
    while one.ended is None:
        one.visits += 1
        if one.visits > visits_max:
            raise AssertionError(f"{name} goes round and round at {one.at}")
        state = _STATES[one.at]
        scope = {"execution": one.payload, "input": one.input, "variables": one.variables, "token": _token(one)}
        if state["Type"] == "Choice":
            _choose(one, state, scope)
        elif state["Type"] == "Wait":
            seconds = _value(state["Seconds"], scope)
            _assign(one, state, scope)
            context.clock.sleep(seconds)
            one.at = state["Next"]
        elif not _task(context, machines, one, state, scope):
            return


def _task(context: Context, machines: Machines, one: Run, state: Any, scope: Scope) -> bool:
    """Whether the execution goes on at once."""
    if one.token is None:
        error = _invoke(context, state, scope)
        if error is not None:
            _caught(one, state, scope, error)
            return True
        if state["Resource"].endswith(".waitForTaskToken"):
            one.token = scope["token"]
            one.waits_until = context.clock.monotonic() + state["TimeoutSeconds"]
    if one.token is not None:
        if one.token not in machines.answers:
            if one.waits_until is not None and context.clock.monotonic() >= one.waits_until:
                one.token = None
                _caught(one, state, scope, "States.Timeout")
                return True
            return False
        scope["result"] = machines.answers[one.token]
        one.token = None
    _assign(one, state, scope)
    one.input = _value(state["Output"], scope)
    if state.get("End"):
        one.ended = Running.SUCCEEDED
    else:
        one.at = state["Next"]
    return True


def _invoke(context: Context, state: Any, scope: Scope) -> str | None:
    """Call the task as often as its retriers say; the name of the error that is left."""
    arguments = state["Arguments"]
    payload = {name: _value(value, scope) for name, value in arguments["Payload"].items()}
    attempts: dict[int, int] = {}
    while True:
        try:
            scope["result"] = TASKS[arguments["FunctionName"]](context, payload)
        except CrashError:
            error = "Lambda.Unknown"
        except Exception as raised:
            error = type(raised).__name__
        else:
            return None
        at, retrier = next(
            (pair for pair in enumerate(state.get("Retry", ())) if _matches(pair[1], error)), (None, None)
        )
        if retrier is None or at is None or attempts.get(at, 0) >= retrier["MaxAttempts"]:
            return error
        pause = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempts.get(at, 0)
        attempts[at] = attempts.get(at, 0) + 1
        context.clock.sleep(min(pause, retrier["MaxDelaySeconds"]))


def _caught(one: Run, state: Any, scope: Scope, error: str) -> None:
    for catcher in state.get("Catch", ()):
        if _matches(catcher, error):
            _assign(one, catcher, scope)
            one.input = {name: _value(value, scope) for name, value in catcher["Output"].items()}
            one.at = catcher["Next"]
            return
    one.ended, one.error = Running.FAILED, error


def _choose(one: Run, state: Any, scope: Scope) -> None:
    for choice in state["Choices"]:
        if _value(choice["Condition"], scope):
            if "Output" in choice:
                one.input = {name: _value(value, scope) for name, value in choice["Output"].items()}
            one.at = choice["Next"]
            return
    one.at = state["Default"]


def _assign(one: Run, state: Any, scope: Scope) -> None:
    for name, value in state.get("Assign", {}).items():
        one.variables[name] = _value(value, scope)


def _value(value: Any, scope: Scope) -> Any:
    if isinstance(value, str) and value.startswith("{%"):
        return _EXPRESSIONS[value.removeprefix("{%").removesuffix("%}").strip()](scope)
    return value


def _matches(rule: Any, error: str) -> bool:
    return error in rule["ErrorEquals"] or "States.ALL" in rule["ErrorEquals"]


def _token(one: Run) -> str:
    return f"{one.name}/{one.at}/{one.visits}"
