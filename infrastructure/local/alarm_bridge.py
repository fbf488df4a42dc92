"""Metrics out of the functions' log lines, and alarms as CloudWatch evaluates them, on the emulator.

The emulator reads no embedded metric format (EMF), and compares an alarm with all points of its metric's name at once,
whatever their dimensions and periods, only when somebody puts data. Here a line that begins as EMF does is stored as
the metrics that it says, and every alarm is evaluated again and again: period by period, its own dimensions alone, and
what is missing as its ``TreatMissingData`` says. With ``ALARM_PERIOD_S`` every alarm's period is so many seconds
instead of its own: an evening's worth of alarms in minutes. Run by the emulator's interpreter.
"""

from __future__ import annotations

import json
import logging
import operator
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ministack.core.lambda_runtime import Worker
from ministack.services import cloudwatch

_BEGINS = '{"_aws"'
_EVERY_S = 10.0
_SHORT = float(os.environ.get("ALARM_PERIOD_S") or 0)
_logger = logging.getLogger("alarms")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def install() -> None:
    """Let the emulator of this process read metrics and evaluate alarms so."""
    Worker._read_stderr = _read_stderr
    cloudwatch._evaluate_alarm = _evaluate
    threading.Thread(target=_again_and_again, name="alarms", daemon=True).start()


def _again_and_again() -> None:
    while True:
        time.sleep(min(_EVERY_S, _SHORT / 2) if _SHORT else _EVERY_S)
        for alarm in list(cloudwatch._alarms.values()):
            try:
                _evaluate(alarm)
            except Exception:
                _logger.exception("alarm %s", alarm.get("AlarmName"))


def _read_stderr(self: Worker) -> None:
    try:
        for line in self._proc.stderr:
            if line.startswith(_BEGINS):
                _store(line)
            self._stderr_queue.put(line.rstrip("\n"))
    except Exception:
        _logger.debug("a process ended", exc_info=True)


def _store(line: str) -> None:
    document: dict[str, Any] = json.loads(line)
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                found = document[metric["Name"]]
                for value in found if isinstance(found, list) else [found]:
                    cloudwatch.record_metric(
                        directive["Namespace"], metric["Name"], float(value), metric.get("Unit", "None"), dimensions
                    )


def _evaluate(alarm: dict[str, Any]) -> None:
    """Over the newest whole periods, as many as are evaluated."""
    period = _SHORT or float(alarm.get("Period", 60))
    count = int(alarm.get("EvaluationPeriods", 1))
    needed = int(alarm.get("DatapointsToAlarm") or count)
    end = time.time() // period * period
    points = _points(alarm)
    values = [_value(alarm, points, end - (back + 1) * period, end - back * period) for back in range(count)]
    breaches = _COMPARED[str(alarm["ComparisonOperator"])]
    threshold = float(alarm.get("Threshold", 0))
    known = [breaches(value, threshold) for value in values if value is not None]
    missing = count - len(known)
    treated = alarm.get("TreatMissingData") or "missing"
    breaching = sum(known) + (missing if treated == "breaching" else 0)
    if not known and treated in ("ignore", "missing"):
        if treated == "missing":
            _become(alarm, "INSUFFICIENT_DATA", "There is no data.")
        return
    shown = ", ".join("-" if value is None else f"{value:g}" for value in reversed(values))
    if breaching >= needed:
        _become(alarm, "ALARM", f"Threshold crossed: {shown} against {threshold:g}.")
    elif treated != "ignore" or len(known) >= needed or not any(known):
        _become(alarm, "OK", f"{shown} against {threshold:g}.")


def _points(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []}
    return [
        point
        for (namespace, name, _), points in list(cloudwatch._metrics.items())
        if namespace == alarm.get("Namespace") and name == alarm.get("MetricName")
        for point in list(points)
        if point["Dimensions"] == wanted
    ]


def _value(alarm: dict[str, Any], points: list[dict[str, Any]], start: float, end: float) -> float | None:
    inside = [point for point in points if start <= point["Timestamp"] < end]
    if not inside:
        return None
    statistics = cloudwatch._calc_stats(inside)
    named = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    found = cloudwatch._stat_value(statistics, named, inside)
    return None if found is None else float(found)


def _become(alarm: dict[str, Any], state: str, reason: str) -> None:
    old = alarm["StateValue"]
    if old == state:
        return
    alarm["StateValue"], alarm["StateReason"] = state, reason
    alarm["StateUpdatedTimestamp"] = int(time.time())
    cloudwatch._record_history(alarm["AlarmName"], old, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)
