"""Measures as CloudWatch metrics, in the embedded metric format (EMF): lines of the log that CloudWatch reads.

No call is made and nothing is waited for. What one invocation notes is one line, written when it ends.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property

from aws_lambda_powertools import Metrics

from rongtong.domain.measures import NAMESPACE, UNITS


class EmfMeter:
    """Keeps measures until ``flush``; their only dimension, ``service``, is the deployment's name."""

    def __init__(self) -> None:
        self._noted = False

    @cached_property
    def _metrics(self) -> Metrics:
        return Metrics(namespace=NAMESPACE, service=os.environ.get("DEPLOYMENT", "rongtong"))

    def note(self, name: str, value: int) -> None:
        """One value of a measure of domain/measures.py. Raises KeyError for another."""
        self._metrics.add_metric(name=name, unit=UNITS[name].value, value=value)
        self._noted = True

    def note_all(self, values: Mapping[str, int]) -> None:
        """A value of each."""
        for name, value in values.items():
            self.note(name, value)

    def flush(self) -> None:
        """Write what was noted since the last time, if anything."""
        if self._noted:
            self._noted = False
            self._metrics.flush_metrics()


METER = EmfMeter()
"""The process's own: an invocation at a time runs in it."""
