"""The emulator's schedules at the times of their own zones, by a clock that can be put ahead."""

import json
import subprocess

import pytest

from paths import EMULATOR_PYTHON, ROOT

_SCRIPT = """
import json, os, pathlib, sys, time
sys.path.insert(0, sys.argv[1])
import schedule_clock
schedule_clock.install()
from ministack.services import eventbridge, scheduler
from ministack.services.cloudformation import provisioners

fired = []
eventbridge._invoke_target = lambda target, event, schedule: fired.append(schedule["Name"])
create = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]["create"]
clock = pathlib.Path(os.environ["CLOCK_FILE"])
midnight = 1776124800  # 2026-04-14T00:00:00Z
steps, schedules = json.loads(sys.argv[2])

def at(seconds):
    clock.write_text(str(midnight + seconds - time.time()))
    scheduler._tick_schedules()

at(0)
for name, properties in schedules.items():
    create(name, {"Name": name, "Target": {"Arn": "arn:a", "RoleArn": "arn:r"}, **properties}, "stack")
at(0)
for seconds in steps:
    fired.append(seconds)
    at(seconds)
print(json.dumps(fired))
"""


def _fired(tmp_path, steps, **schedules):
    """What fires when the clock is put there, after midnight (UTC) of a Tuesday; the steps stand between the names."""
    done = subprocess.run(
        [str(EMULATOR_PYTHON), "-c", _SCRIPT, str(ROOT / "infrastructure" / "local"), json.dumps([steps, schedules])],
        env={"CLOCK_FILE": str(tmp_path / "clock"), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


HOUR = 3600


@pytest.mark.parametrize(
    ("zone", "hour"),
    [({"ScheduleExpressionTimezone": "Asia/Shanghai"}, 2), ({"ScheduleExpressionTimezone": "UTC"}, 10), ({}, 10)],
)
def test_a_schedule_fires_at_its_hour_in_its_own_zone(tmp_path, zone, hour):
    at_ten = {"ScheduleExpression": "cron(0 10 * * ? *)", **zone}
    before, then = hour * HOUR - 60, hour * HOUR + 60
    assert _fired(tmp_path, [before, then], at_ten=at_ten) == [before, then, "at_ten"]


def test_a_day_of_the_month_is_the_zone_s(tmp_path):
    first = {"ScheduleExpression": "cron(0 5 15 * ? *)", "ScheduleExpressionTimezone": "Asia/Shanghai"}
    # The fifteenth at five in Shanghai is the fourteenth at nine in the evening in UTC.
    steps = [21 * HOUR - 60, 21 * HOUR + 60]
    assert _fired(tmp_path, steps, first=first) == [steps[0], steps[1], "first"]


def test_what_has_fired_waits_for_its_next_time(tmp_path):
    daily = {"ScheduleExpression": "cron(0 10 * * ? *)", "ScheduleExpressionTimezone": "Asia/Shanghai"}
    steps = [3 * HOUR, 4 * HOUR, 27 * HOUR]
    assert _fired(tmp_path, steps, daily=daily) == [steps[0], "daily", steps[1], steps[2], "daily"]


def test_a_rate_counts_by_the_same_clock(tmp_path):
    hourly = {"ScheduleExpression": "rate(1 hour)"}
    assert _fired(tmp_path, [HOUR - 60, HOUR + 60], hourly=hourly) == [HOUR - 60, HOUR + 60, "hourly"]
