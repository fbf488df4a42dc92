"""``make ops-tour``: each failure on a running stack raises its alarm; its runbook, followed to the letter, mends it.

With names of alarms as arguments: these alone. Exit 0 when every alarm rang and is over, and nothing rings at the end.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace

from failures import Failure, failures, put_fault
from journey import Journey, NotAsToldError
from rich.console import Console
from rich.table import Table

from deployed import running
from paths import BUILD
from runbooks import Runbook, runbooks

PERIOD_S = 3
"""So many seconds last the minute of an alarm."""
_FOLDER = BUILD / "ops-tour"


@dataclass
class Stop:
    """One failure, and what became of it."""

    failure: Failure
    rang_after_s: float | None = None
    ran: int = 0
    over_after_s: float | None = None
    wrong: str = ""


def main(only: list[str]) -> int:
    os.environ["ALARM_PERIOD_S"] = str(PERIOD_S)
    console, began = Console(soft_wrap=True, width=None if sys.stdout.isatty() else 140), time.monotonic()

    def say(step: str) -> None:
        console.print(f"  {time.monotonic() - began:6.1f} s  {step}", highlight=False)

    pages = runbooks()
    with running(_FOLDER, say) as deployed:
        journey = Journey(deployed, _FOLDER)
        stops = [_visit(journey, failure, pages[failure.alarm], say) for failure in _chosen(only)]
        for alarm in _quiet(journey):
            failure = Failure(alarm, "what the tour has left", None)
            stops.append(_visit(journey, failure, pages[alarm], say))
        left = _quiet(journey)
    (_FOLDER / "commands.txt").write_text("\n".join(journey.log), encoding="utf-8")
    console.print(_table(stops))
    console.print(f"What the commands printed: {_FOLDER / 'commands.txt'}")
    console.print("Nothing rings at the end." if not left else f"At the end there ring: {', '.join(left)}")
    if not only and (missing := set(pages) - {stop.failure.alarm for stop in stops}):
        console.print(f"Not visited: {', '.join(sorted(missing))}")
    return int(bool(left) or any(stop.wrong for stop in stops))


def _chosen(only: list[str]) -> list[Failure]:
    chosen = [failure for failure in failures() if not only or failure.alarm in only]
    return [replace(one, meanwhile=put_fault) if one.alarm == "api-faults" else one for one in chosen]


def _visit(journey: Journey, failure: Failure, runbook: Runbook, say: object) -> Stop:
    assert callable(say)
    stop = Stop(failure)
    journey.ran, journey.printed = [], {}
    say(f"{failure.what}")
    try:
        if failure.begin is not None:
            journey.until(failure.alarm, "OK")
            failure.begin(journey)
        stop.rang_after_s = journey.until(failure.alarm, "ALARM", _bound(journey, failure.meanwhile))
        say(f"  {failure.alarm} rings")
        for line in runbook.show:
            say(f"  $ {line}")
            journey.run(line, {}, must=False)
        values = {} if failure.outside is None else failure.outside(journey)
        for line in runbook.mend:
            say(f"  $ {line}")
            journey.run(line, values, must=True)
        stop.over_after_s = journey.until(failure.alarm, "OK", _bound(journey, failure.after))
        say(f"  {failure.alarm} is over")
    except (NotAsToldError, AssertionError) as error:
        stop.wrong = str(error)
        say(f"  WRONG: {stop.wrong}")
        journey.deployed.mood()
    stop.ran = len(journey.ran)
    return stop


def _bound(journey: Journey, action: object) -> object:
    return None if action is None else lambda: action(journey)  # type: ignore[operator]


def _quiet(journey: Journey) -> list[str]:
    """What rings still, after time enough for all to be over."""
    until = time.monotonic() + 60
    while (left := journey.ringing()) and time.monotonic() < until:
        journey.watch()
        time.sleep(1)
    return left


def _table(stops: list[Stop]) -> Table:
    table = Table("failure", "alarm", "rang after (s)", "commands", "over after (s)", "healthy again")
    for stop in stops:
        shown = ["-" if one is None else f"{one:.1f}" for one in (stop.rang_after_s, stop.over_after_s)]
        good = "yes" if not stop.wrong else f"NO: {stop.wrong.splitlines()[0][:60]}"
        table.add_row(stop.failure.what, stop.failure.alarm, shown[0], str(stop.ran), shown[1], good)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
