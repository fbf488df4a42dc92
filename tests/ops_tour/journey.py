"""What every stop of the tour needs: the stack, its alarms, its clock, and the runbooks' lines run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from demo import BUSINESS_TIME
from deployed import Deployed
from emulator import CREDENTIALS
from paths import ROOT
from stack import STACK

_PATIENCE_S = 180
_CLOCK_SEEN_S = 2.3
"""So long functions keep the clock that they have read."""
_NOT_OF_THE_WATCH = frozenset(
    {
        *("discounts-slow", "bank-unanswered", "registry-unanswered", "api-faults", "watch-silent"),
        *("requests-refused", "pages-refused"),
    }
)
"""Alarms of what is measured where it happens, and the one that hears when the watch is silent."""
_IDS = {
    name: re.compile(rf"\b{kind}_[a-z2-7]{{26}}\b")
    for name, kind in (("INCIDENT_ID", "inc"), ("CHANGE_ID", "chg"), ("DISCOUNT_ID", "dsc"))
}
_PLACEHOLDER = re.compile(r"\b(?:[A-Z]+\.json|[A-Z]+(?:_[A-Z]+)*)\b")


class NotAsToldError(Exception):
    """The platform, or the runbook, does not do what it says."""


@dataclass
class Journey:
    """The tour's stack, and what its commands have printed."""

    deployed: Deployed
    folder: Path
    now: datetime = field(default_factory=lambda: datetime.fromisoformat(BUSINESS_TIME))
    began: float = field(default_factory=time.monotonic)
    printed: dict[str, list[str]] = field(default_factory=dict)
    """The ids that the last command printed that printed any, by placeholder."""
    ran: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        shim = self.folder / "bin" / "aws"
        shim.parent.mkdir(parents=True, exist_ok=True)
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("aws_line.py")} "$@"\n')
        shim.chmod(0o755)
        self._client = self.deployed.stack.client("cloudwatch")

    # ---- the alarms
    def watch(self) -> dict[str, Any] | None:
        """Let the watch look now, unless its schedule does at this moment or it is stopped."""
        functions = self.deployed.stack.client("lambda")
        with suppress(functions.exceptions.TooManyRequestsException):
            return self.deployed.call("WatchFunction", {})
        return None

    def state(self, alarm: str) -> str:
        """OK, ALARM or INSUFFICIENT_DATA."""
        (found,) = self._client.describe_alarms(AlarmNames=[f"{STACK}-{alarm}"])["MetricAlarms"]
        return str(found["StateValue"])

    def ringing(self) -> list[str]:
        """The names of the alarms that ring now."""
        found = self._client.describe_alarms(AlarmNamePrefix=f"{STACK}-", StateValue="ALARM", MaxRecords=100)
        return sorted(str(one["AlarmName"]).removeprefix(f"{STACK}-") for one in found["MetricAlarms"])

    def until(self, alarm: str, wanted: str, meanwhile: Any = None) -> float:
        """Watch until the alarm is so; after how many seconds it was. ``meanwhile`` is done again and again."""
        began = time.monotonic()
        while self.state(alarm) != wanted:
            if time.monotonic() - began > _PATIENCE_S:
                raise NotAsToldError(f"{alarm} is {self.state(alarm)} and not {wanted} after {_PATIENCE_S} s.")
            if meanwhile is not None:
                meanwhile()
            if alarm not in _NOT_OF_THE_WATCH or (alarm == "watch-silent" and wanted == "OK"):
                self.watch()
            time.sleep(0.7)
        return time.monotonic() - began

    # ---- the world
    def advance(self, span: timedelta) -> None:
        """Let business time go on by so much, and everybody see it."""
        passed = timedelta(seconds=time.monotonic() - self.began)
        self.now, self.began = self.now + passed + span, time.monotonic()
        answer = requests.put(
            f"{self.deployed.stack.sandbox_url}/clock", json={"now": self.now.isoformat()}, timeout=30
        )
        answer.raise_for_status()
        time.sleep(_CLOCK_SEEN_S)

    def function(self, logical_name: str, *, stack: str = STACK) -> str:
        """The deployed name of a function of a stack."""
        found = self.deployed.stack.client("cloudformation").describe_stack_resources(
            StackName=stack, LogicalResourceId=logical_name
        )
        return str(found["StackResources"][0]["PhysicalResourceId"])

    def stop(self, function: str) -> None:
        """Let no invocation of a function begin."""
        functions = self.deployed.stack.client("lambda")
        functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    def let_run(self, function: str, at_once: int | None = None) -> None:
        """Let a function run again, as many at once as before."""
        functions = self.deployed.stack.client("lambda")
        if at_once is None:
            functions.delete_function_concurrency(FunctionName=function)
        else:
            functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=at_once)

    def give_up(self, path: str) -> None:
        """Put what the path's schedule could not begin into its dead-letter queue, as EventBridge Scheduler does."""
        queue = "".join(word.capitalize() for word in path.split("-")) + "DeadLetters"
        self.deployed.stack.client("sqs").send_message(QueueUrl=self.function(queue), MessageBody="{}")

    def submit(self) -> str:
        """A discount more, of a bill of its own."""
        return self.deployed.submit(next(self.deployed.plain))

    # ---- the runbooks' lines
    def run(self, line: str, values: dict[str, list[str]], *, must: bool) -> None:
        """Run a line as it stands, once for each value of its placeholder.

        Values come from ``values``, or from what the commands before have printed. Raises NotAsToldError where the
        command must succeed and does not, or where nobody knows its placeholder.
        """
        known = {**self.printed, **values, "STACK": [STACK]}
        wanted = [name for name in _PLACEHOLDER.findall(line) if name in known or name in _IDS]
        lines = [line]
        for name in dict.fromkeys(wanted):
            lines = [re.sub(rf"\b{re.escape(name)}", value, one) for one in lines for value in known.get(name, [])]
        if not lines:
            raise NotAsToldError(f"Nothing has printed what stands for {wanted} in: {line}")
        for one in lines:
            self._run(one, must=must)

    def _run(self, line: str, *, must: bool) -> None:
        keys = Path(self.deployed.stack.keys)
        told = {
            name: f"--url {self.deployed.stack.base_url} --key-id {person}#1 --key {keys / person}.pem"
            for name, person in (("OPERATIONS", "operations"), ("OPERATIONS_2", "operations-2"))
        }
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {
            **os.environ,
            **CREDENTIALS,
            **told,
            "PATH": path,
            "PYTHONPATH": str(ROOT / "layers" / "core"),
            "AWS_ENDPOINT_URL": self.deployed.stack.emulator.url,
        }
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        self.ran.append(line)
        self.log.append(f"$ {line}\n{done.stdout}{done.stderr}")
        if done.returncode and (must or done.returncode > 1):
            raise NotAsToldError(f"{line}\nanswered {done.returncode}:\n{done.stdout}{done.stderr}")
        for name, form in _IDS.items():
            if found := list(dict.fromkeys(form.findall(done.stdout))):
                self.printed[name] = found
