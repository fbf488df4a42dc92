"""The emulator's schedules by a clock that can be moved, at the times of their own time zones.

The emulator keeps no time zone of a schedule that a template makes, and reads every ``cron`` in UTC; AWS reads it in
the schedule's. Its clock is the machine's: here it is ahead by the seconds that the file ``CLOCK_FILE`` holds, and must
not be set back: what has fired waits for its next time. Business time, functions and executions know nothing of it. Run
by the emulator's interpreter.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from ministack.services import eventbridge, scheduler
from ministack.services.cloudformation import provisioners

_TICK_S = 1
"""The emulator looks every ten seconds what is due."""
_KIND = "AWS::Scheduler::Schedule"
_create = provisioners._RESOURCE_HANDLERS[_KIND]["create"]
_parse_cron_fields = eventbridge._parse_cron_fields
_cron_next_fire = eventbridge._cron_next_fire


class _Zoned(str):
    """A schedule's expression that knows its time zone."""

    zone: ZoneInfo


class _Fields(tuple[Any, ...]):
    """The fields of such an expression."""

    zone: ZoneInfo


def install() -> None:
    """Let the emulator of this process keep its schedules so, from its next look on."""
    provisioners._RESOURCE_HANDLERS[_KIND]["create"] = _create_in_its_zone
    eventbridge._parse_cron_fields = _parse_in_its_zone
    eventbridge._cron_next_fire = _next_in_its_zone
    scheduler.time = SimpleNamespace(**{**vars(time), "time": _now})
    scheduler._SCHEDULE_TICK_INTERVAL = _TICK_S


def _now() -> float:
    ahead = 0.0
    with suppress(KeyError, FileNotFoundError):
        ahead = float(Path(os.environ["CLOCK_FILE"]).read_text())
    return time.time() + ahead


def _create_in_its_zone(logical_id: str, properties: dict[str, Any], stack_name: str) -> Any:
    name, attributes = _create(logical_id, properties, stack_name)
    expression = _Zoned(properties["ScheduleExpression"])
    expression.zone = ZoneInfo(properties.get("ScheduleExpressionTimezone", "UTC"))
    kept = scheduler._schedules[f"{properties.get('GroupName', 'default')}/{name}"]
    kept |= {"ScheduleExpression": expression, "ScheduleExpressionTimezone": expression.zone.key}
    return name, attributes


def _parse_in_its_zone(expression: str) -> Any:
    fields = _parse_cron_fields(expression)
    if fields is None or not isinstance(expression, _Zoned):
        return fields
    zoned = _Fields(fields)
    zoned.zone = expression.zone
    return zoned


def _next_in_its_zone(fields: tuple[Any, ...], after: datetime) -> datetime | None:
    if isinstance(fields, _Fields):
        after = after.astimezone(fields.zone)
    found: datetime | None = _cron_next_fire(fields, after)
    return found
