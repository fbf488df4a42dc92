"""What executions cost, counted from their histories: task invocations, state transitions, write units, step times."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

_BEGINNINGS = ("TaskScheduled",)


@dataclass(frozen=True)
class Step:
    """One visit of a state; milliseconds from the execution's start."""

    name: str
    start_ms: float
    end_ms: float


@dataclass(frozen=True)
class Cost:
    """One execution's figures; write units include those of acceptance, which came before it."""

    task_invocations: int
    transitions: int
    write_units: int
    steps: tuple[Step, ...]


def cost_of(states: Any, machine_arn: str, name: str) -> Cost:
    """Count one finished execution. ``states`` is a Step Functions client."""
    arn = f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"
    events: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = states.get_execution_history(executionArn=arn, maxResults=1000, **more)
        events += page["events"]
        if "nextToken" not in page:
            break
        more = {"nextToken": page["nextToken"]}
    return _count(events)


def _count(events: list[dict[str, Any]]) -> Cost:
    started = json.loads(events[0]["executionStartedEventDetails"]["input"])
    units = int(started.get("write_units", 0))
    invocations = transitions = 0
    steps, entered = [], {}
    for event in events:
        at_ms = (event["timestamp"] - events[0]["timestamp"]).total_seconds() * 1000
        kind = event["type"]
        if kind in _BEGINNINGS:
            invocations += 1
        elif kind == "TaskSucceeded":
            payload = json.loads(event["taskSucceededEventDetails"]["output"]).get("Payload") or {}
            units += int(payload.get("write_units", 0))
        elif kind.endswith("StateEntered"):
            transitions += 1
            entered[event["stateEnteredEventDetails"]["name"]] = at_ms
        elif kind.endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            steps.append(Step(name, entered[name], at_ms))
    return Cost(invocations, transitions, units, tuple(steps))
